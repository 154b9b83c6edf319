//! The VNFM's interfaces: SOL003 `vnflcm/v2`, and below `/mano/v1` what live views need. Handlers parse, call the
//! application, answer.

mod instances;
mod mano;
mod occurrences;
mod subscriptions;

use service::auth::Scope;
use service::http::version::api_versions;
use service::http::{Api, scoped};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;

const LCM: Api = Api { name: "vnflcm", major: "v2", versions: &["2.0.0"] };
const MANO: Api = Api { name: "mano", major: "v1", versions: &["1.0.0"] };

/// Changing VNF instances (SOL003 clause 5.1, OAuth 2.0 scope).
const ALL: Scope = Scope("vnflcm:v2:all");
/// Looking at VNF instances.
const READ: Scope = Scope("vnflcm:v2:readonly");

/// Every route.
pub fn router() -> OpenApiRouter<App> {
    let lcm = OpenApiRouter::new()
        .routes(scoped(ALL, routes!(instances::list, instances::create)))
        .routes(scoped(ALL, routes!(instances::show, instances::modify, instances::delete)))
        .routes(scoped(ALL, routes!(instances::instantiate)))
        .routes(scoped(ALL, routes!(instances::terminate)))
        .routes(scoped(ALL, routes!(instances::scale)))
        .routes(scoped(ALL, routes!(instances::scale_to_level)))
        .routes(scoped(ALL, routes!(instances::operate)))
        .routes(scoped(ALL, routes!(instances::heal)))
        .routes(scoped(READ, routes!(occurrences::list)))
        .routes(scoped(READ, routes!(occurrences::show)))
        .routes(scoped(ALL, routes!(occurrences::retry)))
        .routes(scoped(ALL, routes!(occurrences::rollback)))
        .routes(scoped(ALL, routes!(occurrences::fail)))
        .routes(scoped(ALL, routes!(occurrences::cancel)))
        .routes(scoped(ALL, routes!(subscriptions::list, subscriptions::create)))
        .routes(scoped(ALL, routes!(subscriptions::show, subscriptions::delete)));
    let mano =
        OpenApiRouter::new().routes(scoped(READ, routes!(mano::steps))).routes(scoped(READ, routes!(mano::events)));
    LCM.mount(lcm).merge(MANO.mount(mano)).merge(api_versions(&[LCM])).merge(api_versions(&[MANO]))
}
