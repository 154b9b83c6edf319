//! Space on the disk that holds the agent's files.

use std::path::Path;

use rustix::io::Errno;

use super::{MediaError, Result};

/// Size and free space of a file system, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    /// All of it.
    pub total: u64,
    /// What may still be written.
    pub free: u64,
}

/// Space on the file system that holds `path`, or the nearest directory above it that exists.
///
/// # Errors
/// What the system said.
pub fn space(path: &Path) -> std::io::Result<Space> {
    let mut at = path;
    loop {
        match (rustix::fs::statvfs(at), at.parent()) {
            (Ok(found), _) => {
                return Ok(Space {
                    total: found.f_blocks.saturating_mul(found.f_frsize),
                    free: found.f_bavail.saturating_mul(found.f_frsize),
                });
            }
            (Err(Errno::NOENT), Some(parent)) => at = parent,
            (Err(error), _) => return Err(error.into()),
        }
    }
}

/// Free bytes on the file system that holds `path`.
///
/// # Errors
/// What the system said.
pub fn free_bytes(path: &Path) -> std::io::Result<u64> {
    space(path).map(|space| space.free)
}

/// Refuses to begin what cannot end well: after writing `needed` bytes, `kept` must still be free.
///
/// # Errors
/// [`MediaError::NoSpace`] with the numbers.
pub fn ensure(path: &Path, needed: u64, kept: u64, action: &str) -> Result<()> {
    let free = free_bytes(path).map_err(|e| MediaError::io("ask for the free space of", path, &e))?;
    if free < needed.saturating_add(kept) {
        return Err(MediaError::NoSpace { path: path.to_owned(), action: action.to_owned(), needed, free, kept });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn more_than_the_disk_holds_is_refused_with_the_numbers() {
        let dir = tempfile::tempdir().unwrap();
        let deep = dir.path().join("not/there/yet");
        let space = space(&deep).unwrap();
        assert!(space.total > 0 && space.free <= space.total);
        ensure(&deep, 1, 0, "write").unwrap();
        let error = ensure(&deep, space.total, 1, "hold an image").unwrap_err();
        assert!(
            error.to_string().contains(&space.total.to_string()) && error.to_string().contains("1 are kept back"),
            "{error}"
        );
    }
}
