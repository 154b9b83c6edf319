//! VIMs, their hosts, zones, capacity and true inventory.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

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
    },
    /// A VIM in memory, with scripted boot times and faults.
    Sim {
        /// What it pretends.
        #[serde(default)]
        sim: SimSpec,
    },
}

impl VimKind {
    /// `vimType` of SOL003 VimConnectionInfo.
    pub fn vim_type(&self) -> &'static str {
        match self {
            Self::Hosts { .. } => "MANO.HOSTS.V_1",
            Self::Sim { .. } => "MANO.SIM.V_1",
        }
    }
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
            faults: Vec::new(),
        }
    }
}

/// One scripted fault of a simulated VIM.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SimFault {
    /// `compute`, `port`, `network`, `subnet`, `volume`, `image`.
    pub resource: String,
    /// `create`, `delete` or `boot`.
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
    /// `domain`, `switch_port`, `image`, `volume`, `machine_file`, `logical_switch`, `logical_port`, `dhcp_options` …
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
