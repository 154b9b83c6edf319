//! Prints how long a VNFD of 50 VDUs in each of 10 deployment flavours takes to read. Run it with `--release`.
#![allow(clippy::print_stdout)]

use std::fmt::Write as _;
use std::io::{Cursor, Write as _};
use std::time::Instant;

use descriptors::archive::{Limits, Package};
use descriptors::vnfd::read_vnfd;

const HEAD: &str = "tosca_definitions_version: tosca_simple_yaml_1_3\n";
const TYPE: &str = "node_types:\n  x.Vnf:\n    derived_from: tosca.nodes.nfv.VNF\n    properties:\n      \
    flavour_id: { type: string }\n";

fn flavour(n: usize) -> String {
    let mut text = format!(
        "{HEAD}imports: [ etsi_nfv_sol001_vnfd_types.yaml, types.yaml ]\ntopology_template:\n  substitution_mappings:\n    \
         node_type: x.Vnf\n    properties: {{ flavour_id: f{n} }}\n  node_templates:\n    VNF: {{ type: x.Vnf }}\n    \
         link:\n      type: tosca.nodes.nfv.VnfVirtualLink\n      properties:\n        connectivity_type: {{ layer_protocols: [ ipv4 ] }}\n        \
         vl_profile: {{ max_bitrate_requirements: {{ root: 1 }}, min_bitrate_requirements: {{ root: 1 }} }}\n"
    );
    for v in 0..50 {
        let _ = write!(
            text,
            "    vdu{v}:\n      type: tosca.nodes.nfv.Vdu.Compute\n      properties:\n        name: vdu{v}\n        description: one of many\n        \
             vdu_profile: {{ min_number_of_instances: 1, max_number_of_instances: 4 }}\n      capabilities:\n        virtual_compute:\n          properties:\n            \
             virtual_memory: {{ virtual_mem_size: 1 GiB }}\n            virtual_cpu: {{ num_virtual_cpu: 2 }}\n            \
             virtual_local_storage: [ {{ size_of_storage: 1 GiB }} ]\n    cp{v}:\n      type: tosca.nodes.nfv.VduCp\n      \
             properties: {{ layer_protocols: [ ipv4 ], order: 0 }}\n      requirements:\n        - virtual_binding: vdu{v}\n        - virtual_link: link\n"
        );
    }
    text.push_str("  policies:\n");
    for v in 0..50 {
        let _ = writeln!(
            text,
            "    - d{v}: {{ type: tosca.policies.nfv.VduInitialDelta, properties: {{ initial_delta: {{ number_of_instances: 1 }} }}, targets: [ vdu{v} ] }}"
        );
    }
    text
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut imports = String::from("etsi_nfv_sol001_vnfd_types.yaml, types.yaml");
    let mut files: Vec<(String, String)> = Vec::new();
    for n in 0..10 {
        let _ = write!(imports, ", f{n}.yaml");
        files.push((format!("Definitions/f{n}.yaml"), flavour(n)));
    }
    let top = format!(
        "{HEAD}imports: [ {imports} ]\ntopology_template:\n  inputs: {{ selected_flavour: {{ type: string }} }}\n  node_templates:\n    VNF:\n      \
         type: x.Vnf\n      properties: {{ flavour_id: {{ get_input: selected_flavour }}, descriptor_id: 0ee34a2b-5a5a-4b1e-8b44-4f5a2e3f0001, \
         descriptor_version: '1', provider: x, product_name: x, software_version: '1', vnfm_info: [ x ], flavour_description: x }}\n"
    );
    files.push(("Definitions/top.yaml".into(), top));
    files
        .push(("Definitions/types.yaml".into(), format!("{HEAD}imports: [ etsi_nfv_sol001_vnfd_types.yaml ]\n{TYPE}")));
    files.push((
        "TOSCA-Metadata/TOSCA.meta".into(),
        "TOSCA-Meta-File-Version: 1.0\nCSAR-Version: 1.1\nCreated-By: x\nEntry-Definitions: Definitions/top.yaml\n"
            .into(),
    ));
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in &files {
        zip.start_file(name.as_str(), zip::write::SimpleFileOptions::default())?;
        zip.write_all(text.as_bytes())?;
    }
    let package = Package::from_bytes(zip.finish()?.into_inner(), &Limits::default())?;
    for _ in 0..5 {
        let start = Instant::now();
        let vnfd = read_vnfd(&package)?;
        let vdus: usize = vnfd.flavours.iter().map(|f| f.vdus.len()).sum();
        println!("{} flavours, {vdus} VDUs read in {:.1} ms", vnfd.flavours.len(), start.elapsed().as_secs_f64() * 1e3);
    }
    Ok(())
}
