//! Virtualised resources quota available notifications (SOL003 clause 11): subscriptions, the notification, and a client. The
//! NFVO offers the interface to the VNFM. ETSI's OpenAPI file has no notification; it follows table 11.5.2.4-1.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::connectivity::VimConnectionInfo;
use super::package_client::segment;
use super::sol::{NotificationLink, SelfLink, SubscriptionAuthentication, Timestamp, sol_enum};
use crate::common::{CallError, Client, Reply};

/// Version of `vrqan/v1` that is spoken (SOL003 v3.3.1 clause 11.1).
pub const QUOTA_VERSION: &str = "1.2.1";

const SUBSCRIPTIONS: &str = "/vrqan/v1/subscriptions";

/// Asks for notifications of quotas (SOL003 clause 11.5.2.2).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VrQuotaAvailSubscriptionRequest {
    /// Which notifications; absent means all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<VrQuotaAvailNotificationsFilter>,
    /// Where to send them.
    pub callback_uri: String,
    /// How to authenticate towards `callbackUri`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authentication: Option<SubscriptionAuthentication>,
}

/// A subscription to quotas (SOL003 clause 11.5.2.3). Its identifier is the producer's own word.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VrQuotaAvailSubscription {
    /// Identifier of the subscription.
    pub id: String,
    /// Which notifications.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<VrQuotaAvailNotificationsFilter>,
    /// Where they are sent.
    pub callback_uri: String,
    /// Links.
    #[serde(rename = "_links")]
    pub links: SelfLink,
}

/// Which notifications of quotas match (SOL003 clause 11.5.3.2). Attributes are combined with and, values of one attribute
/// with or.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VrQuotaAvailNotificationsFilter {
    /// In one of these VIMs; in direct mode, where the VNFM asks the VIM itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vim_ids: Vec<String>,
    /// Of one of these resource providers; in indirect mode, where the VNFM asks the NFVO.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resource_provider_ids: Vec<String>,
    /// Of one of these types.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resource_types: Vec<QuotaResourceType>,
    /// In one of these infrastructure resource groups.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resource_group_ids: Vec<String>,
}

sol_enum! {
    /// Types of virtualised resources that a quota is of (SOL003 clause 11.5.3.2).
    pub enum QuotaResourceType {
        /// Processors, memory, machines.
        Compute = "COMPUTE",
        /// Disks and volumes.
        Storage = "STORAGE",
        /// Networks, ports, addresses.
        Network = "NETWORK",
    }
}

sol_enum! {
    /// Names of the notifications of quotas.
    pub enum QuotaNotificationType {
        /// A quota is available.
        VrQuotaAvailNotification = "VrQuotaAvailNotification",
    }
}

/// A quota was set that the consumer may use (SOL003 clause 11.5.2.4).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VrQuotaAvailNotification {
    /// Identifier of the notification, the same when it is sent again.
    pub id: String,
    /// Name of this type.
    pub notification_type: QuotaNotificationType,
    /// The subscription that matched.
    pub subscription_id: String,
    /// When it was made.
    pub time_stamp: Timestamp,
    /// The infrastructure resource group in the VIM that the quota is for: what one tenant has there.
    pub resource_group_id: String,
    /// The VIM; in direct mode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vim_connection_info: Option<VimConnectionInfo>,
    /// The resource provider; in indirect mode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_provider_id: Option<String>,
    /// Links.
    #[serde(rename = "_links", default)]
    pub links: QuotaAvailLinks,
}

impl VrQuotaAvailNotification {
    /// The VIM that it is about, when it names one.
    pub fn vim(&self) -> Option<Uuid> {
        self.vim_connection_info.as_ref()?.vim_id.as_deref()?.parse().ok()
    }
}

/// Links of a notification of quotas.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct QuotaAvailLinks {
    /// The subscription.
    pub subscription: NotificationLink,
}

/// Client of the `vrqan/v1` of an NFVO.
#[derive(Debug, Clone)]
pub struct QuotaClient(Client);

impl QuotaClient {
    /// A client of the NFVO at `base`.
    pub fn new(base: &str) -> Self {
        Self(Client::new("nfvo", base).version(QUOTA_VERSION))
    }

    /// Subscribes; an equal subscription that exists already (303) is answered by its address alone.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn subscribe(
        &self,
        request: &VrQuotaAvailSubscriptionRequest,
    ) -> Result<Option<VrQuotaAvailSubscription>, CallError> {
        match self.0.post(SUBSCRIPTIONS, request).await {
            Err(error) if error.status() == Some(303) => Ok(None),
            other => Ok(Some(other?.body)),
        }
    }

    /// Subscriptions; `query` with its question mark, or empty.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn subscriptions(&self, query: &str) -> Result<Reply<Vec<VrQuotaAvailSubscription>>, CallError> {
        self.0.get(&format!("{SUBSCRIPTIONS}{query}")).await
    }

    /// A subscription.
    ///
    /// # Errors
    /// Any [`CallError`]; 404 when there is none.
    pub async fn subscription(&self, id: &str) -> Result<VrQuotaAvailSubscription, CallError> {
        Ok(self.0.get(&format!("{SUBSCRIPTIONS}/{}", segment(id))).await?.body)
    }

    /// Ends a subscription; gone already is done.
    ///
    /// # Errors
    /// Any [`CallError`] but 404.
    pub async fn unsubscribe(&self, id: &str) -> Result<(), CallError> {
        self.0.delete_if_there(&format!("{SUBSCRIPTIONS}/{}", segment(id))).await
    }
}
