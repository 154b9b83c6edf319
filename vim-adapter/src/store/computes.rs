//! Computes: what is wanted, how far the VIM was told, and what it said last.

use reference_points::common::{ProblemDetails, TraceContext};
use reference_points::nf_vi::{Capacity, ConfigDrive, MachineState, Revert};
use reference_points::or_vi::{Compute, ComputeSpec, ComputeState};
use serde::{Deserialize, Serialize};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};
use uuid::Uuid;

use super::{Columns, optional, text, word};

/// How far the VIM was told what is wanted of a compute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// It is to be told.
    Deliver,
    /// It knows.
    Settled,
    /// It refused; nobody asks again by himself.
    Failed,
    /// It is to be told that the compute shall go.
    Delete,
    /// It knows that, and will say when it is done.
    Deleting,
}

/// A compute as remembered.
#[derive(Debug, Clone)]
pub struct ComputeRow {
    /// As the consumer sees it.
    pub compute: Compute,
    /// What is reserved for it.
    pub reserved: Capacity,
    /// How far the VIM was told.
    pub phase: Phase,
    /// Counts the changes of what is wanted.
    pub wanted: i64,
    /// Whether the VIM may have heard of it.
    pub sent: bool,
    /// State of the machine, as the VIM said last.
    pub machine: Option<MachineState>,
    /// When the machine came into that state, by the VIM's clock.
    pub machine_at: i64,
    /// What is wrong with the machine, or what telling the VIM waits for.
    pub machine_problem: Option<ProblemDetails>,
    /// First-boot data that the machine was made with.
    pub config_drive: Option<ConfigDrive>,
    /// Trace of the request that wanted it last.
    pub trace: Option<TraceContext>,
}

fn compute(row: &AnyRow) -> sqlx::Result<ComputeRow> {
    let amount = |column: &str| -> sqlx::Result<u64> { Ok(u64::try_from(row.try_get::<i64, _>(column)?).unwrap_or(0)) };
    let machine: Option<String> = row.try_get("machine")?;
    Ok(ComputeRow {
        compute: Compute {
            id: row.id("id")?,
            spec: row.doc("spec")?,
            vim_resource_id: row.try_get("vim_resource_id")?,
            state: row.word("state")?,
            problem: row.problem()?,
            host: row.try_get("host")?,
            zone: row.try_get("zone")?,
            reverted: row.optional_doc("reverted")?,
            changed_at: row.try_get("changed_at")?,
        },
        reserved: Capacity {
            vcpus: amount("vcpus")?,
            memory_bytes: amount("memory_bytes")?,
            disk_bytes: amount("disk_bytes")?,
        },
        phase: row.word("phase")?,
        wanted: row.try_get("wanted")?,
        sent: row.try_get::<i64, _>("sent")? != 0,
        machine: match machine {
            Some(_) => Some(row.word("machine")?),
            None => None,
        },
        machine_at: row.try_get("machine_at")?,
        machine_problem: row.optional_doc("machine_problem")?,
        config_drive: row.optional_doc("config_drive")?,
        trace: row.try_get::<Option<String>, _>("trace")?.and_then(|trace| trace.parse().ok()),
    })
}

fn current_trace() -> Option<String> {
    TraceContext::current().map(|trace| trace.to_string())
}

fn big(amount: u64) -> i64 {
    i64::try_from(amount).unwrap_or(i64::MAX)
}

/// Adds a compute.
pub async fn insert(tx: &mut AnyConnection, vim: Uuid, row: &ComputeRow, image: Option<Uuid>) -> sqlx::Result<()> {
    let compute = &row.compute;
    sqlx::query(
        "INSERT INTO compute (vim_id, id, spec, state, problem, host, zone, image_id, vcpus, memory_bytes, disk_bytes, \
         phase, wanted, sent, machine_at, changed_at, trace) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
    )
    .bind(vim.to_string())
    .bind(compute.id.to_string())
    .bind(text(&compute.spec))
    .bind(word(&compute.state))
    .bind(optional(compute.problem.as_ref()))
    .bind(compute.host.clone())
    .bind(compute.zone.clone())
    .bind(image.map(|id| id.to_string()))
    .bind(big(row.reserved.vcpus))
    .bind(big(row.reserved.memory_bytes))
    .bind(big(row.reserved.disk_bytes))
    .bind(word(&row.phase))
    .bind(row.wanted)
    .bind(i64::from(row.sent))
    .bind(row.machine_at)
    .bind(compute.changed_at)
    .bind(row.trace.map(|trace| trace.to_string()))
    .execute(tx)
    .await
    .map(drop)
}

/// A compute.
pub async fn get(tx: &mut AnyConnection, vim: Uuid, id: Uuid) -> sqlx::Result<Option<ComputeRow>> {
    let row = sqlx::query("SELECT * FROM compute WHERE vim_id = $1 AND id = $2")
        .bind(vim.to_string())
        .bind(id.to_string())
        .fetch_optional(tx)
        .await?;
    row.as_ref().map(compute).transpose()
}

/// All computes of a VIM, by id.
pub async fn list(tx: &mut AnyConnection, vim: Uuid) -> sqlx::Result<Vec<ComputeRow>> {
    let rows =
        sqlx::query("SELECT * FROM compute WHERE vim_id = $1 ORDER BY id").bind(vim.to_string()).fetch_all(tx).await?;
    rows.iter().map(compute).collect()
}

/// Computes of a host, by id.
pub async fn of_host(tx: &mut AnyConnection, vim: Uuid, host: &str) -> sqlx::Result<Vec<ComputeRow>> {
    let rows = sqlx::query("SELECT * FROM compute WHERE vim_id = $1 AND host = $2 ORDER BY id")
        .bind(vim.to_string())
        .bind(host)
        .fetch_all(tx)
        .await?;
    rows.iter().map(compute).collect()
}

/// Computes of a host about which its agent is to be told something, by id.
pub async fn untold(tx: &mut AnyConnection, vim: Uuid, host: &str) -> sqlx::Result<Vec<Uuid>> {
    let rows = sqlx::query(
        "SELECT id FROM compute WHERE vim_id = $1 AND host = $2 AND phase IN ('deliver', 'delete') ORDER BY id",
    )
    .bind(vim.to_string())
    .bind(host)
    .fetch_all(tx)
    .await?;
    rows.iter().map(|row| row.id("id")).collect()
}

/// Changes what is wanted, and that the VIM is to be told.
pub async fn set_spec(tx: &mut AnyConnection, vim: Uuid, id: Uuid, spec: &ComputeSpec) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE compute SET spec = $3, phase = 'deliver', wanted = wanted + 1, machine_problem = NULL, \
         trace = COALESCE($4, trace) WHERE vim_id = $1 AND id = $2",
    )
    .bind(vim.to_string())
    .bind(id.to_string())
    .bind(text(spec))
    .bind(current_trace())
    .execute(tx)
    .await
    .map(drop)
}

/// Reserves another amount for a compute.
pub async fn set_reserved(tx: &mut AnyConnection, vim: Uuid, id: Uuid, reserved: &Capacity) -> sqlx::Result<()> {
    sqlx::query("UPDATE compute SET vcpus = $3, memory_bytes = $4, disk_bytes = $5 WHERE vim_id = $1 AND id = $2")
        .bind(vim.to_string())
        .bind(id.to_string())
        .bind(big(reserved.vcpus))
        .bind(big(reserved.memory_bytes))
        .bind(big(reserved.disk_bytes))
        .execute(tx)
        .await
        .map(drop)
}

/// Notes, before the VIM is told of a wish, that it may have heard of the compute, and the first-boot data it is told;
/// false when the wish is an old one.
pub async fn set_sent(
    tx: &mut AnyConnection,
    vim: Uuid,
    id: Uuid,
    wanted: i64,
    config_drive: Option<&ConfigDrive>,
) -> sqlx::Result<bool> {
    let done = sqlx::query(
        "UPDATE compute SET sent = 1, config_drive = $4 \
         WHERE vim_id = $1 AND id = $2 AND wanted = $3 AND phase = 'deliver'",
    )
    .bind(vim.to_string())
    .bind(id.to_string())
    .bind(wanted)
    .bind(optional(config_drive))
    .execute(tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Sets the phase if nothing else has been wanted since `wanted`; false when something has.
pub async fn set_phase(tx: &mut AnyConnection, vim: Uuid, id: Uuid, wanted: i64, phase: Phase) -> sqlx::Result<bool> {
    let done = sqlx::query("UPDATE compute SET phase = $3 WHERE vim_id = $1 AND id = $2 AND wanted = $4")
        .bind(vim.to_string())
        .bind(id.to_string())
        .bind(word(&phase))
        .bind(wanted)
        .execute(tx)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Changes the phase and counts the change as a new wish.
pub async fn want(tx: &mut AnyConnection, vim: Uuid, id: Uuid, phase: Phase) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE compute SET phase = $3, wanted = wanted + 1, machine_problem = NULL, trace = COALESCE($4, trace) \
         WHERE vim_id = $1 AND id = $2",
    )
    .bind(vim.to_string())
    .bind(id.to_string())
    .bind(word(&phase))
    .bind(current_trace())
    .execute(tx)
    .await
    .map(drop)
}

/// Keeps what the VIM said of the machine.
pub async fn set_machine(
    tx: &mut AnyConnection,
    vim: Uuid,
    id: Uuid,
    machine: Option<MachineState>,
    at: i64,
    problem: Option<&ProblemDetails>,
    reverted: Option<&Revert>,
) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE compute SET machine = $3, machine_at = $4, machine_problem = $5, reverted = $6 \
         WHERE vim_id = $1 AND id = $2",
    )
    .bind(vim.to_string())
    .bind(id.to_string())
    .bind(machine.as_ref().map(word))
    .bind(at)
    .bind(optional(problem))
    .bind(optional(reverted))
    .execute(tx)
    .await
    .map(drop)
}

/// The machine that was made is gone: the next one is made from the beginning.
pub async fn forget_machine(tx: &mut AnyConnection, vim: Uuid, id: Uuid) -> sqlx::Result<()> {
    sqlx::query("UPDATE compute SET config_drive = NULL, machine = NULL, machine_at = 0, reverted = NULL WHERE vim_id = $1 AND id = $2")
        .bind(vim.to_string())
        .bind(id.to_string())
        .execute(tx)
        .await
        .map(drop)
}

/// Keeps what telling the VIM waits for.
pub async fn set_problem(
    tx: &mut AnyConnection,
    vim: Uuid,
    id: Uuid,
    problem: Option<&ProblemDetails>,
) -> sqlx::Result<()> {
    sqlx::query("UPDATE compute SET machine_problem = $3 WHERE vim_id = $1 AND id = $2")
        .bind(vim.to_string())
        .bind(id.to_string())
        .bind(optional(problem))
        .execute(tx)
        .await
        .map(drop)
}

/// Sets what the consumer sees.
pub async fn set_seen(
    tx: &mut AnyConnection,
    vim: Uuid,
    id: Uuid,
    state: ComputeState,
    problem: Option<&ProblemDetails>,
    at: i64,
) -> sqlx::Result<()> {
    sqlx::query("UPDATE compute SET state = $3, problem = $4, changed_at = $5 WHERE vim_id = $1 AND id = $2")
        .bind(vim.to_string())
        .bind(id.to_string())
        .bind(word(&state))
        .bind(optional(problem))
        .bind(at)
        .execute(tx)
        .await
        .map(drop)
}

/// Keeps the VIM's own identifier, and the place that a VIM with a scheduler of its own chose.
pub async fn set_made(
    tx: &mut AnyConnection,
    vim: Uuid,
    id: Uuid,
    its: Option<&str>,
    place: Option<(&str, &str)>,
) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE compute SET vim_resource_id = $3, host = COALESCE($4, host), zone = COALESCE($5, zone) \
         WHERE vim_id = $1 AND id = $2",
    )
    .bind(vim.to_string())
    .bind(id.to_string())
    .bind(its.map(str::to_owned))
    .bind(place.map(|(host, _)| host.to_owned()))
    .bind(place.map(|(_, zone)| zone.to_owned()))
    .execute(tx)
    .await
    .map(drop)
}

/// Removes a compute, takes it out of its groups, and frees its ports and volumes.
pub async fn delete(tx: &mut AnyConnection, vim: Uuid, id: Uuid) -> sqlx::Result<()> {
    super::groups::leave_all(tx, vim, id).await?;
    for sql in [
        "UPDATE port SET compute_id = NULL, is_up = 0 WHERE vim_id = $1 AND compute_id = $2",
        "UPDATE volume SET compute_id = NULL WHERE vim_id = $1 AND compute_id = $2",
        "DELETE FROM compute WHERE vim_id = $1 AND id = $2",
    ] {
        sqlx::query(sql).bind(vim.to_string()).bind(id.to_string()).execute(&mut *tx).await?;
    }
    Ok(())
}
