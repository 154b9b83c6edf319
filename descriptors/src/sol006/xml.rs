//! YANG instance data in XML (RFC 7950, RFC 9195) as the tree that JSON and YAML give: an element is a map of its children,
//! a repeated child a list, an element without children a text.
//!
//! Nothing is ever expanded: a document type declaration is refused, and of entities only the five of XML itself and
//! character references are known. Depth and number of elements are bounded.

use quick_xml::Reader;
use quick_xml::events::{BytesRef, BytesStart, Event};

use super::{MAX_DEPTH, MAX_NODES};
use crate::codes;
use crate::diag::{FileId, Pos, Sink};
use crate::yaml::{Entry, Kind, Node};

/// Namespaces whose elements are known by their local name.
const NAMESPACES: [&str; 2] = ["urn:etsi:nfv:yang:", "urn:ietf:params:xml:ns:netconf:base:"];

/// Longest name of a namespace, in bytes; elements repeat it.
const MAX_NAMESPACE: usize = 300;

struct Open {
    name: String,
    at: Pos,
    /// The default namespace within.
    namespace: String,
    children: Vec<Entry>,
    text: String,
}

/// Places of the text, found by walking on.
struct Places<'a> {
    text: &'a str,
    file: FileId,
    offset: usize,
    line: u32,
    column: u32,
}

impl Places<'_> {
    /// The place of a byte offset at or after the last one asked for.
    fn at(&mut self, offset: usize) -> Pos {
        for c in self.text.get(self.offset..offset).unwrap_or_default().chars() {
            if c == '\n' {
                self.line = self.line.saturating_add(1);
                self.column = 1;
            } else {
                self.column = self.column.saturating_add(1);
            }
        }
        self.offset = self.offset.max(offset);
        Pos { file: self.file, line: self.line, column: self.column }
    }
}

/// Parses the document; `None` with an error told when it cannot be read. The tree is a map of the one root element.
pub(super) fn parse(file: FileId, text: &str, sink: &mut Sink) -> Option<Node> {
    let mut reader = Reader::from_str(text);
    let mut places = Places { text, file, offset: 0, line: 1, column: 1 };
    let mut open: Vec<Open> = Vec::new();
    let mut root: Option<Entry> = None;
    let mut elements = 0;
    loop {
        let at = places.at(usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX));
        let event = match reader.read_event() {
            Ok(event) => event,
            Err(e) => {
                let offset = usize::try_from(reader.error_position()).unwrap_or(usize::MAX);
                let at = places.at(offset.max(places.offset));
                sink.error(&codes::YANG_XML, at, format!("this is not well-formed XML: {e}"));
                return None;
            }
        };
        let refused = match event {
            Event::Start(start) => {
                elements += 1;
                begin(&mut open, &start, at)
            }
            Event::Empty(start) => {
                elements += 1;
                let refused = begin(&mut open, &start, at);
                end(&mut open, &mut root).or(refused)
            }
            Event::End(_) => end(&mut open, &mut root),
            Event::Text(part) => put(&mut open, &part.into_inner()),
            Event::CData(part) => put(&mut open, &part.into_inner()),
            Event::GeneralRef(reference) => match resolved(&reference) {
                Some(c) => put(&mut open, c.encode_utf8(&mut [0; 4])),
                None => Some("an entity is used that XML itself does not define".to_owned()),
            },
            Event::DocType(_) => Some("a document type declaration has no place in YANG data".to_owned()),
            Event::Eof => break,
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => None,
        };
        let refused = refused
            .or_else(|| (elements > MAX_NODES).then(|| format!("the document has more than {MAX_NODES} elements")));
        if let Some(why) = refused {
            sink.error(&codes::YANG_XML, at, why);
            return None;
        }
    }
    let here = places.at(text.len());
    match (open.pop(), root) {
        (Some(left), _) => {
            sink.error(&codes::YANG_XML, left.at, format!("the element `{}` is never closed", left.name));
            None
        }
        (None, None) => {
            sink.error(&codes::YANG_XML, here, "the document has no element");
            None
        }
        (None, Some(root)) => Some(Node::map(root.key_at, vec![root])),
    }
}

/// Opens an element; says why not when it may not be.
fn begin(open: &mut Vec<Open>, start: &BytesStart<'_>, at: Pos) -> Option<String> {
    if open.len() >= MAX_DEPTH {
        return Some(format!("elements are nested deeper than {MAX_DEPTH}"));
    }
    let full = start.name().as_ref().to_owned();
    let (prefix, local) = full.rsplit_once(':').unwrap_or(("", full.as_str()));
    let mut namespace = open.last().map(|o| o.namespace.clone()).unwrap_or_default();
    let mut own = None;
    for attribute in start.attributes() {
        let Ok(attribute) = attribute else { return Some("an attribute cannot be read".to_owned()) };
        let key = attribute.key.as_ref().to_owned();
        if key.starts_with("xmlns") && attribute.value.len() > MAX_NAMESPACE {
            return Some(format!("a namespace is longer than {MAX_NAMESPACE} bytes"));
        }
        if key == "xmlns" {
            namespace = attribute.value.clone().into_owned();
        } else if !prefix.is_empty() && key.strip_prefix("xmlns:") == Some(prefix) {
            own = Some(attribute.value.clone().into_owned());
        }
    }
    let of = if prefix.is_empty() { Some(namespace.as_str()) } else { own.as_deref() };
    let known = of.is_none_or(|n| n.is_empty() || NAMESPACES.iter().any(|k| n.starts_with(k)));
    let name = if known { local.to_owned() } else { format!("{}:{local}", of.unwrap_or_default()) };
    open.push(Open { name, at, namespace, children: Vec::new(), text: String::new() });
    None
}

/// Closes the innermost element.
fn end(open: &mut Vec<Open>, root: &mut Option<Entry>) -> Option<String> {
    let closed = open.pop()?;
    let text = if closed.text.trim().is_empty() { "" } else { closed.text.as_str() };
    if !closed.children.is_empty() && !text.is_empty() {
        return Some(format!("the element `{}` holds both text and elements", closed.name));
    }
    let value = if closed.children.is_empty() {
        Node::scalar(closed.at, text)
    } else {
        Node::map(closed.at, grouped(closed.children))
    };
    let entry = Entry { key: closed.name, key_at: closed.at, value };
    match open.last_mut() {
        Some(parent) => parent.children.push(entry),
        None if root.is_some() => return Some("a second root element begins here".to_owned()),
        None => *root = Some(entry),
    }
    None
}

/// Children with those of one name in a list, in the order in which names come first.
fn grouped(children: Vec<Entry>) -> Vec<Entry> {
    let mut order: Vec<(String, Pos, Vec<Node>)> = Vec::new();
    let mut index = std::collections::HashMap::new();
    for child in children {
        let at = *index.entry(child.key.clone()).or_insert_with(|| {
            order.push((child.key.clone(), child.key_at, Vec::new()));
            order.len() - 1
        });
        if let Some((_, _, values)) = order.get_mut(at) {
            values.push(child.value);
        }
    }
    order
        .into_iter()
        .map(|(key, key_at, mut values)| {
            let value = match (values.len(), values.pop()) {
                (1, Some(one)) => one,
                (_, last) => {
                    values.extend(last);
                    Node::new(key_at, Kind::Seq(values))
                }
            };
            Entry { key, key_at, value }
        })
        .collect()
}

fn put(open: &mut [Open], text: &str) -> Option<String> {
    match open.last_mut() {
        Some(element) => element.text.push_str(text),
        None if text.trim().is_empty() || text == "\u{feff}" => {}
        None => return Some("text stands outside of the root element".to_owned()),
    }
    None
}

fn resolved(reference: &BytesRef<'_>) -> Option<char> {
    if let Ok(Some(c)) = reference.resolve_char_ref() {
        return Some(c);
    }
    match reference.as_ref() {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => None,
    }
}
