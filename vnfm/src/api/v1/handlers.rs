//! What in `vnflcm/v1` is not that of `vnflcm/v2` but for its form: connection points are named by their instances, and
//! subscriptions are those of this version.

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use reference_points::or_vnfm::{
    ChangeExtVnfConnectivityRequest, ChangeVnfFlavourRequest, LccnSubscription, LccnSubscriptionRequest,
};
use service::http::{ApiJson, ApiResult};
use service::notify::Subscribed;
use service::query::ListQuery;
use uuid::Uuid;

use super::translate::name_connection_points;
use crate::api::instances::accepted;
use crate::app::{App, subscriptions};
use crate::store::INSTANCES;

/// Begins a change of the deployment flavour.
#[utoipa::path(post, path = "/vnf_instances/{vnfInstanceId}/change_flavour", params(("vnfInstanceId" = Uuid, Path)),
    request_body = ChangeVnfFlavourRequest, responses((status = 202, description = "accepted; Location names the occurrence")))]
pub async fn change_flavour(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    ApiJson(mut request): ApiJson<ChangeVnfFlavourRequest>,
) -> ApiResult<Response> {
    let stored = INSTANCES.require(&app.db, id).await?;
    name_connection_points(&stored.document.0, &mut request.ext_virtual_links)?;
    Ok(accepted(&app, app.change_flavour(id, request).await?))
}

/// Begins a change of the external connectivity.
#[utoipa::path(post, path = "/vnf_instances/{vnfInstanceId}/change_ext_conn", params(("vnfInstanceId" = Uuid, Path)),
    request_body = ChangeExtVnfConnectivityRequest, responses((status = 202, description = "accepted; Location names the occurrence")))]
pub async fn change_ext_conn(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    ApiJson(mut request): ApiJson<ChangeExtVnfConnectivityRequest>,
) -> ApiResult<Response> {
    let stored = INSTANCES.require(&app.db, id).await?;
    name_connection_points(&stored.document.0, &mut request.ext_virtual_links)?;
    Ok(accepted(&app, app.change_ext_conn(id, request).await?))
}

/// Subscriptions, filtered, by pages.
#[utoipa::path(get, path = "/subscriptions", responses((status = 200, body = Vec<LccnSubscription>)))]
pub async fn list_subscriptions(State(app): State<App>, query: ListQuery) -> ApiResult<Response> {
    app.older_notifier.respond(query).await
}

/// Subscribes to lifecycle changes in the form of version 1; an equal subscription is answered with 303.
#[utoipa::path(post, path = "/subscriptions", request_body = LccnSubscriptionRequest, responses((status = 201, body = LccnSubscription), (status = 303)))]
pub async fn subscribe(
    State(app): State<App>,
    ApiJson(request): ApiJson<LccnSubscriptionRequest>,
) -> ApiResult<Response> {
    let location = |id| [(header::LOCATION, app.older_notifier.location(id))];
    Ok(match app.older_notifier.subscribe(subscriptions::asked(request)?).await? {
        Subscribed::New(id, shown) => (StatusCode::CREATED, location(id), ApiJson(shown)).into_response(),
        Subscribed::Existing(id) => (StatusCode::SEE_OTHER, location(id)).into_response(),
    })
}

/// A subscription.
#[utoipa::path(get, path = "/subscriptions/{subscriptionId}", params(("subscriptionId" = Uuid, Path)), responses((status = 200, body = LccnSubscription)))]
pub async fn show_subscription(State(app): State<App>, Path(id): Path<Uuid>) -> ApiResult<Response> {
    Ok(ApiJson(app.older_notifier.subscription(id).await?).into_response())
}

/// Ends a subscription.
#[utoipa::path(delete, path = "/subscriptions/{subscriptionId}", params(("subscriptionId" = Uuid, Path)), responses((status = 204)))]
pub async fn unsubscribe(State(app): State<App>, Path(id): Path<Uuid>) -> ApiResult<StatusCode> {
    app.older_notifier.unsubscribe(id).await.map(|()| StatusCode::NO_CONTENT)
}
