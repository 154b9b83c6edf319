//! Requests that change a running VNF: scale, scale to level, operate, heal, change of flavour, of external connectivity,
//! of the VNF package (SOL003 clauses 5.5.2.5 to 5.5.2.7, 5.5.2.9 to 5.5.2.11a; what SOL002 has beyond them is marked).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::connectivity::{ExtManagedVirtualLinkData, ExtVirtualLinkData, VimConnectionInfo};
use super::sol::sol_enum;
use super::vnf_instance::{ScaleInfo, VnfOperationalState};
use crate::common::KeyValuePairs;

/// Asks to scale an aspect by steps (SOL003 clause 5.5.2.5).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScaleVnfRequest {
    /// Direction.
    pub r#type: ScaleType,
    /// Scaling aspect in the VNFD.
    pub aspect_id: String,
    /// Steps, at least 1; absent means 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number_of_steps: Option<u32>,
    /// Parameters that the VNFD declares for the operation.
    #[serde(default, skip_serializing_if = "KeyValuePairs::is_empty")]
    #[schema(value_type = Object)]
    pub additional_params: KeyValuePairs,
}

sol_enum! {
    /// Direction of scaling (SOL003 clause 5.5.2.5).
    pub enum ScaleType {
        /// More capacity.
        ScaleOut = "SCALE_OUT",
        /// Less capacity.
        ScaleIn = "SCALE_IN",
    }
}

/// Asks to scale to a level (SOL003 clause 5.5.2.6): either an instantiation level or scale levels of aspects.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScaleVnfToLevelRequest {
    /// Instantiation level in the VNFD.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instantiation_level_id: Option<String>,
    /// Scale level of each aspect that is to change.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scale_info: Vec<ScaleInfo>,
    /// Parameters that the VNFD declares for the operation.
    #[serde(default, skip_serializing_if = "KeyValuePairs::is_empty")]
    #[schema(value_type = Object)]
    pub additional_params: KeyValuePairs,
}

/// Asks to start or stop (SOL003 clause 5.5.2.10).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OperateVnfRequest {
    /// VNFCs concerned, by `vnfcInfo` identifier; empty means all (SOL002 clause 5.5.2.10).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vnfc_instance_id: Vec<String>,
    /// The state they shall have.
    pub change_state_to: VnfOperationalState,
    /// How they are stopped; only with STOPPED. Absent means FORCEFUL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_type: Option<StopType>,
    /// Seconds that guests are given to shut down; only with GRACEFUL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub graceful_stop_timeout: Option<u32>,
    /// Parameters that the VNFD declares for the operation.
    #[serde(default, skip_serializing_if = "KeyValuePairs::is_empty")]
    #[schema(value_type = Object)]
    pub additional_params: KeyValuePairs,
}

sol_enum! {
    /// How a VNF is stopped (SOL003 clause 5.5.4.4).
    pub enum StopType {
        /// At once.
        Forceful = "FORCEFUL",
        /// The guests shut down by themselves, or are stopped after the time-out.
        Graceful = "GRACEFUL",
    }
}

/// Asks to heal (SOL003 clause 5.5.2.9).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HealVnfRequest {
    /// VNFCs concerned, by `vnfcInfo` identifier; empty means all (SOL002 clause 5.5.2.9).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vnfc_instance_id: Vec<String>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// Parameters that the VNFD declares for the operation.
    #[serde(default, skip_serializing_if = "KeyValuePairs::is_empty")]
    #[schema(value_type = Object)]
    pub additional_params: KeyValuePairs,
}

/// Asks to change the deployment flavour (SOL003 clause 5.5.2.7).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChangeVnfFlavourRequest {
    /// Deployment flavour that the VNF shall have.
    pub new_flavour_id: String,
    /// Instantiation level; absent means the new flavour's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instantiation_level_id: Option<String>,
    /// External virtual links to connect to, beside those that stay as they are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ext_virtual_links: Vec<ExtVirtualLinkData>,
    /// Internal virtual links that exist already, beside those that stay as they are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ext_managed_virtual_links: Vec<ExtManagedVirtualLinkData>,
    /// VIMs to use, by connection id.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub vim_connection_info: BTreeMap<String, VimConnectionInfo>,
    /// Parameters that the VNFD declares for the operation.
    #[serde(default, skip_serializing_if = "KeyValuePairs::is_empty")]
    #[schema(value_type = Object)]
    pub additional_params: KeyValuePairs,
    /// Values of `extensions` that change.
    #[serde(default, skip_serializing_if = "KeyValuePairs::is_empty")]
    #[schema(value_type = Object)]
    pub extensions: KeyValuePairs,
    /// Values of configurable properties that change.
    #[serde(default, skip_serializing_if = "KeyValuePairs::is_empty")]
    #[schema(value_type = Object)]
    pub vnf_configurable_properties: KeyValuePairs,
}

/// Asks to change the external connectivity (SOL003 clause 5.5.2.11).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChangeExtVnfConnectivityRequest {
    /// External virtual links with the connection points that shall be on them.
    pub ext_virtual_links: Vec<ExtVirtualLinkData>,
    /// VIMs to use, by connection id.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub vim_connection_info: BTreeMap<String, VimConnectionInfo>,
    /// Parameters that the VNFD declares for the operation.
    #[serde(default, skip_serializing_if = "KeyValuePairs::is_empty")]
    #[schema(value_type = Object)]
    pub additional_params: KeyValuePairs,
}

/// Asks to change the current VNF package (SOL003 clause 5.5.2.11a).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChangeCurrentVnfPkgRequest {
    /// Descriptor of the package that the VNF shall run.
    pub vnfd_id: String,
    /// External virtual links to connect to, beside those that stay as they are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ext_virtual_links: Vec<ExtVirtualLinkData>,
    /// Internal virtual links that exist already, beside those that stay as they are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ext_managed_virtual_links: Vec<ExtManagedVirtualLinkData>,
    /// VIMs to use, by connection id.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub vim_connection_info: BTreeMap<String, VimConnectionInfo>,
    /// `upgrade_type`: `RollingUpdate` (default) or `BlueGreen`; and what the VNFD declares for the operation.
    #[serde(default, skip_serializing_if = "KeyValuePairs::is_empty")]
    #[schema(value_type = Object)]
    pub additional_params: KeyValuePairs,
    /// Values of `extensions` that change.
    #[serde(default, skip_serializing_if = "KeyValuePairs::is_empty")]
    #[schema(value_type = Object)]
    pub extensions: KeyValuePairs,
    /// Values of configurable properties that change.
    #[serde(default, skip_serializing_if = "KeyValuePairs::is_empty")]
    #[schema(value_type = Object)]
    pub vnf_configurable_properties: KeyValuePairs,
}
