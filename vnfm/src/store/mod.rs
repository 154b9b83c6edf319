//! The VNFM's tables: VNF instances and operation occurrences as collections, the resources of each instance, and how far
//! each VIM's events have been handled.

use db::{AnyRow, DbError, sqlx};
use sqlx::Row;
use uuid::Uuid;

pub mod documents;
pub mod positions;
pub mod resources;
pub mod schema;
pub mod snapshots;
pub mod ve;

pub mod alarms;
pub mod automatic;
pub mod indicators;
pub mod pm;
pub mod quotas;

pub use alarms::ALARMS;
pub use documents::{INSTANCES, Instance, OCCURRENCES, Occurrence};
pub use indicators::INDICATORS;
pub use snapshots::{SNAPSHOTS, SnapshotInfo};

/// A column that has an identifier.
fn uuid(row: &AnyRow, column: &str) -> Result<Uuid, DbError> {
    let text: String = row.try_get(column)?;
    Ok(text.parse().map_err(|e: uuid::Error| sqlx::Error::Decode(e.into()))?)
}
