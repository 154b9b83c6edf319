//! Boot data of a VDU and how its variable parts are filled in (SOL001 clause 6.2, `tosca.datatypes.nfv.BootData`).
//!
//! A file named by `source_path` may hold variable parts written `${name}`; `name` is a key of the `data` map beside it.
//! `$${` stands for a plain `${`, so that a shell script can use braces of its own. A name that `data` does not have is
//! looked up among the values of the VNFC (see [`BootContext::vnfc`]); one that is nowhere is an error. `content` is
//! taken as it is, unless `data` is given too.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::codes;
use crate::diag::{Diagnostics, Pos, Sink};
use crate::expr::{Environment, Expr, text_of};

/// `tosca.datatypes.nfv.BootData`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BootData {
    /// How boot data reaches the guest, from `vim_specific_properties`.
    #[serde(default)]
    pub layout: ConfigDriveLayout,
    /// `kvp_data`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub kvp: BTreeMap<String, Expr>,
    /// `content_or_file_data`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<ContentOrFile>,
    /// `vim_specific_properties`, as written.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub vim_specific: Value,
    /// Everything else.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub extra: Value,
}

/// Layout of the config drive; `vim_specific_properties` says it as `config_drive_layout`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ConfigDriveLayout {
    /// OpenStack's, on a volume labelled `config-2`.
    #[default]
    Openstack,
    /// NoCloud, on a volume labelled `cidata`.
    Nocloud,
}

/// `tosca.datatypes.nfv.ContentOrFileData`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ContentOrFile {
    /// `content`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<Expr>,
    /// `source_path`, as a path in the package.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_path: Option<String>,
    /// `destination_path`: where the guest wants the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination_path: Option<Expr>,
    /// `data`: values of the variable parts.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub data: BTreeMap<String, Expr>,
}

/// What is known about a VNFC when its boot data is made.
#[derive(Clone, Copy, Debug)]
pub struct BootContext<'a> {
    /// The VNF instance's configurable properties, either nested as in the descriptor or flat by name.
    pub configurable_properties: &'a Value,
    /// `additionalParams` of the operation; they feed `get_input`.
    pub additional_params: &'a Value,
    /// Values of this VNFC under the names a boot script may use, for example `vnfc_name` or `vnfc_index`.
    pub vnfc: &'a BTreeMap<String, String>,
}

/// Boot data with nothing left open.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResolvedBootData {
    /// Layout of the config drive.
    pub layout: ConfigDriveLayout,
    /// User data or file content.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// Where the guest wants the content as a file; without it the content is user data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination_path: Option<String>,
    /// Key-value pairs for the guest's metadata.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub kvp: BTreeMap<String, String>,
}

impl Environment for BootContext<'_> {
    fn input(&self, path: &[String]) -> Option<Value> {
        dig(self.additional_params, path).or_else(|| self.vnf_property(path))
    }

    fn vnf_property(&self, path: &[String]) -> Option<Value> {
        let inner = path.strip_prefix(&["configurable_properties".to_owned()][..]).unwrap_or(path);
        let flat = inner.strip_prefix(&["additional_configurable_properties".to_owned()][..]).unwrap_or(inner);
        dig(self.configurable_properties, path)
            .or_else(|| dig(self.configurable_properties, inner))
            .or_else(|| dig(self.configurable_properties, flat))
    }
}

/// Follows names, or indexes of lists, into a value.
fn dig(value: &Value, path: &[String]) -> Option<Value> {
    let mut at = value;
    for step in path {
        at = match at {
            Value::Object(map) => map.get(step)?,
            Value::Array(items) => items.get(step.parse::<usize>().ok()?)?,
            _ => return None,
        };
    }
    (!at.is_null() && !path.is_empty()).then(|| at.clone())
}

impl BootData {
    /// Path of the package file that [`BootData::resolve`] needs.
    #[must_use]
    pub fn source_path(&self) -> Option<&str> {
        self.content.as_ref()?.source_path.as_deref()
    }

    /// The VNF properties it depends on, as paths; they must have values before a VNFC can be made.
    #[must_use]
    pub fn vnf_properties(&self) -> BTreeSet<Vec<String>> {
        let mut found = BTreeSet::new();
        let content = self.content.iter().flat_map(|c| c.data.values().chain(&c.content).chain(&c.destination_path));
        for expr in self.kvp.values().chain(content) {
            expr.walk(&mut |e| {
                if let Expr::VnfProperty(path) = e {
                    found.insert(path.clone());
                }
            });
        }
        found
    }

    /// Fills everything in. `file` is the content of [`BootData::source_path`], where there is one.
    ///
    /// # Errors
    /// Every value that is missing and every variable part without a value, with its line in the file.
    pub fn resolve(&self, context: &BootContext<'_>, file: Option<&str>) -> Result<ResolvedBootData, Diagnostics> {
        let mut sink = Sink::new();
        let mut out = ResolvedBootData { layout: self.layout, ..ResolvedBootData::default() };
        for (key, expr) in &self.kvp {
            if let Some(value) = value(&format!("kvp_data `{key}`"), expr, context, &mut sink) {
                out.kvp.insert(key.clone(), value);
            }
        }
        if let Some(content) = &self.content {
            content.resolve(context, file, &mut out, &mut sink);
        }
        if sink.has_errors() { Err(sink.finish()) } else { Ok(out) }
    }
}

fn value(what: &str, expr: &Expr, context: &BootContext<'_>, sink: &mut Sink) -> Option<String> {
    match expr.resolve(context) {
        Ok(value) => Some(text_of(&value)),
        Err(gaps) => {
            for gap in gaps {
                sink.error_mend(
                    &codes::BOOT_DATA,
                    None,
                    format!("{what}: {gap}"),
                    "give it with the request, or declare a default in the VNFD",
                );
            }
            None
        }
    }
}

impl ContentOrFile {
    fn resolve(&self, context: &BootContext<'_>, file: Option<&str>, out: &mut ResolvedBootData, sink: &mut Sink) {
        let mut data = context.vnfc.clone();
        for (key, expr) in &self.data {
            // A gap is told once, here; the parts that use it stay silent.
            let text = value(&format!("boot data `{key}`"), expr, context, sink).unwrap_or_default();
            data.insert(key.clone(), text);
        }
        if let Some(path) = &self.destination_path {
            out.destination_path = value("destination_path", path, context, sink);
        }
        let (name, template) = match (&self.source_path, &self.content) {
            (Some(path), _) => match file {
                Some(text) => (path.as_str(), text.to_owned()),
                None => {
                    sink.error(&codes::BOOT_DATA, None, format!("the package file `{path}` was not given"));
                    return;
                }
            },
            (None, Some(expr)) => match value("content", expr, context, sink) {
                Some(text) if self.data.is_empty() => {
                    out.content = Some(text);
                    return;
                }
                Some(text) => ("content", text),
                None => return,
            },
            (None, None) => return,
        };
        out.content = Some(substitute(name, &template, &data, sink));
    }
}

/// Replaces `${name}`; `$${` becomes `${`. Unknown names are reported with their place.
fn substitute(file: &str, template: &str, data: &BTreeMap<String, String>, sink: &mut Sink) -> String {
    let id = sink.add_source(file, template);
    let mut out = String::with_capacity(template.len());
    for (n, line) in template.split_inclusive('\n').enumerate() {
        let mut rest = line;
        while let Some(start) = rest.find("${") {
            let (before, from) = rest.split_at(start);
            if let Some(before) = before.strip_suffix('$') {
                out.push_str(before);
                out.push_str("${");
                rest = from.get(2..).unwrap_or_default();
                continue;
            }
            out.push_str(before);
            let column = line.len() - rest.len() + start;
            let at = Pos {
                file: id,
                line: u32::try_from(n + 1).unwrap_or(u32::MAX),
                column: u32::try_from(line.get(..column).map_or(0, |l| l.chars().count()) + 1).unwrap_or(u32::MAX),
            };
            let Some((name, after)) = from.get(2..).unwrap_or_default().split_once('}') else {
                sink.error_mend(
                    &codes::BOOT_DATA,
                    at,
                    "a variable part begins here and does not end in this line",
                    "write `${name}`, or `$${` for a plain `${`",
                );
                out.push_str(from);
                rest = "";
                break;
            };
            match data.get(name) {
                Some(value) => out.push_str(value),
                None => sink.error_mend(
                    &codes::BOOT_DATA,
                    at,
                    format!("the variable part `{name}` has no value"),
                    format!("add `{name}` to `data`, or write `$${{{name}}}` to keep it as it is"),
                ),
            }
            rest = after;
        }
        out.push_str(rest);
    }
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    fn boot(data: &[(&str, Expr)]) -> BootData {
        BootData {
            content: Some(ContentOrFile {
                source_path: Some("Files/boot.sh".into()),
                data: data.iter().map(|(k, v)| ((*k).to_owned(), v.clone())).collect(),
                ..ContentOrFile::default()
            }),
            ..BootData::default()
        }
    }

    fn property(name: &str) -> Expr {
        Expr::VnfProperty(vec![
            "configurable_properties".into(),
            "additional_configurable_properties".into(),
            name.into(),
        ])
    }

    #[test]
    fn variables_come_from_properties_inputs_and_the_vnfc() {
        let boot =
            boot(&[("up", property("upstream")), ("n", Expr::Input { path: vec!["count".into()], default: None })]);
        let vnfc = BTreeMap::from([("vnfc_name".to_owned(), "edge-0".to_owned())]);
        let file = "to ${up}:80 x${n}\nkeep $${HOME} in ${vnfc_name}\n";
        for properties in [
            json!({"additional_configurable_properties": {"upstream": "10.0.0.7"}}),
            json!({"upstream": "10.0.0.7"}),
            json!({"configurable_properties": {"additional_configurable_properties": {"upstream": "10.0.0.7"}}}),
        ] {
            let context = BootContext {
                configurable_properties: &properties,
                additional_params: &json!({"count": 3}),
                vnfc: &vnfc,
            };
            let out = boot.resolve(&context, Some(file)).unwrap();
            assert_eq!(out.content.as_deref(), Some("to 10.0.0.7:80 x3\nkeep ${HOME} in edge-0\n"));
        }
        assert_eq!(boot.vnf_properties().len(), 1);
    }

    #[test]
    fn every_gap_is_told_with_its_line() {
        let boot = boot(&[("up", property("upstream"))]);
        let context =
            BootContext { configurable_properties: &json!({}), additional_params: &json!({}), vnfc: &BTreeMap::new() };
        let found = boot.resolve(&context, Some("a ${up}\nb ${other} ${third}\nc ${open\n")).unwrap_err();
        let lines: Vec<_> = found.iter().map(|d| (d.line, d.column)).collect();
        assert_eq!(lines, [(None, None), (Some(2), Some(3)), (Some(2), Some(12)), (Some(3), Some(3))]);
    }
}
