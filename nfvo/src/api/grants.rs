//! `grant/v1`: permission for VNF operations (SOL003 clause 9.4).

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use reference_points::or_vnfm::{Grant, GrantRequest, paths};
use service::http::{ApiJson, ApiResult};
use uuid::Uuid;

use crate::app::App;
use crate::app::grants::{self, Answer};

/// Asks for a grant: given at once, or promised.
#[utoipa::path(post, path = "/grants", request_body = GrantRequest, responses((status = 201, body = Grant), (status = 202)))]
pub async fn request(State(app): State<App>, ApiJson(request): ApiJson<GrantRequest>) -> ApiResult<Response> {
    Ok(match grants::request(&app, request).await? {
        Answer::Granted(grant) => {
            (StatusCode::CREATED, [(header::LOCATION, paths::grant(grant.id))], ApiJson(grant)).into_response()
        }
        Answer::Later(id) => (StatusCode::ACCEPTED, [(header::LOCATION, paths::grant(id))]).into_response(),
    })
}

/// A grant; 202 while it is not decided.
#[utoipa::path(get, path = "/grants/{grantId}", params(("grantId" = Uuid, Path)), responses((status = 200, body = Grant), (status = 202)))]
pub async fn show(State(app): State<App>, Path(id): Path<Uuid>) -> ApiResult<Response> {
    Ok(match grants::get(&app, id).await? {
        Answer::Granted(grant) => ApiJson(grant).into_response(),
        Answer::Later(_) => StatusCode::ACCEPTED.into_response(),
    })
}
