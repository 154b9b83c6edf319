//! Where the VNFM's notifications arrive (SOL003 clause 5.4.20).

use axum::extract::State;
use axum::http::StatusCode;
use reference_points::or_vnfm::LccnNotification;
use service::http::{ApiJson, ApiResult};

use crate::app::{App, notified};

/// Path of the notifications of `vnflcm/v2`.
pub const VNFLCM: &str = "/callbacks/vnflcm";

/// Tells the VNFM that its notifications arrive (SOL003 clause 5.4.20.3.2).
#[utoipa::path(get, path = "/callbacks/vnflcm", responses((status = 204)))]
pub async fn probe() -> StatusCode {
    StatusCode::NO_CONTENT
}

/// A notification of the VNFM. It may come again; that changes nothing.
#[utoipa::path(post, path = "/callbacks/vnflcm", request_body = LccnNotification, responses((status = 204)))]
pub async fn vnflcm(State(app): State<App>, ApiJson(notification): ApiJson<LccnNotification>) -> ApiResult<StatusCode> {
    notified::vnflcm(&app, notification).await.map(|()| StatusCode::NO_CONTENT)
}
