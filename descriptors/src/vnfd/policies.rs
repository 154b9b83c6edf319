//! Policies of a VNF beyond scaling and placement: interfaces it answers, indicators, changes of package, coordination with
//! its element manager (SOL001 clause 6.10).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::network::Trigger;

/// `tosca.policies.nfv.SupportedVnfInterface`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SupportedInterface {
    /// Policy name.
    pub name: String,
    /// `interface_name`: `vnf_indicator`, `vnf_configuration` or `vnf_lcm_coordination`.
    pub interface: String,
    /// The connection points at which it is answered.
    pub targets: Vec<String>,
    /// `uri_components`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uri: Option<Uri>,
    /// `interface_specific_data`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub specific: BTreeMap<String, String>,
}

/// `tosca.datatypes.nfv.UriComponents`, the authority flattened.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Uri {
    /// `scheme`, for example `https`.
    pub scheme: String,
    /// `user_info`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_info: Option<String>,
    /// `host`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// `port`, as written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<String>,
    /// `path`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// `query`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// `fragment`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fragment: Option<String>,
}

/// `tosca.policies.nfv.VnfIndicator`: what is done when an indicator has a value.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Indicator {
    /// Policy name.
    pub name: String,
    /// `source`: `vnf`, `em` or `both_vnf_and_em`.
    pub source: String,
    /// The VNF nodes it belongs to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<String>,
    /// `triggers`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub triggers: Vec<Trigger>,
}

/// `tosca.policies.nfv.VnfPackageChange`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PackageChange {
    /// Policy name.
    pub name: String,
    /// `selector`: for which packages it holds, any of them.
    pub selectors: Vec<ChangeSelector>,
    /// `modification_qualifier`: `up` or `down`.
    pub qualifier: String,
    /// `additional_modification_description`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// `component_mappings`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mappings: Vec<ComponentMapping>,
    /// `destination_flavour_id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination_flavour: Option<String>,
    /// `actions`: coordination actions of this VNFD.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<String>,
    /// `referenced_coordination_actions`: actions described elsewhere.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub referenced_actions: Vec<String>,
    /// Operations of a `ChangeCurrentVnfPackage` interface that its triggers call.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub triggers: Vec<Trigger>,
}

impl PackageChange {
    /// Whether it holds for a change from one descriptor and flavour to another descriptor.
    #[must_use]
    pub fn covers(&self, from: &str, from_flavour: &str, to: &str) -> bool {
        self.selectors.iter().any(|s| s.source == from && s.source_flavour == from_flavour && s.destination == to)
    }
}

/// `tosca.datatypes.nfv.VnfPackageChangeSelector`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeSelector {
    /// `source_descriptor_id`.
    pub source: String,
    /// `destination_descriptor_id`.
    pub destination: String,
    /// `source_flavour_id`.
    pub source_flavour: String,
}

/// `tosca.datatypes.nfv.VnfPackageChangeComponentMapping`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComponentMapping {
    /// `component_type`, for example `vdu`.
    pub component: String,
    /// `source_id`: its name in the old VNFD.
    pub source: String,
    /// `destination_id`: its name in the new VNFD.
    pub destination: String,
    /// `description`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// `tosca.policies.nfv.LcmCoordinationAction`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CoordinationAction {
    /// Policy name.
    pub name: String,
    /// `action_name`: by which the others refer to it.
    pub action: String,
    /// `description`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// `endpoint_type`: `mgmt` or `vnf`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// `coordination_stage`: `start` or `end`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<String>,
    /// `input_parameters`, as written.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub inputs: Value,
    /// `output_parameters`, as written.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub outputs: Value,
}

/// `tosca.policies.nfv.LcmCoordinationsForLcmOperation`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperationCoordination {
    /// Policy name.
    pub name: String,
    /// `vnf_lcm_operation`, for example `scale`.
    pub operation: String,
    /// `actions`: coordination actions of this VNFD.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<String>,
    /// `referenced_coordination_actions`: actions described elsewhere.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub referenced_actions: Vec<String>,
}
