//! Returning a VNFC to a snapshot. Done when the VIM says that its disks are those of the snapshot and it is as it was
//! before: running with every port up, or stopped. The VIM keeps what the disks held before, so that an undo brings it back;
//! once the operation rests that is let go.

use std::sync::Arc;

use async_trait::async_trait;
use lcm::{Outcome, Step, StepCx, StepError};
use reference_points::common::ProblemDetails;
use reference_points::nf_vi::Revert;
use reference_points::or_vi::{Compute, ComputeSpec, ComputeState};
use serde_json::json;

use super::restore::{named, unusable};
use super::{LOOK_AGAIN, compute_key, failed, granted, problem_of};
use crate::ops::grants;
use crate::ops::inventory::Owned;
use crate::ops::revert::RevertParams;
use crate::vi::Vi;

/// Returns a VNFC to a snapshot.
pub struct ReturnTo(pub Arc<dyn Vi>);

#[async_trait]
impl Step for ReturnTo {
    async fn run(&self, cx: &StepCx) -> Result<Outcome, StepError> {
        let params: RevertParams = cx.params_as()?;
        let found = grants::snapshot(&granted(cx)?, params.vnf_snapshot, &params.vnfc_snapshot);
        let snapshot_id = found.map_err(StepError::Permanent)?;
        let Some(compute) = self.look(&params.vnfc).await? else {
            let told = ProblemDetails::new(404, "Compute", "the VIM does not have it any more; heal the VNF");
            let problem = problem_of("There is no compute to revert", &told).resource(named(&params.vnfc));
            return Err(StepError::permanent(problem));
        };
        self.reach(cx, &params.vnfc, compute, Revert { id: params.id, snapshot_id, back: false }).await
    }

    async fn undo(&self, cx: &StepCx) -> Result<Outcome, StepError> {
        let params: RevertParams = cx.params_as()?;
        let Some(compute) = self.look(&params.vnfc).await? else { return Ok(Outcome::done()) };
        // One that was never asked for needs no way back.
        let asked = compute.spec.revert.filter(|asked| asked.id == params.id);
        match asked {
            None => Ok(Outcome::done()),
            Some(asked) => self.reach(cx, &params.vnfc, compute, Revert { back: true, ..asked }).await,
        }
    }
}

impl ReturnTo {
    async fn look(&self, vnfc: &Owned) -> Result<Option<Compute>, StepError> {
        let found = self.0.compute(&vnfc.at, vnfc.id()).await;
        found.map_err(|e| failed("Could not look compute up", named(vnfc), &e))
    }

    async fn reach(&self, cx: &StepCx, vnfc: &Owned, there: Compute, wanted: Revert) -> Result<Outcome, StepError> {
        let asked = there.spec.revert == Some(wanted);
        let failing = there.state == ComputeState::Error;
        if asked && cx.resumed && failing {
            return Err(unusable(vnfc, "The VIM could not revert the compute", there.problem));
        }
        let now = if asked && !failing {
            there
        } else {
            let spec = ComputeSpec { revert: Some(wanted), ..there.spec };
            let put = self.0.put_compute(&vnfc.at, vnfc.id(), &spec).await;
            put.map_err(|e| failed("Could not revert compute", named(vnfc), &e))?
        };
        let as_before = if vnfc.stopped { ComputeState::Stopped } else { ComputeState::Active };
        if now.reverted == Some(wanted) && now.state == as_before {
            return Ok(Outcome::Done(json!(now)));
        }
        let note = if wanted.back { "the VIM brings the former disks back" } else { "the VIM reverts its disks" };
        Ok(Outcome::park(compute_key(vnfc.id()), LOOK_AGAIN, note))
    }
}
