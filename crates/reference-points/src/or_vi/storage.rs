//! Software images (IFA005 clause 7.2) and volumes (clause 7.5).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::ResourceState;
use crate::common::{Owner, ProblemDetails};
use crate::nf_vi::DiskFormat;

/// A software image as it shall be. The content follows by a streamed PUT on `/content`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SoftwareImageSpec {
    /// Human-readable name.
    pub name: String,
    /// Owner mark.
    pub owner: Owner,
    /// Version text of the descriptor.
    #[serde(default)]
    pub version: String,
    /// Disk format.
    pub format: DiskFormat,
    /// SHA-256 of the content, lower-case hexadecimal. The content is refused when it differs.
    pub sha256: String,
    /// Size of the content in bytes, when known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size_bytes: Option<u64>,
    /// Smallest disk it needs, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_disk_bytes: Option<u64>,
    /// Smallest memory it needs, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_memory_bytes: Option<u64>,
}

/// A software image as it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SoftwareImage {
    /// Chosen by the consumer.
    pub id: Uuid,
    /// What was asked for.
    pub spec: SoftwareImageSpec,
    /// The VIM's own identifier, when it has another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vim_resource_id: Option<String>,
    /// SHA-512 of the content, lower-case hexadecimal, as the VIM found it; descriptors may have this digest and no other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha512: Option<String>,
    /// `Building` until its content is complete.
    pub state: ResourceState,
    /// Why it is not usable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub problem: Option<ProblemDetails>,
}

/// A volume as it shall be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VolumeSpec {
    /// Human-readable name.
    pub name: String,
    /// Owner mark.
    pub owner: Owner,
    /// Size in bytes.
    pub size_bytes: u64,
    /// Software image whose content it starts with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_id: Option<Uuid>,
    /// Resource zone it shall be in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
}

/// A volume as it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Volume {
    /// Chosen by the consumer.
    pub id: Uuid,
    /// What was asked for.
    pub spec: VolumeSpec,
    /// The VIM's own identifier, when it has another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vim_resource_id: Option<String>,
    /// Host that holds it, where the VIM has local storage; chosen with the first compute that uses it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Compute that uses it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compute_id: Option<Uuid>,
    /// State.
    pub state: ResourceState,
    /// Why it is not usable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub problem: Option<ProblemDetails>,
}
