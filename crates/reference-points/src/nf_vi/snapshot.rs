//! Snapshots of machines: what all their writable disks held at one moment, and the return to it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::common::{Owner, ProblemDetails};

/// A snapshot as it shall be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SnapshotSpec {
    /// Human-readable name.
    pub name: String,
    /// Owner mark.
    pub owner: Owner,
    /// Machine of this host whose disks are captured: the one it boots from and its volumes, all at one moment.
    pub machine_id: Uuid,
}

/// A snapshot as it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Snapshot {
    /// Chosen by the caller.
    pub id: Uuid,
    /// What was asked for.
    pub spec: SnapshotSpec,
    /// What is.
    pub state: SnapshotState,
    /// Why it is in [`SnapshotState::Error`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub problem: Option<ProblemDetails>,
    /// How the guest stood at that moment; once it is ready.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consistency: Option<Consistency>,
    /// What was captured; once it is ready.
    #[serde(default)]
    pub disks: Vec<SnapshotDisk>,
    /// Microseconds since the epoch when it was ready; 0 before.
    pub taken_at: i64,
}

/// State of a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SnapshotState {
    /// Being taken.
    Building,
    /// Whole.
    Ready,
    /// It could not be taken; nothing of it is left.
    Error,
    /// Being removed.
    Deleting,
}

/// How the guest stood when its disks were captured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Consistency {
    /// It ran and its agent had its file systems frozen.
    Quiesced,
    /// It ran and has no agent that answers: as after a power cut.
    Crash,
    /// It did not run.
    Stopped,
}

/// What was captured of one disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SnapshotDisk {
    /// The volume; absent for a disk of the machine's own over an image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume_id: Option<Uuid>,
    /// Space it takes, in bytes.
    pub size_bytes: u64,
}

/// The return of a machine's disks to a snapshot. It is stopped for that, and then runs again if it shall.
///
/// As long as a machine's specification has one, what its disks held before is kept, so that `back` can bring it back;
/// once the specification has none, that is let go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Revert {
    /// Tells this return from every other: asked for twice, it happens once.
    pub id: Uuid,
    /// The snapshot.
    pub snapshot_id: Uuid,
    /// It is taken back: the disks are what they were before it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub back: bool,
}
