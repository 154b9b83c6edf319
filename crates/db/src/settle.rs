//! Waiting for the disk, together: the commits of many writers become durable by one `fdatasync` of SQLite's write-ahead
//! log.
//!
//! With `synchronous=FULL` SQLite waits for the disk within each commit, holding the one write lock, so that a disk that
//! takes a millisecond allows a thousand commits a second however many writers there are. Here the writer's connection
//! commits with `synchronous=NORMAL`, which only appends to the log, gives the lock away, and then waits until the log is
//! on the disk. Whoever waits meanwhile is settled by the next `fdatasync`. Nothing is acknowledged earlier than with
//! FULL, and since the log is written in order, what is on the disk is always everything up to some commit.

use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Mutex;

/// The write-ahead log of one database.
#[derive(Debug)]
pub(crate) struct Log {
    path: PathBuf,
    /// Commits so far.
    committed: AtomicU64,
    /// How many of them are on the disk, and the log file (device, inode) whose name is.
    settled: Mutex<(u64, Option<(u64, u64)>)>,
}

impl Log {
    /// The log of the database in this file.
    pub(crate) fn of(database: &Path) -> Arc<Self> {
        let mut path = database.as_os_str().to_owned();
        path.push("-wal");
        Arc::new(Self { path: path.into(), committed: AtomicU64::new(0), settled: Mutex::default() })
    }

    /// Waits until everything that was committed before this call is on the disk.
    ///
    /// # Errors
    /// What the disk says; the commit then may or may not survive a power cut.
    pub(crate) async fn settle(&self) -> io::Result<()> {
        let own = self.committed.fetch_add(1, Ordering::SeqCst) + 1;
        let mut settled = self.settled.lock().await;
        if settled.0 >= own {
            return Ok(());
        }
        let all = self.committed.load(Ordering::SeqCst);
        let (path, known) = (self.path.clone(), settled.1);
        let named = tokio::task::spawn_blocking(move || sync(&path, known)).await.map_err(io::Error::other)??;
        *settled = (all, named);
        Ok(())
    }
}

/// Brings the log to the disk, and the name of a new one.
fn sync(path: &Path, known: Option<(u64, u64)>) -> io::Result<Option<(u64, u64)>> {
    let log = match File::open(path) {
        Ok(log) => log,
        // Folded into the database, which is on the disk then.
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(e),
    };
    log.sync_data()?;
    let meta = log.metadata()?;
    let this = Some((meta.dev(), meta.ino()));
    if this != known
        && let Some(folder) = path.parent()
    {
        File::open(folder)?.sync_all()?;
    }
    Ok(this)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[tokio::test]
    async fn those_who_wait_together_are_settled_together() {
        let dir = tempfile::tempdir().unwrap();
        let database = dir.path().join("a.db");
        std::fs::write(dir.path().join("a.db-wal"), b"x").unwrap();
        let log = Log::of(&database);
        futures::future::try_join_all((0..50).map(|_| log.settle())).await.unwrap();
        let settled = log.settled.lock().await;
        assert_eq!(settled.0, 50, "each commit is accounted for");
        assert!(settled.1.is_some(), "the log's name was brought to the disk");
    }

    #[tokio::test]
    async fn a_log_that_is_folded_in_needs_no_settling() {
        let dir = tempfile::tempdir().unwrap();
        Log::of(&dir.path().join("a.db")).settle().await.unwrap();
    }

    #[tokio::test]
    async fn a_disk_that_refuses_is_told() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("file"), b"").unwrap();
        let error = Log::of(&dir.path().join("file/a.db")).settle().await.expect_err("no folder");
        assert_eq!(error.kind(), io::ErrorKind::NotADirectory);
    }
}
