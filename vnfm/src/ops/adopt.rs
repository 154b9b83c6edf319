//! What an instance has, seen in a blueprint of all that it shall have: parts that stay get the identifiers they have
//! already, so that what differs is what an operation does.

use std::collections::BTreeMap;

use reference_points::or_vi::TrunkPart;
use uuid::Uuid;

use super::blueprint::{Blueprint, LinkPart, PortOn, PortPart, RootPart, SubnetPart, VnfcPart, VolumePart};
use super::inventory::{Owned, Part, volumes_of};

/// When two parts are the same one.
pub struct Same<'a> {
    /// Name in the new descriptor of a VDU of the old one.
    pub vdu: &'a dyn Fn(&str) -> String,
    /// Whether an image of the old descriptor and one of the new have the same content.
    pub image: &'a dyn Fn(&str, &str) -> bool,
}

/// Gives the parts of `target` that the instance has already their identifiers and names. A link, volume or port that
/// would have to be another is not the same one and keeps its new identifier.
pub fn adopt(target: &mut Blueprint, present: &[Owned], same: &Same<'_>) {
    adopt_links(target, present);
    let mut known = Known::default();
    for group in &target.groups {
        let there = present.iter().find(|o| match &o.part {
            Part::AffinityGroup(old) => (&old.name, old.policy, old.scope) == (&group.name, group.policy, group.scope),
            _ => false,
        });
        known.note(group.id, there);
    }
    for vnfc in &mut target.vnfcs {
        let there = present
            .iter()
            .find(|o| o.vnfc().is_some_and(|old| (same.vdu)(&old.vdu) == vnfc.vdu && old.number == vnfc.number));
        let Some(old) = there.and_then(Owned::vnfc) else { continue };
        known.ids.insert(vnfc.id, old.id);
        vnfc.name.clone_from(&old.name);
        vnfc.boot.hostname.clone_from(&old.boot.hostname);
        for port in &mut vnfc.ports {
            let known_port = old.ports.iter().find(|p| p.cpd == port.cpd);
            if let Some(old_port) = known_port {
                port.name.clone_from(&old_port.name);
                if same_port(old_port, port, &known) && present.iter().any(|o| o.id() == old_port.id) {
                    known.ids.insert(port.id, old_port.id);
                }
            }
        }
        for volume in target.volumes.iter_mut().filter(|v| volumes_of(vnfc).any(|id| id == v.id)) {
            let there = volumes_of(old).find_map(|id| {
                let owned = present.iter().find(|o| o.id() == id)?;
                if let Part::Volume(old) = &owned.part { (old.desc == volume.desc).then_some(old) } else { None }
            });
            if let Some(old) = there {
                volume.name.clone_from(&old.name);
                if same_volume(old, volume, same) {
                    known.ids.insert(volume.id, old.id);
                }
            }
        }
    }
    known.rename(target);
}

/// As [`adopt`], for links alone: what is on them is new.
pub fn adopt_links(target: &mut Blueprint, present: &[Owned]) {
    let mut known = Known::default();
    for link in &target.links {
        let there = present.iter().find_map(|o| match &o.part {
            Part::Network(old) if same_link(old, link) => Some(old),
            _ => None,
        });
        let Some(old) = there else { continue };
        known.ids.insert(link.id, old.id);
        for (new, old) in link.subnets.iter().zip(&old.subnets) {
            known.ids.insert(new.id, old.id);
        }
    }
    known.rename(target);
}

fn same_link(old: &LinkPart, new: &LinkPart) -> bool {
    let plain = |link: &LinkPart| {
        let subnet = |s: &SubnetPart| (s.spec.cidr, s.spec.gateway, s.spec.pools.clone(), s.spec.dhcp, s.spec.routed);
        link.subnets.iter().map(subnet).collect::<Vec<_>>()
    };
    let link = |l: &LinkPart| (l.desc.clone(), l.realisation.clone(), l.mtu, l.max_port_bitrate);
    link(old) == link(new) && plain(old) == plain(new)
}

fn same_port(old: &PortPart, new: &PortPart, known: &Known) -> bool {
    // The parent of a trunk stands before its ports.
    let mut trunk = new.trunk.clone();
    known.put_parent(&mut trunk);
    old.on.network() == new.on.network()
        && (&old.mac, &old.addresses, old.port_security) == (&new.mac, &new.addresses, new.port_security)
        && (&old.allowed_addresses, &old.rules, &old.trunk) == (&new.allowed_addresses, &new.rules, &trunk)
        && (old.vnic_type, old.floating) == (new.vnic_type, new.floating)
}

fn same_volume(old: &VolumePart, new: &VolumePart, same: &Same<'_>) -> bool {
    let image = match (&old.image, &new.image) {
        (Some(old), Some(new)) => (same.image)(old, new),
        (None, None) => true,
        _ => false,
    };
    image && old.size_bytes == new.size_bytes
}

/// Identifiers in place of new ones.
#[derive(Default)]
struct Known {
    ids: BTreeMap<Uuid, Uuid>,
}

impl Known {
    fn note(&mut self, new: Uuid, there: Option<&Owned>) {
        if let Some(owned) = there {
            self.ids.insert(new, owned.id());
        }
    }

    fn put(&self, id: &mut Uuid) {
        if let Some(known) = self.ids.get(id) {
            *id = *known;
        }
    }

    fn put_parent(&self, trunk: &mut Option<TrunkPart>) {
        if let Some(TrunkPart::SubPort { parent_id, .. }) = trunk {
            self.put(parent_id);
        }
    }

    fn rename(&self, target: &mut Blueprint) {
        for link in &mut target.links {
            self.put(&mut link.id);
            for subnet in &mut link.subnets {
                self.put(&mut subnet.id);
                self.put(&mut subnet.spec.network_id);
            }
        }
        for group in &mut target.groups {
            self.put(&mut group.id);
            group.members.iter_mut().for_each(|id| self.put(id));
        }
        target.volumes.iter_mut().for_each(|volume| self.put(&mut volume.id));
        target.vnfcs.iter_mut().for_each(|vnfc| self.rename_vnfc(vnfc));
    }

    fn rename_vnfc(&self, vnfc: &mut VnfcPart) {
        self.put(&mut vnfc.id);
        if let RootPart::Volume(id) = &mut vnfc.root {
            self.put(id);
        }
        vnfc.volumes.iter_mut().chain(&mut vnfc.groups).for_each(|id| self.put(id));
        for port in &mut vnfc.ports {
            self.put(&mut port.id);
            self.put_parent(&mut port.trunk);
            match &mut port.on {
                PortOn::Internal { network } | PortOn::External { network, .. } => self.put(network),
            }
        }
    }
}
