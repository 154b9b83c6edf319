//! Reading nested services and PNFs of a service (SOL001 clause 7.8).

use std::collections::BTreeMap;

use super::parts::{NestedNs, NsProfile, PnfProfile};
use super::read_parts::{Context, connections, settled, values};
use crate::codes;
use crate::diag::Sink;
use crate::expr::Expr;
use crate::network::version_dependencies;
use crate::tosca::NodeTemplate;
use crate::tosca::fields::Fields;

pub(super) fn ns_profile(fields: &Fields<'_>, sink: &mut Sink) -> NsProfile {
    let (min, max): (Option<u32>, Option<u32>) =
        (fields.whole("min_number_of_instances", sink), fields.whole("max_number_of_instances", sink));
    if let (Some(min), Some(max)) = (min, max)
        && min > max
    {
        let message = format!("there may be at least {min} and at most {max} instances of the service");
        sink.error_mend(&codes::NS_PART, fields.at(), message, "make the minimum no larger than the maximum");
    }
    let levels = fields.sub("target_ns_scale_level");
    let level = |key: &str, sink: &mut Sink| levels.sub(key).whole("scale_level", sink).unwrap_or_default();
    NsProfile {
        instantiation_level: fields.text("ns_instantiation_level", sink),
        scale_levels: levels.entries(sink).iter().map(|e| (e.key.clone(), level(&e.key, sink))).collect(),
        min_instances: min.unwrap_or(1),
        max_instances: max.unwrap_or_else(|| min.unwrap_or(1).max(1)),
        flavour_id: fields.text("flavour_id", sink),
        version_dependencies: version_dependencies(fields, sink),
    }
}

pub(super) fn nested(context: &mut Context<'_, '_>, node: &NodeTemplate) -> NestedNs {
    let owner = format!("nested service `{}`", node.name);
    let mut values = values(context, node);
    let nsd_id = identified(context, node, &mut values, &owner);
    let flavour_id = settled(context, node, &mut values, "flavour_id", &owner).filter(|f| !f.is_empty());
    values.remove("ns_profile");
    let evaluated = context.scope.eval(&node.properties, Some(node));
    let fields = Fields::new(&evaluated, &owner, node.at);
    let profile = ns_profile(&fields.sub("ns_profile"), context.sink);
    NestedNs {
        name: node.name.clone(),
        node_type: node.type_name.clone(),
        nsd_id,
        flavour_id: flavour_id.or_else(|| profile.flavour_id.clone()),
        profile,
        connections: connections(context, node),
        depends_on: node.targets("dependency").map(|(n, _)| n.to_owned()).collect(),
        properties: values,
    }
}

pub(super) fn pnf(context: &mut Context<'_, '_>, node: &NodeTemplate) -> PnfProfile {
    let owner = format!("PNF `{}`", node.name);
    let mut values = values(context, node);
    let pnfd_id = identified(context, node, &mut values, &owner);
    values.remove("version_dependency");
    let evaluated = context.scope.eval(&node.properties, Some(node));
    let fields = Fields::new(&evaluated, &owner, node.at);
    PnfProfile {
        name: node.name.clone(),
        node_type: node.type_name.clone(),
        pnfd_id,
        connections: connections(context, node),
        depends_on: node.targets("dependency").map(|(n, _)| n.to_owned()).collect(),
        version_dependencies: version_dependencies(&fields, context.sink),
        properties: values,
    }
}

/// The descriptor a part is of; a part of an unknown descriptor cannot be made.
fn identified(
    context: &mut Context<'_, '_>,
    node: &NodeTemplate,
    values: &mut BTreeMap<String, Expr>,
    owner: &str,
) -> String {
    let id = settled(context, node, values, "descriptor_id", owner).unwrap_or_default();
    if id.is_empty() && !context.sink.has_error_at(node.at) {
        context.sink.error_mend(
            &codes::NS_PART,
            node.at,
            format!("the {owner} does not say which descriptor it is of"),
            format!("give `descriptor_id` here, or as a default in the node type `{}`", node.type_name),
        );
    }
    id
}
