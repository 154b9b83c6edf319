//! Ports.

use reference_points::common::ProblemDetails;
use reference_points::or_vi::{Port, ResourceState};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};
use uuid::Uuid;

use super::{Columns, optional, text, word};
use crate::vim::ItsAddresses;

fn port(row: &AnyRow) -> sqlx::Result<Port> {
    Ok(Port {
        id: row.id("id")?,
        spec: row.doc("spec")?,
        vim_resource_id: row.try_get("vim_resource_id")?,
        mac: row.try_get("mac")?,
        addresses: row.doc("addresses")?,
        floating_address: row.try_get::<Option<String>, _>("floating_address")?.and_then(|ip| ip.parse().ok()),
        compute_id: row.optional_id("compute_id")?,
        up: row.try_get::<i64, _>("is_up")? != 0,
        state: row.word("state")?,
        problem: row.problem()?,
    })
}

/// Adds a port.
pub async fn insert(tx: &mut AnyConnection, vim: Uuid, port: &Port) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO port (vim_id, id, network_id, spec, mac, addresses, is_up, state, floating_address) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(vim.to_string())
    .bind(port.id.to_string())
    .bind(port.spec.network_id.to_string())
    .bind(text(&port.spec))
    .bind(&port.mac)
    .bind(text(&port.addresses))
    .bind(i64::from(port.up))
    .bind(word(&port.state))
    .bind(port.floating_address.map(|ip| ip.to_string()))
    .execute(tx)
    .await
    .map(drop)
}

/// A port.
pub async fn get(tx: &mut AnyConnection, vim: Uuid, id: Uuid) -> sqlx::Result<Option<Port>> {
    let row = sqlx::query("SELECT * FROM port WHERE vim_id = $1 AND id = $2")
        .bind(vim.to_string())
        .bind(id.to_string())
        .fetch_optional(tx)
        .await?;
    row.as_ref().map(port).transpose()
}

/// All ports of a VIM, by id.
pub async fn list(tx: &mut AnyConnection, vim: Uuid) -> sqlx::Result<Vec<Port>> {
    let rows =
        sqlx::query("SELECT * FROM port WHERE vim_id = $1 ORDER BY id").bind(vim.to_string()).fetch_all(tx).await?;
    rows.iter().map(port).collect()
}

/// Ports of a network, by id.
pub async fn of_network(tx: &mut AnyConnection, vim: Uuid, network: Uuid) -> sqlx::Result<Vec<Port>> {
    let rows = sqlx::query("SELECT * FROM port WHERE vim_id = $1 AND network_id = $2 ORDER BY id")
        .bind(vim.to_string())
        .bind(network.to_string())
        .fetch_all(tx)
        .await?;
    rows.iter().map(port).collect()
}

/// Ports that a compute uses, by id.
pub async fn of_compute(tx: &mut AnyConnection, vim: Uuid, compute: Uuid) -> sqlx::Result<Vec<Port>> {
    let rows = sqlx::query("SELECT * FROM port WHERE vim_id = $1 AND compute_id = $2 ORDER BY id")
        .bind(vim.to_string())
        .bind(compute.to_string())
        .fetch_all(tx)
        .await?;
    rows.iter().map(port).collect()
}

/// The port with a MAC address on a network.
pub async fn by_mac(tx: &mut AnyConnection, vim: Uuid, network: Uuid, mac: &str) -> sqlx::Result<Option<Uuid>> {
    let row = sqlx::query("SELECT id FROM port WHERE vim_id = $1 AND network_id = $2 AND mac = $3")
        .bind(vim.to_string())
        .bind(network.to_string())
        .bind(mac)
        .fetch_optional(tx)
        .await?;
    row.map(|row| row.id("id")).transpose()
}

/// Sets the state and what is wrong; false when there is no such port.
pub async fn set_state(
    tx: &mut AnyConnection,
    vim: Uuid,
    id: Uuid,
    state: ResourceState,
    problem: Option<&ProblemDetails>,
) -> sqlx::Result<bool> {
    let done = sqlx::query("UPDATE port SET state = $3, problem = $4 WHERE vim_id = $1 AND id = $2")
        .bind(vim.to_string())
        .bind(id.to_string())
        .bind(word(&state))
        .bind(optional(problem))
        .execute(tx)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Keeps what a VIM with addresses of its own chose.
pub async fn set_made(
    tx: &mut AnyConnection,
    vim: Uuid,
    id: Uuid,
    its: Option<&str>,
    chosen: &ItsAddresses,
) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE port SET vim_resource_id = $3, mac = $4, addresses = $5, floating_address = $6 \
         WHERE vim_id = $1 AND id = $2",
    )
    .bind(vim.to_string())
    .bind(id.to_string())
    .bind(its.map(str::to_owned))
    .bind(&chosen.mac)
    .bind(text(&chosen.addresses))
    .bind(chosen.floating.map(|ip| ip.to_string()))
    .execute(tx)
    .await
    .map(drop)
}

/// Sets whether the network forwards for it; false when nothing changed.
pub async fn set_up(tx: &mut AnyConnection, vim: Uuid, id: Uuid, up: bool) -> sqlx::Result<bool> {
    let done = sqlx::query("UPDATE port SET is_up = $3 WHERE vim_id = $1 AND id = $2 AND is_up <> $4")
        .bind(vim.to_string())
        .bind(id.to_string())
        .bind(i64::from(up))
        .bind(i64::from(up))
        .execute(tx)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Gives a port to a compute, or takes it back; it is down then until the network says otherwise.
pub async fn bind(tx: &mut AnyConnection, vim: Uuid, id: Uuid, compute: Option<Uuid>) -> sqlx::Result<()> {
    sqlx::query("UPDATE port SET compute_id = $3, is_up = is_up * $4 WHERE vim_id = $1 AND id = $2")
        .bind(vim.to_string())
        .bind(id.to_string())
        .bind(compute.map(|id| id.to_string()))
        .bind(i64::from(compute.is_some()))
        .execute(tx)
        .await
        .map(drop)
}

/// Removes a port.
pub async fn delete(tx: &mut AnyConnection, vim: Uuid, id: Uuid) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM port WHERE vim_id = $1 AND id = $2")
        .bind(vim.to_string())
        .bind(id.to_string())
        .execute(tx)
        .await
        .map(drop)
}
