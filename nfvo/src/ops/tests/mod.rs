//! Plans of the sample network service, and everything that a request or descriptor may have wrong.
#![allow(clippy::unwrap_used)]

pub mod samples;

use std::collections::BTreeMap;

use descriptors::expr::Expr;
use descriptors::network::{CpAddress, PlacementKind, PlacementRule, RawElement};
use descriptors::nsd::Nsd;
use descriptors::vnfd::{Aspect, Level};
use reference_points::common::ProblemDetails;
use reference_points::os_ma_nfvo::{InstantiateNsRequest, ParamsForVnf, SapData};
use serde_json::{Value, json};
use uuid::Uuid;

use super::design::{Design, VnfDesign};
use super::held::Held;
use super::resolve::{PackageFacts, Sources, resolve};
use super::{params::VnfInstantiateParams, plan};
use samples::{CountedIds, NS, WEB, design, nsd, packages, request, vim};

fn try_resolve(
    nsd: &Nsd,
    packages: &BTreeMap<String, PackageFacts>,
    request: &InstantiateNsRequest,
) -> Result<Design, Box<ProblemDetails>> {
    let vim = vim();
    let held = Held::new();
    let sources = Sources { ns_id: NS, ns_name: "demo", nsd, packages, vim: &vim, held: &held, request };
    resolve(sources, &CountedIds::default())
}

fn vnf<'a>(design: &'a Design, part: &str) -> Option<&'a VnfDesign> {
    design.vnfs.iter().find(|v| v.part == part)
}

fn places(problem: &ProblemDetails) -> Vec<&str> {
    problem.faults.iter().map(|f| f.location.as_str()).collect()
}

fn steps_as_json(plan: &lcm::Plan) -> Value {
    plan.steps()
        .iter()
        .map(|s| json!({"key": s.key, "kind": s.kind, "title": s.title, "after": s.after, "params": s.params}))
        .collect()
}

fn instantiation_of(plan: &lcm::Plan, key: &str) -> VnfInstantiateParams {
    let step = plan.steps().iter().find(|s| s.key == key).unwrap();
    serde_json::from_value(step.params.clone()).unwrap()
}

#[test]
fn the_sample_service_is_made_by_this_plan() {
    insta::assert_json_snapshot!("instantiate", steps_as_json(&plan::instantiate(&design()).unwrap()));
}

#[test]
fn the_sample_service_is_ended_by_this_plan() {
    let known = BTreeMap::from([("edge".to_owned(), Uuid::from_u128(0xed9e))]);
    insta::assert_json_snapshot!("terminate", steps_as_json(&plan::terminate(&design(), &known).unwrap()));
}

#[test]
fn an_address_is_fixed_for_the_one_and_told_to_the_other_and_both_are_made_side_by_side() {
    let design = design();
    let plan = plan::instantiate(&design).unwrap();
    let edge = instantiation_of(&plan, "vnf/edge/instantiate").request;
    let told = &edge.vnf_configurable_properties["additional_configurable_properties"];
    assert_eq!(told, &json!({"upstream_address": "10.10.0.254", "upstream_port": 8080}));
    let web = instantiation_of(&plan, "vnf/web/instantiate").request;
    let cp = &web.ext_virtual_links[0].ext_cps[0];
    assert_eq!(cp.cpd_id, "data_cp");
    let config = cp.cp_config.values().next().unwrap();
    let addresses = &config.cp_protocol_data[0].ip_over_ethernet.as_ref().unwrap().ip_addresses[0];
    assert_eq!(addresses.fixed_addresses, ["10.10.0.254"]);
    assert_eq!(addresses.num_dynamic_addresses, None);
    // The VIM gets the pool without it.
    let internal = design.link("internal").unwrap();
    assert_eq!(internal.subnets[0].pools[0].end.to_string(), "10.10.0.253");
    let edge_after = &plan.steps().iter().find(|s| s.key == "vnf/edge/instantiate").unwrap().after;
    assert!(!edge_after.iter().any(|k| k.contains("web")), "{edge_after:?}");
    // Equal images are one.
    assert_eq!(design.images.len(), 1);
}

#[test]
fn a_declared_dependency_orders_making_and_ending() {
    let mut nsd = nsd();
    nsd.flavours[0].vnfs[0].depends_on = vec!["web".into(), "internal".into()];
    let design = try_resolve(&nsd, &packages(), &request()).unwrap();
    let after = |plan: &lcm::Plan, key: &str| plan.steps().iter().find(|s| s.key == key).unwrap().after.clone();
    let making = plan::instantiate(&design).unwrap();
    assert!(after(&making, "vnf/edge/instantiate").contains(&"vnf/web/instantiate".to_owned()));
    let ending = plan::terminate(&design, &BTreeMap::new()).unwrap();
    assert_eq!(after(&ending, "vnf/web/terminate"), ["vnf/edge/delete"]);
    nsd.flavours[0].vnfs[1].depends_on = vec!["edge".into()];
    let refused = try_resolve(&nsd, &packages(), &request()).unwrap_err();
    assert!(refused.faults[0].message.contains("edge -> web -> edge"), "{:?}", refused.faults);
}

#[test]
fn the_requests_values_go_over_the_nsds() {
    let mut request = request();
    request.additional_params_for_vnf = vec![ParamsForVnf {
        vnf_profile_id: "edge".into(),
        vnf_instance_name: Some("gate".into()),
        vnf_configurable_properties: serde_json::from_value(
            json!({"additional_configurable_properties": {"upstream_port": 80, "mode": "x"}}),
        )
        .unwrap(),
        additional_params: serde_json::from_value(json!({"k": "v"})).unwrap(),
        metadata: serde_json::from_value(json!({"team": "a"})).unwrap(),
        ..ParamsForVnf::default()
    }];
    let design = try_resolve(&nsd(), &packages(), &request).unwrap();
    let edge = vnf(&design, "edge").unwrap();
    assert_eq!(edge.name, "gate");
    assert_eq!(
        edge.configurable["additional_configurable_properties"],
        json!({"upstream_address": "10.10.0.254", "upstream_port": 80, "mode": "x"})
    );
    assert_eq!(edge.additional["k"], "v");
    assert_eq!(edge.metadata["team"], "a");
    assert_eq!(vnf(&design, "web").unwrap().name, "demo-web");
}

#[test]
fn every_fault_of_a_request_is_told_at_once() {
    let mut request = request();
    request.start_time = Some("2030-01-01T00:00:00Z".parse().unwrap());
    request.ns_instantiation_level_id = Some("huge".into());
    request.additional_params_for_vnf = vec![ParamsForVnf { vnf_profile_id: "db".into(), ..ParamsForVnf::default() }];
    request.additional_params_for_ns = serde_json::from_value(json!({"colour": "red", "vimId": "x"})).unwrap();
    request.sap_data = vec![SapData {
        sapd_id: "door".into(),
        sap_name: "door".into(),
        description: String::new(),
        sap_protocol_data: vec![serde_json::from_value(json!({"layerProtocol": "IP_OVER_ETHERNET"})).unwrap()],
    }];
    request.wan_connection_data = vec![json!({})];
    let refused = try_resolve(&nsd(), &packages(), &request).unwrap_err();
    assert_eq!(refused.status, 422);
    assert_eq!(
        places(&refused),
        [
            "/startTime",
            "/wanConnectionData",
            "/sapData/0/sapProtocolData",
            "/nsInstantiationLevelId",
            "/additionalParamsForVnf/0/vnfProfileId",
            "/sapData/0/sapdId",
            "/additionalParamsForNs/colour",
        ]
    );
    assert!(refused.faults.iter().all(|f| f.mend.is_some()), "{:?}", refused.faults);
    request.ns_flavour_id = "gold".into();
    let refused = try_resolve(&nsd(), &packages(), &request).unwrap_err();
    assert_eq!(refused.faults[0].mend.as_deref(), Some("it has \"default\""));
}

#[test]
fn every_fault_of_the_descriptors_is_told_at_once() {
    let mut nsd = nsd();
    let flavour = &mut nsd.flavours[0];
    flavour.vnffgs = vec![RawElement { name: "chain".into(), element_type: "VNFFG".into(), body: Value::Null }];
    flavour.placement = vec![PlacementRule {
        name: "apart".into(),
        kind: PlacementKind::AntiAffinity,
        scope: "zone".into(),
        targets: vec!["edge".into(), "web".into()],
        groups: Vec::new(),
    }];
    flavour.vnfs[0].connections.pop();
    flavour.vnfs[0].connections[0].virtual_link = "nowhere".into();
    flavour.vnfs[0]
        .configurable_properties
        .insert("x".into(), Expr::Input { path: vec!["missing".into()], default: None });
    flavour.vnfs[1].flavour_id = Some("gold".into());
    let mut packages = packages();
    let refused = try_resolve(&nsd, &packages, &request()).unwrap_err();
    let all: Vec<String> = refused.faults.iter().map(|f| format!("{}: {}", f.location, f.message)).collect();
    for part in [
        "VNFFG chain",
        "placement rule apart",
        "\"inside\" is connected to nothing",
        "no virtual link \"nowhere\"",
        "input `missing` is not given",
        "VNF web: its VNFD has no deployment flavour \"gold\"",
    ] {
        assert!(all.iter().any(|f| f.contains(part)), "{part} is missing in {all:#?}");
    }
    packages.remove(WEB);
    let refused = try_resolve(&nsd, &packages, &request()).unwrap_err();
    assert!(refused.faults.iter().any(|f| f.message.contains("is not onboarded")), "{:?}", refused.faults);
}

#[test]
fn an_address_that_is_not_one_is_refused() {
    let mut packages = packages();
    let flavour = &mut packages.get_mut(WEB).unwrap().vnfd.flavours[0];
    flavour.scaling.initial.insert("web".into(), 2);
    let refused = try_resolve(&nsd(), &packages, &request()).unwrap_err();
    assert!(refused.faults[0].message.contains("there are 2 instances"), "{:?}", refused.faults);
    let mut nsd = nsd();
    let address =
        |cp: &str, attribute: &str| Expr::AddressOf { node: "web".into(), cp: cp.into(), attribute: attribute.into() };
    let properties = &mut nsd.flavours[0].vnfs[0].configurable_properties;
    properties.clear();
    properties.insert("a".into(), address("data", "ipv6_address"));
    properties.insert("b".into(), address("nope", "ip_address"));
    properties.insert("c".into(), address("data", "colour"));
    let refused = try_resolve(&nsd, &samples::packages(), &request()).unwrap_err();
    let reserved = refused.faults.iter().filter(|f| f.location.contains("get_attribute")).count();
    assert_eq!(reserved, 3, "{:?}", refused.faults);
}

#[test]
fn addresses_that_a_package_fixes_are_kept_from_the_pool_and_clashes_are_told() {
    let fixed = |ip: &str| CpAddress { fixed: vec![ip.parse().unwrap()], ..CpAddress::default() };
    let mut packages = packages();
    let set = |packages: &mut BTreeMap<String, PackageFacts>, ip: &str| {
        packages.get_mut(WEB).unwrap().vnfd.flavours[0].ext_cps[0].addresses = vec![fixed(ip)];
    };
    set(&mut packages, "10.10.0.254");
    let design = try_resolve(&nsd(), &packages, &request()).unwrap();
    let told = &vnf(&design, "edge").unwrap().configurable["additional_configurable_properties"]["upstream_address"];
    assert_eq!(told, "10.10.0.254", "the one that is fixed is the one that is told");
    let internal = design.link("internal").unwrap();
    assert_eq!(internal.subnets[0].pools[0].end.to_string(), "10.10.0.253");
    set(&mut packages, "10.99.0.1");
    let refused = try_resolve(&nsd(), &packages, &request()).unwrap_err();
    assert!(refused.faults[0].message.contains("10.99.0.1"), "{:?}", refused.faults);
}

#[test]
fn a_link_of_a_floating_address_is_routed() {
    let mut packages = packages();
    let links = |packages: &BTreeMap<String, PackageFacts>| {
        let design = try_resolve(&nsd(), packages, &request()).unwrap();
        let of = |name: &str| design.link(name).unwrap().subnets[0].clone();
        [of("internal"), of("external")]
    };
    assert!(links(&packages).iter().all(|subnet| !subnet.routed));
    let floating = CpAddress { floating_ip: true, layer_protocol: "ipv4".into(), ..CpAddress::default() };
    let edge = &mut packages.get_mut(samples::EDGE).unwrap().vnfd.flavours[0];
    edge.ext_cps.iter_mut().find(|cp| cp.name == "inside").unwrap().addresses = vec![floating.clone()];
    let [internal, external] = links(&packages);
    let first = internal.cidr.hosts().next();
    assert_eq!((internal.routed, internal.gateway), (true, first), "{internal:?}");
    assert!(!external.routed);
    let outer = &mut packages.get_mut(samples::EDGE).unwrap().vnfd.flavours[0].ext_cps;
    outer.iter_mut().find(|cp| cp.name == "outside").unwrap().addresses = vec![floating];
    let refused = try_resolve(&nsd(), &packages, &request()).unwrap_err();
    assert!(refused.faults.iter().any(|fault| fault.message.contains("physical network")), "{refused:?}");
    assert!(
        !internal.pools.iter().any(|pool| Some(pool.start) == first),
        "the router's address is nobody's: {internal:?}"
    );
}

#[test]
fn a_mac_address_can_be_known_beforehand_too() {
    let mut nsd = nsd();
    let mac = Expr::AddressOf { node: "web".into(), cp: "data".into(), attribute: "mac_address".into() };
    nsd.flavours[0].vnfs[0].configurable_properties = BTreeMap::from([("m".into(), mac)]);
    let design = try_resolve(&nsd, &packages(), &request()).unwrap();
    let told = vnf(&design, "edge").unwrap().configurable["m"].as_str().unwrap().to_owned();
    assert!(told.starts_with("02:") && told.len() == 17, "{told}");
    let web = instantiation_of(&plan::instantiate(&design).unwrap(), "vnf/web/instantiate").request;
    let config = web.ext_virtual_links[0].ext_cps[0].cp_config.values().next().unwrap();
    let data = config.cp_protocol_data[0].ip_over_ethernet.as_ref().unwrap();
    assert_eq!(data.mac_address.as_deref(), Some(told.as_str()));
    assert_eq!(data.ip_addresses[0].num_dynamic_addresses, Some(1));
}

#[test]
fn instances_of_a_profile_and_of_a_connection_point_are_counted() {
    let mut nsd = nsd();
    let flavour = &mut nsd.flavours[0];
    flavour.vnfs[0].configurable_properties.clear();
    flavour.vnfs[1].max_instances = 3;
    flavour.vnfs[1].instantiation_level = Some("two".into());
    flavour.levels.levels.insert("big".into(), String::new());
    flavour.levels.vnf_instances.insert("web".into(), BTreeMap::from([("big".into(), 3)]));
    let mut packages = packages();
    let scaling = &mut packages.get_mut(WEB).unwrap().vnfd.flavours[0].scaling;
    scaling.aspects.insert("a".into(), Aspect { max_scale_level: 3, ..Aspect::default() });
    scaling.levels.insert("two".into(), Level::default());
    scaling.vdu_levels.insert("web".into(), BTreeMap::from([("two".into(), 2)]));
    let mut request = request();
    request.ns_instantiation_level_id = Some("big".into());
    let design = try_resolve(&nsd, &packages, &request).unwrap();
    let parts: Vec<&str> = design.vnfs.iter().map(|v| v.part.as_str()).collect();
    assert_eq!(parts, ["edge", "web-1", "web-2", "web-3"]);
    let web = instantiation_of(&plan::instantiate(&design).unwrap(), "vnf/web-2/instantiate").request;
    assert_eq!(web.instantiation_level_id.as_deref(), Some("two"));
    assert_eq!(web.ext_virtual_links[0].ext_cps[0].cp_config.len(), 2);
}
