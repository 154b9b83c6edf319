//! Operations that wait for room in a VIM, what the NFVO told of quotas last (SOL003 clause 11), and the subscription to that.

use db::{AnyConnection, Db, DbError, Migration, sqlx};
use sqlx::Row;
use uuid::Uuid;

/// Migrations of component `vnfm_quotas`.
pub const MIGRATIONS: &[Migration] = &[Migration {
    version: 1,
    name: "quotas",
    sql: &[
        // One row at most.
        "CREATE TABLE quota_subscription (one BIGINT PRIMARY KEY, id TEXT NOT NULL, callback TEXT NOT NULL)",
        // `place` is a VIM, or empty for what the NFVO told without naming one; the times are in microseconds since the epoch.
        "CREATE TABLE quota_told (place TEXT PRIMARY KEY, notification TEXT NOT NULL, words TEXT NOT NULL, \
         made_at BIGINT NOT NULL, heard_at BIGINT NOT NULL)",
        // `vim` is where the operation found no room. `made_at` is 0 until the NFVO told of it.
        "CREATE TABLE quota_wait (operation TEXT NOT NULL, vim TEXT NOT NULL, words TEXT NOT NULL, \
         made_at BIGINT NOT NULL, PRIMARY KEY (operation, vim))",
    ],
}];

/// The subscription at the NFVO.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Its identifier there.
    pub id: String,
    /// Where its notifications are sent.
    pub callback: String,
}

/// What the NFVO told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// What allows more, in words.
    pub words: String,
    /// When the notification was made, in microseconds since the epoch.
    pub made_at: i64,
}

/// The subscription at the NFVO, when there is one.
///
/// # Errors
/// What the database says.
pub async fn subscription(tx: &mut AnyConnection) -> Result<Option<Kept>, DbError> {
    let row = sqlx::query("SELECT id, callback FROM quota_subscription WHERE one = 1").fetch_optional(tx).await?;
    row.map(|row| Ok(Kept { id: row.try_get("id")?, callback: row.try_get("callback")? })).transpose()
}

/// Keeps the subscription at the NFVO.
///
/// # Errors
/// What the database says.
pub async fn put_subscription(db: &Db, kept: &Kept) -> Result<(), DbError> {
    sqlx::query(
        "INSERT INTO quota_subscription (one, id, callback) VALUES (1, $1, $2) \
         ON CONFLICT (one) DO UPDATE SET id = excluded.id, callback = excluded.callback",
    )
    .bind(kept.id.clone())
    .bind(kept.callback.clone())
    .execute(&db.pool)
    .await?;
    Ok(())
}

/// Takes the turn to decide about a place, so that who begins to wait and who tells do not miss each other.
async fn lock(tx: &mut AnyConnection, place: &str) -> Result<(), DbError> {
    sqlx::query(
        "INSERT INTO quota_told (place, notification, words, made_at, heard_at) VALUES ($1, '', '', 0, 0) \
         ON CONFLICT (place) DO UPDATE SET place = excluded.place",
    )
    .bind(place)
    .execute(tx)
    .await?;
    Ok(())
}

/// An operation waits for room in a VIM. What was told of it at `since` (microseconds since the epoch) or later it has
/// been told already.
///
/// # Errors
/// What the database says.
pub async fn wait(tx: &mut AnyConnection, operation: Uuid, vim: Uuid, since: i64) -> Result<(), DbError> {
    let vim = vim.to_string();
    lock(tx, &vim).await?;
    sqlx::query(
        "INSERT INTO quota_wait (operation, vim, words, made_at) \
         SELECT CAST($1 AS TEXT), place, CASE WHEN heard_at >= $3 THEN words ELSE '' END, \
         CASE WHEN heard_at >= $3 THEN made_at ELSE 0 END FROM quota_told WHERE place = $2 \
         ON CONFLICT (operation, vim) DO UPDATE SET words = excluded.words, made_at = excluded.made_at",
    )
    .bind(operation.to_string())
    .bind(vim)
    .bind(since)
    .execute(tx)
    .await?;
    Ok(())
}

/// An operation waits no more.
///
/// # Errors
/// What the database says.
pub async fn forget(tx: &mut AnyConnection, operation: Uuid) -> Result<(), DbError> {
    sqlx::query("DELETE FROM quota_wait WHERE operation = $1").bind(operation.to_string()).execute(tx).await?;
    Ok(())
}

/// Keeps what was told of a VIM, or of one that is not named; gives the operations that waited for that. `None` when this
/// notification was told before.
///
/// # Errors
/// What the database says.
pub async fn told(
    tx: &mut AnyConnection,
    notification: &str,
    vim: Option<Uuid>,
    told: &Told,
    now: i64,
) -> Result<Option<Vec<Uuid>>, DbError> {
    let place = vim.map_or_else(String::new, |vim| vim.to_string());
    lock(tx, &place).await?;
    let done = sqlx::query(
        "UPDATE quota_told SET notification = $2, words = $3, made_at = $4, heard_at = $5 \
         WHERE place = $1 AND notification <> $2",
    )
    .bind(place.clone())
    .bind(notification)
    .bind(told.words.clone())
    .bind(told.made_at)
    .bind(now)
    .execute(&mut *tx)
    .await?;
    if done.rows_affected() == 0 {
        return Ok(None);
    }
    // Who names no VIM speaks of each.
    let rows =
        sqlx::query("UPDATE quota_wait SET words = $1, made_at = $2 WHERE vim = $3 OR $3 = '' RETURNING operation")
            .bind(told.words.clone())
            .bind(told.made_at)
            .bind(place)
            .fetch_all(tx)
            .await?;
    let mut waited = rows.iter().map(operation).collect::<Result<Vec<_>, _>>()?;
    waited.sort_unstable();
    waited.dedup();
    Ok(Some(waited))
}

fn operation(row: &db::AnyRow) -> Result<Uuid, DbError> {
    let text: String = row.try_get("operation")?;
    Ok(text.parse().map_err(|e: uuid::Error| sqlx::Error::Decode(e.into()))?)
}

/// What an operation that waits was told last; `None` when it does not wait, or was told nothing yet.
///
/// # Errors
/// What the database says.
pub async fn of(tx: &mut AnyConnection, operation: Uuid) -> Result<Option<Told>, DbError> {
    let row = sqlx::query(
        "SELECT words, made_at FROM quota_wait WHERE operation = $1 AND made_at > 0 ORDER BY made_at DESC, vim LIMIT 1",
    )
    .bind(operation.to_string())
    .fetch_optional(tx)
    .await?;
    row.map(|row| Ok(Told { words: row.try_get("words")?, made_at: row.try_get("made_at")? })).transpose()
}

/// Operations that waited and were told that there is more.
///
/// # Errors
/// What the database says.
pub async fn ready(db: &Db) -> Result<Vec<Uuid>, DbError> {
    let rows = sqlx::query("SELECT DISTINCT operation FROM quota_wait WHERE made_at > 0 ORDER BY operation")
        .fetch_all(&db.pool)
        .await?;
    rows.iter().map(operation).collect()
}

/// Whether an operation waits and was told nothing yet.
///
/// # Errors
/// What the database says.
pub async fn anybody_waits(db: &Db) -> Result<bool, DbError> {
    let row =
        sqlx::query("SELECT operation FROM quota_wait WHERE made_at = 0 LIMIT 1").fetch_optional(&db.pool).await?;
    Ok(row.is_some())
}
