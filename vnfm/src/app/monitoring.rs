//! What a transition of an operation means for alarms, measurements, indicators and quotas, in the transaction of the transition;
//! and starting them.

use std::sync::Arc;

use async_trait::async_trait;
use db::{AnyConnection, Clock, SystemClock};
use lcm::{Change, Observer, ObserverError, OperationState, OperationView};
use reference_points::or_vnfm::{InstantiationState, QuotaClient, VnfInstance};
use serde::Deserialize;
use service::http::Wake;
use service::notify::Notifier;
use service::run::{BoxError, Setup};
use service::store::StoreError;
use tokio::sync::Notify;
use uuid::Uuid;

use super::Recorder;
use super::fm::{self, Alarms};
use super::indicators::{self, Indicators};
use super::packages::Packages;
use super::pm::{self, Pm};
use super::quotas::Quotas;
use crate::config::{Config, Endpoints};
use crate::ops::alarms::{of_operation, operation_key};
use crate::ops::automatic::{Automatism, HEAL_WINDOW_MICROS, SETTLING_MICROS};
use crate::ops::occurrence::MODIFY_INFO;
use crate::ops::params::{Automatic, OperationParams};
use crate::store::automatic::Wanted;
use crate::store::{
    ALARMS, INDICATORS, INSTANCES, alarms as fm_store, automatic, indicators as ind_store, pm as pm_store,
    quotas as quota_store,
};

/// Writes records, and then what follows from them.
#[derive(Debug)]
pub struct Watched {
    /// Writes the records.
    pub recorder: Recorder,
    /// Alarms.
    pub alarms: Alarms,
    /// Measurements.
    pub pm: Pm,
    /// Indicators.
    pub indicators: Indicators,
    /// Operations that wait for room in a VIM.
    pub quotas: Quotas,
}

#[async_trait]
impl Observer for Watched {
    async fn on_transition(
        &self,
        tx: &mut AnyConnection,
        op: &OperationView,
        change: &Change,
    ) -> Result<(), ObserverError> {
        self.recorder.on_transition(tx, op, change).await?;
        let Ok(instance) = op.subject.parse::<Uuid>() else { return Ok(()) };
        self.follows(tx, instance, op, change).await.map_err(|error| match error {
            StoreError::Db(error) => error.into(),
            other => ObserverError::Other(other.to_string()),
        })
    }
}

impl Watched {
    async fn follows(
        &self,
        tx: &mut AnyConnection,
        instance: Uuid,
        op: &OperationView,
        change: &Change,
    ) -> Result<(), StoreError> {
        self.quotas.settled(tx, op, change).await?;
        match change.to {
            OperationState::FailedTemp => {
                let problem = op.error.as_ref();
                let details = problem.map(|p| vec![p.title.clone(), p.detail.clone()]).unwrap_or_default();
                self.alarms.raise(tx, &of_operation(instance, &op.kind, op.id, details), change.at).await?;
            }
            OperationState::Completed | OperationState::Failed | OperationState::RolledBack => {
                self.alarms.clear(tx, &operation_key(instance), change.at).await?;
                let record = INSTANCES.get_in(tx, instance).await?.map(|stored| stored.document.0);
                if record.as_ref().is_some_and(|r| r.instantiation_state == InstantiationState::Instantiated) {
                    self.alarms.prune(tx, instance, change.at).await?;
                } else {
                    self.alarms.forget(tx, instance, change.at).await?;
                }
                self.pm.wake(tx, instance, change.at).await?;
                self.indicators.settled(tx, instance, record.as_ref(), change.at).await?;
                self.decides(tx, instance, op, record.as_ref(), change.at).await?;
            }
            OperationState::Starting if op.automatic => {
                let params = OperationParams::deserialize(op.params.as_ref()).unwrap_or_default();
                let Automatic { vnfcs, news } = params.automatic.unwrap_or_default();
                let wanted = Wanted { instance, operation: op.id };
                automatic::settle(tx, &wanted, &news).await?;
                let oldest = change.at.saturating_sub(HEAL_WINDOW_MICROS);
                automatic::begun(tx, &wanted, &vnfcs, change.at, oldest).await?;
            }
            OperationState::Starting | OperationState::Processing | OperationState::RollingBack => {}
        }
        Ok(())
    }

    /// What an operation that came to rest means for what the VNFM does by itself.
    async fn decides(
        &self,
        tx: &mut AnyConnection,
        instance: Uuid,
        op: &OperationView,
        record: Option<&VnfInstance>,
        now: i64,
    ) -> Result<(), StoreError> {
        if op.automatic {
            automatic::rested(tx, op.id, now).await?;
        }
        let Some(record) = record.filter(|r| Automatism::any_on(r) || op.kind == MODIFY_INFO) else { return Ok(()) };
        if record.instantiation_state != InstantiationState::Instantiated || !Automatism::any_on(record) {
            return Ok(automatic::forget(tx, instance).await?);
        }
        // What was changed needs a moment to be well.
        let settling = if op.kind == MODIFY_INFO { 0 } else { SETTLING_MICROS };
        Ok(automatic::want(tx, instance, now.saturating_add(settling)).await?)
    }
}

/// Opens the stores of alarms and measurements, with their subscriptions.
///
/// # Errors
/// What the database says.
pub async fn open(
    setup: &Setup,
    base: &str,
    packages: &Arc<Packages>,
    clock: &Arc<dyn Clock>,
    threshold_seconds: u32,
) -> Result<(Alarms, Pm), BoxError> {
    let db = &setup.db;
    db.migrate("vnfm_fm", fm_store::MIGRATIONS).await?;
    db.migrate("vnfm_pm", pm_store::MIGRATIONS).await?;
    db.migrate("vnfm_automatic", automatic::MIGRATIONS).await?;
    ALARMS.prepare(db).await?;
    pm_store::JOBS.prepare(db).await?;
    pm_store::THRESHOLDS.prepare(db).await?;
    let subscriptions = |api: &str| format!("{base}/{api}/subscriptions");
    let alarms = Alarms {
        db: db.clone(),
        notifier: Notifier::start(setup, "vnffm", &subscriptions("vnffm/v1"), fm::wants).await?,
        clock: clock.clone(),
        base: base.into(),
        automatic: Arc::new(Notify::new()),
    };
    let pm = Pm {
        db: db.clone(),
        // Its targets are no subscriptions, and nobody lists them.
        direct: Notifier::start(setup, "vnfpm.direct", "", |_, _| false).await?,
        notifier: Notifier::start(setup, "vnfpm", &subscriptions("vnfpm/v1"), pm::wants).await?,
        alarms: alarms.clone(),
        packages: packages.clone(),
        clock: clock.clone(),
        base: base.into(),
        threshold_period: i64::from(threshold_seconds) * 1_000_000,
        news: Arc::new(Notify::new()),
    };
    Ok((alarms, pm))
}

/// Opens the store of indicators, with its subscriptions.
///
/// # Errors
/// What the database says.
pub async fn open_indicators(setup: &Setup, alarms: &Alarms, endpoints: &Endpoints) -> Result<Indicators, BoxError> {
    setup.db.migrate("vnfm_ind", ind_store::MIGRATIONS).await?;
    INDICATORS.prepare(&setup.db).await?;
    let subscriptions = format!("{}/vnfind/v1/subscriptions", alarms.base);
    Ok(Indicators {
        db: setup.db.clone(),
        notifier: Notifier::start(setup, "vnfind", &subscriptions, indicators::wants).await?,
        alarms: alarms.clone(),
        clock: alarms.clock.clone(),
        base: alarms.base.clone(),
        configured: endpoints.indicator_endpoint.as_deref().map(Arc::from),
        news: Arc::new(Notify::new()),
    })
}

/// Opens the store of operations that wait for room. `changed` is rung when they are shown otherwise.
///
/// # Errors
/// What the database says.
pub async fn open_quotas(setup: &Setup, base: &str, config: &Config, changed: &Wake) -> Result<Quotas, BoxError> {
    setup.db.migrate("vnfm_quotas", quota_store::MIGRATIONS).await?;
    Ok(Quotas {
        db: setup.db.clone(),
        nfvo: QuotaClient::new(&config.nfvo),
        clock: Arc::new(SystemClock),
        base: base.into(),
        retries: config.retry_when_quota_grows,
        news: Arc::new(Notify::new()),
        changed: changed.clone(),
    })
}
