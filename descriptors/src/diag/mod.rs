//! Diagnostics: what is wrong with a package or descriptor, where, and how to mend it.
//!
//! A reader never stops at the first fault. It puts every finding into a [`Sink`], goes on with what can still be
//! understood, and at the end the caller gets all of them as [`Diagnostics`], as text or as JSON.

mod sink;

use std::borrow::Cow;
use std::fmt::{self, Write as _};

use serde::{Deserialize, Serialize};

use crate::codes::Code;

pub use sink::{FileId, Pos, Sink};

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing, nothing to mend.
    Note,
    /// The package departs from the standard, but its meaning is clear, so it is accepted.
    Warning,
    /// The package cannot be used as it is.
    Error,
}

impl Severity {
    /// The lower-case word used in text and JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// Stable identifier, for example `TOSCA-0102`; [`crate::codes`] lists all of them.
    pub code: Cow<'static, str>,
    /// What is wrong, in one sentence, with the names concerned.
    pub message: String,
    /// The smallest change that mends it, where one is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mend: Option<String>,
    /// Path of the file within the package.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Line, counted from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// Column in characters, counted from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
    /// The source line itself, cut to a printable length.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub excerpt: Option<String>,
    /// The clause of the standard that asks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clause: Option<Cow<'static, str>>,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}]: {}", self.severity.word(), self.code, self.message)?;
        if let Some(file) = &self.file {
            write!(f, "\n  --> {file}")?;
            if let Some(line) = self.line {
                write!(f, ":{line}:{}", self.column.unwrap_or(1))?;
            }
        }
        if let (Some(excerpt), Some(line)) = (&self.excerpt, self.line) {
            let column = self.column.unwrap_or(1).max(1) as usize;
            let gutter = line.to_string().len();
            write!(f, "\n {:gutter$} |\n {line} | {excerpt}", "")?;
            if column <= excerpt.chars().count() {
                write!(f, "\n {:gutter$} | {:>column$}", "", "^")?;
            }
        }
        if let Some(mend) = &self.mend {
            write!(f, "\n   = mend: {mend}")?;
        }
        if let Some(clause) = &self.clause {
            write!(f, "\n   = see: {clause}")?;
        }
        Ok(())
    }
}

/// All findings of one reading, in the order of files and lines in which they were met.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Diagnostics(Vec<Diagnostic>);

impl Diagnostics {
    /// The findings.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.0.iter()
    }

    /// Whether nothing was found.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many findings there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether any finding is an error.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(|d| d.severity == Severity::Error)
    }

    /// The errors alone.
    pub fn errors(&self) -> impl Iterator<Item = &Diagnostic> {
        self.0.iter().filter(|d| d.severity == Severity::Error)
    }

    /// Adds the findings of another reading, without repeating those already there.
    pub fn extend(&mut self, other: Diagnostics) {
        for d in other.0 {
            if !self.0.contains(&d) {
                self.0.push(d);
            }
        }
    }

    /// Turns errors whose code begins with `family` into warnings.
    pub(crate) fn soften(&mut self, family: &str) {
        for d in self.0.iter_mut().filter(|d| d.severity == Severity::Error && d.code.starts_with(family)) {
            d.severity = Severity::Warning;
        }
    }

    /// Takes the findings of these codes away.
    pub(crate) fn forget(&mut self, codes: &[&Code]) {
        self.0.retain(|d| !codes.iter().any(|c| c.id == d.code));
    }

    /// Adds one finding.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.0.push(diagnostic);
    }

    /// The findings as a JSON array, one object each.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::to_value(self).unwrap_or(serde_json::Value::Null)
    }

    /// One line that counts errors, warnings and notes, such as `2 errors, 1 warning`.
    #[must_use]
    pub fn summary(&self) -> String {
        let mut out = String::new();
        for severity in [Severity::Error, Severity::Warning, Severity::Note] {
            let n = self.0.iter().filter(|d| d.severity == severity).count();
            if n > 0 {
                let sep = if out.is_empty() { "" } else { ", " };
                let _ = write!(out, "{sep}{n} {}{}", severity.word(), if n == 1 { "" } else { "s" });
            }
        }
        if out.is_empty() { "nothing to report".to_owned() } else { out }
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for d in &self.0 {
            writeln!(f, "{d}\n")?;
        }
        f.write_str(&self.summary())
    }
}

impl std::error::Error for Diagnostics {}
