//! Alarms and measurements: of a simulated VIM with scripted faults and load, and of real machines.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::time::{Duration, Instant};

use mano_tests::ground::machine;
use mano_tests::lab::{Lab, Wishes};
use mano_tests::subscriber::Subscriber;
use mano_tests::{conformance, patience, samples, traffic};
use reference_points::nf_vi::{PowerAction, PowerRequest};
use reference_points::or_vi::{SimFault, SimSpec};
use reference_points::or_vnfm::{
    Alarm, AlarmClearedNotification, AlarmNotification, CreatePmJobRequest, CrossingDirectionType, FmClient,
    FmSubscriptionRequest, PerceivedSeverity, PerformanceInformationAvailableNotification, PerformanceReport,
    PmCallbackModifications, PmClient, ThresholdCrossedNotification,
};
use serde_json::{Value, json};
use uuid::Uuid;

fn read<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value.clone()).unwrap_or_else(|e| panic!("{e}: {value:#}"))
}

async fn alarms(fm: &FmClient) -> Vec<Alarm> {
    fm.alarms("").await.unwrap().body
}

/// Waits until the list of alarms is as it shall be.
async fn until_alarms(fm: &FmClient, wanted: impl Fn(&[Alarm]) -> bool) -> Vec<Alarm> {
    // A VNFM that starts just now is waited for too.
    let listed = async || fm.alarms("").await.map(|reply| reply.body);
    patience::until(listed, |found| found.as_ref().is_ok_and(|found| wanted(found))).await.unwrap()
}

async fn subscribed(fm: &FmClient, filter: Value) -> Subscriber {
    let subscriber = Subscriber::listen().await;
    let request: FmSubscriptionRequest = read(json!({ "callbackUri": subscriber.url, "filter": filter }));
    fm.subscribe(&request).await.unwrap().expect("a new one");
    subscriber
}

fn kind(told: &Value, name: &str) -> bool {
    told["notificationType"] == name
}

#[tokio::test(flavor = "multi_thread")]
async fn alarms_come_with_faults_are_told_acknowledged_and_go_with_them() {
    let fault = SimFault {
        resource: "compute".into(),
        on: "run".into(),
        name_contains: Some("web".into()),
        times: Some(1),
        effect: "error".into(),
        message: "qemu unexpectedly closed the monitor".into(),
    };
    let sim = SimSpec { faults: vec![fault], run_ms: 4000, ..SimSpec::default() };
    let mut lab = Lab::simulated(sim).await;
    let fm = FmClient::new(&lab.services["vnfm"].url);
    let all = subscribed(&fm, json!({})).await;
    let network = subscribed(&fm, json!({ "faultyResourceTypes": ["NETWORK"] })).await;
    let ns = lab.demo(&samples::pretended_image(lab.path())).await;
    lab.completed(lab.instantiate(ns).await).await;

    // The compute fails while it runs.
    let told: AlarmNotification = read(all.until(0, |told| kind(told, "AlarmNotification")).await);
    let (web, vim, compute) = lab.only_compute("demo-web");
    let alarm = &told.alarm;
    assert_eq!((alarm.managed_object_id, alarm.perceived_severity), (web, PerceivedSeverity::Critical));
    assert_eq!(alarm.vnfc_instance_ids, ["demo-web-web-1"]);
    let faulty = alarm.root_cause_faulty_resource.as_ref().unwrap();
    assert_eq!(faulty.faulty_resource.resource_id, compute.to_string());
    assert!(alarm.is_root_cause && alarm.fault_details.iter().any(|d| d.contains("qemu unexpectedly")), "{alarm:#?}");
    let listed = lab.mano(&["alarm", "list", "--vnf", "demo-web"]);
    assert!(listed.contains("COMPUTE_FAILED") && listed.contains("demo-web-web-1"), "{listed}");
    assert!(!lab.mano(&["alarm", "list", "--vnf", "demo-edge"]).contains("COMPUTE_FAILED"));

    // Acknowledged, taken back, acknowledged again; what is critical cannot be escalated.
    let id = alarm.id.to_string();
    lab.mano(&["alarm", "ack", &id]);
    let again = lab.cli(&["alarm", "ack", &id]);
    assert!(again.code == Some(1) && again.err.contains("ACKNOWLEDGED already"), "{again:#?}");
    lab.mano(&["alarm", "unack", &id]);
    lab.mano(&["alarm", "ack", &id]);
    assert_eq!(lab.mano_json(&["alarm", "show", &id])["ackState"], "ACKNOWLEDGED");
    let refused = fm.escalate(alarm.id, PerceivedSeverity::Major).await.unwrap_err().to_problem();
    assert_eq!((refused.status, refused.faults[0].location.as_str()), (422, "/proposedPerceivedSeverity"));

    // Healed, it is over, and leaves the list, since somebody has seen it.
    lab.mano(&["vnf", "heal", "demo-web"]);
    let cleared: AlarmClearedNotification = read(all.until(0, |told| kind(told, "AlarmClearedNotification")).await);
    assert_eq!(cleared.alarm_id, alarm.id);
    until_alarms(&fm, |all| all.is_empty()).await;

    // Somebody stops it behind the VNFM's back, while the VNFM is away too.
    let power = |action| PowerRequest { action, grace_seconds: None };
    lab.mano.power(vim, compute, &power(PowerAction::Stop)).await.unwrap();
    let stopped = until_alarms(&fm, |all| all.iter().any(|a| a.fault_type.as_deref() == Some("COMPUTE_STOPPED"))).await;
    let stopped = stopped.iter().find(|a| a.fault_type.as_deref() == Some("COMPUTE_STOPPED")).unwrap().id;
    // Its ports are down because of it.
    let follows = |a: &Alarm| a.fault_type.as_deref() == Some("PORT_DOWN") && a.correlated_alarm_ids == [stopped];
    let all_of_it = until_alarms(&fm, |all| all.iter().any(follows)).await;
    assert!(all_of_it.iter().filter(|a| follows(a)).all(|a| !a.is_root_cause), "{all_of_it:#?}");
    fm.escalate(stopped, PerceivedSeverity::Critical).await.unwrap();
    assert_eq!(fm.alarm(stopped).await.unwrap().unwrap().perceived_severity, PerceivedSeverity::Critical);
    lab.services.get_mut("vnfm").unwrap().kill();
    lab.mano.power(vim, compute, &power(PowerAction::Start)).await.unwrap();
    lab.services.get_mut("vnfm").unwrap().start().await;
    let is_over = |a: &Alarm| a.id == stopped && a.perceived_severity == PerceivedSeverity::Cleared;
    until_alarms(&fm, |all| all.iter().any(is_over)).await;
    let cleared = |told: &Value| kind(told, "AlarmClearedNotification") && told["alarmId"] == json!(stopped);
    all.until(0, cleared).await;

    // Who asked for other alarms was told of none, and a VNF that is gone leaves none.
    let raised = |told: &&Value| kind(told, "AlarmNotification");
    let kinds = network.told().iter().filter(raised).map(|t| t["alarm"]["faultType"].clone()).collect::<Vec<_>>();
    assert!(kinds.iter().all(|kind| kind == "PORT_DOWN"), "{kinds:?}");
    lab.completed(lab.terminate(ns).await).await;
    assert!(alarms(&fm).await.is_empty());
    lab.nothing_leaks().await;
    conformance::check(&lab);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_operation_is_an_alarm_until_somebody_decides() {
    let fault = SimFault {
        resource: "compute".into(),
        on: "boot".into(),
        name_contains: Some("web".into()),
        times: Some(1),
        effect: "error".into(),
        message: "the host ran out of memory".into(),
    };
    let lab = Lab::simulated(SimSpec { faults: vec![fault], ..SimSpec::default() }).await;
    let fm = FmClient::new(&lab.services["vnfm"].url);
    let all = subscribed(&fm, json!({ "eventTypes": ["PROCESSING_ERROR_ALARM"] })).await;
    let ns = lab.demo(&samples::pretended_image(lab.path())).await;
    let op = lab.instantiate(ns).await;
    assert_eq!(lab.rest(op).await.state, "FAILED_TEMP");
    let told: AlarmNotification = read(all.until(0, |told| kind(told, "AlarmNotification")).await);
    assert_eq!(told.alarm.fault_type.as_deref(), Some("LCM_OPERATION_FAILED"));
    assert!(told.alarm.fault_details.iter().any(|d| d.contains("retry, rollback or fail")), "{told:#?}");
    lab.ns.retry(op).await.unwrap();
    lab.completed(op).await;
    all.until(0, |t| kind(t, "AlarmClearedNotification") && t["alarmId"] == json!(told.alarm.id)).await;
    lab.completed(lab.terminate(ns).await).await;
    assert!(alarms(&fm).await.is_empty());
    conformance::check(&lab);
}

fn job(vnf: Uuid, object: &str, criteria: Value, callback: &str) -> CreatePmJobRequest {
    read(json!({ "objectType": object, "objectInstanceIds": [vnf], "criteria": criteria, "callbackUri": callback }))
}

/// Values of a metric in a report.
fn values(report: &PerformanceReport, metric: &str) -> Vec<f64> {
    let of = report.entries.iter().filter(|entry| entry.performance_metric == metric);
    of.flat_map(|entry| &entry.performance_values).filter_map(|v| v.value.as_f64()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_report_what_vnfs_use_and_thresholds_tell_when_it_is_too_much() {
    let sim = SimSpec { cpu_percent: vec![10, 90], load_step_ms: 6000, bytes_per_second: 10_000, ..SimSpec::default() };
    let wishes = Wishes { vnfm: "threshold_period_seconds: 1\n".into(), ..Wishes::default() };
    let mut lab = Lab::simulated_with(sim, &wishes).await;
    let (url, subscriber) = (lab.services["vnfm"].url.clone(), Subscriber::listen().await);
    let (pm, fm) = (PmClient::new(&url), FmClient::new(&url));
    let ns = lab.demo(&samples::pretended_image(lab.path())).await;
    lab.completed(lab.instantiate(ns).await).await;
    let (web, ..) = lab.only_compute("demo-web");

    // What cannot be measured is refused, all of it at once, with what can be.
    let wrong = json!({ "performanceMetric": ["Temperature"], "collectionPeriod": 2, "reportingPeriod": 3 });
    let refused = pm.create_job(&job(web, "Host", wrong.clone(), &subscriber.url)).await.unwrap_err().to_problem();
    let places: Vec<&str> = refused.faults.iter().map(|f| f.location.as_str()).collect();
    assert_eq!((refused.status, places), (422, vec!["/objectType", "/criteria/reportingPeriod"]));
    let refused = pm.create_job(&job(web, "Vnf", wrong, &subscriber.url)).await.unwrap_err().to_problem();
    assert!(refused.faults[0].mend.as_ref().unwrap().contains("VcpuUsageMeanVnf"), "{refused:#?}");
    let deaf = json!({ "performanceMetric": ["VcpuUsageMeanVnf"], "collectionPeriod": 1, "reportingPeriod": 1 });
    let refused = pm.create_job(&job(web, "Vnf", deaf, "http://127.0.0.1:9/")).await.unwrap_err().to_problem();
    assert_eq!((refused.status, refused.faults[0].location.as_str()), (422, "/callbackUri"));

    let criteria = json!({ "performanceMetric": ["ByteIncomingVnfExtCp"],
        "performanceMetricGroup": ["VirtualisedComputeResource"], "collectionPeriod": 1, "reportingPeriod": 3 });
    let made = pm.create_job(&job(web, "Vnf", criteria, &subscriber.url)).await.unwrap();
    let told = subscriber.until(0, |t| kind(t, "PerformanceInformationAvailableNotification")).await;
    let told: PerformanceInformationAvailableNotification = read(told);
    assert_eq!((told.pm_job_id, told.object_instance_id.as_str()), (made.id, web.to_string().as_str()));
    let report = pm.report(&told.links.performance_report.href).await.unwrap();
    let cpu = values(&report, "VcpuUsageMeanVnf");
    assert!((1..=4).contains(&cpu.len()) && cpu.iter().all(|v| (5.0..=95.0).contains(v)), "{report:#?}");
    assert!(values(&report, "VmemoryUsageMeanVnf").iter().all(|v| *v == 25.0), "{report:#?}");
    let bytes = values(&report, "ByteIncomingVnfExtCp");
    assert!(!bytes.is_empty() && bytes.iter().all(|v| *v > 1_000.0), "{report:#?}");

    // Another address, and the job goes on over the VNFM's death.
    let other = Subscriber::listen().await;
    let changes = PmCallbackModifications { callback_uri: Some(other.url.clone()), authentication: None };
    assert_eq!(pm.modify_job(made.id, &changes).await.unwrap(), changes);
    lab.kill_and_restart("vnfm").await;
    other.until(0, |t| kind(t, "PerformanceInformationAvailableNotification")).await;
    let shown = pm.job(made.id).await.unwrap().unwrap();
    assert!(shown.reports.len() >= 2 && shown.callback_uri == other.url, "{shown:#?}");
    let table = lab.mano(&["pm", "report", &made.id.to_string()]);
    assert!(table.contains("VcpuUsagePeakVnf"), "{table}");

    // Busy for six seconds, then idle for six: crossed upwards, and back.
    let watcher = Subscriber::listen().await;
    let threshold = lab.mano_json(&[
        "pm",
        "threshold",
        "create",
        "demo-web",
        "--object",
        "Vnfc",
        "--metric",
        "VcpuUsageMeanVnfc",
        "--value",
        "50",
        "--hysteresis",
        "10",
        "--callback",
        &watcher.url,
    ]);
    let crossed = async |behind: usize, way: &str| -> ThresholdCrossedNotification {
        read(watcher.until(behind, |t| t["crossingDirection"] == way).await)
    };
    let up = crossed(0, "UP").await;
    assert_eq!(up.crossing_direction, CrossingDirectionType::Up);
    assert_eq!(up.sub_object_instance_id.as_deref(), Some("demo-web-web-1"));
    assert!(up.performance_value.as_f64().unwrap() >= 60.0, "{up:#?}");
    let warned =
        until_alarms(&fm, |all| all.iter().any(|a| a.fault_type.as_deref() == Some("THRESHOLD_CROSSED"))).await;
    assert_eq!(warned[0].vnfc_instance_ids, ["demo-web-web-1"]);
    let down = crossed(1, "DOWN").await;
    assert!(down.performance_value.as_f64().unwrap() <= 40.0, "{down:#?}");
    until_alarms(&fm, |all| all.iter().any(|a| a.perceived_severity == PerceivedSeverity::Cleared)).await;
    lab.mano(&["pm", "threshold", "delete", threshold["id"].as_str().unwrap()]);
    assert!(pm.thresholds("").await.unwrap().body.is_empty());

    // A job outlives what it measures.
    lab.completed(lab.terminate(ns).await).await;
    assert!(alarms(&fm).await.is_empty());
    assert_eq!(pm.jobs("").await.unwrap().body.len(), 1);
    lab.mano(&["pm", "job", "delete", &made.id.to_string()]);
    assert!(pm.job(made.id).await.unwrap().is_none());
    lab.nothing_leaks().await;
    conformance::check(&lab);
}

#[tokio::test(flavor = "multi_thread")]
async fn older_clients_measure_through_version_1_with_subscriptions() {
    let lab = Lab::simulated(SimSpec::default()).await;
    let (url, subscriber) = (lab.services["vnfm"].url.clone(), Subscriber::listen().await);
    let ns = lab.demo(&samples::pretended_image(lab.path())).await;
    lab.completed(lab.instantiate(ns).await).await;
    let (web, ..) = lab.only_compute("demo-web");
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let post = async |path: &str, body: Value| -> Value {
        let answer = client.post(format!("{url}/vnfpm/v1/{path}")).json(&body).send().await.unwrap();
        assert_eq!(answer.status(), 201, "{path}");
        answer.json().await.unwrap()
    };
    let filter = json!({ "notificationTypes": ["PerformanceInformationAvailableNotification"] });
    let subscription = post("subscriptions", json!({ "callbackUri": subscriber.url, "filter": filter })).await;
    let metrics = json!(["VcpuUsageMeanVnf", "VcpuUsageMeanVnfc"]);
    let criteria = json!({ "performanceMetric": metrics, "collectionPeriod": 1, "reportingPeriod": 2 });
    let job = post("pm_jobs", json!({ "objectInstanceIds": [web], "criteria": criteria })).await;
    assert!(job.get("callbackUri").is_none() && job.get("objectType").is_none(), "{job:#}");
    let told = subscriber.until(0, |t| kind(t, "PerformanceInformationAvailableNotification")).await;
    assert_eq!((&told["subscriptionId"], &told["objectInstanceId"]), (&subscription["id"], &json!(web)));
    let href = told["_links"]["performanceReport"]["href"].as_str().unwrap();
    let report: PerformanceReport = client.get(href).send().await.unwrap().json().await.unwrap();
    assert!(values(&report, "VcpuUsageMeanVnf").iter().all(|v| (45.0..=55.0).contains(v)), "{report:#?}");
    let of_vnfc = report.entries.iter().find(|e| e.performance_metric == "VcpuUsageMeanVnfc").unwrap();
    assert_eq!(of_vnfc.sub_object_instance_id.as_deref(), Some("demo-web-web-1"));
    // Each version shows its own.
    assert!(PmClient::new(&url).jobs("").await.unwrap().body.is_empty());
    lab.completed(lab.terminate(ns).await).await;
    conformance::check(&lab);
}

#[tokio::test(flavor = "multi_thread")]
async fn real_a_killed_machine_is_an_alarm_that_healing_clears_and_its_use_is_measured() {
    let Some(image) = samples::guest_image() else { return };
    let Some(lab) = Lab::real("mano-t-watch", &Wishes::default()).await else { return };
    let (url, subscriber) = (lab.services["vnfm"].url.clone(), Subscriber::listen().await);
    let (pm, fm) = (PmClient::new(&url), FmClient::new(&url));
    let told = subscribed(&fm, json!({})).await;
    let ns = lab.demo(&image).await;
    lab.completed(lab.instantiate(ns).await).await;
    let (web, _, compute) = lab.only_compute("demo-web");
    let page = traffic::url(&lab.mano.topology(ns).await.unwrap());
    assert!(traffic::answer(&lab, &page).await.contains("hello from demo-web"));

    // What it uses, while it serves pages.
    let metrics = [
        "VcpuUsageMeanVnf",
        "VmemoryUsageMeanVnf",
        "VdiskUsageMeanVnf",
        "ByteIncomingVnfExtCp",
        "ByteOutgoingVnfExtCp",
        "PacketIncomingVnfExtCp",
    ];
    let criteria = json!({ "performanceMetric": metrics, "collectionPeriod": 8, "reportingPeriod": 16 });
    let made = pm.create_job(&job(web, "Vnf", criteria, &subscriber.url)).await.unwrap();
    let report = async {
        let told = subscriber.until(0, |t| kind(t, "PerformanceInformationAvailableNotification")).await;
        let told: PerformanceInformationAvailableNotification = read(told);
        pm.report(&told.links.performance_report.href).await.unwrap()
    };
    let requests = async {
        loop {
            assert!(traffic::answer(&lab, &page).await.contains("hello from demo-web"));
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    let report = tokio::select! { report = report => report, () = requests => unreachable!() };
    println!("{}", serde_json::to_string_pretty(&report).unwrap());
    let most = |metric: &str| values(&report, metric).into_iter().fold(0.0, f64::max);
    assert!(most("VcpuUsageMeanVnf") > 0.0 && most("VcpuUsageMeanVnf") <= 100.0, "{report:#?}");
    assert!(most("VmemoryUsageMeanVnf") > 5.0 && most("VmemoryUsageMeanVnf") <= 100.0, "{report:#?}");
    assert!(most("VdiskUsageMeanVnf") > 0.0, "{report:#?}");
    // Each page is a request and an answer of a hundred bytes and more, both ways.
    assert!(most("ByteIncomingVnfExtCp") > 500.0 && most("ByteOutgoingVnfExtCp") > 500.0, "{report:#?}");
    assert!(most("PacketIncomingVnfExtCp") >= 5.0, "{report:#?}");
    pm.delete_job(made.id).await.unwrap();

    // Killed once, it is started again by its host, which is told all the same.
    let machine = machine(compute);
    lab.nfvi().virsh(&["destroy", &machine]);
    let restarted = told.until(0, |t| t["alarm"]["faultType"] == "COMPUTE_RESTARTED").await;
    let restarted: AlarmNotification = read(restarted);
    told.until(0, |t| kind(t, "AlarmClearedNotification") && t["alarmId"] == json!(restarted.alarm.id)).await;

    // Killed whenever it comes back, it is given up.
    let begun = Instant::now();
    let failed = loop {
        let found = alarms(&fm).await;
        if let Some(failed) = found.iter().find(|a| a.fault_type.as_deref() == Some("COMPUTE_FAILED")) {
            break failed.clone();
        }
        assert!(begun.elapsed() < Duration::from_secs(120), "{found:#?}");
        if lab.nfvi().machines().contains(&machine) {
            lab.nfvi().virsh(&["destroy", &machine]);
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    };
    assert_eq!((failed.managed_object_id, failed.perceived_severity), (web, PerceivedSeverity::Critical));
    lab.mano(&["vnf", "heal", "demo-web", "--cause", "killed"]);
    told.until(0, |t| kind(t, "AlarmClearedNotification") && t["alarmId"] == json!(failed.id)).await;
    assert!(traffic::answer(&lab, &page).await.contains("hello from demo-web"));
    until_alarms(&fm, |all| all.iter().all(|a| a.perceived_severity == PerceivedSeverity::Cleared)).await;

    lab.completed(lab.terminate(ns).await).await;
    assert!(alarms(&fm).await.is_empty());
    lab.nothing_leaks().await;
    conformance::check(&lab);
}
