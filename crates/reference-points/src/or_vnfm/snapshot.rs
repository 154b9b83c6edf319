//! VNF snapshots: their resource, the operations on it, and what was captured (SOL003 clauses 5.5.2.20 to 5.5.2.26,
//! 5.5.3.19 to 5.5.3.21).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::connectivity::ResourceHandle;
use super::sol::{Link, Timestamp};
use super::vnf_instance::VnfInstance;
use crate::common::KeyValuePairs;

/// Asks for a VNF snapshot resource, to be filled by an operation or from a package (SOL003 clause 5.5.2.20).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CreateVnfSnapshotInfoRequest {
    /// The VNF snapshot package that it is extracted from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vnf_snapshot_pkg_id: Option<String>,
    /// The record of the snapshot in that package.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vnf_snapshot: Option<serde_json::Value>,
}

/// Asks to modify a VNF snapshot resource (SOL003 clause 5.5.2.24).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VnfSnapshotInfoModificationRequest {
    /// The VNF snapshot package.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vnf_snapshot_pkg_id: Option<String>,
    /// The record of the snapshot in that package.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vnf_snapshot: Option<serde_json::Value>,
}

/// Asks to take a snapshot of a VNF (SOL003 clause 5.5.2.21).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CreateVnfSnapshotRequest {
    /// The VNF snapshot resource that it fills.
    pub vnf_snapshot_info_id: Uuid,
    /// The VNFC concerned, by `vnfcInfo` identifier; absent means all (SOL002 clause 5.5.2.21).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vnfc_instance_id: Option<String>,
    /// Parameters that the VNFD declares for the operation.
    #[serde(default, skip_serializing_if = "KeyValuePairs::is_empty")]
    #[schema(value_type = Object)]
    pub additional_params: KeyValuePairs,
    /// What is kept with the snapshot.
    #[serde(default, skip_serializing_if = "KeyValuePairs::is_empty")]
    #[schema(value_type = Object)]
    pub user_defined_data: KeyValuePairs,
}

/// Asks to return a VNF to a snapshot (SOL003 clause 5.5.2.26).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RevertToVnfSnapshotRequest {
    /// The VNF snapshot resource.
    pub vnf_snapshot_info_id: Uuid,
    /// The VNFC concerned, by `vnfcInfo` identifier; absent means all of the snapshot (SOL002 clause 5.5.2.26).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vnfc_instance_id: Option<String>,
    /// The VNFC snapshot to return that VNFC to; absent means the one in this VNF snapshot (SOL002 clause 5.5.2.26).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vnfc_snapshot_info_id: Option<String>,
    /// Parameters that the VNFD declares for the operation.
    #[serde(default, skip_serializing_if = "KeyValuePairs::is_empty")]
    #[schema(value_type = Object)]
    pub additional_params: KeyValuePairs,
}

/// A VNF snapshot resource (SOL003 clause 5.5.2.22).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VnfSnapshotInfo {
    /// Identifier, which the VNFM gave.
    pub id: Uuid,
    /// The VNF snapshot package.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vnf_snapshot_pkg_id: Option<String>,
    /// What was captured; absent until the operation that captures it has completed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vnf_snapshot: Option<VnfSnapshot>,
    /// Links.
    #[serde(rename = "_links", default, skip_serializing_if = "Option::is_none")]
    pub links: Option<VnfSnapshotInfoLinks>,
}

/// Links of a VNF snapshot resource.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VnfSnapshotInfoLinks {
    /// The resource itself.
    #[serde(rename = "self")]
    pub self_: Link,
    /// The VNF instance that it was taken of, as long as there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken_from: Option<Link>,
}

/// A VNF snapshot (SOL003 clause 5.5.2.23).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VnfSnapshot {
    /// Identifier.
    pub id: Uuid,
    /// The VNF instance.
    pub vnf_instance_id: Uuid,
    /// When taking it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub creation_started_at: Option<Timestamp>,
    /// When it was whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub creation_finished_at: Option<Timestamp>,
    /// The VNFD in force at that time.
    pub vnfd_id: String,
    /// The VNF instance as it was recorded at that time.
    pub vnf_instance: VnfInstance,
    /// Snapshots of its VNFCs.
    #[serde(default)]
    pub vnfc_snapshots: Vec<VnfcSnapshotInfo>,
    /// What the consumer wanted to be kept with it.
    #[serde(default, skip_serializing_if = "KeyValuePairs::is_empty")]
    #[schema(value_type = Object)]
    pub user_defined_data: KeyValuePairs,
    /// Links.
    #[serde(rename = "_links", default, skip_serializing_if = "Option::is_none")]
    pub links: Option<VnfSnapshotLinks>,
}

/// Links of a VNF snapshot.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VnfSnapshotLinks {
    /// The VNF snapshot resource.
    #[serde(rename = "self")]
    pub self_: Link,
    /// VNF-specific state, where the VNFM keeps one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vnf_state_snapshot: Option<Link>,
}

/// What was captured of one VNFC (SOL003 clause 5.5.3.19).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VnfcSnapshotInfo {
    /// Identifier within the VNF snapshot.
    pub id: String,
    /// The VNFC, by `vnfcInfo` identifier.
    pub vnfc_instance_id: String,
    /// When capturing it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub creation_started_at: Option<Timestamp>,
    /// When it was captured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub creation_finished_at: Option<Timestamp>,
    /// The `vnfcResourceInfo` of the VNFC at that time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vnfc_resource_info_id: Option<String>,
    /// The snapshot in the VIM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compute_snapshot_resource: Option<ResourceHandle>,
    /// Snapshots of the volumes of the VNFC.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub storage_snapshot_resources: Vec<StorageSnapshotResource>,
    /// More about it: `consistency` tells how the guest stood (`quiesced`, `crash` as after a power cut, or `stopped`).
    #[serde(default, skip_serializing_if = "KeyValuePairs::is_empty")]
    #[schema(value_type = Object)]
    pub user_defined_data: KeyValuePairs,
}

/// What was captured of a volume.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StorageSnapshotResource {
    /// The `virtualStorageResourceInfo`.
    pub storage_resource_id: String,
    /// The snapshot in the VIM that holds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage_snapshot_resource: Option<ResourceHandle>,
}
