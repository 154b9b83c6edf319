//! Constraint clauses: whether a value keeps them (TOSCA Simple Profile clause 3.6.3).

use std::cell::RefCell;
use std::collections::HashMap;

use regex::{Regex, RegexBuilder};

use super::scalar::Unit;
use crate::yaml::{Kind, Node, parse_float};

/// The operators of the profile.
pub(super) const OPERATORS: [&str; 12] = [
    "equal",
    "greater_than",
    "greater_or_equal",
    "less_than",
    "less_or_equal",
    "in_range",
    "valid_values",
    "length",
    "min_length",
    "max_length",
    "pattern",
    "schema",
];

/// Largest compiled pattern in bytes; patterns come from outside.
const PATTERN_BYTES: usize = 1 << 18;
/// Longest pattern compiled, in bytes of its text.
const PATTERN_TEXT: usize = 2000;
/// Patterns compiled for one package; honest ones have a handful.
const PATTERNS: usize = 200;

/// Compiled patterns by their text; `None` for one that cannot be compiled.
#[derive(Debug, Default)]
pub(crate) struct Patterns(RefCell<HashMap<String, Option<Regex>>>);

impl Patterns {
    /// Whether the whole text has the pattern; `None` when the pattern cannot be compiled.
    pub(super) fn matches(&self, pattern: &str, text: &str) -> Option<bool> {
        let mut known = self.0.borrow_mut();
        if known.len() >= PATTERNS && !known.contains_key(pattern) {
            return None;
        }
        let compiled = known.entry(pattern.to_owned()).or_insert_with(|| compile(pattern));
        compiled.as_ref().map(|r| r.is_match(text))
    }
}

fn compile(pattern: &str) -> Option<Regex> {
    if pattern.len() > PATTERN_TEXT {
        return None;
    }
    let whole = format!("^(?:{pattern})$");
    RegexBuilder::new(&whole).size_limit(PATTERN_BYTES).dfa_size_limit(PATTERN_BYTES).build().ok()
}

/// What the value should be, when it breaks the clause. Clauses that do not apply to the type are passed over.
pub(super) fn broken(node: &Node, type_name: &str, clause: &str, limit: &Node, patterns: &Patterns) -> Option<String> {
    if type_name == "range"
        && let Some(bounds) = node.items()
    {
        let within = bounds.iter().filter(|b| b.integer().is_some());
        return within.map(|b| broken(b, "integer", clause, limit, patterns)).find(Option::is_some).flatten();
    }
    let number = |n: &Node| number(n, type_name);
    let shown = limit.text().unwrap_or_default().to_owned();
    let compare = |word: &str, ok: fn(f64, f64) -> bool| -> Option<String> {
        let (value, bound) = (number(node)?, number(limit)?);
        (!ok(value, bound)).then(|| format!("{word} {shown}"))
    };
    let length = || match node.kind() {
        Kind::Scalar(s) => s.text.chars().count(),
        Kind::Seq(items) => items.len(),
        Kind::Map(entries) => entries.len(),
        Kind::Null => 0,
    };
    let bound = limit.integer().and_then(|n| usize::try_from(n).ok());
    match clause {
        "equal" => (node.text()? != limit.text()? && (number(node).is_none() || number(node) != number(limit)))
            .then(|| format!("`{shown}`")),
        "greater_than" => compare("greater than", |v, b| v > b),
        "greater_or_equal" => compare("at least", |v, b| v >= b),
        "less_than" => compare("less than", |v, b| v < b),
        "less_or_equal" => compare("at most", |v, b| v <= b),
        "in_range" => {
            let (low, high) = (limit.items()?.first()?, limit.items()?.get(1)?);
            let value = number(node)?;
            let outside = number(low).is_some_and(|l| value < l) || number(high).is_some_and(|h| value > h);
            outside.then(|| format!("from {} to {}", low.text().unwrap_or("?"), high.text().unwrap_or("?")))
        }
        "valid_values" => {
            let allowed = limit.items()?;
            let text = node.text()?;
            let ok =
                allowed.iter().any(|a| a.text() == Some(text) || (number(a).is_some() && number(a) == number(node)));
            let list: Vec<&str> = allowed.iter().filter_map(Node::text).take(20).collect();
            (!ok).then(|| format!("one of {}", list.join(", ")))
        }
        "length" => bound.filter(|b| length() != *b).map(|b| format!("of length {b}")),
        "min_length" => bound.filter(|b| length() < *b).map(|b| format!("of length {b} at least")),
        "max_length" => bound.filter(|b| length() > *b).map(|b| format!("of length {b} at most")),
        "pattern" => (patterns.matches(limit.text()?, node.text()?) == Some(false)).then(|| format!("like `{shown}`")),
        // The document's own schema language is not interpreted; that it is a document at all is checked.
        "schema" => {
            serde_json::from_str::<serde::de::IgnoredAny>(node.text()?).err().map(|_| "a JSON document".to_owned())
        }
        _ => None,
    }
}

fn number(node: &Node, type_name: &str) -> Option<f64> {
    match Unit::of_type(type_name) {
        Some(unit) => unit.parse(node.text()?).or_else(|| parse_float(node.text()?)),
        None if matches!(type_name, "integer" | "float") => parse_float(node.text()?),
        None => None,
    }
}
