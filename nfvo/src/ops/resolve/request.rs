//! What a request may ask for, and what is refused with a reason: nothing of it is passed over in silence.

use descriptors::network::PlacementKind;
use descriptors::nsd::NsFlavour;
use reference_points::common::Fault;
use reference_points::os_ma_nfvo::InstantiateNsRequest;

use super::{VIM_PARAM, list};

/// Checks everything of the request and of the flavour that this NFVO does not carry out, and every name that must exist.
pub fn check(request: &InstantiateNsRequest, flavour: &NsFlavour, faults: &mut Vec<Fault>) {
    not_carried_out(request, faults);
    names(request, flavour, faults);
    flavour_parts(flavour, faults);
}

fn not_carried_out(request: &InstantiateNsRequest, faults: &mut Vec<Fault>) {
    let mut refuse = |asked: bool, at: &str, why: &str, mend: &str| {
        if asked {
            faults.push(Fault::new(at, why).mend(mend));
        }
    };
    refuse(!request.addpnf_data.is_empty(), "/addpnfData", "PNFs are not taken into an NS here", "leave it out");
    refuse(
        !request.vnf_instance_data.is_empty(),
        "/vnfInstanceData",
        "existing VNF instances are not taken into an NS here: all its VNFs are made for it",
        "leave it out",
    );
    refuse(
        !request.nested_ns_instance_data.is_empty()
            || !request.nested_nslocation_constraints.is_empty()
            || !request.additional_param_for_nested_ns.is_empty(),
        "/nestedNsInstanceData",
        "nested network services are not made here",
        "leave out everything about nested NSs, and put their VNFs into the NSD itself",
    );
    refuse(
        request.location_constraints.iter().any(|c| c.location_constraints.is_some()),
        "/locationConstraints",
        "no VIM here tells where on Earth it is, so that a place cannot be honoured",
        "leave it out, and choose the VIM by additionalParamsForNs.vimId",
    );
    refuse(
        request.start_time.is_some(),
        "/startTime",
        "an operation begins when it is asked for",
        "leave it out, and send the request when it shall begin",
    );
    refuse(
        !request.wan_connection_data.is_empty(),
        "/wanConnectionData",
        "connections over wide area networks are not made here",
        "leave it out",
    );
    refuse(
        !request.additional_affinity_or_anti_affinity_rule.is_empty(),
        "/additionalAffinityOrAntiAffinityRule",
        "rules between VNFs are not carried out here; those inside a VNF are, by its VNFD",
        "leave it out",
    );
    for (i, sap) in request.sap_data.iter().enumerate() {
        refuse(
            !sap.sap_protocol_data.is_empty(),
            &format!("/sapData/{i}/sapProtocolData"),
            "a service access point is the virtual link itself: whoever connects there brings the addresses",
            "leave it out",
        );
    }
}

fn names(request: &InstantiateNsRequest, flavour: &NsFlavour, faults: &mut Vec<Fault>) {
    if let Some(level) = &request.ns_instantiation_level_id
        && !flavour.levels.levels.contains_key(level)
    {
        let known: Vec<&str> = flavour.levels.levels.keys().map(String::as_str).collect();
        faults.push(
            Fault::new("/nsInstantiationLevelId", format!("the flavour has no instantiation level \"{level}\""))
                .mend(format!("it has {}", list(&known))),
        );
    }
    let profiles: Vec<&str> = flavour.vnfs.iter().map(|v| v.name.as_str()).collect();
    let mut known_profile = |at: String, name: &str| {
        if !profiles.contains(&name) {
            faults.push(
                Fault::new(at, format!("the flavour has no VNF profile \"{name}\""))
                    .mend(format!("it has {}", list(&profiles))),
            );
        }
    };
    for (i, params) in request.additional_params_for_vnf.iter().enumerate() {
        known_profile(format!("/additionalParamsForVnf/{i}/vnfProfileId"), &params.vnf_profile_id);
    }
    for (i, place) in request.location_constraints.iter().enumerate() {
        known_profile(format!("/locationConstraints/{i}/vnfProfileId"), &place.vnf_profile_id);
    }
    let saps: Vec<&str> = flavour.saps.iter().map(|s| s.name.as_str()).collect();
    for (i, sap) in request.sap_data.iter().enumerate() {
        if !saps.contains(&sap.sapd_id.as_str()) {
            faults.push(
                Fault::new(format!("/sapData/{i}/sapdId"), format!("the flavour has no SAP \"{}\"", sap.sapd_id))
                    .mend(format!("it has {}", list(&saps))),
            );
        }
    }
    let inputs: Vec<&str> = flavour.inputs.iter().map(|i| i.name.as_str()).chain([VIM_PARAM]).collect();
    for key in request.additional_params_for_ns.keys() {
        if !inputs.contains(&key.as_str()) {
            faults.push(
                Fault::new(format!("/additionalParamsForNs/{key}"), "the NSD declares no such input")
                    .mend(format!("known: {}", list(&inputs))),
            );
        }
    }
    for input in &flavour.inputs {
        if input.required && input.default.is_none() && !request.additional_params_for_ns.contains_key(&input.name) {
            faults.push(
                Fault::new(
                    format!("/additionalParamsForNs/{}", input.name),
                    "the NSD requires this input and gives no default",
                )
                .mend(format!("add it, a {}", input.value_type)),
            );
        }
    }
}

/// What an NSD may describe and this NFVO does not make.
fn flavour_parts(flavour: &NsFlavour, faults: &mut Vec<Fault>) {
    let mut refuse = |what: &str, name: &str, why: &str| {
        faults.push(Fault::new(format!("NSD, {what} {name}"), why.to_owned()).mend("take it out of the NSD"));
    };
    for part in &flavour.nested_ns {
        refuse("nested NS", &part.name, "nested network services are not made here");
    }
    for part in &flavour.pnfs {
        refuse("PNF", &part.name, "PNFs are not taken into an NS here");
    }
    for part in &flavour.vnffgs {
        refuse("VNFFG", &part.name, "forwarding graphs are not made here");
    }
    for rule in &flavour.security_group_rules {
        refuse("security group rule", &rule.name, "rules for service access points are not carried out here");
    }
    for rule in &flavour.placement {
        // Everything of an NS is in one VIM.
        let met = rule.kind == PlacementKind::Affinity && matches!(rule.scope.as_str(), "nfvi_pop" | "zone_group");
        if !met && rule.targets.len() > 1 {
            let why = format!("a rule of scope {} between VNFs is not carried out here", rule.scope);
            refuse("placement rule", &rule.name, &why);
        }
    }
}
