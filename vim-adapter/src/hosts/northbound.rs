//! Effects on OVN's northbound database. Each is "ensure": it looks first, changes what differs in one transaction that is
//! guarded against others doing the same at that moment, and looks again when the guard tells so.

use std::time::Duration;

use ovsdb::{Atom, Condition, Connection, Error, Operation, Options, Row, Value, op};
use reference_points::common::ProblemDetails;
use reference_points::or_vi::{Network, Port, Subnet};
use uuid::Uuid;

use super::routers::Part;
use super::rows::{self, MARK_ID, MARK_SUBNET, drift, localnet_name, switch_name};
use super::traffic;
use crate::app::ports::tag_of;
use crate::error::{Failure, Result};

/// Name of the database.
pub const DB: &str = "OVN_Northbound";
/// Tries against others who change the same rows at the same moment.
const ATTEMPTS: u32 = 5;

pub(super) const SWITCH: &str = "Logical_Switch";
pub(super) const PORT: &str = "Logical_Switch_Port";
pub(super) const DHCP: &str = "DHCP_Options";
pub(super) const ACL: &str = "ACL";
pub(super) const QOS: &str = "QoS";
pub(super) const ROUTER: &str = "Logical_Router";
pub(super) const ROUTER_PORT: &str = "Logical_Router_Port";
pub(super) const ROUTE: &str = "Logical_Router_Static_Route";
pub(super) const CHASSIS: &str = "Gateway_Chassis";
pub(super) const NAT: &str = "NAT";
/// Tables that a router's rows are in: those that stand alone first, and each behind those that its rows hang on.
pub(super) const OF_ROUTER: [&str; 7] = [ROUTER, SWITCH, ROUTER_PORT, CHASSIS, ROUTE, NAT, PORT];
/// Columns of a switch that rows of its ports hang on, with their tables.
const HANGING: [(&str, &str); 2] = [("acls", ACL), ("qos_rules", QOS)];

/// Columns that must be there: a database without them is none of OVN's that this adapter can use.
const NEEDED: [(&str, &str); 17] = [
    (SWITCH, "name"),
    (SWITCH, "ports"),
    (SWITCH, "external_ids"),
    (SWITCH, "acls"),
    (SWITCH, "qos_rules"),
    (PORT, "name"),
    (PORT, "addresses"),
    (PORT, "port_security"),
    (PORT, "tag_request"),
    (PORT, "parent_name"),
    (PORT, "dhcpv4_options"),
    (PORT, "up"),
    (PORT, "external_ids"),
    (ACL, "external_ids"),
    (QOS, "external_ids"),
    (DHCP, "options"),
    (DHCP, "external_ids"),
];

/// The northbound database of one VIM.
#[derive(Debug, Clone)]
pub struct Northbound {
    connection: Connection,
    vim: Uuid,
}

/// Outcome of ensuring something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ensured {
    /// It was as it shall be.
    Stood,
    /// It was made or changed.
    Changed,
    /// What it hangs on or refers to is missing; nothing was done.
    Homeless,
}

/// What must happen after a look.
enum Plan {
    Change(Vec<Operation>),
    Homeless,
}

/// As the consumer is told of it.
pub fn told(what: &str, error: &Error) -> Failure {
    let status = if error.is_transient() || error.outcome_unknown() {
        503
    } else if error.is_duplicate() {
        409
    } else {
        502
    };
    let mut problem = ProblemDetails::new(status, "OVN northbound", format!("{what}: {error}"))
        .answer(error.to_string())
        .resource(what);
    if status == 503 {
        problem = problem.next("check that ovsdb-server of OVN's northbound database runs, then retry");
    }
    problem.into()
}

/// A guard held no longer: somebody else changed the rows since they were read.
fn is_race(error: &Error) -> bool {
    error.is_duplicate()
        || matches!(error, Error::Operation(e) if e.operation == "wait" || e.error == "referential integrity violation")
}

fn sets(row: &Row) -> impl Iterator<Item = (String, Value)> + '_ {
    row.iter().map(|(column, value)| (column.to_owned(), value.clone()))
}

fn insert(table: &str, row: &Row) -> op::Insert {
    sets(row).fold(op::insert(table), |insert, (column, value)| insert.set(column, value))
}

fn update(table: &str, id: Uuid, change: &Row) -> Operation {
    sets(change)
        .fold(op::update(table).filter(Condition::uuid(id)), |update, (column, value)| update.set(column, value))
        .into()
}

fn marked(id: Uuid) -> Condition {
    Condition::includes("external_ids", Value::map([(MARK_ID, id.to_string().as_str())]))
}

/// Takes a row from the switch that has it: it lives as long as one does.
fn unhang(column: &'static str, id: Uuid) -> Operation {
    unhang_from(SWITCH, column, id)
}

fn unhang_from(home: &'static str, column: &'static str, id: Uuid) -> Operation {
    let from = op::mutate(home).filter(Condition::includes(column, Value::set([id])));
    from.remove_from(column, Value::set([id])).into()
}

/// What makes of the rows `there` those `wanted` on a switch.
fn hang(
    switch: Uuid,
    column: &'static str,
    table: &'static str,
    there: &[Row],
    wanted: &[Row],
) -> std::result::Result<Vec<Operation>, Error> {
    let mut changes = Vec::new();
    let there: Vec<&Row> = there.iter().collect();
    let (left, missing) = traffic::difference(&there, wanted);
    for row in left {
        changes.push(unhang(column, row.uuid()?));
    }
    for (i, row) in missing.into_iter().enumerate() {
        let name = format!("{column}{i}");
        changes.push(insert(table, row).uuid_name(&name).into());
        let add = op::mutate(SWITCH).filter(Condition::uuid(switch));
        changes.push(add.add_to(column, Value::set([Atom::named(&name)])).into());
    }
    Ok(changes)
}

/// What makes of the rows `found`, by table in the order of [`OF_ROUTER`], a router of these parts.
fn router_changes(found: &[Vec<Row>], parts: &[Part]) -> std::result::Result<Vec<Operation>, Error> {
    let mut changes = Vec::new();
    // Rows that come anew: what hung on one of that name went with it.
    let mut anew: Vec<String> = Vec::new();
    for (table, there) in OF_ROUTER.into_iter().zip(found) {
        let wanted: Vec<&Part> = parts.iter().filter(|part| part.table == table).collect();
        if matches!(table, ROUTER | SWITCH) {
            for part in wanted {
                let name: String = part.row.get("name")?;
                match there.iter().find(|row| row.get::<String>("name").is_ok_and(|its| its == name)) {
                    Some(row) => {
                        let change = drift(row, &part.row);
                        if !change.is_empty() {
                            changes.push(update(table, row.uuid()?, &change));
                        }
                    }
                    None => {
                        changes.push(insert(table, &part.row).into());
                        anew.push(name);
                    }
                }
            }
            if parts.is_empty() {
                for row in there {
                    changes.push(op::delete(table).filter(Condition::uuid(row.uuid()?)).into());
                }
            }
            continue;
        }
        let homeless = |part: &Part| part.home.as_ref().is_some_and(|(_, name, _)| anew.contains(name));
        let mut left: Vec<&Row> = there.iter().collect();
        let mut missing = Vec::new();
        for part in wanted {
            let there = left.iter().position(|row| drift(row, &part.row).is_empty()).map(|i| left.remove(i));
            if there.is_none() || homeless(part) {
                missing.push(part);
            }
        }
        for row in left {
            let id = row.uuid()?;
            changes.extend(home_of(table).map(|(home, column)| unhang_from(home, column, id)));
        }
        for (i, part) in missing.into_iter().enumerate() {
            let Some((home, name, column)) = &part.home else { continue };
            let named = format!("{}{i}", table.to_lowercase());
            changes.push(insert(table, &part.row).uuid_name(&named).into());
            let add = op::mutate(*home).filter(Condition::eq("name", name.as_str()));
            changes.push(add.add_to(column, Value::set([Atom::named(&named)])).into());
            anew.extend(part.row.get::<String>("name"));
        }
    }
    Ok(changes)
}

/// Where rows of a table hang that belong to a router.
fn home_of(table: &str) -> Option<(&'static str, &'static str)> {
    match table {
        ROUTER_PORT => Some((ROUTER, "ports")),
        CHASSIS => Some((ROUTER_PORT, "gateway_chassis")),
        ROUTE => Some((ROUTER, "static_routes")),
        NAT => Some((ROUTER, "nat")),
        PORT => Some((SWITCH, "ports")),
        _ => None,
    }
}

/// Requests of consumers wait for an answer behind it, so it gives up sooner than they do.
fn options() -> Options {
    Options { request_timeout: Duration::from_secs(5), ..Options::default() }
}

impl Northbound {
    /// Begins to connect.
    ///
    /// # Errors
    /// 422 when the endpoint is none.
    pub fn open(endpoint: &str, vim: Uuid) -> Result<Self> {
        let parsed: ovsdb::Endpoint =
            endpoint.parse().map_err(|error: Error| Failure::unprocessable(error.to_string(), vec![]))?;
        Ok(Self { connection: Connection::open(parsed, options()), vim })
    }

    /// The connection, for monitors.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Asks for the schema and looks whether it can be used.
    ///
    /// # Errors
    /// 503 when the database does not answer, 422 when it is another.
    pub async fn check(&self) -> Result<String> {
        let endpoint = self.connection.endpoint();
        let what = format!("northbound database {endpoint}");
        // A session of its own tells at once why there is none.
        let client = ovsdb::Client::connect(endpoint, options()).await.map_err(|error| told(&what, &error))?;
        let schema = match client.schema(DB).await {
            Ok(schema) => schema,
            Err(error @ Error::Refused { .. }) => {
                let found = client.list_dbs().await.unwrap_or_default().join(", ");
                let problem = ProblemDetails::unprocessable(
                    format!("{endpoint} holds no database {DB}, but {found}"),
                    Vec::new(),
                );
                return Err(problem
                    .answer(error.to_string())
                    .next("name the socket of OVN's northbound database")
                    .into());
            }
            Err(error) => return Err(told(&what, &error)),
        };
        let missing: Vec<String> = NEEDED
            .iter()
            .filter(|(table, column)| schema.column(table, column).is_none())
            .map(|(table, column)| format!("{table}.{column}"))
            .collect();
        if missing.is_empty() {
            return Ok(schema.version);
        }
        let detail = format!("schema {} of {what} lacks {}", schema.version, missing.join(", "));
        Err(ProblemDetails::unprocessable(detail, Vec::new()).next("use OVN 20.03 or later").into())
    }

    /// Reads, lets `plan` say what must change, and changes it, until nobody interferes.
    async fn settle<F>(&self, what: &str, selects: Vec<Operation>, plan: F) -> Result<Ensured>
    where
        F: Fn(&[Vec<Row>]) -> Result<Plan> + Send + Sync,
    {
        let mut attempt = 0;
        loop {
            let results = self.connection.transact(DB, selects.clone()).await.map_err(|error| told(what, &error))?;
            let found: Vec<Vec<Row>> = results.iter().map(|result| result.rows().to_vec()).collect();
            let changes = match plan(&found)? {
                Plan::Homeless => return Ok(Ensured::Homeless),
                Plan::Change(changes) if changes.is_empty() => return Ok(Ensured::Stood),
                Plan::Change(changes) => changes,
            };
            attempt += 1;
            match self.connection.transact(DB, changes).await {
                Ok(_) => return Ok(Ensured::Changed),
                Err(error) if attempt < ATTEMPTS && is_race(&error) => {}
                Err(error) => return Err(told(what, &error)),
            }
        }
    }

    /// Makes a network's logical switch, with the port of a provider network.
    ///
    /// # Errors
    /// What the database says.
    pub async fn ensure_switch(&self, network: &Network) -> Result<Ensured> {
        let what = format!("logical switch {}", switch_name(network.id));
        let (wanted, localnet) = (rows::switch(self.vim, network), rows::localnet(self.vim, network));
        let by_name = |name: String| Condition::eq("name", name);
        let selects = vec![
            op::select(SWITCH).filter(by_name(switch_name(network.id))).into(),
            op::select(PORT).filter(by_name(localnet_name(network.id))).into(),
        ];
        self.settle(&what, selects, |found| {
            let mut changes: Vec<Operation> = Vec::new();
            let outside = found[1].first();
            match found[0].as_slice() {
                [] => {
                    let name = switch_name(network.id);
                    changes.push(op::wait(SWITCH).filter(by_name(name)).columns(["name"]).until_equal([]).into());
                    let mut switch = insert(SWITCH, &wanted).uuid_name("switch");
                    if let Some(row) = &localnet {
                        changes.push(insert(PORT, row).uuid_name("outside").into());
                        switch = switch.set("ports", Value::set([Atom::named("outside")]));
                    }
                    changes.push(switch.into());
                }
                [switch, ..] => {
                    let id = switch.uuid().map_err(|error| told(&what, &error))?;
                    let change = drift(switch, &wanted);
                    if !change.is_empty() {
                        changes.push(update(SWITCH, id, &change));
                    }
                    match (&localnet, outside) {
                        (Some(row), None) => {
                            changes.push(insert(PORT, row).uuid_name("outside").into());
                            let add = op::mutate(SWITCH).filter(Condition::uuid(id));
                            changes.push(add.add_to("ports", Value::set([Atom::named("outside")])).into());
                        }
                        (Some(row), Some(there)) => {
                            let change = drift(there, row);
                            if !change.is_empty() {
                                let id = there.uuid().map_err(|error| told(&what, &error))?;
                                changes.push(update(PORT, id, &change));
                            }
                        }
                        (None, _) => {}
                    }
                }
            }
            Ok(Plan::Change(changes))
        })
        .await
    }

    /// Makes a subnet's DHCP options.
    ///
    /// # Errors
    /// What the database says.
    pub async fn ensure_dhcp(&self, subnet: &Subnet, network: &Network) -> Result<Ensured> {
        let what = format!("DHCP options of subnet {}", subnet.id);
        let wanted = rows::dhcp(self.vim, subnet, network);
        let selects = vec![op::select(DHCP).filter(marked(subnet.id)).into()];
        self.settle(&what, selects, |found| {
            let mut changes = Vec::new();
            match found[0].first() {
                None => {
                    changes.push(op::wait(DHCP).filter(marked(subnet.id)).columns(["cidr"]).until_equal([]).into());
                    changes.push(insert(DHCP, &wanted).into());
                }
                Some(there) => {
                    let change = drift(there, &wanted);
                    if !change.is_empty() {
                        changes.push(update(DHCP, there.uuid().map_err(|error| told(&what, &error))?, &change));
                    }
                }
            }
            Ok(Plan::Change(changes))
        })
        .await
    }

    /// Makes a port's logical port, with what is about its traffic. `dhcp` are the subnets whose options it uses, of IPv4 and of
    /// IPv6.
    ///
    /// # Errors
    /// What the database says; 409 when the logical port hangs on another switch.
    pub async fn ensure_port(&self, port: &Port, network: &Network, dhcp: [Option<Uuid>; 2]) -> Result<Ensured> {
        let traffic = traffic::of(self.vim, port, network);
        let what = format!("logical port {}", port.id);
        let switch = || Condition::eq("name", switch_name(port.spec.network_id));
        let mut selects: Vec<Operation> = vec![
            op::select(SWITCH).filter(switch()).columns(["_uuid", "ports"]).into(),
            op::select(PORT).filter(Condition::eq("name", port.id.to_string())).into(),
        ];
        selects.extend(HANGING.map(|(_, table)| op::select(table).filter(marked(port.id)).into()));
        selects.extend(dhcp.iter().flatten().map(|id| op::select(DHCP).filter(marked(*id)).columns(["_uuid"]).into()));
        self.settle(&what, selects, |found| {
            let id_of = |row: &Row| row.uuid().map_err(|error| told(&what, &error));
            let Some(home) = found[0].first() else { return Ok(Plan::Homeless) };
            let mut options = found[2 + HANGING.len()..].iter();
            let mut refer = |wanted: Option<Uuid>| -> Result<Option<Option<Uuid>>> {
                let Some(_) = wanted else { return Ok(Some(None)) };
                let row = options.next().and_then(|rows| rows.first());
                row.map(|row| id_of(row).map(Some)).transpose()
            };
            let (Some(v4), Some(v6)) = (refer(dhcp[0])?, refer(dhcp[1])?) else {
                return Ok(Plan::Homeless);
            };
            let wanted = rows::port(self.vim, port, v4, v6, tag_of(&port.spec, network));
            let mut changes: Vec<Operation> = Vec::new();
            match found[1].first() {
                None => {
                    let gone: [Row; 0] = [];
                    changes.push(op::wait(SWITCH).filter(switch()).columns(["name"]).until_different(gone).into());
                    changes.push(insert(PORT, &wanted).uuid_name("port").into());
                    let add = op::mutate(SWITCH).filter(Condition::uuid(id_of(home)?));
                    changes.push(add.add_to("ports", Value::set([Atom::named("port")])).into());
                }
                Some(there) => {
                    let id = id_of(there)?;
                    let members: Vec<Uuid> = home.get("ports").map_err(|error| told(&what, &error))?;
                    if !members.contains(&id) {
                        return Err(Failure::conflict(format!("{what} hangs on another switch than its network's")));
                    }
                    let change = drift(there, &wanted);
                    if !change.is_empty() {
                        changes.push(update(PORT, id, &change));
                    }
                }
            }
            let home = id_of(home)?;
            let hanging = HANGING.into_iter().zip([&traffic.acls, &traffic.qos]).zip(&found[2..]);
            for (((column, table), wanted), there) in hanging {
                changes.extend(hang(home, column, table, there, wanted).map_err(|error| told(&what, &error))?);
            }
            Ok(Plan::Change(changes))
        })
        .await
    }

    /// Removes a network's logical switch and what hangs on it.
    ///
    /// # Errors
    /// What the database says.
    pub async fn delete_switch(&self, network: Uuid) -> Result<()> {
        let what = format!("logical switch {}", switch_name(network));
        let delete = op::delete(SWITCH).filter(Condition::eq("name", switch_name(network)));
        self.connection.transact(DB, vec![delete.into()]).await.map(drop).map_err(|error| told(&what, &error))
    }

    /// Removes a subnet's DHCP options.
    ///
    /// # Errors
    /// What the database says.
    pub async fn delete_dhcp(&self, subnet: Uuid) -> Result<()> {
        let what = format!("DHCP options of subnet {subnet}");
        let delete = op::delete(DHCP).filter(marked(subnet));
        self.connection.transact(DB, vec![delete.into()]).await.map(drop).map_err(|error| told(&what, &error))
    }

    /// Removes a port's logical port.
    ///
    /// # Errors
    /// What the database says.
    pub async fn delete_port(&self, port: Uuid) -> Result<()> {
        let what = format!("logical port {port}");
        let select = op::select(PORT).filter(Condition::eq("name", port.to_string())).columns(["_uuid"]);
        let hanging = HANGING.map(|(_, table)| op::select(table).filter(marked(port)).columns(["_uuid"]).into());
        let selects = std::iter::once(select.into()).chain(hanging).collect();
        self.settle(&what, selects, |found| {
            let mut changes: Vec<Operation> = Vec::new();
            for ((column, _), rows) in HANGING.into_iter().zip(&found[1..]) {
                for row in rows {
                    let id = row.uuid().map_err(|error| told(&what, &error))?;
                    changes.push(unhang(column, id));
                }
            }
            for row in &found[0] {
                let id = row.uuid().map_err(|error| told(&what, &error))?;
                changes.push(unhang("ports", id));
            }
            Ok(Plan::Change(changes))
        })
        .await
        .map(drop)
    }

    /// Makes the router of a subnet of these parts, and of nothing else; of none it is removed.
    ///
    /// # Errors
    /// What the database says.
    pub async fn ensure_router(&self, subnet: Uuid, parts: &[Part]) -> Result<Ensured> {
        let what = format!("router of subnet {subnet}");
        let of_it = || Condition::includes("external_ids", Value::map([(MARK_SUBNET, subnet.to_string().as_str())]));
        let selects = OF_ROUTER.map(|table| op::select(table).filter(of_it()).into()).to_vec();
        self.settle(&what, selects, |found| {
            router_changes(found, parts).map(Plan::Change).map_err(|error| told(&what, &error))
        })
        .await
    }

    /// Every logical switch, logical switch port and set of DHCP options.
    ///
    /// # Errors
    /// What the database says.
    pub async fn all(&self) -> Result<[Vec<Row>; 4]> {
        let what = "logical switches, their ports, DHCP options and routers";
        let selects = vec![
            op::select(SWITCH).columns(["_uuid", "name", "external_ids"]).into(),
            op::select(PORT).columns(["_uuid", "name", "external_ids"]).into(),
            op::select(DHCP).columns(["_uuid", "cidr", "external_ids"]).into(),
            op::select(ROUTER).columns(["_uuid", "name", "external_ids"]).into(),
        ];
        let results = self.connection.transact(DB, selects).await.map_err(|error| told(what, &error))?;
        let mut tables = results.iter().map(|result| result.rows().to_vec());
        Ok(std::array::from_fn(|_| tables.next().unwrap_or_default()))
    }
}
