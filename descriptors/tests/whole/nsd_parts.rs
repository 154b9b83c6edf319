//! The parts of the network service of `data/whole_nsd.yaml`: VNFs, nested services, PNFs, SAPs and links.

use descriptors::network::{Bitrate, IpVersion, PlacementKind};
use serde_json::json;

use crate::read::{edited_nsd, nsd, told};

#[test]
fn the_service_itself() {
    let nsd = nsd();
    assert!(nsd.warnings.is_empty(), "{}", nsd.warnings);
    assert_eq!((nsd.name.as_str(), nsd.designer.as_str(), nsd.version.as_str()), ("chain", "Acme", "1.5"));
    assert_eq!(nsd.descriptor_id, "55555555-aaaa-4c52-9a0e-0d2f1b3a4c5d");
    assert_eq!(nsd.invariant_id, "66666666-aaaa-4c52-9a0e-0d2f1b3a4c5d");
    assert_eq!(nsd.ext_invariant_id.as_deref(), Some("66666666-bbbb-4c52-9a0e-0d2f1b3a4c5d"));
    assert_eq!((nsd.service_availability_level, nsd.priority, nsd.strict_onboarding), (Some(2), Some(7), Some(false)));
    let flavour = nsd.flavour("gold").unwrap();
    let profile = flavour.ns_profile.as_ref().unwrap();
    assert_eq!((profile.min_instances, profile.max_instances), (1, 2));
    assert_eq!(profile.instantiation_level.as_deref(), Some("day"));
}

#[test]
fn vnf_profiles() {
    let nsd = nsd();
    let firewall = nsd.flavours[0].vnf("firewall").unwrap();
    assert_eq!(firewall.vnfd_id, "11111111-aaaa-4c52-9a0e-0d2f1b3a4c5d");
    assert_eq!(
        (firewall.flavour_id.as_deref(), firewall.instantiation_level.as_deref()),
        (Some("basic"), Some("small"))
    );
    assert_eq!((firewall.min_instances, firewall.max_instances, firewall.service_availability_level), (1, 3, Some(1)));
    assert_eq!(firewall.scale_levels["workers"], 2);
    let dependency = &firewall.version_dependencies[0];
    assert_eq!((dependency.constituent.as_str(), dependency.any_of[0].len()), ("cache", 1));
    assert_eq!(firewall.extra, json!({"metadata": {"shelf": "top"}}));
    let values = serde_json::to_value(&firewall.configurable_properties).unwrap().to_string();
    assert!(values.contains("resolver"), "{values}");
    assert_eq!(firewall.connection("right").unwrap().virtual_link, "inside");
    let left = firewall.connection("left").unwrap();
    assert_eq!((left.virtual_link.as_str(), left.via.as_deref()), ("outside", Some("firewall_left")));
}

#[test]
fn nested_ns_profiles() {
    let nsd = nsd();
    let inner = &nsd.flavours[0].nested_ns_profiles[0];
    assert_eq!((inner.name.as_str(), inner.nsd_id.as_str()), ("inner", "33333333-aaaa-4c52-9a0e-0d2f1b3a4c5d"));
    assert_eq!(inner.flavour_id.as_deref(), Some("silver"));
    assert_eq!((inner.profile.min_instances, inner.profile.max_instances), (1, 2));
    assert_eq!(inner.profile.instantiation_level.as_deref(), Some("night"));
    assert_eq!(inner.profile.scale_levels["users"], 1);
    assert_eq!(inner.profile.version_dependencies[0].constituent, "router");
    assert_eq!((inner.connections[0].cp.as_str(), inner.connections[0].virtual_link.as_str()), ("door", "inside"));
    let found = edited_nsd("default: 33333333-aaaa-4c52-9a0e-0d2f1b3a4c5d", "default: ''").unwrap_err();
    assert!(told(&found).contains("nested service `inner` does not say which descriptor it is of"), "{found}");
}

#[test]
fn pnf_profiles() {
    let nsd = nsd();
    let router = &nsd.flavours[0].pnf_profiles[0];
    assert_eq!((router.name.as_str(), router.pnfd_id.as_str()), ("router", "44444444-aaaa-4c52-9a0e-0d2f1b3a4c5d"));
    assert_eq!((router.connections[0].cp.as_str(), router.connections[0].virtual_link.as_str()), ("port", "outside"));
    assert_eq!(router.version_dependencies[0].constituent, "firewall");
}

#[test]
fn dependencies_order_the_parts() {
    let nsd = nsd();
    let flavour = &nsd.flavours[0];
    assert_eq!(flavour.dependencies["firewall"], ["cache"]);
    assert_eq!(flavour.nested_ns_profiles[0].depends_on, ["firewall"]);
    assert_eq!(flavour.waves().unwrap(), [["cache"], ["firewall"]]);
}

#[test]
fn sap() {
    let nsd = nsd();
    let sap = &nsd.flavours[0].saps[0];
    assert_eq!(
        (sap.name.as_str(), sap.virtual_link.as_deref(), sap.external.as_deref()),
        ("access", Some("outside"), Some("entrance"))
    );
    assert_eq!((sap.role.as_deref(), sap.description.as_deref()), (Some("root"), Some("Where users come in")));
    let address = &sap.addresses[0];
    assert_eq!((address.ip_version, address.floating_ip, address.count), (Some(IpVersion::Ipv4), true, Some(2)));
}

#[test]
fn ns_virtual_link_with_profile_and_qos() {
    let nsd = nsd();
    let link = nsd.flavours[0].virtual_link("outside").unwrap();
    assert_eq!(link.connectivity.flow_pattern.as_deref(), Some("line"));
    assert_eq!(link.profile.max_bitrate, Some(Bitrate { root_bps: 2000, leaf_bps: None }));
    assert_eq!(link.profile.min_bitrate, Some(Bitrate { root_bps: 20, leaf_bps: Some(2) }));
    let qos = link.profile.qos.as_ref().unwrap();
    assert_eq!((qos.latency_s, qos.packet_loss_ratio, qos.priority), (Some(0.02), Some(0.1), Some(3)));
    assert_eq!(
        (link.service_availability_level, link.test_access.as_slice()),
        (Some(1), &["active_loopback".to_owned()][..])
    );
    let l2 = link.profile.l2().unwrap();
    assert_eq!((l2.is_provider(), l2.segmentation_id.as_deref()), (true, Some("101")));
    assert_eq!(link.profile.l3().next().unwrap().cidr.to_string(), "203.0.113.0/24");
}

#[test]
fn service_availability_of_older_versions() {
    let nsd = edited_nsd(
        "          service_availability_level: 1\n          virtual",
        "          service_availability: { level: level3 }\n          virtual",
    );
    let nsd = nsd.unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(nsd.flavours[0].virtual_link("outside").unwrap().service_availability_level, Some(3));
}

#[test]
fn mirroring_of_data_flows() {
    let nsd = nsd();
    let flavour = &nsd.flavours[0];
    let job = &flavour.virtual_link("outside").unwrap().mirroring[0];
    assert_eq!((job.name.as_str(), job.description.as_deref()), ("watch", Some("For the police")));
    let flow = &flavour.data_flows[0];
    assert_eq!((flow.id.as_str(), flow.mirroring_job.as_str(), flow.direction.as_str()), ("flow-1", "watch", "both"));
    assert_eq!(flow.targets, ["access"]);
}

#[test]
fn affinity_between_profiles() {
    let nsd = nsd();
    let rules = &nsd.flavours[0].placement;
    assert_eq!((rules[0].kind, rules[0].scope.as_str()), (PlacementKind::AntiAffinity, "nfvi_node"));
    assert_eq!(
        (rules[0].targets.as_slice(), rules[0].groups.as_slice()),
        (&["firewall".to_owned(), "cache".to_owned()][..], &["heavy".to_owned()][..])
    );
    assert_eq!((rules[1].kind, rules[1].scope.as_str()), (PlacementKind::Affinity, "zone"));
    let group = nsd.flavours[0].groups.iter().find(|g| g.name == "heavy").unwrap();
    assert_eq!(group.body["properties"]["description"], "What needs room");
}

#[test]
fn security_group_rules_of_saps() {
    let nsd = nsd();
    let rule = &nsd.flavours[0].security_group_rules[0];
    assert_eq!((rule.protocol.as_str(), rule.port_range_min, rule.port_range_max), ("udp", 53, 53));
    assert_eq!(rule.targets, ["access"]);
    let nsd = edited_nsd(
        "targets: [ access ]\n        properties: { direction",
        "targets: [ cache ]\n        properties: { direction",
    )
    .unwrap();
    assert!(
        told(&nsd.warnings).contains("policy `users_only` names `cache`, but its type is for other kinds of things")
    );
}

#[test]
fn nslcm_operations_with_their_artifacts() {
    let nsd = nsd();
    let lcm = nsd.flavours[0].interfaces.iter().find(|i| i.name == "Nslcm").unwrap();
    assert_eq!(lcm.standard_type.as_deref(), Some("tosca.interfaces.nfv.Nslcm"));
    assert_eq!(
        (lcm.operations[0].name.as_str(), lcm.operations[0].file.as_deref()),
        ("instantiate_end", Some("Scripts/greet.sh"))
    );
}

#[test]
fn what_nobody_knows_is_kept() {
    let nsd = nsd();
    let own = &nsd.flavours[0].other_policies[0];
    assert_eq!((own.name.as_str(), own.body["description"].as_str()), ("own", Some("Nobody knows it")));
}
