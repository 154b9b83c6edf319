//! Runs the probe guest on a connection to libvirt.

use std::path::Path;
use std::time::{Duration, Instant};

use uuid::Uuid;
use virt::connect::Connect;
use virt::domain::Domain;
use virt::sys;

use super::{PATIENCE, Verdict, WORD, disk, domain_xml};
use crate::hypervisor::Acceleration;

/// Runs the probe guest and waits for its word. Whatever happens, the guest and its files are gone afterwards.
pub(in crate::hypervisor) fn try_kvm(connection: &Connect, scratch: &Path) -> Verdict {
    let name = format!("mano-probe-{}", Uuid::new_v4().simple());
    let (image, serial) = (scratch.join(format!("{name}.img")), scratch.join(format!("{name}.txt")));
    let verdict = match std::fs::write(&image, disk()).and_then(|()| std::fs::write(&serial, b"")) {
        Err(error) => Verdict::tcg(format!("no KVM guest could be tried: {}: {error}", image.display())),
        Ok(()) => {
            let xml = domain_xml(&name, Acceleration::Kvm, &image, &serial);
            // Should this process die now, libvirt destroys the guest together with the connection.
            match Domain::create_xml(connection, &xml, sys::VIR_DOMAIN_START_AUTODESTROY) {
                Err(error) => Verdict::tcg(format!("a KVM guest did not start: {}", one_line(error.message()))),
                Ok(domain) => {
                    let verdict = wait_for_word(&domain, &serial);
                    let _ = domain.destroy();
                    verdict
                }
            }
        }
    };
    let _ = std::fs::remove_file(&image);
    let _ = std::fs::remove_file(&serial);
    verdict
}

fn wait_for_word(domain: &Domain, serial: &Path) -> Verdict {
    let started = Instant::now();
    loop {
        let heard = std::fs::read(serial).unwrap_or_default();
        if String::from_utf8_lossy(&heard).contains(WORD) {
            return Verdict {
                acceleration: Acceleration::Kvm,
                reason: format!("a KVM guest ran and answered after {:.1} s", started.elapsed().as_secs_f64()),
            };
        }
        if !domain.is_active().unwrap_or(false) {
            return Verdict::tcg("a KVM guest died right after its start");
        }
        if started.elapsed() > PATIENCE {
            return Verdict::tcg(format!("a KVM guest got nowhere within {:?}", PATIENCE));
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
