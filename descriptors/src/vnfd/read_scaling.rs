//! Reading scaling and level policies, and whether they fit together (SOL001 clause 6.10).

use std::collections::BTreeMap;

use super::model::Flavour;
use super::scaling::{Aspect, Level, Scaling, Size};
use crate::codes;
use crate::diag::Sink;
use crate::tosca::fields::Fields;
use crate::tosca::{Policy, Topology, nearest};
use crate::yaml::Node;

/// Takes a policy in when it is about scaling; tells whether it was.
pub(super) fn policy(
    scaling: &mut Scaling,
    policy: &Policy,
    properties: &Node,
    is: &dyn Fn(&str) -> bool,
    sink: &mut Sink,
) -> bool {
    let fields = Fields::new(properties, format!("policy `{}`", policy.name), policy.at);
    if is("ScalingAspects") {
        for entry in fields.get("aspects").iter().flat_map(|a| a.each()) {
            let aspect = fields.item("aspects", 0, &entry.value);
            scaling.aspects.insert(
                entry.key.clone(),
                Aspect {
                    name: aspect.text("name", sink).unwrap_or_else(|| entry.key.clone()),
                    description: aspect.text("description", sink).unwrap_or_default(),
                    max_scale_level: aspect.whole("max_scale_level", sink).unwrap_or_default(),
                    step_deltas: aspect.texts("step_deltas", sink),
                },
            );
        }
    } else if is("InstantiationLevels") {
        for entry in fields.get("levels").iter().flat_map(|l| l.each()) {
            let level = fields.item("levels", 0, &entry.value);
            let mut scale_info = BTreeMap::new();
            for aspect in level.get("scale_info").iter().flat_map(|s| s.each()) {
                let info = level.item("scale_info", 0, &aspect.value);
                scale_info.insert(aspect.key.clone(), info.whole("scale_level", sink).unwrap_or_default());
            }
            let description = level.text("description", sink).unwrap_or_default();
            scaling.levels.insert(entry.key.clone(), Level { description, scale_info });
        }
        scaling.default_level = fields.text("default_level", sink);
    } else if is("VduInitialDelta") {
        let delta = fields.sub("initial_delta");
        let count = delta.need_whole("number_of_instances", sink);
        for (vdu, _) in &policy.targets {
            scaling.initial.insert(vdu.clone(), count);
        }
    } else if is("VduScalingAspectDeltas") {
        let aspect = fields.need_text("aspect", sink);
        let counts = counts(&fields, "deltas", sink);
        for (vdu, _) in &policy.targets {
            scaling.deltas.entry(vdu.clone()).or_default().insert(aspect.clone(), counts.clone());
        }
    } else if is("VduInstantiationLevels") {
        let counts = counts(&fields, "levels", sink);
        for (vdu, _) in &policy.targets {
            scaling.vdu_levels.entry(vdu.clone()).or_default().extend(counts.clone());
        }
    } else {
        return false;
    }
    true
}

fn counts(fields: &Fields<'_>, key: &str, sink: &mut Sink) -> BTreeMap<String, u32> {
    let map = fields.get(key);
    map.iter()
        .flat_map(|m| m.each())
        .map(|e| (e.key.clone(), fields.item(key, 0, &e.value).need_whole("number_of_instances", sink)))
        .collect()
}

/// Checks that policies name what exists and agree with each other.
pub(super) fn check(flavour: &Flavour, topology: &Topology, sink: &mut Sink) {
    let scaling = &flavour.scaling;
    let find =
        |needle: &str| topology.policies.iter().find(|p| p.type_name.ends_with(needle)).map_or(topology.at, |p| p.at);
    let deltas_at = |vdu: &str, aspect: &str| {
        topology
            .policies
            .iter()
            .filter(|p| p.targets.iter().any(|(t, _)| t == vdu))
            .find(|p| p.properties.get("aspect").and_then(Node::text) == Some(aspect))
            .map_or(topology.at, |p| p.at)
    };
    for (vdu, by_aspect) in &scaling.deltas {
        for (aspect, deltas) in by_aspect {
            let Some(known) = scaling.aspects.get(aspect) else {
                let near = nearest(aspect, scaling.aspects.keys().map(String::as_str));
                sink.error_mend(
                    &codes::SCALING,
                    deltas_at(vdu, aspect),
                    format!("the deltas of `{vdu}` are for the aspect `{aspect}`, which is not defined"),
                    near.map_or_else(
                        || format!("define `{aspect}` in ScalingAspects"),
                        |n| format!("did you mean `{n}`?"),
                    ),
                );
                continue;
            };
            let open = known.step_deltas.iter().find(|id| !deltas.contains_key(*id));
            if let Some(id) = open {
                sink.warn(
                    &codes::SCALING,
                    deltas_at(vdu, aspect),
                    format!("the aspect `{aspect}` steps by `{id}`, for which `{vdu}` has no delta; the step leaves it as it is"),
                    format!("add `{id}` to the deltas of `{vdu}`, or correct `step_deltas`"),
                );
            }
            if known.step_deltas.is_empty() && deltas.len() > 1 {
                sink.error_mend(
                    &codes::SCALING,
                    deltas_at(vdu, aspect),
                    format!("the aspect `{aspect}` has several deltas but does not say which step takes which"),
                    "list them in order in `step_deltas`",
                );
            }
        }
        if !scaling.initial.contains_key(vdu) {
            sink.warn(
                &codes::SCALING,
                find("VduScalingAspectDeltas"),
                format!("`{vdu}` scales but has no initial delta; it is taken as 0"),
                "add a policy of type `tosca.policies.nfv.VduInitialDelta`",
            );
        }
    }
    for (id, aspect) in &scaling.aspects {
        let steps = aspect.step_deltas.len();
        if steps > 1 && steps != aspect.max_scale_level as usize {
            sink.error_mend(
                &codes::SCALING,
                find("ScalingAspects"),
                format!("the aspect `{id}` has {} steps but {steps} step deltas", aspect.max_scale_level),
                "list one delta for each step, or a single one for all",
            );
        }
    }
    levels(flavour, topology, sink);
}

fn levels(flavour: &Flavour, topology: &Topology, sink: &mut Sink) {
    let scaling = &flavour.scaling;
    let policy = |needle: &'static str| topology.policies.iter().filter(move |p| p.type_name.ends_with(needle));
    let at = policy(".InstantiationLevels").next().map_or(topology.at, |p| p.at);
    if let Some(default) = scaling.default_level.as_ref().filter(|d| !scaling.levels.contains_key(*d)) {
        let place = policy(".InstantiationLevels").find_map(|p| p.properties.get("default_level")).map_or(at, |n| n.at);
        sink.error_mend(
            &codes::LEVELS,
            place,
            format!("the default level `{default}` is not one of the instantiation levels"),
            format!("use one of {}", names(scaling.levels.keys())),
        );
    }
    if scaling.levels.len() > 1 && scaling.default_level.is_none() {
        sink.warn(
            &codes::LEVELS,
            at,
            "there are several instantiation levels and no default",
            "add `default_level`; without it a request must name the level",
        );
    }
    for (id, level) in &scaling.levels {
        if let Err(e) = scaling.scale_levels(Size::ScaleLevels(&level.scale_info)) {
            sink.error(&codes::LEVELS, at, format!("the instantiation level `{id}` does not fit: {e}"));
        }
    }
    for policy in policy(".VduInstantiationLevels") {
        for level in policy.properties.get("levels").iter().flat_map(|l| l.each()) {
            if !scaling.levels.contains_key(&level.key) {
                sink.error_mend(
                    &codes::LEVELS,
                    level.key_at,
                    format!("the policy `{}` names the level `{}`, which is not defined", policy.name, level.key),
                    format!("define it in InstantiationLevels, which has {}", names(scaling.levels.keys())),
                );
            }
        }
    }
    counts_agree(flavour, at, sink);
}

/// Levels and deltas must give the same numbers, within what the VDU permits.
fn counts_agree(flavour: &Flavour, at: crate::diag::Pos, sink: &mut Sink) {
    let scaling = &flavour.scaling;
    for vdu in &flavour.vdus {
        for (id, level) in &scaling.levels {
            let (Ok(said), Ok(computed)) = (
                scaling.instances(&vdu.name, Size::Level(id)),
                scaling.instances(&vdu.name, Size::ScaleLevels(&level.scale_info)),
            ) else {
                continue;
            };
            if said != computed && scaling.initial.contains_key(&vdu.name) {
                sink.warn(
                    &codes::LEVELS,
                    at,
                    format!(
                        "the level `{id}` gives `{}` {said} VNFCs, initial delta and steps give {computed}; {said} is used",
                        vdu.name
                    ),
                    "make both say the same",
                );
            }
            if said < vdu.profile.min_instances || said > vdu.profile.max_instances {
                sink.warn(
                    &codes::LEVELS,
                    at,
                    format!(
                        "the level `{id}` gives `{}` {said} VNFCs, its profile permits {} to {}",
                        vdu.name, vdu.profile.min_instances, vdu.profile.max_instances
                    ),
                    "widen the profile, or change the level",
                );
            }
        }
    }
}

fn names<'a>(keys: impl Iterator<Item = &'a String>) -> String {
    let all: Vec<&str> = keys.map(String::as_str).collect();
    if all.is_empty() { "none".to_owned() } else { all.join(", ") }
}
