//! Volumes of this host.

use db::sqlx::{self, Row};
use db::{AnyConnection, AnyRow};
use reference_points::nf_vi::VolumeSpec;
use uuid::Uuid;

use super::{Phase, Result, json, text, uuid};

/// A volume as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VolumeRow {
    /// Its id.
    pub id: Uuid,
    /// What was asked for.
    pub spec: VolumeSpec,
    /// Where it stands.
    pub phase: Phase,
}

fn read(row: &AnyRow) -> Result<VolumeRow> {
    let get = |column: &str| row.try_get::<String, _>(column);
    Ok(VolumeRow { id: uuid(row, "id")?, spec: json("spec", &get("spec")?)?, phase: Phase::read(&get("phase")?)? })
}

/// One volume.
///
/// # Errors
/// What the database said.
pub async fn get(tx: &mut AnyConnection, id: Uuid) -> Result<Option<VolumeRow>> {
    let row = sqlx::query("SELECT * FROM volume WHERE id = $1").bind(id.to_string()).fetch_optional(&mut *tx).await?;
    row.as_ref().map(read).transpose()
}

/// All volumes, in the order they were made.
///
/// # Errors
/// What the database said.
pub async fn list(tx: &mut AnyConnection) -> Result<Vec<VolumeRow>> {
    sqlx::query("SELECT * FROM volume ORDER BY created_at, id").fetch_all(&mut *tx).await?.iter().map(read).collect()
}

/// Notes a volume whose file is yet to be made. One that is noted already stays as it is.
///
/// # Errors
/// What the database said.
pub async fn insert(tx: &mut AnyConnection, id: Uuid, spec: &VolumeSpec, at: i64) -> Result<()> {
    sqlx::query("INSERT INTO volume (id, phase, spec, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT (id) DO NOTHING")
        .bind(id.to_string())
        .bind(Phase::Making.as_str())
        .bind(text(spec)?)
        .bind(at)
        .execute(&mut *tx)
        .await?;
    Ok(())
}

/// Notes where a volume stands.
///
/// # Errors
/// What the database said.
pub async fn set_phase(tx: &mut AnyConnection, id: Uuid, phase: Phase) -> Result<()> {
    let update = sqlx::query("UPDATE volume SET phase = $2 WHERE id = $1");
    update.bind(id.to_string()).bind(phase.as_str()).execute(&mut *tx).await?;
    Ok(())
}

/// Forgets a volume.
///
/// # Errors
/// What the database said.
pub async fn remove(tx: &mut AnyConnection, id: Uuid) -> Result<()> {
    sqlx::query("DELETE FROM volume WHERE id = $1").bind(id.to_string()).execute(&mut *tx).await?;
    Ok(())
}
