//! What of a running VNF holds against its descriptor.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// A VNF held against its descriptor, by what the VIM answered when it was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Verification {
    /// VNF instance.
    pub vnf_instance_id: Uuid,
    /// Its descriptor.
    pub vnfd_id: String,
    /// Every check is held.
    pub holds: bool,
    /// What was looked at.
    pub checks: Vec<Check>,
}

/// One thing that the descriptor or the request of the instantiation says, and what there is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    /// What it is about: `VDU web`, `VNFC web-1`, `port web-1-data`, `volume web-1-log`, `affinity rule apart`.
    pub subject: String,
    /// What of it: `level`, `power`, `vCPUs`, `memory`, `root disk`, `volumes`, `ports`, `network`, `addresses`, `size`, `placement`.
    pub aspect: String,
    /// What it shall be.
    pub expected: String,
    /// What it is.
    pub found: String,
    /// Whether that is the same.
    pub holds: bool,
}

impl Check {
    /// A check of two values that people can read.
    pub fn equal(
        subject: &str,
        aspect: &str,
        expected: impl std::fmt::Display + PartialEq,
        found: impl std::fmt::Display,
    ) -> Self {
        let (expected, found) = (expected.to_string(), found.to_string());
        Self { subject: subject.to_owned(), aspect: aspect.to_owned(), holds: expected == found, expected, found }
    }
}
