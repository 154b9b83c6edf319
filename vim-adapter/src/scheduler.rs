//! Placement of computes in the VIMs that have no scheduler of their own: the first host, by name, that may take it.
//! Pure; capacity is what the store has reserved, so that a host is never promised twice. (IFA005 clause 7.3.1,
//! affinity and anti-affinity of clause 8.4.8.)

use std::collections::{BTreeMap, BTreeSet};

use reference_points::nf_vi::Capacity;
use reference_points::or_vi::{AffinityPolicy, AffinityScope, ResourceZone, VimCapacity, ZoneCapacity};

/// A host as the scheduler sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Name.
    pub name: String,
    /// Resource zone.
    pub zone: String,
    /// Whether new computes may be placed on it.
    pub schedulable: bool,
    /// Why its agent does not answer; `None` when it does.
    pub unreachable: Option<String>,
    /// What can be given to computes.
    pub total: Capacity,
    /// What was given.
    pub reserved: Capacity,
}

/// What a compute needs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wish {
    /// Amounts.
    pub need: Capacity,
    /// Zone it shall be in.
    pub zone: Option<String>,
    /// Host that holds its volumes, and a name of one of them.
    pub pinned: Option<(String, String)>,
    /// Its affinity groups.
    pub groups: Vec<Group>,
}

/// An affinity group with the places of its other members.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Name, for people.
    pub name: String,
    /// Together or apart.
    pub policy: AffinityPolicy,
    /// Host or zone.
    pub scope: AffinityScope,
    /// Hosts, or zones, of its other members.
    pub places: BTreeSet<String>,
}

/// Where a compute goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// On the host of this index.
    Host(usize),
    /// No host answers: try again later. Why, by host.
    NoneReachable(Vec<(String, String)>),
    /// No host may take it. Why, by host.
    Refused(Vec<(String, String)>),
}

/// Chooses the first candidate, in the order given, that fits.
pub fn place(candidates: &[Candidate], wish: &Wish) -> Decision {
    let mut refusals = Vec::with_capacity(candidates.len());
    for (i, host) in candidates.iter().enumerate() {
        match objection(host, wish) {
            None => return Decision::Host(i),
            Some(why) => refusals.push((host.name.clone(), why)),
        }
    }
    // A host that is only out of reach may do when it is back; then the request is worth repeating.
    let later = candidates.iter().filter(|host| host.unreachable.is_some()).any(|host| {
        let rest = Candidate { unreachable: None, ..host.clone() };
        conditions(&rest, wish).is_empty() && (is_unknown(host) || shortages(&rest, wish).is_empty())
    });
    if later || candidates.iter().all(|host| host.unreachable.is_some()) {
        Decision::NoneReachable(refusals)
    } else {
        Decision::Refused(refusals)
    }
}

/// Everything that speaks against a host, or `None`.
fn objection(host: &Candidate, wish: &Wish) -> Option<String> {
    let mut why = conditions(host, wish);
    if host.unreachable.is_none() || !is_unknown(host) {
        why.extend(shortages(host, wish));
    }
    (!why.is_empty()).then(|| why.join("; "))
}

/// Whether the host has never said what it has: there is nothing to compare with yet.
fn is_unknown(host: &Candidate) -> bool {
    host.total == Capacity::default()
}

/// What speaks against a host, its capacity aside.
fn conditions(host: &Candidate, wish: &Wish) -> Vec<String> {
    let mut why = Vec::new();
    if let Some(reason) = &host.unreachable {
        why.push(format!("its agent does not answer ({reason})"));
    }
    if !host.schedulable {
        why.push("it is closed to new computes".to_owned());
    }
    if let Some(zone) = wish.zone.as_ref().filter(|zone| **zone != host.zone) {
        why.push(format!("it is in zone {}, not {zone}", host.zone));
    }
    if let Some((pinned, volume)) = wish.pinned.as_ref().filter(|(pinned, _)| *pinned != host.name) {
        why.push(format!("volume {volume} is on {pinned}"));
    }
    for group in &wish.groups {
        let place = match group.scope {
            AffinityScope::NfviNode => &host.name,
            AffinityScope::Zone => &host.zone,
        };
        let others = || group.places.iter().cloned().collect::<Vec<_>>().join(", ");
        match group.policy {
            AffinityPolicy::Affinity if !group.places.is_empty() && !group.places.contains(place) => {
                why.push(format!("affinity group {} is on {}", group.name, others()));
            }
            AffinityPolicy::AntiAffinity if group.places.contains(place) => {
                why.push(format!("anti-affinity group {} has a member on {place}", group.name));
            }
            _ => {}
        }
    }
    why
}

/// What the host has too little of.
fn shortages(host: &Candidate, wish: &Wish) -> Vec<String> {
    let free = free(host);
    let short = |what: &str, need: u64, free: u64, unit: &str, per: u64| {
        (need > free).then(|| {
            let per = per.max(1);
            format!("{} {unit} of {what} wanted, {} {unit} free", need.div_ceil(per), free / per)
        })
    };
    [
        short("CPU", wish.need.vcpus, free.vcpus, "vCPUs", 1),
        short("memory", wish.need.memory_bytes, free.memory_bytes, "MiB", 1 << 20),
        short("disk", wish.need.disk_bytes, free.disk_bytes, "MiB", 1 << 20),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// What a host has left.
pub fn free(host: &Candidate) -> Capacity {
    Capacity {
        vcpus: host.total.vcpus.saturating_sub(host.reserved.vcpus),
        memory_bytes: host.total.memory_bytes.saturating_sub(host.reserved.memory_bytes),
        disk_bytes: host.total.disk_bytes.saturating_sub(host.reserved.disk_bytes),
    }
}

/// Sum of two amounts.
pub fn sum(a: Capacity, b: Capacity) -> Capacity {
    Capacity {
        vcpus: a.vcpus.saturating_add(b.vcpus),
        memory_bytes: a.memory_bytes.saturating_add(b.memory_bytes),
        disk_bytes: a.disk_bytes.saturating_add(b.disk_bytes),
    }
}

/// The resource zones that the hosts make up.
pub fn zones_of(hosts: &[Candidate]) -> Vec<ResourceZone> {
    let mut zones = BTreeMap::<&str, Vec<&Candidate>>::new();
    for host in hosts {
        zones.entry(&host.zone).or_default().push(host);
    }
    zones
        .into_iter()
        .map(|(id, members)| {
            let alive = members.iter().any(|host| host.unreachable.is_none());
            ResourceZone {
                id: id.to_owned(),
                state: if alive { "ok".to_owned() } else { "no host of it answers".to_owned() },
                hosts: members.iter().map(|host| host.name.clone()).collect(),
            }
        })
        .collect()
}

/// Capacity of the hosts that answer.
pub fn capacity_of(hosts: &[Candidate]) -> VimCapacity {
    let mut out = VimCapacity { total: Capacity::default(), reserved: Capacity::default(), zones: BTreeMap::new() };
    for host in hosts.iter().filter(|host| host.unreachable.is_none()) {
        out.total = sum(out.total, host.total);
        out.reserved = sum(out.reserved, host.reserved);
        let zone: &mut ZoneCapacity = out.zones.entry(host.zone.clone()).or_default();
        zone.total = sum(zone.total, host.total);
        zone.reserved = sum(zone.reserved, host.reserved);
        let (largest, free) = (&mut zone.largest_free, free(host));
        largest.vcpus = largest.vcpus.max(free.vcpus);
        largest.memory_bytes = largest.memory_bytes.max(free.memory_bytes);
        largest.disk_bytes = largest.disk_bytes.max(free.disk_bytes);
    }
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use proptest::prelude::*;

    use super::*;

    fn host(name: &str, zone: &str, vcpus: u64, used: u64) -> Candidate {
        Candidate {
            name: name.into(),
            zone: zone.into(),
            schedulable: true,
            unreachable: None,
            total: Capacity { vcpus, memory_bytes: 8 << 30, disk_bytes: 100 << 30 },
            reserved: Capacity { vcpus: used, memory_bytes: 0, disk_bytes: 0 },
        }
    }

    fn wish(vcpus: u64) -> Wish {
        Wish { need: Capacity { vcpus, memory_bytes: 1 << 30, disk_bytes: 1 << 30 }, ..Wish::default() }
    }

    fn group(policy: AffinityPolicy, scope: AffinityScope, places: &[&str]) -> Group {
        Group { name: "g".into(), policy, scope, places: places.iter().map(|p| (*p).to_owned()).collect() }
    }

    #[test]
    fn the_first_host_with_room_is_taken() {
        let hosts = [host("a", "z1", 4, 4), host("b", "z1", 4, 3), host("c", "z2", 4, 0)];
        assert_eq!(place(&hosts, &wish(1)), Decision::Host(1));
        assert_eq!(place(&hosts, &wish(2)), Decision::Host(2));
        assert_eq!(place(&hosts, &Wish { zone: Some("z2".into()), ..wish(1) }), Decision::Host(2));
    }

    #[test]
    fn each_host_is_named_with_everything_that_speaks_against_it() {
        let mut hosts = [host("a", "z1", 4, 4), host("b", "z2", 4, 0)];
        hosts[1].schedulable = false;
        let Decision::Refused(why) = place(&hosts, &Wish { zone: Some("z1".into()), ..wish(1) }) else { panic!() };
        assert_eq!(why[0], ("a".into(), "1 vCPUs of CPU wanted, 0 vCPUs free".into()));
        assert_eq!(why[1].1, "it is closed to new computes; it is in zone z2, not z1");
    }

    #[test]
    fn a_host_out_of_reach_makes_the_request_worth_repeating_only_if_it_would_fit() {
        let mut hosts = [host("a", "z1", 4, 4), host("b", "z1", 4, 0)];
        hosts[1].unreachable = Some("connection refused".into());
        assert!(matches!(place(&hosts, &wish(1)), Decision::NoneReachable(_)));
        assert!(matches!(place(&hosts, &wish(5)), Decision::Refused(_)));
        // A host that was never reached may have anything.
        hosts[1].total = Capacity::default();
        assert!(matches!(place(&hosts, &wish(5)), Decision::NoneReachable(_)));
        hosts[1].schedulable = false;
        assert!(matches!(place(&hosts, &wish(5)), Decision::Refused(_)));
        assert!(matches!(place(&[], &wish(1)), Decision::NoneReachable(_)));
    }

    #[test]
    fn affinity_groups_and_volumes_are_obeyed() {
        use AffinityPolicy::*;
        use AffinityScope::*;
        let hosts = [host("a", "z1", 4, 0), host("b", "z1", 4, 0), host("c", "z2", 4, 0)];
        let with = |g: Group| Wish { groups: vec![g], ..wish(1) };
        assert_eq!(place(&hosts, &with(group(Affinity, NfviNode, &["b"]))), Decision::Host(1));
        assert_eq!(place(&hosts, &with(group(Affinity, NfviNode, &[]))), Decision::Host(0));
        assert_eq!(place(&hosts, &with(group(AntiAffinity, NfviNode, &["a", "b"]))), Decision::Host(2));
        assert_eq!(place(&hosts, &with(group(AntiAffinity, Zone, &["z1"]))), Decision::Host(2));
        assert!(matches!(place(&hosts, &with(group(AntiAffinity, Zone, &["z1", "z2"]))), Decision::Refused(_)));
        let pinned = Wish { pinned: Some(("c".into(), "v".into())), ..wish(1) };
        assert_eq!(place(&hosts, &pinned), Decision::Host(2));
    }

    proptest! {
        /// Placing one after the other never gives out more than there is, and refuses only when nothing is left.
        #[test]
        fn hosts_are_filled_and_never_overfilled(
            sizes in proptest::collection::vec(0_u64..8, 1..5), needs in proptest::collection::vec(1_u64..5, 0..30),
        ) {
            let mut hosts: Vec<Candidate> =
                sizes.iter().enumerate().map(|(i, size)| host(&format!("h{i}"), "z", *size, 0)).collect();
            for host in &mut hosts {
                host.total.memory_bytes = 1 << 50;
                host.total.disk_bytes = 1 << 50;
            }
            for need in needs {
                let wish = wish(need);
                match place(&hosts, &wish) {
                    Decision::Host(i) => {
                        prop_assert!(hosts[..i].iter().all(|h| free(h).vcpus < need), "an earlier host had room");
                        hosts[i].reserved = sum(hosts[i].reserved, wish.need);
                        prop_assert!(hosts[i].reserved.vcpus <= hosts[i].total.vcpus);
                    }
                    _ => prop_assert!(hosts.iter().all(|h| free(h).vcpus < need), "a host had room"),
                }
            }
        }
    }
}
