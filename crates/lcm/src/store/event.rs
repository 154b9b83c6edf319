//! The journal's lines.

use super::{damaged, values};
use crate::machine::Event;
use crate::view::{EventKind, TimelineEntry};
use db::sqlx::{self, Row};
use db::{AnyConnection, DbError};
use uuid::Uuid;

/// Rows per statement.
const CHUNK: usize = 100;

pub(crate) async fn insert(
    tx: &mut AnyConnection,
    op: Uuid,
    version: i64,
    at: i64,
    fence: i64,
    events: &[Event],
) -> Result<(), DbError> {
    let op = op.to_string();
    for (c, chunk) in events.chunks(CHUNK).enumerate() {
        let sql = format!(
            "INSERT INTO lcm_event (op_id, version, n, at, step_key, event, attempt, started, detail, fence) VALUES {}",
            values(1, chunk.len(), 10)
        );
        let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
        for (i, e) in chunk.iter().enumerate() {
            query = query
                .bind(op.clone())
                .bind(version)
                .bind((c * CHUNK + i) as i64)
                .bind(at)
                .bind(e.step.clone())
                .bind(e.event.as_str())
                .bind(i64::from(e.attempt))
                .bind(e.started)
                .bind(e.detail.clone())
                .bind(fence);
        }
        query.execute(&mut *tx).await?;
    }
    Ok(())
}

/// Everything that happened to an operation, in order; at most `limit` lines, the oldest first.
pub(crate) async fn timeline(tx: &mut AnyConnection, op: Uuid, limit: i64) -> Result<Vec<TimelineEntry>, DbError> {
    let rows = sqlx::query(
        "SELECT at, step_key, event, attempt, started, detail, fence FROM lcm_event WHERE op_id = $1 \
         ORDER BY version, n LIMIT $2",
    )
    .bind(op.to_string())
    .bind(limit)
    .fetch_all(tx)
    .await?;
    rows.iter()
        .map(|r| {
            let event: String = r.try_get("event")?;
            let attempt: i64 = r.try_get("attempt")?;
            Ok(TimelineEntry {
                at: r.try_get("at")?,
                step: r.try_get("step_key")?,
                event: EventKind::parse(&event).ok_or_else(|| damaged(format!("event '{event}'")))?,
                attempt: u32::try_from(attempt).unwrap_or_default(),
                started: r.try_get("started")?,
                detail: r.try_get("detail")?,
                fence: r.try_get("fence")?,
            })
        })
        .collect()
}
