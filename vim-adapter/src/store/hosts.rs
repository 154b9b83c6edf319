//! Hosts of a VIM, what their agents said last, and how far their events were handled.

use reference_points::nf_vi::{Capacity, HostInfo};
use reference_points::or_vi::HostSpec;
use sqlx::{AnyConnection, Row};
use uuid::Uuid;

use super::{Columns, optional, text};

/// A host as remembered.
#[derive(Debug, Clone)]
pub struct HostRow {
    /// Name.
    pub name: String,
    /// How it is reached.
    pub spec: HostSpec,
    /// What its agent said last.
    pub info: Option<HostInfo>,
    /// Incarnation of the agent whose events were handled.
    pub incarnation: Option<Uuid>,
    /// Last of those events.
    pub seen_event: i64,
}

fn host(row: &sqlx::any::AnyRow) -> sqlx::Result<HostRow> {
    Ok(HostRow {
        name: row.try_get("name")?,
        spec: row.doc("spec")?,
        info: row.optional_doc("info")?,
        incarnation: row.optional_id("incarnation")?,
        seen_event: row.try_get("seen_event")?,
    })
}

/// Adds a host, or changes how it is reached.
pub async fn put(tx: &mut AnyConnection, vim: Uuid, name: &str, spec: &HostSpec) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO host (vim_id, name, spec, seen_event) VALUES ($1, $2, $3, 0) \
         ON CONFLICT (vim_id, name) DO UPDATE SET spec = $4",
    )
    .bind(vim.to_string())
    .bind(name)
    .bind(text(spec))
    .bind(text(spec))
    .execute(tx)
    .await
    .map(drop)
}

/// A host.
pub async fn get(tx: &mut AnyConnection, vim: Uuid, name: &str) -> sqlx::Result<Option<HostRow>> {
    let row = sqlx::query("SELECT * FROM host WHERE vim_id = $1 AND name = $2")
        .bind(vim.to_string())
        .bind(name)
        .fetch_optional(tx)
        .await?;
    row.as_ref().map(host).transpose()
}

/// Hosts of a VIM, by name.
pub async fn list(tx: &mut AnyConnection, vim: Uuid) -> sqlx::Result<Vec<HostRow>> {
    let rows =
        sqlx::query("SELECT * FROM host WHERE vim_id = $1 ORDER BY name").bind(vim.to_string()).fetch_all(tx).await?;
    rows.iter().map(host).collect()
}

/// Keeps what the agent said.
pub async fn set_info(tx: &mut AnyConnection, vim: Uuid, name: &str, info: &HostInfo) -> sqlx::Result<()> {
    sqlx::query("UPDATE host SET info = $3 WHERE vim_id = $1 AND name = $2")
        .bind(vim.to_string())
        .bind(name)
        .bind(optional(Some(info)))
        .execute(tx)
        .await
        .map(drop)
}

/// Keeps how far the agent's events were handled.
pub async fn set_seen(tx: &mut AnyConnection, vim: Uuid, name: &str, incarnation: Uuid, seq: i64) -> sqlx::Result<()> {
    sqlx::query("UPDATE host SET incarnation = $3, seen_event = $4 WHERE vim_id = $1 AND name = $2")
        .bind(vim.to_string())
        .bind(name)
        .bind(incarnation.to_string())
        .bind(seq)
        .execute(tx)
        .await
        .map(drop)
}

/// Removes a host.
pub async fn delete(tx: &mut AnyConnection, vim: Uuid, name: &str) -> sqlx::Result<()> {
    for sql in [
        "DELETE FROM host_garbage WHERE vim_id = $1 AND host = $2",
        "DELETE FROM allowance WHERE vim_id = $1 AND part = $2",
        "DELETE FROM host WHERE vim_id = $1 AND name = $2",
    ] {
        sqlx::query(sql).bind(vim.to_string()).bind(name).execute(&mut *tx).await?;
    }
    Ok(())
}

/// What computes and volumes have reserved, by host.
pub async fn reserved(tx: &mut AnyConnection, vim: Uuid) -> sqlx::Result<std::collections::HashMap<String, Capacity>> {
    let mut by_host = std::collections::HashMap::<String, Capacity>::new();
    let amount = |row: &sqlx::any::AnyRow, column: &str| -> sqlx::Result<u64> {
        Ok(u64::try_from(row.try_get::<i64, _>(column)?).unwrap_or(0))
    };
    let rows = sqlx::query(
        "SELECT host, CAST(SUM(vcpus) AS BIGINT) AS vcpus, CAST(SUM(memory_bytes) AS BIGINT) AS memory, \
         CAST(SUM(disk_bytes) AS BIGINT) AS disk FROM compute WHERE vim_id = $1 AND host IS NOT NULL GROUP BY host",
    )
    .bind(vim.to_string())
    .fetch_all(&mut *tx)
    .await?;
    for row in &rows {
        let entry = by_host.entry(row.try_get("host")?).or_default();
        entry.vcpus = amount(row, "vcpus")?;
        entry.memory_bytes = amount(row, "memory")?;
        entry.disk_bytes = amount(row, "disk")?;
    }
    let rows = sqlx::query(
        "SELECT host, CAST(SUM(size_bytes) AS BIGINT) AS disk FROM volume WHERE vim_id = $1 AND host IS NOT NULL \
         GROUP BY host",
    )
    .bind(vim.to_string())
    .fetch_all(&mut *tx)
    .await?;
    for row in &rows {
        let entry = by_host.entry(row.try_get("host")?).or_default();
        entry.disk_bytes = entry.disk_bytes.saturating_add(amount(row, "disk")?);
    }
    Ok(by_host)
}

/// Names of the computes, volumes and snapshots that are on a host.
pub async fn holdings(tx: &mut AnyConnection, vim: Uuid, name: &str) -> sqlx::Result<Vec<String>> {
    let mut found = Vec::new();
    for (kind, sql) in [
        ("compute", "SELECT id, spec FROM compute WHERE vim_id = $1 AND host = $2 ORDER BY id LIMIT 20"),
        ("volume", "SELECT id, spec FROM volume WHERE vim_id = $1 AND host = $2 ORDER BY id LIMIT 20"),
        ("snapshot", "SELECT id, spec FROM snapshot WHERE vim_id = $1 AND host = $2 ORDER BY id LIMIT 20"),
    ] {
        for row in sqlx::query(sql).bind(vim.to_string()).bind(name).fetch_all(&mut *tx).await? {
            let spec: serde_json::Value = row.doc("spec")?;
            let label = spec.get("name").and_then(|name| name.as_str()).unwrap_or_default().to_owned();
            found.push(format!("{kind} {} ({label})", row.id("id")?));
        }
    }
    Ok(found)
}

/// Notes that a host still has an image to remove.
pub async fn add_garbage(tx: &mut AnyConnection, vim: Uuid, name: &str, image: Uuid) -> sqlx::Result<()> {
    sqlx::query("INSERT INTO host_garbage (vim_id, host, image_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING")
        .bind(vim.to_string())
        .bind(name)
        .bind(image.to_string())
        .execute(tx)
        .await
        .map(drop)
}

/// Images that a host still has to remove.
pub async fn garbage(tx: &mut AnyConnection, vim: Uuid, name: &str) -> sqlx::Result<Vec<Uuid>> {
    let rows = sqlx::query("SELECT image_id FROM host_garbage WHERE vim_id = $1 AND host = $2")
        .bind(vim.to_string())
        .bind(name)
        .fetch_all(tx)
        .await?;
    rows.iter().map(|row| row.id("image_id")).collect()
}

/// An image was removed from a host, or is wanted there again.
pub async fn drop_garbage(tx: &mut AnyConnection, vim: Uuid, name: &str, image: Uuid) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM host_garbage WHERE vim_id = $1 AND host = $2 AND image_id = $3")
        .bind(vim.to_string())
        .bind(name)
        .bind(image.to_string())
        .execute(tx)
        .await
        .map(drop)
}
