//! Software images.

use reference_points::common::ProblemDetails;
use reference_points::or_vi::{ResourceState, SoftwareImage, SoftwareImageSpec};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};
use uuid::Uuid;

use super::{Columns, optional, text, word};
use crate::image_files::Content;

/// An image as remembered.
#[derive(Debug, Clone)]
pub struct ImageRow {
    /// As the consumer sees it.
    pub image: SoftwareImage,
    /// Size of the content in bytes, once it is complete.
    pub size_bytes: Option<u64>,
    /// Size that a guest sees, in bytes, once it is known.
    pub virtual_size_bytes: Option<u64>,
}

fn image(row: &AnyRow) -> sqlx::Result<ImageRow> {
    let amount = |column: &str| -> sqlx::Result<Option<u64>> {
        Ok(row.try_get::<Option<i64>, _>(column)?.and_then(|n| u64::try_from(n).ok()))
    };
    Ok(ImageRow {
        image: SoftwareImage {
            id: row.id("id")?,
            spec: row.doc("spec")?,
            vim_resource_id: row.try_get("vim_resource_id")?,
            sha512: row.try_get("sha512")?,
            state: row.word("state")?,
            problem: row.problem()?,
        },
        size_bytes: amount("size_bytes")?,
        virtual_size_bytes: amount("virtual_size_bytes")?,
    })
}

/// Adds an image without content.
pub async fn insert(tx: &mut AnyConnection, vim: Uuid, image: &SoftwareImage) -> sqlx::Result<()> {
    sqlx::query("INSERT INTO image (vim_id, id, spec, state, name) VALUES ($1, $2, $3, $4, $5)")
        .bind(vim.to_string())
        .bind(image.id.to_string())
        .bind(text(&image.spec))
        .bind(word(&image.state))
        .bind(image.spec.name.as_str())
        .execute(tx)
        .await
        .map(drop)
}

/// An image.
pub async fn get(tx: &mut AnyConnection, vim: Uuid, id: Uuid) -> sqlx::Result<Option<ImageRow>> {
    let row = sqlx::query("SELECT * FROM image WHERE vim_id = $1 AND id = $2")
        .bind(vim.to_string())
        .bind(id.to_string())
        .fetch_optional(tx)
        .await?;
    row.as_ref().map(image).transpose()
}

/// All images of a VIM, by id.
pub async fn list(tx: &mut AnyConnection, vim: Uuid) -> sqlx::Result<Vec<ImageRow>> {
    let rows =
        sqlx::query("SELECT * FROM image WHERE vim_id = $1 ORDER BY id").bind(vim.to_string()).fetch_all(tx).await?;
    rows.iter().map(image).collect()
}

/// The images of a VIM with a name, by id.
pub async fn named(tx: &mut AnyConnection, vim: Uuid, name: &str) -> sqlx::Result<Vec<ImageRow>> {
    let rows = sqlx::query("SELECT * FROM image WHERE vim_id = $1 AND name = $2 ORDER BY id")
        .bind(vim.to_string())
        .bind(name)
        .fetch_all(tx)
        .await?;
    rows.iter().map(image).collect()
}

/// Most images on each side of a name.
const NEIGHBOURS: i64 = 20;

/// The images of a VIM whose names stand next to `name` in the order of names.
pub async fn near(tx: &mut AnyConnection, vim: Uuid, name: &str) -> sqlx::Result<Vec<ImageRow>> {
    let sides = [
        "SELECT * FROM image WHERE vim_id = $1 AND name < $2 ORDER BY name DESC LIMIT $3",
        "SELECT * FROM image WHERE vim_id = $1 AND name >= $2 ORDER BY name LIMIT $3",
    ];
    let mut found = Vec::new();
    for side in sides {
        let rows = sqlx::query(side).bind(vim.to_string()).bind(name).bind(NEIGHBOURS).fetch_all(&mut *tx).await?;
        found.extend(rows.iter().map(image).collect::<sqlx::Result<Vec<_>>>()?);
    }
    Ok(found)
}

/// Fills in the names of images that are older than that column.
pub async fn fill_names(tx: &mut AnyConnection) -> sqlx::Result<()> {
    let rows = sqlx::query("SELECT * FROM image WHERE name IS NULL").fetch_all(&mut *tx).await?;
    for row in &rows {
        let spec: SoftwareImageSpec = row.doc("spec")?;
        sqlx::query("UPDATE image SET name = $3 WHERE vim_id = $1 AND id = $2")
            .bind(row.try_get::<String, _>("vim_id")?)
            .bind(row.try_get::<String, _>("id")?)
            .bind(spec.name)
            .execute(&mut *tx)
            .await?;
    }
    Ok(())
}

/// Sets the state and what is wrong; false when there is no such image.
pub async fn set_state(
    tx: &mut AnyConnection,
    vim: Uuid,
    id: Uuid,
    state: ResourceState,
    problem: Option<&ProblemDetails>,
) -> sqlx::Result<bool> {
    let done = sqlx::query("UPDATE image SET state = $3, problem = $4 WHERE vim_id = $1 AND id = $2")
        .bind(vim.to_string())
        .bind(id.to_string())
        .bind(word(&state))
        .bind(optional(problem))
        .execute(tx)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Keeps what a complete content was found to be.
pub async fn set_content(tx: &mut AnyConnection, vim: Uuid, id: Uuid, content: &Content) -> sqlx::Result<()> {
    sqlx::query("UPDATE image SET size_bytes = $3, virtual_size_bytes = $4, sha512 = $5 WHERE vim_id = $1 AND id = $2")
        .bind(vim.to_string())
        .bind(id.to_string())
        .bind(i64::try_from(content.size).unwrap_or(i64::MAX))
        .bind(i64::try_from(content.virtual_size).unwrap_or(i64::MAX))
        .bind(content.sha512.as_str())
        .execute(tx)
        .await
        .map(drop)
}

/// Keeps the VIM's own identifier.
pub async fn set_vim_id(tx: &mut AnyConnection, vim: Uuid, id: Uuid, its: Option<&str>) -> sqlx::Result<()> {
    sqlx::query("UPDATE image SET vim_resource_id = $3 WHERE vim_id = $1 AND id = $2")
        .bind(vim.to_string())
        .bind(id.to_string())
        .bind(its.map(str::to_owned))
        .execute(tx)
        .await
        .map(drop)
}

/// Computes whose root disk is made from an image, as `compute id (name)`, at most twenty.
pub async fn users(tx: &mut AnyConnection, vim: Uuid, id: Uuid) -> sqlx::Result<Vec<String>> {
    let rows = sqlx::query("SELECT id, spec FROM compute WHERE vim_id = $1 AND image_id = $2 ORDER BY id LIMIT 20")
        .bind(vim.to_string())
        .bind(id.to_string())
        .fetch_all(tx)
        .await?;
    rows.iter()
        .map(|row| {
            let spec: reference_points::or_vi::ComputeSpec = row.doc("spec")?;
            Ok(format!("compute {} ({})", row.id("id")?, spec.name))
        })
        .collect()
}

/// Removes an image.
pub async fn delete(tx: &mut AnyConnection, vim: Uuid, id: Uuid) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM image WHERE vim_id = $1 AND id = $2")
        .bind(vim.to_string())
        .bind(id.to_string())
        .execute(tx)
        .await
        .map(drop)
}
