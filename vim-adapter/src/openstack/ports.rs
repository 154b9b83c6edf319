//! Ports in Neutron (IFA005 clause 7.4), each with the security group, the QoS policy and the place in a trunk that it shall
//! have.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::PoisonError;

use reference_points::or_vi::{AddressRequest, Network, Port, PortAddress, Subnet};
use serde_json::{Value, json};
use uuid::Uuid;

use super::OpenstackVim;
use super::call::{Call, Service};
use super::marks::Mark;
use super::networks::text;
use crate::app::ports::{routed_address, trunk_mac};
use crate::error::{Failure, Result, is_refusal};
use crate::store::{networks, ports, subnets};
use crate::vim::{Gone, Its, ItsAddresses, Made, cannot};

/// The addresses that Neutron is asked for.
fn fixed_ips(asked: &[AddressRequest], subnets: &[Subnet]) -> Vec<Value> {
    let its = |subnet: &Subnet| subnet.vim_resource_id.clone();
    if asked.is_empty() {
        return subnets.iter().map(|subnet| json!({ "subnet_id": its(subnet) })).collect();
    }
    let one = |request: &AddressRequest| {
        let subnet = subnets.iter().find(|subnet| match (request.subnet_id, request.ip) {
            (Some(id), _) => subnet.id == id,
            (None, Some(ip)) => subnet.spec.cidr.contains(&ip),
            (None, None) => true,
        });
        let mut wanted = json!({});
        if let Some(subnet) = subnet {
            wanted["subnet_id"] = json!(its(subnet));
        }
        if let Some(ip) = request.ip {
            wanted["ip_address"] = json!(ip);
        }
        wanted
    };
    asked.iter().map(one).collect()
}

/// What Neutron calls things that a port refers to.
#[derive(Debug, Default)]
struct Refers<'a> {
    network: &'a str,
    subnets: &'a [Subnet],
    group: Option<&'a str>,
    policy: Option<&'a str>,
    /// The MAC address, where one is wanted.
    mac: Option<&'a str>,
}

fn document(port: &Port, refers: &Refers<'_>, mark: &Mark) -> Value {
    let spec = &port.spec;
    let mut body = json!({
        "name": spec.name, "description": mark.text(), "network_id": refers.network, "admin_state_up": true,
        "fixed_ips": fixed_ips(&spec.addresses, refers.subnets),
    });
    if let Some(policy) = refers.policy {
        body["qos_policy_id"] = json!(policy);
    }
    if !spec.vnic_type.is_normal() {
        body["binding:vnic_type"] = json!(spec.vnic_type.word());
    }
    if let Some(mac) = refers.mac {
        body["mac_address"] = json!(mac);
    }
    // Without port security any address may send.
    if !spec.allowed_addresses.is_empty() && refers.group.is_some() {
        body["allowed_address_pairs"] =
            spec.allowed_addresses.iter().map(|net| json!({ "ip_address": net.to_string() })).collect();
    }
    match refers.group {
        Some(group) => body["security_groups"] = json!([group]),
        None => {
            body["port_security_enabled"] = json!(false);
            body["security_groups"] = json!([]);
        }
    }
    json!({ "port": body })
}

/// MAC and addresses of a port as Neutron tells them, with our subnets.
fn addresses(port: &Value, subnets: &[Subnet]) -> (String, Vec<PortAddress>) {
    let ours: BTreeMap<&str, &Subnet> =
        subnets.iter().filter_map(|subnet| Some((subnet.vim_resource_id.as_deref()?, subnet))).collect();
    let listed = port["fixed_ips"].as_array().into_iter().flatten();
    let addresses = listed.filter_map(|fixed| {
        let subnet = ours.get(fixed["subnet_id"].as_str()?)?;
        let ip = fixed["ip_address"].as_str()?.parse().ok()?;
        Some(PortAddress { subnet_id: subnet.id, ip, prefix: subnet.spec.cidr.prefix_len() })
    });
    (port["mac_address"].as_str().unwrap_or_default().to_lowercase(), addresses.collect())
}

/// The address that a floating one stands for: the first of IPv4 on a routed subnet, or else at all.
fn floats_for(own: &[PortAddress], subnets: &[Subnet]) -> Option<IpAddr> {
    let any = || own.iter().find(|address| address.ip.is_ipv4());
    routed_address(own, subnets).or_else(any).map(|address| address.ip)
}

/// Whether Neutron refused a port because its group or policy is not there any more.
fn lacks_what_it_refers_to(said: Option<&str>) -> bool {
    said.is_some_and(|said| said.contains("ecurity group") || said.contains("QoS policy") || said.contains("QosPolicy"))
}

fn made(port: &Value, subnets: &[Subnet], floating: Option<IpAddr>) -> Made {
    let (mac, addresses) = addresses(port, subnets);
    let addresses = Some(ItsAddresses { mac, addresses, floating });
    Made::Now(Its { id: text(port, "id"), addresses, place: None })
}

impl OpenstackVim {
    pub(super) async fn make_port(&self, port: &Port) -> Result<Made> {
        let _turn = self.turns.take(port.id).await;
        let (id, name) = (port.id, &port.spec.name);
        let (vim, network) = (self.ledger.vim, port.spec.network_id);
        self.ports_gone.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
        let mut connection = self.ledger.store.db.pool.acquire().await?;
        let subnets = subnets::of_network(&mut connection, vim, network).await?;
        let network = networks::get(&mut connection, vim, network).await?;
        drop(connection);
        let network = network.ok_or_else(|| Failure::not_found(format!("network {}", port.spec.network_id)))?;
        let suspect = self.is_suspect(id);
        let found = match self.looked_for(id, || self.neutron_marked("port", name, id)).await? {
            Some(found) => found,
            None => self.new_port(port, &network, &subnets).await?,
        };
        let its = found["id"].as_str().unwrap_or_default();
        let stands_for = floats_for(&addresses(&found, &subnets).1, &subnets);
        let joined = async {
            self.join_trunk(port, &network, its).await?;
            self.float(port, its, stands_for, suspect).await
        };
        match joined.await {
            Ok(floating) => Ok(made(&found, &subnets, floating)),
            Err(failure) => {
                if is_refusal(&failure) {
                    // Refused, it is forgotten: nothing of it may stay.
                    self.take_port(&Port { vim_resource_id: Some(its.to_owned()), ..port.clone() }).await?;
                }
                Err(failure)
            }
        }
    }

    async fn new_port(&self, port: &Port, network: &Network, subnets: &[Subnet]) -> Result<Value> {
        let (id, name, spec) = (port.id, &port.spec.name, &port.spec);
        let cloud = self.session.cloud().await?;
        if !spec.port_security && !cloud.can("port-security") {
            return Err(cannot("a port that anything may be sent from", "Neutron has no extension `port-security`"));
        }
        if !spec.port_security && !spec.rules.is_empty() {
            return Err(cannot(
                "letting only some things through at a port that anything may be sent from",
                "Neutron filters with port security only",
            ));
        }
        if spec.trunk.is_some() && !cloud.can("trunk") {
            return Err(cannot("a trunk", "Neutron has no extension `trunk`"));
        }
        for subnet in subnets {
            super::known(subnet.vim_resource_id.clone(), "subnet", subnet.id)?;
        }
        let its_network = self.network_id(network.id).await?;
        let mark = Mark::of("port", id, self.ledger.vim, &spec.owner);
        let mut mac = match &spec.mac {
            Some(mac) => Some(mac.clone()),
            None => trunk_mac(&mut *self.ledger.store.db.pool.acquire().await?, self.ledger.vim, spec).await?,
        };
        // What somebody removed meanwhile is made anew, once.
        let mut last = false;
        loop {
            let made = async {
                let group = if spec.port_security { Some(self.security_group(&spec.rules, last).await?) } else { None };
                let policy = match network.spec.max_port_bitrate {
                    Some(rate) => Some(self.qos_policy(rate, last).await?),
                    None => None,
                };
                let refers = Refers {
                    network: &its_network,
                    subnets,
                    group: group.as_deref(),
                    policy: policy.as_deref(),
                    mac: mac.as_deref(),
                };
                let call = Call::post(Service::Network, "ports", &document(port, &refers, &mark));
                self.neutron_make("port", name, id, call).await
            };
            match made.await {
                Ok(found) => return Ok(found),
                Err(Failure::Problem(problem)) if !last && lacks_what_it_refers_to(problem.answer.as_deref()) => {
                    last = true;
                }
                // Nobody asked for that address, and on a network of others only its owner may choose one.
                Err(failure) if is_refusal(&failure) && mac.is_some() && spec.mac.is_none() => mac = None,
                Err(failure) => {
                    if is_refusal(&failure) {
                        self.drop_shared_of(port).await?;
                    }
                    return Err(failure);
                }
            }
        }
    }

    pub(super) async fn remove_port(&self, port: &Port) -> Result<Gone> {
        let _turn = self.turns.take(port.id).await;
        self.take_port(port).await
    }

    /// Removes a port with all that is its own; whoever calls has its turn.
    async fn take_port(&self, port: &Port) -> Result<Gone> {
        self.sink(port).await?;
        self.leave_trunk(port).await?;
        let gone = self.neutron_remove("port", &port.spec.name, port.id, port.vim_resource_id.as_ref()).await?;
        self.drop_shared_of(port).await?;
        Ok(gone)
    }

    /// The ports' identifiers in Neutron, in order.
    ///
    /// # Errors
    /// 503 when one has none yet.
    pub(super) async fn port_ids(&self, wanted: &[Uuid]) -> Result<Vec<String>> {
        let mut connection = self.ledger.store.db.pool.acquire().await?;
        let mut found = Vec::with_capacity(wanted.len());
        for id in wanted {
            let port = ports::get(&mut connection, self.ledger.vim, *id).await?;
            found.push(super::known(port.and_then(|port| port.vim_resource_id), "port", *id)?);
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use reference_points::or_vi::{ResourceState, SubnetSpec, VnicType};

    use super::*;
    use crate::fixtures;

    fn subnet(n: u128, cidr: &str) -> Subnet {
        let spec = SubnetSpec {
            name: "s".into(),
            owner: fixtures::owner(),
            network_id: Uuid::nil(),
            cidr: cidr.parse().unwrap(),
            gateway: None,
            pools: vec![],
            dhcp: true,
            dns: vec![],
            routed: false,
        };
        let (id, vim_resource_id) = (Uuid::from_u128(n), Some(format!("its-{n}")));
        Subnet { id, spec, vim_resource_id, state: ResourceState::Active, problem: None }
    }

    fn request(subnet: Option<u128>, ip: Option<&str>) -> AddressRequest {
        AddressRequest { subnet_id: subnet.map(Uuid::from_u128), ip: ip.map(|ip| ip.parse().unwrap()) }
    }

    #[test]
    fn addresses_are_asked_for_by_the_subnets_of_the_vim() {
        let subnets = [subnet(1, "10.0.0.0/24"), subnet(2, "fd00::/64")];
        assert_eq!(fixed_ips(&[], &subnets), [json!({ "subnet_id": "its-1" }), json!({ "subnet_id": "its-2" })]);
        let asked = [request(Some(2), None), request(None, Some("10.0.0.7")), request(None, None)];
        assert_eq!(
            fixed_ips(&asked, &subnets),
            [
                json!({ "subnet_id": "its-2" }),
                json!({ "subnet_id": "its-1", "ip_address": "10.0.0.7" }),
                json!({ "subnet_id": "its-1" })
            ]
        );
    }

    #[test]
    fn what_neutron_chose_is_told_with_our_subnets() {
        let port = json!({ "mac_address": "FA:16:3E:00:00:01", "fixed_ips": [
            { "subnet_id": "its-1", "ip_address": "10.0.0.5" }, { "subnet_id": "foreign", "ip_address": "1.2.3.4" }] });
        let (mac, found) = addresses(&port, &[subnet(1, "10.0.0.0/24")]);
        assert_eq!(mac, "fa:16:3e:00:00:01");
        assert_eq!(found, [PortAddress { subnet_id: Uuid::from_u128(1), ip: "10.0.0.5".parse().unwrap(), prefix: 24 }]);
    }

    #[test]
    fn a_floating_address_stands_for_one_of_ipv4_that_is_routed() {
        let mut subnets = [subnet(1, "fd00::/64"), subnet(2, "10.0.0.0/24"), subnet(3, "10.1.0.0/24")];
        let own = ["fd00::5", "10.0.0.5", "10.1.0.5"].map(|ip| ip.parse().unwrap());
        let own: Vec<PortAddress> =
            own.into_iter().zip(&subnets).map(|(ip, s)| PortAddress { subnet_id: s.id, ip, prefix: 24 }).collect();
        assert_eq!(floats_for(&own, &subnets), Some(own[1].ip), "somebody else routes it");
        subnets[2].spec.routed = true;
        assert_eq!(floats_for(&own, &subnets), Some(own[2].ip));
        assert_eq!(floats_for(&own[..1], &subnets), None);
    }

    #[test]
    fn a_port_that_may_send_anything_has_neither_security_nor_a_group() {
        let mut port = fixtures::port("p");
        port.spec.mac = Some("02:00:00:00:00:01".into());
        port.spec.port_security = false;
        port.spec.vnic_type = VnicType::Direct;
        port.spec.allowed_addresses = vec!["10.9.0.0/16".parse().unwrap()];
        let mark = Mark::of("port", port.id, Uuid::nil(), &port.spec.owner);
        let refers = Refers { network: "net", ..Refers::default() };
        let body = document(&port, &refers, &mark)["port"].clone();
        assert_eq!((&body["port_security_enabled"], &body["security_groups"]), (&json!(false), &json!([])));
        assert_eq!(body["binding:vnic_type"], "direct");
        assert!(body.get("allowed_address_pairs").is_none(), "Neutron has none without port security");
        let refers = Refers { group: Some("g"), policy: Some("q"), ..refers };
        let body = document(&port, &refers, &mark)["port"].clone();
        assert_eq!(body["qos_policy_id"], "q");
        assert_eq!(body["allowed_address_pairs"][0]["ip_address"], "10.9.0.0/16");
        assert!(body.get("port_security_enabled").is_none());
        assert_eq!(body["security_groups"], json!(["g"]));
    }
}
