//! Reading scaling and level policies, and whether they fit together (SOL001 clause 6.10).

use std::collections::BTreeMap;

use super::model::Flavour;
use super::scaling::{Aspect, Level, Scaling, Size};
use crate::codes;
use crate::diag::Sink;
use crate::network::Bitrate;
use crate::network::read::bitrate;
use crate::tosca::fields::Fields;
use crate::tosca::{Policy, Topology, nearest};
use crate::yaml::Node;

/// Takes a policy in when it is about scaling; tells whether it was.
pub(super) fn policy(
    scaling: &mut Scaling,
    policy: &Policy,
    fields: &Fields<'_>,
    is: &dyn Fn(&str) -> bool,
    sink: &mut Sink,
) -> bool {
    let targets = || policy.targets.iter().map(|(target, _)| target.clone());
    if is("ScalingAspects") {
        aspects(scaling, &fields.sub("aspects"), sink);
    } else if is("InstantiationLevels") {
        levels_of(scaling, &fields.sub("levels"), sink);
        scaling.default_level = fields.text("default_level", sink);
    } else if is("VduInitialDelta") || is("VipCpInitialDelta") {
        let count = number(&fields.sub("initial_delta"), sink);
        let into = if is("VduInitialDelta") { &mut scaling.initial } else { &mut scaling.vip_initial };
        into.extend(targets().map(|t| (t, count)));
    } else if is("VirtualLinkBitrateInitialDelta") {
        let rate = bitrate_of(&fields.sub("initial_delta"), sink);
        scaling.link_initial.extend(targets().map(|t| (t, rate)));
    } else if is("VduScalingAspectDeltas") || is("VipCpScalingAspectDeltas") {
        let aspect = fields.need_text("aspect", sink);
        let counts = each(&fields.sub("deltas"), number, sink);
        let into = if is("VduScalingAspectDeltas") { &mut scaling.deltas } else { &mut scaling.vip_deltas };
        for target in targets() {
            into.entry(target).or_default().insert(aspect.clone(), counts.clone());
        }
    } else if is("VirtualLinkBitrateScalingAspectDeltas") {
        let aspect = fields.need_text("aspect", sink);
        let rates = each(&fields.sub("deltas"), bitrate_of, sink);
        for target in targets() {
            scaling.link_deltas.entry(target).or_default().insert(aspect.clone(), rates.clone());
        }
    } else if is("VduInstantiationLevels") || is("VipCpInstantiationLevels") {
        let counts = each(&fields.sub("levels"), number, sink);
        let into = if is("VduInstantiationLevels") { &mut scaling.vdu_levels } else { &mut scaling.vip_levels };
        for target in targets() {
            into.entry(target).or_default().extend(counts.clone());
        }
    } else if is("VirtualLinkInstantiationLevels") {
        let rates = each(&fields.sub("levels"), bitrate_of, sink);
        for target in targets() {
            scaling.link_levels.entry(target).or_default().extend(rates.clone());
        }
    } else {
        return false;
    }
    true
}

fn aspects(scaling: &mut Scaling, all: &Fields<'_>, sink: &mut Sink) {
    for entry in all.entries(sink) {
        let aspect = all.sub(&entry.key);
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
}

fn levels_of(scaling: &mut Scaling, all: &Fields<'_>, sink: &mut Sink) {
    for entry in all.entries(sink) {
        let level = all.sub(&entry.key);
        let description = level.text("description", sink).unwrap_or_default();
        let info = level.sub("scale_info");
        let at = |info: &Fields<'_>, sink: &mut Sink| info.whole("scale_level", sink).unwrap_or_default();
        let scale_info = each(&info, at, sink);
        scaling.levels.insert(entry.key.clone(), Level { description, scale_info });
    }
}

/// One value for each key of a map.
fn each<T>(map: &Fields<'_>, read: impl Fn(&Fields<'_>, &mut Sink) -> T, sink: &mut Sink) -> BTreeMap<String, T> {
    map.entries(sink).iter().map(|e| (e.key.clone(), read(&map.sub(&e.key), sink))).collect()
}

fn number(fields: &Fields<'_>, sink: &mut Sink) -> u32 {
    fields.need_whole("number_of_instances", sink)
}

fn bitrate_of(fields: &Fields<'_>, sink: &mut Sink) -> Bitrate {
    let rate = fields.sub("bitrate_requirements");
    if !rate.exists() {
        fields.missing("bitrate_requirements", "tosca.datatypes.nfv.LinkBitrateRequirements", sink);
    }
    bitrate(&rate, sink).unwrap_or_default()
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
