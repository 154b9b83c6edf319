//! A hypervisor in memory, for agents that pretend and for tests: domains change state at once, and faults are scripted.

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use reference_points::nf_vi::{ConsoleAccess, Measurements};
use tokio::sync::broadcast;
use uuid::Uuid;

use super::{
    Acceleration, Copy, Disk, DomainInfo, DomainPlan, DomainState, Hypervisor, HypervisorError, HypervisorEvent,
    HypervisorFacts, Nic, Result, probe,
};
use crate::switch::sim::SimSwitch;

/// A pretended hypervisor. Like the real one it outlives the agent that uses it.
#[derive(Debug)]
pub struct SimHypervisor {
    inner: Mutex<Inner>,
    events: broadcast::Sender<HypervisorEvent>,
    switch: Arc<SimSwitch>,
}

#[derive(Debug, Default)]
struct Inner {
    domains: BTreeMap<Uuid, SimDomain>,
    /// Faults to come: the action they strike and what the hypervisor says.
    faults: VecDeque<(String, String)>,
    away: Option<String>,
    /// Every change that was made, in order.
    journal: Vec<String>,
    deaf: bool,
}

#[derive(Debug, Clone)]
struct SimDomain {
    plan: DomainPlan,
    state: DomainState,
}

impl SimHypervisor {
    /// Without domains; ports of started domains appear on `switch`.
    pub fn new(switch: Arc<SimSwitch>) -> Arc<SimHypervisor> {
        Arc::new(SimHypervisor { inner: Mutex::default(), events: broadcast::Sender::new(1024), switch })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next `action` (`define`, `start`, …) is refused with these words.
    pub fn fail_next(&self, action: &str, answer: &str) {
        self.lock().faults.push_back((action.to_owned(), answer.to_owned()));
    }

    /// It cannot be reached until [`SimHypervisor::come_back`].
    pub fn go_away(&self, why: &str) {
        self.lock().away = Some(why.to_owned());
        let _ = self.events.send(HypervisorEvent::Lost { why: why.to_owned() });
    }

    /// It can be reached again.
    pub fn come_back(&self) {
        self.lock().away = None;
        let _ = self.events.send(HypervisorEvent::Back);
    }

    /// Guests that ignore a request to power off or reboot.
    pub fn be_deaf(&self) {
        self.lock().deaf = true;
    }

    /// Every change that was made, in order: `define ID`, `start ID` …
    pub fn journal(&self) -> Vec<String> {
        self.lock().journal.clone()
    }

    /// The domain's process ends, as when QEMU is killed.
    pub fn crash(&self, id: Uuid) {
        self.set_state(id, DomainState::Shutoff, "stopped (QEMU ended unexpectedly)");
    }

    /// A disk write of the guest fails.
    pub fn halt_on_io_error(&self, id: Uuid) {
        self.set_state(id, DomainState::PausedIoError, "suspended (a disk write failed)");
    }

    /// Somebody else destroys and undefines the domain.
    pub fn remove_from_outside(&self, id: Uuid) {
        self.set_state(id, DomainState::Shutoff, "stopped (destroyed)");
        self.lock().domains.remove(&id);
        self.tell(id, "undefined");
    }

    /// Somebody else defines a domain that nobody asked for.
    pub fn add_from_outside(&self, plan: DomainPlan) {
        self.lock().domains.insert(plan.id, SimDomain { plan, state: DomainState::Running });
    }

    fn set_state(&self, id: Uuid, state: DomainState, what: &str) {
        let nics = match self.lock().domains.get_mut(&id) {
            Some(domain) => {
                domain.state = state;
                domain.plan.nics.clone()
            }
            None => return,
        };
        for nic in nics {
            if state.is_active() {
                self.switch.plug(nic.port_id, &nic.tap);
            } else {
                self.switch.unplug(nic.port_id);
            }
        }
        self.tell(id, what);
    }

    fn tell(&self, id: Uuid, what: &str) {
        let _ = self.events.send(HypervisorEvent::Domain { id, what: what.to_owned() });
    }

    /// Answers as the scripted faults want; notes the change otherwise.
    fn begin(&self, action: &str, id: Option<Uuid>) -> Result<MutexGuard<'_, Inner>> {
        let mut inner = self.lock();
        if let Some(why) = &inner.away {
            return Err(HypervisorError::Unreachable { uri: "sim".into(), action: action.into(), why: why.clone() });
        }
        if inner.faults.front().is_some_and(|(struck, _)| struck == action)
            && let Some((_, answer)) = inner.faults.pop_front()
        {
            let what = id.map(super::domain_name).unwrap_or_default();
            return Err(HypervisorError::Refused { action: action.into(), what, answer });
        }
        Ok(inner)
    }

    fn change(&self, action: &str, id: Uuid) -> Result<SimDomain> {
        let mut inner = self.begin(action, Some(id))?;
        let domain = inner.domains.get(&id).cloned();
        let domain = domain.ok_or(HypervisorError::NotFound { id, action: action.into() })?;
        inner.journal.push(format!("{action} {id}"));
        Ok(domain)
    }
}

/// Counters of a guest that does nothing.
fn idle(plan: &DomainPlan, at: i64) -> Measurements {
    let zero = || plan.nics.iter().map(|nic| (nic.port_id, 0)).collect();
    Measurements {
        at,
        cpu_time_ns: 0,
        memory_bytes: plan.memory_bytes,
        resident_bytes: 0,
        disk_read_bytes: 0,
        disk_write_bytes: 0,
        received_bytes: zero(),
        sent_bytes: zero(),
        used_bytes: None,
        disk_read_requests: 0,
        disk_write_requests: 0,
        disk_capacity_bytes: 0,
        disk_allocation_bytes: 0,
        received_packets: zero(),
        sent_packets: zero(),
    }
}

fn info(domain: &SimDomain) -> DomainInfo {
    DomainInfo {
        id: domain.plan.id,
        name: domain.plan.name.clone(),
        state: domain.state,
        persistent: true,
        shape: domain.plan.shape(),
        owner: Some(domain.plan.owner.clone()),
        ports: domain.plan.nics.iter().map(|nic| nic.port_id).collect(),
        disks: domain.plan.disks.iter().map(|disk| disk.path.clone()).collect(),
    }
}

#[async_trait]
impl Hypervisor for SimHypervisor {
    async fn facts(&self) -> Result<HypervisorFacts> {
        drop(self.begin("facts", None)?);
        Ok(HypervisorFacts { version: "simulated".into(), advertises_kvm: false })
    }

    async fn domains(&self) -> Result<Vec<DomainInfo>> {
        Ok(self.begin("list", None)?.domains.values().map(info).collect())
    }

    async fn domain(&self, id: Uuid) -> Result<Option<DomainInfo>> {
        Ok(self.begin("look", Some(id))?.domains.get(&id).map(info))
    }

    async fn define(&self, plan: &DomainPlan) -> Result<()> {
        let mut inner = self.begin("define", Some(plan.id))?;
        inner.journal.push(format!("define {}", plan.id));
        let state = inner.domains.get(&plan.id).map_or(DomainState::Shutoff, |domain| domain.state);
        inner.domains.insert(plan.id, SimDomain { plan: plan.clone(), state });
        drop(inner);
        self.tell(plan.id, "defined");
        Ok(())
    }

    async fn start(&self, id: Uuid) -> Result<()> {
        self.change("start", id)?;
        self.set_state(id, DomainState::Running, "started");
        Ok(())
    }

    async fn resume(&self, id: Uuid) -> Result<()> {
        self.change("resume", id)?;
        self.set_state(id, DomainState::Running, "resumed");
        Ok(())
    }

    async fn ask_shutdown(&self, id: Uuid) -> Result<()> {
        self.change("ask to power off", id)?;
        if !self.lock().deaf {
            self.set_state(id, DomainState::Shutoff, "stopped (the guest powered off)");
        }
        Ok(())
    }

    async fn ask_reboot(&self, id: Uuid) -> Result<()> {
        self.change("ask to reboot", id)?;
        if !self.lock().deaf {
            let _ = self.events.send(HypervisorEvent::Rebooted { id });
        }
        Ok(())
    }

    async fn reset(&self, id: Uuid) -> Result<()> {
        self.change("reset", id)?;
        let _ = self.events.send(HypervisorEvent::Rebooted { id });
        Ok(())
    }

    async fn destroy(&self, id: Uuid) -> Result<()> {
        match self.change("destroy", id) {
            Err(error) if error.is_not_found() => Ok(()),
            Err(error) => Err(error),
            Ok(_) => {
                self.set_state(id, DomainState::Shutoff, "stopped (destroyed)");
                Ok(())
            }
        }
    }

    async fn undefine(&self, id: Uuid) -> Result<()> {
        match self.change("undefine", id) {
            Err(error) if error.is_not_found() => Ok(()),
            Err(error) => Err(error),
            Ok(_) => {
                self.lock().domains.remove(&id);
                self.tell(id, "undefined");
                Ok(())
            }
        }
    }

    async fn attach_nic(&self, id: Uuid, nic: &Nic) -> Result<()> {
        let domain = self.change("attach nic", id)?;
        if let Some(domain) = self.lock().domains.get_mut(&id) {
            domain.plan.nics.retain(|old| old.port_id != nic.port_id);
            domain.plan.nics.push(nic.clone());
        }
        if domain.state.is_active() {
            self.switch.plug(nic.port_id, &nic.tap);
        }
        Ok(())
    }

    async fn detach_nic(&self, id: Uuid, port: Uuid) -> Result<()> {
        self.change("detach nic", id)?;
        if let Some(domain) = self.lock().domains.get_mut(&id) {
            domain.plan.nics.retain(|old| old.port_id != port);
        }
        self.switch.unplug(port);
        Ok(())
    }

    async fn attach_disk(&self, id: Uuid, disk: &Disk) -> Result<()> {
        self.change("attach disk", id)?;
        if let Some(domain) = self.lock().domains.get_mut(&id) {
            domain.plan.disks.retain(|old| old.path != disk.path);
            domain.plan.disks.push(disk.clone());
        }
        Ok(())
    }

    async fn detach_disk(&self, id: Uuid, path: &Path) -> Result<()> {
        self.change("detach disk", id)?;
        if let Some(domain) = self.lock().domains.get_mut(&id) {
            domain.plan.disks.retain(|old| old.path != path);
        }
        Ok(())
    }

    async fn back_up(&self, id: Uuid, copies: &[Copy]) -> Result<bool> {
        let domain = self.change("back up", id)?;
        for copy in copies {
            let copied = std::fs::copy(&copy.from, &copy.to);
            copied.map_err(|error| HypervisorError::Refused {
                action: "back up".into(),
                what: domain.plan.name.clone(),
                answer: error.to_string(),
            })?;
        }
        Ok(!self.lock().deaf)
    }

    async fn end_back_up(&self, _: Uuid) -> Result<()> {
        Ok(())
    }

    async fn measure(&self, wanted: BTreeMap<Uuid, Vec<Uuid>>, at: i64) -> Result<BTreeMap<Uuid, Measurements>> {
        let inner = self.begin("measure", None)?;
        let running = inner.domains.values().filter(|d| d.state.is_active() && wanted.contains_key(&d.plan.id));
        Ok(running.map(|domain| (domain.plan.id, idle(&domain.plan, at))).collect())
    }

    async fn console(&self, id: Uuid) -> Result<ConsoleAccess> {
        let inner = self.begin("console", Some(id))?;
        let domain =
            inner.domains.get(&id).ok_or(HypervisorError::NotFound { id, action: "find the console of".into() })?;
        Ok(ConsoleAccess {
            kind: "none".into(),
            path: domain.plan.console_log.display().to_string(),
            command: "a simulated machine has no console".into(),
        })
    }

    fn events(&self) -> broadcast::Receiver<HypervisorEvent> {
        self.events.subscribe()
    }

    fn trouble(&self) -> Option<String> {
        self.lock().away.clone()
    }

    async fn probe(&self) -> Result<probe::Verdict> {
        drop(self.begin("probe", None)?);
        Ok(probe::Verdict { acceleration: Acceleration::Tcg, reason: "simulated".into() })
    }
}
