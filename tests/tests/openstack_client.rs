//! The OpenStack client with its NFV plugin, as others have it, drives VNFs of this VNFM through their lives.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use mano_tests::lab::Lab;
use mano_tests::{conformance, samples};
use reference_points::or_vi::{SimFault, SimSpec};
use reference_points::or_vnfm::LcmOperationStateType;
use serde_json::{Value, json};
use uuid::Uuid;

const WEB: &str = "6f1a9a3e-52d5-4d0b-9c2e-0d1f6b8a1001";

/// The client; `None` when it is not installed, which is said.
fn client() -> Option<PathBuf> {
    let path = std::env::var_os("MANO_OPENSTACK").map(PathBuf::from).filter(|p| p.exists());
    if path.is_none() {
        println!("SKIPPED: MANO_OPENSTACK names no client; tests/run installs it");
    }
    path
}

/// The client against one service of a lab.
struct Openstack {
    program: PathBuf,
    endpoint: String,
    home: PathBuf,
}

impl Openstack {
    fn ran(&self, args: &[&str]) -> (bool, String) {
        let out = Command::new(&self.program)
            .args(["--os-auth-type", "none", "--os-endpoint", &self.endpoint, "--os-tacker-api-version", "2"])
            .args(args)
            .env("HOME", &self.home)
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr);
        (out.status.success(), text)
    }

    /// What a command that must succeed says.
    fn does(&self, args: &[&str]) -> String {
        let (done, text) = self.ran(args);
        assert!(done, "openstack {args:?}: {text}");
        text
    }

    fn json(&self, args: &[&str]) -> Value {
        let mut all = args.to_vec();
        all.extend(["-f", "json"]);
        let text = self.does(&all);
        serde_json::from_str(&text).unwrap_or_else(|e| panic!("openstack {args:?}: {e}: {text}"))
    }
}

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

fn written(dir: &Path, name: &str, content: &Value) -> String {
    let path = dir.join(name);
    std::fs::write(&path, content.to_string()).unwrap();
    path.to_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_openstack_client_drives_vnfs_through_their_lives() {
    let Some(program) = client() else { return };
    let fault = SimFault {
        resource: "compute".into(),
        on: "boot".into(),
        name_contains: Some("broken".into()),
        times: None,
        effect: "error".into(),
        message: "the host ran out of memory".into(),
    };
    let lab = Lab::simulated(SimSpec { faults: vec![fault], ..SimSpec::default() }).await;
    let ns = lab.demo(&samples::pretended_image(lab.path())).await;
    lab.completed(lab.instantiate(ns).await).await;
    let file = written(lab.path(), "instantiate.json", &lab.web_beside(ns).await);
    let openstack = Openstack { program, endpoint: lab.services["vnfm"].url.clone(), home: lab.path().to_owned() };

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
    openstack.does(&["vnflcm", "terminate", "--termination-type", "FORCEFUL", id]);
    completed(&lab, vnf).await;
    openstack.does(&["vnflcm", "delete", id]);

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
