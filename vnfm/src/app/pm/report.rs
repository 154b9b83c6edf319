//! Reports and notifications: what was measured becomes a report, and what happened is told, each in the transaction that
//! keeps it.

use std::collections::BTreeSet;

use db::AnyConnection;
use reference_points::or_vnfm::{
    CrossingDirectionType, EventType, Link, PerceivedSeverity, PerformanceInformationAvailableNotification,
    PerformanceReport, PerformanceReportEntry, PerformanceValue, PmNotificationType, PmReportLinks,
    ThresholdCrossedLinks, ThresholdCrossedNotification, Timestamp,
};
use serde::{Deserialize, Serialize};
use serde_json::{Number, Value, json};
use service::notify::Notification;
use service::store::{StoreError, Stored};
use uuid::Uuid;

use super::Pm;
use super::thresholds::alarm_keys;
use crate::ops::alarms::{Condition, compute_key};
use crate::ops::pm::metrics::ObjectType;
use crate::ops::pm::subjects::Subject;
use crate::store::INSTANCES;
use crate::store::pm::{self, JOBS, Job, KeptReport, KeptThreshold};

/// Reports of a job that can be read, at most: the oldest go.
const MAX_REPORTS: usize = 100;

/// A value of one metric of one object, as it is kept until the report is made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Sampled {
    pub object: ObjectType,
    pub instance: Uuid,
    pub sub: Option<String>,
    pub metric: String,
    pub value: Number,
}

impl Pm {
    /// Makes a report of what was sampled since the last one, and tells it; nothing when nothing was.
    pub(super) async fn make_report(&self, tx: &mut AnyConnection, id: Uuid, now: i64) -> Result<(), StoreError> {
        let samples = pm::take_samples(tx, id).await?;
        let report = assembled(&samples);
        if report.entries.is_empty() {
            return Ok(());
        }
        let stored = JOBS.lock(tx, id).await?;
        let document = serde_json::to_string(&report).unwrap_or_default();
        let kept = KeptReport {
            id: Uuid::new_v4(),
            ready_time: Timestamp::from_micros(now),
            file_size: document.len() as u64,
        };
        pm::put_report(tx, kept.id, id, &document).await?;
        let mut job = stored.document.clone();
        job.reports.push(kept.clone());
        while job.reports.len() > MAX_REPORTS {
            pm::drop_report(tx, job.reports.remove(0).id).await?;
        }
        let stored = JOBS.update(tx, &stored, job, now).await?;
        let instances: BTreeSet<&str> = report.entries.iter().map(|e| e.object_instance_id.as_str()).collect();
        for instance in instances {
            self.tell_report(tx, &stored, kept.id, instance, &report, now).await?;
        }
        Ok(())
    }

    async fn tell_report(
        &self,
        tx: &mut AnyConnection,
        stored: &Stored<Job>,
        report: Uuid,
        instance: &str,
        content: &PerformanceReport,
        now: i64,
    ) -> Result<(), StoreError> {
        let job = &stored.document;
        let own = self.url(job.major, "pm_jobs", job.id);
        let of = content.entries.iter().filter(|e| e.object_instance_id == instance);
        let subs: BTreeSet<String> = of.clone().filter_map(|e| e.sub_object_instance_id.clone()).collect();
        let told = PerformanceInformationAvailableNotification {
            id: Uuid::new_v4(),
            notification_type: PmNotificationType::PerformanceInformationAvailableNotification,
            time_stamp: Timestamp::from_micros(now),
            pm_job_id: job.id,
            object_type: of.map(|e| e.object_type.clone()).next().unwrap_or_default(),
            object_instance_id: instance.to_owned(),
            sub_object_instance_ids: subs.into_iter().collect(),
            links: PmReportLinks {
                object_instance: instance.parse().ok().map(|id| Link::new(self.instance_url(job.major, id))),
                performance_report: Link::new(format!("{own}/reports/{report}")),
                pm_job: Link::new(own),
            },
        };
        self.tell(tx, job.major, job.id, told.id, told.notification_type, json!(told), now).await
    }

    /// A threshold was crossed: tells it, and raises or clears its alarm.
    pub(super) async fn crossed(
        &self,
        tx: &mut AnyConnection,
        threshold: &KeptThreshold,
        subject: &Subject,
        value: &Number,
        direction: CrossingDirectionType,
        now: i64,
    ) -> Result<(), StoreError> {
        let (id, instance) = (Uuid::new_v4(), threshold.object_instance_id);
        let told = ThresholdCrossedNotification {
            id,
            notification_type: PmNotificationType::ThresholdCrossedNotification,
            time_stamp: Timestamp::from_micros(now),
            threshold_id: threshold.id,
            crossing_direction: direction,
            object_type: threshold.chosen.object.to_string(),
            object_instance_id: instance.to_string(),
            sub_object_instance_id: subject.sub.clone(),
            performance_metric: threshold.chosen.asked.clone(),
            performance_value: value.clone(),
            links: ThresholdCrossedLinks {
                object_instance: Some(Link::new(self.instance_url(threshold.major, instance))),
                threshold: Link::new(self.url(threshold.major, "thresholds", threshold.id)),
            },
        };
        let kind = told.notification_type;
        self.tell(tx, threshold.major, threshold.id, id, kind, json!(told), now).await?;
        let alarm = condition(threshold, subject, value);
        match direction {
            CrossingDirectionType::Up => self.alarms.raise(tx, &alarm, now).await,
            CrossingDirectionType::Down => self.alarms.clear(tx, &alarm.key, now).await,
        }
    }

    /// To the item's own address, or in version 1 to subscriptions, in that version's form.
    async fn tell(
        &self,
        tx: &mut AnyConnection,
        major: u8,
        item: Uuid,
        id: Uuid,
        kind: PmNotificationType,
        mut payload: Value,
        now: i64,
    ) -> Result<(), StoreError> {
        if major != 1 {
            return self.direct.enqueue_to(tx, item, &payload, now).await;
        }
        let instance = payload.get("objectInstanceId").and_then(Value::as_str).and_then(|id| id.parse().ok());
        let record = match instance {
            Some(instance) => INSTANCES.get_in(tx, instance).await?.map(|stored| stored.document.0),
            None => None,
        };
        if let Value::Object(members) = &mut payload {
            for later in ["objectType", "subObjectInstanceId", "subObjectInstanceIds", "pmJobId"] {
                members.shift_remove(later);
            }
        }
        let attributes = json!({ "notificationType": kind, "instance": record });
        self.notifier.enqueue(tx, Notification { id, payload, attributes }, now).await
    }
}

fn condition(threshold: &KeptThreshold, subject: &Subject, value: &Number) -> Condition {
    let sub = subject.sub.clone().unwrap_or_default();
    let limit = threshold.criteria.simple_threshold_details.map(|d| d.threshold_value).unwrap_or_default();
    let metric = &threshold.chosen.asked;
    let of = if sub.is_empty() { String::new() } else { format!(" of {sub}") };
    Condition {
        key: format!("{}{sub}", alarm_keys(threshold.id)),
        instance: threshold.object_instance_id,
        vnfcs: if threshold.chosen.object == ObjectType::Vnfc {
            subject.sub.iter().cloned().collect()
        } else {
            Vec::new()
        },
        resource: subject.needs().next().filter(|_| subject.sub.is_some()),
        faulty: None,
        severity: PerceivedSeverity::Warning,
        event: EventType::QosAlarm,
        fault: "THRESHOLD_CROSSED".to_owned(),
        cause: format!("{metric} is above its threshold"),
        details: vec![format!("{metric}{of} is {value}, the threshold {} is at {limit}", threshold.id)],
        about: None,
        depends: subject.computes.iter().map(|(id, _)| compute_key(*id)).filter(|_| subject.sub.is_some()).collect(),
    }
}

/// A report of samples in the order of time.
fn assembled(samples: &[(i64, String)]) -> PerformanceReport {
    let mut report = PerformanceReport::default();
    for (at, text) in samples {
        let values: Vec<Sampled> = serde_json::from_str(text).unwrap_or_default();
        for sampled in values {
            let (object, instance) = (sampled.object.to_string(), sampled.instance.to_string());
            let same = |entry: &PerformanceReportEntry| {
                entry.object_instance_id == instance
                    && entry.sub_object_instance_id == sampled.sub
                    && entry.performance_metric == sampled.metric
                    && entry.object_type == object
            };
            let place = report.entries.iter().position(same).unwrap_or_else(|| {
                report.entries.push(PerformanceReportEntry {
                    object_type: object.clone(),
                    object_instance_id: instance.clone(),
                    sub_object_instance_id: sampled.sub.clone(),
                    performance_metric: sampled.metric.clone(),
                    performance_values: Vec::new(),
                });
                report.entries.len() - 1
            });
            let value = PerformanceValue { time_stamp: Timestamp::from_micros(*at), value: sampled.value };
            report.entries[place].performance_values.push(value);
        }
    }
    report
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn values_are_gathered_by_object_and_metric_in_the_order_of_time() {
        let sample = |metric: &str, sub: Option<&str>, value: u64| Sampled {
            object: ObjectType::Vnfc,
            instance: Uuid::nil(),
            sub: sub.map(str::to_owned),
            metric: metric.to_owned(),
            value: value.into(),
        };
        let text = |values: &[Sampled]| serde_json::to_string(values).unwrap();
        let first = text(&[sample("a", Some("x"), 1), sample("a", Some("y"), 2)]);
        let second = text(&[sample("a", Some("x"), 3)]);
        let report = assembled(&[(1_000_000, first), (2_000_000, second)]);
        let values: Vec<(Option<&str>, Vec<u64>)> = report
            .entries
            .iter()
            .map(|e| {
                let values = e.performance_values.iter().map(|v| v.value.as_u64().unwrap()).collect();
                (e.sub_object_instance_id.as_deref(), values)
            })
            .collect();
        assert_eq!(values, [(Some("x"), vec![1, 3]), (Some("y"), vec![2])]);
    }
}
