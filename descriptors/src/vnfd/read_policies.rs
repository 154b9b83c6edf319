//! Reading the policies of a VNF beyond scaling and placement (SOL001 clause 6.10).

use serde_json::Value;

use super::model::Flavour;
use super::policies::{
    ChangeSelector, ComponentMapping, CoordinationAction, Indicator, OperationCoordination, PackageChange,
    SupportedInterface, Uri,
};
use crate::codes;
use crate::diag::Sink;
use crate::network::{Call, Trigger, triggers};
use crate::tosca::fields::Fields;
use crate::tosca::{Policy, Topology, nearest};

/// How a policy was dealt with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Taken {
    /// Not at all.
    No,
    /// Its properties.
    Properties,
    /// Its properties and triggers.
    WithTriggers,
}

/// Takes a policy into the flavour when it is one of these.
pub(super) fn policy(
    flavour: &mut Flavour,
    policy: &Policy,
    fields: &Fields<'_>,
    is: &dyn Fn(&str) -> bool,
    sink: &mut Sink,
) -> Taken {
    if is("SupportedVnfInterface") {
        flavour.supported_interfaces.push(supported(policy, fields, sink));
    } else if is("LcmCoordinationAction") {
        flavour.coordination_actions.push(action(policy, fields, sink));
    } else if is("LcmCoordinationsForLcmOperation") {
        flavour.coordinations.push(OperationCoordination {
            name: policy.name.clone(),
            operation: fields.need_text("vnf_lcm_operation", sink),
            actions: fields.texts("actions", sink),
            referenced_actions: fields.texts("referenced_coordination_actions", sink),
        });
    } else if is("VnfIndicator") {
        flavour.indicators.push(Indicator {
            name: policy.name.clone(),
            source: fields.text("source", sink).unwrap_or_default(),
            targets: targets(policy),
            triggers: triggers(&policy.body),
        });
        return Taken::WithTriggers;
    } else if is("VnfPackageChange") {
        flavour.package_changes.push(change(policy, fields, sink));
        return Taken::WithTriggers;
    } else {
        return Taken::No;
    }
    Taken::Properties
}

fn targets(policy: &Policy) -> Vec<String> {
    policy.targets.iter().map(|(t, _)| t.clone()).collect()
}

fn supported(policy: &Policy, fields: &Fields<'_>, sink: &mut Sink) -> SupportedInterface {
    let details = fields.sub("details");
    let uri = details.sub("uri_components");
    let authority = uri.sub("authority");
    SupportedInterface {
        name: policy.name.clone(),
        interface: fields.need_text("interface_name", sink),
        targets: targets(policy),
        uri: uri.exists().then(|| Uri {
            scheme: uri.need_text("scheme", sink),
            user_info: authority.text("user_info", sink),
            host: authority.text("host", sink),
            port: authority.text("port", sink),
            path: uri.text("path", sink),
            query: uri.text("query", sink),
            fragment: uri.text("fragment", sink),
        }),
        specific: details.text_map("interface_specific_data", sink),
    }
}

fn action(policy: &Policy, fields: &Fields<'_>, sink: &mut Sink) -> CoordinationAction {
    let body = fields.sub("action");
    CoordinationAction {
        name: policy.name.clone(),
        action: fields.need_text("action_name", sink),
        description: body.text("description", sink),
        endpoint: body.text("endpoint_type", sink),
        stage: body.text("coordination_stage", sink),
        inputs: body.json("input_parameters"),
        outputs: body.json("output_parameters"),
    }
}

fn change(policy: &Policy, fields: &Fields<'_>, sink: &mut Sink) -> PackageChange {
    let selector = |one: &Fields<'_>, sink: &mut Sink| ChangeSelector {
        source: one.need_text("source_descriptor_id", sink),
        destination: one.need_text("destination_descriptor_id", sink),
        source_flavour: one.need_text("source_flavour_id", sink),
    };
    // A single one before version 4, a list since.
    let single = fields.peek("selector").is_some_and(|n| n.entries().is_some());
    let selectors = if single {
        vec![selector(&fields.sub("selector"), sink)]
    } else {
        let items = fields.list("selector", sink).iter().enumerate();
        items.map(|(i, node)| selector(&fields.item("selector", i, node), sink)).collect()
    };
    let mappings = fields.list("component_mappings", sink).iter().enumerate();
    PackageChange {
        name: policy.name.clone(),
        selectors,
        qualifier: fields.need_text("modification_qualifier", sink),
        description: fields.text("additional_modification_description", sink),
        mappings: mappings
            .map(|(i, node)| {
                let one = fields.item("component_mappings", i, node);
                ComponentMapping {
                    component: one.need_text("component_type", sink),
                    source: one.need_text("source_id", sink),
                    destination: one.need_text("destination_id", sink),
                    description: one.text("description", sink),
                }
            })
            .collect(),
        destination_flavour: fields.text("destination_flavour_id", sink),
        actions: fields.texts("actions", sink),
        referenced_actions: fields.texts("referenced_coordination_actions", sink),
        triggers: triggers(&policy.body),
    }
}

/// Checks that policies name actions and components that are there.
pub(super) fn check(flavour: &Flavour, descriptor_id: &str, topology: &Topology, sink: &mut Sink) {
    let place = |name: &str| topology.policies.iter().find(|p| p.name == name).map_or(topology.at, |p| p.at);
    let known: Vec<&str> = flavour.coordination_actions.iter().map(|a| a.action.as_str()).collect();
    let used = flavour.coordinations.iter().map(|c| (&c.name, &c.actions));
    for (policy, actions) in used.chain(flavour.package_changes.iter().map(|c| (&c.name, &c.actions))) {
        for action in actions.iter().filter(|a| !known.contains(&a.as_str())) {
            let near = nearest(action, known.iter().copied());
            sink.error_mend(
                &codes::LCM_COORDINATION,
                place(policy),
                format!("the policy `{policy}` names the coordination action `{action}`, which is not described here"),
                near.map_or_else(
                    || "add a policy of type `tosca.policies.nfv.LcmCoordinationAction` for it".to_owned(),
                    |n| format!("did you mean `{n}`?"),
                ),
            );
        }
    }
    for change in &flavour.package_changes {
        // Only the side that this VNFD describes can be checked: a change towards it, from it, or neither.
        let towards = change.selectors.iter().any(|s| s.destination == descriptor_id);
        let from = change.selectors.iter().any(|s| s.source == descriptor_id);
        if !towards && !from {
            sink.warn(
                &codes::PACKAGE_CHANGE,
                place(&change.name),
                format!("the change `{}` is neither from nor to this VNFD `{descriptor_id}`", change.name),
                "correct the descriptor identifiers of its `selector`",
            );
        }
        for mapping in change.mappings.iter().filter(|_| towards != from) {
            let here = if towards { &mapping.destination } else { &mapping.source };
            if names(flavour, &mapping.component).is_some_and(|known| !known.contains(&here.as_str())) {
                sink.error_mend(
                    &codes::PACKAGE_CHANGE,
                    place(&change.name),
                    format!(
                        "the change `{}` maps the {} `{here}`, which this flavour does not have",
                        change.name, mapping.component
                    ),
                    "name one of this template, or take the mapping away",
                );
            }
        }
    }
    for indicator in &flavour.indicators {
        for (trigger, problem) in
            indicator.triggers.iter().flat_map(|t| idle(flavour, t).into_iter().map(move |p| (t, p)))
        {
            sink.warn(
                &codes::INDICATOR,
                place(&indicator.name),
                format!("the trigger `{}` of `{}` never acts: {problem}", trigger.name, indicator.name),
                "say in `condition` which values make it act, and in `action` one of Vnflcm.scale (type, aspect), \
                 Vnflcm.scale_to_level (instantiation_level_id) and Vnflcm.heal",
            );
        }
    }
}

/// Why a trigger of an indicator can do nothing.
fn idle(flavour: &Flavour, trigger: &Trigger) -> Vec<String> {
    let mut problems: Vec<String> = trigger.when().err().into_iter().collect();
    let calls = trigger.called();
    if calls.is_empty() {
        problems.push("its action calls no operation".to_owned());
    }
    for call in calls {
        let given = |names: &[&str]| names.iter().find_map(|name| call.inputs.get(*name));
        match call.name() {
            "scale" => match (given(&["type"]), given(&Call::ASPECT)) {
                (Some(_), Some(Value::String(aspect))) if !flavour.scaling.aspects.contains_key(aspect) => {
                    problems.push(format!("the flavour has no scaling aspect `{aspect}`"));
                }
                (Some(_), Some(_)) => {}
                _ => problems.push(format!("{} is not given type and aspect", call.operation)),
            },
            "scale_to_level" => match given(&Call::LEVEL) {
                Some(Value::String(level)) if !flavour.scaling.levels.contains_key(level) => {
                    problems.push(format!("the flavour has no instantiation level `{level}`"));
                }
                Some(_) => {}
                None => problems.push(format!("{} is not given instantiation_level_id", call.operation)),
            },
            "heal" => {}
            _ => problems.push(format!("{} is no operation that a VNFM begins by itself", call.operation)),
        }
    }
    problems
}

/// The names of a kind of component; `None` for kinds that are not named within a flavour.
fn names<'a>(flavour: &'a Flavour, component: &str) -> Option<Vec<&'a str>> {
    let collect = |names: &mut dyn Iterator<Item = &'a String>| Some(names.map(String::as_str).collect());
    match component {
        "vdu" => {
            collect(&mut flavour.vdus.iter().map(|v| &v.name).chain(flavour.deployable_units.iter().map(|u| &u.name)))
        }
        "virtual_storage" => collect(&mut flavour.storages.iter().map(|s| &s.name)),
        "virtual_link" => collect(&mut flavour.virtual_links.iter().map(|l| &l.name)),
        "cp" => {
            let external = flavour.ext_cps.iter().flat_map(|c| [&c.name, &c.cp]);
            let sub = flavour.sub_cps.iter().map(|c| &c.cp.name);
            let vip = flavour.vip_cps.iter().map(|c| &c.name);
            let virtual_cps = flavour.virtual_cps.iter().map(|c| &c.name);
            collect(
                &mut flavour.vdu_cps.iter().map(|c| &c.name).chain(external).chain(sub).chain(vip).chain(virtual_cps),
            )
        }
        "instantiation_level" => collect(&mut flavour.scaling.levels.keys()),
        "scaling_aspect" => collect(&mut flavour.scaling.aspects.keys()),
        _ => None,
    }
}
