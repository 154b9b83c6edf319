//! Performance management of VNFs (SOL003 clause 6, SOL002 clause 6): jobs, their reports, thresholds, notifications, in
//! version 2 of the interface; [`super::performance_v1`] has what version 1 does otherwise.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::sol::{Link, NotificationLink, SubscriptionAuthentication, Timestamp, sol_enum};

/// Asks for measurements (SOL003 clause 6.5.2.6).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreatePmJobRequest {
    /// What is measured: `Vnf`, `Vnfc`, `VnfIntCp` or `VnfExtCp` (IFA027 clause 6.2).
    pub object_type: String,
    /// VNF instances.
    pub object_instance_ids: Vec<String>,
    /// Parts of the VNF instance: VNFCs or connection points; with one VNF instance only, all parts when absent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sub_object_instance_ids: Vec<String>,
    /// What is measured and when.
    pub criteria: PmJobCriteria,
    /// Where to tell that a report is there.
    pub callback_uri: String,
    /// How to authenticate there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authentication: Option<SubscriptionAuthentication>,
}

/// What a job measures and when (SOL003 clause 6.5.3.3).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PmJobCriteria {
    /// Metrics, by their names in IFA027 clause 7.2 or in the VNFD.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub performance_metric: Vec<String>,
    /// Groups of metrics.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub performance_metric_group: Vec<String>,
    /// How often, in seconds.
    pub collection_period: u32,
    /// How often a report is made, in seconds; a multiple of `collectionPeriod`.
    pub reporting_period: u32,
    /// When the job ends; absent means never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reporting_boundary: Option<Timestamp>,
}

/// A job (SOL003 clause 6.5.2.7).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PmJob {
    /// Identifier of the job.
    pub id: Uuid,
    /// What is measured.
    pub object_type: String,
    /// VNF instances.
    pub object_instance_ids: Vec<String>,
    /// Parts of the VNF instance.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sub_object_instance_ids: Vec<String>,
    /// What is measured and when.
    pub criteria: PmJobCriteria,
    /// Where it is told that a report is there.
    pub callback_uri: String,
    /// Reports that can be read, the newest last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reports: Vec<PmJobReport>,
    /// Links.
    #[serde(rename = "_links")]
    pub links: PmJobLinks,
}

/// A report of a job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PmJobReport {
    /// Where it can be read.
    pub href: String,
    /// When it was made.
    pub ready_time: Timestamp,
    /// When it goes; absent means when too many newer ones are there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expiry_time: Option<Timestamp>,
    /// Its size in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_size: Option<u64>,
}

/// Links of a job.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PmJobLinks {
    /// The job.
    #[serde(rename = "self")]
    pub self_: Link,
    /// The VNF instances.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub objects: Vec<Link>,
}

/// Changes where and how a job or threshold notifies (SOL003 clauses 6.5.2.11 and 6.5.2.12).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PmCallbackModifications {
    /// New address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub callback_uri: Option<String>,
    /// New authentication; never shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authentication: Option<SubscriptionAuthentication>,
}

/// A report (SOL003 clause 6.5.2.10).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PerformanceReport {
    /// One for each measured object and metric.
    pub entries: Vec<PerformanceReportEntry>,
}

/// Values of one metric of one object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PerformanceReportEntry {
    /// Type of the object.
    pub object_type: String,
    /// The VNF instance.
    pub object_instance_id: String,
    /// The part of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sub_object_instance_id: Option<String>,
    /// The metric.
    pub performance_metric: String,
    /// Its values, in the order of time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub performance_values: Vec<PerformanceValue>,
}

/// A measured value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PerformanceValue {
    /// End of the collection period.
    pub time_stamp: Timestamp,
    /// The value: a number.
    #[schema(value_type = f64)]
    pub value: serde_json::Number,
}

/// Asks to be told when a metric crosses a value (SOL003 clause 6.5.2.8).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateThresholdRequest {
    /// What is measured: `Vnf`, `Vnfc`, `VnfIntCp` or `VnfExtCp`.
    pub object_type: String,
    /// The VNF instance.
    pub object_instance_id: String,
    /// Parts of it; all when absent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sub_object_instance_ids: Vec<String>,
    /// The threshold.
    pub criteria: ThresholdCriteria,
    /// Where to tell.
    pub callback_uri: String,
    /// How to authenticate there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authentication: Option<SubscriptionAuthentication>,
}

/// A metric and its threshold (SOL003 clause 6.5.3.4).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ThresholdCriteria {
    /// The metric.
    pub performance_metric: String,
    /// Kind of threshold.
    pub threshold_type: ThresholdType,
    /// Of a SIMPLE threshold, which it must have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub simple_threshold_details: Option<SimpleThresholdDetails>,
}

sol_enum! {
    /// Kinds of threshold.
    pub enum ThresholdType {
        /// One fixed value.
        Simple = "SIMPLE",
    }
}

/// A fixed value, with a band around it that must be left before a crossing is told.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SimpleThresholdDetails {
    /// The value.
    pub threshold_value: f64,
    /// Half the width of the band, not negative: UP is told at value + hysteresis, DOWN at value - hysteresis.
    pub hysteresis: f64,
}

/// A threshold (SOL003 clause 6.5.2.9).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Threshold {
    /// Identifier of the threshold.
    pub id: Uuid,
    /// What is measured.
    pub object_type: String,
    /// The VNF instance.
    pub object_instance_id: String,
    /// Parts of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sub_object_instance_ids: Vec<String>,
    /// The threshold.
    pub criteria: ThresholdCriteria,
    /// Where it is told.
    pub callback_uri: String,
    /// Links.
    #[serde(rename = "_links")]
    pub links: ThresholdLinks,
}

/// Links of a threshold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ThresholdLinks {
    /// The threshold.
    #[serde(rename = "self")]
    pub self_: Link,
    /// The VNF instance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<Link>,
}

sol_enum! {
    /// Names of the notifications of performance management.
    pub enum PmNotificationType {
        /// A report can be read.
        PerformanceInformationAvailableNotification = "PerformanceInformationAvailableNotification",
        /// A threshold was crossed.
        ThresholdCrossedNotification = "ThresholdCrossedNotification",
    }
}

sol_enum! {
    /// Which way a threshold was crossed (SOL003 clause 6.5.4.2).
    pub enum CrossingDirectionType {
        /// Upwards.
        Up = "UP",
        /// Downwards.
        Down = "DOWN",
    }
}

/// A report can be read (SOL003 clause 6.5.2.5).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PerformanceInformationAvailableNotification {
    /// Identifier of the notification, the same when it is sent again.
    pub id: Uuid,
    /// Name of this type.
    pub notification_type: PmNotificationType,
    /// When it was made.
    pub time_stamp: Timestamp,
    /// The job.
    pub pm_job_id: Uuid,
    /// Type of the measured objects.
    pub object_type: String,
    /// The VNF instance.
    pub object_instance_id: String,
    /// Parts of it that the report is about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sub_object_instance_ids: Vec<String>,
    /// Links.
    #[serde(rename = "_links")]
    pub links: PmReportLinks,
}

/// Links of a notification about a report.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PmReportLinks {
    /// The VNF instance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object_instance: Option<NotificationLink>,
    /// The job.
    pub pm_job: NotificationLink,
    /// The report.
    pub performance_report: NotificationLink,
}

/// A threshold was crossed (SOL003 clause 6.5.2.4).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ThresholdCrossedNotification {
    /// Identifier of the notification, the same when it is sent again.
    pub id: Uuid,
    /// Name of this type.
    pub notification_type: PmNotificationType,
    /// When it was made.
    pub time_stamp: Timestamp,
    /// The threshold.
    pub threshold_id: Uuid,
    /// Which way.
    pub crossing_direction: CrossingDirectionType,
    /// Type of the measured object.
    pub object_type: String,
    /// The VNF instance.
    pub object_instance_id: String,
    /// The part of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sub_object_instance_id: Option<String>,
    /// The metric.
    pub performance_metric: String,
    /// Its value: a number.
    #[schema(value_type = f64)]
    pub performance_value: serde_json::Number,
    /// Links.
    #[serde(rename = "_links")]
    pub links: ThresholdCrossedLinks,
}

/// Links of a notification about a threshold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ThresholdCrossedLinks {
    /// The VNF instance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object_instance: Option<NotificationLink>,
    /// The threshold.
    pub threshold: NotificationLink,
}
