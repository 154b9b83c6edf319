//! Routes of networks (IFA005 clause 7.4).

use axum::extract::{Path, State};
use axum::response::Response;
use reference_points::or_vi::{Network, NetworkSpec};
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

/// Networks of a VIM.
#[utoipa::path(get, path = "/vims/{vim}/networks", tag = "networks", params(("filter" = Option<String>, Query, description = "SOL013 clause 5.2"), ("fields" = Option<String>, Query, description = "SOL013 clause 5.3")),
    responses((status = 200, body = Vec<Network>)))]
async fn list(State(app): State<Shared>, Path(vim): Path<Uuid>, query: ListQuery) -> Answer<Response> {
    listed(&query, &app.networks(vim).await?)
}

/// One network.
#[utoipa::path(get, path = "/vims/{vim}/networks/{id}", tag = "networks", responses((status = 200, body = Network)))]
async fn get(State(app): State<Shared>, Path((vim, id)): Path<(Uuid, Uuid)>) -> Answer<ApiJson<Network>> {
    Ok(ApiJson(app.network(vim, id).await?))
}

/// Ensures that a network exists.
#[utoipa::path(put, path = "/vims/{vim}/networks/{id}", tag = "networks", request_body = NetworkSpec,
    responses((status = 200, body = Network)))]
async fn put(
    State(app): State<Shared>,
    Path((vim, id)): Path<(Uuid, Uuid)>,
    ApiJson(spec): ApiJson<NetworkSpec>,
) -> Answer<ApiJson<Network>> {
    Ok(ApiJson(app.put_network(vim, id, spec).await?))
}

/// Removes a network; one that is gone already is done.
#[utoipa::path(delete, path = "/vims/{vim}/networks/{id}", tag = "networks",
    responses((status = 204, description = "Gone"), (status = 202, description = "Being removed")))]
async fn delete(State(app): State<Shared>, Path((vim, id)): Path<(Uuid, Uuid)>) -> Answer<Deleted> {
    Ok(app.delete_network(vim, id).await?.into())
}
