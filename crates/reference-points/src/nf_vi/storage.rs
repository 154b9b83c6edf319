//! Images and volumes of a host.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::common::Owner;

/// Header of an image upload: `sha-256` checksum of the content, 64 hexadecimal digits. Optional; refused with 422 when
/// the content differs.
pub const HEADER_IMAGE_SHA256: &str = "x-image-sha256";
/// Header of an image upload: disk format, `qcow2` or `raw`.
pub const HEADER_IMAGE_FORMAT: &str = "x-image-format";
/// Header of an image upload: JSON of the [`Owner`] mark.
pub const HEADER_IMAGE_OWNER: &str = "x-image-owner";

/// Format of a disk image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum DiskFormat {
    /// QEMU copy-on-write version 2 or 3, without a backing file.
    Qcow2,
    /// Plain bytes.
    Raw,
}

/// An image on a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImageInfo {
    /// Chosen by the caller.
    pub id: Uuid,
    /// Disk format.
    pub format: DiskFormat,
    /// Size of the file in bytes.
    pub size_bytes: u64,
    /// Size the guest sees, in bytes.
    pub virtual_size_bytes: u64,
    /// SHA-256 of the content, lower-case hexadecimal.
    pub sha256: String,
    /// Owner mark.
    pub owner: Owner,
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
    /// Image of this host whose content it starts with; absent means empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_id: Option<Uuid>,
}

/// A volume as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VolumeInfo {
    /// Chosen by the caller.
    pub id: Uuid,
    /// What was asked for.
    pub spec: VolumeSpec,
    /// Machine that uses it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attached_to: Option<Uuid>,
    /// Space it takes on the host's disk now, in bytes.
    pub allocated_bytes: u64,
}
