//! The VNF's own part in operations: scripts that do nothing, an element manager that takes its time, a VNF that is
//! configured.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use descriptors::vnfd::{CoordinationAction, Flavour, OperationCoordination, SupportedInterface, Vdu};
use reference_points::common::{CallError, KeyValuePairs};
use reference_points::ve_vnfm::{Coordinated, LcmCoordRequest, VnfConfiguration};
use serde_json::{Value, json};
use uuid::Uuid;
use vnfm::ops::hooks::{self, Hooks, ScriptKind, ScriptParams};
use vnfm::ops::occurrence::SCALE;
use vnfm::ops::ve;
use vnfm::scripts::{Finished, Job, Runner};
use vnfm::steps::{Configuring, Coordinating, Scene, Surroundings, Ve};

/// What the VNF and its element manager are like.
#[derive(Debug, Default)]
pub struct VeWorld(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    /// Coordinations that go on, by location.
    going: BTreeMap<String, LcmCoordRequest>,
    begun: usize,
    /// The VNF's configuration.
    data: serde_json::Map<String, Value>,
    /// That of its VNFCs.
    vnfcs: BTreeMap<String, Value>,
    kept: BTreeMap<(Uuid, String), Value>,
}

impl VeWorld {
    /// What the steps need of it.
    pub fn steps(&self) -> Ve {
        let own = || Arc::new(Self(self.0.clone()));
        Ve { runner: Arc::new(Scripts), around: own(), coordinating: own(), configuring: own() }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap()
    }

    /// After an operation nothing goes on, and the VNF has what it shall have.
    pub fn assert_settled(&self, configured: bool) {
        let inner = self.inner();
        assert!(inner.going.is_empty(), "coordinations go on: {:?}", inner.going);
        assert_eq!(inner.data.get("color"), configured.then(|| json!("red")).as_ref(), "the VNF's configuration");
        let vnfcs = configured.then(|| ("node-1".to_owned(), json!({ "threads": 8 })));
        assert_eq!(inner.vnfcs, vnfcs.into_iter().collect(), "the configuration of its VNFCs");
    }
}

#[async_trait]
impl Coordinating for VeWorld {
    async fn begin(&self, _: &str, request: &LcmCoordRequest) -> Result<Coordinated, CallError> {
        let mut inner = self.inner();
        inner.begun += 1;
        let location = format!("/{}", inner.begun);
        // One that was begun and whose answer was lost is forgotten by those who began it: it ends by itself.
        inner.going.clear();
        inner.going.insert(location.clone(), request.clone());
        Ok(Coordinated::GoesOn { location, delay_seconds: None })
    }

    async fn look(&self, _: &str, location: &str) -> Result<Coordinated, CallError> {
        let mut inner = self.inner();
        let name = inner.going.remove(location).map(|r| r.coordination_action_name).unwrap_or_default();
        let ended = json!({ "id": location, "coordinationResult": "CONTINUE", "coordinationActionName": name });
        Ok(Coordinated::Ended(serde_json::from_value(ended).unwrap()))
    }

    async fn cancel(&self, _: &str, location: &str) -> Result<(), CallError> {
        self.inner().going.remove(location);
        Ok(())
    }
}

#[async_trait]
impl Configuring for VeWorld {
    async fn get(&self, _: &str) -> Result<(VnfConfiguration, Option<String>), CallError> {
        let inner = self.inner();
        let vnfc = |(id, data): (&String, &Value)| json!({ "vnfcInstanceId": id, "vnfcSpecificData": data });
        let data = json!({
            "vnfConfigurationData": { "vnfSpecificData": inner.data },
            "vnfcConfigurationData": inner.vnfcs.iter().map(vnfc).collect::<Vec<_>>(),
        });
        Ok((serde_json::from_value(data).unwrap(), None))
    }

    async fn patch(&self, _: &str, patch: &Value, _: Option<&str>) -> Result<(), CallError> {
        let mut inner = self.inner();
        for (name, value) in patch["vnfConfigurationData"]["vnfSpecificData"].as_object().into_iter().flatten() {
            if value.is_null() {
                inner.data.remove(name);
            } else {
                inner.data.insert(name.clone(), value.clone());
            }
        }
        for entry in patch["vnfcConfigurationData"].as_array().into_iter().flatten() {
            inner.vnfcs.insert(entry["vnfcInstanceId"].as_str().unwrap().into(), entry["vnfcSpecificData"].clone());
        }
        for id in patch["vnfcConfigurationDataDeleteIds"].as_array().into_iter().flatten() {
            inner.vnfcs.remove(id.as_str().unwrap());
        }
        Ok(())
    }
}

/// Scripts that do nothing, and what they are told.
struct Scripts;

#[async_trait]
impl Runner for Scripts {
    async fn run(&self, job: &Job) -> Result<Finished, Box<lcm::Problem>> {
        assert_eq!(job.files.keys().collect::<Vec<_>>(), ["Scripts/flow.sh"]);
        Ok(Finished { exit_status: 0, stdout: format!("{} ran", job.file), stderr: String::new() })
    }

    fn time_limit(&self) -> std::time::Duration {
        std::time::Duration::from_secs(1)
    }
}

#[async_trait]
impl Surroundings for VeWorld {
    async fn instance(&self, _: &lcm::StepCx) -> Result<Scene, lcm::StepError> {
        Ok(Scene { vnfcs: json!([{ "name": "node-1", "vdu": "node" }]), ..Scene::default() })
    }

    async fn files(&self, script: &ScriptParams) -> Result<BTreeMap<String, Vec<u8>>, lcm::StepError> {
        Ok([(script.file.clone(), Vec::new())].into())
    }

    async fn kept(&self, cx: &lcm::StepCx) -> Result<Option<Value>, lcm::StepError> {
        Ok(self.inner().kept.get(&(cx.operation, cx.key.clone())).cloned())
    }

    async fn keep(&self, cx: &lcm::StepCx, value: Value) -> Result<(), lcm::StepError> {
        self.inner().kept.insert((cx.operation, cx.key.clone()), value);
        Ok(())
    }

    fn now(&self) -> i64 {
        0
    }
}

/// Scripts before and after an operation.
pub fn scripts(operation: &str) -> Hooks {
    let script = |when: &str| {
        hooks::script_step(&ScriptParams {
            hook: format!("{operation}_{when}"),
            vnfd_id: String::new(),
            file: "Scripts/flow.sh".into(),
            dependencies: Vec::new(),
            kind: ScriptKind::Bash,
            network: false,
            inputs: serde_json::Map::new(),
            additional_params: serde_json::Map::new(),
        })
    };
    Hooks { before: vec![script("start")], after: vec![script("end")] }
}

/// Everything in which a VNF can take part in its scaling: coordinations, scripts, configuration.
pub fn everything() -> Hooks {
    let action = |name: &str, stage: &str| CoordinationAction {
        action: name.into(),
        stage: Some(stage.into()),
        ..CoordinationAction::default()
    };
    let threads = json!({ "name": "threads", "value_type": "integer", "required": false, "default": 8 });
    let threads = serde_json::from_value(threads).unwrap();
    let flavour = Flavour {
        coordination_actions: vec![action("drain", "start"), action("settle", "end")],
        coordinations: vec![OperationCoordination {
            operation: "scale".into(),
            actions: vec!["drain".into(), "settle".into()],
            ..OperationCoordination::default()
        }],
        supported_interfaces: vec![SupportedInterface {
            interface: "vnf_configuration".into(),
            ..SupportedInterface::default()
        }],
        vdus: vec![Vdu { name: "node".into(), configurable_properties: vec![threads], ..Vdu::default() }],
        ..Flavour::default()
    };
    let mut all = scripts("scale");
    ve::configuration(&mut all, &flavour, SCALE, Some(&json!({ "color": "red" })), Some("http://vnf"));
    ve::coordinations(&mut all, &flavour, SCALE, &KeyValuePairs::new(), &[], (Some("http://em"), "http://vnfm"));
    all
}
