//! A blueprint: every resource that an instantiation will make, with the identifiers it will have. Each part becomes the
//! parameters of one step, so that the journal knows every identifier before anything of that name exists.

use std::collections::BTreeMap;

use ipnet::IpNet;
use reference_points::or_vi::{
    AddressRequest, AffinityPolicy, AffinityScope, BootData, Flavour, NetworkRealisation, PortRule, SubnetSpec,
    TrunkPart, VnicType,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// All resources of one instantiation.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Blueprint {
    /// Affinity groups.
    pub groups: Vec<GroupPart>,
    /// Internal virtual links.
    pub links: Vec<LinkPart>,
    /// Virtual storage resources.
    pub volumes: Vec<VolumePart>,
    /// VNFC instances with their ports.
    pub vnfcs: Vec<VnfcPart>,
}

/// An affinity group of the VIM.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GroupPart {
    /// Its id in the VIM.
    pub id: Uuid,
    /// Name of the rule in the descriptor.
    pub name: String,
    /// Together or apart.
    pub policy: AffinityPolicy,
    /// What is shared or not.
    pub scope: AffinityScope,
    /// Definitions of the computes in it.
    pub members: Vec<Uuid>,
}

/// An internal virtual link.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LinkPart {
    /// Its id in the VIM; the resource definition of the grant has the same.
    pub id: Uuid,
    /// VnfVirtualLinkDesc.
    pub desc: String,
    /// How it is realised.
    pub realisation: NetworkRealisation,
    /// MTU in bytes.
    pub mtu: Option<u32>,
    /// The most that each of its ports may send and receive, in bits per second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_port_bitrate: Option<u64>,
    /// Subnets: id, and what they are but for the owner, which the step knows.
    pub subnets: Vec<SubnetPart>,
}

/// A subnet of an internal virtual link.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SubnetPart {
    /// Its id in the VIM.
    pub id: Uuid,
    /// What it shall be.
    pub spec: SubnetSpec,
}

/// A virtual storage resource.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VolumePart {
    /// Its id in the VIM.
    pub id: Uuid,
    /// VirtualStorageDesc.
    pub desc: String,
    /// Name in the VIM.
    pub name: String,
    /// Size in bytes.
    pub size_bytes: u64,
    /// Software image of the descriptor whose content it starts with.
    pub image: Option<String>,
}

/// A VNFC instance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VnfcPart {
    /// Its compute's id in the VIM.
    pub id: Uuid,
    /// VDU.
    pub vdu: String,
    /// Which of the VNFCs of its VDU it is, from 1.
    pub number: u32,
    /// Name in the VIM, and the guest's host name.
    pub name: String,
    /// CPU and memory.
    pub flavour: Flavour,
    /// What it boots from.
    pub root: RootPart,
    /// Further volumes.
    pub volumes: Vec<Uuid>,
    /// Ports in the order of the NICs, and behind them those of their trunks.
    pub ports: Vec<PortPart>,
    /// Affinity groups it belongs to.
    pub groups: Vec<Uuid>,
    /// First-boot data.
    pub boot: BootData,
}

/// What a VNFC boots from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RootPart {
    /// An ephemeral disk with the content of a software image of the descriptor.
    Image {
        /// VnfdSoftwareImageId.
        image: String,
        /// Size in bytes.
        size_bytes: Option<u64>,
    },
    /// A volume of this blueprint.
    Volume(Uuid),
}

/// A port of a VNFC.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PortPart {
    /// Its id in the VIM.
    pub id: Uuid,
    /// VduCpd.
    pub cpd: String,
    /// Name in the VIM.
    pub name: String,
    /// What it is connected to.
    pub on: PortOn,
    /// MAC address asked for.
    pub mac: Option<String>,
    /// Addresses asked for.
    pub addresses: Vec<AddressRequest>,
    /// Let only its own addresses send.
    pub port_security: bool,
    /// Further addresses that may send from it: those it shares with others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed_addresses: Vec<IpNet>,
    /// What is let through; nothing means everything.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<PortRule>,
    /// Its part in a trunk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trunk: Option<TrunkPart>,
    /// Kind of interface.
    #[serde(default, skip_serializing_if = "VnicType::is_normal")]
    pub vnic_type: VnicType,
    /// Whether it gets a floating address.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub floating: bool,
}

impl PortPart {
    /// The port that carries its frames, where it is one of a trunk.
    pub fn parent(&self) -> Option<Uuid> {
        self.trunk.as_ref().and_then(TrunkPart::parent)
    }
}

impl VnfcPart {
    /// The ports that its compute has as NICs, in their order.
    pub fn nics(&self) -> impl Iterator<Item = Uuid> {
        self.ports.iter().filter(|port| port.parent().is_none()).map(|port| port.id)
    }
}

/// What a port is connected to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PortOn {
    /// An internal virtual link of this blueprint.
    Internal {
        /// Its network.
        network: Uuid,
    },
    /// An external virtual link.
    External {
        /// VnfExtCpd.
        ext_cpd: String,
        /// Identifier of the external virtual link.
        ext_vl: String,
        /// Key of the CP configuration in the request, or a made one.
        cp_config: String,
        /// Network in the VIM.
        network: Uuid,
    },
}

impl PortOn {
    /// The network in the VIM.
    pub fn network(&self) -> Uuid {
        match self {
            Self::Internal { network } | Self::External { network, .. } => *network,
        }
    }
}

/// Values of the descriptor's inputs, properties and the request's parameters, by name.
pub type Values = BTreeMap<String, serde_json::Value>;
