//! Volumes (IFA006 clause 7.5).

use std::sync::Arc;

use async_trait::async_trait;
use lcm::{Outcome, Step, StepCx, StepError};
use reference_points::or_vi::{ResourceState, Volume, VolumeSpec};
use serde_json::json;

use super::network::take_back;
use super::{LOOK_AGAIN, failed, granted, owner, place, problem_of, volume_key};
use crate::ops::blueprint::VolumePart;
use crate::ops::grants;
use crate::vi::{Kind, Vi};

/// Makes a volume.
pub struct MakeVolume(pub Arc<dyn Vi>);

#[async_trait]
impl Step for MakeVolume {
    async fn run(&self, cx: &StepCx) -> Result<Outcome, StepError> {
        let part: VolumePart = cx.params_as()?;
        let grant = granted(cx)?;
        let image = part.image.as_deref().map(|image| grants::image(&grant, image)).transpose();
        let place = place(cx, part.id)?;
        let spec = VolumeSpec {
            name: part.name.clone(),
            owner: owner(cx)?,
            size_bytes: part.size_bytes,
            image_id: image.map_err(StepError::Permanent)?,
            zone: place.zone,
        };
        let made = self.0.put_volume(&place.at, part.id, &spec).await;
        let volume =
            made.map_err(|e| failed("Could not create volume", format!("volume {} {}", part.name, part.id), &e))?;
        settled(&part, volume)
    }

    async fn undo(&self, cx: &StepCx) -> Result<Outcome, StepError> {
        let part: VolumePart = cx.params_as()?;
        take_back(&*self.0, cx, Kind::Volume, part.id, part.id).await
    }
}

/// What the state of a volume means for the step that makes it.
fn settled(part: &VolumePart, volume: Volume) -> Result<Outcome, StepError> {
    match volume.state {
        ResourceState::Active => Ok(Outcome::Done(json!(volume))),
        ResourceState::Building => Ok(Outcome::park(volume_key(part.id), LOOK_AGAIN, "the VIM makes the volume")),
        ResourceState::Error | ResourceState::Deleting => {
            let told = volume.problem.unwrap_or_else(|| {
                reference_points::common::ProblemDetails::new(
                    500,
                    "Volume",
                    format!("the VIM says {:?} and no reason", volume.state),
                )
            });
            Err(StepError::permanent(
                problem_of("The VIM could not make the volume", &told)
                    .resource(format!("volume {} {}", part.name, part.id)),
            ))
        }
    }
}
