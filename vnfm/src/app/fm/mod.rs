//! Fault management (SOL003 clause 7): faults become alarms, alarms are told, and go when their faults do.
//!
//! A fault has one alarm while it lasts. One that is cleared stays in the list until it is acknowledged, or until the
//! instance has more than [`crate::store::alarms::MAX_CLEARED`] newer ones; those of an instance that was terminated go
//! with it.

mod hear;
mod requests;
mod wants;

use std::sync::Arc;

use db::{AnyConnection, Clock, Db};
use lcm::Engine;
use reference_points::or_vnfm::{
    AckState, Alarm, AlarmClearedNotification, AlarmListRebuiltNotification, AlarmNotification, FmNotificationLinks,
    FmNotificationType, Link, NotificationLink, PerceivedSeverity, Timestamp,
};
use serde_json::{Value, json};
use service::notify::{Notification, Notifier};
use service::store::{StoreError, Stored};
use tokio::sync::Notify;
use uuid::Uuid;

pub use hear::Ears;
pub use wants::{asked, wants};

use crate::ops::alarms::{Condition, Kin, correlate};
use crate::ops::automatic::{Automatism, worth_healing};
use crate::store::alarms::{self, ALARMS, Kept};
use crate::store::{INSTANCES, automatic, resources};

/// Alarms of the VNFM. Cloning shares it.
#[derive(Debug, Clone)]
pub struct Alarms {
    /// The database.
    pub db: Db,
    /// Subscriptions to alarms and their outbox.
    pub notifier: Notifier,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Own base address.
    pub base: Arc<str>,
    /// Rung when there may be something that the VNFM does by itself.
    pub automatic: Arc<Notify>,
}

impl Alarms {
    /// Alarms of resources were committed: who wants to know of them is told, and what heals by itself looks at them.
    pub fn told(&self) {
        self.notifier.kick();
        self.automatic.notify_one();
    }

    /// Ears for what VIMs tell.
    pub fn ears(&self, engine: Arc<Engine>) -> Ears {
        Ears::new(self.clone(), engine)
    }

    /// There is a fault: raises its alarm, or brings it up to date. What is not known to the VNFM any more has none, nor what the
    /// instance has no more: an operation may have ended since the fault was seen, and taken it away.
    ///
    /// # Errors
    /// What the database says.
    pub async fn raise(&self, tx: &mut AnyConnection, found: &Condition, now: i64) -> Result<(), StoreError> {
        // Who ends an operation holds the instance too.
        let record = match INSTANCES.lock(&mut *tx, found.instance).await {
            Err(StoreError::Missing { .. }) => return Ok(()),
            held => held?.document.0,
        };
        if let Some(resource) = found.resource
            && alarms::owner_in(&mut *tx, resource).await?.is_none()
        {
            return Ok(());
        }
        let changed = match alarms::open(tx, &found.key).await? {
            Some(id) => self.refresh(tx, id, found, now).await?,
            None => {
                let kept = new(found, now);
                alarms::insert(tx, kept.clone(), now).await?;
                if worth_healing(found.resource.is_some(), found.severity) && Automatism::Heal.is_on(&record) {
                    automatic::want(tx, found.instance, now).await?;
                }
                Some(kept)
            }
        };
        let Some(kept) = changed else { return Ok(()) };
        self.correlate(tx, found.instance, now).await?;
        let shown = ALARMS.get_in(tx, kept.alarm.id).await?.map_or(kept, |stored| stored.document);
        self.tell_alarm(tx, &shown, now).await
    }

    /// Brings an alarm up to date; `None` when it says the same already.
    async fn refresh(
        &self,
        tx: &mut AnyConnection,
        id: Uuid,
        found: &Condition,
        now: i64,
    ) -> Result<Option<Kept>, StoreError> {
        let stored = ALARMS.lock(tx, id).await?;
        let old = &stored.document;
        let mut kept = merged(old, found);
        if kept == *old {
            return Ok(None);
        }
        let at = Timestamp::from_micros(now);
        kept.alarm.alarm_changed_time = Some(at);
        kept.alarm.event_time = at;
        Ok(Some(ALARMS.update(tx, &stored, kept, now).await?.document))
    }

    /// A fault is over: its alarm is cleared, if there is one.
    ///
    /// # Errors
    /// What the database says.
    pub async fn clear(&self, tx: &mut AnyConnection, key: &str, now: i64) -> Result<(), StoreError> {
        let Some(id) = alarms::open(tx, key).await? else { return Ok(()) };
        let stored = ALARMS.lock(tx, id).await?;
        let mut kept = stored.document.clone();
        let (instance, at) = (kept.alarm.managed_object_id, Timestamp::from_micros(now));
        kept.alarm.perceived_severity = PerceivedSeverity::Cleared;
        kept.alarm.alarm_cleared_time = Some(at);
        kept.alarm.alarm_changed_time = Some(at);
        let acknowledged = kept.alarm.ack_state == AckState::Acknowledged;
        self.tell_cleared(tx, &stored.document, now).await?;
        ALARMS.update(tx, &stored, kept, now).await?;
        let mut gone = alarms::close(tx, id, instance, now).await?;
        gone.extend(acknowledged.then_some(id));
        for id in gone {
            alarms::delete(tx, id).await?;
        }
        self.correlate(tx, instance, now).await
    }

    /// The instance is not there any more: no alarm of it is left.
    ///
    /// # Errors
    /// What the database says.
    pub async fn forget(&self, tx: &mut AnyConnection, instance: Uuid, now: i64) -> Result<(), StoreError> {
        alarms::unmark(tx, instance).await?;
        for id in alarms::of_instance(tx, instance, true).await? {
            if let Some(stored) = ALARMS.get_in(tx, id).await?.filter(|s| is_open(&s.document.alarm)) {
                self.tell_cleared(tx, &stored.document, now).await?;
            }
            alarms::delete(tx, id).await?;
        }
        Ok(())
    }

    /// Clears alarms about resources that the instance has no more.
    ///
    /// # Errors
    /// What the database says.
    pub async fn prune(&self, tx: &mut AnyConnection, instance: Uuid, now: i64) -> Result<(), StoreError> {
        let open = self.open_of(tx, instance).await?;
        if open.iter().all(|stored| stored.document.resource.is_none()) {
            return Ok(());
        }
        let has: Vec<Uuid> = resources::of_in(tx, instance).await?.iter().map(|owned| owned.id()).collect();
        for stored in open {
            if stored.document.resource.is_some_and(|resource| !has.contains(&resource)) {
                self.clear(tx, &stored.document.key, now).await?;
            }
        }
        Ok(())
    }

    /// The list was made anew, because events were lost (SOL003 clause 7.5.2.7).
    ///
    /// # Errors
    /// What the database says.
    pub async fn rebuilt(&self, tx: &mut AnyConnection, now: i64) -> Result<(), StoreError> {
        let id = Uuid::new_v4();
        let payload = json!(AlarmListRebuiltNotification {
            id,
            notification_type: FmNotificationType::AlarmListRebuiltNotification,
            subscription_id: Uuid::nil(),
            time_stamp: Timestamp::from_micros(now),
            links: FmNotificationLinks {
                alarms: Some(Link::new(format!("{}/vnffm/v1/alarms", self.base))),
                ..FmNotificationLinks::default()
            },
        });
        let attributes = json!({ "notificationType": FmNotificationType::AlarmListRebuiltNotification });
        self.notifier.enqueue(tx, Notification { id, payload, attributes }, now).await
    }

    async fn open_of(&self, tx: &mut AnyConnection, instance: Uuid) -> Result<Vec<Stored<Kept>>, StoreError> {
        let mut open = Vec::new();
        for id in alarms::of_instance(tx, instance, false).await? {
            open.extend(ALARMS.get_in(tx, id).await?);
        }
        Ok(open)
    }

    /// Works out which alarms of an instance are about the same fault.
    async fn correlate(&self, tx: &mut AnyConnection, instance: Uuid, now: i64) -> Result<(), StoreError> {
        let open = self.open_of(tx, instance).await?;
        let kin: Vec<Kin<'_>> = open.iter().map(|s| s.document.kin()).collect();
        for (stored, (is_root, others)) in open.iter().zip(correlate(&kin)) {
            let alarm = &stored.document.alarm;
            if alarm.is_root_cause != is_root || alarm.correlated_alarm_ids != others {
                let mut kept = stored.document.clone();
                kept.alarm.is_root_cause = is_root;
                kept.alarm.correlated_alarm_ids = others;
                ALARMS.update(tx, stored, kept, now).await?;
            }
        }
        Ok(())
    }

    async fn tell_alarm(&self, tx: &mut AnyConnection, kept: &Kept, now: i64) -> Result<(), StoreError> {
        let id = Uuid::new_v4();
        let payload = json!(AlarmNotification {
            id,
            notification_type: FmNotificationType::AlarmNotification,
            subscription_id: Uuid::nil(),
            time_stamp: Timestamp::from_micros(now),
            alarm: self.shown(&kept.alarm),
            links: FmNotificationLinks::default(),
        });
        self.tell(tx, id, FmNotificationType::AlarmNotification, payload, &kept.alarm, now).await
    }

    async fn tell_cleared(&self, tx: &mut AnyConnection, kept: &Kept, now: i64) -> Result<(), StoreError> {
        let id = Uuid::new_v4();
        let payload = json!(AlarmClearedNotification {
            id,
            notification_type: FmNotificationType::AlarmClearedNotification,
            subscription_id: Uuid::nil(),
            time_stamp: Timestamp::from_micros(now),
            alarm_id: kept.alarm.id,
            alarm_cleared_time: Timestamp::from_micros(now),
            links: FmNotificationLinks { alarm: Some(self.link(kept.alarm.id)), ..FmNotificationLinks::default() },
        });
        self.tell(tx, id, FmNotificationType::AlarmClearedNotification, payload, &kept.alarm, now).await
    }

    /// Filters look at the alarm as it was when it was open: who was told of it is told that it is over.
    async fn tell(
        &self,
        tx: &mut AnyConnection,
        id: Uuid,
        kind: FmNotificationType,
        payload: Value,
        alarm: &Alarm,
        now: i64,
    ) -> Result<(), StoreError> {
        let instance = INSTANCES.get_in(tx, alarm.managed_object_id).await?.map(|stored| stored.document.0);
        let attributes = json!({ "notificationType": kind, "alarm": alarm, "instance": instance });
        self.notifier.enqueue(tx, Notification { id, payload, attributes }, now).await
    }

    fn link(&self, id: Uuid) -> NotificationLink {
        Link::new(format!("{}/vnffm/v1/alarms/{id}", self.base))
    }
}

fn is_open(alarm: &Alarm) -> bool {
    alarm.perceived_severity != PerceivedSeverity::Cleared
}

impl Kept {
    fn kin(&self) -> Kin<'_> {
        Kin { id: self.alarm.id, about: self.about.as_deref(), depends: &self.depends }
    }
}

fn new(found: &Condition, now: i64) -> Kept {
    let at = Timestamp::from_micros(now);
    Kept {
        alarm: Alarm {
            id: Uuid::new_v4(),
            managed_object_id: found.instance,
            vnfc_instance_ids: found.vnfcs.clone(),
            root_cause_faulty_resource: found.faulty.clone(),
            alarm_raised_time: at,
            alarm_changed_time: None,
            alarm_cleared_time: None,
            alarm_acknowledged_time: None,
            ack_state: AckState::Unacknowledged,
            perceived_severity: found.severity,
            event_time: at,
            event_type: found.event,
            fault_type: Some(found.fault.clone()),
            probable_cause: found.cause.clone(),
            is_root_cause: true,
            correlated_alarm_ids: Vec::new(),
            fault_details: found.details.clone(),
            links: None,
        },
        key: found.key.clone(),
        resource: found.resource,
        about: found.about.clone(),
        depends: found.depends.clone(),
        escalated: false,
    }
}

/// The alarm with what was found now. A severity that somebody raised stays, unless it is worse by now.
fn merged(old: &Kept, found: &Condition) -> Kept {
    let mut kept = old.clone();
    if !old.escalated || found.severity < old.alarm.perceived_severity {
        kept.alarm.perceived_severity = found.severity;
    }
    kept.alarm.vnfc_instance_ids.clone_from(&found.vnfcs);
    kept.alarm.root_cause_faulty_resource.clone_from(&found.faulty);
    kept.alarm.event_type = found.event;
    kept.alarm.fault_type = Some(found.fault.clone());
    kept.alarm.probable_cause.clone_from(&found.cause);
    kept.alarm.fault_details.clone_from(&found.details);
    kept.depends.clone_from(&found.depends);
    kept
}
