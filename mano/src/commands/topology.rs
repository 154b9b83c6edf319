//! `mano topology`: a network service as a drawing of lines: links with their VNFs hanging on them.

use reference_points::os_ma_nfvo::mano::{Topology, TopologyVnf};

use crate::context::Context;
use crate::fail::Failure;
use crate::output::{self, Format};

pub async fn run(context: &Context, ns: &str) -> Result<(), Failure> {
    let ns = context.find_ns(ns).await?;
    let topology = context.mano.topology(ns.id).await?;
    if context.format != Format::Table {
        return output::document(context.format, &serde_json::to_value(&topology)?);
    }
    output::line(draw(&topology).trim_end())?;
    for gap in &topology.gaps {
        output::note(&format!("not known: {gap}"));
    }
    Ok(())
}

/// The drawing. Every link is a rail; below it hang the VNFCs that have a port on it, with their addresses there.
pub fn draw(topology: &Topology) -> String {
    let mut text = format!("{} [{}]\n", topology.name, topology.state);
    for link in &topology.links {
        let physical = link.physical_network.as_ref().map(|p| format!(", physical network {p}")).unwrap_or_default();
        text += &format!("\n══ {} ══ {} ({}{physical})\n", link.name, link.cidrs.join(" "), link.state);
        for vnf in &topology.vnfs {
            for (vnfc, port) in ports_on(vnf, link.network_id) {
                let state = if port.up { "up" } else { "down" };
                let outside = port.floating_address.as_ref().map(|ip| format!(" (outside {ip})")).unwrap_or_default();
                let addresses = port.addresses.join(" ");
                text += &format!("   ├─ {}/{vnfc}  {addresses}{outside}  {} {state}\n", vnf.name, port.mac);
            }
        }
    }
    text += "\nVNFs\n";
    for vnf in &topology.vnfs {
        text += &format!("   {} ({}) [{}] {}\n", vnf.name, vnf.product, vnf.state, vnf.id);
        for vnfc in &vnf.vnfcs {
            let place = vnfc.host.as_ref().map(|h| format!(" on {h}")).unwrap_or_default();
            let id = vnfc.compute_id.map(|id| format!(" {id}")).unwrap_or_default();
            let problem = vnfc.problem.as_ref().map(|p| format!("\n      ! {p}")).unwrap_or_default();
            text += &format!("   └─ {} [{}]{place}{id}{problem}\n", vnfc.vdu, vnfc.state);
        }
    }
    text
}

fn ports_on(
    vnf: &TopologyVnf,
    network: uuid::Uuid,
) -> impl Iterator<Item = (&str, &reference_points::os_ma_nfvo::mano::TopologyPort)> {
    vnf.vnfcs.iter().flat_map(move |vnfc| {
        vnfc.ports.iter().filter(move |port| port.network_id == network).map(move |port| (vnfc.vdu.as_str(), port))
    })
}
