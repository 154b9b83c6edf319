//! Packages of the NFVO: their descriptors and files, read once. A package never changes; which package has a VNFD may:
//! another one with the same identifier can come after it was deleted. So that is asked for each time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use descriptors::archive::{Limits, Package};
use descriptors::diag::Diagnostic;
use descriptors::vnfd::{Vnfd, read_vnfd};
use reference_points::common::{CallError, Fault, ProblemDetails, Uuid};
use reference_points::or_vnfm::OnboardedClient;
use reference_points::os_ma_nfvo::VnfPkgInfo;
use service::http::{ApiError, ApiResult};

/// Descriptors kept in memory at most.
const KEPT: usize = 64;

/// Packages of the NFVO.
#[derive(Debug)]
pub struct Packages {
    nfvo: OnboardedClient,
    kept: Mutex<BTreeMap<Uuid, Arc<Known>>>,
    looked: Mutex<BTreeMap<String, Arc<Turn>>>,
    /// Numbers questions and lookups in the order in which they begin.
    tickets: AtomicU64,
}

/// The lookups of one VNFD, one at a time, and what the last one found.
type Turn = tokio::sync::Mutex<Option<Looked>>;

#[derive(Debug, Clone)]
struct Looked {
    ticket: u64,
    info: Option<Arc<VnfPkgInfo>>,
}

/// What is known of a package.
#[derive(Debug)]
pub struct Known {
    /// The package.
    pub package: Uuid,
    /// Its descriptor.
    pub vnfd: Vnfd,
    /// Text files that boot data name, by path.
    pub files: BTreeMap<String, String>,
    /// Paths of its files but for software images.
    pub listed: BTreeSet<String>,
}

impl Packages {
    /// Packages of the NFVO at `base`.
    pub fn new(base: &str) -> Self {
        Self {
            nfvo: OnboardedClient::new(base),
            kept: Mutex::default(),
            looked: Mutex::default(),
            tickets: AtomicU64::new(0),
        }
    }

    /// The package that has this descriptor now.
    ///
    /// # Errors
    /// 422 when the NFVO has none, 503 when it cannot be asked, 422 with every fault when it cannot be read.
    pub async fn get(&self, vnfd_id: &str) -> ApiResult<Arc<Known>> {
        let Some(info) = self.info(vnfd_id).await? else {
            let fault = Fault::new("/vnfdId", format!("the NFVO has no onboarded package with VNFD {vnfd_id}"));
            let fault = fault.mend("mano vnfpkg list shows those it has; mano vnfpkg onboard FILE adds one");
            return Err(ProblemDetails::unprocessable("the VNFD is not onboarded", vec![fault]).into());
        };
        if let Some(known) = lock(&self.kept).get(&info.id) {
            return Ok(known.clone());
        }
        let known = Arc::new(self.fetch(vnfd_id, &info).await?);
        keep(&mut lock(&self.kept), info.id, known.clone());
        Ok(known)
    }

    /// A file of a package; `None` when it has none by this path.
    ///
    /// # Errors
    /// Any [`CallError`] but 404.
    pub async fn file(&self, known: &Known, path: &str) -> Result<Option<Vec<u8>>, CallError> {
        self.nfvo.package_artifact(known.package, path).await
    }

    /// Which package has a descriptor now. Those who ask at the same time share a lookup that began after they asked. While
    /// the NFVO does not answer, what it said last holds.
    async fn info(&self, vnfd_id: &str) -> Result<Option<Arc<VnfPkgInfo>>, CallError> {
        let asked = self.tickets.fetch_add(1, Ordering::SeqCst);
        let turn = {
            let mut looked = lock(&self.looked);
            let turn = looked.get(vnfd_id).cloned().unwrap_or_default();
            keep(&mut looked, vnfd_id.to_owned(), turn.clone());
            turn
        };
        let mut last = turn.lock().await;
        if let Some(looked) = last.as_ref().filter(|looked| looked.ticket > asked) {
            return Ok(looked.info.clone());
        }
        let ticket = self.tickets.fetch_add(1, Ordering::SeqCst);
        match self.nfvo.get(vnfd_id).await {
            Ok(info) => {
                let info = info.map(Arc::new);
                *last = Some(Looked { ticket, info: info.clone() });
                Ok(info)
            }
            Err(error) => match last.as_ref().and_then(|looked| looked.info.clone()) {
                Some(info) if error.is_transient() || error.is_unknown() => {
                    tracing::warn!(vnfd_id, package = %info.id, %error, "the NFVO does not say whether this is the package still");
                    Ok(Some(info))
                }
                _ => Err(error),
            },
        }
    }

    async fn fetch(&self, vnfd_id: &str, info: &VnfPkgInfo) -> ApiResult<Known> {
        let gone = || ApiError::conflict(format!("VNF package {} was deleted just now", info.id));
        let archive = self.nfvo.package_vnfd(info.id).await?.ok_or_else(gone)?;
        let read = tokio::task::spawn_blocking(move || {
            let package = Package::from_bytes(archive, &Limits::default())?;
            // What is YAML counts as descriptor, and is listed there alone.
            let described: BTreeSet<String> = package.files().map(|(path, _)| path.to_owned()).collect();
            read_vnfd(&package).map(|vnfd| (vnfd, described))
        });
        let read = read.await.map_err(|e| ApiError::internal(format!("reading the VNFD: {e}")))?;
        let (vnfd, mut listed) = read.map_err(|told| {
            let faults = told.errors().map(fault).collect();
            ApiError::unprocessable(format!("the NFVO's VNFD {vnfd_id} cannot be read"), faults)
        })?;
        listed.extend(info.additional_artifacts.iter().filter_map(|a| a.artifact_path.clone()));
        let files = self.boot_files(info.id, &vnfd).await?;
        Ok(Known { package: info.id, vnfd, files, listed })
    }

    async fn boot_files(&self, package: Uuid, vnfd: &Vnfd) -> ApiResult<BTreeMap<String, String>> {
        let mut files = BTreeMap::new();
        let named = vnfd.flavours.iter().flat_map(|f| &f.vdus).filter_map(|v| v.boot_data.as_ref()?.source_path());
        for path in named {
            if files.contains_key(path) {
                continue;
            }
            let Some(bytes) = self.nfvo.package_artifact(package, path).await? else {
                let fault = Fault::new(path, "the VNFD's boot data name this file, and the package does not have it");
                return Err(ApiError::unprocessable("the package is not complete", vec![fault]));
            };
            let text = String::from_utf8(bytes)
                .map_err(|_| ApiError::unprocessable("boot data is text", vec![Fault::new(path, "it is not UTF-8")]))?;
            files.insert(path.to_owned(), text);
        }
        Ok(files)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Keeps one more, and as many as are kept at most.
fn keep<K: Ord, V>(kept: &mut BTreeMap<K, V>, key: K, value: V) {
    if kept.len() >= KEPT && !kept.contains_key(&key) {
        kept.pop_first();
    }
    kept.insert(key, value);
}

fn fault(found: &Diagnostic) -> Fault {
    let place = match (&found.file, found.line) {
        (Some(file), Some(line)) => format!("{file}:{line}:{}", found.column.unwrap_or(1)),
        (Some(file), None) => file.clone(),
        _ => "VNFD".to_owned(),
    };
    Fault { location: place, message: found.message.clone(), mend: found.mend.clone() }
}
