//! Tests of modifying a record.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use descriptors::network::Declaration;
use reference_points::or_vnfm::VnfInstance;
use serde_json::{Value, json};

use super::*;

fn declared(name: &str, default: Option<Value>) -> Declaration {
    let declared = json!({ "name": name, "value_type": "string", "required": false, "default": default });
    serde_json::from_value(declared).unwrap()
}

fn vnfd() -> Vnfd {
    let mut vnfd = Vnfd {
        descriptor_id: "one".to_owned(),
        descriptor_version: "1.0".to_owned(),
        provider: "test".to_owned(),
        product_name: "pair".to_owned(),
        software_version: "1.0".to_owned(),
        ..Vnfd::default()
    };
    vnfd.configurable_properties.additional =
        vec![declared("greeting", Some(json!("hello"))), declared("upstream", None)];
    vnfd.modifiable_attributes.extensions = vec![declared("region", None)];
    vnfd
}

fn instance() -> VnfInstance {
    serde_json::from_value(json!({
        "id": "6f1a9a3e-52d5-4d0b-9c2e-0d1f6b8a2000", "vnfInstanceName": "pair", "vnfdId": "one", "vnfProvider": "test",
        "vnfProductName": "pair", "vnfSoftwareVersion": "1.0", "vnfdVersion": "1.0",
        "vnfConfigurableProperties": { "additional_configurable_properties": { "greeting": "hi", "upstream": "10.0.0.1" } },
        "instantiationState": "INSTANTIATED", "metadata": { "site": "north", "rack": { "row": 1, "place": 2 } },
    }))
    .unwrap()
}

fn patched(patch: Value) -> Result<(VnfInstance, VnfInfoModifications), Vec<Fault>> {
    modified(&vnfd(), None, &instance(), patch.as_object().unwrap())
}

#[test]
fn a_patch_changes_what_it_names_and_nothing_else() {
    let (record, told) = patched(json!({
        "vnfInstanceName": "two",
        "metadata": { "site": null, "rack": { "row": 7 } },
        "vnfConfigurableProperties": { "upstream": "10.0.0.2", "greeting": null },
    }))
    .unwrap();
    assert_eq!(record.vnf_instance_name.as_deref(), Some("two"));
    assert_eq!(Value::Object(record.metadata), json!({ "rack": { "row": 7, "place": 2 } }));
    let own = &record.vnf_configurable_properties["additional_configurable_properties"];
    assert_eq!(*own, json!({ "greeting": "hello", "upstream": "10.0.0.2" }), "without a value the default holds");
    assert_eq!(told.vnf_instance_name.as_deref(), Some("two"));
    assert_eq!(Value::Object(told.metadata), json!({ "rack": { "row": 7 } }));
    assert!(told.vnf_instance_description.is_none() && told.vnfd_id.is_none());
}

#[test]
fn every_fault_is_told_at_once() {
    let faults = patched(json!({
        "vnfInstanceName": 7,
        "vnfProvider": "other",
        "metadata": [],
        "extensions": { "zone": "b" },
        "vnfConfigurableProperties": { "color": "red" },
        "vimConnectionInfo": { "x": { "vimType": 3 } },
    }))
    .unwrap_err();
    let mut places: Vec<&str> = faults.iter().map(|f| f.location.as_str()).collect();
    places.sort_unstable();
    let expected = [
        "/extensions/zone",
        "/metadata",
        "/vimConnectionInfo",
        "/vnfConfigurableProperties/color",
        "/vnfInstanceName",
        "/vnfProvider",
    ];
    assert_eq!(places, expected, "{faults:#?}");
}

#[test]
fn another_descriptor_is_of_the_same_vnf_and_software() {
    let to = |new: Vnfd| modified(&vnfd(), Some(&new), &instance(), json!({ "vnfdId": "two" }).as_object().unwrap());
    let newer = Vnfd { descriptor_id: "two".to_owned(), descriptor_version: "1.1".to_owned(), ..vnfd() };
    let (record, told) = to(newer.clone()).unwrap();
    assert_eq!((record.vnfd_id.as_str(), record.vnfd_version.as_str()), ("two", "1.1"));
    assert_eq!(told.vnfd_version.as_deref(), Some("1.1"));
    let other = to(Vnfd { software_version: "2.0".to_owned(), ..newer.clone() }).unwrap_err();
    assert!(other[0].message.contains("2.0"), "{other:?}");
    let foreign = to(Vnfd { product_name: "trio".to_owned(), ..newer }).unwrap_err();
    assert!(foreign[0].message.contains("another VNF"), "{foreign:?}");
}
