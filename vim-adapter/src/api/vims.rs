//! Routes of VIMs.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use reference_points::or_vi::{Vim, VimSpec};
use service::http::{ApiJson, scoped};
use service::query::ListQuery;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::{ADMIN, Answer, READ, Shared, listed};

/// Every route.
pub fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(scoped(READ, routes!(list)))
        .routes(scoped(READ, routes!(get)))
        .routes(scoped(ADMIN, routes!(put, delete)))
}

/// Registered VIMs, with their health as asked now.
#[utoipa::path(get, path = "/vims", tag = "vims", params(("filter" = Option<String>, Query, description = "SOL013 clause 5.2"), ("fields" = Option<String>, Query, description = "SOL013 clause 5.3")),
    responses((status = 200, body = Vec<Vim>)))]
async fn list(State(app): State<Shared>, query: ListQuery) -> Answer<Response> {
    listed(&query, &app.vims().await?)
}

/// One VIM, with its health as asked now.
#[utoipa::path(get, path = "/vims/{vim}", tag = "vims", responses((status = 200, body = Vim)))]
async fn get(State(app): State<Shared>, Path(vim): Path<Uuid>) -> Answer<ApiJson<Vim>> {
    Ok(ApiJson(app.vim(vim).await?))
}

/// Registers a VIM, or changes how it is reached; it is asked at once whether that works.
#[utoipa::path(put, path = "/vims/{vim}", tag = "vims", request_body = VimSpec, responses((status = 200, body = Vim)))]
async fn put(
    State(app): State<Shared>,
    Path(vim): Path<Uuid>,
    ApiJson(spec): ApiJson<VimSpec>,
) -> Answer<ApiJson<Vim>> {
    Ok(ApiJson(app.put_vim(vim, spec).await?))
}

/// Forgets a VIM that holds nothing.
#[utoipa::path(delete, path = "/vims/{vim}", tag = "vims", responses((status = 204, description = "Gone")))]
async fn delete(State(app): State<Shared>, Path(vim): Path<Uuid>) -> Answer<StatusCode> {
    app.delete_vim(vim).await?;
    Ok(StatusCode::NO_CONTENT)
}
