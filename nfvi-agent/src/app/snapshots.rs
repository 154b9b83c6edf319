//! Requests about snapshots: ensure, look, remove. The reconciler takes and removes them.

use db::AnyConnection;
use reference_points::common::{Fault, ProblemDetails, TraceContext};
use reference_points::nf_vi::{AgentEvent, Snapshot, SnapshotSpec, SnapshotState};
use service::http::{ApiError, ApiResult};
use uuid::Uuid;

use super::images::failure;
use super::{Agent, check, difference};
use crate::store;
use crate::store::snapshots::SnapshotRow;

impl Agent {
    /// Ensures a snapshot. True if it is new.
    ///
    /// # Errors
    /// 400 with every fault of the specification, 409 naming the members that differ, 422 when the machine is not here.
    pub async fn put_snapshot(&self, id: Uuid, spec: SnapshotSpec) -> ApiResult<(Snapshot, bool)> {
        let faults = check::snapshot(&spec);
        if !faults.is_empty() {
            return Err(ApiError::faults("the snapshot's specification", faults));
        }
        let now = self.clock.now_micros();
        let trace = TraceContext::current().map(|trace| trace.to_string());
        let (row, new) = db::transaction!(self.db, |tx| {
            let tx: &mut AnyConnection = tx;
            let old = store::snapshots::get(&mut *tx, id).await?;
            if let Some(old) = &old {
                unchanged(old, &spec)?;
                if old.state != SnapshotState::Error {
                    return Ok((old.clone(), false));
                }
            }
            if store::machines::get(&mut *tx, spec.machine_id).await?.is_none_or(|machine| machine.deleting) {
                let fault = Fault::new("/machineId", format!("machine {} is not on this host", spec.machine_id));
                let detail = format!("snapshot {id} cannot be taken: {}", fault.message);
                return Err(ApiError::unprocessable(detail, vec![fault.mend("name one that is")]));
            }
            let row = SnapshotRow {
                id,
                spec: spec.clone(),
                state: SnapshotState::Building,
                problem: None,
                consistency: None,
                disks: Vec::new(),
                taken_at: 0,
                trace: trace.clone(),
            };
            store::snapshots::put(&mut *tx, &row, now).await?;
            Ok::<_, ApiError>((row, old.is_none()))
        })?;
        self.wake(id);
        Ok((row.show(), new))
    }

    /// A snapshot.
    ///
    /// # Errors
    /// 404.
    pub async fn snapshot(&self, id: Uuid) -> ApiResult<Snapshot> {
        let mut tx = self.db.begin_read().await?;
        let row = store::snapshots::get(&mut tx, id).await?;
        Ok(row.ok_or_else(|| ApiError::not_found(format!("snapshot {id}")))?.show())
    }

    /// All snapshots.
    ///
    /// # Errors
    /// When the records cannot be read.
    pub async fn snapshots(&self) -> ApiResult<Vec<Snapshot>> {
        let mut tx = self.db.begin_read().await?;
        Ok(store::snapshots::list(&mut tx).await?.iter().map(SnapshotRow::show).collect())
    }

    /// Lets a snapshot go; true if it is gone. One that is just being taken goes when that has ended.
    ///
    /// # Errors
    /// 409 while a machine is being reverted to it.
    pub async fn delete_snapshot(&self, id: Uuid) -> ApiResult<bool> {
        let now = self.clock.now_micros();
        let was = db::transaction!(self.db, |tx| {
            let tx: &mut AnyConnection = tx;
            let Some(row) = store::snapshots::get(&mut *tx, id).await? else { return Ok(None) };
            let machines = store::machines::list(&mut *tx).await?;
            let pending = |machine: &&store::machines::MachineRow| {
                machine.spec.revert.is_some_and(|wanted| {
                    wanted.snapshot_id == id && !wanted.back && machine.reverted != Some(wanted) && !machine.deleting
                })
            };
            if let Some(user) = machines.iter().find(pending) {
                let problem =
                    ProblemDetails::conflict(format!("machine {} is being reverted to snapshot {id}", user.id));
                return Err(ApiError::new(problem.next("wait until it is")));
            }
            if row.state != SnapshotState::Deleting {
                let row = SnapshotRow { state: SnapshotState::Deleting, problem: None, ..row.clone() };
                store::snapshots::put(&mut *tx, &row, now).await?;
                let event = AgentEvent::Snapshot { snapshot: Box::new(row.show()) };
                store::events::append(&mut *tx, &event, now).await?;
            }
            Ok::<_, ApiError>(Some(row.state))
        })?;
        self.news.ring();
        match was {
            None => Ok(true),
            Some(SnapshotState::Ready | SnapshotState::Error) => {
                self.remove_snapshot(id).await.map_err(failure)?;
                Ok(true)
            }
            Some(SnapshotState::Building | SnapshotState::Deleting) => {
                self.wake(id);
                Ok(false)
            }
        }
    }
}

fn unchanged(old: &SnapshotRow, spec: &SnapshotSpec) -> ApiResult<()> {
    if old.state == SnapshotState::Deleting {
        return Err(ApiError::conflict(format!("snapshot {} is being removed", old.id)));
    }
    let faults = difference::snapshot(&old.spec, spec);
    if faults.is_empty() {
        return Ok(());
    }
    let members: Vec<&str> = faults.iter().map(|fault| fault.location.as_str()).collect();
    let detail = format!("snapshot {} exists and differs in {}", old.id, members.join(", "));
    Err(ApiError::new(ProblemDetails { faults, ..ProblemDetails::conflict(detail) }))
}
