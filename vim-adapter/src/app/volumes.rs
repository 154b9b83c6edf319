//! Volumes (IFA005 clause 7.5).

use reference_points::common::Fault;
use reference_points::or_vi::{ResourceState, ViEvent, Volume, VolumeSpec};
use uuid::Uuid;

use super::computes::usable_image;
use super::{App, being_deleted, in_use, name_faults};
use crate::diff::same;
use crate::error::{Failure, Result, is_refusal, no_faults};
use crate::ledger::Report;
use crate::store::{events, images, vims, volumes};
use crate::vim::{Gone, Made};

/// Largest volume accepted, in bytes.
const MAX_BYTES: u64 = 1 << 50;

fn faults_of(spec: &VolumeSpec) -> Vec<Fault> {
    let mut faults = name_faults(&spec.name);
    if !(512..=MAX_BYTES).contains(&spec.size_bytes) || !spec.size_bytes.is_multiple_of(512) {
        faults.push(Fault::new(
            "/sizeBytes",
            format!("{} is no multiple of 512 from 512 to {MAX_BYTES}", spec.size_bytes),
        ));
    }
    faults
}

impl App {
    /// Ensures a volume.
    ///
    /// # Errors
    /// 409, 422, or what the VIM says.
    pub async fn put_volume(&self, vim: Uuid, id: Uuid, spec: VolumeSpec) -> Result<Volume> {
        no_faults("the volume", faults_of(&spec))?;
        let driver = self.driver(vim).await?;
        // A volume of the only host can be made at once; among several, the first compute that uses it decides.
        let host = if driver.profile().local_volumes {
            match driver.candidates().await?.as_slice() {
                [only] if spec.zone.as_ref().is_none_or(|zone| *zone == only.zone) => Some(only.name.clone()),
                _ => None,
            }
        } else {
            None
        };
        let what = format!("volume {id}");
        let own_image = match spec.image_id {
            Some(image) => self.own_image(vim, image).await?,
            None => None,
        };
        let (volume, fresh) = db::transaction!(self.store.db, |tx| {
            vims::lock(tx, vim).await?;
            if let Some(found) = volumes::get(tx, vim, id).await? {
                if found.state == ResourceState::Deleting {
                    return Err(being_deleted(&what));
                }
                same(&what, &found.spec, &spec)?;
                return Ok((found, false));
            }
            if let Some(image) = spec.image_id {
                let smallest = match own_image {
                    Some(smallest) => Some(smallest),
                    None => usable_image(images::get(tx, vim, image).await?, image, "/imageId")?.virtual_size_bytes,
                };
                if let Some(smallest) = smallest.filter(|smallest| *smallest > spec.size_bytes) {
                    let why = format!("the image needs {smallest} bytes");
                    no_faults("the volume", vec![Fault::new("/sizeBytes", why)])?;
                }
            }
            let volume = Volume {
                id,
                spec: spec.clone(),
                vim_resource_id: None,
                host: host.clone(),
                compute_id: None,
                state: ResourceState::Building,
                problem: None,
            };
            volumes::insert(tx, vim, &volume).await?;
            Ok::<_, Failure>((volume, true))
        })?;
        if volume.state == ResourceState::Active {
            return Ok(volume);
        }
        match driver.ensure_volume(&volume).await {
            Ok(made) => {
                if let Some(its) = &made.its().id {
                    db::transaction!(self.store.db, |tx| {
                        vims::lock(tx, vim).await?;
                        Ok::<_, Failure>(volumes::set_vim_id(tx, vim, id, Some(its)).await?)
                    })?;
                }
                if matches!(made, Made::Now(_)) {
                    self.ledger(vim).record(&[Report::Volume(id, ResourceState::Active, None)]).await?;
                }
            }
            Err(failure) if fresh && is_refusal(&failure) => {
                db::transaction!(self.store.db, |tx| {
                    vims::lock(tx, vim).await?;
                    Ok::<_, Failure>(volumes::delete(tx, vim, id).await?)
                })?;
                return Err(failure);
            }
            Err(Failure::Cut) => return Err(Failure::Cut),
            Err(failure) => {
                let state = if is_refusal(&failure) { ResourceState::Error } else { ResourceState::Building };
                self.ledger(vim).record(&[Report::Volume(id, state, Some(failure.to_problem()))]).await?;
                return Err(failure);
            }
        }
        self.volume(vim, id).await
    }

    /// A volume.
    ///
    /// # Errors
    /// 404.
    pub async fn volume(&self, vim: Uuid, id: Uuid) -> Result<Volume> {
        self.driver(vim).await?;
        let found = volumes::get(&mut *self.store.db.pool.acquire().await?, vim, id).await?;
        found.ok_or_else(|| Failure::not_found(format!("volume {id}")))
    }

    /// All volumes of a VIM.
    ///
    /// # Errors
    /// 404 for the VIM.
    pub async fn volumes(&self, vim: Uuid) -> Result<Vec<Volume>> {
        self.driver(vim).await?;
        Ok(volumes::list(&mut *self.store.db.pool.acquire().await?, vim).await?)
    }

    /// Removes a volume.
    ///
    /// # Errors
    /// 409 while a compute uses it, or what the VIM says.
    pub async fn delete_volume(&self, vim: Uuid, id: Uuid) -> Result<Gone> {
        let driver = self.driver(vim).await?;
        let found = db::transaction!(self.store.db, |tx| {
            vims::lock(tx, vim).await?;
            let Some(mut volume) = volumes::get(tx, vim, id).await? else { return Ok(None) };
            if let Some(compute) = volume.compute_id {
                return Err(in_use(&format!("volume {id} ({})", volume.spec.name), &[format!("compute {compute}")]));
            }
            volumes::set_state(tx, vim, id, ResourceState::Deleting, None).await?;
            volume.state = ResourceState::Deleting;
            events::append(tx, &self.store, vim, &[ViEvent::Volume { volume: Box::new(volume.clone()) }]).await?;
            Ok::<_, Failure>(Some(volume))
        })?;
        let Some(volume) = found else { return Ok(Gone::Now) };
        self.store.wake.ring();
        let gone = driver.delete_volume(&volume).await?;
        if gone == Gone::Now {
            self.ledger(vim).record(&[Report::VolumeGone(id)]).await?;
        }
        Ok(gone)
    }
}
