//! An image on its way in: written to a temporary file and hashed in one pass, with flat memory.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use futures::{Stream, StreamExt};
use sha2::{Digest, Sha256};
use tokio::fs::File;
use tokio::io::{AsyncWriteExt, BufWriter};

use super::image::HEAD_BYTES;
use super::{MediaError, Result, layout, space};

/// Largest image accepted, in bytes: 1 TiB.
pub const MAX_IMAGE_BYTES: u64 = 1 << 40;
/// The disk is looked at again after this many bytes.
const LOOK_EVERY: u64 = 64 << 20;
/// Bytes collected before they are written.
const BUFFER: usize = 1 << 20;

/// What came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// How many bytes.
    pub bytes: u64,
    /// SHA-256, lower-case hexadecimal.
    pub sha256: String,
    /// The first [`HEAD_BYTES`].
    pub head: Vec<u8>,
}

/// A temporary file that is removed unless it is kept, however the upload ends.
#[derive(Debug)]
pub struct Temporary {
    path: PathBuf,
    keep: bool,
}

impl Temporary {
    /// Will remove `path`.
    pub fn new(path: PathBuf) -> Temporary {
        Temporary { path, keep: false }
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// It has got another name, or shall stay.
    pub fn keep(mut self) {
        self.keep = true;
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.keep
            && let Err(error) = layout::remove_file(&self.path)
        {
            tracing::warn!(%error, "a temporary file stays behind until the next start");
        }
    }
}

/// Writes a stream to a new file at `path`, leaving `kept` bytes of the disk free, and syncs it.
///
/// # Errors
/// A full disk, an upload that is too large or breaks off. The file is the caller's to remove.
pub async fn receive<S, E>(content: S, path: &Path, kept: u64) -> Result<Received>
where
    S: Stream<Item = std::result::Result<Bytes, E>>,
    E: std::fmt::Display,
{
    let io = |action: &'static str| move |error: std::io::Error| MediaError::io(action, path, &error);
    let file = File::create_new(path).await.map_err(io("create"))?;
    let mut writer = BufWriter::with_capacity(BUFFER, file);
    let mut hasher = Hasher::new();
    let mut look_at = 0;
    let mut content = std::pin::pin!(content);
    while let Some(chunk) = content.next().await {
        let chunk = chunk.map_err(|error| broken(path, hasher.bytes, &error))?;
        hasher.take(&chunk)?;
        if hasher.bytes >= look_at {
            space::ensure(path, 0, kept, "take in the image")?;
            look_at = hasher.bytes + LOOK_EVERY;
        }
        writer.write_all(&chunk).await.map_err(io("write"))?;
    }
    writer.flush().await.map_err(io("write"))?;
    writer.into_inner().sync_all().await.map_err(io("sync"))?;
    Ok(hasher.finish())
}

/// Reads a stream to its end without keeping it, for an image that is here already.
///
/// # Errors
/// As [`receive`].
pub async fn compare<S, E>(content: S, path: &Path) -> Result<Received>
where
    S: Stream<Item = std::result::Result<Bytes, E>>,
    E: std::fmt::Display,
{
    let mut hasher = Hasher::new();
    let mut content = std::pin::pin!(content);
    while let Some(chunk) = content.next().await {
        hasher.take(&chunk.map_err(|error| broken(path, hasher.bytes, &error))?)?;
    }
    Ok(hasher.finish())
}

fn broken(path: &Path, bytes: u64, error: &dyn std::fmt::Display) -> MediaError {
    MediaError::Io {
        action: "take in the image as".into(),
        path: path.to_owned(),
        why: format!("the upload broke off after {bytes} bytes: {error}"),
    }
}

struct Hasher {
    bytes: u64,
    sha: Sha256,
    head: Vec<u8>,
}

impl Hasher {
    fn new() -> Hasher {
        Hasher { bytes: 0, sha: Sha256::new(), head: Vec::new() }
    }

    fn take(&mut self, chunk: &[u8]) -> Result<()> {
        self.bytes = self.bytes.saturating_add(chunk.len() as u64);
        if self.bytes > MAX_IMAGE_BYTES {
            return Err(MediaError::Io {
                action: "take in".into(),
                path: PathBuf::from("the image"),
                why: format!("it is larger than {MAX_IMAGE_BYTES} bytes"),
            });
        }
        let missing = HEAD_BYTES.saturating_sub(self.head.len()).min(chunk.len());
        self.head.extend_from_slice(&chunk[..missing]);
        self.sha.update(chunk);
        Ok(())
    }

    fn finish(self) -> Received {
        Received { bytes: self.bytes, sha256: hex::encode(self.sha.finalize()), head: self.head }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use futures::stream;

    type Chunk = std::result::Result<Bytes, std::io::Error>;

    #[tokio::test]
    async fn what_comes_in_is_written_and_hashed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x");
        let chunks: Vec<Chunk> = vec![Ok(Bytes::from_static(b"ab")), Ok(Bytes::from_static(b"c"))];
        let got = receive(stream::iter(chunks), &path, 0).await.unwrap();
        assert_eq!(got.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!((got.bytes, std::fs::read(&path).unwrap()), (3, b"abc".to_vec()));
    }

    #[tokio::test]
    async fn an_upload_that_breaks_off_is_told_and_its_file_goes_with_its_guard() {
        let dir = tempfile::tempdir().unwrap();
        let temporary = Temporary::new(dir.path().join("x"));
        let chunks: Vec<Chunk> = vec![Ok(Bytes::from_static(b"abc")), Err(std::io::Error::other("connection reset"))];
        let error = receive(stream::iter(chunks), temporary.path(), 0).await.unwrap_err();
        assert!(error.to_string().contains("after 3 bytes: connection reset"), "{error}");
        drop(temporary);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn a_disk_that_would_become_too_full_ends_the_upload() {
        let dir = tempfile::tempdir().unwrap();
        let chunks: Vec<Chunk> = vec![Ok(Bytes::from_static(b"abc"))];
        let error = receive(stream::iter(chunks), &dir.path().join("x"), u64::MAX / 2).await.unwrap_err();
        assert!(matches!(error, MediaError::NoSpace { .. }), "{error}");
    }
}
