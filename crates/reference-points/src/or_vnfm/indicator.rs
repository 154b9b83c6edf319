//! VNF indicators (SOL003 clause 8, SOL002 clause 8): values that only the VNF or its element manager knows, subscriptions
//! to them, notifications, and a client. VNFs and element managers offer the interface to the VNFM, the VNFM to the NFVO.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::package_client::segment;
use super::sol::{Link, NotificationLink, SelfLink, SubscriptionAuthentication, Timestamp, sol_enum};
use super::subscription::VnfInstanceSubscriptionFilter;
use crate::common::{CallError, Client, Reply};

/// Version of `vnfind/v1` that is spoken (SOL003 v3.3.1 clause 8.1).
pub const INDICATOR_VERSION: &str = "1.3.0";

const INDICATORS: &str = "/vnfind/v1/indicators";
const SUBSCRIPTIONS: &str = "/vnfind/v1/subscriptions";

/// The value of an indicator (SOL003 clause 8.5.2.2).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VnfIndicator {
    /// Identifier, unique within the VNF instance.
    pub id: String,
    /// Name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The value, in the form that the VNFD gives it.
    pub value: Value,
    /// The VNF instance.
    pub vnf_instance_id: Uuid,
    /// Links; filled in when it is shown.
    #[serde(rename = "_links", default, skip_serializing_if = "Option::is_none")]
    pub links: Option<VnfIndicatorLinks>,
}

/// Links of an indicator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VnfIndicatorLinks {
    /// The indicator.
    #[serde(rename = "self")]
    pub self_: Link,
    /// The VNF instance.
    pub vnf_instance: Link,
}

/// Asks for notifications of indicators (SOL003 clause 8.5.2.3).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VnfIndicatorSubscriptionRequest {
    /// Which notifications; absent means all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<VnfIndicatorNotificationsFilter>,
    /// Where to send them.
    pub callback_uri: String,
    /// How to authenticate towards `callbackUri`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authentication: Option<SubscriptionAuthentication>,
}

/// A subscription to indicators (SOL003 clause 8.5.2.4). Its identifier is the producer's own word.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VnfIndicatorSubscription {
    /// Identifier of the subscription.
    pub id: String,
    /// Which notifications.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<VnfIndicatorNotificationsFilter>,
    /// Where they are sent.
    pub callback_uri: String,
    /// Links.
    #[serde(rename = "_links")]
    pub links: SelfLink,
}

/// Which notifications of indicators match (SOL003 clause 8.5.3.2). Attributes are combined with and, values of one
/// attribute with or.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VnfIndicatorNotificationsFilter {
    /// Which VNF instances.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vnf_instance_subscription_filter: Option<VnfInstanceSubscriptionFilter>,
    /// Which notifications.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notification_types: Vec<IndicatorNotificationType>,
    /// Which indicators, by identifier.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub indicator_ids: Vec<String>,
}

sol_enum! {
    /// Names of the notifications of indicators.
    pub enum IndicatorNotificationType {
        /// An indicator has another value.
        VnfIndicatorValueChangeNotification = "VnfIndicatorValueChangeNotification",
        /// A VNF instance has other indicators.
        SupportedIndicatorsChangeNotification = "SupportedIndicatorsChangeNotification",
    }
}

/// An indicator has another value (SOL003 clause 8.5.2.5).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VnfIndicatorValueChangeNotification {
    /// Identifier of the notification, the same when it is sent again.
    pub id: String,
    /// Name of this type.
    pub notification_type: IndicatorNotificationType,
    /// The subscription that matched.
    pub subscription_id: String,
    /// When it was made.
    pub time_stamp: Timestamp,
    /// The indicator.
    pub vnf_indicator_id: String,
    /// Its name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its value now.
    pub value: Value,
    /// The VNF instance.
    pub vnf_instance_id: Uuid,
    /// Links.
    #[serde(rename = "_links", default)]
    pub links: IndicatorNotificationLinks,
}

/// A VNF instance has other indicators (SOL003 clause 8.5.2.6).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SupportedIndicatorsChangeNotification {
    /// Identifier of the notification, the same when it is sent again.
    pub id: String,
    /// Name of this type.
    pub notification_type: IndicatorNotificationType,
    /// The subscription that matched.
    pub subscription_id: String,
    /// When it was made.
    pub time_stamp: Timestamp,
    /// The VNF instance.
    pub vnf_instance_id: Uuid,
    /// All indicators that it has now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub supported_indicators: Vec<SupportedIndicator>,
    /// Links.
    #[serde(rename = "_links", default)]
    pub links: IndicatorNotificationLinks,
}

/// One of the indicators that a VNF instance has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SupportedIndicator {
    /// The indicator.
    pub vnf_indicator_id: String,
    /// Its name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// Links of a notification of indicators.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct IndicatorNotificationLinks {
    /// The VNF instance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vnf_instance: Option<NotificationLink>,
    /// The subscription.
    pub subscription: NotificationLink,
}

/// Client of the `vnfind/v1` of a VNFM, a VNF or an element manager.
#[derive(Debug, Clone)]
pub struct IndicatorClient(Client);

impl IndicatorClient {
    /// A client of the `peer` at `base`.
    pub fn new(peer: &str, base: &str) -> Self {
        Self(Client::new(peer, base).version(INDICATOR_VERSION))
    }

    /// Indicators; `query` with its question mark, or empty.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn indicators(&self, query: &str) -> Result<Reply<Vec<VnfIndicator>>, CallError> {
        self.0.get(&format!("{INDICATORS}{query}")).await
    }

    /// Indicators of a VNF instance; `query` with its question mark, or empty.
    ///
    /// # Errors
    /// Any [`CallError`]; 404 when the instance is not known there.
    pub async fn of(&self, vnf: Uuid, query: &str) -> Result<Reply<Vec<VnfIndicator>>, CallError> {
        self.0.get(&format!("{INDICATORS}/{vnf}{query}")).await
    }

    /// An indicator.
    ///
    /// # Errors
    /// Any [`CallError`]; 404 when there is none.
    pub async fn indicator(&self, vnf: Uuid, id: &str) -> Result<VnfIndicator, CallError> {
        Ok(self.0.get(&format!("{INDICATORS}/{vnf}/{}", segment(id))).await?.body)
    }

    /// Subscribes; an equal subscription that exists already (303) is answered by its address alone.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn subscribe(
        &self,
        request: &VnfIndicatorSubscriptionRequest,
    ) -> Result<Option<VnfIndicatorSubscription>, CallError> {
        match self.0.post(SUBSCRIPTIONS, request).await {
            Err(error) if error.status() == Some(303) => Ok(None),
            other => Ok(Some(other?.body)),
        }
    }

    /// Subscriptions; `query` with its question mark, or empty.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn subscriptions(&self, query: &str) -> Result<Reply<Vec<VnfIndicatorSubscription>>, CallError> {
        self.0.get(&format!("{SUBSCRIPTIONS}{query}")).await
    }

    /// Ends a subscription; gone already is done.
    ///
    /// # Errors
    /// Any [`CallError`] but 404.
    pub async fn unsubscribe(&self, id: &str) -> Result<(), CallError> {
        self.0.delete_if_there(&format!("{SUBSCRIPTIONS}/{}", segment(id))).await
    }
}
