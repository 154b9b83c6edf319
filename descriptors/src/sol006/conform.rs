//! Holding instance data against the schema: names without module prefixes, lists as lists, values of their types
//! (RFC 7950 clauses 7 and 9, RFC 7951 clauses 4 to 6). The outcome is the same tree whatever the encoding was.

use std::collections::HashSet;

use super::osm;
use super::schema::{Def, Shape, Type};
use super::source::Encoding;
use crate::codes;
use crate::codes::Code;
use crate::diag::{Pos, Severity, Sink};
use crate::tosca::nearest;
use crate::yaml::{Entry, Kind, Node};

/// Reads one descriptor; faults go to `sink`. Unknown nodes are told and kept.
pub(super) fn conform(node: &Node, def: &Def, encoding: Encoding, sink: &mut Sink) -> Node {
    Conform { encoding, sink }.map(node, def)
}

/// Unknown nodes told one by one in each place; more would drown what matters.
const MAX_UNKNOWN: usize = 20;

struct Conform<'s> {
    encoding: Encoding,
    sink: &'s mut Sink,
}

/// A name without the prefix of its module.
pub(super) fn bare(name: &str) -> &str {
    name.rsplit_once(':').map_or(name, |(_, bare)| bare)
}

/// Whether a name with a prefix is one of the standard's modules.
fn is_ours(name: &str) -> bool {
    let prefix = name.rsplit_once(':').map_or("", |(prefix, _)| prefix);
    prefix.is_empty() || prefix.starts_with("etsi-nfv") || ["nfv", "vnfd", "nsd", "pnfd"].contains(&prefix)
}

impl Conform<'_> {
    /// What the standard demands and the YAML of Open Source MANO leaves out is only a warning there.
    fn demand(&mut self, code: &'static Code, at: Pos, message: String, mend: String) {
        let severity = if self.encoding == Encoding::Yaml { Severity::Warning } else { Severity::Error };
        self.sink.report(severity, code, Some(at), message, Some(mend));
    }

    fn map(&mut self, node: &Node, def: &Def) -> Node {
        let empty = node.is_null() || node.text().is_some_and(str::is_empty);
        let Some(entries) = node.entries().or(if empty { Some(&[]) } else { None }) else {
            self.sink.error_mend(
                &codes::YANG_SHAPE,
                node.at,
                format!("`{}` holds further nodes, this is {}", def.name, node.shape()),
                "write its nodes below it",
            );
            return Node::map(node.at, Vec::new());
        };
        let mut found: Vec<Entry> = Vec::new();
        let mut names = HashSet::new();
        let mut unknown = 0;
        for entry in entries {
            // Annotations (RFC 7952) say nothing about the descriptor itself.
            if entry.key.starts_with('@') || (entry.value.is_null() && self.encoding != Encoding::Xml) {
                continue;
            }
            let child = def.child(bare(&entry.key)).filter(|_| is_ours(&entry.key));
            let value = match child {
                Some(child) => self.child(entry, child),
                None => {
                    unknown += 1;
                    if unknown <= MAX_UNKNOWN {
                        self.unknown(entry, def);
                    }
                    Some(entry.value.clone())
                }
            };
            let key = child.map_or(entry.key.as_str(), |c| c.name);
            if !names.insert(key) {
                self.sink.error_mend(
                    &codes::YANG_SHAPE,
                    entry.key_at,
                    format!("`{key}` is given twice, with and without the prefix of its module"),
                    "take one of them away",
                );
            } else if let Some(value) = value {
                found.push(Entry { key: key.to_owned(), key_at: entry.key_at, value });
            }
        }
        if unknown > MAX_UNKNOWN {
            self.sink.warn(
                &codes::YANG_UNKNOWN,
                node.at,
                format!("`{}` has {} further nodes that are unknown", def.name, unknown - MAX_UNKNOWN),
                "take them away, or say them in nodes of the standard",
            );
        }
        for name in def.children.iter().filter(|c| c.mandatory && !names.contains(c.name)).map(|c| c.name) {
            self.demand(
                &codes::YANG_MISSING,
                node.at,
                format!("`{}` has no `{name}`, which is mandatory", label(def, &found)),
                format!("add `{name}`"),
            );
        }
        Node::map(node.at, found)
    }

    fn unknown(&mut self, entry: &Entry, def: &Def) {
        let near = nearest(bare(&entry.key), def.children.iter().map(|c| c.name));
        self.sink.warn(
            &codes::YANG_UNKNOWN,
            entry.key_at,
            format!("`{}` is no node of `{}`; it is kept and not acted on", entry.key, def.name),
            near.map_or_else(
                || "take it away, or say it in nodes of the standard".to_owned(),
                |n| format!("did you mean `{n}`?"),
            ),
        );
    }

    fn child(&mut self, entry: &Entry, def: &Def) -> Option<Node> {
        if def.osm {
            osm::addition(def.name, entry.key_at, self.sink);
        }
        let node = &entry.value;
        match &def.shape {
            Shape::Any => Some(node.clone()),
            Shape::Container => {
                let node = self.single(node, def)?;
                Some(self.map(node, def))
            }
            Shape::Leaf(of) => {
                let node = self.single(node, def)?;
                self.leaf(node, def, of)
            }
            Shape::LeafList(of) | Shape::LeafOrList(of) => {
                let items: Vec<Node> = match node.items() {
                    Some(items) => items.iter().filter_map(|i| self.leaf(i, def, of)).collect(),
                    None => {
                        if matches!(def.shape, Shape::LeafList(_)) {
                            self.lone(node, def);
                        }
                        self.leaf(node, def, of).into_iter().collect()
                    }
                };
                Some(Node::new(node.at, Kind::Seq(items)))
            }
            Shape::List(keys) => {
                let items: Vec<Node> = match node.items() {
                    Some(items) => items.iter().map(|i| self.map(i, def)).collect(),
                    None => {
                        self.lone(node, def);
                        vec![self.map(node, def)]
                    }
                };
                self.keys(&items, keys, def);
                Some(Node::new(node.at, Kind::Seq(items)))
            }
        }
    }

    /// The one value of a container or leaf.
    fn single<'n>(&mut self, node: &'n Node, def: &Def) -> Option<&'n Node> {
        let Some(items) = node.items() else { return Some(node) };
        let at = items.get(1).map_or(node.at, |n| n.at);
        self.sink.error_mend(
            &codes::YANG_SHAPE,
            at,
            format!("`{}` may be given once, here are {}", def.name, items.len()),
            "keep one of them",
        );
        items.first()
    }

    /// Only XML has no mark of a list with one entry.
    fn lone(&mut self, node: &Node, def: &Def) {
        if self.encoding != Encoding::Xml {
            self.sink.warn(
                &codes::YANG_SHAPE,
                node.at,
                format!("`{}` is a list, this is {}; it is read as a list of one", def.name, node.shape()),
                "write it as a list",
            );
        }
    }

    fn keys(&mut self, items: &[Node], keys: &[&str], def: &Def) {
        let mut seen = HashSet::new();
        for item in items {
            let values: Vec<Option<&str>> = keys.iter().map(|k| item.get(k).and_then(Node::text)).collect();
            if let Some(key) = keys.iter().zip(&values).find(|(_, v)| v.is_none()).map(|(k, _)| k) {
                self.demand(
                    &codes::YANG_KEY,
                    item.at,
                    format!("an entry of `{}` has no `{key}`, by which it is known", def.name),
                    format!("add `{key}`"),
                );
            } else if !keys.is_empty() && !seen.insert(values.clone()) {
                let name = values.into_iter().flatten().collect::<Vec<_>>().join(" ");
                self.sink.error_mend(
                    &codes::YANG_KEY,
                    item.at,
                    format!("a second `{}` has the key `{name}`", def.name),
                    "give it another, or take one of them away",
                );
            }
        }
    }

    fn leaf(&mut self, node: &Node, def: &Def, of: &Type) -> Option<Node> {
        let Some(text) = node.text() else {
            self.sink.error_mend(
                &codes::YANG_SHAPE,
                node.at,
                format!("`{}` has a single value, this is {}", def.name, node.shape()),
                "write one value",
            );
            return None;
        };
        // People indent text in XML; a script is taken as it stands.
        let whole = self.encoding != Encoding::Xml || def.name == "boot-data";
        let (given, text) = (text, text.trim());
        let fault = |expected: String| (expected, String::new());
        let (expected, mend) = match of {
            Type::Text => return Some(Node::text_value(node.at, if whole { given } else { text })),
            Type::Ref(_) => return Some(Node::text_value(node.at, text)),
            Type::Uint(max) => match text.parse::<u64>() {
                Ok(n) if n <= *max => return Some(Node::scalar(node.at, n.to_string())),
                _ => fault(format!("a whole number from 0 to {max}")),
            },
            Type::Decimal => match text.parse::<f64>() {
                Ok(n) if n.is_finite() && n >= 0.0 => return Some(Node::scalar(node.at, n.to_string())),
                _ => fault("a number from 0".to_owned()),
            },
            Type::Bool => match Node::scalar(node.at, text).bool() {
                Some(value) => return Some(Node::scalar(node.at, value.to_string())),
                None => fault("`true` or `false`".to_owned()),
            },
            Type::Enum(words) => {
                let word = bare(text);
                if let Some(known) = words.iter().find(|w| w.eq_ignore_ascii_case(word)) {
                    if *known != word {
                        self.sink.warn(
                            &codes::YANG_VALUE,
                            node.at,
                            format!("`{}` is written `{known}`", word),
                            format!("write `{known}`"),
                        );
                    }
                    return Some(Node::text_value(node.at, *known));
                }
                let near = nearest(word, words.iter().copied());
                let mend = near.map(|n| format!("did you mean `{n}`?")).unwrap_or_default();
                (format!("one of {}", words.join(", ")), mend)
            }
        };
        self.sink.error_mend(
            &codes::YANG_VALUE,
            node.at,
            format!("`{}` must be {expected}, this is `{text}`", def.name),
            mend,
        );
        None
    }
}

/// A list entry with its key, for messages.
fn label(def: &Def, found: &[Entry]) -> String {
    let key = match &def.shape {
        Shape::List(keys) => keys.first().and_then(|k| found.iter().find(|e| e.key == *k)),
        _ => found.iter().find(|e| e.key == "id"),
    };
    match key.and_then(|e| e.value.text()) {
        Some(key) => format!("{} {key}", def.name),
        None => def.name.to_owned(),
    }
}
