//! Scaling, levels and placement in the VNFD of `data/whole_vnfd.yaml`.

use std::collections::BTreeMap;

use descriptors::network::{Bitrate, PlacementKind};
use descriptors::vnfd::Size;

use crate::read::{VNFD, VNFD_TYPES, edited_vnfd, flavour, told, vnfd_of};

fn levels(workers: u32) -> BTreeMap<String, u32> {
    BTreeMap::from([("workers".to_owned(), workers)])
}

#[test]
fn aspects_and_deltas_of_vdus() {
    let scaling = flavour().scaling;
    let aspect = &scaling.aspects["workers"];
    assert_eq!((aspect.name.as_str(), aspect.max_scale_level), ("Workers", 2));
    assert_eq!(aspect.step_deltas, ["two", "five"]);
    let counts: Vec<u32> =
        (0..=2).map(|n| scaling.instances("worker", Size::ScaleLevels(&levels(n))).unwrap()).collect();
    assert_eq!(counts, [1, 3, 8]);
    let found = edited_vnfd("{ aspect: workers, deltas: { two: { number", "{ aspect: worker, deltas: { two: { number")
        .unwrap_err();
    assert!(told(&found).contains("did you mean `workers`?"), "{found}");
}

#[test]
fn instantiation_levels_of_vdus() {
    let scaling = flavour().scaling;
    assert_eq!(scaling.default_level(), Some("small"));
    assert_eq!(scaling.levels["large"].description, "Many");
    assert_eq!(scaling.instances("worker", Size::Level("large")), Ok(8));
    assert_eq!(scaling.instances("worker", Size::Default), Ok(1));
    let found = edited_vnfd("default_level: small", "default_level: smal").unwrap_err();
    assert!(told(&found).contains("`smal` is not one of the instantiation levels"), "{found}");
}

#[test]
fn bit_rates_of_links() {
    let scaling = flavour().scaling;
    let (few, many) = (levels(0), levels(2));
    let rate = |size| scaling.link_bitrate("backplane", size).unwrap().unwrap();
    assert_eq!(rate(Size::ScaleLevels(&few)), Bitrate { root_bps: 100, leaf_bps: Some(10) });
    assert_eq!(rate(Size::ScaleLevels(&many)), Bitrate { root_bps: 170, leaf_bps: Some(10) });
    assert_eq!(rate(Size::Level("small")), Bitrate { root_bps: 90, leaf_bps: None }, "what the level says goes first");
}

#[test]
fn numbers_of_shared_addresses() {
    let scaling = flavour().scaling;
    let counts: Vec<u32> =
        (0..=2).map(|n| scaling.vip_instances("shared", Size::ScaleLevels(&levels(n))).unwrap()).collect();
    assert_eq!(counts, [1, 2, 4]);
    assert_eq!(scaling.vip_instances("shared", Size::Level("large")), Ok(7));
}

#[test]
fn affinity_and_anti_affinity_of_every_scope() {
    let flavour = flavour();
    let rules: Vec<_> = flavour.placement.iter().map(|r| (r.name.as_str(), r.kind, r.scope.as_str())).collect();
    assert_eq!(
        rules,
        [
            ("apart", PlacementKind::AntiAffinity, "nfvi_node"),
            ("near", PlacementKind::Affinity, "zone"),
            ("together", PlacementKind::Affinity, "zone_group"),
            ("far", PlacementKind::AntiAffinity, "nfvi_pop"),
        ]
    );
    assert!(flavour.placement.iter().all(|r| r.targets == ["control", "worker"]), "{:?}", flavour.placement);
    let found = edited_vnfd("scope: nfvi_pop", "scope: planet").unwrap_err();
    assert!(told(&found).contains("scope `planet`") || told(&found).contains("must be one of"), "{found}");
}

#[test]
fn a_placement_group_stands_for_its_members() {
    let flavour = flavour();
    assert_eq!(flavour.placement[0].groups, ["machines"]);
    assert_eq!(flavour.groups[0].element_type, "acme.Together");
    assert_eq!(flavour.groups[0].body["properties"]["colour"], "red");
    let vnfd =
        edited_vnfd("members: [ control, worker ]", "members: [ control, outside ]").unwrap_or_else(|e| panic!("{e}"));
    assert!(
        told(&vnfd.warnings).contains("group `machines` names `outside`, but its type is for other kinds of things")
    );
}

#[test]
fn security_group_rule() {
    let flavour = flavour();
    let rule = &flavour.security_group_rules[0];
    assert_eq!((rule.direction.as_str(), rule.protocol.as_str()), ("ingress", "tcp"));
    assert_eq!((rule.port_range_min, rule.port_range_max), (80, 443));
    assert_eq!((rule.targets.as_slice(), rule.description.as_deref()), (&["worker_data".to_owned()][..], Some("Web")));
    assert_eq!(flavour.policy_extras["web"]["description"], "Only the web");
}

#[test]
fn deltas_and_levels_of_links_and_addresses_must_fit_too() {
    for (from, to, words) in [
        (
            "{ aspect: workers, deltas: { two: { bitrate",
            "{ aspect: worker, deltas: { two: { bitrate",
            "the deltas of `backplane` are for the aspect `worker`",
        ),
        (
            "five: { number_of_instances: 2 } }",
            "fife: { number_of_instances: 2 } }",
            "steps by `five`, for which `shared` has no delta",
        ),
        ("levels: { small: { bitrate", "levels: { smal: { bitrate", "the policy `link_levels` names the level `smal`"),
        (
            "levels: { large: { number_of_instances: 7",
            "levels: { larg: { number_of_instances: 7",
            "the policy `vip_levels` names the level `larg`",
        ),
        (
            "max_number_of_instances: 9",
            "max_number_of_instances: 7",
            "the level `large` gives `worker` 8 VNFCs, its profile permits 1 to 7",
        ),
    ] {
        let found = edited_vnfd(from, to).map_or_else(|e| e, |v| v.warnings);
        assert!(told(&found).contains(words), "{to}: {found}");
    }
}

#[test]
fn policies_of_derived_types_are_checked_too() {
    let found = vnfd_of(
        &VNFD.replacen("type: tosca.policies.nfv.VduInstantiationLevels", "type: acme.Levels", 1).replacen(
            "{ levels: { small: { number",
            "{ levels: { smal: { number",
            1,
        ),
        &VNFD_TYPES.replacen(
            "policy_types:\n",
            "policy_types:\n  acme.Levels: { derived_from: tosca.policies.nfv.VduInstantiationLevels }\n",
            1,
        ),
    );
    assert!(told(&found.unwrap_err()).contains("the policy `worker_levels` names the level `smal`"));
}
