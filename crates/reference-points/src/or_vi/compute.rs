//! Virtualised compute resources (IFA005 clause 7.3) and the change notifications of all resources.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Network, Port, Snapshot, SoftwareImage, Volume};
use crate::common::{Owner, ProblemDetails};
use crate::nf_vi::{ConfigDriveLayout, CpuTuning, DesiredPower, Measurements, Revert};

/// A virtualised compute as it shall be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ComputeSpec {
    /// Human-readable name; the guest's host name unless the boot data says otherwise.
    pub name: String,
    /// Owner mark.
    pub owner: Owner,
    /// What it is given.
    pub flavour: Flavour,
    /// What it boots from.
    pub root: ComputeRoot,
    /// Further volumes, in the order in which the guest sees them.
    #[serde(default)]
    pub volumes: Vec<Uuid>,
    /// Ports, in the order in which the guest sees them.
    #[serde(default)]
    pub ports: Vec<Uuid>,
    /// First-boot data; the addresses of the ports are added by the VIM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boot_data: Option<BootData>,
    /// Resource zone it shall be in; absent means any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// Affinity groups it belongs to.
    #[serde(default)]
    pub affinity_groups: Vec<Uuid>,
    /// Desired power state.
    #[serde(default)]
    pub power: DesiredPower,
    /// Snapshot that its disks and volumes shall return to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revert: Option<Revert>,
}

/// CPU, memory and their tuning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Flavour {
    /// Virtual CPUs, 1..=256.
    pub vcpus: u32,
    /// Memory in bytes.
    pub memory_bytes: u64,
    /// Placement inside the host.
    #[serde(default)]
    pub cpu: CpuTuning,
    /// Requirements that only some VIMs understand (`extra specs`).
    #[serde(default)]
    pub extra: BTreeMap<String, String>,
    /// The VIM's own flavour to use, whatever it gives, by the VIM's identifier of it; absent means one that gives what is
    /// wanted. (SOL003 clause 9.5.3.9, `VimComputeResourceFlavour`)
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vim_flavour_id: Option<String>,
}

/// What a compute boots from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "from", deny_unknown_fields)]
pub enum ComputeRoot {
    /// An ephemeral disk with an image's content.
    Image {
        /// Software image of the VIM.
        image_id: Uuid,
        /// Size in bytes; absent means the image's virtual size.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        size_bytes: Option<u64>,
    },
    /// A volume.
    Volume {
        /// Volume of the VIM.
        volume_id: Uuid,
    },
}

/// First-boot data of a compute (IFA005 `UserData`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BootData {
    /// Layout of the config drive.
    #[serde(default)]
    pub layout: ConfigDriveLayout,
    /// Host name; absent means the compute's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hostname: Option<String>,
    /// User data as text, at most 64 KiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_data: Option<String>,
    /// OpenSSH public keys.
    #[serde(default)]
    pub public_keys: Vec<String>,
    /// Key-value pairs for the guest.
    #[serde(default)]
    pub meta: BTreeMap<String, String>,
}

/// Asks to move a compute to another host of its VIM (IFA006 migrate virtualised compute resource).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MigrateRequest {
    /// Whether it goes on meanwhile.
    #[serde(default)]
    pub kind: MigrationKind,
    /// The host it is to be on; absent means one that the VIM chooses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
}

/// How a compute is moved.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum MigrationKind {
    /// While it runs.
    #[default]
    Live,
    /// It is stopped, moved and started again.
    Cold,
}

/// A compute as it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Compute {
    /// Chosen by the consumer.
    pub id: Uuid,
    /// What was asked for.
    pub spec: ComputeSpec,
    /// The VIM's own identifier, when it has another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vim_resource_id: Option<String>,
    /// What is.
    pub state: ComputeState,
    /// Why it is in [`ComputeState::Error`], or what it waits for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub problem: Option<ProblemDetails>,
    /// Host it is on, where the VIM tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Resource zone it is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// The return to a snapshot that happened last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reverted: Option<Revert>,
    /// Microseconds since the epoch of the last change.
    pub changed_at: i64,
}

/// State of a compute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ComputeState {
    /// Accepted; being made.
    Building,
    /// The hypervisor runs it and every one of its ports is up.
    Active,
    /// It exists and does not run, as desired.
    Stopped,
    /// It shall run and does not; the problem says why.
    Error,
    /// Being removed.
    Deleting,
}

/// A group of computes that shall share a host or zone, or shall not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AffinityGroupSpec {
    /// Human-readable name.
    pub name: String,
    /// Owner mark.
    pub owner: Owner,
    /// Together or apart.
    pub policy: AffinityPolicy,
    /// What is shared or not.
    pub scope: AffinityScope,
}

/// Together or apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AffinityPolicy {
    /// On the same one.
    Affinity,
    /// On different ones.
    AntiAffinity,
}

/// What members of a group share or do not share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AffinityScope {
    /// Host.
    NfviNode,
    /// Resource zone.
    Zone,
}

/// An affinity group as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AffinityGroup {
    /// Chosen by the consumer.
    pub id: Uuid,
    /// What was asked for.
    pub spec: AffinityGroupSpec,
    /// The VIM's own identifier, when it has another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vim_resource_id: Option<String>,
    /// Computes in it.
    pub members: Vec<Uuid>,
}

/// What a VIM tells, in order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "event", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum ViEvent {
    /// A compute changed.
    Compute {
        /// As it is now.
        compute: Box<Compute>,
    },
    /// A compute is gone.
    ComputeDeleted {
        /// Which one.
        id: Uuid,
    },
    /// A port changed.
    Port {
        /// As it is now.
        port: Box<Port>,
    },
    /// A network changed.
    Network {
        /// As it is now.
        network: Box<Network>,
    },
    /// A volume changed.
    Volume {
        /// As it is now.
        volume: Box<Volume>,
    },
    /// A volume is gone.
    VolumeDeleted {
        /// Which one.
        id: Uuid,
    },
    /// A snapshot changed.
    Snapshot {
        /// As it is now.
        snapshot: Box<Snapshot>,
    },
    /// A snapshot is gone.
    SnapshotDeleted {
        /// Which one.
        id: Uuid,
    },
    /// A software image changed.
    SoftwareImage {
        /// As it is now.
        image: Box<SoftwareImage>,
    },
    /// Something about the VIM or one of its hosts, for people.
    Vim {
        /// Host concerned, when one is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        host: Option<String>,
        /// Stable word, e.g. `host_lost`, `host_back`, `bridge_lost`.
        what: String,
        /// Explanation.
        detail: String,
        /// Compute concerned, when it is about one (`machine_repaired`).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        compute: Option<Uuid>,
    },
    /// The VIM allows more than it did: a limit was raised, or there is more of what machines are made of.
    AllowsMore {
        /// The infrastructure resource group that it is for: a project of the VIM, or the VIM itself where it has none.
        resource_group: String,
        /// What there is more of.
        resources: Vec<Resources>,
        /// Which limits, for people.
        detail: String,
    },
    /// Events before this one are no longer kept: read the whole state anew.
    Resync {
        /// Why.
        detail: String,
    },
}

/// What a limit of a VIM is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Resources {
    /// Processors, memory, machines.
    Compute,
    /// Disks and volumes.
    Storage,
    /// Networks, ports, addresses.
    Network,
}

/// Computes whose counters are wanted, in one request.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MeasureComputes {
    /// Which, at most [`crate::nf_vi::MAX_MEASURED`].
    pub computes: Vec<Uuid>,
}

/// Counters of many computes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MeasuredComputes {
    /// By compute; one that does not run, or is not known, is left out.
    pub measured: BTreeMap<Uuid, Measurements>,
    /// Hosts that could not be asked, and why.
    pub gaps: Vec<String>,
}
