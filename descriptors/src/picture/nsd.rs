//! A deployment flavour of an NSD as a picture.

use super::vnfd::{note, range, title};
use super::{Node, Picture, Rail};
use crate::nsd::{Connection, NsFlavour, Nsd};

/// Draws a flavour: virtual links with their service access points, VNFs, PNFs and nested services.
#[must_use]
pub fn of_nsd(nsd: &Nsd, flavour: &NsFlavour) -> Picture {
    let rails: Vec<Rail> = flavour
        .virtual_links
        .iter()
        .map(|link| {
            let saps = flavour.saps.iter().filter(|sap| sap.virtual_link.as_ref() == Some(&link.name));
            let saps: Vec<&str> = saps.map(|sap| sap.name.as_str()).collect();
            let mut parts = vec![note(&link.profile)];
            if !saps.is_empty() {
                parts.push(format!("SAP {}", saps.join(", ")));
            }
            parts.retain(|part| !part.is_empty());
            Rail { name: link.name.clone(), note: parts.join("  "), outside: false }
        })
        .collect();
    let ports = |connections: &[Connection]| -> Vec<(String, usize)> {
        let rail = |c: &Connection| rails.iter().position(|rail| rail.name == c.virtual_link);
        connections.iter().filter_map(|c| Some((c.cp.clone(), rail(c)?))).collect()
    };
    let vnfs = flavour.vnfs.iter().map(|vnf| {
        let mut lines = vec![format!("VNF {}", kind(&vnf.node_type, &vnf.vnfd_id))];
        lines.extend(vnf.flavour_id.as_ref().map(|id| format!("flavour {id}")));
        lines.extend(vnf.instantiation_level.as_ref().map(|id| format!("level {id}")));
        let count = range(vnf.min_instances, vnf.max_instances);
        Node { name: vnf.name.clone(), count, lines, ports: ports(&vnf.connections) }
    });
    let nested = flavour.nested_ns_profiles.iter().map(|ns| {
        let mut lines = vec![format!("NS {}", kind(&ns.node_type, &ns.nsd_id))];
        lines.extend(ns.flavour_id.as_ref().map(|id| format!("flavour {id}")));
        lines.extend(ns.profile.instantiation_level.as_ref().map(|id| format!("level {id}")));
        let count = range(ns.profile.min_instances, ns.profile.max_instances);
        Node { name: ns.name.clone(), count, lines, ports: ports(&ns.connections) }
    });
    let pnfs = flavour.pnf_profiles.iter().map(|pnf| Node {
        name: pnf.name.clone(),
        count: String::new(),
        lines: vec![format!("PNF {}", kind(&pnf.node_type, &pnf.pnfd_id))],
        ports: ports(&pnf.connections),
    });
    let mut notes: Vec<String> = flavour
        .dependencies
        .iter()
        .map(|(node, others)| format!("{node} is made after {}", others.join(", ")))
        .collect();
    let loose: Vec<&str> =
        flavour.saps.iter().filter(|sap| sap.virtual_link.is_none()).map(|sap| sap.name.as_str()).collect();
    if !loose.is_empty() {
        notes.push(format!("on no virtual link: SAP {}", loose.join(", ")));
    }
    notes.extend(flavour.forwarding_graphs.iter().map(|graph| format!("forwarding graph {}", graph.name)));
    Picture {
        title: title(&nsd.name, &nsd.version, &flavour.id),
        boxes: vnfs.chain(nested).chain(pnfs).collect(),
        rails,
        notes,
    }
}

/// The node type of a part; SOL006 has none, so its descriptor is named.
fn kind<'a>(node_type: &'a str, descriptor_id: &'a str) -> &'a str {
    if node_type.is_empty() { descriptor_id } else { node_type }
}
