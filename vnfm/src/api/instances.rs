//! `/vnf_instances` (SOL003 clauses 5.4.2 to 5.4.6, 5.4.8 to 5.4.10).

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use reference_points::or_vnfm::{
    ChangeCurrentVnfPkgRequest, ChangeExtVnfConnectivityRequest, ChangeVnfFlavourRequest, CreateVnfRequest,
    HealVnfRequest, InstantiateVnfRequest, OperateVnfRequest, ScaleVnfRequest, ScaleVnfToLevelRequest,
    TerminateVnfRequest, VnfInfoModificationRequest, VnfInstance,
};
use service::http::{ApiJson, ApiResult, IfMatch, MergePatch};
use service::query::ListQuery;
use uuid::Uuid;

use crate::app::App;
use crate::store::INSTANCES;

/// VNF instances, filtered, with the attributes asked for, by pages.
#[utoipa::path(get, path = "/vnf_instances", responses((status = 200, body = Vec<VnfInstance>)))]
pub async fn list(State(app): State<App>, query: ListQuery) -> ApiResult<Response> {
    INSTANCES.respond(&app.db, &query, |stored, shown| app.add_links(stored, shown)).await
}

/// Creates a VNF instance.
#[utoipa::path(post, path = "/vnf_instances", request_body = CreateVnfRequest, responses((status = 201, body = VnfInstance)))]
pub async fn create(State(app): State<App>, ApiJson(request): ApiJson<CreateVnfRequest>) -> ApiResult<Response> {
    let shown = app.shown(&app.create(request).await?);
    let location = [(header::LOCATION, format!("{}/vnflcm/v2/vnf_instances/{}", app.base, shown.id))];
    Ok((StatusCode::CREATED, location, ApiJson(shown)).into_response())
}

/// A VNF instance.
#[utoipa::path(get, path = "/vnf_instances/{vnfInstanceId}", params(("vnfInstanceId" = Uuid, Path)), responses((status = 200, body = VnfInstance)))]
pub async fn show(State(app): State<App>, Path(id): Path<Uuid>) -> ApiResult<Response> {
    let stored = INSTANCES.require(&app.db, id).await?;
    Ok(([(header::ETAG, stored.etag())], ApiJson(app.shown(&stored))).into_response())
}

/// Begins a modification of the record.
#[utoipa::path(patch, path = "/vnf_instances/{vnfInstanceId}", params(("vnfInstanceId" = Uuid, Path)),
    request_body(content = VnfInfoModificationRequest, content_type = "application/merge-patch+json"),
    responses((status = 202, description = "accepted; Location names the occurrence")))]
pub async fn modify(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    if_match: IfMatch,
    patch: MergePatch<VnfInfoModificationRequest>,
) -> ApiResult<Response> {
    Ok(accepted(&app, app.modify(id, if_match, patch.document).await?))
}

/// Deletes a VNF instance that is not instantiated.
#[utoipa::path(delete, path = "/vnf_instances/{vnfInstanceId}", params(("vnfInstanceId" = Uuid, Path)), responses((status = 204)))]
pub async fn delete(State(app): State<App>, Path(id): Path<Uuid>, if_match: IfMatch) -> ApiResult<StatusCode> {
    app.delete(id, if_match).await.map(|()| StatusCode::NO_CONTENT)
}

/// Begins an instantiation.
#[utoipa::path(post, path = "/vnf_instances/{vnfInstanceId}/instantiate", params(("vnfInstanceId" = Uuid, Path)),
    request_body = InstantiateVnfRequest, responses((status = 202, description = "accepted; Location names the occurrence")))]
pub async fn instantiate(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    ApiJson(request): ApiJson<InstantiateVnfRequest>,
) -> ApiResult<Response> {
    Ok(accepted(&app, app.instantiate(id, request).await?))
}

/// Begins a termination.
#[utoipa::path(post, path = "/vnf_instances/{vnfInstanceId}/terminate", params(("vnfInstanceId" = Uuid, Path)),
    request_body = TerminateVnfRequest, responses((status = 202, description = "accepted; Location names the occurrence")))]
pub async fn terminate(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    ApiJson(request): ApiJson<TerminateVnfRequest>,
) -> ApiResult<Response> {
    Ok(accepted(&app, app.terminate(id, request).await?))
}

/// Begins a scaling by steps.
#[utoipa::path(post, path = "/vnf_instances/{vnfInstanceId}/scale", params(("vnfInstanceId" = Uuid, Path)),
    request_body = ScaleVnfRequest, responses((status = 202, description = "accepted; Location names the occurrence")))]
pub async fn scale(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    ApiJson(request): ApiJson<ScaleVnfRequest>,
) -> ApiResult<Response> {
    Ok(accepted(&app, app.scale(id, request).await?))
}

/// Begins a scaling to a level.
#[utoipa::path(post, path = "/vnf_instances/{vnfInstanceId}/scale_to_level", params(("vnfInstanceId" = Uuid, Path)),
    request_body = ScaleVnfToLevelRequest, responses((status = 202, description = "accepted; Location names the occurrence")))]
pub async fn scale_to_level(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    ApiJson(request): ApiJson<ScaleVnfToLevelRequest>,
) -> ApiResult<Response> {
    Ok(accepted(&app, app.scale_to_level(id, request).await?))
}

/// Begins a start or stop.
#[utoipa::path(post, path = "/vnf_instances/{vnfInstanceId}/operate", params(("vnfInstanceId" = Uuid, Path)),
    request_body = OperateVnfRequest, responses((status = 202, description = "accepted; Location names the occurrence")))]
pub async fn operate(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    ApiJson(request): ApiJson<OperateVnfRequest>,
) -> ApiResult<Response> {
    Ok(accepted(&app, app.operate(id, request).await?))
}

/// Begins a healing.
#[utoipa::path(post, path = "/vnf_instances/{vnfInstanceId}/heal", params(("vnfInstanceId" = Uuid, Path)),
    request_body = HealVnfRequest, responses((status = 202, description = "accepted; Location names the occurrence")))]
pub async fn heal(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    ApiJson(request): ApiJson<HealVnfRequest>,
) -> ApiResult<Response> {
    Ok(accepted(&app, app.heal(id, request).await?))
}

/// Begins a change of the deployment flavour.
#[utoipa::path(post, path = "/vnf_instances/{vnfInstanceId}/change_flavour", params(("vnfInstanceId" = Uuid, Path)),
    request_body = ChangeVnfFlavourRequest, responses((status = 202, description = "accepted; Location names the occurrence")))]
pub async fn change_flavour(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    ApiJson(request): ApiJson<ChangeVnfFlavourRequest>,
) -> ApiResult<Response> {
    Ok(accepted(&app, app.change_flavour(id, request).await?))
}

/// Begins a change of the external connectivity.
#[utoipa::path(post, path = "/vnf_instances/{vnfInstanceId}/change_ext_conn", params(("vnfInstanceId" = Uuid, Path)),
    request_body = ChangeExtVnfConnectivityRequest, responses((status = 202, description = "accepted; Location names the occurrence")))]
pub async fn change_ext_conn(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    ApiJson(request): ApiJson<ChangeExtVnfConnectivityRequest>,
) -> ApiResult<Response> {
    Ok(accepted(&app, app.change_ext_conn(id, request).await?))
}

/// Begins a change of the VNF package.
#[utoipa::path(post, path = "/vnf_instances/{vnfInstanceId}/change_vnfpkg", params(("vnfInstanceId" = Uuid, Path)),
    request_body = ChangeCurrentVnfPkgRequest, responses((status = 202, description = "accepted; Location names the occurrence")))]
pub async fn change_vnfpkg(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    ApiJson(request): ApiJson<ChangeCurrentVnfPkgRequest>,
) -> ApiResult<Response> {
    Ok(accepted(&app, app.change_vnfpkg(id, request).await?))
}

/// 202 with the address of the occurrence.
pub(super) fn accepted(app: &App, op: Uuid) -> Response {
    let location = [(header::LOCATION, format!("{}/vnflcm/v2/vnf_lcm_op_occs/{op}", app.base))];
    (StatusCode::ACCEPTED, location).into_response()
}
