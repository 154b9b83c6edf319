//! Requests about images: stream in, look, remove.

use bytes::Bytes;
use db::AnyConnection;
use futures::Stream;
use reference_points::common::{Fault, Owner, ProblemDetails};
use reference_points::nf_vi::{DiskFormat, ImageInfo, RootDisk};
use service::http::{ApiError, ApiResult};
use uuid::Uuid;

use super::Agent;
use crate::media::upload::{self, Received, Temporary};
use crate::media::{MediaError, image, layout, space};
use crate::reconcile::act::{Failure, media_problem};
use crate::store;
use crate::store::Phase;
use crate::store::images::ImageRow;

/// What the headers of an upload say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announced {
    /// Checksum the content must have, lower-case hexadecimal.
    pub sha256: Option<String>,
    /// Format it must have.
    pub format: Option<DiskFormat>,
    /// Owner mark.
    pub owner: Owner,
    /// Number of bytes, when known.
    pub length: Option<u64>,
}

/// The answer to a file that could not be made.
pub(super) fn media_error(error: &MediaError) -> ApiError {
    ApiError::new(media_problem(error))
}

pub(super) fn failure(failure: Failure) -> ApiError {
    ApiError::new(*failure.problem)
}

impl Agent {
    /// Ensures an image with this content. True if it is new.
    ///
    /// # Errors
    /// 409 when another content has this id, 422 when checksum or format differ or the image refers to other files, 507
    /// when the disk is or would become too full; an error of `content` itself. Nothing half-registered stays.
    pub async fn put_image<S>(&self, id: Uuid, announced: Announced, content: S) -> ApiResult<(ImageInfo, bool)>
    where
        S: Stream<Item = ApiResult<Bytes>> + Send,
    {
        let mut tx = self.db.begin_read().await?;
        let there = store::images::get(&mut tx, id).await?;
        drop(tx);
        if let Some(there) = there {
            return self.same_image(there, &announced, content).await.map(|info| (info, false));
        }
        let keep = self.config.capacity.keep_disk_bytes;
        let dir = self.layout.images();
        space::ensure(&dir, announced.length.unwrap_or(0), keep, "take in the image").map_err(|e| media_error(&e))?;
        let temporary = Temporary::new(self.layout.image_upload(id));
        let mut broken = None;
        let content = take_errors(content, &mut broken);
        let received = upload::receive(content, temporary.path(), keep).await;
        let received = settle(received, broken)?;
        let info = judge(id, &announced, &received)?;
        self.register_image(info, temporary).await
    }

    /// Notes an image that is whole, so that a crash at any point leaves it either noted and there, or neither.
    async fn register_image(&self, info: ImageInfo, temporary: Temporary) -> ApiResult<(ImageInfo, bool)> {
        let (id, now) = (info.id, self.clock.now_micros());
        let ready = self.layout.image_ready(id);
        let inserted = {
            // Two uploads of one id must not step on each other's files between here and the last rename.
            let _turn = self.image_turns.take(id).await;
            layout::make_readable(temporary.path()).map_err(|e| media_error(&e))?;
            layout::finish(temporary.path(), &ready).map_err(|e| media_error(&e))?;
            temporary.keep();
            let inserted =
                db::transaction!(self.db, |tx| { Ok::<_, db::DbError>(store::images::insert(tx, &info, now).await?) });
            match inserted {
                Ok(true) => layout::finish(&ready, &self.layout.image(id)).map_err(|e| media_error(&e))?,
                _ => layout::remove_file(&ready).map_err(|e| media_error(&e))?,
            }
            inserted?
        };
        if inserted {
            tracing::info!(image = %id, bytes = info.size_bytes, sha256 = info.sha256, "image taken in");
            return Ok((info, true));
        }
        let there = self.image_row(id).await?;
        same_content(&there, &info.sha256)?;
        Ok((there.info, false))
    }

    async fn same_image<S>(&self, there: ImageRow, announced: &Announced, content: S) -> ApiResult<ImageInfo>
    where
        S: Stream<Item = ApiResult<Bytes>> + Send,
    {
        if there.phase == Phase::Deleting {
            return Err(ApiError::conflict(format!("image {} is being removed", there.info.id)));
        }
        if let Some(sha256) = &announced.sha256 {
            same_content(&there, sha256)?;
        }
        let mut broken = None;
        let content = take_errors(content, &mut broken);
        let path = self.layout.image(there.info.id);
        let received = upload::compare(content, &path).await;
        let received = settle(received, broken)?;
        same_content(&there, &received.sha256)?;
        Ok(there.info)
    }

    async fn image_row(&self, id: Uuid) -> ApiResult<ImageRow> {
        let mut tx = self.db.begin_read().await?;
        store::images::get(&mut tx, id).await?.ok_or_else(|| ApiError::not_found(format!("image {id}")))
    }

    /// An image.
    ///
    /// # Errors
    /// 404.
    pub async fn image(&self, id: Uuid) -> ApiResult<ImageInfo> {
        Ok(self.image_row(id).await?.info)
    }

    /// All images.
    ///
    /// # Errors
    /// When the records cannot be read.
    pub async fn images(&self) -> ApiResult<Vec<ImageInfo>> {
        let mut tx = self.db.begin_read().await?;
        Ok(store::images::list(&mut tx).await?.into_iter().map(|row| row.info).collect())
    }

    /// Removes an image; one that is gone is removed.
    ///
    /// # Errors
    /// 409 naming the machine that boots from it.
    pub async fn delete_image(&self, id: Uuid) -> ApiResult<()> {
        let there = db::transaction!(self.db, |tx| {
            let tx: &mut AnyConnection = tx;
            if store::images::get(&mut *tx, id).await?.is_none() {
                return Ok(false);
            }
            let machines = store::machines::list(&mut *tx).await?;
            let uses = |root: &RootDisk| matches!(root, RootDisk::Image { image_id, .. } if *image_id == id);
            if let Some(user) = machines.iter().find(|machine| uses(&machine.spec.root)) {
                let problem = ProblemDetails::conflict(format!("image {id} is used by machine {}", user.id));
                return Err(ApiError::new(problem.next("remove that machine first")));
            }
            store::images::mark_deleting(&mut *tx, id).await?;
            Ok::<_, ApiError>(true)
        })?;
        if there {
            self.finish_image_removal(id).await.map_err(failure)?;
        }
        Ok(())
    }

    /// Removes the file of an image that is marked as going, and forgets it.
    ///
    /// # Errors
    /// What the system or the records refused.
    pub async fn finish_image_removal(&self, id: Uuid) -> Result<(), Failure> {
        layout::remove_file(&self.layout.image(id))?;
        Ok(db::transaction!(self.db, |tx| { Ok::<_, db::DbError>(store::images::remove(tx, id).await?) })?)
    }
}

/// Keeps the first error of a stream, whose items then carry its text alone.
fn take_errors<S>(content: S, broken: &mut Option<ApiError>) -> impl Stream<Item = Result<Bytes, String>> + Send
where
    S: Stream<Item = ApiResult<Bytes>> + Send,
{
    futures::StreamExt::map(content, move |item| {
        item.map_err(|error| {
            let text = error.to_string();
            *broken = Some(error);
            text
        })
    })
}

/// The upload's own error, if the sender is to blame for it.
fn settle(received: Result<Received, MediaError>, broken: Option<ApiError>) -> ApiResult<Received> {
    received.map_err(|error| broken.unwrap_or_else(|| media_error(&error)))
}

fn same_content(there: &ImageRow, sha256: &str) -> ApiResult<()> {
    if there.info.sha256.eq_ignore_ascii_case(sha256) {
        return Ok(());
    }
    let detail = format!("image {} exists with another content", there.info.id);
    let fault = Fault::new("body", format!("has SHA-256 {sha256}, the image has {}", there.info.sha256));
    Err(ApiError::new(ProblemDetails {
        faults: vec![fault.mend("use a new id for a new content")],
        ..ProblemDetails::conflict(detail)
    }))
}

/// What the image is, unless it may not be used.
fn judge(id: Uuid, announced: &Announced, received: &Received) -> ApiResult<ImageInfo> {
    let mut faults = Vec::new();
    if let Some(wanted) = announced.sha256.as_deref().filter(|wanted| !wanted.eq_ignore_ascii_case(&received.sha256)) {
        let message = format!("the content has SHA-256 {}, announced was {wanted}", received.sha256);
        faults.push(Fault::new("body", message).mend("send the right file, or its right checksum"));
    }
    let examined = image::examine(&received.head, received.bytes, announced.format);
    match (examined, faults.is_empty()) {
        (Ok(examined), true) => Ok(ImageInfo {
            id,
            format: examined.format,
            size_bytes: received.bytes,
            virtual_size_bytes: examined.virtual_bytes,
            sha256: received.sha256.clone(),
            owner: announced.owner.clone(),
        }),
        (examined, _) => {
            faults.extend(examined.err().unwrap_or_default());
            let first = faults.first().map(|fault| fault.message.clone()).unwrap_or_default();
            Err(ApiError::unprocessable(format!("image {id} is refused: {first}"), faults))
        }
    }
}
