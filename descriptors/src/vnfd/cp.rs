//! Connection points and internal virtual links of a VNF (SOL001 clause 6.8).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::hardware::InterfaceRequirement;
use crate::network::{Connectivity, CpAddress, MaintenanceInfo, MonitoringParameter, VlProfile};

/// `tosca.nodes.nfv.VduCp`: one NIC of every VNFC of a VDU.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct VduCp {
    /// Name of the node template.
    pub name: String,
    /// The VDU it is bound to.
    pub vdu: String,
    /// The internal virtual link it is on; `None` for a connection point that is only external.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub virtual_link: Option<String>,
    /// The external connection points that expose it, by requirement name of the VNF.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub external: Vec<String>,
    /// `order`: position among the NICs, as written. [`super::Flavour::cps_of`] yields them sorted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<u32>,
    /// `layer_protocols`.
    pub layer_protocols: Vec<String>,
    /// `vnic_type`; `normal` where none is given.
    pub vnic_type: String,
    /// `bitrate_requirement` in bits per second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bitrate_bps: Option<u64>,
    /// `protocol`: how it gets its addresses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<CpAddress>,
    /// `trunk_mode`.
    #[serde(default)]
    pub trunk_mode: bool,
    /// `role`: `root` or `leaf`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// `description`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Whether frames with foreign source addresses are dropped. On unless the node template's metadata says
    /// `port_security: "false"`, which is ours, not the standard's.
    pub port_security: bool,
    /// `ip_stack_mode` (from version 4.4.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip_stack_mode: Option<String>,
    /// `virtual_network_interface_requirements`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub interface_requirements: Vec<InterfaceRequirement>,
    /// `metadata` of the node template.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
    /// Everything else.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub extra: Value,
}

/// An external connection point of the VNF.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ExtCp {
    /// Name of the `VirtualLinkable` requirement of the VNF's node type; an NSD connects by it.
    pub name: String,
    /// Name of the node that makes it: a `VduCp` or a `VnfExtCp`. SOL003 calls it `cpdId`.
    pub cp: String,
    /// What kind of node that is.
    pub kind: ExtCpKind,
    /// The connection points of VDUs behind it: the `VduCp` itself, or those on the `VnfExtCp`'s internal link.
    pub vdu_cps: Vec<String>,
    /// `layer_protocols`.
    pub layer_protocols: Vec<String>,
    /// `protocol`: how it gets its addresses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<CpAddress>,
    /// `description`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// `virtual_network_interface_requirements` of a `VnfExtCp`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub interface_requirements: Vec<InterfaceRequirement>,
    /// Everything else of a `VnfExtCp`.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub extra: Value,
}

/// Whether a connection point with these addresses is to have a floating one.
fn any_floats(addresses: &[CpAddress]) -> bool {
    addresses.iter().any(|address| address.floating_ip)
}

impl VduCp {
    /// Whether it is to have a floating address.
    #[must_use]
    pub fn floats(&self) -> bool {
        any_floats(&self.addresses)
    }
}

impl ExtCp {
    /// Whether it is to have a floating address.
    #[must_use]
    pub fn floats(&self) -> bool {
        any_floats(&self.addresses)
    }
}

impl VipCp {
    /// Whether it is to have a floating address.
    #[must_use]
    pub fn floats(&self) -> bool {
        any_floats(&self.addresses)
    }
}

/// What makes an external connection point.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExtCpKind {
    /// A `VduCp` exposed as it is.
    #[default]
    VduCp,
    /// A `VnfExtCp` node, with the internal virtual link it opens.
    VnfExtCp {
        /// The internal virtual link.
        internal_virtual_link: Option<String>,
    },
    /// Another node, such as a `VipCp`.
    Other,
}

/// `tosca.nodes.nfv.VnfVirtualLink`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct VnfVirtualLink {
    /// Name of the node template.
    pub name: String,
    /// `description`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// `connectivity_type`.
    pub connectivity: Connectivity,
    /// `vl_profile`.
    pub profile: VlProfile,
    /// `test_access`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub test_access: Vec<String>,
    /// `monitoring_parameters`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub monitoring: Vec<MonitoringParameter>,
    /// `nfvi_maintenance_info`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maintenance: Option<MaintenanceInfo>,
    /// `externally_managed`: `allowed` or `required`; whether the link may be made by somebody else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub externally_managed: Option<String>,
    /// Everything else.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub extra: Value,
}

/// `tosca.nodes.nfv.VipCp`: an address that several connection points share.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct VipCp {
    /// Name of the node template.
    pub name: String,
    /// The connection points that share the address, by node template.
    pub targets: Vec<String>,
    /// The internal virtual link it is on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub virtual_link: Option<String>,
    /// `vip_function`: `high_availability` or `load_balance`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function: Option<String>,
    /// `dedicated_ip_address`: whether the address is apart from those of the targets; yes unless said.
    pub dedicated_ip_address: bool,
    /// `layer_protocols`.
    pub layer_protocols: Vec<String>,
    /// `protocol`: how it gets its address.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<CpAddress>,
    /// `description`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Everything else.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub extra: Value,
}

/// `tosca.nodes.nfv.VduSubCp`: a port of a trunk. It is no NIC of its own; its frames go over the parent's, tagged.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct VduSubCp {
    /// The connection point itself; `vdu` is the one its parent is bound to.
    #[serde(flatten)]
    pub cp: VduCp,
    /// The `VduCp` in trunk mode that carries it.
    pub parent: String,
    /// `segmentation_type`: `vlan`, or `inherit` for the tag of the network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segmentation_type: Option<String>,
    /// `segmentation_id`: the VLAN tag within the VNFC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segmentation_id: Option<u32>,
}
