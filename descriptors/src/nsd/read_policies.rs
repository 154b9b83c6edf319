//! Reading the policies of a service, and whether they fit together (SOL001 clause 7.10).

use std::collections::BTreeMap;

use super::model::NsFlavour;
use super::parts::{AutoScale, DataFlow, Monitoring};
use super::read_forwarding;
use super::read_parts::Context;
use super::scaling::NsAspect;
use crate::codes;
use crate::diag::{Pos, Sink};
use crate::network::read::{bitrate, placement_rule, policy_rest, raw_policy, security_group_rule};
use crate::network::{Bitrate, PlacementKind, monitoring_parameters, triggers};
use crate::tosca::fields::Fields;
use crate::tosca::{Policy, TypeKind, nearest};
use crate::yaml::Node;

pub(super) fn policy(context: &mut Context<'_, '_>, flavour: &mut NsFlavour, policy: &Policy) {
    let types = &context.bundle.types;
    let properties = context.scope.eval(&policy.properties, None);
    let is = |name: &str| types.is_a(TypeKind::Policy, &policy.type_name, &format!("tosca.policies.nfv.{name}"));
    let fields = Fields::new(&properties, format!("policy `{}`", policy.name), policy.at);
    let sink = &mut *context.sink;
    let (name, targets) = (policy.name.clone(), targets(policy));
    let affinity = is("NsAffinityRule") || is("AffinityRule");
    let mut triggers_taken = false;
    if affinity || is("NsAntiAffinityRule") || is("AntiAffinityRule") {
        let kind = if affinity { PlacementKind::Affinity } else { PlacementKind::AntiAffinity };
        flavour.placement.push(placement_rule(context.topology, policy, &fields, kind, sink));
    } else if is("NsSecurityGroupRule") || is("SecurityGroupRule") {
        flavour.security_group_rules.push(security_group_rule(policy, &fields, sink));
    } else if is("NfpRule") {
        flavour.nfp_rules.push(read_forwarding::rule(policy, &fields, sink));
    } else if is("NsMonitoring") {
        let parameters = monitoring_parameters(&fields, "ns_monitoring_parameters", sink);
        flavour.monitoring.push(Monitoring { name, targets, parameters });
    } else if is("VnfMonitoring") {
        let parameters = monitoring_parameters(&fields, "vnf_monitoring_parameters", sink);
        flavour.vnf_monitoring.push(Monitoring { name, targets, parameters });
    } else if is("NsAutoScale") {
        triggers_taken = true;
        flavour.auto_scale.push(AutoScale { name, targets, triggers: triggers(&policy.body) });
    } else if is("DataFlowInfo") {
        flavour.data_flows.push(DataFlow {
            name,
            id: fields.need_text("data_flow_info_id", sink),
            mirroring_job: fields.need_text("associated_mirroring_job_name", sink),
            direction: fields.need_text("direction", sink),
            targets,
        });
    } else if !levels(flavour, &targets, &fields, &is, sink) {
        flavour.other_policies.push(raw_policy(policy));
        return;
    }
    let rest = policy_rest(policy, &fields, triggers_taken);
    if !rest.is_null() {
        flavour.policy_extras.insert(policy.name.clone(), rest);
    }
}

fn targets(policy: &Policy) -> Vec<String> {
    policy.targets.iter().map(|(t, _)| t.clone()).collect()
}

/// Takes a policy in when it is about levels or scaling; tells whether it was.
fn levels(
    flavour: &mut NsFlavour,
    targets: &[String],
    fields: &Fields<'_>,
    is: &dyn Fn(&str) -> bool,
    sink: &mut Sink,
) -> bool {
    if is("NsInstantiationLevels") {
        flavour.levels.levels.extend(described(&fields.sub("ns_levels"), sink));
        flavour.levels.default_level = fields.text("default_level", sink);
    } else if is("VnfToInstantiationLevelMapping") || is("NsToInstantiationLevelMapping") {
        let counts = counts(&fields.sub("number_of_instances"), sink);
        let of_vnf = is("VnfToInstantiationLevelMapping");
        let into = if of_vnf { &mut flavour.levels.vnf_instances } else { &mut flavour.levels.ns_instances };
        for target in targets {
            into.entry(target.clone()).or_default().extend(counts.clone());
        }
    } else if is("VirtualLinkToInstantiationLevelMapping") {
        let rates = rates(&fields.sub("bit_rate_requirements"), sink);
        for target in targets {
            flavour.levels.link_bitrates.entry(target.clone()).or_default().extend(rates.clone());
        }
    } else if is("NsScalingAspects") {
        let all = fields.sub("aspects");
        for entry in all.entries(sink) {
            let aspect = all.sub(&entry.key);
            let levels = described(&aspect.sub("ns_scale_levels"), sink);
            let read = NsAspect {
                name: aspect.text("name", sink).unwrap_or_else(|| entry.key.clone()),
                description: aspect.text("description", sink).unwrap_or_default(),
                levels: numbered(levels, entry.key_at, sink),
            };
            flavour.scaling.aspects.insert(entry.key.clone(), read);
        }
    } else if is("VnfToLevelMapping") || is("NsToLevelMapping") {
        let aspect = fields.need_text("aspect", sink);
        let given = fields.sub("number_of_instances");
        let counts = numbered(counts(&given, sink), given.at(), sink);
        let of_vnf = is("VnfToLevelMapping");
        let into = if of_vnf { &mut flavour.scaling.vnf_instances } else { &mut flavour.scaling.ns_instances };
        for target in targets {
            into.entry(target.clone()).or_default().entry(aspect.clone()).or_default().extend(counts.clone());
        }
    } else if is("VirtualLinkToLevelMapping") {
        let aspect = fields.need_text("aspect", sink);
        let given = fields.sub("bit_rate_requirements");
        let rates = numbered(rates(&given, sink), given.at(), sink);
        for target in targets {
            let by_aspect = flavour.scaling.link_bitrates.entry(target.clone()).or_default();
            by_aspect.entry(aspect.clone()).or_default().extend(rates.clone());
        }
    } else {
        return false;
    }
    true
}

fn described(map: &Fields<'_>, sink: &mut Sink) -> BTreeMap<String, String> {
    let text = |key: &str, sink: &mut Sink| map.sub(key).text("description", sink).unwrap_or_default();
    map.entries(sink).iter().map(|e| (e.key.clone(), text(&e.key, sink))).collect()
}

fn counts(map: &Fields<'_>, sink: &mut Sink) -> BTreeMap<String, u32> {
    map.entries(sink).iter().filter_map(|e| Some((e.key.clone(), map.whole(&e.key, sink)?))).collect()
}

fn rates(map: &Fields<'_>, sink: &mut Sink) -> BTreeMap<String, Bitrate> {
    map.entries(sink).iter().filter_map(|e| Some((e.key.clone(), bitrate(&map.sub(&e.key), sink)?))).collect()
}

/// Scale levels are numbers from 0.
fn numbered<T>(map: BTreeMap<String, T>, at: Pos, sink: &mut Sink) -> BTreeMap<u32, T> {
    let mut found = BTreeMap::new();
    for (key, value) in map {
        match key.parse() {
            Ok(level) => {
                found.insert(level, value);
            }
            Err(_) => sink.error_mend(
                &codes::NS_SCALING,
                at,
                format!("the scale level `{key}` is not a whole number from 0"),
                "number the levels, for example `0: { description: … }`",
            ),
        }
    }
    found
}

/// Checks that mappings name levels and aspects that are there, with numbers that profiles permit.
pub(super) fn check(context: &mut Context<'_, '_>, flavour: &NsFlavour) {
    let policies = &context.topology.policies;
    for policy in policies {
        let types = &context.bundle.types;
        let is = |name: &str| types.is_a(TypeKind::Policy, &policy.type_name, &format!("tosca.policies.nfv.{name}"));
        let key = if policy.properties.get("bit_rate_requirements").is_some() {
            "bit_rate_requirements"
        } else {
            "number_of_instances"
        };
        let given = policy.properties.get(key);
        if is("VnfToLevelMapping") || is("NsToLevelMapping") || is("VirtualLinkToLevelMapping") {
            let aspect = policy.properties.get("aspect");
            aspect_levels(flavour, &policy.name, aspect, given, context.sink);
        } else if ["Vnf", "Ns", "VirtualLink"].iter().any(|part| is(&format!("{part}ToInstantiationLevelMapping"))) {
            for level in given.into_iter().flat_map(Node::each) {
                if !flavour.levels.levels.contains_key(&level.key) {
                    let near = nearest(&level.key, flavour.levels.levels.keys().map(String::as_str));
                    context.sink.error_mend(
                        &codes::NS_SCALING,
                        level.key_at,
                        format!("the policy `{}` names the level `{}`, which is not defined", policy.name, level.key),
                        near.map_or_else(
                            || "define it in NsInstantiationLevels".to_owned(),
                            |n| format!("did you mean `{n}`?"),
                        ),
                    );
                }
            }
        }
    }
    let levels = &flavour.levels;
    let place = policies.iter().find_map(|p| p.properties.get("default_level")).map_or(context.topology.at, |n| n.at);
    if let Some(default) = levels.default_level.as_ref().filter(|d| !levels.levels.contains_key(*d)) {
        context.sink.error_mend(
            &codes::NS_SCALING,
            place,
            format!("the default level `{default}` is not one of the NS instantiation levels"),
            format!("use one of {}", levels.levels.keys().cloned().collect::<Vec<_>>().join(", ")),
        );
    }
    for (vnf, by_level) in &levels.vnf_instances {
        let Some(profile) = flavour.vnf(vnf) else { continue };
        for (level, count) in
            by_level.iter().filter(|(_, n)| **n < profile.min_instances || **n > profile.max_instances)
        {
            context.sink.warn(
                &codes::NS_SCALING,
                context.topology.node(vnf).map(|n| n.at),
                format!(
                    "the level `{level}` gives `{vnf}` {count} instances, its profile permits {} to {}",
                    profile.min_instances, profile.max_instances
                ),
                "widen the profile, or change the level",
            );
        }
    }
}

fn aspect_levels(flavour: &NsFlavour, policy: &str, aspect: Option<&Node>, given: Option<&Node>, sink: &mut Sink) {
    let Some((name, at)) = aspect.and_then(|a| Some((a.text()?, a.at))) else { return };
    let Some(known) = flavour.scaling.aspects.get(name) else {
        let near = nearest(name, flavour.scaling.aspects.keys().map(String::as_str));
        sink.error_mend(
            &codes::NS_SCALING,
            at,
            format!("the policy `{policy}` is for the aspect `{name}`, which is not defined"),
            near.map_or_else(|| "define it in NsScalingAspects".to_owned(), |n| format!("did you mean `{n}`?")),
        );
        return;
    };
    for level in given.into_iter().flat_map(Node::each) {
        if level.key.parse().is_ok_and(|n: u32| !known.levels.contains_key(&n)) {
            sink.error_mend(
                &codes::NS_SCALING,
                level.key_at,
                format!(
                    "the policy `{policy}` names scale level {}, which the aspect `{name}` does not have",
                    level.key
                ),
                "add it to `ns_scale_levels`, or take it away here",
            );
        }
    }
}
