//! Reading connection points, virtual links and what the VNF exposes of them (SOL001 clauses 6.8 and 6.11).

use std::collections::HashMap;

use serde_json::Value;

use super::cp::{ExtCp, ExtCpKind, VduCp, VduSubCp, VipCp, VnfVirtualLink};
use super::hardware::interface_requirements;
use super::model::Flavour;
use super::read_flavour::Context;
use crate::codes;
use crate::diag::Pos;
use crate::network::read::{connectivity, cp_addresses, merged, node_rest, vl_profile};
use crate::network::{maintenance, monitoring_parameters};
use crate::tosca::fields::Fields;
use crate::tosca::{NodeTemplate, nearest};
use crate::yaml::Node;

const SUB_CP: &str = "tosca.nodes.nfv.VduSubCp";

/// A connection point of a VDU.
pub(super) enum Port {
    /// A NIC.
    Nic(VduCp),
    /// A port of a trunk.
    Sub(VduSubCp),
}

pub(super) fn vdu_cp(context: &mut Context<'_, '_>, node: &NodeTemplate) -> Option<Port> {
    let properties = context.scope.eval(&node.properties, Some(node));
    let fields = Fields::new(&properties, format!("connection point `{}`", node.name), node.at);
    let sink = &mut *context.sink;
    let metadata = node.metadata();
    let mut cp = VduCp {
        name: node.name.clone(),
        vdu: node.target("virtual_binding").unwrap_or_default().to_owned(),
        virtual_link: node.target("virtual_link").map(str::to_owned),
        external: Vec::new(),
        order: fields.whole("order", sink),
        layer_protocols: fields.texts("layer_protocols", sink),
        vnic_type: fields.text("vnic_type", sink).unwrap_or_else(|| "normal".to_owned()),
        bitrate_bps: fields.whole("bitrate_requirement", sink),
        addresses: cp_addresses(&fields, sink),
        trunk_mode: fields.bool("trunk_mode", sink).unwrap_or_default(),
        role: fields.text("role", sink),
        description: fields.text("description", sink),
        port_security: metadata.get("port_security").is_none_or(|v| v != "false"),
        ip_stack_mode: fields.text("ip_stack_mode", sink),
        interface_requirements: interface_requirements(&fields, sink),
        metadata,
        extra: Value::Null,
    };
    let trunk = context.ancestor(&node.type_name, [SUB_CP]).is_some().then(|| trunk(context, node, &fields));
    cp.extra =
        merged(fields.rest(), node_rest(node, &["metadata"], &["virtual_binding", "virtual_link", "trunk_binding"]));
    if let Some(sub) = trunk {
        cp.vdu = sub.cp.vdu;
        return Some(Port::Sub(VduSubCp { cp, ..sub }));
    }
    let bound = context.topology.node(&cp.vdu).is_some_and(|n| {
        context
            .ancestor(&n.type_name, ["tosca.nodes.nfv.Vdu.Compute", "tosca.nodes.nfv.Vdu.OsContainerDeployableUnit"])
            .is_some()
    });
    if !bound {
        // An unknown name was told with the requirement.
        if context.topology.node(&cp.vdu).is_some() || cp.vdu.is_empty() {
            context.sink.error_mend(
                &codes::CP_BINDING,
                node.at,
                format!("the connection point `{}` is bound to no VDU", cp.name),
                "add `requirements: [ virtual_binding: <VDU> ]`",
            );
        }
        return None;
    }
    Some(Port::Nic(cp))
}

/// The parent of a trunk's port, which tells the VDU, and the tag.
fn trunk(context: &mut Context<'_, '_>, node: &NodeTemplate, fields: &Fields<'_>) -> VduSubCp {
    let parent = node.target("trunk_binding").unwrap_or_default();
    let carrier = context.topology.node(parent);
    let mut fault = |message: String, mend: &str| context.sink.error_mend(&codes::TRUNK, node.at, message, mend);
    match carrier {
        // An unknown name was told with the requirement.
        None if !parent.is_empty() => {}
        None => fault(
            format!("the connection point `{}` is in no trunk", node.name),
            "add `requirements: [ trunk_binding: <VduCp> ]`",
        ),
        Some(carrier) => {
            let trunk_mode = carrier.properties.get("trunk_mode").and_then(Node::bool).unwrap_or_default();
            if !trunk_mode {
                fault(
                    format!("`{}` is to carry `{}`, but is not in trunk mode", carrier.name, node.name),
                    "add `trunk_mode: true` to its properties",
                );
            }
        }
    }
    let vdu = carrier.and_then(|c| c.target("virtual_binding")).unwrap_or_default().to_owned();
    VduSubCp {
        cp: VduCp { vdu, ..VduCp::default() },
        parent: parent.to_owned(),
        segmentation_type: fields.text("segmentation_type", context.sink),
        segmentation_id: fields.whole("segmentation_id", context.sink),
    }
}

pub(super) fn vip(context: &mut Context<'_, '_>, node: &NodeTemplate) -> VipCp {
    let properties = context.scope.eval(&node.properties, Some(node));
    let fields = Fields::new(&properties, format!("virtual IP `{}`", node.name), node.at);
    let sink = &mut *context.sink;
    VipCp {
        name: node.name.clone(),
        targets: node.targets("target").map(|(n, _)| n.to_owned()).collect(),
        virtual_link: node.target("virtual_link").map(str::to_owned),
        function: fields.text("vip_function", sink),
        dedicated_ip_address: fields.bool("dedicated_ip_address", sink).unwrap_or(true),
        layer_protocols: fields.texts("layer_protocols", sink),
        addresses: cp_addresses(&fields, sink),
        description: fields.text("description", sink),
        extra: merged(fields.rest(), node_rest(node, &[], &["target", "virtual_link"])),
    }
}

pub(super) fn virtual_link(context: &mut Context<'_, '_>, node: &NodeTemplate) -> VnfVirtualLink {
    let properties = context.scope.eval(&node.properties, Some(node));
    let fields = Fields::new(&properties, format!("virtual link `{}`", node.name), node.at);
    let sink = &mut *context.sink;
    VnfVirtualLink {
        name: node.name.clone(),
        description: fields.text("description", sink),
        connectivity: connectivity(&fields.sub("connectivity_type"), sink),
        profile: vl_profile(&fields.sub("vl_profile"), sink),
        test_access: fields.texts("test_access", sink),
        monitoring: monitoring_parameters(&fields, "monitoring_parameters", sink),
        maintenance: maintenance(&fields.sub("nfvi_maintenance_info"), sink),
        externally_managed: fields.text("externally_managed", sink),
        extra: merged(fields.rest(), node_rest(node, &[], &[])),
    }
}

/// Makes the external connection points from the substitution mapping, then checks and orders all of them.
pub(super) fn connect(context: &mut Context<'_, '_>, flavour: &mut Flavour) {
    let declared: Vec<String> =
        context.bundle.types.requirements(context.vnf_type).into_iter().map(|r| r.name).collect();
    for (name, at, words) in context.topology.requirement_mappings() {
        if words.is_empty() {
            context.sink.warn(
                &codes::SUBSTITUTION,
                at,
                format!("the mapping of `{name}` is empty; the requirement leads nowhere"),
                format!("write `{name}: [ <node>, virtual_link ]`, or take it away"),
            );
            continue;
        }
        let [target, requirement] = words.as_slice() else {
            context.sink.error_mend(
                &codes::SUBSTITUTION,
                at,
                format!("the mapping of `{name}` must name a node and one of its requirements"),
                format!("write `{name}: [ <node>, virtual_link ]`"),
            );
            continue;
        };
        if !declared.contains(&name) {
            let near = nearest(&name, declared.iter().map(String::as_str));
            context.sink.warn(
                &codes::REQUIREMENT_UNKNOWN,
                at,
                format!("the node type `{}` declares no requirement `{name}`", context.vnf_type),
                near.map_or_else(|| "declare it in the node type".to_owned(), |n| format!("did you mean `{n}`?")),
            );
        }
        if let Some(cp) = ext_cp(context, flavour, &name, at, target, requirement) {
            flavour.ext_cps.push(cp);
        }
    }
    let mut exposed: HashMap<&str, Vec<String>> = HashMap::new();
    for ext in flavour.ext_cps.iter().filter(|e| e.kind == ExtCpKind::VduCp) {
        let names = exposed.entry(ext.cp.as_str()).or_default();
        if !names.contains(&ext.name) {
            names.push(ext.name.clone());
        }
    }
    for cp in &mut flavour.vdu_cps {
        cp.external = exposed.remove(cp.name.as_str()).unwrap_or_default();
    }
    dangling(context, flavour);
    order(context, flavour);
}

fn ext_cp(
    context: &mut Context<'_, '_>,
    flavour: &Flavour,
    name: &str,
    at: Pos,
    target: &str,
    requirement: &str,
) -> Option<ExtCp> {
    let Some(node) = context.topology.node(target) else {
        let near = nearest(target, context.topology.node_names());
        context.sink.error_mend(
            &codes::SUBSTITUTION,
            at,
            format!("the mapping of `{name}` leads to `{target}`, which is no node template of this file"),
            near.map_or_else(|| "name a connection point".to_owned(), |n| format!("did you mean `{n}`?")),
        );
        return None;
    };
    let known = context.bundle.types.requirements(&node.type_name);
    if !known.iter().any(|r| r.name == requirement) {
        let near = nearest(requirement, known.iter().map(|r| r.name.as_str())).unwrap_or("virtual_link");
        context.sink.warn(
            &codes::SUBSTITUTION,
            at,
            format!("the mapping of `{name}` names the requirement `{requirement}`, which `{target}` does not have"),
            format!("write `{name}: [ {target}, {near} ]`"),
        );
    }
    if let Some(cp) = flavour.vdu_cps.iter().find(|c| c.name == target) {
        return Some(ExtCp {
            name: name.to_owned(),
            cp: cp.name.clone(),
            kind: ExtCpKind::VduCp,
            vdu_cps: vec![cp.name.clone()],
            layer_protocols: cp.layer_protocols.clone(),
            addresses: cp.addresses.clone(),
            description: cp.description.clone(),
            interface_requirements: cp.interface_requirements.clone(),
            extra: Value::Null,
        });
    }
    let properties = context.scope.eval(&node.properties, Some(node));
    let fields = Fields::new(&properties, format!("connection point `{target}`"), node.at);
    let is_ext = context.ancestor(&node.type_name, ["tosca.nodes.nfv.VnfExtCp"]).is_some();
    let internal = node.target("internal_virtual_link").or_else(|| node.target("virtual_link")).map(str::to_owned);
    let behind = |c: &&VduCp| internal.is_some() && c.virtual_link == internal;
    Some(ExtCp {
        name: name.to_owned(),
        cp: target.to_owned(),
        vdu_cps: flavour.vdu_cps.iter().filter(behind).map(|c| c.name.clone()).collect(),
        kind: if is_ext { ExtCpKind::VnfExtCp { internal_virtual_link: internal.clone() } } else { ExtCpKind::Other },
        layer_protocols: fields.texts("layer_protocols", context.sink),
        addresses: cp_addresses(&fields, context.sink),
        description: fields.text("description", context.sink),
        interface_requirements: interface_requirements(&fields, context.sink),
        // Connection points with a typed form of their own are found there.
        extra: if is_ext {
            merged(fields.rest(), node_rest(node, &[], &["internal_virtual_link", "external_virtual_link"]))
        } else {
            fields.rest()
        },
    })
}

/// Connection points that are on no link and not exposed are taken as external, under their own name.
fn dangling(context: &mut Context<'_, '_>, flavour: &mut Flavour) {
    for cp in &mut flavour.vdu_cps {
        let at = context.topology.node(&cp.name).map(|n| n.at);
        if let Some(link) = &cp.virtual_link {
            let is_link = flavour.virtual_links.iter().any(|l| l.name == *link);
            if !is_link && context.topology.node(link).is_some() {
                context.sink.error_mend(
                    &codes::CP_LINK,
                    at,
                    format!("the connection point `{}` leads to `{link}`, which is no virtual link", cp.name),
                    "name a node template of type `tosca.nodes.nfv.VnfVirtualLink`",
                );
            }
            continue;
        }
        if !cp.external.is_empty() || cp.trunk_mode {
            continue;
        }
        context.sink.warn(
            &codes::CP_LINK,
            at,
            format!(
                "the connection point `{}` is on no internal virtual link and not exposed; it is taken as external",
                cp.name
            ),
            format!("map a requirement of the VNF to `[ {}, virtual_link ]` under `substitution_mappings`", cp.name),
        );
        cp.external.push(cp.name.clone());
        flavour.ext_cps.push(ExtCp {
            name: cp.name.clone(),
            cp: cp.name.clone(),
            kind: ExtCpKind::VduCp,
            vdu_cps: vec![cp.name.clone()],
            layer_protocols: cp.layer_protocols.clone(),
            addresses: cp.addresses.clone(),
            description: cp.description.clone(),
            interface_requirements: cp.interface_requirements.clone(),
            extra: Value::Null,
        });
    }
}

/// Sorts by VDU and `order`; connection points without one come after those with one, as written.
fn order(context: &mut Context<'_, '_>, flavour: &mut Flavour) {
    let names = flavour.vdus.iter().map(|v| &v.name).chain(flavour.deployable_units.iter().map(|u| &u.name));
    let vdus: Vec<String> = names.cloned().collect();
    let rank = |vdu: &str| vdus.iter().position(|v| v == vdu).unwrap_or(usize::MAX);
    flavour.vdu_cps.sort_by_key(|cp| (rank(&cp.vdu), cp.order.unwrap_or(u32::MAX)));
    for pair in flavour.vdu_cps.windows(2) {
        let [a, b] = pair else { continue };
        if a.vdu == b.vdu && a.order.is_some() && a.order == b.order {
            context.sink.warn(
                &codes::CP_BINDING,
                context.topology.node(&b.name).map(|n| n.at),
                format!("`{}` and `{}` of `{}` have the same order; they are taken as written", a.name, b.name, a.vdu),
                "give each connection point of a VDU its own `order`",
            );
        }
    }
}
