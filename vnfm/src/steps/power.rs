//! Starting and stopping VNFCs (IFA006 clause 7.3.1.7). Done when the VIM says that the machine is as it shall be.

use std::sync::Arc;

use async_trait::async_trait;
use lcm::{Outcome, Step, StepCx, StepError};
use reference_points::common::ProblemDetails;
use reference_points::nf_vi::{PowerAction, PowerRequest};
use reference_points::or_vi::ComputeState;
use serde_json::json;

use super::restore::{named, unusable};
use super::{LOOK_AGAIN, compute_key, failed, problem_of};
use crate::ops::inventory::Owned;
use crate::ops::operate::PowerParams;
use crate::vi::Vi;

/// Starts or stops a VNFC.
pub struct Power(pub Arc<dyn Vi>);

#[async_trait]
impl Step for Power {
    async fn run(&self, cx: &StepCx) -> Result<Outcome, StepError> {
        let params: PowerParams = cx.params_as()?;
        self.switch(cx, &params.vnfc, params.run, params.grace_seconds).await
    }

    async fn undo(&self, cx: &StepCx) -> Result<Outcome, StepError> {
        let params: PowerParams = cx.params_as()?;
        self.switch(cx, &params.vnfc, !params.vnfc.stopped, None).await
    }
}

impl Power {
    async fn switch(
        &self,
        cx: &StepCx,
        vnfc: &Owned,
        run: bool,
        grace_seconds: Option<u32>,
    ) -> Result<Outcome, StepError> {
        let told = |e| failed(if run { "Could not start compute" } else { "Could not stop compute" }, named(vnfc), &e);
        let Some(compute) = self.0.compute(&vnfc.at, vnfc.id()).await.map_err(told)? else {
            let told = ProblemDetails::new(404, "Compute", "the VIM does not have it any more; heal the VNF");
            return Err(StepError::permanent(problem_of("There is no compute to switch", &told).resource(named(vnfc))));
        };
        let wanted = if run { ComputeState::Active } else { ComputeState::Stopped };
        if compute.state == wanted {
            return Ok(Outcome::Done(json!(compute)));
        }
        if cx.memo_as::<bool>()? != Some(run) {
            let action = match (run, grace_seconds) {
                (true, _) => PowerAction::Start,
                (false, Some(_)) => PowerAction::StopGraceful,
                (false, None) => PowerAction::Stop,
            };
            let request = PowerRequest { action, grace_seconds };
            let now = self.0.power(&vnfc.at, vnfc.id(), &request).await.map_err(told)?;
            if now.state == wanted {
                return Ok(Outcome::Done(json!(now)));
            }
        } else if compute.state == ComputeState::Error {
            return Err(unusable(vnfc, "The compute cannot be used", compute.problem));
        }
        let note = if run { "the VIM starts it" } else { "the guest shuts down" };
        Ok(Outcome::park(compute_key(vnfc.id()), LOOK_AGAIN, note).remember(json!(run)))
    }
}
