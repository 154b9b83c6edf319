//! Facts, capacity and true inventory of a host.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::common::Owner;

/// What a host is and has.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HostInfo {
    /// Host name.
    pub name: String,
    /// Identity of the agent's state: a new one means that the agent lost what it knew.
    pub incarnation: Uuid,
    /// Facts.
    pub facts: HostFacts,
    /// What can be given to machines.
    pub total: Capacity,
    /// What has been given to machines.
    pub reserved: Capacity,
    /// `system-id` of Open vSwitch, which is the chassis name in OVN; absent while the switch is away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chassis: Option<String>,
    /// Health of what the agent drives: name (`hypervisor`, `switch`, `disk`, `bridge br-int`) to `ok` or what is wrong.
    pub health: BTreeMap<String, String>,
    /// Sequence number of the newest event.
    pub last_event: i64,
}

/// Facts about the hardware and the hypervisor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HostFacts {
    /// CPU architecture, e.g. `x86_64`.
    pub arch: String,
    /// CPU model text.
    pub cpu_model: String,
    /// Host CPUs.
    pub cpus: u32,
    /// NUMA nodes.
    pub numa_nodes: Vec<NumaNode>,
    /// Hypervisor and version, e.g. `QEMU 7.2.15, libvirt 9.0.0`.
    pub hypervisor: String,
    /// `kvm` or `tcg`.
    pub acceleration: String,
    /// Why that acceleration was chosen, in one line.
    pub acceleration_reason: String,
    /// Open vSwitch version and datapath, e.g. `3.1.0 netdev`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub switch: Option<String>,
    /// Kernel release.
    pub kernel: String,
}

/// A NUMA node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NumaNode {
    /// Number of the node.
    pub id: u32,
    /// Host CPUs in it.
    pub cpus: Vec<u32>,
    /// Memory in bytes.
    pub memory_bytes: u64,
    /// Huge pages: page size in bytes to number of free pages.
    pub hugepages: BTreeMap<u64, u64>,
}

/// An amount of what machines take.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Capacity {
    /// Virtual CPUs.
    pub vcpus: u64,
    /// Memory in bytes.
    pub memory_bytes: u64,
    /// Disk in bytes.
    pub disk_bytes: u64,
}

/// What the hypervisor, the switch and the disk really hold, asked now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Inventory {
    /// Host name.
    pub host: String,
    /// Everything found.
    pub items: Vec<InventoryItem>,
    /// What could not be asked and why; an inventory with an entry here is not complete.
    pub gaps: Vec<String>,
}

/// One thing found on a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct InventoryItem {
    /// What it is.
    pub kind: InventoryKind,
    /// Its name where it was found (domain name, interface name, file path).
    pub name: String,
    /// The id under which the agent would know it, when its name or mark tells one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Uuid>,
    /// Owner mark found on it, or kept by the agent for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Owner>,
    /// Whether it is part of what the agent was told to have.
    pub desired: bool,
}

/// Kinds of things found on a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum InventoryKind {
    /// libvirt domain.
    Domain,
    /// Port on the integration bridge that belongs to a machine (not the switch's own patch and tunnel ports).
    SwitchPort,
    /// Image file.
    Image,
    /// Volume file.
    Volume,
    /// Files of a snapshot.
    Snapshot,
    /// Overlay, config drive, log or other file of a machine.
    MachineFile,
}
