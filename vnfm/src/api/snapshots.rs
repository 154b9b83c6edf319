//! `/vnf_snapshots`, and the operations of VNF instances that fill them and return to them (SOL003 clauses 5.4.21 to 5.4.25).

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use reference_points::or_vnfm::{
    CreateVnfSnapshotInfoRequest, CreateVnfSnapshotRequest, RevertToVnfSnapshotRequest, VnfSnapshotInfo,
    VnfSnapshotInfoModificationRequest,
};
use service::http::{ApiJson, ApiResult, IfMatch, MergePatch};
use service::query::ListQuery;
use uuid::Uuid;

use super::instances::accepted;
use crate::app::App;
use crate::store::SNAPSHOTS;

/// VNF snapshots, filtered, with the attributes asked for, by pages.
#[utoipa::path(get, path = "/vnf_snapshots", responses((status = 200, body = Vec<VnfSnapshotInfo>)))]
pub async fn list(State(app): State<App>, query: ListQuery) -> ApiResult<Response> {
    SNAPSHOTS.respond(&app.db, &query, |stored, shown| app.add_snapshot_links(stored, shown)).await
}

/// Creates a VNF snapshot, to be filled by an operation.
#[utoipa::path(post, path = "/vnf_snapshots", request_body = CreateVnfSnapshotInfoRequest, responses((status = 201, body = VnfSnapshotInfo)))]
pub async fn create(
    State(app): State<App>,
    ApiJson(request): ApiJson<CreateVnfSnapshotInfoRequest>,
) -> ApiResult<Response> {
    let shown = app.shown_snapshot(&app.create_snapshot_info(request).await?).await?;
    let location = [(header::LOCATION, format!("{}/vnflcm/v2/vnf_snapshots/{}", app.base, shown.id))];
    Ok((StatusCode::CREATED, location, ApiJson(shown)).into_response())
}

/// A VNF snapshot.
#[utoipa::path(get, path = "/vnf_snapshots/{vnfSnapshotInfoId}", params(("vnfSnapshotInfoId" = Uuid, Path)), responses((status = 200, body = VnfSnapshotInfo)))]
pub async fn show(State(app): State<App>, Path(id): Path<Uuid>) -> ApiResult<Response> {
    let stored = SNAPSHOTS.require(&app.db, id).await?;
    Ok(([(header::ETAG, stored.etag())], ApiJson(app.shown_snapshot(&stored).await?)).into_response())
}

/// Modifies a VNF snapshot that has no content.
#[utoipa::path(patch, path = "/vnf_snapshots/{vnfSnapshotInfoId}", params(("vnfSnapshotInfoId" = Uuid, Path)),
    request_body(content = VnfSnapshotInfoModificationRequest, content_type = "application/merge-patch+json"),
    responses((status = 200, body = VnfSnapshotInfoModificationRequest)))]
pub async fn modify(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    if_match: IfMatch,
    patch: MergePatch<VnfSnapshotInfoModificationRequest>,
) -> ApiResult<Response> {
    Ok(ApiJson(app.modify_snapshot(id, if_match, patch.typed).await?).into_response())
}

/// Deletes a VNF snapshot and what of it is in VIMs.
#[utoipa::path(delete, path = "/vnf_snapshots/{vnfSnapshotInfoId}", params(("vnfSnapshotInfoId" = Uuid, Path)), responses((status = 204)))]
pub async fn delete(State(app): State<App>, Path(id): Path<Uuid>, if_match: IfMatch) -> ApiResult<StatusCode> {
    app.delete_snapshot(id, if_match).await.map(|()| StatusCode::NO_CONTENT)
}

/// The VNF-specific state of a VNF snapshot. This VNFM stores none, and answers why.
#[utoipa::path(get, path = "/vnf_snapshots/{vnfSnapshotInfoId}/vnf_state_snapshot", params(("vnfSnapshotInfoId" = Uuid, Path)),
    responses((status = 404, description = "no state is stored"), (status = 409, description = "the snapshot has no content")))]
pub async fn state(State(app): State<App>, Path(id): Path<Uuid>) -> ApiResult<StatusCode> {
    app.snapshot_state(id).await.map(|()| StatusCode::NO_CONTENT)
}

/// Begins to take a snapshot.
#[utoipa::path(post, path = "/vnf_instances/{vnfInstanceId}/create_snapshot", params(("vnfInstanceId" = Uuid, Path)),
    request_body = CreateVnfSnapshotRequest, responses((status = 202, description = "accepted; Location names the occurrence")))]
pub async fn take(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    ApiJson(request): ApiJson<CreateVnfSnapshotRequest>,
) -> ApiResult<Response> {
    Ok(accepted(&app, app.take_snapshot(id, request).await?))
}

/// Begins a return to a snapshot.
#[utoipa::path(post, path = "/vnf_instances/{vnfInstanceId}/revert_to_snapshot", params(("vnfInstanceId" = Uuid, Path)),
    request_body = RevertToVnfSnapshotRequest, responses((status = 202, description = "accepted; Location names the occurrence")))]
pub async fn revert(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    ApiJson(request): ApiJson<RevertToVnfSnapshotRequest>,
) -> ApiResult<Response> {
    Ok(accepted(&app, app.revert_to_snapshot(id, request).await?))
}
