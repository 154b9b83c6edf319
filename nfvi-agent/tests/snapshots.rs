//! Snapshots of machines on a pretended hypervisor over real disk files: what is captured, the return to it, the way back,
//! and an agent that is killed anywhere in between.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::path::Path;
use std::process::Command;

use nfvi_agent::reconcile::machine::{Round, Step};
use reference_points::nf_vi::{
    Consistency, DesiredPower, InventoryKind, MachineSpec, MachineState, Revert, Snapshot, SnapshotSpec, SnapshotState,
    VolumeAttachment, VolumeSpec,
};
use support::*;
use uuid::Uuid;

const PORT: Uuid = Uuid::from_u128(0x77);

/// Writes bytes of one value at the beginning of a disk.
fn write(disk: &Path, value: u8) {
    let done =
        Command::new("qemu-io").args(["-f", "qcow2", "-c", &format!("write -P {value} 0 64k")]).arg(disk).output();
    assert!(done.unwrap().status.success());
}

/// Whether a disk begins with bytes of this value.
fn holds(disk: &Path, value: u8) -> bool {
    let done =
        Command::new("qemu-io").args(["-f", "qcow2", "-c", &format!("read -P {value} 0 64k")]).arg(disk).output();
    let out = done.unwrap();
    out.status.success() && !String::from_utf8_lossy(&out.stdout).contains("verification failed")
}

/// A machine with a volume, and the files of its two disks.
struct Subject {
    id: Uuid,
    spec: MachineSpec,
    disks: [std::path::PathBuf; 2],
}

impl Subject {
    async fn new(host: &SimHost, live: &Live) -> Subject {
        let (id, image, volume) = (Uuid::new_v4(), with_image(&live.agent).await, Uuid::new_v4());
        let data = VolumeSpec { name: "data".into(), owner: owner(), size_bytes: 8 << 20, image_id: None };
        live.agent.put_volume(volume, data).await.unwrap();
        let mut spec = spec(image, PORT);
        spec.volumes.push(VolumeAttachment { volume_id: volume });
        live.agent.put_machine(id, spec.clone()).await.unwrap();
        live.until_state(id, MachineState::Running).await;
        let state = &host.config.state_dir;
        let disks = [state.join(format!("machines/{id}/root.qcow2")), state.join(format!("volumes/{volume}.qcow2"))];
        Subject { id, spec, disks }
    }

    fn write(&self, value: u8) {
        self.disks.iter().for_each(|disk| write(disk, value));
    }

    fn holds(&self, value: u8) -> bool {
        self.disks.iter().all(|disk| holds(disk, value))
    }

    /// Asks for a return, or for what it was before, or lets that go.
    async fn ask(&self, agent: &nfvi_agent::app::Agent, revert: Option<Revert>) {
        agent.put_machine(self.id, MachineSpec { revert, ..self.spec.clone() }).await.unwrap();
    }
}

async fn taken(live: &Live, machine: Uuid) -> Snapshot {
    let id = Uuid::new_v4();
    let spec = SnapshotSpec { name: "before the upgrade".into(), owner: owner(), machine_id: machine };
    let (asked, new) = live.agent.put_snapshot(id, spec.clone()).await.unwrap();
    assert!(new && asked.state == SnapshotState::Building, "{asked:?}");
    ended(live, id).await
}

/// Waits until a snapshot rests.
async fn ended(live: &Live, id: Uuid) -> Snapshot {
    let mut news = live.agent.news.listen();
    let waiting = async {
        loop {
            let now = live.agent.snapshot(id).await.unwrap();
            if now.state != SnapshotState::Building {
                return now;
            }
            news.changed().await.unwrap();
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), waiting).await.expect("it ends")
}

fn lacks_tools() -> bool {
    lacks(&["qemu-img", "qemu-io", "xorriso"])
}

#[tokio::test]
async fn all_disks_return_together_and_what_was_before_comes_back() {
    if lacks_tools() {
        return;
    }
    let host = SimHost::new().await;
    let live = host.live().await;
    let machine = Subject::new(&host, &live).await;
    live.agent.power(machine.id, serde_json::from_str(r#"{"action":"stop"}"#).unwrap()).await.unwrap();
    live.until_state(machine.id, MachineState::Stopped).await;
    machine.write(1);
    let snapshot = taken(&live, machine.id).await;
    assert_eq!((snapshot.state, snapshot.consistency), (SnapshotState::Ready, Some(Consistency::Stopped)));
    let volumes: Vec<_> = snapshot.disks.iter().map(|disk| disk.volume_id.is_some()).collect();
    assert_eq!(volumes, [false, true], "its own disk and its volume");

    live.agent.power(machine.id, serde_json::from_str(r#"{"action":"start"}"#).unwrap()).await.unwrap();
    live.until_state(machine.id, MachineState::Running).await;
    machine.write(2);
    let forth = Revert { id: Uuid::new_v4(), snapshot_id: snapshot.id, back: false };
    let starts = host.hypervisor.journal().iter().filter(|line| line.starts_with("start")).count();
    machine.ask(&live.agent, Some(forth)).await;
    let returned = |wanted: Revert| {
        move |now: Option<&reference_points::nf_vi::Machine>| {
            now.is_some_and(|now| now.reverted == Some(wanted) && now.state == MachineState::Running)
        }
    };
    live.until(machine.id, returned(forth)).await;
    assert!(machine.holds(1), "everything is as in the snapshot");
    machine.ask(&live.agent, Some(forth)).await;
    let journal = host.hypervisor.journal();
    assert_eq!(journal.iter().filter(|line| line.starts_with("start")).count(), starts + 1, "asked twice, done once");
    assert!(!live.told().await.iter().any(|event| event["what"] == "machine_repaired"), "it is no repair");

    let back = Revert { back: true, ..forth };
    machine.ask(&live.agent, Some(back)).await;
    live.until(machine.id, returned(back)).await;
    assert!(machine.holds(2), "what was before is there again");

    let again = Revert { id: Uuid::new_v4(), ..forth };
    machine.ask(&live.agent, Some(again)).await;
    live.until(machine.id, returned(again)).await;
    assert!(machine.holds(1));
    let beside = || names(machine.disks[1].parent().unwrap());
    assert_eq!(beside().len(), 2, "the former volume is kept: {:?}", beside());
    let leaks = |items: Vec<reference_points::nf_vi::InventoryItem>| items.into_iter().any(|item| !item.desired);
    assert!(!leaks(live.agent.inventory().await.unwrap().items), "it belongs to the volume");
    machine.ask(&live.agent, None).await;
    let mut news = live.agent.news.listen();
    let gone = async {
        while beside().len() > 1 {
            let _ = tokio::time::timeout(std::time::Duration::from_millis(50), news.changed()).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), gone).await.expect("it is let go");

    assert!(live.agent.delete_snapshot(snapshot.id).await.unwrap());
    assert!(names(&host.config.state_dir.join("snapshots")).is_empty());
    let kinds: Vec<_> = live.agent.inventory().await.unwrap().items.into_iter().map(|item| item.kind).collect();
    assert!(!kinds.contains(&InventoryKind::Snapshot));
}

#[tokio::test]
async fn a_machine_that_runs_is_captured_while_it_goes_on() {
    if lacks_tools() {
        return;
    }
    let host = SimHost::new().await;
    let live = host.live().await;
    let machine = Subject::new(&host, &live).await;
    machine.write(5);
    let snapshot = taken(&live, machine.id).await;
    assert_eq!((snapshot.state, snapshot.consistency), (SnapshotState::Ready, Some(Consistency::Quiesced)));
    assert!(!host.hypervisor.journal().iter().any(|line| line.starts_with("destroy")));
    host.hypervisor.be_deaf();
    assert_eq!(taken(&live, machine.id).await.consistency, Some(Consistency::Crash), "no guest's agent answers");

    host.hypervisor.fail_next("back up", "No space left on device");
    let failed = taken(&live, machine.id).await;
    assert_eq!(failed.state, SnapshotState::Error);
    assert!(failed.problem.unwrap().answer.unwrap().contains("No space left"));
    assert_eq!(names(&host.config.state_dir.join("snapshots")).len(), 2, "nothing half-made stays");
    let (again, new) = live.agent.put_snapshot(failed.id, failed.spec.clone()).await.unwrap();
    assert!(!new && again.state == SnapshotState::Building, "asked for again, it is tried again");
    assert_eq!(ended(&live, failed.id).await.state, SnapshotState::Ready);

    let other = SnapshotSpec { machine_id: Uuid::new_v4(), ..failed.spec };
    let refused = live.agent.put_snapshot(failed.id, other.clone()).await.unwrap_err();
    assert_eq!(refused.problem.status, 409);
    let refused = live.agent.put_snapshot(Uuid::new_v4(), other).await.unwrap_err();
    assert_eq!((refused.problem.status, refused.problem.faults[0].location.as_str()), (422, "/machineId"));
    let unknown = Revert { id: Uuid::new_v4(), snapshot_id: Uuid::new_v4(), back: false };
    let wanted = MachineSpec { revert: Some(unknown), ..machine.spec.clone() };
    let refused = live.agent.put_machine(machine.id, wanted).await.unwrap_err();
    assert_eq!(refused.problem.faults[0].location, "/revert/snapshotId");
}

#[tokio::test]
async fn a_disk_without_space_is_told_before_anything_is_copied() {
    if lacks_tools() {
        return;
    }
    let mut host = SimHost::new().await;
    let live = host.live().await;
    let machine = Subject::new(&host, &live).await;
    live.kill().await;
    host.config.capacity.keep_disk_bytes = u64::MAX / 2;
    let live = host.live().await;
    let failed = taken(&live, machine.id).await;
    assert_eq!((failed.state, failed.problem.unwrap().status), (SnapshotState::Error, 507));
}

#[tokio::test]
async fn killed_anywhere_in_a_return_no_disk_is_of_another_moment() {
    if lacks_tools() {
        return;
    }
    for steps in 0.. {
        let host = SimHost::new().await;
        let live = host.live().await;
        let machine = Subject::new(&host, &live).await;
        machine.write(1);
        let snapshot = taken(&live, machine.id).await;
        machine.write(2);
        live.kill().await;

        let agent = host.agent().await;
        let forth = Revert { id: Uuid::new_v4(), snapshot_id: snapshot.id, back: false };
        machine.ask(&agent, Some(forth)).await;
        let mut round = Round::new(true);
        let mut more = true;
        for _ in 0..steps {
            more &= !matches!(agent.step(machine.id, &mut round).await, Step::Ended(_));
        }
        drop(agent);
        let live = host.live().await;
        live.until(machine.id, |now| {
            now.is_some_and(|now| now.reverted == Some(forth) && now.state == MachineState::Running)
        })
        .await;
        assert!(machine.holds(1), "killed after {steps}");
        assert!(!names(machine.disks[1].parent().unwrap()).iter().any(|name| name.contains("next")));
        if !more {
            assert!(steps > 4, "only {steps} boundaries were tried");
            return;
        }
    }
}

#[tokio::test]
async fn a_snapshot_that_a_kill_interrupted_is_taken_anew() {
    if lacks_tools() {
        return;
    }
    let host = SimHost::new().await;
    let live = host.live().await;
    let machine = Subject::new(&host, &live).await;
    machine.write(3);
    live.kill().await;
    let agent = host.agent().await;
    let id = Uuid::new_v4();
    let spec = SnapshotSpec { name: "x".into(), owner: owner(), machine_id: machine.id };
    agent.put_snapshot(id, spec).await.unwrap();
    drop(agent);
    // What a kill in the middle of copying leaves.
    let half = host.config.state_dir.join(format!("snapshots/{id}.part"));
    std::fs::create_dir_all(&half).unwrap();
    std::fs::write(half.join("root.qcow2"), b"half").unwrap();
    let live = host.live().await;
    assert_eq!(ended(&live, id).await.state, SnapshotState::Ready);
    assert_eq!(names(&host.config.state_dir.join("snapshots")), [id.to_string()]);
    assert_eq!(machine.spec.power, DesiredPower::Running);
}
