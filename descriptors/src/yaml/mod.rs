//! YAML as a tree that remembers where each value stands.
//!
//! Scalars keep their text: TOSCA decides by the declared type whether `1.0` is a number or a version string, and a tree
//! that had already decided would have lost it. The tree is built from the events of serde-saphyr's parser; aliases share
//! their target, and every bound counts what an alias would unfold to.

mod compose;
mod number;

use std::sync::Arc;

pub use compose::{Budget, parse};
pub use number::{parse_float, parse_integer};

use crate::diag::Pos;

/// A value and its place. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Node {
    /// Where the value begins.
    pub at: Pos,
    kind: Arc<Kind>,
}

/// What a value is.
#[derive(Debug)]
pub enum Kind {
    /// Nothing, `~` or `null`.
    Null,
    /// Text as written, without quotes.
    Scalar(Scalar),
    /// A sequence.
    Seq(Vec<Node>),
    /// A mapping.
    Map(Vec<Entry>),
}

/// A scalar.
#[derive(Debug)]
pub struct Scalar {
    /// Its text.
    pub text: String,
    /// Whether it stands without quotes, so that it may be a number or truth value.
    pub plain: bool,
}

/// A key with its value.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Where the key stands.
    pub key_at: Pos,
    /// The value.
    pub value: Node,
}

impl Node {
    /// A node made by the program.
    #[must_use]
    pub fn new(at: Pos, kind: Kind) -> Self {
        Self { at, kind: Arc::new(kind) }
    }

    /// A plain scalar made by the program.
    #[must_use]
    pub fn scalar(at: Pos, text: impl Into<String>) -> Self {
        Self::new(at, Kind::Scalar(Scalar { text: text.into(), plain: true }))
    }

    /// A quoted scalar made by the program: text, whatever it looks like.
    #[must_use]
    pub fn text_value(at: Pos, text: impl Into<String>) -> Self {
        Self::new(at, Kind::Scalar(Scalar { text: text.into(), plain: false }))
    }

    /// A mapping made by the program.
    #[must_use]
    pub fn map(at: Pos, entries: Vec<Entry>) -> Self {
        Self::new(at, Kind::Map(entries))
    }

    /// The same value told to stand elsewhere.
    #[must_use]
    pub fn moved(&self, at: Pos) -> Self {
        Self { at, kind: Arc::clone(&self.kind) }
    }

    /// What the value is.
    #[must_use]
    pub fn kind(&self) -> &Kind {
        &self.kind
    }

    /// Whether there is no value.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(*self.kind, Kind::Null)
    }

    /// The text of a scalar.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match &*self.kind {
            Kind::Scalar(s) => Some(&s.text),
            _ => None,
        }
    }

    /// The items of a sequence.
    #[must_use]
    pub fn items(&self) -> Option<&[Node]> {
        match &*self.kind {
            Kind::Seq(items) => Some(items),
            _ => None,
        }
    }

    /// The entries of a mapping.
    #[must_use]
    pub fn entries(&self) -> Option<&[Entry]> {
        match &*self.kind {
            Kind::Map(entries) => Some(entries),
            _ => None,
        }
    }

    /// The entries of a mapping, or none for anything else.
    pub fn each(&self) -> std::slice::Iter<'_, Entry> {
        self.entries().unwrap_or_default().iter()
    }

    /// The value of a key of a mapping; an empty value counts as absent.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entries()?.iter().find(|e| e.key == key).map(|e| &e.value).filter(|v| !v.is_null())
    }

    /// The entry of a key of a mapping, even when its value is empty.
    #[must_use]
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries()?.iter().find(|e| e.key == key)
    }

    /// Follows keys from mapping to mapping.
    #[must_use]
    pub fn dig(&self, path: &[&str]) -> Option<&Node> {
        path.iter().try_fold(self, |node, key| node.get(key))
    }

    /// A truth value; quoted `"true"` is taken too.
    #[must_use]
    pub fn bool(&self) -> Option<bool> {
        match self.text()? {
            "true" | "True" | "TRUE" | "yes" | "Yes" | "on" => Some(true),
            "false" | "False" | "FALSE" | "no" | "No" | "off" => Some(false),
            _ => None,
        }
    }

    /// A whole number.
    #[must_use]
    pub fn integer(&self) -> Option<i64> {
        parse_integer(self.text()?)
    }

    /// What it is, in a word, for messages.
    #[must_use]
    pub fn shape(&self) -> &'static str {
        match &*self.kind {
            Kind::Null => "nothing",
            Kind::Scalar(_) => "a single value",
            Kind::Seq(_) => "a list",
            Kind::Map(_) => "a map",
        }
    }

    /// The value as JSON. Unquoted numbers and truth values become JSON's; an unquoted `1.0` keeps its point.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        use serde_json::Value;
        match &*self.kind {
            Kind::Null => Value::Null,
            Kind::Scalar(s) if s.plain => plain_json(&s.text),
            Kind::Scalar(s) => Value::String(s.text.clone()),
            Kind::Seq(items) => Value::Array(items.iter().map(Node::to_json).collect()),
            Kind::Map(entries) => Value::Object(entries.iter().map(|e| (e.key.clone(), e.value.to_json())).collect()),
        }
    }

    /// A tree from JSON, all of it placed at `at`.
    #[must_use]
    pub fn from_json(at: Pos, value: &serde_json::Value) -> Self {
        use serde_json::Value;
        match value {
            Value::Null => Self::new(at, Kind::Null),
            Value::Bool(b) => Self::scalar(at, b.to_string()),
            Value::Number(n) => Self::scalar(at, n.to_string()),
            Value::String(s) => Self::text_value(at, s.clone()),
            Value::Array(items) => Self::new(at, Kind::Seq(items.iter().map(|i| Self::from_json(at, i)).collect())),
            Value::Object(map) => Self::map(
                at,
                map.iter().map(|(k, v)| Entry { key: k.clone(), key_at: at, value: Self::from_json(at, v) }).collect(),
            ),
        }
    }
}

fn plain_json(text: &str) -> serde_json::Value {
    use serde_json::Value;
    match text {
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        _ => {}
    }
    if let Some(n) = parse_integer(text) {
        return Value::from(n);
    }
    let fraction = Some(text).filter(|t| t.contains(['.', 'e', 'E']));
    match fraction.and_then(parse_float).and_then(serde_json::Number::from_f64) {
        Some(n) => Value::Number(n),
        None => Value::String(text.to_owned()),
    }
}
