//! Transactions: reading a consistent picture, writing, and writing again when the database asks for it.

use crate::error::{DbError, Retryable};
use crate::open::{Db, Dialect};
use crate::settle::Log;
use sqlx::{Any, AnyConnection, Transaction};
use std::ops::{ControlFlow, Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;

/// How often [`transaction!`] runs one transaction before it hands the database's refusal to its caller.
const WRITE_ATTEMPTS: u32 = 10;

/// An open write transaction; dropping it undoes it.
#[derive(Debug)]
pub struct WriteTx {
    // Declared before the turn, so that the rollback is under way before the next writer begins.
    tx: Transaction<'static, Any>,
    turn: Option<OwnedSemaphorePermit>,
    log: Option<Arc<Log>>,
}

/// An open read transaction: all its statements see the database at one moment.
#[derive(Debug)]
pub struct ReadTx {
    tx: Transaction<'static, Any>,
}

impl WriteTx {
    /// Makes the changes permanent, see [`Durability`](crate::Durability).
    pub async fn commit(self) -> Result<(), sqlx::Error> {
        self.tx.commit().await?;
        // Others write while this one waits for the disk.
        drop(self.turn);
        match self.log {
            Some(log) => Ok(log.settle().await?),
            None => Ok(()),
        }
    }

    /// Undoes the changes, waiting for it.
    pub async fn rollback(self) -> Result<(), sqlx::Error> {
        self.tx.rollback().await
    }
}

impl Deref for WriteTx {
    type Target = AnyConnection;
    fn deref(&self) -> &AnyConnection {
        &self.tx
    }
}

impl DerefMut for WriteTx {
    fn deref_mut(&mut self) -> &mut AnyConnection {
        &mut self.tx
    }
}

impl Deref for ReadTx {
    type Target = AnyConnection;
    fn deref(&self) -> &AnyConnection {
        &self.tx
    }
}

impl DerefMut for ReadTx {
    fn deref_mut(&mut self) -> &mut AnyConnection {
        &mut self.tx
    }
}

impl Db {
    /// Begins a write transaction: BEGIN IMMEDIATE on SQLite, so that the lock is taken now and not in the middle, and
    /// BEGIN (READ COMMITTED) on PostgreSQL.
    ///
    /// On SQLite the writers of this process queue in the order they came, which is both fairer and faster than
    /// SQLite's own wait. A task that holds a write transaction must not begin a second one: it would wait for itself,
    /// and get [`DbError::WriteTurn`] after the acquire time-out.
    pub async fn begin_write(&self) -> Result<WriteTx, DbError> {
        let turn = match &self.writer {
            None => None,
            Some(writer) => {
                let turn = tokio::time::timeout(self.acquire_timeout, writer.turn.clone().acquire_owned()).await;
                match turn {
                    Ok(Ok(turn)) => Some(turn),
                    // The semaphore is never closed; should it be, the pool is gone too.
                    Ok(Err(_)) => return Err(DbError::Sql(sqlx::Error::PoolClosed)),
                    Err(_) => return Err(DbError::WriteTurn(self.acquire_timeout)),
                }
            }
        };
        let begin = match self.dialect {
            Dialect::Sqlite => "BEGIN IMMEDIATE",
            Dialect::Postgres => "BEGIN",
        };
        let pool = self.writer.as_ref().map_or(&self.pool, |writer| &writer.pool);
        let log = self.writer.as_ref().and_then(|writer| writer.log.clone());
        Ok(WriteTx { tx: pool.begin_with(begin).await?, turn, log })
    }

    /// Begins a read transaction that sees one moment of the database: BEGIN on SQLite, BEGIN with REPEATABLE READ and
    /// READ ONLY on PostgreSQL. Single statements need none; give them [`Db::pool`].
    pub async fn begin_read(&self) -> Result<ReadTx, DbError> {
        let begin = match self.dialect {
            Dialect::Sqlite => "BEGIN",
            Dialect::Postgres => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        };
        Ok(ReadTx { tx: self.pool.begin_with(begin).await? })
    }
}

/// Runs a block in a write transaction, commits it, and evaluates to the block's `Result`, to be used in an `async` function:
///
/// ```
/// # async fn example(db: db::Db, name: String) -> Result<(), db::DbError> {
/// let names: i64 = db::transaction!(db, |tx| {
///     sqlx::query("INSERT INTO names (name) VALUES ($1)").bind(&name).execute(&mut *tx).await?;
///     let names = sqlx::query_scalar("SELECT COUNT(*) FROM names").fetch_one(&mut *tx).await?;
///     Ok::<_, db::DbError>(names)
/// })?;
/// # Ok(()) }
/// ```
///
/// `tx` is a `&mut AnyConnection`. An `Err`, also by `?`, undoes the transaction and is the value. When the database
/// refuses for the moment (see [`is_busy`](crate::is_busy)), everything is run again from the beginning, up to ten times
/// with growing pauses; so the block must have no effect but on the database and on what it returns. The error type must
/// be `From<DbError>` and [`Retryable`].
///
/// It is a macro because a closure over a borrowed transaction cannot be shown to be `Send`, which handlers must be.
#[macro_export]
macro_rules! transaction {
    ($db:expr, |$tx:ident| $body:block) => {{
        let mut attempts = $crate::Attempts::new(&$db);
        loop {
            let mut open = match attempts.begin().await {
                ::core::result::Result::Ok(open) => open,
                ::core::result::Result::Err(e) => break ::core::result::Result::Err(::core::convert::From::from(e)),
            };
            let result = async {
                let $tx: &mut $crate::AnyConnection = &mut open;
                $body
            }
            .await;
            if let ::core::ops::ControlFlow::Break(result) = attempts.end(open, result).await {
                break result;
            }
        }
    }};
}

/// The bounded tries of [`transaction!`]; of no use by itself.
#[derive(Debug)]
pub struct Attempts<'a> {
    db: &'a Db,
    made: u32,
}

impl<'a> Attempts<'a> {
    #[doc(hidden)]
    pub fn new(db: &'a Db) -> Self {
        Self { db, made: 0 }
    }

    #[doc(hidden)]
    pub async fn begin(&mut self) -> Result<WriteTx, DbError> {
        loop {
            self.made += 1;
            match self.db.begin_write().await {
                Err(e) if self.again(&e) => tokio::time::sleep(pause(self.made)).await,
                other => return other,
            }
        }
    }

    #[doc(hidden)]
    pub async fn end<T, E>(&mut self, tx: WriteTx, result: Result<T, E>) -> ControlFlow<Result<T, E>>
    where
        E: From<DbError> + Retryable,
    {
        let error = match result {
            Ok(value) => match tx.commit().await {
                Ok(()) => return ControlFlow::Break(Ok(value)),
                Err(e) => E::from(DbError::Sql(e)),
            },
            Err(e) => {
                // Waited for, so that the connection goes back clean; its own failure adds nothing to `e`.
                let _ = tx.rollback().await;
                e
            }
        };
        if !self.again(&error) {
            return ControlFlow::Break(Err(error));
        }
        tokio::time::sleep(pause(self.made)).await;
        ControlFlow::Continue(())
    }

    fn again(&self, error: &impl Retryable) -> bool {
        self.made < WRITE_ATTEMPTS && error.is_retryable()
    }
}

/// 2 ms to 256 ms, doubling, with up to as much again by chance so that two writers do not meet a second time.
fn pause(attempt: u32) -> Duration {
    let base = 2_u64 << attempt.saturating_sub(1).min(7);
    let chance = u64::from(uuid::Uuid::new_v4().as_bytes()[0]);
    Duration::from_micros(base * 1000 + base * 1000 * chance / 255)
}
