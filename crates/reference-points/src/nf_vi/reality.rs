//! What a host really has of a machine, asked now: what the records say of it is not looked at.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// A machine as hypervisor, switch and disk have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Reality {
    /// The hypervisor runs it.
    pub runs: bool,
    /// Virtual CPUs.
    pub vcpus: u32,
    /// Memory in bytes.
    pub memory_bytes: u64,
    /// Disks in the order in which the guest sees them, without first-boot data.
    pub disks: Vec<RealDisk>,
    /// Ports.
    pub ports: Vec<RealPort>,
}

/// A disk that a machine has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RealDisk {
    /// Volume; absent for the disk of its own that a machine boots from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume_id: Option<Uuid>,
    /// Size in bytes that the guest sees; absent when the file is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size_bytes: Option<u64>,
}

/// A port that a machine has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RealPort {
    /// Port.
    pub id: Uuid,
    /// The switch has it.
    pub plugged: bool,
}
