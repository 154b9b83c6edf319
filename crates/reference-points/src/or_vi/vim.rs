//! VIMs, their hosts, zones, capacity and true inventory.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::network::AddressPool;
use super::openstack::{OpenstackAccessInfo, OpenstackInterfaceInfo};
use crate::common::{Owner, ProblemDetails};
use crate::nf_vi::{Capacity, HostInfo};

/// A VIM as it shall be reached.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VimSpec {
    /// Human-readable name.
    pub name: String,
    /// What kind of VIM, and how to reach it.
    pub kind: VimKind,
}

/// Kinds of VIM.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case", rename_all_fields = "camelCase", tag = "type", deny_unknown_fields)]
pub enum VimKind {
    /// The adapter's own VIM over any number of host agents, with OVN as its network.
    Hosts {
        /// OVN northbound database, `unix:PATH` or `tcp:HOST:PORT`.
        northbound: String,
        /// The network that routers lead to and floating addresses are taken from; absent means that there are none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        external_network: Option<ExternalNetwork>,
    },
    /// A VIM in memory, with scripted boot times and faults.
    Sim {
        /// What it pretends.
        #[serde(default)]
        sim: SimSpec,
    },
    /// An OpenStack; `vimType` ETSINFV.OPENSTACK_KEYSTONE.V_3, or OPENSTACK_V3 as it was called before (SOL003 clause
    /// 4.4.1.6).
    #[serde(alias = "ETSINFV.OPENSTACK_KEYSTONE.V_3", alias = "OPENSTACK_V3")]
    Openstack {
        /// Where its identity service is.
        interface_info: OpenstackInterfaceInfo,
        /// As whom, and for which project.
        #[serde(default)]
        access_info: OpenstackAccessInfo,
    },
}

impl VimKind {
    /// `vimType` of SOL003 VimConnectionInfo.
    pub fn vim_type(&self) -> &'static str {
        match self {
            Self::Hosts { .. } => "MANO.HOSTS.V_1",
            Self::Sim { .. } => "MANO.SIM.V_1",
            Self::Openstack { .. } => "ETSINFV.OPENSTACK_KEYSTONE.V_3",
        }
    }

    /// The same without what is to be kept secret: what is stored in the clear and shown.
    #[must_use]
    pub fn without_secrets(&self) -> Self {
        let mut shown = self.clone();
        if let Self::Openstack { access_info, .. } = &mut shown {
            access_info.password = None;
            access_info.application_credential_secret = None;
            access_info.notifications_url = None;
        }
        shown
    }
}

/// A network outside a VIM, on a physical network of its hosts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExternalNetwork {
    /// Name of the physical network, as the hosts' bridge mappings have it.
    pub physical_network: String,
    /// VLAN id, 1..=4094; absent means untagged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segmentation_id: Option<u16>,
    /// Address block, IPv4.
    #[schema(value_type = String)]
    pub cidr: IpNet,
    /// Who leads further; absent means that nothing beyond the block is reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub gateway: Option<IpAddr>,
    /// Ranges that routers and floating addresses are given addresses of; none means the whole block but its first address, the
    /// gateway and broadcast. Nobody else may give them out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pools: Vec<AddressPool>,
}

/// What a simulated VIM pretends to be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct SimSpec {
    /// Number of hosts.
    pub hosts: u32,
    /// Virtual CPUs of each.
    pub vcpus_per_host: u64,
    /// Memory of each, in bytes.
    pub memory_per_host: u64,
    /// Disk of each, in bytes.
    pub disk_per_host: u64,
    /// Time from accepting a compute until it runs, in milliseconds.
    pub boot_ms: u64,
    /// Time that every other creation takes, in milliseconds.
    pub create_ms: u64,
    /// Load of every virtual CPU in percent, 0 to 100: one value after the other, each for `load_step_ms`, and over again.
    pub cpu_percent: Vec<u8>,
    /// How long each value of `cpu_percent` holds, in milliseconds.
    pub load_step_ms: u64,
    /// Bytes that every port receives and sends in a second, in packets of 1,000 bytes.
    pub bytes_per_second: u64,
    /// How long a compute runs until a fault on `run` strikes it, in milliseconds.
    pub run_ms: u64,
    /// Faults to play.
    pub faults: Vec<SimFault>,
}

impl Default for SimSpec {
    fn default() -> Self {
        Self {
            hosts: 10,
            vcpus_per_host: 64,
            memory_per_host: 256 << 30,
            disk_per_host: 4 << 40,
            boot_ms: 20,
            create_ms: 0,
            cpu_percent: vec![50],
            load_step_ms: 1000,
            bytes_per_second: 0,
            run_ms: 1000,
            faults: Vec::new(),
        }
    }
}

/// One scripted fault of a simulated VIM.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SimFault {
    /// `compute`, `port`, `network`, `subnet`, `volume`, `image`, `snapshot`.
    pub resource: String,
    /// `create`, `delete`, `boot`, of a compute `revert`, or `run`: a compute that runs fails, `run_ms` after it began to.
    pub on: String,

    /// Only resources whose name contains this; absent means all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name_contains: Option<String>,
    /// How many times it happens; absent means always.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u32>,
    /// What it does: `refuse` (409/422 with the text), `unavailable` (503), `cut` (effect happens, the answer does not
    /// come), `error` (accepted, ends in state error).
    pub effect: String,
    /// Words of the VIM.
    pub message: String,
}

/// A VIM as it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Vim {
    /// Chosen by the consumer.
    pub id: Uuid,
    /// How it is reached, without secrets.
    pub spec: VimSpec,
    /// Health of its parts: name to `ok` or what is wrong.
    pub health: BTreeMap<String, String>,
    /// What it can do, e.g. `provider_networks`, `dhcp`, `volumes`.
    pub capabilities: Vec<String>,
    /// What was found in it when it was looked at last, and what is missing; of an OpenStack only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<VimReport>,
}

/// What was found in a VIM: what it offers, what this account may do, and what is missing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VimReport {
    /// Its services.
    pub services: Vec<VimService>,
    /// Project that everything is made in: name and identifier.
    pub project: String,
    /// Roles that the account has there.
    pub roles: Vec<String>,
    /// Regions of the catalogue.
    pub regions: Vec<String>,
    /// Limits, by service and resource, e.g. `compute cores`.
    pub quotas: BTreeMap<String, VimQuota>,
    /// What the account may do beyond its own project's resources: `yes`, or why not.
    pub rights: BTreeMap<String, String>,
    /// What is missing here and what follows from that.
    pub missing: Vec<String>,
    /// Images that can be used, by name, at most 50.
    pub images: Vec<String>,
    /// Networks that lead out of the VIM, by name.
    pub external_networks: Vec<String>,
    /// Resource zones.
    pub zones: Vec<String>,
    /// Requests sent to it since the vim-adapter started, until it was looked at.
    pub requests: u64,
}

/// A service of a VIM.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VimService {
    /// Its type in the catalogue.
    pub service: String,
    /// Base address.
    pub endpoint: String,
    /// Version, with the microversions it understands where it has such.
    pub version: String,
}

/// A limit and what of it is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VimQuota {
    /// Limit; absent means that there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// Taken.
    pub used: u64,
}

/// A host of a VIM of kind `hosts`, as it shall be reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HostSpec {
    /// Base address of its agent.
    pub agent: String,
    /// Resource zone it belongs to.
    #[serde(default = "default_zone")]
    pub zone: String,
    /// Whether new computes may be placed on it.
    #[serde(default = "schedulable")]
    pub schedulable: bool,
}

fn default_zone() -> String {
    "default".to_owned()
}

const fn schedulable() -> bool {
    true
}

/// A host as it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Host {
    /// Its name in this VIM.
    pub name: String,
    /// How it is reached.
    pub spec: HostSpec,
    /// Whether its agent answers.
    pub reachable: bool,
    /// What its agent said last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub info: Option<HostInfo>,
    /// Why it does not answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub problem: Option<ProblemDetails>,
}

/// A resource zone (IFA005 `ResourceZone`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResourceZone {
    /// Identifier in the VIM.
    pub id: String,
    /// `ok` when at least one host of it answers.
    pub state: String,
    /// Hosts in it.
    pub hosts: Vec<String>,
}

/// Capacity of a VIM (IFA005 `CapacityInformation`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VimCapacity {
    /// Everything of every host that answers.
    pub total: Capacity,
    /// Given to computes.
    pub reserved: Capacity,
    /// By zone: total and reserved.
    pub zones: BTreeMap<String, ZoneCapacity>,
}

/// Capacity of a zone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ZoneCapacity {
    /// Everything.
    pub total: Capacity,
    /// Given to computes.
    pub reserved: Capacity,
    /// Largest amount free on one host.
    pub largest_free: Capacity,
}

/// What a VIM and its hosts really hold, asked now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VimInventory {
    /// Everything found.
    pub items: Vec<VimInventoryItem>,
    /// What could not be asked and why; an inventory with an entry here is not complete.
    pub gaps: Vec<String>,
}

/// One thing found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VimInventoryItem {
    /// `domain`, `switch_port`, `image`, `volume`, `snapshot`, `machine_file`, `logical_switch`, `logical_port`, `dhcp_options` …
    pub kind: String,
    /// Host it was found on; absent for things of the network or the VIM as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Its name where it was found.
    pub name: String,
    /// The consumer's id of it, when its name or mark tells one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Uuid>,
    /// The id of the resource it is a part of (a compute for its domain and files), as the consumer knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub belongs_to: Option<Uuid>,
    /// Owner mark found on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Owner>,
    /// Whether the VIM was told to have it.
    pub desired: bool,
}
