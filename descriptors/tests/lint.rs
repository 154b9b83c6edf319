//! The package doctor: all faults in one run, in every output form, strict and lenient, and mended where that needs no
//! decision.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::collections::BTreeSet;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};

use common::{packed_file, zip_of};
use descriptors::archive::Limits;
use descriptors::diag::Severity;
use descriptors::lint::{FixError, LintOptions, Mode, Report, Verdict, fix, lint};
use descriptors::signature::{Trust, Unsigned};
use quick_xml::events::Event;

fn options(mode: Mode) -> LintOptions {
    let trust = Trust::new(1_717_200_000, Unsigned::Accept);
    LintOptions { mode, limits: Limits::default(), trust, extra: Vec::new(), kind: None }
}

/// A sample package, taken apart into a directory.
struct Taken {
    dir: tempfile::TempDir,
}

impl Taken {
    fn sample(name: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        zip::ZipArchive::new(Cursor::new(packed_file(name))).unwrap().extract(dir.path()).unwrap();
        Self { dir }
    }

    fn path(&self, file: &str) -> PathBuf {
        self.dir.path().join(file)
    }

    fn text(&self, file: &str) -> String {
        std::fs::read_to_string(self.path(file)).unwrap()
    }

    fn edit(&self, file: &str, from: &str, to: &str) {
        let text = self.text(file);
        assert!(text.contains(from), "{file} has no {from}");
        std::fs::write(self.path(file), text.replacen(from, to, 1)).unwrap();
    }

    fn lint(&self, mode: Mode) -> Report {
        lint(self.dir.path(), &options(mode))
    }

    /// The directory as an archive.
    fn archive(&self, out: &Path) {
        let mut zip = zip::ZipWriter::new(std::fs::File::create(out).unwrap());
        let mut open = vec![self.dir.path().to_path_buf()];
        while let Some(dir) = open.pop() {
            for entry in std::fs::read_dir(dir).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    open.push(path);
                    continue;
                }
                let name = path.strip_prefix(self.dir.path()).unwrap().to_str().unwrap().to_owned();
                zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
                zip.write_all(&std::fs::read(&path).unwrap()).unwrap();
            }
        }
        zip.finish().unwrap();
    }
}

const META: &str = "TOSCA-Metadata/TOSCA.meta";
const VNFD: &str = "Definitions/web.yaml";

/// Twelve faults in the sample `web`, with code, file and line of each.
fn ten_and_two() -> (Taken, Vec<(&'static str, &'static str, u32)>) {
    let taken = Taken::sample("web");
    taken.edit(META, "Created-By: mano\n", "");
    taken.edit(META, "ETSI-Entry-Licenses", "Entry-Licences");
    taken.edit(META, "CSAR-Version: 1.1\n", "CSAR-Version: 1.1\nETSI-Entry-Tests: Tests\n");
    taken.edit("web.mf", "2024-06-01T00:00:00Z", "June 2024");
    let line = |file: &str, what: &str| {
        let n = taken.text(file).lines().position(|l| l.contains(what)).unwrap_or_else(|| panic!("{what}"));
        u32::try_from(n + 1).unwrap()
    };
    let change_log = line("web.mf", "Source: ChangeLog.txt");
    let text = taken.text("web.mf");
    let without: Vec<&str> =
        text.lines().enumerate().filter(|(n, _)| *n as u32 != change_log).map(|(_, l)| l).collect();
    std::fs::write(taken.path("web.mf"), without.join("\n") + "\n").unwrap();
    let gone =
        format!("Source: Files/gone.sh\nAlgorithm: SHA-256\nHash: {}\n\nSource: Definitions/web.yaml", "0".repeat(64));
    taken.edit("web.mf", "Source: Definitions/web.yaml", &gone);
    std::fs::create_dir(taken.path("Files")).unwrap();
    std::fs::write(taken.path("Files/new.txt"), "new").unwrap();
    taken.edit(VNFD, "scale: { scaling_by_more", "scael: { scaling_by_more");
    taken.edit(VNFD, "num_virtual_cpu: 1", "num_virtual_cpu: lots");
    taken.edit(VNFD, "    data:\n      type: tosca.nodes.nfv.VduCp", "    data:\n      type: tosca.nodes.nfv.VduPc");
    taken.edit(VNFD, "targets: [ web ]", "targets: [ wbe ]");
    let faults = vec![
        ("ARCHIVE-0022", META, 1),
        ("ARCHIVE-0024", META, line(META, "Entry-Licences")),
        ("ARCHIVE-0023", META, line(META, "ETSI-Entry-Tests")),
        ("ARCHIVE-0044", "web.mf", line("web.mf", "June 2024")),
        ("ARCHIVE-0035", "web.mf", change_log + 1),
        ("ARCHIVE-0033", "web.mf", line("web.mf", "Files/gone.sh")),
        ("ARCHIVE-0034", "web.mf", line("web.mf", "Source: Definitions/web.yaml")),
        ("ARCHIVE-0037", "web.mf", u32::try_from(taken.text("web.mf").lines().count()).unwrap()),
        ("TOSCA-0031", VNFD, line(VNFD, "scael")),
        ("TOSCA-0032", VNFD, line(VNFD, "lots")),
        ("TOSCA-0020", VNFD, line(VNFD, "VduPc")),
        ("TOSCA-0050", VNFD, line(VNFD, "wbe")),
    ];
    (taken, faults)
}

/// Codes with file and line, as one report has them.
fn places(report: &Report) -> BTreeSet<(String, String, u32)> {
    report.findings.iter().map(|f| (f.code.clone(), f.file.clone(), f.line)).collect()
}

fn assert_all(found: &BTreeSet<(String, String, u32)>, faults: &[(&str, &str, u32)], what: &str) {
    for (code, file, line) in faults {
        assert!(
            found.contains(&((*code).to_owned(), (*file).to_owned(), *line)),
            "{what}: {code} {file}:{line} in {found:#?}"
        );
    }
}

#[test]
fn a_good_package_has_no_findings_in_either_mode() {
    for name in ["web", "edge", "demo-ns"] {
        let taken = Taken::sample(name);
        for mode in [Mode::Lenient, Mode::Strict] {
            let report = taken.lint(mode);
            assert!(report.findings.is_empty(), "{name}: {}", report.to_text());
            assert_eq!((report.verdict, report.exit_code()), (Verdict::Accepted, 0));
        }
        let archive = taken.dir.path().join("../").join(format!("{name}-{}.csar", std::process::id()));
        taken.archive(&archive);
        let report = lint(&archive, &options(Mode::Strict));
        std::fs::remove_file(&archive).unwrap();
        assert!(report.findings.is_empty(), "{name}: {}", report.to_text());
        assert!(report.to_junit().contains("tests=\"1\" failures=\"0\""));
    }
}

#[test]
fn all_faults_are_told_in_one_run_in_every_form() {
    let (taken, faults) = ten_and_two();
    let out = tempfile::tempdir().unwrap();
    let archive = out.path().join("web.csar");
    taken.archive(&archive);
    for path in [taken.dir.path(), archive.as_path()] {
        let report = lint(path, &options(Mode::Lenient));
        assert_eq!((report.verdict, report.exit_code()), (Verdict::Refused, 1));
        assert_all(&places(&report), &faults, "report");

        let text = report.to_text();
        for (code, file, line) in &faults {
            assert!(
                text.contains(&format!("[{code}]")) && text.contains(&format!("--> {file}:{line}:")),
                "{code}: {text}"
            );
        }
        assert!(
            text.contains("= why: ") && text.contains("= mend: ") && text.contains("= see: SOL004 clause"),
            "{text}"
        );
        assert!(text.contains(" | "), "sources are quoted");
        assert!(text.trim_end().lines().last().unwrap().contains("refused (lenient)"), "{text}");

        let json: serde_json::Value = serde_json::from_str(&report.to_json().to_string()).unwrap();
        let found = json["findings"].as_array().unwrap().iter();
        let found = found.map(|f| (text_of(&f["code"]), text_of(&f["file"]), line_of(&f["line"]))).collect();
        assert_all(&found, &faults, "json");
        assert_eq!((json["verdict"].as_str(), json["exitCode"].as_u64()), (Some("refused"), Some(1)));

        let sarif: serde_json::Value = serde_json::from_str(&report.to_sarif().to_string()).unwrap();
        assert_all(&sarif_places(&sarif), &faults, "sarif");

        assert_all(&junit_places(&report.to_junit(), &report), &faults, "junit");
    }
}

fn text_of(value: &serde_json::Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn line_of(value: &serde_json::Value) -> u32 {
    u32::try_from(value.as_u64().unwrap()).unwrap()
}

/// Reads a SARIF log, asserting what SARIF 2.1.0 demands of what is used.
fn sarif_places(log: &serde_json::Value) -> BTreeSet<(String, String, u32)> {
    assert_eq!(log["version"], "2.1.0");
    assert!(log["$schema"].as_str().unwrap().contains("sarif-schema-2.1.0"));
    let run = &log["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    assert_eq!(run["tool"]["driver"]["name"], "mano");
    let results = run["results"].as_array().unwrap();
    let mut found = BTreeSet::new();
    for result in results {
        let rule = &rules[usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap()];
        assert_eq!(rule["id"], result["ruleId"], "the index names the rule");
        assert!(!rule["shortDescription"]["text"].as_str().unwrap().is_empty());
        assert!(["error", "warning", "note"].contains(&result["level"].as_str().unwrap()));
        assert!(!result["message"]["text"].as_str().unwrap().is_empty());
        let place = &result["locations"][0]["physicalLocation"];
        assert!(place["region"]["startColumn"].as_u64().unwrap() > 0);
        let uri = text_of(&place["artifactLocation"]["uri"]);
        found.insert((text_of(&result["ruleId"]), uri, line_of(&place["region"]["startLine"])));
    }
    found
}

/// Reads JUnit XML, asserting that it is well-formed and that its counts are right.
fn junit_places(xml: &str, report: &Report) -> BTreeSet<(String, String, u32)> {
    let mut reader = quick_xml::Reader::from_str(xml);
    reader.config_mut().check_end_names = true;
    let mut found = BTreeSet::new();
    let (mut failures, mut cases, mut counted) = (0, 0, String::new());
    loop {
        match reader.read_event().unwrap() {
            Event::Start(tag) | Event::Empty(tag) => {
                let attribute = |name: &str| {
                    let value = tag.try_get_attribute(name).unwrap().unwrap();
                    quick_xml::escape::unescape(&value.value).unwrap().into_owned()
                };
                match tag.name().as_ref() {
                    "testsuite" => counted = format!("{} {}", attribute("tests"), attribute("failures")),
                    "testcase" => {
                        cases += 1;
                        let code = attribute("name").split(' ').next().unwrap().to_owned();
                        found.insert((code, attribute("file"), attribute("line").parse().unwrap()));
                    }
                    "failure" => failures += 1,
                    _ => {}
                }
            }
            Event::Eof => break,
            _ => {}
        }
    }
    assert_eq!(counted, format!("{cases} {failures}"));
    assert_eq!((cases, failures), (report.findings.len(), report.count(Severity::Error)));
    found
}

#[test]
fn fix_mends_what_is_mechanical_and_leaves_the_rest() {
    let rest: BTreeSet<&str> =
        ["ARCHIVE-0023", "ARCHIVE-0044", "ARCHIVE-0033", "TOSCA-0031", "TOSCA-0032", "TOSCA-0020", "TOSCA-0050"].into();
    let mechanical = ["ARCHIVE-0022", "ARCHIVE-0024", "ARCHIVE-0035", "ARCHIVE-0034", "ARCHIVE-0037"];
    for packed in [false, true] {
        let (taken, faults) = ten_and_two();
        let out = tempfile::tempdir().unwrap();
        let archive = out.path().join("web.csar");
        taken.archive(&archive);
        let path = if packed { archive.as_path() } else { taken.dir.path() };
        let before = lint(path, &options(Mode::Lenient));
        let fixable: BTreeSet<&str> = before.findings.iter().filter(|f| f.fixable).map(|f| f.code.as_str()).collect();
        assert_eq!(fixable, mechanical.into());
        let fixed = fix(path, &Limits::default()).unwrap();
        // The fifth is the digest of TOSCA.meta, which the first two changed.
        assert_eq!(fixed.changes.len(), 6, "{:#?}", fixed.changes);
        assert!(fixed.left.is_empty());
        let after = lint(path, &options(Mode::Lenient));
        let codes: BTreeSet<&str> = after.findings.iter().map(|f| f.code.as_str()).collect();
        for (code, ..) in &faults {
            assert_eq!(codes.contains(code), rest.contains(code), "{code}: {}", after.to_text());
        }
        assert!(!after.findings.iter().any(|f| f.fixable), "{}", after.to_text());
        assert_eq!(fix(path, &Limits::default()).unwrap().changes, Vec::<String>::new(), "a second run finds nothing");
        // Nothing but the two files was touched, and no unfinished file stays behind.
        let names: Vec<_> = std::fs::read_dir(out.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(names, ["web.csar"]);
    }
}

#[test]
fn fix_mends_a_package_wholly_where_all_faults_are_mechanical() {
    let taken = Taken::sample("edge");
    taken.edit(META, "Created-By: mano\n", "");
    taken.edit(META, "ETSI-Entry-Manifest: edge.mf\n", "");
    let text = taken.text("edge.mf").replace('\n', "\r\n");
    let metadata_only = text.split("\r\nSource:").next().unwrap().to_owned()
        + "\r\n# kept\r\nnon_mano_artifact_sets:\r\n  own:\r\n    Source: ChangeLog.txt\r\n";
    std::fs::write(taken.path("edge.mf"), metadata_only).unwrap();
    let before = taken.lint(Mode::Lenient);
    assert_eq!(before.verdict, Verdict::Accepted, "{}", before.to_text());
    assert_eq!(taken.lint(Mode::Strict).verdict, Verdict::Refused);
    fix(taken.dir.path(), &Limits::default()).unwrap();
    let after = taken.lint(Mode::Strict);
    assert!(after.findings.is_empty(), "{}", after.to_text());
    let mended = taken.text("edge.mf");
    assert!(mended.contains("# kept\r\n") && mended.contains("  own:\r\n"), "what was there stays: {mended}");
    assert!(!mended.replace("\r\n", "").contains('\n'), "line ends stay as they were");
}

#[test]
fn fix_leaves_signed_and_harmful_packages_alone() {
    let taken = Taken::sample("web");
    let signed = taken.text("web.mf") + "-----BEGIN CMS-----\nAAAA\n-----END CMS-----\n";
    std::fs::write(taken.path("web.mf"), signed.replacen("Hash: ", "Hash: 00", 1)).unwrap();
    let before = taken.text("web.mf");
    let fixed = fix(taken.dir.path(), &Limits::default()).unwrap();
    assert!(fixed.changes.is_empty() && fixed.left[0].contains("signed"), "{fixed:?}");
    assert_eq!(taken.text("web.mf"), before);

    let out = tempfile::tempdir().unwrap();
    let outer = out.path().join("outer.zip");
    std::fs::write(&outer, zip_of(&[("a.csar", "x"), ("a.cms", "x")])).unwrap();
    assert!(matches!(fix(&outer, &Limits::default()), Err(FixError::Refused(_))));
    std::fs::write(&outer, zip_of(&[("../a.yaml", "x")])).unwrap();
    assert!(matches!(fix(&outer, &Limits::default()), Err(FixError::Refused(_))));
    std::os::unix::fs::symlink("/etc/passwd", taken.path("link")).unwrap();
    assert!(matches!(fix(taken.dir.path(), &Limits::default()), Err(FixError::Refused(_))));
}

#[test]
fn strict_refuses_what_lenient_names() {
    let taken = Taken::sample("web");
    taken.edit(META, "ETSI-Entry-Change-Log: ChangeLog.txt\n", "");
    std::fs::remove_file(taken.path("ChangeLog.txt")).unwrap();
    let text = taken.text("web.mf");
    let blocks: Vec<&str> = text.split("\n\n").filter(|b| !b.contains("ChangeLog.txt")).collect();
    std::fs::write(taken.path("web.mf"), blocks.join("\n\n")).unwrap();
    fix(taken.dir.path(), &Limits::default()).unwrap();
    let lenient = taken.lint(Mode::Lenient);
    let named: Vec<_> = lenient.findings.iter().map(|f| f.leniency.as_ref().unwrap().name.as_str()).collect();
    assert_eq!((lenient.verdict, named), (Verdict::Accepted, vec!["no-change-history"]), "{}", lenient.to_text());
    assert!(lenient.to_text().contains("= lenient: accepted as `no-change-history`"));
    let strict = taken.lint(Mode::Strict);
    assert_eq!((strict.verdict, strict.exit_code()), (Verdict::Refused, 1));
    assert_eq!(strict.findings[0].severity, Severity::Error);
    assert!(strict.to_text().contains("onboarding accepts it as `no-change-history`"), "{}", strict.to_text());
}

#[test]
fn policy_on_unsigned_packages_holds_in_both_modes() {
    let taken = Taken::sample("web");
    for (unsigned, lenient, strict) in [(Unsigned::Accept, 0, 0), (Unsigned::Warn, 0, 0), (Unsigned::Refuse, 1, 1)] {
        for (mode, code) in [(Mode::Lenient, lenient), (Mode::Strict, strict)] {
            let mut options = options(mode);
            options.trust.unsigned = unsigned;
            assert_eq!(lint(taken.dir.path(), &options).exit_code(), code, "{unsigned:?} {mode:?}");
        }
    }
}

#[test]
fn what_is_no_package_at_all_is_told_with_its_own_name() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.csar");
    for (write, code) in [(None, "ARCHIVE-0001"), (Some("nonsense"), "ARCHIVE-0001")] {
        if let Some(text) = write {
            std::fs::write(&path, text).unwrap();
        }
        let report = lint(&path, &options(Mode::Lenient));
        assert_eq!(report.exit_code(), 1);
        let f = &report.findings[0];
        assert_eq!((f.code.as_str(), f.place()), (code, format!("{}:1:1", path.display())));
        assert_eq!(sarif_places(&report.to_sarif()).len(), 1);
    }
}

#[test]
fn names_and_messages_from_hostile_packages_do_not_break_the_forms() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("<x> & \"y\" ü.csar");
    let meta = "Entry-Definitions: <a>&\u{1}.yaml\nETSI-Entry-Manifest: ]]>\u{7f}\u{fffe}.mf\n\u{b}bad]]>\n";
    std::fs::write(&path, zip_of(&[(META, meta), ("..\\<&>", "x"), ("b c%d.yaml", "a: \u{85}")])).unwrap();
    let report = lint(&path, &options(Mode::Strict));
    assert!(!report.findings.is_empty());
    junit_places(&report.to_junit(), &report);
    let uris = sarif_places(&report.to_sarif());
    assert!(uris.iter().all(|(_, uri, _)| uri.is_ascii() && !uri.contains([' ', '<', '&'])), "{uris:?}");
}
