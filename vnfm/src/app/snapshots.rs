//! VNF snapshots: the resource, and the operations that fill it and return to it (SOL003 clauses 5.4.21 to 5.4.25).

use std::time::Duration;

use db::AnyConnection;
use reference_points::common::{Fault, ProblemDetails, Uuid};
use reference_points::or_vnfm::{
    CreateVnfSnapshotInfoRequest, CreateVnfSnapshotRequest, InstantiationState, LcmOperationType, Link,
    RevertToVnfSnapshotRequest, VnfSnapshotInfo, VnfSnapshotInfoLinks, VnfSnapshotInfoModificationRequest,
    VnfSnapshotLinks,
};
use serde_json::{Value, json};
use service::http::{ApiError, ApiResult, IfMatch};
use service::store::Stored;

use super::around::{Asked, declared_only};
use super::operations::new as new_operation;
use super::{App, cause};
use crate::ops::grants::{self, Change};
use crate::ops::ids::RandomIds;
use crate::ops::inventory::Owned;
use crate::ops::occurrence::{CREATE_SNAPSHOT, REVERT_TO_SNAPSHOT};
use crate::ops::params::OperationParams;
use crate::ops::snapshot::SnapshotUse;
use crate::ops::{revert, snapshot};
use crate::store::{INSTANCES, SNAPSHOTS, SnapshotInfo, snapshots};
use crate::vi::Kind;

const NO_PACKAGES: &str = "this VNFM extracts no VNF snapshot packages";
const NOT_REVERTED: &str = "the VNF cannot be reverted like this";
/// Largest data that is kept with a snapshot, in bytes of JSON.
const MAX_USER_DATA: usize = 64 << 10;

/// What would come out of a VNF snapshot package, which nothing here reads.
fn from_package(package: bool, record: bool) -> Vec<Fault> {
    let given = [("/vnfSnapshotPkgId", package), ("/vnfSnapshot", record)];
    let fault =
        |place: &str| Fault::new(place, NO_PACKAGES).mend("leave it out, and take a snapshot of a VNF instance");
    given.into_iter().filter(|(_, given)| *given).map(|(place, _)| fault(place)).collect()
}

impl App {
    /// Creates a VNF snapshot without content.
    ///
    /// # Errors
    /// 422 when it shall come out of a package.
    pub async fn create_snapshot_info(&self, request: CreateVnfSnapshotInfoRequest) -> ApiResult<Stored<SnapshotInfo>> {
        let faults = from_package(request.vnf_snapshot_pkg_id.is_some(), request.vnf_snapshot.is_some());
        if !faults.is_empty() {
            return Err(ApiError::unprocessable("the VNF snapshot cannot be created like this", faults));
        }
        let (id, now) = (Uuid::new_v4(), self.clock.now_micros());
        let info = VnfSnapshotInfo { id, vnf_snapshot_pkg_id: None, vnf_snapshot: None, links: None };
        db::transaction!(self.db, |tx| {
            Ok::<_, ApiError>(SNAPSHOTS.insert(&mut *tx, id, SnapshotInfo(info.clone()), now).await?)
        })
    }

    /// A VNF snapshot with its links, as clients see it.
    ///
    /// # Errors
    /// What the database says.
    pub async fn shown_snapshot(&self, stored: &Stored<SnapshotInfo>) -> ApiResult<VnfSnapshotInfo> {
        let mut info = stored.document.0.clone();
        let own = Link::new(self.snapshot_url(info.id));
        let mut taken_from = None;
        if let Some(snapshot) = &mut info.vnf_snapshot {
            snapshot.links = Some(VnfSnapshotLinks { self_: own.clone(), vnf_state_snapshot: None });
            let instance = INSTANCES.get(&self.db, snapshot.vnf_instance_id).await?;
            taken_from = instance.map(|stored| Link::new(self.instance_url(stored.id)));
        }
        info.links = Some(VnfSnapshotInfoLinks { self_: own, taken_from });
        Ok(info)
    }

    /// Adds the links to a VNF snapshot of a list.
    pub fn add_snapshot_links(&self, stored: &Stored<SnapshotInfo>, shown: &mut Value) {
        let own = Link::new(self.snapshot_url(stored.id));
        if let Some(Value::Object(snapshot)) = shown.get_mut("vnfSnapshot") {
            snapshot.insert("_links".to_owned(), json!({ "self": own }));
        }
        if let Value::Object(members) = shown {
            members.insert("_links".to_owned(), json!({ "self": own }));
        }
    }

    fn snapshot_url(&self, id: Uuid) -> String {
        format!("{}/vnflcm/v2/vnf_snapshots/{id}", self.base)
    }

    /// Modifies a VNF snapshot that has no content yet. What can be modified comes out of packages alone, so that every
    /// value is refused.
    ///
    /// # Errors
    /// 404, 409 when it has content or an operation fills it, 412, 422.
    pub async fn modify_snapshot(
        &self,
        id: Uuid,
        if_match: IfMatch,
        patch: VnfSnapshotInfoModificationRequest,
    ) -> ApiResult<Value> {
        let stored = SNAPSHOTS.require(&self.db, id).await?;
        if_match.check(&stored.etag())?;
        if stored.document.0.vnf_snapshot.is_some() {
            let problem = ProblemDetails::conflict(format!("VNF snapshot {id} has content, which stays as it is"));
            return Err(problem.next("create another one").into());
        }
        if let Some(op) = snapshots::user(&mut *self.db.pool.acquire().await?, id).await? {
            return Err(self.snapshot_in_use(id, op));
        }
        let faults = from_package(patch.vnf_snapshot_pkg_id.is_some(), patch.vnf_snapshot.is_some());
        if faults.is_empty() {
            return Ok(json!({}));
        }
        Err(ApiError::unprocessable("the VNF snapshot cannot be modified like this", faults))
    }

    /// The VNF-specific state of a VNF snapshot, which this VNFM never has.
    ///
    /// # Errors
    /// 404; 409 while the snapshot has no content.
    pub async fn snapshot_state(&self, id: Uuid) -> ApiResult<()> {
        let stored = SNAPSHOTS.require(&self.db, id).await?;
        if stored.document.0.vnf_snapshot.is_none() {
            let problem = ProblemDetails::conflict(format!("VNF snapshot {id} has no content yet"));
            return Err(problem.next("take a snapshot of a VNF instance into it").into());
        }
        let detail = format!(
            "VNF state snapshot of VNF snapshot {id}: none was stored, for this VNFM captures disks and no state that only the VNF knows"
        );
        Err(ApiError::new(ProblemDetails::new(404, "Not Found", detail)))
    }

    /// Deletes a VNF snapshot and what of it is in VIMs.
    ///
    /// # Errors
    /// 404, 409 while an operation uses it, 412, or what a VIM says; then nothing else can be done with it.
    pub async fn delete_snapshot(&self, id: Uuid, if_match: IfMatch) -> ApiResult<()> {
        let parts = db::transaction!(self.db, |tx| {
            let stored = SNAPSHOTS.lock(&mut *tx, id).await?;
            if_match.check(&stored.etag())?;
            match snapshots::user(&mut *tx, id).await? {
                Some(op) if !op.is_nil() => return Err(self.snapshot_in_use(id, op)),
                _ => snapshots::set_user(&mut *tx, id, Some(Uuid::nil())).await?,
            }
            Ok::<_, ApiError>(snapshots::parts(&mut *tx, id).await?)
        })?;
        for part in &parts {
            self.vi.0.delete(&part.at, Kind::Snapshot, part.id).await.map_err(vim_says)?;
            if self.vi.0.snapshot(&part.at, part.id).await.map_err(vim_says)?.is_some() {
                let detail = format!("the VIM is removing snapshot {} of VNF snapshot {id}", part.id);
                return Err(ApiError::unavailable(detail, Duration::from_secs(1)));
            }
        }
        db::transaction!(self.db, |tx| {
            snapshots::put_parts(&mut *tx, id, &[]).await?;
            snapshots::set_user(&mut *tx, id, None).await?;
            SNAPSHOTS.delete(&mut *tx, id, None).await?;
            Ok::<_, ApiError>(())
        })
    }

    fn snapshot_in_use(&self, id: Uuid, op: Uuid) -> ApiError {
        if op.is_nil() {
            let problem = ProblemDetails::conflict(format!("VNF snapshot {id} is being deleted"));
            return problem.next(format!("DELETE {} again", self.snapshot_url(id))).into();
        }
        let mut problem = ProblemDetails::conflict(format!("operation {op} uses VNF snapshot {id}"));
        problem.instance = Some(format!("{}/vnflcm/v2/vnf_lcm_op_occs/{op}", self.base));
        problem.next(format!("mano op show {op}; wait for it, or retry, roll back or fail it")).into()
    }

    /// Gives a VNF snapshot to an operation until that rests; `filled` says whether it must have content or none.
    ///
    /// # Errors
    /// 409 when another has it, or it has content or none.
    pub(super) async fn claim(&self, tx: &mut AnyConnection, id: Uuid, filled: bool, op: Uuid) -> ApiResult<()> {
        let Ok(stored) = SNAPSHOTS.lock(&mut *tx, id).await else {
            return Err(unknown(id));
        };
        if let Some(other) = snapshots::user(&mut *tx, id).await? {
            return Err(self.snapshot_in_use(id, other));
        }
        let has = stored.document.0.vnf_snapshot.is_some();
        let rest = !filled && !snapshots::parts(&mut *tx, id).await?.is_empty();
        let problem = match (has, filled) {
            (true, false) => Some(("has content already", "create another VNF snapshot")),
            (false, true) => Some(("has no content", "take a snapshot into it first")),
            (false, false) if rest => {
                Some(("has what an operation that was given up left", "delete it, create another"))
            }
            _ => None,
        };
        match problem {
            Some((what, next)) => Err(ProblemDetails::conflict(format!("VNF snapshot {id} {what}")).next(next).into()),
            None => Ok(snapshots::set_user(tx, id, Some(op)).await?),
        }
    }

    /// Begins to take a snapshot; returns the occurrence's id.
    ///
    /// # Errors
    /// 404, 409, or 422 with every fault of the request.
    pub async fn take_snapshot(&self, id: Uuid, request: CreateVnfSnapshotRequest) -> ApiResult<Uuid> {
        if json!(request.user_defined_data).to_string().len() > MAX_USER_DATA {
            let fault = Fault::new("/userDefinedData", format!("it is larger than {MAX_USER_DATA} bytes"));
            return Err(ApiError::fault(fault));
        }
        let running = self.running(id).await?;
        let additional = &request.additional_params;
        let (vnfd, flavour) = (&running.known.vnfd, &running.facts.flavour_id);
        declared_only(Some(vnfd), flavour, CREATE_SNAPSHOT, additional)?;
        let info = request.vnf_snapshot_info_id;
        let vnfcs = running.vnfcs(request.vnfc_instance_id.as_slice())?;
        let op = Uuid::new_v4();
        let change = Change { update: &vnfcs, ..Change::default() };
        let grant = grants::request(&self.asking(op, &running), LcmOperationType::CreateSnapshot, &change);
        let plan = snapshot::plan(info, &vnfcs, &grant, &mut RandomIds);
        let plan = plan.map_err(|e| cause::submit(e.into(), &self.base))?;
        let asked = Asked { kind: CREATE_SNAPSHOT, additional, properties: None, change: None };
        let plan = self.around(vnfd, flavour, &asked, plan)?;
        let used = SnapshotUse {
            info,
            instance: Some(running.stored.document.0.clone()),
            user_defined_data: request.user_defined_data.clone(),
        };
        let params =
            OperationParams { snapshot: Some(Box::new(used)), ..running.params(&request, running.facts.clone()) };
        let operation = new_operation(op, CREATE_SNAPSHOT, id, &params, plan);
        self.submit_using(&running.stored, InstantiationState::Instantiated, operation, Some((info, false))).await
    }

    /// Begins a return to a snapshot; returns the occurrence's id.
    ///
    /// # Errors
    /// 404, 409, or 422 with every fault of the request.
    pub async fn revert_to_snapshot(&self, id: Uuid, request: RevertToVnfSnapshotRequest) -> ApiResult<Uuid> {
        let running = self.running(id).await?;
        let additional = &request.additional_params;
        let (vnfd, flavour) = (&running.known.vnfd, &running.facts.flavour_id);
        declared_only(Some(vnfd), flavour, REVERT_TO_SNAPSHOT, additional)?;
        let info = request.vnf_snapshot_info_id;
        let Some(stored) = SNAPSHOTS.get(&self.db, info).await? else { return Err(unknown(info)) };
        let Some(taken) = stored.document.0.vnf_snapshot else {
            let problem = ProblemDetails::conflict(format!("VNF snapshot {info} has no content"));
            return Err(problem.next("take a snapshot into it first").into());
        };
        let instance = &running.stored.document.0;
        let mut faults = other_vnf(&taken, instance);
        faults.extend(named_snapshot(&request));
        let found = revert::returns(&taken, &running.has, request.vnfc_instance_id.as_deref());
        let returns = match (found, faults.is_empty()) {
            (Ok(returns), true) => returns,
            (found, _) => {
                // Those of another VNF would only repeat that it is another.
                let more = if faults.is_empty() { found.err().unwrap_or_default() } else { Vec::new() };
                faults.extend(more);
                return Err(ApiError::unprocessable(NOT_REVERTED, faults));
            }
        };
        let op = Uuid::new_v4();
        let vnfcs: Vec<Owned> = returns.iter().map(|r| r.vnfc.clone()).collect();
        let change = Change { update: &vnfcs, ..Change::default() };
        let mut grant = grants::request(&self.asking(op, &running), LcmOperationType::RevertToSnapshot, &change);
        revert::define(&mut grant, taken.id, &returns);
        let plan = revert::plan(taken.id, &returns, &grant, &mut RandomIds);
        let plan = plan.map_err(|e| cause::submit(e.into(), &self.base))?;
        let asked = Asked { kind: REVERT_TO_SNAPSHOT, additional, properties: None, change: None };
        let plan = self.around(vnfd, flavour, &asked, plan)?;
        let used = SnapshotUse { info, instance: None, user_defined_data: serde_json::Map::new() };
        let params =
            OperationParams { snapshot: Some(Box::new(used)), ..running.params(&request, running.facts.clone()) };
        let operation = new_operation(op, REVERT_TO_SNAPSHOT, id, &params, plan);
        self.submit_using(&running.stored, InstantiationState::Instantiated, operation, Some((info, true))).await
    }
}

fn unknown(id: Uuid) -> ApiError {
    let fault = Fault::new("/vnfSnapshotInfoId", format!("there is no VNF snapshot {id}"));
    ApiError::unprocessable("the VNF snapshot is not known", vec![fault.mend("POST /vnflcm/v2/vnf_snapshots first")])
}

/// Why a snapshot is not one of this VNF.
fn other_vnf(
    taken: &reference_points::or_vnfm::VnfSnapshot,
    instance: &reference_points::or_vnfm::VnfInstance,
) -> Vec<Fault> {
    let mut faults = Vec::new();
    if taken.vnf_instance_id != instance.id {
        let text = format!("it is a snapshot of VNF instance {}", taken.vnf_instance_id);
        faults.push(Fault::new("/vnfSnapshotInfoId", text).mend("name one of this VNF instance"));
    } else if taken.vnfd_id != instance.vnfd_id {
        let text =
            format!("it was taken when the VNF was of VNFD {}, and it is of {}", taken.vnfd_id, instance.vnfd_id);
        faults.push(Fault::new("/vnfSnapshotInfoId", text).mend("change the VNF package back first"));
    }
    faults
}

/// A VNFC snapshot goes by the name of its VNFC.
fn named_snapshot(request: &RevertToVnfSnapshotRequest) -> Option<Fault> {
    let named = request.vnfc_snapshot_info_id.as_ref()?;
    match &request.vnfc_instance_id {
        Some(vnfc) if vnfc == named => None,
        Some(vnfc) => {
            let text = format!("the VNF snapshot has one VNFC snapshot of {vnfc:?}, and it is called that");
            Some(Fault::new("/vnfcSnapshotInfoId", text).mend("leave it out"))
        }
        None => {
            let text = "it has a meaning only with vnfcInstanceId";
            Some(Fault::new("/vnfcSnapshotInfoId", text).mend("leave it out, or name the VNFC too"))
        }
    }
}

fn vim_says(error: reference_points::common::CallError) -> ApiError {
    ApiError::new(error.to_problem())
}
