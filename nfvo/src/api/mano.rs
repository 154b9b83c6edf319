//! `/mano/v1`: what operators need beyond SOL005. The table stands in `reference_points::os_ma_nfvo::mano`.

use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use reference_points::common::Sequenced;
use reference_points::nf_vi::{ConsoleAccess, PowerRequest};
use reference_points::or_vi::{Compute, Host, HostSpec, MigrateRequest, SoftwareImage, ViEvent, VimCapacity};
use reference_points::os_ma_nfvo::AddImage;
use reference_points::os_ma_nfvo::mano::{LeakReport, ManagedVim, OpProgress, RegisterVim, Topology, paths};
use serde::Deserialize;
use service::http::{After, ApiJson, ApiResult, Upload, pass_events};
use uuid::Uuid;

use crate::app::{App, leaks as leaking, progress, topology as picture, vim_images, vims as managed};

/// VIMs.
#[utoipa::path(get, path = "/vims", responses((status = 200, body = Vec<ManagedVim>)))]
pub async fn vims(State(app): State<App>) -> ApiResult<ApiJson<Vec<ManagedVim>>> {
    managed::list(&app).await.map(ApiJson)
}

/// Registers a VIM.
#[utoipa::path(post, path = "/vims", request_body = RegisterVim, responses((status = 201, body = ManagedVim)))]
pub async fn register(State(app): State<App>, ApiJson(request): ApiJson<RegisterVim>) -> ApiResult<Response> {
    let vim = managed::register(&app, request).await?;
    Ok((StatusCode::CREATED, [(header::LOCATION, paths::vim(vim.id))], ApiJson(vim)).into_response())
}

/// A VIM.
#[utoipa::path(get, path = "/vims/{vimId}", params(("vimId" = Uuid, Path)), responses((status = 200, body = ManagedVim)))]
pub async fn vim(State(app): State<App>, Path(id): Path<Uuid>) -> ApiResult<ApiJson<ManagedVim>> {
    managed::get(&app, id).await.map(ApiJson)
}

/// Changes how a VIM is reached, e.g. its credentials; it is asked at once whether that works.
#[utoipa::path(put, path = "/vims/{vimId}", params(("vimId" = Uuid, Path)), request_body = RegisterVim, responses((status = 200, body = ManagedVim)))]
pub async fn put_vim(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    ApiJson(request): ApiJson<RegisterVim>,
) -> ApiResult<ApiJson<ManagedVim>> {
    managed::change(&app, id, request).await.map(ApiJson)
}

/// Forgets a VIM that holds nothing.
#[utoipa::path(delete, path = "/vims/{vimId}", params(("vimId" = Uuid, Path)), responses((status = 204)))]
pub async fn forget(State(app): State<App>, Path(id): Path<Uuid>) -> ApiResult<StatusCode> {
    managed::delete(&app, id).await.map(|()| StatusCode::NO_CONTENT)
}

/// Hosts of a VIM.
#[utoipa::path(get, path = "/vims/{vimId}/hosts", params(("vimId" = Uuid, Path)), responses((status = 200, body = Vec<Host>)))]
pub async fn hosts(State(app): State<App>, Path(id): Path<Uuid>) -> ApiResult<ApiJson<Vec<Host>>> {
    managed::require(&app, id).await?;
    Ok(ApiJson(app.vi.hosts(id).await?))
}

/// Adds or changes a host.
#[utoipa::path(put, path = "/vims/{vimId}/hosts/{name}", params(("vimId" = Uuid, Path), ("name" = String, Path)),
    request_body = HostSpec, responses((status = 200, body = Host)))]
pub async fn put_host(
    State(app): State<App>,
    Path((vim, name)): Path<(Uuid, String)>,
    ApiJson(spec): ApiJson<HostSpec>,
) -> ApiResult<ApiJson<Host>> {
    managed::put_host(&app, vim, &name, &spec).await.map(ApiJson)
}

/// Removes a host.
#[utoipa::path(delete, path = "/vims/{vimId}/hosts/{name}", params(("vimId" = Uuid, Path), ("name" = String, Path)), responses((status = 204)))]
pub async fn delete_host(State(app): State<App>, Path((vim, name)): Path<(Uuid, String)>) -> ApiResult<StatusCode> {
    managed::delete_host(&app, vim, &name).await.map(|()| StatusCode::NO_CONTENT)
}

/// Capacity of a VIM.
#[utoipa::path(get, path = "/vims/{vimId}/capacity", params(("vimId" = Uuid, Path)), responses((status = 200, body = VimCapacity)))]
pub async fn capacity(State(app): State<App>, Path(id): Path<Uuid>) -> ApiResult<ApiJson<VimCapacity>> {
    managed::require(&app, id).await?;
    Ok(ApiJson(app.vi.capacity(id).await?))
}

/// Software images of a VIM, those of packages too.
#[utoipa::path(get, path = "/vims/{vimId}/software_images", params(("vimId" = Uuid, Path)), responses((status = 200, body = Vec<SoftwareImage>)))]
pub async fn images(State(app): State<App>, Path(vim): Path<Uuid>) -> ApiResult<ApiJson<Vec<SoftwareImage>>> {
    vim_images::list(&app, vim).await.map(ApiJson)
}

/// Announces a software image of the operator's; its content follows.
#[utoipa::path(post, path = "/vims/{vimId}/software_images", params(("vimId" = Uuid, Path)), request_body = AddImage, responses((status = 201, body = SoftwareImage)))]
pub async fn add_image(
    State(app): State<App>,
    Path(vim): Path<Uuid>,
    ApiJson(image): ApiJson<AddImage>,
) -> ApiResult<Response> {
    let image = vim_images::add(&app, vim, image).await?;
    let location = format!("{}/software_images/{}", paths::vim(vim), image.id);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], ApiJson(image)).into_response())
}

/// The content of an announced software image. It is refused unless its checksum, size and format are as announced.
#[utoipa::path(put, path = "/vims/{vimId}/software_images/{imageId}/content", params(("vimId" = Uuid, Path), ("imageId" = Uuid, Path)),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"), responses((status = 200, body = SoftwareImage)))]
pub async fn image_content(
    State(app): State<App>,
    Path((vim, image)): Path<(Uuid, Uuid)>,
    upload: Upload,
) -> ApiResult<ApiJson<SoftwareImage>> {
    let length = upload.length;
    vim_images::take_content(&app, vim, image, length, upload.stream()).await.map(ApiJson)
}

/// Deletes a software image of the operator's that nobody uses.
#[utoipa::path(delete, path = "/vims/{vimId}/software_images/{imageId}", params(("vimId" = Uuid, Path), ("imageId" = Uuid, Path)), responses((status = 204)))]
pub async fn delete_image(State(app): State<App>, Path((vim, image)): Path<(Uuid, Uuid)>) -> ApiResult<StatusCode> {
    vim_images::delete(&app, vim, image).await.map(|()| StatusCode::NO_CONTENT)
}

/// What happens in a VIM, as server-sent events: what is still kept of the past, then everything new.
#[utoipa::path(get, path = "/vims/{vimId}/events", params(("vimId" = Uuid, Path),
    ("after" = Option<i64>, Query, description = "Sequence number of the last event handled")),
    responses((status = 200, content_type = "text/event-stream", body = Sequenced<ViEvent>)))]
pub async fn vim_events(State(app): State<App>, Path(id): Path<Uuid>, after: After) -> ApiResult<Response> {
    managed::require(&app, id).await?;
    let stream = app.vi.event_bytes(id, after.after).await?;
    Ok(pass_events(after, stream))
}

/// How much of a console log.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
pub struct LogSize {
    /// Bytes from its end, at most 1 MiB.
    #[serde(default = "default_log")]
    bytes: u64,
}

const fn default_log() -> u64 {
    64 * 1024
}

/// The end of a compute's serial console log.
#[utoipa::path(get, path = "/vims/{vimId}/computes/{computeId}/console_log",
    params(("vimId" = Uuid, Path), ("computeId" = Uuid, Path), LogSize), responses((status = 200, content_type = "text/plain", body = String)))]
pub async fn console_log(
    State(app): State<App>,
    Path((vim, compute)): Path<(Uuid, Uuid)>,
    Query(size): Query<LogSize>,
) -> ApiResult<String> {
    managed::require(&app, vim).await?;
    Ok(app.vi.console_log(vim, compute, size.bytes.min(1 << 20)).await?)
}

/// Where a compute's console can be reached.
#[utoipa::path(get, path = "/vims/{vimId}/computes/{computeId}/console",
    params(("vimId" = Uuid, Path), ("computeId" = Uuid, Path)), responses((status = 200, body = ConsoleAccess)))]
pub async fn console(
    State(app): State<App>,
    Path((vim, compute)): Path<(Uuid, Uuid)>,
) -> ApiResult<ApiJson<ConsoleAccess>> {
    managed::require(&app, vim).await?;
    Ok(ApiJson(app.vi.console(vim, compute).await?))
}

/// Starts, stops or reboots a compute.
#[utoipa::path(post, path = "/vims/{vimId}/computes/{computeId}/power",
    params(("vimId" = Uuid, Path), ("computeId" = Uuid, Path)), request_body = PowerRequest, responses((status = 200, body = Compute)))]
pub async fn power(
    State(app): State<App>,
    Path((vim, compute)): Path<(Uuid, Uuid)>,
    ApiJson(request): ApiJson<PowerRequest>,
) -> ApiResult<ApiJson<Compute>> {
    managed::require(&app, vim).await?;
    Ok(ApiJson(app.vi.power(vim, compute, &request).await?))
}

/// Moves a compute to another host of its VIM.
#[utoipa::path(post, path = "/vims/{vimId}/computes/{computeId}/migrate",
    params(("vimId" = Uuid, Path), ("computeId" = Uuid, Path)), request_body = MigrateRequest, responses((status = 202, body = Compute)))]
pub async fn migrate(
    State(app): State<App>,
    Path((vim, compute)): Path<(Uuid, Uuid)>,
    ApiJson(request): ApiJson<MigrateRequest>,
) -> ApiResult<(StatusCode, ApiJson<Compute>)> {
    managed::require(&app, vim).await?;
    Ok((StatusCode::ACCEPTED, ApiJson(app.vi.migrate(vim, compute, &request).await?)))
}

/// Topology of an NS instance.
#[utoipa::path(get, path = "/ns_instances/{nsInstanceId}/topology", params(("nsInstanceId" = Uuid, Path)), responses((status = 200, body = Topology)))]
pub async fn topology(State(app): State<App>, Path(id): Path<Uuid>) -> ApiResult<ApiJson<Topology>> {
    picture::topology(&app, id).await.map(ApiJson)
}

/// Steps of an NS operation.
#[utoipa::path(get, path = "/ns_lcm_op_occs/{nsLcmOpOccId}/steps", params(("nsLcmOpOccId" = Uuid, Path)), responses((status = 200, body = OpProgress)))]
pub async fn steps(State(app): State<App>, Path(id): Path<Uuid>) -> ApiResult<ApiJson<OpProgress>> {
    progress::progress(&app, id).await.map(ApiJson)
}

/// An NS operation as it happens, as server-sent events.
#[utoipa::path(get, path = "/ns_lcm_op_occs/{nsLcmOpOccId}/events", params(("nsLcmOpOccId" = Uuid, Path)), responses((status = 200, content_type = "text/event-stream", body = String)))]
pub async fn events(State(app): State<App>, Path(id): Path<Uuid>, after: After) -> ApiResult<Response> {
    progress::stream(&app, id, after).await
}

/// What is in the VIMs that nobody owns.
#[utoipa::path(get, path = "/leaks", responses((status = 200, body = LeakReport)))]
pub async fn leaks(State(app): State<App>) -> ApiResult<ApiJson<LeakReport>> {
    leaking::leaks(&app).await.map(ApiJson)
}
