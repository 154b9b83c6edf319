//! A vim-adapter in this process, and what tests ask of it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, dead_code)]

pub mod fake_agent;
pub mod northbound;

use std::time::Duration;

use futures::stream;
use reference_points::common::{CallError, EventStream, Owner, OwnerKind, ProblemDetails, Sequenced};
use reference_points::nf_vi::DiskFormat;
use reference_points::or_vi::*;
use service::run::Running;
use sha2::Digest;
use uuid::Uuid;
use vim_adapter::Config;

pub const PATIENCE: Duration = Duration::from_secs(30);

/// An adapter whose state outlives it.
pub struct Adapter {
    pub dir: tempfile::TempDir,
    pub running: Option<Running>,
    pub vi: ViClient,
    pub history: i64,
    pub keys: Vec<service::config::SecretFile>,
    database: Option<db::testing::TestDb>,
}

impl Adapter {
    pub async fn start() -> Self {
        Self::with_history(50_000).await
    }

    pub async fn with_history(history: i64) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let vi = ViClient::new("http://127.0.0.1:1");
        let mut adapter = Self { dir, running: None, vi, history, keys: Vec::new(), database: None };
        adapter.up().await;
        adapter
    }

    /// One whose state is in `dir`, and that keeps secrets with these keys.
    pub async fn in_dir(dir: tempfile::TempDir, keys: Vec<service::config::SecretFile>) -> Self {
        let vi = ViClient::new("http://127.0.0.1:1");
        let mut adapter = Self { dir, running: None, vi, history: 50_000, keys, database: None };
        adapter.up().await;
        adapter
    }

    /// One on each kind of database that can be had.
    pub async fn on_every_database() -> Vec<Self> {
        let mut adapters = Vec::new();
        for database in db::testing::TestDb::all().await {
            let dir = tempfile::tempdir().unwrap();
            let vi = ViClient::new("http://127.0.0.1:1");
            let mut adapter =
                Self { dir, running: None, vi, history: 50_000, keys: Vec::new(), database: Some(database) };
            adapter.up().await;
            adapters.push(adapter);
        }
        adapters
    }

    pub async fn up(&mut self) {
        let mut config = Config::default();
        config.service.listen = Some("127.0.0.1:0".parse().unwrap());
        config.service.database = match &self.database {
            Some(database) => database.url().to_owned(),
            None => format!("sqlite://{}", self.dir.path().join("db").display()),
        };
        config.service.db.durability = db::Durability::None;
        config.state_dir = self.dir.path().to_owned();
        config.event_history = self.history;
        config.secret_key_files = self.keys.clone();
        let running = vim_adapter::start(config).await.unwrap();
        self.vi = ViClient::new(&running.base_url());
        self.running = Some(running);
    }

    /// As `kill -9` would leave it, as far as that goes inside one process.
    pub async fn kill(&mut self) {
        self.running.take().unwrap().kill().await;
    }

    pub async fn restart(&mut self) {
        self.kill().await;
        self.up().await;
    }

    pub async fn sim(&self, sim: SimSpec) -> Uuid {
        let id = Uuid::new_v4();
        self.vi.put_vim(id, &VimSpec { name: "sim".into(), kind: VimKind::Sim { sim } }).await.unwrap();
        id
    }

    /// Uploads a small raw image.
    pub async fn image(&self, vim: Uuid) -> Uuid {
        self.image_of(vim, b"an image's content").await
    }

    /// Uploads a raw image with this content.
    pub async fn image_of(&self, vim: Uuid, content: &[u8]) -> Uuid {
        let id = Uuid::new_v4();
        let content = content.to_vec();
        self.vi.put_software_image(vim, id, &image_spec(&content)).await.unwrap();
        let length = content.len() as u64;
        let image = self.vi.upload_image(vim, id, Some(length), body(content)).await.unwrap();
        assert_eq!(image.state, ResourceState::Active);
        id
    }

    /// A network with one subnet.
    pub async fn network(&self, vim: Uuid, cidr: &str) -> (Uuid, Uuid) {
        let (network, subnet) = (Uuid::new_v4(), Uuid::new_v4());
        self.vi.put_network(vim, network, &network_spec("blue")).await.unwrap();
        self.vi.put_subnet(vim, subnet, &subnet_spec(network, cidr)).await.unwrap();
        (network, subnet)
    }

    pub async fn port(&self, vim: Uuid, network: Uuid) -> Port {
        self.vi.put_port(vim, Uuid::new_v4(), &port_spec(network)).await.unwrap()
    }

    /// Waits until a compute is in a state; its events tell.
    pub async fn wait(&self, vim: Uuid, id: Uuid, state: ComputeState) -> Compute {
        let mut events = self.vi.events(vim, 0);
        let reached = until(&mut events, |event| match event {
            ViEvent::Compute { compute } if compute.id == id && compute.state == state => Some(*compute.clone()),
            _ => None,
        });
        reached.await
    }

    pub async fn wait_gone(&self, vim: Uuid, compute: Uuid) {
        let mut events = self.vi.events(vim, 0);
        until(&mut events, |event| matches!(event, ViEvent::ComputeDeleted { id } if *id == compute).then_some(()))
            .await;
    }
}

/// The first event that `pick` takes.
pub async fn until<T>(events: &mut EventStream, mut pick: impl FnMut(&ViEvent) -> Option<T>) -> T {
    let mut seen = Vec::new();
    let found = tokio::time::timeout(PATIENCE, async {
        loop {
            match events.next::<ViEvent>().await {
                Ok(Sequenced { event, .. }) => {
                    if let Some(found) = pick(&event) {
                        return found;
                    }
                    seen.push(event);
                }
                Err(_) => tokio::task::yield_now().await,
            }
        }
    });
    match found.await {
        Ok(found) => found,
        Err(_) => panic!("no such event; seen: {seen:#?}"),
    }
}

/// The problem of a refused call.
#[track_caller]
pub fn refused<T: std::fmt::Debug>(result: Result<T, CallError>, status: u16) -> ProblemDetails {
    match result {
        Err(CallError::Refused { problem, .. }) => {
            assert_eq!(problem.status, status, "{problem:?}");
            *problem
        }
        other => panic!("expected a refusal with {status}, got {other:?}"),
    }
}

pub fn body(
    content: Vec<u8>,
) -> impl futures::Stream<Item = Result<bytes::Bytes, std::io::Error>> + Send + Sync + 'static {
    stream::iter(content.chunks(64 << 10).map(|chunk| Ok(bytes::Bytes::copy_from_slice(chunk))).collect::<Vec<_>>())
}

pub fn owner() -> Owner {
    Owner { kind: OwnerKind::VnfInstance, id: Uuid::from_u128(7), operation: Some(Uuid::new_v4()), step: None }
}

pub fn image_spec(content: &[u8]) -> SoftwareImageSpec {
    SoftwareImageSpec {
        name: "image".into(),
        owner: owner(),
        version: "1".into(),
        format: DiskFormat::Raw,
        sha256: hex::encode(sha2::Sha256::digest(content)),
        size_bytes: Some(content.len() as u64),
        min_disk_bytes: None,
        min_memory_bytes: None,
    }
}

pub fn network_spec(name: &str) -> NetworkSpec {
    NetworkSpec {
        name: name.into(),
        owner: owner(),
        realisation: NetworkRealisation::Overlay,
        mtu: None,
        max_port_bitrate: None,
    }
}

pub fn subnet_spec(network: Uuid, cidr: &str) -> SubnetSpec {
    SubnetSpec {
        name: cidr.replace(['/', ':'], "-"),
        owner: owner(),
        network_id: network,
        cidr: cidr.parse().unwrap(),
        gateway: None,
        pools: vec![],
        dhcp: false,
        dns: vec![],
        routed: false,
    }
}

pub fn port_spec(network: Uuid) -> PortSpec {
    PortSpec {
        name: "port".into(),
        owner: owner(),
        network_id: network,
        mac: None,
        addresses: vec![],
        port_security: true,
        allowed_addresses: vec![],
        rules: vec![],
        trunk: None,
        vnic_type: VnicType::Normal,
        floating: false,
    }
}

pub fn compute_spec(name: &str, image: Uuid, ports: &[Uuid]) -> ComputeSpec {
    ComputeSpec {
        name: name.into(),
        owner: owner(),
        flavour: Flavour {
            vcpus: 1,
            memory_bytes: 256 << 20,
            cpu: Default::default(),
            extra: Default::default(),
            vim_flavour_id: None,
        },
        root: ComputeRoot::Image { image_id: image, size_bytes: None },
        volumes: vec![],
        ports: ports.to_vec(),
        boot_data: None,
        zone: None,
        affinity_groups: vec![],
        power: Default::default(),
        revert: None,
    }
}

/// A VIM with its hosts `h1`, `h2` …
pub async fn hosts_vim(
    adapter: &Adapter,
    northbound: &northbound::Northbound,
    agents: &[&fake_agent::FakeAgent],
) -> Uuid {
    let id = Uuid::new_v4();
    let kind = VimKind::Hosts { northbound: northbound.endpoint(), external_network: None };
    adapter.vi.put_vim(id, &VimSpec { name: "lab".into(), kind }).await.unwrap();
    for (i, agent) in agents.iter().enumerate() {
        let spec = HostSpec { agent: agent.base(), zone: "default".into(), schedulable: true };
        let host = adapter.vi.put_host(id, &format!("h{}", i + 1), &spec).await.unwrap();
        assert!(host.reachable, "{host:?}");
    }
    id
}

pub async fn told(adapter: &Adapter, vim: Uuid, word: &str) {
    let mut events = adapter.vi.events(vim, 0);
    until(&mut events, |event| matches!(event, ViEvent::Vim { what, .. } if what == word).then_some(())).await;
}
