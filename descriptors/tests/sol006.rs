//! The instance data that ETSI publishes with the SOL006 modules, every file of every version, read to models.
//!
//! They are not part of this repository; `MANO_SHARED` names the directory that holds them under `etsi/yang`. The files are
//! XML; the same data written as JSON by RFC 7951 must give the same models.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::PathBuf;

use descriptors::network::{IpVersion, PlacementKind};
use descriptors::sol006::{self, Descriptors, Encoding};
use descriptors::vnfd::{ExtCpKind, Size, StorageKind};
use quick_xml::events::Event;
use serde_json::{Map, Value, json};

const VERSIONS: [&str; 2] = ["3.3.1", "4.3.1"];

fn dir(version: &str) -> Option<PathBuf> {
    match std::env::var_os("MANO_SHARED") {
        Some(dir) => Some(PathBuf::from(dir).join(format!("etsi/yang/sol006-v{version}/example-data"))),
        None => {
            println!("SKIPPED: MANO_SHARED is not set, so the published instance data is not read");
            None
        }
    }
}

/// The bytes of an example in each version.
fn example(name: &str) -> Vec<Vec<u8>> {
    VERSIONS.iter().filter_map(|v| dir(v)).map(|d| std::fs::read(d.join(name)).unwrap()).collect()
}

fn read(name: &str) -> Vec<Descriptors> {
    example(name).iter().map(|bytes| sol006::read(name, bytes).unwrap_or_else(|e| panic!("{name}: {e}"))).collect()
}

/// Everything but the findings, which tell places of the file.
fn models(mut all: Descriptors) -> Descriptors {
    all.warnings = descriptors::diag::Diagnostics::default();
    all
}

#[test]
fn every_published_file_is_read() {
    let mut files = 0;
    for dir in VERSIONS.iter().filter_map(|v| dir(v)) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            let bytes = std::fs::read(&path).unwrap();
            assert_eq!(sol006::looks_like(&bytes), Some(Encoding::Xml), "{}", path.display());
            let found = sol006::read(path.to_str().unwrap(), &bytes);
            let found = found.unwrap_or_else(|e| panic!("{}: {e}", path.display()));
            // What the published files leave open: digests that are none, and a reference the module aims elsewhere.
            assert!(found.warnings.iter().all(|w| w.code == "SOL006-0010" && w.line.is_some()), "{}", found.warnings);
            files += 1;
        }
    }
    assert!(files == 0 || files == 10, "{files}");
}

#[test]
fn a_vnfd_of_three_vdus_and_two_flavours() {
    for all in read("complex-vnfd.xml") {
        let [vnfd] = all.vnfds.as_slice() else { panic!() };
        assert_eq!((vnfd.descriptor_id.as_str(), vnfd.descriptor_version.as_str()), ("complex-vnf", "1.0"));
        assert_eq!((vnfd.provider.as_str(), vnfd.vnfm_info.as_slice()), ("My Company", &["netconf".to_owned()][..]));
        let gold = vnfd.flavour("gold").unwrap();
        let sizes: Vec<_> = gold.vdus.iter().map(|v| (v.name.as_str(), v.cpu.count, v.memory.size_bytes)).collect();
        assert_eq!(
            sizes,
            [
                ("control-plane-active", 8, 16_000_000_000),
                ("control-plane-standby", 8, 16_000_000_000),
                ("data-plane", 16, 32_000_000_000)
            ]
        );
        let limits = |flavour: &str| vnfd.flavour(flavour).unwrap().vdu("data-plane").unwrap().profile;
        assert_eq!((limits("gold").min_instances, limits("gold").max_instances), (2, 8));
        assert_eq!((limits("silver").min_instances, limits("silver").max_instances), (1, 4));
        let count = |flavour: &str, size| vnfd.flavour(flavour).unwrap().scaling.instances("data-plane", size).unwrap();
        assert_eq!([count("gold", Size::Default), count("gold", Size::Level("il-2"))], [2, 4]);
        assert_eq!([count("silver", Size::Default), count("silver", Size::Level("il-2"))], [1, 2]);
        // Three VDUs have a connection point `internal`; each keeps a name of its own.
        let internal: Vec<_> = gold
            .vdu_cps
            .iter()
            .filter(|c| c.virtual_link.as_deref() == Some("internal-vl"))
            .map(|c| c.name.as_str())
            .collect();
        assert_eq!(
            internal,
            ["control-plane-active.internal", "control-plane-standby.internal", "data-plane.internal"]
        );
        let outer = gold.ext_cp("in").unwrap();
        assert_eq!((outer.cp.as_str(), &outer.kind), ("in", &ExtCpKind::VduCp));
        let mgmt = gold.ext_cp("mgmt").unwrap();
        assert_eq!(mgmt.kind, ExtCpKind::VnfExtCp { internal_virtual_link: Some("mgmt".to_owned()) });
        assert_eq!(mgmt.vdu_cps, ["control-plane-active.mgmt", "control-plane-standby.mgmt"]);
        let root = gold.storage("root").unwrap();
        assert_eq!((root.kind, root.size_bytes, root.rdma_enabled), (StorageKind::Block, 10_000_000_000, true));
        assert_eq!(root.sw_image.as_deref(), Some("CP"));
        let image = gold.sw_image("DP").unwrap();
        assert_eq!(image.artifact.as_deref(), Some("http://mycompany.images.com/data-plane.qcow2"));
        assert_eq!((image.min_ram_bytes, image.size_bytes), (Some(2_000_000_000), 1_000_000_000));
        let [rule] = gold.placement.as_slice() else { panic!("{:?}", gold.placement) };
        assert_eq!((rule.kind, rule.scope.as_str()), (PlacementKind::AntiAffinity, "nfvi_node"));
        assert_eq!(rule.targets, ["control-plane-active", "control-plane-standby"]);
        let lcm = &vnfd.lcm_operations;
        assert!(lcm.arbitrary_target_levels_supported && !lcm.target_scale_levels_supported);
        assert_eq!((lcm.min_graceful_termination_s, lcm.min_graceful_stop_s), (Some(0.01), Some(0.01)));
        assert!(lcm.configured.contains(&"create_snapshot".to_owned()));
        let lead = gold.vdus[0].maintenance.as_ref().unwrap().notification_lead_time_s;
        assert!((lead - 0.01).abs() < 1e-9, "{lead}");
    }
}

#[test]
fn vnfds_of_their_own_module_and_beside_an_nsd() {
    for bytes in example("nfv-vnfd.xml") {
        let vnfd = sol006::read_vnfd("nfv-vnfd.xml", &bytes).unwrap();
        assert_eq!((vnfd.descriptor_id.as_str(), vnfd.software_version.as_str()), ("ASA", "9.8"));
        let normal = vnfd.flavour("normal").unwrap();
        assert_eq!((normal.vdus[0].cpu.count, normal.vdus[0].memory.size_bytes), (2, 4_000_000_000));
        let names: Vec<_> = normal.cps_of("firewall").map(|c| c.name.as_str()).collect();
        assert_eq!(names, ["inside", "management", "outside"]);
        assert_eq!(normal.vdu_cps[0].layer_protocols, ["ethernet"]);
        assert_eq!(normal.storage("asa-vsd").unwrap().kind, StorageKind::File);
        // The module's reference leads to an image where a virtual link is meant.
        assert_eq!(normal.storage("asa-vsd").unwrap().sw_image.as_deref(), Some("asa-image"));
        assert_eq!(normal.scaling.instances("firewall", Size::Level("double")), Ok(2));
        assert_eq!(normal.scaling.instances("firewall", Size::Default), Ok(1));
        let open = vnfd.warnings.iter().filter(|w| w.message.contains("does not say what it opens")).count();
        assert_eq!(open, 3, "{}", vnfd.warnings);
    }
    for bytes in example("nfv-nsd.xml") {
        let nsd = sol006::read_nsd("nfv-nsd.xml", &bytes).unwrap();
        assert_eq!((nsd.descriptor_id.as_str(), nsd.vnfd_ids()), ("firewall-nsd", vec!["ASA"]));
        let flavour = nsd.flavour("firewall").unwrap();
        assert_eq!(
            flavour.saps.iter().map(|s| s.name.as_str()).collect::<Vec<_>>(),
            ["inside", "management", "outside"]
        );
        let vnf = flavour.vnf("firewall").unwrap();
        assert_eq!((vnf.flavour_id.as_deref(), vnf.instantiation_level.as_deref()), (Some("normal"), Some("single")));
        assert_eq!(flavour.levels.vnf_instances["firewall"]["single"], 1);
        // The VNFD beside it opens its connection points directly.
        let vnfd = sol006::read_vnfd("nfv-nsd.xml", &bytes).unwrap();
        assert!(vnfd.flavours[0].ext_cps.iter().all(|c| c.kind == ExtCpKind::VduCp && c.vdu_cps.len() == 1));
    }
    for bytes in example("nfv-pnfd.xml") {
        let pnfd = sol006::read_pnfd("nfv-pnfd.xml", &bytes).unwrap();
        assert_eq!((pnfd.descriptor_id.as_str(), pnfd.version.as_str()), ("physical-dpi", "1.0"));
        assert_eq!(pnfd.ext_cp("outside").unwrap().layer_protocols, ["ethernet"]);
    }
}

#[test]
fn services_with_nested_ones_pnfs_and_links() {
    for (all, bytes) in read("nfv.xml").into_iter().zip(example("nfv.xml")) {
        assert_eq!((all.vnfds.len(), all.nsds.len(), all.pnfds.len()), (2, 3, 1));
        // A package has one descriptor; which there are is told.
        let many = sol006::read_nsd("nfv.xml", &bytes).unwrap_err();
        assert!(many.to_string().contains("3 NSDs: firewall-nsd, service-chain-1, service-chain-2"), "{many}");
        let inside = all.vnfds[0].flavours[0].virtual_link("inside-vl").unwrap();
        assert_eq!(inside.profile.max_bitrate.unwrap().root_bps, 10);
        let qos = inside.profile.qos.as_ref().unwrap();
        assert_eq!((qos.latency_s, qos.packet_loss_ratio), (Some(0.001), Some(0.02)));
        let subnet = inside.profile.l3().next().unwrap();
        assert_eq!((subnet.cidr.to_string().as_str(), subnet.ip_version), ("192.138.0.0/8", IpVersion::Ipv4));
        assert_eq!((subnet.gateway_ip.unwrap().to_string().as_str(), subnet.dhcp_enabled), ("192.138.0.1", Some(true)));

        let chain = &all.nsds[1];
        assert_eq!(chain.vnfd_ids(), ["ASA", "CSR"]);
        let flavour = chain.flavour("router-fw-dpi").unwrap();
        assert_eq!(flavour.vnf("firewall").unwrap().connection("inside").unwrap().virtual_link, "fw2dpi");
        assert_eq!(flavour.vnf("router").unwrap().connections.len(), 2);
        let dpi = &flavour.pnf_profiles[0];
        assert_eq!((dpi.pnfd_id.as_str(), dpi.connections[0].cp.as_str()), ("physical-dpi", "outside"));
        assert_eq!(flavour.virtual_link("mgmt").unwrap().profile.max_bitrate.unwrap().root_bps, 1_000_000_000);
        assert_eq!(flavour.saps[1].virtual_link.as_deref(), Some("mgmt"));
        assert_eq!(flavour.levels.levels["normal"], "Router+FW+Physical DPI");

        let outer = all.nsds[2].flavour("router-fw").unwrap();
        let nested = &outer.nested_ns_profiles[0];
        assert_eq!((nested.nsd_id.as_str(), nested.flavour_id.as_deref()), ("firewall-nsd", Some("firewall")));
        assert_eq!(nested.profile.instantiation_level.as_deref(), Some("single"));
        assert_eq!(nested.connections[0].virtual_link, "r2fw");
        assert_eq!(outer.levels.link_bitrates["r2fw"]["normal"].root_bps, 10_000_000);
        assert_eq!(outer.virtual_link("r2fw").unwrap().profile.qos.as_ref().unwrap().latency_s, Some(1.0));
        assert!(outer.saps[0].extra.to_string().contains("firewall-nsd"), "{}", outer.saps[0].extra);
    }
}

#[test]
fn json_and_xml_of_the_same_data_give_the_same_models() {
    for name in ["complex-vnfd.xml", "nfv-vnfd.xml", "nfv-nsd.xml", "nfv-pnfd.xml", "nfv.xml"] {
        for xml in example(name) {
            let json = to_json(std::str::from_utf8(&xml).unwrap());
            assert_eq!(sol006::looks_like(json.as_bytes()), Some(Encoding::Json));
            let from_json = sol006::read(name, json.as_bytes()).unwrap_or_else(|e| panic!("{name}: {e}\n{json}"));
            let from_xml = sol006::read(name, &xml).unwrap();
            let said = |d: &Descriptors| d.warnings.iter().map(|w| w.message.clone()).collect::<Vec<_>>();
            assert_eq!(said(&from_json), said(&from_xml), "{name}");
            assert_eq!(models(from_json), models(from_xml), "{name}");
        }
    }
}

/// Nodes of the examples that are lists or leaf-lists, by parent and name; RFC 7951 writes them as arrays.
fn is_list(parent: &str, name: &str) -> bool {
    let everywhere = [
        "layer-protocol",
        "vnfm-info",
        "parameter",
        "instantiation-level",
        "ns-instantiation-level",
        "vdu-level",
        "vdu-profile",
        "virtual-link-profile",
        "vnf-profile",
        "pnf-profile",
        "ns-profile",
        "virtual-link-connectivity",
        "vnf-to-level-mapping",
        "virtual-link-to-level-mapping",
        "affinity-or-anti-affinity-group",
        "affinity-or-anti-affinity-group-id",
        "ext-cpd",
        "nested-nsd-id",
    ];
    match name {
        "instantiation-level" => parent == "df",
        "vdu" | "sw-image-desc" | "virtual-compute-desc" | "int-virtual-link-desc" => parent == "vnfd",
        "virtual-storage-desc" => ["vnfd", "vdu"].contains(&parent),
        "int-cpd" => parent == "vdu",
        "virtual-link-desc" | "vnfd-id" | "pnfd-id" | "sapd" => parent == "nsd",
        "df" => ["vnfd", "nsd", "virtual-link-desc"].contains(&parent),
        "flavour" => parent == "int-virtual-link-desc",
        "constituent-cpd-id" => parent == "virtual-link-connectivity",
        "vnfd" | "nsd" | "pnfd" => parent == "nfv",
        _ => everywhere.contains(&name),
    }
}

/// The value of a leaf as RFC 7951 has it: identities with their module, small numbers and truth values bare.
fn leaf(name: &str, text: &str) -> Value {
    match name {
        "num-virtual-cpu" | "latency" | "packet-delay-variation" => json!(text.parse::<u32>().unwrap()),
        n if n.ends_with("number-of-instances") => json!(text.parse::<u32>().unwrap()),
        "rdma-enabled" | "dhcp-enabled" | "arbitrary-target-levels-supported" => json!(text == "true"),
        "layer-protocol" | "algorithm" | "type-of-storage" => {
            json!(format!("etsi-nfv-descriptors:{}", text.trim_start_matches("nfv:")))
        }
        _ => json!(text),
    }
}

fn to_json(xml: &str) -> String {
    let mut reader = quick_xml::Reader::from_str(xml);
    let mut open: Vec<(String, Map<String, Value>, String)> = vec![(String::new(), Map::new(), String::new())];
    loop {
        match reader.read_event().unwrap() {
            Event::Start(start) => {
                open.push((start.name().as_ref().to_owned(), Map::new(), String::new()));
            }
            Event::Text(text) => open.last_mut().unwrap().2.push_str(&text.into_inner()),
            Event::End(_) => {
                let (name, map, text) = open.pop().unwrap();
                let value = if map.is_empty() { leaf(&name, text.trim()) } else { Value::Object(map) };
                let (parent, into, _) = open.last_mut().unwrap();
                if is_list(parent, &name) {
                    let list = into.entry(name).or_insert_with(|| json!([]));
                    list.as_array_mut().unwrap().push(value);
                } else {
                    // The module's name stands before names of the top only.
                    let module =
                        if name == "nfv" { "etsi-nfv-descriptors".to_owned() } else { format!("etsi-nfv-{name}") };
                    let name = if parent.is_empty() { format!("{module}:{name}") } else { name };
                    assert!(into.insert(name.clone(), value).is_none(), "{parent}/{name} is a list");
                }
            }
            Event::Eof => break,
            _ => {}
        }
    }
    serde_json::to_string_pretty(&open.pop().unwrap().1).unwrap()
}
