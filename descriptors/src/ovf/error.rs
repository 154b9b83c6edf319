//! Why an appliance could not be read or written.

use std::io;
use std::path::Path;

use crate::archive::PackError;
use crate::diag::Diagnostics;

/// Why an import or export did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum OvfError {
    /// What is wrong with the appliance or the package, all of it.
    #[error("{0}")]
    Content(Diagnostics),
    /// A file could not be read or written.
    #[error("cannot {action} {path}: {source}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// With which file.
        path: String,
        /// What the system answered.
        source: io::Error,
    },
    /// `qemu-img` is missing or refused.
    #[error("{0}")]
    Tool(String),
    /// The archive could not be written.
    #[error(transparent)]
    Pack(#[from] PackError),
}

/// Names the file a fault of the system is about.
pub(super) fn io_error(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> OvfError {
    let path = path.display().to_string();
    move |source| OvfError::Io { action, path, source }
}
