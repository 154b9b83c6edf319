//! `nslcm/v2`: NS instances, their operations and the tasks of these (SOL005 clause 6.4).

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use lcm::{CancelMode as Mode, Task};
use reference_points::or_vnfm::CancelMode;
use reference_points::os_ma_nfvo::{CreateNsRequest, InstantiateNsRequest, NsInstance, NsLcmOpOcc, TerminateNsRequest};
use service::http::{ApiJson, ApiResult, IfMatch};
use service::query::ListQuery;
use uuid::Uuid;

use crate::app::{App, ns, ns_view, tasks};
use crate::store::op_occs::OP_OCCS;

/// NS instances, filtered, with the attributes asked for, by pages.
#[utoipa::path(get, path = "/ns_instances", responses((status = 200, body = Vec<NsInstance>)))]
pub async fn list(State(app): State<App>, query: ListQuery) -> ApiResult<Response> {
    ns::list(&app, &query).await
}

/// Creates an NS instance identifier.
#[utoipa::path(post, path = "/ns_instances", request_body = CreateNsRequest, responses((status = 201, body = NsInstance)))]
pub async fn create(State(app): State<App>, ApiJson(request): ApiJson<CreateNsRequest>) -> ApiResult<Response> {
    let ns = ns::create(&app, request).await?;
    let location = [(header::LOCATION, ns_view::ns_path(ns.id))];
    Ok((StatusCode::CREATED, location, ApiJson(ns)).into_response())
}

/// An NS instance.
#[utoipa::path(get, path = "/ns_instances/{nsInstanceId}", params(("nsInstanceId" = Uuid, Path)), responses((status = 200, body = NsInstance)))]
pub async fn show(State(app): State<App>, Path(id): Path<Uuid>) -> ApiResult<Response> {
    let (ns, etag) = ns::get(&app, id).await?;
    Ok(([(header::ETAG, etag)], ApiJson(ns)).into_response())
}

/// Deletes an NS instance identifier.
#[utoipa::path(delete, path = "/ns_instances/{nsInstanceId}", params(("nsInstanceId" = Uuid, Path)), responses((status = 204)))]
pub async fn delete(State(app): State<App>, Path(id): Path<Uuid>, if_match: IfMatch) -> ApiResult<StatusCode> {
    ns::delete(&app, id, if_match).await.map(|()| StatusCode::NO_CONTENT)
}

/// Begins an instantiation.
#[utoipa::path(post, path = "/ns_instances/{nsInstanceId}/instantiate", params(("nsInstanceId" = Uuid, Path)), request_body = InstantiateNsRequest, responses((status = 202)))]
pub async fn instantiate(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    ApiJson(request): ApiJson<InstantiateNsRequest>,
) -> ApiResult<Response> {
    Ok(accepted(ns::instantiate(&app, id, request).await?))
}

/// Begins a termination.
#[utoipa::path(post, path = "/ns_instances/{nsInstanceId}/terminate", params(("nsInstanceId" = Uuid, Path)), request_body = TerminateNsRequest, responses((status = 202)))]
pub async fn terminate(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    ApiJson(request): ApiJson<TerminateNsRequest>,
) -> ApiResult<Response> {
    Ok(accepted(ns::terminate(&app, id, request).await?))
}

fn accepted(op: Uuid) -> Response {
    (StatusCode::ACCEPTED, [(header::LOCATION, ns_view::op_path(op))]).into_response()
}

/// Operation occurrences, filtered, with the attributes asked for, by pages.
#[utoipa::path(get, path = "/ns_lcm_op_occs", responses((status = 200, body = Vec<NsLcmOpOcc>)))]
pub async fn list_occurrences(State(app): State<App>, query: ListQuery) -> ApiResult<Response> {
    OP_OCCS.respond(&app.db, &query, |_, _| ()).await
}

/// An operation occurrence as it stands now.
#[utoipa::path(get, path = "/ns_lcm_op_occs/{nsLcmOpOccId}", params(("nsLcmOpOccId" = Uuid, Path)), responses((status = 200, body = NsLcmOpOcc)))]
pub async fn show_occurrence(State(app): State<App>, Path(id): Path<Uuid>) -> ApiResult<ApiJson<NsLcmOpOcc>> {
    tasks::get(&app, id).await.map(ApiJson)
}

/// Tries the failed steps again.
#[utoipa::path(post, path = "/ns_lcm_op_occs/{nsLcmOpOccId}/retry", params(("nsLcmOpOccId" = Uuid, Path)), responses((status = 202)))]
pub async fn retry(State(app): State<App>, Path(id): Path<Uuid>) -> ApiResult<StatusCode> {
    tasks::perform(&app, id, Task::Retry, Mode::Graceful).await.map(|()| StatusCode::ACCEPTED)
}

/// Undoes what was done.
#[utoipa::path(post, path = "/ns_lcm_op_occs/{nsLcmOpOccId}/rollback", params(("nsLcmOpOccId" = Uuid, Path)), responses((status = 202)))]
pub async fn rollback(State(app): State<App>, Path(id): Path<Uuid>) -> ApiResult<StatusCode> {
    tasks::perform(&app, id, Task::Rollback, Mode::Graceful).await.map(|()| StatusCode::ACCEPTED)
}

/// Goes on after a failure. What failed is tried again: nothing of an NS can be left out of it.
#[utoipa::path(post, path = "/ns_lcm_op_occs/{nsLcmOpOccId}/continue", params(("nsLcmOpOccId" = Uuid, Path)), responses((status = 202)))]
pub async fn proceed(State(app): State<App>, Path(id): Path<Uuid>) -> ApiResult<StatusCode> {
    tasks::perform(&app, id, Task::Retry, Mode::Graceful).await.map(|()| StatusCode::ACCEPTED)
}

/// Gives the operation up.
#[utoipa::path(post, path = "/ns_lcm_op_occs/{nsLcmOpOccId}/fail", params(("nsLcmOpOccId" = Uuid, Path)), responses((status = 200, body = NsLcmOpOcc)))]
pub async fn fail(State(app): State<App>, Path(id): Path<Uuid>) -> ApiResult<ApiJson<NsLcmOpOcc>> {
    tasks::perform(&app, id, Task::Fail, Mode::Graceful).await?;
    tasks::get(&app, id).await.map(ApiJson)
}

/// Cancels the operation.
#[utoipa::path(post, path = "/ns_lcm_op_occs/{nsLcmOpOccId}/cancel", params(("nsLcmOpOccId" = Uuid, Path)), request_body = CancelMode, responses((status = 202)))]
pub async fn cancel(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    ApiJson(mode): ApiJson<CancelMode>,
) -> ApiResult<StatusCode> {
    tasks::perform(&app, id, Task::Cancel, tasks::mode(mode.cancel_mode)).await.map(|()| StatusCode::ACCEPTED)
}
