//! Boot data of a VDU: content, or the name of a file of the package whose content is taken (IFA011 clause 7.1.6.7).
//!
//! The content is given to the guest as it stands: the module speaks of variable parts and does not say how they are
//! written. Open Source MANO does: `{{ name }}` in its cloud-init files is a parameter of the instantiation, so it becomes
//! one of the operation's `additionalParams`.

use std::collections::BTreeMap;

use serde_json::Value;

use super::files::{self, Files};
use super::source::Encoding;
use crate::codes;
use crate::diag::{Pos, Sink};
use crate::expr::Expr;
use crate::vnfd::{BootData, ContentOrFile};
use crate::yaml::Node;

/// Largest file taken as boot data, in bytes; no VIM takes as much.
const MAX_BYTES: u64 = 1 << 20;
/// Folders in which packages of Open Source MANO keep their cloud-init files: its own form, and its form of SOL004.
const FOLDERS: [&str; 2] = ["cloud_init", "Scripts/cloud_init"];

/// The boot data of a VDU, where it has any.
pub(super) fn boot_data(vdu: &Node, encoding: Encoding, files: Files<'_>, sink: &mut Sink) -> Option<BootData> {
    let osm = encoding == Encoding::Yaml;
    let content = if let Some(given) = vdu.get("boot-data") {
        let text = given.text().unwrap_or_default();
        let one_line = !text.trim().is_empty() && !text.trim().contains('\n');
        let path = files.find(text.trim(), &[]).filter(|_| one_line);
        match path {
            Some(path) => file(&path, osm, given.at, files, sink)?,
            None if one_line && text.starts_with("file://") && files.package().is_some() => {
                files::missing(text.trim(), WHAT, given.at, sink);
                return None;
            }
            None => plain(text, osm),
        }
    } else if let Some(given) = vdu.get("cloud-init") {
        plain(given.text().unwrap_or_default(), osm)
    } else {
        let given = vdu.get("cloud-init-file")?;
        let name = given.text().unwrap_or_default();
        match (files.package(), files.find(name, &FOLDERS)) {
            (Some(_), Some(path)) => file(&path, osm, given.at, files, sink)?,
            (Some(_), None) => {
                files::missing(&format!("cloud_init/{name}"), WHAT, given.at, sink);
                return None;
            }
            (None, _) => ContentOrFile { source_path: Some(format!("cloud_init/{name}")), ..ContentOrFile::default() },
        }
    };
    Some(BootData { content: Some(content), ..BootData::default() })
}

const WHAT: &str = "the boot data file";

fn file(path: &str, osm: bool, at: Pos, files: Files<'_>, sink: &mut Sink) -> Option<ContentOrFile> {
    let package = files.package()?;
    if let Some(size) = package.size(path).filter(|size| *size > MAX_BYTES) {
        sink.error_mend(
            &codes::TOO_LARGE,
            at,
            format!("the boot data file `{path}` has {size} bytes; {MAX_BYTES} are taken"),
            "let the guest fetch what is large",
        );
        return None;
    }
    match package.read(path).map(String::from_utf8) {
        Ok(Ok(text)) => Some(plain(&text, osm)),
        Ok(Err(_)) => {
            sink.error_mend(
                &codes::YANG_FILE,
                at,
                format!("the boot data file `{path}` is not UTF-8 text"),
                "save the file as UTF-8",
            );
            None
        }
        Err(e) => {
            sink.error(&codes::UNREADABLE_ENTRY, at, format!("cannot read `{path}`: {e}"));
            None
        }
    }
}

fn plain(text: &str, osm: bool) -> ContentOrFile {
    let (text, data) = if osm { parameters(text) } else { (text.to_owned(), BTreeMap::new()) };
    ContentOrFile { content: Some(Expr::Literal(Value::String(text))), data, ..ContentOrFile::default() }
}

/// `{{ name }}` as variable parts `${name}` with the parameters they are filled from; a text without any stays as it is.
/// Of the template language only this is read: what else stands in braces stays.
fn parameters(text: &str) -> (String, BTreeMap<String, Expr>) {
    let mut data = BTreeMap::new();
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        let inner = after.split_once("}}").map(|(inner, rest)| (inner.trim(), rest));
        out.push_str(&before.replace("${", "$${"));
        let Some((name, behind)) = inner.filter(|(name, _)| is_name(name)) else {
            out.push_str("{{");
            rest = after;
            continue;
        };
        out.push_str(&format!("${{{name}}}"));
        let path = name.split('.').map(str::to_owned).collect();
        data.insert(name.to_owned(), Expr::Input { path, default: None });
        rest = behind;
    }
    if data.is_empty() {
        return (text.to_owned(), data);
    }
    out.push_str(&rest.replace("${", "$${"));
    (out, data)
}

/// Names with dots between them.
fn is_name(text: &str) -> bool {
    text.split('.').all(|part| {
        let first = part.chars().next();
        first.is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
            && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn names_in_double_braces_are_parameters_and_everything_else_stays() {
        let (text, data) = parameters("a ${HOME} {{ user }} b {{ net.ip}} {{ x | y }} {% if z %} ${P}\n");
        assert_eq!(text, "a $${HOME} ${user} b ${net.ip} {{ x | y }} {% if z %} $${P}\n");
        let paths: Vec<_> = data.values().cloned().collect();
        let input = |path: &[&str]| Expr::Input { path: path.iter().map(|p| (*p).to_owned()).collect(), default: None };
        assert_eq!(paths, [input(&["net", "ip"]), input(&["user"])]);
        let same = "#!/bin/sh\necho ${HOME} {{ x | y }} {{\n";
        assert_eq!(parameters(same), (same.to_owned(), BTreeMap::new()));
    }
}
