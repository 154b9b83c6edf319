//! Alarms as stored documents, and the index of them by fault and instance; instances that are to be looked at once their
//! operation rests.

use db::{AnyConnection, Db, DbError, Migration, sqlx};
use reference_points::or_vnfm::Alarm;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use service::query::Selection;
use service::store::{Collection, Document, Index, Noun, StoreError};
use sqlx::Row;
use uuid::Uuid;

use crate::ops::inventory::Owned;

/// Migrations of component `vnfm_fm`; those of component `vnfm` come before.
pub const MIGRATIONS: &[Migration] = &[
    Migration { version: 1, name: "alarms", sql: service::collection_ddl!("vnf_alarm") },
    Migration {
        version: 2,
        name: "faults",
        sql: &[
            "CREATE TABLE fm_alarm (alarm TEXT PRIMARY KEY, instance TEXT NOT NULL, open_key TEXT, cleared_at BIGINT NOT NULL)",
            "CREATE UNIQUE INDEX fm_alarm_open ON fm_alarm (open_key)",
            "CREATE INDEX fm_alarm_instance ON fm_alarm (instance, cleared_at)",
            "CREATE TABLE fm_dirty (instance TEXT PRIMARY KEY)",
            "CREATE INDEX vnf_resource_by_id ON vnf_resource (id)",
        ],
    },
    Migration {
        version: 3,
        name: "instances that are being looked at",
        sql: &["ALTER TABLE fm_dirty ADD COLUMN looking BIGINT NOT NULL DEFAULT 0"],
    },
];

/// Alarms.
pub const ALARMS: Collection<Kept> = Collection::new();

/// Cleared alarms of one instance that are kept until somebody acknowledges them, at most; the oldest go.
pub const MAX_CLEARED: i64 = 100;

/// A stored alarm.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Kept {
    /// As it is shown, without links.
    pub alarm: Alarm,
    /// The fault that it is about.
    pub key: String,
    /// The instance's resource that it is about.
    pub resource: Option<Uuid>,
    /// What others may follow from.
    pub about: Option<String>,
    /// What it may follow from.
    pub depends: Vec<String>,
    /// Its severity was raised by somebody.
    pub escalated: bool,
}

impl Document for Kept {
    const NOUN: &'static Noun = &Noun {
        table: "vnf_alarm",
        what: "alarm",
        indexed: &[
            Index::text("id"),
            Index::text("managedObjectId"),
            Index::text("perceivedSeverity"),
            Index::text("eventType"),
            Index::text("ackState"),
            Index::text("rootCauseFaultyResource/faultyResourceType"),
            Index::time("alarmRaisedTime"),
        ],
        selection: Selection::NONE,
        attributes: &[
            "id",
            "managedObjectId",
            "vnfcInstanceIds",
            "rootCauseFaultyResource",
            "alarmRaisedTime",
            "alarmChangedTime",
            "alarmClearedTime",
            "alarmAcknowledgedTime",
            "ackState",
            "perceivedSeverity",
            "eventTime",
            "eventType",
            "faultType",
            "probableCause",
            "isRootCause",
            "correlatedAlarmIds",
            "faultDetails",
        ],
    };

    fn resource(&self) -> Result<Value, serde_json::Error> {
        serde_json::to_value(&self.alarm)
    }
}

fn id(text: &str) -> Result<Uuid, DbError> {
    Ok(text.parse::<Uuid>().map_err(|e| sqlx::Error::Decode(e.into()))?)
}

async fn ids(tx: &mut AnyConnection, sql: &'static str, bound: &[&str]) -> Result<Vec<Uuid>, DbError> {
    let mut query = sqlx::query(sql);
    for value in bound {
        query = query.bind((*value).to_owned());
    }
    query.fetch_all(tx).await?.iter().map(|row| id(&row.try_get::<String, _>(0)?)).collect()
}

/// The alarm of a fault that lasts.
///
/// # Errors
/// What the database says.
pub async fn open(tx: &mut AnyConnection, key: &str) -> Result<Option<Uuid>, DbError> {
    Ok(ids(tx, "SELECT alarm FROM fm_alarm WHERE open_key = $1", &[key]).await?.pop())
}

/// Keys of faults that last and begin so.
///
/// # Errors
/// What the database says.
pub async fn open_keys(tx: &mut AnyConnection, beginning: &str) -> Result<Vec<String>, DbError> {
    let rows = sqlx::query("SELECT open_key FROM fm_alarm WHERE open_key >= $1 AND open_key < $2 ORDER BY open_key")
        .bind(beginning.to_owned())
        .bind(format!("{beginning}~"))
        .fetch_all(tx)
        .await?;
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

/// Alarms of an instance: those of faults that last, or all.
///
/// # Errors
/// What the database says.
pub async fn of_instance(tx: &mut AnyConnection, instance: Uuid, all: bool) -> Result<Vec<Uuid>, DbError> {
    let instance = instance.to_string();
    let sql = if all {
        "SELECT alarm FROM fm_alarm WHERE instance = $1 ORDER BY cleared_at, alarm"
    } else {
        "SELECT alarm FROM fm_alarm WHERE instance = $1 AND cleared_at = 0 ORDER BY alarm"
    };
    ids(tx, sql, &[&instance]).await
}

/// Stores a new alarm.
///
/// # Errors
/// What the database says; another process may have stored one about the same fault.
pub async fn insert(tx: &mut AnyConnection, kept: Kept, now: i64) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO fm_alarm (alarm, instance, open_key, cleared_at) VALUES ($1, $2, $3, 0)")
        .bind(kept.alarm.id.to_string())
        .bind(kept.alarm.managed_object_id.to_string())
        .bind(kept.key.clone())
        .execute(&mut *tx)
        .await?;
    ALARMS.insert(tx, kept.alarm.id, kept, now).await.map(drop)
}

/// Notes that the fault is over; gives the alarms of the instance that are too many now.
///
/// # Errors
/// What the database says.
pub async fn close(tx: &mut AnyConnection, alarm: Uuid, instance: Uuid, now: i64) -> Result<Vec<Uuid>, DbError> {
    sqlx::query("UPDATE fm_alarm SET open_key = NULL, cleared_at = $2 WHERE alarm = $1")
        .bind(alarm.to_string())
        .bind(now)
        .execute(&mut *tx)
        .await?;
    let rows = sqlx::query(
        "SELECT alarm FROM fm_alarm WHERE instance = $1 AND cleared_at > 0 ORDER BY cleared_at DESC LIMIT 10 OFFSET $2",
    )
    .bind(instance.to_string())
    .bind(MAX_CLEARED)
    .fetch_all(tx)
    .await?;
    rows.iter().map(|row| id(&row.try_get::<String, _>(0)?)).collect()
}

/// Removes an alarm.
///
/// # Errors
/// What the database says.
pub async fn delete(tx: &mut AnyConnection, alarm: Uuid) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM fm_alarm WHERE alarm = $1").bind(alarm.to_string()).execute(&mut *tx).await?;
    ALARMS.delete(tx, alarm, None).await.map(drop)
}

/// Notes that an instance is to be looked at once its operation rests, again when it is being looked at.
///
/// # Errors
/// What the database says.
pub async fn mark(tx: &mut AnyConnection, instance: Uuid) -> Result<(), DbError> {
    sqlx::query("INSERT INTO fm_dirty (instance) VALUES ($1) ON CONFLICT (instance) DO UPDATE SET looking = 0")
        .bind(instance.to_string())
        .execute(tx)
        .await?;
    Ok(())
}

/// Whether an instance is to be looked at, and that was begun.
///
/// # Errors
/// What the database says.
pub async fn mark_of(db: &Db, instance: Uuid) -> Result<Option<bool>, DbError> {
    let row = sqlx::query("SELECT looking FROM fm_dirty WHERE instance = $1").bind(instance.to_string());
    row.fetch_optional(&db.pool).await?.map(|row| Ok(row.try_get::<i64, _>(0)? != 0)).transpose()
}

/// An instance is being looked at. Its mark goes with [`looked`]: until then a crash leaves it to be looked at.
///
/// # Errors
/// What the database says.
pub async fn look(tx: &mut AnyConnection, instance: Uuid) -> Result<(), DbError> {
    sqlx::query("UPDATE fm_dirty SET looking = 1 WHERE instance = $1").bind(instance.to_string()).execute(tx).await?;
    Ok(())
}

/// An instance was looked at; one that was marked anew meanwhile stays marked.
///
/// # Errors
/// What the database says.
pub async fn looked(tx: &mut AnyConnection, instance: Uuid) -> Result<(), DbError> {
    sqlx::query("DELETE FROM fm_dirty WHERE instance = $1 AND looking = 1")
        .bind(instance.to_string())
        .execute(tx)
        .await?;
    Ok(())
}

/// An instance is not to be looked at any more.
///
/// # Errors
/// What the database says.
pub async fn unmark(tx: &mut AnyConnection, instance: Uuid) -> Result<(), DbError> {
    sqlx::query("DELETE FROM fm_dirty WHERE instance = $1").bind(instance.to_string()).execute(tx).await?;
    Ok(())
}

/// Instances to be looked at, those included that are being looked at.
///
/// # Errors
/// What the database says.
pub async fn marked(db: &Db) -> Result<Vec<Uuid>, DbError> {
    ids(&mut *db.pool.acquire().await?, "SELECT instance FROM fm_dirty ORDER BY instance", &[]).await
}

fn owned(row: &db::AnyRow) -> Result<(Uuid, Owned), DbError> {
    let document: String = row.try_get(1)?;
    let read = serde_json::from_str(&document).map_err(|e| sqlx::Error::Decode(e.into()))?;
    Ok((id(&row.try_get::<String, _>(0)?)?, read))
}

/// The instance that has a resource, and the resource.
///
/// # Errors
/// What the database says.
pub async fn owner(db: &Db, resource: Uuid) -> Result<Option<(Uuid, Owned)>, DbError> {
    owner_in(&mut *db.pool.acquire().await?, resource).await
}

/// The same in a transaction.
///
/// # Errors
/// What the database says.
pub async fn owner_in(tx: &mut AnyConnection, resource: Uuid) -> Result<Option<(Uuid, Owned)>, DbError> {
    let row = sqlx::query("SELECT instance, document FROM vnf_resource WHERE id = $1")
        .bind(resource.to_string())
        .fetch_optional(tx)
        .await?;
    row.as_ref().map(owned).transpose()
}

/// Instances that have resources, in order behind `after`, at most 200.
///
/// # Errors
/// What the database says.
pub async fn instances(db: &Db, after: Uuid) -> Result<Vec<Uuid>, DbError> {
    let sql = "SELECT DISTINCT instance FROM vnf_resource WHERE instance > $1 ORDER BY instance LIMIT 200";
    ids(&mut *db.pool.acquire().await?, sql, &[&after.to_string()]).await
}
