//! What each instance has in VIMs, and what it is made by: what a later operation begins with.

use db::{AnyConnection, Db, DbError, sqlx};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::Row;
use uuid::Uuid;

use crate::ops::inventory::Owned;
use crate::ops::record::Facts;

fn read<T: DeserializeOwned>(row: &db::AnyRow) -> Result<T, DbError> {
    let text: String = row.try_get("document")?;
    Ok(serde_json::from_str(&text).map_err(|e| sqlx::Error::Decode(e.into()))?)
}

fn written<T: Serialize>(value: &T) -> Result<String, DbError> {
    Ok(serde_json::to_string(value).map_err(|e| sqlx::Error::Encode(e.into()))?)
}

/// What an instance has.
///
/// # Errors
/// What the database says.
pub async fn of(db: &Db, instance: Uuid) -> Result<Vec<Owned>, DbError> {
    let mut connection = db.pool.acquire().await?;
    of_in(&mut connection, instance).await
}

/// As [`of`], within a transaction.
///
/// # Errors
/// What the database says.
pub async fn of_in(tx: &mut AnyConnection, instance: Uuid) -> Result<Vec<Owned>, DbError> {
    let rows = sqlx::query("SELECT document FROM vnf_resource WHERE instance = $1 ORDER BY place")
        .bind(instance.to_string())
        .fetch_all(tx)
        .await?;
    rows.iter().map(read).collect()
}

/// Replaces what an instance has.
///
/// # Errors
/// What the database says.
pub async fn replace(tx: &mut AnyConnection, instance: Uuid, resources: &[Owned]) -> Result<(), DbError> {
    sqlx::query("DELETE FROM vnf_resource WHERE instance = $1").bind(instance.to_string()).execute(&mut *tx).await?;
    for (place, resource) in resources.iter().enumerate() {
        sqlx::query("INSERT INTO vnf_resource (instance, id, place, document) VALUES ($1, $2, $3, $4)")
            .bind(instance.to_string())
            .bind(resource.id().to_string())
            .bind(i64::try_from(place).unwrap_or(i64::MAX))
            .bind(written(resource)?)
            .execute(&mut *tx)
            .await?;
    }
    Ok(())
}

/// What an instance is made by; `None` before it is instantiated.
///
/// # Errors
/// What the database says.
pub async fn facts(db: &Db, instance: Uuid) -> Result<Option<Facts>, DbError> {
    let mut connection = db.pool.acquire().await?;
    facts_in(&mut connection, instance).await
}

/// As [`facts`], within a transaction.
///
/// # Errors
/// What the database says.
pub async fn facts_in(tx: &mut AnyConnection, instance: Uuid) -> Result<Option<Facts>, DbError> {
    let row = sqlx::query("SELECT document FROM vnf_facts WHERE instance = $1")
        .bind(instance.to_string())
        .fetch_optional(tx)
        .await?;
    row.as_ref().map(read).transpose()
}

/// Keeps what an instance is made by; `None` forgets it.
///
/// # Errors
/// What the database says.
pub async fn put_facts(tx: &mut AnyConnection, instance: Uuid, facts: Option<&Facts>) -> Result<(), DbError> {
    let Some(facts) = facts else {
        sqlx::query("DELETE FROM vnf_facts WHERE instance = $1").bind(instance.to_string()).execute(tx).await?;
        return Ok(());
    };
    sqlx::query(
        "INSERT INTO vnf_facts (instance, document) VALUES ($1, $2) \
         ON CONFLICT (instance) DO UPDATE SET document = excluded.document",
    )
    .bind(instance.to_string())
    .bind(written(facts)?)
    .execute(tx)
    .await?;
    Ok(())
}
