//! Snapshots: what the disks of a compute and its volumes held at one moment (IFA005 clauses 7.3.1 and 7.5.1). A compute
//! returns to one by [`super::ComputeSpec::revert`].

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::ResourceState;
use crate::common::{Owner, ProblemDetails};
use crate::nf_vi::Consistency;

/// A snapshot as it shall be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SnapshotSpec {
    /// Human-readable name.
    pub name: String,
    /// Owner mark.
    pub owner: Owner,
    /// Compute whose root disk and volumes are captured.
    pub compute_id: Uuid,
}

/// A snapshot as it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Snapshot {
    /// Chosen by the consumer.
    pub id: Uuid,
    /// What was asked for.
    pub spec: SnapshotSpec,
    /// The VIM's own identifier, when it has another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vim_resource_id: Option<String>,
    /// Host that holds it, where the VIM has local storage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// State.
    pub state: ResourceState,
    /// Why it is not usable, or what it waits for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub problem: Option<ProblemDetails>,
    /// How the guest stood at that moment; once it is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consistency: Option<Consistency>,
    /// Volumes captured beside the root disk, when that is none; once it is there.
    #[serde(default)]
    pub volumes: Vec<Uuid>,
    /// Space it takes, in bytes; 0 while that is not known.
    pub size_bytes: u64,
}
