//! VNFCs: virtualised compute resources (IFA006 clause 7.3). The step is done when the VIM says that the machine runs and
//! every port of it is up; until then it is parked and an event of the VIM wakes it.

use std::sync::Arc;

use async_trait::async_trait;
use lcm::{Outcome, Step, StepCx, StepError};
use reference_points::common::ProblemDetails;
use reference_points::nf_vi::DesiredPower;
use reference_points::or_vi::{Compute, ComputeRoot, ComputeSpec, ComputeState, Flavour};
use serde_json::json;
use uuid::Uuid;

use super::{LOOK_AGAIN, compute_key, failed, granted, owner, place, problem_of};
use crate::ops::blueprint::{RootPart, VnfcPart};
use crate::ops::grants::{self, Place};
use crate::ops::instantiate::GRANT;
use crate::vi::{Kind, Vi, VimRef};

/// Runs a VNFC.
pub struct Run(pub Arc<dyn Vi>);

#[async_trait]
impl Step for Run {
    async fn run(&self, cx: &StepCx) -> Result<Outcome, StepError> {
        let part: VnfcPart = cx.params_as()?;
        let at = place(cx, part.id)?.at;
        if cx.resumed {
            let found = self.0.compute(&at, part.id).await;
            if let Some(compute) = found.map_err(|e| failed("Could not look compute up", named(&part), &e))? {
                return settled(&part, compute);
            }
        }
        let compute = self.ensure(cx, &part).await?;
        if compute.state == ComputeState::Error && !cx.resumed {
            return self.anew(cx, &at, &part).await;
        }
        settled(&part, compute)
    }

    async fn undo(&self, cx: &StepCx) -> Result<Outcome, StepError> {
        let part: VnfcPart = cx.params_as()?;
        if cx.output(GRANT).is_none() {
            return Ok(Outcome::done());
        }
        gone(&*self.0, &place(cx, part.id)?.at, part.id, &part.name).await
    }
}

impl Run {
    async fn ensure(&self, cx: &StepCx, part: &VnfcPart) -> Result<Compute, StepError> {
        let place = place(cx, part.id)?;
        let spec = spec(cx, part, &place)?;
        let made = self.0.put_compute(&place.at, part.id, &spec).await;
        made.map_err(|e| failed("Could not create compute", named(part), &e))
    }

    /// A try that finds what an earlier one could not run: away with it, and then anew under the same id.
    async fn anew(&self, cx: &StepCx, at: &VimRef, part: &VnfcPart) -> Result<Outcome, StepError> {
        match gone(&*self.0, at, part.id, &part.name).await? {
            Outcome::Done(_) => settled(part, self.ensure(cx, part).await?),
            parked @ Outcome::Park { .. } => Ok(parked),
        }
    }
}

fn named(part: &VnfcPart) -> String {
    format!("compute {} {}", part.name, part.id)
}

fn spec(cx: &StepCx, part: &VnfcPart, place: &Place) -> Result<ComputeSpec, StepError> {
    let grant = granted(cx)?;
    let root = match &part.root {
        RootPart::Image { image, size_bytes } => {
            let image_id = grants::image(&grant, image).map_err(StepError::Permanent)?;
            ComputeRoot::Image { image_id, size_bytes: *size_bytes }
        }
        RootPart::Volume(volume_id) => ComputeRoot::Volume { volume_id: *volume_id },
    };
    Ok(ComputeSpec {
        name: part.name.clone(),
        owner: owner(cx)?,
        flavour: Flavour { vim_flavour_id: grants::flavour(&grant, &place.at, &part.vdu), ..part.flavour.clone() },
        root,
        volumes: part.volumes.clone(),
        ports: part.nics().collect(),
        boot_data: Some(part.boot.clone()),
        zone: place.zone.clone(),
        affinity_groups: part.groups.clone(),
        power: DesiredPower::Running,
        revert: None,
    })
}

/// What the state of a compute means for the step that makes it.
fn settled(part: &VnfcPart, compute: Compute) -> Result<Outcome, StepError> {
    match compute.state {
        ComputeState::Active => Ok(Outcome::Done(json!(compute))),
        ComputeState::Building | ComputeState::Stopped | ComputeState::Deleting => {
            let host = compute.host.as_deref().unwrap_or("a host");
            let waits = compute.problem.map_or_else(|| format!("{host} starts it"), |p| p.detail);
            Ok(Outcome::park(compute_key(part.id), LOOK_AGAIN, waits))
        }
        ComputeState::Error => {
            let told =
                compute.problem.unwrap_or_else(|| ProblemDetails::new(500, "Compute", "the VIM tells no reason"));
            let mut problem = problem_of("The VIM could not run the compute", &told).resource(named(part));
            if let Some(host) = compute.host {
                problem.detail += &format!(" (host {host})");
            }
            Err(StepError::permanent(problem))
        }
    }
}

/// Removes a compute and waits for the VIM to say that it is gone.
pub(super) async fn gone(vi: &dyn Vi, at: &VimRef, id: Uuid, name: &str) -> Result<Outcome, StepError> {
    let resource = || format!("compute {name} {id}");
    vi.delete(at, Kind::Compute, id).await.map_err(|e| failed("Could not remove compute", resource(), &e))?;
    match vi.compute(at, id).await.map_err(|e| failed("Could not look compute up", resource(), &e))? {
        None => Ok(Outcome::done()),
        Some(compute) => {
            let host = compute.host.unwrap_or_else(|| "the VIM".to_owned());
            Ok(Outcome::park(compute_key(id), LOOK_AGAIN, format!("{host} removes it")))
        }
    }
}
