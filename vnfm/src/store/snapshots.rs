//! VNF snapshots as stored documents; what each has in VIMs, even when taking it failed; which operation uses each; and what
//! VIMs keep from before returns to them.

use db::{AnyConnection, Db, DbError, Migration, sqlx};
use reference_points::or_vnfm::VnfSnapshotInfo;
use serde::{Deserialize, Serialize};
use service::query::Selection;
use service::store::{Collection, Document, Index, Noun};
use sqlx::Row;
use uuid::Uuid;

use super::uuid;
use crate::ops::revert::Former;
use crate::ops::snapshot::SnapshotPart;
use crate::vi::VimRef;

/// Migrations of component `vnfm_snapshots`.
pub const MIGRATIONS: &[Migration] = &[
    Migration { version: 1, name: "VNF snapshots", sql: service::collection_ddl!("vnf_snapshot_info") },
    Migration {
        version: 2,
        name: "what belongs to VNF snapshots",
        sql: &[
            "CREATE TABLE vnf_snapshot_part (info TEXT NOT NULL, id TEXT NOT NULL, document TEXT NOT NULL, PRIMARY KEY (info, id))",
            "CREATE TABLE vnf_snapshot_use (info TEXT PRIMARY KEY, operation TEXT NOT NULL)",
            "CREATE TABLE vnf_former (compute TEXT NOT NULL, revert TEXT NOT NULL, endpoint TEXT NOT NULL, vim TEXT NOT NULL, PRIMARY KEY (compute, revert))",
        ],
    },
];

/// VNF snapshots.
pub const SNAPSHOTS: Collection<SnapshotInfo> = Collection::new();

/// A stored VNF snapshot, without links.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SnapshotInfo(pub VnfSnapshotInfo);

impl Document for SnapshotInfo {
    const NOUN: &'static Noun = &Noun {
        table: "vnf_snapshot_info",
        what: "VNF snapshot",
        indexed: &[Index::text("id"), Index::text("vnfSnapshot/vnfInstanceId")],
        selection: Selection { selectable: &["vnfSnapshot"], default_excluded: &["vnfSnapshot"] },
        attributes: &["id", "vnfSnapshotPkgId", "vnfSnapshot"],
    };
}

/// What a VNF snapshot has in VIMs.
///
/// # Errors
/// What the database says.
pub async fn parts(tx: &mut AnyConnection, info: Uuid) -> Result<Vec<SnapshotPart>, DbError> {
    let rows = sqlx::query("SELECT document FROM vnf_snapshot_part WHERE info = $1 ORDER BY id")
        .bind(info.to_string())
        .fetch_all(tx)
        .await?;
    rows.iter()
        .map(|row| {
            let text: String = row.try_get("document")?;
            Ok(serde_json::from_str(&text).map_err(|e| sqlx::Error::Decode(e.into()))?)
        })
        .collect()
}

/// Replaces what a VNF snapshot has in VIMs.
///
/// # Errors
/// What the database says.
pub async fn put_parts(tx: &mut AnyConnection, info: Uuid, parts: &[SnapshotPart]) -> Result<(), DbError> {
    sqlx::query("DELETE FROM vnf_snapshot_part WHERE info = $1").bind(info.to_string()).execute(&mut *tx).await?;
    for part in parts {
        sqlx::query("INSERT INTO vnf_snapshot_part (info, id, document) VALUES ($1, $2, $3)")
            .bind(info.to_string())
            .bind(part.id.to_string())
            .bind(serde_json::to_string(part).map_err(|e| sqlx::Error::Encode(e.into()))?)
            .execute(&mut *tx)
            .await?;
    }
    Ok(())
}

/// The operation that uses a VNF snapshot; nil while it is being deleted.
///
/// # Errors
/// What the database says.
pub async fn user(tx: &mut AnyConnection, info: Uuid) -> Result<Option<Uuid>, DbError> {
    let row = sqlx::query("SELECT operation FROM vnf_snapshot_use WHERE info = $1")
        .bind(info.to_string())
        .fetch_optional(tx)
        .await?;
    row.as_ref().map(|row| uuid(row, "operation")).transpose()
}

/// Notes which operation uses a VNF snapshot, or that none does.
///
/// # Errors
/// What the database says.
pub async fn set_user(tx: &mut AnyConnection, info: Uuid, operation: Option<Uuid>) -> Result<(), DbError> {
    sqlx::query("DELETE FROM vnf_snapshot_use WHERE info = $1").bind(info.to_string()).execute(&mut *tx).await?;
    if let Some(operation) = operation {
        sqlx::query("INSERT INTO vnf_snapshot_use (info, operation) VALUES ($1, $2)")
            .bind(info.to_string())
            .bind(operation.to_string())
            .execute(tx)
            .await?;
    }
    Ok(())
}

/// Notes what VIMs keep from before returns.
///
/// # Errors
/// What the database says.
pub async fn add_formers(tx: &mut AnyConnection, formers: &[Former]) -> Result<(), DbError> {
    for former in formers {
        sqlx::query(
            "INSERT INTO vnf_former (compute, revert, endpoint, vim) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (compute, revert) DO NOTHING",
        )
        .bind(former.compute.to_string())
        .bind(former.revert.to_string())
        .bind(former.at.endpoint.clone())
        .bind(former.at.vim.to_string())
        .execute(&mut *tx)
        .await?;
    }
    Ok(())
}

/// What VIMs keep and nobody needs any more.
///
/// # Errors
/// What the database says.
pub async fn formers(db: &Db) -> Result<Vec<Former>, DbError> {
    let rows = sqlx::query("SELECT compute, revert, endpoint, vim FROM vnf_former ORDER BY compute, revert LIMIT 1000")
        .fetch_all(&db.pool)
        .await?;
    let former = |row: &db::AnyRow| {
        let at = VimRef { endpoint: row.try_get("endpoint")?, vim: uuid(row, "vim")? };
        Ok(Former { compute: uuid(row, "compute")?, revert: uuid(row, "revert")?, at })
    };
    rows.iter().map(former).collect()
}

/// Notes that a VIM let it go.
///
/// # Errors
/// What the database says.
pub async fn drop_former(db: &Db, former: &Former) -> Result<(), DbError> {
    sqlx::query("DELETE FROM vnf_former WHERE compute = $1 AND revert = $2")
        .bind(former.compute.to_string())
        .bind(former.revert.to_string())
        .execute(&db.pool)
        .await?;
    Ok(())
}
