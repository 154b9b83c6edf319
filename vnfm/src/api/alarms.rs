//! `vnffm/v1` (SOL003 clause 7.4, SOL002 clause 7.4): alarms and subscriptions to them.

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use reference_points::or_vnfm::{
    Alarm, AlarmModifications, FmSubscription, FmSubscriptionRequest, PerceivedSeverityRequest,
};
use service::http::{ApiJson, ApiResult, IfMatch, MergePatch};
use service::notify::Subscribed;
use service::query::ListQuery;
use uuid::Uuid;

use crate::app::{App, fm};
use crate::store::ALARMS;

/// Alarms, filtered, by pages.
#[utoipa::path(get, path = "/alarms", responses((status = 200, body = Vec<Alarm>)))]
pub async fn list(State(app): State<App>, query: ListQuery) -> ApiResult<Response> {
    ALARMS.respond(&app.db, &query, |stored, shown| app.alarms.add_links(stored, shown)).await
}

/// An alarm.
#[utoipa::path(get, path = "/alarms/{alarmId}", params(("alarmId" = Uuid, Path)), responses((status = 200, body = Alarm)))]
pub async fn show(State(app): State<App>, Path(id): Path<Uuid>) -> ApiResult<Response> {
    let stored = ALARMS.require(&app.db, id).await?;
    Ok(([(header::ETAG, stored.etag())], ApiJson(app.alarms.shown(&stored.document.alarm))).into_response())
}

/// Acknowledges an alarm, or takes that back.
#[utoipa::path(patch, path = "/alarms/{alarmId}", params(("alarmId" = Uuid, Path)),
    request_body(content = AlarmModifications, content_type = "application/merge-patch+json"),
    responses((status = 200, body = AlarmModifications), (status = 409), (status = 412)))]
pub async fn modify(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    if_match: IfMatch,
    patch: MergePatch<AlarmModifications>,
) -> ApiResult<Response> {
    let etag = app.alarms.acknowledge(id, if_match, &patch.typed).await?;
    Ok(([(header::ETAG, etag)], ApiJson(patch.typed)).into_response())
}

/// Proposes a higher severity (SOL002).
#[utoipa::path(post, path = "/alarms/{alarmId}/escalate", params(("alarmId" = Uuid, Path)),
    request_body = PerceivedSeverityRequest, responses((status = 204), (status = 409), (status = 422)))]
pub async fn escalate(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    ApiJson(request): ApiJson<PerceivedSeverityRequest>,
) -> ApiResult<StatusCode> {
    app.alarms.escalate(id, &request).await.map(|()| StatusCode::NO_CONTENT)
}

/// Subscriptions, filtered, by pages.
#[utoipa::path(get, path = "/subscriptions", responses((status = 200, body = Vec<FmSubscription>)))]
pub async fn subscriptions(State(app): State<App>, query: ListQuery) -> ApiResult<Response> {
    app.alarms.notifier.respond(query).await
}

/// Subscribes to alarms; an equal subscription is answered with 303.
#[utoipa::path(post, path = "/subscriptions", request_body = FmSubscriptionRequest, responses((status = 201, body = FmSubscription), (status = 303)))]
pub async fn subscribe(
    State(app): State<App>,
    ApiJson(request): ApiJson<FmSubscriptionRequest>,
) -> ApiResult<Response> {
    let location = |id| [(header::LOCATION, app.alarms.notifier.location(id))];
    Ok(match app.alarms.notifier.subscribe(fm::asked(request)?).await? {
        Subscribed::New(id, shown) => (StatusCode::CREATED, location(id), ApiJson(shown)).into_response(),
        Subscribed::Existing(id) => (StatusCode::SEE_OTHER, location(id)).into_response(),
    })
}

/// A subscription.
#[utoipa::path(get, path = "/subscriptions/{subscriptionId}", params(("subscriptionId" = Uuid, Path)), responses((status = 200, body = FmSubscription)))]
pub async fn subscription(State(app): State<App>, Path(id): Path<Uuid>) -> ApiResult<Response> {
    Ok(ApiJson(app.alarms.notifier.subscription(id).await?).into_response())
}

/// Ends a subscription.
#[utoipa::path(delete, path = "/subscriptions/{subscriptionId}", params(("subscriptionId" = Uuid, Path)), responses((status = 204)))]
pub async fn unsubscribe(State(app): State<App>, Path(id): Path<Uuid>) -> ApiResult<StatusCode> {
    app.alarms.notifier.unsubscribe(id).await.map(|()| StatusCode::NO_CONTENT)
}
