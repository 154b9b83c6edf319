//! The tasks of an operation occurrence: retry, rollback, fail, cancel (SOL003 clauses 5.4.14 to 5.4.17, SOL005 clauses
//! 6.4.11 to 6.4.15). What each does is decided in `machine::task`; here it is written.

use crate::engine::Engine;
use crate::error::TaskError;
use crate::machine::{Snapshot, perform};
use crate::state::{CancelMode, Task};
use crate::store::{event, operation, step};
use crate::view::{Change, ChangeEvent, OperationView};
use db::AnyConnection;
use std::sync::Arc;
use uuid::Uuid;

impl Engine {
    /// Tries again what failed and goes on: FAILED_TEMP to PROCESSING.
    pub async fn retry(&self, id: Uuid) -> Result<OperationView, TaskError> {
        self.task(id, Task::Retry, CancelMode::Graceful).await
    }

    /// Undoes everything: FAILED_TEMP to ROLLING_BACK.
    pub async fn rollback(&self, id: Uuid) -> Result<OperationView, TaskError> {
        self.task(id, Task::Rollback, CancelMode::Graceful).await
    }

    /// Gives up: FAILED_TEMP to FAILED. The error lists the steps whose effects remain.
    pub async fn fail(&self, id: Uuid) -> Result<OperationView, TaskError> {
        self.task(id, Task::Fail, CancelMode::Graceful).await
    }

    /// Stops the operation. It is answered at once; the operation comes to rest when what is under way has ended
    /// (graceful), or has been abandoned (forceful).
    pub async fn cancel(&self, id: Uuid, mode: CancelMode) -> Result<OperationView, TaskError> {
        self.task(id, Task::Cancel, mode).await
    }

    async fn task(&self, id: Uuid, task: Task, mode: CancelMode) -> Result<OperationView, TaskError> {
        let op = db::transaction!(self.inner.journal.db, |tx| { self.task_in(tx, id, task, mode).await })?;
        self.task_done(&op);
        Ok(op)
    }

    /// Performs a task in a transaction of the caller's, who calls [`Engine::task_done`] after the commit. `mode` is of
    /// concern to [`Task::Cancel`] only.
    pub async fn task_in(
        &self,
        tx: &mut AnyConnection,
        id: Uuid,
        task: Task,
        mode: CancelMode,
    ) -> Result<OperationView, TaskError> {
        let op = operation::lock(tx, id).await?.ok_or(TaskError::NotFound(id))?;
        let steps = step::of(tx, id).await?;
        let mut s = Snapshot::new(op, steps);
        let now = self.inner.clock.now_micros();
        let out = perform(&mut s, task, mode, now).map_err(|refused| TaskError::Refused { id, refused })?;
        operation::update(tx, &s.op).await?;
        step::update(tx, id, &out.dirty.iter().map(|&i| &s.steps[i]).collect::<Vec<_>>()).await?;
        event::insert(tx, id, s.op.version, now, 0, &out.events).await?;
        if let Some(change) = out.change {
            let told = Change { from: Some(change.from), to: change.op.state, at: now, steps: change.steps };
            self.inner.journal.observer.on_transition(tx, &s.op, &told).await?;
            self.inner.metrics.transitions.with_label_values(&[&s.op.kind, s.op.state.as_str()]).inc();
        }
        Ok(s.op)
    }

    /// Sees to what [`Engine::task_in`] wrote.
    pub fn task_done(&self, op: &OperationView) {
        // Nobody listening is not an error.
        let _ = self.inner.changes.send(Arc::new(ChangeEvent {
            operation: op.id,
            kind: op.kind.clone(),
            subject: op.subject.clone(),
            state: op.state,
            transitioned: true,
            version: op.version,
            steps: Vec::new(),
            at: op.updated_at,
        }));
        self.poke(op.id);
    }
}
