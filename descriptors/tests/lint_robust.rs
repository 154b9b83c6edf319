//! Whatever stands in TOSCA.meta, manifest and signature files: the doctor answers, in every form, and a fix is whole.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::zip_of;
use descriptors::archive::{Limits, Package};
use descriptors::lint::{LintOptions, Mode, fix, lint};
use descriptors::signature::{self, Trust, Unsigned};
use proptest::prelude::*;

/// Lines of the kind that such files hold, whole and broken.
fn line() -> impl Strategy<Value = String> {
    let hash = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    let known: Vec<String> = [
        "",
        "  ",
        "metadata:",
        "  vnf_product_name: a",
        "Source: a.yaml",
        "source: x",
        "  Source: x",
        "Source: gone",
        "Source: https://example.com/x",
        "Algorithm: SHA-256",
        "Algorithm:",
        "Algorithm: SHA-512",
        "Algorithm: SHA-1",
        "Hash: 00",
        "Signature: x",
        "Certificate: x",
        "non_mano_artifact_sets:",
        "  set:",
        "set:",
        "# a comment",
        "-----BEGIN CMS-----",
        "-----END CMS-----",
        "AAAA",
        "TOSCA-Meta-File-Version: 1.0",
        "CSAR-Version: 1.1",
        "Created-by: x",
        "Entry-Definitions: a.yaml",
        "Entry-Manifest: a.mf",
        "ETSI-Entry-Manifest: a.mf",
        "Entry-Licences: x",
        "Name: x",
        "Content-Type: text/plain",
        ": x",
        "x",
        "\u{feff}Name: é",
        "Hash:\t0\r",
    ]
    .iter()
    .map(|s| (*s).to_owned())
    .chain([format!("Hash: {hash}"), format!("  Hash: {hash}{hash}")])
    .collect();
    prop_oneof![8 => proptest::sample::select(known), 1 => "[ -~]{0,30}"]
}

fn text() -> impl Strategy<Value = String> {
    (proptest::collection::vec(line(), 0..25), prop_oneof![Just("\n"), Just("\r\n")])
        .prop_map(|(lines, end)| lines.join(end))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_fix_is_whole_and_brings_no_new_fault(meta in text(), manifest in text()) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.csar");
        let yaml = "tosca_definitions_version: tosca_simple_yaml_1_3\n";
        std::fs::write(
            &path,
            zip_of(&[("TOSCA-Metadata/TOSCA.meta", &meta), ("a.mf", &manifest), ("a.yaml", yaml), ("x", "abc")]),
        )
        .unwrap();
        let trust = Trust::new(0, Unsigned::Warn);
        let options = LintOptions { mode: Mode::Lenient, limits: Limits::default(), trust, extra: Vec::new(), kind: None };
        let before = lint(&path, &options);
        prop_assert!(before.findings.iter().all(|f| f.line > 0 && f.column > 0));
        serde_json::from_str::<serde_json::Value>(&before.to_sarif().to_string()).unwrap();
        let xml = before.to_junit();
        let mut reader = quick_xml::Reader::from_str(&xml);
        while !matches!(reader.read_event().unwrap(), quick_xml::events::Event::Eof) {}
        let fixed = fix(&path, &Limits::default()).unwrap();
        let after = lint(&path, &options);
        if fixed.left.is_empty() {
            for finding in &after.findings {
                let known = before.findings.iter().any(|f| f.code == finding.code);
                // A manifest that is named only now is read only now.
                prop_assert!(known || !finding.fixable, "{} is new\n{}\n{:?}", finding.code, after.to_text(), fixed);
            }
        }
        let again = fix(&path, &Limits::default()).unwrap();
        prop_assert!(again.changes.is_empty(), "{:?} then {:?}", fixed, again);
    }

    #[test]
    fn signatures_of_any_bytes_are_answered(bytes in proptest::collection::vec(any::<u8>(), 0..300), form in 0..4_u8) {
        let content = match form {
            0 => bytes.clone(),
            1 => [&[0x30, 0x82], bytes.as_slice()].concat(),
            2 => format!("-----BEGIN CMS-----\n{}\n-----END CMS-----\n", openssl::base64::encode_block(&bytes)).into_bytes(),
            _ => [b"MIME-Version: 1.0\nContent-Type: multipart/signed\n\n", bytes.as_slice()].concat(),
        };
        let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        let inner = zip_of(&[("a.yaml", "")]);
        for (name, bytes) in [("a.csar", &inner), ("a.cms", &content)] {
            zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
            std::io::Write::write_all(&mut zip, bytes).unwrap();
        }
        let package = Package::from_bytes(zip.finish().unwrap().into_inner(), &Limits::default()).unwrap();
        let judged = signature::check(&package, &Trust::new(0, Unsigned::Refuse));
        prop_assert!(judged.found.has_errors() && judged.signers.is_empty());
    }
}
