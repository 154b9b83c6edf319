//! One way to use a database, whether it is the embedded SQLite or a PostgreSQL server.
//!
//! Every store and the operation engine write the same SQL text for both through sqlx's `Any` driver. What differs is
//! kept here: how a database is opened, how a write transaction begins, which errors mean "try again", and the one type
//! name that is not shared. What a store must keep to:
//!
//! - Columns are `BIGINT`, `DOUBLE PRECISION`, `TEXT` and, written `{{BLOB}}` in a migration, binary. The `Any` driver
//!   refuses others. Times are `BIGINT` microseconds since the Unix epoch, ids are UUIDs as `TEXT`, truth is `BIGINT` 0 or 1.
//! - Placeholders are `$1`, `$2` … A missing value is bound as a typed `Option`, for example `None::<String>`: PostgreSQL
//!   wants to know the type of a null. `Arc<str>` must not be bound: SQLite's side of `Any` cannot carry it.
//! - `SUM` of a `BIGINT` is `NUMERIC` in PostgreSQL, which `Any` refuses: write `CAST(SUM(x) AS BIGINT)`.
//! - A write transaction is [`transaction!`] (retried as a whole when the database asks for it) or [`Db::begin_write`].
//!   SQLite runs one write transaction at a time; PostgreSQL runs them side by side at READ COMMITTED. A transaction
//!   that reads and then decides must therefore first lock what it decides about, and the portable way is to begin with
//!   an `UPDATE` of that row.
//! - Inside a write transaction nothing but the database is waited for: on SQLite every other writer is waiting behind it.
//!
//! ```no_run
//! # async fn example() -> Result<(), db::DbError> {
//! use db::{Db, DbConfig, Migration};
//!
//! const MIGRATIONS: &[Migration] = &[Migration {
//!     version: 1,
//!     name: "notes",
//!     sql: &["CREATE TABLE note (id TEXT PRIMARY KEY, body TEXT NOT NULL, written_at BIGINT NOT NULL)"],
//! }];
//!
//! let db = Db::open("sqlite:///var/lib/example/example.db", &DbConfig::default()).await?;
//! db.migrate("example", MIGRATIONS).await?;
//! db::transaction!(db, |tx| {
//!     sqlx::query("INSERT INTO note (id, body, written_at) VALUES ($1, $2, $3)")
//!         .bind("a").bind("hello").bind(0_i64)
//!         .execute(&mut *tx).await?;
//!     Ok::<_, db::DbError>(())
//! })?;
//! # Ok(()) }
//! ```

mod clock;
mod config;
mod error;
mod migrate;
mod open;
mod settle;
#[cfg(feature = "testing")]
pub mod testing;
mod transaction;

pub use clock::{Clock, ManualClock, SystemClock};
pub use config::{DbConfig, Durability};
pub use error::{DbError, Retryable, is_busy, is_unique_violation};
pub use migrate::Migration;
pub use open::{Db, Dialect};
pub use sqlx;
pub use sqlx::any::AnyRow;
pub use sqlx::{AnyConnection, AnyPool};
pub use transaction::{Attempts, ReadTx, WriteTx};
