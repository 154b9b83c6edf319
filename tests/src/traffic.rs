//! Traffic through the sample network service.

use std::time::{Duration, Instant};

use reference_points::or_vnfm::{IpAddressType, VnfInstance};
use reference_points::os_ma_nfvo::mano::Topology;

use crate::lab::Lab;

/// Address of `web` as seen from outside: that of `edge` on the external network.
pub fn url(topology: &Topology) -> String {
    let external =
        topology.links.iter().find(|l| l.physical_network.is_some() && l.name == "external").expect("external");
    let edge = topology.vnfs.iter().find(|v| v.product.starts_with("edge")).expect("edge");
    let port = edge.vnfcs[0].ports.iter().find(|p| p.network_id == external.network_id).expect("its port");
    format!("http://{}/", port.addresses[0].split('/').next().expect("an address"))
}

/// Waits for an answer from `web` through `edge`, however long the guests take to boot.
pub async fn answer(lab: &Lab, url: &str) -> String {
    until(url, || lab.request_from_outside(url)).await
}

/// As [`answer`], from where the VNFs are managed.
pub async fn managed(lab: &Lab, url: &str) -> String {
    until(url, || lab.request_from_management(url)).await
}

/// Waits until asking for `url` gives an answer, however long the guests take to boot.
pub async fn until(url: &str, ask: impl Fn() -> Option<String>) -> String {
    let begun = Instant::now();
    loop {
        if let Some(body) = ask() {
            return body;
        }
        assert!(begun.elapsed() < Duration::from_secs(240), "no answer from {url}");
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}

/// Where a VNF's connection point of this kind answers HTTP: one address for each instance of it.
pub fn urls_of(vnf: &VnfInstance, cpd: &str) -> Vec<String> {
    let info = vnf.instantiated_vnf_info.as_ref().expect("an instantiated VNF");
    let cps = info.vnfc_resource_info.iter().flat_map(|vnfc| &vnfc.vnfc_cp_info).filter(|cp| cp.cpd_id == cpd);
    cps.map(|cp| {
        let ip = cp.cp_protocol_info.iter().find_map(|p| p.ip_over_ethernet.as_ref()).expect("an address");
        let addresses = ip.ip_addresses.iter().find(|a| a.r#type == IpAddressType::Ipv4).expect("an IPv4 address");
        format!("http://{}/", addresses.addresses[0])
    })
    .collect()
}
