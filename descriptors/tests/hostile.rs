//! Archives that mean harm, or are damaged: each is refused quickly, with a plain reason, and all reasons at once.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::io::{Cursor, Write};
use std::time::{Duration, Instant};

use common::zip_of;
use descriptors::archive::{Limits, Package};
use descriptors::diag::Diagnostics;
use descriptors::vnfd::read_vnfd;
use zip::write::SimpleFileOptions;

const META: (&str, &str) = (
    "TOSCA-Metadata/TOSCA.meta",
    "TOSCA-Meta-File-Version: 1.0\nCSAR-Version: 1.1\nCreated-By: x\nEntry-Definitions: a.yaml\nETSI-Entry-Manifest: a.mf\n",
);
const YAML: (&str, &str) = ("a.yaml", "tosca_definitions_version: tosca_simple_yaml_1_3\n");
const MANIFEST: (&str, &str) = ("a.mf", "metadata:\n  vnf_product_name: a\n");

fn limits() -> Limits {
    Limits {
        entries: 50,
        name_bytes: 60,
        entry_bytes: 8 << 20,
        total_bytes: 10 << 20,
        ratio: 100,
        ratio_floor_bytes: 1 << 20,
        text_bytes: 64 << 10,
        ..Limits::default()
    }
}

fn refused(bytes: Vec<u8>) -> Diagnostics {
    let start = Instant::now();
    let found = Package::from_bytes(bytes, &limits()).expect_err("must be refused");
    assert!(start.elapsed() < Duration::from_secs(2), "took {:?}", start.elapsed());
    found
}

fn codes(found: &Diagnostics) -> Vec<&str> {
    found.errors().map(|d| d.code.as_ref()).collect()
}

/// Replaces every occurrence of one byte string by another of the same length.
fn patch(mut bytes: Vec<u8>, from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut hits = 0;
    for i in 0..=bytes.len() - from.len() {
        if bytes[i..].starts_with(from) {
            bytes[i..i + to.len()].copy_from_slice(to);
            hits += 1;
        }
    }
    assert!(hits > 0, "nothing to patch");
    bytes
}

/// Position of the nth central directory header.
fn header(bytes: &[u8], n: usize) -> usize {
    bytes.windows(4).enumerate().filter(|(_, w)| *w == b"PK\x01\x02").nth(n).unwrap().0
}

fn good() -> Vec<(&'static str, &'static str)> {
    vec![META, YAML, MANIFEST]
}

#[test]
fn what_is_no_archive() {
    assert_eq!(codes(&refused(Vec::new())), ["ARCHIVE-0001"]);
    assert_eq!(codes(&refused(b"tosca_definitions_version: x".repeat(10))), ["ARCHIVE-0001"]);
    let whole = zip_of(&good());
    for cut in [whole.len() - 1, whole.len() - 30, whole.len() / 2, 10] {
        assert_eq!(codes(&refused(whole[..cut].to_vec())), ["ARCHIVE-0001"], "cut at {cut}");
    }
}

#[test]
fn names_that_climb_out_are_all_told() {
    let bad = ["../x", "a/../../x", "/etc/passwd", "..\\x", "C:/x", "a//b", "./x", "a/\u{1}b"];
    let mut files = good();
    files.extend(bad.iter().map(|b| (*b, "x")));
    let found = refused(zip_of(&files));
    assert_eq!(codes(&found), vec!["ARCHIVE-0002"; bad.len()], "{found}");
    let text = found.to_string();
    for reason in ["`..`", "absolute", "backslash", "drive letter", "empty step", "`.` step", "control character"] {
        assert!(text.contains(reason), "{reason}: {text}");
    }
}

#[test]
fn links_duplicates_and_long_names() {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in good() {
        zip.start_file(name, SimpleFileOptions::default()).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.add_symlink("link", "/etc/passwd", SimpleFileOptions::default()).unwrap();
    for name in ["dup-1", "dup-2", "Case", "case", "file", "file/below", &"n".repeat(70)] {
        zip.start_file(name, SimpleFileOptions::default()).unwrap();
    }
    let bytes = zip.finish().unwrap().into_inner();
    let found = refused(patch(bytes, b"dup-2", b"dup-1"));
    assert_eq!(
        codes(&found),
        ["ARCHIVE-0004", "ARCHIVE-0003", "ARCHIVE-0004", "ARCHIVE-0008", "ARCHIVE-0004"],
        "{found}"
    );
    assert!(found.to_string().contains("differ only in letter case"), "{found}");
}

#[test]
fn bombs() {
    let zeros = "\0".repeat(4 << 20);
    let mut files = good();
    files.push(("zeros", &zeros));
    let found = refused(zip_of(&files));
    assert_eq!(codes(&found), ["ARCHIVE-0006"], "{found}");

    // Together too large, though each is small enough to pass.
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for name in ["n1", "n2", "n3", "n4"] {
        zip.start_file(name, stored).unwrap();
        zip.write_all(&vec![7; 3 << 20]).unwrap();
    }
    zip.start_file("a.yaml", stored).unwrap();
    assert_eq!(codes(&refused(zip.finish().unwrap().into_inner())), ["ARCHIVE-0005"]);

    // Entries whose packed bytes are the same bytes.
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for name in ["one", "two"] {
        zip.start_file(name, stored).unwrap();
        zip.write_all(&[7; 1000]).unwrap();
    }
    let mut bytes = zip.finish().unwrap().into_inner();
    for n in 0..2 {
        let at = header(&bytes, n);
        bytes[at + 20..at + 24].copy_from_slice(&1900u32.to_le_bytes());
        bytes[at + 24..at + 28].copy_from_slice(&1900u32.to_le_bytes());
    }
    assert!(codes(&refused(bytes)).contains(&"ARCHIVE-0006"));
}

#[test]
fn too_many_entries_are_refused_before_they_are_read() {
    let names: Vec<String> = (0..51).map(|i| format!("f{i}")).collect();
    let files: Vec<(&str, &str)> = names.iter().map(|n| (n.as_str(), "")).collect();
    assert_eq!(codes(&refused(zip_of(&files))), ["ARCHIVE-0007"]);
    // The end record alone may claim anything.
    let mut bytes = zip_of(&good());
    let end = bytes.len() - 22;
    bytes[end + 8..end + 12].copy_from_slice(&[0xfe, 0xff, 0xfe, 0xff]);
    assert_eq!(codes(&refused(bytes)), ["ARCHIVE-0007"]);
}

#[test]
fn encrypted_entries_and_unknown_compression() {
    let mut bytes = zip_of(&[META, YAML, MANIFEST, ("secret", "x"), ("packed", "y")]);
    let at = header(&bytes, 3);
    bytes[at + 8] |= 1;
    let at = header(&bytes, 4);
    bytes[at + 10] = 14;
    assert_eq!(codes(&refused(bytes)), ["ARCHIVE-0009", "ARCHIVE-0010"]);
}

#[test]
fn a_file_that_unpacks_to_another_size_or_content_is_told_on_reading() {
    let big = "y".repeat(1000);
    let bytes = zip_of(&[META, YAML, MANIFEST, ("big", &big)]);
    for declared in [10u32, 2000] {
        let mut bytes = bytes.clone();
        let at = header(&bytes, 3);
        bytes[at + 24..at + 28].copy_from_slice(&declared.to_le_bytes());
        let package = Package::from_bytes(bytes, &limits()).unwrap_or_else(|e| panic!("{e}"));
        assert!(package.read("big").is_err(), "declared {declared}");
    }
    let mut flipped = bytes;
    let at = header(&flipped, 3);
    flipped[at + 16] ^= 0xff;
    let package = Package::from_bytes(flipped, &limits()).unwrap();
    assert!(package.read("big").is_err());
}

#[test]
fn heads_that_do_not_fit() {
    let meta = "Entry-Definitions: gone.yaml\nETSI-Entry-Manifest: gone.mf\nETSI-Entry-Licenses: Licenses\n";
    let found = refused(zip_of(&[(META.0, meta), YAML]));
    assert_eq!(codes(&found), ["ARCHIVE-0023"; 3], "{found}");
    assert_eq!(codes(&refused(zip_of(&[("x/a.yaml", "")]))), ["ARCHIVE-0020"]);
    assert_eq!(codes(&refused(zip_of(&[("a.yaml", ""), ("b.yaml", "")]))), ["ARCHIVE-0020"]);
    let large = "x".repeat(100_000);
    assert_eq!(codes(&refused(zip_of(&[(META.0, &large), YAML]))), ["ARCHIVE-0005"]);
}

#[test]
fn manifests_that_do_not_fit() {
    let right = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    let wrong = right.replace('b', "c");
    let text = format!(
        "metadata:\n  vnf_product_name: a\n\nSource: good\nAlgorithm: SHA-256\nHash: {right}\n\n\
         Source: bad\nAlgorithm: SHA-256\nHash: {wrong}\n\nSource: worse\nAlgorithm: SHA-512\nHash: {}\n",
        right.repeat(2)
    );
    let files = [META, YAML, ("a.mf", &text), ("good", "abc"), ("bad", "abc"), ("worse", "abc")];
    let package = Package::from_bytes(zip_of(&files), &limits()).unwrap();
    let found = package.verify();
    let at: Vec<_> = found.iter().map(|d| (d.code.as_ref(), d.line.unwrap())).collect();
    assert_eq!(at, [("ARCHIVE-0034", 8), ("ARCHIVE-0034", 12)]);
    assert!(found.to_string().contains(right), "the right digest is told");

    let text = format!(
        "{text}\nSource: gone\nAlgorithm: SHA-256\nHash: {right}\n\nSource: ../up\nAlgorithm: SHA-1\nHash: 00\n"
    );
    let files = [META, YAML, ("a.mf", &text), ("good", "abc"), ("bad", "abc"), ("worse", "abc")];
    let found = refused(zip_of(&files));
    assert_eq!(codes(&found), ["ARCHIVE-0033", "ARCHIVE-0002", "ARCHIVE-0036"], "{found}");
}

#[test]
fn several_kinds_of_harm_are_told_together() {
    let zeros = "\0".repeat(4 << 20);
    let files = [("../up", "x"), ("zeros", zeros.as_str()), YAML, ("b.yaml", ""), ("Twice", ""), ("twice", "")];
    let found = refused(zip_of(&files));
    assert_eq!(codes(&found), ["ARCHIVE-0002", "ARCHIVE-0006", "ARCHIVE-0004", "ARCHIVE-0020"], "{found}");
}

#[test]
fn hostile_descriptors_are_refused_quickly() {
    let mut bomb = String::from("a0: &a0 [x,x,x,x,x,x,x,x,x]\n");
    for i in 1..30 {
        bomb.push_str(&format!("a{i}: &a{i} [{}]\n", vec![format!("*a{}", i - 1); 9].join(",")));
    }
    let deep = format!("a: {}", "[".repeat(50_000));
    let latin = "tosca_definitions_version: tosca_simple_yaml_1_3\n";
    for (what, text, code) in [("aliases", bomb.as_str(), "YAML-0003"), ("depth", &deep, "YAML-0001")] {
        let package = Package::from_bytes(zip_of(&[META, ("a.yaml", text), MANIFEST]), &Limits::default()).unwrap();
        let start = Instant::now();
        let found = read_vnfd(&package).unwrap_err();
        assert!(found.errors().any(|d| d.code == code), "{what}: {found}");
        assert!(start.elapsed() < Duration::from_secs(1), "{what} took {:?}", start.elapsed());
    }
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in [META, MANIFEST] {
        zip.start_file(name, SimpleFileOptions::default()).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.start_file("a.yaml", SimpleFileOptions::default()).unwrap();
    zip.write_all(&[latin.as_bytes(), b"description: caf\xe9\n"].concat()).unwrap();
    let package = Package::from_bytes(zip.finish().unwrap().into_inner(), &limits()).unwrap();
    let found = read_vnfd(&package).unwrap_err();
    let first = found.errors().next().unwrap();
    assert_eq!((first.code.as_ref(), first.line), ("YAML-0006", Some(2)));
}

#[test]
fn an_error_behind_very_many_warnings_refuses_the_package() {
    let mut text = String::from("metadata:\n  vnf_product_name: a\nnon_mano_artifact_sets:\n  set:\n");
    for n in 0..1000 {
        text.push_str(&format!("    Source: gone{n}\n"));
    }
    let files = |text: &str| zip_of(&[META, YAML, ("a.mf", text)]);
    let found = Package::from_bytes(files(&text), &limits()).unwrap();
    assert!(found.warnings().len() > 500 && !found.warnings().has_errors(), "files of others may be missing");
    text.push_str("    Source: ../up\n");
    let found = refused(files(&text));
    assert_eq!(codes(&found), ["ARCHIVE-0002"], "{found}");
}

#[test]
fn files_that_hold_nothing_are_refused_with_a_reason() {
    for text in ["", "\n\n", "# nothing\n"] {
        let package = Package::from_bytes(zip_of(&[META, ("a.yaml", text), MANIFEST]), &limits()).unwrap();
        assert!(read_vnfd(&package).unwrap_err().has_errors(), "{text:?}");
        assert!(descriptors::sol006::read("a.yaml", text.as_bytes()).unwrap_err().has_errors(), "{text:?}");
    }
}

#[test]
fn names_as_long_as_a_file_make_no_message_of_that_length() {
    let name = "x".repeat(50_000);
    let text = format!("{}imports:\n  - {name}.yaml\n", YAML.1);
    let package = Package::from_bytes(zip_of(&[META, ("a.yaml", &text), MANIFEST]), &limits()).unwrap();
    let found = read_vnfd(&package).unwrap_err();
    let told = found.errors().find(|d| d.message.contains("xxxx")).expect("the import is missing");
    assert!(told.message.len() < 3000, "{} bytes", told.message.len());
}
