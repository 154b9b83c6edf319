//! Configuring the VNF (SOL002 clause 9): its configurable properties and those of its VNFCs as the data that only this VNF
//! knows. What it had before is kept first, and an undo puts it back.

use std::sync::Arc;

use async_trait::async_trait;
use lcm::{Outcome, Step, StepCx, StepError};
use reference_points::common::CallError;
use reference_points::ve_vnfm::{ConfigClient, VnfConfiguration};
use serde_json::{Value, json};

use super::script::{Scene, Surroundings};
use super::{failed, permanent};
use crate::ops::occurrence::INSTANTIATE;
use crate::ops::ve::{Answers, ConfigureParams, patches};

/// The seam towards the configuration of VNFs.
#[async_trait]
pub trait Configuring: Send + Sync {
    /// What the VNF at `base` has, with its ETag.
    async fn get(&self, base: &str) -> Result<(VnfConfiguration, Option<String>), CallError>;
    /// Changes it.
    async fn patch(&self, base: &str, patch: &Value, etag: Option<&str>) -> Result<(), CallError>;
}

/// The real one, over HTTP.
#[derive(Debug, Clone, Copy, Default)]
pub struct Vnfs;

#[async_trait]
impl Configuring for Vnfs {
    async fn get(&self, base: &str) -> Result<(VnfConfiguration, Option<String>), CallError> {
        ConfigClient::new(base).get().await
    }

    async fn patch(&self, base: &str, patch: &Value, etag: Option<&str>) -> Result<(), CallError> {
        ConfigClient::new(base).patch(patch, etag).await
    }
}

/// Configures the VNF.
pub struct Configure {
    /// Who is told.
    pub with: Arc<dyn Configuring>,
    /// What is kept, and where the VNF is.
    pub around: Arc<dyn Surroundings>,
}

#[async_trait]
impl Step for Configure {
    async fn run(&self, cx: &StepCx) -> Result<Outcome, StepError> {
        let params: ConfigureParams = cx.params_as()?;
        let scene = self.around.instance(cx).await?;
        let base = endpoint(&scene, &params)?;
        let (has, etag) = self.with.get(&base).await.map_err(|e| refused(&e))?;
        let Some((forth, back)) = patches(&has, &params, &vnfcs_of(&scene), &scene.gone) else {
            return Ok(Outcome::done());
        };
        if self.around.kept(cx).await?.is_none() {
            self.around.keep(cx, json!({ "endpoint": base, "back": back })).await?;
        }
        self.with.patch(&base, &forth, etag.as_deref()).await.map_err(|e| refused(&e))?;
        Ok(Outcome::done())
    }

    async fn undo(&self, cx: &StepCx) -> Result<Outcome, StepError> {
        // With its instantiation the VNF itself goes.
        let kept = self.around.kept(cx).await?.filter(|_| cx.operation_kind != INSTANTIATE);
        if let Some(kept) = kept
            && let Some(base) = kept["endpoint"].as_str()
        {
            let (_, etag) = self.with.get(base).await.map_err(|e| refused(&e))?;
            self.with.patch(base, &kept["back"], etag.as_deref()).await.map_err(|e| refused(&e))?;
        }
        Ok(Outcome::done())
    }
}

fn endpoint(scene: &Scene, params: &ConfigureParams) -> Result<String, StepError> {
    params.endpoint.address(Answers::Configuration, &scene.record, &scene.vnfcs).ok_or_else(|| {
        let attribute = Answers::Configuration.attribute();
        let text = format!(
            "nothing says where: give the instance the metadata {attribute}, its SupportedVnfInterface policy an \
             address, or the VNFM ve_vnfm.configuration_endpoint; then retry"
        );
        permanent("The VNF cannot be configured", &text)
    })
}

/// VNFCs that are there, each with its VDU.
fn vnfcs_of(scene: &Scene) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let all = scene.vnfcs.as_array().into_iter().flatten();
    all.filter_map(|vnfc| Some((text(&vnfc["name"])?, text(&vnfc["vdu"])?))).collect()
}

/// What was changed meanwhile is looked at again.
fn refused(error: &CallError) -> StepError {
    match failed("The VNF was not configured", "configuration".to_owned(), error) {
        StepError::Permanent(problem) if error.status() == Some(412) => StepError::Transient(problem),
        other => other,
    }
}
