//! Running a service: what it must provide ([`Service`]), what it is given ([`Setup`]), and the running thing
//! ([`Running`]) that a process or a test holds.

use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use db::Db;
use futures::FutureExt;
use reference_points::common::Fault;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::TcpListener;
use tokio::task::{AbortHandle, JoinHandle};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use utoipa_axum::router::OpenApiRouter;

use crate::backup;
use crate::config::{BaseConfig, ConfigError};
use crate::health::Readiness;
use crate::http::openapi;
use crate::http::server::{self, Surroundings};
use crate::metrics::Metrics;
use crate::notify::Callers;
use crate::store;

/// Any error, told by its text.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A service's configuration: the common part and its own.
pub trait ServiceConfig: DeserializeOwned + Serialize + Clone + Send + Sync + 'static {
    /// The common part.
    fn base(&self) -> &BaseConfig;
    /// The same, to be changed.
    fn base_mut(&mut self) -> &mut BaseConfig;
    /// What reads well and cannot be used in the service's own part.
    fn faults(&self) -> Vec<Fault> {
        Vec::new()
    }
}

/// A service process.
pub trait Service: Send + Sync + 'static {
    /// Name of the process, e.g. `nfvo`.
    const NAME: &'static str;
    /// One line for `--help`.
    const ABOUT: &'static str;
    /// What `--help` teaches beyond the options: what the service does, a minimal configuration, the next command.
    const HELP: &'static str;
    /// Port on 127.0.0.1 without a `listen` of its own.
    const PORT: u16;
    /// Its configuration.
    type Config: ServiceConfig;
    /// What its handlers share.
    type State: Clone + Send + Sync + 'static;

    /// Every route. Paths are full; see [`crate::http::Api::mount`].
    fn api() -> OpenApiRouter<Self::State>;

    /// Opens stores, starts background tasks with [`Setup::spawn`], and gives the handlers' state. The address is bound
    /// already, requests wait until this is done.
    fn start(config: Self::Config, setup: Setup) -> impl Future<Output = Result<Self::State, BoxError>> + Send;
}

/// The OpenAPI document of a service.
pub fn openapi_of<S: Service>() -> utoipa::openapi::OpenApi {
    openapi::finish(S::api().into_openapi(), S::NAME, env!("CARGO_PKG_VERSION"), S::ABOUT)
}

/// What a starting service is given. Cloning shares it.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The open database; the service migrates its own tables.
    pub db: Db,
    /// The address served on, with its real port.
    pub address: SocketAddr,
    /// Where the service registers its numbers.
    pub metrics: Metrics,
    /// Where the service registers its checks; `database` is there already.
    pub readiness: Readiness,
    /// Fires when the service shall stop. Background tasks end soon after it.
    pub shutdown: CancellationToken,
    /// Clients for call-backs.
    pub callers: Callers,
    tasks: TaskTracker,
    aborts: Arc<Mutex<Vec<AbortHandle>>>,
    fatal: Arc<Mutex<Option<String>>>,
}

impl Setup {
    /// `http://ADDRESS` of this service, for call-backs on the same machine or network.
    pub fn base_url(&self) -> String {
        base_url(self.address)
    }

    /// Starts a background task (engine, deliverer, reconciler). A panic or an error ends the whole service with exit
    /// code 1, so that its supervisor starts it anew: a service whose engine is dead must not look alive.
    pub fn spawn<F, E>(&self, name: &'static str, task: F)
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: std::fmt::Display + Send,
    {
        let (fatal, shutdown) = (self.fatal.clone(), self.shutdown.clone());
        let handle = self.tasks.spawn(async move {
            let why = match AssertUnwindSafe(task).catch_unwind().await {
                Ok(Ok(())) => return,
                Ok(Err(error)) => error.to_string(),
                Err(_) => "it met a defect (see the panic above)".to_owned(),
            };
            tracing::error!(task = name, "background task failed, the service stops: {why}");
            fatal
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .get_or_insert(format!("background task {name}: {why}"));
            shutdown.cancel();
        });
        let mut aborts = self.aborts.lock().unwrap_or_else(PoisonError::into_inner);
        aborts.retain(|a| !a.is_finished());
        aborts.push(handle.abort_handle());
    }
}

/// Why a service did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// Its configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Its address.
    #[error("cannot listen on {address}: {why}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the operating system said, and what may help.
        why: String,
    },
    /// Its database.
    #[error(transparent)]
    Database(#[from] db::DbError),
    /// Its database is another service's.
    #[error("{0}")]
    Foreign(String),
    /// The exchange recorder's file.
    #[error("cannot record exchanges: {0}")]
    Recorder(std::io::Error),
    /// Its metrics.
    #[error("metrics: {0}")]
    Metrics(String),
    /// Its own start.
    #[error("{service} cannot start: {why}")]
    Service {
        /// Which.
        service: &'static str,
        /// Why.
        why: BoxError,
    },
}

/// Checks everything about a configuration that can be checked without starting.
///
/// # Errors
/// Every fault.
pub fn check<C: ServiceConfig>(config: &C, name: &str) -> Result<(), ConfigError> {
    let mut faults = config.base().faults();
    faults.extend(config.faults());
    if faults.is_empty() { Ok(()) } else { Err(ConfigError::Faulty { path: name.to_owned(), faults }) }
}

/// Starts a service in this process: binds its address, opens its database, lets it start, serves.
///
/// # Errors
/// A [`StartError`]; nothing is left running.
pub async fn start<S: Service>(config: S::Config) -> Result<Running, StartError> {
    check(&config, S::NAME)?;
    let base = config.base().clone();
    let wanted = base.listen_on(S::PORT);
    let listen = |e: std::io::Error| {
        let why = match e.kind() {
            std::io::ErrorKind::AddrInUse => {
                format!("{e}: another process serves there, `ss -ltnp sport = :{}` names it", wanted.port())
            }
            _ => e.to_string(),
        };
        StartError::Listen { address: wanted, why }
    };
    let listener = TcpListener::bind(wanted).await.map_err(listen)?;
    let address = listener.local_addr().map_err(listen)?;
    let db = Db::open(&base.database, &base.db).await?;
    store::migrate(&db).await?;
    if let Err(why) = backup::claim(&db, S::NAME).await {
        db.close().await;
        return Err(StartError::Foreign(why));
    }
    let metrics = Metrics::new().map_err(|e| StartError::Metrics(e.to_string()))?;
    let callers = match Callers::new(&base.callbacks) {
        Ok(callers) => callers,
        Err(why) => {
            db.close().await;
            return Err(StartError::Service { service: S::NAME, why });
        }
    };
    let setup = Setup {
        db: db.clone(),
        address,
        metrics: metrics.clone(),
        readiness: Readiness::default(),
        shutdown: CancellationToken::new(),
        callers,
        tasks: TaskTracker::new(),
        aborts: Arc::default(),
        fatal: Arc::default(),
    };
    let probe = db.clone();
    setup.readiness.register("database", move || {
        let db = probe.clone();
        async move {
            db::sqlx::query("SELECT 1").execute(&db.pool).await.map(drop).map_err(|e| format!("{}: {e}", db.url()))
        }
    });
    let state = match S::start(config, setup.clone()).await {
        Ok(state) => state,
        Err(why) => {
            setup.shutdown.cancel();
            abort(&setup);
            db.close().await;
            return Err(StartError::Service { service: S::NAME, why });
        }
    };
    let around = Surroundings {
        service: S::NAME,
        version: env!("CARGO_PKG_VERSION"),
        metrics,
        readiness: setup.readiness.clone(),
        shutdown: setup.shutdown.clone(),
    };
    let routes = S::api().with_state::<()>(state).split_for_parts().0;
    let router = server::dress(routes, &base.http, &around).map_err(StartError::Recorder)?;
    let grace = base.shutdown_grace();
    tracing::info!(%address, database = db.url(), "{} serves", S::NAME);
    let running = setup.clone();
    let done = tokio::spawn(async move { run(listener, router, running, grace).await });
    Ok(Running { setup, done })
}

async fn run(listener: TcpListener, router: axum::Router, setup: Setup, grace: Duration) -> Result<(), String> {
    let served = server::serve(listener, router, setup.shutdown.clone(), grace).await;
    setup.shutdown.cancel();
    setup.tasks.close();
    if tokio::time::timeout(grace, setup.tasks.wait()).await.is_err() {
        tracing::warn!(
            tasks = setup.tasks.len(),
            "background tasks did not end in the shutdown's grace and are dropped"
        );
        abort(&setup);
    }
    // Folding the log into the file is worth a moment, not a hang.
    if tokio::time::timeout(Duration::from_secs(5), setup.db.close()).await.is_err() {
        tracing::warn!("the database did not close in time");
    }
    served.map_err(|e| format!("the listener failed: {e}"))?;
    setup.fatal.lock().unwrap_or_else(PoisonError::into_inner).take().map_or(Ok(()), Err)
}

fn abort(setup: &Setup) {
    setup.aborts.lock().unwrap_or_else(PoisonError::into_inner).iter().for_each(AbortHandle::abort);
}

/// A service that runs in this process.
#[derive(Debug)]
pub struct Running {
    setup: Setup,
    done: JoinHandle<Result<(), String>>,
}

impl Running {
    /// The address served on, with its real port.
    pub fn address(&self) -> SocketAddr {
        self.setup.address
    }

    /// `http://ADDRESS`.
    pub fn base_url(&self) -> String {
        base_url(self.setup.address)
    }

    /// Its database.
    pub fn db(&self) -> &Db {
        &self.setup.db
    }

    /// Asks it to stop; [`Running::wait`] tells when it has.
    pub fn stop(&self) {
        self.setup.shutdown.cancel();
    }

    /// A handle that asks it to stop.
    pub fn stopper(&self) -> CancellationToken {
        self.setup.shutdown.clone()
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// What made it end, unless it was asked to.
    pub async fn wait(self) -> Result<(), String> {
        self.done.await.unwrap_or_else(|e| Err(e.to_string()))
    }

    /// Stops it and waits.
    ///
    /// # Errors
    /// What made it end otherwise.
    pub async fn shut_down(self) -> Result<(), String> {
        self.stop();
        self.wait().await
    }

    /// Drops every task where it stands, as far as that is possible without ending the process: for tests of recovery.
    pub async fn kill(self) {
        self.done.abort();
        abort(&self.setup);
        self.setup.tasks.close();
        let _ = self.done.await;
        self.setup.tasks.wait().await;
        self.setup.db.close().await;
    }
}

fn base_url(address: SocketAddr) -> String {
    let mut address = address;
    // An unspecified address is no destination.
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        });
    }
    format!("http://{address}")
}
