//! VNF indicators (SOL003 and SOL002 clause 8): subscribed to at the VNF or its element manager, kept, and served to the
//! NFVO.
//!
//! A VNF instance has a source of indicators while it is instantiated and its VNFD, its metadata or its extensions speak of
//! one. The source is told to notify; what it has is read once it is, and every [`follow::AGAIN`] from then on, for a
//! source may forget its subscribers. What happens to an instance marks its source in the transaction of the operation, so
//! that nothing is missed by a crash.

mod follow;
mod hear;
mod wants;

use std::sync::Arc;

use db::{AnyConnection, Clock, Db};
use reference_points::or_vnfm::{
    IndicatorNotificationLinks, IndicatorNotificationType, InstantiationState, Link, NotificationLink,
    SupportedIndicator, SupportedIndicatorsChangeNotification, Timestamp, VnfIndicator, VnfIndicatorLinks,
    VnfIndicatorValueChangeNotification, VnfInstance,
};
use reference_points::os_ma_nfvo::mano::IndicatorSource;
use serde_json::{Value, json};
use service::http::{ApiError, ApiResult};
use service::notify::{Notification, Notifier};
use service::store::{StoreError, Stored};
use tokio::sync::Notify;
use uuid::Uuid;

pub use wants::{asked, wants};

use super::fm::Alarms;
use crate::ops::automatic::Automatism;
use crate::ops::record::Facts;
use crate::ops::ve::{Answers, Endpoint, said};
use crate::store::indicators::{self, INDICATORS, Kept};
use crate::store::{INSTANCES, automatic, resources};

/// Indicators of one VNF instance at most.
const MAX_INDICATORS: usize = 1_000;
/// Characters of an indicator's identifier or name, at most.
const MAX_NAME: usize = 255;
/// Bytes of an indicator's value as JSON, at most.
const MAX_VALUE: usize = 64 << 10;

/// Indicators of the VNFM. Cloning shares it.
#[derive(Debug, Clone)]
pub struct Indicators {
    /// The database.
    pub db: Db,
    /// Subscriptions to indicators and their outbox.
    pub notifier: Notifier,
    /// Alarms about sources that cannot be reached.
    pub alarms: Alarms,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Own base address.
    pub base: Arc<str>,
    /// Where element managers are when nothing else says.
    pub configured: Option<Arc<str>>,
    /// Rung when a source is to be looked at.
    pub news: Arc<Notify>,
}

impl Indicators {
    /// Values were committed: who wants to know of them is told, and what scales by itself looks at them.
    fn told(&self) {
        self.notifier.kick();
        self.alarms.automatic.notify_one();
    }

    /// An operation of an instance came to rest: its source is looked at once that is committed, and with a VNF that is
    /// gone its indicators go.
    ///
    /// # Errors
    /// What the database says.
    pub async fn settled(
        &self,
        tx: &mut AnyConnection,
        id: Uuid,
        record: Option<&VnfInstance>,
        now: i64,
    ) -> Result<(), StoreError> {
        let facts = resources::facts_in(tx, id).await?;
        if record.is_some_and(|record| source_of(record, facts.as_ref()).is_some()) {
            indicators::want(tx, id, Uuid::new_v4(), now).await?;
        } else if indicators::look(tx, id, now).await? {
            self.replace(tx, id, record, Vec::new(), now).await?;
        }
        Ok(())
    }

    /// An instance has these indicators and no others, but those that were heard of after `read_at`; who subscribed is
    /// told what differs.
    async fn replace(
        &self,
        tx: &mut AnyConnection,
        id: Uuid,
        record: Option<&VnfInstance>,
        now_has: Vec<VnfIndicator>,
        read_at: i64,
    ) -> Result<(), StoreError> {
        let now = self.clock.now_micros();
        let before = indicators::of(tx, id).await?;
        let mut others = false;
        for stored in &before {
            if !now_has.iter().any(|i| i.id == stored.document.indicator.id) && stored.document.heard_at <= read_at {
                indicators::remove(tx, stored.id).await?;
                others = true;
            }
        }
        for indicator in now_has {
            let old = before.iter().find(|s| s.document.indicator.id == indicator.id);
            let kept = match old.map(|old| &old.document) {
                Some(old) if old.indicator == indicator => continue,
                Some(old) if old.heard_at > read_at => {
                    // The value that was told is newer than the one that was read; its name, which need not be told, is not.
                    if old.indicator.name.is_some() {
                        continue;
                    }
                    let indicator = VnfIndicator { name: indicator.name, ..old.indicator.clone() };
                    Kept { indicator, told_at: old.told_at, heard_at: now }
                }
                Some(_) => Kept { indicator, told_at: 0, heard_at: now },
                None => {
                    others = true;
                    Kept { indicator, told_at: 0, heard_at: now }
                }
            };
            self.write(tx, old, kept, record).await?;
        }
        if others {
            self.tell_supported(tx, id, record, now).await?;
        }
        Ok(())
    }

    /// Keeps a value and tells it, unless it is what was known.
    async fn write(
        &self,
        tx: &mut AnyConnection,
        old: Option<&Stored<Kept>>,
        kept: Kept,
        record: Option<&VnfInstance>,
    ) -> Result<(), StoreError> {
        let (indicator, now) = (kept.indicator.clone(), kept.heard_at);
        let same = old.is_some_and(|o| o.document.indicator.value == indicator.value);
        // Conditions may be about its name.
        let named = old.is_some_and(|o| o.document.indicator.name != indicator.name);
        match old {
            Some(old) => drop(INDICATORS.update(tx, old, kept, now).await?),
            None => indicators::insert(tx, kept, now).await?,
        }
        if (named || !same) && record.is_some_and(Automatism::any_on) {
            automatic::news(tx, indicator.vnf_instance_id, &indicator.id, now).await?;
        }
        if same {
            return Ok(());
        }
        let kind = IndicatorNotificationType::VnfIndicatorValueChangeNotification;
        let attributes = json!({ "notificationType": kind, "indicatorIds": [indicator.id], "instance": record });
        let id = Uuid::new_v4();
        let told = VnfIndicatorValueChangeNotification {
            id: id.to_string(),
            notification_type: kind,
            subscription_id: String::new(),
            time_stamp: Timestamp::from_micros(now),
            links: self.notification_links(indicator.vnf_instance_id),
            vnf_indicator_id: indicator.id,
            name: indicator.name,
            value: indicator.value,
            vnf_instance_id: indicator.vnf_instance_id,
        };
        self.notifier.enqueue(tx, Notification { id, payload: json!(told), attributes }, now).await
    }

    async fn tell_supported(
        &self,
        tx: &mut AnyConnection,
        instance: Uuid,
        record: Option<&VnfInstance>,
        now: i64,
    ) -> Result<(), StoreError> {
        let all = indicators::of(tx, instance).await?.into_iter().map(|stored| stored.document.indicator);
        let supported: Vec<SupportedIndicator> =
            all.map(|i| SupportedIndicator { vnf_indicator_id: i.id, name: i.name }).collect();
        let kind = IndicatorNotificationType::SupportedIndicatorsChangeNotification;
        let ids: Vec<&str> = supported.iter().map(|s| s.vnf_indicator_id.as_str()).collect();
        let attributes = json!({ "notificationType": kind, "indicatorIds": ids, "instance": record });
        let id = Uuid::new_v4();
        let told = SupportedIndicatorsChangeNotification {
            id: id.to_string(),
            notification_type: kind,
            subscription_id: String::new(),
            time_stamp: Timestamp::from_micros(now),
            vnf_instance_id: instance,
            links: self.notification_links(instance),
            supported_indicators: supported,
        };
        self.notifier.enqueue(tx, Notification { id, payload: json!(told), attributes }, now).await
    }

    fn notification_links(&self, instance: Uuid) -> IndicatorNotificationLinks {
        let vnf_instance = Some(NotificationLink::new(self.instance_url(instance)));
        IndicatorNotificationLinks { vnf_instance, subscription: NotificationLink::default() }
    }

    fn instance_url(&self, id: Uuid) -> String {
        format!("{}/vnflcm/v2/vnf_instances/{id}", self.base)
    }

    /// An indicator with its links.
    ///
    /// # Errors
    /// 404 when the instance has none of this identifier.
    pub async fn shown(&self, instance: Uuid, id: &str) -> ApiResult<VnfIndicator> {
        let Some(stored) = INDICATORS.get(&self.db, indicators::document_id(instance, id)).await? else {
            return Err(ApiError::not_found(format!("VNF indicator {id:?} of VNF instance {instance}")));
        };
        let indicator = stored.document.indicator;
        Ok(VnfIndicator { links: Some(self.links(&indicator)), ..indicator })
    }

    /// Where the indicators of an instance come from, and how that goes.
    ///
    /// # Errors
    /// 404 when there is no such instance.
    pub async fn source_shown(&self, instance: Uuid) -> ApiResult<IndicatorSource> {
        self.known(instance).await?;
        let mut connection = self.db.pool.acquire().await.map_err(db::DbError::from)?;
        let Some(source) = indicators::source_of(&mut connection, instance).await? else {
            let attribute = Answers::Indicators.attribute();
            let problem = format!(
                "the VNF is not instantiated, or neither its VNFD nor its metadata {attribute} speaks of indicators"
            );
            return Ok(IndicatorSource { problem: Some(problem), ..IndicatorSource::default() });
        };
        Ok(IndicatorSource {
            endpoint: Some(source.endpoint).filter(|e| !e.is_empty()),
            subscribed: !source.subscription.is_empty(),
            read_time: (source.read_at > 0).then(|| Timestamp::from_micros(source.read_at)),
            failed_tries: source.attempts,
            problem: Some(source.problem).filter(|p| !p.is_empty()),
        })
    }

    /// Adds the links to an indicator of a list.
    pub fn add_links(&self, stored: &Stored<Kept>, shown: &mut Value) {
        if let Value::Object(members) = shown {
            members.insert("_links".to_owned(), json!(self.links(&stored.document.indicator)));
        }
    }

    fn links(&self, indicator: &VnfIndicator) -> VnfIndicatorLinks {
        let VnfIndicator { id, vnf_instance_id: instance, .. } = indicator;
        let id = reference_points::or_vnfm::package_client::segment(id);
        VnfIndicatorLinks {
            self_: Link::new(format!("{}/vnfind/v1/indicators/{instance}/{id}", self.base)),
            vnf_instance: Link::new(self.instance_url(*instance)),
        }
    }

    /// That an instance is there.
    ///
    /// # Errors
    /// 404 when it is not.
    pub async fn known(&self, instance: Uuid) -> ApiResult<()> {
        Ok(INSTANCES.require(&self.db, instance).await.map(drop)?)
    }
}

/// Where to look for the source of an instance's indicators; `None` while it has none: it is not instantiated, or neither its
/// VNFD nor its metadata or extensions speak of one.
fn source_of(record: &VnfInstance, facts: Option<&Facts>) -> Option<Endpoint> {
    let runs = record.instantiation_state == InstantiationState::Instantiated;
    let facts = facts.filter(|_| runs)?;
    facts.indicators.clone().or_else(|| said(Answers::Indicators, &places(record)).map(|_| Endpoint::default()))
}

/// The record's parts that may say where an interface is.
fn places(record: &VnfInstance) -> Value {
    json!({ "metadata": record.metadata, "extensions": record.extensions })
}
