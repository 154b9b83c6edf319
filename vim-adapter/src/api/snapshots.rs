//! Routes of snapshots (IFA005 clauses 7.3.1 and 7.5.1).

use axum::extract::{Path, State};
use axum::response::Response;
use reference_points::or_vi::{Snapshot, SnapshotSpec};
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

/// Snapshots of a VIM.
#[utoipa::path(get, path = "/vims/{vim}/snapshots", tag = "snapshots", params(("filter" = Option<String>, Query, description = "SOL013 clause 5.2"), ("fields" = Option<String>, Query, description = "SOL013 clause 5.3")),
    responses((status = 200, body = Vec<Snapshot>)))]
async fn list(State(app): State<Shared>, Path(vim): Path<Uuid>, query: ListQuery) -> Answer<Response> {
    listed(&query, &app.snapshots(vim).await?)
}

/// One snapshot.
#[utoipa::path(get, path = "/vims/{vim}/snapshots/{id}", tag = "snapshots", responses((status = 200, body = Snapshot)))]
async fn get(State(app): State<Shared>, Path((vim, id)): Path<(Uuid, Uuid)>) -> Answer<ApiJson<Snapshot>> {
    Ok(ApiJson(app.snapshot(vim, id).await?))
}

/// Ensures that a snapshot exists; answers at once, events tell the rest. One that failed is tried again.
#[utoipa::path(put, path = "/vims/{vim}/snapshots/{id}", tag = "snapshots", request_body = SnapshotSpec,
    responses((status = 200, body = Snapshot)))]
async fn put(
    State(app): State<Shared>,
    Path((vim, id)): Path<(Uuid, Uuid)>,
    ApiJson(spec): ApiJson<SnapshotSpec>,
) -> Answer<ApiJson<Snapshot>> {
    Ok(ApiJson(app.put_snapshot(vim, id, spec).await?))
}

/// Removes a snapshot; one that is gone already is done.
#[utoipa::path(delete, path = "/vims/{vim}/snapshots/{id}", tag = "snapshots",
    responses((status = 204, description = "Gone"), (status = 202, description = "Being removed")))]
async fn delete(State(app): State<Shared>, Path((vim, id)): Path<(Uuid, Uuid)>) -> Answer<Deleted> {
    Ok(app.delete_snapshot(vim, id).await?.into())
}
