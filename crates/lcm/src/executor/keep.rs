//! How a driver keeps hold of its operation: it writes under its lease, renews it, looks for what others have changed, and
//! lets go in time.

use super::asleep;
use super::driver::{Call, Driver};
use crate::engine::Inner;
use crate::machine::{Advance, Snapshot, Work, WorkResult};
use crate::store::journal::{Entry, JournalError, Written};
use crate::store::{lease, operation, step};
use db::DbError;
use futures::StreamExt;
use futures::stream::FuturesUnordered;

impl Driver {
    /// Writes the decision, calls going on meanwhile. `None`: something came in between, decide again.
    pub(super) async fn write(
        &mut self,
        next: &Snapshot,
        out: &Advance,
        release: Option<i64>,
        now: i64,
    ) -> Result<Option<Written>, JournalError> {
        let expected = self.snapshot.op.clone();
        let entry = Entry {
            snapshot: next,
            dirty: &out.dirty,
            events: &out.events,
            changes: &out.changes,
            parked: &out.parked,
            unparked: &out.unparked,
            expected: &expected,
            release,
            now,
        };
        let inner = self.inner.clone();
        let claimed = self.claimed;
        // The first time at once: a lost connection is replaced by another.
        let mut pause = 0;
        let result = loop {
            let timer = inner.metrics.journal_seconds.with_label_values(&["any"]).start_timer();
            let writing = bounded(&inner, self.expires, inner.journal.write(claimed, &entry));
            let written = meanwhile(&mut self.flying, &mut self.landed, writing).await;
            timer.observe_duration();
            let e = match written {
                Ok(written) => break Ok(Some(written)),
                Err(JournalError::Changed { cancel, version }) => {
                    self.snapshot.op.cancel = cancel;
                    self.snapshot.op.version = version;
                    break Ok(None);
                }
                Err(e @ (JournalError::Observer(_) | JournalError::Db(_))) => e,
                Err(e) => break Err(e),
            };
            let at = inner.clock.now_micros().saturating_add(pause);
            if at >= self.expires && !asleep(&inner) {
                break Err(e);
            }
            tracing::error!(op = %claimed.id, error = %e, "the operation's journal cannot be written; trying again");
            meanwhile(&mut self.flying, &mut self.landed, inner.clock.sleep_until(at)).await;
            pause = (pause * 2).clamp(10_000, 1_000_000);
        };
        if matches!(result, Ok(None)) {
            self.take_landed();
        }
        result
    }

    /// The lease was prolonged by a write.
    pub(super) fn renewed(&mut self, expires: i64) {
        if expires > 0 {
            self.expires = expires;
            self.renew_at = expires - self.inner.journal.holder.lease_micros * 2 / 3;
        }
    }

    /// Prolongs the lease when no write has done so for a while, and looks for what other replicas have changed.
    pub(super) async fn renew(&mut self) -> Result<(), JournalError> {
        let inner = self.inner.clone();
        if asleep(&inner) {
            self.renew_at = inner.clock.now_micros().saturating_add(inner.journal.holder.lease_micros / 3);
            return Ok(());
        }
        let claimed = self.claimed;
        let work = bounded(&inner, self.expires, async {
            let expires = db::transaction!(inner.journal.db, |tx| {
                let now = inner.clock.now_micros();
                let renewed = lease::renew(tx, &inner.journal.holder, claimed, now).await?;
                inner.journal.before()?;
                renewed.ok_or(JournalError::Lost)
            })?;
            inner.journal.after()?;
            Ok(expires)
        });
        let renewed = meanwhile(&mut self.flying, &mut self.landed, work).await;
        self.take_landed();
        match renewed {
            Ok(expires) => {
                self.renewed(expires);
                self.refresh().await
            }
            Err(e @ (JournalError::Db(_) | JournalError::Observer(_))) => {
                let now = inner.clock.now_micros();
                if now >= self.expires {
                    return Err(e);
                }
                tracing::warn!(op = %claimed.id, error = %e, "the lease could not be renewed; trying again");
                self.renew_at = now.saturating_add(inner.journal.holder.lease_micros / 10).min(self.expires);
                Ok(())
            }
            Err(e) => Err(e),
        }
    }

    /// Reads what others may have written: a cancel, a wake.
    pub(super) async fn refresh(&mut self) -> Result<(), JournalError> {
        let inner = self.inner.clone();
        let id = self.claimed.id;
        let read = async {
            let mut conn = inner.journal.db.pool.acquire().await?;
            let op = operation::get(&mut conn, id).await?;
            let parked = step::parked(&mut conn, id).await?;
            Ok::<_, DbError>((op, parked))
        };
        let read = meanwhile(&mut self.flying, &mut self.landed, read).await;
        self.take_landed();
        match read {
            Ok((Some(op), parked)) => {
                self.snapshot.op.cancel = op.cancel;
                self.snapshot.op.version = op.version;
                for (key, next_at) in parked {
                    if let Some(step) = self.snapshot.steps.iter_mut().find(|s| s.key == key) {
                        step.next_at = next_at;
                    }
                }
                Ok(())
            }
            Ok((None, _)) => Err(JournalError::Lost),
            Err(e) => {
                // The next renewal comes here again.
                tracing::warn!(op = %id, error = %e, "an operation's changes cannot be read; trying again");
                Ok(())
            }
        }
    }

    /// The process is ending and the calls under way did not end in time.
    pub(super) async fn hand_back(&mut self) -> Result<(), JournalError> {
        self.drop_calls();
        let inner = self.inner.clone();
        let claimed = self.claimed;
        db::transaction!(inner.journal.db, |tx| {
            lease::release(tx, &inner.journal.holder, claimed, 0).await?;
            Ok::<_, JournalError>(())
        })
    }
}

/// Lets the calls go on while something else is waited for.
async fn meanwhile<T>(
    flying: &mut FuturesUnordered<Call>,
    ended: &mut Vec<(usize, Work, WorkResult)>,
    work: impl Future<Output = T>,
) -> T {
    let mut work = std::pin::pin!(work);
    loop {
        tokio::select! {
            biased;
            value = &mut work => return value,
            Some(one) = flying.next() => ended.push(one),
        }
    }
}

/// Gives up when the lease is over: from then on the operation may be another's. What would come too late is not begun: it
/// could still prolong the lease while it is given up here, and nobody would take the operation up until that is over.
async fn bounded<T>(
    inner: &Inner,
    expires: i64,
    work: impl Future<Output = Result<T, JournalError>>,
) -> Result<T, JournalError> {
    if inner.clock.now_micros() >= expires && !asleep(inner) {
        return Err(JournalError::Lost);
    }
    let over = async {
        inner.clock.sleep_until(expires).await;
        if asleep(inner) {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        biased;
        result = work => result,
        () = over => Err(JournalError::Lost),
    }
}
