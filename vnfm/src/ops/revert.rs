//! Revert to VNF snapshot (SOL003 clause 5.4.22): the disks and volumes of each VNFC become what they were, all VNFCs side
//! by side; identifiers, ports and addresses stay. A rollback brings back what they held before.

use lcm::{Plan, PlanFaults, StepSpec, StepView};
use reference_points::common::Fault;
use reference_points::or_vnfm::{
    GrantRequest, ResourceHandle, SnapshotResourceDefinition, VnfSnapshot, VnfcSnapshotInfo,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::ids::IdSource;
use super::instantiate::{GRANT, grant_step, key};
use super::inventory::{Owned, volumes_of};
use crate::vi::VimRef;

/// Parameters of the step that returns a VNFC to a snapshot.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RevertParams {
    /// Tells this return from every other.
    pub id: Uuid,
    /// The VNF snapshot.
    pub vnf_snapshot: Uuid,
    /// The VNFC snapshot in it.
    pub vnfc_snapshot: String,
    /// The VNFC.
    pub vnfc: Owned,
}

/// What a VIM keeps of a compute from before a return.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Former {
    /// The compute.
    pub compute: Uuid,
    /// The return.
    pub revert: Uuid,
    /// Where.
    pub at: VimRef,
}

/// A VNFC and what it returns to.
#[derive(Debug, Clone, PartialEq)]
pub struct Return {
    /// The VNFC.
    pub vnfc: Owned,
    /// What it returns to.
    pub to: VnfcSnapshotInfo,
}

/// Which VNFCs return to which snapshots: all of the VNF snapshot, or the one that is named.
///
/// # Errors
/// Every reason why that cannot be.
pub fn returns(snapshot: &VnfSnapshot, present: &[Owned], vnfc: Option<&str>) -> Result<Vec<Return>, Vec<Fault>> {
    let (mut found, mut faults) = (Vec::new(), Vec::new());
    let place = "/vnfSnapshotInfoId";
    let there = |name: &str| present.iter().find(|o| o.vnfc().is_some_and(|v| v.name == name));
    let meant: Vec<&VnfcSnapshotInfo> =
        snapshot.vnfc_snapshots.iter().filter(|s| vnfc.is_none_or(|name| s.vnfc_instance_id == name)).collect();
    if let Some(name) = vnfc.filter(|_| meant.is_empty()) {
        let known: Vec<&str> = snapshot.vnfc_snapshots.iter().map(|s| s.vnfc_instance_id.as_str()).collect();
        let fault = Fault::new("/vnfcInstanceId", format!("the snapshot has nothing of VNFC {name:?}"));
        faults.push(fault.mend(format!("one of {}", known.join(", "))));
    }
    for captured in meant {
        let name = &captured.vnfc_instance_id;
        let Some(owned) = there(name) else {
            let fault = Fault::new(place, format!("VNFC {name}, which the snapshot holds, is not there any more"));
            faults.push(fault.mend("scale the VNF so that it is, or name one VNFC"));
            continue;
        };
        if captured.vnfc_resource_info_id != Some(owned.id().to_string()) {
            let fault = Fault::new(place, format!("VNFC {name} is another one than that of the snapshot"));
            faults.push(fault.mend("it was removed and made anew since"));
            continue;
        }
        let mut has: Vec<String> = owned.vnfc().into_iter().flat_map(volumes_of).map(|id| id.to_string()).collect();
        let mut had: Vec<String> =
            captured.storage_snapshot_resources.iter().map(|s| s.storage_resource_id.clone()).collect();
        has.sort_unstable();
        had.sort_unstable();
        if has != had {
            faults.push(Fault::new(place, format!("VNFC {name} has other volumes than when the snapshot was taken")));
            continue;
        }
        found.push(Return { vnfc: owned.clone(), to: captured.clone() });
    }
    if vnfc.is_none() {
        let held = |name: &str| snapshot.vnfc_snapshots.iter().any(|s| s.vnfc_instance_id == name);
        for more in present.iter().filter_map(Owned::vnfc).filter(|v| !held(&v.name)) {
            let fault = Fault::new(place, format!("the snapshot has nothing of VNFC {}", more.name));
            faults.push(fault.mend("scale the VNF in, or name the VNFC that shall return with vnfcInstanceId"));
        }
    }
    if faults.is_empty() { Ok(found) } else { Err(faults) }
}

/// Names in a grant request what each resource returns to.
pub fn define(request: &mut GrantRequest, snapshot: Uuid, returns: &[Return]) {
    for definition in &mut request.update_resources {
        let Some(found) = returns.iter().find(|r| r.vnfc.id().to_string() == definition.id) else { continue };
        let handle: Option<ResourceHandle> = found.to.compute_snapshot_resource.clone();
        definition.snapshot_res_def = Some(SnapshotResourceDefinition {
            vnf_snapshot_id: snapshot.to_string(),
            vnfc_snapshot_id: Some(found.to.id.clone()),
            storage_snapshot_id: None,
            snapshot_resource: handle,
        });
    }
}

/// The plan.
///
/// # Errors
/// When there are more VNFCs than the engine allows steps.
pub fn plan(
    snapshot: Uuid,
    returns: &[Return],
    grant: &GrantRequest,
    ids: &mut dyn IdSource,
) -> Result<Plan, PlanFaults> {
    let mut steps = vec![grant_step(grant)];
    for Return { vnfc, to } in returns {
        let params =
            RevertParams { id: ids.mint(), vnf_snapshot: snapshot, vnfc_snapshot: to.id.clone(), vnfc: vnfc.clone() };
        let title = format!("Revert {} to the snapshot", vnfc.name());
        steps.push(StepSpec::new(key("revert", vnfc.name()), "revert", title).params(json!(params)).after(GRANT));
    }
    Plan::new(steps)
}

/// What VIMs may keep from before the returns.
pub fn formers(steps: &[StepView]) -> Vec<Former> {
    let begun = steps.iter().filter(|step| step.kind == "revert" && step.started_at.is_some());
    let params = begun.filter_map(|step| RevertParams::deserialize(step.params.as_ref()).ok());
    params.map(|p| Former { compute: p.vnfc.id(), revert: p.id, at: p.vnfc.at }).collect()
}
