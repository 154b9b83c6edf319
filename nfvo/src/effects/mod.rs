//! What the steps act on, as seams: the VIM and the VNFM outside, the package files and the records inside. Each has one
//! real form and, in the tests, one in memory that breaks on demand.

pub mod images;
pub mod vim;
pub mod vnfm;

use async_trait::async_trait;
use uuid::Uuid;

use crate::ops::pursue::Told;

pub use images::{ImageContent, PackageImages};
pub use vim::Vims;
pub use vnfm::Vnfms;

/// The NFVO's own records that steps write.
#[async_trait]
pub trait Ledger: Send + Sync {
    /// A VNF instance is part of an NS from now on. Told twice, it is noted once.
    async fn vnf_created(&self, vnf: VnfRecord) -> Result<(), LedgerError>;

    /// A VNF instance is gone.
    async fn vnf_deleted(&self, vnf_instance_id: Uuid) -> Result<(), LedgerError>;

    /// The failure of the VNF's newest operation that was reported last.
    async fn told(&self, vnf_instance_id: Uuid) -> Result<Option<Told>, LedgerError>;

    /// The failure is being reported.
    async fn tell(&self, vnf_instance_id: Uuid, told: Told) -> Result<(), LedgerError>;

    /// An image is about to be brought to a VIM for a package.
    async fn image_wanted(&self, vim: Uuid, image: Uuid, sha256: &str, package: Uuid) -> Result<(), LedgerError>;
}

/// A VNF instance as part of an NS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VnfRecord {
    /// The VNF instance.
    pub vnf_instance_id: Uuid,
    /// The NS it is part of.
    pub ns_id: Uuid,
    /// Its place in the NS.
    pub part: String,
    /// VIM that gets its resources.
    pub vim: Uuid,
    /// Its package.
    pub package_id: Uuid,
}

/// The records cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[error("the NFVO's database: {0}")]
pub struct LedgerError(pub String);

impl From<db::DbError> for LedgerError {
    fn from(error: db::DbError) -> Self {
        Self(error.to_string())
    }
}

impl From<db::sqlx::Error> for LedgerError {
    fn from(error: db::sqlx::Error) -> Self {
        Self(error.to_string())
    }
}
