//! Forwarding graphs: paths over connection points, their positions and rules (SOL001 clauses 7.8 and 7.10).
//!
//! A `Forwarding` node stands between the connection point of a part of the service and a virtual link; positions of a path
//! lead to such nodes and to SAPs. Here every element is given with the part and connection point it stands for.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::model::NsFlavour;

/// `tosca.nodes.nfv.Forwarding`: a connection point that paths may name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ForwardingPoint {
    /// Name of the node template.
    pub name: String,
    /// The virtual link behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub virtual_link: Option<String>,
    /// Everything else.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub extra: Value,
}

/// `tosca.nodes.nfv.NfpPositionElement`: one or two connection points, the way in and the way out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct NfpElement {
    /// Name of the node template.
    pub name: String,
    /// The `Forwarding` nodes and SAPs, in order.
    pub points: Vec<String>,
    /// Everything else.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub extra: Value,
}

/// `tosca.nodes.nfv.NfpPosition`: elements among which traffic is shared.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct NfpPosition {
    /// Name of the node template.
    pub name: String,
    /// `forwarding_behaviour`: `all`, `lb` (balanced) or `ff` (first that fits).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub behaviour: Option<String>,
    /// `forwarding_behaviour_input_parameters`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, String>,
    /// Its elements.
    pub elements: Vec<String>,
    /// Everything else.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub extra: Value,
}

/// `tosca.nodes.nfv.NFP`: a forwarding path.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Nfp {
    /// Name of the node template.
    pub name: String,
    /// Its positions, in order.
    pub positions: Vec<String>,
    /// Everything else.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub extra: Value,
}

/// `tosca.groups.nfv.VNFFG`: a forwarding graph.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ForwardingGraph {
    /// Name of the group.
    pub name: String,
    /// `description`.
    #[serde(default)]
    pub description: String,
    /// The paths among its members.
    pub nfps: Vec<String>,
    /// The parts and links among its members.
    pub constituents: Vec<String>,
}

/// `tosca.policies.nfv.NfpRule`: which traffic takes a path. What is not given does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NfpRule {
    /// Policy name.
    pub name: String,
    /// The paths it is for.
    pub targets: Vec<String>,
    /// `ether_destination_address`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ether_destination: Option<String>,
    /// `ether_source_address`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ether_source: Option<String>,
    /// `ether_type`: `ipv4` or `ipv6`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ether_type: Option<String>,
    /// `vlan_tag`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vlan_tags: Vec<String>,
    /// `protocol`, by its keyword in the IANA registry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<String>,
    /// `dscp`, as a bit string.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dscp: Option<String>,
    /// `source_port_range`: first and last port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_ports: Option<(u16, u16)>,
    /// `destination_port_range`: first and last port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination_ports: Option<(u16, u16)>,
    /// `source_ip_address_prefix`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_prefix: Option<String>,
    /// `destination_ip_address_prefix`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination_prefix: Option<String>,
    /// `extended_criteria`: bits of the frame.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub masks: Vec<Mask>,
}

/// `tosca.datatypes.nfv.Mask`: bits at a place of the frame.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mask {
    /// First bit of the frame, from 1.
    pub starting_point: u32,
    /// Number of bits.
    pub length: u32,
    /// Their value.
    pub value: String,
}

/// A point of a path: the part of the service and its connection point, or a SAP.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PathPoint {
    /// An external connection point of a VNF, PNF or nested service.
    Cp {
        /// The part.
        part: String,
        /// Its connection point.
        cp: String,
    },
    /// A SAP.
    Sap(String),
}

impl NsFlavour {
    /// What a `Forwarding` node or SAP stands for; several connection points may share one node.
    #[must_use]
    pub fn path_points(&self, point: &str) -> Vec<PathPoint> {
        if self.saps.iter().any(|s| s.name == point) {
            return vec![PathPoint::Sap(point.to_owned())];
        }
        let vnfs = self.vnfs.iter().map(|v| (&v.name, &v.connections));
        let nested = self.nested_ns_profiles.iter().map(|n| (&n.name, &n.connections));
        let pnfs = self.pnf_profiles.iter().map(|p| (&p.name, &p.connections));
        let all = vnfs.chain(nested).chain(pnfs);
        all.flat_map(|(part, connections)| connections.iter().map(move |c| (part, c)))
            .filter(|(_, c)| c.via.as_deref() == Some(point))
            .map(|(part, c)| PathPoint::Cp { part: part.clone(), cp: c.cp.clone() })
            .collect()
    }

    /// The rules of a path.
    pub fn rules_of(&self, nfp: &str) -> impl Iterator<Item = &NfpRule> {
        self.nfp_rules.iter().filter(move |r| r.targets.iter().any(|t| t == nfp))
    }
}
