//! Templates against their types: unknown types, properties, requirements, targets, artifacts
//! (TOSCA Simple Profile clause 3.8).

use std::collections::HashSet;

use super::check::{Checker, missing};
use super::function::Scope;
use super::load::Bundle;
use super::names::nearest;
use super::template::{NodeTemplate, Topology};
use super::types::TypeKind;
use super::{operations, requirements};
use crate::archive::{Package, names};
use crate::codes;
use crate::diag::{Pos, Sink};
use crate::yaml::Node;

/// The requirements of nodes that the substitution exposes.
pub(super) type Mapped = HashSet<(String, String)>;

/// Checks every template of the bundle. `substitutable` says which node types stand for a whole descriptor; their
/// required properties are checked by its reader, which knows where the values come from.
pub(crate) fn validate(package: &Package, bundle: &Bundle, substitutable: &[&str], sink: &mut Sink) {
    for template in &bundle.templates {
        let Some(topology) = &template.topology else { continue };
        let mut scope = Scope::new(topology, &bundle.types);
        scope.owner = owner(bundle, topology, substitutable).map(|n| n.name.clone());
        let mapped: Mapped = topology
            .requirement_mappings()
            .into_iter()
            .filter_map(|(_, _, words)| Some((words.first()?.clone(), words.get(1)?.clone())))
            .collect();
        for node in &topology.nodes {
            check_node(package, bundle, topology, &scope, &mapped, node, substitutable, sink);
        }
        for policy in &topology.policies {
            if bundle.types.get(TypeKind::Policy, &policy.type_name).is_none() {
                bundle.types.unknown(TypeKind::Policy, &policy.type_name, policy.type_at, sink);
            } else {
                let owner = format!("policy `{}`", policy.name);
                let mut checker = Checker { types: &bundle.types, sink, owner };
                checker.properties(TypeKind::Policy, &policy.type_name, &policy.properties, Some(policy.at));
            }
            let owner = format!("policy `{}`", policy.name);
            for (target, at) in &policy.targets {
                known_target(topology, target, *at, &owner, sink);
                fitting_target(
                    bundle,
                    topology,
                    (TypeKind::Policy, &policy.type_name, "targets"),
                    (target, *at),
                    &owner,
                    sink,
                );
            }
        }
        for group in &topology.groups {
            check_group(bundle, topology, group, sink);
        }
    }
}

/// The node template that stands for the whole VNF or NS: the one of the substituted type, or of the first of `kinds`.
pub(crate) fn owner<'a>(bundle: &Bundle, topology: &'a Topology, kinds: &[&str]) -> Option<&'a NodeTemplate> {
    let is = |name: &str, kind: &str| bundle.types.is_a(TypeKind::Node, name, kind);
    let substituted = topology.substitution.as_ref().and_then(|s| s.get("node_type")?.text());
    let own_kind = kinds.first()?;
    substituted
        .and_then(|name| topology.nodes.iter().find(|n| n.type_name == name))
        .or_else(|| topology.nodes.iter().find(|n| is(&n.type_name, own_kind)))
}

/// Tells required properties of the node type that stands for the whole descriptor which none of its templates gives.
/// `known` are those that the descriptor's reader asks for itself.
pub(crate) fn required(
    bundle: &Bundle,
    node_type: &str,
    (owner, at): (&str, Pos),
    known: &[&str],
    given: &dyn Fn(&str) -> bool,
    sink: &mut Sink,
) {
    for def in bundle.types.properties(TypeKind::Node, node_type).values() {
        let needed = def.required && def.default.is_none() && !known.contains(&def.name.as_str());
        if needed && !given(&def.name) {
            missing(sink, at, &def.name, owner, &def.schema.type_name);
        }
    }
}

fn known_target(topology: &Topology, target: &str, at: Pos, owner: &str, sink: &mut Sink) {
    if topology.node(target).is_some() || topology.group(target).is_some() {
        return;
    }
    if sink.is_full() {
        return sink.unworded_error();
    }
    let groups = topology.groups.iter().map(|g| g.key.as_str());
    let near = nearest(target, topology.node_names().chain(groups));
    sink.error_mend(
        &codes::NODE_UNKNOWN,
        at,
        format!("{owner} names `{target}`, which is neither a node template nor a group of this file"),
        near.map_or_else(|| format!("add `{target}` or name another"), |n| format!("did you mean `{n}`?")),
    );
}

fn check_group(bundle: &Bundle, topology: &Topology, group: &crate::yaml::Entry, sink: &mut Sink) {
    match group.value.get("type").and_then(|t| t.text().map(|text| (text, t.at))) {
        Some((name, at)) if bundle.types.get(TypeKind::Group, name).is_none() => {
            bundle.types.unknown(TypeKind::Group, name, at, sink);
        }
        Some((name, _)) => {
            let empty = Node::map(group.key_at, Vec::new());
            let given = group.value.get("properties").unwrap_or(&empty);
            let mut checker = Checker { types: &bundle.types, sink, owner: format!("group `{}`", group.key) };
            checker.properties(TypeKind::Group, name, given, None);
            // Packages in the field leave the description of a group out; nothing depends on it.
            for def in bundle.types.properties(TypeKind::Group, name).values() {
                if def.required && def.default.is_none() && given.get(&def.name).is_none() {
                    checker.sink.warn(
                        &codes::PROPERTY_MISSING,
                        group.key_at,
                        format!("the required property `{}` of group `{}` is missing", def.name, group.key),
                        format!("add `{}`", def.name),
                    );
                }
            }
        }
        None => sink.error_mend(
            &codes::TOSCA_SHAPE,
            group.key_at,
            format!("the group `{}` has no type", group.key),
            "add `type: <type name>`",
        ),
    }
    for member in group.value.get("members").iter().flat_map(|m| m.items().unwrap_or_default()) {
        if let Some(name) = member.text() {
            let owner = format!("group `{}`", group.key);
            known_target(topology, name, member.at, &owner, sink);
            let group_type = group.value.get("type").and_then(Node::text).unwrap_or_default();
            fitting_target(bundle, topology, (TypeKind::Group, group_type, "members"), (name, member.at), &owner, sink);
        }
    }
}

/// Whether a policy or group may name a node or group: its type lists the types it is for, under `key`.
fn fitting_target(
    bundle: &Bundle,
    topology: &Topology,
    (kind, type_name, key): (TypeKind, &str, &str),
    (target, at): (&str, Pos),
    owner: &str,
    sink: &mut Sink,
) {
    let types = &bundle.types;
    let Some(listed) = types.chain(kind, type_name).find_map(|def| def.body.get(key)?.items()) else { return };
    let fits = |allowed: &str| match (topology.node(target), topology.group(target)) {
        (Some(node), _) => types.is_a(TypeKind::Node, &node.type_name, allowed),
        (None, Some(group)) => {
            let name = group.value.get("type").and_then(Node::text).unwrap_or_default();
            types.is_a(TypeKind::Group, name, allowed)
        }
        // Told by itself.
        (None, None) => true,
    };
    if sink.is_full() || listed.iter().filter_map(Node::text).any(fits) {
        return;
    }
    let names: Vec<&str> = listed.iter().filter_map(Node::text).take(12).collect();
    sink.warn(
        &codes::POLICY_TARGET,
        at,
        format!("{owner} names `{target}`, but its type is for other kinds of things"),
        format!("name one of type {}", names.join(", ")),
    );
}

fn check_node(
    package: &Package,
    bundle: &Bundle,
    topology: &Topology,
    scope: &Scope<'_>,
    mapped: &Mapped,
    node: &NodeTemplate,
    substitutable: &[&str],
    sink: &mut Sink,
) {
    let types = &bundle.types;
    if types.get(TypeKind::Node, &node.type_name).is_none() {
        types.unknown(TypeKind::Node, &node.type_name, node.type_at, sink);
        return;
    }
    let owner = format!("node template `{}`", node.name);
    let whole = substitutable.iter().any(|s| types.is_a(TypeKind::Node, &node.type_name, s));
    let properties = scope.eval(&node.properties, Some(node));
    scope.tell(sink);
    let mut checker = Checker { types, sink, owner: owner.clone() };
    checker.properties(TypeKind::Node, &node.type_name, &properties, (!whole).then_some(node.at));
    let capabilities = types.capabilities_of(&node.type_name);
    for given in node.body.get("capabilities").iter().flat_map(|c| c.each()) {
        let Some((_, type_name)) = capabilities.iter().find(|(name, _)| *name == given.key) else {
            checker.sink.warn(
                &codes::PROPERTY_UNKNOWN,
                given.key_at,
                format!("the capability `{}` of {owner} is not declared by its type", given.key),
                "take it away, or correct its name",
            );
            continue;
        };
        if let Some(given_properties) = given.value.get("properties") {
            let values = scope.eval(given_properties, Some(node));
            checker.properties(TypeKind::Capability, type_name, &values, Some(given_properties.at));
        }
    }
    scope.tell(sink);
    requirements::check(bundle, topology, mapped, node, whole, sink);
    operations::check(bundle, node, sink);
    check_artifacts(package, bundle, node, sink);
}

fn check_artifacts(package: &Package, bundle: &Bundle, node: &NodeTemplate, sink: &mut Sink) {
    // What its types bring along counts like its own, unless it says otherwise.
    let inherited = bundle.types.chain(TypeKind::Node, &node.type_name).filter_map(|def| def.body.get("artifacts"));
    let mut seen = HashSet::new();
    for artifact in node.body.get("artifacts").into_iter().chain(inherited).flat_map(Node::each) {
        if !seen.insert(artifact.key.as_str()) {
            continue;
        }
        let file = artifact.value.get("file").unwrap_or(&artifact.value);
        let Some(reference) = file.text() else {
            sink.error_mend(
                &codes::TOSCA_SHAPE,
                artifact.key_at,
                format!("the artifact `{}` of `{}` names no file", artifact.key, node.name),
                "add `file: <path>`",
            );
            continue;
        };
        if let Some((name, at)) = artifact.value.get("type").and_then(|t| Some((t.text()?, t.at))) {
            if bundle.types.get(TypeKind::Artifact, name).is_none() {
                bundle.types.unknown(TypeKind::Artifact, name, at, sink);
            } else if let Some(properties) = artifact.value.get("properties") {
                let owner = format!("artifact `{}` of `{}`", artifact.key, node.name);
                let mut checker = Checker { types: &bundle.types, sink, owner };
                checker.properties(TypeKind::Artifact, name, properties, Some(artifact.key_at));
            }
        }
        let external = reference.contains("://") || artifact.value.get("repository").is_some();
        if !external && package_path(package, &node.file, reference).is_none() {
            sink.error_mend(
                &codes::ARTIFACT_MISSING,
                file.at,
                format!("the file `{reference}` of artifact `{}` is not in the package", artifact.key),
                "add the file, or correct the path: it is relative to this file, or to the root of the package",
            );
        }
    }
}

/// The file of the package that a reference in `from` means: relative to that file, or to the root.
pub(crate) fn package_path(package: &Package, from: &str, reference: &str) -> Option<String> {
    [names::join(from, reference), names::join("", reference)].into_iter().flatten().find(|p| package.contains(p))
}
