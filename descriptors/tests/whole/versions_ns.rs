//! One network service and one PNF in the words of each version of SOL001: where the standard means the same, the typed
//! models are the same.

use std::path::PathBuf;

use descriptors::diag::Diagnostics;
use descriptors::nsd::Nsd;
use descriptors::pnfd::Pnfd;

use crate::read::{PNFD, nsd_of, pnfd_of};

const TEMPLATE: &str = include_str!("../data/versions_nsd.yaml");
const VERSIONS: [&str; 6] = ["2.6.1", "2.8.1", "3.3.1", "3.7.1", "4.3.1", "4.4.1"];

fn since(version: &str, major: u32, minor: u32) -> bool {
    let number: Vec<u32> = version.split('.').map(|n| n.parse().unwrap()).collect();
    (number[0], number[1]) >= (major, minor)
}

/// The type files of a version, where they are at hand; without them the built-in types are used.
fn published(version: &str) -> Vec<(String, String)> {
    let Some(shared) = std::env::var_os("MANO_SHARED") else {
        println!("SKIPPED: MANO_SHARED is not set, so only the built-in types are used");
        return Vec::new();
    };
    let read = |part: &str| {
        let name = format!("etsi_nfv_sol001_{part}_types.yaml");
        let path = PathBuf::from(&shared).join(format!("etsi/tosca/sol001/{version}/{name}"));
        (name, std::fs::read_to_string(path).unwrap())
    };
    ["common", "vnfd", "nsd", "pnfd"].map(read).into()
}

fn nsd(version: &str, types: &[(String, String)]) -> Result<Nsd, Diagnostics> {
    // The type files of VNFs bring those of VNFDs in, whatever the NSD itself imports.
    let imports = "etsi_nfv_sol001_nsd_types.yaml, etsi_nfv_sol001_vnfd_types.yaml";
    let text = TEMPLATE
        .replace("@PROFILE@", if since(version, 3, 3) { "1_3" } else { "1_2" })
        .replace("@IMPORTS@", imports)
        .replace(
            "@FLAVOUR@",
            if since(version, 3, 3) {
                "substitution_filter: { properties: [ { flavour_id: { equal: simple } } ] }"
            } else {
                "properties: { flavour_id: simple }"
            },
        )
        .replace("@NS@", if since(version, 2, 8) { "Ns" } else { "" })
        .replace(
            "@AVAILABILITY@",
            if since(version, 3, 3) {
                "service_availability_level: 2"
            } else {
                "service_availability: { level: level2 }"
            },
        );
    let mut files = vec![("n.yaml", text.as_str())];
    files.extend(types.iter().map(|(name, text)| (name.as_str(), text.as_str())));
    nsd_of(&files)
}

/// The model without the name of the type of the group, which changed.
fn comparable(mut nsd: Nsd) -> Nsd {
    nsd.warnings = Diagnostics::default();
    // A property of version 4 that always has a value.
    nsd.strict_onboarding = None;
    for group in nsd.flavours.iter_mut().flat_map(|f| &mut f.groups) {
        group.element_type = String::new();
    }
    nsd
}

#[test]
fn variants_of_one_service_give_the_same_model() {
    let newest = comparable(nsd("4.4.1", &[]).unwrap_or_else(|e| panic!("{e}")));
    assert_eq!(newest.flavours[0].virtual_link("net").unwrap().service_availability_level, Some(2));
    assert_eq!((newest.flavours[0].placement.len(), newest.flavours[0].security_group_rules.len()), (2, 1));
    for version in VERSIONS {
        for types in [Vec::new(), published(version)] {
            let nsd = nsd(version, &types).unwrap_or_else(|e| panic!("{version}: {e}"));
            assert!(nsd.warnings.is_empty(), "{version}: {}", nsd.warnings);
            let (one, other) = (serde_json::to_value(comparable(nsd)).unwrap(), serde_json::to_value(&newest).unwrap());
            assert_eq!(
                serde_json::to_string_pretty(&one).unwrap(),
                serde_json::to_string_pretty(&other).unwrap(),
                "{version}"
            );
        }
    }
}

fn pnfd(version: &str, types: &[(String, String)]) -> Result<Pnfd, Diagnostics> {
    // Only what all versions have.
    let (place, rest) = PNFD.split_once("          geographic_coordinates:").unwrap();
    let (_, rest) = rest.split_once("    uplink:").unwrap();
    let text = format!("{place}    uplink:{rest}")
        .replace("        ext_invariant_id: 44444444-cccc-4c52-9a0e-0d2f1b3a4c5d\n", "")
        .replace(
            "tosca_simple_yaml_1_3",
            if since(version, 3, 3) { "tosca_simple_yaml_1_3" } else { "tosca_simple_yaml_1_2" },
        )
        .replace(
            "nfv.PnfSecurityGroupRule",
            if since(version, 2, 8) { "nfv.PnfSecurityGroupRule" } else { "nfv.SecurityGroupRule" },
        );
    let mut files = vec![("p.yaml", text.as_str())];
    files.extend(types.iter().map(|(name, text)| (name.as_str(), text.as_str())));
    pnfd_of(&files)
}

#[test]
fn variants_of_one_pnf_give_the_same_model() {
    let newest = pnfd("4.4.1", &[]).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(newest.security_group_rules[0].port_range_min, 22);
    assert_eq!(newest.location.as_ref().unwrap().country_code, "NO");
    for version in VERSIONS {
        for types in [Vec::new(), published(version)] {
            let pnfd = pnfd(version, &types).unwrap_or_else(|e| panic!("{version}: {e}"));
            assert!(pnfd.warnings.is_empty(), "{version}: {}", pnfd.warnings);
            assert_eq!(pnfd, newest, "{version}");
        }
    }
}
