//! A running VNF held against its descriptor: on real libvirt, Open vSwitch and OVN, with differences planted behind the
//! VNFM's back.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use mano_tests::lab::{Lab, Wishes};
use mano_tests::{conformance, samples};
use reference_points::nf_vi::{PowerAction, PowerRequest};
use reference_points::or_vi::ViClient;
use serde_json::Value;

fn differing(lab: &Lab) -> Vec<(String, String, String)> {
    let ran = lab.cli(&["vnf", "verify", "demo-web", "-o", "json"]);
    let told: Value = serde_json::from_str(&ran.out).unwrap_or_else(|e| panic!("{e}: {ran:#?}"));
    assert_eq!(ran.code, Some(if told["holds"] == true { 0 } else { 1 }), "{ran:#?}");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let differ = told["checks"].as_array().unwrap().iter().filter(|check| check["holds"] == false);
    differ.map(|c| (text(&c["subject"]), text(&c["aspect"]), text(&c["found"]))).collect()
}

#[tokio::test]
async fn real_planted_differences_between_a_vnf_and_its_descriptor_are_named() {
    let Some(image) = samples::guest_image() else { return };
    let Some(lab) = Lab::real("mano-t-verify", &Wishes::default()).await else { return };
    let ns = lab.demo(&image).await;
    lab.completed(lab.instantiate(ns).await).await;
    lab.mano(&["vnf", "scale", "demo-web", "--out", "servers"]);
    assert_eq!(differing(&lab), []);
    let all = lab.mano(&["vnf", "verify", "demo-web", "--all"]);
    assert!(all.contains("vCPUs") && all.contains("0 differ"), "{all}");

    let vi = ViClient::new(&lab.services["vim-adapter"].url);
    let computes = vi.computes(lab.vim).await.unwrap();
    let named = |name: &str| computes.iter().find(|c| c.spec.name == name).unwrap().clone();
    let (first, second) = (named("demo-web-web-1"), named("demo-web-web-2"));
    let mut other = first.spec.clone();
    other.flavour.vcpus = 2;
    vi.put_compute(lab.vim, first.id, &other).await.unwrap();
    let stop = PowerRequest { action: PowerAction::Stop, grace_seconds: None };
    while differing(&lab) != [("VNFC demo-web-web-1".to_owned(), "vCPUs".to_owned(), "2".to_owned())] {
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    }
    vi.power(lab.vim, second.id, &stop).await.unwrap();
    let stopped = ("VNFC demo-web-web-2".to_owned(), "power".to_owned(), "stopped".to_owned());
    while !differing(&lab).contains(&stopped) {
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    }
    let shown = lab.cli(&["vnf", "verify", "demo-web"]);
    assert!(shown.code == Some(1) && shown.out.contains("differs") && shown.out.contains("2 differ"), "{shown:#?}");

    // Healing makes both what they were.
    lab.mano(&["vnf", "heal", "demo-web"]);
    assert_eq!(differing(&lab), []);
    lab.completed(lab.terminate(ns).await).await;
    lab.nothing_leaks().await;
    conformance::check(&lab);
}
