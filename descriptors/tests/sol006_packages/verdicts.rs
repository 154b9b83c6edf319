//! What the package doctor says of packages with SOL006 descriptors, strict and lenient, in every form of report.

use std::collections::BTreeSet;
use std::path::Path;

use descriptors::archive::Limits;
use descriptors::lint::{LintOptions, Mode, Report, Verdict, fix, lint};
use descriptors::signature::{Trust, Unsigned};

use crate::encodings::xml;
use crate::sources::{IMAGE_PATH, JSON, MANIFEST, SCRIPT, Sources, by_osm, by_sol001, by_sol006, line_of};

fn judged(path: &Path, mode: Mode) -> Report {
    let trust = Trust::new(0, Unsigned::Accept);
    lint(path, &LintOptions { mode, limits: Limits::default(), trust, extra: Vec::new(), kind: None })
}

#[test]
fn packages_by_the_standard_are_accepted_in_both_modes_like_those_of_sol001() {
    for sources in [
        by_sol001("GB", IMAGE_PATH),
        by_sol006("Definitions/web.json", JSON),
        by_sol006("Definitions/web.xml", &xml(JSON)),
    ] {
        let archive = sources.archive("web.csar");
        for mode in [Mode::Lenient, Mode::Strict] {
            let report = judged(&archive, mode);
            assert_eq!((report.verdict, report.findings.len()), (Verdict::Accepted, 0), "{}", report.to_text());
        }
    }
}

#[test]
fn a_package_of_open_source_mano_is_accepted_by_leniencies_with_names_and_refused_in_strict_mode() {
    let sources = by_osm(SCRIPT);
    let lenient = judged(sources.dir(), Mode::Lenient);
    assert_eq!(lenient.verdict, Verdict::Accepted, "{}", lenient.to_text());
    let names: BTreeSet<&str> =
        lenient.findings.iter().map(|f| f.leniency.as_ref().map_or("none", |l| l.name.as_str())).collect();
    let wanted = [
        "no-change-history",
        "no-licences",
        "no-manifest",
        "osm-additions",
        "osm-boot-data",
        "osm-networks",
        "osm-units",
        "osm-yaml",
    ];
    assert_eq!(names, BTreeSet::from(wanted), "{}", lenient.to_text());
    let strict = judged(sources.dir(), Mode::Strict);
    assert_eq!((strict.verdict, strict.exit_code()), (Verdict::Refused, 1));
    assert_eq!(strict.findings.len(), lenient.findings.len());
}

#[test]
fn faults_are_in_every_form_of_report_with_file_and_line() {
    let broken = JSON
        .replace("\"virtual-compute-desc\": \"small\"", "\"virtual-compute-desc\": \"smal\"")
        .replace("\"disk-format\": \"qcow2\"", "\"disk-format\": \"qcow3\"")
        .replace("\"image\": \"Artifacts/Images/vnf.qcow2\"", "\"image\": \"Artifacts/gone.qcow2\"");
    let sources = by_sol006("Definitions/web.json", &broken);
    let report = judged(&sources.archive("web.csar"), Mode::Lenient);
    let faults: Vec<_> = report.findings.iter().map(|f| (f.code.as_str(), f.file.as_str(), Some(f.line))).collect();
    assert_eq!(
        faults,
        [
            ("SOL006-0007", "Definitions/web.json", line_of("\"virtual-compute-desc\": \"small\"")),
            ("SOL006-0005", "Definitions/web.json", line_of("disk-format")),
            ("SOL006-0012", "Definitions/web.json", line_of("\"image\":")),
        ],
        "{}",
        report.to_text()
    );
    let forms = [report.to_text(), report.to_json().to_string(), report.to_sarif().to_string(), report.to_junit()];
    for (code, file, line) in faults {
        for form in &forms {
            assert!(
                form.contains(code) && form.contains(file) && form.contains(&line.unwrap().to_string()),
                "{code}: {form}"
            );
        }
    }
    assert!(report.findings.iter().all(|f| f.excerpt.is_some() && f.clause.is_some() && f.mend.is_some()));
}

#[test]
fn what_the_standard_leaves_open_is_no_fault_in_strict_mode() {
    let vague = JSON.replace("\"int-cpd\": { \"vdu-id\": \"web\", \"cpd\": \"management\" },", "");
    let sources = by_sol006("Definitions/web.json", &vague);
    let report = judged(&sources.archive("web.csar"), Mode::Strict);
    assert_eq!(report.verdict, Verdict::Accepted, "{}", report.to_text());
    assert_eq!(report.findings.iter().map(|f| f.code.as_str()).collect::<Vec<_>>(), ["SOL006-0010"]);
}

#[test]
fn digests_of_the_manifest_are_mended() {
    let sources = Sources::of(
        &[("web.json", &JSON.replace("@SHA256(Artifacts/Images/vnf.qcow2)@", &"0".repeat(64))), ("web.mf", MANIFEST)],
        IMAGE_PATH,
    );
    let fixed = fix(sources.dir(), &Limits::default()).unwrap();
    assert_eq!(fixed.changes.len(), 2, "descriptor and image are listed: {fixed:?}");
    let report = judged(sources.dir(), Mode::Lenient);
    // What the descriptor itself says is its author's to mend.
    let errors: Vec<_> = report.findings.iter().filter(|f| f.leniency.is_none()).map(|f| f.code.as_str()).collect();
    assert_eq!(errors, ["SOL006-0011"], "{}", report.to_text());
}
