//! A VNFD that says much of what SOL001 allows, in two deployment flavours, against its expected model.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::collections::BTreeMap;

use common::package_of;
use descriptors::vnfd::{BootContext, ConfigDriveLayout, ExtCpKind, Readiness, Size, Vnfd, read_vnfd};
use serde_json::json;

fn full() -> Vnfd {
    let package = package_of(&[
        (
            "TOSCA-Metadata/TOSCA.meta",
            "TOSCA-Meta-File-Version: 1.0\nCSAR-Version: 1.1\nCreated-By: x\nEntry-Definitions: full_top.yaml\nETSI-Entry-Manifest: a.mf\n",
        ),
        ("a.mf", "metadata:\n  vnf_product_name: Router\n"),
        ("full_top.yaml", include_str!("data/full_top.yaml")),
        ("full_types.yaml", include_str!("data/full_types.yaml")),
        ("full_small.yaml", include_str!("data/full_small.yaml")),
        ("full_large.yaml", include_str!("data/full_large.yaml")),
        ("Scripts/check.sh", "#!/bin/sh\n"),
        ("Files/router.qcow2", "x"),
    ]);
    read_vnfd(&package).unwrap_or_else(|e| panic!("{e}"))
}

#[test]
fn everything_said_is_in_the_model() {
    let vnfd = full();
    assert!(vnfd.warnings.is_empty(), "{}", vnfd.warnings);
    let back: Vnfd = serde_json::from_value(serde_json::to_value(&vnfd).unwrap()).unwrap();
    assert_eq!(back, vnfd, "the model survives storage as JSON");
    insta::assert_json_snapshot!("full", vnfd);
}

#[test]
fn values_flow_from_the_top_into_flavours() {
    let vnfd = full();
    let core = &vnfd.flavour("small").unwrap().vdus[0];
    assert_eq!(core.display_name, "Router core");
    assert_eq!(core.description, "One machine");
    let boot = core.boot_data.as_ref().unwrap();
    assert_eq!(boot.layout, ConfigDriveLayout::Nocloud);
    let vnfc = BTreeMap::new();
    let context = BootContext {
        configurable_properties: &vnfd.configurable_properties.defaults(),
        additional_params: &json!({"licence": "L-1"}),
        vnfc: &vnfc,
    };
    let kvp = boot.resolve(&context, None).unwrap_or_else(|e| panic!("{e}")).kvp;
    assert_eq!(kvp["id"], vnfd.descriptor_id);
    assert_eq!((kvp["licence"].as_str(), kvp["retries"].as_str()), ("L-1", "3"));
}

#[test]
fn connection_points_lead_where_they_should() {
    let vnfd = full();
    let large = vnfd.flavour("large").unwrap();
    let names: Vec<_> = large.cps_of("control").map(|c| c.name.as_str()).collect();
    assert_eq!(names, ["control_wan", "control_backplane"], "by order, not as written");
    let wan = large.ext_cp("wan").unwrap();
    assert_eq!(wan.kind, ExtCpKind::VnfExtCp { internal_virtual_link: Some("wan_side".into()) });
    assert_eq!(wan.vdu_cps, ["control_wan"]);
    let lan = large.ext_cp("lan").unwrap();
    assert_eq!((lan.cp.as_str(), large.ext_cp("worker_lan").unwrap().name.as_str()), ("worker_lan", "lan"));
    assert_eq!(large.virtual_link("backplane").unwrap().profile.l3().count(), 2);
    assert!(!vnfd.flavour("small").unwrap().vdu_cps[0].port_security);
    assert_eq!(large.vdu("control").unwrap().readiness, Some(Readiness::GuestAgent));
    assert_eq!(large.vdu("worker").unwrap().readiness, Some(Readiness::TcpPort(22)));
}

#[test]
fn steps_of_different_size_add_up() {
    let vnfd = full();
    let scaling = &vnfd.flavour("large").unwrap().scaling;
    let at = |n| BTreeMap::from([("workers".to_owned(), n)]);
    let counts: Vec<u32> = (0..=2).map(|n| scaling.instances("worker", Size::ScaleLevels(&at(n))).unwrap()).collect();
    assert_eq!(counts, [1, 3, 8]);
    assert_eq!(scaling.instances("control", Size::ScaleLevels(&at(2))), Ok(2));
    assert_eq!(scaling.instances("worker", Size::Default), Ok(1));
}
