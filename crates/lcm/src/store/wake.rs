//! Where a wake and a step that begins to wait meet.
//!
//! The answer that names the event (an operation occurrence's id) and the event itself may come in either order, and in
//! two transactions at once. Both sides first write the row of the wake key, so that one of them sees the other: the step
//! that parks finds the wake pending, or the wake finds the step parked. Locks are taken in one order everywhere:
//! operation, wake rows, step rows; a wake takes no operation.

use db::sqlx::{self, Row};
use db::{AnyConnection, DbError};

/// A step begins to wait for `key`. True: the event has come already, and the step is to be called again at once.
pub(crate) async fn park(tx: &mut AnyConnection, key: &str, now: i64) -> Result<bool, DbError> {
    let row = sqlx::query(
        "INSERT INTO lcm_wake (wake_key, pending, at) VALUES ($1, 0, $2) \
         ON CONFLICT (wake_key) DO UPDATE SET at = excluded.at RETURNING pending",
    )
    .bind(key)
    .bind(now)
    .fetch_one(&mut *tx)
    .await?;
    let pending = row.try_get::<i64, _>(0)? != 0;
    if pending {
        sqlx::query("UPDATE lcm_wake SET pending = 0 WHERE wake_key = $1").bind(key).execute(&mut *tx).await?;
    }
    Ok(pending)
}

/// Nobody waits for `key` any more.
pub(crate) async fn forget(tx: &mut AnyConnection, key: &str) -> Result<(), DbError> {
    sqlx::query("DELETE FROM lcm_wake WHERE wake_key = $1").bind(key).execute(tx).await?;
    Ok(())
}

/// The event has come. Returns the operations whose steps waited for it; if none did, it is kept for the one that will.
pub(crate) async fn wake(tx: &mut AnyConnection, key: &str, now: i64) -> Result<Vec<String>, DbError> {
    sqlx::query(
        "INSERT INTO lcm_wake (wake_key, pending, at) VALUES ($1, 1, $2) \
         ON CONFLICT (wake_key) DO UPDATE SET pending = 1, at = excluded.at",
    )
    .bind(key)
    .bind(now)
    .execute(&mut *tx)
    .await?;
    let rows = sqlx::query(
        "UPDATE lcm_step SET next_at = 0 WHERE wake_key = $1 AND state IN ('PARKED', 'UNDO_PARKED') RETURNING op_id",
    )
    .bind(key)
    .fetch_all(&mut *tx)
    .await?;
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    sqlx::query("UPDATE lcm_wake SET pending = 0 WHERE wake_key = $1").bind(key).execute(&mut *tx).await?;
    rows.iter().map(|r| Ok(r.try_get(0)?)).collect()
}

/// Forgets events that nobody came to wait for; a step that parks later is called again by its slow poll.
pub(crate) async fn prune(tx: &mut AnyConnection, before: i64) -> Result<u64, DbError> {
    let done = sqlx::query("DELETE FROM lcm_wake WHERE at < $1").bind(before).execute(tx).await?;
    Ok(done.rows_affected())
}

/// Whether there is anything for [`prune`], so that an idle engine writes nothing.
pub(crate) async fn any_older(db: &db::Db, before: i64) -> Result<bool, DbError> {
    let row = sqlx::query("SELECT COUNT(*) FROM lcm_wake WHERE at < $1").bind(before).fetch_one(&db.pool).await?;
    Ok(row.try_get::<i64, _>(0)? > 0)
}
