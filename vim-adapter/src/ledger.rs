//! What a driver tells of its VIM: each report is written down together with the events that consumers are to hear.

use reference_points::common::ProblemDetails;
use reference_points::nf_vi::{MachineState, Revert};
use reference_points::or_vi::{ResourceState, ViEvent};
use sqlx::AnyConnection;
use uuid::Uuid;

use crate::allowance::{Limits, Part};
use crate::compute_state::derive;
use crate::error::{Failure, Result};
use crate::store::computes::{ComputeRow, Phase};
use crate::store::snapshots::Seen;
use crate::store::{
    Store, allowances, computes, events, hosts, images, networks, ports, snapshots, subnets, vims, volumes,
};

/// Something that a VIM did, or that was found.
#[derive(Debug, Clone)]
pub enum Report {
    /// State of a network.
    Network(Uuid, ResourceState, Option<ProblemDetails>),
    /// State of a subnet.
    Subnet(Uuid, ResourceState, Option<ProblemDetails>),
    /// State of a port.
    Port(Uuid, ResourceState, Option<ProblemDetails>),
    /// Whether the network forwards for a port.
    PortUp(Uuid, bool),
    /// State of an image.
    Image(Uuid, ResourceState, Option<ProblemDetails>),
    /// State of a volume.
    Volume(Uuid, ResourceState, Option<ProblemDetails>),
    /// A volume is gone.
    VolumeGone(Uuid),
    /// What became of a snapshot.
    Snapshot(Uuid, Seen),
    /// A snapshot is gone.
    SnapshotGone(Uuid),
    /// How far the VIM was told of a snapshot.
    SnapshotPhase(Uuid, Phase),
    /// State of a compute's machine, and when it came into it by the VIM's clock; an older one than known is passed over.
    Machine {
        /// Compute.
        id: Uuid,
        /// State; `None` when the VIM knows no such machine.
        state: Option<MachineState>,
        /// Microseconds since the epoch.
        at: i64,
        /// What is wrong.
        problem: Option<ProblemDetails>,
        /// The return to a snapshot that happened last.
        reverted: Option<Revert>,
    },
    /// The VIM counts the times of a compute's machine from another beginning.
    OtherClock(Uuid),
    /// How far the VIM was told of a compute, if nothing else has been wanted since; with what it waits for or why it
    /// was refused.
    Phase {
        /// Compute.
        id: Uuid,
        /// The wish it is about.
        wanted: i64,
        /// Phase.
        phase: Phase,
        /// What it waits for, or why it was refused.
        problem: Option<ProblemDetails>,
    },
    /// The VIM knows nothing of a compute any more although it is wanted: it is to be told again.
    Forgotten(Uuid, Option<ProblemDetails>),
    /// A compute is gone.
    ComputeGone(Uuid),
    /// Everything up to this event of a host's agent was handled: host, incarnation of the agent, sequence number.
    Heard(String, Uuid, i64),
    /// What a part of the VIM allows now; who listens is told when that is more than it was.
    Allows {
        /// What was looked at.
        part: Part,
        /// Infrastructure resource group that the limits are for.
        group: String,
        /// What was found.
        limits: Limits,
    },
    /// Something about the VIM or one of its hosts, for people: host, stable word, explanation.
    Vim(Option<String>, &'static str, String),
    /// The same with a word that came from elsewhere, and the compute that it is about.
    VimSaid(Option<String>, String, String, Option<Uuid>),
}

/// Where the reports of one VIM go.
#[derive(Debug, Clone)]
pub struct Ledger {
    /// Everything remembered.
    pub store: Store,
    /// Which VIM.
    pub vim: Uuid,
}

impl Ledger {
    /// Writes reports down, in order, in one transaction.
    ///
    /// # Errors
    /// [`Failure::Db`].
    pub async fn record(&self, reports: &[Report]) -> Result<()> {
        if reports.is_empty() {
            return Ok(());
        }
        db::transaction!(self.store.db, |tx| {
            if !vims::lock(tx, self.vim).await? {
                return Ok::<_, Failure>(());
            }
            let mut news = Vec::new();
            for report in reports {
                apply(tx, self, report, &mut news).await?;
            }
            Ok(events::append(tx, &self.store, self.vim, &news).await?)
        })?;
        self.store.wake.ring();
        Ok(())
    }

    /// A compute as remembered.
    ///
    /// # Errors
    /// [`Failure::Db`].
    pub async fn compute(&self, id: Uuid) -> Result<Option<ComputeRow>> {
        Ok(computes::get(&mut *self.store.db.pool.acquire().await?, self.vim, id).await?)
    }

    /// Writes reports down; a database that fails is logged, and what the reports tell is found again by the next look
    /// at the VIM.
    pub async fn note(&self, reports: &[Report]) {
        if let Err(error) = self.record(reports).await {
            tracing::error!(vim = %self.vim, %error, "{} reports of a VIM could not be stored", reports.len());
        }
    }
}

/// Works out what the consumer sees of a compute and tells it if that changed.
pub async fn refresh(tx: &mut AnyConnection, ledger: &Ledger, id: Uuid, news: &mut Vec<ViEvent>) -> sqlx::Result<()> {
    let Some(mut row) = computes::get(tx, ledger.vim, id).await? else { return Ok(()) };
    let ports = ports::of_compute(tx, ledger.vim, id).await?;
    let (state, problem) = derive(&row, &ports);
    if state == row.compute.state && problem == row.compute.problem {
        return Ok(());
    }
    let now = ledger.store.now();
    computes::set_seen(tx, ledger.vim, id, state, problem.as_ref(), now).await?;
    row.compute.state = state;
    row.compute.problem = problem;
    row.compute.changed_at = now;
    news.push(ViEvent::Compute { compute: Box::new(row.compute) });
    Ok(())
}

async fn apply(tx: &mut AnyConnection, ledger: &Ledger, report: &Report, news: &mut Vec<ViEvent>) -> sqlx::Result<()> {
    let vim = ledger.vim;
    match report {
        Report::Network(id, state, problem) => {
            if networks::get(tx, vim, *id).await?.is_some_and(|n| n.state != ResourceState::Deleting)
                && networks::set_state(tx, vim, *id, *state, problem.as_ref()).await?
                && let Some(network) = networks::get(tx, vim, *id).await?
            {
                news.push(ViEvent::Network { network: Box::new(network) });
            }
        }
        Report::Subnet(id, state, problem) => {
            if subnets::get(tx, vim, *id).await?.is_some_and(|s| s.state != ResourceState::Deleting) {
                subnets::set_state(tx, vim, *id, *state, problem.as_ref()).await?;
            }
        }
        Report::Port(id, state, problem) => {
            if ports::get(tx, vim, *id).await?.is_some_and(|p| p.state != ResourceState::Deleting) {
                ports::set_state(tx, vim, *id, *state, problem.as_ref()).await?;
                tell_port(tx, ledger, *id, news).await?;
            }
        }
        Report::PortUp(id, up) => {
            if ports::set_up(tx, vim, *id, *up).await? {
                tell_port(tx, ledger, *id, news).await?;
            }
        }
        Report::Image(id, state, problem) => {
            if images::set_state(tx, vim, *id, *state, problem.as_ref()).await?
                && let Some(row) = images::get(tx, vim, *id).await?
            {
                news.push(ViEvent::SoftwareImage { image: Box::new(row.image) });
            }
        }
        Report::Volume(id, state, problem) => {
            if let Some(mut volume) = volumes::get(tx, vim, *id).await?
                && (volume.state != ResourceState::Deleting || *state == ResourceState::Deleting)
            {
                volumes::set_state(tx, vim, *id, *state, problem.as_ref()).await?;
                volume.state = *state;
                volume.problem.clone_from(problem);
                news.push(ViEvent::Volume { volume: Box::new(volume) });
            }
        }
        Report::VolumeGone(id) => {
            volumes::delete(tx, vim, *id).await?;
            news.push(ViEvent::VolumeDeleted { id: *id });
        }
        Report::Snapshot(id, seen) => {
            let wanted = snapshots::get(tx, vim, *id).await?.map(|row| row.snapshot.state);
            if wanted.is_some_and(|state| state != ResourceState::Deleting || seen.state == state) {
                snapshots::set_seen(tx, vim, *id, seen).await?;
                let row = snapshots::get(tx, vim, *id).await?;
                news.extend(row.map(|row| ViEvent::Snapshot { snapshot: Box::new(row.snapshot) }));
            }
        }
        Report::SnapshotGone(id) => {
            if snapshots::get(tx, vim, *id).await?.is_some() {
                snapshots::delete(tx, vim, *id).await?;
                news.push(ViEvent::SnapshotDeleted { id: *id });
            }
        }
        Report::SnapshotPhase(id, phase) => snapshots::set_phase(tx, vim, *id, *phase).await?,
        Report::Machine { id, state, at, problem, reverted } => {
            if let Some(row) = computes::get(tx, vim, *id).await?
                && *at >= row.machine_at
            {
                computes::set_machine(tx, vim, *id, *state, *at, problem.as_ref(), reverted.as_ref()).await?;
                refresh(tx, ledger, *id, news).await?;
            }
        }
        Report::OtherClock(id) => computes::set_machine(tx, vim, *id, None, 0, None, None).await?,
        Report::Phase { id, wanted, phase, problem } => {
            if computes::set_phase(tx, vim, *id, *wanted, *phase).await? {
                computes::set_problem(tx, vim, *id, problem.as_ref()).await?;
                refresh(tx, ledger, *id, news).await?;
            }
        }
        Report::Forgotten(id, problem) => {
            let wanted = |phase| matches!(phase, Phase::Deliver | Phase::Settled);
            if let Some(row) = computes::get(tx, vim, *id).await?.filter(|row| wanted(row.phase)) {
                computes::want(tx, vim, row.compute.id, Phase::Deliver).await?;
                computes::forget_machine(tx, vim, *id).await?;
                computes::set_problem(tx, vim, *id, problem.as_ref()).await?;
                refresh(tx, ledger, *id, news).await?;
            }
        }
        Report::ComputeGone(id) => gone(tx, ledger, *id, news).await?,
        Report::Heard(host, incarnation, seq) => hosts::set_seen(tx, vim, host, *incarnation, *seq).await?,
        Report::Allows { part, group, limits } => {
            // A host that was removed meanwhile allows nothing.
            let there = match part {
                Part::Whole => true,
                Part::Host(host) => hosts::get(tx, vim, host).await?.is_some(),
            };
            if there {
                news.extend(allowances::note(tx, vim, part, group, limits.clone()).await?);
            }
        }
        Report::Vim(host, what, detail) => {
            let (host, detail) = (host.clone(), detail.clone());
            news.push(ViEvent::Vim { host, what: (*what).to_owned(), detail, compute: None });
        }
        Report::VimSaid(host, what, detail, compute) => {
            let (host, detail) = (host.clone(), detail.clone());
            news.push(ViEvent::Vim { host, what: what.clone(), detail, compute: *compute });
        }
    }
    Ok(())
}

async fn tell_port(tx: &mut AnyConnection, ledger: &Ledger, id: Uuid, news: &mut Vec<ViEvent>) -> sqlx::Result<()> {
    if let Some(port) = ports::get(tx, ledger.vim, id).await? {
        let compute = port.compute_id;
        news.push(ViEvent::Port { port: Box::new(port) });
        if let Some(compute) = compute {
            refresh(tx, ledger, compute, news).await?;
        }
    }
    Ok(())
}

/// Forgets a compute, frees what it used, and tells.
pub async fn gone(tx: &mut AnyConnection, ledger: &Ledger, id: Uuid, news: &mut Vec<ViEvent>) -> sqlx::Result<()> {
    let vim = ledger.vim;
    if computes::get(tx, vim, id).await?.is_none() {
        return Ok(());
    }
    let freed: Vec<Uuid> = ports::of_compute(tx, vim, id).await?.iter().map(|port| port.id).collect();
    let volumes: Vec<Uuid> = volumes::of_compute(tx, vim, id).await?.iter().map(|volume| volume.id).collect();
    computes::delete(tx, vim, id).await?;
    for port in freed {
        if let Some(port) = ports::get(tx, vim, port).await? {
            news.push(ViEvent::Port { port: Box::new(port) });
        }
    }
    for volume in volumes {
        if let Some(volume) = volumes::get(tx, vim, volume).await? {
            news.push(ViEvent::Volume { volume: Box::new(volume) });
        }
    }
    news.push(ViEvent::ComputeDeleted { id });
    Ok(())
}
