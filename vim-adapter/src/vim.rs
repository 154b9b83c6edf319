//! The only seam of the adapter: what a kind of VIM must be able to do. `app` decides and remembers, a driver has the
//! effects. (ETSI GS NFV-IFA 005 and 006.)
//!
//! - What is wanted stands in the store before a driver is called, so a driver may be called again for the same thing after
//!   a crash: everything is "ensure", every deletion of something gone is done.
//! - What takes time is accepted ([`Made::Later`], [`Gone::Later`]) and ends by a [`crate::ledger::Report`].
//! - A VIM's own identifier, where it has one, comes back with [`Made`] and is kept by `app`.
//! - A VIM may leave addresses and placement to the adapter, or do them itself ([`Profile`]).
//! - What a VIM cannot do, or the account may not do, is refused with the reason ([`cannot`]), never with a bare "not
//!   implemented".

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use reference_points::common::ProblemDetails;
use reference_points::nf_vi::{ConsoleAccess, PowerRequest, Reality, Revert};
use reference_points::or_vi::{
    AffinityGroup, Compute, ExternalNetwork, Flavour, Host, MeasuredComputes, MigrateRequest, Network, Port,
    PortAddress, ResourceZone, Snapshot, SoftwareImage, Subnet, VimCapacity, VimInventory, VimReport, Volume,
};
use uuid::Uuid;

use crate::error::{Failure, Result};
use crate::scheduler::Candidate;

/// What a VIM does itself and what it can do at all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Profile {
    /// Words for the consumer, e.g. `provider_networks`.
    pub capabilities: Vec<&'static str>,
    /// It chooses MAC and IP addresses itself.
    pub own_addresses: bool,
    /// It chooses hosts itself.
    pub own_placement: bool,
    /// Volumes live on one host and only computes there can use them.
    pub local_volumes: bool,
    /// The network outside of which the adapter gives addresses to routers and ports; `None` where there is none, or the VIM
    /// does that itself.
    pub external: Option<ExternalNetwork>,
}

impl Profile {
    /// Refuses what is only possible with a capability.
    ///
    /// # Errors
    /// 422, as [`cannot`] tells.
    pub fn needs(&self, capability: &str, what: &str, why: &str) -> Result<()> {
        if self.capabilities.contains(&capability) { Ok(()) } else { Err(cannot(what, why)) }
    }
}

/// Outcome of making something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Made {
    /// It is there and usable.
    Now(Its),
    /// It was accepted; a report tells the end.
    Later(Its),
}

impl Made {
    /// Usable, without anything of the VIM's own to tell.
    pub fn now() -> Self {
        Self::Now(Its::default())
    }

    /// Accepted, without anything of the VIM's own to tell.
    pub fn later() -> Self {
        Self::Later(Its::default())
    }

    /// What the VIM told of its own.
    pub fn its(&self) -> &Its {
        match self {
            Self::Now(its) | Self::Later(its) => its,
        }
    }
}

/// What a VIM chose itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Its {
    /// Its identifier.
    pub id: Option<String>,
    /// MAC and addresses of a port, when the VIM chooses them.
    pub addresses: Option<ItsAddresses>,
    /// Host and zone of a compute, when the VIM chooses them.
    pub place: Option<(String, String)>,
}

/// Addresses of a port that the VIM chose.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ItsAddresses {
    /// MAC address.
    pub mac: String,
    /// IP addresses on its network.
    pub addresses: Vec<PortAddress>,
    /// Address on the external network.
    pub floating: Option<IpAddr>,
}

/// Word among the capabilities for routers to the outside and floating addresses.
pub const ROUTERS: &str = "routers";

/// Word among the capabilities for flavours that a consumer may name.
pub const FLAVOURS: &str = "flavours";

/// Why a VIM has no routers.
pub const NO_ROUTERS: &str = "this VIM was not told of a network outside that routers could lead to (mano vim outside)";

/// Outcome of removing something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gone {
    /// Nothing of it is left.
    Now,
    /// It was accepted; a report tells the end.
    Later,
}

/// A change of a compute that exists (IFA005 clauses 7.3.1.3 update and 7.3.1.8 scale).
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// Another flavour; the machine starts anew for it.
    Resize(Flavour),
    /// The disk it boots from is to have so many bytes, more than now; the machine starts anew for it.
    GrowRoot(u64),
    /// A port more.
    AttachPort(Uuid),
    /// A port less.
    DetachPort(Uuid),
    /// A volume more.
    AttachVolume(Uuid),
    /// A volume less.
    DetachVolume(Uuid),
    /// Its disks and volumes return to a snapshot, or that is taken back. What they held before is kept until the compute's
    /// specification names no return any more.
    Revert(Revert),
}

impl Change {
    /// Whether the machine is stopped and started for it.
    pub fn restarts(&self) -> bool {
        matches!(self, Self::Resize(_) | Self::GrowRoot(_))
    }

    /// The member of the specification that asks for it.
    pub fn member(&self) -> &'static str {
        match self {
            Self::Resize(_) => "flavour",
            Self::GrowRoot(_) => "root",
            Self::AttachPort(_) | Self::DetachPort(_) => "ports",
            Self::AttachVolume(_) | Self::DetachVolume(_) => "volumes",
            Self::Revert(_) => "revert",
        }
    }
}

/// 422: this VIM does not do `what`, and why.
pub fn cannot(what: &str, why: &str) -> Failure {
    ProblemDetails::unprocessable(format!("{what} is not possible here: {why}"), Vec::new()).into()
}

/// One VIM.
#[async_trait]
pub trait Vim: Send + Sync + std::fmt::Debug {
    /// What it does itself and can do at all.
    fn profile(&self) -> Profile;

    /// Asks whether it can be used with what it was registered with.
    ///
    /// # Errors
    /// A problem that says what is wrong and how to mend it; 503 when trying again later may help.
    async fn check(&self) -> Result<()>;

    /// Begins to follow the VIM and to carry out what the store wants of it and was not carried out.
    async fn start(self: Arc<Self>) -> Result<()>;

    /// Ends all work, at a point from where another start goes on.
    async fn stop(&self);

    /// Health of its parts: name to `ok` or what is wrong.
    async fn health(&self) -> BTreeMap<String, String>;

    /// What was found in it and what is missing, looked at now or not long ago; `None` where there is nothing to choose.
    async fn report(&self) -> Option<VimReport> {
        None
    }

    /// Its hosts, where it lets them be seen.
    async fn hosts(&self) -> Result<Vec<Host>>;

    /// Its hosts were changed in the store.
    async fn hosts_changed(&self) -> Result<()>;

    /// Its hosts as the scheduler needs them, without what is reserved; empty when the VIM places itself.
    async fn candidates(&self) -> Result<Vec<Candidate>>;

    /// Resource zones (IFA005 clause 7.3.4).
    async fn zones(&self) -> Result<Vec<ResourceZone>>;

    /// Capacity (IFA005 clause 7.3.4).
    async fn capacity(&self) -> Result<VimCapacity>;

    /// What is really there, asked now. `desired` is set by the caller.
    async fn inventory(&self) -> Result<VimInventory>;

    /// A network with its subnets that the VIM has by itself and that a consumer names by the VIM's own identifier; `None` where
    /// there is none, or all are made by the adapter.
    async fn own_network(&self, _id: Uuid) -> Result<Option<(Network, Vec<Subnet>)>> {
        Ok(None)
    }

    /// The same of a software image: the least disk in bytes that boots from it.
    async fn own_image(&self, _id: Uuid) -> Result<Option<u64>> {
        Ok(None)
    }

    /// Makes a network, or brings it back to what it shall be.
    async fn ensure_network(&self, network: &Network) -> Result<Made>;
    /// Removes a network.
    async fn delete_network(&self, network: &Network) -> Result<Gone>;
    /// Makes a subnet.
    async fn ensure_subnet(&self, subnet: &Subnet) -> Result<Made>;
    /// Removes a subnet.
    async fn delete_subnet(&self, subnet: &Subnet) -> Result<Gone>;
    /// Makes a port.
    async fn ensure_port(&self, port: &Port) -> Result<Made>;
    /// Removes a port.
    async fn delete_port(&self, port: &Port) -> Result<Gone>;

    /// Makes an image from a complete local file.
    async fn ensure_image(&self, image: &SoftwareImage, content: &Path) -> Result<Made>;
    /// Removes an image.
    async fn delete_image(&self, image: &SoftwareImage) -> Result<Gone>;
    /// Makes a volume.
    async fn ensure_volume(&self, volume: &Volume) -> Result<Made>;
    /// Removes a volume.
    async fn delete_volume(&self, volume: &Volume) -> Result<Gone>;

    /// Makes an affinity group, where the VIM has such things.
    async fn ensure_affinity_group(&self, group: &AffinityGroup) -> Result<Made>;
    /// Removes an affinity group.
    async fn delete_affinity_group(&self, group: &AffinityGroup) -> Result<Gone>;

    /// Makes a compute, or tells its changed power state. Where the adapter places, its host stands in it already.
    async fn ensure_compute(&self, compute: &Compute) -> Result<Made>;
    /// Removes a compute.
    async fn delete_compute(&self, compute: &Compute) -> Result<Gone>;
    /// Starts, stops or reboots. What is wanted of the power state stands in the store already.
    async fn power(&self, compute: &Compute, request: &PowerRequest) -> Result<()>;
    /// Moves a compute to another host (IFA006 migrate virtualised compute resource); an event tells the end.
    ///
    /// # Errors
    /// 422 where computes stay on the host that they were placed on, or what the VIM says.
    async fn migrate(&self, _: &Compute, _: &MigrateRequest) -> Result<()> {
        Err(cannot("moving a compute", "its disks are on the host that it was placed on; heal or terminate it instead"))
    }
    /// `Ok` when this change of an existing compute can be made; [`Vim::ensure_compute`] then makes it.
    async fn may_change(&self, compute: &Compute, change: &Change) -> Result<()>;
    /// Takes a snapshot of what a compute's root disk and its volumes hold at one moment (IFA005 clauses 7.3.1 and 7.5.1).
    /// The compute goes on meanwhile.
    async fn ensure_snapshot(&self, snapshot: &Snapshot) -> Result<Made>;
    /// Removes a snapshot.
    async fn delete_snapshot(&self, snapshot: &Snapshot) -> Result<Gone>;
    /// The last bytes of the serial console's log.
    async fn console_log(&self, compute: &Compute, bytes: u64) -> Result<String>;
    /// Where the console can be reached.
    async fn console(&self, compute: &Compute) -> Result<ConsoleAccess>;
    /// Counters of computes that run, each place of them asked once; the others are left out.
    async fn measure(&self, computes: &[Compute]) -> Result<MeasuredComputes>;
    /// What is really there, asked now; `None` when there is nothing.
    async fn reality(&self, compute: &Compute) -> Result<Option<Reality>>;
}
