//! Holding a filter against a document: pure, and the last word also where a database has sifted before.

use std::cmp::Ordering;

use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::filter::{Condition, Filter, Op, Step};

impl Filter {
    /// Whether every condition holds for `document`.
    pub fn matches(&self, document: &Value) -> bool {
        self.conditions.iter().all(|c| c.matches(document))
    }
}

impl Condition {
    /// Whether the condition holds: for one element where the path leads through or to an array, and never where it leads
    /// to nothing.
    pub fn matches(&self, document: &Value) -> bool {
        let mut held = false;
        walk(document, &self.path, &mut |leaf| held = held || self.holds(leaf));
        held
    }

    fn holds(&self, leaf: &Leaf<'_>) -> bool {
        let is = |test: fn(Ordering) -> bool| self.values.iter().any(|v| compare(leaf, v).is_some_and(test));
        let equal = || self.values.iter().any(|v| compare(leaf, v) == Some(Ordering::Equal));
        let contains = || match leaf {
            Leaf::Text(text) => Some(self.values.iter().any(|v| text.contains(v.as_str()))),
            Leaf::Number(_) | Leaf::Bool(_) => None,
        };
        match self.op {
            Op::Eq | Op::In => equal(),
            Op::Neq | Op::Nin => !equal(),
            Op::Gt => is(Ordering::is_gt),
            Op::Gte => is(Ordering::is_ge),
            Op::Lt => is(Ordering::is_lt),
            Op::Lte => is(Ordering::is_le),
            Op::Cont => contains() == Some(true),
            Op::Ncont => contains() == Some(false),
        }
    }
}

/// A simple value in a document.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Leaf<'a> {
    Text(&'a str),
    Number(f64),
    Bool(bool),
}

/// How `leaf` stands to the value `given`; `None` where they cannot be compared. Points in time are compared as such:
/// their text would order `…00Z` behind `…00.5Z`.
fn compare(leaf: &Leaf<'_>, given: &str) -> Option<Ordering> {
    match leaf {
        Leaf::Text(text) => match (time_micros(text), time_micros(given)) {
            (Some(a), Some(b)) => Some(a.cmp(&b)),
            _ => Some((*text).cmp(given)),
        },
        Leaf::Number(n) => n.partial_cmp(&number(given)?),
        Leaf::Bool(b) => (given == if *b { "true" } else { "false" }).then_some(Ordering::Equal),
    }
}

/// A value as a number, when it is one.
pub(crate) fn number(text: &str) -> Option<f64> {
    text.parse::<f64>().ok().filter(|n| n.is_finite())
}

/// A value as a point in time (RFC 3339), in microseconds since the Unix epoch, when it is one.
pub(crate) fn time_micros(text: &str) -> Option<i64> {
    // Most text is no time, and the full parser is not free.
    if text.len() < 20 || !text.as_bytes()[0].is_ascii_digit() {
        return None;
    }
    let time = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    i64::try_from(time.unix_timestamp_nanos() / 1000).ok()
}

/// Every simple value at a plain path.
pub(crate) fn leaves<'a>(document: &'a Value, path: &str) -> Vec<Leaf<'a>> {
    let steps: Vec<Step> = path.split('/').map(|name| Step::Name(name.to_owned())).collect();
    let mut found = Vec::new();
    walk(document, &steps, &mut |leaf| found.push(*leaf));
    found
}

fn walk<'a>(value: &'a Value, path: &[Step], visit: &mut impl FnMut(&Leaf<'a>)) {
    if let Value::Array(items) = value {
        items.iter().for_each(|item| walk(item, path, visit));
        return;
    }
    match (path.split_first(), value) {
        (None, Value::String(text)) => visit(&Leaf::Text(text)),
        (None, Value::Number(n)) => {
            if let Some(n) = n.as_f64() {
                visit(&Leaf::Number(n));
            }
        }
        (None, Value::Bool(b)) => visit(&Leaf::Bool(*b)),
        (Some((Step::Name(name), rest)), Value::Object(map)) => {
            if let Some(inner) = map.get(name) {
                walk(inner, rest, visit);
            }
        }
        (Some((Step::Any, rest)), Value::Object(map)) => map.values().for_each(|inner| walk(inner, rest, visit)),
        (Some((Step::Key, [])), Value::Object(map)) => map.keys().for_each(|key| visit(&Leaf::Text(key))),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn holds(filter: &str, document: &Value) -> bool {
        filter.parse::<Filter>().unwrap().matches(document)
    }

    #[test]
    fn every_operator_compares_as_its_attribute_demands() {
        let doc = json!({
            "name": "edge one", "weight": 100, "size": 2.5, "on": true, "gone": null,
            "startTime": "2026-01-02T10:00:00.5Z",
            "tags": ["red", "green"],
            "parts": [{"id": "a", "kind": "cp", "n": 1}, {"id": "b", "kind": "vl", "n": 20}],
            "metadata": {"owner": "ops", "a/b": "x"},
        });
        for filter in [
            "(eq,name,edge one)",
            "(neq,name,other)",
            "(in,name,a,edge one)",
            "(nin,name,a,b)",
            "(cont,name,zzz,one)",
            "(ncont,name,two,three)",
            "(gt,weight,99)",
            "(gte,weight,100.0)",
            "(lt,weight,1e3)",
            "(lte,size,2.5)",
            "(eq,weight,100)",
            "(eq,on,true)",
            "(neq,on,false)",
            "(eq,tags,green)",
            "(neq,tags,green)",
            "(eq,parts/id,b)",
            "(gt,parts/n,10)",
            "(eq,metadata/owner,ops)",
            "(eq,metadata/@key,owner)",
            "(eq,metadata/a~1b,x)",
            "(gt,startTime,2026-01-02T10:00:00Z)",
            "(eq,startTime,2026-01-02T11:00:00.500+01:00)",
            "(lt,name,f)",
            "(eq,name,edge one);(gt,weight,1)",
            "(neq,weight,heavy)",
        ] {
            assert!(holds(filter, &doc), "{filter}");
        }
        for filter in [
            "(eq,name,edge)",
            "(neq,name,edge one)",
            "(nin,name,a,edge one)",
            "(ncont,name,two,one)",
            "(gt,weight,100)",
            "(gt,weight,heavy)",
            "(cont,weight,1)",
            "(ncont,weight,1)",
            "(eq,nothing,x)",
            "(neq,nothing,x)",
            "(nin,nothing,x)",
            "(ncont,nothing,x)",
            "(eq,gone,null)",
            "(eq,parts,a)",
            "(eq,parts/id/x,a)",
            "(eq,tags,re)",
            "(eq,metadata/@key,ops)",
            "(lt,startTime,2026-01-02T10:00:00Z)",
            "(eq,name,edge one);(gt,weight,1000)",
        ] {
            assert!(!holds(filter, &doc), "{filter}");
        }
    }

    proptest! {
        /// On a present string, each operator and its opposite never agree.
        #[test]
        fn opposites_differ(text in "[a-c]{0,3}", value in "[a-c]{0,3}") {
            let doc = json!({"a": text});
            for (op, opposite) in [("eq", "neq"), ("in", "nin"), ("cont", "ncont"), ("gt", "lte"), ("lt", "gte")] {
                let with = |op: &str| holds(&format!("({op},a,{value})"), &doc);
                prop_assert_ne!(with(op), with(opposite), "{}", op);
            }
        }

        /// Numbers compare as numbers, not as text.
        #[test]
        fn numbers_are_ordered(a in -1000i64..1000, b in -1000i64..1000) {
            let doc = json!({"a": a});
            let with = |op: &str| holds(&format!("({op},a,{b})"), &doc);
            prop_assert_eq!(with("gt"), a > b);
            prop_assert_eq!(with("lte"), a <= b);
            prop_assert_eq!(with("eq"), a == b);
        }
    }
}
