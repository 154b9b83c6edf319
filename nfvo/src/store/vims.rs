//! VIMs registered with the NFVO.

use db::sqlx::{self, Row as _};
use db::{AnyConnection, AnyRow, Db, DbError};
use reference_points::or_vi::VimKind;
use uuid::Uuid;

use super::{id, unreadable};

/// A VIM.
#[derive(Debug, Clone, PartialEq)]
pub struct VimRecord {
    pub id: Uuid,
    pub name: String,
    pub kind: VimKind,
    /// The last of its events that was handled.
    pub seen_event: i64,
    /// The infrastructure resource group that it told of last.
    pub resource_group: Option<String>,
}

const COLUMNS: &str = "id, name, kind, seen_event, resource_group";

fn read(row: &AnyRow) -> Result<VimRecord, DbError> {
    let (text, name, kind): (String, String, String) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
    let kind = serde_json::from_str(&kind).map_err(|e| unreadable("the kind of a VIM", &e))?;
    let (seen_event, resource_group) = (row.try_get(3)?, row.try_get(4)?);
    Ok(VimRecord { id: id(&text)?, name, kind, seen_event, resource_group })
}

/// Stores a VIM; false when the name is taken.
pub async fn insert(tx: &mut AnyConnection, vim: &VimRecord, now: i64) -> Result<bool, DbError> {
    let kind = serde_json::to_string(&vim.kind).map_err(|e| unreadable("the kind of a VIM", &e))?;
    let done =
        sqlx::query("INSERT INTO vim (id, name, kind, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING")
            .bind(vim.id.to_string())
            .bind(vim.name.as_str())
            .bind(kind)
            .bind(now)
            .execute(tx)
            .await?;
    Ok(done.rows_affected() == 1)
}

/// Changes a VIM's name and how it is reached.
pub async fn update(tx: &mut AnyConnection, vim: &VimRecord) -> Result<(), DbError> {
    let kind = serde_json::to_string(&vim.kind).map_err(|e| unreadable("the kind of a VIM", &e))?;
    sqlx::query("UPDATE vim SET name = $2, kind = $3 WHERE id = $1")
        .bind(vim.id.to_string())
        .bind(vim.name.as_str())
        .bind(kind)
        .execute(tx)
        .await?;
    Ok(())
}

/// All VIMs, oldest first.
pub async fn all(db: &Db) -> Result<Vec<VimRecord>, DbError> {
    let sql = format!("SELECT {COLUMNS} FROM vim ORDER BY created_at, id");
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).fetch_all(&db.pool).await?;
    rows.iter().map(read).collect()
}

/// One VIM.
pub async fn get(db: &Db, vim: Uuid) -> Result<Option<VimRecord>, DbError> {
    get_in(&mut *db.pool.acquire().await?, vim).await
}

/// One VIM, in a transaction.
pub async fn get_in(tx: &mut AnyConnection, vim: Uuid) -> Result<Option<VimRecord>, DbError> {
    let sql = format!("SELECT {COLUMNS} FROM vim WHERE id = $1");
    let row = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(vim.to_string()).fetch_optional(tx).await?;
    row.as_ref().map(read).transpose()
}

/// Notes that a VIM's events were heard up to this one, and the resource group it told of; false when that was noted before.
pub async fn heard(tx: &mut AnyConnection, vim: Uuid, seq: i64, group: Option<&str>) -> Result<bool, DbError> {
    let done = sqlx::query(
        "UPDATE vim SET seen_event = $2, resource_group = COALESCE($3, resource_group) WHERE id = $1 AND seen_event < $2",
    )
    .bind(vim.to_string())
    .bind(seq)
    .bind(group.map(str::to_owned))
    .execute(tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Notes that a VIM's events up to this one are lost, or that it counts anew from here; true when events were heard before and
/// that was not noted yet.
pub async fn missed(tx: &mut AnyConnection, vim: Uuid, seq: i64) -> Result<bool, DbError> {
    let before = get_in(tx, vim).await?.map(|vim| vim.seen_event);
    sqlx::query("UPDATE vim SET seen_event = $2 WHERE id = $1").bind(vim.to_string()).bind(seq).execute(tx).await?;
    Ok(before.is_some_and(|before| before > 0 && before != seq))
}

/// Forgets a VIM.
pub async fn delete(tx: &mut AnyConnection, vim: Uuid) -> Result<(), DbError> {
    sqlx::query("DELETE FROM vim WHERE id = $1").bind(vim.to_string()).execute(tx).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use db::testing::TestDb;

    use super::*;
    use crate::store::{COMPONENT, MIGRATIONS};

    #[tokio::test]
    async fn an_event_is_heard_once_and_what_was_missed_is_told_once() {
        for test in TestDb::all().await {
            let db: &Db = &test;
            db.migrate(COMPONENT, MIGRATIONS).await.unwrap();
            let id = Uuid::from_u128(1);
            let kind = VimKind::Sim { sim: reference_points::or_vi::SimSpec::default() };
            let vim = VimRecord { id, name: "one".into(), kind, seen_event: 0, resource_group: None };
            db::transaction!(db, |tx| { insert(tx, &vim, 1).await }).unwrap();
            let heard = async |seq: i64, group: Option<&str>| {
                db::transaction!(db, |tx| { heard(tx, id, seq, group).await }).unwrap()
            };
            let missed = async |seq: i64| db::transaction!(db, |tx| { missed(tx, id, seq).await }).unwrap();
            assert!(!missed(3).await, "nothing was heard before");
            assert!(heard(4, Some("telco")).await && !heard(4, Some("telco")).await && !heard(3, None).await);
            assert!(heard(9, None).await);
            let known = get(db, id).await.unwrap().unwrap();
            assert_eq!((known.seen_event, known.resource_group.as_deref()), (9, Some("telco")));
            // The VIM's adapter lost its state and counts anew.
            assert!(missed(2).await && !missed(2).await);
            assert!(heard(3, None).await);
            assert_eq!(all(db).await.unwrap()[0].seen_event, 3);
        }
    }
}
