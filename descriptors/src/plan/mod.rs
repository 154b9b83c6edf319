//! What a VNFD would create, without creating it: VNFCs, processors, memory, disks, ports and networks for every
//! deployment flavour and size (SOL001 clauses 6.8 and 6.10), and whether a described NFVI can hold it.

mod fit;
mod nfvi;

use std::collections::BTreeMap;

use serde::Serialize;

pub use fit::{Fit, Placed, Unplaced, fit};
pub use nfvi::{Host, Nfvi, NfviError};

use crate::network::{PlacementKind, PlacementRule};
use crate::vnfd::{Flavour, Size, StorageKind, Vdu, Vnfd};

/// One flavour at one size.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Sizing {
    /// Deployment flavour.
    pub flavour: String,
    /// Instantiation level; `default` where the flavour has none, `maximum` for the highest level of every aspect.
    pub size: String,
    /// What each VDU adds, in the order of the descriptor.
    pub vdus: Vec<VduSize>,
    /// Sum over all VNFCs.
    pub total: Amounts,
    /// Internal virtual links that are made.
    pub networks: Vec<String>,
    /// External connection points that need a network from outside.
    pub external: Vec<String>,
    /// Affinity and anti-affinity rules.
    pub placement: Vec<Rule>,
}

/// A VDU at a size.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct VduSize {
    /// The VDU.
    pub vdu: String,
    /// Number of VNFCs.
    pub vnfcs: u32,
    /// What each VNFC takes.
    pub each: Amounts,
    /// Disks of each VNFC with their sizes in bytes.
    pub disks: Vec<(String, u64)>,
    /// Connection points of each VNFC.
    pub ports: Vec<String>,
}

/// An amount of everything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Amounts {
    /// VNFCs.
    pub vnfcs: u32,
    /// Virtual CPUs.
    pub vcpus: u64,
    /// Memory in bytes.
    pub memory_bytes: u64,
    /// Disk in bytes.
    pub disk_bytes: u64,
    /// Ports.
    pub ports: u32,
}

impl Amounts {
    fn times(self, n: u32) -> Self {
        Self {
            vnfcs: self.vnfcs.saturating_mul(n),
            vcpus: self.vcpus.saturating_mul(n.into()),
            memory_bytes: self.memory_bytes.saturating_mul(n.into()),
            disk_bytes: self.disk_bytes.saturating_mul(n.into()),
            ports: self.ports.saturating_mul(n),
        }
    }

    fn plus(self, other: Self) -> Self {
        Self {
            vnfcs: self.vnfcs.saturating_add(other.vnfcs),
            vcpus: self.vcpus.saturating_add(other.vcpus),
            memory_bytes: self.memory_bytes.saturating_add(other.memory_bytes),
            disk_bytes: self.disk_bytes.saturating_add(other.disk_bytes),
            ports: self.ports.saturating_add(other.ports),
        }
    }
}

/// An affinity or anti-affinity rule between VDUs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rule {
    /// Policy name.
    pub name: String,
    /// Together or apart.
    pub kind: PlacementKind,
    /// `nfvi_node`, `zone`, …
    pub scope: String,
    /// VDUs concerned.
    pub vdus: Vec<String>,
}

/// Every flavour at each of its instantiation levels, and at its highest scale levels where it scales.
#[must_use]
pub fn sizings(vnfd: &Vnfd) -> Vec<Sizing> {
    let mut all = Vec::new();
    for flavour in &vnfd.flavours {
        if flavour.scaling.levels.is_empty() {
            all.push(sizing(flavour, "default", Size::Default));
        }
        for level in flavour.scaling.levels.keys() {
            all.push(sizing(flavour, level, Size::Level(level)));
        }
        let most: BTreeMap<String, u32> =
            flavour.scaling.aspects.iter().map(|(id, aspect)| (id.clone(), aspect.max_scale_level)).collect();
        if !most.is_empty() {
            all.push(sizing(flavour, "maximum", Size::ScaleLevels(&most)));
        }
    }
    all
}

fn sizing(flavour: &Flavour, name: &str, size: Size<'_>) -> Sizing {
    // A level that does not exist cannot be asked for here: the names come from the flavour itself.
    let count = |vdu: &Vdu| flavour.scaling.instances(&vdu.name, size).unwrap_or(0);
    let vdus: Vec<VduSize> = flavour.vdus.iter().map(|vdu| vdu_size(flavour, vdu, count(vdu))).collect();
    let shared: u64 = shared_storages(flavour, &vdus);
    let sum = vdus.iter().fold(Amounts::default(), |sum, vdu| sum.plus(vdu.each.times(vdu.vnfcs)));
    Sizing {
        flavour: flavour.id.clone(),
        size: name.to_owned(),
        total: Amounts { disk_bytes: sum.disk_bytes.saturating_add(shared), ..sum },
        vdus,
        networks: flavour.virtual_links.iter().map(|link| link.name.clone()).collect(),
        external: flavour.ext_cps.iter().map(|cp| cp.name.clone()).collect(),
        placement: flavour.placement.iter().map(|rule| shown(flavour, rule)).collect(),
    }
}

fn vdu_size(flavour: &Flavour, vdu: &Vdu, vnfcs: u32) -> VduSize {
    let mut disks: Vec<(String, u64)> =
        vdu.local_storages.iter().enumerate().map(|(i, disk)| (format!("local-{}", i + 1), disk.size_bytes)).collect();
    let image = vdu.sw_image.as_ref().and_then(|id| flavour.sw_image(id));
    if let Some(image) = image
        && disks.is_empty()
    {
        disks.push(("root".to_owned(), image.min_disk_bytes.max(image.size_bytes)));
    }
    let own = vdu.storages.iter().filter_map(|name| flavour.storage(name)).filter(|s| s.per_vnfc_instance);
    disks.extend(own.filter(|s| s.kind == StorageKind::Block).map(|s| (s.name.clone(), s.size_bytes)));
    let ports: Vec<String> = flavour.cps_of(&vdu.name).map(|cp| cp.name.clone()).collect();
    VduSize {
        vdu: vdu.name.clone(),
        vnfcs,
        each: Amounts {
            vnfcs: 1,
            vcpus: vdu.cpu.count.into(),
            memory_bytes: vdu.memory.size_bytes,
            disk_bytes: disks.iter().map(|(_, bytes)| *bytes).fold(0, u64::saturating_add),
            ports: u32::try_from(ports.len()).unwrap_or(u32::MAX),
        },
        disks,
        ports,
    }
}

/// Bytes of the storages that all VNFCs of a VDU share: made once when any of them exists.
fn shared_storages(flavour: &Flavour, vdus: &[VduSize]) -> u64 {
    let used = |name: &String| {
        vdus.iter().any(|size| size.vnfcs > 0 && flavour.vdu(&size.vdu).is_some_and(|vdu| vdu.storages.contains(name)))
    };
    let shared = flavour.storages.iter().filter(|s| !s.per_vnfc_instance && used(&s.name));
    shared.map(|s| s.size_bytes).fold(0, u64::saturating_add)
}

fn shown(flavour: &Flavour, rule: &PlacementRule) -> Rule {
    let vdus = rule.targets.iter().filter(|target| flavour.vdu(target).is_some());
    Rule { name: rule.name.clone(), kind: rule.kind, scope: rule.scope.clone(), vdus: vdus.cloned().collect() }
}

/// Bytes for people, in binary units.
#[must_use]
pub fn bytes(n: u64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut value = n as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < units.len() {
        value /= 1024.0;
        unit += 1;
    }
    let number = format!("{value:.1}");
    format!("{} {}", number.strip_suffix(".0").unwrap_or(&number), units[unit])
}
