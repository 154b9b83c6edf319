//! A VNF of the sample network service changed while it runs, on real libvirt, Open vSwitch and OVN and on a real OpenStack:
//! scaled, stopped, started, healed, and what the record says of it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;

use mano_tests::lab::{Lab, Wishes};
use mano_tests::{conformance, samples, traffic};
use reference_points::or_vnfm::HealVnfRequest;
use serde_json::Value;

/// VNFCs of `web` as the VNFM records them: name, state, address on the data network.
fn web(lab: &Lab) -> Vec<(String, String, String)> {
    let shown = lab.mano_json(&["vnf", "show", "demo-web"]);
    let info = &shown["instantiatedVnfInfo"];
    let all = |list: &str| info[list].as_array().cloned().unwrap_or_default();
    let address = |resource: &str| -> String {
        let vnfc = all("vnfcResourceInfo").into_iter().find(|r| r["id"] == resource).expect("its resource");
        let cps: Vec<Value> = vnfc["vnfcCpInfo"].as_array().cloned().unwrap();
        let data = cps.into_iter().find(|cp| cp["cpdId"] == "data").expect("its connection point");
        data["cpProtocolInfo"][0]["ipOverEthernet"]["ipAddresses"][0]["addresses"][0].as_str().unwrap().to_owned()
    };
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    all("vnfcInfo")
        .iter()
        .map(|v| (text(&v["id"]), text(&v["vnfcState"]), address(v["vnfcResourceInfoId"].as_str().unwrap())))
        .collect()
}

fn names(vnfcs: &[(String, String, String)]) -> Vec<&str> {
    vnfcs.iter().map(|(name, _, _)| name.as_str()).collect()
}

#[tokio::test]
async fn real_a_vnf_is_scaled_stopped_started_and_healed_while_it_runs() {
    let Some(image) = samples::guest_image() else { return };
    let Some(lab) = Lab::real("mano-t-change", &Wishes::default()).await else { return };
    scaled_stopped_started_and_healed(&lab, &image).await;
}

#[tokio::test]
#[ignore = "needs an OpenStack, tests/run --openstack starts one"]
async fn real_openstack_a_vnf_is_scaled_stopped_started_and_healed_while_it_runs() {
    let Some(image) = samples::guest_image() else { return };
    let Some(lab) = Lab::openstack("mano", &Wishes::default()).await else { return };
    scaled_stopped_started_and_healed(&lab, &image).await;
}

async fn scaled_stopped_started_and_healed(lab: &Lab, image: &Path) {
    let ns = lab.demo(image).await;
    lab.completed(lab.instantiate(ns).await).await;
    let url = traffic::url(&lab.mano.topology(ns).await.unwrap());
    let first = web(lab);
    assert_eq!(names(&first), ["demo-web-web-1"]);

    lab.mano(&["vnf", "scale", "demo-web", "--out", "servers", "--steps", "2"]);
    let three = web(lab);
    assert_eq!(names(&three), ["demo-web-web-1", "demo-web-web-2", "demo-web-web-3"]);
    assert_eq!(three[0], first[0], "what was there is untouched");
    assert_eq!(lab.machines(), 4);
    lab.nothing_leaks().await;
    assert!(traffic::answer(lab, &url).await.contains("hello from demo-web"));

    let refused = lab.cli(&["vnf", "scale", "demo-web", "--out", "servers", "--steps", "9"]);
    assert!(refused.code == Some(1) && refused.err.contains("/numberOfSteps"), "{refused:#?}");

    lab.mano(&["vnf", "scale", "demo-web", "--aspect-level", "servers=0"]);
    assert_eq!(web(lab), first, "the newest go first, and the rest stays as it is");
    assert_eq!(lab.machines(), 2);
    lab.nothing_leaks().await;

    lab.mano(&["vnf", "modify", "demo-web", "--description", "serves a page", "--metadata", "site=north"]);
    let shown = lab.mano_json(&["vnf", "show", "demo-web"]);
    assert_eq!(
        (shown["vnfInstanceDescription"].as_str(), shown["metadata"]["site"].as_str()),
        (Some("serves a page"), Some("north"))
    );
    let unknown = lab.cli(&["vnf", "modify", "demo-web", "--property", "color=red"]);
    assert!(unknown.code == Some(1) && unknown.err.contains("/vnfConfigurableProperties/color"), "{unknown:#?}");

    // What nothing would read is refused, with its place.
    let vnf = shown["id"].as_str().unwrap().parse().unwrap();
    let additional_params = [("all".to_owned(), Value::Bool(true))].into_iter().collect();
    let heal = HealVnfRequest { additional_params, ..HealVnfRequest::default() };
    let told = lab.vnfs.heal(vnf, &heal).await.unwrap_err().to_problem();
    assert_eq!((told.status, told.faults[0].location.as_str()), (422, "/additionalParams/all"), "{told:?}");

    lab.mano(&["vnf", "stop", "demo-web"]);
    assert_eq!(web(lab)[0].1, "STOPPED");
    assert_eq!(lab.machines(), 1);
    lab.mano(&["vnf", "start", "demo-web"]);
    assert_eq!(web(lab), first);

    // Somebody kills the machine: it is made again, with the address that `edge` knows.
    let compute =
        lab.mano_json(&["vnf", "show", "demo-web"])["instantiatedVnfInfo"]["vnfcResourceInfo"][0]["id"].clone();
    lab.kill_machine(compute.as_str().unwrap().parse().unwrap()).await;
    lab.mano(&["vnf", "heal", "demo-web", "--vnfc", "demo-web-web-1", "--cause", "killed"]);
    assert_eq!(web(lab), first);
    assert!(traffic::answer(lab, &url).await.contains("hello from demo-web"));

    lab.completed(lab.terminate(ns).await).await;
    lab.nothing_is_left().await;
    conformance::check(lab);
}
