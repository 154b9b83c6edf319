//! Subnets.

use reference_points::common::ProblemDetails;
use reference_points::or_vi::{ResourceState, Subnet};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};
use uuid::Uuid;

use super::{Columns, optional, text, word};

fn subnet(row: &AnyRow) -> sqlx::Result<Subnet> {
    Ok(Subnet {
        id: row.id("id")?,
        spec: row.doc("spec")?,
        vim_resource_id: row.try_get("vim_resource_id")?,
        state: row.word("state")?,
        problem: row.problem()?,
    })
}

/// Adds a subnet.
pub async fn insert(tx: &mut AnyConnection, vim: Uuid, subnet: &Subnet) -> sqlx::Result<()> {
    sqlx::query("INSERT INTO subnet (vim_id, id, network_id, spec, state) VALUES ($1, $2, $3, $4, $5)")
        .bind(vim.to_string())
        .bind(subnet.id.to_string())
        .bind(subnet.spec.network_id.to_string())
        .bind(text(&subnet.spec))
        .bind(word(&subnet.state))
        .execute(tx)
        .await
        .map(drop)
}

/// A subnet.
pub async fn get(tx: &mut AnyConnection, vim: Uuid, id: Uuid) -> sqlx::Result<Option<Subnet>> {
    let row = sqlx::query("SELECT * FROM subnet WHERE vim_id = $1 AND id = $2")
        .bind(vim.to_string())
        .bind(id.to_string())
        .fetch_optional(tx)
        .await?;
    row.as_ref().map(subnet).transpose()
}

/// All subnets of a VIM, by id.
pub async fn list(tx: &mut AnyConnection, vim: Uuid) -> sqlx::Result<Vec<Subnet>> {
    let rows =
        sqlx::query("SELECT * FROM subnet WHERE vim_id = $1 ORDER BY id").bind(vim.to_string()).fetch_all(tx).await?;
    rows.iter().map(subnet).collect()
}

/// Subnets of a network, by id.
pub async fn of_network(tx: &mut AnyConnection, vim: Uuid, network: Uuid) -> sqlx::Result<Vec<Subnet>> {
    let rows = sqlx::query("SELECT * FROM subnet WHERE vim_id = $1 AND network_id = $2 ORDER BY id")
        .bind(vim.to_string())
        .bind(network.to_string())
        .fetch_all(tx)
        .await?;
    rows.iter().map(subnet).collect()
}

/// Sets the state and what is wrong; false when there is no such subnet.
pub async fn set_state(
    tx: &mut AnyConnection,
    vim: Uuid,
    id: Uuid,
    state: ResourceState,
    problem: Option<&ProblemDetails>,
) -> sqlx::Result<bool> {
    let done = sqlx::query("UPDATE subnet SET state = $3, problem = $4 WHERE vim_id = $1 AND id = $2")
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
    sqlx::query("UPDATE subnet SET vim_resource_id = $3 WHERE vim_id = $1 AND id = $2")
        .bind(vim.to_string())
        .bind(id.to_string())
        .bind(its.map(str::to_owned))
        .execute(tx)
        .await
        .map(drop)
}

/// Removes a subnet and what is kept for its addresses.
pub async fn delete(tx: &mut AnyConnection, vim: Uuid, id: Uuid) -> sqlx::Result<()> {
    for sql in [
        "DELETE FROM address_range WHERE vim_id = $1 AND subnet_id = $2",
        "DELETE FROM subnet WHERE vim_id = $1 AND id = $2",
    ] {
        sqlx::query(sql).bind(vim.to_string()).bind(id.to_string()).execute(&mut *tx).await?;
    }
    Ok(())
}

/// Ports that have an address of a subnet, as `port id (name)`, at most twenty.
pub async fn users(tx: &mut AnyConnection, vim: Uuid, id: Uuid) -> sqlx::Result<Vec<String>> {
    let rows = sqlx::query(
        "SELECT p.id AS id, p.spec AS spec FROM port p JOIN address a ON a.vim_id = p.vim_id AND a.port_id = p.id \
         WHERE a.vim_id = $1 AND a.subnet_id = $2 ORDER BY p.id LIMIT 20",
    )
    .bind(vim.to_string())
    .bind(id.to_string())
    .fetch_all(tx)
    .await?;
    rows.iter()
        .map(|row| {
            let spec: reference_points::or_vi::PortSpec = row.doc("spec")?;
            Ok(format!("port {} ({})", row.id("id")?, spec.name))
        })
        .collect()
}
