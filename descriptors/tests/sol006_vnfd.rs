//! What a VNFD says as SOL006 data, subject by subject, and where the model has it; in JSON, and alike in XML and YAML.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "common/encodings.rs"]
mod encodings;

use std::collections::BTreeMap;

use descriptors::archive::HashAlgorithm;
use descriptors::expr::Expr;
use descriptors::network::PlacementKind;
use descriptors::sol006::read_vnfd;
use descriptors::vnfd::{ExtCpKind, Flavour, Size, StorageKind, Vnfd};
use encodings::read_everywhere;
use serde_json::json;

fn vnfd() -> Vnfd {
    read_everywhere(include_str!("data/sol006_vnfd.json"), read_vnfd)
}

fn full() -> Flavour {
    vnfd().flavour("full").unwrap().clone()
}

#[test]
fn the_vnf_itself() {
    let vnfd = vnfd();
    assert!(vnfd.warnings.is_empty(), "{}", vnfd.warnings);
    assert_eq!((vnfd.product_name.as_str(), vnfd.product_info_name.as_deref()), ("Gateway", Some("Gateway VNF")));
    assert_eq!(vnfd.vnfm_info, ["acme", "etsivnfm:v4.3.1"]);
    assert_eq!(vnfd.localization_languages, ["en"]);
    let defaults = vnfd.configurable_properties.defaults();
    assert_eq!(
        defaults,
        json!({"is_autoscale_enabled": true, "additional_configurable_properties": {"upstream": "10.0.0.1"}})
    );
    assert_eq!(vnfd.modifiable_attributes.extensions[0].name, "site");
    assert_eq!(vnfd.modifiable_attributes.metadata[0].name, "owner");
    // What the model has no place for is kept.
    assert_eq!(vnfd.extra, json!({"configurable-properties": {"vnfm-interface-info": {"credentials": "vault"}}}));
    assert_eq!(vnfd.monitoring[0].id, "sessions");
}

#[test]
fn compute_with_pinning_numa_and_capabilities() {
    let full = full();
    let worker = full.vdu("worker").unwrap();
    assert_eq!((worker.display_name.as_str(), worker.cpu.count, worker.cpu.clock_hz), ("Worker", 12, Some(2.4e9)));
    let pinning = worker.cpu.pinning.as_ref().unwrap();
    assert_eq!((pinning.policy.as_deref(), pinning.rules.as_slice()), (Some("static"), &["0=2".to_owned()][..]));
    assert_eq!((worker.memory.size_bytes, worker.memory.numa_enabled), (16_500_000_000, true));
    assert_eq!(worker.memory.requirements["memoryPageSize"], "1G");
    assert_eq!(worker.logical_nodes["cell-0"]["numaNode"], "0");
    assert_eq!(worker.additional_capabilities["dpdk"].min_version.as_deref(), Some("20.11"));
    assert_eq!(worker.local_storages[0].size_bytes, 3_000_000_000);
    assert_eq!(worker.nfvi_constraints.keys().collect::<Vec<_>>(), ["no-hyperthreads"]);
    assert_eq!((worker.monitoring[0].id.as_str(), worker.monitoring[0].collection_period_s), ("cpu", Some(5.0)));
    assert_eq!(worker.configurable_properties[0].default, Some(json!("fast")));
    let content = worker.boot_data.as_ref().unwrap().content.as_ref().unwrap().content.clone();
    assert_eq!(content, Some(Expr::Literal(json!("#!/bin/sh\ntrue\n"))));
}

#[test]
fn storages_images_and_boot_order() {
    let full = full();
    let worker = full.vdu("worker").unwrap();
    assert_eq!((worker.storages.as_slice(), worker.boot_order), (&["root".to_owned(), "logs".to_owned()][..], true));
    let root = full.storage("root").unwrap();
    assert_eq!(
        (root.kind, root.size_bytes, root.sw_image.as_deref()),
        (StorageKind::Block, 20_000_000_000, Some("base"))
    );
    assert_eq!((root.requirements["tier"].as_str(), root.per_vnfc_instance), ("ssd", true));
    let logs = full.storage("logs").unwrap();
    assert_eq!((logs.kind, logs.file_system_protocol.as_deref()), (StorageKind::File, Some("nfs")));
    assert_eq!((logs.virtual_link.as_deref(), logs.per_vnfc_instance), (Some("fabric"), false));
    let image = full.sw_image("base").unwrap();
    assert_eq!((image.disk_format.as_str(), image.container_format.as_str()), ("raw", "bare"));
    assert_eq!((image.min_disk_bytes, image.min_ram_bytes), (10_000_000_000, Some(1_500_000_000)));
    assert_eq!(image.artifact.as_deref(), Some("Artifacts/base.raw"));
    assert_eq!(image.checksum.algorithm, HashAlgorithm::Sha256);
    assert!(image.checksum.hash.starts_with("e3b0c442"), "digests are in small letters");
    assert_eq!(image.supported_environments, ["KVM"]);
}

#[test]
fn connection_points_and_trunks() {
    let full = full();
    let nics: Vec<_> = full.cps_of("worker").map(|c| c.name.as_str()).collect();
    assert_eq!(nics, ["oam", "data"], "in their order, without the port below the trunk");
    let data = full.vdu_cps.iter().find(|c| c.name == "data").unwrap();
    assert_eq!((data.bitrate_bps, data.vnic_type.as_str(), data.trunk_mode), (Some(1_000_000_000), "direct", true));
    assert_eq!(
        (data.layer_protocols.as_slice(), data.virtual_link.as_deref()),
        (&["ipv4".to_owned(), "ipv6".to_owned()][..], Some("fabric"))
    );
    assert_eq!(data.external, ["south"]);
    let address = &data.addresses[0];
    assert_eq!(
        (address.count, address.floating_ip, address.fixed[0].to_string().as_str()),
        (Some(2), true, "10.1.0.9")
    );
    assert_eq!(data.addresses[1].mac_assigned, Some(true));
    let requirement = &data.interface_requirements[0];
    assert_eq!((requirement.mandatory, requirement.requirements["SR-IOV"].as_str()), (Some(true), "yes"));
    assert_eq!(requirement.nic_io["numaNode"], "0");
    let sub = &full.sub_cps[0];
    assert_eq!((sub.cp.name.as_str(), sub.parent.as_str(), sub.segmentation_id), ("tagged", "data", Some(42)));
}

#[test]
fn what_external_connection_points_open() {
    let full = full();
    assert_eq!(full.ext_cp("north").unwrap().kind, ExtCpKind::VduCp);
    assert_eq!(full.ext_cp("north").unwrap().vdu_cps, ["oam"]);
    let south = full.ext_cp("south").unwrap();
    assert_eq!(south.kind, ExtCpKind::VnfExtCp { internal_virtual_link: Some("fabric".to_owned()) });
    assert_eq!(south.vdu_cps, ["data", "ctl"]);
    let shared = full.ext_cp("shared").unwrap();
    assert_eq!((shared.cp.as_str(), shared.vdu_cps.as_slice()), ("vip", &["data".to_owned(), "ctl".to_owned()][..]));
    assert_eq!(full.ext_cp("service").unwrap().cp, "front");
    let vip = &full.vip_cps[0];
    assert_eq!((vip.function.as_deref(), vip.targets.len(), vip.dedicated_ip_address), (Some("load_balance"), 2, true));
    let service = &full.virtual_cps[0];
    assert_eq!((service.targets.as_slice(), service.services[0].ports[0].port), (&["pods".to_owned()][..], 80));
}

#[test]
fn virtual_links_with_their_profiles() {
    let full = full();
    let fabric = full.virtual_link("fabric").unwrap();
    assert_eq!(
        (fabric.connectivity.flow_pattern.as_deref(), fabric.externally_managed.as_deref()),
        (Some("mesh"), Some("allowed"))
    );
    assert_eq!(
        (fabric.test_access.as_slice(), fabric.monitoring[0].metric.as_str()),
        (&["passive".to_owned()][..], "byte_incoming")
    );
    let profile = &fabric.profile;
    assert_eq!((profile.max_bitrate.unwrap().root_bps, profile.max_bitrate.unwrap().leaf_bps), (1_000_000, Some(500)));
    assert_eq!(profile.qos.as_ref().unwrap().latency_s, Some(0.002), "the flavour that the profile names");
    let l2 = profile.l2().unwrap();
    assert_eq!((l2.network_type.as_deref(), l2.mtu, l2.vlan_transparent), (Some("vlan"), Some(9000), true));
    let l3 = profile.l3().next().unwrap();
    assert_eq!(l3.pools[0].end.to_string(), "10.1.0.99");
    // The other flavour of the link is not lost.
    assert_eq!(fabric.extra["flavour"][0]["id"], "slow");
}

#[test]
fn flavours_have_the_parts_that_their_vdus_use() {
    let vnfd = vnfd();
    let lean = vnfd.flavour("lean").unwrap();
    assert_eq!(lean.vdus.iter().map(|v| v.name.as_str()).collect::<Vec<_>>(), ["controller"]);
    assert!(lean.storages.is_empty() && lean.deployable_units.is_empty() && lean.containers.is_empty());
    assert_eq!(lean.sw_images.iter().map(|i| i.id.as_str()).collect::<Vec<_>>(), ["base"]);
    assert_eq!(lean.virtual_links.len(), 1, "its VDU is on it");
    assert!(lean.ext_cp("north").is_none(), "it opens a VDU that the flavour does not have");
    assert_eq!(lean.scaling.instances("controller", Size::Default), Ok(1));
}

#[test]
fn scaling_aspects_deltas_and_levels() {
    let full = full();
    let scaling = &full.scaling;
    assert_eq!(scaling.aspects["traffic"].step_deltas, ["one", "four", "two"]);
    let at = |level| scaling.instances("worker", Size::ScaleLevels(&BTreeMap::from([("traffic".to_owned(), level)])));
    assert_eq!([at(0), at(1), at(2), at(3)], [Ok(1), Ok(2), Ok(6), Ok(8)]);
    assert_eq!(scaling.instances("worker", Size::Level("large")), Ok(8));
    assert_eq!(scaling.instances("controller", Size::Level("large")), Ok(1));
    assert_eq!(scaling.default_level(), Some("small"));
    assert_eq!(scaling.link_deltas["fabric"]["traffic"]["one"].root_bps, 100);
    assert_eq!((scaling.vip_levels["vip"]["large"], scaling.vip_deltas["vip"]["traffic"]["two"]), (2, 1));
}

#[test]
fn placement_groups_and_local_rules() {
    let full = full();
    let group = full.placement.iter().find(|r| r.name == "together").unwrap();
    assert_eq!((group.kind, group.scope.as_str()), (PlacementKind::Affinity, "zone_group"));
    assert_eq!(group.targets, ["worker", "controller"]);
    let local = full.placement.iter().find(|r| r.name == "worker.anti_affinity.nfvi_node").unwrap();
    assert_eq!((local.kind, local.targets.as_slice()), (PlacementKind::AntiAffinity, &["worker".to_owned()][..]));
    let maintenance = &full.group_maintenance["worker.anti_affinity.nfvi_node"];
    assert!((maintenance.notification_lead_time_s - 60.0).abs() < 1e-9, "6000 hundredths of a second");
    assert_eq!(maintenance.migration_types, ["live_migration"]);
    assert_eq!((maintenance.max_impacted[0].group_size, maintenance.max_impacted[0].instances), (Some(4), 1));
}

#[test]
fn operations_scripts_indicators_and_coordination() {
    let (vnfd, full) = (vnfd(), full());
    let lcm = &vnfd.lcm_operations;
    assert!(lcm.target_scale_levels_supported && lcm.scaling_by_more_than_one_step_supported);
    assert_eq!(lcm.heal_causes, ["disk", "network"]);
    assert_eq!((lcm.min_graceful_termination_s, lcm.max_recommended_graceful_termination_s), (Some(30.0), Some(120.0)));
    assert_eq!(lcm.configured, ["instantiate", "scale", "heal", "terminate"]);
    let names: Vec<_> = full.interfaces[0].operations.iter().map(|o| (o.name.as_str(), o.file.as_deref())).collect();
    assert_eq!(names, [("instantiate_end", Some("Scripts/setup.sh")), ("heal", Some("Scripts/setup.sh"))]);
    assert_eq!((full.artifacts[0].name.as_str(), full.artifacts[0].artifact_type.as_deref()), ("setup", Some("bash")));
    assert_eq!((full.indicators[0].name.as_str(), full.indicators[0].source.as_str()), ("load", "both_vnf_and_em"));
    assert_eq!(full.policy_extras["load"]["indicator-value"], json!(["low", "high"]));
    let answered = &full.supported_interfaces[0];
    assert_eq!(
        (answered.interface.as_str(), answered.targets.as_slice()),
        ("vnf_indicator", &["north".to_owned()][..])
    );
    assert_eq!(answered.specific["port"], "8080");
    assert_eq!(
        (full.coordination_actions[0].action.as_str(), full.coordination_actions[0].endpoint.as_deref()),
        ("drain", Some("vnf"))
    );
    assert_eq!(
        (full.coordinations[0].operation.as_str(), full.coordinations[0].actions.as_slice()),
        ("scale", &["drain".to_owned()][..])
    );
    let change = &full.package_changes[0];
    assert!(change.covers("gateway-1", "full", "gateway"));
    assert_eq!((change.qualifier.as_str(), change.mappings[0].destination.as_str()), ("up", "worker"));
    assert_eq!(full.template_extra["dependencies"][0]["primary-id"], "controller");
}

#[test]
fn security_groups() {
    let full = full();
    let rule = &full.security_group_rules[0];
    assert_eq!((rule.protocol.as_str(), rule.port_range_min, rule.port_range_max), ("tcp", 80, 443));
    assert_eq!(rule.targets, ["data", "north"]);
}

#[test]
fn containers() {
    let full = full();
    let unit = full.deployable_unit("pods").unwrap();
    assert_eq!((unit.containers.as_slice(), unit.profile.max_instances), (&["nginx".to_owned()][..], 3));
    assert_eq!(
        (unit.mcio_type.as_deref(), unit.mcio_constraints.as_slice()),
        (Some("Deployment"), &["nodePool".to_owned()][..])
    );
    let container = &full.containers[0];
    assert_eq!((container.requested_cpu, container.requested_memory_bytes), (Some(500), Some(268_435_456)));
    assert_eq!((container.huge_pages[0].page_bytes, container.huge_pages[0].requested_bytes), (2 << 20, 64 << 20));
    assert_eq!((full.mciops[0].name.as_str(), full.mciops[0].units.as_slice()), ("chart", &["pods".to_owned()][..]));
    assert!(full.vdu("pods").is_none(), "it is no virtual machine");
}

#[test]
fn the_model_survives_its_own_json() {
    let vnfd = vnfd();
    let back: Vnfd = serde_json::from_value(serde_json::to_value(&vnfd).unwrap()).unwrap();
    assert_eq!(back, vnfd);
}

/// The descriptor with a change.
fn changed(change: impl FnOnce(&mut serde_json::Value)) -> Vnfd {
    let mut data: serde_json::Value = serde_json::from_str(include_str!("data/sol006_vnfd.json")).unwrap();
    change(&mut data["etsi-nfv-vnfd:vnfd"]);
    read_everywhere(&data.to_string(), read_vnfd)
}

#[test]
fn object_storages() {
    let vnfd = changed(|vnfd| {
        let bucket = json!({"id": "bucket", "type-of-storage": "etsi-nfv-descriptors:object", "object-storage-data": {"max-size-of-storage": "100"}});
        vnfd["virtual-storage-desc"].as_array_mut().unwrap().push(bucket);
        vnfd["vdu"][0]["virtual-storage-desc"].as_array_mut().unwrap().push(json!("bucket"));
    });
    let bucket = vnfd.flavour("full").unwrap().storage("bucket").unwrap();
    assert_eq!((bucket.kind, bucket.size_bytes), (StorageKind::Object, 100_000_000_000));
}

#[test]
fn affinity_and_anti_affinity_of_every_scope() {
    for (scope, wanted) in [
        ("nfvi-node", "nfvi_node"),
        ("zone", "zone"),
        ("zone-group", "zone_group"),
        ("nfvi-pop", "nfvi_pop"),
        ("network-link-and-node", "network_link_and_node"),
    ] {
        for (kind, read) in [("affinity", PlacementKind::Affinity), ("anti-affinity", PlacementKind::AntiAffinity)] {
            let vnfd = changed(|vnfd| {
                let group = json!([{"id": "together", "affinityorAntiaffinity": kind, "scope": scope}]);
                vnfd["df"][0]["affinity-or-anti-affinity-group"] = group;
            });
            let rules = &vnfd.flavour("full").unwrap().placement;
            let rule = rules.iter().find(|r| r.name == "together").unwrap();
            assert_eq!((rule.kind, rule.scope.as_str(), rule.targets.len()), (read, wanted, 2));
        }
    }
}

#[test]
fn every_flavour_and_level_is_planned_and_drawn() {
    let vnfd = vnfd();
    let sizes = descriptors::plan::sizings(&vnfd);
    let large = sizes.iter().find(|s| s.flavour == "full" && s.size == "large").unwrap();
    let worker = large.vdus.iter().find(|v| v.vdu == "worker").unwrap();
    assert_eq!((worker.vnfcs, worker.each.vcpus, worker.each.memory_bytes), (8, 12, 16_500_000_000));
    assert!(large.networks.contains(&"fabric".to_owned()) && large.external.contains(&"north".to_owned()));
    for flavour in &vnfd.flavours {
        assert!(sizes.iter().any(|s| s.flavour == flavour.id));
        let picture = descriptors::picture::of_vnfd(&vnfd, flavour, &sizes);
        assert_eq!(picture.boxes.len(), flavour.vdus.len());
        let svg = picture.to_svg();
        assert!(flavour.vdus.iter().all(|vdu| svg.contains(&vdu.name)), "{svg}");
    }
}
