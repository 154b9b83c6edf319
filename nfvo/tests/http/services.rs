//! NSDs and network services: what is refused, one operation at a time, tasks, notifications.

use std::time::Duration;

use reference_points::or_vnfm::{CancelMode, CancelModeType, InstantiationState};
use reference_points::os_ma_nfvo::{
    CreateNsRequest, InstantiateNsRequest, NsLcmOpOcc, NsLcmOperationStateType as State, TerminateNsRequest,
};
use serde_json::json;
use uuid::Uuid;

use crate::lab::{EDGE, Lab, WEB};

pub async fn create(lab: &Lab, nsd: &str, name: &str) -> Uuid {
    let request = CreateNsRequest { nsd_id: nsd.into(), ns_name: name.into(), ns_description: "for a test".into() };
    lab.ns.create(&request).await.unwrap().id
}

fn simple() -> InstantiateNsRequest {
    InstantiateNsRequest { ns_flavour_id: "simple".into(), ..InstantiateNsRequest::default() }
}

/// Images belong to their packages; nothing else is at the peers.
fn assert_nothing_left(lab: &Lab) {
    let state = lab.peers.state.lock().unwrap();
    let left: Vec<&String> = state.resources.keys().filter(|k| !k.starts_with("software_images")).collect();
    assert!(left.is_empty() && state.vnfs.is_empty(), "{left:?} {:?}", state.vnfs);
}

/// Waits for the operation to be in a state.
pub async fn until(lab: &Lab, op: Uuid, wanted: State) -> NsLcmOpOcc {
    let waiting = async {
        loop {
            let occ = lab.ns.op_occ(op).await.unwrap().unwrap();
            if occ.operation_state == wanted {
                return occ;
            }
            tokio::task::yield_now().await;
        }
    };
    match tokio::time::timeout(Duration::from_secs(60), waiting).await {
        Ok(occ) => occ,
        Err(_) => panic!("never {wanted}: {:?}", lab.ns.op_occ(op).await),
    }
}

#[tokio::test]
async fn an_nsd_needs_its_vnfds_and_is_kept_while_it_is_used() {
    let lab = Lab::start().await;
    lab.onboard("edge").await;
    let archive = std::fs::read(lab.pack("demo-ns", b"")).unwrap();
    let refused = lab.upload_nsd(archive.clone()).await;
    assert_eq!(refused.nsd_onboarding_state.as_str(), "ERROR");
    let faults = refused.onboarding_failure_details.unwrap().faults;
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert!(faults[0].message.contains(WEB) && !faults[0].message.contains(EDGE));
    let web = lab.onboard("web").await;
    lab.nsds.upload(refused.id, None, crate::lab::once(archive)).await.unwrap();
    let nsd = lab.nsds.get(refused.id).await.unwrap().unwrap();
    assert_eq!(nsd.nsd_onboarding_state.as_str(), "ONBOARDED", "{:?}", nsd.onboarding_failure_details);
    assert_eq!(nsd.vnf_pkg_ids.len(), 2);
    assert!(nsd.vnf_pkg_ids.contains(&web.id));
    let ns = create(&lab, nsd.nsd_id.as_deref().unwrap(), "demo").await;
    assert_eq!(lab.nsds.get(nsd.id).await.unwrap().unwrap().nsd_usage_state.as_str(), "IN_USE");
    let kept = lab.nsds.delete(nsd.id).await.unwrap_err();
    assert!(kept.status() == Some(409) && kept.to_string().contains(&ns.to_string()), "{kept}");
    lab.ns.delete(ns).await.unwrap();
    lab.nsds.delete(nsd.id).await.unwrap();
    assert_eq!(lab.files().len(), 2, "{:?}", lab.files());
    lab.end().await;
}

/// The sample's NSD with its types in the same file.
fn one_file_nsd() -> String {
    let sources = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../descriptors/samples/demo-ns/Definitions");
    let main = std::fs::read_to_string(sources.join("demo-ns.yaml")).unwrap();
    let types = std::fs::read_to_string(sources.join("demo-ns_types.yaml")).unwrap();
    let types = &types[types.find("data_types:").unwrap()..];
    format!("{}\n{types}", main.replace("  - demo-ns_types.yaml\n", ""))
}

#[tokio::test]
async fn an_nsd_may_be_one_plain_file() {
    let lab = Lab::start().await;
    lab.onboard("edge").await;
    lab.onboard("web").await;
    let id = lab.nsds.create(&Default::default()).await.unwrap().id;
    let url = lab.url(&format!("/nsd/v2/ns_descriptors/{id}"));
    let put = |text: String| {
        lab.http.put(format!("{url}/nsd_content")).header("content-type", "text/plain").body(text).send()
    };
    let broken = one_file_nsd().replace("flavour_id: simple", "flavour_id: [");
    assert_eq!(put(broken).await.unwrap().status(), 202);
    let faults = lab.nsds.get(id).await.unwrap().unwrap().onboarding_failure_details.unwrap().faults;
    assert!(faults[0].location.starts_with("nsd.yaml:"), "{faults:?}");
    assert_eq!(put(one_file_nsd()).await.unwrap().status(), 202);
    let info = lab.nsds.get(id).await.unwrap().unwrap();
    assert_eq!(info.nsd_onboarding_state.as_str(), "ONBOARDED", "{:?}", info.onboarding_failure_details);
    let text = lab.http.get(format!("{url}/nsd")).header("accept", "text/plain").send().await.unwrap();
    assert_eq!(text.text().await.unwrap(), one_file_nsd());
    lab.end().await;
}

#[tokio::test]
async fn what_cannot_be_made_is_refused_with_every_fault() {
    let lab = Lab::start().await;
    let nsd = lab.onboard_all().await.nsd_id.unwrap();
    let missing = CreateNsRequest { nsd_id: "nobody".into(), ns_name: "x".into(), ns_description: String::new() };
    assert_eq!(lab.ns.create(&missing).await.unwrap_err().status(), Some(422));
    let ns = create(&lab, &nsd, "demo").await;
    let no_vim = lab.ns.instantiate(ns, &simple()).await.unwrap_err();
    assert!(no_vim.status() == Some(422), "{no_vim}");
    lab.register_vim("one").await;
    let two = lab.register_vim("two").await;
    let which = lab.ns.instantiate(ns, &simple()).await.unwrap_err();
    assert!(format!("{:?}", which.to_problem().faults).contains("one, two"), "{which:?}");
    let mut request = simple();
    request.additional_params_for_ns = serde_json::from_value(json!({"vimId": two, "colour": "red"})).unwrap();
    request.ns_instantiation_level_id = Some("huge".into());
    let refused = lab.ns.instantiate(ns, &request).await.unwrap_err().to_problem();
    let places: Vec<&str> = refused.faults.iter().map(|f| f.location.as_str()).collect();
    assert_eq!(places, ["/nsInstantiationLevelId", "/additionalParamsForNs/colour"]);
    assert!(refused.trace_id.is_some());
    assert_eq!(lab.ns.terminate(ns, &TerminateNsRequest::default()).await.unwrap_err().status(), Some(409));
    assert_eq!(lab.ns.delete(Uuid::from_u128(1)).await.unwrap_err().status(), Some(404));
    lab.end().await;
}

#[tokio::test]
async fn one_operation_at_a_time_cancelled_and_rolled_back_with_nothing_left() {
    let mut lab = Lab::start().await;
    let nsd = lab.onboard_all().await.nsd_id.unwrap();
    lab.register_vim("one").await;
    let listener = json!({"callbackUri": format!("{}/listener", lab.peers.url())});
    let made = lab.http.post(lab.url("/nslcm/v2/subscriptions")).json(&listener).send().await.unwrap();
    assert_eq!(made.status(), 201);
    let again = lab.http.post(lab.url("/nslcm/v2/subscriptions")).json(&listener).send().await;
    // The client follows to the equal subscription.
    assert_eq!(again.unwrap().status(), 200);
    let ns = create(&lab, &nsd, "demo").await;
    // The VNFM is away: the operation goes on trying.
    let op = lab.ns.instantiate(ns, &simple()).await.unwrap();
    let second = lab.ns.instantiate(ns, &simple()).await.unwrap_err().to_problem();
    assert_eq!(second.status, 409);
    assert_eq!(second.instance, Some(format!("/nslcm/v2/ns_lcm_op_occs/{op}")));
    assert_eq!(lab.ns.delete(ns).await.unwrap_err().status(), Some(409));
    assert_eq!(lab.ns.rollback(op).await.unwrap_err().status(), Some(409), "not while it is PROCESSING");
    let shown = lab.ns.get(ns).await.unwrap().unwrap();
    assert_eq!(shown.virtual_link_info.len(), 3);
    // A crash in between changes nothing.
    lab.crash_and_restart().await;
    lab.ns.cancel(op, &CancelMode { cancel_mode: CancelModeType::Forceful }).await.unwrap();
    let occ = until(&lab, op, State::FailedTemp).await;
    assert!(occ.links.retry.is_some() && occ.links.rollback.is_some() && occ.links.fail.is_some());
    assert!(occ.error.is_some());
    lab.peers.state.lock().unwrap().vnfm_works = true;
    lab.ns.rollback(op).await.unwrap();
    until(&lab, op, State::RolledBack).await;
    assert_nothing_left(&lab);
    let shown = lab.ns.get(ns).await.unwrap().unwrap();
    assert_eq!((shown.ns_state, shown.virtual_link_info.len()), (InstantiationState::NotInstantiated, 0));
    lab.ns.delete(ns).await.unwrap();

    let told = || -> Vec<String> {
        let state = lab.peers.state.lock().unwrap();
        let text = |v: &serde_json::Value, name: &str| v[name].as_str().unwrap_or_default().to_owned();
        let short = |v: &serde_json::Value| match text(v, "operationState") {
            state if state.is_empty() => text(v, "notificationType"),
            state => state,
        };
        state.notifications.iter().map(short).collect()
    };
    let expected = [
        "NsIdentifierCreationNotification",
        "PROCESSING",
        "FAILED_TEMP",
        "ROLLING_BACK",
        "ROLLED_BACK",
        "NsIdentifierDeletionNotification",
    ];
    let waiting = async {
        while told().len() < expected.len() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), waiting).await.unwrap_or_else(|_| panic!("{:?}", told()));
    assert_eq!(told(), expected);
    lab.end().await;
}

#[tokio::test]
async fn steps_are_shown_as_they_happen() {
    let lab = Lab::start().await;
    let nsd = lab.onboard_all().await.nsd_id.unwrap();
    lab.register_vim("one").await;
    let ns = create(&lab, &nsd, "demo").await;
    let op = lab.ns.instantiate(ns, &simple()).await.unwrap();
    let mut events = lab.mano.events(op);
    use reference_points::os_ma_nfvo::mano::{OpEvent, StepState};
    let mut done = std::collections::BTreeSet::new();
    let mut seq = 0;
    // Networks, subnets and the image come through; the VNFs wait for a VNFM that is away.
    while done.len() < 3 + 4 + 1 {
        let event = tokio::time::timeout(Duration::from_secs(60), events.next::<OpEvent>()).await.unwrap().unwrap();
        assert!(event.seq > seq);
        seq = event.seq;
        if let OpEvent::Step { step } = event.event
            && step.state == StepState::Done
        {
            done.insert(step.key.clone());
        }
    }
    let steps = lab.mano.steps(op).await.unwrap();
    assert_eq!(steps.operation.state, "PROCESSING");
    let create = steps.steps.iter().find(|s| s.key == "vnf/web/create").unwrap();
    assert!(matches!(create.state, StepState::Retrying | StepState::Running), "{create:?}");
    lab.ns.cancel(op, &CancelMode { cancel_mode: CancelModeType::Forceful }).await.unwrap();
    until(&lab, op, State::FailedTemp).await;
    let shown = lab.ns.op_occ(op).await.unwrap().unwrap();
    assert_eq!(shown.resource_changes.unwrap().affected_vls.len(), 3);
    lab.ns.fail(op).await.unwrap();
    let given_up = lab.ns.get(ns).await.unwrap().unwrap();
    assert_eq!(given_up.ns_state, InstantiationState::Instantiated, "what remains can only be terminated");
    lab.peers.state.lock().unwrap().vnfm_works = true;
    let end = lab.ns.terminate(ns, &TerminateNsRequest::default()).await.unwrap();
    until(&lab, end, State::Completed).await;
    assert_nothing_left(&lab);
    lab.end().await;
}
