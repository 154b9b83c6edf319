//! The rules of the house, made executable: who may depend on whom, what every source file says first, and what product
//! code does not do.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Longest product source file, in lines: one subject a file.
const MAX_LINES: usize = 700;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_path_buf()
}

fn files(below: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(below).into_iter().flatten().flatten() {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if path.is_dir() {
            if !name.starts_with('.') && name != "target" {
                files(&path, ending, found);
            }
        } else if name.ends_with(ending) {
            found.push(path);
        }
    }
}

fn rust_files() -> Vec<PathBuf> {
    let mut found = Vec::new();
    files(&root(), ".rs", &mut found);
    assert!(found.len() > 50, "only {} source files found below {}", found.len(), root().display());
    found
}

fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

/// Product code: in a `src` folder, before the file's tests.
fn product(path: &Path) -> Option<String> {
    let name = shown(path);
    if !name.contains("/src/") || name.starts_with("tests/") || name.contains("/testkit") || name.contains("/testing") {
        return None;
    }
    let only_for_tests = ["/tests.rs", "/samples.rs"].iter().any(|ending| name.ends_with(ending));
    if only_for_tests || name.contains("/tests/") {
        return None;
    }
    let text = fs::read_to_string(path).expect("a source file");
    Some(text.split("#[cfg(test)]").next().unwrap_or_default().to_owned())
}

fn no_faults(rule: &str, faults: &[String]) {
    assert!(faults.is_empty(), "{rule}:\n  {}", faults.join("\n  "));
}

/// Workspace members with the workspace members they depend on outside tests.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let mut manifests = Vec::new();
    files(&root(), "Cargo.toml", &mut manifests);
    let mut graph = BTreeMap::new();
    for manifest in manifests {
        let text = fs::read_to_string(&manifest).expect("a manifest");
        let Some(name) = text.lines().find_map(|l| l.strip_prefix("name = \"")).map(|n| n.trim_end_matches('"')) else {
            continue;
        };
        let mut section = "";
        let mut needs = BTreeSet::new();
        for line in text.lines() {
            if line.starts_with('[') {
                section = line;
            } else if section == "[dependencies]" {
                let end = line.find(['.', ' ', '=']).unwrap_or(line.len());
                needs.insert(line[..end].to_owned());
            }
        }
        graph.insert(name.to_owned(), needs);
    }
    let members: BTreeSet<String> = graph.keys().cloned().collect();
    for needs in graph.values_mut() {
        needs.retain(|n| members.contains(n));
    }
    graph
}

#[test]
fn every_arrow_points_down() {
    let floor = |name: &str| match name {
        "mano-tests" => 3,
        "nfvo" | "vnfm" | "vim-adapter" | "nfvi-agent" | "mano" => 2,
        "descriptors" => 0,
        _ => 1,
    };
    let graph = dependencies();
    for service in ["nfvo", "vnfm", "vim-adapter", "nfvi-agent", "mano", "lcm", "descriptors", "reference-points"] {
        assert!(graph.contains_key(service), "{service} is no member any more: the floors below need another look");
    }
    let mut faults = Vec::new();
    for (from, needs) in &graph {
        for to in needs {
            if floor(to) > floor(from) || (floor(to) == floor(from) && floor(from) >= 2) {
                faults.push(format!("{from} depends on {to}"));
            }
        }
    }
    no_faults("services meet only in reference-points, and no arrow runs back up", &faults);
    assert!(graph["descriptors"].is_empty(), "descriptors depends on {:?}", graph["descriptors"]);
    assert_eq!(graph["lcm"], BTreeSet::from(["db".to_owned()]), "the engine knows the database and nothing else");
    assert!(!graph["nfvi-agent"].contains("lcm"), "the agent reconciles, it runs no operations");
}

#[test]
fn every_file_says_what_lives_there() {
    let faults: Vec<String> = rust_files()
        .iter()
        .filter(|path| !fs::read_to_string(path).expect("a source file").starts_with("//!"))
        .map(|path| shown(path))
        .collect();
    no_faults("a file opens with a //! comment", &faults);
}

#[test]
fn a_file_has_one_subject() {
    let faults: Vec<String> = rust_files()
        .iter()
        .filter_map(|path| {
            let lines = fs::read_to_string(path).expect("a source file").lines().count();
            (lines > MAX_LINES).then(|| format!("{}: {lines} lines", shown(path)))
        })
        .collect();
    no_faults(&format!("no source file is longer than {MAX_LINES} lines"), &faults);
}

#[test]
fn product_code_keeps_the_rules() {
    // (text, where it is allowed, why it is not allowed elsewhere)
    let rules: &[(&str, &[&str], &str)] = &[
        (".unwrap()", &[], "an error is answered, not a panic"),
        (".expect(", &[], "an error is answered, not a panic"),
        ("todo!(", &[], "unfinished"),
        ("unimplemented!(", &[], "unfinished"),
        ("NOT_IMPLEMENTED", &[], "a route works or refuses with a reason"),
        ("SystemTime::now", &["crates/db/src/clock.rs", "mano/src/clock.rs"], "time comes from the injected clock"),
        ("reqwest::Client", &["crates/reference-points/src/"], "requests go through a reference-points client"),
        ("Command::new(\"sh\"", &[], "no shell"),
        ("Command::new(\"bash\"", &[], "no shell"),
        ("Command::new(\"virsh\"", &[], "libvirt is driven through its library"),
        ("Command::new(\"ovs-vsctl\"", &[], "Open vSwitch is driven through OVSDB"),
        ("Command::new(\"ovn-nbctl\"", &[], "OVN is driven through OVSDB"),
        ("unsafe {", &["nfvi-agent/src/hypervisor/", "crates/db/src/testing/"], "unsafe stays at the edge to libvirt"),
    ];
    let mut faults = Vec::new();
    for path in rust_files() {
        let Some(text) = product(&path) else { continue };
        let name = shown(&path);
        for (number, line) in text.lines().enumerate() {
            if line.trim_start().starts_with("//") {
                continue;
            }
            for (word, allowed, why) in rules {
                if line.contains(word) && !allowed.iter().any(|a| name.starts_with(a)) {
                    faults.push(format!("{name}:{}: {word} ({why})", number + 1));
                }
            }
        }
    }
    no_faults("product code", &faults);
}

#[test]
fn handlers_are_thin() {
    let (mut faults, mut handlers) = (Vec::new(), 0);
    for path in rust_files() {
        let name = shown(&path);
        if !name.contains("/src/api/") {
            continue;
        }
        let Some(text) = product(&path) else { continue };
        let lines: Vec<&str> = text.lines().collect();
        let (mut handler, mut start) = (false, None);
        for (number, line) in lines.iter().enumerate() {
            handler |= line.starts_with("#[utoipa::path");
            if line.contains("async fn ") && !line.starts_with(' ') {
                start = handler.then_some(number);
                handler = false;
            }
            if *line == "}"
                && let Some(from) = start.take()
            {
                let body_from = lines[from..number].iter().position(|l| l.ends_with('{')).unwrap_or(0);
                let length = number - from - body_from - 1;
                handlers += 1;
                if length > 15 {
                    faults.push(format!("{name}:{}: {length} lines", from + 1));
                }
            }
        }
    }
    assert!(handlers > 40, "only {handlers} handlers were found: this test looks for them in the wrong way");
    no_faults("a handler parses, calls the application, answers", &faults);
}
