//! What the agent's tests share: an agent over pretended drivers that can be killed and started again, and specifications.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, dead_code)]

pub mod nfvi;
pub mod process;

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use db::testing::TestDb;
use db::{Clock, SystemClock};
use nfvi_agent::app::Agent;
use nfvi_agent::app::images::Announced;
use nfvi_agent::config::{CapacityConfig, Config};
use nfvi_agent::hypervisor::sim::SimHypervisor;
use nfvi_agent::reconcile;
use nfvi_agent::switch::sim::SimSwitch;
use reference_points::common::{Owner, OwnerKind};
use reference_points::nf_vi::{DiskFormat, Machine, MachineSpec, MachineState};
use serde_json::json;
use service::http::ApiError;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub fn owner() -> Owner {
    Owner {
        kind: OwnerKind::VnfInstance,
        id: Uuid::from_u128(0xabc),
        operation: Some(Uuid::from_u128(0xdef)),
        step: Some("compute/0".into()),
    }
}

/// True, with a line that says so, when a program that these tests need is missing.
pub fn lacks(programs: &[&str]) -> bool {
    let missing = programs.iter().find(|program| Command::new(program).arg("--version").output().is_err());
    if let Some(program) = missing {
        println!("SKIPPED: {program} is not installed");
    }
    missing.is_some()
}

/// A host in memory: drivers and files outlive the agent.
pub struct SimHost {
    pub dir: tempfile::TempDir,
    pub db: TestDb,
    pub switch: Arc<SimSwitch>,
    pub hypervisor: Arc<SimHypervisor>,
    pub clock: Arc<dyn Clock>,
    pub config: Config,
}

/// An agent whose reconciler runs, until it is killed.
pub struct Live {
    pub agent: Arc<Agent>,
    task: JoinHandle<Result<(), String>>,
}

impl SimHost {
    pub async fn new() -> SimHost {
        SimHost::with_clock(Arc::new(SystemClock)).await
    }

    pub async fn with_clock(clock: Arc<dyn Clock>) -> SimHost {
        let dir = tempfile::tempdir().unwrap();
        let switch = SimSwitch::new();
        let hypervisor = SimHypervisor::new(Arc::clone(&switch));
        let capacity = CapacityConfig { keep_disk_bytes: 0, ..CapacityConfig::default() };
        let config =
            Config { host_name: "sim-1".into(), state_dir: dir.path().join("state"), capacity, ..Config::default() };
        SimHost { dir, db: TestDb::sqlite().await, switch, hypervisor, clock, config }
    }

    /// An agent that does nothing by itself.
    pub async fn agent(&self) -> Arc<Agent> {
        self.agent_and_wakes().await.0
    }

    async fn agent_and_wakes(&self) -> (Arc<Agent>, tokio::sync::mpsc::UnboundedReceiver<reconcile::Wake>) {
        let db = self.db.reopen().await;
        let (hypervisor, switch) = (self.hypervisor.clone(), self.switch.clone());
        let made = Agent::new(self.config.clone(), db, Arc::clone(&self.clock), hypervisor, switch).await.unwrap();
        made.0.tidy_up().await.unwrap();
        (Arc::new(made.0), made.1)
    }

    /// An agent at work.
    pub async fn live(&self) -> Live {
        let (agent, wakes) = self.agent_and_wakes().await;
        let task = tokio::spawn(reconcile::run::run(Arc::clone(&agent), wakes, CancellationToken::new()));
        Live { agent, task }
    }
}

impl Live {
    /// Ends it wherever it stands.
    pub async fn kill(self) {
        self.task.abort();
        let _ = self.task.await;
    }

    /// Waits until the machine is as `wanted` says, looking whenever something was told.
    pub async fn until(&self, id: Uuid, wanted: impl Fn(Option<&Machine>) -> bool) -> Option<Machine> {
        until(&self.agent, id, wanted).await
    }

    pub async fn until_state(&self, id: Uuid, state: MachineState) -> Machine {
        self.until(id, |machine| machine.is_some_and(|m| m.state == state)).await.unwrap()
    }

    pub async fn until_gone(&self, id: Uuid) {
        self.until(id, |machine| machine.is_none()).await;
    }

    /// Every event told so far, as JSON.
    pub async fn told(&self) -> Vec<serde_json::Value> {
        let place = std::sync::atomic::AtomicI64::new(-1);
        self.agent.events(0, 10_000, &place).await.unwrap().into_iter().map(|(_, event)| event).collect()
    }

    /// Waits until an event about the host with this word was told.
    pub async fn until_told(&self, what: &str) {
        let mut news = self.agent.news.listen();
        let waiting = async {
            while !self.told().await.iter().any(|event| event["what"] == what) {
                news.changed().await.unwrap();
            }
        };
        tokio::time::timeout(Duration::from_secs(30), waiting).await.unwrap_or_else(|_| panic!("{what} was not told"));
    }
}

pub async fn until(agent: &Agent, id: Uuid, wanted: impl Fn(Option<&Machine>) -> bool) -> Option<Machine> {
    let mut news = agent.news.listen();
    let mut last = None;
    let waiting = async {
        loop {
            last = agent.machine(id).await.ok();
            if wanted(last.as_ref()) {
                return;
            }
            news.changed().await.unwrap();
        }
    };
    if tokio::time::timeout(Duration::from_secs(30), waiting).await.is_err() {
        panic!("machine {id} stayed {last:?}");
    }
    last
}

/// A machine of 1 virtual CPU and 64 MiB with one interface and first-boot data.
pub fn spec(image: Uuid, port: Uuid) -> MachineSpec {
    let mac = mac(port);
    serde_json::from_value(json!({
        "name": "edge",
        "owner": owner(),
        "vcpus": 1,
        "memoryBytes": 64 << 20,
        "root": {"from": "image", "imageId": image},
        "nics": [{"portId": port, "mac": mac, "mtu": 1442}],
        "configDrive": {"hostname": "edge-1", "nics": [{"mac": mac, "addresses": [{"ip": "10.0.0.5", "prefix": 24}]}]},
    }))
    .unwrap()
}

/// A MAC address of its own for each port.
pub fn mac(port: Uuid) -> String {
    let tail = port.as_bytes();
    format!("02:00:00:{:02x}:{:02x}:{:02x}", tail[13], tail[14], tail[15])
}

/// A small qcow2 image.
pub fn qcow2(bytes: u64) -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.qcow2");
    let made =
        Command::new("qemu-img").args(["create", "-q", "-f", "qcow2"]).arg(&path).arg(bytes.to_string()).status();
    assert!(made.unwrap().success());
    std::fs::read(path).unwrap()
}

pub fn announced() -> Announced {
    Announced { sha256: None, format: Some(DiskFormat::Qcow2), owner: owner(), length: None }
}

pub fn stream(content: Vec<u8>) -> impl futures::Stream<Item = Result<bytes::Bytes, ApiError>> + Send {
    futures::stream::iter(
        content.chunks(1000).map(|chunk| Ok(bytes::Bytes::copy_from_slice(chunk))).collect::<Vec<_>>(),
    )
}

/// Puts a small image on the host.
pub async fn with_image(agent: &Agent) -> Uuid {
    let id = Uuid::new_v4();
    agent.put_image(id, announced(), stream(qcow2(8 << 20))).await.unwrap();
    id
}

/// Names of everything below a directory.
pub fn names(dir: &std::path::Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(dir)
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}
