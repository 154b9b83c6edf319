//! The resources in VIMs that each instance has: what a termination must remove.

use db::{AnyConnection, Db, DbError, sqlx};
use sqlx::Row;
use uuid::Uuid;

use crate::ops::blueprint::Owned;

/// What an instance has.
///
/// # Errors
/// What the database says.
pub async fn of(db: &Db, instance: Uuid) -> Result<Vec<Owned>, DbError> {
    let rows = sqlx::query("SELECT document FROM vnf_resource WHERE instance = $1 ORDER BY id")
        .bind(instance.to_string())
        .fetch_all(&db.pool)
        .await?;
    let mut found = Vec::with_capacity(rows.len());
    for row in rows {
        let text: String = row.try_get("document")?;
        found.push(serde_json::from_str(&text).map_err(|e| sqlx::Error::Decode(e.into()))?);
    }
    Ok(found)
}

/// Replaces what an instance has.
///
/// # Errors
/// What the database says.
pub async fn replace(tx: &mut AnyConnection, instance: Uuid, resources: &[Owned]) -> Result<(), DbError> {
    sqlx::query("DELETE FROM vnf_resource WHERE instance = $1").bind(instance.to_string()).execute(&mut *tx).await?;
    for resource in resources {
        let document = serde_json::to_string(resource).map_err(|e| sqlx::Error::Encode(e.into()))?;
        sqlx::query("INSERT INTO vnf_resource (instance, id, document) VALUES ($1, $2, $3)")
            .bind(instance.to_string())
            .bind(resource.id.to_string())
            .bind(document)
            .execute(&mut *tx)
            .await?;
    }
    Ok(())
}
