//! Networks.

use reference_points::common::ProblemDetails;
use reference_points::or_vi::{Network, ResourceState};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};
use uuid::Uuid;

use super::{Columns, optional, text, word};

fn network(row: &AnyRow) -> sqlx::Result<Network> {
    Ok(Network {
        id: row.id("id")?,
        spec: row.doc("spec")?,
        vim_resource_id: row.try_get("vim_resource_id")?,
        state: row.word("state")?,
        problem: row.problem()?,
    })
}

/// Adds a network.
pub async fn insert(tx: &mut AnyConnection, vim: Uuid, network: &Network) -> sqlx::Result<()> {
    sqlx::query("INSERT INTO network (vim_id, id, spec, state, problem) VALUES ($1, $2, $3, $4, $5)")
        .bind(vim.to_string())
        .bind(network.id.to_string())
        .bind(text(&network.spec))
        .bind(word(&network.state))
        .bind(optional(network.problem.as_ref()))
        .execute(tx)
        .await
        .map(drop)
}

/// A network.
pub async fn get(tx: &mut AnyConnection, vim: Uuid, id: Uuid) -> sqlx::Result<Option<Network>> {
    let row = sqlx::query("SELECT * FROM network WHERE vim_id = $1 AND id = $2")
        .bind(vim.to_string())
        .bind(id.to_string())
        .fetch_optional(tx)
        .await?;
    row.as_ref().map(network).transpose()
}

/// All networks of a VIM, by id.
pub async fn list(tx: &mut AnyConnection, vim: Uuid) -> sqlx::Result<Vec<Network>> {
    let rows =
        sqlx::query("SELECT * FROM network WHERE vim_id = $1 ORDER BY id").bind(vim.to_string()).fetch_all(tx).await?;
    rows.iter().map(network).collect()
}

/// Sets the state and what is wrong; false when there is no such network.
pub async fn set_state(
    tx: &mut AnyConnection,
    vim: Uuid,
    id: Uuid,
    state: ResourceState,
    problem: Option<&ProblemDetails>,
) -> sqlx::Result<bool> {
    let done = sqlx::query("UPDATE network SET state = $3, problem = $4 WHERE vim_id = $1 AND id = $2")
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
    sqlx::query("UPDATE network SET vim_resource_id = $3 WHERE vim_id = $1 AND id = $2")
        .bind(vim.to_string())
        .bind(id.to_string())
        .bind(its.map(str::to_owned))
        .execute(tx)
        .await
        .map(drop)
}

/// Removes a network.
pub async fn delete(tx: &mut AnyConnection, vim: Uuid, id: Uuid) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM network WHERE vim_id = $1 AND id = $2")
        .bind(vim.to_string())
        .bind(id.to_string())
        .execute(tx)
        .await
        .map(drop)
}

/// What hangs on a network: its ports and subnets, as `kind id (name)`, at most twenty of each.
pub async fn users(tx: &mut AnyConnection, vim: Uuid, id: Uuid) -> sqlx::Result<Vec<String>> {
    let mut found = Vec::new();
    for (kind, sql) in [
        ("port", "SELECT id, spec FROM port WHERE vim_id = $1 AND network_id = $2 ORDER BY id LIMIT 20"),
        ("subnet", "SELECT id, spec FROM subnet WHERE vim_id = $1 AND network_id = $2 ORDER BY id LIMIT 20"),
    ] {
        for row in sqlx::query(sql).bind(vim.to_string()).bind(id.to_string()).fetch_all(&mut *tx).await? {
            let spec: serde_json::Value = row.doc("spec")?;
            let name = spec.get("name").and_then(|name| name.as_str()).unwrap_or_default().to_owned();
            found.push(format!("{kind} {} ({name})", row.id("id")?));
        }
    }
    Ok(found)
}
