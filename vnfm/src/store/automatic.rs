//! Instances for which the VNFM decides whether it begins an operation by itself, and what it began.

use std::collections::BTreeMap;

use db::{AnyConnection, Db, DbError, Migration, sqlx};
use sqlx::Row;
use uuid::Uuid;

use super::uuid;

/// Migrations of component `vnfm_automatic`.
pub const MIGRATIONS: &[Migration] = &[Migration {
    version: 1,
    name: "operations begun by the VNFM itself",
    sql: &[
        // `operation` is the identifier of the operation that this decision would begin: it is begun once. Times are in
        // microseconds since the epoch.
        "CREATE TABLE auto_wanted (instance TEXT PRIMARY KEY, operation TEXT NOT NULL, due_at BIGINT NOT NULL)",
        "CREATE INDEX auto_wanted_due ON auto_wanted (due_at)",
        // `heard_at` tells one value of an indicator from the next.
        "CREATE TABLE auto_news (instance TEXT NOT NULL, indicator TEXT NOT NULL, heard_at BIGINT NOT NULL, \
         PRIMARY KEY (instance, indicator))",
        // `vnfc` is empty for a scaling.
        "CREATE TABLE auto_begun (operation TEXT NOT NULL, vnfc TEXT NOT NULL, instance TEXT NOT NULL, at BIGINT NOT NULL, \
         PRIMARY KEY (operation, vnfc))",
        "CREATE INDEX auto_begun_instance ON auto_begun (instance, at)",
    ],
}];

/// When an instance is looked at that waits for its operation to come to rest.
pub const AT_REST: i64 = i64::MAX;

/// A decision to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The instance.
    pub instance: Uuid,
    /// Identifier of the operation that it would begin.
    pub operation: Uuid,
}

/// A decision is wanted for an instance from `due_at` on, whatever was wanted before.
///
/// # Errors
/// What the database says.
pub async fn want(tx: &mut AnyConnection, instance: Uuid, due_at: i64) -> Result<(), DbError> {
    let anew = "DO UPDATE SET operation = excluded.operation, due_at = excluded.due_at";
    wanted(tx, anew, instance, due_at).await
}

/// The same, where none is wanted: one that was asked for meanwhile stays as it is.
///
/// # Errors
/// What the database says.
pub async fn want_again(tx: &mut AnyConnection, instance: Uuid, due_at: i64) -> Result<(), DbError> {
    wanted(tx, "DO NOTHING", instance, due_at).await
}

async fn wanted(tx: &mut AnyConnection, else_: &'static str, instance: Uuid, due_at: i64) -> Result<(), DbError> {
    let sql = format!(
        "INSERT INTO auto_wanted (instance, operation, due_at) VALUES ($1, $2, $3) ON CONFLICT (instance) {else_}"
    );
    sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(instance.to_string())
        .bind(Uuid::new_v4().to_string())
        .bind(due_at)
        .execute(tx)
        .await?;
    Ok(())
}

/// The same, because an indicator has a new value, heard of at `heard_at`.
///
/// # Errors
/// What the database says.
pub async fn news(tx: &mut AnyConnection, instance: Uuid, indicator: &str, heard_at: i64) -> Result<(), DbError> {
    want(&mut *tx, instance, heard_at).await?;
    sqlx::query(
        "INSERT INTO auto_news (instance, indicator, heard_at) VALUES ($1, $2, $3) \
         ON CONFLICT (instance, indicator) DO UPDATE SET heard_at = excluded.heard_at",
    )
    .bind(instance.to_string())
    .bind(indicator.to_owned())
    .bind(heard_at)
    .execute(tx)
    .await?;
    Ok(())
}

/// Decisions that are due, the longest waiting first; at most `limit`.
///
/// # Errors
/// What the database says.
pub async fn due(db: &Db, now: i64, limit: i64) -> Result<Vec<Wanted>, DbError> {
    let rows = sqlx::query(
        "SELECT instance, operation FROM auto_wanted WHERE due_at <= $1 ORDER BY due_at, instance LIMIT $2",
    )
    .bind(now)
    .bind(limit)
    .fetch_all(&db.pool)
    .await?;
    rows.iter().map(|row| Ok(Wanted { instance: uuid(row, "instance")?, operation: uuid(row, "operation")? })).collect()
}

/// When the next decision is due, [`AT_REST`] excepted.
///
/// # Errors
/// What the database says.
pub async fn next(db: &Db) -> Result<Option<i64>, DbError> {
    let row = sqlx::query("SELECT MIN(due_at) AS at FROM auto_wanted WHERE due_at < $1")
        .bind(AT_REST)
        .fetch_one(&db.pool)
        .await?;
    Ok(row.try_get("at")?)
}

/// Puts a decision off, unless it was asked for anew meanwhile.
///
/// # Errors
/// What the database says.
pub async fn put_off(db: &Db, wanted: &Wanted, due_at: i64) -> Result<(), DbError> {
    sqlx::query("UPDATE auto_wanted SET due_at = $3 WHERE instance = $1 AND operation = $2")
        .bind(wanted.instance.to_string())
        .bind(wanted.operation.to_string())
        .bind(due_at)
        .execute(&db.pool)
        .await?;
    Ok(())
}

/// A decision is made: it is not wanted any more, unless it was asked for anew meanwhile, and the values that it was made of
/// are no news any more.
///
/// # Errors
/// What the database says.
pub async fn settle(tx: &mut AnyConnection, wanted: &Wanted, seen: &News) -> Result<(), DbError> {
    sqlx::query("DELETE FROM auto_wanted WHERE instance = $1 AND operation = $2")
        .bind(wanted.instance.to_string())
        .bind(wanted.operation.to_string())
        .execute(&mut *tx)
        .await?;
    for (indicator, heard_at) in seen {
        sqlx::query("DELETE FROM auto_news WHERE instance = $1 AND indicator = $2 AND heard_at = $3")
            .bind(wanted.instance.to_string())
            .bind(indicator.clone())
            .bind(*heard_at)
            .execute(&mut *tx)
            .await?;
    }
    Ok(())
}

/// Notes what was begun, of these VNFCs or as a scaling, in the transaction that begins it; healings before `oldest` are
/// forgotten, and scalings before this one.
///
/// # Errors
/// What the database says.
pub async fn begun(
    tx: &mut AnyConnection,
    wanted: &Wanted,
    vnfcs: &[String],
    at: i64,
    oldest: i64,
) -> Result<(), DbError> {
    let healed = !vnfcs.is_empty();
    let old = if healed {
        "DELETE FROM auto_begun WHERE instance = $1 AND vnfc <> '' AND at < $2"
    } else {
        "DELETE FROM auto_begun WHERE instance = $1 AND vnfc = '' AND at <= $2"
    };
    sqlx::query(old).bind(wanted.instance.to_string()).bind(if healed { oldest } else { at }).execute(&mut *tx).await?;
    let scaled = [String::new()];
    for vnfc in if healed { vnfcs } else { &scaled } {
        sqlx::query(
            "INSERT INTO auto_begun (operation, vnfc, instance, at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        )
        .bind(wanted.operation.to_string())
        .bind(vnfc.clone())
        .bind(wanted.instance.to_string())
        .bind(at)
        .execute(&mut *tx)
        .await?;
    }
    Ok(())
}

/// What was begun came to rest: from then on it is counted.
///
/// # Errors
/// What the database says.
pub async fn rested(tx: &mut AnyConnection, operation: Uuid, at: i64) -> Result<(), DbError> {
    sqlx::query("UPDATE auto_begun SET at = $2 WHERE operation = $1")
        .bind(operation.to_string())
        .bind(at)
        .execute(tx)
        .await?;
    Ok(())
}

/// Indicators with a new value, with when that was heard of in microseconds since the epoch.
pub type News = BTreeMap<String, i64>;

/// What a decision rests on besides the instance.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Past {
    /// When each VNFC was healed by itself.
    pub healed: BTreeMap<String, Vec<i64>>,
    /// When it was scaled by itself last; 0 for never.
    pub scaled_at: i64,
    /// Indicators with a new value.
    pub news: News,
}

/// What was begun for an instance, and which of its indicators have a new value.
///
/// # Errors
/// What the database says.
pub async fn past(tx: &mut AnyConnection, instance: Uuid) -> Result<Past, DbError> {
    let mut past = Past::default();
    let rows = sqlx::query("SELECT vnfc, at FROM auto_begun WHERE instance = $1 ORDER BY at")
        .bind(instance.to_string())
        .fetch_all(&mut *tx)
        .await?;
    for row in rows {
        let (vnfc, at): (String, i64) = (row.try_get("vnfc")?, row.try_get("at")?);
        if vnfc.is_empty() {
            past.scaled_at = at;
        } else {
            past.healed.entry(vnfc).or_default().push(at);
        }
    }
    let rows = sqlx::query("SELECT indicator, heard_at FROM auto_news WHERE instance = $1")
        .bind(instance.to_string())
        .fetch_all(tx)
        .await?;
    for row in rows {
        past.news.insert(row.try_get("indicator")?, row.try_get("heard_at")?);
    }
    Ok(past)
}

/// Nothing is decided any more for an instance.
///
/// # Errors
/// What the database says.
pub async fn forget(tx: &mut AnyConnection, instance: Uuid) -> Result<(), DbError> {
    for sql in [
        "DELETE FROM auto_wanted WHERE instance = $1",
        "DELETE FROM auto_news WHERE instance = $1",
        "DELETE FROM auto_begun WHERE instance = $1",
    ] {
        sqlx::query(sql).bind(instance.to_string()).execute(&mut *tx).await?;
    }
    Ok(())
}
