//! Ports in Neutron (IFA005 clause 7.4), and the one security group that lets everything through for those that check only
//! who sends: this stack has no filter of its own, and a project's default group would keep VNFs apart.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::PoisonError;

use reference_points::or_vi::{AddressRequest, Port, PortAddress, Subnet};
use serde_json::{Value, json};
use uuid::Uuid;

use super::OpenstackVim;
use super::call::{Call, Service};
use super::errors::Work;
use super::marks::{self, Mark};
use super::networks::text;
use crate::error::{Failure, Result, is_refusal};
use crate::store::{ports, subnets};
use crate::vim::{Gone, Its, Made, cannot};

/// Name of the security group.
const GROUP: &str = "mano";

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

fn document(port: &Port, network: &str, subnets: &[Subnet], group: Option<&str>, mark: &Mark) -> Value {
    let spec = &port.spec;
    let mut body = json!({
        "name": spec.name, "description": mark.text(), "network_id": network, "admin_state_up": true,
        "fixed_ips": fixed_ips(&spec.addresses, subnets),
    });
    if let Some(mac) = &spec.mac {
        body["mac_address"] = json!(mac);
    }
    if !spec.allowed_addresses.is_empty() {
        body["allowed_address_pairs"] =
            spec.allowed_addresses.iter().map(|net| json!({ "ip_address": net.to_string() })).collect();
    }
    match group {
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

fn made(port: &Value, subnets: &[Subnet]) -> Made {
    Made::Now(Its { id: text(port, "id"), addresses: Some(addresses(port, subnets)), place: None })
}

/// Which of the two rules a security group lacks.
fn missing_rules(group: &Value) -> Vec<&'static str> {
    let rules = group["security_group_rules"].as_array();
    let open = |kind: &str| {
        rules.into_iter().flatten().any(|rule| {
            rule["direction"] == "ingress"
                && rule["ethertype"] == kind
                && rule["protocol"].is_null()
                && rule["remote_group_id"].is_null()
                && rule["remote_ip_prefix"].is_null()
        })
    };
    ["IPv4", "IPv6"].into_iter().filter(|kind| !open(kind)).collect()
}

impl OpenstackVim {
    pub(super) async fn make_port(&self, port: &Port) -> Result<Made> {
        let _turn = self.turns.take(port.id).await;
        let (id, name) = (port.id, &port.spec.name);
        let (vim, network) = (self.ledger.vim, port.spec.network_id);
        self.ports_gone.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
        let subnets = subnets::of_network(&mut *self.ledger.store.db.pool.acquire().await?, vim, network).await?;
        if let Some(found) = self.looked_for(id, || self.neutron_marked("port", name, id)).await? {
            return Ok(made(&found, &subnets));
        }
        let cloud = self.session.cloud().await?;
        if !port.spec.port_security && !cloud.can("port-security") {
            return Err(cannot("a port that anything may be sent from", "Neutron has no extension `port-security`"));
        }
        for subnet in &subnets {
            super::known(subnet.vim_resource_id.clone(), "subnet", subnet.id)?;
        }
        let network = self.network_id(network).await?;
        let mark = Mark::of("port", id, vim, &port.spec.owner);
        // A group that somebody removed meanwhile is made anew, once.
        for last in [false, true] {
            let group = if port.spec.port_security { Some(self.security_group(last).await?) } else { None };
            let body = document(port, &network, &subnets, group.as_deref(), &mark);
            match self.neutron_make("port", name, id, Call::post(Service::Network, "ports", &body)).await {
                Ok(port) => return Ok(made(&port, &subnets)),
                Err(Failure::Problem(problem))
                    if !last && problem.answer.as_ref().is_some_and(|said| said.contains("ecurity group")) => {}
                Err(failure) => {
                    if is_refusal(&failure) && port.spec.port_security {
                        self.drop_group_of_gone(id).await?;
                    }
                    return Err(failure);
                }
            }
        }
        Ok(Made::later())
    }

    pub(super) async fn remove_port(&self, port: &Port) -> Result<Gone> {
        let _turn = self.turns.take(port.id).await;
        let gone = self.neutron_remove("port", &port.spec.name, port.id, port.vim_resource_id.as_ref()).await?;
        if port.spec.port_security {
            self.drop_group_of_gone(port.id).await?;
        }
        Ok(gone)
    }

    /// The security group, by Neutron's identifier; `anew` forgets what was known of it.
    async fn security_group(&self, anew: bool) -> Result<String> {
        let mut known = self.group.lock().await;
        if let Some(id) = known.as_ref().filter(|_| !anew) {
            return Ok(id.clone());
        }
        let work = Work::new("make", format!("security group {GROUP}"));
        let mark = Mark::shared("security_group", self.ledger.vim, self.ledger.vim);
        let found = match self.find_group(&work).await? {
            Some(found) => found,
            None => {
                let body = json!({ "security_group": { "name": GROUP, "description": mark.text() } });
                let call = Call::post(Service::Network, "security-groups", &body);
                let its = |reply: &Value| reply["security_group"].clone();
                self.create(&work, call, its, || self.find_group(&work)).await?
            }
        };
        let id = text(&found, "id").unwrap_or_default();
        for kind in missing_rules(&found) {
            let rule = json!({ "security_group_rule": {
                "security_group_id": id, "direction": "ingress", "ethertype": kind, "description": mark.text(),
            }});
            self.session.ask(&work, Call::post(Service::Network, "security-group-rules", &rule)).await?;
        }
        *known = Some(id.clone());
        Ok(id)
    }

    async fn find_group(&self, work: &Work) -> Result<Option<Value>> {
        let vim = self.ledger.vim;
        let reply = self.session.ask(work, Call::get(Service::Network, "security-groups").query("name", GROUP)).await?;
        let ours = |group: &&Value| marks::on(group).is_some_and(|mark| mark.is("security_group", vim, vim));
        Ok(reply.body["security_groups"].as_array().into_iter().flatten().find(ours).cloned())
    }

    /// Removes the security group when no port needs it. That a port still does is no failure, nor that Neutron does not
    /// answer: it is looked at again.
    async fn drop_security_group(&self) {
        let mut known = self.group.lock().await;
        let work = Work::new("delete", format!("security group {GROUP}"));
        let removed = async {
            if let Some(group) = self.find_group(&work).await?.and_then(|group| text(&group, "id")) {
                self.session.remove(&work, Service::Network, format!("security-groups/{group}")).await?;
            }
            Ok::<_, Failure>(())
        };
        match removed.await {
            Ok(()) => *known = None,
            Err(failure) => tracing::debug!(vim = %self.ledger.vim, %failure, "the security group stays for now"),
        }
    }

    async fn drop_group_of_gone(&self, port: Uuid) -> Result<()> {
        self.ports_gone.lock().unwrap_or_else(PoisonError::into_inner).insert(port);
        self.drop_unneeded_group().await
    }

    /// Removes the security group unless a port needs it, as far as is remembered.
    pub(super) async fn drop_unneeded_group(&self) -> Result<()> {
        let mut all = ports::list(&mut *self.ledger.store.db.pool.acquire().await?, self.ledger.vim).await?;
        let known: BTreeSet<Uuid> = all.iter().map(|port| port.id).collect();
        {
            let mut gone = self.ports_gone.lock().unwrap_or_else(PoisonError::into_inner);
            gone.retain(|port| known.contains(port));
            all.retain(|port| !gone.contains(&port.id));
        }
        if !all.iter().any(|port| port.spec.port_security) {
            self.drop_security_group().await;
        }
        Ok(())
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
    use reference_points::or_vi::{ResourceState, SubnetSpec};

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
    fn a_port_that_may_send_anything_has_neither_security_nor_a_group() {
        let mut port = fixtures::port("p");
        port.spec.mac = Some("02:00:00:00:00:01".into());
        port.spec.port_security = false;
        port.spec.allowed_addresses = vec!["10.9.0.0/16".parse().unwrap()];
        let mark = Mark::of("port", port.id, Uuid::nil(), &port.spec.owner);
        let body = document(&port, "net", &[], None, &mark)["port"].clone();
        assert_eq!((&body["port_security_enabled"], &body["security_groups"]), (&json!(false), &json!([])));
        assert_eq!(body["allowed_address_pairs"][0]["ip_address"], "10.9.0.0/16");
        let body = document(&port, "net", &[], Some("g"), &mark)["port"].clone();
        assert!(body.get("port_security_enabled").is_none());
        assert_eq!(body["security_groups"], json!(["g"]));
    }

    #[test]
    fn only_rules_that_let_everything_in_count() {
        let rule =
            |kind: &str, protocol: Value| json!({ "direction": "ingress", "ethertype": kind, "protocol": protocol });
        let group = json!({ "security_group_rules": [rule("IPv4", Value::Null), rule("IPv6", json!("tcp"))] });
        assert_eq!(missing_rules(&group), ["IPv6"]);
        assert_eq!(missing_rules(&json!({})), ["IPv4", "IPv6"]);
    }
}
