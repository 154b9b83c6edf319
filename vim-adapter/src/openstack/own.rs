//! What a cloud has by itself and a consumer names by the cloud's own identifier: networks and images, read as they are.

use ipnet::IpNet;
use reference_points::common::{Owner, OwnerKind};
use reference_points::or_vi::{
    AddressPool, Network, NetworkRealisation, NetworkSpec, ResourceState, Subnet, SubnetSpec,
};
use serde_json::Value;
use uuid::Uuid;

use super::OpenstackVim;
use super::call::{Call, Service};
use super::errors::Work;
use super::networks::text;
use crate::error::Result;

fn network(found: &Value, id: Uuid, vim: Uuid) -> Network {
    let physical_network = text(found, "provider:physical_network");
    let tag = found["provider:segmentation_id"].as_u64().and_then(|tag| u16::try_from(tag).ok());
    let realisation = match (found["provider:network_type"].as_str(), physical_network, tag) {
        (Some("vlan"), Some(physical_network), Some(segmentation_id)) => {
            NetworkRealisation::Vlan { physical_network, segmentation_id }
        }
        (Some("flat"), Some(physical_network), _) => NetworkRealisation::Flat { physical_network },
        _ => NetworkRealisation::Overlay,
    };
    Network {
        id,
        spec: NetworkSpec {
            name: text(found, "name").unwrap_or_default(),
            owner: owner(vim),
            realisation,
            mtu: found["mtu"].as_u64().and_then(|mtu| u32::try_from(mtu).ok()),
            max_port_bitrate: None,
        },
        vim_resource_id: Some(id.to_string()),
        state: ResourceState::Active,
        problem: None,
    }
}

fn subnet(found: &Value, network_id: Uuid, vim: Uuid) -> Option<Subnet> {
    let id = text(found, "id")?;
    let address = |value: &Value| value.as_str().and_then(|text| text.parse().ok());
    let pool = |pool: &Value| Some(AddressPool { start: address(&pool["start"])?, end: address(&pool["end"])? });
    let pools = found["allocation_pools"].as_array().into_iter().flatten();
    let dns = found["dns_nameservers"].as_array().into_iter().flatten();
    Some(Subnet {
        id: id.parse().ok()?,
        spec: SubnetSpec {
            name: text(found, "name").unwrap_or_default(),
            owner: owner(vim),
            network_id,
            cidr: found["cidr"].as_str()?.parse::<IpNet>().ok()?,
            gateway: address(&found["gateway_ip"]),
            pools: pools.filter_map(pool).collect(),
            dhcp: found["enable_dhcp"] == true,
            dns: dns.filter_map(address).collect(),
            routed: false,
        },
        vim_resource_id: Some(id),
        state: ResourceState::Active,
        problem: None,
    })
}

fn owner(vim: Uuid) -> Owner {
    Owner { kind: OwnerKind::Vim, id: vim, operation: None, step: None }
}

impl OpenstackVim {
    pub(super) async fn network_of_its_own(&self, id: Uuid) -> Result<Option<(Network, Vec<Subnet>)>> {
        let work = Work::new("look for", format!("network {id}"));
        let found = self.session.find(&work, Call::get(Service::Network, format!("networks/{id}"))).await?;
        let Some(found) = found else { return Ok(None) };
        let vim = self.ledger.vim;
        let network = network(&found.body["network"], id, vim);
        let listed = Call::get(Service::Network, "subnets").query("network_id", id.to_string());
        let listed = self.session.ask(&work, listed).await?.body;
        let listed = listed["subnets"].as_array().into_iter().flatten();
        Ok(Some((network, listed.filter_map(|found| subnet(found, id, vim)).collect())))
    }

    /// The least disk, in bytes, that boots from an image.
    pub(super) async fn image_of_its_own(&self, id: Uuid) -> Result<Option<u64>> {
        let work = Work::new("look for", format!("image {id}"));
        let found = self.session.find(&work, Call::get(Service::Image, format!("images/{id}"))).await?;
        Ok(found.filter(|found| found.body["status"] == "active").map(|found| {
            let disk = found.body["min_disk"].as_u64().unwrap_or(0) << 30;
            disk.max(found.body["virtual_size"].as_u64().unwrap_or(0))
        }))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    #[test]
    fn a_network_is_read_with_its_subnets_and_belongs_to_the_vim() {
        let (id, vim) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let found = json!({ "name": "blue", "mtu": 1450, "provider:network_type": "vlan",
            "provider:physical_network": "dc", "provider:segmentation_id": 100 });
        let read = network(&found, id, vim);
        let vlan = NetworkRealisation::Vlan { physical_network: "dc".to_owned(), segmentation_id: 100 };
        assert_eq!((read.spec.realisation, read.spec.mtu, read.spec.owner.id), (vlan, Some(1450), vim));
        // Who may not see how it is realised takes it as it is.
        assert_eq!(network(&json!({ "name": "x" }), id, vim).spec.realisation, NetworkRealisation::Overlay);
        let found = json!({ "id": Uuid::from_u128(3), "cidr": "10.0.0.0/24", "gateway_ip": null, "enable_dhcp": true,
            "allocation_pools": [{ "start": "10.0.0.2", "end": "10.0.0.9" }], "dns_nameservers": ["9.9.9.9"] });
        let read = subnet(&found, id, vim).unwrap();
        assert_eq!((read.spec.gateway, read.spec.pools.len(), read.spec.dns.len()), (None, 1, 1));
        assert!(subnet(&json!({ "id": "no uuid", "cidr": "10.0.0.0/24" }), id, vim).is_none());
    }
}
