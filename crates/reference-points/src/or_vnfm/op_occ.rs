//! VNF LCM operation occurrences: state, what changed, why it failed (SOL003 clauses 5.5.2.13 and 5.5.3.12 to 5.5.3.15).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::connectivity::{ExtVirtualLinkInfo, ResourceHandle, VimConnectionInfo};
use super::requests::CancelModeType;
use super::sol::{Link, Timestamp, sol_enum};
use crate::common::{KeyValuePairs, ProblemDetails};
use crate::ve_vnfm::LcmCoordResultType;

/// A VNF lifecycle management operation occurrence (SOL003 clause 5.5.2.13).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VnfLcmOpOcc {
    /// Identifier of the occurrence.
    pub id: Uuid,
    /// State.
    pub operation_state: LcmOperationStateType,
    /// When that state was entered.
    pub state_entered_time: Timestamp,
    /// When the operation was asked for.
    pub start_time: Timestamp,
    /// The VNF instance.
    pub vnf_instance_id: Uuid,
    /// The grant, once given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant_id: Option<Uuid>,
    /// Which operation.
    pub operation: LcmOperationType,
    /// The VNFM began it by itself.
    pub is_automatic_invocation: bool,
    /// The request body, as its operation defines it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation_params: Option<serde_json::Value>,
    /// A cancellation was asked for and has not taken effect.
    pub is_cancel_pending: bool,
    /// How it was cancelled, while a cancellation is pending.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancel_mode: Option<CancelModeType>,
    /// Why it failed; present in FAILED_TEMP and FAILED.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ProblemDetails>,
    /// Resources touched so far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_changes: Option<ResourceChanges>,
    /// Attributes changed by a modify operation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed_info: Option<VnfInfoModifications>,
    /// External connectivity changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changed_ext_connectivity: Vec<ExtVirtualLinkInfo>,
    /// Attributes changed with the VNF package; excludes `changedInfo`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modifications_triggered_by_vnf_pkg_change: Option<ModificationsTriggeredByVnfPkgChange>,
    /// The snapshot made or reverted to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vnf_snapshot_info_id: Option<Uuid>,
    /// Coordinations with the VNF or its element manager (from v3.5.1).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lcm_coordinations: Vec<LcmCoordination>,
    /// Coordinations that the other side put off (from v3.5.1).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rejected_lcm_coordinations: Vec<RejectedLcmCoordination>,
    /// Links to what it concerns and to tasks that the present state allows.
    #[serde(rename = "_links", default, skip_serializing_if = "Option::is_none")]
    pub links: Option<VnfLcmOpOccLinks>,
}

/// A coordination of an operation (SOL003 v3.5.1 clause 5.5.2.13).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LcmCoordination {
    /// Its identifier at the other side.
    pub id: String,
    /// The action.
    pub coordination_action_name: String,
    /// How it ended; absent while it goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coordination_result: Option<LcmCoordResultType>,
    /// When it was asked for.
    pub start_time: Timestamp,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_time: Option<Timestamp>,
    /// Whom it was asked of: `MGMT` or `VNF`.
    pub endpoint_type: String,
    /// Seconds after which the other side wants to be asked again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay: Option<u64>,
}

/// A coordination that was put off (SOL003 v3.5.1 clause 5.5.2.13).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RejectedLcmCoordination {
    /// The action.
    pub coordination_action_name: String,
    /// When it was put off.
    pub rejection_time: Timestamp,
    /// Whom it was asked of: `MGMT` or `VNF`.
    pub endpoint_type: String,
    /// Seconds after which the other side wants to be asked again.
    pub delay: u64,
}

sol_enum! {
    /// VNF lifecycle operations (SOL003 clause 5.5.4.5).
    pub enum LcmOperationType {
        /// Instantiate.
        Instantiate = "INSTANTIATE",
        /// Scale an aspect by steps.
        Scale = "SCALE",
        /// Scale to a level.
        ScaleToLevel = "SCALE_TO_LEVEL",
        /// Change the deployment flavour.
        ChangeFlavour = "CHANGE_FLAVOUR",
        /// Terminate.
        Terminate = "TERMINATE",
        /// Heal.
        Heal = "HEAL",
        /// Start or stop.
        Operate = "OPERATE",
        /// Change external connectivity.
        ChangeExtConn = "CHANGE_EXT_CONN",
        /// Modify information.
        ModifyInfo = "MODIFY_INFO",
        /// Create a snapshot.
        CreateSnapshot = "CREATE_SNAPSHOT",
        /// Revert to a snapshot.
        RevertToSnapshot = "REVERT_TO_SNAPSHOT",
        /// Change the current VNF package.
        ChangeVnfpkg = "CHANGE_VNFPKG",
    }
}

sol_enum! {
    /// State of a VNF LCM operation occurrence (SOL003 clause 5.6.2).
    pub enum LcmOperationStateType {
        /// Prepared, not yet granted.
        Starting = "STARTING",
        /// Being carried out.
        Processing = "PROCESSING",
        /// Done.
        Completed = "COMPLETED",
        /// Failed; rests until retry, rollback or fail.
        FailedTemp = "FAILED_TEMP",
        /// Failed for good.
        Failed = "FAILED",
        /// Being undone.
        RollingBack = "ROLLING_BACK",
        /// Undone.
        RolledBack = "ROLLED_BACK",
    }
}

/// Virtualised resources that an operation touched.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResourceChanges {
    /// VNFCs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub affected_vnfcs: Vec<AffectedVnfc>,
    /// Internal virtual links.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub affected_virtual_links: Vec<AffectedVirtualLink>,
    /// Ports on external virtual links.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub affected_ext_link_ports: Vec<AffectedExtLinkPort>,
    /// Storage.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub affected_virtual_storages: Vec<AffectedVirtualStorage>,
}

/// A VNFC that was added, changed or removed (SOL003 clause 5.5.3.13).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AffectedVnfc {
    /// The `VnfcResourceInfo`.
    pub id: String,
    /// Its VDU in the VNFD.
    pub vdu_id: String,
    /// The VNFD when it differs from the instance's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vnfd_id: Option<String>,
    /// What happened.
    pub change_type: ChangeType,
    /// The virtual machine or container.
    pub compute_resource: ResourceHandle,
    /// The resource definition of the grant request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_definition_id: Option<String>,
    /// Resource zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone_id: Option<String>,
    /// Metadata of the resource.
    #[serde(default, skip_serializing_if = "KeyValuePairs::is_empty")]
    #[schema(value_type = Object)]
    pub metadata: KeyValuePairs,
    /// Connection points that were touched.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub affected_vnfc_cp_ids: Vec<String>,
    /// Storage that was attached.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub added_storage_resource_ids: Vec<String>,
    /// Storage that was detached.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub removed_storage_resource_ids: Vec<String>,
}

/// An internal virtual link that was added, changed or removed (SOL003 clause 5.5.3.14).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AffectedVirtualLink {
    /// The `VnfVirtualLinkResourceInfo`.
    pub id: String,
    /// Its descriptor in the VNFD.
    pub vnf_virtual_link_desc_id: String,
    /// The VNFD when it differs from the instance's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vnfd_id: Option<String>,
    /// What happened.
    pub change_type: VirtualLinkChangeType,
    /// The network.
    pub network_resource: ResourceHandle,
    /// Ports that were added or removed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vnf_link_port_ids: Vec<String>,
    /// The resource definition of the grant request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_definition_id: Option<String>,
    /// Resource zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone_id: Option<String>,
    /// Metadata of the resource.
    #[serde(default, skip_serializing_if = "KeyValuePairs::is_empty")]
    #[schema(value_type = Object)]
    pub metadata: KeyValuePairs,
}

/// A port on an external virtual link that was added or removed (SOL003 clause 5.5.3.14a).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AffectedExtLinkPort {
    /// The `ExtLinkPortInfo`.
    pub id: String,
    /// Added or removed; nothing else is allowed here.
    pub change_type: ChangeType,
    /// The external connection point it serves.
    pub ext_cp_instance_id: String,
    /// The port.
    pub resource_handle: ResourceHandle,
    /// The resource definition of the grant request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_definition_id: Option<String>,
}

/// Storage that was added, changed or removed (SOL003 clause 5.5.3.15).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AffectedVirtualStorage {
    /// The `VirtualStorageResourceInfo`.
    pub id: String,
    /// Its descriptor in the VNFD.
    pub virtual_storage_desc_id: String,
    /// The VNFD when it differs from the instance's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vnfd_id: Option<String>,
    /// What happened.
    pub change_type: ChangeType,
    /// The volume.
    pub storage_resource: ResourceHandle,
    /// The resource definition of the grant request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_definition_id: Option<String>,
    /// Resource zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone_id: Option<String>,
    /// Metadata of the resource.
    #[serde(default, skip_serializing_if = "KeyValuePairs::is_empty")]
    #[schema(value_type = Object)]
    pub metadata: KeyValuePairs,
}

sol_enum! {
    /// What happened to a resource.
    pub enum ChangeType {
        /// Made.
        Added = "ADDED",
        /// Gone.
        Removed = "REMOVED",
        /// Changed.
        Modified = "MODIFIED",
        /// Made and removed within the operation.
        Temporary = "TEMPORARY",
    }
}

sol_enum! {
    /// What happened to a virtual link.
    pub enum VirtualLinkChangeType {
        /// Made.
        Added = "ADDED",
        /// Gone.
        Removed = "REMOVED",
        /// Changed.
        Modified = "MODIFIED",
        /// Made and removed within the operation.
        Temporary = "TEMPORARY",
        /// A port was added.
        LinkPortAdded = "LINK_PORT_ADDED",
        /// A port was removed.
        LinkPortRemoved = "LINK_PORT_REMOVED",
    }
}

/// Attributes of a VNF instance that changed (SOL003 clause 5.5.2.12a).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VnfInfoModifications {
    /// New name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vnf_instance_name: Option<String>,
    /// New description.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vnf_instance_description: Option<String>,
    /// Changed configurable properties.
    #[serde(default, skip_serializing_if = "KeyValuePairs::is_empty")]
    #[schema(value_type = Object)]
    pub vnf_configurable_properties: KeyValuePairs,
    /// Changed metadata.
    #[serde(default, skip_serializing_if = "KeyValuePairs::is_empty")]
    #[schema(value_type = Object)]
    pub metadata: KeyValuePairs,
    /// Changed extensions.
    #[serde(default, skip_serializing_if = "KeyValuePairs::is_empty")]
    #[schema(value_type = Object)]
    pub extensions: KeyValuePairs,
    /// Changed VIM connections.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub vim_connection_info: BTreeMap<String, VimConnectionInfo>,
    /// New VNFD.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vnfd_id: Option<String>,
    /// New provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vnf_provider: Option<String>,
    /// New product name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vnf_product_name: Option<String>,
    /// New software version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vnf_software_version: Option<String>,
    /// New VNFD version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vnfd_version: Option<String>,
}

/// Attributes that changed with the VNF package (SOL003 clause 5.5.3.18).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ModificationsTriggeredByVnfPkgChange {
    /// Changed configurable properties.
    #[serde(default, skip_serializing_if = "KeyValuePairs::is_empty")]
    #[schema(value_type = Object)]
    pub vnf_configurable_properties: KeyValuePairs,
    /// Changed metadata.
    #[serde(default, skip_serializing_if = "KeyValuePairs::is_empty")]
    #[schema(value_type = Object)]
    pub metadata: KeyValuePairs,
    /// Changed extensions.
    #[serde(default, skip_serializing_if = "KeyValuePairs::is_empty")]
    #[schema(value_type = Object)]
    pub extensions: KeyValuePairs,
    /// New VNFD.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vnfd_id: Option<String>,
    /// New provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vnf_provider: Option<String>,
    /// New product name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vnf_product_name: Option<String>,
    /// New software version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vnf_software_version: Option<String>,
    /// New VNFD version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vnfd_version: Option<String>,
}

/// Links of a VNF LCM operation occurrence.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VnfLcmOpOccLinks {
    /// The occurrence itself.
    #[serde(rename = "self")]
    pub self_: Link,
    /// The VNF instance.
    pub vnf_instance: Link,
    /// The grant, when its consumer may read it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant: Option<Link>,
    /// Cancel task, while it can be cancelled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancel: Option<Link>,
    /// Retry task, in FAILED_TEMP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<Link>,
    /// Rollback task, in FAILED_TEMP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback: Option<Link>,
    /// Fail task, in FAILED_TEMP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fail: Option<Link>,
    /// The snapshot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vnf_snapshot: Option<Link>,
}
