//! Putting the NFVO together.

use std::sync::Arc;

use db::SystemClock;
use lcm::{Engine, EngineConfig};
use reference_points::or_vi::ViClient;
use reference_points::or_vnfm::LcmClient;
use reference_points::os_ma_nfvo::mano::VnfStepsClient;
use service::http::Wake;
use service::run::{BoxError, Setup};

use super::intake::Files;
use super::notices::Notices;
use super::observer::Recorder;
use super::{App, allowances, notified, progress};
use crate::api::VNFLCM_CALLBACK;
use crate::config::Config;
use crate::effects::PackageImages;
use crate::ops::design::FreshIds;
use crate::steps::{World, registry};
use crate::store::descriptors;
use crate::store::ns::NS;
use crate::store::nsds::NSDS;
use crate::store::op_occs::OP_OCCS;
use crate::store::packages::PACKAGES;
use crate::store::{self, vnfs::Records};

/// Opens the stores, starts the engine and what runs beside it.
///
/// # Errors
/// What the database, the state directory or the engine says.
pub async fn start(config: Config, setup: Setup) -> Result<App, BoxError> {
    setup.db.migrate(store::COMPONENT, store::MIGRATIONS).await?;
    NS.prepare(&setup.db).await?;
    OP_OCCS.prepare(&setup.db).await?;
    PACKAGES.prepare(&setup.db).await?;
    NSDS.prepare(&setup.db).await?;
    let files = Files::open(&config.state_dir, config.max_archive_bytes)
        .map_err(|e| format!("state_dir {}: {e}", config.state_dir.display()))?;
    let trust = super::onboard::trust(&config)?;
    let (vi, vnfm) = (ViClient::new(&config.vim_adapter), LcmClient::new(&config.vnfm));
    let world = World {
        vims: Arc::new(vi.clone()),
        vnfms: Arc::new(vnfm.clone()),
        images: Arc::new(PackageImages::new(files.packages())),
        ledger: Arc::new(Records(setup.db.clone())),
    };
    files.sweep(&descriptors::owners(&mut *setup.db.pool.acquire().await?).await?).await?;
    let state_dir = config.state_dir.clone();
    setup.readiness.register("state_dir", move || {
        let dir = state_dir.clone();
        async move { tokio::fs::metadata(&dir).await.map(drop).map_err(|e| format!("{}: {e}", dir.display())) }
    });
    let live = Wake::default();
    let base = config.callback_base.clone().unwrap_or_else(|| setup.base_url());
    let base = base.trim_end_matches('/').to_owned();
    let notices = Notices::start(&setup, &base).await?;
    let mut settings = EngineConfig::new("nfvo");
    settings.max_steps = config.parallel_steps;
    let engine = Engine::open(
        setup.db.clone(),
        registry(&world),
        Arc::new(Recorder { notifier: notices.ns.clone() }),
        settings,
        Arc::new(SystemClock),
        setup.metrics.registry(),
    )
    .await?;
    let app = App {
        db: setup.db.clone(),
        clock: Arc::new(SystemClock),
        engine: engine.clone(),
        ids: Arc::new(FreshIds),
        files,
        trust: Arc::new(trust),
        vi,
        vnfm,
        vnf_steps: VnfStepsClient::new(&config.vnfm),
        notices: notices.clone(),
        progress: live.clone(),
        vims_changed: Arc::default(),
    };
    let callback = format!("{base}{VNFLCM_CALLBACK}");
    let stop = || setup.shutdown.clone();
    setup.spawn("VNFM subscription", notified::stay_subscribed(app.clone(), callback, stop()));
    setup.spawn("VIMs", allowances::listen(setup.clone(), app.clone()));
    setup.spawn("live views", progress::ring(engine.clone(), live, notices, stop()));
    engine.start();
    let (shutdown, grace) = (stop(), config.service.shutdown_grace());
    setup.spawn("engine", async move {
        shutdown.cancelled().await;
        engine.shutdown(grace).await;
        Ok::<_, std::convert::Infallible>(())
    });
    Ok(app)
}
