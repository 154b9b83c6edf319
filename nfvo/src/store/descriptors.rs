//! Onboarded descriptors by their own identifiers: what an operation plans with. A descriptor identifier is onboarded
//! once at a time, which the primary key sees to.

use std::collections::BTreeMap;

use db::sqlx::{self, Row as _};
use db::{AnyConnection, AnyRow, Db, DbError};
use descriptors::nsd::Nsd;
use descriptors::vnfd::Vnfd;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::{id, unreadable};
use crate::ops::resolve::{ImageFacts, PackageFacts};

/// What is onboarded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The VNFD of a VNF package.
    Vnfd,
    /// An NSD.
    Nsd,
}

impl Kind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Vnfd => "vnfd",
            Self::Nsd => "nsd",
        }
    }
}

/// A descriptor to onboard.
#[derive(Debug)]
pub struct NewDescriptor<'a> {
    pub kind: Kind,
    /// Its own identifier.
    pub descriptor_id: &'a str,
    /// The package, or the NSD info.
    pub owner: Uuid,
    /// The typed model as JSON.
    pub model: String,
    /// Facts about its software images.
    pub images: &'a BTreeMap<String, ImageFacts>,
}

/// Onboards a descriptor; false when its identifier is onboarded already.
pub async fn insert(tx: &mut AnyConnection, new: &NewDescriptor<'_>) -> Result<bool, DbError> {
    let images = serde_json::to_string(new.images).map_err(|e| unreadable("facts about images", &e))?;
    let done = sqlx::query(
        "INSERT INTO onboarded (kind, descriptor_id, owner_id, enabled, model, images) VALUES ($1, $2, $3, 1, $4, $5) \
         ON CONFLICT DO NOTHING",
    )
    .bind(new.kind.as_str())
    .bind(new.descriptor_id)
    .bind(new.owner.to_string())
    .bind(new.model.as_str())
    .bind(images)
    .execute(tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Who has onboarded a descriptor identifier.
pub async fn owner(tx: &mut AnyConnection, kind: Kind, descriptor_id: &str) -> Result<Option<Uuid>, DbError> {
    let row = sqlx::query("SELECT owner_id FROM onboarded WHERE kind = $1 AND descriptor_id = $2")
        .bind(kind.as_str())
        .bind(descriptor_id)
        .fetch_optional(tx)
        .await?;
    row.map(|row| id(&row.try_get::<String, _>(0)?)).transpose()
}

/// Enables or disables a descriptor.
pub async fn enable(tx: &mut AnyConnection, owner: Uuid, enabled: bool) -> Result<(), DbError> {
    sqlx::query("UPDATE onboarded SET enabled = $1 WHERE owner_id = $2")
        .bind(i64::from(enabled))
        .bind(owner.to_string())
        .execute(tx)
        .await?;
    Ok(())
}

/// Forgets a descriptor.
pub async fn delete(tx: &mut AnyConnection, owner: Uuid) -> Result<(), DbError> {
    sqlx::query("DELETE FROM onboarded WHERE owner_id = $1").bind(owner.to_string()).execute(tx).await?;
    Ok(())
}

/// Locks a descriptor for the rest of the transaction; false when it is not onboarded and enabled any more.
pub async fn hold(tx: &mut AnyConnection, owner: Uuid) -> Result<bool, DbError> {
    let done = sqlx::query("UPDATE onboarded SET enabled = enabled WHERE owner_id = $1 AND enabled = 1")
        .bind(owner.to_string())
        .execute(tx)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Locks a descriptor, enabled or not, for the rest of the transaction.
pub async fn lock(tx: &mut AnyConnection, owner: Uuid) -> Result<(), DbError> {
    sqlx::query("UPDATE onboarded SET enabled = enabled WHERE owner_id = $1")
        .bind(owner.to_string())
        .execute(tx)
        .await?;
    Ok(())
}

async fn row(db: &Db, kind: Kind, descriptor_id: &str) -> Result<Option<AnyRow>, DbError> {
    Ok(sqlx::query("SELECT owner_id, enabled, model, images FROM onboarded WHERE kind = $1 AND descriptor_id = $2")
        .bind(kind.as_str())
        .bind(descriptor_id)
        .fetch_optional(&db.pool)
        .await?)
}

fn model<T: DeserializeOwned>(row: &AnyRow) -> Result<T, DbError> {
    let text: String = row.try_get(2)?;
    serde_json::from_str(&text).map_err(|e| unreadable("a descriptor", &e))
}

/// An onboarded NSD: its NSD info, whether it is enabled, and the model.
pub async fn nsd(db: &Db, nsd_id: &str) -> Result<Option<(Uuid, bool, Nsd)>, DbError> {
    let Some(row) = row(db, Kind::Nsd, nsd_id).await? else { return Ok(None) };
    let (owner, enabled): (String, i64) = (row.try_get(0)?, row.try_get(1)?);
    Ok(Some((id(&owner)?, enabled != 0, model(&row)?)))
}

/// The package of an onboarded VNFD and whether it is enabled.
pub async fn package(db: &Db, vnfd_id: &str) -> Result<Option<(bool, PackageFacts)>, DbError> {
    let Some(row) = row(db, Kind::Vnfd, vnfd_id).await? else { return Ok(None) };
    let (owner, enabled, images): (String, i64, String) = (row.try_get(0)?, row.try_get(1)?, row.try_get(3)?);
    let vnfd: Vnfd = model(&row)?;
    let images = serde_json::from_str(&images).map_err(|e| unreadable("facts about images", &e))?;
    Ok(Some((enabled != 0, PackageFacts { package_id: id(&owner)?, vnfd, images })))
}

/// The enabled packages of these VNFDs, by VNFD identifier.
pub async fn packages<'a>(
    db: &Db,
    vnfd_ids: impl IntoIterator<Item = &'a str>,
) -> Result<BTreeMap<String, PackageFacts>, DbError> {
    let mut found = BTreeMap::new();
    for vnfd_id in vnfd_ids {
        if let Some((true, facts)) = package(db, vnfd_id).await? {
            found.insert(vnfd_id.to_owned(), facts);
        }
    }
    Ok(found)
}

/// The software images of every onboarded package but one: SHA-256 to a package that has it.
pub async fn image_holders(tx: &mut AnyConnection, but: Uuid) -> Result<BTreeMap<String, Uuid>, DbError> {
    let rows =
        sqlx::query("SELECT owner_id, images FROM onboarded WHERE kind = 'vnfd' AND owner_id <> $1 ORDER BY owner_id")
            .bind(but.to_string())
            .fetch_all(tx)
            .await?;
    let mut holders = BTreeMap::new();
    for row in &rows {
        let (owner, images): (String, String) = (row.try_get(0)?, row.try_get(1)?);
        let images: BTreeMap<String, ImageFacts> =
            serde_json::from_str(&images).map_err(|e| unreadable("facts about images", &e))?;
        for facts in images.into_values() {
            holders.entry(facts.sha256).or_insert(id(&owner)?);
        }
    }
    Ok(holders)
}

/// Everybody who has onboarded a descriptor.
pub async fn owners(tx: &mut AnyConnection) -> Result<Vec<Uuid>, DbError> {
    let rows = sqlx::query("SELECT owner_id FROM onboarded").fetch_all(tx).await?;
    rows.iter().map(|row| id(&row.try_get::<String, _>(0)?)).collect()
}
