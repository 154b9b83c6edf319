//! What a VNF is made of changes while it runs, on real libvirt, Open vSwitch and OVN and on a real OpenStack: its software, one
//! VNFC after the other and beside the old ones, its flavour, and the networks that it is on.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;

use mano_tests::lab::{Lab, Wishes};
use mano_tests::traffic::{answer, managed, urls_of};
use mano_tests::{conformance, samples, traffic};
use reference_points::or_vnfm::VnfInstance;
use uuid::Uuid;

const WEB: &str = "6f1a9a3e-52d5-4d0b-9c2e-0d1f6b8a1001";
const WEB_2: &str = "6f1a9a3e-52d5-4d0b-9c2e-0d1f6b8a1004";

async fn shown(lab: &Lab, vnf: Uuid) -> VnfInstance {
    lab.vnfs.get(vnf).await.unwrap().expect("the VNF")
}

/// What a page says, with names as they are in the package: a cloud adds its domain to them.
fn said(page: String) -> String {
    page.trim().replace(".novalocal", "")
}

async fn demo_web(lab: &Lab) -> Uuid {
    let all = lab.vnfs.list("?filter=(eq,vnfInstanceName,demo-web)").await.unwrap().body;
    all[0].id
}

#[tokio::test]
async fn real_the_software_of_a_vnf_is_changed_node_by_node_and_then_its_flavour() {
    let Some(image) = samples::guest_image() else { return };
    let Some(lab) = Lab::real("mano-t-rolling", &Wishes::default()).await else { return };
    node_by_node_and_then_its_flavour(&lab, &image).await;
}

#[tokio::test]
#[ignore = "needs an OpenStack, tests/run --openstack starts one"]
async fn real_openstack_the_software_of_a_vnf_is_changed_node_by_node_and_then_its_flavour() {
    let Some(image) = samples::guest_image() else { return };
    let Some(lab) = Lab::openstack("mano", &Wishes::default()).await else { return };
    node_by_node_and_then_its_flavour(&lab, &image).await;
}

async fn node_by_node_and_then_its_flavour(lab: &Lab, image: &Path) {
    let ns = lab.demo(image).await;
    lab.onboard_package(&samples::pack("web-2", Some(image), lab.path())).await;
    lab.completed(lab.instantiate(ns).await).await;
    let url = traffic::url(&lab.mano.topology(ns).await.unwrap());
    assert!(answer(lab, &url).await.starts_with("hello from demo-web"));
    let vnf = demo_web(lab).await;
    lab.mano(&["vnf", "scale", "demo-web", "--out", "servers"]);
    let before = shown(lab, vnf).await;
    assert_eq!(before.vnf_software_version, "1.0");

    lab.mano(&["vnf", "upgrade", "demo-web", WEB_2]);
    assert_eq!(said(answer(lab, &url).await), "hello 2.0 from demo-web-web-1, 1 CPU");
    let after = shown(lab, vnf).await;
    assert_eq!((after.vnfd_id.as_str(), after.vnf_software_version.as_str()), (WEB_2, "2.0"));
    assert_eq!(urls_of(&after, "data"), urls_of(&before, "data"), "the new software has the addresses of the old");
    for url in urls_of(&after, "management") {
        assert!(managed(lab, &url).await.starts_with("hello 2.0 from demo-web-web-"));
    }
    lab.nothing_leaks().await;

    lab.mano(&["vnf", "flavour", "demo-web", "large"]);
    assert_eq!(said(answer(lab, &url).await), "hello 2.0 from demo-web-web-1, 2 CPU");
    let large = shown(lab, vnf).await;
    let info = large.instantiated_vnf_info.as_ref().unwrap();
    assert_eq!(
        (info.flavour_id.as_str(), info.vnfc_info.len()),
        ("large", 1),
        "the flavour's default level is one server"
    );
    assert_eq!(lab.machines(), 2);
    let again = lab.cli(&["vnf", "flavour", "demo-web", "large"]);
    assert!(again.code == Some(1) && again.err.contains("/newFlavourId"), "{again:#?}");

    lab.completed(lab.terminate(ns).await).await;
    lab.nothing_is_left().await;
    conformance::check(lab);
}

#[tokio::test]
async fn real_new_software_beside_the_old_and_a_connection_point_on_another_network() {
    let Some(image) = samples::guest_image() else { return };
    let Some(lab) = Lab::real("mano-t-beside", &Wishes::default()).await else { return };
    beside_the_old_and_on_another_network(&lab, &image).await;
}

#[tokio::test]
#[ignore = "needs an OpenStack, tests/run --openstack starts one"]
async fn real_openstack_new_software_beside_the_old_and_a_connection_point_on_another_network() {
    let Some(image) = samples::guest_image() else { return };
    let Some(lab) = Lab::openstack("mano", &Wishes::default()).await else { return };
    beside_the_old_and_on_another_network(&lab, &image).await;
}

async fn beside_the_old_and_on_another_network(lab: &Lab, image: &Path) {
    let ns = lab.demo(image).await;
    lab.onboard_package(&samples::pack("web-2", Some(image), lab.path())).await;
    lab.completed(lab.instantiate(ns).await).await;
    let vnf = lab.run_vnf(WEB, "beside", &lab.web_beside(ns).await).await;
    let first = urls_of(&shown(lab, vnf).await, "management").remove(0);
    assert_eq!(said(managed(lab, &first).await), "hello from beside-web-1");

    // While the new one comes, the old one serves.
    let upgrade = ["vnf", "upgrade", "beside", WEB_2, "--blue-green", "--no-wait"];
    lab.mano(&upgrade);
    let ops = lab.vnfs.list_op_occs(&format!("?filter=(eq,vnfInstanceId,{vnf})")).await.unwrap().body;
    let op = ops.iter().max_by_key(|op| op.start_time.micros()).unwrap().id;
    assert_eq!(said(managed(lab, &first).await), "hello from beside-web-1");
    let occurrence = lab.vnf_completed(op).await;
    let after = shown(lab, vnf).await;
    let second = urls_of(&after, "management").remove(0);
    assert_ne!(first, second, "the new VNFC was there while the old one was");
    assert_eq!(said(managed(lab, &second).await), "hello 2.0 from beside-web-1, 1 CPU");
    assert_eq!(lab.request_from_management(&first), None, "the old one is gone");
    let told = serde_json::to_value(&occurrence).unwrap();
    assert_eq!(told["modificationsTriggeredByVnfPkgChange"]["vnfdId"], WEB_2, "{told:#}");
    lab.nothing_leaks().await;

    // Its connection point goes from the internal network to the external one, where clients reach it without `edge`.
    let topology = lab.mano.topology(ns).await.unwrap();
    let external = topology.links.iter().find(|l| l.name == "external").unwrap().network_id.to_string();
    let inside = urls_of(&after, "data").remove(0);
    assert_eq!(lab.request_from_outside(&inside), None, "no client reaches the internal network");
    // A project of an OpenStack may not choose an address on a network of another's.
    let point = if lab.is_openstack() { "data" } else { "data=203.0.113.77" };
    lab.mano(&["vnf", "connect", "beside", "--link", "outside", "--network", &external, "--cp", point]);
    let outside = urls_of(&shown(lab, vnf).await, "data").remove(0);
    assert!(outside.starts_with("http://203.0.113."), "{outside}");
    assert!(lab.is_openstack() || outside == "http://203.0.113.77/", "{outside}");
    assert_eq!(said(answer(lab, &outside).await), "hello 2.0 from beside-web-1, 1 CPU");
    assert_eq!(said(managed(lab, &second).await), "hello 2.0 from beside-web-1, 1 CPU", "the other one is as it was");
    lab.nothing_leaks().await;

    lab.end_vnf(vnf).await;
    lab.completed(lab.terminate(ns).await).await;
    lab.nothing_is_left().await;
    conformance::check(lab);
}
