//! `vnfpm/v2` (SOL003 clause 6.4, SOL002 clause 6.4): PM jobs, their reports, thresholds.

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use reference_points::or_vnfm::{
    CreatePmJobRequest, CreateThresholdRequest, PerformanceReport, PmCallbackModifications, PmJob, Threshold,
};
use service::http::{ApiJson, ApiResult, IfMatch, MergePatch};
use service::query::{Condition, ListQuery, Op, Step};
use uuid::Uuid;

use crate::app::App;
use crate::store::pm::{JOBS, THRESHOLDS};

/// Only what was made through this version of the interface.
pub(super) fn of_major(mut query: ListQuery, major: &str) -> ListQuery {
    let own = Condition { op: Op::Eq, path: vec![Step::Name("major".to_owned())], values: vec![major.to_owned()] };
    query.filter.conditions.insert(0, own);
    query
}

/// PM jobs, filtered, with the attributes asked for, by pages.
#[utoipa::path(get, path = "/pm_jobs", responses((status = 200, body = Vec<PmJob>)))]
pub async fn jobs(State(app): State<App>, query: ListQuery) -> ApiResult<Response> {
    JOBS.respond(&app.db, &of_major(query, "2"), |stored, shown| app.pm.show_job(stored, shown)).await
}

/// Creates a PM job.
#[utoipa::path(post, path = "/pm_jobs", request_body = CreatePmJobRequest, responses((status = 201, body = PmJob)))]
pub async fn create_job(State(app): State<App>, ApiJson(request): ApiJson<CreatePmJobRequest>) -> ApiResult<Response> {
    let stored = app.pm.create_job(request.into()).await?;
    let location = [(header::LOCATION, format!("{}/vnfpm/v2/pm_jobs/{}", app.base, stored.id))];
    Ok((StatusCode::CREATED, location, ApiJson(app.pm.shown_job(&stored))).into_response())
}

/// A PM job.
#[utoipa::path(get, path = "/pm_jobs/{pmJobId}", params(("pmJobId" = Uuid, Path)), responses((status = 200, body = PmJob)))]
pub async fn job(State(app): State<App>, Path(id): Path<Uuid>) -> ApiResult<Response> {
    let stored = app.pm.job(2, id).await?;
    Ok(([(header::ETAG, stored.etag())], ApiJson(app.pm.shown_job(&stored))).into_response())
}

/// Changes where a PM job notifies.
#[utoipa::path(patch, path = "/pm_jobs/{pmJobId}", params(("pmJobId" = Uuid, Path)),
    request_body(content = PmCallbackModifications, content_type = "application/merge-patch+json"),
    responses((status = 200, body = PmCallbackModifications), (status = 412)))]
pub async fn modify_job(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    if_match: IfMatch,
    patch: MergePatch<PmCallbackModifications>,
) -> ApiResult<Response> {
    let (changed, etag) = app.pm.modify_job(id, if_match, patch.typed).await?;
    Ok(([(header::ETAG, etag)], ApiJson(changed)).into_response())
}

/// Deletes a PM job with its reports.
#[utoipa::path(delete, path = "/pm_jobs/{pmJobId}", params(("pmJobId" = Uuid, Path)), responses((status = 204)))]
pub async fn delete_job(State(app): State<App>, Path(id): Path<Uuid>) -> ApiResult<StatusCode> {
    app.pm.delete_job(2, id).await.map(|()| StatusCode::NO_CONTENT)
}

/// A report of a PM job.
#[utoipa::path(get, path = "/pm_jobs/{pmJobId}/reports/{reportId}",
    params(("pmJobId" = Uuid, Path), ("reportId" = Uuid, Path)), responses((status = 200, body = PerformanceReport)))]
pub async fn report(State(app): State<App>, Path((job, id)): Path<(Uuid, Uuid)>) -> ApiResult<Response> {
    Ok(ApiJson(app.pm.report(2, job, id).await?).into_response())
}

/// Thresholds, filtered, by pages.
#[utoipa::path(get, path = "/thresholds", responses((status = 200, body = Vec<Threshold>)))]
pub async fn thresholds(State(app): State<App>, query: ListQuery) -> ApiResult<Response> {
    THRESHOLDS.respond(&app.db, &of_major(query, "2"), |stored, shown| app.pm.show_threshold(stored, shown)).await
}

/// Creates a threshold.
#[utoipa::path(post, path = "/thresholds", request_body = CreateThresholdRequest, responses((status = 201, body = Threshold)))]
pub async fn create_threshold(
    State(app): State<App>,
    ApiJson(request): ApiJson<CreateThresholdRequest>,
) -> ApiResult<Response> {
    let stored = app.pm.create_threshold(request.into()).await?;
    let location = [(header::LOCATION, format!("{}/vnfpm/v2/thresholds/{}", app.base, stored.id))];
    Ok((StatusCode::CREATED, location, ApiJson(app.pm.shown_threshold(&stored))).into_response())
}

/// A threshold.
#[utoipa::path(get, path = "/thresholds/{thresholdId}", params(("thresholdId" = Uuid, Path)), responses((status = 200, body = Threshold)))]
pub async fn threshold(State(app): State<App>, Path(id): Path<Uuid>) -> ApiResult<Response> {
    let stored = app.pm.threshold(2, id).await?;
    Ok(([(header::ETAG, stored.etag())], ApiJson(app.pm.shown_threshold(&stored))).into_response())
}

/// Changes where a threshold notifies.
#[utoipa::path(patch, path = "/thresholds/{thresholdId}", params(("thresholdId" = Uuid, Path)),
    request_body(content = PmCallbackModifications, content_type = "application/merge-patch+json"),
    responses((status = 200, body = PmCallbackModifications), (status = 412)))]
pub async fn modify_threshold(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    if_match: IfMatch,
    patch: MergePatch<PmCallbackModifications>,
) -> ApiResult<Response> {
    let (changed, etag) = app.pm.modify_threshold(id, if_match, patch.typed).await?;
    Ok(([(header::ETAG, etag)], ApiJson(changed)).into_response())
}

/// Deletes a threshold.
#[utoipa::path(delete, path = "/thresholds/{thresholdId}", params(("thresholdId" = Uuid, Path)), responses((status = 204)))]
pub async fn delete_threshold(State(app): State<App>, Path(id): Path<Uuid>) -> ApiResult<StatusCode> {
    app.pm.delete_threshold(2, id).await.map(|()| StatusCode::NO_CONTENT)
}
