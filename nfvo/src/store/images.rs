//! Which software image was brought to which VIM, and for which package: written before the image is made there, so that
//! deleting the package knows where to look.

use db::sqlx::{self, Row as _};
use db::{AnyConnection, Db, DbError};
use uuid::Uuid;

use super::id;

/// An image in a VIM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VimImage {
    pub vim: Uuid,
    pub image: Uuid,
    pub package: Uuid,
}

/// An image is about to be brought to a VIM. The first package to bring a content owns it there.
pub async fn wanted(db: &Db, vim: Uuid, image: Uuid, sha256: &str, package: Uuid) -> Result<(), DbError> {
    db::transaction!(db, |tx| {
        sqlx::query(
            "INSERT INTO vim_image (vim_id, image_id, sha256, package_id) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        )
        .bind(vim.to_string())
        .bind(image.to_string())
        .bind(sha256)
        .bind(package.to_string())
        .execute(&mut *tx)
        .await?;
        Ok::<_, DbError>(())
    })
}

/// The images that a package brought to VIMs.
pub async fn of_package(db: &Db, package: Uuid) -> Result<Vec<VimImage>, DbError> {
    let rows = sqlx::query("SELECT vim_id, image_id FROM vim_image WHERE package_id = $1 ORDER BY vim_id, image_id")
        .bind(package.to_string())
        .fetch_all(&db.pool)
        .await?;
    rows.iter()
        .map(|row| {
            let (vim, image): (String, String) = (row.try_get(0)?, row.try_get(1)?);
            Ok(VimImage { vim: id(&vim)?, image: id(&image)?, package })
        })
        .collect()
}

/// The image is gone from the VIM.
pub async fn gone(tx: &mut AnyConnection, vim: Uuid, image: Uuid) -> Result<(), DbError> {
    sqlx::query("DELETE FROM vim_image WHERE vim_id = $1 AND image_id = $2")
        .bind(vim.to_string())
        .bind(image.to_string())
        .execute(tx)
        .await?;
    Ok(())
}

/// Another package owns the image from now on.
pub async fn hand_over(tx: &mut AnyConnection, image: &VimImage, package: Uuid) -> Result<(), DbError> {
    sqlx::query("UPDATE vim_image SET package_id = $1 WHERE vim_id = $2 AND image_id = $3")
        .bind(package.to_string())
        .bind(image.vim.to_string())
        .bind(image.image.to_string())
        .execute(tx)
        .await?;
    Ok(())
}
