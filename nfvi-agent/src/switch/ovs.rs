//! Open vSwitch through its database (ovs-vswitchd.conf.db(5)).

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use async_trait::async_trait;
use ovsdb::{
    Atom, Change, Condition, Connection, Endpoint, Monitor, MonitorEvent, MonitorRequest, Options, Row, Status, Value,
    op,
};
use tokio::sync::broadcast;
use uuid::Uuid;

use super::{PlugPlan, Result, Switch, SwitchError, SwitchEvent, SwitchFacts, SwitchPort};

const DB: &str = "Open_vSwitch";
/// Events that may wait for their reader.
const EVENT_QUEUE: usize = 1024;
/// How long the database may take for an answer. It is on this host; a longer silence is a fault to be told.
const PATIENCE: Duration = Duration::from_secs(10);
/// Interfaces of these types belong to the switch itself.
const OWN_TYPES: [&str; 7] = ["internal", "patch", "geneve", "vxlan", "gre", "stt", "erspan"];

/// Open vSwitch at one endpoint, with one integration bridge.
#[derive(Debug)]
pub struct OvsSwitch {
    connection: Connection,
    bridge: String,
    events: broadcast::Sender<SwitchEvent>,
}

impl OvsSwitch {
    /// Connects in the background. Must be called within a tokio runtime.
    pub fn open(endpoint: Endpoint, bridge: &str) -> OvsSwitch {
        let options = Options { request_timeout: PATIENCE, ..Options::default() };
        let connection = Connection::open(endpoint, options);
        OvsSwitch { connection, bridge: bridge.to_owned(), events: broadcast::Sender::new(EVENT_QUEUE) }
    }

    fn failed(&self, action: &str) -> impl Fn(ovsdb::Error) -> SwitchError {
        move |source| SwitchError::Database { action: action.to_owned(), source }
    }

    /// Bridges, ports and interfaces in one consistent read.
    async fn read(&self, action: &str) -> Result<Picture> {
        let operations = vec![
            op::select("Bridge").columns(["_uuid", "name", "ports"]).into(),
            op::select("Port").columns(["_uuid", "name", "interfaces"]).into(),
            op::select("Interface").columns(["_uuid", "name", "type", "external_ids"]).into(),
        ];
        let results = self.connection.transact(DB, operations).await.map_err(self.failed(action))?;
        let rows = |at: usize| results.get(at).map(|result| result.rows()).unwrap_or_default();
        Picture::of(rows(0), rows(1), rows(2)).map_err(self.failed(action))
    }

    fn tell(&self, event: SwitchEvent) {
        // Without a reader there is nobody to tell.
        let _ = self.events.send(event);
    }
}

/// Who hangs on whom.
#[derive(Debug, Default)]
struct Picture {
    bridges: Vec<(Uuid, String, Vec<Uuid>)>,
    ports: BTreeMap<Uuid, (String, Vec<Uuid>)>,
    interfaces: BTreeMap<Uuid, Interface>,
}

#[derive(Debug, Clone)]
struct Interface {
    name: String,
    kind: String,
    iface_id: Option<String>,
    vm_id: Option<Uuid>,
}

impl Picture {
    fn of(bridges: &[Row], ports: &[Row], interfaces: &[Row]) -> std::result::Result<Picture, ovsdb::Error> {
        let mut picture = Picture::default();
        for row in bridges {
            picture.bridges.push((row.uuid()?, row.get("name")?, row.get("ports")?));
        }
        for row in ports {
            picture.ports.insert(row.uuid()?, (row.get("name")?, row.get("interfaces")?));
        }
        for row in interfaces {
            let interface = Interface {
                name: row.get("name")?,
                kind: row.get("type")?,
                iface_id: row.map_entry("external_ids", "iface-id").map(str::to_owned),
                vm_id: row.map_entry("external_ids", "vm-id").and_then(|id| Uuid::parse_str(id).ok()),
            };
            picture.interfaces.insert(row.uuid()?, interface);
        }
        Ok(picture)
    }

    /// Interfaces with the bridge and port they hang on.
    fn plugged(&self) -> impl Iterator<Item = (Uuid, &str, Uuid, &Interface)> {
        self.bridges.iter().flat_map(move |(bridge, bridge_name, ports)| {
            ports.iter().filter_map(|port| Some((port, &self.ports.get(port)?.1))).flat_map(
                move |(port, interfaces)| {
                    interfaces
                        .iter()
                        .filter_map(|id| self.interfaces.get(id))
                        .map(move |interface| (*bridge, bridge_name.as_str(), *port, interface))
                },
            )
        })
    }
}

#[async_trait]
impl Switch for OvsSwitch {
    async fn facts(&self) -> Result<SwitchFacts> {
        let operations = vec![
            op::select("Open_vSwitch").columns(["ovs_version", "external_ids"]).into(),
            op::select("Bridge").filter(Condition::eq("name", self.bridge.as_str())).columns(["datapath_type"]).into(),
        ];
        let failed = self.failed("tell about itself");
        let results = self.connection.transact(DB, operations).await.map_err(&failed)?;
        let first = |at: usize| results.get(at).and_then(|result| result.rows().first());
        let bridge_type = first(1).map(|row| row.get::<String>("datapath_type")).transpose().map_err(&failed)?;
        let Some(root) = first(0) else { return Ok(SwitchFacts::default()) };
        // While the bridge is away, what ovn-controller was told about it is the best there is.
        let datapath = bridge_type.as_deref().or_else(|| root.map_entry("external_ids", "ovn-bridge-datapath-type"));
        Ok(SwitchFacts {
            chassis: root.map_entry("external_ids", "system-id").map(str::to_owned),
            version: root.get::<Option<String>>("ovs_version").map_err(&failed)?,
            bridge_present: bridge_type.is_some(),
            userspace: datapath == Some("netdev"),
        })
    }

    async fn ports(&self) -> Result<Option<Vec<SwitchPort>>> {
        let picture = self.read("list ports").await?;
        if !picture.bridges.iter().any(|(_, name, _)| *name == self.bridge) {
            return Ok(None);
        }
        let ours = picture.plugged().filter(|(_, bridge, _, interface)| {
            *bridge == self.bridge && (interface.iface_id.is_some() || !OWN_TYPES.contains(&interface.kind.as_str()))
        });
        let port = |interface: &Interface| SwitchPort {
            name: interface.name.clone(),
            iface_id: interface.iface_id.as_deref().and_then(|id| Uuid::parse_str(id).ok()),
            vm_id: interface.vm_id,
        };
        Ok(Some(ours.map(|(_, _, _, interface)| port(interface)).collect()))
    }

    async fn plug(&self, port: &PlugPlan) -> Result<()> {
        let action = format!("plug {} into {}", port.tap, self.bridge);
        let picture = self.read(&action).await?;
        let iface_id = port.iface_id.to_string();
        let there = picture.plugged().any(|(_, bridge, _, interface)| {
            bridge == self.bridge
                && interface.name == port.tap
                && interface.iface_id.as_deref() == Some(iface_id.as_str())
        });
        if there {
            return Ok(());
        }
        let Some((bridge, ..)) = picture.bridges.iter().find(|(_, name, _)| *name == self.bridge) else {
            return Err(SwitchError::NoBridge { bridge: self.bridge.clone(), action });
        };
        // A port of that name elsewhere, or with another id, would make the insertion fail for its unique name.
        let stale: Vec<(Uuid, Uuid)> = picture
            .plugged()
            .filter(|(_, _, _, interface)| interface.name == port.tap)
            .map(|(bridge, _, port, _)| (bridge, port))
            .collect();
        let mut operations: Vec<ovsdb::Operation> = stale
            .into_iter()
            .map(|(bridge, port)| {
                op::mutate("Bridge").filter(Condition::uuid(bridge)).remove_from("ports", Value::set([port])).into()
            })
            .collect();
        let ids = Value::map([
            ("attached-mac", port.mac.clone()),
            ("iface-id", iface_id),
            ("iface-status", "active".to_owned()),
            ("vm-id", port.vm_id.to_string()),
        ]);
        operations.extend([
            op::insert("Interface").uuid_name("i").set("name", &port.tap).set("external_ids", ids).into(),
            op::insert("Port")
                .uuid_name("p")
                .set("name", &port.tap)
                .set("interfaces", Value::set([Atom::named("i")]))
                .into(),
            op::mutate("Bridge")
                .filter(Condition::uuid(*bridge))
                .add_to("ports", Value::set([Atom::named("p")]))
                .into(),
        ]);
        match self.connection.transact(DB, operations).await {
            // Somebody else was quicker: the machine's own start, most likely.
            Err(error) if error.is_duplicate() => Ok(()),
            other => other.map(drop).map_err(self.failed(&action)),
        }
    }

    async fn unplug(&self, iface_id: Uuid) -> Result<()> {
        let action = format!("remove the port {iface_id}");
        let wanted = iface_id.to_string();
        let picture = self.read(&action).await?;
        let operations: Vec<ovsdb::Operation> = picture
            .plugged()
            .filter(|(_, _, _, interface)| interface.iface_id.as_deref() == Some(wanted.as_str()))
            .map(|(bridge, _, port, _)| {
                op::mutate("Bridge").filter(Condition::uuid(bridge)).remove_from("ports", Value::set([port])).into()
            })
            .collect();
        if operations.is_empty() {
            return Ok(());
        }
        self.connection.transact(DB, operations).await.map(drop).map_err(self.failed(&action))
    }

    fn events(&self) -> broadcast::Receiver<SwitchEvent> {
        self.events.subscribe()
    }

    async fn watch(&self) {
        let request = MonitorRequest::new(DB).table("Bridge", &["name"]).table("Interface", &["name", "external_ids"]);
        let mut monitor = self.connection.monitor(request);
        let mut seen = Seen::default();
        loop {
            match monitor.next().await {
                Ok(event) => {
                    seen.translate(&self.bridge, &monitor, event).into_iter().for_each(|event| self.tell(event))
                }
                Err(error) => {
                    // The server speaks, but not of what we ask: the wrong database, or a very old one.
                    tracing::error!(%error, "Open vSwitch cannot be watched");
                    self.tell(SwitchEvent::Lost { why: error.to_string() });
                    tokio::time::sleep(PATIENCE).await;
                }
            }
        }
    }

    fn trouble(&self) -> Option<String> {
        match self.connection.status() {
            Status::Up => None,
            Status::Connecting => Some(format!("connecting to {}", self.connection.endpoint())),
            Status::Down(error) => Some(error.to_string()),
        }
    }

    fn bridge(&self) -> &str {
        &self.bridge
    }
}

/// What the watcher has told so far.
#[derive(Debug, Default)]
struct Seen {
    lost: bool,
    /// Row of the bridge, once it was looked for.
    bridge: Option<Option<Uuid>>,
}

impl Seen {
    fn translate(&mut self, bridge: &str, monitor: &Monitor, event: MonitorEvent) -> Vec<SwitchEvent> {
        let mut told = Vec::new();
        let changes = match event {
            MonitorEvent::Lost(error) => {
                if !std::mem::replace(&mut self.lost, true) {
                    told.push(SwitchEvent::Lost { why: error.to_string() });
                }
                return told;
            }
            MonitorEvent::Synced(changes) => {
                if std::mem::replace(&mut self.lost, false) {
                    told.push(SwitchEvent::Back);
                }
                changes
            }
            MonitorEvent::Changed(changes) => changes,
        };
        let named = |row: &Row| row.get::<String>("name").is_ok_and(|name| name == bridge);
        told.extend(self.bridge_is(monitor.table("Bridge").find(|(_, row)| named(row)).map(|(id, _)| id)));
        told.extend(
            port_changes(&changes).into_iter().map(|(iface_id, present)| SwitchEvent::Port { iface_id, present }),
        );
        told
    }
}

impl Seen {
    /// What became of the bridge, whose row has this id now. One that was deleted and made again may be told by the
    /// database in one breath: only its id tells that every port on it is gone.
    fn bridge_is(&mut self, now: Option<Uuid>) -> Vec<SwitchEvent> {
        match (self.bridge.replace(now), now) {
            (Some(before), now) if before == now => Vec::new(),
            (Some(Some(_)), Some(_)) => vec![SwitchEvent::BridgeLost, SwitchEvent::BridgeBack],
            (_, Some(_)) => vec![SwitchEvent::BridgeBack],
            (_, None) => vec![SwitchEvent::BridgeLost],
        }
    }
}

/// Port ids that came (`true`) or went (`false`).
fn port_changes(changes: &[Change]) -> Vec<(Uuid, bool)> {
    let id = |row: &Row| row.map_entry("external_ids", "iface-id").and_then(|id| Uuid::parse_str(id).ok());
    let (mut before, mut after) = (HashSet::new(), HashSet::new());
    for change in changes.iter().filter(|change| change.table() == "Interface") {
        match change {
            Change::Insert { row, .. } => after.extend(id(row)),
            Change::Modify { old, new, .. } => {
                before.extend(id(old));
                after.extend(id(new));
            }
            Change::Delete { row, .. } => before.extend(id(row)),
        }
    }
    let gone = before.difference(&after).map(|id| (*id, false));
    gone.chain(after.difference(&before).map(|id| (*id, true))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bridge_that_is_made_again_in_one_breath_was_lost_all_the_same() {
        use SwitchEvent::{BridgeBack, BridgeLost};
        let (first, second) = (Some(Uuid::from_u128(1)), Some(Uuid::from_u128(2)));
        let mut seen = Seen::default();
        assert_eq!(seen.bridge_is(first), [BridgeBack]);
        assert_eq!(seen.bridge_is(first), []);
        assert_eq!(seen.bridge_is(second), [BridgeLost, BridgeBack]);
        assert_eq!(seen.bridge_is(None), [BridgeLost]);
        assert_eq!(seen.bridge_is(second), [BridgeBack]);
        assert_eq!(Seen::default().bridge_is(None), [BridgeLost]);
    }

    #[test]
    fn a_port_that_is_renamed_or_made_again_at_once_has_neither_come_nor_gone() {
        let (row_a, row_b) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let (kept, gone, came) = (Uuid::from_u128(11), Uuid::from_u128(12), Uuid::from_u128(13));
        let row = |id: Uuid| Row::new().with("external_ids", Value::map([("iface-id", id.to_string())]));
        let table = || "Interface".to_owned();
        let changes = [
            Change::Delete { table: table(), uuid: row_a, row: row(kept) },
            Change::Insert { table: table(), uuid: row_b, row: row(kept) },
            Change::Modify { table: table(), uuid: row_a, old: row(gone), new: row(came) },
        ];
        let told = port_changes(&changes);
        assert_eq!(told, [(gone, false), (came, true)]);
    }
}
