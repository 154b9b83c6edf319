//! From what an instance has to what it shall have: what comes, what goes, which VNFCs are changed where they are and which
//! are made again. Change of flavour, of external connectivity and of the VNF package are this (SOL003 clauses 5.4.7,
//! 5.4.11, 5.4.11a).

use std::collections::BTreeSet;

use lcm::{Plan, PlanFaults, StepSpec};
use reference_points::common::Fault;
use reference_points::or_vi::TrunkPart;
use reference_points::or_vnfm::GrantRequest;
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::blueprint::{Blueprint, PortPart, RootPart, VnfcPart, VolumePart};
use super::instantiate::{GRANT, PortParams, additions, grant_step, key, port_steps};
use super::inventory::{Owned, Part, volumes_of};
use super::terminate::{RemoveParams, removals};

/// Parameters of a step that changes a compute where it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChangeParams {
    /// As it is.
    pub old: Owned,
    /// As it shall be.
    pub part: VnfcPart,
}

/// A VNFC that stays and does not stay as it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Changed {
    /// As it is.
    pub old: Owned,
    /// As it shall be.
    pub new: VnfcPart,
    /// It is made again from its image, not changed where it is.
    pub anew: bool,
}

/// What an operation does.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Difference {
    /// What comes.
    pub add: Blueprint,
    /// Ports that come to VNFCs which stay.
    pub ports: Vec<PortParams>,
    /// What goes.
    pub remove: Vec<Owned>,
    /// What changes.
    pub change: Vec<Changed>,
}

impl Difference {
    /// The computes that change, as they are.
    pub fn updated(&self) -> Vec<Owned> {
        self.change.iter().map(|c| c.old.clone()).collect()
    }

    /// Whether anything is done at all.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What leads from `present` to `target`, whose parts have the identifiers of what stays. `rebuild` says of a VNFC, as it is
/// and as it shall be, that it must be made again.
///
/// # Errors
/// Every change that cannot be made.
pub fn difference(
    target: Blueprint,
    present: &[Owned],
    rebuild: &dyn Fn(&VnfcPart, &VnfcPart) -> bool,
) -> Result<Difference, Vec<Fault>> {
    let there: BTreeSet<Uuid> = present.iter().map(Owned::id).collect();
    let is_new = |id: &Uuid| !there.contains(id);
    let (mut faults, mut change, mut ports) = (Vec::new(), Vec::new(), Vec::new());
    let mut kept: BTreeSet<Uuid> = ids_of(&target).collect();
    let mut add = Blueprint {
        links: target.links.into_iter().filter(|l| is_new(&l.id)).collect(),
        groups: target.groups.into_iter().filter(|g| is_new(&g.id)).collect(),
        volumes: target.volumes.into_iter().filter(|v| is_new(&v.id)).collect(),
        vnfcs: Vec::new(),
    };
    for mut vnfc in target.vnfcs {
        let Some(old) = present.iter().find(|o| o.id() == vnfc.id) else {
            add.vnfcs.push(vnfc);
            continue;
        };
        let Some(was) = old.vnfc() else { continue };
        let anew = rebuild(was, &vnfc);
        if !anew {
            // A machine cannot leave a group while it is there.
            for group in was.groups.iter().filter(|g| there.contains(g)) {
                if !vnfc.groups.contains(group) {
                    vnfc.groups.push(*group);
                }
                kept.insert(*group);
            }
            vnfc.groups.sort_by_key(|g| (!was.groups.contains(g), *g));
            faults.extend(impossible(was, &vnfc));
        }
        faults.extend(emptied(&vnfc, &add, present));
        ports.extend(new_ports(&vnfc, &there));
        if anew || differs(was, &vnfc) {
            change.push(Changed { old: old.clone(), new: vnfc, anew });
        }
    }
    let remove: Vec<Owned> = present.iter().filter(|o| !kept.contains(&o.id())).cloned().collect();
    faults.extend(taken(&add, &ports, &remove));
    if faults.is_empty() { Ok(Difference { add, ports, remove, change }) } else { Err(faults) }
}

fn ids_of(blueprint: &Blueprint) -> impl Iterator<Item = Uuid> {
    let links = blueprint.links.iter().flat_map(|l| std::iter::once(l.id).chain(l.subnets.iter().map(|s| s.id)));
    let vnfcs = blueprint.vnfcs.iter().flat_map(|v| std::iter::once(v.id).chain(v.ports.iter().map(|p| p.id)));
    let groups = blueprint.groups.iter().map(|g| g.id);
    links.chain(vnfcs).chain(groups).chain(blueprint.volumes.iter().map(|v| v.id))
}

fn new_ports(vnfc: &VnfcPart, there: &BTreeSet<Uuid>) -> impl Iterator<Item = PortParams> {
    let new = |p: &&PortPart| !there.contains(&p.id);
    vnfc.ports.iter().filter(new).map(|port| PortParams { port: port.clone(), vnfc: vnfc.id })
}

/// Whether the machine itself changes, or what is known of it: ports of its trunks are no NICs, but they are its ports.
fn differs(old: &VnfcPart, new: &VnfcPart) -> bool {
    let ports = |v: &VnfcPart| v.ports.iter().map(|p| p.id).collect::<Vec<_>>();
    old.flavour != new.flavour
        || old.root != new.root
        || old.volumes != new.volumes
        || old.groups != new.groups
        || ports(old) != ports(new)
}

/// Why a machine cannot be changed where it is.
fn impossible(old: &VnfcPart, new: &VnfcPart) -> Vec<Fault> {
    let mut faults = Vec::new();
    let place = format!("VNFC {}", old.name);
    if let (RootPart::Image { size_bytes: Some(was), .. }, RootPart::Image { size_bytes, .. }) = (&old.root, &new.root)
        && size_bytes.is_none_or(|size| size < *was)
    {
        let text = format!("its root disk has {was} bytes and cannot become smaller");
        faults.push(Fault::new(place.clone(), text));
    }
    if matches!((&old.root, &new.root), (RootPart::Volume(a), RootPart::Volume(b)) if a != b)
        || matches!(
            (&old.root, &new.root),
            (RootPart::Volume(_), RootPart::Image { .. }) | (RootPart::Image { .. }, RootPart::Volume(_))
        )
    {
        faults.push(Fault::new(place.clone(), "it boots from another disk then, which a running machine cannot"));
    }
    faults
}

/// The same storage with another size or content would be an empty disk in the place of a full one.
fn emptied(new: &VnfcPart, add: &Blueprint, present: &[Owned]) -> Vec<Fault> {
    let there = |name: &str| present.iter().any(|o| matches!(&o.part, Part::Volume(old) if old.name == name));
    let other = add.volumes.iter().filter(|v| new.volumes.contains(&v.id) && there(&v.name));
    let fault = |v: &VolumePart| {
        let text = format!("its volume {} would be another one, and what is on it lost", v.name);
        Fault::new(format!("VNFC {}", new.name), text).mend("keep size and image of the storage")
    };
    other.map(fault).collect()
}

/// Addresses, and tags of trunks, that a new port asks for while the one it replaces still has them.
fn taken(add: &Blueprint, ports: &[PortParams], remove: &[Owned]) -> Vec<Fault> {
    let new = add.vnfcs.iter().flat_map(|v| &v.ports).chain(ports.iter().map(|p| &p.port));
    let mut faults = Vec::new();
    for port in new {
        if let Some(TrunkPart::SubPort { parent_id, segmentation_id: Some(tag) }) = &port.trunk {
            let same = Some(TrunkPart::SubPort { parent_id: *parent_id, segmentation_id: Some(*tag) });
            let holds = |o: &&Owned| matches!(&o.part, Part::Port(old) if old.port.trunk == same);
            if let Some(old) = remove.iter().find(holds) {
                let text = format!("port {} has tag {tag} of the trunk until the new one is there", old.name());
                faults.push(
                    Fault::new(format!("CP {}", port.cpd), text).mend("give the new one another segmentation_id"),
                );
            }
        }
        for ip in port.addresses.iter().filter_map(|a| a.ip) {
            let holds = |o: &&Owned| match &o.part {
                Part::Port(old) => {
                    old.port.on.network() == port.on.network() && old.port.addresses.iter().any(|a| a.ip == Some(ip))
                }
                _ => false,
            };
            if let Some(old) = remove.iter().find(holds) {
                let text = format!("port {} has address {ip} until the new one is there", old.name());
                let fault = Fault::new(format!("CP {}", port.cpd), text);
                faults.push(fault.mend("give the new one another address in extVirtualLinks"));
            }
        }
    }
    faults
}

/// In which order VNFCs change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// All side by side.
    Together,
    /// One after the other, so that the others serve meanwhile.
    Rolling,
    /// What is new first; what goes only when all of it runs.
    NewFirst,
}

/// The plan.
///
/// # Errors
/// When there are more resources than the engine allows steps.
pub fn plan(difference: &Difference, grant: &GrantRequest, order: Order) -> Result<Plan, PlanFaults> {
    let mut steps = vec![grant_step(grant)];
    steps.extend(additions(&difference.add));
    steps.extend(port_steps(&difference.add, &difference.ports));
    let mut previous: Option<String> = None;
    for changed in &difference.change {
        let mut needs: Vec<String> = new_of(difference, &changed.new);
        if order == Order::Rolling {
            needs.extend(previous.take());
        }
        steps.extend(change_steps(changed, needs));
        previous = Some(last_key(changed));
    }
    let running: Vec<String> = difference.add.vnfcs.iter().map(|v| key("vnfc", &v.name)).collect();
    for mut step in removals(&difference.remove, None) {
        if let Ok(params) = RemoveParams::deserialize(&step.params) {
            let freed = difference.change.iter().filter(|c| uses(&c.old, params.resource.id()));
            step = step.after_all(freed.map(first_key));
            if let Part::Network(_) | Part::Subnet(_) = params.resource.part {
                step = step.after_all(difference.change.iter().map(first_key));
            }
        }
        steps.push(if order == Order::NewFirst { step.after_all(running.clone()) } else { step });
    }
    Plan::new(steps)
}

fn uses(compute: &Owned, id: Uuid) -> bool {
    let Some(vnfc) = compute.vnfc() else { return false };
    vnfc.ports.iter().any(|p| p.id == id) || volumes_of(vnfc).any(|v| v == id) || vnfc.groups.contains(&id)
}

/// Keys of the steps that make what is new of a VNFC.
fn new_of(difference: &Difference, vnfc: &VnfcPart) -> Vec<String> {
    let ports = difference.ports.iter().filter(|p| p.vnfc == vnfc.id).map(|p| key("port", &p.port.name));
    let volumes = difference.add.volumes.iter().filter(|v| volumes_of(vnfc).any(|id| id == v.id));
    let groups = difference.add.groups.iter().filter(|g| vnfc.groups.contains(&g.id));
    ports.chain(volumes.map(|v| key("volume", &v.name))).chain(groups.map(|g| key("group", &g.name))).collect()
}

fn first_key(changed: &Changed) -> String {
    key(if changed.anew { "clear" } else { "change" }, changed.old.name())
}

fn last_key(changed: &Changed) -> String {
    key(if changed.anew { "vnfc" } else { "change" }, changed.old.name())
}

fn change_steps(changed: &Changed, needs: Vec<String>) -> Vec<StepSpec> {
    let (old, new, name) = (&changed.old, &changed.new, changed.old.name());
    if !changed.anew {
        let params = ChangeParams { old: old.clone(), part: new.clone() };
        let step = StepSpec::new(first_key(changed), "change", format!("Change {name}")).params(json!(params));
        return vec![step.after(GRANT).after_all(needs)];
    }
    let params = RemoveParams { resource: old.clone(), grace_seconds: None };
    let clear = StepSpec::new(first_key(changed), "clear", format!("Remove the old {name}")).params(json!(params));
    let run = StepSpec::new(last_key(changed), "compute", format!("Run the new {name}")).params(json!(new));
    vec![clear.after(GRANT).after_all(needs), run.after(GRANT).after(first_key(changed))]
}
