//! Networks and subnets in Neutron (IFA005 clause 7.4): documents made from what is wanted, and found again by their marks.

use reference_points::or_vi::{Network, NetworkRealisation, Subnet};
use serde_json::{Value, json};
use uuid::Uuid;

use super::OpenstackVim;
use super::call::{Call, Service};
use super::errors::Work;
use super::marks::{self, Mark};
use crate::error::{Result, is_refusal};
use crate::vim::{Gone, Its, Made, cannot};

fn network_document(network: &Network, mark: &Mark) -> Value {
    let spec = &network.spec;
    let mut body = json!({ "name": spec.name, "description": mark.text(), "admin_state_up": true, "shared": false });
    if let Some(mtu) = spec.mtu {
        body["mtu"] = json!(mtu);
    }
    match &spec.realisation {
        NetworkRealisation::Overlay => {}
        NetworkRealisation::Flat { physical_network } => {
            body["provider:network_type"] = json!("flat");
            body["provider:physical_network"] = json!(physical_network);
        }
        NetworkRealisation::Vlan { physical_network, segmentation_id } => {
            body["provider:network_type"] = json!("vlan");
            body["provider:physical_network"] = json!(physical_network);
            body["provider:segmentation_id"] = json!(segmentation_id);
        }
    }
    json!({ "network": body })
}

fn subnet_document(subnet: &Subnet, network: &str, mark: &Mark) -> Value {
    let spec = &subnet.spec;
    let v6 = spec.cidr.addr().is_ipv6();
    let mut body = json!({
        "name": spec.name, "description": mark.text(), "network_id": network,
        "ip_version": if v6 { 6 } else { 4 }, "cidr": spec.cidr.trunc().to_string(),
        // Absent would mean one that Neutron chooses.
        "gateway_ip": spec.gateway, "enable_dhcp": spec.dhcp, "dns_nameservers": spec.dns,
    });
    if !spec.pools.is_empty() {
        let pool = |pool: &reference_points::or_vi::AddressPool| json!({ "start": pool.start, "end": pool.end });
        body["allocation_pools"] = spec.pools.iter().map(pool).collect();
    }
    if v6 && spec.dhcp {
        body["ipv6_address_mode"] = json!("dhcpv6-stateful");
        body["ipv6_ra_mode"] = json!("dhcpv6-stateful");
    }
    json!({ "subnet": body })
}

/// Whether a network is what is asked for of a physical network. Who may not see how a network is realised goes by its name:
/// that of the physical network, with the VLAN after a dash.
fn provides(found: &Value, realisation: &NetworkRealisation) -> bool {
    let (physical, tag, kind) = match realisation {
        NetworkRealisation::Overlay => return false,
        NetworkRealisation::Flat { physical_network } => (physical_network, None, "flat"),
        NetworkRealisation::Vlan { physical_network, segmentation_id } => {
            (physical_network, Some(*segmentation_id), "vlan")
        }
    };
    match found["provider:network_type"].as_str() {
        Some(word) => {
            word == kind
                && found["provider:physical_network"] == physical.as_str()
                && tag.is_none_or(|tag| found["provider:segmentation_id"] == tag)
        }
        None => {
            let name = tag.map_or_else(|| physical.clone(), |tag| format!("{physical}-{tag}"));
            found["name"] == name && (found["shared"] == true || found["router:external"] == true)
        }
    }
}

/// What Neutron has of a kind with a name, and the mark.
fn marked<'a>(list: &'a Value, kind: &str, id: Uuid, vim: Uuid) -> Option<&'a Value> {
    list.as_array()?.iter().find(|found| marks::on(found).is_some_and(|mark| mark.is(kind, id, vim)))
}

impl OpenstackVim {
    /// Something of Neutron with this mark.
    pub(super) async fn neutron_marked(&self, kind: &str, name: &str, id: Uuid) -> Result<Option<Value>> {
        let work = Work::on("look for", kind, name, id);
        let plural = format!("{kind}s");
        let list = Call::get(Service::Network, plural.clone()).query("name", name);
        let reply = self.session.ask(&work, list).await?;
        Ok(marked(&reply.body[&plural], kind, id, self.ledger.vim).cloned())
    }

    /// Makes something of Neutron once.
    pub(super) async fn neutron_make(&self, kind: &str, name: &str, id: Uuid, call: Call) -> Result<Value> {
        let work = Work::on("make", kind, name, id);
        self.create(&work, call, |reply| reply[kind].clone(), || self.neutron_marked(kind, name, id)).await
    }

    /// Removes something of Neutron, known by its identifier or its mark; what is gone is gone.
    pub(super) async fn neutron_remove(&self, kind: &str, name: &str, id: Uuid, its: Option<&String>) -> Result<Gone> {
        let work = Work::on("delete", kind, name, id);
        let its = match its {
            Some(its) => Some(its.clone()),
            None => {
                self.looked_for(id, || self.neutron_marked(kind, name, id)).await?.and_then(|found| text(&found, "id"))
            }
        };
        if let Some(its) = its {
            self.session.remove(&work, Service::Network, format!("{kind}s/{its}")).await?;
        }
        Ok(Gone::Now)
    }

    /// Removes a network or subnet unless it was there before and is only used.
    pub(super) async fn neutron_remove_ours(
        &self,
        kind: &str,
        name: &str,
        id: Uuid,
        its: Option<&String>,
    ) -> Result<Gone> {
        let _turn = self.turns.take(id).await;
        if let Some(its) = its {
            let call = Call::get(Service::Network, format!("{kind}s/{its}")).query("fields", "description");
            let found = self.session.find(&Work::on("look at", kind, name, id), call).await?;
            if found.is_some_and(|reply| !super::follow::is_ours(&reply.body[kind], self.ledger.vim)) {
                return Ok(Gone::Now);
            }
        }
        self.neutron_remove(kind, name, id, its).await
    }

    /// A network of a physical network that is there already: one physical network takes one flat network, and only an
    /// operator makes such.
    async fn provided(&self, realisation: &NetworkRealisation) -> Result<Option<Value>> {
        if *realisation == NetworkRealisation::Overlay {
            return Ok(None);
        }
        let listed = self.paged(Service::Network, "networks", "networks", &[]).await?;
        Ok(listed.into_iter().find(|found| provides(found, realisation)))
    }

    pub(super) async fn make_network(&self, network: &Network) -> Result<Made> {
        let _turn = self.turns.take(network.id).await;
        let (id, name) = (network.id, &network.spec.name);
        if let Some(found) = self.looked_for(id, || self.neutron_marked("network", name, id)).await? {
            return Ok(made(&found));
        }
        if let Some(found) = self.provided(&network.spec.realisation).await? {
            return Ok(made(&found));
        }
        let cloud = self.session.cloud().await?;
        if network.spec.realisation != NetworkRealisation::Overlay && !cloud.can("provider") {
            return Err(cannot("a provider network", "Neutron has no extension `provider`"));
        }
        let mark = Mark::of("network", id, self.ledger.vim, &network.spec.owner);
        let call = Call::post(Service::Network, "networks", &network_document(network, &mark));
        Ok(made(&self.neutron_make("network", name, id, call).await?))
    }

    pub(super) async fn make_subnet(&self, subnet: &Subnet) -> Result<Made> {
        let _turn = self.turns.take(subnet.id).await;
        let (id, name) = (subnet.id, &subnet.spec.name);
        let suspect = self.is_suspect(id);
        if let Some(found) = self.looked_for(id, || self.neutron_marked("subnet", name, id)).await? {
            return self.routed(subnet, &found, suspect).await;
        }
        let network = self.network_id(subnet.spec.network_id).await?;
        let cidr = subnet.spec.cidr.trunc().to_string();
        let looking = Work::on("look for", "subnet", name, id);
        let list = Call::get(Service::Network, "subnets").query("network_id", &network).query("cidr", &cidr);
        let listed = self.session.ask(&looking, list).await?.body;
        let there = listed["subnets"].as_array().into_iter().flatten();
        if let Some(there) = there.into_iter().find(|found| !super::follow::is_ours(found, self.ledger.vim)) {
            // It came with the network, which was there before, and so did whatever routes it.
            if subnet.spec.routed {
                return Err(cannot("a router", "the subnet is somebody else's, who routes it or does not"));
            }
            return Ok(made(there));
        }
        let mark = Mark::of("subnet", id, self.ledger.vim, &subnet.spec.owner);
        let call = Call::post(Service::Network, "subnets", &subnet_document(subnet, &network, &mark));
        let found = self.neutron_make("subnet", name, id, call).await?;
        self.routed(subnet, &found, false).await
    }

    /// A subnet of ours, with its router. Where that is refused nothing stays.
    async fn routed(&self, subnet: &Subnet, found: &Value, suspect: bool) -> Result<Made> {
        let its = text(found, "id");
        if let Err(failure) = self.route(subnet, its.as_deref().unwrap_or_default(), suspect).await {
            if is_refusal(&failure) {
                let whole = Subnet { vim_resource_id: its.clone(), ..subnet.clone() };
                self.unroute(&whole).await?;
                self.neutron_remove("subnet", &subnet.spec.name, subnet.id, its.as_ref()).await?;
            }
            return Err(failure);
        }
        Ok(made(found))
    }

    pub(super) async fn remove_subnet(&self, subnet: &Subnet) -> Result<Gone> {
        let turn = self.turns.take(subnet.id).await;
        self.unroute(subnet).await?;
        drop(turn);
        self.neutron_remove_ours("subnet", &subnet.spec.name, subnet.id, subnet.vim_resource_id.as_ref()).await
    }
}

/// A text of a document.
pub(super) fn text(document: &Value, key: &str) -> Option<String> {
    document[key].as_str().map(str::to_owned)
}

fn made(document: &Value) -> Made {
    Made::Now(Its { id: text(document, "id"), ..Its::default() })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use reference_points::common::{Owner, OwnerKind};
    use reference_points::or_vi::{AddressPool, NetworkSpec, ResourceState, SubnetSpec};

    use super::*;

    fn owner() -> Owner {
        Owner { kind: OwnerKind::NsInstance, id: Uuid::nil(), operation: None, step: None }
    }

    fn mark() -> Mark {
        Mark::of("network", Uuid::from_u128(1), Uuid::nil(), &owner())
    }

    #[test]
    fn a_provider_network_says_how_it_is_realised_and_an_overlay_does_not() {
        let mut network = Network {
            id: Uuid::from_u128(1),
            spec: NetworkSpec {
                name: "n".into(),
                owner: owner(),
                realisation: Default::default(),
                mtu: Some(1400),
                max_port_bitrate: None,
            },
            vim_resource_id: None,
            state: ResourceState::Building,
            problem: None,
        };
        let body = network_document(&network, &mark())["network"].clone();
        assert_eq!(body["mtu"], 1400);
        assert!(body.get("provider:network_type").is_none());
        network.spec.realisation =
            NetworkRealisation::Vlan { physical_network: "physnet1".into(), segmentation_id: 42 };
        let body = network_document(&network, &mark())["network"].clone();
        assert_eq!((&body["provider:segmentation_id"], &body["provider:network_type"]), (&json!(42), &json!("vlan")));
    }

    #[test]
    fn a_network_of_a_physical_network_is_known_by_how_it_is_realised_or_by_its_name() {
        let flat = NetworkRealisation::Flat { physical_network: "ext".into() };
        let vlan = NetworkRealisation::Vlan { physical_network: "ext".into(), segmentation_id: 7 };
        let seen = json!({ "name": "any", "provider:network_type": "flat", "provider:physical_network": "ext" });
        assert!(provides(&seen, &flat) && !provides(&seen, &vlan));
        let unseen = json!({ "name": "ext", "shared": true });
        assert!(provides(&unseen, &flat) && !provides(&unseen, &vlan));
        assert!(provides(&json!({ "name": "ext-7", "router:external": true }), &vlan));
        assert!(!provides(&json!({ "name": "ext", "shared": false, "router:external": false }), &flat));
        assert!(!provides(&unseen, &NetworkRealisation::Overlay));
    }

    #[test]
    fn a_subnet_without_a_gateway_says_so() {
        let spec = SubnetSpec {
            name: "s".into(),
            owner: owner(),
            network_id: Uuid::nil(),
            cidr: "10.1.2.0/24".parse().unwrap(),
            gateway: None,
            pools: vec![AddressPool { start: "10.1.2.9".parse().unwrap(), end: "10.1.2.20".parse().unwrap() }],
            dhcp: false,
            dns: vec!["9.9.9.9".parse().unwrap()],
            routed: false,
        };
        let subnet =
            Subnet { id: Uuid::nil(), spec, vim_resource_id: None, state: ResourceState::Building, problem: None };
        let body = subnet_document(&subnet, "net", &mark())["subnet"].clone();
        assert!(body["gateway_ip"].is_null() && body.get("gateway_ip").is_some());
        assert_eq!(body["allocation_pools"][0], json!({ "start": "10.1.2.9", "end": "10.1.2.20" }));
        assert_eq!((&body["ip_version"], &body["enable_dhcp"]), (&json!(4), &json!(false)));
    }

    #[test]
    fn of_many_with_a_name_the_marked_one_is_found() {
        let other = Mark::of("network", Uuid::from_u128(2), Uuid::nil(), &owner());
        let list = json!([{ "id": "a", "description": "" }, { "id": "b", "description": other.text() },
            { "id": "c", "description": mark().text() }]);
        assert_eq!(marked(&list, "network", Uuid::from_u128(1), Uuid::nil()).unwrap()["id"], "c");
        assert!(marked(&list, "network", Uuid::from_u128(1), Uuid::max()).is_none());
    }
}
