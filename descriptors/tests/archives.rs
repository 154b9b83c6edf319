//! SOL004 and SOL007 archives whole: with TOSCA-Metadata and without, companions of the descriptor, artifacts elsewhere, and
//! outer archives that mean harm.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;
#[path = "common/pki.rs"]
mod pki;

use std::io::{Cursor, Write};
use std::time::{Duration, Instant};

use common::{package_of, zip_of};
use descriptors::archive::{HashAlgorithm, Limits, Package, PackageKind, SignatureOption};
use descriptors::diag::Diagnostics;
use descriptors::signature::{self, SigningKey, Trust, Unsigned};
use pki::{Kind, NOON, identity};
use zip::write::SimpleFileOptions;

const META: &str = "TOSCA-Metadata/TOSCA.meta";
const YAML: (&str, &str) = ("a.yaml", "tosca_definitions_version: tosca_simple_yaml_1_3\n");

fn codes(found: &Diagnostics) -> Vec<(&str, u32)> {
    found.iter().map(|d| (d.code.as_ref(), d.line.unwrap_or(0))).collect()
}

#[test]
fn every_keyname_of_tosca_meta_leads_somewhere() {
    let meta = "TOSCA-Meta-File-Version: 1.0\nCSAR-Version: 1.1\nCreated-By: us\nEntry-Definitions: Definitions/a.yaml\n\
                Other-Definitions: Definitions/b.yaml Definitions/c.yaml\nETSI-Entry-Manifest: a.mf\n\
                ETSI-Entry-Change-Log: Files/Changes.txt\nETSI-Entry-Tests: Files/Tests\n\
                ETSI-Entry-Licenses: Files/Terms\nETSI-Entry-Certificate: Files/a.cert\nX-Vendor: kept\n\n\
                Name: Files/x.sh\nContent-Type: application/x-sh\nX-Own: kept too\n";
    let package = package_of(&[
        (META, meta),
        ("Definitions/a.yaml", YAML.1),
        ("Definitions/b.yaml", YAML.1),
        ("Definitions/c.yaml", YAML.1),
        ("a.mf", "metadata:\n  vnf_product_name: a\n"),
        ("Files/Changes.txt", "1.0"),
        ("Files/Tests/t1", ""),
        ("Files/Tests/deep/t2", ""),
        ("Files/Terms/EULA", ""),
        ("Files/a.cert", ""),
        ("Files/x.sh", ""),
    ]);
    let read = package.meta().unwrap();
    assert_eq!(package.entry_definitions(), "Definitions/a.yaml");
    assert_eq!(read.other_definitions, ["Definitions/b.yaml", "Definitions/c.yaml"]);
    assert_eq!(package.change_log(), Some("Files/Changes.txt"));
    assert_eq!(package.tests(), ["Files/Tests/deep/t2", "Files/Tests/t1"]);
    assert_eq!(package.licenses(), ["Files/Terms/EULA"]);
    assert_eq!(read.entry_certificate.as_deref(), Some("Files/a.cert"));
    assert_eq!(read.other, [("X-Vendor".to_owned(), "kept".to_owned())]);
    assert_eq!(read.files[0].content_type.as_deref(), Some("application/x-sh"));
    assert_eq!(read.files[0].other, [("X-Own".to_owned(), "kept too".to_owned())]);

    // Each of them that leads nowhere is told in its own line.
    let found = Package::from_bytes(zip_of(&[(META, meta)]), &Limits::default()).unwrap_err();
    let lines: Vec<u32> = codes(&found).iter().filter(|(c, _)| *c == "ARCHIVE-0023").map(|(_, l)| *l).collect();
    assert_eq!(lines, [4, 5, 5, 6, 7, 8, 9, 10], "{found}");
}

#[test]
fn without_tosca_metadata_the_root_tells_everything() {
    let package = package_of(&[
        YAML,
        ("a.mf", "metadata:\n  vnf_product_name: a\n"),
        ("ChangeLog.txt", ""),
        ("Licenses/EULA", ""),
        ("Tests/t", ""),
    ]);
    assert!(package.meta().is_none());
    assert_eq!((package.entry_definitions(), package.manifest().unwrap().path.as_str()), ("a.yaml", "a.mf"));
    assert_eq!(package.change_log(), Some("ChangeLog.txt"));
    assert_eq!((package.licenses(), package.tests()), (vec!["Licenses/EULA"], vec!["Tests/t"]));
    let told: Vec<&str> = package.warnings().iter().map(|d| d.code.as_ref()).collect();
    assert_eq!(told, ["ARCHIVE-0037"; 4], "nothing but the files that the manifest does not list");

    // What is missing is told, and of a PNFD archive neither licence nor change history is asked for.
    let bare = |manifest: &str| {
        let package = package_of(&[YAML, ("a.mf", manifest)]);
        package.warnings().iter().map(|d| d.code.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(bare("metadata:\n  vnf_product_name: a\n"), ["ARCHIVE-0041", "ARCHIVE-0042", "ARCHIVE-0037"]);
    assert_eq!(bare("metadata:\n  pnfd_name: a\n"), ["ARCHIVE-0037"]);
    let other = Package::from_bytes(zip_of(&[YAML, ("b.mf", "")]), &Limits::default()).unwrap_err();
    assert!(other.errors().any(|d| d.code == "ARCHIVE-0038"), "{other}");
}

#[test]
fn manifests_name_what_they_belong_to() {
    for (key, kind) in
        [("vnf_product_name", PackageKind::Vnf), ("pnfd_name", PackageKind::Pnf), ("nsd_name", PackageKind::Ns)]
    {
        let package = package_of(&[YAML, ("a.mf", &format!("metadata:\n  {key}: x\n"))]);
        assert_eq!(package.manifest().unwrap().kind(), Some(kind));
    }
    assert_eq!(package_of(&[YAML, ("a.mf", "metadata:\n  other: x\n")]).manifest().unwrap().kind(), None);
}

#[test]
fn artifacts_elsewhere_are_kept_by_name_and_digest() {
    let hash = "ab".repeat(64);
    let manifest = format!(
        "metadata:\n  vnf_product_name: a\n\nSource: https://example.com/a.qcow2\nAlgorithm: SHA-512\nHash: {hash}\n\n\
         Source: http://example.com/b.iso\n"
    );
    let package = package_of(&[YAML, ("a.mf", &manifest)]);
    let external: Vec<_> =
        package.manifest().unwrap().external().map(|f| (f.source.as_str(), f.digest.clone())).collect();
    assert_eq!(
        external,
        [("https://example.com/a.qcow2", Some((HashAlgorithm::Sha512, hash))), ("http://example.com/b.iso", None)]
    );
    assert!(package.verify().is_empty(), "nothing is fetched to be compared");
    let told: Vec<u32> =
        codes(package.warnings()).iter().filter(|(c, _)| *c == "ARCHIVE-0043").map(|(_, l)| *l).collect();
    assert_eq!(told, [8], "an artifact elsewhere without a digest could be anything");
}

#[test]
fn the_outer_archive_may_carry_the_certificate() {
    let signer = identity("leaf", Kind::Rsa, None);
    let csar = zip_of(&[YAML, ("a.mf", "metadata:\n  vnf_product_name: a\n")]);
    let flags =
        openssl::cms::CMSOptions::DETACHED | openssl::cms::CMSOptions::BINARY | openssl::cms::CMSOptions::CMS_NOCERTS;
    let cms =
        openssl::cms::CmsContentInfo::sign(Some(&signer.certificate), Some(&signer.key), None, Some(&csar), flags)
            .unwrap();
    let signature = cms.to_pem().unwrap();
    let mut trust = Trust::new(NOON, Unsigned::Refuse);
    trust.add_anchors("anchor", &signer.cert_pem()).unwrap();
    for (certificate, fits) in [(Some(signer.cert_pem()), true), (None, false)] {
        let mut files: Vec<(&str, &[u8])> = vec![("a.csar", &csar), ("a.cms", &signature)];
        if let Some(certificate) = &certificate {
            files.push(("a.cert", certificate));
        }
        let package = Package::from_bytes(bytes_of(&files), &Limits::default()).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(package.signature_option(), Some(SignatureOption::Outer));
        let judged = signature::check(&package, &trust);
        assert_eq!(judged.signers.len(), usize::from(fits), "{}", judged.found);
        assert_eq!(judged.found.errors().any(|d| d.code == "SIGNATURE-0005"), !fits);
    }
}

fn bytes_of(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[test]
fn outer_archives_that_mean_harm_are_refused_quickly() {
    let limits = Limits {
        archive_bytes: 4 << 20,
        entry_bytes: 8 << 20,
        ratio: 100,
        ratio_floor_bytes: 1 << 20,
        ..Limits::default()
    };
    let inner = zip_of(&[YAML]);
    let zeros = vec![0; 6 << 20];
    let many: Vec<String> = (0..100).map(|i| format!("{i}.cms")).collect();
    let mut crowded: Vec<(&str, &[u8])> = vec![("a.csar", &inner)];
    crowded.extend(many.iter().map(|n| (n.as_str(), b"x".as_slice())));
    let climbing = zip_of(&[YAML, ("../up", "x")]);
    let nested = bytes_of(&[("b.csar", &inner), ("b.cms", b"x")]);
    for (what, bytes, code) in [
        ("a bomb as package", bytes_of(&[("a.csar", &zeros), ("a.cms", b"x")]), "ARCHIVE-0006"),
        ("no archive within", bytes_of(&[("a.csar", b"text"), ("a.cms", b"x")]), "ARCHIVE-0001"),
        ("a path that climbs within", bytes_of(&[("a.csar", &climbing), ("a.cms", b"x")]), "ARCHIVE-0002"),
        ("a path that climbs outside", bytes_of(&[("a.csar", &inner), ("../a.cms", b"x")]), "ARCHIVE-0002"),
        ("an outer archive in an outer archive", bytes_of(&[("a.csar", &nested), ("a.cms", b"x")]), "ARCHIVE-0020"),
        ("two packages", bytes_of(&[("a.csar", &inner), ("b.csar", &inner)]), "ARCHIVE-0020"),
        ("a hundred signatures", bytes_of(&crowded), "ARCHIVE-0045"),
    ] {
        let start = Instant::now();
        let found = Package::from_bytes(bytes, &limits).expect_err(what);
        assert!(found.errors().any(|d| d.code == code), "{what}: {found}");
        assert!(start.elapsed() < Duration::from_secs(2), "{what} took {:?}", start.elapsed());
    }
    // A stored package whose size reaches beyond the outer archive.
    let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("a.csar", stored).unwrap();
    zip.write_all(&inner).unwrap();
    let mut bytes = zip.finish().unwrap().into_inner();
    let header = bytes.windows(4).rposition(|w| w == b"PK\x01\x02").unwrap();
    for at in [header + 20, header + 24] {
        bytes[at..at + 4].copy_from_slice(&1_000_000_u32.to_le_bytes());
    }
    assert!(Package::from_bytes(bytes, &limits).is_err());
}

#[test]
fn many_signatures_do_not_make_many_readings() {
    let signer = identity("leaf", Kind::Ec, None);
    let key = SigningKey::new(&signer.key_pem(), &signer.cert_pem()).unwrap();
    let artifact = "x".repeat(8 << 20);
    let proof = key.sign(artifact.as_bytes(), HashAlgorithm::Sha256, None).unwrap();
    let mut manifest = "metadata:\n  vnf_product_name: a\n\n".to_owned();
    for _ in 0..5000 {
        manifest.push_str("Source: big\nSignature: big.sig.cms\n\n");
    }
    let block = key.sign(manifest.as_bytes(), HashAlgorithm::Sha256, None).unwrap();
    manifest.push_str(&block.repeat(2000));
    let bytes = zip_of(&[YAML, ("a.mf", &manifest), ("big", &artifact), ("big.sig.cms", &proof)]);
    let opened = Package::from_bytes(bytes, &Limits::default());
    let found = opened.unwrap_err();
    assert!(found.errors().any(|d| d.message.contains("listed twice")), "such a package is refused");
    // Even so it may be looked at in full.
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.csar");
    std::fs::write(&path, zip_of(&[YAML, ("a.mf", &manifest), ("big", &artifact), ("big.sig.cms", &proof)])).unwrap();
    let package = Package::inspect(&path, &Limits::default()).package.unwrap();
    let start = Instant::now();
    let judged = signature::check(&package, &Trust::new(NOON, Unsigned::Accept));
    assert!(start.elapsed() < Duration::from_secs(8), "took {:?}", start.elapsed());
    assert_eq!(judged.signers.iter().filter(|s| s.covers == "big").count(), 1);
    assert_eq!(judged.signers.iter().filter(|s| s.covers == "manifest").count(), 8);
    assert!(judged.found.errors().any(|d| d.message.contains("at most 8 are judged")), "{}", judged.found);
}
