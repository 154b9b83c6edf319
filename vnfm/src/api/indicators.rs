//! `vnfind/v1` (SOL003 clause 8.4): indicators and subscriptions to them; and below `/mano/v1` where VNFs and element
//! managers tell theirs, and how that goes.

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use reference_points::or_vnfm::{VnfIndicator, VnfIndicatorSubscription, VnfIndicatorSubscriptionRequest};
use reference_points::os_ma_nfvo::mano::IndicatorSource;
use serde_json::Value;
use service::http::{ApiJson, ApiResult};
use service::notify::Subscribed;
use service::query::{Condition, ListQuery, Op, Step};
use uuid::Uuid;

use crate::app::{App, indicators};
use crate::store::INDICATORS;

/// Indicators, filtered, by pages.
#[utoipa::path(get, path = "/indicators", responses((status = 200, body = Vec<VnfIndicator>)))]
pub async fn list(State(app): State<App>, query: ListQuery) -> ApiResult<Response> {
    INDICATORS.respond(&app.db, &query, |stored, shown| app.indicators.add_links(stored, shown)).await
}

/// Indicators of a VNF instance, filtered, by pages.
#[utoipa::path(get, path = "/indicators/{vnfInstanceId}", params(("vnfInstanceId" = Uuid, Path)), responses((status = 200, body = Vec<VnfIndicator>)))]
pub async fn list_of(State(app): State<App>, Path(vnf): Path<Uuid>, mut query: ListQuery) -> ApiResult<Response> {
    app.indicators.known(vnf).await?;
    let path = vec![Step::Name("vnfInstanceId".to_owned())];
    query.filter.conditions.insert(0, Condition { op: Op::Eq, path, values: vec![vnf.to_string()] });
    list(State(app), query).await
}

/// An indicator of a VNF instance.
#[utoipa::path(get, path = "/indicators/{vnfInstanceId}/{indicatorId}",
    params(("vnfInstanceId" = Uuid, Path), ("indicatorId" = String, Path)), responses((status = 200, body = VnfIndicator)))]
pub async fn show(
    State(app): State<App>,
    Path((vnf, indicator)): Path<(Uuid, String)>,
) -> ApiResult<ApiJson<VnfIndicator>> {
    app.indicators.shown(vnf, &indicator).await.map(ApiJson)
}

/// Subscriptions, filtered, by pages.
#[utoipa::path(get, path = "/subscriptions", responses((status = 200, body = Vec<VnfIndicatorSubscription>)))]
pub async fn subscriptions(State(app): State<App>, query: ListQuery) -> ApiResult<Response> {
    app.indicators.notifier.respond(query).await
}

/// Subscribes to indicators; an equal subscription is answered with 303.
#[utoipa::path(post, path = "/subscriptions", request_body = VnfIndicatorSubscriptionRequest,
    responses((status = 201, body = VnfIndicatorSubscription), (status = 303)))]
pub async fn subscribe(
    State(app): State<App>,
    ApiJson(request): ApiJson<VnfIndicatorSubscriptionRequest>,
) -> ApiResult<Response> {
    let location = |id| [(header::LOCATION, app.indicators.notifier.location(id))];
    Ok(match app.indicators.notifier.subscribe(indicators::asked(request)?).await? {
        Subscribed::New(id, shown) => (StatusCode::CREATED, location(id), ApiJson(shown)).into_response(),
        Subscribed::Existing(id) => (StatusCode::SEE_OTHER, location(id)).into_response(),
    })
}

/// A subscription.
#[utoipa::path(get, path = "/subscriptions/{subscriptionId}", params(("subscriptionId" = Uuid, Path)), responses((status = 200, body = VnfIndicatorSubscription)))]
pub async fn subscription(State(app): State<App>, Path(id): Path<Uuid>) -> ApiResult<Response> {
    Ok(ApiJson(app.indicators.notifier.subscription(id).await?).into_response())
}

/// Ends a subscription.
#[utoipa::path(delete, path = "/subscriptions/{subscriptionId}", params(("subscriptionId" = Uuid, Path)), responses((status = 204)))]
pub async fn unsubscribe(State(app): State<App>, Path(id): Path<Uuid>) -> ApiResult<StatusCode> {
    app.indicators.notifier.unsubscribe(id).await.map(|()| StatusCode::NO_CONTENT)
}

/// A subscription, where ETSI's OpenAPI file has it.
#[utoipa::path(get, path = "/indicators/subscriptions/{subscriptionId}", params(("subscriptionId" = Uuid, Path)), responses((status = 200, body = VnfIndicatorSubscription)))]
pub async fn subscription_there(app: State<App>, id: Path<Uuid>) -> ApiResult<Response> {
    subscription(app, id).await
}

/// Ends a subscription, where ETSI's OpenAPI file has it.
#[utoipa::path(delete, path = "/indicators/subscriptions/{subscriptionId}", params(("subscriptionId" = Uuid, Path)), responses((status = 204)))]
pub async fn unsubscribe_there(app: State<App>, id: Path<Uuid>) -> ApiResult<StatusCode> {
    unsubscribe(app, id).await
}

/// Where the indicators of a VNF instance come from, and how that goes.
#[utoipa::path(get, path = "/vnf_instances/{vnfInstanceId}/indicator_source", params(("vnfInstanceId" = Uuid, Path)), responses((status = 200, body = IndicatorSource)))]
pub async fn source(State(app): State<App>, Path(vnf): Path<Uuid>) -> ApiResult<ApiJson<IndicatorSource>> {
    app.indicators.source_shown(vnf).await.map(ApiJson)
}

/// Answers a VNF or element manager that tries the address it was given.
#[utoipa::path(get, path = "/indicator_notifications/{callback}", params(("callback" = Uuid, Path)), responses((status = 204)))]
pub async fn tried(State(app): State<App>, Path(callback): Path<Uuid>) -> ApiResult<StatusCode> {
    app.indicators.listens(callback).await.map(|()| StatusCode::NO_CONTENT)
}

/// Takes a notification of a VNF or element manager (SOL002 clauses 8.5.2.5 and 8.5.2.6).
#[utoipa::path(post, path = "/indicator_notifications/{callback}", params(("callback" = Uuid, Path)),
    request_body = Object, responses((status = 204), (status = 422)))]
pub async fn told(
    State(app): State<App>,
    Path(callback): Path<Uuid>,
    ApiJson(body): ApiJson<Value>,
) -> ApiResult<StatusCode> {
    app.indicators.hear(callback, &body).await.map(|()| StatusCode::NO_CONTENT)
}
