//! NS LCM operation occurrences: state, what changed, why it failed (SOL005 clauses 6.5.2.4 and 6.5.3.2 to 6.5.3.7).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::common::{KeyValuePairs, ProblemDetails};
use crate::or_vnfm::sol::{Link, Timestamp, sol_enum};
use crate::or_vnfm::{CancelModeType, ExtVirtualLinkInfo, ModificationsTriggeredByVnfPkgChange};

/// An NS lifecycle management operation occurrence (SOL005 clause 6.5.2.4).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NsLcmOpOcc {
    /// Identifier of the occurrence.
    pub id: Uuid,
    /// State.
    pub operation_state: NsLcmOperationStateType,
    /// When that state was entered.
    pub status_entered_time: Timestamp,
    /// The NS instance.
    pub ns_instance_id: Uuid,
    /// Which operation.
    pub lcm_operation_type: NsLcmOpType,
    /// When the operation was asked for.
    pub start_time: Timestamp,
    /// The NFVO began it by itself.
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
    /// What was touched so far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_changes: Option<NsResourceChanges>,
    /// Links to what it concerns and to tasks that the present state allows.
    #[serde(rename = "_links")]
    pub links: NsLcmOpOccLinks,
}

sol_enum! {
    /// NS lifecycle operations (SOL005 clause 6.5.4.3).
    pub enum NsLcmOpType {
        /// Instantiate.
        Instantiate = "INSTANTIATE",
        /// Scale.
        Scale = "SCALE",
        /// Update.
        Update = "UPDATE",
        /// Terminate.
        Terminate = "TERMINATE",
        /// Heal.
        Heal = "HEAL",
    }
}

sol_enum! {
    /// State of an NS LCM operation occurrence (SOL005 clause 6.6.2). There is no STARTING here.
    pub enum NsLcmOperationStateType {
        /// Being carried out.
        Processing = "PROCESSING",
        /// Done.
        Completed = "COMPLETED",
        /// Failed; rests until retry, rollback, continue or fail.
        FailedTemp = "FAILED_TEMP",
        /// Failed for good.
        Failed = "FAILED",
        /// Being undone.
        RollingBack = "ROLLING_BACK",
        /// Undone.
        RolledBack = "ROLLED_BACK",
    }
}

/// What an NS operation touched.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NsResourceChanges {
    /// VNF instances.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub affected_vnfs: Vec<AffectedVnf>,
    /// PNFs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub affected_pnfs: Vec<AffectedPnf>,
    /// NS virtual links.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub affected_vls: Vec<AffectedNsVirtualLink>,
    /// VNF forwarding graphs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub affected_vnffgs: Vec<AffectedVnffg>,
    /// Nested NS instances.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub affected_nss: Vec<AffectedNs>,
    /// Service access points.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub affected_saps: Vec<AffectedSap>,
}

/// A VNF instance that an NS operation touched (SOL005 clause 6.5.3.2).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AffectedVnf {
    /// The VNF instance.
    pub vnf_instance_id: Uuid,
    /// Its VNFD.
    pub vnfd_id: String,
    /// Its profile in the NSD.
    pub vnf_profile_id: String,
    /// Its name.
    pub vnf_name: String,
    /// What was done.
    pub change_type: AffectedVnfChangeType,
    /// How that ended.
    pub change_result: ChangeResult,
    /// Information and connectivity that changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed_info: Option<AffectedVnfChangedInfo>,
}

sol_enum! {
    /// What an NS operation did to a VNF instance.
    pub enum AffectedVnfChangeType {
        /// Taken in.
        Add = "ADD",
        /// Let go.
        Remove = "REMOVE",
        /// Instantiated.
        Instantiate = "INSTANTIATE",
        /// Terminated.
        Terminate = "TERMINATE",
        /// Scaled.
        Scale = "SCALE",
        /// Deployment flavour changed.
        ChangeFlavour = "CHANGE_FLAVOUR",
        /// Healed.
        Heal = "HEAL",
        /// Started or stopped.
        Operate = "OPERATE",
        /// Information modified.
        ModifyInformation = "MODIFY_INFORMATION",
        /// External connectivity changed.
        ChangeExternalVnfConnectivity = "CHANGE_EXTERNAL_VNF_CONNECTIVITY",
        /// VNF package changed.
        ChangeVnfpkg = "CHANGE_VNFPKG",
    }
}

sol_enum! {
    /// How a change ended.
    pub enum ChangeResult {
        /// Done.
        Completed = "COMPLETED",
        /// Undone.
        RolledBack = "ROLLED_BACK",
        /// Failed.
        Failed = "FAILED",
    }
}

/// Information and connectivity of a VNF instance that changed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AffectedVnfChangedInfo {
    /// Information.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed_vnf_info: Option<ModifyVnfInfoData>,
    /// External connectivity.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changed_ext_connectivity: Vec<ExtVirtualLinkInfo>,
    /// What changed with the VNF package.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modifications_triggered_by_vnf_pkg_change: Option<ModificationsTriggeredByVnfPkgChange>,
}

/// Information of a VNF instance that changed (SOL005 clause 6.5.3.30).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ModifyVnfInfoData {
    /// The VNF instance.
    pub vnf_instance_id: Uuid,
    /// New name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vnf_instance_name: Option<String>,
    /// New description.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vnf_instance_description: Option<String>,
    /// New VNFD.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vnfd_id: Option<String>,
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
}

/// A PNF that an NS operation touched (SOL005 clause 6.5.3.3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AffectedPnf {
    /// The PNF.
    pub pnf_id: String,
    /// Its descriptor.
    pub pnfd_id: String,
    /// Its profile in the NSD.
    pub pnf_profile_id: String,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pnf_name: Option<String>,
    /// Its connection points.
    pub cp_instance_id: Vec<String>,
    /// What was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change_type: Option<AddRemoveModify>,
    /// How that ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change_result: Option<ChangeResult>,
}

sol_enum! {
    /// What an NS operation did to a part of the NS.
    pub enum AddRemoveModify {
        /// Made or taken in.
        Add = "ADD",
        /// Removed or let go.
        Remove = "REMOVE",
        /// Changed.
        Modify = "MODIFY",
    }
}

/// An NS virtual link that an NS operation touched (SOL005 clause 6.5.3.4, `AffectedVirtualLink` there).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AffectedNsVirtualLink {
    /// The `NsVirtualLinkInfo`.
    pub ns_virtual_link_instance_id: String,
    /// Its descriptor in the NSD.
    pub ns_virtual_link_desc_id: String,
    /// Its profile in the NSD.
    pub vl_profile_id: String,
    /// What was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change_type: Option<NsVirtualLinkChangeType>,
    /// How that ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change_result: Option<ChangeResult>,
}

sol_enum! {
    /// What an NS operation did to a virtual link.
    pub enum NsVirtualLinkChangeType {
        /// Made.
        Add = "ADD",
        /// Deleted.
        Delete = "DELETE",
        /// Changed.
        Modify = "MODIFY",
        /// A port was added.
        AddLinkPort = "ADD_LINK_PORT",
        /// A port was removed.
        RemoveLinkPort = "REMOVE_LINK_PORT",
    }
}

/// A VNF forwarding graph that an NS operation touched (SOL005 clause 6.5.3.5).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AffectedVnffg {
    /// The `VnffgInfo`.
    pub vnffg_instance_id: String,
    /// Its descriptor in the NSD.
    pub vnffgd_id: String,
    /// What was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change_type: Option<AddDeleteModify>,
    /// How that ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change_result: Option<ChangeResult>,
}

sol_enum! {
    /// What an NS operation did to a forwarding graph.
    pub enum AddDeleteModify {
        /// Made.
        Add = "ADD",
        /// Deleted.
        Delete = "DELETE",
        /// Changed.
        Modify = "MODIFY",
    }
}

/// A nested NS instance that an NS operation touched (SOL005 clause 6.5.3.6).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AffectedNs {
    /// The NS instance.
    pub ns_instance_id: Uuid,
    /// Its NSD.
    pub nsd_id: String,
    /// What was done.
    pub change_type: AffectedNsChangeType,
    /// How that ended.
    pub change_result: NsChangeResult,
    /// Connections over wide area networks that changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed_info: Option<serde_json::Value>,
}

sol_enum! {
    /// What an NS operation did to a nested NS.
    pub enum AffectedNsChangeType {
        /// Taken in.
        Add = "ADD",
        /// Let go.
        Remove = "REMOVE",
        /// Instantiated.
        Instantiate = "INSTANTIATE",
        /// Scaled.
        Scale = "SCALE",
        /// Updated.
        Update = "UPDATE",
        /// Healed.
        Heal = "HEAL",
        /// Terminated.
        Terminate = "TERMINATE",
    }
}

sol_enum! {
    /// How a change of a nested NS ended.
    pub enum NsChangeResult {
        /// Done.
        Completed = "COMPLETED",
        /// Undone.
        RolledBack = "ROLLED_BACK",
        /// Failed.
        Failed = "FAILED",
        /// Done in part.
        PartiallyCompleted = "PARTIALLY_COMPLETED",
    }
}

/// A service access point that an NS operation touched (SOL005 clause 6.5.3.7).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AffectedSap {
    /// The `SapInfo`.
    pub sap_instance_id: String,
    /// Its descriptor in the NSD.
    pub sapd_id: String,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sap_name: Option<String>,
    /// What was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change_type: Option<AddRemoveModify>,
    /// How that ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change_result: Option<ChangeResult>,
}

/// Links of an NS LCM operation occurrence.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NsLcmOpOccLinks {
    /// The occurrence itself.
    #[serde(rename = "self")]
    pub self_: Link,
    /// The NS instance.
    pub ns_instance: Link,
    /// Cancel task, while it can be cancelled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancel: Option<Link>,
    /// Retry task, in FAILED_TEMP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<Link>,
    /// Rollback task, in FAILED_TEMP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback: Option<Link>,
    /// Continue task, in FAILED_TEMP.
    #[serde(rename = "continue", default, skip_serializing_if = "Option::is_none")]
    pub continue_: Option<Link>,
    /// Fail task, in FAILED_TEMP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fail: Option<Link>,
}
