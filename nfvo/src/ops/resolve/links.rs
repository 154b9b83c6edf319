//! Virtual links of the NSD as networks and subnets of a VIM.

use descriptors::network::{L2ProtocolData, L3ProtocolData};
use descriptors::nsd::{NsFlavour, NsVirtualLink};
use descriptors::vnfd::ExtCp;
use reference_points::common::Fault;
use reference_points::or_vi::{AddressPool, NetworkRealisation};

use super::vnfs::Profile;
use crate::ops::addresses::Addresses;
use crate::ops::design::{IdSource, LinkDesign, SubnetDesign, VimRef};

/// A link with the addresses that are left in each of its subnets.
#[derive(Debug, Clone)]
pub struct Link {
    pub design: LinkDesign,
    pub addresses: Vec<Addresses>,
}

impl Link {
    /// Takes over what was reserved: the VIM gets the pools without it.
    pub fn settle(&mut self) {
        for (subnet, addresses) in self.design.subnets.iter_mut().zip(&self.addresses) {
            if addresses.any_taken() {
                subnet.pools = addresses.pools();
            }
        }
    }
}

pub fn links(flavour: &NsFlavour, ids: &dyn IdSource, faults: &mut Vec<Fault>) -> Vec<Link> {
    flavour.virtual_links.iter().map(|vl| link(vl, ids, faults)).collect()
}

fn link(vl: &NsVirtualLink, ids: &dyn IdSource, faults: &mut Vec<Fault>) -> Link {
    let at = format!("NSD, virtual link {}", vl.name);
    let l2 = vl.profile.l2();
    let network_id = ids.mint();
    let subnets: Vec<SubnetDesign> = vl.profile.l3().map(|l3| subnet(l3, ids)).collect();
    for (i, one) in subnets.iter().enumerate() {
        if let Some(other) = subnets[..i].iter().find(|o| o.cidr.contains(&one.cidr) || one.cidr.contains(&o.cidr)) {
            faults.push(Fault::new(at.as_str(), format!("its subnets {} and {} overlap", other.cidr, one.cidr)));
        }
    }
    let addresses = subnets.iter().map(|s| Addresses::new(s.cidr, s.gateway, &s.pools)).collect();
    let design = LinkDesign {
        profile_id: vl.name.clone(),
        desc_id: vl.name.clone(),
        network_id,
        realisation: realisation(l2, &at, faults),
        mtu: l2.and_then(|l2| l2.mtu),
        max_port_bitrate: vl.profile.max_port_bitrate(),
        subnets,
    };
    Link { design, addresses }
}

/// Links of connection points that are to have floating addresses get routers on their IPv4 subnets.
pub fn route(links: &mut [Link], profiles: &[Profile<'_>], flavour: &NsFlavour, vim: &VimRef, faults: &mut Vec<Fault>) {
    for link in links {
        let name = &link.design.profile_id;
        let mut connected = profiles.iter().flat_map(|p| p.vnf.connections.iter().map(move |c| (p, c)));
        let floats = connected.any(|(profile, connection)| {
            connection.virtual_link == *name && profile.flavour.ext_cp(&connection.cp).is_some_and(ExtCp::floats)
        });
        if !floats {
            continue;
        }
        // A physical network has its router already, whoever runs that; only a cloud may know of it.
        if link.design.realisation != NetworkRealisation::Overlay {
            if vim.vim_type.starts_with("MANO.") {
                let why = "a connection point on it is to have a floating address, and it is a physical network, which is not routed";
                faults.push(Fault::new(format!("NSD, virtual link {name}"), why).mend("reach it by its own address"));
            }
            continue;
        }
        let l3 = flavour.virtual_links.iter().filter(|vl| vl.name == *name).flat_map(|vl| vl.profile.l3());
        for ((subnet, addresses), l3) in link.design.subnets.iter_mut().zip(&mut link.addresses).zip(l3) {
            if l3.is_routable() {
                subnet.routed = true;
                subnet.gateway = l3.router_ip();
                *addresses = Addresses::new(subnet.cidr, subnet.gateway, &subnet.pools);
            }
        }
        if !link.design.subnets.iter().any(|subnet| subnet.routed) {
            let why = "a connection point on it is to have a floating address, and it has no IPv4 subnet to route";
            faults.push(Fault::new(format!("NSD, virtual link {name}"), why).mend("give it l3_protocol_data of IPv4"));
        }
    }
}

fn subnet(l3: &L3ProtocolData, ids: &dyn IdSource) -> SubnetDesign {
    SubnetDesign {
        subnet_id: ids.mint(),
        cidr: l3.cidr,
        gateway: l3.gateway_ip,
        pools: l3.pools.iter().map(|p| AddressPool { start: p.start, end: p.end }).collect(),
        // SOL001 clause 6.2: absent means that the network answers DHCP.
        dhcp: l3.dhcp_enabled.unwrap_or(true),
        dns: Vec::new(),
        routed: false,
    }
}

fn realisation(l2: Option<&L2ProtocolData>, at: &str, faults: &mut Vec<Fault>) -> NetworkRealisation {
    let Some(l2) = l2 else { return NetworkRealisation::Overlay };
    if l2.vlan_transparent {
        faults.push(
            Fault::new(at, "vlan_transparent is not offered by the VIMs here").mend("set vlan_transparent to false"),
        );
    }
    let physical = || match &l2.name {
        Some(name) => name.clone(),
        None => String::new(),
    };
    if l2.is_provider() && l2.name.is_none() {
        faults.push(
            Fault::new(at, "a flat or vlan network needs the name of its physical network")
                .mend("give it as l2_protocol_data.name"),
        );
    }
    match l2.network_type.as_deref() {
        Some("flat") => NetworkRealisation::Flat { physical_network: physical() },
        Some("vlan") => {
            let segment = l2.segmentation_id.as_deref().and_then(|s| s.trim().parse::<u16>().ok());
            let segment = segment.filter(|s| (1..=4094).contains(s));
            if segment.is_none() {
                faults.push(
                    Fault::new(
                        at,
                        format!("segmentation_id {:?} is no VLAN", l2.segmentation_id.as_deref().unwrap_or("")),
                    )
                    .mend("give a number from 1 to 4094"),
                );
            }
            NetworkRealisation::Vlan { physical_network: physical(), segmentation_id: segment.unwrap_or(1) }
        }
        // Which tunnel carries an overlay is the VIM's affair.
        _ => NetworkRealisation::Overlay,
    }
}
