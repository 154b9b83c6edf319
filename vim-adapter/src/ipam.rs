//! Address management of the VIMs that have none of their own: which addresses of a subnet are given out automatically,
//! and which is the lowest free one. Pure; the store keeps what is taken. (IFA005 clause 7.4, address pools of
//! `NetworkSubnetData`.)
//!
//! An address is handled as its slot: the distance from the first address of the block.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use reference_points::common::Fault;
use reference_points::or_vi::{AddressPool, ExternalNetwork, SubnetSpec};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// Slots at or behind this one are never given out automatically; they can be asked for.
pub const MAX_SLOT: i64 = 1 << 62;

/// A range of slots that automatic addresses come from, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SlotRange {
    /// First slot.
    pub first: i64,
    /// Last slot.
    pub last: i64,
}

/// Where the lowest free slot of a range is, as far as a part of the taken ones tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gap {
    /// This one is free.
    Free(i64),
    /// All slots before this one are taken; ask again for the taken ones from here on.
    ReadOn(i64),
    /// None is free.
    Full,
}

/// Slot of an address; `None` when it is outside the block or further away than [`MAX_SLOT`].
pub fn slot_of(block: IpNet, ip: IpAddr) -> Option<i64> {
    if !block.contains(&ip) {
        return None;
    }
    let distance = bits(ip).checked_sub(bits(block.network()))?;
    i64::try_from(distance).ok().filter(|slot| *slot < MAX_SLOT)
}

/// Address of a slot; `None` when the block is smaller.
pub fn ip_at(block: IpNet, slot: i64) -> Option<IpAddr> {
    let bits = bits(block.network()).checked_add(u128::try_from(slot).ok()?)?;
    let ip = match block {
        IpNet::V4(_) => IpAddr::V4(Ipv4Addr::from_bits(u32::try_from(bits).ok()?)),
        IpNet::V6(_) => IpAddr::V6(Ipv6Addr::from_bits(bits)),
    };
    block.contains(&ip).then_some(ip)
}

fn bits(ip: IpAddr) -> u128 {
    match ip {
        IpAddr::V4(v4) => u128::from(v4.to_bits()),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

/// Whether a port may have this address of the block: not its own network or broadcast address.
pub fn is_host_address(block: IpNet, ip: IpAddr) -> bool {
    let wide = block.max_prefix_len() - block.prefix_len() >= 2;
    match block {
        IpNet::V4(v4) if wide => {
            block.contains(&ip) && ip != IpAddr::V4(v4.network()) && ip != IpAddr::V4(v4.broadcast())
        }
        // The first address of an IPv6 subnet is the routers' anycast address (RFC 4291 section 2.6.1).
        IpNet::V6(v6) if wide => block.contains(&ip) && ip != IpAddr::V6(v6.network()),
        _ => block.contains(&ip),
    }
}

/// Everything wrong with a subnet by itself.
pub fn faults_of(spec: &SubnetSpec) -> Vec<Fault> {
    let block = spec.cidr;
    let mut faults = faults_of_block(block, spec.gateway, &spec.pools);
    if spec.routed && (spec.gateway.is_none() || !block.addr().is_ipv4()) {
        let why = "a router stands at an IPv4 gateway, which this subnet does not have";
        faults.push(Fault::new("/routed", why).mend("give gateway, or leave routed out"));
    }
    if spec.dns.len() > 16 {
        faults.push(Fault::new("/dns", format!("{} servers, at most 16 are accepted", spec.dns.len())));
    }
    faults
}

/// Everything wrong with the network outside a VIM, with the place in its description.
pub fn faults_outside(outside: &ExternalNetwork) -> Vec<Fault> {
    let mut faults = faults_of_block(outside.cidr, outside.gateway, &outside.pools);
    if !outside.cidr.addr().is_ipv4() {
        faults.push(Fault::new("/cidr", "routers translate IPv4 only"));
    }
    if outside.physical_network.is_empty() || outside.physical_network.len() > 255 {
        faults.push(Fault::new("/physicalNetwork", "is no name of 1 to 255 bytes"));
    }
    if outside.segmentation_id.is_some_and(|tag| !(1..=4094).contains(&tag)) {
        faults.push(Fault::new("/segmentationId", "is no VLAN from 1 to 4094"));
    }
    faults
}

fn faults_of_block(block: IpNet, gateway: Option<IpAddr>, pools: &[AddressPool]) -> Vec<Fault> {
    let mut faults = Vec::new();
    if block.addr() != block.network() {
        faults.push(Fault::new("/cidr", format!("{block} has host bits set")).mend(format!("write {}", block.trunc())));
    }
    if let Some(gateway) = gateway
        && !is_host_address(block.trunc(), gateway)
    {
        faults.push(Fault::new("/gateway", format!("{gateway} is no host address of {block}")));
    }
    let mut before: Vec<(u128, u128)> = Vec::new();
    for (i, pool) in pools.iter().enumerate() {
        let at = format!("/pools/{i}");
        let inside = |ip: IpAddr| is_host_address(block.trunc(), ip);
        if !inside(pool.start) || !inside(pool.end) {
            faults.push(Fault::new(
                at,
                format!("{}-{} is not within the host addresses of {block}", pool.start, pool.end),
            ));
            continue;
        }
        let (start, end) = (bits(pool.start), bits(pool.end));
        if start > end {
            faults.push(Fault::new(at, format!("{} comes after {}", pool.start, pool.end)).mend("swap start and end"));
        } else if slot_of(block.trunc(), pool.start).is_none() {
            faults.push(Fault::new(at, "the pool begins more than 2^62 addresses into the block"));
        } else if before.iter().any(|(s, e)| start <= *e && *s <= end) {
            faults.push(Fault::new(at, format!("{}-{} overlaps an earlier pool", pool.start, pool.end)));
        }
        before.push((start, end));
    }
    if pools.len() > 64 {
        faults.push(Fault::new("/pools", format!("{} pools, at most 64 are accepted", pools.len())));
    }
    faults
}

/// The slots that automatic addresses come from, in order: the pools, or the whole block but its first host address;
/// never the gateway. The subnet has no [`faults_of`].
pub fn ranges_of(spec: &SubnetSpec) -> Vec<SlotRange> {
    ranges(spec.cidr, spec.gateway, &spec.pools)
}

/// The same of the network outside a VIM.
pub fn ranges_outside(outside: &ExternalNetwork) -> Vec<SlotRange> {
    ranges(outside.cidr, outside.gateway, &outside.pools)
}

fn ranges(block: IpNet, gateway: Option<IpAddr>, pools: &[AddressPool]) -> Vec<SlotRange> {
    let block = block.trunc();
    let slot = |ip| slot_of(block, ip);
    let mut ranges: Vec<SlotRange> = if pools.is_empty() {
        let size = block.max_prefix_len() - block.prefix_len();
        let last = if size >= 62 { MAX_SLOT - 1 } else { (1_i64 << size) - 1 };
        // Left out: the network address, the first host address (routers and DHCP servers stand there by custom) and
        // IPv4's broadcast address. Point-to-point blocks have nothing to leave out.
        match (block, size) {
            (_, 0 | 1) => vec![SlotRange { first: 0, last }],
            (IpNet::V4(_), _) => vec![SlotRange { first: 2, last: last - 1 }],
            (IpNet::V6(_), _) => vec![SlotRange { first: 2, last }],
        }
    } else {
        let range = |first, last: Option<i64>| SlotRange { first, last: last.unwrap_or(MAX_SLOT - 1) };
        pools.iter().filter_map(|pool| Some(range(slot(pool.start)?, slot(pool.end)))).collect()
    };
    ranges.sort_by_key(|range| range.first);
    let gateway = gateway.and_then(slot);
    ranges.into_iter().flat_map(|range| without(range, gateway)).collect()
}

fn without(range: SlotRange, slot: Option<i64>) -> Vec<SlotRange> {
    let Some(slot) = slot.filter(|slot| (range.first..=range.last).contains(slot)) else {
        return if range.first <= range.last { vec![range] } else { Vec::new() };
    };
    [SlotRange { first: range.first, last: slot - 1 }, SlotRange { first: slot + 1, last: range.last }]
        .into_iter()
        .filter(|part| part.first <= part.last)
        .collect()
}

/// Finds the lowest free slot of `range` from `low` on. `taken` are the first taken slots there, ascending; when
/// `complete` is false there may be more behind them.
pub fn lowest_free(range: SlotRange, low: i64, taken: &[i64], complete: bool) -> Gap {
    let from = low.max(range.first);
    let mut next = from;
    for slot in taken.iter().copied().filter(|slot| *slot >= from) {
        if slot > next {
            break;
        }
        next += 1;
    }
    if next > range.last {
        Gap::Full
    } else if complete || taken.last().is_some_and(|last| next < *last) {
        Gap::Free(next)
    } else {
        Gap::ReadOn(next)
    }
}

/// The MAC address of a port that asked for none: locally administered, derived from the port's id, so that making it
/// again gives the same. Another `attempt` gives another address, for the case of a clash.
pub fn mac_of(port: Uuid, attempt: u32) -> String {
    let mut hash = Sha256::new();
    hash.update(port.as_bytes());
    hash.update(attempt.to_be_bytes());
    let h = hash.finalize();
    format!("{:02x}:{:02x}:{:02x}:{:02x}:{:02x}:{:02x}", (h[0] & 0xfc) | 0x02, h[1], h[2], h[3], h[4], h[5])
}

/// A MAC address in its canonical form (lower case, colons); `None` when it is none, or a group address.
pub fn canonical_mac(text: &str) -> Option<String> {
    let parts: Vec<&str> = text.split([':', '-']).collect();
    if parts.len() != 6 || parts.iter().any(|part| part.len() != 2 || !part.bytes().all(|b| b.is_ascii_hexdigit())) {
        return None;
    }
    let bytes: Vec<u8> = parts.iter().map(|part| u8::from_str_radix(part, 16)).collect::<Result<_, _>>().ok()?;
    let usable = bytes[0] & 1 == 0 && bytes.iter().any(|byte| *byte != 0);
    usable.then(|| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use std::collections::BTreeSet;

    use proptest::prelude::*;
    use reference_points::common::{Owner, OwnerKind};

    use super::*;

    fn subnet(cidr: &str, gateway: Option<&str>, pools: &[(&str, &str)]) -> SubnetSpec {
        SubnetSpec {
            name: "s".into(),
            owner: Owner { kind: OwnerKind::NsInstance, id: Uuid::nil(), operation: None, step: None },
            network_id: Uuid::nil(),
            cidr: cidr.parse().unwrap(),
            gateway: gateway.map(|g| g.parse().unwrap()),
            pools: pools
                .iter()
                .map(|(s, e)| AddressPool { start: s.parse().unwrap(), end: e.parse().unwrap() })
                .collect(),
            dhcp: false,
            dns: Vec::new(),
            routed: false,
        }
    }

    fn addresses(spec: &SubnetSpec) -> Vec<String> {
        ranges_of(spec)
            .into_iter()
            .flat_map(|r| r.first..=r.last)
            .map(|slot| ip_at(spec.cidr, slot).unwrap().to_string())
            .collect()
    }

    #[test]
    fn without_pools_the_whole_block_is_used_but_what_has_a_meaning() {
        assert_eq!(
            addresses(&subnet("10.0.0.0/29", Some("10.0.0.4"), &[])),
            ["10.0.0.2", "10.0.0.3", "10.0.0.5", "10.0.0.6"]
        );
        assert_eq!(addresses(&subnet("10.0.0.8/31", None, &[])), ["10.0.0.8", "10.0.0.9"]);
        assert_eq!(addresses(&subnet("10.0.0.8/32", None, &[])), ["10.0.0.8"]);
        assert_eq!(addresses(&subnet("fd00::/126", Some("fd00::2"), &[])), ["fd00::3"]);
        assert_eq!(ranges_of(&subnet("fd00::/48", None, &[])), [SlotRange { first: 2, last: MAX_SLOT - 1 }]);
    }

    #[test]
    fn pools_are_used_in_order_and_never_give_the_gateway() {
        let spec = subnet("10.0.0.0/24", Some("10.0.0.51"), &[("10.0.0.90", "10.0.0.91"), ("10.0.0.50", "10.0.0.52")]);
        assert_eq!(addresses(&spec), ["10.0.0.50", "10.0.0.52", "10.0.0.90", "10.0.0.91"]);
    }

    #[test]
    fn every_fault_of_a_subnet_is_told_at_once() {
        let spec = subnet(
            "10.0.0.1/24",
            Some("10.0.1.1"),
            &[
                ("10.0.0.9", "10.0.0.8"),
                ("10.0.0.20", "10.0.0.30"),
                ("10.0.0.30", "10.0.0.40"),
                ("fd00::1", "fd00::2"),
                ("10.0.0.250", "10.0.0.255"),
            ],
        );
        let places: Vec<String> = faults_of(&spec).into_iter().map(|fault| fault.location).collect();
        assert_eq!(places, ["/cidr", "/gateway", "/pools/0", "/pools/2", "/pools/3", "/pools/4"]);
        assert!(faults_of(&subnet("10.0.0.0/24", Some("10.0.0.1"), &[("10.0.0.2", "10.0.0.254")])).is_empty());
    }

    #[test]
    fn mac_addresses_are_local_unicast_and_repeatable() {
        for n in 0..200 {
            let id = Uuid::from_u128(n);
            let mac = mac_of(id, 0);
            assert_eq!(canonical_mac(&mac).unwrap(), mac);
            assert_eq!(u8::from_str_radix(&mac[..2], 16).unwrap() & 3, 2);
            assert_eq!(mac, mac_of(id, 0));
            assert_ne!(mac, mac_of(id, 1));
        }
    }

    #[test]
    fn only_station_addresses_are_taken_as_mac() {
        assert_eq!(canonical_mac("FA-16-3E-00-00-01").unwrap(), "fa:16:3e:00:00:01");
        for bad in
            ["01:00:5e:00:00:01", "00:00:00:00:00:00", "fa:16:3e:00:00", "fa:16:3e:00:00:0g", "+a:16:3e:00:00:01"]
        {
            assert_eq!(canonical_mac(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn slots_and_addresses_are_the_same_thing(base in any::<u128>(), prefix in 0_u8..=128, slot in 0..MAX_SLOT) {
            let block = IpNet::new(IpAddr::V6(Ipv6Addr::from_bits(base)), prefix).unwrap().trunc();
            if let Some(ip) = ip_at(block, slot) {
                prop_assert!(block.contains(&ip));
                prop_assert_eq!(slot_of(block, ip), Some(slot));
            } else {
                prop_assert!(prefix > 64, "the block holds fewer addresses");
            }
        }

        #[test]
        fn the_lowest_free_slot_is_found_whatever_part_of_the_taken_ones_is_read(
            taken in proptest::collection::btree_set(0_i64..40, 0..40),
            first in 0_i64..20, length in 0_i64..20, page in 1_usize..6,
        ) {
            let range = SlotRange { first, last: first + length };
            let expected = (range.first..=range.last).find(|slot| !taken.contains(slot));
            let mut low = range.first;
            let found = loop {
                let rest: BTreeSet<i64> = taken.range(low..=range.last).copied().collect();
                let part: Vec<i64> = rest.iter().copied().take(page).collect();
                match lowest_free(range, low, &part, rest.len() <= page) {
                    Gap::Free(slot) => break Some(slot),
                    Gap::Full => break None,
                    Gap::ReadOn(next) => { prop_assert!(next > low); low = next; }
                }
            };
            prop_assert_eq!(found, expected);
        }
    }
}
