//! A report as SARIF 2.1.0, the form that code hosting sites and editors read.

use serde_json::{Value, json};

use super::{Report, why};
use crate::codes;
use crate::diag::Severity;

/// A path as a relative URI reference (RFC 3986): everything but unreserved characters and slashes is encoded.
fn uri(path: &str) -> String {
    let mut out = String::new();
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

impl Report {
    /// The report as a SARIF 2.1.0 log with one run. Paths are relative to the package.
    #[must_use]
    pub fn to_sarif(&self) -> Value {
        let mut used: Vec<&str> = self.findings.iter().map(|f| f.code.as_str()).collect();
        used.sort_unstable();
        used.dedup();
        let rules: Vec<Value> = used
            .iter()
            .map(|id| {
                let (title, clause) = codes::ALL.iter().find(|c| c.id == *id).map_or(("", ""), |c| (c.title, c.clause));
                json!({
                    "id": id,
                    "shortDescription": { "text": title },
                    "fullDescription": { "text": why(id) },
                    "help": { "text": if clause.is_empty() { why(id) } else { clause } },
                })
            })
            .collect();
        let results: Vec<Value> = self
            .findings
            .iter()
            .map(|f| {
                let mut region = json!({ "startLine": f.line, "startColumn": f.column });
                if let (Some(excerpt), Some(region)) = (&f.excerpt, region.as_object_mut()) {
                    region.insert("snippet".to_owned(), json!({ "text": excerpt }));
                }
                let level = match f.severity {
                    Severity::Error => "error",
                    Severity::Warning => "warning",
                    Severity::Note => "note",
                };
                let text = match &f.mend {
                    Some(mend) => format!("{}\nmend: {mend}", f.message),
                    None => f.message.clone(),
                };
                json!({
                    "ruleId": f.code,
                    "ruleIndex": used.binary_search(&f.code.as_str()).unwrap_or(0),
                    "level": level,
                    "message": { "text": text },
                    "locations": [{
                        "physicalLocation": { "artifactLocation": { "uri": uri(&f.file) }, "region": region },
                    }],
                    "properties": {
                        "clause": f.clause,
                        "why": f.why,
                        "mend": f.mend,
                        "leniency": f.leniency.as_ref().map(|l| &l.name),
                        "fixable": f.fixable,
                    },
                })
            })
            .collect();
        json!({
            "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json",
            "version": "2.1.0",
            "runs": [{
                "tool": { "driver": { "name": "mano", "semanticVersion": env!("CARGO_PKG_VERSION"), "rules": rules } },
                "columnKind": "unicodeCodePoints",
                "invocations": [{ "executionSuccessful": true, "exitCode": self.exit_code() }],
                "results": results,
                "properties": { "package": self.package, "verdict": self.verdict, "mode": self.mode },
            }],
        })
    }
}
