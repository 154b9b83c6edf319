//! What the VNFM supports, as a table: every route that its OpenAPI document has, and every feature, each with the tests
//! that show it.
//!
//! Rows are kept in `tests/support/*.txt`, as those of the descriptors are: a title, `columns: A | B`, lines of introduction
//! behind `>`, then one row a line. A test is named `FILE::FUNCTION`; `-` says that there is none of that kind.
//! `UPDATE_GOLDEN=1` writes `vnfm/SUPPORT.md` anew.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// One file of rows.
struct Subject {
    title: String,
    intro: String,
    columns: Vec<String>,
    rows: Vec<(String, Vec<String>)>,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn subject(text: &str) -> Subject {
    let mut subject = Subject { title: String::new(), intro: String::new(), columns: Vec::new(), rows: Vec::new() };
    let cells = |line: &str| line.split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if let Some(title) = line.strip_prefix("# ") {
            subject.title = title.to_owned();
        } else if let Some(columns) = line.strip_prefix("columns:") {
            subject.columns = cells(columns);
        } else if let Some(intro) = line.strip_prefix('>') {
            writeln!(subject.intro, "{}", intro.trim()).unwrap();
        } else {
            let mut all = cells(line);
            subject.rows.push((all.remove(0), all));
        }
    }
    subject
}

fn subjects() -> Vec<Subject> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support");
    let mut paths: Vec<PathBuf> = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| subject(&std::fs::read_to_string(path).unwrap())).collect()
}

/// Sources of tests: stem of the file, and its text.
fn sources() -> Vec<(String, String)> {
    let packages = ["tests", "vnfm", "nfvo", "vim-adapter", "nfvi-agent", "crates/service", "crates/lcm"];
    let files = packages.iter().flat_map(|package| std::fs::read_dir(root().join(package).join("tests")).unwrap());
    let rust = files.map(|entry| entry.unwrap().path()).filter(|path| path.extension().is_some_and(|e| e == "rs"));
    rust.map(|path| {
        let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
        (stem, std::fs::read_to_string(&path).unwrap())
    })
    .collect()
}

/// Whether there is such a test, by itself or as one that a macro makes.
fn exists(sources: &[(String, String)], test: &str) -> bool {
    let Some((file, name)) = test.split_once("::") else { return false };
    let made = [format!("fn {name}("), format!("    {name}: "), format!("macro_rules! {name}")];
    sources.iter().any(|(stem, text)| stem == file && made.iter().any(|made| text.contains(made)))
}

fn routes() -> BTreeSet<String> {
    let text = std::fs::read_to_string(root().join("vnfm/openapi.json")).unwrap();
    let document: Value = serde_json::from_str(&text).unwrap();
    let methods = ["get", "post", "put", "patch", "delete"];
    let mut found = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        let served = methods.iter().filter(|method| item.get(**method).is_some());
        found.extend(served.map(|method| format!("{} {path}", method.to_uppercase())));
    }
    found
}

#[test]
fn every_route_of_the_vnfm_has_a_row_and_every_row_names_tests_that_exist() {
    let (sources, subjects) = (sources(), subjects());
    let mut wrong = Vec::new();
    for subject in &subjects {
        let mut seen = BTreeSet::new();
        for (what, cells) in &subject.rows {
            if !seen.insert(what) {
                wrong.push(format!("{what}: it stands there twice"));
            }
            if cells.len() != subject.columns.len() || cells.iter().all(|cell| cell == "-") {
                wrong.push(format!("{what}: it needs a test for one of {}", subject.columns.join(", ")));
            }
            for test in cells.iter().filter(|cell| *cell != "-").flat_map(|cell| cell.split(',')).map(str::trim) {
                if !exists(&sources, test) {
                    wrong.push(format!("{what}: there is no test {test:?}"));
                }
            }
        }
    }
    let rows: BTreeSet<String> = subjects[0].rows.iter().map(|(what, _)| what.clone()).collect();
    let routes = routes();
    wrong.extend(routes.difference(&rows).map(|route| format!("{route}: the router has it, and no row")));
    wrong.extend(rows.difference(&routes).map(|route| format!("{route}: the router does not have it")));
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn the_table_of_the_vnfm_is_up_to_date() {
    let mut text = String::from(
        "# What the VNFM supports\n\nMade by `tests/tests/support.rs`: a row for every route of the OpenAPI document, \
         each with the tests that show it.\nThe test fails when a route has no row, or a row names a test that does not \
         exist.\n",
    );
    for subject in subjects() {
        let columns = subject.columns.join(" | ");
        let line = "|---".repeat(subject.columns.len() + 1);
        write!(text, "\n## {}\n\n{}\n| | {columns} |\n{line}|\n", subject.title, subject.intro).unwrap();
        for (what, cells) in subject.rows {
            let shown = |cell: &String| match cell.as_str() {
                "-" => "—".to_owned(),
                tests => tests.split(',').map(|test| format!("`{}`", test.trim())).collect::<Vec<_>>().join(", "),
            };
            let cells: Vec<String> = cells.iter().map(shown).collect();
            writeln!(text, "| {what} | {} |", cells.join(" | ")).unwrap();
        }
    }
    let path = root().join("vnfm/SUPPORT.md");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(there == text, "{} is not up to date: run this test with UPDATE_GOLDEN=1", path.display());
}
