//! Finding and reading TOSCA.meta, manifest and main service template (SOL004 clause 4.1).

use std::collections::{HashMap, HashSet};

use super::index::shown;
use super::{Package, manifest, meta, names};
use crate::codes;
use crate::diag::{FileId, Pos, Sink};

/// Reads TOSCA.meta and manifest and finds the main service template.
pub(super) fn read_heads(package: &mut Package, sink: &mut Sink) {
    let manifest_path = if package.contains(meta::PATH) {
        let Some((file, text)) = package.read_text(meta::PATH, sink) else { return };
        let read = meta::parse(file, &text, sink);
        let manifest_path = with_meta(package, file, &read, sink);
        package.meta = Some(read);
        manifest_path
    } else {
        without_meta(package, sink)
    };
    let Some(path) = manifest_path else { return };
    let Some((file, text)) = package.read_text(&path, sink) else { return };
    let read = manifest::parse(&path, file, &text, sink);
    check_manifest(package, file, &read, sink);
    package.manifest = Some(read);
}

fn with_meta(package: &mut Package, file: FileId, read: &meta::ToscaMeta, sink: &mut Sink) -> Option<String> {
    let whole = Pos::whole(file);
    match &read.entry_definitions {
        None => sink.error_mend(
            &codes::META_KEY_MISSING,
            whole,
            "the keyname `Entry-Definitions` is missing",
            "add `Entry-Definitions: Definitions/<main service template>.yaml`",
        ),
        Some(path) if !package.contains(path) => missing(file, "Entry-Definitions", path, sink),
        Some(path) => package.entry_definitions.clone_from(path),
    }
    for other in &read.other_definitions {
        if !package.contains(other) {
            missing(file, "Other-Definitions", other, sink);
        }
    }
    for (key, value) in [
        ("ETSI-Entry-Change-Log", &read.entry_change_log),
        ("ETSI-Entry-Tests", &read.entry_tests),
        ("ETSI-Entry-Licenses", &read.entry_licenses),
        ("ETSI-Entry-Certificate", &read.entry_certificate),
    ] {
        if let Some(path) = value
            && !package.contains_or_dir(path)
        {
            missing(file, key, path, sink);
        }
    }
    for described in &read.files {
        if !described.name.contains("://") && !package.contains_or_dir(&described.name) {
            let at = Pos { file, line: described.line, column: 1 };
            sink.error_mend(
                &codes::FILE_MISSING,
                at,
                format!("`{}` is described here but is not in the package", described.name),
                "add the file or take the block away",
            );
        }
    }
    match &read.entry_manifest {
        Some(path) if package.contains(path) => Some(path.clone()),
        Some(path) => {
            missing(file, "ETSI-Entry-Manifest", path, sink);
            None
        }
        None => {
            let guess = read.entry_definitions.as_deref().and_then(|p| beside(package, p));
            let mend = match &guess {
                Some(path) => format!("add `ETSI-Entry-Manifest: {path}`"),
                None => "write a manifest with the metadata and digests of all files, and name it here".to_owned(),
            };
            sink.warn(
                &codes::META_KEY_MISSING,
                whole,
                "the keyname `ETSI-Entry-Manifest` is missing, so files are not checked against a manifest",
                mend,
            );
            guess
        }
    }
}

fn missing(file: FileId, key: &str, path: &str, sink: &mut Sink) {
    sink.error_mend(
        &codes::META_FILE_MISSING,
        Pos::whole(file),
        format!("`{key}` names `{path}`, which is not in the package"),
        "correct the path or add the file",
    );
}

/// The manifest that has the same name as the main yaml file, or the only one in the root.
fn beside(package: &Package, yaml: &str) -> Option<String> {
    let stem = yaml.rsplit_once('.').map_or(yaml, |(stem, _)| stem);
    let same = format!("{stem}.mf");
    if package.contains(&same) {
        return Some(same);
    }
    let mut root = package.entries.keys().filter(|p| p.ends_with(".mf") && !p.contains('/'));
    root.next().filter(|_| root.next().is_none()).cloned()
}

/// A package without TOSCA-Metadata: exactly one yaml file in the root is the main one (SOL004 clause 4.1.3).
fn without_meta(package: &mut Package, sink: &mut Sink) -> Option<String> {
    let roots: Vec<String> = package
        .entries
        .keys()
        .filter(|p| !p.contains('/') && (p.ends_with(".yaml") || p.ends_with(".yml")))
        .cloned()
        .collect();
    match roots.as_slice() {
        [one] => package.entry_definitions.clone_from(one),
        [] => {
            sink.error_mend(
                &codes::NO_ENTRY_FILE,
                None,
                "there is neither TOSCA-Metadata/TOSCA.meta nor a yaml file in the root of the package",
                "add TOSCA-Metadata/TOSCA.meta with `Entry-Definitions`, and pack the content itself, not its folder",
            );
            return None;
        }
        many => {
            sink.error_mend(
                &codes::NO_ENTRY_FILE,
                None,
                format!(
                    "without TOSCA-Metadata/TOSCA.meta the root must hold exactly one yaml file, it holds {}: {}",
                    many.len(),
                    many.iter().take(5).map(|p| shown(p)).collect::<Vec<_>>().join(", ")
                ),
                "add TOSCA-Metadata/TOSCA.meta with `Entry-Definitions`",
            );
            return None;
        }
    }
    let found = beside(package, &package.entry_definitions);
    let stem = package.entry_definitions.rsplit_once('.').map_or("", |(s, _)| s).to_owned();
    match &found {
        None => sink.warn(
            &codes::MANIFEST_MISSING,
            None,
            format!("the package has no manifest `{stem}.mf`, so its files are not checked"),
            "write a manifest with the metadata and digests of all files",
        ),
        Some(path) if *path != format!("{stem}.mf") => sink.error_mend(
            &codes::MANIFEST_NAME,
            None,
            format!("the manifest `{path}` does not carry the name of the main file `{stem}.yaml`"),
            format!("rename it to `{stem}.mf`"),
        ),
        Some(_) => {}
    }
    found
}

fn check_manifest(package: &Package, file: FileId, read: &manifest::Manifest, sink: &mut Sink) {
    if read.metadata.is_empty() {
        sink.warn(
            &codes::MANIFEST_METADATA,
            Pos::whole(file),
            "the manifest has no `metadata:` block",
            "begin it with `metadata:` and product name, provider, version and release date",
        );
    }
    let mut listed: HashMap<&str, u32> = HashMap::new();
    for entry in read.files.iter().filter(|e| !e.is_external()) {
        let at = Pos { file, line: entry.line, column: 1 };
        if let Some(first) = listed.insert(entry.source.as_str(), entry.line) {
            sink.error_mend(
                &codes::MANIFEST_SYNTAX,
                at,
                format!("`{}` is listed twice, first in line {first}", entry.source),
                "keep one of the two blocks",
            );
        } else if let Some(why) = names::refusal(&entry.source) {
            sink.error(&codes::UNSAFE_PATH, at, format!("`{}` is refused: {why}", shown(&entry.source)));
        } else if !package.contains(&entry.source) {
            sink.error_mend(
                &codes::FILE_MISSING,
                at,
                format!("`{}` is listed but is not in the package", entry.source),
                "add the file or take the block away",
            );
        }
    }
    let proofs: HashSet<&str> =
        read.files.iter().flat_map(|f| f.signature.iter().chain(&f.certificate)).map(String::as_str).collect();
    let unlisted: Vec<&str> = package
        .entries
        .keys()
        .map(String::as_str)
        .filter(|p| *p != read.path && *p != meta::PATH && !listed.contains_key(p) && !proofs.contains(p))
        .collect();
    if !unlisted.is_empty() {
        let some: Vec<&str> = unlisted.iter().take(5).copied().collect();
        sink.warn(
            &codes::FILE_NOT_LISTED,
            Pos::whole(file),
            format!("{} files are not listed in the manifest, for example {}", unlisted.len(), some.join(", ")),
            "list every file with its digest; `mano vnfpkg build` does it",
        );
    }
}
