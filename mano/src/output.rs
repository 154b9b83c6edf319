//! What the user sees: a table by default, JSON or YAML for scripts.

use std::io::{IsTerminal, Write};

use clap::ValueEnum;
use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Table};
use serde::Serialize;
use serde_json::Value;

use crate::fail::Failure;

/// Shape of what is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Columns for people.
    Table,
    /// JSON for scripts.
    Json,
    /// YAML for scripts.
    Yaml,
    /// Text for people; the same as a table where there is no text.
    #[value(hide = true)]
    Text,
    /// SARIF, of `lint` only.
    #[value(hide = true)]
    Sarif,
    /// JUnit XML, of `lint` only.
    #[value(hide = true)]
    Junit,
}

impl Format {
    /// The format for a command that prints tables, or why it cannot be had.
    pub fn of_tables(self) -> Result<Self, Failure> {
        match self {
            Self::Text => Ok(Self::Table),
            Self::Sarif | Self::Junit => Err(Failure::usage("only `lint` prints SARIF and JUnit")),
            other => Ok(other),
        }
    }
}

/// One column: its head, and the JSON pointer of what stands in it.
pub type Column = (&'static str, &'static str);

/// Prints a list.
pub fn list<T: Serialize>(format: Format, items: &[T], columns: &[Column]) -> Result<(), Failure> {
    let value = serde_json::to_value(items)?;
    if format != Format::Table {
        return document(format, &value);
    }
    let rows: Vec<Vec<String>> = value
        .as_array()
        .into_iter()
        .flatten()
        .map(|item| columns.iter().map(|(_, pointer)| cell(item.pointer(pointer))).collect())
        .collect();
    table(&columns.iter().map(|(head, _)| *head).collect::<Vec<_>>(), rows)
}

/// Prints one thing: its members one below the other.
pub fn one<T: Serialize>(format: Format, item: &T) -> Result<(), Failure> {
    let value = serde_json::to_value(item)?;
    if format != Format::Table {
        return document(format, &value);
    }
    let mut rows = Vec::new();
    flatten("", &value, &mut rows);
    table(&["member", "value"], rows)
}

/// Prints rows below a head.
pub fn table(head: &[&str], rows: Vec<Vec<String>>) -> Result<(), Failure> {
    let mut table = Table::new();
    table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    if !std::io::stdout().is_terminal() {
        table.set_content_arrangement(ContentArrangement::Disabled);
    }
    table.set_header(head.iter().map(|h| h.to_uppercase()));
    table.add_rows(rows);
    line(&table.trim_fmt())
}

/// A state as the word that stands in JSON.
pub fn word<T: Serialize>(state: &T) -> String {
    serde_json::to_value(state).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}

/// Prints JSON or YAML.
pub fn document(format: Format, value: &Value) -> Result<(), Failure> {
    match format {
        Format::Yaml => {
            let text = serde_saphyr::to_string(value).map_err(|e| Failure::usage(e.to_string()))?;
            line(text.trim_end())
        }
        _ => line(&serde_json::to_string_pretty(value)?),
    }
}

/// Prints a line; a reader that went away (`| head`) is no error.
pub fn line(text: &str) -> Result<(), Failure> {
    match writeln!(std::io::stdout(), "{text}") {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => std::process::exit(0),
        other => Ok(other?),
    }
}

/// Says something beside the output, on stderr.
pub fn note(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "-".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(items)) => items.iter().map(|i| cell(Some(i))).collect::<Vec<_>>().join(","),
        Some(other) => other.to_string(),
    }
}

fn flatten(name: &str, value: &Value, rows: &mut Vec<Vec<String>>) {
    let inner = |key: &str| if name.is_empty() { key.to_owned() } else { format!("{name}.{key}") };
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (key, member) in members.iter().filter(|(key, _)| *key != "_links") {
                flatten(&inner(key), member, rows);
            }
        }
        Value::Array(items) if items.iter().any(|i| i.is_object() || i.is_array()) => {
            for (number, item) in items.iter().enumerate() {
                flatten(&inner(&number.to_string()), item, rows);
            }
        }
        other => rows.push(vec![name.to_owned(), cell(Some(other))]),
    }
}

/// Bytes as people read them.
pub fn bytes(count: u64) -> String {
    let mut value = count as f64;
    for unit in ["B", "KiB", "MiB", "GiB", "TiB"] {
        if value < 1024.0 || unit == "TiB" {
            return if unit == "B" { format!("{count} B") } else { format!("{value:.1} {unit}") };
        }
        value /= 1024.0;
    }
    format!("{count} B")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_members_become_dotted_rows_and_links_are_left_out() {
        let mut rows = Vec::new();
        flatten(
            "",
            &serde_json::json!({"a": {"b": 1}, "c": [{"d": "x"}], "e": ["p", "q"], "_links": {"self": 1}}),
            &mut rows,
        );
        assert_eq!(rows, vec![vec!["a.b", "1"], vec!["c.0.d", "x"], vec!["e", "p,q"]]);
    }

    #[test]
    fn bytes_are_readable() {
        assert_eq!(
            (bytes(17), bytes(192 << 20), bytes(3 << 40)),
            ("17 B".into(), "192.0 MiB".into(), "3.0 TiB".into())
        );
    }
}
