//! `mano vnfpkg from-ovf` and `mano vnfpkg to-ova` as their user runs them: no service is there.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

/// The appliance of the tests of the descriptors, with one raw disk.
const DESCRIPTOR: &str = include_str!("../../descriptors/tests/data/appliance.ovf");

fn mano(dir: &Path, args: &[&str]) -> (i32, String, String) {
    let done: Output = Command::new(env!("CARGO_BIN_EXE_mano")).current_dir(dir).args(args).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (done.status.code().unwrap(), text(&done.stdout), text(&done.stderr))
}

/// A place with an appliance in it; `None`, and said so, where no disk can be converted.
fn place() -> Option<tempfile::TempDir> {
    if Command::new("qemu-img").arg("--version").output().is_err() {
        println!("SKIPPED: qemu-img is not installed");
        return None;
    }
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("disk.img"), vec![7; 1 << 20]).unwrap();
    std::fs::write(dir.path().join("a.ovf"), DESCRIPTOR.replace("@HREF@", "disk.img").replace("@FORMAT@", "raw"))
        .unwrap();
    Some(dir)
}

#[test]
fn an_appliance_becomes_a_package_and_a_vdu_an_appliance() {
    let Some(dir) = place() else { return };
    let dir = dir.path();
    let (code, out, err) = mano(dir, &["vnfpkg", "from-ovf", "a.ovf", "--out", "a.csar", "--provider", "ACME"]);
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.contains("a.ovf:86:9") && out.contains("the fixed MAC address `52:54:00:12:34:56`"), "{out}");
    assert!(err.contains("a.csar: Edge Router, VDUs 1, external connection points 2"), "{err}");
    let (code, out, err) = mano(dir, &["vnfpkg", "lint", "a.csar", "--strict"]);
    assert_eq!(code, 0, "{out}{err}");

    let (code, out, err) =
        mano(dir, &["vnfpkg", "to-ova", "a.csar", "--vdu", "router", "--out", "b.ova", "-o", "json"]);
    assert_eq!(code, 0, "{out}{err}");
    let told: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(told["appliance"]["systems"][0]["cpus"], 2);
    let (code, out, err) = mano(dir, &["vnfpkg", "from-ovf", "b.ova", "--out", "b", "-o", "json"]);
    assert_eq!(code, 0, "{out}{err}");
    let again: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(again["appliance"], told["appliance"]);
    assert_eq!(again["findings"], Value::Array(Vec::new()));
    assert!(dir.join("b/TOSCA-Metadata/TOSCA.meta").is_file());
}

#[test]
fn what_cannot_be_done_is_refused_with_all_reasons() {
    let Some(dir) = place() else { return };
    let dir = dir.path();
    let text = std::fs::read_to_string(dir.join("a.ovf")).unwrap();
    let bad = text.replace("disk.img", "../disk.img").replace(">Management</rasd", ">Managment</rasd");
    std::fs::write(dir.join("bad.ovf"), bad).unwrap();
    let (code, out, err) = mano(dir, &["vnfpkg", "from-ovf", "bad.ovf", "--out", "bad"]);
    assert_eq!(code, 1, "{out}{err}");
    assert!(out.contains("bad.ovf:8:5") && out.contains("climbs out") && out.contains("bad.ovf:87:9"), "{out}");
    assert!(!dir.join("bad").exists());
    let (code, out, _) = mano(dir, &["vnfpkg", "from-ovf", "bad.ovf", "--out", "bad", "-o", "json"]);
    let told: Value = serde_json::from_str(&out).unwrap();
    assert!(code == 1 && told["findings"].as_array().unwrap().iter().any(|f| f["line"] == 87), "{out}");
    let (code, _, err) = mano(dir, &["vnfpkg", "from-ovf", "gone.ova", "--out", "bad"]);
    assert!(code == 2 && err.contains("gone.ova"), "{err}");
    assert_eq!(mano(dir, &["vnfpkg", "from-ovf", "a.ovf", "--out", "a"]).0, 0);
    let (code, out, _) = mano(dir, &["vnfpkg", "to-ova", "a", "--vdu", "rooter", "--out", "b.ova"]);
    assert!(code == 1 && out.contains("it has router"), "{out}");
    // An NSD is never made of an appliance.
    assert_eq!(mano(dir, &["nsd", "from-ovf", "a.ovf", "--out", "b"]).0, 2);
}
