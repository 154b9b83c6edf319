//! Intrinsic functions: computing what can be known from the descriptor, keeping the rest as an [`Expr`]
//! (TOSCA Simple Profile clause 4).

use std::cell::RefCell;
use std::collections::BTreeMap;

use serde_json::Value;

use super::names::nearest;
use super::template::{NodeTemplate, Topology};
use super::types::{Schema, TypeKind, Types};
use crate::codes;
use crate::diag::{Pos, Sink};
use crate::expr::{Environment, Expr, text_of};
use crate::yaml::{Entry, Kind, Node};

const FUNCTIONS: [&str; 8] =
    ["get_input", "get_property", "get_attribute", "concat", "join", "token", "get_artifact", "get_operation_output"];

/// The function and its arguments, when the value is a call.
fn call(node: &Node) -> Option<(&str, &Node)> {
    match node.entries()? {
        [one] if FUNCTIONS.contains(&one.key.as_str()) => Some((one.key.as_str(), &one.value)),
        _ => None,
    }
}

/// Whether the value is a function call.
pub(crate) fn is_function(node: &Node) -> bool {
    call(node).is_some()
}

/// Whether a function call stands anywhere in the value.
pub(crate) fn has_function(node: &Node) -> bool {
    is_function(node)
        || node.items().is_some_and(|i| i.iter().any(has_function))
        || node.entries().is_some_and(|e| e.iter().any(|e| has_function(&e.value)))
}

/// Deepest chain of references followed.
const MAX_DEPTH: usize = 40;

/// Nothing is given: only declared defaults count.
struct Defaults;

impl Environment for Defaults {
    fn input(&self, _: &[String]) -> Option<Value> {
        None
    }
    fn vnf_property(&self, _: &[String]) -> Option<Value> {
        None
    }
}

/// How calls are understood in one topology.
pub(crate) struct Scope<'a> {
    pub topology: &'a Topology,
    pub types: &'a Types,
    /// Inputs with known values, such as the VNF properties that feed a flavour's template.
    pub inputs: BTreeMap<String, Node>,
    /// The node template that stands for the VNF or NS itself; its configurable properties stay open.
    pub owner: Option<String>,
    /// Whether addresses of nodes may be meant by `get_attribute`, as in an NSD.
    pub addresses: bool,
    told: RefCell<Vec<(Pos, &'static codes::Code, String, String)>>,
}

/// Properties of the VNF that are set per instance.
const OPEN: [&str; 2] = ["configurable_properties", "modifiable_attributes"];

impl<'a> Scope<'a> {
    pub fn new(topology: &'a Topology, types: &'a Types) -> Self {
        Self { topology, types, inputs: BTreeMap::new(), owner: None, addresses: false, told: RefCell::default() }
    }

    /// Moves what was noticed on the way into `sink`.
    pub fn tell(&self, sink: &mut Sink) {
        for (at, code, message, mend) in self.told.borrow_mut().drain(..) {
            sink.error_mend(code, at, message, mend);
        }
    }

    fn fault(&self, at: Pos, code: &'static codes::Code, message: String, mend: String) {
        self.told.borrow_mut().push((at, code, message, mend));
    }

    /// The value with every call replaced that can be computed now; calls that cannot stay as they are.
    pub fn eval(&self, node: &Node, own: Option<&NodeTemplate>) -> Node {
        self.eval_at(node, own, 0)
    }

    fn eval_at(&self, node: &Node, own: Option<&NodeTemplate>, depth: usize) -> Node {
        if !has_function(node) {
            return node.clone();
        }
        if depth > MAX_DEPTH {
            self.fault(
                node.at,
                &codes::FUNCTION_CYCLE,
                "this value is defined, over other values, by itself".to_owned(),
                "give one of them a value of its own".to_owned(),
            );
            return Node::new(node.at, Kind::Null);
        }
        if call(node).is_some() {
            // What depends only on inputs with defaults has a value for the descriptor's own sake.
            return match self.expr_at(node, own, depth).resolve(&Defaults) {
                Ok(value) => Node::from_json(node.at, &value),
                Err(_) => node.clone(),
            };
        }
        match node.kind() {
            Kind::Seq(items) => {
                Node::new(node.at, Kind::Seq(items.iter().map(|i| self.eval_at(i, own, depth + 1)).collect()))
            }
            Kind::Map(entries) => Node::map(
                node.at,
                entries
                    .iter()
                    .map(|e| Entry {
                        key: e.key.clone(),
                        key_at: e.key_at,
                        value: self.eval_at(&e.value, own, depth + 1),
                    })
                    .collect(),
            ),
            _ => node.clone(),
        }
    }

    /// The value as an expression; scalars under a call keep what they look like.
    pub fn expr(&self, node: &Node, own: Option<&NodeTemplate>) -> Expr {
        self.expr_at(node, own, 0)
    }

    fn expr_at(&self, node: &Node, own: Option<&NodeTemplate>, depth: usize) -> Expr {
        if depth > MAX_DEPTH {
            self.fault(
                node.at,
                &codes::FUNCTION_CYCLE,
                "this value is defined, over other values, by itself".to_owned(),
                "give one of them a value of its own".to_owned(),
            );
            return Expr::Literal(Value::Null);
        }
        let Some((function, args)) = call(node) else {
            return match node.kind() {
                Kind::Seq(items) => Expr::list(items.iter().map(|i| self.expr_at(i, own, depth + 1)).collect()),
                Kind::Map(entries) => {
                    Expr::map(entries.iter().map(|e| (e.key.clone(), self.expr_at(&e.value, own, depth + 1))).collect())
                }
                _ => Expr::Literal(node.to_json()),
            };
        };
        let words: Option<Vec<&str>> = match args.items() {
            Some(items) => items.iter().map(Node::text).collect(),
            None => args.text().map(|t| vec![t]),
        };
        match (function, words) {
            ("get_input", Some(words)) if !words.is_empty() => self.input(node.at, &words, depth),
            ("get_property", Some(words)) if words.len() >= 2 => self.property(node, &words, own, depth),
            ("get_attribute", Some(words)) if words.len() >= 2 => self.attribute(node, &words, own),
            ("concat", _) if args.items().is_some() => self.concat(args, own, depth),
            ("join", _) if args.items().and_then(|a| a.first()?.items()).is_some() => self.join(args, own, depth),
            ("token", _) => self.token(node, args, own, depth),
            ("get_artifact" | "get_operation_output", _) => Expr::Literal(node.to_json()),
            _ => {
                self.fault(
                    node.at,
                    &codes::FUNCTION_SHAPE,
                    format!("`{function}` has wrong arguments"),
                    match function {
                        "get_input" => "write `{ get_input: <input> }`",
                        "concat" => "write `{ concat: [ <part>, <part> ] }`",
                        "join" => "write `{ join: [ [ <part>, <part> ], <between> ] }`",
                        _ => "write the node, then the name, as a list",
                    }
                    .to_owned(),
                );
                Expr::Literal(Value::Null)
            }
        }
    }

    fn input(&self, at: Pos, words: &[&str], depth: usize) -> Expr {
        let (name, rest) = (words.first().copied().unwrap_or_default(), words.get(1..).unwrap_or_default());
        if OPEN.contains(&name) {
            return Expr::VnfProperty(words.iter().map(|w| (*w).to_owned()).collect());
        }
        if let Some(value) = self.inputs.get(name).and_then(|v| v.dig(rest)) {
            return self.expr_at(value, None, depth + 1);
        }
        let declared = self.topology.inputs.iter().find(|i| i.key == name);
        if declared.is_none() {
            let near = nearest(name, self.topology.inputs.iter().map(|i| i.key.as_str()));
            self.fault(
                at,
                &codes::FUNCTION_TARGET,
                format!("the input `{name}` is not declared"),
                near.map_or_else(|| format!("declare `{name}` under `inputs`"), |n| format!("did you mean `{n}`?")),
            );
        }
        let default = declared.and_then(|d| d.value.get("default")).and_then(|d| d.dig(rest)).map(Node::to_json);
        Expr::Input { path: words.iter().map(|w| (*w).to_owned()).collect(), default }
    }

    /// The node a call names, itself for `SELF`.
    fn named<'n>(&'n self, at: Pos, name: &str, own: Option<&'n NodeTemplate>) -> Option<&'n NodeTemplate> {
        if name == "SELF" {
            return own;
        }
        let found = self.topology.node(name);
        if found.is_none() {
            let near = nearest(name, self.topology.node_names());
            self.fault(
                at,
                &codes::FUNCTION_TARGET,
                format!("there is no node template `{name}`"),
                near.map_or_else(|| "name a node template of this file".to_owned(), |n| format!("did you mean `{n}`?")),
            );
        }
        found
    }

    fn property(&self, node: &Node, words: &[&str], own: Option<&NodeTemplate>, depth: usize) -> Expr {
        let Some(target) = self.named(node.at, words.first().copied().unwrap_or_default(), own) else {
            return Expr::Literal(Value::Null);
        };
        let path = words.get(1..).unwrap_or_default();
        let first = path.first().copied().unwrap_or_default();
        if self.owner.as_deref() == Some(target.name.as_str()) && OPEN.contains(&first) {
            return Expr::VnfProperty(path.iter().map(|w| (*w).to_owned()).collect());
        }
        if let Some(value) = target.properties.dig(path) {
            return self.expr_at(value, Some(target), depth + 1);
        }
        if let Some(value) = path.get(1..).and_then(|rest| target.capability(first)?.dig(rest)) {
            return self.expr_at(value, Some(target), depth + 1);
        }
        // A requirement leads on to the node it is met by.
        if let (Some(next), true) = (target.target(first).and_then(|n| self.topology.node(n)), path.len() > 1) {
            let words: Vec<&str> = std::iter::once(next.name.as_str()).chain(path.iter().skip(1).copied()).collect();
            return self.property(node, &words, own, depth + 1);
        }
        let declared = self.types.properties(TypeKind::Node, &target.type_name);
        let default = declared.get(first).and_then(|d| d.default.as_ref()).and_then(|d| d.dig(path.get(1..)?));
        match (default, declared.get(first)) {
            (Some(value), _) => self.expr_at(value, Some(target), depth + 1),
            (None, Some(_)) if self.owner.as_deref() == Some(target.name.as_str()) => {
                Expr::VnfProperty(path.iter().map(|w| (*w).to_owned()).collect())
            }
            (None, _) => {
                let near = nearest(first, declared.keys().map(String::as_str));
                self.fault(
                    node.at,
                    &codes::FUNCTION_TARGET,
                    format!("`{}` has no value for `{}`", target.name, path.join(".")),
                    near.filter(|n| *n != first).map_or_else(
                        || format!("give `{}` the property `{first}`", target.name),
                        |n| format!("did you mean `{n}`?"),
                    ),
                );
                Expr::Literal(Value::Null)
            }
        }
    }

    fn attribute(&self, node: &Node, words: &[&str], own: Option<&NodeTemplate>) -> Expr {
        let Some(target) = self.named(node.at, words.first().copied().unwrap_or_default(), own) else {
            return Expr::Literal(Value::Null);
        };
        let rest = words.get(1..).unwrap_or_default();
        if let (true, [cp, attribute @ ("ip_address" | "ipv4_address" | "ipv6_address" | "mac_address")]) =
            (self.addresses, rest)
        {
            let connected = target.requirements.iter().any(|r| r.name == *cp);
            if !connected {
                let near = nearest(cp, target.requirements.iter().map(|r| r.name.as_str()));
                self.fault(
                    node.at,
                    &codes::FUNCTION_TARGET,
                    format!("`{}` has no connection `{cp}`, so it has no address there", target.name),
                    near.map_or_else(
                        || format!("add the requirement `{cp}: <virtual link>` to `{}`", target.name),
                        |n| format!("did you mean `{n}`?"),
                    ),
                );
            }
            return Expr::AddressOf {
                node: target.name.clone(),
                cp: (*cp).to_owned(),
                attribute: (*attribute).to_owned(),
            };
        }
        Expr::Attribute { node: target.name.clone(), path: rest.iter().map(|w| (*w).to_owned()).collect() }
    }

    fn concat(&self, args: &Node, own: Option<&NodeTemplate>, depth: usize) -> Expr {
        let parts = args.items().unwrap_or_default().iter();
        Self::joined(parts.map(|part| self.part(part, own, depth)).collect())
    }

    /// `join`: as `concat`, with a text between the parts.
    fn join(&self, args: &Node, own: Option<&NodeTemplate>, depth: usize) -> Expr {
        let args = args.items().unwrap_or_default();
        let between = args.get(1).and_then(Node::text).unwrap_or_default();
        let mut parts = Vec::new();
        for part in args.first().and_then(Node::items).unwrap_or_default() {
            if !parts.is_empty() {
                parts.push(Expr::Literal(Value::String(between.to_owned())));
            }
            parts.push(self.part(part, own, depth));
        }
        Self::joined(parts)
    }

    fn part(&self, part: &Node, own: Option<&NodeTemplate>, depth: usize) -> Expr {
        match part.text() {
            // `1.0` joined to a name must stay `1.0`.
            Some(text) => Expr::Literal(Value::String(text.to_owned())),
            None => self.expr_at(part, own, depth + 1),
        }
    }

    fn joined(parts: Vec<Expr>) -> Expr {
        match parts.iter().map(|p| p.literal().map(text_of)).collect::<Option<Vec<_>>>() {
            Some(texts) => Expr::Literal(Value::String(texts.concat())),
            None => Expr::Concat(parts),
        }
    }

    fn token(&self, node: &Node, args: &Node, own: Option<&NodeTemplate>, depth: usize) -> Expr {
        let parts = args.items().unwrap_or_default();
        let index = parts.get(2).and_then(Node::integer).and_then(|i| usize::try_from(i).ok());
        let (Some(value), Some(separators), Some(index)) = (parts.first(), parts.get(1).and_then(Node::text), index)
        else {
            self.fault(
                node.at,
                &codes::FUNCTION_SHAPE,
                "`token` has wrong arguments".to_owned(),
                "write `{ token: [ <text>, <separators>, <index> ] }`".to_owned(),
            );
            return Expr::Literal(Value::Null);
        };
        let value = self.expr_at(value, own, depth + 1);
        if let Some(text) = value.literal().map(text_of)
            && let Some(piece) = text.split(|c| separators.contains(c)).nth(index)
        {
            return Expr::Literal(Value::String(piece.to_owned()));
        }
        Expr::Token { value: Box::new(value), separators: separators.to_owned(), index }
    }

    /// The declared inputs that nothing in the descriptor feeds.
    pub fn open_inputs(&self) -> Vec<crate::network::Declaration> {
        self.topology
            .inputs
            .iter()
            .filter(|i| !self.inputs.contains_key(&i.key) && !OPEN.contains(&i.key.as_str()))
            .map(|i| crate::network::Declaration {
                name: i.key.clone(),
                value_type: Schema::read(&i.value).type_name,
                entry_schema: i.value.get("entry_schema").map(Node::to_json).unwrap_or_default(),
                required: i.value.get("required").and_then(Node::bool).unwrap_or(true)
                    && i.value.get("default").is_none(),
                default: i.value.get("default").map(Node::to_json),
                description: i.value.get("description").and_then(Node::text).map(str::to_owned),
                constraints: i.value.get("constraints").map(Node::to_json).unwrap_or_default(),
            })
            .collect()
    }
}
