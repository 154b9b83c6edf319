//! Packages that others wrote: those of the Tacker project, of which some are broken on purpose.
//!
//! They are not part of this repository; `MANO_SHARED` names the directory that holds them under `samples/tacker`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "common/corpus.rs"]
mod corpus;

use std::path::{Path, PathBuf};

use corpus::{BROKEN, GUIDES, LACKING, Promise, TackerRow, UNIT};
use descriptors::archive::{Limits, Package};
use descriptors::diag::Diagnostics;
use descriptors::vnfd::{Size, Vnfd, read_vnfd};

fn shared() -> Option<PathBuf> {
    match std::env::var_os("MANO_SHARED") {
        Some(dir) => Some(PathBuf::from(dir).join("samples/tacker")),
        None => {
            println!("SKIPPED: MANO_SHARED is not set, so the packages of others are not read");
            None
        }
    }
}

/// Reads directories laid over each other, with placeholders for the files the sources lack.
fn read(dirs: &[PathBuf]) -> Result<Vnfd, Diagnostics> {
    let placeholders = tempfile::tempdir().unwrap();
    let put = |file: &str| {
        let path = placeholders.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "placeholder").unwrap();
    };
    LACKING.into_iter().for_each(put);
    let mut last = None;
    for _ in 0..2 {
        let mut all: Vec<&Path> = vec![placeholders.path()];
        all.extend(dirs.iter().map(PathBuf::as_path));
        let package = Package::open_dirs(&all, &Limits::default())?;
        match read_vnfd(&package) {
            Ok(vnfd) => return Ok(vnfd),
            Err(found) => {
                // Artifacts that were left out when the sources were collected.
                for d in found.errors().filter(|d| d.code == "TOSCA-0060") {
                    put(d.message.split('`').nth(1).unwrap().trim_start_matches("../"));
                }
                last = Some(found);
            }
        }
    }
    Err(last.unwrap())
}

fn check(root: &Path, table: &[TackerRow]) {
    let mut wrong = Vec::new();
    for (name, under, verdict) in table {
        let mut dirs: Vec<PathBuf> = under.iter().map(|d| root.join(d)).collect();
        dirs.push(root.join(name));
        let result = read(&dirs);
        let fits = match (&result, verdict) {
            (Ok(vnfd), Promise::Good(flavours)) => vnfd.flavours.len() == *flavours && sizes_are_computed(vnfd),
            (Err(found), Promise::Refused(code)) => found.errors().any(|d| d.code == *code),
            _ => false,
        };
        if !fits {
            let expected = match verdict {
                Promise::Good(n) => format!("{n} flavours"),
                Promise::Refused(code) => (*code).to_owned(),
            };
            let is = result.map_or_else(|e| e.to_string(), |v| format!("read with {} flavours", v.flavours.len()));
            wrong.push(format!("=== {name}, expected {expected}\n{is}\n"));
        }
    }
    assert!(wrong.is_empty(), "{} of {} wrong\n{}", wrong.len(), table.len(), wrong.join("\n"));
}

fn sizes_are_computed(vnfd: &Vnfd) -> bool {
    vnfd.flavours.iter().all(|f| {
        f.vdus.iter().all(|v| {
            // VDUs of containers have neither.
            (v.cpu.count > 0) == (v.memory.size_bytes > 0)
                && f.scaling.levels.keys().all(|l| f.scaling.instances(&v.name, Size::Level(l)).is_ok())
        })
    })
}

#[test]
fn packages_of_the_unit_tests() {
    let Some(root) = shared() else { return };
    check(&root, UNIT);
}

#[test]
fn packages_that_are_broken_on_purpose() {
    let Some(root) = shared() else { return };
    check(&root, BROKEN);
}

#[test]
fn packages_of_the_functional_tests_and_guides() {
    let Some(root) = shared() else { return };
    check(&root, GUIDES);
}

#[test]
fn a_package_needs_no_type_files_of_its_own() {
    let Some(root) = shared() else { return };
    let dir = root.join("tests/functional/sol_v2_common");
    let with = read(&[dir.join("common"), dir.join("basic_lcms_max/contents")]).unwrap_or_else(|e| panic!("{e}"));
    let without = read(&[dir.join("basic_lcms_max/contents")]).unwrap_or_else(|e| panic!("{e}"));
    let plain = |mut v: Vnfd| {
        v.warnings = Diagnostics::default();
        serde_json::to_value(v).unwrap()
    };
    assert_eq!(plain(with), plain(without));
}
