//! Create VNF snapshot (SOL003 clause 5.4.21): each VNFC's disks are captured as they are at one moment, all VNFCs side by
//! side; the VNF goes on. And what is recorded of that (clause 5.5.2.23).

use lcm::{OperationView, Plan, PlanFaults, StepSpec, StepState, StepView};
use reference_points::common::KeyValuePairs;
use reference_points::or_vi::Snapshot;
use reference_points::or_vnfm::{
    GrantRequest, ResourceHandle, StorageSnapshotResource, Timestamp, VnfInstance, VnfSnapshot, VnfcSnapshotInfo,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::ids::IdSource;
use super::instantiate::{GRANT, grant_step, key};
use super::inventory::{Owned, output};
use crate::vi::VimRef;

/// The VNF snapshot that an operation makes or returns to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SnapshotUse {
    /// The VNF snapshot resource.
    pub info: Uuid,
    /// The VNF instance as it is recorded, of one that is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<VnfInstance>,
    /// What is kept with it.
    #[serde(default, skip_serializing_if = "KeyValuePairs::is_empty")]
    pub user_defined_data: KeyValuePairs,
}

/// Parameters of the step that captures a VNFC.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SnapshotParams {
    /// Its id in the VIM.
    pub id: Uuid,
    /// The VNF snapshot resource, which owns it.
    pub info: Uuid,
    /// The VNFC.
    pub vnfc: Owned,
}

/// A snapshot in a VIM that belongs to a VNF snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SnapshotPart {
    /// Its id there.
    pub id: Uuid,
    /// Where it is.
    pub at: VimRef,
}

/// The plan.
///
/// # Errors
/// When there are more VNFCs than the engine allows steps.
pub fn plan(info: Uuid, vnfcs: &[Owned], grant: &GrantRequest, ids: &mut dyn IdSource) -> Result<Plan, PlanFaults> {
    let mut steps = vec![grant_step(grant)];
    for vnfc in vnfcs {
        let params = SnapshotParams { id: ids.mint(), info, vnfc: vnfc.clone() };
        let title = format!("Take a snapshot of {}", vnfc.name());
        steps.push(StepSpec::new(key("snapshot", vnfc.name()), "snapshot", title).params(json!(params)).after(GRANT));
    }
    Plan::new(steps)
}

fn params(step: &StepView) -> Option<SnapshotParams> {
    SnapshotParams::deserialize(step.params.as_ref()).ok().filter(|_| step.kind == "snapshot")
}

/// What the steps may have left in VIMs.
pub fn parts(steps: &[StepView]) -> Vec<SnapshotPart> {
    let left = steps.iter().filter(|step| !step.state.is_clean());
    left.filter_map(params).map(|p| SnapshotPart { id: p.id, at: p.vnfc.at }).collect()
}

/// The record of a snapshot that was taken. `at` is the time of its end, microseconds since the epoch.
pub fn taken(op: &OperationView, steps: &[StepView], used: &SnapshotUse, at: i64) -> Option<VnfSnapshot> {
    let instance = used.instance.clone()?;
    let vnfcs = steps.iter().filter(|step| step.state == StepState::Done).filter_map(vnfc);
    Some(VnfSnapshot {
        id: used.info,
        vnf_instance_id: instance.id,
        creation_started_at: Some(Timestamp::from_micros(op.created_at)),
        creation_finished_at: Some(Timestamp::from_micros(at)),
        vnfd_id: instance.vnfd_id.clone(),
        vnf_instance: instance,
        vnfc_snapshots: vnfcs.collect(),
        user_defined_data: used.user_defined_data.clone(),
        links: None,
    })
}

fn vnfc(step: &StepView) -> Option<VnfcSnapshotInfo> {
    let params = params(step)?;
    let captured: Snapshot = output(step)?;
    let handle = ResourceHandle {
        vim_connection_id: Some(params.vnfc.at.vim.to_string()),
        resource_provider_id: None,
        resource_id: params.id.to_string(),
        vim_level_resource_type: Some("snapshot".to_owned()),
    };
    let storage = captured.volumes.iter().map(|volume| StorageSnapshotResource {
        storage_resource_id: volume.to_string(),
        storage_snapshot_resource: Some(handle.clone()),
    });
    let consistency = captured.consistency.map(|how| ("consistency".to_owned(), json!(how)));
    Some(VnfcSnapshotInfo {
        id: params.vnfc.name().to_owned(),
        vnfc_instance_id: params.vnfc.name().to_owned(),
        creation_started_at: step.started_at.map(Timestamp::from_micros),
        creation_finished_at: step.finished_at.map(Timestamp::from_micros),
        vnfc_resource_info_id: Some(params.vnfc.id().to_string()),
        storage_snapshot_resources: storage.collect(),
        compute_snapshot_resource: Some(handle),
        user_defined_data: consistency.into_iter().collect(),
    })
}
