//! Grants given, by operation occurrence of the VNFM: the same request gets the same answer.

use db::sqlx::{self, Row as _};
use db::{AnyConnection, AnyRow, Db, DbError};
use reference_points::common::ProblemDetails;
use reference_points::or_vnfm::Grant;
use uuid::Uuid;

use super::{id, unreadable};

/// A grant, given or on its way.
#[derive(Debug, Clone, PartialEq)]
pub struct GrantRecord {
    /// Identifier of the grant.
    pub id: Uuid,
    /// The operation of this NFVO that has to end before the grant is given, when there is one.
    pub operation: Option<Uuid>,
    /// The grant.
    pub grant: Grant,
    /// Why it is refused after all.
    pub problem: Option<ProblemDetails>,
}

const COLUMNS: &str = "id, operation_id, document, problem";

fn read(row: &AnyRow) -> Result<GrantRecord, DbError> {
    let (text, operation): (String, Option<String>) = (row.try_get(0)?, row.try_get(1)?);
    let (document, problem): (String, Option<String>) = (row.try_get(2)?, row.try_get(3)?);
    Ok(GrantRecord {
        id: id(&text)?,
        operation: operation.as_deref().map(id).transpose()?,
        grant: serde_json::from_str(&document).map_err(|e| unreadable("a grant", &e))?,
        problem: problem.map(|p| serde_json::from_str(&p)).transpose().map_err(|e| unreadable("a problem", &e))?,
    })
}

/// Stores a grant; false when the operation occurrence has one.
pub async fn insert(tx: &mut AnyConnection, record: &GrantRecord, now: i64) -> Result<bool, DbError> {
    let document = serde_json::to_string(&record.grant).map_err(|e| unreadable("a grant", &e))?;
    let done = sqlx::query(
        "INSERT INTO grant_record (id, vnf_lcm_op_occ_id, operation_id, document, created_at) \
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
    )
    .bind(record.id.to_string())
    .bind(record.grant.vnf_lcm_op_occ_id.to_string())
    .bind(record.operation.map(|o| o.to_string()))
    .bind(document)
    .bind(now)
    .execute(tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The grant for an operation occurrence of the VNFM.
pub async fn of_operation(db: &Db, op_occ: Uuid) -> Result<Option<GrantRecord>, DbError> {
    let sql = format!("SELECT {COLUMNS} FROM grant_record WHERE vnf_lcm_op_occ_id = $1");
    let row = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(op_occ.to_string()).fetch_optional(&db.pool).await?;
    row.as_ref().map(read).transpose()
}

/// A grant.
pub async fn get(db: &Db, grant: Uuid) -> Result<Option<GrantRecord>, DbError> {
    let sql = format!("SELECT {COLUMNS} FROM grant_record WHERE id = $1");
    let row = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(grant.to_string()).fetch_optional(&db.pool).await?;
    row.as_ref().map(read).transpose()
}

/// What a grant waited for is over: well, or with a problem.
pub async fn settle(tx: &mut AnyConnection, operation: Uuid, problem: Option<&ProblemDetails>) -> Result<(), DbError> {
    let text = problem.map(serde_json::to_string).transpose().map_err(|e| unreadable("a problem", &e))?;
    sqlx::query("UPDATE grant_record SET operation_id = NULL, problem = $1 WHERE operation_id = $2")
        .bind(text)
        .bind(operation.to_string())
        .execute(tx)
        .await?;
    Ok(())
}

/// Forgets a grant.
pub async fn delete(tx: &mut AnyConnection, grant: Uuid) -> Result<(), DbError> {
    sqlx::query("DELETE FROM grant_record WHERE id = $1").bind(grant.to_string()).execute(tx).await?;
    Ok(())
}
