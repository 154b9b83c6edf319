//! The OpenAPI document of `vnflcm/v1`: that of the handlers of version 2, with the schemas changed as the translation
//! changes documents. A changed schema, and whatever refers to one, has a name of its own.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use utoipa_axum::router::OpenApiRouter;

use crate::app::App;

const PREFIX: &str = "#/components/schemas/";

/// The routes with the document of version 1.
pub fn older(mut routes: OpenApiRouter<App>) -> OpenApiRouter<App> {
    let document = serde_json::to_value(&*routes.get_openapi_mut());
    if let Ok(document) = document.and_then(|mut d| {
        reform(&mut d);
        typed(&mut d);
        serde_json::from_value(d)
    }) {
        *routes.get_openapi_mut() = document;
    }
    routes
}

fn reform(document: &mut Value) {
    let Some(Value::Object(mut schemas)) = document.pointer_mut("/components/schemas").map(Value::take) else { return };
    let mut changed = BTreeSet::new();
    for (name, schema) in &mut schemas {
        let before = schema.clone();
        change(name, schema);
        if *schema != before {
            changed.insert(name.clone());
        }
    }
    loop {
        let more: Vec<String> = schemas
            .iter()
            .filter(|(name, schema)| !changed.contains(*name) && refers(schema, &changed))
            .map(|(name, _)| name.clone())
            .collect();
        if more.is_empty() {
            break;
        }
        changed.extend(more);
    }
    let renamed: Map<String, Value> = schemas
        .into_iter()
        .map(|(name, schema)| if changed.contains(&name) { (v1(&name), schema) } else { (name, schema) })
        .collect();
    if let Some(place) = document.pointer_mut("/components/schemas") {
        *place = Value::Object(renamed);
    }
    rename(document, &changed);
}

fn v1(name: &str) -> String {
    format!("{name}V1")
}

fn refers(value: &Value, changed: &BTreeSet<String>) -> bool {
    match value {
        Value::String(text) => text.strip_prefix(PREFIX).is_some_and(|name| changed.contains(name)),
        Value::Array(items) => items.iter().any(|item| refers(item, changed)),
        Value::Object(members) => members.values().any(|inner| refers(inner, changed)),
        _ => false,
    }
}

fn rename(value: &mut Value, changed: &BTreeSet<String>) {
    match value {
        Value::String(text) => {
            if let Some(name) = text.strip_prefix(PREFIX).filter(|name| changed.contains(*name)) {
                *text = format!("{PREFIX}{}", v1(name));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| rename(item, changed)),
        Value::Object(members) => members.values_mut().for_each(|inner| rename(inner, changed)),
        _ => {}
    }
}

/// Gives schemas that allow anything all types by name: without one they are written but not read again.
fn typed(value: &mut Value) {
    const NAMED: [&str; 5] = ["type", "$ref", "oneOf", "allOf", "anyOf"];
    let any = |schema: &mut Value| {
        if let Value::Object(members) = schema
            && !NAMED.iter().any(|name| members.contains_key(*name))
        {
            let all = json!(["object", "array", "string", "number", "boolean", "null"]);
            members.insert("type".to_owned(), all);
        }
    };
    match value {
        Value::Array(items) => items.iter_mut().for_each(typed),
        Value::Object(members) => {
            for (name, inner) in members.iter_mut() {
                match (name.as_str(), &mut *inner) {
                    ("properties", Value::Object(properties)) => properties.values_mut().for_each(any),
                    ("items" | "schema" | "additionalProperties", schema) => any(schema),
                    _ => {}
                }
                typed(inner);
            }
        }
        _ => {}
    }
}

/// What the translation does, done to a schema.
fn change(name: &str, schema: &mut Value) {
    let Some(Value::Object(properties)) = schema.get_mut("properties") else { return };
    for list in ["vimConnectionInfo", "cpConfig"] {
        if let Some(map) = properties.get_mut(list)
            && let Some(entry) = map.get("additionalProperties").cloned()
        {
            *map = json!({ "type": "array", "items": entry, "description": map.get("description") });
        }
    }
    if let Some(links) = properties.remove("vnfVirtualLinkResourceInfo") {
        properties.insert("virtualLinkResourceInfo".to_owned(), links);
    }
    let text = |description: &str| json!({ "type": "string", "description": description });
    match name {
        "VimConnectionInfo" => drop(properties.insert("id".to_owned(), text("Identifier of the connection."))),
        "VnfExtCpConfig" => {
            properties.insert("cpInstanceId".to_owned(), text("The instance of the connection point, if it is there."));
        }
        "VnfInfoModificationRequest" => {
            let ids =
                json!({ "type": "array", "items": { "type": "string" }, "description": "VIM connections that go." });
            properties.insert("vimConnectionInfoDeleteIds".to_owned(), ids);
        }
        _ => {}
    }
    let gone = ["currentVnfExtCpData", "verbosity", "createSnapshot", "revertToSnapshot", "vnfSnapshot"];
    gone.iter().for_each(|name| drop(properties.remove(*name)));
    if let Some(Value::Array(required)) = schema.get_mut("required") {
        required.retain(|name| !gone.iter().any(|g| name == g));
        if name == "VimConnectionInfo" {
            required.push(json!("id"));
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn changed_schemas_have_names_of_their_own() {
        let document = crate::api::router().into_openapi();
        let mut value = serde_json::to_value(&document).unwrap();
        typed(&mut value);
        serde_json::from_value::<utoipa::openapi::OpenApi>(value).unwrap();
        let schemas = &serde_json::to_value(&document).unwrap()["components"]["schemas"];
        assert_eq!(schemas["VnfInstanceV1"]["properties"]["vimConnectionInfo"]["type"], "array");
        assert_eq!(schemas["VnfInstance"]["properties"]["vimConnectionInfo"]["type"], "object");
        assert!(schemas["VimConnectionInfoV1"]["properties"]["id"].is_object());
    }
}
