//! Stores of resources: one table of JSON documents per noun, one index table for the attributes that lists are filtered
//! by, optimistic concurrency by revision. The same SQL runs on SQLite and PostgreSQL.
//!
//! ```
//! use service::store::{Collection, Document, Index, Noun};
//! use service::query::Selection;
//!
//! #[derive(serde::Serialize, serde::Deserialize)]
//! #[serde(rename_all = "camelCase")]
//! struct Lamp { room: String, watts: f64 }
//!
//! impl Document for Lamp {
//!     const NOUN: &'static Noun = &Noun {
//!         table: "lamp",
//!         what: "lamp",
//!         indexed: &[Index::text("room"), Index::number("watts")],
//!         selection: Selection::NONE,
//!         attributes: &["id", "room", "watts"],
//!     };
//! }
//!
//! // In the service's migration: sql: service::collection_ddl!("lamp")
//! const LAMPS: Collection<Lamp> = Collection::new();
//! ```

mod collection;
mod index;
mod list;

use std::fmt;

use db::{Db, DbError, Migration, Retryable};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use uuid::Uuid;

use crate::http::ApiError;
use crate::query::Selection;

pub use collection::Collection;
pub use index::{Index, Kind};
pub use list::{Entry, Page};

/// Tables of this crate, in every service's database.
const MIGRATIONS: &[Migration] = &[
    Migration {
        version: 1,
        name: "attribute index",
        sql: &[
            // `owner` is noun, path and id in one, for looking up the values of one entry: no other index can serve that, so
            // that no query planner can choose a worse one.
            "CREATE TABLE attribute_index (owner TEXT NOT NULL, ordinal BIGINT NOT NULL, noun TEXT NOT NULL, path TEXT NOT NULL, \
         id TEXT NOT NULL, created_at BIGINT NOT NULL, text_value TEXT, number_value DOUBLE PRECISION, \
         PRIMARY KEY (owner, ordinal))",
            "CREATE INDEX attribute_index_text ON attribute_index (noun, path, text_value, created_at, id)",
            "CREATE INDEX attribute_index_number ON attribute_index (noun, path, number_value, created_at, id)",
            "CREATE TABLE attribute_index_state (noun TEXT PRIMARY KEY, paths TEXT NOT NULL)",
        ],
    },
    Migration {
        version: 2,
        name: "whose database",
        sql: &["CREATE TABLE service_identity (one BIGINT PRIMARY KEY, name TEXT NOT NULL)"],
    },
];

/// The statements that make a collection's table, for a service's migration.
#[macro_export]
macro_rules! collection_ddl {
    ($table:literal) => {
        &[
            concat!(
                "CREATE TABLE ",
                $table,
                " (id TEXT PRIMARY KEY, created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL, ",
                "revision BIGINT NOT NULL, document TEXT NOT NULL)"
            ),
            concat!("CREATE INDEX ", $table, "_created ON ", $table, " (created_at, id)"),
        ]
    };
}

/// Makes the tables of this crate. [`crate::run::start`] does it for a service; a test of a store does it itself.
///
/// # Errors
/// The database.
pub async fn migrate(db: &Db) -> Result<(), DbError> {
    db.migrate("service", MIGRATIONS).await.map(drop)
}

/// What a kind of resource is called, stored as and found by.
#[derive(Debug)]
pub struct Noun {
    /// Its table, made by [`collection_ddl!`]. Also its name in the index table.
    pub table: &'static str,
    /// What messages call it, e.g. `VNF instance`.
    pub what: &'static str,
    /// Attributes by which the database itself can sift.
    pub indexed: &'static [Index],
    /// Attributes that lists can leave out.
    pub selection: Selection,
    /// Names of its attributes: a filter that begins with another one is refused. Empty: nothing is refused.
    pub attributes: &'static [&'static str],
}

/// A stored resource, or a record that holds one.
pub trait Document: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// What it is.
    const NOUN: &'static Noun;

    /// The resource as lists show it, filters see it and the index holds it. A record that keeps more than its resource
    /// gives the resource alone.
    ///
    /// # Errors
    /// It cannot be written as JSON.
    fn resource(&self) -> Result<Value, serde_json::Error> {
        serde_json::to_value(self)
    }
}

/// A document as it stands in the database.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored<T> {
    /// Its id.
    pub id: Uuid,
    /// When it was inserted, microseconds since the Unix epoch.
    pub created_at: i64,
    /// When it was last changed, microseconds since the Unix epoch.
    pub updated_at: i64,
    /// Counts its changes, from 1.
    pub revision: i64,
    /// The document.
    pub document: T,
}

impl<T> Stored<T> {
    /// The strong ETag of this revision, quotes included.
    pub fn etag(&self) -> String {
        format!("\"{}\"", self.revision)
    }
}

/// What a store can answer instead of doing.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
    /// There is no such entry.
    #[error("{what} {id} does not exist")]
    Missing {
        /// What was looked for.
        what: &'static str,
        /// Its id.
        id: Uuid,
    },
    /// The entry changed since it was read.
    #[error("{what} {id} changed since it was read (revision {revision})")]
    Changed {
        /// What it is.
        what: &'static str,
        /// Its id.
        id: Uuid,
        /// The revision that was read.
        revision: i64,
    },
    /// The id is taken.
    #[error("{what} {id} exists already")]
    Exists {
        /// What it is.
        what: &'static str,
        /// Its id.
        id: Uuid,
    },
    /// The document cannot be written as JSON, or what is stored cannot be read as this type.
    #[error("{what} {id} cannot be {attempt}: {why}")]
    Unreadable {
        /// What it is.
        what: &'static str,
        /// Its id.
        id: Uuid,
        /// `read` or `written`.
        attempt: &'static str,
        /// Why.
        why: String,
    },
}

impl From<db::sqlx::Error> for StoreError {
    fn from(error: db::sqlx::Error) -> Self {
        Self::Db(error.into())
    }
}

impl Retryable for StoreError {
    fn is_retryable(&self) -> bool {
        matches!(self, Self::Db(error) if error.is_retryable())
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Db(error) => error.into(),
            StoreError::Missing { what, id } => Self::not_found(format!("{what} {id}")),
            StoreError::Changed { .. } => {
                let mut e = Self::precondition_failed(error.to_string());
                e.problem.next = Some("read it again and repeat the change on its current state".to_owned());
                e
            }
            StoreError::Exists { .. } => Self::conflict(error.to_string()),
            StoreError::Unreadable { .. } => Self::internal(error.to_string()),
        }
    }
}

impl<T> fmt::Display for Stored<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} revision {}", self.id, self.revision)
    }
}
