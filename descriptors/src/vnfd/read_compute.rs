//! Reading VDUs and storages (SOL001 clauses 6.2 and 6.8).

use serde_json::Value;

use super::compute::{
    Cpu, CpuPinning, HugePages, LocalStorage, Memory, Readiness, StorageKind, SwImage, Vdu, VduProfile, VirtualStorage,
};
use super::hardware;
use super::read_boot::boot_data;
use super::read_flavour::Context;
use super::read_image::sw_image;
use crate::codes;
use crate::diag::Sink;
use crate::network::read::{artifacts, declaration, merged, node_rest, undeclared};
use crate::network::{Declaration, maintenance, monitoring_parameters};
use crate::tosca::fields::Fields;
use crate::tosca::{NodeTemplate, TypeKind, Unit, others};
use crate::yaml::Node;

pub(super) fn vdu(context: &mut Context<'_, '_>, node: &NodeTemplate) -> (Vdu, Option<SwImage>) {
    let properties = context.scope.eval(&node.properties, Some(node));
    let owner = format!("VDU `{}`", node.name);
    let fields = Fields::new(&properties, &owner, node.at);
    let image = sw_image(context, node, &fields);
    let boot_data = boot_data(context, node);
    fields.get("boot_data");
    let sink = &mut *context.sink;
    let metadata = node.metadata();
    let vdu_profile = fields.sub("vdu_profile");
    let profile_read = profile(&vdu_profile, &owner, sink);
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
        artifacts: artifacts(context.package, &context.bundle.types, node),
        nfvi_constraints: hardware::constraints(&fields, sink),
        monitoring: monitoring_parameters(&fields, "monitoring_parameters", sink),
        maintenance: maintenance(&vdu_profile.sub("nfvi_maintenance_info"), sink),
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
        vdu.logical_nodes = hardware::logical_nodes(&compute, sink);
        vdu.additional_capabilities = hardware::additional_capabilities(&compute, sink);
        vdu.compute_requirements = compute.text_map("compute_requirements", sink);
    }
    let given = fields.get("configurable_properties");
    vdu.configurable_properties = configurable_properties(context, node, given);
    let compute_rest = match compute.rest() {
        Value::Null => Value::Null,
        rest => serde_json::json!({ "virtual_compute": rest }),
    };
    let node_left = node_rest(node, &["capabilities", "artifacts", "metadata"], &["virtual_storage"]);
    vdu.extra = merged(merged(fields.rest(), compute_rest), merged(node_left, other_capabilities(node)));
    (vdu, image)
}

/// What the template gives capabilities beside the properties of `virtual_compute`.
fn other_capabilities(node: &NodeTemplate) -> Value {
    let Some(given) = node.body.get("capabilities") else { return Value::Null };
    let compute = given.get("virtual_compute").map(|c| others(c, &["properties"])).unwrap_or_default();
    let mut left = others(given, &["virtual_compute"]);
    if !compute.is_null() {
        left = merged(left, serde_json::json!({ "virtual_compute": compute }));
    }
    if left.is_null() { left } else { serde_json::json!({ "capabilities": left }) }
}

/// How many instances of a VDU there may be; one where nothing is said.
pub(super) fn profile(fields: &Fields<'_>, owner: &str, sink: &mut Sink) -> VduProfile {
    let profile = VduProfile {
        min_instances: fields.whole("min_number_of_instances", sink).unwrap_or(1),
        max_instances: fields.whole("max_number_of_instances", sink).unwrap_or(1),
    };
    if profile.min_instances > profile.max_instances {
        sink.error_mend(
            &codes::SCALING,
            fields.at(),
            format!(
                "the {owner} may have at least {} and at most {} VNFCs",
                profile.min_instances, profile.max_instances
            ),
            "make the minimum no larger than the maximum",
        );
    }
    profile
}

/// What a VDU's type declares as configurable, with the values the template gives, and values that no type declares.
pub(super) fn configurable_properties(
    context: &Context<'_, '_>,
    node: &NodeTemplate,
    given: Option<&Node>,
) -> Vec<Declaration> {
    let types = &context.bundle.types;
    let declared = types.properties(TypeKind::Node, &node.type_name);
    // The base type alone only says what a VDU's own type could support.
    let base = "tosca.datatypes.nfv.VnfcConfigurableProperties";
    let supported = declared.get("configurable_properties").filter(|d| given.is_some() || d.schema.type_name != base);
    let Some(def) = supported else { return Vec::new() };
    let members = types.properties(TypeKind::Data, &def.schema.type_name);
    let mut found: Vec<Declaration> =
        members.values().map(|d| declaration(d, given.and_then(|g| g.get(&d.name)))).collect();
    for entry in given.into_iter().flat_map(Node::each).filter(|e| !members.contains_key(&e.key)) {
        found.push(undeclared(entry));
    }
    found
}

pub(super) fn cpu_pinning(fields: &Fields<'_>, sink: &mut Sink) -> Option<CpuPinning> {
    fields.exists().then(|| CpuPinning {
        policy: fields.text("virtual_cpu_pinning_policy", sink),
        rules: fields.texts("virtual_cpu_pinning_rule", sink),
    })
}

fn cpu(fields: &Fields<'_>, sink: &mut Sink) -> Cpu {
    Cpu {
        count: fields.need_whole("num_virtual_cpu", sink),
        architecture: fields.text("cpu_architecture", sink),
        clock_hz: fields.unit("virtual_cpu_clock", Unit::Frequency, sink),
        oversubscription_policy: fields.text("virtual_cpu_oversubscription_policy", sink),
        pinning: cpu_pinning(&fields.sub("virtual_cpu_pinning"), sink),
        requirements: fields.text_map("vdu_cpu_requirements", sink),
    }
}

pub(super) fn huge_pages(fields: &Fields<'_>, key: &str, sink: &mut Sink) -> Vec<HugePages> {
    let items = fields.list(key, sink).iter().enumerate();
    items
        .map(|(i, node)| {
            let page = fields.item(key, i, node);
            HugePages {
                page_bytes: page.need_bytes("hugepage_size", sink),
                requested_bytes: page.need_bytes("requested_size", sink),
            }
        })
        .collect()
}

fn memory(fields: &Fields<'_>, sink: &mut Sink) -> Memory {
    Memory {
        size_bytes: fields.need_bytes("virtual_mem_size", sink),
        oversubscription_policy: fields.text("virtual_mem_oversubscription_policy", sink),
        numa_enabled: fields.bool("numa_enabled", sink).unwrap_or_default(),
        huge_pages: huge_pages(fields, "huge_pages_requirements", sink),
        requirements: fields.text_map("vdu_mem_requirements", sink),
    }
}

fn readiness(
    metadata: &std::collections::BTreeMap<String, String>,
    node: &NodeTemplate,
    sink: &mut Sink,
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
        maintenance: maintenance(&fields.sub("nfvi_maintenance_info"), sink),
        artifacts: artifacts(context.package, &context.bundle.types, node),
        extra: merged(fields.rest(), node_rest(node, &["artifacts"], &["virtual_link"])),
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
