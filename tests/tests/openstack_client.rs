//! The OpenStack client with its NFV plugin, as others have it, drives VNFs of this VNFM through their lives.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::time::Duration;

use mano_tests::lab::Lab;
use mano_tests::openstack::{self, Openstack, written};
use mano_tests::subscriber::Subscriber;
use mano_tests::{conformance, samples};
use reference_points::or_vi::{SimFault, SimSpec};
use reference_points::or_vnfm::LcmOperationStateType;
use serde_json::{Value, json};
use uuid::Uuid;

/// VNFD of sample `web`.
const WEB: &str = "6f1a9a3e-52d5-4d0b-9c2e-0d1f6b8a1001";
/// VNFD of version 2.0 of it.
const WEB_2: &str = "6f1a9a3e-52d5-4d0b-9c2e-0d1f6b8a1004";

/// The latest operation on an instance, once it rests.
async fn rested(lab: &Lab, vnf: Uuid) -> (Uuid, LcmOperationStateType) {
    loop {
        let all = lab.vnfs.list_op_occs(&format!("?filter=(eq,vnfInstanceId,{vnf})")).await.unwrap().body;
        let last = all.into_iter().max_by_key(|op| op.start_time.micros()).expect("an operation");
        use LcmOperationStateType::{Processing, RollingBack, Starting};
        if ![Starting, Processing, RollingBack].contains(&last.operation_state) {
            return (last.id, last.operation_state);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn completed(lab: &Lab, vnf: Uuid) {
    let (op, state) = rested(lab, vnf).await;
    assert_eq!(state, LcmOperationStateType::Completed, "{op}");
}

/// Machines of a VNF called `broken` do not boot; for one called `stubborn` the VIM has no time.
fn faults() -> Vec<SimFault> {
    let fault = |on: &str, name: &str, effect: &str, message: &str| SimFault {
        resource: "compute".into(),
        on: on.into(),
        name_contains: Some(name.into()),
        times: None,
        effect: effect.into(),
        message: message.into(),
    };
    vec![
        fault("boot", "broken", "error", "the host ran out of memory"),
        fault("create", "stubborn", "unavailable", "come back later"),
    ]
}

/// Puts the link `data` of an instantiation on the other network.
fn moved(instantiation: &Value) -> Value {
    let mut link = instantiation["extVirtualLinks"][0].clone();
    link["id"] = json!("elsewhere");
    link["resourceId"] = instantiation["extVirtualLinks"][1]["resourceId"].clone();
    json!({ "extVirtualLinks": [link] })
}

/// The network that `data` is on.
fn network_of_data(shown: &Value) -> Value {
    let info = &shown["Instantiated Vnf Info"];
    let all = |list: &str| info[list].as_array().cloned().unwrap_or_default();
    let port = all("extCpInfo").into_iter().find(|cp| cp["cpdId"] == "data").expect("data")["extLinkPortId"].clone();
    let on = |link: &Value| link["extLinkPorts"].as_array().is_some_and(|ports| ports.iter().any(|p| p["id"] == port));
    all("extVirtualLinkInfo").into_iter().find(on).expect("its link")["resourceHandle"]["resourceId"].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_openstack_client_drives_vnfs_through_their_lives() {
    if openstack::client().is_none() {
        return;
    }
    let lab = Lab::simulated(SimSpec { faults: faults(), ..SimSpec::default() }).await;
    let ns = lab.demo(&samples::pretended_image(lab.path())).await;
    lab.completed(lab.instantiate(ns).await).await;
    let instantiation = lab.web_beside(ns).await;
    let file = written(lab.path(), "instantiate.json", &instantiation);
    let Some(openstack) = Openstack::at(&lab.services["vnfm"].url, lab.path()) else { return };

    let versions = openstack.json(&["vnflcm", "versions"]);
    let served: Vec<&str> =
        versions["apiVersions"].as_array().unwrap().iter().map(|v| v["version"].as_str().unwrap()).collect();
    assert_eq!(served, ["2.0.0", "1.3.0", "1.2.0"], "{versions:#}");
    let second = openstack.json(&["vnflcm", "versions", "--major-version", "2"]);
    assert_eq!(second["uriPrefix"], "/vnflcm/v2");
    let subscriber = Subscriber::listen().await;
    let others = openstack.json(&["vnflcm", "subsc", "list"]).as_array().unwrap().len();
    let wanted = json!({ "callbackUri": subscriber.url, "filter": { "vnfInstanceSubscriptionFilter": { "vnfdIds": [WEB, WEB_2] } } });
    let subscribed = openstack.json(&["vnflcm", "subsc", "create", &written(lab.path(), "subscribe.json", &wanted)]);
    let subscription = subscribed["ID"].as_str().unwrap();
    assert_eq!(openstack.json(&["vnflcm", "subsc", "show", subscription])["Callback URI"], subscriber.url);
    assert_eq!(openstack.json(&["vnflcm", "subsc", "list"]).as_array().unwrap().len(), others + 1);

    let created = openstack.json(&["vnflcm", "create", WEB, "--name", "mine"]);
    let id = created["ID"].as_str().unwrap();
    let vnf: Uuid = id.parse().unwrap();
    let listed = openstack.json(&["vnflcm", "list"]);
    assert!(listed.as_array().unwrap().iter().any(|v| v["ID"] == id), "{listed}");
    openstack.does(&["vnflcm", "instantiate", id, &file]);
    completed(&lab, vnf).await;
    openstack.does(&["vnflcm", "scale", "--type", "SCALE_OUT", "--aspect-id", "servers", "--number-of-steps", "2", id]);
    completed(&lab, vnf).await;
    let shown = openstack.json(&["vnflcm", "show", id]);
    assert_eq!(shown["Instantiation State"], "INSTANTIATED");
    let vnfcs = |shown: &Value| shown["Instantiated Vnf Info"]["vnfcResourceInfo"].as_array().map_or(0, Vec::len);
    assert_eq!(vnfcs(&shown), 3, "{shown:#}");
    openstack.does(&["vnflcm", "heal", id, "--cause", "for practice"]);
    completed(&lab, vnf).await;
    openstack.does(&["vnflcm", "scale", "--type", "SCALE_IN", "--aspect-id", "servers", "--number-of-steps", "2", id]);
    completed(&lab, vnf).await;
    let update = written(lab.path(), "update.json", &json!({ "vnfInstanceName": "renamed" }));
    openstack.does(&["vnflcm", "update", id, "--I", &update]);
    completed(&lab, vnf).await;
    let shown = openstack.json(&["vnflcm", "show", id]);
    assert_eq!((vnfcs(&shown), shown["VNF Instance Name"].as_str()), (1, Some("renamed")), "{shown:#}");
    let ops = openstack.json(&["vnflcm", "op", "list"]);
    let kinds: Vec<&str> = ops
        .as_array()
        .unwrap()
        .iter()
        .filter(|op| op["VNF Instance ID"] == id)
        .map(|op| op["Operation"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["INSTANTIATE", "SCALE", "HEAL", "SCALE", "MODIFY_INFO"]);

    // Another network, and another package.
    let elsewhere = moved(&instantiation);
    let file_elsewhere = written(lab.path(), "elsewhere.json", &elsewhere);
    openstack.does(&["vnflcm", "change-ext-conn", id, &file_elsewhere]);
    completed(&lab, vnf).await;
    let shown = openstack.json(&["vnflcm", "show", id]);
    assert_eq!(network_of_data(&shown), elsewhere["extVirtualLinks"][0]["resourceId"], "{shown:#}");
    lab.onboard_package(&samples::pack("web-2", Some(&samples::pretended_image(lab.path())), lab.path())).await;
    let upgrade = written(lab.path(), "upgrade.json", &json!({ "vnfdId": WEB_2 }));
    openstack.does(&["vnflcm", "change-vnfpkg", id, &upgrade]);
    completed(&lab, vnf).await;
    let shown = openstack.json(&["vnflcm", "show", id]);
    assert_eq!((shown["VNFD ID"].as_str(), shown["VNF Software Version"].as_str()), (Some(WEB_2), Some("2.0")));

    openstack.does(&["vnflcm", "terminate", "--termination-type", "FORCEFUL", id]);
    completed(&lab, vnf).await;
    openstack.does(&["vnflcm", "delete", id]);
    let told = subscriber.until(0, |n| n["notificationType"] == "VnfIdentifierDeletionNotification").await;
    assert_eq!(told["vnfInstanceId"], id);
    let done = |n: &Value| n["operation"] == "CHANGE_VNFPKG" && n["operationState"] == "COMPLETED";
    let told = subscriber.until(0, done).await;
    assert!(told["_links"]["vnfInstance"]["href"].as_str().unwrap().contains("/vnflcm/v2/"), "{told:#}");
    openstack.does(&["vnflcm", "subsc", "delete", subscription]);
    assert_eq!(openstack.json(&["vnflcm", "subsc", "list"]).as_array().unwrap().len(), others);

    // What fails is tried again, taken back, or given up.
    let created = openstack.json(&["vnflcm", "create", WEB, "--name", "broken"]);
    let id = created["ID"].as_str().unwrap();
    let vnf: Uuid = id.parse().unwrap();
    openstack.does(&["vnflcm", "instantiate", id, &file]);
    let (op, state) = rested(&lab, vnf).await;
    assert_eq!(state, LcmOperationStateType::FailedTemp);
    let op = op.to_string();
    let shown = openstack.json(&["vnflcm", "op", "show", &op]);
    assert!(shown["Error"].to_string().contains("the host ran out of memory"), "{shown:#}");
    openstack.does(&["vnflcm", "op", "retry", &op]);
    assert_eq!(rested(&lab, vnf).await.1, LcmOperationStateType::FailedTemp);
    openstack.does(&["vnflcm", "op", "rollback", &op]);
    assert_eq!(rested(&lab, vnf).await.1, LcmOperationStateType::RolledBack);
    openstack.does(&["vnflcm", "instantiate", id, &file]);
    let (op, state) = rested(&lab, vnf).await;
    assert_eq!(state, LcmOperationStateType::FailedTemp);
    let failed = openstack.json(&["vnflcm", "op", "fail", &op.to_string()]);
    assert_eq!(failed["Operation State"], "FAILED", "{failed:#}");
    let (done, text) = openstack.ran(&["vnflcm", "op", "retry", &op.to_string()]);
    assert!(!done && text.contains("FAILED_TEMP"), "{text}");
    openstack.does(&["vnflcm", "terminate", "--termination-type", "FORCEFUL", id]);
    completed(&lab, vnf).await;
    openstack.does(&["vnflcm", "delete", id]);

    lab.completed(lab.terminate(ns).await).await;
    lab.nothing_leaks().await;
    conformance::check(&lab);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_openstack_client_drives_vnfs_with_version_1_of_the_apis() {
    if openstack::client().is_none() {
        return;
    }
    let lab = Lab::simulated(SimSpec { faults: faults(), ..SimSpec::default() }).await;
    let ns = lab.demo(&samples::pretended_image(lab.path())).await;
    lab.completed(lab.instantiate(ns).await).await;
    // In version 1 the configurations of a connection point are a list, and so are VIM connections.
    let mut instantiation = lab.web_beside(ns).await;
    for link in instantiation["extVirtualLinks"].as_array_mut().unwrap() {
        let config = link["extCps"][0]["cpConfig"]["a"].clone();
        link["extCps"][0]["cpConfig"] = json!([config]);
    }
    let file = written(lab.path(), "instantiate.json", &instantiation);
    let Some(openstack) = Openstack::at(&lab.services["vnfm"].url, lab.path()) else { return };
    let openstack = openstack.version("1");

    assert_eq!(openstack.json(&["vnflcm", "versions", "--major-version", "1"])["uriPrefix"], "/vnflcm/v1");
    let subscriber = Subscriber::listen().await;
    let wanted = written(lab.path(), "subscribe.json", &json!({ "callbackUri": subscriber.url }));
    let subscribed = openstack.json(&["vnflcm", "subsc", "create", &wanted]);
    let subscription = subscribed["ID"].as_str().unwrap();
    let listed = openstack.json(&["vnflcm", "subsc", "list"]);
    assert_eq!(listed.as_array().unwrap().len(), 1, "only those of version 1: {listed:#}");
    assert_eq!(openstack.json(&["vnflcm", "subsc", "show", subscription])["Callback URI"], subscriber.url);

    let created = openstack.json(&["vnflcm", "create", WEB, "--name", "older"]);
    let id = created["ID"].as_str().unwrap();
    let vnf: Uuid = id.parse().unwrap();
    assert!(created["Links"].to_string().contains("/vnflcm/v1/"), "{created:#}");
    openstack.does(&["vnflcm", "instantiate", id, &file]);
    completed(&lab, vnf).await;
    openstack.does(&["vnflcm", "scale", "--type", "SCALE_OUT", "--aspect-id", "servers", id]);
    completed(&lab, vnf).await;
    let listed = openstack.json(&["vnflcm", "list"]);
    assert!(listed.as_array().unwrap().iter().any(|v| v["ID"] == id && v["Instantiation State"] == "INSTANTIATED"));
    let shown = openstack.json(&["vnflcm", "show", id]);
    let info = &shown["Instantiated Vnf Info"];
    assert_eq!(info["vnfcResourceInfo"].as_array().unwrap().len(), 2, "{shown:#}");
    let connections = shown["VIM Connection Info"].as_array().expect("a list in version 1");
    assert_eq!(connections[0]["id"], info["vnfcResourceInfo"][0]["computeResource"]["vimConnectionId"], "{shown:#}");
    openstack.does(&["vnflcm", "heal", id]);
    completed(&lab, vnf).await;
    let mut elsewhere = moved(&instantiation);
    let instances = info["extCpInfo"].as_array().unwrap();
    let datas: Vec<&Value> = instances.iter().filter(|cp| cp["cpdId"] == "data").map(|cp| &cp["id"]).collect();
    let config = elsewhere["extVirtualLinks"][0]["extCps"][0]["cpConfig"][0].clone();
    let of = |instance: &Value| {
        let mut config = config.clone();
        config["cpInstanceId"] = instance.clone();
        config
    };
    elsewhere["extVirtualLinks"][0]["extCps"][0]["cpConfig"] = datas.into_iter().map(of).collect();
    openstack.does(&["vnflcm", "change-ext-conn", id, &written(lab.path(), "elsewhere.json", &elsewhere)]);
    completed(&lab, vnf).await;
    let shown = openstack.json(&["vnflcm", "show", id]);
    assert_eq!(network_of_data(&shown), elsewhere["extVirtualLinks"][0]["resourceId"], "{shown:#}");
    let update =
        json!({ "vnfInstanceName": "renamed", "vimConnectionInfo": [{ "id": "more", "vimType": "X", "vimId": "y" }] });
    openstack.does(&["vnflcm", "update", id, "--I", &written(lab.path(), "update.json", &update)]);
    completed(&lab, vnf).await;
    let shown = openstack.json(&["vnflcm", "show", id]);
    assert_eq!(shown["VNF Instance Name"], "renamed");
    assert!(shown["VIM Connection Info"].as_array().unwrap().iter().any(|c| c["id"] == "more"), "{shown:#}");
    let filter = format!("(eq,vnfInstanceId,{id});(eq,operation,SCALE)");
    let ops = openstack.json(&["vnflcm", "op", "list", "--filter", &filter]);
    assert_eq!((ops.as_array().unwrap().len(), ops[0]["Operation State"].as_str()), (1, Some("COMPLETED")), "{ops:#}");
    openstack.does(&["vnflcm", "terminate", "--termination-type", "FORCEFUL", "--D", id]);
    let told = subscriber.until(0, |n| n["notificationType"] == "VnfIdentifierDeletionNotification").await;
    assert!(told["_links"]["vnfInstance"]["href"].as_str().unwrap().contains("/vnflcm/v1/"), "{told:#}");
    openstack.does(&["vnflcm", "subsc", "delete", subscription]);

    // An operation that waits for the VIM is cancelled, tried again, and taken back.
    let created = openstack.json(&["vnflcm", "create", WEB, "--name", "stubborn"]);
    let id = created["ID"].as_str().unwrap();
    let vnf: Uuid = id.parse().unwrap();
    openstack.does(&["vnflcm", "instantiate", id, &file]);
    let ops = openstack.json(&["vnflcm", "op", "list", "--filter", &format!("(eq,vnfInstanceId,{id})")]);
    let op = ops[0]["ID"].as_str().unwrap();
    openstack.ran(&["vnflcm", "op", "cancel", op, "--cancel-mode", "FORCEFUL"]);
    assert_eq!(rested(&lab, vnf).await.1, LcmOperationStateType::FailedTemp);
    openstack.does(&["vnflcm", "op", "retry", op]);
    openstack.ran(&["vnflcm", "op", "cancel", op]);
    assert_eq!(rested(&lab, vnf).await.1, LcmOperationStateType::FailedTemp);
    let shown = openstack.json(&["vnflcm", "op", "show", op]);
    assert!(shown["Links"].to_string().contains("/vnflcm/v1/"), "{shown:#}");
    openstack.does(&["vnflcm", "op", "rollback", op]);
    assert_eq!(rested(&lab, vnf).await.1, LcmOperationStateType::RolledBack);
    openstack.does(&["vnflcm", "instantiate", id, &file]);
    let ops = openstack.json(&[
        "vnflcm",
        "op",
        "list",
        "--filter",
        &format!("(eq,vnfInstanceId,{id});(eq,operationState,PROCESSING)"),
    ]);
    let op = ops[0]["ID"].as_str().unwrap();
    openstack.ran(&["vnflcm", "op", "cancel", op]);
    assert_eq!(rested(&lab, vnf).await.1, LcmOperationStateType::FailedTemp);
    assert_eq!(openstack.json(&["vnflcm", "op", "fail", op])["Operation State"], "FAILED");
    openstack.does(&["vnflcm", "terminate", "--termination-type", "FORCEFUL", id]);
    completed(&lab, vnf).await;
    openstack.does(&["vnflcm", "delete", id]);

    lab.completed(lab.terminate(ns).await).await;
    lab.nothing_leaks().await;
    conformance::check(&lab);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_openstack_client_onboards_and_reads_vnf_packages() {
    if openstack::client().is_none() {
        return;
    }
    let lab = Lab::simulated(SimSpec::default()).await;
    let Some(openstack) = Openstack::at(&lab.services["nfvo"].url, lab.path()) else { return };
    let openstack = openstack.version("1");
    let archive = samples::pack("web", Some(&samples::pretended_image(lab.path())), lab.path());
    let created = openstack.json(&["vnf", "package", "create", "--user-data", "team=a"]);
    let id = created["ID"].as_str().unwrap();
    assert_eq!(
        (created["Onboarding State"].as_str(), created["User Defined Data"]["team"].as_str()),
        (Some("CREATED"), Some("a"))
    );
    assert!(created["Links"].to_string().contains("/vnfpkgm/v1/"), "{created:#}");
    openstack.does(&["vnf", "package", "upload", id, "--path", archive.to_str().unwrap()]);
    let shown = openstack.json(&["vnf", "package", "show", id]);
    assert_eq!(
        (shown["Onboarding State"].as_str(), shown["VNFD ID"].as_str()),
        (Some("ONBOARDED"), Some(WEB)),
        "{shown:#}"
    );
    let listed = openstack.json(&["vnf", "package", "list", "--filter", &format!("(eq,vnfdId,{WEB})")]);
    assert_eq!((listed.as_array().unwrap().len(), listed[0]["Id"].as_str()), (1, Some(id)), "{listed:#}");
    let whole = openstack.json(&["vnf", "package", "list", "--all_fields"]);
    assert!(whole[0]["Software Images"].as_array().is_some_and(|images| images.len() == 1), "{whole:#}");
    openstack.does(&["vnf", "package", "list", "--exclude_default"]);
    openstack.does(&["vnf", "package", "list", "--fields", "checksum"]);

    let file = |name: &str| lab.path().join(name).to_str().unwrap().to_owned();
    openstack.does(&["vnf", "package", "download", id, "--file", &file("back.zip")]);
    assert_eq!(std::fs::read(file("back.zip")).unwrap(), std::fs::read(&archive).unwrap());
    openstack.does(&[
        "vnf",
        "package",
        "download",
        id,
        "--vnfd",
        "--type",
        "application/zip",
        "--file",
        &file("vnfd.zip"),
    ]);
    assert!(std::fs::read(file("vnfd.zip")).unwrap().starts_with(b"PK"));
    let artifact = ["vnf", "package", "artifact", "download", id, "Definitions/web.yaml", "--file", &file("web.yaml")];
    openstack.does(&artifact);
    assert!(std::fs::read_to_string(file("web.yaml")).unwrap().contains("topology_template"));

    let disabled =
        openstack.json(&["vnf", "package", "update", id, "--operational-state", "DISABLED", "--user-data", "team=b"]);
    assert_eq!(disabled["Operational State"], "DISABLED", "{disabled:#}");
    let (done, text) = openstack.ran(&["vnf", "package", "upload", id, "--url", "http://127.0.0.1:1/x.zip"]);
    assert!(!done && text.contains("not fetched from addresses"), "{text}");
    openstack.does(&["vnf", "package", "delete", id]);
    let (done, text) = openstack.ran(&["vnf", "package", "show", id]);
    assert!(!done && text.contains("does not exist"), "{text}");
    conformance::check(&lab);
}
