//! VNF packages (SOL005 clause 9, SOL003 clause 10): the package resource, requests about it, subscriptions and
//! notifications.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::common::{KeyValuePairs, ProblemDetails};
use crate::or_vnfm::sol::sol_enum;
use crate::or_vnfm::{AuthType, Link, SelfLink, SubscriptionAuthentication, Timestamp, VnfProductsFromProvider};

/// Version of `vnfpkgm/v2` that is spoken (SOL005 v3.3.1 clause 9.1).
pub const VNFPKGM_VERSION: &str = "2.1.0";

/// VNF packages.
pub const VNF_PACKAGES: &str = "/vnfpkgm/v2/vnf_packages";

/// Digest of a file (clause 9.5.3.4).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Checksum {
    /// Algorithm, e.g. `SHA-256`.
    pub algorithm: String,
    /// Digest in hexadecimal.
    pub hash: String,
}

/// Request to create a package resource (clause 9.5.2.2).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CreateVnfPkgInfoRequest {
    /// Data of the operator's own.
    #[serde(default, skip_serializing_if = "KeyValuePairs::is_empty")]
    #[schema(value_type = Object)]
    pub user_defined_data: KeyValuePairs,
}

/// A VNF package (clause 9.5.2.5).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VnfPkgInfo {
    /// Identifier of the resource.
    pub id: Uuid,
    /// Identifier of the VNFD, once onboarded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vnfd_id: Option<String>,
    /// Provider, once onboarded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vnf_provider: Option<String>,
    /// Product name, once onboarded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vnf_product_name: Option<String>,
    /// Software version, once onboarded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vnf_software_version: Option<String>,
    /// Version of the VNFD, once onboarded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vnfd_version: Option<String>,
    /// Versions of the specifications that the package says it keeps to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub compatible_specification_versions: Vec<String>,
    /// Digest of the archive, once uploaded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checksum: Option<Checksum>,
    /// Which of the two signature options of SOL004 the package follows.
    pub package_security_option: PackageSecurityOption,
    /// The signing certificate, where the package brings one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signing_certificate: Option<String>,
    /// Software images, once onboarded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub software_images: Vec<VnfPackageSoftwareImageInfo>,
    /// Files of the package that are neither descriptor nor software image.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub additional_artifacts: Vec<VnfPackageArtifactInfo>,
    /// How far it is.
    pub onboarding_state: PackageOnboardingState,
    /// Whether new VNF instances may be made of it.
    pub operational_state: PackageOperationalState,
    /// Whether a VNF instance refers to it.
    pub usage_state: PackageUsageState,
    /// VNFMs that can manage it.
    pub vnfm_info: Vec<String>,
    /// Data of the operator's own.
    #[serde(default, skip_serializing_if = "KeyValuePairs::is_empty")]
    #[schema(value_type = Object)]
    pub user_defined_data: KeyValuePairs,
    /// Why onboarding failed; every fault of the package.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub onboarding_failure_details: Option<ProblemDetails>,
    /// Links.
    #[serde(rename = "_links")]
    pub links: VnfPkgInfoLinks,
}

sol_enum! {
    /// Signature options (SOL004 clause 5).
    pub enum PackageSecurityOption {
        /// Digests in the manifest, which may be signed.
        Option1 = "OPTION_1",
        /// The whole archive signed.
        Option2 = "OPTION_2",
    }
}

sol_enum! {
    /// Onboarding states of packages and NSDs (clauses 9.5.4.3 and 5.5.4.5).
    pub enum PackageOnboardingState {
        /// The resource is there, the archive is not.
        Created = "CREATED",
        /// The archive is being uploaded.
        Uploading = "UPLOADING",
        /// The archive is being read.
        Processing = "PROCESSING",
        /// Ready.
        Onboarded = "ONBOARDED",
        /// The archive cannot be used.
        Error = "ERROR",
    }
}

sol_enum! {
    /// Whether new instances may be made (clause 9.5.4.4).
    pub enum PackageOperationalState {
        /// They may.
        Enabled = "ENABLED",
        /// They may not.
        Disabled = "DISABLED",
    }
}

sol_enum! {
    /// Whether instances refer to it (clause 9.5.4.5).
    pub enum PackageUsageState {
        /// Some do.
        InUse = "IN_USE",
        /// None does.
        NotInUse = "NOT_IN_USE",
    }
}

/// Links of a package.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VnfPkgInfoLinks {
    /// The resource.
    #[serde(rename = "self")]
    pub self_: Link,
    /// The VNFD; some producers have none before the package is onboarded, which reads as an empty link.
    #[serde(default, skip_serializing_if = "Link::is_empty")]
    #[schema(required = true)]
    pub vnfd: Link,
    /// The archive.
    pub package_content: Link,
}

/// A software image of a package (clause 9.5.3.2).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VnfPackageSoftwareImageInfo {
    /// Identifier within the VNFD.
    pub id: String,
    /// Name.
    pub name: String,
    /// Provider.
    pub provider: String,
    /// Version.
    pub version: String,
    /// Digest.
    pub checksum: Checksum,
    /// Whether it is encrypted in the package.
    pub is_encrypted: bool,
    /// Container format in capitals, e.g. `BARE`.
    pub container_format: String,
    /// Disk format in capitals, e.g. `QCOW2`.
    pub disk_format: String,
    /// When it was onboarded.
    pub created_at: Timestamp,
    /// Smallest disk in bytes.
    pub min_disk: u64,
    /// Smallest memory in bytes.
    pub min_ram: u64,
    /// Size in bytes.
    pub size: u64,
    /// Path in the package; empty when another producer keeps the image outside.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schema(required = true)]
    pub image_path: String,
}

/// A file of a package (clause 9.5.3.3).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VnfPackageArtifactInfo {
    /// Path in the package.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(required = true)]
    pub artifact_path: Option<String>,
    /// Digest.
    pub checksum: Checksum,
    /// Whether it is encrypted in the package.
    pub is_encrypted: bool,
    /// What is known of it.
    #[serde(default, skip_serializing_if = "KeyValuePairs::is_empty")]
    #[schema(value_type = Object)]
    pub metadata: KeyValuePairs,
}

/// Modifications of a package (clause 9.5.2.3).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VnfPkgInfoModifications {
    /// New operational state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operational_state: Option<PackageOperationalState>,
    /// New data of the operator's own, merged into the old.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub user_defined_data: Option<KeyValuePairs>,
}

/// Where a package is to be fetched from (clause 9.5.2.6).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UploadVnfPkgFromUriRequest {
    /// Address of the archive.
    pub address_information: String,
    /// How to authenticate there; absent means as the address needs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_type: Option<AuthType>,
    /// User name for HTTP basic authentication.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// Password for HTTP basic authentication.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    /// OAuth 2.0 client credentials.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub params_oauth2_client_credentials: Option<UriOauth2Credentials>,
}

/// OAuth 2.0 client credentials for fetching a package.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UriOauth2Credentials {
    /// Client identifier.
    pub client_id: String,
    /// Client password; the debug form hides it.
    pub client_password: String,
    /// Where to get the access token.
    pub token_endpoint: String,
}

impl std::fmt::Debug for UriOauth2Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UriOauth2Credentials")
            .field("client_id", &self.client_id)
            .field("token_endpoint", &self.token_endpoint)
            .finish_non_exhaustive()
    }
}

/// Which package notifications are wanted (clause 9.5.3.5).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PkgmNotificationsFilter {
    /// Types of notification.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notification_types: Vec<PkgmNotificationType>,
    /// Products.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vnf_products_from_providers: Vec<VnfProductsFromProvider>,
    /// VNFDs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vnfd_id: Vec<String>,
    /// Packages.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vnf_pkg_id: Vec<Uuid>,
    /// Operational states.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub operational_state: Vec<PackageOperationalState>,
    /// Usage states.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub usage_state: Vec<PackageUsageState>,
    /// VNFMs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vnfm_info: Vec<String>,
}

sol_enum! {
    /// Types of package notification.
    pub enum PkgmNotificationType {
        /// A package was onboarded.
        VnfPackageOnboardingNotification = "VnfPackageOnboardingNotification",
        /// A package changed its operational state or was deleted.
        VnfPackageChangeNotification = "VnfPackageChangeNotification",
    }
}

sol_enum! {
    /// What changed (clause 9.5.4.6).
    pub enum PackageChangeType {
        /// The operational state.
        OpStateChange = "OP_STATE_CHANGE",
        /// The package was deleted.
        PkgDelete = "PKG_DELETE",
    }
}

/// Request to subscribe to package notifications (clause 9.5.2.7).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PkgmSubscriptionRequest {
    /// Which are wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<PkgmNotificationsFilter>,
    /// Where to.
    pub callback_uri: String,
    /// How to authenticate there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authentication: Option<SubscriptionAuthentication>,
}

/// A subscription to package notifications (clause 9.5.2.8).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PkgmSubscription {
    /// Identifier.
    pub id: Uuid,
    /// Which are wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<PkgmNotificationsFilter>,
    /// Where to.
    pub callback_uri: String,
    /// Links.
    #[serde(rename = "_links")]
    pub links: SelfLink,
}

/// A package was onboarded (clause 9.5.2.9), or changed (clause 9.5.2.10).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VnfPackageNotification {
    /// Identifier, kept when it is sent again.
    pub id: Uuid,
    /// Type.
    pub notification_type: PkgmNotificationType,
    /// Subscription.
    pub subscription_id: Uuid,
    /// When it happened.
    pub time_stamp: Timestamp,
    /// Package.
    pub vnf_pkg_id: Uuid,
    /// VNFD.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vnfd_id: Option<String>,
    /// What changed; of a change only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change_type: Option<PackageChangeType>,
    /// New operational state; of a change of it only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operational_state: Option<PackageOperationalState>,
    /// VNFMs that can manage it; of an onboarding only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vnfm_info: Vec<String>,
    /// Links.
    #[serde(rename = "_links")]
    pub links: PkgmLinks,
}

/// Links of a package notification (clause 9.5.3.6).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PkgmLinks {
    /// The package.
    pub vnf_package: Link,
    /// The subscription.
    pub subscription: Link,
}
