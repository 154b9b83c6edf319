//! Topology templates: nodes, groups, policies, inputs, substitution (TOSCA Simple Profile clause 3.8).

use std::collections::BTreeMap;

use crate::codes;
use crate::diag::{Pos, Sink};
use crate::yaml::{Entry, Kind, Node};

/// A topology template.
#[derive(Debug)]
pub(crate) struct Topology {
    /// Where it begins.
    pub at: Pos,
    /// `inputs`.
    pub inputs: Vec<Entry>,
    /// `node_templates`, in order.
    pub nodes: Vec<NodeTemplate>,
    /// `relationship_templates`: name, place, body.
    pub relationships: Vec<Entry>,
    /// `groups`: name, place, body.
    pub groups: Vec<Entry>,
    /// `policies`, in order.
    pub policies: Vec<Policy>,
    /// `substitution_mappings`.
    pub substitution: Option<Node>,
    /// Everything else, such as `outputs` and `workflows`.
    pub extra: serde_json::Value,
    index: BTreeMap<String, usize>,
    group_index: BTreeMap<String, usize>,
}

/// A node template.
#[derive(Debug)]
pub(crate) struct NodeTemplate {
    pub name: String,
    /// Where its name stands.
    pub at: Pos,
    pub type_name: String,
    pub type_at: Pos,
    pub body: Node,
    /// `properties`, or an empty map.
    pub properties: Node,
    pub requirements: Vec<Requirement>,
    /// The file it stands in, for paths of artifacts.
    pub file: String,
}

/// A requirement of a node template.
#[derive(Clone, Debug)]
pub(crate) struct Requirement {
    pub name: String,
    pub at: Pos,
    /// The node it leads to, with its place.
    pub target: Option<(String, Pos)>,
    /// The relationship type it names, with its place.
    pub relationship: Option<(String, Pos)>,
    /// What its long form says beside the node.
    pub extra: serde_json::Value,
}

/// A policy.
#[derive(Debug)]
pub(crate) struct Policy {
    pub name: String,
    pub at: Pos,
    pub type_name: String,
    pub type_at: Pos,
    pub properties: Node,
    pub targets: Vec<(String, Pos)>,
    pub body: Node,
}

impl Topology {
    /// Reads the parts; wrong shapes go to `sink`.
    pub fn read(node: &Node, file: &str, sink: &mut Sink) -> Self {
        if node.entries().is_none() {
            shape(sink, node, "topology_template", "a map");
        }
        let section = |key: &str, sink: &mut Sink| -> Vec<Entry> {
            match node.get(key) {
                None => Vec::new(),
                Some(n) if n.entries().is_some() => n.each().cloned().collect(),
                Some(n) => {
                    shape(sink, n, key, "a map of names");
                    Vec::new()
                }
            }
        };
        let inputs = section("inputs", sink);
        let groups = section("groups", sink);
        let relationships = section("relationship_templates", sink);
        let nodes: Vec<NodeTemplate> =
            section("node_templates", sink).into_iter().filter_map(|e| NodeTemplate::read(e, file, sink)).collect();
        let mut policies = Vec::new();
        for entry in listed(node.get("policies"), "policies", sink) {
            policies.extend(Policy::read(&entry, sink));
        }
        let index = nodes.iter().enumerate().map(|(i, n)| (n.name.clone(), i)).collect();
        let group_index = groups.iter().enumerate().map(|(i, g)| (g.key.clone(), i)).collect();
        let substitution = node.get("substitution_mappings").cloned();
        let known = ["inputs", "node_templates", "groups", "policies", "substitution_mappings"];
        let mut extra = others(node, &known);
        // What is mapped beyond the node type, the flavour and its connection points.
        let mapped = ["node_type", "properties", "substitution_filter", "requirements"];
        let beyond = substitution.as_ref().map(|s| others(s, &mapped)).unwrap_or_default();
        if !beyond.is_null() {
            let mut map = extra.as_object().cloned().unwrap_or_default();
            map.insert("substitution_mappings".to_owned(), beyond);
            extra = serde_json::Value::Object(map);
        }
        Self { at: node.at, inputs, nodes, relationships, groups, policies, substitution, extra, index, group_index }
    }

    /// A node template by name.
    pub fn node(&self, name: &str) -> Option<&NodeTemplate> {
        self.index.get(name).and_then(|i| self.nodes.get(*i))
    }

    /// Names of all node templates.
    pub fn node_names(&self) -> impl Iterator<Item = &str> {
        self.index.keys().map(String::as_str)
    }

    /// The requirement mappings of the substitution: name, place, and the words given: a node and its requirement.
    pub fn requirement_mappings(&self) -> Vec<(String, Pos, Vec<String>)> {
        let mapping = self.substitution.as_ref().and_then(|s| s.get("requirements"));
        let maps = mapping.iter().flat_map(|m| m.items().unwrap_or(std::slice::from_ref(*m)));
        maps.flat_map(Node::each)
            .map(|e| {
                // Profile 1.3 also has a long form with the words under `mapping`.
                let words = e.value.get("mapping").unwrap_or(&e.value).items().unwrap_or_default();
                (e.key.clone(), e.key_at, words.iter().filter_map(|w| w.text().map(str::to_owned)).collect())
            })
            .collect()
    }

    /// The flavour that the substitution stands for: a property of the mapping, or a condition of its filter
    /// (`substitution_filter`, from profile 1.3).
    pub fn mapped_flavour(&self) -> Option<&Node> {
        let mapping = self.substitution.as_ref()?;
        if let Some(id) = mapping.dig(&["properties", "flavour_id"]) {
            return Some(id);
        }
        let conditions = mapping.dig(&["substitution_filter", "properties"])?;
        let conditions = conditions.items().unwrap_or(std::slice::from_ref(conditions));
        let condition = conditions.iter().find_map(|c| c.get("flavour_id"))?;
        let clauses = condition.items().unwrap_or(std::slice::from_ref(condition));
        clauses.iter().find_map(|c| c.get("equal").or(Some(c).filter(|c| c.text().is_some())))
    }

    /// A group by name.
    pub fn group(&self, name: &str) -> Option<&Entry> {
        self.group_index.get(name).and_then(|i| self.groups.get(*i))
    }
}

/// The entries of a map under other keys than these, `null` where there are none.
pub(crate) fn others(node: &Node, known: &[&str]) -> serde_json::Value {
    let left: serde_json::Map<_, _> = node
        .each()
        .filter(|e| !known.contains(&e.key.as_str()) && !e.value.is_null())
        .map(|e| (e.key.clone(), e.value.to_json()))
        .collect();
    if left.is_empty() { serde_json::Value::Null } else { serde_json::Value::Object(left) }
}

/// Lists of single-entry maps, the way TOSCA writes requirements and policies; a plain map is taken too.
fn listed(node: Option<&Node>, what: &str, sink: &mut Sink) -> Vec<Entry> {
    let Some(node) = node else { return Vec::new() };
    match node.kind() {
        Kind::Seq(items) => {
            let mut found = Vec::new();
            for item in items.iter().filter(|i| !i.is_null()) {
                match item.entries() {
                    Some(entries) => found.extend(entries.iter().cloned()),
                    None => shape(sink, item, &format!("each of `{what}`"), "a name with its value"),
                }
            }
            found
        }
        Kind::Map(entries) => entries.clone(),
        _ => {
            shape(sink, node, what, "a list");
            Vec::new()
        }
    }
}

pub(super) fn shape(sink: &mut Sink, node: &Node, what: &str, expected: &str) {
    sink.error(&codes::TOSCA_SHAPE, node.at, format!("`{what}` must be {expected}, this is {}", node.shape()));
}

impl NodeTemplate {
    fn read(entry: Entry, file: &str, sink: &mut Sink) -> Option<Self> {
        let Entry { key: name, key_at: at, value: body } = entry;
        let (type_name, type_at) = type_of(&body, "node template", &name, at, sink)?;
        let properties = match body.get("properties") {
            Some(p) if p.entries().is_some() => p.clone(),
            Some(p) => {
                shape(sink, p, "properties", "a map");
                Node::map(p.at, Vec::new())
            }
            None => Node::map(at, Vec::new()),
        };
        let requirements = listed(body.get("requirements"), "requirements", sink)
            .into_iter()
            .map(|r| {
                let target = r.value.get("node").unwrap_or(&r.value);
                let target = target.text().map(|t| (t.to_owned(), target.at));
                let relationship = r.value.get("relationship").map(|n| n.get("type").unwrap_or(n));
                let relationship = relationship.and_then(|n| Some((n.text()?.to_owned(), n.at)));
                let extra = others(&r.value, &["node"]);
                Requirement { name: r.key, at: r.key_at, target, relationship, extra }
            })
            .collect();
        Some(Self { name, at, type_name, type_at, body, properties, requirements, file: file.to_owned() })
    }

    /// The node a requirement leads to, the first of that name.
    pub fn target<'a>(&'a self, requirement: &str) -> Option<&'a str> {
        self.targets(requirement).next().map(|(n, _)| n)
    }

    /// All nodes that requirements of this name lead to.
    pub fn targets<'a, 'r>(&'a self, requirement: &'r str) -> impl Iterator<Item = (&'a str, Pos)> + use<'a, 'r> {
        self.requirements
            .iter()
            .filter(move |r| r.name == requirement)
            .filter_map(|r| r.target.as_ref().map(|(n, at)| (n.as_str(), *at)))
    }

    /// The properties of a capability.
    pub fn capability(&self, name: &str) -> Option<&Node> {
        self.body.dig(&["capabilities", name, "properties"])
    }

    /// `metadata` as text values.
    pub fn metadata(&self) -> BTreeMap<String, String> {
        let entries = self.body.get("metadata");
        entries
            .iter()
            .flat_map(|m| m.each())
            .filter_map(|e| Some((e.key.clone(), e.value.text()?.to_owned())))
            .collect()
    }
}

fn type_of(body: &Node, what: &str, name: &str, at: Pos, sink: &mut Sink) -> Option<(String, Pos)> {
    if body.entries().is_none() {
        sink.error(&codes::TOSCA_SHAPE, at, format!("the {what} `{name}` must be a map, this is {}", body.shape()));
        return None;
    }
    match body.get("type").and_then(|t| t.text().map(|text| (text.to_owned(), t.at))) {
        Some(found) => Some(found),
        None => {
            sink.error_mend(
                &codes::TOSCA_SHAPE,
                at,
                format!("the {what} `{name}` has no type"),
                "add `type: <type name>`",
            );
            None
        }
    }
}

impl Policy {
    fn read(entry: &Entry, sink: &mut Sink) -> Option<Self> {
        let (type_name, type_at) = type_of(&entry.value, "policy", &entry.key, entry.key_at, sink)?;
        let mut targets = Vec::new();
        if let Some(list) = entry.value.get("targets") {
            for item in list.items().unwrap_or(std::slice::from_ref(list)) {
                match item.text() {
                    Some(text) => targets.push((text.to_owned(), item.at)),
                    None => shape(sink, item, "targets", "a list of names"),
                }
            }
        }
        let properties = entry.value.get("properties").cloned();
        Some(Self {
            name: entry.key.clone(),
            at: entry.key_at,
            type_name,
            type_at,
            properties: properties.unwrap_or_else(|| Node::map(entry.key_at, Vec::new())),
            targets,
            body: entry.value.clone(),
        })
    }
}
