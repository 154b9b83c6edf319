//! What an instance has in its VIMs: every resource with the part of the blueprint it was made from, so that a later
//! operation can remove it, make it again, or make more of its kind; and what the steps of an operation do to that list.

use std::collections::BTreeMap;

use lcm::{StepState, StepView};
use reference_points::or_vi::Compute;
use reference_points::or_vnfm::Grant;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::blueprint::{GroupPart, LinkPart, RootPart, VnfcPart, VolumePart};
use super::converge::ChangeParams;
use super::instantiate::{GRANT, PortParams, SubnetParams};
use super::operate::PowerParams;
use super::terminate::RemoveParams;
use crate::vi::{Kind, VimRef};

/// What a resource was made from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "part", rename_all = "snake_case")]
pub enum Part {
    /// Affinity group.
    AffinityGroup(GroupPart),
    /// Internal virtual link.
    Network(LinkPart),
    /// Subnet of an internal virtual link.
    Subnet(SubnetParams),
    /// Port of a VNFC.
    Port(PortParams),
    /// Virtual storage.
    Volume(VolumePart),
    /// VNFC.
    Compute(VnfcPart),
}

impl Part {
    /// The part that a step makes; `None` for steps that make nothing.
    pub fn of(step: &StepView) -> Option<Self> {
        fn read<T: DeserializeOwned>(step: &StepView) -> Option<T> {
            T::deserialize(step.params.as_ref()).ok()
        }
        Some(match step.kind.as_str() {
            "affinity_group" => Self::AffinityGroup(read(step)?),
            "network" => Self::Network(read(step)?),
            "subnet" => Self::Subnet(read(step)?),
            "port" => Self::Port(read(step)?),
            "volume" => Self::Volume(read(step)?),
            "compute" => Self::Compute(read(step)?),
            _ => return None,
        })
    }

    /// Definition in the grant request whose place it has.
    pub fn definition(&self) -> Uuid {
        match self {
            Self::AffinityGroup(group) => group.members.first().copied().unwrap_or(group.id),
            Self::Network(link) => link.id,
            Self::Subnet(subnet) => subnet.link,
            Self::Port(port) => port.vnfc,
            Self::Volume(volume) => volume.id,
            Self::Compute(vnfc) => vnfc.id,
        }
    }
}

/// A resource that an instance has.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Owned {
    /// What it was made from.
    #[serde(flatten)]
    pub part: Part,
    /// Where it is.
    pub at: VimRef,
    /// Resource zone that it was granted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// What the VIM answered when it was made; absent when it never said that it was ready.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<Value>,
    /// Of a compute: it was stopped by an operation.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stopped: bool,
}

impl Owned {
    /// What it is.
    pub fn kind(&self) -> Kind {
        match self.part {
            Part::AffinityGroup(_) => Kind::AffinityGroup,
            Part::Network(_) => Kind::Network,
            Part::Subnet(_) => Kind::Subnet,
            Part::Port(_) => Kind::Port,
            Part::Volume(_) => Kind::Volume,
            Part::Compute(_) => Kind::Compute,
        }
    }

    /// Its id in the VIM.
    pub fn id(&self) -> Uuid {
        match &self.part {
            Part::AffinityGroup(group) => group.id,
            Part::Network(link) => link.id,
            Part::Subnet(subnet) => subnet.subnet.id,
            Part::Port(port) => port.port.id,
            Part::Volume(volume) => volume.id,
            Part::Compute(vnfc) => vnfc.id,
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        match &self.part {
            Part::AffinityGroup(group) => &group.name,
            Part::Network(link) => &link.desc,
            Part::Subnet(subnet) => &subnet.subnet.spec.name,
            Part::Port(port) => &port.port.name,
            Part::Volume(volume) => &volume.name,
            Part::Compute(vnfc) => &vnfc.name,
        }
    }

    /// What of the descriptor it is made from: VDU, VnfVirtualLinkDesc, VirtualStorageDesc, CP or rule.
    pub fn desc(&self) -> &str {
        match &self.part {
            Part::AffinityGroup(group) => &group.name,
            Part::Network(link) => &link.desc,
            Part::Subnet(subnet) => &subnet.subnet.spec.name,
            Part::Port(port) => &port.port.cpd,
            Part::Volume(volume) => &volume.desc,
            Part::Compute(vnfc) => &vnfc.vdu,
        }
    }

    /// The VNFC, when it is one.
    pub fn vnfc(&self) -> Option<&VnfcPart> {
        if let Part::Compute(vnfc) = &self.part { Some(vnfc) } else { None }
    }

    /// What the VIM answered, read back.
    pub fn found_as<T: DeserializeOwned>(&self) -> Option<T> {
        T::deserialize(self.found.as_ref()?).ok()
    }

    fn order(&self) -> (Kind, &str, usize, &str) {
        (self.kind(), self.desc(), self.name().len(), self.name())
    }
}

/// Volumes of a VNFC, that it boots from among them.
pub fn volumes_of(vnfc: &VnfcPart) -> impl Iterator<Item = Uuid> {
    let root = if let RootPart::Volume(id) = vnfc.root { Some(id) } else { None };
    vnfc.volumes.iter().copied().chain(root)
}

/// Who uses each resource: what must be gone before it can go.
pub fn users(all: &[Owned]) -> BTreeMap<Uuid, Vec<Uuid>> {
    let mut users: BTreeMap<Uuid, Vec<Uuid>> = BTreeMap::new();
    for owned in all {
        match &owned.part {
            Part::Compute(vnfc) => {
                for used in vnfc.ports.iter().map(|p| p.id).chain(volumes_of(vnfc)).chain(vnfc.groups.iter().copied()) {
                    users.entry(used).or_default().push(vnfc.id);
                }
            }
            Part::Port(port) => {
                // A change that was given up may have left a port that only the VIM counts among those of its VNFC.
                let known = users.get(&port.port.id).is_some_and(|all| all.contains(&port.vnfc));
                if !known && all.iter().any(|o| o.id() == port.vnfc) {
                    users.entry(port.port.id).or_default().push(port.vnfc);
                }
                if let Some(parent) = port.port.parent() {
                    users.entry(parent).or_default().push(port.port.id);
                }
                let network = port.port.on.network();
                users.entry(network).or_default().push(port.port.id);
                let on_link = |o: &&Owned| matches!(&o.part, Part::Subnet(subnet) if subnet.link == network);
                for subnet in all.iter().filter(on_link) {
                    users.entry(subnet.id()).or_default().push(port.port.id);
                }
            }
            Part::Subnet(subnet) => users.entry(subnet.link).or_default().push(subnet.subnet.id),
            Part::AffinityGroup(_) | Part::Network(_) | Part::Volume(_) => {}
        }
    }
    users
}

/// What the instance has after an operation rests: what it had, with what steps made and without what they removed. A step
/// that failed or is unknown midway may have made something, which therefore counts.
pub fn after(before: Vec<Owned>, steps: &[StepView]) -> Vec<Owned> {
    let grant: Option<Grant> = steps.iter().find(|s| s.key == GRANT).and_then(output);
    let mut all: BTreeMap<Uuid, Owned> = before.into_iter().map(|o| (o.id(), o)).collect();
    for step in steps {
        match step.kind.as_str() {
            "remove" if step.state == StepState::Done => {
                if let Ok(removed) = RemoveParams::deserialize(step.params.as_ref()) {
                    all.remove(&removed.resource.id());
                }
            }
            "restore" if step.state == StepState::Done => {
                if let Ok(restored) = Owned::deserialize(step.params.as_ref())
                    && let (Some(owned), Some(found)) = (all.get_mut(&restored.id()), output(step))
                {
                    owned.found = Some(found);
                }
            }
            "change" => {
                if let Ok(change) = ChangeParams::deserialize(step.params.as_ref())
                    && let (StepState::Done, Some(owned)) = (step.state, all.get_mut(&change.part.id))
                {
                    owned.part = Part::Compute(change.part);
                    owned.found = output(step).or(owned.found.take());
                }
            }
            "power" if step.state == StepState::Done => {
                if let Ok(power) = PowerParams::deserialize(step.params.as_ref())
                    && let Some(owned) = all.get_mut(&power.vnfc.id())
                {
                    owned.stopped = !power.run;
                }
            }
            _ if matches!(step.state, StepState::Pending | StepState::Undone) => {}
            _ => {
                let place = |part: &Part| super::grants::place(grant.as_ref()?, part.definition()).ok();
                if let Some(part) = Part::of(step)
                    && let Some(place) = place(&part)
                {
                    let made = Owned { part, at: place.at, zone: place.zone, found: output(step), stopped: false };
                    // Made again (heal): what was known of its zone holds on.
                    let zone = all.get(&made.id()).and_then(|old| old.zone.clone());
                    all.insert(made.id(), Owned { zone: made.zone.clone().or(zone), ..made });
                }
            }
        }
    }
    let mut all: Vec<Owned> = all.into_values().collect();
    all.sort_by(|a, b| a.order().cmp(&b.order()));
    all
}

/// Resource zone that a compute is in: what the VIM says, else what was granted.
pub fn zone_of(owned: &Owned) -> Option<String> {
    owned.found_as::<Compute>().and_then(|c| c.zone).or_else(|| owned.zone.clone())
}

/// The output of a step.
pub fn output<T: DeserializeOwned>(step: &StepView) -> Option<T> {
    T::deserialize(step.output.as_deref()?).ok()
}
