//! Answers to a transaction, and which operation failed (RFC 7047 section 4.1.3).

use serde_json::Value as Json;
use uuid::Uuid;

use crate::row::shortened;
use crate::{Operation, OperationError, Row};

/// What one operation yielded.
#[derive(Debug, Clone, PartialEq)]
pub enum OpResult {
    /// The new row's id.
    Inserted(Uuid),
    /// How many rows were changed or deleted.
    Count(u64),
    /// The rows found.
    Rows(Vec<Row>),
    /// It passed and has nothing to tell.
    Done,
}

impl OpResult {
    /// Id of the inserted row, of an `insert`.
    pub fn uuid(&self) -> Option<Uuid> {
        match self {
            OpResult::Inserted(id) => Some(*id),
            _ => None,
        }
    }

    /// Number of rows, of an `update`, `mutate` or `delete`; 0 of anything else.
    pub fn count(&self) -> u64 {
        match self {
            OpResult::Count(count) => *count,
            _ => 0,
        }
    }

    /// Rows, of a `select`; none of anything else.
    pub fn rows(&self) -> &[Row] {
        match self {
            OpResult::Rows(rows) => rows,
            _ => &[],
        }
    }
}

/// Why an answer is no list of results.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The server says that an operation, or the commit, failed.
    Operation(OperationError),
    /// The answer is not what the RFC describes.
    Protocol(String),
}

/// Reads the answer to `operations`.
pub(crate) fn results(operations: &[Operation], answer: &Json) -> Result<Vec<OpResult>, Failure> {
    let protocol = |what: String| Failure::Protocol(format!("answer to transact: {what}"));
    let items = answer.as_array().ok_or_else(|| protocol(format!("not an array: {}", shortened(answer))))?;
    // Operations after the failed one are answered by null, and a failed commit by one element more than operations.
    if let Some((index, item)) =
        items.iter().enumerate().find(|(_, item)| item.get("error").is_some_and(|e| !e.is_null()))
    {
        return Err(Failure::Operation(failure(operations, index, item)));
    }
    if items.len() < operations.len() {
        return Err(protocol(format!("{} results for {} operations", items.len(), operations.len())));
    }
    operations.iter().zip(items).map(|(operation, item)| result(operation, item).map_err(protocol)).collect()
}

fn result(operation: &Operation, item: &Json) -> Result<OpResult, String> {
    let unexpected = || format!("result of {} is {}", operation.name(), shortened(item));
    match operation.name() {
        "insert" => match item.get("uuid").and_then(crate::Atom::from_json) {
            Some(crate::Atom::Uuid(id)) => Ok(OpResult::Inserted(id)),
            _ => Err(unexpected()),
        },
        "update" | "mutate" | "delete" => {
            item.get("count").and_then(Json::as_u64).map(OpResult::Count).ok_or_else(unexpected)
        }
        "select" => {
            let rows = item.get("rows").and_then(Json::as_array).ok_or_else(unexpected)?;
            rows.iter().map(Row::from_json).collect::<Result<_, _>>().map(OpResult::Rows)
        }
        _ => Ok(OpResult::Done),
    }
}

fn failure(operations: &[Operation], index: usize, item: &Json) -> OperationError {
    let text = |name: &str| item.get(name).and_then(Json::as_str).unwrap_or_default().to_owned();
    let (error, details) = (text("error"), text("details"));
    match operations.get(index) {
        Some(operation) => OperationError {
            index: Some(index),
            operation: operation.name().to_owned(),
            table: operation.table().map(str::to_owned),
            error,
            details,
        },
        // The commit names the table only in its prose, in quotes.
        None => OperationError {
            index: None,
            operation: "commit".to_owned(),
            table: operations
                .iter()
                .filter_map(Operation::table)
                .find(|table| details.contains(&format!("\"{table}\"")) || details.contains(&format!("Table {table} ")))
                .map(str::to_owned),
            error,
            details,
        },
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;
    use crate::op;
    use serde_json::json;

    fn failed(answer: Json) -> OperationError {
        let ops = vec![op::insert("A").into(), op::delete("B").into()];
        match results(&ops, &answer) {
            Err(Failure::Operation(e)) => e,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_failed_operation_is_named() {
        let e = failed(
            json!([{"uuid": ["uuid", Uuid::nil().to_string()]}, {"error": "constraint violation", "details": "no"}]),
        );
        assert_eq!(e.to_string(), "OVSDB operation 1 (delete) on table B failed: constraint violation: no");
    }

    #[test]
    fn a_failed_commit_names_its_table() {
        let e = failed(json!([{"uuid": ["uuid", Uuid::nil().to_string()]}, {"count": 0},
            {"error": "constraint violation", "details": "Transaction causes multiple rows in \"A\" table to have identical values"}]));
        assert_eq!((e.index, e.table.as_deref()), (None, Some("A")));
        assert!(crate::Error::from(e).is_duplicate());
    }

    #[test]
    fn too_few_results_are_a_protocol_error() {
        let ops = vec![op::insert("A").into(), op::delete("B").into()];
        assert!(matches!(
            results(&ops, &json!([{"uuid": ["uuid", Uuid::nil().to_string()]}])),
            Err(Failure::Protocol(_))
        ));
    }
}
