//! Removing one resource of an instance. A rollback makes it again as it was, under its identifier and with its addresses;
//! what was on its disks is gone.

use std::sync::Arc;

use async_trait::async_trait;
use lcm::{Outcome, Step, StepCx, StepError};
use reference_points::nf_vi::{PowerAction, PowerRequest};
use reference_points::or_vi::ComputeState;

use super::restore::{named, restore};
use super::{LOOK_AGAIN, compute::gone, compute_key, failed};
use crate::ops::terminate::RemoveParams;
use crate::vi::{Kind, Vi};

/// Removes a resource.
pub struct Remove(pub Arc<dyn Vi>);

#[async_trait]
impl Step for Remove {
    async fn run(&self, cx: &StepCx) -> Result<Outcome, StepError> {
        let params: RemoveParams = cx.params_as()?;
        let (resource, at, kind) = (&params.resource, &params.resource.at, params.resource.kind());
        if kind == Kind::Compute {
            if let Some(seconds) = params.grace_seconds
                && let Some(parked) = self.ask_to_stop(cx, &params, seconds).await?
            {
                return Ok(parked);
            }
            return gone(&*self.0, at, resource.id(), resource.name()).await;
        }
        let word = kind.word();
        let removed = self.0.delete(at, kind, resource.id()).await;
        removed.map_err(|e| failed(&format!("Could not remove {word}"), named(resource), &e))?;
        Ok(Outcome::done())
    }

    async fn undo(&self, cx: &StepCx) -> Result<Outcome, StepError> {
        let params: RemoveParams = cx.params_as()?;
        restore(&*self.0, &params.resource).await
    }
}

impl Remove {
    /// Asks the guest to shut down; parks until it has, or until the VIM has used force after the grace period.
    async fn ask_to_stop(
        &self,
        cx: &StepCx,
        params: &RemoveParams,
        seconds: u32,
    ) -> Result<Option<Outcome>, StepError> {
        let resource = &params.resource;
        let found = self.0.compute(&resource.at, resource.id()).await;
        let Some(compute) = found.map_err(|e| failed("Could not look compute up", named(resource), &e))? else {
            return Ok(None);
        };
        if compute.state != ComputeState::Active {
            return Ok(None);
        }
        if cx.memo.is_none() {
            let request = PowerRequest { action: PowerAction::StopGraceful, grace_seconds: Some(seconds) };
            let asked = self.0.power(&resource.at, resource.id(), &request).await;
            asked.map_err(|e| failed("Could not stop compute", named(resource), &e))?;
        }
        let note = format!("the guest shuts down, {seconds} s at most");
        Ok(Some(
            Outcome::park(compute_key(resource.id()), LOOK_AGAIN, note).remember(serde_json::json!({ "asked": true })),
        ))
    }
}
