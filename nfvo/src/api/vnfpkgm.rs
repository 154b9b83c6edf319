//! `vnfpkgm/v2`: VNF packages as resources (SOL005 clause 9.4, SOL003 clause 10.4).

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use reference_points::os_ma_nfvo::{CreateVnfPkgInfoRequest, VnfPkgInfo, VnfPkgInfoModifications};
use service::http::{ApiJson, ApiResult, IfMatch, MergePatch};
use service::query::ListQuery;
use uuid::Uuid;

use crate::app::{App, packages};

/// VNF packages, filtered, with the attributes asked for, by pages.
#[utoipa::path(get, path = "/vnf_packages", responses((status = 200, body = Vec<VnfPkgInfo>)))]
pub async fn list(State(app): State<App>, query: ListQuery) -> ApiResult<Response> {
    packages::list(&app, &query).await
}

/// Creates a package resource, to upload an archive into.
#[utoipa::path(post, path = "/vnf_packages", request_body = CreateVnfPkgInfoRequest, responses((status = 201, body = VnfPkgInfo)))]
pub async fn create(State(app): State<App>, ApiJson(request): ApiJson<CreateVnfPkgInfoRequest>) -> ApiResult<Response> {
    let info = packages::create(&app, request).await?;
    let location = [(header::LOCATION, packages::path(info.id))];
    Ok((StatusCode::CREATED, location, ApiJson(info)).into_response())
}

/// A VNF package.
#[utoipa::path(get, path = "/vnf_packages/{vnfPkgId}", params(("vnfPkgId" = Uuid, Path)), responses((status = 200, body = VnfPkgInfo)))]
pub async fn show(State(app): State<App>, Path(id): Path<Uuid>) -> ApiResult<Response> {
    let (info, etag) = packages::get(&app, id).await?;
    Ok(([(header::ETAG, etag)], ApiJson(info)).into_response())
}

/// Enables or disables a package, or changes the operator's own data.
#[utoipa::path(patch, path = "/vnf_packages/{vnfPkgId}", params(("vnfPkgId" = Uuid, Path)),
    request_body(content = VnfPkgInfoModifications, content_type = "application/merge-patch+json"),
    responses((status = 200, body = VnfPkgInfoModifications)))]
pub async fn modify(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    if_match: IfMatch,
    patch: MergePatch<VnfPkgInfoModifications>,
) -> ApiResult<ApiJson<VnfPkgInfoModifications>> {
    packages::modify(&app, id, if_match, patch).await.map(ApiJson)
}

/// Deletes a package that nobody uses.
#[utoipa::path(delete, path = "/vnf_packages/{vnfPkgId}", params(("vnfPkgId" = Uuid, Path)), responses((status = 204)))]
pub async fn delete(State(app): State<App>, Path(id): Path<Uuid>, if_match: IfMatch) -> ApiResult<StatusCode> {
    packages::delete(&app, id, if_match).await.map(|()| StatusCode::NO_CONTENT)
}
