//! Returning a machine's disks to a snapshot, and taking that back.
//!
//! Each disk is copied beside the one that is there (`….ID.next`); when all copies are whole, that is noted, and each takes
//! the place of its disk, which keeps another name (`….ID.former`) as long as the return may be taken back. An agent that is
//! killed before the note makes the copies anew, after it goes on with exchanging: no machine starts with disks of two
//! moments.

use std::path::{Path, PathBuf};

use db::AnyConnection;
use reference_points::common::ProblemDetails;
use reference_points::nf_vi::{AgentEvent, MachineState, Revert, SnapshotState};
use uuid::Uuid;

use super::act::{Acted, Failure};
use super::describe::{self, WritableDisk};
use super::plan::{Returning, returning};
use crate::app::Agent;
use crate::media::{MediaError, disks, layout, space};
use crate::store;
use crate::store::machines::{MachineRow, Reverting};

/// The names beside a disk that belong to one return.
fn beside(disk: &Path, revert: Uuid, what: &str) -> PathBuf {
    disk.with_extension(format!("{revert}.{what}"))
}

fn next(disk: &Path, revert: Uuid) -> PathBuf {
    beside(disk, revert, "next")
}

fn former(disk: &Path, revert: Uuid) -> PathBuf {
    beside(disk, revert, "former")
}

impl Agent {
    /// Does what is to be done next of a return.
    pub(super) async fn revert(&self, row: &MachineRow) -> Acted {
        let disks = describe::writable(&self.layout, row);
        match returning(row.spec.revert, row.reverted, row.reverting) {
            None => Ok(()),
            Some(Returning::Abandon(old)) => {
                for disk in &disks {
                    layout::remove_file(&next(&disk.path, old.id))?;
                }
                self.set_reverting(row, None).await
            }
            Some(Returning::Begin(wanted)) => {
                self.not_copied(row.id)?;
                tracing::info!(machine = %row.id, snapshot = %wanted.snapshot_id, back = wanted.back, "its disks are reverted");
                self.drop_former(row)?;
                self.set_reverting(row, Some(Reverting { revert: wanted, ready: false })).await?;
                if !wanted.back {
                    self.make_copies(row, &disks, wanted).await?;
                }
                self.set_reverting(row, Some(Reverting { revert: wanted, ready: true })).await
            }
            Some(Returning::Exchange(wanted)) => {
                for disk in &disks {
                    exchange(&disk.path, wanted)?;
                }
                self.set_reverted(row, wanted).await
            }
        }
    }

    async fn make_copies(&self, row: &MachineRow, disks: &[WritableDisk], wanted: Revert) -> Acted {
        let missing = |what: String| {
            let detail = format!("machine {} cannot be reverted: {what}", row.id);
            let problem = ProblemDetails::new(422, "Snapshot missing", detail);
            Failure::permanent(problem.next("take the return back, or name another snapshot"))
        };
        let mut tx = self.db.begin_read().await?;
        let snapshot = store::snapshots::get(&mut tx, wanted.snapshot_id).await?;
        drop(tx);
        if snapshot.is_none_or(|snapshot| snapshot.state != SnapshotState::Ready) {
            return Err(missing(format!("snapshot {} is not on this host", wanted.snapshot_id)));
        }
        layout::make_dir(&self.layout.machine(row.id))?;
        let dir = self.layout.snapshot(wanted.snapshot_id);
        for disk in disks {
            let from = dir.join(disk.captured_as());
            let Ok(file) = std::fs::metadata(&from) else {
                return Err(missing(format!("snapshot {} has no {}", wanted.snapshot_id, disk.captured_as())));
            };
            let keep = self.config.capacity.keep_disk_bytes;
            space::ensure(&disk.path, file.len(), keep, "revert the disk")?;
            disks::convert(&next(&disk.path, wanted.id), &from).await?;
        }
        Ok(())
    }

    /// Whether what was before the last return is still kept.
    pub(super) fn has_former(&self, row: &MachineRow) -> bool {
        let Some(last) = row.reverted else { return false };
        describe::writable(&self.layout, row).iter().any(|disk| former(&disk.path, last.id).exists())
    }

    /// Lets go what was before the last return.
    pub(super) fn drop_former(&self, row: &MachineRow) -> Acted {
        let Some(last) = row.reverted.filter(|last| row.spec.revert.is_none_or(|wanted| wanted.id != last.id)) else {
            return Ok(());
        };
        for disk in describe::writable(&self.layout, row) {
            layout::remove_file(&former(&disk.path, last.id))?;
        }
        Ok(())
    }

    /// Lets everything go that returns of this machine left beside its volumes; its own directory goes as a whole.
    pub(super) fn forget_returns(&self, row: &MachineRow) -> Acted {
        let ids = [row.reverted, row.reverting.map(|r| r.revert), row.spec.revert];
        for disk in describe::writable(&self.layout, row) {
            for revert in ids.iter().flatten() {
                layout::remove_file(&next(&disk.path, revert.id))?;
                layout::remove_file(&former(&disk.path, revert.id))?;
            }
        }
        Ok(())
    }

    async fn set_reverting(&self, row: &MachineRow, to: Option<Reverting>) -> Acted {
        Ok(db::transaction!(self.db, |tx| {
            store::machines::set_reverting(&mut *tx, row.id, to.as_ref()).await?;
            Ok::<_, db::DbError>(())
        })?)
    }

    /// It happened. The machine is being built again, so to say: that it starts now is no repair.
    async fn set_reverted(&self, row: &MachineRow, done: Revert) -> Acted {
        let now = self.clock.now_micros();
        db::transaction!(self.db, |tx| {
            let tx: &mut AnyConnection = tx;
            store::machines::set_reverted(&mut *tx, row.id, &done).await?;
            store::machines::note(&mut *tx, row.id, MachineState::Building, None, now).await?;
            if let Some(row) = store::machines::get(&mut *tx, row.id).await? {
                store::events::append(&mut *tx, &AgentEvent::Machine { machine: Box::new(row.show()) }, now).await?;
            }
            Ok::<_, db::DbError>(())
        })?;
        self.news.ring();
        Ok(())
    }
}

/// Puts a copy into the place of its disk, or the former disk back. Done twice, it is done once.
fn exchange(disk: &Path, wanted: Revert) -> Acted {
    let (next, former) = (next(disk, wanted.id), former(disk, wanted.id));
    if wanted.back {
        if former.exists() {
            layout::finish(&former, disk)?;
        }
        return Ok(layout::remove_file(&next)?);
    }
    if !next.exists() {
        return Ok(());
    }
    if disk.exists() && !former.exists() {
        std::fs::hard_link(disk, &former).map_err(|e| MediaError::io("keep", &former, &e))?;
    }
    Ok(layout::finish(&next, disk)?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn disks_are_exchanged_and_brought_back_once_however_often() {
        let dir = tempfile::tempdir().unwrap();
        let disk = dir.path().join("root.qcow2");
        let forth = Revert { id: Uuid::from_u128(7), snapshot_id: Uuid::from_u128(8), back: false };
        let read = || std::fs::read_to_string(&disk).unwrap();
        std::fs::write(&disk, "now").unwrap();
        std::fs::write(next(&disk, forth.id), "then").unwrap();
        for _ in 0..2 {
            exchange(&disk, forth).unwrap();
            assert_eq!((read().as_str(), former(&disk, forth.id).exists()), ("then", true));
        }
        let back = Revert { back: true, ..forth };
        for _ in 0..2 {
            exchange(&disk, back).unwrap();
            assert_eq!(read(), "now");
            assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is kept any more");
        }
    }

    #[test]
    fn an_exchange_that_was_interrupted_goes_on() {
        let dir = tempfile::tempdir().unwrap();
        let disk = dir.path().join("root.qcow2");
        let forth = Revert { id: Uuid::from_u128(7), snapshot_id: Uuid::from_u128(8), back: false };
        std::fs::write(&disk, "now").unwrap();
        std::fs::write(next(&disk, forth.id), "then").unwrap();
        // Killed between keeping the former disk and giving the copy its name.
        std::fs::hard_link(&disk, former(&disk, forth.id)).unwrap();
        exchange(&disk, forth).unwrap();
        assert_eq!(std::fs::read_to_string(&disk).unwrap(), "then");
        assert_eq!(std::fs::read_to_string(former(&disk, forth.id)).unwrap(), "now");
    }
}
