//! Images of this host.

use db::sqlx::{self, Row};
use db::{AnyConnection, AnyRow};
use reference_points::nf_vi::ImageInfo;
use uuid::Uuid;

use super::{Phase, Result, bytes, json, number, text, uuid};

/// An image as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageRow {
    /// What the interface shows.
    pub info: ImageInfo,
    /// Where it stands.
    pub phase: Phase,
}

fn read(row: &AnyRow) -> Result<ImageRow> {
    let get = |column: &str| row.try_get::<String, _>(column);
    Ok(ImageRow {
        info: ImageInfo {
            id: uuid(row, "id")?,
            format: json("format", &get("format")?)?,
            size_bytes: bytes(row, "size_bytes")?,
            virtual_size_bytes: bytes(row, "virtual_bytes")?,
            sha256: get("sha256")?,
            owner: json("owner", &get("owner")?)?,
        },
        phase: Phase::read(&get("phase")?)?,
    })
}

/// One image.
///
/// # Errors
/// What the database said.
pub async fn get(tx: &mut AnyConnection, id: Uuid) -> Result<Option<ImageRow>> {
    let row = sqlx::query("SELECT * FROM image WHERE id = $1").bind(id.to_string()).fetch_optional(&mut *tx).await?;
    row.as_ref().map(read).transpose()
}

/// All images, in the order they came.
///
/// # Errors
/// What the database said.
pub async fn list(tx: &mut AnyConnection) -> Result<Vec<ImageRow>> {
    sqlx::query("SELECT * FROM image ORDER BY created_at, id").fetch_all(&mut *tx).await?.iter().map(read).collect()
}

/// Adds an image that is whole. False if another request was quicker.
///
/// # Errors
/// What the database said.
pub async fn insert(tx: &mut AnyConnection, info: &ImageInfo, at: i64) -> Result<bool> {
    let done = sqlx::query(
        "INSERT INTO image (id, phase, format, size_bytes, virtual_bytes, sha256, owner, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO NOTHING",
    )
    .bind(info.id.to_string())
    .bind(Phase::Ready.as_str())
    .bind(text(&info.format)?)
    .bind(number(info.size_bytes))
    .bind(number(info.virtual_size_bytes))
    .bind(info.sha256.clone())
    .bind(text(&info.owner)?)
    .bind(at)
    .execute(&mut *tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Marks an image as going.
///
/// # Errors
/// What the database said.
pub async fn mark_deleting(tx: &mut AnyConnection, id: Uuid) -> Result<()> {
    let update = sqlx::query("UPDATE image SET phase = $2 WHERE id = $1");
    update.bind(id.to_string()).bind(Phase::Deleting.as_str()).execute(&mut *tx).await?;
    Ok(())
}

/// Forgets an image.
///
/// # Errors
/// What the database said.
pub async fn remove(tx: &mut AnyConnection, id: Uuid) -> Result<()> {
    sqlx::query("DELETE FROM image WHERE id = $1").bind(id.to_string()).execute(&mut *tx).await?;
    Ok(())
}
