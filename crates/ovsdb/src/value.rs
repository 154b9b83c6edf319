//! Values of OVSDB columns and their JSON form (RFC 7047 section 5.1): atoms, sets, maps, UUIDs and named UUIDs.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use serde_json::{Value as Json, json};
use uuid::Uuid;

/// One scalar.
#[derive(Debug, Clone, PartialEq)]
pub enum Atom {
    /// 64-bit signed integer.
    Integer(i64),
    /// Finite floating point number; others have no JSON form and are refused by the server.
    Real(f64),
    /// Truth value.
    Boolean(bool),
    /// Text.
    String(String),
    /// Reference to a row, or a row's own id.
    Uuid(Uuid),
    /// Reference to a row inserted in the same transaction under this `uuid-name`.
    NamedUuid(String),
}

/// Value of a column. The server writes a set of one element as a bare atom; the conversions take both alike.
#[derive(Debug, Clone)]
pub enum Value {
    /// A scalar, or a set of one.
    Atom(Atom),
    /// A set, in the order it came.
    Set(Vec<Atom>),
    /// A map, in the order it came.
    Map(Vec<(Atom, Atom)>),
}

impl Atom {
    /// Reference to a row that the same transaction inserts with [`crate::op::Insert::uuid_name`].
    pub fn named(name: impl Into<String>) -> Atom {
        Atom::NamedUuid(name.into())
    }

    /// The JSON form.
    pub fn to_json(&self) -> Json {
        match self {
            Atom::Integer(i) => json!(i),
            Atom::Real(r) => json!(r),
            Atom::Boolean(b) => json!(b),
            Atom::String(s) => json!(s),
            Atom::Uuid(u) => json!(["uuid", u.to_string()]),
            Atom::NamedUuid(n) => json!(["named-uuid", n]),
        }
    }

    /// Reads the JSON form; `None` if it is not one.
    pub fn from_json(json: &Json) -> Option<Atom> {
        match json {
            Json::Number(n) => match n.as_i64() {
                Some(i) => Some(Atom::Integer(i)),
                None => n.as_f64().map(Atom::Real),
            },
            Json::Bool(b) => Some(Atom::Boolean(*b)),
            Json::String(s) => Some(Atom::String(s.clone())),
            Json::Array(pair) => match pair.as_slice() {
                [Json::String(tag), Json::String(id)] if tag == "uuid" => Uuid::parse_str(id).ok().map(Atom::Uuid),
                [Json::String(tag), Json::String(n)] if tag == "named-uuid" => Some(Atom::NamedUuid(n.clone())),
                _ => None,
            },
            _ => None,
        }
    }
}

impl Value {
    /// The empty set.
    pub fn empty() -> Value {
        Value::Set(Vec::new())
    }

    /// A set of anything that is an atom.
    pub fn set<T: Into<Atom>>(items: impl IntoIterator<Item = T>) -> Value {
        Value::Set(items.into_iter().map(Into::into).collect())
    }

    /// A map of anything that is an atom.
    pub fn map<K: Into<Atom>, V: Into<Atom>>(items: impl IntoIterator<Item = (K, V)>) -> Value {
        Value::Map(items.into_iter().map(|(k, v)| (k.into(), v.into())).collect())
    }

    /// The elements of a set; a scalar counts as a set of one, a map has none.
    pub fn atoms(&self) -> &[Atom] {
        match self {
            Value::Atom(atom) => std::slice::from_ref(atom),
            Value::Set(atoms) => atoms,
            Value::Map(_) => &[],
        }
    }

    /// The pairs of a map; nothing else has any.
    pub fn pairs(&self) -> &[(Atom, Atom)] {
        match self {
            Value::Map(pairs) => pairs,
            _ => &[],
        }
    }

    /// The JSON form.
    pub fn to_json(&self) -> Json {
        match self {
            Value::Atom(atom) => atom.to_json(),
            Value::Set(atoms) => json!(["set", atoms.iter().map(Atom::to_json).collect::<Vec<_>>()]),
            Value::Map(pairs) => {
                json!(["map", pairs.iter().map(|(k, v)| json!([k.to_json(), v.to_json()])).collect::<Vec<_>>()])
            }
        }
    }

    /// Reads the JSON form; `None` if it is not one.
    pub fn from_json(json: &Json) -> Option<Value> {
        if let Json::Array(pair) = json
            && let [Json::String(tag), Json::Array(items)] = pair.as_slice()
        {
            return match tag.as_str() {
                "set" => items.iter().map(Atom::from_json).collect::<Option<_>>().map(Value::Set),
                "map" => items.iter().map(pair_from_json).collect::<Option<_>>().map(Value::Map),
                _ => None,
            };
        }
        Atom::from_json(json).map(Value::Atom)
    }
}

fn pair_from_json(json: &Json) -> Option<(Atom, Atom)> {
    match json.as_array()?.as_slice() {
        [key, value] => Some((Atom::from_json(key)?, Atom::from_json(value)?)),
        _ => None,
    }
}

/// Sets and maps are equal whatever their order, and a set of one equals its element.
impl PartialEq for Value {
    fn eq(&self, other: &Value) -> bool {
        fn same<T: PartialEq>(a: &[T], b: &[T]) -> bool {
            a.len() == b.len() && a.iter().all(|x| b.contains(x))
        }
        match (self, other) {
            (Value::Map(a), Value::Map(b)) => same(a, b),
            // The server writes an empty map as ["map",[]], never as a set; the two differ.
            (Value::Map(_), _) | (_, Value::Map(_)) => false,
            (a, b) => same(a.atoms(), b.atoms()),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.to_json())
    }
}

macro_rules! atom_from {
    ($($source:ty => |$x:ident| $atom:expr),* $(,)?) => {$(
        impl From<$source> for Atom { fn from($x: $source) -> Atom { $atom } }
        impl From<$source> for Value { fn from(x: $source) -> Value { Value::Atom(x.into()) } }
    )*};
}
atom_from! {
    i64 => |x| Atom::Integer(x),
    i32 => |x| Atom::Integer(x.into()),
    u32 => |x| Atom::Integer(x.into()),
    u16 => |x| Atom::Integer(x.into()),
    f64 => |x| Atom::Real(x),
    bool => |x| Atom::Boolean(x),
    &str => |x| Atom::String(x.to_owned()),
    String => |x| Atom::String(x),
    &String => |x| Atom::String(x.clone()),
    IpAddr => |x| Atom::String(x.to_string()),
    Uuid => |x| Atom::Uuid(x),
}

impl From<Atom> for Value {
    fn from(atom: Atom) -> Value {
        Value::Atom(atom)
    }
}

impl<T: Into<Atom>> From<Vec<T>> for Value {
    fn from(items: Vec<T>) -> Value {
        Value::set(items)
    }
}

impl<T: Into<Atom>> From<Option<T>> for Value {
    fn from(item: Option<T>) -> Value {
        Value::set(item)
    }
}

impl<K: Into<Atom>, V: Into<Atom>> From<BTreeMap<K, V>> for Value {
    fn from(items: BTreeMap<K, V>) -> Value {
        Value::map(items)
    }
}

/// What a conversion expected and did not find. [`crate::Row::get`] adds the column's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected(pub &'static str);

macro_rules! from_atom {
    ($($target:ty, $name:literal, $pattern:pat => $result:expr);* $(;)?) => {$(
        impl TryFrom<&Atom> for $target {
            type Error = Expected;
            fn try_from(atom: &Atom) -> Result<$target, Expected> {
                match atom { $pattern => Ok($result), _ => Err(Expected($name)) }
            }
        }
        impl TryFrom<&Value> for $target {
            type Error = Expected;
            fn try_from(value: &Value) -> Result<$target, Expected> {
                match value.atoms() { [atom] => atom.try_into(), _ => Err(Expected($name)) }
            }
        }
        impl TryFrom<&Value> for Option<$target> {
            type Error = Expected;
            fn try_from(value: &Value) -> Result<Option<$target>, Expected> {
                match value { Value::Map(_) => Err(Expected(concat!("optional ", $name))), _ => match value.atoms() {
                    [] => Ok(None),
                    [atom] => atom.try_into().map(Some),
                    _ => Err(Expected(concat!("optional ", $name))),
                } }
            }
        }
        impl TryFrom<&Value> for Vec<$target> {
            type Error = Expected;
            fn try_from(value: &Value) -> Result<Vec<$target>, Expected> {
                match value {
                    Value::Map(_) => Err(Expected(concat!("set of ", $name))),
                    _ => value.atoms().iter().map(TryInto::try_into).collect(),
                }
            }
        }
    )*};
}
from_atom! {
    i64, "integer", Atom::Integer(i) => *i;
    bool, "boolean", Atom::Boolean(b) => *b;
    String, "string", Atom::String(s) => s.clone();
    Uuid, "uuid", Atom::Uuid(u) => *u;
}

impl TryFrom<&Atom> for f64 {
    type Error = Expected;
    fn try_from(atom: &Atom) -> Result<f64, Expected> {
        match atom {
            Atom::Real(r) => Ok(*r),
            // 1.0 travels as 1.
            Atom::Integer(i) => Ok(*i as f64),
            _ => Err(Expected("real")),
        }
    }
}

impl TryFrom<&Value> for f64 {
    type Error = Expected;
    fn try_from(value: &Value) -> Result<f64, Expected> {
        match value.atoms() {
            [atom] => atom.try_into(),
            _ => Err(Expected("real")),
        }
    }
}

impl TryFrom<&Value> for BTreeMap<String, String> {
    type Error = Expected;
    fn try_from(value: &Value) -> Result<Self, Expected> {
        let expected = Expected("map of string to string");
        let Value::Map(pairs) = value else { return Err(expected) };
        pairs
            .iter()
            .map(|(k, v)| Ok((k.try_into()?, v.try_into()?)))
            .collect::<Result<_, _>>()
            .map_err(|_: Expected| expected)
    }
}

impl TryFrom<&Value> for BTreeMap<String, i64> {
    type Error = Expected;
    fn try_from(value: &Value) -> Result<Self, Expected> {
        let expected = Expected("map of string to integer");
        let Value::Map(pairs) = value else { return Err(expected) };
        pairs
            .iter()
            .map(|(k, v)| Ok((k.try_into()?, v.try_into()?)))
            .collect::<Result<_, _>>()
            .map_err(|_: Expected| expected)
    }
}

impl TryFrom<&Value> for Value {
    type Error = Expected;
    fn try_from(value: &Value) -> Result<Self, Expected> {
        Ok(value.clone())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn json_forms_are_those_of_the_rfc() {
        let id = Uuid::from_u128(7);
        for (value, text) in [
            (Value::from("a"), r#""a""#.to_owned()),
            (Value::from(5i64), "5".to_owned()),
            (Value::from(true), "true".to_owned()),
            (Value::from(id), format!(r#"["uuid","{id}"]"#)),
            (Value::from(Atom::named("row1")), r#"["named-uuid","row1"]"#.to_owned()),
            (Value::from(vec!["a", "b"]), r#"["set",["a","b"]]"#.to_owned()),
            (Value::empty(), r#"["set",[]]"#.to_owned()),
            (Value::map([("k", "v")]), r#"["map",[["k","v"]]]"#.to_owned()),
        ] {
            assert_eq!(value.to_json().to_string(), text);
            assert_eq!(Value::from_json(&serde_json::from_str(&text).unwrap()).unwrap(), value);
        }
    }

    #[test]
    fn what_is_no_value_is_refused() {
        for text in ["null", "{}", r#"["set","a"]"#, r#"["map",[["k"]]]"#, r#"["uuid","x"]"#, r#"["bag",[]]"#] {
            assert!(Value::from_json(&serde_json::from_str(text).unwrap()).is_none(), "{text}");
        }
    }

    #[test]
    fn a_set_of_one_equals_its_element_and_order_does_not_matter() {
        assert_eq!(Value::from("a"), Value::from(vec!["a"]));
        assert_eq!(Value::from(vec!["a", "b"]), Value::from(vec!["b", "a"]));
        assert_ne!(Value::from(vec!["a", "b"]), Value::from(vec!["a"]));
        assert_eq!(Value::map([("a", "1"), ("b", "2")]), Value::map([("b", "2"), ("a", "1")]));
        assert_ne!(Value::Map(vec![]), Value::empty());
    }

    #[test]
    fn optional_columns_convert() {
        assert_eq!(Option::<String>::try_from(&Value::empty()).unwrap(), None);
        assert_eq!(Option::<String>::try_from(&Value::from("x")).unwrap(), Some("x".to_owned()));
        assert!(String::try_from(&Value::empty()).is_err());
        assert!(Option::<i64>::try_from(&Value::from(vec![1i64, 2])).is_err());
    }
}
