//! Finding and reading TOSCA.meta, manifest and main service template (SOL004 clause 4.1).

use std::collections::{HashMap, HashSet};
use std::io::Read;

use super::index::shown;
use super::{Package, checksums, manifest, meta, names, root};
use crate::codes;
use crate::diag::{FileId, Pos, Sink};

/// Reads TOSCA.meta and manifest and finds the main service template.
pub(super) fn read_heads(package: &mut Package, sink: &mut Sink) {
    let mut meta_file = None;
    let manifest_path = if package.contains(meta::PATH) {
        let Some((file, text)) = package.read_text(meta::PATH, sink) else { return };
        meta_file = Some(file);
        let read = meta::parse(file, &text, sink);
        let manifest_path = with_meta(package, file, &read, sink);
        package.meta = Some(read);
        manifest_path
    } else {
        without_meta(package, sink)
    };
    if let Some(path) = manifest_path
        && let Some((file, text)) = package.read_text(&path, sink)
    {
        let read = manifest::parse(&path, file, &text, sink);
        let last_line = u32::try_from(text.lines().count().max(1)).unwrap_or(u32::MAX);
        check_manifest(package, file, &read, last_line, sink);
        package.manifest = Some(read);
    }
    if !package.entry_definitions.is_empty() {
        check_companions(package, meta_file, sink);
    }
}

fn with_meta(package: &mut Package, file: FileId, read: &meta::ToscaMeta, sink: &mut Sink) -> Option<String> {
    let at = |key: &str| Pos { file, line: read.line(key), column: 1 };
    match &read.entry_definitions {
        None => sink.error_mend(
            &codes::META_KEY_MISSING,
            at("Entry-Definitions"),
            "the keyname `Entry-Definitions` is missing",
            "add `Entry-Definitions: Definitions/<main service template>.yaml`",
        ),
        Some(path) if !package.contains(path) => missing("Entry-Definitions", path, at("Entry-Definitions"), sink),
        Some(path) => package.entry_definitions.clone_from(path),
    }
    for other in &read.other_definitions {
        if !package.contains(other) {
            missing("Other-Definitions", other, at("Other-Definitions"), sink);
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
            missing(key, path, at(key), sink);
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
            missing("ETSI-Entry-Manifest", path, at("ETSI-Entry-Manifest"), sink);
            None
        }
        None => {
            let guess = read.entry_definitions.as_deref().and_then(|p| beside(package, p));
            let mend = match &guess {
                Some(path) => format!("add `ETSI-Entry-Manifest: {path}`"),
                None => "write a manifest with the metadata and digests of all files, and name it here".to_owned(),
            };
            let message = match &guess {
                Some(path) => {
                    format!("the keyname `ETSI-Entry-Manifest` is missing; `{path}` is taken for the manifest")
                }
                None => {
                    "the keyname `ETSI-Entry-Manifest` is missing, so files are not checked against a manifest".into()
                }
            };
            sink.warn(&codes::META_KEY_MISSING, at("ETSI-Entry-Manifest"), message, mend);
            guess
        }
    }
}

fn missing(key: &str, path: &str, at: Pos, sink: &mut Sink) {
    sink.error_mend(
        &codes::META_FILE_MISSING,
        at,
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

/// A package without TOSCA-Metadata: its root tells which file is the main one.
fn without_meta(package: &mut Package, sink: &mut Sink) -> Option<String> {
    let head = |path: &str| {
        let mut artifact = package.open_artifact(path).ok()?;
        let mut bytes = Vec::new();
        artifact.reader().ok()?.take(root::HEAD).read_to_end(&mut bytes).ok()?;
        Some(bytes)
    };
    package.entry_definitions = root::main_file(package.entries.keys().map(String::as_str), head, sink)?;
    let found = beside(package, &package.entry_definitions);
    let stem = package.entry_definitions.rsplit_once('.').map_or("", |(s, _)| s).to_owned();
    match &found {
        None => sink.warn(
            &codes::MANIFEST_MISSING,
            None,
            if package.contains(checksums::PATH) {
                format!("the package has no manifest `{stem}.mf`; its files are checked against `{}`", checksums::PATH)
            } else {
                format!("the package has no manifest `{stem}.mf`, so its files are not checked")
            },
            "write a manifest with the metadata and digests of all files",
        ),
        Some(path) if *path != format!("{stem}.mf") => sink.error_mend(
            &codes::MANIFEST_NAME,
            None,
            format!("the manifest `{path}` does not carry the name of the main file `{}`", package.entry_definitions),
            format!("rename it to `{stem}.mf`"),
        ),
        Some(_) => {}
    }
    found
}

fn check_manifest(package: &Package, file: FileId, read: &manifest::Manifest, last_line: u32, sink: &mut Sink) {
    let at = |line: u32| Pos { file, line, column: 1 };
    if read.metadata.is_empty() {
        sink.warn(
            &codes::MANIFEST_METADATA,
            at(read.lines.get("metadata").copied().unwrap_or(1)),
            "the manifest has no `metadata:` block",
            "begin it with `metadata:` and product name, provider, version and release date",
        );
    }
    for (key, value) in read.metadata.iter().filter(|(k, _)| k.ends_with("_release_date_time")) {
        if !looks_like_date_time(value) {
            sink.warn(
                &codes::MANIFEST_VALUE,
                at(read.lines.get(key).copied().unwrap_or(1)),
                format!("`{key}` is `{value}`, which is no RFC 3339 date and time"),
                "write it like `2024-06-01T12:00:00Z`",
            );
        }
    }
    let proofs = Proofs::of(package, read);
    let proves = |p: &str| proofs.contains(p);
    let mut listed: HashMap<&str, u32> = HashMap::new();
    for entry in read.files.iter().filter(|e| e.is_external() && e.bare) {
        sink.warn(
            &codes::NO_DIGEST,
            at(entry.line),
            format!("`{}` lies elsewhere and is listed without digest, so it could be anything", shown(&entry.source)),
            "add `Algorithm: SHA-256` and the digest of the file that is meant",
        );
    }
    for entry in read.files.iter().filter(|e| !e.is_external()) {
        let source = entry.source.as_str();
        let first = if entry.in_set { None } else { listed.insert(source, entry.line) };
        if let Some(first) = first {
            sink.error_mend(
                &codes::MANIFEST_SYNTAX,
                at(entry.line),
                format!("`{source}` is listed twice, first in line {first}"),
                "keep one of the two blocks",
            );
        } else if let Some(why) = names::refusal(source) {
            sink.error(&codes::UNSAFE_PATH, at(entry.line), format!("`{}` is refused: {why}", shown(source)));
        } else if !package.contains(source) {
            not_there(source, at(entry.line), sink);
        }
        if entry.bare && !proves(source) {
            sink.warn(
                &codes::NO_DIGEST,
                at(entry.line),
                format!("`{source}` is listed without digest and without signature, so its content is not checked"),
                "add `Algorithm: SHA-256` and `Hash: <digest>`",
            );
        }
    }
    for (source, line) in read.set_files.iter().filter(|(s, _)| !s.contains("://")) {
        if let Some(why) = names::refusal(source) {
            sink.error(&codes::UNSAFE_PATH, at(*line), format!("`{}` is refused: {why}", shown(source)));
        } else if !package.contains_or_dir(source) {
            // MANO acts on none of these, so it can do without.
            sink.warn(
                &codes::FILE_MISSING,
                at(*line),
                format!("`{source}` is listed in a non-MANO set but is not in the package"),
                "add the file or take the line away",
            );
        }
    }
    let unlisted = unlisted(package, read);
    let told = if unlisted.len() > UNLISTED_TOLD { UNLISTED_TOLD - 1 } else { unlisted.len() };
    for path in unlisted.iter().take(told) {
        sink.warn(
            &codes::FILE_NOT_LISTED,
            at(last_line),
            format!("`{path}` is not listed in the manifest"),
            "list every file with its digest; `mano vnfpkg build` and `mano vnfpkg lint --fix` do it",
        );
    }
    if unlisted.len() > told {
        sink.warn(
            &codes::FILE_NOT_LISTED,
            at(last_line),
            format!("and {} more files are not listed in the manifest", unlisted.len() - told),
            "list every file with its digest; `mano vnfpkg build` and `mano vnfpkg lint --fix` do it",
        );
    }
}

/// What proves the package or one of its files, and the manifest itself: a file cannot hold its own digest, and what proves
/// the package is proven by itself.
struct Proofs<'a> {
    manifest: &'a str,
    certificate: Option<&'a str>,
    named: HashSet<&'a str>,
}

impl<'a> Proofs<'a> {
    fn of(package: &'a Package, read: &'a manifest::Manifest) -> Self {
        let named =
            read.files.iter().flat_map(|f| f.signature.iter().chain(&f.certificate)).map(String::as_str).collect();
        let certificate = package.meta.as_ref().and_then(|m| m.entry_certificate.as_deref());
        Self { manifest: &read.path, certificate, named }
    }

    fn contains(&self, path: &str) -> bool {
        path == self.manifest
            || Some(path) == self.certificate
            || self.named.contains(path)
            || is_root_certificate(path)
    }
}

/// Files that the manifest should list and does not.
pub(crate) fn unlisted<'a>(package: &'a Package, read: &manifest::Manifest) -> Vec<&'a str> {
    let proofs = Proofs::of(package, read);
    let mut listed: HashSet<&str> = read.files.iter().map(|f| f.source.as_str()).collect();
    listed.extend(read.set_files.iter().map(|(path, _)| path.as_str()));
    let files = package.entries.keys().map(String::as_str);
    files.filter(|p| *p != meta::PATH && !listed.contains(p) && !proofs.contains(p)).collect()
}

/// Unlisted files told one by one before the rest is only counted.
const UNLISTED_TOLD: usize = 20;

fn not_there(source: &str, at: Pos, sink: &mut Sink) {
    sink.error_mend(
        &codes::FILE_MISSING,
        at,
        format!("`{source}` is listed but is not in the package"),
        "add the file or take the block away",
    );
}

/// A certificate in the root of the package (SOL004 clause 5.2).
pub(crate) fn is_root_certificate(path: &str) -> bool {
    let lower = path.to_ascii_lowercase();
    !path.contains('/') && [".cert", ".crt", ".cer", ".pem"].iter().any(|end| lower.ends_with(end))
}

/// Whether a text has the shape of an RFC 3339 date and time.
fn looks_like_date_time(text: &str) -> bool {
    let shape = |pattern: &str, text: &str| {
        pattern.len() == text.len()
            && pattern.bytes().zip(text.bytes()).all(|(p, t)| if p == b'0' { t.is_ascii_digit() } else { p == t })
    };
    let upper = text.to_ascii_uppercase();
    let (Some(head), Some(rest)) = (upper.get(..19), upper.get(19..)) else { return false };
    let zone = rest.strip_prefix('.').map_or(rest, |r| r.trim_start_matches(|c: char| c.is_ascii_digit()));
    (shape("0000-00-00T00:00:00", head) || shape("0000-00-00 00:00:00", head))
        && (zone == "Z" || shape("+00:00", zone) || shape("-00:00", zone))
}

/// What SOL004 asks for beside descriptor and manifest: change history (clause 4.3.3) and licences (clause 4.3.5).
/// Only VNF packages are judged.
fn check_companions(package: &Package, meta_file: Option<FileId>, sink: &mut Sink) {
    let kind = package.manifest.as_ref().and_then(manifest::Manifest::kind);
    if kind.is_some_and(|k| k != manifest::PackageKind::Vnf) {
        return;
    }
    let at = meta_file.map(|file| Pos { file, line: 1, column: 1 });
    if package.change_log().is_none() {
        let mend = if at.is_some() {
            "add `ChangeLog.txt` and `ETSI-Entry-Change-Log: ChangeLog.txt` to TOSCA.meta"
        } else {
            "add `ChangeLog.txt` to the root of the package"
        };
        sink.warn(&codes::CHANGE_LOG, at, "the package has no change history", mend);
    }
    if package.licenses().is_empty() {
        let mend = if at.is_some() {
            "add a directory `Licenses` and `ETSI-Entry-Licenses: Licenses` to TOSCA.meta"
        } else {
            "add a directory `Licenses` with the licence terms"
        };
        sink.warn(&codes::LICENSES, at, "the package names no licence terms", mend);
    }
}
