//! The outbox: notifications that are committed and not yet delivered, in order per subscription.

use db::sqlx::Row as _;
use db::{AnyConnection, Db, sqlx};
use reference_points::common::TraceContext;
use serde_json::Value;
use uuid::Uuid;

use super::deliver::LEASE;
use crate::store::StoreError;

/// Undelivered notifications kept for one subscription; beyond, the oldest are dropped.
const MAX_BACKLOG: i64 = 10_000;
/// Every how many notifications of a subscription its backlog is cut.
const CUT: i64 = 100;
/// Notifications read at once.
pub(super) const BATCH: usize = 50;

/// A notification to be delivered.
#[derive(Debug)]
pub(super) struct Waiting {
    pub subscription: Uuid,
    pub seq: i64,
    pub payload: String,
    pub created_at: i64,
    pub attempts: i64,
    pub trace: Option<String>,
}

pub(super) async fn put(
    tx: &mut AnyConnection,
    api: &str,
    subscription: Uuid,
    payload: &Value,
    now: i64,
) -> Result<(), sqlx::Error> {
    let subscription = subscription.to_string();
    // The number is given out under the row's lock, so that its order is the order of commits.
    let seq: i64 = sqlx::query_scalar(
        "INSERT INTO notify_sequence (subscription, seq) VALUES ($1, 1) \
         ON CONFLICT (subscription) DO UPDATE SET seq = notify_sequence.seq + 1 RETURNING seq",
    )
    .bind(subscription.clone())
    .fetch_one(&mut *tx)
    .await?;
    sqlx::query(
        "INSERT INTO notify_outbox (api, subscription, seq, payload, created_at, attempts, next_at, trace) \
         VALUES ($1, $2, $3, $4, $5, 0, $5, $6)",
    )
    .bind(api.to_owned())
    .bind(subscription.clone())
    .bind(seq)
    .bind(payload.to_string())
    .bind(now)
    .bind(TraceContext::current().unwrap_or_else(TraceContext::random).to_string())
    .execute(&mut *tx)
    .await?;
    if seq % CUT != 0 {
        return Ok(());
    }
    let dropped = sqlx::query("DELETE FROM notify_outbox WHERE subscription = $1 AND seq <= $2")
        .bind(subscription.clone())
        .bind(seq - MAX_BACKLOG)
        .execute(tx)
        .await?
        .rows_affected();
    if dropped > 0 {
        tracing::error!(subscription, dropped, "too many undelivered notifications: the oldest are dropped");
    }
    Ok(())
}

/// Makes room for a new subscription; the id of the equal one when there is one.
pub(super) async fn admit(tx: &mut AnyConnection, id: Uuid, identity: &str) -> Result<Option<Uuid>, StoreError> {
    let made = sqlx::query(
        "INSERT INTO notify_sequence (subscription, seq, lease_until, identity) VALUES ($1, 0, 0, $2) \
         ON CONFLICT (identity) DO NOTHING",
    )
    .bind(id.to_string())
    .bind(identity.to_owned())
    .execute(&mut *tx)
    .await?;
    if made.rows_affected() > 0 {
        return Ok(None);
    }
    let equal: String = sqlx::query_scalar("SELECT subscription FROM notify_sequence WHERE identity = $1")
        .bind(identity.to_owned())
        .fetch_one(tx)
        .await?;
    Ok(equal.parse().ok())
}

/// Subscriptions of an interface with something undelivered, and when the first of it is due.
pub(super) async fn subscribers(db: &Db, api: &str) -> Result<Vec<(Uuid, i64)>, StoreError> {
    let rows = sqlx::query(
        "SELECT o.subscription, o.next_at FROM notify_outbox o \
         JOIN (SELECT subscription, MIN(seq) AS first FROM notify_outbox WHERE api = $1 GROUP BY subscription) h \
         ON h.subscription = o.subscription AND h.first = o.seq ORDER BY o.next_at",
    )
    .bind(api.to_owned())
    .fetch_all(&db.pool)
    .await?;
    let mut found = Vec::with_capacity(rows.len());
    for row in rows {
        let subscription: String = row.try_get(0)?;
        if let Ok(subscription) = subscription.parse() {
            found.push((subscription, row.try_get(1)?));
        }
    }
    Ok(found)
}

/// The oldest of a subscription, in order.
pub(super) async fn batch(db: &Db, subscription: Uuid) -> Result<Vec<Waiting>, StoreError> {
    let rows = sqlx::query(
        "SELECT seq, payload, created_at, attempts, trace FROM notify_outbox WHERE subscription = $1 ORDER BY seq LIMIT $2",
    )
    .bind(subscription.to_string())
    .bind(BATCH as i64)
    .fetch_all(&db.pool)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(Waiting {
                subscription,
                seq: row.try_get(0)?,
                payload: row.try_get(1)?,
                created_at: row.try_get(2)?,
                attempts: row.try_get(3)?,
                trace: row.try_get(4)?,
            })
        })
        .collect()
}

fn lease_end(now: i64) -> i64 {
    now.saturating_add(i64::try_from(LEASE.as_micros()).unwrap_or(i64::MAX))
}

/// Takes the lease of a subscription; false when another process has it.
pub(super) async fn lease(db: &Db, owner: &str, subscription: Uuid, now: i64) -> Result<bool, StoreError> {
    db::transaction!(db, |tx| {
        let taken = sqlx::query(
            "UPDATE notify_sequence SET lease_owner = $1, lease_until = $2 \
             WHERE subscription = $3 AND (lease_owner = $1 OR lease_until <= $4)",
        )
        .bind(owner)
        .bind(lease_end(now))
        .bind(subscription.to_string())
        .bind(now)
        .execute(&mut *tx)
        .await?;
        Ok::<_, StoreError>(taken.rows_affected() > 0)
    })
}

/// Gives the lease back.
pub(super) async fn release(db: &Db, owner: &str, subscription: Uuid) -> Result<(), StoreError> {
    db::transaction!(db, |tx| {
        sqlx::query("UPDATE notify_sequence SET lease_until = 0 WHERE subscription = $1 AND lease_owner = $2")
            .bind(subscription.to_string())
            .bind(owner)
            .execute(&mut *tx)
            .await?;
        Ok::<_, StoreError>(())
    })
}

/// Takes a notification out of the outbox and prolongs the lease of its owner.
pub(super) async fn delivered(db: &Db, owner: Option<&str>, waiting: &Waiting, now: i64) -> Result<(), StoreError> {
    db::transaction!(db, |tx| {
        sqlx::query("DELETE FROM notify_outbox WHERE subscription = $1 AND seq = $2")
            .bind(waiting.subscription.to_string())
            .bind(waiting.seq)
            .execute(&mut *tx)
            .await?;
        if let Some(owner) = owner {
            sqlx::query("UPDATE notify_sequence SET lease_until = $1 WHERE subscription = $2 AND lease_owner = $3")
                .bind(lease_end(now))
                .bind(waiting.subscription.to_string())
                .bind(owner)
                .execute(&mut *tx)
                .await?;
        }
        Ok::<_, StoreError>(())
    })
}

/// Puts the next attempt off.
pub(super) async fn later(db: &Db, waiting: &Waiting, next_at: i64) -> Result<(), StoreError> {
    db::transaction!(db, |tx| {
        sqlx::query(
            "UPDATE notify_outbox SET attempts = attempts + 1, next_at = $1 WHERE subscription = $2 AND seq = $3",
        )
        .bind(next_at)
        .bind(waiting.subscription.to_string())
        .bind(waiting.seq)
        .execute(&mut *tx)
        .await?;
        Ok::<_, StoreError>(())
    })
}

pub(super) async fn forget(tx: &mut AnyConnection, subscription: Uuid) -> Result<(), sqlx::Error> {
    for sql in
        ["DELETE FROM notify_outbox WHERE subscription = $1", "DELETE FROM notify_sequence WHERE subscription = $1"]
    {
        sqlx::query(sql).bind(subscription.to_string()).execute(&mut *tx).await?;
    }
    Ok(())
}
