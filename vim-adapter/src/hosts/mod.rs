//! The adapter's own VIM: any number of hosts with an agent each, and OVN as their network.
//!
//! - `northbound` makes logical switches, ports and DHCP options, `logical` one request at a time; `rows` says how they
//!   look; `watch` sees to it that they stay, and hears which ports are up.
//! - `deliver` tells each host's agent what is wanted; `follow` hears what became of it; `push` brings images there.
//! - `allows` tells when a host lets computes have more than before.
//! - `machine` makes an agent's machine of a compute; `inventory` asks everybody what is really there.

mod agent;
mod allows;
mod deliver;
mod follow;
mod inventory;
mod logical;
mod machine;
mod northbound;
mod push;
mod routers;
mod rows;
mod traffic;
mod watch;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock as SyncRwLock};

use async_trait::async_trait;
use reference_points::common::ProblemDetails;
use reference_points::nf_vi::{ConsoleAccess, PowerRequest, Reality};
use reference_points::or_vi::{
    AffinityGroup, Compute, ExternalNetwork, Host, MeasuredComputes, Network, Port, ResourceZone, Snapshot,
    SoftwareImage, Subnet, VimCapacity, VimInventory, Volume,
};
use tokio::sync::{Mutex, RwLock};
use uuid::Uuid;

use self::agent::Agent;
use self::northbound::Northbound;
use self::push::Pushes;
use crate::error::{Failure, Result};
use crate::image_files::ImageFiles;
use crate::ledger::Ledger;
use crate::scheduler::{Candidate, capacity_of, zones_of};
use crate::store::{hosts, images};
use crate::tasks::Tasks;
use crate::turns::Turns;
use crate::vim::{Change, Gone, Made, Profile, ROUTERS, Vim, cannot};

/// How long the answer to a new host waits for its agent.
const FIRST_CONTACT: std::time::Duration = std::time::Duration::from_secs(4);

/// The VIM of one northbound database and its hosts.
#[derive(Debug)]
pub struct HostsVim {
    ledger: Ledger,
    tasks: Tasks,
    files: ImageFiles,
    northbound: Northbound,
    /// The network that routers lead to.
    outside: Option<ExternalNetwork>,
    /// Why the northbound database cannot be watched; `None` when it is.
    northbound_lost: SyncRwLock<Option<String>>,
    agents: RwLock<BTreeMap<String, Arc<Agent>>>,
    /// One change of the list of hosts at a time.
    changing: Mutex<()>,
    pushes: Pushes,
    /// Networks, subnets and ports being made or removed: what one request removes, no other makes again.
    logical: Turns<Uuid>,
    /// Set once, so that tasks of this driver can hold it.
    me: std::sync::OnceLock<std::sync::Weak<HostsVim>>,
}

impl HostsVim {
    /// A VIM that begins to work with [`Vim::start`].
    ///
    /// # Errors
    /// 422 when the endpoint is none.
    pub fn new(
        ledger: Ledger,
        tasks: Tasks,
        files: ImageFiles,
        northbound: &str,
        outside: Option<ExternalNetwork>,
    ) -> Result<Self> {
        let northbound = Northbound::open(northbound, ledger.vim)?;
        Ok(Self {
            ledger,
            tasks,
            files,
            northbound,
            outside,
            northbound_lost: SyncRwLock::new(Some("not reached yet".to_owned())),
            agents: RwLock::default(),
            changing: Mutex::default(),
            pushes: Pushes::default(),
            logical: Turns::default(),
            me: std::sync::OnceLock::new(),
        })
    }

    fn northbound_is_up(&self) -> bool {
        matches!(self.northbound.connection().status(), ovsdb::Status::Up)
    }

    /// Notes whether the database can be watched; true when that changed.
    fn set_northbound(&self, lost: Option<String>) -> bool {
        let mut now = self.northbound_lost.write().unwrap_or_else(PoisonError::into_inner);
        let changed = now.is_some() != lost.is_some();
        *now = lost;
        changed
    }

    async fn agents(&self) -> Vec<Arc<Agent>> {
        self.agents.read().await.values().cloned().collect()
    }

    async fn agent(&self, host: Option<&str>) -> Result<Arc<Agent>> {
        let name = host.ok_or_else(|| Failure::conflict("it is on no host yet"))?;
        let found = self.agents.read().await.get(name).cloned();
        found.ok_or_else(|| Failure::not_found(format!("host {name}")))
    }

    /// Another host whose agent is the same process.
    async fn same_agent(&self, agent: &Agent, incarnation: Uuid) -> Option<String> {
        let agents = self.agents.read().await;
        let other = agents.values().find(|other| {
            other.name != agent.name
                && other.reachable()
                && other.info().is_some_and(|info| info.incarnation == incarnation)
        });
        other.map(|other| other.name.clone())
    }

    async fn wake(&self, host: Option<&String>) {
        if let Some(agent) = self.agent(host.map(String::as_str)).await.ok().filter(|_| host.is_some()) {
            agent.wake.notify_one();
        }
    }

    /// Takes the list of hosts over from the store; those that are new are given back.
    async fn take_hosts(&self) -> Result<Vec<Arc<Agent>>> {
        let Some(me) = self.me.get().and_then(std::sync::Weak::upgrade) else { return Ok(Vec::new()) };
        let _turn = self.changing.lock().await;
        let wanted = hosts::list(&mut *self.ledger.store.db.pool.acquire().await?, self.ledger.vim).await?;
        let mut gone = Vec::new();
        let mut changed = Vec::new();
        let mut agents = self.agents.write().await;
        agents.retain(|name, agent| {
            let keep = wanted.iter().any(|row| row.name == *name && row.spec.agent == agent.spec().agent);
            if !keep {
                gone.push(Arc::clone(agent));
            }
            keep
        });
        let mut fresh: Vec<Arc<Agent>> = Vec::new();
        for row in wanted {
            match agents.get(&row.name) {
                Some(agent) => {
                    agent.set_spec(row.spec);
                    changed.push(Arc::clone(agent));
                }
                None => {
                    let agent = Arc::new(Agent::new(&row.name, row.spec, row.info, self.tasks.child()));
                    agents.insert(row.name, Arc::clone(&agent));
                    fresh.push(agent);
                }
            }
        }
        drop(agents);
        for agent in changed.iter().filter(|agent| agent.was_asked()) {
            self.note_allowance(agent).await;
        }
        for agent in gone {
            agent.tasks.stop().await;
            self.clear_images(&agent).await;
        }
        for agent in &fresh {
            agent.tasks.spawn("host events", follow::run(Arc::clone(&me), Arc::clone(agent)));
            agent.tasks.spawn("host orders", deliver::run(Arc::clone(&me), Arc::clone(agent)));
        }
        Ok(fresh)
    }

    /// Takes this VIM's images off a host that it loses; one that does not answer keeps them.
    async fn clear_images(&self, agent: &Agent) {
        let known = async {
            let mut connection = self.ledger.store.db.pool.acquire().await?;
            images::list(&mut connection, self.ledger.vim).await
        };
        for row in known.await.unwrap_or_default() {
            if let Err(error) = agent.client.delete_image(row.image.id).await {
                tracing::warn!(host = agent.name, image = %row.image.id, %error, "an image stays on a host that was removed");
                return;
            }
        }
    }
}

#[async_trait]
impl Vim for HostsVim {
    fn profile(&self) -> Profile {
        let mut capabilities = vec![
            "provider_networks",
            "dhcp",
            "port_security",
            "ipv6",
            "volumes",
            "affinity",
            "hotplug",
            "snapshots",
            "console",
        ];
        capabilities.extend(self.outside.as_ref().map(|_| ROUTERS));
        Profile { capabilities, local_volumes: true, external: self.outside.clone(), ..Profile::default() }
    }

    async fn check(&self) -> Result<()> {
        self.northbound.check().await.map(drop)
    }

    async fn start(self: Arc<Self>) -> Result<()> {
        if self.me.set(Arc::downgrade(&self)).is_err() {
            return Ok(());
        }
        self.tasks.spawn("northbound watch", watch::run(Arc::clone(&self)));
        self.take_hosts().await.map(drop)
    }

    async fn stop(&self) {
        for agent in self.agents().await {
            agent.tasks.stop().await;
        }
        self.tasks.stop().await;
    }

    async fn health(&self) -> BTreeMap<String, String> {
        let northbound = match self.northbound.connection().status() {
            ovsdb::Status::Up => match self.northbound.check().await {
                Ok(_) => "ok".to_owned(),
                Err(failure) => failure.to_string(),
            },
            ovsdb::Status::Down(error) => error.to_string(),
            ovsdb::Status::Connecting => "being connected".to_owned(),
        };
        let mut health = BTreeMap::from([("northbound".to_owned(), northbound)]);
        for agent in self.agents().await {
            let state =
                agent.lost().map_or_else(|| "ok".to_owned(), |problem| problem.answer.unwrap_or(problem.detail));
            health.insert(format!("host {}", agent.name), state);
            for (part, state) in agent.info().filter(|_| agent.reachable()).map(|info| info.health).unwrap_or_default()
            {
                if state != "ok" {
                    health.insert(format!("host {} {part}", agent.name), state);
                }
            }
        }
        health
    }

    async fn hosts(&self) -> Result<Vec<Host>> {
        Ok(self.agents().await.iter().map(|agent| agent.view()).collect())
    }

    async fn hosts_changed(&self) -> Result<()> {
        // Whoever adds a host is to see in the answer whether its agent can be reached.
        for agent in self.take_hosts().await? {
            let _ = tokio::time::timeout(FIRST_CONTACT, agent.asked()).await;
        }
        self.rehome().await;
        Ok(())
    }

    async fn candidates(&self) -> Result<Vec<Candidate>> {
        // Just started, it waits until every host was asked once: none is refused only because nobody looked.
        let agents = self.agents().await;
        let asked = futures::future::join_all(agents.iter().map(|agent| agent.asked()));
        let _ = tokio::time::timeout(FIRST_CONTACT, asked).await;
        Ok(agents.iter().map(|agent| agent.candidate()).collect())
    }

    async fn zones(&self) -> Result<Vec<ResourceZone>> {
        Ok(zones_of(&self.candidates().await?))
    }

    async fn capacity(&self) -> Result<VimCapacity> {
        let reserved = hosts::reserved(&mut *self.ledger.store.db.pool.acquire().await?, self.ledger.vim).await?;
        let mut candidates = self.candidates().await?;
        for host in &mut candidates {
            host.reserved = reserved.get(&host.name).copied().unwrap_or_default();
        }
        Ok(capacity_of(&candidates))
    }

    async fn inventory(&self) -> Result<VimInventory> {
        inventory::take(self).await
    }

    async fn ensure_network(&self, network: &Network) -> Result<Made> {
        self.make_network(network.id).await.map(|_| Made::now())
    }

    async fn delete_network(&self, network: &Network) -> Result<Gone> {
        let _turn = self.logical.take(network.id).await;
        self.northbound.delete_switch(network.id).await.map(|()| Gone::Now)
    }

    async fn ensure_subnet(&self, subnet: &Subnet) -> Result<Made> {
        self.make_subnet(subnet.id).await.map(|_| Made::now())
    }

    async fn delete_subnet(&self, subnet: &Subnet) -> Result<Gone> {
        let _turn = self.logical.take(subnet.id).await;
        if subnet.spec.routed {
            self.northbound.ensure_router(subnet.id, &[]).await?;
        }
        self.northbound.delete_dhcp(subnet.id).await.map(|()| Gone::Now)
    }

    async fn ensure_port(&self, port: &Port) -> Result<Made> {
        if !port.spec.vnic_type.is_normal() {
            let what = format!("an interface of type {}", port.spec.vnic_type.word());
            return Err(cannot(&what, "these hosts give their machines virtio interfaces on Open vSwitch"));
        }
        self.make_port(port.id).await.map(|_| Made::now())
    }

    async fn delete_port(&self, port: &Port) -> Result<Gone> {
        let _turn = self.logical.take(port.id).await;
        self.reroute(port).await?;
        self.northbound.delete_port(port.id).await.map(|()| Gone::Now)
    }

    async fn ensure_image(&self, _: &SoftwareImage, _: &Path) -> Result<Made> {
        // Hosts get it with the first compute or volume that is made from it.
        Ok(Made::now())
    }

    async fn delete_image(&self, image: &SoftwareImage) -> Result<Gone> {
        for agent in self.agents().await {
            let _turn = self.pushes.turn(&agent.name, image.id).await;
            let removed = if agent.reachable() {
                agent.client.delete_image(image.id).await.map_err(Failure::from)
            } else {
                Err(ProblemDetails::unavailable("it does not answer").into())
            };
            match removed {
                Ok(()) => {}
                Err(Failure::Problem(problem)) if problem.status == 409 => return Err(Failure::Problem(problem)),
                // The host is told when it is back; the consumer need not wait for that.
                Err(_) => {
                    let mut connection = self.ledger.store.db.pool.acquire().await?;
                    hosts::add_garbage(&mut connection, self.ledger.vim, &agent.name, image.id).await?;
                }
            }
        }
        Ok(Gone::Now)
    }

    async fn ensure_volume(&self, volume: &Volume) -> Result<Made> {
        if volume.host.is_none() {
            // The first compute that uses it decides where it is made.
            return Ok(Made::now());
        }
        self.wake(volume.host.as_ref()).await;
        Ok(Made::later())
    }

    async fn delete_volume(&self, volume: &Volume) -> Result<Gone> {
        if volume.host.is_none() {
            return Ok(Gone::Now);
        }
        self.wake(volume.host.as_ref()).await;
        Ok(Gone::Later)
    }

    async fn ensure_affinity_group(&self, _: &AffinityGroup) -> Result<Made> {
        Ok(Made::now())
    }

    async fn delete_affinity_group(&self, _: &AffinityGroup) -> Result<Gone> {
        Ok(Gone::Now)
    }

    async fn ensure_compute(&self, compute: &Compute) -> Result<Made> {
        self.wake(compute.host.as_ref()).await;
        Ok(Made::later())
    }

    async fn delete_compute(&self, compute: &Compute) -> Result<Gone> {
        self.wake(compute.host.as_ref()).await;
        Ok(Gone::Later)
    }

    async fn power(&self, compute: &Compute, request: &PowerRequest) -> Result<()> {
        let agent = self.agent(compute.host.as_deref()).await?;
        Ok(agent.client.power(compute.id, request).await.map(drop)?)
    }

    async fn may_change(&self, _: &Compute, _: &Change) -> Result<()> {
        Ok(())
    }

    async fn ensure_snapshot(&self, snapshot: &Snapshot) -> Result<Made> {
        self.wake(snapshot.host.as_ref()).await;
        Ok(Made::later())
    }

    async fn delete_snapshot(&self, snapshot: &Snapshot) -> Result<Gone> {
        let Ok(agent) = self.agent(snapshot.host.as_deref()).await else { return Ok(Gone::Now) };
        // Removing files takes no time: whoever asked may know that they are gone. Who is away is told later.
        let told = agent.reachable() && deliver::remove_snapshot(self, &agent, snapshot.id).await.is_ok();
        if !told {
            agent.wake.notify_one();
        }
        Ok(Gone::Later)
    }

    async fn console_log(&self, compute: &Compute, bytes: u64) -> Result<String> {
        Ok(self.agent(compute.host.as_deref()).await?.client.console_log(compute.id, bytes).await?)
    }

    async fn console(&self, compute: &Compute) -> Result<ConsoleAccess> {
        Ok(self.agent(compute.host.as_deref()).await?.client.console(compute.id).await?)
    }

    async fn measure(&self, computes: &[Compute]) -> Result<MeasuredComputes> {
        let mut by_host: BTreeMap<&str, Vec<Uuid>> = BTreeMap::new();
        for compute in computes {
            if let Some(host) = &compute.host {
                by_host.entry(host).or_default().push(compute.id);
            }
        }
        let asked = by_host.into_iter().map(|(host, ids)| async move {
            let agent = self.agent(Some(host)).await?;
            // An agent that does not answer is not waited for by everybody else's counters.
            match agent.lost() {
                Some(problem) => Err(problem.into()),
                None => Ok::<_, Failure>(agent.client.measure(ids).await?.measured),
            }
        });
        let mut all = MeasuredComputes::default();
        for answer in futures::future::join_all(asked).await {
            match answer {
                Ok(measured) => all.measured.extend(measured),
                Err(failure) => all.gaps.push(failure.to_string()),
            }
        }
        Ok(all)
    }

    async fn reality(&self, compute: &Compute) -> Result<Option<Reality>> {
        Ok(self.agent(compute.host.as_deref()).await?.client.reality(compute.id).await?)
    }
}
