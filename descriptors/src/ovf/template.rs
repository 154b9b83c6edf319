//! Writing a designed VNF down: service template, types, manifest and TOSCA.meta (SOL001 clause 6, SOL004 clause 4).

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::names::identifier;
use super::plan::{CpDesign, Design, DiskDesign, VNF_NODE, VduDesign};

/// A converted disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Image {
    pub(super) sha256: String,
    /// Size of the file in bytes.
    pub(super) size_bytes: u64,
    /// Size of the disk in bytes.
    pub(super) virtual_bytes: u64,
}

/// What is known of the package beside its design.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    /// The VNFD's identifier, a UUID.
    pub(super) descriptor_id: String,
    /// When it was released, as RFC 3339 has it.
    pub(super) released: String,
    /// By path in the package.
    pub(super) images: BTreeMap<String, Image>,
}

/// Name of the service template's file without ending.
pub(super) fn stem(design: &Design) -> String {
    let name = identifier(&design.product);
    if name.is_empty() { "appliance".to_owned() } else { name }
}

/// All texts of the package by path; the manifest has no file blocks yet.
pub(super) fn texts(design: &Design, facts: &Facts) -> BTreeMap<String, String> {
    let stem = stem(design);
    let mut files = BTreeMap::from([
        (format!("Definitions/{stem}.yaml"), service(design, facts, &stem)),
        (format!("Definitions/{stem}_types.yaml"), types(design, facts, &stem)),
        (format!("{stem}.mf"), manifest(design, facts)),
        ("ChangeLog.txt".to_owned(), format!("{}\n  First package, made from an OVF appliance.\n", design.version)),
    ]);
    for (n, text) in design.licences.iter().enumerate() {
        files.insert(format!("Licenses/EULA-{}.txt", n + 1), format!("{text}\n"));
    }
    if design.licences.is_empty() {
        let text = "The appliance names no licence; ask its provider.\n".to_owned();
        files.insert("Licenses/LICENSE.txt".to_owned(), text);
    }
    files.insert(
        "TOSCA-Metadata/TOSCA.meta".to_owned(),
        format!(
            "TOSCA-Meta-File-Version: 1.0\nCSAR-Version: 1.1\nCreated-By: mano\nEntry-Definitions: Definitions/{stem}.yaml\n\
             ETSI-Entry-Manifest: {stem}.mf\nETSI-Entry-Change-Log: ChangeLog.txt\nETSI-Entry-Licenses: Licenses\n"
        ),
    );
    files
}

/// A string as YAML reads it back, whatever stands in it.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A size in the largest unit without remainder.
fn size(bytes: u64) -> String {
    for (shift, unit) in [(40, "TiB"), (30, "GiB"), (20, "MiB"), (10, "KiB")] {
        if bytes > 0 && bytes.trailing_zeros() >= shift {
            return format!("{} {unit}", bytes >> shift);
        }
    }
    format!("{bytes} B")
}

fn node_type(stem: &str) -> String {
    let camel = |word: &str| {
        let mut chars = word.chars();
        chars.next().map(|c| c.to_ascii_uppercase()).into_iter().chain(chars).collect::<String>()
    };
    format!("mano.imported.{}", stem.split('_').map(camel).collect::<String>())
}

fn manifest(design: &Design, facts: &Facts) -> String {
    format!(
        "metadata:\n  vnf_product_name: {}\n  vnf_provider_id: {}\n  vnf_package_version: 1.0\n  vnf_release_date_time: {}\n",
        design.product, design.provider, facts.released
    )
}

fn imports(out: &mut String) {
    out.push_str("\nimports:\n  - etsi_nfv_sol001_common_types.yaml\n  - etsi_nfv_sol001_vnfd_types.yaml\n");
}

fn external(design: &Design) -> impl Iterator<Item = &CpDesign> {
    design.vdus.iter().flat_map(|v| &v.cps).filter(|cp| cp.link.is_none())
}

fn types(design: &Design, facts: &Facts, stem: &str) -> String {
    let mut out = String::from("tosca_definitions_version: tosca_simple_yaml_1_3\n");
    let _ = writeln!(out, "description: {}", quoted(&format!("The node type of the VNF {}", design.product)));
    imports(&mut out);
    let _ =
        writeln!(out, "\nnode_types:\n  {}:\n    derived_from: tosca.nodes.nfv.VNF\n    properties:", node_type(stem));
    let id = &facts.descriptor_id;
    let _ = writeln!(
        out,
        "      descriptor_id: {{ type: string, constraints: [ {{ valid_values: [ {id} ] }} ], default: {id} }}"
    );
    for (key, value) in [
        ("descriptor_version", "1.0"),
        ("provider", &design.provider),
        ("product_name", &design.product),
        ("software_version", &design.version),
    ] {
        let _ = writeln!(out, "      {key}: {{ type: string, default: {} }}", quoted(value));
    }
    out.push_str(
        "      vnfm_info: { type: list, entry_schema: { type: string }, default: [ 'etsivnfm:v3.3.1' ] }\n      \
         flavour_id: { type: string, constraints: [ { valid_values: [ default ] } ], default: default }\n      \
         flavour_description: { type: string, default: 'as the appliance is described' }\n",
    );
    for (n, cp) in external(design).enumerate() {
        if n == 0 {
            out.push_str("    requirements:\n");
        }
        let _ = writeln!(
            out,
            "      - {}:\n          capability: tosca.capabilities.nfv.VirtualLinkable\n          \
             relationship: tosca.relationships.nfv.VirtualLinksTo\n          occurrences: [ 0, 1 ]",
            cp.node
        );
    }
    out
}

fn service(design: &Design, facts: &Facts, stem: &str) -> String {
    let mut out = String::from("tosca_definitions_version: tosca_simple_yaml_1_3\n");
    let _ = writeln!(out, "description: {}", quoted(&format!("{}, made from an OVF appliance", design.product)));
    imports(&mut out);
    let _ = writeln!(out, "  - {stem}_types.yaml");
    let node_type = node_type(stem);
    let _ = writeln!(
        out,
        "\ntopology_template:\n  substitution_mappings:\n    node_type: {node_type}\n    properties:\n      flavour_id: default"
    );
    for (n, cp) in external(design).enumerate() {
        if n == 0 {
            out.push_str("    requirements:\n");
        }
        let _ = writeln!(out, "      {0}: [ {0}, virtual_link ]", cp.node);
    }
    let _ = writeln!(
        out,
        "\n  node_templates:\n    {VNF_NODE}:\n      type: {node_type}\n      properties:\n        flavour_id: default"
    );
    for (node, description) in &design.links {
        let _ = writeln!(
            out,
            "\n    {node}:\n      type: tosca.nodes.nfv.VnfVirtualLink\n      properties:\n        description: {}\n        \
             connectivity_type: {{ layer_protocols: [ ipv4 ] }}\n        vl_profile:\n          \
             max_bitrate_requirements: {{ root: 10000000000 }}\n          min_bitrate_requirements: {{ root: 0 }}",
            quoted(description)
        );
    }
    for vdu in &design.vdus {
        compute(&mut out, vdu, design, facts);
        for disk in vdu.disks.iter().skip(1) {
            storage(&mut out, disk, vdu, design, facts);
        }
        for (order, cp) in vdu.cps.iter().enumerate() {
            port(&mut out, cp, order, &vdu.node);
        }
    }
    policies(&mut out, &design.vdus);
    out
}

fn bytes_of(disk: &DiskDesign, facts: &Facts) -> u64 {
    let image = disk.content.as_ref().and_then(|c| facts.images.get(&c.path));
    disk.capacity_bytes.max(image.map_or(0, |i| i.virtual_bytes))
}

fn compute(out: &mut String, vdu: &VduDesign, design: &Design, facts: &Facts) {
    let _ = writeln!(
        out,
        "\n    {}:\n      type: tosca.nodes.nfv.Vdu.Compute\n      properties:\n        name: {}\n        description: {}\n        \
         vdu_profile: {{ min_number_of_instances: 1, max_number_of_instances: 1 }}",
        vdu.node,
        quoted(&vdu.name),
        quoted(&vdu.description)
    );
    let boot = vdu.disks.first();
    if let Some(disk) = boot {
        image(out, disk, vdu, design, facts);
    }
    let _ = writeln!(
        out,
        "      capabilities:\n        virtual_compute:\n          properties:\n            \
         virtual_memory: {{ virtual_mem_size: {} }}\n            virtual_cpu: {{ num_virtual_cpu: {} }}",
        size(vdu.memory_bytes),
        vdu.cpus
    );
    if let Some(disk) = boot {
        let _ = writeln!(
            out,
            "            virtual_local_storage:\n              - size_of_storage: {}",
            size(bytes_of(disk, facts))
        );
    }
    if vdu.disks.len() > 1 {
        out.push_str("      requirements:\n");
        for disk in vdu.disks.iter().skip(1) {
            let _ = writeln!(out, "        - virtual_storage: {}", disk.node);
        }
    }
    if let Some(disk) = boot {
        artifact(out, disk);
    }
}

fn image(out: &mut String, disk: &DiskDesign, vdu: &VduDesign, design: &Design, facts: &Facts) {
    let Some(image) = disk.content.as_ref().and_then(|c| facts.images.get(&c.path)) else { return };
    let _ = writeln!(
        out,
        "        sw_image_data:\n          name: {}\n          version: {}\n          \
         checksum: {{ algorithm: sha-256, hash: {} }}\n          container_format: bare\n          disk_format: qcow2\n          \
         min_disk: {}\n          size: {} B",
        quoted(&disk.node),
        quoted(&design.version),
        quoted(&image.sha256),
        size(image.virtual_bytes),
        image.size_bytes
    );
    if let Some(system) = vdu.operating_system.as_deref().filter(|_| disk.node == vdu.node) {
        let _ = writeln!(out, "          operating_system: {}", quoted(system));
    }
}

fn artifact(out: &mut String, disk: &DiskDesign) {
    if let Some(content) = &disk.content {
        let _ = writeln!(
            out,
            "      artifacts:\n        image:\n          type: tosca.artifacts.nfv.SwImage\n          file: ../{}",
            content.path
        );
    }
}

fn storage(out: &mut String, disk: &DiskDesign, vdu: &VduDesign, design: &Design, facts: &Facts) {
    let _ = writeln!(
        out,
        "\n    {}:\n      type: tosca.nodes.nfv.Vdu.VirtualBlockStorage\n      properties:\n        \
         virtual_block_storage_data: {{ size_of_storage: {} }}",
        disk.node,
        size(bytes_of(disk, facts))
    );
    image(out, disk, vdu, design, facts);
    artifact(out, disk);
}

fn port(out: &mut String, cp: &CpDesign, order: usize, vdu: &str) {
    let _ = writeln!(
        out,
        "\n    {}:\n      type: tosca.nodes.nfv.VduCp\n      properties:\n        description: {}\n        order: {order}\n        \
         layer_protocols: [ ipv4 ]\n        protocol:\n          - associated_layer_protocol: ipv4\n            \
         address_data:\n              - address_type: ip_address\n                l3_address_data: \
         {{ ip_address_assignment: true, floating_ip_activated: false, ip_address_type: ipv4 }}\n      requirements:\n        \
         - virtual_binding: {vdu}",
        cp.node,
        quoted(&cp.description)
    );
    if let Some(link) = &cp.link {
        let _ = writeln!(out, "        - virtual_link: {link}");
    }
}

fn policies(out: &mut String, vdus: &[VduDesign]) {
    let nodes: Vec<&str> = vdus.iter().map(|v| v.node.as_str()).collect();
    let nodes = nodes.join(", ");
    let _ = writeln!(
        out,
        "\n  policies:\n    - initial:\n        type: tosca.policies.nfv.VduInitialDelta\n        properties:\n          \
         initial_delta: {{ number_of_instances: 1 }}\n        targets: [ {nodes} ]\n    - levels:\n        \
         type: tosca.policies.nfv.InstantiationLevels\n        properties:\n          levels:\n            \
         single: {{ description: One of each }}\n          default_level: single\n    - machines_per_level:\n        \
         type: tosca.policies.nfv.VduInstantiationLevels\n        properties:\n          levels:\n            \
         single: {{ number_of_instances: 1 }}\n        targets: [ {nodes} ]"
    );
}
