//! KVM or TCG, found out by running a guest for a moment.
//!
//! That `/dev/kvm` exists and libvirt offers KVM proves nothing: nested in another hypervisor a guest may be refused its
//! processor, or crawl without ever getting anywhere. So a guest of half a kilobyte is started the way real ones are: a
//! boot sector that counts for a moment and then writes a word to the serial port. Where that word comes in time there is
//! KVM. It needs no image, and nothing of it stays.

pub(super) mod run;

use std::path::Path;
use std::time::Duration;

use super::Acceleration;
use super::xml::Element;

/// What the probe guest writes.
pub const WORD: &str = "MANO-PROBE-OK";
/// How the name of a probe guest begins.
pub const PREFIX: &str = "mano-probe-";
/// How long a KVM guest may take. It needs well under a second where KVM is real, loaded machines included.
pub const PATIENCE: Duration = Duration::from_secs(10);
/// Rounds that the guest counts: a tenth of a second on a real processor.
const ROUNDS: u32 = 1 << 27;
/// Size of the disk that holds the boot sector.
const DISK_BYTES: usize = 1 << 20;

/// The finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// How guest code shall be run.
    pub acceleration: Acceleration,
    /// Why, in one line.
    pub reason: String,
}

impl Verdict {
    /// What the configuration demanded.
    pub fn configured(acceleration: Acceleration) -> Verdict {
        Verdict { acceleration, reason: "set in the agent's configuration".into() }
    }

    /// No KVM, and why.
    pub fn tcg(reason: impl Into<String>) -> Verdict {
        Verdict { acceleration: Acceleration::Tcg, reason: reason.into() }
    }
}

/// A disk whose boot sector counts to [`ROUNDS`] and then writes [`WORD`] to the first serial port, 16-bit x86 code.
pub fn disk() -> Vec<u8> {
    let rounds = ROUNDS.to_le_bytes();
    let mut code: Vec<u8> = vec![
        0x31, 0xc0, // xor ax, ax
        0x8e, 0xd8, // mov ds, ax
        0xfc, // cld
        0x66, 0xb9, rounds[0], rounds[1], rounds[2], rounds[3], // mov ecx, ROUNDS
        0x66, 0x49, // count: dec ecx
        0x75, 0xfc, // jnz count
        0xbe, 0, 0,    // mov si, WORD (address filled in below)
        0xac, // next: lodsb
        0x84, 0xc0, // test al, al
        0x74, 0x12, // jz rest
        0x88, 0xc4, // mov ah, al
        0xba, 0xfd, 0x03, // mov dx, 0x3fd
        0xec, // busy: in al, dx
        0xa8, 0x20, // test al, 0x20
        0x74, 0xfb, // jz busy
        0xba, 0xf8, 0x03, // mov dx, 0x3f8
        0x88, 0xe0, // mov al, ah
        0xee, // out dx, al
        0xeb, 0xe9, // jmp next
        0xf4, // rest: hlt
        0xeb, 0xfd, // jmp rest
    ];
    // The firmware loads the sector to 0x7c00.
    let word = (0x7c00 + code.len() as u16).to_le_bytes();
    code[16..18].copy_from_slice(&word);
    code.extend_from_slice(WORD.as_bytes());
    code.push(0);
    let mut disk = vec![0u8; DISK_BYTES];
    disk[..code.len()].copy_from_slice(&code);
    disk[510] = 0x55;
    disk[511] = 0xaa;
    disk
}

/// The probe guest: transient, without network, 64 MiB.
pub fn domain_xml(name: &str, acceleration: Acceleration, disk: &Path, serial: &Path) -> String {
    let (kind, cpu) = match acceleration {
        Acceleration::Kvm => ("kvm", Element::new("cpu").attr("mode", "host-passthrough").attr("check", "none")),
        Acceleration::Tcg => (
            "qemu",
            Element::new("cpu")
                .attr("mode", "custom")
                .child(Element::text("model", "qemu64").attr("fallback", "allow")),
        ),
    };
    Element::new("domain")
        .attr("type", kind)
        .child(Element::text("name", name))
        .child(Element::text("memory", 64).attr("unit", "MiB"))
        .child(Element::text("vcpu", 1))
        .child(
            Element::new("os")
                .child(Element::text("type", "hvm").attr("arch", "x86_64").attr("machine", "q35"))
                .child(Element::new("boot").attr("dev", "hd")),
        )
        .child(Element::new("features").child(Element::new("acpi")).child(Element::new("apic")))
        .child(cpu)
        .child(Element::text("on_crash", "destroy"))
        .child(
            Element::new("devices")
                .child(Element::new("controller").attr("type", "usb").attr("model", "none"))
                .child(
                    Element::new("disk")
                        .attr("type", "file")
                        .attr("device", "disk")
                        .child(Element::new("driver").attr("name", "qemu").attr("type", "raw"))
                        .child(Element::new("source").attr("file", disk.display()))
                        .child(Element::new("target").attr("dev", "vda").attr("bus", "virtio")),
                )
                .child(
                    Element::new("serial")
                        .attr("type", "file")
                        .child(Element::new("source").attr("path", serial.display()))
                        .child(Element::new("target").attr("port", 0)),
                )
                .child(Element::new("memballoon").attr("model", "none")),
        )
        .render()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_boot_sector_is_one_and_its_jumps_hit() {
        let disk = disk();
        assert_eq!(&disk[510..512], [0x55, 0xaa]);
        let word = usize::from(u16::from_le_bytes([disk[16], disk[17]])) - 0x7c00;
        assert_eq!(&disk[word..word + WORD.len()], WORD.as_bytes());
        let jump = |at: usize| (at as isize + 2 + disk[at + 1] as i8 as isize) as usize;
        assert_eq!(disk[jump(13)..jump(13) + 2], [0x66, 0x49], "count");
        assert_eq!(disk[jump(21)], 0xf4, "rest");
        assert_eq!(disk[jump(31)], 0xec, "busy");
        assert_eq!(disk[jump(39)], 0xac, "next");
        assert_eq!(disk[jump(42)], 0xf4, "rest again");
    }
}
