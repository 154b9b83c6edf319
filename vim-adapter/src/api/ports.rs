//! Routes of ports (IFA005 clause 7.4).

use axum::extract::{Path, State};
use axum::response::Response;
use reference_points::or_vi::{Port, PortSpec};
use service::http::{ApiJson, scoped};
use service::query::ListQuery;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::{Answer, Deleted, MANAGE, READ, Shared, listed};

/// Every route.
pub fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(scoped(READ, routes!(list)))
        .routes(scoped(READ, routes!(get)))
        .routes(scoped(MANAGE, routes!(put, delete)))
}

/// Ports of a VIM.
#[utoipa::path(get, path = "/vims/{vim}/ports", tag = "ports", params(("filter" = Option<String>, Query, description = "SOL013 clause 5.2"), ("fields" = Option<String>, Query, description = "SOL013 clause 5.3")),
    responses((status = 200, body = Vec<Port>)))]
async fn list(State(app): State<Shared>, Path(vim): Path<Uuid>, query: ListQuery) -> Answer<Response> {
    listed(&query, &app.ports(vim).await?)
}

/// One port.
#[utoipa::path(get, path = "/vims/{vim}/ports/{id}", tag = "ports", responses((status = 200, body = Port)))]
async fn get(State(app): State<Shared>, Path((vim, id)): Path<(Uuid, Uuid)>) -> Answer<ApiJson<Port>> {
    Ok(ApiJson(app.port(vim, id).await?))
}

/// Ensures that a port exists.
#[utoipa::path(put, path = "/vims/{vim}/ports/{id}", tag = "ports", request_body = PortSpec,
    responses((status = 200, body = Port)))]
async fn put(
    State(app): State<Shared>,
    Path((vim, id)): Path<(Uuid, Uuid)>,
    ApiJson(spec): ApiJson<PortSpec>,
) -> Answer<ApiJson<Port>> {
    Ok(ApiJson(app.put_port(vim, id, spec).await?))
}

/// Removes a port; one that is gone already is done.
#[utoipa::path(delete, path = "/vims/{vim}/ports/{id}", tag = "ports",
    responses((status = 204, description = "Gone"), (status = 202, description = "Being removed")))]
async fn delete(State(app): State<Shared>, Path((vim, id)): Path<(Uuid, Uuid)>) -> Answer<Deleted> {
    Ok(app.delete_port(vim, id).await?.into())
}
