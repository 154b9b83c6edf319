//! A report as JUnit XML, the form that build servers read: one test case for each finding, failed where it is an error.

use std::fmt::Write as _;

use super::Report;
use crate::diag::Severity;

/// Text for XML 1.0: markup is escaped, and characters that XML does not know are replaced.
fn escape(text: &str) -> String {
    let known = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
    let clean: String = text.chars().map(|c| if known(c) { c } else { '\u{fffd}' }).collect();
    quick_xml::escape::escape(clean.as_str()).replace('\n', "&#10;")
}

impl Report {
    /// The report as JUnit XML. A package without findings is one passed test case.
    #[must_use]
    pub fn to_junit(&self) -> String {
        let name = escape(&self.package);
        let errors = self.count(Severity::Error);
        let tests = self.findings.len().max(1);
        let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        let counts = format!("tests=\"{tests}\" failures=\"{errors}\" errors=\"0\" skipped=\"0\"");
        let _ = writeln!(out, "<testsuites {counts}>\n  <testsuite name=\"{name}\" {counts}>");
        if self.findings.is_empty() {
            let _ = writeln!(out, "    <testcase classname=\"{name}\" name=\"no findings\"/>");
        }
        for f in &self.findings {
            let title = escape(&format!("{} {}", f.code, f.place()));
            let (file, text) = (escape(&f.file), escape(&f.to_string()));
            let _ =
                write!(out, "    <testcase classname=\"{name}\" name=\"{title}\" file=\"{file}\" line=\"{}\">", f.line);
            let _ = if f.severity == Severity::Error {
                writeln!(
                    out,
                    "\n      <failure type=\"{}\" message=\"{}\">{text}</failure>\n    </testcase>",
                    escape(&f.code),
                    escape(&f.message)
                )
            } else {
                writeln!(out, "\n      <system-out>{text}</system-out>\n    </testcase>")
            };
        }
        out + "  </testsuite>\n</testsuites>\n"
    }
}
