//! Following the sources of indicators: one loop that sleeps until a source is to be looked at.

use futures::{StreamExt, stream};
use reference_points::common::CallError;
use reference_points::or_vnfm::{
    IndicatorClient, IndicatorNotificationType, VnfIndicator, VnfIndicatorNotificationsFilter,
    VnfIndicatorSubscriptionRequest, VnfInstanceSubscriptionFilter,
};
use serde_json::json;
use service::store::StoreError;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::hear::oversized;
use super::{Indicators, MAX_INDICATORS, places, source_of};
use crate::app::surroundings::vnfcs;
use crate::ops::alarms::{indicators_key, of_indicators};
use crate::ops::ve::{Answers, Endpoint};
use crate::store::indicators::{self, Source};
use crate::store::{INSTANCES, resources};

/// A second, in microseconds.
const SECOND: i64 = 1_000_000;
/// How long after a look at a source that answered it is looked at again.
pub const AGAIN: i64 = 600 * SECOND;
/// How long a look at a source may take before another process may look too.
const LEASE: i64 = 120 * SECOND;
/// How often the queue is looked at when nobody rings: another process may have added to it.
const LOOK: i64 = 30 * SECOND;
/// Sources looked at side by side.
const BATCH: usize = 16;
/// Tries in a row that fail before an alarm is raised.
const PATIENCE: u32 = 3;
/// Tries to unsubscribe before a source is forgotten: with a VNF its own interface goes.
const FAREWELLS: u32 = 5;

/// How a look at a source failed.
#[derive(Debug, thiserror::Error)]
enum Missed {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{0}")]
    Said(String),
}

impl From<db::DbError> for Missed {
    fn from(error: db::DbError) -> Self {
        Self::Store(error.into())
    }
}

impl From<CallError> for Missed {
    fn from(error: CallError) -> Self {
        Self::Said(error.to_string())
    }
}

impl Indicators {
    /// Runs until the service ends.
    ///
    /// # Errors
    /// None: what goes wrong is logged, and tried again.
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), std::convert::Infallible> {
        loop {
            let pause = match self.round().await {
                Ok(pause) => pause,
                Err(error) => {
                    tracing::warn!(%error, "sources of indicators could not be looked up, trying again");
                    self.clock.now_micros() + SECOND
                }
            };
            tokio::select! {
                () = shutdown.cancelled() => return Ok(()),
                () = self.news.notified() => {}
                () = self.clock.sleep_until(pause) => {}
            }
        }
    }

    /// Looks at all sources that are due; tells when one is due next.
    async fn round(&self) -> Result<i64, StoreError> {
        loop {
            let now = self.clock.now_micros();
            let limit = i64::try_from(BATCH).unwrap_or(i64::MAX);
            let due = indicators::claim(&self.db, now, now + LEASE, limit).await?;
            if due.is_empty() {
                let next = indicators::next(&self.db).await?.unwrap_or(i64::MAX);
                return Ok(next.min(now + LOOK));
            }
            stream::iter(due).for_each_concurrent(BATCH, |source| self.attend(source)).await;
            self.told();
        }
    }

    async fn attend(&self, source: Source) {
        let instance = source.instance;
        let attempts = source.attempts.saturating_add(1);
        let mut seen = source;
        let (next_at, problem) = match self.look(&mut seen).await {
            Ok(()) => (self.clock.now_micros() + AGAIN, String::new()),
            Err(missed) => {
                tracing::warn!(vnf_instance = %instance, attempts, problem = %missed, "indicators could not be read");
                let pause = SECOND << attempts.saturating_sub(1).min(6);
                (self.clock.now_micros() + pause, missed.to_string())
            }
        };
        seen.attempts = if problem.is_empty() { 0 } else { attempts };
        seen.problem = problem;
        let noted = db::transaction!(self.db, |tx| {
            let now = self.clock.now_micros();
            if seen.attempts == 0 {
                self.alarms.clear(&mut *tx, &indicators_key(instance), now).await?;
            } else if seen.attempts >= PATIENCE {
                let found = of_indicators(instance, vec![seen.problem.clone()]);
                self.alarms.raise(&mut *tx, &found, now).await?;
            }
            indicators::put(&mut *tx, &seen, next_at).await?;
            Ok::<_, StoreError>(())
        });
        self.alarms.notifier.kick();
        if let Err(error) = noted {
            tracing::error!(vnf_instance = %instance, %error, "what came of a look at indicators could not be noted");
        }
    }

    /// Brings a source to what it shall be, noting in `source` what is done of it.
    async fn look(&self, source: &mut Source) -> Result<(), Missed> {
        let record = INSTANCES.get(&self.db, source.instance).await?.map(|stored| stored.document.0);
        let facts = resources::facts(&self.db, source.instance).await?;
        let followed = record.and_then(|record| Some((source_of(&record, facts.as_ref())?, record)));
        let Some((endpoint, record)) = followed else {
            return self.leave(source).await;
        };
        let has = vnfcs(&resources::of(&self.db, record.id).await?);
        let configured = facts.and_then(|f| f.indicators).and(self.configured.as_deref()).map(str::to_owned);
        let endpoint = Endpoint { configured, ..endpoint };
        let Some(address) = endpoint.address(Answers::Indicators, &places(&record), &has) else {
            return Err(Missed::Said(format!(
                "nothing says where the indicators of VNF instance {} are: give it the metadata {}, its \
                 SupportedVnfInterface policy an address, or the VNFM ve_vnfm.indicator_endpoint",
                source.instance,
                Answers::Indicators.attribute()
            )));
        };
        if source.endpoint != address {
            self.unsubscribe(source).await.unwrap_or_else(|missed| {
                tracing::warn!(endpoint = %source.endpoint, problem = %missed, "a former source was not told that it is");
            });
            (source.endpoint, source.subscription) = (address, String::new());
        }
        self.subscribe(source).await?;
        let read_at = self.clock.now_micros();
        let found = read(&IndicatorClient::new("VNF", &source.endpoint), source.instance).await?;
        db::transaction!(self.db, |tx| {
            self.replace(&mut *tx, source.instance, Some(&record), found.clone(), read_at).await
        })?;
        source.read_at = read_at;
        Ok(())
    }

    async fn leave(&self, source: &mut Source) -> Result<(), Missed> {
        match self.unsubscribe(source).await {
            Err(missed) if source.attempts < FAREWELLS => return Err(missed),
            Err(missed) => {
                tracing::warn!(endpoint = %source.endpoint, problem = %missed, "a source was not told that nobody listens any more")
            }
            Ok(()) => {}
        }
        let instance = source.instance;
        Ok(db::transaction!(self.db, |tx| {
            self.replace(&mut *tx, instance, None, Vec::new(), self.clock.now_micros()).await?;
            indicators::forget(&mut *tx, source).await?;
            Ok::<_, StoreError>(())
        })?)
    }

    /// Ends the subscription. Where nobody answers any more there is none.
    async fn unsubscribe(&self, source: &Source) -> Result<(), Missed> {
        if source.subscription.is_empty() {
            return Ok(());
        }
        match IndicatorClient::new("VNF", &source.endpoint).unsubscribe(&source.subscription).await {
            Err(CallError::NotSent { .. }) => Ok(()),
            other => Ok(other?),
        }
    }

    /// The source notifies: it is looked for a subscription of ours before one is made, so that a lost answer makes no
    /// second one.
    async fn subscribe(&self, source: &mut Source) -> Result<(), Missed> {
        let client = IndicatorClient::new("VNF", &source.endpoint);
        let callback_uri = format!("{}/mano/v1/indicator_notifications/{}", self.base, source.callback);
        let mut query = Some(String::new());
        while let Some(page) = query {
            let found = client.subscriptions(&page).await?;
            query = found.next_query();
            if let Some(ours) = found.body.into_iter().find(|s| s.callback_uri == callback_uri) {
                source.subscription = ours.id;
                return Ok(());
            }
        }
        let of = VnfInstanceSubscriptionFilter {
            vnf_instance_ids: vec![source.instance.to_string()],
            ..VnfInstanceSubscriptionFilter::default()
        };
        let filter = VnfIndicatorNotificationsFilter {
            vnf_instance_subscription_filter: Some(of),
            notification_types: IndicatorNotificationType::ALL.to_vec(),
            indicator_ids: Vec::new(),
        };
        let request = VnfIndicatorSubscriptionRequest { filter: Some(filter), callback_uri, authentication: None };
        let made = client.subscribe(&request).await?;
        source.subscription = made.map(|s| s.id).unwrap_or_default();
        Ok(())
    }
}

/// All indicators of an instance that its source has.
async fn read(client: &IndicatorClient, instance: Uuid) -> Result<Vec<VnfIndicator>, Missed> {
    let (mut all, mut query) = (Vec::new(), Some(String::new()));
    while let Some(page) = query {
        let found = client.of(instance, &page).await?;
        query = found.next_query();
        all.extend(found.body.into_iter().map(|i| VnfIndicator { links: None, vnf_instance_id: instance, ..i }));
        if all.len() > MAX_INDICATORS {
            return Err(Missed::Said(format!("the VNF has more than {MAX_INDICATORS} indicators, which is the most")));
        }
    }
    let faults: Vec<String> = all.iter().flat_map(oversized).map(|f| f.message).collect();
    if faults.is_empty() { Ok(all) } else { Err(Missed::Said(json!(faults).to_string())) }
}
