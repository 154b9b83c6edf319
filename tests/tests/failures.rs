//! What cannot succeed rests in FAILED_TEMP, says why and what can be done; rollback leaves nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use mano_tests::lab::{Lab, Wishes};
use mano_tests::{conformance, patience, samples};
use reference_points::or_vi::{SimFault, SimSpec};
use uuid::Uuid;

fn fault(on: &str, times: Option<u32>, effect: &str, message: &str) -> SimFault {
    SimFault {
        resource: "compute".into(),
        on: on.into(),
        name_contains: Some("web".into()),
        times,
        effect: effect.into(),
        message: message.into(),
    }
}

async fn failed(lab: &Lab) -> (Uuid, Uuid) {
    let ns = lab.demo(&samples::pretended_image(lab.path())).await;
    let op = lab.instantiate(ns).await;
    let rests = lab.rest(op).await;
    assert_eq!(rests.state, "FAILED_TEMP", "{rests:#?}");
    (ns, op)
}

#[tokio::test]
async fn a_compute_that_does_not_run_is_told_and_rolled_back() {
    let faults = vec![fault("boot", None, "error", "internal error: qemu unexpectedly closed the monitor")];
    let lab = Lab::simulated(SimSpec { faults, ..SimSpec::default() }).await;
    let (ns, op) = failed(&lab).await;
    let problem = lab.rest(op).await.problem.expect("a problem");
    let told = serde_json::to_string(&problem).unwrap();
    for part in ["qemu unexpectedly closed the monitor", "web", "retry", "rollback"] {
        assert!(told.contains(part), "{part:?} is not in {problem:#?}");
    }
    assert!(problem.step.is_some() && problem.trace_id.is_some(), "{problem:#?}");
    lab.ns.rollback(op).await.unwrap();
    let rests = lab.rest(op).await;
    assert_eq!(rests.state, "ROLLED_BACK", "{rests:#?}");
    lab.nothing_leaks().await;
    assert!(lab.vnfs.list("").await.unwrap().body.is_empty(), "VNF instances are left");
    lab.ns.delete(ns).await.unwrap();
    conformance::check(&lab);
}

#[tokio::test]
async fn a_retry_makes_good_what_failed_once() {
    let faults = vec![fault("boot", Some(1), "error", "the host ran out of memory")];
    let lab = Lab::simulated(SimSpec { faults, ..SimSpec::default() }).await;
    let (ns, op) = failed(&lab).await;
    lab.ns.retry(op).await.unwrap();
    lab.completed(op).await;
    lab.nothing_leaks().await;
    lab.completed(lab.terminate(ns).await).await;
    lab.nothing_leaks().await;
    conformance::check(&lab);
}

#[tokio::test]
async fn what_the_policy_names_is_rolled_back_as_soon_as_it_fails() {
    let faults = vec![fault("boot", None, "error", "the host ran out of memory")];
    let sim = SimSpec { faults, ..SimSpec::default() };
    let wishes = Wishes { vnfm: "automatic_rollback: [INSTANTIATE]\n".into(), ..Wishes::default() };
    let mut lab = Lab::simulated_with(sim, &wishes).await;
    let ns = lab.demo(&samples::pretended_image(lab.path())).await;
    let op = lab.instantiate(ns).await;
    assert_eq!(lab.rest(op).await.state, "FAILED_TEMP", "the network service is not the VNFM's to roll back");
    let of_web = "?filter=(eq,operation,INSTANTIATE);(eq,operationState,ROLLED_BACK)&all_fields";
    // The NFVO hears of the failure before the VNFM has undone it.
    let undone = async || lab.vnfs.list_op_occs(of_web).await.unwrap().body;
    let undone = patience::until(undone, |them| !them.is_empty()).await;
    assert_eq!(undone.len(), 1, "{undone:#?}");
    let told = serde_json::to_string(&undone[0].error).unwrap();
    assert!(told.contains("the host ran out of memory"), "{told}");
    let states = lab.mano_json(&["vnf", "list"]);
    let web = states.as_array().unwrap().iter().find(|v| v["vnfProductName"] == "web").expect("web");
    assert_eq!(web["instantiationState"], "NOT_INSTANTIATED");
    // A VNFM that starts again leaves alone what is rolled back.
    lab.kill_and_restart("vnfm").await;
    lab.ns.rollback(op).await.unwrap();
    assert_eq!(lab.rest(op).await.state, "ROLLED_BACK");
    lab.nothing_leaks().await;
    conformance::check(&lab);
}
