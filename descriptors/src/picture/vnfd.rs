//! A deployment flavour of a VNFD as a picture.

use super::{Node, Picture, Rail};
use crate::network::{PlacementKind, VlProfile};
use crate::plan::{Sizing, bytes};
use crate::vnfd::{ExtCpKind, Flavour, Vnfd};

/// Draws a flavour: internal links, external connection points, VDUs with their number of VNFCs.
#[must_use]
pub fn of_vnfd(vnfd: &Vnfd, flavour: &Flavour, sizings: &[Sizing]) -> Picture {
    let mut rails: Vec<Rail> = flavour
        .ext_cps
        .iter()
        .map(|cp| {
            let of = match &cp.kind {
                ExtCpKind::VnfExtCp { internal_virtual_link: Some(link) } => format!(" of {link}"),
                _ => String::new(),
            };
            Rail { name: cp.name.clone(), note: format!("external connection point{of}"), outside: true }
        })
        .collect();
    let outside = rails.len();
    rails.extend(flavour.virtual_links.iter().map(|link| Rail {
        name: link.name.clone(),
        note: note(&link.profile),
        outside: false,
    }));
    let boxes = flavour
        .vdus
        .iter()
        .map(|vdu| {
            let counts = sizings.iter().filter(|s| s.flavour == flavour.id).flat_map(|s| &s.vdus);
            let counts: Vec<u32> = counts.filter(|size| size.vdu == vdu.name).map(|size| size.vnfcs).collect();
            let (least, most) = (counts.iter().min().copied().unwrap_or(1), counts.iter().max().copied().unwrap_or(1));
            let mut lines = vec![format!("{} vCPU, {}", vdu.cpu.count, bytes(vdu.memory.size_bytes))];
            lines.extend(
                vdu.sw_image
                    .as_ref()
                    .and_then(|id| flavour.sw_image(id))
                    .map(|image| format!("{} {}", image.name, image.version)),
            );
            lines.extend(
                vdu.storages
                    .iter()
                    .filter_map(|name| flavour.storage(name))
                    .map(|storage| format!("{} {}", storage.name, bytes(storage.size_bytes))),
            );
            let mut ports = Vec::new();
            for cp in flavour.cps_of(&vdu.name) {
                let inside = cp.virtual_link.as_ref();
                let link = inside.and_then(|link| flavour.virtual_links.iter().position(|l| &l.name == link));
                let exposed = flavour.ext_cps.iter().position(|ext| cp.external.contains(&ext.name));
                ports.extend(link.map(|i| outside + i).or(exposed).map(|rail| {
                    // The box already carries the name of the VDU.
                    let own = cp.name.strip_prefix(&vdu.name).and_then(|rest| rest.strip_prefix('.'));
                    (own.unwrap_or(&cp.name).to_owned(), rail)
                }));
            }
            Node { name: vdu.name.clone(), count: range(least, most), lines, ports }
        })
        .collect();
    let notes = flavour.placement.iter().map(|rule| {
        let how = match rule.kind {
            PlacementKind::Affinity => "together on one",
            PlacementKind::AntiAffinity => "apart on each",
        };
        format!("{}: {} {how} {}", rule.name, rule.targets.join(", "), rule.scope.replace('_', " "))
    });
    Picture {
        title: title(&vnfd.product_name, &vnfd.software_version, &flavour.id),
        rails,
        boxes,
        notes: notes.collect(),
    }
}

/// Name and version, where it has one, with the flavour.
pub(super) fn title(name: &str, version: &str, flavour: &str) -> String {
    let version = if version.is_empty() { String::new() } else { format!(" {version}") };
    format!("{name}{version}, flavour {flavour}")
}

/// `1`, nothing, or `1…4`.
pub(super) fn range(least: u32, most: u32) -> String {
    match (least, most) {
        (1, 1) => String::new(),
        (a, b) if a == b => a.to_string(),
        (a, b) => format!("{a}…{b}"),
    }
}

/// Address blocks and the physical network of a link.
pub(super) fn note(profile: &VlProfile) -> String {
    let mut parts: Vec<String> = profile.l3().map(|l3| l3.cidr.to_string()).collect();
    if let Some(l2) = profile.l2().filter(|l2| l2.is_provider()) {
        parts.extend(l2.name.as_ref().map(|name| format!("on physical network {name}")));
    }
    parts.join("  ")
}
