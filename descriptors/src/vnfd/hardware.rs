//! What VDUs and connection points require of the hardware below them (SOL001 clause 6.2: logical nodes, additional
//! capabilities, network interface requirements). Keys and values are agreed between vendor and NFVI; SOL001 fixes none.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::diag::Sink;
use crate::tosca::fields::Fields;

/// `tosca.datatypes.nfv.LogicalNodeData`: requirements on one logical node, for example a NUMA cell.
pub type LogicalNode = BTreeMap<String, String>;

/// `tosca.datatypes.nfv.RequestedAdditionalCapability`: an accelerator or another special ability.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdditionalCapability {
    /// `requested_additional_capability_name`.
    pub name: String,
    /// Whether the VDU cannot do without.
    pub mandatory: bool,
    /// Oldest version that will do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_version: Option<String>,
    /// Preferred version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preferred_version: Option<String>,
    /// `target_performance_parameters`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub performance: BTreeMap<String, String>,
}

/// `tosca.datatypes.nfv.VirtualNetworkInterfaceRequirements`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InterfaceRequirement {
    /// `name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `description`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// `support_mandatory`, which later versions dropped; what is listed is then required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mandatory: Option<bool>,
    /// `network_interface_requirements`, for example `SR-IOV`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub requirements: BTreeMap<String, String>,
    /// `nic_io_requirements`: the logical node the NIC should be near to.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub nic_io: LogicalNode,
}

pub(super) fn logical_nodes(fields: &Fields<'_>, sink: &mut Sink) -> BTreeMap<String, LogicalNode> {
    let all = fields.sub("logical_node");
    let one = |key: &str, sink: &mut Sink| all.sub(key).text_map("logical_node_requirements", sink);
    all.entries(sink).iter().map(|e| (e.key.clone(), one(&e.key, sink))).collect()
}

pub(super) fn additional_capabilities(fields: &Fields<'_>, sink: &mut Sink) -> BTreeMap<String, AdditionalCapability> {
    let all = fields.sub("requested_additional_capabilities");
    all.entries(sink)
        .iter()
        .map(|e| {
            let one = all.sub(&e.key);
            let capability = AdditionalCapability {
                name: one.text("requested_additional_capability_name", sink).unwrap_or_else(|| e.key.clone()),
                mandatory: one.bool("support_mandatory", sink).unwrap_or_default(),
                min_version: one.text("min_requested_additional_capability_version", sink),
                preferred_version: one.text("preferred_requested_additional_capability_version", sink),
                performance: one.text_map("target_performance_parameters", sink),
            };
            (e.key.clone(), capability)
        })
        .collect()
}

pub(super) fn interface_requirements(fields: &Fields<'_>, sink: &mut Sink) -> Vec<InterfaceRequirement> {
    let key = "virtual_network_interface_requirements";
    let items = fields.list(key, sink).iter().enumerate();
    items
        .map(|(i, node)| {
            let one = fields.item(key, i, node);
            InterfaceRequirement {
                name: one.text("name", sink),
                description: one.text("description", sink),
                mandatory: one.bool("support_mandatory", sink),
                requirements: one.text_map("network_interface_requirements", sink),
                nic_io: one.sub("nic_io_requirements").text_map("logical_node_requirements", sink),
            }
        })
        .collect()
}

/// `nfvi_constraints`: a map of names and values, in version 2.6.1 a list of names.
pub(super) fn constraints(fields: &Fields<'_>, sink: &mut Sink) -> BTreeMap<String, String> {
    let key = "nfvi_constraints";
    if fields.peek(key).is_some_and(|n| n.items().is_some()) {
        return fields.texts(key, sink).into_iter().map(|name| (name, String::new())).collect();
    }
    fields.text_map(key, sink)
}
