//! `/mano/v1`: the steps of an operation, for live views, and a VNF held against its descriptor.

use axum::extract::{Path, State};
use axum::response::Response;
use reference_points::os_ma_nfvo::mano::{OpEvent, OpProgress};
use reference_points::os_ma_nfvo::verification::Verification;
use service::http::{After, ApiJson, ApiResult};
use uuid::Uuid;

use crate::app::App;

/// The steps of an operation as they stand.
#[utoipa::path(get, path = "/vnf_lcm_op_occs/{vnfLcmOpOccId}/steps", params(("vnfLcmOpOccId" = Uuid, Path)), responses((status = 200, body = OpProgress)))]
pub async fn steps(State(app): State<App>, Path(id): Path<Uuid>) -> ApiResult<ApiJson<OpProgress>> {
    app.progress(id).await.map(ApiJson)
}

/// An operation as it happens, as server-sent events.
#[utoipa::path(get, path = "/vnf_lcm_op_occs/{vnfLcmOpOccId}/events", params(("vnfLcmOpOccId" = Uuid, Path)), responses((status = 200, content_type = "text/event-stream", body = OpEvent)))]
pub async fn events(State(app): State<App>, Path(id): Path<Uuid>, after: After) -> ApiResult<Response> {
    app.stream(id, after).await
}

/// A VNF held against its descriptor, by what its VIM answers now.
#[utoipa::path(get, path = "/vnf_instances/{vnfInstanceId}/verification", params(("vnfInstanceId" = Uuid, Path)),
    responses((status = 200, description = "every check, held or not", body = Verification),
        (status = 409, description = "it is not instantiated"), (status = 422, description = "its VNFD cannot be read")))]
pub async fn verification(State(app): State<App>, Path(id): Path<Uuid>) -> ApiResult<ApiJson<Verification>> {
    app.verification(id).await.map(ApiJson)
}
