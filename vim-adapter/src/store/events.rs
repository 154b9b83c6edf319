//! The events of a VIM in their durable order, bounded.

use reference_points::or_vi::ViEvent;
use serde_json::Value;
use sqlx::{AnyConnection, Row};
use uuid::Uuid;

use super::{Columns, Store, text};

/// Events per statement.
const CHUNK: usize = 100;
/// Every how many events those that are too old are dropped.
const CUT: i64 = 16;

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
    for (from, chunk) in (last - count + 1..).step_by(CHUNK).zip(events.chunks(CHUNK)) {
        let rows: Vec<String> = (0..chunk.len()).map(|i| format!("($1, ${}, ${})", i * 2 + 2, i * 2 + 3)).collect();
        let sql = format!("INSERT INTO event (vim_id, seq, body) VALUES {}", rows.join(", "));
        let mut insert = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(vim.to_string());
        for (seq, event) in (from..).zip(chunk) {
            insert = insert.bind(seq).bind(text(event));
        }
        insert.execute(&mut *tx).await?;
    }
    if last / CUT == (last - count) / CUT {
        return Ok(());
    }
    sqlx::query("DELETE FROM event WHERE vim_id = $1 AND seq <= $2")
        .bind(vim.to_string())
        .bind(last - store.history)
        .execute(&mut *tx)
        .await
        .map(drop)
}

/// At most `limit` events behind `after`; fewer only when there are no more for now. When some of those are no longer kept,
/// or `after` was never reached, the first one tells the consumer to read everything anew.
pub async fn behind(tx: &mut AnyConnection, vim: Uuid, after: i64, limit: i64) -> sqlx::Result<Vec<(i64, Value)>> {
    let found = kept(tx, vim, after, limit).await?;
    if follows(&found, after) {
        return Ok(found);
    }
    let last: Option<i64> = sqlx::query_scalar("SELECT last_event FROM vim WHERE id = $1")
        .bind(vim.to_string())
        .fetch_optional(&mut *tx)
        .await?;
    let Some(last) = last.filter(|last| *last != after) else { return Ok(Vec::new()) };
    if after > last {
        let detail = format!("event {after} was never told here, the newest is {last}: the adapter lost its state");
        return Ok(vec![(last, resync(detail))]);
    }
    // Looked at once more: what came between the two looks is not lost.
    let found = kept(tx, vim, after, limit).await?;
    if follows(&found, after) {
        return Ok(found);
    }
    let lost = found.first().map_or(last, |(first, _)| first - 1);
    let detail = format!("events {} to {lost} are no longer kept", after + 1);
    Ok([(lost, resync(detail))].into_iter().chain(found).collect())
}

fn follows(found: &[(i64, Value)], after: i64) -> bool {
    found.first().is_some_and(|(first, _)| *first == after + 1)
}

async fn kept(tx: &mut AnyConnection, vim: Uuid, after: i64, limit: i64) -> sqlx::Result<Vec<(i64, Value)>> {
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
