//! Putting the VNFM together.

use std::sync::Arc;

use db::{Clock, SystemClock};
use lcm::{Engine, EngineConfig};
use reference_points::or_vnfm::GrantClient;
use service::http::Wake;
use service::notify::Notifier;
use service::run::{BoxError, Setup};
use tokio::sync::mpsc;

use super::monitoring::Watched;
use super::surroundings::Around;
use super::{App, Packages, Recorder};
use crate::config::Config;
use crate::foreign::Foreign;
use crate::scripts::Confined;
use crate::steps::{Coordinators, Granting, Nfvo, Ve, Vnfs, registry, with_ve};
use crate::store::{INSTANCES, OCCURRENCES, SNAPSHOTS, schema, snapshots, ve};
use crate::vi::{OverHttp, Shared, Vi};

impl App {
    /// Opens the stores, starts engine, deliverer and event listeners.
    ///
    /// # Errors
    /// What the database, the configuration or a file says.
    pub async fn start(config: Config, setup: Setup) -> Result<Self, BoxError> {
        setup.db.migrate("vnfm", schema::MIGRATIONS).await?;
        setup.db.migrate("vnfm_ve", ve::MIGRATIONS).await?;
        INSTANCES.prepare(&setup.db).await?;
        OCCURRENCES.prepare(&setup.db).await?;
        setup.db.migrate("vnfm_snapshots", snapshots::MIGRATIONS).await?;
        SNAPSHOTS.prepare(&setup.db).await?;
        let base = config.public_url.clone().unwrap_or_else(|| setup.base_url());
        let base = base.trim_end_matches('/').to_owned();
        let (notifier, older_notifier) = notifiers(&setup, &base).await?;
        let (used, seen) = mpsc::unbounded_channel();
        let vi: Arc<dyn Vi> = Arc::new(OverHttp::new(used));
        let foreign = Foreign::new(config.vim_adapter.as_deref());
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let packages = Arc::new(Packages::new(&config.nfvo));
        let around = Arc::new(Around::new(setup.db.clone(), clock.clone(), packages.clone()));
        let client = GrantClient::new(&config.nfvo);
        let granting: Arc<dyn Granting> = Arc::new(Nfvo { client, foreign: foreign.clone(), known: around.clone() });
        let (alarms, pm) =
            super::monitoring::open(&setup, &base, &packages, &clock, config.threshold_period_seconds).await?;
        let indicators = super::monitoring::open_indicators(&setup, &alarms, &config.ve_vnfm).await?;
        let changed = Wake::default();
        let quotas = super::monitoring::open_quotas(&setup, &base, &config, &changed).await?;
        let ve = Ve {
            runner: Arc::new(Confined::new(config.scripts.clone())),
            around: around.clone(),
            coordinating: Arc::new(Coordinators),
            configuring: Arc::new(Vnfs),
        };
        let recorder = Recorder { notifier: notifier.clone(), base: base.clone() };
        let recorder = Watched {
            recorder,
            alarms: alarms.clone(),
            pm: pm.clone(),
            indicators: indicators.clone(),
            quotas: quotas.clone(),
        };
        let mut settings = EngineConfig::new("vnfm");
        settings.max_steps = config.parallel_steps;
        let engine = Engine::open(
            setup.db.clone(),
            with_ve(registry(&vi, &granting), &ve),
            Arc::new(recorder),
            settings,
            Arc::new(SystemClock),
            setup.metrics.registry(),
        )
        .await?;
        let engine = Arc::new(engine);
        around.engine(engine.clone());
        let app = Self {
            db: setup.db.clone(),
            engine: engine.clone(),
            packages,
            vi: Shared(vi.clone()),
            notifier,
            older_notifier,
            clock,
            base: base.into(),
            public_keys: Arc::new(public_keys(&config)?),
            changed,
            alarms,
            pm,
            indicators,
            quotas,
            endpoints: Arc::new(config.ve_vnfm.clone()),
            foreign,
        };
        let ears = app.alarms.ears(engine.clone());
        setup.spawn("event listener", crate::events::listen(setup.clone(), engine.clone(), ears.clone(), seen));
        setup.spawn("alarms after operations", ears.after_operations(setup.shutdown.clone()));
        setup.spawn("measurements", app.pm.clone().run(setup.shutdown.clone()));
        setup.spawn("indicators", app.indicators.clone().run(setup.shutdown.clone()));
        let patience = super::automatic::Patience {
            heal_seconds: config.auto_heal_after_seconds,
            scale_seconds: config.auto_scale_pause_seconds,
        };
        setup.spawn("automatic operations", super::automatic::run(app.clone(), patience, setup.shutdown.clone()));
        setup.spawn("quotas", app.quotas.clone().run(engine.clone(), setup.shutdown.clone()));
        setup.spawn(
            "live views",
            crate::live::ring(
                setup.shutdown.clone(),
                engine.clone(),
                vec![app.notifier.clone(), app.alarms.notifier.clone(), app.indicators.notifier.clone()],
                vec![app.pm.news.clone(), app.indicators.news.clone(), app.alarms.automatic.clone()],
                app.changed.clone(),
            ),
        );
        setup.spawn(
            "rollback by policy",
            crate::policy::roll_back(setup.shutdown.clone(), engine.clone(), config.automatic_rollback.clone()),
        );
        setup.spawn("former disks", crate::former::let_go(setup.shutdown.clone(), app.clone()));
        engine.start();
        let (shutdown, grace) = (setup.shutdown.clone(), config.service.shutdown_grace());
        setup.spawn("engine", async move {
            shutdown.cancelled().await;
            engine.shutdown(grace).await;
            Ok::<_, std::convert::Infallible>(())
        });
        Ok(app)
    }
}

/// The subscriptions of version 2, which tell those of version 1 too, and the latter.
async fn notifiers(setup: &Setup, base: &str) -> Result<(Notifier, Notifier), BoxError> {
    use super::subscriptions::{shape, wants};
    use crate::api::v1;
    let url = |major: &str| format!("{base}/vnflcm/{major}/subscriptions");
    let older = Notifier::start_shaped(setup, "vnflcm/v1", &url("v1"), v1::wants, v1::shape).await?;
    let current = Notifier::start_shaped(setup, "vnflcm", &url("v2"), wants, shape).await?;
    Ok((current.and(older.clone()), older))
}

fn public_keys(config: &Config) -> Result<Vec<String>, BoxError> {
    let Some(file) = &config.public_keys_file else { return Ok(Vec::new()) };
    let text = std::fs::read_to_string(file).map_err(|e| format!("public_keys_file {}: {e}", file.display()))?;
    Ok(text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#')).map(str::to_owned).collect())
}
