//! Requests that make, run and end a VNF instance (SOL003 clauses 5.5.2.3, 5.5.2.4, 5.5.2.8, 5.5.2.12, 5.5.2.14).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::connectivity::{ExtManagedVirtualLinkData, ExtVirtualLinkData, VimConnectionInfo};
use super::sol::sol_enum;
use crate::common::KeyValuePairs;

/// Asks for a VNF instance identifier (SOL003 clause 5.5.2.3).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CreateVnfRequest {
    /// The VNFD to build from; its package is onboarded and enabled.
    pub vnfd_id: String,
    /// Name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vnf_instance_name: Option<String>,
    /// Description.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vnf_instance_description: Option<String>,
    /// Metadata to store.
    #[serde(default, skip_serializing_if = "KeyValuePairs::is_empty")]
    #[schema(value_type = Object)]
    pub metadata: KeyValuePairs,
}

/// Asks to instantiate (SOL003 clause 5.5.2.4).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct InstantiateVnfRequest {
    /// Deployment flavour.
    pub flavour_id: String,
    /// Instantiation level; absent means the flavour's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instantiation_level_id: Option<String>,
    /// Networks outside the VNF to connect to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ext_virtual_links: Vec<ExtVirtualLinkData>,
    /// Internal virtual links that exist already.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ext_managed_virtual_links: Vec<ExtManagedVirtualLinkData>,
    /// VIMs to use, by connection id.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub vim_connection_info: BTreeMap<String, VimConnectionInfo>,
    /// Language of the VNF, IETF RFC 5646 tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub localization_language: Option<String>,
    /// Parameters that the VNFD declares for the operation.
    #[serde(default, skip_serializing_if = "KeyValuePairs::is_empty")]
    #[schema(value_type = Object)]
    pub additional_params: KeyValuePairs,
    /// Values that override the VNFD's for `extensions`.
    #[serde(default, skip_serializing_if = "KeyValuePairs::is_empty")]
    #[schema(value_type = Object)]
    pub extensions: KeyValuePairs,
    /// Values that override the VNFD's for configurable properties.
    #[serde(default, skip_serializing_if = "KeyValuePairs::is_empty")]
    #[schema(value_type = Object)]
    pub vnf_configurable_properties: KeyValuePairs,
}

/// Asks to terminate (SOL003 clause 5.5.2.8).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TerminateVnfRequest {
    /// Whether the VNF is given time.
    pub termination_type: TerminationType,
    /// Seconds to wait for the VNF to leave service; only with a graceful termination.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub graceful_termination_timeout: Option<u32>,
    /// Parameters that the VNFD declares for the operation.
    #[serde(default, skip_serializing_if = "KeyValuePairs::is_empty")]
    #[schema(value_type = Object)]
    pub additional_params: KeyValuePairs,
}

sol_enum! {
    /// How a VNF is stopped.
    pub enum TerminationType {
        /// At once.
        Forceful = "FORCEFUL",
        /// After the VNF was taken out of service, or after the time-out.
        Graceful = "GRACEFUL",
    }
}

/// Merge patch of a VNF instance (SOL003 clause 5.5.2.12). Absent leaves as it is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VnfInfoModificationRequest {
    /// New name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vnf_instance_name: Option<String>,
    /// New description.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vnf_instance_description: Option<String>,
    /// New VNFD.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vnfd_id: Option<String>,
    /// Changes to configurable properties.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub vnf_configurable_properties: Option<KeyValuePairs>,
    /// Changes to metadata.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub metadata: Option<KeyValuePairs>,
    /// Changes to extensions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub extensions: Option<KeyValuePairs>,
    /// Changes to VIM connections.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vim_connection_info: Option<BTreeMap<String, VimConnectionInfo>>,
}

/// How to cancel a running operation (SOL003 clause 5.5.2.14).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CancelMode {
    /// Graceful or forceful.
    pub cancel_mode: CancelModeType,
}

sol_enum! {
    /// How a running operation is cancelled (SOL003 clause 5.5.4.6).
    pub enum CancelModeType {
        /// Running steps end first, then the operation rests in FAILED_TEMP.
        Graceful = "GRACEFUL",
        /// Running steps are abandoned.
        Forceful = "FORCEFUL",
    }
}
