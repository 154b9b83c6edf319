//! Jobs and thresholds as stored documents, what they have read so far, their reports, and when each is due.

use db::{AnyConnection, Db, DbError, Migration, sqlx};
use reference_points::or_vnfm::{PerformanceReport, PmJobCriteria, ThresholdCriteria, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use service::query::Selection;
use service::store::{Collection, Document, Index, Noun, StoreError};
use sqlx::Row;
use uuid::Uuid;

use crate::ops::pm::metrics::ObjectType;

/// Migrations of component `vnfm_pm`.
pub const MIGRATIONS: &[Migration] = &[
    Migration { version: 1, name: "PM jobs", sql: service::collection_ddl!("pm_job") },
    Migration { version: 2, name: "thresholds", sql: service::collection_ddl!("pm_threshold") },
    Migration {
        version: 3,
        name: "what is due, samples and reports",
        sql: &[
            "CREATE TABLE pm_due (item TEXT PRIMARY KEY, kind TEXT NOT NULL, next_at BIGINT NOT NULL, state TEXT NOT NULL, \
             lease_owner TEXT, lease_until BIGINT NOT NULL)",
            "CREATE INDEX pm_due_next ON pm_due (next_at)",
            "CREATE TABLE pm_object (item TEXT NOT NULL, instance TEXT NOT NULL, PRIMARY KEY (instance, item))",
            "CREATE INDEX pm_object_item ON pm_object (item)",
            "CREATE TABLE pm_sample (item TEXT NOT NULL, at BIGINT NOT NULL, document TEXT NOT NULL, PRIMARY KEY (item, at))",
            "CREATE TABLE pm_report (id TEXT PRIMARY KEY, job TEXT NOT NULL, document TEXT NOT NULL)",
            "CREATE INDEX pm_report_job ON pm_report (job)",
        ],
    },
];

/// Jobs.
pub const JOBS: Collection<Job> = Collection::new();

/// Thresholds.
pub const THRESHOLDS: Collection<KeptThreshold> = Collection::new();

/// When what waits for an instance is due.
pub const PARKED: i64 = i64::MAX;

/// A metric as it was asked for, and as it is called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Chosen {
    /// As the client calls it.
    pub asked: String,
    /// As it is called here.
    pub metric: String,
    /// What it is measured on.
    pub object: ObjectType,
}

/// A report of a job, as the job names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeptReport {
    /// Its id.
    pub id: Uuid,
    /// When it was made.
    pub ready_time: Timestamp,
    /// Its size in bytes.
    pub file_size: u64,
}

/// A stored job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Job {
    /// Its id.
    pub id: Uuid,
    /// Major version of the interface it was made through.
    pub major: u8,
    /// Type of the measured objects; absent in version 1.
    pub object_type: Option<ObjectType>,
    /// VNF instances.
    pub object_instance_ids: Vec<Uuid>,
    /// Parts of the VNF instance.
    pub sub_object_instance_ids: Vec<String>,
    /// What is measured and when, as asked for.
    pub criteria: PmJobCriteria,
    /// Where it notifies; absent in version 1.
    pub callback_uri: Option<String>,
    /// Metrics, groups taken apart.
    pub chosen: Vec<Chosen>,
    /// Reports, the newest last.
    pub reports: Vec<KeptReport>,
}

impl Document for Job {
    const NOUN: &'static Noun = &Noun {
        table: "pm_job",
        what: "PM job",
        indexed: &[
            Index::text("major"),
            Index::text("id"),
            Index::text("objectType"),
            Index::text("objectInstanceIds"),
        ],
        selection: Selection {
            selectable: &["objectInstanceIds", "subObjectInstanceIds", "criteria", "reports"],
            default_excluded: &["reports"],
        },
        attributes: &[
            "major",
            "id",
            "objectType",
            "objectInstanceIds",
            "subObjectInstanceIds",
            "criteria",
            "callbackUri",
            "reports",
        ],
    };

    fn resource(&self) -> Result<Value, serde_json::Error> {
        let mut value = json!({ "major": self.major.to_string(), "id": self.id,
            "objectInstanceIds": self.object_instance_ids, "criteria": self.criteria });
        optional(&mut value, self.object_type, self.callback_uri.as_deref(), &self.sub_object_instance_ids);
        Ok(value)
    }
}

/// A stored threshold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeptThreshold {
    /// Its id.
    pub id: Uuid,
    /// Major version of the interface it was made through.
    pub major: u8,
    /// Type of the measured object; absent in version 1.
    pub object_type: Option<ObjectType>,
    /// The VNF instance.
    pub object_instance_id: Uuid,
    /// Parts of it.
    pub sub_object_instance_ids: Vec<String>,
    /// The threshold.
    pub criteria: ThresholdCriteria,
    /// Where it notifies; absent in version 1.
    pub callback_uri: Option<String>,
    /// The metric.
    pub chosen: Chosen,
}

impl Document for KeptThreshold {
    const NOUN: &'static Noun = &Noun {
        table: "pm_threshold",
        what: "threshold",
        indexed: &[Index::text("major"), Index::text("id"), Index::text("objectType"), Index::text("objectInstanceId")],
        selection: Selection::NONE,
        attributes: &[
            "major",
            "id",
            "objectType",
            "objectInstanceId",
            "subObjectInstanceIds",
            "criteria",
            "callbackUri",
        ],
    };

    fn resource(&self) -> Result<Value, serde_json::Error> {
        let mut value = json!({ "major": self.major.to_string(), "id": self.id,
            "objectInstanceId": self.object_instance_id, "criteria": self.criteria });
        optional(&mut value, self.object_type, self.callback_uri.as_deref(), &self.sub_object_instance_ids);
        Ok(value)
    }
}

/// What is due.
#[derive(Debug, Clone, PartialEq)]
pub struct Due {
    /// Job or threshold.
    pub item: Uuid,
    /// It is a job.
    pub job: bool,
    /// What it has read so far, as JSON.
    pub state: String,
}

/// Makes an item due at once, for these instances.
///
/// # Errors
/// What the database says.
pub async fn schedule(
    tx: &mut AnyConnection,
    item: Uuid,
    job: bool,
    instances: &[Uuid],
    now: i64,
) -> Result<(), DbError> {
    sqlx::query("INSERT INTO pm_due (item, kind, next_at, state, lease_until) VALUES ($1, $2, $3, '{}', 0)")
        .bind(item.to_string())
        .bind(if job { "job" } else { "threshold" })
        .bind(now)
        .execute(&mut *tx)
        .await?;
    for instance in instances {
        sqlx::query("INSERT INTO pm_object (item, instance) VALUES ($1, $2) ON CONFLICT (instance, item) DO NOTHING")
            .bind(item.to_string())
            .bind(instance.to_string())
            .execute(&mut *tx)
            .await?;
    }
    Ok(())
}

/// How many items there are of a kind.
///
/// # Errors
/// What the database says.
pub async fn count(tx: &mut AnyConnection, job: bool) -> Result<i64, DbError> {
    let kind = if job { "job" } else { "threshold" };
    Ok(sqlx::query_scalar("SELECT COUNT(*) FROM pm_due WHERE kind = $1").bind(kind).fetch_one(tx).await?)
}

/// Forgets an item with its samples and reports.
///
/// # Errors
/// What the database says.
pub async fn forget(tx: &mut AnyConnection, item: Uuid) -> Result<(), DbError> {
    for sql in [
        "DELETE FROM pm_due WHERE item = $1",
        "DELETE FROM pm_object WHERE item = $1",
        "DELETE FROM pm_sample WHERE item = $1",
        "DELETE FROM pm_report WHERE job = $1",
    ] {
        sqlx::query(sql).bind(item.to_string()).execute(&mut *tx).await?;
    }
    Ok(())
}

/// An item waits for nothing any more: it stays as it is.
///
/// # Errors
/// What the database says.
pub async fn finish(tx: &mut AnyConnection, item: Uuid) -> Result<(), DbError> {
    sqlx::query("DELETE FROM pm_object WHERE item = $1").bind(item.to_string()).execute(tx).await?;
    Ok(())
}

/// An instance has something to be measured: what waited for it is due.
///
/// # Errors
/// What the database says.
pub async fn wake(tx: &mut AnyConnection, instance: Uuid, now: i64) -> Result<(), DbError> {
    sqlx::query(
        "UPDATE pm_due SET next_at = $1 WHERE next_at = $2 AND item IN (SELECT item FROM pm_object WHERE instance = $3)",
    )
    .bind(now)
    .bind(PARKED)
    .bind(instance.to_string())
    .execute(tx)
    .await?;
    Ok(())
}

/// Leases what is due, at most `limit`, until `until`.
///
/// # Errors
/// What the database says.
pub async fn take(db: &Db, owner: &str, now: i64, until: i64, limit: i64) -> Result<Vec<Due>, StoreError> {
    db::transaction!(db, |tx| {
        let rows = sqlx::query(
            "UPDATE pm_due SET lease_owner = $1, lease_until = $2 WHERE lease_until <= $3 AND item IN \
             (SELECT item FROM pm_due WHERE next_at <= $3 AND lease_until <= $3 ORDER BY next_at LIMIT $4) \
             RETURNING item, kind, state",
        )
        .bind(owner.to_owned())
        .bind(until)
        .bind(now)
        .bind(limit)
        .fetch_all(&mut *tx)
        .await?;
        let mut due = Vec::with_capacity(rows.len());
        for row in rows {
            let (item, kind): (String, String) = (row.try_get(0)?, row.try_get(1)?);
            if let Ok(item) = item.parse() {
                due.push(Due { item, job: kind == "job", state: row.try_get(2)? });
            }
        }
        Ok::<_, StoreError>(due)
    })
}

/// When something is due next that nobody is at.
///
/// # Errors
/// What the database says.
pub async fn next(db: &Db) -> Result<Option<i64>, StoreError> {
    let rows = sqlx::query("SELECT next_at, lease_until FROM pm_due WHERE next_at < $1 ORDER BY next_at LIMIT 200")
        .bind(PARKED)
        .fetch_all(&db.pool)
        .await?;
    let mut first: Option<i64> = None;
    for row in rows {
        let at = row.try_get::<i64, _>(0)?.max(row.try_get(1)?);
        first = Some(first.map_or(at, |f| f.min(at)));
    }
    Ok(first)
}

/// Gives an item back with what it has read, due again at `next_at`; false when the lease was lost or the item is gone.
///
/// # Errors
/// What the database says.
pub async fn give_back(
    tx: &mut AnyConnection,
    owner: &str,
    item: Uuid,
    state: &str,
    next_at: i64,
) -> Result<bool, DbError> {
    let done =
        sqlx::query("UPDATE pm_due SET state = $1, next_at = $2, lease_until = 0 WHERE item = $3 AND lease_owner = $4")
            .bind(state.to_owned())
            .bind(next_at)
            .bind(item.to_string())
            .bind(owner.to_owned())
            .execute(tx)
            .await?;
    Ok(done.rows_affected() > 0)
}

/// Keeps the values of one collection period.
///
/// # Errors
/// What the database says.
pub async fn put_sample(tx: &mut AnyConnection, item: Uuid, at: i64, document: &str) -> Result<(), DbError> {
    sqlx::query(
        "INSERT INTO pm_sample (item, at, document) VALUES ($1, $2, $3) \
         ON CONFLICT (item, at) DO UPDATE SET document = excluded.document",
    )
    .bind(item.to_string())
    .bind(at)
    .bind(document.to_owned())
    .execute(tx)
    .await?;
    Ok(())
}

/// Takes the values kept of an item, in order of time.
///
/// # Errors
/// What the database says.
pub async fn take_samples(tx: &mut AnyConnection, item: Uuid) -> Result<Vec<(i64, String)>, DbError> {
    let rows = sqlx::query("SELECT at, document FROM pm_sample WHERE item = $1 ORDER BY at")
        .bind(item.to_string())
        .fetch_all(&mut *tx)
        .await?;
    sqlx::query("DELETE FROM pm_sample WHERE item = $1").bind(item.to_string()).execute(tx).await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
}

/// Stores a report.
///
/// # Errors
/// What the database says.
pub async fn put_report(tx: &mut AnyConnection, id: Uuid, job: Uuid, document: &str) -> Result<(), DbError> {
    sqlx::query("INSERT INTO pm_report (id, job, document) VALUES ($1, $2, $3)")
        .bind(id.to_string())
        .bind(job.to_string())
        .bind(document.to_owned())
        .execute(tx)
        .await?;
    Ok(())
}

/// Removes a report.
///
/// # Errors
/// What the database says.
pub async fn drop_report(tx: &mut AnyConnection, id: Uuid) -> Result<(), DbError> {
    sqlx::query("DELETE FROM pm_report WHERE id = $1").bind(id.to_string()).execute(tx).await?;
    Ok(())
}

/// A report of a job.
///
/// # Errors
/// What the database says.
pub async fn report(db: &Db, job: Uuid, id: Uuid) -> Result<Option<PerformanceReport>, DbError> {
    let text: Option<String> = sqlx::query_scalar("SELECT document FROM pm_report WHERE id = $1 AND job = $2")
        .bind(id.to_string())
        .bind(job.to_string())
        .fetch_optional(&db.pool)
        .await?;
    let read = |text: String| serde_json::from_str(&text).map_err(|e| sqlx::Error::Decode(e.into()));
    Ok(text.map(read).transpose()?)
}

/// What jobs and thresholds show where they have it.
fn optional(value: &mut Value, object: Option<impl ToString>, uri: Option<&str>, sub_objects: &[String]) {
    if let Some(object) = object {
        value["objectType"] = object.to_string().into();
    }
    if let Some(uri) = uri {
        value["callbackUri"] = uri.into();
    }
    if !sub_objects.is_empty() {
        value["subObjectInstanceIds"] = json!(sub_objects);
    }
}
