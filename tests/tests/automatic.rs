//! Operations that the VNFM begins by itself: healing what is at fault, and what the triggers of indicators call.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use mano_tests::em::Em;
use mano_tests::lab::Lab;
use mano_tests::vnfs::{Own, PROPERTIES, PROPERTY_TYPES};
use mano_tests::{conformance, patience};
use reference_points::nf_vi::{PowerAction, PowerRequest};
use reference_points::or_vnfm::{FmClient, LcmOperationType, VnfLcmOpOcc};
use serde_json::{Value, json};
use uuid::Uuid;

/// The VNF tells its load, and is scaled by it.
const BY_LOAD: &str = "    - told:
        type: tosca.policies.nfv.SupportedVnfInterface
        targets: [ management ]
        properties: { interface_name: vnf_indicator }
    - by_load:
        type: tosca.policies.nfv.VnfIndicator
        targets: [ WEB ]
        properties: { source: vnf }
        triggers:
          busy:
            event: load
            condition: [ Load: [ { greater_or_equal: 80 } ], servers_scale_level: [ { less_than: 2 } ] ]
            action: [ call_operation: { operation: Vnflcm.scale, inputs: { type: scale_out, aspect: { value: servers } } } ]
          idle:
            event: load
            condition: [ load: [ { less_than: 10 } ] ]
            action: [ call_operation: { operation: Vnflcm.scale_to_level, inputs: { instantiation_level_id: small } } ]
";

/// All operations on a VNF of a kind, oldest first.
async fn operations(lab: &Lab, vnf: Uuid, kind: LcmOperationType) -> Vec<VnfLcmOpOcc> {
    let filter = format!("?filter=(eq,vnfInstanceId,{vnf})");
    let mut all = lab.vnfs.list_op_occs(&filter).await.map(|reply| reply.body).unwrap_or_default();
    all.retain(|op| op.operation == kind);
    all.sort_by_key(|op| op.start_time.micros());
    all
}

/// Waits until there are so many operations of a kind, and the last of them is completed.
async fn until_operations(lab: &Lab, vnf: Uuid, kind: LcmOperationType, count: usize) -> VnfLcmOpOcc {
    let found = patience::until(async || operations(lab, vnf, kind).await, |all| all.len() >= count).await;
    assert_eq!(found.len(), count, "{found:#?}");
    lab.vnf_op_completed(found.last().unwrap().id).await
}

fn level(lab: &Lab, name: &str) -> Value {
    lab.mano_json(&["vnf", "show", name])["instantiatedVnfInfo"]["scaleStatus"][0]["scaleLevel"].clone()
}

async fn running(lab: &Lab, own: &Own<'_>, name: &str, metadata: &str) -> Uuid {
    let vnf = lab.vnf(own, name).await;
    lab.mano(&["vnf", "modify", name, "--metadata", metadata]);
    lab.vnf_op_completed(lab.instantiate_vnf(vnf, json!({})).await).await;
    vnf
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_vnf_is_scaled_by_what_it_tells() {
    let em = Em::start([]).await;
    em.seen().indicators.insert("load".into(), ("Load".into(), json!(50)));
    em.seen().reads_wait = true;
    let mut lab = Lab::with_vnfm("auto_scale_pause_seconds: 0\n").await;
    let node = "        configurable_properties: { is_autoscale_enabled: true }\n";
    let own = Own { policies: BY_LOAD, properties: PROPERTIES, types: PROPERTY_TYPES, node, ..Own::default() };
    let vnf = running(&lab, &own, "busy", &format!("vnfindEndpoint={}", em.url)).await;
    patience::until(async || em.seen().listeners.len(), |listeners| *listeners == 1).await;

    // What is told before anything was read has no name yet, by which the policy knows it.
    em.indicates(vnf, "load", json!(85)).await;
    em.seen().reads_wait = false;
    let first = until_operations(&lab, vnf, LcmOperationType::Scale, 1).await;
    assert!(first.is_automatic_invocation, "{first:#?}");
    assert_eq!(level(&lab, "busy"), 1);
    let shown = lab.mano(&["op", "show", &first.id.to_string()]);
    assert!(shown.contains("automatic"), "{shown}");

    // The same value again is no news; another one is, also to a VNFM that was away when it came.
    em.indicates(vnf, "load", json!(85)).await;
    lab.services.get_mut("vnfm").unwrap().kill();
    em.seen().indicators.insert("load".into(), ("Load".into(), json!(95)));
    lab.services.get_mut("vnfm").unwrap().start().await;
    lab.mano(&["vnf", "modify", "busy", "--description", "looked at"]);
    until_operations(&lab, vnf, LcmOperationType::Scale, 2).await;
    assert_eq!(level(&lab, "busy"), 2);

    // The condition is about the scale level too. Switched off, nothing is done; switched on again, it is.
    em.indicates(vnf, "load", json!(99)).await;
    lab.mano(&["vnf", "modify", "busy", "--property", "is_autoscale_enabled=false"]);
    em.indicates(vnf, "load", json!(3)).await;
    lab.mano(&["vnf", "modify", "busy", "--property", "is_autoscale_enabled=true"]);
    em.indicates(vnf, "load", json!(2)).await;
    let back = until_operations(&lab, vnf, LcmOperationType::ScaleToLevel, 1).await;
    assert!(back.is_automatic_invocation && level(&lab, "busy") == 0, "{back:#?}");
    assert_eq!(operations(&lab, vnf, LcmOperationType::Scale).await.len(), 2);
    lab.end_vnf(vnf).await;
    conformance::check(&lab);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_vnf_at_fault_is_healed_a_few_times() {
    let lab = Lab::with_vnfm("auto_heal_after_seconds: 0\n").await;
    let fm = FmClient::new(&lab.services["vnfm"].url);
    let own = Own { properties: PROPERTIES, types: PROPERTY_TYPES, ..Own::default() };
    let vnf = running(&lab, &own, "frail", "site=north").await;
    let stop = async || {
        let (_, vim, compute) = lab.only_compute("frail");
        let power = PowerRequest { action: PowerAction::Stop, grace_seconds: None };
        lab.mano.power(vim, compute, &power).await.unwrap();
    };
    let fault = |name: &'static str| {
        let fm = &fm;
        let open = async move || fm.alarms("").await.map(|reply| reply.body).unwrap_or_default();
        patience::until(open, move |all| all.iter().any(|a| a.fault_type.as_deref() == Some(name)))
    };

    // It is not healed until that is switched on; then it is at once, for it is at fault.
    stop().await;
    fault("COMPUTE_STOPPED").await;
    assert!(operations(&lab, vnf, LcmOperationType::Heal).await.is_empty());
    lab.mano(&["vnf", "modify", "frail", "--property", "is_autoheal_enabled=true"]);
    let healed = until_operations(&lab, vnf, LcmOperationType::Heal, 1).await;
    assert!(healed.is_automatic_invocation, "{healed:#?}");
    assert_eq!(healed.operation_params.unwrap()["vnfcInstanceId"], json!(["frail-web-1"]));
    for count in 2..=3 {
        patience::until(
            async || fm.alarms("").await.unwrap().body,
            |all| all.iter().all(|a| a.alarm_cleared_time.is_some()),
        )
        .await;
        stop().await;
        until_operations(&lab, vnf, LcmOperationType::Heal, count).await;
    }

    // What breaks again and again is left to somebody, who is told.
    patience::until(
        async || fm.alarms("").await.unwrap().body,
        |all| all.iter().all(|a| a.alarm_cleared_time.is_some()),
    )
    .await;
    stop().await;
    let told = fault("AUTOMATIC_OPERATION_IMPOSSIBLE").await;
    let told = told.iter().find(|a| a.fault_type.as_deref() == Some("AUTOMATIC_OPERATION_IMPOSSIBLE")).unwrap();
    assert!(told.fault_details[0].contains("VNFC frail-web-1"), "{told:#?}");
    assert_eq!(operations(&lab, vnf, LcmOperationType::Heal).await.len(), 3);
    lab.mano(&["vnf", "heal", "frail"]);
    patience::until(
        async || fm.alarms("").await.unwrap().body,
        |all| all.iter().all(|a| a.alarm_cleared_time.is_some()),
    )
    .await;
    lab.end_vnf(vnf).await;
    lab.nothing_leaks().await;
    conformance::check(&lab);
}
