//! The table over all packages of others holds no wrong verdict. `cargo run -p descriptors --example sample_verdicts` prints
//! it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "common/corpus.rs"]
mod corpus;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use descriptors::diag::Severity;
use descriptors::lint::Verdict;

#[test]
fn no_verdict_is_wrong() {
    let Some(shared) = std::env::var_os("MANO_SHARED") else {
        println!("SKIPPED: MANO_SHARED is not set, so the packages of others are not read");
        return;
    };
    let lines = corpus::lines(shared.as_ref());
    let mut wrong = Vec::new();
    for line in &lines {
        let has = |code: &str| line.lenient.findings.iter().any(|f| f.code == code && f.severity == Severity::Error);
        let right = match line.refused_for {
            None => line.lenient.verdict == Verdict::Accepted,
            Some(code) => line.lenient.verdict == Verdict::Refused && has(code),
        };
        if !right {
            wrong.push(format!("{}: expected {:?}\n{}", line.package, line.refused_for, line.lenient.to_text()));
        }
        // Strict refuses whatever lenient does, and whatever lenient accepts by a named leniency.
        let bends = line.lenient.findings.iter().any(|f| f.leniency.is_some());
        let strict =
            if bends || line.lenient.verdict == Verdict::Refused { Verdict::Refused } else { Verdict::Accepted };
        if line.strict.verdict != strict || line.strict.findings.len() != line.lenient.findings.len() {
            wrong.push(format!("{}: strict and lenient do not find the same", line.package));
        }
        let unnamed = line.lenient.findings.iter().find(|f| f.severity == Severity::Warning && f.leniency.is_none());
        if let Some(unnamed) = unnamed {
            wrong.push(format!("{}: accepted without naming the leniency: {unnamed}", line.package));
        }
    }
    assert!(wrong.is_empty(), "{} of {} wrong\n{}", wrong.len(), lines.len(), wrong.join("\n"));
}

/// Every directory that could be a package, and every archive, has a line.
#[test]
fn no_package_is_left_out() {
    let Some(shared) = std::env::var_os("MANO_SHARED") else {
        println!("SKIPPED: MANO_SHARED is not set, so the packages of others are not read");
        return;
    };
    let root = Path::new(&shared).join("samples");
    let mut known: BTreeSet<PathBuf> =
        corpus::ONAP.iter().map(|(n, ..)| root.join("onap-vnfsdk-validation/pnf").join(n)).collect();
    for (name, under, _) in corpus::UNIT.iter().chain(corpus::BROKEN).chain(corpus::GUIDES) {
        known.insert(root.join("tacker").join(name));
        // Parts that others are laid over.
        known.extend(under.iter().map(|u| root.join("tacker").join(u)));
    }
    let mut missing = Vec::new();
    let mut open = vec![root];
    while let Some(dir) = open.pop() {
        for entry in std::fs::read_dir(&dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                let package = path.join("TOSCA-Metadata/TOSCA.meta").exists();
                if package && !known.contains(&path) {
                    missing.push(path.clone());
                }
                open.push(path);
            } else if path.extension().is_some_and(|e| e == "csar" || e == "zip") && !known.contains(&path) {
                missing.push(path);
            }
        }
    }
    assert!(missing.is_empty(), "no line for {missing:#?}");
}
