//! Whether scaling and level policies name what exists and agree with each other (SOL001 clause 6.10).

use std::collections::BTreeMap;

use super::model::Flavour;
use super::scaling::Size;
use crate::codes;
use crate::diag::{Pos, Sink};
use crate::tosca::{Policy, Topology, TypeKind, Types, nearest};
use crate::yaml::Node;

/// The policies of a flavour's template.
struct Policies<'a> {
    topology: &'a Topology,
    types: &'a Types,
}

impl<'a> Policies<'a> {
    /// Those of a standard type, or of one derived from it.
    fn of<'k>(&self, kind: &'k str) -> impl Iterator<Item = &'a Policy> + use<'a, 'k> {
        let types = self.types;
        let standard = format!("tosca.policies.nfv.{kind}");
        self.topology.policies.iter().filter(move |p| types.is_a(TypeKind::Policy, &p.type_name, &standard))
    }

    /// Where the first of a kind stands, or the template.
    fn place(&self, kind: &str) -> Pos {
        self.of(kind).next().map_or(self.topology.at, |p| p.at)
    }

    /// Where the deltas of a target for an aspect stand.
    fn deltas_at(&self, target: &str, aspect: &str) -> Pos {
        let of_target = self.topology.policies.iter().filter(|p| p.targets.iter().any(|(t, _)| t == target));
        let mut of_aspect = of_target.filter(|p| p.properties.get("aspect").and_then(Node::text) == Some(aspect));
        of_aspect.next().map_or(self.topology.at, |p| p.at)
    }
}

/// Checks that policies name what exists and agree with each other.
pub(super) fn check(flavour: &Flavour, topology: &Topology, types: &Types, sink: &mut Sink) {
    let scaling = &flavour.scaling;
    let policies = Policies { topology, types };
    deltas(flavour, &policies, &scaling.deltas, sink);
    deltas(flavour, &policies, &scaling.link_deltas, sink);
    deltas(flavour, &policies, &scaling.vip_deltas, sink);
    for vdu in scaling.deltas.keys().filter(|v| !scaling.initial.contains_key(*v)) {
        sink.warn(
            &codes::SCALING,
            policies.place("VduScalingAspectDeltas"),
            format!("`{vdu}` scales but has no initial delta; it is taken as 0"),
            "add a policy of type `tosca.policies.nfv.VduInitialDelta`",
        );
    }
    for (id, aspect) in &scaling.aspects {
        let steps = aspect.step_deltas.len();
        if steps > 1 && steps != aspect.max_scale_level as usize {
            sink.error_mend(
                &codes::SCALING,
                policies.place("ScalingAspects"),
                format!("the aspect `{id}` has {} steps but {steps} step deltas", aspect.max_scale_level),
                "list one delta for each step, or a single one for all",
            );
        }
    }
    levels(flavour, &policies, sink);
}

/// Deltas are for aspects that there are, one for each step.
fn deltas<T>(
    flavour: &Flavour,
    policies: &Policies<'_>,
    by_target: &BTreeMap<String, BTreeMap<String, BTreeMap<String, T>>>,
    sink: &mut Sink,
) {
    let aspects = &flavour.scaling.aspects;
    for (target, aspect, deltas) in by_target.iter().flat_map(|(t, by)| by.iter().map(move |(a, d)| (t, a, d))) {
        let Some(known) = aspects.get(aspect) else {
            let near = nearest(aspect, aspects.keys().map(String::as_str));
            sink.error_mend(
                &codes::SCALING,
                policies.deltas_at(target, aspect),
                format!("the deltas of `{target}` are for the aspect `{aspect}`, which is not defined"),
                near.map_or_else(|| format!("define `{aspect}` in ScalingAspects"), |n| format!("did you mean `{n}`?")),
            );
            continue;
        };
        if let Some(id) = known.step_deltas.iter().find(|id| !deltas.contains_key(*id)) {
            sink.warn(
                &codes::SCALING,
                policies.deltas_at(target, aspect),
                format!(
                    "the aspect `{aspect}` steps by `{id}`, for which `{target}` has no delta; the step leaves it as it is"
                ),
                format!("add `{id}` to the deltas of `{target}`, or correct `step_deltas`"),
            );
        }
        if known.step_deltas.is_empty() && deltas.len() > 1 {
            sink.error_mend(
                &codes::SCALING,
                policies.deltas_at(target, aspect),
                format!("the aspect `{aspect}` has several deltas but does not say which step takes which"),
                "list them in order in `step_deltas`",
            );
        }
    }
}

fn levels(flavour: &Flavour, policies: &Policies<'_>, sink: &mut Sink) {
    let scaling = &flavour.scaling;
    let at = policies.place("InstantiationLevels");
    if let Some(default) = scaling.default_level.as_ref().filter(|d| !scaling.levels.contains_key(*d)) {
        let place =
            policies.of("InstantiationLevels").find_map(|p| p.properties.get("default_level")).map_or(at, |n| n.at);
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
    let kinds = ["VduInstantiationLevels", "VirtualLinkInstantiationLevels", "VipCpInstantiationLevels"];
    for policy in kinds.into_iter().flat_map(|kind| policies.of(kind)) {
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
fn counts_agree(flavour: &Flavour, at: Pos, sink: &mut Sink) {
    let scaling = &flavour.scaling;
    let vdus = flavour.vdus.iter().map(|v| (&v.name, v.profile));
    for (name, profile) in vdus.chain(flavour.deployable_units.iter().map(|u| (&u.name, u.profile))) {
        for (id, level) in &scaling.levels {
            let (Ok(said), Ok(computed)) = (
                scaling.instances(name, Size::Level(id)),
                scaling.instances(name, Size::ScaleLevels(&level.scale_info)),
            ) else {
                continue;
            };
            if said != computed && scaling.initial.contains_key(name) {
                sink.warn(
                    &codes::LEVELS,
                    at,
                    format!(
                        "the level `{id}` gives `{}` {said} VNFCs, initial delta and steps give {computed}; {said} is used",
                        name
                    ),
                    "make both say the same",
                );
            }
            if said < profile.min_instances || said > profile.max_instances {
                sink.warn(
                    &codes::LEVELS,
                    at,
                    format!(
                        "the level `{id}` gives `{}` {said} VNFCs, its profile permits {} to {}",
                        name, profile.min_instances, profile.max_instances
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
