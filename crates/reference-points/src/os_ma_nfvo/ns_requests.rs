//! Requests that make, run and end an NS instance (SOL005 clauses 6.5.2.7, 6.5.2.11, 6.5.2.15).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::ns_instance::AffinityOrAntiAffinityRule;
use crate::common::KeyValuePairs;
use crate::or_vnfm::{CpProtocolData, Timestamp};

/// Asks for an NS instance identifier (SOL005 clause 6.5.2.7).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CreateNsRequest {
    /// The NSD to build from; it is onboarded and enabled.
    pub nsd_id: String,
    /// Name.
    pub ns_name: String,
    /// Description.
    pub ns_description: String,
}

/// Asks to instantiate (SOL005 clause 6.5.2.11).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct InstantiateNsRequest {
    /// NS deployment flavour.
    pub ns_flavour_id: String,
    /// Addresses of service access points.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sap_data: Vec<SapData>,
    /// PNFs to take in; spelled as the specification spells it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addpnf_data: Vec<AddPnfData>,
    /// Existing VNF instances to use.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vnf_instance_data: Vec<VnfInstanceData>,
    /// Existing NS instances to nest.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nested_ns_instance_data: Vec<NestedNsInstanceData>,
    /// Where VNFs may be.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub location_constraints: Vec<VnfLocationConstraint>,
    /// Where nested NSs may be; spelled as the specification spells it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nested_nslocation_constraints: Vec<NestedNsLocationConstraint>,
    /// Parameters that the NSD declares for the operation.
    #[serde(default, skip_serializing_if = "KeyValuePairs::is_empty")]
    #[schema(value_type = Object)]
    pub additional_params_for_ns: KeyValuePairs,
    /// Parameters of nested NSs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub additional_param_for_nested_ns: Vec<ParamsForNestedNs>,
    /// Parameters of VNFs, by VNF profile.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub additional_params_for_vnf: Vec<ParamsForVnf>,
    /// When to begin; absent means at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_time: Option<Timestamp>,
    /// NS instantiation level; absent means the flavour's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ns_instantiation_level_id: Option<String>,
    /// Connections over wide area networks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub wan_connection_data: Vec<serde_json::Value>,
    /// Placement rules beyond those of the NSD.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub additional_affinity_or_anti_affinity_rule: Vec<AffinityOrAntiAffinityRule>,
}

/// Addresses of a service access point (SOL005 clause 6.5.3.10).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SapData {
    /// Its descriptor in the NSD.
    pub sapd_id: String,
    /// Name.
    pub sap_name: String,
    /// Description.
    pub description: String,
    /// Addresses to configure.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sap_protocol_data: Vec<CpProtocolData>,
}

/// A PNF to take in (SOL005 clause 6.5.3.14).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AddPnfData {
    /// Identifier of the PNF.
    pub pnf_id: String,
    /// Name.
    pub pnf_name: String,
    /// Its descriptor.
    pub pnfd_id: String,
    /// Its profile in the NSD.
    pub pnf_profile_id: String,
    /// Its external connection points.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cp_data: Vec<PnfExtCpData>,
}

/// Addresses of a PNF's external connection point (SOL005 clause 6.5.3.16).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PnfExtCpData {
    /// The connection point, when it exists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cp_instance_id: Option<String>,
    /// Its descriptor, when it is new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpd_id: Option<String>,
    /// Its addresses.
    pub cp_protocol_data: Vec<CpProtocolData>,
}

/// An existing VNF instance to use (SOL005 clause 6.5.3.19).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VnfInstanceData {
    /// The VNF instance.
    pub vnf_instance_id: Uuid,
    /// Its profile in the NSD.
    pub vnf_profile_id: String,
}

/// An existing NS instance to nest (SOL005 clause 6.5.3.19a).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NestedNsInstanceData {
    /// The NS instance.
    pub nested_ns_instance_id: Uuid,
    /// Its profile in the NSD.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ns_profile_id: Option<String>,
}

/// Where the VNFs of a profile may be (SOL005 clause 6.5.3.20).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VnfLocationConstraint {
    /// The profile in the NSD.
    pub vnf_profile_id: String,
    /// Where.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location_constraints: Option<LocationConstraints>,
}

/// Where the nested NSs of a profile may be (SOL005 clause 6.5.3.20a).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NestedNsLocationConstraint {
    /// The profile in the NSD.
    pub ns_profile_id: String,
    /// Where.
    pub location_constraints: LocationConstraints,
}

/// A place (SOL005 clause 6.5.3.21).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LocationConstraints {
    /// ISO 3166 two-letter country code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country_code: Option<String>,
    /// Parts of a civic address.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub civic_address_element: Vec<CivicAddressElement>,
    /// An area, GeoJSON (IETF RFC 7946).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub area: Option<serde_json::Value>,
}

/// Part of a civic address (IETF RFC 4776).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CivicAddressElement {
    /// Which part, by its number in RFC 4776.
    pub ca_type: i32,
    /// Its value.
    pub ca_value: String,
}

/// Parameters of the VNFs of a profile (SOL005 clause 6.5.3.22).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ParamsForVnf {
    /// The profile in the NSD.
    pub vnf_profile_id: String,
    /// Name for the VNF instance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vnf_instance_name: Option<String>,
    /// Description for the VNF instance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vnf_instance_description: Option<String>,
    /// Values for configurable properties.
    #[serde(default, skip_serializing_if = "KeyValuePairs::is_empty")]
    #[schema(value_type = Object)]
    pub vnf_configurable_properties: KeyValuePairs,
    /// Metadata to store.
    #[serde(default, skip_serializing_if = "KeyValuePairs::is_empty")]
    #[schema(value_type = Object)]
    pub metadata: KeyValuePairs,
    /// Values for extensions.
    #[serde(default, skip_serializing_if = "KeyValuePairs::is_empty")]
    #[schema(value_type = Object)]
    pub extensions: KeyValuePairs,
    /// Parameters that the VNFD declares for the operation.
    #[serde(default, skip_serializing_if = "KeyValuePairs::is_empty")]
    #[schema(value_type = Object)]
    pub additional_params: KeyValuePairs,
}

/// Parameters of the nested NSs of a profile (SOL005 clause 6.5.3.22a).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ParamsForNestedNs {
    /// The profile in the NSD.
    pub ns_profile_id: String,
    /// Parameters that the NSD declares for the operation.
    #[serde(default, skip_serializing_if = "KeyValuePairs::is_empty")]
    #[schema(value_type = Object)]
    pub additional_param: KeyValuePairs,
}

/// Asks to terminate (SOL005 clause 6.5.2.15).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TerminateNsRequest {
    /// When to begin; absent means at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub termination_time: Option<Timestamp>,
}
