//! The VNF manager: VNF instances and their lifecycle (ETSI GS NFV-SOL 003 clause 5).
//!
//! `api` parses, [`app`] decides, [`ops`] plans (pure), [`steps`] act, [`store`] keeps. The operation engine (`lcm`) stands
//! between planning and acting.

pub mod api;
pub mod app;
pub mod config;
mod events;
pub mod foreign;
mod former;
mod live;
pub mod ops;
mod policy;
pub mod scripts;
pub mod steps;
pub mod store;
pub mod vi;

use service::run::{BoxError, Running, Service, Setup, StartError};
use utoipa_axum::router::OpenApiRouter;

pub use config::Config;

/// The VNFM as a process.
#[derive(Debug)]
pub struct Vnfm;

impl Service for Vnfm {
    const NAME: &'static str = "vnfm";
    const ABOUT: &'static str = "VNF manager: runs VNFs on virtualised resources (SOL003)";
    const HELP: &'static str = "A configuration, complete:
  nfvo: http://127.0.0.1:8700
  automatic_rollback: [INSTANTIATE]
  service:
    listen: 127.0.0.1:8701
    database: sqlite:///var/lib/mano/vnfm.db

It asks the NFVO for packages and grants, and the vim-adapter that a grant names for resources.
Then: mano vnf list, mano op list --vnf, mano op show ID.";
    const PORT: u16 = 8701;
    type Config = Config;
    type State = app::App;

    fn api() -> OpenApiRouter<app::App> {
        api::router()
    }

    async fn start(config: Config, setup: Setup) -> Result<app::App, BoxError> {
        app::App::start(config, setup).await
    }
}

/// Starts a VNFM in this process.
///
/// # Errors
/// As [`service::run::start`].
pub async fn start(config: Config) -> Result<Running, StartError> {
    service::run::start::<Vnfm>(config).await
}
