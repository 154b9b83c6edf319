//! One effect each: what the plans of [`crate::ops`] are made of, against the VIM and the NFVO.

mod change;
mod compute;
mod configure;
mod coordinate;
mod grant;
mod network;
mod power;
mod record;
mod remove;
mod restore;
mod revert;
mod script;
mod snapshot;
mod storage;
mod traced;

use std::sync::Arc;
use std::time::Duration;

use lcm::{Problem, Registry, StepCx, StepError};
use reference_points::common::{CallError, Owner, OwnerKind, ProblemDetails};
use reference_points::or_vnfm::Grant;
use uuid::Uuid;

pub use configure::{Configuring, Vnfs};
pub use coordinate::{Coordinating, Coordinators, coordination_key};
pub use grant::{Granting, Known, Nfvo};
pub use script::{Scene, Surroundings};

use crate::ops::grants::{self, Place};
use crate::ops::instantiate::GRANT;
use crate::scripts::Runner;
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
        .with("change", change::ChangeCompute(vi.clone()))
        .with("power", power::Power(vi.clone()))
        .with("snapshot", snapshot::Take(vi.clone()))
        .with("revert", revert::ReturnTo(vi.clone()))
        .with("record", record::Record)
        .map(|_, step| Arc::new(traced::Traced(step)))
}

/// What the steps in which the VNF itself takes part need.
#[derive(Clone)]
pub struct Ve {
    /// What runs scripts.
    pub runner: Arc<dyn Runner>,
    /// What steps around an operation are told.
    pub around: Arc<dyn Surroundings>,
    /// Who coordinates.
    pub coordinating: Arc<dyn Coordinating>,
    /// Who is configured.
    pub configuring: Arc<dyn Configuring>,
}

/// The steps of every operation, with those in which the VNF itself takes part.
pub fn with_ve(registry: Registry, ve: &Ve) -> Registry {
    let around = || ve.around.clone();
    let script = script::RunScript { runner: ve.runner.clone(), around: around() };
    let coordinate = coordinate::Coordinate { with: ve.coordinating.clone(), around: around() };
    let configure = configure::Configure { with: ve.configuring.clone(), around: around() };
    registry
        .with("script", traced::Traced(Arc::new(script)))
        .with("coordinate", traced::Traced(Arc::new(coordinate)))
        .with("configure", traced::Traced(Arc::new(configure)))
}

/// Wake key of a compute's changes.
pub fn compute_key(id: Uuid) -> String {
    format!("compute/{id}")
}

/// Wake key of a volume's changes.
pub fn volume_key(id: Uuid) -> String {
    format!("volume/{id}")
}

/// Wake key of a snapshot's changes.
pub fn snapshot_key(id: Uuid) -> String {
    format!("snapshot/{id}")
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
    let mut problem = Problem::new(title, detail).status(told.status);
    if let Some(title) = &told.title {
        problem = problem.caused_by(title);
    }
    match &told.answer {
        Some(answer) => problem.answered(answer.clone()),
        None => problem,
    }
}
