//! What can go wrong with a database, and which of it is worth another try.

use std::time::Duration;

/// An error of opening, migrating or using a database.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DbError {
    /// The URL is not one this program can use.
    #[error("database URL {url} cannot be used: {why}")]
    Url {
        /// The URL, its password removed.
        url: String,
        /// What is wrong and what would be right.
        why: String,
    },
    /// A setting is out of its range.
    #[error("database setting {setting} = {value} is out of range: {range}")]
    Config {
        /// The setting's name.
        setting: &'static str,
        /// Its value.
        value: String,
        /// What is allowed.
        range: &'static str,
    },
    /// The database file or server could not be opened.
    #[error("cannot open database {url}: {why}")]
    Open {
        /// The URL, its password removed.
        url: String,
        /// What the file system, SQLite or the server answered, and what may help.
        why: String,
    },
    /// The database was migrated by a later release than this one.
    #[error(
        "the database holds version {found} of {component}, this program knows up to {known}: it was used by a newer release; \
         run that release, or restore the backup made before the upgrade"
    )]
    Newer {
        /// Whose tables.
        component: String,
        /// Version in the database.
        found: i64,
        /// Newest version the program knows.
        known: i64,
    },
    /// An applied migration's text is not what the program carries.
    #[error(
        "migration {version} ({name}) of {component} was changed after it had been applied to this database; \
         run the release that made the database, or start with a new one"
    )]
    Changed {
        /// Whose tables.
        component: String,
        /// Version of the migration.
        version: i64,
        /// Its name in this program.
        name: String,
    },
    /// The list of migrations itself is wrong.
    #[error("the migrations of {component} are not usable: {why}")]
    Migrations {
        /// Whose tables.
        component: String,
        /// What is wrong with the list.
        why: String,
    },
    /// A migration failed; nothing of it remains.
    #[error("migration {version} ({name}) of {component} failed at statement {statement}: {source}")]
    Migrate {
        /// Whose tables.
        component: String,
        /// Version of the migration.
        version: i64,
        /// Its name.
        name: String,
        /// Number of the failing statement, from 1.
        statement: usize,
        /// What the database answered.
        source: sqlx::Error,
    },
    /// The turn to write did not come in time.
    #[error(
        "waited {0:?} for the turn to write to the database: another write transaction of this process is held open for too long"
    )]
    WriteTurn(Duration),
    /// A statement failed.
    #[error("database: {0}")]
    Sql(#[from] sqlx::Error),
}

/// An error that knows whether the whole transaction is worth another try. [`transaction!`](crate::transaction) asks it.
pub trait Retryable {
    /// Whether the same transaction, run again from its beginning, may succeed.
    fn is_retryable(&self) -> bool;
}

impl Retryable for DbError {
    fn is_retryable(&self) -> bool {
        match self {
            Self::Sql(e) | Self::Migrate { source: e, .. } => is_busy(e),
            _ => false,
        }
    }
}

impl Retryable for sqlx::Error {
    fn is_retryable(&self) -> bool {
        is_busy(self)
    }
}

/// Whether the database refused only for the moment: SQLite is locked by another writer, or PostgreSQL ended the
/// transaction for a serialization failure or a deadlock.
pub fn is_busy(error: &sqlx::Error) -> bool {
    let sqlx::Error::Database(e) = error else { return false };
    let Some(code) = e.code() else { return false };
    match code.as_ref() {
        // PostgreSQL: serialization_failure, deadlock_detected, lock_not_available.
        "40001" | "40P01" | "55P03" => true,
        // SQLite: the primary result code is the low byte of the extended one; 5 is BUSY, 6 is LOCKED. A PostgreSQL
        // code always has five characters, so that the two cannot be mistaken for each other.
        other => other.len() < 5 && other.parse::<u32>().is_ok_and(|c| matches!(c & 0xff, 5 | 6)),
    }
}

/// Whether a row with the same unique key exists already.
pub fn is_unique_violation(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Database(e) if e.is_unique_violation())
}
