//! Putting the VNFM together.

use std::sync::Arc;

use db::SystemClock;
use lcm::{Engine, EngineConfig};
use reference_points::or_vnfm::GrantClient;
use service::http::Wake;
use service::notify::Notifier;
use service::run::{BoxError, Setup};
use tokio::sync::mpsc;

use super::{App, Packages, Recorder};
use crate::config::Config;
use crate::steps::{Granting, Nfvo, registry};
use crate::store::{INSTANCES, OCCURRENCES, schema};
use crate::vi::{OverHttp, Vi};

impl App {
    /// Opens the stores, starts engine, deliverer and event listeners.
    ///
    /// # Errors
    /// What the database, the configuration or a file says.
    pub async fn start(config: Config, setup: Setup) -> Result<Self, BoxError> {
        setup.db.migrate("vnfm", schema::MIGRATIONS).await?;
        INSTANCES.prepare(&setup.db).await?;
        OCCURRENCES.prepare(&setup.db).await?;
        let base = config.public_url.clone().unwrap_or_else(|| setup.base_url());
        let base = base.trim_end_matches('/').to_owned();
        let notifier =
            Notifier::start(&setup, "vnflcm", &format!("{base}/vnflcm/v2/subscriptions"), super::subscriptions::wants)
                .await?;
        let (used, seen) = mpsc::unbounded_channel();
        let vi: Arc<dyn Vi> = Arc::new(OverHttp::new(used));
        let granting: Arc<dyn Granting> = Arc::new(Nfvo(GrantClient::new(&config.nfvo)));
        let recorder = Recorder { notifier: notifier.clone(), base: base.clone() };
        let mut settings = EngineConfig::new("vnfm");
        settings.max_steps = config.parallel_steps;
        let engine = Engine::open(
            setup.db.clone(),
            registry(&vi, &granting),
            Arc::new(recorder),
            settings,
            Arc::new(SystemClock),
            setup.metrics.registry(),
        )
        .await?;
        let engine = Arc::new(engine);
        let app = Self {
            db: setup.db.clone(),
            engine: engine.clone(),
            packages: Arc::new(Packages::new(&config.nfvo)),
            notifier,
            clock: Arc::new(SystemClock),
            base: base.into(),
            public_keys: Arc::new(public_keys(&config)?),
            changed: Wake::default(),
        };
        setup.spawn("event listener", crate::events::listen(setup.clone(), engine.clone(), seen));
        setup.spawn(
            "live views",
            crate::live::ring(setup.shutdown.clone(), engine.clone(), app.notifier.clone(), app.changed.clone()),
        );
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

fn public_keys(config: &Config) -> Result<Vec<String>, BoxError> {
    let Some(file) = &config.public_keys_file else { return Ok(Vec::new()) };
    let text = std::fs::read_to_string(file).map_err(|e| format!("public_keys_file {}: {e}", file.display()))?;
    Ok(text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#')).map(str::to_owned).collect())
}
