//! What is recorded of an instance from what its steps made: the InstantiatedVnfInfo of SOL003 clause 5.5.3.2 and the
//! list of resources that a later operation must remove.

use std::collections::BTreeMap;

use lcm::{StepState, StepView};
use reference_points::or_vi::{Compute, Port};
use reference_points::or_vnfm::{
    AffectedVirtualLink, AffectedVirtualStorage, AffectedVnfc, ChangeType, CpInstanceType, CpProtocolInfo,
    ExtLinkPortInfo, ExtVirtualLinkData, ExtVirtualLinkInfo, Grant, InstantiatedVnfInfo, IpAddressInfo, IpAddressType,
    IpOverEthernetAddressInfo, LayerProtocol, ResourceChanges, ResourceHandle, ScaleInfo, VirtualLinkChangeType,
    VirtualStorageResourceInfo, VnfExtCpInfo, VnfLinkPortInfo, VnfOperationalState, VnfVirtualLinkResourceInfo,
    VnfcCpInfo, VnfcInfo, VnfcResourceInfo,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::blueprint::{GroupPart, LinkPart, Owned, PortOn, RootPart, VnfcPart, VolumePart};
use super::instantiate::{GRANT, PortParams, SubnetParams};
use crate::vi::{Kind, VimRef};

/// What the record says besides the resources; decided with the plan and kept in the operation's parameters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Facts {
    /// Deployment flavour.
    pub flavour_id: String,
    /// Scale level of every aspect.
    pub scale_status: Vec<ScaleInfo>,
    /// Largest scale level of every aspect.
    pub max_scale_levels: Vec<ScaleInfo>,
    /// External virtual links of the request.
    pub ext_virtual_links: Vec<ExtVirtualLinkData>,
    /// Localisation language.
    #[serde(default)]
    pub localization_language: Option<String>,
}

/// The steps of an instantiation, read back.
pub struct Made<'a> {
    steps: &'a [StepView],
    grant: Option<Grant>,
}

impl<'a> Made<'a> {
    /// Reads the steps of an operation.
    pub fn of(steps: &'a [StepView]) -> Self {
        let grant = steps.iter().find(|s| s.key == GRANT).and_then(output);
        Self { steps, grant }
    }

    /// The grant of the operation.
    pub fn grant(&self) -> Option<&Grant> {
        self.grant.as_ref()
    }

    fn parts<T: DeserializeOwned>(&self, kind: &'static str) -> impl Iterator<Item = (&'a StepView, T)> {
        self.steps
            .iter()
            .filter(move |s| s.kind == kind)
            .filter_map(|s| Some((s, T::deserialize(s.params.as_ref()).ok()?)))
    }

    fn at(&self, definition: Uuid) -> Option<VimRef> {
        super::grants::place(self.grant.as_ref()?, definition).ok().map(|p| p.at)
    }

    fn handle(&self, definition: Uuid, resource: Uuid, level: &str) -> ResourceHandle {
        ResourceHandle {
            vim_connection_id: self.at(definition).map(|at| at.vim.to_string()),
            resource_provider_id: None,
            resource_id: resource.to_string(),
            vim_level_resource_type: Some(level.to_owned()),
        }
    }

    /// Everything that may be there because of this operation: what is done, and what failed or is unknown midway.
    pub fn owned(&self) -> Vec<Owned> {
        let mut owned = Vec::new();
        let mut users: BTreeMap<Uuid, Vec<Uuid>> = BTreeMap::new();
        let there = |step: &StepView| !matches!(step.state, StepState::Pending | StepState::Undone);
        for (_, vnfc) in self.parts::<VnfcPart>("compute").filter(|(s, _)| there(s)) {
            let disk = if let RootPart::Volume(id) = vnfc.root { Some(id) } else { None };
            let ports = vnfc.ports.iter().map(|p| p.id);
            for used in ports.chain(vnfc.volumes.iter().copied()).chain(disk).chain(vnfc.groups.iter().copied()) {
                users.entry(used).or_default().push(vnfc.id);
            }
            self.own(&mut owned, Kind::Compute, vnfc.id, vnfc.id, &vnfc.name, &vnfc.vdu);
        }
        for (_, port) in self.parts::<PortParams>("port").filter(|(s, _)| there(s)) {
            users.entry(port.port.on.network()).or_default().push(port.port.id);
            self.own(&mut owned, Kind::Port, port.port.id, port.vnfc, &port.port.name, &port.port.cpd);
        }
        for (_, volume) in self.parts::<VolumePart>("volume").filter(|(s, _)| there(s)) {
            self.own(&mut owned, Kind::Volume, volume.id, volume.id, &volume.name, &volume.desc);
        }
        for (_, subnet) in self.parts::<SubnetParams>("subnet").filter(|(s, _)| there(s)) {
            users.entry(subnet.link).or_default().push(subnet.subnet.id);
            let ports = users.get(&subnet.link).cloned().unwrap_or_default();
            users.entry(subnet.subnet.id).or_default().extend(ports.into_iter().filter(|id| *id != subnet.subnet.id));
            self.own(
                &mut owned,
                Kind::Subnet,
                subnet.subnet.id,
                subnet.link,
                &subnet.subnet.spec.name,
                &subnet.subnet.spec.name,
            );
        }
        for (_, link) in self.parts::<LinkPart>("network").filter(|(s, _)| there(s)) {
            self.own(&mut owned, Kind::Network, link.id, link.id, &link.desc, &link.desc);
        }
        for (_, group) in self.parts::<GroupPart>("affinity_group").filter(|(s, _)| there(s)) {
            self.own(&mut owned, Kind::AffinityGroup, group.id, group.id, &group.name, &group.name);
        }
        // A subnet waits for the ports of its link only: two subnets of one link do not wait for each other.
        let subnets: Vec<Uuid> = owned.iter().filter(|r| r.kind == Kind::Subnet).map(|r| r.id).collect();
        for resource in &mut owned {
            let mut after = users.remove(&resource.id).unwrap_or_default();
            if resource.kind == Kind::Subnet {
                after.retain(|id| !subnets.contains(id));
            }
            resource.after = after;
        }
        owned
    }

    fn own(&self, owned: &mut Vec<Owned>, kind: Kind, id: Uuid, definition: Uuid, name: &str, desc: &str) {
        if let Some(at) = self.at(definition) {
            owned.push(Owned { kind, id, at, name: name.to_owned(), desc: desc.to_owned(), after: Vec::new() });
        }
    }

    /// InstantiatedVnfInfo.
    pub fn instantiated(&self, facts: &Facts) -> InstantiatedVnfInfo {
        let mut info = InstantiatedVnfInfo {
            flavour_id: facts.flavour_id.clone(),
            vnf_state: VnfOperationalState::Started,
            scale_status: facts.scale_status.clone(),
            max_scale_levels: facts.max_scale_levels.clone(),
            ext_cp_info: Vec::new(),
            ext_virtual_link_info: facts.ext_virtual_links.iter().map(external_link).collect(),
            ext_managed_virtual_link_info: Vec::new(),
            monitoring_parameters: Vec::new(),
            localization_language: facts.localization_language.clone(),
            vnfc_resource_info: Vec::new(),
            vnf_virtual_link_resource_info: self.links(),
            virtual_storage_resource_info: self.volumes(),
            vnfc_info: Vec::new(),
        };
        let ports: BTreeMap<Uuid, Port> =
            self.parts::<PortParams>("port").filter_map(|(s, p)| Some((p.port.id, output(s)?))).collect();
        for (step, vnfc) in self.parts::<VnfcPart>("compute") {
            let compute: Option<Compute> = output(step);
            let cps = vnfc.ports.iter().map(|part| self.cp(&mut info, &vnfc, part, ports.get(&part.id))).collect();
            let disk = if let RootPart::Volume(id) = vnfc.root { Some(id) } else { None };
            info.vnfc_resource_info.push(VnfcResourceInfo {
                id: vnfc.id.to_string(),
                vdu_id: vnfc.vdu.clone(),
                vnfd_id: None,
                compute_resource: self.handle(vnfc.id, vnfc.id, "compute"),
                zone_id: compute.and_then(|c| c.zone),
                storage_resource_ids: vnfc.volumes.iter().chain(disk.iter()).map(Uuid::to_string).collect(),
                reservation_id: None,
                vnfc_cp_info: cps,
                metadata: serde_json::Map::new(),
            });
            info.vnfc_info.push(VnfcInfo {
                id: vnfc.name.clone(),
                vdu_id: vnfc.vdu.clone(),
                vnfc_resource_info_id: Some(vnfc.id.to_string()),
                vnfc_state: VnfOperationalState::Started,
                vnfc_configurable_properties: serde_json::Map::new(),
            });
        }
        info
    }

    fn links(&self) -> Vec<VnfVirtualLinkResourceInfo> {
        self.parts::<LinkPart>("network")
            .map(|(_, link)| VnfVirtualLinkResourceInfo {
                id: link.id.to_string(),
                vnf_virtual_link_desc_id: link.desc.clone(),
                vnfd_id: None,
                network_resource: self.handle(link.id, link.id, "network"),
                zone_id: None,
                reservation_id: None,
                vnf_link_ports: Vec::new(),
                metadata: serde_json::Map::new(),
            })
            .collect()
    }

    fn volumes(&self) -> Vec<VirtualStorageResourceInfo> {
        self.parts::<VolumePart>("volume")
            .map(|(_, volume)| VirtualStorageResourceInfo {
                id: volume.id.to_string(),
                virtual_storage_desc_id: volume.desc.clone(),
                vnfd_id: None,
                storage_resource: self.handle(volume.id, volume.id, "volume"),
                zone_id: None,
                reservation_id: None,
                metadata: serde_json::Map::new(),
            })
            .collect()
    }

    /// Writes a VNFC's CP and what it is connected to.
    fn cp(
        &self,
        info: &mut InstantiatedVnfInfo,
        vnfc: &VnfcPart,
        part: &super::blueprint::PortPart,
        port: Option<&Port>,
    ) -> VnfcCpInfo {
        let handle = self.handle(vnfc.id, part.id, "port");
        let id = format!("cp-{}", part.id);
        let protocol: Vec<CpProtocolInfo> = port.map(protocol_info).into_iter().collect();
        let mut cp = VnfcCpInfo {
            id: id.clone(),
            cpd_id: part.cpd.clone(),
            vnf_ext_cp_id: None,
            cp_protocol_info: protocol.clone(),
            vnf_link_port_id: None,
            metadata: serde_json::Map::new(),
        };
        match &part.on {
            PortOn::Internal { network } => {
                let link_port = part.id.to_string();
                cp.vnf_link_port_id = Some(link_port.clone());
                let wanted = network.to_string();
                if let Some(link) = info.vnf_virtual_link_resource_info.iter_mut().find(|l| l.id == wanted) {
                    link.vnf_link_ports.push(VnfLinkPortInfo {
                        id: link_port,
                        resource_handle: handle,
                        cp_instance_id: Some(id),
                        cp_instance_type: Some(CpInstanceType::VnfcCp),
                    });
                }
            }
            PortOn::External { ext_cpd, ext_vl, cp_config, .. } => {
                let ext_cp = format!("extcp-{}", part.id);
                cp.vnf_ext_cp_id = Some(ext_cp.clone());
                info.ext_cp_info.push(VnfExtCpInfo {
                    id: ext_cp.clone(),
                    cpd_id: ext_cpd.clone(),
                    cp_config_id: cp_config.clone(),
                    vnfd_id: None,
                    cp_protocol_info: protocol,
                    ext_link_port_id: Some(part.id.to_string()),
                    metadata: serde_json::Map::new(),
                    associated_vnfc_cp_id: Some(id),
                    associated_vnf_virtual_link_id: None,
                });
                if let Some(link) = info.ext_virtual_link_info.iter_mut().find(|l| &l.id == ext_vl) {
                    link.ext_link_ports.push(ExtLinkPortInfo {
                        id: part.id.to_string(),
                        resource_handle: handle,
                        cp_instance_id: Some(ext_cp),
                    });
                }
            }
        }
        cp
    }

    /// `resourceChanges` of an operation occurrence that adds (SOL003 clause 5.5.2.13): what is done so far.
    pub fn added(&self) -> ResourceChanges {
        let done = |step: &StepView| step.state == StepState::Done;
        let mut changes = ResourceChanges::default();
        for (_, vnfc) in self.parts::<VnfcPart>("compute").filter(|(s, _)| done(s)) {
            changes.affected_vnfcs.push(AffectedVnfc {
                id: vnfc.id.to_string(),
                vdu_id: vnfc.vdu.clone(),
                vnfd_id: None,
                change_type: ChangeType::Added,
                compute_resource: self.handle(vnfc.id, vnfc.id, "compute"),
                resource_definition_id: Some(vnfc.id.to_string()),
                zone_id: None,
                metadata: serde_json::Map::new(),
                affected_vnfc_cp_ids: vnfc.ports.iter().map(|p| format!("cp-{}", p.id)).collect(),
                added_storage_resource_ids: vnfc.volumes.iter().map(Uuid::to_string).collect(),
                removed_storage_resource_ids: Vec::new(),
            });
        }
        for (_, link) in self.parts::<LinkPart>("network").filter(|(s, _)| done(s)) {
            changes.affected_virtual_links.push(AffectedVirtualLink {
                id: link.id.to_string(),
                vnf_virtual_link_desc_id: link.desc.clone(),
                vnfd_id: None,
                change_type: VirtualLinkChangeType::Added,
                network_resource: self.handle(link.id, link.id, "network"),
                vnf_link_port_ids: Vec::new(),
                resource_definition_id: Some(link.id.to_string()),
                zone_id: None,
                metadata: serde_json::Map::new(),
            });
        }
        for (_, volume) in self.parts::<VolumePart>("volume").filter(|(s, _)| done(s)) {
            changes.affected_virtual_storages.push(AffectedVirtualStorage {
                id: volume.id.to_string(),
                virtual_storage_desc_id: volume.desc.clone(),
                vnfd_id: None,
                change_type: ChangeType::Added,
                storage_resource: self.handle(volume.id, volume.id, "volume"),
                resource_definition_id: Some(volume.id.to_string()),
                zone_id: None,
                metadata: serde_json::Map::new(),
            });
        }
        changes
    }
}

fn output<T: DeserializeOwned>(step: &StepView) -> Option<T> {
    T::deserialize(step.output.as_deref()?).ok()
}

fn external_link(link: &ExtVirtualLinkData) -> ExtVirtualLinkInfo {
    ExtVirtualLinkInfo {
        id: link.id.clone(),
        resource_handle: ResourceHandle {
            vim_connection_id: link.vim_connection_id.clone(),
            resource_provider_id: link.resource_provider_id.clone(),
            resource_id: link.resource_id.clone(),
            vim_level_resource_type: Some("network".to_owned()),
        },
        ext_link_ports: Vec::new(),
        current_vnf_ext_cp_data: link.ext_cps.clone(),
    }
}

fn protocol_info(port: &Port) -> CpProtocolInfo {
    let addresses = port.addresses.iter().map(|address| IpAddressInfo {
        r#type: if address.ip.is_ipv4() { IpAddressType::Ipv4 } else { IpAddressType::Ipv6 },
        addresses: vec![address.ip.to_string()],
        is_dynamic: None,
        address_range: None,
        subnet_id: Some(address.subnet_id.to_string()),
    });
    CpProtocolInfo {
        layer_protocol: LayerProtocol::IpOverEthernet,
        ip_over_ethernet: Some(IpOverEthernetAddressInfo {
            mac_address: Some(port.mac.clone()),
            segmentation_id: None,
            ip_addresses: addresses.collect(),
        }),
    }
}
