//! The typed VNFD (SOL001 clause 6, IFA011 clause 7). Everything is serialisable; nothing of the descriptor is lost.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::compute::{SwImage, Vdu, VirtualStorage};
use super::container::{DeployableUnit, Mciop, OsContainer, VirtualCp};
use super::cp::{ExtCp, VduCp, VduSubCp, VipCp, VnfVirtualLink};
use super::policies::{CoordinationAction, Indicator, OperationCoordination, PackageChange, SupportedInterface};
use super::scaling::Scaling;
use crate::diag::Diagnostics;
use crate::network::{
    Artifact, Declaration, Interface, MaintenanceInfo, MonitoringParameter, PlacementRule, RawElement, RawPolicy,
    SecurityGroupRule,
};

/// A VNF descriptor.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Vnfd {
    /// `descriptor_id`, a UUID by the standard.
    pub descriptor_id: String,
    /// `descriptor_version`.
    pub descriptor_version: String,
    /// `ext_invariant_id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ext_invariant_id: Option<String>,
    /// `provider`.
    pub provider: String,
    /// `product_name`.
    pub product_name: String,
    /// `software_version`.
    pub software_version: String,
    /// `product_info_name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product_info_name: Option<String>,
    /// `product_info_description`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product_info_description: Option<String>,
    /// `vnfm_info`: the VNFMs that fit.
    pub vnfm_info: Vec<String>,
    /// `localization_languages`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub localization_languages: Vec<String>,
    /// `default_localization_language`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_localization_language: Option<String>,
    /// The VNF's own node type.
    pub node_type: String,
    /// The deployment flavours.
    pub flavours: Vec<Flavour>,
    /// `configurable_properties` with what the VNF's own type adds.
    #[serde(default)]
    pub configurable_properties: ConfigurableProperties,
    /// `modifiable_attributes`.
    #[serde(default)]
    pub modifiable_attributes: ModifiableAttributes,
    /// `lcm_operations_configuration`.
    #[serde(default)]
    pub lcm_operations: LcmOperations,
    /// `monitoring_parameters` of the VNF as a whole.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub monitoring: Vec<MonitoringParameter>,
    /// Attributes that the VNF's own type declares, among them those of indicators.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<Declaration>,
    /// What the main file says beside types, imports and topology, such as its `metadata` and `description`.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub service_template: Value,
    /// Properties of the VNF node that are none of the above.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub extra: Value,
    /// What was noticed while reading that does not forbid using the descriptor.
    #[serde(default, skip_serializing_if = "Diagnostics::is_empty")]
    pub warnings: Diagnostics,
}

impl Vnfd {
    /// A deployment flavour by its identifier.
    #[must_use]
    pub fn flavour(&self, id: &str) -> Option<&Flavour> {
        self.flavours.iter().find(|f| f.id == id)
    }

    /// The software images of all flavours, each once, in order of identifier.
    #[must_use]
    pub fn sw_images(&self) -> Vec<&SwImage> {
        let mut by_id = BTreeMap::new();
        for image in self.flavours.iter().flat_map(|f| &f.sw_images) {
            by_id.entry(image.id.as_str()).or_insert(image);
        }
        by_id.into_values().collect()
    }
}

/// A deployment flavour with all its parts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Flavour {
    /// `flavour_id`.
    pub id: String,
    /// `flavour_description`.
    #[serde(default)]
    pub description: String,
    /// Virtualisation deployment units.
    pub vdus: Vec<Vdu>,
    /// Storages that VDUs attach.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub storages: Vec<VirtualStorage>,
    /// Software images of VDUs and storages.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sw_images: Vec<SwImage>,
    /// Connection points of the VDUs, in order of VDU and NIC.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vdu_cps: Vec<VduCp>,
    /// Ports of trunks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sub_cps: Vec<VduSubCp>,
    /// Shared addresses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vip_cps: Vec<VipCp>,
    /// Deployable units of containers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deployable_units: Vec<DeployableUnit>,
    /// Containers of deployable units.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub containers: Vec<OsContainer>,
    /// Packages for a container manager.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mciops: Vec<Mciop>,
    /// Services in front of deployable units.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub virtual_cps: Vec<VirtualCp>,
    /// External connection points.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ext_cps: Vec<ExtCp>,
    /// Internal virtual links.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub virtual_links: Vec<VnfVirtualLink>,
    /// Scaling aspects, deltas and instantiation levels.
    #[serde(default)]
    pub scaling: Scaling,
    /// Affinity and anti-affinity rules.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub placement: Vec<PlacementRule>,
    /// Security group rules.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub security_group_rules: Vec<SecurityGroupRule>,
    /// `nfvi_maintenance_group_info` of affinity and anti-affinity rules, by policy name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub group_maintenance: BTreeMap<String, MaintenanceInfo>,
    /// `SupportedVnfInterface`: what the VNF answers at its connection points.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub supported_interfaces: Vec<SupportedInterface>,
    /// `VnfIndicator` policies.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub indicators: Vec<Indicator>,
    /// `VnfPackageChange`: from which packages to which it may change.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub package_changes: Vec<PackageChange>,
    /// `LcmCoordinationAction`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub coordination_actions: Vec<CoordinationAction>,
    /// `LcmCoordinationsForLcmOperation`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub coordinations: Vec<OperationCoordination>,
    /// Interfaces of the VNF node.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub interfaces: Vec<Interface>,
    /// Artifacts of the VNF node, such as the scripts that implement operations.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub artifacts: Vec<Artifact>,
    /// Inputs of the flavour's template that no property of the VNF feeds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<Declaration>,
    /// `vnf_profile`, as written.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub vnf_profile: Value,
    /// Node templates without a typed form.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub other_nodes: Vec<RawElement>,
    /// Groups, as written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<RawElement>,
    /// Policies without a typed form.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub other_policies: Vec<RawPolicy>,
    /// What policies with a typed form say beyond it, by policy name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub policy_extras: BTreeMap<String, Value>,
    /// What the VNF's own node template says beyond what stands elsewhere.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub vnf_extra: Value,
    /// What the template says beside nodes, groups, policies and inputs, such as `outputs` and `workflows`.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub template_extra: Value,
}

impl Flavour {
    /// A VDU by its name.
    #[must_use]
    pub fn vdu(&self, name: &str) -> Option<&Vdu> {
        self.vdus.iter().find(|v| v.name == name)
    }

    /// A storage by its name.
    #[must_use]
    pub fn storage(&self, name: &str) -> Option<&VirtualStorage> {
        self.storages.iter().find(|s| s.name == name)
    }

    /// A software image by its identifier.
    #[must_use]
    pub fn sw_image(&self, id: &str) -> Option<&SwImage> {
        self.sw_images.iter().find(|i| i.id == id)
    }

    /// Whether any connection point of a VDU is to have a floating address: its own, or that of an external one which opens it.
    #[must_use]
    pub fn floats(&self, cp: &VduCp) -> bool {
        cp.floats() || cp.external.iter().filter_map(|name| self.ext_cp(name)).any(ExtCp::floats)
    }

    /// Whether any on an internal virtual link is.
    #[must_use]
    pub fn floats_on(&self, link: &str) -> bool {
        let all = self.vdu_cps.iter().chain(self.sub_cps.iter().map(|sub| &sub.cp));
        let mut on = all.filter(|cp| cp.virtual_link.as_deref() == Some(link) && cp.external.is_empty());
        on.any(|cp| self.floats(cp))
    }

    /// The connection points of a VDU in the order of its NICs.
    pub fn cps_of(&self, vdu: &str) -> impl Iterator<Item = &VduCp> {
        self.vdu_cps.iter().filter(move |cp| cp.vdu == vdu)
    }

    /// A deployable unit by its name.
    #[must_use]
    pub fn deployable_unit(&self, name: &str) -> Option<&DeployableUnit> {
        self.deployable_units.iter().find(|u| u.name == name)
    }

    /// An internal virtual link by its name.
    #[must_use]
    pub fn virtual_link(&self, name: &str) -> Option<&VnfVirtualLink> {
        self.virtual_links.iter().find(|l| l.name == name)
    }

    /// An external connection point by the name of the VNF's requirement, or by the name of the node that makes it.
    #[must_use]
    pub fn ext_cp(&self, id: &str) -> Option<&ExtCp> {
        self.ext_cps.iter().find(|c| c.name == id).or_else(|| self.ext_cps.iter().find(|c| c.cp == id))
    }
}

/// `tosca.datatypes.nfv.VnfConfigurableProperties`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ConfigurableProperties {
    /// Declared properties directly below `configurable_properties`, such as `is_autoscale_enabled`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub standard: Vec<Declaration>,
    /// What `additional_configurable_properties` declares.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub additional: Vec<Declaration>,
}

impl ConfigurableProperties {
    /// The declared defaults as one object, nested as in the descriptor:
    /// `{is_autoscale_enabled: …, additional_configurable_properties: {…}}`.
    #[must_use]
    pub fn defaults(&self) -> Value {
        let object = |list: &[Declaration]| -> serde_json::Map<String, Value> {
            list.iter().filter_map(|d| Some((d.name.clone(), d.default.clone()?))).collect()
        };
        let mut all = object(&self.standard);
        let additional = object(&self.additional);
        if !additional.is_empty() {
            all.insert("additional_configurable_properties".to_owned(), Value::Object(additional));
        }
        Value::Object(all)
    }
}

/// `tosca.datatypes.nfv.VnfInfoModifiableAttributes`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ModifiableAttributes {
    /// `extensions`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub extensions: Vec<Declaration>,
    /// `metadata`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub metadata: Vec<Declaration>,
}

/// `tosca.datatypes.nfv.VnfLcmOperationsConfiguration`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LcmOperations {
    /// Shortest graceful termination, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_graceful_termination_s: Option<f64>,
    /// Longest recommended graceful termination, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_recommended_graceful_termination_s: Option<f64>,
    /// Shortest graceful stop, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_graceful_stop_s: Option<f64>,
    /// Longest recommended graceful stop, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_recommended_graceful_stop_s: Option<f64>,
    /// Whether one scale operation may take several steps.
    #[serde(default)]
    pub scaling_by_more_than_one_step_supported: bool,
    /// Whether a scale to level operation may name arbitrary levels.
    #[serde(default)]
    pub arbitrary_target_levels_supported: bool,
    /// Causes that heal understands.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub heal_causes: Vec<String>,
    /// Whether instantiation may name target scale levels.
    #[serde(default)]
    pub target_scale_levels_supported: bool,
    /// The operations that the property names, such as `change_flavour`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub configured: Vec<String>,
    /// The whole property, as written.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub raw: Value,
}

impl LcmOperations {
    /// Whether the VNFD says anything of an operation. Where it does not, what it would have to allow is not forbidden.
    #[must_use]
    pub fn configures(&self, operation: &str) -> bool {
        self.configured.iter().any(|o| o == operation)
    }
}
