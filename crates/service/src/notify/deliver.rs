//! Delivery: subscribers side by side, the notifications of one in order, each until it is taken or too old.
//!
//! A subscriber is delivered to by one process at a time, so that the order is kept: of several replicas on one PostgreSQL
//! under a lease; a SQLite file has one process. A notification leaves the outbox after the subscriber took it: one that was
//! taken just before a crash is sent again, under the same id.

use std::convert::Infallible;
use std::time::Duration;

use db::Dialect;
use reference_points::common::TraceContext;
use tokio_util::sync::CancellationToken;
use tokio_util::task::JoinMap;
use uuid::Uuid;

use super::outbox::{self, Waiting};
use super::subscription::SUBSCRIPTIONS;
use super::{MAX_AGE, Notifier};
use crate::store::StoreError;

/// First pause after a failed attempt; doubled each time.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// Longest pause between two attempts.
const MAX_PAUSE: Duration = Duration::from_secs(60);
/// How often the outbox is looked at when nobody rings: another replica may have written.
const LOOK: Duration = Duration::from_secs(30);
/// Subscribers delivered to side by side. One that hangs takes its place for the length of a request and no more.
const SIDE_BY_SIDE: usize = 16;
/// How long a subscriber is leased: longer than one attempt can take, token request included.
pub(super) const LEASE: Duration = Duration::from_secs(90);

/// Delivers until the service ends. What is being sent then is sent again after the next start.
pub(super) async fn run(notifier: Notifier, shutdown: CancellationToken) -> Result<(), Infallible> {
    let owner = match notifier.db.dialect {
        Dialect::Sqlite => None,
        Dialect::Postgres => Some(Uuid::new_v4().to_string()),
    };
    // Tasks of their own: a delivery whose turn at the database comes must go on, whatever this loop waits for.
    let mut drains: JoinMap<Uuid, Result<(), StoreError>> = JoinMap::new();
    loop {
        let mut pause = LOOK;
        let mut next_at = None;
        match outbox::subscribers(&notifier.db, notifier.api).await {
            Ok(subscribers) => {
                let now = notifier.clock.now_micros();
                for (subscriber, due) in subscribers {
                    if drains.contains_key(&subscriber) {
                        continue;
                    }
                    if due > now {
                        next_at = Some(next_at.map_or(due, |n: i64| n.min(due)));
                    } else if drains.len() < SIDE_BY_SIDE {
                        let (notifier, owner) = (notifier.clone(), owner.clone());
                        drains.spawn(subscriber, async move { drain(&notifier, owner.as_deref(), subscriber).await });
                    }
                }
            }
            Err(error) => {
                tracing::warn!(%error, "the outbox cannot be read, trying again");
                pause = Duration::from_secs(1);
            }
        }
        let due = async {
            match next_at {
                Some(at) => notifier.clock.sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = shutdown.cancelled() => return Ok(()),
            () = notifier.news.notified() => {}
            Some((subscriber, ended)) = drains.join_next() => {
                let interrupted = match ended {
                    Ok(outcome) => outcome.err().map(|error| error.to_string()),
                    Err(error) => Some(error.to_string()),
                };
                if let Some(error) = interrupted {
                    tracing::warn!(%subscriber, %error, "a delivery was interrupted, trying again");
                    // The database needs the time more than the subscriber.
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            }
            () = tokio::time::sleep(pause) => {}
            () = due => {}
        }
    }
}

/// Delivers to one subscriber until nothing is left, an attempt fails, or another process has the lease. `owner` is who takes
/// the lease, where there is one.
async fn drain(notifier: &Notifier, owner: Option<&str>, subscriber: Uuid) -> Result<(), StoreError> {
    if let Some(owner) = owner
        && !outbox::lease(&notifier.db, owner, subscriber, notifier.clock.now_micros()).await?
    {
        return Ok(());
    }
    deliver_all(notifier, owner, subscriber).await?;
    match owner {
        Some(owner) => outbox::release(&notifier.db, owner, subscriber).await,
        None => Ok(()),
    }
}

async fn deliver_all(notifier: &Notifier, owner: Option<&str>, subscriber: Uuid) -> Result<(), StoreError> {
    let Some(subscription) = SUBSCRIPTIONS.get(&notifier.db, subscriber).await? else { return Ok(()) };
    let target = subscription.document;
    let mut headers: Option<Vec<(String, String)>> = None;
    loop {
        let batch = outbox::batch(&notifier.db, subscriber).await?;
        let all = batch.len() < outbox::BATCH;
        for waiting in batch {
            let sent = async {
                if headers.is_none() {
                    let now = notifier.clock.now_micros();
                    headers = Some(notifier.callers.headers(target.authentication.as_ref(), now).await?);
                }
                let headers = headers.as_deref().unwrap_or_default();
                let client = notifier.callers.client(target.authentication.as_ref());
                client.send_text(&target.callback_uri, headers, waiting.payload.clone()).await
            };
            // The trace of what is told goes on to whom it is told.
            let error = match waiting.context().scope(sent).await {
                Ok(()) => {
                    notifier.counted("delivered");
                    let now = notifier.clock.now_micros();
                    outbox::delivered(&notifier.db, owner, &waiting, now).await?;
                    continue;
                }
                Err(error) => error,
            };
            if error.status() == Some(401) {
                notifier.callers.forget(target.authentication.as_ref());
            }
            let now = notifier.clock.now_micros();
            let uri = &target.callback_uri;
            if age(&waiting, now) > MAX_AGE {
                notifier.counted("dropped");
                tracing::error!(%subscriber, uri, %error, "a notification is dropped after a day of trying");
                outbox::delivered(&notifier.db, owner, &waiting, now).await?;
                continue;
            }
            notifier.counted("refused");
            let pause = pause(waiting.attempts);
            tracing::warn!(%subscriber, uri, ?pause, %error, "a notification was not taken yet");
            let next_at = now.saturating_add(i64::try_from(pause.as_micros()).unwrap_or(i64::MAX));
            return outbox::later(&notifier.db, &waiting, next_at).await;
        }
        // What came meanwhile is seen by the look that follows every delivery.
        if all {
            return Ok(());
        }
    }
}

fn age(waiting: &Waiting, now: i64) -> Duration {
    Duration::from_micros(u64::try_from(now.saturating_sub(waiting.created_at)).unwrap_or(0))
}

/// Pause after the attempt that follows `attempts` failed ones.
fn pause(attempts: i64) -> Duration {
    let doublings = u32::try_from(attempts.clamp(0, 20)).unwrap_or(0);
    FIRST_PAUSE.saturating_mul(1 << doublings).min(MAX_PAUSE)
}

impl Waiting {
    fn context(&self) -> TraceContext {
        self.trace.as_deref().and_then(|t| t.parse().ok()).unwrap_or_else(TraceContext::random)
    }
}
