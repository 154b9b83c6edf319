//! A running VNF held against its descriptor: what the descriptor and the request that it is made by say it has, and what the
//! VIM says it has. Pure; asking the VIM is the application's.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;

use descriptors::vnfd::{Flavour, Size, SizeError};
use reference_points::nf_vi::Reality;
use reference_points::or_vi::{AffinityPolicy, AffinityScope, Compute, Port, Volume};
use reference_points::os_ma_nfvo::verification::Check;
use uuid::Uuid;

use super::blueprint::{Blueprint, GroupPart, PortPart, RootPart, VnfcPart};
use super::inventory::volumes_of;
use super::record::Facts;
use super::scale::levels_of;
use super::transition::{Counts, sized};

/// What the VIM answered, by identifier; what it does not have is not in here.
#[derive(Debug, Default)]
pub struct Found {
    /// Computes.
    pub computes: BTreeMap<Uuid, Compute>,
    /// What is really there of them.
    pub realities: BTreeMap<Uuid, Reality>,
    /// Ports.
    pub ports: BTreeMap<Uuid, Port>,
    /// Volumes.
    pub volumes: BTreeMap<Uuid, Volume>,
    /// Networks.
    pub networks: BTreeSet<Uuid>,
}

/// VNFCs of each VDU that an instance of these facts has: those of its instantiation level, and what its scale levels add to
/// them or take from them.
///
/// # Errors
/// When the flavour does not have such levels.
pub fn counts(flavour: &Flavour, facts: &Facts) -> Result<Counts, SizeError> {
    let (mut counts, first) = sized(flavour, facts.request.instantiation_level_id.as_deref())?;
    let now = levels_of(facts);
    for (vdu, count) in &mut counts {
        let at_first = flavour.scaling.instances(vdu, Size::ScaleLevels(&first))?;
        let at_now = flavour.scaling.instances(vdu, Size::ScaleLevels(&now))?;
        *count = count.saturating_add(at_now).saturating_sub(at_first);
    }
    Ok(counts)
}

/// Every check, in the order of the blueprint. `stopped` are VNFCs that an operation stopped.
pub fn checks(target: &Blueprint, counts: &Counts, stopped: &BTreeSet<Uuid>, found: &Found) -> Vec<Check> {
    let mut checks: Vec<Check> = counts.iter().map(|(vdu, count)| level(target, vdu, *count, found)).collect();
    for link in &target.links {
        let there = if found.networks.contains(&link.id) { "there" } else { "not there" };
        checks.push(Check::equal(&format!("virtual link {}", link.desc), "network", "there", there));
    }
    for vnfc in &target.vnfcs {
        machine(vnfc, stopped.contains(&vnfc.id), found, &mut checks);
        vnfc.ports.iter().for_each(|port| connected(port, found, &mut checks));
    }
    for volume in &target.volumes {
        let has = found.volumes.get(&volume.id).map(|v| v.spec.size_bytes);
        checks.push(Check::equal(
            &format!("volume {}", volume.name),
            "size",
            bytes(volume.size_bytes),
            shown(has, bytes),
        ));
    }
    checks.extend(target.groups.iter().map(|group| placed(group, target, found)));
    checks
}

fn level(target: &Blueprint, vdu: &str, count: u32, found: &Found) -> Check {
    let of = target.vnfcs.iter().filter(|v| v.vdu == vdu && found.computes.contains_key(&v.id));
    Check::equal(&format!("VDU {vdu}"), "level", format!("{count} VNFCs"), format!("{} VNFCs", of.count()))
}

fn machine(vnfc: &VnfcPart, stopped: bool, found: &Found, checks: &mut Vec<Check>) {
    let subject = format!("VNFC {}", vnfc.name);
    let real = found.realities.get(&vnfc.id);
    let mut equal = |aspect: &str, expected: String, has: String| {
        checks.push(Check::equal(&subject, aspect, expected, has));
    };
    let runs = |runs: bool| if runs { "runs" } else { "stopped" }.to_owned();
    equal("power", runs(!stopped), shown(real, |r| runs(r.runs)));
    equal("vCPUs", vnfc.flavour.vcpus.to_string(), shown(real, |r| r.vcpus.to_string()));
    equal("memory", bytes(vnfc.flavour.memory_bytes), shown(real, |r| bytes(r.memory_bytes)));
    if let RootPart::Image { size_bytes: Some(wanted), .. } = vnfc.root {
        let has = real.and_then(|r| r.disks.iter().find(|d| d.volume_id.is_none())).and_then(|d| d.size_bytes);
        // A disk that has grown does not become smaller: more than is asked for holds.
        let has = has.map(|has| if has >= wanted { wanted } else { has });
        equal("root disk", bytes(wanted), shown(has, bytes));
    }
    let volumes = |ids: BTreeSet<Uuid>| names(ids.iter());
    let has = |r: &Reality| volumes(r.disks.iter().filter_map(|d| d.volume_id).collect());
    equal("volumes", volumes(volumes_of(vnfc).collect()), shown(real, has));
    let ports = |ids: BTreeSet<Uuid>| names(ids.iter());
    let has = |r: &Reality| ports(r.ports.iter().filter(|p| p.plugged || !r.runs).map(|p| p.id).collect());
    equal("ports", ports(vnfc.nics().collect()), shown(real, has));
}

fn connected(port: &PortPart, found: &Found, checks: &mut Vec<Check>) {
    let subject = format!("port {}", port.name);
    let there = found.ports.get(&port.id);
    let network = port.on.network();
    checks.push(Check::equal(&subject, "network", network, shown(there, |p| p.spec.network_id.to_string())));
    let fixed: BTreeSet<_> = port.addresses.iter().filter_map(|a| a.ip).collect();
    let addresses = |p: &Port| {
        let has: BTreeSet<_> = p.addresses.iter().map(|a| a.ip).collect();
        match fixed.is_subset(&has) {
            true if has.len() >= port.addresses.len() => asked_for(port),
            _ => names(has.iter()),
        }
    };
    checks.push(Check::equal(&subject, "addresses", asked_for(port), shown(there, addresses)));
}

/// Addresses that a port is asked to have, in words.
fn asked_for(port: &PortPart) -> String {
    let one = |ip: &Option<std::net::IpAddr>| ip.map_or_else(|| "any".to_owned(), |ip| ip.to_string());
    let all: Vec<String> = port.addresses.iter().map(|a| one(&a.ip)).collect();
    if all.is_empty() { "any".to_owned() } else { all.join(", ") }
}

fn placed(group: &GroupPart, target: &Blueprint, found: &Found) -> Check {
    let place = |id: &Uuid| {
        let compute = found.computes.get(id)?;
        match group.scope {
            AffinityScope::NfviNode => compute.host.clone(),
            AffinityScope::Zone => compute.zone.clone(),
        }
    };
    let members: Vec<&VnfcPart> = target.vnfcs.iter().filter(|v| v.groups.contains(&group.id)).collect();
    let places: Vec<String> = members.iter().filter_map(|v| place(&v.id)).collect();
    let distinct: BTreeSet<&String> = places.iter().collect();
    let (expected, holds) = match group.policy {
        AffinityPolicy::Affinity => ("together", distinct.len() <= 1),
        AffinityPolicy::AntiAffinity => ("apart", distinct.len() == places.len()),
    };
    let told = || members.iter().map(|v| format!("{} on {}", v.name, shown(place(&v.id), |p| p)));
    let shown = if holds { expected.to_owned() } else { told().collect::<Vec<_>>().join(", ") };
    Check::equal(&format!("affinity rule {}", group.name), "placement", expected, shown)
}

fn shown<T>(value: Option<T>, show: impl Fn(T) -> String) -> String {
    value.map_or_else(|| "not there".to_owned(), show)
}

fn names<T: Display>(all: impl Iterator<Item = T>) -> String {
    let all: Vec<String> = all.map(|one| one.to_string()).collect();
    if all.is_empty() { "none".to_owned() } else { all.join(", ") }
}

/// An amount of memory or disk: in MiB where it is a whole number of them.
fn bytes(amount: u64) -> String {
    match amount.is_multiple_of(1 << 20) {
        true => format!("{} MiB", amount >> 20),
        false => format!("{amount} bytes"),
    }
}
