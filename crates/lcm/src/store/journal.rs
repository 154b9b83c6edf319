//! The one way an executor writes: everything of one decision in one transaction, under its fencing number.

use super::lease::{Claimed, Holder};
use super::{damaged, event, step, to_text, wake};
use crate::machine::{Event, Op, Snapshot, StateChange};
use crate::observer::{Observer, ObserverError};
use crate::state::CancelMode;
use crate::view::Change;
use db::sqlx::{self, Row};
use db::{AnyConnection, Db, DbError, Retryable};
use futures::future::BoxFuture;
use std::collections::BTreeSet;
use std::sync::Arc;

/// For tests: told of each write of an executor, before and after it is committed; may end the executor there.
pub(crate) trait WriteHook: Send + Sync {
    /// About to commit. False: the process "dies" here.
    fn before_commit(&self) -> bool {
        true
    }
    /// Committed. False: the process "dies" here.
    fn after_commit(&self) -> bool {
        true
    }
    /// Committed. True: the database's acknowledgement gets lost.
    fn acknowledgement_lost(&self) -> bool {
        false
    }
    /// True: the process pretends to be stopped; it claims and renews nothing and does not notice that time passes.
    fn asleep(&self) -> bool {
        false
    }
    /// Completes when the process is not stopped; no write begins before.
    fn awake(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}

/// One decision to be written.
pub(crate) struct Entry<'a> {
    /// The operation as it is to be.
    pub snapshot: &'a Snapshot,
    pub dirty: &'a BTreeSet<usize>,
    pub events: &'a [Event],
    pub changes: &'a [StateChange],
    pub parked: &'a [(usize, String)],
    pub unparked: &'a [String],
    /// The operation as the decision found it: if anything has been written since, it has to be made again.
    pub expected: &'a Op,
    /// Give the lease back, to be looked at again then.
    pub release: Option<i64>,
    pub now: i64,
}

/// What was written.
#[derive(Debug)]
pub(crate) struct Written {
    pub version: i64,
    pub expires: i64,
    /// Steps whose event had come before they began to wait: they are to be called again at once.
    pub woken: Vec<usize>,
}

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum JournalError {
    /// Another executor has the operation.
    #[error("the lease on the operation was lost to another executor")]
    Lost,
    /// Somebody else wrote in between, as a cancel does: decide again.
    #[error("the operation has changed in between")]
    Changed { cancel: Option<CancelMode>, version: i64 },
    /// A test ended the executor here.
    #[error("ended by a test")]
    Crashed,
    #[error("the observer could not write: {0}")]
    Observer(#[from] ObserverError),
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<sqlx::Error> for JournalError {
    fn from(e: sqlx::Error) -> Self {
        Self::Db(e.into())
    }
}

impl Retryable for JournalError {
    fn is_retryable(&self) -> bool {
        match self {
            Self::Db(e) => e.is_retryable(),
            Self::Observer(e) => e.is_retryable(),
            _ => false,
        }
    }
}

/// Writes executors' decisions.
#[derive(Clone)]
pub(crate) struct Journal {
    pub db: Db,
    pub observer: Arc<dyn Observer>,
    pub holder: Holder,
    pub hook: Option<Arc<dyn WriteHook>>,
}

impl Journal {
    /// Writes one decision, or nothing.
    pub async fn write(&self, claimed: Claimed, entry: &Entry<'_>) -> Result<Written, JournalError> {
        if let Some(hook) = &self.hook {
            hook.awake().await;
        }
        let written = db::transaction!(self.db, |tx| {
            let written = self.entry(tx, claimed, entry).await?;
            self.before()?;
            Ok::<_, JournalError>(written)
        })?;
        self.after()?;
        if self.hook.as_ref().is_some_and(|hook| hook.acknowledgement_lost()) {
            let lost = std::io::Error::new(std::io::ErrorKind::ConnectionReset, "the connection was lost by a test");
            return Err(JournalError::Db(DbError::Sql(sqlx::Error::Io(lost))));
        }
        Ok(written)
    }

    /// Another write of the executor: a claim, a renewal, a release.
    pub fn before(&self) -> Result<(), JournalError> {
        match &self.hook {
            Some(hook) if !hook.before_commit() => Err(JournalError::Crashed),
            _ => Ok(()),
        }
    }

    pub fn after(&self) -> Result<(), JournalError> {
        match &self.hook {
            Some(hook) if !hook.after_commit() => Err(JournalError::Crashed),
            _ => Ok(()),
        }
    }

    async fn entry(&self, tx: &mut AnyConnection, claimed: Claimed, e: &Entry<'_>) -> Result<Written, JournalError> {
        let op = &e.snapshot.op;
        let keep = op.state.is_active() && e.release.is_none();
        let expires = if keep { e.now.saturating_add(self.holder.lease_micros) } else { 0 };
        let row = sqlx::query(
            "UPDATE lcm_operation SET version = version + 1, updated_at = $1, state = $2, state_entered = $3, error = $4, \
             cancel_mode = $5, finished = $6, active = $7, due_at = $8, lease_expires = $9, \
             lease_owner = CASE WHEN $10 = 1 THEN lease_owner ELSE NULL END, \
             lease_incarnation = CASE WHEN $10 = 1 THEN lease_incarnation ELSE NULL END \
             WHERE id = $11 AND fence = $12 AND lease_owner = $13 AND version = $14 RETURNING version",
        )
        .bind(e.now)
        .bind(op.state.as_str())
        .bind(op.state_entered)
        .bind(op.error.as_ref().map(to_text).transpose()?)
        .bind(op.cancel.map(|c| c.as_str().to_owned()))
        .bind(i64::from(op.state.is_final()))
        .bind(i64::from(op.state.is_active()))
        .bind(e.release.unwrap_or(0))
        .bind(expires)
        .bind(i64::from(keep))
        .bind(op.id.to_string())
        .bind(claimed.fence)
        .bind(self.holder.owner.as_str())
        .bind(e.expected.version)
        .fetch_optional(&mut *tx)
        .await?;
        let Some(row) = row else { return self.refused(tx, claimed, e).await };
        let version: i64 = row.try_get(0)?;

        for key in e.unparked {
            wake::forget(tx, key).await?;
        }
        let mut woken = Vec::new();
        let mut keys: Vec<&(usize, String)> = e.parked.iter().collect();
        keys.sort_by(|a, b| a.1.cmp(&b.1));
        for (i, key) in keys {
            if wake::park(tx, key, e.now).await? {
                woken.push(*i);
            }
        }
        let rows: Vec<_> = e
            .dirty
            .iter()
            .map(|&i| {
                let mut row = e.snapshot.steps[i].clone();
                if woken.contains(&i) {
                    row.next_at = Some(0);
                }
                row
            })
            .collect();
        step::update(tx, op.id, &rows.iter().collect::<Vec<_>>()).await?;
        event::insert(tx, op.id, version, e.now, claimed.fence, e.events).await?;
        for change in e.changes {
            let mut seen = change.op.clone();
            seen.version = version;
            let told = Change { from: Some(change.from), to: seen.state, at: e.now, steps: change.steps.clone() };
            self.observer.on_transition(tx, &seen, &told).await?;
        }
        Ok(Written { version, expires, woken })
    }

    /// The operation's row did not match: it is another's, it was changed, or this very entry has been written before and
    /// the acknowledgement got lost.
    async fn refused(&self, tx: &mut AnyConnection, claimed: Claimed, e: &Entry<'_>) -> Result<Written, JournalError> {
        let id = claimed.id.to_string();
        let ours = e.expected.version + 1;
        let before = sqlx::query("SELECT COUNT(*) FROM lcm_event WHERE op_id = $1 AND version = $2 AND fence = $3")
            .bind(id.as_str())
            .bind(ours)
            .bind(claimed.fence)
            .fetch_one(&mut *tx)
            .await?;
        if before.try_get::<i64, _>(0)? > 0 {
            // A wake may have met a step that began to wait; who looks again loses nothing.
            let woken = e.parked.iter().map(|(i, _)| *i).collect();
            return Ok(Written { version: ours, expires: e.now.saturating_add(self.holder.lease_micros), woken });
        }
        let row = sqlx::query(
            "SELECT cancel_mode, version FROM lcm_operation WHERE id = $1 AND fence = $2 AND lease_owner = $3",
        )
        .bind(id.as_str())
        .bind(claimed.fence)
        .bind(self.holder.owner.as_str())
        .fetch_optional(&mut *tx)
        .await?;
        let Some(row) = row else { return Err(JournalError::Lost) };
        let mode: Option<String> = row.try_get(0)?;
        let cancel = match mode {
            None => None,
            Some(mode) => Some(CancelMode::parse(&mode).ok_or_else(|| damaged(format!("cancel mode '{mode}'")))?),
        };
        Err(JournalError::Changed { cancel, version: row.try_get(1)? })
    }
}
