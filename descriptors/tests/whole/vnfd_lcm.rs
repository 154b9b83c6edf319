//! Lifecycle: the VNF's own properties, interfaces, indicators, changes of package and coordination in the VNFD of
//! `data/whole_vnfd.yaml`.

use serde_json::json;

use crate::read::{edited_vnfd, flavour, told, vnfd};

#[test]
fn the_vnf_itself() {
    let vnfd = vnfd();
    assert!(vnfd.warnings.is_empty(), "{}", vnfd.warnings);
    assert_eq!(vnfd.descriptor_id, "7a5f4c3e-1111-4c52-9a0e-0d2f1b3a4c5d");
    assert_eq!((vnfd.provider.as_str(), vnfd.product_name.as_str()), ("Acme", "Gateway"));
    assert_eq!((vnfd.software_version.as_str(), vnfd.descriptor_version.as_str()), ("7.1", "2.0"));
    assert_eq!(vnfd.ext_invariant_id.as_deref(), Some("00000000-2222-4c52-9a0e-0d2f1b3a4c5d"));
    assert_eq!((vnfd.localization_languages.len(), vnfd.default_localization_language.as_deref()), (2, Some("en")));
    assert_eq!(vnfd.vnfm_info, ["etsivnfm:v4.4.1"]);
    assert_eq!((vnfd.flavours[0].id.as_str(), vnfd.flavours[0].description.as_str()), ("full", "Everything at once"));
    assert_eq!(vnfd.flavours[0].vnf_profile["instantiation_level"], "small");
}

#[test]
fn configurable_properties_of_the_vnf() {
    let all = vnfd().configurable_properties;
    let names: Vec<_> = all.standard.iter().map(|d| d.name.as_str()).collect();
    assert!(names.contains(&"is_autoscale_enabled") && names.contains(&"vnfm_interface_info"), "{names:?}");
    let dns = all.additional.iter().find(|d| d.name == "dns").unwrap();
    assert_eq!((dns.description.as_deref(), dns.default.clone()), (Some("The resolver"), Some(json!("9.9.9.9"))));
    let sites = all.additional.iter().find(|d| d.name == "sites").unwrap();
    assert_eq!(sites.entry_schema, json!({"type": "integer", "constraints": [{"in_range": [1, 99]}]}));
    let found = edited_vnfd("dns: 9.9.9.9", "dns: nine").unwrap_err();
    assert!(told(&found).contains("must be like `[0-9.]+`"), "{found}");
    let found = edited_vnfd("sites: { oslo: 3 }", "sites: { trondheim: 3 }").unwrap_err();
    assert!(told(&found).contains("the key `trondheim`"), "{found}");
    let found = edited_vnfd("sites: { oslo: 3 }", "sites: { oslo: 100 }").unwrap_err();
    assert!(told(&found).contains("from 1 to 99"), "{found}");
}

#[test]
fn modifiable_attributes() {
    let attributes = vnfd().modifiable_attributes;
    assert_eq!(
        (attributes.extensions[0].name.as_str(), attributes.extensions[0].default.clone()),
        ("rack", Some(json!("r1")))
    );
    assert_eq!(attributes.metadata[0].name, "owner");
    assert!(!attributes.metadata[0].required);
}

#[test]
fn lcm_operations_configuration() {
    let lcm = vnfd().lcm_operations;
    assert!(lcm.target_scale_levels_supported);
    assert!(lcm.scaling_by_more_than_one_step_supported && lcm.arbitrary_target_levels_supported);
    assert_eq!((lcm.min_graceful_termination_s, lcm.max_recommended_graceful_termination_s), (Some(5.0), Some(60.0)));
    assert_eq!((lcm.min_graceful_stop_s, lcm.max_recommended_graceful_stop_s), (Some(3.0), Some(30.0)));
    assert_eq!(lcm.heal_causes, ["disk", "memory"]);
    for operation in
        ["change_flavour", "change_ext_connectivity", "change_current_package", "create_snapshot", "revert_to_snapshot"]
    {
        assert!(lcm.configured.iter().any(|o| o == operation), "{operation}");
    }
}

#[test]
fn vnflcm_operations_with_their_artifacts() {
    let flavour = flavour();
    let lcm = flavour.interfaces.iter().find(|i| i.name == "Vnflcm").unwrap();
    assert_eq!(lcm.standard_type.as_deref(), Some("tosca.interfaces.nfv.Vnflcm"));
    assert_eq!(lcm.inputs, json!({"mode": "fast"}));
    let instantiate = lcm.operations.iter().find(|o| o.name == "instantiate").unwrap();
    assert_eq!(
        (instantiate.implementation.as_deref(), instantiate.file.as_deref()),
        (Some("flow"), Some("Scripts/flow.yaml"))
    );
    assert_eq!(instantiate.body["inputs"]["wait"], true);
    let heal = lcm.operations.iter().find(|o| o.name == "heal_end").unwrap();
    assert_eq!(
        (heal.file.as_deref(), heal.dependencies.as_slice()),
        (Some("Scripts/flow.yaml"), &["lib".to_owned()][..])
    );
    let found =
        edited_vnfd("            heal_end:", "            heal_ended:").unwrap_or_else(|e| panic!("{e}")).warnings;
    assert!(
        told(&found).contains("has no operation `heal_ended`") && told(&found).contains("did you mean `heal_end`?"),
        "{found}"
    );
    let found = edited_vnfd("{ implementation: flow, inputs", "{ implementation: flaw, inputs")
        .unwrap_or_else(|e| panic!("{e}"));
    assert!(told(&found.warnings).contains("`flaw`, which is no artifact of it"), "{}", found.warnings);
    let direct = edited_vnfd("{ implementation: flow, inputs", "{ implementation: Files/boot.sh, inputs").unwrap();
    assert_eq!(
        direct.flavours[0].interfaces.iter().find(|i| i.name == "Vnflcm").unwrap().operations[0].file.as_deref(),
        Some("Files/boot.sh")
    );
}

#[test]
fn change_current_vnf_package() {
    let flavour = flavour();
    let interface = flavour.interfaces.iter().find(|i| i.name == "Change").unwrap();
    assert_eq!(interface.standard_type.as_deref(), Some("tosca.interfaces.nfv.ChangeCurrentVnfPackage"));
    assert_eq!(interface.operations[0].file.as_deref(), Some("Scripts/flow.yaml"));
    let change = &flavour.package_changes[0];
    let own = "7a5f4c3e-1111-4c52-9a0e-0d2f1b3a4c5d";
    assert!(change.covers("7a5f4c3e-0000-4c52-9a0e-0d2f1b3a4c5d", "basic", own));
    assert!(!change.covers("7a5f4c3e-0000-4c52-9a0e-0d2f1b3a4c5d", "other", own));
    assert_eq!((change.qualifier.as_str(), change.destination_flavour.as_deref()), ("up", Some("full")));
    assert_eq!(change.description.as_deref(), Some("Keeps its addresses"));
    let mapping = &change.mappings[0];
    assert_eq!(
        (mapping.component.as_str(), mapping.source.as_str(), mapping.destination.as_str()),
        ("vdu", "old_worker", "worker")
    );
    assert_eq!(change.triggers[0].calls, ["Change.upgrade_from_1"]);
    let found = edited_vnfd("destination_id: worker", "destination_id: wroker").unwrap_err();
    assert!(told(&found).contains("maps the vdu `wroker`, which this flavour does not have"), "{found}");
}

#[test]
fn a_single_selector_of_version_3_means_the_same() {
    let list = "          selector:\n            - source_descriptor_id: 7a5f4c3e-0000-4c52-9a0e-0d2f1b3a4c5d\n              destination";
    let single = "          selector:\n              source_descriptor_id: 7a5f4c3e-0000-4c52-9a0e-0d2f1b3a4c5d\n              destination";
    let old = edited_vnfd(list, single).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(old.flavours[0].package_changes, flavour().package_changes);
}

#[test]
fn indicators_with_triggers() {
    let vnfd = vnfd();
    let busy = &vnfd.flavours[0].indicators[0];
    assert_eq!((busy.source.as_str(), busy.targets.as_slice()), ("vnf", &["VNF".to_owned()][..]));
    let trigger = &busy.triggers[0];
    assert_eq!((trigger.name.as_str(), trigger.event.as_deref()), ("too_busy", Some("acme.Indicators.load")));
    assert_eq!(trigger.condition, json!([{"load": [{"greater_or_equal": 80}]}]));
    assert_eq!(trigger.calls, ["Vnflcm.scale"]);
    assert!(trigger.when().unwrap().holds(&|name| (name == "load").then(|| json!(80))));
    let call = &trigger.called()[0];
    assert_eq!(json!(call.inputs), json!({"type": "scale_out", "aspect": "workers"}));
    assert_eq!((vnfd.attributes[0].name.as_str(), vnfd.attributes[0].value_type.as_str()), ("load", "integer"));
}

#[test]
fn a_trigger_that_can_do_nothing_is_told() {
    let condition = "[ load: [ { greater_or_equal: 80 } ] ]";
    let action = "{ operation: Vnflcm.scale, inputs: { type: scale_out, aspect: { value: workers } } }";
    for (from, to, says) in [
        (condition, "[ load: [ { roughly: 80 } ] ]", "`too_busy` of `busy` never acts: \"roughly\" of \"load\""),
        (action, "Vnflcm.scale", "Vnflcm.scale is not given type and aspect"),
        ("aspect: { value: workers }", "aspect: { value: others }", "the flavour has no scaling aspect `others`"),
        (action, "Vnflcm.terminate", "Vnflcm.terminate is no operation that a VNFM begins by itself"),
    ] {
        let found = told(&edited_vnfd(from, to).unwrap().warnings);
        assert!(found.contains("SOL001-0016") && found.contains(says), "{found}");
    }
    let other = edited_vnfd(condition, "[ load: [ { in_range: [ 80, UNBOUNDED ] } ] ]").unwrap();
    assert!(other.warnings.is_empty(), "{}", other.warnings);
}

#[test]
fn an_interface_of_indicators_keeps_its_notifications() {
    let from = "        Change:\n          operations:";
    let vnfd = edited_vnfd(
        from,
        "        Indicators: { notifications: { load: {} } }\n        Change:\n          operations:",
    );
    let vnfd = vnfd.unwrap_or_else(|e| panic!("{e}"));
    let interface = vnfd.flavours[0].interfaces.iter().find(|i| i.name == "Indicators").unwrap();
    assert_eq!(interface.standard_type.as_deref(), Some("tosca.interfaces.nfv.VnfIndicator"));
    assert_eq!(interface.notifications, ["load"]);
}

#[test]
fn lcm_coordination() {
    let flavour = flavour();
    let action = &flavour.coordination_actions[0];
    assert_eq!((action.action.as_str(), action.description.as_deref()), ("drain", Some("Empties it")));
    assert_eq!((action.endpoint.as_deref(), action.stage.as_deref()), (Some("vnf"), Some("start")));
    let scaling = &flavour.coordinations[0];
    assert_eq!((scaling.operation.as_str(), scaling.actions.as_slice()), ("scale", &["drain".to_owned()][..]));
    assert_eq!(scaling.referenced_actions, ["elsewhere"]);
    let found =
        edited_vnfd("vnf_lcm_operation: scale, actions: [ drain ]", "vnf_lcm_operation: scale, actions: [ drai ]")
            .unwrap_err();
    assert!(
        told(&found).contains("`drai`, which is not described here") && told(&found).contains("did you mean `drain`?"),
        "{found}"
    );
}

#[test]
fn supported_vnf_interface() {
    let flavour = flavour();
    let answers = &flavour.supported_interfaces[0];
    assert_eq!(
        (answers.interface.as_str(), answers.targets.as_slice()),
        ("vnf_indicator", &["outside".to_owned()][..])
    );
    let uri = answers.uri.as_ref().unwrap();
    assert_eq!(
        (uri.scheme.as_str(), uri.host.as_deref(), uri.port.as_deref()),
        ("https", Some("gw.example.com"), Some("8443"))
    );
    assert_eq!(
        (uri.path.as_deref(), uri.query.as_deref(), uri.fragment.as_deref()),
        (Some("/api"), Some("v=1"), Some("top"))
    );
    assert_eq!(answers.specific["tls"], "1.3");
}
