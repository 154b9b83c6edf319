//! Operations: inserting, reading, listing, deleting.

use super::{damaged, from_text, to_text};
use crate::machine::Op;
use crate::state::{CancelMode, OperationState};
use db::sqlx::{self, Row};
use db::{AnyConnection, AnyRow, DbError};
use std::sync::Arc;
use uuid::Uuid;

const COLUMNS: &str = "id, kind, subject, state, state_entered, created_at, updated_at, params, error, cancel_mode, \
                       traceparent, automatic, version";

pub(crate) fn read(row: &AnyRow) -> Result<Op, DbError> {
    let id: String = row.try_get("id")?;
    let state: String = row.try_get("state")?;
    let cancel: Option<String> = row.try_get("cancel_mode")?;
    let params: String = row.try_get("params")?;
    let error: Option<String> = row.try_get("error")?;
    Ok(Op {
        id: id.parse().map_err(|_| damaged(format!("operation id '{id}'")))?,
        kind: row.try_get("kind")?,
        subject: row.try_get("subject")?,
        state: OperationState::parse(&state).ok_or_else(|| damaged(format!("operation state '{state}' of {id}")))?,
        state_entered: row.try_get("state_entered")?,
        created_at: row.try_get("created_at")?,
        updated_at: row.try_get("updated_at")?,
        params: Arc::new(from_text(&params, "an operation's parameters")?),
        error: error.map(|e| from_text(&e, "an operation's error")).transpose()?,
        cancel: match cancel {
            None => None,
            Some(mode) => {
                Some(CancelMode::parse(&mode).ok_or_else(|| damaged(format!("cancel mode '{mode}' of {id}")))?)
            }
        },
        traceparent: row.try_get("traceparent")?,
        automatic: row.try_get::<i64, _>("automatic")? != 0,
        version: row.try_get("version")?,
    })
}

/// Inserts the operation unless its id or its subject is taken; tells whether it did.
pub(crate) async fn insert(tx: &mut AnyConnection, op: &Op) -> Result<bool, DbError> {
    let done = sqlx::query(
        "INSERT INTO lcm_operation (id, kind, subject, state, state_entered, created_at, updated_at, params, \
         traceparent, automatic, version, finished, active, due_at, lease_expires, fence) \
         VALUES ($1, $2, $3, $4, $5, $5, $5, $6, $7, $8, $9, 0, 1, 0, 0, 0) ON CONFLICT DO NOTHING",
    )
    .bind(op.id.to_string())
    .bind(op.kind.as_str())
    .bind(op.subject.as_str())
    .bind(op.state.as_str())
    .bind(op.created_at)
    .bind(to_text(op.params.as_ref())?)
    .bind(op.traceparent.clone())
    .bind(i64::from(op.automatic))
    .bind(op.version)
    .execute(tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The unfinished operation on a subject.
pub(crate) async fn unfinished(
    tx: &mut AnyConnection,
    subject: &str,
) -> Result<Option<(Uuid, OperationState)>, DbError> {
    let row = sqlx::query("SELECT id, state FROM lcm_operation WHERE subject = $1 AND finished = 0")
        .bind(subject)
        .fetch_optional(tx)
        .await?;
    let Some(row) = row else { return Ok(None) };
    let (id, state): (String, String) = (row.try_get(0)?, row.try_get(1)?);
    match (id.parse(), OperationState::parse(&state)) {
        (Ok(id), Some(state)) => Ok(Some((id, state))),
        _ => Err(damaged(format!("operation '{id}' in state '{state}'"))),
    }
}

pub(crate) async fn get(tx: &mut AnyConnection, id: Uuid) -> Result<Option<Op>, DbError> {
    let row = sqlx::query(sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM lcm_operation WHERE id = $1")))
        .bind(id.to_string())
        .fetch_optional(tx)
        .await?;
    row.as_ref().map(read).transpose()
}

/// Reads the operation and locks it for the rest of the transaction; its version is counted up. Portable because it is
/// an UPDATE.
pub(crate) async fn lock(tx: &mut AnyConnection, id: Uuid) -> Result<Option<Op>, DbError> {
    let row = sqlx::query(sqlx::AssertSqlSafe(format!(
        "UPDATE lcm_operation SET version = version + 1 WHERE id = $1 RETURNING {COLUMNS}"
    )))
    .bind(id.to_string())
    .fetch_optional(tx)
    .await?;
    row.as_ref().map(read).transpose()
}

/// Writes what a task changed; nobody holds a lease on an operation whose state a task changes, and a cancel changes no
/// more than its mode.
pub(crate) async fn update(tx: &mut AnyConnection, op: &Op) -> Result<(), DbError> {
    sqlx::query(
        "UPDATE lcm_operation SET state = $2, state_entered = $3, updated_at = $4, error = $5, cancel_mode = $6, \
         finished = $7, active = $8, due_at = 0 WHERE id = $1",
    )
    .bind(op.id.to_string())
    .bind(op.state.as_str())
    .bind(op.state_entered)
    .bind(op.updated_at)
    .bind(op.error.as_ref().map(to_text).transpose()?)
    .bind(op.cancel.map(|c| c.as_str().to_owned()))
    .bind(i64::from(op.state.is_final()))
    .bind(i64::from(op.state.is_active()))
    .execute(tx)
    .await?;
    Ok(())
}

/// Operations in the order of their submission, after the one named, at most `limit`.
pub(crate) async fn list(
    tx: &mut AnyConnection,
    subject: Option<&str>,
    unfinished: bool,
    after: Option<(i64, Uuid)>,
    limit: i64,
) -> Result<Vec<Op>, DbError> {
    let (at, id) = after.map_or((i64::MIN, String::new()), |(at, id)| (at, id.to_string()));
    // Only what is asked for stands in the statement, so that an index serves it: no look at one subject costs more with
    // the number of operations there are.
    let of_subject = if subject.is_some() { " AND subject = $4" } else { "" };
    let open = if unfinished { " AND finished = 0" } else { "" };
    let sql = format!(
        "SELECT {COLUMNS} FROM lcm_operation WHERE (created_at, id) > ($1, $2){of_subject}{open} \
         ORDER BY created_at, id LIMIT $3"
    );
    let query = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(at).bind(id).bind(limit);
    let query = match subject {
        Some(subject) => query.bind(subject.to_owned()),
        None => query,
    };
    query.fetch_all(tx).await?.iter().map(read).collect()
}

/// Deletes a finished operation with everything that belongs to it; tells whether there was one.
pub(crate) async fn delete_finished(tx: &mut AnyConnection, id: Uuid) -> Result<bool, DbError> {
    let done = sqlx::query("DELETE FROM lcm_operation WHERE id = $1 AND finished = 1")
        .bind(id.to_string())
        .execute(tx)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Deletes up to `limit` operations that finished before `before`.
pub(crate) async fn prune(tx: &mut AnyConnection, before: i64, limit: i64) -> Result<u64, DbError> {
    let done = sqlx::query(
        "DELETE FROM lcm_operation WHERE id IN (SELECT id FROM lcm_operation WHERE finished = 1 AND state_entered < $1 \
         ORDER BY created_at LIMIT $2)",
    )
    .bind(before)
    .bind(limit)
    .execute(tx)
    .await?;
    Ok(done.rows_affected())
}

/// How many unfinished operations there are of each kind and state.
pub(crate) async fn census(tx: &mut AnyConnection) -> Result<Vec<(String, String, i64)>, DbError> {
    let rows = sqlx::query("SELECT kind, state, COUNT(*) FROM lcm_operation WHERE finished = 0 GROUP BY kind, state")
        .fetch_all(tx)
        .await?;
    rows.iter().map(|r| Ok((r.try_get(0)?, r.try_get(1)?, r.try_get(2)?))).collect()
}
