//! Whether a sizing fits on a described NFVI. Largest VNFCs first, each on the first host that has room and that no rule
//! forbids; where that finds no place for one, it says what each host lacked. (Placing is hard in general: this may miss a
//! place that a longer search would find, never invent one.)

use std::collections::BTreeMap;

use serde::Serialize;

use super::nfvi::{Host, Nfvi};
use super::{Rule, Sizing, VduSize};
use crate::network::PlacementKind;

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Fit {
    /// VNFCs with their hosts.
    pub placed: Vec<Placed>,
    /// VNFCs without one.
    pub unplaced: Vec<Unplaced>,
}

impl Fit {
    /// Whether everything has a place.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.unplaced.is_empty()
    }
}

/// A VNFC on a host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Placed {
    /// VDU and number of the VNFC, from 1.
    pub vnfc: String,
    /// Host.
    pub host: String,
}

/// A VNFC that found no host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unplaced {
    /// VDU and number of the VNFC, from 1.
    pub vnfc: String,
    /// Why, with the number of hosts it holds for.
    pub why: Vec<String>,
}

/// VNFCs of one VDU that are placed one by one; a descriptor may ask for 2³² of them.
const MOST: u32 = 2000;

struct Room<'a> {
    host: &'a Host,
    vcpus: u64,
    memory: u64,
    disk: u64,
}

/// Places every VNFC.
#[must_use]
pub fn fit(sizing: &Sizing, nfvi: &Nfvi) -> Fit {
    let mut rooms: Vec<Room<'_>> = nfvi
        .hosts
        .iter()
        .map(|host| Room { host, vcpus: host.vcpus, memory: host.memory_bytes, disk: host.disk_bytes })
        .collect();
    let mut vdus: Vec<&VduSize> = sizing.vdus.iter().collect();
    vdus.sort_by_key(|vdu| std::cmp::Reverse((vdu.each.memory_bytes, vdu.each.vcpus, vdu.each.disk_bytes)));
    let mut out = Fit::default();
    // Hosts that hold VNFCs of a VDU.
    let mut on: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for vdu in vdus {
        for n in 1..=vdu.vnfcs.min(MOST) {
            let vnfc = format!("{}-{n}", vdu.vdu);
            let mut why: BTreeMap<String, usize> = BTreeMap::new();
            let found = (0..rooms.len()).find(|i| match objection(*i, &rooms, vdu, &sizing.placement, &on) {
                None => true,
                Some(reason) => {
                    *why.entry(reason).or_default() += 1;
                    false
                }
            });
            match found {
                Some(i) => {
                    let room = &mut rooms[i];
                    room.vcpus -= vdu.each.vcpus;
                    room.memory -= vdu.each.memory_bytes;
                    room.disk -= vdu.each.disk_bytes;
                    on.entry(&vdu.vdu).or_default().push(i);
                    out.placed.push(Placed { vnfc, host: room.host.name.clone() });
                }
                None => {
                    let why = why
                        .into_iter()
                        .map(|(reason, hosts)| format!("{reason} ({hosts} host{})", if hosts == 1 { "" } else { "s" }))
                        .collect();
                    out.unplaced.push(Unplaced { vnfc, why });
                }
            }
        }
        if vdu.vnfcs > MOST {
            let vnfc = format!("{0}-{1} to {0}-{2}", vdu.vdu, MOST + 1, vdu.vnfcs);
            out.unplaced.push(Unplaced { vnfc, why: vec![format!("more than {MOST} VNFCs of a VDU are not tried")] });
        }
    }
    out
}

fn objection(
    i: usize,
    rooms: &[Room<'_>],
    vdu: &VduSize,
    rules: &[Rule],
    on: &BTreeMap<&str, Vec<usize>>,
) -> Option<String> {
    let room = &rooms[i];
    let lacks = [
        ("virtual CPUs", room.vcpus < vdu.each.vcpus),
        ("memory", room.memory < vdu.each.memory_bytes),
        ("disk", room.disk < vdu.each.disk_bytes),
    ];
    if let Some((what, _)) = lacks.iter().find(|(_, lacks)| *lacks) {
        return Some(format!("not enough {what} left"));
    }
    for rule in rules.iter().filter(|rule| rule.vdus.contains(&vdu.vdu)) {
        let same = |other: usize| match rule.scope.as_str() {
            "nfvi_node" => other == i,
            "zone" | "zone_group" => rooms[other].host.zone == room.host.zone,
            // All hosts of one description are in one place.
            _ => true,
        };
        let others: Vec<usize> = rule.vdus.iter().filter_map(|v| on.get(v.as_str())).flatten().copied().collect();
        let broken = match rule.kind {
            PlacementKind::Affinity => !others.iter().all(|other| same(*other)),
            PlacementKind::AntiAffinity => others.iter().any(|other| same(*other)),
        };
        if broken {
            return Some(format!("forbidden by {}", rule.name));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::plan::Amounts;

    fn sizing(vnfcs: u32, rules: Vec<Rule>) -> Sizing {
        let each = Amounts { vnfcs: 1, vcpus: 4, memory_bytes: 8 << 30, disk_bytes: 10 << 30, ports: 1 };
        Sizing {
            flavour: "f".into(),
            size: "s".into(),
            vdus: vec![VduSize { vdu: "web".into(), vnfcs, each, disks: vec![], ports: vec![] }],
            total: Amounts::default(),
            networks: vec![],
            external: vec![],
            placement: rules,
        }
    }

    fn nfvi() -> Nfvi {
        Nfvi::parse("hosts: [{ name: c, count: 2, vcpus: 8, memory: 64 GiB, disk: 1 TiB }]").unwrap()
    }

    #[test]
    fn what_fits_is_placed_and_what_does_not_is_told() {
        let four = fit(&sizing(4, vec![]), &nfvi());
        assert!(four.holds() && four.placed.iter().filter(|p| p.host == "c-1").count() == 2, "{four:?}");
        let five = fit(&sizing(5, vec![]), &nfvi());
        assert_eq!(five.unplaced[0].why, ["not enough virtual CPUs left (2 hosts)"]);
    }

    #[test]
    fn vnfcs_beyond_number_are_told_in_one_line() {
        let start = std::time::Instant::now();
        let all = fit(&sizing(u32::MAX, vec![]), &nfvi());
        assert!(start.elapsed() < std::time::Duration::from_secs(2), "{:?}", start.elapsed());
        assert_eq!((all.placed.len(), all.unplaced.len()), (4, MOST as usize - 4 + 1));
        let last = all.unplaced.last().unwrap();
        assert_eq!(last.vnfc, "web-2001 to web-4294967295");
        assert!(last.why[0].contains("more than 2000"), "{last:?}");
    }

    #[test]
    fn rules_are_kept() {
        let apart = Rule {
            name: "apart".into(),
            kind: PlacementKind::AntiAffinity,
            scope: "nfvi_node".into(),
            vdus: vec!["web".into()],
        };
        let two = fit(&sizing(2, vec![apart.clone()]), &nfvi());
        assert!(two.holds() && two.placed[0].host != two.placed[1].host);
        assert_eq!(fit(&sizing(3, vec![apart]), &nfvi()).unplaced[0].why, ["forbidden by apart (2 hosts)"]);
        let together = Rule {
            name: "together".into(),
            kind: PlacementKind::Affinity,
            scope: "nfvi_node".into(),
            vdus: vec!["web".into()],
        };
        assert_eq!(fit(&sizing(3, vec![together]), &nfvi()).unplaced.len(), 1, "a host holds two");
    }

    #[test]
    fn a_description_is_refused_with_every_fault() {
        let faults = Nfvi::parse("hosts: [{ name: a, vcpus: 1, memory: much, disk: more }]").unwrap_err();
        assert_eq!(faults.0.len(), 2, "{faults}");
        assert!(Nfvi::parse("hosts: []").is_err() && Nfvi::parse("hosts: [{ name: a }]").is_err());
    }
}
