//! The VNFM's interfaces: SOL003 `vnflcm/v2` and `v1`, `vnffm/v1`, `vnfpm/v2` and `v1`, `vnfind/v1`, and below
//! `/mano/v1` what live views and those who tell indicators and quotas need. Handlers parse, call the
//! application, answer.

mod instances;
mod mano;
mod occurrences;
mod snapshots;
mod subscriptions;
pub mod v1;

mod alarms;
mod indicators;
mod pm;
mod pm_v1;
mod quotas;

use service::auth::Scope;
use service::http::version::api_versions;
use service::http::{Api, scoped};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;

const LCM: Api = Api { name: "vnflcm", major: "v2", versions: &["2.0.0"] };
const FM: Api = Api { name: "vnffm", major: "v1", versions: &["1.3.0"] };
const PM: Api = Api { name: "vnfpm", major: "v2", versions: &["2.1.0"] };
const PM_V1: Api = Api { name: "vnfpm", major: "v1", versions: &["1.2.1", "1.1.0", "1.0.0"] };
const IND: Api = Api { name: "vnfind", major: "v1", versions: &["1.3.0"] };
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
        .routes(scoped(ALL, routes!(instances::change_flavour)))
        .routes(scoped(ALL, routes!(instances::change_ext_conn)))
        .routes(scoped(ALL, routes!(instances::change_vnfpkg)))
        .routes(scoped(READ, routes!(occurrences::list)))
        .routes(scoped(READ, routes!(occurrences::show)))
        .routes(scoped(ALL, routes!(occurrences::retry)))
        .routes(scoped(ALL, routes!(occurrences::rollback)))
        .routes(scoped(ALL, routes!(occurrences::fail)))
        .routes(scoped(ALL, routes!(occurrences::cancel)))
        .routes(scoped(ALL, routes!(subscriptions::list, subscriptions::create)))
        .routes(scoped(ALL, routes!(subscriptions::show, subscriptions::delete)))
        .routes(scoped(ALL, routes!(snapshots::list, snapshots::create)))
        .routes(scoped(ALL, routes!(snapshots::show, snapshots::modify, snapshots::delete)))
        .routes(scoped(READ, routes!(snapshots::state)))
        .routes(scoped(ALL, routes!(snapshots::take)))
        .routes(scoped(ALL, routes!(snapshots::revert)));
    let mano = OpenApiRouter::new()
        .routes(scoped(READ, routes!(mano::steps)))
        .routes(scoped(READ, routes!(mano::events)))
        .routes(scoped(READ, routes!(mano::verification)))
        .routes(scoped(IND_READ, routes!(indicators::source)))
        .routes(scoped(IND_ALL, routes!(indicators::tried, indicators::told)))
        .routes(scoped(QUOTAS_TOLD, routes!(quotas::tried, quotas::told)));
    LCM.mount(lcm)
        .merge(MANO.mount(mano))
        .merge(v1::router())
        .merge(api_versions(&[LCM, v1::LCM]))
        .merge(api_versions(&[MANO]))
        .merge(monitoring())
}

const FM_ALL: Scope = Scope("vnffm:v1:all");
const FM_READ: Scope = Scope("vnffm:v1:readonly");
const PM_ALL: Scope = Scope("vnfpm:v2:all");
const PM_READ: Scope = Scope("vnfpm:v2:readonly");
const PM_V1_ALL: Scope = Scope("vnfpm:v1:all");
const PM_V1_READ: Scope = Scope("vnfpm:v1:readonly");
const IND_ALL: Scope = Scope("vnfind:v1:all");
const IND_READ: Scope = Scope("vnfind:v1:readonly");
const QUOTAS_TOLD: Scope = Scope("vrqan:v1:notify");

/// Fault and performance management, and indicators.
fn monitoring() -> OpenApiRouter<App> {
    let fm = OpenApiRouter::new()
        .routes(scoped(FM_READ, routes!(alarms::list)))
        .routes(scoped(FM_ALL, routes!(alarms::show, alarms::modify)))
        .routes(scoped(FM_ALL, routes!(alarms::escalate)))
        .routes(scoped(FM_ALL, routes!(alarms::subscriptions, alarms::subscribe)))
        .routes(scoped(FM_ALL, routes!(alarms::subscription, alarms::unsubscribe)));
    let pm = OpenApiRouter::new()
        .routes(scoped(PM_ALL, routes!(pm::jobs, pm::create_job)))
        .routes(scoped(PM_ALL, routes!(pm::job, pm::modify_job, pm::delete_job)))
        .routes(scoped(PM_READ, routes!(pm::report)))
        .routes(scoped(PM_ALL, routes!(pm::thresholds, pm::create_threshold)))
        .routes(scoped(PM_ALL, routes!(pm::threshold, pm::modify_threshold, pm::delete_threshold)));
    let older = OpenApiRouter::new()
        .routes(scoped(PM_V1_ALL, routes!(pm_v1::jobs, pm_v1::create_job)))
        .routes(scoped(PM_V1_ALL, routes!(pm_v1::job, pm_v1::delete_job)))
        .routes(scoped(PM_V1_READ, routes!(pm_v1::report)))
        .routes(scoped(PM_V1_ALL, routes!(pm_v1::thresholds, pm_v1::create_threshold)))
        .routes(scoped(PM_V1_ALL, routes!(pm_v1::threshold, pm_v1::delete_threshold)))
        .routes(scoped(PM_V1_ALL, routes!(pm_v1::subscriptions, pm_v1::subscribe)))
        .routes(scoped(PM_V1_ALL, routes!(pm_v1::subscription, pm_v1::unsubscribe)));
    let indicators = OpenApiRouter::new()
        .routes(scoped(IND_READ, routes!(indicators::list)))
        .routes(scoped(IND_READ, routes!(indicators::list_of)))
        .routes(scoped(IND_READ, routes!(indicators::show)))
        .routes(scoped(IND_ALL, routes!(indicators::subscriptions, indicators::subscribe)))
        .routes(scoped(IND_ALL, routes!(indicators::subscription, indicators::unsubscribe)))
        .routes(scoped(IND_ALL, routes!(indicators::subscription_there, indicators::unsubscribe_there)));
    FM.mount(fm)
        .merge(IND.mount(indicators))
        .merge(api_versions(&[IND]))
        .merge(PM.mount(pm))
        .merge(PM_V1.mount(older))
        .merge(api_versions(&[FM]))
        .merge(api_versions(&[PM, PM_V1]))
}
