//! `/subscriptions` of the interfaces (SOL005 clauses 5.4.8, 6.4.16 and 9.4.8; SOL003 clauses 11.4.2 and 11.4.3).

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use reference_points::or_vnfm::{VrQuotaAvailSubscription, VrQuotaAvailSubscriptionRequest};
use reference_points::os_ma_nfvo::{
    NsLccnSubscription, NsLccnSubscriptionRequest, NsdmSubscription, NsdmSubscriptionRequest, PkgmSubscription,
    PkgmSubscriptionRequest,
};
use service::http::{ApiJson, ApiResult};
use service::notify::{Asked, Notifier, Subscribed};
use service::query::ListQuery;
use uuid::Uuid;

use crate::app::{App, notices};

async fn subscribe(notifier: &Notifier, asked: Asked) -> ApiResult<Response> {
    let location = |id| [(header::LOCATION, notifier.location(id))];
    Ok(match notifier.subscribe(asked).await? {
        Subscribed::New(id, shown) => (StatusCode::CREATED, location(id), ApiJson(shown)).into_response(),
        Subscribed::Existing(id) => (StatusCode::SEE_OTHER, location(id)).into_response(),
    })
}

/// The four handlers of one interface.
macro_rules! subscriptions {
    ($(#[$meta:meta])* $module:ident, $notifier:ident, $request:ident, $shown:ident, $asked:path) => {
        $(#[$meta])*
        pub mod $module {
            use super::*;

            /// Subscriptions, filtered, by pages.
            #[utoipa::path(get, path = "/subscriptions", responses((status = 200, body = Vec<$shown>)))]
            pub async fn list(State(app): State<App>, query: ListQuery) -> ApiResult<Response> {
                app.notices.$notifier.respond(query).await
            }

            /// Subscribes; an equal subscription is answered with 303.
            #[utoipa::path(post, path = "/subscriptions", request_body = $request, responses((status = 201, body = $shown), (status = 303)))]
            pub async fn create(State(app): State<App>, ApiJson(request): ApiJson<$request>) -> ApiResult<Response> {
                subscribe(&app.notices.$notifier, $asked(request)?).await
            }

            /// A subscription.
            #[utoipa::path(get, path = "/subscriptions/{subscriptionId}", params(("subscriptionId" = Uuid, Path)), responses((status = 200, body = $shown)))]
            pub async fn show(State(app): State<App>, Path(id): Path<Uuid>) -> ApiResult<Response> {
                Ok(ApiJson(app.notices.$notifier.subscription(id).await?).into_response())
            }

            /// Ends a subscription.
            #[utoipa::path(delete, path = "/subscriptions/{subscriptionId}", params(("subscriptionId" = Uuid, Path)), responses((status = 204)))]
            pub async fn delete(State(app): State<App>, Path(id): Path<Uuid>) -> ApiResult<StatusCode> {
                app.notices.$notifier.unsubscribe(id).await.map(|()| StatusCode::NO_CONTENT)
            }
        }
    };
}

subscriptions! {
    /// NS lifecycle changes.
    ns, ns, NsLccnSubscriptionRequest, NsLccnSubscription, notices::ns_asked
}
subscriptions! {
    /// VNF package changes.
    packages, packages, PkgmSubscriptionRequest, PkgmSubscription, notices::packages_asked
}
subscriptions! {
    /// NSD changes.
    nsds, nsds, NsdmSubscriptionRequest, NsdmSubscription, notices::nsds_asked
}
subscriptions! {
    /// VNF package changes, for clients of version 1.
    packages_v1, packages_v1, PkgmSubscriptionRequest, PkgmSubscription, notices::packages_asked
}
subscriptions! {
    /// Quotas of VIMs.
    quotas, quotas, VrQuotaAvailSubscriptionRequest, VrQuotaAvailSubscription, notices::quotas_asked
}
