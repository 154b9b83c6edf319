//! Subscriptions to VNF lifecycle changes and the notifications they bring (SOL003 clauses 5.5.2.15 to 5.5.2.19, 5.5.3.12).

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::connectivity::ExtVirtualLinkInfo;
use super::op_occ::{
    AffectedExtLinkPort, AffectedVirtualLink, AffectedVirtualStorage, AffectedVnfc, LcmOperationStateType,
    LcmOperationType, ModificationsTriggeredByVnfPkgChange, VnfInfoModifications,
};
use super::sol::{NotificationLink, SelfLink, SubscriptionAuthentication, Timestamp, sol_enum};
use crate::common::ProblemDetails;

/// Asks for notifications of lifecycle changes (SOL003 clause 5.5.2.15).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LccnSubscriptionRequest {
    /// Which notifications; absent means all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<LifecycleChangeNotificationsFilter>,
    /// Where to send them.
    pub callback_uri: String,
    /// How to authenticate towards `callbackUri`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authentication: Option<SubscriptionAuthentication>,
    /// How much each notification carries; absent means FULL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verbosity: Option<LcmOpOccNotificationVerbosityType>,
}

/// A subscription to lifecycle changes (SOL003 clause 5.5.2.16).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LccnSubscription {
    /// Identifier of the subscription.
    pub id: Uuid,
    /// Which notifications.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<LifecycleChangeNotificationsFilter>,
    /// Where they are sent.
    pub callback_uri: String,
    /// How much each notification carries.
    pub verbosity: LcmOpOccNotificationVerbosityType,
    /// Links.
    #[serde(rename = "_links")]
    pub links: SelfLink,
}

sol_enum! {
    /// How much a notification carries (SOL003 clause 5.5.4.7).
    pub enum LcmOpOccNotificationVerbosityType {
        /// Changed resources and information too.
        Full = "FULL",
        /// State only.
        Short = "SHORT",
    }
}

/// Which lifecycle notifications match (SOL003 clause 5.5.3.12). Attributes are combined with and, values of one
/// attribute with or.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LifecycleChangeNotificationsFilter {
    /// Which VNF instances.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vnf_instance_subscription_filter: Option<VnfInstanceSubscriptionFilter>,
    /// Which notifications.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notification_types: Vec<LccnNotificationType>,
    /// Which operations, for operation notifications.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub operation_types: Vec<LcmOperationType>,
    /// Which states, for operation notifications.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub operation_states: Vec<LcmOperationStateType>,
}

sol_enum! {
    /// Names of the lifecycle notifications.
    pub enum LccnNotificationType {
        /// An operation changed state.
        VnfLcmOperationOccurrenceNotification = "VnfLcmOperationOccurrenceNotification",
        /// A VNF instance identifier was made.
        VnfIdentifierCreationNotification = "VnfIdentifierCreationNotification",
        /// A VNF instance identifier was deleted.
        VnfIdentifierDeletionNotification = "VnfIdentifierDeletionNotification",
    }
}

/// Which VNF instances match (SOL003 clause 4.4.1.5). `vnfdIds` excludes `vnfProductsFromProviders`, and
/// `vnfInstanceIds` excludes `vnfInstanceNames`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VnfInstanceSubscriptionFilter {
    /// Built from one of these VNFDs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vnfd_ids: Vec<String>,
    /// Built from one of these products.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vnf_products_from_providers: Vec<VnfProductsFromProvider>,
    /// One of these instances.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vnf_instance_ids: Vec<String>,
    /// With one of these names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vnf_instance_names: Vec<String>,
}

/// A provider and its products.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VnfProductsFromProvider {
    /// Provider.
    pub vnf_provider: String,
    /// Products; none means all of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vnf_products: Vec<VnfProductFilter>,
}

/// A product and its versions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VnfProductFilter {
    /// Product name.
    pub vnf_product_name: String,
    /// Versions; none means all of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub versions: Vec<VnfVersionFilter>,
}

/// A software version and its VNFD versions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VnfVersionFilter {
    /// Software version.
    pub vnf_software_version: String,
    /// VNFD versions; none means all of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vnfd_versions: Vec<String>,
}

/// An operation changed state (SOL003 clause 5.5.2.17).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VnfLcmOperationOccurrenceNotification {
    /// Identifier of the notification, the same when it is sent again.
    pub id: Uuid,
    /// Name of this type.
    pub notification_type: LccnNotificationType,
    /// The subscription that matched.
    pub subscription_id: Uuid,
    /// When the event happened.
    pub time_stamp: Timestamp,
    /// Start or result.
    pub notification_status: LcmOperationNotificationStatus,
    /// State entered.
    pub operation_state: LcmOperationStateType,
    /// The VNF instance.
    pub vnf_instance_id: Uuid,
    /// Which operation.
    pub operation: LcmOperationType,
    /// The VNFM began it by itself.
    pub is_automatic_invocation: bool,
    /// How much this notification carries; absent reads as FULL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verbosity: Option<LcmOpOccNotificationVerbosityType>,
    /// The occurrence.
    pub vnf_lcm_op_occ_id: Uuid,
    /// VNFCs touched; with a result only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub affected_vnfcs: Vec<AffectedVnfc>,
    /// Internal virtual links touched; with a result only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub affected_virtual_links: Vec<AffectedVirtualLink>,
    /// Ports on external virtual links touched; with a result only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub affected_ext_link_ports: Vec<AffectedExtLinkPort>,
    /// Storage touched; with a result only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub affected_virtual_storages: Vec<AffectedVirtualStorage>,
    /// Attributes changed; with a result only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed_info: Option<VnfInfoModifications>,
    /// External connectivity changed; with a result only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changed_ext_connectivity: Vec<ExtVirtualLinkInfo>,
    /// Attributes changed with the VNF package.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modifications_triggered_by_vnf_pkg_change: Option<ModificationsTriggeredByVnfPkgChange>,
    /// Why it failed; in FAILED_TEMP, FAILED and after a cancellation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ProblemDetails>,
    /// Links.
    #[serde(rename = "_links")]
    pub links: LccnLinks,
}

sol_enum! {
    /// Whether an operation began or ended a phase.
    pub enum LcmOperationNotificationStatus {
        /// Entered STARTING, PROCESSING or ROLLING_BACK.
        Start = "START",
        /// Entered COMPLETED, FAILED_TEMP, FAILED or ROLLED_BACK.
        Result = "RESULT",
    }
}

/// A VNF instance identifier was made (SOL003 clause 5.5.2.18).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VnfIdentifierCreationNotification {
    /// Identifier of the notification, the same when it is sent again.
    pub id: Uuid,
    /// Name of this type.
    pub notification_type: LccnNotificationType,
    /// The subscription that matched.
    pub subscription_id: Uuid,
    /// When the event happened.
    pub time_stamp: Timestamp,
    /// The VNF instance.
    pub vnf_instance_id: Uuid,
    /// Links.
    #[serde(rename = "_links")]
    pub links: LccnLinks,
}

/// A VNF instance identifier was deleted (SOL003 clause 5.5.2.19).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VnfIdentifierDeletionNotification {
    /// Identifier of the notification, the same when it is sent again.
    pub id: Uuid,
    /// Name of this type.
    pub notification_type: LccnNotificationType,
    /// The subscription that matched.
    pub subscription_id: Uuid,
    /// When the event happened.
    pub time_stamp: Timestamp,
    /// The VNF instance.
    pub vnf_instance_id: Uuid,
    /// Links.
    #[serde(rename = "_links")]
    pub links: LccnLinks,
}

/// Links of a lifecycle notification (SOL003 clause 5.5.3.16).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LccnLinks {
    /// The VNF instance.
    pub vnf_instance: NotificationLink,
    /// The subscription.
    pub subscription: NotificationLink,
    /// The operation occurrence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vnf_lcm_op_occ: Option<NotificationLink>,
}

/// Any of the lifecycle notifications, told apart by `notificationType`.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(untagged)]
pub enum LccnNotification {
    /// An operation changed state.
    Operation(Box<VnfLcmOperationOccurrenceNotification>),
    /// A VNF instance identifier was made or deleted; `notificationType` says which.
    Identifier(VnfIdentifierCreationNotification),
}

// By hand: an operation notification with a fault must be refused for that fault, not pass for one of an identifier.
impl<'de> Deserialize<'de> for LccnNotification {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = serde_json::Value::deserialize(deserializer)?;
        let name = value.get("notificationType").and_then(serde_json::Value::as_str).unwrap_or_default();
        let read = match name.parse::<LccnNotificationType>().map_err(D::Error::custom)? {
            LccnNotificationType::VnfLcmOperationOccurrenceNotification => {
                serde_json::from_value(value).map(|told| Self::Operation(Box::new(told)))
            }
            LccnNotificationType::VnfIdentifierCreationNotification
            | LccnNotificationType::VnfIdentifierDeletionNotification => {
                serde_json::from_value(value).map(Self::Identifier)
            }
        };
        read.map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    fn told(kind: &str) -> serde_json::Value {
        let id = Uuid::nil();
        json!({ "id": id, "notificationType": kind, "subscriptionId": id, "timeStamp": "2026-01-02T03:04:05Z",
            "vnfInstanceId": id, "_links": { "vnfInstance": { "href": "/v" }, "subscription": { "href": "/s" } } })
    }

    #[test]
    fn notifications_are_told_apart_by_their_type() {
        let deleted = told("VnfIdentifierDeletionNotification");
        let read: LccnNotification = serde_json::from_value(deleted.clone()).unwrap();
        assert!(matches!(&read, LccnNotification::Identifier(n)
            if n.notification_type == LccnNotificationType::VnfIdentifierDeletionNotification));
        assert_eq!(serde_json::to_value(&read).unwrap(), deleted);

        let mut operation = told("VnfLcmOperationOccurrenceNotification");
        for (name, value) in [
            ("notificationStatus", json!("START")),
            ("operationState", json!("STARTING")),
            ("operation", json!("INSTANTIATE")),
            ("isAutomaticInvocation", json!(false)),
            ("vnfLcmOpOccId", json!(Uuid::nil())),
        ] {
            operation[name] = value;
        }
        let read: LccnNotification = serde_json::from_value(operation.clone()).unwrap();
        assert!(
            matches!(&read, LccnNotification::Operation(n) if n.operation_state == LcmOperationStateType::Starting)
        );
        assert_eq!(serde_json::to_value(&read).unwrap(), operation);
    }

    #[test]
    fn a_faulty_operation_notification_does_not_pass_for_another_kind() {
        let error =
            serde_json::from_value::<LccnNotification>(told("VnfLcmOperationOccurrenceNotification")).unwrap_err();
        assert!(error.to_string().contains("notificationStatus"), "{error}");
        let error = serde_json::from_value::<LccnNotification>(told("NsChangeNotification")).unwrap_err();
        assert!(error.to_string().contains("VnfIdentifierCreationNotification"), "{error}");
    }
}
