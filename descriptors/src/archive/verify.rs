//! Comparing files with their listed digests (SOL004 clause 4.3.2, SOL007 clause 4.3.2).

use super::{HashAlgorithm, Package, digest, meta};
use crate::codes;
use crate::diag::{Diagnostics, Pos, Sink};

pub(super) fn verify(package: &Package) -> Diagnostics {
    let mut sink = Sink::new();
    let mut wanted: Vec<(String, u32, &str, HashAlgorithm, &str)> = Vec::new();
    if let Some(manifest) = &package.manifest {
        for entry in manifest.files.iter().filter(|e| !e.is_external()) {
            if let Some((algorithm, hash)) = &entry.digest {
                wanted.push((manifest.path.clone(), entry.line, &entry.source, *algorithm, hash));
            }
        }
    }
    for described in package.meta.iter().flat_map(|m| &m.files) {
        if let Some((algorithm, hash)) = &described.digest {
            wanted.push((meta::PATH.to_owned(), described.line, &described.name, *algorithm, hash));
        }
    }
    let mut sources = std::collections::HashMap::new();
    for (list, line, path, algorithm, hash) in wanted {
        let computed =
            package.open_artifact(path).and_then(|mut artifact| digest(algorithm, artifact.reader()?)).map(|(h, _)| h);
        if computed.as_ref().is_ok_and(|h| h == hash) {
            continue;
        }
        let file = match sources.get(&list) {
            Some(file) => *file,
            None => {
                let text = package.read(&list).map(|b| String::from_utf8_lossy(&b).into_owned()).unwrap_or_default();
                let file = sink.add_source(list.clone(), text);
                sources.insert(list, file);
                file
            }
        };
        let at = Pos { file, line, column: 1 };
        match computed {
            Ok(computed) => sink.error_mend(
                &codes::HASH_MISMATCH,
                at,
                format!("`{path}` does not have the {} digest listed here", algorithm.name()),
                format!("the file's digest is {computed}"),
            ),
            Err(e) => sink.error(&codes::UNREADABLE_ENTRY, at, format!("cannot read `{path}`: {e}")),
        }
    }
    sink.finish()
}
