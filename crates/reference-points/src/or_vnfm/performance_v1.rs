//! Performance management as version 1 of the interface has it (SOL003 v2.6.1 clause 6): notifications go to
//! subscriptions, and metrics alone tell the type of the measured objects.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::performance::{
    PmJobCriteria, PmJobLinks, PmJobReport, PmNotificationType, ThresholdCriteria, ThresholdLinks,
};
use super::sol::{SelfLink, SubscriptionAuthentication};
use super::subscription::VnfInstanceSubscriptionFilter;

/// Asks for measurements.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreatePmJobRequestV1 {
    /// VNF instances.
    pub object_instance_ids: Vec<String>,
    /// What is measured and when.
    pub criteria: PmJobCriteria,
}

/// A job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PmJobV1 {
    /// Identifier of the job.
    pub id: Uuid,
    /// VNF instances.
    pub object_instance_ids: Vec<String>,
    /// What is measured and when.
    pub criteria: PmJobCriteria,
    /// Reports that can be read, the newest last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reports: Vec<PmJobReport>,
    /// Links.
    #[serde(rename = "_links")]
    pub links: PmJobLinks,
}

/// Asks to be told when a metric crosses a value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateThresholdRequestV1 {
    /// The VNF instance.
    pub object_instance_id: String,
    /// The threshold.
    pub criteria: ThresholdCriteria,
}

/// A threshold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ThresholdV1 {
    /// Identifier of the threshold.
    pub id: Uuid,
    /// The VNF instance.
    pub object_instance_id: String,
    /// The threshold.
    pub criteria: ThresholdCriteria,
    /// Links.
    #[serde(rename = "_links")]
    pub links: ThresholdLinks,
}

/// Asks for notifications of reports and crossings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PmSubscriptionRequest {
    /// Which notifications; absent means all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<PmNotificationsFilter>,
    /// Where to send them.
    pub callback_uri: String,
    /// How to authenticate towards `callbackUri`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authentication: Option<SubscriptionAuthentication>,
}

/// A subscription to reports and crossings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PmSubscription {
    /// Identifier of the subscription.
    pub id: Uuid,
    /// Which notifications.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<PmNotificationsFilter>,
    /// Where they are sent.
    pub callback_uri: String,
    /// Links.
    #[serde(rename = "_links")]
    pub links: SelfLink,
}

/// Which notifications match.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PmNotificationsFilter {
    /// Which VNF instances.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vnf_instance_subscription_filter: Option<VnfInstanceSubscriptionFilter>,
    /// Which notifications.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notification_types: Vec<PmNotificationType>,
}
