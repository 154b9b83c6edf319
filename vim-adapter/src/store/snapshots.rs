//! Snapshots: what is wanted, how far the VIM was told, and what it said last.

use reference_points::common::{ProblemDetails, TraceContext};
use reference_points::nf_vi::Consistency;
use reference_points::or_vi::{ResourceState, Snapshot};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};
use uuid::Uuid;

use super::computes::Phase;
use super::{Columns, optional, text, word};

/// A snapshot as remembered.
#[derive(Debug, Clone)]
pub struct SnapshotRow {
    /// As the consumer sees it.
    pub snapshot: Snapshot,
    /// How far the VIM was told.
    pub phase: Phase,
    /// Trace of the request that wanted it last.
    pub trace: Option<TraceContext>,
}

/// What a VIM says of a snapshot.
#[derive(Debug, Clone)]
pub struct Seen {
    /// State.
    pub state: ResourceState,
    /// Why it is not usable, or what it waits for.
    pub problem: Option<ProblemDetails>,
    /// How the guest stood.
    pub consistency: Option<Consistency>,
    /// Volumes captured.
    pub volumes: Vec<Uuid>,
    /// Space it takes, in bytes.
    pub size_bytes: u64,
}

fn snapshot(row: &AnyRow) -> sqlx::Result<SnapshotRow> {
    let consistency: Option<String> = row.try_get("consistency")?;
    Ok(SnapshotRow {
        snapshot: Snapshot {
            id: row.id("id")?,
            spec: row.doc("spec")?,
            vim_resource_id: row.try_get("vim_resource_id")?,
            host: row.try_get("host")?,
            state: row.word("state")?,
            problem: row.problem()?,
            consistency: consistency.map(|_| row.word("consistency")).transpose()?,
            volumes: row.doc("volumes")?,
            size_bytes: u64::try_from(row.try_get::<i64, _>("size_bytes")?).unwrap_or(0),
        },
        phase: row.word("phase")?,
        trace: row.try_get::<Option<String>, _>("trace")?.and_then(|trace| trace.parse().ok()),
    })
}

/// Adds a snapshot, to be told.
pub async fn insert(tx: &mut AnyConnection, vim: Uuid, snapshot: &Snapshot) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO snapshot (vim_id, id, spec, compute_id, host, state, volumes, size_bytes, phase, trace) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $8, $9)",
    )
    .bind(vim.to_string())
    .bind(snapshot.id.to_string())
    .bind(text(&snapshot.spec))
    .bind(snapshot.spec.compute_id.to_string())
    .bind(snapshot.host.clone())
    .bind(word(&snapshot.state))
    .bind(text(&snapshot.volumes))
    .bind(word(&Phase::Deliver))
    .bind(TraceContext::current().map(|trace| trace.to_string()))
    .execute(tx)
    .await
    .map(drop)
}

/// A snapshot.
pub async fn get(tx: &mut AnyConnection, vim: Uuid, id: Uuid) -> sqlx::Result<Option<SnapshotRow>> {
    let row = sqlx::query("SELECT * FROM snapshot WHERE vim_id = $1 AND id = $2")
        .bind(vim.to_string())
        .bind(id.to_string())
        .fetch_optional(tx)
        .await?;
    row.as_ref().map(snapshot).transpose()
}

/// All snapshots of a VIM, by id.
pub async fn list(tx: &mut AnyConnection, vim: Uuid) -> sqlx::Result<Vec<SnapshotRow>> {
    let rows =
        sqlx::query("SELECT * FROM snapshot WHERE vim_id = $1 ORDER BY id").bind(vim.to_string()).fetch_all(tx).await?;
    rows.iter().map(snapshot).collect()
}

/// Snapshots on a host, by id.
pub async fn of_host(tx: &mut AnyConnection, vim: Uuid, host: &str) -> sqlx::Result<Vec<SnapshotRow>> {
    let rows = sqlx::query("SELECT * FROM snapshot WHERE vim_id = $1 AND host = $2 ORDER BY id")
        .bind(vim.to_string())
        .bind(host)
        .fetch_all(tx)
        .await?;
    rows.iter().map(snapshot).collect()
}

/// Snapshots about which a host's agent is to be told something, by id.
pub async fn untold(tx: &mut AnyConnection, vim: Uuid, host: &str) -> sqlx::Result<Vec<Uuid>> {
    let rows = sqlx::query(
        "SELECT id FROM snapshot WHERE vim_id = $1 AND host = $2 AND phase IN ('deliver', 'delete') ORDER BY id",
    )
    .bind(vim.to_string())
    .bind(host)
    .fetch_all(tx)
    .await?;
    rows.iter().map(|row| row.id("id")).collect()
}

/// Notes how far the VIM was told.
pub async fn set_phase(tx: &mut AnyConnection, vim: Uuid, id: Uuid, phase: Phase) -> sqlx::Result<()> {
    sqlx::query("UPDATE snapshot SET phase = $3, trace = COALESCE($4, trace) WHERE vim_id = $1 AND id = $2")
        .bind(vim.to_string())
        .bind(id.to_string())
        .bind(word(&phase))
        .bind(TraceContext::current().map(|trace| trace.to_string()))
        .execute(tx)
        .await
        .map(drop)
}

/// Keeps what the VIM said.
pub async fn set_seen(tx: &mut AnyConnection, vim: Uuid, id: Uuid, seen: &Seen) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE snapshot SET state = $3, problem = $4, consistency = $5, volumes = $6, size_bytes = $7 \
         WHERE vim_id = $1 AND id = $2",
    )
    .bind(vim.to_string())
    .bind(id.to_string())
    .bind(word(&seen.state))
    .bind(optional(seen.problem.as_ref()))
    .bind(seen.consistency.as_ref().map(word))
    .bind(text(&seen.volumes))
    .bind(i64::try_from(seen.size_bytes).unwrap_or(i64::MAX))
    .execute(tx)
    .await
    .map(drop)
}

/// Keeps the VIM's own identifier.
pub async fn set_vim_id(tx: &mut AnyConnection, vim: Uuid, id: Uuid, its: Option<&str>) -> sqlx::Result<()> {
    sqlx::query("UPDATE snapshot SET vim_resource_id = $3 WHERE vim_id = $1 AND id = $2")
        .bind(vim.to_string())
        .bind(id.to_string())
        .bind(its.map(str::to_owned))
        .execute(tx)
        .await
        .map(drop)
}

/// Removes a snapshot.
pub async fn delete(tx: &mut AnyConnection, vim: Uuid, id: Uuid) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM snapshot WHERE vim_id = $1 AND id = $2")
        .bind(vim.to_string())
        .bind(id.to_string())
        .execute(tx)
        .await
        .map(drop)
}
