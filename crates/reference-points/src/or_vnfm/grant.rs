//! Grants: the VNFM asks before it touches resources, the NFVO answers where they may go (SOL003 clause 9).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::connectivity::{ExtManagedVirtualLinkData, ExtVirtualLinkData, ResourceHandle, VimConnectionInfo};
use super::op_occ::LcmOperationType;
use super::sol::{Link, sol_enum};
use crate::common::KeyValuePairs;

/// Asks permission for an operation (SOL003 clause 9.5.2.2).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct GrantRequest {
    /// The VNF instance.
    pub vnf_instance_id: Uuid,
    /// The operation occurrence.
    pub vnf_lcm_op_occ_id: Uuid,
    /// The VNFD in force.
    pub vnfd_id: String,
    /// The VNFD to change to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dst_vnfd_id: Option<String>,
    /// Deployment flavour, for an instantiation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flavour_id: Option<String>,
    /// Which operation; never MODIFY_INFO.
    pub operation: LcmOperationType,
    /// The VNFM began it by itself.
    pub is_automatic_invocation: bool,
    /// Instantiation level asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instantiation_level_id: Option<String>,
    /// Resources to add.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub add_resources: Vec<ResourceDefinition>,
    /// Resources that exist during the operation only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub temp_resources: Vec<ResourceDefinition>,
    /// Resources to remove.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remove_resources: Vec<ResourceDefinition>,
    /// Resources to change.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub update_resources: Vec<ResourceDefinition>,
    /// Affinity and anti-affinity.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub placement_constraints: Vec<PlacementConstraint>,
    /// Resources that go to one VIM.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vim_constraints: Vec<VimConstraint>,
    /// Anything the VNFM and NFVO agreed on.
    #[serde(default, skip_serializing_if = "KeyValuePairs::is_empty")]
    #[schema(value_type = Object)]
    pub additional_params: KeyValuePairs,
    /// Links.
    #[serde(rename = "_links")]
    pub links: GrantRequestLinks,
}

/// A resource that an operation adds, changes or removes (SOL003 clause 9.5.3.2).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResourceDefinition {
    /// Identifier within the request; the grant refers to it.
    pub id: String,
    /// Kind of resource.
    pub r#type: ResourceType,
    /// The VDU; for compute and storage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vdu_id: Option<String>,
    /// The VNFD when it differs from the request's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vnfd_id: Option<String>,
    /// The descriptor in the VNFD that the resource is made from; for added resources.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_template_id: Option<String>,
    /// The resource itself; for resources that exist.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<ResourceHandle>,
    /// The snapshot to make it from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot_res_def: Option<SnapshotResourceDefinition>,
}

sol_enum! {
    /// Kind of a resource in a grant.
    pub enum ResourceType {
        /// Virtual machine or container.
        Compute = "COMPUTE",
        /// Virtual link.
        Vl = "VL",
        /// Volume.
        Storage = "STORAGE",
        /// Port on a virtual link.
        Linkport = "LINKPORT",
    }
}

/// A snapshot that a resource is made from (SOL003 clause 9.5.3.10).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SnapshotResourceDefinition {
    /// VNF snapshot.
    pub vnf_snapshot_id: String,
    /// VNFC snapshot inside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vnfc_snapshot_id: Option<String>,
    /// Storage snapshot inside that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage_snapshot_id: Option<String>,
    /// The snapshot in the VIM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot_resource: Option<ResourceHandle>,
}

/// Resources that go together or apart (SOL003 clause 9.5.3.6).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlacementConstraint {
    /// Together or apart.
    pub affinity_or_anti_affinity: AffinityOrAntiAffinity,
    /// In which sense.
    pub scope: PlacementScope,
    /// At least two resources.
    pub resource: Vec<ConstraintResourceRef>,
    /// Granted even when it cannot be met; absent reads as false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback_best_effort: Option<bool>,
}

sol_enum! {
    /// Together or apart.
    pub enum AffinityOrAntiAffinity {
        /// Together.
        Affinity = "AFFINITY",
        /// Apart.
        AntiAffinity = "ANTI_AFFINITY",
    }
}

sol_enum! {
    /// Where "together" and "apart" are judged.
    pub enum PlacementScope {
        /// Point of presence.
        NfviPop = "NFVI_POP",
        /// Resource zone.
        Zone = "ZONE",
        /// Group of resource zones.
        ZoneGroup = "ZONE_GROUP",
        /// Host.
        NfviNode = "NFVI_NODE",
    }
}

/// Resources that go to one VIM (SOL003 clause 9.5.3.7).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VimConstraint {
    /// Into one resource group (tenant, project) too; absent reads as false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub same_resource_group: Option<bool>,
    /// At least two resources.
    pub resource: Vec<ConstraintResourceRef>,
}

/// A resource named by a constraint (SOL003 clause 9.5.3.8).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConstraintResourceRef {
    /// What `resourceId` refers to.
    pub id_type: ConstraintResourceIdType,
    /// A resource in the VIM, or a resource definition of the request.
    pub resource_id: String,
    /// VIM connection, for a resource in a VIM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vim_connection_id: Option<String>,
    /// Resource provider, for a resource in a VIM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_provider_id: Option<String>,
}

sol_enum! {
    /// What a constraint's resource id refers to.
    pub enum ConstraintResourceIdType {
        /// A resource that exists in a VIM.
        ResMgmt = "RES_MGMT",
        /// A resource definition of the grant request.
        Grant = "GRANT",
    }
}

/// Links of a grant request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct GrantRequestLinks {
    /// The operation occurrence.
    pub vnf_lcm_op_occ: Link,
    /// The VNF instance.
    pub vnf_instance: Link,
}

/// Permission for an operation, and where its resources go (SOL003 clause 9.5.2.3).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Grant {
    /// Identifier of the grant.
    pub id: Uuid,
    /// The VNF instance.
    pub vnf_instance_id: Uuid,
    /// The operation occurrence.
    pub vnf_lcm_op_occ_id: Uuid,
    /// VIMs to use, by connection id.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub vim_connection_info: BTreeMap<String, VimConnectionInfo>,
    /// Resource zones referred to below.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub zones: Vec<ZoneInfo>,
    /// Groups of those zones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub zone_groups: Vec<ZoneGroupInfo>,
    /// Added resources.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub add_resources: Vec<GrantInfo>,
    /// Resources that exist during the operation only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub temp_resources: Vec<GrantInfo>,
    /// Removed resources.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remove_resources: Vec<GrantInfo>,
    /// Changed resources.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub update_resources: Vec<GrantInfo>,
    /// Images and flavours already in the VIM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vim_assets: Option<VimAssets>,
    /// External networks; they override those of the request.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ext_virtual_links: Vec<ExtVirtualLinkData>,
    /// Internal networks that exist already.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ext_managed_virtual_links: Vec<ExtManagedVirtualLinkData>,
    /// Anything the VNFM and NFVO agreed on.
    #[serde(default, skip_serializing_if = "KeyValuePairs::is_empty")]
    #[schema(value_type = Object)]
    pub additional_params: KeyValuePairs,
    /// Links.
    #[serde(rename = "_links")]
    pub links: GrantLinks,
}

/// A resource zone (SOL003 clause 9.5.3.4).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ZoneInfo {
    /// Identifier within the grant.
    pub id: String,
    /// The zone in the VIM.
    pub zone_id: String,
    /// VIM connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vim_connection_id: Option<String>,
    /// Resource provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_provider_id: Option<String>,
}

/// Resource zones that belong together (SOL003 clause 9.5.3.5).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ZoneGroupInfo {
    /// `id` of the `ZoneInfo` in the group.
    pub zone_id: Vec<String>,
}

/// Where a resource goes (SOL003 clause 9.5.3.3).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct GrantInfo {
    /// The resource definition of the request.
    pub resource_definition_id: String,
    /// Reservation to use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reservation_id: Option<String>,
    /// VIM connection to use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vim_connection_id: Option<String>,
    /// Resource provider to use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_provider_id: Option<String>,
    /// `id` of the `ZoneInfo` to place it in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone_id: Option<String>,
    /// Resource group (tenant, project) to place it in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_group_id: Option<String>,
}

/// What already exists in the VIMs for this VNF.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VimAssets {
    /// Compute flavours.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub compute_resource_flavours: Vec<VimComputeResourceFlavour>,
    /// Images.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub software_images: Vec<VimSoftwareImage>,
    /// Snapshots.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub snapshot_resources: Vec<VimSnapshotResource>,
}

/// A compute flavour in a VIM (SOL003 clause 9.5.3.9).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VimComputeResourceFlavour {
    /// VIM connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vim_connection_id: Option<String>,
    /// Resource provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_provider_id: Option<String>,
    /// The virtual compute descriptor in the VNFD.
    pub vnfd_virtual_compute_desc_id: String,
    /// The flavour in the VIM.
    pub vim_flavour_id: String,
}

/// An image in a VIM (SOL003 clause 9.5.3.10).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VimSoftwareImage {
    /// VIM connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vim_connection_id: Option<String>,
    /// Resource provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_provider_id: Option<String>,
    /// The software image in the VNFD.
    pub vnfd_software_image_id: String,
    /// The image in the VIM.
    pub vim_software_image_id: String,
}

/// A snapshot in a VIM (SOL003 clause 9.5.3.11).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VimSnapshotResource {
    /// VIM connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vim_connection_id: Option<String>,
    /// Resource provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_provider_id: Option<String>,
    /// VNF snapshot.
    pub vnf_snapshot_id: String,
    /// VNFC snapshot inside it.
    pub vnfc_snapshot_id: String,
    /// Storage snapshot inside that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage_snapshot_id: Option<String>,
    /// The snapshot in the VIM.
    pub vim_snapshot_resource_id: String,
}

/// Links of a grant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct GrantLinks {
    /// The grant itself.
    #[serde(rename = "self")]
    pub self_: Link,
    /// The operation occurrence.
    pub vnf_lcm_op_occ: Link,
    /// The VNF instance.
    pub vnf_instance: Link,
}
