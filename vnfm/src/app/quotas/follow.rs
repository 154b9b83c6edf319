//! Seeing to it that the NFVO tells of quotas, and retrying what waited for them.

use std::convert::Infallible;
use std::sync::Arc;

use lcm::{Engine, EventKind, OperationState, Task, TaskError, TimelineEntry};
use reference_points::common::CallError;
use reference_points::or_vnfm::VrQuotaAvailSubscriptionRequest;
use service::store::StoreError;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{CALLBACK, Quotas};
use crate::store::quotas::{self, Kept};

/// A second, in microseconds.
const SECOND: i64 = 1_000_000;
/// How long to wait after the NFVO could not be reached.
const AGAIN: i64 = 2 * SECOND;
/// How often the subscription is looked for, in case the NFVO lost it; and how long to wait for one that does not offer the
/// interface.
const RENEW: i64 = 300 * SECOND;

/// Why there is no subscription.
#[derive(Debug, thiserror::Error)]
enum Missed {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Call(#[from] CallError),
    #[error("it has an equal subscription and does not show it")]
    Hidden,
}

impl From<db::DbError> for Missed {
    fn from(error: db::DbError) -> Self {
        Self::Store(error.into())
    }
}

impl Quotas {
    /// Runs until the service ends.
    ///
    /// # Errors
    /// None: what goes wrong is logged, and tried again.
    pub async fn run(self, engine: Arc<Engine>, shutdown: CancellationToken) -> Result<(), Infallible> {
        let mut changes = engine.watch();
        let (mut looked_at, mut next_at, mut warned) = (i64::MIN, i64::MIN, false);
        loop {
            let now = self.clock.now_micros();
            // Who begins to wait shall not wait for a notification that nobody sends.
            let waits = looked_at.saturating_add(AGAIN) <= now && self.anybody_waits().await;
            if next_at <= now || waits {
                looked_at = now;
                next_at = now.saturating_add(match self.subscribe().await {
                    Ok(()) => {
                        warned = false;
                        RENEW
                    }
                    Err(missed) => {
                        if !std::mem::replace(&mut warned, true) {
                            tracing::warn!(%missed, "the NFVO's notifications of quotas cannot be subscribed to yet");
                        }
                        let none = matches!(&missed, Missed::Call(error) if error.status() == Some(404));
                        if none { RENEW } else { AGAIN }
                    }
                });
            }
            if self.retries {
                self.retry_ready(&engine).await;
            }
            loop {
                let change = tokio::select! {
                    () = shutdown.cancelled() => return Ok(()),
                    () = self.news.notified() => break,
                    () = self.clock.sleep_until(next_at) => break,
                    change = changes.recv() => change,
                };
                match change {
                    Ok(change) if change.state == OperationState::FailedTemp => break,
                    Ok(_) => {}
                    Err(RecvError::Lagged(_)) => break,
                    Err(RecvError::Closed) => return Ok(()),
                }
            }
        }
    }

    async fn anybody_waits(&self) -> bool {
        quotas::anybody_waits(&self.db).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "operations that wait for room could not be looked up");
            false
        })
    }

    /// The NFVO notifies: it is looked for a subscription of ours before one is made, so that a lost answer makes no second one.
    async fn subscribe(&self) -> Result<(), Missed> {
        let callback = format!("{}{CALLBACK}", self.base);
        let kept = quotas::subscription(&mut *self.db.pool.acquire().await.map_err(db::DbError::from)?).await?;
        if let Some(kept) = kept {
            if kept.callback == callback {
                match self.nfvo.subscription(&kept.id).await {
                    Err(error) if error.status() == Some(404) => {
                        tracing::warn!(subscription = kept.id, "the NFVO lost the subscription to quotas");
                    }
                    other => return Ok(other.map(drop)?),
                }
            } else if let Err(error) = self.nfvo.unsubscribe(&kept.id).await {
                tracing::warn!(%error, "the NFVO was not told that nobody listens at {} any more", kept.callback);
            }
        }
        let id = match self.ours(&callback).await? {
            Some(id) => id,
            None => {
                let request = VrQuotaAvailSubscriptionRequest {
                    filter: None,
                    callback_uri: callback.clone(),
                    authentication: None,
                };
                match self.nfvo.subscribe(&request).await? {
                    Some(made) => made.id,
                    None => self.ours(&callback).await?.ok_or(Missed::Hidden)?,
                }
            }
        };
        Ok(quotas::put_subscription(&self.db, &Kept { id, callback }).await?)
    }

    /// The subscription at the NFVO that tells us.
    async fn ours(&self, callback: &str) -> Result<Option<String>, Missed> {
        let mut query = Some(String::new());
        while let Some(page) = query {
            let found = self.nfvo.subscriptions(&page).await?;
            query = found.next_query();
            let ours = found.body.into_iter().find(|s| s.callback_uri == callback && s.filter.is_none());
            if let Some(ours) = ours {
                return Ok(Some(ours.id));
            }
        }
        Ok(None)
    }

    /// Retries what waited and was told. The retry itself ends the waiting, in one transaction.
    async fn retry_ready(&self, engine: &Engine) {
        let ready = match quotas::ready(&self.db).await {
            Ok(ready) => ready,
            Err(error) => {
                tracing::warn!(%error, "operations that may be retried could not be looked up");
                return;
            }
        };
        for id in ready {
            match retry(engine, id).await {
                Ok(true) => tracing::info!(operation = %id, "a VIM allows more: it is retried"),
                Ok(false) => {}
                Err(error) => tracing::warn!(operation = %id, %error, "it could not be retried, it rests"),
            }
        }
    }
}

/// Retries an operation, unless somebody decided about it.
async fn retry(engine: &Engine, id: Uuid) -> Result<bool, TaskError> {
    if is_decided(&engine.timeline(id).await?) {
        return Ok(false);
    }
    match engine.retry(id).await {
        // Somebody was faster.
        Err(TaskError::Refused { .. } | TaskError::NotFound(_)) => Ok(false),
        other => other.map(|_| true),
    }
}

/// Whether somebody asked for anything but a retry last: who cancelled an operation does not want it to go on by itself.
fn is_decided(timeline: &[TimelineEntry]) -> bool {
    let last = timeline.iter().rev().find(|entry| entry.event == EventKind::Task);
    last.is_some_and(|entry| entry.detail.as_deref() != Some(Task::Retry.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(detail: &str) -> TimelineEntry {
        TimelineEntry {
            at: 0,
            step: None,
            event: EventKind::Task,
            attempt: 0,
            started: None,
            detail: Some(detail.to_owned()),
            fence: 0,
        }
    }

    #[test]
    fn what_somebody_cancelled_is_not_retried() {
        let retry = Task::Retry.as_str();
        assert!(!is_decided(&[]) && !is_decided(&[task("CANCEL GRACEFUL"), task(retry)]));
        assert!(is_decided(&[task(retry), task("CANCEL FORCEFUL")]));
    }
}
