//! A row as the server tells it: column names and their values, read by type.

use std::collections::BTreeMap;

use serde_json::Value as Json;
use uuid::Uuid;

use crate::value::Expected;
use crate::{Error, Result, Value};

/// Columns of one row. Of a `select` the row's id stands in column `_uuid` ([`Row::uuid`]).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Row(BTreeMap<String, Value>);

impl Row {
    /// No columns.
    pub fn new() -> Row {
        Row::default()
    }

    /// The same row with a column set.
    #[must_use]
    pub fn with(mut self, column: impl Into<String>, value: impl Into<Value>) -> Row {
        self.insert(column, value);
        self
    }

    /// Sets a column.
    pub fn insert(&mut self, column: impl Into<String>, value: impl Into<Value>) {
        self.0.insert(column.into(), value.into());
    }

    /// The value of a column as it came.
    pub fn value(&self, column: &str) -> Option<&Value> {
        self.0.get(column)
    }

    /// Names and values, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// True without any column.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A column as `T`: `String`, `i64`, `f64`, `bool`, `Uuid`, `Option` and `Vec` of these, or a map of strings.
    ///
    /// # Errors
    /// [`Error::Column`] if the column is not there or holds something else.
    pub fn get<'a, T: TryFrom<&'a Value, Error = Expected>>(&'a self, column: &str) -> Result<T> {
        let fail = |expected: &str, found: String| Error::Column {
            column: column.to_owned(),
            expected: expected.to_owned(),
            found,
        };
        let Some(value) = self.0.get(column) else {
            return Err(fail(std::any::type_name::<T>(), "no such column in the answer".to_owned()));
        };
        T::try_from(value).map_err(|Expected(name)| fail(name, shortened(value)))
    }

    /// The row's id, if column `_uuid` was asked for.
    pub fn uuid(&self) -> Result<Uuid> {
        self.get("_uuid")
    }

    /// Value of `key` in a map column of strings; `None` if map or key are missing.
    pub fn map_entry(&self, column: &str, key: &str) -> Option<&str> {
        self.value(column)?.pairs().iter().find_map(|(k, v)| match (k, v) {
            (crate::Atom::String(k), crate::Atom::String(v)) if k == key => Some(v.as_str()),
            _ => None,
        })
    }

    /// Takes over every column of `newer`.
    pub(crate) fn merge(&mut self, newer: Row) {
        self.0.extend(newer.0);
    }

    pub(crate) fn to_json(&self) -> Json {
        Json::Object(self.0.iter().map(|(name, value)| (name.clone(), value.to_json())).collect())
    }

    /// Reads a JSON object of columns; the error names what is no row.
    pub(crate) fn from_json(json: &Json) -> Result<Row, String> {
        let object = json.as_object().ok_or_else(|| format!("a row is not an object: {}", shortened(json)))?;
        let mut row = Row::new();
        for (name, value) in object {
            let value =
                Value::from_json(value).ok_or_else(|| format!("column {name} holds no value: {}", shortened(value)))?;
            row.0.insert(name.clone(), value);
        }
        Ok(row)
    }
}

/// Text of a value for a message, never longer than a line.
pub(crate) fn shortened(value: &impl std::fmt::Display) -> String {
    let text = value.to_string();
    match text.char_indices().nth(120) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_wrong_type_is_told_with_column_and_value() {
        let row = Row::new().with("name", "blue");
        let error = row.get::<i64>("name").unwrap_err().to_string();
        assert_eq!(error, r#"column `name`: expected integer, found "blue""#);
        assert!(row.get::<String>("missing").unwrap_err().to_string().contains("no such column"));
    }
}
