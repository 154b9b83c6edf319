//! The sample packages of this repository: packed, opened, verified and read without a finding.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::collections::BTreeMap;

use common::{pack_sample, packed_file};
use descriptors::archive::{Limits, Package};
use descriptors::nsd::read_nsd;
use descriptors::vnfd::{BootContext, Size, read_vnfd};
use serde_json::json;

#[test]
fn web_reads_to_the_expected_model() {
    let package = pack_sample("web");
    let vnfd = read_vnfd(&package).unwrap_or_else(|e| panic!("{e}"));
    assert!(vnfd.warnings.is_empty() && package.warnings().is_empty(), "{}\n{}", vnfd.warnings, package.warnings());
    assert!(package.verify().is_empty());
    let flavour = vnfd.flavour("simple").unwrap();
    let sizes: Vec<u32> = (0..=3)
        .map(|n| {
            let levels = BTreeMap::from([("servers".to_owned(), n)]);
            flavour.scaling.instances("web", Size::ScaleLevels(&levels)).unwrap()
        })
        .collect();
    assert_eq!(sizes, [1, 2, 3, 4]);
    insta::assert_json_snapshot!("web", vnfd);
}

#[test]
fn edge_reads_to_the_expected_model_and_its_boot_script_is_filled_in() {
    let package = pack_sample("edge");
    let vnfd = read_vnfd(&package).unwrap_or_else(|e| panic!("{e}"));
    assert!(vnfd.warnings.is_empty() && package.warnings().is_empty(), "{}\n{}", vnfd.warnings, package.warnings());
    assert!(package.verify().is_empty());
    let boot = vnfd.flavour("simple").unwrap().vdu("edge").unwrap().boot_data.as_ref().unwrap();
    let file = String::from_utf8(package.read(boot.source_path().unwrap()).unwrap()).unwrap();
    let properties = json!({"additional_configurable_properties": {"upstream_address": "10.10.0.7"}});
    let vnfc = BTreeMap::new();
    let context = BootContext { configurable_properties: &properties, additional_params: &json!({}), vnfc: &vnfc };
    let script = boot.resolve(&context, Some(&file)).unwrap().content.unwrap();
    assert!(script.starts_with("#!/bin/sh\n"));
    assert!(script.contains("dnat to 10.10.0.7:80"), "{script}");
    let none = json!({});
    let context = BootContext { configurable_properties: &none, ..context };
    assert!(boot.resolve(&context, Some(&file)).unwrap_err().to_string().contains("upstream_address"));
    insta::assert_json_snapshot!("edge", vnfd);
}

#[test]
fn demo_ns_reads_to_the_expected_model() {
    let package = pack_sample("demo-ns");
    let nsd = read_nsd(&package).unwrap_or_else(|e| panic!("{e}"));
    assert!(nsd.warnings.is_empty() && package.warnings().is_empty(), "{}\n{}", nsd.warnings, package.warnings());
    assert!(package.verify().is_empty());
    let flavour = nsd.flavour("simple").unwrap();
    assert_eq!(flavour.waves().unwrap(), [vec!["edge", "web"]], "both VNFs are made side by side");
    assert_eq!(flavour.vnf("edge").unwrap().needed_addresses(), [("web", "data")]);
    insta::assert_json_snapshot!("demo-ns", nsd);
}

#[test]
fn the_nsd_speaks_of_the_sample_vnfds() {
    let nsd = read_nsd(&pack_sample("demo-ns")).unwrap();
    let flavour = nsd.flavour("simple").unwrap();
    for name in ["edge", "web"] {
        let vnfd = read_vnfd(&pack_sample(name)).unwrap();
        let vnf = flavour.vnf(name).unwrap();
        assert_eq!(vnf.vnfd_id, vnfd.descriptor_id);
        let used = vnfd.flavour(vnf.flavour_id.as_deref().unwrap()).unwrap();
        for connection in &vnf.connections {
            assert!(used.ext_cp(&connection.cp).is_some(), "{name} has no {}", connection.cp);
            assert!(flavour.virtual_link(&connection.virtual_link).is_some());
        }
        assert!(used.scaling.levels.contains_key(vnf.instantiation_level.as_deref().unwrap()));
    }
}

#[test]
fn packing_twice_gives_the_same_bytes_and_images_are_stored() {
    let (first, second) = (packed_file("web"), packed_file("web"));
    assert_eq!(first, second);
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(first.clone())).unwrap();
    let image = zip.by_name("Artifacts/Images/vnf.qcow2").unwrap();
    assert_eq!(image.compression(), zip::CompressionMethod::Stored);
    drop(image);
    assert_eq!(zip.by_index(0).unwrap().name().unwrap(), "TOSCA-Metadata/TOSCA.meta");
    let package = Package::from_bytes(first, &Limits::default()).unwrap();
    let listed = &package.manifest().unwrap().files;
    assert_eq!(listed.len() + 1, package.files().count(), "every file but the manifest is listed");
}
