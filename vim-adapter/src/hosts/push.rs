//! Images on their way from the adapter to a host: each once, however many computes ask for it at the same time.

use reference_points::common::ProblemDetails;
use tokio::sync::OwnedMutexGuard;
use tokio_util::io::ReaderStream;
use uuid::Uuid;

use super::agent::Agent;
use crate::error::{Failure, Result};
use crate::image_files::ImageFiles;
use crate::ledger::Ledger;
use crate::store::{hosts, images};
use crate::turns::Turns;

/// Bytes read from the disk at once.
const CHUNK: usize = 256 << 10;

/// Images under way, by host and image.
#[derive(Debug, Default)]
pub struct Pushes(Turns<(String, Uuid)>);

impl Pushes {
    /// Waits until nobody else works on this image on this host.
    pub async fn turn(&self, host: &str, image: Uuid) -> OwnedMutexGuard<()> {
        self.0.take((host.to_owned(), image)).await
    }

    /// Makes sure that a host has an image.
    ///
    /// # Errors
    /// What the agent, the disk or the database says.
    pub async fn ensure(&self, agent: &Agent, ledger: &Ledger, files: &ImageFiles, id: Uuid) -> Result<()> {
        let _turn = self.turn(&agent.name, id).await;
        let row = images::get(&mut *ledger.store.db.pool.acquire().await?, ledger.vim, id).await?;
        let row = row.ok_or_else(|| Failure::not_found(format!("software image {id}")))?;
        let spec = &row.image.spec;
        match agent.client.image(id).await? {
            Some(there) if there.sha256.eq_ignore_ascii_case(&spec.sha256) => return Ok(()),
            Some(_) => agent.client.delete_image(id).await?,
            None => {}
        }
        let path = files.path(ledger.vim, id);
        let file = tokio::fs::File::open(&path).await.map_err(|error| {
            let detail =
                format!("the content of software image {id} ({}) cannot be read at {}", spec.name, path.display());
            ProblemDetails::new(422, "Image lost", detail).answer(error.to_string()).next("upload its content again")
        })?;
        let body = ReaderStream::with_capacity(file, CHUNK);
        tracing::info!(image = %id, name = spec.name, host = agent.name, "image is sent to the host");
        agent.client.upload_image(id, spec.format, &spec.sha256, &spec.owner, row.size_bytes, body).await?;
        // It is wanted there again, whatever was to be removed before.
        let mut connection = ledger.store.db.pool.acquire().await?;
        hosts::drop_garbage(&mut connection, ledger.vim, &agent.name, id).await?;
        Ok(())
    }
}
