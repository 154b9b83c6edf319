//! The steps of an operation, and which waits for which. Pure: from a [`Design`] alone.
//!
//! ```text
//!   network/L -> subnet/L/1 -.
//!   image/I ------------------+-> vnf/P/instantiate      vnf/P/terminate -> vnf/P/delete -> subnet/L/1 -> network/L
//!   vnf/P/create ------------'
//! ```
//!
//! Everything without an arrow between runs side by side; VNFs wait for each other only where the NSD says so.

use std::collections::BTreeMap;

use lcm::{Plan, PlanFaults, StepSpec};
use reference_points::common::KeyValuePairs;
use reference_points::or_vnfm::{
    CpProtocolData, CreateVnfRequest, ExtVirtualLinkData, InstantiateVnfRequest, IpAddressRequest, IpAddressType,
    IpOverEthernetAddressData, LayerProtocol, TerminateVnfRequest, TerminationType, VimConnectionInfo, VnfExtCpConfig,
    VnfExtCpData,
};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::design::{CpAddresses, Design, ImageDesign, LinkDesign, VimRef, VnfDesign};
use super::params::{
    DeleteParams, ImageParams, NetworkParams, SubnetParams, VnfCreateParams, VnfEndParams, VnfInstantiateParams, kinds,
};

/// Metadata of a VNF instance that names the NS it belongs to.
pub const META_NS: &str = "nsInstanceId";
/// Metadata of a VNF instance that names its place in the NS.
pub const META_PART: &str = "nsPart";

/// Steps that make a network service.
///
/// # Errors
/// [`PlanFaults`] when the design is larger than an operation may be.
pub fn instantiate(design: &Design) -> Result<Plan, PlanFaults> {
    let mut steps = Vec::new();
    for link in &design.links {
        steps.extend(link_steps(design, link));
    }
    steps.extend(design.images.iter().map(|image| image_step(design.vim.id, image)));
    for vnf in &design.vnfs {
        steps.push(create_step(design, vnf));
        steps.push(instantiate_step(design, vnf));
    }
    Plan::new(steps)
}

/// Steps that bring software images into a VIM.
///
/// # Errors
/// [`PlanFaults`] when there are none, or more than an operation may have.
pub fn images(vim: Uuid, images: &[ImageDesign]) -> Result<Plan, PlanFaults> {
    Plan::new(images.iter().map(|image| image_step(vim, image)).collect())
}

/// Steps that end a network service. `vnfs` names the VNF instances by part, as far as they are known.
///
/// # Errors
/// [`PlanFaults`] when the design is larger than an operation may be.
pub fn terminate(design: &Design, vnfs: &BTreeMap<String, Uuid>) -> Result<Plan, PlanFaults> {
    let mut steps = Vec::new();
    for vnf in &design.vnfs {
        let params = VnfEndParams {
            ns_id: design.ns_id,
            part: vnf.part.clone(),
            vnf_instance_id: vnfs.get(&vnf.part).copied(),
            request: terminate_request(vnf.grace_seconds),
        };
        let title = format!("Terminate VNF {}", vnf.part);
        // What was made after another VNF is ended before it.
        let dependants = design.vnfs.iter().filter(|v| v.after.contains(&vnf.part)).map(|v| delete_key(&v.part));
        let step = step(terminate_key(&vnf.part), kinds::VNF_TERMINATE, title, &params);
        steps.push(step.after_all(dependants));
        let title = format!("Delete VNF {}", vnf.part);
        let step = self::step(delete_key(&vnf.part), kinds::VNF_DELETE, title, &params);
        steps.push(step.after(terminate_key(&vnf.part)));
    }
    for link in &design.links {
        let users = design.vnfs.iter().filter(|v| v.connections.iter().any(|c| c.link == link.profile_id));
        let gone: Vec<String> = users.map(|v| delete_key(&v.part)).collect();
        for (i, subnet) in link.subnets.iter().enumerate() {
            let params = DeleteParams { vim: design.vim.id, id: subnet.subnet_id, name: subnet.cidr.to_string() };
            let title = format!("Delete subnet {} of {}", subnet.cidr, link.profile_id);
            let step = step(subnet_key(link, i), kinds::SUBNET_DELETE, title, &params);
            steps.push(step.after_all(gone.iter().cloned()));
        }
        let params = DeleteParams { vim: design.vim.id, id: link.network_id, name: link.profile_id.clone() };
        let title = format!("Delete network {}", link.profile_id);
        let step = step(network_key(link), kinds::NETWORK_DELETE, title, &params);
        steps.push(step.after_all(gone).after_all(link.subnets.iter().enumerate().map(|(i, _)| subnet_key(link, i))));
    }
    Plan::new(steps)
}

/// How a VNF is terminated.
pub fn terminate_request(grace_seconds: Option<u32>) -> TerminateVnfRequest {
    TerminateVnfRequest {
        termination_type: if grace_seconds.is_some() { TerminationType::Graceful } else { TerminationType::Forceful },
        graceful_termination_timeout: grace_seconds,
        additional_params: KeyValuePairs::new(),
    }
}

/// The VIM in the form SOL003 hands from NFVO to VNFM.
pub fn vim_connection(vim: &VimRef) -> VimConnectionInfo {
    let mut interface_info = KeyValuePairs::new();
    interface_info.insert("endpoint".to_owned(), Value::String(vim.endpoint.clone()));
    VimConnectionInfo {
        vim_id: Some(vim.id.to_string()),
        vim_type: vim.vim_type.clone(),
        interface_info,
        access_info: KeyValuePairs::new(),
        extra: KeyValuePairs::new(),
    }
}

fn link_steps(design: &Design, link: &LinkDesign) -> Vec<StepSpec> {
    let name = |what: &str| format!("{}-{what}", design.ns_name);
    let network = NetworkParams {
        vim: design.vim.id,
        id: link.network_id,
        ns_id: design.ns_id,
        name: name(&link.profile_id),
        realisation: link.realisation.clone(),
        mtu: link.mtu,
        max_port_bitrate: link.max_port_bitrate,
    };
    let mut steps =
        vec![step(network_key(link), kinds::NETWORK, format!("Create network {}", link.profile_id), &network)];
    for (i, subnet) in link.subnets.iter().enumerate() {
        let params = SubnetParams {
            vim: design.vim.id,
            id: subnet.subnet_id,
            ns_id: design.ns_id,
            network_id: link.network_id,
            name: name(&format!("{}-{}", link.profile_id, i + 1)),
            cidr: subnet.cidr,
            gateway: subnet.gateway,
            pools: subnet.pools.clone(),
            dhcp: subnet.dhcp,
            dns: subnet.dns.clone(),
            routed: subnet.routed,
        };
        let title = format!("Create subnet {} of {}", subnet.cidr, link.profile_id);
        steps.push(step(subnet_key(link, i), kinds::SUBNET, title, &params).after(network_key(link)));
    }
    steps
}

fn image_step(vim: Uuid, image: &ImageDesign) -> StepSpec {
    let params = ImageParams { vim, image: image.clone() };
    let mib = image.size_bytes.div_ceil(1 << 20);
    let title = format!("Bring image {} {} to the VIM ({mib} MiB)", image.name, image.version);
    step(image_key(image.image_id), kinds::IMAGE, title, &params)
}

fn create_step(design: &Design, vnf: &VnfDesign) -> StepSpec {
    let mut metadata = vnf.metadata.clone();
    metadata.insert(META_NS.to_owned(), Value::String(design.ns_id.to_string()));
    metadata.insert(META_PART.to_owned(), Value::String(vnf.part.clone()));
    let params = VnfCreateParams {
        ns_id: design.ns_id,
        part: vnf.part.clone(),
        vim: design.vim.id,
        package_id: vnf.package_id,
        request: CreateVnfRequest {
            vnfd_id: vnf.vnfd_id.clone(),
            vnf_instance_name: Some(vnf.name.clone()),
            vnf_instance_description: vnf.description.clone(),
            metadata,
        },
    };
    step(create_key(&vnf.part), kinds::VNF_CREATE, format!("Create VNF {}", vnf.part), &params)
}

fn instantiate_step(design: &Design, vnf: &VnfDesign) -> StepSpec {
    let connection_id = design.vim.id.to_string();
    let ext_virtual_links = vnf
        .connections
        .iter()
        .filter_map(|connection| {
            let link = design.link(&connection.link)?;
            let cp = |(cpd, instances): (&String, &Vec<CpAddresses>)| VnfExtCpData {
                cpd_id: cpd.clone(),
                cp_config: instances
                    .iter()
                    .enumerate()
                    .map(|(i, addresses)| (format!("{cpd}-{}", i + 1), cp_config(link, addresses)))
                    .collect(),
            };
            Some(ExtVirtualLinkData {
                id: connection.id.to_string(),
                vim_connection_id: Some(connection_id.clone()),
                resource_provider_id: None,
                resource_id: link.network_id.to_string(),
                ext_cps: connection.cps.iter().map(cp).collect(),
                ext_link_ports: Vec::new(),
            })
        })
        .collect();
    let request = InstantiateVnfRequest {
        flavour_id: vnf.flavour_id.clone(),
        instantiation_level_id: vnf.level_id.clone(),
        ext_virtual_links,
        ext_managed_virtual_links: Vec::new(),
        vim_connection_info: BTreeMap::from([(connection_id, vim_connection(&design.vim))]),
        localization_language: None,
        additional_params: vnf.additional.clone(),
        extensions: vnf.extensions.clone(),
        vnf_configurable_properties: vnf.configurable.clone(),
    };
    let params = VnfInstantiateParams {
        ns_id: design.ns_id,
        part: vnf.part.clone(),
        created_by: create_key(&vnf.part),
        request,
    };
    let links = vnf.connections.iter().filter_map(|c| design.link(&c.link));
    let networks = links.flat_map(|link| {
        std::iter::once(network_key(link)).chain(link.subnets.iter().enumerate().map(|(i, _)| subnet_key(link, i)))
    });
    let networks: Vec<String> = networks.collect();
    step(instantiate_key(&vnf.part), kinds::VNF_INSTANTIATE, format!("Instantiate VNF {}", vnf.part), &params)
        .after(create_key(&vnf.part))
        .after_all(networks)
        .after_all(vnf.images.iter().map(|id| image_key(*id)))
        .after_all(vnf.after.iter().map(|part| instantiate_key(part)))
}

/// Addresses of one connection point instance: what was reserved, and an automatic one of every other subnet.
fn cp_config(link: &LinkDesign, addresses: &CpAddresses) -> VnfExtCpConfig {
    let ip_addresses: Vec<IpAddressRequest> = link
        .subnets
        .iter()
        .map(|subnet| {
            let fixed = addresses.fixed.get(&subnet.subnet_id);
            IpAddressRequest {
                r#type: if subnet.cidr.addr().is_ipv4() { IpAddressType::Ipv4 } else { IpAddressType::Ipv6 },
                fixed_addresses: fixed.iter().map(ToString::to_string).collect(),
                num_dynamic_addresses: fixed.is_none().then_some(1),
                address_range: None,
                subnet_id: Some(subnet.subnet_id.to_string()),
            }
        })
        .collect();
    let nothing = ip_addresses.is_empty() && addresses.mac.is_none();
    let data = IpOverEthernetAddressData { mac_address: addresses.mac.clone(), segmentation_id: None, ip_addresses };
    VnfExtCpConfig {
        parent_cp_config_id: None,
        link_port_id: None,
        cp_protocol_data: vec![CpProtocolData {
            layer_protocol: LayerProtocol::IpOverEthernet,
            ip_over_ethernet: (!nothing).then_some(data),
        }],
    }
}

fn step(key: String, kind: &str, title: String, params: &impl Serialize) -> StepSpec {
    // Parameters are plain data; what cannot be written as JSON is refused by the step that reads it.
    StepSpec::new(key, kind, title).params(serde_json::to_value(params).unwrap_or_default())
}

/// Characters that a step's key may have; node templates may be named otherwise.
fn slug(name: &str) -> String {
    let fit = |c: char| if c.is_ascii_alphanumeric() || ".-_:@".contains(c) { c } else { '_' };
    let slug: String = name.chars().take(80).map(fit).collect();
    if slug == name {
        slug
    } else {
        format!("{slug}-{:x}", name.bytes().fold(5381_u32, |h, b| h.wrapping_mul(33) ^ u32::from(b)))
    }
}

/// Key of a step.
pub fn network_key(link: &LinkDesign) -> String {
    format!("network/{}", slug(&link.profile_id))
}

/// Key of a step.
pub fn subnet_key(link: &LinkDesign, i: usize) -> String {
    format!("subnet/{}/{}", slug(&link.profile_id), i + 1)
}

fn image_key(id: Uuid) -> String {
    format!("image/{id}")
}

/// Key of a step.
pub fn create_key(part: &str) -> String {
    format!("vnf/{}/create", slug(part))
}

/// Key of a step.
pub fn instantiate_key(part: &str) -> String {
    format!("vnf/{}/instantiate", slug(part))
}

/// Key of a step.
pub fn terminate_key(part: &str) -> String {
    format!("vnf/{}/terminate", slug(part))
}

/// Key of a step.
pub fn delete_key(part: &str) -> String {
    format!("vnf/{}/delete", slug(part))
}
