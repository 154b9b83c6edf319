//! `vnfpkgm/v2/onboarded_vnf_packages`: the same packages by the identifier of their VNFD (SOL003 clause 10.4.3a and on).

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use reference_points::os_ma_nfvo::VnfPkgInfo;
use service::http::{ApiJson, ApiResult};
use service::query::{Condition, ListQuery, Op, Step};

use super::files::{self, WhichArtifacts};
use crate::app::{App, packages};

/// Onboarded packages, filtered, with the attributes asked for, by pages.
#[utoipa::path(get, path = "/onboarded_vnf_packages", responses((status = 200, body = Vec<VnfPkgInfo>)))]
pub async fn list(State(app): State<App>, mut query: ListQuery) -> ApiResult<Response> {
    let path = vec![Step::Name("onboardingState".to_owned())];
    query.filter.conditions.push(Condition { op: Op::Eq, path, values: vec!["ONBOARDED".to_owned()] });
    packages::list(&app, &query).await
}

/// The onboarded package of a VNFD.
#[utoipa::path(get, path = "/onboarded_vnf_packages/{vnfdId}", params(("vnfdId" = String, Path)), responses((status = 200, body = VnfPkgInfo)))]
pub async fn show(State(app): State<App>, Path(vnfd): Path<String>) -> ApiResult<Response> {
    let id = packages::by_vnfd(&app, &vnfd).await?;
    let (info, etag) = packages::get(&app, id).await?;
    Ok(([(header::ETAG, etag)], ApiJson(info)).into_response())
}

/// Its archive, or the range of it asked for.
#[utoipa::path(get, path = "/onboarded_vnf_packages/{vnfdId}/package_content", params(("vnfdId" = String, Path)),
    responses((status = 200, content_type = "application/zip", body = Vec<u8>), (status = 206, content_type = "application/zip", body = Vec<u8>)))]
pub async fn content(State(app): State<App>, Path(vnfd): Path<String>, headers: HeaderMap) -> ApiResult<Response> {
    let id = packages::by_vnfd(&app, &vnfd).await?;
    files::ranged(&app.files.package(id), &headers).await
}

/// The VNFD: an archive of its files, or plain text when it is one file and that is asked for.
#[utoipa::path(get, path = "/onboarded_vnf_packages/{vnfdId}/vnfd", params(("vnfdId" = String, Path)),
    responses((status = 200, content((Vec<u8> = "application/zip"), (String = "text/plain"))),
        (status = 206, content_type = "application/zip", body = Vec<u8>)))]
pub async fn vnfd(State(app): State<App>, Path(vnfd): Path<String>, headers: HeaderMap) -> ApiResult<Response> {
    let id = packages::by_vnfd(&app, &vnfd).await?;
    files::descriptor(app.files.package(id), &headers).await
}

/// The manifest.
#[utoipa::path(get, path = "/onboarded_vnf_packages/{vnfdId}/manifest", params(("vnfdId" = String, Path)),
    responses((status = 200, content_type = "text/plain", body = String)))]
pub async fn manifest(State(app): State<App>, Path(vnfd): Path<String>) -> ApiResult<Response> {
    let id = packages::by_vnfd(&app, &vnfd).await?;
    files::manifest(app.files.package(id)).await
}

/// The artifacts of the package that are no software images as one archive, or the range of it asked for.
#[utoipa::path(get, path = "/onboarded_vnf_packages/{vnfdId}/artifacts", params(("vnfdId" = String, Path),
    WhichArtifacts),
    responses((status = 200, content_type = "application/zip", body = Vec<u8>), (status = 206, content_type = "application/zip", body = Vec<u8>)))]
pub async fn artifacts(
    State(app): State<App>,
    Path(vnfd): Path<String>,
    Query(query): Query<Vec<(String, String)>>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let id = packages::by_vnfd(&app, &vnfd).await?;
    let info = packages::require_onboarded(&app, id).await?;
    files::artifacts(app.files.package(id), &info, &query, &headers).await
}

/// One file of the package, by its path in it.
#[utoipa::path(get, path = "/onboarded_vnf_packages/{vnfdId}/artifacts/{*artifactPath}",
    params(("vnfdId" = String, Path), ("artifactPath" = String, Path)),
    responses((status = 200, content_type = "application/octet-stream", body = Vec<u8>),
        (status = 206, content_type = "application/octet-stream", body = Vec<u8>)))]
pub async fn artifact(
    State(app): State<App>,
    Path((vnfd, path)): Path<(String, String)>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let id = packages::by_vnfd(&app, &vnfd).await?;
    files::artifact(app.files.package(id), path, &headers).await
}
