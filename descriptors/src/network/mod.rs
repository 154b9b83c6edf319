//! What VNFDs and NSDs say alike about virtual links and addresses (SOL001 clauses 6.2 and 7.2).

mod condition;
mod interface;
mod maintenance;
mod monitoring;
pub(crate) mod read;
mod trigger;
mod version;

pub use condition::{Call, Condition, Constraint};
pub(crate) use interface::interfaces;
pub use interface::{Interface, Operation};
pub(crate) use maintenance::maintenance;
pub use maintenance::{GroupLimit, MaintenanceInfo};
pub use monitoring::MonitoringParameter;
pub(crate) use monitoring::parameters as monitoring_parameters;
pub use trigger::Trigger;
pub(crate) use trigger::triggers;
pub use version::VersionDependency;
pub(crate) use version::dependencies as version_dependencies;

use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// `IPv4` or `IPv6`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IpVersion {
    /// IPv4.
    Ipv4,
    /// IPv6.
    Ipv6,
}

impl IpVersion {
    /// The version of an address.
    #[must_use]
    pub fn of(address: &IpAddr) -> Self {
        if address.is_ipv4() { Self::Ipv4 } else { Self::Ipv6 }
    }
}

/// `tosca.datatypes.nfv.ConnectivityType`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connectivity {
    /// Protocols the link gives access to: `ethernet`, `ipv4`, `ipv6`, …
    pub layer_protocols: Vec<String>,
    /// `line`, `tree` or `mesh`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flow_pattern: Option<String>,
}

/// `tosca.datatypes.nfv.LinkBitrateRequirements`, in bits per second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bitrate {
    /// Of the link, in bits per second.
    pub root_bps: u64,
    /// Of a leaf, in bits per second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leaf_bps: Option<u64>,
}

/// `tosca.datatypes.nfv.Qos` and `NsVirtualLinkQos`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Qos {
    /// Greatest latency in seconds.
    pub latency_s: Option<f64>,
    /// Greatest jitter in seconds.
    pub packet_delay_variation_s: Option<f64>,
    /// Greatest share of lost packets, 0 to 1.
    pub packet_loss_ratio: Option<f64>,
    /// Priority of the link, only in an NSD.
    pub priority: Option<i64>,
}

/// `VlProfile` of a VNFD, `NsVlProfile` of an NSD.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct VlProfile {
    /// `max_bitrate_requirements`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_bitrate: Option<Bitrate>,
    /// `min_bitrate_requirements`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_bitrate: Option<Bitrate>,
    /// `qos`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub qos: Option<Qos>,
    /// `virtual_link_protocol_data`; a dual-stack link has an entry for each IP version.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub protocol_data: Vec<ProtocolData>,
    /// What else the profile says.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub extra: Value,
}

impl VlProfile {
    /// The most that each port on it may send and receive, in bits per second: the leaf of `max_bitrate_requirements`.
    pub fn max_port_bitrate(&self) -> Option<u64> {
        self.max_bitrate.as_ref().and_then(|rate| rate.leaf_bps)
    }

    /// The first layer-2 data of the link.
    #[must_use]
    pub fn l2(&self) -> Option<&L2ProtocolData> {
        self.protocol_data.iter().find_map(|p| p.l2.as_ref())
    }

    /// The layer-3 data of the link: one entry per subnet.
    pub fn l3(&self) -> impl Iterator<Item = &L3ProtocolData> {
        self.protocol_data.iter().filter_map(|p| p.l3.as_ref())
    }
}

/// `tosca.datatypes.nfv.VirtualLinkProtocolData`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ProtocolData {
    /// `associated_layer_protocol`.
    pub layer_protocol: String,
    /// `l2_protocol_data`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub l2: Option<L2ProtocolData>,
    /// `l3_protocol_data`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub l3: Option<L3ProtocolData>,
}

/// `tosca.datatypes.nfv.L2ProtocolData`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct L2ProtocolData {
    /// Network name; for `flat` and `vlan` the physical network it is realised on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `flat`, `vlan`, `vxlan` or `gre`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network_type: Option<String>,
    /// Whether tagged frames pass through.
    #[serde(default)]
    pub vlan_transparent: bool,
    /// Maximum transmission unit in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mtu: Option<u32>,
    /// VLAN or tunnel identifier, as written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segmentation_id: Option<String>,
}

impl L2ProtocolData {
    /// Whether the link is a provider network on a physical network rather than an overlay.
    #[must_use]
    pub fn is_provider(&self) -> bool {
        matches!(self.network_type.as_deref(), Some("flat" | "vlan"))
    }
}

/// `tosca.datatypes.nfv.L3ProtocolData`: one subnet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct L3ProtocolData {
    /// Subnet name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// IP version.
    pub ip_version: IpVersion,
    /// Address range.
    pub cidr: IpNet,
    /// Ranges to allocate from, ends included; empty means the whole subnet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pools: Vec<Pool>,
    /// Gateway.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway_ip: Option<IpAddr>,
    /// Whether the network answers DHCP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dhcp_enabled: Option<bool>,
    /// `slaac`, `dhcpv6-stateful` or `dhcpv6-stateless`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ipv6_address_mode: Option<String>,
}

impl L3ProtocolData {
    /// Whether a router can lead from it to the outside.
    #[must_use]
    pub fn is_routable(&self) -> bool {
        self.cidr.addr().is_ipv4()
    }

    /// Where a router on it stands: at the gateway, or at the first host address where the descriptor names none.
    #[must_use]
    pub fn router_ip(&self) -> Option<IpAddr> {
        self.gateway_ip.or_else(|| self.cidr.hosts().next())
    }
}

/// `tosca.datatypes.nfv.IpAllocationPool`, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pool {
    /// First address.
    pub start: IpAddr,
    /// Last address.
    pub end: IpAddr,
}

/// `tosca.datatypes.nfv.CpProtocolData` with its addresses flattened: how a connection point gets its addresses.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CpAddress {
    /// `associated_layer_protocol`.
    pub layer_protocol: String,
    /// Whether management and orchestration assigns the MAC address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mac_assigned: Option<bool>,
    /// Whether management and orchestration assigns the IP address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip_assigned: Option<bool>,
    /// Whether a floating address is wanted.
    #[serde(default)]
    pub floating_ip: bool,
    /// IP version of the address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip_version: Option<IpVersion>,
    /// How many addresses at least.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
    /// `dynamic`, `vnf_pkg` or `external` (from version 4.1.1 of SOL001).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subtype: Option<String>,
    /// Addresses fixed by the package.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fixed: Vec<IpAddr>,
}

/// `tosca.policies.nfv.SecurityGroupRule` and `NsSecurityGroupRule`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecurityGroupRule {
    /// Policy name.
    pub name: String,
    /// `ingress` (towards the connection point) or `egress`.
    pub direction: String,
    /// IP version.
    pub ether_type: IpVersion,
    /// Protocol keyword of the IANA registry.
    pub protocol: String,
    /// First port, 0 to 65535.
    pub port_range_min: u16,
    /// Last port, 0 to 65535.
    pub port_range_max: u16,
    /// `description`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The connection points it applies to.
    pub targets: Vec<String>,
}

/// An affinity or anti-affinity rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlacementRule {
    /// Policy name.
    pub name: String,
    /// Together or apart.
    pub kind: PlacementKind,
    /// `nfvi_node`, `zone`, `zone_group`, `nfvi_pop` or `network_link_and_node`.
    pub scope: String,
    /// The targets with groups resolved to their members.
    pub targets: Vec<String>,
    /// The groups named as targets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
}

/// Together or apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlacementKind {
    /// On the same resource of the rule's scope.
    Affinity,
    /// On different resources of the rule's scope.
    AntiAffinity,
}

/// A policy that is kept but has no typed form.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RawPolicy {
    /// Policy name.
    pub name: String,
    /// Its type.
    pub policy_type: String,
    /// Its targets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<String>,
    /// Properties and triggers, as written.
    pub body: Value,
}

/// A node template, group or other element that is kept but has no typed form.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RawElement {
    /// Its name.
    pub name: String,
    /// Its type.
    pub element_type: String,
    /// Its body, as written.
    pub body: Value,
}

/// An artifact of a node template.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Artifact {
    /// Its name.
    pub name: String,
    /// Its type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// Path in the package, or a URI.
    pub file: String,
    /// Its properties, as written.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub properties: Value,
    /// Everything else, such as `repository`, `checksum` and `deploy_path`.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub extra: Value,
}

/// A property that a type declares and that is set later.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Declaration {
    /// Its name.
    pub name: String,
    /// Its TOSCA type.
    pub value_type: String,
    /// Type and constraints of the entries of a list or map, as written.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub entry_schema: Value,
    /// Whether a value must be given.
    pub required: bool,
    /// The declared default, or the value the template gives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Constraints, as written.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub constraints: Value,
}
