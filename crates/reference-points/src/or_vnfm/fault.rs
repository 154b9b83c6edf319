//! Fault management of VNFs (SOL003 clause 7, SOL002 clause 7): alarms, subscriptions to them, and notifications.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::connectivity::ResourceHandle;
use super::sol::{Link, NotificationLink, SelfLink, SubscriptionAuthentication, Timestamp, sol_enum};
use super::subscription::VnfInstanceSubscriptionFilter;

/// An alarm about a VNF instance (SOL003 clause 7.5.2.4; `vnfcInstanceIds` as SOL002 has it).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Alarm {
    /// Identifier of the alarm.
    pub id: Uuid,
    /// The VNF instance that is affected.
    pub managed_object_id: Uuid,
    /// VNFCs that are affected, by the ids in `vnfcInfo`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vnfc_instance_ids: Vec<String>,
    /// The virtual resource that is at fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root_cause_faulty_resource: Option<FaultyResourceInfo>,
    /// When it was raised.
    pub alarm_raised_time: Timestamp,
    /// When it was changed last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alarm_changed_time: Option<Timestamp>,
    /// When it was cleared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alarm_cleared_time: Option<Timestamp>,
    /// When it was acknowledged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alarm_acknowledged_time: Option<Timestamp>,
    /// Whether an operator has taken note of it.
    pub ack_state: AckState,
    /// How bad it is.
    pub perceived_severity: PerceivedSeverity,
    /// When the fault was seen.
    pub event_time: Timestamp,
    /// What kind of event it is.
    pub event_type: EventType,
    /// The type of the fault, a stable word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault_type: Option<String>,
    /// What probably causes it.
    pub probable_cause: String,
    /// Whether the alarms in `correlatedAlarmIds` are caused by this one.
    pub is_root_cause: bool,
    /// Alarms about the same fault.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub correlated_alarm_ids: Vec<Uuid>,
    /// More about the fault, for people.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fault_details: Vec<String>,
    /// Links; filled in when it is shown.
    #[serde(rename = "_links", default, skip_serializing_if = "Option::is_none")]
    pub links: Option<AlarmLinks>,
}

/// Links of an alarm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AlarmLinks {
    /// The alarm.
    #[serde(rename = "self")]
    pub self_: Link,
    /// The VNF instance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object_instance: Option<Link>,
}

/// A virtual resource that is at fault (SOL003 clause 7.5.3.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FaultyResourceInfo {
    /// The resource.
    pub faulty_resource: ResourceHandle,
    /// Its type.
    pub faulty_resource_type: FaultyResourceType,
}

sol_enum! {
    /// Types of faulty resource (SOL003 clause 7.5.4.5).
    pub enum FaultyResourceType {
        /// Compute.
        Compute = "COMPUTE",
        /// Storage.
        Storage = "STORAGE",
        /// Network.
        Network = "NETWORK",
    }
}

sol_enum! {
    /// Whether an operator has taken note of an alarm.
    pub enum AckState {
        /// Not yet.
        Unacknowledged = "UNACKNOWLEDGED",
        /// Yes.
        Acknowledged = "ACKNOWLEDGED",
    }
}

sol_enum! {
    /// How bad a fault is (SOL003 clause 7.5.4.3).
    pub enum PerceivedSeverity {
        /// A service is lost; act at once.
        Critical = "CRITICAL",
        /// A service is degraded; act soon.
        Major = "MAJOR",
        /// No service is affected yet; act before it is.
        Minor = "MINOR",
        /// A fault may come.
        Warning = "WARNING",
        /// Not known.
        Indeterminate = "INDETERMINATE",
        /// It is over.
        Cleared = "CLEARED",
    }
}

sol_enum! {
    /// Kinds of events that trigger an alarm (SOL003 clause 7.5.4.4).
    pub enum EventType {
        /// Conveying information from one point to another.
        CommunicationsAlarm = "COMMUNICATIONS_ALARM",
        /// Software or processing.
        ProcessingErrorAlarm = "PROCESSING_ERROR_ALARM",
        /// The surroundings of equipment.
        EnvironmentalAlarm = "ENVIRONMENTAL_ALARM",
        /// Degradation of a service's quality.
        QosAlarm = "QOS_ALARM",
        /// Equipment.
        EquipmentAlarm = "EQUIPMENT_ALARM",
    }
}

/// Acknowledges an alarm, or takes that back (SOL003 clause 7.5.2.8).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AlarmModifications {
    /// New state.
    pub ack_state: AckState,
}

/// Proposes a higher severity of an alarm (SOL002 clause 7.5.2.9).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PerceivedSeverityRequest {
    /// What it should be.
    pub proposed_perceived_severity: PerceivedSeverity,
}

/// Asks for notifications of alarms (SOL003 clause 7.5.2.2).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FmSubscriptionRequest {
    /// Which notifications; absent means all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<FmNotificationsFilter>,
    /// Where to send them.
    pub callback_uri: String,
    /// How to authenticate towards `callbackUri`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authentication: Option<SubscriptionAuthentication>,
}

/// A subscription to alarms (SOL003 clause 7.5.2.3).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FmSubscription {
    /// Identifier of the subscription.
    pub id: Uuid,
    /// Which notifications.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<FmNotificationsFilter>,
    /// Where they are sent.
    pub callback_uri: String,
    /// Links.
    #[serde(rename = "_links")]
    pub links: SelfLink,
}

/// Which notifications of alarms match (SOL003 clause 7.5.3.3). Attributes are combined with and, values of one attribute
/// with or.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FmNotificationsFilter {
    /// Which VNF instances.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vnf_instance_subscription_filter: Option<VnfInstanceSubscriptionFilter>,
    /// Which notifications.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notification_types: Vec<FmNotificationType>,
    /// Which types of faulty resources.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faulty_resource_types: Vec<FaultyResourceType>,
    /// Which severities.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub perceived_severities: Vec<PerceivedSeverity>,
    /// Which kinds of events.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub event_types: Vec<EventType>,
    /// Which probable causes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub probable_causes: Vec<String>,
}

sol_enum! {
    /// Names of the notifications of fault management.
    pub enum FmNotificationType {
        /// An alarm was raised or changed.
        AlarmNotification = "AlarmNotification",
        /// An alarm was cleared.
        AlarmClearedNotification = "AlarmClearedNotification",
        /// The list of alarms was made anew.
        AlarmListRebuiltNotification = "AlarmListRebuiltNotification",
    }
}

/// An alarm was raised or changed (SOL003 clause 7.5.2.5).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AlarmNotification {
    /// Identifier of the notification, the same when it is sent again.
    pub id: Uuid,
    /// Name of this type.
    pub notification_type: FmNotificationType,
    /// The subscription that matched.
    pub subscription_id: Uuid,
    /// When it was made.
    pub time_stamp: Timestamp,
    /// The alarm.
    pub alarm: Alarm,
    /// Links.
    #[serde(rename = "_links")]
    pub links: FmNotificationLinks,
}

/// An alarm was cleared (SOL003 clause 7.5.2.6).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AlarmClearedNotification {
    /// Identifier of the notification, the same when it is sent again.
    pub id: Uuid,
    /// Name of this type.
    pub notification_type: FmNotificationType,
    /// The subscription that matched.
    pub subscription_id: Uuid,
    /// When it was made.
    pub time_stamp: Timestamp,
    /// The alarm.
    pub alarm_id: Uuid,
    /// When it was cleared.
    pub alarm_cleared_time: Timestamp,
    /// Links.
    #[serde(rename = "_links")]
    pub links: FmNotificationLinks,
}

/// The list of alarms was made anew: read it (SOL003 clause 7.5.2.7).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AlarmListRebuiltNotification {
    /// Identifier of the notification, the same when it is sent again.
    pub id: Uuid,
    /// Name of this type.
    pub notification_type: FmNotificationType,
    /// The subscription that matched.
    pub subscription_id: Uuid,
    /// When it was made.
    pub time_stamp: Timestamp,
    /// Links.
    #[serde(rename = "_links")]
    pub links: FmNotificationLinks,
}

/// Links of a notification of fault management.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FmNotificationLinks {
    /// The subscription.
    pub subscription: NotificationLink,
    /// The alarm, of a cleared one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alarm: Option<NotificationLink>,
    /// The list of alarms, of a rebuilt one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alarms: Option<NotificationLink>,
}
