//! Type definitions and derivation (TOSCA Simple Profile clause 3.7).

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::rc::Rc;

use super::builtin;
use super::constraint::Patterns;
use super::definition;
use super::names::nearest;
use crate::codes;
use crate::diag::{Pos, Sink};
use crate::yaml::Node;

/// The families of types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TypeKind {
    /// `node_types`.
    Node,
    /// `data_types`.
    Data,
    /// `capability_types`.
    Capability,
    /// `relationship_types`.
    Relationship,
    /// `interface_types`.
    Interface,
    /// `artifact_types`.
    Artifact,
    /// `policy_types`.
    Policy,
    /// `group_types`.
    Group,
}

impl TypeKind {
    /// All families with the section that defines them.
    pub const SECTIONS: [(&'static str, Self); 8] = [
        ("node_types", Self::Node),
        ("data_types", Self::Data),
        ("capability_types", Self::Capability),
        ("relationship_types", Self::Relationship),
        ("interface_types", Self::Interface),
        ("artifact_types", Self::Artifact),
        ("policy_types", Self::Policy),
        ("group_types", Self::Group),
    ];

    /// The word for messages.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Node => "node type",
            Self::Data => "data type",
            Self::Capability => "capability type",
            Self::Relationship => "relationship type",
            Self::Interface => "interface type",
            Self::Artifact => "artifact type",
            Self::Policy => "policy type",
            Self::Group => "group type",
        }
    }
}

/// One type definition.
#[derive(Clone, Debug)]
pub struct TypeDef {
    /// Where its name stands.
    pub at: Pos,
    /// Its parent, with the place that names it.
    pub parent: Option<(String, Pos)>,
    /// Its body.
    pub body: Node,
}

impl TypeDef {
    pub(super) fn new(at: Pos, body: &Node) -> Self {
        let parent = body.get("derived_from").and_then(|d| d.text().map(|t| (t.to_owned(), d.at)));
        Self { at, parent, body: body.clone() }
    }
}

/// The type of a value, with what limits it.
#[derive(Clone, Debug, Default)]
pub struct Schema {
    /// Type name, `string` when none is given.
    pub type_name: String,
    /// `constraints`.
    pub constraints: Option<Node>,
    /// `entry_schema` of a list or map.
    pub entry: Option<Box<Schema>>,
    /// `key_schema` of a map (from profile 1.3).
    pub key: Option<Box<Schema>>,
}

impl Schema {
    /// Reads a property definition, parameter definition or entry schema.
    #[must_use]
    pub fn read(node: &Node) -> Self {
        if let Some(name) = node.text() {
            return Self { type_name: name.to_owned(), ..Self::default() };
        }
        Self {
            type_name: node.get("type").and_then(Node::text).unwrap_or("string").to_owned(),
            constraints: node.get("constraints").cloned(),
            entry: node.get("entry_schema").map(|e| Box::new(Self::read(e))),
            key: node.get("key_schema").map(|e| Box::new(Self::read(e))),
        }
    }
}

impl Schema {
    /// The schema in the form in which descriptors write it: a plain name where there is nothing else to say.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        let mut map = serde_json::Map::new();
        for (key, schema) in [("key_schema", &self.key), ("entry_schema", &self.entry)] {
            if let Some(schema) = schema {
                map.insert(key.to_owned(), schema.to_json());
            }
        }
        if let Some(constraints) = &self.constraints {
            map.insert("constraints".to_owned(), constraints.to_json());
        }
        if map.is_empty() {
            return serde_json::Value::String(self.type_name.clone());
        }
        map.insert("type".to_owned(), serde_json::Value::String(self.type_name.clone()));
        serde_json::Value::Object(map)
    }
}

/// A property that a type declares, with what its ancestors say merged in.
#[derive(Clone, Debug)]
pub struct PropertyDef {
    /// Its name.
    pub name: String,
    /// Its type.
    pub schema: Schema,
    /// Whether a value must be given; the standard's default is yes.
    pub required: bool,
    /// The default value.
    pub default: Option<Node>,
    /// What it is for.
    pub description: Option<String>,
}

/// A requirement that a node type declares.
#[derive(Clone, Debug)]
pub struct RequirementDef {
    /// Its name.
    pub name: String,
    /// The capability type it looks for.
    pub capability: Option<String>,
    /// The node type it looks for.
    pub node: Option<String>,
    /// Fewest occurrences.
    pub min: i64,
    /// Most occurrences; `None` stands for any number.
    pub max: Option<i64>,
}

/// Names and types of capabilities.
pub(crate) type Capabilities = Rc<[(String, String)]>;
pub(super) type PropertyMap = BTreeMap<String, PropertyDef>;

/// All types known to a service template: its own, the imported ones, and the built-in ones behind them.
#[derive(Debug, Default)]
pub struct Types {
    own: HashMap<TypeKind, HashMap<String, TypeDef>>,
    /// Types that two published files define differently.
    ambiguous: HashSet<(TypeKind, String)>,
    /// `namespace_prefix` of the imports.
    prefixes: HashSet<String>,
    patterns: Patterns,
    pub(super) properties: RefCell<HashMap<TypeKind, HashMap<String, Rc<PropertyMap>>>>,
    pub(super) requirements: RefCell<HashMap<String, Rc<[RequirementDef]>>>,
    pub(super) capabilities: RefCell<HashMap<String, Capabilities>>,
}

/// Packages exist that define data types in the section of node types; their names tell what they are.
fn real_kind(kind: TypeKind, name: &str) -> TypeKind {
    if kind != TypeKind::Node {
        return kind;
    }
    match name.split('.').nth(1) {
        Some("datatypes") => TypeKind::Data,
        Some("capabilities") => TypeKind::Capability,
        Some("relationships") => TypeKind::Relationship,
        Some("interfaces") => TypeKind::Interface,
        Some("artifacts") => TypeKind::Artifact,
        Some("policies") => TypeKind::Policy,
        Some("groups") => TypeKind::Group,
        _ => kind,
    }
}

/// Longest derivation followed; deeper ones are circles that were already told.
const MAX_DEPTH: usize = 64;

impl Types {
    /// Takes the types of a file in. A type defined twice is told, the first definition stays.
    pub fn add_file(&mut self, root: &Node, sink: &mut Sink) {
        for (section, kind) in TypeKind::SECTIONS {
            for entry in root.get(section).iter().flat_map(|n| n.each()) {
                let kind = real_kind(kind, &entry.key);
                let family = self.own.entry(kind).or_default();
                let Some(first) = family.get(&entry.key) else {
                    if !self.ambiguous.contains(&(kind, entry.key.clone())) {
                        family.insert(entry.key.clone(), TypeDef::new(entry.key_at, &entry.value));
                    }
                    continue;
                };
                if first.at == entry.key_at {
                    continue;
                }
                // Version 2.6.1 publishes policies of one name for VNFDs and for NSDs; the built-in ones serve both.
                let files = [sink.file_name(first.at.file), sink.file_name(entry.key_at.file)];
                if builtin::publish_both(files)
                    && builtin::types().get(&kind).is_some_and(|f| f.contains_key(&entry.key))
                {
                    family.remove(&entry.key);
                    self.ambiguous.insert((kind, entry.key.clone()));
                    continue;
                }
                let first = sink.place(first.at);
                sink.warn(
                    &codes::TYPE_DUPLICATE,
                    entry.key_at,
                    format!("the {} `{}` is already defined at {first}", kind.word(), entry.key),
                    "keep one definition; the first one is used",
                );
            }
        }
    }

    /// Makes the prefix of an import known: `prefix:type` then means that type (TOSCA Simple Profile clause 3.6.8).
    pub(crate) fn add_prefix(&mut self, prefix: &str) {
        self.prefixes.insert(prefix.to_owned());
    }

    /// The name without the prefix of an import.
    pub(crate) fn plain<'n>(&self, name: &'n str) -> &'n str {
        if self.prefixes.is_empty() {
            return name;
        }
        match name.split_once(':') {
            Some((prefix, plain)) if self.prefixes.contains(prefix) => plain,
            _ => name,
        }
    }

    /// The compiled `pattern` constraints.
    pub(crate) fn patterns(&self) -> &Patterns {
        &self.patterns
    }

    /// A type by name: the package's own definition, else the built-in one.
    #[must_use]
    pub fn get(&self, kind: TypeKind, name: &str) -> Option<&TypeDef> {
        let name = self.plain(name);
        self.own.get(&kind).and_then(|f| f.get(name)).or_else(|| builtin::types().get(&kind)?.get(name))
    }

    /// Whether the package itself defines the type.
    #[must_use]
    pub fn is_own(&self, kind: TypeKind, name: &str) -> bool {
        self.own.get(&kind).is_some_and(|f| f.contains_key(name))
    }

    /// The names of the built-in types of a family.
    pub fn builtin_names(kind: TypeKind) -> impl Iterator<Item = &'static str> {
        builtin::types().get(&kind).into_iter().flat_map(|f| f.keys()).map(String::as_str)
    }

    /// The package's own types of a family, by name.
    #[must_use]
    pub fn own(&self, kind: TypeKind) -> Vec<(&str, &TypeDef)> {
        let mut found: Vec<_> = self.own.get(&kind).into_iter().flatten().map(|(n, d)| (n.as_str(), d)).collect();
        found.sort_by_key(|(name, _)| *name);
        found
    }

    /// The type and its ancestors, itself first.
    pub fn chain<'a>(&'a self, kind: TypeKind, name: &str) -> impl Iterator<Item = &'a TypeDef> + use<'a> {
        let mut next = self.get(kind, name);
        std::iter::from_fn(move || {
            let def = next.take()?;
            next = def.parent.as_ref().and_then(|(parent, _)| self.get(kind, parent));
            Some(def)
        })
        .take(MAX_DEPTH)
    }

    /// Whether `name` is `ancestor` or derives from it.
    #[must_use]
    pub fn is_a(&self, kind: TypeKind, name: &str, ancestor: &str) -> bool {
        let leads_there = |d: &TypeDef| d.parent.as_ref().is_some_and(|(p, _)| self.plain(p) == ancestor);
        self.plain(name) == ancestor || self.chain(kind, name).any(leads_there)
    }

    /// Tells unknown parents and circles of derivation among the package's own types.
    pub fn check(&self, sink: &mut Sink) {
        for (section, kind) in TypeKind::SECTIONS {
            let mut graph: BTreeMap<String, Vec<String>> = BTreeMap::new();
            for (name, def) in self.own(kind) {
                if !matches!(def.body.kind(), crate::yaml::Kind::Map(_) | crate::yaml::Kind::Null) {
                    sink.error_mend(
                        &codes::TOSCA_SHAPE,
                        def.body.at,
                        format!("the {} `{name}` must be a map, this is {}", kind.word(), def.body.shape()),
                        format!("write its definition below its name in `{section}`"),
                    );
                }
                let Some((parent, at)) = &def.parent else { continue };
                graph.insert(name.to_owned(), vec![self.plain(parent).to_owned()]);
                let primitive = kind == TypeKind::Data && super::check::is_primitive(parent);
                if self.get(kind, parent).is_none() && !primitive {
                    self.unknown(kind, parent, *at, sink);
                }
            }
            for (name, def) in self.own(kind) {
                definition::check(self, kind, name, def, sink);
            }
            if let Some(circle) = crate::nsd::cycle(&graph) {
                let at = circle.first().and_then(|n| self.get(kind, n)).and_then(|d| d.parent.as_ref().map(|p| p.1));
                sink.error_mend(
                    &codes::TYPE_CYCLE,
                    at,
                    format!("{}s derive from each other in a circle: {}", kind.word(), circle.join(" -> ")),
                    "let one of them derive from a standard type",
                );
            }
        }
    }

    /// Tells an unknown type, with the nearest known name.
    pub fn unknown(&self, kind: TypeKind, name: &str, at: Pos, sink: &mut Sink) {
        if sink.is_full() {
            return sink.unworded_error();
        }
        let families = [self.own.get(&kind), builtin::types().get(&kind)];
        let known = families.into_iter().flatten().flat_map(|f| f.keys()).map(String::as_str);
        let mend = match nearest(name, known) {
            Some(near) => format!("did you mean `{near}`? If not, import the file that defines it"),
            None => "import the file that defines it".to_owned(),
        };
        sink.error_mend(&codes::TYPE_UNKNOWN, at, format!("the {} `{name}` is not defined", kind.word()), mend);
    }
}
