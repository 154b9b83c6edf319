//! The VNF instance and everything known about it (SOL003 clauses 5.5.2.2 and 5.5.3).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::connectivity::{
    CpProtocolInfo, ExtManagedVirtualLinkInfo, ExtVirtualLinkInfo, ResourceHandle, VimConnectionInfo, VnfExtCpInfo,
    VnfLinkPortInfo,
};
use super::sol::{Link, sol_enum};
use crate::common::KeyValuePairs;

/// A VNF instance (SOL003 clause 5.5.2.2).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VnfInstance {
    /// Identifier of the instance.
    pub id: Uuid,
    /// Name; can be changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vnf_instance_name: Option<String>,
    /// Description; can be changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vnf_instance_description: Option<String>,
    /// The VNFD it is built from.
    pub vnfd_id: String,
    /// Provider, copied from the VNFD.
    pub vnf_provider: String,
    /// Product name, copied from the VNFD.
    pub vnf_product_name: String,
    /// Software version, copied from the VNFD.
    pub vnf_software_version: String,
    /// VNFD version, copied from the VNFD.
    pub vnfd_version: String,
    /// Current values of the configurable properties that the VNFD declares.
    #[serde(default, skip_serializing_if = "KeyValuePairs::is_empty")]
    #[schema(value_type = Object)]
    pub vnf_configurable_properties: KeyValuePairs,
    /// VIMs that hold its resources, by connection id.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub vim_connection_info: BTreeMap<String, VimConnectionInfo>,
    /// Whether resources exist.
    pub instantiation_state: InstantiationState,
    /// What runs; present when instantiated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instantiated_vnf_info: Option<InstantiatedVnfInfo>,
    /// Metadata; can be changed.
    #[serde(default, skip_serializing_if = "KeyValuePairs::is_empty")]
    #[schema(value_type = Object)]
    pub metadata: KeyValuePairs,
    /// VNF-specific attributes that steer lifecycle management.
    #[serde(default, skip_serializing_if = "KeyValuePairs::is_empty")]
    #[schema(value_type = Object)]
    pub extensions: KeyValuePairs,
    /// Links to tasks that the present state allows.
    #[serde(rename = "_links", default, skip_serializing_if = "Option::is_none")]
    pub links: Option<VnfInstanceLinks>,
}

sol_enum! {
    /// Whether a VNF or NS instance holds resources.
    pub enum InstantiationState {
        /// Identifier only.
        NotInstantiated = "NOT_INSTANTIATED",
        /// Resources are allocated.
        Instantiated = "INSTANTIATED",
    }
}

sol_enum! {
    /// Whether the VNF runs (SOL003 clause 5.5.4.3).
    pub enum VnfOperationalState {
        /// Up and running.
        Started = "STARTED",
        /// Shut down.
        Stopped = "STOPPED",
    }
}

/// Run-time state of an instantiated VNF.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct InstantiatedVnfInfo {
    /// Deployment flavour in force.
    pub flavour_id: String,
    /// Whether it runs.
    pub vnf_state: VnfOperationalState,
    /// Current level of each scaling aspect.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scale_status: Vec<ScaleInfo>,
    /// Highest allowed level of each scaling aspect.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub max_scale_levels: Vec<ScaleInfo>,
    /// External connection points; at least one once instantiated.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ext_cp_info: Vec<VnfExtCpInfo>,
    /// Networks outside the VNF that it is connected to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ext_virtual_link_info: Vec<ExtVirtualLinkInfo>,
    /// Internal virtual links made by someone else.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ext_managed_virtual_link_info: Vec<ExtManagedVirtualLinkInfo>,
    /// Monitoring parameters that are active.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub monitoring_parameters: Vec<MonitoringParameter>,
    /// Language of the VNF, IETF RFC 5646 tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub localization_language: Option<String>,
    /// Compute resources of the VNFCs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vnfc_resource_info: Vec<VnfcResourceInfo>,
    /// Network resources of the internal virtual links.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vnf_virtual_link_resource_info: Vec<VnfVirtualLinkResourceInfo>,
    /// Storage resources.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub virtual_storage_resource_info: Vec<VirtualStorageResourceInfo>,
    /// VNFCs and their own configurable properties.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vnfc_info: Vec<VnfcInfo>,
}

/// Level of one scaling aspect (SOL003 clause 5.5.3.9).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScaleInfo {
    /// Scaling aspect in the VNFD.
    pub aspect_id: String,
    /// The VNFD when it differs from the instance's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vnfd_id: Option<String>,
    /// Level, 0 being the smallest.
    pub scale_level: u32,
}

/// A monitoring parameter that is active (SOL003 clause 5.5.3.11).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MonitoringParameter {
    /// Identifier in the VNFD.
    pub id: String,
    /// The VNFD when it differs from the instance's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vnfd_id: Option<String>,
    /// Human-readable name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Measured metric, by its name in the VNFD.
    pub performance_metric: String,
}

/// A VNFC's compute resource (SOL003 clause 5.5.3.5).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VnfcResourceInfo {
    /// Identifier of the VNFC resource.
    pub id: String,
    /// Its VDU in the VNFD.
    pub vdu_id: String,
    /// The VNFD when it differs from the instance's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vnfd_id: Option<String>,
    /// The virtual machine or container.
    pub compute_resource: ResourceHandle,
    /// Resource zone it was placed in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone_id: Option<String>,
    /// The `VirtualStorageResourceInfo` attached to it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub storage_resource_ids: Vec<String>,
    /// Reservation applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reservation_id: Option<String>,
    /// Its connection points.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vnfc_cp_info: Vec<VnfcCpInfo>,
    /// Metadata of the resource.
    #[serde(default, skip_serializing_if = "KeyValuePairs::is_empty")]
    #[schema(value_type = Object)]
    pub metadata: KeyValuePairs,
}

/// A connection point of a VNFC.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VnfcCpInfo {
    /// Identifier of the connection point instance.
    pub id: String,
    /// Its descriptor (VDU connection point) in the VNFD.
    pub cpd_id: String,
    /// The external connection point it is exposed as.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vnf_ext_cp_id: Option<String>,
    /// Addresses in force; may be left out when `vnfExtCpInfo` carries them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cp_protocol_info: Vec<CpProtocolInfo>,
    /// The link port that connects it to an internal virtual link.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vnf_link_port_id: Option<String>,
    /// Metadata of the connection point.
    #[serde(default, skip_serializing_if = "KeyValuePairs::is_empty")]
    #[schema(value_type = Object)]
    pub metadata: KeyValuePairs,
}

/// The network resource of an internal virtual link (SOL003 clause 5.5.3.6).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VnfVirtualLinkResourceInfo {
    /// Identifier of the virtual link instance.
    pub id: String,
    /// Its descriptor in the VNFD.
    pub vnf_virtual_link_desc_id: String,
    /// The VNFD when it differs from the instance's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vnfd_id: Option<String>,
    /// The network.
    pub network_resource: ResourceHandle,
    /// Resource zone it was placed in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone_id: Option<String>,
    /// Reservation applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reservation_id: Option<String>,
    /// Ports on it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vnf_link_ports: Vec<VnfLinkPortInfo>,
    /// Metadata of the resource.
    #[serde(default, skip_serializing_if = "KeyValuePairs::is_empty")]
    #[schema(value_type = Object)]
    pub metadata: KeyValuePairs,
}

/// A storage resource (SOL003 clause 5.5.3.7).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VirtualStorageResourceInfo {
    /// Identifier of the storage resource.
    pub id: String,
    /// Its descriptor in the VNFD.
    pub virtual_storage_desc_id: String,
    /// The VNFD when it differs from the instance's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vnfd_id: Option<String>,
    /// The volume.
    pub storage_resource: ResourceHandle,
    /// Resource zone it was placed in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone_id: Option<String>,
    /// Reservation applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reservation_id: Option<String>,
    /// Metadata of the resource.
    #[serde(default, skip_serializing_if = "KeyValuePairs::is_empty")]
    #[schema(value_type = Object)]
    pub metadata: KeyValuePairs,
}

/// A VNFC apart from its resources.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VnfcInfo {
    /// Identifier of the VNFC instance.
    pub id: String,
    /// Its VDU in the VNFD.
    pub vdu_id: String,
    /// The `VnfcResourceInfo` it runs on; absent when it holds no resource.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vnfc_resource_info_id: Option<String>,
    /// Whether it runs.
    pub vnfc_state: VnfOperationalState,
    /// Current values of its configurable properties.
    #[serde(default, skip_serializing_if = "KeyValuePairs::is_empty")]
    #[schema(value_type = Object)]
    pub vnfc_configurable_properties: KeyValuePairs,
}

/// Links of a VNF instance.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VnfInstanceLinks {
    /// The instance itself.
    #[serde(rename = "self")]
    pub self_: Link,
    /// Its indicators.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub indicators: Option<Link>,
    /// Instantiate task, while not instantiated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instantiate: Option<Link>,
    /// Terminate task, while instantiated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terminate: Option<Link>,
    /// Scale task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale: Option<Link>,
    /// Scale-to-level task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale_to_level: Option<Link>,
    /// Change-flavour task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change_flavour: Option<Link>,
    /// Heal task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heal: Option<Link>,
    /// Operate task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operate: Option<Link>,
    /// Change-external-connectivity task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change_ext_conn: Option<Link>,
    /// Create-snapshot task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub create_snapshot: Option<Link>,
    /// Revert-to-snapshot task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revert_to_snapshot: Option<Link>,
}
