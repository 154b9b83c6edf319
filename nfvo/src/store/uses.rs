//! Which NS instance uses which onboarded NSD and VNF packages.

use std::collections::BTreeSet;

use db::sqlx::{self, Row as _};
use db::{AnyConnection, Db, DbError};
use uuid::Uuid;

use super::id;

/// An NS instance uses something from now on.
pub async fn insert(tx: &mut AnyConnection, ns: Uuid, used: Uuid) -> Result<(), DbError> {
    sqlx::query("INSERT INTO ns_use (ns_id, used_id) VALUES ($1, $2) ON CONFLICT DO NOTHING")
        .bind(ns.to_string())
        .bind(used.to_string())
        .execute(tx)
        .await?;
    Ok(())
}

/// An NS instance uses nothing any more but `keep`.
pub async fn release(tx: &mut AnyConnection, ns: Uuid, keep: Option<Uuid>) -> Result<(), DbError> {
    sqlx::query("DELETE FROM ns_use WHERE ns_id = $1 AND used_id <> $2")
        .bind(ns.to_string())
        .bind(keep.map(|k| k.to_string()).unwrap_or_default())
        .execute(tx)
        .await?;
    Ok(())
}

/// The NS instances that use something.
pub async fn users(db: &Db, used: Uuid) -> Result<Vec<Uuid>, DbError> {
    let mut connection = db.pool.acquire().await?;
    users_in(&mut connection, used).await
}

/// The same inside a transaction.
pub async fn users_in(tx: &mut AnyConnection, used: Uuid) -> Result<Vec<Uuid>, DbError> {
    let rows = sqlx::query("SELECT ns_id FROM ns_use WHERE used_id = $1 ORDER BY ns_id LIMIT 20")
        .bind(used.to_string())
        .fetch_all(tx)
        .await?;
    rows.iter().map(|row| id(&row.try_get::<String, _>(0)?)).collect()
}

/// Everything that some NS instance uses.
pub async fn all(db: &Db) -> Result<BTreeSet<Uuid>, DbError> {
    let rows = sqlx::query("SELECT DISTINCT used_id FROM ns_use").fetch_all(&db.pool).await?;
    rows.iter().map(|row| id(&row.try_get::<String, _>(0)?)).collect()
}
