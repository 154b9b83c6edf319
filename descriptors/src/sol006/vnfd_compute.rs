//! VDUs, storages, images and containers of a VNFD (IFA011 clauses 7.1.6 and 7.1.9).

use std::collections::BTreeMap;

use serde_json::Value;

use super::boot;
use super::get::{Get, bytes, declared, maintenance, monitoring, with};
use super::vnfd::Context;
use crate::codes;
use crate::diag::Sink;
use crate::tosca::others;
use crate::vnfd::{
    AdditionalCapability, Cpu, CpuPinning, HugePages, LocalStorage, LogicalNode, Memory, StorageKind, Vdu, VduProfile,
    VirtualStorage,
};
use crate::yaml::Node;

/// The nodes of a VDU that its readers take.
const VDU: [&str; 18] = [
    "id",
    "name",
    "description",
    "int-cpd",
    "virtual-compute-desc",
    "virtual-storage-desc",
    "os-container-desc",
    "boot-order",
    "sw-image-desc",
    "nfvi-constraint",
    "monitoring-parameter",
    "configurable-properties",
    "boot-data",
    "cloud-init-file",
    "cloud-init",
    "trunk-port",
    "logical-node",
    "request-additional-capability",
];

/// A VDU with the profile a flavour gives it.
pub(super) fn vdu(context: &Context<'_>, node: &Node, profile: &Node, sink: &mut Sink) -> Vdu {
    let name = node.id();
    let compute = node.word("virtual-compute-desc").and_then(|id| context.part("virtual-compute-desc", &id));
    let memory = memory(context, compute);
    if compute.is_some() {
        room_for_image(context, node, memory.size_bytes, sink);
    }
    let mut storages = node.words("virtual-storage-desc");
    let mut boot: Vec<(u32, String)> = node
        .list("boot-order")
        .iter()
        .filter_map(|b| Some((b.number("key").unwrap_or(u32::MAX), b.word("value")?)))
        .collect();
    boot.sort_unstable();
    if !boot.is_empty() {
        storages.retain(|s| !boot.iter().any(|(_, b)| b == s));
        storages.splice(0..0, boot.iter().map(|(_, s)| s.clone()));
    }
    let of_compute: &[&str] =
        &["id", "logical-node", "request-additional-capability", "virtual-memory", "virtual-cpu", "virtual-disk"];
    let mut extra = others(node, &VDU);
    extra = with(extra, "virtual-compute-desc", compute.map(|c| others(c, of_compute)).unwrap_or_default());
    let numa = compute.and_then(|c| c.dig(&["virtual-memory", "numa-node-policy"]));
    extra = with(extra, "numa-node-policy", numa.map(Node::to_json).unwrap_or_default());
    Vdu {
        display_name: node.word("name").unwrap_or_else(|| name.clone()),
        description: node.word("description").unwrap_or_default(),
        cpu: cpu(compute),
        memory,
        local_storages: compute.map(|c| local_storages(context, c)).unwrap_or_default(),
        boot_order: !boot.is_empty(),
        storages,
        sw_image: node.word("sw-image-desc"),
        boot_data: boot::boot_data(node, context.encoding, context.files, sink),
        profile: vdu_profile(profile, sink),
        configurable_properties: node
            .list("configurable-properties")
            .iter()
            .map(|p| declared(&p.word("key").unwrap_or_default(), "string", p.word("value").map(Value::String)))
            .collect(),
        nfvi_constraints: node.words("nfvi-constraint").into_iter().map(|c| (c, String::new())).collect(),
        logical_nodes: [Some(node), compute].into_iter().flatten().flat_map(logical_nodes).collect(),
        additional_capabilities: [Some(node), compute].into_iter().flatten().flat_map(capabilities).collect(),
        compute_requirements: compute
            .and_then(|c| c.word("compute-requirements"))
            .map(|text| ("compute-requirements".to_owned(), text))
            .into_iter()
            .collect(),
        monitoring: monitoring(node.list("monitoring-parameter")),
        maintenance: maintenance(profile),
        extra,
        name,
        ..Vdu::default()
    }
}

pub(super) fn vdu_profile(profile: &Node, sink: &mut Sink) -> VduProfile {
    let min = profile.number("min-number-of-instances").unwrap_or(1);
    let max = profile.number("max-number-of-instances").unwrap_or_else(|| min.max(1));
    if max < min {
        let at = profile.get("max-number-of-instances").map_or(profile.at, |n| n.at);
        sink.error_mend(
            &codes::YANG_MUST,
            at,
            format!("the profile of `{}` permits at least {min} and at most {max}", profile.id()),
            "put the smaller number first",
        );
    }
    VduProfile { min_instances: min, max_instances: max }
}

/// The module demands as much memory as the image does, and disks as large.
fn room_for_image(context: &Context<'_>, vdu: &Node, memory: u64, sink: &mut Sink) {
    let Some(image) = vdu.word("sw-image-desc").and_then(|id| context.part("sw-image-desc", &id)) else { return };
    let wanted = image.decimal("min-ram").map_or(0, |n| bytes(n, context.unit));
    if let (Some(at), true) = (vdu.get("virtual-compute-desc"), memory < wanted) {
        sink.warn(
            &codes::YANG_MUST,
            at.at,
            format!("`{}` has {memory} bytes of memory, its image `{}` asks for {wanted}", vdu.id(), image.id()),
            "give it more memory, or correct `min-ram`",
        );
    }
}

fn cpu(compute: Option<&Node>) -> Cpu {
    let Some(compute) = compute else { return Cpu::default() };
    let Some(given) = compute.get("virtual-cpu") else { return Cpu { count: 1, ..Cpu::default() } };
    let mut requirements = given.pairs("vdu-cpu-requirements");
    let pinning = given.get("pinning").map(|p| {
        requirements.extend(p.word("thread-policy").map(|t| ("thread-policy".to_owned(), t)));
        // Version 3.3.1 has the policy as a list of words.
        let policy =
            p.words("cpu-policy").first().map(|w| if w == "dedicated" { "static" } else { "dynamic" }.to_owned());
        let rules = p.pairs("rule").into_iter().map(|(k, v)| if v.is_empty() { k } else { format!("{k}={v}") });
        CpuPinning {
            policy: p.word("policy").or(policy).or_else(|| Some("dynamic".to_owned())),
            rules: rules.collect(),
        }
    });
    Cpu {
        count: given.number("num-virtual-cpu").unwrap_or(1),
        architecture: given.word("cpu-architecture"),
        clock_hz: given.decimal("clock").map(|mhz| mhz * 1e6),
        oversubscription_policy: given.word("oversubscription-policy"),
        pinning,
        requirements,
    }
}

fn memory(context: &Context<'_>, compute: Option<&Node>) -> Memory {
    let Some(compute) = compute else { return Memory::default() };
    let Some(given) = compute.get("virtual-memory") else {
        return Memory { size_bytes: context.unit, ..Memory::default() };
    };
    let size_bytes = bytes(given.decimal("size").unwrap_or(1.0), context.unit);
    let page = match given.word("mempage-size").as_deref() {
        Some("LARGE" | "PREFER_LARGE" | "SIZE_2MB") => Some(2 << 20),
        Some("SIZE_1GB") => Some(1 << 30),
        _ => None,
    };
    Memory {
        size_bytes,
        oversubscription_policy: given.word("over-subscription-policy"),
        numa_enabled: given.flag("numa-enabled").unwrap_or_else(|| given.get("numa-node-policy").is_some()),
        huge_pages: page.map(|page_bytes| HugePages { page_bytes, requested_bytes: size_bytes }).into_iter().collect(),
        requirements: given.pairs("vdu-mem-requirements"),
    }
}

fn local_storages(context: &Context<'_>, compute: &Node) -> Vec<LocalStorage> {
    compute
        .list("virtual-disk")
        .iter()
        .map(|disk| {
            let mut requirements = disk.pairs("vdu-storage-requirements");
            requirements.extend(disk.word("sw-image-desc").map(|i| ("sw-image-desc".to_owned(), i)));
            LocalStorage {
                size_bytes: disk.large("size-of-storage").unwrap_or_default().saturating_mul(context.unit),
                requirements,
                rdma_enabled: disk.flag("rdma-enabled").unwrap_or_default(),
            }
        })
        .collect()
}

pub(super) fn logical_nodes(node: &Node) -> BTreeMap<String, LogicalNode> {
    node.list("logical-node").iter().map(|n| (n.id(), n.pairs("requirement-detail"))).collect()
}

pub(super) fn capabilities(node: &Node) -> BTreeMap<String, AdditionalCapability> {
    let one = |n: &Node| {
        let name = n.word("name").unwrap_or_default();
        let capability = AdditionalCapability {
            name: name.clone(),
            mandatory: n.flag("support-mandatory").unwrap_or_default(),
            min_version: n.word("min-version"),
            preferred_version: n.word("preferred-version"),
            performance: n.pairs("target-performance-parameters"),
        };
        (name, capability)
    };
    node.list("request-additional-capability").iter().map(one).collect()
}

/// A storage of the VNFD.
pub(super) fn storage(context: &Context<'_>, node: &Node, sink: &mut Sink) -> VirtualStorage {
    let kind = match node.word("type-of-storage").as_deref() {
        Some("object") => StorageKind::Object,
        Some("file") => StorageKind::File,
        _ => StorageKind::Block,
    };
    let (key, size) = match kind {
        StorageKind::Block => ("block-storage-data", "size-of-storage"),
        StorageKind::Object => ("object-storage-data", "max-size-of-storage"),
        StorageKind::File => ("file-storage-data", "size-of-storage"),
    };
    for other in ["block-storage-data", "object-storage-data", "file-storage-data"].iter().filter(|k| **k != key) {
        if let Some(data) = node.entry(other) {
            sink.error_mend(
                &codes::YANG_MUST,
                data.key_at,
                format!("`{other}` does not fit the type of storage `{}`", node.id()),
                format!("write `{key}`, or another `type-of-storage`"),
            );
        }
    }
    // Where there is no such part, its nodes stand in the storage itself.
    let data = node.get(key).unwrap_or(node);
    let mut sw_image = data.word("sw-image-desc");
    let mut virtual_link = None;
    if let (StorageKind::File, Some(named)) = (kind, data.get("int-virtual-link-desc")) {
        let name = named.text().unwrap_or_default().to_owned();
        if context.part("int-virtual-link-desc", &name).is_some() {
            virtual_link = Some(name);
        } else {
            sink.warn(
                &codes::YANG_VAGUE,
                named.at,
                format!("`int-virtual-link-desc` names the image `{name}`, as the module's reference has it, though a virtual link is meant; it is read as the image of the storage"),
                "name the virtual link through which the files are reached",
            );
            sw_image = Some(name);
        }
    }
    let size_bytes = data.large(size).unwrap_or_default().saturating_mul(context.unit);
    let image = sw_image.as_ref().and_then(|id| context.part("sw-image-desc", id));
    let wanted = image.and_then(|i| i.large("min-disk")).unwrap_or_default().saturating_mul(context.unit);
    if size_bytes < wanted && kind == StorageKind::Block {
        sink.warn(
            &codes::YANG_MUST,
            data.get(size).map_or(node.at, |n| n.at),
            format!("the storage `{}` has {size_bytes} bytes, its image asks for {wanted}", node.id()),
            "make it larger, or correct `min-disk`",
        );
    }
    let taken = ["id", "type-of-storage", key, "nfvi-maintenance-info", "per-vnfc-instance"];
    let within = [
        size,
        "vdu-storage-requirements",
        "rdma-enabled",
        "sw-image-desc",
        "int-virtual-link-desc",
        "file-system-protocol",
    ];
    let extra = if node.get(key).is_some() {
        with(others(node, &taken), key, others(data, &within))
    } else {
        let all: Vec<&str> = taken.iter().chain(&within).copied().collect();
        others(node, &all)
    };
    let mut extra = extra;
    if let Some(word @ ("persistent-storage" | "ephemeral-storage" | "swap-storage")) =
        node.get("type-of-storage").and_then(Node::text)
    {
        sink.warn(
            &codes::OSM_STORAGE,
            node.get("type-of-storage").map_or(node.at, |n| n.at),
            format!("the type `{word}` is not of SOL006 but of Open Source MANO; it is read as `block`"),
            "write `block`",
        );
        extra = with(extra, "type-of-storage", Value::String(word.to_owned()));
    }
    VirtualStorage {
        name: node.id(),
        kind,
        size_bytes,
        sw_image,
        per_vnfc_instance: node.flag("per-vnfc-instance").unwrap_or(true),
        rdma_enabled: data.flag("rdma-enabled").unwrap_or_default(),
        file_system_protocol: (kind == StorageKind::File)
            .then(|| data.word("file-system-protocol").unwrap_or_else(|| "cifs".to_owned())),
        requirements: data.pairs("vdu-storage-requirements"),
        maintenance: maintenance(node),
        virtual_link,
        artifacts: Vec::new(),
        extra,
    }
}
