//! Taking typed values out of a map of properties, and knowing afterwards what was not taken.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use serde_json::Value;

use super::check;
use super::function::{has_function, is_function};
use super::scalar::Unit;
use crate::codes;
use crate::diag::{Pos, Sink};
use crate::yaml::{Entry, Node};

/// Paths that readers have dealt with.
#[derive(Default)]
struct Taken {
    /// Values taken whole.
    whole: BTreeSet<String>,
    /// Maps and lists whose parts are taken one by one.
    entered: BTreeSet<String>,
}

/// A map of properties in reading. Faults that the type check has told already are not told again.
pub(crate) struct Fields<'a> {
    node: Option<&'a Node>,
    /// Whose properties they are, for messages.
    owner: String,
    prefix: String,
    /// Where a missing property is told.
    at: Pos,
    taken: Rc<RefCell<Taken>>,
}

impl<'a> Fields<'a> {
    pub fn new(node: &'a Node, owner: impl Into<String>, at: Pos) -> Self {
        Self { node: Some(node), owner: owner.into(), prefix: String::new(), at, taken: Rc::default() }
    }

    fn path(&self, key: &str) -> String {
        format!("{}{key}", self.prefix)
    }

    /// The value of a key, marked as taken.
    pub fn get(&self, key: &str) -> Option<&'a Node> {
        self.taken.borrow_mut().whole.insert(self.path(key));
        self.node?.get(key)
    }

    /// The value of a key, without taking it.
    pub fn peek(&self, key: &str) -> Option<&'a Node> {
        self.node?.get(key)
    }

    /// The value of a key whose parts are taken one by one.
    fn enter(&self, key: &str) -> Option<&'a Node> {
        self.taken.borrow_mut().entered.insert(self.path(key));
        self.node?.get(key)
    }

    /// The properties of a nested map; empty where there is none.
    pub fn sub(&self, key: &str) -> Fields<'a> {
        let node = self.enter(key);
        Fields {
            node,
            owner: self.owner.clone(),
            prefix: format!("{}{key}.", self.prefix),
            at: node.map_or(self.at, |n| n.at),
            taken: Rc::clone(&self.taken),
        }
    }

    /// The properties of an item of a list.
    pub fn item<'b>(&self, key: &str, index: usize, node: &'b Node) -> Fields<'b> {
        Fields {
            node: Some(node),
            owner: self.owner.clone(),
            prefix: format!("{}{key}[{index}].", self.prefix),
            at: node.at,
            taken: Rc::clone(&self.taken),
        }
    }

    /// The entries of this map; each is read with [`Fields::sub`] by its key.
    pub fn entries(&self, sink: &mut Sink) -> &'a [Entry] {
        let Some(node) = self.node else { return &[] };
        node.entries().unwrap_or_else(|| {
            if !sink.has_error_at(node.at) {
                let path = self.prefix.trim_end_matches('.');
                let message = format!("`{path}` of {} must be a map, this is {}", self.owner, node.shape());
                sink.error(&codes::VALUE_TYPE, node.at, message);
            }
            &[]
        })
    }

    /// Whether there is such a map at all.
    pub fn exists(&self) -> bool {
        self.node.is_some()
    }

    /// Where these properties stand.
    pub fn at(&self) -> Pos {
        self.at
    }

    fn wrong(&self, node: &Node, key: &str, expected: &str, sink: &mut Sink) {
        if sink.has_error_at(node.at) {
            return;
        }
        let path = self.path(key);
        if is_function(node) {
            sink.error_mend(
                &codes::FUNCTION_UNRESOLVED,
                node.at,
                format!("`{path}` of {} must be known when the package is read, this is a function", self.owner),
                "give the value itself, or a default for the input it comes from",
            );
        } else {
            let is = node.text().map_or_else(|| node.shape().to_owned(), |t| format!("`{t}`"));
            let message = format!("`{path}` of {} must be {expected}, this is {is}", self.owner);
            sink.error(&codes::VALUE_TYPE, node.at, message);
        }
    }

    /// Tells a missing property with the words of the type check.
    pub fn missing(&self, key: &str, type_name: &str, sink: &mut Sink) {
        check::missing(sink, self.at, &self.path(key), &self.owner, type_name);
    }

    fn read<T>(&self, key: &str, expected: &str, sink: &mut Sink, read: impl Fn(&Node) -> Option<T>) -> Option<T> {
        let node = self.get(key)?;
        let value = read(node);
        if value.is_none() {
            self.wrong(node, key, expected, sink);
        }
        value
    }

    pub fn text(&self, key: &str, sink: &mut Sink) -> Option<String> {
        self.read(key, "a single value", sink, |n| n.text().map(str::to_owned))
    }

    /// A text that must be there; told when it is not.
    pub fn need_text(&self, key: &str, sink: &mut Sink) -> String {
        if self.get(key).is_none() {
            self.missing(key, "string", sink);
        }
        self.text(key, sink).unwrap_or_default()
    }

    pub fn bool(&self, key: &str, sink: &mut Sink) -> Option<bool> {
        self.read(key, "`true` or `false`", sink, Node::bool)
    }

    pub fn whole<T: TryFrom<i64>>(&self, key: &str, sink: &mut Sink) -> Option<T> {
        self.read(key, "a whole number in range", sink, |n| T::try_from(n.integer()?).ok())
    }

    /// A whole number that must be there.
    pub fn need_whole<T: TryFrom<i64> + Default>(&self, key: &str, sink: &mut Sink) -> T {
        if self.get(key).is_none() {
            self.missing(key, "integer", sink);
        }
        self.whole(key, sink).unwrap_or_default()
    }

    pub fn float(&self, key: &str, sink: &mut Sink) -> Option<f64> {
        self.read(key, "a number", sink, |n| crate::yaml::parse_float(n.text()?))
    }

    /// A size in bytes.
    pub fn bytes(&self, key: &str, sink: &mut Sink) -> Option<u64> {
        self.read(key, "a size such as `512 MiB`", sink, |n| Unit::Size.parse_whole(n.text()?))
    }

    /// A size in bytes that must be there.
    pub fn need_bytes(&self, key: &str, sink: &mut Sink) -> u64 {
        if self.get(key).is_none() {
            self.missing(key, "scalar-unit.size", sink);
        }
        self.bytes(key, sink).unwrap_or_default()
    }

    /// A scalar in its base unit.
    pub fn unit(&self, key: &str, unit: Unit, sink: &mut Sink) -> Option<f64> {
        self.read(key, &format!("a value such as `{}`", unit.example()), sink, |n| unit.parse(n.text()?))
    }

    pub fn texts(&self, key: &str, sink: &mut Sink) -> Vec<String> {
        self.read(key, "a list of texts", sink, |n| {
            n.items()?.iter().map(|i| i.text().map(str::to_owned)).collect::<Option<Vec<_>>>()
        })
        .unwrap_or_default()
    }

    pub fn text_map(&self, key: &str, sink: &mut Sink) -> BTreeMap<String, String> {
        self.read(key, "a map of texts", sink, |n| {
            n.entries()?
                .iter()
                .map(|e| Some((e.key.clone(), e.value.text().unwrap_or_default().to_owned())))
                .collect::<Option<BTreeMap<_, _>>>()
        })
        .unwrap_or_default()
    }

    /// The items of a list.
    pub fn list(&self, key: &str, sink: &mut Sink) -> &'a [Node] {
        let Some(node) = self.enter(key) else { return &[] };
        match node.items() {
            Some(items) => items,
            None => {
                self.wrong(node, key, "a list", sink);
                &[]
            }
        }
    }

    /// The value as JSON, whatever it is.
    pub fn json(&self, key: &str) -> Value {
        self.get(key).map(Node::to_json).unwrap_or_default()
    }

    /// All of these properties as JSON.
    pub fn whole_json(&self) -> Value {
        self.node.map(Node::to_json).unwrap_or_default()
    }

    /// What no reader took, as JSON; `null` when nothing is left. It counts as taken from then on.
    pub fn rest(&self) -> Value {
        let left = self.node.map(|n| self.left(n, &self.prefix)).unwrap_or_default();
        if let Some(own) = self.prefix.strip_suffix('.') {
            self.taken.borrow_mut().whole.insert(own.to_owned());
        }
        left
    }

    fn left(&self, node: &Node, prefix: &str) -> Value {
        let taken = self.taken.borrow();
        let mut left = serde_json::Map::new();
        for entry in node.each().filter(|e| !e.value.is_null()) {
            let path = format!("{prefix}{}", entry.key);
            if taken.whole.contains(&path) {
                continue;
            }
            let value = match (taken.entered.contains(&path), entry.value.items()) {
                (false, _) => entry.value.to_json(),
                (true, None) => self.left(&entry.value, &format!("{path}.")),
                (true, Some(items)) => {
                    let parts: Vec<Value> = items
                        .iter()
                        .enumerate()
                        .filter(|(i, _)| !taken.whole.contains(&format!("{path}[{i}]")))
                        .map(|(i, item)| self.left(item, &format!("{path}[{i}].")))
                        .collect();
                    if parts.iter().all(Value::is_null) { Value::Null } else { Value::Array(parts) }
                }
            };
            if !value.is_null() {
                left.insert(entry.key.clone(), value);
            }
        }
        if left.is_empty() { Value::Null } else { Value::Object(left) }
    }
}

/// Whether a value can be used as it is.
pub(crate) fn is_settled(node: &Node) -> bool {
    !has_function(node)
}
