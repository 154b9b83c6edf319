//! Following a project (IFA005 clause 7.3.3): servers by what changed since the last look, and all of them now and then for
//! those that are gone; ports by one list. Never a request for each server. While something is under way the looks follow each
//! other quickly, else slowly; servers are looked at when Nova told of them, where it tells (`notifications`).

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use reference_points::common::ProblemDetails;
use reference_points::nf_vi::{DesiredPower, MachineState};
use reference_points::or_vi::{ComputeState, Port, ResourceState, Resources, TrunkPart, VimQuota, Volume};
use serde_json::Value;
use tokio::time::Instant;
use uuid::Uuid;

use super::call::{Call, Service};
use super::errors::Work;
use super::migrations::CONFIRM;
use super::servers::{self, Seen};
use super::{OpenstackVim, marks};
use crate::allowance::{Limit, Limits, Part};
use crate::error::{Failure, Result};
use crate::ledger::Report;
use crate::store::computes::{self, ComputeRow, Phase};
use crate::store::snapshots::SnapshotRow;
use crate::store::{images, ports, snapshots, vims, volumes};

/// Between two looks while something changes: at first, and at most. In between they grow by a tenth, so that what takes
/// long is noticed not much later than it happens, for a look more now and then.
const QUICK: Duration = Duration::from_millis(700);
const QUICK_MOST: Duration = Duration::from_secs(5);
/// Between two looks while nothing does.
const IDLE: Duration = Duration::from_secs(20);
/// How long a look follows the other quickly when something was asked for: what a cloud does shows only then.
const EXPECTING: Duration = Duration::from_secs(12);
/// Between two looks that were asked for, and from what Nova told to the look at it: what is told together is looked at
/// together.
const BREATH: Duration = Duration::from_millis(250);
const TOLD: Duration = Duration::from_millis(50);
/// Between two lists of all servers: in quiet, and while some are to go.
const FULL: Duration = Duration::from_secs(300);
const FULL_DELETING: Duration = Duration::from_secs(6);
/// Between two lists of ports in quiet.
const PORTS: Duration = Duration::from_secs(40);
/// Between two lists of volumes in quiet, and two looks for what is left over.
const SELDOM: Duration = Duration::from_secs(300);
/// Between two looks at Nova's limits of the project; at those of Neutron and Cinder it is looked as seldom as at volumes.
const LIMITS: Duration = Duration::from_secs(60);
/// How far behind the last look the next begins: the services' clocks differ a little.
const OVERLAP_SECONDS: i64 = 10;
/// How long the reason of a failure is waited for, in microseconds.
const UNEXPLAINED_MICROS: i64 = 10_000_000;
/// Between two attempts to let Nova know what is wanted of a compute: at first, and at most.
const RETRY: Duration = Duration::from_secs(1);
const RETRY_MOST: Duration = Duration::from_secs(60);

/// What following remembers from look to look.
#[derive(Debug, Default)]
struct Memory {
    since: Option<String>,
    servers: Option<Instant>,
    full: Option<Instant>,
    ports: Option<Instant>,
    volumes: Option<Instant>,
    tidied: Option<Instant>,
    limits: Option<Instant>,
    other_limits: Option<Instant>,
    lost: bool,
    /// Until when what was asked for just now may show.
    expecting: Option<Instant>,
    /// Nova was at one of our servers when they were looked at last.
    at_work: bool,
    retries: HashMap<Uuid, (Instant, Duration)>,
}

/// Everything that is remembered of the VIM, as one look needs it.
#[derive(Debug)]
struct Wanted {
    computes: Vec<ComputeRow>,
    ports: Vec<Port>,
    volumes: Vec<Volume>,
    snapshots: Vec<SnapshotRow>,
    images: bool,
}

/// What is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Busy {
    No,
    /// Only what will be told of.
    Told,
    Yes,
}

/// Follows until it is dropped.
pub async fn run(vim: Arc<OpenstackVim>) {
    let mut memory = Memory::default();
    let mut pause = QUICK;
    loop {
        let busy = match look(&vim, &mut memory).await {
            Ok(busy) => {
                found_again(&vim, &mut memory).await;
                busy
            }
            Err(failure) => {
                lost(&vim, &mut memory, &failure).await;
                Busy::Yes
            }
        };
        let wait = match busy {
            Busy::No => IDLE,
            Busy::Told => QUICK_MOST,
            Busy::Yes => pause,
        };
        pause = if busy == Busy::Yes { (pause * 11 / 10).min(QUICK_MOST) } else { QUICK };
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = vim.bell.notified() => {
                pause = QUICK;
                memory.expecting = Some(Instant::now() + EXPECTING);
                tokio::time::sleep(BREATH).await;
            }
            () = vim.notifications.bell.notified() => tokio::time::sleep(TOLD).await,
        }
    }
}

async fn lost(vim: &OpenstackVim, memory: &mut Memory, failure: &Failure) {
    if !std::mem::replace(&mut memory.lost, true) {
        tracing::warn!(vim = %vim.ledger.vim, %failure, "an OpenStack was lost");
        vim.ledger.note(&[Report::Vim(None, "vim_lost", failure.to_problem().detail)]).await;
    }
}

async fn found_again(vim: &OpenstackVim, memory: &mut Memory) {
    if std::mem::replace(&mut memory.lost, false) {
        tracing::info!(vim = %vim.ledger.vim, "an OpenStack answers again");
        vim.ledger.note(&[Report::Vim(None, "vim_back", "the OpenStack answers again".to_owned())]).await;
    }
}

/// Looks once at all that may have changed; what is under way.
async fn look(vim: &Arc<OpenstackVim>, memory: &mut Memory) -> Result<Busy> {
    let mut wanted = self::wanted(vim).await?;
    deliver(vim, memory, &wanted);
    if wanted.computes.iter().any(|row| row.compute.vim_resource_id.is_some()) {
        let (told, gone) = vim.notifications.take(&wanted.computes);
        if gone {
            memory.full = None;
        }
        if told || !vim.notifications.are_heard() || is_due(memory.servers, QUICK_MOST) {
            look_at_servers(vim, memory, &wanted).await?;
            // A server that runs now may wait for its ports.
            wanted = self::wanted(vim).await?;
        }
    }
    let waiting = waits_for_ports(&wanted);
    if waiting || (!wanted.ports.is_empty() && is_due(memory.ports, PORTS)) {
        look_at_ports(vim, &wanted.ports).await?;
        memory.ports = Some(Instant::now());
    }
    let unfinished = |state: ResourceState| matches!(state, ResourceState::Building | ResourceState::Deleting);
    let volumes_busy = wanted.volumes.iter().any(|volume| unfinished(volume.state) && volume.vim_resource_id.is_some());
    if volumes_busy || (!wanted.volumes.is_empty() && is_due(memory.volumes, SELDOM)) {
        vim.look_at_volumes(&wanted.volumes).await?;
        memory.volumes = Some(Instant::now());
    }
    let snapshots_busy = wanted.snapshots.iter().any(|row| unfinished(row.snapshot.state));
    if snapshots_busy {
        vim.look_at_snapshots(&wanted.snapshots).await?;
    }
    if wanted.images {
        look_at_images(vim).await?;
    }
    if is_due(memory.tidied, SELDOM) {
        tidy(vim, &wanted).await?;
        memory.tidied = Some(Instant::now());
    }
    // Noted before it is tried: it is not asked more often, whatever the answer.
    if is_due(memory.limits, LIMITS) {
        memory.limits = Some(Instant::now());
        note_limits(vim, vim.compute_quotas().await).await?;
    }
    if is_due(memory.other_limits, SELDOM) {
        memory.other_limits = Some(Instant::now());
        note_limits(vim, vim.other_quotas().await).await?;
    }
    let expecting = memory.expecting.is_some_and(|until| until > Instant::now());
    let computes_busy = wanted.computes.iter().any(is_under_way) || memory.at_work || expecting || vim.migrates();
    Ok(if waiting || volumes_busy || snapshots_busy || wanted.images {
        Busy::Yes
    } else if !computes_busy {
        Busy::No
    } else if vim.notifications.are_heard() {
        Busy::Told
    } else {
        Busy::Yes
    })
}

fn is_due(last: Option<Instant>, every: Duration) -> bool {
    last.is_none_or(|last| last.elapsed() >= every)
}

fn is_under_way(row: &ComputeRow) -> bool {
    match row.phase {
        Phase::Deliver | Phase::Delete | Phase::Deleting => true,
        Phase::Settled => row.compute.state == ComputeState::Building,
        Phase::Failed => false,
    }
}

/// Whether a compute runs and waits for one of its ports.
fn waits_for_ports(wanted: &Wanted) -> bool {
    let waits = |row: &ComputeRow| {
        row.machine == Some(MachineState::Running)
            && row.compute.spec.power == DesiredPower::Running
            && wanted.ports.iter().any(|port| port.compute_id == Some(row.compute.id) && !port.up)
    };
    wanted.computes.iter().any(waits)
}

async fn wanted(vim: &OpenstackVim) -> Result<Wanted> {
    let mut connection = vim.ledger.store.db.pool.acquire().await?;
    let (tx, id) = (&mut *connection, vim.ledger.vim);
    let unfinished =
        |row: &images::ImageRow| row.image.state == ResourceState::Building && row.image.vim_resource_id.is_some();
    Ok(Wanted {
        computes: computes::list(tx, id).await?,
        ports: ports::list(tx, id).await?,
        volumes: volumes::list(tx, id).await?,
        snapshots: snapshots::list(tx, id).await?,
        images: images::list(tx, id).await?.iter().any(unfinished),
    })
}

/// Has Nova told what it was not told yet, each compute by itself.
fn deliver(vim: &Arc<OpenstackVim>, memory: &mut Memory, wanted: &Wanted) {
    let untold = |row: &&ComputeRow| matches!(row.phase, Phase::Deliver | Phase::Delete);
    memory.retries.retain(|id, _| wanted.computes.iter().filter(untold).any(|row| row.compute.id == *id));
    for row in wanted.computes.iter().filter(untold) {
        let id = row.compute.id;
        let now = Instant::now();
        // A wish that is new is told at once, whatever became of an older one.
        let waits = row.machine_problem.is_some() && memory.retries.get(&id).is_some_and(|(at, _)| *at > now);
        if waits || !vim.begin(id) {
            continue;
        }
        let pause = memory.retries.get(&id).map_or(RETRY, |(_, pause)| (*pause * 2).min(RETRY_MOST));
        memory.retries.insert(id, (now + pause, pause));
        let vim = Arc::clone(vim);
        vim.tasks.clone().spawn("OpenStack compute", async move {
            if let Err(failure) = vim.deliver(id).await {
                tracing::info!(compute = %id, %failure, "Nova could not be told what is wanted");
            }
            vim.end(id);
        });
    }
}

async fn look_at_servers(vim: &OpenstackVim, memory: &mut Memory, wanted: &Wanted) -> Result<()> {
    let deleting = wanted.computes.iter().any(|row| row.phase == Phase::Deleting);
    let full = memory.since.is_none() || is_due(memory.full, if deleting { FULL_DELETING } else { FULL });
    let query = match &memory.since {
        Some(since) if !full => vec![("changes-since", since.clone())],
        _ => Vec::new(),
    };
    let begun = vim.ledger.store.now();
    let mut listed = vim.paged(Service::Compute, "servers/detail", "servers", &query).await?;
    explain(vim, &wanted.computes, &mut listed).await?;
    memory.at_work = listed
        .iter()
        .filter(|server| is_ours(server, vim.ledger.vim))
        .any(|server| !server["OS-EXT-STS:task_state"].is_null() && server["status"] != "DELETED");
    let (reports, gone) = judge(&wanted.computes, &listed, full, begun);
    vim.ledger.record(&reports).await?;
    keep_places(vim, &wanted.computes, &listed).await?;
    vim.end_migrations(&wanted.computes, &listed, begun).await?;
    if !gone.is_empty() {
        vim.computes_gone(&gone).await?;
    }
    memory.since = since(begun);
    memory.servers = Some(Instant::now());
    if full {
        memory.full = Some(Instant::now());
    }
    if any_ends(&wanted.computes, &listed) {
        memory.full = None;
    }
    Ok(())
}

/// Whether a server that is to go is at the end of that: it is gone when a whole list has it no more.
fn any_ends(rows: &[ComputeRow], listed: &[Value]) -> bool {
    let ends = listed.iter().filter(|server| server["status"] == "DELETED");
    let ending: BTreeSet<&str> = ends.filter_map(|server| server["id"].as_str()).collect();
    let its = |row: &ComputeRow| row.compute.vim_resource_id.as_deref().is_some_and(|its| ending.contains(its));
    rows.iter().any(|row| row.phase == Phase::Deleting && its(row))
}

/// Asks why servers failed whose failure is news and that a list says nothing more of: what Nova could place on no host, it
/// explains only to who asks for the server itself.
async fn explain(vim: &OpenstackVim, rows: &[ComputeRow], listed: &mut [Value]) -> Result<()> {
    for server in listed.iter_mut().filter(|server| server["status"] == "ERROR" && server.get("fault").is_none()) {
        let row = rows.iter().find(|row| row.compute.vim_resource_id.as_deref() == server["id"].as_str());
        let Some(row) = row.filter(|row| row.phase == Phase::Settled && row.machine != Some(MachineState::Error))
        else {
            continue;
        };
        let (compute, its) = (&row.compute, row.compute.vim_resource_id.clone().unwrap_or_default());
        let work = Work::on("look at", "compute", &compute.spec.name, compute.id);
        if let Some(reply) = vim.session.find(&work, Call::get(Service::Compute, format!("servers/{its}"))).await? {
            server["fault"] = reply.body["server"]["fault"].clone();
        }
    }
    Ok(())
}

/// The beginning of the next look, as Nova reads it.
fn since(begun: i64) -> Option<String> {
    let at = chrono::DateTime::from_timestamp_micros(begun - OVERLAP_SECONDS * 1_000_000)?;
    Some(at.format("%Y-%m-%dT%H:%M:%SZ").to_string())
}

/// Whether a server failed just now and Nova does not say yet why: it writes the reason down behind the state.
fn is_unexplained(seen: &Seen, now: i64) -> bool {
    seen.status == "ERROR" && seen.fault.is_none() && (now - seen.at).abs() < UNEXPLAINED_MICROS
}

/// What a list of servers says of the computes as they were when it was asked for, at `now`: reports, and computes that are
/// gone.
fn judge(rows: &[ComputeRow], listed: &[Value], full: bool, now: i64) -> (Vec<Report>, Vec<Uuid>) {
    let by_id: BTreeMap<&str, &Value> =
        listed.iter().filter_map(|server| Some((server["id"].as_str()?, server))).collect();
    let (mut reports, mut gone) = (Vec::new(), Vec::new());
    for row in rows {
        let Some(its) = row.compute.vim_resource_id.as_deref() else { continue };
        let seen = by_id.get(its).and_then(|server| servers::seen(server));
        let state = seen.as_ref().and_then(servers::state);
        // Nova says DELETED before it has forgotten a server, and keeps one that is deleted softly.
        let gone_for_good = seen.as_ref().map_or(full, |seen| seen.status == "SOFT_DELETED");
        let absent = if seen.is_some() { state.is_none() } else { full };
        match row.phase {
            Phase::Deleting if gone_for_good => gone.push(row.compute.id),
            // Moved or changed by somebody else, or by this adapter before it stopped.
            Phase::Settled if seen.as_ref().is_some_and(|seen| seen.status == CONFIRM && !seen.busy) => {
                let (id, wanted) = (row.compute.id, row.wanted);
                reports.push(Report::Phase { id, wanted, phase: Phase::Deliver, problem: None });
            }
            Phase::Settled if absent => reports.push(lost_server(row, its)),
            Phase::Settled | Phase::Failed => {
                let seen = seen.filter(|seen| !is_unexplained(seen, now));
                reports.extend(seen.and_then(|seen| changed(row, &seen)));
            }
            // Whoever is at it tells what it sees.
            Phase::Deliver | Phase::Delete | Phase::Deleting => {}
        }
    }
    (reports, gone)
}

/// What is new of a server.
fn changed(row: &ComputeRow, seen: &Seen) -> Option<Report> {
    let state = servers::state(seen);
    let problem = servers::problem(&row.compute, seen);
    let same = row.machine == state && row.machine_problem == problem;
    (!same).then_some(Report::Machine {
        id: row.compute.id,
        state,
        // Nova tells the time of the request for what it has not changed yet, so that a later time may be an earlier one.
        at: seen.at.max(row.machine_at),
        problem,
        reverted: row.compute.reverted,
    })
}

fn lost_server(row: &ComputeRow, its: &str) -> Report {
    let compute = &row.compute;
    let what = format!("compute {} ({})", compute.spec.name, compute.id);
    let detail = format!("Nova does not have server {its} of {what} any more; this adapter did not delete it");
    let problem = ProblemDetails::new(500, "Server lost", detail).resource(what);
    Report::Machine {
        id: compute.id,
        state: Some(MachineState::Error),
        at: row.machine_at,
        problem: Some(problem.next("heal it, which makes it anew; or terminate")),
        reverted: compute.reverted,
    }
}

/// Keeps the host and zone of computes that moved.
async fn keep_places(vim: &OpenstackVim, rows: &[ComputeRow], listed: &[Value]) -> Result<()> {
    let mut moved = Vec::new();
    for server in listed {
        let Some(seen) = servers::seen(server) else { continue };
        let (Some(host), Some(zone)) = (seen.host, seen.zone) else { continue };
        let row = rows.iter().find(|row| row.compute.vim_resource_id.as_ref() == Some(&seen.id));
        let Some(compute) = row.map(|row| &row.compute) else { continue };
        if compute.host.as_ref() != Some(&host) || compute.zone.as_ref() != Some(&zone) {
            moved.push((compute.id, seen.id, host, zone));
        }
    }
    if moved.is_empty() {
        return Ok(());
    }
    db::transaction!(vim.ledger.store.db, |tx| {
        vims::lock(tx, vim.ledger.vim).await?;
        for (id, its, host, zone) in &moved {
            computes::set_made(tx, vim.ledger.vim, *id, Some(its), Some((host, zone))).await?;
        }
        Ok::<_, Failure>(())
    })
}

async fn look_at_ports(vim: &OpenstackVim, known: &[Port]) -> Result<()> {
    let cloud = vim.session.cloud().await?;
    let mut query = vec![("project_id", cloud.project_id.clone())];
    query.extend(["id", "status", "revision_number"].map(|field| ("fields", field.to_owned())));
    let listed = vim.paged(Service::Network, "ports", "ports", &query).await?;
    vim.ledger.record(&port_reports(known, &listed)).await
}

/// What a list of all ports of the project says of ours.
fn port_reports(known: &[Port], listed: &[Value]) -> Vec<Report> {
    let by_id: BTreeMap<&str, &str> =
        listed.iter().filter_map(|port| Some((port["id"].as_str()?, port["status"].as_str()?))).collect();
    let mut reports = Vec::new();
    for port in known.iter().filter(|port| port.state == ResourceState::Active) {
        let Some(its) = port.vim_resource_id.as_deref() else { continue };
        match by_id.get(its) {
            Some(status) => {
                let used = port.compute_id.is_some() || matches!(port.spec.trunk, Some(TrunkPart::SubPort { .. }));
                let up = *status == "ACTIVE" && used;
                if up != port.up {
                    reports.push(Report::PortUp(port.id, up));
                }
            }
            None => {
                let what = format!("port {} ({})", port.spec.name, port.id);
                let problem = ProblemDetails::new(500, "Port lost", format!("Neutron does not have {what} any more"));
                let problem = problem.resource(what).next("heal what uses it, which makes it anew; or terminate");
                reports.push(Report::PortUp(port.id, false));
                reports.push(Report::Port(port.id, ResourceState::Error, Some(problem)));
            }
        }
    }
    reports
}

async fn look_at_images(vim: &OpenstackVim) -> Result<()> {
    let rows = images::list(&mut *vim.ledger.store.db.pool.acquire().await?, vim.ledger.vim).await?;
    let listed = vim.paged(Service::Image, "images", "images", &[]).await?;
    let mut reports = Vec::new();
    for row in rows.iter().filter(|row| row.image.state == ResourceState::Building) {
        let image = &row.image;
        let Some(its) = image.vim_resource_id.as_deref() else { continue };
        let status = listed.iter().find(|found| found["id"] == its).and_then(|found| found["status"].as_str());
        let what = format!("software image {} ({})", image.spec.name, image.id);
        match status {
            Some("active") => reports.push(Report::Image(image.id, ResourceState::Active, None)),
            Some("queued" | "saving" | "uploading" | "importing") => {}
            other => {
                let said = other.unwrap_or("gone");
                let problem = ProblemDetails::new(500, "Image failed", format!("Glance says of {what}: {said}"));
                let problem = problem.resource(what).answer(said.to_owned()).next("send its content again");
                reports.push(Report::Image(image.id, ResourceState::Error, Some(problem)));
            }
        }
    }
    vim.ledger.record(&reports).await
}

/// Notes what the project may have, which is told when it is more than before.
async fn note_limits(vim: &OpenstackVim, read: Result<BTreeMap<String, VimQuota>>) -> Result<()> {
    let quotas = match read {
        Ok(quotas) => quotas,
        Err(failure) => {
            // Whether the cloud answers at all shows in what else is asked of it.
            tracing::debug!(vim = %vim.ledger.vim, %failure, "the project's limits could not be read");
            return Ok(());
        }
    };
    let group = vim.session.cloud().await?.project_id.clone();
    vim.ledger.record(&[Report::Allows { part: Part::Whole, group, limits: limits(&quotas) }]).await
}

/// A report's quotas as limits; their names begin with the service.
fn limits(quotas: &BTreeMap<String, VimQuota>) -> Limits {
    let of = |name: &str| match name.split(' ').next() {
        Some("network") => Resources::Network,
        Some("volume") => Resources::Storage,
        _ => Resources::Compute,
    };
    quotas.iter().map(|(name, quota)| (name.clone(), Limit { of: of(name), most: quota.limit })).collect()
}

/// Removes what a crash may have left of what computes and ports share.
async fn tidy(vim: &OpenstackVim, wanted: &Wanted) -> Result<()> {
    let needed: Vec<_> = wanted.computes.iter().map(super::computes::shape_of).collect();
    vim.drop_flavours(&needed).await?;
    vim.tidy_groups().await?;
    vim.tidy_policies(&vim.rates(&vim.ports_left().await?).await?).await
}

/// Whether a document is marked as of this VIM.
pub(super) fn is_ours(document: &Value, vim: Uuid) -> bool {
    marks::on(document).is_some_and(|mark| mark.vim == vim)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;
    use crate::fixtures;

    fn row(n: u128, phase: Phase, machine: Option<MachineState>) -> ComputeRow {
        let mut row = fixtures::row(Uuid::from_u128(n), phase, machine);
        row.compute.spec.name = format!("c{n}");
        row.compute.vim_resource_id = Some(n.to_string());
        row
    }

    fn server(n: u128, status: &str) -> Value {
        json!({ "id": n.to_string(), "status": status, "updated": "2026-01-02T03:04:05Z" })
    }

    #[test]
    fn only_news_are_told_and_only_of_what_nobody_is_at() {
        let rows = [
            row(1, Phase::Settled, None),
            row(2, Phase::Settled, Some(MachineState::Running)),
            row(3, Phase::Deliver, Some(MachineState::Running)),
        ];
        let listed = [server(1, "ACTIVE"), server(2, "ACTIVE"), server(3, "SHUTOFF"), server(9, "ERROR")];
        let (reports, gone) = judge(&rows, &listed, false, 0);
        assert!(gone.is_empty());
        assert!(
            matches!(&reports[..], [Report::Machine { id, state: Some(MachineState::Running), .. }] if id.as_u128() == 1)
        );
    }

    #[test]
    fn the_reason_of_a_failure_is_waited_for_a_while() {
        let rows = [row(1, Phase::Settled, Some(MachineState::Building))];
        let at = 1_767_323_045_000_000;
        assert!(judge(&rows, &[server(1, "ERROR")], false, at + 2_000_000).0.is_empty());
        assert_eq!(judge(&rows, &[server(1, "ERROR")], false, at + 60_000_000).0.len(), 1);
        let mut explained = server(1, "ERROR");
        explained["fault"] = json!({ "message": "No valid host was found." });
        assert_eq!(judge(&rows, &[explained], false, at).0.len(), 1);
    }

    #[test]
    fn a_failure_is_news_although_nova_dated_what_came_before_it_later() {
        let mut rows = [row(1, Phase::Settled, Some(MachineState::Building))];
        rows[0].machine_at = 1_767_323_046_000_000;
        let mut failed = server(1, "ERROR");
        failed["fault"] = json!({ "message": "No valid host was found." });
        let reports = judge(&rows, &[failed], false, 0).0;
        assert!(matches!(&reports[..], [Report::Machine { at: 1_767_323_046_000_000, .. }]), "{reports:?}");
    }

    #[test]
    fn what_is_missing_from_a_list_of_changes_is_no_news_but_from_a_whole_list_it_is_gone() {
        let rows = [row(1, Phase::Settled, Some(MachineState::Running)), row(2, Phase::Deleting, None)];
        let (reports, gone) = judge(&rows, &[], false, 0);
        assert!(reports.is_empty() && gone.is_empty());
        let (reports, gone) = judge(&rows, &[], true, 0);
        assert_eq!(gone, [Uuid::from_u128(2)]);
        assert!(matches!(&reports[..], [Report::Machine { state: Some(MachineState::Error), problem: Some(p), .. }]
            if p.detail.contains("c1")));
        let ends = [server(1, "ACTIVE"), server(2, "DELETED")];
        assert!(judge(&rows, &ends, false, 0).1.is_empty() && judge(&rows, &ends, true, 0).1.is_empty());
        assert!(any_ends(&rows, &ends) && !any_ends(&rows, &ends[..1]));
    }

    #[test]
    fn a_port_forwards_when_neutron_says_so_and_is_lost_when_neutron_has_none() {
        let port = |n: u128, up: bool| Port {
            id: Uuid::from_u128(n),
            vim_resource_id: Some(n.to_string()),
            compute_id: Some(Uuid::nil()),
            up,
            state: ResourceState::Active,
            ..fixtures::port("p")
        };
        let listed = [json!({ "id": "1", "status": "ACTIVE" }), json!({ "id": "2", "status": "ACTIVE" })];
        let reports = port_reports(&[port(1, false), port(2, true), port(3, true)], &listed);
        assert!(matches!(&reports[0], Report::PortUp(id, true) if id.as_u128() == 1));
        assert!(matches!(&reports[1], Report::PortUp(id, false) if id.as_u128() == 3));
        assert!(matches!(&reports[2], Report::Port(id, ResourceState::Error, Some(_)) if id.as_u128() == 3));
        assert_eq!(reports.len(), 3);
    }

    #[test]
    fn the_limits_of_each_service_are_of_its_resources() {
        let quota = |limit| VimQuota { limit, used: 3 };
        let quotas = BTreeMap::from([
            ("compute cores".to_owned(), quota(Some(20))),
            ("network port".to_owned(), quota(None)),
            ("volume gigabytes".to_owned(), quota(Some(1000))),
        ]);
        let limits = limits(&quotas);
        let of: Vec<(Resources, Option<u64>)> = limits.values().map(|limit| (limit.of, limit.most)).collect();
        let (compute, network, storage) = (Resources::Compute, Resources::Network, Resources::Storage);
        assert_eq!(of, [(compute, Some(20)), (network, None), (storage, Some(1000))]);
    }

    #[test]
    fn the_next_look_begins_a_little_before_the_last_one_did() {
        assert_eq!(since(1_767_323_055_000_000).unwrap(), "2026-01-02T03:04:05Z");
    }
}
