//! The engine's problems as ProblemDetails, and what the engine refuses as answers (SOL013 clause 6.3).

use lcm::{OperationView, Problem, SubmitError, TaskError};
use reference_points::common::{Fault, ProblemDetails, TraceContext};
use service::http::ApiError;

/// An operation's problem as its occurrence shows it.
pub fn details(problem: &Problem, op: &OperationView) -> ProblemDetails {
    let mut out = ProblemDetails::new(problem.status.unwrap_or(500), problem.title.clone(), problem.detail.clone());
    out.step.clone_from(&problem.step);
    out.resource.clone_from(&problem.resource);
    out.answer.clone_from(&problem.source);
    out.faults = problem.others.iter().map(other).collect();
    out.next = next(problem);
    out.trace_id = trace_id(op);
    out
}

/// The trace id that an operation's log lines carry.
pub fn trace_id(op: &OperationView) -> Option<String> {
    op.traceparent.as_deref()?.parse::<TraceContext>().ok().map(|t| t.trace_id())
}

/// A failure beside the first one.
fn other(problem: &Problem) -> Fault {
    let at = problem.step.clone().unwrap_or_else(|| "operation".to_owned());
    Fault::new(at, problem.to_string())
}

fn next(problem: &Problem) -> Option<String> {
    let mut words = Vec::new();
    if let Some(retry) = &problem.retry {
        words.push(retry.clone());
    }
    if let Some(rollback) = &problem.rollback {
        words.push(rollback.clone());
    }
    if !problem.remaining.is_empty() {
        words.push(format!("what these steps made may remain: {}", problem.remaining.join(", ")));
    }
    (!words.is_empty()).then(|| words.join("; "))
}

/// Why an operation was not accepted.
pub fn not_accepted(error: SubmitError) -> ApiError {
    match error {
        SubmitError::Conflict { running, state, .. } => {
            let detail =
                format!("operation {running} on this NS instance is {state}, and only one at a time is possible");
            let next = match state {
                lcm::OperationState::FailedTemp => {
                    format!("mano op retry {running}, mano op rollback {running} or mano op fail {running}")
                }
                _ => format!("wait for it: mano op watch {running}"),
            };
            let mut problem = ProblemDetails::conflict(detail).next(next);
            problem.instance = Some(format!("/nslcm/v2/ns_lcm_op_occs/{running}"));
            ApiError::new(problem)
        }
        SubmitError::Db(error) => error.into(),
        other => ApiError::internal(other.to_string()),
    }
}

/// Why a task was not performed.
pub fn not_performed(error: TaskError) -> ApiError {
    match error {
        TaskError::NotFound(id) => ApiError::not_found(format!("NS operation occurrence {id}")),
        TaskError::Refused { .. } => ApiError::conflict(error.to_string()),
        TaskError::Db(error) => error.into(),
        TaskError::Observer(_) => ApiError::internal(error.to_string()),
    }
}
