//! The durable operation engine: it does what takes long, step by step, so that a crash, a lost answer or a second
//! replica never makes a second virtual machine or leaves half of one behind. It knows no network service, VNF or VIM.
//!
//! # The picture
//!
//! A service's pure `plan()` turns a request into a [`Plan`]: steps and the order among them. [`Engine::submit_in`] writes
//! the operation, its steps and whatever the service's [`Observer`] writes (the instance's state, the notification) in
//! one transaction; only then the request is answered. The executor claims the operation through a lease and calls the
//! [`Step`]s, side by side where the plan allows. Before a call its intent is in the journal, after it its outcome. All of
//! one decision (outcomes, new states, the next intents, the observer's records) is one transaction, and
//! every such transaction names the lease's fencing number, so that an executor that was thought dead cannot write.
//!
//! The states and tasks of an operation are those of SOL003 clause 5.6 and SOL005 clause 6.6; see [`OperationState`],
//! [`Task`] and the picture in [`allowed`]. What the engine decides is decided by pure functions (the `machine`,
//! `recovery`, `state` and `retry` modules); the rest is SQL and waiting.
//!
//! # Writing steps
//!
//! - Both `run` and `undo` are *ensure*: called twice, they make or remove one thing. "Already gone" is done.
//! - Every id of something outside is minted by `plan()` and stands in the step's parameters: the journal knows it before
//!   anything of that name exists, and whoever looks for leftovers can ask for it.
//! - A failure is [`StepError::Transient`] (tried again, bounded), [`StepError::Permanent`] (the operation rests in
//!   FAILED_TEMP), or [`StepError::Unknown`] (sent, but the answer was lost: [`Step::lookup`] tells).
//! - Nobody waits for something long: [`Outcome::Park`] names the event; [`Engine::wake`] brings it, before or after
//!   the step has parked; a slow poll is the safety net.
//! - A call may be dropped at any `await`, by a forceful cancel or the end of the process; then it is looked up.
//! - A step that blocks its thread blocks its operation's other steps: blocking work belongs to `spawn_blocking`.
//!
//! # An example
//!
//! ```
//! use lcm::*;
//! use serde_json::json;
//! use std::sync::Arc;
//!
//! /// Makes a network. A real one would ask the VIM to ensure it, by the id from the plan.
//! struct CreateNetwork;
//!
//! #[async_trait::async_trait]
//! impl Step for CreateNetwork {
//!     async fn run(&self, cx: &StepCx) -> Result<Outcome, StepError> {
//!         Ok(Outcome::Done(json!({ "networkId": cx.params["id"] })))
//!     }
//!     async fn undo(&self, _: &StepCx) -> Result<Outcome, StepError> {
//!         Ok(Outcome::done())
//!     }
//! }
//!
//! # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let dir = tempfile::tempdir()?;
//! # let url = format!("sqlite://{}/example.db", dir.path().display());
//! let db = db::Db::open(&url, &db::DbConfig::default()).await?;
//! let registry = Registry::new().with("create-network", CreateNetwork);
//! let engine = Engine::open(db, registry, Arc::new(NoObserver), EngineConfig::new("vnfm-1"),
//!     Arc::new(db::SystemClock), prometheus::default_registry()).await?;
//! engine.start();
//!
//! let id = uuid::Uuid::new_v4();
//! let plan = Plan::new(vec![
//!     StepSpec::new("net/a", "create-network", "Create network a").params(json!({ "id": uuid::Uuid::new_v4() })),
//!     StepSpec::new("net/b", "create-network", "Create network b").params(json!({ "id": uuid::Uuid::new_v4() })).after("net/a"),
//! ])?;
//! let mut changes = engine.watch();
//! engine.submit(NewOperation { id, kind: "INSTANTIATE".into(), subject: "vnf-1".into(), params: json!({}), plan,
//!     traceparent: None, automatic: false }).await?;
//! while changes.recv().await?.state != OperationState::Completed {}
//! assert_eq!(engine.steps(id).await?[1].state, StepState::Done);
//! engine.shutdown(std::time::Duration::from_secs(10)).await;
//! # Ok(()) }
//! ```
//!
//! # Several replicas
//!
//! Replicas share a PostgreSQL database; each needs an `owner` name of its own ([`EngineConfig::owner`]). An operation
//! accepted or woken at one replica is begun by it at once, or found by another at its next scan. A replica that goes
//! silent loses its operations when its lease expires; one that restarts takes its own up again at once. The replicas'
//! clocks must agree to well within a lease.
//!
//! # Testing
//!
//! The `testkit` feature brings a harness that drives a service's real plans through failures, lost answers, crashes
//! around every write, cancels and lost leases: the `testkit` module, in the documentation built with
//! that feature.

mod config;
mod engine;
mod error;
mod executor;
mod machine;
mod metrics;
mod observer;
mod plan;
mod problem;
mod recovery;
mod retry;
mod state;
mod step;
mod store;
mod submit;
mod tasks;
#[cfg(feature = "testkit")]
pub mod testkit;
mod view;

pub use config::EngineConfig;
pub use engine::{Engine, Woken};
pub use error::{DeleteError, EngineError, SubmitError, TaskError};
pub use observer::{NoObserver, Observer, ObserverError};
pub use plan::{MAX_JSON_BYTES, MAX_KEY_BYTES, MAX_STEPS, MAX_TITLE_BYTES, Plan, PlanFaults, StepSpec};
pub use problem::Problem;
pub use retry::RetryPolicy;
pub use state::{CancelMode, Effect, OperationState, Refused, Task, allowed};
pub use step::{Lookup, MAX_WAKE_KEY_BYTES, Outcome, Registry, Step, StepCx, StepError};
pub use submit::NewOperation;
pub use view::{Change, ChangeEvent, EventKind, OperationView, StepState, StepView, TimelineEntry};
