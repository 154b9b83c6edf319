//! Descriptors with faults: all are told in one reading, each with its line, and a mend that helps.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{package_of, sample_dir};
use descriptors::diag::{Diagnostics, Severity};
use descriptors::nsd::read_nsd;
use descriptors::vnfd::{Vnfd, read_vnfd};

const META: &str = "TOSCA-Meta-File-Version: 1.0\nCSAR-Version: 1.1\nCreated-By: x\nEntry-Definitions: a.yaml\nETSI-Entry-Manifest: a.mf\n";
const MANIFEST: &str = "metadata:\n  vnf_product_name: a\n";

/// A sample's descriptor with the placeholders of the image filled in.
fn sample(name: &str, file: &str) -> String {
    let text = std::fs::read_to_string(sample_dir(name).join("Definitions").join(file)).unwrap();
    text.replace("@SHA256(Artifacts/Images/vnf.qcow2)@", &"ab".repeat(32))
        .replace("@SIZE(Artifacts/Images/vnf.qcow2)@", "28")
        .replace("../Artifacts", "Artifacts")
        .replace("../Files", "Files")
}

fn web(change: impl Fn(String) -> String) -> Result<Vnfd, Diagnostics> {
    let main = change(sample("web", "web.yaml"));
    let types = sample("web", "web_types.yaml");
    read_vnfd(&package_of(&[
        ("TOSCA-Metadata/TOSCA.meta", META),
        ("a.mf", MANIFEST),
        ("a.yaml", &main),
        ("web_types.yaml", &types),
        ("Artifacts/Images/vnf.qcow2", "x"),
    ]))
}

fn nsd(change: impl Fn(String) -> String) -> Result<descriptors::nsd::Nsd, Diagnostics> {
    let main = change(sample("demo-ns", "demo-ns.yaml"));
    let types = sample("demo-ns", "demo-ns_types.yaml");
    read_nsd(&package_of(&[
        ("TOSCA-Metadata/TOSCA.meta", META),
        ("a.mf", MANIFEST),
        ("a.yaml", &main),
        ("demo-ns_types.yaml", &types),
    ]))
}

fn line_of(text: &str, needle: &str) -> u32 {
    u32::try_from(text.lines().position(|l| l.contains(needle)).unwrap() + 1).unwrap()
}

fn told(found: &Diagnostics) -> Vec<(String, u32)> {
    found.iter().map(|d| (d.code.to_string(), d.line.unwrap_or(0))).collect()
}

#[test]
fn ten_faults_in_one_descriptor_are_told_at_once_with_their_lines() {
    let planted = [
        ("virtual_mem_size: 192 MiB", "virtual_mem_size: 192 pounds", "TOSCA-0032"),
        ("num_virtual_cpu: 1", "num_virtual_cpu: 0", "TOSCA-0033"),
        ("max_number_of_instances: 4", "max_number_of_instanses: 4", "TOSCA-0031"),
        ("data: [ data, virtual_link ]", "data: [ date, virtual_link ]", "TOSCA-0070"),
        ("type: tosca.policies.nfv.ScalingAspects", "type: tosca.policies.nfv.ScalingAspect", "TOSCA-0020"),
        ("default_level: small", "default_level: tiny", "SOL001-0010"),
        ("file: Artifacts/Images/vnf.qcow2", "file: Artifacts/Images/vnf.raw", "TOSCA-0060"),
        ("disk_format: qcow2", "disk_format: qcow3", "TOSCA-0033"),
        ("order: 1", "order: second", "TOSCA-0032"),
        ("algorithm: sha-256", "algorithm: md5", "TOSCA-0033"),
    ];
    let broken = |text: String| planted.iter().fold(text, |t, (from, to, _)| t.replacen(from, to, 1));
    let text = broken(sample("web", "web.yaml"));
    let found = web(broken).unwrap_err();
    let told = told(&found);
    for (_, to, code) in planted {
        let line = line_of(&text, to);
        assert!(told.contains(&(code.to_owned(), line)), "{code} in line {line} ({to}) is not told:\n{found}");
    }
    assert!(found.to_string().contains("did you mean `max_number_of_instances`?"), "{found}");
    assert!(found.to_string().contains("did you mean `tosca.policies.nfv.ScalingAspects`?"), "{found}");
    assert!(found.iter().all(|d| d.line.is_none() || d.excerpt.is_some()), "every place is quoted");
}

#[test]
fn each_single_fault_is_told_where_it_is_and_only_there() {
    // What is changed, to what, the code, the line's text.
    for (from, to, code, at) in [
        (
            "type: tosca.nodes.nfv.VduCp\n      properties:\n        description: Where",
            "type: tosca.nodes.nfv.VduCP\n      properties:\n        description: Where",
            "TOSCA-0020",
            "VduCP",
        ),
        ("virtual_binding: web", "virtual_binding: wep", "TOSCA-0050", "wep"),
        ("        name: web\n        description", "        description", "TOSCA-0030", "    web:"),
        ("targets: [ web ]", "targets: [ web, ghost ]", "TOSCA-0050", "ghost"),
        ("size_of_storage: 128 MiB", "size_of_storage: 128", "TOSCA-0032", "size_of_storage: 128"),
        ("order: 0", "order: 0\n        order: 1", "YAML-0002", "order: 1"),
        ("  - web_types.yaml", "  - web_types.yaml\n  - gone.yaml", "TOSCA-0010", "gone.yaml"),
        ("max_scale_level: 3", "max_scale_level: 2", "SOL001-0010", "- levels:"),
        (
            "description: Serves",
            "description: { get_input: text }\n        nfvi_constraints: # Serves",
            "TOSCA-0041",
            "get_input",
        ),
        ("aspect: servers", "aspect: server", "SOL001-0009", "- steps:"),
        (
            "flavour_id: simple\n    requirements",
            "flavour_id: [ simple ]\n    requirements",
            "SOL001-0002",
            "node_type: mano",
        ),
        (
            "min_number_of_instances: 1, max",
            "min_number_of_instances: 9, max",
            "SOL001-0009",
            "min_number_of_instances: 9",
        ),
    ] {
        let text = sample("web", "web.yaml").replacen(from, to, 1);
        assert_ne!(text, sample("web", "web.yaml"), "{from} is not there");
        let found = web(|t| t.replacen(from, to, 1)).expect_err(to);
        let errors: Vec<_> = found.errors().collect();
        let line = line_of(&text, at);
        assert!(
            errors.iter().any(|d| d.code == code && d.line == Some(line)),
            "{to}: expected {code} in line {line}:\n{found}"
        );
    }
}

#[test]
fn files_that_import_each_other_in_a_circle_are_named() {
    let head = "tosca_definitions_version: tosca_simple_yaml_1_3\n";
    let found = read_vnfd(&package_of(&[
        ("TOSCA-Metadata/TOSCA.meta", META),
        ("a.mf", MANIFEST),
        ("a.yaml", &format!("{head}imports: [ sub/b.yaml ]\n")),
        ("sub/b.yaml", &format!("{head}imports:\n  - file: c.yaml\n")),
        ("sub/c.yaml", &format!("{head}imports:\n  - back: ../a.yaml\n")),
    ]))
    .unwrap_err();
    let circle = found.errors().find(|d| d.code == "TOSCA-0011").unwrap();
    assert!(circle.message.ends_with("a.yaml -> sub/b.yaml -> sub/c.yaml -> a.yaml"), "{circle}");
    assert_eq!((circle.file.as_deref(), circle.line), (Some("sub/c.yaml"), Some(3)));
}

#[test]
fn types_that_derive_from_each_other_in_a_circle_are_named() {
    let found = web(|text| {
        text + "\nnode_types:\n  x.A: { derived_from: x.B }\n  x.B: { derived_from: x.C }\n  x.C: { derived_from: x.A }\n"
    })
    .unwrap_err();
    let circle = found.errors().find(|d| d.code == "TOSCA-0021").unwrap();
    assert!(circle.message.ends_with("x.A -> x.B -> x.C -> x.A"), "{circle}");
}

#[test]
fn values_that_define_each_other_are_told_and_end() {
    let found = web(|text| {
        text.replacen(
            "description: Serves one page on port 80",
            "description: { concat: [ 'a', { get_property: [ SELF, name ] } ] }",
            1,
        )
        .replacen("        name: web\n", "        name: { get_property: [ SELF, description ] }\n", 1)
    })
    .unwrap_err();
    assert!(found.errors().any(|d| d.code == "TOSCA-0043"), "{found}");
}

#[test]
fn imports_leave_the_package_nowhere() {
    let found = web(|t| {
        t.replacen("  - web_types.yaml", "  - web_types.yaml\n  - ../../etc/x.yaml\n  - https://example.com/y.yaml", 1)
    })
    .unwrap_err();
    let codes: Vec<_> = found.errors().map(|d| d.code.as_ref()).collect();
    assert_eq!(codes, ["ARCHIVE-0002", "TOSCA-0010"], "{found}");
    assert!(found.to_string().contains("nothing is fetched from the network"));
}

#[test]
fn functions_are_computed() {
    let vnfd = web(|text| {
        text.replacen(
            "topology_template:\n",
            "topology_template:\n  inputs:\n    port: { type: integer, default: 8080 }\n    size: { type: string, default: 'big:small' }\n",
            1,
        )
        .replacen(
            "description: Serves one page on port 80",
            "description: { concat: [ 'port ', { get_input: port }, ' on ', { get_property: [ SELF, name ] }, ', ', { token: [ { get_input: size }, ':', 1 ] } ] }",
            1,
        )
    })
    .unwrap_or_else(|e| panic!("{e}"));
    let flavour = &vnfd.flavours[0];
    assert_eq!(flavour.vdus[0].description, "port 8080 on web, small");
    assert_eq!(flavour.inputs.len(), 2);
}

#[test]
fn types_of_the_package_work_by_derivation() {
    let vnfd = web(|text| {
        text.replacen("      type: tosca.nodes.nfv.Vdu.Compute\n", "      type: acme.Vdu\n", 1)
            + "\nnode_types:\n  acme.Vdu:\n    derived_from: tosca.nodes.nfv.Vdu.Compute\n    properties:\n      colour: { type: string, default: green }\n"
    })
    .unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(vnfd.flavours[0].vdus.len(), 1);
    assert!(vnfd.warnings.is_empty(), "{}", vnfd.warnings);
}

#[test]
fn what_is_not_understood_is_kept() {
    let vnfd = web(|text| {
        text.replacen("        name: web\n", "        name: web\n        shade: { of: blue }\n", 1)
            .replacen("        order: 0\n", "        order: 0\n        lane: fast\n", 1)
            .replacen("virtual_mem_size: 192 MiB", "virtual_mem_size: 192 MiB, ecc: true", 1)
            .replacen("- size_of_storage: 128 MiB", "- { size_of_storage: 128 MiB, tier: gold }", 1)
            .replacen(
                "  policies:\n",
                "  policies:\n    - own:\n        type: tosca.policies.Root\n        targets: [ web ]\n",
                1,
            )
    })
    .unwrap_or_else(|e| panic!("{e}"));
    let flavour = &vnfd.flavours[0];
    assert_eq!(flavour.vdus[0].extra["shade"]["of"], "blue");
    assert_eq!(flavour.vdu_cps[0].extra["lane"], "fast");
    assert_eq!(flavour.other_policies[0].name, "own");
    assert!(vnfd.warnings.iter().all(|d| d.severity == Severity::Warning));
    assert_eq!(vnfd.warnings.len(), 4, "{}", vnfd.warnings);
    let compute = &flavour.vdus[0].extra["virtual_compute"];
    assert_eq!(
        *compute,
        serde_json::json!({"virtual_memory": {"ecc": true}, "virtual_local_storage": [{"tier": "gold"}]})
    );
}

#[test]
fn faults_of_a_network_service_are_told_at_once() {
    let planted = [
        ("- external: external", "- external: externel", "TOSCA-0050"),
        ("get_attribute: [ web, data, ip_address ]", "get_attribute: [ web, date, ip_address ]", "TOSCA-0041"),
        ("cidr: 10.10.0.0/24", "cidr: 10.10.0.0/44", "SOL001-0008"),
        ("end_ip_address: 203.0.113.99", "end_ip_address: 203.0.114.99", "SOL001-0008"),
        ("network_type: flat }", "network_type: round }", "TOSCA-0033"),
        ("name: management, network_type", "network_type", "SOL001-0022"),
    ];
    let broken = |text: String| planted.iter().fold(text, |t, (from, to, _)| t.replacen(from, to, 1));
    let found = nsd(broken).unwrap_err();
    for (_, to, code) in planted {
        assert!(found.errors().any(|d| d.code == code), "{code} ({to}) is not told:\n{found}");
    }
    assert!(found.to_string().contains("did you mean `external`?"), "{found}");
    assert!(found.to_string().contains("did you mean `data`?"), "{found}");
}

#[test]
fn parts_that_wait_for_each_other_are_named() {
    let found = nsd(|t| {
        t.replacen("        - internal: internal\n", "        - internal: internal\n        - dependency: web\n", 1)
            .replacen("        - data: internal\n", "        - data: internal\n        - dependency: edge\n", 1)
    })
    .unwrap_err();
    let circle = found.errors().find(|d| d.code == "SOL001-0021").unwrap();
    assert!(circle.message.ends_with("edge -> web -> edge"), "{circle}");
    let nsd =
        nsd(|t| t.replacen("        - data: internal\n", "        - data: internal\n        - dependency: edge\n", 1))
            .unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(nsd.flavours[0].waves().unwrap(), [["edge"], ["web"]]);
}

#[test]
fn a_vlan_network_keeps_its_tag_and_a_vnf_its_inputs() {
    let nsd = nsd(|t| {
        t.replacen(
            "l2_protocol_data: { name: external, network_type: flat }",
            "l2_protocol_data: { name: physnet1, network_type: vlan, segmentation_id: 42, mtu: 1400 }",
            1,
        )
        .replacen("topology_template:\n", "topology_template:\n  inputs:\n    up: { type: string }\n", 1)
        .replacen("{ get_attribute: [ web, data, ip_address ] }", "{ get_input: up }", 1)
    })
    .unwrap_or_else(|e| panic!("{e}"));
    let flavour = &nsd.flavours[0];
    let l2 = flavour.virtual_link("external").unwrap().profile.l2().unwrap();
    assert!(l2.is_provider());
    assert_eq!((l2.name.as_deref(), l2.segmentation_id.as_deref(), l2.mtu), (Some("physnet1"), Some("42"), Some(1400)));
    assert_eq!(flavour.inputs[0].name, "up");
    assert!(flavour.vnf("edge").unwrap().needed_addresses().is_empty());
}
