//! Every state of an operation, and what each task does in it (SOL003 clause 5.6.2, tables of the task resources in clauses
//! 5.4.14 to 5.4.17): performed where the standard lets it, else refused with 409 and what would help.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::time::Duration;

use mano_tests::lab::Lab;
use mano_tests::{conformance, samples};
use reference_points::common::CallError;
use reference_points::or_vi::{NetworkSpec, SimFault, SimSpec, SubnetSpec, ViClient};
use reference_points::or_vnfm::{CancelMode, CancelModeType, LcmOperationStateType};
use serde_json::{Value, json};
use uuid::Uuid;

use LcmOperationStateType::{Completed, Failed, FailedTemp, Processing, RolledBack, RollingBack, Starting};

const WEB: &str = "6f1a9a3e-52d5-4d0b-9c2e-0d1f6b8a1001";
const TASKS: [&str; 4] = ["retry", "rollback", "fail", "cancel"];

fn fault(on: &str, name: &str, effect: &str) -> SimFault {
    SimFault {
        resource: "compute".into(),
        on: on.into(),
        name_contains: Some(name.into()),
        times: None,
        effect: effect.into(),
        message: "as the test wants it".into(),
    }
}

/// A lab with `web` onboarded and two networks for it.
struct States {
    lab: Lab,
    request: Value,
}

impl States {
    async fn new(sim: SimSpec) -> Self {
        let lab = Lab::simulated(sim).await;
        lab.onboard_package(&samples::pack("web", Some(&samples::pretended_image(lab.path())), lab.path())).await;
        let vi = ViClient::new(&lab.services["vim-adapter"].url);
        let mut links = Vec::new();
        for (n, cpd) in ["data", "management"].into_iter().enumerate() {
            let owner = json!({ "kind": "vnf_package", "id": Uuid::nil() });
            let network = Uuid::new_v4();
            let spec: NetworkSpec = serde_json::from_value(json!({ "name": cpd, "owner": owner })).unwrap();
            vi.put_network(lab.vim, network, &spec).await.unwrap();
            let subnet: SubnetSpec = serde_json::from_value(
                json!({ "name": cpd, "owner": owner, "networkId": network, "cidr": format!("10.{n}.0.0/16") }),
            )
            .unwrap();
            vi.put_subnet(lab.vim, Uuid::new_v4(), &subnet).await.unwrap();
            let protocol = json!({ "layerProtocol": "IP_OVER_ETHERNET", "ipOverEthernet": {
                "ipAddresses": [{ "type": "IPV4", "numDynamicAddresses": 1 }] } });
            let cp = json!({ "cpdId": cpd, "cpConfig": { "a": { "cpProtocolData": [protocol] } } });
            links.push(json!({ "id": cpd, "vimConnectionId": lab.vim, "resourceId": network, "extCps": [cp] }));
        }
        Self { lab, request: json!({ "flavourId": "simple", "extVirtualLinks": links }) }
    }

    /// A new instantiation.
    async fn begun(&self, name: &str) -> Uuid {
        let create = serde_json::from_value(json!({ "vnfdId": WEB, "vnfInstanceName": name })).unwrap();
        let vnf = self.lab.vnfs.create(&create).await.unwrap().id;
        self.lab.vnfs.instantiate(vnf, &serde_json::from_value(self.request.clone()).unwrap()).await.unwrap()
    }

    async fn state(&self, op: Uuid) -> LcmOperationStateType {
        self.lab.vnfs.op_occ(op).await.unwrap().expect("the occurrence").operation_state
    }

    async fn reached(&self, op: Uuid, wanted: LcmOperationStateType) {
        for _ in 0..600 {
            if self.state(op).await == wanted {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{op} is {:?}, not {wanted:?}", self.state(op).await);
    }

    async fn task(&self, op: Uuid, task: &str) -> Result<(), CallError> {
        let vnfs = &self.lab.vnfs;
        match task {
            "retry" => vnfs.retry(op).await,
            "rollback" => vnfs.rollback(op).await,
            "fail" => vnfs.fail(op).await,
            _ => vnfs.cancel(op, &CancelMode { cancel_mode: CancelModeType::Forceful }).await,
        }
    }

    /// What a task that is accepted leads to; 409 for one that is not, after which the operation is where it was.
    async fn cell(&self, op: Uuid, task: &str, from: LcmOperationStateType) -> String {
        match self.task(op, task).await {
            Ok(()) => {
                let rests = self.lab.vnf_rest(op).await;
                format!("{:?}", rests.operation_state)
            }
            Err(error) => {
                let told = error.to_problem();
                assert_eq!(told.status, 409, "{task} in {from:?}: {told:?}");
                assert!(told.detail.contains(&op.to_string()), "{task} in {from:?} says of which operation: {told:?}");
                assert_eq!(self.state(op).await, from, "a refused {task} changes nothing");
                "409".to_owned()
            }
        }
    }
}

/// What the standard says: the state that an accepted task leads to.
fn expected() -> BTreeMap<(&'static str, &'static str), &'static str> {
    let mut table = BTreeMap::new();
    for state in ["Starting", "Processing", "Completed", "FailedTemp", "Failed", "RollingBack", "RolledBack"] {
        table.extend(TASKS.map(|task| ((state, task), "409")));
    }
    // The fault that brought it here is there still: a retry ends where it began.
    table.insert(("FailedTemp", "retry"), "FailedTemp");
    table.insert(("FailedTemp", "rollback"), "RolledBack");
    table.insert(("FailedTemp", "fail"), "Failed");
    table.insert(("Starting", "cancel"), "RolledBack");
    table.insert(("Processing", "cancel"), "FailedTemp");
    table.insert(("RollingBack", "cancel"), "FailedTemp");
    table
}

#[tokio::test]
async fn each_task_in_each_state_of_an_operation_does_what_the_standard_says() {
    let faults = vec![fault("boot", "broken", "error"), fault("delete", "broken-stuck", "unavailable")];
    let quick = States::new(SimSpec { faults, ..SimSpec::default() }).await;
    let slow = States::new(SimSpec { boot_ms: 600_000, ..SimSpec::default() }).await;
    let mut table = BTreeMap::new();

    for task in TASKS {
        let done = quick.begun(&format!("fine-{task}")).await;
        quick.reached(done, Completed).await;
        table.insert(("Completed", task), quick.cell(done, task, Completed).await);

        let failed = quick.begun(&format!("broken-{task}")).await;
        quick.reached(failed, FailedTemp).await;
        table.insert(("FailedTemp", task), quick.cell(failed, task, FailedTemp).await);

        let given_up = quick.begun(&format!("broken-given-up-{task}")).await;
        quick.reached(given_up, FailedTemp).await;
        quick.task(given_up, "fail").await.unwrap();
        table.insert(("Failed", task), quick.cell(given_up, task, Failed).await);

        let undone = quick.begun(&format!("broken-undone-{task}")).await;
        quick.reached(undone, FailedTemp).await;
        quick.task(undone, "rollback").await.unwrap();
        quick.reached(undone, RolledBack).await;
        table.insert(("RolledBack", task), quick.cell(undone, task, RolledBack).await);

        let undoing = quick.begun(&format!("broken-stuck-{task}")).await;
        quick.reached(undoing, FailedTemp).await;
        quick.task(undoing, "rollback").await.unwrap();
        quick.reached(undoing, RollingBack).await;
        table.insert(("RollingBack", task), quick.cell(undoing, task, RollingBack).await);

        let boots = slow.begun(&format!("slow-{task}")).await;
        slow.reached(boots, Processing).await;
        table.insert(("Processing", task), slow.cell(boots, task, Processing).await);
    }
    conformance::check(&quick.lab);
    drop(quick);

    // The NFVO does not answer: the operation waits for its grant.
    let mut waits = slow;
    for task in TASKS {
        waits.lab.services.get_mut("nfvo").expect("the NFVO").kill();
        let granted = waits.begun(&format!("waits-{task}")).await;
        waits.reached(granted, Starting).await;
        table.insert(("Starting", task), waits.cell(granted, task, Starting).await);
    }
    let found: BTreeMap<(&str, &str), &str> = table.iter().map(|(cell, end)| (*cell, end.as_str())).collect();
    for (state, task) in found.keys() {
        println!("{state:12} {task:9} {}", found[&(*state, *task)]);
    }
    assert_eq!(found, expected());
    conformance::check(&waits.lab);
}
