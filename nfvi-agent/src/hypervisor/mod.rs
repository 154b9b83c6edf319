//! The hypervisor as the agent sees it: domains that are defined, started, destroyed, and that tell when something
//! happens to them. `libvirt` drives the real one, `sim` plays one in memory.

mod backup;
mod connection;
pub mod domain_xml;
pub mod events;
pub mod libvirt;
pub mod metadata;
pub mod probe;
pub mod sim;
mod stats;
mod xml;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use reference_points::common::Owner;
use reference_points::nf_vi::{ConsoleAccess, DiskFormat, Measurements};
use tokio::sync::broadcast;
use uuid::Uuid;

/// How guest code is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Acceleration {
    /// By the processor, through the kernel's KVM.
    Kvm,
    /// Translated by QEMU.
    Tcg,
}

impl Acceleration {
    /// `kvm` or `tcg`.
    pub fn as_str(self) -> &'static str {
        match self {
            Acceleration::Kvm => "kvm",
            Acceleration::Tcg => "tcg",
        }
    }
}

/// Everything the hypervisor must be told to make a machine.
#[derive(Debug, Clone, PartialEq)]
pub struct DomainPlan {
    /// Machine id; becomes the domain's UUID.
    pub id: Uuid,
    /// Domain name, `mano-` and the end of the id.
    pub name: String,
    /// Name given by the consumer, for people.
    pub title: String,
    /// Owner mark, kept in the domain's metadata.
    pub owner: Owner,
    /// How guest code is run.
    pub acceleration: Acceleration,
    /// Virtual CPUs.
    pub vcpus: u32,
    /// Host CPU of each virtual CPU; empty when they float.
    pub pinned: Vec<u32>,
    /// Memory in bytes, a multiple of 1 MiB.
    pub memory_bytes: u64,
    /// Huge page size in bytes; `None` for ordinary pages.
    pub hugepage_bytes: Option<u64>,
    /// Disks in the order in which the guest sees them; the first is booted from.
    pub disks: Vec<Disk>,
    /// Network interfaces in the order in which the guest sees them.
    pub nics: Vec<Nic>,
    /// File that receives the serial console's output.
    pub console_log: PathBuf,
}

/// A disk of a domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disk {
    /// File on the host.
    pub path: PathBuf,
    /// Format, always told to QEMU so that it never guesses from the guest's bytes.
    pub format: DiskFormat,
    /// The guest may not write.
    pub read_only: bool,
    /// Serial number the guest sees, at most 20 characters.
    pub serial: String,
}

/// A network interface of a domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nic {
    /// Port id; becomes `iface-id` in Open vSwitch.
    pub port_id: Uuid,
    /// MAC address.
    pub mac: String,
    /// MTU in bytes.
    pub mtu: Option<u32>,
    /// Bridge it is plugged into.
    pub bridge: String,
    /// Name of the tap device.
    pub tap: String,
    /// Whether guest and host may leave checksums and segmentation to each other. The userspace datapath of Open vSwitch
    /// does not finish what is left to it, so there they must not.
    pub offloads: bool,
}

/// A copy of a disk of a running domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copy {
    /// File of the disk.
    pub from: PathBuf,
    /// File that is made: a qcow2 that stands for itself.
    pub to: PathBuf,
}

/// What a domain does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DomainState {
    /// It runs, or is on its way down.
    Running,
    /// Halted by somebody.
    Paused,
    /// Halted because a disk write failed.
    PausedIoError,
    /// Defined, not running.
    Shutoff,
    /// The guest crashed and the domain was kept.
    Crashed,
}

impl DomainPlan {
    /// What of it only a start can change.
    pub fn shape(&self) -> Shape {
        Shape {
            vcpus: self.vcpus,
            memory_bytes: self.memory_bytes,
            pinned: self.pinned.clone(),
            hugepage_bytes: self.hugepage_bytes,
        }
    }
}

impl DomainState {
    /// A process of the hypervisor exists for it.
    pub fn is_active(self) -> bool {
        !matches!(self, DomainState::Shutoff)
    }
}

/// What of a domain only its next start can change.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Shape {
    /// Virtual CPUs.
    pub vcpus: u32,
    /// Memory in bytes.
    pub memory_bytes: u64,
    /// Host CPU of each virtual CPU; empty when they float.
    pub pinned: Vec<u32>,
    /// Huge page size in bytes; `None` for ordinary pages.
    pub hugepage_bytes: Option<u64>,
}

/// A domain the hypervisor knows, ours or not.
#[derive(Debug, Clone, PartialEq)]
pub struct DomainInfo {
    /// Its UUID.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// What it does.
    pub state: DomainState,
    /// It stays defined when it stops.
    pub persistent: bool,
    /// What it has now, or starts with when it does not run.
    pub shape: Shape,
    /// Our mark in its metadata.
    pub owner: Option<Owner>,
    /// MAC addresses and port ids of its interfaces, as far as they carry a port id.
    pub ports: Vec<Uuid>,
    /// Files of its disks.
    pub disks: Vec<PathBuf>,
}

/// Something happened in the hypervisor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HypervisorEvent {
    /// A domain was defined, started, suspended, stopped, crashed or undefined.
    Domain {
        /// Which one.
        id: Uuid,
        /// What, for the log: `started`, `stopped (failed)` …
        what: String,
    },
    /// A guest rebooted.
    Rebooted {
        /// Which one.
        id: Uuid,
    },
    /// The connection is lost; what happens meanwhile is not told.
    Lost {
        /// Why.
        why: String,
    },
    /// The connection is back; everything should be looked at again.
    Back,
}

/// Why the hypervisor did not do what it was asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum HypervisorError {
    /// It cannot be reached.
    #[error(
        "libvirt cannot be reached at {uri} to {action}: {why}; is libvirtd running, and may this process use its socket?"
    )]
    Unreachable {
        /// Connection URI.
        uri: String,
        /// What was to be done.
        action: String,
        /// What libvirt's client said.
        why: String,
    },
    /// It knows no such domain.
    #[error("libvirt knows no domain {id} to {action}")]
    NotFound {
        /// Domain UUID.
        id: Uuid,
        /// What was to be done.
        action: String,
    },
    /// The domain is between two states, or somebody else was quicker: looking again tells what is left to do.
    #[error("libvirt could not {action} {what} just now: {answer}")]
    Busy {
        /// What was to be done: `define`, `start` …
        action: String,
        /// On what.
        what: String,
        /// libvirt's own words.
        answer: String,
    },
    /// It refused.
    #[error("libvirt could not {action} {what}: {answer}")]
    Refused {
        /// What was to be done: `define`, `start` …
        action: String,
        /// On what.
        what: String,
        /// libvirt's own words.
        answer: String,
    },
}

impl HypervisorError {
    /// Trying again once the hypervisor is back will help.
    pub fn is_transient(&self) -> bool {
        matches!(self, HypervisorError::Unreachable { .. })
    }

    /// The domain is not there.
    pub fn is_not_found(&self) -> bool {
        matches!(self, HypervisorError::NotFound { .. })
    }
}

/// Version and processor facts of the hypervisor.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HypervisorFacts {
    /// `QEMU 7.2.15, libvirt 9.0.0`.
    pub version: String,
    /// It says that it can use KVM. What it says is not proof, see [`probe`].
    pub advertises_kvm: bool,
}

/// Result of asking the hypervisor.
pub type Result<T> = std::result::Result<T, HypervisorError>;

/// A hypervisor. Every change is "ensure": what is already so is success.
#[async_trait]
pub trait Hypervisor: Send + Sync + std::fmt::Debug {
    /// Version and abilities.
    async fn facts(&self) -> Result<HypervisorFacts>;

    /// All domains, ours and others.
    async fn domains(&self) -> Result<Vec<DomainInfo>>;

    /// One domain.
    async fn domain(&self, id: Uuid) -> Result<Option<DomainInfo>>;

    /// Defines it, or replaces its definition.
    async fn define(&self, plan: &DomainPlan) -> Result<()>;

    /// Starts it.
    async fn start(&self, id: Uuid) -> Result<()>;

    /// Lets a halted one go on.
    async fn resume(&self, id: Uuid) -> Result<()>;

    /// Asks the guest to power off; returns at once.
    async fn ask_shutdown(&self, id: Uuid) -> Result<()>;

    /// Asks the guest to reboot; returns at once.
    async fn ask_reboot(&self, id: Uuid) -> Result<()>;

    /// Resets it as the button would.
    async fn reset(&self, id: Uuid) -> Result<()>;

    /// Ends it as the mains switch would.
    async fn destroy(&self, id: Uuid) -> Result<()>;

    /// Forgets its definition.
    async fn undefine(&self, id: Uuid) -> Result<()>;

    /// Adds an interface to it, now and for its next start.
    async fn attach_nic(&self, id: Uuid, nic: &Nic) -> Result<()>;

    /// Takes the interface with this port id from it. The guest lets go in its own time.
    async fn detach_nic(&self, id: Uuid, port: Uuid) -> Result<()>;

    /// Adds a disk to it, now and for its next start.
    async fn attach_disk(&self, id: Uuid, disk: &Disk) -> Result<()>;

    /// Takes the disk with this file from it. The guest lets go in its own time.
    async fn detach_disk(&self, id: Uuid, path: &Path) -> Result<()>;

    /// Copies what these disks of a running one hold at one moment; ends when all is copied. True if the guest was
    /// quiesced for that moment. It runs on, and its disks stay the files they are, whatever becomes of the copies.
    async fn back_up(&self, id: Uuid, copies: &[Copy]) -> Result<bool>;

    /// Ends a copying that was begun and nobody waits for any more, and lets the guest's file systems go if they are frozen.
    async fn end_back_up(&self, id: Uuid) -> Result<()>;

    /// Counters of many domains in one reading: `wanted` gives the ports of each, `at` is when it is. One that does not
    /// run is left out.
    async fn measure(&self, wanted: BTreeMap<Uuid, Vec<Uuid>>, at: i64) -> Result<BTreeMap<Uuid, Measurements>>;

    /// Where its console can be reached.
    async fn console(&self, id: Uuid) -> Result<ConsoleAccess>;

    /// What happens from now on. A receiver that falls behind must look at everything again.
    fn events(&self) -> broadcast::Receiver<HypervisorEvent>;

    /// `None` while it can be reached, otherwise why not.
    fn trouble(&self) -> Option<String>;

    /// Finds out how guest code can be run, by running some.
    async fn probe(&self) -> Result<probe::Verdict>;
}

/// Domain name of a machine. Ids that sort by time share their beginning, so the end is taken.
pub fn domain_name(id: Uuid) -> String {
    let hex = id.simple().to_string();
    format!("{DOMAIN_PREFIX}{}", &hex[20..])
}

/// How the names of our domains begin.
pub const DOMAIN_PREFIX: &str = "mano-";

/// Name of a port's tap device: at most 15 characters are allowed.
pub fn tap_name(port: Uuid) -> String {
    let hex = port.simple().to_string();
    format!("tap{}", &hex[21..])
}
