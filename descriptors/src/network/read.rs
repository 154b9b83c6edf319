//! Reading what VNFDs and NSDs say alike: profiles of virtual links, addresses, rules, artifacts, interfaces.

use std::net::IpAddr;

use ipnet::IpNet;
use serde_json::Value;

use super::{
    Artifact, Bitrate, Connectivity, CpAddress, Declaration, IpVersion, L2ProtocolData, L3ProtocolData, PlacementKind,
    PlacementRule, Pool, ProtocolData, Qos, RawElement, RawPolicy, SecurityGroupRule, VlProfile,
};
use crate::archive::Package;
use crate::codes;
use crate::diag::Sink;
use crate::tosca::fields::Fields;
use crate::tosca::{NodeTemplate, Policy, PropertyDef, Topology, TypeKind, Types, Unit, others, package_path};
use crate::yaml::{Entry, Node};

pub(crate) fn connectivity(fields: &Fields<'_>, sink: &mut Sink) -> Connectivity {
    Connectivity {
        layer_protocols: fields.texts("layer_protocols", sink),
        flow_pattern: fields.text("flow_pattern", sink),
    }
}

pub(crate) fn bitrate(fields: &Fields<'_>, sink: &mut Sink) -> Option<Bitrate> {
    fields.exists().then(|| Bitrate {
        root_bps: fields.whole("root", sink).unwrap_or_default(),
        leaf_bps: fields.whole("leaf", sink),
    })
}

pub(crate) fn vl_profile(fields: &Fields<'_>, sink: &mut Sink) -> VlProfile {
    let qos = fields.sub("qos");
    let protocol_data = fields
        .list("virtual_link_protocol_data", sink)
        .iter()
        .enumerate()
        .map(|(i, node)| protocol_data(&fields.item("virtual_link_protocol_data", i, node), sink))
        .collect();
    VlProfile {
        max_bitrate: bitrate(&fields.sub("max_bitrate_requirements"), sink),
        min_bitrate: bitrate(&fields.sub("min_bitrate_requirements"), sink),
        qos: qos.exists().then(|| Qos {
            latency_s: qos.unit("latency", Unit::Time, sink),
            packet_delay_variation_s: qos.unit("packet_delay_variation", Unit::Time, sink),
            packet_loss_ratio: qos.float("packet_loss_ratio", sink),
            priority: qos.whole("priority", sink),
        }),
        protocol_data,
        extra: fields.rest(),
    }
}

fn protocol_data(fields: &Fields<'_>, sink: &mut Sink) -> ProtocolData {
    let l2 = fields.sub("l2_protocol_data");
    let l3 = fields.sub("l3_protocol_data");
    ProtocolData {
        layer_protocol: fields.text("associated_layer_protocol", sink).unwrap_or_default(),
        l2: l2.exists().then(|| L2ProtocolData {
            name: l2.text("name", sink),
            network_type: l2.text("network_type", sink),
            vlan_transparent: l2.bool("vlan_transparent", sink).unwrap_or_default(),
            mtu: l2.whole("mtu", sink),
            segmentation_id: l2.text("segmentation_id", sink),
        }),
        l3: if l3.exists() { l3_data(&l3, sink) } else { None },
    }
}

fn l3_data(fields: &Fields<'_>, sink: &mut Sink) -> Option<L3ProtocolData> {
    let cidr = parsed::<IpNet>(fields, "cidr", "an address range such as `10.0.0.0/24`", sink);
    if fields.get("cidr").is_none() {
        fields.missing("cidr", "string", sink);
    }
    let ip_version = match fields.text("ip_version", sink).as_deref() {
        Some("ipv4") => IpVersion::Ipv4,
        Some("ipv6") => IpVersion::Ipv6,
        _ => cidr.map_or(IpVersion::Ipv4, |c| IpVersion::of(&c.addr())),
    };
    let gateway_ip = parsed::<IpAddr>(fields, "gateway_ip", "an IP address", sink);
    let pools: Vec<Pool> = fields
        .list("ip_allocation_pools", sink)
        .iter()
        .enumerate()
        .filter_map(|(i, node)| {
            let pool = fields.item("ip_allocation_pools", i, node);
            Some(Pool {
                start: parsed(&pool, "start_ip_address", "an IP address", sink)?,
                end: parsed(&pool, "end_ip_address", "an IP address", sink)?,
            })
        })
        .collect();
    let data = L3ProtocolData {
        name: fields.text("name", sink),
        ip_version,
        cidr: cidr?,
        pools,
        gateway_ip,
        dhcp_enabled: fields.bool("dhcp_enabled", sink),
        ipv6_address_mode: fields.text("ipv6_address_mode", sink),
    };
    fits(&data, fields, sink);
    Some(data)
}

/// Addresses of a subnet must lie in it and have its version.
fn fits(data: &L3ProtocolData, fields: &Fields<'_>, sink: &mut Sink) {
    let at = |key: &str| fields.get(key).map_or(fields.at(), |n| n.at);
    if IpVersion::of(&data.cidr.addr()) != data.ip_version {
        sink.error_mend(
            &codes::ADDRESSING,
            at("ip_version"),
            format!("the range {} is not of the IP version named here", data.cidr),
            "correct one of the two",
        );
    }
    for address in data.pools.iter().flat_map(|p| [p.start, p.end]) {
        if !data.cidr.contains(&address) {
            sink.error_mend(
                &codes::ADDRESSING,
                at("ip_allocation_pools"),
                format!("{address} of the allocation pool lies outside {}", data.cidr),
                "take addresses of the range",
            );
        }
    }
    for pool in data.pools.iter().filter(|p| p.start > p.end) {
        sink.error_mend(
            &codes::ADDRESSING,
            at("ip_allocation_pools"),
            format!("the pool from {} to {} is empty", pool.start, pool.end),
            "put the lower address first",
        );
    }
    if let Some(gateway) = data.gateway_ip.filter(|g| !data.cidr.contains(g)) {
        sink.error(&codes::ADDRESSING, at("gateway_ip"), format!("the gateway {gateway} lies outside {}", data.cidr));
    }
}

fn parsed<T: std::str::FromStr>(fields: &Fields<'_>, key: &str, expected: &str, sink: &mut Sink) -> Option<T> {
    let text = fields.text(key, sink)?;
    let value = text.trim().parse().ok();
    if let (None, Some(node)) = (&value, fields.get(key)) {
        sink.error(&codes::ADDRESSING, node.at, format!("`{key}` must be {expected}, this is `{text}`"));
    }
    value
}

/// The `protocol` property of a connection point, one entry per address.
pub(crate) fn cp_addresses(fields: &Fields<'_>, sink: &mut Sink) -> Vec<CpAddress> {
    let mut found = Vec::new();
    for (i, node) in fields.list("protocol", sink).iter().enumerate() {
        let protocol = fields.item("protocol", i, node);
        let layer_protocol = protocol.text("associated_layer_protocol", sink).unwrap_or_default();
        let addresses = protocol.list("address_data", sink);
        if addresses.is_empty() {
            found.push(CpAddress { layer_protocol: layer_protocol.clone(), ..CpAddress::default() });
        }
        for (j, node) in addresses.iter().enumerate() {
            let address = protocol.item("address_data", j, node);
            // Which of the two data is there says the same.
            address.get("address_type");
            let (l2, l3) = (address.sub("l2_address_data"), address.sub("l3_address_data"));
            let fixed = l3.texts("fixed_ip_address", sink);
            let by_layer = match layer_protocol.as_str() {
                "ipv4" => Some(IpVersion::Ipv4),
                "ipv6" => Some(IpVersion::Ipv6),
                _ => None,
            };
            let ip_version = match l3.text("ip_address_type", sink).as_deref() {
                Some("ipv4") => Some(IpVersion::Ipv4),
                Some("ipv6") => Some(IpVersion::Ipv6),
                _ => by_layer.filter(|_| l3.exists()),
            };
            found.push(CpAddress {
                layer_protocol: layer_protocol.clone(),
                mac_assigned: l2.bool("mac_address_assignment", sink),
                ip_assigned: l3.bool("ip_address_assignment", sink),
                floating_ip: l3.bool("floating_ip_activated", sink).unwrap_or_default(),
                ip_version,
                count: l3.whole("number_of_ip_address", sink),
                subtype: l3.text("ip_address_assignment_subtype", sink),
                fixed: fixed.iter().filter_map(|a| fixed_address(a, &l3, sink)).collect(),
            });
        }
    }
    found
}

fn fixed_address(text: &str, fields: &Fields<'_>, sink: &mut Sink) -> Option<IpAddr> {
    let address = text.trim().parse().ok();
    if address.is_none() {
        let at = fields.get("fixed_ip_address").map_or(fields.at(), |n| n.at);
        sink.error(&codes::ADDRESSING, at, format!("`{text}` is not an IP address"));
    }
    address
}

/// The artifacts of a node template and of its type, files as paths of the package; the template's go before the type's.
pub(crate) fn artifacts(package: &Package, types: &Types, node: &NodeTemplate) -> Vec<Artifact> {
    let inherited = types.chain(TypeKind::Node, &node.type_name).filter_map(|def| def.body.get("artifacts"));
    let mut found: Vec<Artifact> = Vec::new();
    for entry in node.body.get("artifacts").into_iter().chain(inherited).flat_map(Node::each) {
        let Some(reference) = entry.value.get("file").unwrap_or(&entry.value).text() else { continue };
        if found.iter().any(|a| a.name == entry.key) {
            continue;
        }
        found.push(Artifact {
            name: entry.key.clone(),
            artifact_type: entry.value.get("type").and_then(Node::text).map(str::to_owned),
            file: package_path(package, &node.file, reference).unwrap_or_else(|| reference.to_owned()),
            properties: entry.value.get("properties").map(Node::to_json).unwrap_or_default(),
            extra: others(&entry.value, &["type", "file", "properties"]),
        });
    }
    found
}

/// A value that no type declares, kept as it is.
pub(crate) fn undeclared(entry: &Entry) -> Declaration {
    Declaration {
        name: entry.key.clone(),
        value_type: "any".to_owned(),
        entry_schema: Value::Null,
        required: false,
        default: Some(entry.value.to_json()),
        description: None,
        constraints: Value::Null,
    }
}

/// A declared property as an operator sees it; `given` is the value of the template.
pub(crate) fn declaration(def: &PropertyDef, given: Option<&Node>) -> Declaration {
    Declaration {
        name: def.name.clone(),
        value_type: def.schema.type_name.clone(),
        entry_schema: def.schema.entry.as_ref().map(|e| e.to_json()).unwrap_or_default(),
        required: def.required,
        default: given.or(def.default.as_ref()).map(Node::to_json),
        description: def.description.clone(),
        constraints: def.schema.constraints.as_ref().map(Node::to_json).unwrap_or_default(),
    }
}

/// The targets of a policy with groups resolved to their members; second the groups themselves.
pub(crate) fn resolved_targets(topology: &Topology, policy: &Policy) -> (Vec<String>, Vec<String>) {
    let (mut members, mut groups) = (Vec::new(), Vec::new());
    for (target, _) in &policy.targets {
        match topology.group(target) {
            Some(group) if topology.node(target).is_none() => {
                groups.push(target.clone());
                let listed = group.value.get("members").and_then(Node::items).unwrap_or_default();
                members.extend(listed.iter().filter_map(|m| m.text().map(str::to_owned)));
            }
            _ => members.push(target.clone()),
        }
    }
    let mut seen = std::collections::HashSet::new();
    members.retain(|m| seen.insert(m.clone()));
    (members, groups)
}

pub(crate) fn placement_rule(
    topology: &Topology,
    policy: &Policy,
    fields: &Fields<'_>,
    kind: PlacementKind,
    sink: &mut Sink,
) -> PlacementRule {
    let scope = fields.need_text("scope", sink);
    let known = ["nfvi_node", "zone", "zone_group", "nfvi_pop", "network_link_and_node", "container_namespace"];
    let newer = ["l2_network", "cis_node"];
    let is_known = known.iter().chain(&newer).any(|k| *k == scope);
    if let (Some(node), false) = (fields.get("scope"), is_known)
        && !sink.has_error_at(node.at)
    {
        sink.error_mend(
            &codes::PLACEMENT,
            node.at,
            format!("the scope `{scope}` of policy `{}` is not known", policy.name),
            format!("use one of {}", known.join(", ")),
        );
    }
    let (targets, groups) = resolved_targets(topology, policy);
    if targets.is_empty() {
        sink.error_mend(
            &codes::PLACEMENT,
            policy.at,
            format!("the policy `{}` has no targets", policy.name),
            "name the nodes or groups it applies to under `targets`",
        );
    }
    PlacementRule { name: policy.name.clone(), kind, scope, targets, groups }
}

pub(crate) fn security_group_rule(policy: &Policy, fields: &Fields<'_>, sink: &mut Sink) -> SecurityGroupRule {
    let ether_type = match fields.text("ether_type", sink).as_deref() {
        Some("ipv6") => IpVersion::Ipv6,
        _ => IpVersion::Ipv4,
    };
    SecurityGroupRule {
        name: policy.name.clone(),
        direction: fields.text("direction", sink).unwrap_or_else(|| "ingress".to_owned()),
        ether_type,
        protocol: fields.text("protocol", sink).unwrap_or_else(|| "tcp".to_owned()),
        port_range_min: fields.whole("port_range_min", sink).unwrap_or(0),
        port_range_max: fields.whole("port_range_max", sink).unwrap_or(u16::MAX),
        description: fields.text("description", sink),
        targets: policy.targets.iter().map(|(t, _)| t.clone()).collect(),
    }
}

/// What a policy says beyond the properties its reader took: other properties, `description`, `metadata`, `triggers`.
pub(crate) fn policy_rest(policy: &Policy, fields: &Fields<'_>, typed_triggers: bool) -> Value {
    let known: &[&str] = if typed_triggers {
        &["type", "targets", "properties", "triggers"]
    } else {
        &["type", "targets", "properties"]
    };
    joined(others(&policy.body, known), "properties", fields.rest())
}

/// What a node template says beyond its properties and beyond the keys and requirements that its reader took. A requirement
/// that says more than its target, such as a relationship, is kept whole.
pub(crate) fn node_rest(node: &NodeTemplate, keys: &[&str], requirements: &[&str]) -> Value {
    let mut known = vec!["type", "properties", "requirements"];
    known.extend(keys);
    let left: Vec<Value> = node
        .requirements
        .iter()
        .filter(|r| !r.extra.is_null() || !requirements.contains(&r.name.as_str()))
        .map(|r| {
            let target = serde_json::json!(r.target.as_ref().map(|(name, _)| name));
            let value = if r.extra.is_null() { target } else { joined(r.extra.clone(), "node", target) };
            serde_json::json!({ r.name.as_str(): value })
        })
        .collect();
    let left = if left.is_empty() { Value::Null } else { Value::Array(left) };
    joined(others(&node.body, &known), "requirements", left)
}

/// A value with another put in under `key`, unless that is null.
fn joined(value: Value, key: &str, more: Value) -> Value {
    match (value, more) {
        (value, Value::Null) => value,
        (Value::Object(mut map), more) => {
            map.insert(key.to_owned(), more);
            Value::Object(map)
        }
        (_, more) => serde_json::json!({ key: more }),
    }
}

/// Two leftovers in one value.
pub(crate) fn merged(one: Value, other: Value) -> Value {
    match (one, other) {
        (one, Value::Null) => one,
        (Value::Object(mut all), Value::Object(more)) => {
            all.extend(more);
            Value::Object(all)
        }
        (_, other) => other,
    }
}

pub(crate) fn raw_policy(policy: &Policy) -> RawPolicy {
    RawPolicy {
        name: policy.name.clone(),
        policy_type: policy.type_name.clone(),
        targets: policy.targets.iter().map(|(t, _)| t.clone()).collect(),
        body: others(&policy.body, &["type", "targets"]),
    }
}

pub(crate) fn raw_node(node: &NodeTemplate) -> RawElement {
    RawElement { name: node.name.clone(), element_type: node.type_name.clone(), body: others(&node.body, &["type"]) }
}

pub(crate) fn raw_group(group: &Entry) -> RawElement {
    RawElement {
        name: group.key.clone(),
        element_type: group.value.get("type").and_then(Node::text).unwrap_or_default().to_owned(),
        body: others(&group.value, &["type"]),
    }
}
