//! Steps: one effect each on a VIM, the VNFM or the records, and how to take it back. What they are given is decided in
//! [`crate::ops::plan`].

mod image;
mod links;
mod traced;
mod vnf;

pub use vnf::wake_key;

use std::sync::Arc;

use lcm::{Problem, Registry, StepError};
use reference_points::common::{CallError, Fault, Owner, OwnerKind, ProblemDetails};
use uuid::Uuid;

use crate::effects::{ImageContent, Ledger, LedgerError, Vims, Vnfms};
use crate::ops::params::kinds;

/// What the steps act on.
#[derive(Clone)]
pub struct World {
    /// VIMs.
    pub vims: Arc<dyn Vims>,
    /// VNFM.
    pub vnfms: Arc<dyn Vnfms>,
    /// Package files.
    pub images: Arc<dyn ImageContent>,
    /// Records.
    pub ledger: Arc<dyn Ledger>,
}

/// The code behind every kind of step.
pub fn registry(world: &World) -> Registry {
    let vims = || world.vims.clone();
    let vnf = || vnf::VnfStep { vnfms: world.vnfms.clone(), ledger: world.ledger.clone() };
    Registry::new()
        .with(kinds::NETWORK, links::Network(vims()))
        .with(kinds::SUBNET, links::Subnet(vims()))
        .with(kinds::SUBNET_DELETE, links::DeleteSubnet(vims()))
        .with(kinds::NETWORK_DELETE, links::DeleteNetwork(vims()))
        .with(kinds::IMAGE, image::Image { vims: vims(), images: world.images.clone(), ledger: world.ledger.clone() })
        .with(kinds::VNF_CREATE, vnf::Create(vnf()))
        .with(kinds::VNF_INSTANTIATE, vnf::Instantiate(vnf()))
        .with(kinds::VNF_TERMINATE, vnf::Terminate(vnf()))
        .with(kinds::VNF_DELETE, vnf::Delete(vnf()))
        .map(|_, step| Arc::new(traced::Traced(step)))
}

/// Owner mark of what a step makes for an NS.
fn owner(ns: Uuid, cx: &lcm::StepCx) -> Owner {
    Owner { kind: OwnerKind::NsInstance, id: ns, operation: Some(cx.operation), step: Some(cx.key.clone()) }
}

/// A call that gave no answer, as the engine must know it: nothing happened, refused, or not known.
fn failed(attempted: &str, resource: &str, error: &CallError) -> StepError {
    let problem = problem(attempted, resource, &error.to_problem());
    if error.is_transient() || error.status().is_some_and(|s| s == 500) {
        StepError::transient(problem)
    } else if error.is_unknown() {
        StepError::unknown(problem)
    } else {
        StepError::permanent(problem)
    }
}

/// A ProblemDetails of another service as the journal keeps it. What has no field of its own goes into the texts.
fn problem(attempted: &str, resource: &str, details: &ProblemDetails) -> Problem {
    let mut detail = details.to_string();
    for Fault { location, message, mend } in &details.faults {
        if detail.contains(message.as_str()) {
            continue;
        }
        let mend = mend.as_deref().map(|m| format!(" ({m})")).unwrap_or_default();
        detail.push_str(&format!("; {location}: {message}{mend}"));
    }
    if let Some(next) = &details.next {
        detail.push_str(&format!("; {next}"));
    }
    let resource = details.resource.clone().unwrap_or_else(|| resource.to_owned());
    let problem = Problem::new(attempted, detail).status(details.status).resource(resource);
    match &details.answer {
        Some(answer) => problem.answered(answer.clone()),
        None => problem,
    }
}

/// The records cannot be written: worth another try.
fn ledger(error: &LedgerError) -> StepError {
    StepError::transient(Problem::new("Records", error.to_string()).status(503))
}

/// A resource that the VIM could not make.
fn broken(attempted: &str, resource: &str, why: Option<&ProblemDetails>) -> StepError {
    let unexplained = ProblemDetails::new(500, "Unexplained", "the VIM reports state error and gives no reason");
    StepError::permanent(problem(attempted, resource, why.unwrap_or(&unexplained)))
}

#[cfg(test)]
mod tests;
