//! The picture of a network service: what the records say, filled in by the VNFM and the VIM as they are now.

use std::collections::BTreeMap;

use reference_points::or_vi::{Compute, ComputeState, Network, NetworkRealisation, Port, ResourceState};
use reference_points::or_vnfm::{VnfInstance, VnfcResourceInfo};
use reference_points::os_ma_nfvo::mano::{Topology, TopologyLink, TopologyPort, TopologyVnf, TopologyVnfc};
use service::http::ApiResult;
use uuid::Uuid;

use super::App;
use crate::ops::design::{Design, LinkDesign, VnfDesign};
use crate::store::ns::NS;
use crate::store::vnfs;

/// What the VIM holds, as far as it could be asked.
#[derive(Debug, Default)]
struct Seen {
    networks: BTreeMap<Uuid, Network>,
    ports: BTreeMap<Uuid, Port>,
    computes: BTreeMap<Uuid, Compute>,
}

/// The topology of an NS instance.
///
/// # Errors
/// 404 without such an instance.
pub async fn topology(app: &App, id: Uuid) -> ApiResult<Topology> {
    let record = NS.require(&app.db, id).await?.document;
    let mut topology = Topology {
        id,
        name: record.ns.ns_instance_name.clone(),
        state: record.ns.ns_state.as_str().to_owned(),
        nsd_id: record.ns.nsd_id.clone(),
        links: Vec::new(),
        vnfs: Vec::new(),
        gaps: Vec::new(),
    };
    let Some(design) = &record.design else { return Ok(topology) };
    let seen = look(app, design.vim.id, &mut topology.gaps).await;
    topology.links = design.links.iter().map(|l| link(design, l, &seen)).collect();
    let known = vnfs::of_ns(&app.db, id).await?;
    for vnf in &design.vnfs {
        let shown = match known.get(&vnf.part) {
            None => absent(vnf, Uuid::nil()),
            Some(id) => match app.vnfm.get(*id).await {
                Ok(Some(instance)) => present(vnf, &instance, design, &seen),
                Ok(None) => absent(vnf, *id),
                Err(error) => {
                    topology.gaps.push(format!("VNF {}: {error}", vnf.part));
                    absent(vnf, *id)
                }
            },
        };
        topology.vnfs.push(shown);
    }
    Ok(topology)
}

async fn look(app: &App, vim: Uuid, gaps: &mut Vec<String>) -> Seen {
    let (networks, ports, computes) = tokio::join!(app.vi.networks(vim), app.vi.ports(vim), app.vi.computes(vim));
    let mut seen = Seen::default();
    match networks {
        Ok(all) => seen.networks = all.into_iter().map(|n| (n.id, n)).collect(),
        Err(error) => gaps.push(format!("networks: {error}")),
    }
    match ports {
        Ok(all) => seen.ports = all.into_iter().map(|p| (p.id, p)).collect(),
        Err(error) => gaps.push(format!("ports: {error}")),
    }
    match computes {
        Ok(all) => seen.computes = all.into_iter().map(|c| (c.id, c)).collect(),
        Err(error) => gaps.push(format!("computes: {error}")),
    }
    seen
}

fn link(design: &Design, link: &LinkDesign, seen: &Seen) -> TopologyLink {
    TopologyLink {
        name: link.profile_id.clone(),
        network_id: link.network_id,
        vim_id: design.vim.id,
        physical_network: match &link.realisation {
            NetworkRealisation::Overlay => None,
            NetworkRealisation::Flat { physical_network } => Some(physical_network.clone()),
            NetworkRealisation::Vlan { physical_network, segmentation_id } => {
                Some(format!("{physical_network}, VLAN {segmentation_id}"))
            }
        },
        cidrs: link.subnets.iter().map(|s| s.cidr.to_string()).collect(),
        state: match seen.networks.get(&link.network_id).map(|n| n.state) {
            None => "absent",
            Some(ResourceState::Building) => "building",
            Some(ResourceState::Active) => "active",
            Some(ResourceState::Error) => "error",
            Some(ResourceState::Deleting) => "deleting",
        }
        .to_owned(),
    }
}

fn absent(vnf: &VnfDesign, id: Uuid) -> TopologyVnf {
    TopologyVnf {
        id,
        name: vnf.part.clone(),
        product: String::new(),
        vnfd_id: vnf.vnfd_id.clone(),
        state: "absent".to_owned(),
        vnfcs: Vec::new(),
    }
}

fn present(vnf: &VnfDesign, instance: &VnfInstance, design: &Design, seen: &Seen) -> TopologyVnf {
    let info = instance.instantiated_vnf_info.as_ref();
    TopologyVnf {
        id: instance.id,
        name: vnf.part.clone(),
        product: format!("{} {} ({})", instance.vnf_product_name, instance.vnf_software_version, instance.vnf_provider),
        vnfd_id: instance.vnfd_id.clone(),
        state: instance.instantiation_state.as_str().to_owned(),
        vnfcs: info
            .map(|i| i.vnfc_resource_info.iter().map(|r| vnfc(r, instance, design, seen)).collect())
            .unwrap_or_default(),
    }
}

fn vnfc(resource: &VnfcResourceInfo, instance: &VnfInstance, design: &Design, seen: &Seen) -> TopologyVnfc {
    let compute_id: Option<Uuid> = resource.compute_resource.resource_id.parse().ok();
    let compute = compute_id.and_then(|id| seen.computes.get(&id));
    let info = instance.instantiated_vnf_info.as_ref();
    let name = info.and_then(|i| i.vnfc_info.iter().find(|v| v.vnfc_resource_info_id.as_deref() == Some(&resource.id)));
    let cps: BTreeMap<Uuid, String> = port_names(instance);
    TopologyVnfc {
        id: name.map_or_else(|| resource.id.clone(), |v| v.id.clone()),
        vdu: resource.vdu_id.clone(),
        vim_id: compute.map(|_| design.vim.id),
        compute_id,
        host: compute.and_then(|c| c.host.clone()),
        zone: compute.and_then(|c| c.zone.clone()),
        state: match compute.map(|c| c.state) {
            None => "absent",
            Some(ComputeState::Building) => "building",
            Some(ComputeState::Active) => "active",
            Some(ComputeState::Stopped) => "stopped",
            Some(ComputeState::Error) => "error",
            Some(ComputeState::Deleting) => "deleting",
        }
        .to_owned(),
        problem: compute.and_then(|c| c.problem.as_ref()).map(ToString::to_string),
        ports: compute
            .map(|c| c.spec.ports.iter().filter_map(|id| Some(port(seen.ports.get(id)?, &cps, design))).collect())
            .unwrap_or_default(),
    }
}

fn port(port: &Port, cps: &BTreeMap<Uuid, String>, design: &Design) -> TopologyPort {
    let network_id = port.spec.network_id;
    TopologyPort {
        id: port.id,
        name: cps.get(&port.id).cloned().unwrap_or_else(|| port.spec.name.clone()),
        link: design.links.iter().find(|l| l.network_id == network_id).map(|l| l.profile_id.clone()),
        network_id,
        mac: port.mac.clone(),
        addresses: port.addresses.iter().map(|a| format!("{}/{}", a.ip, a.prefix)).collect(),
        floating_address: port.floating_address.map(|ip| ip.to_string()),
        up: port.up,
    }
}

/// Connection point descriptors by the port in the VIM that serves them.
fn port_names(instance: &VnfInstance) -> BTreeMap<Uuid, String> {
    let Some(info) = &instance.instantiated_vnf_info else { return BTreeMap::new() };
    let cp_of = |id: &str| {
        let external = info.ext_cp_info.iter().find(|c| c.id == id).map(|c| c.cpd_id.clone());
        external.or_else(|| {
            let internal = info.vnfc_resource_info.iter().flat_map(|r| &r.vnfc_cp_info);
            internal.into_iter().find(|c| c.id == id).map(|c| c.cpd_id.clone())
        })
    };
    let external = info.ext_virtual_link_info.iter().flat_map(|l| &l.ext_link_ports);
    let internal = info.vnf_virtual_link_resource_info.iter().flat_map(|l| &l.vnf_link_ports);
    external
        .map(|p| (&p.resource_handle, &p.cp_instance_id))
        .chain(internal.map(|p| (&p.resource_handle, &p.cp_instance_id)))
        .filter_map(|(handle, cp)| Some((handle.resource_id.parse().ok()?, cp_of(cp.as_deref()?)?)))
        .collect()
}
