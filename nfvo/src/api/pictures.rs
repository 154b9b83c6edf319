//! `/mano/v1`: the topology of onboarded descriptors as pictures.

use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use service::http::ApiResult;
use utoipa::IntoParams;
use uuid::Uuid;

use crate::app::{App, pictures};

/// Which deployment flavour is drawn.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Of {
    /// Deployment flavour; absent means the descriptor's first.
    pub flavour_id: Option<String>,
}

/// Topology of a VNF package.
#[utoipa::path(get, path = "/vnf_packages/{vnfPkgId}/picture", params(("vnfPkgId" = Uuid, Path), Of),
    responses((status = 200, content_type = "image/svg+xml", body = String)))]
pub async fn package(State(app): State<App>, Path(id): Path<Uuid>, Query(of): Query<Of>) -> ApiResult<Response> {
    pictures::package(&app, id, of.flavour_id.as_deref()).await.map(svg)
}

/// Topology of an NSD.
#[utoipa::path(get, path = "/ns_descriptors/{nsdInfoId}/picture", params(("nsdInfoId" = Uuid, Path), Of),
    responses((status = 200, content_type = "image/svg+xml", body = String)))]
pub async fn nsd(State(app): State<App>, Path(id): Path<Uuid>, Query(of): Query<Of>) -> ApiResult<Response> {
    pictures::nsd(&app, id, of.flavour_id.as_deref()).await.map(svg)
}

/// Names in it come from packages: a browser that opens it alone runs and loads nothing.
fn svg(picture: String) -> Response {
    let head = [
        (header::CONTENT_TYPE, "image/svg+xml"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (head, picture).into_response()
}
