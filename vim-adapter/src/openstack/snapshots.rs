//! Snapshots as Nova can take them (IFA005 clause 7.5.1): an image of the disk that a server boots from. Nova takes none of
//! a server's volumes at the same moment, so a compute with volumes is refused, and said why.

use reference_points::common::ProblemDetails;
use reference_points::nf_vi::Consistency;
use reference_points::or_vi::{Compute, ComputeState, ResourceState, Snapshot};
use serde_json::{Value, json};

use super::OpenstackVim;
use super::call::{Call, Service};
use super::errors::Work;
use super::marks::{self, Mark};
use super::networks::text;
use super::servers;
use crate::error::{Failure, Result};
use crate::ledger::Report;
use crate::store::computes::Phase;
use crate::store::snapshots::{self, Seen, SnapshotRow};
use crate::store::vims;
use crate::vim::{Gone, Its, Made, cannot};

/// Why no snapshot of a compute can be taken.
fn refused(compute: &Compute) -> Option<&'static str> {
    let with_volumes = servers::root_volume(&compute.spec).is_some() || !compute.spec.volumes.is_empty();
    with_volumes.then_some("Nova captures no volumes, and Cinder not at the same moment as Nova the root disk")
}

fn seen(state: ResourceState, problem: Option<ProblemDetails>, stopped: bool, size_bytes: u64) -> Seen {
    let consistency =
        (state == ResourceState::Active).then_some(if stopped { Consistency::Stopped } else { Consistency::Crash });
    Seen { state, problem, consistency, volumes: Vec::new(), size_bytes }
}

/// What became of the snapshots that were being taken or removed.
fn reports(rows: &[SnapshotRow], listed: &[Value], stopped: impl Fn(&Snapshot) -> bool) -> Vec<Report> {
    let mut reports = Vec::new();
    for snapshot in rows.iter().map(|row| &row.snapshot) {
        let Some(its) = snapshot.vim_resource_id.as_deref() else { continue };
        let found = listed.iter().find(|image| image["id"] == its);
        let status = found.and_then(|image| image["status"].as_str());
        match (snapshot.state, status) {
            (ResourceState::Deleting, None) => reports.push(Report::SnapshotGone(snapshot.id)),
            (ResourceState::Building, Some("active")) => {
                let size = found.and_then(|image| image["size"].as_u64()).unwrap_or(0);
                let now = seen(ResourceState::Active, None, stopped(snapshot), size);
                reports.push(Report::SnapshotPhase(snapshot.id, Phase::Settled));
                reports.push(Report::Snapshot(snapshot.id, now));
            }
            (ResourceState::Building, Some("queued" | "saving" | "uploading" | "importing")) => {}
            (ResourceState::Building, other) => {
                let said = other.unwrap_or("gone");
                let what = format!("snapshot {} ({})", snapshot.spec.name, snapshot.id);
                let problem = ProblemDetails::new(500, "Snapshot failed", format!("Glance says of {what}: {said}"));
                let problem = problem.resource(what).answer(said.to_owned()).next("take it again, or delete it");
                reports.push(Report::SnapshotPhase(snapshot.id, Phase::Failed));
                reports.push(Report::Snapshot(snapshot.id, seen(ResourceState::Error, Some(problem), false, 0)));
            }
            _ => {}
        }
    }
    reports
}

impl OpenstackVim {
    async fn marked_snapshot(&self, snapshot: &Snapshot) -> Result<Option<Value>> {
        let work = Work::on("look for", "snapshot", &snapshot.spec.name, snapshot.id);
        let list = Call::get(Service::Image, "images").query("name", &snapshot.spec.name);
        let reply = self.session.ask(&work, list).await?;
        let ours =
            |image: &&Value| marks::on(image).is_some_and(|mark| mark.is("snapshot", snapshot.id, self.ledger.vim));
        Ok(reply.body["images"].as_array().into_iter().flatten().find(ours).cloned())
    }

    pub(super) async fn take_snapshot(&self, snapshot: &Snapshot) -> Result<Made> {
        let _turn = self.turns.take(snapshot.id).await;
        let (id, name) = (snapshot.id, &snapshot.spec.name);
        let Some(row) = self.ledger.compute(snapshot.spec.compute_id).await? else {
            return Err(Failure::not_found(format!("compute {}", snapshot.spec.compute_id)));
        };
        if let Some(why) = refused(&row.compute) {
            return Err(cannot("a snapshot of a compute with volumes", why));
        }
        if let Some(found) = self.marked_snapshot(snapshot).await? {
            self.wake();
            return Ok(Made::Later(Its { id: text(&found, "id"), ..Its::default() }));
        }
        let server = super::known(row.compute.vim_resource_id.clone(), "compute", row.compute.id)?;
        let mark = Mark::of("snapshot", id, self.ledger.vim, &snapshot.spec.owner);
        let action = json!({ "createImage": { "name": name, "metadata": mark.metadata() } });
        let call = Call::post(Service::Compute, format!("servers/{server}/action"), &action);
        let work = Work::on("take", "snapshot", name, id);
        let its = match self.session.ask(&work, call).await {
            Ok(reply) => text(&reply.body, "image_id"),
            Err(failure) => match self.marked_snapshot(snapshot).await? {
                Some(found) => text(&found, "id"),
                None => return Err(failure),
            },
        };
        self.keep_snapshot_id(snapshot, its.as_deref()).await?;
        self.wake();
        Ok(Made::Later(Its { id: its, ..Its::default() }))
    }

    async fn keep_snapshot_id(&self, snapshot: &Snapshot, its: Option<&str>) -> Result<()> {
        db::transaction!(self.ledger.store.db, |tx| {
            vims::lock(tx, self.ledger.vim).await?;
            Ok::<_, Failure>(snapshots::set_vim_id(tx, self.ledger.vim, snapshot.id, its).await?)
        })
    }

    pub(super) async fn remove_snapshot(&self, snapshot: &Snapshot) -> Result<Gone> {
        let _turn = self.turns.take(snapshot.id).await;
        let its = match &snapshot.vim_resource_id {
            Some(its) => Some(its.clone()),
            None => self.marked_snapshot(snapshot).await?.and_then(|found| text(&found, "id")),
        };
        if let Some(its) = its {
            let work = Work::on("delete", "snapshot", &snapshot.spec.name, snapshot.id);
            self.session.remove(&work, Service::Image, format!("images/{its}")).await?;
        }
        Ok(Gone::Now)
    }

    /// Looks at all images by one list and tells what became of the snapshots among them.
    pub(super) async fn look_at_snapshots(&self, rows: &[SnapshotRow]) -> Result<()> {
        let listed = self.paged(Service::Image, "images", "images", &[]).await?;
        let computes =
            crate::store::computes::list(&mut *self.ledger.store.db.pool.acquire().await?, self.ledger.vim).await?;
        let stopped = |snapshot: &Snapshot| {
            let compute = computes.iter().find(|row| row.compute.id == snapshot.spec.compute_id);
            compute.is_some_and(|row| row.compute.state == ComputeState::Stopped)
        };
        self.ledger.record(&reports(rows, &listed, stopped)).await
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use reference_points::common::{Owner, OwnerKind};
    use reference_points::or_vi::SnapshotSpec;
    use uuid::Uuid;

    use super::*;

    fn row(n: u128, state: ResourceState) -> SnapshotRow {
        let owner = Owner { kind: OwnerKind::VnfSnapshot, id: Uuid::nil(), operation: None, step: None };
        SnapshotRow {
            snapshot: Snapshot {
                id: Uuid::from_u128(n),
                spec: SnapshotSpec { name: "s".into(), owner, compute_id: Uuid::nil() },
                vim_resource_id: Some(n.to_string()),
                host: None,
                state,
                problem: None,
                consistency: None,
                volumes: vec![],
                size_bytes: 0,
            },
            phase: Phase::Deliver,
            trace: None,
        }
    }

    #[test]
    fn a_snapshot_is_there_when_its_image_is_complete() {
        let rows = [
            row(1, ResourceState::Building),
            row(2, ResourceState::Building),
            row(3, ResourceState::Deleting),
            row(4, ResourceState::Building),
        ];
        let listed = [json!({ "id": "1", "status": "active", "size": 7 }), json!({ "id": "2", "status": "saving" })];
        let told = reports(&rows, &listed, |_| false);
        assert!(matches!(&told[1], Report::Snapshot(id, seen) if id.as_u128() == 1
            && seen.consistency == Some(Consistency::Crash) && seen.size_bytes == 7));
        assert!(matches!(&told[2], Report::SnapshotGone(id) if id.as_u128() == 3));
        assert!(
            matches!(&told[4], Report::Snapshot(id, seen) if id.as_u128() == 4 && seen.state == ResourceState::Error)
        );
        assert_eq!(told.len(), 5);
    }
}
