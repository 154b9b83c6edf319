//! Secrets of VIMs at rest: sealed with XChaCha20-Poly1305 by a key that a file outside the database holds, and bound to the
//! VIM they are for.

use chacha20poly1305::aead::{Aead, Generate, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use reference_points::common::ProblemDetails;
use service::config::SecretFile;
use uuid::Uuid;

use crate::error::{Failure, Result};

/// How a key is made, told wherever one is missing or wrong.
pub const HOW_TO_MAKE_A_KEY: &str =
    "make one: (umask 077; openssl rand -hex 32 > KEYFILE), and name it in secret_key_files of the vim-adapter";

/// Length of a nonce in bytes; drawn at random, it is long enough never to be drawn twice.
const NONCE: usize = 24;

/// Seals and opens. The first key seals, each of them opens, so that a new key can be put before the old one.
#[derive(Clone, Default)]
pub struct Vault(Vec<XChaCha20Poly1305>);

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Vault({} keys)", self.0.len())
    }
}

/// What was sealed.
#[derive(Debug, PartialEq, Eq)]
pub struct Opened {
    /// The secret.
    pub secret: String,
    /// It was sealed with a key that is not the first any more: it is to be sealed anew.
    pub old_key: bool,
}

impl Vault {
    /// Reads the keys.
    ///
    /// # Errors
    /// One text for each file that is no key.
    pub fn open(files: &[SecretFile]) -> Result<Self, Vec<String>> {
        let mut keys = Vec::new();
        let mut faults = Vec::new();
        for file in files {
            match file.read().map_err(|error| error.to_string()).and_then(|text| key(&text)) {
                Ok(key) => keys.push(XChaCha20Poly1305::new(&key)),
                Err(why) => faults.push(format!("{}: {why}; {HOW_TO_MAKE_A_KEY}", file.path().display())),
            }
        }
        if faults.is_empty() { Ok(Self(keys)) } else { Err(faults) }
    }

    /// Seals a secret for a VIM.
    ///
    /// # Errors
    /// 422 when there is no key.
    pub fn seal(&self, vim: Uuid, secret: &str) -> Result<String> {
        let Some(cipher) = self.0.first() else {
            let detail = "this vim-adapter has no key to keep a VIM's secret with";
            return Err(ProblemDetails::unprocessable(detail, Vec::new()).next(HOW_TO_MAKE_A_KEY).into());
        };
        let nonce = XNonce::generate();
        let payload = Payload { msg: secret.as_bytes(), aad: vim.as_bytes() };
        let sealed = cipher.encrypt(&nonce, payload).map_err(|_| unreadable(vim))?;
        Ok(hex::encode([nonce.as_slice(), &sealed].concat()))
    }

    /// Opens what was sealed for a VIM.
    ///
    /// # Errors
    /// 500 when no key fits.
    pub fn unseal(&self, vim: Uuid, sealed: &str) -> Result<Opened> {
        let bytes = hex::decode(sealed).map_err(|_| unreadable(vim))?;
        let (nonce, body) = bytes.split_at_checked(NONCE).ok_or_else(|| unreadable(vim))?;
        let nonce = XNonce::try_from(nonce).map_err(|_| unreadable(vim))?;
        for (i, cipher) in self.0.iter().enumerate() {
            if let Ok(plain) = cipher.decrypt(&nonce, Payload { msg: body, aad: vim.as_bytes() }) {
                let secret = String::from_utf8(plain).map_err(|_| unreadable(vim))?;
                return Ok(Opened { secret, old_key: i > 0 });
            }
        }
        Err(unreadable(vim))
    }
}

fn unreadable(vim: Uuid) -> Failure {
    let detail = format!("the secret of VIM {vim} cannot be opened with any of secret_key_files");
    ProblemDetails::new(500, "Secret sealed", detail)
        .next("give the key that it was sealed with, or register the VIM's credentials again")
        .into()
}

fn key(text: &str) -> Result<Key, String> {
    let bytes = hex::decode(text.trim()).map_err(|_| "it is not hexadecimal".to_owned())?;
    Key::try_from(bytes.as_slice()).map_err(|_| format!("it holds {} bytes, a key has 32", bytes.len()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn file(dir: &std::path::Path, name: &str, text: &str) -> SecretFile {
        let path = dir.join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        SecretFile::new(path)
    }

    #[test]
    fn what_is_sealed_opens_for_its_vim_only_and_with_an_older_key_too() {
        let dir = tempfile::tempdir().unwrap();
        let old = file(dir.path(), "old", &"ab".repeat(32));
        let new = file(dir.path(), "new", &format!("{}\n", "cd".repeat(32)));
        let (mine, other) = (Uuid::new_v4(), Uuid::new_v4());
        let sealed = Vault::open(std::slice::from_ref(&old)).unwrap().seal(mine, "password").unwrap();
        assert!(!sealed.contains(&hex::encode("password")));
        let vault = Vault::open(&[new.clone(), old]).unwrap();
        assert_eq!(vault.unseal(mine, &sealed).unwrap(), Opened { secret: "password".into(), old_key: true });
        vault.unseal(other, &sealed).unwrap_err();
        Vault::open(&[new]).unwrap().unseal(mine, &sealed).unwrap_err();
        assert!(!vault.unseal(mine, &vault.seal(mine, "x").unwrap()).unwrap().old_key);
    }

    #[test]
    fn a_missing_or_wrong_key_says_how_to_make_one() {
        let problem = Vault::default().seal(Uuid::nil(), "x").unwrap_err().to_problem();
        assert!(problem.next.unwrap().contains("openssl rand -hex 32"));
        let dir = tempfile::tempdir().unwrap();
        let faults = Vault::open(&[file(dir.path(), "short", "abcd")]).unwrap_err();
        assert!(faults[0].contains("2 bytes") && faults[0].contains("openssl rand"), "{faults:?}");
    }
}
