//! `checksums.txt`, in which packages of Open Source MANO list digests of their files instead of in a manifest: one line for
//! each file, its digest and its path. The tools of Open Source MANO write MD5, which finds accidents and no malice.

use std::io::{self, Read};

use openssl::hash::{Hasher, MessageDigest};

use super::Package;
use crate::codes;
use crate::diag::{Pos, Sink};

/// Path of the file.
pub(super) const PATH: &str = "checksums.txt";
/// Differences told one by one before the rest is only counted.
const TOLD: usize = 20;

/// Compares the files of a package without manifest with its `checksums.txt`, where it has one.
pub(super) fn compare(package: &Package, sink: &mut Sink) {
    if package.manifest().is_some() || !package.contains(PATH) {
        return;
    }
    let Some((file, text)) = package.read_text(PATH, sink) else { return };
    let mut different = 0;
    for (n, line) in text.lines().enumerate() {
        let Some((digest, path)) = entry(line) else { continue };
        let Some(message) = difference(package, &digest, path) else { continue };
        different += 1;
        if different <= TOLD {
            let at = Pos { file, line: u32::try_from(n + 1).unwrap_or(u32::MAX), column: 1 };
            sink.warn(&codes::CHECKSUMS, at, message, "write the file anew when the package is complete");
        }
    }
    if different > TOLD {
        let message = format!("and {} more files differ from their checksums", different - TOLD);
        sink.warn(&codes::CHECKSUMS, Pos::whole(file), message, "write the file anew when the package is complete");
    }
}

/// The digest and path of a line; `None` where it holds none.
fn entry(line: &str) -> Option<(String, &str)> {
    let (digest, path) = line.trim().split_once([' ', '\t'])?;
    let is_digest = [32, 40, 64, 128].contains(&digest.len()) && digest.bytes().all(|b| b.is_ascii_hexdigit());
    // `md5sum` marks files that it read as binary with a star.
    let path = path.trim_start().trim_start_matches('*').trim_start_matches("./");
    (is_digest && !path.is_empty()).then(|| (digest.to_ascii_lowercase(), path))
}

/// What is wrong with a listed file, in words.
fn difference(package: &Package, digest: &str, path: &str) -> Option<String> {
    // Some tools write the name of the package's folder before.
    let below = path.split_once('/').map(|(_, rest)| rest);
    let Some(path) = [Some(path), below].into_iter().flatten().find(|p| package.contains(p)) else {
        return Some(format!("`{path}` is listed but is not in the package"));
    };
    // It cannot hold its own digest.
    if path == PATH {
        return None;
    }
    match computed(package, path, digest.len()) {
        Ok(found) if found == digest => None,
        Ok(found) => Some(format!("`{path}` does not have the digest listed here; the file's digest is {found}")),
        Err(e) => Some(format!("cannot read `{path}`: {e}")),
    }
}

fn computed(package: &Package, path: &str, digits: usize) -> io::Result<String> {
    let kind = match digits {
        32 => MessageDigest::md5(),
        40 => MessageDigest::sha1(),
        64 => MessageDigest::sha256(),
        _ => MessageDigest::sha512(),
    };
    let mut hasher = Hasher::new(kind).map_err(io::Error::other)?;
    let mut artifact = package.open_artifact(path)?;
    let mut reader = artifact.reader()?;
    let mut buffer = vec![0; 128 << 10];
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => hasher.update(buffer.get(..n).unwrap_or_default()).map_err(io::Error::other)?,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(hex::encode(hasher.finish().map_err(io::Error::other)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_as_the_usual_tools_write_them() {
        let digest = "d41d8cd98f00b204e9800998ecf8427e";
        for line in [
            format!("{digest}  ./images/a.qcow2"),
            format!("{} *images/a.qcow2", digest.to_uppercase()),
            format!("{digest}\timages/a.qcow2"),
        ] {
            assert_eq!(entry(&line), Some((digest.to_owned(), "images/a.qcow2")), "{line}");
        }
        for none in ["", "# digests", "d41d  a", digest, &format!("{digest}  ")] {
            assert_eq!(entry(none), None, "{none}");
        }
    }
}
