//! A report as text for people and as JSON for programs.

use std::fmt::{self, Write as _};

use serde_json::{Value, json};

use super::{Finding, Mode, Report, Verdict};
use crate::diag::{Diagnostic, Severity};

impl Finding {
    /// `file:line:column`.
    #[must_use]
    pub fn place(&self) -> String {
        format!("{}:{}:{}", self.file, self.line, self.column)
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The same words and shape as everywhere findings are shown.
        let shown = Diagnostic {
            severity: self.severity,
            code: self.code.clone().into(),
            message: self.message.clone(),
            mend: self.mend.clone(),
            file: Some(self.file.clone()),
            line: Some(self.line),
            column: Some(self.column),
            excerpt: self.excerpt.clone(),
            clause: self.clause.clone().map(Into::into),
        };
        write!(f, "{shown}\n   = why: {}", self.why)?;
        if self.fixable {
            f.write_str("\n   = fix: `--fix` mends this")?;
        }
        match (&self.leniency, self.severity) {
            (Some(l), Severity::Error) => write!(f, "\n   = strict: refused; onboarding accepts it as `{}`", l.name),
            (Some(l), _) => write!(f, "\n   = lenient: accepted as `{}`: {}; --strict refuses it", l.name, l.reading),
            (None, _) => Ok(()),
        }
    }
}

impl Report {
    /// One line: what came of it and how many findings of each severity there are.
    #[must_use]
    pub fn summary(&self) -> String {
        let verdict = match self.verdict {
            Verdict::Accepted => "accepted",
            Verdict::Refused => "refused",
        };
        let mode = match self.mode {
            Mode::Lenient => "lenient",
            Mode::Strict => "strict",
        };
        let mut out = format!("{}: {verdict} ({mode})", self.package);
        for (severity, word) in [(Severity::Error, "error"), (Severity::Warning, "warning"), (Severity::Note, "note")] {
            let n = self.count(severity);
            if n > 0 {
                let _ = write!(out, ", {n} {word}{}", if n == 1 { "" } else { "s" });
            }
        }
        out
    }

    /// The report for people: every finding with quoted source, then one line that sums it up.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut out = String::new();
        for finding in &self.findings {
            let _ = writeln!(out, "{finding}\n");
        }
        for signer in &self.signers {
            let trust = if signer.trusted { "trusted" } else { "not vouched for" };
            let _ = writeln!(out, "signed: {} by {} ({trust})", signer.covers, signer.subject);
        }
        out + &self.summary() + "\n"
    }

    /// The report for programs.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut value = serde_json::to_value(self).unwrap_or(Value::Null);
        if let Some(object) = value.as_object_mut() {
            object.insert("exitCode".to_owned(), json!(self.exit_code()));
            let counts = json!({
                "errors": self.count(Severity::Error),
                "warnings": self.count(Severity::Warning),
                "notes": self.count(Severity::Note),
            });
            object.insert("summary".to_owned(), counts);
        }
        value
    }
}
