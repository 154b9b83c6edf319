//! What is filled in when a package is made: placeholders in descriptors, and the manifest's file blocks
//! (SOL004 clause 4.3.2).

use std::collections::BTreeMap;

use super::{Content, Digests, HashAlgorithm, Limits, PackError, io_error};
use crate::archive::ManifestFile;
use crate::archive::manifest::parse;
use crate::codes;
use crate::diag::{Pos, Sink};
use crate::sol006::looks_like;

/// Whether placeholders are looked for in a file.
fn is_text(path: &str, content: &Content) -> bool {
    let ends = |ends: &[&str]| ends.iter().any(|end| path.ends_with(end));
    ends(&[".yaml", ".yml", ".mf"])
        || ends(&[".json", ".xml"]) && content.head().is_some_and(|head| looks_like(&head).is_some())
}

pub(super) fn placeholders(
    files: &mut BTreeMap<String, Content>,
    digests: &mut Digests,
    sink: &mut Sink,
) -> Result<(), PackError> {
    let mut filled = Vec::new();
    for (path, content) in files.iter().filter(|(p, c)| is_text(p, c)) {
        let Content::File(on_disk) = content else { continue };
        let size = std::fs::metadata(on_disk).map_err(io_error("look at", on_disk))?.len();
        if size > Limits::default().text_bytes {
            sink.error(&codes::TOO_LARGE, None, format!("`{path}` has {size} bytes, too many for a descriptor"));
            continue;
        }
        let text = std::fs::read_to_string(on_disk).map_err(io_error("read", on_disk))?;
        if !text.contains("@SHA256(") && !text.contains("@SIZE(") {
            continue;
        }
        let file = sink.add_source(path.clone(), text.clone());
        let mut out = Vec::new();
        for (n, line) in text.lines().enumerate() {
            let at = Pos { file, line: u32::try_from(n + 1).unwrap_or(u32::MAX), column: 1 };
            out.push(fill_line(line, files, digests, at, sink)?);
        }
        filled.push((path.clone(), out.join("\n") + "\n"));
    }
    for (path, text) in filled {
        digests.forget(&path);
        files.insert(path, Content::Text(text));
    }
    Ok(())
}

fn fill_line(
    line: &str,
    files: &BTreeMap<String, Content>,
    digests: &mut Digests,
    at: Pos,
    sink: &mut Sink,
) -> Result<String, PackError> {
    let mut out = line.to_owned();
    for (open, wants_size) in [("@SHA256(", false), ("@SIZE(", true)] {
        while let Some(start) = out.find(open) {
            let rest = out.get(start + open.len()..).unwrap_or_default();
            let Some(path) = rest.split_once(")@").map(|(path, _)| path.to_owned()) else { break };
            let value = match files.get(&path) {
                Some(content) => {
                    let (hash, size) = digests.of(&path, content, HashAlgorithm::Sha256)?;
                    if wants_size { size.to_string() } else { hash }
                }
                None => {
                    sink.error_mend(
                        &codes::PLACEHOLDER,
                        at,
                        format!("`{open}{path})@` names a file that is not there"),
                        format!("add `{path}` to the directory, or give it as an extra file"),
                    );
                    String::new()
                }
            };
            out = out.replace(&format!("{open}{path})@"), &value);
        }
    }
    Ok(out)
}

/// Keeps what stands before the first file block, and writes a block for every other file and every external artifact.
/// Signatures of single artifacts keep their lines.
pub(super) fn manifest(
    path: &str,
    files: &BTreeMap<String, Content>,
    digests: &mut Digests,
) -> Result<String, PackError> {
    let text = match files.get(path) {
        Some(Content::File(path)) => std::fs::read_to_string(path).map_err(io_error("read", path))?,
        Some(Content::Text(text)) => text.clone(),
        None => String::new(),
    };
    let mut sink = Sink::new();
    let file = sink.add_source(path, "");
    let read = parse(path, file, &text, &mut sink);
    let mut out = without_blocks(&text).trim_end().to_owned() + "\n";
    let mut block = |source: &str, digest: Option<(HashAlgorithm, &str)>, old: Option<&ManifestFile>| {
        out.push_str(&format!("\nSource: {source}\n"));
        if let Some((algorithm, hash)) = digest {
            out.push_str(&format!("Algorithm: {}\nHash: {hash}\n", algorithm.name()));
        }
        for (key, value) in [
            ("Signature", old.and_then(|o| o.signature.as_ref())),
            ("Certificate", old.and_then(|o| o.certificate.as_ref())),
        ] {
            if let Some(value) = value {
                out.push_str(&format!("{key}: {value}\n"));
            }
        }
    };
    for (path, content) in files.iter().filter(|(p, _)| *p != path) {
        let (hash, _) = digests.of(path, content, digests.hash)?;
        block(path, Some((digests.hash, hash.as_str())), read.files.iter().find(|f| f.source == *path && !f.in_set));
    }
    for external in read.external() {
        let digest = external.digest.as_ref().map(|(algorithm, hash)| (*algorithm, hash.as_str()));
        block(&external.source, digest, Some(external));
    }
    Ok(out)
}

/// A manifest's text without its file blocks and its signature.
pub(crate) fn without_blocks(text: &str) -> String {
    let mut out = String::new();
    let mut in_block = false;
    for line in text.lines() {
        let key = line.trim().split(':').next().unwrap_or_default().to_ascii_lowercase();
        if line.starts_with("-----BEGIN") {
            break;
        }
        if !line.starts_with(' ') && key == "source" {
            in_block = true;
        } else if line.trim().is_empty() || key == "non_mano_artifact_sets" || key == "metadata" {
            in_block = false;
        }
        if !in_block {
            out.push_str(line.trim_end());
            out.push('\n');
        }
    }
    // File blocks leave runs of empty lines behind.
    let mut kept: Vec<&str> = Vec::new();
    for line in out.lines() {
        if !(line.is_empty() && kept.last().is_none_or(|l| l.is_empty())) {
            kept.push(line);
        }
    }
    kept.join("\n") + "\n"
}
