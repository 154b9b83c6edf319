//! From a compute and what it refers to, the machine that one host's agent is asked for. Pure.

use std::collections::HashMap;

use reference_points::nf_vi::{ConfigDrive, GuestAddress, GuestNic, MachineSpec, NicSpec, RootDisk, VolumeAttachment};
use reference_points::or_vi::{Compute, ComputeRoot, Network, NetworkRealisation, Port, Subnet};
use uuid::Uuid;

/// MTU of a tunnelled network whose underlay carries Ethernet's 1500 bytes: Geneve over IPv4 with OVN's option takes 58.
pub const OVERLAY_MTU: u32 = 1442;
/// MTU of a provider network.
pub const PROVIDER_MTU: u32 = 1500;

/// What a compute's ports refer to.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// Ports by id.
    pub ports: HashMap<Uuid, Port>,
    /// Networks by id.
    pub networks: HashMap<Uuid, Network>,
    /// Subnets by id.
    pub subnets: HashMap<Uuid, Subnet>,
}

/// MTU of a network in bytes.
pub fn mtu(network: &Network) -> u32 {
    network.spec.mtu.unwrap_or(match network.spec.realisation {
        NetworkRealisation::Overlay => OVERLAY_MTU,
        NetworkRealisation::Flat { .. } | NetworkRealisation::Vlan { .. } => PROVIDER_MTU,
    })
}

/// The machine of a compute. A port that is not known is left out; the store does not let one go that is in use.
pub fn machine_of(compute: &Compute, around: &Surroundings) -> MachineSpec {
    let spec = &compute.spec;
    let ports: Vec<&Port> = spec.ports.iter().filter_map(|id| around.ports.get(id)).collect();
    let mtu_of = |port: &Port| around.networks.get(&port.spec.network_id).map(mtu);
    let boot = spec.boot_data.clone().unwrap_or_default();
    let config_drive = (spec.boot_data.is_some() || !ports.is_empty()).then(|| ConfigDrive {
        layout: boot.layout,
        hostname: boot.hostname.clone().unwrap_or_else(|| hostname(&spec.name)),
        user_data: boot.user_data,
        public_keys: boot.public_keys,
        nics: ports.iter().map(|port| guest_nic(port, mtu_of(port), around)).collect(),
        meta: boot.meta,
    });
    MachineSpec {
        name: spec.name.clone(),
        owner: spec.owner.clone(),
        vcpus: spec.flavour.vcpus,
        memory_bytes: spec.flavour.memory_bytes,
        cpu: spec.flavour.cpu.clone(),
        root: match &spec.root {
            ComputeRoot::Image { image_id, size_bytes } => {
                RootDisk::Image { image_id: *image_id, size_bytes: *size_bytes }
            }
            ComputeRoot::Volume { volume_id } => RootDisk::Volume { volume_id: *volume_id },
        },
        volumes: spec.volumes.iter().map(|id| VolumeAttachment { volume_id: *id }).collect(),
        nics: ports.iter().map(|port| NicSpec { port_id: port.id, mac: port.mac.clone(), mtu: mtu_of(port) }).collect(),
        config_drive,
        power: spec.power,
        revert: spec.revert,
    }
}

fn guest_nic(port: &Port, mtu: Option<u32>, around: &Surroundings) -> GuestNic {
    let mut dns = Vec::new();
    let addresses = port
        .addresses
        .iter()
        .map(|address| {
            let subnet = around.subnets.get(&address.subnet_id).map(|subnet| &subnet.spec);
            for server in subnet.into_iter().flat_map(|subnet| &subnet.dns) {
                if !dns.contains(server) {
                    dns.push(*server);
                }
            }
            // A port that is the gateway has none on its own network.
            let gateway = subnet.and_then(|subnet| subnet.gateway).filter(|gateway| *gateway != address.ip);
            GuestAddress { ip: address.ip, prefix: address.prefix, gateway }
        })
        .collect();
    GuestNic { mac: port.mac.clone(), mtu, addresses, dns }
}

/// A host name after RFC 1123 that resembles a resource's name.
pub fn hostname(name: &str) -> String {
    let plain: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    let short: String = plain.trim_matches('-').chars().take(63).collect();
    let short = short.trim_matches('-');
    if short.is_empty() { "guest".to_owned() } else { short.to_owned() }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_host_name_is_made_of_any_name() {
        assert_eq!(hostname("Web_1.internal"), "web-1-internal");
        assert_eq!(hostname("--ä--"), "guest");
        assert_eq!(hostname(&"x".repeat(100)).len(), 63);
        assert_eq!(hostname(&format!("{}-y", "x".repeat(62))), "x".repeat(62));
    }
}
