//! What of a descriptor is about the traffic of ports: what is let through (`SecurityGroupRule`, SOL001 clause 6.10) and
//! addresses that several share (`VipCp`, clause 6.8).

use std::net::IpAddr;

use descriptors::network::{IpVersion, SecurityGroupRule};
use descriptors::vnfd::{Flavour, VipCp};
use ipnet::IpNet;
use reference_points::common::Fault;
use reference_points::or_vi::{Direction, PROTOCOLS_WITH_PORTS, PortRange, PortRule};
use reference_points::or_vnfm::InstantiateVnfRequest;

use super::Work;

/// Keywords of IANA's registry of protocols that are of use here, with their numbers; others are given as a number.
const PROTOCOLS: [(&str, u8); 15] = [
    ("icmp", 1),
    ("igmp", 2),
    ("ipv4", 4),
    ("ipip", 4),
    ("tcp", 6),
    ("udp", 17),
    ("ipv6", 41),
    ("gre", 47),
    ("esp", 50),
    ("ah", 51),
    ("ipv6-icmp", 58),
    ("ospf", 89),
    ("pim", 103),
    ("vrrp", 112),
    ("sctp", 132),
];

/// The number of a rule's protocol; `None` inside means all.
fn protocol(rule: &SecurityGroupRule) -> Option<Option<u8>> {
    let word = rule.protocol.to_ascii_lowercase();
    match (word.as_str(), rule.ether_type) {
        ("any" | "all" | "ip", _) => Some(None),
        ("icmpv6" | "icmp6", _) | ("icmp", IpVersion::Ipv6) => Some(Some(58)),
        (word, _) => {
            let known = PROTOCOLS.iter().find(|(known, _)| *known == word).map(|(_, number)| *number);
            known.or_else(|| word.parse().ok()).map(Some)
        }
    }
}

/// A rule as a VIM takes it.
///
/// # Errors
/// What is wrong with it.
fn read(rule: &SecurityGroupRule) -> Result<PortRule, String> {
    let direction = match rule.direction.as_str() {
        "ingress" => Direction::Ingress,
        "egress" => Direction::Egress,
        other => return Err(format!("its direction {other:?} is neither ingress nor egress")),
    };
    let protocol = protocol(rule)
        .ok_or_else(|| format!("its protocol {:?} is not known: give its number, 0 to 255", rule.protocol))?;
    let (first, last) = (rule.port_range_min, rule.port_range_max);
    if first > last {
        return Err(format!("its ports end at {last}, before they begin at {first}"));
    }
    let ports = (protocol.is_some_and(|number| PROTOCOLS_WITH_PORTS.contains(&number))
        && (first, last) != (0, u16::MAX))
        .then_some(PortRange { first, last });
    let ip_version = if rule.ether_type == IpVersion::Ipv6 { 6 } else { 4 };
    Ok(PortRule { direction, ip_version, protocol, ports })
}

/// The connection points of VDUs that a policy's target means: itself, or those behind an external one.
fn means(flavour: &Flavour, target: &str, cp: &str) -> bool {
    target == cp || flavour.ext_cps.iter().any(|ext| ext.cp == target && ext.vdu_cps.iter().any(|inner| inner == cp))
}

/// What is let through at a connection point, each once; nothing where no rule names it. What cannot be read was told.
pub fn rules(flavour: &Flavour, cp: &str) -> Vec<PortRule> {
    let its = |rule: &&SecurityGroupRule| rule.targets.iter().any(|target| means(flavour, target, cp));
    let mut rules: Vec<PortRule> =
        flavour.security_group_rules.iter().filter(its).filter_map(|rule| read(rule).ok()).collect();
    rules.sort();
    rules.dedup();
    rules
}

/// The addresses of a shared connection point: those of the package, and those of the request where it is external.
fn addresses_of(vip: &VipCp, flavour: &Flavour, request: &InstantiateVnfRequest) -> Vec<IpAddr> {
    let names: Vec<&str> = flavour
        .ext_cps
        .iter()
        .filter(|ext| ext.cp == vip.name)
        .flat_map(|ext| [ext.name.as_str(), ext.cp.as_str()])
        .collect();
    let configured = request
        .ext_virtual_links
        .iter()
        .flat_map(|link| &link.ext_cps)
        .filter(|ext| names.contains(&ext.cpd_id.as_str()))
        .flat_map(|ext| ext.cp_config.values())
        .flat_map(|config| &config.cp_protocol_data)
        .filter_map(|data| data.ip_over_ethernet.as_ref())
        .flat_map(|ip| &ip.ip_addresses)
        .flat_map(|addresses| &addresses.fixed_addresses)
        .filter_map(|text| text.parse().ok());
    vip.addresses.iter().flat_map(|a| a.fixed.iter().copied()).chain(configured).collect()
}

/// Addresses that a connection point shares with others, and may send from beside its own.
pub fn shared_addresses(flavour: &Flavour, request: &InstantiateVnfRequest, cp: &str) -> Vec<IpNet> {
    let its = |vip: &&VipCp| vip.targets.iter().any(|target| target == cp);
    flavour.vip_cps.iter().filter(its).flat_map(|vip| addresses_of(vip, flavour, request)).map(IpNet::from).collect()
}

impl Work<'_> {
    /// Everything wrong with the policies about ports, once.
    pub(super) fn port_policies(&mut self) {
        let flavour = self.flavour;
        for rule in &flavour.security_group_rules {
            let place = format!("VNFD security group rule {}", rule.name);
            if let Err(why) = read(rule) {
                self.fault(&place, why);
            }
            let known = |target: &&String| {
                let sub = flavour.sub_cps.iter().map(|sub| &sub.cp.name);
                let mut cps = flavour.vdu_cps.iter().map(|cp| &cp.name).chain(sub);
                cps.any(|cp| means(flavour, target, cp))
            };
            for target in rule.targets.iter().filter(|target| !known(target)) {
                self.fault(&place, format!("its target {target:?} is no connection point of a VDU"));
            }
        }
        for vip in &flavour.vip_cps {
            if vip.floats() {
                let why =
                    "no VIM gives an address that several share a floating one: activate it on the CPs themselves";
                self.fault(format!("VNFD CP {}", vip.name), why);
            }
            if addresses_of(vip, flavour, self.given.request).is_empty() {
                let fault = Fault::new(format!("VNFD CP {}", vip.name), "the address that it shares is not told");
                let mend = "give it fixed addresses in its l3_address_data, or in the cpConfig of its external CP";
                self.faults.push(fault.mend(mend));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn rule(protocol: &str, ether_type: IpVersion, ports: (u16, u16)) -> SecurityGroupRule {
        SecurityGroupRule {
            name: "r".to_owned(),
            direction: "ingress".to_owned(),
            ether_type,
            protocol: protocol.to_owned(),
            port_range_min: ports.0,
            port_range_max: ports.1,
            description: None,
            targets: vec!["cp".to_owned()],
        }
    }

    #[test]
    fn rules_are_read_with_their_defaults() {
        let web = read(&rule("tcp", IpVersion::Ipv4, (80, 443))).unwrap();
        assert_eq!((web.protocol, web.ports), (Some(6), Some(PortRange { first: 80, last: 443 })));
        assert_eq!(read(&rule("TCP", IpVersion::Ipv4, (0, u16::MAX))).unwrap().ports, None);
        let ping = read(&rule("icmp", IpVersion::Ipv6, (8, 8))).unwrap();
        assert_eq!((ping.ip_version, ping.protocol, ping.ports), (6, Some(58), None));
        assert_eq!(read(&rule("any", IpVersion::Ipv4, (0, u16::MAX))).unwrap().protocol, None);
        assert_eq!(read(&rule("88", IpVersion::Ipv4, (0, 0))).unwrap().protocol, Some(88));
    }

    #[test]
    fn what_cannot_be_a_rule_is_told() {
        assert!(read(&rule("carrier-pigeon", IpVersion::Ipv4, (0, 1))).unwrap_err().contains("carrier-pigeon"));
        assert!(read(&rule("tcp", IpVersion::Ipv4, (9, 1))).is_err());
        let sideways = SecurityGroupRule { direction: "sideways".to_owned(), ..rule("tcp", IpVersion::Ipv4, (0, 1)) };
        assert!(read(&sideways).unwrap_err().contains("sideways"));
    }

    #[test]
    fn a_rule_for_an_external_connection_point_is_one_for_those_behind_it() {
        use descriptors::vnfd::ExtCp;
        let ext = ExtCp { cp: "outside".to_owned(), vdu_cps: vec!["cp".to_owned()], ..ExtCp::default() };
        let outside = SecurityGroupRule { targets: vec!["outside".to_owned()], ..rule("tcp", IpVersion::Ipv4, (1, 2)) };
        let flavour = Flavour {
            ext_cps: vec![ext],
            security_group_rules: vec![outside, rule("tcp", IpVersion::Ipv4, (1, 2))],
            ..Flavour::default()
        };
        assert_eq!((rules(&flavour, "cp").len(), rules(&flavour, "other").len()), (1, 0));
    }
}
