//! Where the published OpenAPI files contradict the specification they belong to: every place, with the reason, and what
//! is put in its stead before anything is validated. The list is short on purpose; an entry that no longer finds its
//! place makes a test fail.

mod monitoring;
mod sol003;
mod sol005;

use serde_json::{Map, Value, json};

/// A place in the documents that is mended.
pub struct Deviation {
    /// Name of the deviation.
    pub what: &'static str,
    /// Why the file is not followed.
    pub why: &'static str,
    /// Part of the names of the files it is found in.
    pub file: &'static str,
    mend: Mend,
}

enum Mend {
    /// Tried on every JSON object of the file; true when it changed it.
    Everywhere(fn(&mut Map<String, Value>) -> bool),
    /// Applied to the file once; true when it changed it.
    Once(fn(&mut Value) -> bool),
}

use Mend::{Everywhere, Once};

/// Every deviation.
pub fn all() -> impl Iterator<Item = &'static Deviation> {
    sol003::DEVIATIONS.iter().chain(sol005::DEVIATIONS).chain(monitoring::DEVIATIONS)
}

/// Mends a document; returns which deviations found something.
pub(super) fn mend(file: &str, document: &mut Value) -> Vec<&'static str> {
    let mut applied = Vec::new();
    for deviation in all().filter(|d| file.contains(d.file)) {
        let changed = match deviation.mend {
            Everywhere(mend) => everywhere(document, mend),
            Once(mend) => mend(document),
        };
        if changed {
            applied.push(deviation.what);
        }
    }
    applied
}

fn everywhere(value: &mut Value, mend: fn(&mut Map<String, Value>) -> bool) -> bool {
    match value {
        Value::Object(node) => {
            let here = mend(node);
            node.values_mut().fold(here, |changed, child| everywhere(child, mend) | changed)
        }
        Value::Array(items) => items.iter_mut().fold(false, |changed, child| everywhere(child, mend) | changed),
        _ => false,
    }
}

fn properties(node: &mut Map<String, Value>) -> Option<&mut Map<String, Value>> {
    node.get_mut("properties")?.as_object_mut()
}

fn has(node: &Map<String, Value>, names: &[&str]) -> bool {
    let properties = node.get("properties").and_then(Value::as_object);
    properties.is_some_and(|properties| has_all(properties, names))
}

fn has_all(properties: &Map<String, Value>, names: &[&str]) -> bool {
    names.iter().all(|name| properties.contains_key(*name))
}

/// Forbids each pair of attributes together.
fn exclude(node: &mut Map<String, Value>, pairs: &[[&str; 2]]) -> bool {
    let both: Vec<Value> = pairs.iter().map(|pair| json!({ "required": pair })).collect();
    node.insert("not".into(), json!({ "anyOf": both })).is_none()
}

/// Lets an attribute be of any type in the objects that have `names` too.
fn of_any_type(node: &mut Map<String, Value>, attribute: &str, names: &[&str]) -> bool {
    let Some(properties) = properties(node).filter(|p| p.contains_key(attribute) && has_all(p, names)) else {
        return false;
    };
    properties.insert(attribute.into(), json!({})).is_some_and(|old| old != json!({}))
}

/// Takes a header from an answer of the shared ones.
fn without_header(document: &mut Value, answer: &str, header: &str) -> bool {
    let headers = document.pointer_mut(&format!("/components/responses/{answer}/headers"));
    headers.and_then(Value::as_object_mut).is_some_and(|headers| headers.remove(header).is_some())
}

/// Makes an attribute a list of what it is, where it is none.
fn as_list(node: &mut Map<String, Value>, attribute: &str) -> bool {
    let Some(single) = properties(node).and_then(|p| p.get_mut(attribute)).filter(|a| a["type"] != "array") else {
        return false;
    };
    *single = json!({ "type": "array", "items": single.take() });
    true
}

fn list_of(names: &Value) -> Value {
    json!({ "type": "array", "items": { "type": "string", "enum": names } })
}

fn names_of(document: &Value, schema: &str) -> Value {
    document.pointer(&format!("/components/schemas/{schema}/enum")).cloned().unwrap_or_else(|| json!([]))
}

fn replace(document: &mut Value, schema: &str, with: Value) -> bool {
    document.pointer_mut(&format!("/components/schemas/{schema}")).map(|place| *place = with).is_some()
}
