//! Packages that are signed as they are made verify with the `openssl` command line tool, and with this crate.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;
#[path = "common/pki.rs"]
mod pki;

use std::io::Cursor;
use std::path::Path;
use std::process::Command;

use common::{IMAGE, sample_dir};
use descriptors::archive::{HashAlgorithm, Limits, PackOptions, Package, SignatureOption, pack_dir_with};
use descriptors::check_signed_vnf_package;
use descriptors::signature::{SigningKey, Trust, Unsigned};
use pki::{Identity, Kind, NOON, identity};

fn build(identity: &Identity, hash: HashAlgorithm, option: SignatureOption) -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    let image = dir.path().join("image");
    std::fs::write(&image, IMAGE).unwrap();
    let key = SigningKey::new(&identity.key_pem(), &identity.cert_pem()).unwrap();
    let options = PackOptions { hash, sign: Some((&key, option)), at: None };
    let mut out = Cursor::new(Vec::new());
    let extra = [("Artifacts/Images/vnf.qcow2", image.as_path())];
    pack_dir_with(&sample_dir("web"), &extra, &options, &mut out).unwrap_or_else(|e| panic!("{e}"));
    out.into_inner()
}

/// `openssl cms -verify` over a detached signature, with the identity as the only anchor.
fn verified(dir: &Path, content: &[u8], signature: &str, anchor: &Identity) -> bool {
    std::fs::write(dir.join("content"), content).unwrap();
    std::fs::write(dir.join("signature"), signature).unwrap();
    std::fs::write(dir.join("anchor"), anchor.cert_pem()).unwrap();
    let made = Command::new("openssl")
        .current_dir(dir)
        .args(["cms", "-verify", "-binary", "-inform", "PEM", "-in", "signature", "-content", "content"])
        .args(["-CAfile", "anchor", "-attime", &NOON.to_string(), "-purpose", "any", "-out", "out"])
        .output()
        .expect("the openssl command line tool");
    println!("{}", String::from_utf8_lossy(&made.stderr));
    made.status.success()
}

#[test]
fn option_1_verifies_over_the_manifest() {
    let dir = tempfile::tempdir().unwrap();
    for (kind, hash) in
        [(Kind::Rsa, HashAlgorithm::Sha256), (Kind::Ec, HashAlgorithm::Sha512), (Kind::Ec, HashAlgorithm::Sha256)]
    {
        let signer = identity("leaf", kind, None);
        let bytes = build(&signer, hash, SignatureOption::Manifest);
        let package = Package::from_bytes(bytes, &Limits::default()).unwrap_or_else(|e| panic!("{e}"));
        let manifest = String::from_utf8(package.read("web.mf").unwrap()).unwrap();
        let (text, signature) = manifest.split_at(manifest.find("-----BEGIN CMS-----").unwrap());
        assert!(text.contains(&format!("Algorithm: {}", hash.name())), "{text}");
        assert!(verified(dir.path(), text.as_bytes(), signature, &signer), "{kind:?} {hash:?}");
        assert!(!verified(dir.path(), text.replace("web", "wab").as_bytes(), signature, &signer));
        assert!(!verified(dir.path(), text.as_bytes(), signature, &identity("leaf-other", kind, None)));
        assert!(package.verify().is_empty());
    }
}

#[test]
fn option_2_verifies_over_the_package() {
    let dir = tempfile::tempdir().unwrap();
    for kind in [Kind::Rsa, Kind::Ec] {
        let signer = identity("leaf", kind, None);
        let bytes = build(&signer, HashAlgorithm::Sha512, SignatureOption::Outer);
        let mut outer = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
        let names: Vec<_> = outer.file_names().map(|n| n.unwrap().into_owned()).collect();
        assert_eq!(names, ["web.csar", "web.cms"]);
        let mut csar = Vec::new();
        std::io::copy(&mut outer.by_name("web.csar").unwrap(), &mut csar).unwrap();
        let signature = std::io::read_to_string(outer.by_name("web.cms").unwrap()).unwrap();
        assert!(verified(dir.path(), &csar, &signature, &signer), "{kind:?}");
        Package::from_bytes(csar, &Limits::default()).unwrap_or_else(|e| panic!("{e}"));
    }
}

#[test]
fn what_is_built_passes_the_whole_check_and_the_same_files_give_the_same_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("web.csar");
    let signer = identity("leaf", Kind::Rsa, None);
    let mut trust = Trust::new(NOON, Unsigned::Refuse);
    trust.add_anchors("anchor", &signer.cert_pem()).unwrap();
    for option in [SignatureOption::Manifest, SignatureOption::Outer] {
        let bytes = build(&signer, HashAlgorithm::Sha256, option);
        assert_eq!(bytes, build(&signer, HashAlgorithm::Sha256, option));
        std::fs::write(&path, &bytes).unwrap();
        let (package, vnfd) =
            check_signed_vnf_package(&path, &Limits::default(), &trust).unwrap_or_else(|e| panic!("{e}"));
        assert!(vnfd.warnings.is_empty(), "{}", vnfd.warnings);
        assert_eq!(package.read("Artifacts/Images/vnf.qcow2").unwrap(), IMAGE);
        // One changed byte of the image, which is stored as it is.
        let mut bytes = bytes;
        let at = bytes.windows(IMAGE.len()).position(|w| w == IMAGE).unwrap();
        bytes[at + 5] ^= 1;
        std::fs::write(&path, &bytes).unwrap();
        let found = check_signed_vnf_package(&path, &Limits::default(), &trust).unwrap_err();
        let expected = if option == SignatureOption::Outer { "SIGNATURE-0003" } else { "ARCHIVE-0010" };
        assert!(found.errors().any(|d| d.code == expected), "{found}");
    }
}

#[test]
fn external_artifacts_and_signatures_of_artifacts_keep_their_blocks() {
    let dir = tempfile::tempdir().unwrap();
    let hash = "ab".repeat(32);
    std::fs::create_dir_all(dir.path().join("TOSCA-Metadata")).unwrap();
    for (name, text) in [
        ("TOSCA-Metadata/TOSCA.meta", "Entry-Definitions: a.yaml\nETSI-Entry-Manifest: a.mf\n".to_owned()),
        ("a.yaml", "tosca_definitions_version: tosca_simple_yaml_1_3\n".to_owned()),
        ("x.sh", "x".to_owned()),
        ("x.sig.cms", "x".to_owned()),
        (
            "a.mf",
            format!(
                "metadata:\n  vnf_product_name: a\n\nSource: x.sh\nSignature: x.sig.cms\n\n\
                 Source: https://example.com/big.qcow2\nAlgorithm: SHA-256\nHash: {hash}\n\n\
                 non_mano_artifact_sets:\n  own:\n    Source: x.sh\n"
            ),
        ),
    ] {
        std::fs::write(dir.path().join(name), text).unwrap();
    }
    let mut out = Cursor::new(Vec::new());
    pack_dir_with(dir.path(), &[], &PackOptions::default(), &mut out).unwrap_or_else(|e| panic!("{e}"));
    let package = Package::from_bytes(out.into_inner(), &Limits::default()).unwrap_or_else(|e| panic!("{e}"));
    let manifest = package.manifest().unwrap();
    let external: Vec<_> = manifest.external().map(|f| f.source.as_str()).collect();
    assert_eq!(external, ["https://example.com/big.qcow2"]);
    let signed = manifest.files.iter().find(|f| f.source == "x.sh").unwrap();
    assert_eq!(signed.signature.as_deref(), Some("x.sig.cms"));
    assert!(signed.digest.is_some());
    assert_eq!(manifest.non_mano_artifact_sets["own"], ["x.sh"]);
    assert!(package.verify().is_empty());
}
