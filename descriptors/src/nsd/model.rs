//! The typed NSD (SOL001 clause 7, IFA014 clause 6).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::forwarding::{ForwardingGraph, ForwardingPoint, Nfp, NfpElement, NfpPosition, NfpRule};
use super::parts::{AutoScale, DataFlow, MirroringJob, Monitoring, NestedNs, NsProfile, PnfProfile};
use super::scaling::NsScaling;
use crate::diag::Diagnostics;
use crate::expr::Expr;
use crate::network::{
    Artifact, Bitrate, Connectivity, CpAddress, Declaration, Interface, PlacementRule, RawElement, RawPolicy,
    SecurityGroupRule, VersionDependency, VlProfile,
};

/// A network service descriptor.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Nsd {
    /// `descriptor_id`, a UUID by the standard.
    pub descriptor_id: String,
    /// `designer`.
    pub designer: String,
    /// `version`.
    pub version: String,
    /// `name`.
    pub name: String,
    /// `invariant_id`.
    pub invariant_id: String,
    /// `ext_invariant_id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ext_invariant_id: Option<String>,
    /// The service's own node type.
    pub node_type: String,
    /// `service_availability_level`, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_availability_level: Option<u32>,
    /// `priority`, 0 being the highest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<u32>,
    /// `strict_nsd_constituent_onboarding`: whether all its parts must be onboarded before it; yes unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strict_onboarding: Option<bool>,
    /// Deployment flavours.
    pub flavours: Vec<NsFlavour>,
    /// What the main file says beside types, imports and topology, such as its `metadata` and `description`.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub service_template: Value,
    /// Properties of the NS node that are none of the above.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub extra: Value,
    /// What was noticed while reading that does not forbid using the descriptor.
    #[serde(default, skip_serializing_if = "Diagnostics::is_empty")]
    pub warnings: Diagnostics,
}

impl Nsd {
    /// A deployment flavour by its identifier.
    #[must_use]
    pub fn flavour(&self, id: &str) -> Option<&NsFlavour> {
        self.flavours.iter().find(|f| f.id == id)
    }

    /// The VNFDs the service is made of, each once.
    #[must_use]
    pub fn vnfd_ids(&self) -> Vec<&str> {
        let mut ids: Vec<&str> = self.flavours.iter().flat_map(|f| &f.vnfs).map(|v| v.vnfd_id.as_str()).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }
}

/// A deployment flavour of a network service.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct NsFlavour {
    /// `flavour_id`.
    pub id: String,
    /// The VNFs of the service.
    pub vnfs: Vec<VnfProfile>,
    /// Virtual links.
    pub virtual_links: Vec<NsVirtualLink>,
    /// Service access points.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub saps: Vec<Sap>,
    /// Nested network services.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nested_ns_profiles: Vec<NestedNs>,
    /// Physical network functions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pnf_profiles: Vec<PnfProfile>,
    /// Connection points that forwarding paths may name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub forwarding_points: Vec<ForwardingPoint>,
    /// Elements of positions of forwarding paths.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nfp_elements: Vec<NfpElement>,
    /// Positions of forwarding paths.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nfp_positions: Vec<NfpPosition>,
    /// Forwarding paths.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nfps: Vec<Nfp>,
    /// Which traffic takes which path.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nfp_rules: Vec<NfpRule>,
    /// Forwarding graphs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub forwarding_graphs: Vec<ForwardingGraph>,
    /// Nested network services, as written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nested_ns: Vec<RawElement>,
    /// Physical network functions, as written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pnfs: Vec<RawElement>,
    /// Forwarding graphs (`VNFFG` groups), as written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vnffgs: Vec<RawElement>,
    /// Affinity and anti-affinity rules.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub placement: Vec<PlacementRule>,
    /// Security group rules of SAPs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub security_group_rules: Vec<SecurityGroupRule>,
    /// `NsInstantiationLevels` and the mappings of VNFs to levels.
    #[serde(default)]
    pub levels: NsLevels,
    /// Scaling aspects and the mappings to their levels.
    #[serde(default, skip_serializing_if = "NsScaling::is_empty")]
    pub scaling: NsScaling,
    /// `ns_profile` of the service itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ns_profile: Option<NsProfile>,
    /// `NsMonitoring`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub monitoring: Vec<Monitoring>,
    /// `VnfMonitoring`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vnf_monitoring: Vec<Monitoring>,
    /// `NsAutoScale`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub auto_scale: Vec<AutoScale>,
    /// `DataFlowInfo`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub data_flows: Vec<DataFlow>,
    /// Artifacts of the NS node, such as the scripts that implement operations.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub artifacts: Vec<Artifact>,
    /// Interfaces of the NS node.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub interfaces: Vec<Interface>,
    /// Inputs of the template.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<Declaration>,
    /// Node templates without a typed form.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub other_nodes: Vec<RawElement>,
    /// Other groups, as written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<RawElement>,
    /// Policies without a typed form.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub other_policies: Vec<RawPolicy>,
    /// Which node waits for which: dependent node to the nodes it depends on.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub dependencies: BTreeMap<String, Vec<String>>,
    /// What policies with a typed form say beyond it, by policy name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub policy_extras: BTreeMap<String, Value>,
    /// What the NS's own node template says beyond what stands elsewhere.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub ns_extra: Value,
    /// What the template says beside nodes, groups, policies and inputs, such as `outputs` and `workflows`.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub template_extra: Value,
}

/// `NsInstantiationLevels` with the mappings of parts to them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NsLevels {
    /// Level identifier to its description.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub levels: BTreeMap<String, String>,
    /// The level taken when the request names none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_level: Option<String>,
    /// VNF node to level to number of instances.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub vnf_instances: BTreeMap<String, BTreeMap<String, u32>>,
    /// `NsToInstantiationLevelMapping`: nested service to level to number of instances.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub ns_instances: BTreeMap<String, BTreeMap<String, u32>>,
    /// `VirtualLinkToInstantiationLevelMapping`: link to level to bit rate.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub link_bitrates: BTreeMap<String, BTreeMap<String, Bitrate>>,
}

impl NsFlavour {
    /// A VNF by the name of its node template.
    #[must_use]
    pub fn vnf(&self, name: &str) -> Option<&VnfProfile> {
        self.vnfs.iter().find(|v| v.name == name)
    }

    /// A virtual link by its name.
    #[must_use]
    pub fn virtual_link(&self, name: &str) -> Option<&NsVirtualLink> {
        self.virtual_links.iter().find(|l| l.name == name)
    }

    /// Number of instances of a VNF to create at first: what the NS instantiation level says, else the profile's minimum.
    #[must_use]
    pub fn initial_instances(&self, vnf: &VnfProfile, level: Option<&str>) -> u32 {
        let only = || self.levels.levels.keys().next().filter(|_| self.levels.levels.len() == 1);
        let level = level.or(self.levels.default_level.as_deref()).or_else(|| only().map(String::as_str));
        level.and_then(|l| self.levels.vnf_instances.get(&vnf.name)?.get(l)).copied().unwrap_or(vnf.min_instances)
    }
}

/// A VNF of the service: a node template whose type derives from `tosca.nodes.nfv.VNF`, with its `vnf_profile`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct VnfProfile {
    /// Name of the node template; IFA014's vnfProfileId.
    pub name: String,
    /// The VNF's node type.
    pub node_type: String,
    /// `descriptor_id` of the VNFD.
    pub vnfd_id: String,
    /// `flavour_id` of the VNFD; `None` where the NSD names none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flavour_id: Option<String>,
    /// Instantiation level of the VNF.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instantiation_level: Option<String>,
    /// Fewest instances.
    pub min_instances: u32,
    /// Most instances.
    pub max_instances: u32,
    /// Connections of its external connection points, in the order of its requirements.
    pub connections: Vec<Connection>,
    /// Value of `configurable_properties` by name, nested as in the descriptor.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub configurable_properties: BTreeMap<String, Expr>,
    /// Nodes that must be there before it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<String>,
    /// Values of its other properties.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub properties: BTreeMap<String, Expr>,
    /// `service_availability_level`, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_availability_level: Option<u32>,
    /// `target_vnf_scale_level_info`: scale level of each aspect of the VNF.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub scale_levels: BTreeMap<String, u32>,
    /// `version_dependency`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub version_dependencies: Vec<VersionDependency>,
    /// What the node template says beside its properties and connections.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub extra: Value,
    /// The whole `vnf_profile`, as written.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub profile: Value,
}

impl VnfProfile {
    /// The connection of an external connection point.
    #[must_use]
    pub fn connection(&self, cp: &str) -> Option<&Connection> {
        self.connections.iter().find(|c| c.cp == cp)
    }

    /// The addresses of other VNFs that its properties need: node and connection point of each.
    #[must_use]
    pub fn needed_addresses(&self) -> Vec<(&str, &str)> {
        let mut found = Vec::new();
        for expr in self.configurable_properties.values().chain(self.properties.values()) {
            expr.walk(&mut |e| {
                if let Expr::AddressOf { node, cp, .. } = e
                    && !found.contains(&(node.as_str(), cp.as_str()))
                {
                    found.push((node.as_str(), cp.as_str()));
                }
            });
        }
        found
    }
}

/// An external connection point of a VNF on a virtual link.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    /// Requirement name of the VNF's node type: the external connection point.
    pub cp: String,
    /// The virtual link.
    pub virtual_link: String,
    /// The node in between, such as a `Forwarding` node, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<String>,
}

/// `tosca.nodes.nfv.NsVirtualLink`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct NsVirtualLink {
    /// Name of the node template.
    pub name: String,
    /// `description`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// `connectivity_type`.
    pub connectivity: Connectivity,
    /// `vl_profile`.
    pub profile: VlProfile,
    /// `test_access`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub test_access: Vec<String>,
    /// `service_availability_level` of the profile, from 1; versions before 3 write `level1` to `level3`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_availability_level: Option<u32>,
    /// `data_flow_mirroring` of the profile.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mirroring: Vec<MirroringJob>,
    /// `externally_managed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub externally_managed: Option<String>,
    /// Everything else.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub extra: Value,
}

/// `tosca.nodes.nfv.Sap`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sap {
    /// Name of the node template.
    pub name: String,
    /// The virtual link inside the service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub virtual_link: Option<String>,
    /// The virtual link of an outer service, where the descriptor names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_virtual_link: Option<String>,
    /// `role`: `root` or `leaf`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// Requirement of the service's node type that it is exposed as.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external: Option<String>,
    /// `layer_protocols`.
    pub layer_protocols: Vec<String>,
    /// `description`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// `protocol`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<CpAddress>,
    /// Everything else.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub extra: Value,
}
