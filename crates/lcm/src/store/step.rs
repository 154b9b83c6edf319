//! Steps: inserting a plan's, reading an operation's, writing those that changed.

use super::{damaged, from_text, to_text, values};
use crate::machine::StepRow;
use crate::plan::StepSpec;
use crate::view::StepState;
use db::sqlx::{self, Row};
use db::{AnyConnection, AnyRow, DbError};
use std::sync::Arc;
use uuid::Uuid;

/// Rows per statement. PostgreSQL takes 65,535 parameters, SQLite 32,766.
const CHUNK: usize = 100;

fn read(row: &AnyRow) -> Result<StepRow, DbError> {
    let key: String = row.try_get("step_key")?;
    let state: String = row.try_get("state")?;
    let json = |column: &str| -> Result<Option<Arc<serde_json::Value>>, DbError> {
        let text: Option<String> = row.try_get(column)?;
        text.map(|t| from_text(&t, column).map(Arc::new)).transpose()
    };
    let error: Option<String> = row.try_get("error")?;
    let after: String = row.try_get("after_keys")?;
    let attempt: i64 = row.try_get("attempt")?;
    Ok(StepRow {
        kind: row.try_get("kind")?,
        title: row.try_get("title")?,
        params: json("params")?.unwrap_or_default(),
        after: Arc::new(from_text(&after, "a step's predecessors")?),
        starting: row.try_get::<i64, _>("starting")? != 0,
        state: StepState::parse(&state).ok_or_else(|| damaged(format!("step state '{state}' of '{key}'")))?,
        attempt: u32::try_from(attempt).map_err(|_| damaged(format!("attempt {attempt} of '{key}'")))?,
        next_at: row.try_get("next_at")?,
        wake_key: row.try_get("wake_key")?,
        note: row.try_get("note")?,
        memo: json("memo")?,
        output: json("output")?,
        error: error.map(|e| from_text(&e, "a step's error")).transpose()?,
        started_at: row.try_get("started_at")?,
        finished_at: row.try_get("finished_at")?,
        call_started: None,
        resumed: false,
        key,
    })
}

/// The rows of a new plan.
pub(crate) fn rows(steps: &[StepSpec]) -> Vec<StepRow> {
    steps
        .iter()
        .map(|s| StepRow {
            key: s.key.clone(),
            kind: s.kind.clone(),
            title: s.title.clone(),
            params: Arc::new(s.params.clone()),
            after: Arc::new(s.after.clone()),
            starting: s.starting,
            state: StepState::Pending,
            attempt: 0,
            next_at: None,
            wake_key: None,
            note: None,
            memo: None,
            output: None,
            error: None,
            started_at: None,
            finished_at: None,
            call_started: None,
            resumed: false,
        })
        .collect()
}

pub(crate) async fn insert(tx: &mut AnyConnection, op: Uuid, steps: &[StepRow]) -> Result<(), DbError> {
    let op = op.to_string();
    for (c, chunk) in steps.chunks(CHUNK).enumerate() {
        let sql = format!(
            "INSERT INTO lcm_step (op_id, step_key, ordinal, kind, title, params, after_keys, starting, state, attempt) VALUES {}",
            values(1, chunk.len(), 10)
        );
        let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
        for (i, s) in chunk.iter().enumerate() {
            query = query
                .bind(op.clone())
                .bind(s.key.as_str())
                .bind((c * CHUNK + i) as i64)
                .bind(s.kind.as_str())
                .bind(s.title.as_str())
                .bind(to_text(s.params.as_ref())?)
                .bind(to_text(s.after.as_ref())?)
                .bind(i64::from(s.starting))
                .bind(s.state.as_str())
                .bind(i64::from(s.attempt));
        }
        query.execute(&mut *tx).await?;
    }
    Ok(())
}

/// All steps of an operation, in the plan's order.
pub(crate) async fn of(tx: &mut AnyConnection, op: Uuid) -> Result<Vec<StepRow>, DbError> {
    let rows = sqlx::query(
        "SELECT step_key, kind, title, params, after_keys, starting, state, attempt, next_at, wake_key, note, memo, \
         output, error, started_at, finished_at FROM lcm_step WHERE op_id = $1 ORDER BY ordinal",
    )
    .bind(op.to_string())
    .fetch_all(tx)
    .await?;
    rows.iter().map(read).collect()
}

/// Writes the steps that changed, all in one statement.
pub(crate) async fn update(tx: &mut AnyConnection, op: Uuid, steps: &[&StepRow]) -> Result<(), DbError> {
    for chunk in steps.chunks(CHUNK) {
        let sql = format!(
            "WITH v (step_key, state, attempt, next_at, wake_key, note, memo, output, error, started_at, finished_at) \
             AS (VALUES {}) UPDATE lcm_step SET state = v.state, attempt = v.attempt, next_at = v.next_at, \
             wake_key = v.wake_key, note = v.note, memo = v.memo, output = v.output, error = v.error, \
             started_at = v.started_at, finished_at = v.finished_at \
             FROM v WHERE lcm_step.op_id = $1 AND lcm_step.step_key = v.step_key",
            values(2, chunk.len(), 11)
        );
        let mut query = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(op.to_string());
        for s in chunk {
            query = query
                .bind(s.key.as_str())
                .bind(s.state.as_str())
                .bind(i64::from(s.attempt))
                .bind(s.next_at)
                .bind(s.wake_key.clone())
                .bind(s.note.clone())
                .bind(s.memo.as_deref().map(to_text).transpose()?)
                .bind(s.output.as_deref().map(to_text).transpose()?)
                .bind(s.error.as_ref().map(to_text).transpose()?)
                .bind(s.started_at)
                .bind(s.finished_at);
        }
        query.execute(&mut *tx).await?;
    }
    Ok(())
}

/// When the parked steps of an operation are to be called again: a wake changes it behind the executor's back.
pub(crate) async fn parked(tx: &mut AnyConnection, op: Uuid) -> Result<Vec<(String, Option<i64>)>, DbError> {
    let rows =
        sqlx::query("SELECT step_key, next_at FROM lcm_step WHERE op_id = $1 AND state IN ('PARKED', 'UNDO_PARKED')")
            .bind(op.to_string())
            .fetch_all(tx)
            .await?;
    rows.iter().map(|r| Ok((r.try_get(0)?, r.try_get(1)?))).collect()
}
