//! What an operation is submitted with, besides its steps: read back by the observer, by the occurrence and by a retry.

use reference_points::or_vnfm::{VnfInfoModifications, VnfInstance};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::record::Facts;

/// Parameters of an operation in the engine's journal.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OperationParams {
    /// The request as it came (`operationParams` of the occurrence).
    pub request: Value,
    /// What the record will say; of an instantiation only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub facts: Option<Facts>,
    /// The configurable properties that the instance will have; of an instantiation only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub properties: Option<Value>,
    /// The record as it will be, and what of it is told as changed; of a modification only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modified: Option<Box<(VnfInstance, VnfInfoModifications)>>,
}
