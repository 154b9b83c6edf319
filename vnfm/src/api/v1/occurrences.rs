//! Operation occurrences as version 1 has them: those of operations that came with later versions of SOL003 are of version 2
//! alone, and are neither shown nor told here.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use reference_points::or_vnfm::{CancelMode, LcmOperationType, VnfLcmOpOcc};
use serde_json::Value;
use service::http::{ApiError, ApiJson, ApiResult};
use service::query::{Condition, ListQuery, Op, Step};
use uuid::Uuid;

use super::translate::CURRENT;
use crate::api::occurrences;
use crate::app::{App, subscriptions};

/// Operations that version 1 does not know.
const LATER: [LcmOperationType; 3] =
    [LcmOperationType::ChangeVnfpkg, LcmOperationType::CreateSnapshot, LcmOperationType::RevertToSnapshot];

/// As [`subscriptions::wants`], of operations that version 1 knows.
pub fn wants(filter: &Value, attributes: &Value) -> bool {
    let operation = attributes.get("operation").and_then(Value::as_str);
    !LATER.iter().any(|later| operation == Some(later.as_str())) && subscriptions::wants(filter, attributes)
}

/// That an operation is one of version 1, if it is one at all.
async fn known(app: &App, id: Uuid) -> ApiResult<()> {
    let kind = app.engine.get(id).await?.map(|op| op.kind).unwrap_or_default();
    let Some(operation) = LATER.iter().map(|later| later.as_str()).find(|later| *later == kind) else { return Ok(()) };
    let mut refused = ApiError::not_found("an operation occurrence of version 1");
    refused.problem.detail = format!("operation {id} is a {operation}, which version 1 does not know");
    refused.problem.next = Some(format!("ask {CURRENT}vnf_lcm_op_occs/{id}"));
    Err(refused)
}

/// Operation occurrences, filtered, with the attributes asked for, by pages.
#[utoipa::path(get, path = "/vnf_lcm_op_occs", responses((status = 200, body = Vec<VnfLcmOpOcc>)))]
pub async fn list(state: State<App>, mut query: ListQuery) -> ApiResult<Response> {
    let values = LATER.iter().map(|later| later.as_str().to_owned()).collect();
    let path = vec![Step::Name("operation".to_owned())];
    query.filter.conditions.push(Condition { op: Op::Nin, path, values });
    occurrences::list(state, query).await
}

/// An operation occurrence as it stands now.
#[utoipa::path(get, path = "/vnf_lcm_op_occs/{vnfLcmOpOccId}", params(("vnfLcmOpOccId" = Uuid, Path)), responses((status = 200, body = VnfLcmOpOcc)))]
pub async fn show(State(app): State<App>, Path(id): Path<Uuid>) -> ApiResult<Response> {
    known(&app, id).await?;
    occurrences::show(State(app), Path(id)).await
}

/// Tries the failed steps again.
#[utoipa::path(post, path = "/vnf_lcm_op_occs/{vnfLcmOpOccId}/retry", params(("vnfLcmOpOccId" = Uuid, Path)), responses((status = 202)))]
pub async fn retry(State(app): State<App>, Path(id): Path<Uuid>) -> ApiResult<StatusCode> {
    known(&app, id).await?;
    occurrences::retry(State(app), Path(id)).await
}

/// Undoes what was done.
#[utoipa::path(post, path = "/vnf_lcm_op_occs/{vnfLcmOpOccId}/rollback", params(("vnfLcmOpOccId" = Uuid, Path)), responses((status = 202)))]
pub async fn rollback(State(app): State<App>, Path(id): Path<Uuid>) -> ApiResult<StatusCode> {
    known(&app, id).await?;
    occurrences::rollback(State(app), Path(id)).await
}

/// Gives the operation up.
#[utoipa::path(post, path = "/vnf_lcm_op_occs/{vnfLcmOpOccId}/fail", params(("vnfLcmOpOccId" = Uuid, Path)), responses((status = 200, body = VnfLcmOpOcc)))]
pub async fn fail(State(app): State<App>, Path(id): Path<Uuid>) -> ApiResult<Response> {
    known(&app, id).await?;
    occurrences::fail(State(app), Path(id)).await
}

/// Cancels the operation.
#[utoipa::path(post, path = "/vnf_lcm_op_occs/{vnfLcmOpOccId}/cancel", params(("vnfLcmOpOccId" = Uuid, Path)), request_body = CancelMode, responses((status = 202)))]
pub async fn cancel(State(app): State<App>, Path(id): Path<Uuid>, mode: ApiJson<CancelMode>) -> ApiResult<StatusCode> {
    known(&app, id).await?;
    occurrences::cancel(State(app), Path(id), mode).await
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn operations_of_later_versions_are_not_told() {
        let of = |operation: &str| {
            let attributes =
                json!({ "notificationType": "VnfLcmOperationOccurrenceNotification", "operation": operation });
            wants(&json!({}), &attributes)
        };
        assert!(of("SCALE") && !of("CHANGE_VNFPKG") && !of("CREATE_SNAPSHOT"));
        assert!(wants(&json!({}), &json!({ "notificationType": "VnfIdentifierCreationNotification" })));
    }
}
