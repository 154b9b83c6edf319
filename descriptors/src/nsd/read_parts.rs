//! The node templates, groups and policies of one flavour of a network service (SOL001 clauses 7.8 to 7.10).

use std::collections::BTreeMap;

use super::model::{Connection, NsFlavour, NsVirtualLink, Sap, VnfProfile};
use super::read::{NS, VNF};
use crate::codes;
use crate::diag::Sink;
use crate::expr::Expr;
use crate::network::PlacementKind;
use crate::network::read::{
    connectivity, cp_addresses, placement_rule, raw_group, raw_node, raw_policy, security_group_rule, vl_profile,
};
use crate::tosca::fields::Fields;
use crate::tosca::function::Scope;
use crate::tosca::{Bundle, NodeTemplate, Policy, Topology, TypeKind};
use crate::yaml::Node;

const LINK: &str = "tosca.nodes.nfv.NsVirtualLink";
const SAP: &str = "tosca.nodes.nfv.Sap";
const PNF: &str = "tosca.nodes.nfv.PNF";

pub(super) struct Context<'a, 's> {
    pub bundle: &'a Bundle,
    pub topology: &'a Topology,
    pub scope: &'s Scope<'a>,
    pub sink: &'s mut Sink,
}

impl Context<'_, '_> {
    fn is(&self, node: &NodeTemplate, ancestor: &str) -> bool {
        self.bundle.types.is_a(TypeKind::Node, &node.type_name, ancestor)
    }
}

pub(super) fn read(context: &mut Context<'_, '_>, flavour: &mut NsFlavour) {
    for node in &context.topology.nodes {
        let own = context.scope.owner.as_deref() == Some(node.name.as_str());
        let waits: Vec<String> = node.targets("dependency").map(|(n, _)| n.to_owned()).collect();
        if !waits.is_empty() && !own {
            flavour.dependencies.insert(node.name.clone(), waits);
        }
        if context.is(node, VNF) {
            let vnf = vnf(context, node);
            flavour.vnfs.push(vnf);
        } else if context.is(node, LINK) {
            let link = virtual_link(context, node);
            flavour.virtual_links.push(link);
        } else if context.is(node, SAP) {
            let sap = sap(context, node);
            flavour.saps.push(sap);
        } else if context.is(node, PNF) {
            flavour.pnfs.push(raw_node(node));
        } else if own {
            // The service itself.
        } else if context.is(node, NS) {
            flavour.nested_ns.push(raw_node(node));
        } else {
            flavour.other_nodes.push(raw_node(node));
        }
    }
    for group in &context.topology.groups {
        let raw = raw_group(group);
        if context.bundle.types.is_a(TypeKind::Group, &raw.element_type, "tosca.groups.nfv.VNFFG") {
            flavour.vnffgs.push(raw);
        } else {
            flavour.groups.push(raw);
        }
    }
    for policy in &context.topology.policies {
        read_policy(context, flavour, policy);
    }
}

fn vnf(context: &mut Context<'_, '_>, node: &NodeTemplate) -> VnfProfile {
    let owner = format!("VNF `{}`", node.name);
    // Types give what the template leaves out; the template's own values may be known only later.
    let declared = context.bundle.types.properties(TypeKind::Node, &node.type_name);
    let mut values: BTreeMap<String, Expr> = declared
        .values()
        .filter_map(|d| Some((d.name.clone(), context.scope.expr(d.default.as_ref()?, Some(node)))))
        .collect();
    for entry in node.properties.each().filter(|e| !e.value.is_null()) {
        values.insert(entry.key.clone(), context.scope.expr(&entry.value, Some(node)));
    }
    context.scope.tell(context.sink);
    let mut settled = |key: &str| -> Option<String> {
        match values.remove(key) {
            Some(Expr::Literal(value)) => Some(crate::expr::text_of(&value)),
            Some(_) => {
                let at = node.properties.get(key).map_or(node.at, |n| n.at);
                context.sink.error_mend(
                    &codes::FUNCTION_UNRESOLVED,
                    at,
                    format!("`{key}` of {owner} must be known when the NSD is read, this is a function"),
                    "give the value itself, or a default for the input it comes from",
                );
                None
            }
            None => None,
        }
    };
    let vnfd_id = settled("descriptor_id");
    let flavour_id = settled("flavour_id");
    if vnfd_id.as_ref().is_none_or(String::is_empty) && !context.sink.has_error_at(node.at) {
        context.sink.error_mend(
            &codes::NS_VNF,
            node.at,
            format!("{owner} does not say which VNFD it is of"),
            format!("give `descriptor_id` here, or as a default in the node type `{}`", node.type_name),
        );
    }
    let evaluated = context.scope.eval(&node.properties, Some(node));
    let fields = Fields::new(&evaluated, &owner, node.at);
    let profile = fields.sub("vnf_profile");
    let sink = &mut *context.sink;
    let (min, max): (Option<u32>, Option<u32>) =
        (profile.whole("min_number_of_instances", sink), profile.whole("max_number_of_instances", sink));
    if let (Some(min), Some(max)) = (min, max)
        && min > max
    {
        let message = format!("{owner} may have at least {min} and at most {max} instances");
        sink.error_mend(&codes::NS_VNF, profile.at(), message, "make the minimum no larger than the maximum");
    }
    let min_instances = min.unwrap_or(1);
    values.remove("vnf_profile");
    let configurable_properties = match values.remove("configurable_properties") {
        Some(Expr::Map(entries)) => entries,
        Some(Expr::Literal(serde_json::Value::Object(map))) => {
            map.into_iter().map(|(k, v)| (k, Expr::Literal(v))).collect()
        }
        _ => BTreeMap::new(),
    };
    VnfProfile {
        name: node.name.clone(),
        node_type: node.type_name.clone(),
        vnfd_id: vnfd_id.unwrap_or_default(),
        flavour_id: flavour_id.filter(|f| !f.is_empty()),
        instantiation_level: profile.text("instantiation_level", sink),
        min_instances,
        max_instances: max.unwrap_or(min_instances.max(1)),
        profile: fields.json("vnf_profile"),
        connections: connections(context, node),
        configurable_properties,
        depends_on: node.targets("dependency").map(|(n, _)| n.to_owned()).collect(),
        properties: values,
    }
}

/// Requirements that lead to virtual links, directly or over a `Forwarding` node or SAP.
fn connections(context: &mut Context<'_, '_>, node: &NodeTemplate) -> Vec<Connection> {
    let mut found: Vec<Connection> = Vec::new();
    for requirement in node.requirements.iter().filter(|r| r.name != "dependency") {
        let Some((target, at)) = &requirement.target else { continue };
        // An unknown name was told with the requirement.
        let Some(first) = context.topology.node(target) else { continue };
        let (link, via) = if context.is(first, LINK) {
            (Some(first), None)
        } else {
            let onward = first.target("virtual_link").or_else(|| first.target("internal_virtual_link"));
            (onward.and_then(|n| context.topology.node(n)).filter(|n| context.is(n, LINK)), Some(target.clone()))
        };
        let Some(link) = link else {
            context.sink.error_mend(
                &codes::NS_CONNECTION,
                *at,
                format!(
                    "`{}` of `{}` leads to `{target}`, from where no virtual link is reached",
                    requirement.name, node.name
                ),
                "name a node template of type `tosca.nodes.nfv.NsVirtualLink`",
            );
            continue;
        };
        found.push(Connection { cp: requirement.name.clone(), virtual_link: link.name.clone(), via });
    }
    found
}

fn virtual_link(context: &mut Context<'_, '_>, node: &NodeTemplate) -> NsVirtualLink {
    let properties = context.scope.eval(&node.properties, Some(node));
    let fields = Fields::new(&properties, format!("virtual link `{}`", node.name), node.at);
    let sink = &mut *context.sink;
    let link = NsVirtualLink {
        name: node.name.clone(),
        description: fields.text("description", sink),
        connectivity: connectivity(&fields.sub("connectivity_type"), sink),
        profile: vl_profile(&fields.sub("vl_profile"), sink),
        test_access: fields.texts("test_access", sink),
        extra: fields.rest(),
    };
    if let Some(l2) = link.profile.l2().filter(|l2| l2.is_provider() && l2.name.is_none()) {
        sink.error_mend(
            &codes::NS_CONNECTION,
            node.at,
            format!(
                "the virtual link `{}` is a {} network but names no physical network",
                link.name,
                l2.network_type.as_deref().unwrap_or_default()
            ),
            "add `name: <physical network>` to its l2_protocol_data",
        );
    }
    link
}

fn sap(context: &mut Context<'_, '_>, node: &NodeTemplate) -> Sap {
    let properties = context.scope.eval(&node.properties, Some(node));
    let fields = Fields::new(&properties, format!("SAP `{}`", node.name), node.at);
    let sink = &mut *context.sink;
    let mut mappings = context.topology.requirement_mappings().into_iter();
    let external = mappings.find(|(_, _, words)| words.first() == Some(&node.name)).map(|(name, _, _)| name);
    Sap {
        name: node.name.clone(),
        virtual_link: node.target("internal_virtual_link").map(str::to_owned),
        external,
        layer_protocols: fields.texts("layer_protocols", sink),
        description: fields.text("description", sink),
        addresses: cp_addresses(&fields, sink),
        extra: fields.rest(),
    }
}

fn read_policy(context: &mut Context<'_, '_>, flavour: &mut NsFlavour, policy: &Policy) {
    let types = &context.bundle.types;
    let properties = context.scope.eval(&policy.properties, None);
    let is = |name: &str| types.is_a(TypeKind::Policy, &policy.type_name, &format!("tosca.policies.nfv.{name}"));
    let affinity = is("NsAffinityRule") || is("AffinityRule");
    let fields = Fields::new(&properties, format!("policy `{}`", policy.name), policy.at);
    if affinity || is("NsAntiAffinityRule") || is("AntiAffinityRule") {
        let kind = if affinity { PlacementKind::Affinity } else { PlacementKind::AntiAffinity };
        flavour.placement.push(placement_rule(context.topology, policy, &properties, kind, context.sink));
    } else if is("NsSecurityGroupRule") {
        flavour.security_group_rules.push(security_group_rule(policy, &properties, context.sink));
    } else if is("NsInstantiationLevels") {
        for level in fields.get("ns_levels").iter().flat_map(|l| l.each()) {
            let text = level.value.get("description").and_then(Node::text).unwrap_or_default().to_owned();
            flavour.levels.levels.insert(level.key.clone(), text);
        }
        flavour.levels.default_level = fields.text("default_level", context.sink);
    } else if is("VnfToInstantiationLevelMapping") {
        let counts: BTreeMap<String, u32> = fields
            .get("number_of_instances")
            .iter()
            .flat_map(|m| m.each())
            .filter_map(|e| Some((e.key.clone(), u32::try_from(e.value.integer()?).ok()?)))
            .collect();
        for (vnf, _) in &policy.targets {
            flavour.levels.vnf_instances.entry(vnf.clone()).or_default().extend(counts.clone());
        }
    } else {
        flavour.other_policies.push(raw_policy(policy));
    }
}
