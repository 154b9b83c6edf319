//! schemathesis drives the VNFM by its own OpenAPI document: no server error, no status that is not declared, no body
//! that is not what the document says.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use mano_tests::lab::Lab;
use mano_tests::{samples, schemathesis};
use reference_points::or_vi::SimSpec;
use serde_json::json;
use uuid::Uuid;

const WEB: &str = "6f1a9a3e-52d5-4d0b-9c2e-0d1f6b8a1001";

/// Runs it over a VNFM with an instance that runs and some that do not; how many requests it made.
async fn finds_nothing(examples: usize) -> Option<usize> {
    let program = schemathesis::program()?;
    let lab = Lab::simulated(SimSpec::default()).await;
    let ns = lab.demo(&samples::pretended_image(lab.path())).await;
    lab.completed(lab.instantiate(ns).await).await;
    let mut instances: Vec<String> =
        lab.vnfs.list("").await.unwrap().body.into_iter().map(|v| v.id.to_string()).collect();
    for n in 0..3 {
        let request =
            serde_json::from_value(json!({ "vnfdId": WEB, "vnfInstanceName": format!("spare {n}") })).unwrap();
        instances.push(lab.vnfs.create(&request).await.unwrap().id.to_string());
    }
    let operations = lab.vnfs.list_op_occs("").await.unwrap().body;
    let mut operations: Vec<String> = operations.into_iter().map(|op| op.id.to_string()).collect();
    for list in [&mut instances, &mut operations] {
        list.push(Uuid::nil().to_string());
    }
    let known = [("vnfInstanceId", instances), ("vnfLcmOpOccId", operations)];
    let found = schemathesis::run(&program, &lab, examples, &known);
    println!("schemathesis: {} requests", found.cases);
    assert!(found.clean, "{}", found.text);
    Some(found.cases)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "its requests differ from run to run: tests/schemathesis and tests/run --soak run it"]
async fn schemathesis_finds_nothing_in_some_hundred_requests() {
    if let Some(cases) = finds_nothing(5).await {
        assert!(cases >= 300, "{cases} requests only");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "long: tests/schemathesis runs it"]
async fn soak_schemathesis_finds_nothing_in_5000_requests() {
    if let Some(cases) = finds_nothing(150).await {
        assert!(cases >= 5000, "{cases} requests only");
    }
}
