//! Digests of files, computed while reading (SOL004 clause 4.3.2 registers SHA-256 and SHA-512).

use std::io::{self, Read};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};

/// A digest algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum HashAlgorithm {
    /// SHA-224; only in `ChecksumData` of SOL001.
    #[serde(rename = "sha-224")]
    Sha224,
    /// SHA-256.
    #[serde(rename = "sha-256")]
    Sha256,
    /// SHA-384; only in `ChecksumData` of SOL001.
    #[serde(rename = "sha-384")]
    Sha384,
    /// SHA-512.
    #[serde(rename = "sha-512")]
    Sha512,
}

impl HashAlgorithm {
    /// Reads `SHA-256`, `sha-256` or `sha256`, in any letter case.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let plain: String = text.trim().to_ascii_lowercase().chars().filter(|c| *c != '-' && *c != '_').collect();
        match plain.as_str() {
            "sha224" => Some(Self::Sha224),
            "sha256" => Some(Self::Sha256),
            "sha384" => Some(Self::Sha384),
            "sha512" => Some(Self::Sha512),
            _ => None,
        }
    }

    /// The name as manifests write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sha224 => "SHA-224",
            Self::Sha256 => "SHA-256",
            Self::Sha384 => "SHA-384",
            Self::Sha512 => "SHA-512",
        }
    }

    /// Length of the digest in hexadecimal digits.
    #[must_use]
    pub fn hex_len(self) -> usize {
        match self {
            Self::Sha224 => 56,
            Self::Sha256 => 64,
            Self::Sha384 => 96,
            Self::Sha512 => 128,
        }
    }

    /// A computation of this algorithm.
    #[must_use]
    pub fn hasher(self) -> Hasher {
        Hasher(match self {
            Self::Sha224 => Inner::Sha224(Sha224::new()),
            Self::Sha256 => Inner::Sha256(Sha256::new()),
            Self::Sha384 => Inner::Sha384(Sha384::new()),
            Self::Sha512 => Inner::Sha512(Sha512::new()),
        })
    }
}

#[derive(Clone, Debug)]
enum Inner {
    Sha224(Sha224),
    Sha256(Sha256),
    Sha384(Sha384),
    Sha512(Sha512),
}

/// A digest in the making.
#[derive(Clone, Debug)]
pub struct Hasher(Inner);

impl Hasher {
    /// Takes more bytes in.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            Inner::Sha224(h) => h.update(bytes),
            Inner::Sha256(h) => h.update(bytes),
            Inner::Sha384(h) => h.update(bytes),
            Inner::Sha512(h) => h.update(bytes),
        }
    }

    /// The digest in lower-case hexadecimal.
    #[must_use]
    pub fn finish(self) -> String {
        match self.0 {
            Inner::Sha224(h) => hex::encode(h.finalize()),
            Inner::Sha256(h) => hex::encode(h.finalize()),
            Inner::Sha384(h) => hex::encode(h.finalize()),
            Inner::Sha512(h) => hex::encode(h.finalize()),
        }
    }
}

/// Reads everything and returns digest and number of bytes. Memory stays at one buffer.
///
/// # Errors
/// What the reader returns.
pub fn digest(algorithm: HashAlgorithm, mut reader: impl Read) -> io::Result<(String, u64)> {
    let mut hasher = algorithm.hasher();
    let mut buffer = vec![0; 128 << 10];
    let mut total = 0;
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => return Ok((hasher.finish(), total)),
            Ok(n) => {
                hasher.update(buffer.get(..n).unwrap_or_default());
                total += n as u64;
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn known_digests() {
        let (hex, n) = digest(HashAlgorithm::Sha256, &b"abc"[..]).unwrap();
        assert_eq!(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(n, 3);
        for (a, name) in
            [(HashAlgorithm::Sha224, "sha-224"), (HashAlgorithm::Sha384, "SHA384"), (HashAlgorithm::Sha512, "Sha-512")]
        {
            assert_eq!(HashAlgorithm::parse(name), Some(a));
            assert_eq!(digest(a, &b""[..]).unwrap().0.len(), a.hex_len());
        }
        assert_eq!(HashAlgorithm::parse("SHA-255"), None);
    }
}
