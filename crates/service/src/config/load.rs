//! Reading a YAML file into a typed configuration, with every fault located by file and line.

use std::fmt;
use std::path::Path;

use reference_points::common::Fault;
use serde::de::{self, DeserializeOwned, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_saphyr::Spanned;

use crate::faults::{self, At};

/// Largest configuration file, in bytes.
const MAX_BYTES: u64 = 1024 * 1024;

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration {path}: {why}")]
    Unreadable {
        /// Its path.
        path: String,
        /// What the operating system said.
        why: String,
    },
    /// The file is read and has faults.
    #[error("the configuration {path} has {} fault{}:{}", faults.len(), if faults.len() == 1 { "" } else { "s" }, listed(faults))]
    Faulty {
        /// Its path.
        path: String,
        /// Every fault, located by `file:line:column`.
        faults: Vec<Fault>,
    },
}

fn listed(faults: &[Fault]) -> String {
    faults
        .iter()
        .map(|f| match &f.mend {
            Some(mend) => format!("\n  {}: {} ({mend})", f.location, f.message),
            None => format!("\n  {}: {}", f.location, f.message),
        })
        .collect()
}

/// Reads the configuration file at `path`. Unknown keys are faults.
///
/// # Errors
/// [`ConfigError`] naming every fault.
pub fn load<T: DeserializeOwned>(path: &Path) -> Result<T, ConfigError> {
    let shown = path.display().to_string();
    let unreadable = |why: String| ConfigError::Unreadable { path: shown.clone(), why };
    let size = std::fs::metadata(path).map_err(|e| unreadable(e.to_string()))?.len();
    if size > MAX_BYTES {
        return Err(unreadable(format!("it holds {size} bytes, more than the {MAX_BYTES} allowed")));
    }
    let text = std::fs::read_to_string(path).map_err(|e| unreadable(e.to_string()))?;
    parse(&text, &shown)
}

/// Reads a configuration from `text`; `name` stands for the file in messages.
///
/// # Errors
/// [`ConfigError::Faulty`] naming every fault.
pub fn parse<T: DeserializeOwned>(text: &str, name: &str) -> Result<T, ConfigError> {
    let faulty = |faults| ConfigError::Faulty { path: name.to_owned(), faults };
    // An empty file, or one of comments only, is an empty mapping: every key then takes its default.
    let empty = text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#'));
    let text = if empty { "{}" } else { text };
    let options = || serde_saphyr::options! { with_snippet: false };
    let first = match serde_saphyr::from_str_with_options::<T>(text, options()) {
        Ok(config) => return Ok(config),
        Err(error) => error,
    };
    let located = |line: u64, column: u64| format!("{name}:{line}:{column}");
    if let Ok(tree) = serde_saphyr::from_str_with_options::<Spanned<Tree>>(text, options()) {
        let found = faults::find::<T>(tree.value.plain(), true);
        if !found.is_empty() {
            let faults = found
                .into_iter()
                .map(|f| {
                    let (line, column) = place(&tree, &f.path);
                    let key = f.path.iter().map(step).collect::<Vec<_>>().join(".");
                    Fault { location: located(line, column), message: format!("{key}: {}", f.message), mend: f.mend }
                })
                .collect();
            return Err(faulty(faults));
        }
    }
    let (line, column) = first.location().map_or((1, 1), |l| (l.line(), l.column()));
    let fault = Fault::new(located(line, column), first.without_snippet().to_string());
    Err(faulty(vec![fault]))
}

fn step(at: &At) -> String {
    match at {
        At::Key(key) => key.clone(),
        At::Index(i) => i.to_string(),
    }
}

/// Line and column of the deepest part of `path` that the file has.
fn place(tree: &Spanned<Tree>, path: &[At]) -> (u64, u64) {
    let mut node = tree;
    let mut at = node.referenced;
    for step in path {
        let next = match (&node.value, step) {
            (Tree::Map(entries), At::Key(key)) => {
                entries.iter().find(|(k, _)| k.value == *key).map(|(k, v)| (k.referenced, v))
            }
            (Tree::Seq(items), At::Index(i)) => items.get(*i).map(|v| (v.referenced, v)),
            _ => None,
        };
        let Some((location, child)) = next else { break };
        (at, node) = (location, child);
    }
    (at.line().max(1), at.column().max(1))
}

/// A YAML document with places.
#[derive(Debug)]
enum Tree {
    Scalar(Value),
    Seq(Vec<Spanned<Tree>>),
    Map(Vec<(Spanned<String>, Spanned<Tree>)>),
}

impl Tree {
    fn plain(&self) -> Value {
        match self {
            Self::Scalar(value) => value.clone(),
            Self::Seq(items) => Value::Array(items.iter().map(|i| i.value.plain()).collect()),
            Self::Map(entries) => {
                Value::Object(entries.iter().map(|(k, v)| (k.value.clone(), v.value.plain())).collect())
            }
        }
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AnyNode;
        impl<'de> Visitor<'de> for AnyNode {
            type Value = Tree;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a YAML value")
            }
            fn visit_bool<E: de::Error>(self, v: bool) -> Result<Tree, E> {
                Ok(Tree::Scalar(v.into()))
            }
            fn visit_i64<E: de::Error>(self, v: i64) -> Result<Tree, E> {
                Ok(Tree::Scalar(v.into()))
            }
            fn visit_u64<E: de::Error>(self, v: u64) -> Result<Tree, E> {
                Ok(Tree::Scalar(v.into()))
            }
            fn visit_f64<E: de::Error>(self, v: f64) -> Result<Tree, E> {
                Ok(Tree::Scalar(v.into()))
            }
            fn visit_str<E: de::Error>(self, v: &str) -> Result<Tree, E> {
                Ok(Tree::Scalar(v.into()))
            }
            fn visit_unit<E: de::Error>(self) -> Result<Tree, E> {
                Ok(Tree::Scalar(Value::Null))
            }
            fn visit_none<E: de::Error>(self) -> Result<Tree, E> {
                Ok(Tree::Scalar(Value::Null))
            }
            fn visit_some<D: Deserializer<'de>>(self, d: D) -> Result<Tree, D::Error> {
                d.deserialize_any(self)
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Tree, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = seq.next_element()? {
                    items.push(item);
                }
                Ok(Tree::Seq(items))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Tree, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Tree::Map(entries))
            }
        }
        deserializer.deserialize_any(AnyNode)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;
    use crate::config::BaseConfig;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields, default)]
    #[derive(Default)]
    struct Example {
        service: BaseConfig,
        hosts: Vec<Host>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Host {
        name: String,
        #[allow(dead_code)]
        cpus: u16,
    }

    #[test]
    fn a_sound_file_is_read() {
        let c: Example = parse(
            "service:\n  listen: 127.0.0.1:0\n  database: sqlite:///tmp/a.db\n  log: {level: debug, format: text}\nhosts:\n- {name: a, cpus: 2}\n",
            "a.yaml",
        )
        .unwrap();
        assert_eq!(c.service.listen.unwrap().port(), 0);
        assert_eq!(c.hosts[0].name, "a");
        assert_eq!(c.service.http.max_body_bytes, 2 << 20);
        assert!(parse::<Example>("# nothing\n", "b.yaml").is_ok());
    }

    #[test]
    fn every_fault_has_its_line_and_the_nearest_name() {
        let text =
            "service:\n  lissen: 127.0.0.1:0\n  log:\n    format: xml\nhosts:\n- name: a\n- {name: b, cpus: many}\n";
        let Err(ConfigError::Faulty { faults, .. }) = parse::<Example>(text, "c.yaml") else { panic!("accepted") };
        let told: Vec<String> = faults.iter().map(|f| format!("{} {}", f.location, f.message)).collect();
        for (place, says) in [
            ("c.yaml:2:3", "service.lissen"),
            ("c.yaml:4:5", "service.log.format"),
            ("c.yaml:6:", "hosts.0.cpus: is missing"),
            ("c.yaml:7:", "hosts.1.cpus"),
        ] {
            assert!(told.iter().any(|t| t.starts_with(place) && t.contains(says)), "{place} {says}: {told:#?}");
        }
        assert_eq!(faults.len(), 4, "{told:#?}");
        assert!(faults.iter().any(|f| f.mend.as_deref() == Some("did you mean \"listen\"?")));
    }

    #[test]
    fn text_that_is_no_yaml_is_told_with_its_line() {
        let error = parse::<Example>("service:\n  listen: [1\n", "d.yaml").unwrap_err().to_string();
        assert!(error.contains("d.yaml:"), "{error}");
    }

    #[test]
    fn an_address_beyond_loopback_needs_consent() {
        let mut c: BaseConfig = parse("listen: 0.0.0.0:1\ndatabase: sqlite:///tmp/x.db\n", "e.yaml").unwrap();
        assert_eq!(c.faults().len(), 1);
        c.allow_remote = true;
        assert!(c.faults().is_empty());
    }
}
