//! Reading VDUs, storages and software images (SOL001 clauses 6.2 and 6.8).

use serde_json::Value;

use super::compute::{
    Checksum, Cpu, CpuPinning, HugePages, LocalStorage, Memory, Readiness, StorageKind, SwImage, Vdu, VduProfile,
    VirtualStorage,
};
use super::read_boot::boot_data;
use super::read_flavour::Context;
use crate::archive::HashAlgorithm;
use crate::codes;
use crate::network::read::{artifacts, declaration};
use crate::tosca::fields::Fields;
use crate::tosca::{NodeTemplate, TypeKind, Unit};
use crate::yaml::Node;

const SW_IMAGE: &str = "tosca.artifacts.nfv.SwImage";

pub(super) fn vdu(context: &mut Context<'_, '_>, node: &NodeTemplate) -> (Vdu, Option<SwImage>) {
    let properties = context.scope.eval(&node.properties, Some(node));
    let owner = format!("VDU `{}`", node.name);
    let fields = Fields::new(&properties, &owner, node.at);
    let image = sw_image(context, node, &fields);
    let boot_data = boot_data(context, node);
    fields.get("boot_data");
    let sink = &mut *context.sink;
    let metadata = node.metadata();
    let profile = fields.sub("vdu_profile");
    let profile_read = VduProfile {
        min_instances: profile.whole("min_number_of_instances", sink).unwrap_or(1),
        max_instances: profile.whole("max_number_of_instances", sink).unwrap_or(1),
    };
    if profile_read.min_instances > profile_read.max_instances {
        sink.error_mend(
            &codes::SCALING,
            profile.at(),
            format!(
                "the {owner} may have at least {} and at most {} VNFCs",
                profile_read.min_instances, profile_read.max_instances
            ),
            "make the minimum no larger than the maximum",
        );
    }
    let display_name = fields.text("name", sink).unwrap_or_else(|| node.name.clone());
    let description = fields.text("description", sink).unwrap_or_default();
    // A list of storage names in version 2.6.1 means that their order is the boot order.
    let boot_order = match fields.get("boot_order") {
        Some(list) if list.items().is_some_and(|i| !i.is_empty()) => true,
        Some(flag) if flag.items().is_none() => fields.bool("boot_order", sink).unwrap_or_default(),
        _ => false,
    };
    let empty = Node::map(node.at, Vec::new());
    let compute = node.capability("virtual_compute").map(|c| context.scope.eval(c, Some(node)));
    let missing_compute = compute.is_none();
    let compute = compute.unwrap_or(empty);
    let compute = Fields::new(&compute, &owner, node.at);
    if missing_compute {
        sink.warn(
            &codes::PROPERTY_MISSING,
            node.at,
            format!(
                "the {owner} says neither how many CPUs nor how much memory it needs; no machine can be made of it"
            ),
            "add `capabilities: { virtual_compute: { properties: { virtual_memory: …, virtual_cpu: … } } }`",
        );
    }
    let readiness = readiness(&metadata, node, sink);
    let mut vdu = Vdu {
        name: node.name.clone(),
        display_name,
        description,
        profile: profile_read,
        boot_order,
        storages: node.targets("virtual_storage").map(|(n, _)| n.to_owned()).collect(),
        sw_image: image.as_ref().map(|i| i.id.clone()),
        boot_data,
        readiness,
        artifacts: artifacts(context.package, node),
        nfvi_constraints: fields.json("nfvi_constraints"),
        monitoring_parameters: fields.json("monitoring_parameters"),
        metadata,
        ..Vdu::default()
    };
    if !missing_compute {
        vdu.cpu = cpu(&compute.sub("virtual_cpu"), sink);
        vdu.memory = memory(&compute.sub("virtual_memory"), sink);
        for (i, disk) in compute.list("virtual_local_storage", sink).iter().enumerate() {
            let disk = compute.item("virtual_local_storage", i, disk);
            vdu.local_storages.push(LocalStorage {
                size_bytes: disk.need_bytes("size_of_storage", sink),
                requirements: disk.text_map("vdu_storage_requirements", sink),
                rdma_enabled: disk.bool("rdma_enabled", sink).unwrap_or_default(),
            });
        }
        vdu.logical_node = compute.json("logical_node");
        vdu.requested_additional_capabilities = compute.json("requested_additional_capabilities");
        vdu.compute_requirements = compute.json("compute_requirements");
    }
    let given = fields.get("configurable_properties");
    let declared = context.bundle.types.properties(TypeKind::Node, &node.type_name);
    // The base type alone only says what a VDU's own type could support.
    let supported = declared
        .get("configurable_properties")
        .filter(|d| given.is_some() || d.schema.type_name != "tosca.datatypes.nfv.VnfcConfigurableProperties");
    if let Some(def) = supported {
        let members = context.bundle.types.properties(TypeKind::Data, &def.schema.type_name);
        vdu.configurable_properties =
            members.values().map(|d| declaration(d, given.and_then(|g| g.get(&d.name)))).collect();
    }
    vdu.extra = extra(fields.rest(), compute.rest());
    (vdu, image)
}

/// Both leftovers in one value.
fn extra(properties: Value, compute: Value) -> Value {
    match (properties, compute) {
        (Value::Null, Value::Null) => Value::Null,
        (p, Value::Null) => p,
        (p, c) => {
            let mut all = if let Value::Object(map) = p { map } else { serde_json::Map::new() };
            all.insert("virtual_compute".to_owned(), c);
            Value::Object(all)
        }
    }
}

fn cpu(fields: &Fields<'_>, sink: &mut crate::diag::Sink) -> Cpu {
    let pinning = fields.sub("virtual_cpu_pinning");
    Cpu {
        count: fields.need_whole("num_virtual_cpu", sink),
        architecture: fields.text("cpu_architecture", sink),
        clock_hz: fields.unit("virtual_cpu_clock", Unit::Frequency, sink),
        oversubscription_policy: fields.text("virtual_cpu_oversubscription_policy", sink),
        pinning: pinning.exists().then(|| CpuPinning {
            policy: pinning.text("virtual_cpu_pinning_policy", sink),
            rules: pinning.texts("virtual_cpu_pinning_rule", sink),
        }),
        requirements: fields.text_map("vdu_cpu_requirements", sink),
    }
}

fn memory(fields: &Fields<'_>, sink: &mut crate::diag::Sink) -> Memory {
    let huge_pages = fields
        .list("huge_pages_requirements", sink)
        .iter()
        .enumerate()
        .map(|(i, node)| {
            let page = fields.item("huge_pages_requirements", i, node);
            HugePages {
                page_bytes: page.need_bytes("hugepage_size", sink),
                requested_bytes: page.need_bytes("requested_size", sink),
            }
        })
        .collect();
    Memory {
        size_bytes: fields.need_bytes("virtual_mem_size", sink),
        oversubscription_policy: fields.text("virtual_mem_oversubscription_policy", sink),
        numa_enabled: fields.bool("numa_enabled", sink).unwrap_or_default(),
        huge_pages,
        requirements: fields.text_map("vdu_mem_requirements", sink),
    }
}

fn readiness(
    metadata: &std::collections::BTreeMap<String, String>,
    node: &NodeTemplate,
    sink: &mut crate::diag::Sink,
) -> Option<Readiness> {
    let text = metadata.get("guest_readiness")?;
    let port = text.strip_prefix("tcp:").and_then(|p| p.parse().ok());
    match (text.as_str(), port) {
        ("guest_agent", _) => Some(Readiness::GuestAgent),
        (_, Some(port)) => Some(Readiness::TcpPort(port)),
        _ => {
            sink.error_mend(
                &codes::BOOT_DATA,
                node.at,
                format!("the metadata `guest_readiness: {text}` of `{}` is not known", node.name),
                "write `guest_agent` or `tcp:<port>`",
            );
            None
        }
    }
}

pub(super) fn storage(
    context: &mut Context<'_, '_>,
    node: &NodeTemplate,
    ancestor: &str,
) -> (VirtualStorage, Option<SwImage>) {
    let properties = context.scope.eval(&node.properties, Some(node));
    let fields = Fields::new(&properties, format!("storage `{}`", node.name), node.at);
    let image = sw_image(context, node, &fields);
    let sink = &mut *context.sink;
    let (kind, data) = match ancestor.rsplit('.').next() {
        Some("VirtualObjectStorage") => (StorageKind::Object, fields.sub("virtual_object_storage_data")),
        Some("VirtualFileStorage") => (StorageKind::File, fields.sub("virtual_file_storage_data")),
        _ => (StorageKind::Block, fields.sub("virtual_block_storage_data")),
    };
    let size_bytes = match kind {
        StorageKind::Object => data.bytes("max_size_of_storage", sink).unwrap_or_default(),
        _ => data.need_bytes("size_of_storage", sink),
    };
    let storage = VirtualStorage {
        name: node.name.clone(),
        kind,
        size_bytes,
        sw_image: image.as_ref().map(|i| i.id.clone()),
        per_vnfc_instance: fields.bool("per_vnfc_instance", sink).unwrap_or(true),
        rdma_enabled: data.bool("rdma_enabled", sink).unwrap_or_default(),
        file_system_protocol: data.text("file_system_protocol", sink),
        requirements: data.text_map("vdu_storage_requirements", sink),
        virtual_link: node.target("virtual_link").map(str::to_owned),
        artifacts: artifacts(context.package, node),
        extra: fields.rest(),
    };
    if let Some(image) = &image
        && storage.size_bytes < image.min_disk_bytes
    {
        sink.error_mend(
            &codes::SW_IMAGE,
            data.at(),
            format!(
                "the storage `{}` has {} bytes, its image needs a disk of {}",
                storage.name, storage.size_bytes, image.min_disk_bytes
            ),
            "make the storage larger",
        );
    }
    (storage, image)
}

/// The image of a VDU or storage: `sw_image_data`, or the properties of its `SwImage` artifact.
fn sw_image(context: &mut Context<'_, '_>, node: &NodeTemplate, fields: &Fields<'_>) -> Option<SwImage> {
    let all = artifacts(context.package, node);
    let types = &context.bundle.types;
    let typed = |name: &str| types.is_a(TypeKind::Artifact, name, SW_IMAGE);
    let is_image = |a: &crate::network::Artifact| a.artifact_type.as_deref().is_some_and(typed);
    let data = fields.sub("sw_image_data");
    // The short notation gives no type; beside `sw_image_data` it means the image.
    let images: Vec<_> = all.iter().filter(|a| is_image(a) || (data.exists() && a.artifact_type.is_none())).collect();
    let sink = &mut *context.sink;
    if images.len() > 1 {
        let names: Vec<_> = images.iter().map(|a| a.name.as_str()).collect();
        sink.error_mend(
            &codes::SW_IMAGE,
            node.at,
            format!("`{}` has {} software images: {}", node.name, images.len(), names.join(", ")),
            "keep one; put others on storages of their own",
        );
    }
    let artifact = images.first().copied();
    if data.exists() {
        if artifact.is_none() {
            sink.warn(
                &codes::SW_IMAGE,
                data.at(),
                format!("`{}` describes a software image but has no artifact; the VIM must have the image", node.name),
                format!("add `artifacts: {{ sw_image: {{ type: {SW_IMAGE}, file: <path> }} }}`"),
            );
        }
        return Some(image_data(&node.name, &data, artifact.map(|a| a.file.clone()), sink));
    }
    if let Some(artifact) = artifact {
        let body = node.body.dig(&["artifacts", &artifact.name]);
        if let Some(properties) = body.and_then(|b| b.get("properties")) {
            let owner = format!("artifact `{}` of `{}`", artifact.name, node.name);
            let fields = Fields::new(properties, owner, properties.at);
            return Some(image_data(&node.name, &fields, Some(artifact.file.clone()), sink));
        }
        sink.error_mend(
            &codes::SW_IMAGE,
            body.map_or(node.at, |b| b.at),
            format!("the software image `{}` of `{}` is not described", artifact.name, node.name),
            "give the artifact `properties` with name, version, checksum, formats and sizes, or the node `sw_image_data`",
        );
        return None;
    }
    if let Some(untyped) = all.iter().find(|a| a.artifact_type.is_none()) {
        sink.error_mend(
            &codes::SW_IMAGE,
            node.body.dig(&["artifacts", &untyped.name]).map_or(node.at, |b| b.at),
            format!("the artifact `{}` of `{}` has no type and nothing says what it is", untyped.name, node.name),
            format!("write `{}: {{ type: {SW_IMAGE}, file: {} }}` and describe the image", untyped.name, untyped.file),
        );
    }
    None
}

fn image_data(id: &str, fields: &Fields<'_>, artifact: Option<String>, sink: &mut crate::diag::Sink) -> SwImage {
    let checksum = fields.sub("checksum");
    if !checksum.exists() {
        fields.missing("checksum", "tosca.datatypes.nfv.ChecksumData", sink);
    }
    let named = checksum.text("algorithm", sink);
    let algorithm = named.as_deref().and_then(HashAlgorithm::parse);
    let hash = checksum.text("hash", sink).unwrap_or_default().to_ascii_lowercase();
    match (checksum.get("hash"), algorithm) {
        (Some(node), Some(algorithm))
            if hash.len() != algorithm.hex_len() || !hash.bytes().all(|b| b.is_ascii_hexdigit()) =>
        {
            sink.error_mend(
                &codes::SW_IMAGE,
                node.at,
                format!(
                    "the checksum of image `{id}` is not {} hexadecimal digits, as {} gives",
                    algorithm.hex_len(),
                    algorithm.name()
                ),
                "compute it again",
            );
        }
        _ => {}
    }
    SwImage {
        id: id.to_owned(),
        name: fields.need_text("name", sink),
        version: fields.text("version", sink).unwrap_or_default(),
        provider: fields.text("provider", sink),
        checksum: Checksum { algorithm: algorithm.unwrap_or(HashAlgorithm::Sha256), hash },
        container_format: fields.text("container_format", sink).unwrap_or_else(|| "bare".to_owned()),
        disk_format: fields.text("disk_format", sink).unwrap_or_default(),
        min_disk_bytes: fields.bytes("min_disk", sink).unwrap_or_default(),
        min_ram_bytes: fields.bytes("min_ram", sink),
        size_bytes: fields.bytes("size", sink).unwrap_or_default(),
        operating_system: fields.text("operating_system", sink),
        supported_environments: fields.texts("supported_virtualisation_environments", sink),
        artifact,
    }
}
