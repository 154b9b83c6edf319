//! The package doctor: everything an onboarding would find in a package, read from an archive or a directory, with the
//! clause, the reason and the smallest mend of each finding (SOL001, SOL004, SOL007).
//!
//! Two ways to judge: [`Mode::Lenient`] is what an onboarding does and accepts departures whose meaning is clear, each under
//! the name of its leniency; [`Mode::Strict`] refuses whatever the standard forbids.

mod fix;
mod junit;
mod render;
mod sarif;
mod words;

use std::path::{Path, PathBuf};

use serde::Serialize;

pub use fix::{FixError, Fixed, fix};
pub use words::{Leniency, leniency, why};

use crate::archive::{Inspected, Limits, Package, PackageKind};
use crate::check::{self, Checked};
use crate::codes;
use crate::diag::{Diagnostic, Severity};
use crate::signature::{Signer, Trust};

/// How strictly a package is judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// As at onboarding: what packages in the field do is accepted where its meaning is clear.
    #[default]
    Lenient,
    /// What the standard demands is demanded.
    Strict,
}

/// What a package is linted with.
#[derive(Clone, Debug)]
pub struct LintOptions {
    /// How strictly.
    pub mode: Mode,
    /// Bounds on what is read.
    pub limits: Limits,
    /// Whose signatures count, and when.
    pub trust: Trust,
    /// Files put into the package when it is made of a directory: path in the package, and where the file is.
    pub extra: Vec<(String, PathBuf)>,
    /// What the package should describe; without it the manifest's metadata decide.
    pub kind: Option<PackageKind>,
}

/// What comes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It can be used.
    Accepted,
    /// It must not be used.
    Refused,
}

/// A finding with all that helps to understand and mend it. File, line and column are always there: a finding about a whole
/// file points at its first line, one about the whole package at the archive or directory itself.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// How bad it is in the mode of the report.
    pub severity: Severity,
    /// The stable code.
    pub code: String,
    /// What the code stands for.
    pub title: &'static str,
    /// What is wrong.
    pub message: String,
    /// Path within the package.
    pub file: String,
    /// Line from 1.
    pub line: u32,
    /// Column from 1.
    pub column: u32,
    /// The source line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub excerpt: Option<String>,
    /// The clause that asks for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clause: Option<String>,
    /// Why it matters.
    pub why: &'static str,
    /// The smallest mend.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mend: Option<String>,
    /// Under which leniency an onboarding accepts it; absent for what is refused in both modes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leniency: Option<Leniency>,
    /// Whether [`fix`] may mend it.
    pub fixable: bool,
}

/// Everything found in one package.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The archive or directory, as named by the caller.
    pub package: String,
    /// How strictly it was judged.
    pub mode: Mode,
    /// What came of it.
    pub verdict: Verdict,
    /// Who signed, where a signature fits.
    pub signers: Vec<Signer>,
    /// All findings, in order of file and line.
    pub findings: Vec<Finding>,
}

impl Report {
    /// How many findings have a severity.
    #[must_use]
    pub fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|f| f.severity == severity).count()
    }

    /// 0 when the package is accepted, warnings or not; 1 when it is refused. Strict mode turns warnings about what the
    /// standard demands into errors, so there they count.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        u8::from(self.verdict == Verdict::Refused)
    }
}

/// Looks at an archive or directory and tells everything that is wrong with it. A directory with placeholders is judged as
/// the package that would be made of it.
#[must_use]
pub fn lint(path: &Path, options: &LintOptions) -> Report {
    let opened = if path.is_dir() {
        let extra: Vec<(&str, &Path)> = options.extra.iter().map(|(p, file)| (p.as_str(), file.as_path())).collect();
        let sources = Package::inspect_sources(path, &extra, &options.limits);
        sources.unwrap_or_else(|| Package::inspect_dirs(&[path], &options.limits))
    } else {
        Package::inspect(path, &options.limits)
    };
    judge(&path.display().to_string(), opened, options)
}

/// As [`lint`], for directories laid over each other, later ones over earlier ones.
#[must_use]
pub fn lint_dirs(name: &str, dirs: &[&Path], options: &LintOptions) -> Report {
    judge(name, Package::inspect_dirs(dirs, &options.limits), options)
}

fn judge(name: &str, opened: Inspected, options: &LintOptions) -> Report {
    let told = opened.package.as_ref().and_then(|p| p.manifest()).and_then(|m| m.kind());
    // A PNFD archive may be given wherever a VNF package or an NSD archive is expected; its manifest says what it is.
    let kind = match (options.kind, told) {
        (_, Some(PackageKind::Pnf)) => PackageKind::Pnf,
        (Some(wanted), _) => wanted,
        (None, told) => told.unwrap_or(PackageKind::Vnf),
    };
    let trust = Some(&options.trust);
    let checked = match kind {
        PackageKind::Vnf => check::vnf(opened, trust).forget(),
        PackageKind::Ns => check::ns(opened, trust).forget(),
        PackageKind::Pnf => check::pnf(opened, trust),
    };
    report(name, checked, options.mode)
}

fn report(name: &str, checked: Checked<()>, mode: Mode) -> Report {
    let mut findings: Vec<Finding> = checked.found.iter().map(|d| finding(d, name, mode)).collect();
    findings
        .sort_by(|a, b| (a.file != name, &a.file, a.line, a.column).cmp(&(b.file != name, &b.file, b.line, b.column)));
    let refused = findings.iter().any(|f| f.severity == Severity::Error);
    Report {
        package: name.to_owned(),
        mode,
        verdict: if refused { Verdict::Refused } else { Verdict::Accepted },
        signers: checked.signers,
        findings,
    }
}

fn finding(d: &Diagnostic, name: &str, mode: Mode) -> Finding {
    let lenient = (d.severity == Severity::Warning).then(|| leniency(&d.code)).flatten();
    let severity = match (mode, &lenient) {
        (Mode::Strict, Some(_)) => Severity::Error,
        _ => d.severity,
    };
    Finding {
        severity,
        code: d.code.to_string(),
        title: codes::ALL.iter().find(|c| c.id == d.code).map_or("", |c| c.title),
        message: d.message.clone(),
        file: d.file.clone().unwrap_or_else(|| name.to_owned()),
        line: d.line.unwrap_or(1),
        column: d.column.unwrap_or(1),
        excerpt: d.excerpt.clone(),
        clause: d.clause.as_ref().map(ToString::to_string),
        why: why(&d.code),
        mend: d.mend.clone(),
        leniency: lenient,
        fixable: fix::is_mechanical(d),
    }
}
