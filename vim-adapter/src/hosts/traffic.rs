//! What stands in OVN's northbound database about the traffic of a port: what is let through (`ACL`) and how much (`QoS`), as
//! ovn-nb(5) has them. Pure. They hang on the port's switch and carry the port's mark.

use std::collections::BTreeMap;

use ovsdb::Row;
use reference_points::or_vi::{Direction, Network, PROTOCOLS_WITH_PORTS, Port, PortRule};
use uuid::Uuid;

use super::rows::{drift, port_marks};

/// Priorities of what a rule lets through and of dropping the rest.
const ALLOW: i64 = 1002;
const DROP: i64 = 1001;
/// Of a rate limit; there is one for each direction.
const LIMIT: i64 = 100;

/// Rows of a port that hang on its switch.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Traffic {
    /// For `Logical_Switch.acls`.
    pub acls: Vec<Row>,
    /// For `Logical_Switch.qos_rules`.
    pub qos: Vec<Row>,
}

/// Of the rows `there` those that are not wanted, and of `wanted` those that are not there.
pub fn difference<'a>(there: &[&'a Row], wanted: &'a [Row]) -> (Vec<&'a Row>, Vec<&'a Row>) {
    let (mut left, mut missing) = (there.to_vec(), Vec::new());
    for row in wanted {
        match left.iter().position(|there| drift(there, row).is_empty()) {
            Some(i) => drop(left.remove(i)),
            None => missing.push(row),
        }
    }
    (left, missing)
}

/// The rows of a port on a network.
pub fn of(vim: Uuid, port: &Port, network: &Network) -> Traffic {
    let marks = port_marks(vim, port);
    let acl = |(direction, priority, matches, action): (Direction, i64, String, &str)| {
        Row::new()
            .with("direction", ovn(direction).0)
            .with("priority", priority)
            .with("match", matches)
            .with("action", action)
            .with("external_ids", marks.clone())
    };
    let limit = |rate: u64, direction: Direction| {
        let kbps = i64::try_from(rate / 1000).unwrap_or(i64::MAX).max(1);
        // A flow of TCP needs room for what it sends at once; this much is what Neutron's operators are told to give.
        let bandwidth = BTreeMap::from([("rate".to_owned(), kbps), ("burst".to_owned(), (kbps * 4 / 5).max(1))]);
        Row::new()
            .with("direction", ovn(direction).0)
            .with("priority", LIMIT)
            .with("match", at(port.id, direction))
            .with("bandwidth", bandwidth)
            .with("external_ids", marks.clone())
    };
    let both = [Direction::Egress, Direction::Ingress];
    Traffic {
        acls: acls(port.id, &port.spec.rules).into_iter().map(acl).collect(),
        qos: network.spec.max_port_bitrate.into_iter().flat_map(|rate| both.map(|to| limit(rate, to))).collect(),
    }
}

/// OVN's word for a direction, and for the port in it.
fn ovn(direction: Direction) -> (&'static str, &'static str) {
    match direction {
        Direction::Egress => ("from-lport", "inport"),
        Direction::Ingress => ("to-lport", "outport"),
    }
}

fn at(port: Uuid, direction: Direction) -> String {
    format!("{} == \"{port}\"", ovn(direction).1)
}

fn acls(port: Uuid, rules: &[PortRule]) -> Vec<(Direction, i64, String, &'static str)> {
    let mut acls = Vec::new();
    for direction in [Direction::Egress, Direction::Ingress] {
        let its: Vec<&PortRule> = rules.iter().filter(|rule| rule.direction == direction).collect();
        if its.is_empty() {
            continue;
        }
        let port = at(port, direction);
        acls.push((direction, DROP, format!("{port} && ip"), "drop"));
        for always in always(direction) {
            acls.push((direction, ALLOW, format!("{port} && {always}"), "allow"));
        }
        acls.extend(its.iter().map(|rule| (direction, ALLOW, format!("{port} && {}", matches(rule)), "allow-related")));
    }
    acls
}

/// What a guest gets and keeps its addresses with.
fn always(direction: Direction) -> [&'static str; 3] {
    match direction {
        Direction::Egress => [
            "ip4 && udp && udp.src == 68 && udp.dst == 67",
            "ip6 && udp && udp.src == 546 && udp.dst == 547",
            "(nd || nd_rs || mldv1 || mldv2)",
        ],
        Direction::Ingress => [
            "ip4 && udp && udp.src == 67 && udp.dst == 68",
            "ip6 && udp && udp.src == 547 && udp.dst == 546",
            "(nd || nd_ra || mldv1 || mldv2)",
        ],
    }
}

fn matches(rule: &PortRule) -> String {
    let ip = if rule.ip_version == 6 { "ip6" } else { "ip4" };
    let Some(number) = rule.protocol else { return ip.to_owned() };
    let name = match number {
        6 => "tcp",
        17 => "udp",
        132 => "sctp",
        _ => "",
    };
    match rule.ports.filter(|_| PROTOCOLS_WITH_PORTS.contains(&number)) {
        Some(ports) if ports.first == ports.last => format!("{ip} && {name} && {name}.dst == {}", ports.first),
        Some(ports) => format!("{ip} && {name} && {name}.dst >= {} && {name}.dst <= {}", ports.first, ports.last),
        None => format!("{ip} && ip.proto == {number}"),
    }
}

#[cfg(test)]
mod tests {
    use reference_points::or_vi::PortRange;

    use super::*;

    fn rule(direction: Direction, ip_version: u8, protocol: Option<u8>, ports: Option<(u16, u16)>) -> PortRule {
        PortRule { direction, ip_version, protocol, ports: ports.map(|(first, last)| PortRange { first, last }) }
    }

    #[test]
    fn rules_become_matches() {
        let inward = Direction::Ingress;
        assert_eq!(matches(&rule(inward, 4, Some(6), Some((80, 80)))), "ip4 && tcp && tcp.dst == 80");
        assert_eq!(matches(&rule(inward, 6, Some(17), Some((5, 9)))), "ip6 && udp && udp.dst >= 5 && udp.dst <= 9");
        assert_eq!(matches(&rule(inward, 4, Some(1), None)), "ip4 && ip.proto == 1");
        assert_eq!(matches(&rule(inward, 6, None, None)), "ip6");
    }

    #[test]
    fn a_direction_without_a_rule_is_left_alone() {
        let found = acls(Uuid::nil(), &[rule(Direction::Ingress, 4, Some(6), Some((80, 80)))]);
        assert!(found.iter().all(|(direction, ..)| *direction == Direction::Ingress));
        let drops: Vec<_> = found.iter().filter(|(.., action)| *action == "drop").collect();
        assert_eq!(drops.len(), 1);
        assert!(drops[0].2.starts_with("outport == ") && drops[0].1 < ALLOW);
        assert_eq!(found.iter().filter(|(.., action)| *action == "allow-related").count(), 1);
        assert!(acls(Uuid::nil(), &[]).is_empty());
    }
}
