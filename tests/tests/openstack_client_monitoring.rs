//! The OpenStack client with its NFV plugin, as others have it, looks at alarms and measures VNFs of this VNFM.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;

use mano_tests::lab::Lab;
use mano_tests::openstack::Openstack;
use mano_tests::subscriber::Subscriber;
use mano_tests::{conformance, samples};
use reference_points::nf_vi::{PowerAction, PowerRequest};
use reference_points::or_vi::SimSpec;
use serde_json::{Value, json};

fn written(dir: &Path, name: &str, content: &Value) -> String {
    let path = dir.join(name);
    std::fs::write(&path, content.to_string()).unwrap();
    path.display().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_openstack_client_reads_alarms_and_measures() {
    let lab = Lab::simulated(SimSpec { bytes_per_second: 5_000, ..SimSpec::default() }).await;
    let Some(openstack) = Openstack::at(&lab.services["vnfm"].url, lab.path()) else { return };
    let (alarms, jobs, thresholds) =
        (Subscriber::listen().await, Subscriber::listen().await, Subscriber::listen().await);
    let ns = lab.demo(&samples::pretended_image(lab.path())).await;
    lab.completed(lab.instantiate(ns).await).await;
    let shown = lab.mano_json(&["vnf", "show", "demo-web"]);
    let (web, resource) = (&shown["id"], &shown["instantiatedVnfInfo"]["vnfcResourceInfo"][0]["computeResource"]);

    // Alarms, and subscriptions to them.
    let filter = json!({ "notificationTypes": ["AlarmNotification"], "vnfInstanceSubscriptionFilter": {
        "vnfInstanceIds": [web] } });
    let file = written(lab.path(), "sub.json", &json!({ "callbackUri": alarms.url, "filter": filter }));
    let made = openstack.json(&["vnffm", "sub", "create", &file]);
    let subscription = made["ID"].as_str().unwrap();
    assert_eq!(openstack.json(&["vnffm", "sub", "list"])[0]["ID"], made["ID"]);
    assert_eq!(openstack.json(&["vnffm", "sub", "show", subscription])["Callback Uri"], json!(alarms.url));
    let id = |value: &Value| value.as_str().unwrap().parse().unwrap();
    let power = PowerRequest { action: PowerAction::Stop, grace_seconds: None };
    lab.mano.power(id(&resource["vimConnectionId"]), id(&resource["resourceId"]), &power).await.unwrap();
    let told = alarms.until(0, |t| t["alarm"]["managedObjectId"] == *web).await;
    let alarm = told["alarm"]["id"].as_str().unwrap();
    let listed = openstack.json(&["vnffm", "alarm", "list", "--filter", &format!("(eq,id,{alarm})")]);
    assert_eq!((&listed[0]["ID"], &listed[0]["Ack State"]), (&json!(alarm), &json!("UNACKNOWLEDGED")));
    let updated = openstack.json(&["vnffm", "alarm", "update", alarm, "--ack-state", "ACKNOWLEDGED"]);
    assert_eq!(updated["Ack State"], "ACKNOWLEDGED");
    let shown = openstack.json(&["vnffm", "alarm", "show", alarm]);
    assert_eq!((&shown["Ack State"], &shown["Perceived Severity"]), (&json!("ACKNOWLEDGED"), &json!("MAJOR")));
    openstack.does(&["vnffm", "sub", "delete", subscription]);
    let power = PowerRequest { action: PowerAction::Start, grace_seconds: None };
    lab.mano.power(id(&resource["vimConnectionId"]), id(&resource["resourceId"]), &power).await.unwrap();

    // Jobs and reports; the metric as this client's own sample spells it.
    let criteria = json!({ "performanceMetric": [format!("VCpuUsageMeanVnf.{}", web.as_str().unwrap())],
        "performanceMetricGroup": ["VnfExternalCP"], "collectionPeriod": 1, "reportingPeriod": 2 });
    let request =
        json!({ "objectType": "Vnf", "objectInstanceIds": [web], "criteria": criteria, "callbackUri": jobs.url });
    let made = openstack.json(&["vnfpm", "job", "create", &written(lab.path(), "job.json", &request)]);
    let job = made["ID"].as_str().unwrap();
    let told = jobs.until(0, |t| t["pmJobId"] == json!(job)).await;
    let href = told["_links"]["performanceReport"]["href"].as_str().unwrap();
    let report = openstack.json(&["vnfpm", "report", "show", job, href.rsplit('/').next().unwrap()]);
    let entries = report["Entries"].to_string();
    assert!(entries.contains("VCpuUsageMeanVnf") && entries.contains("ByteIncomingVnfExtCp"), "{report:#}");
    assert!(!openstack.json(&["vnfpm", "job", "show", job])["Reports"].as_array().unwrap().is_empty());
    assert_eq!(openstack.json(&["vnfpm", "job", "list"])[0]["Id"], json!(job));
    let update = written(lab.path(), "update.json", &json!({ "callbackUri": thresholds.url }));
    let updated = openstack.json(&["vnfpm", "job", "update", job, &update]);
    assert_eq!(updated["Callback Uri"], json!(thresholds.url));
    openstack.does(&["vnfpm", "job", "delete", job]);

    // Thresholds.
    let details = json!({ "thresholdValue": 30.5, "hysteresis": 10.3 });
    let criteria = json!({ "performanceMetric": "VCpuUsageMeanVnf", "thresholdType": "SIMPLE",
        "simpleThresholdDetails": details });
    let request = json!({ "objectType": "Vnfc", "objectInstanceId": web, "criteria": criteria,
        "callbackUri": thresholds.url });
    let file = written(lab.path(), "threshold.json", &request);
    let made = openstack.json(&["vnfpm", "threshold", "create", &file]);
    let threshold = made["ID"].as_str().unwrap();
    thresholds.until(0, |t| t["thresholdId"] == json!(threshold) && t["crossingDirection"] == "UP").await;
    assert_eq!(openstack.json(&["vnfpm", "threshold", "list"])[0]["ID"], made["ID"]);
    let shown = openstack.json(&["vnfpm", "threshold", "show", threshold]);
    assert_eq!(shown["Criteria"]["simpleThresholdDetails"], details);
    let update = written(lab.path(), "update.json", &json!({ "callbackUri": jobs.url }));
    let updated = openstack.json(&["vnfpm", "threshold", "update", threshold, &update]);
    assert_eq!(updated["Callback Uri"], json!(jobs.url));
    openstack.does(&["vnfpm", "threshold", "delete", threshold]);

    lab.completed(lab.terminate(ns).await).await;
    assert!(openstack.json(&["vnffm", "alarm", "list"]).as_array().unwrap().is_empty());
    conformance::check(&lab);
}
