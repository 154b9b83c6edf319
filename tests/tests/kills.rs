//! SIGKILL in the middle of things: every operation ends as it would have, with nothing twice and nothing left.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::time::Duration;

use db::testing::TestDb;
use mano_tests::kill::{running, seeded};
use mano_tests::lab::{Databases, Lab, SERVICES, Wishes};
use mano_tests::{conformance, samples};

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
            let machines = lab.nfvi().machines().len();
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
    conformance::check(&lab);
}

/// How long an operation took, in milliseconds.
async fn span(lab: &Lab, op: uuid::Uuid) -> u64 {
    let summary = lab.rest(op).await;
    u64::try_from((summary.state_entered_at - summary.started_at) / 1000).unwrap().max(1)
}

/// Kills per service and operation.
const KILLS: usize = 10;

#[tokio::test]
#[ignore = "long: tests/run --soak"]
async fn soak_each_service_killed_at_ten_seeded_moments_of_instantiate_and_of_terminate() {
    let Some(image) = samples::guest_image() else { return };
    let Some(mut lab) = Lab::real("mano-t-soak", &Wishes::default()).await else { return };
    let ns = lab.demo(&image).await;
    // How long they take without a kill; the first time is slower than the others.
    let mut spans = [u64::MAX; 2];
    for terminating in [false, true, false, true] {
        let op = if terminating { lab.terminate(ns).await } else { lab.instantiate(ns).await };
        lab.completed(op).await;
        let slot = &mut spans[usize::from(terminating)];
        *slot = (*slot).min(span(&lab, op).await);
    }
    for (nth, service) in SERVICES.into_iter().enumerate() {
        let (mut hits, mut round) = ([0; 2], 0);
        while hits.iter().any(|hits| *hits < KILLS) {
            round += 1;
            assert!(round < 10 * KILLS as u64, "{service}: operations end before they are hit: {hits:?}, {spans:?} ms");
            for terminating in [false, true] {
                let which = usize::from(terminating);
                let op = if terminating { lab.terminate(ns).await } else { lab.instantiate(ns).await };
                let moment = seeded(round * 8 + nth as u64 * 2 + u64::from(terminating)) % spans[which];
                tokio::time::sleep(Duration::from_millis(moment)).await;
                let progress = lab.mano.steps(op).await.expect("the NFVO answers before the kill");
                lab.kill_and_restart(service).await;
                if progress.operation.rests() {
                    // Between its first and its last write to the journal: this one was over already.
                    spans[which] = span(&lab, op).await;
                } else {
                    hits[which] += 1;
                    println!(
                        "{service}, kill {}, {moment} ms into {}: {}, at {}",
                        hits[which],
                        if terminating { "terminate" } else { "instantiate" },
                        progress.operation.state,
                        running(&progress)
                    );
                }
                lab.completed(op).await;
                let machines = lab.nfvi().machines().len();
                assert_eq!(machines, if terminating { 0 } else { 2 }, "after a kill of {service}");
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
    assert_eq!(lab.nfvi().machines().len(), 2);
    lab.completed(lab.terminate(ns).await).await;
    lab.nothing_leaks().await;
    conformance::check(&lab);
}
