//! What the adapter remembers: the VIMs, what each of them shall hold, the addresses given out, and the events told.
//!
//! One file per noun holds its SQL; they work on a connection, so that `app` and the drivers put several of them into one
//! transaction. Every transaction that decides something about a VIM begins with [`vims::lock`], which makes
//! writers of one VIM take turns on PostgreSQL as they do on SQLite.

pub mod addresses;
pub mod allowances;
pub mod computes;
pub mod events;
pub mod groups;
pub mod hosts;
pub mod images;
pub mod networks;
pub mod ports;
mod schema;
pub mod snapshots;
pub mod subnets;
pub mod vims;
pub mod volumes;

use std::sync::Arc;

use db::{Clock, Db, DbError};
use reference_points::common::ProblemDetails;
use serde::Serialize;
use serde::de::DeserializeOwned;
use service::http::Wake;
use sqlx::Row;
use sqlx::any::AnyRow;
use uuid::Uuid;

/// The adapter's database, its clock, and the bell that wakes those who wait for events.
#[derive(Debug, Clone)]
pub struct Store {
    /// The database.
    pub db: Db,
    /// Where the time comes from.
    pub clock: Arc<dyn Clock>,
    /// Rung after every commit that added an event.
    pub wake: Wake,
    /// Events kept per VIM.
    pub history: i64,
}

impl Store {
    /// Brings the tables up to date.
    ///
    /// # Errors
    /// Any [`DbError`].
    pub async fn open(db: Db, clock: Arc<dyn Clock>, history: i64) -> Result<Self, DbError> {
        db.migrate("vim-adapter", schema::MIGRATIONS).await?;
        db::transaction!(db, |tx| {
            images::fill_names(tx).await?;
            Ok::<_, DbError>(())
        })?;
        Ok(Self { db, clock, wake: Wake::default(), history })
    }

    /// Microseconds since the epoch.
    pub fn now(&self) -> i64 {
        self.clock.now_micros()
    }
}

/// A stored enumeration's word.
pub(crate) fn word<T: Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        // Only enumerations without content are stored this way.
        other => other.map(|v| v.to_string()).unwrap_or_default(),
    }
}

/// A stored document's text.
pub(crate) fn text<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// The text of an optional document.
pub(crate) fn optional<T: Serialize>(value: Option<&T>) -> Option<String> {
    value.map(text)
}

/// Reads a word or document back.
fn decode<T: DeserializeOwned>(column: &str, json: serde_json::Result<T>) -> Result<T, sqlx::Error> {
    json.map_err(|error| sqlx::Error::ColumnDecode { index: column.to_owned(), source: Box::new(error) })
}

/// Columns of a row as the types they were written from.
trait Columns {
    fn id(&self, column: &str) -> Result<Uuid, sqlx::Error>;
    fn optional_id(&self, column: &str) -> Result<Option<Uuid>, sqlx::Error>;
    fn word<T: DeserializeOwned>(&self, column: &str) -> Result<T, sqlx::Error>;
    fn doc<T: DeserializeOwned>(&self, column: &str) -> Result<T, sqlx::Error>;
    fn optional_doc<T: DeserializeOwned>(&self, column: &str) -> Result<Option<T>, sqlx::Error>;
    fn problem(&self) -> Result<Option<ProblemDetails>, sqlx::Error> {
        self.optional_doc("problem")
    }
}

impl Columns for AnyRow {
    fn id(&self, column: &str) -> Result<Uuid, sqlx::Error> {
        self.word(column)
    }

    fn optional_id(&self, column: &str) -> Result<Option<Uuid>, sqlx::Error> {
        let text: Option<String> = self.try_get(column)?;
        text.map(|text| decode(column, serde_json::from_value(serde_json::Value::String(text)))).transpose()
    }

    fn word<T: DeserializeOwned>(&self, column: &str) -> Result<T, sqlx::Error> {
        decode(column, serde_json::from_value(serde_json::Value::String(self.try_get(column)?)))
    }

    fn doc<T: DeserializeOwned>(&self, column: &str) -> Result<T, sqlx::Error> {
        let text: String = self.try_get(column)?;
        decode(column, serde_json::from_str(&text))
    }

    fn optional_doc<T: DeserializeOwned>(&self, column: &str) -> Result<Option<T>, sqlx::Error> {
        let text: Option<String> = self.try_get(column)?;
        text.map(|text| decode(column, serde_json::from_str(&text))).transpose()
    }
}
