//! Addresses of a network service that must be known before its VNFs run. The NFVO takes them from the end of a subnet's
//! pool and hands the VIM the pool without them, so that a VNF can be told another one's address while both are made side
//! by side.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use reference_points::or_vi::AddressPool;

/// Most addresses one network service may reserve in one subnet.
const MAX_RESERVED: usize = 4096;

/// The addresses of one subnet that may be given out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addresses {
    cidr: IpNet,
    gateway: Option<IpAddr>,
    /// Inclusive ranges in ascending order, none of them empty, none overlapping.
    ranges: Vec<(u128, u128)>,
    taken: Vec<IpAddr>,
}

/// Why an address cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// The pool is used up.
    #[error("the pool of {0} has no free address left")]
    Exhausted(IpNet),
    /// The address is not one of the subnet's that a port may have.
    #[error("{0} is not an address that a port in {1} can have")]
    Outside(IpAddr, IpNet),
    /// Someone has it already.
    #[error("{0} is given out already in {1}")]
    Taken(IpAddr, IpNet),
}

impl Addresses {
    /// The addresses of a subnet. Without `pools`, everything but the network's own address, the first host address (which
    /// routers take by custom), the gateway and the broadcast address.
    pub fn new(cidr: IpNet, gateway: Option<IpAddr>, pools: &[AddressPool]) -> Self {
        let (low, high) = usable(&cidr);
        let mut ranges: Vec<(u128, u128)> = if pools.is_empty() {
            vec![(low.saturating_add(1), high)]
        } else {
            pools.iter().map(|p| (number(p.start).max(low), number(p.end).min(high))).collect()
        };
        ranges.retain(|(from, to)| from <= to);
        ranges.sort_unstable();
        let mut merged: Vec<(u128, u128)> = Vec::new();
        for (from, to) in ranges {
            match merged.last_mut() {
                Some(last) if from <= last.1.saturating_add(1) => last.1 = last.1.max(to),
                _ => merged.push((from, to)),
            }
        }
        let mut addresses = Self { cidr, gateway, ranges: merged, taken: Vec::new() };
        if let Some(gateway) = gateway.filter(|g| same_version(&cidr, *g)) {
            addresses.cut(number(gateway));
        }
        addresses
    }

    /// Takes the last free address.
    ///
    /// # Errors
    /// [`AddressError::Exhausted`].
    pub fn take_last(&mut self) -> Result<IpAddr, AddressError> {
        let last = self.ranges.last().filter(|_| self.taken.len() < MAX_RESERVED).map(|(_, to)| *to);
        let last = last.ok_or(AddressError::Exhausted(self.cidr))?;
        self.cut(last);
        let address = address(&self.cidr, last);
        self.taken.push(address);
        Ok(address)
    }

    /// Takes a certain address, inside or outside the pool.
    ///
    /// # Errors
    /// [`AddressError`] when a port cannot have it or someone has it.
    pub fn take(&mut self, wanted: IpAddr) -> Result<(), AddressError> {
        let (low, high) = usable(&self.cidr);
        let inside = self.cidr.contains(&wanted) && (low..=high).contains(&number(wanted));
        if !inside || self.gateway == Some(wanted) {
            return Err(AddressError::Outside(wanted, self.cidr));
        }
        if self.taken.contains(&wanted) {
            return Err(AddressError::Taken(wanted, self.cidr));
        }
        self.cut(number(wanted));
        self.taken.push(wanted);
        Ok(())
    }

    /// What is left for automatic addresses.
    pub fn pools(&self) -> Vec<AddressPool> {
        let pool = |&(from, to)| AddressPool { start: address(&self.cidr, from), end: address(&self.cidr, to) };
        self.ranges.iter().map(pool).collect()
    }

    /// Whether any address was taken.
    pub fn any_taken(&self) -> bool {
        !self.taken.is_empty()
    }

    /// The subnet's block.
    pub fn cidr(&self) -> IpNet {
        self.cidr
    }

    fn cut(&mut self, at: u128) {
        let Some(i) = self.ranges.iter().position(|(from, to)| (*from..=*to).contains(&at)) else { return };
        let (from, to) = self.ranges.remove(i);
        if at < to {
            self.ranges.insert(i, (at + 1, to));
        }
        if from < at {
            self.ranges.insert(i, (from, at - 1));
        }
    }
}

/// First and last address that a port can have.
fn usable(cidr: &IpNet) -> (u128, u128) {
    match cidr {
        IpNet::V4(net) => {
            let (low, high) = (u128::from(u32::from(net.network())), u128::from(u32::from(net.broadcast())));
            if net.prefix_len() >= 31 { (low, high) } else { (low + 1, high - 1) }
        }
        IpNet::V6(net) => {
            let (low, high) = (u128::from(net.network()), u128::from(net.broadcast()));
            // The address with an all-zero host part is the subnet-router anycast address.
            if net.prefix_len() >= 127 { (low, high) } else { (low + 1, high) }
        }
    }
}

fn same_version(cidr: &IpNet, address: IpAddr) -> bool {
    matches!((cidr, address), (IpNet::V4(_), IpAddr::V4(_)) | (IpNet::V6(_), IpAddr::V6(_)))
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(a) => u128::from(u32::from(a)),
        IpAddr::V6(a) => u128::from(a),
    }
}

fn address(cidr: &IpNet, number: u128) -> IpAddr {
    match cidr {
        // Numbers of an IPv4 subnet never exceed 32 bits.
        IpNet::V4(_) => IpAddr::V4(Ipv4Addr::from(u32::try_from(number).unwrap_or(u32::MAX))),
        IpNet::V6(_) => IpAddr::V6(Ipv6Addr::from(number)),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn pool(start: &str, end: &str) -> AddressPool {
        AddressPool { start: start.parse().unwrap(), end: end.parse().unwrap() }
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn the_last_address_is_taken_and_the_pool_ends_before_it() {
        let mut a = Addresses::new("10.0.0.0/24".parse().unwrap(), Some(ip("10.0.0.1")), &[]);
        assert_eq!(a.pools(), [pool("10.0.0.2", "10.0.0.254")]);
        assert_eq!(a.take_last(), Ok(ip("10.0.0.254")));
        assert_eq!(a.take_last(), Ok(ip("10.0.0.253")));
        assert_eq!(a.pools(), [pool("10.0.0.2", "10.0.0.252")]);
    }

    #[test]
    fn a_gateway_at_the_end_is_never_given_out() {
        let mut a = Addresses::new("10.0.0.0/29".parse().unwrap(), Some(ip("10.0.0.6")), &[]);
        assert_eq!(a.take_last(), Ok(ip("10.0.0.5")));
        assert_eq!(a.take(ip("10.0.0.6")), Err(AddressError::Outside(ip("10.0.0.6"), a.cidr())));
    }

    #[test]
    fn given_pools_are_merged_clipped_to_the_block_and_used_up() {
        let pools = [pool("10.0.0.20", "10.0.0.21"), pool("10.0.0.10", "10.0.0.19"), pool("10.0.0.250", "10.0.1.9")];
        let mut a = Addresses::new("10.0.0.0/24".parse().unwrap(), None, &pools);
        assert_eq!(a.pools(), [pool("10.0.0.10", "10.0.0.21"), pool("10.0.0.250", "10.0.0.254")]);
        for n in (250..=254).rev().chain((10..=21).rev()) {
            assert_eq!(a.take_last(), Ok(ip(&format!("10.0.0.{n}"))));
        }
        assert_eq!(a.take_last(), Err(AddressError::Exhausted(a.cidr())));
        assert!(a.pools().is_empty());
    }

    #[test]
    fn a_certain_address_splits_the_pool_and_is_had_once() {
        let mut a = Addresses::new("10.0.0.0/28".parse().unwrap(), None, &[]);
        a.take(ip("10.0.0.5")).unwrap();
        assert_eq!(a.pools(), [pool("10.0.0.2", "10.0.0.4"), pool("10.0.0.6", "10.0.0.14")]);
        assert_eq!(a.take(ip("10.0.0.5")), Err(AddressError::Taken(ip("10.0.0.5"), a.cidr())));
        for outside in ["10.0.0.0", "10.0.0.15", "10.0.1.1", "fd00::1"] {
            assert_eq!(a.take(ip(outside)), Err(AddressError::Outside(ip(outside), a.cidr())), "{outside}");
        }
    }

    #[test]
    fn ipv6_blocks_work_alike() {
        let mut a = Addresses::new("fd00:1::/64".parse().unwrap(), Some(ip("fd00:1::1")), &[]);
        assert_eq!(a.take_last(), Ok(ip("fd00:1::ffff:ffff:ffff:ffff")));
        assert_eq!(a.pools(), [pool("fd00:1::2", "fd00:1::ffff:ffff:ffff:fffe")]);
    }

    #[test]
    fn tiny_blocks_give_what_they_have() {
        let mut two = Addresses::new("10.0.0.0/31".parse().unwrap(), None, &[]);
        assert_eq!(two.take_last(), Ok(ip("10.0.0.1")));
        assert_eq!(two.take_last(), Err(AddressError::Exhausted(two.cidr())));
        let mut one = Addresses::new("10.0.0.7/32".parse().unwrap(), None, &[]);
        assert_eq!(one.take_last(), Err(AddressError::Exhausted(one.cidr())));
    }
}
