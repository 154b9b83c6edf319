//! The outbox: notifications that are committed and not yet delivered, in order per subscription.

use db::sqlx::Row as _;
use db::{AnyConnection, Db, DbError, sqlx};
use serde_json::Value;
use uuid::Uuid;

/// A notification to be delivered.
#[derive(Debug)]
pub(super) struct Waiting {
    pub subscription: Uuid,
    pub seq: i64,
    pub payload: String,
    pub created_at: i64,
    pub attempts: i64,
    pub next_at: i64,
}

pub(super) async fn put(
    tx: &mut AnyConnection,
    api: &str,
    subscription: Uuid,
    payload: &Value,
    now: i64,
) -> Result<(), sqlx::Error> {
    let seq: i64 = sqlx::query_scalar(
        "INSERT INTO notify_sequence (subscription, seq) VALUES ($1, 1) \
         ON CONFLICT (subscription) DO UPDATE SET seq = notify_sequence.seq + 1 RETURNING seq",
    )
    .bind(subscription.to_string())
    .fetch_one(&mut *tx)
    .await?;
    sqlx::query(
        "INSERT INTO notify_outbox (api, subscription, seq, payload, created_at, attempts, next_at) \
         VALUES ($1, $2, $3, $4, $5, 0, $5)",
    )
    .bind(api.to_owned())
    .bind(subscription.to_string())
    .bind(seq)
    .bind(payload.to_string())
    .bind(now)
    .execute(tx)
    .await
    .map(drop)
}

/// The first of each subscription of an interface.
pub(super) async fn heads(db: &Db, api: &str) -> Result<Vec<Waiting>, DbError> {
    let rows = sqlx::query(
        "SELECT o.subscription, o.seq, o.payload, o.created_at, o.attempts, o.next_at FROM notify_outbox o \
         JOIN (SELECT subscription, MIN(seq) AS first FROM notify_outbox WHERE api = $1 GROUP BY subscription) h \
         ON h.subscription = o.subscription AND h.first = o.seq",
    )
    .bind(api.to_owned())
    .fetch_all(&db.pool)
    .await?;
    let mut found = Vec::with_capacity(rows.len());
    for row in rows {
        let subscription: String = row.try_get(0)?;
        if let Ok(subscription) = subscription.parse() {
            found.push(Waiting {
                subscription,
                seq: row.try_get(1)?,
                payload: row.try_get(2)?,
                created_at: row.try_get(3)?,
                attempts: row.try_get(4)?,
                next_at: row.try_get(5)?,
            });
        }
    }
    Ok(found)
}

pub(super) async fn delivered(db: &Db, waiting: &Waiting) -> Result<(), DbError> {
    sqlx::query("DELETE FROM notify_outbox WHERE subscription = $1 AND seq = $2")
        .bind(waiting.subscription.to_string())
        .bind(waiting.seq)
        .execute(&db.pool)
        .await?;
    Ok(())
}

pub(super) async fn later(db: &Db, waiting: &Waiting, next_at: i64) -> Result<(), DbError> {
    sqlx::query("UPDATE notify_outbox SET attempts = attempts + 1, next_at = $1 WHERE subscription = $2 AND seq = $3")
        .bind(next_at)
        .bind(waiting.subscription.to_string())
        .bind(waiting.seq)
        .execute(&db.pool)
        .await?;
    Ok(())
}

pub(super) async fn forget(tx: &mut AnyConnection, subscription: Uuid) -> Result<(), sqlx::Error> {
    for sql in
        ["DELETE FROM notify_outbox WHERE subscription = $1", "DELETE FROM notify_sequence WHERE subscription = $1"]
    {
        sqlx::query(sql).bind(subscription.to_string()).execute(&mut *tx).await?;
    }
    Ok(())
}
