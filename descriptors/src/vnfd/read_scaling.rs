//! Reading scaling and level policies (SOL001 clause 6.10).

use std::collections::BTreeMap;

use super::scaling::{Aspect, Level, Scaling};
use crate::diag::Sink;
use crate::network::Bitrate;
use crate::network::read::bitrate;
use crate::tosca::Policy;
use crate::tosca::fields::Fields;

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
