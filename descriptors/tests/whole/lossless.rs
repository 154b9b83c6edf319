//! Nothing of a descriptor is lost: every value it says, and every value it might say beyond the standard, is in the model.

use std::collections::BTreeSet;

use descriptors::diag::{Diagnostics, Sink};
use descriptors::tosca::Unit;
use descriptors::yaml::{Budget, Kind, Node, parse};
use serde_json::{Map, Value, json};

use crate::read::{NSD, PNFD, VNFD, changed_nsd, changed_pnfd, changed_vnfd};

/// Values that stand in the model in another form.
const OTHERWISE: [&str; 6] = [
    // Which of the two kinds of address data is there says it.
    "mac_address",
    "ip_address",
    // A field of its own kind.
    "nocloud",
    "ipv4",
    "ipv6",
    // The requirement that a mapping names, which the kind of connection point has only one of.
    "external_virtual_link",
];

fn tree(text: &str) -> Node {
    let mut sink = Sink::new();
    let file = sink.add_source("x", text);
    parse(file, text, Budget { nodes: 100_000, depth: 64 }, &mut sink).unwrap()
}

/// All scalars below `topology_template`, except the names of standard types, which the kind of each part says.
fn said(node: &Node, found: &mut BTreeSet<String>) {
    match node.kind() {
        Kind::Scalar(s) if !s.text.starts_with("tosca.") => {
            found.insert(s.text.clone());
        }
        Kind::Seq(items) => items.iter().for_each(|i| said(i, found)),
        Kind::Map(entries) => {
            for entry in entries.iter().filter(|e| e.key != "substitution_filter" && e.key != "type") {
                said(&entry.value, found);
            }
        }
        _ => {}
    }
}

/// All strings, keys and numbers of the model.
fn kept(value: &Value, words: &mut BTreeSet<String>, numbers: &mut Vec<f64>) {
    match value {
        Value::String(s) => {
            words.insert(s.clone());
        }
        Value::Number(n) => numbers.extend(n.as_f64()),
        Value::Bool(b) => {
            words.insert(b.to_string());
        }
        Value::Array(items) => items.iter().for_each(|i| kept(i, words, numbers)),
        Value::Object(map) => {
            for (key, value) in map {
                words.insert(key.clone());
                // Scale levels are keys.
                numbers.extend(key.parse::<f64>());
                kept(value, words, numbers);
            }
        }
        Value::Null => {}
    }
}

fn lost(source: &str, model: &Value) -> Vec<String> {
    let mut values = BTreeSet::new();
    said(tree(source).get("topology_template").unwrap(), &mut values);
    assert!(values.len() > 10, "{values:?}");
    let (mut words, mut numbers) = (BTreeSet::new(), Vec::new());
    kept(model, &mut words, &mut numbers);
    let units = [Unit::Size, Unit::Time, Unit::Frequency, Unit::Bitrate];
    values
        .into_iter()
        .filter(|text| !words.contains(text) && !OTHERWISE.contains(&text.as_str()))
        .filter(|text| {
            let number = text.parse::<f64>().ok();
            let known = number.into_iter().chain(units.iter().filter_map(|u| u.parse(text)));
            !known.into_iter().any(|n| numbers.iter().any(|have| (have - n).abs() < 1e-9))
        })
        .collect()
}

#[test]
fn every_value_of_a_vnfd_is_in_the_model() {
    let model = serde_json::to_value(changed_vnfd(|t| t).unwrap_or_else(|e| panic!("{e}"))).unwrap();
    assert_eq!(lost(VNFD, &model), Vec::<String>::new());
    assert!(lost(VNFD, &json!({})).len() > 200, "an empty model is noticed");
}

#[test]
fn every_value_of_an_nsd_is_in_the_model() {
    let model = serde_json::to_value(changed_nsd(|t| t).unwrap_or_else(|e| panic!("{e}"))).unwrap();
    assert_eq!(lost(NSD, &model), Vec::<String>::new());
}

#[test]
fn every_value_of_a_pnfd_is_in_the_model() {
    let model = serde_json::to_value(changed_pnfd(|t| t).unwrap_or_else(|e| panic!("{e}"))).unwrap();
    // The parts of what a function puts together are only there as its result.
    let computed = ["Routes on floor ", "floor"];
    let lost: Vec<_> = lost(PNFD, &model).into_iter().filter(|l| !computed.contains(&l.as_str())).collect();
    assert_eq!(lost, Vec::<String>::new());
}

#[test]
fn what_stands_beside_the_topology_is_kept() {
    let metadata = |text: String| text.replacen("imports:", "metadata: { template_name: here }\nimports:", 1);
    let vnfd = changed_vnfd(metadata).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(vnfd.service_template["description"], "A gateway of machines and containers");
    assert_eq!(vnfd.service_template["metadata"]["template_name"], "here");
    assert_eq!(changed_nsd(metadata).unwrap().service_template["metadata"]["template_name"], "here");
    assert_eq!(changed_pnfd(metadata).unwrap().service_template["metadata"]["template_name"], "here");
}

const MARK: &str = "nobody_knows_this";

/// The paths of all maps.
fn maps(value: &Value, path: &mut Vec<String>, found: &mut Vec<Vec<String>>) {
    let children: Vec<(String, &Value)> = match value {
        Value::Object(map) => {
            // The arguments of a function, or the name of a single step: an entry more would be another thing.
            let call = map.len() == 1 && map.keys().any(|k| k.starts_with("get_") || k == "concat");
            if !call {
                found.push(path.clone());
            }
            map.iter().map(|(k, v)| (k.clone(), v)).collect()
        }
        Value::Array(items) => items.iter().enumerate().map(|(i, v)| (i.to_string(), v)).collect(),
        _ => return,
    };
    for (key, child) in children {
        path.push(key);
        maps(child, path, found);
        path.pop();
    }
}

fn marked(template: &Value, path: &[String]) -> Value {
    let mut copy = template.clone();
    let mut at = &mut copy;
    for step in path {
        at = match at {
            Value::Object(map) => map.get_mut(step).unwrap(),
            Value::Array(items) => &mut items[step.parse::<usize>().unwrap()],
            _ => unreachable!(),
        };
    }
    at.as_object_mut().unwrap().insert(MARK.to_owned(), json!(MARK));
    copy
}

/// Puts a key that nobody knows into each map of the template in turn: either the descriptor is refused, with a reason, or
/// the key is in the model. Returns how often it was kept.
fn unknown_keys(source: &str, read: impl Fn(&str) -> Result<Value, Diagnostics>) -> usize {
    let template = tree(source).to_json();
    let mut paths = Vec::new();
    for section in ["node_templates", "groups", "policies", "outputs"] {
        let Some(part) = template["topology_template"].get(section) else { continue };
        let mut path = vec!["topology_template".to_owned(), section.to_owned()];
        maps(part, &mut path, &mut paths);
    }
    let (mut kept, mut lost) = (0, Vec::new());
    for path in paths {
        let text = serde_json::to_string_pretty(&marked(&template, &path)).unwrap();
        match read(&text) {
            Ok(model) if model.to_string().contains(MARK) => kept += 1,
            Ok(_) => lost.push(path.join("/")),
            Err(found) => assert!(found.has_errors(), "{}", path.join("/")),
        }
    }
    assert!(lost.is_empty(), "a key is lost in {} places:\n{}", lost.len(), lost.join("\n"));
    kept
}

/// The model without its findings, which quote the source.
fn bare(model: impl serde::Serialize) -> Value {
    let Value::Object(mut map) = serde_json::to_value(model).unwrap() else { return Value::Object(Map::new()) };
    map.remove("warnings");
    Value::Object(map)
}

#[test]
fn what_a_vnfd_says_beyond_the_standard_is_kept() {
    let kept = unknown_keys(VNFD, |text| changed_vnfd(|_| text.to_owned()).map(bare));
    assert!(kept > 120, "only {kept} places took the key");
}

#[test]
fn what_an_nsd_says_beyond_the_standard_is_kept() {
    let kept = unknown_keys(NSD, |text| changed_nsd(|_| text.to_owned()).map(bare));
    assert!(kept > 80, "only {kept} places took the key");
}

#[test]
fn what_a_pnfd_says_beyond_the_standard_is_kept() {
    let kept = unknown_keys(PNFD, |text| changed_pnfd(|_| text.to_owned()).map(bare));
    assert!(kept > 12, "only {kept} places took the key");
}
