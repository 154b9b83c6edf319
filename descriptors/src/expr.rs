//! Values that are known only when a VNF or NS is instantiated (TOSCA Simple Profile clause 4).
//!
//! A descriptor may say `get_input`, `get_property`, `get_attribute`, `concat` or `token` instead of a value. What can be
//! computed from the descriptor alone is computed while reading; the rest stays an [`Expr`] in the model.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A value, or how to get it later.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expr {
    /// Known now.
    Literal(Value),
    /// `get_input`.
    Input {
        /// The input's name, then names or indexes within it.
        path: Vec<String>,
        /// The declared default, taken when the input is not given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        default: Option<Value>,
    },
    /// `get_property` of the VNF node, for example
    /// `[configurable_properties, additional_configurable_properties, upstream_address]`.
    VnfProperty(Vec<String>),
    /// `get_attribute: [<node>, <connection point>, ip_address]`: an address of another part of the service.
    AddressOf {
        /// Node template of the VNF.
        node: String,
        /// Its external connection point, by the name of the `virtual_link` requirement of its node type.
        cp: String,
        /// `ip_address` (any family, IPv4 first), `ipv4_address`, `ipv6_address` or `mac_address`.
        attribute: String,
    },
    /// Any other `get_attribute`.
    Attribute {
        /// Node template.
        node: String,
        /// Attribute name and what follows it.
        path: Vec<String>,
    },
    /// `concat`: the parts joined as text.
    Concat(Vec<Expr>),
    /// `token`: one of the pieces of a text.
    Token {
        /// The text to cut.
        value: Box<Expr>,
        /// The characters at which it is cut.
        separators: String,
        /// Which piece, from 0.
        index: usize,
    },
    /// A list with parts that are known later.
    List(Vec<Expr>),
    /// A map with parts that are known later.
    Map(BTreeMap<String, Expr>),
}

/// Where values come from at run time. `None` means that the value is not there.
pub trait Environment {
    /// An input of the operation.
    fn input(&self, path: &[String]) -> Option<Value>;
    /// A property of the VNF instance.
    fn vnf_property(&self, path: &[String]) -> Option<Value>;
    /// An address of a connection point.
    fn address_of(&self, _node: &str, _cp: &str, _attribute: &str) -> Option<Value> {
        None
    }
    /// Another attribute of a node.
    fn attribute(&self, _node: &str, _path: &[String]) -> Option<Value> {
        None
    }
}

impl Expr {
    /// A list or map of expressions, as a literal where all parts are.
    #[must_use]
    pub fn list(items: Vec<Expr>) -> Self {
        match items.iter().map(|i| i.literal().cloned()).collect::<Option<Vec<_>>>() {
            Some(values) => Self::Literal(Value::Array(values)),
            None => Self::List(items),
        }
    }

    /// A map of expressions, as a literal where all parts are.
    #[must_use]
    pub fn map(entries: BTreeMap<String, Expr>) -> Self {
        match entries.iter().map(|(k, v)| v.literal().map(|v| (k.clone(), v.clone()))).collect::<Option<_>>() {
            Some(map) => Self::Literal(Value::Object(map)),
            None => Self::Map(entries),
        }
    }

    /// The value, where it is known without an environment.
    #[must_use]
    pub fn literal(&self) -> Option<&Value> {
        match self {
            Self::Literal(value) => Some(value),
            _ => None,
        }
    }

    /// Visits this expression and all within it.
    pub fn walk<'a>(&'a self, visit: &mut dyn FnMut(&'a Expr)) {
        visit(self);
        match self {
            Self::Concat(parts) | Self::List(parts) => parts.iter().for_each(|p| p.walk(visit)),
            Self::Map(entries) => entries.values().for_each(|p| p.walk(visit)),
            Self::Token { value, .. } => value.walk(visit),
            _ => {}
        }
    }

    /// Computes the value.
    ///
    /// # Errors
    /// A sentence for every part that `env` does not know, all of them at once.
    pub fn resolve(&self, env: &dyn Environment) -> Result<Value, Vec<String>> {
        match self {
            Self::Literal(value) => Ok(value.clone()),
            Self::Input { path, default } => env
                .input(path)
                .or_else(|| default.clone())
                .ok_or_else(|| vec![format!("the input `{}` is not given", path.join("."))]),
            Self::VnfProperty(path) => env
                .vnf_property(path)
                .ok_or_else(|| vec![format!("the VNF property `{}` has no value", path.join("."))]),
            Self::AddressOf { node, cp, attribute } => env
                .address_of(node, cp, attribute)
                .ok_or_else(|| vec![format!("`{attribute}` of connection point `{cp}` of `{node}` is not known")]),
            Self::Attribute { node, path } => env
                .attribute(node, path)
                .ok_or_else(|| vec![format!("the attribute `{}` of `{node}` is not known", path.join("."))]),
            Self::Concat(parts) => {
                let values = all(parts.iter().map(|p| p.resolve(env)))?;
                Ok(Value::String(values.iter().map(text_of).collect()))
            }
            Self::Token { value, separators, index } => {
                let text = text_of(&value.resolve(env)?);
                let piece = text.split(|c| separators.contains(c)).nth(*index).map(str::to_owned);
                piece.map(Value::String).ok_or_else(|| vec![format!("`{text}` has no piece number {index}")])
            }
            Self::List(items) => Ok(Value::Array(all(items.iter().map(|i| i.resolve(env)))?)),
            Self::Map(entries) => {
                let values = all(entries.values().map(|v| v.resolve(env)))?;
                Ok(Value::Object(entries.keys().cloned().zip(values).collect()))
            }
        }
    }
}

fn all(results: impl Iterator<Item = Result<Value, Vec<String>>>) -> Result<Vec<Value>, Vec<String>> {
    let (mut values, mut faults) = (Vec::new(), Vec::new());
    for result in results {
        match result {
            Ok(value) => values.push(value),
            Err(more) => faults.extend(more),
        }
    }
    if faults.is_empty() { Ok(values) } else { Err(faults) }
}

/// A value as text: strings without quotes, everything else as JSON.
#[must_use]
pub fn text_of(value: &Value) -> String {
    match value {
        Value::String(s) => s.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    struct Env;
    impl Environment for Env {
        fn input(&self, path: &[String]) -> Option<Value> {
            (path.join(".") == "a.b").then(|| json!(7))
        }
        fn vnf_property(&self, _: &[String]) -> Option<Value> {
            None
        }
        fn address_of(&self, node: &str, cp: &str, _: &str) -> Option<Value> {
            Some(json!(format!("{node}/{cp}")))
        }
    }

    #[test]
    fn expressions_resolve_and_all_gaps_are_told() {
        let input = || Expr::Input { path: vec!["a".into(), "b".into()], default: None };
        let concat = Expr::Concat(vec![Expr::Literal(json!("x-")), input()]);
        assert_eq!(concat.resolve(&Env), Ok(json!("x-7")));
        let token = Expr::Token { value: Box::new(Expr::Literal(json!("a:b:c"))), separators: ":".into(), index: 2 };
        assert_eq!(token.resolve(&Env), Ok(json!("c")));
        let address = Expr::AddressOf { node: "web".into(), cp: "data".into(), attribute: "ip_address".into() };
        assert_eq!(address.resolve(&Env), Ok(json!("web/data")));
        let gaps = Expr::list(vec![
            Expr::VnfProperty(vec!["p".into()]),
            Expr::Input { path: vec!["z".into()], default: None },
            input(),
        ]);
        assert_eq!(gaps.resolve(&Env).map_err(|f| f.len()), Err(2));
    }

    #[test]
    fn literals_fold_and_expressions_survive_json() {
        assert_eq!(Expr::list(vec![Expr::Literal(json!(1))]).literal(), Some(&json!([1])));
        let e = Expr::map(BTreeMap::from([(
            "k".to_owned(),
            Expr::Input { path: vec!["i".into()], default: Some(json!(1)) },
        )]));
        assert_eq!(serde_json::from_value::<Expr>(serde_json::to_value(&e).unwrap_or_default()).ok(), Some(e));
    }
}
