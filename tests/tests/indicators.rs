//! VNF indicators: told by the VNF or its element manager (SOL002 clause 8), served to the NFVO (SOL003 clause 8).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use mano_tests::conformance;
use mano_tests::em::{self, Em};
use mano_tests::lab::Lab;
use mano_tests::patience;
use mano_tests::subscriber::Subscriber;
use mano_tests::vnfs::Own;
use reference_points::or_vnfm::{FmClient, IndicatorClient, VnfIndicator, VnfIndicatorSubscriptionRequest};
use serde_json::{Value, json};
use uuid::Uuid;

/// The VNF answers the interface, the VNFD says: at its management connection point.
const INDICATING: &str = "    - told:
        type: tosca.policies.nfv.SupportedVnfInterface
        targets: [ management ]
        properties: { interface_name: vnf_indicator }
";

async fn until(indicators: &IndicatorClient, vnf: Uuid, wanted: impl Fn(&[VnfIndicator]) -> bool) -> Vec<VnfIndicator> {
    let sorted = async || {
        let mut found = indicators.of(vnf, "").await.unwrap().body;
        found.sort_by(|a, b| a.name.cmp(&b.name));
        found
    };
    patience::until(sorted, |found| wanted(found)).await
}

async fn subscribed(indicators: &IndicatorClient, filter: Value) -> Subscriber {
    let subscriber = Subscriber::listen().await;
    let request = json!({ "filter": filter, "callbackUri": subscriber.url });
    let request: VnfIndicatorSubscriptionRequest = serde_json::from_value(request).unwrap();
    indicators.subscribe(&request).await.unwrap().unwrap();
    subscriber
}

async fn running(lab: &Lab, name: &str, em: &Em) -> Uuid {
    let vnf = lab.vnf(&Own { policies: INDICATING, ..Own::default() }, name).await;
    let told = format!("vnfindEndpoint={}", em.url);
    lab.mano(&["vnf", "modify", name, "--metadata", &told]);
    lab.vnf_op_completed(lab.instantiate_vnf(vnf, json!({})).await).await;
    vnf
}

fn values(all: &[VnfIndicator]) -> Vec<(&str, Option<&str>, &Value)> {
    all.iter().map(|i| (i.id.as_str(), i.name.as_deref(), &i.value)).collect()
}

// `mano` is waited for while the VNF answers.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn indicators_are_read_followed_told_on_and_go_with_the_vnf() {
    let em = Em::start([]).await;
    em.seen().indicators.insert("load".into(), ("Load".into(), json!(10)));
    em.seen().indicators.insert("peers".into(), ("Peers".into(), json!(["a", "b"])));
    let mut lab = Lab::with_vnfm("").await;
    let url = lab.services["vnfm"].url.clone();
    let indicators = IndicatorClient::new("vnfm", &url);
    let all = subscribed(&indicators, json!({})).await;
    let loads = subscribed(
        &indicators,
        json!({ "indicatorIds": ["load"], "notificationTypes": ["VnfIndicatorValueChangeNotification"] }),
    )
    .await;
    let vnf = running(&lab, "told", &em).await;

    // What it has is read once it runs, and told on.
    let found = until(&indicators, vnf, |all| all.len() == 2).await;
    assert_eq!(values(&found), [("load", Some("Load"), &json!(10)), ("peers", Some("Peers"), &json!(["a", "b"]))]);
    let supported = all.until(0, |n| n["notificationType"] == "SupportedIndicatorsChangeNotification").await;
    assert_eq!(supported["supportedIndicators"].as_array().unwrap().len(), 2, "{supported:#?}");
    loads.until(0, |n| n["value"] == 10 && n["vnfIndicatorId"] == "load" && n["name"] == "Load").await;
    assert_eq!(lab.mano_json(&["vnf", "indicators", "told", "--filter", "(eq,id,load)"])[0]["value"], 10);
    let shown = lab.vnfs.get(vnf).await.unwrap().unwrap();
    let link = shown.links.unwrap().indicators.unwrap().href;
    assert!(link.ends_with(&format!("/vnfind/v1/indicators/{vnf}")), "{link}");

    // It is told, not asked: a change is there at once, and an older one that comes late changes nothing.
    assert_eq!(em.indicates(vnf, "load", json!(85)).await, [204]);
    assert_eq!(indicators.indicator(vnf, "load").await.unwrap().value, 85);
    loads.until(0, |n| n["value"] == 85).await;
    em.seen().clock -= 2;
    assert_eq!(em.indicates(vnf, "load", json!(11)).await, [204]);
    assert_eq!(indicators.indicator(vnf, "load").await.unwrap().value, 85);
    em.seen().clock += 5;

    // What is not awaited is refused with every fault.
    let callback = em.seen().listeners.values().next().unwrap().clone();
    let stranger = json!({ "id": "1", "notificationType": "VnfIndicatorValueChangeNotification", "subscriptionId": "1",
        "timeStamp": "2026-01-02T03:04:05Z", "vnfIndicatorId": "load", "value": 1, "vnfInstanceId": Uuid::new_v4() });
    assert_eq!(em::tell(&callback, &stranger).await, 422);
    assert_eq!(em::tell(&callback, &json!({ "notificationType": "Gossip" })).await, 422);
    assert_eq!(em::tell(&format!("{url}/mano/v1/indicator_notifications/{}", Uuid::new_v4()), &stranger).await, 404);

    // An indicator less, and a new one, whose value is read.
    let other = json!({ "id": "2", "notificationType": "SupportedIndicatorsChangeNotification", "subscriptionId": "1",
        "timeStamp": "2031-01-02T03:04:05Z", "vnfInstanceId": vnf,
        "supportedIndicators": [{ "vnfIndicatorId": "load" }, { "vnfIndicatorId": "calls" }] });
    em.seen().indicators.remove("peers");
    em.seen().indicators.insert("load".into(), ("Load".into(), json!(85)));
    em.seen().indicators.insert("calls".into(), ("Calls".into(), json!(3)));
    assert_eq!(em::tell(&callback, &other).await, 204);
    let found = until(&indicators, vnf, |all| all.iter().any(|i| i.id == "calls")).await;
    assert_eq!(values(&found), [("calls", Some("Calls"), &json!(3)), ("load", Some("Load"), &json!(85))]);

    // The VNFM dies: it goes on with the subscription that it has.
    lab.kill_and_restart("vnfm").await;
    lab.mano(&["vnf", "modify", "told", "--description", "again"]);
    em.indicates(vnf, "load", json!(20)).await;
    until(&indicators, vnf, |all| all.iter().any(|i| i.value == 20)).await;
    assert_eq!(em.seen().subscriptions, 1, "a second subscription was made");

    // A subscription can be looked at and ended at both of its addresses, the standard's and that of ETSI's file.
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    for folder in ["subscriptions", "indicators/subscriptions"] {
        let other = subscribed(&indicators, json!({ "indicatorIds": [folder] })).await;
        let listed = indicators.subscriptions("").await.unwrap().body;
        let id = &listed.iter().find(|s| s.callback_uri == other.url).unwrap().id;
        let at = format!("{url}/vnfind/v1/{folder}/{id}");
        let shown: Value = http.get(&at).header("Version", "1.3.0").send().await.unwrap().json().await.unwrap();
        assert_eq!(shown["filter"]["indicatorIds"], json!([folder]));
        assert_eq!(http.delete(&at).header("Version", "1.3.0").send().await.unwrap().status(), 204);
        assert_eq!(http.get(&at).header("Version", "1.3.0").send().await.unwrap().status(), 404);
    }

    // With the VNF its indicators go, and nobody listens any more.
    let told = all.told().len();
    lab.end_vnf(vnf).await;
    let none = all.until(told, |n| n["notificationType"] == "SupportedIndicatorsChangeNotification").await;
    assert!(none.get("supportedIndicators").is_none(), "{none:#?}");
    patience::until(async || em.seen().listeners.clone(), |left| left.is_empty()).await;
    assert!(indicators.indicators("").await.unwrap().body.is_empty());
    assert!(loads.told().iter().all(|n| n["vnfIndicatorId"] == "load"), "{:#?}", loads.told());
    conformance::check(&lab);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_that_does_not_answer_is_an_alarm_until_it_does() {
    let em = Em::start([]).await;
    em.seen().silent = true;
    em.seen().indicators.insert("load".into(), ("Load".into(), json!(1)));
    let lab = Lab::with_vnfm("").await;
    let (url, vnf) = (lab.services["vnfm"].url.clone(), running(&lab, "shy", &em).await);
    let (fm, indicators) = (FmClient::new(&url), IndicatorClient::new("vnfm", &url));
    let alarm = async || {
        let all = fm.alarms("?filter=(eq,perceivedSeverity,WARNING)").await.unwrap().body;
        all.into_iter().find(|a| a.fault_type.as_deref() == Some("INDICATORS_UNAVAILABLE"))
    };
    let found = patience::until(alarm, Option::is_some).await.unwrap();
    assert!(found.fault_details[0].contains("503") && found.fault_details[0].contains("not yet"), "{found:#?}");
    let told = lab.mano(&["vnf", "indicators", "shy"]);
    assert!(told.contains("not up to date") && told.contains("not yet"), "{told}");
    em.seen().silent = false;
    patience::until(alarm, Option::is_none).await;
    assert_eq!(until(&indicators, vnf, |all| !all.is_empty()).await[0].value, 1);

    // One that nothing is known of says what to do.
    let nowhere = INDICATING.replace("        targets: [ management ]\n", "");
    let plain = lab.vnf(&Own { policies: &nowhere, ..Own::default() }, "lost").await;
    lab.vnf_op_completed(lab.instantiate_vnf(plain, json!({})).await).await;
    let helps = |told: &String| told.contains("not up to date") && told.contains("the metadata vnfindEndpoint");
    patience::until(async || lab.mano(&["vnf", "indicators", "lost"]), helps).await;
    lab.end_vnf(plain).await;
    lab.end_vnf(vnf).await;
    conformance::check(&lab);
}
