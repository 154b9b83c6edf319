//! Whatever a descriptor says, reading it ends soon and without a crash.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use common::{package_of, sample_dir};
use descriptors::archive::{Limits, Package};
use descriptors::nsd::read_nsd;
use descriptors::vnfd::read_vnfd;
use proptest::prelude::*;

const META: &str = "TOSCA-Meta-File-Version: 1.0\nCSAR-Version: 1.1\nCreated-By: x\nEntry-Definitions: a.yaml\n";

fn definitions(sample: &str, file: &str) -> String {
    std::fs::read_to_string(sample_dir(sample).join("Definitions").join(file)).unwrap()
}

/// One change to a text, by line.
#[derive(Clone, Debug)]
enum Change {
    Drop(usize),
    Repeat(usize),
    Swap(usize, usize),
    Indent(usize),
    Cut(usize, usize),
    Insert(usize, String),
}

fn change() -> impl Strategy<Value = Change> {
    let at = 0usize..200;
    let piece = prop_oneof![
        Just("{ get_input: x }".to_owned()),
        Just("{ get_property: [ SELF, name ] }".to_owned()),
        Just("[ ]".to_owned()),
        Just("&a [ *a ]".to_owned()),
        Just("<<: { type: string }".to_owned()),
        Just("derived_from: mano.samples.Web".to_owned()),
        "[ -~]{0,12}",
    ];
    prop_oneof![
        at.clone().prop_map(Change::Drop),
        at.clone().prop_map(Change::Repeat),
        (at.clone(), at.clone()).prop_map(|(a, b)| Change::Swap(a, b)),
        at.clone().prop_map(Change::Indent),
        (at.clone(), 0usize..80).prop_map(|(a, n)| Change::Cut(a, n)),
        (at, piece).prop_map(|(a, p)| Change::Insert(a, p)),
    ]
}

fn apply(text: &str, changes: &[Change]) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for change in changes {
        let n = lines.len();
        if n == 0 {
            break;
        }
        match change {
            Change::Drop(i) => {
                lines.remove(i % n);
            }
            Change::Repeat(i) => lines.insert(i % n, lines[i % n].clone()),
            Change::Swap(a, b) => lines.swap(a % n, b % n),
            Change::Indent(i) => lines[i % n].insert_str(0, "  "),
            Change::Cut(i, at) => {
                let line = &mut lines[i % n];
                let at = (0..=*at.min(&line.len())).rev().find(|i| line.is_char_boundary(*i)).unwrap();
                line.truncate(at);
            }
            Change::Insert(i, piece) => {
                let line = &mut lines[i % n];
                let end = line.find(": ").map_or(line.len(), |p| p + 2);
                line.truncate(end);
                line.push_str(piece);
            }
        }
    }
    lines.join("\n") + "\n"
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn changed_descriptors_are_read_or_refused(
        main in prop::collection::vec(change(), 0..8),
        types in prop::collection::vec(change(), 0..4),
        which in 0usize..3,
    ) {
        let (sample, file, types_file) = [
            ("web", "web.yaml", "web_types.yaml"),
            ("edge", "edge.yaml", "edge_types.yaml"),
            ("demo-ns", "demo-ns.yaml", "demo-ns_types.yaml"),
        ][which];
        let package = package_of(&[
            ("TOSCA-Metadata/TOSCA.meta", META),
            ("a.yaml", &apply(&definitions(sample, file), &main)),
            (types_file, &apply(&definitions(sample, types_file), &types)),
        ]);
        let found = if sample == "demo-ns" {
            read_nsd(&package).err()
        } else {
            read_vnfd(&package).err()
        };
        if let Some(found) = found {
            prop_assert!(found.has_errors(), "refused without a reason");
            prop_assert!(!found.to_string().is_empty());
        }
    }

    #[test]
    fn any_text_is_refused_or_read(text in "\\PC{0,300}") {
        let package = package_of(&[("TOSCA-Metadata/TOSCA.meta", META), ("a.yaml", &text)]);
        prop_assert!(read_vnfd(&package).is_err());
    }

    #[test]
    fn any_bytes_are_no_package(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(Package::from_bytes(bytes, &Limits::default()).is_err());
    }
}

/// Files at the limit of what is read, made to be slow.
#[test]
fn large_descriptors_end_soon() {
    let head = "tosca_definitions_version: tosca_simple_yaml_1_3\ntopology_template:\n  node_templates:\n";
    let mut unknown = String::from(head);
    let mut points = String::from(head);
    points.push_str("    V: { type: tosca.nodes.nfv.Vdu.Compute }\n");
    let mut groups = format!("{head}    V: {{ type: tosca.nodes.nfv.Vdu.Compute }}\n  groups:\n");
    let mut chain = String::from("tosca_definitions_version: tosca_simple_yaml_1_3\nnode_types:\n");
    let mut doubled = String::new();
    for i in 0..6000 {
        let _ = writeln!(unknown, "    n{i}: {{ type: tosca.nodes.nfv.Vdu.Compote{i}, properties: {{ nam{i}: x }} }}");
        let _ = writeln!(chain, "  t{i}: {{ derived_from: t{} }}", i + 1);
        let _ = writeln!(groups, "    g{i}: {{ type: tosca.groups.nfv.PlacementGroup, members: [ V, g{} ] }}", i + 1);
    }
    for i in 0..3000 {
        let _ = writeln!(
            points,
            "    c{i}: {{ type: tosca.nodes.nfv.VduCp, properties: {{ layer_protocols: [ ipv4 ], order: 1 }}, requirements: [ virtual_binding: V ] }}"
        );
    }
    for _ in 0..40_000 {
        doubled.push_str("same: 1\n");
    }
    for (what, text) in
        [("unknown", &unknown), ("points", &points), ("groups", &groups), ("chain", &chain), ("doubled", &doubled)]
    {
        let package = package_of(&[("TOSCA-Metadata/TOSCA.meta", META), ("a.yaml", text)]);
        let start = Instant::now();
        let found = read_vnfd(&package).unwrap_err();
        assert!(found.len() <= 501, "{what}: {} findings", found.len());
        println!("{what}: {:?}", start.elapsed());
        assert!(start.elapsed() < Duration::from_secs(20), "{what} took {:?}", start.elapsed());
    }
}
