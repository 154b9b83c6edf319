//! What is done at the start and now and then, beside the machines: files that an interrupted agent left, logs that grow,
//! the disk that fills.

use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

use db::AnyConnection;
use reference_points::nf_vi::AgentEvent;
use uuid::Uuid;

use super::act::Failure;
use crate::app::Agent;
use crate::media::{MediaError, layout, space};
use crate::store::{self, Phase};

impl Agent {
    /// Ends what an interrupted agent had begun. Nothing that is whole is touched, whoever made it.
    ///
    /// # Errors
    /// When the records or the directories cannot be read or changed.
    pub async fn tidy_up(&self) -> Result<(), Failure> {
        self.layout.prepare()?;
        remove_matching(&self.layout.images(), &["upload"])?;
        remove_matching(&self.layout.volumes(), &["part"])?;
        remove_parts(&self.layout.snapshots())?;
        remove_matching(&self.layout.scratch(), &["img", "txt"])?;
        let mut tx = self.db.begin_read().await?;
        let (images, volumes) = (store::images::list(&mut tx).await?, store::volumes::list(&mut tx).await?);
        drop(tx);
        for image in &images {
            let (id, path) = (image.info.id, self.layout.image(image.info.id));
            match image.phase {
                Phase::Deleting => self.finish_image_removal(id).await?,
                _ if path.exists() => {}
                _ if self.layout.image_ready(id).exists() => layout::finish(&self.layout.image_ready(id), &path)?,
                _ => {
                    tracing::error!(image = %id, path = %path.display(), "the file of an image is gone; the image is forgotten");
                    self.finish_image_removal(id).await?;
                }
            }
        }
        remove_matching(&self.layout.images(), &["ready"])?;
        for volume in &volumes {
            match volume.phase {
                Phase::Deleting => self.finish_volume_removal(volume.id).await?,
                // Whoever asked for it asks again, or asks for its removal.
                Phase::Making | Phase::Ready => {}
            }
        }
        Ok(())
    }

    /// Trims console logs and looks at the disk.
    pub async fn keep_house(&self) {
        if let Err(error) = self.trim_console_logs() {
            tracing::warn!(%error, "a console log could not be trimmed");
        }
        self.watch_disk().await;
    }

    /// Tells when the disk begins to be too full, and when it is not any more.
    pub async fn watch_disk(&self) {
        let keep = self.config.capacity.keep_disk_bytes;
        let (low, detail) = match space::ensure(self.layout.root(), 0, keep, "go on") {
            Ok(()) => (false, "there is space on the disk again".to_owned()),
            Err(error) => (true, error.to_string()),
        };
        self.tell_change("disk", low, if low { "disk_low" } else { "disk_ok" }, &detail).await;
    }

    /// Tells an event about the host when something has become wrong, or right again. What is right from the start is no
    /// news.
    pub async fn tell_change(&self, subject: &'static str, wrong: bool, what: &str, detail: &str) {
        let known = {
            let mut told = self.troubles.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            if wrong { !told.insert(subject) } else { !told.remove(subject) }
        };
        if known {
            return;
        }
        if wrong {
            tracing::error!(what, "{detail}");
        } else {
            tracing::info!(what, "{detail}");
        }
        self.tell(what, detail).await;
    }

    /// Tells an event about the host.
    pub async fn tell(&self, what: &str, detail: &str) {
        self.tell_about(None, what, detail).await;
    }

    /// As [`Agent::tell`], about one machine.
    pub async fn tell_about(&self, machine: Option<Uuid>, what: &str, detail: &str) {
        self.numbers.told(what);
        let event = AgentEvent::Host { what: what.to_owned(), detail: detail.to_owned(), machine };
        let now = self.clock.now_micros();
        let told = db::transaction!(self.db, |tx| {
            let tx: &mut AnyConnection = tx;
            store::events::append(tx, &event, now).await?;
            Ok::<_, db::DbError>(())
        });
        match told {
            Ok(()) => self.news.ring(),
            Err(error) => tracing::error!(%error, what, "an event could not be noted"),
        }
    }

    fn trim_console_logs(&self) -> crate::media::Result<()> {
        let limit = self.config.console_log_bytes;
        let dirs = std::fs::read_dir(self.layout.machines());
        for entry in dirs.into_iter().flatten().flatten() {
            trim(&entry.path().join("console.log"), limit)?;
        }
        Ok(())
    }
}

/// Removes files with these extensions.
fn remove_matching(dir: &Path, extensions: &[&str]) -> crate::media::Result<()> {
    let entries = std::fs::read_dir(dir).map_err(|e| MediaError::io("list", dir, &e))?;
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.extension().and_then(|e| e.to_str()).is_some_and(|e| extensions.contains(&e)) {
            tracing::info!(path = %path.display(), "an unfinished file is removed");
            layout::remove_file(&path)?;
        }
    }
    Ok(())
}

/// Removes directories that were being made.
fn remove_parts(dir: &Path) -> crate::media::Result<()> {
    let entries = std::fs::read_dir(dir).map_err(|e| MediaError::io("list", dir, &e))?;
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.extension().is_some_and(|extension| extension == "part") {
            tracing::info!(path = %path.display(), "an unfinished snapshot is removed");
            layout::remove_dir(&path)?;
        }
    }
    Ok(())
}

/// Keeps the newer half of a log that has grown beyond `limit`. QEMU appends, so the file can be rewritten in place; what
/// is written in the same moment may be lost.
fn trim(path: &Path, limit: u64) -> crate::media::Result<()> {
    let failed = |e: std::io::Error| MediaError::io("trim", path, &e);
    let Ok(mut file) = std::fs::OpenOptions::new().read(true).write(true).open(path) else { return Ok(()) };
    let length = file.metadata().map_err(failed)?.len();
    if length <= limit {
        return Ok(());
    }
    let mut kept = Vec::new();
    file.seek(SeekFrom::Start(length - limit / 2)).map_err(failed)?;
    Read::by_ref(&mut file).take(limit / 2).read_to_end(&mut kept).map_err(failed)?;
    file.set_len(0).map_err(failed)?;
    file.rewind().map_err(failed)?;
    file.write_all(&kept).map_err(failed)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_log_keeps_its_newer_half_and_an_appending_writer_goes_on() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("console.log");
        let mut writer = std::fs::OpenOptions::new().create(true).append(true).open(&path).unwrap();
        writer.write_all(b"0123456789abcdef").unwrap();
        trim(&path, 16).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"0123456789abcdef");
        writer.write_all(b"X").unwrap();
        trim(&path, 16).unwrap();
        writer.write_all(b"Y").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"9abcdefXY");
        trim(&dir.path().join("none"), 16).unwrap();
    }
}
