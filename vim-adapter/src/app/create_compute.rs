//! Making a compute: everything it refers to is looked up, a host is chosen and its capacity reserved in one
//! transaction, before the VIM hears of it.

use std::collections::BTreeSet;

use reference_points::common::{Fault, ProblemDetails, TraceContext, shortage};
use reference_points::nf_vi::Capacity;
use reference_points::or_vi::{
    AffinityScope, Compute, ComputeRoot, ComputeSpec, ComputeState, ResourceState, SoftwareImage, ViEvent, Volume,
};
use sqlx::AnyConnection;
use uuid::Uuid;

use super::App;
use super::change_compute::free_port;
use super::computes::usable_image;
use crate::error::{Failure, Result, no_faults};
use crate::scheduler::{Candidate, Decision, Group, Wish, place};
use crate::store::computes::{ComputeRow, Phase};
use crate::store::{computes, events, groups, hosts, images, ports, volumes};
use crate::vim::Profile;

/// What a compute refers to.
struct Parts {
    image: Option<Uuid>,
    volumes: Vec<Volume>,
    groups: Vec<Group>,
    disk_bytes: u64,
}

impl App {
    /// Writes a new compute down, with its host, and gives it its ports and volumes. `own_image` is the least disk of an image
    /// of the VIM's own.
    pub(super) async fn insert_compute(
        &self,
        tx: &mut AnyConnection,
        vim: Uuid,
        id: Uuid,
        spec: &ComputeSpec,
        profile: &Profile,
        candidates: &[Candidate],
        own_image: Option<u64>,
    ) -> Result<ComputeRow> {
        let parts = look_up(tx, vim, spec, own_image).await?;
        let need = Capacity {
            vcpus: spec.flavour.vcpus.into(),
            memory_bytes: spec.flavour.memory_bytes,
            disk_bytes: parts.disk_bytes,
        };
        let at = if profile.own_placement {
            None
        } else {
            Some(choose_host(tx, vim, spec, profile, candidates, &parts, need).await?)
        };
        let row = ComputeRow {
            compute: Compute {
                id,
                spec: spec.clone(),
                vim_resource_id: None,
                state: ComputeState::Building,
                problem: None,
                host: at.as_ref().map(|host| host.name.clone()),
                zone: at.as_ref().map(|host| host.zone.clone()),
                reverted: None,
                changed_at: self.store.now(),
            },
            reserved: need,
            phase: Phase::Deliver,
            wanted: 1,
            sent: false,
            machine: None,
            machine_at: 0,
            machine_problem: None,
            config_drive: None,
            trace: TraceContext::current(),
        };
        computes::insert(tx, vim, &row, parts.image).await?;
        for port in &spec.ports {
            ports::bind(tx, vim, *port, Some(id)).await?;
        }
        for volume in &parts.volumes {
            volumes::bind(tx, vim, volume.id, Some(id)).await?;
            if let Some(host) = at.as_ref().filter(|_| profile.local_volumes && volume.host.is_none()) {
                volumes::set_host(tx, vim, volume.id, &host.name).await?;
            }
        }
        for group in &spec.affinity_groups {
            groups::join(tx, vim, *group, id).await?;
        }
        let news = ViEvent::Compute { compute: Box::new(row.compute.clone()) };
        events::append(tx, &self.store, vim, &[news]).await?;
        Ok(row)
    }
}

async fn look_up(tx: &mut AnyConnection, vim: Uuid, spec: &ComputeSpec, own_image: Option<u64>) -> Result<Parts> {
    let mut faults = Vec::new();
    let mut found_volumes = Vec::new();
    let mut found_groups = Vec::new();
    for (i, port) in spec.ports.iter().enumerate() {
        faults.extend(free_port(tx, vim, *port).await?.map(|why| Fault::new(format!("/ports/{i}"), why)));
    }
    if spec.revert.is_some() {
        faults.push(Fault::new("/revert", "a compute that is not there yet has nothing to return from"));
    }
    let (mut image, mut disk_bytes) = (None, 0);
    let mut wanted: Vec<(String, Uuid)> =
        spec.volumes.iter().enumerate().map(|(i, id)| (format!("/volumes/{i}"), *id)).collect();
    match (&spec.root, own_image) {
        (ComputeRoot::Image { size_bytes, .. }, Some(least)) => disk_bytes = size_bytes.unwrap_or(0).max(least),
        (ComputeRoot::Image { image_id, size_bytes }, None) => {
            let row = images::get(tx, vim, *image_id).await?;
            match usable_image(row, *image_id, "/root/imageId") {
                Ok(row) => {
                    image = Some(*image_id);
                    let least = row.virtual_size_bytes.unwrap_or(0);
                    disk_bytes = size_bytes.unwrap_or(0).max(least);
                    faults.extend(too_small(&row.image, spec, disk_bytes));
                }
                Err(Failure::Problem(problem)) => faults.extend(problem.faults),
                Err(other) => return Err(other),
            }
        }
        (ComputeRoot::Volume { volume_id }, _) => wanted.push(("/root/volumeId".to_owned(), *volume_id)),
    }
    for (place, id) in wanted {
        let mut wrong = |why: String| faults.push(Fault::new(place.clone(), why));
        match volumes::get(tx, vim, id).await? {
            None => wrong(format!("volume {id} does not exist")),
            Some(volume) if matches!(volume.state, ResourceState::Deleting | ResourceState::Error) => {
                wrong(format!("volume {id} ({}) is not usable", volume.spec.name));
            }
            Some(volume) => match volume.compute_id {
                Some(other) => wrong(format!("volume {id} ({}) is used by compute {other}", volume.spec.name)),
                None => found_volumes.push(volume),
            },
        }
    }
    for (i, id) in spec.affinity_groups.iter().enumerate() {
        match groups::get(tx, vim, *id).await? {
            None => {
                faults.push(Fault::new(format!("/affinityGroups/{i}"), format!("affinity group {id} does not exist")))
            }
            Some(group) => {
                let places = groups::places(tx, vim, *id).await?;
                let places: BTreeSet<String> = places
                    .into_iter()
                    .map(|(host, zone)| if group.spec.scope == AffinityScope::Zone { zone } else { host })
                    .collect();
                found_groups.push(Group {
                    name: group.spec.name,
                    policy: group.spec.policy,
                    scope: group.spec.scope,
                    places,
                });
            }
        }
    }
    no_faults("the compute", faults)?;
    Ok(Parts { image, volumes: found_volumes, groups: found_groups, disk_bytes })
}

fn too_small(image: &SoftwareImage, spec: &ComputeSpec, disk: u64) -> Vec<Fault> {
    let mut faults = Vec::new();
    if let Some(least) = image.spec.min_memory_bytes.filter(|least| *least > spec.flavour.memory_bytes) {
        faults.push(Fault::new("/flavour/memoryBytes", format!("the image needs {least} bytes")));
    }
    if let Some(least) = image.spec.min_disk_bytes.filter(|least| *least > disk) {
        faults.push(Fault::new("/root/sizeBytes", format!("the image needs {least} bytes")));
    }
    faults
}

async fn choose_host(
    tx: &mut AnyConnection,
    vim: Uuid,
    spec: &ComputeSpec,
    profile: &Profile,
    candidates: &[Candidate],
    parts: &Parts,
    mut need: Capacity,
) -> Result<Candidate> {
    let mut pinned = None;
    if profile.local_volumes {
        for volume in &parts.volumes {
            match (&volume.host, &pinned) {
                (None, _) => need.disk_bytes = need.disk_bytes.saturating_add(volume.spec.size_bytes),
                (Some(host), None) => pinned = Some((host.clone(), volume.spec.name.clone())),
                (Some(host), Some((other, name))) if host != other => {
                    let why = format!(
                        "volume {} is on host {host}, volume {name} on host {other}: no host can use both",
                        volume.spec.name
                    );
                    no_faults("the compute", vec![Fault::new("/volumes", why)])?;
                }
                _ => {}
            }
        }
    }
    let reserved = hosts::reserved(tx, vim).await?;
    let candidates: Vec<Candidate> = candidates
        .iter()
        .map(|host| Candidate { reserved: reserved.get(&host.name).copied().unwrap_or_default(), ..host.clone() })
        .collect();
    let mut zone = spec.zone.clone();
    for volume in &parts.volumes {
        match (&volume.spec.zone, &zone) {
            (Some(wanted), None) => zone = Some(wanted.clone()),
            (Some(wanted), Some(zone)) if wanted != zone => {
                let why = format!("volume {} shall be in zone {wanted}, not {zone}", volume.spec.name);
                no_faults("the compute", vec![Fault::new("/zone", why)])?;
            }
            _ => {}
        }
    }
    let wish = Wish { need, zone, pinned, groups: parts.groups.clone() };
    let tell = |why: Vec<(String, String)>| -> Vec<Fault> {
        why.into_iter().map(|(host, why)| Fault::new(format!("host {host}"), why)).collect()
    };
    match place(&candidates, &wish) {
        Decision::Host(i) => Ok(candidates[i].clone()),
        Decision::NoneReachable(why) if why.is_empty() => {
            let problem = ProblemDetails::new(503, shortage::NO_VALID_HOST, "the VIM has no hosts");
            Err(problem.next("add one with PUT …/hosts/{name}").into())
        }
        Decision::NoneReachable(why) => {
            let detail =
                format!("compute {} cannot be placed now: the hosts that might take it do not answer", spec.name);
            let mut problem =
                ProblemDetails::new(503, shortage::NO_VALID_HOST, detail).next("check the hosts' agents, then retry");
            problem.faults = tell(why);
            Err(problem.into())
        }
        Decision::Refused(why) => {
            let mut problem = ProblemDetails::unprocessable(
                format!("no host can take compute {}: {}", spec.name, one_line(&why)),
                tell(why),
            )
            .next("free capacity, add a host, or ask for less");
            problem.title = Some(shortage::NO_VALID_HOST.to_owned());
            Err(problem.into())
        }
    }
}

fn one_line(why: &[(String, String)]) -> String {
    let mut text: Vec<String> = why.iter().take(5).map(|(host, why)| format!("{host}: {why}")).collect();
    if why.len() > 5 {
        text.push(format!("and {} more hosts", why.len() - 5));
    }
    text.join(" | ")
}
