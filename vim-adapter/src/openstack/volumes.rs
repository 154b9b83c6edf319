//! Volumes in Cinder (IFA005 clause 7.5). It makes and removes them in its own time: following tells the end.

use reference_points::common::ProblemDetails;
use reference_points::or_vi::{ResourceState, Volume};
use serde_json::{Value, json};
use uuid::Uuid;

use super::OpenstackVim;
use super::call::{Call, Service};
use super::errors::Work;
use super::images::gib;
use super::marks::{self, Mark};
use super::networks::text;
use crate::error::{Failure, Result};
use crate::ledger::Report;
use crate::store::{images, vims, volumes};
use crate::vim::{Gone, Its, Made, cannot};

fn document(volume: &Volume, image: Option<&str>, zone: Option<&str>, mark: &Mark) -> Value {
    let spec = &volume.spec;
    let mut body = json!({
        "name": spec.name, "size": gib(spec.size_bytes).max(1), "description": mark.text(), "metadata": mark.metadata(),
    });
    if let Some(image) = image {
        body["imageRef"] = json!(image);
    }
    if let Some(zone) = zone {
        body["availability_zone"] = json!(zone);
    }
    json!({ "volume": body })
}

/// What a volume of ours is, by Cinder's word for its state; `None` while Cinder is at it.
fn state(word: &str) -> Option<ResourceState> {
    match word {
        "available" | "in-use" | "reserved" | "attaching" | "detaching" => Some(ResourceState::Active),
        "deleting" => Some(ResourceState::Deleting),
        word if word.starts_with("error") => Some(ResourceState::Error),
        _ => None,
    }
}

/// What became of volumes that were being made or removed.
fn reports(wanted: &[Volume], listed: &[Value]) -> (Vec<Report>, Vec<Volume>) {
    let mut reports = Vec::new();
    let mut again = Vec::new();
    for volume in wanted.iter().filter(|volume| volume.vim_resource_id.is_some()) {
        let found = listed.iter().find(|found| found["id"].as_str() == volume.vim_resource_id.as_deref());
        let word = found.and_then(|found| found["status"].as_str());
        let what = format!("volume {} ({})", volume.spec.name, volume.id);
        match (volume.state, word.map(|word| (word, state(word)))) {
            (ResourceState::Deleting, None) => reports.push(Report::VolumeGone(volume.id)),
            // It was still held by a server when it was to go, or its deletion failed.
            (ResourceState::Deleting, Some(("available" | "error" | "error_deleting", _))) => {
                again.push(volume.clone())
            }
            (ResourceState::Building, Some((_, Some(ResourceState::Active)))) => {
                reports.push(Report::Volume(volume.id, ResourceState::Active, None));
            }
            (ResourceState::Building, Some((word, Some(ResourceState::Error)))) => {
                let problem =
                    ProblemDetails::new(500, "Volume failed", format!("Cinder could not make {what}: {word}"))
                        .resource(what)
                        .answer(word.to_owned())
                        .next("retry makes it anew; or roll back");
                reports.push(Report::Volume(volume.id, ResourceState::Error, Some(problem)));
            }
            (ResourceState::Building | ResourceState::Active, None) => {
                let problem = ProblemDetails::new(500, "Volume lost", format!("Cinder does not have {what} any more"));
                reports.push(Report::Volume(volume.id, ResourceState::Error, Some(problem.resource(what))));
            }
            _ => {}
        }
    }
    (reports, again)
}

impl OpenstackVim {
    async fn marked_volume(&self, volume: &Volume) -> Result<Option<Value>> {
        let (id, name) = (volume.id, &volume.spec.name);
        let work = Work::on("look for", "volume", name, id);
        let list = Call::get(Service::Volume, "volumes/detail").query("name", name);
        let reply = self.session.ask(&work, list).await?;
        let ours = |found: &&Value| marks::on(found).is_some_and(|mark| mark.is("volume", id, self.ledger.vim));
        Ok(reply.body["volumes"].as_array().into_iter().flatten().find(ours).cloned())
    }

    pub(super) async fn make_volume(&self, volume: &Volume) -> Result<Made> {
        let _turn = self.turns.take(volume.id).await;
        let (id, name) = (volume.id, &volume.spec.name);
        let work = Work::on("make", "volume", name, id);
        if !self.session.has(Service::Volume).await? {
            return Err(cannot("a volume", "this cloud has no Cinder"));
        }
        let mut found = self.looked_for(id, || self.marked_volume(volume)).await?;
        if let Some(its) = found.as_ref().filter(|found| found["status"] == "error").and_then(|found| text(found, "id"))
        {
            // Asking again is asking to try again.
            self.session.remove(&work, Service::Volume, format!("volumes/{its}")).await?;
            found = None;
        }
        let found = match found {
            Some(found) => found,
            None => {
                let image = match volume.spec.image_id {
                    Some(image) => Some(self.image_id(image).await?),
                    None => None,
                };
                let zone = self.volume_zone(volume.spec.zone.as_deref()).await?;
                let mark = Mark::of("volume", id, self.ledger.vim, &volume.spec.owner);
                let body = document(volume, image.as_deref(), zone.as_deref(), &mark);
                let call = Call::post(Service::Volume, "volumes", &body);
                self.create(&work, call, |reply| reply["volume"].clone(), || self.marked_volume(volume)).await?
            }
        };
        let its = Its { id: text(&found, "id"), ..Its::default() };
        self.wake();
        Ok(if found["status"] == "available" { Made::Now(its) } else { Made::Later(its) })
    }

    /// The zone of Cinder with the name of one of Nova; Cinder may have others, and volumes then go to any.
    async fn volume_zone(&self, wanted: Option<&str>) -> Result<Option<String>> {
        let Some(wanted) = wanted else { return Ok(None) };
        let work = Work::new("list", "zones of volumes");
        let reply = self.session.ask(&work, Call::get(Service::Volume, "os-availability-zone")).await?;
        let zones = reply.body["availabilityZoneInfo"].as_array().into_iter().flatten();
        Ok(zones.filter_map(|zone| text(zone, "zoneName")).find(|zone| zone == wanted))
    }

    pub(super) async fn remove_volume(&self, volume: &Volume) -> Result<Gone> {
        let _turn = self.turns.take(volume.id).await;
        let work = Work::on("delete", "volume", &volume.spec.name, volume.id);
        let its = match &volume.vim_resource_id {
            Some(its) => Some(its.clone()),
            None => {
                self.looked_for(volume.id, || self.marked_volume(volume)).await?.and_then(|found| text(&found, "id"))
            }
        };
        let Some(its) = its else { return Ok(Gone::Now) };
        if volume.vim_resource_id.is_none() {
            self.keep_volume_id(volume.id, &its).await?;
        }
        let gone = match self.session.remove(&work, Service::Volume, format!("volumes/{its}")).await {
            Ok(there) => !there,
            // A server lets it go in its own time; it is removed then.
            Err(Failure::Problem(problem)) if problem.detail.contains("status must be") => false,
            Err(failure) => return Err(failure),
        };
        self.wake();
        Ok(if gone { Gone::Now } else { Gone::Later })
    }

    async fn keep_volume_id(&self, id: Uuid, its: &str) -> Result<()> {
        db::transaction!(self.ledger.store.db, |tx| {
            vims::lock(tx, self.ledger.vim).await?;
            Ok::<_, Failure>(volumes::set_vim_id(tx, self.ledger.vim, id, Some(its)).await?)
        })
    }

    /// Looks at all volumes by one list and tells what became of those that were being made or removed.
    pub(super) async fn look_at_volumes(&self, wanted: &[Volume]) -> Result<()> {
        let listed = self.paged(Service::Volume, "volumes/detail", "volumes", &[]).await?;
        let (told, again) = reports(wanted, &listed);
        self.ledger.record(&told).await?;
        for volume in again {
            if let Err(failure) = self.remove_volume(&volume).await {
                let problem = failure.to_problem();
                self.ledger.record(&[Report::Volume(volume.id, ResourceState::Deleting, Some(problem))]).await?;
            }
        }
        Ok(())
    }

    /// The volumes' identifiers in Cinder, in order.
    ///
    /// # Errors
    /// 503 when one has none yet.
    pub(super) async fn volume_ids(&self, wanted: &[Uuid]) -> Result<Vec<String>> {
        let mut connection = self.ledger.store.db.pool.acquire().await?;
        let mut found = Vec::with_capacity(wanted.len());
        for id in wanted {
            let volume = volumes::get(&mut connection, self.ledger.vim, *id).await?;
            if let Some(volume) = volume.as_ref().filter(|volume| volume.state == ResourceState::Building) {
                let detail = format!("volume {} ({id}) is still being made", volume.spec.name);
                return Err(ProblemDetails::unavailable(detail).next("the compute is made when it is there").into());
            }
            found.push(super::known(volume.and_then(|volume| volume.vim_resource_id), "volume", *id)?);
        }
        Ok(found)
    }

    /// Glance's identifier of an image.
    ///
    /// # Errors
    /// 503 when it has none yet.
    pub(super) async fn image_id(&self, id: Uuid) -> Result<String> {
        let row = images::get(&mut *self.ledger.store.db.pool.acquire().await?, self.ledger.vim, id).await?;
        match row {
            Some(row) => super::known(row.image.vim_resource_id, "software image", id),
            // One of the cloud's own, looked at when the compute was asked for.
            None => Ok(id.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use reference_points::common::{Owner, OwnerKind};
    use reference_points::or_vi::VolumeSpec;

    use super::*;

    fn volume(n: u128, state: ResourceState) -> Volume {
        let owner = Owner { kind: OwnerKind::VnfInstance, id: Uuid::nil(), operation: None, step: None };
        Volume {
            id: Uuid::from_u128(n),
            spec: VolumeSpec { name: format!("v{n}"), owner, size_bytes: (1 << 30) + 512, image_id: None, zone: None },
            vim_resource_id: Some(n.to_string()),
            host: None,
            compute_id: None,
            state,
            problem: None,
        }
    }

    #[test]
    fn cinder_counts_in_whole_gib() {
        let volume = volume(1, ResourceState::Building);
        let mark = Mark::of("volume", volume.id, Uuid::nil(), &volume.spec.owner);
        let body = document(&volume, Some("image"), None, &mark)["volume"].clone();
        assert_eq!((&body["size"], &body["imageRef"]), (&json!(2), &json!("image")));
        assert!(body.get("availability_zone").is_none());
        assert_eq!(marks::on(&body).unwrap(), mark);
    }

    #[test]
    fn only_what_ended_is_told_and_what_could_not_go_yet_is_removed_again() {
        let wanted = [
            volume(1, ResourceState::Building),
            volume(2, ResourceState::Building),
            volume(3, ResourceState::Building),
            volume(4, ResourceState::Deleting),
            volume(5, ResourceState::Deleting),
        ];
        let listed = [
            json!({ "id": "1", "status": "available" }),
            json!({ "id": "2", "status": "downloading" }),
            json!({ "id": "3", "status": "error" }),
            json!({ "id": "5", "status": "available" }),
        ];
        let (told, again) = reports(&wanted, &listed);
        assert_eq!(again.iter().map(|volume| volume.id.as_u128()).collect::<Vec<_>>(), [5]);
        assert!(matches!(&told[0], Report::Volume(id, ResourceState::Active, None) if id.as_u128() == 1));
        assert!(matches!(&told[1], Report::Volume(id, ResourceState::Error, Some(_)) if id.as_u128() == 3));
        assert!(matches!(&told[2], Report::VolumeGone(id) if id.as_u128() == 4));
        assert_eq!(told.len(), 3);
    }
}
