//! What every service process of the stack needs alike: configuration, command line, logs, metrics, health, the HTTP
//! server with everything SOL013 asks of it, and the database.
//!
//! A service is a type that implements [`run::Service`]; its binary is one line. The whole of a small one:
//!
//! ```no_run
//! use axum::extract::{Path, State};
//! use serde::{Deserialize, Serialize};
//! use service::auth::Scope;
//! use service::config::BaseConfig;
//! use service::http::{Api, ApiError, ApiJson, ApiResult, scoped};
//! use service::run::{BoxError, Service, ServiceConfig, Setup};
//! use utoipa_axum::{router::OpenApiRouter, routes};
//!
//! #[derive(Clone, Default, Serialize, Deserialize)]
//! #[serde(deny_unknown_fields, default)]
//! struct Config {
//!     service: BaseConfig,
//!     greeting: String,
//! }
//!
//! impl ServiceConfig for Config {
//!     fn base(&self) -> &BaseConfig { &self.service }
//!     fn base_mut(&mut self) -> &mut BaseConfig { &mut self.service }
//! }
//!
//! #[derive(Clone)]
//! struct App { db: db::Db, greeting: String }
//!
//! #[derive(Serialize, utoipa::ToSchema)]
//! struct Greeting { text: String }
//!
//! #[utoipa::path(get, path = "/greetings/{name}", responses((status = 200, body = Greeting)))]
//! async fn greet(State(app): State<App>, Path(name): Path<String>) -> ApiResult<ApiJson<Greeting>> {
//!     if name.len() > 100 {
//!         return Err(ApiError::not_found(format!("greeting {name}")));
//!     }
//!     Ok(ApiJson(Greeting { text: format!("{} {name}", app.greeting) }))
//! }
//!
//! const API: Api = Api { name: "greet", major: "v1", versions: &["1.0.0"] };
//!
//! struct Greeter;
//! impl Service for Greeter {
//!     const NAME: &'static str = "greeter";
//!     const ABOUT: &'static str = "Greets";
//!     const HELP: &'static str = "Example: greeter --config greeter.yaml, then curl http://127.0.0.1:8799/greet/v1/greetings/you";
//!     const PORT: u16 = 8799;
//!     type Config = Config;
//!     type State = App;
//!
//!     fn api() -> OpenApiRouter<App> {
//!         API.mount(OpenApiRouter::new().routes(scoped(Scope("greet:v1:readonly"), routes!(greet))))
//!     }
//!
//!     async fn start(config: Config, setup: Setup) -> Result<App, BoxError> {
//!         // setup.db.migrate("greeter", MIGRATIONS).await?; setup.spawn("engine", engine.run(setup.shutdown.clone()));
//!         Ok(App { db: setup.db.clone(), greeting: config.greeting })
//!     }
//! }
//!
//! fn main() -> std::process::ExitCode {
//!     service::cli::run_main::<Greeter>()
//! }
//! ```
//!
//! What else there is: [`store`] keeps documents with revisions and answers SOL013 lists ([`query`]) from them;
//! [`notify`] keeps subscriptions and an outbox; [`http::event_stream`] streams events; [`http::Upload`] takes bodies of any
//! size; [`backup`] stands behind `SERVICE backup FILE` and `SERVICE restore FILE`.
//!
//! In tests the same service runs in-process: `run::start::<Greeter>(config).await?` gives a [`run::Running`] with its
//! address (`listen: 127.0.0.1:0` takes a free port), `shut_down()` and `kill()`.

pub mod auth;
pub mod backup;
pub mod cli;
pub mod config;
pub mod faults;
pub mod follow;
pub mod health;
pub mod http;
pub mod metrics;
pub mod notify;
pub mod query;
pub mod run;
pub mod store;
pub mod telemetry;
