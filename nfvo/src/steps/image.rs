//! Software images (IFA005 clause 7.2): the record first, then the content streamed from the package's file.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use lcm::{Lookup, Outcome, Problem, Step, StepCx, StepError};
use reference_points::common::{Owner, OwnerKind};
use reference_points::or_vi::{ResourceState, SoftwareImageSpec};
use serde_json::json;

use super::{broken, failed, ledger};
use crate::effects::{ImageContent, Ledger, Vims};
use crate::ops::params::ImageParams;

/// How long an upload may take.
const UPLOAD_LIMIT: Duration = Duration::from_secs(4 * 3600);

/// Ensures a software image with its content. It belongs to the package and stays when the operation is undone: other
/// services may boot from it, and it goes with the package.
pub struct Image {
    pub vims: Arc<dyn Vims>,
    pub images: Arc<dyn ImageContent>,
    pub ledger: Arc<dyn Ledger>,
}

#[async_trait]
impl Step for Image {
    async fn run(&self, cx: &StepCx) -> Result<Outcome, StepError> {
        let ImageParams { vim, image } = cx.params_as()?;
        let resource = format!("software image {} {} ({})", image.name, image.version, image.image_id);
        let attempted = "Image not brought to the VIM";
        let call = |e| failed(attempted, &resource, &e);
        let done = || Outcome::Done(json!({"id": image.image_id}));
        let there = self.vims.image(vim, image.image_id).await.map_err(call)?;
        if there.as_ref().is_some_and(|i| i.state == ResourceState::Active) {
            return Ok(done());
        }
        let wanted = self.ledger.image_wanted(vim, image.image_id, &image.sha256, image.package_id).await;
        wanted.map_err(|e| ledger(&e))?;
        let spec = SoftwareImageSpec {
            name: image.name.clone(),
            owner: Owner { kind: OwnerKind::VnfPackage, id: image.package_id, operation: None, step: None },
            version: image.version.clone(),
            format: image.format,
            sha256: image.sha256.clone(),
            size_bytes: Some(image.size_bytes),
            min_disk_bytes: image.min_disk_bytes,
            min_memory_bytes: image.min_memory_bytes,
        };
        if there.is_none() {
            match self.vims.put_image(vim, image.image_id, &spec).await {
                Ok(record) if record.state == ResourceState::Active => return Ok(done()),
                // Another package is bringing the same content, under its own name: it is the same image.
                Err(error) if error.status() == Some(409) => {}
                other => drop(other.map_err(call)?),
            }
        }
        let content = self.images.open(image.package_id, &image.path).await.map_err(|e| {
            StepError::permanent(
                Problem::new(attempted, format!("the package's file cannot be read: {e}")).resource(resource.clone()),
            )
        })?;
        let uploaded = self.vims.upload_image(vim, image.image_id, content).await.map_err(call)?;
        match uploaded.state {
            ResourceState::Active => Ok(done()),
            ResourceState::Building => Ok(Outcome::park(
                format!("vim/image/{}", image.image_id),
                Duration::from_millis(500),
                "the VIM checks the image",
            )),
            ResourceState::Error | ResourceState::Deleting => {
                Err(broken(attempted, &resource, uploaded.problem.as_ref()))
            }
        }
    }

    async fn undo(&self, _: &StepCx) -> Result<Outcome, StepError> {
        Ok(Outcome::done())
    }

    async fn lookup(&self, cx: &StepCx) -> Result<Lookup, StepError> {
        let ImageParams { vim, image } = cx.params_as()?;
        let found = self.vims.image(vim, image.image_id).await;
        let found = found.map_err(|e| failed("Image not found out", &image.name, &e))?;
        Ok(match found {
            Some(i) if i.state == ResourceState::Active => Lookup::Done(json!({"id": image.image_id})),
            _ => Lookup::RunAgain,
        })
    }

    fn time_limit(&self) -> Duration {
        UPLOAD_LIMIT
    }
}
