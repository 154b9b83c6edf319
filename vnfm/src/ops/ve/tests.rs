//! Who is asked, when, where, and with what.
#![allow(clippy::unwrap_used)]

use descriptors::vnfd::OperationCoordination;

use super::*;

fn flavour() -> Flavour {
    let action = |name: &str, stage: &str| CoordinationAction {
        action: name.into(),
        stage: Some(stage.into()),
        endpoint: Some("vnf".into()),
        inputs: json!({ "depth": { "type": "integer", "default": 1 }, "why": { "type": "string" } }),
        ..CoordinationAction::default()
    };
    Flavour {
        coordination_actions: vec![action("drain", "start"), action("settle", "end")],
        coordinations: vec![OperationCoordination {
            operation: "scale".into(),
            actions: vec!["drain".into(), "settle".into()],
            referenced_actions: vec!["elsewhere".into()],
            ..OperationCoordination::default()
        }],
        supported_interfaces: vec![SupportedInterface {
            interface: "vnf_configuration".into(),
            targets: vec!["management".into()],
            uri: Some(Uri {
                scheme: "http".into(),
                port: Some("8080".into()),
                path: Some("api/".into()),
                ..Uri::default()
            }),
            ..SupportedInterface::default()
        }],
        ..Flavour::default()
    }
}

#[test]
fn coordinations_are_the_first_and_the_last() {
    let script = |key: &str| StepSpec::new(key, "script", key);
    let mut hooks = Hooks { before: vec![script("a")], after: vec![script("z")] };
    let given: KeyValuePairs = json!({ "why": "full", "other": 1 }).as_object().unwrap().clone();
    coordinations(&mut hooks, &flavour(), kinds::SCALE, &given, &[], (Some("http://em"), "http://vnfm"));
    let keys = |steps: &[StepSpec]| steps.iter().map(|s| s.key.clone()).collect::<Vec<_>>();
    assert_eq!(keys(&hooks.before), ["coordinate/drain", "coordinate/elsewhere", "a"]);
    assert_eq!(keys(&hooks.after), ["z", "coordinate/settle"]);
    let params = CoordinationParams::deserialize(&hooks.before[0].params).unwrap();
    assert_eq!(json!(params.inputs), json!({ "depth": 1, "why": "full" }));
    assert_eq!((params.endpoint_type.as_str(), params.endpoint.configured.as_deref()), ("VNF", Some("http://em")));
    let mut none = Hooks::default();
    coordinations(&mut none, &flavour(), kinds::HEAL, &given, &[], (None, ""));
    assert_eq!(none, Hooks::default());
    assert_eq!(coordination_inputs(&flavour(), kinds::SCALE), ["depth", "why", "depth", "why"]);
}

#[test]
fn an_interface_is_where_the_instance_the_descriptor_or_the_configuration_says() {
    let at = Endpoint::of(&flavour(), Answers::Configuration, Some("http://default"));
    let vnfcs = json!([{ "cps": [{ "cpd": "data", "addresses": ["10.0.0.1"] }, { "cpd": "management", "addresses": ["fd00::1"] }] }]);
    let address = |record: Value, vnfcs: &Value| at.address(Answers::Configuration, &record, vnfcs).unwrap();
    assert_eq!(address(json!({ "metadata": { "vnfconfigEndpoint": "http://own" } }), &vnfcs), "http://own");
    assert_eq!(address(json!({ "extensions": { "vnfconfigEndpoint": "http://ext" } }), &vnfcs), "http://ext");
    assert_eq!(address(json!({}), &vnfcs), "http://[fd00::1]:8080/api");
    assert_eq!(address(json!({}), &json!([])), "http://default");
    let nowhere = Endpoint::of(&flavour(), Answers::Coordination, None);
    assert_eq!(nowhere.address(Answers::Coordination, &json!({}), &vnfcs), None);
}

#[test]
fn only_what_differs_is_configured_and_can_be_put_back() {
    let map = |value: Value| value.as_object().unwrap().clone();
    let has: VnfConfiguration = serde_json::from_value(json!({
        "vnfConfigurationData": { "vnfSpecificData": { "a": 1, "b": 2, "theirs": 3 } },
        "vnfcConfigurationData": [
            { "vnfcInstanceId": "w-1", "vnfcSpecificData": { "threads": 4, "theirs": 1 } },
            { "vnfcInstanceId": "w-9", "dhcpServer": "10.0.0.2" },
            { "vnfcInstanceId": "another's", "vnfcSpecificData": { "threads": 1 } },
        ],
    }))
    .unwrap();
    let wanted =
        |data: Value| ConfigureParams { endpoint: Endpoint::default(), data: map(data), vnfcs: BTreeMap::new() };
    let (forth, back) = patches(&has, &wanted(json!({ "a": 1, "b": 5, "c": 6 })), &[], &[]).unwrap();
    assert_eq!(forth["vnfConfigurationData"]["vnfSpecificData"], json!({ "b": 5, "c": 6 }));
    assert_eq!(back["vnfConfigurationData"]["vnfSpecificData"], json!({ "b": 2, "c": null }));
    assert_eq!(patches(&has, &wanted(json!({ "a": 1 })), &[], &[]), None);

    // VNFCs: one has something else, one is new, one is gone; another VDU's has nothing to know.
    let mut wanted = wanted(json!({}));
    wanted.vnfcs.insert("worker".into(), map(json!({ "threads": 8 })));
    let there = [("w-1", "worker"), ("w-2", "worker"), ("c-1", "control")];
    let there = there.map(|(id, vdu)| (id.to_owned(), vdu.to_owned()));
    let (forth, back) = patches(&has, &wanted, &there, &["w-9".to_owned(), "w-8".to_owned()]).unwrap();
    let entry = |id: &str, data: Value| json!({ "vnfcInstanceId": id, "vnfcSpecificData": data });
    let new = [entry("w-1", json!({ "threads": 8 })), entry("w-2", json!({ "threads": 8 }))];
    assert_eq!(forth, json!({ "vnfcConfigurationData": new, "vnfcConfigurationDataDeleteIds": ["w-9"] }));
    let old = json!([entry("w-1", json!({ "threads": 4 })), { "vnfcInstanceId": "w-9", "dhcpServer": "10.0.0.2" }]);
    assert_eq!(back, json!({ "vnfcConfigurationData": old, "vnfcConfigurationDataDeleteIds": ["w-2"] }));

    let mut hooks = Hooks::default();
    let properties = json!({ "is_autoscale_enabled": false, "additional_configurable_properties": { "color": "red" } });
    configuration(&mut hooks, &flavour(), kinds::MODIFY_INFO, Some(&properties), None);
    let params = ConfigureParams::deserialize(&hooks.after[0].params).unwrap();
    assert_eq!(json!(params.data), json!({ "is_autoscale_enabled": false, "color": "red" }));
    let mut none = Hooks::default();
    configuration(&mut none, &Flavour::default(), kinds::INSTANTIATE, Some(&properties), None);
    assert_eq!(none, Hooks::default());
}
