//! Performance management (SOL003 clause 6): jobs and thresholds, measured by one scheduler in each process.
//!
//! What is due stands in the database, in order of time: a job is touched when it is due and at no other time, and one
//! whose instances do not run waits for them. An item is leased while it is measured, so that two processes on one
//! database do not measure twice. All that is due together is measured by one request to each VIM.

mod check;
mod collect;
mod jobs;
mod report;
mod thresholds;
mod wants;

use std::sync::Arc;

use db::{AnyConnection, Clock, Db};
use reference_points::or_vnfm::PmCallbackModifications;
use service::http::{ApiError, ApiResult};
use service::notify::{Notifier, Target};
use service::store::StoreError;
use tokio::sync::Notify;
use uuid::Uuid;

pub use jobs::JobRequest;
pub use thresholds::ThresholdRequest;
pub use wants::{asked, wants};

use super::fm::Alarms;
use super::packages::Packages;
use crate::store::pm;

/// Jobs at most, and thresholds at most.
const MAX_ITEMS: i64 = 1_000;

/// Performance management. Cloning shares it.
#[derive(Debug, Clone)]
pub struct Pm {
    /// The database.
    pub db: Db,
    /// Call-back addresses of jobs and thresholds, and their outbox.
    pub direct: Notifier,
    /// Subscriptions of version 1 and their outbox.
    pub notifier: Notifier,
    /// Alarms that crossed thresholds raise.
    pub alarms: Alarms,
    /// Packages, for the monitoring parameters of their VNFDs.
    pub packages: Arc<Packages>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Own base address.
    pub base: Arc<str>,
    /// How often thresholds are measured, in microseconds.
    pub threshold_period: i64,
    /// Rung when something new is due.
    pub news: Arc<Notify>,
}

impl Pm {
    /// An instance has something to be measured.
    ///
    /// # Errors
    /// What the database says.
    pub async fn wake(&self, tx: &mut AnyConnection, instance: Uuid, now: i64) -> Result<(), StoreError> {
        Ok(pm::wake(tx, instance, now).await?)
    }

    /// Address of an item: `pm_jobs` or `thresholds`.
    fn url(&self, major: u8, collection: &str, id: Uuid) -> String {
        format!("{}/vnfpm/v{major}/{collection}/{id}", self.base)
    }

    fn instance_url(&self, major: u8, id: Uuid) -> String {
        // Version 1 of the interface links to what clients of version 1 know.
        format!("{}/vnflcm/v{major}/vnf_instances/{id}", self.base)
    }

    async fn not_too_many(&self, tx: &mut AnyConnection, job: bool) -> ApiResult<()> {
        if pm::count(tx, job).await? < MAX_ITEMS {
            return Ok(());
        }
        let what = if job { "PM jobs" } else { "thresholds" };
        let detail = format!("there are {MAX_ITEMS} {what}, which is the most; delete one that is not needed");
        Err(ApiError::unavailable(detail, std::time::Duration::from_secs(60)))
    }

    /// The target of an item after a modification, tried.
    async fn changed_target(&self, id: Uuid, changes: &PmCallbackModifications) -> ApiResult<Target> {
        let kept = self.direct.target(&mut *self.db.pool.acquire().await.map_err(db::DbError::from)?, id).await?;
        let mut target = kept.ok_or_else(|| ApiError::not_found(format!("call-back address of {id}")))?;
        if let Some(uri) = &changes.callback_uri {
            target.callback_uri.clone_from(uri);
        }
        if changes.authentication.is_some() {
            target.authentication.clone_from(&changes.authentication);
        }
        self.direct.try_target(&target).await?;
        Ok(target)
    }
}
