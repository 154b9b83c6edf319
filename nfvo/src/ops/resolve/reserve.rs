//! Addresses that descriptors refer to before anything runs (`get_attribute` of a connection point, SOL001 clause 7):
//! reserved here, given to the one VNF as fixed, told to the other.

use std::collections::BTreeMap;
use std::net::IpAddr;

use descriptors::expr::Environment;
use descriptors::nsd::NsFlavour;
use reference_points::common::{Fault, KeyValuePairs};
use serde_json::Value;
use uuid::Uuid;

use super::links::Link;
use super::vnfs::Profile;
use crate::ops::design::{CpAddresses, IdSource};

/// What was reserved for a connection point of a VNF profile.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reserved {
    pub v4: Option<(Uuid, IpAddr)>,
    pub v6: Option<(Uuid, IpAddr)>,
    pub mac: Option<String>,
}

impl Reserved {
    /// As fixed addresses of the connection point.
    pub fn addresses(&self) -> CpAddresses {
        CpAddresses { fixed: self.v4.into_iter().chain(self.v6).collect(), mac: self.mac.clone() }
    }
}

/// By VNF profile and external connection point.
pub type Reservations = BTreeMap<(String, String), Reserved>;

/// Reserves every address that some VNF's properties need, in the links.
pub fn reserve(
    profiles: &[Profile<'_>],
    links: &mut [Link],
    ids: &dyn IdSource,
    faults: &mut Vec<Fault>,
) -> Reservations {
    let mut reserved = fixed(profiles, links, faults);
    let mut wanted: Vec<(String, String, String)> = Vec::new();
    for profile in profiles {
        for expr in profile.vnf.configurable_properties.values() {
            expr.walk(&mut |e| {
                if let descriptors::expr::Expr::AddressOf { node, cp, attribute } = e {
                    wanted.push((node.clone(), cp.clone(), attribute.clone()));
                }
            });
        }
    }
    wanted.sort();
    wanted.dedup();
    for (node, cp, attribute) in wanted {
        let entry = reserved.entry((node.clone(), cp.clone())).or_default();
        if let Err(fault) = one(&node, &cp, &attribute, profiles, links, ids, entry) {
            faults.push(fault);
        }
    }
    links.iter_mut().for_each(Link::settle);
    reserved
}

/// Addresses that packages fix for connection points that exist once.
fn fixed(profiles: &[Profile<'_>], links: &mut [Link], faults: &mut Vec<Fault>) -> Reservations {
    let mut reserved = Reservations::new();
    for profile in profiles {
        for connection in &profile.vnf.connections {
            let Some(ext) = profile.flavour.ext_cp(&connection.cp) else { continue };
            let Some(link) = links.iter_mut().find(|l| l.design.profile_id == connection.virtual_link) else {
                continue;
            };
            for ip in ext.addresses.iter().flat_map(|a| &a.fixed).copied() {
                let at = format!("VNFD {}, connection point {}", profile.vnf.vnfd_id, ext.cp);
                if profile.count.saturating_mul(profile.cp_instances(&connection.cp)) != 1 {
                    faults.push(Fault::new(
                        at,
                        format!("{ip} is fixed for a connection point that exists several times"),
                    ));
                    continue;
                }
                let found = link.addresses.iter_mut().zip(&link.design.subnets).find(|(a, _)| a.cidr().contains(&ip));
                let taken = match found {
                    Some((addresses, subnet)) => {
                        addresses.take(ip).map(|()| subnet.subnet_id).map_err(|e| e.to_string())
                    }
                    None => Err(format!("{ip} is in no subnet of virtual link \"{}\"", connection.virtual_link)),
                };
                match taken {
                    Ok(subnet) => {
                        let entry = reserved.entry((profile.vnf.name.clone(), connection.cp.clone())).or_default();
                        let slot = if ip.is_ipv4() { &mut entry.v4 } else { &mut entry.v6 };
                        *slot = Some((subnet, ip));
                    }
                    Err(why) => faults.push(Fault::new(at, why)),
                }
            }
        }
    }
    reserved
}

fn one(
    node: &str,
    cp: &str,
    attribute: &str,
    profiles: &[Profile<'_>],
    links: &mut [Link],
    ids: &dyn IdSource,
    reserved: &mut Reserved,
) -> Result<(), Fault> {
    let fault = |why: String| Fault::new(format!("NSD, get_attribute [{node}, {cp}, {attribute}]"), why);
    let target =
        profiles.iter().find(|p| p.vnf.name == node).ok_or_else(|| fault(format!("there is no VNF \"{node}\"")))?;
    let connection = target.vnf.connection(cp);
    let connection = connection
        .ok_or_else(|| fault(format!("\"{node}\" connects no \"{cp}\" to a virtual link of this service")))?;
    let instances = target.count.saturating_mul(target.cp_instances(cp));
    if instances != 1 {
        return Err(fault(format!(
            "there are {instances} instances of this connection point, and one address was asked for"
        ))
        .mend("refer to a connection point that exists once, or lower the number of instances"));
    }
    let link = links.iter_mut().find(|l| l.design.profile_id == connection.virtual_link);
    let link = link.ok_or_else(|| fault(format!("there is no virtual link \"{}\"", connection.virtual_link)))?;
    let mut take = |v4: bool| -> Result<Option<(Uuid, IpAddr)>, Fault> {
        let at = link.design.subnets.iter().position(|s| s.cidr.addr().is_ipv4() == v4);
        let Some(at) = at else { return Ok(None) };
        let ip = link.addresses[at].take_last().map_err(|e| fault(e.to_string()))?;
        Ok(Some((link.design.subnets[at].subnet_id, ip)))
    };
    let lacking = |family: &str| fault(format!("virtual link \"{}\" has no {family} subnet", connection.virtual_link));
    match attribute {
        "mac_address" => {
            reserved.mac.get_or_insert_with(|| mac(ids.mint()));
        }
        "ipv4_address" if reserved.v4.is_none() => reserved.v4 = Some(take(true)?.ok_or_else(|| lacking("IPv4"))?),
        "ipv6_address" if reserved.v6.is_none() => reserved.v6 = Some(take(false)?.ok_or_else(|| lacking("IPv6"))?),
        "ip_address" if reserved.v4.is_none() && reserved.v6.is_none() => {
            reserved.v4 = take(true)?;
            if reserved.v4.is_none() {
                reserved.v6 = Some(take(false)?.ok_or_else(|| lacking("IPv4 or IPv6"))?);
            }
        }
        "ip_address" | "ipv4_address" | "ipv6_address" => {}
        other => {
            return Err(fault(format!("\"{other}\" is not known before the VNF runs"))
                .mend("use ip_address, ipv4_address, ipv6_address or mac_address"));
        }
    }
    Ok(())
}

/// A locally administered unicast address from random bits.
fn mac(id: Uuid) -> String {
    let b = id.as_bytes();
    // The last bytes of a UUID are random in every version used here.
    format!("02:{:02x}:{:02x}:{:02x}:{:02x}:{:02x}", b[11], b[12], b[13], b[14], b[15])
}

/// Where the NSD's expressions get their values.
pub struct Env<'a> {
    pub inputs: &'a KeyValuePairs,
    pub flavour: &'a NsFlavour,
    pub reserved: &'a Reservations,
}

impl Environment for Env<'_> {
    fn input(&self, path: &[String]) -> Option<Value> {
        let (name, rest) = path.split_first()?;
        let declared = || self.flavour.inputs.iter().find(|i| i.name == *name)?.default.clone();
        let mut at = self.inputs.get(name).cloned().or_else(declared)?;
        for step in rest {
            at = match at {
                Value::Object(mut map) => map.remove(step)?,
                Value::Array(items) => items.into_iter().nth(step.parse().ok()?)?,
                _ => return None,
            };
        }
        Some(at)
    }

    fn vnf_property(&self, _: &[String]) -> Option<Value> {
        None
    }

    fn address_of(&self, node: &str, cp: &str, attribute: &str) -> Option<Value> {
        let reserved = self.reserved.get(&(node.to_owned(), cp.to_owned()))?;
        let ip = |found: Option<(Uuid, IpAddr)>| found.map(|(_, ip)| Value::String(ip.to_string()));
        match attribute {
            "ipv4_address" => ip(reserved.v4),
            "ipv6_address" => ip(reserved.v6),
            "ip_address" => ip(reserved.v4.or(reserved.v6)),
            "mac_address" => reserved.mac.clone().map(Value::String),
            _ => None,
        }
    }
}
