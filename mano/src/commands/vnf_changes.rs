//! `mano vnf flavour|connect|upgrade`: what a VNF is made of is changed (SOL003 clauses 5.4.7, 5.4.11, 5.4.11a).

use std::collections::BTreeMap;
use std::net::IpAddr;

use reference_points::common::KeyValuePairs;
use reference_points::or_vnfm::{
    ChangeCurrentVnfPkgRequest, ChangeExtVnfConnectivityRequest, ChangeVnfFlavourRequest, CpProtocolData,
    ExtVirtualLinkData, IpAddressRequest, IpAddressType, IpOverEthernetAddressData, LayerProtocol, VnfExtCpConfig,
    VnfExtCpData, VnfInstance,
};
use serde_json::Value;
use uuid::Uuid;

use super::package;
use crate::cli::Connect;
use crate::context::Context;
use crate::fail::Failure;

pub async fn flavour(
    context: &Context,
    vnf: Uuid,
    new_flavour_id: String,
    instantiation_level_id: Option<String>,
) -> Result<Uuid, Failure> {
    let request =
        ChangeVnfFlavourRequest { new_flavour_id, instantiation_level_id, ..ChangeVnfFlavourRequest::default() };
    Ok(context.vnfs.change_flavour(vnf, &request).await?)
}

pub async fn upgrade(context: &Context, vnf: Uuid, package: &str, blue_green: bool) -> Result<Uuid, Failure> {
    let vnfd_id = package::vnfd_of(context, package).await?;
    let way = if blue_green { "BlueGreen" } else { "RollingUpdate" };
    let additional_params: KeyValuePairs =
        [("upgrade_type".to_owned(), Value::String(way.to_owned()))].into_iter().collect();
    let request = ChangeCurrentVnfPkgRequest { vnfd_id, additional_params, ..ChangeCurrentVnfPkgRequest::default() };
    Ok(context.vnfs.change_vnfpkg(vnf, &request).await?)
}

pub async fn connect(context: &Context, vnf: &VnfInstance, connect: &Connect) -> Result<Uuid, Failure> {
    let links = vnf.instantiated_vnf_info.iter().flat_map(|info| &info.ext_virtual_link_info);
    let there = links.clone().find(|link| link.id == connect.link);
    let resource_id = match (connect.network, there) {
        (Some(network), _) => network.to_string(),
        (None, Some(link)) => link.resource_handle.resource_id.clone(),
        (None, None) => {
            let known: Vec<&str> = links.map(|l| l.id.as_str()).collect();
            let text = format!("the VNF has no external link {:?}: it has {}", connect.link, known.join(", "));
            return Err(Failure::helped(text, "for a new link, say which network it is with --network ID"));
        }
    };
    let mut cps: BTreeMap<String, BTreeMap<String, VnfExtCpConfig>> = BTreeMap::new();
    for text in &connect.cps {
        let wanted = Wanted::read(text)?;
        let configs = cps.entry(wanted.cpd.clone()).or_default();
        let ids = match &wanted.config {
            Some(config) => vec![config.clone()],
            None => configs_of(vnf, &wanted.cpd),
        };
        if wanted.address.is_some() && ids.len() > 1 {
            let text = format!("{text:?} gives one address to {} connection points", ids.len());
            return Err(Failure::helped(text, format!("say which one: {}", ids.join(", "))));
        }
        configs.extend(ids.into_iter().map(|id| (id, wanted.as_config())));
    }
    let ext_cps = cps.into_iter().map(|(cpd_id, cp_config)| VnfExtCpData { cpd_id, cp_config }).collect();
    let link = ExtVirtualLinkData {
        id: connect.link.clone(),
        vim_connection_id: there.and_then(|l| l.resource_handle.vim_connection_id.clone()),
        resource_provider_id: None,
        resource_id,
        ext_cps,
        ext_link_ports: Vec::new(),
    };
    let request =
        ChangeExtVnfConnectivityRequest { ext_virtual_links: vec![link], ..ChangeExtVnfConnectivityRequest::default() };
    Ok(context.vnfs.change_ext_conn(vnf.id, &request).await?)
}

/// Configurations of all instances of a connection point.
fn configs_of(vnf: &VnfInstance, cpd: &str) -> Vec<String> {
    let cps = vnf.instantiated_vnf_info.iter().flat_map(|info| &info.ext_cp_info);
    cps.filter(|cp| cp.cpd_id == cpd).map(|cp| cp.cp_config_id.clone()).collect()
}

/// `CPD[/CONFIG][=ADDRESS]`.
#[derive(Debug, PartialEq)]
struct Wanted {
    cpd: String,
    config: Option<String>,
    address: Option<IpAddr>,
}

impl Wanted {
    fn read(text: &str) -> Result<Self, Failure> {
        let (name, address) = text.split_once('=').map_or((text, None), |(name, address)| (name, Some(address)));
        let address = address.map(str::parse).transpose();
        let address =
            address.map_err(|_| Failure::usage(format!("--cp {text:?}: what stands after = is no address")))?;
        let (cpd, config) = name.split_once('/').map_or((name, None), |(cpd, config)| (cpd, Some(config.to_owned())));
        Ok(Self { cpd: cpd.to_owned(), config, address })
    }

    fn as_config(&self) -> VnfExtCpConfig {
        let address = |ip: IpAddr| IpOverEthernetAddressData {
            ip_addresses: vec![IpAddressRequest {
                r#type: if ip.is_ipv4() { IpAddressType::Ipv4 } else { IpAddressType::Ipv6 },
                fixed_addresses: vec![ip.to_string()],
                num_dynamic_addresses: None,
                address_range: None,
                subnet_id: None,
            }],
            ..IpOverEthernetAddressData::default()
        };
        let data = CpProtocolData {
            layer_protocol: LayerProtocol::IpOverEthernet,
            ip_over_ethernet: self.address.map(address),
        };
        VnfExtCpConfig { cp_protocol_data: vec![data], ..VnfExtCpConfig::default() }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_connection_point_is_named_with_what_is_known_of_it() {
        let read = |text| Wanted::read(text).unwrap();
        let plain = Wanted { cpd: "data".into(), config: None, address: None };
        assert_eq!(read("data"), plain);
        let one = Wanted { config: Some("data-2".into()), address: Some([203, 0, 113, 9].into()), ..plain };
        assert_eq!(read("data/data-2=203.0.113.9"), one);
        assert!(Wanted::read("data=nowhere").is_err());
    }
}
