//! Snapshots.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use reference_points::nf_vi::{Snapshot, SnapshotSpec};
use service::http::{ApiJson, ApiResult};
use uuid::Uuid;

use super::{App, ensured};

/// All snapshots of this host.
#[utoipa::path(get, path = "/snapshots", tag = "snapshots", responses((status = 200, body = [Snapshot])))]
pub(super) async fn list(State(app): State<App>) -> ApiResult<ApiJson<Vec<Snapshot>>> {
    Ok(ApiJson(app.snapshots().await?))
}

/// A snapshot.
#[utoipa::path(get, path = "/snapshots/{id}", tag = "snapshots", params(("id" = Uuid, Path)), responses((status = 200, body = Snapshot)))]
pub(super) async fn get(State(app): State<App>, Path(id): Path<Uuid>) -> ApiResult<ApiJson<Snapshot>> {
    Ok(ApiJson(app.snapshot(id).await?))
}

/// Ensures a snapshot of a machine. Answers when it is noted; the events tell what becomes of it. One that failed is tried
/// again.
#[utoipa::path(
    put,
    path = "/snapshots/{id}",
    tag = "snapshots",
    params(("id" = Uuid, Path)),
    request_body = SnapshotSpec,
    responses(
        (status = 201, body = Snapshot),
        (status = 200, body = Snapshot, description = "It was there"),
        (status = 409, description = "It differs from the snapshot of this id"),
        (status = 422, description = "The machine is not on this host"),
    )
)]
pub(super) async fn put(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    ApiJson(spec): ApiJson<SnapshotSpec>,
) -> ApiResult<Response> {
    Ok(ensured(app.put_snapshot(id, spec).await?))
}

/// Removes a snapshot. Answers when that is noted; the events tell the end.
#[utoipa::path(
    delete,
    path = "/snapshots/{id}",
    tag = "snapshots",
    params(("id" = Uuid, Path)),
    responses(
        (status = 202, description = "It will go"),
        (status = 204, description = "It is gone"),
        (status = 409, description = "A machine is being reverted to it"),
    )
)]
pub(super) async fn delete(State(app): State<App>, Path(id): Path<Uuid>) -> ApiResult<StatusCode> {
    let gone = app.delete_snapshot(id).await?;
    Ok(if gone { StatusCode::NO_CONTENT } else { StatusCode::ACCEPTED })
}
