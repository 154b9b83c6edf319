//! The types of Or-Vnfm and Os-Ma-nfvo against the schemas that ETSI publishes, both ways, and the checker that the stories
//! hold recorded exchanges against. The schemas are found through `MANO_SHARED`; without it the tests say `SKIPPED`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod cases;
mod sample;

use std::path::Path;

use cases::Case;
use reference_points::conformance::{Exchange, Rule, Schemas, Side};
use sample::Extent;
use serde_json::{Map, Value, json};

/// The schemas, or `None` with a word about it.
fn schemas() -> Option<Schemas> {
    match std::env::var_os("MANO_SHARED") {
        Some(folder) => Some(Schemas::load(Path::new(&folder)).expect("MANO_SHARED has the ETSI documents")),
        None => {
            eprintln!("SKIPPED: MANO_SHARED does not say where the ETSI OpenAPI documents are");
            None
        }
    }
}

fn exchange(case: &Case, body: Value) -> Exchange {
    let mut exchange = Exchange {
        service: "test".into(),
        method: case.method.into(),
        path: case.path.into(),
        status: case.status,
        ..Exchange::default()
    };
    match case.side {
        Side::Request => exchange.request = Some(body),
        Side::Response => exchange.response = Some(body),
    }
    exchange
}

/// What the checker says about the side that `case` is about.
fn faults(schemas: &Schemas, case: &Case, body: Value) -> Vec<String> {
    let found = schemas.check(&exchange(case, body));
    found.iter().filter(|v| v.side == case.side).map(ToString::to_string).collect()
}

/// Removes attributes by name, at every level.
fn without(value: &mut Value, names: &[&str]) {
    match value {
        Value::Object(map) => {
            map.retain(|name, _| !names.contains(&name.as_str()));
            map.values_mut().for_each(|v| without(v, names));
        }
        Value::Array(items) => items.iter_mut().for_each(|v| without(v, names)),
        _ => {}
    }
}

/// Makes what our types describe into something that can be said: keeps the first of attributes that exclude each other,
/// doubles what must be at least two, and takes out what we keep as it came without knowing its attributes.
fn settle(value: &mut Value) {
    const OPAQUE: [&str; 2] = ["protocolInfo", "wanConnectionData"];
    const EXCLUSIVE: [&[&str]; 6] = [
        &["associatedVnfcCpId", "associatedVnfVirtualLinkId"],
        &["addresses", "addressRange"],
        &["fixedAddresses", "numDynamicAddresses", "addressRange"],
        &["changedInfo", "modificationsTriggeredByVnfPkgChange"],
        &["vnfdIds", "vnfProductsFromProviders"],
        &["vnfInstanceIds", "vnfInstanceNames"],
    ];
    if let Value::Object(map) = value {
        map.retain(|name, _| !OPAQUE.contains(&name.as_str()));
        if map.contains_key("nsdId") && map.contains_key("changeResult") {
            map.remove("changedInfo");
        }
        if let Some(Value::Array(refs)) = map.get_mut("resource") {
            refs.extend(refs.clone());
        }
        if map.contains_key("cpConfigId") && !map.contains_key("associatedVnfcCpId") {
            map.insert("associatedVnfcCpId".into(), "cp".into());
        }
        let occurrence = map.contains_key("operationState");
        for names in EXCLUSIVE {
            let shared = names[0] == "changedInfo" && !occurrence;
            if map.contains_key(names[0]) && !shared {
                map.retain(|name, _| !names[1..].contains(&name.as_str()));
            }
        }
        if let (true, true) = (map.contains_key("nsInstanceIds"), map.contains_key("nsInstanceNames")) {
            map.remove("nsInstanceNames");
        }
        map.values_mut().for_each(settle);
    } else if let Value::Array(items) = value {
        items.iter_mut().for_each(settle);
    }
}

#[test]
fn every_attribute_of_the_specification_survives_our_types() {
    let Some(schemas) = schemas() else { return };
    let mut wrong = Vec::new();
    for case in cases::all() {
        let schema = schemas.schema(case.method, case.path, case.side, case.status).unwrap();
        let schema = schema.unwrap_or_else(|| panic!("{}: no schema at {} {}", case.name, case.method, case.path));
        for extent in [Extent::Full(0), Extent::Full(1), Extent::Full(2), Extent::Skeleton, Extent::Minimal] {
            let told = sample::sample(&schema, &schema, extent);
            // The sample itself is right, so that what follows says something about the type.
            wrong.extend(faults(&schemas, &case, told.clone()).into_iter().map(|why| format!("sample of {why}")));
            let mut kept = told.clone();
            without(&mut kept, case.left_out);
            match (case.round_trip)(told) {
                Ok(back) => {
                    wrong.extend(differences(&kept, &back).map(|d| format!("{} {}: {d}", case.name, case.path)))
                }
                Err(why) => wrong.push(format!("{} {}: {why}", case.name, case.path)),
            }
        }
    }
    wrong.dedup();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn everything_our_types_can_say_is_in_the_specification() {
    let Some(schemas) = schemas() else { return };
    let mut wrong = Vec::new();
    for case in cases::all() {
        let (root, schema) = (case.own_schema)();
        for extent in [Extent::Full(0), Extent::Skeleton, Extent::Minimal] {
            let mut told = sample::sample(&root, &schema, extent);
            settle(&mut told);
            match (case.round_trip)(told) {
                Ok(back) => wrong.extend(faults(&schemas, &case, back)),
                Err(why) => wrong.push(format!("{} does not read what it describes: {why}", case.name)),
            }
        }
    }
    wrong.dedup();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_property_that_the_schema_does_not_know_is_found_wherever_it_stands() {
    let Some(schemas) = schemas() else { return };
    for case in cases::all() {
        let schema = schemas.schema(case.method, case.path, case.side, case.status).unwrap().unwrap();
        let mut told = sample::sample(&schema, &schema, Extent::Full(0));
        let place = match &mut told {
            Value::Array(items) => &mut items[0],
            other => other,
        };
        place.as_object_mut().unwrap().insert("colour".into(), json!("blue"));
        let found = schemas.check(&exchange(&case, told));
        assert!(
            found.iter().any(|v| v.rule == Rule::UnknownProperty && v.why.contains("colour")),
            "{}: {found:?}",
            case.name
        );
    }
    let case = cases::all().into_iter().find(|c| c.path.ends_with("/instantiate")).unwrap();
    let body = json!({ "flavourId": "small", "extVirtualLinks": [
        { "id": "x", "resourceId": "r", "extCps": [{ "cpdId": "c", "cpConfig": { "k": { "linkPortId": "p", "colour": 1 } } }] }
    ] });
    let found = schemas.check(&exchange(&case, body));
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].rule, Rule::UnknownProperty);
    assert_eq!(found[0].pointer, "/extVirtualLinks/0/extCps/0/cpConfig/k");
}

#[test]
fn wrong_values_missing_bodies_statuses_and_headers_are_found() {
    let Some(schemas) = schemas() else { return };
    let ask = |line: Value| -> Vec<(Side, Rule)> {
        let exchange = Exchange::from_line(&line.to_string()).unwrap();
        schemas.check(&exchange).iter().map(|v| (v.side, v.rule)).collect()
    };
    let created = json!({ "id": "1", "vnfdId": "d", "vnfProvider": "p", "vnfProductName": "n", "vnfSoftwareVersion": "1",
        "vnfdVersion": "1", "instantiationState": "NOT_INSTANTIATED" });
    let good = json!({ "service": "vnfm", "method": "POST", "path": "/vnflcm/v2/vnf_instances", "status": 201,
        "request_headers": { "version": "2.0.0", "content-type": "application/json" }, "request": { "vnfdId": "d" },
        "response_headers": { "version": "2.0.0", "content-type": "application/json", "location": "/x" },
        "response": created });
    let with = |changes: Value| {
        let mut line = good.clone();
        for (name, value) in changes.as_object().unwrap() {
            line[name] = value.clone();
        }
        line
    };
    assert_eq!(ask(good.clone()), []);
    assert_eq!(ask(with(json!({ "request": { "vnfdId": 7 } }))), [(Side::Request, Rule::Body)]);
    assert_eq!(ask(with(json!({ "request": {} }))), [(Side::Request, Rule::Body)]);
    assert_eq!(ask(with(json!({ "status": 200 }))), [(Side::Response, Rule::Status)]);
    assert_eq!(ask(with(json!({ "method": "PUT" }))), [(Side::Request, Rule::Operation)]);
    assert_eq!(
        ask(with(json!({ "response_headers": { "content-type": "application/json" } }))),
        [(Side::Response, Rule::Header), (Side::Response, Rule::Header)],
        "neither Location nor Version"
    );
    assert_eq!(
        ask(with(json!({ "response": null, "response_headers": { "version": "2.0.0", "location": "/x" } }))),
        [(Side::Response, Rule::Body)]
    );
    let problem = json!({ "type": "about:blank", "title": "Bad", "status": 400, "detail": "why", "faults": [] });
    let refused = json!({ "status": 400, "request": { "garbage": 1 }, "response": problem,
        "response_headers": { "content-type": "application/problem+json" } });
    assert_eq!(ask(with(refused.clone())), [], "a refused request may be garbage, and a problem may say more");
    let mut plain = refused.clone();
    plain["response_headers"]["content-type"] = "application/json".into();
    assert_eq!(ask(with(plain)), [(Side::Response, Rule::Header)]);
    let mut silent = refused;
    silent["response"] = json!({ "status": 404 });
    let found = ask(with(silent));
    assert_eq!(found, [(Side::Response, Rule::Body), (Side::Response, Rule::Body)], "no detail, and another status");
    assert_eq!(ask(with(json!({ "path": "/mano/v1/vims", "response": 1 }))), [], "no API of SOL003 or SOL005");
}

#[test]
fn every_deviation_still_finds_its_place() {
    let Some(schemas) = schemas() else { return };
    assert_eq!(schemas.idle_deviations(), Ok(Vec::new()));
}

/// What is missing, made up or different, attribute by attribute.
fn differences(told: &Value, back: &Value) -> impl Iterator<Item = String> + use<> {
    let (mut a, mut b) = (Map::new(), Map::new());
    flatten(told, String::new(), &mut a);
    flatten(back, String::new(), &mut b);
    let lost: Vec<_> = a.iter().filter(|(k, v)| b.get(*k) != Some(v)).map(|(k, v)| format!("lost {k}: {v}")).collect();
    // An empty list says the same as none.
    let made = b.iter().filter(|(k, v)| a.get(*k) != Some(v) && **v != json!([]));
    let made: Vec<_> = made.map(|(k, v)| format!("made up {k}: {v}")).collect();
    lost.into_iter().chain(made)
}

fn flatten(value: &Value, at: String, out: &mut Map<String, Value>) {
    match value {
        Value::Object(map) if !map.is_empty() => map.iter().for_each(|(k, v)| flatten(v, format!("{at}/{k}"), out)),
        Value::Array(items) if !items.is_empty() => {
            items.iter().enumerate().for_each(|(i, v)| flatten(v, format!("{at}/{i}"), out));
        }
        other => drop(out.insert(at, other.clone())),
    }
}
