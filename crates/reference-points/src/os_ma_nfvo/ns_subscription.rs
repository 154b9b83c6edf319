//! Subscriptions to NS lifecycle changes and the notifications they bring (SOL005 clauses 6.5.2.2, 6.5.2.3, 6.5.2.5 to
//! 6.5.2.9 and 6.5.3.8).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::ns_instance::NsComponentType;
use super::ns_op_occ::{
    AffectedNs, AffectedNsVirtualLink, AffectedPnf, AffectedSap, AffectedVnf, AffectedVnffg, NsLcmOpType,
    NsLcmOperationStateType,
};
use crate::common::ProblemDetails;
use crate::or_vnfm::sol::{NotificationLink, SelfLink, SubscriptionAuthentication, Timestamp, sol_enum};
use crate::or_vnfm::{LcmOpOccNotificationVerbosityType, LcmOperationNotificationStatus};

/// Asks for notifications of NS lifecycle changes (SOL005 clause 6.5.2.2, `LccnSubscriptionRequest` there).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NsLccnSubscriptionRequest {
    /// Which notifications; absent means all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<NsLifecycleChangeNotificationsFilter>,
    /// Where to send them.
    pub callback_uri: String,
    /// How to authenticate towards `callbackUri`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authentication: Option<SubscriptionAuthentication>,
    /// How much each notification carries; absent means FULL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verbosity: Option<LcmOpOccNotificationVerbosityType>,
}

/// A subscription to NS lifecycle changes (SOL005 clause 6.5.2.3, `LccnSubscription` there).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NsLccnSubscription {
    /// Identifier of the subscription.
    pub id: Uuid,
    /// Which notifications.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<NsLifecycleChangeNotificationsFilter>,
    /// Where they are sent.
    pub callback_uri: String,
    /// How much each notification carries.
    pub verbosity: LcmOpOccNotificationVerbosityType,
    /// Links.
    #[serde(rename = "_links")]
    pub links: SelfLink,
}

/// Which NS lifecycle notifications match (SOL005 clause 6.5.3.8). Attributes are combined with and, values of one
/// attribute with or.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NsLifecycleChangeNotificationsFilter {
    /// Which NS instances.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ns_instance_subscription_filter: Option<NsInstanceSubscriptionFilter>,
    /// Which notifications.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notification_types: Vec<NsLccnNotificationType>,
    /// Which operations, for operation notifications.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub operation_types: Vec<NsLcmOpType>,
    /// Which states, for operation notifications.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub operation_states: Vec<NsLcmOperationStateType>,
    /// Which kinds of components, for change notifications.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ns_component_types: Vec<NsComponentType>,
}

sol_enum! {
    /// Names of the NS lifecycle notifications.
    pub enum NsLccnNotificationType {
        /// An operation changed state.
        NsLcmOperationOccurrenceNotification = "NsLcmOperationOccurrenceNotification",
        /// An NS instance identifier was made.
        NsIdentifierCreationNotification = "NsIdentifierCreationNotification",
        /// An NS instance identifier was deleted.
        NsIdentifierDeletionNotification = "NsIdentifierDeletionNotification",
        /// A component of an NS was changed.
        NsChangeNotification = "NsChangeNotification",
    }
}

/// Which NS instances match (SOL005 clause 4.4.1.8). `nsInstanceIds` excludes `nsInstanceNames`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NsInstanceSubscriptionFilter {
    /// Built from one of these NSDs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nsd_ids: Vec<String>,
    /// With a VNF built from one of these VNFDs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vnfd_ids: Vec<String>,
    /// With a PNF of one of these descriptors.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pnfd_ids: Vec<String>,
    /// One of these instances.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ns_instance_ids: Vec<String>,
    /// With one of these names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ns_instance_names: Vec<String>,
}

/// An NS operation changed state (SOL005 clause 6.5.2.5).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NsLcmOperationOccurrenceNotification {
    /// Identifier of the notification, the same when it is sent again.
    pub id: Uuid,
    /// The NS instance.
    pub ns_instance_id: Uuid,
    /// The occurrence.
    pub ns_lcm_op_occ_id: Uuid,
    /// Which operation.
    pub operation: NsLcmOpType,
    /// Name of this type.
    pub notification_type: NsLccnNotificationType,
    /// The subscription that matched.
    pub subscription_id: Uuid,
    /// When the event happened.
    pub timestamp: Timestamp,
    /// Start or result.
    pub notification_status: LcmOperationNotificationStatus,
    /// State entered.
    pub operation_state: NsLcmOperationStateType,
    /// The NFVO began it by itself.
    pub is_automatic_invocation: bool,
    /// How much this notification carries; absent reads as FULL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verbosity: Option<LcmOpOccNotificationVerbosityType>,
    /// VNF instances touched; with a result only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub affected_vnf: Vec<AffectedVnf>,
    /// PNFs touched; with a result only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub affected_pnf: Vec<AffectedPnf>,
    /// NS virtual links touched; with a result only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub affected_vl: Vec<AffectedNsVirtualLink>,
    /// VNF forwarding graphs touched; with a result only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub affected_vnffg: Vec<AffectedVnffg>,
    /// Nested NS instances touched; with a result only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub affected_ns: Vec<AffectedNs>,
    /// Service access points touched; with a result only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub affected_sap: Vec<AffectedSap>,
    /// Why it failed; in FAILED_TEMP and FAILED.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ProblemDetails>,
    /// Links.
    #[serde(rename = "_links")]
    pub links: NsLccnLinks,
}

/// An NS instance identifier was made (SOL005 clause 6.5.2.6).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NsIdentifierCreationNotification {
    /// Identifier of the notification, the same when it is sent again.
    pub id: Uuid,
    /// Name of this type.
    pub notification_type: NsLccnNotificationType,
    /// The subscription that matched.
    pub subscription_id: Uuid,
    /// When the event happened.
    pub timestamp: Timestamp,
    /// The NS instance.
    pub ns_instance_id: Uuid,
    /// Links.
    #[serde(rename = "_links")]
    pub links: NsLccnLinks,
}

/// An NS instance identifier was deleted (SOL005 clause 6.5.2.8).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NsIdentifierDeletionNotification {
    /// Identifier of the notification, the same when it is sent again.
    pub id: Uuid,
    /// Name of this type.
    pub notification_type: NsLccnNotificationType,
    /// The subscription that matched.
    pub subscription_id: Uuid,
    /// When the event happened.
    pub timestamp: Timestamp,
    /// The NS instance.
    pub ns_instance_id: Uuid,
    /// Links.
    #[serde(rename = "_links")]
    pub links: NsLccnLinks,
}

/// Links of an NS lifecycle notification (SOL005 clause 6.5.3.9).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NsLccnLinks {
    /// The NS instance.
    pub ns_instance: NotificationLink,
    /// The subscription.
    pub subscription: NotificationLink,
    /// The operation occurrence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ns_lcm_op_occ: Option<NotificationLink>,
}
