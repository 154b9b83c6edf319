//! Submitting an operation: intent first, in one transaction with whatever else the service writes for it.

use crate::engine::Engine;
use crate::error::SubmitError;
use crate::machine::{Event, Op, Snapshot};
use crate::plan::{MAX_JSON_BYTES, Plan, json_bytes};
use crate::state::OperationState;
use crate::store::{event, operation, step};
use crate::view::{Change, EventKind, OperationView};
use db::AnyConnection;
use serde_json::Value;
use std::sync::Arc;
use uuid::Uuid;

/// Most bytes of an operation's kind, subject and trace context.
const MAX_NAME_BYTES: usize = 300;

/// An operation to be done.
#[derive(Clone, Debug)]
pub struct NewOperation {
    /// Its id, minted by the service; shown as the operation occurrence's.
    pub id: Uuid,
    /// What it does, for example `INSTANTIATE`.
    pub kind: String,
    /// What it is about, for example a VNF instance id.
    pub subject: String,
    /// What it was asked for with.
    pub params: Value,
    /// Its steps.
    pub plan: Plan,
    /// W3C trace context of the request.
    pub traceparent: Option<String>,
    /// Begun by the service itself and not by a request.
    pub automatic: bool,
}

impl Engine {
    /// Accepts an operation in a transaction of the caller's: it, its steps, and what the observer writes for the
    /// transition to STARTING are there if and only if the transaction commits. The caller then calls
    /// [`Engine::kick`].
    ///
    /// Refused with [`SubmitError::Conflict`] if an unfinished operation has the same subject; the transaction
    /// remains usable.
    pub async fn submit_in(&self, tx: &mut AnyConnection, new: NewOperation) -> Result<OperationView, SubmitError> {
        self.check(&new)?;
        let now = self.inner.clock.now_micros();
        let op = Op {
            id: new.id,
            kind: new.kind,
            subject: new.subject,
            state: OperationState::Starting,
            state_entered: now,
            created_at: now,
            updated_at: now,
            params: Arc::new(new.params),
            error: None,
            cancel: None,
            traceparent: new.traceparent,
            automatic: new.automatic,
            version: 1,
        };
        while !operation::insert(tx, &op).await? {
            if operation::get(tx, op.id).await?.is_some() {
                return Err(SubmitError::Exists(op.id));
            }
            if let Some((running, state)) = operation::unfinished(tx, &op.subject).await? {
                return Err(SubmitError::Conflict { subject: op.subject, running, state });
            }
            // It stood in the way and has finished in between.
        }
        let snapshot = Snapshot::new(op, step::rows(new.plan.steps()));
        let op = &snapshot.op;
        step::insert(tx, op.id, &snapshot.steps).await?;
        let submitted = Event::of_operation(EventKind::Submitted, format!("{} of {}", op.kind, op.subject));
        event::insert(tx, op.id, op.version, now, 0, &[submitted]).await?;
        let change = Change { from: None, to: op.state, at: now, steps: snapshot.views() };
        self.inner.journal.observer.on_transition(tx, op, &change).await?;
        Ok(snapshot.op)
    }

    /// Accepts an operation in a transaction of its own, and begins it.
    pub async fn submit(&self, new: NewOperation) -> Result<OperationView, SubmitError> {
        let op = db::transaction!(self.inner.journal.db, |tx| { self.submit_in(tx, new.clone()).await })?;
        self.kick();
        Ok(op)
    }

    fn check(&self, new: &NewOperation) -> Result<(), SubmitError> {
        let mut faults = Vec::new();
        for kind in new.plan.kinds() {
            if self.inner.registry.get(kind).is_none() {
                faults.push(format!("there is no code for steps of kind '{kind}'"));
            }
        }
        let trace = new.traceparent.as_deref().unwrap_or("-");
        for (what, text) in [("kind", new.kind.as_str()), ("subject", new.subject.as_str()), ("traceparent", trace)] {
            if text.is_empty() || text.len() > MAX_NAME_BYTES {
                faults.push(format!("its {what} has {} bytes, 1 to {MAX_NAME_BYTES} are allowed", text.len()));
            }
        }
        let bytes = json_bytes(&new.params);
        if bytes > MAX_JSON_BYTES {
            faults.push(format!("its parameters have {bytes} bytes, at most {MAX_JSON_BYTES} are allowed"));
        }
        if faults.is_empty() { Ok(()) } else { Err(SubmitError::Invalid(faults)) }
    }
}
