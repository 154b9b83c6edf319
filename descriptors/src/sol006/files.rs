//! Files of the package that a descriptor names: images, scripts and boot data (IFA011 clauses 7.1.6.5, 7.1.6.7 and 7.1.13).
//! A path is relative to the root of the package, as the modules say, or to the descriptor, as packages have it.

use crate::archive::{Package, names};
use crate::codes;
use crate::diag::{Pos, Sink};

/// The package a descriptor was found in; nothing is looked up for a file that stands alone.
#[derive(Clone, Copy, Default)]
pub(super) struct Files<'a> {
    package: Option<&'a Package>,
    /// Path of the descriptor.
    from: &'a str,
}

impl<'a> Files<'a> {
    pub fn of(package: &'a Package, from: &'a str) -> Self {
        Self { package: Some(package), from }
    }

    pub fn package(&self) -> Option<&'a Package> {
        self.package
    }

    /// The path in the package that a reference means, looked for in `folders` too.
    pub fn find(&self, reference: &str, folders: &[&str]) -> Option<String> {
        let package = self.package?;
        let reference = reference.strip_prefix("file://").unwrap_or(reference);
        let usual = folders.iter().map(|f| names::join("", &format!("{f}/{reference}")));
        [names::join("", reference), names::join(self.from, reference)]
            .into_iter()
            .chain(usual)
            .flatten()
            .find(|p| package.contains(p))
    }

    /// As [`Files::find`] in the usual places; a file that is not there is told, one elsewhere or of no package is kept as
    /// written.
    pub fn named(&self, reference: &str, what: &str, at: Pos, sink: &mut Sink) -> String {
        let elsewhere = reference.contains("://") && !reference.starts_with("file://");
        if self.package.is_none() || elsewhere || reference.is_empty() {
            return reference.to_owned();
        }
        self.find(reference, &[]).unwrap_or_else(|| {
            missing(reference, what, at, sink);
            reference.to_owned()
        })
    }
}

/// Tells a file that the package does not have.
pub(super) fn missing(reference: &str, what: &str, at: Pos, sink: &mut Sink) {
    sink.error_mend(
        &codes::YANG_FILE,
        at,
        format!("{what} `{reference}` is not in the package"),
        "add the file, or correct the path: it is relative to the root of the package, or to this file",
    );
}
