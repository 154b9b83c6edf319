//! Requirements of node templates against their types (TOSCA Simple Profile clauses 3.7.3 and 3.8.2).

use super::load::Bundle;
use super::names::nearest;
use super::template::{NodeTemplate, Requirement, Topology};
use super::types::{RequirementDef, TypeKind};
use super::validate::Mapped;
use crate::codes;
use crate::diag::Sink;

pub(super) fn check(
    bundle: &Bundle,
    topology: &Topology,
    mapped: &Mapped,
    node: &NodeTemplate,
    whole: bool,
    sink: &mut Sink,
) {
    let declared = bundle.types.requirements_of(&node.type_name);
    for requirement in &node.requirements {
        let def = declared.iter().find(|d| d.name == requirement.name);
        if def.is_none() && !sink.is_full() {
            let near = nearest(&requirement.name, declared.iter().map(|d| d.name.as_str()));
            sink.warn(
                &codes::REQUIREMENT_UNKNOWN,
                requirement.at,
                format!("the requirement `{}` of `{}` is not declared by its type", requirement.name, node.name),
                near.map_or_else(|| "declare it in the node type".to_owned(), |n| format!("did you mean `{n}`?")),
            );
        }
        let Some((target, at)) = &requirement.target else { continue };
        let Some(found) = topology.node(target) else {
            if sink.is_full() {
                sink.unworded_error();
                continue;
            }
            let near = nearest(target, topology.node_names());
            sink.error_mend(
                &codes::NODE_UNKNOWN,
                *at,
                format!(
                    "the requirement `{}` of `{}` leads to `{target}`, which is no node template of this file",
                    requirement.name, node.name
                ),
                near.map_or_else(|| format!("add `{target}` or name another"), |n| format!("did you mean `{n}`?")),
            );
            continue;
        };
        capability(bundle, topology, node, requirement, def, found, sink);
        if let Some(wanted) = def.and_then(|d| d.node.as_deref())
            && !bundle.types.is_a(TypeKind::Node, &found.type_name, wanted)
        {
            sink.error(
                &codes::NODE_WRONG_TYPE,
                *at,
                format!(
                    "the requirement `{}` of `{}` needs a `{wanted}`, `{target}` is a `{}`",
                    requirement.name, node.name, found.type_name
                ),
            );
        }
    }
    counts(node, &declared, sink);
    // What a whole VNF or NS requires is met in the descriptor that uses it.
    for def in declared.iter().filter(|d| d.min > 0 && !whole) {
        if !mapped.contains(&(node.name.clone(), def.name.clone()))
            && !node.requirements.iter().any(|r| r.name == def.name)
        {
            sink.warn(
                &codes::REQUIREMENT_MISSING,
                node.at,
                format!("the requirement `{}` of `{}` is not met", def.name, node.name),
                format!("add `{}: <node>` under its `requirements`", def.name),
            );
        }
    }
}

/// A requirement leads to a node with the capability it asks for.
fn capability(
    bundle: &Bundle,
    topology: &Topology,
    node: &NodeTemplate,
    requirement: &Requirement,
    def: Option<&RequirementDef>,
    found: &NodeTemplate,
    sink: &mut Sink,
) {
    let types = &bundle.types;
    let wanted = def.and_then(|d| d.capability.as_deref()).filter(|w| types.get(TypeKind::Capability, w).is_some());
    let (Some(wanted), Some((_, at))) = (wanted, &requirement.target) else { return };
    let offered = types.capabilities_of(&found.type_name);
    let fits = |(_, name): &(String, String)| types.is_a(TypeKind::Capability, name, wanted);
    if types.get(TypeKind::Node, &found.type_name).is_some() && !offered.iter().any(fits) && !sink.is_full() {
        sink.warn(
            &codes::CAPABILITY_LACKING,
            *at,
            format!(
                "the requirement `{}` of `{}` asks for a `{wanted}`, which `{}` does not offer",
                requirement.name, node.name, found.name
            ),
            "name a node template of a type that offers it",
        );
    }
    let template = |name: &String| topology.relationships.iter().any(|r| r.key == *name);
    let given = requirement.relationship.as_ref().filter(|(name, _)| !template(name));
    if let Some((name, at)) = given.filter(|(name, _)| types.get(TypeKind::Relationship, name).is_none()) {
        types.unknown(TypeKind::Relationship, name, *at, sink);
    }
}

/// No requirement is given more often than its type allows.
fn counts(node: &NodeTemplate, declared: &[RequirementDef], sink: &mut Sink) {
    for (def, max) in declared.iter().filter_map(|d| Some((d, usize::try_from(d.max?).ok()?))) {
        let mut given = node.requirements.iter().filter(|r| r.name == def.name).skip(max);
        if let Some(first) = given.next()
            && !sink.is_full()
        {
            sink.warn(
                &codes::REQUIREMENT_MANY,
                first.at,
                format!("the requirement `{}` of `{}` may be given {max} times, this is one more", def.name, node.name),
                "take it away, or widen `occurrences` in a derived type",
            );
        }
    }
}
