//! The Nf-Vi interface over HTTP, as its client sees it, on pretended drivers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::path::Path;

use nfvi_agent::config::{Config, Driver};
use nfvi_agent::serve::NfviAgent;
use reference_points::common::Sequenced;
use reference_points::nf_vi::{AgentEvent, MachineState, PowerAction, PowerRequest};
use support::nfvi::AgentOn;
use support::{lacks, spec};
use uuid::Uuid;

fn config(dir: &Path) -> Config {
    let mut config = Config { driver: Driver::Sim, state_dir: dir.join("state"), ..Config::default() };
    config.capacity.keep_disk_bytes = 0;
    config.service.listen = Some("127.0.0.1:0".parse().unwrap());
    config.service.database = format!("sqlite://{}", dir.join("agent.db").display());
    config
}

#[test]
fn the_openapi_document_is_the_golden_one_and_every_route_has_its_scope() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/openapi.json");
    service::http::openapi::assert_golden(&service::run::openapi_of::<NfviAgent>(), golden);
}

#[tokio::test]
async fn a_machines_life_over_the_wire() {
    if lacks(&["qemu-img", "xorriso"]) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let agent = AgentOn::start(config(dir.path())).await;
    let client = &agent.client;
    let source = dir.path().join("source.qcow2");
    std::fs::write(&source, support::qcow2(8 << 20)).unwrap();
    let image = agent.upload(&source).await;
    assert_eq!(client.image(image).await.unwrap().unwrap().virtual_size_bytes, 8 << 20);
    assert_eq!(client.images().await.unwrap().len(), 1);
    assert!(client.image(Uuid::nil()).await.unwrap().is_none());

    let (id, wanted) = (Uuid::new_v4(), spec(image, Uuid::from_u128(1)));
    assert!(client.machine(id).await.unwrap().is_none());
    client.put_machine(id, &wanted).await.unwrap();
    agent.until_state(id, MachineState::Running).await;
    client.power(id, &PowerRequest { action: PowerAction::Stop, grace_seconds: None }).await.unwrap();
    agent.until_state(id, MachineState::Stopped).await;
    assert_eq!(client.console(id).await.unwrap().kind, "none");
    assert_eq!(client.measurements(id).await.unwrap_err().status(), Some(409));
    assert_eq!(client.console_log(id, 100).await.unwrap(), "");
    let host = client.host().await.unwrap();
    assert_eq!((host.reserved.vcpus, host.facts.acceleration.as_str()), (1, "tcg"));
    assert!(host.health.values().all(|word| word == "ok"), "{:?}", host.health);
    assert!(client.inventory().await.unwrap().items.iter().all(|item| item.desired));

    let after = agent.last_event().await;
    client.delete_machine(id).await.unwrap();
    agent.event_after(after, |event| matches!(event, AgentEvent::MachineDeleted { id: gone } if *gone == id)).await;
    client.delete_machine(id).await.unwrap();
    client.delete_image(image).await.unwrap();
    assert!(client.inventory().await.unwrap().items.is_empty());
    agent.kill().await;
}

#[tokio::test]
async fn a_consumer_that_knows_more_than_the_agent_is_told_to_start_over() {
    let dir = tempfile::tempdir().unwrap();
    let agent = AgentOn::start(config(dir.path())).await;
    let mut events = agent.client.events(4711);
    let first: Sequenced<AgentEvent> = events.next().await.unwrap();
    assert!(matches!(&first.event, AgentEvent::Resync { detail } if detail.contains("4711")), "{first:?}");
    assert_eq!(events.position(), 0, "and goes on from what the agent really has");
    // It hears what comes next, once.
    let wanted = spec(Uuid::nil(), Uuid::from_u128(1));
    assert_eq!(agent.client.put_machine(Uuid::new_v4(), &wanted).await.unwrap_err().status(), Some(422));
    agent.kill().await;
}

#[tokio::test]
async fn a_malformed_request_is_told_every_fault() {
    let dir = tempfile::tempdir().unwrap();
    let agent = AgentOn::start(config(dir.path())).await;
    let mut wanted = spec(Uuid::nil(), Uuid::from_u128(1));
    wanted.vcpus = 0;
    wanted.nics[0].mac = "nonsense".into();
    let refused = agent.client.put_machine(Uuid::new_v4(), &wanted).await.unwrap_err().to_problem();
    let places: Vec<&str> = refused.faults.iter().map(|fault| fault.location.as_str()).collect();
    assert_eq!((refused.status, places), (400, vec!["/vcpus", "/nics/0/mac"]));
    assert!(refused.trace_id.is_some());
    agent.kill().await;
}
