//! Ve-Vnfm in plans: coordination with the VNF or its element manager at the start and end of operations (SOL001
//! clause 6.10.16, SOL002 v3.5.1 clause 10), and the configuration of the VNF (SOL002 clause 9). Pure.

use std::collections::BTreeMap;

use descriptors::vnfd::{CoordinationAction, Flavour, PackageChange, SupportedInterface, Uri, Vdu};
use lcm::StepSpec;
use reference_points::common::KeyValuePairs;
use reference_points::or_vnfm::{LcmCoordination, RejectedLcmCoordination, VnfLcmOpOcc};
use reference_points::ve_vnfm::{VnfConfiguration, VnfcConfigurationData};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::hooks::Hooks;
use super::occurrence as kinds;
use super::properties::ADDITIONAL;

/// An interface that the VNF or its element manager answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answers {
    /// LCM coordination.
    Coordination,
    /// Configuration.
    Configuration,
    /// Indicators.
    Indicators,
}

impl Answers {
    /// Its name in a `SupportedVnfInterface` policy.
    pub fn interface(self) -> &'static str {
        match self {
            Self::Coordination => "vnf_lcm_coordination",
            Self::Configuration => "vnf_configuration",
            Self::Indicators => "vnf_indicator",
        }
    }

    /// Name of the metadatum or extension of an instance that says where it is.
    pub fn attribute(self) -> &'static str {
        match self {
            Self::Coordination => "lcmcoordEndpoint",
            Self::Configuration => "vnfconfigEndpoint",
            Self::Indicators => "vnfindEndpoint",
        }
    }
}

/// Where an interface may be: decided with the plan, looked up when it is asked.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Endpoint {
    /// What the VNFD says of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uri: Option<Uri>,
    /// Connection points at which the VNF answers.
    pub targets: Vec<String>,
    /// The VNFM's default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub configured: Option<String>,
}

impl Endpoint {
    /// Of an interface of a flavour.
    pub fn of(flavour: &Flavour, answers: Answers, configured: Option<&str>) -> Self {
        let supported = supported(flavour, answers);
        Self {
            uri: supported.and_then(|s| s.uri.clone()),
            targets: supported.map(|s| s.targets.clone()).unwrap_or_default(),
            configured: configured.map(str::to_owned),
        }
    }

    /// The base address: what the instance's metadata or extensions say, else the VNFD with the address of a connection
    /// point, else the VNFM's default.
    pub fn address(&self, answers: Answers, record: &Value, vnfcs: &Value) -> Option<String> {
        said(answers, record).or_else(|| self.declared(vnfcs)).or_else(|| self.configured.clone())
    }

    fn declared(&self, vnfcs: &Value) -> Option<String> {
        let default = Uri { scheme: "http".to_owned(), ..Uri::default() };
        let uri = match &self.uri {
            Some(uri) => uri,
            None if self.targets.is_empty() => return None,
            None => &default,
        };
        let host = uri.host.clone().filter(|h| !h.is_empty()).or_else(|| address_of(vnfcs, &self.targets))?;
        let host = if host.contains(':') && !host.starts_with('[') { format!("[{host}]") } else { host };
        let port = uri.port.as_ref().map(|port| format!(":{port}")).unwrap_or_default();
        let path = uri.path.as_deref().unwrap_or_default().trim_end_matches('/');
        let slash = if path.is_empty() || path.starts_with('/') { "" } else { "/" };
        Some(format!("{}://{host}{port}{slash}{path}", uri.scheme))
    }
}

/// What an instance's metadata or extensions say of where an interface is.
pub fn said(answers: Answers, record: &Value) -> Option<String> {
    let places = ["metadata", "extensions"].into_iter();
    places.filter_map(|place| record[place][answers.attribute()].as_str()).next().map(str::to_owned)
}

/// Where the VNFD says that the indicators of a flavour are; `None` when it speaks of none.
pub fn indicators_of(flavour: &Flavour) -> Option<Endpoint> {
    let declared = answers(flavour, Answers::Indicators) || !flavour.indicators.is_empty();
    declared.then(|| Endpoint::of(flavour, Answers::Indicators, None))
}

fn address_of(vnfcs: &Value, targets: &[String]) -> Option<String> {
    let cps = vnfcs.as_array()?.iter().filter_map(|v| v["cps"].as_array()).flatten();
    let mut named = cps.filter(|cp| targets.iter().any(|t| cp["cpd"] == t.as_str()));
    named.find_map(|cp| cp["addresses"][0].as_str()).map(str::to_owned)
}

fn supported(flavour: &Flavour, answers: Answers) -> Option<&SupportedInterface> {
    flavour.supported_interfaces.iter().find(|s| s.interface == answers.interface())
}

/// Whether the VNFD says that the VNF answers an interface.
pub fn answers(flavour: &Flavour, interface: Answers) -> bool {
    supported(flavour, interface).is_some()
}

/// Parameters of a step that coordinates.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CoordinationParams {
    /// The action.
    pub action: String,
    /// Whom it is asked of: `MGMT` or `VNF`.
    pub endpoint_type: String,
    /// Where that is.
    pub endpoint: Endpoint,
    /// What the action is given.
    pub inputs: KeyValuePairs,
    /// Own base address, for the links.
    pub base: String,
}

/// Adds the coordinations that the VNFD wants of an operation, and the policies in force want of a change of the VNF package:
/// first of all, and last of all.
pub fn coordinations(
    hooks: &mut Hooks,
    flavour: &Flavour,
    kind: &str,
    additional: &KeyValuePairs,
    changes: &[PackageChange],
    (configured, base): (Option<&str>, &str),
) {
    let named = |operation: &str| {
        let names = [kind.to_ascii_lowercase(), super::hooks::operation_name(kind).unwrap_or_default().to_owned()];
        names.contains(&operation.to_ascii_lowercase())
    };
    let wanted = flavour.coordinations.iter().filter(|c| named(&c.operation));
    let mut names: Vec<&String> = wanted.flat_map(|c| c.actions.iter().chain(&c.referenced_actions)).collect();
    names.extend(changes.iter().flat_map(|c| c.actions.iter().chain(&c.referenced_actions)));
    let (mut first, mut last) = (Vec::new(), Vec::new());
    for name in names {
        let action = flavour.coordination_actions.iter().find(|a| a.action == *name);
        let ends = action.and_then(|a| a.stage.as_deref()) == Some("end");
        let params = CoordinationParams {
            action: name.clone(),
            endpoint_type: if action.and_then(|a| a.endpoint.as_deref()) == Some("vnf") { "VNF" } else { "MGMT" }
                .to_owned(),
            endpoint: Endpoint::of(flavour, Answers::Coordination, configured),
            inputs: inputs(action, additional),
            base: base.to_owned(),
        };
        let title = format!("Coordinate {name} with the VNF");
        let key = super::instantiate::key("coordinate", name);
        let step = StepSpec::new(key, "coordinate", title.chars().take(400).collect::<String>()).params(json!(params));
        let steps = if ends { &mut last } else { &mut first };
        if !steps.iter().any(|s: &StepSpec| s.key == step.key) {
            steps.push(step);
        }
    }
    hooks.before.splice(0..0, first);
    hooks.after.extend(last);
}

/// Of the request's parameters those that the action declares, over the values that the VNFD gives.
fn inputs(action: Option<&CoordinationAction>, additional: &KeyValuePairs) -> KeyValuePairs {
    let declared = action.and_then(|a| a.inputs.as_object()).cloned().unwrap_or_default();
    let value = |(name, given): (String, Value)| {
        let own = match given.as_object() {
            Some(def) if def.contains_key("type") => def.get("default").cloned().unwrap_or(Value::Null),
            _ => given,
        };
        let value = additional.get(&name).cloned().unwrap_or(own);
        (!value.is_null()).then_some((name, value))
    };
    declared.into_iter().filter_map(value).collect()
}

/// Names of parameters that the coordinations of an operation read.
pub fn coordination_inputs(flavour: &Flavour, kind: &str) -> Vec<String> {
    let mut hooks = Hooks::default();
    let everything: KeyValuePairs = flavour
        .coordination_actions
        .iter()
        .filter_map(|a| a.inputs.as_object())
        .flat_map(|o| o.keys().map(|name| (name.clone(), json!(true))))
        .collect();
    let changes = if kind == kinds::CHANGE_VNFPKG { flavour.package_changes.as_slice() } else { &[] };
    coordinations(&mut hooks, flavour, kind, &everything, changes, (None, ""));
    let params =
        hooks.before.iter().chain(&hooks.after).filter_map(|s| CoordinationParams::deserialize(&s.params).ok());
    params.flat_map(|p| p.inputs.into_iter().map(|(name, _)| name)).collect()
}

/// What is kept of the coordinations of a step.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Coordinations {
    /// Where they are asked for.
    pub endpoint: String,
    /// Those that began; only the last can go on.
    pub begun: Vec<LcmCoordination>,
    /// Where the last one's result will be.
    pub location: String,
    /// Those that were put off.
    pub rejected: Vec<RejectedLcmCoordination>,
}

impl Coordinations {
    /// The one that goes on.
    pub fn open(&mut self) -> Option<&mut LcmCoordination> {
        self.begun.last_mut().filter(|c| c.coordination_result.is_none())
    }
}

/// An occurrence with its coordinations.
pub fn coordinated(mut occurrence: VnfLcmOpOcc, kept: Vec<Coordinations>) -> VnfLcmOpOcc {
    for one in kept {
        occurrence.lcm_coordinations.extend(one.begun);
        occurrence.rejected_lcm_coordinations.extend(one.rejected);
    }
    occurrence.lcm_coordinations.sort_by_key(|c| c.start_time.micros());
    occurrence
}

/// Parameters of the step that configures the VNF.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConfigureParams {
    /// Where the VNF is.
    pub endpoint: Endpoint,
    /// What it shall know.
    pub data: KeyValuePairs,
    /// What its VNFCs shall know, by VDU.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub vnfcs: BTreeMap<String, KeyValuePairs>,
}

/// Operations with which VNFCs come, go, or are made anew.
const CHANGES_VNFCS: [&str; 7] = [
    kinds::INSTANTIATE,
    kinds::SCALE,
    kinds::SCALE_TO_LEVEL,
    kinds::HEAL,
    kinds::CHANGE_FLAVOUR,
    kinds::CHANGE_VNFPKG,
    kinds::REVERT_TO_SNAPSHOT,
];

/// Configurable properties of VNFCs by VDU, as the VNFD gives them (SOL001 clause 6.8.3.2); without those that have no value.
pub fn vnfc_properties(flavour: &Flavour) -> BTreeMap<String, KeyValuePairs> {
    let given = |vdu: &Vdu| -> KeyValuePairs {
        let declared = vdu.configurable_properties.iter();
        declared.filter_map(|d| Some((d.name.clone(), d.default.clone().filter(|v| !v.is_null())?))).collect()
    };
    let all = flavour.vdus.iter().map(|vdu| (vdu.name.clone(), given(vdu)));
    all.filter(|(_, properties)| !properties.is_empty()).collect()
}

/// Adds the step that tells the VNF its configurable properties and those of its VNFCs, if it answers that interface.
pub fn configuration(
    hooks: &mut Hooks,
    flavour: &Flavour,
    kind: &str,
    properties: Option<&Value>,
    configured: Option<&str>,
) {
    if !answers(flavour, Answers::Configuration) {
        return;
    }
    let data = properties.and_then(Value::as_object).map(|own| flat(own, ADDITIONAL)).unwrap_or_default();
    let vnfcs = if CHANGES_VNFCS.contains(&kind) { vnfc_properties(flavour) } else { BTreeMap::new() };
    let vnfcs: BTreeMap<_, _> = vnfcs.into_iter().map(|(vdu, own)| (vdu, flat(&own, VNFC_OWN))).collect();
    if data.is_empty() && vnfcs.is_empty() {
        return;
    }
    let params = ConfigureParams { endpoint: Endpoint::of(flavour, Answers::Configuration, configured), data, vnfcs };
    hooks.after.insert(0, StepSpec::new("configure", "configure", "Configure the VNF").params(json!(params)));
}

/// Name of the group of a VNFC's own properties.
const VNFC_OWN: &str = "additional_vnfc_configurable_properties";

/// Properties with those of their own group beside the others.
fn flat(properties: &Map<String, Value>, group: &str) -> KeyValuePairs {
    let mut all = properties.clone();
    if let Some(Value::Object(own)) = all.remove(group) {
        all.extend(own);
    }
    all
}

/// What a VNF is told with, as a merge patch of its configuration (SOL002 clause 9.5.2.3).
#[derive(Debug, Default, PartialEq)]
struct Told {
    vnf: KeyValuePairs,
    vnfcs: Vec<Value>,
    gone: Vec<String>,
}

impl Told {
    fn patch(self) -> Value {
        let mut patch = Map::new();
        if !self.vnf.is_empty() {
            patch.insert("vnfConfigurationData".to_owned(), json!({ "vnfSpecificData": self.vnf }));
        }
        if !self.vnfcs.is_empty() {
            patch.insert("vnfcConfigurationData".to_owned(), Value::Array(self.vnfcs));
        }
        if !self.gone.is_empty() {
            patch.insert("vnfcConfigurationDataDeleteIds".to_owned(), json!(self.gone));
        }
        Value::Object(patch)
    }
}

/// The patch that leads from what the VNF has to what is wanted, and the one that leads back; `None` when nothing differs.
/// `vnfcs` are the VNFCs that are there, with their VDUs, `gone` those that the operation took away: they are taken from the
/// configuration. Others in it are somebody else's.
pub fn patches(
    has: &VnfConfiguration,
    wanted: &ConfigureParams,
    vnfcs: &[(String, String)],
    gone: &[String],
) -> Option<(Value, Value)> {
    let (mut forth, mut back) = (Told::default(), Told::default());
    (forth.vnf, back.vnf) = differing(&has.vnf_configuration_data.vnf_specific_data, &wanted.data);
    let entry = |id: &str, data: KeyValuePairs| json!({ "vnfcInstanceId": id, "vnfcSpecificData": data });
    for (id, vdu) in vnfcs {
        let Some(data) = wanted.vnfcs.get(vdu) else { continue };
        let known = has.vnfc_configuration_data.iter().find(|known| known.vnfc_instance_id == *id);
        let none = KeyValuePairs::new();
        let (there, here) = differing(known.map_or(&none, |known| &known.vnfc_specific_data), data);
        if there.is_empty() {
            continue;
        }
        forth.vnfcs.push(entry(id, there));
        match known {
            Some(_) => back.vnfcs.push(entry(id, here)),
            None => back.gone.push(id.clone()),
        }
    }
    let went = |known: &&VnfcConfigurationData| gone.contains(&known.vnfc_instance_id);
    for known in has.vnfc_configuration_data.iter().filter(went) {
        forth.gone.push(known.vnfc_instance_id.clone());
        back.vnfcs.push(json!(known));
    }
    (forth != Told::default()).then(|| (forth.patch(), back.patch()))
}

/// What is wanted and differs, and what is there in its place; `null` where nothing is.
fn differing(has: &KeyValuePairs, wanted: &KeyValuePairs) -> (KeyValuePairs, KeyValuePairs) {
    let here = |name: &String| has.get(name).cloned().unwrap_or(Value::Null);
    let differs = wanted.iter().filter(|(name, value)| here(name) != **value);
    let forth: KeyValuePairs = differs.map(|(name, value)| (name.clone(), value.clone())).collect();
    let back = forth.keys().map(|name| (name.clone(), here(name))).collect();
    (forth, back)
}

#[cfg(test)]
mod tests;
