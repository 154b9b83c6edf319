//! Changing a compute that exists: ports and volumes come and go (IFA005 clause 7.3.1.3). What it needs is looked up and
//! given to it before the VIM hears of it, and taken from it in the same moment.

use reference_points::common::Fault;
use reference_points::or_vi::{Compute, ComputeSpec, ResourceState};
use sqlx::AnyConnection;
use uuid::Uuid;

use super::App;
use crate::diff::same;
use crate::error::{Result, no_faults};
use crate::scheduler::{Candidate, free};
use crate::store::{computes, hosts, ports, volumes};
use crate::vim::{Change, Profile};

/// What must happen to a compute so that it becomes what is asked for; an error when that includes something that cannot
/// be changed at all. The power state is no change of this kind.
pub(super) fn changes(there: &ComputeSpec, asked: &ComputeSpec, what: &str) -> Result<Vec<Change>> {
    let mut rest = there.clone();
    rest.power = asked.power;
    rest.flavour = asked.flavour.clone();
    rest.ports.clone_from(&asked.ports);
    rest.volumes.clone_from(&asked.volumes);
    same(what, &rest, asked)?;
    let mut changes = Vec::new();
    if there.flavour != asked.flavour {
        changes.push(Change::Resize(asked.flavour.clone()));
    }
    let missing =
        |from: &[Uuid], of: &[Uuid]| -> Vec<Uuid> { of.iter().filter(|id| !from.contains(id)).copied().collect() };
    changes.extend(missing(&asked.ports, &there.ports).into_iter().map(Change::DetachPort));
    changes.extend(missing(&there.ports, &asked.ports).into_iter().map(Change::AttachPort));
    changes.extend(missing(&asked.volumes, &there.volumes).into_iter().map(Change::DetachVolume));
    changes.extend(missing(&there.volumes, &asked.volumes).into_iter().map(Change::AttachVolume));
    Ok(changes)
}

impl App {
    /// Writes a changed compute down and gives and takes what comes and goes.
    pub(super) async fn change_compute(
        &self,
        tx: &mut AnyConnection,
        vim: Uuid,
        there: &Compute,
        spec: &ComputeSpec,
        profile: &Profile,
        candidates: &[Candidate],
    ) -> Result<()> {
        let id = there.id;
        let changes = changes(&there.spec, spec, &format!("compute {id}"))?;
        let mut faults = Vec::new();
        let mut disk = 0_u64;
        for change in &changes {
            let taken = match change {
                Change::AttachPort(port) => free_port(tx, vim, *port).await?,
                Change::AttachVolume(volume) => {
                    match free_volume(tx, vim, *volume, there.host.as_ref(), profile).await? {
                        Ok(bytes) => {
                            disk = disk.saturating_add(bytes);
                            None
                        }
                        Err(why) => Some(why),
                    }
                }
                _ => None,
            };
            faults.extend(taken.map(|why| Fault::new(format!("/{}", change.member()), why)));
        }
        let host = candidates.iter().find(|host| Some(&host.name) == there.host.as_ref());
        if let Some(host) = host.filter(|_| disk > 0) {
            let reserved = hosts::reserved(tx, vim).await?.get(&host.name).copied().unwrap_or_default();
            let left = free(&Candidate { reserved, ..host.clone() }).disk_bytes;
            if left < disk {
                let why = format!("{disk} bytes of disk wanted on host {}, {left} free", host.name);
                faults.push(Fault::new("/volumes", why));
            }
        }
        no_faults("the change of the compute", faults)?;
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
                Change::Resize(_) => {}
            }
        }
        Ok(computes::set_spec(tx, vim, id, spec).await?)
    }
}

/// Why a port cannot be used.
async fn free_port(tx: &mut AnyConnection, vim: Uuid, id: Uuid) -> Result<Option<String>> {
    Ok(match ports::get(tx, vim, id).await? {
        None => Some(format!("port {id} does not exist")),
        Some(port) if port.state == ResourceState::Deleting => Some(format!("port {id} is being deleted")),
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
