//! A VIM in memory, with scripted boot times and faults: for trying an orchestration without a cloud, for scale, and for
//! faults that a real VIM does not play on demand. What it holds is remade from the store when the adapter starts.

mod engine;
mod faults;
mod load;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use ipnet::IpNet;
use reference_points::common::{Owner, ProblemDetails};
use reference_points::nf_vi::{
    Capacity, Consistency, ConsoleAccess, DesiredPower, MachineState, PowerAction, PowerRequest, RealDisk, RealPort,
    Reality,
};
use reference_points::or_vi::{
    AffinityGroup, Compute, ComputeRoot, ComputeState, ExternalNetwork, Host, HostSpec, MeasuredComputes, Network,
    Port, ResourceState, ResourceZone, Resources, SimSpec, Snapshot, SoftwareImage, Subnet, VimCapacity, VimInventory,
    VimInventoryItem, Volume,
};
use tokio::sync::mpsc;
use uuid::Uuid;

pub use faults::faults_of;

use self::engine::Due;
use self::faults::{Effect, Played, Script};
use crate::allowance::{Limit, Limits, Part};
use crate::error::{Failure, Result};
use crate::ledger::{Ledger, Report};
use crate::scheduler::{Candidate, capacity_of, zones_of};
use crate::store::computes::Phase;
use crate::store::snapshots::Seen;
use crate::store::{computes, hosts, images, networks, ports, snapshots, subnets, volumes};
use crate::tasks::Tasks;
use crate::vim::{Change, Gone, Made, Profile, ROUTERS, Vim, cannot};

/// A simulated VIM.
#[derive(Debug)]
pub struct SimVim {
    ledger: Ledger,
    tasks: Tasks,
    spec: SimSpec,
    script: Mutex<Script>,
    /// What it holds, by kind and id.
    holds: Mutex<BTreeMap<(&'static str, Uuid), Held>>,
    engine: mpsc::UnboundedSender<Due>,
    coming: Mutex<Option<mpsc::UnboundedReceiver<Due>>>,
}

/// Something that the VIM holds.
#[derive(Debug, Clone)]
struct Held {
    name: String,
    owner: Owner,
    host: Option<String>,
}

/// The network outside: a block for tests (RFC 2544).
fn outside() -> ExternalNetwork {
    let address = Ipv4Addr::new(198, 18, 0, 0);
    ExternalNetwork {
        physical_network: "simulated".to_owned(),
        segmentation_id: None,
        cidr: IpNet::new_assert(IpAddr::V4(address), 15),
        gateway: None,
        pools: Vec::new(),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl SimVim {
    /// A VIM that begins to live with [`Vim::start`].
    pub fn new(ledger: Ledger, tasks: Tasks, spec: SimSpec) -> Self {
        let (engine, coming) = mpsc::unbounded_channel();
        let script = Mutex::new(Script::new(&spec.faults));
        Self { ledger, tasks, spec, script, holds: Mutex::default(), engine, coming: Mutex::new(Some(coming)) }
    }

    fn due_in(&self, ms: u64, reports: Vec<Report>) {
        let wait = i64::try_from(ms).unwrap_or(i64::MAX).saturating_mul(1000);
        // The engine ends with the driver; what was due then is found again at the next start.
        let _ = self.engine.send(Due { at: self.ledger.store.now().saturating_add(wait), reports });
    }

    fn play(&self, resource: &str, on: &str, name: &str) -> Option<Played> {
        lock(&self.script).play(resource, on, name)
    }

    fn hold(&self, kind: &'static str, id: Uuid, name: &str, owner: &Owner, host: Option<String>) {
        lock(&self.holds).insert((kind, id), Held { name: name.to_owned(), owner: owner.clone(), host });
    }

    /// Makes anything but a compute. `report` tells its state.
    fn create(
        &self,
        kind: &'static str,
        id: Uuid,
        name: &str,
        owner: &Owner,
        report: impl Fn(ResourceState, Option<ProblemDetails>) -> Report,
    ) -> Result<Made> {
        let played = self.play(kind, "create", name);
        if let Some(played) = &played {
            match played.effect {
                Effect::Refuse | Effect::Unavailable => return Err(played.failure(&format!("{kind} {name}"))),
                Effect::Error => {
                    self.hold(kind, id, name, owner, None);
                    let problem = played.problem(&format!("{kind} {name}"));
                    self.due_in(self.spec.create_ms, vec![report(ResourceState::Error, Some(problem))]);
                    return Ok(Made::later());
                }
                Effect::Cut => {}
            }
        }
        self.hold(kind, id, name, owner, None);
        if played.is_some() {
            return Err(Failure::Cut);
        }
        if self.spec.create_ms == 0 {
            return Ok(Made::now());
        }
        self.due_in(self.spec.create_ms, vec![report(ResourceState::Active, None)]);
        Ok(Made::later())
    }

    fn remove(&self, kind: &'static str, id: Uuid, name: &str) -> Result<Gone> {
        let played = self.play(kind, "delete", name);
        if let Some(played) = played.as_ref().filter(|played| played.effect != Effect::Cut) {
            return Err(played.failure(&format!("{kind} {name}")));
        }
        lock(&self.holds).remove(&(kind, id));
        if played.is_some() { Err(Failure::Cut) } else { Ok(Gone::Now) }
    }

    /// What tells that a compute runs, stands, or failed to boot.
    fn booted(&self, compute: &Compute, wanted: i64, after_ms: u64) -> Vec<Report> {
        let at = self.ledger.store.now().saturating_add(i64::try_from(after_ms).unwrap_or(0).saturating_mul(1000));
        let running = compute.spec.power == DesiredPower::Running;
        let failed = running.then(|| self.play("compute", "boot", &compute.spec.name)).flatten();
        let problem = failed.as_ref().map(|played| played.problem(&format!("compute {}", compute.spec.name)));
        let state = match (&failed, running) {
            (Some(_), _) => MachineState::Error,
            (None, true) => MachineState::Running,
            (None, false) => MachineState::Stopped,
        };
        let mut reports = vec![Report::Phase { id: compute.id, wanted, phase: Phase::Settled, problem: None }];
        reports.extend(compute.spec.ports.iter().map(|port| Report::PortUp(*port, state == MachineState::Running)));
        let reverted = compute.spec.revert.or(compute.reverted);
        reports.push(Report::Machine { id: compute.id, state: Some(state), at, problem, reverted });
        reports
    }

    /// Lets a compute that begins to run after `after_ms` fail later, where that is scripted.
    fn may_fail(&self, compute: &Compute, after_ms: u64) {
        let runs = compute.spec.power == DesiredPower::Running;
        let Some(played) = runs.then(|| self.play("compute", "run", &compute.spec.name)).flatten() else { return };
        let wait = after_ms.saturating_add(self.spec.run_ms);
        let at = self.ledger.store.now().saturating_add(i64::try_from(wait).unwrap_or(0).saturating_mul(1000));
        let problem = Some(played.problem(&format!("compute {}", compute.spec.name)));
        self.due_in(
            wait,
            vec![Report::Machine {
                id: compute.id,
                state: Some(MachineState::Error),
                at,
                problem,
                reverted: compute.reverted,
            }],
        );
    }

    fn total(&self) -> Capacity {
        Capacity {
            vcpus: self.spec.vcpus_per_host,
            memory_bytes: self.spec.memory_per_host,
            disk_bytes: self.spec.disk_per_host,
        }
    }

    /// What it allows.
    fn limits(&self) -> Limits {
        let total = self.total();
        [
            ("hosts", Resources::Compute, u64::from(self.spec.hosts)),
            ("vCPUs of a host", Resources::Compute, total.vcpus),
            ("bytes of memory of a host", Resources::Compute, total.memory_bytes),
            ("bytes of disk of a host", Resources::Storage, total.disk_bytes),
        ]
        .into_iter()
        .map(|(name, of, most)| (name.to_owned(), Limit { of, most: Some(most) }))
        .collect()
    }

    async fn filled(&self) -> Result<Vec<Candidate>> {
        let store = &self.ledger.store;
        let reserved = hosts::reserved(&mut *store.db.pool.acquire().await?, self.ledger.vim).await?;
        let mut candidates = self.candidates().await?;
        for host in &mut candidates {
            host.reserved = reserved.get(&host.name).copied().unwrap_or_default();
        }
        Ok(candidates)
    }
}

#[async_trait]
impl Vim for SimVim {
    fn profile(&self) -> Profile {
        Profile {
            capabilities: vec!["provider_networks", "dhcp", ROUTERS, "volumes", "affinity", "snapshots", "simulated"],
            local_volumes: true,
            external: Some(outside()),
            ..Profile::default()
        }
    }

    async fn check(&self) -> Result<()> {
        Ok(())
    }

    async fn start(self: Arc<Self>) -> Result<()> {
        let Some(coming) = lock(&self.coming).take() else { return Ok(()) };
        let (store, vim) = (&self.ledger.store, self.ledger.vim);
        let mut connection = store.db.pool.acquire().await?;
        let tx = &mut *connection;
        for network in networks::list(tx, vim).await? {
            self.hold("network", network.id, &network.spec.name, &network.spec.owner, None);
        }
        for subnet in subnets::list(tx, vim).await? {
            self.hold("subnet", subnet.id, &subnet.spec.name, &subnet.spec.owner, None);
        }
        for port in ports::list(tx, vim).await? {
            self.hold("port", port.id, &port.spec.name, &port.spec.owner, None);
        }
        for volume in volumes::list(tx, vim).await? {
            self.hold("volume", volume.id, &volume.spec.name, &volume.spec.owner, volume.host.clone());
        }
        for snapshot in snapshots::list(tx, vim).await?.into_iter().map(|row| row.snapshot) {
            self.hold("snapshot", snapshot.id, &snapshot.spec.name, &snapshot.spec.owner, snapshot.host.clone());
        }
        for row in images::list(tx, vim).await? {
            self.hold("image", row.image.id, &row.image.spec.name, &row.image.spec.owner, None);
        }
        for row in computes::list(tx, vim).await? {
            let compute = &row.compute;
            self.hold("compute", compute.id, &compute.spec.name, &compute.spec.owner, compute.host.clone());
            match row.phase {
                Phase::Delete | Phase::Deleting => self.due_in(0, vec![Report::ComputeGone(compute.id)]),
                Phase::Deliver => {
                    self.due_in(self.spec.boot_ms, self.booted(compute, row.wanted, self.spec.boot_ms));
                }
                Phase::Settled | Phase::Failed => {}
            }
        }
        drop(connection);
        let group = vim.to_string();
        self.ledger.record(&[Report::Allows { part: Part::Whole, group, limits: self.limits() }]).await?;
        self.tasks.spawn("simulated VIM", engine::run(self.ledger.clone(), coming));
        Ok(())
    }

    async fn stop(&self) {
        self.tasks.stop().await;
    }

    async fn health(&self) -> BTreeMap<String, String> {
        BTreeMap::from([("simulation".to_owned(), "ok".to_owned())])
    }

    async fn hosts(&self) -> Result<Vec<Host>> {
        let hosts = self.candidates().await?.into_iter();
        Ok(hosts
            .map(|host| Host {
                spec: HostSpec { agent: format!("sim:{}", host.name), zone: host.zone, schedulable: true },
                name: host.name,
                reachable: true,
                info: None,
                problem: None,
            })
            .collect())
    }

    async fn hosts_changed(&self) -> Result<()> {
        Ok(())
    }

    async fn candidates(&self) -> Result<Vec<Candidate>> {
        let width = self.spec.hosts.to_string().len();
        let host = |n: u32| Candidate {
            name: format!("sim-{n:0width$}"),
            zone: "default".to_owned(),
            schedulable: true,
            unreachable: None,
            total: self.total(),
            reserved: Capacity::default(),
        };
        Ok((1..=self.spec.hosts).map(host).collect())
    }

    async fn zones(&self) -> Result<Vec<ResourceZone>> {
        Ok(zones_of(&self.candidates().await?))
    }

    async fn capacity(&self) -> Result<VimCapacity> {
        Ok(capacity_of(&self.filled().await?))
    }

    async fn inventory(&self) -> Result<VimInventory> {
        let word = |kind: &str| match kind {
            "compute" => "domain",
            "network" => "logical_switch",
            "subnet" => "dhcp_options",
            "port" => "logical_port",
            "volume" => "volume",
            "snapshot" => "snapshot",
            _ => "image",
        };
        let items = lock(&self.holds)
            .iter()
            .map(|((kind, id), held)| VimInventoryItem {
                kind: word(kind).to_owned(),
                host: held.host.clone(),
                name: held.name.clone(),
                id: Some(*id),
                belongs_to: (*kind == "compute").then_some(*id),
                owner: Some(held.owner.clone()),
                desired: false,
            })
            .collect();
        Ok(VimInventory { items, gaps: Vec::new() })
    }

    async fn ensure_network(&self, network: &Network) -> Result<Made> {
        let id = network.id;
        self.create("network", id, &network.spec.name, &network.spec.owner, |s, p| Report::Network(id, s, p))
    }

    async fn delete_network(&self, network: &Network) -> Result<Gone> {
        self.remove("network", network.id, &network.spec.name)
    }

    async fn ensure_subnet(&self, subnet: &Subnet) -> Result<Made> {
        let id = subnet.id;
        self.create("subnet", id, &subnet.spec.name, &subnet.spec.owner, |s, p| Report::Subnet(id, s, p))
    }

    async fn delete_subnet(&self, subnet: &Subnet) -> Result<Gone> {
        self.remove("subnet", subnet.id, &subnet.spec.name)
    }

    async fn ensure_port(&self, port: &Port) -> Result<Made> {
        let id = port.id;
        self.create("port", id, &port.spec.name, &port.spec.owner, |s, p| Report::Port(id, s, p))
    }

    async fn delete_port(&self, port: &Port) -> Result<Gone> {
        self.remove("port", port.id, &port.spec.name)
    }

    async fn ensure_image(&self, image: &SoftwareImage, _: &Path) -> Result<Made> {
        let id = image.id;
        self.create("image", id, &image.spec.name, &image.spec.owner, |s, p| Report::Image(id, s, p))
    }

    async fn delete_image(&self, image: &SoftwareImage) -> Result<Gone> {
        self.remove("image", image.id, &image.spec.name)
    }

    async fn ensure_volume(&self, volume: &Volume) -> Result<Made> {
        let id = volume.id;
        self.create("volume", id, &volume.spec.name, &volume.spec.owner, |s, p| Report::Volume(id, s, p))
    }

    async fn delete_volume(&self, volume: &Volume) -> Result<Gone> {
        self.remove("volume", volume.id, &volume.spec.name)
    }

    async fn ensure_affinity_group(&self, _: &AffinityGroup) -> Result<Made> {
        Ok(Made::now())
    }

    async fn delete_affinity_group(&self, _: &AffinityGroup) -> Result<Gone> {
        Ok(Gone::Now)
    }

    async fn ensure_compute(&self, compute: &Compute) -> Result<Made> {
        let Some(row) = self.ledger.compute(compute.id).await? else { return Ok(Made::later()) };
        let played = self.play("compute", "create", &compute.spec.name);
        let what = format!("compute {}", compute.spec.name);
        let returns = row.compute.spec.revert.is_some_and(|wanted| row.compute.reverted != Some(wanted));
        let played = if returns { self.play("compute", "revert", &compute.spec.name).or(played) } else { played };
        if let Some(refusal) = played.as_ref().filter(|p| matches!(p.effect, Effect::Refuse | Effect::Unavailable)) {
            return Err(refusal.failure(&what));
        }
        self.hold("compute", compute.id, &compute.spec.name, &compute.spec.owner, compute.host.clone());
        match played {
            Some(played) if played.effect == Effect::Error => {
                let problem = Some(played.problem(&what));
                let failed = Report::Phase { id: compute.id, wanted: row.wanted, phase: Phase::Failed, problem };
                self.due_in(self.spec.boot_ms, vec![failed]);
                Ok(Made::later())
            }
            cut => {
                self.due_in(self.spec.boot_ms, self.booted(&row.compute, row.wanted, self.spec.boot_ms));
                self.may_fail(&row.compute, self.spec.boot_ms);
                if cut.is_some() { Err(Failure::Cut) } else { Ok(Made::later()) }
            }
        }
    }

    async fn delete_compute(&self, compute: &Compute) -> Result<Gone> {
        match self.remove("compute", compute.id, &compute.spec.name) {
            Ok(_) => {
                self.due_in(self.spec.create_ms, vec![Report::ComputeGone(compute.id)]);
                Ok(Gone::Later)
            }
            Err(Failure::Cut) => {
                self.due_in(self.spec.create_ms, vec![Report::ComputeGone(compute.id)]);
                Err(Failure::Cut)
            }
            Err(failure) => Err(failure),
        }
    }

    async fn power(&self, compute: &Compute, request: &PowerRequest) -> Result<()> {
        let Some(row) = self.ledger.compute(compute.id).await? else { return Ok(()) };
        let wait = match request.action {
            PowerAction::Stop | PowerAction::StopGraceful => self.spec.create_ms,
            PowerAction::Start | PowerAction::Reboot | PowerAction::RebootGraceful => self.spec.boot_ms,
        };
        self.due_in(wait, self.booted(&row.compute, row.wanted, wait));
        Ok(())
    }

    async fn may_change(&self, _: &Compute, _: &Change) -> Result<()> {
        Ok(())
    }

    async fn ensure_snapshot(&self, snapshot: &Snapshot) -> Result<Made> {
        let Some(row) = self.ledger.compute(snapshot.spec.compute_id).await? else { return Ok(Made::later()) };
        let spec = &row.compute.spec;
        let root = if let ComputeRoot::Volume { volume_id } = spec.root { Some(volume_id) } else { None };
        let volumes: Vec<Uuid> = root.into_iter().chain(spec.volumes.iter().copied()).collect();
        let running = spec.power == DesiredPower::Running;
        let seen = |state, problem| Seen {
            state,
            problem,
            consistency: Some(if running { Consistency::Crash } else { Consistency::Stopped }),
            volumes: volumes.clone(),
            size_bytes: row.reserved.disk_bytes,
        };
        let (id, name) = (snapshot.id, &snapshot.spec.name);
        let made = self.create("snapshot", id, name, &snapshot.spec.owner, |s, p| Report::Snapshot(id, seen(s, p)))?;
        if matches!(made, Made::Now(_)) {
            self.due_in(0, vec![Report::Snapshot(id, seen(ResourceState::Active, None))]);
        }
        Ok(Made::later())
    }

    async fn delete_snapshot(&self, snapshot: &Snapshot) -> Result<Gone> {
        self.remove("snapshot", snapshot.id, &snapshot.spec.name)
    }

    async fn console_log(&self, compute: &Compute, bytes: u64) -> Result<String> {
        let text = format!("{}: simulated on {}\n", compute.spec.name, compute.host.as_deref().unwrap_or("no host"));
        let keep = usize::try_from(bytes).unwrap_or(usize::MAX).min(text.len());
        Ok(text.chars().skip(text.chars().count().saturating_sub(keep)).collect())
    }

    async fn console(&self, _: &Compute) -> Result<ConsoleAccess> {
        Err(cannot("a console", "a simulated compute has none"))
    }

    async fn reality(&self, compute: &Compute) -> Result<Option<Reality>> {
        let Some(row) = self.ledger.compute(compute.id).await? else { return Ok(None) };
        let runs = row.machine == Some(MachineState::Running);
        let spec = row.compute.spec;
        let root = match spec.root {
            ComputeRoot::Image { size_bytes, .. } => RealDisk { volume_id: None, size_bytes },
            ComputeRoot::Volume { volume_id } => RealDisk { volume_id: Some(volume_id), size_bytes: None },
        };
        let more = spec.volumes.into_iter().map(|id| RealDisk { volume_id: Some(id), size_bytes: None });
        Ok(Some(Reality {
            runs,
            vcpus: spec.flavour.vcpus,
            memory_bytes: spec.flavour.memory_bytes,
            disks: std::iter::once(root).chain(more).collect(),
            ports: spec.ports.into_iter().map(|id| RealPort { id, plugged: runs }).collect(),
        }))
    }

    async fn measure(&self, computes: &[Compute]) -> Result<MeasuredComputes> {
        let at = self.ledger.store.now();
        let runs = |compute: &&Compute| compute.state == ComputeState::Active;
        let measured = computes.iter().filter(runs).map(|c| (c.id, load::measured(&self.spec, c, at)));
        Ok(MeasuredComputes { measured: measured.collect(), gaps: Vec::new() })
    }
}
