//! One VNF in the words of each version of SOL001: where the standard means the same, the typed model is the same.

use std::path::PathBuf;

use descriptors::diag::Diagnostics;
use descriptors::vnfd::{Size, Vnfd, read_vnfd};

use crate::read::{package, told};

const TEMPLATE: &str = include_str!("../data/versions_vnfd.yaml");
const VERSIONS: [&str; 6] = ["2.6.1", "2.8.1", "3.3.1", "3.7.1", "4.3.1", "4.4.1"];

const IMAGE: &str = "name: disk, version: '1', container_format: bare, disk_format: qcow2, min_disk: 1 GB, size: 1 B, checksum: { algorithm: sha-256, \
    hash: 2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881 }";

/// What a version writes otherwise than another.
fn text(version: &str) -> String {
    let number: Vec<u32> = version.split('.').map(|n| n.parse().unwrap()).collect();
    let since = |major: u32, minor: u32| (number[0], number[1]) >= (major, minor);
    // The profile came to 1.3 with version 3.
    let profile_1_3 = since(3, 3);
    let image = if profile_1_3 {
        format!(
            "      artifacts: {{ i: {{ type: tosca.artifacts.nfv.SwImage, file: Files/disk.qcow2, properties: {{ {IMAGE} }} }} }}"
        )
    } else {
        format!(
            "        sw_image_data: {{ {IMAGE} }}\n      artifacts: {{ i: {{ type: tosca.artifacts.nfv.SwImage, file: Files/disk.qcow2 }} }}"
        )
    };
    let monitored = "name: cpu, performance_metric: v_cpu_usage_mean_vnf, collection_period: 10 s";
    let operations = "instantiate_end: { implementation: flow }";
    TEMPLATE
        .replace("@PROFILE@", if profile_1_3 { "1_3" } else { "1_2" })
        .replace(
            "@FLAVOUR@",
            if profile_1_3 {
                "substitution_filter: { properties: [ { flavour_id: { equal: simple } } ] }"
            } else {
                "properties: { flavour_id: simple }"
            },
        )
        .replace(
            "@OPERATIONS@",
            &if profile_1_3 { format!("operations: {{ {operations} }}") } else { operations.to_owned() },
        )
        .replace("@BOOT_ORDER@", if since(2, 8) { "true" } else { "[ root ]" })
        .replace(
            "@BOOT_DATA@",
            if since(2, 8) { "{ content_or_file_data: { content: '#!/bin/sh' } }" } else { "'#!/bin/sh'" },
        )
        .replace(
            "@VNF_MONITORING@",
            &if since(3, 7) { format!("{{ cpu: {{ {monitored} }} }}") } else { format!("[ {{ {monitored} }} ]") },
        )
        .replace("@IMAGE@", &image)
}

fn read(version: &str, types: &[(&str, &str)]) -> Result<Vnfd, Diagnostics> {
    let text = text(version);
    let mut files = vec![("v.yaml", text.as_str()), ("Files/disk.qcow2", "x"), ("Scripts/flow.yaml", "x")];
    files.extend(types);
    read_vnfd(&package(&files))
}

/// The model without what each version writes its own way: an image described by its artifact is described there, too.
fn comparable(mut vnfd: Vnfd) -> Vnfd {
    vnfd.warnings = Diagnostics::default();
    for artifact in vnfd.flavours.iter_mut().flat_map(|f| &mut f.storages).flat_map(|s| &mut s.artifacts) {
        artifact.properties = serde_json::Value::Null;
    }
    vnfd
}

#[test]
fn variants_of_one_vnf_give_the_same_model() {
    let newest = comparable(read("4.4.1", &[]).unwrap_or_else(|e| panic!("{e}")));
    assert_eq!(newest.flavours[0].scaling.instances("web", Size::Level("many")), Ok(4));
    assert_eq!(newest.flavours[0].sw_images[0].artifact.as_deref(), Some("Files/disk.qcow2"));
    for version in VERSIONS {
        let vnfd = read(version, &[]).unwrap_or_else(|e| panic!("{version}: {e}"));
        assert!(vnfd.warnings.is_empty(), "{version}: {}", vnfd.warnings);
        similar(&comparable(vnfd), &newest, version);
    }
}

fn similar(one: &Vnfd, other: &Vnfd, version: &str) {
    let (one, other) = (serde_json::to_value(one).unwrap(), serde_json::to_value(other).unwrap());
    assert_eq!(serde_json::to_string_pretty(&one).unwrap(), serde_json::to_string_pretty(&other).unwrap(), "{version}");
}

#[test]
fn each_variant_is_valid_by_the_types_of_its_version() {
    let Some(shared) = std::env::var_os("MANO_SHARED") else {
        println!("SKIPPED: MANO_SHARED is not set, so the variants are not read with the published type files");
        return;
    };
    let newest = comparable(read("4.4.1", &[]).unwrap_or_else(|e| panic!("{e}")));
    for version in VERSIONS {
        let published = |part: &str| {
            let path = format!("etsi/tosca/sol001/{version}/etsi_nfv_sol001_{part}_types.yaml");
            std::fs::read_to_string(PathBuf::from(&shared).join(path)).unwrap()
        };
        let (common, types) = (published("common"), published("vnfd"));
        let shipped = [
            ("etsi_nfv_sol001_common_types.yaml", common.as_str()),
            ("etsi_nfv_sol001_vnfd_types.yaml", types.as_str()),
        ];
        let vnfd = read(version, &shipped).unwrap_or_else(|e| panic!("{version}: {e}"));
        assert!(vnfd.warnings.is_empty(), "{version}: {}", vnfd.warnings);
        // Versions differ in which properties that nobody sets they declare.
        let mut model = comparable(vnfd);
        model.configurable_properties.standard.clone_from(&newest.configurable_properties.standard);
        model.configurable_properties.additional.clone_from(&newest.configurable_properties.additional);
        similar(&model, &newest, version);
    }
}

#[test]
fn version_2_5_1_is_read_leniently() {
    // Its type files have the version in their names, and its profile is 1.1.
    let old = text("2.6.1")
        .replace("tosca_simple_yaml_1_2", "tosca_simple_yaml_1_1")
        .replace("etsi_nfv_sol001_vnfd_types.yaml", "etsi_nfv_sol001_vnfd_2_5_1_types.yaml");
    let files = [("v.yaml", old.as_str()), ("Files/disk.qcow2", "x"), ("Scripts/flow.yaml", "x")];
    let vnfd = read_vnfd(&package(&files)).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(comparable(vnfd).flavours, comparable(read("2.6.1", &[]).unwrap()).flavours);
    // A property that only later versions demand is told when it is missing, and not refused.
    let without = old.replace("vnfm_info: { type: list", "vnfm_infos: { type: list");
    let files = [("v.yaml", without.as_str()), ("Files/disk.qcow2", "x"), ("Scripts/flow.yaml", "x")];
    let vnfd = read_vnfd(&package(&files)).unwrap_or_else(|e| panic!("{e}"));
    assert!(told(&vnfd.warnings).contains("`vnfm_info` is missing"), "{}", vnfd.warnings);
}
