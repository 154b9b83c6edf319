//! Formats of disk files, and a look at their headers before any program opens them: a disk must hold its own content and
//! lead to no other file.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use serde::{Deserialize, Serialize};

/// A format of disk files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DiskFormat {
    /// VMware's, in a single file; streamOptimized too.
    Vmdk,
    /// Virtual PC's.
    Vhd,
    /// Hyper-V's.
    Vhdx,
    /// VirtualBox's.
    Vdi,
    /// QEMU's.
    Qcow2,
    /// No format at all.
    Raw,
}

impl DiskFormat {
    const ALL: [Self; 6] = [Self::Vmdk, Self::Vhd, Self::Vhdx, Self::Vdi, Self::Qcow2, Self::Raw];

    /// By the URI of `ovf:format` (clause 5.2), whose fragment or path names the format.
    #[must_use]
    pub fn from_uri(uri: &str) -> Option<Self> {
        let uri = uri.trim().to_ascii_lowercase();
        if uri.contains("vmdk") {
            Some(Self::Vmdk)
        } else if uri.contains("vhdx") {
            Some(Self::Vhdx)
        } else if uri.contains("vhd") || uri.contains("bb676673") || uri.contains("linkid=137171") {
            Some(Self::Vhd)
        } else if uri.contains("vdi") {
            Some(Self::Vdi)
        } else if uri.contains("qcow") {
            Some(Self::Qcow2)
        } else if uri.split(|c: char| !c.is_ascii_alphanumeric()).any(|w| w == "raw") {
            Some(Self::Raw)
        } else {
            None
        }
    }

    /// By the ending of a file's name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name.rsplit_once('.')?.1.to_ascii_lowercase().as_str() {
            "vmdk" => Some(Self::Vmdk),
            "vhd" => Some(Self::Vhd),
            "vhdx" => Some(Self::Vhdx),
            "vdi" => Some(Self::Vdi),
            "qcow2" => Some(Self::Qcow2),
            "img" | "raw" => Some(Self::Raw),
            _ => None,
        }
    }

    /// As `disk_format` of SOL001 writes it.
    #[must_use]
    pub fn from_sol001(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|f| f.word() == text.to_ascii_lowercase())
    }

    /// The word for people, and of SOL001.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Vmdk => "vmdk",
            Self::Vhd => "vhd",
            Self::Vhdx => "vhdx",
            Self::Vdi => "vdi",
            Self::Qcow2 => "qcow2",
            Self::Raw => "raw",
        }
    }

    /// The name of QEMU's driver.
    #[must_use]
    pub fn driver(self) -> &'static str {
        match self {
            Self::Vhd => "vpc",
            other => other.word(),
        }
    }

    /// The URI of `ovf:format`.
    #[must_use]
    pub fn uri(self) -> &'static str {
        match self {
            Self::Vmdk => "http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized",
            Self::Vhd => "http://technet.microsoft.com/en-us/library/bb676673.aspx",
            Self::Vhdx => "https://learn.microsoft.com/openspecs/windows_protocols/ms-vhdx",
            Self::Vdi => "http://www.virtualbox.org/vdi",
            Self::Qcow2 => "http://www.gnome.org/~markmc/qcow-image-format.html",
            Self::Raw => "urn:raw",
        }
    }
}

/// Largest descriptor inside a VMDK, in bytes; honest ones have one or two sectors.
const MAX_DESCRIPTOR: u64 = 64 << 10;

/// Why a disk file is not given to any program; `None` where its header is honest.
///
/// A VMDK may be a mere text that names other files as its extents, a qcow2 may name a backing or a data file, a VHD may
/// be the difference from a parent: whoever opened such a disk would read files of this machine into it.
pub(super) fn refusal(format: DiskFormat, file: &mut File) -> io::Result<Option<String>> {
    let length = file.seek(SeekFrom::End(0))?;
    let head = read_at(file, 0, 4096)?;
    let why = match format {
        DiskFormat::Vmdk => vmdk(file, &head)?,
        DiskFormat::Vhd => {
            let tail = read_at(file, length.saturating_sub(512), 512)?;
            let footer = [&tail, &head].into_iter().find(|f| f.starts_with(b"conectix"));
            match footer.map(|f| be32(f, 60)) {
                Some(2 | 3) => None,
                Some(4) => Some("it holds only its difference from another disk".to_owned()),
                Some(other) => Some(format!("its disk type {other} is not known")),
                None => not("VHD"),
            }
        }
        DiskFormat::Vhdx => {
            if head.starts_with(b"vhdxfile") {
                None
            } else {
                not("VHDX")
            }
        }
        DiskFormat::Vdi => {
            if be32(&head, 64) == 0x7f10_dabe {
                None
            } else {
                not("VDI")
            }
        }
        DiskFormat::Qcow2 => {
            if !head.starts_with(b"QFI\xfb") {
                not("qcow2")
            } else if be64(&head, 8) != 0 {
                Some("it is an overlay that names a backing file".to_owned())
            } else if be32(&head, 4) >= 3 && be64(&head, 72) & 0b100 != 0 {
                Some("its content is in another file".to_owned())
            } else {
                None
            }
        }
        DiskFormat::Raw => None,
    };
    file.rewind()?;
    Ok(why)
}

fn not(what: &str) -> Option<String> {
    Some(format!("its content is not {what}, as declared"))
}

fn vmdk(file: &mut File, head: &[u8]) -> io::Result<Option<String>> {
    if head.starts_with(b"# Disk DescriptorFile") {
        return Ok(Some("it is a text that names other files as its content".to_owned()));
    }
    if !head.starts_with(b"KDMV") {
        return Ok(not("VMDK in a single file"));
    }
    if le64(head, 12) == 0 {
        return Ok(Some("it has no content but a text that names other files".to_owned()));
    }
    let (at, size) = (le64(head, 28).saturating_mul(512), le64(head, 36).saturating_mul(512));
    if size > MAX_DESCRIPTOR {
        return Ok(Some(format!("the text inside has {size} bytes; the limit is {MAX_DESCRIPTOR}")));
    }
    let text = read_at(file, at, size)?;
    let text = String::from_utf8_lossy(&text).to_ascii_lowercase();
    for line in text.lines() {
        let Some((key, value)) = line.split_once('=') else { continue };
        let value = value.trim_matches(['"', ' ', '\0', '\r']);
        match key.trim() {
            "parentfilenamehint" => return Ok(Some("it holds only its difference from another disk".to_owned())),
            "createtype" if !matches!(value, "monolithicsparse" | "streamoptimized") => {
                return Ok(Some(format!("its kind `{}` spreads over several files", super::names::short(value))));
            }
            _ => {}
        }
    }
    Ok(None)
}

fn read_at(file: &mut File, at: u64, size: u64) -> io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(at))?;
    let mut bytes = Vec::new();
    file.take(size).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn bytes<const N: usize>(from: &[u8], at: usize) -> [u8; N] {
    from.get(at..at + N).and_then(|b| b.try_into().ok()).unwrap_or([0; N])
}

fn be32(from: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(bytes(from, at))
}

fn be64(from: &[u8], at: usize) -> u64 {
    u64::from_be_bytes(bytes(from, at))
}

fn le64(from: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes(from, at))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::io::Write;

    use super::*;

    fn of(format: DiskFormat, content: &[u8]) -> Option<String> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(content).unwrap();
        refusal(format, &mut file).unwrap()
    }

    #[test]
    fn disks_that_lead_elsewhere_are_refused() {
        let text = b"# Disk DescriptorFile\nversion=1\nRW 1 FLAT \"/etc/passwd\" 0\n";
        assert!(of(DiskFormat::Vmdk, text).unwrap().contains("other files"));
        let mut empty = vec![0; 1024];
        empty[..4].copy_from_slice(b"KDMV");
        assert!(of(DiskFormat::Vmdk, &empty).unwrap().contains("no content"));
        let mut child = vec![0; 1024];
        child[..4].copy_from_slice(b"KDMV");
        child[12] = 1;
        child[28] = 1;
        child[36] = 1;
        assert_eq!(of(DiskFormat::Vmdk, &child), None);
        child[512..544].copy_from_slice(b"parentFileNameHint=\"/etc/passwd\"");
        assert!(of(DiskFormat::Vmdk, &child).unwrap().contains("difference"));
        child[512..544].copy_from_slice(b"createType=\"monolithicFlat\"\n    ");
        assert!(of(DiskFormat::Vmdk, &child).unwrap().contains("several files"));
        let mut overlay = vec![0; 1024];
        overlay[..4].copy_from_slice(b"QFI\xfb");
        overlay[7] = 3;
        assert_eq!(of(DiskFormat::Qcow2, &overlay), None);
        overlay[79] = 0b100;
        assert!(of(DiskFormat::Qcow2, &overlay).unwrap().contains("another file"));
        overlay[15] = 1;
        assert!(of(DiskFormat::Qcow2, &overlay).unwrap().contains("backing file"));
        let mut footer = vec![0; 512];
        footer[..8].copy_from_slice(b"conectix");
        footer[63] = 4;
        assert!(of(DiskFormat::Vhd, &footer).unwrap().contains("difference"));
        for (format, _) in DiskFormat::ALL.iter().zip(0..5) {
            assert!(of(*format, b"something else").unwrap().contains("as declared"), "{format:?}");
        }
    }

    #[test]
    fn formats_are_known_by_their_uris() {
        for format in DiskFormat::ALL {
            assert_eq!(DiskFormat::from_uri(format.uri()), Some(format));
            assert_eq!(DiskFormat::from_sol001(format.word()), Some(format));
        }
        assert_eq!(DiskFormat::from_uri("http://example.com/other"), None);
        assert_eq!(DiskFormat::from_uri(""), None);
        assert_eq!(DiskFormat::from_name("disk1.VMDK"), Some(DiskFormat::Vmdk));
    }
}
