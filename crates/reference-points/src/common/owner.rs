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
    /// An onboarded VNF package of the NFVO (software images).
    VnfPackage,
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
