//! `mano vnfpkg lint` and `mano nsd lint`: the package doctor, offline, with the words of onboarding (SOL001, SOL004, SOL007).

use descriptors::archive::{Limits, PackageKind};
use descriptors::lint::{self, LintOptions, Mode, Report, Verdict};
use descriptors::signature::{Trust, Unsigned};

use crate::cli::{Form, Lint, UnsignedPolicy};
use crate::clock;
use crate::fail::Failure;
use crate::output::{self, Format};

/// Looks at one package and prints the report.
pub fn run(args: &Lint, kind: PackageKind, output: Format) -> Result<(), Failure> {
    if !args.path.exists() {
        return Err(Failure::usage(format!("there is no {}", args.path.display())));
    }
    let options = LintOptions {
        mode: if args.strict { Mode::Strict } else { Mode::Lenient },
        limits: Limits::default(),
        trust: trust(args)?,
        extra: super::build::added(&args.add)?,
        kind: Some(kind),
    };
    if args.fix {
        match lint::fix(&args.path, &options.limits) {
            Ok(fixed) => {
                fixed.changes.iter().for_each(|c| output::note(&format!("fixed: {c}")));
                fixed.left.iter().for_each(|l| output::note(&format!("left alone: {l}")));
            }
            // The report tells what is wrong with such a package.
            Err(lint::FixError::Refused(_)) => output::note("left alone: the package cannot be opened safely"),
            Err(error) => output::note(&format!("left alone: {error}")),
        }
    }
    let report = lint::lint(&args.path, &options);
    // A report for programs stands alone; the plan is then what is printed.
    if !args.plan || matches!(form(args, output), Form::Text) {
        print(&report, form(args, output))?;
    }
    if args.plan {
        super::plan::run(args, kind, output)?;
    }
    match report.verdict {
        Verdict::Accepted => Ok(()),
        Verdict::Refused => Err(Failure::Reported),
    }
}

fn trust(args: &Lint) -> Result<Trust, Failure> {
    let unsigned = match args.unsigned {
        UnsignedPolicy::Accept => Unsigned::Accept,
        UnsignedPolicy::Warn => Unsigned::Warn,
        UnsignedPolicy::Refuse => Unsigned::Refuse,
    };
    let mut trust = Trust::new(args.at.unwrap_or_else(clock::now), unsigned);
    for path in &args.trust_anchors {
        let shown = path.display().to_string();
        let bytes = std::fs::read(path).map_err(|e| Failure::usage(format!("{shown}: {e}")))?;
        trust.add_anchors(&shown, &bytes).map_err(|e| Failure::usage(e.to_string()))?;
    }
    Ok(trust)
}

fn form(args: &Lint, output: Format) -> Form {
    args.format.unwrap_or(match output {
        Format::Table | Format::Text => Form::Text,
        Format::Json => Form::Json,
        Format::Yaml => Form::Yaml,
        Format::Sarif => Form::Sarif,
        Format::Junit => Form::Junit,
    })
}

fn print(report: &Report, form: Form) -> Result<(), Failure> {
    match form {
        Form::Text => output::line(report.to_text().trim_end()),
        Form::Json => output::document(Format::Json, &report.to_json()),
        Form::Yaml => output::document(Format::Yaml, &report.to_json()),
        Form::Sarif => output::document(Format::Json, &report.to_sarif()),
        Form::Junit => output::line(report.to_junit().trim_end()),
    }
}
