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
    /// The signature block with its boundary lines, kept as it is.
    pub cms: Option<String>,
    /// Lines of other sections, as written.
    pub other: Vec<String>,
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
    sink: &'a mut Sink,
}

/// Reads a manifest; every fault goes to `sink`.
pub(crate) fn parse(path: &str, file: FileId, text: &str, sink: &mut Sink) -> Manifest {
    let manifest = Manifest { path: path.to_owned(), ..Manifest::default() };
    let mut reader = Reader { manifest, block: Block::default(), section: Section::None, set: None, sink };
    let mut cms: Option<String> = None;
    for (n, raw) in text.lines().enumerate() {
        let at = Pos { file, line: u32::try_from(n + 1).unwrap_or(u32::MAX), column: 1 };
        if raw.starts_with("-----BEGIN") {
            cms = Some(String::new());
        }
        if let Some(block) = &mut cms {
            block.push_str(raw.trim_end());
            block.push('\n');
            if raw.starts_with("-----END") {
                reader.manifest.cms = cms.take();
            }
            continue;
        }
        reader.line(at, raw.trim_end());
    }
    reader.end_block();
    if let Some(open) = cms {
        reader.sink.error(&codes::MANIFEST_SYNTAX, Pos::whole(file), "the signature block has no end line");
        reader.manifest.cms = Some(open);
    }
    reader.manifest
}

impl Reader<'_> {
    fn line(&mut self, at: Pos, raw: &str) {
        let text = raw.trim();
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
            "metadata" if value.is_empty() => self.section = Section::Metadata,
            "non_mano_artifact_sets" if value.is_empty() => {
                self.end_block();
                self.section = Section::NonMano;
            }
            // Within a set, `Source` lists a file of the set.
            "source" if self.section == Section::NonMano => {
                if let Some(files) = self.set.as_ref().and_then(|set| self.manifest.non_mano_artifact_sets.get_mut(set))
                {
                    files.push(value.to_owned());
                }
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
            _ => self.other(at, key, value, text),
        }
    }

    fn other(&mut self, at: Pos, key: &str, value: &str, text: &str) {
        match self.section {
            Section::Metadata => {
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
                self.set = Some(key.to_owned());
                self.manifest.non_mano_artifact_sets.entry(key.to_owned()).or_default();
            }
            _ => {
                self.section = Section::Other;
                self.manifest.other.push(text.to_owned());
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
        if block.algorithm.is_none() && block.hash.is_none() && block.signature.is_none() {
            self.sink.error_mend(
                &codes::HASH_INCOMPLETE,
                at,
                format!("`{source}` is listed without digest and without signature"),
                "add `Algorithm: SHA-256` and `Hash: <digest>`",
            );
        }
        let digest = meta::pair(&source, block.algorithm, block.hash, self.sink);
        self.manifest.files.push(ManifestFile {
            source,
            digest,
            signature: block.signature,
            certificate: block.certificate,
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
        assert_eq!(
            ids,
            [("ARCHIVE-0035", 1), ("ARCHIVE-0035", 4), ("ARCHIVE-0031", 6), ("ARCHIVE-0031", 8), ("ARCHIVE-0031", 9)]
        );
        assert_eq!(m.files.len(), 2);
    }
}
