//! The outer archive of a signed package: one CSAR, its signature, maybe a certificate (SOL004 clause 5.1, option 2).
//!
//! A CSAR that is stored without compression is read where it lies. A compressed one is unpacked into an unnamed temporary
//! file first, within the same limits as any entry.

use std::collections::BTreeMap;
use std::io::{self, BufWriter, Read, Write};

use super::artifact::Artifact;
use super::index::shown;
use super::{Entry, Handle, Limits, Place, meta};
use crate::codes;
use crate::diag::{Pos, Sink};

/// Endings of signature files: CMS, PKCS #7 and S/MIME.
const SIGNATURES: [&str; 9] = [".cms", ".p7s", ".p7m", ".p7b", ".p7c", ".p7", ".sm", ".sig", ".smime"];
/// Endings of certificate files.
const CERTIFICATES: [&str; 5] = [".cert", ".crt", ".cer", ".pem", ".der"];
/// Largest signature or certificate file, in bytes.
pub(crate) const PROOF_BYTES: u64 = 1 << 20;

/// Most signature and certificate files that are read.
const PROOFS: usize = 16;

/// What lies beside the package in the outer archive.
#[derive(Debug)]
pub(crate) struct Wrapper {
    /// Name of the package in the outer archive.
    pub csar: String,
    /// The whole of the package's bytes.
    pub content: Handle,
    /// Signature files with their content.
    pub signatures: Vec<(String, Vec<u8>)>,
    /// Certificate files with their content.
    pub certificates: Vec<(String, Vec<u8>)>,
}

fn ends(path: &str, endings: &[&str]) -> bool {
    let lower = path.to_ascii_lowercase();
    endings.iter().any(|end| lower.ends_with(end))
}

fn packages(entries: &BTreeMap<String, Entry>) -> Vec<&String> {
    entries.keys().filter(|p| !p.contains('/') && ends(p, &[".csar", ".zip"])).collect()
}

/// Whether the archive is no package itself but holds exactly one in its root.
pub(super) fn is_wrapper(entries: &BTreeMap<String, Entry>) -> bool {
    let own = entries.keys().any(|p| p == meta::PATH || (!p.contains('/') && ends(p, &[".yaml", ".yml"])));
    !own && packages(entries).len() == 1
}

/// Finds the package and what proves it. `None` when it cannot be read; faults go to `sink`.
pub(super) fn unwrap(
    outer: &Handle,
    entries: BTreeMap<String, Entry>,
    limits: &Limits,
    sink: &mut Sink,
) -> Option<(Handle, Wrapper)> {
    let csar = packages(&entries).first().map(|p| (*p).clone())?;
    let mut wrapper = Wrapper { csar, content: outer.clone(), signatures: Vec::new(), certificates: Vec::new() };
    let mut told = 0;
    for (path, entry) in entries.iter().filter(|(p, _)| **p != wrapper.csar) {
        let list = if ends(path, &SIGNATURES) {
            &mut wrapper.signatures
        } else if ends(path, &CERTIFICATES) {
            &mut wrapper.certificates
        } else {
            let file = sink.add_source(path.as_str(), "");
            sink.warn(
                &codes::WRAPPER,
                Pos::whole(file),
                format!(
                    "`{}` stands beside the package `{}`; nothing covers it and nothing reads it",
                    shown(path),
                    wrapper.csar
                ),
                "keep only the package, its signature and a certificate in the outer archive",
            );
            continue;
        };
        told += 1;
        if told > PROOFS {
            let message = format!("more than {PROOFS} signatures and certificates stand beside the package");
            sink.error_mend(&codes::WRAPPER, None, message, "keep the one signature and certificate that are needed");
            return None;
        }
        match proof(entry, outer) {
            Ok(bytes) => list.push((path.clone(), bytes)),
            Err(e) => {
                let file = sink.add_source(path.as_str(), "");
                sink.error(&codes::UNREADABLE_ENTRY, Pos::whole(file), format!("cannot read `{}`: {e}", shown(path)));
            }
        }
    }
    let entry = entries.get(&wrapper.csar)?;
    match content(entry, outer, limits) {
        Ok(handle) => wrapper.content = handle.clone(),
        Err(e) => {
            let file = sink.add_source(wrapper.csar.as_str(), "");
            let message = format!("cannot read the package `{}`: {e}", wrapper.csar);
            sink.error_mend(&codes::UNREADABLE_ENTRY, Pos::whole(file), message, "make the outer archive again");
            return None;
        }
    }
    Some((wrapper.content.clone(), wrapper))
}

fn proof(entry: &Entry, outer: &Handle) -> io::Result<Vec<u8>> {
    if entry.size > PROOF_BYTES {
        return Err(io::Error::other(format!("it has {} bytes, at most {PROOF_BYTES} are read", entry.size)));
    }
    let mut bytes = Vec::new();
    Artifact::open(entry, Some(outer))?.reader()?.take(PROOF_BYTES).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The bytes of the inner package: where they lie when stored, unpacked otherwise.
fn content(entry: &Entry, outer: &Handle, limits: &Limits) -> io::Result<Handle> {
    if let Place::Zip(zip) = &entry.place
        && zip.compression() == zip::CompressionMethod::Stored
    {
        let start = data_start(zip.header_start(), outer)?;
        return outer.window(start, entry.size).ok_or_else(|| io::Error::other("it reaches beyond the archive"));
    }
    if entry.size > limits.archive_bytes {
        let limit = limits.archive_bytes;
        return Err(io::Error::other(format!("it has {} bytes, the limit is {limit}", entry.size)));
    }
    let mut file = BufWriter::new(tempfile::tempfile()?);
    Artifact::open(entry, Some(outer))?.copy_to(&mut file)?;
    file.flush()?;
    Handle::file(file.into_inner().map_err(io::IntoInnerError::into_error)?)
}

/// Where an entry's data begin, behind its local header.
fn data_start(header: u64, outer: &Handle) -> io::Result<u64> {
    let mut fixed = [0; 30];
    let mut reader =
        outer.window(header, 30).ok_or_else(|| io::Error::other("its header reaches beyond the archive"))?;
    reader.read_exact(&mut fixed)?;
    if !fixed.starts_with(b"PK\x03\x04") {
        return Err(io::Error::other("its local header is damaged"));
    }
    let [.., n0, n1, e0, e1] = fixed;
    Ok(header + 30 + u64::from(u16::from_le_bytes([n0, n1])) + u64::from(u16::from_le_bytes([e0, e1])))
}
