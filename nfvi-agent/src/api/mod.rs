//! The Nf-Vi interface over HTTP (ETSI GS NFV 006; the interface is ours, see `reference_points::nf_vi`): each handler
//! reads the request, calls the application and answers.

mod events;
mod host;
mod images;
mod machines;
mod snapshots;
mod volumes;

use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use service::auth::Scope;
use service::http::{Api, ApiJson, scoped};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::Agent;

/// What handlers share.
pub type App = Arc<Agent>;

const API: Api = Api { name: "nf-vi", major: "v1", versions: &["1.0.0"] };
const READ: Scope = Scope("nf-vi:v1:readonly");
const MANAGE: Scope = Scope("nf-vi:v1:manage");

/// Every route.
pub fn router() -> OpenApiRouter<App> {
    let routes = OpenApiRouter::new()
        .routes(scoped(READ, routes!(host::host)))
        .routes(scoped(READ, routes!(host::inventory)))
        .routes(scoped(READ, routes!(events::events)))
        .routes(scoped(READ, routes!(images::list)))
        .routes(scoped(READ, routes!(images::get)))
        .routes(scoped(MANAGE, routes!(images::put)))
        .routes(scoped(MANAGE, routes!(images::delete)))
        .routes(scoped(READ, routes!(volumes::list)))
        .routes(scoped(READ, routes!(volumes::get)))
        .routes(scoped(MANAGE, routes!(volumes::put)))
        .routes(scoped(MANAGE, routes!(volumes::delete)))
        .routes(scoped(READ, routes!(machines::list)))
        .routes(scoped(READ, routes!(machines::get)))
        .routes(scoped(MANAGE, routes!(machines::put)))
        .routes(scoped(MANAGE, routes!(machines::delete)))
        .routes(scoped(MANAGE, routes!(machines::power)))
        .routes(scoped(READ, routes!(machines::console_log)))
        .routes(scoped(MANAGE, routes!(machines::console)))
        .routes(scoped(READ, routes!(machines::measurements)))
        .routes(scoped(READ, routes!(machines::reality)))
        .routes(scoped(READ, routes!(snapshots::list)))
        .routes(scoped(READ, routes!(snapshots::get)))
        .routes(scoped(MANAGE, routes!(snapshots::put)))
        .routes(scoped(MANAGE, routes!(snapshots::delete)))
        .routes(scoped(READ, routes!(machines::measure)));
    API.mount(routes)
}

/// 201 for what is new, 200 for what was there.
fn ensured<T: Serialize>((body, new): (T, bool)) -> Response {
    let status = if new { StatusCode::CREATED } else { StatusCode::OK };
    (status, ApiJson(body)).into_response()
}
