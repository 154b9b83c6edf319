//! Whether type definitions make sense: the types and constraints of what they declare (TOSCA Simple Profile clause 3.7).

use super::check::is_primitive;
use super::constraint::OPERATORS;
use super::names::nearest;
use super::types::{TypeDef, TypeKind, Types};
use crate::codes;
use crate::diag::{Pos, Sink};
use crate::yaml::Node;

/// Tells what a type definition names that is defined nowhere, and clauses that say nothing: unknown operators, wrong
/// arguments, patterns nobody can read.
pub(super) fn check(types: &Types, kind: TypeKind, name: &str, def: &TypeDef, sink: &mut Sink) {
    let owner = format!("the {} `{name}`", kind.word());
    if kind == TypeKind::Data {
        clauses(types, def.body.get("constraints"), &owner, sink);
    }
    for section in ["properties", "attributes"] {
        for entry in def.body.get(section).iter().flat_map(|p| p.each()) {
            let owner = format!("`{}` of {owner}", entry.key);
            let mut schema = Some(&entry.value);
            // An entry schema may itself be a list of lists; the reader bounds how deep.
            while let Some(node) = schema {
                named(types, node, &owner, sink);
                clauses(types, node.get("constraints"), &owner, sink);
                clauses(types, node.get("key_schema").and_then(|k| k.get("constraints")), &owner, sink);
                schema = node.get("entry_schema");
            }
        }
    }
}

/// A value of an unknown type is taken as it is, so this is only a warning.
fn named(types: &Types, schema: &Node, owner: &str, sink: &mut Sink) {
    let Some((name, at)) =
        schema.get("type").unwrap_or(schema).text().map(|t| (t, schema.get("type").map_or(schema.at, |n| n.at)))
    else {
        return;
    };
    if is_primitive(name) || types.get(TypeKind::Data, name).is_some() || sink.is_full() {
        return;
    }
    sink.warn(
        &codes::TYPE_UNKNOWN,
        at,
        format!("the data type `{name}` of {owner} is not defined; values are taken as they are"),
        "import the file that defines it",
    );
}

fn clauses(types: &Types, given: Option<&Node>, owner: &str, sink: &mut Sink) {
    let Some(given) = given else { return };
    let list = given.items().unwrap_or(std::slice::from_ref(given));
    for clause in list.iter().flat_map(Node::each) {
        let told = |sink: &mut Sink, at: Pos, what: &str, mend: String| {
            sink.warn(&codes::CONSTRAINT_SHAPE, at, format!("the constraint `{}` of {owner} {what}", clause.key), mend);
        };
        if !OPERATORS.contains(&clause.key.as_str()) {
            let near = nearest(&clause.key, OPERATORS.into_iter());
            let mend =
                near.map_or_else(|| format!("use one of {}", OPERATORS.join(", ")), |n| format!("did you mean `{n}`?"));
            told(sink, clause.key_at, "is no operator of the profile; it is passed over", mend);
            continue;
        }
        let at = clause.value.at;
        match clause.key.as_str() {
            "in_range" if clause.value.items().is_none_or(|i| i.len() != 2) => {
                told(sink, at, "needs a lower and an upper bound", "write `in_range: [ <low>, <high> ]`".to_owned());
            }
            "valid_values" if clause.value.items().is_none() => {
                told(sink, at, "needs a list", "write `valid_values: [ <value>, … ]`".to_owned());
            }
            "length" | "min_length" | "max_length" if clause.value.integer().is_none_or(|n| n < 0) => {
                told(sink, at, "needs a whole number", format!("write for example `{}: 1`", clause.key));
            }
            "pattern" => {
                let text = clause.value.text().unwrap_or_default();
                if text.is_empty() || types.patterns().matches(text, "").is_none() {
                    told(
                        sink,
                        at,
                        "is no regular expression that can be checked; it is passed over",
                        "write a plain expression, without look-around or back references".to_owned(),
                    );
                }
            }
            _ => {}
        }
    }
}
