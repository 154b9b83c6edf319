//! Snapshots of computes and the return to them, on a simulated VIM and on our own over a host whose agent lives in the test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use reference_points::nf_vi::{Consistency, MachineState, PowerAction, PowerRequest, Revert};
use reference_points::or_vi::*;
use support::fake_agent::FakeAgent;
use support::northbound::Northbound;
use support::*;
use uuid::Uuid;

fn snapshot_of(compute: Uuid) -> SnapshotSpec {
    SnapshotSpec { name: "before".into(), owner: owner(), compute_id: compute }
}

async fn captured(adapter: &Adapter, vim: Uuid, id: Uuid, state: ResourceState) -> Snapshot {
    let mut events = adapter.vi.events(vim, 0);
    let reached = until(&mut events, |event| match event {
        ViEvent::Snapshot { snapshot } if snapshot.id == id && snapshot.state == state => Some(*snapshot.clone()),
        _ => None,
    });
    reached.await
}

async fn returned(adapter: &Adapter, vim: Uuid, id: Uuid, to: Revert) -> Compute {
    let mut events = adapter.vi.events(vim, 0);
    let reached = until(&mut events, |event| match event {
        ViEvent::Compute { compute } if compute.id == id => {
            (compute.reverted == Some(to) && compute.state == ComputeState::Active).then(|| *compute.clone())
        }
        _ => None,
    });
    reached.await
}

/// Waits until the agent was told of a snapshot: nothing else tells.
async fn told(agent: &FakeAgent, snapshot: Uuid) {
    let told = async {
        while !agent.lock().snapshots.contains_key(&snapshot) {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, told).await.expect("the agent hears of it");
}

#[tokio::test]
async fn a_simulated_compute_is_captured_and_returns() {
    let mut adapter = Adapter::start().await;
    let vim = adapter.sim(SimSpec::default()).await;
    let (id, volume, snapshot) = (Uuid::new_v4(), Uuid::new_v4(), Uuid::new_v4());
    let data = VolumeSpec { name: "data".into(), owner: owner(), size_bytes: 1 << 20, image_id: None, zone: None };
    adapter.vi.put_volume(vim, volume, &data).await.unwrap();
    let spec = ComputeSpec { volumes: vec![volume], ..compute_spec("a", adapter.image(vim).await, &[]) };
    let missing = refused(adapter.vi.put_snapshot(vim, snapshot, &snapshot_of(id)).await, 422);
    assert_eq!(missing.faults[0].location, "/computeId");
    adapter.vi.put_compute(vim, id, &spec).await.unwrap();
    adapter.wait(vim, id, ComputeState::Active).await;
    adapter.vi.put_snapshot(vim, snapshot, &snapshot_of(id)).await.unwrap();
    let taken = captured(&adapter, vim, snapshot, ResourceState::Active).await;
    assert_eq!((taken.volumes, taken.consistency), (vec![volume], Some(Consistency::Crash)));
    let again = adapter.vi.put_snapshot(vim, snapshot, &snapshot_of(id)).await.unwrap();
    assert_eq!(again.state, ResourceState::Active, "asked twice, taken once");
    refused(adapter.vi.put_snapshot(vim, snapshot, &snapshot_of(Uuid::new_v4())).await, 409);

    let forth = Revert { id: Uuid::new_v4(), snapshot_id: snapshot, back: false };
    let wanted = ComputeSpec { revert: Some(forth), ..spec.clone() };
    let now = adapter.vi.put_compute(vim, id, &wanted).await.unwrap();
    assert_eq!((now.state, now.reverted), (ComputeState::Building, None), "it is told at once that this goes on");
    let used = refused(adapter.vi.delete_snapshot(vim, snapshot).await, 409);
    assert!(used.detail.contains(&id.to_string()), "{used:?}");
    returned(&adapter, vim, id, forth).await;
    adapter.restart().await;
    let item = adapter.vi.inventory(vim).await.unwrap().items.into_iter().find(|item| item.id == Some(snapshot));
    assert!(item.is_some_and(|item| item.desired && item.kind == "snapshot"), "it is there after a restart");
    let back = Revert { back: true, ..forth };
    adapter.vi.put_compute(vim, id, &ComputeSpec { revert: Some(back), ..spec.clone() }).await.unwrap();
    returned(&adapter, vim, id, back).await;
    adapter.vi.let_go(vim, id, Uuid::new_v4()).await.unwrap();
    assert_eq!(adapter.vi.compute(vim, id).await.unwrap().unwrap().spec.revert, Some(back), "another return");
    adapter.vi.let_go(vim, id, forth.id).await.unwrap();
    assert_eq!(adapter.vi.compute(vim, id).await.unwrap().unwrap().spec.revert, None);

    let unknown = Revert { id: Uuid::new_v4(), snapshot_id: Uuid::new_v4(), back: false };
    let wanted = ComputeSpec { revert: Some(unknown), ..spec.clone() };
    let refusal = refused(adapter.vi.put_compute(vim, id, &wanted).await, 422);
    assert_eq!(refusal.faults[0].location, "/revert");
    let fewer = ComputeSpec { volumes: vec![], ..spec };
    adapter.vi.put_compute(vim, id, &fewer).await.unwrap();
    let another = Revert { id: Uuid::new_v4(), ..forth };
    let refusal = refused(adapter.vi.put_compute(vim, id, &ComputeSpec { revert: Some(another), ..fewer }).await, 422);
    assert!(refusal.faults[0].message.contains("other volumes"), "{refusal:?}");

    adapter.vi.delete_compute(vim, id).await.unwrap();
    adapter.wait_gone(vim, id).await;
    assert!(adapter.vi.snapshot(vim, snapshot).await.unwrap().is_some(), "it outlives the compute");
    let held = refused(adapter.vi.delete_vim(vim).await, 409);
    assert!(held.detail.contains("snapshot"), "{held:?}");
    adapter.vi.delete_snapshot(vim, snapshot).await.unwrap();
    adapter.vi.delete_snapshot(vim, snapshot).await.unwrap();
    assert!(adapter.vi.snapshot(vim, snapshot).await.unwrap().is_none());
}

#[tokio::test]
async fn real_a_host_takes_a_snapshot_returns_to_it_and_loses_it() {
    let Some(northbound) = Northbound::start() else { return };
    let adapter = Adapter::start().await;
    let mut agent = FakeAgent::start().await;
    let vim = Uuid::new_v4();
    let kind = VimKind::Hosts { northbound: northbound.endpoint(), external_network: None };
    adapter.vi.put_vim(vim, &VimSpec { name: "lab".into(), kind }).await.unwrap();
    let host = HostSpec { agent: agent.base(), zone: "default".into(), schedulable: true };
    adapter.vi.put_host(vim, "h1", &host).await.unwrap();
    let (id, snapshot) = (Uuid::new_v4(), Uuid::new_v4());
    let spec = compute_spec("a", adapter.image(vim).await, &[]);
    adapter.vi.put_compute(vim, id, &spec).await.unwrap();
    adapter.wait(vim, id, ComputeState::Active).await;

    // The host is away: it is told when it is back.
    agent.down().await;
    let asked = adapter.vi.put_snapshot(vim, snapshot, &snapshot_of(id)).await.unwrap();
    assert_eq!((asked.state, asked.host.as_deref()), (ResourceState::Building, Some("h1")));
    agent.up().await;
    told(&agent, snapshot).await;
    assert_eq!(agent.lock().snapshots[&snapshot].spec.machine_id, id);
    agent.captured(snapshot, &[]);
    let taken = captured(&adapter, vim, snapshot, ResourceState::Active).await;
    assert_eq!((taken.consistency, taken.size_bytes), (Some(Consistency::Quiesced), 1000));

    let forth = Revert { id: Uuid::new_v4(), snapshot_id: snapshot, back: false };
    adapter.vi.put_compute(vim, id, &ComputeSpec { revert: Some(forth), ..spec.clone() }).await.unwrap();
    returned(&adapter, vim, id, forth).await;
    assert_eq!(agent.lock().machines[&id].spec.revert, Some(forth));
    let stop = PowerRequest { action: PowerAction::Stop, grace_seconds: None };
    adapter.vi.power(vim, id, &stop).await.unwrap();
    adapter.wait(vim, id, ComputeState::Stopped).await;
    assert_eq!(agent.lock().machines[&id].state, MachineState::Stopped);

    adapter.vi.delete_snapshot(vim, snapshot).await.unwrap();
    assert!(agent.lock().snapshots.is_empty(), "whoever asked may know that it is gone");
    assert!(adapter.vi.snapshot(vim, snapshot).await.unwrap().is_none());
    let lost = Uuid::new_v4();
    adapter.vi.put_snapshot(vim, lost, &snapshot_of(id)).await.unwrap();
    told(&agent, lost).await;
    agent.captured(lost, &[]);
    captured(&adapter, vim, lost, ResourceState::Active).await;
    agent.lose_snapshot(lost);
    let gone = captured(&adapter, vim, lost, ResourceState::Error).await;
    assert!(gone.problem.unwrap().detail.contains("does not have it any more"));
}
