//! Signatures of packages (SOL004 clause 5, SOL007 clause 5): option 1, a CMS block in the manifest and signatures of single
//! artifacts, and option 2, an outer archive with the package, its signature and maybe a certificate.
//!
//! Trust anchors and the time of the check are given by the caller. What is large is streamed. Every fault has a code of
//! its own: another content, another key, no certificate, no chain to an anchor, out of time, unreadable.

mod digest;
mod sign;
mod signed_data;
mod trust;
mod verify;

use std::collections::HashSet;

use openssl::x509::X509;
use serde::{Deserialize, Serialize};

pub use sign::{SignError, SigningKey};
pub use trust::{BadAnchor, Trust, Unsigned};

use crate::archive::{Package, is_root_certificate};
use crate::codes;
use crate::diag::{Diagnostics, FileId, Pos, Severity, Sink};
use signed_data::pem_blocks;
use verify::{Case, Content, Named};

/// Most signature blocks of one manifest, and most certificate files, that are looked at.
const MAX_PROOFS: usize = 8;
/// Most signatures of single artifacts that are looked at.
const MAX_ARTIFACTS: usize = 1000;

/// Who signed what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signer {
    /// What the signature covers: `package`, `manifest`, or the path of an artifact.
    pub covers: String,
    /// Subject of the signer's certificate.
    pub subject: String,
    /// Who issued it.
    pub issuer: String,
    /// Its serial number in hexadecimal.
    pub serial: String,
    /// From when it is valid.
    pub not_before: String,
    /// Until when it is valid.
    pub not_after: String,
    /// Whether it led to a trust anchor and was valid at the time of the check.
    pub trusted: bool,
}

/// What came of looking at a package's signatures.
#[derive(Clone, Debug, Default)]
pub struct Signatures {
    /// Every signature whose value fits its content and its signer's key.
    pub signers: Vec<Signer>,
    /// All findings.
    pub found: Diagnostics,
}

/// Checks every signature of a package. Files of any size are streamed.
#[must_use]
pub fn check(package: &Package, trust: &Trust) -> Signatures {
    let mut checker = Checker { package, trust, sink: Sink::new(), signers: Vec::new(), pool: Vec::new() };
    checker.gather();
    let signed = [checker.option_2(), checker.option_1()].contains(&true);
    let parts = checker.artifacts();
    if !signed {
        checker.unsigned(parts);
    }
    Signatures { signers: checker.signers, found: checker.sink.finish() }
}

struct Checker<'a> {
    package: &'a Package,
    trust: &'a Trust,
    sink: Sink,
    signers: Vec<Signer>,
    /// Certificates of the package: named by TOSCA.meta, or in its root.
    pool: Vec<Named>,
}

impl Checker<'_> {
    /// Reads the certificates that the package names or has in its root.
    fn gather(&mut self) {
        let named = self.package.meta().and_then(|m| m.entry_certificate.clone());
        let in_root: Vec<String> =
            self.package.files().map(|(p, _)| p).filter(|p| is_root_certificate(p)).map(str::to_owned).collect();
        if let (Some(named), Some(other)) = (&named, in_root.iter().find(|p| Some(*p) != named.as_ref())) {
            let file = self.sink.add_source(other.as_str(), "");
            self.sink.warn(
                &codes::CERTIFICATE_PLACE,
                Pos::whole(file),
                format!("`{other}` lies in the root although TOSCA.meta names the certificate `{named}`"),
                "keep one certificate, and name it by `ETSI-Entry-Certificate`",
            );
        }
        let mut paths: Vec<String> = named.into_iter().collect();
        paths.extend(in_root);
        paths.dedup();
        paths.truncate(MAX_PROOFS);
        for path in paths {
            self.certificate(&path);
        }
    }

    /// Reads a certificate file into the pool; what it held.
    fn certificate(&mut self, path: &str) -> Vec<X509> {
        if let Some(known) = self.pool.iter().find(|n| n.path == path) {
            return known.certificates.clone();
        }
        if !self.package.contains(path) {
            return Vec::new();
        }
        let read = self.proof(path).and_then(|bytes| {
            let read = trust::certificates(&bytes).map_err(|e| e.to_string())?;
            if read.is_empty() { Err("there is none in it".to_owned()) } else { Ok(read) }
        });
        match read {
            Ok(certificates) => {
                self.pool.push(Named { path: path.to_owned(), certificates: certificates.clone() });
                certificates
            }
            Err(why) => {
                let file = self.sink.add_source(path, "");
                self.sink.error_mend(
                    &codes::BAD_CERTIFICATE,
                    Pos::whole(file),
                    format!("`{path}` holds no certificate that can be read: {why}"),
                    "save the certificate as PEM or DER",
                );
                Vec::new()
            }
        }
    }

    /// The outer archive. Whether it carries a signature.
    fn option_2(&mut self) -> bool {
        let Some(wrapper) = self.package.wrapper() else { return false };
        let mut beside = Vec::new();
        for (path, bytes) in &wrapper.certificates {
            match trust::certificates(bytes) {
                Ok(certificates) if !certificates.is_empty() => beside.push(Named { path: path.clone(), certificates }),
                _ => {
                    let file = self.sink.add_source(path.as_str(), "");
                    self.sink.error_mend(
                        &codes::BAD_CERTIFICATE,
                        Pos::whole(file),
                        format!("`{path}` holds no certificate that can be read"),
                        "save the certificate as PEM or DER",
                    );
                }
            }
        }
        for (path, bytes) in &wrapper.signatures {
            let file = self.sink.add_source(path.as_str(), String::from_utf8_lossy(bytes));
            let at = Pos { file, line: 1, column: 1 };
            let content = Content::Streamed(Box::new(|| Ok(Box::new(wrapper.content.clone()))));
            let case = Case { what: "package", shown: wrapper.csar.clone(), content, extra: &beside, at };
            self.case(bytes, case);
        }
        !wrapper.signatures.is_empty()
    }

    /// The CMS block of the manifest. Whether there is one.
    fn option_1(&mut self) -> bool {
        let Some(manifest) = self.package.manifest().filter(|m| m.cms.is_some()) else { return false };
        let raw = match self.package.read(&manifest.path) {
            Ok(raw) => raw,
            Err(_) => return true,
        };
        let file = self.sink.add_source(manifest.path.as_str(), String::from_utf8_lossy(&raw));
        let at = Pos { file, line: manifest.cms_line.unwrap_or(1), column: 1 };
        // The signature covers the bytes before its own block, exactly as they are.
        let end = raw
            .windows(10)
            .enumerate()
            .find(|(i, w)| *w == b"-----BEGIN" && (*i == 0 || raw.get(i - 1).is_some_and(|b| *b == b'\n')));
        let content = end.and_then(|(i, _)| raw.get(..i)).unwrap_or(&raw).to_vec();
        let blocks = pem_blocks(manifest.cms.as_deref().unwrap_or_default());
        if blocks.len() > MAX_PROOFS {
            let message = format!("the manifest holds {} signatures, at most {MAX_PROOFS} are judged", blocks.len());
            self.sink.error_mend(&codes::SIGNATURE_FORMAT, at, message, "keep those that are needed");
        }
        for block in blocks.iter().take(MAX_PROOFS) {
            let content = Content::Text(content.clone());
            let case = Case { what: "manifest", shown: manifest.path.clone(), content, extra: &[], at };
            self.case(block.as_bytes(), case);
        }
        true
    }

    /// Signatures of single artifacts (SOL004 clause 5.4). How many there are.
    fn artifacts(&mut self) -> usize {
        let Some(manifest) = self.package.manifest() else { return 0 };
        if manifest.files.iter().all(|f| f.signature.is_none()) {
            return 0;
        }
        let text = self.package.read(&manifest.path).map(|b| String::from_utf8_lossy(&b).into_owned());
        let file = self.sink.add_source(manifest.path.as_str(), text.unwrap_or_default());
        let mut n = 0;
        // A file that is listed twice, which is told elsewhere, is read once.
        let mut seen = HashSet::new();
        for entry in &manifest.files {
            let Some(signature) = entry.signature.as_ref().filter(|_| seen.insert(entry.source.as_str())) else {
                continue;
            };
            n += 1;
            let at = Pos { file, line: entry.line, column: 1 };
            if n > MAX_ARTIFACTS {
                let message = format!("more than {MAX_ARTIFACTS} artifacts have signatures of their own");
                self.sink.error_mend(&codes::SIGNATURE_FORMAT, at, message, "sign the manifest, which covers them all");
                break;
            }
            let mut extra = Vec::new();
            if let Some(path) = &entry.certificate {
                if self.package.contains(path) {
                    let certificates = self.certificate(path);
                    extra.push(Named { path: path.clone(), certificates });
                } else {
                    self.gone("Certificate", path, &entry.source, at);
                }
            }
            if !self.package.contains(signature) {
                self.gone("Signature", signature, &entry.source, at);
                continue;
            }
            self.artifact_name(&entry.source, signature, at);
            if entry.is_external() || !self.package.contains(&entry.source) {
                continue;
            }
            match self.proof(signature) {
                Ok(bytes) => {
                    let package = self.package;
                    let source = entry.source.clone();
                    let content = Content::Artifact(package, source.clone());
                    self.case(&bytes, Case { what: &entry.source, shown: source, content, extra: &extra, at });
                }
                Err(why) => {
                    let message = format!("the signature `{signature}` of `{}` cannot be read: {why}", entry.source);
                    self.sink.error(&codes::SIGNATURE_FORMAT, at, message);
                }
            }
        }
        n
    }

    fn proof(&self, path: &str) -> Result<Vec<u8>, String> {
        let limit = crate::archive::PROOF_BYTES;
        match self.package.size(path) {
            Some(size) if size > limit => Err(format!("it has {size} bytes, at most {limit} are read")),
            _ => self.package.read(path).map_err(|e| e.to_string()),
        }
    }

    fn gone(&mut self, key: &str, path: &str, source: &str, at: Pos) {
        self.sink.error_mend(
            &codes::SIGNATURE_FILE_MISSING,
            at,
            format!("`{key}` of `{source}` names `{path}`, which is not in the package"),
            "correct the path or add the file",
        );
    }

    /// The signature lies beside its artifact and has its name, with another ending.
    fn artifact_name(&mut self, source: &str, signature: &str, at: Pos) {
        let stem = |path: &str| {
            let (dir, name) = path.rsplit_once('/').unwrap_or(("", path));
            (dir.to_owned(), name.to_owned())
        };
        let (dir, name) = stem(source);
        let (signature_dir, signature_name) = stem(signature);
        let bare = name.rsplit_once('.').map_or(name.as_str(), |(bare, _)| bare);
        let fits = dir == signature_dir
            && [bare, name.as_str()]
                .iter()
                .any(|n| signature_name.strip_prefix(*n).is_some_and(|r| r.starts_with('.')));
        if !fits {
            let ending = signature_name.rsplit_once('.').map_or("cms", |(_, e)| e);
            let sep = if dir.is_empty() { "" } else { "/" };
            self.sink.warn(
                &codes::SIGNATURE_NAME,
                at,
                format!("the signature `{signature}` does not lie beside `{source}` under its name"),
                format!("call it `{dir}{sep}{bare}.sig.{ending}`"),
            );
        }
    }

    fn unsigned(&mut self, parts: usize) {
        let severity = match self.trust.unsigned {
            Unsigned::Accept => return,
            Unsigned::Warn => Severity::Warning,
            Unsigned::Refuse => Severity::Error,
        };
        let at = self.place();
        let message = match parts {
            0 => "the package is not signed".to_owned(),
            n => format!("{n} artifacts are signed, the package is not"),
        };
        let mend = "sign it with `mano vnfpkg build --sign-key KEY.pem --sign-cert CERT.pem`".to_owned();
        self.sink.report(severity, &codes::UNSIGNED, at, message, Some(mend));
    }

    /// Where a signature would stand.
    fn place(&mut self) -> Option<Pos> {
        let manifest = self.package.manifest()?;
        let text = self.package.read(&manifest.path).ok()?;
        let lines = u32::try_from(text.iter().filter(|b| **b == b'\n').count().max(1)).unwrap_or(u32::MAX);
        let file: FileId = self.sink.add_source(manifest.path.as_str(), String::from_utf8_lossy(&text));
        Some(Pos { file, line: lines, column: 1 })
    }

    fn case(&mut self, bytes: &[u8], case: Case<'_>) {
        let at = case.at;
        let (problems, signers) = verify::verify(bytes, case, &self.pool, self.trust);
        for p in problems {
            self.sink.report(p.severity, p.code, Some(at), p.message, Some(p.mend));
        }
        self.signers.extend(signers);
    }
}
