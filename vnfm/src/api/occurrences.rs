//! `/vnf_lcm_op_occs` and their tasks (SOL003 clauses 5.4.12 to 5.4.17).

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use reference_points::or_vnfm::{CancelMode, CancelModeType, VnfLcmOpOcc};
use service::http::{ApiJson, ApiResult};
use service::query::ListQuery;
use uuid::Uuid;

use crate::app::App;
use crate::store::OCCURRENCES;

/// Operation occurrences, filtered, with the attributes asked for, by pages.
#[utoipa::path(get, path = "/vnf_lcm_op_occs", responses((status = 200, body = Vec<VnfLcmOpOcc>)))]
pub async fn list(State(app): State<App>, query: ListQuery) -> ApiResult<Response> {
    OCCURRENCES.respond(&app.db, &query, |_, _| ()).await
}

/// An operation occurrence as it stands now.
#[utoipa::path(get, path = "/vnf_lcm_op_occs/{vnfLcmOpOccId}", params(("vnfLcmOpOccId" = Uuid, Path)), responses((status = 200, body = VnfLcmOpOcc)))]
pub async fn show(State(app): State<App>, Path(id): Path<Uuid>) -> ApiResult<Response> {
    let (occurrence, etag) = app.occurrence(id).await?;
    Ok(([(header::ETAG, etag)], ApiJson(occurrence)).into_response())
}

/// Tries the failed steps again.
#[utoipa::path(post, path = "/vnf_lcm_op_occs/{vnfLcmOpOccId}/retry", params(("vnfLcmOpOccId" = Uuid, Path)), responses((status = 202)))]
pub async fn retry(State(app): State<App>, Path(id): Path<Uuid>) -> ApiResult<StatusCode> {
    app.retry(id).await.map(|()| StatusCode::ACCEPTED)
}

/// Undoes what was done.
#[utoipa::path(post, path = "/vnf_lcm_op_occs/{vnfLcmOpOccId}/rollback", params(("vnfLcmOpOccId" = Uuid, Path)), responses((status = 202)))]
pub async fn rollback(State(app): State<App>, Path(id): Path<Uuid>) -> ApiResult<StatusCode> {
    app.rollback(id).await.map(|()| StatusCode::ACCEPTED)
}

/// Gives the operation up.
#[utoipa::path(post, path = "/vnf_lcm_op_occs/{vnfLcmOpOccId}/fail", params(("vnfLcmOpOccId" = Uuid, Path)), responses((status = 200, body = VnfLcmOpOcc)))]
pub async fn fail(State(app): State<App>, Path(id): Path<Uuid>) -> ApiResult<Response> {
    app.fail(id).await?;
    Ok(ApiJson(app.occurrence(id).await?.0).into_response())
}

/// Cancels the operation.
#[utoipa::path(post, path = "/vnf_lcm_op_occs/{vnfLcmOpOccId}/cancel", params(("vnfLcmOpOccId" = Uuid, Path)), request_body = CancelMode, responses((status = 202)))]
pub async fn cancel(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    ApiJson(mode): ApiJson<CancelMode>,
) -> ApiResult<StatusCode> {
    let mode = match mode.cancel_mode {
        CancelModeType::Graceful => lcm::CancelMode::Graceful,
        CancelModeType::Forceful => lcm::CancelMode::Forceful,
    };
    app.cancel(id, mode).await.map(|()| StatusCode::ACCEPTED)
}
