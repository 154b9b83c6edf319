//! Decisions: what a request means for the records, before any effect.

mod cause;
mod changes;
mod instances;
mod observer;
mod operations;
mod packages;
mod start;
pub mod subscriptions;
mod views;

use std::sync::Arc;

use db::{Clock, Db};
use lcm::Engine;
use service::http::Wake;
use service::notify::Notifier;

pub use observer::Recorder;
pub use packages::Packages;

/// What every handler shares.
#[derive(Debug, Clone)]
pub struct App {
    /// The database.
    pub db: Db,
    /// The operation engine.
    pub engine: Arc<Engine>,
    /// Packages of the NFVO.
    pub packages: Arc<Packages>,
    /// Subscriptions and their outbox.
    pub notifier: Notifier,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Own base address.
    pub base: Arc<str>,
    /// OpenSSH public keys for every guest.
    pub public_keys: Arc<Vec<String>>,
    /// Rung when an operation changed, for live views.
    pub changed: Wake,
}
