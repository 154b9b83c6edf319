//! OpenStack behind [`Vim`]: Keystone, Nova, Neutron, Glance, Cinder and Placement through the session of `openstack_sdk`.
//! (ETSI GS NFV-IFA 005 and 006; SOL003 clause 4.4.1.6 for how it is reached.)
//!
//! The SDK has the token, the catalogue, versions and the connection; requests are documents of our own ([`call::Call`]),
//! made and read by pure functions, one file per service. Everything made carries an owner mark and is looked for by it
//! before it is made ([`marks`]). What takes time is told by following the whole project in a few lists ([`follow`]).

mod access;
mod call;
mod capacity;
mod computes;
mod errors;
mod filters;
mod flavours;
mod follow;
mod groups;
mod images;
mod inventory;
mod limits;
mod marks;
mod measure;
mod migrations;
mod networks;
mod notifications;
mod own;
mod ports;
mod qos;
mod report;
mod routers;
mod servers;
mod session;
mod snapshots;
mod trunks;
mod volumes;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use reference_points::common::ProblemDetails;
use reference_points::nf_vi::{ConsoleAccess, PowerRequest, Reality};
use reference_points::or_vi::{
    AffinityGroup, Compute, Host, MeasuredComputes, MigrateRequest, Network, OpenstackAccessInfo,
    OpenstackInterfaceInfo, Port, ResourceZone, Snapshot, SoftwareImage, Subnet, VimCapacity, VimInventory, VimReport,
    Volume,
};
use serde_json::Value;
use tokio::sync::{Mutex, Notify};
use tokio::time::Instant;
use uuid::Uuid;

pub use access::faults_of;

use self::access::Access;
use self::call::{Call, Service};
use self::errors::{Told, Work};
use self::session::Session;
use crate::error::{Result, is_refusal};
use crate::ledger::Ledger;
use crate::scheduler::Candidate;
use crate::store::computes::Phase;
use crate::store::networks as stored_networks;
use crate::tasks::Tasks;
use crate::turns::Turns;
use crate::vim::{Change, FLAVOURS, Gone, Made, Profile, ROUTERS, Vim, cannot};

/// Entries of a list that are read with one request.
const PAGE: usize = 1000;
/// The longest that whoever asks for a VIM waits for its report.
const REPORT: Duration = Duration::from_secs(10);
/// Times that something is looked for when its creation was not answered, a second apart.
const LOOKS: u32 = 5;

/// One project of one OpenStack.
#[derive(Debug)]
pub struct OpenstackVim {
    ledger: Ledger,
    tasks: Tasks,
    session: Session,
    /// One works on a resource at a time.
    turns: Turns<Uuid>,
    /// Neutron's identifiers of security groups, by name, and of QoS policies, by kilobits in a second, once they are known.
    groups: Mutex<BTreeMap<String, String>>,
    policies: Mutex<BTreeMap<u64, String>>,
    /// Ports that Neutron has no more and that are about to be forgotten: of two that go at once, the second to have gone
    /// must not spare what they share for the first.
    ports_gone: std::sync::Mutex<BTreeSet<Uuid>>,
    flavours: Mutex<flavours::Known>,
    /// Servers that are being moved to other hosts.
    moves: std::sync::Mutex<migrations::Moves>,
    /// Rung when there is something to see.
    bell: Notify,
    notifications: notifications::Notifications,
    report: Mutex<Option<(Instant, VimReport)>>,
    capacity: Mutex<Option<(Instant, capacity::Room)>>,
    /// Computes that Nova is being told of.
    telling: std::sync::Mutex<BTreeSet<Uuid>>,
    started: std::sync::atomic::AtomicBool,
    /// What was being made when the adapter stopped: a request for it may still be on its way through the cloud.
    suspects: std::sync::Mutex<BTreeSet<Uuid>>,
}

/// The VIM's identifier of something, or 503 while it has none.
fn known(its: Option<String>, kind: &str, id: Uuid) -> Result<String> {
    its.ok_or_else(|| {
        ProblemDetails::unavailable(format!("{kind} {id} is not made in OpenStack yet"))
            .next("it is tried again when that is there")
            .into()
    })
}

impl OpenstackVim {
    /// A VIM that begins to work with [`Vim::start`].
    pub fn new(ledger: Ledger, tasks: Tasks, interface: OpenstackInterfaceInfo, account: OpenstackAccessInfo) -> Self {
        Self {
            ledger,
            tasks,
            session: Session::new(Access { interface, account }),
            turns: Turns::default(),
            groups: Mutex::default(),
            policies: Mutex::default(),
            ports_gone: std::sync::Mutex::default(),
            flavours: Mutex::default(),
            moves: std::sync::Mutex::default(),
            bell: Notify::new(),
            notifications: notifications::Notifications::default(),
            report: Mutex::default(),
            capacity: Mutex::default(),
            telling: std::sync::Mutex::default(),
            started: std::sync::atomic::AtomicBool::new(false),
            suspects: std::sync::Mutex::default(),
        }
    }

    fn wake(&self) {
        self.bell.notify_one();
    }

    /// Whether telling Nova of a compute may begin: nobody is at it.
    fn begin(&self, id: Uuid) -> bool {
        self.telling.lock().unwrap_or_else(PoisonError::into_inner).insert(id)
    }

    fn end(&self, id: Uuid) {
        self.telling.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
    }

    /// Notes what was being made when the adapter stopped.
    async fn suspect(&self) -> Result<()> {
        use crate::store::{computes, groups, ports, subnets, volumes};
        let mut connection = self.ledger.store.db.pool.acquire().await?;
        let (tx, vim) = (&mut *connection, self.ledger.vim);
        let mut all: Vec<(Uuid, bool)> = Vec::new();
        all.extend(stored_networks::list(tx, vim).await?.iter().map(|n| (n.id, n.vim_resource_id.is_none())));
        all.extend(subnets::list(tx, vim).await?.iter().map(|s| (s.id, s.vim_resource_id.is_none())));
        all.extend(ports::list(tx, vim).await?.iter().map(|p| (p.id, p.vim_resource_id.is_none())));
        all.extend(volumes::list(tx, vim).await?.iter().map(|v| (v.id, v.vim_resource_id.is_none())));
        all.extend(groups::list(tx, vim).await?.iter().map(|g| (g.id, g.vim_resource_id.is_none())));
        let sent = |row: &computes::ComputeRow| row.sent && row.compute.vim_resource_id.is_none();
        all.extend(computes::list(tx, vim).await?.iter().map(|row| (row.compute.id, sent(row))));
        let unknown = all.into_iter().filter(|(_, unknown)| *unknown).map(|(id, _)| id);
        self.suspects.lock().unwrap_or_else(PoisonError::into_inner).extend(unknown);
        Ok(())
    }

    /// Looks for something, and again for a while when a request for it may still be on its way.
    async fn looked_for<F, L>(&self, id: Uuid, look: L) -> Result<Option<Value>>
    where
        F: Future<Output = Result<Option<Value>>>,
        L: Fn() -> F,
    {
        let found = self.looked_again(self.is_suspect(id), look).await?;
        self.suspects.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
        Ok(found)
    }

    /// Whether a request for something may still be on its way.
    fn is_suspect(&self, id: Uuid) -> bool {
        self.suspects.lock().unwrap_or_else(PoisonError::into_inner).contains(&id)
    }

    /// Looks for something, of a suspect for a while.
    async fn looked_again<F, L>(&self, suspect: bool, look: L) -> Result<Option<Value>>
    where
        F: Future<Output = Result<Option<Value>>>,
        L: Fn() -> F,
    {
        let mut found = look().await?;
        let mut looks = if suspect { LOOKS } else { 0 };
        while found.is_none() && looks > 0 {
            looks -= 1;
            tokio::time::sleep(Duration::from_secs(1)).await;
            found = look().await?;
        }
        Ok(found)
    }

    /// Makes something once: when the request is not answered, what it may have made is looked for. `its` takes the
    /// resource's document from the answer.
    async fn create<F, L>(&self, work: &Work, call: Call, its: impl FnOnce(&Value) -> Value, look: L) -> Result<Value>
    where
        F: Future<Output = Result<Option<Value>>>,
        L: Fn() -> F,
    {
        let service = call.service;
        match self.session.tell(call).await? {
            Ok(reply) => Ok(its(&reply.body)),
            Err(told @ (Told::Silent { sent: true, .. } | Told::Answer { status: 502 | 504, .. })) => {
                for _ in 0..LOOKS {
                    tokio::time::sleep(Duration::from_secs(1)).await;
                    if let Ok(Some(found)) = look().await {
                        return Ok(found);
                    }
                }
                Err(errors::failure(service, work, &told))
            }
            Err(told) => Err(errors::failure(service, work, &told)),
        }
    }

    /// A whole list, page after page.
    async fn paged(
        &self,
        service: Service,
        path: &str,
        key: &str,
        query: &[(&'static str, String)],
    ) -> Result<Vec<Value>> {
        let work = Work::new("list", key.to_owned());
        let mut all: Vec<Value> = Vec::new();
        loop {
            let mut call = Call::get(service, path).query("limit", PAGE.to_string());
            for (name, value) in query {
                call = call.query(name, value.clone());
            }
            if let Some(last) = all.last().and_then(|last| last["id"].as_str()) {
                call = call.query("marker", last.to_owned());
            }
            let mut body = self.session.ask(&work, call).await?.body;
            let links = body[format!("{key}_links")].as_array().into_iter().flatten();
            let more = body["next"].is_string() || links.into_iter().any(|link| link["rel"] == "next");
            let Some(Value::Array(page)) = body.get_mut(key).map(Value::take) else { return Ok(all) };
            let empty = page.is_empty();
            all.extend(page);
            if !more || empty {
                return Ok(all);
            }
        }
    }

    /// Neutron's identifier of a network.
    async fn network_id(&self, id: Uuid) -> Result<String> {
        let mut connection = self.ledger.store.db.pool.acquire().await?;
        let network = stored_networks::get(&mut connection, self.ledger.vim, id).await?;
        known(network.and_then(|network| network.vim_resource_id), "network", id)
    }
}

#[async_trait]
impl Vim for OpenstackVim {
    fn profile(&self) -> Profile {
        let all = [
            ("provider_networks", Service::Network),
            ("dhcp", Service::Network),
            ("port_security", Service::Network),
            ("ipv6", Service::Network),
            (ROUTERS, Service::Network),
            (FLAVOURS, Service::Compute),
            ("volumes", Service::Volume),
            ("affinity", Service::Compute),
            ("hotplug", Service::Compute),
            ("snapshots", Service::Image),
            ("console", Service::Compute),
        ];
        let has = |service: &Service| !self.session.lacks(*service);
        Profile {
            capabilities: all.into_iter().filter(|(_, service)| has(service)).map(|(word, _)| word).collect(),
            own_addresses: true,
            own_placement: true,
            local_volumes: false,
            external: None,
        }
    }

    async fn check(&self) -> Result<()> {
        self.session.reconnect().await?;
        self.look().await.map(drop)
    }

    async fn start(self: Arc<Self>) -> Result<()> {
        if !self.started.swap(true, std::sync::atomic::Ordering::SeqCst) {
            self.suspect().await?;
            self.tasks.spawn("OpenStack notifications", notifications::run(Arc::clone(&self)));
            self.tasks.spawn("OpenStack", follow::run(Arc::clone(&self)));
        }
        Ok(())
    }

    async fn stop(&self) {
        self.tasks.stop().await;
    }

    async fn health(&self) -> BTreeMap<String, String> {
        let mut health = self.session.health();
        health.extend(self.notifications.health().map(|state| ("notifications".to_owned(), state)));
        health
    }

    async fn report(&self) -> Option<VimReport> {
        match tokio::time::timeout(REPORT, self.look()).await {
            Ok(Ok(report)) => Some(report),
            Ok(Err(failure)) => {
                tracing::info!(vim = %self.ledger.vim, %failure, "the cloud cannot be looked at");
                self.report.lock().await.as_ref().map(|(_, report)| report.clone())
            }
            // A cloud that does not answer must not keep the list of VIMs waiting.
            Err(_) => self.report.try_lock().ok().and_then(|known| known.as_ref().map(|(_, report)| report.clone())),
        }
    }

    async fn hosts(&self) -> Result<Vec<Host>> {
        // Hosts of a cloud are its operator's; what this account may see of them stands in the zones.
        Ok(Vec::new())
    }

    async fn hosts_changed(&self) -> Result<()> {
        Ok(())
    }

    async fn candidates(&self) -> Result<Vec<Candidate>> {
        Ok(Vec::new())
    }

    async fn zones(&self) -> Result<Vec<ResourceZone>> {
        self.list_zones().await
    }

    async fn capacity(&self) -> Result<VimCapacity> {
        self.room().await
    }

    async fn inventory(&self) -> Result<VimInventory> {
        self.take_inventory().await
    }

    async fn own_network(&self, id: Uuid) -> Result<Option<(Network, Vec<Subnet>)>> {
        self.network_of_its_own(id).await
    }

    async fn own_image(&self, id: Uuid) -> Result<Option<u64>> {
        self.image_of_its_own(id).await
    }

    async fn ensure_network(&self, network: &Network) -> Result<Made> {
        self.make_network(network).await
    }

    async fn delete_network(&self, network: &Network) -> Result<Gone> {
        self.neutron_remove_ours("network", &network.spec.name, network.id, network.vim_resource_id.as_ref()).await
    }

    async fn ensure_subnet(&self, subnet: &Subnet) -> Result<Made> {
        self.make_subnet(subnet).await
    }

    async fn delete_subnet(&self, subnet: &Subnet) -> Result<Gone> {
        self.remove_subnet(subnet).await
    }

    async fn ensure_port(&self, port: &Port) -> Result<Made> {
        self.make_port(port).await
    }

    async fn delete_port(&self, port: &Port) -> Result<Gone> {
        self.remove_port(port).await
    }

    async fn ensure_image(&self, image: &SoftwareImage, content: &Path) -> Result<Made> {
        let made = self.make_image(image, content).await?;
        self.wake();
        Ok(made)
    }

    async fn delete_image(&self, image: &SoftwareImage) -> Result<Gone> {
        self.remove_image(image).await
    }

    async fn ensure_volume(&self, volume: &Volume) -> Result<Made> {
        self.make_volume(volume).await
    }

    async fn delete_volume(&self, volume: &Volume) -> Result<Gone> {
        self.remove_volume(volume).await
    }

    async fn ensure_affinity_group(&self, group: &AffinityGroup) -> Result<Made> {
        self.make_group(group).await
    }

    async fn delete_affinity_group(&self, group: &AffinityGroup) -> Result<Gone> {
        self.remove_group(group).await
    }

    async fn ensure_compute(&self, compute: &Compute) -> Result<Made> {
        let Some(row) = self.ledger.compute(compute.id).await? else { return Ok(Made::later()) };
        if row.sent || row.phase != Phase::Deliver {
            // What exists is changed in Nova's own time.
            self.wake();
            return Ok(Made::later());
        }
        match self.deliver(compute.id).await {
            Ok(its) => Ok(Made::Later(its.unwrap_or_default())),
            Err(failure) if is_refusal(&failure) => Err(failure),
            // Written down as what it waits for; it is tried again.
            Err(_) => Ok(Made::later()),
        }
    }

    async fn delete_compute(&self, _: &Compute) -> Result<Gone> {
        self.wake();
        Ok(Gone::Later)
    }

    async fn power(&self, compute: &Compute, request: &PowerRequest) -> Result<()> {
        self.power_of(compute, request).await
    }

    async fn migrate(&self, compute: &Compute, request: &MigrateRequest) -> Result<()> {
        self.begin_migration(compute, request).await
    }

    async fn may_change(&self, compute: &Compute, change: &Change) -> Result<()> {
        match change {
            Change::Revert(_) => Err(cannot(
                "a return to a snapshot",
                "Nova cannot bring a server back to one and keep what was there before",
            )),
            Change::GrowRoot(_) if servers::root_volume(&compute.spec).is_some() => {
                Err(cannot("a larger root disk", "it is a volume, which is grown by itself"))
            }
            Change::AttachVolume(_) | Change::DetachVolume(_) if !self.session.has(Service::Volume).await? => {
                Err(cannot("another volume", "this cloud has no Cinder"))
            }
            _ => Ok(()),
        }
    }

    async fn ensure_snapshot(&self, snapshot: &Snapshot) -> Result<Made> {
        self.take_snapshot(snapshot).await
    }

    async fn delete_snapshot(&self, snapshot: &Snapshot) -> Result<Gone> {
        self.remove_snapshot(snapshot).await
    }

    async fn console_log(&self, compute: &Compute, bytes: u64) -> Result<String> {
        self.console_of(compute, bytes).await
    }

    async fn console(&self, compute: &Compute) -> Result<ConsoleAccess> {
        self.console_at(compute).await
    }

    async fn measure(&self, computes: &[Compute]) -> Result<MeasuredComputes> {
        self.counters(computes).await
    }

    async fn reality(&self, compute: &Compute) -> Result<Option<Reality>> {
        self.really(compute).await
    }
}
