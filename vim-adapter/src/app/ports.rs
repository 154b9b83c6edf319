//! Ports and their addresses (IFA005 clause 7.4).

use std::net::IpAddr;

use reference_points::common::Fault;
use reference_points::or_vi::{
    AddressRequest, ExternalNetwork, Network, NetworkRealisation, PROTOCOLS_WITH_PORTS, Port, PortAddress, PortRule,
    PortSpec, ResourceState, Subnet, TrunkPart, ViEvent,
};
use sqlx::AnyConnection;
use uuid::Uuid;

use super::{App, being_deleted, in_use, name_faults};
use crate::diff::same;
use crate::error::{Failure, Result, is_refusal, no_faults};
use crate::ipam::{canonical_mac, is_host_address, mac_of, ranges_outside};
use crate::ledger::Report;
use crate::store::{addresses, events, networks, ports, subnets, vims};
use crate::vim::{Gone, ItsAddresses, Made, NO_ROUTERS, ROUTERS};

/// Derived MAC addresses tried before giving up; two clashes in a row do not happen by chance.
const MAC_ATTEMPTS: u32 = 16;
/// Rules of a port.
const MAX_RULES: usize = 256;

/// The network, if it can be used.
pub(crate) fn usable_network(found: Option<Network>, id: Uuid) -> Result<Network> {
    let refuse = |why: &str| {
        let faults = vec![Fault::new("/networkId", format!("network {id} {why}"))];
        Err(Failure::unprocessable(format!("network {id} {why}"), faults))
    };
    match found {
        None => refuse("does not exist"),
        Some(network) if network.state == ResourceState::Deleting => refuse("is being deleted"),
        Some(network) => Ok(network),
    }
}

fn checked(mut spec: PortSpec) -> Result<PortSpec> {
    let mut faults = name_faults(&spec.name);
    if let Some(mac) = &spec.mac {
        match canonical_mac(mac) {
            Some(mac) => spec.mac = Some(mac),
            None => faults.push(
                Fault::new("/mac", format!("{mac} is no unicast MAC address")).mend("write it as 02:00:00:00:00:01"),
            ),
        }
    }
    if spec.addresses.len() > 64 {
        faults.push(Fault::new("/addresses", format!("{} addresses, at most 64 are accepted", spec.addresses.len())));
    }
    if spec.allowed_addresses.len() > 256 {
        faults.push(Fault::new(
            "/allowedAddresses",
            format!("{} entries, at most 256 are accepted", spec.allowed_addresses.len()),
        ));
    }
    faults.extend(rule_faults(&spec.rules));
    if let Some(TrunkPart::SubPort { segmentation_id: Some(tag), .. }) = spec.trunk
        && !(1..=4094).contains(&tag)
    {
        faults.push(Fault::new("/trunk/segmentationId", format!("{tag} is outside 1 to 4094")));
    }
    no_faults("the port", faults)?;
    spec.rules.sort();
    spec.rules.dedup();
    Ok(spec)
}

fn rule_faults(rules: &[PortRule]) -> Vec<Fault> {
    let mut faults = Vec::new();
    if rules.len() > MAX_RULES {
        faults.push(Fault::new("/rules", format!("{} entries, at most {MAX_RULES} are accepted", rules.len())));
    }
    for (i, rule) in rules.iter().enumerate().take(MAX_RULES) {
        let mut fault = |member: &str, why: String| faults.push(Fault::new(format!("/rules/{i}/{member}"), why));
        if !matches!(rule.ip_version, 4 | 6) {
            fault("ipVersion", format!("{} is neither 4 nor 6", rule.ip_version));
        }
        let Some(ports) = rule.ports else { continue };
        if !rule.protocol.is_some_and(|number| PROTOCOLS_WITH_PORTS.contains(&number)) {
            fault("ports", "only TCP (6), UDP (17) and SCTP (132) have ports".to_owned());
        }
        if ports.first > ports.last {
            fault("ports", format!("{} is behind {}", ports.first, ports.last));
        }
    }
    faults
}

/// A port of a trunk needs its parent, and a tag that no other of it has.
async fn check_trunk(tx: &mut AnyConnection, vim: Uuid, id: Uuid, spec: &PortSpec, network: &Network) -> Result<()> {
    let Some(parent_id) = spec.trunk.as_ref().and_then(TrunkPart::parent) else { return Ok(()) };
    let refuse = |member: &str, why: String| {
        Err(Failure::unprocessable(why.clone(), vec![Fault::new(format!("/trunk/{member}"), why)]))
    };
    let parent = ports::get(tx, vim, parent_id).await?;
    if !parent
        .is_some_and(|parent| parent.spec.trunk == Some(TrunkPart::Parent) && parent.state != ResourceState::Deleting)
    {
        return refuse("parentId", format!("port {parent_id} carries no trunk"));
    }
    let Some(tag) = tag_of(spec, network) else {
        return refuse("segmentationId", format!("it has no tag to inherit: network {} is no VLAN", network.id));
    };
    for other in ports::list(tx, vim).await?.into_iter().filter(|other| other.id != id) {
        if other.spec.trunk.as_ref().and_then(TrunkPart::parent) == Some(parent_id)
            && let Some(its) = networks::get(tx, vim, other.spec.network_id).await?
            && tag_of(&other.spec, &its) == Some(tag)
        {
            let name = &other.spec.name;
            return Err(Failure::conflict(format!("port {} ({name}) of this trunk has tag {tag}", other.id)));
        }
    }
    Ok(())
}

/// The tag of a trunk's port: its own, or that of its network.
pub(crate) fn tag_of(spec: &PortSpec, network: &Network) -> Option<u16> {
    match (&spec.trunk, &network.spec.realisation) {
        (Some(TrunkPart::SubPort { segmentation_id: Some(tag), .. }), _) => Some(*tag),
        (Some(TrunkPart::SubPort { .. }), NetworkRealisation::Vlan { segmentation_id, .. }) => Some(*segmentation_id),
        _ => None,
    }
}

impl App {
    /// Ensures a port.
    ///
    /// # Errors
    /// 409 naming the port that has a clashing address, 422, or what the VIM says.
    pub async fn put_port(&self, vim: Uuid, id: Uuid, spec: PortSpec) -> Result<Port> {
        let spec = checked(spec)?;
        let driver = self.driver(vim).await?;
        let profile = driver.profile();
        if spec.floating {
            profile.needs(ROUTERS, "a floating address", NO_ROUTERS)?;
        }
        self.adopt_network(vim, spec.network_id).await?;
        let ours = !profile.own_addresses;
        let what = format!("port {id}");
        let (port, fresh) = db::transaction!(self.store.db, |tx| {
            vims::lock(tx, vim).await?;
            if let Some(found) = ports::get(tx, vim, id).await? {
                if found.state == ResourceState::Deleting {
                    return Err(being_deleted(&what));
                }
                same(&what, &found.spec, &spec)?;
                return Ok((found, false));
            }
            let network = usable_network(networks::get(tx, vim, spec.network_id).await?, spec.network_id)?;
            check_trunk(tx, vim, id, &spec, &network).await?;
            let (mac, addresses) = if ours {
                (choose_mac(tx, vim, id, &spec).await?, choose_addresses(tx, vim, id, &spec).await?)
            } else {
                // Unique until the VIM tells the true one.
                (spec.mac.clone().unwrap_or_else(|| format!("unknown {id}")), Vec::new())
            };
            let mut floating_address = None;
            if let Some(outside) = profile.external.as_ref().filter(|_| spec.floating) {
                check_routed(tx, vim, &spec, &addresses).await?;
                floating_address = Some(take_outside(tx, vim, outside, id).await?);
            }
            let port = Port {
                id,
                spec: spec.clone(),
                vim_resource_id: None,
                mac,
                addresses,
                floating_address,
                compute_id: None,
                up: false,
                state: ResourceState::Building,
                problem: None,
            };
            ports::insert(tx, vim, &port).await?;
            Ok::<_, Failure>((port, true))
        })?;
        if port.state == ResourceState::Active {
            return Ok(port);
        }
        let outcome = driver.ensure_port(&port).await;
        self.settle_port(vim, id, fresh, outcome).await
    }

    async fn settle_port(&self, vim: Uuid, id: Uuid, fresh: bool, outcome: Result<Made>) -> Result<Port> {
        match outcome {
            Ok(made) => {
                let its = made.its();
                if its.id.is_some() || its.addresses.is_some() {
                    db::transaction!(self.store.db, |tx| {
                        vims::lock(tx, vim).await?;
                        let Some(port) = ports::get(tx, vim, id).await? else { return Ok(()) };
                        let known = || ItsAddresses {
                            mac: port.mac,
                            addresses: port.addresses,
                            floating: port.floating_address,
                        };
                        let chosen = its.addresses.clone().unwrap_or_else(known);
                        Ok::<_, Failure>(ports::set_made(tx, vim, id, its.id.as_deref(), &chosen).await?)
                    })?;
                }
                if matches!(made, Made::Now(_)) {
                    self.ledger(vim).record(&[Report::Port(id, ResourceState::Active, None)]).await?;
                }
            }
            Err(failure) if fresh && is_refusal(&failure) => {
                self.forget_port(vim, id).await?;
                return Err(failure);
            }
            Err(Failure::Cut) => return Err(Failure::Cut),
            Err(failure) => {
                let state = if is_refusal(&failure) { ResourceState::Error } else { ResourceState::Building };
                self.ledger(vim).record(&[Report::Port(id, state, Some(failure.to_problem()))]).await?;
                return Err(failure);
            }
        }
        self.port(vim, id).await
    }

    async fn forget_port(&self, vim: Uuid, id: Uuid) -> Result<()> {
        db::transaction!(self.store.db, |tx| {
            vims::lock(tx, vim).await?;
            addresses::release(tx, vim, id).await?;
            Ok::<_, Failure>(ports::delete(tx, vim, id).await?)
        })
    }

    /// A port.
    ///
    /// # Errors
    /// 404.
    pub async fn port(&self, vim: Uuid, id: Uuid) -> Result<Port> {
        self.driver(vim).await?;
        let found = ports::get(&mut *self.store.db.pool.acquire().await?, vim, id).await?;
        found.ok_or_else(|| Failure::not_found(format!("port {id}")))
    }

    /// All ports of a VIM.
    ///
    /// # Errors
    /// 404 for the VIM.
    pub async fn ports(&self, vim: Uuid) -> Result<Vec<Port>> {
        self.driver(vim).await?;
        Ok(ports::list(&mut *self.store.db.pool.acquire().await?, vim).await?)
    }

    /// Removes a port.
    ///
    /// # Errors
    /// 409 while a compute uses it, or what the VIM says.
    pub async fn delete_port(&self, vim: Uuid, id: Uuid) -> Result<Gone> {
        let driver = self.driver(vim).await?;
        let found = db::transaction!(self.store.db, |tx| {
            vims::lock(tx, vim).await?;
            let Some(mut port) = ports::get(tx, vim, id).await? else { return Ok(None) };
            if let Some(compute) = port.compute_id {
                return Err(in_use(&format!("port {id} ({})", port.spec.name), &[format!("compute {compute}")]));
            }
            ports::set_state(tx, vim, id, ResourceState::Deleting, None).await?;
            port.state = ResourceState::Deleting;
            events::append(tx, &self.store, vim, &[ViEvent::Port { port: Box::new(port.clone()) }]).await?;
            Ok::<_, Failure>(Some(port))
        })?;
        let Some(port) = found else { return Ok(Gone::Now) };
        self.store.wake.ring();
        let gone = driver.delete_port(&port).await?;
        if gone == Gone::Now {
            self.forget_port(vim, id).await?;
        }
        Ok(gone)
    }
}

async fn choose_mac(tx: &mut AnyConnection, vim: Uuid, id: Uuid, spec: &PortSpec) -> Result<String> {
    if let Some(mac) = &spec.mac {
        return match ports::by_mac(tx, vim, spec.network_id, mac).await? {
            Some(other) => Err(Failure::conflict(format!("port {other} of this network has MAC address {mac}"))),
            None => Ok(mac.clone()),
        };
    }
    if let Some(mac) = trunk_mac(tx, vim, spec).await? {
        return Ok(mac);
    }
    for attempt in 0..MAC_ATTEMPTS {
        let mac = mac_of(id, attempt);
        if ports::by_mac(tx, vim, spec.network_id, &mac).await?.is_none() {
            return Ok(mac);
        }
    }
    Err(Failure::conflict(format!("every MAC address derived from port id {id} is taken; use another id")))
}

/// The MAC address of the interface that carries a trunk's port: what a guest's VLAN device has unless it is told another. None
/// where the parent is on the same network, its address is not known yet, or another port of the network has it.
pub(crate) async fn trunk_mac(tx: &mut AnyConnection, vim: Uuid, spec: &PortSpec) -> Result<Option<String>> {
    let Some(parent_id) = spec.trunk.as_ref().and_then(TrunkPart::parent) else { return Ok(None) };
    let parent = ports::get(tx, vim, parent_id).await?;
    let known = parent.filter(|parent| parent.spec.network_id != spec.network_id);
    let Some(mac) = known.and_then(|parent| canonical_mac(&parent.mac)) else { return Ok(None) };
    let taken = ports::by_mac(tx, vim, spec.network_id, &mac).await?;
    Ok(taken.is_none().then_some(mac))
}

async fn choose_addresses(tx: &mut AnyConnection, vim: Uuid, id: Uuid, spec: &PortSpec) -> Result<Vec<PortAddress>> {
    let available: Vec<Subnet> = subnets::of_network(tx, vim, spec.network_id)
        .await?
        .into_iter()
        .filter(|subnet| subnet.state != ResourceState::Deleting)
        .collect();
    if spec.addresses.is_empty() {
        let mut chosen = Vec::new();
        for subnet in &available {
            chosen.push(automatic(tx, vim, id, &[subnet]).await?);
        }
        return Ok(chosen);
    }
    let mut chosen = Vec::new();
    // What is fixed goes first, so that an automatic one does not take it.
    let (fixed, rest): (Vec<_>, Vec<_>) =
        spec.addresses.iter().enumerate().partition(|(_, request)| request.ip.is_some());
    for (i, request) in fixed.into_iter().chain(rest) {
        let fitting = fitting(&available, request, i, spec.network_id)?;
        let address = match request.ip {
            Some(ip) => fixed_address(tx, vim, id, fitting[0], ip).await?,
            None => automatic(tx, vim, id, &fitting).await?,
        };
        chosen.push((i, address));
    }
    chosen.sort_by_key(|(i, _)| *i);
    Ok(chosen.into_iter().map(|(_, address)| address).collect())
}

/// Subnets that a requested address may come from; at least one.
fn fitting<'a>(available: &'a [Subnet], request: &AddressRequest, i: usize, network: Uuid) -> Result<Vec<&'a Subnet>> {
    let refuse = |place: &str, why: String| {
        Err(Failure::unprocessable(why.clone(), vec![Fault::new(format!("/addresses/{i}{place}"), why)]))
    };
    let named: Vec<&Subnet> =
        available.iter().filter(|subnet| request.subnet_id.is_none_or(|id| id == subnet.id)).collect();
    if named.is_empty() {
        return match request.subnet_id {
            Some(id) => refuse("/subnetId", format!("network {network} has no subnet {id}")),
            None => refuse("", format!("network {network} has no subnet to take an address from")),
        };
    }
    let Some(ip) = request.ip else { return Ok(named) };
    let holding: Vec<&Subnet> = named.iter().copied().filter(|s| is_host_address(s.spec.cidr, ip)).collect();
    if holding.is_empty() {
        let blocks: Vec<String> = named.iter().map(|s| s.spec.cidr.to_string()).collect();
        return refuse("/ip", format!("{ip} is no host address of {}", blocks.join(", ")));
    }
    Ok(holding)
}

async fn fixed_address(
    tx: &mut AnyConnection,
    vim: Uuid,
    id: Uuid,
    subnet: &Subnet,
    ip: IpAddr,
) -> Result<PortAddress> {
    if let Some(other) = addresses::holder(tx, vim, subnet.id, ip).await? {
        let name = ports::get(tx, vim, other).await?.map(|p| p.spec.name).unwrap_or_default();
        return Err(Failure::conflict(if other == id {
            format!("{ip} is asked for twice")
        } else {
            format!("{ip} of subnet {} ({}) belongs to port {other} ({name})", subnet.id, subnet.spec.name)
        }));
    }
    addresses::take(tx, vim, subnet.id, subnet.spec.cidr, ip, id).await?;
    Ok(PortAddress { subnet_id: subnet.id, ip, prefix: subnet.spec.cidr.prefix_len() })
}

/// The address that a floating one stands for: the first of IPv4 on a routed subnet of the port's network.
pub(crate) fn routed_address<'a>(addresses: &'a [PortAddress], of_network: &[Subnet]) -> Option<&'a PortAddress> {
    let routed = |id: Uuid| of_network.iter().any(|subnet| subnet.id == id && subnet.spec.routed);
    addresses.iter().find(|address| address.ip.is_ipv4() && routed(address.subnet_id))
}

/// A floating address is one of an IPv4 address behind a router.
async fn check_routed(tx: &mut AnyConnection, vim: Uuid, spec: &PortSpec, addresses: &[PortAddress]) -> Result<()> {
    if routed_address(addresses, &subnets::of_network(tx, vim, spec.network_id).await?).is_some() {
        return Ok(());
    }
    let why = format!("the port has no address of a routed subnet of network {}", spec.network_id);
    Err(Failure::unprocessable(why.clone(), vec![Fault::new("/floating", why)]))
}

/// Gives a router or a port an address of the network outside.
pub(super) async fn take_outside(
    tx: &mut AnyConnection,
    vim: Uuid,
    outside: &ExternalNetwork,
    holder: Uuid,
) -> Result<IpAddr> {
    let id = addresses::outside(vim);
    addresses::reopen(tx, vim, id, &ranges_outside(outside)).await?;
    let given = addresses::take_lowest(tx, vim, id, outside.cidr.trunc(), holder).await?;
    given.ok_or_else(|| {
        let network = &outside.physical_network;
        Failure::conflict(format!("every address that may be given of {} on {network} is taken", outside.cidr))
    })
}

async fn automatic(tx: &mut AnyConnection, vim: Uuid, id: Uuid, from: &[&Subnet]) -> Result<PortAddress> {
    for subnet in from {
        if let Some(ip) = addresses::take_lowest(tx, vim, subnet.id, subnet.spec.cidr, id).await? {
            return Ok(PortAddress { subnet_id: subnet.id, ip, prefix: subnet.spec.cidr.prefix_len() });
        }
    }
    let names: Vec<String> = from.iter().map(|s| format!("{} ({}, {})", s.id, s.spec.name, s.spec.cidr)).collect();
    Err(Failure::conflict(format!("every automatic address of subnet {} is taken", names.join(", "))))
}
