//! Traffic through the sample network service.

use std::time::{Duration, Instant};

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
    let begun = Instant::now();
    loop {
        if let Some(body) = lab.nfvi().request_from_outside(url) {
            return body;
        }
        assert!(begun.elapsed() < Duration::from_secs(240), "no answer from {url}");
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}
