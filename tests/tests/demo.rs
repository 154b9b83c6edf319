//! The sample network service on real libvirt, Open vSwitch and OVN and on a real OpenStack: traffic, stop and start, leaks, conformance.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;

use mano_tests::lab::{Lab, Wishes};
use mano_tests::{conformance, samples, traffic};
use reference_points::nf_vi::{PowerAction, PowerRequest};
use reference_points::or_vi::ComputeState;
use reference_points::os_ma_nfvo::mano::TopologyVnfc;

#[tokio::test]
async fn real_the_demo_service_from_package_to_traffic_to_nothing_left() {
    let Some(image) = samples::guest_image() else { return };
    let Some(lab) = Lab::real("mano-t-demo", &Wishes::default()).await else { return };
    from_package_to_traffic_to_nothing_left(&lab, &image).await;
}

#[tokio::test]
#[ignore = "needs an OpenStack, tests/run --openstack starts one"]
async fn real_openstack_the_demo_service_from_package_to_traffic_to_nothing_left() {
    let Some(image) = samples::guest_image() else { return };
    let Some(lab) = Lab::openstack("mano", &Wishes::default()).await else { return };
    from_package_to_traffic_to_nothing_left(&lab, &image).await;
}

async fn from_package_to_traffic_to_nothing_left(lab: &Lab, image: &Path) {
    let ns = lab.demo(image).await;
    lab.completed(lab.instantiate(ns).await).await;

    // COMPLETED means: every machine runs and every port is up.
    let topology = lab.mano.topology(ns).await.unwrap();
    let vnfcs: Vec<&TopologyVnfc> = topology.vnfs.iter().flat_map(|v| &v.vnfcs).collect();
    assert_eq!(vnfcs.len(), 2, "{topology:#?}");
    assert!(vnfcs.iter().all(|v| v.state == "active" && v.ports.iter().all(|p| p.up)), "{topology:#?}");
    assert_eq!(lab.machines(), 2);
    lab.nothing_leaks().await;

    let edge = topology.vnfs.iter().find(|v| v.product.starts_with("edge")).unwrap().vnfcs[0].clone();
    let url = traffic::url(&topology);
    assert!(traffic::answer(lab, &url).await.contains("hello from demo-web"));

    let (vim, compute) = (edge.vim_id.unwrap(), edge.compute_id.unwrap());
    let power = |action| PowerRequest { action, grace_seconds: None };
    let log = lab.mano.console_log(vim, compute, 4096).await.unwrap();
    assert!(log.contains("VNF-READY"), "{log}");
    lab.mano.power(vim, compute, &power(PowerAction::Stop)).await.unwrap();
    lab.compute_is(compute, ComputeState::Stopped).await;
    assert_eq!(lab.request_from_outside(&url), None, "web answers although edge is stopped");
    lab.mano.power(vim, compute, &power(PowerAction::Start)).await.unwrap();
    assert!(traffic::answer(lab, &url).await.contains("hello from demo-web"));

    lab.completed(lab.terminate(ns).await).await;
    lab.nothing_is_left().await;
    if let Some(covered) = conformance::check(lab) {
        assert!(covered > 20, "only {covered} exchanges were covered by the schemas");
    }
}

#[tokio::test]
async fn real_leaks_names_what_somebody_else_left_behind() {
    let Some(lab) = Lab::real("mano-t-leaks", &Wishes::default()).await else { return };
    lab.nothing_leaks().await;
    let nfvi = lab.nfvi();
    let domain = lab.path().join("orphan.xml");
    std::fs::write(&domain, "<domain type='qemu'><name>mano-orphan</name><memory unit='MiB'>64</memory><os><type arch='x86_64' machine='q35'>hvm</type></os></domain>").unwrap();
    nfvi.virsh(&["define", domain.to_str().unwrap()]);
    nfvi.ovn_nbctl(&["ls-add", "mano-00000000-0000-4000-8000-000000000001"]);
    nfvi.ovs_vsctl(&[
        "add-port",
        "br-int",
        "taporphan",
        "--",
        "set",
        "interface",
        "taporphan",
        "type=internal",
        "external_ids:iface-id=00000000-0000-4000-8000-000000000002",
    ]);
    let agent = lab.path().join("nfvi-agent");
    for folder in ["images", "volumes"] {
        std::fs::write(agent.join(folder).join("00000000-0000-4000-8000-000000000003.img"), b"orphan").unwrap();
    }
    let report = lab.leaks().await;
    let named: Vec<(&str, &str)> = report.leaks.iter().map(|l| (l.item.kind.as_str(), l.item.name.as_str())).collect();
    for (kind, name) in [
        ("domain", "mano-orphan"),
        ("logical_switch", "mano-00000000-0000-4000-8000-000000000001"),
        ("switch_port", "taporphan"),
        ("image", "000000000003"),
        ("volume", "000000000003"),
    ] {
        assert!(named.iter().any(|(k, n)| *k == kind && n.contains(name)), "{kind} {name} is not among {named:#?}");
    }
    nfvi.virsh(&["undefine", "mano-orphan"]);
}
