//! Appliances made for the tests: a hand-written descriptor, archives of any shape, small disks.

use std::path::{Path, PathBuf};
use std::process::Command;

use descriptors::archive::Limits;
use descriptors::diag::{Diagnostics, Severity, Sink};
use descriptors::ovf::{Envelope, ImportOptions, Imported, OvfError, QemuImg, import, read_envelope};

/// A descriptor in the words of common exporters. Marks are filled in by [`Appliance`].
const DESCRIPTOR: &str = include_str!("../data/appliance.ovf");

/// Bytes that a disk holds at its beginning, to be found again after conversions.
pub const MARK: u8 = 0xa7;

/// Whether disks can be made; says so when they cannot.
pub fn qemu_img() -> bool {
    let there = QemuImg::default().is_there();
    if !there {
        println!("SKIPPED: qemu-img is not installed");
    }
    there
}

/// Makes a disk of 3 MiB with a mark in it.
pub fn disk(path: &Path, arguments: &[&str]) {
    let raw = path.with_extension("source");
    let mut content = vec![0_u8; 3 << 20];
    content[512..1024].fill(MARK);
    std::fs::write(&raw, content).unwrap();
    let made = Command::new("qemu-img")
        .args(["convert", "-f", "raw"])
        .args(arguments)
        .args([raw.as_os_str(), path.as_os_str()])
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    std::fs::remove_file(raw).unwrap();
}

/// The content of a disk as a guest sees it.
pub fn content(path: &Path, format: &str) -> Vec<u8> {
    let raw = path.with_extension("raw-again");
    let made = Command::new("qemu-img")
        .args(["convert", "-f", format, "-O", "raw"])
        .args([path.as_os_str(), raw.as_os_str()])
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let bytes = std::fs::read(&raw).unwrap();
    std::fs::remove_file(raw).unwrap();
    bytes
}

/// Arguments of `qemu-img convert` for the first disk of the descriptor.
pub const STREAM: &[&str] = &["-O", "vmdk", "-o", "subformat=streamOptimized"];

pub const VMDK: &str = "http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized";
pub const VHD: &str = "http://technet.microsoft.com/en-us/library/bb676673.aspx";

/// The descriptor with the file and format of its first disk.
pub fn descriptor(href: &str, format: &str) -> String {
    DESCRIPTOR.replace("@HREF@", href).replace("@FORMAT@", format)
}

/// A tar archive in ustar format.
pub fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(1_700_000_000);
        // Past the library's own check of names: archives that mean harm have none.
        header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
        header.set_cksum();
        tar.append(&header, *bytes).unwrap();
    }
    tar.into_inner().unwrap()
}

/// A place for files, with what is imported from it.
pub struct Place(pub tempfile::TempDir);

impl Place {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    pub fn import(&self, source: &Path, out: &str) -> Result<Imported, OvfError> {
        import(source, &self.path(out), &ImportOptions::default(), &QemuImg::default())
    }

    /// What is wrong with an appliance that must be refused; nothing of a package may stay behind.
    pub fn refused(&self, source: &Path) -> Diagnostics {
        self.refused_with(source, &ImportOptions::default())
    }

    pub fn refused_with(&self, source: &Path, options: &ImportOptions) -> Diagnostics {
        let before = self.listed();
        match import(source, &self.path("refused.csar"), options, &QemuImg::default()) {
            Err(OvfError::Content(found)) => {
                assert!(found.has_errors(), "{found}");
                assert_eq!(self.listed(), before, "something stays behind");
                found
            }
            other => panic!("must be refused: {other:?}"),
        }
    }

    fn listed(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.0.path()).unwrap();
        let mut names: Vec<String> = entries.map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

/// Limits small enough to be reached.
pub fn small() -> ImportOptions {
    let limits =
        Limits { entries: 20, name_bytes: 60, entry_bytes: 1 << 20, text_bytes: 64 << 10, ..Limits::default() };
    ImportOptions { limits, ..ImportOptions::default() }
}

/// Reads a descriptor alone.
pub fn read(text: &str) -> (Option<Envelope>, Diagnostics) {
    let mut sink = Sink::new();
    let envelope = read_envelope("a.ovf", text, &mut sink);
    (envelope, sink.finish())
}

/// The one finding whose message holds `words`.
#[track_caller]
pub fn told<'f>(found: &'f Diagnostics, words: &str) -> &'f descriptors::diag::Diagnostic {
    let all: Vec<_> = found.iter().filter(|d| d.message.contains(words)).collect();
    assert_eq!(all.len(), 1, "{words:?} in\n{found}");
    all[0]
}

/// Asserts an error with this code, and its line where it has one.
#[track_caller]
pub fn error(found: &Diagnostics, words: &str, code: &str, line: Option<u32>) {
    let one = told(found, words);
    assert_eq!((one.severity, one.code.as_ref(), one.line), (Severity::Error, code, line), "{one}");
}
