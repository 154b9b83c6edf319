//! The manifest file of a package (SOL004 clause 4.3.2, SOL007 clause 4.3.2).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::hash::HashAlgorithm;
use super::meta;
use crate::codes;
use crate::diag::{FileId, Pos, Sink};

/// The content of a manifest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Path of the manifest in the package.
    pub path: String,
    /// The `metadata:` block, for example `vnf_product_name`.
    pub metadata: BTreeMap<String, String>,
    /// The files listed, in order.
    pub files: Vec<ManifestFile>,
    /// `non_mano_artifact_sets`: set identifier to files.
    pub non_mano_artifact_sets: BTreeMap<String, Vec<String>>,
    /// The signature blocks with their boundary lines, kept as they are.
    pub cms: Option<String>,
    /// Lines of other sections, as written.
    pub other: Vec<String>,
    /// Lines of the metadata keys, from 1; of `metadata` itself under its own name.
    #[serde(skip)]
    pub(crate) lines: BTreeMap<String, u32>,
    /// Files of the non-MANO sets with their lines, from 1.
    #[serde(skip)]
    pub(crate) set_files: Vec<(String, u32)>,
    /// Line of the first signature block, from 1.
    #[serde(skip)]
    pub(crate) cms_line: Option<u32>,
}

impl Manifest {
    /// What the manifest belongs to, as its metadata tell; `None` when they do not.
    #[must_use]
    pub fn kind(&self) -> Option<PackageKind> {
        [
            ("vnf", PackageKind::Vnf),
            ("vnfd", PackageKind::Vnf),
            ("pnfd", PackageKind::Pnf),
            ("pnf", PackageKind::Pnf),
            ("nsd", PackageKind::Ns),
        ]
        .into_iter()
        .find(|(prefix, _)| self.metadata.keys().any(|k| k.split('_').next() == Some(prefix)))
        .map(|(_, kind)| kind)
    }

    /// Files outside the package, named by URI. They are known by name only: nothing is ever fetched.
    pub fn external(&self) -> impl Iterator<Item = &ManifestFile> {
        self.files.iter().filter(|f| f.is_external())
    }
}

/// What an archive describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PackageKind {
    /// A VNF package (SOL004).
    Vnf,
    /// An NSD archive (SOL007).
    Ns,
    /// A PNFD archive (SOL004 clause 4.3.2, SOL007).
    Pnf,
}

/// A `Source:` block.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestFile {
    /// `Source`: a path in the package or a URI.
    pub source: String,
    /// `Algorithm` with `Hash`.
    pub digest: Option<(HashAlgorithm, String)>,
    /// `Signature`: path of the file's own signature.
    pub signature: Option<String>,
    /// `Certificate`: path of the signer's certificate.
    pub certificate: Option<String>,
    /// Whether the block has neither digest nor signature.
    #[serde(skip)]
    pub(crate) bare: bool,
    /// Whether the block stands in a non-MANO set; the file may be listed outside of it too.
    #[serde(skip)]
    pub(crate) in_set: bool,
    /// Where algorithm and digest stand.
    #[serde(skip)]
    pub(crate) lines: meta::DigestLines,
    /// Line of `Source`, from 1.
    pub line: u32,
}

impl ManifestFile {
    /// Whether the file lies outside the package, behind a URI.
    #[must_use]
    pub fn is_external(&self) -> bool {
        self.source.contains("://")
    }
}

#[derive(Default)]
struct Block {
    source: Option<(Pos, String)>,
    /// Whether the block stands within a non-MANO set, where a digest may but need not be given.
    in_set: bool,
    algorithm: Option<(Pos, String)>,
    hash: Option<(Pos, String)>,
    signature: Option<String>,
    certificate: Option<String>,
}

#[derive(PartialEq, Eq)]
enum Section {
    None,
    Metadata,
    NonMano,
    Other,
}

struct Reader<'a> {
    manifest: Manifest,
    block: Block,
    section: Section,
    set: Option<String>,
    /// Whether the names of the non-MANO sets are indented.
    sets_indented: bool,
    sink: &'a mut Sink,
}

/// Reads a manifest; every fault goes to `sink`.
pub(crate) fn parse(path: &str, file: FileId, text: &str, sink: &mut Sink) -> Manifest {
    let manifest = Manifest { path: path.to_owned(), ..Manifest::default() };
    let mut reader =
        Reader { manifest, block: Block::default(), section: Section::None, set: None, sets_indented: false, sink };
    let mut cms: Option<String> = None;
    let mut told = false;
    for (n, raw) in text.lines().enumerate() {
        let at = Pos { file, line: u32::try_from(n + 1).unwrap_or(u32::MAX), column: 1 };
        if raw.starts_with("-----BEGIN") && cms.is_none() {
            reader.end_block();
            reader.manifest.cms_line.get_or_insert(at.line);
            cms = Some(String::new());
        }
        if let Some(block) = &mut cms {
            block.push_str(raw.trim_end());
            block.push('\n');
            if raw.starts_with("-----END") {
                reader.manifest.cms.get_or_insert_default().push_str(block);
                cms = None;
            }
            continue;
        }
        if reader.manifest.cms_line.is_some() && !raw.trim().is_empty() && !told {
            told = true;
            reader.sink.error_mend(
                &codes::UNCOVERED_TEXT,
                at,
                "this text follows the signature, which covers only what stands before it",
                "move it before the signature and sign again",
            );
        }
        reader.line(at, raw.trim_end());
    }
    reader.end_block();
    if let Some(open) = cms {
        let at = Pos { file, line: reader.manifest.cms_line.unwrap_or(1), column: 1 };
        reader.sink.error_mend(
            &codes::MANIFEST_SYNTAX,
            at,
            "the signature block has no end line",
            "end it with the `-----END` line that belongs to its `-----BEGIN` line",
        );
        reader.manifest.cms.get_or_insert_default().push_str(&open);
    }
    reader.manifest
}

impl Reader<'_> {
    fn line(&mut self, at: Pos, raw: &str) {
        let text = raw.trim();
        let indented = raw.starts_with([' ', '\t']);
        if text.is_empty() || text.starts_with('#') {
            if text.is_empty() {
                self.end_block();
            }
            return;
        }
        let (key, value) = match text.split_once(':') {
            Some((k, v)) => (k.trim(), v.trim()),
            None if matches!(self.section, Section::Other | Section::NonMano) => (text, ""),
            None => {
                self.sink.error_mend(
                    &codes::MANIFEST_SYNTAX,
                    at,
                    format!("`{text}` is not a `key: value` pair"),
                    "write one key and one value on each line",
                );
                return;
            }
        };
        match key.to_ascii_lowercase().as_str() {
            "metadata" if value.is_empty() => {
                self.end_block();
                self.manifest.lines.insert("metadata".to_owned(), at.line);
                self.section = Section::Metadata;
            }
            "non_mano_artifact_sets" if value.is_empty() => {
                self.end_block();
                self.section = Section::NonMano;
            }
            // Within a set, `Source` lists a file of the set; the sets end where the indentation does.
            "source" if self.section == Section::NonMano && (indented || !self.sets_indented) => {
                self.end_block();
                match self.set.as_ref().and_then(|set| self.manifest.non_mano_artifact_sets.get_mut(set)) {
                    Some(files) => files.push(value.to_owned()),
                    None => self.sink.error_mend(
                        &codes::MANIFEST_SYNTAX,
                        at,
                        format!("`{value}` stands in `non_mano_artifact_sets` but in no set"),
                        "put the line `<set identifier>:` before it",
                    ),
                }
                self.manifest.set_files.push((value.to_owned(), at.line));
                self.block.source = Some((at, value.to_owned()));
                self.block.in_set = true;
            }
            "source" => {
                self.end_block();
                self.section = Section::None;
                self.block.source = Some((at, value.to_owned()));
            }
            "algorithm" => self.block.algorithm = Some((at, value.to_owned())),
            "hash" => self.block.hash = Some((at, value.to_owned())),
            "signature" => self.block.signature = Some(value.to_owned()),
            "certificate" => self.block.certificate = Some(value.to_owned()),
            _ => self.other(at, key, value, raw),
        }
    }

    fn other(&mut self, at: Pos, key: &str, value: &str, raw: &str) {
        match self.section {
            Section::Metadata => {
                self.manifest.lines.insert(key.to_owned(), at.line);
                if self.manifest.metadata.insert(key.to_owned(), value.to_owned()).is_some() {
                    self.sink.error_mend(
                        &codes::MANIFEST_SYNTAX,
                        at,
                        format!("the metadata key `{key}` appears twice"),
                        "keep one of the two lines",
                    );
                }
            }
            Section::NonMano if value.is_empty() => {
                self.end_block();
                self.sets_indented = raw.starts_with([' ', '\t']);
                self.set = Some(key.to_owned());
                self.manifest.non_mano_artifact_sets.entry(key.to_owned()).or_default();
            }
            _ => {
                self.section = Section::Other;
                self.manifest.other.push(raw.trim().to_owned());
            }
        }
    }

    fn end_block(&mut self) {
        let block = std::mem::take(&mut self.block);
        let Some((at, source)) = block.source else {
            if let Some((at, _)) = block.hash.or(block.algorithm) {
                self.sink.error_mend(
                    &codes::MANIFEST_SYNTAX,
                    at,
                    "a digest without a `Source` before it",
                    "put `Source: <path>` first",
                );
            }
            return;
        };
        if source.is_empty() {
            self.sink.error_mend(&codes::MANIFEST_SYNTAX, at, "`Source` names no file", "write `Source: <path>`");
            return;
        }
        let bare = block.algorithm.is_none() && block.hash.is_none() && block.signature.is_none();
        if bare && block.in_set {
            return;
        }
        let lines = meta::DigestLines::of(block.algorithm.as_ref(), block.hash.as_ref());
        let digest = meta::pair(&source, block.algorithm, block.hash, self.sink);
        self.manifest.files.push(ManifestFile {
            source,
            digest,
            signature: block.signature,
            certificate: block.certificate,
            bare,
            in_set: block.in_set,
            lines,
            line: at.line,
        });
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn read(text: &str) -> (Manifest, crate::diag::Diagnostics) {
        let mut sink = Sink::new();
        let file = sink.add_source("a.mf", text);
        let manifest = parse("a.mf", file, text, &mut sink);
        (manifest, sink.finish())
    }

    #[test]
    fn metadata_files_sets_and_signature() {
        let hash = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let (m, found) = read(&format!(
            "metadata:\n  vnf_product_name: web\n  vnf_release_date_time: 2024-01-01T00:00:00Z\n\n\
             Source: a.yaml\nAlgorithm: SHA-256\nHash: {hash}\n\n\
             Source: https://example.com/x\nAlgorithm: SHA-256\nHash: {hash}\n\n\
             non_mano_artifact_sets:\n  onap_one:\n    Source: Artifacts/x\n\n\
             -----BEGIN CMS-----\nabc\n-----END CMS-----\n"
        ));
        assert!(found.is_empty(), "{found}");
        assert_eq!(m.metadata.get("vnf_release_date_time").map(String::as_str), Some("2024-01-01T00:00:00Z"));
        assert_eq!(m.files.len(), 2);
        assert!(m.files.get(1).unwrap().is_external());
        assert_eq!(m.non_mano_artifact_sets.get("onap_one").unwrap(), &["Artifacts/x"]);
        assert!(m.cms.unwrap().contains("abc"));
    }

    #[test]
    fn incomplete_entries_are_all_told() {
        let (m, found) = read("Source: a\n\nSource: b\nHash: 12\n\nHash: 34\n\nSource:\nfree text\n");
        let ids: Vec<_> = found.iter().map(|d| (d.code.as_ref(), d.line.unwrap_or(0))).collect();
        assert_eq!(ids, [("ARCHIVE-0035", 4), ("ARCHIVE-0031", 6), ("ARCHIVE-0031", 8), ("ARCHIVE-0031", 9)]);
        assert_eq!(
            m.files.iter().map(|f| (f.source.as_str(), f.bare)).collect::<Vec<_>>(),
            [("a", true), ("b", false)]
        );
    }

    #[test]
    fn sets_may_carry_digests_and_nothing_may_follow_the_signature() {
        let hash = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let (m, found) = read(&format!(
            "metadata:\n  pnfd_name: x\nnon_mano_artifact_sets:\n  one:\n    Source: a\n    Algorithm: SHA-256\n    \
             Hash: {hash}\n    Source: b\n  two:\n    source: c\n-----BEGIN CMS-----\nq\n-----END CMS-----\n\
             -----BEGIN CMS-----\nr\n-----END CMS-----\nSource: late\nAlgorithm: SHA-256\nHash: {hash}\n"
        ));
        assert_eq!(m.kind(), Some(PackageKind::Pnf));
        assert_eq!(m.non_mano_artifact_sets["one"], ["a", "b"]);
        assert_eq!(m.non_mano_artifact_sets["two"], ["c"]);
        assert_eq!(m.files.iter().map(|f| f.source.as_str()).collect::<Vec<_>>(), ["a", "late"]);
        assert_eq!(m.cms.unwrap().matches("BEGIN").count(), 2);
        let ids: Vec<_> = found.iter().map(|d| (d.code.as_ref(), d.line)).collect();
        assert_eq!(ids, [("SIGNATURE-0011", Some(17))], "{found}");
    }
}
