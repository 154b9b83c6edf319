//! The typed PNFD (SOL001 clause 8, IFA014 clause 6.6). Everything is serialisable; nothing of the descriptor is lost.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::diag::Diagnostics;
use crate::network::{
    Artifact, CpAddress, Declaration, Interface, RawElement, RawPolicy, SecurityGroupRule, VersionDependency,
};

/// A PNF descriptor.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Pnfd {
    /// `descriptor_id`, a UUID by the standard.
    pub descriptor_id: String,
    /// `descriptor_invariant_id`: the same in all versions of the PNFD.
    pub invariant_id: String,
    /// `ext_invariant_id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ext_invariant_id: Option<String>,
    /// `provider`.
    pub provider: String,
    /// `version`.
    pub version: String,
    /// `name`.
    pub name: String,
    /// `function_description`.
    pub function_description: String,
    /// `geographical_location_info`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<Location>,
    /// `version_dependency`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub version_dependencies: Vec<VersionDependency>,
    /// The PNF's own node type.
    pub node_type: String,
    /// External connection points.
    pub ext_cps: Vec<ExtCp>,
    /// `PnfSecurityGroupRule`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub security_group_rules: Vec<SecurityGroupRule>,
    /// Interfaces of the PNF node.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub interfaces: Vec<Interface>,
    /// Artifacts of the PNF node.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub artifacts: Vec<Artifact>,
    /// Inputs of the template.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<Declaration>,
    /// Node templates without a typed form.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub other_nodes: Vec<RawElement>,
    /// Groups, as written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<RawElement>,
    /// Policies without a typed form.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub other_policies: Vec<RawPolicy>,
    /// What policies with a typed form say beyond it, by policy name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub policy_extras: BTreeMap<String, Value>,
    /// What the template says beside nodes, groups, policies and inputs.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub template_extra: Value,
    /// What the main file says beside types, imports and topology, such as its `metadata` and `description`.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub service_template: Value,
    /// What the PNF node says beyond all this.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub extra: Value,
    /// What was noticed while reading that does not forbid using the descriptor.
    #[serde(default, skip_serializing_if = "Diagnostics::is_empty")]
    pub warnings: Diagnostics,
}

impl Pnfd {
    /// An external connection point by the name of the PNF's requirement, or by the name of its node template.
    #[must_use]
    pub fn ext_cp(&self, id: &str) -> Option<&ExtCp> {
        self.ext_cps
            .iter()
            .find(|c| c.external.as_deref() == Some(id))
            .or_else(|| self.ext_cps.iter().find(|c| c.name == id))
    }
}

/// `tosca.nodes.nfv.PnfExtCp`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ExtCp {
    /// Name of the node template.
    pub name: String,
    /// Requirement of the PNF's node type that it is exposed as; an NSD connects by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external: Option<String>,
    /// `layer_protocols`.
    pub layer_protocols: Vec<String>,
    /// `role`: `root` or `leaf`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// `description`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// `protocol`: how it gets its addresses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<CpAddress>,
    /// `trunk_mode`.
    #[serde(default)]
    pub trunk_mode: bool,
    /// Everything else.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub extra: Value,
}

/// `tosca.datatypes.nfv.LocationInfo`: where the PNF stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Location {
    /// `country_code`: two letters of ISO 3166.
    pub country_code: String,
    /// `civic_address_element`: kind (a number of RFC 4776) and value.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub civic_address: Vec<(String, String)>,
    /// `geographic_coordinates`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coordinates: Option<Coordinates>,
}

/// `tosca.datatypes.nfv.GeographicCoordinates`, as written; RFC 6225 says how.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coordinates {
    /// `latitude`.
    pub latitude: String,
    /// `latitude_uncertainty`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latitude_uncertainty: Option<String>,
    /// `longitude`.
    pub longitude: String,
    /// `longitude_uncertainty`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub longitude_uncertainty: Option<String>,
    /// `altitude`.
    pub altitude: String,
    /// `altitude_type`: metres or floors.
    pub altitude_type: String,
    /// `altitude_uncertainty`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub altitude_uncertainty: Option<String>,
}
