//! The table of what is supported, each row with the test that shows it.
//!
//! Rows are kept in `tests/support/*.txt`, one file for each subject. A file begins with `# <title>`, `columns: A | B`, and
//! lines of introduction that begin with `>`; then one row a line: `<what> | <test of A> | <test of B>`. A test is named
//! `<file>::<module>::<function>` as the test runner shows it, several with commas between them; `-` says that the standard
//! has no such thing in that kind of descriptor. `UPDATE_GOLDEN=1` writes `SUPPORT.md` anew.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use descriptors::diag::Sink;
use descriptors::tosca::{TypeKind, Types};
use descriptors::yaml::{Budget, parse};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// All files below a directory with this ending.
fn files(dir: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, ending));
        } else if path.extension().is_some_and(|e| e == ending) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Every test of the crate by its name, with the text of its file.
fn tests() -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for dir in ["tests", "src"] {
        let base = root().join(dir);
        for path in files(&base, "rs") {
            let mut text = std::fs::read_to_string(&path).unwrap();
            // Where the tests of a directory share how they read their data, that belongs to each.
            text.push_str(&std::fs::read_to_string(path.with_file_name("read.rs")).unwrap_or_default());
            let module = path.strip_prefix(&base).unwrap().with_extension("");
            let module = module.to_str().unwrap().replace('/', "::");
            let module = module.trim_end_matches("::main").trim_end_matches("::mod");
            let mut lines = text.lines().map(str::trim);
            while let Some(line) = lines.next() {
                if line != "#[test]" {
                    continue;
                }
                let function = lines.find(|l| l.starts_with("fn ")).unwrap();
                let name = function.trim_start_matches("fn ").split('(').next().unwrap();
                found.insert(format!("{module}::{name}"), text.clone());
            }
        }
    }
    found
}

struct Subject {
    title: String,
    intro: String,
    columns: Vec<String>,
    /// What, then a cell for each column.
    rows: Vec<(String, Vec<String>)>,
}

fn subjects() -> Vec<Subject> {
    let paths = files(&root().join("tests/support"), "txt");
    assert!(!paths.is_empty());
    paths.iter().map(|p| subject(p)).collect()
}

fn subject(path: &Path) -> Subject {
    let text = std::fs::read_to_string(path).unwrap();
    let mut subject = Subject { title: String::new(), intro: String::new(), columns: Vec::new(), rows: Vec::new() };
    for line in text.lines().map(str::trim).filter(|l| !l.is_empty()) {
        if let Some(title) = line.strip_prefix("# ") {
            subject.title = title.to_owned();
        } else if let Some(intro) = line.strip_prefix('>') {
            writeln!(subject.intro, "{}", intro.trim()).unwrap();
        } else if let Some(columns) = line.strip_prefix("columns:") {
            subject.columns = columns.split('|').map(|c| c.trim().to_owned()).collect();
        } else {
            let mut cells = line.split('|').map(|c| c.trim().to_owned());
            subject.rows.push((cells.next().unwrap(), cells.collect()));
        }
    }
    assert!(!subject.title.is_empty() && !subject.columns.is_empty(), "{} needs a title and columns", path.display());
    subject
}

#[test]
fn every_row_names_tests_that_exist() {
    let tests = tests();
    let mut wrong = Vec::new();
    for subject in subjects() {
        let mut seen = BTreeSet::new();
        for (what, cells) in &subject.rows {
            let mut tell = |text: String| wrong.push(format!("{}, {what}: {text}", subject.title));
            if !seen.insert(what) {
                tell("stands there twice".to_owned());
            }
            if cells.len() != subject.columns.len() || cells.iter().any(String::is_empty) {
                tell(format!("needs a test or `-` for each of {}", subject.columns.join(", ")));
            }
            if cells.iter().all(|c| c == "-") {
                tell("has no test at all".to_owned());
            }
            for test in cells.iter().filter(|c| *c != "-").flat_map(|c| c.split(',')).map(str::trim) {
                match tests.get(test) {
                    None => tell(format!("there is no test `{test}`")),
                    // A test of a type has to speak of the type; data types are named by the properties that have them.
                    Some(text) if speaks_of_itself(what) && !mentions(text, what.trim_matches('`')) => {
                        tell(format!("the file of `{test}` never mentions it"));
                    }
                    Some(_) => {}
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

fn speaks_of_itself(what: &str) -> bool {
    what.starts_with("`tosca.") && !what.starts_with("`tosca.datatypes.")
}

/// Whether a test file, or a data file it includes, speaks of a type by its whole name.
fn mentions(text: &str, name: &str) -> bool {
    let whole = |text: &str| {
        text.match_indices(name).any(|(at, _)| {
            let after = text[at + name.len()..].chars().next();
            !after.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_' || c == '.')
        })
    };
    let included =
        text.match_indices("include_str!(\"").filter_map(|(at, open)| text[at + open.len()..].split('"').next());
    whole(text)
        || included
            .filter_map(|path| path.rsplit("data/").next())
            .any(|file| whole(&std::fs::read_to_string(root().join("tests/data").join(file)).unwrap_or_default()))
}

#[test]
fn the_table_is_up_to_date() {
    let mut text = String::from(
        "# What is supported\n\nMade by `tests/support_table.rs` from `tests/support/*.txt`; the test fails when a row names a test that does \
         not exist.\nEach cell names the test that shows the row for that kind of descriptor. \u{2014} stands where the standard has no \
         such thing.\n",
    );
    for subject in subjects() {
        write!(text, "\n## {}\n\n", subject.title).unwrap();
        if !subject.intro.is_empty() {
            writeln!(text, "{}", subject.intro).unwrap();
        }
        writeln!(text, "| | {} |\n|---|{}", subject.columns.join(" | "), "---|".repeat(subject.columns.len())).unwrap();
        for (what, cells) in &subject.rows {
            let shown: Vec<String> = cells
                .iter()
                .map(|c| if c == "-" { "\u{2014}".to_owned() } else { format!("`{}`", c.replace(", ", "`, `")) })
                .collect();
            writeln!(text, "| {what} | {} |", shown.join(" | ")).unwrap();
        }
    }
    let path = root().join("SUPPORT.md");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == text, "SUPPORT.md is out of date; run with UPDATE_GOLDEN=1");
}

#[test]
fn every_published_type_has_its_row() {
    let Some(shared) = std::env::var_os("MANO_SHARED") else {
        println!("SKIPPED: MANO_SHARED is not set, so the published types are not compared with the rows");
        return;
    };
    let subjects = subjects();
    let mut wrong = Vec::new();
    // Which column a type file belongs to; what is common may stand in any.
    for (part, column) in [("common", None), ("vnfd", Some("VNFD")), ("nsd", Some("NSD")), ("pnfd", Some("PNFD"))] {
        let path = PathBuf::from(&shared).join(format!("etsi/tosca/sol001/4.4.1/etsi_nfv_sol001_{part}_types.yaml"));
        let text = std::fs::read_to_string(&path).unwrap();
        let (mut sink, mut types) = (Sink::new(), Types::default());
        let file = sink.add_source(part, text.clone());
        types.add_file(&parse(file, &text, Budget { nodes: 100_000, depth: 64 }, &mut sink).unwrap(), &mut sink);
        for (_, kind) in TypeKind::SECTIONS {
            for (name, _) in types.own(kind) {
                let row = format!("`{name}`");
                let cell = subjects.iter().find_map(|s| {
                    let cells = &s.rows.iter().find(|(what, _)| *what == row)?.1;
                    let at = column.and_then(|c| s.columns.iter().position(|have| have == c));
                    Some(at.and_then(|at| cells.get(at)).cloned().unwrap_or_else(|| "any".to_owned()))
                });
                match cell.as_deref() {
                    None => wrong.push(format!("{name} has no row")),
                    Some("-") => wrong.push(format!("{name} has no test for {}", column.unwrap_or_default())),
                    Some(_) => {}
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}
