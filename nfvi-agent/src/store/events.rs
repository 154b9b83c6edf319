//! Events in their durable order. The newest are kept for consumers that were away.

use db::AnyConnection;
use db::sqlx::{self, Row};
use reference_points::nf_vi::AgentEvent;
use serde_json::Value as Json;

use super::{Result, json, text};

/// How many events are kept.
pub const KEPT: i64 = 10_000;

/// Adds an event at `at` (microseconds since the epoch) and gives its sequence number.
///
/// # Errors
/// What the database said.
pub async fn append(tx: &mut AnyConnection, event: &AgentEvent, at: i64) -> Result<i64> {
    let seq: i64 = sqlx::query("UPDATE counter SET value = value + 1 WHERE name = 'event' RETURNING value")
        .fetch_one(&mut *tx)
        .await?
        .try_get("value")?;
    sqlx::query("INSERT INTO event (seq, body, at) VALUES ($1, $2, $3)")
        .bind(seq)
        .bind(text(event)?)
        .bind(at)
        .execute(&mut *tx)
        .await?;
    sqlx::query("DELETE FROM event WHERE seq <= $1").bind(seq - KEPT).execute(&mut *tx).await?;
    Ok(seq)
}

/// Sequence number of the newest event ever added; 0 before the first.
///
/// # Errors
/// What the database said.
pub async fn last(tx: &mut AnyConnection) -> Result<i64> {
    sqlx::query("SELECT value FROM counter WHERE name = 'event'").fetch_one(&mut *tx).await?.try_get("value")
}

/// At most `limit` events behind `after`, in order.
///
/// # Errors
/// What the database said.
pub async fn behind(tx: &mut AnyConnection, after: i64, limit: i64) -> Result<Vec<(i64, Json)>> {
    let rows = sqlx::query("SELECT seq, body FROM event WHERE seq > $1 ORDER BY seq LIMIT $2")
        .bind(after)
        .bind(limit)
        .fetch_all(&mut *tx)
        .await?;
    rows.iter().map(|row| Ok((row.try_get("seq")?, json("body", &row.try_get::<String, _>("body")?)?))).collect()
}
