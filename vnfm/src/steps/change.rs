//! Changing a VNFC where it is: other ports, volumes, CPU and memory (IFA006 clauses 7.3.1.3 and 7.3.1.8). Done when the VIM
//! says that the machine is as it shall be.

use std::sync::Arc;

use async_trait::async_trait;
use lcm::{Outcome, Step, StepCx, StepError};
use reference_points::common::ProblemDetails;
use reference_points::nf_vi::DesiredPower;
use reference_points::or_vi::{Compute, ComputeRoot, ComputeSpec, ComputeState, Flavour};
use reference_points::or_vnfm::Grant;
use serde_json::json;

use super::restore::{named, unusable};
use super::{LOOK_AGAIN, compute_key, failed, problem_of};
use crate::ops::blueprint::{RootPart, VnfcPart};
use crate::ops::converge::ChangeParams;
use crate::ops::grants;
use crate::ops::instantiate::GRANT;
use crate::ops::inventory::Owned;
use crate::vi::Vi;

/// Changes a VNFC.
pub struct ChangeCompute(pub Arc<dyn Vi>);

#[async_trait]
impl Step for ChangeCompute {
    async fn run(&self, cx: &StepCx) -> Result<Outcome, StepError> {
        let ChangeParams { old, part } = cx.params_as()?;
        let there = made(&old)?;
        let granted = cx.output_as::<Grant>(GRANT).ok();
        let named = granted.and_then(|grant| grants::flavour(&grant, &old.at, &part.vdu));
        self.shape(&old, spec(there.spec, &part, &old, named)).await
    }

    async fn undo(&self, cx: &StepCx) -> Result<Outcome, StepError> {
        let ChangeParams { old, .. } = cx.params_as()?;
        let Some(was) = old.vnfc() else { return Ok(Outcome::done()) };
        let there = made(&old)?;
        self.shape(&old, spec(there.spec, was, &old, None)).await
    }
}

impl ChangeCompute {
    async fn shape(&self, old: &Owned, spec: ComputeSpec) -> Result<Outcome, StepError> {
        let told = |e| failed("Could not change compute", named(old), &e);
        let Some(there) = self.0.compute(&old.at, old.id()).await.map_err(told)? else { return Err(lost(old)) };
        let spec = ComputeSpec { root: no_smaller(&there.spec.root, spec.root), ..spec };
        let compute = self.0.put_compute(&old.at, old.id(), &spec).await.map_err(told)?;
        let wanted = if old.stopped { ComputeState::Stopped } else { ComputeState::Active };
        match compute.state {
            state if state == wanted => Ok(Outcome::Done(json!(compute))),
            ComputeState::Error => Err(unusable(old, "The compute cannot be used", compute.problem)),
            _ => Ok(Outcome::park(compute_key(old.id()), LOOK_AGAIN, "the VIM changes it")),
        }
    }
}

/// What the VIM was told when it made the machine.
fn made(old: &Owned) -> Result<Compute, StepError> {
    old.found_as().ok_or_else(|| lost(old))
}

fn lost(old: &Owned) -> StepError {
    let told = ProblemDetails::new(404, "Compute", "the VIM does not have it; roll back, then heal the VNF");
    StepError::permanent(problem_of("There is no compute to change", &told).resource(named(old)))
}

/// A disk that has grown stays so: what undoes its growth leaves it.
fn no_smaller(there: &ComputeRoot, asked: ComputeRoot) -> ComputeRoot {
    match (there, asked) {
        (ComputeRoot::Image { size_bytes: has, .. }, ComputeRoot::Image { image_id, size_bytes }) => {
            ComputeRoot::Image { image_id, size_bytes: size_bytes.max(*has) }
        }
        (_, asked) => asked,
    }
}

/// The machine as it shall be: what a running one cannot change stays as it was asked for. `named` is the VIM's own flavour for
/// it when it gets another one.
fn spec(there: ComputeSpec, part: &VnfcPart, old: &Owned, named: Option<String>) -> ComputeSpec {
    let flavour = match old.vnfc().is_some_and(|was| was.flavour == part.flavour) {
        true => there.flavour,
        false => Flavour { vim_flavour_id: named, ..part.flavour.clone() },
    };
    let root = match (there.root, &part.root) {
        (ComputeRoot::Image { image_id, size_bytes }, RootPart::Image { size_bytes: wanted, .. }) => {
            ComputeRoot::Image { image_id, size_bytes: wanted.or(size_bytes) }
        }
        (root, _) => root,
    };
    ComputeSpec {
        root,
        flavour,
        volumes: part.volumes.clone(),
        ports: part.nics().collect(),
        affinity_groups: part.groups.clone(),
        power: if old.stopped { DesiredPower::Stopped } else { DesiredPower::Running },
        ..there
    }
}
