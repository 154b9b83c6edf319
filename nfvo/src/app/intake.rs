//! Archives on their way in: streamed to the disk with their digest taken on the way, memory flat. What breaks off leaves
//! nothing: the file is removed, and the record never said more than that nothing was there.

use std::collections::HashMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Bytes;
use futures::StreamExt;
use reference_points::common::ProblemDetails;
use reference_points::os_ma_nfvo::PackageOnboardingState;
use service::http::{ApiError, ApiResult, Upload};
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use uuid::Uuid;

/// Chunks of an upload that wait for their digest or for the disk.
const CHUNKS: usize = 16;

/// Where archives are kept, and which of them are on their way.
#[derive(Debug, Clone)]
pub struct Files {
    packages: PathBuf,
    nsds: PathBuf,
    limit: u64,
    under_way: Arc<Mutex<HashMap<Uuid, PackageOnboardingState>>>,
}

impl Files {
    /// Archives below `state_dir`; none may be larger than `limit` bytes. What an earlier process left half-written is
    /// removed.
    ///
    /// # Errors
    /// The directories cannot be made or read.
    pub fn open(state_dir: &Path, limit: u64) -> std::io::Result<Self> {
        let files = Self {
            packages: state_dir.join("packages"),
            nsds: state_dir.join("nsds"),
            limit,
            under_way: Arc::default(),
        };
        for dir in [&files.packages, &files.nsds] {
            std::fs::create_dir_all(dir)?;
            for entry in std::fs::read_dir(dir)? {
                let path = entry?.path();
                if path.extension().is_some_and(|e| e == "part") {
                    std::fs::remove_file(path)?;
                }
            }
        }
        Ok(files)
    }

    /// Removes archives that belong to nothing onboarded: an earlier process ended between the file and its record.
    ///
    /// # Errors
    /// The directories cannot be read, or a file not be removed.
    pub async fn sweep(&self, onboarded: &[Uuid]) -> std::io::Result<()> {
        for dir in [&self.packages, &self.nsds] {
            let mut entries = tokio::fs::read_dir(dir).await?;
            while let Some(entry) = entries.next_entry().await? {
                let path = entry.path();
                let id = path.file_stem().and_then(|s| s.to_str()?.parse::<Uuid>().ok());
                if path.extension().is_some_and(|e| e == "zip") && id.is_some_and(|id| !onboarded.contains(&id)) {
                    tracing::info!(archive = %path.display(), "an archive without an onboarded record is removed");
                    tokio::fs::remove_file(path).await?;
                }
            }
        }
        Ok(())
    }

    /// Directory of the VNF packages.
    pub fn packages(&self) -> &Path {
        &self.packages
    }

    /// Archive of a VNF package.
    pub fn package(&self, id: Uuid) -> PathBuf {
        self.packages.join(format!("{id}.zip"))
    }

    /// Archive of an NSD.
    pub fn nsd(&self, id: Uuid) -> PathBuf {
        self.nsds.join(format!("{id}.zip"))
    }

    /// What is going on with an archive now, when anything is.
    pub fn state(&self, id: Uuid) -> Option<PackageOnboardingState> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner).get(&id).copied()
    }

    /// Takes the turn to upload an archive.
    ///
    /// # Errors
    /// 409 while somebody else has it.
    pub fn begin(&self, id: Uuid) -> ApiResult<Turn> {
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(state) = under_way.get(&id) {
            return Err(ApiError::conflict(format!("an upload to {id} is under way already ({state})")));
        }
        under_way.insert(id, PackageOnboardingState::Uploading);
        Ok(Turn { id, under_way: self.under_way.clone() })
    }

    /// Streams an upload into a file beside `target`.
    ///
    /// # Errors
    /// 413 when it is too large, 507 when the disk is full, and what the sender did.
    pub async fn receive(&self, target: &Path, upload: Upload) -> ApiResult<Received> {
        if upload.length.is_some_and(|n| n > self.limit) {
            return Err(too_large(self.limit));
        }
        let part = Part::beside(target);
        let file = std::fs::File::create(part.path()).map_err(|e| unwritable(&e))?;
        // Receiving, digesting and writing go side by side; a channel that is full holds the sender up, so memory stays flat.
        let (to_digest, digesting) = aside(sha256);
        let (to_disk, writing) = aside(move |chunks| write(file, chunks));
        let mut stream = upload.stream();
        let mut size = 0_u64;
        while let Some(chunk) = stream.next().await {
            let chunk = chunk?;
            size += chunk.len() as u64;
            if size > self.limit {
                return Err(too_large(self.limit));
            }
            // Neither ends before its time but by an error, which is told below.
            if to_digest.send(chunk.clone()).await.is_err() || to_disk.send(chunk).await.is_err() {
                break;
            }
        }
        drop((to_digest, to_disk));
        joined(writing).await?.map_err(|e| unwritable(&e))?;
        Ok(Received { part, size, sha256: joined(digesting).await? })
    }
}

/// Work on chunks in a thread that may block.
fn aside<T: Send + 'static>(
    work: impl FnOnce(mpsc::Receiver<Bytes>) -> T + Send + 'static,
) -> (mpsc::Sender<Bytes>, JoinHandle<T>) {
    let (sender, chunks) = mpsc::channel(CHUNKS);
    (sender, tokio::task::spawn_blocking(move || work(chunks)))
}

async fn joined<T>(work: JoinHandle<T>) -> ApiResult<T> {
    work.await.map_err(|e| ApiError::internal(format!("storing an archive met a defect: {e}")))
}

fn sha256(mut chunks: mpsc::Receiver<Bytes>) -> String {
    let mut digest = Sha256::new();
    while let Some(chunk) = chunks.blocking_recv() {
        digest.update(&chunk);
    }
    hex::encode(digest.finalize())
}

fn write(mut file: std::fs::File, mut chunks: mpsc::Receiver<Bytes>) -> std::io::Result<()> {
    while let Some(chunk) = chunks.blocking_recv() {
        file.write_all(&chunk)?;
    }
    file.sync_all()
}

/// The right to upload one archive; given back when dropped.
#[derive(Debug)]
pub struct Turn {
    id: Uuid,
    under_way: Arc<Mutex<HashMap<Uuid, PackageOnboardingState>>>,
}

impl Turn {
    /// The archive is complete and is being read.
    pub fn processing(&self) {
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        under_way.insert(self.id, PackageOnboardingState::Processing);
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
    }
}

/// An archive that arrived whole.
#[derive(Debug)]
pub struct Received {
    /// The file.
    pub part: Part,
    /// Its size in bytes.
    pub size: u64,
    /// Its SHA-256, lower-case hexadecimal.
    pub sha256: String,
}

/// A file that is removed when dropped, unless it was kept.
#[derive(Debug)]
pub struct Part(PathBuf);

impl Part {
    /// A file to be written by the caller, beside `target`.
    pub fn beside(target: &Path) -> Self {
        Self(target.with_extension(format!("{}.part", Uuid::new_v4())))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Puts it in its place.
    ///
    /// # Errors
    /// 507 or 500, as the file system has it.
    pub async fn keep(self, target: &Path) -> ApiResult<()> {
        tokio::fs::rename(&self.0, target).await.map_err(|e| unwritable(&e))
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // Renamed files are not there any more; what else goes wrong is swept up at the next start.
        let _ = std::fs::remove_file(&self.0);
    }
}

fn too_large(limit: u64) -> ApiError {
    ApiError::new(
        ProblemDetails::new(413, "Payload too large", format!("archives of more than {limit} bytes are not taken"))
            .next("raise max_archive_bytes in the configuration, if the disk has room"),
    )
}

/// The file system refused: a full disk is told as such.
pub fn unwritable(error: &std::io::Error) -> ApiError {
    use std::io::ErrorKind as K;
    if matches!(error.kind(), K::StorageFull | K::QuotaExceeded | K::FileTooLarge) {
        return ApiError::new(
            ProblemDetails::new(507, "Insufficient storage", "the archive does not fit on the disk: nothing was kept")
                .answer(error.to_string())
                .next("free space below state_dir, then send it again"),
        );
    }
    let mut problem = ApiError::internal("an archive cannot be written or read below state_dir");
    problem.problem.answer = Some(error.to_string());
    problem
}
