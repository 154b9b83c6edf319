//! Routes of affinity groups (IFA005 clause 7.3.1).

use axum::extract::{Path, State};
use axum::response::Response;
use reference_points::or_vi::{AffinityGroup, AffinityGroupSpec};
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

/// Affinity groups of a VIM.
#[utoipa::path(get, path = "/vims/{vim}/affinity_groups", tag = "affinity_groups", params(("filter" = Option<String>, Query, description = "SOL013 clause 5.2"), ("fields" = Option<String>, Query, description = "SOL013 clause 5.3")),
    responses((status = 200, body = Vec<AffinityGroup>)))]
async fn list(State(app): State<Shared>, Path(vim): Path<Uuid>, query: ListQuery) -> Answer<Response> {
    listed(&query, &app.groups(vim).await?)
}

/// One affinity group.
#[utoipa::path(get, path = "/vims/{vim}/affinity_groups/{id}", tag = "affinity_groups", responses((status = 200, body = AffinityGroup)))]
async fn get(State(app): State<Shared>, Path((vim, id)): Path<(Uuid, Uuid)>) -> Answer<ApiJson<AffinityGroup>> {
    Ok(ApiJson(app.group(vim, id).await?))
}

/// Ensures that a affinity group exists.
#[utoipa::path(put, path = "/vims/{vim}/affinity_groups/{id}", tag = "affinity_groups", request_body = AffinityGroupSpec,
    responses((status = 200, body = AffinityGroup)))]
async fn put(
    State(app): State<Shared>,
    Path((vim, id)): Path<(Uuid, Uuid)>,
    ApiJson(spec): ApiJson<AffinityGroupSpec>,
) -> Answer<ApiJson<AffinityGroup>> {
    Ok(ApiJson(app.put_group(vim, id, spec).await?))
}

/// Removes a affinity group; one that is gone already is done.
#[utoipa::path(delete, path = "/vims/{vim}/affinity_groups/{id}", tag = "affinity_groups",
    responses((status = 204, description = "Gone"), (status = 202, description = "Being removed")))]
async fn delete(State(app): State<Shared>, Path((vim, id)): Path<(Uuid, Uuid)>) -> Answer<Deleted> {
    Ok(app.delete_group(vim, id).await?.into())
}
