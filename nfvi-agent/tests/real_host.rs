//! The agent on real libvirt, QEMU and Open vSwitch, in a private NFVI of each test's own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use nfvi_agent::hypervisor::libvirt::Libvirt;
use nfvi_agent::hypervisor::{Acceleration, Hypervisor};
use reference_points::nf_vi::{
    AgentEvent, InventoryKind, MachineSpec, MachineState, PowerAction, PowerRequest, VolumeSpec,
};
use support::nfvi::{AgentOn, Nfvi, blank_image, guest_image, small};
use support::{names, spec};
use uuid::Uuid;

/// The process of a machine's QEMU.
fn qemu_pid(nfvi: &Nfvi, domain: &str) -> u32 {
    let file = nfvi.run().join("libvirt/qemu").join(format!("{domain}.pid"));
    std::fs::read_to_string(file).unwrap().trim().parse().unwrap()
}

async fn repaired(agent: &AgentOn, after: i64, id: Uuid) {
    let running = |event: &AgentEvent| matches!(event, AgentEvent::Machine { machine } if machine.id == id && machine.state == MachineState::Running);
    agent.event_after(after, running).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn real_guest_boots_survives_the_agent_and_leaves_nothing() {
    let Some(nfvi) = Nfvi::up() else { return };
    let Some(image_file) = guest_image(&nfvi.run()) else { return };
    let agent = nfvi.agent().await;
    let image = agent.upload(&image_file).await;
    let (id, port) = (Uuid::now_v7(), Uuid::now_v7());
    let wanted = MachineSpec { memory_bytes: 192 << 20, ..spec(image, port) };
    let made = agent.client.put_machine(id, &wanted).await.unwrap();
    let domain = made.domain.unwrap();
    agent.until_state(id, MachineState::Running).await;
    let pid = qemu_pid(&nfvi, &domain);
    let held = nfvi.tool(
        "ovs-vsctl",
        &["--bare", "--columns=external_ids", "find", "Interface", &format!("external_ids:iface-id={port}")],
    );
    assert!(held.contains(&id.to_string()), "{held}");

    // The agent goes while the guest boots, and another one takes over.
    agent.kill().await;
    let agent = nfvi.agent().await;
    agent.client.put_machine(id, &wanted).await.unwrap();
    agent.until_console_says(id, "VNF-READY host=edge-1").await;
    agent.until_console_says(id, "10.0.0.5/24").await;
    assert_eq!(qemu_pid(&nfvi, &domain), pid, "it ran on");
    // The guest by which the new agent learns whether KVM works is there for a moment.
    let there = nfvi.tool("virsh", &["list", "--all", "--name"]);
    let machines: Vec<&str> = there.split_whitespace().filter(|name| !name.starts_with("mano-probe-")).collect();
    assert_eq!(machines, [domain.as_str()]);

    let measured = agent.client.measurements(id).await.unwrap();
    assert!(measured.cpu_time_ns > 0 && measured.resident_bytes > 0 && measured.disk_read_bytes > 0, "{measured:?}");
    assert!(measured.received_bytes.contains_key(&port));
    assert!(agent.client.console(id).await.unwrap().path.starts_with("/dev/pts/"));
    let facts = agent.client.host().await.unwrap().facts;
    println!("{} because {}", facts.acceleration, facts.acceleration_reason);
    assert!(["kvm", "tcg"].contains(&facts.acceleration.as_str()) && facts.hypervisor.contains("QEMU"));
    let found = agent.client.inventory().await.unwrap();
    assert!(
        found.gaps.is_empty() && found.items.len() == 4 && found.items.iter().all(|item| item.desired),
        "{found:?}"
    );
    assert_eq!(found.items[0].owner, Some(support::owner()), "the mark is read out of libvirt");

    // The guest reboots when it is asked to, and is not reset on top of it.
    let after = agent.last_event().await;
    let request = PowerRequest { action: PowerAction::RebootGraceful, grace_seconds: Some(600) };
    agent.client.power(id, &request).await.unwrap();
    repaired(&agent, after, id).await;
    agent.until_console(id, |log| log.matches("VNF-READY").count() == 2).await;
    assert_eq!(qemu_pid(&nfvi, &domain), pid, "the same process");

    // The guest powers off when it is asked to.
    let after = agent.last_event().await;
    agent.client.power(id, &PowerRequest { action: PowerAction::StopGraceful, grace_seconds: Some(60) }).await.unwrap();
    let stopped =
        |event: &AgentEvent| matches!(event, AgentEvent::Machine { machine } if machine.state == MachineState::Stopped);
    agent.event_after(after, stopped).await;
    assert!(nfvi.tool("virsh", &["list", "--name"]).trim().is_empty());

    let after = agent.last_event().await;
    agent.client.delete_machine(id).await.unwrap();
    agent.event_after(after, |event| matches!(event, AgentEvent::MachineDeleted { .. })).await;
    agent.client.delete_image(image).await.unwrap();
    assert!(nfvi.tool("virsh", &["list", "--all", "--name"]).trim().is_empty());
    assert!(nfvi.tool("ovs-vsctl", &["list-ports", "br-int"]).trim().is_empty());
    assert!(agent.client.inventory().await.unwrap().items.is_empty());
    assert!(names(&nfvi.state().join("machines")).is_empty() && names(&nfvi.state().join("images")).is_empty());
    assert!(names(&nfvi.state().join("scratch")).is_empty(), "the probe's files");
    agent.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn real_damage_from_outside_is_repaired_and_told() {
    let Some(nfvi) = Nfvi::up() else { return };
    let agent = nfvi.agent().await;
    let image = blank_image(&agent, &nfvi).await;
    let (id, port) = (Uuid::now_v7(), Uuid::now_v7());
    let domain = agent.client.put_machine(id, &small(image, port)).await.unwrap().domain.unwrap();
    agent.until_state(id, MachineState::Running).await;

    let after = agent.last_event().await;
    assert!(
        std::process::Command::new("kill")
            .args(["-9", &qemu_pid(&nfvi, &domain).to_string()])
            .status()
            .unwrap()
            .success()
    );
    repaired(&agent, after, id).await;

    let after = agent.last_event().await;
    nfvi.tool("virsh", &["undefine", &domain]);
    nfvi.tool("virsh", &["destroy", &domain]);
    repaired(&agent, after, id).await;
    // Undefined and destroyed are two events, and may be repaired one after the other.
    agent.client.put_machine(id, &small(image, port)).await.unwrap();
    let seen = async {
        while !nfvi.tool("virsh", &["list", "--name", "--persistent"]).contains(&domain) {
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(60), seen).await.expect("defined and running again");

    let tap = nfvi_agent::hypervisor::tap_name(port);
    let after = agent.last_event().await;
    nfvi.tool("ovs-vsctl", &["--no-wait", "del-port", &tap]);
    repaired(&agent, after, id).await;
    assert!(nfvi.tool("ovs-vsctl", &["list-ports", "br-int"]).contains(&tap));

    let after = agent.last_event().await;
    nfvi.tool("ovs-vsctl", &["--no-wait", "del-br", "br-int"]);
    let told = |what: &'static str| move |event: &AgentEvent| matches!(event, AgentEvent::Host { what: told, .. } if told == what);
    agent.event_after(after, told("bridge_lost")).await;
    agent.event_after(after, told("bridge_back")).await;
    repaired(&agent, after, id).await;
    assert!(nfvi.tool("ovs-vsctl", &["list-ports", "br-int"]).contains(&tap));

    // What others plant is named.
    let stray = Uuid::new_v4();
    nfvi.tool(
        "ovs-vsctl",
        &[
            "--no-wait",
            "add-port",
            "br-int",
            "stray0",
            "--",
            "set",
            "Interface",
            "stray0",
            "type=internal",
            &format!("external_ids:iface-id={stray}"),
        ],
    );
    std::fs::write(nfvi.state().join(format!("volumes/{stray}.qcow2")), b"x").unwrap();
    let planted = nfvi.run().join("stray.xml");
    std::fs::write(&planted, "<domain type='qemu'><name>mano-stray</name><memory unit='MiB'>16</memory><os><type machine='q35'>hvm</type></os></domain>").unwrap();
    nfvi.tool("virsh", &["define", planted.to_str().unwrap()]);
    let found = agent.client.inventory().await.unwrap();
    let strays: Vec<InventoryKind> = found.items.iter().filter(|item| !item.desired).map(|item| item.kind).collect();
    assert_eq!(strays, [InventoryKind::Domain, InventoryKind::SwitchPort, InventoryKind::Volume], "{found:?}");

    let after = agent.last_event().await;
    agent.client.delete_machine(id).await.unwrap();
    agent.event_after(after, |event| matches!(event, AgentEvent::MachineDeleted { .. })).await;
    agent.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn real_libvirtd_dies_and_comes_back_while_machines_run_on() {
    let Some(nfvi) = Nfvi::up() else { return };
    let agent = nfvi.agent().await;
    let image = blank_image(&agent, &nfvi).await;
    let (first, second) = (Uuid::now_v7(), Uuid::now_v7());
    let domain = agent.client.put_machine(first, &small(image, Uuid::now_v7())).await.unwrap().domain.unwrap();
    agent.until_state(first, MachineState::Running).await;
    let pid = qemu_pid(&nfvi, &domain);

    let after = agent.last_event().await;
    let libvirtd = std::fs::read_to_string(nfvi.run().join("libvirtd.pid")).unwrap();
    assert!(std::process::Command::new("kill").args(["-9", libvirtd.trim()]).status().unwrap().success());
    let told = |what: &'static str| move |event: &AgentEvent| matches!(event, AgentEvent::Host { what: told, .. } if told == what);
    agent.event_after(after, told("hypervisor_lost")).await;
    // Asked for meanwhile, made afterwards.
    agent.client.put_machine(second, &small(image, Uuid::now_v7())).await.unwrap();
    assert_ne!(agent.client.host().await.unwrap().health["hypervisor"], "ok");
    nfvi.again();
    agent.event_after(after, told("hypervisor_back")).await;
    agent.until_state(second, MachineState::Running).await;
    assert_eq!(qemu_pid(&nfvi, &domain), pid, "the first machine ran on");

    // Its events are heard again.
    let after = agent.last_event().await;
    assert!(std::process::Command::new("kill").args(["-9", &pid.to_string()]).status().unwrap().success());
    repaired(&agent, after, first).await;
    for id in [first, second] {
        agent.client.delete_machine(id).await.unwrap();
    }
    for id in [first, second] {
        agent.event_after(after, |event| matches!(event, AgentEvent::MachineDeleted { id: gone } if *gone == id)).await;
    }
    agent.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn real_interfaces_and_volumes_are_plugged_into_a_running_guest() {
    let Some(nfvi) = Nfvi::up() else { return };
    let Some(image_file) = guest_image(&nfvi.run()) else { return };
    let agent = nfvi.agent().await;
    let image = agent.upload(&image_file).await;
    let (id, volume, extra) = (Uuid::now_v7(), Uuid::now_v7(), Uuid::now_v7());
    let plain = MachineSpec { memory_bytes: 192 << 20, ..spec(image, Uuid::now_v7()) };
    let domain = agent.client.put_machine(id, &plain).await.unwrap().domain.unwrap();
    agent.until_console_says(id, "VNF-READY").await;
    let volume_spec = VolumeSpec { name: "data".into(), owner: support::owner(), size_bytes: 64 << 20, image_id: None };
    agent.client.put_volume(volume, &volume_spec).await.unwrap();

    let mut more = plain.clone();
    more.nics.push(reference_points::nf_vi::NicSpec { port_id: extra, mac: support::mac(extra), mtu: None });
    more.volumes.push(reference_points::nf_vi::VolumeAttachment { volume_id: volume });
    let after = agent.last_event().await;
    agent.client.put_machine(id, &more).await.unwrap();
    let ports = || nfvi.tool("ovs-vsctl", &["list-ports", "br-int"]).lines().count();
    repaired(&agent, after + 1, id).await;
    assert_eq!(ports(), 2);
    assert!(nfvi.tool("virsh", &["domblklist", &domain]).contains(&volume.to_string()));

    let after = agent.last_event().await;
    agent.client.put_machine(id, &plain).await.unwrap();
    // The guest lets go in its own time, and that is told.
    repaired(&agent, after + 1, id).await;
    assert_eq!(ports(), 1);
    assert!(!nfvi.tool("virsh", &["domblklist", &domain]).contains(&volume.to_string()));
    assert!(!nfvi.tool("virsh", &["domblklist", &domain, "--inactive"]).contains(&volume.to_string()));
    agent.client.delete_volume(volume).await.unwrap();
    agent.client.delete_machine(id).await.unwrap();
    agent.event_after(after, |event| matches!(event, AgentEvent::MachineDeleted { .. })).await;
    agent.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn real_probe_guest_answers_without_kvm() {
    let Some(nfvi) = Nfvi::up() else { return };
    let scratch = nfvi.state().join("scratch");
    std::fs::create_dir_all(&scratch).unwrap();
    for dir in [nfvi.state(), scratch.clone()] {
        std::fs::set_permissions(dir, std::os::unix::fs::PermissionsExt::from_mode(0o711)).unwrap();
    }
    let libvirt = Libvirt::start(&nfvi.libvirt_uri(), &scratch).unwrap();
    let after = libvirt.try_guest(Acceleration::Tcg).await.unwrap().expect("the word");
    println!("the probe guest answered after {after:?}");
    let verdict = libvirt.probe().await.unwrap();
    println!("{}: {}", verdict.acceleration.as_str(), verdict.reason);
    assert!(nfvi.tool("virsh", &["list", "--all", "--name"]).trim().is_empty() && names(&scratch).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn real_machines_are_made_side_by_side() {
    let Some(nfvi) = Nfvi::up() else { return };
    let agent = nfvi.agent().await;
    let image = blank_image(&agent, &nfvi).await;
    // The first one waits for the probe.
    let first = Uuid::now_v7();
    agent.client.put_machine(first, &small(image, Uuid::now_v7())).await.unwrap();
    agent.until_state(first, MachineState::Running).await;
    let ids: Vec<Uuid> = (0..4).map(|_| Uuid::now_v7()).collect();
    let started = std::time::Instant::now();
    for id in &ids {
        agent.client.put_machine(*id, &small(image, Uuid::now_v7())).await.unwrap();
    }
    for id in &ids {
        agent.until_state(*id, MachineState::Running).await;
    }
    println!("four machines ran after {:?}", started.elapsed());
    let after = agent.last_event().await;
    for id in ids.iter().chain([&first]) {
        agent.client.delete_machine(*id).await.unwrap();
    }
    for id in ids.iter().chain([&first]) {
        agent.event_after(after, |event| matches!(event, AgentEvent::MachineDeleted { id: gone } if gone == id)).await;
    }
    agent.kill().await;
}
