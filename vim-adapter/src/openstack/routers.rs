//! Routers and floating addresses in Neutron: a routed subnet has a router of its own to the external network, a floating port an
//! address there. The router goes before its subnet, the floating address before its port.

use std::net::IpAddr;

use reference_points::common::ProblemDetails;
use reference_points::or_vi::{Port, Subnet};
use serde_json::{Value, json};
use uuid::Uuid;

use super::OpenstackVim;
use super::call::{Call, Service};
use super::errors::Work;
use super::marks::{self, Mark};
use super::networks::text;
use crate::error::{Failure, Result, is_refusal};
use crate::vim::cannot;

const ROUTER: &str = "router";
/// Kind in the marks of floating addresses.
pub(super) const FLOATING: &str = "floating_address";

/// The network that routers lead to, of those there are: the one that the VIM was registered with, or the only one.
fn external<'a>(networks: &'a [Value], wanted: Option<&str>) -> std::result::Result<&'a str, String> {
    let id = |network: &'a Value| network["id"].as_str();
    let names = || {
        let names: Vec<&str> = networks.iter().filter_map(|network| network["name"].as_str()).collect();
        if names.is_empty() { "none".to_owned() } else { names.join(", ") }
    };
    match (wanted, networks) {
        (Some(wanted), _) => {
            let named = networks.iter().filter(|network| network["name"] == wanted || network["id"] == wanted);
            match named.collect::<Vec<_>>().as_slice() {
                [one] => id(one).ok_or_else(|| "it has no identifier".to_owned()),
                [] => Err(format!("this account sees no external network {wanted:?}; there are: {}", names())),
                several => Err(format!("{} external networks are called {wanted:?}: name it by its id", several.len())),
            }
        }
        (None, [one]) => id(one).ok_or_else(|| "it has no identifier".to_owned()),
        (None, []) => Err("this account sees no external network".to_owned()),
        (None, _) => Err(format!("there are several external networks ({}) and none was chosen", names())),
    }
}

/// The floating address of a port, by its mark.
fn marked(listed: &[Value], id: Uuid, vim: Uuid) -> Option<&Value> {
    listed.iter().find(|found| marks::on(found).is_some_and(|mark| mark.is(FLOATING, id, vim)))
}

fn address(floating: &Value) -> Option<IpAddr> {
    floating["floating_ip_address"].as_str()?.parse().ok()
}

impl OpenstackVim {
    /// Neutron's identifier of the network that routers lead to.
    async fn external_network(&self, wanted_for: &str) -> Result<String> {
        let listed =
            self.paged(Service::Network, "networks", "networks", &[("router:external", "true".to_owned())]).await?;
        let listed: Vec<Value> = listed.into_iter().filter(|network| network["router:external"] == true).collect();
        let wanted = self.session.access().interface.external_network.as_deref().filter(|name| !name.is_empty());
        external(&listed, wanted).map(str::to_owned).map_err(|why| {
            let detail = format!("{wanted_for} is not possible here: {why}");
            ProblemDetails::unprocessable(detail, Vec::new())
                .next("name the network: mano vim outside VIM --external-network NAME; then retry")
                .into()
        })
    }

    async fn may_route(&self, what: &str) -> Result<()> {
        if self.session.cloud().await?.can(ROUTER) {
            return Ok(());
        }
        Err(cannot(what, "Neutron has no extension `router`"))
    }

    /// Gives a subnet, known to Neutron as `its`, its router. That of a suspect may be on its way.
    pub(super) async fn route(&self, subnet: &Subnet, its: &str, suspect: bool) -> Result<()> {
        if !subnet.spec.routed {
            return Ok(());
        }
        self.may_route("a router").await?;
        let (id, name) = (subnet.id, &subnet.spec.name);
        let router = match self.looked_again(suspect, || self.neutron_marked(ROUTER, name, id)).await? {
            Some(found) => found,
            None => {
                let external = self.external_network("a router").await?;
                let mark = Mark::of(ROUTER, id, self.ledger.vim, &subnet.spec.owner);
                let body = json!({ "router": {
                    "name": name, "description": mark.text(), "admin_state_up": true,
                    "external_gateway_info": { "network_id": external },
                }});
                self.neutron_make(ROUTER, name, id, Call::post(Service::Network, "routers", &body)).await?
            }
        };
        let router = super::known(text(&router, "id"), ROUTER, id)?;
        if self.serves(subnet, &router, its).await? {
            return Ok(());
        }
        let work = Work::on("give its subnet to", ROUTER, name, id);
        let put =
            Call::put(Service::Network, format!("routers/{router}/add_router_interface"), &json!({ "subnet_id": its }));
        match self.session.ask(&work, put).await {
            // A first request that was cut had done it.
            Err(failure) if is_refusal(&failure) && self.serves(subnet, &router, its).await? => Ok(()),
            told => told.map(drop),
        }
    }

    /// Whether a router has an interface on a subnet.
    async fn serves(&self, subnet: &Subnet, router: &str, its: &str) -> Result<bool> {
        let work = Work::on("look at the router of", "subnet", &subnet.spec.name, subnet.id);
        let call = Call::get(Service::Network, "ports").query("device_id", router);
        let reply = self.session.ask(&work, call).await?;
        let ports = reply.body["ports"].as_array().into_iter().flatten().filter(|port| port["device_id"] == router);
        let mut fixed = ports.flat_map(|port| port["fixed_ips"].as_array().into_iter().flatten());
        Ok(fixed.any(|fixed| fixed["subnet_id"] == its))
    }

    /// Takes the router of a subnet away.
    pub(super) async fn unroute(&self, subnet: &Subnet) -> Result<()> {
        let (id, name) = (subnet.id, &subnet.spec.name);
        if !subnet.spec.routed || !self.session.cloud().await?.can(ROUTER) {
            return Ok(());
        }
        let suspect = self.is_suspect(id);
        let router = self.looked_again(suspect, || self.neutron_marked(ROUTER, name, id)).await?;
        let Some(router) = router else { return Ok(()) };
        let router = super::known(text(&router, "id"), ROUTER, id)?;
        let its = match &subnet.vim_resource_id {
            Some(its) => Some(its.clone()),
            None => self.neutron_marked("subnet", name, id).await?.and_then(|found| text(&found, "id")),
        };
        if let Some(its) = its
            && self.serves(subnet, &router, &its).await?
        {
            let path = format!("routers/{router}/remove_router_interface");
            let put = Call::put(Service::Network, path, &json!({ "subnet_id": its }));
            match self.session.ask(&Work::on("take its subnet from", ROUTER, name, id), put).await {
                Err(failure) if is_refusal(&failure) && !self.serves(subnet, &router, &its).await? => {}
                told => drop(told?),
            }
        }
        let work = Work::on("delete", ROUTER, name, id);
        self.session.remove(&work, Service::Network, format!("routers/{router}")).await.map(drop)
    }

    /// Gives a port, known to Neutron as `its`, its floating address, if it shall have one. One that lost its port is given back
    /// to it; that of a suspect may be on its way. It stands for the address `own` of the port.
    pub(super) async fn float(
        &self,
        port: &Port,
        its: &str,
        own: Option<IpAddr>,
        suspect: bool,
    ) -> Result<Option<IpAddr>> {
        if !port.spec.floating {
            return Ok(None);
        }
        self.may_route("a floating address").await?;
        let (id, name) = (port.id, &port.spec.name);
        let Some(own) = own else {
            return Err(cannot("a floating address", "the port has no IPv4 address that one could stand for"));
        };
        let floating = match self.looked_again(suspect, || self.floating_of(port)).await? {
            Some(found) if found["port_id"] == its => found,
            Some(found) => {
                let path = format!("floatingips/{}", text(&found, "id").unwrap_or_default());
                let put = Call::put(
                    Service::Network,
                    path,
                    &json!({ "floatingip": { "port_id": its, "fixed_ip_address": own } }),
                );
                let work = Work::on("give back the floating address of", "port", name, id);
                self.session.ask(&work, put).await?.body["floatingip"].clone()
            }
            None => {
                let external = self.external_network("a floating address").await?;
                let mark = Mark::of(FLOATING, id, self.ledger.vim, &port.spec.owner);
                let body = json!({ "floatingip": {
                    "floating_network_id": external, "port_id": its, "fixed_ip_address": own, "description": mark.text(),
                }});
                let work = Work::on("make a floating address for", "port", name, id);
                let call = Call::post(Service::Network, "floatingips", &body);
                self.create(&work, call, |reply| reply["floatingip"].clone(), || self.floating_of(port)).await?
            }
        };
        let told = address(&floating);
        told.map(Some).ok_or_else(|| {
            Failure::from(ProblemDetails::unavailable(format!(
                "Neutron tells no floating address of port {name} ({id})"
            )))
        })
    }

    /// Takes the floating address of a port away: without its port it would stay with the project.
    pub(super) async fn sink(&self, port: &Port) -> Result<()> {
        if !port.spec.floating || !self.session.cloud().await?.can(ROUTER) {
            return Ok(());
        }
        let found = self.looked_again(self.is_suspect(port.id), || self.floating_of(port)).await?;
        if let Some(its) = found.and_then(|found| text(&found, "id")) {
            let work = Work::on("delete the floating address of", "port", &port.spec.name, port.id);
            self.session.remove(&work, Service::Network, format!("floatingips/{its}")).await?;
        }
        Ok(())
    }

    async fn floating_of(&self, port: &Port) -> Result<Option<Value>> {
        // The mark also tells the step, and that may be another one by now.
        let listed = self.paged(Service::Network, "floatingips", "floatingips", &[]).await?;
        Ok(marked(&listed, port.id, self.ledger.vim).cloned())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::fixtures;

    #[test]
    fn the_network_outside_is_the_chosen_or_the_only_one() {
        let all = [json!({ "id": "1", "name": "internet" }), json!({ "id": "2", "name": "partner" })];
        assert_eq!(external(&all[..1], None).unwrap(), "1");
        assert_eq!(external(&all, Some("partner")).unwrap(), "2");
        assert_eq!(external(&all, Some("1")).unwrap(), "1");
        assert!(external(&all, None).unwrap_err().contains("internet, partner"));
        assert!(external(&all, Some("moon")).unwrap_err().contains("internet, partner"));
        assert!(external(&[], None).unwrap_err().contains("no external network"));
        let twice = [json!({ "id": "1", "name": "net" }), json!({ "id": "2", "name": "net" })];
        assert!(external(&twice, Some("net")).unwrap_err().contains("by its id"));
    }

    #[test]
    fn the_floating_address_of_a_port_is_known_by_its_mark_whichever_step_made_it() {
        let (port, vim) = (fixtures::port("p"), Uuid::from_u128(7));
        let mut mark = Mark::of(FLOATING, port.id, vim, &port.spec.owner);
        mark.owner.as_mut().unwrap().operation = Some(Uuid::from_u128(9));
        let listed = [
            json!({ "description": "", "floating_ip_address": "203.0.113.9" }),
            json!({ "description": mark.text(), "floating_ip_address": "203.0.113.10" }),
        ];
        assert_eq!(address(marked(&listed, port.id, vim).unwrap()), Some("203.0.113.10".parse().unwrap()));
        assert!(marked(&listed, port.id, Uuid::from_u128(8)).is_none());
    }
}
