//! The virtual switch as the agent sees it: an integration bridge that OVN fills with flows, and the ports of our
//! machines on it, each bound to its logical port by `iface-id`. libvirt makes and removes the ports with the machines;
//! the agent watches, and plugs back what others took away.

pub mod ovs;
pub mod sim;

use async_trait::async_trait;
use tokio::sync::broadcast;
use uuid::Uuid;

/// A port on the integration bridge that carries, or could carry, a machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SwitchPort {
    /// Interface name, for our machines the tap device.
    pub name: String,
    /// `external_ids:iface-id`, if it is a UUID.
    pub iface_id: Option<Uuid>,
    /// `external_ids:vm-id`, which libvirt sets to the domain's UUID.
    pub vm_id: Option<Uuid>,
}

/// What is known about the switch.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SwitchFacts {
    /// `external_ids:system-id`: the chassis name in OVN.
    pub chassis: Option<String>,
    /// Version of Open vSwitch.
    pub version: Option<String>,
    /// The integration bridge is there.
    pub bridge_present: bool,
    /// Its packets are handled in userspace, which does not finish checksums that guests leave open.
    pub userspace: bool,
}

/// Something happened in the switch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SwitchEvent {
    /// The integration bridge is gone.
    BridgeLost,
    /// The integration bridge is there again.
    BridgeBack,
    /// A port with this iface-id came or went.
    Port {
        /// Port id.
        iface_id: Uuid,
        /// True if it came.
        present: bool,
    },
    /// The switch's database cannot be reached.
    Lost {
        /// Why.
        why: String,
    },
    /// It can be reached again.
    Back,
}

/// Why the switch did not do what it was asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SwitchError {
    /// Open vSwitch's database said no, or said nothing.
    #[error("Open vSwitch could not {action}: {source}")]
    Database {
        /// What was to be done.
        action: String,
        /// The database's answer.
        source: ovsdb::Error,
    },
    /// There is no such bridge to plug a port into.
    #[error("Open vSwitch has no bridge {bridge} to {action}; ovn-controller makes it, is it running?")]
    NoBridge {
        /// Name of the bridge.
        bridge: String,
        /// What was to be done.
        action: String,
    },
}

impl SwitchError {
    /// Trying again later will help without anybody changing anything.
    pub fn is_transient(&self) -> bool {
        match self {
            SwitchError::Database { source, .. } => source.is_transient(),
            SwitchError::NoBridge { .. } => false,
        }
    }
}

/// Result of asking the switch.
pub type Result<T> = std::result::Result<T, SwitchError>;

/// A virtual switch.
#[async_trait]
pub trait Switch: Send + Sync + std::fmt::Debug {
    /// What is known about it now.
    async fn facts(&self) -> Result<SwitchFacts>;

    /// Ports of the integration bridge, without the switch's own (the bridge's local port, patches and tunnels); `None`
    /// while there is no such bridge.
    async fn ports(&self) -> Result<Option<Vec<SwitchPort>>>;

    /// Plugs the tap device of a running machine in again; already plugged is success.
    async fn plug(&self, port: &PlugPlan) -> Result<()>;

    /// Removes every port with this iface-id; none is success.
    async fn unplug(&self, iface_id: Uuid) -> Result<()>;

    /// What happens from now on. A receiver that falls behind must look at everything again.
    fn events(&self) -> broadcast::Receiver<SwitchEvent>;

    /// Follows the switch and tells its events, for ever.
    async fn watch(&self);

    /// `None` while it can be reached, otherwise why not.
    fn trouble(&self) -> Option<String>;

    /// Name of the integration bridge.
    fn bridge(&self) -> &str;
}

/// A port to plug.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlugPlan {
    /// Port id, becomes `iface-id`.
    pub iface_id: Uuid,
    /// Tap device.
    pub tap: String,
    /// MAC address of the guest.
    pub mac: String,
    /// Machine id.
    pub vm_id: Uuid,
}
