//! Snapshots of computes with their volumes (IFA005 clauses 7.3.1 and 7.5.1).

use reference_points::common::Fault;
use reference_points::or_vi::{ComputeState, ResourceState, Snapshot, SnapshotSpec, ViEvent};
use uuid::Uuid;

use super::{App, being_deleted, in_use, name_faults};
use crate::diff::same;
use crate::error::{Failure, Result, is_refusal, no_faults};
use crate::ledger::Report;
use crate::store::computes::Phase;
use crate::store::snapshots::Seen;
use crate::store::{computes, events, snapshots, vims};
use crate::vim::{Gone, Made};

fn seen(state: ResourceState) -> Seen {
    Seen { state, problem: None, consistency: None, volumes: Vec::new(), size_bytes: 0 }
}

impl App {
    /// Ensures a snapshot. Answers at once; events tell the rest.
    ///
    /// # Errors
    /// 409, 422, or what the VIM says.
    pub async fn put_snapshot(&self, vim: Uuid, id: Uuid, spec: SnapshotSpec) -> Result<Snapshot> {
        no_faults("the snapshot", name_faults(&spec.name))?;
        let driver = self.driver(vim).await?;
        let what = format!("snapshot {id}");
        let (snapshot, fresh) = db::transaction!(self.store.db, |tx| {
            vims::lock(tx, vim).await?;
            if let Some(found) = snapshots::get(tx, vim, id).await? {
                let mut found = found.snapshot;
                if found.state == ResourceState::Deleting {
                    return Err(being_deleted(&what));
                }
                same(&what, &found.spec, &spec)?;
                if found.state == ResourceState::Error {
                    // Asking again is asking to try again.
                    found.state = ResourceState::Building;
                    snapshots::set_seen(tx, vim, id, &seen(found.state)).await?;
                    snapshots::set_phase(tx, vim, id, Phase::Deliver).await?;
                }
                return Ok((found, false));
            }
            let compute = computes::get(tx, vim, spec.compute_id).await?.map(|row| row.compute);
            let Some(compute) = compute.filter(|compute| compute.state != ComputeState::Deleting) else {
                let why = format!("compute {} does not exist", spec.compute_id);
                return Err(Failure::unprocessable(why.clone(), vec![Fault::new("/computeId", why)]));
            };
            let snapshot = Snapshot {
                id,
                spec: spec.clone(),
                vim_resource_id: None,
                host: compute.host,
                state: ResourceState::Building,
                problem: None,
                consistency: None,
                volumes: Vec::new(),
                size_bytes: 0,
            };
            snapshots::insert(tx, vim, &snapshot).await?;
            let news = ViEvent::Snapshot { snapshot: Box::new(snapshot.clone()) };
            events::append(tx, &self.store, vim, &[news]).await?;
            Ok::<_, Failure>((snapshot, true))
        })?;
        self.store.wake.ring();
        if snapshot.state == ResourceState::Active {
            return Ok(snapshot);
        }
        match driver.ensure_snapshot(&snapshot).await {
            Ok(made) => {
                if let Some(its) = &made.its().id {
                    db::transaction!(self.store.db, |tx| {
                        vims::lock(tx, vim).await?;
                        Ok::<_, Failure>(snapshots::set_vim_id(tx, vim, id, Some(its)).await?)
                    })?;
                }
                if matches!(made, Made::Now(_)) {
                    self.ledger(vim).record(&[Report::Snapshot(id, seen(ResourceState::Active))]).await?;
                }
            }
            Err(Failure::Cut) => return Err(Failure::Cut),
            Err(failure) if fresh && is_refusal(&failure) => {
                self.ledger(vim).record(&[Report::SnapshotGone(id)]).await?;
                return Err(failure);
            }
            Err(failure) => {
                let state = if is_refusal(&failure) { ResourceState::Error } else { ResourceState::Building };
                let told = Seen { problem: Some(failure.to_problem()), ..seen(state) };
                self.ledger(vim).record(&[Report::Snapshot(id, told)]).await?;
                return Err(failure);
            }
        }
        self.snapshot(vim, id).await
    }

    /// A snapshot.
    ///
    /// # Errors
    /// 404.
    pub async fn snapshot(&self, vim: Uuid, id: Uuid) -> Result<Snapshot> {
        self.driver(vim).await?;
        let found = snapshots::get(&mut *self.store.db.pool.acquire().await?, vim, id).await?;
        found.map(|row| row.snapshot).ok_or_else(|| Failure::not_found(format!("snapshot {id}")))
    }

    /// All snapshots of a VIM.
    ///
    /// # Errors
    /// 404 for the VIM.
    pub async fn snapshots(&self, vim: Uuid) -> Result<Vec<Snapshot>> {
        self.driver(vim).await?;
        let rows = snapshots::list(&mut *self.store.db.pool.acquire().await?, vim).await?;
        Ok(rows.into_iter().map(|row| row.snapshot).collect())
    }

    /// Removes a snapshot.
    ///
    /// # Errors
    /// 409 while a compute is being reverted to it, or what the VIM says.
    pub async fn delete_snapshot(&self, vim: Uuid, id: Uuid) -> Result<Gone> {
        let driver = self.driver(vim).await?;
        let found = db::transaction!(self.store.db, |tx| {
            vims::lock(tx, vim).await?;
            let Some(mut snapshot) = snapshots::get(tx, vim, id).await?.map(|row| row.snapshot) else {
                return Ok(None);
            };
            let compute = computes::get(tx, vim, snapshot.spec.compute_id).await?.map(|row| row.compute);
            let pending = compute.filter(|compute| {
                let wanted = compute.spec.revert.filter(|wanted| wanted.snapshot_id == id && !wanted.back);
                wanted.is_some_and(|wanted| compute.reverted != Some(wanted))
            });
            if let Some(compute) = pending {
                return Err(in_use(&format!("snapshot {id}"), &[format!("compute {}", compute.id)]));
            }
            snapshot.state = ResourceState::Deleting;
            snapshots::set_seen(tx, vim, id, &seen(snapshot.state)).await?;
            snapshots::set_phase(tx, vim, id, Phase::Delete).await?;
            let news = ViEvent::Snapshot { snapshot: Box::new(snapshot.clone()) };
            events::append(tx, &self.store, vim, &[news]).await?;
            Ok::<_, Failure>(Some(snapshot))
        })?;
        let Some(snapshot) = found else { return Ok(Gone::Now) };
        self.store.wake.ring();
        let gone = driver.delete_snapshot(&snapshot).await?;
        if gone == Gone::Now {
            self.ledger(vim).record(&[Report::SnapshotGone(id)]).await?;
        }
        Ok(gone)
    }
}
