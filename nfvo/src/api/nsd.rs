//! `nsd/v2`: NSDs as resources, their archives and files (SOL005 clause 5.4).

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use reference_points::os_ma_nfvo::{CreateNsdInfoRequest, NsdInfo, NsdInfoModifications};
use service::http::{ApiJson, ApiResult, IfMatch, MergePatch, Upload};
use service::query::ListQuery;
use uuid::Uuid;

use super::files;
use crate::app::{App, nsds};

/// NSDs, filtered, with the attributes asked for, by pages.
#[utoipa::path(get, path = "/ns_descriptors", responses((status = 200, body = Vec<NsdInfo>)))]
pub async fn list(State(app): State<App>, query: ListQuery) -> ApiResult<Response> {
    nsds::list(&app, &query).await
}

/// Creates an NSD resource, to upload an archive into.
#[utoipa::path(post, path = "/ns_descriptors", request_body = CreateNsdInfoRequest, responses((status = 201, body = NsdInfo)))]
pub async fn create(State(app): State<App>, ApiJson(request): ApiJson<CreateNsdInfoRequest>) -> ApiResult<Response> {
    let info = nsds::create(&app, request).await?;
    Ok((StatusCode::CREATED, [(header::LOCATION, nsds::path(info.id))], ApiJson(info)).into_response())
}

/// An NSD.
#[utoipa::path(get, path = "/ns_descriptors/{nsdInfoId}", params(("nsdInfoId" = Uuid, Path)), responses((status = 200, body = NsdInfo)))]
pub async fn show(State(app): State<App>, Path(id): Path<Uuid>) -> ApiResult<Response> {
    let (info, etag) = nsds::get(&app, id).await?;
    Ok(([(header::ETAG, etag)], ApiJson(info)).into_response())
}

/// Enables or disables an NSD, or changes the operator's own data.
#[utoipa::path(patch, path = "/ns_descriptors/{nsdInfoId}", params(("nsdInfoId" = Uuid, Path)),
    request_body(content = NsdInfoModifications, content_type = "application/merge-patch+json"),
    responses((status = 200, body = NsdInfoModifications)))]
pub async fn modify(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    if_match: IfMatch,
    patch: MergePatch<NsdInfoModifications>,
) -> ApiResult<ApiJson<NsdInfoModifications>> {
    nsds::modify(&app, id, if_match, patch).await.map(ApiJson)
}

/// Deletes an NSD that no NS instance is built from.
#[utoipa::path(delete, path = "/ns_descriptors/{nsdInfoId}", params(("nsdInfoId" = Uuid, Path)), responses((status = 204)))]
pub async fn delete(State(app): State<App>, Path(id): Path<Uuid>, if_match: IfMatch) -> ApiResult<StatusCode> {
    nsds::delete(&app, id, if_match).await.map(|()| StatusCode::NO_CONTENT)
}

/// Uploads the archive, or the NSD as plain YAML. It is read at once; faults stand in the NSD's `onboardingFailureDetails`.
#[utoipa::path(put, path = "/ns_descriptors/{nsdInfoId}/nsd_content", params(("nsdInfoId" = Uuid, Path)),
    request_body(content = Vec<u8>, content_type = "application/zip"), responses((status = 202)))]
pub async fn upload(State(app): State<App>, Path(id): Path<Uuid>, upload: Upload) -> ApiResult<StatusCode> {
    nsds::upload(&app, id, upload).await.map(|()| StatusCode::ACCEPTED)
}

/// The archive, or the range of it asked for.
#[utoipa::path(get, path = "/ns_descriptors/{nsdInfoId}/nsd_content", params(("nsdInfoId" = Uuid, Path)),
    responses((status = 200, content_type = "application/zip", body = Vec<u8>), (status = 206, content_type = "application/zip", body = Vec<u8>)))]
pub async fn content(State(app): State<App>, Path(id): Path<Uuid>, headers: HeaderMap) -> ApiResult<Response> {
    nsds::require_onboarded(&app, id).await?;
    files::ranged(&app.files.nsd(id), &headers).await
}

/// The NSD: an archive of its files, or plain text when it is one file and that is asked for.
#[utoipa::path(get, path = "/ns_descriptors/{nsdInfoId}/nsd", params(("nsdInfoId" = Uuid, Path)),
    responses((status = 200, content((Vec<u8> = "application/zip"), (String = "text/plain"))),
        (status = 206, content_type = "application/zip", body = Vec<u8>)))]
pub async fn descriptor(State(app): State<App>, Path(id): Path<Uuid>, headers: HeaderMap) -> ApiResult<Response> {
    nsds::require_onboarded(&app, id).await?;
    files::descriptor(app.files.nsd(id), &headers).await
}

/// The manifest.
#[utoipa::path(get, path = "/ns_descriptors/{nsdInfoId}/manifest", params(("nsdInfoId" = Uuid, Path)),
    responses((status = 200, content_type = "text/plain", body = String)))]
pub async fn manifest(State(app): State<App>, Path(id): Path<Uuid>) -> ApiResult<Response> {
    nsds::require_onboarded(&app, id).await?;
    files::manifest(app.files.nsd(id)).await
}

/// One file of the archive, by its path in it.
#[utoipa::path(get, path = "/ns_descriptors/{nsdInfoId}/artifacts/{*artifactPath}",
    params(("nsdInfoId" = Uuid, Path), ("artifactPath" = String, Path)),
    responses((status = 200, content_type = "application/octet-stream", body = Vec<u8>),
        (status = 206, content_type = "application/octet-stream", body = Vec<u8>)))]
pub async fn artifact(
    State(app): State<App>,
    Path((id, path)): Path<(Uuid, String)>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    nsds::require_onboarded(&app, id).await?;
    files::artifact(app.files.nsd(id), path, &headers).await
}
