//! The NS instance and everything known about it (SOL005 clauses 6.5.2.10 and 6.5.3).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::or_vnfm::sol::{Link, sol_enum};
use crate::or_vnfm::{
    AffinityOrAntiAffinity, CpProtocolData, CpProtocolInfo, InstantiationState, PlacementScope, ResourceHandle,
    VnfInstance,
};

/// A network service instance (SOL005 clause 6.5.2.10).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NsInstance {
    /// Identifier of the instance.
    pub id: Uuid,
    /// Name.
    pub ns_instance_name: String,
    /// Description.
    pub ns_instance_description: String,
    /// The NSD it is built from.
    pub nsd_id: String,
    /// The onboarded NSD.
    pub nsd_info_id: Uuid,
    /// NS deployment flavour in force; present when instantiated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flavour_id: Option<String>,
    /// VNF instances that are part of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vnf_instance: Vec<VnfInstance>,
    /// PNFs that are part of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pnf_info: Vec<PnfInfo>,
    /// Its virtual links.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub virtual_link_info: Vec<NsVirtualLinkInfo>,
    /// Its VNF forwarding graphs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vnffg_info: Vec<VnffgInfo>,
    /// Its service access points.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sap_info: Vec<SapInfo>,
    /// NS instances nested in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nested_ns_instance_id: Vec<Uuid>,
    /// Snapshots of its VNF instances.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vnf_snapshot_info_ids: Vec<Uuid>,
    /// Whether resources exist.
    pub ns_state: InstantiationState,
    /// Monitoring parameters of the NS.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub monitoring_parameter: Vec<NsMonitoringParameter>,
    /// Current level of each NS scaling aspect.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ns_scale_status: Vec<NsScaleInfo>,
    /// Placement rules beyond those of the NSD.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub additional_affinity_or_anti_affinity_rule: Vec<AffinityOrAntiAffinityRule>,
    /// Connections over wide area networks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub wan_connection_info: Vec<WanConnectionInfo>,
    /// Links to tasks that the present state allows.
    #[serde(rename = "_links")]
    pub links: NsInstanceLinks,
}

/// A PNF that is part of an NS (SOL005 clause 6.5.3.13).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PnfInfo {
    /// Identifier of the PNF.
    pub pnf_id: String,
    /// Name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pnf_name: Option<String>,
    /// Its descriptor.
    pub pnfd_id: String,
    /// The onboarded descriptor.
    pub pnfd_info_id: Uuid,
    /// Its profile in the NSD.
    pub pnf_profile_id: String,
    /// Its external connection point.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cp_info: Option<PnfExtCpInfo>,
}

/// An external connection point of a PNF (SOL005 clause 6.5.3.17).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PnfExtCpInfo {
    /// Identifier in the PNF.
    pub cp_instance_id: String,
    /// Its descriptor.
    pub cpd_id: String,
    /// Its addresses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cp_protocol_data: Vec<CpProtocolData>,
}

/// A virtual link of an NS (SOL005 clause 6.5.3.53).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NsVirtualLinkInfo {
    /// Identifier of the virtual link instance.
    pub id: String,
    /// Its descriptor in the NSD.
    pub ns_virtual_link_desc_id: String,
    /// Its profile in the NSD.
    pub ns_virtual_link_profile_id: String,
    /// The networks that realise it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resource_handle: Vec<ResourceHandle>,
    /// Ports on it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub link_port: Vec<NsLinkPortInfo>,
}

/// A port on an NS virtual link (SOL005 clause 6.5.3.55).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NsLinkPortInfo {
    /// Identifier of the port.
    pub id: String,
    /// The port in the VIM.
    pub resource_handle: ResourceHandle,
    /// The connection point that uses it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ns_cp_handle: Option<NsCpHandle>,
}

/// Names a connection point of a VNF, of a PNF or of a nested NS (SOL005 clause 6.5.3.56).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NsCpHandle {
    /// The VNF instance, with `vnfExtCpInstanceId`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vnf_instance_id: Option<Uuid>,
    /// Its external connection point.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vnf_ext_cp_instance_id: Option<String>,
    /// The PNF, with `pnfExtCpInstanceId`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pnf_info_id: Option<String>,
    /// Its external connection point.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pnf_ext_cp_instance_id: Option<String>,
    /// The nested NS instance, with `nsSapInstanceId`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ns_instance_id: Option<Uuid>,
    /// Its service access point.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ns_sap_instance_id: Option<String>,
}

/// A VNF forwarding graph of an NS (SOL005 clause 6.5.3.59).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VnffgInfo {
    /// Identifier of the forwarding graph instance.
    pub id: String,
    /// Its descriptor in the NSD.
    pub vnffgd_id: String,
    /// VNF instances it passes.
    pub vnf_instance_id: Vec<Uuid>,
    /// PNFs it passes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pnfd_info_id: Vec<String>,
    /// Virtual links it passes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ns_virtual_link_info_id: Vec<String>,
    /// Connection points it passes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ns_cp_handle: Vec<NsCpHandle>,
}

/// A service access point of an NS (SOL005 clause 6.5.3.67).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SapInfo {
    /// Identifier of the SAP instance.
    pub id: String,
    /// Its descriptor in the NSD.
    pub sapd_id: String,
    /// Name.
    pub sap_name: String,
    /// Description.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Its addresses.
    pub sap_protocol_info: Vec<CpProtocolInfo>,
}

/// A monitoring parameter of an NS (SOL005 clause 6.5.3.71).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NsMonitoringParameter {
    /// Identifier in the NSD.
    pub id: String,
    /// Human-readable name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Measured metric.
    pub performance_metric: String,
}

/// Level of one NS scaling aspect (SOL005 clause 6.5.3.36).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NsScaleInfo {
    /// Scaling aspect in the NSD.
    pub ns_scaling_aspect_id: String,
    /// Level in the NSD.
    pub ns_scale_level_id: String,
}

/// VNFs that go together or apart (SOL005 clause 6.5.3.23). One of the three lists is present.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AffinityOrAntiAffinityRule {
    /// VNFs built from these VNFDs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vnfd_id: Vec<String>,
    /// VNFs of these profiles of the NSD.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vnf_profile_id: Vec<String>,
    /// These VNF instances.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vnf_instance_id: Vec<Uuid>,
    /// Together or apart; spelled as the specification spells it.
    pub affinity_or_anti_affiinty: AffinityOrAntiAffinity,
    /// In which sense.
    pub scope: PlacementScope,
}

/// A connection over a wide area network (SOL005 clause 6.5.3.91). This stack makes none; it keeps what it is told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WanConnectionInfo {
    /// Identifier of the connection.
    pub wan_connection_info_id: String,
    /// The NS virtual link it extends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ns_virtual_link_info_id: Option<String>,
    /// The VNF virtual link it extends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vnf_virtual_link_resource_info_id: Option<String>,
    /// Protocols of the wide area network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol_info: Option<serde_json::Value>,
}

/// Links of an NS instance.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NsInstanceLinks {
    /// The instance itself.
    #[serde(rename = "self")]
    pub self_: Link,
    /// NS instances nested in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nested_ns_instances: Vec<Link>,
    /// Snapshots of its VNFs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vnf_snapshot_infos: Vec<Link>,
    /// Instantiate task, while not instantiated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instantiate: Option<Link>,
    /// Terminate task, while instantiated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terminate: Option<Link>,
    /// Update task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub update: Option<Link>,
    /// Scale task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale: Option<Link>,
    /// Heal task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heal: Option<Link>,
}

sol_enum! {
    /// Kinds of NS components.
    pub enum NsComponentType {
        /// VNF.
        Vnf = "VNF",
        /// PNF.
        Pnf = "PNF",
        /// Nested NS.
        Ns = "NS",
    }
}
