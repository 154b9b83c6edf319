//! What an operation is submitted with, besides its steps: read back by the observer, by the occurrence and by a retry.

use std::collections::BTreeMap;

use reference_points::common::KeyValuePairs;
use reference_points::or_vnfm::{
    ExtVirtualLinkInfo, ModificationsTriggeredByVnfPkgChange, VimConnectionInfo, VnfInfoModifications, VnfInstance,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::record::Facts;
use super::snapshot::SnapshotUse;

/// Why the VNFM began an operation by itself.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Automatic {
    /// The VNFCs that are healed; none for a scaling.
    pub vnfcs: Vec<String>,
    /// Indicators whose new values led to it, with when they were heard of in microseconds since the epoch.
    pub news: BTreeMap<String, i64>,
}

/// Parameters of an operation in the engine's journal.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OperationParams {
    /// The request as it came (`operationParams` of the occurrence).
    pub request: Value,
    /// What the record will say; of an instantiation only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub facts: Option<Facts>,
    /// The configurable properties that the instance will have, where they change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub properties: Option<Value>,
    /// The record as it will be, and what of it is told as changed; of a modification only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modified: Option<Box<(VnfInstance, VnfInfoModifications)>>,
    /// The extensions that the instance will have, where they change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extensions: Option<KeyValuePairs>,
    /// VIM connections that the request names.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub connections: BTreeMap<String, VimConnectionInfo>,
    /// External links as they will be, of those that the request names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub connectivity: Vec<ExtVirtualLinkInfo>,
    /// The VNF snapshot that is made or returned to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<Box<SnapshotUse>>,
    /// Why the VNFM began it by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub automatic: Option<Automatic>,
    /// What changes in the record with the VNF package.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package: Option<Box<ModificationsTriggeredByVnfPkgChange>>,
}
