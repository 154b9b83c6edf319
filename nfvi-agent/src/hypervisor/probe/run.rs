//! Runs the probe guest on a connection to libvirt.

use std::path::Path;
use std::time::{Duration, Instant};

use uuid::Uuid;
use virt::connect::Connect;
use virt::domain::Domain;
use virt::sys;

use super::{PATIENCE, PREFIX, WORD, disk, domain_xml};
use crate::hypervisor::Acceleration;

/// Runs the probe guest and waits for its word. Whatever happens, the guest and its files are gone afterwards.
///
/// # Errors
/// Why the word did not come.
pub(in crate::hypervisor) fn try_guest(
    connection: &Connect,
    scratch: &Path,
    acceleration: Acceleration,
) -> Result<Duration, String> {
    let name = format!("{PREFIX}{}", Uuid::new_v4().simple());
    let (image, serial) = (scratch.join(format!("{name}.img")), scratch.join(format!("{name}.txt")));
    let tried = prepare(&image, &serial).and_then(|()| {
        let xml = domain_xml(&name, acceleration, &image, &serial);
        // Should this process die now, libvirt destroys the guest together with the connection.
        let started = Domain::create_xml(connection, &xml, sys::VIR_DOMAIN_START_AUTODESTROY);
        let domain = started.map_err(|error| format!("did not start: {}", one_line(error.message())))?;
        let heard = wait_for_word(&domain, &serial);
        let _ = domain.destroy();
        heard
    });
    let _ = std::fs::remove_file(&image);
    let _ = std::fs::remove_file(&serial);
    tried
}

fn prepare(image: &Path, serial: &Path) -> Result<(), String> {
    let written = std::fs::write(image, disk()).and_then(|()| std::fs::write(serial, b""));
    written.map_err(|error| format!("could not be tried: {}: {error}", image.display()))
}

fn wait_for_word(domain: &Domain, serial: &Path) -> Result<Duration, String> {
    let started = Instant::now();
    loop {
        let heard = std::fs::read(serial).unwrap_or_default();
        if String::from_utf8_lossy(&heard).contains(WORD) {
            return Ok(started.elapsed());
        }
        if !domain.is_active().unwrap_or(false) {
            return Err("died right after its start".into());
        }
        if started.elapsed() > PATIENCE {
            return Err(format!("got nowhere within {PATIENCE:?}"));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// What broke, out of QEMU's words: the first line that says `error`, without its time and program.
fn one_line(text: &str) -> &str {
    let lines = || text.lines().map(str::trim).filter(|line| !line.is_empty());
    let line = lines().find(|line| line.contains("error: ")).or_else(|| lines().next_back()).unwrap_or(text);
    line.rsplit_once("error: ").map_or(line, |(_, what)| what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_is_taken_out_of_the_words_of_qemu() {
        let words = "internal error: qemu unexpectedly closed the monitor: 2026-01-01T00:00:00Z qemu-system-x86_64: error: failed to set MSR 0x10a to 0x69\n\
                     qemu-system-x86_64: ../kvm.c:3183: kvm_buf_set_msrs: Assertion failed.";
        assert_eq!(one_line(words), "failed to set MSR 0x10a to 0x69");
        assert_eq!(one_line("Could not access KVM kernel module"), "Could not access KVM kernel module");
    }
}
