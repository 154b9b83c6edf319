//! VIMs registered with the NFVO.

use db::sqlx::{self, Row as _};
use db::{AnyConnection, AnyRow, Db, DbError};
use reference_points::or_vi::VimKind;
use uuid::Uuid;

use super::{id, unreadable};

/// A VIM.
#[derive(Debug, Clone, PartialEq)]
pub struct VimRecord {
    pub id: Uuid,
    pub name: String,
    pub kind: VimKind,
}

fn read(row: &AnyRow) -> Result<VimRecord, DbError> {
    let (text, name, kind): (String, String, String) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
    let kind = serde_json::from_str(&kind).map_err(|e| unreadable("the kind of a VIM", &e))?;
    Ok(VimRecord { id: id(&text)?, name, kind })
}

/// Stores a VIM; false when the name is taken.
pub async fn insert(tx: &mut AnyConnection, vim: &VimRecord, now: i64) -> Result<bool, DbError> {
    let kind = serde_json::to_string(&vim.kind).map_err(|e| unreadable("the kind of a VIM", &e))?;
    let done =
        sqlx::query("INSERT INTO vim (id, name, kind, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING")
            .bind(vim.id.to_string())
            .bind(vim.name.as_str())
            .bind(kind)
            .bind(now)
            .execute(tx)
            .await?;
    Ok(done.rows_affected() == 1)
}

/// Changes a VIM's name and how it is reached.
pub async fn update(tx: &mut AnyConnection, vim: &VimRecord) -> Result<(), DbError> {
    let kind = serde_json::to_string(&vim.kind).map_err(|e| unreadable("the kind of a VIM", &e))?;
    sqlx::query("UPDATE vim SET name = $2, kind = $3 WHERE id = $1")
        .bind(vim.id.to_string())
        .bind(vim.name.as_str())
        .bind(kind)
        .execute(tx)
        .await?;
    Ok(())
}

/// All VIMs, oldest first.
pub async fn all(db: &Db) -> Result<Vec<VimRecord>, DbError> {
    let rows = sqlx::query("SELECT id, name, kind FROM vim ORDER BY created_at, id").fetch_all(&db.pool).await?;
    rows.iter().map(read).collect()
}

/// One VIM.
pub async fn get(db: &Db, vim: Uuid) -> Result<Option<VimRecord>, DbError> {
    let row = sqlx::query("SELECT id, name, kind FROM vim WHERE id = $1")
        .bind(vim.to_string())
        .fetch_optional(&db.pool)
        .await?;
    row.as_ref().map(read).transpose()
}

/// Forgets a VIM.
pub async fn delete(tx: &mut AnyConnection, vim: Uuid) -> Result<(), DbError> {
    sqlx::query("DELETE FROM vim WHERE id = $1").bind(vim.to_string()).execute(tx).await?;
    Ok(())
}
