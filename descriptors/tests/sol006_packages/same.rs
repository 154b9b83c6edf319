//! The same VNF in SOL001 and in the encodings of SOL006 is the same model, plan and picture.

use descriptors::diag::Diagnostics;
use descriptors::picture::of_vnfd;
use descriptors::plan::{Nfvi, fit, sizings};
use descriptors::vnfd::Vnfd;
use serde_json::Value;

use crate::encodings::xml;
use crate::sources::{IMAGE_PATH, JSON, SCRIPT, by_osm, by_sol001, by_sol006};

/// What SOL001 and SOL006 cannot both say: node types and the words of a service template, artifacts of a VDU beside its
/// image, and the configuration of operations as written, which is in their own words.
fn alike(mut vnfd: Vnfd) -> Vnfd {
    vnfd.node_type = String::new();
    vnfd.service_template = Value::Null;
    vnfd.lcm_operations.raw = Value::Null;
    vnfd.warnings = Diagnostics::default();
    for vdu in vnfd.flavours.iter_mut().flat_map(|f| &mut f.vdus) {
        vdu.artifacts.clear();
    }
    vnfd
}

/// What Open Source MANO adds is kept beside the model.
fn without_additions(mut vnfd: Vnfd) -> Vnfd {
    assert_eq!(vnfd.extra, serde_json::json!({"mgmt-cp": "management"}));
    vnfd.extra = Value::Null;
    for (cp, nic) in vnfd.flavours[0].vdu_cps.iter_mut().zip(["eth0", "eth1"]) {
        assert_eq!(cp.extra, serde_json::json!({"virtual-network-interface-requirement": [{"name": nic}]}));
        cp.extra = Value::Null;
    }
    vnfd
}

fn assert_same(sources: Vnfd, wanted: Vnfd) {
    let shown = |vnfd: Vnfd| serde_json::to_string_pretty(&alike(vnfd)).unwrap();
    assert_eq!(shown(sources), shown(wanted));
}

/// Table and picture tell the same of both.
fn assert_planned_alike(one: &Vnfd, other: &Vnfd) {
    assert_eq!(sizings(one), sizings(other));
    let drawn = |vnfd: &Vnfd| of_vnfd(vnfd, &vnfd.flavours[0], &sizings(vnfd)).to_svg();
    assert_eq!(drawn(one), drawn(other));
}

#[test]
fn a_vnfd_in_json_is_the_one_of_sol001() {
    let (json, tosca) = (by_sol006("Definitions/web.json", JSON).vnfd(), by_sol001("GB", IMAGE_PATH).vnfd());
    assert!(json.warnings.is_empty(), "{}", json.warnings);
    assert_planned_alike(&json, &tosca);
    assert_same(json, tosca);
}

#[test]
fn a_vnfd_in_xml_is_the_one_of_sol001() {
    let (xml, tosca) = (by_sol006("Definitions/web.xml", &xml(JSON)).vnfd(), by_sol001("GB", IMAGE_PATH).vnfd());
    assert!(xml.warnings.is_empty(), "{}", xml.warnings);
    assert_planned_alike(&xml, &tosca);
    assert_same(xml, tosca);
}

#[test]
fn a_package_of_open_source_mano_is_the_one_of_sol001() {
    let osm = descriptors::vnfd::read_vnfd(&by_osm(SCRIPT).directory()).unwrap_or_else(|e| panic!("{e}"));
    let tosca = by_sol001("GiB", "images/vnf.qcow2").vnfd();
    assert_planned_alike(&osm, &tosca);
    assert_same(without_additions(osm), tosca);
}

#[test]
fn a_change_of_the_descriptor_is_a_change_of_the_model() {
    let tosca = by_sol001("GB", IMAGE_PATH).vnfd();
    let changed = JSON.replace("\"max-number-of-instances\": 4", "\"max-number-of-instances\": 5");
    let other = by_sol006("Definitions/web.json", &changed).vnfd();
    assert_ne!(alike(other), alike(tosca));
}

#[test]
fn what_a_described_nfvi_holds() {
    let osm = descriptors::vnfd::read_vnfd(&by_osm(SCRIPT).directory()).unwrap_or_else(|e| panic!("{e}"));
    let json = by_sol006("Definitions/web.json", JSON).vnfd();
    // Four VNFCs of 2 GB, or of 2 GiB, on a host of 8 GB.
    let nfvi = Nfvi::parse("hosts: [{ name: c, vcpus: 4, memory: 8 GB, disk: 20 GB }]").unwrap();
    let large = |vnfd: &Vnfd| fit(sizings(vnfd).iter().find(|s| s.size == "large").unwrap(), &nfvi);
    assert!(large(&json).holds());
    let unplaced: Vec<_> = large(&osm).unplaced.iter().map(|u| u.why.join(", ")).collect();
    assert_eq!(unplaced, ["not enough memory left (1 host)"]);
}
