//! From an OVF descriptor to the design of a VNF: one VDU for each virtual system, named as a template needs it.

use std::collections::BTreeMap;

use super::disk::DiskFormat;
use super::model::{Drive, DriveSource, Envelope, System};
use super::names::Names;

/// A VNF to be written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Design {
    pub(super) product: String,
    pub(super) provider: String,
    pub(super) version: String,
    pub(super) vdus: Vec<VduDesign>,
    /// Internal links: node name and description.
    pub(super) links: Vec<(String, String)>,
    pub(super) licences: Vec<String>,
}

/// A VDU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct VduDesign {
    pub(super) node: String,
    pub(super) name: String,
    pub(super) description: String,
    pub(super) operating_system: Option<String>,
    pub(super) cpus: u32,
    pub(super) memory_bytes: u64,
    /// The boot disk first; it belongs to the VDU itself, the others are storages.
    pub(super) disks: Vec<DiskDesign>,
    pub(super) cps: Vec<CpDesign>,
}

/// A disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DiskDesign {
    /// The VDU's node for the boot disk, the storage's for others.
    pub(super) node: String,
    /// Declared size in bytes; 0 where only the content tells.
    pub(super) capacity_bytes: u64,
    pub(super) content: Option<Content>,
}

/// What fills a disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Content {
    /// File of the appliance.
    pub(super) href: String,
    pub(super) format: DiskFormat,
    /// Path in the package.
    pub(super) path: String,
}

/// A connection point; external where it is on no link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CpDesign {
    pub(super) node: String,
    pub(super) description: String,
    pub(super) link: Option<String>,
}

/// Designs the VNF. `name` and `provider` go before what the descriptor says.
pub(super) fn design(envelope: &Envelope, name: Option<&str>, provider: Option<&str>) -> Design {
    let product = name
        .map(str::to_owned)
        .or_else(|| envelope.product.name.clone())
        .or_else(|| envelope.name.clone())
        .or_else(|| first(envelope, |s| s.product.name.clone()))
        .or_else(|| first(envelope, |s| s.name.clone()))
        .or_else(|| first(envelope, |s| Some(s.id.clone())))
        .unwrap_or_else(|| "appliance".to_owned());
    let vendor = envelope.product.vendor.clone().or_else(|| first(envelope, |s| s.product.vendor.clone()));
    let version = envelope.product.version.clone().or_else(|| first(envelope, |s| s.product.version.clone()));
    let mut names = Names::default();
    names.take(VNF_NODE, VNF_NODE);
    let mut links = BTreeMap::new();
    let mut written = Vec::new();
    for network in envelope.networks.iter().filter(|n| envelope.systems_on(&n.name) > 1) {
        let node = names.take(&network.name, "link");
        written.push((node.clone(), network.description.clone().unwrap_or_else(|| network.name.clone())));
        links.insert(network.name.as_str(), node);
    }
    let vdus = envelope.systems.iter().map(|s| vdu(envelope, s, &links, &mut names)).collect();
    let mut licences = envelope.eulas.clone();
    licences.extend(envelope.systems.iter().flat_map(|s| s.eulas.iter().cloned()));
    Design {
        product: super::names::plain(&product),
        provider: provider.map(super::names::plain).or(vendor).unwrap_or_else(|| "unknown".to_owned()),
        version: version.unwrap_or_else(|| "1.0".to_owned()),
        vdus,
        links: written,
        licences,
    }
}

/// Node template of the VNF itself.
pub(super) const VNF_NODE: &str = "vnf";

fn first<T>(envelope: &Envelope, of: impl Fn(&System) -> Option<T>) -> Option<T> {
    envelope.systems.iter().find_map(of)
}

fn vdu(envelope: &Envelope, system: &System, links: &BTreeMap<&str, String>, names: &mut Names) -> VduDesign {
    let node = names.take(&system.id, "vdu");
    let disks = system.drives.iter().enumerate().map(|(n, drive)| {
        let node = if n == 0 { node.clone() } else { names.take(&format!("{node}_{}", drive.name), "storage") };
        disk(envelope, drive, node)
    });
    let disks = disks.collect();
    let cps = system.nics.iter().map(|nic| {
        let link = links.get(nic.network.as_str()).cloned();
        let network = envelope.networks.iter().find(|n| n.name == nic.network);
        let told = network.and_then(|n| n.description.as_deref()).unwrap_or_default();
        let description = format!("{} on {}", nic.name, nic.network);
        CpDesign {
            // One system's adapters are told apart by their networks, several systems' by the system too.
            node: if envelope.systems.len() == 1 {
                names.take(&nic.network, "port")
            } else {
                names.take(&format!("{node}_{}", nic.network), "port")
            },
            description: if told.is_empty() { description } else { format!("{description}: {told}") },
            link,
        }
    });
    let cps = cps.collect();
    VduDesign {
        name: system.name.clone().unwrap_or_else(|| system.id.clone()),
        description: system.annotation.clone().unwrap_or_else(|| format!("Made from the virtual system {}", system.id)),
        operating_system: system.operating_system.clone(),
        cpus: system.cpus,
        memory_bytes: system.memory_bytes,
        disks,
        cps,
        node,
    }
}

fn disk(envelope: &Envelope, drive: &Drive, node: String) -> DiskDesign {
    let described = drive.source.disk().and_then(|id| envelope.disk(id));
    let content = envelope.content(drive).and_then(|file| {
        let format = match &drive.source {
            DriveSource::Disk(_) => described?.format?,
            DriveSource::File(_) => DiskFormat::from_name(&file.href)?,
        };
        Some(Content { href: file.href.clone(), format, path: format!("Artifacts/Images/{node}.qcow2") })
    });
    DiskDesign { node, capacity_bytes: described.map_or(0, |d| d.capacity_bytes), content }
}
