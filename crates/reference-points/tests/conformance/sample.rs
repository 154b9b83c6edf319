//! Makes values from schemas, whichever side wrote them: OpenAPI 3.1 as this project's types describe themselves, or the
//! converted ETSI documents.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

/// How much of a schema a sample shows.
#[derive(Debug, Clone, Copy)]
pub enum Extent {
    /// Every property; where some exclude each other, the alternative with this number.
    Full(usize),
    /// Every object and list of objects, each with what is required.
    Skeleton,
    /// What is required.
    Minimal,
}

const UUID: &str = "6f1c2a1e-6d0b-4c8f-9a55-0d8a6c4b1f10";

/// A value of `schema`, which is part of `root`.
pub fn sample(root: &Value, schema: &Value, extent: Extent) -> Value {
    value(root, schema, extent, "")
}

fn value(root: &Value, schema: &Value, extent: Extent, name: &str) -> Value {
    if let Some(reference) = schema["$ref"].as_str() {
        let target = root.pointer(reference.trim_start_matches('#')).expect("a reference leads somewhere");
        return value(root, target, extent, name);
    }
    if let Some(names) = schema["enum"].as_array() {
        return names[0].clone();
    }
    if schema.get("properties").is_some() {
        return object(root, schema, extent);
    }
    for key in ["allOf", "oneOf", "anyOf"] {
        let mut branches = schema[key].as_array().into_iter().flatten();
        if let Some(branch) = branches.find(|b| b["type"] != "null") {
            return value(root, branch, extent, name);
        }
    }
    let kind = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().find(|k| *k != "null").cloned().unwrap_or_default(),
        kind => kind.clone(),
    };
    match kind.as_str() {
        Some("array") => {
            let least = schema["minItems"].as_u64().unwrap_or(0) as usize;
            let count = if matches!(extent, Extent::Minimal) { least } else { least.max(1) };
            (0..count).map(|_| value(root, &schema["items"], extent, name)).collect()
        }
        Some("string") => text(schema, name).into(),
        Some("integer") => 204.into(),
        Some("number") => 1.5.into(),
        Some("boolean") => true.into(),
        Some("object") if schema["additionalProperties"].is_object() => {
            let inner = value(root, &schema["additionalProperties"], extent, name);
            json!({ "one": inner })
        }
        None if name.ends_with("Id") => text(schema, name).into(),
        _ => json!({ "aString": "text", "aNumber": 1.5, "anArray": [1], "anObject": { "key": "value" } }),
    }
}

fn object(root: &Value, schema: &Value, extent: Extent) -> Value {
    let properties = schema["properties"].as_object().expect("properties are an object");
    let required = strings(&schema["required"]);
    let mut wanted: BTreeSet<&str> = match extent {
        Extent::Full(_) => properties.keys().map(String::as_str).collect(),
        Extent::Minimal => required.iter().copied().collect(),
        Extent::Skeleton => {
            let deep = |name: &str| required.contains(&name) || holds_objects(root, &properties[name]);
            properties.keys().map(String::as_str).filter(|name| deep(name)).collect()
        }
    };
    let alternative = if let Extent::Full(n) = extent { n } else { 0 };
    let branches: Vec<Vec<&str>> =
        schema["oneOf"].as_array().into_iter().flatten().map(|b| strings(&b["required"])).collect();
    if !branches.is_empty() {
        let chosen = &branches[alternative % branches.len()];
        wanted.retain(|name| chosen.contains(name) || !branches.iter().flatten().any(|other| other == name));
        wanted.extend(chosen);
    }
    if let Some(any) = schema["anyOf"].as_array().filter(|_| !matches!(extent, Extent::Full(_))) {
        wanted.extend(strings(&any[0]["required"]));
    }
    let not = &schema["not"];
    for pair in not["anyOf"].as_array().into_iter().flatten().chain(not.get("required").map(|_| not)) {
        let pair = strings(&pair["required"]);
        wanted.remove(pair[(alternative + 1) % pair.len()]);
    }
    let each = |name: &str| (name.to_owned(), value(root, &properties[name], extent, name));
    Value::Object(wanted.into_iter().map(each).collect::<Map<_, _>>())
}

/// An object with attributes of its own, or a list or map of such.
fn holds_objects(root: &Value, schema: &Value) -> bool {
    if let Some(reference) = schema["$ref"].as_str() {
        return root.pointer(reference.trim_start_matches('#')).is_some_and(|target| holds_objects(root, target));
    }
    schema.get("properties").is_some()
        || ["items", "additionalProperties"].iter().any(|key| schema.get(key).is_some_and(|s| holds_objects(root, s)))
        || ["allOf", "oneOf"]
            .iter()
            .flat_map(|key| schema[key].as_array().into_iter().flatten())
            .any(|s| holds_objects(root, s))
}

fn strings(list: &Value) -> Vec<&str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

/// A text that fits the format where there is one, and the name where our types know better than the documents.
fn text(schema: &Value, name: &str) -> &'static str {
    match (schema["format"].as_str().unwrap_or_default(), name) {
        ("date-time", _) | (_, "timeStamp" | "timestamp") => "2026-01-02T03:04:05.678901Z",
        ("MAC", _) | (_, "macAddress") => "fa:16:3e:00:00:01",
        ("IP", _) | (_, "addresses" | "fixedAddresses" | "minAddress" | "maxAddress") => "fd00::7",
        (_, "containerFormat") => "BARE",
        (_, "diskFormat") => "QCOW2",
        (_, "href") => "http://127.0.0.1:8700/resource",
        (_, name) if name.ends_with("Id") || name.ends_with("Ids") || name == "id" => UUID,
        _ => "text",
    }
}
