//! What several test files share: packing samples, making archives.
#![allow(dead_code)]

use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};

use descriptors::archive::{Limits, Package, pack_dir};

/// Stands for the disk image, which is built elsewhere.
pub const IMAGE: &[u8] = b"QFI\xfb stands for a disk image";

/// The directory of a sample's sources.
pub fn sample_dir(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("samples").join(name)
}

/// The bytes of a packed sample.
pub fn packed_file(name: &str) -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    let image = dir.path().join("vnf.qcow2");
    std::fs::write(&image, IMAGE).unwrap();
    let extra: &[(&str, &Path)] =
        if name == "demo-ns" { &[] } else { &[("Artifacts/Images/vnf.qcow2", image.as_path())] };
    let mut out = Cursor::new(Vec::new());
    pack_dir(&sample_dir(name), extra, &mut out).unwrap_or_else(|e| panic!("{e}"));
    out.into_inner()
}

/// A packed sample, opened.
pub fn pack_sample(name: &str) -> Package {
    Package::from_bytes(packed_file(name), &Limits::default()).unwrap_or_else(|e| panic!("{e}"))
}

/// A zip archive of the given files.
pub fn zip_of(files: &[(&str, &str)]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in files {
        zip.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// An opened package of the given files.
pub fn package_of(files: &[(&str, &str)]) -> Package {
    Package::from_bytes(zip_of(files), &Limits::default()).unwrap_or_else(|e| panic!("{e}"))
}
