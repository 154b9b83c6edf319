//! Decisions: what a request means, whether it is allowed, what is written for it. Handlers call this; SQL and effects
//! are elsewhere.

pub mod allowances;
pub mod bulk;
pub mod grants;
pub mod intake;
pub mod leaks;
pub mod notices;
pub mod notified;
pub mod ns;
pub mod ns_view;
pub mod nsds;
pub mod observer;
pub mod onboard;
pub mod packages;
pub mod pictures;
pub mod problems;
pub mod progress;
pub mod start;
pub mod tasks;
pub mod topology;
pub mod vim_images;
pub mod vims;

use std::sync::Arc;

use db::{Clock, Db};
use descriptors::signature::Trust;
use lcm::Engine;
use reference_points::common::TraceContext;
use reference_points::or_vi::ViClient;
use reference_points::or_vnfm::LcmClient;
use reference_points::os_ma_nfvo::mano::VnfStepsClient;
use service::http::Wake;
use tokio::sync::Notify;

use self::intake::Files;
use self::notices::Notices;
use crate::ops::design::IdSource;

/// What every handler shares.
#[derive(Clone)]
pub struct App {
    /// Database.
    pub db: Db,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Operations.
    pub engine: Engine,
    /// Identifiers.
    pub ids: Arc<dyn IdSource>,
    /// Archives.
    pub files: Files,
    /// Who vouches for signers of archives, and what becomes of unsigned ones.
    pub trust: Arc<Trust>,
    /// The vim-adapter.
    pub vi: ViClient,
    /// The VNFM.
    pub vnfm: LcmClient,
    /// The VNFM's steps.
    pub vnf_steps: VnfStepsClient,
    /// Subscriptions.
    pub notices: Notices,
    /// Rung whenever an operation changes.
    pub progress: Wake,
    /// Rung when a VIM was registered or forgotten.
    pub vims_changed: Arc<Notify>,
}

impl App {
    /// The time now, microseconds since the epoch.
    pub fn now(&self) -> i64 {
        self.clock.now_micros()
    }

    /// Who vouches for signers of archives, judged at this time.
    pub fn trust_now(&self) -> Trust {
        self.trust.at(self.now() / 1_000_000)
    }
}

/// The trace that an operation begun by the running request belongs to.
pub fn traceparent() -> Option<String> {
    TraceContext::current().map(|c| c.to_string())
}
