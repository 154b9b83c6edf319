//! Changing a compute that exists: ports and volumes come and go (IFA005 clause 7.3.1.3), CPUs, memory and the disk it boots
//! from become others (clause 7.3.1.8). What it needs is looked up and given to it before the VIM hears of it, and taken
//! from it in the same moment.

use reference_points::common::{Fault, ProblemDetails, shortage};
use reference_points::nf_vi::{Capacity, MachineState};
use reference_points::or_vi::{Compute, ComputeRoot, ComputeSpec, ComputeState, ResourceState, TrunkPart};
use sqlx::AnyConnection;
use uuid::Uuid;

use super::App;
use crate::diff::same;
use crate::error::{Failure, Result, no_faults};
use crate::scheduler::{Candidate, free};
use crate::store::computes::ComputeRow;
use crate::store::{computes, hosts, ports, snapshots, vims, volumes};
use crate::vim::{Change, Profile};

/// What must happen to a compute so that it becomes what is asked for; an error when that includes something that cannot
/// be changed at all. The power state is no change of this kind.
pub(super) fn changes(there: &ComputeSpec, asked: &ComputeSpec, what: &str) -> Result<Vec<Change>> {
    let mut rest = there.clone();
    rest.power = asked.power;
    rest.flavour = asked.flavour.clone();
    let grown = grown(&there.root, &asked.root);
    if grown.is_some() {
        rest.root = asked.root.clone();
    }
    rest.ports.clone_from(&asked.ports);
    rest.volumes.clone_from(&asked.volumes);
    rest.revert = asked.revert;
    same(what, &rest, asked)?;
    let mut changes = Vec::new();
    if there.flavour != asked.flavour {
        changes.push(Change::Resize(asked.flavour.clone()));
    }
    changes.extend(grown.map(Change::GrowRoot));
    changes.extend(asked.revert.filter(|wanted| there.revert != Some(*wanted)).map(Change::Revert));
    let missing =
        |from: &[Uuid], of: &[Uuid]| -> Vec<Uuid> { of.iter().filter(|id| !from.contains(id)).copied().collect() };
    changes.extend(missing(&asked.ports, &there.ports).into_iter().map(Change::DetachPort));
    changes.extend(missing(&there.ports, &asked.ports).into_iter().map(Change::AttachPort));
    changes.extend(missing(&asked.volumes, &there.volumes).into_iter().map(Change::DetachVolume));
    changes.extend(missing(&there.volumes, &asked.volumes).into_iter().map(Change::AttachVolume));
    Ok(changes)
}

/// The size in bytes that a disk grows to.
fn grown(there: &ComputeRoot, asked: &ComputeRoot) -> Option<u64> {
    match (there, asked) {
        (ComputeRoot::Image { image_id: a, size_bytes: was }, ComputeRoot::Image { image_id: b, size_bytes: size }) => {
            size.filter(|size| a == b && *size > was.unwrap_or(0))
        }
        _ => None,
    }
}

impl App {
    /// Writes a changed compute down and gives and takes what comes and goes.
    pub(super) async fn change_compute(
        &self,
        tx: &mut AnyConnection,
        vim: Uuid,
        row: &ComputeRow,
        spec: &ComputeSpec,
        profile: &Profile,
        candidates: &[Candidate],
    ) -> Result<()> {
        let there = &row.compute;
        let id = there.id;
        let changes = changes(&there.spec, spec, &format!("compute {id}"))?;
        let mut faults = Vec::new();
        // What it takes beyond what it has; of what becomes less nothing is asked.
        let mut more = Capacity::default();
        let mut reserved = row.reserved;
        for change in &changes {
            let taken = match change {
                Change::AttachPort(port) => free_port(tx, vim, *port).await?,
                Change::AttachVolume(volume) => {
                    match free_volume(tx, vim, *volume, there.host.as_ref(), profile).await? {
                        Ok(bytes) => {
                            more.disk_bytes = more.disk_bytes.saturating_add(bytes);
                            None
                        }
                        Err(why) => Some(why),
                    }
                }
                Change::Revert(wanted) if !wanted.back => {
                    not_revertible(tx, vim, &row.compute, wanted.snapshot_id).await?
                }
                Change::Resize(flavour) => {
                    reserved.vcpus = u64::from(flavour.vcpus);
                    reserved.memory_bytes = flavour.memory_bytes;
                    more.vcpus = reserved.vcpus.saturating_sub(row.reserved.vcpus);
                    more.memory_bytes = reserved.memory_bytes.saturating_sub(row.reserved.memory_bytes);
                    None
                }
                Change::GrowRoot(bytes) => {
                    let grows = bytes.saturating_sub(row.reserved.disk_bytes);
                    reserved.disk_bytes = reserved.disk_bytes.max(*bytes);
                    more.disk_bytes = more.disk_bytes.saturating_add(grows);
                    None
                }
                Change::DetachPort(_) | Change::DetachVolume(_) | Change::Revert(_) => None,
            };
            faults.extend(taken.map(|why| Fault::new(format!("/{}", change.member()), why)));
        }
        let other_faults = !faults.is_empty();
        let host = candidates.iter().find(|host| Some(&host.name) == there.host.as_ref());
        if let Some(host) = host.filter(|_| more != Capacity::default()) {
            let reserved = hosts::reserved(tx, vim).await?.get(&host.name).copied().unwrap_or_default();
            faults.extend(short(&host.name, &more, &free(&Candidate { reserved, ..host.clone() })));
        }
        no_faults("the change of the compute", faults).map_err(|failure| match failure {
            // Nothing else is in the way than the host's room.
            Failure::Problem(problem) if !other_faults => {
                Failure::from(ProblemDetails { title: Some(shortage::NO_VALID_HOST.to_owned()), ..*problem })
            }
            failure => failure,
        })?;
        for change in &changes {
            match change {
                Change::AttachPort(port) => ports::bind(tx, vim, *port, Some(id)).await?,
                Change::DetachPort(port) => ports::bind(tx, vim, *port, None).await?,
                Change::AttachVolume(volume) => {
                    volumes::bind(tx, vim, *volume, Some(id)).await?;
                    if let Some(host) = there.host.as_ref().filter(|_| profile.local_volumes) {
                        volumes::set_host(tx, vim, *volume, host).await?;
                    }
                }
                Change::DetachVolume(volume) => volumes::bind(tx, vim, *volume, None).await?,
                Change::Resize(_) | Change::GrowRoot(_) | Change::Revert(_) => {}
            }
        }
        if reserved != row.reserved {
            computes::set_reserved(tx, vim, id, &reserved).await?;
        }
        if changes.iter().any(Change::restarts) && row.machine == Some(MachineState::Running) {
            // It is not what it shall be until the VIM says so again, later than it said so last.
            let reverted = row.compute.reverted.as_ref();
            computes::set_machine(tx, vim, id, Some(MachineState::Building), row.machine_at + 1, None, reverted)
                .await?;
        }
        Ok(computes::set_spec(tx, vim, id, spec).await?)
    }
}

/// Why a compute cannot return to a snapshot.
async fn not_revertible(tx: &mut AnyConnection, vim: Uuid, there: &Compute, id: Uuid) -> Result<Option<String>> {
    let Some(snapshot) = snapshots::get(tx, vim, id).await?.map(|row| row.snapshot) else {
        return Ok(Some(format!("snapshot {id} does not exist")));
    };
    let mut has = there.spec.volumes.clone();
    if let ComputeRoot::Volume { volume_id } = there.spec.root {
        has.push(volume_id);
    }
    let mut captured = snapshot.volumes;
    has.sort_unstable();
    captured.sort_unstable();
    Ok(if snapshot.spec.compute_id != there.id {
        Some(format!("snapshot {id} is one of compute {}", snapshot.spec.compute_id))
    } else if snapshot.state != ResourceState::Active {
        Some(format!("snapshot {id} is not usable"))
    } else if snapshot.host != there.host {
        Some(format!("snapshot {id} is on host {}", snapshot.host.unwrap_or_default()))
    } else {
        (has != captured).then(|| format!("snapshot {id} was taken with other volumes"))
    })
}

impl App {
    /// Lets go what a compute's disks held before it returned to a snapshot; what was let go already is done.
    ///
    /// # Errors
    /// 404 for the VIM, or what it says.
    pub async fn let_go(&self, vim: Uuid, id: Uuid, revert: Uuid) -> Result<()> {
        let driver = self.driver(vim).await?;
        let changed = db::transaction!(self.store.db, |tx| {
            vims::lock(tx, vim).await?;
            let Some(row) = computes::get(tx, vim, id).await? else { return Ok(None) };
            let mut compute = row.compute;
            if compute.spec.revert.is_none_or(|kept| kept.id != revert) || compute.state == ComputeState::Deleting {
                return Ok(None);
            }
            compute.spec.revert = None;
            computes::set_spec(tx, vim, id, &compute.spec).await?;
            Ok::<_, Failure>(Some(compute))
        })?;
        if let Some(compute) = changed {
            driver.ensure_compute(&compute).await?;
        }
        Ok(())
    }
}

/// What a host lacks.
fn short(host: &str, more: &Capacity, left: &Capacity) -> Vec<Fault> {
    let amounts = [
        ("/flavour/vcpus", "vCPUs", more.vcpus, left.vcpus),
        ("/flavour/memoryBytes", "bytes of memory", more.memory_bytes, left.memory_bytes),
        ("/volumes", "bytes of disk", more.disk_bytes, left.disk_bytes),
    ];
    let short = amounts.into_iter().filter(|(_, _, more, left)| more > left);
    short
        .map(|(at, what, more, left)| Fault::new(at, format!("{more} {what} more wanted on host {host}, {left} free")))
        .collect()
}

/// Why a port cannot be used.
pub(super) async fn free_port(tx: &mut AnyConnection, vim: Uuid, id: Uuid) -> Result<Option<String>> {
    Ok(match ports::get(tx, vim, id).await? {
        None => Some(format!("port {id} does not exist")),
        Some(port) if port.state == ResourceState::Deleting => Some(format!("port {id} is being deleted")),
        Some(port) if matches!(port.spec.trunk, Some(TrunkPart::SubPort { .. })) => {
            Some(format!("port {id} ({}) is one of a trunk: the port that carries it is the interface", port.spec.name))
        }
        Some(port) => port.compute_id.map(|other| format!("port {id} ({}) is used by compute {other}", port.spec.name)),
    })
}

/// What a volume takes of the host's disk when it is used there, or why it cannot be.
async fn free_volume(
    tx: &mut AnyConnection,
    vim: Uuid,
    id: Uuid,
    host: Option<&String>,
    profile: &Profile,
) -> Result<Result<u64, String>> {
    let Some(volume) = volumes::get(tx, vim, id).await? else {
        return Ok(Err(format!("volume {id} does not exist")));
    };
    let name = &volume.spec.name;
    Ok(if matches!(volume.state, ResourceState::Deleting | ResourceState::Error) {
        Err(format!("volume {id} ({name}) is not usable"))
    } else if let Some(other) = volume.compute_id {
        Err(format!("volume {id} ({name}) is used by compute {other}"))
    } else if !profile.local_volumes || volume.host.is_none() {
        Ok(volume.spec.size_bytes)
    } else if volume.host.as_ref() == host {
        Ok(0)
    } else {
        Err(format!("volume {id} ({name}) is on host {}", volume.host.unwrap_or_default()))
    })
}
