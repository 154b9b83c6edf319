//! Parts of a service beside its VNFs: nested services, PNFs, monitoring, auto-scale rules, mirroring
//! (SOL001 clauses 7.2, 7.8 and 7.10).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::model::Connection;
use crate::expr::Expr;
use crate::network::{MonitoringParameter, Trigger, VersionDependency};

/// `tosca.datatypes.nfv.NsProfile`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct NsProfile {
    /// `ns_instantiation_level`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instantiation_level: Option<String>,
    /// `target_ns_scale_level`: scale level of each aspect.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub scale_levels: BTreeMap<String, u32>,
    /// Fewest instances.
    pub min_instances: u32,
    /// Most instances.
    pub max_instances: u32,
    /// `flavour_id`, which versions before 3.7.1 have here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flavour_id: Option<String>,
    /// `version_dependency`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub version_dependencies: Vec<VersionDependency>,
}

/// A nested service: a node template whose type derives from `tosca.nodes.nfv.NS`, other than the service itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct NestedNs {
    /// Name of the node template; IFA014's nsProfileId.
    pub name: String,
    /// Its node type.
    pub node_type: String,
    /// `descriptor_id` of its NSD.
    pub nsd_id: String,
    /// `flavour_id` of its NSD; `None` where none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flavour_id: Option<String>,
    /// `ns_profile`.
    pub profile: NsProfile,
    /// Connections of its SAPs.
    pub connections: Vec<Connection>,
    /// Nodes that must be there before it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<String>,
    /// Values of its other properties.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub properties: BTreeMap<String, Expr>,
}

/// A PNF of the service: a node template whose type derives from `tosca.nodes.nfv.PNF`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PnfProfile {
    /// Name of the node template; IFA014's pnfProfileId.
    pub name: String,
    /// Its node type.
    pub node_type: String,
    /// `descriptor_id` of its PNFD.
    pub pnfd_id: String,
    /// Connections of its connection points.
    pub connections: Vec<Connection>,
    /// Nodes that must be there before it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<String>,
    /// `version_dependency`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub version_dependencies: Vec<VersionDependency>,
    /// Values of its other properties.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub properties: BTreeMap<String, Expr>,
}

/// `tosca.policies.nfv.NsMonitoring` or `VnfMonitoring`: what is monitored of the service or of some of its VNFs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Monitoring {
    /// Policy name.
    pub name: String,
    /// The service or the VNFs.
    pub targets: Vec<String>,
    /// What is measured.
    pub parameters: Vec<MonitoringParameter>,
}

/// `tosca.policies.nfv.NsAutoScale`: when the service is scaled without being asked.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AutoScale {
    /// Policy name.
    pub name: String,
    /// The services it is for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<String>,
    /// Its rules.
    pub triggers: Vec<Trigger>,
}

/// `tosca.datatypes.nfv.NsDataFlowMirroring`: a mirroring job of a virtual link.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MirroringJob {
    /// `mirroring_job_name`.
    pub name: String,
    /// `description`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// `tosca.policies.nfv.DataFlowInfo`: a data flow that may be mirrored.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DataFlow {
    /// Policy name.
    pub name: String,
    /// `data_flow_info_id`.
    pub id: String,
    /// `associated_mirroring_job_name`.
    pub mirroring_job: String,
    /// `direction`: `in`, `out` or `both`.
    pub direction: String,
    /// The connection points it passes.
    pub targets: Vec<String>,
}
