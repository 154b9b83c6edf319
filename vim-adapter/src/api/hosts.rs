//! Routes of the hosts of a VIM.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use reference_points::or_vi::{Host, HostSpec};
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

/// Hosts of a VIM.
#[utoipa::path(get, path = "/vims/{vim}/hosts", tag = "hosts", params(("filter" = Option<String>, Query, description = "SOL013 clause 5.2"), ("fields" = Option<String>, Query, description = "SOL013 clause 5.3")),
    responses((status = 200, body = Vec<Host>)))]
async fn list(State(app): State<Shared>, Path(vim): Path<Uuid>, query: ListQuery) -> Answer<Response> {
    listed(&query, &app.hosts(vim).await?)
}

/// One host.
#[utoipa::path(get, path = "/vims/{vim}/hosts/{name}", tag = "hosts", responses((status = 200, body = Host)))]
async fn get(State(app): State<Shared>, Path((vim, name)): Path<(Uuid, String)>) -> Answer<ApiJson<Host>> {
    Ok(ApiJson(app.host(vim, &name).await?))
}

/// Adds or changes a host. Whether its agent answers stands in the answer.
#[utoipa::path(put, path = "/vims/{vim}/hosts/{name}", tag = "hosts", request_body = HostSpec,
    responses((status = 200, body = Host)))]
async fn put(
    State(app): State<Shared>,
    Path((vim, name)): Path<(Uuid, String)>,
    ApiJson(spec): ApiJson<HostSpec>,
) -> Answer<ApiJson<Host>> {
    Ok(ApiJson(app.put_host(vim, &name, spec).await?))
}

/// Removes a host on which nothing is.
#[utoipa::path(delete, path = "/vims/{vim}/hosts/{name}", tag = "hosts",
    responses((status = 204, description = "Gone")))]
async fn delete(State(app): State<Shared>, Path((vim, name)): Path<(Uuid, String)>) -> Answer<StatusCode> {
    app.delete_host(vim, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}
