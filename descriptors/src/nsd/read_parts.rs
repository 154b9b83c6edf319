//! The node templates, groups and policies of one flavour of a network service (SOL001 clauses 7.8 to 7.10).

use std::collections::BTreeMap;

use serde_json::Value;

use super::model::{Connection, NsFlavour, NsVirtualLink, Sap, VnfProfile};
use super::parts::MirroringJob;
use super::read::{NS, PNF, VNF};
use super::{read_forwarding, read_nested, read_policies};
use crate::codes;
use crate::diag::Sink;
use crate::expr::Expr;
use crate::network::read::{connectivity, cp_addresses, merged, node_rest, raw_group, raw_node, vl_profile};
use crate::network::version_dependencies;
use crate::tosca::fields::Fields;
use crate::tosca::function::Scope;
use crate::tosca::{Bundle, NodeTemplate, Topology, TypeKind};

const LINK: &str = "tosca.nodes.nfv.NsVirtualLink";
const SAP: &str = "tosca.nodes.nfv.Sap";

pub(super) struct Context<'a, 's> {
    pub bundle: &'a Bundle,
    pub topology: &'a Topology,
    pub scope: &'s Scope<'a>,
    pub sink: &'s mut Sink,
}

impl Context<'_, '_> {
    pub fn is(&self, node: &NodeTemplate, ancestor: &str) -> bool {
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
            let pnf = read_nested::pnf(context, node);
            flavour.pnf_profiles.push(pnf);
            flavour.pnfs.push(raw_node(node));
        } else if own {
            flavour.ns_extra = node_rest(node, &["interfaces", "artifacts"], &[]);
            let properties = context.scope.eval(&node.properties, Some(node));
            let fields = Fields::new(&properties, format!("NS `{}`", node.name), node.at);
            let profile = fields.sub("ns_profile");
            flavour.ns_profile = profile.exists().then(|| read_nested::ns_profile(&profile, context.sink));
            let rest = profile.rest();
            if !rest.is_null() {
                flavour.ns_extra = merged(flavour.ns_extra.take(), serde_json::json!({ "ns_profile": rest }));
            }
        } else if context.is(node, NS) {
            let nested = read_nested::nested(context, node);
            flavour.nested_ns_profiles.push(nested);
            flavour.nested_ns.push(raw_node(node));
        } else if !read_forwarding::node(context, flavour, node) {
            flavour.other_nodes.push(raw_node(node));
        }
    }
    for group in &context.topology.groups {
        let raw = raw_group(group);
        if context.bundle.types.is_a(TypeKind::Group, &raw.element_type, "tosca.groups.nfv.VNFFG") {
            flavour.forwarding_graphs.push(read_forwarding::graph(context, group));
            flavour.vnffgs.push(raw);
        } else {
            flavour.groups.push(raw);
        }
    }
    for policy in &context.topology.policies {
        read_policies::policy(context, flavour, policy);
    }
    flavour.template_extra = context.topology.extra.clone();
    read_forwarding::check(context, flavour);
    read_policies::check(context, flavour);
}

/// The properties of a part. Types give what the template leaves out; the template's own values may be known only later.
pub(super) fn values(context: &mut Context<'_, '_>, node: &NodeTemplate) -> BTreeMap<String, Expr> {
    let declared = context.bundle.types.properties(TypeKind::Node, &node.type_name);
    let mut values: BTreeMap<String, Expr> = declared
        .values()
        .filter_map(|d| Some((d.name.clone(), context.scope.expr(d.default.as_ref()?, Some(node)))))
        .collect();
    for entry in node.properties.each().filter(|e| !e.value.is_null()) {
        values.insert(entry.key.clone(), context.scope.expr(&entry.value, Some(node)));
    }
    context.scope.tell(context.sink);
    values
}

/// A value that must be known when the NSD is read, taken out of the others.
pub(super) fn settled(
    context: &mut Context<'_, '_>,
    node: &NodeTemplate,
    values: &mut BTreeMap<String, Expr>,
    key: &str,
    owner: &str,
) -> Option<String> {
    match values.remove(key)? {
        Expr::Literal(value) => Some(crate::expr::text_of(&value)),
        _ => {
            let at = node.properties.get(key).map_or(node.at, |n| n.at);
            context.sink.error_mend(
                &codes::FUNCTION_UNRESOLVED,
                at,
                format!("`{key}` of {owner} must be known when the NSD is read, this is a function"),
                "give the value itself, or a default for the input it comes from",
            );
            None
        }
    }
}

fn vnf(context: &mut Context<'_, '_>, node: &NodeTemplate) -> VnfProfile {
    let owner = format!("VNF `{}`", node.name);
    let mut values = values(context, node);
    let vnfd_id = settled(context, node, &mut values, "descriptor_id", &owner);
    let flavour_id = settled(context, node, &mut values, "flavour_id", &owner);
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
    let levels = profile.sub("target_vnf_scale_level_info");
    let scale_levels = levels.entries(sink).iter().map(|e| {
        let level = levels.sub(&e.key).whole("scale_level", sink).unwrap_or_default();
        (e.key.clone(), level)
    });
    let scale_levels = scale_levels.collect();
    let connections = connections(context, node);
    let sink = &mut *context.sink;
    VnfProfile {
        name: node.name.clone(),
        node_type: node.type_name.clone(),
        vnfd_id: vnfd_id.unwrap_or_default(),
        flavour_id: flavour_id.filter(|f| !f.is_empty()),
        instantiation_level: profile.text("instantiation_level", sink),
        min_instances,
        max_instances: max.unwrap_or(min_instances.max(1)),
        profile: fields.json("vnf_profile"),
        service_availability_level: profile.whole("service_availability_level", sink),
        scale_levels,
        version_dependencies: version_dependencies(&profile, sink),
        extra: left(node, &connections),
        connections,
        configurable_properties,
        depends_on: node.targets("dependency").map(|(n, _)| n.to_owned()).collect(),
        properties: values,
    }
}

/// What the node template of a part says beside properties and connections.
pub(super) fn left(node: &NodeTemplate, connections: &[Connection]) -> Value {
    let mut known: Vec<&str> = connections.iter().map(|c| c.cp.as_str()).collect();
    known.push("dependency");
    node_rest(node, &[], &known)
}

/// Requirements that lead to virtual links, directly or over a `Forwarding` node or SAP.
pub(super) fn connections(context: &mut Context<'_, '_>, node: &NodeTemplate) -> Vec<Connection> {
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
    let profile = fields.sub("vl_profile");
    let (service_availability_level, mirroring) = (availability(&profile, sink), mirroring(&profile, sink));
    let link = NsVirtualLink {
        name: node.name.clone(),
        description: fields.text("description", sink),
        connectivity: connectivity(&fields.sub("connectivity_type"), sink),
        profile: vl_profile(&fields.sub("vl_profile"), sink),
        test_access: fields.texts("test_access", sink),
        service_availability_level,
        mirroring,
        externally_managed: fields.text("externally_managed", sink),
        extra: merged(fields.rest(), node_rest(node, &[], &[])),
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

/// A number since version 3; `level1`, `level2` or `level3` before.
fn availability(profile: &Fields<'_>, sink: &mut Sink) -> Option<u32> {
    let old = profile.sub("service_availability").text("level", sink);
    let old = old.and_then(|level| level.trim_start_matches("level").parse().ok());
    profile.whole("service_availability_level", sink).or(old)
}

fn mirroring(profile: &Fields<'_>, sink: &mut Sink) -> Vec<MirroringJob> {
    let key = "data_flow_mirroring";
    let items = profile.list(key, sink).iter().enumerate();
    items
        .map(|(i, node)| {
            let job = profile.item(key, i, node);
            MirroringJob { name: job.need_text("mirroring_job_name", sink), description: job.text("description", sink) }
        })
        .collect()
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
        external_virtual_link: node.target("external_virtual_link").map(str::to_owned),
        role: fields.text("role", sink),
        external,
        layer_protocols: fields.texts("layer_protocols", sink),
        description: fields.text("description", sink),
        addresses: cp_addresses(&fields, sink),
        extra: merged(fields.rest(), node_rest(node, &[], &["internal_virtual_link", "external_virtual_link"])),
    }
}
