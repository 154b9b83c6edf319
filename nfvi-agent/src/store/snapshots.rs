//! Snapshots of this host.

use db::sqlx::{self, Row};
use db::{AnyConnection, AnyRow};
use reference_points::common::ProblemDetails;
use reference_points::nf_vi::{Consistency, Snapshot, SnapshotDisk, SnapshotSpec, SnapshotState};
use uuid::Uuid;

use super::{Result, json, text, uuid};

/// A snapshot as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct SnapshotRow {
    /// Its id.
    pub id: Uuid,
    /// What was asked for.
    pub spec: SnapshotSpec,
    /// Where it stands.
    pub state: SnapshotState,
    /// Why it could not be taken.
    pub problem: Option<ProblemDetails>,
    /// How the guest stood.
    pub consistency: Option<Consistency>,
    /// What was captured.
    pub disks: Vec<SnapshotDisk>,
    /// When it was ready, microseconds since the epoch.
    pub taken_at: i64,
    /// Trace of the request that changed it last (W3C `traceparent`).
    pub trace: Option<String>,
}

impl SnapshotRow {
    /// As the interface shows it.
    pub fn show(&self) -> Snapshot {
        Snapshot {
            id: self.id,
            spec: self.spec.clone(),
            state: self.state,
            problem: self.problem.clone(),
            consistency: self.consistency,
            disks: self.disks.clone(),
            taken_at: self.taken_at,
        }
    }
}

fn read(row: &AnyRow) -> Result<SnapshotRow> {
    let get = |column: &str| row.try_get::<String, _>(column);
    let optional = |column: &str| row.try_get::<Option<String>, _>(column);
    Ok(SnapshotRow {
        id: uuid(row, "id")?,
        spec: json("spec", &get("spec")?)?,
        state: json("state", &get("state")?)?,
        problem: optional("problem")?.map(|text| json("problem", &text)).transpose()?,
        consistency: optional("consistency")?.map(|text| json("consistency", &text)).transpose()?,
        disks: json("disks", &get("disks")?)?,
        taken_at: row.try_get("taken_at")?,
        trace: optional("trace")?,
    })
}

/// One snapshot.
///
/// # Errors
/// What the database said.
pub async fn get(tx: &mut AnyConnection, id: Uuid) -> Result<Option<SnapshotRow>> {
    let row = sqlx::query("SELECT * FROM snapshot WHERE id = $1").bind(id.to_string()).fetch_optional(&mut *tx).await?;
    row.as_ref().map(read).transpose()
}

/// All snapshots, in the order they were asked for.
///
/// # Errors
/// What the database said.
pub async fn list(tx: &mut AnyConnection) -> Result<Vec<SnapshotRow>> {
    sqlx::query("SELECT * FROM snapshot ORDER BY created_at, id").fetch_all(&mut *tx).await?.iter().map(read).collect()
}

/// Ids of the snapshots that something is still to be done for.
///
/// # Errors
/// What the database said.
pub async fn unfinished(tx: &mut AnyConnection) -> Result<Vec<Uuid>> {
    let rows = sqlx::query("SELECT id FROM snapshot WHERE state = $1 OR state = $2")
        .bind(text(&SnapshotState::Building)?)
        .bind(text(&SnapshotState::Deleting)?)
        .fetch_all(&mut *tx)
        .await?;
    rows.iter().map(|row| uuid(row, "id")).collect()
}

/// Adds a snapshot, or replaces everything that is kept of it.
///
/// # Errors
/// What the database said.
pub async fn put(tx: &mut AnyConnection, snapshot: &SnapshotRow, at: i64) -> Result<()> {
    sqlx::query(
        "INSERT INTO snapshot (id, spec, state, problem, consistency, disks, taken_at, created_at, trace)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         ON CONFLICT (id) DO UPDATE SET spec = $2, state = $3, problem = $4, consistency = $5, disks = $6, taken_at = $7, \
           trace = $9",
    )
    .bind(snapshot.id.to_string())
    .bind(text(&snapshot.spec)?)
    .bind(text(&snapshot.state)?)
    .bind(snapshot.problem.as_ref().map(text).transpose()?)
    .bind(snapshot.consistency.as_ref().map(text).transpose()?)
    .bind(text(&snapshot.disks)?)
    .bind(snapshot.taken_at)
    .bind(at)
    .bind(snapshot.trace.clone())
    .execute(&mut *tx)
    .await?;
    Ok(())
}

/// Forgets a snapshot.
///
/// # Errors
/// What the database said.
pub async fn remove(tx: &mut AnyConnection, id: Uuid) -> Result<()> {
    sqlx::query("DELETE FROM snapshot WHERE id = $1").bind(id.to_string()).execute(&mut *tx).await?;
    Ok(())
}
