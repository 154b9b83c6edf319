//! What is recorded of an instance: the InstantiatedVnfInfo of SOL003 clause 5.5.2.2, made from what it has.

use std::collections::BTreeMap;

use reference_points::common::KeyValuePairs;
use reference_points::or_vi::{Port, TrunkPart};
use reference_points::or_vnfm::{
    CpInstanceType, CpProtocolInfo, ExtLinkPortInfo, ExtManagedVirtualLinkData, ExtManagedVirtualLinkInfo,
    ExtVirtualLinkData, ExtVirtualLinkInfo, InstantiateVnfRequest, InstantiatedVnfInfo, IpAddressInfo, IpAddressType,
    IpOverEthernetAddressInfo, LayerProtocol, MonitoringParameter, ResourceHandle, ScaleInfo,
    VirtualStorageResourceInfo, VnfExtCpInfo, VnfLinkPortInfo, VnfOperationalState, VnfVirtualLinkResourceInfo,
    VnfcCpInfo, VnfcInfo, VnfcResourceInfo,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::blueprint::{PortOn, PortPart};
use super::inventory::{Owned, Part, volumes_of, zone_of};
use super::ve::Endpoint;
use crate::vi::Kind;

/// Key in the metadata of a connection point: the address by which it is reached from the VIM's external network.
pub const FLOATING_ADDRESS: &str = "floatingAddress";

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
    /// The request that the instance is made from, with what later operations changed of it: what more of it is made by.
    pub request: InstantiateVnfRequest,
    /// Monitoring parameters that the VNFD declares.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub monitoring: Vec<MonitoringParameter>,
    /// Where the VNFD says that its indicators are; `None` when it speaks of none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub indicators: Option<Endpoint>,
    /// Configurable properties of VNFCs, by VDU, as the VNFD gives them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub vnfc_properties: BTreeMap<String, KeyValuePairs>,
}

/// InstantiatedVnfInfo of what an instance has.
pub fn instantiated(facts: &Facts, all: &[Owned]) -> InstantiatedVnfInfo {
    let runs = |o: &Owned| !o.stopped;
    let computes = || all.iter().filter(|o| o.kind() == Kind::Compute);
    let mut info = InstantiatedVnfInfo {
        flavour_id: facts.flavour_id.clone(),
        vnf_state: operational(computes().next().is_none() || computes().any(runs)),
        scale_status: facts.scale_status.clone(),
        max_scale_levels: facts.max_scale_levels.clone(),
        ext_cp_info: Vec::new(),
        ext_virtual_link_info: facts.request.ext_virtual_links.iter().map(external_link).collect(),
        ext_managed_virtual_link_info: facts.request.ext_managed_virtual_links.iter().map(managed_link).collect(),
        monitoring_parameters: facts.monitoring.clone(),
        localization_language: facts.request.localization_language.clone(),
        vnfc_resource_info: Vec::new(),
        vnf_virtual_link_resource_info: Vec::new(),
        virtual_storage_resource_info: Vec::new(),
        vnfc_info: Vec::new(),
    };
    for owned in all {
        match &owned.part {
            Part::Network(link) => info.vnf_virtual_link_resource_info.push(VnfVirtualLinkResourceInfo {
                id: link.id.to_string(),
                vnf_virtual_link_desc_id: link.desc.clone(),
                vnfd_id: None,
                network_resource: handle(owned),
                zone_id: None,
                reservation_id: None,
                vnf_link_ports: Vec::new(),
                metadata: serde_json::Map::new(),
            }),
            Part::Volume(volume) => info.virtual_storage_resource_info.push(VirtualStorageResourceInfo {
                id: volume.id.to_string(),
                virtual_storage_desc_id: volume.desc.clone(),
                vnfd_id: None,
                storage_resource: handle(owned),
                zone_id: owned.zone.clone(),
                reservation_id: None,
                metadata: serde_json::Map::new(),
            }),
            _ => {}
        }
    }
    let ports: BTreeMap<Uuid, &Owned> = all.iter().filter(|o| o.kind() == Kind::Port).map(|o| (o.id(), o)).collect();
    for owned in computes() {
        let Some(vnfc) = owned.vnfc() else { continue };
        let cps = vnfc.ports.iter().filter_map(|part| Some(cp(&mut info, part, ports.get(&part.id)?))).collect();
        info.vnfc_resource_info.push(VnfcResourceInfo {
            id: vnfc.id.to_string(),
            vdu_id: vnfc.vdu.clone(),
            vnfd_id: None,
            compute_resource: handle(owned),
            zone_id: zone_of(owned),
            storage_resource_ids: volumes_of(vnfc).map(|id| id.to_string()).collect(),
            reservation_id: None,
            vnfc_cp_info: cps,
            metadata: serde_json::Map::new(),
        });
        info.vnfc_info.push(VnfcInfo {
            id: vnfc.name.clone(),
            vdu_id: vnfc.vdu.clone(),
            vnfc_resource_info_id: Some(vnfc.id.to_string()),
            vnfc_state: operational(runs(owned)),
            vnfc_configurable_properties: facts.vnfc_properties.get(&vnfc.vdu).cloned().unwrap_or_default(),
        });
    }
    info
}

fn operational(runs: bool) -> VnfOperationalState {
    if runs { VnfOperationalState::Started } else { VnfOperationalState::Stopped }
}

/// Handle of a resource.
pub fn handle(owned: &Owned) -> ResourceHandle {
    ResourceHandle {
        vim_connection_id: Some(owned.at.vim.to_string()),
        resource_provider_id: None,
        resource_id: owned.id().to_string(),
        vim_level_resource_type: Some(owned.kind().word().to_owned()),
    }
}

/// Writes a VNFC's CP and what it is connected to.
fn cp(info: &mut InstantiatedVnfInfo, part: &PortPart, owned: &Owned) -> VnfcCpInfo {
    let handle = handle(owned);
    let port: Option<Port> = owned.found_as();
    let id = format!("cp-{}", part.id);
    let protocol: Vec<CpProtocolInfo> = port.as_ref().map(protocol_info).into_iter().collect();
    // This version of SOL003 has no members for the parent of a trunk's port, nor for floating addresses.
    let parent = part.parent().map(|parent| ("parentCpId".to_owned(), format!("cp-{parent}").into()));
    let floating = port.as_ref().and_then(|port| port.floating_address);
    let floating = floating.map(|ip| (FLOATING_ADDRESS.to_owned(), Value::String(ip.to_string())));
    let mut cp = VnfcCpInfo {
        id: id.clone(),
        cpd_id: part.cpd.clone(),
        vnf_ext_cp_id: None,
        cp_protocol_info: protocol.clone(),
        vnf_link_port_id: None,
        metadata: parent.into_iter().chain(floating.clone()).collect(),
    };
    match &part.on {
        PortOn::Internal { network } => {
            let link_port = part.id.to_string();
            cp.vnf_link_port_id = Some(link_port.clone());
            let wanted = network.to_string();
            let managed = info.ext_managed_virtual_link_info.iter_mut();
            if let Some(link) = managed.into_iter().find(|l| l.network_resource.resource_id == wanted) {
                link.vnf_link_ports.push(VnfLinkPortInfo {
                    id: link_port,
                    resource_handle: handle,
                    cp_instance_id: Some(id),
                    cp_instance_type: Some(CpInstanceType::VnfcCp),
                });
            } else if let Some(link) = info.vnf_virtual_link_resource_info.iter_mut().find(|l| l.id == wanted) {
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
                metadata: floating.into_iter().collect(),
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

fn managed_link(link: &ExtManagedVirtualLinkData) -> ExtManagedVirtualLinkInfo {
    ExtManagedVirtualLinkInfo {
        id: link.id.clone(),
        vnf_virtual_link_desc_id: link.vnf_virtual_link_desc_id.clone(),
        vnfd_id: None,
        network_resource: ResourceHandle {
            vim_connection_id: link.vim_connection_id.clone(),
            resource_provider_id: link.resource_provider_id.clone(),
            resource_id: link.resource_id.clone(),
            vim_level_resource_type: Some("network".to_owned()),
        },
        vnf_link_ports: Vec::new(),
        ext_managed_multisite_virtual_link_id: None,
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
            segmentation_id: match &port.spec.trunk {
                Some(TrunkPart::SubPort { segmentation_id, .. }) => segmentation_id.map(|id| id.to_string()),
                Some(TrunkPart::Parent) | None => None,
            },
            ip_addresses: addresses.collect(),
        }),
    }
}
