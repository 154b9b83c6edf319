//! Profiles, imports and what stands in for type files that a package does not ship.

use descriptors::diag::Diagnostics;
use descriptors::vnfd::{Vnfd, read_vnfd};

use crate::read::{NSD, PNFD, SMALL_NODE, changed_nsd, changed_pnfd, nsd_of, package, pnfd_of, small_text, told};

const TYPES: &str = "tosca_definitions_version: tosca_simple_yaml_1_3\ndata_types:\n  acme.Size: { derived_from: integer }\n\
    node_types:\n  acme.Vdu: { derived_from: tosca.nodes.nfv.Vdu.Compute }\n";
const VDU: &str = "    a:\n      type: acme.Vdu\n      properties: { name: a, description: b, vdu_profile: { min_number_of_instances: 1, \
    max_number_of_instances: 1 } }\n      capabilities: { virtual_compute: { properties: { virtual_memory: { virtual_mem_size: 1 GiB }, \
    virtual_cpu: { num_virtual_cpu: 1 } } } }\n";

/// A VNFD with these imports, and the types at this path.
fn with(imports: &str, types_at: &str, change: impl Fn(String) -> String) -> Result<Vnfd, Diagnostics> {
    let text = small_text(&format!("  node_templates:\n{SMALL_NODE}{VDU}"), "");
    let text = text.replacen("imports: [ etsi_nfv_sol001_vnfd_types.yaml ]", imports, 1);
    read_vnfd(&package(&[("Definitions/v.yaml", &change(text)), (types_at, TYPES)]))
}

fn same(text: String) -> String {
    text
}

#[test]
fn imports_in_the_package() {
    for (imports, at) in [
        ("imports: [ types.yaml ]", "Definitions/types.yaml"),
        ("imports: [ { file: types.yaml } ]", "Definitions/types.yaml"),
        ("imports: [ own: types.yaml ]", "Definitions/types.yaml"),
        ("imports: [ own: { file: sub/types.yaml } ]", "Definitions/sub/types.yaml"),
        ("imports:\n  own: { file: ../types.yaml }", "types.yaml"),
        // From the root of the package.
        ("imports: [ Other/types.yaml ]", "Other/types.yaml"),
    ] {
        let vnfd = with(imports, at, same).unwrap_or_else(|e| panic!("{imports}: {e}"));
        assert_eq!(vnfd.flavours[0].vdus.len(), 1, "{imports}");
        assert!(vnfd.warnings.is_empty(), "{imports}: {}", vnfd.warnings);
    }
}

#[test]
fn an_import_that_is_found_only_by_its_name_is_told() {
    let vnfd = with("imports: [ wrong/types.yaml ]", "Deep/er/types.yaml", same).unwrap_or_else(|e| panic!("{e}"));
    assert!(
        told(&vnfd.warnings).contains("`Deep/er/types.yaml` is used because it has the same name"),
        "{}",
        vnfd.warnings
    );
    let found = with("imports: [ gone.yaml ]", "types.yaml", same).unwrap_err();
    assert!(told(&found).contains("the imported file `gone.yaml` is not in the package"), "{found}");
}

#[test]
fn published_type_files_need_not_be_shipped() {
    for file in [
        "etsi_nfv_sol001_vnfd_types.yaml",
        "etsi_nfv_sol001_common_types.yaml",
        "etsi_nfv_sol001_vnfd_2_5_1_types.yaml",
        "'https://forge.etsi.org/rep/nfv/SOL001/raw/v4.4.1/etsi_nfv_sol001_vnfd_types.yaml'",
    ] {
        let imports = format!("imports: [ {file}, types.yaml ]");
        let vnfd = with(&imports, "Definitions/types.yaml", same).unwrap_or_else(|e| panic!("{file}: {e}"));
        assert!(vnfd.warnings.is_empty(), "{file}: {}", vnfd.warnings);
    }
    let found = with("imports: [ 'https://example.com/my_types.yaml' ]", "types.yaml", same).unwrap_err();
    assert!(told(&found).contains("nothing is fetched from the network"), "{found}");
}

#[test]
fn a_shipped_type_file_goes_before_the_built_in_one() {
    let shipped = "tosca_definitions_version: tosca_simple_yaml_1_3\nnode_types:\n  tosca.nodes.nfv.Vdu.Compute:\n    \
        derived_from: tosca.nodes.Root\n    properties:\n      name: { type: string }\n      shade: { type: string }\n";
    let text = small_text(
        &format!("  node_templates:\n{SMALL_NODE}{}", VDU.replace("acme.Vdu", "tosca.nodes.nfv.Vdu.Compute")),
        "",
    );
    let found =
        read_vnfd(&package(&[("v.yaml", &text), ("lib/etsi_nfv_sol001_vnfd_types.yaml", shipped)])).unwrap_err();
    assert!(told(&found).contains("the required property `shade`"), "{found}");
}

#[test]
fn names_with_the_prefix_of_an_import() {
    let imports = "imports: [ { file: types.yaml, namespace_prefix: mine } ]";
    let vnfd = with(imports, "Definitions/types.yaml", |t| t.replace("type: acme.Vdu", "type: mine:acme.Vdu"));
    let vnfd = vnfd.unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(vnfd.flavours[0].vdus.len(), 1);
    let found =
        with(imports, "Definitions/types.yaml", |t| t.replace("type: acme.Vdu", "type: other:acme.Vdu")).unwrap_err();
    assert!(told(&found).contains("`other:acme.Vdu` is not defined"), "{found}");
}

#[test]
fn profiles_1_2_and_1_3() {
    let imports = "imports: [ types.yaml ]";
    let at = "Definitions/types.yaml";
    let warnings = |version: &str| {
        let read = with(imports, at, |t| t.replacen("tosca_simple_yaml_1_3", version, 1));
        read.unwrap_or_else(|e| panic!("{version}: {e}")).warnings
    };
    for version in ["tosca_simple_yaml_1_1", "tosca_simple_yaml_1_2", "tosca_simple_yaml_1_3"] {
        assert!(warnings(version).is_empty(), "{version}");
    }
    assert!(told(&warnings("tosca_simple_yaml_9")).contains("the version `tosca_simple_yaml_9` is not known"));
}

#[test]
fn type_files_of_version_2_5_1() {
    let nsd = changed_nsd(|t| t.replacen("etsi_nfv_sol001_nsd_types.yaml", "etsi_nfv_sol001_nsd_2_5_1_types.yaml", 1));
    assert!(nsd.unwrap_or_else(|e| panic!("{e}")).warnings.is_empty());
    let pnfd =
        changed_pnfd(|t| t.replacen("etsi_nfv_sol001_pnfd_types.yaml", "etsi_nfv_sol001_pnfd_2_5_1_types.yaml", 1));
    assert!(pnfd.unwrap_or_else(|e| panic!("{e}")).warnings.is_empty());
}

#[test]
fn an_nsd_and_a_pnfd_import_too() {
    let (nsd_head, nsd_rest) = NSD.split_once("topology_template:").unwrap();
    let (pnfd_head, pnfd_rest) = PNFD.split_once("topology_template:").unwrap();
    for (import, at) in [("types.yaml", "types.yaml"), ("gone/types.yaml", "sub/types.yaml")] {
        let main = |rest: &str| {
            format!("tosca_definitions_version: tosca_simple_yaml_1_3\nimports: [ {import} ]\ntopology_template:{rest}")
        };
        let nsd = nsd_of(&[("n.yaml", &main(nsd_rest)), (at, nsd_head), ("Scripts/greet.sh", "x")])
            .unwrap_or_else(|e| panic!("{e}"));
        let pnfd = pnfd_of(&[("p.yaml", &main(pnfd_rest)), (at, pnfd_head)]).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!((nsd.flavours[0].vnfs.len(), pnfd.ext_cps.len()), (2, 1));
        let loose = import != at;
        for warnings in [nsd.warnings, pnfd.warnings] {
            assert_eq!(told(&warnings).contains("because it has the same name"), loose, "{warnings}");
        }
    }
}

#[test]
fn circles_are_told_in_every_kind_of_descriptor() {
    let circle = "tosca_definitions_version: tosca_simple_yaml_1_3\nimports: [ x.yaml ]\nnode_types:\n  a.A: { derived_from: a.B }\n  a.B: { derived_from: a.A }\n";
    let back = "tosca_definitions_version: tosca_simple_yaml_1_3\nimports: [ v.yaml ]\n";
    let files = [("v.yaml", circle), ("x.yaml", back)];
    for found in [read_vnfd(&package(&files)).unwrap_err(), nsd_of(&files).unwrap_err(), pnfd_of(&files).unwrap_err()] {
        let codes: Vec<_> = found.errors().map(|d| d.code.to_string()).collect();
        assert!(codes.iter().any(|c| c == "TOSCA-0011") && codes.iter().any(|c| c == "TOSCA-0021"), "{found}");
    }
}
