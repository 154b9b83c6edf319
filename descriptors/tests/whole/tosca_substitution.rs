//! Substitution mappings: a base template with one template for each deployment flavour.

use descriptors::diag::Diagnostics;
use descriptors::vnfd::{Vnfd, read_vnfd};

use crate::read::{changed_nsd, edited_vnfd, package, told};

const HEAD: &str = "tosca_definitions_version: tosca_simple_yaml_1_3\nimports: [ IMPORTS ]\n";

fn template(mapping: &str, vdus: &[&str]) -> String {
    let mut text = format!(
        "{}topology_template:\n  inputs: {{ product_name: {{ type: string }} }}\n  substitution_mappings:\n    node_type: x.Vnf\n{mapping}  node_templates:\n    \
         VNF: {{ type: x.Vnf, properties: {{ flavour_description: d }} }}\n",
        HEAD.replace("IMPORTS", "etsi_nfv_sol001_vnfd_types.yaml, types.yaml") + "description: one flavour\n"
    );
    for vdu in vdus {
        text.push_str(&format!(
            "    {vdu}:\n      type: tosca.nodes.nfv.Vdu.Compute\n      properties: {{ name: {{ get_input: product_name }}, description: b, vdu_profile: \
             {{ min_number_of_instances: 1, max_number_of_instances: 1 }} }}\n      capabilities: {{ virtual_compute: {{ properties: {{ virtual_memory: \
             {{ virtual_mem_size: 1 GiB }}, virtual_cpu: {{ num_virtual_cpu: 1 }} }} }} }}\n"
        ));
    }
    text
}

fn flavours(first: &str, second: &str) -> Result<Vnfd, Diagnostics> {
    let top = format!(
        "{}topology_template:\n  inputs: {{ selected_flavour: {{ type: string }} }}\n  node_templates:\n    VNF:\n      type: x.Vnf\n      properties: {{ \
         flavour_id: {{ get_input: selected_flavour }}, descriptor_id: 0ee34a2b-5a5a-4b1e-8b44-4f5a2e3f0001, descriptor_version: '1', provider: p, \
         product_name: base, software_version: '1', vnfm_info: [ 'etsivnfm:v3.3.1' ], flavour_description: d }}\n",
        HEAD.replace("IMPORTS", "types.yaml, a.yaml, b.yaml")
    );
    let types = format!(
        "{}node_types:\n  x.Vnf: {{ derived_from: tosca.nodes.nfv.VNF }}\n",
        HEAD.replace("IMPORTS", "etsi_nfv_sol001_vnfd_types.yaml")
    );
    read_vnfd(&package(&[
        ("top.yaml", &top),
        ("types.yaml", &types),
        ("a.yaml", &template(first, &["one"])),
        ("b.yaml", &template(second, &["one", "two"])),
    ]))
}

#[test]
fn a_base_template_with_one_per_flavour() {
    for (first, second) in [
        ("    properties: { flavour_id: a }\n", "    properties: { flavour_id: b }\n"),
        (
            "    substitution_filter: { properties: [ { flavour_id: { equal: a } } ] }\n",
            "    substitution_filter: { properties: [ { flavour_id: [ { equal: b } ] } ] }\n",
        ),
    ] {
        let vnfd = flavours(first, second).unwrap_or_else(|e| panic!("{first}: {e}"));
        let found: Vec<_> = vnfd.flavours.iter().map(|f| (f.id.as_str(), f.vdus.len())).collect();
        assert_eq!(found, [("a", 1), ("b", 2)], "{first}");
        assert_eq!(
            vnfd.flavour("b").unwrap().vdu("two").unwrap().display_name,
            "base",
            "a value of the base feeds the flavour"
        );
        assert!(vnfd.flavour("c").is_none());
        assert_eq!(vnfd.flavour("a").unwrap().template_extra["service_template"]["description"], "one flavour");
    }
}

#[test]
fn two_templates_of_one_flavour_are_told() {
    let same = "    properties: { flavour_id: a }\n";
    assert!(told(&flavours(same, same).unwrap_err()).contains("two templates describe the deployment flavour `a`"));
    let found = flavours(same, "").unwrap_err();
    assert!(told(&found).contains("the deployment flavour in `b.yaml` has no identifier"), "{found}");
}

#[test]
fn requirements_in_the_short_and_the_long_form() {
    let from = "      - inside: [ worker_data, virtual_link ]\n";
    let long = edited_vnfd(from, "      - inside: { mapping: [ worker_data, virtual_link ] }\n")
        .unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(long.flavours[0].ext_cp("inside").unwrap().cp, "worker_data");
    let more = edited_vnfd(
        "    requirements:\n      - outside",
        "    capabilities: { c: [ worker, virtual_binding ] }\n    requirements:\n      - outside",
    );
    let kept = &more.unwrap_or_else(|e| panic!("{e}")).flavours[0].template_extra["substitution_mappings"];
    assert_eq!(kept["capabilities"]["c"][0], "worker");
    let found = edited_vnfd(from, "      - inside: [ worker_date, virtual_link ]\n").unwrap_err();
    assert!(told(&found).contains("did you mean `worker_data`?"), "{found}");
    let found = edited_vnfd(from, "      - inside: worker_data\n").map_or_else(|e| e, |v| v.warnings);
    assert!(told(&found).contains("the mapping of `inside`"), "{found}");
}

#[test]
fn ns_flavours_by_mapping_and_by_filter() {
    let filter = "substitution_filter: { properties: [ { flavour_id: { equal: gold } } ] }";
    let nsd =
        changed_nsd(|t| t.replacen("properties: { flavour_id: gold }", filter, 1)).unwrap_or_else(|e| panic!("{e}"));
    assert!(nsd.flavour("gold").is_some());
    let found = changed_nsd(|t| t.replacen("flavour_id: gold", "flavour_id: ''", 2)).unwrap_err();
    assert!(told(&found).contains("has no identifier"), "{found}");
}
