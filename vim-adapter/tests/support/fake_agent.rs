//! A host's agent that keeps what it is told in memory, over real HTTP.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use futures::StreamExt;
use reference_points::common::ProblemDetails;
use reference_points::nf_vi::*;
use service::http::{After, ApiError, Wake, event_stream};
use sha2::Digest;
use uuid::Uuid;

#[derive(Default)]
pub struct Inner {
    pub incarnation: Uuid,
    pub machines: BTreeMap<Uuid, Machine>,
    pub volumes: BTreeMap<Uuid, VolumeInfo>,
    pub images: BTreeMap<Uuid, ImageInfo>,
    pub snapshots: BTreeMap<Uuid, Snapshot>,
    pub planted: Vec<InventoryItem>,
    events: Vec<serde_json::Value>,
    clock: i64,
    /// How many times each thing was asked for.
    pub puts: BTreeMap<Uuid, u32>,
    pub uploads: u32,
    /// New machines stay `building`.
    pub hold: bool,
    pub refuse: Option<ProblemDetails>,
    /// `traceparent` of the last request for a machine.
    pub trace: Option<String>,
}

/// A running agent; it keeps its state over [`FakeAgent::down`] and [`FakeAgent::up`].
pub struct FakeAgent {
    pub address: SocketAddr,
    shared: Shared,
    /// Its own, so that all its connections end with it, as those of a process that is killed.
    runtime: Option<tokio::runtime::Runtime>,
}

#[derive(Clone)]
struct Shared {
    inner: Arc<Mutex<Inner>>,
    wake: Wake,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap()
    }

    fn tell(&self, event: &AgentEvent) {
        self.lock().events.push(serde_json::to_value(event).unwrap());
        self.wake.ring();
    }

    fn change(&self, id: Uuid, state: MachineState) {
        let mut inner = self.lock();
        inner.clock += 1;
        let at = inner.clock;
        let machine = inner.machines.get_mut(&id).unwrap();
        machine.state = state;
        machine.changed_at = at;
        let machine = Box::new(machine.clone());
        drop(inner);
        self.tell(&AgentEvent::Machine { machine });
    }
}

impl FakeAgent {
    pub async fn start() -> Self {
        let inner = Inner { incarnation: Uuid::new_v4(), ..Inner::default() };
        let shared = Shared { inner: Arc::new(Mutex::new(inner)), wake: Wake::default() };
        let mut agent = Self { address: "127.0.0.1:0".parse().unwrap(), shared, runtime: None };
        agent.up().await;
        agent
    }

    pub fn base(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn lock(&self) -> MutexGuard<'_, Inner> {
        self.shared.lock()
    }

    pub async fn up(&mut self) {
        // The port is free again only when the last run's listener is gone.
        let listener = loop {
            match std::net::TcpListener::bind(self.address) {
                Ok(listener) => break listener,
                Err(_) => tokio::task::yield_now().await,
            }
        };
        listener.set_nonblocking(true).unwrap();
        self.address = listener.local_addr().unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let router = router(self.shared.clone());
        runtime.spawn(async move {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            axum::serve(listener, router).await.unwrap();
        });
        self.runtime = Some(runtime);
    }

    pub async fn down(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }

    /// Everything is lost, as by another disk.
    pub fn wipe(&self) {
        *self.lock() = Inner { incarnation: Uuid::new_v4(), ..Inner::default() };
    }

    /// The hypervisor runs it.
    pub fn run(&self, id: Uuid) {
        self.shared.change(id, MachineState::Running);
    }

    /// A machine that is wanted disappears, and the agent says so.
    pub fn lose(&self, id: Uuid) {
        self.lock().machines.remove(&id).unwrap();
        self.shared.tell(&AgentEvent::MachineDeleted { id });
    }

    /// A snapshot is whole.
    pub fn captured(&self, id: Uuid, volumes: &[Uuid]) {
        let mut inner = self.lock();
        let snapshot = inner.snapshots.get_mut(&id).unwrap();
        snapshot.state = SnapshotState::Ready;
        snapshot.consistency = Some(Consistency::Quiesced);
        let disk = |volume_id| SnapshotDisk { volume_id, size_bytes: 1000 };
        snapshot.disks = std::iter::once(None).chain(volumes.iter().copied().map(Some)).map(disk).collect();
        let snapshot = Box::new(snapshot.clone());
        drop(inner);
        self.shared.tell(&AgentEvent::Snapshot { snapshot });
    }

    /// A snapshot that is wanted disappears, and the agent says so.
    pub fn lose_snapshot(&self, id: Uuid) {
        self.lock().snapshots.remove(&id);
        self.shared.tell(&AgentEvent::SnapshotDeleted { id });
    }

    pub fn say(&self, what: &str) {
        self.shared.tell(&AgentEvent::Host { what: what.into(), detail: "as it happens".into(), machine: None });
    }
}

impl Drop for FakeAgent {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn router(shared: Shared) -> Router {
    Router::new()
        .route(paths::HOST, get(host))
        .route(
            paths::IMAGES,
            get(async |State(s): State<Shared>| Json(s.lock().images.values().cloned().collect::<Vec<_>>())),
        )
        .route("/nf-vi/v1/images/{id}", get(image).put(put_image).delete(delete_image))
        .route("/nf-vi/v1/volumes/{id}", get(volume).put(put_volume).delete(delete_volume))
        .route(
            paths::MACHINES,
            get(async |State(s): State<Shared>| Json(s.lock().machines.values().cloned().collect::<Vec<_>>())),
        )
        .route("/nf-vi/v1/machines/{id}", get(machine).put(put_machine).delete(delete_machine))
        .route("/nf-vi/v1/machines/{id}/power", post(power))
        .route("/nf-vi/v1/machines/{id}/console_log", get(async || "login:"))
        .route(
            paths::SNAPSHOTS,
            get(async |State(s): State<Shared>| Json(s.lock().snapshots.values().cloned().collect::<Vec<_>>())),
        )
        .route("/nf-vi/v1/snapshots/{id}", get(snapshot).put(put_snapshot).delete(delete_snapshot))
        .route(paths::INVENTORY, get(inventory))
        .route(paths::EVENTS, get(events))
        .layer(axum::extract::DefaultBodyLimit::disable())
        .with_state(shared)
}

async fn host(State(shared): State<Shared>) -> Json<HostInfo> {
    let inner = shared.lock();
    Json(HostInfo {
        name: "fake".into(),
        incarnation: inner.incarnation,
        facts: HostFacts {
            arch: "x86_64".into(),
            cpu_model: "fake".into(),
            cpus: 4,
            numa_nodes: vec![],
            hypervisor: "fake".into(),
            acceleration: "tcg".into(),
            acceleration_reason: "fake".into(),
            switch: None,
            kernel: "0".into(),
        },
        total: Capacity { vcpus: 4, memory_bytes: 4 << 30, disk_bytes: 100 << 30 },
        reserved: Capacity::default(),
        chassis: Some("chassis-of-fake".into()),
        health: BTreeMap::from([("hypervisor".to_owned(), "ok".to_owned())]),
        last_event: inner.events.len() as i64,
    })
}

fn found<T: serde::Serialize>(found: Option<T>) -> Response {
    match found {
        Some(thing) => Json(thing).into_response(),
        None => ApiError::not_found("it").into_response(),
    }
}

async fn image(State(shared): State<Shared>, Path(id): Path<Uuid>) -> Response {
    found(shared.lock().images.get(&id).cloned())
}

async fn put_image(State(shared): State<Shared>, Path(id): Path<Uuid>, headers: HeaderMap, body: Body) -> Response {
    let text = |name: &str| headers[name].to_str().unwrap().to_owned();
    let mut stream = body.into_data_stream();
    let mut content = Vec::new();
    while let Some(chunk) = stream.next().await {
        content.extend_from_slice(&chunk.unwrap());
    }
    let sha256 = hex::encode(sha2::Sha256::digest(&content));
    assert_eq!(text(HEADER_IMAGE_SHA256), sha256, "the adapter sent what it announced");
    let info = ImageInfo {
        id,
        format: DiskFormat::Raw,
        size_bytes: content.len() as u64,
        virtual_size_bytes: content.len() as u64,
        sha256,
        owner: serde_json::from_str(&text(HEADER_IMAGE_OWNER)).unwrap(),
    };
    let mut inner = shared.lock();
    inner.uploads += 1;
    inner.images.insert(id, info.clone());
    Json(info).into_response()
}

async fn delete_image(State(shared): State<Shared>, Path(id): Path<Uuid>) -> StatusCode {
    shared.lock().images.remove(&id);
    StatusCode::NO_CONTENT
}

async fn volume(State(shared): State<Shared>, Path(id): Path<Uuid>) -> Response {
    found(shared.lock().volumes.get(&id).cloned())
}

async fn put_volume(State(shared): State<Shared>, Path(id): Path<Uuid>, Json(spec): Json<VolumeSpec>) -> Response {
    let info = VolumeInfo { id, spec, attached_to: None, allocated_bytes: 0 };
    let mut inner = shared.lock();
    *inner.puts.entry(id).or_default() += 1;
    inner.volumes.insert(id, info.clone());
    Json(info).into_response()
}

async fn delete_volume(State(shared): State<Shared>, Path(id): Path<Uuid>) -> StatusCode {
    shared.lock().volumes.remove(&id);
    StatusCode::NO_CONTENT
}

async fn machine(State(shared): State<Shared>, Path(id): Path<Uuid>) -> Response {
    found(shared.lock().machines.get(&id).cloned())
}

async fn put_machine(
    State(shared): State<Shared>,
    Path(id): Path<Uuid>,
    headers: HeaderMap,
    Json(spec): Json<MachineSpec>,
) -> Response {
    let mut inner = shared.lock();
    inner.trace = headers.get("traceparent").map(|trace| trace.to_str().unwrap().to_owned());
    *inner.puts.entry(id).or_default() += 1;
    if let Some(problem) = inner.refuse.clone() {
        return ApiError::new(problem).into_response();
    }
    inner.clock += 1;
    let at = inner.clock;
    let run = !inner.hold;
    let machine = inner.machines.entry(id).or_insert_with(|| Machine {
        id,
        spec: spec.clone(),
        state: MachineState::Building,
        problem: None,
        domain: Some(format!("mano-{id}")),
        reverted: None,
        changed_at: at,
    });
    machine.reverted = spec.revert.or(machine.reverted);
    machine.spec = spec;
    let answer = machine.clone();
    drop(inner);
    if run && answer.state == MachineState::Building {
        shared.change(id, MachineState::Running);
    }
    Json(answer).into_response()
}

async fn delete_machine(State(shared): State<Shared>, Path(id): Path<Uuid>) -> StatusCode {
    if shared.lock().machines.contains_key(&id) {
        shared.change(id, MachineState::Deleting);
        tokio::spawn(async move {
            shared.lock().machines.remove(&id);
            shared.tell(&AgentEvent::MachineDeleted { id });
        });
    }
    StatusCode::ACCEPTED
}

async fn power(State(shared): State<Shared>, Path(id): Path<Uuid>, Json(request): Json<PowerRequest>) -> Response {
    let state = match request.action {
        PowerAction::Stop | PowerAction::StopGraceful => MachineState::Stopped,
        _ => MachineState::Running,
    };
    shared.change(id, state);
    found(shared.lock().machines.get(&id).cloned())
}

async fn snapshot(State(shared): State<Shared>, Path(id): Path<Uuid>) -> Response {
    found(shared.lock().snapshots.get(&id).cloned())
}

async fn put_snapshot(State(shared): State<Shared>, Path(id): Path<Uuid>, Json(spec): Json<SnapshotSpec>) -> Response {
    let taken = Snapshot {
        id,
        spec,
        state: SnapshotState::Building,
        problem: None,
        consistency: None,
        disks: vec![],
        taken_at: 0,
    };
    let answer = shared.lock().snapshots.entry(id).or_insert(taken).clone();
    *shared.lock().puts.entry(id).or_default() += 1;
    Json(answer).into_response()
}

async fn delete_snapshot(State(shared): State<Shared>, Path(id): Path<Uuid>) -> StatusCode {
    if shared.lock().snapshots.remove(&id).is_some() {
        shared.tell(&AgentEvent::SnapshotDeleted { id });
    }
    StatusCode::NO_CONTENT
}

async fn inventory(State(shared): State<Shared>) -> Json<Inventory> {
    let inner = shared.lock();
    let domains = inner.machines.values().map(|machine| InventoryItem {
        kind: InventoryKind::Domain,
        name: format!("mano-{}", machine.id),
        id: Some(machine.id),
        owner: Some(machine.spec.owner.clone()),
        desired: true,
    });
    let images = inner.images.values().map(|image| InventoryItem {
        kind: InventoryKind::Image,
        name: image.id.to_string(),
        id: Some(image.id),
        owner: Some(image.owner.clone()),
        desired: true,
    });
    let items = domains.chain(images).chain(inner.planted.iter().cloned()).collect();
    Json(Inventory { host: "fake".into(), items, gaps: vec![] })
}

async fn events(State(shared): State<Shared>, from: After) -> Response {
    let wake = shared.wake.clone();
    event_stream(from, &wake, move |after, limit| {
        let inner = shared.lock();
        let after = usize::try_from(after).unwrap();
        let news = inner.events.iter().enumerate().skip(after).take(limit);
        let news: Vec<_> = news.map(|(i, event)| (i as i64 + 1, event.clone())).collect();
        async move { Ok::<_, std::convert::Infallible>(news) }
    })
}
