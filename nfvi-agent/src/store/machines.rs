//! Machines that shall be.

use db::sqlx::{self, Row};
use db::{AnyConnection, AnyRow};
use reference_points::common::ProblemDetails;
use reference_points::nf_vi::{Machine, MachineSpec, MachineState, Revert};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Result, bytes, json, number, text, uuid};
use crate::hypervisor::domain_name;

/// A power action that is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    /// What was asked for.
    pub action: PendingAction,
    /// When force is used, microseconds since the epoch.
    pub deadline: i64,
    /// The guest has been asked.
    pub asked: bool,
}

/// Actions that take more than one look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PendingAction {
    /// Power off, the guest's way first.
    Stop,
    /// Reboot, the guest's way first.
    Reboot,
    /// Reset at once.
    Reset,
    /// Power off, the guest's way first, and start again with other CPUs and memory or a larger disk.
    Reshape,
}

/// A return to a snapshot that is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reverting {
    /// What it is.
    pub revert: Revert,
    /// Everything is prepared for exchanging the disks: from now on it is ended, whatever else is wanted.
    pub ready: bool,
}

/// A machine as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct MachineRow {
    /// Its id.
    pub id: Uuid,
    /// What shall be.
    pub spec: MachineSpec,
    /// What it was when last looked at.
    pub state: MachineState,
    /// Why it is in error.
    pub problem: Option<ProblemDetails>,
    /// When that was found.
    pub changed_at: i64,
    /// It shall go.
    pub deleting: bool,
    /// It has run once: what happens from now on is repair.
    pub has_run: bool,
    /// Host CPU of each virtual CPU; empty when they float.
    pub pinned: Vec<u32>,
    /// Size of its root disk in bytes; 0 when it boots from a volume.
    pub root_bytes: u64,
    /// A power action that is under way.
    pub pending: Option<Pending>,
    /// Trace of the request that changed it last (W3C `traceparent`).
    pub trace: Option<String>,
    /// The return to a snapshot that happened last.
    pub reverted: Option<Revert>,
    /// One that is under way.
    pub reverting: Option<Reverting>,
}

impl MachineRow {
    /// As the interface shows it.
    pub fn show(&self) -> Machine {
        Machine {
            id: self.id,
            spec: self.spec.clone(),
            state: self.state,
            problem: self.problem.clone(),
            domain: Some(domain_name(self.id)),
            reverted: self.reverted,
            changed_at: self.changed_at,
        }
    }
}

fn read(row: &AnyRow) -> Result<MachineRow> {
    let get = |column: &str| row.try_get::<String, _>(column);
    let optional = |column: &str| row.try_get::<Option<String>, _>(column);
    Ok(MachineRow {
        id: uuid(row, "id")?,
        spec: json("spec", &get("spec")?)?,
        state: json("state", &get("state")?)?,
        problem: optional("problem")?.map(|text| json("problem", &text)).transpose()?,
        changed_at: row.try_get("changed_at")?,
        deleting: row.try_get::<i64, _>("deleting")? != 0,
        has_run: row.try_get::<i64, _>("has_run")? != 0,
        pinned: json("pinned", &get("pinned")?)?,
        root_bytes: bytes(row, "root_bytes")?,
        pending: optional("pending")?.map(|text| json("pending", &text)).transpose()?,
        trace: optional("trace")?,
        reverted: optional("reverted")?.map(|text| json("reverted", &text)).transpose()?,
        reverting: optional("reverting")?.map(|text| json("reverting", &text)).transpose()?,
    })
}

/// One machine.
///
/// # Errors
/// What the database said.
pub async fn get(tx: &mut AnyConnection, id: Uuid) -> Result<Option<MachineRow>> {
    let row = sqlx::query("SELECT * FROM machine WHERE id = $1").bind(id.to_string()).fetch_optional(&mut *tx).await?;
    row.as_ref().map(read).transpose()
}

/// All machines, in the order they were made.
///
/// # Errors
/// What the database said.
pub async fn list(tx: &mut AnyConnection) -> Result<Vec<MachineRow>> {
    sqlx::query("SELECT * FROM machine ORDER BY created_at, id").fetch_all(&mut *tx).await?.iter().map(read).collect()
}

/// Ids of all machines.
///
/// # Errors
/// What the database said.
pub async fn ids(tx: &mut AnyConnection) -> Result<Vec<Uuid>> {
    sqlx::query("SELECT id FROM machine").fetch_all(&mut *tx).await?.iter().map(|row| uuid(row, "id")).collect()
}

/// Adds a machine, or replaces everything that is kept of it.
///
/// # Errors
/// What the database said.
pub async fn put(tx: &mut AnyConnection, machine: &MachineRow) -> Result<()> {
    let flag = |set: bool| i64::from(set);
    sqlx::query(
        "INSERT INTO machine (id, spec, state, problem, changed_at, created_at, deleting, has_run, pinned, root_bytes, \
           pending, trace)
         VALUES ($1, $2, $3, $4, $5, $5, $6, $7, $8, $9, $10, $11)
         ON CONFLICT (id) DO UPDATE SET spec = $2, state = $3, problem = $4, changed_at = $5, deleting = $6, \
           has_run = $7, pinned = $8, root_bytes = $9, pending = $10, trace = $11",
    )
    .bind(machine.id.to_string())
    .bind(text(&machine.spec)?)
    .bind(text(&machine.state)?)
    .bind(machine.problem.as_ref().map(text).transpose()?)
    .bind(machine.changed_at)
    .bind(flag(machine.deleting))
    .bind(flag(machine.has_run))
    .bind(text(&machine.pinned)?)
    .bind(number(machine.root_bytes))
    .bind(machine.pending.as_ref().map(text).transpose()?)
    .bind(machine.trace.clone())
    .execute(&mut *tx)
    .await?;
    Ok(())
}

/// Notes what was found of a machine, and ends or keeps its power action. Nothing else of it is touched: it may have been
/// changed meanwhile.
///
/// # Errors
/// What the database said.
pub async fn note(
    tx: &mut AnyConnection,
    id: Uuid,
    state: MachineState,
    problem: Option<&ProblemDetails>,
    at: i64,
) -> Result<()> {
    let runs = i64::from(state == MachineState::Running);
    sqlx::query(
        "UPDATE machine SET state = $2, problem = $3, changed_at = $4, \
           has_run = CASE WHEN $5 = 1 THEN 1 ELSE has_run END WHERE id = $1",
    )
    .bind(id.to_string())
    .bind(text(&state)?)
    .bind(problem.map(text).transpose()?)
    .bind(at)
    .bind(runs)
    .execute(&mut *tx)
    .await?;
    Ok(())
}

/// Sets or clears the power action, if it still is `before`.
///
/// # Errors
/// What the database said.
pub async fn set_pending(
    tx: &mut AnyConnection,
    id: Uuid,
    before: Option<&Pending>,
    after: Option<&Pending>,
) -> Result<()> {
    let before = before.map(text).transpose()?;
    sqlx::query("UPDATE machine SET pending = $2 WHERE id = $1 AND COALESCE(pending, '') = $3")
        .bind(id.to_string())
        .bind(after.map(text).transpose()?)
        .bind(before.unwrap_or_default())
        .execute(&mut *tx)
        .await?;
    Ok(())
}

/// Notes which return to a snapshot is under way, or that none is.
///
/// # Errors
/// What the database said.
pub async fn set_reverting(tx: &mut AnyConnection, id: Uuid, to: Option<&Reverting>) -> Result<()> {
    let update = sqlx::query("UPDATE machine SET reverting = $2 WHERE id = $1");
    update.bind(id.to_string()).bind(to.map(text).transpose()?).execute(&mut *tx).await?;
    Ok(())
}

/// Notes that a return to a snapshot happened.
///
/// # Errors
/// What the database said.
pub async fn set_reverted(tx: &mut AnyConnection, id: Uuid, done: &Revert) -> Result<()> {
    let update = sqlx::query("UPDATE machine SET reverted = $2, reverting = NULL WHERE id = $1");
    update.bind(id.to_string()).bind(text(done)?).execute(&mut *tx).await?;
    Ok(())
}

/// Forgets a machine.
///
/// # Errors
/// What the database said.
pub async fn remove(tx: &mut AnyConnection, id: Uuid) -> Result<()> {
    sqlx::query("DELETE FROM machine WHERE id = $1").bind(id.to_string()).execute(&mut *tx).await?;
    Ok(())
}
