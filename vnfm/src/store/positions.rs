//! How far each VIM's events have been handled.

use db::{Db, DbError, sqlx};
use sqlx::Row;

use crate::vi::VimRef;

/// Every VIM ever used, with the last event handled.
///
/// # Errors
/// What the database says.
pub async fn all(db: &Db) -> Result<Vec<(VimRef, i64)>, DbError> {
    let rows =
        sqlx::query("SELECT endpoint, vim, seq FROM vi_position ORDER BY endpoint, vim").fetch_all(&db.pool).await?;
    let mut found = Vec::with_capacity(rows.len());
    for row in rows {
        let (endpoint, vim): (String, String) = (row.try_get("endpoint")?, row.try_get("vim")?);
        if let Ok(vim) = vim.parse() {
            found.push((VimRef { endpoint, vim }, row.try_get("seq")?));
        }
    }
    Ok(found)
}

/// Notes the last event handled.
///
/// # Errors
/// What the database says.
pub async fn put(db: &Db, at: &VimRef, seq: i64) -> Result<(), DbError> {
    sqlx::query(
        "INSERT INTO vi_position (endpoint, vim, seq) VALUES ($1, $2, $3) \
         ON CONFLICT (endpoint, vim) DO UPDATE SET seq = excluded.seq",
    )
    .bind(at.endpoint.clone())
    .bind(at.vim.to_string())
    .bind(seq)
    .execute(&db.pool)
    .await?;
    Ok(())
}
