//! Volumes.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use reference_points::nf_vi::{VolumeInfo, VolumeSpec};
use service::http::{ApiJson, ApiResult};
use uuid::Uuid;

use super::{App, ensured};

/// All volumes of this host.
#[utoipa::path(get, path = "/volumes", tag = "volumes", responses((status = 200, body = [VolumeInfo])))]
pub(super) async fn list(State(app): State<App>) -> ApiResult<ApiJson<Vec<VolumeInfo>>> {
    Ok(ApiJson(app.volumes().await?))
}

/// A volume.
#[utoipa::path(get, path = "/volumes/{id}", tag = "volumes", params(("id" = Uuid, Path)), responses((status = 200, body = VolumeInfo)))]
pub(super) async fn get(State(app): State<App>, Path(id): Path<Uuid>) -> ApiResult<ApiJson<VolumeInfo>> {
    Ok(ApiJson(app.volume(id).await?))
}

/// Ensures a volume.
#[utoipa::path(
    put,
    path = "/volumes/{id}",
    tag = "volumes",
    params(("id" = Uuid, Path)),
    request_body = VolumeSpec,
    responses(
        (status = 201, body = VolumeInfo),
        (status = 200, body = VolumeInfo, description = "It was there"),
        (status = 409, description = "It differs from the volume of this id"),
        (status = 422, description = "Image or capacity are missing"),
        (status = 507, description = "The disk is full"),
    )
)]
pub(super) async fn put(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    ApiJson(spec): ApiJson<VolumeSpec>,
) -> ApiResult<Response> {
    Ok(ensured(app.put_volume(id, spec).await?))
}

/// Removes a volume; one that is gone is removed.
#[utoipa::path(
    delete,
    path = "/volumes/{id}",
    tag = "volumes",
    params(("id" = Uuid, Path)),
    responses((status = 204), (status = 409, description = "A machine uses it"))
)]
pub(super) async fn delete(State(app): State<App>, Path(id): Path<Uuid>) -> ApiResult<StatusCode> {
    app.delete_volume(id).await?;
    Ok(StatusCode::NO_CONTENT)
}
