//! Below `/mano/v1`, where the NFVO tells of quotas (SOL003 clause 11.4.4).

use axum::extract::State;
use axum::http::StatusCode;
use reference_points::or_vnfm::VrQuotaAvailNotification;
use serde_json::Value;
use service::http::{ApiJson, ApiResult};

use crate::app::App;

/// Answers the NFVO that tries the address it was given (SOL003 clause 11.4.4.3.2).
#[utoipa::path(get, path = "/quota_notifications", responses((status = 204)))]
pub async fn tried() -> StatusCode {
    StatusCode::NO_CONTENT
}

/// Takes a notification of the NFVO. It may come again; that changes nothing.
#[utoipa::path(post, path = "/quota_notifications", request_body = VrQuotaAvailNotification,
    responses((status = 204), (status = 422)))]
pub async fn told(State(app): State<App>, ApiJson(body): ApiJson<Value>) -> ApiResult<StatusCode> {
    app.quotas.hear(&body).await.map(|()| StatusCode::NO_CONTENT)
}
