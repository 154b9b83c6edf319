//! Routes of subnets (IFA005 clause 7.4).

use axum::extract::{Path, State};
use axum::response::Response;
use reference_points::or_vi::{Subnet, SubnetSpec};
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

/// Subnets of a VIM.
#[utoipa::path(get, path = "/vims/{vim}/subnets", tag = "subnets", params(("filter" = Option<String>, Query, description = "SOL013 clause 5.2"), ("fields" = Option<String>, Query, description = "SOL013 clause 5.3")),
    responses((status = 200, body = Vec<Subnet>)))]
async fn list(State(app): State<Shared>, Path(vim): Path<Uuid>, query: ListQuery) -> Answer<Response> {
    listed(&query, &app.subnets(vim).await?)
}

/// One subnet.
#[utoipa::path(get, path = "/vims/{vim}/subnets/{id}", tag = "subnets", responses((status = 200, body = Subnet)))]
async fn get(State(app): State<Shared>, Path((vim, id)): Path<(Uuid, Uuid)>) -> Answer<ApiJson<Subnet>> {
    Ok(ApiJson(app.subnet(vim, id).await?))
}

/// Ensures that a subnet exists.
#[utoipa::path(put, path = "/vims/{vim}/subnets/{id}", tag = "subnets", request_body = SubnetSpec,
    responses((status = 200, body = Subnet)))]
async fn put(
    State(app): State<Shared>,
    Path((vim, id)): Path<(Uuid, Uuid)>,
    ApiJson(spec): ApiJson<SubnetSpec>,
) -> Answer<ApiJson<Subnet>> {
    Ok(ApiJson(app.put_subnet(vim, id, spec).await?))
}

/// Removes a subnet; one that is gone already is done.
#[utoipa::path(delete, path = "/vims/{vim}/subnets/{id}", tag = "subnets",
    responses((status = 204, description = "Gone"), (status = 202, description = "Being removed")))]
async fn delete(State(app): State<Shared>, Path((vim, id)): Path<(Uuid, Uuid)>) -> Answer<Deleted> {
    Ok(app.delete_subnet(vim, id).await?.into())
}
