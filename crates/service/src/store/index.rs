//! The attribute index: which values of a document stand in it, and what of a filter the database can sift by.
//!
//! The database may let through more than the filter does, never less: what it returns is held against the whole filter
//! again.

use db::sqlx::any::AnyArguments;
use db::sqlx::query::Query;
use db::sqlx::{Any, AssertSqlSafe};
use db::{AnyConnection, sqlx};
use serde_json::Value;
use uuid::Uuid;

use super::Noun;
use crate::query::{Condition, Leaf, Op, leaves, number, time_micros};

/// Longer text is indexed by its beginning, in bytes: PostgreSQL's index pages hold no long values.
const MAX_TEXT: usize = 256;

/// Rows inserted by one statement.
const ROWS_AT_ONCE: usize = 50;

/// An indexed attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Index {
    /// Names joined by `/`; arrays on the way are passed through.
    pub path: &'static str,
    /// What its values are.
    pub kind: Kind,
}

/// What an indexed attribute's values are. A value of another kind is not indexed, and a filter that the database sifts by
/// does not find it: declare what the resource's type guarantees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Strings and booleans.
    Text,
    /// Numbers.
    Number,
    /// Points in time (RFC 3339).
    Time,
}

impl Index {
    /// Strings or booleans at `path`.
    pub const fn text(path: &'static str) -> Self {
        Self { path, kind: Kind::Text }
    }

    /// Numbers at `path`.
    pub const fn number(path: &'static str) -> Self {
        Self { path, kind: Kind::Number }
    }

    /// Points in time at `path`.
    pub const fn time(path: &'static str) -> Self {
        Self { path, kind: Kind::Time }
    }
}

/// One row of the index table, but for its noun and document.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
    pub(super) path: &'static str,
    ordinal: i64,
    value: Bound,
}

/// The rows of a resource.
pub(super) fn rows(noun: &Noun, resource: &Value) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for index in noun.indexed {
        let begin = rows.len();
        for leaf in leaves(resource, index.path) {
            let value = match (index.kind, leaf) {
                (Kind::Text, Leaf::Text(text)) => Bound::Text(beginning(text).to_owned()),
                (Kind::Text, Leaf::Bool(b)) => Bound::Text(b.to_string()),
                (Kind::Number, Leaf::Number(n)) => Bound::Number(n),
                (Kind::Time, Leaf::Text(text)) => match time_micros(text) {
                    Some(micros) => Bound::Number(micros as f64),
                    None => continue,
                },
                _ => continue,
            };
            let ordinal = (rows.len() - begin) as i64;
            // A value that an array holds twice must not show its document twice.
            if !rows[begin..].iter().any(|r| r.value == value) {
                rows.push(Row { path: index.path, ordinal, value });
            }
        }
    }
    rows
}

fn beginning(text: &str) -> &str {
    &text[..text.floor_char_boundary(MAX_TEXT)]
}

pub(super) async fn write(
    tx: &mut AnyConnection,
    noun: &Noun,
    id: Uuid,
    created_at: i64,
    rows: &[Row],
) -> Result<(), sqlx::Error> {
    let id = id.to_string();
    let (texts, numbers): (Vec<&Row>, Vec<&Row>) = rows.iter().partition(|r| matches!(r.value, Bound::Text(_)));
    // One statement for each column: a null of DOUBLE PRECISION does not pass through the driver unharmed.
    for (column, rows) in [("text_value", texts), ("number_value", numbers)] {
        for some in rows.chunks(ROWS_AT_ONCE) {
            let tuples: Vec<String> = (0..some.len())
                .map(|i| 3 + i * 4)
                .map(|n| format!("($1, $2, $3, ${}, ${}, ${}, ${})", n + 1, n + 2, n + 3, n + 4))
                .collect();
            let sql = format!(
                "INSERT INTO attribute_index (noun, id, created_at, owner, path, ordinal, {column}) VALUES {}",
                tuples.join(", ")
            );
            let mut query = sqlx::query(AssertSqlSafe(sql)).bind(noun.table).bind(id.clone()).bind(created_at);
            for row in some {
                let owner = owner(noun, row.path) + &id;
                query = row.value.clone().bind(query.bind(owner).bind(row.path).bind(row.ordinal));
            }
            query.execute(&mut *tx).await?;
        }
    }
    Ok(())
}

/// What stands before the id in `owner`.
pub(super) fn owner(noun: &Noun, path: &str) -> String {
    format!("{} {path} ", noun.table)
}

/// The attributes of which other values stand in `after` than in `before`. Each row stands in three trees: what stays as it
/// is is not written again.
pub(super) fn changed(noun: &Noun, before: &[Row], after: &[Row]) -> Vec<&'static str> {
    fn of<'a>(rows: &'a [Row], path: &str) -> impl Iterator<Item = &'a Row> {
        rows.iter().filter(move |row| row.path == path)
    }
    let paths = noun.indexed.iter().map(|index| index.path);
    paths.filter(|path| !of(before, path).eq(of(after, path))).collect()
}

/// Takes the rows of these attributes of a document away.
pub(super) async fn erase(tx: &mut AnyConnection, noun: &Noun, id: Uuid, paths: &[&str]) -> Result<(), sqlx::Error> {
    if paths.is_empty() {
        return Ok(());
    }
    let places: Vec<String> = (1..=paths.len()).map(|n| format!("${n}")).collect();
    let sql = format!("DELETE FROM attribute_index WHERE owner IN ({})", places.join(", "));
    let mut query = sqlx::query(AssertSqlSafe(sql));
    for path in paths {
        query = query.bind(owner(noun, path) + &id.to_string());
    }
    query.execute(tx).await.map(drop)
}

/// A value to bind.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Bound {
    Text(String),
    Number(f64),
    Whole(i64),
}

impl Bound {
    pub fn bind<'q>(self, query: Query<'q, Any, AnyArguments>) -> Query<'q, Any, AnyArguments> {
        match self {
            Self::Text(text) => query.bind(text),
            Self::Number(n) => query.bind(n),
            Self::Whole(n) => query.bind(n),
        }
    }
}

/// What the database compares for one condition: `column op ANY OF values`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sieve {
    pub path: &'static str,
    pub column: &'static str,
    pub op: &'static str,
    pub values: Vec<Bound>,
}

impl Sieve {
    /// One value compared for equality: then the index yields the entries in the order of the list.
    pub fn is_exact(&self) -> bool {
        self.op == "=" && self.values.len() == 1
    }
}

/// How the database can sift by `condition`; `None` when only the document itself can tell.
pub(super) fn sieve(noun: &Noun, condition: &Condition) -> Option<Sieve> {
    let path = condition.plain_path()?;
    let index = noun.indexed.iter().find(|i| i.path == path)?;
    let op = match condition.op {
        Op::Eq | Op::In => "=",
        Op::Neq | Op::Nin => "<>",
        Op::Gt => ">",
        Op::Gte => ">=",
        Op::Lt => "<",
        Op::Lte => "<=",
        Op::Cont | Op::Ncont => return None,
    };
    let negative = op == "<>";
    let (column, values): (_, Vec<Bound>) = match index.kind {
        Kind::Text => {
            // Databases order text each in their own way.
            if !matches!(op, "=" | "<>") {
                return None;
            }
            // Points in time are equal in more than one spelling.
            if condition.values.iter().any(|v| time_micros(v).is_some()) {
                return None;
            }
            // Of long text only the beginning is there, which cannot prove a difference.
            if negative && condition.values.iter().any(|v| v.len() > MAX_TEXT - 4) {
                return None;
            }
            ("text_value", condition.values.iter().map(|v| Bound::Text(beginning(v).to_owned())).collect())
        }
        Kind::Number | Kind::Time => {
            let read = |v: &String| match index.kind {
                Kind::Time => time_micros(v).map(|t| t as f64),
                _ => number(v),
            };
            let numbers: Vec<f64> = condition.values.iter().filter_map(read).collect();
            // A value that is no number equals none and differs from all: the document decides.
            if numbers.len() < condition.values.len() {
                return None;
            }
            ("number_value", numbers.into_iter().map(Bound::Number).collect())
        }
    };
    Some(Sieve { path: index.path, column, op, values })
}

/// The indexed attributes of a noun as text: another text asks for a new index.
pub(super) fn fingerprint(noun: &Noun) -> String {
    noun.indexed.iter().map(|i| format!("{} {:?}", i.path, i.kind)).collect::<Vec<_>>().join("\n")
}
