//! VNF indicators as stored documents, and the VNFs and element managers that they come from (SOL003 and SOL002 clause 8).

use db::{AnyConnection, Db, DbError, Migration, sqlx};
use reference_points::or_vnfm::VnfIndicator;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use service::query::Selection;
use service::store::{Collection, Document, Index, Noun, StoreError, Stored};
use sqlx::Row;
use uuid::Uuid;

use super::uuid;

/// Migrations of component `vnfm_ind`.
pub const MIGRATIONS: &[Migration] = &[
    Migration { version: 1, name: "indicators", sql: service::collection_ddl!("vnf_indicator") },
    Migration {
        version: 2,
        name: "where indicators come from",
        sql: &[
            "CREATE TABLE ind_value (document TEXT PRIMARY KEY, instance TEXT NOT NULL)",
            "CREATE INDEX ind_value_instance ON ind_value (instance)",
            "CREATE TABLE ind_source (instance TEXT PRIMARY KEY, callback TEXT NOT NULL, endpoint TEXT NOT NULL, \
             subscription TEXT NOT NULL, attempts BIGINT NOT NULL, problem TEXT NOT NULL, read_at BIGINT NOT NULL, \
             next_at BIGINT NOT NULL)",
            "CREATE UNIQUE INDEX ind_source_callback ON ind_source (callback)",
            "CREATE INDEX ind_source_next ON ind_source (next_at)",
        ],
    },
];

/// Indicators.
pub const INDICATORS: Collection<Kept> = Collection::new();

/// A stored indicator.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Kept {
    /// As it is shown, without links.
    pub indicator: VnfIndicator,
    /// When its source made the notification that told the value, in microseconds since the epoch; 0 when it was read.
    pub told_at: i64,
    /// When the value was heard of here, in microseconds since the epoch.
    pub heard_at: i64,
}

impl Document for Kept {
    const NOUN: &'static Noun = &Noun {
        table: "vnf_indicator",
        what: "VNF indicator",
        indexed: &[Index::text("id"), Index::text("name"), Index::text("vnfInstanceId")],
        selection: Selection::NONE,
        attributes: &["id", "name", "value", "vnfInstanceId"],
    };

    fn resource(&self) -> Result<Value, serde_json::Error> {
        serde_json::to_value(&self.indicator)
    }
}

/// Identifier of the document of an indicator: its own is unique within its instance alone.
pub fn document_id(instance: Uuid, indicator: &str) -> Uuid {
    Uuid::new_v5(&instance, indicator.as_bytes())
}

/// Indicators of an instance, by identifier.
///
/// # Errors
/// What the database says.
pub async fn of(tx: &mut AnyConnection, instance: Uuid) -> Result<Vec<Stored<Kept>>, StoreError> {
    let rows = sqlx::query("SELECT document FROM ind_value WHERE instance = $1 ORDER BY document")
        .bind(instance.to_string())
        .fetch_all(&mut *tx)
        .await
        .map_err(DbError::from)?;
    let mut all = Vec::with_capacity(rows.len());
    for row in rows {
        all.extend(INDICATORS.get_in(tx, uuid(&row, "document")?).await?);
    }
    Ok(all)
}

/// How many indicators an instance has.
///
/// # Errors
/// What the database says.
pub async fn count(tx: &mut AnyConnection, instance: Uuid) -> Result<usize, DbError> {
    let counted: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM ind_value WHERE instance = $1")
        .bind(instance.to_string())
        .fetch_one(tx)
        .await?;
    Ok(usize::try_from(counted).unwrap_or(usize::MAX))
}

/// Stores a new indicator.
///
/// # Errors
/// What the database says.
pub async fn insert(tx: &mut AnyConnection, kept: Kept, now: i64) -> Result<(), StoreError> {
    let id = document_id(kept.indicator.vnf_instance_id, &kept.indicator.id);
    sqlx::query("INSERT INTO ind_value (document, instance) VALUES ($1, $2)")
        .bind(id.to_string())
        .bind(kept.indicator.vnf_instance_id.to_string())
        .execute(&mut *tx)
        .await
        .map_err(DbError::from)?;
    INDICATORS.insert(tx, id, kept, now).await.map(drop)
}

/// Removes an indicator.
///
/// # Errors
/// What the database says.
pub async fn remove(tx: &mut AnyConnection, document: Uuid) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM ind_value WHERE document = $1")
        .bind(document.to_string())
        .execute(&mut *tx)
        .await
        .map_err(DbError::from)?;
    INDICATORS.delete(tx, document, None).await.map(drop)
}

/// Where the indicators of an instance come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The instance.
    pub instance: Uuid,
    /// Last part of the address that its notifications are sent to; nobody else knows it.
    pub callback: Uuid,
    /// Base address that is subscribed to; empty when there is none.
    pub endpoint: String,
    /// The subscription there; empty when there is none.
    pub subscription: String,
    /// Tries that failed in a row.
    pub attempts: u32,
    /// Why the last one failed; empty when it did not.
    pub problem: String,
    /// When its indicators were read last, in microseconds since the epoch; 0 for never.
    pub read_at: i64,
    /// When it is looked at next, in microseconds since the epoch.
    pub next_at: i64,
}

const COLUMNS: &str = "instance, callback, endpoint, subscription, attempts, problem, read_at, next_at";

fn source(row: &db::AnyRow) -> Result<Source, DbError> {
    Ok(Source {
        instance: uuid(row, "instance")?,
        callback: uuid(row, "callback")?,
        endpoint: row.try_get("endpoint")?,
        subscription: row.try_get("subscription")?,
        attempts: u32::try_from(row.try_get::<i64, _>("attempts")?).unwrap_or(u32::MAX),
        problem: row.try_get("problem")?,
        read_at: row.try_get("read_at")?,
        next_at: row.try_get("next_at")?,
    })
}

async fn one(tx: &mut AnyConnection, column: &str, value: Uuid) -> Result<Option<Source>, DbError> {
    let sql = format!("SELECT {COLUMNS} FROM ind_source WHERE {column} = $1");
    let row = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(value.to_string()).fetch_optional(tx).await?;
    row.as_ref().map(source).transpose()
}

/// The source of an instance's indicators.
///
/// # Errors
/// What the database says.
pub async fn source_of(tx: &mut AnyConnection, instance: Uuid) -> Result<Option<Source>, DbError> {
    one(tx, "instance", instance).await
}

/// The source whose notifications come to this address.
///
/// # Errors
/// What the database says.
pub async fn source_at(tx: &mut AnyConnection, callback: Uuid) -> Result<Option<Source>, DbError> {
    one(tx, "callback", callback).await
}

/// An instance has a source of indicators, which is to be looked at.
///
/// # Errors
/// What the database says.
pub async fn want(tx: &mut AnyConnection, instance: Uuid, callback: Uuid, now: i64) -> Result<(), DbError> {
    sqlx::query(
        "INSERT INTO ind_source (instance, callback, endpoint, subscription, attempts, problem, read_at, next_at) \
         VALUES ($1, $2, '', '', 0, '', 0, $3) ON CONFLICT (instance) DO UPDATE SET next_at = excluded.next_at",
    )
    .bind(instance.to_string())
    .bind(callback.to_string())
    .bind(now)
    .execute(tx)
    .await?;
    Ok(())
}

/// A source, if the instance has one, is to be looked at; false when it has none.
///
/// # Errors
/// What the database says.
pub async fn look(tx: &mut AnyConnection, instance: Uuid, now: i64) -> Result<bool, DbError> {
    let done = sqlx::query("UPDATE ind_source SET next_at = $2 WHERE instance = $1")
        .bind(instance.to_string())
        .bind(now)
        .execute(tx)
        .await?;
    Ok(done.rows_affected() > 0)
}

/// Takes sources that are due, at most `limit`: nobody else looks at them before `until`.
///
/// # Errors
/// What the database says.
pub async fn claim(db: &Db, now: i64, until: i64, limit: i64) -> Result<Vec<Source>, DbError> {
    let sql = format!("SELECT {COLUMNS} FROM ind_source WHERE next_at <= $1 ORDER BY next_at LIMIT $2");
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(now).bind(limit).fetch_all(&db.pool).await?;
    let mut claimed = Vec::with_capacity(rows.len());
    for row in &rows {
        let due = source(row)?;
        let taken = sqlx::query("UPDATE ind_source SET next_at = $3 WHERE instance = $1 AND next_at = $2")
            .bind(due.instance.to_string())
            .bind(due.next_at)
            .bind(until)
            .execute(&db.pool)
            .await?;
        if taken.rows_affected() > 0 {
            claimed.push(Source { next_at: until, ..due });
        }
    }
    Ok(claimed)
}

/// When a source is due next.
///
/// # Errors
/// What the database says.
pub async fn next(db: &Db) -> Result<Option<i64>, DbError> {
    let row = sqlx::query("SELECT next_at FROM ind_source ORDER BY next_at LIMIT 1").fetch_optional(&db.pool).await?;
    Ok(row.map(|row| row.try_get(0)).transpose()?)
}

/// Notes what came of a look at a source; it is looked at again at `next_at`, or earlier when somebody asked meanwhile.
///
/// # Errors
/// What the database says.
pub async fn put(tx: &mut AnyConnection, source: &Source, next_at: i64) -> Result<(), DbError> {
    sqlx::query(
        "UPDATE ind_source SET endpoint = $2, subscription = $3, attempts = $4, problem = $5, read_at = $6, \
         next_at = CASE WHEN next_at = $7 THEN $8 ELSE next_at END WHERE instance = $1",
    )
    .bind(source.instance.to_string())
    .bind(source.endpoint.clone())
    .bind(source.subscription.clone())
    .bind(i64::from(source.attempts))
    .bind(source.problem.clone())
    .bind(source.read_at)
    .bind(source.next_at)
    .bind(next_at)
    .execute(tx)
    .await?;
    Ok(())
}

/// Forgets a source, unless somebody asked for a look at it meanwhile.
///
/// # Errors
/// What the database says.
pub async fn forget(tx: &mut AnyConnection, source: &Source) -> Result<(), DbError> {
    sqlx::query("DELETE FROM ind_source WHERE instance = $1 AND next_at = $2")
        .bind(source.instance.to_string())
        .bind(source.next_at)
        .execute(tx)
        .await?;
    Ok(())
}
