//! Containers: deployable units, the containers in them, packages for a container manager, and services in front of them
//! (SOL001 clause 6.8, from version 4).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::compute::{CpuPinning, HugePages, VduProfile};
use super::hardware::{AdditionalCapability, LogicalNode};
use crate::network::{Artifact, CpAddress, Declaration, MaintenanceInfo, MonitoringParameter};

/// `tosca.nodes.nfv.Vdu.OsContainer`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OsContainer {
    /// Name of the node template.
    pub name: String,
    /// `name`: for people.
    pub display_name: String,
    /// `description`.
    #[serde(default)]
    pub description: String,
    /// CPU wanted, in thousandths of a CPU.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested_cpu: Option<u64>,
    /// Most CPU, in thousandths of a CPU.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_limit: Option<u64>,
    /// Memory wanted, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested_memory_bytes: Option<u64>,
    /// Most memory, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_limit_bytes: Option<u64>,
    /// Ephemeral storage wanted, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested_storage_bytes: Option<u64>,
    /// Most ephemeral storage, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage_limit_bytes: Option<u64>,
    /// `extended_resource_requests`, for example accelerators.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub extended_resources: Vec<ExtendedResource>,
    /// `huge_pages_resources`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub huge_pages: Vec<HugePages>,
    /// `cpu_pinning_requirements`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pinning: Option<CpuPinning>,
    /// Identifier of its image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sw_image: Option<String>,
    /// Artifacts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub artifacts: Vec<Artifact>,
    /// Everything else.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub extra: Value,
}

/// `tosca.datatypes.nfv.ExtendedResourceData`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExtendedResource {
    /// The resource, by its one name and value.
    pub resource: BTreeMap<String, String>,
    /// How much of it.
    pub amount: u64,
}

/// `tosca.nodes.nfv.Vdu.OsContainerDeployableUnit`: containers that are started and stopped together.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DeployableUnit {
    /// Name of the node template; all references use it.
    pub name: String,
    /// `name`: for people.
    pub display_name: String,
    /// `description`.
    #[serde(default)]
    pub description: String,
    /// Names of its containers.
    pub containers: Vec<String>,
    /// Names of the storages it attaches.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub storages: Vec<String>,
    /// `vdu_profile`.
    pub profile: VduProfile,
    /// `nfvi_maintenance_info` of the profile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maintenance: Option<MaintenanceInfo>,
    /// `logical_node`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub logical_nodes: BTreeMap<String, LogicalNode>,
    /// `requested_additional_capabilities`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub additional_capabilities: BTreeMap<String, AdditionalCapability>,
    /// `nfvi_constraints`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub nfvi_constraints: BTreeMap<String, String>,
    /// `mcio_constraint_params`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mcio_constraints: Vec<String>,
    /// Name of the object in the container manager.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mcio_name: Option<String>,
    /// Its kind: `Deployment` or `StatefulSet`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mcio_type: Option<String>,
    /// `configurable_properties` that its type declares or the template gives.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub configurable_properties: Vec<Declaration>,
    /// `monitoring_parameters`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub monitoring: Vec<MonitoringParameter>,
    /// Artifacts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub artifacts: Vec<Artifact>,
    /// Everything else.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub extra: Value,
}

/// `tosca.nodes.nfv.Mciop`: a package for a container manager, such as a Helm chart, with the units it deploys.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Mciop {
    /// Name of the node template.
    pub name: String,
    /// The deployable units it makes.
    pub units: Vec<String>,
    /// The package files.
    pub artifacts: Vec<Artifact>,
    /// Everything else.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub extra: Value,
}

/// `tosca.nodes.nfv.VirtualCp`: a service in front of deployable units.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct VirtualCp {
    /// Name of the node template.
    pub name: String,
    /// The deployable units behind it.
    pub targets: Vec<String>,
    /// The virtual link it is on, where it is on one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub virtual_link: Option<String>,
    /// `layer_protocols`.
    pub layer_protocols: Vec<String>,
    /// `protocol`: how it gets its addresses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<CpAddress>,
    /// `description`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// `additionalServiceData`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<ServiceData>,
    /// `address_pool_name_configurable`.
    #[serde(default)]
    pub address_pool_name_configurable: bool,
    /// Everything else.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub extra: Value,
}

/// `tosca.datatypes.nfv.AdditionalServiceData`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceData {
    /// `portData`.
    pub ports: Vec<ServicePort>,
    /// Host name of `serviceData` (from version 4.4.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Paths of `serviceData` (from version 4.4.1).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<String>,
    /// `serviceData` as plain text, as version 4.3.1 has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// `tosca.datatypes.nfv.ServicePortData`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServicePort {
    /// Its name.
    pub name: String,
    /// `tcp`, `udp` or `sctp`.
    pub protocol: String,
    /// Port, 0 to 65535.
    pub port: u16,
    /// Whether it may be changed at run time.
    #[serde(default)]
    pub configurable: bool,
}
