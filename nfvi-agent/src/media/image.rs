//! What an uploaded image is: its format and size, read from its first bytes, and whether it may be used.
//!
//! A qcow2 file can name other files to read from. A guest that boots from such an image would read whatever file of the
//! host the image names, so images with a backing file or an external data file are refused. The header is read here and
//! not by a tool, because tools follow what it says.

use reference_points::common::Fault;
use reference_points::nf_vi::DiskFormat;

/// Bytes of the beginning of an image that [`examine`] looks at; less only if the image is shorter.
pub const HEAD_BYTES: usize = 64 * 1024;
/// Largest size a guest may see, in bytes: 16 TiB.
pub const MAX_VIRTUAL_BYTES: u64 = 16 << 40;

const QCOW2_MAGIC: [u8; 4] = *b"QFI\xfb";
/// Header extensions and incompatible features that matter here.
const EXTENSION_END: u32 = 0;
const EXTENSION_DATA_FILE: u32 = 0x4441_5441;
const FEATURE_DIRTY: u64 = 1;
const FEATURE_CORRUPT: u64 = 2;
const FEATURE_DATA_FILE: u64 = 4;
const FEATURES_KNOWN: u64 = 0x1f;

/// What an image was found to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Examined {
    /// Its format.
    pub format: DiskFormat,
    /// Size the guest sees, in bytes.
    pub virtual_bytes: u64,
}

/// Looks at the beginning of an image of `file_bytes` bytes that was said to be `declared`.
///
/// # Errors
/// Every reason why it may not be used.
pub fn examine(head: &[u8], file_bytes: u64, declared: Option<DiskFormat>) -> Result<Examined, Vec<Fault>> {
    let fault = |message: String, mend: &str| Fault::new("body", message).mend(mend);
    if file_bytes == 0 {
        return Err(vec![fault("the image is empty".into(), "send its content")]);
    }
    let is_qcow2 = head.starts_with(&QCOW2_MAGIC);
    let examined = match (declared, is_qcow2) {
        (Some(DiskFormat::Qcow2), false) => {
            let found = foreign_format(head).unwrap_or("no disk image format known here");
            return Err(vec![fault(
                format!("declared as qcow2, but it begins like {found}"),
                "convert it with `qemu-img convert -O qcow2`, or declare it raw",
            )]);
        }
        (Some(DiskFormat::Raw), true) => {
            return Err(vec![fault("declared as raw, but it is a qcow2 image".into(), "declare it qcow2")]);
        }
        (_, true) => qcow2(head)?,
        (_, false) => {
            if let Some(found) = foreign_format(head) {
                return Err(vec![fault(
                    format!("it begins like {found}, which guests cannot boot from here"),
                    "convert it with `qemu-img convert -O qcow2`",
                )]);
            }
            // QEMU rounds a raw file up to whole sectors.
            Examined { format: DiskFormat::Raw, virtual_bytes: file_bytes.div_ceil(512) * 512 }
        }
    };
    if examined.virtual_bytes > MAX_VIRTUAL_BYTES {
        return Err(vec![fault(
            format!("the guest would see {} bytes; at most {MAX_VIRTUAL_BYTES} are allowed", examined.virtual_bytes),
            "use a smaller image",
        )]);
    }
    Ok(examined)
}

/// Formats that are often uploaded by mistake.
fn foreign_format(head: &[u8]) -> Option<&'static str> {
    let known: [(&[u8], &str); 10] = [
        (b"KDMV", "a VMDK image"),
        (b"# Disk DescriptorFile", "a VMDK descriptor"),
        (b"conectix", "a VHD image"),
        (b"vhdxfile", "a VHDX image"),
        (b"<<< ", "a VirtualBox image"),
        (b"PK\x03\x04", "a zip archive"),
        (b"\x1f\x8b", "a gzip file"),
        (b"\xfd7zXZ", "an xz file"),
        (b"BZh", "a bzip2 file"),
        (b"<!DOCTYPE", "a web page"),
    ];
    known.iter().find(|(magic, _)| head.starts_with(magic)).map(|(_, name)| *name)
}

fn be32(head: &[u8], at: usize) -> Option<u32> {
    head.get(at..at + 4)?.try_into().ok().map(u32::from_be_bytes)
}

fn be64(head: &[u8], at: usize) -> Option<u64> {
    head.get(at..at + 8)?.try_into().ok().map(u64::from_be_bytes)
}

/// Reads a qcow2 header (version 2 or 3).
fn qcow2(head: &[u8]) -> Result<Examined, Vec<Fault>> {
    let convert = "make it again with `qemu-img convert -O qcow2 OLD NEW`";
    let one = |message: &str| vec![Fault::new("body", message).mend(convert)];
    let truncated = || one("the qcow2 header is cut off");
    let version = be32(head, 4).ok_or_else(truncated)?;
    let backing_offset = be64(head, 8).ok_or_else(truncated)?;
    let cluster_bits = be32(head, 20).ok_or_else(truncated)?;
    let virtual_bytes = be64(head, 24).ok_or_else(truncated)?;
    let encryption = be32(head, 32).ok_or_else(truncated)?;
    if !matches!(version, 2 | 3) {
        return Err(one(&format!("qcow2 version {version} is not known; 2 and 3 are")));
    }
    let (features, header_bytes) = match version {
        2 => (0, 72),
        _ => (be64(head, 72).ok_or_else(truncated)?, be32(head, 100).ok_or_else(truncated)?),
    };

    let mut faults = Vec::new();
    let mut refuse = |message: String| faults.push(Fault::new("body", message).mend(convert));
    if backing_offset != 0 {
        refuse("the image has a backing file: it would read another file of the host".into());
    }
    if features & FEATURE_DATA_FILE != 0 {
        refuse("the image keeps its data in an external file: it would read another file of the host".into());
    }
    if features & FEATURE_CORRUPT != 0 {
        refuse("the image is marked as corrupt".into());
    }
    if features & FEATURE_DIRTY != 0 {
        refuse("the image was not closed properly by whoever wrote it".into());
    }
    if features & !FEATURES_KNOWN != 0 {
        refuse(format!("the image needs features that are not known here ({:#x})", features & !FEATURES_KNOWN));
    }
    if encryption != 0 {
        refuse("the image is encrypted, and nobody here has its key".into());
    }
    if !(9..=21).contains(&cluster_bits) {
        refuse(format!("clusters of 2^{cluster_bits} bytes are outside what the format allows"));
    }
    if virtual_bytes == 0 {
        refuse("the guest would see an empty disk".into());
    }
    for name in extensions(head, header_bytes).map_err(|()| truncated())? {
        refuse(format!("the image names {name}: it would read another file of the host"));
    }
    if faults.is_empty() { Ok(Examined { format: DiskFormat::Qcow2, virtual_bytes }) } else { Err(faults) }
}

/// Extensions that refer to other files. A header that runs out of what was read is an error.
fn extensions(head: &[u8], header_bytes: u32) -> Result<Vec<&'static str>, ()> {
    let mut at = usize::try_from(header_bytes).map_err(|_| ())?;
    if at < 72 {
        return Err(());
    }
    let mut found = Vec::new();
    // Each extension takes eight bytes at least, so the loop ends with the head.
    while at + 8 <= head.len() {
        let kind = be32(head, at).ok_or(())?;
        let length = usize::try_from(be32(head, at + 4).ok_or(())?).map_err(|_| ())?;
        match kind {
            EXTENSION_END => return Ok(found),
            EXTENSION_DATA_FILE => found.push("an external data file"),
            _ => {}
        }
        at = at.checked_add(8).and_then(|at| at.checked_add(length.checked_next_multiple_of(8)?)).ok_or(())?;
    }
    Err(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::process::Command;

    fn header() -> Vec<u8> {
        let mut head = vec![0u8; 4096];
        head[..4].copy_from_slice(&QCOW2_MAGIC);
        head[4..8].copy_from_slice(&3u32.to_be_bytes());
        head[20..24].copy_from_slice(&16u32.to_be_bytes());
        head[24..32].copy_from_slice(&(32u64 << 20).to_be_bytes());
        head[100..104].copy_from_slice(&104u32.to_be_bytes());
        head
    }

    fn messages(head: &[u8]) -> String {
        let faults = examine(head, 1 << 20, Some(DiskFormat::Qcow2)).unwrap_err();
        faults.iter().map(|f| f.message.clone()).collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn a_plain_qcow2_and_a_raw_file_are_recognised() {
        let found = examine(&header(), 1 << 20, None).unwrap();
        assert_eq!(found, Examined { format: DiskFormat::Qcow2, virtual_bytes: 32 << 20 });
        let found = examine(&[0x33, 0xc0], 1000, None).unwrap();
        assert_eq!(found, Examined { format: DiskFormat::Raw, virtual_bytes: 1024 });
    }

    #[test]
    fn whatever_reaches_for_other_files_is_refused_and_all_reasons_are_told_at_once() {
        let mut head = header();
        head[8..16].copy_from_slice(&512u64.to_be_bytes());
        head[72..80].copy_from_slice(&(FEATURE_DATA_FILE | FEATURE_CORRUPT | 0x100).to_be_bytes());
        head[32..36].copy_from_slice(&2u32.to_be_bytes());
        head[20..24].copy_from_slice(&40u32.to_be_bytes());
        head[104..108].copy_from_slice(&EXTENSION_DATA_FILE.to_be_bytes());
        let said = messages(&head);
        for word in ["backing file", "external file", "corrupt", "0x100", "encrypted", "2^40", "external data file"] {
            assert!(said.contains(word), "{word} in {said}");
        }
    }

    #[test]
    fn headers_that_lie_about_their_length_are_refused() {
        let mut endless = header();
        endless[104..108].copy_from_slice(&7u32.to_be_bytes());
        endless[108..112].copy_from_slice(&u32::MAX.to_be_bytes());
        assert!(messages(&endless).contains("cut off"));
        let mut short = header();
        short[100..104].copy_from_slice(&8u32.to_be_bytes());
        assert!(messages(&short).contains("cut off"));
        assert!(messages(&header()[..50]).contains("cut off"));
    }

    #[test]
    fn mistaken_declarations_say_what_the_file_is() {
        assert!(messages(b"PK\x03\x04....").contains("zip"));
        let faults = examine(&header(), 1 << 20, Some(DiskFormat::Raw)).unwrap_err();
        assert!(faults[0].message.contains("is a qcow2"));
        assert!(examine(b"KDMV", 4, None).unwrap_err()[0].message.contains("VMDK"));
        assert!(examine(b"", 0, None).unwrap_err()[0].message.contains("empty"));
    }

    #[test]
    fn a_guest_disk_beyond_the_limit_is_refused() {
        let mut head = header();
        head[24..32].copy_from_slice(&(MAX_VIRTUAL_BYTES + 1).to_be_bytes());
        assert!(messages(&head).contains("at most"));
    }

    #[test]
    fn images_made_by_qemu_img_are_judged_rightly() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        let make = |args: &[&str]| Command::new("qemu-img").args(args).current_dir(dir.path()).output();
        let Ok(made) = make(&["create", "-q", "-f", "qcow2", "base.qcow2", "8M"]) else {
            println!("SKIPPED: qemu-img is not installed");
            return;
        };
        assert!(made.status.success());
        make(&["create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", "base.qcow2", "over.qcow2"]).unwrap();
        make(&["create", "-q", "-f", "qcow2", "-o", "data_file=data.raw", "data.qcow2", "8M"]).unwrap();
        make(&["create", "-q", "-f", "qcow2", "-o", "compat=0.10", "old.qcow2", "8M"]).unwrap();
        let look = |name: &str| {
            let bytes = std::fs::read(path(name)).unwrap();
            examine(&bytes[..bytes.len().min(HEAD_BYTES)], bytes.len() as u64, None)
        };
        assert_eq!(look("base.qcow2").unwrap().virtual_bytes, 8 << 20);
        assert_eq!(look("old.qcow2").unwrap().virtual_bytes, 8 << 20);
        assert!(look("over.qcow2").unwrap_err().iter().any(|f| f.message.contains("backing file")));
        assert!(look("data.qcow2").unwrap_err().iter().any(|f| f.message.contains("external file")));
    }
}
