//! Interfaces of node templates against their interface types (TOSCA Simple Profile clauses 3.6.16 and 3.7.5).

use std::collections::BTreeSet;

use super::load::Bundle;
use super::names::nearest;
use super::template::NodeTemplate;
use super::types::{TypeKind, Types};
use crate::codes;
use crate::diag::Sink;
use crate::yaml::{Entry, Node};

/// Keys of an interface that are no operations.
const NOT_OPERATIONS: [&str; 8] =
    ["type", "inputs", "operations", "notifications", "description", "derived_from", "version", "metadata"];

/// The operations below an interface: under `operations` since profile 1.3, directly below it before.
pub(crate) fn listed(interface: &Node) -> impl Iterator<Item = &Entry> {
    let direct = interface.each().filter(|e| !NOT_OPERATIONS.contains(&e.key.as_str()));
    interface.get("operations").map(Node::each).into_iter().flatten().chain(direct)
}

/// The operations and notifications of an interface type with its ancestors.
pub(crate) fn declared(types: &Types, interface_type: &str) -> BTreeSet<String> {
    types
        .chain(TypeKind::Interface, interface_type)
        .flat_map(|def| {
            let notifications = def.body.get("notifications").map(Node::each).into_iter().flatten();
            listed(&def.body).chain(notifications).map(|e| e.key.clone()).collect::<Vec<_>>()
        })
        .collect()
}

/// Tells unknown interface types and operations that the type does not have.
pub(super) fn check(bundle: &Bundle, node: &NodeTemplate, sink: &mut Sink) {
    let types = &bundle.types;
    let Some(interfaces) = node.body.get("interfaces") else { return };
    let of_type = types.section(TypeKind::Node, &node.type_name, "interfaces");
    for given in interfaces.each() {
        let of_node_type = of_type.get(&given.key);
        let named = given.value.get("type").or_else(|| of_node_type?.get("type"));
        let Some((name, at)) = named.and_then(|n| Some((n.text()?, n.at))) else { continue };
        if types.get(TypeKind::Interface, name).is_none() {
            types.unknown(TypeKind::Interface, name, at, sink);
            continue;
        }
        let mut known = declared(types, name);
        known.extend(of_node_type.into_iter().flat_map(listed).map(|e| e.key.clone()));
        if known.is_empty() {
            continue;
        }
        for operation in listed(&given.value).filter(|o| !known.contains(&o.key)) {
            let near = nearest(&operation.key, known.iter().map(String::as_str));
            sink.warn(
                &codes::OPERATION_UNKNOWN,
                operation.key_at,
                format!("the interface `{}` of `{}` has no operation `{}`", given.key, node.name, operation.key),
                near.map_or_else(
                    || format!("declare it in a type derived from `{name}`"),
                    |n| format!("did you mean `{n}`?"),
                ),
            );
        }
    }
}
