//! Files of the agent: images, volumes, and what belongs to machines. Everything is made under another name and renamed
//! when it is whole, so that a crash leaves nothing that could be taken for something.

pub mod config_drive;
pub mod disks;
pub mod image;
pub mod layout;
pub mod space;
pub mod upload;

use std::path::PathBuf;

/// Why a file could not be made.
#[derive(Debug, Clone, thiserror::Error)]
pub enum MediaError {
    /// The disk is full, or would be.
    #[error("no space left on the disk of {}: {needed} bytes are needed to {action}, {free} are free{}", path.display(),
        if *kept > 0 { format!(" ({kept} are kept back)") } else { String::new() })]
    NoSpace {
        /// File or directory concerned.
        path: PathBuf,
        /// What was to be done.
        action: String,
        /// Bytes needed; 0 if not known beforehand.
        needed: u64,
        /// Bytes free.
        free: u64,
        /// Bytes that the agent keeps free.
        kept: u64,
    },
    /// The operating system refused.
    #[error("cannot {action} {}: {why}", path.display())]
    Io {
        /// What was to be done.
        action: String,
        /// File concerned.
        path: PathBuf,
        /// What the system said.
        why: String,
    },
    /// A program refused.
    #[error("{program} could not {action} {}: {why}", path.display())]
    Tool {
        /// Program.
        program: String,
        /// What was to be done.
        action: String,
        /// File concerned.
        path: PathBuf,
        /// The end of what it wrote to standard error.
        why: String,
    },
}

impl MediaError {
    /// Wraps an error of the operating system; a full disk is told as such.
    pub fn io(action: &str, path: impl Into<PathBuf>, error: &std::io::Error) -> MediaError {
        let path = path.into();
        match error.raw_os_error() {
            Some(libc::ENOSPC | libc::EDQUOT) => {
                let free = space::free_bytes(&path).unwrap_or(0);
                MediaError::NoSpace { path, action: action.to_owned(), needed: 0, free, kept: 0 }
            }
            _ => MediaError::Io { action: action.to_owned(), path, why: error.to_string() },
        }
    }
}

/// Result of making a file.
pub type Result<T> = std::result::Result<T, MediaError>;
