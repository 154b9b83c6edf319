//! A VNF and its snapshots: what was changed since comes back, everything else stays; over real libvirt, and over a simulated
//! VIM that fails on demand.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};

use mano_tests::lab::{Lab, Wishes};
use mano_tests::{conformance, samples, traffic};
use reference_points::or_vi::{SimFault, SimSpec};
use reference_points::or_vnfm::{
    CreateVnfSnapshotInfoRequest, CreateVnfSnapshotRequest, LcmOperationStateType, RevertToVnfSnapshotRequest,
    VnfSnapshotInfoModificationRequest,
};
use serde_json::{Value, json};
use uuid::Uuid;

/// The sample `web` with a note on its disk.
fn web_with_a_note(lab: &Lab, image: &Path) -> PathBuf {
    let sources = samples::sources("web", &lab.path().join("noted"));
    samples::note(&sources);
    samples::pack_sources(&sources, Some(image), &lab.path().join("noted.csar"))
}

/// The resources of a VNF as recorded: identifiers, handles, addresses.
fn resources(lab: &Lab, vnf: &str) -> Value {
    lab.mano_json(&["vnf", "show", vnf])["instantiatedVnfInfo"].clone()
}

/// The id that `mano vnf snapshot create` prints before anything else.
fn taken(printed: &str) -> String {
    printed.lines().next().expect("a line").trim().to_owned()
}

#[tokio::test]
async fn real_a_vnf_returns_to_a_snapshot_with_what_was_on_its_disk() {
    let Some(image) = samples::guest_image() else { return };
    let Some(lab) = Lab::real("mano-t-snap", &Wishes::default()).await else { return };
    let ns = lab.demo_with(&web_with_a_note(&lab, &image), &image).await;
    lab.completed(lab.instantiate(ns).await).await;
    let url = traffic::url(&lab.mano.topology(ns).await.unwrap());
    let note = format!("{url}cgi-bin/note");
    assert!(traffic::answer(&lab, &url).await.contains("hello from demo-web"));
    assert_eq!(traffic::answer(&lab, &format!("{note}?before")).await.trim(), "before");
    let (before, machines) = (resources(&lab, "demo-web"), lab.nfvi().qemu_pids());

    let snapshot = taken(&lab.mano(&["vnf", "snapshot", "create", "demo-web", "--data", "why=upgrade"]));
    assert_eq!(lab.nfvi().qemu_pids(), machines, "the machines run on");
    assert_eq!(resources(&lab, "demo-web"), before);
    let shown = lab.mano_json(&["vnf", "snapshot", "show", &snapshot]);
    let captured = &shown["vnfSnapshot"]["vnfcSnapshots"][0];
    assert_eq!(captured["vnfcInstanceId"], "demo-web-web-1", "{shown:#}");
    assert_eq!(captured["userDefinedData"]["consistency"], "quiesced", "the guest has an agent: {shown:#}");
    assert_eq!(shown["vnfSnapshot"]["userDefinedData"]["why"], "upgrade");
    assert!(lab.mano(&["vnf", "snapshot", "list"]).contains(&snapshot));
    lab.nothing_leaks().await;

    assert_eq!(traffic::answer(&lab, &format!("{note}?after")).await.trim(), "after");
    lab.mano(&["vnf", "snapshot", "revert", "demo-web", &snapshot]);
    assert_eq!(traffic::answer(&lab, &note).await.trim(), "before", "what was on the disk came back");
    assert!(traffic::answer(&lab, &url).await.contains("hello from demo-web"));
    assert_eq!(resources(&lab, "demo-web"), before, "the same machine at the same addresses");
    lab.nothing_leaks().await;

    // A machine that rests is captured too, and returns without being started.
    lab.mano(&["vnf", "stop", "demo-web"]);
    let resting = taken(&lab.mano(&["vnf", "snapshot", "create", "demo-web", "--vnfc", "demo-web-web-1"]));
    let shown = lab.mano_json(&["vnf", "snapshot", "show", &resting]);
    assert_eq!(shown["vnfSnapshot"]["vnfcSnapshots"][0]["userDefinedData"]["consistency"], "stopped", "{shown:#}");
    lab.mano(&["vnf", "snapshot", "revert", "demo-web", &resting]);
    assert_eq!(lab.nfvi().machines().len(), 1, "it rests on");
    lab.mano(&["vnf", "start", "demo-web"]);
    assert_eq!(traffic::answer(&lab, &note).await.trim(), "before");

    lab.mano(&["vnf", "snapshot", "delete", &resting]);
    lab.completed(lab.terminate(ns).await).await;
    lab.nothing_leaks().await;
    assert_eq!(lab.mano_json(&["vnf", "snapshot", "show", &snapshot])["id"], snapshot.as_str(), "it outlives the VNF");
    lab.mano(&["vnf", "snapshot", "delete", &snapshot]);
    lab.nothing_leaks().await;
    let left = std::fs::read_dir(lab.path().join("nfvi-agent/snapshots")).unwrap().count();
    assert_eq!((left, lab.nfvi().virsh(&["list", "--all", "--name"]).trim()), (0, ""));
    conformance::check(&lab);
}

#[tokio::test]
async fn a_snapshot_that_fails_leaves_nothing_and_one_in_use_cannot_be_deleted() {
    let fault = |resource: &str, on: &str| SimFault {
        resource: resource.into(),
        on: on.into(),
        name_contains: Some("web".into()),
        times: Some(1),
        effect: "error".into(),
        message: "no space left on device".into(),
    };
    let faults = vec![fault("snapshot", "create"), fault("compute", "revert")];
    let lab = Lab::simulated(SimSpec { faults, ..SimSpec::default() }).await;
    let ns = lab.demo(&samples::pretended_image(lab.path())).await;
    lab.completed(lab.instantiate(ns).await).await;
    let vnf: Uuid = lab.mano_json(&["vnf", "show", "demo-web"])["id"].as_str().unwrap().parse().unwrap();
    let info = lab.vnfs.create_snapshot_info(&CreateVnfSnapshotInfoRequest::default()).await.unwrap().id;
    let take = CreateVnfSnapshotRequest { vnf_snapshot_info_id: info, ..CreateVnfSnapshotRequest::default() };
    let back = RevertToVnfSnapshotRequest { vnf_snapshot_info_id: info, ..RevertToVnfSnapshotRequest::default() };
    let none = lab.vnfs.revert_to_snapshot(vnf, &back).await.unwrap_err();
    assert_eq!(none.status(), Some(409), "it has no content: {none}");

    let state = lab.vnfs.snapshot_state(info).await.unwrap_err();
    assert_eq!(state.status(), Some(409), "nor a state: {state}");
    let nothing = VnfSnapshotInfoModificationRequest::default();
    assert_eq!(lab.vnfs.modify_snapshot(info, &nothing, None).await.unwrap(), json!({}));
    let package = VnfSnapshotInfoModificationRequest { vnf_snapshot_pkg_id: Some("x".into()), ..nothing.clone() };
    let refused = lab.vnfs.modify_snapshot(info, &package, None).await.unwrap_err().to_problem();
    assert_eq!((refused.status, refused.faults[0].location.as_str()), (422, "/vnfSnapshotPkgId"), "{refused:?}");
    let import = CreateVnfSnapshotInfoRequest { vnf_snapshot_pkg_id: Some("x".into()), vnf_snapshot: Some(json!({})) };
    let refused = lab.vnfs.create_snapshot_info(&import).await.unwrap_err().to_problem();
    assert_eq!((refused.status, refused.faults.len()), (422, 2), "{refused:?}");

    let op = lab.vnfs.create_snapshot(vnf, &take).await.unwrap();
    let failed = lab.vnf_rest(op).await;
    let told = serde_json::to_string(&failed).unwrap();
    assert!(told.contains("FAILED_TEMP") && told.contains("no space left on device"), "{failed:#?}");
    assert_eq!(failed.vnf_snapshot_info_id, Some(info));
    let used = lab.vnfs.delete_snapshot(info).await.unwrap_err().to_problem();
    assert!(used.status == 409 && used.detail.contains(&op.to_string()), "{used:?}");
    lab.vnfs.rollback(op).await.unwrap();
    assert_eq!(lab.vnf_rest(op).await.operation_state, LcmOperationStateType::RolledBack);
    assert!(lab.vnfs.snapshot(info).await.unwrap().unwrap().vnf_snapshot.is_none());
    lab.nothing_leaks().await;

    let op = lab.vnfs.create_snapshot(vnf, &take).await.unwrap();
    assert_eq!(lab.vnf_rest(op).await.operation_state, LcmOperationStateType::Completed);
    let again = lab.vnfs.create_snapshot(vnf, &take).await.unwrap_err();
    assert_eq!(again.status(), Some(409), "it has content: {again}");
    assert_eq!(lab.vnfs.snapshot_state(info).await.unwrap(), None, "no state that only the VNF knows is stored");
    let fixed = lab.vnfs.modify_snapshot(info, &nothing, None).await.unwrap_err();
    assert_eq!(fixed.status(), Some(409), "what was captured stays: {fixed}");
    lab.nothing_leaks().await;

    let op = lab.vnfs.revert_to_snapshot(vnf, &back).await.unwrap();
    let failed = lab.vnf_rest(op).await;
    assert_eq!(failed.operation_state, LcmOperationStateType::FailedTemp, "{failed:#?}");
    lab.vnfs.retry(op).await.unwrap();
    let done = lab.vnf_rest(op).await;
    assert_eq!(done.operation_state, LcmOperationStateType::Completed, "{done:#?}");
    assert!(done.links.unwrap().vnf_snapshot.unwrap().href.ends_with(&info.to_string()));

    let edge: Uuid = lab.mano_json(&["vnf", "show", "demo-edge"])["id"].as_str().unwrap().parse().unwrap();
    let other = lab.vnfs.revert_to_snapshot(edge, &back).await.unwrap_err().to_problem();
    assert!(other.status == 422 && other.faults[0].location == "/vnfSnapshotInfoId", "{other:?}");
    lab.mano(&["vnf", "scale", "demo-web", "--out", "servers"]);
    let more = lab.cli(&["vnf", "snapshot", "revert", "demo-web", &info.to_string()]);
    assert!(more.code == Some(1) && more.err.contains("demo-web-web-2"), "{more:#?}");
    lab.mano(&["vnf", "snapshot", "revert", "demo-web", &info.to_string(), "--vnfc", "demo-web-web-1"]);

    lab.completed(lab.terminate(ns).await).await;
    lab.nothing_leaks().await;
    lab.vnfs.delete_snapshot(info).await.unwrap();
    assert!(lab.vnfs.snapshot(info).await.unwrap().is_none());
    lab.nothing_leaks().await;
    conformance::check(&lab);
}
