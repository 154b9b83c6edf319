//! Secrets by file: a configuration names the file, never the secret.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// Largest secret, in bytes.
const MAX_BYTES: u64 = 64 * 1024;

/// Path of a file that holds one secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SecretFile(PathBuf);

/// Why a secret cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read the secret in {path}: {why}")]
pub struct SecretError {
    path: String,
    why: String,
}

impl SecretFile {
    /// A secret kept at `path`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// Where it is kept.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The secret, without the line end that editors add.
    ///
    /// # Errors
    /// The file cannot be read, is readable by other users, is empty or holds more than 64 KiB.
    pub fn read(&self) -> Result<String, SecretError> {
        let fail = |why: String| SecretError { path: self.0.display().to_string(), why };
        let meta = std::fs::metadata(&self.0).map_err(|e| fail(e.to_string()))?;
        if meta.permissions().mode() & 0o007 != 0 {
            return Err(fail("every user of this machine can read it: chmod o= it".to_owned()));
        }
        if meta.len() > MAX_BYTES {
            return Err(fail(format!("it holds {} bytes, more than the {MAX_BYTES} allowed", meta.len())));
        }
        let text = std::fs::read_to_string(&self.0).map_err(|e| fail(e.to_string()))?;
        let secret = text.trim_end_matches(['\r', '\n']);
        if secret.is_empty() {
            return Err(fail("it is empty".to_owned()));
        }
        Ok(secret.to_owned())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_secret_that_others_can_read_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s");
        std::fs::write(&path, "hunter2\n").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(SecretFile::new(&path).read().unwrap_err().to_string().contains("chmod"));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        assert_eq!(SecretFile::new(&path).read().unwrap(), "hunter2");
    }
}
