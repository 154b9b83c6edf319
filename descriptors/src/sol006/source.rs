//! From the bytes of a file to the descriptors in it, whatever the encoding: JSON by RFC 7951, XML by RFC 7950, or the YAML
//! of Open Source MANO; below `nfv`, or as `vnfd`, `nsd` and `pnfd` of the modules with those names.

use super::conform::bare;
use super::{MAX_BYTES, MAX_DEPTH, MAX_NODES, osm, xml};
use crate::codes;
use crate::diag::{FileId, Pos, Sink};
use crate::yaml::{self, Budget, Entry, Node};

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// XML (RFC 7950).
    Xml,
    /// JSON (RFC 7951).
    Json,
    /// YAML, as Open Source MANO packages have it.
    Yaml,
}

/// The descriptors of a file, not yet held against the schema.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub vnfds: Vec<Node>,
    pub nsds: Vec<Node>,
    pub pnfds: Vec<Node>,
}

/// Names under which descriptors stood in the information model that Open Source MANO had before SOL006.
const OLD: [&str; 2] = ["vnfd-catalog", "nsd-catalog"];

/// What the bytes look like, without reading them whole; `None` when they are no SOL006 descriptor.
#[must_use]
pub fn looks_like(bytes: &[u8]) -> Option<Encoding> {
    const HEAD: usize = 64 * 1024;
    let head = String::from_utf8_lossy(bytes.get(..HEAD).unwrap_or(bytes));
    let text = head.trim_start_matches('\u{feff}').trim_start();
    if text.starts_with('<') {
        let named = ["<nfv", "<vnfd", "<nsd", "<pnfd"].iter().any(|n| text.contains(n));
        return (named || text.contains("urn:etsi:nfv:yang:")).then_some(Encoding::Xml);
    }
    let of_root = |name: &str| {
        let bare = bare(name);
        ["nfv", "vnfd", "nsd", "pnfd"].contains(&bare) || OLD.contains(&bare)
    };
    if let Some(inner) = text.strip_prefix('{') {
        let key = inner.trim_start().strip_prefix('"').and_then(|k| k.split('"').next());
        return key.is_some_and(of_root).then_some(Encoding::Json);
    }
    let mut lines = text.lines().map(str::trim_end);
    let root = |line: &str| {
        line.rsplit_once(':').is_some_and(|(name, rest)| rest.is_empty() && of_root(name.trim_matches('"')))
    };
    lines.any(root).then_some(Encoding::Yaml).filter(|_| !text.contains("tosca_definitions_version"))
}

/// Reads the file to its descriptors; `None` when it cannot be read at all.
pub(super) fn read(name: &str, bytes: &[u8], sink: &mut Sink) -> Option<(FileId, Encoding, Found)> {
    if bytes.len() > MAX_BYTES {
        let file = sink.add_source(name, "");
        sink.error_mend(
            &codes::TOO_LARGE,
            Pos::whole(file),
            format!("the file has {} bytes; a descriptor may have {MAX_BYTES}", bytes.len()),
            "keep files that are no descriptor beside it",
        );
        return None;
    }
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text.trim_start_matches('\u{feff}'),
        Err(e) => {
            let file = sink.add_source(name, String::from_utf8_lossy(bytes));
            let before = bytes.get(..e.valid_up_to()).unwrap_or_default();
            let line = before.iter().filter(|b| **b == b'\n').count() + 1;
            let column = String::from_utf8_lossy(before).chars().rev().take_while(|c| *c != '\n').count() + 1;
            let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
            let at = Pos { file, line: number(line), column: number(column) };
            let is_yaml = !bytes.trim_ascii_start().starts_with(b"<") && !bytes.trim_ascii_start().starts_with(b"{");
            let code = if is_yaml { &codes::YAML_ENCODING } else { &codes::YANG_XML };
            sink.error_mend(code, at, "this is not UTF-8 text", "write the file in UTF-8");
            return None;
        }
    };
    let file = sink.add_source(name, text);
    let (encoding, tree) = parse(file, text, sink)?;
    let found = descriptors(&tree, sink)?;
    if encoding == Encoding::Yaml {
        osm::encoding(tree.each().next().map_or(tree.at, |e| e.key_at), sink);
    }
    Some((file, encoding, found))
}

fn parse(file: FileId, text: &str, sink: &mut Sink) -> Option<(Encoding, Node)> {
    let start = text.trim_start();
    if start.starts_with('<') {
        return Some((Encoding::Xml, xml::parse(file, text, sink)?));
    }
    let budget = Budget { nodes: MAX_NODES, depth: MAX_DEPTH };
    if start.starts_with(['{', '[']) {
        // The parser of YAML keeps the places; what is JSON and what is not, the one of JSON knows.
        if let Err(e) = serde_json::from_str::<serde::de::IgnoredAny>(text) {
            let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
            let at = Pos { file, line: number(e.line()), column: number(e.column()).max(1) };
            let words = e.to_string();
            let words = words.split(" at line ").next().unwrap_or_default();
            sink.error(&codes::YANG_XML, at, format!("this is not valid JSON: {words}"));
            return None;
        }
        return Some((Encoding::Json, yaml::parse(file, text, budget, sink)?));
    }
    Some((Encoding::Yaml, yaml::parse(file, text, budget, sink)?))
}

/// The descriptors of the document.
fn descriptors(tree: &Node, sink: &mut Sink) -> Option<Found> {
    let mut found = Found::default();
    let old = || tree.each().find(|e| OLD.contains(&bare(&e.key)));
    if let Some(entry) = old() {
        sink.error_mend(
            &codes::OSM_OLD,
            entry.key_at,
            format!(
                "`{}` is of the information model that Open Source MANO had before release 9, not of SOL006",
                entry.key
            ),
            "convert it with the tools of Open Source MANO, or write it anew",
        );
        return None;
    }
    gather(tree, 0, &mut found, sink);
    if found.vnfds.is_empty() && found.nsds.is_empty() && found.pnfds.is_empty() && !sink.has_errors() {
        sink.error_mend(
            &codes::YANG_ROOT,
            tree.at,
            "the file holds no descriptor of SOL006",
            "put it below `etsi-nfv-descriptors:nfv`, or name it `vnfd`, `nsd` or `pnfd`",
        );
    }
    (!sink.has_errors()).then_some(found)
}

fn gather(node: &Node, depth: usize, found: &mut Found, sink: &mut Sink) {
    for entry in node.each() {
        let name = bare(&entry.key);
        match name {
            "vnfd" => found.vnfds.extend(entries(&entry.value, name)),
            "nsd" => found.nsds.extend(entries(&entry.value, name)),
            "pnfd" => found.pnfds.extend(entries(&entry.value, name)),
            // `nfv`, and what management protocols put around data.
            "nfv" | "data" | "config" | "instance-data-set" | "content-data" if depth < 4 => {
                gather(&entry.value, depth + 1, found, sink);
            }
            _ if entry.key.starts_with('@') || depth == 0 && entry.value.text().is_some() => {}
            _ => sink.warn(
                &codes::YANG_UNKNOWN,
                entry.key_at,
                format!("`{}` is no node beside descriptors; it is passed over", entry.key),
                "take it away",
            ),
        }
    }
}

/// The descriptors below a name: a list of them, one, or a container with a list of the same name in it.
fn entries(node: &Node, name: &str) -> Vec<Node> {
    if let Some(items) = node.items() {
        return items.to_vec();
    }
    let inner = |e: &&Entry| bare(&e.key) == name && e.value.text().is_none();
    match node.each().find(inner).filter(|_| node.get("id").is_none()) {
        Some(inner) => inner.value.items().map_or_else(|| vec![inner.value.clone()], <[Node]>::to_vec),
        None => vec![node.clone()],
    }
}
