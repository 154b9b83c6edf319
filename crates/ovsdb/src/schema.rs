//! What is needed of a database schema (RFC 7047 section 3.2): which columns exist, and which of them hold many values.

use std::collections::BTreeMap;

use serde_json::Value as Json;

/// Shape of one column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnType {
    /// Exactly one value, or an optional one.
    Single,
    /// A set that may hold more than one value.
    Set,
    /// A map.
    Map,
}

/// Tables and their columns.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Schema {
    /// Name of the database.
    pub name: String,
    /// Version of the schema, `x.y.z`.
    pub version: String,
    tables: BTreeMap<String, BTreeMap<String, ColumnType>>,
}

impl Schema {
    /// Reads the answer to `get_schema`.
    pub(crate) fn from_json(json: &Json) -> Option<Schema> {
        let text = |name: &str| json.get(name).and_then(Json::as_str).unwrap_or_default().to_owned();
        let mut tables = BTreeMap::new();
        for (table, body) in json.get("tables")?.as_object()? {
            let mut columns = BTreeMap::new();
            for (column, body) in body.get("columns")?.as_object()? {
                columns.insert(column.clone(), column_type(body.get("type")?));
            }
            tables.insert(table.clone(), columns);
        }
        Some(Schema { name: text("name"), version: text("version"), tables })
    }

    /// Shape of a column; `None` if the schema does not know it.
    pub fn column(&self, table: &str, column: &str) -> Option<ColumnType> {
        self.tables.get(table)?.get(column).copied()
    }

    /// True if there is such a table.
    pub fn has_table(&self, table: &str) -> bool {
        self.tables.contains_key(table)
    }
}

fn column_type(json: &Json) -> ColumnType {
    // A bare base type stands for exactly one value.
    if json.get("value").is_some() {
        return ColumnType::Map;
    }
    match json.get("max") {
        Some(Json::String(_)) => ColumnType::Set,
        Some(max) if max.as_u64().is_some_and(|max| max > 1) => ColumnType::Set,
        _ => ColumnType::Single,
    }
}
