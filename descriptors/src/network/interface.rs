//! Interfaces of a VNF or NS and what implements their operations (SOL001 clauses 6.7 and 7.7).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::read::declaration;
use super::{Artifact, Declaration};
use crate::archive::Package;
use crate::codes;
use crate::diag::Sink;
use crate::tosca::{NodeTemplate, TypeKind, Types, operations, others, package_path};
use crate::yaml::{Entry, Node};

/// An interface of a VNF or NS with its operations.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Interface {
    /// Name in the node type, for example `Vnflcm`.
    pub name: String,
    /// Its type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interface_type: Option<String>,
    /// The standard type it is or derives from, such as `tosca.interfaces.nfv.ChangeCurrentVnfPackage`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standard_type: Option<String>,
    /// Inputs of all its operations, as written.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub inputs: Value,
    /// Operations that say more than their default.
    pub operations: Vec<Operation>,
    /// What operations take as `additional_parameters`, by operation, where a type of the package declares them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, Vec<Declaration>>,
    /// Notifications that its type or the template names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notifications: Vec<String>,
}

/// An operation of an interface.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Operation {
    /// Its name, for example `instantiate_end`.
    pub name: String,
    /// Name of the implementation artifact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub implementation: Option<String>,
    /// Path or URI of that artifact, or the path of the file where the implementation names one directly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Further artifacts the implementation needs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dependencies: Vec<String>,
    /// Everything else it says, as written.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub body: Value,
}

/// The standard interface types, the more special first.
const STANDARD: [&str; 5] = [
    "tosca.interfaces.nfv.Vnflcm",
    "tosca.interfaces.nfv.VnfIndicator",
    "tosca.interfaces.nfv.ChangeCurrentVnfPackage",
    "tosca.interfaces.nfv.Nslcm",
    "tosca.interfaces.nfv.NsVnfIndicator",
];

/// The interfaces of a node type, with its ancestors, and of its template; what is said nearer goes before.
pub(crate) fn interfaces(
    package: &Package,
    types: &Types,
    node: &NodeTemplate,
    artifacts: &[Artifact],
    sink: &mut Sink,
) -> Vec<Interface> {
    let mut by_name: BTreeMap<&str, Interface> = BTreeMap::new();
    let own = node.body.get("interfaces");
    let inherited = types.chain(TypeKind::Node, &node.type_name).filter_map(|def| def.body.get("interfaces"));
    for entry in own.into_iter().chain(inherited).flat_map(Node::each) {
        let interface = by_name
            .entry(entry.key.as_str())
            .or_insert_with(|| Interface { name: entry.key.clone(), ..Interface::default() });
        read(interface, &entry.value, artifacts);
        parameters(types, interface, &entry.value);
    }
    for interface in by_name.values_mut() {
        let Some(name) = &interface.interface_type else { continue };
        let standard = STANDARD.into_iter().find(|s| types.is_a(TypeKind::Interface, name, s));
        interface.standard_type = standard.map(str::to_owned);
        // Types may give an operation its implementation already.
        for def in types.chain(TypeKind::Interface, name) {
            parameters(types, interface, &def.body);
            let mut of_type = Interface::default();
            read(&mut of_type, &def.body, artifacts);
            for operation in of_type.operations.into_iter().filter(|o| o.implementation.is_some()) {
                if !interface.operations.iter().any(|o| o.name == operation.name) {
                    interface.operations.push(operation);
                }
            }
        }
    }
    for operation in by_name.values_mut().flat_map(|i| &mut i.operations) {
        implemented(package, node, operation, artifacts, sink);
    }
    // What every type inherits and nobody fills says nothing.
    by_name
        .into_values()
        .filter(|i| {
            !i.operations.is_empty() || !i.parameters.is_empty() || own.is_some_and(|o| o.entry(&i.name).is_some())
        })
        .collect()
}

/// Adds the parameters that the definition of an interface declares for its operations; a template gives values instead.
fn parameters(types: &Types, interface: &mut Interface, body: &Node) {
    for operation in operations::listed(body) {
        let declared = operation.value.dig(&["inputs", "additional_parameters", "type"]).and_then(Node::text);
        let Some(type_name) = declared.filter(|name| types.get(TypeKind::Data, name).is_some()) else { continue };
        let members: Vec<_> =
            types.properties(TypeKind::Data, type_name).values().map(|def| declaration(def, None)).collect();
        if !members.is_empty() {
            interface.parameters.entry(operation.key.clone()).or_insert(members);
        }
    }
}

/// Adds what `body` says and nothing nearer has said.
fn read(interface: &mut Interface, body: &Node, artifacts: &[Artifact]) {
    if interface.interface_type.is_none() {
        interface.interface_type = body.get("type").and_then(Node::text).map(str::to_owned);
    }
    if interface.inputs.is_null() {
        interface.inputs = body.get("inputs").map(Node::to_json).unwrap_or_default();
    }
    for entry in body.get("notifications").map(Node::each).into_iter().flatten() {
        if !interface.notifications.contains(&entry.key) {
            interface.notifications.push(entry.key.clone());
        }
    }
    for entry in operations::listed(body) {
        if let Some(operation) = operation(entry, artifacts)
            && !interface.operations.iter().any(|o| o.name == operation.name)
        {
            interface.operations.push(operation);
        }
    }
}

/// An operation that says anything; an empty list or map means the default.
fn operation(entry: &Entry, artifacts: &[Artifact]) -> Option<Operation> {
    let body = &entry.value;
    let empty = body.items().is_some_and(<[Node]>::is_empty) || body.entries().is_some_and(<[Entry]>::is_empty);
    if body.is_null() || empty {
        return None;
    }
    let given = body.get("implementation").unwrap_or(body);
    let primary = given.get("primary").unwrap_or(given);
    // An artifact may be written out in place of its name.
    let implementation = primary.get("file").unwrap_or(primary).text().map(str::to_owned);
    let listed = given.get("dependencies").and_then(Node::items).unwrap_or_default();
    let file = implementation.as_ref().and_then(|name| artifacts.iter().find(|a| a.name == *name));
    Some(Operation {
        name: entry.key.clone(),
        file: file.map(|a| a.file.clone()),
        implementation,
        dependencies: listed.iter().filter_map(|d| d.get("file").unwrap_or(d).text().map(str::to_owned)).collect(),
        body: if body.entries().is_some() { others(body, &[]) } else { Value::Null },
    })
}

/// An implementation is an artifact of the node or a file of the package.
fn implemented(
    package: &Package,
    node: &NodeTemplate,
    operation: &mut Operation,
    artifacts: &[Artifact],
    sink: &mut Sink,
) {
    let Some(name) = operation.implementation.as_ref().filter(|_| operation.file.is_none()) else { return };
    operation.file = package_path(package, &node.file, name);
    if operation.file.is_some() || name.contains("://") {
        return;
    }
    let near = crate::tosca::nearest(name, artifacts.iter().map(|a| a.name.as_str()));
    sink.warn(
        &codes::OPERATION_UNKNOWN,
        node.at,
        format!(
            "the operation `{}` of `{}` is implemented by `{name}`, which is no artifact of it and no file of the package",
            operation.name, node.name
        ),
        near.map_or_else(|| format!("add the artifact `{name}`"), |n| format!("did you mean `{n}`?")),
    );
}
