//! Routers of routed subnets in OVN (ovn-nb(5)): each has one to the network outside that the VIM was registered with, at home on
//! the hosts in their order, and with it the addresses that its ports are reached by. A router has a switch of its own on the
//! physical network outside, so that all of it comes and goes with its subnet.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;
use ovsdb::Row;
use reference_points::common::ProblemDetails;
use reference_points::or_vi::{ExternalNetwork, Network, Port, ResourceState, Subnet};
use uuid::Uuid;

use super::HostsVim;
use super::northbound::{CHASSIS, Ensured, NAT, PORT, ROUTE, ROUTER, ROUTER_PORT, SWITCH};
use super::rows::{MARK_SUBNET, marks, switch_name};
use crate::app::ports::routed_address;
use crate::error::{Failure, Result};
use crate::ipam::mac_of;
use crate::store::{addresses, networks, ports, subnets};

/// Hosts that a router may move between at most: OVN watches each of them from each.
const HOMES: usize = 5;

/// A row that a router consists of, and the row that it hangs on: table, name, column.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// Its table.
    pub table: &'static str,
    /// What it is to be.
    pub row: Row,
    /// `None` for one that stands alone.
    pub home: Option<(&'static str, String, &'static str)>,
}

/// What a router is made from.
#[derive(Debug)]
pub struct Wanted<'a> {
    /// The VIM.
    pub vim: Uuid,
    /// The subnet.
    pub subnet: &'a Subnet,
    /// Its network.
    pub network: &'a Network,
    /// The network outside.
    pub outside: &'a ExternalNetwork,
    /// The router's address there.
    pub address: IpAddr,
    /// Names of the hosts in OVN, the first preferred.
    pub chassis: &'a [String],
    /// Addresses outside, and of which address on the subnet each is.
    pub floating: &'a [(IpAddr, IpAddr)],
}

/// Every row of a router.
pub fn parts(wanted: &Wanted<'_>) -> Vec<Part> {
    let (subnet, outside) = (wanted.subnet, wanted.outside);
    let id = subnet.id;
    let mark = |of: Uuid| {
        let mut marks = marks(wanted.vim, of, &subnet.spec.name, &subnet.spec.owner, Some(wanted.network.id));
        marks.insert(MARK_SUBNET.to_owned(), id.to_string());
        marks
    };
    let ids = || mark(wanted.network.id);
    let name = |what: &str| format!("mano-{id}-{what}");
    let router = name("router");
    let (inner, outer, out_there) = (name("inside"), name("outside"), name("beyond"));
    let on_router = |column| Some((ROUTER, router.clone(), column));
    let mut parts = Vec::new();
    let mut part = |table, row: Row, home| parts.push(Part { table, row, home });

    part(ROUTER, Row::new().with("name", router.clone()).with("external_ids", mark(id)), None);
    let port = |name: &str, attempt: u32, ip: IpAddr, net: IpNet| {
        Row::new()
            .with("name", name)
            .with("mac", mac_of(id, attempt))
            .with("networks", vec![format!("{ip}/{}", net.prefix_len())])
            .with("external_ids", ids())
    };
    if let Some(gateway) = subnet.spec.gateway {
        part(ROUTER_PORT, port(&inner, 1, gateway, subnet.spec.cidr), on_router("ports"));
    }
    part(ROUTER_PORT, port(&outer, 2, wanted.address, outside.cidr), on_router("ports"));
    for (i, chassis) in wanted.chassis.iter().take(HOMES).enumerate() {
        let row = Row::new()
            .with("name", format!("{outer}-{chassis}"))
            .with("chassis_name", chassis.clone())
            .with("priority", i64::try_from(HOMES - i).unwrap_or(1))
            .with("external_ids", ids());
        part(CHASSIS, row, Some((ROUTER_PORT, outer.clone(), "gateway_chassis")));
    }
    if let Some(gateway) = outside.gateway {
        let row = Row::new().with("ip_prefix", "0.0.0.0/0").with("nexthop", gateway.to_string());
        part(ROUTE, row.with("external_ids", ids()), on_router("static_routes"));
    }
    let nat = |kind: &str, external: IpAddr, logical: String| {
        Row::new()
            .with("type", kind)
            .with("external_ip", external.to_string())
            .with("logical_ip", logical)
            .with("external_ids", ids())
    };
    part(NAT, nat("snat", wanted.address, subnet.spec.cidr.trunc().to_string()), on_router("nat"));
    for (external, logical) in wanted.floating {
        part(NAT, nat("dnat_and_snat", *external, logical.to_string()), on_router("nat"));
    }

    part(SWITCH, Row::new().with("name", out_there.clone()).with("external_ids", ids()), None);
    let plug = |name: String, kind: &str, addresses: &str, options: &[(&str, &str)], tag: Option<i64>| {
        let options: BTreeMap<String, String> =
            options.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        Row::new()
            .with("name", name)
            .with("type", kind)
            .with("addresses", vec![addresses])
            .with("options", options)
            .with("tag_request", tag)
            .with("external_ids", ids())
    };
    let beyond = || Some((SWITCH, out_there.clone(), "ports"));
    let physical = [("network_name", outside.physical_network.as_str())];
    let tag = outside.segmentation_id.map(i64::from);
    part(PORT, plug(format!("{out_there}-localnet"), "localnet", "unknown", &physical, tag), beyond());
    let to_router = [("router-port", outer.as_str()), ("nat-addresses", "router")];
    part(PORT, plug(format!("{out_there}-router"), "router", "router", &to_router, None), beyond());
    let on_network = Some((SWITCH, switch_name(wanted.network.id), "ports"));
    part(PORT, plug(format!("{inner}-router"), "router", "router", &[("router-port", &inner)], None), on_network);
    parts
}

/// The floating addresses of ports, those that `are`, on a subnet, with the addresses that they stand for: of each port the first of
/// IPv4 on a subnet of the network that is routed.
pub fn floating(
    subnet: Uuid,
    of_network: &[Subnet],
    all: &[Port],
    are: impl Fn(ResourceState) -> bool,
) -> Vec<(IpAddr, IpAddr)> {
    all.iter()
        .filter(|port| are(port.state))
        .filter_map(|port| {
            let own = routed_address(&port.addresses, of_network)?;
            (own.subnet_id == subnet).then_some((port.floating_address?, own.ip))
        })
        .collect()
}

fn unready(subnet: &Subnet, why: &str) -> ProblemDetails {
    let detail = format!("the router of subnet {} ({}) cannot be made yet: {why}", subnet.id, subnet.spec.name);
    ProblemDetails::unavailable(detail)
}

impl HostsVim {
    /// The rows that the router of a subnet is to consist of, with the floating addresses of ports that `are`; none for a subnet that
    /// has no router.
    pub(super) async fn router_of(
        &self,
        subnet: &Subnet,
        network: &Network,
        are: impl Fn(ResourceState) -> bool,
    ) -> Result<Vec<Part>> {
        let Some(outside) = self.outside.as_ref().filter(|_| subnet.spec.routed) else { return Ok(Vec::new()) };
        let vim = self.ledger.vim;
        let mut connection = self.ledger.store.db.pool.acquire().await?;
        let all = ports::of_network(&mut connection, vim, network.id).await?;
        let of_network = subnets::of_network(&mut connection, vim, network.id).await?;
        let held = addresses::held_by(&mut connection, vim, addresses::outside(vim), subnet.id).await?;
        drop(connection);
        let address = held.ok_or_else(|| unready(subnet, "it has no address outside"))?;
        let chassis = self.chassis().await;
        let floating = floating(subnet.id, &of_network, &all, are);
        Ok(parts(&Wanted { vim, subnet, network, outside, address, chassis: &chassis, floating: &floating }))
    }

    /// The hosts' names in OVN.
    async fn chassis(&self) -> Vec<String> {
        let agents = self.agents().await;
        // Just started, it waits until every host was asked once.
        let asked = futures::future::join_all(agents.iter().map(|agent| agent.asked()));
        let _ = tokio::time::timeout(super::FIRST_CONTACT, asked).await;
        agents.iter().filter_map(|agent| agent.chassis()).collect()
    }

    /// Brings the router of a subnet to what it shall be; whoever calls has the subnet's turn.
    pub(super) async fn make_router(&self, subnet: &Subnet, network: &Network) -> Result<Ensured> {
        if !subnet.spec.routed {
            return Ok(Ensured::Stood);
        }
        let parts = self.router_of(subnet, network, |state| state != ResourceState::Deleting).await?;
        // One that is there may lose its last host, and must be able to go.
        if subnet.state == ResourceState::Building && !parts.iter().any(|part| part.table == CHASSIS) {
            let why = unready(subnet, "no host has told its name in OVN");
            return Err(why.next("add a host: mano host add").into());
        }
        self.northbound.ensure_router(subnet.id, &parts).await
    }

    /// Brings the routers of all subnets that a port has floating addresses of to what they shall be.
    pub(super) async fn reroute(&self, port: &Port) -> Result<Ensured> {
        let mut ensured = Ensured::Stood;
        if !port.spec.floating {
            return Ok(ensured);
        }
        for address in port.addresses.iter().filter(|address| address.ip.is_ipv4()) {
            let _turn = self.logical.take(address.subnet_id).await;
            let mut connection = self.ledger.store.db.pool.acquire().await?;
            let subnet = subnets::get(&mut connection, self.ledger.vim, address.subnet_id).await?;
            let network = networks::get(&mut connection, self.ledger.vim, port.spec.network_id).await?;
            drop(connection);
            // What goes takes its router along.
            let subnet = subnet.filter(|subnet| subnet.state != ResourceState::Deleting);
            if let (Some(subnet), Some(network)) = (subnet, network)
                && self.make_router(&subnet, &network).await? == Ensured::Changed
            {
                ensured = Ensured::Changed;
            }
        }
        Ok(ensured)
    }

    /// The hosts are others, or have other names in OVN: routers live on them.
    pub(super) async fn rehome(&self) {
        if self.outside.is_none() {
            return;
        }
        let moved = async {
            let all = subnets::list(&mut *self.ledger.store.db.pool.acquire().await?, self.ledger.vim).await?;
            for subnet in all.into_iter().filter(|subnet| subnet.spec.routed && subnet.state == ResourceState::Active) {
                self.make_subnet(subnet.id).await?;
            }
            Ok::<_, Failure>(())
        };
        if let Err(failure) = moved.await {
            tracing::warn!(vim = %self.ledger.vim, %failure, "routers were not told of all hosts; they are with the next change");
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use reference_points::or_vi::{NetworkSpec, PortAddress, SubnetSpec};

    use super::*;
    use crate::fixtures;

    #[test]
    fn a_router_leads_outside_and_translates_for_all_and_for_those_that_float() {
        let network = Network {
            id: Uuid::from_u128(1),
            spec: NetworkSpec {
                name: "n".into(),
                owner: fixtures::owner(),
                realisation: Default::default(),
                mtu: None,
                max_port_bitrate: None,
            },
            vim_resource_id: None,
            state: ResourceState::Active,
            problem: None,
        };
        let spec = SubnetSpec {
            name: "s".into(),
            owner: fixtures::owner(),
            network_id: network.id,
            cidr: "10.0.0.0/24".parse().unwrap(),
            gateway: Some("10.0.0.1".parse().unwrap()),
            pools: vec![],
            dhcp: true,
            dns: vec![],
            routed: true,
        };
        let subnet =
            Subnet { id: Uuid::from_u128(2), spec, vim_resource_id: None, state: ResourceState::Active, problem: None };
        let outside = ExternalNetwork {
            physical_network: "ext".into(),
            segmentation_id: Some(7),
            cidr: "203.0.113.0/24".parse().unwrap(),
            gateway: Some("203.0.113.1".parse().unwrap()),
            pools: vec![],
        };
        let mut port = fixtures::port("p");
        port.floating_address = Some("203.0.113.9".parse().unwrap());
        port.addresses = vec![PortAddress { subnet_id: subnet.id, ip: "10.0.0.5".parse().unwrap(), prefix: 24 }];
        let gone = Port { state: ResourceState::Deleting, ..port.clone() };
        let second = Subnet { id: Uuid::from_u128(3), ..subnet.clone() };
        let both = PortAddress { subnet_id: second.id, ip: "10.1.0.5".parse().unwrap(), prefix: 24 };
        let all = [Port { addresses: vec![port.addresses[0].clone(), both], ..port }, gone];
        let stays = |state| state != ResourceState::Deleting;
        let of_network = [subnet.clone(), second.clone()];
        assert!(floating(second.id, &of_network, &all, stays).is_empty(), "one address stands for one address");
        let floating = floating(subnet.id, &of_network, &all, stays);
        let parts = parts(&Wanted {
            vim: Uuid::nil(),
            subnet: &subnet,
            network: &network,
            outside: &outside,
            address: "203.0.113.8".parse().unwrap(),
            chassis: &["a".to_owned(), "b".to_owned()],
            floating: &floating,
        });
        let of =
            |table: &str| parts.iter().filter(|part| part.table == table).map(|part| &part.row).collect::<Vec<_>>();
        let texts = |table: &str, column: &str| {
            of(table).iter().map(|row| row.get::<String>(column).unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(texts(NAT, "type"), ["snat", "dnat_and_snat"]);
        assert_eq!(texts(NAT, "external_ip"), ["203.0.113.8", "203.0.113.9"]);
        assert_eq!(texts(NAT, "logical_ip"), ["10.0.0.0/24", "10.0.0.5"]);
        assert_eq!(texts(ROUTE, "nexthop"), ["203.0.113.1"]);
        assert_eq!(texts(CHASSIS, "chassis_name"), ["a", "b"]);
        assert!(of(CHASSIS)[0].get::<i64>("priority").unwrap() > of(CHASSIS)[1].get::<i64>("priority").unwrap());
        let localnet = of(PORT).into_iter().find(|row| row.get::<String>("type").unwrap() == "localnet").unwrap();
        assert_eq!(localnet.map_entry("options", "network_name"), Some("ext"));
        assert_eq!(localnet.get::<Option<i64>>("tag_request").unwrap(), Some(7));
        let names: Vec<String> = [ROUTER, ROUTER_PORT, PORT, SWITCH].iter().flat_map(|t| texts(t, "name")).collect();
        let distinct: std::collections::BTreeSet<&String> = names.iter().collect();
        assert_eq!(distinct.len(), names.len());
    }
}
