//! Which VNF instance is which part of which NS, and what was told of its failures.

use std::collections::BTreeMap;

use async_trait::async_trait;
use db::sqlx::{self, Row as _};
use db::{AnyRow, Db, DbError};
use uuid::Uuid;

use super::{id, images};
use crate::effects::{Ledger, LedgerError, VnfRecord};
use crate::ops::pursue::Told;

const COLUMNS: &str = "vnf_instance_id, ns_id, part, vim_id, package_id";

fn read(row: &AnyRow) -> Result<VnfRecord, DbError> {
    let text = |i: usize| -> Result<String, DbError> { Ok(row.try_get(i)?) };
    Ok(VnfRecord {
        vnf_instance_id: id(&text(0)?)?,
        ns_id: id(&text(1)?)?,
        part: text(2)?,
        vim: id(&text(3)?)?,
        package_id: id(&text(4)?)?,
    })
}

async fn select(db: &Db, column: &str, value: Uuid) -> Result<Vec<VnfRecord>, DbError> {
    // The column is one of this file's own words.
    let sql = format!("SELECT {COLUMNS} FROM ns_vnf WHERE {column} = $1 ORDER BY ns_id, part");
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(value.to_string()).fetch_all(&db.pool).await?;
    rows.iter().map(read).collect()
}

/// The VNF instances of an NS, by part.
pub async fn of_ns(db: &Db, ns: Uuid) -> Result<BTreeMap<String, Uuid>, DbError> {
    Ok(select(db, "ns_id", ns).await?.into_iter().map(|v| (v.part, v.vnf_instance_id)).collect())
}

/// The VNF instances built from a package.
pub async fn of_package(db: &Db, package: Uuid) -> Result<Vec<VnfRecord>, DbError> {
    select(db, "package_id", package).await
}

/// One VNF instance, when it is part of an NS.
pub async fn get(db: &Db, vnf: Uuid) -> Result<Option<VnfRecord>, DbError> {
    Ok(select(db, "vnf_instance_id", vnf).await?.pop())
}

/// The records in the database.
#[derive(Debug, Clone)]
pub struct Records(pub Db);

#[async_trait]
impl Ledger for Records {
    async fn vnf_created(&self, vnf: VnfRecord) -> Result<(), LedgerError> {
        db::transaction!(self.0, |tx| {
            sqlx::query(
                "INSERT INTO ns_vnf (vnf_instance_id, ns_id, part, vim_id, package_id) VALUES ($1, $2, $3, $4, $5) \
                 ON CONFLICT DO NOTHING",
            )
            .bind(vnf.vnf_instance_id.to_string())
            .bind(vnf.ns_id.to_string())
            .bind(vnf.part.as_str())
            .bind(vnf.vim.to_string())
            .bind(vnf.package_id.to_string())
            .execute(&mut *tx)
            .await?;
            Ok::<_, DbError>(())
        })?;
        Ok(())
    }

    async fn vnf_deleted(&self, vnf_instance_id: Uuid) -> Result<(), LedgerError> {
        db::transaction!(self.0, |tx| {
            let delete = sqlx::query("DELETE FROM ns_vnf WHERE vnf_instance_id = $1");
            delete.bind(vnf_instance_id.to_string()).execute(&mut *tx).await?;
            Ok::<_, DbError>(())
        })?;
        Ok(())
    }

    async fn told(&self, vnf_instance_id: Uuid) -> Result<Option<Told>, LedgerError> {
        let row = sqlx::query("SELECT told_operation, told_at FROM ns_vnf WHERE vnf_instance_id = $1")
            .bind(vnf_instance_id.to_string())
            .fetch_optional(&self.0.pool)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let (operation, at): (Option<String>, Option<i64>) = (row.try_get(0)?, row.try_get(1)?);
        match (operation, at) {
            (Some(operation), Some(at)) => Ok(Some(Told { operation: id(&operation)?, at })),
            _ => Ok(None),
        }
    }

    async fn tell(&self, vnf_instance_id: Uuid, told: Told) -> Result<(), LedgerError> {
        db::transaction!(self.0, |tx| {
            sqlx::query("UPDATE ns_vnf SET told_operation = $1, told_at = $2 WHERE vnf_instance_id = $3")
                .bind(told.operation.to_string())
                .bind(told.at)
                .bind(vnf_instance_id.to_string())
                .execute(&mut *tx)
                .await?;
            Ok::<_, DbError>(())
        })?;
        Ok(())
    }

    async fn image_wanted(&self, vim: Uuid, image: Uuid, sha256: &str, package: Uuid) -> Result<(), LedgerError> {
        images::wanted(&self.0, vim, image, sha256, package).await?;
        Ok(())
    }
}
