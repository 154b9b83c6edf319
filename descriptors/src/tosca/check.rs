//! Values against their declared types and constraints (TOSCA Simple Profile clauses 3.3, 3.6.3 and 3.6.10).

use super::constraint::broken;
use super::function::is_function;
use super::names::nearest;
use super::scalar::Unit;
use super::types::{PropertyDef, Schema, TypeKind, Types};
use crate::codes;
use crate::diag::{Pos, Sink};
use crate::yaml::{Node, parse_float};

/// Whether a type name is one of the language's own.
pub(crate) fn is_primitive(name: &str) -> bool {
    let bare = name.strip_prefix("tosca:").unwrap_or(name);
    Unit::of_type(bare).is_some()
        || matches!(
            bare,
            "string"
                | "integer"
                | "float"
                | "boolean"
                | "timestamp"
                | "null"
                | "any"
                | "map"
                | "list"
                | "version"
                | "range"
                | "json"
                | "xml"
        )
}

/// Deepest nesting of data types followed; values themselves are bounded by the YAML reader.
const MAX_DEPTH: usize = 64;

/// Checks values of one owner, such as "node template `VDU1`".
pub(crate) struct Checker<'a> {
    pub types: &'a Types,
    pub sink: &'a mut Sink,
    pub owner: String,
}

impl Checker<'_> {
    /// Checks the properties given for a type. `required` tells whether missing ones are told, with the place to name.
    pub fn properties(&mut self, kind: TypeKind, type_name: &str, given: &Node, required: Option<Pos>) {
        let declared = self.types.properties(kind, type_name);
        self.members(declared.values(), given, required, "", 0);
    }

    fn members<'d>(
        &mut self,
        declared: impl Iterator<Item = &'d PropertyDef> + Clone,
        given: &Node,
        required: Option<Pos>,
        prefix: &str,
        depth: usize,
    ) {
        for entry in given.each() {
            let path = format!("{prefix}{}", entry.key);
            match declared.clone().find(|d| d.name == entry.key) {
                Some(def) => self.value(&entry.value, &def.schema, &path, depth),
                None if self.sink.is_full() => {}
                None => {
                    let near = nearest(&entry.key, declared.clone().map(|d| d.name.as_str()));
                    self.sink.warn(
                        &codes::PROPERTY_UNKNOWN,
                        entry.key_at,
                        format!("`{path}` of {} is not declared by its type", self.owner),
                        near.map_or_else(
                            || "take it away, or declare it in a derived type".to_owned(),
                            |n| format!("did you mean `{n}`?"),
                        ),
                    );
                }
            }
        }
        let Some(at) = required else { return };
        for def in declared {
            if def.required && def.default.is_none() && given.get(&def.name).is_none() {
                missing(self.sink, at, &format!("{prefix}{}", def.name), &self.owner, &def.schema.type_name);
            }
        }
    }

    /// Checks one value. Values that functions compute are checked when they are computed.
    pub fn value(&mut self, node: &Node, schema: &Schema, path: &str, depth: usize) {
        if node.is_null() || is_function(node) || depth > MAX_DEPTH {
            return;
        }
        let mut name = schema.type_name.as_str();
        name = name.strip_prefix("tosca:").unwrap_or(name);
        if is_primitive(name) {
            if self.primitive(node, name, schema, path, depth) {
                self.constraints(node, name, schema.constraints.as_ref(), path);
            }
            return;
        }
        let Some(root) = self.types.chain(TypeKind::Data, name).last() else {
            // Told where the type is named; here a package may use a type its own type file forgot.
            return;
        };
        let base = root.parent.as_ref().map(|(p, _)| p.clone()).filter(|p| is_primitive(p));
        if let Some(base) = base {
            let schema = Schema { type_name: base.clone(), ..schema.clone() };
            if self.primitive(node, &base, &schema, path, depth) {
                let limits: Vec<Node> = self
                    .types
                    .chain(TypeKind::Data, name)
                    .filter_map(|def| def.body.get("constraints").cloned())
                    .collect();
                for limit in limits.iter().chain(schema.constraints.as_ref()) {
                    self.constraints(node, &base, Some(limit), path);
                }
            }
            return;
        }
        if node.entries().is_none() {
            self.wrong(node, path, &format!("a map of type `{name}`"), "");
            return;
        }
        let declared = self.types.properties(TypeKind::Data, name);
        self.members(declared.values(), node, Some(node.at), &format!("{path}."), depth + 1);
    }

    /// Whether the value is of the primitive type; tells when not.
    fn primitive(&mut self, node: &Node, name: &str, schema: &Schema, path: &str, depth: usize) -> bool {
        if let Some(unit) = Unit::of_type(name) {
            let ok = node.text().is_some_and(|t| unit.parse(t).is_some());
            if !ok {
                self.wrong(node, path, "a number with a unit", &format!("write for example `{}`", unit.example()));
            }
            return ok;
        }
        let (ok, expected) = match name {
            "integer" => (node.integer().is_some(), "a whole number"),
            "float" => (node.text().and_then(parse_float).is_some(), "a number"),
            "boolean" => (node.bool().is_some(), "`true` or `false`"),
            "string" | "timestamp" | "version" | "xml" => (node.text().is_some(), "a single value"),
            "range" => (is_range(node), "a list of two bounds, the lower one first"),
            "json" => (
                node.text().is_none_or(|t| serde_json::from_str::<serde::de::IgnoredAny>(t).is_ok()),
                "a JSON document",
            ),
            "list" => (node.items().is_some(), "a list"),
            "map" => (node.entries().is_some(), "a map"),
            _ => (true, ""),
        };
        if !ok {
            let mend = if name == "list" && node.text().is_some() { "write `[ … ]` around it" } else { "" };
            self.wrong(node, path, expected, mend);
            return false;
        }
        if let Some(entry) = &schema.entry {
            for (i, item) in node.items().unwrap_or_default().iter().enumerate() {
                self.value(item, entry, &format!("{path}[{i}]"), depth + 1);
            }
            for item in node.each() {
                self.value(&item.value, entry, &format!("{path}.{}", item.key), depth + 1);
            }
        }
        if let Some(key) = &schema.key {
            for item in node.each() {
                let written = Node::scalar(item.key_at, item.key.clone());
                self.value(&written, key, &format!("the key `{}` of {path}", item.key), depth + 1);
            }
        }
        true
    }

    fn wrong(&mut self, node: &Node, path: &str, expected: &str, mend: &str) {
        let is = match node.text() {
            Some(text) => format!("`{}`", text.chars().take(60).collect::<String>()),
            None => node.shape().to_owned(),
        };
        self.sink.error_mend(
            &codes::VALUE_TYPE,
            node.at,
            format!("`{path}` of {} must be {expected}, this is {is}", self.owner),
            mend,
        );
    }

    fn constraints(&mut self, node: &Node, type_name: &str, constraints: Option<&Node>, path: &str) {
        let Some(constraints) = constraints else { return };
        let clauses = constraints.items().unwrap_or(std::slice::from_ref(constraints));
        for clause in clauses.iter().flat_map(Node::each) {
            if let Some(rule) = broken(node, type_name, &clause.key, &clause.value, self.types.patterns()) {
                let is = node.text().map_or_else(|| node.shape().to_owned(), |t| format!("`{t}`"));
                self.sink.error_mend(
                    &codes::VALUE_CONSTRAINT,
                    node.at,
                    format!("`{path}` of {} must be {rule}, this is {is}", self.owner),
                    "",
                );
            }
        }
    }
}

/// Two whole numbers in order; the upper one may be `UNBOUNDED` (clause 3.3.3).
fn is_range(node: &Node) -> bool {
    let Some([low, high]) = node.items() else { return false };
    let unbounded = high.text() == Some("UNBOUNDED");
    match (low.integer(), high.integer()) {
        (Some(low), Some(high)) => low <= high,
        (Some(_), None) => unbounded,
        _ => false,
    }
}

/// Tells a missing property; readers of the model use the same words, so that it is told once.
pub(crate) fn missing(sink: &mut Sink, at: Pos, path: &str, owner: &str, type_name: &str) {
    sink.error_mend(
        &codes::PROPERTY_MISSING,
        at,
        format!("the required property `{path}` of {owner} is missing"),
        if type_name.is_empty() { format!("add `{path}`") } else { format!("add `{path}` of type `{type_name}`") },
    );
}
