//! What a trigger's `condition` and `action` mean (TOSCA Simple Profile 1.3 clauses 3.6.3, 3.6.22, 3.6.23 and 3.6.25). Pure.

use regex::Regex;
use serde_json::{Map, Value};

/// Depth to which conditions may stand within each other.
const MAX_DEPTH: usize = 16;
/// Constraints of one condition, at most.
const MAX_CONSTRAINTS: usize = 64;
/// Bytes of a pattern as it is matched, at most.
const MAX_PATTERN: usize = 64 << 10;
/// The word for a range without an end.
const UNBOUNDED: &str = "UNBOUNDED";

/// A condition over attributes.
#[derive(Clone, Debug)]
pub enum Condition {
    /// All of them hold (`and`, `assert`, a list).
    All(Vec<Condition>),
    /// One of them holds (`or`).
    Any(Vec<Condition>),
    /// Not all of them hold (`not`).
    Not(Box<Condition>),
    /// An attribute is as all of these constraints say.
    Attribute(String, Vec<Constraint>),
}

/// A constraint on a value (clause 3.6.3).
#[derive(Clone, Debug)]
pub enum Constraint {
    /// `equal`.
    Equal(Value),
    /// `greater_than`.
    GreaterThan(f64),
    /// `greater_or_equal`.
    GreaterOrEqual(f64),
    /// `less_than`.
    LessThan(f64),
    /// `less_or_equal`.
    LessOrEqual(f64),
    /// `in_range`, both ends included; an end may be missing.
    InRange(Option<f64>, Option<f64>),
    /// `valid_values`.
    ValidValues(Vec<Value>),
    /// `length`, `min_length` and `max_length`, as the least and the most.
    Length(usize, usize),
    /// `pattern`, of the whole text.
    Pattern(Regex),
}

/// An operation that a trigger calls.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// `<interface>.<operation>`.
    pub operation: String,
    /// What it is given.
    pub inputs: Map<String, Value>,
}

impl Call {
    /// Names under which the scaling aspect is given, by SOL001, SOL003, or as its own examples have it.
    pub const ASPECT: [&'static str; 3] = ["aspect", "aspect_id", "aspectId"];
    /// Names under which an instantiation level is given.
    pub const LEVEL: [&'static str; 2] = ["instantiation_level_id", "instantiationLevelId"];

    /// Name of the operation within its interface.
    pub fn name(&self) -> &str {
        self.operation.rsplit('.').next().unwrap_or_default()
    }
}

impl Condition {
    /// Reads a condition; one that is not there always holds.
    ///
    /// # Errors
    /// What of it has no meaning, in words.
    pub fn read(condition: &Value) -> Result<Self, String> {
        if constraints_in(condition) > MAX_CONSTRAINTS {
            return Err(format!("it has more than {MAX_CONSTRAINTS} constraints"));
        }
        read(condition, MAX_DEPTH)
    }

    /// Whether it holds with these values of attributes. What is about an attribute without a value does not, nor what
    /// says that such a thing is not so.
    pub fn holds(&self, value: &dyn Fn(&str) -> Option<Value>) -> bool {
        self.known(value).unwrap_or(false)
    }

    /// The attributes it is about.
    pub fn attributes(&self) -> Vec<&str> {
        match self {
            Self::All(all) | Self::Any(all) => all.iter().flat_map(Self::attributes).collect(),
            Self::Not(inner) => inner.attributes(),
            Self::Attribute(name, _) => vec![name],
        }
    }

    /// `None` when it depends on what has no value.
    fn known(&self, value: &dyn Fn(&str) -> Option<Value>) -> Option<bool> {
        match self {
            Self::All(all) => decided(all, value, false),
            Self::Any(any) => decided(any, value, true),
            Self::Not(inner) => inner.known(value).map(|held| !held),
            Self::Attribute(name, constraints) => {
                let value = value(name)?;
                Some(constraints.iter().all(|constraint| constraint.allows(&value)))
            }
        }
    }
}

/// One of `decider` decides; otherwise all must be known.
fn decided(parts: &[Condition], value: &dyn Fn(&str) -> Option<Value>, decider: bool) -> Option<bool> {
    let known: Vec<Option<bool>> = parts.iter().map(|part| part.known(value)).collect();
    if known.contains(&Some(decider)) {
        return Some(decider);
    }
    (!known.contains(&None)).then_some(!decider)
}

impl Constraint {
    fn allows(&self, value: &Value) -> bool {
        let number = number(value);
        match self {
            Self::Equal(wanted) => same(wanted, value),
            Self::GreaterThan(least) => number.is_some_and(|n| n > *least),
            Self::GreaterOrEqual(least) => number.is_some_and(|n| n >= *least),
            Self::LessThan(most) => number.is_some_and(|n| n < *most),
            Self::LessOrEqual(most) => number.is_some_and(|n| n <= *most),
            Self::InRange(least, most) => {
                number.is_some_and(|n| least.is_none_or(|least| n >= least) && most.is_none_or(|most| n <= most))
            }
            Self::ValidValues(wanted) => wanted.iter().any(|wanted| same(wanted, value)),
            Self::Length(least, most) => length(value).is_some_and(|n| (*least..=*most).contains(&n)),
            Self::Pattern(pattern) => value.as_str().is_some_and(|text| pattern.is_match(text)),
        }
    }
}

/// A number, also as the text that some sources tell it as.
fn number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.trim().parse().ok()).filter(|n| n.is_finite())
}

fn same(wanted: &Value, value: &Value) -> bool {
    wanted == value || matches!((number(wanted), number(value)), (Some(a), Some(b)) if a == b)
}

fn length(value: &Value) -> Option<usize> {
    match value {
        Value::String(text) => Some(text.chars().count()),
        Value::Array(items) => Some(items.len()),
        Value::Object(entries) => Some(entries.len()),
        _ => None,
    }
}

/// What is within it, each of which is a constraint at most.
fn constraints_in(condition: &Value) -> usize {
    match condition {
        Value::Array(items) => items.iter().map(constraints_in).sum(),
        Value::Object(entries) => entries.values().map(constraints_in).sum(),
        _ => 1,
    }
}

fn read(condition: &Value, depth: usize) -> Result<Condition, String> {
    let Some(deeper) = depth.checked_sub(1) else {
        return Err(format!("it is more than {MAX_DEPTH} conditions deep"));
    };
    match condition {
        Value::Null => Ok(Condition::All(Vec::new())),
        Value::Array(items) => all(items, deeper).map(Condition::All),
        Value::Object(entries) => {
            let mut parts =
                entries.iter().map(|(key, value)| entry(key, value, deeper)).collect::<Result<Vec<_>, _>>()?;
            let single = if parts.len() == 1 { parts.pop() } else { None };
            Ok(single.unwrap_or(Condition::All(parts)))
        }
        other => Err(format!("{other} is no condition")),
    }
}

fn all(items: &[Value], depth: usize) -> Result<Vec<Condition>, String> {
    items.iter().map(|item| read(item, depth)).collect()
}

fn entry(key: &str, value: &Value, depth: usize) -> Result<Condition, String> {
    let list = || all(value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice), depth);
    match key {
        "and" | "assert" => list().map(Condition::All),
        "or" => list().map(Condition::Any),
        "not" => Ok(Condition::Not(Box::new(Condition::All(list()?)))),
        "constraint" => read(value, depth),
        "period" | "evaluations" | "method" => {
            Err(format!("{key:?} wants values over time; a condition is held against the newest ones only"))
        }
        name => Ok(Condition::Attribute(name.to_owned(), constraints(name, value)?)),
    }
}

fn constraints(name: &str, value: &Value) -> Result<Vec<Constraint>, String> {
    match value {
        Value::Array(items) => items.iter().map(|item| one_constraint(name, item)).collect(),
        Value::Object(entries) if entries.len() > 1 => {
            entries.iter().map(|(operator, operand)| constraint(name, operator, operand)).collect()
        }
        item => Ok(vec![one_constraint(name, item)?]),
    }
}

fn one_constraint(name: &str, item: &Value) -> Result<Constraint, String> {
    let Value::Object(entries) = item else { return Ok(Constraint::Equal(item.clone())) };
    let mut entries = entries.iter();
    match (entries.next(), entries.next()) {
        (Some((operator, operand)), None) => constraint(name, operator, operand),
        _ => Err(format!("{item} of {name:?} is no constraint: it has one operator with its operand")),
    }
}

fn constraint(name: &str, operator: &str, operand: &Value) -> Result<Constraint, String> {
    let number = || number(operand).ok_or_else(|| format!("{operator} of {name:?} wants a number, not {operand}"));
    let whole = || {
        let n = operand.as_u64().and_then(|n| usize::try_from(n).ok());
        n.ok_or_else(|| format!("{operator} of {name:?} wants a whole number, not {operand}"))
    };
    Ok(match operator {
        "equal" => Constraint::Equal(operand.clone()),
        "greater_than" => Constraint::GreaterThan(number()?),
        "greater_or_equal" => Constraint::GreaterOrEqual(number()?),
        "less_than" => Constraint::LessThan(number()?),
        "less_or_equal" => Constraint::LessOrEqual(number()?),
        "in_range" => range(name, operand)?,
        "valid_values" => match operand {
            Value::Array(values) => Constraint::ValidValues(values.clone()),
            other => return Err(format!("valid_values of {name:?} wants a list, not {other}")),
        },
        "length" => Constraint::Length(whole()?, whole()?),
        "min_length" => Constraint::Length(whole()?, usize::MAX),
        "max_length" => Constraint::Length(0, whole()?),
        "pattern" => Constraint::Pattern(pattern(name, operand)?),
        other => return Err(format!("{other:?} of {name:?} is no operator of TOSCA 1.3 that is known here")),
    })
}

fn range(name: &str, operand: &Value) -> Result<Constraint, String> {
    let end = |value: &Value| match value.as_str() {
        Some(UNBOUNDED) => Some(None),
        _ => number(value).map(Some),
    };
    match operand.as_array().map(Vec::as_slice) {
        Some([least, most]) => end(least).zip(end(most)).map(|(least, most)| Constraint::InRange(least, most)),
        _ => None,
    }
    .ok_or_else(|| format!("in_range of {name:?} wants two numbers, or {UNBOUNDED}, not {operand}"))
}

fn pattern(name: &str, operand: &Value) -> Result<Regex, String> {
    let text = operand.as_str().ok_or_else(|| format!("pattern of {name:?} wants a text, not {operand}"))?;
    let made = |text: &str| regex::RegexBuilder::new(text).size_limit(MAX_PATTERN).build();
    // By itself first: `a)|(b` is no pattern.
    made(text).and_then(|_| made(&format!("^(?:{text})$"))).map_err(|e| format!("pattern of {name:?}: {e}"))
}

/// The operations that an action calls, in their order, with what it gives them.
pub(super) fn calls(action: &Value) -> Vec<Call> {
    let steps = action.as_array().map_or(std::slice::from_ref(action), Vec::as_slice);
    steps
        .iter()
        .filter_map(|step| {
            let call = step.get("call_operation")?;
            let operation = call.get("operation").unwrap_or(call).as_str()?.to_owned();
            let inputs = call.get("inputs").and_then(Value::as_object);
            let given = |(name, value): (&String, &Value)| (name.clone(), plain(value).clone());
            Some(Call { operation, inputs: inputs.into_iter().flatten().map(given).collect() })
        })
        .collect()
}

/// A value also from its long form, `{ value: … }`.
fn plain(value: &Value) -> &Value {
    match value.as_object() {
        Some(entries) if entries.len() == 1 => entries.get("value").unwrap_or(value),
        _ => value,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn holds(condition: Value, values: Value) -> bool {
        Condition::read(&condition).unwrap().holds(&|name| values.get(name).cloned())
    }

    #[test]
    fn conditions_hold_with_the_values_of_their_attributes() {
        let busy = json!([{ "load": [{ "greater_or_equal": 60.0 }] }, { "level": [{ "less_than": 3 }] }]);
        assert!(holds(busy.clone(), json!({ "load": 60, "level": 2 })));
        assert!(holds(busy.clone(), json!({ "load": "75.5", "level": "0" })), "numbers told as text");
        assert!(!holds(busy.clone(), json!({ "load": 59.9, "level": 2 })));
        assert!(!holds(busy.clone(), json!({ "load": 80, "level": 3 })));
        let between = json!({ "load": [{ "greater_than": 2 }, { "less_or_equal": 10 }] });
        assert!(holds(between.clone(), json!({ "load": 10 })) && !holds(between, json!({ "load": 2 })));
        let either = json!([{ "or": [{ "mode": "idle" }, { "load": { "in_range": [0, 5] } }] }]);
        assert!(holds(either.clone(), json!({ "mode": "idle", "load": 50 })));
        assert!(holds(either.clone(), json!({ "load": 5 })), "one known part that holds decides");
        assert!(!holds(either, json!({ "mode": "busy", "load": 6 })));
        assert!(holds(
            json!({ "not": [{ "state": { "valid_values": ["up", "starting"] } }] }),
            json!({ "state": "down" })
        ));
        assert!(holds(
            json!({ "name": [{ "pattern": "web-[0-9]+" }, { "max_length": 6 }] }),
            json!({ "name": "web-12" })
        ));
        assert!(!holds(json!({ "name": [{ "pattern": "web" }] }), json!({ "name": "web-12" })), "all of the text");
        assert!(holds(Value::Null, json!({})), "no condition always holds");
    }

    #[test]
    fn what_has_no_value_decides_nothing() {
        assert!(!holds(json!([{ "load": [{ "less_than": 5 }] }]), json!({})));
        assert!(!holds(json!([{ "not": [{ "load": [{ "less_than": 5 }] }] }]), json!({})));
        let either = json!([{ "or": [{ "load": 1 }, { "mode": "idle" }] }]);
        assert!(!holds(either, json!({ "mode": "busy" })));
        assert!(!holds(json!({ "load": { "greater_than": 5 } }), json!({ "load": "much" })));
    }

    #[test]
    fn what_has_no_meaning_is_told() {
        let told = |condition: Value| Condition::read(&condition).unwrap_err();
        assert!(told(json!([{ "load": [{ "roughly": 5 }] }])).contains("\"roughly\" of \"load\""));
        assert!(told(json!([{ "load": [{ "greater_than": "much" }] }])).contains("wants a number"));
        assert!(told(json!({ "constraint": [{ "load": 5 }], "period": "60 s" })).contains("over time"));
        assert!(told(json!([{ "load": [{ "in_range": [1] }] }])).contains("two numbers"));
        assert!(told(json!("load > 5")).contains("no condition"));
        assert!(told(json!({ "load": [{ "pattern": "a)|(b" }] })).contains("pattern of"));
        let many: Vec<_> = (0..65).map(|n| json!({ "load": [{ "equal": n }] })).collect();
        assert!(told(json!(many)).contains("more than 64"));
        let deep = (0..20).fold(json!({ "load": 1 }), |inner, _| json!({ "not": [inner] }));
        assert!(told(deep).contains("deep"));
    }

    #[test]
    fn calls_have_their_inputs() {
        let action = json!([
            { "call_operation": "Vnflcm.heal" },
            { "call_operation": { "operation": "Vnflcm.scale", "inputs": { "type": { "value": "scale_out" }, "steps": 2 } } },
            { "delegate": "other" },
        ]);
        let found = calls(&action);
        assert_eq!(found[0], Call { operation: "Vnflcm.heal".into(), inputs: Map::new() });
        assert_eq!(found[1].operation, "Vnflcm.scale");
        assert_eq!(Value::Object(found[1].inputs.clone()), json!({ "type": "scale_out", "steps": 2 }));
        assert_eq!(found.len(), 2);
    }
}
