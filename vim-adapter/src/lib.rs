//! vim-adapter: one HTTP interface after ETSI GS NFV-IFA 005 (Or-Vi) and 006 (Vi-Vnfm) over several kinds of VIM.
//!
//! `api` are the routes, `app` decides, `store` remembers, [`vim::Vim`] is the seam behind which the kinds of VIM are:
//! `hosts`, our own over host agents and OVN, `openstack`, and `sim`, in memory. `ledger` takes what VIMs tell, `vault` keeps
//! their secrets.

pub mod allowance;
mod api;
mod app;
mod compute_state;
mod config;
mod diff;
pub mod error;
#[cfg(test)]
mod fixtures;
mod hosts;
mod image_files;
mod ipam;
pub mod ledger;
mod openstack;
pub mod scheduler;
mod sim;
pub mod store;
mod tasks;
mod turns;
mod vault;
pub mod vim;

use std::sync::Arc;

use db::SystemClock;
use service::run::{BoxError, Running, Service, Setup, StartError};
use utoipa_axum::router::OpenApiRouter;

pub use crate::config::Config;

/// The service.
#[derive(Debug)]
pub struct VimAdapter;

impl Service for VimAdapter {
    const NAME: &'static str = "vim-adapter";
    const ABOUT: &'static str = "Virtualised resources of VIMs, after ETSI GS NFV-IFA 005 and 006";
    const HELP: &'static str = "\
The NFVO and the VNFM ask it for networks, ports, volumes, images and computes; it drives the VIMs they are registered \
with: our own over nfvi-agents and OVN (kind hosts), OpenStack (kind openstack), or a simulated one (kind sim).

A minimal configuration:

  service:
    database: sqlite:///var/lib/mano/vim-adapter/vim-adapter.db
  state_dir: /var/lib/mano/vim-adapter

For an OpenStack, a key that its credentials are kept with is needed as well:

  secret_key_files: [/etc/mano/vim-adapter.key]      # (umask 077; openssl rand -hex 32 > FILE)

Next:

  VIM=http://127.0.0.1:8702/vi/v1/vims/11111111-1111-4111-8111-111111111111
  curl -X PUT $VIM -H 'content-type: application/json' \\
    -d '{\"name\":\"lab\",\"kind\":{\"type\":\"hosts\",\"northbound\":\"unix:/run/ovn/ovnnb_db.sock\"}}'
  curl -X PUT $VIM/hosts/host-1 -H 'content-type: application/json' -d '{\"agent\":\"http://127.0.0.1:8703\"}'
  curl $VIM/capacity";
    const PORT: u16 = reference_points::or_vi::DEFAULT_PORT;
    type Config = Config;
    type State = Arc<app::App>;

    fn api() -> OpenApiRouter<Self::State> {
        api::routes()
    }

    async fn start(config: Config, setup: Setup) -> Result<Self::State, BoxError> {
        let state_dir = &config.state_dir;
        let images = image_files::ImageFiles::open(state_dir, config.max_image_bytes).await.map_err(|error| {
            format!(
                "state directory {} cannot be used: {error}; this process must be able to write there",
                state_dir.display()
            )
        })?;
        let vault = vault::Vault::open(&config.secret_key_files).map_err(|faults| faults.join("\n"))?;
        let store = store::Store::open(setup.db.clone(), Arc::new(SystemClock), config.event_history).await?;
        let app = Arc::new(app::App::new(store, images, vault, tasks::Tasks::new(&setup)));
        app.resume().await?;
        Ok(app)
    }
}

/// Runs a vim-adapter in this process.
///
/// # Errors
/// A [`StartError`]; nothing is left running.
pub async fn start(config: Config) -> Result<Running, StartError> {
    service::run::start::<VimAdapter>(config).await
}
