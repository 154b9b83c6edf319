//! A VIM and an NFVO in memory, and the operations of a VNF on them.
#![allow(dead_code)]

use std::collections::BTreeMap;
use std::io::{Cursor, Write};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use db::Db;
use descriptors::archive::{Limits, Package};
use descriptors::vnfd::{Vnfd, read_vnfd};
use lcm::testkit::World;
use lcm::{Engine, NewOperation, OperationView, Registry, StepView};
use reference_points::common::{CallError, ProblemDetails};
use reference_points::nf_vi::PowerRequest;
use reference_points::or_vi::*;
use reference_points::or_vnfm::{Grant, GrantAnswer, GrantRequest, InstantiateVnfRequest};
use serde_json::{Value, json};
use uuid::Uuid;
use vnfm::ops::blueprint::{Blueprint, Owned};
use vnfm::ops::expand::{Given, expand};
use vnfm::ops::grants::{self, Asking};
use vnfm::ops::ids::RandomIds;
use vnfm::ops::occurrence::{INSTANTIATE, TERMINATE};
use vnfm::ops::params::OperationParams;
use vnfm::ops::record::{Facts, Made};
use vnfm::ops::{instantiate, terminate};
use vnfm::steps::{Granting, compute_key, registry, volume_key};
use vnfm::vi::{Kind, Vi, VimRef};

pub const VIM: Uuid = Uuid::from_u128(0x7777);
pub const NETWORK: Uuid = Uuid::from_u128(0x8888);
const IMAGE: Uuid = Uuid::from_u128(0x9999);

/// The descriptor of the tests.
pub fn vnfd() -> Vnfd {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("pair.yaml", zip::write::SimpleFileOptions::default()).unwrap();
    zip.write_all(include_bytes!("vnfd.yaml")).unwrap();
    let bytes = zip.finish().unwrap().into_inner();
    let package = Package::from_bytes(bytes, &Limits::default()).unwrap_or_else(|e| panic!("{e}"));
    read_vnfd(&package).unwrap_or_else(|e| panic!("{e}"))
}

/// A request that connects the VNF.
pub fn request() -> InstantiateVnfRequest {
    serde_json::from_value(json!({
        "flavourId": "simple",
        "extVirtualLinks": [{
            "id": "ext", "vimConnectionId": VIM, "resourceId": NETWORK,
            "extCps": [{ "cpdId": "outside", "cpConfig": { "one": {
                "cpProtocolData": [{ "layerProtocol": "IP_OVER_ETHERNET", "ipOverEthernet": {
                    "ipAddresses": [{ "type": "IPV4", "fixedAddresses": ["203.0.113.9"] }] } }] } } }]
        }]
    }))
    .unwrap()
}

/// The blueprint of that request.
pub fn blueprint(instance: Uuid) -> (Blueprint, Facts) {
    let (vnfd, request) = (vnfd(), request());
    let given = Given {
        vnfd: &vnfd,
        request: &request,
        instance,
        name: "pair",
        properties: &json!({}),
        files: &BTreeMap::new(),
        public_keys: &[],
    };
    expand(&given, &mut RandomIds).unwrap_or_else(|faults| panic!("{faults:#?}"))
}

/// What is in the VIM.
#[derive(Debug, Default)]
pub struct Outside {
    things: Mutex<BTreeMap<(Kind, Uuid), Thing>>,
}

#[derive(Debug, Clone)]
struct Thing {
    spec: Value,
    state: &'static str,
    uses: Vec<Uuid>,
}

impl Outside {
    /// Everything there, ready or not.
    pub fn ids(&self) -> Vec<(Kind, Uuid)> {
        self.things.lock().unwrap().keys().copied().collect()
    }

    /// Whether a thing is ready.
    pub fn is_active(&self, kind: Kind, id: Uuid) -> bool {
        self.things.lock().unwrap().get(&(kind, id)).is_some_and(|t| t.state == "active")
    }

    fn put(&self, kind: Kind, id: Uuid, spec: Value, state: &'static str, uses: Vec<Uuid>) -> Result<Value, CallError> {
        let mut things = self.things.lock().unwrap();
        for used in &uses {
            let there = *used == NETWORK || things.keys().any(|(_, id)| id == used);
            if !there {
                return Err(refused(422, format!("{} {id} needs {used}, which is not there", kind.word())));
            }
        }
        let thing = things.entry((kind, id)).or_insert_with(|| Thing { spec: spec.clone(), state, uses });
        // The owner mark names the operation's step, which is the same in every try.
        assert_eq!(thing.spec, spec, "{} {id} was asked for twice, differently", kind.word());
        Ok(json!({ "id": id, "spec": spec, "state": thing.state, "changedAt": 0 }))
    }

    fn get(&self, kind: Kind, id: Uuid) -> Option<Value> {
        let things = self.things.lock().unwrap();
        things.get(&(kind, id)).map(|t| json!({ "id": id, "spec": t.spec, "state": t.state, "changedAt": 0 }))
    }

    /// Lets one thing that goes on come to its end; the key of its event.
    fn advance(&self) -> Option<String> {
        let mut things = self.things.lock().unwrap();
        let (key, state) = things.iter().find(|(_, t)| t.state != "active").map(|(k, t)| (*k, t.state))?;
        if state == "deleting" {
            things.remove(&key);
        } else if let Some(thing) = things.get_mut(&key) {
            thing.state = "active";
        }
        match key {
            (Kind::Compute, id) => Some(compute_key(id)),
            (Kind::Volume, id) => Some(volume_key(id)),
            (_, id) => Some(format!("other/{id}")),
        }
    }
}

fn refused(status: u16, detail: String) -> CallError {
    let problem = Box::new(ProblemDetails::new(status, "Refused", detail));
    CallError::Refused { peer: "vim".into(), url: "/".into(), problem }
}

fn read<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

#[async_trait]
impl Vi for Outside {
    async fn put_affinity_group(
        &self,
        _: &VimRef,
        id: Uuid,
        spec: &AffinityGroupSpec,
    ) -> Result<AffinityGroup, CallError> {
        self.put(Kind::AffinityGroup, id, json!(spec), "active", vec![])?;
        Ok(AffinityGroup { id, spec: spec.clone(), vim_resource_id: None, members: vec![] })
    }

    async fn put_network(&self, _: &VimRef, id: Uuid, spec: &NetworkSpec) -> Result<Network, CallError> {
        self.put(Kind::Network, id, json!(spec), "active", vec![]).map(read)
    }

    async fn put_subnet(&self, _: &VimRef, id: Uuid, spec: &SubnetSpec) -> Result<Subnet, CallError> {
        self.put(Kind::Subnet, id, json!(spec), "active", vec![spec.network_id]).map(read)
    }

    async fn put_port(&self, _: &VimRef, id: Uuid, spec: &PortSpec) -> Result<Port, CallError> {
        let mut port = self.put(Kind::Port, id, json!(spec), "active", vec![spec.network_id])?;
        port["mac"] = json!("02:00:00:00:00:01");
        port["addresses"] = json!([]);
        port["up"] = json!(false);
        Ok(read(port))
    }

    async fn put_volume(&self, _: &VimRef, id: Uuid, spec: &VolumeSpec) -> Result<Volume, CallError> {
        self.put(Kind::Volume, id, json!(spec), "building", vec![]).map(read)
    }

    async fn put_compute(&self, _: &VimRef, id: Uuid, spec: &ComputeSpec) -> Result<Compute, CallError> {
        let mut uses: Vec<Uuid> =
            spec.ports.iter().chain(&spec.volumes).chain(&spec.affinity_groups).copied().collect();
        if let ComputeRoot::Volume { volume_id } = spec.root {
            uses.push(volume_id);
        }
        self.put(Kind::Compute, id, json!(spec), "building", uses).map(read)
    }

    async fn compute(&self, _: &VimRef, id: Uuid) -> Result<Option<Compute>, CallError> {
        Ok(self.get(Kind::Compute, id).map(read))
    }

    async fn port(&self, _: &VimRef, _: Uuid) -> Result<Option<Port>, CallError> {
        Ok(None)
    }

    async fn power(&self, _: &VimRef, id: Uuid, _: &PowerRequest) -> Result<Compute, CallError> {
        self.get(Kind::Compute, id).map(read).ok_or_else(|| refused(404, format!("compute {id}")))
    }

    async fn delete(&self, _: &VimRef, kind: Kind, id: Uuid) -> Result<(), CallError> {
        let mut things = self.things.lock().unwrap();
        if let Some(user) = things.iter().find(|(_, t)| t.uses.contains(&id)).map(|(k, _)| *k) {
            return Err(refused(409, format!("{} {id} is used by {} {}", kind.word(), user.0.word(), user.1)));
        }
        match kind {
            Kind::Compute => {
                if let Some(thing) = things.get_mut(&(kind, id)) {
                    thing.state = "deleting";
                }
            }
            _ => {
                things.remove(&(kind, id));
            }
        }
        Ok(())
    }

    async fn volume(&self, _: &VimRef, id: Uuid) -> Result<Option<Volume>, CallError> {
        Ok(self.get(Kind::Volume, id).map(read))
    }
}

/// Grants everything to the one VIM.
#[derive(Debug, Default)]
pub struct Nfvo;

/// The grant of a request.
pub fn grant_of(request: &GrantRequest) -> Grant {
    let add: Vec<Value> =
        request.add_resources.iter().map(|r| json!({ "resourceDefinitionId": r.id, "vimConnectionId": VIM })).collect();
    let images: Vec<Value> = vnfd()
        .sw_images()
        .iter()
        .map(|i| json!({ "vnfdSoftwareImageId": i.id, "vimSoftwareImageId": IMAGE }))
        .collect();
    serde_json::from_value(json!({
        "id": Uuid::new_v5(&request.vnf_lcm_op_occ_id, b"grant"),
        "vnfInstanceId": request.vnf_instance_id,
        "vnfLcmOpOccId": request.vnf_lcm_op_occ_id,
        "vimConnectionInfo": { (VIM.to_string()): { "vimType": "MANO.HOSTS.V_1", "interfaceInfo": { "endpoint": "http://vim" } } },
        "addResources": add,
        "vimAssets": { "softwareImages": images },
        "_links": { "self": { "href": "x" }, "vnfLcmOpOcc": { "href": "x" }, "vnfInstance": { "href": "x" } }
    }))
    .unwrap()
}

#[async_trait]
impl Granting for Nfvo {
    async fn request(&self, request: &GrantRequest) -> Result<GrantAnswer, CallError> {
        Ok(GrantAnswer::Granted(Box::new(grant_of(request))))
    }

    async fn get(&self, _: &str) -> Result<Option<Grant>, CallError> {
        Ok(None)
    }
}

/// One operation on a VIM of its own.
pub struct VnfWorld {
    outside: Arc<Outside>,
    operation: NewOperation,
    wanted: Vec<(Kind, Uuid)>,
    before: Vec<(Kind, Uuid)>,
}

impl VnfWorld {
    /// An instantiation.
    pub fn instantiation() -> Self {
        let (op, instance) = (Uuid::new_v4(), Uuid::new_v4());
        let (blueprint, facts) = blueprint(instance);
        let grant = grants::for_instantiation(&asking(op, instance), &blueprint);
        let plan = instantiate::plan(&blueprint, &grant).unwrap();
        let params = OperationParams { request: json!({}), facts: Some(facts), properties: None };
        let operation = new(op, INSTANTIATE, instance, &params, plan);
        Self { outside: Arc::default(), operation, wanted: all_of(&blueprint), before: Vec::new() }
    }

    /// A termination of what an instantiation made.
    pub async fn termination(db: Db) -> Self {
        let made = Self::instantiation();
        let engine = engine(db, &made).await;
        engine.submit(made.operation.clone()).await.unwrap();
        engine.start();
        while engine.get(made.operation.id).await.unwrap().unwrap().state != lcm::OperationState::Completed {
            if !made.nudge(&engine).await {
                tokio::task::yield_now().await;
            }
        }
        let owned = Made::of(&engine.steps(made.operation.id).await.unwrap()).owned();
        engine.shutdown(std::time::Duration::from_secs(5)).await;
        Self::terminating(made.outside, &owned)
    }

    fn terminating(outside: Arc<Outside>, owned: &[Owned]) -> Self {
        let (op, instance) = (Uuid::new_v4(), Uuid::new_v4());
        let grant = grants::for_termination(&asking(op, instance), owned);
        let plan = terminate::plan(owned, &grant, None).unwrap();
        let params = OperationParams { request: json!({}), facts: None, properties: None };
        let operation = new(op, TERMINATE, instance, &params, plan);
        let before = outside.ids();
        Self { outside, operation, wanted: Vec::new(), before }
    }

    pub fn plan(&self) -> &lcm::Plan {
        &self.operation.plan
    }
}

fn asking(op: Uuid, instance: Uuid) -> Asking<'static> {
    Asking {
        op,
        instance,
        vnfd_id: "11111111-1111-4111-8111-111111111111",
        flavour_id: "simple",
        level_id: None,
        base: "http://vnfm",
    }
}

fn new(op: Uuid, kind: &str, instance: Uuid, params: &OperationParams, plan: lcm::Plan) -> NewOperation {
    NewOperation {
        id: op,
        kind: kind.into(),
        subject: instance.to_string(),
        params: json!(params),
        plan,
        traceparent: None,
        automatic: false,
    }
}

fn all_of(blueprint: &Blueprint) -> Vec<(Kind, Uuid)> {
    let mut all: Vec<(Kind, Uuid)> = blueprint.groups.iter().map(|g| (Kind::AffinityGroup, g.id)).collect();
    for link in &blueprint.links {
        all.push((Kind::Network, link.id));
        all.extend(link.subnets.iter().map(|s| (Kind::Subnet, s.id)));
    }
    all.extend(blueprint.volumes.iter().map(|v| (Kind::Volume, v.id)));
    for vnfc in &blueprint.vnfcs {
        all.push((Kind::Compute, vnfc.id));
        all.extend(vnfc.ports.iter().map(|p| (Kind::Port, p.id)));
    }
    all.sort_unstable();
    all
}

async fn engine(db: Db, world: &VnfWorld) -> Engine {
    let config = lcm::EngineConfig::new(Uuid::new_v4().to_string());
    let metrics = prometheus::Registry::new();
    Engine::open(db, world.registry(), Arc::new(lcm::NoObserver), config, Arc::new(db::SystemClock), &metrics)
        .await
        .unwrap()
}

#[async_trait]
impl World for VnfWorld {
    fn registry(&self) -> Registry {
        let vi: Arc<dyn Vi> = self.outside.clone();
        let granting: Arc<dyn Granting> = Arc::new(Nfvo);
        registry(&vi, &granting)
    }

    fn operation(&self) -> NewOperation {
        self.operation.clone()
    }

    async fn nudge(&self, engine: &Engine) -> bool {
        match self.outside.advance() {
            None => false,
            Some(key) => {
                engine.wake(&key).await.unwrap();
                true
            }
        }
    }

    async fn assert_completed(&self, _: &OperationView, _: &[StepView]) {
        assert_eq!(self.outside.ids(), self.wanted, "what is in the VIM after the operation");
        for (kind, id) in &self.wanted {
            assert!(
                self.outside.is_active(*kind, *id),
                "{} {id} is not ready, and the operation is complete",
                kind.word()
            );
        }
    }

    async fn assert_nothing_left(&self, _: &OperationView, _: &[StepView]) {
        let left: Vec<_> = self.outside.ids().into_iter().filter(|thing| !self.before.contains(thing)).collect();
        assert!(left.is_empty(), "left in the VIM: {left:?}");
    }
}
