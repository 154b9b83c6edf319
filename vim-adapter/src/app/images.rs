//! Software images (IFA005 clause 7.2).

use bytes::Bytes;
use futures::Stream;
use reference_points::common::Fault;
use reference_points::or_vi::{ResourceState, SoftwareImage, SoftwareImageSpec, ViEvent};
use uuid::Uuid;

use super::{App, being_deleted, in_use, name_faults};
use crate::diff::same;
use crate::error::{Failure, Result, is_refusal, no_faults};
use crate::ledger::Report;
use crate::store::images::ImageRow;
use crate::store::{events, images, vims};
use crate::vim::{Gone, Made};

fn checked(mut spec: SoftwareImageSpec) -> Result<SoftwareImageSpec> {
    let mut faults = name_faults(&spec.name);
    spec.sha256.make_ascii_lowercase();
    if spec.sha256.len() != 64 || !spec.sha256.bytes().all(|b| b.is_ascii_hexdigit()) {
        faults.push(Fault::new("/sha256", "is not 64 hexadecimal digits"));
    }
    no_faults("the software image", faults)?;
    Ok(spec)
}

impl App {
    /// Ensures an image's record; its content follows.
    ///
    /// # Errors
    /// 409 or 422.
    pub async fn put_image(&self, vim: Uuid, id: Uuid, spec: SoftwareImageSpec) -> Result<SoftwareImage> {
        let spec = checked(spec)?;
        self.driver(vim).await?;
        let what = format!("software image {id}");
        db::transaction!(self.store.db, |tx| {
            vims::lock(tx, vim).await?;
            if let Some(found) = images::get(tx, vim, id).await? {
                if found.image.state == ResourceState::Deleting {
                    return Err(being_deleted(&what));
                }
                same(&what, &found.image.spec, &spec)?;
                return Ok(found.image);
            }
            let image = SoftwareImage {
                id,
                spec: spec.clone(),
                vim_resource_id: None,
                sha512: None,
                state: ResourceState::Building,
                problem: None,
            };
            images::insert(tx, vim, &image).await?;
            Ok::<_, Failure>(image)
        })
    }

    /// Takes an image's content in. An image that is complete already takes the same content again, and no other.
    ///
    /// # Errors
    /// 404, 409, 413, 422, 507, or what the VIM says.
    pub async fn put_image_content<S, E>(
        &self,
        vim: Uuid,
        id: Uuid,
        length: Option<u64>,
        body: S,
    ) -> Result<SoftwareImage>
    where
        S: Stream<Item = Result<Bytes, E>> + Unpin,
        Failure: From<E>,
    {
        let driver = self.driver(vim).await?;
        let image = self.image_row(vim, id).await?.image;
        if image.state == ResourceState::Deleting {
            return Err(being_deleted(&format!("software image {id}")));
        }
        if let (Some(length), Some(size)) = (length, image.spec.size_bytes)
            && length != size
        {
            let fault =
                Fault::new("header.Content-Length", format!("{length} bytes are to come, {size} were announced"));
            return no_faults("the content", vec![fault]).map(|()| image);
        }
        if image.state == ResourceState::Active && self.images.exists(vim, id).await {
            self.images.compare(&image.spec, body).await?;
            return Ok(image);
        }
        let content = self.images.store(vim, id, &image.spec, body).await?;
        let there = db::transaction!(self.store.db, |tx| {
            vims::lock(tx, vim).await?;
            let found = images::get(tx, vim, id).await?;
            let wanted = found.is_some_and(|row| row.image.state != ResourceState::Deleting);
            if wanted {
                images::set_content(tx, vim, id, &content).await?;
            }
            Ok::<_, Failure>(wanted)
        })?;
        if !there {
            // It was deleted while its content came.
            self.images.remove(vim, id).await?;
            return Err(Failure::not_found(format!("software image {id}")));
        }
        match driver.ensure_image(&image, &self.images.path(vim, id)).await {
            Ok(made) => {
                if let Some(its) = &made.its().id {
                    db::transaction!(self.store.db, |tx| {
                        vims::lock(tx, vim).await?;
                        Ok::<_, Failure>(images::set_vim_id(tx, vim, id, Some(its)).await?)
                    })?;
                }
                if matches!(made, Made::Now(_)) {
                    self.ledger(vim).record(&[Report::Image(id, ResourceState::Active, None)]).await?;
                }
            }
            Err(Failure::Cut) => return Err(Failure::Cut),
            Err(failure) => {
                let state = if is_refusal(&failure) { ResourceState::Error } else { ResourceState::Building };
                self.ledger(vim).record(&[Report::Image(id, state, Some(failure.to_problem()))]).await?;
                return Err(failure);
            }
        }
        self.image(vim, id).await
    }

    async fn image_row(&self, vim: Uuid, id: Uuid) -> Result<ImageRow> {
        let found = images::get(&mut *self.store.db.pool.acquire().await?, vim, id).await?;
        found.ok_or_else(|| Failure::not_found(format!("software image {id}")))
    }

    /// An image.
    ///
    /// # Errors
    /// 404.
    pub async fn image(&self, vim: Uuid, id: Uuid) -> Result<SoftwareImage> {
        self.driver(vim).await?;
        Ok(self.image_row(vim, id).await?.image)
    }

    /// All images of a VIM, or those with a name.
    ///
    /// # Errors
    /// 404 for the VIM.
    pub async fn images(&self, vim: Uuid, name: Option<&str>) -> Result<Vec<SoftwareImage>> {
        self.driver(vim).await?;
        let mut connection = self.store.db.pool.acquire().await?;
        let rows = match name {
            Some(name) => images::named(&mut connection, vim, name).await?,
            None => images::list(&mut connection, vim).await?,
        };
        Ok(rows.into_iter().map(|row| row.image).collect())
    }

    /// Images whose names stand next to this one in the order of names, a few on each side.
    ///
    /// # Errors
    /// 404 for the VIM.
    pub async fn images_near(&self, vim: Uuid, name: &str) -> Result<Vec<SoftwareImage>> {
        self.driver(vim).await?;
        let rows = images::near(&mut *self.store.db.pool.acquire().await?, vim, name).await?;
        Ok(rows.into_iter().map(|row| row.image).collect())
    }

    /// Removes an image everywhere.
    ///
    /// # Errors
    /// 409 while a compute is made from it, or what the VIM says.
    pub async fn delete_image(&self, vim: Uuid, id: Uuid) -> Result<Gone> {
        let driver = self.driver(vim).await?;
        let found = db::transaction!(self.store.db, |tx| {
            vims::lock(tx, vim).await?;
            let Some(ImageRow { mut image, .. }) = images::get(tx, vim, id).await? else { return Ok(None) };
            let users = images::users(tx, vim, id).await?;
            if !users.is_empty() {
                return Err(in_use(&format!("software image {id} ({})", image.spec.name), &users));
            }
            images::set_state(tx, vim, id, ResourceState::Deleting, None).await?;
            image.state = ResourceState::Deleting;
            events::append(tx, &self.store, vim, &[ViEvent::SoftwareImage { image: Box::new(image.clone()) }]).await?;
            Ok::<_, Failure>(Some(image))
        })?;
        let Some(image) = found else { return Ok(Gone::Now) };
        self.store.wake.ring();
        let gone = driver.delete_image(&image).await?;
        self.images.remove(vim, id).await?;
        if gone == Gone::Now {
            db::transaction!(self.store.db, |tx| {
                vims::lock(tx, vim).await?;
                Ok::<_, Failure>(images::delete(tx, vim, id).await?)
            })?;
        }
        Ok(gone)
    }
}
