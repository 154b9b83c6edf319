//! `vnfpm/v1` (SOL003 v2.6.1 clause 6.4), for older clients: the same jobs and thresholds, told to subscriptions.

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use reference_points::or_vnfm::{
    CreatePmJobRequestV1, CreateThresholdRequestV1, PerformanceReport, PmJobV1, PmSubscription, PmSubscriptionRequest,
    ThresholdV1,
};
use service::http::{ApiJson, ApiResult};
use service::notify::Subscribed;
use service::query::ListQuery;
use uuid::Uuid;

use super::pm::of_major;
use crate::app::{App, pm};
use crate::store::pm::{JOBS, THRESHOLDS};

/// PM jobs, filtered, with the attributes asked for, by pages.
#[utoipa::path(get, path = "/pm_jobs", responses((status = 200, body = Vec<PmJobV1>)))]
pub async fn jobs(State(app): State<App>, query: ListQuery) -> ApiResult<Response> {
    JOBS.respond(&app.db, &of_major(query, "1"), |stored, shown| app.pm.show_job(stored, shown)).await
}

/// Creates a PM job.
#[utoipa::path(post, path = "/pm_jobs", request_body = CreatePmJobRequestV1, responses((status = 201, body = PmJobV1)))]
pub async fn create_job(
    State(app): State<App>,
    ApiJson(request): ApiJson<CreatePmJobRequestV1>,
) -> ApiResult<Response> {
    let stored = app.pm.create_job(request.into()).await?;
    let location = [(header::LOCATION, format!("{}/vnfpm/v1/pm_jobs/{}", app.base, stored.id))];
    Ok((StatusCode::CREATED, location, ApiJson(app.pm.shown_job(&stored))).into_response())
}

/// A PM job.
#[utoipa::path(get, path = "/pm_jobs/{pmJobId}", params(("pmJobId" = Uuid, Path)), responses((status = 200, body = PmJobV1)))]
pub async fn job(State(app): State<App>, Path(id): Path<Uuid>) -> ApiResult<Response> {
    Ok(ApiJson(app.pm.shown_job(&app.pm.job(1, id).await?)).into_response())
}

/// Deletes a PM job with its reports.
#[utoipa::path(delete, path = "/pm_jobs/{pmJobId}", params(("pmJobId" = Uuid, Path)), responses((status = 204)))]
pub async fn delete_job(State(app): State<App>, Path(id): Path<Uuid>) -> ApiResult<StatusCode> {
    app.pm.delete_job(1, id).await.map(|()| StatusCode::NO_CONTENT)
}

/// A report of a PM job.
#[utoipa::path(get, path = "/pm_jobs/{pmJobId}/reports/{reportId}",
    params(("pmJobId" = Uuid, Path), ("reportId" = Uuid, Path)), responses((status = 200, body = PerformanceReport)))]
pub async fn report(State(app): State<App>, Path((job, id)): Path<(Uuid, Uuid)>) -> ApiResult<Response> {
    Ok(ApiJson(app.pm.report(1, job, id).await?).into_response())
}

/// Thresholds, filtered, by pages.
#[utoipa::path(get, path = "/thresholds", responses((status = 200, body = Vec<ThresholdV1>)))]
pub async fn thresholds(State(app): State<App>, query: ListQuery) -> ApiResult<Response> {
    THRESHOLDS.respond(&app.db, &of_major(query, "1"), |stored, shown| app.pm.show_threshold(stored, shown)).await
}

/// Creates a threshold.
#[utoipa::path(post, path = "/thresholds", request_body = CreateThresholdRequestV1, responses((status = 201, body = ThresholdV1)))]
pub async fn create_threshold(
    State(app): State<App>,
    ApiJson(request): ApiJson<CreateThresholdRequestV1>,
) -> ApiResult<Response> {
    let stored = app.pm.create_threshold(request.into()).await?;
    let location = [(header::LOCATION, format!("{}/vnfpm/v1/thresholds/{}", app.base, stored.id))];
    Ok((StatusCode::CREATED, location, ApiJson(app.pm.shown_threshold(&stored))).into_response())
}

/// A threshold.
#[utoipa::path(get, path = "/thresholds/{thresholdId}", params(("thresholdId" = Uuid, Path)), responses((status = 200, body = ThresholdV1)))]
pub async fn threshold(State(app): State<App>, Path(id): Path<Uuid>) -> ApiResult<Response> {
    Ok(ApiJson(app.pm.shown_threshold(&app.pm.threshold(1, id).await?)).into_response())
}

/// Deletes a threshold.
#[utoipa::path(delete, path = "/thresholds/{thresholdId}", params(("thresholdId" = Uuid, Path)), responses((status = 204)))]
pub async fn delete_threshold(State(app): State<App>, Path(id): Path<Uuid>) -> ApiResult<StatusCode> {
    app.pm.delete_threshold(1, id).await.map(|()| StatusCode::NO_CONTENT)
}

/// Subscriptions, filtered, by pages.
#[utoipa::path(get, path = "/subscriptions", responses((status = 200, body = Vec<PmSubscription>)))]
pub async fn subscriptions(State(app): State<App>, query: ListQuery) -> ApiResult<Response> {
    app.pm.notifier.respond(query).await
}

/// Subscribes to reports and crossings; an equal subscription is answered with 303.
#[utoipa::path(post, path = "/subscriptions", request_body = PmSubscriptionRequest, responses((status = 201, body = PmSubscription), (status = 303)))]
pub async fn subscribe(
    State(app): State<App>,
    ApiJson(request): ApiJson<PmSubscriptionRequest>,
) -> ApiResult<Response> {
    let location = |id| [(header::LOCATION, app.pm.notifier.location(id))];
    Ok(match app.pm.notifier.subscribe(pm::asked(request)?).await? {
        Subscribed::New(id, shown) => (StatusCode::CREATED, location(id), ApiJson(shown)).into_response(),
        Subscribed::Existing(id) => (StatusCode::SEE_OTHER, location(id)).into_response(),
    })
}

/// A subscription.
#[utoipa::path(get, path = "/subscriptions/{subscriptionId}", params(("subscriptionId" = Uuid, Path)), responses((status = 200, body = PmSubscription)))]
pub async fn subscription(State(app): State<App>, Path(id): Path<Uuid>) -> ApiResult<Response> {
    Ok(ApiJson(app.pm.notifier.subscription(id).await?).into_response())
}

/// Ends a subscription.
#[utoipa::path(delete, path = "/subscriptions/{subscriptionId}", params(("subscriptionId" = Uuid, Path)), responses((status = 204)))]
pub async fn unsubscribe(State(app): State<App>, Path(id): Path<Uuid>) -> ApiResult<StatusCode> {
    app.pm.notifier.unsubscribe(id).await.map(|()| StatusCode::NO_CONTENT)
}
