//! Network service descriptors (SOL005 clause 5): the NSD resource, requests about it, subscriptions, notifications, and
//! the operator's client.

use bytes::Bytes;
use futures::Stream;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::packages::{
    Checksum, PackageOnboardingState, PackageOperationalState, PackageSecurityOption, PackageUsageState,
};
use crate::common::{CallError, Client, KeyValuePairs, ProblemDetails, Reply};
use crate::or_vnfm::sol::sol_enum;
use crate::or_vnfm::{Link, SelfLink, SubscriptionAuthentication, Timestamp};

/// Version of `nsd/v2` that is spoken (SOL005 v3.3.1 clause 5.1).
pub const NSD_VERSION: &str = "2.1.0";

/// NSDs.
pub const NS_DESCRIPTORS: &str = "/nsd/v2/ns_descriptors";

/// Request to create an NSD resource (clause 5.5.2.3).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CreateNsdInfoRequest {
    /// Data of the operator's own.
    #[serde(default, skip_serializing_if = "KeyValuePairs::is_empty")]
    #[schema(value_type = Object)]
    pub user_defined_data: KeyValuePairs,
}

/// An NSD (clause 5.5.2.2).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NsdInfo {
    /// Identifier of the resource.
    pub id: Uuid,
    /// Identifier of the NSD, once onboarded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nsd_id: Option<String>,
    /// Name, once onboarded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nsd_name: Option<String>,
    /// Version, once onboarded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nsd_version: Option<String>,
    /// Designer, once onboarded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nsd_designer: Option<String>,
    /// Identifier that is the same in all versions, once onboarded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nsd_invariant_id: Option<String>,
    /// Packages of the VNFDs that it names.
    #[serde(default)]
    pub vnf_pkg_ids: Vec<Uuid>,
    /// PNFDs that it names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pnfd_info_ids: Vec<Uuid>,
    /// NSDs that it nests.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nested_nsd_info_ids: Vec<Uuid>,
    /// Which of the two signature options of SOL007 the archive follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archive_security_option: Option<PackageSecurityOption>,
    /// The signing certificate, where the archive brings one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signing_certificate: Option<String>,
    /// Files of the archive besides the descriptor.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub artifacts: Vec<NsdArchiveArtifactInfo>,
    /// How far it is.
    pub nsd_onboarding_state: PackageOnboardingState,
    /// Why onboarding failed; every fault of the archive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub onboarding_failure_details: Option<ProblemDetails>,
    /// Whether new network services may be made of it.
    pub nsd_operational_state: PackageOperationalState,
    /// Whether a network service refers to it.
    pub nsd_usage_state: PackageUsageState,
    /// Data of the operator's own.
    #[serde(default, skip_serializing_if = "KeyValuePairs::is_empty")]
    #[schema(value_type = Object)]
    pub user_defined_data: KeyValuePairs,
    /// Links.
    #[serde(rename = "_links")]
    pub links: NsdInfoLinks,
}

/// Links of an NSD.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NsdInfoLinks {
    /// The resource.
    #[serde(rename = "self")]
    pub self_: Link,
    /// The archive; this name has an underscore in SOL005.
    pub nsd_content: Link,
}

/// A file of an NSD archive.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NsdArchiveArtifactInfo {
    /// Path in the archive.
    pub artifact_path: String,
    /// Digest.
    pub checksum: Checksum,
    /// What is known of it.
    #[serde(default, skip_serializing_if = "KeyValuePairs::is_empty")]
    #[schema(value_type = Object)]
    pub metadata: KeyValuePairs,
}

/// Modifications of an NSD (clause 5.5.2.1).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NsdInfoModifications {
    /// New operational state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nsd_operational_state: Option<PackageOperationalState>,
    /// New data of the operator's own, merged into the old.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub user_defined_data: Option<KeyValuePairs>,
}

sol_enum! {
    /// Types of NSD notification.
    pub enum NsdmNotificationType {
        /// An NSD was onboarded.
        NsdOnBoardingNotification = "NsdOnBoardingNotification",
        /// Onboarding an NSD failed.
        NsdOnBoardingFailureNotification = "NsdOnBoardingFailureNotification",
        /// An NSD changed its operational state.
        NsdChangeNotification = "NsdChangeNotification",
        /// An NSD was deleted.
        NsdDeletionNotification = "NsdDeletionNotification",
    }
}

/// Which NSD notifications are wanted (clause 5.5.3.2).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NsdmNotificationsFilter {
    /// Types of notification.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notification_types: Vec<NsdmNotificationType>,
    /// NSD resources.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nsd_info_id: Vec<Uuid>,
    /// NSDs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nsd_id: Vec<String>,
    /// Names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nsd_name: Vec<String>,
    /// Operational states.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nsd_operational_state: Vec<PackageOperationalState>,
    /// Usage states.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nsd_usage_state: Vec<PackageUsageState>,
}

/// Request to subscribe to NSD notifications (clause 5.5.2.7).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NsdmSubscriptionRequest {
    /// Which are wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<NsdmNotificationsFilter>,
    /// Where to.
    pub callback_uri: String,
    /// How to authenticate there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authentication: Option<SubscriptionAuthentication>,
}

/// A subscription to NSD notifications (clause 5.5.2.8).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NsdmSubscription {
    /// Identifier.
    pub id: Uuid,
    /// Which are wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<NsdmNotificationsFilter>,
    /// Where to.
    pub callback_uri: String,
    /// Links.
    #[serde(rename = "_links")]
    pub links: SelfLink,
}

/// An NSD was onboarded, failed to be, changed or was deleted (clauses 5.5.2.9 to 5.5.2.12).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NsdNotification {
    /// Identifier, kept when it is sent again.
    pub id: Uuid,
    /// Type.
    pub notification_type: NsdmNotificationType,
    /// Subscription.
    pub subscription_id: Uuid,
    /// When it happened.
    pub time_stamp: Timestamp,
    /// NSD resource.
    pub nsd_info_id: Uuid,
    /// NSD.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nsd_id: Option<String>,
    /// New operational state; of a change only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nsd_operational_state: Option<PackageOperationalState>,
    /// Why onboarding failed; of a failure only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub onboarding_failure_details: Option<ProblemDetails>,
    /// Links.
    #[serde(rename = "_links")]
    pub links: NsdmLinks,
}

/// Links of an NSD notification.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NsdmLinks {
    /// The NSD resource.
    pub nsd_info: Link,
    /// The subscription.
    pub subscription: Link,
}

/// Client of an NFVO's `nsd/v2`.
#[derive(Debug, Clone)]
pub struct NsdClient(Client);

impl NsdClient {
    /// A client of the NFVO at `base`.
    pub fn new(base: &str) -> Self {
        Self(Client::new("nfvo", base).version(NSD_VERSION))
    }

    /// Creates an NSD resource.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn create(&self, request: &CreateNsdInfoRequest) -> Result<NsdInfo, CallError> {
        Ok(self.0.post(NS_DESCRIPTORS, request).await?.body)
    }

    /// Streams the archive into an NSD resource.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn upload<S, E>(&self, id: Uuid, length: Option<u64>, content: S) -> Result<(), CallError>
    where
        S: Stream<Item = Result<Bytes, E>> + Send + Sync + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>> + 'static,
    {
        let path = format!("{NS_DESCRIPTORS}/{id}/nsd_content");
        let sent = self.0.upload(reqwest::Method::PUT, &path, "application/zip", length, content);
        sent.await.map(|_: serde_json::Value| ())
    }

    /// An NSD; `None` when there is none.
    ///
    /// # Errors
    /// Any [`CallError`] but 404.
    pub async fn get(&self, id: Uuid) -> Result<Option<NsdInfo>, CallError> {
        crate::nf_vi::absent(self.0.get(&format!("{NS_DESCRIPTORS}/{id}")).await.map(|r| r.body))
    }

    /// NSDs; `query` with its question mark, or empty.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn list(&self, query: &str) -> Result<Reply<Vec<NsdInfo>>, CallError> {
        self.0.get(&format!("{NS_DESCRIPTORS}{query}")).await
    }

    /// Modifies an NSD.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn modify(&self, id: Uuid, changes: &NsdInfoModifications) -> Result<NsdInfoModifications, CallError> {
        Ok(self.0.patch(&format!("{NS_DESCRIPTORS}/{id}"), changes, None).await?.body)
    }

    /// The archive as a stream; `None` when there is no such NSD.
    ///
    /// # Errors
    /// Any [`CallError`] but 404, 409 before it is onboarded; an item of the stream fails when the connection breaks.
    pub async fn content_stream(
        &self,
        id: Uuid,
    ) -> Result<Option<impl Stream<Item = Result<Bytes, CallError>> + Send + Unpin + use<>>, CallError> {
        let path = format!("{NS_DESCRIPTORS}/{id}/nsd_content");
        crate::nf_vi::absent(self.0.download(&path, "application/zip").await.map(|r| r.body))
    }

    /// Deletes an NSD.
    ///
    /// # Errors
    /// Any [`CallError`]; 409 while it is in use.
    pub async fn delete(&self, id: Uuid) -> Result<(), CallError> {
        self.0.delete(&format!("{NS_DESCRIPTORS}/{id}")).await.map(drop)
    }
}
