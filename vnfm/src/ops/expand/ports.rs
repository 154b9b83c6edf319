//! The ports of a VNFC: what they are connected to, their addresses, trunks (SOL001 clause 6.8, SOL003 clauses 4.4.1.10 and
//! 4.4.1.11).

use descriptors::vnfd::{Vdu, VduCp, VduSubCp};
use reference_points::common::Fault;
use reference_points::or_vi::{AddressRequest, TrunkPart, VnicType};
use reference_points::or_vnfm::VnfExtCpConfig;
use uuid::Uuid;

use super::Work;
use super::policies::{rules, shared_addresses};
use crate::ops::blueprint::{PortOn, PortPart};

/// An external connection point as the request connects it.
struct Connected<'a> {
    ext_vl: &'a str,
    network: Uuid,
    config: Option<(&'a String, &'a VnfExtCpConfig)>,
}

/// A VLAN tag that a guest can use.
fn tag(text: &str) -> Option<u16> {
    text.parse().ok().filter(|tag| (1..=4094).contains(tag))
}

impl<'a> Work<'a> {
    /// The ports of a VNFC: its NICs in their order, then those of its trunks.
    pub(super) fn ports(&mut self, vdu: &Vdu, vnfc: &str, number: u32) -> Vec<PortPart> {
        let flavour = self.flavour;
        let mut cps: Vec<&VduCp> = flavour.cps_of(&vdu.name).collect();
        cps.sort_by_key(|cp| (cp.order.unwrap_or(u32::MAX), cp.name.clone()));
        let mut ports: Vec<PortPart> = Vec::new();
        for cp in cps {
            let port = self.port(cp, vnfc, number, None);
            ports.extend(port.map(|port| PortPart { trunk: cp.trunk_mode.then_some(TrunkPart::Parent), ..port }));
        }
        for sub in flavour.sub_cps.iter().filter(|sub| sub.cp.vdu == vdu.name) {
            // A parent that cannot be made was told.
            let Some(parent) = ports.iter().find(|port| port.cpd == sub.parent).cloned() else { continue };
            let port = self.port(&sub.cp, vnfc, number, Some((sub, &parent)));
            ports.extend(port);
        }
        ports
    }

    /// `trunk` is what makes it one of a trunk, with the port that carries it.
    fn port(&mut self, cp: &VduCp, vnfc: &str, number: u32, trunk: Option<(&VduSubCp, &PortPart)>) -> Option<PortPart> {
        let name = format!("{vnfc}-{}", cp.name);
        let mut part = PortPart {
            id: self.ids.mint(),
            cpd: cp.name.clone(),
            name,
            on: PortOn::Internal { network: Uuid::nil() },
            mac: None,
            addresses: cp
                .addresses
                .iter()
                .flat_map(|a| &a.fixed)
                .map(|ip| AddressRequest { subnet_id: None, ip: Some(*ip) })
                .collect(),
            port_security: cp.port_security,
            allowed_addresses: shared_addresses(self.flavour, self.given.request, &cp.name),
            rules: rules(self.flavour, &cp.name),
            trunk: trunk.and_then(|(sub, parent)| self.tagged(sub, parent)),
            vnic_type: self.vnic_type(cp),
            floating: self.flavour.floats(cp),
        };
        if let Some(ext) = cp.external.first() {
            let ext_cpd = ext.clone();
            let Some(connected) = self.connected(&ext_cpd, number) else {
                let message = format!("external CP {ext_cpd:?} of VDU {:?} is not connected", cp.vdu);
                self.faults.push(
                    Fault::new("/extVirtualLinks", message)
                        .mend("add an extVirtualLinks entry with this cpdId in its extCps"),
                );
                return None;
            };
            let config = connected.config;
            let cp_config = config.map_or_else(|| format!("{ext_cpd}-{number}"), |(key, _)| key.clone());
            let (ext_vl, network) = (connected.ext_vl.to_owned(), connected.network);
            part.on = PortOn::External { ext_cpd: ext_cpd.clone(), ext_vl, cp_config, network };
            if let Some((key, config)) = config {
                let place = format!("/extVirtualLinks/extCps/{ext_cpd}/cpConfig/{key}");
                self.configured(&mut part, &place, config, trunk.map(|(_, parent)| parent));
            }
            return Some(part);
        }
        match cp.virtual_link.as_deref().map(|link| (link, self.networks.get(link).copied())) {
            Some((_, Some(network))) => part.on = PortOn::Internal { network },
            Some((link, None)) => self.fault(
                format!("VNFD CP {}", cp.name),
                format!("it is on virtual link {link:?}, which the flavour does not have"),
            ),
            None => self.fault(
                format!("VNFD CP {}", cp.name),
                "it is neither on an internal virtual link nor exposed as an external CP",
            ),
        }
        Some(part)
    }

    /// The link that the connection point of a VNFC is on: that of the configuration which the VNFC has; a new VNFC takes the
    /// first one, in the order of the keys, that none has. VNFCs beyond them are on the first link that names the CP.
    fn connected(&mut self, ext_cpd: &str, number: u32) -> Option<Connected<'a>> {
        let aliases = self.flavour.ext_cp(ext_cpd).map(|c| (c.name.as_str(), c.cp.as_str()));
        let same = |cpd: &str| cpd == ext_cpd || aliases.is_some_and(|(name, inner)| cpd == name || cpd == inner);
        let links = &self.given.request.ext_virtual_links;
        let named = || links.iter().flat_map(|link| link.ext_cps.iter().map(move |cp| (link, cp)));
        let mut configs: Vec<_> = named()
            .filter(|(_, cp)| same(&cp.cpd_id))
            .flat_map(|(link, cp)| cp.cp_config.iter().map(move |(key, config)| (key, link, config)))
            .collect();
        configs.sort_by_key(|(key, _, _)| *key);
        let of = (ext_cpd.to_owned(), number);
        let known = self.keys.get(&of).and_then(|wanted| configs.iter().find(|(key, _, _)| *key == wanted));
        let taken = |key: &str| self.keys.iter().any(|((cpd, _), taken)| cpd == ext_cpd && taken == key);
        let config = known.or_else(|| configs.iter().find(|(key, _, _)| !taken(key)));
        if let Some((key, _, _)) = config {
            self.keys.insert(of, (*key).clone());
        }
        let link = match config {
            Some((_, link, _)) => *link,
            None => named().find(|(_, cp)| same(&cp.cpd_id))?.0,
        };
        let network = link.resource_id.parse().unwrap_or_else(|_| {
            self.faults.push(Fault::new(
                format!("/extVirtualLinks/{}/resourceId", link.id),
                "it is no UUID, which the networks of this VNFM's VIMs have",
            ));
            Uuid::nil()
        });
        Some(Connected { ext_vl: &link.id, network, config: config.map(|(key, _, config)| (*key, *config)) })
    }

    /// Addresses and MAC of a CP configuration (SOL003 clause 4.4.1.10, 4.4.1.11).
    fn configured(&mut self, part: &mut PortPart, location: &str, config: &VnfExtCpConfig, parent: Option<&PortPart>) {
        if config.link_port_id.is_some() {
            self.fault(location, "linkPortId is not supported: ports are made by this VNFM");
        }
        if let Some(named) = &config.parent_cp_config_id {
            let carries = parent.and_then(|parent| match &parent.on {
                PortOn::External { cp_config, .. } => Some(cp_config),
                PortOn::Internal { .. } => None,
            });
            if carries != Some(named) {
                let text = match (parent, carries) {
                    (_, Some(other)) => format!("its trunk is that of configuration {other:?}"),
                    (Some(_), None) => "its trunk is on an internal virtual link and has no configuration".to_owned(),
                    (None, None) => "the VNFD has it in no trunk".to_owned(),
                };
                self.fault(format!("{location}/parentCpConfigId"), text);
            }
        }
        for data in config.cp_protocol_data.iter().filter_map(|d| d.ip_over_ethernet.as_ref()) {
            part.mac = data.mac_address.clone().or(part.mac.take());
            if let Some(text) = &data.segmentation_id {
                match (&mut part.trunk, tag(text)) {
                    (Some(TrunkPart::SubPort { segmentation_id, .. }), Some(tag)) => *segmentation_id = Some(tag),
                    (Some(TrunkPart::SubPort { .. }), None) => {
                        self.fault(format!("{location}/segmentationId"), "it is no VLAN from 1 to 4094");
                    }
                    _ => self.fault(format!("{location}/segmentationId"), "the VNFD has it in no trunk"),
                }
            }
            for wanted in &data.ip_addresses {
                let subnet_id = wanted.subnet_id.as_deref().map(str::parse::<Uuid>).transpose();
                let Ok(subnet_id) = subnet_id else {
                    self.fault(format!("{location}/ipAddresses/subnetId"), "it is no UUID");
                    continue;
                };
                if wanted.address_range.is_some() {
                    self.fault(
                        format!("{location}/ipAddresses/addressRange"),
                        "give fixedAddresses or numDynamicAddresses",
                    );
                }
                for text in &wanted.fixed_addresses {
                    match text.parse() {
                        Ok(ip) => part.addresses.push(AddressRequest { subnet_id, ip: Some(ip) }),
                        Err(_) => self.fault(
                            format!("{location}/ipAddresses/fixedAddresses"),
                            format!("{text:?} is no IP address"),
                        ),
                    }
                }
                let dynamic = wanted.num_dynamic_addresses.unwrap_or(0);
                part.addresses.extend((0..dynamic).map(|_| AddressRequest { subnet_id, ip: None }));
            }
        }
    }

    fn vnic_type(&mut self, cp: &VduCp) -> VnicType {
        // What Open Source MANO's descriptors call PARAVIRT.
        let word = if cp.vnic_type == "virtio" { "normal" } else { cp.vnic_type.as_str() };
        let known = VnicType::ALL.into_iter().find(|known| known.word() == word);
        known.unwrap_or_else(|| {
            let text = format!("its vnic_type {:?} is none", cp.vnic_type);
            let all: Vec<&str> = VnicType::ALL.iter().map(|known| known.word()).collect();
            self.faults
                .push(Fault::new(format!("VNFD CP {}", cp.name), text).mend(format!("one of {}", all.join(", "))));
            VnicType::Normal
        })
    }

    /// The part of a trunk's port in it. Its own tag may be given, or be that of its network.
    fn tagged(&mut self, sub: &VduSubCp, parent: &PortPart) -> Option<TrunkPart> {
        let inherits = sub.segmentation_type.as_deref() == Some("inherit");
        let segmentation_id = match sub.segmentation_id.filter(|_| !inherits) {
            None => None,
            Some(id) => {
                let tag = tag(&id.to_string());
                if tag.is_none() {
                    let place = format!("VNFD CP {}", sub.cp.name);
                    self.fault(place, format!("its segmentation_id {id} is no VLAN from 1 to 4094"));
                }
                tag
            }
        };
        Some(TrunkPart::SubPort { parent_id: parent.id, segmentation_id })
    }
}
