//! `vnflcm/v1` (SOL003 v2.6.1 and v2.7.1) for older clients: the resources that it has, answered by the handlers of
//! `vnflcm/v2` and translated on the way ([`translate`]).

mod document;
mod handlers;
mod occurrences;
mod translate;

use service::auth::Scope;
use service::http::{Api, Older, scoped};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::instances;
use crate::app::App;

pub use occurrences::wants;
pub use translate::shape;

/// `vnflcm/v1`.
pub const LCM: Api = Api { name: "vnflcm", major: "v1", versions: &["1.3.0", "1.2.0"] };

const ALL: Scope = Scope("vnflcm:v1:all");
const READ: Scope = Scope("vnflcm:v1:readonly");

const OLDER: Older = Older {
    request: translate::newer,
    answer: translate::older,
    query: translate::query,
    current: translate::CURRENT,
    own: translate::OWN,
};

/// Every route of version 1.
pub fn router() -> OpenApiRouter<App> {
    let routes = OpenApiRouter::new()
        .routes(scoped(ALL, routes!(instances::list, instances::create)))
        .routes(scoped(ALL, routes!(instances::show, instances::modify, instances::delete)))
        .routes(scoped(ALL, routes!(instances::instantiate)))
        .routes(scoped(ALL, routes!(instances::terminate)))
        .routes(scoped(ALL, routes!(instances::scale)))
        .routes(scoped(ALL, routes!(instances::scale_to_level)))
        .routes(scoped(ALL, routes!(instances::operate)))
        .routes(scoped(ALL, routes!(instances::heal)))
        .routes(scoped(ALL, routes!(handlers::change_flavour)))
        .routes(scoped(ALL, routes!(handlers::change_ext_conn)))
        .routes(scoped(READ, routes!(occurrences::list)))
        .routes(scoped(READ, routes!(occurrences::show)))
        .routes(scoped(ALL, routes!(occurrences::retry)))
        .routes(scoped(ALL, routes!(occurrences::rollback)))
        .routes(scoped(ALL, routes!(occurrences::fail)))
        .routes(scoped(ALL, routes!(occurrences::cancel)))
        .routes(scoped(ALL, routes!(handlers::list_subscriptions, handlers::subscribe)))
        .routes(scoped(ALL, routes!(handlers::show_subscription, handlers::unsubscribe)));
    OLDER.mount(LCM, document::older(routes))
}
