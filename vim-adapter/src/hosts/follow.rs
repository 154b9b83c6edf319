//! Following one host's agent: its events in order, its absence and return, and a look at everything when events were
//! missed.

use std::sync::Arc;
use std::time::Duration;

use reference_points::common::events::reconnect_pause;
use reference_points::common::{CallError, ProblemDetails, Sequenced};
use reference_points::nf_vi::{AgentEvent, HostInfo, Machine, MachineState, Snapshot, SnapshotState};
use reference_points::or_vi::ResourceState;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use super::HostsVim;
use super::agent::Agent;
use crate::error::{Failure, Result};
use crate::ledger::Report;
use crate::store::computes::Phase;
use crate::store::snapshots::{Seen, SnapshotRow};
use crate::store::{computes, hosts, snapshots};

/// How often the agent is asked whether it lives; a broken connection alone would not tell of a host that froze.
const HEARTBEAT: Duration = Duration::from_secs(5);

/// Follows one host until it is dropped.
pub async fn run(vim: Arc<HostsVim>, agent: Arc<Agent>) {
    let mut failures = 0;
    let mut looked = false;
    loop {
        match follow(&vim, &agent, &mut looked).await {
            // It is to be followed from the beginning.
            Ok(Followed::Anew) => failures = 0,
            Ok(Followed::Refused) => failures += 1,
            Err(failure) => {
                let problem = failure.to_problem();
                if agent.reachable() {
                    failures = 0;
                }
                // A connection that broke, and an agent that answers all the same, are no news.
                if !agent.reachable() || agent.probe().await.is_err() {
                    lost(&vim, &agent, problem.answer.as_deref().unwrap_or(&problem.detail)).await;
                    failures += 1;
                }
            }
        }
        tokio::time::sleep(reconnect_pause(failures)).await;
    }
}

/// How following an agent ended.
enum Followed {
    /// Begin anew: its history was cut, or it is another incarnation.
    Anew,
    /// The agent cannot be used as this host.
    Refused,
}

async fn lost(vim: &HostsVim, agent: &Agent, why: &str) {
    let problem = super::agent::waits_for(&agent.name, why);
    let news = agent.set_lost(problem);
    vim.note_allowance(agent).await;
    if news {
        tracing::warn!(host = agent.name, why, "host lost");
        let detail = format!("the agent of host {} does not answer: {why}", agent.name);
        vim.ledger.note(&[Report::Vim(Some(agent.name.clone()), "host_lost", detail)]).await;
    }
}

async fn follow(vim: &HostsVim, agent: &Agent, looked: &mut bool) -> Result<Followed> {
    let info = agent.probe().await?;
    if let Some(other) = vim.same_agent(agent, info.incarnation).await {
        lost(vim, agent, &format!("the agent at {} is that of host {other}", agent.spec().agent)).await;
        return Ok(Followed::Refused);
    }
    let row = hosts::get(&mut *vim.ledger.store.db.pool.acquire().await?, vim.ledger.vim, &agent.name).await?;
    let Some(row) = row else { return Ok(Followed::Refused) };
    let known = row.incarnation == Some(info.incarnation) && row.seen_event <= info.last_event;
    let after = if known { row.seen_event } else { info.last_event };
    let mut stream = agent.client.events(after);
    // Connected before looking: what happens between the two is told by the stream as well.
    stream.connect().await?;
    if !known || !*looked {
        resync(vim, agent, &info).await?;
        *looked = true;
        vim.ledger.record(&[Report::Heard(agent.name.clone(), info.incarnation, after)]).await?;
    }
    let incarnation = info.incarnation;
    let renamed = keep(vim, agent, &info).await?;
    if agent.found(info) {
        tracing::info!(host = agent.name, "host reached");
        let detail = format!("the agent of host {} answers", agent.name);
        vim.ledger.note(&[Report::Vim(Some(agent.name.clone()), "host_back", detail)]).await;
    }
    if renamed {
        vim.rehome().await;
    }
    vim.note_allowance(agent).await;
    agent.wake.notify_one();

    let mut heartbeat = interval_at(Instant::now() + HEARTBEAT, HEARTBEAT);
    heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            event = stream.next::<AgentEvent>() => {
                let Sequenced { seq, event } = event?;
                if let AgentEvent::Resync { detail } = &event {
                    tracing::info!(host = agent.name, detail, "events of a host were missed");
                    *looked = false;
                    let mut connection = vim.ledger.store.db.pool.acquire().await?;
                    hosts::set_seen(&mut connection, vim.ledger.vim, &agent.name, incarnation, seq).await?;
                    return Ok(Followed::Anew);
                }
                handle(vim, agent, incarnation, seq, event).await?;
            }
            _ = heartbeat.tick() => {
                let info = agent.probe().await?;
                if info.incarnation != incarnation {
                    return Ok(Followed::Anew);
                }
                take(vim, agent, info).await?;
            }
        }
    }
}

/// What an agent that answers said of its host.
async fn take(vim: &HostsVim, agent: &Agent, info: HostInfo) -> Result<()> {
    let renamed = keep(vim, agent, &info).await?;
    agent.found(info);
    if renamed {
        vim.rehome().await;
    }
    vim.note_allowance(agent).await;
    Ok(())
}

/// Notes it; true when the host has another name in OVN than before.
async fn keep(vim: &HostsVim, agent: &Agent, info: &HostInfo) -> Result<bool> {
    if agent.info().as_ref() == Some(info) {
        return Ok(false);
    }
    let mut connection = vim.ledger.store.db.pool.acquire().await?;
    hosts::set_info(&mut connection, vim.ledger.vim, &agent.name, info).await?;
    Ok(info.chassis.is_some() && agent.chassis() != info.chassis)
}

fn machine(machine: Machine) -> Report {
    Report::Machine {
        id: machine.id,
        state: Some(machine.state),
        at: machine.changed_at,
        problem: machine.problem,
        reverted: machine.reverted,
    }
}

async fn handle(vim: &HostsVim, agent: &Agent, incarnation: uuid::Uuid, seq: i64, event: AgentEvent) -> Result<()> {
    let heard = Report::Heard(agent.name.clone(), incarnation, seq);
    let host = Some(agent.name.clone());
    let told = match event {
        AgentEvent::Machine { machine: found } => {
            let here =
                vim.ledger.compute(found.id).await?.is_some_and(|row| row.compute.host.as_ref() == host.as_ref());
            here.then(|| machine(*found))
        }
        AgentEvent::MachineDeleted { id } => match vim.ledger.compute(id).await? {
            Some(row) if row.compute.host.as_ref() != host.as_ref() => None,
            Some(row) => Some(absent(row.phase, id)),
            None => None,
        },
        AgentEvent::Snapshot { snapshot: found } => {
            let row = snapshot_row(vim, found.id).await?;
            let here = row.is_some_and(|row| row.snapshot.host.as_ref() == host.as_ref());
            here.then(|| captured(&found))
        }
        AgentEvent::SnapshotDeleted { id } => snapshot_row(vim, id)
            .await?
            .filter(|row| row.snapshot.host.as_ref() == host.as_ref())
            .map(|row| lost_snapshot(&row)),
        AgentEvent::Host { what, detail, machine } => {
            if let Ok(info) = agent.probe().await {
                take(vim, agent, info).await?;
            }
            Some(Report::VimSaid(host, what, detail, machine))
        }
        AgentEvent::Resync { .. } => None,
    };
    let again = matches!(told, Some(Report::Forgotten(..)));
    vim.ledger.record(&told.into_iter().chain([heard]).collect::<Vec<_>>()).await?;
    if again {
        agent.wake.notify_one();
    }
    Ok(())
}

/// A snapshot as the agent tells it.
pub(super) fn captured(found: &Snapshot) -> Report {
    let state = match found.state {
        SnapshotState::Building => ResourceState::Building,
        SnapshotState::Ready => ResourceState::Active,
        SnapshotState::Error => ResourceState::Error,
        SnapshotState::Deleting => ResourceState::Deleting,
    };
    Report::Snapshot(
        found.id,
        Seen {
            state,
            problem: found.problem.clone(),
            consistency: found.consistency,
            volumes: found.disks.iter().filter_map(|disk| disk.volume_id).collect(),
            size_bytes: found.disks.iter().map(|disk| disk.size_bytes).sum(),
        },
    )
}

async fn snapshot_row(vim: &HostsVim, id: uuid::Uuid) -> Result<Option<SnapshotRow>> {
    Ok(snapshots::get(&mut *vim.ledger.store.db.pool.acquire().await?, vim.ledger.vim, id).await?)
}

/// What it means that the agent has no such snapshot. What it held cannot be had again.
fn lost_snapshot(row: &SnapshotRow) -> Report {
    let snapshot = &row.snapshot;
    if snapshot.state == ResourceState::Deleting {
        return Report::SnapshotGone(snapshot.id);
    }
    let problem = ProblemDetails::new(500, "Snapshot lost", "the host does not have it any more");
    Report::Snapshot(
        snapshot.id,
        Seen {
            state: ResourceState::Error,
            problem: Some(problem.next("delete it")),
            consistency: snapshot.consistency,
            volumes: snapshot.volumes.clone(),
            size_bytes: 0,
        },
    )
}

/// What it means that the agent has no machine for a compute.
fn absent(phase: Phase, id: uuid::Uuid) -> Report {
    if matches!(phase, Phase::Delete | Phase::Deleting) { Report::ComputeGone(id) } else { Report::Forgotten(id, None) }
}

/// Compares everything that the agent has with what is wanted of it.
async fn resync(vim: &HostsVim, agent: &Agent, info: &HostInfo) -> Result<()> {
    let machines: Vec<Machine> = agent.client.machines().await.map_err(|error: CallError| Failure::from(error))?;
    let mut there: std::collections::HashMap<_, _> = machines.into_iter().map(|m| (m.id, m)).collect();
    let rows = computes::of_host(&mut *vim.ledger.store.db.pool.acquire().await?, vim.ledger.vim, &agent.name).await?;
    let mut reports = Vec::new();
    for row in rows {
        let id = row.compute.id;
        match (there.remove(&id), row.phase) {
            (Some(found), Phase::Deleting) if found.state != MachineState::Deleting => {
                // It forgot that it was told; it is told again.
                reports.push(Report::Phase { id, wanted: row.wanted, phase: Phase::Delete, problem: None });
            }
            (Some(found), _) => {
                // An agent of another incarnation counts from another beginning.
                if row.machine_at > found.changed_at {
                    reports.push(Report::OtherClock(id));
                }
                reports.push(machine(found));
            }
            (None, Phase::Settled | Phase::Deleting) => reports.push(absent(row.phase, id)),
            (None, Phase::Delete) if row.sent => reports.push(Report::ComputeGone(id)),
            (None, _) => {}
        }
    }
    let taken = agent.client.snapshots().await.map_err(|error: CallError| Failure::from(error))?;
    let mut taken: std::collections::HashMap<_, _> = taken.into_iter().map(|s| (s.id, s)).collect();
    let wanted =
        snapshots::of_host(&mut *vim.ledger.store.db.pool.acquire().await?, vim.ledger.vim, &agent.name).await?;
    for row in wanted {
        match (taken.remove(&row.snapshot.id), row.phase) {
            (Some(found), Phase::Deleting) if found.state != SnapshotState::Deleting => {
                reports.push(Report::SnapshotPhase(row.snapshot.id, Phase::Delete));
            }
            (Some(found), _) => reports.push(captured(&found)),
            // It was never told, or is told that it shall go.
            (None, Phase::Deliver) => {}
            (None, _) => reports.push(lost_snapshot(&row)),
        }
    }
    tracing::info!(host = agent.name, incarnation = %info.incarnation, computes = reports.len(), "everything of a host was looked at");
    vim.ledger.record(&reports).await
}
