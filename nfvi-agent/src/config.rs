//! Configuration of the agent.

use std::path::PathBuf;

use reference_points::common::Fault;
use serde::{Deserialize, Serialize};
use service::config::BaseConfig;
use service::run::ServiceConfig;

/// The agent's configuration file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The part that all services share.
    pub service: BaseConfig,
    /// Name of this host; empty means the kernel's host name.
    pub host_name: String,
    /// Directory of images, volumes and machines; absolute. QEMU reads and writes there.
    pub state_dir: PathBuf,
    /// What drives the machines.
    pub driver: Driver,
    /// libvirt's connection URI.
    pub libvirt_uri: String,
    /// Open vSwitch's database, `unix:PATH` or `tcp:HOST:PORT`.
    pub ovsdb: String,
    /// Integration bridge, the one that OVN fills.
    pub bridge: String,
    /// KVM or TCG.
    pub acceleration: AccelerationChoice,
    /// Whether guests and host may leave checksums and segmentation to each other.
    pub offloads: OffloadChoice,
    /// How much of the host is given to machines.
    pub capacity: CapacityConfig,
    /// Seconds between two looks at everything, in case an event was missed; 10 to 86400.
    pub resync_secs: u64,
    /// Largest console log of a machine in bytes; the older half is thrown away beyond it. 64 KiB to 1 GiB.
    pub console_log_bytes: u64,
}

/// What drives the machines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Driver {
    /// libvirt and Open vSwitch.
    #[default]
    Libvirt,
    /// Nothing: machines in memory, for trying the stack out without a hypervisor.
    Sim,
}

/// How guest code is run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AccelerationChoice {
    /// Found out by running a guest for a moment.
    #[default]
    Auto,
    /// KVM, without asking.
    Kvm,
    /// TCG, without asking.
    Tcg,
}

/// Checksum and segmentation offloads of the machines' interfaces.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OffloadChoice {
    /// Off on a userspace datapath, which does not finish what is left to it; on otherwise.
    #[default]
    Auto,
    /// On.
    On,
    /// Off.
    Off,
}

/// How much of the host is given to machines.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CapacityConfig {
    /// Virtual CPUs per host CPU, 0.1 to 64.
    pub cpu_overcommit: f64,
    /// Memory of machines per memory of the host, 0.1 to 4.
    pub memory_overcommit: f64,
    /// Disk promised to machines per disk of the host, 0.1 to 16. Disks grow as they are written.
    pub disk_overcommit: f64,
    /// Memory kept for the host itself, in bytes.
    pub keep_memory_bytes: u64,
    /// Disk that stays free, in bytes: nothing is begun that would go below it.
    pub keep_disk_bytes: u64,
}

impl Default for CapacityConfig {
    fn default() -> Self {
        CapacityConfig {
            cpu_overcommit: 8.0,
            memory_overcommit: 1.0,
            disk_overcommit: 2.0,
            keep_memory_bytes: 512 << 20,
            keep_disk_bytes: 512 << 20,
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Config {
            service: BaseConfig::default(),
            host_name: String::new(),
            state_dir: PathBuf::from("/var/lib/mano/nfvi-agent"),
            driver: Driver::default(),
            libvirt_uri: "qemu:///system".into(),
            ovsdb: "unix:/run/openvswitch/db.sock".into(),
            bridge: "br-int".into(),
            acceleration: AccelerationChoice::default(),
            offloads: OffloadChoice::default(),
            capacity: CapacityConfig::default(),
            resync_secs: 300,
            console_log_bytes: 8 << 20,
        }
    }
}

impl ServiceConfig for Config {
    fn base(&self) -> &BaseConfig {
        &self.service
    }

    fn base_mut(&mut self) -> &mut BaseConfig {
        &mut self.service
    }

    fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        if !self.state_dir.is_absolute() || self.state_dir.to_str().is_none_or(|path| path.contains(',')) {
            // QEMU gives the comma a meaning of its own.
            let fault = Fault::new("/state_dir", "must be an absolute path of plain text without a comma");
            faults.push(fault.mend("e.g. /var/lib/mano/nfvi-agent"));
        }
        if let Err(error) = self.ovsdb.parse::<ovsdb::Endpoint>() {
            faults.push(Fault::new("/ovsdb", error.to_string()).mend("e.g. unix:/run/openvswitch/db.sock"));
        }
        if self.bridge.is_empty() || self.bridge.len() > 15 {
            faults.push(Fault::new("/bridge", "a bridge's name has 1 to 15 characters").mend("e.g. br-int"));
        }
        if self.libvirt_uri.is_empty() || self.libvirt_uri.contains('\0') {
            faults.push(Fault::new("/libvirt_uri", "is no URI").mend("e.g. qemu:///system"));
        }
        let mut range = |at: &str, value: f64, low: f64, high: f64| {
            if !(low..=high).contains(&value) {
                faults.push(Fault::new(at, format!("{value} is out of range")).mend(format!("{low} to {high}")));
            }
        };
        range("/capacity/cpu_overcommit", self.capacity.cpu_overcommit, 0.1, 64.0);
        range("/capacity/memory_overcommit", self.capacity.memory_overcommit, 0.1, 4.0);
        range("/capacity/disk_overcommit", self.capacity.disk_overcommit, 0.1, 16.0);
        range("/resync_secs", self.resync_secs as f64, 10.0, 86_400.0);
        range("/console_log_bytes", self.console_log_bytes as f64, 65_536.0, f64::from(1 << 30));
        faults
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_fault_is_told_at_once() {
        let config: Config = service::config::parse(
            "state_dir: relative\novsdb: ssl:x\nbridge: ''\nlibvirt_uri: ''\nresync_secs: 1\ncapacity: {cpu_overcommit: 0}",
            "test",
        )
        .unwrap();
        let places: Vec<String> = config.faults().into_iter().map(|fault| fault.location).collect();
        assert_eq!(
            places,
            ["/state_dir", "/ovsdb", "/bridge", "/libvirt_uri", "/capacity/cpu_overcommit", "/resync_secs"]
        );
    }

    #[test]
    fn the_defaults_are_usable() {
        assert!(Config::default().faults().is_empty());
    }
}
