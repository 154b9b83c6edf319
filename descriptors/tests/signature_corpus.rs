//! Signed packages that others wrote: those of ONAP's package validation, of which most are broken on purpose.
//!
//! They are not part of this repository; `MANO_SHARED` names the directory that holds them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use descriptors::archive::{Limits, Package};
use descriptors::check::{self, Checked};
use descriptors::diag::Severity;
use descriptors::signature::{Trust, Unsigned};
use openssl::pkcs7::Pkcs7;

/// 2020-09-20, 2019-05-20 and 2020-12-20: when the certificates of the valid packages were valid.
const IN_2020: i64 = 1_600_600_000;
const IN_2019: i64 = 1_558_310_400;
const END_OF_2020: i64 = 1_608_422_400;
/// 2026-01-01.
const LATER: i64 = 1_767_225_600;

fn corpus() -> Option<PathBuf> {
    match std::env::var_os("MANO_SHARED") {
        Some(dir) => Some(PathBuf::from(dir).join("samples/onap-vnfsdk-validation/pnf")),
        None => {
            println!("SKIPPED: MANO_SHARED is not set, so the packages of others are not read");
            None
        }
    }
}

/// The certificates inside a signature of the package, which the test takes for its anchors: their issuers are not part of
/// the corpus.
fn certificates(package: &Package) -> Vec<u8> {
    let mut found = Vec::new();
    for (path, _) in package.files() {
        let bytes = package.read(path).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if text.contains("-----BEGIN CERTIFICATE-----") {
            found.extend_from_slice(text.get(text.find("-----BEGIN").unwrap()..).unwrap().as_bytes());
            found.push(b'\n');
        } else if let Some(start) = text.find("-----BEGIN CMS-----") {
            let pem = text[start..].replace(" CMS", " PKCS7");
            let signed = Pkcs7::from_pem(pem.as_bytes()).unwrap();
            for certificate in signed.signed().and_then(|s| s.certificates()).into_iter().flatten() {
                found.extend(certificate.to_pem().unwrap());
            }
        }
    }
    found
}

fn run(path: &Path, at: i64, anchors: &[u8]) -> Checked<()> {
    let mut trust = Trust::new(at, Unsigned::Warn);
    if !anchors.is_empty() {
        trust.add_anchors("anchors.pem", anchors).unwrap();
    }
    check::pnf(Package::inspect(path, &Limits::default()), Some(&trust))
}

/// Errors of archive and signature as `code file:line`, sorted.
fn errors(checked: &Checked<()>) -> BTreeSet<String> {
    let of = |d: &descriptors::diag::Diagnostic| {
        format!("{} {}:{}", d.code, d.file.as_deref().unwrap_or("-"), d.line.unwrap_or(0))
    };
    checked
        .found
        .errors()
        .filter(|d| d.code.starts_with("ARCHIVE") || d.code.starts_with("SIGNATURE"))
        .map(of)
        .collect()
}

/// Every package with all errors of archive and signature it must show. What stands in the names:
/// in `r130206` whether signature, certificate and digests are right; in `r01123` whether all files are listed (their
/// signatures were made over another manifest, and the outer signature of option 2 is a dummy); in `r293901` whether
/// TOSCA.meta names what it must; in `r787965` whether the outer signature is right.
const EXPECTED: &[(&str, &[&str])] = &[
    ("r01123/csar-option1-valid.csar", &["SIGNATURE-0003 MainServiceTemplate.mf:49"]),
    (
        "r01123/csar-option1-invalid-missing-files.csar",
        &[
            "ARCHIVE-0033 MainServiceTemplate.mf:13",
            "ARCHIVE-0033 MainServiceTemplate.mf:14",
            "SIGNATURE-0003 MainServiceTemplate.mf:51",
        ],
    ),
    ("r01123/csar-option1-invalid-noVendor-noFileInManifest.csar", &["SIGNATURE-0003 MainServiceTemplate.mf:44"]),
    (
        "r01123/csar-option2-valid-with-cms.zip",
        &["SIGNATURE-0002 test.cms:1", "SIGNATURE-0003 MainServiceTemplate.mf:49"],
    ),
    (
        "r130206/csar-cert-in-cms-and-root-and-tosca-incorrect-hash.csar",
        &["ARCHIVE-0035 MainServiceTemplate.mf:26", "SIGNATURE-0003 MainServiceTemplate.mf:44"],
    ),
    (
        "r130206/csar-cert-in-cms-and-root-incorrect-hash.csar",
        &["ARCHIVE-0035 MainServiceTemplate.mf:26", "SIGNATURE-0003 MainServiceTemplate.mf:44"],
    ),
    (
        "r130206/csar-cert-in-cms-and-tosca-incorrect-hash.csar",
        &["ARCHIVE-0034 MainServiceTemplate.mf:25", "SIGNATURE-0003 MainServiceTemplate.mf:44"],
    ),
    (
        "r130206/csar-cert-in-cms-incorrect-hash.csar",
        &["ARCHIVE-0035 MainServiceTemplate.mf:22", "SIGNATURE-0003 MainServiceTemplate.mf:44"],
    ),
    ("r130206/csar-cert-in-cms-valid.csar", &[]),
    (
        "r130206/csar-cert-in-cms-valid-with-incorrect-signature-of-individual-artifact.csar",
        &["SIGNATURE-0003 pnf_main_descriptor.mf:29", "SIGNATURE-0003 pnf_main_descriptor.mf:53"],
    ),
    (
        "r130206/csar-cert-in-cms-valid-with-signature-for-individual-artifact-in-wrong-directory.csar",
        &["SIGNATURE-0003 pnf_main_descriptor.mf:17", "SIGNATURE-0003 pnf_main_descriptor.mf:53"],
    ),
    (
        "r130206/csar-cert-in-cms-valid-with-signature-of-individual-artifact-p7.csar",
        // The artifact's signature fits; the manifest was changed after it was signed.
        &["SIGNATURE-0003 pnf_main_descriptor.mf:55"],
    ),
    (
        "r130206/csar-cert-in-cms-valid-with-signature-with-wrong-name-for-individual-artifact.csar",
        &["SIGNATURE-0003 pnf_main_descriptor.mf:17", "SIGNATURE-0003 pnf_main_descriptor.mf:53"],
    ),
    (
        "r130206/csar-cert-in-root-and-tosca-incorrect-hash.csar",
        &["ARCHIVE-0035 MainServiceTemplate.mf:18", "SIGNATURE-0005 MainServiceTemplate.mf:44"],
    ),
    (
        "r130206/csar-cert-in-root-incorrect-hash.csar",
        &["ARCHIVE-0035 MainServiceTemplate.mf:10", "SIGNATURE-0005 MainServiceTemplate.mf:44"],
    ),
    // The certificate in the root is another than the signer's.
    ("r130206/csar-cert-in-root.csar", &["SIGNATURE-0005 MainServiceTemplate.mf:44"]),
    (
        "r130206/csar-cert-in-tosca-individual-p7-signature-common-cert-invalid.csar",
        &["SIGNATURE-0003 pnf_main_descriptor.mf:33", "SIGNATURE-0003 pnf_main_descriptor.mf:56"],
    ),
    (
        "r130206/csar-cert-in-tosca-individual-signature-nonexistent-cert.csar",
        &[
            "SIGNATURE-0003 MainServiceTemplate.mf:22",
            "SIGNATURE-0005 MainServiceTemplate.mf:47",
            "SIGNATURE-0012 MainServiceTemplate.mf:22",
        ],
    ),
    (
        "r130206/csar-cert-in-tosca-multiple-individual-signature.csar",
        &[
            "ARCHIVE-0034 MainServiceTemplate.mf:9",
            "SIGNATURE-0003 MainServiceTemplate.mf:13",
            "SIGNATURE-0003 MainServiceTemplate.mf:24",
            "SIGNATURE-0003 MainServiceTemplate.mf:31",
            "SIGNATURE-0005 MainServiceTemplate.mf:57",
            "SIGNATURE-0012 MainServiceTemplate.mf:19",
            "SIGNATURE-0012 MainServiceTemplate.mf:36",
        ],
    ),
    ("r130206/csar-cert-in-tosca-valid.csar", &[]),
    ("r130206/csar-no-cert-no-tosca-dir.csar", &["SIGNATURE-0005 MainServiceTemplate.mf:44"]),
    ("r130206/csar-no-cms-with-signature-of-individual-artifact.csar", &["SIGNATURE-0012 MainServiceTemplate.mf:17"]),
    (
        "r130206/csar-with-tosca-cert-pointing-non-existing-cert.csar",
        &["ARCHIVE-0023 TOSCA-Metadata/TOSCA.meta:8", "SIGNATURE-0005 MainServiceTemplate.mf:29"],
    ),
    ("r293901/allMandatoryEntriesDefinedInTOSCAMeta.csar", &["ARCHIVE-0033 MainServiceTemplate.mf:9"]),
    ("r293901/noTOSCAMetaInTOSCADirectory.csar", &["ARCHIVE-0020 -:0"]),
    ("r787965/signature-and-certificate.zip", &[]),
];

#[test]
fn every_package_shows_exactly_its_faults() {
    let Some(root) = corpus() else { return };
    let mut seen = 0;
    let mut wrong = Vec::new();
    for dir in std::fs::read_dir(&root).unwrap() {
        seen += std::fs::read_dir(dir.unwrap().path()).unwrap().count();
    }
    assert_eq!(seen, EXPECTED.len(), "every package of the corpus has a line in the table");
    for (name, expected) in EXPECTED {
        let checked = run(&root.join(name), IN_2020, &[]);
        let expected: BTreeSet<String> = expected.iter().map(|e| (*e).to_owned()).collect();
        let is = errors(&checked);
        if is != expected {
            wrong.push(format!("{name}\n  expected {expected:?}\n  is       {is:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {} wrong\n{}", wrong.len(), EXPECTED.len(), wrong.join("\n"));
}

#[test]
fn the_valid_ones_are_trusted_at_their_time_and_expired_later() {
    let Some(root) = corpus() else { return };
    for (name, covers, at) in [
        ("r130206/csar-cert-in-cms-valid.csar", "manifest", IN_2020),
        ("r130206/csar-cert-in-tosca-valid.csar", "manifest", IN_2020),
        ("r787965/signature-and-certificate.zip", "package", IN_2019),
    ] {
        let path = root.join(name);
        let package = Package::open(&path, &Limits::default()).unwrap_or_else(|e| panic!("{name}: {e}"));
        let mut anchors = certificates(&package);
        if covers == "package" {
            let mut zip = zip::ZipArchive::new(std::fs::File::open(&path).unwrap()).unwrap();
            let pem = std::io::read_to_string(zip.by_name("signature-and-certificate.cms").unwrap()).unwrap();
            let signed = Pkcs7::from_pem(pem.replace(" CMS", " PKCS7").as_bytes()).unwrap();
            anchors = signed.signed().unwrap().certificates().unwrap().get(0).unwrap().to_pem().unwrap();
        }
        let checked = run(&path, at, &anchors);
        assert_eq!(errors(&checked), BTreeSet::new(), "{name}: {}", checked.found);
        assert_eq!(checked.signers.len(), 1);
        assert_eq!((checked.signers[0].covers.as_str(), checked.signers[0].trusted), (covers, true), "{name}");
        assert!(!checked.found.iter().any(|d| ["SIGNATURE-0007", "SIGNATURE-0008"].contains(&d.code.as_ref())));

        let later = run(&path, LATER, &anchors);
        let codes: Vec<_> = later.found.errors().map(|d| d.code.as_ref()).collect();
        assert_eq!(codes, ["SIGNATURE-0007"], "{name}: {}", later.found);
        assert!(!later.signers[0].trusted);

        // Without anchors nobody vouches for the signer, and expiry is told all the same.
        let unknown = run(&path, LATER, &[]);
        let warned = |code: &str| unknown.found.iter().any(|d| d.code == code && d.severity == Severity::Warning);
        assert!(warned("SIGNATURE-0007") && warned("SIGNATURE-0008"), "{name}: {}", unknown.found);

        // An anchor that has nothing to do with the signer.
        let other = run(&path, at, STRANGER.as_bytes());
        let codes: Vec<_> = other.found.errors().map(|d| d.code.as_ref()).collect();
        assert_eq!(codes, ["SIGNATURE-0006"], "{name}: {}", other.found);
    }
}

#[test]
fn a_signature_of_one_artifact_verifies_with_its_own_certificate() {
    let Some(root) = corpus() else { return };
    let path = root.join("r130206/csar-cert-in-cms-valid-with-signature-of-individual-artifact-p7.csar");
    let package = Package::inspect(&path, &Limits::default()).package.unwrap();
    let checked = run(&path, END_OF_2020, &certificates(&package));
    let covered: Vec<_> = checked.signers.iter().map(|s| (s.covers.as_str(), s.trusted)).collect();
    assert_eq!(covered, [("Files/pnf-sw-information/pnf-sw-information.yaml", true)]);
}

/// A certificate of nobody in particular.
const STRANGER: &str = include_str!("data/stranger.pem");
