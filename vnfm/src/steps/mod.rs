//! One effect each: what the plans of [`crate::ops`] are made of, against the VIM and the NFVO.

mod compute;
mod grant;
mod network;
mod power;
mod record;
mod remove;
mod restore;
mod storage;
mod traced;

use std::sync::Arc;
use std::time::Duration;

use lcm::{Problem, Registry, StepCx, StepError};
use reference_points::common::{CallError, Owner, OwnerKind, ProblemDetails};
use reference_points::or_vnfm::Grant;
use uuid::Uuid;

pub use grant::{Granting, Nfvo};

use crate::ops::grants::{self, Place};
use crate::ops::instantiate::GRANT;
use crate::vi::Vi;

/// How long a step waits for an event before it looks by itself.
const LOOK_AGAIN: Duration = Duration::from_secs(20);

/// The steps of every operation.
pub fn registry(vi: &Arc<dyn Vi>, granting: &Arc<dyn Granting>) -> Registry {
    Registry::new()
        .with("grant", grant::Ask(granting.clone()))
        .with("affinity_group", network::MakeGroup(vi.clone()))
        .with("network", network::MakeNetwork(vi.clone()))
        .with("subnet", network::MakeSubnet(vi.clone()))
        .with("port", network::MakePort(vi.clone()))
        .with("volume", storage::MakeVolume(vi.clone()))
        .with("compute", compute::Run(vi.clone()))
        .with("remove", remove::Remove(vi.clone()))
        .with("clear", remove::Remove(vi.clone()))
        .with("restore", restore::Restore(vi.clone()))
        .with("power", power::Power(vi.clone()))
        .with("record", record::Record)
        .map(|_, step| Arc::new(traced::Traced(step)))
}

/// Wake key of a compute's changes.
pub fn compute_key(id: Uuid) -> String {
    format!("compute/{id}")
}

/// Wake key of a volume's changes.
pub fn volume_key(id: Uuid) -> String {
    format!("volume/{id}")
}

/// Owner mark of what a step makes.
fn owner(cx: &StepCx) -> Result<Owner, StepError> {
    let id = cx.subject.parse().map_err(|_| permanent("The operation's subject is no VNF instance", &cx.subject))?;
    Ok(Owner { kind: OwnerKind::VnfInstance, id, operation: Some(cx.operation), step: Some(cx.key.clone()) })
}

fn permanent(title: &str, detail: &str) -> StepError {
    StepError::permanent(Problem::new(title, detail))
}

/// The grant of this operation.
fn granted(cx: &StepCx) -> Result<Grant, StepError> {
    cx.output_as(GRANT)
}

/// Where the grant puts a resource; in an undo whose grant never came there is nothing to undo.
fn place(cx: &StepCx, definition: Uuid) -> Result<Place, StepError> {
    grants::place(&granted(cx)?, definition).map_err(StepError::Permanent)
}

/// What a failed call means for the step.
fn failed(what: &str, resource: String, error: &CallError) -> StepError {
    let told = error.to_problem();
    let problem = problem_of(what, &told).resource(resource);
    if error.is_transient() {
        StepError::transient(problem)
    } else if error.is_unknown() {
        StepError::unknown(problem)
    } else {
        StepError::permanent(problem)
    }
}

/// A problem of another service in the engine's words: the faults it named go into the detail.
fn problem_of(title: &str, told: &ProblemDetails) -> Problem {
    let mut detail = told.detail.clone();
    for fault in &told.faults {
        detail += &format!("; {}: {}", fault.location, fault.message);
    }
    let problem = Problem::new(title, detail).status(told.status);
    match &told.answer {
        Some(answer) => problem.answered(answer.clone()),
        None => problem,
    }
}
