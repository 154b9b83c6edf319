//! VDUs, storages and software images (SOL001 clause 6.8).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::boot::BootData;
use super::hardware::{AdditionalCapability, LogicalNode};
use crate::archive::HashAlgorithm;
use crate::network::{Artifact, Declaration, MaintenanceInfo, MonitoringParameter};

/// `tosca.nodes.nfv.Vdu.Compute`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Vdu {
    /// Name of the node template; all references use it.
    pub name: String,
    /// `name`: for people.
    pub display_name: String,
    /// `description`.
    #[serde(default)]
    pub description: String,
    /// Virtual CPUs.
    pub cpu: Cpu,
    /// Virtual memory.
    pub memory: Memory,
    /// `virtual_local_storage`: disks that live and die with the machine.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub local_storages: Vec<LocalStorage>,
    /// Names of the storages it attaches, in the order of its requirements.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub storages: Vec<String>,
    /// Whether the order of `storages` is the boot order.
    #[serde(default)]
    pub boot_order: bool,
    /// Identifier of the image on its own disk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sw_image: Option<String>,
    /// `boot_data`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boot_data: Option<BootData>,
    /// `vdu_profile`: permitted number of VNFCs.
    pub profile: VduProfile,
    /// `configurable_properties` that its type declares.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub configurable_properties: Vec<Declaration>,
    /// Whether and how to wait until the guest says that it is ready; from the node template's metadata
    /// `guest_readiness`, which is ours, not the standard's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub readiness: Option<Readiness>,
    /// Artifacts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub artifacts: Vec<Artifact>,
    /// `nfvi_constraints`; version 2.6.1 lists names only, whose values are then empty.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub nfvi_constraints: BTreeMap<String, String>,
    /// `logical_node`: requirements on parts of the host, such as NUMA cells.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub logical_nodes: BTreeMap<String, LogicalNode>,
    /// `requested_additional_capabilities`: accelerators and the like.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub additional_capabilities: BTreeMap<String, AdditionalCapability>,
    /// `compute_requirements`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub compute_requirements: BTreeMap<String, String>,
    /// `monitoring_parameters`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub monitoring: Vec<MonitoringParameter>,
    /// `nfvi_maintenance_info` of the profile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maintenance: Option<MaintenanceInfo>,
    /// `metadata` of the node template.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
    /// Everything else.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub extra: Value,
}

/// How a guest tells that it is ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Readiness {
    /// The QEMU guest agent answers.
    GuestAgent,
    /// The first connection point answers a TCP connection on this port.
    TcpPort(u16),
}

/// `tosca.datatypes.nfv.VirtualCpu`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Cpu {
    /// `num_virtual_cpu`, at least 1; 0 where the VDU has no `virtual_compute`, as those of containers.
    pub count: u32,
    /// `cpu_architecture`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub architecture: Option<String>,
    /// `virtual_cpu_clock` in hertz.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock_hz: Option<f64>,
    /// `virtual_cpu_oversubscription_policy`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oversubscription_policy: Option<String>,
    /// `virtual_cpu_pinning`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pinning: Option<CpuPinning>,
    /// `vdu_cpu_requirements`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub requirements: BTreeMap<String, String>,
}

/// `tosca.datatypes.nfv.VirtualCpuPinning`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CpuPinning {
    /// `static` or `dynamic`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// Rules for `static`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<String>,
}

/// `tosca.datatypes.nfv.VirtualMemory`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    /// `virtual_mem_size` in bytes.
    pub size_bytes: u64,
    /// `virtual_mem_oversubscription_policy`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oversubscription_policy: Option<String>,
    /// `numa_enabled`.
    #[serde(default)]
    pub numa_enabled: bool,
    /// `huge_pages_requirements`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub huge_pages: Vec<HugePages>,
    /// `vdu_mem_requirements`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub requirements: BTreeMap<String, String>,
}

/// `tosca.datatypes.nfv.Hugepages`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HugePages {
    /// Size of one page in bytes.
    pub page_bytes: u64,
    /// Memory wanted in such pages, in bytes.
    pub requested_bytes: u64,
}

/// One of `virtual_local_storage`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LocalStorage {
    /// `size_of_storage` in bytes.
    pub size_bytes: u64,
    /// `vdu_storage_requirements`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub requirements: BTreeMap<String, String>,
    /// `rdma_enabled`.
    #[serde(default)]
    pub rdma_enabled: bool,
}

/// `tosca.datatypes.nfv.VduProfile`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VduProfile {
    /// Fewest VNFCs.
    pub min_instances: u32,
    /// Most VNFCs.
    pub max_instances: u32,
}

/// Kind of a storage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StorageKind {
    /// `Vdu.VirtualBlockStorage`.
    #[default]
    Block,
    /// `Vdu.VirtualObjectStorage`.
    Object,
    /// `Vdu.VirtualFileStorage`.
    File,
}

/// A storage that VDUs attach.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct VirtualStorage {
    /// Name of the node template.
    pub name: String,
    /// Its kind.
    pub kind: StorageKind,
    /// Size in bytes; 0 where an object storage names none.
    pub size_bytes: u64,
    /// Identifier of the image it is filled with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sw_image: Option<String>,
    /// Whether each VNFC gets one of its own.
    pub per_vnfc_instance: bool,
    /// `rdma_enabled`.
    #[serde(default)]
    pub rdma_enabled: bool,
    /// `file_system_protocol` of a file storage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_system_protocol: Option<String>,
    /// `vdu_storage_requirements`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub requirements: BTreeMap<String, String>,
    /// `nfvi_maintenance_info`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maintenance: Option<MaintenanceInfo>,
    /// Virtual link through which a file storage is reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub virtual_link: Option<String>,
    /// Artifacts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub artifacts: Vec<Artifact>,
    /// Everything else.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub extra: Value,
}

/// A software image: `SwImageData` or the properties of an artifact of type `tosca.artifacts.nfv.SwImage`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SwImage {
    /// Name of the node template that owns it; identifies the image within the VNFD.
    pub id: String,
    /// `name`.
    pub name: String,
    /// `version`.
    pub version: String,
    /// `provider`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// `checksum`.
    pub checksum: Checksum,
    /// `container_format`, for example `bare`.
    pub container_format: String,
    /// `disk_format`, for example `qcow2`.
    pub disk_format: String,
    /// `min_disk` in bytes.
    pub min_disk_bytes: u64,
    /// `min_ram` in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_ram_bytes: Option<u64>,
    /// `size` in bytes.
    pub size_bytes: u64,
    /// `operating_system`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operating_system: Option<String>,
    /// `supported_virtualisation_environments`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub supported_environments: Vec<String>,
    /// Path of the file in the package, or a URI; `None` where the VIM is expected to have the image already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact: Option<String>,
}

/// `tosca.datatypes.nfv.ChecksumData`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checksum {
    /// Algorithm.
    pub algorithm: HashAlgorithm,
    /// Digest in lower-case hexadecimal.
    pub hash: String,
}
