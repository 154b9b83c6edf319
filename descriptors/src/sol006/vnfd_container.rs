//! Containers of a VNFD: VDUs made of them, the containers themselves, packages for a container manager
//! (IFA011 clauses 7.1.6.13 and 7.1.8.19).

use serde_json::Value;

use super::get::{Get, bytes, declared, leftovers, maintenance, monitoring, with};
use super::vnfd::Context;
use super::vnfd_compute::{capabilities, logical_nodes, vdu_profile};
use crate::diag::Sink;
use crate::network::Artifact;
use crate::tosca::others;
use crate::vnfd::{DeployableUnit, ExtendedResource, HugePages, Mciop, OsContainer};
use crate::yaml::Node;

/// A VDU of containers.
pub(super) fn unit(node: &Node, profile: &Node, sink: &mut Sink) -> DeployableUnit {
    let taken = [
        "id",
        "name",
        "description",
        "int-cpd",
        "os-container-desc",
        "virtual-storage-desc",
        "logical-node",
        "request-additional-capability",
        "nfvi-constraint",
        "mcio-constraint-params",
        "mcio-identification-data",
        "configurable-properties",
        "monitoring-parameter",
    ];
    let name = node.id();
    let mcio = node.get("mcio-identification-data");
    DeployableUnit {
        display_name: node.word("name").unwrap_or_else(|| name.clone()),
        description: node.word("description").unwrap_or_default(),
        containers: node.words("os-container-desc"),
        storages: node.words("virtual-storage-desc"),
        profile: vdu_profile(profile, sink),
        maintenance: maintenance(profile),
        logical_nodes: logical_nodes(node),
        additional_capabilities: capabilities(node),
        nfvi_constraints: node.words("nfvi-constraint").into_iter().map(|c| (c, String::new())).collect(),
        mcio_constraints: node.words("mcio-constraint-params"),
        mcio_name: mcio.and_then(|m| m.word("name")),
        mcio_type: mcio.and_then(|m| m.word("type")),
        configurable_properties: node
            .list("configurable-properties")
            .iter()
            .map(|p| declared(&p.word("key").unwrap_or_default(), "string", p.word("value").map(Value::String)))
            .collect(),
        monitoring: monitoring(node.list("monitoring-parameter")),
        artifacts: Vec::new(),
        extra: others(node, &taken),
        name,
    }
}

/// A container. Its memory has no unit in the module and is read as IFA011 has it, in bytes.
pub(super) fn container(context: &Context<'_>, node: &Node) -> OsContainer {
    let taken = [
        "id",
        "name",
        "description",
        "requested-cpu-resources",
        "requested-memory-resources",
        "requested-ephemeral-storage-resources",
        "extended-resource-requests",
        "cpu-resource-limit",
        "memory-resource-limit",
        "ephemeral-storage-resource-limit",
        "huge-page-resources",
        "sw-image-desc",
    ];
    let name = node.id();
    let storage = |key: &str| node.large(key).map(|n| n.saturating_mul(context.unit));
    OsContainer {
        display_name: node.word("name").unwrap_or_else(|| name.clone()),
        description: node.word("description").unwrap_or_default(),
        requested_cpu: node.large("requested-cpu-resources"),
        cpu_limit: node.large("cpu-resource-limit"),
        requested_memory_bytes: node.large("requested-memory-resources"),
        memory_limit_bytes: node.large("memory-resource-limit"),
        requested_storage_bytes: storage("requested-ephemeral-storage-resources"),
        storage_limit_bytes: storage("ephemeral-storage-resource-limit"),
        extended_resources: node
            .list("extended-resource-requests")
            .iter()
            .map(|r| ExtendedResource {
                resource: r.word("extended-resource").map(|n| (n, String::new())).into_iter().collect(),
                amount: r.large("amount").unwrap_or_default(),
            })
            .collect(),
        huge_pages: node.list("huge-page-resources").iter().map(huge_pages).collect(),
        pinning: None,
        sw_image: node.word("sw-image-desc"),
        artifacts: Vec::new(),
        extra: others(node, &taken),
        name,
    }
}

fn huge_pages(node: &Node) -> HugePages {
    let unit = match node.word("size-unit").as_deref() {
        Some("kB") => 1_000,
        Some("KiB") => 1 << 10,
        Some("MB") => 1_000_000,
        Some("MiB") => 1 << 20,
        Some("GB") => 1_000_000_000,
        Some("GiB") => 1 << 30,
        Some("TB") => 1_000_000_000_000,
        Some("TiB") => 1 << 40,
        _ => 1,
    };
    let size = |key: &str| bytes(node.decimal(key).unwrap_or_default(), unit);
    HugePages { page_bytes: size("hugepage-size"), requested_bytes: size("requested-size") }
}

/// The packages for a container manager, with the units that the flavour deploys by them.
pub(super) fn mciops(root: &Node, df: &Node) -> Vec<Mciop> {
    let profiles = df.list("mciop-profile");
    let left = leftovers(profiles, &["id", "associated-vdu", "affinity-or-anti-affinity-group-id"]);
    let mut names = root.words("mciop-id");
    names.extend(profiles.iter().map(Get::id).filter(|id| !root.words("mciop-id").contains(id)));
    names
        .into_iter()
        .map(|name| Mciop {
            units: profiles.iter().find(|p| p.id() == name).map(|p| p.words("associated-vdu")).unwrap_or_default(),
            artifacts: vec![Artifact {
                name: name.clone(),
                artifact_type: None,
                file: name.clone(),
                properties: Value::Null,
                extra: Value::Null,
            }],
            extra: with(Value::Null, "profile", left.get(&name).cloned().unwrap_or_default()),
            name,
        })
        .collect()
}
