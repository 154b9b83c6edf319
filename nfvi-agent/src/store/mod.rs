//! What shall be on this host, kept so that it survives the agent and the host: one file of SQL per noun.
//!
//! The functions work on a connection, so that a caller puts several of them into one transaction.

pub mod events;
pub mod images;
pub mod machines;
pub mod snapshots;
pub mod volumes;

use db::sqlx::{self, Row};
use db::{AnyConnection, AnyRow, Db, DbError, Migration};
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

/// Result of a statement.
pub type Result<T> = std::result::Result<T, sqlx::Error>;

const MIGRATIONS: &[Migration] = &[FIRST, SNAPSHOTS];

const SNAPSHOTS: Migration = Migration {
    version: 2,
    name: "snapshots",
    sql: &[
        "CREATE TABLE snapshot (
            id TEXT PRIMARY KEY,
            spec TEXT NOT NULL,
            state TEXT NOT NULL,
            problem TEXT,
            consistency TEXT,
            disks TEXT NOT NULL,
            taken_at BIGINT NOT NULL,
            created_at BIGINT NOT NULL,
            trace TEXT
        )",
        "ALTER TABLE machine ADD COLUMN reverted TEXT",
        "ALTER TABLE machine ADD COLUMN reverting TEXT",
    ],
};

const FIRST: Migration = Migration {
    version: 1,
    name: "machines, volumes, images, events",
    sql: &[
        "CREATE TABLE agent (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
        "CREATE TABLE machine (
            id TEXT PRIMARY KEY,
            spec TEXT NOT NULL,
            state TEXT NOT NULL,
            problem TEXT,
            changed_at BIGINT NOT NULL,
            created_at BIGINT NOT NULL,
            deleting BIGINT NOT NULL,
            has_run BIGINT NOT NULL,
            pinned TEXT NOT NULL,
            root_bytes BIGINT NOT NULL,
            pending TEXT,
            trace TEXT
        )",
        "CREATE TABLE image (
            id TEXT PRIMARY KEY,
            phase TEXT NOT NULL,
            format TEXT NOT NULL,
            size_bytes BIGINT NOT NULL,
            virtual_bytes BIGINT NOT NULL,
            sha256 TEXT NOT NULL,
            owner TEXT NOT NULL,
            created_at BIGINT NOT NULL
        )",
        "CREATE TABLE volume (
            id TEXT PRIMARY KEY,
            phase TEXT NOT NULL,
            spec TEXT NOT NULL,
            created_at BIGINT NOT NULL
        )",
        "CREATE TABLE event (seq BIGINT PRIMARY KEY, body TEXT NOT NULL, at BIGINT NOT NULL)",
        "CREATE TABLE counter (name TEXT PRIMARY KEY, value BIGINT NOT NULL)",
        "INSERT INTO counter (name, value) VALUES ('event', 0)",
    ],
};

/// Where an image or a volume stands in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Noted, its file may not be whole yet.
    Making,
    /// Its file is whole.
    Ready,
    /// Its file is being removed.
    Deleting,
}

impl Phase {
    fn as_str(self) -> &'static str {
        match self {
            Phase::Making => "making",
            Phase::Ready => "ready",
            Phase::Deleting => "deleting",
        }
    }

    fn read(text: &str) -> Result<Phase> {
        match text {
            "making" => Ok(Phase::Making),
            "ready" => Ok(Phase::Ready),
            "deleting" => Ok(Phase::Deleting),
            other => Err(sqlx::Error::Decode(format!("{other:?} is no phase").into())),
        }
    }
}

/// Brings the tables up to date.
///
/// # Errors
/// What the database said.
pub async fn migrate(db: &Db) -> std::result::Result<(), DbError> {
    db.migrate("nfvi-agent", MIGRATIONS).await.map(drop)
}

/// Identity of this state, made when it is first asked for.
///
/// # Errors
/// What the database said.
pub async fn incarnation(tx: &mut AnyConnection) -> Result<Uuid> {
    sqlx::query("INSERT INTO agent (name, value) VALUES ('incarnation', $1) ON CONFLICT (name) DO NOTHING")
        .bind(Uuid::new_v4().to_string())
        .execute(&mut *tx)
        .await?;
    let row = sqlx::query("SELECT value FROM agent WHERE name = 'incarnation'").fetch_one(&mut *tx).await?;
    uuid(&row, "value")
}

fn uuid(row: &AnyRow, column: &str) -> Result<Uuid> {
    let text: String = row.try_get(column)?;
    Uuid::parse_str(&text).map_err(|e| sqlx::Error::Decode(format!("{column} {text:?}: {e}").into()))
}

fn bytes(row: &AnyRow, column: &str) -> Result<u64> {
    let number: i64 = row.try_get(column)?;
    u64::try_from(number).map_err(|e| sqlx::Error::Decode(format!("{column} {number}: {e}").into()))
}

/// A size as the database holds it; what does not fit was refused long before.
fn number(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

fn json<T: DeserializeOwned>(column: &str, text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|e| sqlx::Error::Decode(format!("column {column}: {e}").into()))
}

fn text<T: Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|e| sqlx::Error::Encode(e.into()))
}
