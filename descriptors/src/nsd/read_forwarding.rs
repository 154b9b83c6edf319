//! Reading forwarding graphs and paths (SOL001 clauses 7.8 and 7.9).

use super::forwarding::{ForwardingGraph, ForwardingPoint, Mask, Nfp, NfpElement, NfpPosition, NfpRule};
use super::model::NsFlavour;
use super::read_parts::Context;
use crate::codes;
use crate::diag::Sink;
use crate::network::read::{merged, node_rest};
use crate::tosca::fields::Fields;
use crate::tosca::{NodeTemplate, Policy};
use crate::yaml::{Entry, Node};

const FORWARDING: &str = "tosca.nodes.nfv.Forwarding";
const ELEMENT: &str = "tosca.nodes.nfv.NfpPositionElement";
const POSITION: &str = "tosca.nodes.nfv.NfpPosition";
const NFP: &str = "tosca.nodes.nfv.NFP";

/// Takes a node template in when it belongs to forwarding; tells whether it did.
pub(super) fn node(context: &mut Context<'_, '_>, flavour: &mut NsFlavour, node: &NodeTemplate) -> bool {
    let properties = context.scope.eval(&node.properties, Some(node));
    let fields = Fields::new(&properties, format!("node template `{}`", node.name), node.at);
    let name = node.name.clone();
    let targets = |requirement: &str| node.targets(requirement).map(|(n, _)| n.to_owned()).collect();
    let rest = |fields: &Fields<'_>, known: &str| merged(fields.rest(), node_rest(node, &[], &[known]));
    if context.is(node, FORWARDING) {
        flavour.forwarding_points.push(ForwardingPoint {
            name,
            virtual_link: node.target("virtual_link").map(str::to_owned),
            extra: rest(&fields, "virtual_link"),
        });
    } else if context.is(node, ELEMENT) {
        let points = targets("profile_element");
        flavour.nfp_elements.push(NfpElement { name, points, extra: rest(&fields, "profile_element") });
    } else if context.is(node, POSITION) {
        flavour.nfp_positions.push(NfpPosition {
            name,
            behaviour: fields.text("forwarding_behaviour", context.sink),
            parameters: fields.text_map("forwarding_behaviour_input_parameters", context.sink),
            elements: targets("element"),
            extra: rest(&fields, "element"),
        });
    } else if context.is(node, NFP) {
        let positions = targets("nfp_position");
        flavour.nfps.push(Nfp { name, positions, extra: rest(&fields, "nfp_position") });
    } else {
        return false;
    }
    true
}

pub(super) fn graph(context: &Context<'_, '_>, group: &Entry) -> ForwardingGraph {
    let members = group.value.get("members").and_then(Node::items).unwrap_or_default();
    let members = members.iter().filter_map(|m| m.text().map(str::to_owned));
    let is_nfp = |name: &String| context.topology.node(name).is_some_and(|n| context.is(n, NFP));
    let (nfps, constituents) = members.partition(is_nfp);
    let description = group.value.dig(&["properties", "description"]).or_else(|| group.value.get("description"));
    ForwardingGraph {
        name: group.key.clone(),
        description: description.and_then(Node::text).unwrap_or_default().to_owned(),
        nfps,
        constituents,
    }
}

pub(super) fn rule(policy: &Policy, fields: &Fields<'_>, sink: &mut Sink) -> NfpRule {
    let masks = fields.list("extended_criteria", sink).iter().enumerate();
    NfpRule {
        name: policy.name.clone(),
        targets: policy.targets.iter().map(|(t, _)| t.clone()).collect(),
        ether_destination: fields.text("ether_destination_address", sink),
        ether_source: fields.text("ether_source_address", sink),
        ether_type: fields.text("ether_type", sink),
        vlan_tags: fields.texts("vlan_tag", sink),
        protocol: fields.text("protocol", sink),
        dscp: fields.text("dscp", sink),
        source_ports: ports(fields, "source_port_range", sink),
        destination_ports: ports(fields, "destination_port_range", sink),
        source_prefix: fields.text("source_ip_address_prefix", sink),
        destination_prefix: fields.text("destination_ip_address_prefix", sink),
        masks: masks
            .map(|(i, node)| {
                let mask = fields.item("extended_criteria", i, node);
                Mask {
                    starting_point: mask.need_whole("starting_point", sink),
                    length: mask.need_whole("length", sink),
                    value: mask.need_text("value", sink),
                }
            })
            .collect(),
    }
}

/// A range of ports; an open upper end means the last port.
fn ports(fields: &Fields<'_>, key: &str, sink: &mut Sink) -> Option<(u16, u16)> {
    let node = fields.get(key)?;
    let port = |n: &Node| match n.text() {
        Some("UNBOUNDED") => Some(u16::MAX),
        _ => u16::try_from(n.integer()?).ok(),
    };
    let range = match node.items() {
        Some([low, high]) => port(low).zip(port(high)),
        _ => None,
    };
    if range.is_none() && !sink.has_error_at(node.at) {
        let message = format!("`{key}` must be a first and a last port, 0 to 65535");
        sink.error_mend(&codes::VALUE_TYPE, node.at, message, "write for example `[ 80, 80 ]`");
    }
    range
}

/// Checks that paths lead over connection points of the service.
pub(super) fn check(context: &mut Context<'_, '_>, flavour: &NsFlavour) {
    let place = |name: &str| context.topology.node(name).map_or(context.topology.at, |n| n.at);
    let mut told = Vec::new();
    for element in &flavour.nfp_elements {
        for point in element.points.iter().filter(|p| flavour.path_points(p).is_empty()) {
            told.push((
                place(&element.name),
                format!(
                    "the path element `{}` leads to `{point}`, which is at no connection point of the service",
                    element.name
                ),
                format!("connect a VNF by `<its requirement>: {point}`, or name a SAP"),
            ));
        }
    }
    for rule in &flavour.nfp_rules {
        for nfp in rule.targets.iter().filter(|t| !flavour.nfps.iter().any(|n| n.name == **t)) {
            let at =
                context.topology.policies.iter().find(|p| p.name == rule.name).map_or(context.topology.at, |p| p.at);
            told.push((
                at,
                format!("the rule `{}` is for `{nfp}`, which is no forwarding path", rule.name),
                "name a node template of type `tosca.nodes.nfv.NFP`".to_owned(),
            ));
        }
    }
    for nfp in flavour.nfps.iter().filter(|n| !flavour.forwarding_graphs.iter().any(|g| g.nfps.contains(&n.name))) {
        told.push((
            place(&nfp.name),
            format!("the forwarding path `{}` is in no forwarding graph", nfp.name),
            "make it a member of a group of type `tosca.groups.nfv.VNFFG`".to_owned(),
        ));
    }
    for (at, message, mend) in told {
        context.sink.warn(&codes::NS_FORWARDING, at, message, mend);
    }
}
