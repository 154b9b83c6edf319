//! Owner marks: everything made outside this stack carries one, set in the request that makes it, so that leaks can be
//! found by asking the outside.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use uuid::Uuid;

/// What kind of record owns a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OwnerKind {
    /// A VNF instance of the VNFM.
    VnfInstance,
    /// An NS instance of the NFVO.
    NsInstance,
    /// A VNF snapshot of the VNFM, which outlives the VNF instance it was taken of.
    VnfSnapshot,
    /// An onboarded VNF package of the NFVO (software images).
    VnfPackage,
    /// A VIM of the NFVO: its operator put there what no package brings (software images).
    Vim,
}

impl OwnerKind {
    /// Every kind.
    pub const ALL: [Self; 5] = [Self::VnfInstance, Self::NsInstance, Self::VnfSnapshot, Self::VnfPackage, Self::Vim];

    /// Its word in marks and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::VnfInstance => "vnf_instance",
            Self::NsInstance => "ns_instance",
            Self::VnfSnapshot => "vnf_snapshot",
            Self::VnfPackage => "vnf_package",
            Self::Vim => "vim",
        }
    }

    /// The kind with this word.
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// Owner mark of a resource in a VIM or on a host.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Owner {
    /// Kind of the owning record.
    pub kind: OwnerKind,
    /// Identifier of the owning record.
    pub id: Uuid,
    /// Operation occurrence that made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<Uuid>,
    /// Step of that operation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
}
