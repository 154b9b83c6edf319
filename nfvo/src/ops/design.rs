//! What a network service shall consist of: the NSD, the VNFDs and the request put together, with every choice made and
//! every id minted. It is stored with the NS instance, so that terminating needs nothing but the record.

use std::collections::BTreeMap;
use std::net::IpAddr;

use reference_points::common::KeyValuePairs;
use reference_points::nf_vi::DiskFormat;
use reference_points::or_vi::{AddressPool, NetworkRealisation};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use ipnet::IpNet;

/// Where new identifiers come from; tests give predictable ones.
pub trait IdSource: Send + Sync {
    /// A new identifier.
    fn mint(&self) -> Uuid;
}

/// Random identifiers, in the order of their making.
#[derive(Debug, Clone, Copy, Default)]
pub struct FreshIds;

impl IdSource for FreshIds {
    fn mint(&self) -> Uuid {
        Uuid::now_v7()
    }
}

/// A network service, decided.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Design {
    /// NS instance.
    pub ns_id: Uuid,
    /// Its name.
    pub ns_name: String,
    /// NS deployment flavour.
    pub flavour_id: String,
    /// NS instantiation level, where the flavour has levels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level_id: Option<String>,
    /// VIM that gets everything.
    pub vim: VimRef,
    /// Virtual links.
    pub links: Vec<LinkDesign>,
    /// Software images of the VNFs, each once.
    pub images: Vec<ImageDesign>,
    /// VNFs.
    pub vnfs: Vec<VnfDesign>,
    /// Service access points.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub saps: Vec<SapDesign>,
}

/// The VIM, as the VNFM must know it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VimRef {
    /// The VIM.
    pub id: Uuid,
    /// `vimType` of SOL003.
    pub vim_type: String,
    /// Base address of the vim-adapter.
    pub endpoint: String,
}

/// A virtual link of the NS.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LinkDesign {
    /// Virtual link profile of the NSD.
    pub profile_id: String,
    /// Virtual link descriptor of the NSD.
    pub desc_id: String,
    /// The network in the VIM.
    pub network_id: Uuid,
    /// How it is realised.
    pub realisation: NetworkRealisation,
    /// MTU in bytes; absent means the VIM's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mtu: Option<u32>,
    /// The most that each of its ports may send and receive, in bits per second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_port_bitrate: Option<u64>,
    /// Its subnets.
    pub subnets: Vec<SubnetDesign>,
}

/// A subnet of a virtual link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SubnetDesign {
    /// The subnet in the VIM.
    pub subnet_id: Uuid,
    /// Address block.
    pub cidr: IpNet,
    /// Default gateway told to guests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway: Option<IpAddr>,
    /// Ranges that the VIM may take addresses from; none means its default.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pools: Vec<AddressPool>,
    /// Whether the VIM answers DHCP.
    pub dhcp: bool,
    /// DNS servers told to guests.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dns: Vec<IpAddr>,
    /// Whether its gateway is a router of the VIM to the outside.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub routed: bool,
}

/// A software image that a VNF boots from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImageDesign {
    /// The image in the VIM: [`image_id`] of its content.
    pub image_id: Uuid,
    /// Package that holds it.
    pub package_id: Uuid,
    /// Its path in that package.
    pub path: String,
    /// Name in the VNFD.
    pub name: String,
    /// Version in the VNFD.
    pub version: String,
    /// SHA-256 of the content, lower-case hexadecimal.
    pub sha256: String,
    /// Disk format.
    pub format: DiskFormat,
    /// Size of the content in bytes.
    pub size_bytes: u64,
    /// Smallest disk it needs, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_disk_bytes: Option<u64>,
    /// Smallest memory it needs, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_memory_bytes: Option<u64>,
}

/// Identifier in every VIM of the image with this content: equal images are uploaded once, whichever package brings them.
pub fn image_id(sha256: &str) -> Uuid {
    const IMAGES: Uuid = Uuid::from_u128(0x6d61_6e6f_0000_5000_8000_696d_6167_6573);
    Uuid::new_v5(&IMAGES, sha256.to_ascii_lowercase().as_bytes())
}

/// A VNF of the NS.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VnfDesign {
    /// Its place in the NS: the VNF profile, and a number when there are several of it. Unique in the NS.
    pub part: String,
    /// VNF profile of the NSD.
    pub profile_id: String,
    /// Name given to the VNF instance.
    pub name: String,
    /// Description given to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The VNFD.
    pub vnfd_id: String,
    /// Its onboarded package.
    pub package_id: Uuid,
    /// VNF deployment flavour.
    pub flavour_id: String,
    /// VNF instantiation level; absent means the flavour's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level_id: Option<String>,
    /// Virtual links it is connected to.
    pub connections: Vec<Connection>,
    /// Images it boots from, by [`ImageDesign::image_id`].
    pub images: Vec<Uuid>,
    /// Values for configurable properties.
    #[serde(default, skip_serializing_if = "KeyValuePairs::is_empty")]
    pub configurable: KeyValuePairs,
    /// Parameters of the instantiation that the VNFD declares.
    #[serde(default, skip_serializing_if = "KeyValuePairs::is_empty")]
    pub additional: KeyValuePairs,
    /// Values for extensions.
    #[serde(default, skip_serializing_if = "KeyValuePairs::is_empty")]
    pub extensions: KeyValuePairs,
    /// Metadata to store with the instance.
    #[serde(default, skip_serializing_if = "KeyValuePairs::is_empty")]
    pub metadata: KeyValuePairs,
    /// Seconds of grace that its VNFD asks for at termination; absent means that it is stopped at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grace_seconds: Option<u32>,
    /// Parts of the NS that must run before this one begins.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<String>,
}

/// External connection points of one VNF on one virtual link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Connection {
    /// Identifier of the external virtual link between NFVO and VNFM.
    pub id: Uuid,
    /// Virtual link profile.
    pub link: String,
    /// Connection points, by external connection point descriptor: one entry of addresses for each instance.
    pub cps: BTreeMap<String, Vec<CpAddresses>>,
}

/// Addresses of one instance of a connection point: fixed ones by subnet; in every other subnet of the link an automatic one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CpAddresses {
    /// Fixed addresses, by subnet.
    pub fixed: BTreeMap<Uuid, IpAddr>,
    /// MAC address; absent lets the VIM choose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mac: Option<String>,
}

/// A service access point of the NS.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SapDesign {
    /// Identifier of the SAP instance.
    pub id: Uuid,
    /// Descriptor in the NSD.
    pub sapd_id: String,
    /// Name.
    pub name: String,
    /// Description.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Virtual link it gives access to.
    pub link: String,
}

impl Design {
    /// The virtual link of a profile.
    pub fn link(&self, profile: &str) -> Option<&LinkDesign> {
        self.links.iter().find(|l| l.profile_id == profile)
    }
}
