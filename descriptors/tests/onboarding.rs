//! The whole check an onboarding makes of a file: archive, digests, descriptor, and whether they agree.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::path::{Path, PathBuf};

use common::{IMAGE, packed_file, sample_dir};
use descriptors::archive::{Limits, PackError, pack_dir};
use descriptors::diag::Diagnostics;
use descriptors::vnfd::Vnfd;
use descriptors::{check_nsd_archive, check_vnf_package};

/// A copy of the sample `web` that a test may change.
struct Source {
    dir: tempfile::TempDir,
}

impl Source {
    fn web() -> Self {
        let dir = tempfile::tempdir().unwrap();
        copy(&sample_dir("web"), dir.path());
        std::fs::create_dir_all(dir.path().join("Artifacts/Images")).unwrap();
        std::fs::write(dir.path().join("Artifacts/Images/vnf.qcow2"), IMAGE).unwrap();
        Self { dir }
    }

    fn path(&self, file: &str) -> PathBuf {
        self.dir.path().join(file)
    }

    fn edit(&self, file: &str, from: &str, to: &str) {
        let text = std::fs::read_to_string(self.path(file)).unwrap();
        assert!(text.contains(from), "{file} has no {from}");
        std::fs::write(self.path(file), text.replace(from, to)).unwrap();
    }

    fn check(&self) -> Result<Vnfd, Diagnostics> {
        let out = tempfile::NamedTempFile::new().unwrap();
        pack_dir(self.dir.path(), &[], out.reopen().unwrap()).unwrap_or_else(|e| panic!("{e}"));
        check_vnf_package(out.path(), &Limits::default()).map(|(_, vnfd)| vnfd)
    }
}

fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            std::fs::create_dir_all(&target).unwrap();
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn the_samples_pass_without_a_finding() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["web", "edge", "demo-ns"] {
        let path = dir.path().join(name);
        std::fs::write(&path, packed_file(name)).unwrap();
        let warnings = if name == "demo-ns" {
            check_nsd_archive(&path, &Limits::default()).unwrap_or_else(|e| panic!("{e}")).1.warnings
        } else {
            check_vnf_package(&path, &Limits::default()).unwrap_or_else(|e| panic!("{e}")).1.warnings
        };
        assert!(warnings.is_empty(), "{name}: {warnings}");
    }
    let missing = check_vnf_package(&dir.path().join("gone"), &Limits::default()).unwrap_err();
    assert!(missing.to_string().contains("cannot open"), "{missing}");
}

#[test]
fn a_changed_byte_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("web.csar");
    let mut bytes = packed_file("web");
    // The image is stored as it is, so its bytes can be found.
    let at = bytes.windows(IMAGE.len()).position(|w| w == IMAGE).unwrap();
    bytes[at + 5] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    let found = check_vnf_package(&path, &Limits::default()).unwrap_err();
    assert!(found.errors().any(|d| d.message.contains("Artifacts/Images/vnf.qcow2")), "{found}");
}

#[test]
fn the_descriptor_must_know_its_image() {
    let source = Source::web();
    source.edit("Definitions/web.yaml", "'@SHA256(Artifacts/Images/vnf.qcow2)@'", &format!("'{}'", "ab".repeat(32)));
    let found = source.check().unwrap_err();
    let fault = found.errors().next().unwrap();
    assert_eq!(fault.code, "SOL001-0005", "{found}");
    assert!(fault.mend.as_ref().unwrap().contains("the file's digest is"), "{found}");
    assert_eq!(found.errors().count(), 1, "the manifest's own digest is right");
}

#[test]
fn manifest_and_descriptor_that_disagree_are_told_but_accepted() {
    let source = Source::web();
    source.edit("web.mf", "vnf_product_name: web", "vnf_product_name: wab");
    source.edit("web.mf", "  vnf_package_version: 1.0\n", "");
    source.edit("Definitions/web.yaml", "'@SIZE(Artifacts/Images/vnf.qcow2)@ B'", "1 GiB");
    let vnfd = source.check().unwrap_or_else(|e| panic!("{e}"));
    let codes: Vec<_> = vnfd.warnings.iter().map(|d| d.code.as_ref()).collect();
    assert_eq!(codes.len(), 3, "{}", vnfd.warnings);
    for code in ["ARCHIVE-0039", "ARCHIVE-0032", "SOL001-0005"] {
        assert!(codes.contains(&code), "{code}: {}", vnfd.warnings);
    }
}

#[test]
fn all_kinds_of_faults_come_together() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.csar");
    let right = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    std::fs::write(
        &path,
        common::zip_of(&[
            ("TOSCA-Metadata/TOSCA.meta", "TOSCA-Meta-File-Version: 1.0\nCSAR-Version: 1.1\nCreated-By: x\nEntry-Definitions: a.yaml\nETSI-Entry-Manifest: a.mf\n"),
            ("a.mf", &format!("metadata:\n  vnf_product_name: a\n\nSource: a.yaml\nAlgorithm: SHA-256\nHash: {right}\n")),
            ("a.yaml", "tosca_definitions_version: tosca_simple_yaml_1_3\ntopology_template:\n  node_templates:\n    a: { type: x.Y }\n"),
        ]),
    )
    .unwrap();
    let found = check_vnf_package(&path, &Limits::default()).unwrap_err();
    for code in ["ARCHIVE-0034", "TOSCA-0020", "SOL001-0001"] {
        assert!(found.errors().any(|d| d.code == code), "{code}: {found}");
    }
}

#[test]
fn a_directory_that_cannot_be_packed_is_told_why() {
    let source = Source::web();
    std::fs::remove_file(source.path("web.mf")).unwrap();
    std::fs::remove_file(source.path("Artifacts/Images/vnf.qcow2")).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", source.path("link")).unwrap();
    let error = pack_dir(source.dir.path(), &[], std::io::Cursor::new(Vec::new())).unwrap_err();
    let PackError::Content(found) = error else { panic!("{error}") };
    let codes: Vec<_> = found.errors().map(|d| d.code.as_ref()).collect();
    for code in ["ARCHIVE-0003", "ARCHIVE-0030", "ARCHIVE-0040"] {
        assert!(codes.contains(&code), "{code}: {found}");
    }
}
