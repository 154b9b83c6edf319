//! The PNFD of `data/whole_pnfd.yaml`.

use descriptors::archive::Limits;
use descriptors::check_pnfd_archive;

use crate::read::{PNFD, changed_pnfd, package, told, zipped};

fn edited(from: &str, to: &str) -> Result<descriptors::pnfd::Pnfd, descriptors::diag::Diagnostics> {
    assert!(PNFD.contains(from), "`{from}` is not there");
    changed_pnfd(|text| text.replacen(from, to, 1))
}

#[test]
fn the_pnf_itself() {
    let pnfd = changed_pnfd(|t| t).unwrap_or_else(|e| panic!("{e}"));
    assert!(pnfd.warnings.is_empty(), "{}", pnfd.warnings);
    assert_eq!((pnfd.name.as_str(), pnfd.provider.as_str(), pnfd.version.as_str()), ("router", "Acme", "4.2"));
    assert_eq!(pnfd.descriptor_id, "44444444-aaaa-4c52-9a0e-0d2f1b3a4c5d");
    assert_eq!(pnfd.invariant_id, "44444444-bbbb-4c52-9a0e-0d2f1b3a4c5d");
    assert_eq!(pnfd.ext_invariant_id.as_deref(), Some("44444444-cccc-4c52-9a0e-0d2f1b3a4c5d"));
    assert_eq!(pnfd.function_description, "Routes on floor 3");
    assert_eq!((pnfd.node_type.as_str(), pnfd.extra["colour"].as_str()), ("acme.Router", Some("black")));
    assert_eq!(pnfd.version_dependencies[0].any_of, [["11111111-aaaa-4c52-9a0e-0d2f1b3a4c5d"]]);
    assert_eq!((pnfd.inputs[0].name.as_str(), pnfd.other_policies[0].name.as_str()), ("floor", "own"));
    let found = edited("        name: router\n", "").unwrap_err();
    assert!(told(&found).contains("the required property `name` of PNF `PNF` is missing"), "{found}");
}

#[test]
fn location_of_a_pnf() {
    let pnfd = changed_pnfd(|t| t).unwrap();
    let location = pnfd.location.unwrap();
    assert_eq!(
        (location.country_code.as_str(), location.civic_address.as_slice()),
        ("NO", &[("3".to_owned(), "Oslo".to_owned())][..])
    );
    let place = location.coordinates.unwrap();
    assert_eq!((place.latitude.as_str(), place.longitude.as_str(), place.altitude.as_str()), ("59.9", "10.7", "23"));
    assert_eq!((place.altitude_type.as_str(), place.altitude_uncertainty.as_deref()), ("1", Some("5")));
    assert_eq!((place.latitude_uncertainty.as_deref(), place.longitude_uncertainty.as_deref()), (Some("1"), Some("2")));
}

#[test]
fn ext_cps_of_a_pnf() {
    let pnfd = changed_pnfd(|t| t).unwrap();
    let uplink = pnfd.ext_cp("port").unwrap();
    assert_eq!((uplink.name.as_str(), uplink.role.as_deref(), uplink.trunk_mode), ("uplink", Some("root"), true));
    assert_eq!((uplink.layer_protocols.len(), uplink.addresses[0].ip_assigned), (2, Some(false)));
    assert_eq!(uplink.description.as_deref(), Some("The only one"));
    let found = edited("port: [ uplink, external", "port: [ uplnk, external").unwrap_err();
    assert!(told(&found).contains("leads to `uplnk`, which is no connection point of the PNF"), "{found}");
}

#[test]
fn security_group_rules_of_a_pnf() {
    let pnfd = changed_pnfd(|t| t).unwrap();
    let rule = &pnfd.security_group_rules[0];
    assert_eq!(
        (rule.protocol.as_str(), rule.port_range_min, rule.description.as_deref()),
        ("tcp", 22, Some("Operators"))
    );
    assert_eq!(rule.targets, ["uplink"]);
}

#[test]
fn an_archive_of_a_pnfd_is_checked_whole() {
    let dir = tempfile::tempdir().unwrap();
    let manifest = "metadata:\n  pnfd_name: switch\n  pnfd_provider: Acme\n  pnfd_archive_version: 1\n  \
        pnfd_release_date_time: 2024-01-01T00:00:00Z\n\nSource: router.yaml\nAlgorithm: SHA-256\nHash: {}\n";
    let path = dir.path().join("router.csar");
    std::fs::write(&path, zipped(&[("router.yaml", PNFD), ("router.mf", &manifest.replace("{}", &"ab".repeat(32)))]))
        .unwrap();
    let found = check_pnfd_archive(&path, &Limits::default()).unwrap_err();
    let text = told(&found);
    assert!(text.contains("`pnfd_name` is `switch` here and `router` in the descriptor"), "{text}");
    assert!(text.contains("ARCHIVE-0034"), "the digest is compared too: {text}");
}

#[test]
fn a_package_without_a_pnf_is_told() {
    let found = descriptors::pnfd::read_pnfd(&package(&[(
        "whole_nsd.yaml",
        "tosca_definitions_version: tosca_simple_yaml_1_3\n",
    )]));
    assert!(told(&found.unwrap_err()).contains("describes no PNF"));
}

#[test]
fn derived_policies_of_a_pnf() {
    let types = "policy_types:\n  acme.Rule: { derived_from: tosca.policies.nfv.PnfSecurityGroupRule }\nnode_types:\n  acme.Router:";
    let pnfd = changed_pnfd(|t| {
        t.replacen("node_types:\n  acme.Router:", types, 1).replacen(
            "type: tosca.policies.nfv.PnfSecurityGroupRule",
            "type: acme.Rule",
            1,
        )
    });
    let pnfd = pnfd.unwrap_or_else(|e| panic!("{e}"));
    assert_eq!((pnfd.security_group_rules[0].name.as_str(), pnfd.security_group_rules[0].port_range_max), ("ssh", 22));
}
