//! Telling one host's agent what is wanted: what was written down and not told is told, again and again until the agent
//! answers, in no other order than that one compute's wishes follow each other.

use std::sync::Arc;
use std::time::Duration;

use reference_points::common::{CallError, ProblemDetails};
use reference_points::or_vi::{ComputeRoot, ResourceState, Snapshot, Volume};
use reference_points::{nf_vi, or_vi};
use tokio::time::{Instant, sleep_until};
use tokio_util::task::JoinMap;
use uuid::Uuid;

use super::HostsVim;
use super::agent::{Agent, waits_for};
use super::follow::captured;
use super::machine::{Surroundings, machine_of};
use crate::error::{Failure, Result};
use crate::ledger::Report;
use crate::store::computes::{ComputeRow, Phase};
use crate::store::snapshots::Seen;
use crate::store::{computes, hosts, networks, ports, snapshots, subnets, volumes};

/// Computes and volumes of one host that are under way at once.
const AT_ONCE: usize = 8;
/// First and longest pause after an agent did not answer.
const PAUSE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// Something to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Job {
    Compute(Uuid),
    Volume(Uuid),
    Snapshot(Uuid),
    Garbage(Uuid),
}

/// Serves one host until it is dropped.
pub async fn run(vim: Arc<HostsVim>, agent: Arc<Agent>) {
    // Tasks of their own: a job whose turn at the database comes must go on, whatever this loop waits for.
    let mut under_way: JoinMap<Job, Result<()>> = JoinMap::new();
    let mut pause = PAUSE.0;
    let mut retry: Option<Instant> = None;
    let mut look = true;
    loop {
        if look {
            look = false;
            match untold(&vim, &agent).await {
                Ok(jobs) => {
                    for job in jobs {
                        if under_way.len() < AT_ONCE && !under_way.contains_key(&job) {
                            let (vim, agent) = (Arc::clone(&vim), Arc::clone(&agent));
                            under_way.spawn(job, async move { tell(&vim, &agent, job).await });
                        }
                    }
                }
                Err(error) => {
                    tracing::error!(host = agent.name, %error, "what is to be told to a host cannot be read");
                    tokio::time::sleep(PAUSE.1).await;
                    look = true;
                    continue;
                }
            }
        }
        tokio::select! {
            () = agent.wake.notified() => look = true,
            Some((job, ended)) = under_way.join_next() => {
                let told = match ended {
                    Ok(told) => told,
                    Err(error) => Err(ProblemDetails::new(500, "Panic", error.to_string()).into()),
                };
                match told {
                    Ok(()) => {
                        pause = PAUSE.0;
                        // Something else may be wanted of it by now.
                        look = true;
                    }
                    Err(failure) => {
                        tracing::warn!(host = agent.name, ?job, %failure, "a host could not be told; it will be tried again");
                        // A host that is lost wakes this when it is back.
                        if agent.reachable() {
                            retry = Some(Instant::now() + pause);
                            pause = (pause * 2).min(PAUSE.1);
                        }
                    }
                }
            }
            () = sleep_until(retry.unwrap_or_else(Instant::now)), if retry.is_some() => {
                retry = None;
                look = true;
            }
        }
    }
}

async fn untold(vim: &HostsVim, agent: &Agent) -> Result<Vec<Job>> {
    let mut connection = vim.ledger.store.db.pool.acquire().await?;
    let id = vim.ledger.vim;
    let garbage = if agent.reachable() { hosts::garbage(&mut connection, id, &agent.name).await? } else { Vec::new() };
    let computes = computes::untold(&mut connection, id, &agent.name).await?;
    let volumes = volumes::unfinished(&mut connection, id, &agent.name).await?;
    let snapshots = snapshots::untold(&mut connection, id, &agent.name).await?;
    Ok(computes
        .into_iter()
        .map(Job::Compute)
        .chain(volumes.into_iter().map(|volume| Job::Volume(volume.id)))
        .chain(snapshots.into_iter().map(Job::Snapshot))
        .chain(garbage.into_iter().map(Job::Garbage))
        .collect())
}

/// An error means that it must be tried again.
async fn tell(vim: &HostsVim, agent: &Agent, job: Job) -> Result<()> {
    match job {
        Job::Compute(id) => {
            let Some(row) = vim.ledger.compute(id).await? else { return Ok(()) };
            let work = async {
                match row.phase {
                    Phase::Deliver => deliver(vim, agent, &row).await,
                    Phase::Delete => remove(vim, agent, &row).await,
                    Phase::Settled | Phase::Failed | Phase::Deleting => Ok(()),
                }
            };
            match row.trace {
                Some(trace) => trace.scope(work).await,
                None => work.await,
            }
        }
        Job::Volume(id) => {
            let found = volumes::get(&mut *vim.ledger.store.db.pool.acquire().await?, vim.ledger.vim, id).await?;
            match found {
                Some(volume) if volume.state == ResourceState::Deleting => remove_volume(vim, agent, &volume).await,
                Some(volume) if volume.state == ResourceState::Building => make_volume(vim, agent, &volume).await,
                _ => Ok(()),
            }
        }
        Job::Snapshot(id) => {
            let found = snapshots::get(&mut *vim.ledger.store.db.pool.acquire().await?, vim.ledger.vim, id).await?;
            let Some(row) = found else { return Ok(()) };
            let work = async {
                match row.phase {
                    Phase::Deliver => take_snapshot(vim, agent, &row.snapshot).await,
                    Phase::Delete => remove_snapshot(vim, agent, id).await,
                    Phase::Settled | Phase::Failed | Phase::Deleting => Ok(()),
                }
            };
            match row.trace {
                Some(trace) => trace.scope(work).await,
                None => work.await,
            }
        }
        Job::Garbage(image) => {
            agent.client.delete_image(image).await?;
            let mut connection = vim.ledger.store.db.pool.acquire().await?;
            Ok(hosts::drop_garbage(&mut connection, vim.ledger.vim, &agent.name, image).await?)
        }
    }
}

/// Whether the agent will not do it however often it is asked.
fn is_final(failure: &Failure) -> bool {
    matches!(failure, Failure::Problem(p) if !matches!(p.status, 408 | 425 | 429 | 502 | 503 | 504))
}

async fn deliver(vim: &HostsVim, agent: &Agent, row: &ComputeRow) -> Result<()> {
    let (id, wanted) = (row.compute.id, row.wanted);
    tracing::info!(compute = %id, name = row.compute.spec.name, host = agent.name, "the host is asked for a machine");
    let report = |phase, problem| Report::Phase { id, wanted, phase, problem };
    match put(vim, agent, row).await {
        Ok(Some(machine)) => {
            let (state, at, reverted) = (Some(machine.state), machine.changed_at, machine.reverted);
            vim.ledger
                .record(&[
                    report(Phase::Settled, machine.problem.clone()),
                    Report::Machine { id, state, at, problem: machine.problem, reverted },
                ])
                .await
        }
        Ok(None) => Ok(()),
        Err(failure @ Failure::Db(_)) => Err(failure),
        Err(failure) if is_final(&failure) => {
            vim.ledger.record(&[report(Phase::Failed, Some(failure.to_problem()))]).await
        }
        Err(failure) => {
            let problem = failure.to_problem();
            let waits = waits_for(&agent.name, problem.answer.as_deref().unwrap_or(&problem.detail));
            vim.ledger.record(&[report(Phase::Deliver, Some(waits))]).await?;
            Err(failure)
        }
    }
}

/// Puts a machine and all it needs on the host; `None` when something else is wanted by now.
async fn put(vim: &HostsVim, agent: &Agent, row: &ComputeRow) -> Result<Option<nf_vi::Machine>> {
    let compute = &row.compute;
    if let ComputeRoot::Image { image_id, .. } = &compute.spec.root {
        vim.pushes.ensure(agent, &vim.ledger, &vim.files, *image_id).await?;
    }
    let mut connection = vim.ledger.store.db.pool.acquire().await?;
    let used = volumes::of_compute(&mut connection, vim.ledger.vim, compute.id).await?;
    let around = surroundings(&mut connection, vim.ledger.vim, &compute.spec.ports).await?;
    drop(connection);
    for volume in &used {
        make_volume(vim, agent, volume).await?;
    }
    let mut machine = machine_of(compute, &around);
    if row.config_drive.is_some() {
        machine.config_drive.clone_from(&row.config_drive);
    }
    let sent = db::transaction!(vim.ledger.store.db, |tx| {
        Ok::<_, Failure>(
            computes::set_sent(tx, vim.ledger.vim, compute.id, row.wanted, machine.config_drive.as_ref()).await?,
        )
    })?;
    if !sent {
        return Ok(None);
    }
    Ok(Some(agent.client.put_machine(compute.id, &machine).await?))
}

async fn surroundings(tx: &mut sqlx::AnyConnection, vim: Uuid, ids: &[Uuid]) -> sqlx::Result<Surroundings> {
    let mut around = Surroundings::default();
    for id in ids {
        let Some(port) = ports::get(tx, vim, *id).await? else { continue };
        let network = port.spec.network_id;
        if !around.networks.contains_key(&network) {
            around.networks.extend(networks::get(tx, vim, network).await?.map(|found| (network, found)));
            let subnets = subnets::of_network(tx, vim, network).await?;
            around.subnets.extend(subnets.into_iter().map(|subnet| (subnet.id, subnet)));
        }
        around.ports.insert(*id, port);
    }
    Ok(around)
}

async fn remove(vim: &HostsVim, agent: &Agent, row: &ComputeRow) -> Result<()> {
    let (id, wanted) = (row.compute.id, row.wanted);
    if !row.sent {
        return vim.ledger.record(&[Report::ComputeGone(id)]).await;
    }
    let gone = async {
        agent.client.delete_machine(id).await?;
        Ok::<_, CallError>(agent.client.machine(id).await?.is_none())
    };
    match gone.await {
        Ok(true) => vim.ledger.record(&[Report::ComputeGone(id)]).await,
        Ok(false) => vim.ledger.record(&[Report::Phase { id, wanted, phase: Phase::Deleting, problem: None }]).await,
        Err(error) => {
            let problem = match error.status() {
                Some(_) => error.to_problem(),
                None => waits_for(&agent.name, &error.to_string()),
            };
            vim.ledger.record(&[Report::Phase { id, wanted, phase: Phase::Delete, problem: Some(problem) }]).await?;
            Err(error.into())
        }
    }
}

async fn make_volume(vim: &HostsVim, agent: &Agent, volume: &Volume) -> Result<()> {
    let made = async {
        if let Some(image) = volume.spec.image_id {
            vim.pushes.ensure(agent, &vim.ledger, &vim.files, image).await?;
        }
        let or_vi::VolumeSpec { name, owner, size_bytes, image_id, .. } = volume.spec.clone();
        let spec = nf_vi::VolumeSpec { name, owner, size_bytes, image_id };
        Ok::<_, Failure>(agent.client.put_volume(volume.id, &spec).await?)
    };
    let tell = |state, problem| vec![Report::Volume(volume.id, state, problem)];
    match made.await {
        Ok(_) if volume.state == ResourceState::Active => Ok(()),
        Ok(_) => vim.ledger.record(&tell(ResourceState::Active, None)).await,
        Err(failure) if is_final(&failure) => {
            vim.ledger.record(&tell(ResourceState::Error, Some(failure.to_problem()))).await?;
            Err(ProblemDetails { status: 422, ..failure.to_problem() }.into())
        }
        Err(failure) => Err(failure),
    }
}

async fn remove_volume(vim: &HostsVim, agent: &Agent, volume: &Volume) -> Result<()> {
    match agent.client.delete_volume(volume.id).await {
        Ok(()) => vim.ledger.record(&[Report::VolumeGone(volume.id)]).await,
        Err(error) => {
            let problem = waits_for(&agent.name, &error.to_string());
            vim.ledger.record(&[Report::Volume(volume.id, ResourceState::Deleting, Some(problem))]).await?;
            Err(error.into())
        }
    }
}

async fn take_snapshot(vim: &HostsVim, agent: &Agent, snapshot: &Snapshot) -> Result<()> {
    let (id, or_vi::SnapshotSpec { name, owner, compute_id }) = (snapshot.id, snapshot.spec.clone());
    let spec = nf_vi::SnapshotSpec { name, owner, machine_id: compute_id };
    match agent.client.put_snapshot(id, &spec).await.map_err(Failure::from) {
        Ok(found) => vim.ledger.record(&[Report::SnapshotPhase(id, Phase::Settled), captured(&found)]).await,
        Err(failure) => {
            let fails = is_final(&failure);
            let problem = failure.to_problem();
            let problem = if fails { problem } else { waits_for(&agent.name, &problem.detail) };
            let state = if fails { ResourceState::Error } else { ResourceState::Building };
            let seen = Seen { state, problem: Some(problem), consistency: None, volumes: Vec::new(), size_bytes: 0 };
            let phase = if fails { Phase::Failed } else { Phase::Deliver };
            vim.ledger.record(&[Report::SnapshotPhase(id, phase), Report::Snapshot(id, seen)]).await?;
            if fails { Ok(()) } else { Err(failure) }
        }
    }
}

/// Lets a host remove a snapshot.
pub(super) async fn remove_snapshot(vim: &HostsVim, agent: &Agent, id: Uuid) -> Result<()> {
    agent.client.delete_snapshot(id).await?;
    match agent.client.snapshot(id).await? {
        None => vim.ledger.record(&[Report::SnapshotGone(id)]).await,
        Some(_) => vim.ledger.record(&[Report::SnapshotPhase(id, Phase::Deleting)]).await,
    }
}
