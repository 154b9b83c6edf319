//! Machines.

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use reference_points::nf_vi::{
    ConsoleAccess, Machine, MachineSpec, MeasureMachines, MeasuredMachines, Measurements, PowerRequest, Reality,
};
use serde::Deserialize;
use service::http::{ApiJson, ApiResult};
use uuid::Uuid;

use super::{App, ensured};

/// All machines of this host.
#[utoipa::path(get, path = "/machines", tag = "machines", responses((status = 200, body = [Machine])))]
pub(super) async fn list(State(app): State<App>) -> ApiResult<ApiJson<Vec<Machine>>> {
    Ok(ApiJson(app.machines().await?))
}

/// A machine.
#[utoipa::path(get, path = "/machines/{id}", tag = "machines", params(("id" = Uuid, Path)), responses((status = 200, body = Machine)))]
pub(super) async fn get(State(app): State<App>, Path(id): Path<Uuid>) -> ApiResult<ApiJson<Machine>> {
    Ok(ApiJson(app.machine(id).await?))
}

/// Ensures a machine. Answers when it is noted; the events tell what becomes of it.
#[utoipa::path(
    put,
    path = "/machines/{id}",
    tag = "machines",
    params(("id" = Uuid, Path)),
    request_body = MachineSpec,
    responses(
        (status = 201, body = Machine),
        (status = 200, body = Machine, description = "It was there"),
        (status = 409, description = "It differs from the machine of this id"),
        (status = 422, description = "Image, volume or capacity are missing"),
    )
)]
pub(super) async fn put(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    ApiJson(spec): ApiJson<MachineSpec>,
) -> ApiResult<Response> {
    Ok(ensured(app.put_machine(id, spec).await?))
}

/// Removes a machine and all that belonged to it. Answers when that is noted; the events tell the end.
#[utoipa::path(
    delete,
    path = "/machines/{id}",
    tag = "machines",
    params(("id" = Uuid, Path)),
    responses((status = 202, description = "It will go"), (status = 204, description = "It is gone"))
)]
pub(super) async fn delete(State(app): State<App>, Path(id): Path<Uuid>) -> ApiResult<StatusCode> {
    let gone = app.delete_machine(id).await?;
    Ok(if gone { StatusCode::NO_CONTENT } else { StatusCode::ACCEPTED })
}

/// Starts, stops or reboots a machine. Answers when that is noted.
#[utoipa::path(
    post,
    path = "/machines/{id}/power",
    tag = "machines",
    params(("id" = Uuid, Path)),
    request_body = PowerRequest,
    responses((status = 200, body = Machine), (status = 409, description = "Its state does not allow it"))
)]
pub(super) async fn power(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    ApiJson(request): ApiJson<PowerRequest>,
) -> ApiResult<ApiJson<Machine>> {
    Ok(ApiJson(app.power(id, request).await?))
}

/// How much of a console log is wanted.
#[derive(Debug, Deserialize)]
pub(super) struct Tail {
    #[serde(default = "some_bytes")]
    bytes: u64,
}

fn some_bytes() -> u64 {
    64 * 1024
}

/// The end of the serial console's log.
#[utoipa::path(
    get,
    path = "/machines/{id}/console_log",
    tag = "machines",
    params(("id" = Uuid, Path), ("bytes" = Option<u64>, Query, description = "At most this many, up to 1 MiB; 64 KiB without")),
    responses((status = 200, body = String, content_type = "text/plain"))
)]
pub(super) async fn console_log(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    Query(tail): Query<Tail>,
) -> ApiResult<String> {
    app.console_log(id, tail.bytes).await
}

/// Where the console can be reached on the host.
#[utoipa::path(
    get,
    path = "/machines/{id}/console",
    tag = "machines",
    params(("id" = Uuid, Path)),
    responses((status = 200, body = ConsoleAccess), (status = 409, description = "It does not run"))
)]
pub(super) async fn console(State(app): State<App>, Path(id): Path<Uuid>) -> ApiResult<ApiJson<ConsoleAccess>> {
    Ok(ApiJson(app.console(id).await?))
}

/// Counters since the machine's start.
#[utoipa::path(
    get,
    path = "/machines/{id}/measurements",
    tag = "machines",
    params(("id" = Uuid, Path)),
    responses((status = 200, body = Measurements), (status = 409, description = "It does not run"))
)]
pub(super) async fn measurements(State(app): State<App>, Path(id): Path<Uuid>) -> ApiResult<ApiJson<Measurements>> {
    Ok(ApiJson(app.measurements(id).await?))
}

/// What is really there of it.
#[utoipa::path(
    get,
    path = "/machines/{id}/reality",
    tag = "machines",
    params(("id" = Uuid, Path)),
    responses((status = 200, body = Reality), (status = 404, description = "The hypervisor has no such domain"))
)]
pub(super) async fn reality(State(app): State<App>, Path(id): Path<Uuid>) -> ApiResult<ApiJson<Reality>> {
    Ok(ApiJson(app.reality(id).await?))
}

/// Counters of many machines in one reading.
#[utoipa::path(
    post,
    path = "/measurements",
    tag = "machines",
    request_body = MeasureMachines,
    responses((status = 200, body = MeasuredMachines))
)]
pub(super) async fn measure(
    State(app): State<App>,
    ApiJson(asked_for): ApiJson<MeasureMachines>,
) -> ApiResult<ApiJson<MeasuredMachines>> {
    Ok(ApiJson(app.measure(&asked_for).await?))
}
