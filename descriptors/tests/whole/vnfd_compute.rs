//! Machines, their storages and images in the VNFD of `data/whole_vnfd.yaml`.

use std::collections::BTreeMap;

use descriptors::archive::HashAlgorithm;
use descriptors::network::GroupLimit;
use descriptors::vnfd::{BootContext, ConfigDriveLayout, StorageKind};
use serde_json::json;

use crate::read::{VNFD, VNFD_TYPES, edited_vnfd, flavour, told, vnfd, vnfd_of};

#[test]
fn vdu_compute() {
    let flavour = flavour();
    let names: Vec<_> = flavour.vdus.iter().map(|v| v.name.as_str()).collect();
    assert_eq!(names, ["control", "worker"]);
    let control = flavour.vdu("control").unwrap();
    assert_eq!((control.display_name.as_str(), control.description.as_str()), ("control", "Decides"));
    assert_eq!((control.profile.min_instances, control.profile.max_instances), (1, 2));
    assert_eq!(control.nfvi_constraints["rack"], "any");
    assert_eq!(control.extra, json!({"description": "The one that decides"}), "what has no field of its own is kept");
}

#[test]
fn a_vdu_with_more_minimum_than_maximum_is_refused() {
    let from = "{ min_number_of_instances: 1, max_number_of_instances: 9 }";
    let found = edited_vnfd(from, "{ min_number_of_instances: 10, max_number_of_instances: 9 }").unwrap_err();
    assert!(told(&found).contains("at least 10 and at most 9"), "{found}");
}

#[test]
fn virtual_cpu_with_pinning() {
    let flavour = flavour();
    let cpu = &flavour.vdu("control").unwrap().cpu;
    assert_eq!((cpu.count, cpu.architecture.as_deref(), cpu.clock_hz), (8, Some("x86_64"), Some(2.4e9)));
    assert_eq!(cpu.oversubscription_policy.as_deref(), Some("none"));
    assert_eq!(cpu.requirements["aes"], "true");
    let pinning = cpu.pinning.as_ref().unwrap();
    assert_eq!((pinning.policy.as_deref(), pinning.rules.as_slice()), (Some("static"), &["cores:0-7".to_owned()][..]));
    let pinning = flavour.vdu("worker").unwrap().cpu.pinning.clone().unwrap();
    assert_eq!((pinning.policy.as_deref(), pinning.rules.len()), (Some("dynamic"), 0));
}

#[test]
fn numa_and_huge_pages() {
    let flavour = flavour();
    let memory = &flavour.vdu("control").unwrap().memory;
    assert_eq!((memory.size_bytes, memory.numa_enabled), (8 << 30, true));
    assert_eq!(memory.oversubscription_policy.as_deref(), Some("none"));
    let pages: Vec<_> = memory.huge_pages.iter().map(|p| (p.page_bytes, p.requested_bytes)).collect();
    assert_eq!(pages, [(1 << 30, 4 << 30)]);
    assert_eq!(memory.requirements["ecc"], "true");
    assert!(!flavour.vdu("worker").unwrap().memory.numa_enabled);
}

#[test]
fn logical_nodes_and_accelerators() {
    let flavour = flavour();
    let control = flavour.vdu("control").unwrap();
    assert_eq!(control.logical_nodes["cell0"]["cpus"], "0-3");
    assert_eq!(control.logical_nodes["cell1"]["numa_node"], "1");
    let gpu = &control.additional_capabilities["gpu"];
    assert_eq!((gpu.name.as_str(), gpu.mandatory), ("accelerator", true));
    assert_eq!((gpu.min_version.as_deref(), gpu.preferred_version.as_deref()), (Some("1.0"), Some("2.0")));
    assert_eq!(gpu.performance["tflops"], "10");
    assert_eq!(control.compute_requirements["watchdog"], "reset");
}

#[test]
fn local_storage() {
    let flavour = flavour();
    let disk = &flavour.vdu("control").unwrap().local_storages[0];
    assert_eq!((disk.size_bytes, disk.rdma_enabled, disk.requirements["ssd"].as_str()), (2 << 30, true, "yes"));
}

#[test]
fn block_file_and_object_storage() {
    let flavour = flavour();
    let root = flavour.storage("root").unwrap();
    assert_eq!((root.kind, root.size_bytes, root.rdma_enabled), (StorageKind::Block, 10_000_000_000, true));
    assert_eq!((root.per_vnfc_instance, root.requirements["tier"].as_str()), (true, "gold"));
    assert_eq!(root.maintenance.as_ref().unwrap().notification_lead_time_s, 3600.0);
    let logs = flavour.storage("logs").unwrap();
    assert_eq!((logs.kind, logs.size_bytes, logs.per_vnfc_instance), (StorageKind::File, 20_000_000_000, false));
    assert_eq!((logs.file_system_protocol.as_deref(), logs.virtual_link.as_deref()), (Some("nfs"), Some("backplane")));
    let archive = flavour.storage("archive").unwrap();
    assert_eq!((archive.kind, archive.size_bytes), (StorageKind::Object, 1_000_000_000_000));
}

#[test]
fn storages_in_boot_order() {
    let flavour = flavour();
    let control = flavour.vdu("control").unwrap();
    assert!(control.boot_order);
    assert_eq!(control.storages, ["root", "logs", "archive"]);
    // Version 2.6.1 lists the names instead.
    let listed = edited_vnfd("boot_order: true", "boot_order: [ root, logs ]").unwrap_or_else(|e| panic!("{e}"));
    assert!(listed.flavours[0].vdu("control").unwrap().boot_order);
    assert!(!flavour.vdu("worker").unwrap().boot_order);
}

#[test]
fn image_as_property() {
    let flavour = flavour();
    let image = flavour.sw_image("root").unwrap();
    assert_eq!((image.name.as_str(), image.version.as_str()), ("control image", "2"));
    assert_eq!(image.checksum.algorithm, HashAlgorithm::Sha512);
    assert_eq!((image.disk_format.as_str(), image.size_bytes), ("raw", 1_000_000));
    assert_eq!(image.artifact.as_deref(), Some("Files/control.raw"));
    assert_eq!(flavour.storage("root").unwrap().sw_image.as_deref(), Some("root"));
}

#[test]
fn image_as_artifact() {
    let flavour = flavour();
    let image = flavour.sw_image("worker").unwrap();
    assert_eq!((image.name.as_str(), image.version.as_str()), ("worker image", "3"));
    assert_eq!(image.provider.as_deref(), Some("Acme"));
    assert_eq!((image.min_disk_bytes, image.min_ram_bytes, image.size_bytes), (1 << 30, Some(512 << 20), 1));
    assert_eq!(
        (image.operating_system.as_deref(), image.supported_environments.as_slice()),
        (Some("Linux"), &["KVM".to_owned()][..])
    );
    assert_eq!(image.artifact.as_deref(), Some("Files/worker.qcow2"));
    let found = edited_vnfd("hash: 2d711642", "hash: 2d71164z").unwrap_err();
    assert!(told(&found).contains("64 hexadecimal digits"), "{found}");
}

#[test]
fn boot_data_with_config_drive_and_user_data() {
    let vnfd = vnfd();
    let flavour = &vnfd.flavours[0];
    let boot = flavour.vdu("control").unwrap().boot_data.as_ref().unwrap();
    assert_eq!(boot.layout, ConfigDriveLayout::Nocloud);
    assert_eq!(boot.source_path(), Some("Files/boot.sh"));
    let context = BootContext {
        configurable_properties: &vnfd.configurable_properties.defaults(),
        additional_params: &json!({"key": "ssh-ed25519 AAAA"}),
        vnfc: &BTreeMap::new(),
    };
    let made = boot.resolve(&context, Some("echo ${dns}\n")).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(made.content.as_deref(), Some("echo 9.9.9.9\n"));
    assert_eq!(made.destination_path.as_deref(), Some("/etc/boot.sh"));
    assert_eq!((made.kvp["ssh"].as_str(), made.kvp["product"].as_str()), ("ssh-ed25519 AAAA", "Gateway"));
    let plain = flavour.vdu("worker").unwrap().boot_data.as_ref().unwrap();
    let made = plain.resolve(&context, None).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!((made.content.as_deref(), made.destination_path), (Some("#cloud-config"), None));
}

#[test]
fn monitoring_of_vnfcs_links_and_the_vnf() {
    let vnfd = vnfd();
    let flavour = &vnfd.flavours[0];
    let of = |list: &[descriptors::network::MonitoringParameter]| {
        list.iter().map(|p| (p.id.clone(), p.metric.clone(), p.collection_period_s)).collect::<Vec<_>>()
    };
    assert_eq!(of(&vnfd.monitoring), [("cpu".into(), "v_cpu_usage_mean_vnf".into(), Some(10.0))]);
    let memory = ("mem".into(), "v_memory_usage_mean".into(), None);
    assert_eq!(of(&flavour.vdu("control").unwrap().monitoring), [memory]);
    let bytes = ("bytes".into(), "byte_incoming".into(), None);
    assert_eq!(of(&flavour.virtual_link("backplane").unwrap().monitoring), [bytes]);
    // Versions before 3.7.1 write a list.
    let from = "{ mem: { name: Memory, performance_metric: v_memory_usage_mean } }";
    let listed = edited_vnfd(from, "[ { name: Memory, performance_metric: v_memory_usage_mean } ]");
    let listed = listed.unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(listed.flavours[0].vdu("control").unwrap().monitoring[0].id, "Memory");
}

#[test]
fn maintenance_of_the_nfvi() {
    let flavour = flavour();
    let wish = flavour.vdu("control").unwrap().maintenance.as_ref().unwrap();
    assert_eq!((wish.notification_lead_time_s, wish.mitigation_requested), (60.0, true));
    assert_eq!(wish.migration_types, ["live_migration", "no_migration"]);
    assert_eq!((wish.max_undetectable_interruption_s, wish.min_recovery_between_impacts_s), (Some(0.1), Some(120.0)));
    assert_eq!(wish.max_impacted, [GroupLimit { group_size: Some(3), instances: 1 }]);
    assert_eq!(wish.min_preserved, [GroupLimit { group_size: None, instances: 1 }]);
    assert_eq!(flavour.group_maintenance["apart"].notification_lead_time_s, 7.0);
}

#[test]
fn configurable_properties_of_vnfcs() {
    let flavour = flavour();
    let declared = &flavour.vdu("worker").unwrap().configurable_properties;
    let additional = declared.iter().find(|d| d.name == "additional_vnfc_configurable_properties").unwrap();
    assert_eq!(additional.value_type, "acme.VnfcAdditional");
    assert_eq!(additional.default, Some(json!({"threads": 8})));
}

#[test]
fn a_vdu_of_a_derived_type_has_its_artifacts_and_properties() {
    let flavour = flavour();
    let worker = flavour.vdu("worker").unwrap();
    let tuning = worker.artifacts.iter().find(|a| a.name == "tuning").unwrap();
    assert_eq!((tuning.file.as_str(), tuning.artifact_type.as_deref()), ("Scripts/tune.sh", Some("acme.Playbook")));
    let painted = edited_vnfd("        name: worker\n", "        name: worker\n        colour: green\n").unwrap();
    assert_eq!(painted.flavours[0].vdu("worker").unwrap().extra["colour"], "green");
}

#[test]
fn an_image_that_a_type_brings_along() {
    let image = "      image:\n        type: tosca.artifacts.nfv.SwImage\n        file: Files/worker.qcow2\n        properties: { name: t, version: '1', \
        container_format: bare, disk_format: raw, size: 1 B, checksum: { algorithm: sha-256, hash: \
        2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881 } }\n";
    let with = |image: &str| VNFD_TYPES.replacen("      tuning: {", &format!("{image}      tuning: {{"), 1);
    let (before, after) = VNFD.split_once("      artifacts:\n        image:\n          type: tosca.artifacts.nfv.SwImage\n          file: Files/worker").unwrap();
    let without = format!("{before}{}", &after[after.find("    root:").unwrap()..]);
    let vnfd = vnfd_of(&without, &with(image)).unwrap_or_else(|e| panic!("{e}"));
    let flavour = &vnfd.flavours[0];
    assert_eq!(flavour.vdu("worker").unwrap().sw_image.as_deref(), Some("worker"));
    assert_eq!(flavour.sw_image("worker").unwrap().name, "t");
    let found = vnfd_of(&without, &with(&image.replace("worker.qcow2", "gone.qcow2"))).unwrap_err();
    assert!(told(&found).contains("the file `Files/gone.qcow2` of artifact `image` is not in the package"), "{found}");
    // What the template says itself goes before.
    let own = vnfd_of(VNFD, &with(image)).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(own.flavours[0].sw_image("worker").unwrap().name, "worker image");
}
