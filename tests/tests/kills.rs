//! SIGKILL in the middle of things: every operation ends as it would have, with nothing twice and nothing left.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::time::Duration;

use db::testing::TestDb;
use mano_tests::lab::{Databases, Lab, SERVICES};
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
    let Some(mut lab) = Lab::real("mano-t-kill", &Databases::new()).await else { return };
    let ns = lab.demo(&image).await;
    killed_once_each(&mut lab, ns).await;
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
    let Some(lab) = Lab::real("mano-t-pg", &databases).await else { return };
    let ns = lab.demo(&image).await;
    lab.completed(lab.instantiate(ns).await).await;
    assert_eq!(lab.nfvi().virsh(&["list", "--name"]).split_whitespace().count(), 2);
    lab.completed(lab.terminate(ns).await).await;
    lab.nothing_leaks().await;
}
