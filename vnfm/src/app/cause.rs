//! The engine's refusals as answers.

use lcm::{SubmitError, TaskError};
use reference_points::common::{Fault, ProblemDetails};
use service::http::ApiError;

/// A submission that was refused. One operation at a time: the running one is linked.
pub fn submit(error: SubmitError, base: &str) -> ApiError {
    match error {
        SubmitError::Conflict { running, state, .. } => {
            let mut problem = ProblemDetails::conflict(format!("operation {running} on this VNF instance is {state}"));
            problem.instance = Some(format!("{base}/vnflcm/v2/vnf_lcm_op_occs/{running}"));
            problem.next = Some(format!("mano op show {running}; wait for it, or retry, roll back or fail it"));
            problem.into()
        }
        SubmitError::Plan(faults) => {
            let faults = faults.0.into_iter().map(|f| Fault::new("VNFD", f)).collect();
            ApiError::unprocessable("the operation is larger than this VNFM carries out", faults)
        }
        SubmitError::Db(error) => error.into(),
        other => ApiError::internal(other.to_string()),
    }
}

/// A task that was refused.
pub fn task(error: TaskError) -> ApiError {
    match error {
        TaskError::NotFound(id) => ApiError::not_found(format!("VNF LCM operation occurrence {id}")),
        TaskError::Refused { .. } => ApiError::conflict(error.to_string()),
        TaskError::Db(error) => error.into(),
        TaskError::Observer(error) => ApiError::internal(error.to_string()),
    }
}
