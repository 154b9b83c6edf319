//! The manifest of an OVF package: a digest for each file (DSP0243 clause 5.1).

use std::io::{self, Read};

use openssl::hash::{Hasher, MessageDigest};

use super::names::short;
use crate::codes;
use crate::diag::{FileId, Pos, Sink};

/// One line: a file with its digest.
#[derive(Clone)]
pub(super) struct Line {
    pub(super) file: String,
    pub(super) algorithm: Algorithm,
    /// Lower-case hexadecimal.
    pub(super) digest: String,
    pub(super) at: Pos,
}

/// Algorithms that manifests use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Algorithm {
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

impl Algorithm {
    fn parse(text: &str) -> Option<Self> {
        let plain: String = text.chars().filter(char::is_ascii_alphanumeric).collect();
        match plain.to_ascii_uppercase().as_str() {
            "SHA1" => Some(Self::Sha1),
            "SHA256" => Some(Self::Sha256),
            "SHA384" => Some(Self::Sha384),
            "SHA512" => Some(Self::Sha512),
            _ => None,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
            Self::Sha384 => "SHA384",
            Self::Sha512 => "SHA512",
        }
    }

    fn digest(self) -> MessageDigest {
        match self {
            Self::Sha1 => MessageDigest::sha1(),
            Self::Sha256 => MessageDigest::sha256(),
            Self::Sha384 => MessageDigest::sha384(),
            Self::Sha512 => MessageDigest::sha512(),
        }
    }

    /// The digest of everything that is read, in lower-case hexadecimal. Memory stays at one buffer.
    pub(super) fn of(self, mut reader: impl Read) -> io::Result<String> {
        let mut hasher = Hasher::new(self.digest())?;
        let mut buffer = vec![0; 128 << 10];
        loop {
            match reader.read(&mut buffer) {
                Ok(0) => return Ok(hex::encode(hasher.finish()?)),
                Ok(n) => hasher.update(buffer.get(..n).unwrap_or_default())?,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
    }
}

/// Reads lines such as `SHA256(disk1.vmdk)= 9f86…`.
pub(super) fn parse(file: FileId, text: &str, sink: &mut Sink) -> Vec<Line> {
    let mut lines = Vec::new();
    for (n, line) in text.lines().enumerate() {
        let at = Pos { file, line: u32::try_from(n + 1).unwrap_or(u32::MAX), column: 1 };
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let split = line.split_once('(').and_then(|(algorithm, rest)| {
            let (name, digest) = rest.rsplit_once(')')?;
            Some((algorithm.trim(), name.trim(), digest.trim().strip_prefix('=')?.trim().to_ascii_lowercase()))
        });
        let Some((algorithm, name, digest)) = split else {
            sink.error_mend(
                &codes::OVF_MANIFEST,
                at,
                format!("`{}` is no line of a manifest", short(line)),
                "write SHA256(<file>)= <digest>",
            );
            continue;
        };
        let Some(algorithm) = Algorithm::parse(algorithm) else {
            sink.error_mend(
                &codes::OVF_MANIFEST,
                at,
                format!("the algorithm `{}` is not known", short(algorithm)),
                "use SHA256",
            );
            continue;
        };
        lines.push(Line { file: name.to_owned(), algorithm, digest, at });
    }
    lines
}
