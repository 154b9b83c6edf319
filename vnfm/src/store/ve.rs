//! What steps towards the VNF keep for those who look at their operation, and for their own undo.

use db::{AnyConnection, Db, DbError, Migration, sqlx};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::Row;
use uuid::Uuid;

/// Migrations of component `vnfm_ve`.
pub const MIGRATIONS: &[Migration] = &[Migration {
    version: 1,
    name: "what steps towards the VNF keep",
    sql: &[
        "CREATE TABLE ve_kept (operation TEXT NOT NULL, step TEXT NOT NULL, document TEXT NOT NULL, PRIMARY KEY (operation, step))",
    ],
}];

fn read<T: DeserializeOwned>(row: &db::AnyRow) -> Result<T, DbError> {
    let text: String = row.try_get("document")?;
    Ok(serde_json::from_str(&text).map_err(|e| sqlx::Error::Decode(e.into()))?)
}

/// What a step keeps.
///
/// # Errors
/// What the database says.
pub async fn kept<T: DeserializeOwned>(db: &Db, operation: Uuid, step: &str) -> Result<Option<T>, DbError> {
    let row = sqlx::query("SELECT document FROM ve_kept WHERE operation = $1 AND step = $2")
        .bind(operation.to_string())
        .bind(step)
        .fetch_optional(&db.pool)
        .await?;
    row.as_ref().map(read).transpose()
}

/// Keeps it.
///
/// # Errors
/// What the database says.
pub async fn keep<T: Serialize + Sync>(db: &Db, operation: Uuid, step: &str, value: &T) -> Result<(), DbError> {
    let text = serde_json::to_string(value).map_err(|e| sqlx::Error::Encode(e.into()))?;
    sqlx::query(
        "INSERT INTO ve_kept (operation, step, document) VALUES ($1, $2, $3) \
         ON CONFLICT (operation, step) DO UPDATE SET document = excluded.document",
    )
    .bind(operation.to_string())
    .bind(step)
    .bind(text)
    .execute(&db.pool)
    .await?;
    Ok(())
}

/// What the coordinations of an operation keep, with their steps.
///
/// # Errors
/// What the database says.
pub async fn coordinations<T: DeserializeOwned>(
    tx: &mut AnyConnection,
    operation: Uuid,
) -> Result<Vec<(String, T)>, DbError> {
    let rows = sqlx::query(
        "SELECT step, document FROM ve_kept WHERE operation = $1 AND step LIKE 'coordinate/%' ORDER BY step",
    )
    .bind(operation.to_string())
    .fetch_all(tx)
    .await?;
    rows.iter().map(|row| Ok((row.try_get("step")?, read(row)?))).collect()
}
