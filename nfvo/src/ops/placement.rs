//! Where the resources of a grant request go: zone by zone, by what is free (SOL003 clause 9.3). Pure: the answer depends
//! on the arguments alone.

use std::collections::{BTreeMap, BTreeSet};

use reference_points::common::{Fault, ProblemDetails};
use reference_points::nf_vi::Capacity;
use reference_points::or_vi::{VimCapacity, ZoneCapacity};
use reference_points::or_vnfm::{
    AffinityOrAntiAffinity, ConstraintResourceIdType, PlacementConstraint, PlacementScope,
};

/// One compute to be placed, with everything that comes and goes with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Demand {
    /// Resource definition of the grant request.
    pub id: String,
    /// What it is, for people: `web (VDU)`.
    pub name: String,
    /// What it takes.
    pub needs: Capacity,
}

/// The zone chosen for each compute, by its resource definition.
pub type Placement = BTreeMap<String, String>;

/// Chooses a zone for every compute.
///
/// Largest demands are placed first, each in the zone with most memory free that can hold it on one host. Constraints of
/// scope ZONE are met here; those of scope NFVI_NODE are for the VIM, which knows its hosts, and only checked for room.
///
/// # Errors
/// 403 with one fault for each thing that lacks room or each constraint that cannot be met.
pub fn place(
    demands: &[Demand],
    constraints: &[PlacementConstraint],
    capacity: &VimCapacity,
) -> Result<Placement, Box<ProblemDetails>> {
    let mut faults = Vec::new();
    let groups = groups(demands, constraints, &mut faults);
    let mut free: BTreeMap<&str, Room> = capacity.zones.iter().map(|(z, c)| (z.as_str(), Room::of(c))).collect();
    let mut placement = Placement::new();
    let mut order: Vec<&Demand> = demands.iter().collect();
    order.sort_by(|a, b| size(&b.needs).cmp(&size(&a.needs)).then(a.id.cmp(&b.id)));
    for demand in order {
        let allowed = |zone: &str| groups.iter().all(|g| g.best_effort || g.allows(&demand.id, zone, &placement));
        let preferred = |zone: &str| groups.iter().all(|g| g.allows(&demand.id, zone, &placement));
        let best = free
            .iter()
            .filter(|(zone, room)| room.holds(&demand.needs) && allowed(zone))
            .max_by_key(|(zone, room)| (preferred(zone), room.left.memory_bytes, std::cmp::Reverse(**zone)))
            .map(|(zone, _)| *zone);
        match best {
            Some(zone) => {
                if let Some(room) = free.get_mut(zone) {
                    room.take(&demand.needs);
                }
                placement.insert(demand.id.clone(), zone.to_owned());
            }
            None => faults.push(lack(demand, &free, &allowed)),
        }
    }
    if faults.is_empty() { Ok(placement) } else { Err(Box::new(refusal(demands, capacity, faults))) }
}

/// What is left of a zone.
#[derive(Debug, Clone, Copy)]
struct Room {
    left: Capacity,
    largest: Capacity,
}

impl Room {
    fn of(zone: &ZoneCapacity) -> Self {
        Self { left: minus(&zone.total, &zone.reserved), largest: zone.largest_free }
    }

    fn holds(&self, needs: &Capacity) -> bool {
        fits(needs, &self.left) && fits(needs, &self.largest)
    }

    fn take(&mut self, needs: &Capacity) {
        self.left = minus(&self.left, needs);
    }
}

fn fits(needs: &Capacity, room: &Capacity) -> bool {
    needs.vcpus <= room.vcpus && needs.memory_bytes <= room.memory_bytes && needs.disk_bytes <= room.disk_bytes
}

fn minus(a: &Capacity, b: &Capacity) -> Capacity {
    Capacity {
        vcpus: a.vcpus.saturating_sub(b.vcpus),
        memory_bytes: a.memory_bytes.saturating_sub(b.memory_bytes),
        disk_bytes: a.disk_bytes.saturating_sub(b.disk_bytes),
    }
}

fn plus(a: &Capacity, b: &Capacity) -> Capacity {
    Capacity {
        vcpus: a.vcpus.saturating_add(b.vcpus),
        memory_bytes: a.memory_bytes.saturating_add(b.memory_bytes),
        disk_bytes: a.disk_bytes.saturating_add(b.disk_bytes),
    }
}

fn size(needs: &Capacity) -> (u64, u64, u64) {
    (needs.memory_bytes, needs.vcpus, needs.disk_bytes)
}

/// Computes that share a zone, or do not.
struct Group<'a> {
    members: BTreeSet<&'a str>,
    together: bool,
    best_effort: bool,
}

impl Group<'_> {
    fn allows(&self, id: &str, zone: &str, placement: &Placement) -> bool {
        if !self.members.contains(id) {
            return true;
        }
        let mut others = self.members.iter().filter(|m| **m != id).filter_map(|m| placement.get(*m));
        if self.together { others.all(|z| z == zone) } else { others.all(|z| z != zone) }
    }
}

fn groups<'a>(demands: &[Demand], constraints: &'a [PlacementConstraint], faults: &mut Vec<Fault>) -> Vec<Group<'a>> {
    let known: BTreeSet<&str> = demands.iter().map(|d| d.id.as_str()).collect();
    let mut groups = Vec::new();
    for (i, constraint) in constraints.iter().enumerate() {
        let together = constraint.affinity_or_anti_affinity == AffinityOrAntiAffinity::Affinity;
        let best_effort = constraint.fallback_best_effort == Some(true);
        let members: BTreeSet<&str> = constraint
            .resource
            .iter()
            .filter(|r| r.id_type == ConstraintResourceIdType::Grant && known.contains(r.resource_id.as_str()))
            .map(|r| r.resource_id.as_str())
            .collect();
        match constraint.scope {
            PlacementScope::Zone => groups.push(Group { members, together, best_effort }),
            PlacementScope::NfviNode => {}
            // One VIM is one point of presence and one group of zones: everything is together there.
            PlacementScope::NfviPop | PlacementScope::ZoneGroup => {
                if !together && members.len() > 1 && !best_effort {
                    faults.push(
                        Fault::new(
                            format!("/placementConstraints/{i}"),
                            format!(
                                "{} resources shall be apart by {}, and the VIM is one",
                                members.len(),
                                constraint.scope
                            ),
                        )
                        .mend("use scope ZONE or NFVI_NODE, or set fallbackBestEffort"),
                    );
                }
            }
        }
    }
    groups
}

fn lack(demand: &Demand, free: &BTreeMap<&str, Room>, allowed: &impl Fn(&str) -> bool) -> Fault {
    let at = format!("/addResources/{}", demand.id);
    if free.is_empty() {
        return Fault::new(
            at,
            format!("{} needs {}, and the VIM has no zone with a host that answers", demand.name, words(&demand.needs)),
        )
        .mend("add a host, or bring one back: mano host list");
    }
    let rooms: Vec<String> = free
        .iter()
        .map(|(zone, room)| {
            let barred = if allowed(zone) { "" } else { ", barred by a placement constraint" };
            format!("zone {zone}: {} free, {} of it on one host{barred}", words(&room.left), words(&room.largest))
        })
        .collect();
    Fault::new(at, format!("{} needs {}; {}", demand.name, words(&demand.needs), rooms.join("; ")))
        .mend("free resources, add a host, or ask for less")
}

fn refusal(demands: &[Demand], capacity: &VimCapacity, faults: Vec<Fault>) -> ProblemDetails {
    let asked = demands.iter().fold(Capacity::default(), |sum, d| plus(&sum, &d.needs));
    let free = minus(&capacity.total, &capacity.reserved);
    let detail = format!(
        "{} computes need {} in all, {} are free in the VIM; {}",
        demands.len(),
        words(&asked),
        words(&free),
        if faults.len() == 1 {
            "one thing is in the way".to_owned()
        } else {
            format!("{} things are in the way", faults.len())
        },
    );
    ProblemDetails { faults, ..ProblemDetails::new(403, "Grant refused", detail) }
}

/// `2 vCPU, 512 MiB memory, 1.5 GiB disk`.
fn words(c: &Capacity) -> String {
    format!("{} vCPU, {} memory, {} disk", c.vcpus, bytes(c.memory_bytes), bytes(c.disk_bytes))
}

fn bytes(n: u64) -> String {
    const MIB: u64 = 1 << 20;
    const GIB: u64 = 1 << 30;
    if n >= 10 * GIB || (n >= GIB && n.is_multiple_of(GIB)) {
        format!("{} GiB", n / GIB)
    } else {
        format!("{} MiB", n / MIB)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use reference_points::or_vnfm::ConstraintResourceRef;

    use super::*;

    fn cap(vcpus: u64, mib: u64) -> Capacity {
        Capacity { vcpus, memory_bytes: mib << 20, disk_bytes: mib << 20 }
    }

    fn vim(zones: &[(&str, Capacity, Capacity)]) -> VimCapacity {
        let mut total = Capacity::default();
        let mut out = BTreeMap::new();
        for (name, free, largest) in zones {
            total = plus(&total, free);
            let zone = ZoneCapacity { total: *free, reserved: Capacity::default(), largest_free: *largest };
            out.insert((*name).to_owned(), zone);
        }
        VimCapacity { total, reserved: Capacity::default(), zones: out }
    }

    fn demand(id: &str, needs: Capacity) -> Demand {
        Demand { id: id.to_owned(), name: format!("{id} (web)"), needs }
    }

    fn constraint(kind: AffinityOrAntiAffinity, scope: PlacementScope, ids: &[&str]) -> PlacementConstraint {
        let resource = ids
            .iter()
            .map(|id| ConstraintResourceRef {
                id_type: ConstraintResourceIdType::Grant,
                resource_id: (*id).to_owned(),
                vim_connection_id: None,
                resource_provider_id: None,
            })
            .collect();
        PlacementConstraint { affinity_or_anti_affinity: kind, scope, resource, fallback_best_effort: None }
    }

    #[test]
    fn computes_spread_over_zones_by_free_memory() {
        let vim = vim(&[("a", cap(8, 1000), cap(8, 1000)), ("b", cap(8, 1500), cap(8, 1500))]);
        let placed =
            place(&[demand("1", cap(1, 600)), demand("2", cap(1, 600)), demand("3", cap(1, 300))], &[], &vim).unwrap();
        assert_eq!(
            placed,
            Placement::from([("1".into(), "b".into()), ("2".into(), "a".into()), ("3".into(), "b".into())])
        );
    }

    #[test]
    fn room_that_no_single_host_has_is_no_room() {
        let vim = vim(&[("a", cap(8, 2000), cap(4, 500))]);
        let refused = place(&[demand("1", cap(1, 600))], &[], &vim).unwrap_err();
        assert_eq!(refused.status, 403);
        assert_eq!(
            refused.faults[0].message,
            "1 (web) needs 1 vCPU, 600 MiB memory, 600 MiB disk; zone a: 8 vCPU, 2000 MiB memory, 2000 MiB disk free, \
             4 vCPU, 500 MiB memory, 500 MiB disk of it on one host"
        );
    }

    #[test]
    fn every_compute_without_room_is_named_with_what_is_free() {
        let vim = vim(&[("a", cap(2, 1000), cap(2, 1000))]);
        let refused = place(&[demand("1", cap(1, 900)), demand("2", cap(1, 900)), demand("3", cap(4, 10))], &[], &vim)
            .unwrap_err();
        let places: Vec<&str> = refused.faults.iter().map(|f| f.location.as_str()).collect();
        assert_eq!(places, ["/addResources/2", "/addResources/3"]);
        assert!(refused.detail.starts_with("3 computes need 6 vCPU, 1810 MiB memory"), "{}", refused.detail);
    }

    #[test]
    fn zones_are_shared_or_not_as_asked() {
        let vim = vim(&[("a", cap(8, 2000), cap(8, 2000)), ("b", cap(8, 1000), cap(8, 1000))]);
        let two = [demand("1", cap(1, 100)), demand("2", cap(1, 100))];
        let apart = [constraint(AffinityOrAntiAffinity::AntiAffinity, PlacementScope::Zone, &["1", "2"])];
        let placed = place(&two, &apart, &vim).unwrap();
        assert_ne!(placed["1"], placed["2"]);
        let together = [constraint(AffinityOrAntiAffinity::Affinity, PlacementScope::Zone, &["1", "2"])];
        let placed = place(&two, &together, &vim).unwrap();
        assert_eq!(placed["1"], placed["2"]);
        let three = [demand("1", cap(1, 1)), demand("2", cap(1, 1)), demand("3", cap(1, 1))];
        let mut apart = constraint(AffinityOrAntiAffinity::AntiAffinity, PlacementScope::Zone, &["1", "2", "3"]);
        let refused = place(&three, std::slice::from_ref(&apart), &vim).unwrap_err();
        assert!(refused.faults[0].message.contains("barred by a placement constraint"), "{:?}", refused.faults);
        apart.fallback_best_effort = Some(true);
        assert_eq!(place(&three, &[apart], &vim).unwrap().len(), 3);
    }

    #[test]
    fn one_vim_cannot_keep_things_apart_by_point_of_presence() {
        let vim = vim(&[("a", cap(8, 2000), cap(8, 2000))]);
        let two = [demand("1", cap(1, 100)), demand("2", cap(1, 100))];
        let apart = constraint(AffinityOrAntiAffinity::AntiAffinity, PlacementScope::NfviPop, &["1", "2"]);
        assert!(place(&two, &[apart], &vim).unwrap_err().faults[0].mend.as_deref().unwrap().contains("ZONE"));
        let node = constraint(AffinityOrAntiAffinity::AntiAffinity, PlacementScope::NfviNode, &["1", "2"]);
        assert!(place(&two, &[node], &vim).is_ok());
    }

    #[test]
    fn a_vim_without_hosts_says_so() {
        let refused = place(&[demand("1", cap(1, 1))], &[], &vim(&[])).unwrap_err();
        assert!(refused.faults[0].message.contains("no zone with a host that answers"));
    }
}
