//! Watching OVN's northbound database: which ports are up, and whether what is wanted still stands there. What somebody
//! else took away or changed is told and made again.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use ovsdb::{Change, Monitor, MonitorEvent, MonitorRequest, Row};
use reference_points::common::ProblemDetails;
use reference_points::or_vi::{Network, Port, ResourceState, Subnet};
use uuid::Uuid;

use super::HostsVim;
use super::northbound::{
    ACL, CHASSIS, DB, DHCP, Ensured, NAT, OF_ROUTER, PORT, QOS, ROUTE, ROUTER, ROUTER_PORT, SWITCH,
};
use super::routers::Part;
use super::rows::{self, MARK_ID, MARK_NETWORK, MARK_SUBNET};
use super::traffic;
use crate::app::ports::tag_of;
use crate::error::{Failure, Result, is_refusal};
use crate::ledger::Report;
use crate::store::{networks, ports, subnets};

/// Pause before the database is looked at again after a repair that did not succeed.
const AGAIN: Duration = Duration::from_secs(2);

fn request() -> MonitorRequest {
    MonitorRequest::new(DB)
        .table(SWITCH, &["name", "external_ids", "ports", "acls", "qos_rules"])
        .table(
            PORT,
            &[
                "name",
                "type",
                "addresses",
                "port_security",
                "options",
                "tag_request",
                "parent_name",
                "dhcpv4_options",
                "dhcpv6_options",
                "external_ids",
                "up",
            ],
        )
        .table(DHCP, &["cidr", "options", "external_ids"])
        .table(ACL, &["direction", "priority", "match", "action", "external_ids"])
        .table(QOS, &["direction", "priority", "match", "bandwidth", "external_ids"])
        .table(ROUTER, &["name", "external_ids"])
        .table(ROUTER_PORT, &["name", "mac", "networks", "external_ids"])
        .table(ROUTE, &["ip_prefix", "nexthop", "external_ids"])
        .table(CHASSIS, &["name", "chassis_name", "priority", "external_ids"])
        .table(NAT, &["type", "external_ip", "logical_ip", "external_ids"])
}

/// Watches until it is dropped.
pub async fn run(vim: Arc<HostsVim>) {
    let mut monitor = vim.northbound.connection().monitor(request());
    loop {
        let touched = match monitor.next().await {
            Ok(MonitorEvent::Synced(_)) => {
                back(&vim).await;
                None
            }
            Ok(MonitorEvent::Changed(changes)) => Some(touched(&changes)),
            Ok(MonitorEvent::Lost(error)) => {
                lost(&vim, &error.to_string()).await;
                continue;
            }
            Err(error) => {
                lost(&vim, &error.to_string()).await;
                tokio::time::sleep(AGAIN).await;
                monitor = vim.northbound.connection().monitor(request());
                continue;
            }
        };
        // What was not repaired is looked for again in everything.
        let mut touched = touched;
        while let Err(failure) = look(&vim, &monitor, touched.as_ref()).await {
            tracing::warn!(vim = %vim.ledger.vim, %failure, "the northbound database could not be brought to what is wanted");
            if !vim.northbound_is_up() {
                break;
            }
            tokio::time::sleep(AGAIN).await;
            touched = None;
        }
    }
}

async fn lost(vim: &HostsVim, why: &str) {
    if vim.set_northbound(Some(why.to_owned())) {
        let detail = format!("OVN's northbound database cannot be watched: {why}");
        vim.ledger.note(&[Report::Vim(None, "northbound_lost", detail)]).await;
    }
}

async fn back(vim: &HostsVim) {
    if vim.set_northbound(None) {
        let detail = "OVN's northbound database is watched".to_owned();
        vim.ledger.note(&[Report::Vim(None, "northbound_back", detail)]).await;
    }
}

/// Ids of the consumer's networks and ports that changes are about.
#[derive(Debug, Default)]
struct Touched {
    networks: BTreeSet<Uuid>,
    ports: BTreeSet<Uuid>,
}

fn touched(changes: &[Change]) -> Touched {
    let mut touched = Touched::default();
    for change in changes {
        let rows: Vec<&Row> = match change {
            Change::Insert { row, .. } | Change::Delete { row, .. } => vec![row],
            Change::Modify { old, new, .. } => vec![old, new],
        };
        for row in rows {
            let mark = |key| row.map_entry("external_ids", key).and_then(|id| id.parse::<Uuid>().ok());
            match (change.table(), mark(MARK_ID)) {
                // The port to the outside bears its network's id.
                (PORT | ACL | QOS, Some(id)) if mark(MARK_NETWORK) != Some(id) => {
                    touched.ports.insert(id);
                }
                (SWITCH | PORT, Some(id)) => {
                    touched.networks.insert(id);
                }
                (ACL | QOS, _) => {}
                (ROUTER | ROUTER_PORT | ROUTE | CHASSIS | NAT, _) => touched.networks.extend(mark(MARK_NETWORK)),
                (DHCP, _) => touched.networks.extend(mark(MARK_NETWORK)),
                // Whoever took the marks away left the name.
                (_, None) => {
                    let name: String = row.get("name").unwrap_or_default();
                    touched.ports.extend(name.parse::<Uuid>());
                    let network = name.strip_prefix("mano-").and_then(|rest| rest.get(..36));
                    touched.networks.extend(network.and_then(|id| id.parse::<Uuid>().ok()));
                }
                _ => {}
            }
        }
    }
    touched
}

/// What the database holds, by the names the rows were made with.
struct Found<'a> {
    switches: HashMap<String, &'a Row>,
    ports: HashMap<String, (Uuid, &'a Row)>,
    dhcp: HashMap<Uuid, (Uuid, &'a Row)>,
    /// Rows about the traffic of ports, by port: what is let through, and how much.
    acls: HashMap<Uuid, Vec<&'a Row>>,
    qos: HashMap<Uuid, Vec<&'a Row>>,
}

impl<'a> Found<'a> {
    fn read(monitor: &'a Monitor) -> Self {
        let name = |row: &Row| row.get::<String>("name").unwrap_or_default();
        let mark = |row: &Row| row.map_entry("external_ids", MARK_ID)?.parse().ok();
        let by_mark = |table: &'static str| {
            let mut rows = HashMap::<Uuid, Vec<&'a Row>>::new();
            for (_, row) in monitor.table(table) {
                if let Some(id) = mark(row) {
                    rows.entry(id).or_default().push(row);
                }
            }
            rows
        };
        Self {
            switches: monitor.table(SWITCH).map(|(_, row)| (name(row), row)).collect(),
            ports: monitor.table(PORT).map(|(id, row)| (name(row), (id, row))).collect(),
            dhcp: monitor.table(DHCP).filter_map(|(id, row)| Some((mark(row)?, (id, row)))).collect(),
            acls: by_mark(ACL),
            qos: by_mark(QOS),
        }
    }

    fn switch_fits(&self, vim: Uuid, network: &Network) -> bool {
        let same = |found: Option<&Row>, wanted: &Row| found.is_some_and(|row| rows::drift(row, wanted).is_empty());
        let outside = rows::localnet(vim, network)
            .is_none_or(|wanted| same(self.ports.get(&rows::localnet_name(network.id)).map(|(_, row)| *row), &wanted));
        outside && same(self.switches.get(&rows::switch_name(network.id)).copied(), &rows::switch(vim, network))
    }

    fn dhcp_fits(&self, vim: Uuid, subnet: &Subnet, network: &Network) -> bool {
        let wanted = rows::dhcp(vim, subnet, network);
        self.dhcp.get(&subnet.id).is_some_and(|(_, row)| rows::drift(row, &wanted).is_empty())
    }

    fn traffic_fits(&self, vim: Uuid, port: &Port, network: &Network) -> bool {
        let wanted = traffic::of(vim, port, network);
        [(&self.acls, &wanted.acls), (&self.qos, &wanted.qos)].into_iter().all(|(there, wanted)| {
            let (left, missing) = traffic::difference(there.get(&port.id).map_or(&[], Vec::as_slice), wanted);
            left.is_empty() && missing.is_empty()
        })
    }

    fn port_fits(&self, vim: Uuid, port: &Port, network: &Network, subnets: &[Subnet]) -> bool {
        let Some((_, row)) = self.ports.get(&port.id.to_string()) else { return false };
        let mut options = [None, None];
        for (slot, subnet) in options.iter_mut().zip(rows::dhcp_subnets(port, subnets.iter())) {
            *slot = match subnet.map(|id| self.dhcp.get(&id)) {
                None => None,
                Some(None) => return false,
                Some(Some((id, _))) => Some(*id),
            };
        }
        let wanted = rows::port(vim, port, options[0], options[1], tag_of(&port.spec, network));
        rows::drift(row, &wanted).is_empty() && self.traffic_fits(vim, port, network)
    }
}

/// Whether every row of a subnet's router is there. On which hosts it may be at home is told to OVN when hosts come.
fn router_fits(monitor: &Monitor, subnet: Uuid, wanted: &[Part]) -> bool {
    let id = subnet.to_string();
    OF_ROUTER.into_iter().filter(|table| *table != CHASSIS).all(|table| {
        let its = |row: &&Row| row.map_entry("external_ids", MARK_SUBNET) == Some(id.as_str());
        let there: Vec<&Row> = monitor.table(table).map(|(_, row)| row).filter(its).collect();
        let mut parts = wanted.iter().filter(|part| part.table == table);
        parts.all(|part| there.iter().any(|row| rows::drift(row, &part.row).is_empty()))
    })
}

/// Compares what is wanted (of the networks and ports touched, or everything) with what is there, mends it and tells.
async fn look(vim: &HostsVim, monitor: &Monitor, touched: Option<&Touched>) -> Result<()> {
    let id = vim.ledger.vim;
    let concerned =
        |port: &Port| touched.is_none_or(|t| t.ports.contains(&port.id) || t.networks.contains(&port.spec.network_id));
    let (mut wanted_networks, mut wanted_ports) = (Vec::new(), Vec::new());
    let mut connection = vim.ledger.store.db.pool.acquire().await?;
    match touched {
        None => {
            wanted_networks = networks::list(&mut connection, id).await?;
            wanted_ports = ports::list(&mut connection, id).await?;
        }
        Some(touched) => {
            for network in &touched.networks {
                wanted_networks.extend(networks::get(&mut connection, id, *network).await?);
                wanted_ports.extend(ports::of_network(&mut connection, id, *network).await?);
            }
            for port in touched.ports.iter() {
                if let Some(port) = ports::get(&mut connection, id, *port).await?
                    && !touched.networks.contains(&port.spec.network_id)
                {
                    wanted_ports.push(port);
                }
            }
        }
    }
    let mut all_subnets = HashMap::<Uuid, Vec<Subnet>>::new();
    let used: HashSet<Uuid> =
        wanted_networks.iter().map(|n| n.id).chain(wanted_ports.iter().map(|p| p.spec.network_id)).collect();
    let mut all_networks: HashMap<Uuid, Network> = wanted_networks.iter().map(|n| (n.id, n.clone())).collect();
    for network in used {
        all_subnets.insert(network, subnets::of_network(&mut connection, id, network).await?);
        if !all_networks.contains_key(&network) {
            all_networks.extend(networks::get(&mut connection, id, network).await?.map(|found| (network, found)));
        }
    }
    drop(connection);

    let found = Found::read(monitor);
    let mut up = Vec::new();
    for port in wanted_ports.iter().filter(|port| concerned(port)) {
        let now = found
            .ports
            .get(&port.id.to_string())
            .is_some_and(|(_, row)| row.get::<Option<bool>>("up").ok().flatten().unwrap_or(false));
        if now != port.up {
            up.push(Report::PortUp(port.id, now));
        }
    }
    vim.ledger.record(&up).await?;

    // What is being made or removed is in the hands of a request.
    let settled = |state: ResourceState| matches!(state, ResourceState::Active | ResourceState::Error);
    let whole = touched.is_none();
    let mine = |state: ResourceState| settled(state) || (whole && state == ResourceState::Building);
    for network in wanted_networks.iter().filter(|network| mine(network.state)) {
        let parts = all_subnets.get(&network.id).map(Vec::as_slice).unwrap_or_default();
        let parts: Vec<&Subnet> = parts.iter().filter(|subnet| mine(subnet.state)).collect();
        let mut amiss = Vec::new();
        if !found.switch_fits(id, network) {
            amiss.push(format!("logical switch {}", rows::switch_name(network.id)));
        }
        let lost = parts.iter().filter(|subnet| !found.dhcp_fits(id, subnet, network));
        amiss.extend(lost.map(|subnet| format!("DHCP options of subnet {} ({})", subnet.id, subnet.spec.cidr)));
        for subnet in parts.iter().filter(|subnet| subnet.spec.routed) {
            match vim.router_of(subnet, network, settled).await {
                Ok(wanted) if router_fits(monitor, subnet.id, &wanted) => {}
                Ok(_) => amiss.push(format!("router of subnet {} ({})", subnet.id, subnet.spec.cidr)),
                // Everything else is seen to all the same.
                Err(failure) => tracing::debug!(subnet = %subnet.id, %failure, "a router was not looked at"),
            }
        }
        if !amiss.is_empty() {
            mend_network(vim, network, &parts, &amiss.join(", ")).await?;
        }
    }
    for port in wanted_ports.iter().filter(|port| mine(port.state) && concerned(port)) {
        let subnets = all_subnets.get(&port.spec.network_id).map(Vec::as_slice).unwrap_or_default();
        // One whose network is forgotten is about to be.
        let Some(network) = all_networks.get(&port.spec.network_id) else { continue };
        if !found.port_fits(id, port, network, subnets) {
            mend_port(vim, port).await?;
        }
    }
    Ok(())
}

/// What was found amiss may be mended already: the copy that was looked at lags behind. Only what had to be changed now
/// is told.
async fn mend_network(vim: &HostsVim, network: &Network, parts: &[&Subnet], amiss: &str) -> Result<()> {
    let name = &network.spec.name;
    let lost = format!("network {name}: {amiss} deleted or changed by someone else");
    let problem = || Some(ProblemDetails::new(500, "Network lost", lost.clone()).next("it is being made again"));
    let made = async {
        let mut changed = vim.make_network(network.id).await? == Ensured::Changed;
        for subnet in parts {
            changed |= match vim.make_subnet(subnet.id).await {
                Err(failure) if is_refusal(&failure) => false,
                other => other? == Ensured::Changed,
            };
        }
        Ok::<_, Failure>(changed)
    };
    let made = made.await;
    if made.as_ref().is_err_and(is_refusal) {
        // It was deleted in the meantime.
        return Ok(());
    }
    let told = network.state == ResourceState::Active && !matches!(made, Ok(false));
    let mut reports = Vec::new();
    if told {
        reports.push(Report::Network(network.id, ResourceState::Error, problem()));
        reports.push(Report::Vim(None, "network_lost", lost.clone()));
    }
    if made.is_ok() && (told || network.state != ResourceState::Active) {
        reports.push(Report::Network(network.id, ResourceState::Active, None));
    }
    if made.is_ok() {
        let parts = parts.iter().filter(|subnet| subnet.state != ResourceState::Active);
        reports.extend(parts.map(|subnet| Report::Subnet(subnet.id, ResourceState::Active, None)));
    }
    if told && made.is_ok() {
        reports.push(Report::Vim(None, "network_back", format!("network {name}: {amiss} made again")));
    }
    vim.ledger.record(&reports).await?;
    made.map(drop)
}

async fn mend_port(vim: &HostsVim, port: &Port) -> Result<()> {
    let lost = format!("logical port {} ({}) deleted or changed by someone else", port.id, port.spec.name);
    let made = vim.make_port(port.id).await;
    if made.as_ref().is_err_and(is_refusal) {
        return Ok(());
    }
    let told = port.state == ResourceState::Active && !matches!(made, Ok(Ensured::Stood));
    let mut reports = Vec::new();
    if told {
        let problem = ProblemDetails::new(500, "Port lost", lost.clone()).next("it is being made again");
        reports.push(Report::Port(port.id, ResourceState::Error, Some(problem)));
        reports.push(Report::Vim(None, "port_lost", lost));
    }
    if made.is_ok() && (told || port.state != ResourceState::Active) {
        reports.push(Report::Port(port.id, ResourceState::Active, None));
    }
    if told && made.is_ok() {
        let detail = format!("logical port {} ({}) is as it shall be again", port.id, port.spec.name);
        reports.push(Report::Vim(None, "port_back", detail));
    }
    vim.ledger.record(&reports).await?;
    made.map(drop)
}
