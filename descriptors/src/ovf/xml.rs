//! XML into elements that know their place, within bounds: no document type, no entities but the five of XML itself.

use quick_xml::NsReader;
use quick_xml::escape::unescape;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::ResolveResult;

use crate::codes;
use crate::diag::{FileId, Pos, Sink};

/// Deepest nesting; honest descriptors stay below 12.
const MAX_DEPTH: usize = 64;
/// Most elements of one descriptor.
const MAX_ELEMENTS: usize = 50_000;
/// Most attributes of one element, declarations of namespaces among them.
const MAX_ATTRIBUTES: usize = 64;

/// The vocabulary a name belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Vocabulary {
    /// OVF's own, with its major version; 0 where the name has no namespace or a draft's.
    Ovf(u8),
    /// CIM classes: virtual hardware.
    Cim,
    /// A vendor's extension.
    Other,
}

impl Vocabulary {
    pub(super) fn is_ovf(self) -> bool {
        matches!(self, Self::Ovf(_))
    }

    fn of(resolved: &ResolveResult<'_>) -> Self {
        let ResolveResult::Bound(namespace) = resolved else {
            return if *resolved == ResolveResult::Unbound { Self::Ovf(0) } else { Self::Other };
        };
        let uri: &str = namespace.0;
        if let Some(rest) = uri.strip_prefix("http://schemas.dmtf.org/ovf/envelope/") {
            return Self::Ovf(rest.trim_end_matches('/').parse().unwrap_or(0));
        }
        if uri.starts_with("http://www.vmware.com/schema/ovf/1/envelope") {
            return Self::Ovf(0);
        }
        if uri.starts_with("http://schemas.dmtf.org/wbem/wscim/1/") { Self::Cim } else { Self::Other }
    }
}

/// An element.
#[derive(Clone, Debug)]
pub(super) struct Element {
    pub(super) vocabulary: Vocabulary,
    /// Name without prefix.
    pub(super) name: String,
    attributes: Vec<(Vocabulary, String, String)>,
    /// All text directly inside.
    pub(super) text: String,
    pub(super) children: Vec<Element>,
    pub(super) at: Pos,
}

impl Element {
    /// An attribute of OVF's vocabulary, or without namespace.
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(v, n, _)| v.is_ovf() && n == name).map(|(_, _, value)| value.as_str())
    }

    /// An attribute of any vocabulary.
    pub(super) fn attributes_text(&self, name: &str) -> Option<String> {
        self.attributes.iter().find(|(_, n, _)| n == name).map(|(_, _, value)| super::names::plain(value))
    }

    /// The first child of this name.
    pub(super) fn child(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|c| c.name == name)
    }

    /// The text of the first child of this name with runs of white space made one blank; `None` where there is none.
    pub(super) fn child_text(&self, name: &str) -> Option<String> {
        self.child(name).map(|c| super::names::plain(&c.text)).filter(|t| !t.is_empty())
    }
}

/// Counts lines while positions move forward.
struct Lines<'t> {
    file: FileId,
    text: &'t str,
    at: usize,
    line: u32,
    line_start: usize,
}

impl Lines<'_> {
    fn pos(&mut self, offset: u64) -> Pos {
        let offset = usize::try_from(offset).unwrap_or(self.text.len()).min(self.text.len());
        if let Some(passed) = self.text.get(self.at..offset) {
            for (i, _) in passed.match_indices('\n') {
                self.line = self.line.saturating_add(1);
                self.line_start = self.at + i + 1;
            }
            self.at = offset;
        }
        let column = self.text.get(self.line_start..offset).map_or(0, |t| t.chars().count());
        Pos { file: self.file, line: self.line, column: u32::try_from(column + 1).unwrap_or(u32::MAX) }
    }
}

/// Reads a document to its root element. Faults are reported; `None` after one.
pub(super) fn parse(file: FileId, text: &str, sink: &mut Sink) -> Option<Element> {
    let mut reader = NsReader::from_str(text);
    let mut lines = Lines { file, text, at: 0, line: 1, line_start: 0 };
    let mut open: Vec<Element> = Vec::new();
    let mut root = None;
    let mut elements = 0_usize;
    loop {
        let at = lines.pos(reader.buffer_position());
        let event = match reader.read_event() {
            Ok(event) => event,
            Err(e) => {
                let at = lines.pos(reader.error_position());
                sink.error_mend(&codes::OVF_XML, at, format!("this is not well-formed XML: {e}"), "correct the markup");
                return None;
            }
        };
        match event {
            Event::Start(_) | Event::Empty(_) if elements >= MAX_ELEMENTS || open.len() >= MAX_DEPTH => {
                let what = if open.len() >= MAX_DEPTH { "deep" } else { "many" };
                sink.error(
                    &codes::OVF_BUDGET,
                    at,
                    format!("too {what} elements: the bounds are {MAX_ELEMENTS} elements, nested {MAX_DEPTH} deep"),
                );
                return None;
            }
            Event::Start(start) => {
                elements += 1;
                open.push(element(&reader, &start, at, sink)?);
            }
            Event::Empty(start) => {
                elements += 1;
                let done = element(&reader, &start, at, sink)?;
                close(done, &mut open, &mut root, sink)?;
            }
            Event::End(_) => {
                if let Some(done) = open.pop() {
                    close(done, &mut open, &mut root, sink)?;
                }
            }
            Event::Text(text) => match open.last_mut() {
                Some(parent) => parent.text.push_str(&text.xml10_content()),
                None if !text.xml10_content().trim_matches(['\u{feff}', ' ', '\n', '\r', '\t']).is_empty() => {
                    sink.error(&codes::OVF_XML, at, "text stands outside of the root element");
                    return None;
                }
                None => {}
            },
            Event::CData(text) => {
                if let Some(parent) = open.last_mut() {
                    parent.text.push_str(&text.xml10_content());
                }
            }
            Event::GeneralRef(name) => {
                let known = match name.resolve_char_ref() {
                    Ok(Some(c)) => Some(c),
                    _ => match &*name.xml10_content() {
                        "lt" => Some('<'),
                        "gt" => Some('>'),
                        "amp" => Some('&'),
                        "quot" => Some('"'),
                        "apos" => Some('\''),
                        _ => None,
                    },
                };
                match (known, open.last_mut()) {
                    (Some(c), Some(parent)) => parent.text.push(c),
                    _ => {
                        entity(at, &name.xml10_content(), sink);
                        return None;
                    }
                }
            }
            Event::DocType(_) => {
                sink.error_mend(
                    &codes::OVF_BUDGET,
                    at,
                    "a document type can define entities without end, and OVF has none: it is not read",
                    "remove the DOCTYPE",
                );
                return None;
            }
            Event::Eof => break,
            Event::Comment(_) | Event::PI(_) | Event::Decl(_) => {}
        }
    }
    if let Some(left) = open.last() {
        sink.error_mend(
            &codes::OVF_XML,
            left.at,
            format!("`{}` is opened here and never closed", left.name),
            "the file may have been cut off",
        );
        return None;
    }
    if root.is_none() {
        sink.error(&codes::OVF_XML, Pos::whole(file), "the file holds no element");
    }
    root
}

fn entity(at: Pos, name: &str, sink: &mut Sink) {
    sink.error_mend(
        &codes::OVF_BUDGET,
        at,
        format!("the entity `{}` is not one of XML's own", super::names::short(name)),
        "write the text itself",
    );
}

fn close(done: Element, open: &mut [Element], root: &mut Option<Element>, sink: &mut Sink) -> Option<()> {
    match open.last_mut() {
        Some(parent) => parent.children.push(done),
        None if root.is_none() => *root = Some(done),
        None => {
            sink.error(&codes::OVF_XML, done.at, "there is a second root element");
            return None;
        }
    }
    Some(())
}

fn element(reader: &NsReader<&[u8]>, start: &BytesStart<'_>, at: Pos, sink: &mut Sink) -> Option<Element> {
    let (resolved, local) = reader.resolver().resolve_element(start.name());
    let mut element = Element {
        vocabulary: Vocabulary::of(&resolved),
        name: local.as_ref().to_owned(),
        attributes: Vec::new(),
        text: String::new(),
        children: Vec::new(),
        at,
    };
    // The library's own look for duplicates takes time with the square of their number.
    for (n, attribute) in start.attributes().with_checks(false).enumerate() {
        if n >= MAX_ATTRIBUTES {
            sink.error(&codes::OVF_BUDGET, at, format!("an element has more than {MAX_ATTRIBUTES} attributes"));
            return None;
        }
        let attribute = match attribute {
            Ok(attribute) => attribute,
            Err(e) => {
                sink.error(&codes::OVF_XML, at, format!("an attribute cannot be read: {e}"));
                return None;
            }
        };
        let (resolved, local) = reader.resolver().resolve_attribute(attribute.key);
        let (vocabulary, name) = (Vocabulary::of(&resolved), local.as_ref().to_owned());
        let Ok(value) = unescape(&attribute.value) else {
            entity(at, &attribute.value, sink);
            return None;
        };
        if element.attributes.iter().any(|(v, n, _)| *v == vocabulary && *n == name) && vocabulary != Vocabulary::Other
        {
            sink.error(&codes::OVF_XML, at, format!("the attribute `{name}` is given twice"));
            return None;
        }
        element.attributes.push((vocabulary, name, value.into_owned()));
    }
    Some(element)
}
