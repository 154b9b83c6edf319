//! Tasks of NS operation occurrences: retry, rollback, continue, fail, cancel (SOL005 clauses 6.4.11 to 6.4.15).

use lcm::{CancelMode, OperationView, Task, TaskError};
use reference_points::or_vnfm::CancelModeType;
use reference_points::os_ma_nfvo::{NsLcmOpOcc, NsLcmOpType};
use service::http::{ApiError, ApiResult};
use uuid::Uuid;

use super::{App, ns_view, problems};
use crate::store::ns::NS;
use crate::store::op_occs::{OP_OCCS, OpOcc};

/// Performs a task.
///
/// # Errors
/// 404 without such an occurrence, 409 when its state does not allow the task.
pub async fn perform(app: &App, op: Uuid, task: Task, mode: CancelMode) -> ApiResult<()> {
    let occ = OP_OCCS.require(&app.db, op).await?.document.0;
    if task == Task::Rollback && occ.lcm_operation_type == NsLcmOpType::Terminate {
        let mut error = ApiError::conflict(format!("operation {op} removes things, which cannot be taken back"));
        error.problem.next = Some(format!("mano op retry {op}, or mano op fail {op}"));
        return Err(error);
    }
    let now = app.now();
    let done = db::transaction!(app.db, |tx| {
        let view = app.engine.task_in(tx, op, task, mode).await.map_err(Refusal::Task)?;
        // A cancel changes no state, so that no observer is told of it.
        if task == Task::Cancel {
            OP_OCCS
                .modify::<Refusal>(tx, op, now, |OpOcc(occ)| {
                    occ.is_cancel_pending = view.is_cancel_pending();
                    occ.cancel_mode = ns_view::cancel_mode(&view);
                    Ok(())
                })
                .await?;
        }
        Ok::<OperationView, Refusal>(view)
    });
    let view = done.map_err(ApiError::from)?;
    app.engine.task_done(&view);
    app.progress.ring();
    Ok(())
}

/// The occurrence as it stands.
///
/// # Errors
/// 404 without such an occurrence.
pub async fn get(app: &App, op: Uuid) -> ApiResult<NsLcmOpOcc> {
    let stored = OP_OCCS.require(&app.db, op).await?.document.0;
    let Some(view) = app.engine.get(op).await? else { return Ok(stored) };
    let steps = app.engine.steps(op).await?;
    let ns = NS.get(&app.db, stored.ns_instance_id).await?;
    let design = ns.as_ref().and_then(|ns| ns.document.design.as_ref());
    let mut occ = ns_view::op_occ(&view, &steps, design);
    // The design goes with the last of the NS; what the operation did to it was written before.
    if occ.resource_changes.is_none() {
        occ.resource_changes = stored.resource_changes;
    }
    Ok(occ)
}

/// The engine's word for a cancel mode.
pub fn mode(mode: CancelModeType) -> CancelMode {
    match mode {
        CancelModeType::Graceful => CancelMode::Graceful,
        CancelModeType::Forceful => CancelMode::Forceful,
    }
}

enum Refusal {
    Task(TaskError),
    Api(ApiError),
}

impl From<db::DbError> for Refusal {
    fn from(error: db::DbError) -> Self {
        Self::Task(error.into())
    }
}

impl From<service::store::StoreError> for Refusal {
    fn from(error: service::store::StoreError) -> Self {
        Self::Api(error.into())
    }
}

impl db::Retryable for Refusal {
    fn is_retryable(&self) -> bool {
        match self {
            Self::Task(e) => e.is_retryable(),
            Self::Api(e) => e.is_retryable(),
        }
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Task(e) => problems::not_performed(e),
            Refusal::Api(e) => e,
        }
    }
}
