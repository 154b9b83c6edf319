//! Requests about volumes: ensure, look, remove.

use std::os::unix::fs::MetadataExt;

use db::AnyConnection;
use reference_points::common::{Fault, ProblemDetails};
use reference_points::nf_vi::{Capacity, VolumeInfo, VolumeSpec};
use service::http::{ApiError, ApiResult};
use uuid::Uuid;

use super::images::{failure, media_error};
use super::machines::volume_uses;
use super::{Agent, capacity, check, difference};
use crate::media::{disks, layout, space};
use crate::reconcile::act::Failure;
use crate::store::images::ImageRow;
use crate::store::machines::MachineRow;
use crate::store::volumes::VolumeRow;
use crate::store::{self, Phase};

/// Free space needed to begin with an empty volume, in bytes.
const EMPTY_BYTES: u64 = 1 << 20;

impl Agent {
    /// Ensures a volume. True if it is new.
    ///
    /// # Errors
    /// 400 with every fault of the specification, 409 naming the members that differ, 422 naming the image or capacity
    /// that the host lacks, 507 when the disk is full. Nothing half-made stays.
    pub async fn put_volume(&self, id: Uuid, spec: VolumeSpec) -> ApiResult<(VolumeInfo, bool)> {
        let faults = check::volume(&spec);
        if !faults.is_empty() {
            return Err(ApiError::faults("the volume's specification", faults));
        }
        let (now, total) = (self.clock.now_micros(), self.total_capacity());
        // Two requests for one id must not write one file.
        let _turn = self.volume_turns.take(id).await;
        let (image, made) = db::transaction!(self.db, |tx| {
            let tx: &mut AnyConnection = tx;
            let old = store::volumes::get(&mut *tx, id).await?;
            if let Some(old) = &old {
                unchanged(old, &spec)?;
                if old.phase == Phase::Ready {
                    return Ok((None, false));
                }
            }
            let image = admit(&mut *tx, id, &spec, old.is_none(), &total).await?;
            store::volumes::insert(&mut *tx, id, &spec, now).await?;
            Ok::<_, ApiError>((image, true))
        })?;
        if made && let Err(error) = self.make_volume(id, &spec, image.as_ref()).await {
            // Nobody was told that it exists, so it does not.
            let undone = self.finish_volume_removal(id).await;
            if let Err(failure) = undone {
                tracing::error!(volume = %id, problem = %failure.problem, "a volume that could not be made could not be forgotten");
            }
            return Err(error);
        }
        Ok((self.volume(id).await?, made))
    }

    async fn make_volume(&self, id: Uuid, spec: &VolumeSpec, image: Option<&ImageRow>) -> ApiResult<()> {
        let target = self.layout.volume(id);
        let needed = image.map_or(EMPTY_BYTES, |image| image.info.size_bytes);
        let keep = self.config.capacity.keep_disk_bytes;
        space::ensure(&target, needed, keep, "make the volume").map_err(|e| media_error(&e))?;
        let made = match image {
            Some(image) => {
                disks::copy(&target, &self.layout.image(image.info.id), image.info.format, spec.size_bytes).await
            }
            None => disks::empty(&target, spec.size_bytes).await,
        };
        made.map_err(|e| media_error(&e))?;
        Ok(db::transaction!(self.db, |tx| {
            store::volumes::set_phase(tx, id, Phase::Ready).await?;
            Ok::<_, db::DbError>(())
        })?)
    }

    /// A volume.
    ///
    /// # Errors
    /// 404.
    pub async fn volume(&self, id: Uuid) -> ApiResult<VolumeInfo> {
        let mut tx = self.db.begin_read().await?;
        let row = store::volumes::get(&mut tx, id).await?;
        let row = row.ok_or_else(|| ApiError::not_found(format!("volume {id}")))?;
        Ok(self.show(row, &store::machines::list(&mut tx).await?))
    }

    /// All volumes.
    ///
    /// # Errors
    /// When the records cannot be read.
    pub async fn volumes(&self) -> ApiResult<Vec<VolumeInfo>> {
        let mut tx = self.db.begin_read().await?;
        let (rows, machines) = (store::volumes::list(&mut tx).await?, store::machines::list(&mut tx).await?);
        Ok(rows.into_iter().map(|row| self.show(row, &machines)).collect())
    }

    fn show(&self, row: VolumeRow, machines: &[MachineRow]) -> VolumeInfo {
        let user = machines.iter().find(|machine| volume_uses(&machine.spec).any(|(_, used)| used == row.id));
        let file = std::fs::metadata(self.layout.volume(row.id));
        VolumeInfo {
            id: row.id,
            spec: row.spec,
            attached_to: user.map(|machine| machine.id),
            // The unit of st_blocks is 512 bytes, whatever the file system.
            allocated_bytes: file.map_or(0, |file| file.blocks() * 512),
        }
    }

    /// Removes a volume; one that is gone is removed.
    ///
    /// # Errors
    /// 409 naming the machine that uses it.
    pub async fn delete_volume(&self, id: Uuid) -> ApiResult<()> {
        let _turn = self.volume_turns.take(id).await;
        let there = db::transaction!(self.db, |tx| {
            let tx: &mut AnyConnection = tx;
            if store::volumes::get(&mut *tx, id).await?.is_none() {
                return Ok(false);
            }
            let machines = store::machines::list(&mut *tx).await?;
            if let Some(user) = machines.iter().find(|m| volume_uses(&m.spec).any(|(_, used)| used == id)) {
                let problem = ProblemDetails::conflict(format!("volume {id} is used by machine {}", user.id));
                return Err(ApiError::new(problem.next("take it from that machine first")));
            }
            store::volumes::set_phase(&mut *tx, id, Phase::Deleting).await?;
            Ok::<_, ApiError>(true)
        })?;
        if there {
            self.finish_volume_removal(id).await.map_err(failure)?;
        }
        Ok(())
    }

    /// Removes the file of a volume that is going, and forgets it.
    ///
    /// # Errors
    /// What the system or the records refused.
    pub async fn finish_volume_removal(&self, id: Uuid) -> Result<(), Failure> {
        let path = self.layout.volume(id);
        layout::remove_file(&layout::part(&path))?;
        layout::remove_file(&path)?;
        // What returns to snapshots left beside it.
        layout::remove_beginning_with(&self.layout.volumes(), &format!("{id}."))?;
        Ok(db::transaction!(self.db, |tx| { Ok::<_, db::DbError>(store::volumes::remove(tx, id).await?) })?)
    }
}

fn unchanged(old: &VolumeRow, spec: &VolumeSpec) -> ApiResult<()> {
    if old.phase == Phase::Deleting {
        return Err(ApiError::conflict(format!("volume {} is being removed", old.id)));
    }
    let faults = difference::volume(&old.spec, spec);
    if faults.is_empty() {
        return Ok(());
    }
    let members: Vec<&str> = faults.iter().map(|fault| fault.location.as_str()).collect();
    let detail = format!("volume {} exists and differs in {}", old.id, members.join(", "));
    Err(ApiError::new(ProblemDetails { faults, ..ProblemDetails::conflict(detail) }))
}

/// Checks a volume against the host, within the transaction that notes it. Gives the image it starts from.
async fn admit(
    tx: &mut AnyConnection,
    id: Uuid,
    spec: &VolumeSpec,
    new: bool,
    total: &Capacity,
) -> ApiResult<Option<ImageRow>> {
    let (machines, volumes) = (store::machines::list(&mut *tx).await?, store::volumes::list(&mut *tx).await?);
    let images = store::images::list(&mut *tx).await?;
    let mut faults = Vec::new();
    let image = spec.image_id.and_then(|wanted| {
        let found = images.iter().find(|image| image.info.id == wanted && image.phase == Phase::Ready).cloned();
        match &found {
            None => faults
                .push(Fault::new("/imageId", format!("image {wanted} is not on this host")).mend("upload it first")),
            Some(image) if image.info.virtual_size_bytes > spec.size_bytes => faults.push(
                Fault::new("/sizeBytes", format!("the image needs {} bytes", image.info.virtual_size_bytes))
                    .mend("ask for at least that much"),
            ),
            Some(_) => {}
        }
        found
    });
    if new {
        let wanted = Capacity { disk_bytes: spec.size_bytes, ..Capacity::default() };
        faults.extend(capacity::shortage(total, &capacity::reserved(&machines, &volumes, &images), &wanted));
    }
    if faults.is_empty() {
        return Ok(image);
    }
    let first = faults.first().map(|fault| fault.message.clone()).unwrap_or_default();
    Err(ApiError::unprocessable(format!("volume {id} cannot be on this host: {first}"), faults))
}
