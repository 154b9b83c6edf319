//! Operations that a VIM has no room for, and what comes of its allowing more: told by the VIM to the NFVO, by the NFVO to its
//! subscribers (SOL003 clause 11), noted by the VNFM and retried by it when it shall.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use mano_tests::conformance;
use mano_tests::lab::{Lab, Wishes};
use mano_tests::patience;
use mano_tests::subscriber::Subscriber;
use mano_tests::vnfs::Own;
use reference_points::or_vi::{SimSpec, ViClient, VimKind, VimSpec};
use reference_points::or_vnfm::{LcmOperationStateType, QuotaClient, ScaleVnfRequest, VrQuotaAvailSubscriptionRequest};
use reference_points::os_ma_nfvo::mano::RegisterVim;
use serde_json::{Value, json};
use uuid::Uuid;

/// Its servers do not share a host.
const APART: &str = "    - apart:
        type: tosca.policies.nfv.AntiAffinityRule
        properties: { scope: nfvi_node }
        targets: [ web ]
";

/// A VIM that has room for one of two servers that do not share a host; what it has in all is enough for a grant.
fn full() -> SimSpec {
    SimSpec { hosts: 1, ..SimSpec::default() }
}

/// A VIM that has room for both.
fn roomy() -> SimSpec {
    SimSpec { hosts: 2, ..SimSpec::default() }
}

/// Two servers that do not share a host.
async fn pair(lab: &Lab, name: &str) -> (Uuid, Uuid) {
    let vnf = lab.vnf(&Own { policies: APART, ..Own::default() }, name).await;
    let request = json!({ "flavourId": "simple", "instantiationLevelId": "pair" });
    let op = lab.vnfs.instantiate(vnf, &serde_json::from_value(request).unwrap()).await.unwrap();
    let told = lab.vnf_op_failed(op).await;
    assert!(told.contains("anti-affinity group"), "{told}");
    (vnf, op)
}

async fn lab(sim: SimSpec, vnfm: &str) -> Lab {
    Lab::simulated_with(sim, &Wishes { vnfm: vnfm.to_owned(), ..Wishes::default() }).await
}

/// The simulated VIM becomes another.
async fn becomes(lab: &Lab, sim: SimSpec) {
    let request = RegisterVim { name: "lab".into(), kind: VimKind::Sim { sim } };
    lab.mano.put_vim(lab.vim, &request).await.unwrap();
}

/// What an operation's problem says next.
async fn next(lab: &Lab, op: Uuid) -> String {
    let occurrence = lab.vnfs.op_occ(op).await.unwrap().unwrap();
    occurrence.error.and_then(|problem| problem.next).unwrap_or_default()
}

fn quotas(lab: &Lab) -> QuotaClient {
    QuotaClient::new(&lab.services["nfvo"].url)
}

/// Waits until the VNFM is subscribed; the identifier of its one subscription.
async fn subscribed(lab: &Lab) -> String {
    let of_vnfm = format!("{}/mano/v1/quota_notifications", lab.services["vnfm"].url);
    let found = patience::until(
        async || quotas(lab).subscriptions("").await.map(|all| all.body).unwrap_or_default(),
        |all| all.iter().any(|s| s.callback_uri == of_vnfm),
    )
    .await;
    let mut ours = found.into_iter().filter(|s| s.callback_uri == of_vnfm);
    let first = ours.next().unwrap();
    assert!(ours.next().is_none(), "the VNFM is subscribed twice");
    first.id
}

async fn listening(lab: &Lab, filter: Value) -> Subscriber {
    let subscriber = Subscriber::listen().await;
    let request = json!({ "filter": filter, "callbackUri": subscriber.url });
    let request: VrQuotaAvailSubscriptionRequest = serde_json::from_value(request).unwrap();
    quotas(lab).subscribe(&request).await.unwrap().unwrap();
    subscriber
}

// `mano` is waited for while subscribers answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operation_without_room_is_told_when_there_is_more() {
    let mut lab = lab(full(), "").await;
    let first = subscribed(&lab).await;
    let all = listening(&lab, json!({ "vimIds": [lab.vim], "resourceTypes": ["COMPUTE"] })).await;
    let others = listening(&lab, json!({ "vimIds": [Uuid::new_v4()] })).await;
    let groups = listening(&lab, json!({ "resourceGroupIds": ["somebody's"], "resourceTypes": ["COMPUTE"] })).await;
    let (vnf, op) = pair(&lab, "squeezed").await;
    assert!(!next(&lab, op).await.contains("allows more"));

    // The VIM grows while nobody listens: the NFVO is dead, and then the VNFM.
    lab.services.get_mut("nfvo").unwrap().kill();
    let vi = ViClient::new(&lab.services["vim-adapter"].url);
    vi.put_vim(lab.vim, &VimSpec { name: "lab".into(), kind: VimKind::Sim { sim: roomy() } }).await.unwrap();
    lab.services.get_mut("vnfm").unwrap().kill();
    lab.services.get_mut("nfvo").unwrap().start().await;
    let notification = all.until(0, |n| n["notificationType"] == "VrQuotaAvailNotification").await;
    assert_eq!(notification["vimConnectionInfo"]["vimId"], json!(lab.vim), "{notification:#}");
    assert_eq!(notification["resourceGroupId"], json!(lab.vim), "{notification:#}");
    let link = notification["_links"]["subscription"]["href"].as_str().unwrap();
    assert!(link.ends_with(notification["subscriptionId"].as_str().unwrap()), "{notification:#}");
    lab.kill_and_restart("nfvo").await;
    lab.services.get_mut("vnfm").unwrap().start().await;

    // The occurrence says so wherever it is shown, and rests.
    let says = format!("that VIM {} allows more: retry", lab.vim);
    let noted = patience::until(async || next(&lab, op).await, |next| next.contains(&says)).await;
    assert!(noted.starts_with("the NFVO told at 2"), "{noted}");
    lab.kill_and_restart("vnfm").await;
    assert_eq!(next(&lab, op).await, noted, "it was forgotten with the process");
    let ran = lab.cli(&["op", "show", &op.to_string()]);
    assert!(format!("{}{}", ran.out, ran.err).contains(&says), "{ran:#?}");
    let listed = lab.mano_json(&["op", "list", "--vnf"]);
    let listed = listed.as_array().unwrap().iter().find(|o| o["id"] == json!(op)).unwrap();
    assert!(listed["error"]["next"].as_str().unwrap().contains(&says), "{listed:#}");
    let occurrence = lab.vnfs.op_occ(op).await.unwrap().unwrap();
    assert_eq!(occurrence.operation_state, LcmOperationStateType::FailedTemp);
    assert_eq!(subscribed(&lab).await, first, "another subscription was made");
    assert!(others.told().is_empty() && groups.told().is_empty(), "{:#?} {:#?}", others.told(), groups.told());
    // Killed behind a delivery, the NFVO tells it again; it is the same notification.
    assert!(all.told().iter().all(|told| told["id"] == notification["id"]), "{:#?}", all.told());

    // A retry finds the room, and nothing of the note is left.
    lab.mano(&["op", "retry", &op.to_string(), "--wait"]);
    let done = lab.vnf_op_completed(op).await;
    assert!(done.error.is_none(), "{done:#?}");

    // What is not of our subscription is refused; what was told before changes nothing.
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let at = format!("{}/mano/v1/quota_notifications", lab.services["vnfm"].url);
    assert_eq!(http.get(&at).send().await.unwrap().status(), 204);
    let post = async |body: &Value| http.post(&at).json(body).send().await.unwrap().status().as_u16();
    assert_eq!(post(&notification).await, 422, "it is of another subscription");
    let mut own = notification.clone();
    own["subscriptionId"] = json!(first);
    assert_eq!((post(&own).await, post(&own).await), (204, 204));
    assert_eq!(post(&json!({ "id": "1" })).await, 422);

    // A subscription that the NFVO lost is made again.
    quotas(&lab).unsubscribe(&first).await.unwrap();
    lab.kill_and_restart("vnfm").await;
    assert_ne!(subscribed(&lab).await, first);
    let shown = quotas(&lab).subscription(&subscribed(&lab).await).await.unwrap();
    assert!(shown.filter.is_none());
    lab.end_vnf(vnf).await;
    conformance::check(&lab);
}

#[tokio::test]
async fn an_operation_without_room_goes_on_by_itself_when_it_shall() {
    let mut lab = lab(full(), "retry_when_quota_grows: true\n").await;
    subscribed(&lab).await;
    let (vnf, op) = pair(&lab, "patient").await;

    // More, and not enough: it is tried once, and rests again.
    let tries = async || lab.vnfs.op_occ(op).await.unwrap().unwrap().state_entered_time;
    let rested = tries().await;
    becomes(&lab, SimSpec { vcpus_per_host: 65, ..full() }).await;
    let again = async || {
        let occurrence = lab.vnfs.op_occ(op).await.unwrap().unwrap();
        (occurrence.operation_state, occurrence.state_entered_time)
    };
    let failed = LcmOperationStateType::FailedTemp;
    let (_, rested) = patience::until(again, |(state, at)| *state == failed && *at != rested).await;
    assert!(!next(&lab, op).await.contains("allows more"), "it is told of room that it has tried");
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    assert_eq!(tries().await, rested, "it is tried again though nothing was told");

    // Both are killed between the news and the retry.
    lab.services.get_mut("vnfm").unwrap().kill();
    becomes(&lab, roomy()).await;
    lab.kill_and_restart("nfvo").await;
    lab.services.get_mut("vnfm").unwrap().start().await;
    let done = patience::until(
        async || lab.vnfs.op_occ(op).await.ok().flatten().unwrap(),
        |occurrence| occurrence.operation_state == LcmOperationStateType::Completed,
    )
    .await;
    assert!(done.error.is_none(), "{done:#?}");

    // So it is with any operation.
    let out: ScaleVnfRequest = serde_json::from_value(json!({ "type": "SCALE_OUT", "aspectId": "servers" })).unwrap();
    let scale = lab.vnfs.scale(vnf, &out).await.unwrap();
    let told = lab.vnf_op_failed(scale).await;
    assert!(told.contains("anti-affinity group"), "{told}");
    becomes(&lab, SimSpec { hosts: 3, ..roomy() }).await;
    patience::until(
        async || lab.vnfs.op_occ(scale).await.unwrap().unwrap().operation_state,
        |state| *state == LcmOperationStateType::Completed,
    )
    .await;
    lab.end_vnf(vnf).await;
    lab.nothing_leaks().await;
    conformance::check(&lab);
}
