//! The NFV orchestrator: VNF packages, NSDs and network services (ETSI GS NFV-SOL 005), grants and packages for the VNFM
//! (SOL003 clauses 9 and 10).
//!
//! `api` parses, `app` decides, `ops` plans (pure), `steps` act through the seams in `effects`, `store` keeps. The
//! operation engine (`lcm`) stands between planning and acting.

mod api;
mod app;
mod config;
mod effects;
mod ops;
mod steps;
mod store;

use service::run::{BoxError, Running, Service, Setup, StartError};
use utoipa_axum::router::OpenApiRouter;

pub use app::App;
pub use config::Config;

/// The NFVO as a process.
#[derive(Debug)]
pub struct Nfvo;

impl Service for Nfvo {
    const NAME: &'static str = "nfvo";
    const ABOUT: &'static str = "NFV orchestrator: network services from packages and descriptors (SOL005)";
    const HELP: &'static str = "A configuration, complete:
  vnfm: http://127.0.0.1:8701
  vim_adapter: http://127.0.0.1:8702
  state_dir: /var/lib/mano/nfvo
  trust_anchors: [ /etc/mano/vendors.pem ]   # who vouches for signed packages; none when absent
  unsigned_packages: warn                    # accept (when absent), warn or refuse
  service:
    listen: 127.0.0.1:8700
    database: sqlite:///var/lib/mano/nfvo.db

It keeps package archives below state_dir (back it up together with the database), has VNFs made by the VNFM, and networks and images by the vim-adapter.
Then: mano vim add, mano vnfpkg onboard FILE, mano nsd onboard FILE, mano ns create.";
    const PORT: u16 = 8700;
    type Config = Config;
    type State = App;

    fn api() -> OpenApiRouter<App> {
        api::router()
    }

    async fn start(config: Config, setup: Setup) -> Result<App, BoxError> {
        app::start::start(config, setup).await
    }
}

/// Starts an NFVO in this process.
///
/// # Errors
/// As [`service::run::start`].
pub async fn start(config: Config) -> Result<Running, StartError> {
    service::run::start::<Nfvo>(config).await
}
