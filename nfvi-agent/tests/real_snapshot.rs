//! Snapshots on a real host: of two disks at once while the machine runs, the return to them, and the agent's process killed
//! at moments of both.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::path::Path;
use std::process::Command;

use reference_points::nf_vi::{
    AgentEvent, Consistency, DiskFormat, MachineSpec, MachineState, Revert, SnapshotSpec, SnapshotState,
    VolumeAttachment, VolumeSpec,
};
use support::names;
use support::nfvi::{Nfvi, small};
use support::process::Process;
use uuid::Uuid;

const PATIENCE: std::time::Duration = std::time::Duration::from_secs(90);

/// Runs a tool of QEMU's on files; what it printed.
fn qemu(tool: &str, args: &[&str], files: &[&Path]) -> String {
    let out = Command::new(tool).args(args).args(files).output().unwrap();
    let printed = String::from_utf8_lossy(&out.stdout).into_owned();
    assert!(out.status.success(), "{tool} {args:?} {files:?}: {printed}{}", String::from_utf8_lossy(&out.stderr));
    printed
}

/// An image with something in it, large enough that copying it takes a moment.
fn image() -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.qcow2");
    qemu("qemu-img", &["create", "-q", "-f", "qcow2"], &[&path, Path::new("64M")]);
    qemu("qemu-io", &["-f", "qcow2", "-c", "write -P 7 0 48M"], &[&path]);
    std::fs::read(path).unwrap()
}

/// Waits until something told lets `holds` be true.
async fn until(agent: &Process, holds: impl AsyncFn() -> bool) {
    let mut events = agent.client.events(0);
    let waiting = async {
        while !holds().await {
            let _: reference_points::common::Sequenced<AgentEvent> = events.next().await.unwrap();
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.expect("it comes");
}

#[tokio::test(flavor = "multi_thread")]
async fn real_agent_killed_with_sigkill_while_it_captures_and_reverts_leaves_whole_disks() {
    let Some(nfvi) = Nfvi::up() else { return };
    if support::lacks(&["qemu-io"]) {
        return;
    }
    let mut agent = Process::over(&nfvi).await;
    let content = image();
    let (image, volume, id) = (Uuid::now_v7(), Uuid::now_v7(), Uuid::now_v7());
    let sha = support::nfvi::sha256(&content);
    let chunks = futures::stream::iter([Ok::<_, std::io::Error>(bytes::Bytes::from(content))]);
    agent.client.upload_image(image, DiskFormat::Qcow2, &sha, &support::owner(), None, chunks).await.unwrap();
    let data = VolumeSpec { name: "data".into(), owner: support::owner(), size_bytes: 64 << 20, image_id: Some(image) };
    agent.client.put_volume(volume, &data).await.unwrap();
    let spec = MachineSpec { volumes: vec![VolumeAttachment { volume_id: volume }], ..small(image, Uuid::now_v7()) };
    let domain = agent.client.put_machine(id, &spec).await.unwrap().domain.unwrap();
    let running = |agent: &Process| {
        let client = agent.client.clone();
        async move || client.machine(id).await.unwrap().is_some_and(|machine| machine.state == MachineState::Running)
    };
    until(&agent, running(&agent)).await;
    let pid = nfvi.tool("virsh", &["domid", &domain]);

    let mut snapshots = Vec::new();
    for moment in [0u64, 30, 100, 250, 600] {
        let snapshot = Uuid::now_v7();
        let wanted = SnapshotSpec { name: "x".into(), owner: support::owner(), machine_id: id };
        agent.client.put_snapshot(snapshot, &wanted).await.unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(moment)).await;
        agent.kill();
        let dir = nfvi.state().join(format!("snapshots/{snapshot}"));
        if moment == 0 && !dir.exists() {
            // As it is when the agent is killed between giving the folder its name and noting that.
            std::fs::create_dir_all(&dir).unwrap();
            std::fs::write(dir.join("root.qcow2"), "of a moment that nobody heard of").unwrap();
        }
        agent = Process::over(&nfvi).await;
        let client = agent.client.clone();
        until(&agent, async || {
            let now = client.snapshot(snapshot).await.unwrap().expect("it is known");
            assert_ne!(now.state, SnapshotState::Error, "{now:?}");
            now.state == SnapshotState::Ready
        })
        .await;
        let taken = agent.client.snapshot(snapshot).await.unwrap().unwrap();
        assert_eq!((taken.consistency, taken.disks.len()), (Some(Consistency::Crash), 2), "no guest's agent is there");
        for disk in [dir.join("root.qcow2"), dir.join(format!("{volume}.qcow2"))] {
            qemu("qemu-img", &["check", "-q", "-f", "qcow2"], &[&disk]);
            assert!(!qemu("qemu-img", &["info", "-f", "qcow2"], &[&disk]).contains("backing"), "it stands for itself");
            qemu("qemu-io", &["-r", "-f", "qcow2", "-c", "read -P 7 0 48M"], &[&disk]);
        }
        assert_eq!(nfvi.tool("virsh", &["domid", &domain]), pid, "the machine ran on after {moment} ms");
        snapshots.push(snapshot);
    }
    assert_eq!(names(&nfvi.state().join("snapshots")).len(), snapshots.len(), "nothing half-made is left");

    for (moment, snapshot_id) in [0u64, 30, 100, 250, 600].into_iter().zip(snapshots.clone()) {
        let revert = Some(Revert { id: Uuid::now_v7(), snapshot_id, back: false });
        agent.client.put_machine(id, &MachineSpec { revert, ..spec.clone() }).await.unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(moment)).await;
        agent.kill();
        agent = Process::over(&nfvi).await;
        let client = agent.client.clone();
        until(&agent, async || {
            let now = client.machine(id).await.unwrap().expect("it is known");
            assert_ne!(now.state, MachineState::Error, "{now:?}");
            now.reverted == revert && now.state == MachineState::Running
        })
        .await;
        let disks = nfvi.tool("virsh", &["domblklist", &domain]);
        let own = [format!("machines/{id}/root.qcow2"), format!("volumes/{volume}.qcow2")];
        assert!(own.iter().all(|disk| disks.contains(disk)), "killed after {moment} ms: {disks}");
    }
    agent.client.put_machine(id, &spec).await.unwrap();
    for snapshot in snapshots {
        agent.client.delete_snapshot(snapshot).await.unwrap();
    }
    agent.client.delete_machine(id).await.unwrap();
    let client = agent.client.clone();
    until(&agent, async || client.machine(id).await.unwrap().is_none()).await;
    agent.client.delete_volume(volume).await.unwrap();
    agent.client.delete_image(image).await.unwrap();
    let left = agent.client.inventory().await.unwrap().items;
    assert!(left.is_empty(), "{left:?}");
    assert!(names(&nfvi.state().join("volumes")).is_empty());
}
