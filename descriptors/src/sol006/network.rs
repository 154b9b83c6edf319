//! What VNFDs, NSDs and PNFDs say alike: addresses of connection points, data of virtual links, security groups, placement
//! (module `etsi-nfv-common`).

use std::net::IpAddr;

use serde_json::Value;

use super::get::{Get, with};
use crate::codes;
use crate::diag::Sink;
use crate::network::{
    Bitrate, Connectivity, CpAddress, IpVersion, L2ProtocolData, L3ProtocolData, PlacementKind, PlacementRule, Pool,
    ProtocolData, Qos, SecurityGroupRule, VlProfile,
};
use crate::tosca::others;
use crate::yaml::Node;

/// Nodes of a connection point that its readers take; the rest is its extra.
pub(super) const CP: [&str; 6] = ["id", "layer-protocol", "role", "description", "protocol", "trunk-mode"];

fn version(word: Option<String>) -> Option<IpVersion> {
    match word.as_deref() {
        Some("ipv4") => Some(IpVersion::Ipv4),
        Some("ipv6") => Some(IpVersion::Ipv6),
        _ => None,
    }
}

/// The protocols of a connection point; `ethernet` where none is named, as the module has it.
pub(super) fn layers(node: &Node) -> Vec<String> {
    let given = node.words("layer-protocol");
    if given.is_empty() { vec!["ethernet".to_owned()] } else { given }
}

/// How a connection point gets its addresses, one entry per address.
pub(super) fn addresses(cp: &Node, sink: &mut Sink) -> Vec<CpAddress> {
    let mut found = Vec::new();
    for protocol in cp.list("protocol") {
        let layer_protocol = protocol.word("associated-layer-protocol").unwrap_or_default();
        let given = protocol.list("address-data");
        if given.is_empty() {
            found.push(CpAddress { layer_protocol: layer_protocol.clone(), ..CpAddress::default() });
        }
        for data in given {
            let (l2, l3) = (data.get("l2-address-data"), data.get("l3-address-data"));
            let fixed = l3.and_then(|d| d.get("fixed-ip-address"));
            let by_layer = version(Some(layer_protocol.clone())).filter(|_| l3.is_some());
            found.push(CpAddress {
                layer_protocol: layer_protocol.clone(),
                mac_assigned: l2.and_then(|d| d.flag("mac-address-assignment")),
                ip_assigned: l3.and_then(|d| d.flag("ip-address-assignment")),
                floating_ip: l3.and_then(|d| d.flag("floating-ip-activated")).unwrap_or_default(),
                ip_version: l3.and_then(|d| version(d.word("ip-address-type"))).or(by_layer),
                count: l3.and_then(|d| d.number("number-of-ip-addresses")),
                subtype: l3.and_then(|d| d.word("ip-address-assignment-subtype")),
                fixed: fixed.and_then(|f| parsed(f, "an IP address", sink)).into_iter().collect(),
            });
        }
    }
    found
}

fn parsed<T: std::str::FromStr>(node: &Node, expected: &str, sink: &mut Sink) -> Option<T> {
    let text = node.text()?;
    let value = text.parse().ok();
    if value.is_none() {
        sink.error(&codes::YANG_VALUE, node.at, format!("this must be {expected}, it is `{text}`"));
    }
    value
}

/// `connectivity-type`.
pub(super) fn connectivity(node: &Node) -> Connectivity {
    let given = node.get("connectivity-type");
    Connectivity {
        layer_protocols: given.map(|c| c.words("layer-protocol")).unwrap_or_default(),
        flow_pattern: given.and_then(|c| c.word("flow-pattern")),
    }
}

/// A pair of bit rates, in units of `unit` bit/s.
pub(super) fn bitrate(node: &Node, unit: u64) -> Bitrate {
    Bitrate {
        root_bps: node.large("root").unwrap_or_default().saturating_mul(unit),
        leaf_bps: node.large("leaf").map(|r| r.saturating_mul(unit)),
    }
}

/// `qos` of a virtual link's flavour; times are in milliseconds.
pub(super) fn qos(flavour: &Node) -> Option<Qos> {
    let qos = flavour.get("qos")?;
    let seconds = |key: &str| qos.decimal(key).map(|ms| ms / 1000.0);
    Some(Qos {
        latency_s: seconds("latency"),
        packet_delay_variation_s: seconds("packet-delay-variation"),
        packet_loss_ratio: qos.decimal("packet-loss-ratio"),
        priority: qos.number("priority").map(i64::from),
    })
}

/// The names of a profile's bit rates, which VNFD and NSD spell differently.
pub(super) struct Rates {
    pub max: &'static str,
    pub min: &'static str,
    /// Bit/s that a unit stands for.
    pub unit: u64,
}

/// A virtual link's profile; `taken` are the nodes of it that stand elsewhere in the model.
pub(super) fn profile(
    profile: Option<&Node>,
    flavour: Option<&Node>,
    rates: &Rates,
    taken: &[&str],
    sink: &mut Sink,
) -> VlProfile {
    let qos = flavour.and_then(qos);
    let Some(profile) = profile else { return VlProfile { qos, ..VlProfile::default() } };
    let mut known = vec!["id", "affinity-or-anti-affinity-group-id", "local-affinity-or-anti-affinity-rule"];
    known.extend([rates.max, rates.min, "virtual-link-protocol-data"]);
    known.extend(taken);
    let data = profile.get("virtual-link-protocol-data").map(|d| protocol_data(d, sink));
    let (protocol_data, left) = data.unwrap_or_default();
    VlProfile {
        max_bitrate: profile.get(rates.max).map(|r| bitrate(r, rates.unit)),
        min_bitrate: profile.get(rates.min).map(|r| bitrate(r, rates.unit)),
        qos,
        protocol_data,
        extra: with(others(profile, &known), "virtual-link-protocol-data", left),
    }
}

/// The data and what of it has no place in the model.
fn protocol_data(data: &Node, sink: &mut Sink) -> (Vec<ProtocolData>, Value) {
    const L2: [&str; 5] = ["name", "network-type", "vlan-transparent", "mtu", "segmentation-id"];
    const L3: [&str; 7] =
        ["name", "ip-version", "cidr", "ip-allocation-pools", "gateway-ip", "dhcp-enabled", "ipv6-address-mode"];
    let l2 = data.get("l2-protocol-data").map(|l2| L2ProtocolData {
        name: l2.word("name"),
        network_type: l2.word("network-type"),
        vlan_transparent: l2.flag("vlan-transparent").unwrap_or_default(),
        mtu: l2.number("mtu"),
        segmentation_id: l2.word("segmentation-id"),
    });
    let given = data.get("l3-protocol-data");
    let l3 = given.and_then(|l3| subnet(l3, sink));
    let mut left = others(data, &["associated-layer-protocol", "l2-protocol-data", "l3-protocol-data"]);
    left = with(left, "l2-protocol-data", data.get("l2-protocol-data").map(|d| others(d, &L2)).unwrap_or_default());
    let rest = match (&l3, given) {
        (Some(_), Some(node)) => others(node, &L3),
        (None, Some(node)) => node.to_json(),
        (_, None) => Value::Null,
    };
    left = with(left, "l3-protocol-data", rest);
    let layer_protocol = data.word("associated-layer-protocol").unwrap_or_default();
    (vec![ProtocolData { layer_protocol, l2, l3 }], left)
}

/// A subnet; without `cidr` there is none.
fn subnet(l3: &Node, sink: &mut Sink) -> Option<L3ProtocolData> {
    let cidr: ipnet::IpNet = parsed(l3.get("cidr")?, "a range of addresses such as 10.0.0.0/24", sink)?;
    let told = version(l3.word("ip-version"));
    let ip_version = IpVersion::of(&cidr.addr());
    if let (Some(node), true) = (l3.get("ip-version"), told.is_some_and(|v| v != ip_version)) {
        sink.error_mend(
            &codes::YANG_VALUE,
            node.at,
            format!("`ip-version` and the addresses of `{cidr}` are of different versions"),
            "make both say the same",
        );
    }
    let gateway_ip: Option<IpAddr> = l3.get("gateway-ip").and_then(|n| parsed(n, "an IP address", sink));
    if let (Some(gateway), Some(node)) = (gateway_ip.filter(|g| !cidr.contains(g)), l3.get("gateway-ip")) {
        sink.error(&codes::YANG_VALUE, node.at, format!("the gateway {gateway} lies outside of {cidr}"));
    }
    Some(L3ProtocolData {
        name: l3.word("name"),
        ip_version,
        cidr,
        pools: l3.list("ip-allocation-pools").iter().filter_map(|n| pool(n, &cidr, sink)).collect(),
        gateway_ip,
        dhcp_enabled: l3.flag("dhcp-enabled"),
        ipv6_address_mode: l3.word("ipv6-address-mode"),
    })
}

/// The module has a pool as text and does not say how; two addresses with a hyphen, comma or blank between are read.
fn pool(node: &Node, cidr: &ipnet::IpNet, sink: &mut Sink) -> Option<Pool> {
    let text = node.text()?;
    let two = text.split_once(['-', ',', ' ']).and_then(|(a, b)| {
        Some(Pool { start: a.trim().parse().ok()?, end: b.trim_matches([' ', '-', ',']).parse().ok()? })
    });
    if two.is_none_or(|p| p.start > p.end || !cidr.contains(&p.start) || !cidr.contains(&p.end)) {
        sink.error_mend(
            &codes::YANG_VALUE,
            node.at,
            format!("the pool `{text}` is no range within {cidr}"),
            "write the first and the last address with a hyphen between them",
        );
        return None;
    }
    two
}

/// The rules with the connection points that name them.
pub(super) fn security(root: &Node, cps: &[(String, &Node)]) -> Vec<SecurityGroupRule> {
    let port = |rule: &Node, key: &str| rule.large(key).and_then(|p| u16::try_from(p).ok());
    root.list("security-group-rule")
        .iter()
        .map(|rule| {
            let name = rule.id();
            let of = |cp: &Node| cp.word("security-group-rule-id").as_deref() == Some(name.as_str());
            SecurityGroupRule {
                direction: rule.word("direction").unwrap_or_else(|| "ingress".to_owned()),
                ether_type: version(rule.word("ether-type")).unwrap_or(IpVersion::Ipv4),
                protocol: rule.word("protocol").unwrap_or_else(|| "tcp".to_owned()),
                port_range_min: port(rule, "port-range-min").unwrap_or(0),
                port_range_max: port(rule, "port-range-max").unwrap_or(u16::MAX),
                description: rule.word("description"),
                targets: cps.iter().filter(|(_, cp)| of(cp)).map(|(name, _)| name.clone()).collect(),
                name,
            }
        })
        .collect()
}

/// Together or apart, and where, of a group or a local rule.
fn rule(node: &Node, kind: &str) -> (PlacementKind, String) {
    let together = node.word(kind).as_deref() == Some("affinity");
    let scope = match node.word("scope").unwrap_or_default().as_str() {
        "L2-network" => "l2_network".to_owned(),
        // The module spells it so.
        "conatiner_namespace" => "container_namespace".to_owned(),
        other => other.replace('-', "_"),
    };
    (if together { PlacementKind::Affinity } else { PlacementKind::AntiAffinity }, scope)
}

/// The placement rules of a flavour: its groups with those of `profiles` that name them, and the rules that a profile has
/// for its own instances. Second: the local rules by name.
pub(super) fn placement<'a>(
    flavour: &'a Node,
    profiles: &[(String, &'a Node)],
    sink: &mut Sink,
) -> (Vec<PlacementRule>, Vec<(String, &'a Node)>) {
    let mut rules = Vec::new();
    for group in flavour.list("affinity-or-anti-affinity-group") {
        let key = if group.get("type").is_some() { "type" } else { "affinityorAntiaffinity" };
        if group.get(key).is_none() {
            sink.error_mend(
                &codes::YANG_MISSING,
                group.at,
                format!("the group `{}` does not say whether its members belong together or apart", group.id()),
                "add `affinityorAntiaffinity`",
            );
        }
        let name = group.id();
        let named = |p: &Node| p.words("affinity-or-anti-affinity-group-id").contains(&name);
        let targets: Vec<String> = profiles.iter().filter(|(_, p)| named(p)).map(|(n, _)| n.clone()).collect();
        if targets.is_empty() {
            sink.warn(
                &codes::YANG_VAGUE,
                group.at,
                format!("no profile belongs to the group `{name}`"),
                "name it in `affinity-or-anti-affinity-group-id` of its members",
            );
            continue;
        }
        let (kind, scope) = rule(group, key);
        rules.push(PlacementRule { name, kind, scope, targets, groups: Vec::new() });
    }
    let mut local = Vec::new();
    for (target, profile) in profiles {
        for node in profile.list("local-affinity-or-anti-affinity-rule") {
            let (kind, scope) = rule(node, "type");
            let word = if kind == PlacementKind::Affinity { "affinity" } else { "anti_affinity" };
            let name = format!("{target}.{word}.{scope}");
            local.push((name.clone(), node));
            rules.push(PlacementRule { name, kind, scope, targets: vec![target.clone()], groups: Vec::new() });
        }
    }
    (rules, local)
}
