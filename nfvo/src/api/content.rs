//! `vnfpkgm/v2`: archive, VNFD, manifest and artifacts of a package (SOL005 clauses 9.4.4 to 9.4.7, SOL003 clause 10.4).

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use reference_points::os_ma_nfvo::UploadVnfPkgFromUriRequest;
use service::http::{ApiError, ApiJson, ApiResult, Upload};
use uuid::Uuid;

use super::files::{self, WhichArtifacts};
use crate::app::{App, packages};

/// Uploads the archive. It is read at once; faults stand in the package's `onboardingFailureDetails`.
#[utoipa::path(put, path = "/vnf_packages/{vnfPkgId}/package_content", params(("vnfPkgId" = Uuid, Path)),
    request_body(content = Vec<u8>, content_type = "application/zip"), responses((status = 202)))]
pub async fn put(State(app): State<App>, Path(id): Path<Uuid>, upload: Upload) -> ApiResult<StatusCode> {
    packages::upload(&app, id, upload).await.map(|()| StatusCode::ACCEPTED)
}

/// The archive, or the range of it asked for.
#[utoipa::path(get, path = "/vnf_packages/{vnfPkgId}/package_content", params(("vnfPkgId" = Uuid, Path)),
    responses((status = 200, content_type = "application/zip", body = Vec<u8>), (status = 206, content_type = "application/zip", body = Vec<u8>)))]
pub async fn get(State(app): State<App>, Path(id): Path<Uuid>, headers: HeaderMap) -> ApiResult<Response> {
    packages::require_onboarded(&app, id).await?;
    files::ranged(&app.files.package(id), &headers).await
}

/// Refuses: this NFVO fetches nothing from addresses that somebody else names.
#[utoipa::path(post, path = "/vnf_packages/{vnfPkgId}/package_content/upload_from_uri", params(("vnfPkgId" = Uuid, Path)),
    request_body = UploadVnfPkgFromUriRequest, responses((status = 422)))]
pub async fn from_uri(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    ApiJson(_request): ApiJson<UploadVnfPkgFromUriRequest>,
) -> ApiResult<StatusCode> {
    packages::get(&app, id).await?;
    let mut refused = ApiError::unprocessable(
        "packages are not fetched from addresses: whoever names one could make this service reach into its own network",
        Vec::new(),
    );
    refused.problem.next = Some(format!("fetch the archive, then PUT {}/package_content", packages::path(id)));
    Err(refused)
}

/// The VNFD: an archive of its files, or plain text when it is one file and that is asked for.
#[utoipa::path(get, path = "/vnf_packages/{vnfPkgId}/vnfd", params(("vnfPkgId" = Uuid, Path)),
    responses((status = 200, content((Vec<u8> = "application/zip"), (String = "text/plain"))),
        (status = 206, content_type = "application/zip", body = Vec<u8>)))]
pub async fn vnfd(State(app): State<App>, Path(id): Path<Uuid>, headers: HeaderMap) -> ApiResult<Response> {
    packages::require_onboarded(&app, id).await?;
    files::descriptor(app.files.package(id), &headers).await
}

/// The manifest.
#[utoipa::path(get, path = "/vnf_packages/{vnfPkgId}/manifest", params(("vnfPkgId" = Uuid, Path)),
    responses((status = 200, content_type = "text/plain", body = String)))]
pub async fn manifest(State(app): State<App>, Path(id): Path<Uuid>) -> ApiResult<Response> {
    packages::require_onboarded(&app, id).await?;
    files::manifest(app.files.package(id)).await
}

/// The artifacts of the package that are no software images as one archive, or the range of it asked for.
#[utoipa::path(get, path = "/vnf_packages/{vnfPkgId}/artifacts", params(("vnfPkgId" = Uuid, Path),
    WhichArtifacts),
    responses((status = 200, content_type = "application/zip", body = Vec<u8>), (status = 206, content_type = "application/zip", body = Vec<u8>)))]
pub async fn artifacts(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    Query(query): Query<Vec<(String, String)>>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let info = packages::require_onboarded(&app, id).await?;
    files::artifacts(app.files.package(id), &info, &query, &headers).await
}

/// One file of the package, by its path in it.
#[utoipa::path(get, path = "/vnf_packages/{vnfPkgId}/artifacts/{*artifactPath}",
    params(("vnfPkgId" = Uuid, Path), ("artifactPath" = String, Path)),
    responses((status = 200, content_type = "application/octet-stream", body = Vec<u8>),
        (status = 206, content_type = "application/octet-stream", body = Vec<u8>)))]
pub async fn artifact(
    State(app): State<App>,
    Path((id, path)): Path<(Uuid, String)>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    packages::require_onboarded(&app, id).await?;
    files::artifact(app.files.package(id), path, &headers).await
}
