//! Turns an OpenAPI 3.0 schema into a JSON Schema (draft 4, its nearest relative) that refuses unknown properties.

use std::collections::BTreeSet;
use std::net::IpAddr;

use jsonschema::{Draft, Validator};
use serde_json::{Map, Value, json};

use super::documents::resolve;

/// Deepest composition that is followed.
const MAX_DEPTH: usize = 64;

/// Keywords that validate, whose value is kept as it is.
const PLAIN: [&str; 12] = [
    "type",
    "format",
    "pattern",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "uniqueItems",
];

const COMPOSITIONS: [&str; 3] = ["allOf", "oneOf", "anyOf"];

/// `schema`, which is part of `document`, as a JSON Schema that stands by itself.
pub(super) fn convert_all(schema: &Value, document: &Value) -> Value {
    let components: Map<String, Value> = document
        .pointer("/components/schemas")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .map(|(name, schema)| (name.clone(), convert(schema, document, true, 0)))
        .collect();
    json!({
        "allOf": [convert(schema, document, true, 0)],
        "components": { "schemas": components },
    })
}

/// A validator of `schema`, which is part of `document`.
///
/// # Errors
/// What makes it no schema.
pub(super) fn compile(schema: &Value, document: &Value) -> Result<Validator, String> {
    let root = convert_all(schema, document);
    jsonschema::options()
        .with_draft(Draft::Draft4)
        .should_validate_formats(true)
        .with_format("MAC", is_mac)
        .with_format("IP", |text: &str| text.parse::<IpAddr>().is_ok())
        .build(&root)
        .map_err(|error| format!("not a schema: {error} at {}", error.schema_path()))
}

fn is_mac(text: &str) -> bool {
    let parts: Vec<&str> = text.split([':', '-']).collect();
    parts.len() == 6 && parts.iter().all(|p| p.len() == 2 && p.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// Converts one schema. `sealed` schemas refuse properties they do not know; a branch of a composition is left open and
/// its names are added to the schema that composes it.
fn convert(schema: &Value, document: &Value, sealed: bool, depth: usize) -> Value {
    let Some(node) = schema.as_object() else { return json!({}) };
    if depth > MAX_DEPTH {
        return json!({});
    }
    if let Some(reference) = node.get("$ref") {
        // A sealed reference ends at the converted components; an open branch needs an unsealed copy of its own.
        return if sealed {
            json!({ "$ref": reference })
        } else {
            convert(resolve(document, schema), document, false, depth + 1)
        };
    }
    let mut out = Map::new();
    for key in PLAIN {
        if let Some(value) = node.get(key) {
            out.insert(key.to_owned(), value.clone());
        }
    }
    if let Some(values) = node.get("enum").and_then(Value::as_array) {
        // Draft 4 wants the values to differ; some lists of the documents repeat one.
        let mut once: Vec<Value> = Vec::new();
        values.iter().for_each(|v| {
            if !once.contains(v) {
                once.push(v.clone())
            }
        });
        out.insert("enum".to_owned(), Value::Array(once));
    }
    // Booleans here are relics of draft 3.
    if let Some(Value::Array(required)) = node.get("required").filter(|r| r.as_array().is_some_and(|r| !r.is_empty())) {
        out.insert("required".to_owned(), Value::Array(required.clone()));
    }
    if let Some(items) = node.get("items") {
        out.insert("items".to_owned(), convert(items, document, true, depth + 1));
    }
    if let Some(properties) = node.get("properties").and_then(Value::as_object) {
        let each = |(name, schema): (&String, &Value)| (name.clone(), convert(schema, document, true, depth + 1));
        out.insert("properties".to_owned(), Value::Object(properties.iter().map(each).collect()));
    }
    match node.get("additionalProperties") {
        Some(Value::Bool(allowed)) => {
            out.insert("additionalProperties".to_owned(), Value::Bool(*allowed));
        }
        Some(schema) => {
            out.insert("additionalProperties".to_owned(), convert(schema, document, true, depth + 1));
        }
        None => {}
    }
    for key in COMPOSITIONS {
        if let Some(branches) = node.get(key).and_then(Value::as_array) {
            let each = |branch| convert(branch, document, false, depth + 1);
            out.insert(key.to_owned(), Value::Array(branches.iter().map(each).collect()));
        }
    }
    if let Some(not) = node.get("not") {
        out.insert("not".to_owned(), convert(not, document, false, depth + 1));
    }
    if sealed {
        seal(&mut out, schema, document);
    }
    if node.get("nullable") == Some(&Value::Bool(true)) {
        return json!({ "anyOf": [{ "type": "null" }, out] });
    }
    Value::Object(out)
}

/// Adds `additionalProperties: false` where properties are listed, here or in a branch, and nobody says otherwise.
fn seal(out: &mut Map<String, Value>, schema: &Value, document: &Value) {
    let mut names = BTreeSet::new();
    let open = collect(schema, document, &mut names, 0);
    if open || names.is_empty() {
        return;
    }
    let properties = out.entry("properties").or_insert_with(|| json!({}));
    if let Some(properties) = properties.as_object_mut() {
        for name in names {
            properties.entry(name).or_insert_with(|| json!({}));
        }
    }
    out.insert("additionalProperties".to_owned(), Value::Bool(false));
}

/// Collects the property names of a schema and its branches; true when one of them allows others.
fn collect<'a>(schema: &'a Value, document: &'a Value, names: &mut BTreeSet<String>, depth: usize) -> bool {
    if depth > MAX_DEPTH {
        return true;
    }
    let schema = resolve(document, schema);
    if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
        names.extend(properties.keys().cloned());
    }
    let mut open = schema.get("additionalProperties").is_some();
    for key in COMPOSITIONS {
        for branch in schema.get(key).and_then(Value::as_array).into_iter().flatten() {
            open |= collect(branch, document, names, depth + 1);
        }
    }
    open
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn valid(schema: &Value, document: &Value, body: &Value) -> bool {
        compile(schema, document).unwrap().is_valid(body)
    }

    #[test]
    fn unknown_properties_are_refused_at_every_level() {
        let document = json!({ "components": { "schemas": { "In": { "properties": { "x": {} } } } } });
        let schema = json!({ "properties": { "in": { "$ref": "#/components/schemas/In" }, "list": { "items": { "properties": { "y": {} } } } } });
        assert!(valid(&schema, &document, &json!({ "in": { "x": 1 }, "list": [{ "y": 1 }] })));
        assert!(!valid(&schema, &document, &json!({ "other": 1 })));
        assert!(!valid(&schema, &document, &json!({ "in": { "other": 1 } })));
        assert!(!valid(&schema, &document, &json!({ "list": [{ "other": 1 }] })));
    }

    #[test]
    fn branches_share_their_properties() {
        let document =
            json!({ "components": { "schemas": { "Base": { "properties": { "a": { "type": "string" } } } } } });
        let schema = json!({ "allOf": [{ "$ref": "#/components/schemas/Base" }, { "properties": { "b": {} } }] });
        assert!(valid(&schema, &document, &json!({ "a": "1", "b": 2 })));
        assert!(!valid(&schema, &document, &json!({ "a": 1 })));
        assert!(!valid(&schema, &document, &json!({ "c": 1 })));
    }

    #[test]
    fn objects_without_listed_properties_and_maps_stay_open() {
        assert!(valid(&json!({ "type": "object" }), &json!({}), &json!({ "any": 1 })));
        let map = json!({ "additionalProperties": { "properties": { "a": {} } } });
        assert!(valid(&map, &json!({}), &json!({ "key": { "a": 1 } })));
        assert!(!valid(&map, &json!({}), &json!({ "key": { "b": 1 } })));
    }

    #[test]
    fn nullable_and_formats_count() {
        let schema = json!({ "properties": { "m": { "type": "string", "format": "MAC", "nullable": true }, "i": { "format": "IP" } } });
        assert!(valid(&schema, &json!({}), &json!({ "m": null, "i": "fd00::1" })));
        assert!(valid(&schema, &json!({}), &json!({ "m": "fa:16:3e:00:00:01", "i": "10.0.0.1" })));
        assert!(!valid(&schema, &json!({}), &json!({ "m": "fa:16" })));
        assert!(!valid(&schema, &json!({}), &json!({ "i": "10.0.0.256" })));
    }
}
