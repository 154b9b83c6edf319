//! Taking and removing snapshots. What a machine's disks hold at one moment is copied into files of the snapshot's own,
//! below another name until all of them are whole and on the disk: an agent that is killed meanwhile begins anew.
//!
//! A machine that runs is copied by QEMU's backup job, which keeps what the guest overwrites until it is copied; its disks
//! stay the files they are. A machine that rests is copied by `qemu-img`, and is not started meanwhile.

use std::path::{Path, PathBuf};
use std::sync::PoisonError;

use db::AnyConnection;
use reference_points::common::{ProblemDetails, TraceContext};
use reference_points::nf_vi::{AgentEvent, Consistency, SnapshotDisk, SnapshotState};
use uuid::Uuid;

use super::act::{Failure, Hope};
use super::describe::{self, WritableDisk};
use super::machine::Outcome;
use crate::app::Agent;
use crate::hypervisor::Copy;
use crate::media::{MediaError, disks, layout, space};
use crate::store::machines::MachineRow;
use crate::store::snapshots::SnapshotRow;
use crate::store::{self, Phase};

impl Agent {
    /// Looks after a snapshot, if there is one of this id; `None` if there is none.
    pub(super) async fn look_after_snapshot(&self, id: Uuid) -> Option<Outcome> {
        let row = async {
            let mut tx = self.db.begin_read().await?;
            Ok::<_, Failure>(store::snapshots::get(&mut tx, id).await?)
        };
        let row = match row.await {
            Ok(row) => row?,
            Err(failure) => {
                tracing::warn!(problem = %failure.problem, "a snapshot cannot be looked after for now");
                return Some(Outcome::Transient);
            }
        };
        Some(match row.trace.as_deref().and_then(|text| text.parse::<TraceContext>().ok()) {
            Some(trace) => trace.child().scope(self.advance_snapshot(row)).await,
            None => self.advance_snapshot(row).await,
        })
    }

    async fn advance_snapshot(&self, row: SnapshotRow) -> Outcome {
        let id = row.id;
        let ended = match row.state {
            SnapshotState::Ready | SnapshotState::Error => return Outcome::Done,
            SnapshotState::Deleting => self.abandon_snapshot(row.spec.machine_id, id).await,
            SnapshotState::Building => self.take_snapshot(row).await,
        };
        match ended {
            Ok(()) => Outcome::Done,
            Err(failure) => {
                tracing::warn!(snapshot = %id, problem = %failure.problem, "it is tried again");
                Outcome::Transient
            }
        }
    }

    /// Lets a snapshot go that may just be being taken, or was when an agent before this one was killed.
    async fn abandon_snapshot(&self, machine: Uuid, id: Uuid) -> Result<(), Failure> {
        let _turn = self.snapshot_turns.take(machine).await;
        self.hypervisor.end_back_up(machine).await?;
        self.remove_snapshot(id).await
    }

    /// Removes the files of a snapshot that shall go, and forgets it.
    ///
    /// # Errors
    /// What the system or the records refused.
    pub async fn remove_snapshot(&self, id: Uuid) -> Result<(), Failure> {
        layout::remove_dir(&layout::part(&self.layout.snapshot(id)))?;
        layout::remove_dir(&self.layout.snapshot(id))?;
        let now = self.clock.now_micros();
        db::transaction!(self.db, |tx| {
            store::snapshots::remove(&mut *tx, id).await?;
            store::events::append(&mut *tx, &AgentEvent::SnapshotDeleted { id }, now).await?;
            Ok::<_, db::DbError>(())
        })?;
        self.news.ring();
        Ok(())
    }

    /// Takes it and notes how that ended. An error means that it is tried again.
    async fn take_snapshot(&self, row: SnapshotRow) -> Result<(), Failure> {
        // Two snapshots of one machine are taken one after the other.
        let _turn = self.snapshot_turns.take(row.spec.machine_id).await;
        let (id, now) = (row.id, self.clock.now_micros());
        tracing::info!(snapshot = %id, machine = %row.spec.machine_id, "a snapshot is taken");
        let ended = match self.capture(&row).await {
            Ok((consistency, disks)) => {
                let taken_at = self.clock.now_micros();
                SnapshotRow {
                    state: SnapshotState::Ready,
                    consistency: Some(consistency),
                    disks,
                    taken_at,
                    problem: None,
                    ..row
                }
            }
            Err(failure) => {
                layout::remove_dir(&layout::part(&self.layout.snapshot(id)))?;
                if failure.hope != Hope::None {
                    return Err(failure);
                }
                tracing::error!(snapshot = %id, problem = %failure.problem, "a snapshot could not be taken");
                SnapshotRow { state: SnapshotState::Error, problem: Some(*failure.problem), ..row }
            }
        };
        db::transaction!(self.db, |tx| {
            let tx: &mut AnyConnection = tx;
            // Asked to go meanwhile, it goes.
            if store::snapshots::get(&mut *tx, id).await?.is_some_and(|row| row.state == SnapshotState::Building) {
                store::snapshots::put(&mut *tx, &ended, now).await?;
                let event = AgentEvent::Snapshot { snapshot: Box::new(ended.show()) };
                store::events::append(&mut *tx, &event, now).await?;
            }
            Ok::<_, db::DbError>(())
        })?;
        self.news.ring();
        Ok(())
    }

    async fn capture(&self, row: &SnapshotRow) -> Result<(Consistency, Vec<SnapshotDisk>), Failure> {
        let (id, machine) = (row.id, self.machine_to_capture(row.spec.machine_id).await?);
        let wanted = describe::writable(&self.layout, &machine);
        let needed = self.bytes_of(&machine, &wanted).await?;
        let target = self.layout.snapshot(id);
        let keep = self.config.capacity.keep_disk_bytes;
        space::ensure(&target, needed, keep, "take the snapshot")?;
        let dir = layout::part(&target);
        layout::remove_dir(&dir)?;
        // Whole already, but killed before that was noted: nobody heard of that moment.
        layout::remove_dir(&target)?;
        layout::make_dir(&dir)?;
        let copies: Vec<Copy> =
            wanted.iter().map(|disk| Copy { from: disk.path.clone(), to: dir.join(disk.captured_as()) }).collect();
        let consistency = self.copy(&machine, &copies).await?;
        let mut disks = Vec::new();
        for (disk, copy) in wanted.iter().zip(&copies) {
            layout::make_private(&copy.to)?;
            disks.push(SnapshotDisk { volume_id: disk.volume, size_bytes: synced(&copy.to)? });
        }
        synced(&dir)?;
        layout::finish(&dir, &target)?;
        Ok((consistency, disks))
    }

    /// The machine, unless it is just being reverted.
    async fn machine_to_capture(&self, id: Uuid) -> Result<MachineRow, Failure> {
        let mut tx = self.db.begin_read().await?;
        let Some(machine) = store::machines::get(&mut tx, id).await?.filter(|machine| !machine.deleting) else {
            let detail = format!("machine {id}, of which the snapshot shall be, is not on this host any more");
            return Err(Failure::permanent(ProblemDetails::new(422, "Machine missing", detail)));
        };
        let reverts = machine.spec.revert.is_some_and(|wanted| machine.reverted != Some(wanted));
        if reverts || machine.reverting.is_some() {
            let detail = format!("machine {id} is being reverted to a snapshot");
            let problem = ProblemDetails::new(503, "Machine in motion", detail);
            return Err(Failure { hope: Hope::Later, problem: Box::new(problem) });
        }
        Ok(machine)
    }

    /// Copies disks of a machine that runs, or of one that rests and is kept so meanwhile.
    async fn copy(&self, machine: &MachineRow, copies: &[Copy]) -> Result<Consistency, Failure> {
        let rests = {
            let _turn = self.machine_turns.take(machine.id).await;
            let rests = !self.hypervisor.domain(machine.id).await?.is_some_and(|domain| domain.state.is_active());
            if rests {
                self.copying.lock().unwrap_or_else(PoisonError::into_inner).insert(machine.id);
            }
            rests
        };
        if !rests {
            let quiesced = self.hypervisor.back_up(machine.id, copies).await?;
            return Ok(if quiesced { Consistency::Quiesced } else { Consistency::Crash });
        }
        let _copying = Copying { agent: self, machine: machine.id };
        for copy in copies {
            disks::convert(&copy.to, &copy.from).await?;
        }
        Ok(Consistency::Stopped)
    }

    /// What the copies may take: the files as they are, and the image that one of them lies over.
    async fn bytes_of(&self, machine: &MachineRow, disks: &[WritableDisk]) -> Result<u64, Failure> {
        let mut needed = 0_u64;
        for disk in disks {
            let file = std::fs::metadata(&disk.path).map_err(|e| MediaError::io("look at", &disk.path, &e))?;
            needed = needed.saturating_add(file.len());
        }
        if let reference_points::nf_vi::RootDisk::Image { image_id, .. } = machine.spec.root {
            let mut tx = self.db.begin_read().await?;
            let image = store::images::get(&mut tx, image_id).await?.filter(|image| image.phase == Phase::Ready);
            needed = needed.saturating_add(image.map_or(0, |image| image.info.size_bytes));
        }
        Ok(needed)
    }
}

/// As long as it lives, the machine is not started. Then it is looked after again.
struct Copying<'a> {
    agent: &'a Agent,
    machine: Uuid,
}

impl Drop for Copying<'_> {
    fn drop(&mut self) {
        self.agent.copying.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.machine);
        self.agent.wake(self.machine);
    }
}

/// Sees to it that a file or directory is on the disk; gives its size in bytes.
fn synced(path: &Path) -> Result<u64, Failure> {
    let sync = || -> std::io::Result<u64> {
        let file = std::fs::File::open(path)?;
        file.sync_all()?;
        Ok(file.metadata()?.len())
    };
    Ok(sync().map_err(|e| MediaError::io("sync", PathBuf::from(path), &e))?)
}
