//! Affinity groups and their members.

use reference_points::or_vi::AffinityGroup;
use sqlx::{AnyConnection, Row};
use uuid::Uuid;

use super::{Columns, text};

/// Adds a group.
pub async fn insert(tx: &mut AnyConnection, vim: Uuid, group: &AffinityGroup) -> sqlx::Result<()> {
    sqlx::query("INSERT INTO affinity_group (vim_id, id, spec, vim_resource_id) VALUES ($1, $2, $3, $4)")
        .bind(vim.to_string())
        .bind(group.id.to_string())
        .bind(text(&group.spec))
        .bind(group.vim_resource_id.clone())
        .execute(tx)
        .await
        .map(drop)
}

/// A group.
pub async fn get(tx: &mut AnyConnection, vim: Uuid, id: Uuid) -> sqlx::Result<Option<AffinityGroup>> {
    let row = sqlx::query("SELECT * FROM affinity_group WHERE vim_id = $1 AND id = $2")
        .bind(vim.to_string())
        .bind(id.to_string())
        .fetch_optional(&mut *tx)
        .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(AffinityGroup {
        id,
        spec: row.doc("spec")?,
        vim_resource_id: row.try_get("vim_resource_id")?,
        members: members(tx, vim, id).await?,
    }))
}

/// All groups of a VIM, by id.
pub async fn list(tx: &mut AnyConnection, vim: Uuid) -> sqlx::Result<Vec<AffinityGroup>> {
    let rows = sqlx::query("SELECT id FROM affinity_group WHERE vim_id = $1 ORDER BY id")
        .bind(vim.to_string())
        .fetch_all(&mut *tx)
        .await?;
    let mut groups = Vec::with_capacity(rows.len());
    for row in rows {
        groups.extend(get(tx, vim, row.id("id")?).await?);
    }
    Ok(groups)
}

async fn members(tx: &mut AnyConnection, vim: Uuid, group: Uuid) -> sqlx::Result<Vec<Uuid>> {
    let rows =
        sqlx::query("SELECT compute_id FROM affinity_member WHERE vim_id = $1 AND group_id = $2 ORDER BY compute_id")
            .bind(vim.to_string())
            .bind(group.to_string())
            .fetch_all(tx)
            .await?;
    rows.iter().map(|row| row.id("compute_id")).collect()
}

/// Hosts and zones of a group's members.
pub async fn places(tx: &mut AnyConnection, vim: Uuid, group: Uuid) -> sqlx::Result<Vec<(String, String)>> {
    let rows = sqlx::query(
        "SELECT c.host AS host, c.zone AS zone FROM affinity_member m \
         JOIN compute c ON c.vim_id = m.vim_id AND c.id = m.compute_id \
         WHERE m.vim_id = $1 AND m.group_id = $2 AND c.host IS NOT NULL",
    )
    .bind(vim.to_string())
    .bind(group.to_string())
    .fetch_all(tx)
    .await?;
    rows.iter()
        .map(|row| Ok((row.try_get("host")?, row.try_get::<Option<String>, _>("zone")?.unwrap_or_default())))
        .collect()
}

/// Adds a compute to a group.
pub async fn join(tx: &mut AnyConnection, vim: Uuid, group: Uuid, compute: Uuid) -> sqlx::Result<()> {
    sqlx::query("INSERT INTO affinity_member (vim_id, group_id, compute_id) VALUES ($1, $2, $3)")
        .bind(vim.to_string())
        .bind(group.to_string())
        .bind(compute.to_string())
        .execute(tx)
        .await
        .map(drop)
}

/// Takes a compute out of its groups.
pub async fn leave_all(tx: &mut AnyConnection, vim: Uuid, compute: Uuid) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM affinity_member WHERE vim_id = $1 AND compute_id = $2")
        .bind(vim.to_string())
        .bind(compute.to_string())
        .execute(tx)
        .await
        .map(drop)
}

/// Keeps the VIM's own identifier.
pub async fn set_vim_id(tx: &mut AnyConnection, vim: Uuid, id: Uuid, its: Option<&str>) -> sqlx::Result<()> {
    sqlx::query("UPDATE affinity_group SET vim_resource_id = $3 WHERE vim_id = $1 AND id = $2")
        .bind(vim.to_string())
        .bind(id.to_string())
        .bind(its.map(str::to_owned))
        .execute(tx)
        .await
        .map(drop)
}

/// Removes a group.
pub async fn delete(tx: &mut AnyConnection, vim: Uuid, id: Uuid) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM affinity_group WHERE vim_id = $1 AND id = $2")
        .bind(vim.to_string())
        .bind(id.to_string())
        .execute(tx)
        .await
        .map(drop)
}
