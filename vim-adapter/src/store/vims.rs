//! VIMs.

use reference_points::or_vi::VimSpec;
use sqlx::{AnyConnection, Row};
use uuid::Uuid;

use super::{Columns, text};

/// Adds a VIM, or changes how it is reached. What is secret stands in `secret` alone, sealed.
pub async fn put(tx: &mut AnyConnection, vim: Uuid, spec: &VimSpec, secret: Option<&str>) -> sqlx::Result<()> {
    let spec = text(&VimSpec { name: spec.name.clone(), kind: spec.kind.without_secrets() });
    sqlx::query(
        "INSERT INTO vim (id, spec, secret, last_event) VALUES ($1, $2, $3, 0) \
         ON CONFLICT (id) DO UPDATE SET spec = $4, secret = $5",
    )
    .bind(vim.to_string())
    .bind(spec.clone())
    .bind(secret.map(str::to_owned))
    .bind(spec)
    .bind(secret.map(str::to_owned))
    .execute(tx)
    .await
    .map(drop)
}

/// What is kept secret of a VIM, sealed.
pub async fn secret(tx: &mut AnyConnection, vim: Uuid) -> sqlx::Result<Option<String>> {
    let row = sqlx::query("SELECT secret FROM vim WHERE id = $1").bind(vim.to_string()).fetch_optional(tx).await?;
    row.map_or(Ok(None), |row| row.try_get("secret"))
}

/// Takes the turn to write about a VIM; false when it is not registered.
pub async fn lock(tx: &mut AnyConnection, vim: Uuid) -> sqlx::Result<bool> {
    let done =
        sqlx::query("UPDATE vim SET last_event = last_event WHERE id = $1").bind(vim.to_string()).execute(tx).await?;
    Ok(done.rows_affected() == 1)
}

/// A VIM.
pub async fn get(tx: &mut AnyConnection, vim: Uuid) -> sqlx::Result<Option<VimSpec>> {
    let row = sqlx::query("SELECT spec FROM vim WHERE id = $1").bind(vim.to_string()).fetch_optional(tx).await?;
    row.map(|row| row.doc("spec")).transpose()
}

/// All VIMs, by id.
pub async fn list(tx: &mut AnyConnection) -> sqlx::Result<Vec<(Uuid, VimSpec)>> {
    let rows = sqlx::query("SELECT id, spec FROM vim ORDER BY id").fetch_all(tx).await?;
    rows.iter().map(|row| Ok((row.id("id")?, row.doc("spec")?))).collect()
}

/// What a VIM still holds of what was made for somebody, as `kind id (name)`, at most `limit` of each kind.
pub async fn holdings(tx: &mut AnyConnection, vim: Uuid, limit: i64) -> sqlx::Result<Vec<String>> {
    let mut found = Vec::new();
    // Networks of the VIM's own bear it as their owner.
    for (kind, sql) in [
        ("compute", "SELECT id, spec FROM compute WHERE vim_id = $1 ORDER BY id LIMIT $2"),
        ("port", "SELECT id, spec FROM port WHERE vim_id = $1 ORDER BY id LIMIT $2"),
        (
            "subnet",
            "SELECT id, spec FROM subnet WHERE vim_id = $1 AND spec NOT LIKE '%\"kind\":\"vim\"%' ORDER BY id LIMIT $2",
        ),
        (
            "network",
            "SELECT id, spec FROM network WHERE vim_id = $1 AND spec NOT LIKE '%\"kind\":\"vim\"%' ORDER BY id LIMIT $2",
        ),
        ("volume", "SELECT id, spec FROM volume WHERE vim_id = $1 ORDER BY id LIMIT $2"),
        ("snapshot", "SELECT id, spec FROM snapshot WHERE vim_id = $1 ORDER BY id LIMIT $2"),
        ("affinity group", "SELECT id, spec FROM affinity_group WHERE vim_id = $1 ORDER BY id LIMIT $2"),
        ("software image", "SELECT id, spec FROM image WHERE vim_id = $1 ORDER BY id LIMIT $2"),
    ] {
        for row in sqlx::query(sql).bind(vim.to_string()).bind(limit).fetch_all(&mut *tx).await? {
            let spec: serde_json::Value = row.doc("spec")?;
            let name = spec.get("name").and_then(|name| name.as_str()).unwrap_or_default().to_owned();
            found.push(format!("{kind} {} ({name})", row.id("id")?));
        }
    }
    Ok(found)
}

/// Forgets a VIM that holds nothing, with its hosts, its own networks and its events.
pub async fn delete(tx: &mut AnyConnection, vim: Uuid) -> sqlx::Result<()> {
    for sql in [
        "DELETE FROM event WHERE vim_id = $1",
        "DELETE FROM allowance WHERE vim_id = $1",
        "DELETE FROM subnet WHERE vim_id = $1",
        "DELETE FROM network WHERE vim_id = $1",
        "DELETE FROM host_garbage WHERE vim_id = $1",
        "DELETE FROM host WHERE vim_id = $1",
        "DELETE FROM vim WHERE id = $1",
    ] {
        sqlx::query(sql).bind(vim.to_string()).execute(&mut *tx).await?;
    }
    Ok(())
}

/// Sequence number of the newest event.
pub async fn last_event(tx: &mut AnyConnection, vim: Uuid) -> sqlx::Result<i64> {
    let row = sqlx::query("SELECT last_event FROM vim WHERE id = $1").bind(vim.to_string()).fetch_optional(tx).await?;
    row.map_or(Ok(0), |row| row.try_get(0))
}
