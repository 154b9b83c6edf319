//! Contents of software images in the adapter's state directory: `images/{vim}/{id}`. A content under way is a file of
//! its own that ends in `.part`; only a complete, checked one takes the image's name, in one step.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use futures::{Stream, StreamExt};
use reference_points::common::ProblemDetails;
use reference_points::nf_vi::DiskFormat;
use reference_points::or_vi::SoftwareImageSpec;
use sha2::{Digest, Sha256, Sha512};
use tokio::fs;
use tokio::io::AsyncWriteExt;
use uuid::Uuid;

use crate::error::{Failure, Result};

/// Bytes of a content that tell its format.
const HEAD: usize = 32;

/// The directory of images.
#[derive(Debug, Clone)]
pub struct ImageFiles {
    root: PathBuf,
    max_bytes: u64,
}

/// A complete content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// Size in bytes.
    pub size: u64,
    /// Size that a guest sees, in bytes.
    pub virtual_size: u64,
    /// Its SHA-512, lower-case hexadecimal.
    pub sha512: String,
}

impl ImageFiles {
    /// The images below `state_dir`, none larger than `max_bytes`. What was left unfinished is removed.
    ///
    /// # Errors
    /// What the file system says.
    pub async fn open(state_dir: &Path, max_bytes: u64) -> std::io::Result<Self> {
        let root = state_dir.join("images");
        fs::create_dir_all(&root).await?;
        let mut vims = fs::read_dir(&root).await?;
        while let Some(vim) = vims.next_entry().await? {
            if !vim.file_type().await?.is_dir() {
                continue;
            }
            let mut files = fs::read_dir(vim.path()).await?;
            while let Some(file) = files.next_entry().await? {
                if file.path().extension().is_some_and(|e| e == "part") {
                    tracing::info!(file = %file.path().display(), "an image upload that was left unfinished is removed");
                    fs::remove_file(file.path()).await?;
                }
            }
        }
        Ok(Self { root, max_bytes })
    }

    /// Where an image's content is, or would be.
    pub fn path(&self, vim: Uuid, id: Uuid) -> PathBuf {
        self.root.join(vim.to_string()).join(id.to_string())
    }

    /// Whether an image's content is there.
    pub async fn exists(&self, vim: Uuid, id: Uuid) -> bool {
        fs::try_exists(self.path(vim, id)).await.unwrap_or(false)
    }

    /// Takes an image's content in. Nothing is left of one that is broken off, too large, or not what was announced.
    ///
    /// # Errors
    /// 413, 422 naming what differs, 507, or the sender's error.
    pub async fn store<S, E>(&self, vim: Uuid, id: Uuid, spec: &SoftwareImageSpec, body: S) -> Result<Content>
    where
        S: Stream<Item = Result<Bytes, E>> + Unpin,
        Failure: From<E>,
    {
        let path = self.path(vim, id);
        let part = path.with_file_name(format!("{id}.{}.part", Uuid::new_v4()));
        let io = |error: std::io::Error| disk_problem(&part, &error);
        if let Some(dir) = path.parent() {
            fs::create_dir_all(dir).await.map_err(io)?;
        }
        let _unfinished = Unfinished(part.clone());
        let mut file = fs::File::create(&part).await.map_err(io)?;
        let mut reader = Reader::new(spec, self.max_bytes);
        let mut body = body;
        while let Some(chunk) = body.next().await {
            let chunk = chunk?;
            reader.take(&chunk)?;
            file.write_all(&chunk).await.map_err(io)?;
        }
        let content = reader.finish()?;
        file.sync_all().await.map_err(io)?;
        drop(file);
        fs::rename(&part, &path).await.map_err(io)?;
        Ok(content)
    }

    /// Reads a content that is there already, and says whether it is the same.
    ///
    /// # Errors
    /// As [`ImageFiles::store`].
    pub async fn compare<S, E>(&self, spec: &SoftwareImageSpec, body: S) -> Result<Content>
    where
        S: Stream<Item = Result<Bytes, E>> + Unpin,
        Failure: From<E>,
    {
        let mut reader = Reader::new(spec, self.max_bytes);
        let mut body = body;
        while let Some(chunk) = body.next().await {
            reader.take(&chunk?)?;
        }
        reader.finish()
    }

    /// Removes an image's content.
    ///
    /// # Errors
    /// What the file system says.
    pub async fn remove(&self, vim: Uuid, id: Uuid) -> Result<()> {
        let path = self.path(vim, id);
        match fs::remove_file(&path).await {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(disk_problem(&path, &error)),
            _ => Ok(()),
        }
    }

    /// Every file there, and the image it belongs to where its name tells.
    ///
    /// # Errors
    /// What the file system says.
    pub async fn list(&self, vim: Uuid) -> std::io::Result<Vec<(String, Option<Uuid>)>> {
        let mut found = Vec::new();
        let mut files = match fs::read_dir(self.root.join(vim.to_string())).await {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(found),
            other => other?,
        };
        while let Some(file) = files.next_entry().await? {
            let name = file.file_name().to_string_lossy().into_owned();
            found.push((file.path().display().to_string(), name.get(..36).and_then(|id| id.parse().ok())));
        }
        found.sort();
        Ok(found)
    }
}

/// Removes an unfinished file however the upload ends.
struct Unfinished(PathBuf);

impl Drop for Unfinished {
    fn drop(&mut self) {
        // The one blocking call: a future that is dropped cannot wait.
        if let Err(error) = std::fs::remove_file(&self.0)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(file = %self.0.display(), %error, "an unfinished image cannot be removed; the next start will");
        }
    }
}

/// Counts, hashes and looks at a content as it passes.
struct Reader<'a> {
    spec: &'a SoftwareImageSpec,
    max_bytes: u64,
    size: u64,
    hash: Sha256,
    longer: Sha512,
    head: Vec<u8>,
}

impl<'a> Reader<'a> {
    fn new(spec: &'a SoftwareImageSpec, max_bytes: u64) -> Self {
        Self { spec, max_bytes, size: 0, hash: Sha256::new(), longer: Sha512::new(), head: Vec::with_capacity(HEAD) }
    }

    fn take(&mut self, chunk: &[u8]) -> Result<()> {
        self.size += chunk.len() as u64;
        if self.size > self.max_bytes {
            let detail = format!("the image is larger than the {} bytes this adapter accepts", self.max_bytes);
            return Err(ProblemDetails::new(413, "Payload too large", detail).next("raise max_image_bytes").into());
        }
        if let Some(size) = self.spec.size_bytes.filter(|size| self.size > *size) {
            return Err(unfit(format!("more than the announced {size} bytes came")));
        }
        self.hash.update(chunk);
        self.longer.update(chunk);
        let missing = HEAD - self.head.len();
        self.head.extend_from_slice(&chunk[..missing.min(chunk.len())]);
        Ok(())
    }

    fn finish(self) -> Result<Content> {
        let sha256 = hex::encode(self.hash.finalize());
        if let Some(size) = self.spec.size_bytes.filter(|size| self.size != *size) {
            return Err(unfit(format!("{} bytes came, {size} were announced", self.size)));
        }
        if !sha256.eq_ignore_ascii_case(&self.spec.sha256) {
            return Err(unfit(format!("its SHA-256 is {sha256}, announced was {}", self.spec.sha256)));
        }
        let virtual_size = virtual_size(self.spec.format, &self.head, self.size).map_err(unfit)?;
        Ok(Content { size: self.size, virtual_size, sha512: hex::encode(self.longer.finalize()) })
    }
}

fn unfit(why: String) -> Failure {
    let faults = vec![reference_points::common::Fault::new("content", why.clone())];
    Failure::unprocessable(format!("the image was not taken: {why}"), faults)
}

/// Size of the disk that a content makes, from its first bytes.
fn virtual_size(format: DiskFormat, head: &[u8], size: u64) -> Result<u64, String> {
    let number = |at: usize| {
        let bytes: [u8; 8] = head.get(at..at + 8)?.try_into().ok()?;
        Some(u64::from_be_bytes(bytes))
    };
    match format {
        DiskFormat::Raw if size == 0 => Err("it is empty".to_owned()),
        DiskFormat::Raw => Ok(size),
        DiskFormat::Qcow2 => {
            if head.get(..4) != Some(b"QFI\xfb") {
                return Err("it is no qcow2 image: its first bytes are not QFI\\xfb".to_owned());
            }
            match (number(8), number(24)) {
                (Some(0), Some(virtual_size)) => Ok(virtual_size),
                (Some(_), Some(_)) => Err("it refers to a backing file".to_owned()),
                _ => Err("its header is cut short".to_owned()),
            }
        }
    }
}

fn disk_problem(path: &Path, error: &std::io::Error) -> Failure {
    let full = matches!(error.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded);
    let detail = format!("{} cannot be written", path.display());
    if full {
        return ProblemDetails::new(507, "Insufficient storage", detail)
            .answer(error.to_string())
            .next("free space on the adapter's state directory, then upload again")
            .into();
    }
    ProblemDetails::new(500, "Storage failed", detail).answer(error.to_string()).into()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use reference_points::common::{Owner, OwnerKind};

    use super::*;

    fn spec(format: DiskFormat, content: &[u8]) -> SoftwareImageSpec {
        SoftwareImageSpec {
            name: "i".into(),
            owner: Owner { kind: OwnerKind::VnfPackage, id: Uuid::nil(), operation: None, step: None },
            version: String::new(),
            format,
            sha256: hex::encode(Sha256::digest(content)),
            size_bytes: Some(content.len() as u64),
            min_disk_bytes: None,
            min_memory_bytes: None,
        }
    }

    fn body(content: &[u8], broken: bool) -> impl Stream<Item = Result<Bytes>> + Unpin + use<> {
        let mut items: Vec<Result<Bytes>> = content.chunks(7).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
        if broken {
            items.push(Err(ProblemDetails::new(400, "x", "broken off").into()));
        }
        futures::stream::iter(items)
    }

    fn qcow2(backing: u64, size: u64) -> Vec<u8> {
        let mut head = b"QFI\xfb\0\0\0\x03".to_vec();
        head.extend(backing.to_be_bytes());
        head.extend([0; 8]);
        head.extend(size.to_be_bytes());
        head.extend([0; 100]);
        head
    }

    #[tokio::test]
    async fn a_content_is_kept_whole_or_not_at_all() {
        let dir = tempfile::tempdir().unwrap();
        let files = ImageFiles::open(dir.path(), 1_000).await.unwrap();
        let (vim, id) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let good = qcow2(0, 1 << 30);
        let left = async || files.list(vim).await.unwrap().len();

        for (what, spec, content, broken, says) in [
            ("cut", spec(DiskFormat::Qcow2, &good), &good[..50], true, "broken off"),
            ("short", spec(DiskFormat::Qcow2, &good), &good[..50], false, "50 bytes came"),
            (
                "other",
                SoftwareImageSpec { size_bytes: None, ..spec(DiskFormat::Qcow2, b"x") },
                &good[..],
                false,
                "SHA-256",
            ),
            (
                "large",
                SoftwareImageSpec { size_bytes: None, ..spec(DiskFormat::Raw, &[0; 2000]) },
                &[0; 2000][..],
                false,
                "larger",
            ),
            ("raw", spec(DiskFormat::Qcow2, b"no image"), b"no image", false, "no qcow2"),
            ("backed", spec(DiskFormat::Qcow2, &qcow2(104, 5)), &qcow2(104, 5)[..], false, "backing file"),
        ] {
            let told = files.store(vim, id, &spec, body(content, broken)).await.unwrap_err().to_string();
            assert!(told.contains(says), "{what}: {told}");
            assert_eq!(left().await, 0, "{what} left a file");
        }

        let content = files.store(vim, id, &spec(DiskFormat::Qcow2, &good), body(&good, false)).await.unwrap();
        let sha512 = hex::encode(Sha512::digest(&good));
        assert_eq!(content, Content { size: good.len() as u64, virtual_size: 1 << 30, sha512 });
        assert_eq!(std::fs::read(files.path(vim, id)).unwrap(), good);
        assert!(files.compare(&spec(DiskFormat::Qcow2, &good), body(&good, false)).await.is_ok());
        assert!(files.compare(&spec(DiskFormat::Qcow2, &good), body(b"other", false)).await.is_err());
        files.remove(vim, id).await.unwrap();
        files.remove(vim, id).await.unwrap();
        assert_eq!(left().await, 0);
    }

    #[tokio::test]
    async fn a_start_removes_what_a_crash_left_unfinished() {
        let dir = tempfile::tempdir().unwrap();
        let vim = Uuid::from_u128(1);
        let home = dir.path().join("images").join(vim.to_string());
        std::fs::create_dir_all(&home).unwrap();
        let whole = home.join(Uuid::nil().to_string());
        std::fs::write(&whole, b"x").unwrap();
        std::fs::write(home.join("a.b.part"), b"x").unwrap();
        let files = ImageFiles::open(dir.path(), 10).await.unwrap();
        assert_eq!(files.list(vim).await.unwrap(), [(whole.display().to_string(), Some(Uuid::nil()))]);
    }
}
