//! SIGKILL in the middle of things: every operation ends as it would have, with nothing twice and nothing left.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::time::Duration;

use db::testing::TestDb;
use mano_tests::lab::{Databases, Lab, SERVICES, Wishes};
use mano_tests::samples;

/// Moments after the request at which services are killed in turn, in milliseconds.
const MOMENTS: [u64; 4] = [150, 400, 800, 1400];

async fn killed_once_each(lab: &mut Lab, ns: uuid::Uuid) {
    for (service, moment) in SERVICES.into_iter().zip(MOMENTS) {
        for terminating in [false, true] {
            let op = if terminating { lab.terminate(ns).await } else { lab.instantiate(ns).await };
            tokio::time::sleep(Duration::from_millis(moment)).await;
            let at = lab.mano.steps(op).await.map(|p| p.operation.state).unwrap_or_default();
            lab.kill_and_restart(service).await;
            println!(
                "{service} killed {moment} ms into {}: {at}",
                if terminating { "terminate" } else { "instantiate" }
            );
            lab.completed(op).await;
            let machines = lab.nfvi().virsh(&["list", "--name"]).split_whitespace().count();
            assert_eq!(machines, if terminating { 0 } else { 2 }, "after a kill of {service}");
            lab.nothing_leaks().await;
        }
    }
}

#[tokio::test]
async fn real_each_service_killed_in_instantiate_and_in_terminate() {
    let Some(image) = samples::guest_image() else { return };
    let Some(mut lab) = Lab::real("mano-t-kill", &Wishes::default()).await else { return };
    let ns = lab.demo(&image).await;
    killed_once_each(&mut lab, ns).await;
}

/// A number from a seed (splitmix64): the same moments every time.
fn seeded(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// How long one instantiate and one terminate take here without a kill, in milliseconds.
async fn undisturbed(lab: &Lab, ns: uuid::Uuid) -> [u64; 2] {
    let mut spans = [0, 0];
    for terminating in [false, true] {
        let op = if terminating { lab.terminate(ns).await } else { lab.instantiate(ns).await };
        lab.completed(op).await;
        let summary = lab.rest(op).await;
        spans[usize::from(terminating)] =
            u64::try_from((summary.state_entered_at - summary.started_at) / 1000).unwrap().max(1);
    }
    spans
}

#[tokio::test]
#[ignore = "long: tests/run --soak"]
async fn soak_each_service_killed_at_ten_seeded_moments_of_instantiate_and_of_terminate() {
    let Some(image) = samples::guest_image() else { return };
    let Some(mut lab) = Lab::real("mano-t-soak", &Wishes::default()).await else { return };
    let ns = lab.demo(&image).await;
    let spans = undisturbed(&lab, ns).await;
    for service in SERVICES {
        for round in 0..10u64 {
            for terminating in [false, true] {
                let op = if terminating { lab.terminate(ns).await } else { lab.instantiate(ns).await };
                // Between the first and the last write to the journal, as far as an undisturbed run tells.
                let moment = seeded(round * 8 + service.len() as u64 * 2 + u64::from(terminating))
                    % spans[usize::from(terminating)];
                tokio::time::sleep(Duration::from_millis(moment)).await;
                let progress = lab.mano.steps(op).await.ok();
                lab.kill_and_restart(service).await;
                let running: Vec<String> = progress
                    .iter()
                    .flat_map(|p| &p.steps)
                    .filter(|s| s.started_at.is_some() && s.ended_at.is_none())
                    .map(|s| s.key.clone())
                    .collect();
                let state = progress.map(|p| p.operation.state).unwrap_or_default();
                println!(
                    "{service} killed {moment} ms into {}: {state}, at {running:?}",
                    if terminating { "terminate" } else { "instantiate" }
                );
                lab.completed(op).await;
                lab.nothing_leaks().await;
            }
        }
    }
}

#[tokio::test]
async fn real_the_demo_service_with_postgresql_under_all_services() {
    let Some(image) = samples::guest_image() else { return };
    let mut databases = Databases::new();
    let mut kept = Vec::new();
    for service in SERVICES {
        let Some(db) = TestDb::postgres().await else { return };
        databases.insert(service, db.url().to_owned());
        kept.push(db);
    }
    let Some(lab) = Lab::real("mano-t-pg", &Wishes { databases, ..Wishes::default() }).await else { return };
    let ns = lab.demo(&image).await;
    lab.completed(lab.instantiate(ns).await).await;
    assert_eq!(lab.nfvi().virsh(&["list", "--name"]).split_whitespace().count(), 2);
    lab.completed(lab.terminate(ns).await).await;
    lab.nothing_leaks().await;
}
