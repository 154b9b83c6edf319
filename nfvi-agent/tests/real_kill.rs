//! The agent's process killed on a real host, at moments of making and of removing a machine.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use reference_points::nf_vi::{AgentEvent, MachineState};
use support::names;
use support::nfvi::{Nfvi, small};
use support::process::Process;
use uuid::Uuid;

#[tokio::test(flavor = "multi_thread")]
async fn real_agent_killed_with_sigkill_while_it_builds_and_removes_ends_as_it_would_have() {
    let Some(nfvi) = Nfvi::up() else { return };
    let mut agent = Process::over(&nfvi).await;
    let image = Uuid::now_v7();
    let content = support::qcow2(8 << 20);
    let sha = support::nfvi::sha256(&content);
    let chunks = futures::stream::iter([Ok::<_, std::io::Error>(bytes::Bytes::from(content))]);
    let format = reference_points::nf_vi::DiskFormat::Qcow2;
    agent.client.upload_image(image, format, &sha, &support::owner(), None, chunks).await.unwrap();

    for moment in [0u64, 20, 60, 120, 250, 500, 900] {
        let pause = || tokio::time::sleep(std::time::Duration::from_millis(moment));
        let id = Uuid::now_v7();
        let domain = agent.client.put_machine(id, &small(image, Uuid::now_v7())).await.unwrap().domain.unwrap();
        pause().await;
        let state = agent.client.machine(id).await.unwrap().map(|machine| machine.state);
        agent.kill();
        println!("killed after {moment} ms while {state:?}");
        agent = Process::over(&nfvi).await;
        let client = agent.client.clone();
        let reached = async |wanted: &dyn Fn(Option<MachineState>) -> bool| {
            let mut events = client.events(0);
            while !wanted(client.machine(id).await.unwrap().map(|machine| machine.state)) {
                let _: reference_points::common::Sequenced<AgentEvent> = events.next().await.unwrap();
            }
        };
        let patience = std::time::Duration::from_secs(60);
        let running = reached(&|state| state == Some(MachineState::Running));
        tokio::time::timeout(patience, running).await.expect("it runs");
        assert_eq!(nfvi.tool("virsh", &["list", "--name"]).trim(), domain);
        assert_eq!(nfvi.tool("ovs-vsctl", &["list-ports", "br-int"]).lines().count(), 1);

        agent.client.delete_machine(id).await.unwrap();
        pause().await;
        agent.kill();
        agent = Process::over(&nfvi).await;
        let client = agent.client.clone();
        let gone = async {
            let mut events = client.events(0);
            while client.machine(id).await.unwrap().is_some() {
                let _: reference_points::common::Sequenced<AgentEvent> = events.next().await.unwrap();
            }
        };
        tokio::time::timeout(patience, gone).await.expect("it goes");
        assert!(nfvi.tool("virsh", &["list", "--all", "--name"]).trim().is_empty());
        assert!(nfvi.tool("ovs-vsctl", &["list-ports", "br-int"]).trim().is_empty());
        assert!(names(&nfvi.state().join("machines")).is_empty());
    }
    agent.client.delete_image(image).await.unwrap();
    assert!(agent.client.inventory().await.unwrap().items.is_empty());
}
