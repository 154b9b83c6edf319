//! What a VNF has done around an operation (SOL001 clause 6.7, `tosca.interfaces.nfv.Vnflcm`): the scripts that its VNFD
//! names, as steps before and after those of the plan. Pure.
//!
//! `…_start` runs when the grant is there and nothing is changed yet. The operation's own name and then `…_end` run when
//! everything else is done. An undo runs nothing: a script that must be taken back belongs to the opposite operation. A
//! change of the VNF package also runs what the triggers of its `VnfPackageChange` policy call (clause 6.10).

use std::collections::BTreeSet;

use descriptors::network::{Interface, Operation};
use descriptors::vnfd::{Flavour, PackageChange, Vnfd};
use lcm::{Plan, PlanFaults, StepSpec};
use reference_points::common::{Fault, KeyValuePairs};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::instantiate::GRANT;
use super::occurrence as kinds;

/// The interface type whose operations are lifecycle scripts.
const VNFLCM: &str = "tosca.interfaces.nfv.Vnflcm";
/// Part of the events that begin and end a change of the VNF package, with `_notification` behind or without.
const PACKAGE_CHANGE_STARTS: &str = "change_current_package_start";
const PACKAGE_CHANGE_ENDS: &str = "change_current_package_end";
/// Property of an artifact, of a type that declares it, by which its script asks for the VNFM's network.
const NETWORK: &str = "network";
/// TOSCA functions, which the VNFM does not evaluate in inputs of operations.
const FUNCTIONS: [&str; 9] = [
    "get_input",
    "get_property",
    "get_attribute",
    "get_operation_output",
    "get_artifact",
    "get_nodes_of_type",
    "concat",
    "join",
    "token",
];

/// What runs a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScriptKind {
    /// GNU Bash.
    Bash,
    /// Python 3.
    Python,
    /// `ansible-playbook`.
    Ansible,
}

impl ScriptKind {
    /// The word in configurations.
    pub fn word(self) -> &'static str {
        match self {
            Self::Bash => "bash",
            Self::Python => "python",
            Self::Ansible => "ansible",
        }
    }

    /// By the type of its artifact, else by the ending of its file.
    fn of(artifact_type: Option<&str>, file: &str) -> Option<Self> {
        let named = artifact_type.unwrap_or_default();
        let ending = file.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase()).unwrap_or_default();
        if named.ends_with(".Bash") {
            Some(Self::Bash)
        } else if named.ends_with(".Python") {
            Some(Self::Python)
        } else if named.to_ascii_lowercase().contains("ansible") {
            Some(Self::Ansible)
        } else {
            match ending.as_str() {
                "sh" | "bash" => Some(Self::Bash),
                "py" => Some(Self::Python),
                "yaml" | "yml" => Some(Self::Ansible),
                _ => None,
            }
        }
    }
}

/// Parameters of a step that runs a script.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ScriptParams {
    /// Operation of the interface, for example `instantiate_end`.
    pub hook: String,
    /// Descriptor whose package has the script.
    pub vnfd_id: String,
    /// Path of the script in the package.
    pub file: String,
    /// Paths of the files that it needs beside those of its folder.
    pub dependencies: Vec<String>,
    /// What runs it.
    pub kind: ScriptKind,
    /// It asks for the VNFM's network.
    pub network: bool,
    /// Inputs that the VNFD gives.
    pub inputs: Map<String, Value>,
    /// `additionalParams` of the request.
    pub additional_params: KeyValuePairs,
}

/// Steps around those of a plan, in their order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Hooks {
    /// Before anything is changed.
    pub before: Vec<StepSpec>,
    /// After everything else.
    pub after: Vec<StepSpec>,
}

impl Hooks {
    /// The plan with these around it.
    ///
    /// # Errors
    /// When it becomes larger than the engine allows.
    pub fn around(self, plan: Plan) -> Result<Plan, PlanFaults> {
        if self == Self::default() {
            return Ok(plan);
        }
        let mut steps: Vec<StepSpec> = plan.steps().to_vec();
        let starting: BTreeSet<String> = steps.iter().filter(|s| s.starting).map(|s| s.key.clone()).collect();
        let last = self.before.last().map(|s| s.key.clone());
        for step in steps.iter_mut().filter(|s| !s.starting) {
            let first = step.after.iter().all(|key| starting.contains(key));
            step.after.extend(last.clone().filter(|_| first));
        }
        let begin: Vec<String> = starting.into_iter().filter(|key| key == GRANT).collect();
        let mut all: Vec<StepSpec> = steps.iter().filter(|s| s.starting).cloned().collect();
        all.extend(chained(self.before, begin));
        all.extend(steps.into_iter().filter(|s| !s.starting));
        let waited: BTreeSet<&String> = all.iter().flat_map(|s| &s.after).collect();
        let ends: Vec<String> = all.iter().filter(|s| !waited.contains(&s.key)).map(|s| s.key.clone()).collect();
        all.extend(chained(self.after, ends));
        Plan::new(all)
    }
}

/// One step after the other, the first after `begin`.
fn chained(steps: Vec<StepSpec>, begin: Vec<String>) -> Vec<StepSpec> {
    let mut previous = begin;
    steps
        .into_iter()
        .map(|step| {
            let step = step.after_all(std::mem::take(&mut previous));
            previous.push(step.key.clone());
            step
        })
        .collect()
}

/// Name of an operation in the Vnflcm interface; `None` for those that it does not have.
pub fn operation_name(kind: &str) -> Option<&'static str> {
    Some(match kind {
        kinds::INSTANTIATE => "instantiate",
        kinds::TERMINATE => "terminate",
        kinds::SCALE => "scale",
        kinds::SCALE_TO_LEVEL => "scale_to_level",
        kinds::MODIFY_INFO => "modify_information",
        kinds::HEAL => "heal",
        kinds::OPERATE => "operate",
        kinds::CHANGE_FLAVOUR => "change_flavour",
        kinds::CHANGE_EXT_CONN => "change_external_connectivity",
        kinds::CHANGE_VNFPKG => "change_current_package",
        kinds::CREATE_SNAPSHOT => "create_snapshot",
        kinds::REVERT_TO_SNAPSHOT => "revert_to_snapshot",
        _ => return None,
    })
}

/// The scripts that a flavour has for an operation.
///
/// # Errors
/// Every script that cannot be run.
pub fn scripts(vnfd: &Vnfd, flavour: &Flavour, kind: &str, additional: &KeyValuePairs) -> Result<Hooks, Vec<Fault>> {
    let (mut hooks, mut faults) = (Hooks::default(), Vec::new());
    let Some(name) = operation_name(kind) else { return Ok(hooks) };
    let mut made = |hook: String| {
        let (interface, operation) = implemented(flavour, &hook)?;
        match params(vnfd, flavour, interface, operation, additional) {
            Ok(params) => Some(script_step(&params)),
            Err(fault) => {
                faults.push(*fault);
                None
            }
        }
    };
    hooks.before.extend(made(format!("{name}_start")));
    hooks.after.extend(made(name.to_owned()));
    hooks.after.extend(made(format!("{name}_end")));
    if faults.is_empty() { Ok(hooks) } else { Err(faults) }
}

/// Adds what the triggers of the policy in force call in a change of the VNF package: before anything is changed or last of
/// all by their event, else as what serves the request, when everything is changed.
///
/// # Errors
/// Every call that cannot be made.
pub fn triggered(
    hooks: &mut Hooks,
    vnfd: &Vnfd,
    flavour: &Flavour,
    change: &PackageChange,
    additional: &KeyValuePairs,
) -> Result<(), Vec<Fault>> {
    let mut faults = Vec::new();
    let (mut starts, mut serves, mut ends) = (Vec::new(), Vec::new(), Vec::new());
    for trigger in &change.triggers {
        let place = match trigger.event.as_deref().unwrap_or_default() {
            event if event.contains(PACKAGE_CHANGE_STARTS) => &mut starts,
            event if event.contains(PACKAGE_CHANGE_ENDS) => &mut ends,
            _ => &mut serves,
        };
        for (n, call) in trigger.calls.iter().enumerate() {
            let Some(found) = called(flavour, call) else {
                let known: Vec<&str> = flavour.interfaces.iter().map(|i| i.name.as_str()).collect();
                let at = format!("VNFD policy {} trigger {}", change.name, trigger.name);
                let fault = Fault::new(at, format!("it calls {call:?}, and the VNF has no such interface"));
                faults.push(fault.mend(format!("<interface>.<operation>, with one of {}", known.join(", "))));
                continue;
            };
            // What nothing implements does nothing beyond what the VNFM does by itself.
            let Some((interface, operation)) = found else { continue };
            match params(vnfd, flavour, interface, operation, additional) {
                Ok(params) => {
                    let key = format!("script/{}/{}", slug(&trigger.name), n + 1);
                    place.push(keyed_step(key, &ScriptParams { hook: call.clone(), ..params }));
                }
                Err(fault) => faults.push(*fault),
            }
        }
    }
    hooks.before.extend(starts);
    hooks.after.splice(0..0, serves);
    hooks.after.extend(ends);
    if faults.is_empty() { Ok(()) } else { Err(faults) }
}

/// The operation of a call, `<interface>.<operation>`, where it has an implementation; `None` without such an interface.
fn called<'a>(flavour: &'a Flavour, call: &str) -> Option<Option<(&'a Interface, &'a Operation)>> {
    let (interface, operation) = call.rsplit_once('.')?;
    let interface = flavour.interfaces.iter().find(|i| i.name == interface)?;
    let mut all = interface.operations.iter().filter(|o| o.implementation.is_some());
    Some(all.find(|o| o.name == operation).map(|o| (interface, o)))
}

/// What a step's key can have of a name.
fn slug(name: &str) -> String {
    let fit = |c: char| if c.is_ascii_alphanumeric() || ".-_".contains(c) { c } else { '_' };
    name.chars().take(60).map(fit).collect()
}

/// The step that runs a script.
pub fn script_step(params: &ScriptParams) -> StepSpec {
    keyed_step(format!("script/{}", params.hook), params)
}

fn keyed_step(key: String, params: &ScriptParams) -> StepSpec {
    let what = if params.kind == ScriptKind::Ansible { "playbook" } else { "script" };
    let title = format!("Run {what} {} of {}", params.file, params.hook);
    StepSpec::new(key, "script", title.chars().take(400).collect::<String>()).params(json!(params))
}

fn lcm_interfaces(flavour: &Flavour) -> impl Iterator<Item = &Interface> {
    flavour.interfaces.iter().filter(|i| i.standard_type.as_deref() == Some(VNFLCM))
}

fn implemented<'a>(flavour: &'a Flavour, hook: &str) -> Option<(&'a Interface, &'a Operation)> {
    let mut all = lcm_interfaces(flavour).flat_map(|i| i.operations.iter().map(move |o| (i, o)));
    all.find(|(_, o)| o.name == hook && o.implementation.is_some())
}

fn params(
    vnfd: &Vnfd,
    flavour: &Flavour,
    interface: &Interface,
    operation: &Operation,
    additional: &KeyValuePairs,
) -> Result<ScriptParams, Box<Fault>> {
    let place = format!("VNFD interface {} operation {}", interface.name, operation.name);
    let named = operation.implementation.as_deref().unwrap_or_default();
    let Some(file) = operation.file.as_ref().filter(|f| !f.contains("://")) else {
        let fault = Fault::new(place, format!("its implementation {named:?} is no file of the package"));
        return Err(Box::new(fault.mend("put the script into the package and declare it as an artifact of the VNF")));
    };
    let artifact = |name: &str| flavour.artifacts.iter().find(|a| a.name == name || a.file == name);
    let declared = artifact(named).or_else(|| artifact(file));
    let Some(kind) = ScriptKind::of(declared.and_then(|a| a.artifact_type.as_deref()), file) else {
        let fault = Fault::new(place, format!("nothing says what runs {file}"));
        let mend = "give its artifact the type tosca.artifacts.Implementation.Bash or .Python, or a type whose name \
                    contains Ansible; or let the file end in .sh, .py or .yaml";
        return Err(Box::new(fault.mend(mend)));
    };
    let mut inputs = Map::new();
    for given in [Some(&interface.inputs), operation.body.get("inputs")].into_iter().flatten() {
        if let Value::Object(given) = given {
            inputs.extend(given.iter().filter(|(name, _)| *name != "additional_parameters").map(value_of));
        }
    }
    if let Some((name, _)) = inputs.iter().find(|(_, value)| is_function(value)) {
        let fault = Fault::new(format!("{place} input {name}"), "it is a TOSCA function, which is not evaluated here");
        return Err(Box::new(
            fault.mend("give a value; the script finds the instance's record among what it is given"),
        ));
    }
    let dependency = |name: &String| artifact(name).map_or_else(|| name.clone(), |a| a.file.clone());
    Ok(ScriptParams {
        hook: operation.name.clone(),
        vnfd_id: vnfd.descriptor_id.clone(),
        file: file.clone(),
        dependencies: operation.dependencies.iter().map(dependency).collect(),
        kind,
        network: declared.and_then(|a| a.properties.get(NETWORK)) == Some(&Value::Bool(true)),
        inputs,
        additional_params: additional.clone(),
    })
}

/// An input as a template gives it, or the default of one that is declared.
fn value_of((name, given): (&String, &Value)) -> (String, Value) {
    let declared = given.as_object().filter(|o| o.contains_key("type"));
    let value = declared
        .map_or_else(|| given.clone(), |o| o.get("value").or_else(|| o.get("default")).cloned().unwrap_or(Value::Null));
    (name.clone(), value)
}

fn is_function(value: &Value) -> bool {
    value.as_object().is_some_and(|o| o.len() == 1 && o.keys().all(|key| FUNCTIONS.contains(&key.as_str())))
}

/// Names that the VNFD declares as additional parameters of an operation, or gives its scripts as inputs.
pub fn declared_parameters(flavour: &Flavour, kind: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let Some(name) = operation_name(kind) else { return names };
    let hooks = [format!("{name}_start"), name.to_owned(), format!("{name}_end")];
    for interface in lcm_interfaces(flavour) {
        let declared = hooks.iter().filter_map(|hook| interface.parameters.get(hook)).flatten();
        names.extend(declared.map(|d| d.name.clone()));
        for operation in interface.operations.iter().filter(|o| hooks.contains(&o.name) && o.implementation.is_some()) {
            for given in [Some(&interface.inputs), operation.body.get("inputs")].into_iter().flatten() {
                if let Value::Object(given) = given {
                    names.extend(given.keys().filter(|key| *key != "additional_parameters").cloned());
                    let group = given.get("additional_parameters").and_then(Value::as_object);
                    names.extend(group.into_iter().flat_map(Map::keys).cloned());
                }
            }
        }
    }
    names.extend(super::ve::coordination_inputs(flavour, kind));
    names
}

/// Faults of `additionalParams` that nothing would read.
pub fn undeclared(flavour: &Flavour, kind: &str, given: &KeyValuePairs) -> Vec<Fault> {
    let known = declared_parameters(flavour, kind);
    let unknown = given.keys().filter(|name| !known.contains(*name));
    unknown
        .map(|name| {
            let fault =
                Fault::new(format!("/additionalParams/{name}"), "nothing would read it: the VNFD has no such input");
            let names: Vec<&str> = known.iter().map(String::as_str).collect();
            fault.mend(if names.is_empty() {
                "leave it out".to_owned()
            } else {
                format!("one of {}", names.join(", "))
            })
        })
        .collect()
}

#[cfg(test)]
mod tests;
