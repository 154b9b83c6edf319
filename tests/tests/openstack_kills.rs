//! SIGKILL of an OpenStack's services and of ours while VNFs come: every operation completes, and nothing is left.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::time::Duration;

use mano_tests::kill::{running, seeded};
use mano_tests::lab::{Lab, Wishes};
use mano_tests::samples;
use reference_points::or_vnfm::VnfLcmOpOcc;
use reference_points::os_ma_nfvo::mano::VnfStepsClient;
use serde_json::json;

const WEB: &str = "6f1a9a3e-52d5-4d0b-9c2e-0d1f6b8a1001";
const VICTIMS: [&str; 5] = ["nova-api", "neutron-server", "keystone", "vim-adapter", "vnfm"];
/// Kills of each.
const KILLS: usize = 4;

/// How long an operation took, in milliseconds.
fn span(occurrence: &VnfLcmOpOcc) -> u64 {
    let micros = occurrence.state_entered_time.micros() - occurrence.start_time.micros();
    u64::try_from(micros / 1000).unwrap().max(1)
}

#[tokio::test]
#[ignore = "needs an OpenStack, and is long: tests/run --openstack --soak"]
async fn soak_openstack_services_are_killed_at_seeded_moments_of_twenty_instantiations() {
    let Some(image) = samples::guest_image() else { return };
    let Some(mut lab) = Lab::openstack("mano", &Wishes::default()).await else { return };
    let cloud = lab.cloud().clone();
    let ns = lab.demo(&image).await;
    lab.completed(lab.instantiate(ns).await).await;
    let request = serde_json::from_value(lab.web_beside(ns).await).unwrap();
    let machines = lab.machines();
    // Until one was made, nobody knows how long it takes.
    let mut usual = 5_000;
    let mut hits: BTreeMap<&str, usize> = BTreeMap::new();
    let mut round = 0;
    while hits.values().sum::<usize>() < VICTIMS.len() * KILLS {
        assert!(round < 100, "operations end before they are hit: {hits:?}, {usual} ms");
        let victim = *VICTIMS.iter().min_by_key(|victim| hits.get(*victim)).unwrap();
        let create = json!({ "vnfdId": WEB, "vnfInstanceName": format!("round-{round}") });
        let vnf = lab.vnfs.create(&serde_json::from_value(create).unwrap()).await.unwrap().id;
        let op = lab.vnfs.instantiate(vnf, &request).await.unwrap();
        let moment = seeded(round) % usual;
        tokio::time::sleep(Duration::from_millis(moment)).await;
        let progress = VnfStepsClient::new(&lab.services["vnfm"].url).steps(op).await.unwrap();
        if lab.services.contains_key(victim) {
            lab.kill_and_restart(victim).await;
        } else {
            let cloud = cloud.clone();
            tokio::task::spawn_blocking(move || cloud.kill_and_restart(victim)).await.unwrap();
        }
        let occurrence = lab.vnf_completed(op).await;
        if !progress.operation.rests() {
            *hits.entry(victim).or_default() += 1;
            println!(
                "{victim} killed {moment} ms into an instantiation of {} ms, at {}",
                span(&occurrence),
                running(&progress)
            );
        } else {
            usual = span(&occurrence);
        }
        assert_eq!(lab.machines(), machines + 1, "after a kill of {victim}");
        lab.end_vnf(vnf).await;
        assert_eq!(lab.machines(), machines, "after a kill of {victim} and termination");
        lab.nothing_leaks().await;
        round += 1;
    }
    println!("killed within an operation: {hits:?}, of {round} instantiations, all completed");
    lab.completed(lab.terminate(ns).await).await;
    lab.nothing_is_left().await;
}
