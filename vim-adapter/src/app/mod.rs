//! Decisions: what is asked is checked, written down as wanted, carried out by the VIM's driver, and its outcome written
//! down. One file per noun.

mod adopt;
pub mod affinity;
pub mod change_compute;
pub mod computes;
pub mod create_compute;
pub mod hosts;
pub mod images;
pub mod info;
pub mod networks;
pub mod ports;
pub mod snapshots;
pub mod subnets;
pub mod vims;
pub mod volumes;

use std::collections::HashMap;
use std::sync::Arc;

use reference_points::common::{Fault, ProblemDetails};
use tokio::sync::RwLock;
use uuid::Uuid;

use crate::error::{Failure, Result};
use crate::image_files::ImageFiles;
use crate::ledger::Ledger;
use crate::store::Store;
use crate::tasks::Tasks;
use crate::vault::Vault;
use crate::vim::Vim;

/// The adapter.
#[derive(Debug)]
pub struct App {
    /// What is remembered.
    pub store: Store,
    /// Contents of software images.
    pub images: ImageFiles,
    /// Seals the secrets of VIMs.
    vault: Vault,
    /// Background tasks of the drivers.
    tasks: Tasks,
    vims: RwLock<HashMap<Uuid, Arc<dyn Vim>>>,
    /// One registration at a time.
    registering: tokio::sync::Mutex<()>,
}

impl App {
    /// An adapter without drivers; [`App::resume`] starts those of the registered VIMs.
    pub fn new(store: Store, images: ImageFiles, vault: Vault, tasks: Tasks) -> Self {
        Self { store, images, vault, tasks, vims: RwLock::default(), registering: tokio::sync::Mutex::default() }
    }

    /// The driver of a VIM.
    ///
    /// # Errors
    /// 404.
    pub async fn driver(&self, vim: Uuid) -> Result<Arc<dyn Vim>> {
        self.vims.read().await.get(&vim).cloned().ok_or_else(|| Failure::not_found(format!("VIM {vim}")))
    }

    /// Where what concerns a VIM is written down.
    pub fn ledger(&self, vim: Uuid) -> Ledger {
        Ledger { store: self.store.clone(), vim }
    }
}

/// 409 while something is being removed.
pub(crate) fn being_deleted(what: &str) -> Failure {
    ProblemDetails::conflict(format!("{what} is being deleted")).next("wait until it is gone, then ask again").into()
}

/// 409 while something is in use, naming the users.
pub(crate) fn in_use(what: &str, users: &[String]) -> Failure {
    ProblemDetails::conflict(format!("{what} is used by {}", users.join(", "))).next("delete those first").into()
}

/// Faults of a name: empty, longer than 255 characters, or with control characters.
pub(crate) fn name_faults(name: &str) -> Vec<Fault> {
    let mut faults = Vec::new();
    if name.is_empty() || name.chars().count() > 255 {
        faults.push(Fault::new("/name", format!("has {} characters, 1 to 255 are accepted", name.chars().count())));
    }
    if name.chars().any(char::is_control) {
        faults.push(Fault::new("/name", "contains control characters"));
    }
    faults
}
