//! Packages with a SOL006 descriptor: which file of the package it is, and reading it together with the files it names
//! (SOL004 clause 4.1, SOL007 clause 4.1).
//!
//! The descriptor is the file that `Entry-Definitions` names, or the main file of a package without TOSCA.meta; or the one
//! that a main TOSCA file or TOSCA.meta names as `yang_definitions`.

use super::files::Files;
use super::looks_like;
use crate::archive::{META_PATH, Package, names};
use crate::codes;
use crate::diag::{Diagnostics, Pos, Sink};
use crate::nsd::Nsd;
use crate::pnfd::Pnfd;
use crate::vnfd::Vnfd;
use crate::yaml::{self, Budget};

/// The keyname under which a main TOSCA file or TOSCA.meta names a descriptor in YANG.
const KEY: &str = "yang_definitions";

/// What a package has for a descriptor of SOL006.
enum Found {
    /// Its path and content.
    File(String, Vec<u8>),
    /// One is named and cannot be used.
    Unusable(Diagnostics),
    /// The descriptor is one of SOL001.
    None,
}

/// The path of a package's descriptor where that is one of SOL006, in whichever encoding; `None` where it is TOSCA.
#[must_use]
pub fn descriptor_of(package: &Package) -> Option<String> {
    match find(package) {
        Found::File(path, _) => Some(path),
        Found::Unusable(_) | Found::None => None,
    }
}

/// Whether a file is one of SOL006 by its name and how it begins: XML and JSON are nothing else, YAML may be TOSCA.
pub(crate) fn is_descriptor(path: &str, head: &[u8]) -> bool {
    let lower = path.to_ascii_lowercase();
    lower.ends_with(".xml") || lower.ends_with(".json") || looks_like(head).is_some()
}

fn find(package: &Package) -> Found {
    let entry = package.entry_definitions();
    // What cannot be read is told by the reader of TOSCA.
    let Ok(bytes) = package.read(entry) else { return Found::None };
    if is_descriptor(entry, &bytes) {
        return Found::File(entry.to_owned(), bytes);
    }
    let mut sink = Sink::new();
    let Some((named, at)) = named(package, entry, &bytes, &mut sink) else { return Found::None };
    let paths = [names::join(entry, &named), names::join("", &named)];
    let Some(path) = paths.into_iter().flatten().find(|p| package.contains(p)) else {
        sink.error_mend(
            &codes::YANG_FILE,
            at,
            format!("`{KEY}` names `{named}`, which is not in the package"),
            "correct the path or add the file",
        );
        return Found::Unusable(sink.finish());
    };
    match package.read(&path) {
        Ok(bytes) => Found::File(path, bytes),
        Err(e) => {
            sink.error(&codes::UNREADABLE_ENTRY, at, format!("cannot read `{path}`: {e}"));
            Found::Unusable(sink.finish())
        }
    }
}

/// The file that the main TOSCA file names in its `metadata`, or TOSCA.meta in its first block.
fn named(package: &Package, entry: &str, bytes: &[u8], sink: &mut Sink) -> Option<(String, Pos)> {
    if let Some((_, path)) = package.meta().and_then(|m| m.other.iter().find(|(k, _)| k.eq_ignore_ascii_case(KEY))) {
        let text = String::from_utf8_lossy(&package.read(META_PATH).unwrap_or_default()).into_owned();
        let line = text.lines().position(|l| l.trim_start().to_ascii_lowercase().starts_with(KEY)).unwrap_or_default();
        let file = sink.add_source(META_PATH, text);
        return Some((path.clone(), Pos { file, line: u32::try_from(line + 1).unwrap_or(1), column: 1 }));
    }
    let text = std::str::from_utf8(bytes).ok().filter(|t| t.contains(KEY))?;
    let file = sink.add_source(entry, text);
    let limits = package.limits();
    let budget = Budget { nodes: limits.yaml_nodes, depth: limits.yaml_depth };
    // A file that is no YAML is told by the reader of TOSCA.
    let mut hushed = Sink::new();
    hushed.add_source(entry, text);
    let root = yaml::parse(file, text, budget, &mut hushed)?;
    let node = root.dig(&["metadata", KEY])?;
    Some((node.text()?.to_owned(), node.at))
}

/// Reads the VNFD of a package whose descriptor is one of SOL006; `None` where it is TOSCA.
pub(crate) fn vnfd(package: &Package) -> Option<Result<Vnfd, Diagnostics>> {
    read(package, super::vnfd_of)
}

/// As [`vnfd`], for an NSD.
pub(crate) fn nsd(package: &Package) -> Option<Result<Nsd, Diagnostics>> {
    read(package, super::nsd_of)
}

/// As [`vnfd`], for a PNFD.
pub(crate) fn pnfd(package: &Package) -> Option<Result<Pnfd, Diagnostics>> {
    read(package, super::pnfd_of)
}

fn read<M>(
    package: &Package,
    read: impl FnOnce(&str, &[u8], Files<'_>) -> Result<M, Diagnostics>,
) -> Option<Result<M, Diagnostics>> {
    match find(package) {
        Found::File(path, bytes) => Some(read(&path, &bytes, Files::of(package, &path))),
        Found::Unusable(found) => Some(Err(found)),
        Found::None => None,
    }
}
