//! Signatures of packages, made and judged: both options, every kind of key, and each way to be wrong with its own reason.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;
#[path = "common/pki.rs"]
mod pki;

use std::io::{Cursor, Write};
use std::time::{Duration, Instant};

use descriptors::archive::{HashAlgorithm, Limits, Package};
use descriptors::diag::{Diagnostics, Severity};
use descriptors::signature::{self, Signatures, SigningKey, Trust, Unsigned};
use pki::{DAY, Identity, Kind, NOON, identity};
use zip::write::SimpleFileOptions;

const META: &str = "TOSCA-Meta-File-Version: 1.0\nCSAR-Version: 1.1\nCreated-By: x\nEntry-Definitions: a.yaml\n\
                    ETSI-Entry-Manifest: a.mf\n";
const YAML: &str = "tosca_definitions_version: tosca_simple_yaml_1_3\n";

fn zip_of(files: &[(&str, &[u8])], method: zip::CompressionMethod) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        zip.start_file(*name, SimpleFileOptions::default().compression_method(method)).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn package(manifest: &str, more: &[(&str, &[u8])]) -> Vec<u8> {
    let mut files: Vec<(&str, &[u8])> = vec![
        ("TOSCA-Metadata/TOSCA.meta", META.as_bytes()),
        ("a.mf", manifest.as_bytes()),
        ("a.yaml", YAML.as_bytes()),
    ];
    files.extend(more);
    zip_of(&files, zip::CompressionMethod::Deflated)
}

fn manifest() -> String {
    "metadata:\n  vnf_product_name: a\n\n".to_owned()
}

fn signing(identity: &Identity) -> SigningKey {
    SigningKey::new(&identity.key_pem(), &identity.cert_pem()).unwrap()
}

fn sign(identity: &Identity, content: &[u8]) -> String {
    let algorithm =
        if identity.key.id() == openssl::pkey::Id::ED25519 { HashAlgorithm::Sha512 } else { HashAlgorithm::Sha256 };
    signing(identity).sign(content, algorithm, Some(NOON)).unwrap()
}

fn trust(anchors: &[&Identity]) -> Trust {
    let mut trust = Trust::new(NOON, Unsigned::Warn);
    for anchor in anchors {
        assert_eq!(trust.add_anchors("anchor", &anchor.cert_pem()).unwrap(), 1);
    }
    trust
}

fn judge(bytes: Vec<u8>, trust: &Trust) -> Signatures {
    let package = Package::from_bytes(bytes, &Limits::default()).unwrap_or_else(|e| panic!("{e}"));
    signature::check(&package, trust)
}

fn errors(found: &Diagnostics) -> Vec<&str> {
    found.errors().map(|d| d.code.as_ref()).collect()
}

#[test]
fn every_kind_of_key_signs_the_manifest_and_is_trusted_through_its_issuer() {
    let root = identity("root", Kind::Ec, None);
    let between = identity("between", Kind::Ec, Some(&root));
    for kind in [Kind::Rsa, Kind::Ec, Kind::Ed25519] {
        let signer = identity("leaf", kind, Some(&between));
        // The signature carries the certificate between signer and root along.
        let chain = [signer.cert_pem(), between.cert_pem()].concat();
        let key = SigningKey::new(&signer.key_pem(), &chain).unwrap();
        let cms = key.sign(manifest().as_bytes(), HashAlgorithm::Sha512, None).unwrap();
        let signed = package(&format!("{}{cms}", manifest()), &[]);
        let judged = judge(signed.clone(), &trust(&[&root]));
        assert!(judged.found.is_empty(), "{kind:?}: {}", judged.found);
        assert_eq!((judged.signers.len(), judged.signers[0].trusted), (1, true));
        assert!(judged.signers[0].subject.contains("CN=leaf") && judged.signers[0].issuer.contains("CN=between"));

        // The issuer alone is anchor enough; a stranger is not.
        assert!(judge(signed.clone(), &trust(&[&between])).found.is_empty());
        let stranger = identity("stranger", Kind::Ec, None);
        let judged = judge(signed, &trust(&[&stranger]));
        assert_eq!(errors(&judged.found), ["SIGNATURE-0006"]);
        assert!(!judged.signers[0].trusted);
    }
}

#[test]
fn without_the_certificate_between_there_is_no_chain() {
    let root = identity("root", Kind::Ec, None);
    let between = identity("between", Kind::Ec, Some(&root));
    let signer = identity("leaf", Kind::Ec, Some(&between));
    let cms = sign(&signer, manifest().as_bytes());
    let text = format!("{}{cms}", manifest());
    let judged = judge(package(&text, &[]), &trust(&[&root]));
    assert_eq!(errors(&judged.found), ["SIGNATURE-0006"]);
    assert!(judged.found.to_string().contains("unable to get local issuer certificate"), "{}", judged.found);
    // It may also lie in the root of the package.
    let judged = judge(package(&text, &[("a.cert", &between.cert_pem())]), &trust(&[&root]));
    assert_eq!(errors(&judged.found), Vec::<&str>::new(), "{}", judged.found);
}

#[test]
fn each_way_to_be_wrong_has_its_own_reason() {
    let signer = identity("leaf", Kind::Rsa, None);
    let trust = trust(&[&signer]);
    let good = sign(&signer, manifest().as_bytes());

    let changed = format!("{}{good}", manifest().replace("name: a", "name: b"));
    let judged = judge(package(&changed, &[]), &trust);
    assert_eq!(errors(&judged.found), ["SIGNATURE-0003"]);
    assert_eq!(judged.found.errors().next().unwrap().line, Some(4), "it points at the signature");
    assert!(judged.signers.is_empty(), "a signature that does not fit names nobody");

    // The value of the signature is changed in its last bytes.
    let der = openssl::cms::CmsContentInfo::from_pem(good.as_bytes()).unwrap().to_der().unwrap();
    let mut broken = der.clone();
    *broken.last_mut().unwrap() ^= 1;
    let pem = |der: &[u8]| openssl::cms::CmsContentInfo::from_der(der).unwrap().to_pem().unwrap();
    let text = format!("{}{}", manifest(), String::from_utf8(pem(&broken)).unwrap());
    assert_eq!(errors(&judge(package(&text, &[]), &trust).found), ["SIGNATURE-0004"]);

    for (what, cms) in [
        ("empty", "-----BEGIN CMS-----\n-----END CMS-----\n"),
        ("garbage", "-----BEGIN CMS-----\nAAAA\n-----END CMS-----\n"),
        ("label", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
    ] {
        let judged = judge(package(&format!("{}{cms}", manifest()), &[]), &trust);
        assert_eq!(errors(&judged.found), ["SIGNATURE-0002"], "{what}");
    }
}

#[test]
fn certificates_out_of_time_are_a_finding_of_their_own() {
    let root = identity("root", Kind::Ec, None);
    let signer = identity("leaf", Kind::Ec, Some(&root));
    let text = format!("{}{}", manifest(), sign(&signer, manifest().as_bytes()));
    for (at, word) in [(NOON + 2 * DAY, "expired on"), (NOON - 2 * DAY, "valid only from")] {
        let mut trust = trust(&[&root]);
        trust.at = at;
        let judged = judge(package(&text, &[]), &trust);
        assert_eq!(errors(&judged.found), ["SIGNATURE-0007"], "{}", judged.found);
        assert!(judged.found.to_string().contains(word), "{}", judged.found);
        assert!(!judged.signers[0].trusted);
        // Both faults at once, where both are there.
        let mut nobody = Trust::new(at, Unsigned::Refuse);
        nobody.add_anchors("x", &identity("stranger", Kind::Ec, None).cert_pem()).unwrap();
        assert_eq!(errors(&judge(package(&text, &[]), &nobody).found), ["SIGNATURE-0006", "SIGNATURE-0007"]);
    }
}

#[test]
fn the_certificate_is_found_in_root_or_where_tosca_meta_says() {
    let signer = identity("leaf", Kind::Rsa, None);
    let other = identity("leaf-other", Kind::Rsa, None);
    // Without certificates inside, as `openssl cms -sign -nocerts` makes it.
    let flags =
        openssl::cms::CMSOptions::DETACHED | openssl::cms::CMSOptions::BINARY | openssl::cms::CMSOptions::CMS_NOCERTS;
    let cms = openssl::cms::CmsContentInfo::sign(
        Some(&signer.certificate),
        Some(&signer.key),
        None,
        Some(manifest().as_bytes()),
        flags,
    )
    .unwrap();
    let text = format!("{}{}", manifest(), String::from_utf8(cms.to_pem().unwrap()).unwrap());
    let trust = trust(&[&signer]);
    assert!(judge(package(&text, &[("a.cert", &signer.cert_pem())]), &trust).found.is_empty());
    assert!(judge(package(&text, &[("a.cer", &signer.certificate.to_der().unwrap())]), &trust).found.is_empty());
    let judged = judge(package(&text, &[]), &trust);
    assert_eq!(errors(&judged.found), ["SIGNATURE-0005"]);
    let judged = judge(package(&text, &[("a.cert", &other.cert_pem())]), &trust);
    assert_eq!(errors(&judged.found), ["SIGNATURE-0005"]);
    assert!(judged.found.to_string().contains("CN=leaf-other"), "the certificate that is there is named");
    let judged = judge(package(&text, &[("a.cert", b"nonsense")]), &trust);
    assert_eq!(errors(&judged.found), ["SIGNATURE-0014", "SIGNATURE-0005"]);

    let meta = format!("{META}ETSI-Entry-Certificate: Files/my.cert\n");
    let files: Vec<(&str, &[u8])> =
        vec![("TOSCA-Metadata/TOSCA.meta", meta.as_bytes()), ("a.mf", text.as_bytes()), ("a.yaml", YAML.as_bytes())];
    let named = signer.cert_pem();
    let with = [files.clone(), vec![("Files/my.cert", named.as_slice())]].concat();
    assert!(judge(zip_of(&with, zip::CompressionMethod::Stored), &trust).found.is_empty());
    let twice = [with, vec![("a.cert", named.as_slice())]].concat();
    let judged = judge(zip_of(&twice, zip::CompressionMethod::Stored), &trust);
    assert_eq!(
        judged.found.iter().map(|d| (d.code.as_ref(), d.severity)).collect::<Vec<_>>(),
        [("SIGNATURE-0010", Severity::Warning)]
    );
}

#[test]
fn an_outer_archive_signs_the_whole_package() {
    let signer = identity("leaf", Kind::Ec, None);
    let trust = trust(&[&signer]);
    let csar = package(&manifest(), &[]);
    let cms = sign(&signer, &csar);
    for method in [zip::CompressionMethod::Stored, zip::CompressionMethod::Deflated] {
        for name in ["a.cms", "a.p7s", "a.sm"] {
            let outer = zip_of(&[("a.csar", &csar), (name, cms.as_bytes())], method);
            let opened = Package::from_bytes(outer.clone(), &Limits::default()).unwrap();
            assert_eq!(opened.entry_definitions(), "a.yaml", "the inner package is what is read");
            assert_eq!(opened.read("a.yaml").unwrap(), YAML.as_bytes());
            let judged = judge(outer, &trust);
            assert!(judged.found.is_empty(), "{}", judged.found);
            assert_eq!((judged.signers[0].covers.as_str(), judged.signers[0].trusted), ("package", true));
        }
        let tampered = package(&manifest().replace("name: a", "name: b"), &[]);
        let outer = zip_of(&[("a.csar", &tampered), ("a.cms", cms.as_bytes())], method);
        assert_eq!(errors(&judge(outer, &trust).found), ["SIGNATURE-0003"]);
    }
    // The same signature in DER, with the certificate beside and a file that does not belong there.
    let der = openssl::cms::CmsContentInfo::from_pem(cms.as_bytes()).unwrap().to_der().unwrap();
    let outer = zip_of(&[("a.csar", &csar), ("a.cms", &der), ("README", b"x")], zip::CompressionMethod::Stored);
    let opened = Package::from_bytes(outer.clone(), &Limits::default()).unwrap();
    assert!(opened.warnings().iter().any(|d| d.code == "ARCHIVE-0045" && d.message.contains("README")));
    assert!(judge(outer, &trust).found.is_empty());
    // An outer archive without a signature is an unsigned package.
    let outer = zip_of(&[("a.csar", &csar)], zip::CompressionMethod::Stored);
    let judged = judge(outer, &trust);
    assert_eq!(judged.found.iter().map(|d| d.code.as_ref()).collect::<Vec<_>>(), ["SIGNATURE-0001"]);
}

#[test]
fn policy_decides_on_unsigned_packages_and_on_signers_nobody_knows() {
    let plain = package(&manifest(), &[]);
    let signer = identity("leaf", Kind::Ec, None);
    let signed = package(&format!("{}{}", manifest(), sign(&signer, manifest().as_bytes())), &[]);
    for (policy, severity) in
        [(Unsigned::Accept, None), (Unsigned::Warn, Some(Severity::Warning)), (Unsigned::Refuse, Some(Severity::Error))]
    {
        let trust = Trust::new(NOON, policy);
        let of = |s: Signatures, code: &str| s.found.iter().find(|d| d.code == code).map(|d| d.severity);
        assert_eq!(of(judge(plain.clone(), &trust), "SIGNATURE-0001"), severity, "{policy:?}");
        let known = of(judge(signed.clone(), &trust), "SIGNATURE-0008");
        assert_eq!(known, severity.or(Some(Severity::Note)), "{policy:?}");
    }
}

#[test]
fn artifacts_are_signed_one_by_one() {
    let signer = identity("leaf", Kind::Rsa, None);
    let trust = trust(&[&signer]);
    let good = sign(&signer, b"artifact");
    let list = |rest: &str| format!("{}Source: Files/x.sh\n{rest}", manifest());
    let files: Vec<(&str, &[u8])> = vec![("Files/x.sh", b"artifact"), ("Files/x.sig.cms", good.as_bytes())];
    let judged = judge(package(&list("Signature: Files/x.sig.cms\n"), &files), &trust);
    assert_eq!(errors(&judged.found), Vec::<&str>::new());
    assert_eq!(judged.signers[0].covers, "Files/x.sh");
    assert!(judged.found.iter().any(|d| d.code == "SIGNATURE-0001"), "the package as a whole is not signed");

    let wrong: Vec<(&str, &[u8])> = vec![("Files/x.sh", b"artefact"), ("Files/x.sig.cms", good.as_bytes())];
    let judged = judge(package(&list("Signature: Files/x.sig.cms\n"), &wrong), &trust);
    assert_eq!(errors(&judged.found), ["SIGNATURE-0003"]);
    assert_eq!(judged.found.errors().next().unwrap().line, Some(4), "it points at the artifact's block");

    let judged = judge(package(&list("Signature: Files/gone.cms\nCertificate: Files/gone.cert\n"), &files), &trust);
    assert_eq!(errors(&judged.found), ["SIGNATURE-0012", "SIGNATURE-0012"]);

    let moved: Vec<(&str, &[u8])> = vec![("Files/x.sh", b"artifact"), ("y.cms", good.as_bytes())];
    let judged = judge(package(&list("Signature: y.cms\n"), &moved), &trust);
    assert!(judged.found.iter().any(|d| d.code == "SIGNATURE-0013" && d.severity == Severity::Warning));
    assert!(judged.found.to_string().contains("Files/x.sig.cms"), "the right name is told: {}", judged.found);
}

#[test]
fn text_signed_in_the_way_of_mail_is_read_and_told() {
    let signer = identity("leaf", Kind::Rsa, None);
    let trust = trust(&[&signer]);
    for content in [manifest().replace('\n', "\r\n"), manifest().trim_end_matches('\n').to_owned() + "\n"] {
        let text = format!("{}{}", manifest(), sign(&signer, content.as_bytes()));
        let judged = judge(package(&text, &[]), &trust);
        let codes: Vec<_> = judged.found.iter().map(|d| (d.code.as_ref(), d.severity)).collect();
        assert_eq!(codes, [("SIGNATURE-0011", Severity::Warning)], "{}", judged.found);
    }
    // What follows the signature is not covered by it.
    let text = format!("{}{}Source: late\n", manifest(), sign(&signer, manifest().as_bytes()));
    let found = Package::from_bytes(package(&text, &[]), &Limits::default()).unwrap_err();
    assert!(found.errors().any(|d| d.code == "SIGNATURE-0011"), "{found}");
}

#[test]
fn weak_digests_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let signer = identity("leaf", Kind::Rsa, None);
    for (name, bytes) in [("k", signer.key_pem()), ("c", signer.cert_pem()), ("t", manifest().into_bytes())] {
        std::fs::write(dir.path().join(name), bytes).unwrap();
    }
    for (md, pss, expected) in
        [("sha1", false, vec!["SIGNATURE-0009"]), ("sha384", true, vec![]), ("sha512", false, vec![])]
    {
        let mut command = std::process::Command::new("openssl");
        command.current_dir(dir.path());
        command
            .args(["cms", "-sign", "-binary", "-md", md, "-signer", "c", "-inkey", "k", "-in", "t", "-outform", "PEM"]);
        if pss {
            command.args(["-keyopt", "rsa_padding_mode:pss", "-keyopt", "rsa_pss_saltlen:17"]);
        }
        let made = command.output().expect("the openssl command line tool");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let text = format!("{}{}", manifest(), String::from_utf8(made.stdout).unwrap());
        let judged = judge(package(&text, &[]), &trust(&[&signer]));
        assert_eq!(
            judged.found.iter().map(|d| d.code.as_ref()).collect::<Vec<_>>(),
            expected,
            "{md}: {}",
            judged.found
        );
        assert!(judged.signers[0].trusted);
    }
}

#[test]
fn smime_is_read() {
    let signer = identity("leaf", Kind::Rsa, None);
    let csar = package(&manifest(), &[]);
    let dir = tempfile::tempdir().unwrap();
    for (name, bytes) in [("k", signer.key_pem()), ("c", signer.cert_pem()), ("t", csar.clone())] {
        std::fs::write(dir.path().join(name), bytes).unwrap();
    }
    // Opaque, with the content inside, and detached, with the content beside; both in the form that the tool takes for usual.
    for more in [&["-nodetach"][..], &[][..]] {
        let made = std::process::Command::new("openssl")
            .current_dir(dir.path())
            .args(["cms", "-sign", "-binary", "-signer", "c", "-inkey", "k", "-in", "t", "-outform", "SMIME"])
            .args(more)
            .output()
            .expect("the openssl command line tool");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let outer = zip_of(&[("a.csar", &csar), ("a.sm", &made.stdout)], zip::CompressionMethod::Stored);
        let judged = judge(outer, &trust(&[&signer]));
        assert!(judged.found.is_empty(), "{more:?}: {}", judged.found);
        let other = package(&manifest().replace("name: a", "name: b"), &[]);
        let outer = zip_of(&[("a.csar", &other), ("a.sm", &made.stdout)], zip::CompressionMethod::Stored);
        assert_eq!(errors(&judge(outer, &trust(&[&signer])).found), ["SIGNATURE-0003"], "{more:?}");
    }
    // BER with lengths that are not given before the content, as the tool streams it.
    let made = std::process::Command::new("openssl")
        .current_dir(dir.path())
        .args(["cms", "-sign", "-binary", "-stream", "-signer", "c", "-inkey", "k", "-in", "t", "-outform", "DER"])
        .output()
        .expect("the openssl command line tool");
    assert!(made.stdout.starts_with(&[0x30, 0x80]), "an unbounded length");
    let outer = zip_of(&[("a.csar", &csar), ("a.cms", &made.stdout)], zip::CompressionMethod::Stored);
    let judged = judge(outer, &trust(&[&signer]));
    assert!(judged.found.is_empty(), "{}", judged.found);
}

#[test]
fn hostile_signatures_are_refused_quickly() {
    let trust = Trust::new(NOON, Unsigned::Warn);
    let csar = package(&manifest(), &[]);
    let nested: Vec<u8> = (0..5000).flat_map(|_| [0x30, 0x84, 0x7f, 0xff, 0xff, 0xff]).collect();
    let unbounded: Vec<u8> = std::iter::repeat_n([0x30, 0x80], 200_000).flatten().collect();
    let zeros = vec![0; 900_000];
    let spaces = vec![b' '; 900_000];
    let begins = "-----BEGIN CMS-----\n".repeat(40_000).into_bytes();
    for bytes in [&nested, &unbounded, &zeros, &spaces, &begins] {
        let outer = zip_of(&[("a.csar", &csar), ("a.cms", bytes)], zip::CompressionMethod::Stored);
        let start = Instant::now();
        let judged = judge(outer, &trust);
        assert_eq!(errors(&judged.found), ["SIGNATURE-0002"], "{}", judged.found);
        assert!(start.elapsed() < Duration::from_secs(2), "took {:?}", start.elapsed());
    }
    // A signature file beyond every honest size is not read at all.
    let large = vec![b'-'; 2 << 20];
    let outer = zip_of(&[("a.csar", &csar), ("a.cms", &large)], zip::CompressionMethod::Stored);
    let found = Package::from_bytes(outer, &Limits::default()).unwrap_err();
    assert!(found.to_string().contains("at most 1048576 are read"), "{found}");
    // Every cut of a good signature is told, and none makes the reader fall over.
    let good = sign(&identity("leaf", Kind::Ec, None), &csar);
    let der = openssl::cms::CmsContentInfo::from_pem(good.as_bytes()).unwrap().to_der().unwrap();
    for cut in (1..der.len()).step_by(7) {
        let outer = zip_of(&[("a.csar", &csar), ("a.cms", &der[..cut])], zip::CompressionMethod::Stored);
        assert_eq!(errors(&judge(outer, &trust).found), ["SIGNATURE-0002"], "cut at {cut}");
    }
}

#[test]
fn keys_that_do_not_fit_are_told() {
    let one = identity("leaf", Kind::Rsa, None);
    let two = identity("leaf", Kind::Rsa, None);
    let told = |key: &[u8], certificate: &[u8]| SigningKey::new(key, certificate).unwrap_err().to_string();
    assert!(told(&one.key_pem(), &two.cert_pem()).contains("does not belong"));
    assert!(told(b"x", &two.cert_pem()).contains("private key cannot be read"));
    assert!(told(&one.key_pem(), b"x").contains("certificate"));
    let locked = one.key.private_key_to_pem_pkcs8_passphrase(openssl::symm::Cipher::aes_128_cbc(), b"secret").unwrap();
    assert!(told(&locked, &one.cert_pem()).contains("without a password"));
    let ed = identity("leaf", Kind::Ed25519, None);
    let refused = signing(&ed).sign(&b"x"[..], HashAlgorithm::Sha256, None).unwrap_err();
    assert!(refused.to_string().contains("SHA-512"), "{refused}");
    assert!(Trust::new(0, Unsigned::Warn).add_anchors("a.pem", b"nothing").unwrap_err().to_string().contains("a.pem"));
}
