//! From descriptor and request to a blueprint: how many VNFCs, which ports on which links, which disks, which first-boot
//! data (SOL001 clause 6, SOL003 clause 5.5.2.4). Everything that does not fit is told at once, before anything happens.

mod policies;
mod ports;

use std::collections::BTreeMap;

use descriptors::network::{L3ProtocolData, PlacementKind, VlProfile};
use descriptors::vnfd::{
    BootContext, ConfigDriveLayout as Layout, Flavour as VnfFlavour, Size, StorageKind, Vdu, Vnfd,
};
use reference_points::common::{Fault, Owner, OwnerKind};
use reference_points::nf_vi::{ConfigDriveLayout, CpuTuning};
use reference_points::or_vi::{
    AddressPool, AffinityPolicy, AffinityScope, BootData, Flavour, NetworkRealisation, SubnetSpec,
};
use reference_points::or_vnfm::{InstantiateVnfRequest, MonitoringParameter, ScaleInfo};
use serde_json::Value;
use uuid::Uuid;

use super::blueprint::{Blueprint, GroupPart, LinkPart, PortOn, RootPart, SubnetPart, VnfcPart, VolumePart};
use super::ids::IdSource;
use super::inventory::{Owned, Part};
use super::record::Facts;
use super::ve::{indicators_of, vnfc_properties};
use crate::vi::Kind;

/// Most VNFCs of one VDU. A plan of that many is larger than what the engine carries out in one operation.
pub const MAX_VNFCS: u32 = 2000;

/// Why a VDU is refused.
pub fn too_many(count: u32) -> String {
    format!("{count} VNFCs of one VDU are more than the {MAX_VNFCS} that this VNFM carries out")
}

/// Everything a blueprint is made from.
#[derive(Debug, Clone, Copy)]
pub struct Given<'a> {
    /// Descriptor.
    pub vnfd: &'a Vnfd,
    /// Request.
    pub request: &'a InstantiateVnfRequest,
    /// The instance.
    pub instance: Uuid,
    /// Its name; part of every name in the VIM.
    pub name: &'a str,
    /// Values of the configurable properties, defaults included.
    pub properties: &'a Value,
    /// Text files of the package that boot data name.
    pub files: &'a BTreeMap<String, String>,
    /// OpenSSH public keys put into every guest.
    pub public_keys: &'a [String],
}

/// The blueprint and what the record will say.
///
/// # Errors
/// Every fault of the request, with the place in it.
pub fn expand(given: &Given<'_>, ids: &mut dyn IdSource) -> Result<(Blueprint, Facts), Vec<Fault>> {
    let flavour = flavour_of(given)?;
    let mut work = Work::new(given, flavour, ids, &[]);
    work.refuse_what_is_not_done();
    work.links();
    let scale = work.vdus();
    work.groups();
    let Work { faults, blueprint, .. } = work;
    if !faults.is_empty() {
        return Err(faults);
    }
    Ok((blueprint, facts(given.vnfd, flavour, scale, given.request)))
}

/// What the record says of an instance of this flavour at these scale levels.
pub fn facts(
    vnfd: &Vnfd,
    flavour: &VnfFlavour,
    levels: BTreeMap<String, u32>,
    request: &InstantiateVnfRequest,
) -> Facts {
    let most = flavour.scaling.aspects.iter().map(|(id, a)| (id.clone(), a.max_scale_level)).collect();
    Facts {
        flavour_id: flavour.id.clone(),
        scale_status: scale_info(levels),
        max_scale_levels: scale_info(most),
        request: request.clone(),
        monitoring: monitoring(vnfd, flavour),
        indicators: indicators_of(flavour),
        vnfc_properties: vnfc_properties(flavour),
    }
}

/// Monitoring parameters of the VNF and of the flavour's VNFCs, each once.
fn monitoring(vnfd: &Vnfd, flavour: &VnfFlavour) -> Vec<MonitoringParameter> {
    let mut all: Vec<MonitoringParameter> = Vec::new();
    for declared in vnfd.monitoring.iter().chain(flavour.vdus.iter().flat_map(|vdu| &vdu.monitoring)) {
        if !all.iter().any(|known| known.id == declared.id) {
            all.push(MonitoringParameter {
                id: declared.id.clone(),
                vnfd_id: None,
                name: declared.name.clone(),
                performance_metric: declared.metric.clone(),
            });
        }
    }
    all
}

/// `ScaleInfo` of every aspect.
pub fn scale_info(levels: BTreeMap<String, u32>) -> Vec<ScaleInfo> {
    levels.into_iter().map(|(aspect_id, scale_level)| ScaleInfo { aspect_id, vnfd_id: None, scale_level }).collect()
}

/// The blueprint of more VNFCs of an instance: `wanted` are VDUs with the numbers of their new VNFCs. What they share with
/// those that are there is referred to, and made only where nothing needed it so far.
///
/// # Errors
/// As [`expand`].
pub fn expand_more(
    given: &Given<'_>,
    present: &[Owned],
    wanted: &BTreeMap<String, Vec<u32>>,
    ids: &mut dyn IdSource,
) -> Result<Blueprint, Vec<Fault>> {
    let Some(flavour) = given.vnfd.flavour(&given.request.flavour_id) else {
        let text = format!("the VNFD has no deployment flavour {:?} any more", given.request.flavour_id);
        return Err(vec![Fault::new("VNFD", text)]);
    };
    let mut work = Work::new(given, flavour, ids, present);
    for vdu in &flavour.vdus {
        let numbers = wanted.get(&vdu.name).map(Vec::as_slice).unwrap_or_default();
        let there = present.iter().filter(|o| o.vnfc().is_some_and(|v| v.vdu == vdu.name)).count();
        let count = u32::try_from(there + numbers.len()).unwrap_or(u32::MAX);
        numbers.iter().for_each(|number| work.vnfc(vdu, *number, count));
    }
    work.groups();
    if work.faults.is_empty() { Ok(work.blueprint) } else { Err(work.faults) }
}

/// The blueprint of all that an instance shall have: `wanted` are the VDUs with the numbers of their VNFCs. Everything in it
/// has new identifiers; those of `present` VNFCs that stay keep the configurations of their external CPs.
///
/// # Errors
/// As [`expand`].
pub fn expand_whole(
    given: &Given<'_>,
    wanted: &BTreeMap<String, Vec<u32>>,
    present: &[Owned],
    ids: &mut dyn IdSource,
) -> Result<Blueprint, Vec<Fault>> {
    let flavour = flavour_of(given)?;
    let mut work = Work::new(given, flavour, ids, &[]).knowing(present);
    work.refuse_what_is_not_done();
    work.links();
    for vdu in &flavour.vdus {
        let numbers = wanted.get(&vdu.name).map(Vec::as_slice).unwrap_or_default();
        let count = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
        if count > MAX_VNFCS {
            work.fault(format!("VNFD VDU {}", vdu.name), too_many(count));
            continue;
        }
        numbers.iter().for_each(|number| work.vnfc(vdu, *number, count));
    }
    work.groups();
    if work.faults.is_empty() { Ok(work.blueprint) } else { Err(work.faults) }
}

fn flavour_of<'a>(given: &Given<'a>) -> Result<&'a VnfFlavour, Vec<Fault>> {
    given.vnfd.flavour(&given.request.flavour_id).ok_or_else(|| {
        let known: Vec<&str> = given.vnfd.flavours.iter().map(|f| f.id.as_str()).collect();
        let text = format!("the VNFD has no deployment flavour {:?}", given.request.flavour_id);
        vec![Fault::new("/flavourId", text).mend(format!("one of {}", known.join(", ")))]
    })
}

struct Work<'a> {
    given: &'a Given<'a>,
    flavour: &'a VnfFlavour,
    ids: &'a mut dyn IdSource,
    faults: Vec<Fault>,
    blueprint: Blueprint,
    /// Networks of the internal links by name.
    networks: BTreeMap<&'a str, Uuid>,
    /// What the instance has already.
    present: &'a [Owned],
    /// Configurations that VNFCs have already, by external CP and number.
    keys: BTreeMap<(String, u32), String>,
}

impl<'a> Work<'a> {
    fn new(given: &'a Given<'a>, flavour: &'a VnfFlavour, ids: &'a mut dyn IdSource, present: &'a [Owned]) -> Self {
        let network = |o: &'a Owned| if let Part::Network(l) = &o.part { Some((l.desc.as_str(), l.id)) } else { None };
        let managed = given.request.ext_managed_virtual_links.iter();
        let managed = managed.filter_map(|l| Some((l.vnf_virtual_link_desc_id.as_str(), l.resource_id.parse().ok()?)));
        Self {
            given,
            flavour,
            ids,
            faults: Vec::new(),
            blueprint: Blueprint::default(),
            networks: present.iter().filter_map(network).chain(managed).collect(),
            present,
            keys: BTreeMap::new(),
        }
        .knowing(present)
    }

    /// VNFCs that are there keep the configurations of their connection points.
    fn knowing(mut self, present: &[Owned]) -> Self {
        for vnfc in present.iter().filter_map(Owned::vnfc) {
            for port in &vnfc.ports {
                if let PortOn::External { ext_cpd, cp_config, .. } = &port.on {
                    self.keys.insert((ext_cpd.clone(), vnfc.number), cp_config.clone());
                }
            }
        }
        self
    }

    fn fault(&mut self, location: impl Into<String>, message: impl Into<String>) {
        self.faults.push(Fault::new(location, message));
    }

    /// What the descriptor or the request ask for and this release does not do is refused, never passed over.
    fn refuse_what_is_not_done(&mut self) {
        let request = self.given.request;
        self.managed_links();
        self.port_policies();
        let languages = &self.given.vnfd.localization_languages;
        if let Some(language) = &request.localization_language
            && !languages.contains(language)
        {
            let fault = Fault::new("/localizationLanguage", format!("the VNFD does not offer {language:?}"));
            self.faults.push(fault.mend(format!("one of {}", languages.join(", "))));
        }
        for link in &request.ext_virtual_links {
            if !link.ext_link_ports.is_empty() {
                self.fault(
                    format!("/extVirtualLinks/{}/extLinkPorts", link.id),
                    "ports are made by this VNFM; existing link ports are not supported",
                );
            }
            for cp in &link.ext_cps {
                if self.flavour.ext_cp(&cp.cpd_id).is_none() {
                    let known: Vec<&str> = self.flavour.ext_cps.iter().map(|c| c.name.as_str()).collect();
                    let fault = Fault::new(
                        format!("/extVirtualLinks/{}/extCps/cpdId", link.id),
                        format!("the VNFD has no external CP {:?}", cp.cpd_id),
                    );
                    self.faults.push(fault.mend(format!("one of {}", known.join(", "))));
                }
            }
        }
    }

    /// Internal virtual links that somebody else made (SOL003 clause 4.4.1.12).
    fn managed_links(&mut self) {
        for managed in &self.given.request.ext_managed_virtual_links {
            let (place, desc) = (format!("/extManagedVirtualLinks/{}", managed.id), &managed.vnf_virtual_link_desc_id);
            if self.flavour.virtual_link(desc).is_none() {
                let known: Vec<&str> = self.flavour.virtual_links.iter().map(|l| l.name.as_str()).collect();
                let text = format!("the flavour has no internal virtual link {desc:?}");
                let fault = Fault::new(format!("{place}/vnfVirtualLinkDescId"), text);
                self.faults.push(fault.mend(format!("one of {}", known.join(", "))));
            }
            if managed.resource_id.parse::<Uuid>().is_err() {
                self.fault(format!("{place}/resourceId"), "it is no UUID, which the networks of this VNFM's VIMs have");
            }
            if !managed.vnf_link_port.is_empty() {
                let text = "ports are made by this VNFM; existing link ports are not supported";
                self.fault(format!("{place}/vnfLinkPort"), text);
            }
            if managed.ext_managed_multisite_virtual_link_id.is_some() {
                let text = "links over several sites are not supported";
                self.fault(format!("{place}/extManagedMultisiteVirtualLinkId"), text);
            }
        }
    }

    fn owner(&self) -> Owner {
        Owner { kind: OwnerKind::VnfInstance, id: self.given.instance, operation: None, step: None }
    }

    fn links(&mut self) {
        let flavour = self.flavour;
        let managed = &self.given.request.ext_managed_virtual_links;
        for link in &flavour.virtual_links {
            if managed.iter().any(|m| m.vnf_virtual_link_desc_id == link.name) {
                continue;
            }
            let id = self.ids.mint();
            self.networks.insert(&link.name, id);
            let realisation = self.realisation(&link.name, &link.profile);
            let owner = self.owner();
            let mut subnets = Vec::new();
            // A physical network has its router already, whoever runs that.
            let floats = flavour.floats_on(&link.name) && realisation == NetworkRealisation::Overlay;
            if floats && !link.profile.l3().any(L3ProtocolData::is_routable) {
                let text = "a CP on it is to have a floating address, and it has no IPv4 subnet to route";
                self.fault(format!("VNFD virtual link {}", link.name), text);
            }
            for l3 in link.profile.l3() {
                let routed = floats && l3.is_routable();
                let pools = l3.pools.iter().map(|p| AddressPool { start: p.start, end: p.end }).collect();
                subnets.push(SubnetPart {
                    id: self.ids.mint(),
                    spec: SubnetSpec {
                        name: format!("{}-{}-{}", self.given.name, link.name, l3.cidr),
                        owner: owner.clone(),
                        network_id: id,
                        cidr: l3.cidr,
                        gateway: if routed { l3.router_ip() } else { l3.gateway_ip },
                        pools,
                        dhcp: l3.dhcp_enabled.unwrap_or(true),
                        dns: Vec::new(),
                        routed,
                    },
                });
            }
            let mtu = link.profile.l2().and_then(|l2| l2.mtu);
            let max_port_bitrate = link.profile.max_port_bitrate();
            let desc = link.name.clone();
            self.blueprint.links.push(LinkPart { id, desc, realisation, mtu, max_port_bitrate, subnets });
        }
    }

    fn realisation(&mut self, name: &str, profile: &VlProfile) -> NetworkRealisation {
        let Some(l2) = profile.l2().filter(|l2| l2.is_provider()) else { return NetworkRealisation::Overlay };
        let Some(physical_network) = l2.name.clone() else {
            self.fault(
                format!("VNFD virtual link {name}"),
                "a flat or vlan network needs the name of its physical network in l2_protocol_data.name",
            );
            return NetworkRealisation::Overlay;
        };
        match (l2.network_type.as_deref(), l2.segmentation_id.as_deref().map(str::parse)) {
            (Some("vlan"), Some(Ok(segmentation_id))) => NetworkRealisation::Vlan { physical_network, segmentation_id },
            (Some("vlan"), _) => {
                self.fault(
                    format!("VNFD virtual link {name}"),
                    "a vlan network needs a segmentation_id from 1 to 4094",
                );
                NetworkRealisation::Overlay
            }
            _ => NetworkRealisation::Flat { physical_network },
        }
    }

    /// Makes the VNFCs of every VDU; returns the scale levels.
    fn vdus(&mut self) -> BTreeMap<String, u32> {
        let flavour = self.flavour;
        let size = self.given.request.instantiation_level_id.as_deref().map_or(Size::Default, Size::Level);
        let levels = match flavour.scaling.scale_levels(size) {
            Ok(levels) => levels,
            Err(error) => {
                self.fault("/instantiationLevelId", error.to_string());
                return BTreeMap::new();
            }
        };
        for vdu in &flavour.vdus {
            match flavour.scaling.instances(&vdu.name, size) {
                Ok(count) if count > MAX_VNFCS => self.fault(format!("VNFD VDU {}", vdu.name), too_many(count)),
                Ok(count) => (1..=count).for_each(|number| self.vnfc(vdu, number, count)),
                Err(error) => self.fault("/instantiationLevelId", error.to_string()),
            }
        }
        levels
    }

    fn vnfc(&mut self, vdu: &'a Vdu, number: u32, count: u32) {
        let id = self.ids.mint();
        let name = host_name(&[self.given.name, &vdu.name, &number.to_string()]);
        let ports = self.ports(vdu, &name, number);
        let (root, volumes) = self.disks(vdu, &name, count);
        let boot = self.boot(vdu, &name, number);
        let Some(root) = root else { return };
        let cpu = CpuTuning {
            dedicated: vdu.cpu.pinning.as_ref().is_some_and(|p| p.policy.as_deref() == Some("static")),
            hugepage_bytes: vdu.memory.huge_pages.first().map(|p| p.page_bytes),
        };
        let extra =
            vdu.cpu.requirements.iter().chain(&vdu.memory.requirements).map(|(k, v)| (k.clone(), v.clone())).collect();
        // VIMs give memory by whole MiB; `512 MB` of a descriptor is none.
        let memory_bytes = vdu.memory.size_bytes.div_ceil(1 << 20) << 20;
        let flavour = Flavour { vcpus: vdu.cpu.count, memory_bytes, cpu, extra, vim_flavour_id: None };
        let vnfc = VnfcPart {
            id,
            vdu: vdu.name.clone(),
            number,
            name,
            flavour,
            root,
            volumes,
            ports,
            groups: Vec::new(),
            boot,
        };
        self.blueprint.vnfcs.push(vnfc);
    }

    fn disks(&mut self, vdu: &Vdu, vnfc: &str, count: u32) -> (Option<RootPart>, Vec<Uuid>) {
        let flavour = self.flavour;
        let mut root = vdu.sw_image.clone().map(|image| RootPart::Image {
            image,
            size_bytes: vdu.local_storages.first().map(|s| s.size_bytes).filter(|b| *b > 0),
        });
        let mut volumes = Vec::new();
        for name in &vdu.storages {
            let Some(storage) = flavour.storage(name) else {
                self.fault(
                    format!("VNFD VDU {}", vdu.name),
                    format!("it needs storage {name:?}, which the flavour does not have"),
                );
                continue;
            };
            if storage.kind != StorageKind::Block {
                self.fault(format!("VNFD storage {name}"), "only virtual block storage is supported");
                continue;
            }
            if !storage.per_vnfc_instance && count > 1 {
                self.fault(
                    format!("VNFD storage {name}"),
                    format!("it is shared by {count} VNFCs, which no VIM of this release can do"),
                );
                continue;
            }
            let id = self.ids.mint();
            let name = format!("{vnfc}-{name}");
            let part = VolumePart {
                id,
                desc: storage.name.clone(),
                name,
                size_bytes: storage.size_bytes,
                image: storage.sw_image.clone(),
            };
            self.blueprint.volumes.push(part);
            if root.is_none() && storage.sw_image.is_some() {
                root = Some(RootPart::Volume(id));
            } else {
                volumes.push(id);
            }
        }
        if root.is_none() {
            self.fault(
                format!("VNFD VDU {}", vdu.name),
                "it has no software image to boot from, neither itself nor on a storage",
            );
        }
        (root, volumes)
    }

    fn boot(&mut self, vdu: &Vdu, name: &str, number: u32) -> BootData {
        let mut boot = BootData {
            hostname: Some(name.to_owned()),
            public_keys: self.given.public_keys.to_vec(),
            ..BootData::default()
        };
        if vdu.readiness.is_some() {
            self.fault(
                format!("VNFD VDU {}", vdu.name),
                "waiting for the guest's readiness is not supported by this release",
            );
        }
        let Some(data) = &vdu.boot_data else { return boot };
        let additional = Value::Object(self.given.request.additional_params.clone());
        let vnfc =
            BTreeMap::from([("vnfc_name".to_owned(), name.to_owned()), ("vnfc_number".to_owned(), number.to_string())]);
        let context =
            BootContext { configurable_properties: self.given.properties, additional_params: &additional, vnfc: &vnfc };
        let file = data.source_path().and_then(|path| self.given.files.get(path)).map(String::as_str);
        match data.resolve(&context, file) {
            Ok(resolved) => {
                boot.layout = match resolved.layout {
                    Layout::Openstack => ConfigDriveLayout::Openstack,
                    Layout::Nocloud => ConfigDriveLayout::Nocloud,
                };
                if resolved.destination_path.is_some() {
                    self.fault(
                        format!("VNFD VDU {} boot_data", vdu.name),
                        "destination_path is not supported: the content is given as user data",
                    );
                }
                boot.user_data = resolved.content;
                boot.meta = resolved.kvp;
            }
            Err(told) => {
                for diagnostic in told.iter() {
                    self.fault(format!("VNFD VDU {} boot_data", vdu.name), diagnostic.message.clone());
                }
            }
        }
        boot
    }

    fn groups(&mut self) {
        let flavour = self.flavour;
        for rule in &flavour.placement {
            let members: Vec<Uuid> =
                self.blueprint.vnfcs.iter().filter(|v| rule.targets.contains(&v.vdu)).map(|v| v.id).collect();
            let policy = match rule.kind {
                PlacementKind::Affinity => AffinityPolicy::Affinity,
                PlacementKind::AntiAffinity => AffinityPolicy::AntiAffinity,
            };
            let scope = match (rule.scope.as_str(), policy) {
                ("nfvi_node", _) => AffinityScope::NfviNode,
                ("zone", _) => AffinityScope::Zone,
                // One VIM is one NFVI-PoP: everything is together there anyway.
                ("nfvi_pop", AffinityPolicy::Affinity) => continue,
                (other, _) => {
                    self.fault(
                        format!("VNFD policy {}", rule.name),
                        format!("scope {other} cannot be kept within one VIM"),
                    );
                    continue;
                }
            };
            // One alone needs no group, unless others may join it later: a group's members cannot be added afterwards.
            let grows = rule.targets.iter().any(|vdu| flavour.scaling.scales(vdu));
            if members.is_empty() || (members.len() < 2 && !grows) {
                continue;
            }
            let there = self.present.iter().find(|o| o.kind() == Kind::AffinityGroup && o.name() == rule.name);
            let id = there.map_or_else(|| self.ids.mint(), Owned::id);
            for vnfc in self.blueprint.vnfcs.iter_mut().filter(|v| members.contains(&v.id)) {
                vnfc.groups.push(id);
            }
            if there.is_some() {
                continue;
            }
            self.blueprint.groups.push(GroupPart { id, name: rule.name.clone(), policy, scope, members });
        }
    }
}

/// A host name of these parts: lower-case letters, digits and hyphens, at most 63 (RFC 1123).
fn host_name(parts: &[&str]) -> String {
    let mut name = String::new();
    for c in parts.join("-").chars() {
        let c = if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
        if c != '-' || !name.ends_with('-') {
            name.push(c);
        }
    }
    let end = name.len();
    // The number at the end tells VNFCs apart: cut in front.
    name.split_at(end.saturating_sub(63)).1.trim_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_names_are_valid_whatever_the_parts() {
        assert_eq!(host_name(&["Demo NS_1", "web", "2"]), "demo-ns-1-web-2");
        let long = host_name(&[&"x".repeat(100), "web", "12"]);
        assert!(long.len() <= 63 && long.ends_with("-web-12"), "{long}");
    }
}
