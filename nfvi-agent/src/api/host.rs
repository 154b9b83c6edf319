//! The host, and what is really on it.

use axum::extract::State;
use reference_points::nf_vi::{HostInfo, Inventory};
use service::http::{ApiJson, ApiResult};

use super::App;

/// Facts, capacity and health of this host.
#[utoipa::path(get, path = "/host", tag = "host", responses((status = 200, body = HostInfo)))]
pub(super) async fn host(State(app): State<App>) -> ApiResult<ApiJson<HostInfo>> {
    Ok(ApiJson(app.host().await?))
}

/// What the hypervisor, the switch and the disk really hold.
#[utoipa::path(get, path = "/inventory", tag = "host", responses((status = 200, body = Inventory)))]
pub(super) async fn inventory(State(app): State<App>) -> ApiResult<ApiJson<Inventory>> {
    Ok(ApiJson(app.inventory().await?))
}
