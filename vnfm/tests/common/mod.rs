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
use reference_points::common::{CallError, Fault, ProblemDetails};
use reference_points::nf_vi::{PowerAction, PowerRequest};
use reference_points::or_vi::*;
use reference_points::or_vnfm::{Grant, GrantAnswer, GrantRequest, InstantiateVnfRequest, LcmOperationType};
use serde_json::{Value, json};
use uuid::Uuid;
use vnfm::ops::blueprint::Blueprint;
use vnfm::ops::expand::{Given, expand};
use vnfm::ops::grants::{self, Asking, Change};
use vnfm::ops::ids::RandomIds;
use vnfm::ops::inventory::{Owned, after};
use vnfm::ops::occurrence::{HEAL, INSTANTIATE, OPERATE, SCALE, SCALE_TO_LEVEL, TERMINATE};
use vnfm::ops::params::OperationParams;
use vnfm::ops::record::Facts;
use vnfm::ops::scale::{self, Scaling};
use vnfm::ops::{heal, instantiate, operate, terminate};
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
    expand(&given(&vnfd, &request, instance), &mut RandomIds).unwrap_or_else(|faults| panic!("{faults:#?}"))
}

/// Everything that a blueprint is made from.
pub fn given<'a>(vnfd: &'a Vnfd, request: &'a InstantiateVnfRequest, instance: Uuid) -> Given<'a> {
    static NOTHING: Value = Value::Null;
    static NO_FILES: BTreeMap<String, String> = BTreeMap::new();
    Given { vnfd, request, instance, name: "pair", properties: &NOTHING, files: &NO_FILES, public_keys: &[] }
}

/// States that do not change by themselves.
const RESTS: [&str; 2] = ["active", "stopped"];

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

    /// The state of a thing.
    pub fn state(&self, kind: Kind, id: Uuid) -> Option<&'static str> {
        self.things.lock().unwrap().get(&(kind, id)).map(|t| t.state)
    }

    /// Loses a thing, as a VIM may.
    pub fn lose(&self, kind: Kind, id: Uuid) {
        self.things.lock().unwrap().remove(&(kind, id)).expect("a thing to lose");
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
        let (key, state) = things.iter().find(|(_, t)| !RESTS.contains(&t.state)).map(|(k, t)| (*k, t.state))?;
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

fn shown_port(mut port: Value) -> Port {
    port["mac"] = json!("02:00:00:00:00:01");
    port["addresses"] = json!([]);
    port["up"] = json!(false);
    read(port)
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
        self.put(Kind::Port, id, json!(spec), "active", vec![spec.network_id]).map(shown_port)
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

    async fn port(&self, _: &VimRef, id: Uuid) -> Result<Option<Port>, CallError> {
        Ok(self.get(Kind::Port, id).map(shown_port))
    }

    async fn power(&self, _: &VimRef, id: Uuid, request: &PowerRequest) -> Result<Compute, CallError> {
        if let Some(thing) = self.things.lock().unwrap().get_mut(&(Kind::Compute, id)) {
            thing.state = if request.action == PowerAction::Start { "building" } else { "stopped" };
        }
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
    let add: Vec<Value> = [&request.add_resources, &request.update_resources]
        .into_iter()
        .flatten()
        .map(|r| json!({ "resourceDefinitionId": r.id, "vimConnectionId": VIM }))
        .collect();
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
    /// What there shall be in the end, and in which state.
    wanted: Vec<(Kind, Uuid)>,
    computes: &'static str,
    before: Vec<(Kind, Uuid)>,
    /// What of that was lost when the operation began: a rollback may bring it back, and need not.
    lost: Vec<(Kind, Uuid)>,
}

/// An instance that runs.
pub struct Instance {
    outside: Arc<Outside>,
    id: Uuid,
    pub has: Vec<Owned>,
    pub facts: Facts,
}

impl Instance {
    /// What an instantiation made.
    pub async fn running(db: Db) -> Self {
        let made = VnfWorld::instantiation();
        let engine = engine(db, &made).await;
        engine.submit(made.operation.clone()).await.unwrap();
        engine.start();
        while engine.get(made.operation.id).await.unwrap().unwrap().state != lcm::OperationState::Completed {
            if !made.nudge(&engine).await {
                tokio::task::yield_now().await;
            }
        }
        let has = after(Vec::new(), &engine.steps(made.operation.id).await.unwrap());
        engine.shutdown(std::time::Duration::from_secs(5)).await;
        let params: OperationParams = serde_json::from_value(made.operation.params.clone()).unwrap();
        let id = made.operation.subject.parse().unwrap();
        Self { outside: made.outside, id, has, facts: params.facts.unwrap() }
    }

    /// What a scaling request means for it.
    pub fn scaled(&self, request: Value) -> Result<Scaling, Vec<Fault>> {
        let vnfd = vnfd();
        let flavour = vnfd.flavour("simple").unwrap();
        let target = scale::by_steps(flavour, &self.facts, &self.has, &serde_json::from_value(request).unwrap())?;
        let given = given(&vnfd, &self.facts.request, self.id);
        scale::change(&given, flavour, &self.has, &self.facts, target, &mut RandomIds)
    }

    /// What a request for a level means for it.
    pub fn levelled(&self, request: Value) -> Result<Scaling, Vec<Fault>> {
        let vnfd = vnfd();
        let flavour = vnfd.flavour("simple").unwrap();
        let target = scale::to_level(flavour, &self.facts, &self.has, &serde_json::from_value(request).unwrap())?;
        let given = given(&vnfd, &self.facts.request, self.id);
        scale::change(&given, flavour, &self.has, &self.facts, target, &mut RandomIds)
    }

    pub fn computes(&self) -> Vec<Owned> {
        self.has.iter().filter(|o| o.kind() == Kind::Compute).cloned().collect()
    }

    fn world(self, op: Uuid, kind: &str, facts: Option<Facts>, plan: lcm::Plan) -> VnfWorld {
        let params = OperationParams { request: json!({}), facts, ..OperationParams::default() };
        let operation = new(op, kind, self.id, &params, plan);
        let before: Vec<(Kind, Uuid)> = self
            .has
            .iter()
            .map(|o| (o.kind(), o.id()))
            .collect::<std::collections::BTreeSet<_>>()
            .into_iter()
            .collect();
        VnfWorld {
            outside: self.outside,
            operation,
            wanted: before.clone(),
            computes: "active",
            before,
            lost: Vec::new(),
        }
    }

    /// Its termination.
    pub fn terminating(self) -> VnfWorld {
        let op = Uuid::new_v4();
        let change = Change { remove: &self.has, ..Change::default() };
        let grant = grants::request(&asking(op, self.id), LcmOperationType::Terminate, &change);
        let plan = terminate::plan(&self.has, &grant, None).unwrap();
        VnfWorld { wanted: Vec::new(), ..self.world(op, TERMINATE, None, plan) }
    }

    fn scaling(self, kind: &'static str, scaling: &Scaling) -> VnfWorld {
        let op = Uuid::new_v4();
        let change = Change { add: Some(&scaling.add), remove: &scaling.remove, update: &[], present: &self.has };
        let grant = grants::request(&asking(op, self.id), LcmOperationType::Scale, &change);
        let plan = scale::plan(scaling, &grant).unwrap();
        let gone: Vec<Uuid> = scaling.remove.iter().map(Owned::id).collect();
        let mut wanted = all_of(&scaling.add);
        wanted.extend(self.has.iter().map(|o| (o.kind(), o.id())).filter(|(_, id)| !gone.contains(id)));
        wanted.sort_unstable();
        VnfWorld { wanted, ..self.world(op, kind, Some(scaling.facts.clone()), plan) }
    }

    /// Two more nodes.
    pub fn scaling_out(self) -> VnfWorld {
        let scaling = self.scaled(json!({"type": "SCALE_OUT", "aspectId": "nodes", "numberOfSteps": 2})).unwrap();
        self.scaling(SCALE, &scaling)
    }

    /// One node less than there are, and than its scale level says: the highest number goes.
    pub fn scaling_in(mut self) -> VnfWorld {
        self.facts.scale_status[0].scale_level = 1;
        let scaling = self.levelled(json!({"scaleInfo": [{"aspectId": "nodes", "scaleLevel": 0}]})).unwrap();
        self.scaling(SCALE_TO_LEVEL, &scaling)
    }

    /// One machine, one port and one volume were lost: all nodes are healed.
    pub fn healing(self) -> VnfWorld {
        let op = Uuid::new_v4();
        let computes = self.computes();
        let change = Change { update: &computes, ..Change::default() };
        let grant = grants::request(&asking(op, self.id), LcmOperationType::Heal, &change);
        let plan = heal::plan(&computes, &self.has, &grant).unwrap();
        let facts = self.facts.clone();
        let lost = computes[0].vnfc().unwrap().clone();
        let lost = vec![(Kind::Port, lost.ports[0].id), (Kind::Volume, lost.volumes[0]), (Kind::Compute, lost.id)];
        lost.iter().for_each(|(kind, id)| self.outside.lose(*kind, *id));
        VnfWorld { lost, ..self.world(op, HEAL, Some(facts), plan) }
    }

    /// All nodes are stopped.
    pub fn stopping(self) -> VnfWorld {
        let op = Uuid::new_v4();
        let computes = self.computes();
        let change = Change { update: &computes, ..Change::default() };
        let grant = grants::request(&asking(op, self.id), LcmOperationType::Operate, &change);
        let plan = operate::plan(&computes, &grant, false, Some(30)).unwrap();
        let facts = self.facts.clone();
        VnfWorld { computes: "stopped", ..self.world(op, OPERATE, Some(facts), plan) }
    }
}

impl VnfWorld {
    /// An instantiation.
    pub fn instantiation() -> Self {
        let (op, instance) = (Uuid::new_v4(), Uuid::new_v4());
        let (blueprint, facts) = blueprint(instance);
        let change = Change { add: Some(&blueprint), ..Change::default() };
        let grant = grants::request(&asking(op, instance), LcmOperationType::Instantiate, &change);
        let plan = instantiate::plan(&blueprint, &grant).unwrap();
        let params = OperationParams { request: json!({}), facts: Some(facts), ..OperationParams::default() };
        let operation = new(op, INSTANTIATE, instance, &params, plan);
        let wanted = all_of(&blueprint);
        Self { outside: Arc::default(), operation, wanted, computes: "active", before: Vec::new(), lost: Vec::new() }
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
            let wanted = if *kind == Kind::Compute { self.computes } else { "active" };
            assert_eq!(self.outside.state(*kind, *id), Some(wanted), "{} {id} at the operation's end", kind.word());
        }
    }

    async fn assert_nothing_left(&self, _: &OperationView, _: &[StepView]) {
        let known = |all: &[(Kind, Uuid)]| -> Vec<(Kind, Uuid)> {
            all.iter().filter(|thing| !self.lost.contains(thing)).copied().collect()
        };
        assert_eq!(known(&self.outside.ids()), known(&self.before), "what is in the VIM after the rollback");
        // What was lost may still be on its way back.
        for (kind, id) in known(&self.before) {
            assert_eq!(self.outside.state(kind, id), Some("active"), "{} {id} after the rollback", kind.word());
        }
    }
}
