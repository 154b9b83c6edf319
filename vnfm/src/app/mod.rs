//! Decisions: what a request means for the records, before any effect.

mod around;
mod automatic;
mod captured;
mod cause;
mod changes;
mod instances;
mod observer;
mod operations;
mod packages;
mod snapshots;
mod start;
pub mod subscriptions;
mod surroundings;
mod transitions;
mod verify;
mod views;

pub mod fm;
pub mod indicators;
mod monitoring;
pub mod pm;
pub mod quotas;

use std::sync::Arc;

use db::{Clock, Db};
use lcm::Engine;
use service::http::Wake;
use service::notify::Notifier;

use crate::config::Endpoints;
use crate::foreign::Foreign;
use crate::vi::Shared;

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
    /// Subscriptions of `vnflcm/v1`; the notifier above tells them too.
    pub older_notifier: Notifier,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Own base address.
    pub base: Arc<str>,
    /// OpenSSH public keys for every guest.
    pub public_keys: Arc<Vec<String>>,
    /// VIMs, for what is asked without an operation.
    pub vi: Shared,
    /// Rung when an operation changed, for live views.
    pub changed: Wake,
    /// Fault management.
    pub alarms: fm::Alarms,
    /// Performance management.
    pub pm: pm::Pm,
    /// Indicators of VNFs.
    pub indicators: indicators::Indicators,
    /// Operations that wait for room in a VIM.
    pub quotas: quotas::Quotas,
    /// Where VNFs and element managers are that do not say.
    pub endpoints: Arc<Endpoints>,
    /// Where VIMs are registered whose credentials a request brings.
    pub foreign: Foreign,
}
