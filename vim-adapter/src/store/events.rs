//! The events of a VIM in their durable order, bounded.

use reference_points::or_vi::ViEvent;
use serde_json::Value;
use sqlx::{AnyConnection, Row};
use uuid::Uuid;

use super::{Columns, Store, text};

/// Adds events behind the newest one and drops those that are too old; also takes the turn to write about the VIM.
/// The caller rings [`Store::wake`] after the commit.
pub async fn append(tx: &mut AnyConnection, store: &Store, vim: Uuid, events: &[ViEvent]) -> sqlx::Result<()> {
    if events.is_empty() {
        return Ok(());
    }
    let count = i64::try_from(events.len()).unwrap_or(i64::MAX);
    let row = sqlx::query("UPDATE vim SET last_event = last_event + $2 WHERE id = $1 RETURNING last_event")
        .bind(vim.to_string())
        .bind(count)
        .fetch_optional(&mut *tx)
        .await?;
    // A VIM that was forgotten has nobody left to tell.
    let Some(row) = row else { return Ok(()) };
    let last: i64 = row.try_get(0)?;
    for (seq, event) in (last - count + 1..).zip(events) {
        sqlx::query("INSERT INTO event (vim_id, seq, body) VALUES ($1, $2, $3)")
            .bind(vim.to_string())
            .bind(seq)
            .bind(text(event))
            .execute(&mut *tx)
            .await?;
    }
    sqlx::query("DELETE FROM event WHERE vim_id = $1 AND seq <= $2")
        .bind(vim.to_string())
        .bind(last - store.history)
        .execute(&mut *tx)
        .await
        .map(drop)
}

/// At most `limit` events behind `after`. When some of those are no longer kept, or `after` was never reached, the first
/// one tells the consumer to read everything anew.
pub async fn behind(tx: &mut AnyConnection, vim: Uuid, after: i64, limit: i64) -> sqlx::Result<Vec<(i64, Value)>> {
    let row = sqlx::query(
        "SELECT v.last_event AS last_event, (SELECT MIN(seq) FROM event e WHERE e.vim_id = v.id) AS first \
         FROM vim v WHERE v.id = $1",
    )
    .bind(vim.to_string())
    .fetch_optional(&mut *tx)
    .await?;
    let Some(row) = row else { return Ok(Vec::new()) };
    let (last, first): (i64, Option<i64>) = (row.try_get("last_event")?, row.try_get("first")?);
    let kept_from = first.unwrap_or(last + 1);
    if after > last {
        let detail = format!("event {after} was never told here, the newest is {last}: the adapter lost its state");
        return Ok(vec![(last, resync(detail))]);
    }
    if after + 1 < kept_from && last > 0 {
        let detail = format!("events {} to {} are no longer kept", after + 1, kept_from - 1);
        return Ok(vec![(kept_from - 1, resync(detail))]);
    }
    let rows = sqlx::query("SELECT seq, body FROM event WHERE vim_id = $1 AND seq > $2 ORDER BY seq LIMIT $3")
        .bind(vim.to_string())
        .bind(after)
        .bind(limit)
        .fetch_all(tx)
        .await?;
    rows.iter().map(|row| Ok((row.try_get("seq")?, row.doc("body")?))).collect()
}

fn resync(detail: String) -> Value {
    serde_json::to_value(ViEvent::Resync { detail }).unwrap_or_default()
}
