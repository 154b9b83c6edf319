//! The NFVO's interfaces: SOL005 `vnfpkgm/v2` (and `v1`), `nsd/v2` and `nslcm/v2` towards operators, SOL003 `vnfpkgm/v2`,
//! `grant/v1` and `vrqan/v1` towards the VNFM, `/mano/v1` for what operators need beyond, and the call-back of the VNFM's notifications.
//! Handlers parse, call the application, answer.

mod callbacks;
mod content;
mod files;
mod grants;
mod mano;
mod nsd;
mod nslcm;
mod onboarded;
mod pictures;
mod subscriptions;
mod vnfpkgm;

use service::auth::Scope;
use service::http::version::api_versions;
use service::http::{Api, Older, older, scoped};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;

pub use callbacks::VNFLCM as VNFLCM_CALLBACK;

const PACKAGES: Api = Api { name: "vnfpkgm", major: "v2", versions: &["2.1.0", "2.0.0"] };
const PACKAGES_V1: Api = Api { name: "vnfpkgm", major: "v1", versions: &["1.3.0", "1.2.0"] };
const NSD: Api = Api { name: "nsd", major: "v2", versions: &["2.1.0", "2.0.0"] };
const NSLCM: Api = Api { name: "nslcm", major: "v2", versions: &["2.0.0"] };
const GRANT: Api = Api { name: "grant", major: "v1", versions: &["1.4.0"] };
const QUOTAS: Api = Api { name: "vrqan", major: "v1", versions: &["1.2.1"] };
const MANO: Api = Api { name: "mano", major: "v1", versions: &["1.0.0"] };

const PACKAGES_ALL: Scope = Scope("vnfpkgm:v2:all");
const PACKAGES_READ: Scope = Scope("vnfpkgm:v2:readonly");
const PACKAGES_V1_ALL: Scope = Scope("vnfpkgm:v1:all");
const PACKAGES_V1_READ: Scope = Scope("vnfpkgm:v1:readonly");
const NSD_ALL: Scope = Scope("nsd:v2:all");
const NSD_READ: Scope = Scope("nsd:v2:readonly");
const NSLCM_ALL: Scope = Scope("nslcm:v2:all");
const NSLCM_READ: Scope = Scope("nslcm:v2:readonly");
const GRANT_ALL: Scope = Scope("grant:v1:all");
const QUOTAS_ALL: Scope = Scope("vrqan:v1:all");
const MANO_ALL: Scope = Scope("mano:v1:all");
const MANO_READ: Scope = Scope("mano:v1:readonly");
const CALLBACK: Scope = Scope("vnflcm:v2:notify");

/// How version 1 of the package interfaces (SOL005 and SOL003 v2.6.1) differs.
const OLDER_PACKAGES: Older = Older {
    request: |_| Vec::new(),
    answer: |answer| older::relink(answer, "/vnfpkgm/v2/", "/vnfpkgm/v1/"),
    query: |_| (),
    current: "/vnfpkgm/v2/",
    own: "/vnfpkgm/v1/",
};

/// Every route.
pub fn router() -> OpenApiRouter<App> {
    let versions: [&[Api]; 6] = [&[PACKAGES, PACKAGES_V1], &[NSD], &[NSLCM], &[GRANT], &[QUOTAS], &[MANO]];
    let router = PACKAGES
        .mount(current_packages())
        .merge(OLDER_PACKAGES.mount(PACKAGES_V1, older_packages()))
        .merge(NSD.mount(nsds()))
        .merge(NSLCM.mount(services()))
        .merge(GRANT.mount(grants()))
        .merge(QUOTAS.mount(quotas()))
        .merge(MANO.mount(operators()))
        .merge(OpenApiRouter::new().routes(scoped(CALLBACK, routes!(callbacks::probe, callbacks::vnflcm))));
    versions.iter().fold(router, |router, api| router.merge(api_versions(api)))
}

fn packages(all: Scope, read: Scope) -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(scoped(all, routes!(vnfpkgm::list, vnfpkgm::create)))
        .routes(scoped(all, routes!(vnfpkgm::show, vnfpkgm::modify, vnfpkgm::delete)))
        .routes(scoped(all, routes!(content::get, content::put)))
        .routes(scoped(all, routes!(content::from_uri)))
        .routes(scoped(read, routes!(content::vnfd)))
        .routes(scoped(read, routes!(content::manifest)))
        .routes(scoped(read, routes!(content::artifact)))
        .routes(scoped(read, routes!(onboarded::list)))
        .routes(scoped(read, routes!(onboarded::show)))
        .routes(scoped(read, routes!(onboarded::content)))
        .routes(scoped(read, routes!(onboarded::vnfd)))
        .routes(scoped(read, routes!(onboarded::manifest)))
        .routes(scoped(read, routes!(onboarded::artifact)))
}

fn current_packages() -> OpenApiRouter<App> {
    packages(PACKAGES_ALL, PACKAGES_READ)
        .routes(scoped(PACKAGES_READ, routes!(content::artifacts)))
        .routes(scoped(PACKAGES_READ, routes!(onboarded::artifacts)))
        .routes(scoped(PACKAGES_ALL, routes!(subscriptions::packages::list, subscriptions::packages::create)))
        .routes(scoped(PACKAGES_ALL, routes!(subscriptions::packages::show, subscriptions::packages::delete)))
}

/// Version 1, which differs in its links alone.
fn older_packages() -> OpenApiRouter<App> {
    packages(PACKAGES_V1_ALL, PACKAGES_V1_READ)
        .routes(scoped(PACKAGES_V1_ALL, routes!(subscriptions::packages_v1::list, subscriptions::packages_v1::create)))
        .routes(scoped(PACKAGES_V1_ALL, routes!(subscriptions::packages_v1::show, subscriptions::packages_v1::delete)))
}

fn nsds() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(scoped(NSD_ALL, routes!(nsd::list, nsd::create)))
        .routes(scoped(NSD_ALL, routes!(nsd::show, nsd::modify, nsd::delete)))
        .routes(scoped(NSD_ALL, routes!(nsd::content, nsd::upload)))
        .routes(scoped(NSD_READ, routes!(nsd::descriptor)))
        .routes(scoped(NSD_READ, routes!(nsd::manifest)))
        .routes(scoped(NSD_READ, routes!(nsd::artifact)))
        .routes(scoped(NSD_ALL, routes!(subscriptions::nsds::list, subscriptions::nsds::create)))
        .routes(scoped(NSD_ALL, routes!(subscriptions::nsds::show, subscriptions::nsds::delete)))
}

fn services() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(scoped(NSLCM_ALL, routes!(nslcm::list, nslcm::create)))
        .routes(scoped(NSLCM_ALL, routes!(nslcm::show, nslcm::delete)))
        .routes(scoped(NSLCM_ALL, routes!(nslcm::instantiate)))
        .routes(scoped(NSLCM_ALL, routes!(nslcm::terminate)))
        .routes(scoped(NSLCM_READ, routes!(nslcm::list_occurrences)))
        .routes(scoped(NSLCM_READ, routes!(nslcm::show_occurrence)))
        .routes(scoped(NSLCM_ALL, routes!(nslcm::retry)))
        .routes(scoped(NSLCM_ALL, routes!(nslcm::rollback)))
        .routes(scoped(NSLCM_ALL, routes!(nslcm::proceed)))
        .routes(scoped(NSLCM_ALL, routes!(nslcm::fail)))
        .routes(scoped(NSLCM_ALL, routes!(nslcm::cancel)))
        .routes(scoped(NSLCM_ALL, routes!(subscriptions::ns::list, subscriptions::ns::create)))
        .routes(scoped(NSLCM_ALL, routes!(subscriptions::ns::show, subscriptions::ns::delete)))
}

fn grants() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(scoped(GRANT_ALL, routes!(grants::request)))
        .routes(scoped(GRANT_ALL, routes!(grants::show)))
}

fn quotas() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(scoped(QUOTAS_ALL, routes!(subscriptions::quotas::list, subscriptions::quotas::create)))
        .routes(scoped(QUOTAS_ALL, routes!(subscriptions::quotas::show, subscriptions::quotas::delete)))
}

fn operators() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(scoped(MANO_ALL, routes!(mano::vims, mano::register)))
        .routes(scoped(MANO_ALL, routes!(mano::vim, mano::put_vim, mano::forget)))
        .routes(scoped(MANO_READ, routes!(mano::hosts)))
        .routes(scoped(MANO_ALL, routes!(mano::put_host, mano::delete_host)))
        .routes(scoped(MANO_READ, routes!(mano::capacity)))
        .routes(scoped(MANO_ALL, routes!(mano::images, mano::add_image)))
        .routes(scoped(MANO_ALL, routes!(mano::delete_image)))
        .routes(scoped(MANO_ALL, routes!(mano::image_content)))
        .routes(scoped(MANO_READ, routes!(mano::vim_events)))
        .routes(scoped(MANO_READ, routes!(mano::console_log)))
        .routes(scoped(MANO_ALL, routes!(mano::console)))
        .routes(scoped(MANO_ALL, routes!(mano::power)))
        .routes(scoped(MANO_ALL, routes!(mano::migrate)))
        .routes(scoped(MANO_READ, routes!(mano::topology)))
        .routes(scoped(MANO_READ, routes!(pictures::package)))
        .routes(scoped(MANO_READ, routes!(pictures::nsd)))
        .routes(scoped(MANO_READ, routes!(mano::steps)))
        .routes(scoped(MANO_READ, routes!(mano::events)))
        .routes(scoped(MANO_READ, routes!(mano::leaks)))
}
