//! Volumes.

use reference_points::common::ProblemDetails;
use reference_points::or_vi::{ResourceState, Volume};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};
use uuid::Uuid;

use super::{Columns, optional, text, word};

fn volume(row: &AnyRow) -> sqlx::Result<Volume> {
    Ok(Volume {
        id: row.id("id")?,
        spec: row.doc("spec")?,
        vim_resource_id: row.try_get("vim_resource_id")?,
        host: row.try_get("host")?,
        compute_id: row.optional_id("compute_id")?,
        state: row.word("state")?,
        problem: row.problem()?,
    })
}

/// Adds a volume.
pub async fn insert(tx: &mut AnyConnection, vim: Uuid, volume: &Volume) -> sqlx::Result<()> {
    sqlx::query("INSERT INTO volume (vim_id, id, spec, size_bytes, host, state) VALUES ($1, $2, $3, $4, $5, $6)")
        .bind(vim.to_string())
        .bind(volume.id.to_string())
        .bind(text(&volume.spec))
        .bind(i64::try_from(volume.spec.size_bytes).unwrap_or(i64::MAX))
        .bind(volume.host.clone())
        .bind(word(&volume.state))
        .execute(tx)
        .await
        .map(drop)
}

/// A volume.
pub async fn get(tx: &mut AnyConnection, vim: Uuid, id: Uuid) -> sqlx::Result<Option<Volume>> {
    let row = sqlx::query("SELECT * FROM volume WHERE vim_id = $1 AND id = $2")
        .bind(vim.to_string())
        .bind(id.to_string())
        .fetch_optional(tx)
        .await?;
    row.as_ref().map(volume).transpose()
}

/// All volumes of a VIM, by id.
pub async fn list(tx: &mut AnyConnection, vim: Uuid) -> sqlx::Result<Vec<Volume>> {
    let rows =
        sqlx::query("SELECT * FROM volume WHERE vim_id = $1 ORDER BY id").bind(vim.to_string()).fetch_all(tx).await?;
    rows.iter().map(volume).collect()
}

/// Volumes of a host that are not as they shall be yet.
pub async fn unfinished(tx: &mut AnyConnection, vim: Uuid, host: &str) -> sqlx::Result<Vec<Volume>> {
    let rows = sqlx::query(
        "SELECT * FROM volume WHERE vim_id = $1 AND host = $2 AND state IN ('building', 'deleting') ORDER BY id",
    )
    .bind(vim.to_string())
    .bind(host)
    .fetch_all(tx)
    .await?;
    rows.iter().map(volume).collect()
}

/// Sets the state and what is wrong; false when there is no such volume.
pub async fn set_state(
    tx: &mut AnyConnection,
    vim: Uuid,
    id: Uuid,
    state: ResourceState,
    problem: Option<&ProblemDetails>,
) -> sqlx::Result<bool> {
    let done = sqlx::query("UPDATE volume SET state = $3, problem = $4 WHERE vim_id = $1 AND id = $2")
        .bind(vim.to_string())
        .bind(id.to_string())
        .bind(word(&state))
        .bind(optional(problem))
        .execute(tx)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Keeps the VIM's own identifier.
pub async fn set_vim_id(tx: &mut AnyConnection, vim: Uuid, id: Uuid, its: Option<&str>) -> sqlx::Result<()> {
    sqlx::query("UPDATE volume SET vim_resource_id = $3 WHERE vim_id = $1 AND id = $2")
        .bind(vim.to_string())
        .bind(id.to_string())
        .bind(its.map(str::to_owned))
        .execute(tx)
        .await
        .map(drop)
}

/// Puts a volume on a host.
pub async fn set_host(tx: &mut AnyConnection, vim: Uuid, id: Uuid, host: &str) -> sqlx::Result<()> {
    sqlx::query("UPDATE volume SET host = $3 WHERE vim_id = $1 AND id = $2")
        .bind(vim.to_string())
        .bind(id.to_string())
        .bind(host)
        .execute(tx)
        .await
        .map(drop)
}

/// Gives a volume to a compute, or takes it back.
pub async fn bind(tx: &mut AnyConnection, vim: Uuid, id: Uuid, compute: Option<Uuid>) -> sqlx::Result<()> {
    sqlx::query("UPDATE volume SET compute_id = $3 WHERE vim_id = $1 AND id = $2")
        .bind(vim.to_string())
        .bind(id.to_string())
        .bind(compute.map(|id| id.to_string()))
        .execute(tx)
        .await
        .map(drop)
}

/// Volumes that a compute uses, by id.
pub async fn of_compute(tx: &mut AnyConnection, vim: Uuid, compute: Uuid) -> sqlx::Result<Vec<Volume>> {
    let rows = sqlx::query("SELECT * FROM volume WHERE vim_id = $1 AND compute_id = $2 ORDER BY id")
        .bind(vim.to_string())
        .bind(compute.to_string())
        .fetch_all(tx)
        .await?;
    rows.iter().map(volume).collect()
}

/// Removes a volume.
pub async fn delete(tx: &mut AnyConnection, vim: Uuid, id: Uuid) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM volume WHERE vim_id = $1 AND id = $2")
        .bind(vim.to_string())
        .bind(id.to_string())
        .execute(tx)
        .await
        .map(drop)
}
