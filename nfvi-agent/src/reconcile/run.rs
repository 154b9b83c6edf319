//! Listens to everything that happens and looks after the machines concerned, several side by side, each by one task at a
//! time.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use reference_points::nf_vi::AgentEvent;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::Wake;
use super::act::Failure;
use super::machine::Outcome;
use crate::app::Agent;
use crate::hypervisor::HypervisorEvent;
use crate::store;
use crate::store::machines::{MachineRow, Pending, PendingAction};
use crate::switch::SwitchEvent;

/// Machines that are looked after side by side.
const AT_ONCE: usize = 8;
/// First and longest pause before a passing failure is tried again, in microseconds.
const PAUSE: (i64, i64) = (500_000, 30_000_000);

/// Runs until `shutdown`. What is under way then is dropped; the next start goes on with it. [`Agent::tidy_up`] has been
/// done before.
///
/// # Errors
/// When looking after a machine met a defect.
pub async fn run(
    agent: Arc<Agent>,
    mut wakes: mpsc::UnboundedReceiver<Wake>,
    shutdown: CancellationToken,
) -> Result<(), String> {
    let mut hypervisor = agent.hypervisor.events();
    let mut switch = agent.switch.events();
    let watching = Arc::clone(&agent);
    let mut reconciler = Reconciler {
        agent,
        dirty: HashMap::new(),
        busy: HashSet::new(),
        timers: BTreeSet::new(),
        failures: HashMap::new(),
        tasks: JoinSet::new(),
    };
    let resync = Duration::from_secs(reconciler.agent.config.resync_secs);
    let mut resync_at = reconciler.agent.clock.now_micros();
    let (watch, probe) = (watching.switch.watch(), probe(&watching));
    tokio::pin!(watch, probe);
    let mut probed = false;
    loop {
        reconciler.start_some();
        let alarm = reconciler.timers.first().map_or(resync_at, |(at, _)| (*at).min(resync_at));
        let sleep = reconciler.agent.clock.sleep_until(alarm);
        tokio::select! {
            () = shutdown.cancelled() => break,
            () = &mut watch => {}
            () = &mut probe, if !probed => probed = true,
            wake = wakes.recv() => match wake {
                Some(Wake { id, retry }) => reconciler.mark(id, retry),
                None => break,
            },
            event = hypervisor.recv() => reconciler.on_hypervisor(event).await?,
            event = switch.recv() => reconciler.on_switch(event).await?,
            Some(ended) = reconciler.tasks.join_next(), if !reconciler.tasks.is_empty() => match ended {
                Ok((id, outcome)) => reconciler.on_end(id, outcome),
                // The agent must not look alive with a machine that nobody looks after.
                Err(error) => return Err(format!("looking after a machine met a defect: {error}")),
            },
            () = sleep => {
                let now = reconciler.agent.clock.now_micros();
                reconciler.on_alarm(now);
                if now >= resync_at {
                    resync_at = now + i64::try_from(resync.as_micros()).unwrap_or(i64::MAX / 2);
                    reconciler.agent.keep_house().await;
                    reconciler.mark_all(true).await;
                }
            }
        }
    }
    reconciler.tasks.shutdown().await;
    Ok(())
}

/// Finds out early how guest code is run, so that the first machine does not wait for it.
async fn probe(agent: &Agent) {
    while agent.verdict().await.is_err() {
        agent.clock.sleep_until(agent.clock.now_micros() + PAUSE.0).await;
    }
}

struct Reconciler {
    agent: Arc<Agent>,
    /// Machines to look after, and whether what failed is to be tried again.
    dirty: HashMap<Uuid, bool>,
    /// Machines that are being looked after.
    busy: HashSet<Uuid>,
    /// When to look again.
    timers: BTreeSet<(i64, Uuid)>,
    /// Passing failures in a row.
    failures: HashMap<Uuid, u32>,
    tasks: JoinSet<(Uuid, Outcome)>,
}

impl Reconciler {
    fn mark(&mut self, id: Uuid, retry: bool) {
        *self.dirty.entry(id).or_default() |= retry;
    }

    async fn mark_all(&mut self, retry: bool) {
        let ids = async {
            let mut tx = self.agent.db.begin_read().await?;
            let mut ids = store::machines::ids(&mut tx).await?;
            ids.extend(store::snapshots::unfinished(&mut tx).await?);
            Ok::<_, Failure>(ids)
        };
        match ids.await {
            Ok(ids) => ids.into_iter().for_each(|id| self.mark(id, retry)),
            Err(failure) => {
                tracing::error!(problem = %failure.problem, "the machines cannot be listed; the next look tries again")
            }
        }
    }

    /// Starts looking after machines as far as there is room.
    fn start_some(&mut self) {
        let ready: Vec<Uuid> = self.dirty.keys().filter(|id| !self.busy.contains(*id)).copied().collect();
        for id in ready {
            if self.busy.len() >= AT_ONCE {
                return;
            }
            let retry = self.dirty.remove(&id).unwrap_or_default();
            self.timers.retain(|(_, other)| *other != id);
            self.busy.insert(id);
            let agent = Arc::clone(&self.agent);
            self.tasks.spawn(async move { (id, agent.look_after(id, retry).await) });
        }
    }

    fn on_end(&mut self, id: Uuid, outcome: Outcome) {
        self.busy.remove(&id);
        let failures = match outcome {
            Outcome::Transient => self.failures.get(&id).copied().unwrap_or(0) + 1,
            Outcome::Done | Outcome::LookAgain(_) => 0,
        };
        match outcome {
            Outcome::Done => {}
            Outcome::LookAgain(at) => _ = self.timers.insert((at, id)),
            Outcome::Transient => {
                let pause = (PAUSE.0 << failures.min(10)).min(PAUSE.1);
                self.timers.insert((self.agent.clock.now_micros() + pause, id));
            }
        }
        if failures == 0 {
            self.failures.remove(&id);
        } else {
            self.failures.insert(id, failures);
        }
    }

    fn on_alarm(&mut self, now: i64) {
        while let Some((at, id)) = self.timers.first().copied()
            && at <= now
        {
            self.timers.pop_first();
            self.mark(id, false);
        }
    }

    async fn on_hypervisor(&mut self, event: Result<HypervisorEvent, RecvError>) -> Result<(), String> {
        match event {
            Ok(HypervisorEvent::Domain { id, what }) => {
                tracing::debug!(domain = %id, what, "libvirt");
                self.mark(id, false);
            }
            Ok(HypervisorEvent::Rebooted { id }) => self.on_reboot(id).await,
            Ok(HypervisorEvent::Lost { why }) => {
                let detail =
                    format!("libvirt is away: {why}; machines run on, and nothing can be changed until it is back");
                self.agent.tell_change("hypervisor", true, "hypervisor_lost", &detail).await;
            }
            Ok(HypervisorEvent::Back) => {
                self.agent.tell_change("hypervisor", false, "hypervisor_back", "libvirt is back").await;
                self.mark_all(true).await;
            }
            Err(RecvError::Lagged(_)) => self.mark_all(false).await,
            Err(RecvError::Closed) => return Err("nothing can be heard any more of what happens on the host".into()),
        }
        Ok(())
    }

    async fn on_switch(&mut self, event: Result<SwitchEvent, RecvError>) -> Result<(), String> {
        let bridge = self.agent.switch.bridge().to_owned();
        match event {
            Ok(SwitchEvent::BridgeLost) => {
                let detail = format!(
                    "bridge {bridge} is gone, and with it the network of every machine; ovn-controller makes it again, is it running?"
                );
                self.agent.tell_change("bridge", true, "bridge_lost", &detail).await;
            }
            Ok(SwitchEvent::BridgeBack) => {
                let detail = format!("bridge {bridge} is back; machines are plugged in again");
                self.agent.tell_change("bridge", false, "bridge_back", &detail).await;
                self.mark_all(true).await;
            }
            Ok(SwitchEvent::Lost { why }) => {
                let detail = format!("Open vSwitch is away: {why}");
                self.agent.tell_change("switch", true, "switch_lost", &detail).await;
            }
            Ok(SwitchEvent::Back) => {
                self.agent.tell_change("switch", false, "switch_back", "Open vSwitch is back").await;
                self.mark_all(true).await;
            }
            Ok(SwitchEvent::Port { iface_id, present }) => {
                if !present {
                    self.on_port_gone(iface_id).await;
                }
            }
            Err(RecvError::Lagged(_)) => self.mark_all(false).await,
            Err(RecvError::Closed) => return Err("nothing can be heard any more of what happens on the host".into()),
        }
        Ok(())
    }

    async fn on_port_gone(&mut self, port: Uuid) {
        let owner = async {
            let mut tx = self.agent.db.begin_read().await?;
            let machines = store::machines::list(&mut tx).await?;
            let owner = machines.iter().find(|row| row.spec.nics.iter().any(|nic| nic.port_id == port));
            Ok::<_, Failure>(owner.map(|row| row.id))
        };
        match owner.await {
            Ok(Some(id)) => self.mark(id, false),
            Ok(None) => {}
            Err(_) => self.mark_all(false).await,
        }
    }

    /// The guest has rebooted: if it was asked to, that is over and told.
    async fn on_reboot(&mut self, id: Uuid) {
        tracing::debug!(machine = %id, "the guest rebooted");
        let now = self.agent.clock.now_micros();
        let ended = db::transaction!(self.agent.db, |tx| {
            let Some(row) = store::machines::get(&mut *tx, id).await? else { return Ok(()) };
            if let Some(pending @ Pending { action: PendingAction::Reboot, asked: true, .. }) = &row.pending {
                store::machines::set_pending(&mut *tx, id, Some(pending), None).await?;
                store::machines::note(&mut *tx, id, row.state, row.problem.as_ref(), now).await?;
                let machine = Box::new(MachineRow { pending: None, changed_at: now, ..row }.show());
                store::events::append(&mut *tx, &AgentEvent::Machine { machine }, now).await?;
            }
            Ok::<_, db::DbError>(())
        });
        match ended {
            Ok(()) => self.agent.news.ring(),
            Err(error) => tracing::warn!(%error, machine = %id, "a reboot could not be noted; it will be forced"),
        }
        self.mark(id, false);
    }
}
