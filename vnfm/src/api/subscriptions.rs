//! `/subscriptions` (SOL003 clauses 5.4.18 and 5.4.19).

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use reference_points::or_vnfm::{LccnSubscription, LccnSubscriptionRequest};
use service::http::{ApiJson, ApiResult};
use service::notify::Subscribed;
use service::query::ListQuery;
use uuid::Uuid;

use crate::app::{App, subscriptions};

/// Subscriptions, filtered, by pages.
#[utoipa::path(get, path = "/subscriptions", responses((status = 200, body = Vec<LccnSubscription>)))]
pub async fn list(State(app): State<App>, query: ListQuery) -> ApiResult<Response> {
    app.notifier.respond(query).await
}

/// Subscribes to lifecycle changes; an equal subscription is answered with 303.
#[utoipa::path(post, path = "/subscriptions", request_body = LccnSubscriptionRequest, responses((status = 201, body = LccnSubscription), (status = 303)))]
pub async fn create(State(app): State<App>, ApiJson(request): ApiJson<LccnSubscriptionRequest>) -> ApiResult<Response> {
    let location = |id| [(header::LOCATION, app.notifier.location(id))];
    Ok(match app.notifier.subscribe(subscriptions::asked(request)?).await? {
        Subscribed::New(id, shown) => (StatusCode::CREATED, location(id), ApiJson(shown)).into_response(),
        Subscribed::Existing(id) => (StatusCode::SEE_OTHER, location(id)).into_response(),
    })
}

/// A subscription.
#[utoipa::path(get, path = "/subscriptions/{subscriptionId}", params(("subscriptionId" = Uuid, Path)), responses((status = 200, body = LccnSubscription)))]
pub async fn show(State(app): State<App>, Path(id): Path<Uuid>) -> ApiResult<Response> {
    Ok(ApiJson(app.notifier.subscription(id).await?).into_response())
}

/// Ends a subscription.
#[utoipa::path(delete, path = "/subscriptions/{subscriptionId}", params(("subscriptionId" = Uuid, Path)), responses((status = 204)))]
pub async fn delete(State(app): State<App>, Path(id): Path<Uuid>) -> ApiResult<StatusCode> {
    app.notifier.unsubscribe(id).await.map(|()| StatusCode::NO_CONTENT)
}
