//! Routes of computes (IFA005 clause 7.3).

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use reference_points::nf_vi::{ConsoleAccess, Measurements, PowerRequest, Reality};
use reference_points::or_vi::{Compute, ComputeSpec, MeasureComputes, MeasuredComputes, MigrateRequest};
use serde::Deserialize;
use service::http::{ApiJson, scoped};
use service::query::ListQuery;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::{Answer, Deleted, MANAGE, READ, Shared, listed};

/// Every route.
pub fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(scoped(READ, routes!(list)))
        .routes(scoped(READ, routes!(get)))
        .routes(scoped(MANAGE, routes!(put, delete)))
        .routes(scoped(MANAGE, routes!(power)))
        .routes(scoped(MANAGE, routes!(migrate)))
        .routes(scoped(READ, routes!(console_log)))
        .routes(scoped(MANAGE, routes!(console)))
        .routes(scoped(READ, routes!(measurements)))
        .routes(scoped(READ, routes!(reality)))
        .routes(scoped(MANAGE, routes!(let_go)))
        .routes(scoped(READ, routes!(measure)))
}

/// Computes of a VIM.
#[utoipa::path(get, path = "/vims/{vim}/computes", tag = "computes", params(("filter" = Option<String>, Query, description = "SOL013 clause 5.2"), ("fields" = Option<String>, Query, description = "SOL013 clause 5.3")),
    responses((status = 200, body = Vec<Compute>)))]
async fn list(State(app): State<Shared>, Path(vim): Path<Uuid>, query: ListQuery) -> Answer<Response> {
    listed(&query, &app.computes(vim).await?)
}

/// One compute.
#[utoipa::path(get, path = "/vims/{vim}/computes/{id}", tag = "computes", responses((status = 200, body = Compute)))]
async fn get(State(app): State<Shared>, Path((vim, id)): Path<(Uuid, Uuid)>) -> Answer<ApiJson<Compute>> {
    Ok(ApiJson(app.compute(vim, id).await?))
}

/// Ensures that a compute exists; answers at once, events tell the rest.
#[utoipa::path(put, path = "/vims/{vim}/computes/{id}", tag = "computes", request_body = ComputeSpec,
    responses((status = 200, body = Compute)))]
async fn put(
    State(app): State<Shared>,
    Path((vim, id)): Path<(Uuid, Uuid)>,
    ApiJson(spec): ApiJson<ComputeSpec>,
) -> Answer<ApiJson<Compute>> {
    Ok(ApiJson(app.put_compute(vim, id, spec).await?))
}

/// Removes a compute; an event tells when it is gone.
#[utoipa::path(delete, path = "/vims/{vim}/computes/{id}", tag = "computes",
    responses((status = 204, description = "Gone"), (status = 202, description = "Being removed")))]
async fn delete(State(app): State<Shared>, Path((vim, id)): Path<(Uuid, Uuid)>) -> Answer<Deleted> {
    Ok(app.delete_compute(vim, id).await?.into())
}

/// Starts, stops or reboots a compute (IFA005 clause 7.3.1.7).
#[utoipa::path(post, path = "/vims/{vim}/computes/{id}/power", tag = "computes", request_body = PowerRequest,
    responses((status = 200, body = Compute)))]
async fn power(
    State(app): State<Shared>,
    Path((vim, id)): Path<(Uuid, Uuid)>,
    ApiJson(request): ApiJson<PowerRequest>,
) -> Answer<ApiJson<Compute>> {
    Ok(ApiJson(app.power(vim, id, &request).await?))
}

/// Moves a compute to another host of the VIM (IFA006 migrate virtualised compute resource); an event tells the end.
#[utoipa::path(post, path = "/vims/{vim}/computes/{id}/migrate", tag = "computes", request_body = MigrateRequest,
    responses((status = 202, body = Compute)))]
async fn migrate(
    State(app): State<Shared>,
    Path((vim, id)): Path<(Uuid, Uuid)>,
    ApiJson(request): ApiJson<MigrateRequest>,
) -> Answer<(StatusCode, ApiJson<Compute>)> {
    Ok((StatusCode::ACCEPTED, ApiJson(app.migrate(vim, id, &request).await?)))
}

/// Lets go what the compute's disks held before this return to a snapshot: it cannot be taken back any more.
#[utoipa::path(delete, path = "/vims/{vim}/computes/{id}/reverts/{revert}", tag = "computes",
    responses((status = 204, description = "Gone")))]
async fn let_go(State(app): State<Shared>, Path((vim, id, revert)): Path<(Uuid, Uuid, Uuid)>) -> Answer<StatusCode> {
    app.let_go(vim, id, revert).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// How much of a log is wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Tail {
    /// Bytes from the end, at most 16 MiB; 64 KiB when absent.
    #[serde(default = "tail")]
    bytes: u64,
}

const fn tail() -> u64 {
    64 << 10
}

/// The end of a compute's serial console log.
#[utoipa::path(get, path = "/vims/{vim}/computes/{id}/console_log", tag = "computes", params(Tail),
    responses((status = 200, content_type = "text/plain", body = String)))]
async fn console_log(
    State(app): State<Shared>,
    Path((vim, id)): Path<(Uuid, Uuid)>,
    Query(tail): Query<Tail>,
) -> Answer<String> {
    Ok(app.console_log(vim, id, tail.bytes).await?)
}

/// Where a compute's console can be reached.
#[utoipa::path(get, path = "/vims/{vim}/computes/{id}/console", tag = "computes",
    responses((status = 200, body = ConsoleAccess)))]
async fn console(State(app): State<Shared>, Path((vim, id)): Path<(Uuid, Uuid)>) -> Answer<ApiJson<ConsoleAccess>> {
    Ok(ApiJson(app.console(vim, id).await?))
}

/// A compute's counters since its start.
#[utoipa::path(get, path = "/vims/{vim}/computes/{id}/measurements", tag = "computes",
    responses((status = 200, body = Measurements)))]
async fn measurements(State(app): State<Shared>, Path((vim, id)): Path<(Uuid, Uuid)>) -> Answer<ApiJson<Measurements>> {
    Ok(ApiJson(app.measurements(vim, id).await?))
}

/// What is really there of a compute, asked now.
#[utoipa::path(get, path = "/vims/{vim}/computes/{id}/reality", tag = "computes",
    responses((status = 200, body = Reality)))]
async fn reality(State(app): State<Shared>, Path((vim, id)): Path<(Uuid, Uuid)>) -> Answer<ApiJson<Reality>> {
    Ok(ApiJson(app.reality(vim, id).await?))
}

/// Counters of many computes (IFA005 clause 7.7), each host asked once.
#[utoipa::path(post, path = "/vims/{vim}/measurements", tag = "computes", request_body = MeasureComputes,
    responses((status = 200, body = MeasuredComputes)))]
async fn measure(
    State(app): State<Shared>,
    Path(vim): Path<Uuid>,
    ApiJson(wanted): ApiJson<MeasureComputes>,
) -> Answer<ApiJson<MeasuredComputes>> {
    Ok(ApiJson(app.measure(vim, &wanted).await?))
}
