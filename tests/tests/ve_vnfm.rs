//! The VNF and its element manager take part in operations: LCM coordination and configuration (SOL002).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::time::Duration;

use mano_tests::conformance;
use mano_tests::em::{Answer, Em};
use mano_tests::lab::Lab;
use mano_tests::vnfs::{CONFIGURED, COORDINATED, Own, PROPERTIES, PROPERTY_TYPES};
use reference_points::or_vnfm::{CancelMode, CancelModeType, LcmOperationStateType, ScaleVnfRequest};
use reference_points::ve_vnfm::LcmCoordResultType;
use serde_json::{Value, json};
use uuid::Uuid;

async fn terminated(lab: &Lab, vnf: Uuid) {
    let request = serde_json::from_value(json!({ "terminationType": "FORCEFUL" })).unwrap();
    lab.vnf_op_completed(lab.vnfs.terminate(vnf, &request).await.unwrap()).await;
    lab.nothing_leaks().await;
}

fn scale_out() -> ScaleVnfRequest {
    serde_json::from_value(json!({ "type": "SCALE_OUT", "aspectId": "servers" })).unwrap()
}

async fn coordinated(answers: &[Answer]) -> (Lab, Em, Uuid) {
    let em = Em::start(answers.to_vec()).await;
    let lab = Lab::with_vnfm(&format!("ve_vnfm:\n  coordination_endpoint: {}\n", em.url)).await;
    let vnf = lab.vnf(&Own { policies: COORDINATED, ..Own::default() }, "asked").await;
    lab.vnf_op_completed(lab.instantiate_vnf(vnf, json!({})).await).await;
    (lab, em, vnf)
}

#[tokio::test]
async fn an_operation_is_coordinated_at_its_start_and_end() {
    let answers = [Answer::Ends("CONTINUE"), Answer::GoesOn(1, "CONTINUE"), Answer::Later(1), Answer::Ends("CONTINUE")];
    let (lab, em, vnf) = coordinated(&answers).await;
    assert!(em.seen().asked.is_empty(), "instantiation is not coordinated");
    let op = lab.vnfs.scale(vnf, &scale_out()).await.unwrap();
    let occurrence = lab.vnf_op_completed(op).await;
    let all: Vec<_> = occurrence
        .lcm_coordinations
        .iter()
        .map(|c| {
            (c.coordination_action_name.as_str(), c.endpoint_type.as_str(), c.coordination_result.unwrap(), c.delay)
        })
        .collect();
    let goes_on = LcmCoordResultType::Continue;
    assert_eq!(all, [("drain", "VNF", goes_on, None), ("settle", "MGMT", goes_on, Some(1))]);
    assert!(occurrence.rejected_lcm_coordinations.is_empty());
    {
        let asked = &em.seen().asked;
        assert_eq!(
            (asked[0]["coordinationActionName"].as_str(), asked[0]["lcmOperationType"].as_str()),
            (Some("drain"), Some("SCALE"))
        );
        assert_eq!(asked[0]["vnfLcmOpOccId"], op.to_string());
        let link = asked[0]["_links"]["vnfInstance"]["href"].as_str().unwrap();
        assert!(link.ends_with(&format!("/vnflcm/v2/vnf_instances/{vnf}")), "{link}");
    }

    // Put off, and asked for again when the time has come.
    let stop = serde_json::from_value(json!({ "changeStateTo": "STOPPED" })).unwrap();
    let occurrence = lab.vnf_op_completed(lab.vnfs.operate(vnf, &stop).await.unwrap()).await;
    assert_eq!(occurrence.lcm_coordinations.len(), 1);
    assert_eq!(occurrence.rejected_lcm_coordinations[0].delay, 1);
    // Lists tell the same.
    let listed = lab.vnfs.list_op_occs(&format!("?filter=(eq,id,{})", occurrence.id)).await.unwrap().body.remove(0);
    assert_eq!(listed.lcm_coordinations, occurrence.lcm_coordinations);
    terminated(&lab, vnf).await;
    conformance::check(&lab);
}

#[tokio::test]
async fn a_coordination_that_says_abort_stops_the_operation_before_anything_is_changed() {
    let answers = [
        Answer::GoesOn(0, "ABORT"),
        Answer::Refuses,
        Answer::Ends("CONTINUE"),
        Answer::Ends("CONTINUE"),
        Answer::Ends("ABORT"),
    ];
    let (lab, em, vnf) = coordinated(&answers).await;
    let op = lab.vnfs.scale(vnf, &scale_out()).await.unwrap();
    let told = lab.vnf_op_failed(op).await;
    for part in ["drain ended with ABORT", "calls are still going on", "coordinate/drain"] {
        assert!(told.contains(part), "{part:?} is not in {told}");
    }
    let occurrence = lab.vnfs.op_occ(op).await.unwrap().unwrap();
    assert_eq!(occurrence.lcm_coordinations[0].coordination_result, Some(LcmCoordResultType::Abort));
    assert!(occurrence.resource_changes.is_none(), "{:?}", occurrence.resource_changes);
    lab.vnfs.retry(op).await.unwrap();
    let told = lab.vnf_op_failed(op).await;
    assert!(told.contains("not now") && told.contains("403"), "{told}");
    lab.vnfs.retry(op).await.unwrap();
    let occurrence = lab.vnf_op_completed(op).await;
    let results: Vec<_> = occurrence.lcm_coordinations.iter().map(|c| c.coordination_result.unwrap()).collect();
    use LcmCoordResultType::{Abort, Continue};
    assert_eq!(results, [Abort, Continue, Continue], "a retry asks again");
    assert_eq!(em.seen().asked.len(), 4);

    // Rolled back instead: nothing was changed.
    let op = lab.vnfs.scale(vnf, &scale_out()).await.unwrap();
    lab.vnf_op_failed(op).await;
    lab.vnfs.rollback(op).await.unwrap();
    lab.vnf_op(op, &[LcmOperationStateType::RolledBack]).await;
    let shown = lab.mano_json(&["vnf", "show", "asked"]);
    assert_eq!(shown["instantiatedVnfInfo"]["vnfcInfo"].as_array().unwrap().len(), 2);
    terminated(&lab, vnf).await;
    conformance::check(&lab);
}

#[tokio::test]
async fn a_coordination_is_cancelled_with_its_operation() {
    let (lab, em, vnf) = coordinated(&[Answer::Endless, Answer::Endless]).await;
    for mode in [CancelModeType::Graceful, CancelModeType::Forceful] {
        let before = em.seen().asked.len();
        let op = lab.vnfs.scale(vnf, &scale_out()).await.unwrap();
        while em.seen().asked.len() == before
            || lab.vnfs.op_occ(op).await.unwrap().unwrap().lcm_coordinations.is_empty()
        {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        lab.vnfs.cancel(op, &CancelMode { cancel_mode: mode }).await.unwrap();
        lab.vnf_op(op, &[LcmOperationStateType::FailedTemp]).await;
        assert_eq!(em.seen().cancelled.len(), before + 1, "{mode:?}");
        lab.vnfs.rollback(op).await.unwrap();
        let occurrence = lab.vnf_op(op, &[LcmOperationStateType::RolledBack]).await;
        assert_eq!(occurrence.lcm_coordinations[0].coordination_result, Some(LcmCoordResultType::Cancelled));
    }
    terminated(&lab, vnf).await;
}

const TASTE: &str = "      artifacts:
        taste: { type: tosca.artifacts.Implementation.Bash, file: ../Scripts/taste.sh }
      interfaces:
        Vnflcm:
          type: tosca.interfaces.nfv.Vnflcm
          operations:
            modify_information_end: { implementation: taste }
";

// `mano` is waited for while the VNF answers.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn configurable_properties_are_told_to_the_vnf_and_put_back() {
    let em = Em::start([]).await;
    em.seen().data.insert("color".into(), json!("grey"));
    let lab = Lab::with_vnfm("").await;
    let files = [("Scripts/taste.sh", "if grep -q purple $MANO_INPUT; then echo not purple >&2; exit 3; fi\n")];
    let own = Own {
        policies: CONFIGURED,
        properties: PROPERTIES,
        types: PROPERTY_TYPES,
        node: TASTE,
        files: &files,
        ..Own::default()
    };
    let vnf = lab.vnf(&own, "painted").await;
    let told = || {
        let seen = em.seen();
        (seen.data["color"].as_str().unwrap().to_owned(), seen.changes)
    };
    // Where the VNF answers stands in its metadata here.
    lab.mano(&["vnf", "modify", "painted", "--metadata", &format!("vnfconfigEndpoint={}", em.url)]);
    let request = json!({ "flavourId": "simple", "vnfConfigurableProperties": { "color": "red" } });
    let op = lab.vnfs.instantiate(vnf, &serde_json::from_value(request).unwrap()).await.unwrap();
    lab.vnf_op_completed(op).await;
    assert_eq!(told(), ("red".to_owned(), 1));

    // Somebody else changes it just then: it is looked at again.
    em.seen().race = true;
    lab.mano(&["vnf", "modify", "painted", "--property", "color=blue"]);
    assert_eq!(told(), ("blue".to_owned(), 3));
    // What is no property is no business of the VNF's.
    lab.mano(&["vnf", "modify", "painted", "--description", "painted"]);
    assert_eq!(told(), ("blue".to_owned(), 3));

    // What comes after it fails: a rollback puts back what the VNF had.
    let patch = serde_json::from_value(json!({ "vnfConfigurableProperties": { "color": "purple" } })).unwrap();
    let op = lab.vnfs.modify(vnf, &patch, None).await.unwrap();
    assert!(lab.vnf_op_failed(op).await.contains("not purple"));
    assert_eq!(told(), ("purple".to_owned(), 4));
    lab.vnfs.rollback(op).await.unwrap();
    lab.vnf_op(op, &[LcmOperationStateType::RolledBack]).await;
    assert_eq!(told(), ("blue".to_owned(), 5));
    let shown: Value = lab.mano_json(&["vnf", "show", "painted"]);
    assert_eq!(shown["vnfConfigurableProperties"]["additional_configurable_properties"]["color"], "blue");
    terminated(&lab, vnf).await;
    conformance::check(&lab);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn vnfcs_are_configured_as_they_come_and_go() {
    let em = Em::start([]).await;
    let lab = Lab::with_vnfm(&format!("ve_vnfm:\n  configuration_endpoint: {}\n", em.url)).await;
    let policies = "    - configured:
        type: tosca.policies.nfv.SupportedVnfInterface
        properties: { interface_name: vnf_configuration }
";
    let vdu =
        "        configurable_properties: { additional_vnfc_configurable_properties: { threads: 8, mode: fast } }\n";
    let files = [("Scripts/taste.sh", "echo no room >&2; exit 3\n")];
    let node = TASTE.replace("modify_information_end", "scale_end");
    let vnf = lab.vnf(&Own { policies, vdu, node: &node, files: &files, ..Own::default() }, "tuned").await;
    lab.vnf_op_completed(lab.instantiate_vnf(vnf, json!({})).await).await;
    let fast = json!({ "threads": 8, "mode": "fast" });
    assert_eq!(json!(em.seen().vnfcs), json!({ "tuned-web-1": fast }));
    let shown: Value = lab.mano_json(&["vnf", "show", "tuned"]);
    let own = &shown["instantiatedVnfInfo"]["vnfcInfo"][0]["vnfcConfigurableProperties"];
    assert_eq!(own["additional_vnfc_configurable_properties"], fast);

    // A VNFC that comes is configured; what comes after fails, and with it the VNFC's configuration goes.
    let op = lab.vnfs.scale(vnf, &scale_out()).await.unwrap();
    assert!(lab.vnf_op_failed(op).await.contains("no room"));
    assert_eq!(json!(em.seen().vnfcs), json!({ "tuned-web-1": fast, "tuned-web-2": fast }));
    lab.vnfs.rollback(op).await.unwrap();
    lab.vnf_op(op, &[LcmOperationStateType::RolledBack]).await;
    assert_eq!(json!(em.seen().vnfcs), json!({ "tuned-web-1": fast }));

    // One that is made anew is told again what somebody changed or it has lost.
    em.seen().vnfcs.insert("tuned-web-1".into(), json!({ "mode": "slow", "theirs": 1 }).as_object().unwrap().clone());
    lab.mano(&["vnf", "heal", "tuned"]);
    assert_eq!(json!(em.seen().vnfcs), json!({ "tuned-web-1": { "threads": 8, "mode": "fast", "theirs": 1 } }));
    terminated(&lab, vnf).await;
    conformance::check(&lab);
}
