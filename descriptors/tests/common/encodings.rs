//! SOL006 data in its encodings: what a test has in JSON (RFC 7951), as XML (RFC 7950) and as the YAML of Open Source MANO,
//! and that all of them mean the same.

use descriptors::diag::{Diagnostics, Severity};
use serde::Serialize;
use serde_json::Value;

fn bare(name: &str) -> &str {
    name.rsplit_once(':').map_or(name, |(_, bare)| bare)
}

/// JSON data of the modules as XML.
pub fn xml(json: &str) -> String {
    fn element(name: &str, value: &Value, out: &mut String) {
        let name = bare(name);
        match value {
            Value::Array(items) => items.iter().for_each(|i| element(name, i, out)),
            Value::Object(map) => {
                out.push_str(&format!("<{name}>\n"));
                map.iter().for_each(|(k, v)| element(k, v, out));
                out.push_str(&format!("</{name}>\n"));
            }
            other => {
                let text = other.as_str().map_or_else(|| other.to_string(), str::to_owned);
                let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
                out.push_str(&format!("<{name}>{text}</{name}>\n"));
            }
        }
    }
    let root: Value = serde_json::from_str(json).unwrap();
    let (name, top) = root.as_object().unwrap().iter().next().unwrap();
    let mut inner = String::new();
    if bare(name) == "nfv" {
        top.as_object().unwrap().iter().for_each(|(k, v)| element(k, v, &mut inner));
    } else {
        element(name, top, &mut inner);
    }
    format!("<?xml version=\"1.0\"?>\n<nfv xmlns=\"urn:etsi:nfv:yang:etsi-nfv-descriptors\">\n{inner}</nfv>\n")
}

/// JSON data of the modules as YAML below the bare name of its root.
pub fn yaml(json: &str) -> String {
    let root: Value = serde_json::from_str(json).unwrap();
    let (name, top) = root.as_object().unwrap().iter().next().unwrap();
    format!("{}:\n  {top}\n", bare(name))
}

/// Reads the data in each encoding and holds the models against each other.
pub fn read_everywhere<M: Serialize>(json: &str, read: impl Fn(&str, &[u8]) -> Result<M, Diagnostics>) -> M {
    let model = |name: &str, text: &str| read(name, text.as_bytes()).unwrap_or_else(|e| panic!("{name}: {e}\n{text}"));
    let by_json = model("data.json", json);
    let wanted = serde_json::to_value(&by_json).unwrap();
    assert_alike("XML", "", &wanted, &serde_json::to_value(model("data.xml", &xml(json))).unwrap());
    let by_yaml = model("data.yaml", &yaml(json));
    assert_alike("YAML", "", &wanted, &serde_json::to_value(by_yaml).unwrap());
    by_json
}

/// The same but for findings, and for sizes, which YAML counts in GiB where the others count in GB.
fn assert_alike(what: &str, at: &str, wanted: &Value, found: &Value) {
    match (wanted, found) {
        _ if at == "/warnings" => {
            let told: Vec<_> = found.as_array().into_iter().flatten().map(|w| &w["severity"]).collect();
            assert!(told.iter().all(|s| **s == serde_json::to_value(Severity::Warning).unwrap()), "{what}: {found}");
        }
        (Value::Object(a), Value::Object(b)) => {
            for key in a.keys().chain(b.keys()) {
                let value = |map: &serde_json::Map<String, Value>| map.get(key).cloned().unwrap_or_default();
                assert_alike(what, &format!("{at}/{key}"), &value(a), &value(b));
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            a.iter().zip(b).enumerate().for_each(|(i, (a, b))| assert_alike(what, &format!("{at}/{i}"), a, b));
        }
        (Value::Number(a), Value::Number(b)) if what == "YAML" && at.ends_with("_bytes") => {
            let (gb, gib) = (u128::from(a.as_u64().unwrap()), u128::from(b.as_u64().unwrap()));
            assert!(a == b || gb << 30 == gib * 1_000_000_000, "{at}: {a} and {b} bytes");
        }
        _ => assert_eq!(wanted, found, "{what} at {at}"),
    }
}
