//! What NSDs and PNFDs say as SOL006 data, subject by subject, and where the models have it; in JSON, and alike in
//! XML and YAML.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "common/encodings.rs"]
mod encodings;

use descriptors::network::{IpVersion, PlacementKind};
use descriptors::nsd::{NsFlavour, Nsd, PathPoint};
use descriptors::sol006::{read_nsd, read_pnfd};
use encodings::read_everywhere;
use serde_json::json;

fn nsd() -> Nsd {
    read_everywhere(include_str!("data/sol006_nsd.json"), read_nsd)
}

fn flavour() -> NsFlavour {
    nsd().flavour("standard").unwrap().clone()
}

#[test]
fn the_service_itself() {
    let nsd = nsd();
    assert!(nsd.warnings.is_empty(), "{}", nsd.warnings);
    assert_eq!((nsd.designer.as_str(), nsd.version.as_str(), nsd.invariant_id.as_str()), ("Acme", "3", "shop-all"));
    assert_eq!((nsd.strict_onboarding, nsd.priority), (Some(false), Some(4)));
    assert_eq!(nsd.extra, json!({"autoscale-rule": ["if busy then scale"]}), "what has no place of its own is kept");
    let flavour = flavour();
    assert_eq!(flavour.interfaces[0].operations[0].file.as_deref(), Some("Scripts/done.sh"));
}

#[test]
fn vnf_profiles() {
    let flavour = flavour();
    let gw = flavour.vnf("gw").unwrap();
    assert_eq!((gw.vnfd_id.as_str(), gw.flavour_id.as_deref()), ("gateway", Some("full")));
    assert_eq!((gw.instantiation_level.as_deref(), gw.min_instances, gw.max_instances), (Some("small"), 1, 3));
    assert_eq!((gw.scale_levels["traffic"], gw.service_availability_level), (2, Some(2)));
    assert_eq!(gw.connection("north").unwrap().virtual_link, "out");
    assert_eq!(
        (gw.version_dependencies[0].constituent.as_str(), gw.depends_on.as_slice()),
        ("db", &["db".to_owned()][..])
    );
    assert_eq!(flavour.dependencies["gw"], ["db"]);
}

#[test]
fn nested_services_and_pnfs() {
    let flavour = flavour();
    let pay = &flavour.nested_ns_profiles[0];
    assert_eq!((pay.nsd_id.as_str(), pay.flavour_id.as_deref(), pay.profile.max_instances), ("payment", Some("df"), 2));
    assert_eq!((pay.connections[0].cp.as_str(), pay.connections[0].virtual_link.as_str()), ("sap", "in"));
    let switch = &flavour.pnf_profiles[0];
    assert_eq!((switch.pnfd_id.as_str(), switch.connections[0].cp.as_str()), ("switch", "port"));
}

#[test]
fn virtual_links_and_saps() {
    let flavour = flavour();
    let out = flavour.virtual_link("out").unwrap();
    assert_eq!((out.profile.max_bitrate.unwrap().root_bps, out.service_availability_level), (200_000_000, Some(1)));
    let qos = out.profile.qos.as_ref().unwrap();
    assert_eq!((qos.latency_s, qos.priority), (Some(0.005), Some(2)));
    assert_eq!((out.test_access.as_slice(), out.mirroring[0].name.as_str()), (&["active".to_owned()][..], "tap"));
    assert_eq!(flavour.virtual_link("in").unwrap().connectivity.flow_pattern.as_deref(), Some("line"));
    assert_eq!(flavour.saps[0].virtual_link.as_deref(), Some("out"), "by the link's profile in the flavour");
    assert_eq!(flavour.saps[1].virtual_link.as_deref(), Some("out"), "by the connection point that it exposes");
    let rule = &flavour.security_group_rules[0];
    assert_eq!(
        (rule.protocol.as_str(), rule.ether_type, rule.targets.as_slice()),
        ("udp", IpVersion::Ipv4, &["front".to_owned()][..])
    );
}

#[test]
fn levels_and_scaling() {
    let flavour = flavour();
    let gw = flavour.vnf("gw").unwrap();
    assert_eq!((flavour.initial_instances(gw, None), flavour.initial_instances(gw, Some("large"))), (1, 3));
    let large = flavour.size_at_level("large").unwrap();
    assert_eq!((large.vnfs["gw"], large.nested_ns["pay"]), (3, 2));
    assert_eq!((large.links["out"].root_bps, large.links["out"].leaf_bps), (400_000_000, Some(40_000_000)));
    assert_eq!(flavour.size_at_scale_level("size", 1).unwrap(), large, "its step is the level it names");
}

#[test]
fn affinity_between_profiles() {
    let flavour = flavour();
    let [rule] = flavour.placement.as_slice() else { panic!("{:?}", flavour.placement) };
    assert_eq!((rule.kind, rule.scope.as_str()), (PlacementKind::AntiAffinity, "zone"));
    assert_eq!(rule.targets, ["gw", "db"]);
}

#[test]
fn forwarding_graphs() {
    let flavour = flavour();
    let graph = &flavour.forwarding_graphs[0];
    assert_eq!((graph.nfps.as_slice(), graph.constituents.len()), (&["web.path".to_owned()][..], 3));
    let path = &flavour.nfps[0];
    assert_eq!((path.positions.len(), path.extra["rule"].as_str()), (2, Some("tcp 80")));
    let first = flavour.nfp_positions.iter().find(|p| p.name == path.positions[0]).unwrap();
    assert_eq!((first.behaviour.as_deref(), first.elements.as_slice()), (Some("lb"), &["web.first".to_owned()][..]));
    let point = &flavour.nfp_elements[0].points[0];
    assert_eq!(flavour.path_points(point), [PathPoint::Cp { part: "gw".to_owned(), cp: "south".to_owned() }]);
    assert_eq!(flavour.forwarding_points[0].virtual_link.as_deref(), Some("in"));
}

#[test]
fn monitored_info() {
    let flavour = flavour();
    assert_eq!(flavour.monitoring[0].parameters[0].metric, "byte_incoming_sap");
    assert_eq!(flavour.template_extra["monitored-info"][1]["vnf-indicator-info"]["vnf-indicator"], "load");
}

#[test]
fn a_pnfd() {
    let json = r#"{ "etsi-nfv-pnfd:pnfd": { "id": "switch", "version": "1.2", "name": "Switch", "provider": "Acme",
        "function-description": "Switches", "invariant-id": "switches", "geographical-location-info": "Room 2",
        "ext-cpd": [ { "id": "port", "role": "etsi-nfv-descriptors:leaf", "layer-protocol": ["ethernet"], "trunk-mode": true } ] } }"#;
    let pnfd = read_everywhere(json, read_pnfd);
    assert_eq!(
        (pnfd.name.as_str(), pnfd.provider.as_str(), pnfd.invariant_id.as_str()),
        ("Switch", "Acme", "switches")
    );
    let port = pnfd.ext_cp("port").unwrap();
    assert_eq!((port.role.as_deref(), port.trunk_mode), (Some("leaf"), true));
    assert_eq!(pnfd.extra, json!({"geographical-location-info": "Room 2"}));
}

#[test]
fn a_service_is_drawn_with_the_descriptors_of_its_parts() {
    let (nsd, flavour) = (nsd(), flavour());
    let svg = descriptors::picture::of_nsd(&nsd, &flavour).to_svg();
    for part in ["VNF gateway", "NS payment", "PNF switch", "SAP front", "Shop 3, flavour standard"] {
        assert!(svg.contains(part), "{part} is not in {svg}");
    }
}
