//! Virtual machines of a host: the desired specification, what became of it, and the events that tell.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::snapshot::{Revert, Snapshot};
use crate::common::{Owner, ProblemDetails};

/// A virtual machine as it shall be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MachineSpec {
    /// Human-readable name; need not be unique.
    pub name: String,
    /// Owner mark, kept in the hypervisor's metadata of the machine.
    pub owner: Owner,
    /// Virtual CPUs, 1..=256.
    pub vcpus: u32,
    /// Memory in bytes, a multiple of 1 MiB.
    pub memory_bytes: u64,
    /// Placement wishes inside the host.
    #[serde(default)]
    pub cpu: CpuTuning,
    /// What it boots from.
    pub root: RootDisk,
    /// Further disks, in the order in which the guest sees them.
    #[serde(default)]
    pub volumes: Vec<VolumeAttachment>,
    /// Network interfaces, in the order in which the guest sees them.
    #[serde(default)]
    pub nics: Vec<NicSpec>,
    /// First-boot data on a read-only disk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_drive: Option<ConfigDrive>,
    /// Desired power state. The only member that may change without a new machine; NICs and volumes may be added or
    /// removed where the hypervisor allows it.
    #[serde(default)]
    pub power: DesiredPower,
    /// Snapshot that the disks shall return to. May change without a new machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revert: Option<Revert>,
}

/// Placement inside a host.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CpuTuning {
    /// Pin every virtual CPU to a host CPU of its own.
    #[serde(default)]
    pub dedicated: bool,
    /// Huge page size for the guest's memory in bytes; absent means the host's ordinary pages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hugepage_bytes: Option<u64>,
}

/// What a machine boots from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "from", deny_unknown_fields)]
pub enum RootDisk {
    /// A copy-on-write overlay over an image of this host, of `size_bytes` or the image's own size if that is larger.
    Image {
        /// Image of this host.
        image_id: Uuid,
        /// Size in bytes; absent means the image's virtual size.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        size_bytes: Option<u64>,
    },
    /// A volume of this host.
    Volume {
        /// Volume of this host.
        volume_id: Uuid,
    },
}

/// A volume on a machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VolumeAttachment {
    /// Volume of this host.
    pub volume_id: Uuid,
}

/// A network interface; the virtual switch binds it to its logical port by the port's id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NicSpec {
    /// Port id; becomes `external_ids:iface-id` in Open vSwitch.
    pub port_id: Uuid,
    /// MAC address, lower case with colons.
    pub mac: String,
    /// MTU in bytes; absent means the hypervisor's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mtu: Option<u32>,
}

/// Power state that shall be reached.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DesiredPower {
    /// Running; started again when it died by itself or with its host.
    #[default]
    Running,
    /// Stopped.
    Stopped,
}

/// First-boot data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConfigDrive {
    /// Layout the image expects.
    #[serde(default)]
    pub layout: ConfigDriveLayout,
    /// Host name the guest takes.
    pub hostname: String,
    /// User data as text (cloud-init formats or a script), at most 64 KiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_data: Option<String>,
    /// OpenSSH public keys.
    #[serde(default)]
    pub public_keys: Vec<String>,
    /// Address configuration of the NICs, by MAC.
    #[serde(default)]
    pub nics: Vec<GuestNic>,
    /// Further key-value pairs for the guest (`meta` of the OpenStack layout).
    #[serde(default)]
    pub meta: BTreeMap<String, String>,
}

/// Layout of the config drive.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ConfigDriveLayout {
    /// OpenStack's, label `config-2`.
    #[default]
    Openstack,
    /// NoCloud, label `cidata`.
    Nocloud,
}

/// Address configuration of one NIC inside the guest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GuestNic {
    /// MAC address of the NIC.
    pub mac: String,
    /// MTU in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mtu: Option<u32>,
    /// Static addresses; none means DHCP.
    #[serde(default)]
    pub addresses: Vec<GuestAddress>,
    /// DNS servers.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    pub dns: Vec<IpAddr>,
}

/// A static address of a NIC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GuestAddress {
    /// IPv4 or IPv6 address.
    #[schema(value_type = String)]
    pub ip: IpAddr,
    /// Prefix length.
    pub prefix: u8,
    /// Default gateway on this network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub gateway: Option<IpAddr>,
}

/// A machine as it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Machine {
    /// Chosen by the caller; also the hypervisor's UUID of the domain.
    pub id: Uuid,
    /// What shall be.
    pub spec: MachineSpec,
    /// What is.
    pub state: MachineState,
    /// Why it is in [`MachineState::Error`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub problem: Option<ProblemDetails>,
    /// Name of the domain in the hypervisor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// The return to a snapshot that happened last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reverted: Option<Revert>,
    /// Microseconds since the epoch of the last change of state.
    pub changed_at: i64,
}

/// State of a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MachineState {
    /// Accepted; being made.
    Building,
    /// The hypervisor runs it.
    Running,
    /// It exists and does not run, as desired.
    Stopped,
    /// It shall run and does not, and trying again does not help by itself; `problem` says why.
    Error,
    /// Being removed.
    Deleting,
}

/// A power action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PowerRequest {
    /// What to do.
    pub action: PowerAction,
    /// For graceful actions: seconds until force is used, 1..=3600; absent means 60.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grace_seconds: Option<u32>,
}

/// Kinds of power action (IFA006 operate virtualised compute resource).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PowerAction {
    /// Run it.
    Start,
    /// Power off at once.
    Stop,
    /// Ask the guest to power off (ACPI), force after the grace period.
    StopGraceful,
    /// Reset.
    Reboot,
    /// Ask the guest to reboot, force after the grace period.
    RebootGraceful,
}

/// Where a console can be reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConsoleAccess {
    /// `pty` or `unix`.
    pub kind: String,
    /// Path on the host.
    pub path: String,
    /// Command that opens it on the host.
    pub command: String,
}

/// Counters of a machine since its start.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Measurements {
    /// Microseconds since the epoch when they were read.
    pub at: i64,
    /// CPU time used by all virtual CPUs, in nanoseconds.
    pub cpu_time_ns: u64,
    /// Memory given to the guest, in bytes.
    pub memory_bytes: u64,
    /// Resident memory of the guest's process, in bytes.
    pub resident_bytes: u64,
    /// Bytes read from disks.
    pub disk_read_bytes: u64,
    /// Bytes written to disks.
    pub disk_write_bytes: u64,
    /// Bytes received, by port.
    pub received_bytes: BTreeMap<Uuid, u64>,
    /// Bytes sent, by port.
    pub sent_bytes: BTreeMap<Uuid, u64>,
    /// Memory that the guest uses, in bytes, as its balloon driver says; absent while it says nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used_bytes: Option<u64>,
    /// Read requests to disks.
    #[serde(default)]
    pub disk_read_requests: u64,
    /// Write requests to disks.
    #[serde(default)]
    pub disk_write_requests: u64,
    /// Size of all disks as the guest sees them, in bytes.
    #[serde(default)]
    pub disk_capacity_bytes: u64,
    /// What they take on the host, in bytes.
    #[serde(default)]
    pub disk_allocation_bytes: u64,
    /// Packets received, by port.
    #[serde(default)]
    pub received_packets: BTreeMap<Uuid, u64>,
    /// Packets sent, by port.
    #[serde(default)]
    pub sent_packets: BTreeMap<Uuid, u64>,
}

/// Machines whose counters are wanted, in one request.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MeasureMachines {
    /// Which, at most [`MAX_MEASURED`].
    pub machines: Vec<Uuid>,
}

/// Counters of many machines.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MeasuredMachines {
    /// By machine; one that does not run is left out.
    pub measured: BTreeMap<Uuid, Measurements>,
}

/// Machines or computes measured by one request, at most.
pub const MAX_MEASURED: usize = 10_000;

/// What an agent tells, in order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "event", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum AgentEvent {
    /// A machine was accepted, changed state, failed or was repaired.
    Machine {
        /// The whole machine as it is now.
        machine: Box<Machine>,
    },
    /// A machine is gone with all that belonged to it.
    MachineDeleted {
        /// Which one.
        id: Uuid,
    },
    /// A snapshot was accepted, is ready or failed.
    Snapshot {
        /// The whole snapshot as it is now.
        snapshot: Box<Snapshot>,
    },
    /// A snapshot is gone.
    SnapshotDeleted {
        /// Which one.
        id: Uuid,
    },
    /// Something about the host: a bridge that vanished or came back, libvirt lost or found, a disk running full.
    Host {
        /// Stable word: `bridge_lost`, `bridge_back`, `hypervisor_lost`, `hypervisor_back`, `switch_lost`, `switch_back`, `disk_low`, `disk_ok`,
        /// `machine_repaired`.
        what: String,
        /// Explanation for people.
        detail: String,
        /// Machine concerned, when it is about one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        machine: Option<Uuid>,
    },
    /// Events before this one are no longer kept: read the whole state anew.
    Resync {
        /// Why.
        detail: String,
    },
}
