//! `TOSCA-Metadata/TOSCA.meta` (TOSCA Simple Profile clause 6.2, SOL004 clause 4.1.2.3).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::hash::HashAlgorithm;
use crate::codes;
use crate::diag::{FileId, Pos, Sink};

/// Path of the file.
pub const PATH: &str = "TOSCA-Metadata/TOSCA.meta";

/// The content of TOSCA.meta.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToscaMeta {
    /// `TOSCA-Meta-File-Version`.
    pub meta_file_version: Option<String>,
    /// `CSAR-Version`.
    pub csar_version: Option<String>,
    /// `Created-By`.
    pub created_by: Option<String>,
    /// `Entry-Definitions`: the main service template.
    pub entry_definitions: Option<String>,
    /// `Other-Definitions`: further service templates.
    pub other_definitions: Vec<String>,
    /// `ETSI-Entry-Manifest`.
    pub entry_manifest: Option<String>,
    /// `ETSI-Entry-Change-Log`.
    pub entry_change_log: Option<String>,
    /// `ETSI-Entry-Tests`.
    pub entry_tests: Option<String>,
    /// `ETSI-Entry-Licenses`.
    pub entry_licenses: Option<String>,
    /// `ETSI-Entry-Certificate`.
    pub entry_certificate: Option<String>,
    /// Keynames that are none of the above, as written.
    pub other: Vec<(String, String)>,
    /// The blocks after the first: one per described file.
    pub files: Vec<MetaFile>,
    /// Lines of the keynames of the first block, from 1.
    #[serde(skip)]
    pub(crate) lines: BTreeMap<&'static str, u32>,
    /// First and last line of the first block, from 1; zeros when there is none.
    #[serde(skip)]
    pub(crate) head: (u32, u32),
}

impl ToscaMeta {
    /// The line of a keyname, or 1 when it is missing.
    pub(crate) fn line(&self, key: &str) -> u32 {
        self.lines.get(key).copied().unwrap_or(1)
    }
}

/// Keynames with their other spellings: those of older versions of the standard and frequent slips.
const ALIASES: [(&str, &str); 6] = [
    ("ETSI-Entry-Licences", "ETSI-Entry-Licenses"),
    ("ETSI-Entry-License", "ETSI-Entry-Licenses"),
    ("ETSI-Entry-ChangeLog", "ETSI-Entry-Change-Log"),
    ("ETSI-Entry-Test", "ETSI-Entry-Tests"),
    ("TOSCA-Meta-Version", "TOSCA-Meta-File-Version"),
    ("Entry-Definition", "Entry-Definitions"),
];

/// A `Name:` block of TOSCA.meta.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetaFile {
    /// `Name`: path in the package.
    pub name: String,
    /// `Content-Type`.
    pub content_type: Option<String>,
    /// `Algorithm` with `Hash`, where both are given and understood.
    pub digest: Option<(HashAlgorithm, String)>,
    /// Other keys, as written.
    pub other: Vec<(String, String)>,
    /// Where algorithm and digest stand.
    #[serde(skip)]
    pub(crate) lines: DigestLines,
    /// Line of the `Name` key, from 1.
    pub line: u32,
}

/// Lines of an `Algorithm`/`Hash` pair, from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct DigestLines {
    pub algorithm: Option<u32>,
    pub hash: Option<u32>,
}

impl DigestLines {
    pub(crate) fn of(algorithm: Option<&(Pos, String)>, hash: Option<&(Pos, String)>) -> Self {
        Self { algorithm: algorithm.map(|(at, _)| at.line), hash: hash.map(|(at, _)| at.line) }
    }

    /// Whether neither is there.
    pub(crate) fn is_empty(self) -> bool {
        self.algorithm.is_none() && self.hash.is_none()
    }
}

struct Line {
    at: Pos,
    /// The last line of the value, from 1.
    last: u32,
    key: String,
    value: String,
}

/// Reads TOSCA.meta; every fault goes to `sink`.
pub(crate) fn parse(file: FileId, text: &str, sink: &mut Sink) -> ToscaMeta {
    let mut meta = ToscaMeta::default();
    let blocks = blocks(file, text, sink);
    let first = blocks.first().map(|b| (b.first(), b.last()));
    if let Some((Some(first), Some(last))) = first {
        meta.head = (first.at.line, last.last);
    }
    let mut blocks = blocks.into_iter();
    for line in blocks.next().unwrap_or_default() {
        head(&mut meta, line, sink);
    }
    for block in blocks {
        if let Some(described) = file_block(block, sink) {
            meta.files.push(described);
        }
    }
    for (present, key, value) in [
        (meta.meta_file_version.is_some(), "TOSCA-Meta-File-Version", "1.0"),
        (meta.csar_version.is_some(), "CSAR-Version", "1.1"),
        (meta.created_by.is_some(), "Created-By", "<who made the package>"),
    ] {
        if !present {
            sink.warn(
                &codes::META_KEY_MISSING,
                Pos { file, line: 1, column: 1 },
                format!("the keyname `{key}` is missing"),
                format!("add `{key}: {value}` to the first block"),
            );
        }
    }
    for (key, value, usual, other) in [
        ("TOSCA-Meta-File-Version", &meta.meta_file_version, "1.0", Some("1.1")),
        ("CSAR-Version", &meta.csar_version, "1.1", None),
    ] {
        if let Some(value) = value
            && value != usual
            && Some(value.as_str()) != other
        {
            sink.warn(
                &codes::META_VALUE,
                Pos { file, line: meta.line(key), column: 1 },
                format!("`{key}` is `{value}`, which is no known version; it is read as {usual}"),
                format!("write `{key}: {usual}`"),
            );
        }
    }
    meta
}

/// Splits into blocks at empty lines and joins lines that begin with a space to the one before.
fn blocks(file: FileId, text: &str, sink: &mut Sink) -> Vec<Vec<Line>> {
    let mut blocks: Vec<Vec<Line>> = vec![Vec::new()];
    for (n, raw) in text.lines().enumerate() {
        let at = Pos { file, line: u32::try_from(n + 1).unwrap_or(u32::MAX), column: 1 };
        let raw = raw.trim_end();
        if raw.trim().is_empty() {
            if blocks.last().is_some_and(|b| !b.is_empty()) {
                blocks.push(Vec::new());
            }
            continue;
        }
        let Some(block) = blocks.last_mut() else { continue };
        if raw.starts_with(' ')
            && !raw.contains(": ")
            && let Some(last) = block.last_mut()
        {
            last.value.push_str(raw.trim_start());
            last.last = at.line;
            continue;
        }
        match raw.split_once(':') {
            Some((key, value)) if !key.trim().is_empty() => {
                block.push(Line { at, last: at.line, key: key.trim().to_owned(), value: value.trim().to_owned() });
            }
            _ => sink.error_mend(
                &codes::META_SYNTAX,
                at,
                format!("`{}` is not a `Key: value` pair", raw.trim()),
                "write one key and one value on each line",
            ),
        }
    }
    blocks.retain(|b| !b.is_empty());
    blocks
}

/// Keynames of the first block.
const KEYS: [&str; 10] = [
    "TOSCA-Meta-File-Version",
    "CSAR-Version",
    "Created-By",
    "Entry-Definitions",
    "Other-Definitions",
    "ETSI-Entry-Manifest",
    "ETSI-Entry-Change-Log",
    "ETSI-Entry-Tests",
    "ETSI-Entry-Licenses",
    "ETSI-Entry-Certificate",
];

/// The keyname of today's standard that a keyname means; older packages leave the prefix out or spell words differently.
pub(crate) fn canonical(key: &str) -> Option<&'static str> {
    let with_prefix = format!("ETSI-{key}");
    let spelled = |k: &str| k.eq_ignore_ascii_case(key) || k.eq_ignore_ascii_case(&with_prefix);
    let known = KEYS.into_iter().find(|k| spelled(k));
    known.or_else(|| ALIASES.iter().find(|(alias, _)| spelled(alias)).map(|(_, wanted)| *wanted))
}

fn head(meta: &mut ToscaMeta, line: Line, sink: &mut Sink) {
    let Line { at, key, value, .. } = line;
    let wanted = canonical(&key);
    let Some(wanted) = wanted else {
        meta.other.push((key, value));
        return;
    };
    if wanted != key {
        sink.warn(
            &codes::META_KEY_OLD,
            at,
            format!("the keyname `{key}` is read as `{wanted}`"),
            format!("write `{wanted}`"),
        );
    }
    if value.is_empty() {
        sink.error_mend(
            &codes::META_SYNTAX,
            at,
            format!("the keyname `{wanted}` has no value"),
            "give a value or take the line away",
        );
        return;
    }
    meta.lines.entry(wanted).or_insert(at.line);
    let slot = match wanted {
        "TOSCA-Meta-File-Version" => &mut meta.meta_file_version,
        "CSAR-Version" => &mut meta.csar_version,
        "Created-By" => &mut meta.created_by,
        "Entry-Definitions" => &mut meta.entry_definitions,
        "Other-Definitions" => {
            meta.other_definitions.extend(value.split_whitespace().map(|w| w.trim_matches('"').to_owned()));
            return;
        }
        "ETSI-Entry-Manifest" => &mut meta.entry_manifest,
        "ETSI-Entry-Change-Log" => &mut meta.entry_change_log,
        "ETSI-Entry-Tests" => &mut meta.entry_tests,
        "ETSI-Entry-Licenses" => &mut meta.entry_licenses,
        _ => &mut meta.entry_certificate,
    };
    if let Some(earlier) = slot {
        sink.error_mend(
            &codes::META_SYNTAX,
            at,
            format!("the keyname `{wanted}` appears twice, first with `{earlier}`"),
            "keep one of the two lines",
        );
    } else {
        *slot = Some(value);
    }
}

fn file_block(block: Vec<Line>, sink: &mut Sink) -> Option<MetaFile> {
    let mut described = MetaFile::default();
    let mut algorithm: Option<(Pos, String)> = None;
    let mut hash: Option<(Pos, String)> = None;
    let start = block.first().map(|l| l.at)?;
    let mut named = false;
    let mut continued = false;
    for Line { at, last, key, value } in block {
        match key.to_ascii_lowercase().as_str() {
            "name" => {
                described.line = at.line;
                described.name = value;
                named = true;
            }
            "content-type" => described.content_type = Some(value),
            "algorithm" => {
                continued |= last > at.line;
                algorithm = Some((at, value));
            }
            "hash" => {
                continued |= last > at.line;
                hash = Some((at, value));
            }
            _ => described.other.push((key, value)),
        }
    }
    if !named || described.name.is_empty() {
        sink.error_mend(
            &codes::META_SYNTAX,
            start,
            "this block names no file",
            "begin each block after the first with `Name: <path>`",
        );
        return None;
    }
    // A value of several lines is not replaced line by line.
    if !continued {
        described.lines = DigestLines::of(algorithm.as_ref(), hash.as_ref());
    }
    described.digest = pair(&described.name, algorithm, hash, sink);
    Some(described)
}

/// Checks one `Algorithm`/`Hash` pair, shared with the manifest.
pub(crate) fn pair(
    name: &str,
    algorithm: Option<(Pos, String)>,
    hash: Option<(Pos, String)>,
    sink: &mut Sink,
) -> Option<(HashAlgorithm, String)> {
    let (algorithm, hash) = match (algorithm, hash) {
        (None, None) => return None,
        (Some((at, text)), Some(hash)) if text.is_empty() => {
            sink.error_mend(
                &codes::HASH_INCOMPLETE,
                at,
                format!("`{name}` has a digest but `Algorithm` is empty"),
                match hash.1.len() {
                    64 => "write `Algorithm: SHA-256`",
                    128 => "write `Algorithm: SHA-512`",
                    _ => "write `Algorithm: SHA-256` or `Algorithm: SHA-512`",
                },
            );
            return None;
        }
        (Some(a), Some(h)) => (a, h),
        (Some((at, _)), None) => {
            sink.error_mend(
                &codes::HASH_INCOMPLETE,
                at,
                format!("`{name}` has an algorithm but no digest"),
                "add `Hash: <digest in hexadecimal>`",
            );
            return None;
        }
        (None, Some((at, _))) => {
            sink.error_mend(
                &codes::HASH_INCOMPLETE,
                at,
                format!("`{name}` has a digest but no algorithm"),
                "add `Algorithm: SHA-256` before the digest",
            );
            return None;
        }
    };
    let Some(parsed) = HashAlgorithm::parse(&algorithm.1) else {
        sink.error_mend(
            &codes::HASH_ALGORITHM,
            algorithm.0,
            format!("the digest algorithm `{}` of `{name}` is unknown", algorithm.1),
            "use SHA-256 or SHA-512",
        );
        return None;
    };
    let digest = hash.1.to_ascii_lowercase();
    if digest.len() != parsed.hex_len() || !digest.bytes().all(|b| b.is_ascii_hexdigit()) {
        sink.error_mend(
            &codes::HASH_INCOMPLETE,
            hash.0,
            format!(
                "the digest of `{name}` is not {} hexadecimal digits, as {} gives",
                parsed.hex_len(),
                parsed.name()
            ),
            "compute the digest again",
        );
        return None;
    }
    Some((parsed, digest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (ToscaMeta, crate::diag::Diagnostics) {
        let mut sink = Sink::new();
        let file = sink.add_source(PATH, text);
        let meta = parse(file, text, &mut sink);
        (meta, sink.finish())
    }

    #[test]
    fn every_keyname_is_read() {
        let (meta, found) = read(
            "TOSCA-Meta-File-Version: 1.0\nCSAR-Version: 1.1\nCreated-By: us\nEntry-Definitions: a.yaml\n\
             Other-Definitions: b.yaml c.yaml\nETSI-Entry-Manifest: a.mf\nETSI-Entry-Change-Log: CL.txt\n\
             ETSI-Entry-Tests: Tests\nETSI-Entry-Licenses: Licenses\nETSI-Entry-Certificate: a.cert\n\n\
             Name: Files/x\nContent-Type: text/plain\n",
        );
        assert!(found.is_empty(), "{found}");
        assert_eq!(meta.entry_definitions.as_deref(), Some("a.yaml"));
        assert_eq!(meta.other_definitions, ["b.yaml", "c.yaml"]);
        assert_eq!(meta.entry_licenses.as_deref(), Some("Licenses"));
        assert_eq!(meta.files.len(), 1);
        assert_eq!(meta.files.first().map(|f| f.line), Some(12));
    }

    #[test]
    fn other_spellings_and_versions_are_read_and_told() {
        let (meta, found) = read(
            "TOSCA-Meta-Version: 1.0\nCSAR-Version: 2.0\nCreated-by: x\nentry-definitions: a.yaml\nEntry-Manifest: a.mf\n\
             Entry-Licences: L\nETSI-Entry-ChangeLog: c.txt\nEntry-Test: T\nEntry-Certificate: a.cert\nX-Own: kept\n",
        );
        assert_eq!(meta.entry_manifest.as_deref(), Some("a.mf"));
        assert_eq!(meta.entry_licenses.as_deref(), Some("L"));
        assert_eq!(meta.entry_change_log.as_deref(), Some("c.txt"));
        assert_eq!(meta.entry_tests.as_deref(), Some("T"));
        assert_eq!(meta.entry_certificate.as_deref(), Some("a.cert"));
        assert_eq!(meta.other, [("X-Own".to_owned(), "kept".to_owned())]);
        assert_eq!(found.iter().filter(|d| d.code == "ARCHIVE-0024").count(), 8, "{found}");
        assert!(found.iter().any(|d| d.code == "ARCHIVE-0025" && d.line == Some(2)), "{found}");
        assert!(!found.has_errors());
    }

    #[test]
    fn faults_are_told_together() {
        let (_, found) = read(
            "Created-by: x\nEntry-Definitions: a\nEntry-Definitions: b\nnonsense\n\n\
             Name: f\nHash: 00\n\nName: g\nAlgorithm: SHA-255\nHash: 00\n\nContent-Type: x\n",
        );
        let ids: Vec<_> = found.iter().map(|d| (d.code.as_ref(), d.line.unwrap_or(0))).collect();
        assert_eq!(
            ids,
            [
                ("ARCHIVE-0024", 1),
                ("ARCHIVE-0022", 1),
                ("ARCHIVE-0022", 1),
                ("ARCHIVE-0021", 3),
                ("ARCHIVE-0021", 4),
                ("ARCHIVE-0035", 7),
                ("ARCHIVE-0036", 10),
                ("ARCHIVE-0021", 13),
            ]
        );
    }
}
