//! Attribute selectors (SOL013 clause 5.3): which attributes a list shows.

use reference_points::common::Fault;
use serde_json::Value;

use crate::http::ApiError;

/// Most paths in one selector.
const MAX_PATHS: usize = 64;

/// What a resource's specification says about selection. Paths are joined by `/`.
#[derive(Debug, Clone, Copy)]
pub struct Selection {
    /// The complex attributes with a lower cardinality of zero: only they can be left out.
    pub selectable: &'static [&'static str],
    /// Those of them that a list leaves out unless asked for.
    pub default_excluded: &'static [&'static str],
}

impl Selection {
    /// Everything is always shown.
    pub const NONE: Self = Self { selectable: &[], default_excluded: &[] };
}

/// A legal combination of the four parameters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Selectors {
    /// Nothing given, or `exclude_default`.
    #[default]
    ExcludeDefault,
    /// `all_fields`.
    All,
    /// `fields=…`: of the selectable attributes only these.
    Fields(Vec<String>),
    /// `exclude_fields=…`: all but these.
    ExcludeFields(Vec<String>),
    /// `exclude_default` with `fields=…`: the default, and these in addition.
    ExcludeDefaultBut(Vec<String>),
}

impl Selectors {
    /// Reads the parameters; each is `None` when absent.
    ///
    /// # Errors
    /// 400 for an illegal combination or an empty list.
    pub fn of(
        all_fields: bool,
        fields: Option<&str>,
        exclude_fields: Option<&str>,
        exclude_default: bool,
    ) -> Result<Self, ApiError> {
        let mut faults = Vec::new();
        let fields = fields.map(|list| paths("fields", list, &mut faults));
        let exclude = exclude_fields.map(|list| paths("exclude_fields", list, &mut faults));
        let mut clash = |one: &str, other: &str| {
            faults.push(
                Fault::new(format!("query.{one}"), format!("{one} and {other} cannot stand together"))
                    .mend("use one of all_fields, fields, exclude_fields, exclude_default; only exclude_default and fields go together"),
            );
        };
        if all_fields && fields.is_some() {
            clash("all_fields", "fields");
        }
        if all_fields && exclude.is_some() {
            clash("all_fields", "exclude_fields");
        }
        if all_fields && exclude_default {
            clash("all_fields", "exclude_default");
        }
        if fields.is_some() && exclude.is_some() {
            clash("fields", "exclude_fields");
        }
        if exclude.is_some() && exclude_default {
            clash("exclude_fields", "exclude_default");
        }
        if !faults.is_empty() {
            return Err(ApiError::faults("the attribute selector", faults));
        }
        Ok(match (all_fields, fields, exclude, exclude_default) {
            (true, ..) => Self::All,
            (_, Some(list), _, true) => Self::ExcludeDefaultBut(list),
            (_, Some(list), _, false) => Self::Fields(list),
            (_, None, Some(list), _) => Self::ExcludeFields(list),
            _ => Self::ExcludeDefault,
        })
    }

    /// Leaves out of `document` what is not selected.
    pub fn apply(&self, document: &mut Value, selection: &Selection) {
        match self {
            Self::All => {}
            Self::ExcludeDefault => selection.default_excluded.iter().for_each(|path| remove(document, path)),
            Self::ExcludeFields(list) => list
                .iter()
                .filter(|path| selection.selectable.iter().any(|s| within(path, s)))
                .for_each(|path| remove(document, path)),
            Self::Fields(list) => keep(document, selection.selectable, list),
            Self::ExcludeDefaultBut(list) => keep(document, selection.default_excluded, list),
        }
    }
}

fn paths(name: &str, list: &str, faults: &mut Vec<Fault>) -> Vec<String> {
    let paths: Vec<String> = list.split(',').map(|p| p.trim().to_owned()).collect();
    if paths.len() > MAX_PATHS {
        faults.push(Fault::new(format!("query.{name}"), format!("names more than {MAX_PATHS} attributes")));
    }
    if paths.iter().any(|p| p.is_empty() || p.split('/').any(str::is_empty)) {
        let fault = Fault::new(format!("query.{name}"), "names an attribute without a name");
        faults.push(fault.mend(format!("write {name}=attribute,structure/attribute")));
    }
    paths
}

/// `path` is `outer` or lies inside it.
fn within(path: &str, outer: &str) -> bool {
    path.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Of the attributes at `candidates` only those listed stay, whole or in part.
fn keep(document: &mut Value, candidates: &[&str], listed: &[String]) {
    for candidate in candidates {
        if listed.iter().any(|path| within(candidate, path)) {
            continue;
        }
        let parts: Vec<&str> =
            listed.iter().filter(|p| within(p, candidate)).filter_map(|p| p.get(candidate.len() + 1..)).collect();
        if parts.is_empty() {
            remove(document, candidate);
        } else {
            at(document, candidate, &mut |value| narrow(value, &parts));
        }
    }
}

/// Of a structure that is asked for in part, the simple attributes stay and of the complex ones those asked for.
fn narrow(value: &mut Value, parts: &[&str]) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| narrow(item, parts)),
        Value::Object(map) => {
            map.retain(|name, v| !(v.is_object() || v.is_array()) || parts.iter().any(|p| within(p, name)));
            for (name, v) in map.iter_mut() {
                let whole = parts.contains(&name.as_str());
                let inner: Vec<&str> =
                    parts.iter().filter(|p| within(p, name)).filter_map(|p| p.get(name.len() + 1..)).collect();
                if !whole && !inner.is_empty() {
                    narrow(v, &inner);
                }
            }
        }
        _ => {}
    }
}

/// Visits the value at `path`, in every element where arrays lie on the way.
fn at(value: &mut Value, path: &str, visit: &mut dyn FnMut(&mut Value)) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| at(item, path, visit)),
        Value::Object(map) => {
            let (name, rest) = path.split_once('/').map_or((path, None), |(n, r)| (n, Some(r)));
            if let Some(inner) = map.get_mut(name) {
                match rest {
                    Some(rest) => at(inner, rest, visit),
                    None => visit(inner),
                }
            }
        }
        _ => {}
    }
}

/// Removes the attribute at `path`, in every element where arrays lie on the way.
fn remove(value: &mut Value, path: &str) {
    match path.rsplit_once('/') {
        Some((before, last)) => at(value, before, &mut |inner| drop_from(inner, last)),
        None => drop_from(value, path),
    }
}

fn drop_from(value: &mut Value, name: &str) {
    match value {
        Value::Object(map) => {
            map.shift_remove(name);
        }
        Value::Array(items) => items.iter_mut().for_each(|item| drop_from(item, name)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    const VNF: Selection =
        Selection { selectable: &["info", "metadata", "vims"], default_excluded: &["info", "metadata"] };

    fn vnf() -> Value {
        json!({
            "id": "1", "state": "S",
            "info": {"flavour": "f", "cps": [{"id": "c", "ext": {"x": 1}}], "scale": [1]},
            "metadata": {"a": "b"},
            "vims": {"v": {}},
        })
    }

    fn shown(selectors: &Selectors) -> Value {
        let mut doc = vnf();
        selectors.apply(&mut doc, &VNF);
        doc
    }

    fn names(value: &Value) -> Vec<&str> {
        value.as_object().unwrap().keys().map(String::as_str).collect()
    }

    #[test]
    fn each_combination_shows_what_the_standard_says() {
        let list = |l: &str| Some(l.to_owned());
        let of = |all, fields: Option<String>, exclude: Option<String>, default| {
            Selectors::of(all, fields.as_deref(), exclude.as_deref(), default).unwrap()
        };
        assert_eq!(names(&shown(&of(false, None, None, false))), ["id", "state", "vims"]);
        assert_eq!(names(&shown(&of(false, None, None, true))), ["id", "state", "vims"]);
        assert_eq!(shown(&of(true, None, None, false)), vnf());
        assert_eq!(names(&shown(&of(false, list("metadata"), None, false))), ["id", "state", "metadata"]);
        assert_eq!(names(&shown(&of(false, None, list("vims,id"), false))), ["id", "state", "info", "metadata"]);
        assert_eq!(names(&shown(&of(false, list("info"), None, true))), ["id", "state", "info", "vims"]);
        let part = shown(&of(false, list("info/cps"), None, false));
        assert_eq!(part["info"], json!({"flavour": "f", "cps": [{"id": "c", "ext": {"x": 1}}]}));
        let without = shown(&of(false, None, list("info/cps/ext"), false));
        assert_eq!(without["info"]["cps"], json!([{"id": "c"}]));
    }

    #[test]
    fn illegal_combinations_are_refused() {
        for (all, fields, exclude, default) in [
            (true, Some("a"), None, false),
            (true, None, Some("a"), false),
            (true, None, None, true),
            (false, Some("a"), Some("b"), false),
            (false, None, Some("a"), true),
            (false, Some("a,,b"), None, false),
        ] {
            assert_eq!(Selectors::of(all, fields, exclude, default).unwrap_err().problem.status, 400);
        }
    }
}
