//! Scaling, levels, monitoring and auto-scaling in the NSD of `data/whole_nsd.yaml`.

use std::collections::BTreeMap;

use descriptors::network::Bitrate;

use crate::read::{changed_nsd, edited_nsd, nsd, told};

fn counts(pairs: &[(&str, u32)]) -> BTreeMap<String, u32> {
    pairs.iter().map(|(name, n)| ((*name).to_owned(), *n)).collect()
}

#[test]
fn scaling_aspects_and_mappings_to_levels() {
    let nsd = nsd();
    let flavour = &nsd.flavours[0];
    let users = &flavour.scaling.aspects["users"];
    assert_eq!(
        (users.name.as_str(), users.description.as_str(), users.levels[&2].as_str()),
        ("Users", "More of them", "Many")
    );
    let size = flavour.size_at_scale_level("users", 2).unwrap();
    assert_eq!((size.vnfs, size.nested_ns), (counts(&[("cache", 4)]), counts(&[("inner", 2)])));
    assert_eq!(size.links["inside"], Bitrate { root_bps: 40, leaf_bps: Some(4) });
    assert!(flavour.size_at_scale_level("users", 1).unwrap().links.is_empty(), "nothing is said about this level");
    assert!(flavour.size_at_scale_level("users", 3).unwrap_err().to_string().contains("it has 0, 1, 2"));
    assert!(flavour.size_at_scale_level("user", 0).unwrap_err().to_string().contains("it has users"));
}

#[test]
fn faults_of_mappings_are_told() {
    let found = edited_nsd(
        "{ aspect: users, number_of_instances: { 0: 1, 1: 2, 2: 4 } }",
        "{ aspect: user, number_of_instances: { 0: 1, 1: 2, 2: 4 } }",
    );
    assert!(told(&found.unwrap_err()).contains("did you mean `users`?"));
    let found =
        edited_nsd("number_of_instances: { 0: 1, 1: 2, 2: 4 }", "number_of_instances: { 0: 1, 7: 2 }").unwrap_err();
    assert!(told(&found).contains("names scale level 7, which the aspect `users` does not have"), "{found}");
    let found = edited_nsd("number_of_instances: { day: 3, night: 1 }", "number_of_instances: { dey: 3 }").unwrap_err();
    assert!(told(&found).contains("names the level `dey`") && told(&found).contains("did you mean `day`?"), "{found}");
    let found = edited_nsd("default_level: day", "default_level: dusk").unwrap_err();
    assert!(told(&found).contains("`dusk` is not one of the NS instantiation levels"), "{found}");
    let nsd = edited_nsd("number_of_instances: { day: 3, night: 1 }", "number_of_instances: { day: 9 }").unwrap();
    assert!(told(&nsd.warnings).contains("gives `cache` 9 instances, its profile permits 1 to 5"), "{}", nsd.warnings);
}

#[test]
fn instantiation_levels_and_mappings() {
    let nsd = nsd();
    let flavour = &nsd.flavours[0];
    assert_eq!(
        (flavour.levels.levels["night"].as_str(), flavour.levels.default_level.as_deref()),
        ("Quiet", Some("day"))
    );
    let day = flavour.size_at_level("day").unwrap();
    assert_eq!((day.vnfs, day.nested_ns), (counts(&[("cache", 3)]), counts(&[("inner", 2)])));
    assert_eq!(day.links["inside"].root_bps, 30);
    assert_eq!(flavour.size_at_level("night").unwrap().vnfs, counts(&[("cache", 1)]));
    assert!(flavour.size_at_level("noon").is_err());
    let cache = flavour.vnf("cache").unwrap();
    assert_eq!((flavour.initial_instances(cache, None), flavour.initial_instances(cache, Some("night"))), (3, 1));
}

#[test]
fn auto_scale_rules() {
    let nsd = nsd();
    let grow = &nsd.flavours[0].auto_scale[0];
    assert_eq!(grow.targets, ["NS"]);
    let busy = &grow.triggers[0];
    assert_eq!(
        (busy.event.as_deref(), busy.calls.as_slice()),
        (Some("acme.NsIndicators.load"), &["Nslcm.scale".to_owned()][..])
    );
    assert_eq!(busy.condition[0]["load"][0]["greater_than"], 70);
    let interface =
        edited_nsd("        Nslcm: {", "        NsIndicators: { notifications: { load: {} } }\n        Nslcm: {")
            .unwrap();
    let interface = interface.flavours[0].interfaces.iter().find(|i| i.name == "NsIndicators").unwrap().clone();
    assert_eq!(interface.standard_type.as_deref(), Some("tosca.interfaces.nfv.NsVnfIndicator"));
}

#[test]
fn monitored_info() {
    let nsd = nsd();
    let flavour = &nsd.flavours[0];
    let of_ns = &flavour.monitoring[0];
    assert_eq!((of_ns.targets.as_slice(), of_ns.parameters[0].id.as_str()), (&["NS".to_owned()][..], "in"));
    assert_eq!(
        (of_ns.parameters[0].metric.as_str(), of_ns.parameters[0].collection_period_s),
        ("byte_incoming_sap", Some(30.0))
    );
    let of_vnf = &flavour.vnf_monitoring[0];
    assert_eq!(
        (of_vnf.targets.as_slice(), of_vnf.parameters[0].metric.as_str()),
        (&["firewall".to_owned()][..], "v_cpu_usage_mean_vnf")
    );
}

#[test]
fn additional_parameters_of_operations() {
    let typed = "    interfaces:\n      Nslcm: { type: tosca.interfaces.nfv.Nslcm, operations: { instantiate: { inputs: { additional_parameters: { type: acme.NsParameters } } } } }\n";
    let nsd = edited_nsd("    interfaces:\n      NsIndicators", &format!("{typed}      NsIndicators"))
        .unwrap_or_else(|e| panic!("{e}"));
    let lcm = nsd.flavours[0].interfaces.iter().find(|i| i.name == "Nslcm").unwrap();
    assert_eq!(lcm.parameters["instantiate"][0].name, "colour");
    assert_eq!(
        lcm.operations.iter().find(|o| o.name == "instantiate_end").unwrap().file.as_deref(),
        Some("Scripts/greet.sh")
    );
}

#[test]
fn derived_policies_and_groups() {
    let types = "policy_types:\n  acme.Far: { derived_from: tosca.policies.nfv.NsAntiAffinityRule }\ngroup_types:\n  \
        acme.Heavy: { derived_from: tosca.groups.nfv.NsPlacementGroup }\nnode_types:\n  acme.Chain:";
    let nsd = changed_nsd(|t| {
        t.replacen("node_types:\n  acme.Chain:", types, 1)
            .replacen("type: tosca.policies.nfv.NsAntiAffinityRule", "type: acme.Far", 1)
            .replacen("type: tosca.groups.nfv.NsPlacementGroup", "type: acme.Heavy", 1)
    });
    let nsd = nsd.unwrap_or_else(|e| panic!("{e}"));
    assert!(nsd.warnings.is_empty(), "{}", nsd.warnings);
    assert_eq!(nsd.flavours[0].placement, crate::read::nsd().flavours[0].placement);
}
