//! Virtualised network resources: networks, subnets, ports (IFA005 clause 7.4).

use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::common::{Owner, ProblemDetails};

/// A layer 2 network as it shall be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NetworkSpec {
    /// Human-readable name; need not be unique.
    pub name: String,
    /// Owner mark.
    pub owner: Owner,
    /// How it is realised.
    #[serde(default)]
    pub realisation: NetworkRealisation,
    /// MTU in bytes, 68..=65535; absent means the VIM's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mtu: Option<u32>,
    /// The most that each of its ports may send, and the most that each may receive, in bits per second, 1,000 to 10^12;
    /// absent means any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_port_bitrate: Option<u64>,
}

/// How a network is realised.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case", rename_all_fields = "camelCase", tag = "type", deny_unknown_fields)]
pub enum NetworkRealisation {
    /// A tunnelled network of the VIM.
    #[default]
    Overlay,
    /// Untagged on a physical network that the VIM knows by name.
    Flat {
        /// Name of the physical network.
        physical_network: String,
    },
    /// One VLAN of a physical network.
    Vlan {
        /// Name of the physical network.
        physical_network: String,
        /// VLAN id, 1..=4094.
        segmentation_id: u16,
    },
}

/// A network as it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Network {
    /// Chosen by the consumer.
    pub id: Uuid,
    /// What was asked for.
    pub spec: NetworkSpec,
    /// The VIM's own identifier, when it has another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vim_resource_id: Option<String>,
    /// Whether it is usable.
    pub state: ResourceState,
    /// Why it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub problem: Option<ProblemDetails>,
}

/// State of a resource that is not a compute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ResourceState {
    /// Accepted; being made.
    Building,
    /// Usable.
    Active,
    /// Not usable; the problem says why.
    Error,
    /// Being removed.
    Deleting,
}

/// A subnet as it shall be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SubnetSpec {
    /// Human-readable name.
    pub name: String,
    /// Owner mark.
    pub owner: Owner,
    /// Network it belongs to.
    pub network_id: Uuid,
    /// Address block, IPv4 or IPv6.
    #[schema(value_type = String)]
    pub cidr: IpNet,
    /// Default gateway told to guests; absent means none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub gateway: Option<IpAddr>,
    /// Ranges that automatic addresses come from; none means the whole block but its first address, the gateway and
    /// broadcast.
    #[serde(default)]
    pub pools: Vec<AddressPool>,
    /// Whether the VIM answers DHCP (or DHCPv6) on it.
    #[serde(default)]
    pub dhcp: bool,
    /// DNS servers told to guests.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    pub dns: Vec<IpAddr>,
    /// Its gateway, which it then must have, is a router of the VIM that leads to the VIM's external network: hosts there are
    /// reached with the router's address, or with the floating address of whoever has one. IPv4 only.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub routed: bool,
}

/// A range of addresses, both ends included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AddressPool {
    /// First address.
    #[schema(value_type = String)]
    pub start: IpAddr,
    /// Last address.
    #[schema(value_type = String)]
    pub end: IpAddr,
}

/// A subnet as it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Subnet {
    /// Chosen by the consumer.
    pub id: Uuid,
    /// What was asked for.
    pub spec: SubnetSpec,
    /// The VIM's own identifier, when it has another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vim_resource_id: Option<String>,
    /// Whether it is usable.
    pub state: ResourceState,
    /// Why it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub problem: Option<ProblemDetails>,
}

/// A port as it shall be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PortSpec {
    /// Human-readable name.
    pub name: String,
    /// Owner mark.
    pub owner: Owner,
    /// Network it is on.
    pub network_id: Uuid,
    /// MAC address; absent means that the VIM chooses one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mac: Option<String>,
    /// Addresses; none means one automatic address of each subnet of the network.
    #[serde(default)]
    pub addresses: Vec<AddressRequest>,
    /// Let only the port's own addresses send.
    #[serde(default = "yes")]
    pub port_security: bool,
    /// Further addresses (or prefixes) allowed to send from the port.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    pub allowed_addresses: Vec<IpNet>,
    /// What is let through, at most 256. In a direction that a rule names, only what a rule names passes, with the answers to
    /// it, ARP, neighbour discovery and what addresses are got with; in another one everything does.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<PortRule>,
    /// Its part in a trunk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trunk: Option<TrunkPart>,
    /// What kind of interface the compute gets.
    #[serde(default, skip_serializing_if = "VnicType::is_normal")]
    pub vnic_type: VnicType,
    /// Give it an address of the VIM's external network, by which it is reached from there (SOL001 clause 6.2, L3AddressData
    /// `floating_ip_activated`). One of its IPv4 subnets must be routed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub floating: bool,
}

/// Kinds of virtual network interfaces (SOL001 clause 6.8.8, `vnic_type`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum VnicType {
    /// One that the hypervisor emulates.
    #[default]
    Normal,
    /// A virtual function of a NIC behind macvtap.
    Macvtap,
    /// A virtual function of a NIC, given to the compute.
    Direct,
    /// A whole NIC, given to the compute.
    DirectPhysical,
    /// An interface of a smart NIC, over virtio.
    VirtioForwarder,
    /// A NIC of a machine that is no virtual one.
    Baremetal,
}

impl VnicType {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Normal, Self::Macvtap, Self::Direct, Self::DirectPhysical, Self::VirtioForwarder, Self::Baremetal];

    /// Whether it is the usual one.
    pub fn is_normal(&self) -> bool {
        *self == Self::Normal
    }

    /// As descriptors and VIMs call it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Macvtap => "macvtap",
            Self::Direct => "direct",
            Self::DirectPhysical => "direct-physical",
            Self::VirtioForwarder => "virtio-forwarder",
            Self::Baremetal => "baremetal",
        }
    }
}

/// A port's part in a trunk: several ports whose frames share one interface of a compute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case", rename_all_fields = "camelCase", tag = "role", deny_unknown_fields)]
pub enum TrunkPart {
    /// The interface itself; untagged frames are its own.
    Parent,
    /// One whose frames go over the interface of another with a VLAN tag. No compute has it among its ports.
    SubPort {
        /// The port in role `parent`.
        parent_id: Uuid,
        /// The tag that the guest uses, 1 to 4094; absent means that of the network, which must be a VLAN.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        segmentation_id: Option<u16>,
    },
}

impl TrunkPart {
    /// The port that carries this one's frames; `None` for that itself.
    pub fn parent(&self) -> Option<Uuid> {
        match self {
            Self::Parent => None,
            Self::SubPort { parent_id, .. } => Some(*parent_id),
        }
    }
}

/// What is let through (SOL001 clause 6.10, `SecurityGroupRule`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PortRule {
    /// Seen from the compute.
    pub direction: Direction,
    /// 4 or 6.
    pub ip_version: u8,
    /// Number of the protocol in IANA's registry; absent means all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<u8>,
    /// Destination ports of TCP, UDP or SCTP; absent means all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ports: Option<PortRange>,
}

/// Where frames go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// To the compute.
    Ingress,
    /// From the compute.
    Egress,
}

/// Ports of a protocol, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PortRange {
    /// First.
    pub first: u16,
    /// Last.
    pub last: u16,
}

/// Protocols of which ports are known: TCP, UDP, SCTP.
pub const PROTOCOLS_WITH_PORTS: [u8; 3] = [6, 17, 132];

const fn yes() -> bool {
    true
}

/// An address asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AddressRequest {
    /// Subnet; absent means the one of the network that holds `ip`, or any when that is absent too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subnet_id: Option<Uuid>,
    /// Fixed address; absent means an automatic one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub ip: Option<IpAddr>,
}

/// A port as it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Port {
    /// Chosen by the consumer.
    pub id: Uuid,
    /// What was asked for.
    pub spec: PortSpec,
    /// The VIM's own identifier, when it has another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vim_resource_id: Option<String>,
    /// MAC address, lower case with colons.
    pub mac: String,
    /// Addresses it has.
    pub addresses: Vec<PortAddress>,
    /// Its address on the VIM's external network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub floating_address: Option<IpAddr>,
    /// Compute that uses it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compute_id: Option<Uuid>,
    /// Whether the network forwards for it (OVN `up`, Neutron `ACTIVE`).
    pub up: bool,
    /// State.
    pub state: ResourceState,
    /// Why it is not usable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub problem: Option<ProblemDetails>,
}

/// An address of a port.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PortAddress {
    /// Subnet it comes from.
    pub subnet_id: Uuid,
    /// Address.
    #[schema(value_type = String)]
    pub ip: IpAddr,
    /// Prefix length of the subnet.
    pub prefix: u8,
}
