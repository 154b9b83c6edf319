//! Routes of volumes (IFA005 clause 7.5).

use axum::extract::{Path, State};
use axum::response::Response;
use reference_points::or_vi::{Volume, VolumeSpec};
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

/// Volumes of a VIM.
#[utoipa::path(get, path = "/vims/{vim}/volumes", tag = "volumes", params(("filter" = Option<String>, Query, description = "SOL013 clause 5.2"), ("fields" = Option<String>, Query, description = "SOL013 clause 5.3")),
    responses((status = 200, body = Vec<Volume>)))]
async fn list(State(app): State<Shared>, Path(vim): Path<Uuid>, query: ListQuery) -> Answer<Response> {
    listed(&query, &app.volumes(vim).await?)
}

/// One volume.
#[utoipa::path(get, path = "/vims/{vim}/volumes/{id}", tag = "volumes", responses((status = 200, body = Volume)))]
async fn get(State(app): State<Shared>, Path((vim, id)): Path<(Uuid, Uuid)>) -> Answer<ApiJson<Volume>> {
    Ok(ApiJson(app.volume(vim, id).await?))
}

/// Ensures that a volume exists.
#[utoipa::path(put, path = "/vims/{vim}/volumes/{id}", tag = "volumes", request_body = VolumeSpec,
    responses((status = 200, body = Volume)))]
async fn put(
    State(app): State<Shared>,
    Path((vim, id)): Path<(Uuid, Uuid)>,
    ApiJson(spec): ApiJson<VolumeSpec>,
) -> Answer<ApiJson<Volume>> {
    Ok(ApiJson(app.put_volume(vim, id, spec).await?))
}

/// Removes a volume; one that is gone already is done.
#[utoipa::path(delete, path = "/vims/{vim}/volumes/{id}", tag = "volumes",
    responses((status = 204, description = "Gone"), (status = 202, description = "Being removed")))]
async fn delete(State(app): State<Shared>, Path((vim, id)): Path<(Uuid, Uuid)>) -> Answer<Deleted> {
    Ok(app.delete_volume(vim, id).await?.into())
}
