//! Comparing files with their listed digests (SOL004 clause 4.3.2, SOL007 clause 4.3.2).

use std::collections::{BTreeMap, HashMap};
use std::io;

use super::{HashAlgorithm, Package, checksums, meta};
use crate::codes::{self, Code};
use crate::diag::{Diagnostics, FileId, Pos, Sink};

/// A digest that somebody claims for a file of the package.
pub(crate) struct Claim {
    /// The file that claims it.
    pub list: String,
    /// Its line from 1, or 0 for the whole file.
    pub line: u32,
    /// The file meant.
    pub path: String,
    pub algorithm: HashAlgorithm,
    /// Lower-case hexadecimal.
    pub hash: String,
    /// How a difference is told.
    pub code: &'static Code,
    /// Who claims, for the message: "the digest … here".
    pub what: String,
}

/// Checks the claims of manifest and TOSCA.meta, or of `checksums.txt`, and `more`. Each file is read once, however many claims there are.
pub(crate) fn verify(package: &Package, more: Vec<Claim>) -> Diagnostics {
    let mut claims = listed(package);
    claims.extend(more);
    let mut by_file: BTreeMap<&str, Vec<&Claim>> = BTreeMap::new();
    // What is missing was told on opening.
    for claim in claims.iter().filter(|c| package.contains(&c.path)) {
        by_file.entry(&claim.path).or_default().push(claim);
    }
    let mut sink = Sink::new();
    let mut sources: HashMap<&str, FileId> = HashMap::new();
    for (path, claims) in by_file {
        let mut algorithms: Vec<HashAlgorithm> = Vec::new();
        for claim in &claims {
            if !algorithms.contains(&claim.algorithm) {
                algorithms.push(claim.algorithm);
            }
        }
        let digests = digests(package, path, &algorithms);
        for claim in claims {
            let computed = digests.as_ref().map(|d| d.iter().find(|(a, _)| *a == claim.algorithm));
            if let Ok(Some((_, hash))) = computed
                && *hash == claim.hash
            {
                continue;
            }
            let file = *sources.entry(&claim.list).or_insert_with(|| {
                let text = package.read(&claim.list).map(|b| String::from_utf8_lossy(&b).into_owned());
                sink.add_source(claim.list.clone(), text.unwrap_or_default())
            });
            let at = Pos { file, line: claim.line, column: 1 };
            match computed {
                Ok(found) => sink.error_mend(
                    claim.code,
                    at,
                    format!("`{path}` does not have the {} digest {}", claim.algorithm.name(), claim.what),
                    found.map_or_else(String::new, |(_, h)| format!("the file's digest is {h}")),
                ),
                Err(e) => sink.error(&codes::UNREADABLE_ENTRY, at, format!("cannot read `{path}`: {e}")),
            }
        }
    }
    checksums::compare(package, &mut sink);
    sink.finish()
}

fn listed(package: &Package) -> Vec<Claim> {
    let mut claims = Vec::new();
    let mut claim = |list: &str, line: u32, path: &str, digest: &Option<(HashAlgorithm, String)>| {
        if let Some((algorithm, hash)) = digest {
            claims.push(Claim {
                list: list.to_owned(),
                line,
                path: path.to_owned(),
                algorithm: *algorithm,
                hash: hash.clone(),
                code: &codes::HASH_MISMATCH,
                what: "listed here".to_owned(),
            });
        }
    };
    if let Some(manifest) = &package.manifest {
        for entry in manifest.files.iter().filter(|e| !e.is_external()) {
            claim(&manifest.path, entry.line, &entry.source, &entry.digest);
        }
    }
    for described in package.meta.iter().flat_map(|m| &m.files).filter(|f| !f.name.contains("://")) {
        claim(meta::PATH, described.line, &described.name, &described.digest);
    }
    claims
}

/// All wanted digests of one file in one reading, with memory for one buffer. The package keeps them.
pub(super) fn digests(
    package: &Package,
    path: &str,
    algorithms: &[HashAlgorithm],
) -> io::Result<Vec<(HashAlgorithm, String)>> {
    let mut hashers: Vec<_> = algorithms.iter().map(|a| (*a, a.hasher())).collect();
    let mut artifact = package.open_artifact(path)?;
    let mut reader = artifact.reader()?;
    let mut buffer = vec![0; 128 << 10];
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => {
                for (_, hasher) in &mut hashers {
                    hasher.update(buffer.get(..n).unwrap_or_default());
                }
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    let found: Vec<_> = hashers.into_iter().map(|(a, h)| (a, h.finish())).collect();
    package.keep_digests(path, &found);
    Ok(found)
}
