//! The domain XML of a machine, a pure function of its [`DomainPlan`] (libvirt domain format).
//!
//! A q35 machine, virtio throughout, no USB, a serial console that is also written to a file, a guest agent channel,
//! random numbers, a balloon, and spare PCIe root ports, because on q35 what is plugged in later needs a port of its own
//! that was there at the start.

use std::path::Path;

use super::metadata;
use super::xml::Element;
use super::{Acceleration, Disk, DomainPlan, Nic};

/// PCIe root ports that stay free for what is plugged in while the guest runs.
pub const SPARE_ROOT_PORTS: usize = 12;

/// How often a guest is asked for its memory's use, in seconds.
const BALLOON_SECS: u32 = 5;

/// The document that defines the machine.
pub fn render(plan: &DomainPlan) -> String {
    let kind = match plan.acceleration {
        Acceleration::Kvm => "kvm",
        Acceleration::Tcg => "qemu",
    };
    Element::new("domain")
        .attr("type", kind)
        .child(Element::text("name", &plan.name))
        .child(Element::text("uuid", plan.id))
        .child(Element::text("title", &plan.title))
        .child(Element::new("metadata").child(metadata::element(&plan.owner)))
        .child(Element::text("memory", plan.memory_bytes / 1024).attr("unit", "KiB"))
        .child(Element::text("vcpu", plan.vcpus))
        .children(cpu_tune(plan))
        .children(memory_backing(plan))
        .child(
            Element::new("os")
                .child(Element::text("type", "hvm").attr("arch", "x86_64").attr("machine", "q35"))
                .child(Element::new("boot").attr("dev", "hd")),
        )
        .child(Element::new("features").child(Element::new("acpi")).child(Element::new("apic")))
        .child(cpu(plan))
        .child(Element::new("clock").attr("offset", "utc"))
        // The guest's own reboot stays a reboot; whatever ends it ends the domain, and the agent decides what follows.
        .child(Element::text("on_poweroff", "destroy"))
        .child(Element::text("on_reboot", "restart"))
        .child(Element::text("on_crash", "destroy"))
        .child(devices(plan))
        .render()
}

fn cpu_tune(plan: &DomainPlan) -> Option<Element> {
    let pins = plan.pinned.iter().enumerate();
    (!plan.pinned.is_empty()).then(|| {
        Element::new("cputune")
            .children(pins.map(|(vcpu, host)| Element::new("vcpupin").attr("vcpu", vcpu).attr("cpuset", host)))
    })
}

fn memory_backing(plan: &DomainPlan) -> Option<Element> {
    plan.hugepage_bytes.map(|bytes| {
        Element::new("memoryBacking")
            .child(Element::new("hugepages").child(Element::new("page").attr("size", bytes / 1024).attr("unit", "KiB")))
    })
}

fn cpu(plan: &DomainPlan) -> Element {
    match plan.acceleration {
        Acceleration::Kvm => Element::new("cpu").attr("mode", "host-passthrough").attr("check", "none"),
        Acceleration::Tcg => Element::new("cpu")
            .attr("mode", "custom")
            .attr("match", "exact")
            .child(Element::text("model", "qemu64").attr("fallback", "allow")),
    }
}

fn devices(plan: &DomainPlan) -> Element {
    // Disks, interfaces, guest agent channel, random numbers and balloon sit on a root port each.
    let ports = plan.disks.len() + plan.nics.len() + 3 + SPARE_ROOT_PORTS;
    let boots = plan.disks.iter().enumerate().map(|(index, drive)| disk(drive, &target(index)));
    Element::new("devices")
        .child(Element::new("controller").attr("type", "usb").attr("model", "none"))
        .child(Element::new("controller").attr("type", "pci").attr("model", "pcie-root"))
        .children((0..ports).map(|_| Element::new("controller").attr("type", "pci").attr("model", "pcie-root-port")))
        .children(boots)
        .children(plan.nics.iter().map(nic))
        .child(
            Element::new("serial")
                .attr("type", "pty")
                .child(Element::new("log").attr("file", plan.console_log.display()).attr("append", "on"))
                .child(Element::new("target").attr("port", 0)),
        )
        .child(
            Element::new("console")
                .attr("type", "pty")
                .child(Element::new("target").attr("type", "serial").attr("port", 0)),
        )
        .child(
            Element::new("channel")
                .attr("type", "unix")
                .child(Element::new("target").attr("type", "virtio").attr("name", "org.qemu.guest_agent.0")),
        )
        .child(
            Element::new("rng")
                .attr("model", "virtio")
                .child(Element::text("backend", "/dev/urandom").attr("model", "random")),
        )
        // The guest's driver tells every so many seconds how much memory is used.
        .child(
            Element::new("memballoon")
                .attr("model", "virtio")
                .child(Element::new("stats").attr("period", BALLOON_SECS)),
        )
}

/// `vda`, `vdb` … for the disk at this position.
pub fn target(index: usize) -> String {
    let mut letters = String::new();
    let mut rest = index;
    loop {
        letters.insert(0, char::from(b'a' + (rest % 26) as u8));
        if rest < 26 {
            return format!("vd{letters}");
        }
        rest = rest / 26 - 1;
    }
}

/// One disk.
pub fn disk(disk: &Disk, target: &str) -> Element {
    let format = match disk.format {
        reference_points::nf_vi::DiskFormat::Qcow2 => "qcow2",
        reference_points::nf_vi::DiskFormat::Raw => "raw",
    };
    // A full disk halts the guest instead of breaking its file system, and it goes on once there is space.
    let driver = Element::new("driver").attr("name", "qemu").attr("type", format).attr("error_policy", "enospace");
    let driver = if disk.read_only { driver } else { driver.attr("discard", "unmap") };
    Element::new("disk")
        .attr("type", "file")
        .attr("device", "disk")
        .child(driver)
        .child(Element::new("source").attr("file", disk.path.display()))
        .child(Element::new("target").attr("dev", target).attr("bus", "virtio"))
        .children(disk.read_only.then(|| Element::new("readonly")))
        .child(Element::text("serial", &disk.serial))
}

/// As much of a disk as is needed to find it.
pub fn disk_to_detach(path: &Path, target: &str) -> Element {
    Element::new("disk")
        .attr("type", "file")
        .attr("device", "disk")
        .child(Element::new("source").attr("file", path.display()))
        .child(Element::new("target").attr("dev", target).attr("bus", "virtio"))
}

/// As much of an interface as is needed to find it.
pub fn nic_to_detach(mac: &str) -> Element {
    Element::new("interface")
        .attr("type", "bridge")
        .child(Element::new("mac").attr("address", mac))
        // Found by the address alone; the name must be there and is not compared.
        .child(Element::new("source").attr("bridge", "any"))
        .child(Element::new("model").attr("type", "virtio"))
}

/// One network interface.
pub fn nic(nic: &Nic) -> Element {
    let off = |element: Element, names: &[&'static str]| names.iter().fold(element, |e, name| e.attr(name, "off"));
    let driver = (!nic.offloads).then(|| {
        Element::new("driver")
            .attr("name", "qemu")
            .child(off(Element::new("host"), &["csum", "gso", "tso4", "tso6", "ecn", "ufo"]))
            .child(off(Element::new("guest"), &["csum", "tso4", "tso6", "ecn", "ufo"]))
    });
    Element::new("interface")
        .attr("type", "bridge")
        .child(Element::new("mac").attr("address", &nic.mac))
        .child(Element::new("source").attr("bridge", &nic.bridge))
        .child(
            Element::new("virtualport")
                .attr("type", "openvswitch")
                .child(Element::new("parameters").attr("interfaceid", nic.port_id)),
        )
        .child(Element::new("target").attr("dev", &nic.tap))
        .child(Element::new("model").attr("type", "virtio"))
        .children(driver)
        .children(nic.mtu.map(|mtu| Element::new("mtu").attr("size", mtu)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::hypervisor::{domain_name, tap_name};
    use reference_points::common::{Owner, OwnerKind};
    use reference_points::nf_vi::DiskFormat;
    use uuid::Uuid;

    fn plan() -> DomainPlan {
        let id = Uuid::from_u128(0x0198_aaaa_bbbb_7ccc_8ddd_1122_3344_5566);
        let port = Uuid::from_u128(0x0198_aaaa_bbbb_7ccc_8ddd_0000_0000_0001);
        DomainPlan {
            id,
            name: domain_name(id),
            title: "edge <1> & \"friends\"".into(),
            owner: Owner {
                kind: OwnerKind::VnfInstance,
                id: Uuid::from_u128(7),
                operation: Some(Uuid::from_u128(8)),
                step: Some("compute/edge".into()),
            },
            acceleration: Acceleration::Tcg,
            vcpus: 1,
            pinned: vec![],
            memory_bytes: 192 << 20,
            hugepage_bytes: None,
            disks: vec![
                Disk {
                    path: "/s/machines/x/root.qcow2".into(),
                    format: DiskFormat::Qcow2,
                    read_only: false,
                    serial: "root".into(),
                },
                Disk {
                    path: "/s/machines/x/config.iso".into(),
                    format: DiskFormat::Raw,
                    read_only: true,
                    serial: "config".into(),
                },
            ],
            nics: vec![Nic {
                port_id: port,
                mac: "02:00:00:00:00:01".into(),
                mtu: Some(1442),
                bridge: "br-int".into(),
                tap: tap_name(port),
                offloads: false,
            }],
            console_log: "/s/machines/x/console.log".into(),
        }
    }

    #[test]
    fn a_translated_machine_with_one_port_on_the_userspace_datapath() {
        insta::assert_snapshot!(render(&plan()));
    }

    #[test]
    fn an_accelerated_machine_pinned_on_huge_pages_with_offloads() {
        let mut plan = plan();
        plan.acceleration = Acceleration::Kvm;
        plan.vcpus = 2;
        plan.pinned = vec![3, 5];
        plan.hugepage_bytes = Some(2 << 20);
        plan.nics[0].offloads = true;
        plan.nics[0].mtu = None;
        insta::assert_snapshot!(render(&plan));
    }

    #[test]
    fn disks_are_named_beyond_the_alphabet() {
        assert_eq!(
            (target(0).as_str(), target(25).as_str(), target(26).as_str(), target(701).as_str()),
            ("vda", "vdz", "vdaa", "vdzz")
        );
    }

    #[test]
    fn names_fit_and_ids_of_the_same_moment_differ() {
        let (a, b) = (Uuid::now_v7(), Uuid::now_v7());
        assert_ne!(domain_name(a), domain_name(b));
        assert_ne!(tap_name(a), tap_name(b));
        assert!(tap_name(a).len() <= 15);
    }
}
