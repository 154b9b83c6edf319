//! Builders of the operations of a transaction (RFC 7047 section 5.2).

use serde_json::{Map, Value as Json, json};

use crate::{Row, Value};

/// How a condition compares (RFC 7047 section 5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Function {
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `>=`
    GreaterOrEqual,
    /// `>`
    Greater,
    /// The set or map contains all of the given one.
    Includes,
    /// The set or map contains nothing of the given one.
    Excludes,
}

impl Function {
    fn text(self) -> &'static str {
        match self {
            Function::Less => "<",
            Function::LessOrEqual => "<=",
            Function::Equal => "==",
            Function::NotEqual => "!=",
            Function::GreaterOrEqual => ">=",
            Function::Greater => ">",
            Function::Includes => "includes",
            Function::Excludes => "excludes",
        }
    }
}

/// One condition on a column; all conditions of an operation must hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    column: String,
    function: Function,
    value: Value,
}

impl Condition {
    /// Any comparison.
    pub fn new(column: impl Into<String>, function: Function, value: impl Into<Value>) -> Condition {
        Condition { column: column.into(), function, value: value.into() }
    }

    /// The column equals the value.
    pub fn eq(column: impl Into<String>, value: impl Into<Value>) -> Condition {
        Condition::new(column, Function::Equal, value)
    }

    /// The set or map includes the value.
    pub fn includes(column: impl Into<String>, value: impl Into<Value>) -> Condition {
        Condition::new(column, Function::Includes, value)
    }

    /// The row with this id.
    pub fn uuid(id: uuid::Uuid) -> Condition {
        Condition::eq("_uuid", id)
    }

    pub(crate) fn to_json(&self) -> Json {
        json!([self.column, self.function.text(), self.value.to_json()])
    }
}

/// How a mutation changes a column (RFC 7047 section 5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mutator {
    /// `+=`
    Add,
    /// `-=`
    Subtract,
    /// `*=`
    Multiply,
    /// `/=`
    Divide,
    /// `%=`
    Modulo,
    /// Adds elements to a set, or pairs whose keys are not there yet to a map.
    Insert,
    /// Removes elements from a set, or pairs (or keys, given as a set) from a map.
    Delete,
}

impl Mutator {
    fn text(self) -> &'static str {
        match self {
            Mutator::Add => "+=",
            Mutator::Subtract => "-=",
            Mutator::Multiply => "*=",
            Mutator::Divide => "/=",
            Mutator::Modulo => "%=",
            Mutator::Insert => "insert",
            Mutator::Delete => "delete",
        }
    }
}

/// One operation, built by the functions of this module.
#[derive(Debug, Clone, PartialEq)]
pub struct Operation {
    name: &'static str,
    table: Option<String>,
    body: Map<String, Json>,
}

impl Operation {
    fn new(name: &'static str, table: Option<String>) -> Operation {
        let mut body = Map::new();
        body.insert("op".into(), json!(name));
        if let Some(table) = &table {
            body.insert("table".into(), json!(table));
        }
        Operation { name, table, body }
    }

    fn field(mut self, name: &str, value: Json) -> Operation {
        self.body.insert(name.to_owned(), value);
        self
    }

    /// `insert`, `select` and so on.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The table it works on, if it works on one.
    pub fn table(&self) -> Option<&str> {
        self.table.as_deref()
    }

    pub(crate) fn to_json(&self) -> Json {
        Json::Object(self.body.clone())
    }
}

fn conditions(list: &[Condition]) -> Json {
    Json::Array(list.iter().map(Condition::to_json).collect())
}

/// Inserts a row; unset columns take their defaults. Result: [`crate::OpResult::Inserted`].
pub fn insert(table: impl Into<String>) -> Insert {
    Insert { table: table.into(), uuid_name: None, uuid: None, row: Row::new() }
}

/// See [`insert`].
#[derive(Debug, Clone)]
pub struct Insert {
    table: String,
    uuid_name: Option<String>,
    uuid: Option<uuid::Uuid>,
    row: Row,
}

impl Insert {
    /// Name under which other operations of this transaction refer to the row ([`crate::Atom::named`]).
    /// Letters, digits and `_`, not beginning with a digit.
    #[must_use]
    pub fn uuid_name(mut self, name: impl Into<String>) -> Self {
        self.uuid_name = Some(name.into());
        self
    }

    /// The row's id, chosen by the caller (Open vSwitch 2.13 and later); an id that exists is refused.
    #[must_use]
    pub fn uuid(mut self, id: uuid::Uuid) -> Self {
        self.uuid = Some(id);
        self
    }

    /// Sets a column.
    #[must_use]
    pub fn set(mut self, column: impl Into<String>, value: impl Into<Value>) -> Self {
        self.row.insert(column, value);
        self
    }
}

impl From<Insert> for Operation {
    fn from(b: Insert) -> Operation {
        let mut op = Operation::new("insert", Some(b.table)).field("row", b.row.to_json());
        if let Some(name) = b.uuid_name {
            op = op.field("uuid-name", json!(name));
        }
        if let Some(id) = b.uuid {
            op = op.field("uuid", json!(id.to_string()));
        }
        op
    }
}

/// Reads rows. Result: [`crate::OpResult::Rows`].
pub fn select(table: impl Into<String>) -> Select {
    Select { table: table.into(), filter: Vec::new(), columns: None }
}

/// See [`select`].
#[derive(Debug, Clone)]
pub struct Select {
    table: String,
    filter: Vec<Condition>,
    columns: Option<Vec<String>>,
}

impl Select {
    /// Only rows for which this holds too.
    #[must_use]
    pub fn filter(mut self, condition: Condition) -> Self {
        self.filter.push(condition);
        self
    }

    /// Only these columns; all of them (with `_uuid` and `_version`) if never called.
    #[must_use]
    pub fn columns<S: Into<String>>(mut self, columns: impl IntoIterator<Item = S>) -> Self {
        self.columns = Some(columns.into_iter().map(Into::into).collect());
        self
    }
}

impl From<Select> for Operation {
    fn from(b: Select) -> Operation {
        let op = Operation::new("select", Some(b.table)).field("where", conditions(&b.filter));
        match b.columns {
            Some(columns) => op.field("columns", json!(columns)),
            None => op,
        }
    }
}

/// Overwrites columns of every matching row. Result: [`crate::OpResult::Count`].
pub fn update(table: impl Into<String>) -> Update {
    Update { table: table.into(), filter: Vec::new(), row: Row::new() }
}

/// See [`update`].
#[derive(Debug, Clone)]
pub struct Update {
    table: String,
    filter: Vec<Condition>,
    row: Row,
}

impl Update {
    /// Only rows for which this holds too.
    #[must_use]
    pub fn filter(mut self, condition: Condition) -> Self {
        self.filter.push(condition);
        self
    }

    /// Sets a column.
    #[must_use]
    pub fn set(mut self, column: impl Into<String>, value: impl Into<Value>) -> Self {
        self.row.insert(column, value);
        self
    }
}

impl From<Update> for Operation {
    fn from(b: Update) -> Operation {
        Operation::new("update", Some(b.table)).field("where", conditions(&b.filter)).field("row", b.row.to_json())
    }
}

/// Changes columns of every matching row relative to what they hold. Result: [`crate::OpResult::Count`].
pub fn mutate(table: impl Into<String>) -> Mutate {
    Mutate { table: table.into(), filter: Vec::new(), mutations: Vec::new() }
}

/// See [`mutate`].
#[derive(Debug, Clone)]
pub struct Mutate {
    table: String,
    filter: Vec<Condition>,
    mutations: Vec<Json>,
}

impl Mutate {
    /// Only rows for which this holds too.
    #[must_use]
    pub fn filter(mut self, condition: Condition) -> Self {
        self.filter.push(condition);
        self
    }

    /// Any mutation.
    #[must_use]
    pub fn mutation(mut self, column: &str, mutator: Mutator, value: impl Into<Value>) -> Self {
        self.mutations.push(json!([column, mutator.text(), value.into().to_json()]));
        self
    }

    /// Adds elements to a set, or new keys to a map.
    #[must_use]
    pub fn add_to(self, column: &str, value: impl Into<Value>) -> Self {
        self.mutation(column, Mutator::Insert, value)
    }

    /// Removes elements from a set, or keys from a map.
    #[must_use]
    pub fn remove_from(self, column: &str, value: impl Into<Value>) -> Self {
        self.mutation(column, Mutator::Delete, value)
    }

    /// Sets a key of a map of strings, whether it was there or not.
    #[must_use]
    pub fn set_key(self, column: &str, key: &str, value: &str) -> Self {
        self.remove_from(column, Value::set([key])).add_to(column, Value::map([(key, value)]))
    }
}

impl From<Mutate> for Operation {
    fn from(b: Mutate) -> Operation {
        Operation::new("mutate", Some(b.table))
            .field("where", conditions(&b.filter))
            .field("mutations", Json::Array(b.mutations))
    }
}

/// Deletes every matching row; without a condition, all rows. Result: [`crate::OpResult::Count`].
pub fn delete(table: impl Into<String>) -> Delete {
    Delete { table: table.into(), filter: Vec::new() }
}

/// See [`delete`].
#[derive(Debug, Clone)]
pub struct Delete {
    table: String,
    filter: Vec<Condition>,
}

impl Delete {
    /// Only rows for which this holds too.
    #[must_use]
    pub fn filter(mut self, condition: Condition) -> Self {
        self.filter.push(condition);
        self
    }
}

impl From<Delete> for Operation {
    fn from(b: Delete) -> Operation {
        Operation::new("delete", Some(b.table)).field("where", conditions(&b.filter))
    }
}

/// Lets the transaction wait until the matching rows are, or are no longer, the given ones.
/// With a timeout of 0 it is a guard: the transaction fails at once if it does not hold.
pub fn wait(table: impl Into<String>) -> Wait {
    Wait {
        table: table.into(),
        filter: Vec::new(),
        columns: Vec::new(),
        rows: Vec::new(),
        until: "==",
        timeout_ms: Some(0),
    }
}

/// See [`wait`].
#[derive(Debug, Clone)]
pub struct Wait {
    table: String,
    filter: Vec<Condition>,
    columns: Vec<String>,
    rows: Vec<Row>,
    until: &'static str,
    timeout_ms: Option<u64>,
}

impl Wait {
    /// Only rows for which this holds too.
    #[must_use]
    pub fn filter(mut self, condition: Condition) -> Self {
        self.filter.push(condition);
        self
    }

    /// Columns to compare.
    #[must_use]
    pub fn columns<S: Into<String>>(mut self, columns: impl IntoIterator<Item = S>) -> Self {
        self.columns = columns.into_iter().map(Into::into).collect();
        self
    }

    /// Holds when the matching rows are exactly these; no rows means that nothing may match.
    #[must_use]
    pub fn until_equal(mut self, rows: impl IntoIterator<Item = Row>) -> Self {
        self.until = "==";
        self.rows = rows.into_iter().collect();
        self
    }

    /// Holds when the matching rows are not exactly these.
    #[must_use]
    pub fn until_different(mut self, rows: impl IntoIterator<Item = Row>) -> Self {
        self.until = "!=";
        self.rows = rows.into_iter().collect();
        self
    }

    /// How long the server waits, in milliseconds; 0 (the default) does not wait, `None` waits for ever.
    #[must_use]
    pub fn timeout_ms(mut self, timeout: Option<u64>) -> Self {
        self.timeout_ms = timeout;
        self
    }
}

impl From<Wait> for Operation {
    fn from(b: Wait) -> Operation {
        let op = Operation::new("wait", Some(b.table))
            .field("where", conditions(&b.filter))
            .field("columns", json!(b.columns))
            .field("until", json!(b.until))
            .field("rows", Json::Array(b.rows.iter().map(Row::to_json).collect()));
        match b.timeout_ms {
            Some(timeout) => op.field("timeout", json!(timeout)),
            None => op,
        }
    }
}

/// A remark that goes to the database's log.
pub fn comment(text: impl Into<String>) -> Operation {
    Operation::new("comment", None).field("comment", json!(text.into()))
}

/// Ends the transaction without effect; it fails with error `aborted`.
pub fn abort() -> Operation {
    Operation::new("abort", None)
}

/// Fails the transaction unless this session owns the lock.
pub fn assert(lock: impl Into<String>) -> Operation {
    Operation::new("assert", None).field("lock", json!(lock.into()))
}

/// With `durable`, the answer comes only after the change is on disk.
pub fn commit(durable: bool) -> Operation {
    Operation::new("commit", None).field("durable", json!(durable))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Atom;

    #[test]
    fn operations_have_the_form_of_the_rfc() {
        let ops: Vec<Operation> = vec![
            insert("T").uuid_name("r").set("name", "x").set("ports", Value::set([Atom::named("p")])).into(),
            select("T").filter(Condition::eq("name", "x")).columns(["_uuid"]).into(),
            mutate("T").set_key("external_ids", "k", "v").into(),
            wait("T").filter(Condition::eq("name", "x")).columns(["name"]).until_equal([]).into(),
            delete("T").filter(Condition::includes("ids", Value::map([("k", "v")]))).into(),
            abort(),
        ];
        let text: Vec<String> = ops.iter().map(|op| op.to_json().to_string()).collect();
        assert_eq!(
            text,
            [
                r#"{"op":"insert","table":"T","row":{"name":"x","ports":["set",[["named-uuid","p"]]]},"uuid-name":"r"}"#,
                r#"{"op":"select","table":"T","where":[["name","==","x"]],"columns":["_uuid"]}"#,
                r#"{"op":"mutate","table":"T","where":[],"mutations":[["external_ids","delete",["set",["k"]]],["external_ids","insert",["map",[["k","v"]]]]]}"#,
                r#"{"op":"wait","table":"T","where":[["name","==","x"]],"columns":["name"],"until":"==","rows":[],"timeout":0}"#,
                r#"{"op":"delete","table":"T","where":[["ids","includes",["map",[["k","v"]]]]]}"#,
                r#"{"op":"abort"}"#,
            ]
        );
    }
}
