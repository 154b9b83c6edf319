//! Descriptors of onboarded packages, read from the NFVO once: what a VNFD id names never changes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use descriptors::archive::{Limits, Package};
use descriptors::diag::Diagnostic;
use descriptors::vnfd::{Vnfd, read_vnfd};
use reference_points::common::{Fault, ProblemDetails};
use reference_points::or_vnfm::OnboardedClient;
use service::http::{ApiError, ApiResult};

/// Descriptors kept in memory at most.
const KEPT: usize = 64;

/// Packages of the NFVO.
#[derive(Debug)]
pub struct Packages {
    nfvo: OnboardedClient,
    kept: Mutex<BTreeMap<String, Arc<Known>>>,
}

/// What is known of a package.
#[derive(Debug)]
pub struct Known {
    /// Its descriptor.
    pub vnfd: Vnfd,
    /// Text files that boot data name, by path.
    pub files: BTreeMap<String, String>,
}

impl Packages {
    /// Packages of the NFVO at `base`.
    pub fn new(base: &str) -> Self {
        Self { nfvo: OnboardedClient::new(base), kept: Mutex::default() }
    }

    /// The package with this descriptor.
    ///
    /// # Errors
    /// 422 when the NFVO has none, 503 when it cannot be asked, 422 with every fault when it cannot be read.
    pub async fn get(&self, vnfd_id: &str) -> ApiResult<Arc<Known>> {
        if let Some(known) = self.lock().get(vnfd_id) {
            return Ok(known.clone());
        }
        let known = Arc::new(self.fetch(vnfd_id).await?);
        let mut kept = self.lock();
        if kept.len() >= KEPT {
            kept.pop_first();
        }
        kept.insert(vnfd_id.to_owned(), known.clone());
        Ok(known)
    }

    async fn fetch(&self, vnfd_id: &str) -> ApiResult<Known> {
        let Some(archive) = self.nfvo.vnfd(vnfd_id).await? else {
            let fault = Fault::new("/vnfdId", format!("the NFVO has no onboarded package with VNFD {vnfd_id}"));
            let fault = fault.mend("mano vnfpkg list shows those it has; mano vnfpkg onboard FILE adds one");
            return Err(ProblemDetails::unprocessable("the VNFD is not onboarded", vec![fault]).into());
        };
        let vnfd = tokio::task::spawn_blocking(move || {
            Package::from_bytes(archive, &Limits::default()).and_then(|package| read_vnfd(&package))
        });
        let vnfd = vnfd.await.map_err(|e| ApiError::internal(format!("reading the VNFD: {e}")))?.map_err(|told| {
            let faults = told.errors().map(fault).collect();
            ApiError::unprocessable(format!("the NFVO's VNFD {vnfd_id} cannot be read"), faults)
        })?;
        let files = self.boot_files(vnfd_id, &vnfd).await?;
        Ok(Known { vnfd, files })
    }

    async fn boot_files(&self, vnfd_id: &str, vnfd: &Vnfd) -> ApiResult<BTreeMap<String, String>> {
        let mut files = BTreeMap::new();
        let named = vnfd.flavours.iter().flat_map(|f| &f.vdus).filter_map(|v| v.boot_data.as_ref()?.source_path());
        for path in named {
            if files.contains_key(path) {
                continue;
            }
            let Some(bytes) = self.nfvo.artifact(vnfd_id, path).await? else {
                let fault = Fault::new(path, "the VNFD's boot data name this file, and the package does not have it");
                return Err(ApiError::unprocessable("the package is not complete", vec![fault]));
            };
            let text = String::from_utf8(bytes)
                .map_err(|_| ApiError::unprocessable("boot data is text", vec![Fault::new(path, "it is not UTF-8")]))?;
            files.insert(path.to_owned(), text);
        }
        Ok(files)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Arc<Known>>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn fault(found: &Diagnostic) -> Fault {
    let place = match (&found.file, found.line) {
        (Some(file), Some(line)) => format!("{file}:{line}:{}", found.column.unwrap_or(1)),
        (Some(file), None) => file.clone(),
        _ => "VNFD".to_owned(),
    };
    Fault { location: place, message: found.message.clone(), mend: found.mend.clone() }
}
