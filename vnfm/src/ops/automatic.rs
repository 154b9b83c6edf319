//! Which operation a VNFM begins by itself: healing of VNFCs at fault, and what the triggers of the VNFD's indicators call
//! (SOL001 clause 6.10 `tosca.policies.nfv.VnfIndicator`; SOL003 `isAutoscaleEnabled` and `isAutohealEnabled`). Pure.

use std::collections::{BTreeMap, BTreeSet};

use descriptors::network::{Call, Condition, Trigger};
use descriptors::vnfd::{Flavour, Size};
use reference_points::or_vnfm::{
    HealVnfRequest, PerceivedSeverity, ScaleType, ScaleVnfRequest, ScaleVnfToLevelRequest, VnfIndicator, VnfInstance,
};
use serde_json::{Map, Value};

use super::record::Facts;
use super::scale::levels_of;

/// Healings of one VNFC by itself within [`HEAL_WINDOW_MICROS`], at most.
pub const MAX_HEALS: usize = 3;
/// The time in which healings are counted.
pub const HEAL_WINDOW_MICROS: i64 = 3_600_000_000;

/// How long a VNF is left alone after an operation, which needs a moment to show.
pub const SETTLING_MICROS: i64 = 5_000_000;

/// Configurable properties of a VNF that let the VNFM act by itself, by the names of SOL001 and SOL003.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Automatism {
    /// `is_autoheal_enabled`.
    Heal,
    /// `is_autoscale_enabled`.
    Scale,
}

impl Automatism {
    /// Whether an instance has it switched on.
    pub fn is_on(self, record: &VnfInstance) -> bool {
        let names = match self {
            Self::Heal => ["is_autoheal_enabled", "isAutohealEnabled"],
            Self::Scale => ["is_autoscale_enabled", "isAutoscaleEnabled"],
        };
        let properties = &record.vnf_configurable_properties;
        let said = names.iter().find_map(|name| properties.get(*name));
        said.is_some_and(|value| value == &Value::Bool(true) || value.as_str() == Some("true"))
    }

    /// Whether an instance has any switched on.
    pub fn any_on(record: &VnfInstance) -> bool {
        Self::Heal.is_on(record) || Self::Scale.is_on(record)
    }
}

/// A fault of an instance that lasts.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// The VNFCs it affects.
    pub vnfcs: Vec<String>,
    /// It is one of a resource of the instance, which a healing can make anew.
    pub of_resource: bool,
    /// How bad it is.
    pub severity: PerceivedSeverity,
    /// Since when, in microseconds since the epoch.
    pub since: i64,
}

/// What is known of an instance on which no operation runs.
#[derive(Debug)]
pub struct Situation<'a> {
    /// Its record.
    pub record: &'a VnfInstance,
    /// Its flavour.
    pub flavour: &'a Flavour,
    /// What it was made by.
    pub facts: &'a Facts,
    /// Causes of healing that the VNFD knows; empty when it names none.
    pub heal_causes: &'a [String],
    /// Faults that last.
    pub faults: &'a [Fault],
    /// Its indicators.
    pub indicators: &'a [VnfIndicator],
    /// Identifiers of the indicators that have a new value, with when that was heard of.
    pub news: &'a BTreeMap<String, i64>,
    /// How long a fault must last before it is healed, in microseconds.
    pub patience: i64,
    /// When each VNFC was healed by itself, in microseconds since the epoch.
    pub healed: &'a BTreeMap<String, Vec<i64>>,
    /// Until when it rests after a scaling by itself, in microseconds since the epoch.
    pub rests_until: i64,
    /// Now, in microseconds since the epoch.
    pub now: i64,
}

/// What is begun.
#[derive(Debug, Clone, PartialEq)]
pub enum Begin {
    /// A healing.
    Heal(HealVnfRequest),
    /// A scaling by steps.
    Scale(ScaleVnfRequest),
    /// A scaling to a level.
    ScaleToLevel(ScaleVnfToLevelRequest),
}

impl Begin {
    /// What must be switched on for it.
    pub fn automatism(&self) -> Automatism {
        match self {
            Self::Heal(_) => Automatism::Heal,
            Self::Scale(_) | Self::ScaleToLevel(_) => Automatism::Scale,
        }
    }
}

/// What is done.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Decision {
    /// Begun now.
    pub begin: Option<Begin>,
    /// Looked at again then, in microseconds since the epoch.
    pub again_at: Option<i64>,
    /// The news that this decision is about: they are no news any more.
    pub settled: BTreeMap<String, i64>,
    /// What somebody should know of: why nothing more is done by itself.
    pub problems: Vec<String>,
}

/// Decides for an instance.
pub fn decide(situation: &Situation<'_>) -> Decision {
    let mut decision = Decision::default();
    if Automatism::Heal.is_on(situation.record) {
        let at_fault = at_fault(situation, &mut decision);
        decision.begin = heal(situation, at_fault, None, &mut decision);
    }
    if decision.begin.is_none() && !situation.news.is_empty() {
        triggered(situation, &mut decision);
    }
    decision
}

impl Decision {
    fn again(&mut self, at: i64) {
        self.again_at = Some(self.again_at.map_or(at, |other| other.min(at)));
    }
}

/// Whether a fault is one that healing may end: of a resource, and one that a service suffers from.
pub fn worth_healing(of_resource: bool, severity: PerceivedSeverity) -> bool {
    of_resource && severity <= PerceivedSeverity::Major
}

/// The VNFCs whose resources are at fault for long enough.
fn at_fault(situation: &Situation<'_>, decision: &mut Decision) -> BTreeSet<String> {
    let bad = |f: &&Fault| worth_healing(f.of_resource, f.severity);
    let mut vnfcs = BTreeSet::new();
    for fault in situation.faults.iter().filter(bad) {
        let due = fault.since.saturating_add(situation.patience);
        if due <= situation.now {
            vnfcs.extend(fault.vnfcs.iter().cloned());
        } else {
            decision.again(due);
        }
    }
    vnfcs
}

/// Heals VNFCs, but those that were healed too often.
fn heal(
    situation: &Situation<'_>,
    vnfcs: BTreeSet<String>,
    request: Option<HealVnfRequest>,
    decision: &mut Decision,
) -> Option<Begin> {
    let mut vnfc_instance_id = Vec::new();
    for vnfc in vnfcs {
        let counts = |at: &&i64| situation.now.saturating_sub(**at) < HEAL_WINDOW_MICROS;
        let tries: Vec<i64> = situation.healed.get(&vnfc).into_iter().flatten().filter(counts).copied().collect();
        if tries.len() < MAX_HEALS {
            vnfc_instance_id.push(vnfc);
            continue;
        }
        if let Some(first) = tries.iter().min() {
            decision.again(first.saturating_add(HEAL_WINDOW_MICROS));
        }
        decision.problems.push(format!(
            "VNFC {vnfc} is at fault again after {MAX_HEALS} healings within an hour: heal it yourself, or look for the cause"
        ));
    }
    if vnfc_instance_id.is_empty() {
        return None;
    }
    let request = request.unwrap_or_else(|| HealVnfRequest {
        vnfc_instance_id: Vec::new(),
        cause: situation.heal_causes.is_empty().then(|| "a resource is at fault".to_owned()),
        additional_params: Map::new(),
    });
    Some(Begin::Heal(HealVnfRequest { vnfc_instance_id, ..request }))
}

/// Begins what the first trigger calls that holds and changes anything. The news that triggers are about are settled, but
/// those of a trigger that rests.
fn triggered(situation: &Situation<'_>, decision: &mut Decision) {
    let value = |name: &str| value_of(situation, name);
    let mut resting = BTreeSet::new();
    for trigger in situation.flavour.indicators.iter().flat_map(|i| &i.triggers) {
        let when = trigger.when();
        let about = news_of(situation, trigger, when.as_ref().ok());
        if about.is_empty() {
            continue;
        }
        let acts = match when {
            Ok(condition) => condition.holds(&value),
            Err(problem) => {
                decision.problems.push(format!("trigger {}: {problem}", trigger.name));
                false
            }
        };
        for call in trigger.called().iter().filter(|_| acts) {
            match begin(situation, call) {
                Ok(Some(begin)) if !begin.automatism().is_on(situation.record) => {}
                Ok(Some(Begin::Heal(request))) => {
                    let named: BTreeSet<String> = request.vnfc_instance_id.iter().cloned().collect();
                    let vnfcs = if named.is_empty() { all_vnfcs(situation.record) } else { named };
                    decision.begin = heal(situation, vnfcs, Some(request), decision);
                }
                Ok(Some(_)) if situation.rests_until > situation.now => {
                    decision.again(situation.rests_until);
                    resting.extend(about.keys().cloned());
                }
                Ok(begin) => decision.begin = begin,
                Err(problem) => decision.problems.push(format!("trigger {}: {problem}", trigger.name)),
            }
            if decision.begin.is_some() {
                decision.settled = about;
                return;
            }
        }
    }
    decision.settled = situation.news.clone();
    decision.settled.retain(|indicator, _| !resting.contains(indicator));
}

fn all_vnfcs(record: &VnfInstance) -> BTreeSet<String> {
    let info = record.instantiated_vnf_info.as_ref();
    info.into_iter().flat_map(|info| &info.vnfc_info).map(|vnfc| vnfc.id.clone()).collect()
}

/// The news that a trigger is about, by its event or its condition.
fn news_of(situation: &Situation<'_>, trigger: &Trigger, when: Option<&Condition>) -> BTreeMap<String, i64> {
    let event = trigger.event.as_deref().and_then(|event| event.rsplit('.').next());
    let words: BTreeSet<&str> = when.into_iter().flat_map(Condition::attributes).chain(event).collect();
    let named = |i: &VnfIndicator| [Some(&i.id), i.name.as_ref()].into_iter().flatten().any(|n| words.contains(&**n));
    let about = |id: &String| situation.indicators.iter().any(|i| i.id == *id && named(i));
    situation.news.iter().filter(|(id, _)| about(id)).map(|(id, at)| (id.clone(), *at)).collect()
}

/// Value of an attribute: of the indicator of this identifier or name; or `<aspect>_scale_level`.
fn value_of(situation: &Situation<'_>, name: &str) -> Option<Value> {
    let named = |i: &&VnfIndicator| i.id == name || i.name.as_deref() == Some(name);
    if let Some(indicator) = situation.indicators.iter().find(named) {
        return Some(indicator.value.clone());
    }
    let aspect = name.strip_suffix("_scale_level")?;
    levels_of(situation.facts).get(aspect).map(|level| Value::from(*level))
}

/// The request of a call; `None` when it changes nothing.
fn begin(situation: &Situation<'_>, call: &Call) -> Result<Option<Begin>, String> {
    let mut inputs = call.inputs.clone();
    let mut take = |names: &[&str]| names.iter().find_map(|name| inputs.remove(*name));
    match call.name() {
        "scale" => {
            let direction = take(&["type"]);
            let out = match direction.as_ref().and_then(Value::as_str).map(str::to_ascii_lowercase).as_deref() {
                Some("scale_out") => true,
                Some("scale_in") => false,
                _ => return Err("the type of Vnflcm.scale is scale_out or scale_in".to_owned()),
            };
            let aspect = take(&Call::ASPECT);
            let Some(aspect_id) = aspect.as_ref().and_then(Value::as_str).map(str::to_owned) else {
                return Err("Vnflcm.scale is not given the aspect".to_owned());
            };
            let steps = take(&["number_of_steps", "numberOfSteps"]);
            let steps = steps.as_ref().map(|s| whole(s).ok_or_else(|| format!("number_of_steps {s} is no number")));
            let number_of_steps = steps.transpose()?;
            if !room(situation, &aspect_id, out, number_of_steps.unwrap_or(1)) {
                return Ok(None);
            }
            let r#type = if out { ScaleType::ScaleOut } else { ScaleType::ScaleIn };
            let additional_params = additional(inputs);
            Ok(Some(Begin::Scale(ScaleVnfRequest { r#type, aspect_id, number_of_steps, additional_params })))
        }
        "scale_to_level" => {
            let level = take(&Call::LEVEL);
            let Some(level) = level.as_ref().and_then(Value::as_str).map(str::to_owned) else {
                return Err("Vnflcm.scale_to_level is not given instantiation_level_id".to_owned());
            };
            if at_level(situation, &level) {
                return Ok(None);
            }
            Ok(Some(Begin::ScaleToLevel(ScaleVnfToLevelRequest {
                instantiation_level_id: Some(level),
                scale_info: Vec::new(),
                additional_params: additional(inputs),
            })))
        }
        "heal" => {
            let cause = take(&["cause"]).as_ref().and_then(Value::as_str).map(str::to_owned);
            let named = take(&["vnfc_instance_id", "vnfcInstanceId"]);
            let vnfcs = named.as_ref().and_then(Value::as_array).into_iter().flatten();
            let vnfc_instance_id = vnfcs.filter_map(Value::as_str).map(str::to_owned).collect();
            let additional_params = additional(inputs);
            Ok(Some(Begin::Heal(HealVnfRequest { vnfc_instance_id, cause, additional_params })))
        }
        _ => Err(format!("{} is no operation that a VNFM begins by itself", call.operation)),
    }
}

fn whole(value: &Value) -> Option<u32> {
    value.as_u64().and_then(|n| u32::try_from(n).ok()).or_else(|| value.as_str()?.parse().ok())
}

/// What is left of the inputs, with those of `additional_parameters` beside the others.
fn additional(mut inputs: Map<String, Value>) -> Map<String, Value> {
    for group in ["additional_parameters", "additionalParams"] {
        if let Some(Value::Object(more)) = inputs.remove(group) {
            inputs.extend(more);
        }
    }
    inputs
}

/// Whether an aspect can go these steps further; what is not known is left to the operation to refuse.
fn room(situation: &Situation<'_>, aspect: &str, out: bool, steps: u32) -> bool {
    let level = levels_of(situation.facts).get(aspect).copied();
    let most = situation.flavour.scaling.aspects.get(aspect).map(|a| a.max_scale_level);
    match (level, most) {
        (Some(level), Some(most)) if out => level.saturating_add(steps) <= most,
        (Some(level), Some(_)) => level >= steps,
        _ => true,
    }
}

/// Whether every aspect has the scale level that an instantiation level says.
fn at_level(situation: &Situation<'_>, level: &str) -> bool {
    let wanted = situation.flavour.scaling.scale_levels(Size::Level(level));
    wanted.is_ok_and(|wanted| wanted == levels_of(situation.facts))
}

#[cfg(test)]
mod tests;
