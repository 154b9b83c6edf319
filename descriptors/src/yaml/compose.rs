//! From parser events to a tree, within a budget.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;

use serde_saphyr::granit_parser::{self, Event, Parser};

use super::{Entry, Kind, Node, Scalar};
use crate::codes;
use crate::diag::{FileId, Pos, Sink};

/// What one file may at most unfold to.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// Nodes, counting an alias as all it stands for.
    pub nodes: usize,
    /// Nesting depth.
    pub depth: usize,
}

/// An open collection.
struct Frame {
    at: Pos,
    anchor: usize,
    kind: FrameKind,
    /// Nodes below, with aliases unfolded.
    weight: usize,
}

enum FrameKind {
    Seq(Vec<Node>),
    Map { entries: Vec<Entry>, keys: HashMap<String, u32>, key: Option<(Option<String>, Pos)>, merges: Vec<Node> },
}

struct Composer<'a> {
    file: FileId,
    budget: Budget,
    sink: &'a mut Sink,
    frames: Vec<Frame>,
    anchors: HashMap<usize, (Node, usize)>,
    root: Option<Node>,
    total: usize,
}

/// Parses the one document in `text`. Faults go to `sink`; `None` when there is no usable tree.
pub fn parse(file: FileId, text: &str, budget: Budget, sink: &mut Sink) -> Option<Node> {
    let options = granit_parser::options! { emit_comments: false, flow_nesting_limit: 200, block_nesting_limit: 200 };
    let mut composer =
        Composer { file, budget, sink, frames: Vec::new(), anchors: HashMap::new(), root: None, total: 0 };
    let mut documents = 0;
    for next in Parser::new_from_str_with_options(text, options) {
        let (event, span) = match next {
            Ok(next) => next,
            Err(e) => {
                let at = composer.pos(e.marker());
                composer.sink.error(&codes::YAML_SYNTAX, at, format!("this is not valid YAML: {}", e.info()));
                return None;
            }
        };
        let at = composer.pos(&span.start);
        if matches!(event, Event::DocumentStart(..)) {
            documents += 1;
            if documents > 1 {
                composer.sink.error_mend(
                    &codes::YAML_DOCUMENTS,
                    at,
                    "a second document begins here; a TOSCA file holds one",
                    "move it to a file of its own",
                );
                break;
            }
        }
        composer.event(event, at)?;
    }
    if composer.root.is_none() {
        let at = Pos { file, line: 1, column: 1 };
        composer.sink.error_mend(
            &codes::YAML_DOCUMENTS,
            at,
            "the file holds no value",
            "write the file, or take it away",
        );
    }
    composer.root
}

impl Composer<'_> {
    fn pos(&self, mark: &granit_parser::Marker) -> Pos {
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Pos { file: self.file, line: number(mark.line()).max(1), column: number(mark.col()).saturating_add(1) }
    }

    /// Handles one event; `None` when the budget is spent.
    fn event(&mut self, event: Event<'_>, at: Pos) -> Option<()> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let plain = style == granit_parser::ScalarStyle::Plain
                    && tag.as_ref().is_none_or(|t| t.core_suffix() != Some("str"));
                let kind = if plain && matches!(&*text, "" | "~" | "null" | "Null" | "NULL") {
                    Kind::Null
                } else {
                    Kind::Scalar(Scalar { text: text.into_owned(), plain })
                };
                let node = Node::new(at, kind);
                self.place(node, anchor, 1)
            }
            Event::SequenceStart(_, anchor, _) => {
                self.open(Frame { at, anchor, kind: FrameKind::Seq(Vec::new()), weight: 1 })
            }
            Event::MappingStart(_, anchor, _) => {
                let kind = FrameKind::Map { entries: Vec::new(), keys: HashMap::new(), key: None, merges: Vec::new() };
                self.open(Frame { at, anchor, kind, weight: 1 })
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(frame) = self.frames.pop() else { return Some(()) };
                let kind = match frame.kind {
                    FrameKind::Seq(items) => Kind::Seq(items),
                    FrameKind::Map { mut entries, mut keys, merges, .. } => {
                        merge(&mut entries, &mut keys, &merges);
                        Kind::Map(entries)
                    }
                };
                // Its parts were counted when they came.
                self.total -= frame.weight - 1;
                self.place(Node::new(frame.at, kind), frame.anchor, frame.weight)
            }
            Event::Alias(id) => {
                let Some((node, weight)) = self.anchors.get(&id).map(|(n, w)| (n.moved(at), *w)) else {
                    self.sink.error(&codes::YAML_SYNTAX, at, "an alias refers to a value it is itself a part of");
                    return None;
                };
                self.place(node, 0, weight)
            }
            _ => Some(()),
        }
    }

    fn open(&mut self, frame: Frame) -> Option<()> {
        if self.frames.len() >= self.budget.depth {
            self.sink.error_mend(
                &codes::YAML_BUDGET,
                frame.at,
                format!("values are nested more than {} deep", self.budget.depth),
                "make the structure flatter",
            );
            return None;
        }
        self.frames.push(frame);
        Some(())
    }

    fn place(&mut self, node: Node, anchor: usize, weight: usize) -> Option<()> {
        self.total = self.total.saturating_add(weight);
        if self.total > self.budget.nodes {
            self.sink.error_mend(
                &codes::YAML_BUDGET,
                node.at,
                format!("the file unfolds to more than {} values", self.budget.nodes),
                "use fewer aliases, or split the file",
            );
            return None;
        }
        if anchor != 0 {
            self.anchors.insert(anchor, (node.clone(), weight));
        }
        let Some(frame) = self.frames.last_mut() else {
            self.root = Some(node);
            return Some(());
        };
        frame.weight = frame.weight.saturating_add(weight);
        match &mut frame.kind {
            FrameKind::Seq(items) => items.push(node),
            FrameKind::Map { entries, keys, key, merges } => match key.take() {
                None => {
                    let name = match node.kind() {
                        Kind::Scalar(s) => Some(s.text.clone()),
                        Kind::Null => Some(String::new()),
                        _ => {
                            self.sink.error_mend(
                                &codes::YAML_KEY,
                                node.at,
                                format!("a key must be a plain value, this is {}", node.shape()),
                                "write a name as the key",
                            );
                            None
                        }
                    };
                    *key = Some((name, node.at));
                }
                Some((None, _)) => {}
                Some((Some(name), _)) if name == "<<" => merges.push(node),
                Some((Some(name), key_at)) => match keys.entry(name.clone()) {
                    Slot::Vacant(slot) => {
                        slot.insert(key_at.line);
                        entries.push(Entry { key: name, key_at, value: node });
                    }
                    Slot::Occupied(first) => self.sink.error_mend(
                        &codes::YAML_DUPLICATE_KEY,
                        key_at,
                        format!("the key `{name}` appears twice, first in line {}", first.get()),
                        "keep one of the two",
                    ),
                },
            },
        }
        Some(())
    }
}

/// Takes over the entries of merged mappings whose keys are not there yet.
fn merge(entries: &mut Vec<Entry>, keys: &mut HashMap<String, u32>, merges: &[Node]) {
    let sources = merges.iter().flat_map(|m| m.items().unwrap_or(std::slice::from_ref(m)));
    for entry in sources.flat_map(Node::each) {
        if keys.insert(entry.key.clone(), entry.key_at.line).is_none() {
            entries.push(entry.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn read(text: &str) -> (Option<Node>, crate::diag::Diagnostics) {
        let mut sink = Sink::new();
        let file = sink.add_source("t.yaml", text);
        let node = parse(file, text, Budget { nodes: 10_000, depth: 20 }, &mut sink);
        (node, sink.finish())
    }

    #[test]
    fn text_and_places_are_kept() {
        let (node, found) = read("a: 1.0\nb: [x, '2']\nc:\n  d: 017\n");
        assert!(found.is_empty());
        let node = node.unwrap();
        assert_eq!(node.get("a").unwrap().text(), Some("1.0"));
        let d = node.dig(&["c", "d"]).unwrap();
        assert_eq!((d.at.line, d.at.column), (4, 6));
        assert_eq!(node.to_json(), serde_json::json!({"a": 1.0, "b": ["x", "2"], "c": {"d": "017"}}));
    }

    #[test]
    fn anchors_and_merge_keys() {
        let (node, found) = read("base: &b {x: 1, y: 2}\nuse:\n  <<: *b\n  y: 3\nagain: *b\n");
        assert!(found.is_empty(), "{found}");
        let node = node.unwrap();
        assert_eq!(node.get("use").unwrap().to_json(), serde_json::json!({"y": 3, "x": 1}));
        assert_eq!(node.get("again").unwrap().at.line, 5);
    }

    #[test]
    fn duplicate_keys_are_all_told() {
        let (_, found) = read("a: 1\na: 2\nb:\n  c: 1\n  c: 2\n? [k]\n: v\n");
        let at: Vec<_> = found.iter().map(|d| (d.code.as_ref(), d.line.unwrap())).collect();
        assert_eq!(at, [("YAML-0002", 2), ("YAML-0002", 5), ("YAML-0005", 6)]);
    }

    #[test]
    fn a_file_without_a_value_is_told() {
        for text in ["", "\n \n", "# only a comment\n", "%YAML 1.2\n", "\u{feff}"] {
            let (node, found) = read(text);
            assert!(node.is_some() || found.has_errors(), "{text:?}");
        }
        assert_eq!(read("").1.iter().next().unwrap().code, "YAML-0004");
    }

    #[test]
    fn alias_bomb_is_refused_at_once() {
        let mut bomb = String::from("a0: &a0 [x,x,x,x,x,x,x,x,x]\n");
        for i in 1..40 {
            let parts = vec![format!("*a{}", i - 1); 9].join(",");
            bomb.push_str(&format!("a{i}: &a{i} [{parts}]\n"));
        }
        let start = std::time::Instant::now();
        let (node, found) = read(&bomb);
        assert!(node.is_none());
        assert_eq!(found.iter().next().unwrap().code, "YAML-0003");
        assert!(start.elapsed() < std::time::Duration::from_secs(1));
    }

    #[test]
    fn depth_syntax_and_second_documents_are_told() {
        let deep: String = (0..40).map(|i| format!("{}a:\n", " ".repeat(i))).collect();
        assert_eq!(read(&deep).1.iter().next().unwrap().code, "YAML-0003");
        // The parser's own bound is met first here; what matters is a quick refusal.
        assert!(read(&"[".repeat(5000)).1.has_errors());
        let (_, found) = read("a: [1, 2\nb: 3\n");
        assert_eq!(found.iter().next().unwrap().code, "YAML-0001");
        assert_eq!(read("a: 1\n---\nb: 2\n").1.iter().next().unwrap().code, "YAML-0004");
        let (_, own) = read("a: &a [*a]\n");
        assert_eq!(own.iter().next().unwrap().code, "YAML-0001");
    }
}
