//! Watching tables (RFC 7047 section 4.1.5 `monitor`, and `monitor_cond` of ovsdb-server(7)): a snapshot first, then every change.
//!
//! A [`Monitor`] keeps a copy of the rows it watches. When the session is lost it waits for the next one, takes a new
//! snapshot, and tells only what differs from its copy, so that its reader never has to start over.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use futures::Stream;
use serde_json::{Map, Value as Json, json};
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::client::{Subscription, Update, tables_json};
use crate::row::shortened;
use crate::{Atom, Client, ColumnType, Condition, Connection, Error, Result, Row, Schema, Value};

/// Columns of a table to watch.
#[derive(Debug, Clone, Default)]
pub struct TableRequest {
    columns: Option<Vec<String>>,
    filter: Vec<Condition>,
}

/// Tables to watch.
#[derive(Debug, Clone)]
pub struct MonitorRequest {
    db: String,
    tables: BTreeMap<String, TableRequest>,
}

impl MonitorRequest {
    /// Watches nothing yet.
    pub fn new(db: impl Into<String>) -> MonitorRequest {
        MonitorRequest { db: db.into(), tables: BTreeMap::new() }
    }

    /// Watches these columns of a table; none means all of them.
    #[must_use]
    pub fn table(mut self, table: impl Into<String>, columns: &[&str]) -> MonitorRequest {
        let columns = (!columns.is_empty()).then(|| columns.iter().map(|c| (*c).to_owned()).collect());
        self.tables.entry(table.into()).or_default().columns = columns;
        self
    }

    /// Watches only rows of the table for which this holds too; uses `monitor_cond`.
    #[must_use]
    pub fn filter(mut self, table: impl Into<String>, condition: Condition) -> MonitorRequest {
        self.tables.entry(table.into()).or_default().filter.push(condition);
        self
    }

    fn conditional(&self) -> bool {
        self.tables.values().any(|table| !table.filter.is_empty())
    }

    fn to_json(&self) -> Json {
        let body = |table: &TableRequest| {
            let mut body = Map::new();
            if let Some(columns) = &table.columns {
                body.insert("columns".to_owned(), json!(columns));
            }
            if !table.filter.is_empty() {
                body.insert("where".to_owned(), table.filter.iter().map(Condition::to_json).collect());
            }
            Json::Object(body)
        };
        tables_json(&self.tables.iter().map(|(name, table)| (name.clone(), body(table))).collect())
    }
}

/// One row that came, changed or went.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// A row that was not there.
    Insert {
        /// Its table.
        table: String,
        /// Its id.
        uuid: Uuid,
        /// Its columns.
        row: Row,
    },
    /// A row that changed.
    Modify {
        /// Its table.
        table: String,
        /// Its id.
        uuid: Uuid,
        /// All watched columns as they were.
        old: Row,
        /// All watched columns as they are.
        new: Row,
    },
    /// A row that is gone.
    Delete {
        /// Its table.
        table: String,
        /// Its id.
        uuid: Uuid,
        /// Its columns as they were last.
        row: Row,
    },
}

impl Change {
    /// The table.
    pub fn table(&self) -> &str {
        match self {
            Change::Insert { table, .. } | Change::Modify { table, .. } | Change::Delete { table, .. } => table,
        }
    }
}

/// What a monitor tells.
#[derive(Debug, Clone)]
pub enum MonitorEvent {
    /// The copy agrees with the database again: the first snapshot, or the one after a reconnect. The changes are what
    /// differs from the copy before; after the first snapshot, every row as an insert.
    Synced(Vec<Change>),
    /// Changes of one transaction.
    Changed(Vec<Change>),
    /// The session is lost; the copy is what was known last. [`MonitorEvent::Synced`] will follow.
    Lost(Error),
}

/// Rows by table and id.
pub type Tables = BTreeMap<String, HashMap<Uuid, Row>>;

/// Watches tables over reconnects.
#[derive(Debug)]
pub struct Monitor {
    connection: Connection,
    request: MonitorRequest,
    rows: Tables,
    session: Option<Session>,
}

#[derive(Debug)]
struct Session {
    client: Client,
    _subscription: Subscription,
    updates: mpsc::Receiver<Update>,
    /// Known only where `monitor_cond` needs it.
    schema: Option<Arc<Schema>>,
}

impl Monitor {
    pub(crate) fn new(connection: Connection, request: MonitorRequest) -> Monitor {
        Monitor { connection, request, rows: Tables::new(), session: None }
    }

    /// The rows as known last.
    pub fn rows(&self) -> &Tables {
        &self.rows
    }

    /// Rows of one table as known last.
    pub fn table(&self, table: &str) -> impl Iterator<Item = (Uuid, &Row)> {
        self.rows.get(table).into_iter().flatten().map(|(id, row)| (*id, row))
    }

    /// The next event. Cancel safe: an event is either returned or still to come.
    ///
    /// # Errors
    /// Only what will not mend itself by a reconnect: the server refuses the monitor (an unknown database, table or
    /// column). A lost session is an event, not an error.
    pub async fn next(&mut self) -> Result<MonitorEvent> {
        loop {
            let Some(session) = &mut self.session else {
                let client = self.connection.next_client().await;
                match self.subscribe(client).await {
                    Ok(changes) => return Ok(MonitorEvent::Synced(changes)),
                    Err(error @ (Error::Refused { .. } | Error::Protocol { .. })) => return Err(error),
                    Err(error) => return Ok(MonitorEvent::Lost(error)),
                }
            };
            let Some(update) = session.updates.recv().await else {
                let client = session.client.clone();
                self.session = None;
                if client.is_open() {
                    // The reader fell behind and updates were dropped: a new snapshot on the same session mends it.
                    continue;
                }
                return Ok(MonitorEvent::Lost(client.closed().await));
            };
            let applied = match update.method.as_str() {
                "update2" => apply_update2(&mut self.rows, &update.tables, session.schema.as_deref()),
                _ => apply_update(&mut self.rows, &update.tables),
            };
            match applied {
                Ok(changes) if changes.is_empty() => {}
                Ok(changes) => return Ok(MonitorEvent::Changed(changes)),
                Err(what) => {
                    let endpoint = session.client.endpoint().to_owned();
                    // What was understood of it is in the copy already; only a snapshot restores it.
                    self.session = None;
                    return Ok(MonitorEvent::Lost(Error::Protocol { endpoint, what }));
                }
            }
        }
    }

    /// The events as a stream. After an error it starts over when it is asked again.
    pub fn into_stream(self) -> impl Stream<Item = Result<MonitorEvent>> + Send {
        futures::stream::unfold(self, |mut monitor| async move { Some((monitor.next().await, monitor)) })
    }

    async fn subscribe(&mut self, client: Client) -> Result<Vec<Change>> {
        let conditional = self.request.conditional();
        let schema = if conditional { Some(Arc::new(client.schema(&self.request.db).await?)) } else { None };
        let method = if conditional { "monitor_cond" } else { "monitor" };
        let (initial, subscription, updates) =
            client.subscribe(method, &self.request.db, self.request.to_json()).await?;
        let mut fresh = Tables::new();
        let read = match &schema {
            Some(schema) => apply_update2(&mut fresh, &initial, Some(schema)),
            None => apply_update(&mut fresh, &initial),
        };
        read.map_err(|what| Error::Protocol { endpoint: client.endpoint().to_owned(), what })?;
        let changes = difference(&self.rows, &fresh);
        self.rows = fresh;
        self.session = Some(Session { client, _subscription: subscription, updates, schema });
        Ok(changes)
    }
}

/// What must happen to `old` so that it becomes `new`.
fn difference(old: &Tables, new: &Tables) -> Vec<Change> {
    let empty = HashMap::new();
    let mut changes = Vec::new();
    for (table, rows) in old {
        let now = new.get(table).unwrap_or(&empty);
        for (uuid, row) in rows.iter().filter(|(uuid, _)| !now.contains_key(*uuid)) {
            changes.push(Change::Delete { table: table.clone(), uuid: *uuid, row: row.clone() });
        }
    }
    for (table, rows) in new {
        let before = old.get(table).unwrap_or(&empty);
        for (uuid, row) in rows {
            match before.get(uuid) {
                None => changes.push(Change::Insert { table: table.clone(), uuid: *uuid, row: row.clone() }),
                Some(old) if old != row => changes.push(Change::Modify {
                    table: table.clone(),
                    uuid: *uuid,
                    old: old.clone(),
                    new: row.clone(),
                }),
                Some(_) => {}
            }
        }
    }
    changes
}

fn each_row(tables: &Json, mut apply: impl FnMut(&str, Uuid, &Json) -> Result<(), String>) -> Result<(), String> {
    let tables = tables.as_object().ok_or_else(|| format!("table updates are no object: {}", shortened(tables)))?;
    for (table, rows) in tables {
        let rows = rows.as_object().ok_or_else(|| format!("updates of table {table} are no object"))?;
        for (id, update) in rows {
            let uuid = Uuid::parse_str(id).map_err(|_| format!("`{}` in table {table} is no row id", shortened(id)))?;
            apply(table, uuid, update)?;
        }
    }
    Ok(())
}

/// RFC 7047 section 4.1.5 and 4.1.6: `old` holds the former values of changed columns, `new` the whole row.
fn apply_update(rows: &mut Tables, tables: &Json) -> Result<Vec<Change>, String> {
    let mut changes = Vec::new();
    each_row(tables, |table, uuid, update| {
        let held = rows.entry(table.to_owned()).or_default();
        let table = table.to_owned();
        match update.get("new") {
            Some(new) if !new.is_null() => {
                let new = Row::from_json(new)?;
                match held.insert(uuid, new.clone()) {
                    None => changes.push(Change::Insert { table, uuid, row: new }),
                    Some(old) if old == new => {}
                    Some(old) => changes.push(Change::Modify { table, uuid, old, new }),
                }
            }
            _ => {
                if let Some(row) = held.remove(&uuid) {
                    changes.push(Change::Delete { table, uuid, row });
                }
            }
        }
        Ok(())
    })?;
    Ok(changes)
}

/// ovsdb-server(7) section 4.1.14: `modify` holds only what changed, and of sets and maps only the difference.
fn apply_update2(rows: &mut Tables, tables: &Json, schema: Option<&Schema>) -> Result<Vec<Change>, String> {
    let mut changes = Vec::new();
    each_row(tables, |table, uuid, update| {
        let held = rows.entry(table.to_owned()).or_default();
        if let Some(row) = update.get("initial").or_else(|| update.get("insert")) {
            let row = Row::from_json(row)?;
            held.insert(uuid, row.clone());
            changes.push(Change::Insert { table: table.to_owned(), uuid, row });
        } else if let Some(diff) = update.get("modify") {
            let old = held
                .get(&uuid)
                .cloned()
                .ok_or_else(|| format!("a change of row {uuid} in {table}, which is not known"))?;
            let mut new = old.clone();
            new.merge(patched(&old, Row::from_json(diff)?, table, schema));
            held.insert(uuid, new.clone());
            changes.push(Change::Modify { table: table.to_owned(), uuid, old, new });
        } else if update.get("delete").is_some() {
            if let Some(row) = held.remove(&uuid) {
                changes.push(Change::Delete { table: table.to_owned(), uuid, row });
            }
        } else {
            return Err(format!("an update of row {uuid} in {table} of no known kind: {}", shortened(update)));
        }
        Ok(())
    })?;
    Ok(changes)
}

/// New values of the columns in `diff`.
fn patched(old: &Row, diff: Row, table: &str, schema: Option<&Schema>) -> Row {
    let mut new = Row::new();
    for (column, change) in diff.iter() {
        let shape = schema.and_then(|schema| schema.column(table, column)).unwrap_or(ColumnType::Single);
        let before = old.value(column);
        let value = match shape {
            ColumnType::Single => change.clone(),
            ColumnType::Set => Value::Set(toggled(before.map(Value::atoms).unwrap_or_default(), change.atoms())),
            ColumnType::Map => Value::Map(map_patched(before.map(Value::pairs).unwrap_or_default(), change.pairs())),
        };
        new.insert(column, value);
    }
    new
}

/// Elements that are in exactly one of the two.
fn toggled(old: &[Atom], change: &[Atom]) -> Vec<Atom> {
    let kept = old.iter().filter(|atom| !change.contains(atom));
    kept.chain(change.iter().filter(|atom| !old.contains(atom))).cloned().collect()
}

/// A pair that was there is removed, a key with another value is replaced, a new key is added.
fn map_patched(old: &[(Atom, Atom)], change: &[(Atom, Atom)]) -> Vec<(Atom, Atom)> {
    let untouched = old.iter().filter(|(key, _)| !change.iter().any(|(k, _)| k == key));
    untouched.chain(change.iter().filter(|pair| !old.contains(pair))).cloned().collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const ID: &str = "00000000-0000-0000-0000-000000000007";

    fn schema() -> Schema {
        Schema::from_json(&json!({"name": "D", "version": "1.0.0", "tables": {"T": {"columns": {
            "name": {"type": "string"},
            "tag": {"type": {"key": "integer", "min": 0, "max": 1}},
            "ports": {"type": {"key": "string", "min": 0, "max": "unlimited"}},
            "ids": {"type": {"key": "string", "value": "string", "min": 0, "max": "unlimited"}},
        }}}}))
        .unwrap()
    }

    #[test]
    fn differences_of_sets_maps_and_optionals_are_applied() {
        let schema = schema();
        let mut rows = Tables::new();
        let start = json!({"T": {ID: {"initial": {"name": "x", "tag": 1, "ports": ["set", ["a", "b"]],
            "ids": ["map", [["k", "1"], ["l", "2"]]]}}}});
        apply_update2(&mut rows, &start, Some(&schema)).unwrap();
        let step = json!({"T": {ID: {"modify": {"tag": ["set", []], "ports": ["set", ["b", "c"]],
            "ids": ["map", [["k", "9"], ["l", "2"], ["m", "3"]]]}}}});
        apply_update2(&mut rows, &step, Some(&schema)).unwrap();
        let row = &rows["T"][&Uuid::from_u128(7)];
        assert_eq!(row.get::<Option<i64>>("tag").unwrap(), None);
        assert_eq!(row.get::<Vec<String>>("ports").unwrap(), ["a", "c"]);
        assert_eq!(*row.value("ids").unwrap(), Value::map([("k", "9"), ("m", "3")]));
        assert_eq!(row.get::<String>("name").unwrap(), "x");
    }

    #[test]
    fn a_snapshot_after_a_gap_yields_only_what_differs() {
        let (kept, gone, came) = (Uuid::from_u128(1), Uuid::from_u128(2), Uuid::from_u128(3));
        let row = |n: i64| Row::new().with("n", n);
        let old = Tables::from([("T".to_owned(), HashMap::from([(kept, row(1)), (gone, row(2))]))]);
        let same = Tables::from([("T".to_owned(), HashMap::from([(kept, row(1)), (gone, row(2))]))]);
        let new = Tables::from([("T".to_owned(), HashMap::from([(kept, row(5)), (came, row(3))]))]);
        assert!(difference(&old, &same).is_empty());
        let changes = difference(&old, &new);
        assert_eq!(changes.len(), 3);
        assert!(changes.contains(&Change::Delete { table: "T".into(), uuid: gone, row: row(2) }));
        assert!(changes.contains(&Change::Insert { table: "T".into(), uuid: came, row: row(3) }));
        assert!(changes.contains(&Change::Modify { table: "T".into(), uuid: kept, old: row(1), new: row(5) }));
    }

    #[test]
    fn rubbish_updates_are_told() {
        let mut rows = Tables::new();
        for (bad, why) in [
            (json!([]), "no object"),
            (json!({"T": []}), "no object"),
            (json!({"T": {"x": {"new": {}}}}), "no row id"),
            (json!({"T": {ID: {"new": {"c": null}}}}), "holds no value"),
        ] {
            assert!(apply_update(&mut rows, &bad).unwrap_err().contains(why), "{bad}");
        }
    }
}
