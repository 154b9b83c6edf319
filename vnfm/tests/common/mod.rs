//! A VIM in memory, and the operations of a VNF on it.
#![allow(dead_code)]

mod nfvo;
mod snapshots;
mod ve;

use std::collections::BTreeMap;
use std::io::{Cursor, Write};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use db::Db;
use descriptors::archive::{Limits, Package};
use descriptors::vnfd::{Vnfd, read_vnfd};
use lcm::testkit::World;
use lcm::{Engine, NewOperation, OperationView, Registry, StepView};
use nfvo::Nfvo;
use reference_points::common::{CallError, Fault, ProblemDetails};
use reference_points::nf_vi::{PowerAction, PowerRequest, Reality};
use reference_points::or_vi::*;
use reference_points::or_vnfm::{ExtVirtualLinkData, InstantiateVnfRequest, LcmOperationType};
use serde_json::{Value, json};
use uuid::Uuid;
use ve::VeWorld;
use vnfm::ops::adopt::Same;
use vnfm::ops::blueprint::Blueprint;
use vnfm::ops::converge::{Difference, Order};
use vnfm::ops::expand::{Given, expand};
use vnfm::ops::grants::{self, Asking, Change};
use vnfm::ops::hooks::Hooks;
use vnfm::ops::ids::RandomIds;
use vnfm::ops::inventory::{Owned, after};
use vnfm::ops::occurrence::{
    CHANGE_EXT_CONN, CHANGE_FLAVOUR, CHANGE_VNFPKG, HEAL, INSTANTIATE, OPERATE, SCALE, SCALE_TO_LEVEL, TERMINATE,
};
use vnfm::ops::params::OperationParams;
use vnfm::ops::record::Facts;
use vnfm::ops::scale::{self, Scaling};
use vnfm::ops::transition::{self, reconnected};
use vnfm::ops::{converge, heal, instantiate, operate, terminate};
use vnfm::steps::{Granting, compute_key, registry, snapshot_key, volume_key, with_ve};
use vnfm::vi::{Kind, Vi, VimRef};

pub const VIM: Uuid = Uuid::from_u128(0x7777);
pub const NETWORK: Uuid = Uuid::from_u128(0x8888);
pub const OTHER_NETWORK: Uuid = Uuid::from_u128(0x8889);
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
    /// What the disks of a machine hold, or what a snapshot holds of them.
    holds: Value,
    /// What they held before the return that its specification names.
    former: Option<Value>,
    reverted: Option<Value>,
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

    /// What of its specification can change, of every machine.
    fn shapes(&self) -> BTreeMap<Uuid, Value> {
        let things = self.things.lock().unwrap();
        let shape = |t: &Thing| json!([t.spec["ports"], t.spec["flavour"], t.spec["volumes"], t.spec["root"]]);
        things.iter().filter(|((kind, _), _)| *kind == Kind::Compute).map(|((_, id), t)| (*id, shape(t))).collect()
    }

    /// Loses a thing, as a VIM may.
    pub fn lose(&self, kind: Kind, id: Uuid) {
        self.things.lock().unwrap().remove(&(kind, id)).expect("a thing to lose");
    }

    fn put(&self, kind: Kind, id: Uuid, spec: Value, state: &'static str, uses: Vec<Uuid>) -> Result<Value, CallError> {
        let mut things = self.things.lock().unwrap();
        for used in &uses {
            let there = [NETWORK, OTHER_NETWORK].contains(used) || things.keys().any(|(_, id)| id == used);
            if !there {
                return Err(refused(422, format!("{} {id} needs {used}, which is not there", kind.word())));
            }
        }
        if kind == Kind::Compute
            && let Some(thing) = things.get_mut(&(kind, id)).filter(|t| t.spec != spec)
        {
            // A machine can be changed where it is; other CPU and memory take a while.
            let stays = |member: &str| thing.spec[member] == spec[member];
            assert!(
                stays("name") && stays("owner") && stays("bootData"),
                "compute {id} was asked for twice, differently"
            );
            if !stays("flavour") || !stays("revert") {
                thing.state = "building";
            }
            (thing.spec, thing.uses) = (spec.clone(), uses.clone());
        }
        let new = || Thing { spec: spec.clone(), state, uses, holds: Value::Null, former: None, reverted: None };
        let thing = things.entry((kind, id)).or_insert_with(new);
        // The owner mark names the operation's step, which is the same in every try.
        assert_eq!(thing.spec, spec, "{} {id} was asked for twice, differently", kind.word());
        Ok(snapshots::shown(id, thing))
    }

    fn get(&self, kind: Kind, id: Uuid) -> Option<Value> {
        let things = self.things.lock().unwrap();
        things.get(&(kind, id)).map(|t| snapshots::shown(id, t))
    }

    /// Lets one thing that goes on come to its end; the key of its event.
    fn advance(&self) -> Option<String> {
        let mut things = self.things.lock().unwrap();
        let (key, state) = things.iter().find(|(_, t)| !RESTS.contains(&t.state)).map(|(k, t)| (*k, t.state))?;
        if state == "deleting" {
            things.remove(&key);
        } else {
            snapshots::returned(&mut things, key);
            things.get_mut(&key).unwrap().state = "active";
        }
        match key {
            (Kind::Compute, id) => Some(compute_key(id)),
            (Kind::Volume, id) => Some(volume_key(id)),
            (Kind::Snapshot, id) => Some(snapshot_key(id)),
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
            Kind::Compute | Kind::Snapshot => {
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

    async fn put_snapshot(&self, _: &VimRef, id: Uuid, spec: &SnapshotSpec) -> Result<Snapshot, CallError> {
        let there = self.get(Kind::Snapshot, id).is_some();
        let made = self.put(Kind::Snapshot, id, json!(spec), "building", vec![])?;
        let mut things = self.things.lock().unwrap();
        let holds = things[&(Kind::Compute, spec.compute_id)].holds.clone();
        if !there {
            things.get_mut(&(Kind::Snapshot, id)).unwrap().holds = holds;
        }
        Ok(read(made))
    }

    async fn snapshot(&self, _: &VimRef, id: Uuid) -> Result<Option<Snapshot>, CallError> {
        Ok(self.get(Kind::Snapshot, id).map(read))
    }

    async fn let_go(&self, _: &VimRef, _: Uuid, _: Uuid) -> Result<(), CallError> {
        Ok(())
    }

    async fn network(&self, _: &VimRef, id: Uuid) -> Result<Option<Network>, CallError> {
        Ok(self.get(Kind::Network, id).map(read))
    }

    async fn reality(&self, _: &VimRef, _: Uuid) -> Result<Option<Reality>, CallError> {
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
    /// The machines as they were.
    shapes: BTreeMap<Uuid, Value>,
    /// What the disks of the machines hold in the end, and what they held before.
    disks: BTreeMap<Uuid, Value>,
    held: BTreeMap<Uuid, Value>,
    /// What of that was lost when the operation began: a rollback may bring it back, and need not.
    lost: Vec<(Kind, Uuid)>,
    /// The VNF's own part in it.
    ve: Arc<VeWorld>,
    /// Whether the operation configures it.
    configured: bool,
}

/// How an instance is to change.
pub struct Changing {
    pub vnfd: Vnfd,
    pub nodes: u32,
    pub links: Vec<ExtVirtualLinkData>,
    pub other_image: bool,
    pub order: Order,
}

impl Default for Changing {
    fn default() -> Self {
        Self { vnfd: vnfd(), nodes: 2, links: Vec::new(), other_image: false, order: Order::Together }
    }
}

/// The connection point of the first node on another network.
pub fn elsewhere() -> Vec<ExtVirtualLinkData> {
    serde_json::from_value(json!([{
        "id": "other", "vimConnectionId": VIM, "resourceId": OTHER_NETWORK,
        "extCps": [{ "cpdId": "outside", "cpConfig": { "one": {
            "cpProtocolData": [{ "layerProtocol": "IP_OVER_ETHERNET", "ipOverEthernet": {
                "ipAddresses": [{ "type": "IPV4", "fixedAddresses": ["198.51.100.9"] }] } }] } } }]
    }]))
    .unwrap()
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
            disks: BTreeMap::new(),
            held: self.outside.disks(),
            shapes: self.outside.shapes(),
            outside: self.outside,
            operation,
            wanted: before.clone(),
            computes: "active",
            before,
            lost: Vec::new(),
            ve: Arc::default(),
            configured: false,
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
        let change =
            Change { add: Some(&scaling.add), remove: &scaling.remove, present: &self.has, ..Change::default() };
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

    /// What a change makes of it.
    pub fn changed(&self, changing: &Changing) -> Result<(Blueprint, Difference), Vec<Fault>> {
        let mut request = self.facts.request.clone();
        request.ext_virtual_links = reconnected(&request.ext_virtual_links, &changing.links, &self.has);
        let same_image = |a: &str, b: &str| a == b && !changing.other_image;
        let counts = [("node".to_owned(), changing.nodes)].into();
        let change = transition::Change {
            present: &self.has,
            counts: &counts,
            same: Same { vdu: &str::to_owned, image: &same_image },
            rebuild: &|_, _| changing.other_image,
            beside: changing.order == Order::NewFirst,
        };
        transition::change(&given(&changing.vnfd, &request, self.id), &change, &mut RandomIds)
    }

    fn changing(self, kind: &'static str, operation: LcmOperationType, changing: &Changing) -> VnfWorld {
        let (target, difference) = self.changed(changing).unwrap_or_else(|faults| panic!("{faults:#?}"));
        let op = Uuid::new_v4();
        let updated = difference.updated();
        let change = Change {
            add: Some(&difference.add),
            ports: &difference.ports,
            remove: &difference.remove,
            update: &updated,
            present: &self.has,
        };
        let grant = grants::request(&asking(op, self.id), operation, &change);
        let plan = converge::plan(&difference, &grant, changing.order).unwrap();
        let facts = self.facts.clone();
        VnfWorld { wanted: all_of(&target), ..self.world(op, kind, Some(facts), plan) }
    }

    /// More memory, and a node more.
    pub fn changing_flavour(self) -> VnfWorld {
        let mut changing = Changing { nodes: 3, ..Changing::default() };
        changing.vnfd.flavours[0].vdus[0].memory.size_bytes *= 2;
        self.changing(CHANGE_FLAVOUR, LcmOperationType::ChangeFlavour, &changing)
    }

    /// The first node is on another network, the second where it was.
    pub fn reconnecting(self) -> VnfWorld {
        let changing = Changing { links: elsewhere(), ..Changing::default() };
        self.changing(CHANGE_EXT_CONN, LcmOperationType::ChangeExtConn, &changing)
    }

    /// Other software, one node after the other.
    pub fn rolling(self) -> VnfWorld {
        let changing = Changing { other_image: true, order: Order::Rolling, ..Changing::default() };
        self.changing(CHANGE_VNFPKG, LcmOperationType::ChangeVnfpkg, &changing)
    }

    /// Other software on other nodes, with other addresses.
    pub fn blue_green(self) -> VnfWorld {
        let changing =
            Changing { other_image: true, order: Order::NewFirst, links: elsewhere(), ..Changing::default() };
        self.changing(CHANGE_VNFPKG, LcmOperationType::ChangeVnfpkg, &changing)
    }

    /// Two more nodes, with scripts, coordinations and a configuration.
    pub fn scaling_out_with_the_vnf(self) -> VnfWorld {
        self.scaling_out().with_ve(ve::everything())
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
    /// The same with what the VNF does before and after.
    fn with_ve(mut self, hooks: Hooks) -> Self {
        self.configured = hooks.after.iter().any(|s| s.kind == "configure");
        self.operation.plan = hooks.around(self.operation.plan).unwrap();
        self
    }

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
        Self {
            outside: Arc::default(),
            operation,
            wanted,
            computes: "active",
            before: Vec::new(),
            disks: BTreeMap::new(),
            held: BTreeMap::new(),
            shapes: BTreeMap::new(),
            lost: Vec::new(),
            ve: Arc::default(),
            configured: false,
        }
    }

    pub fn plan(&self) -> &lcm::Plan {
        &self.operation.plan
    }
}

pub fn asking(op: Uuid, instance: Uuid) -> Asking<'static> {
    Asking {
        op,
        automatic: false,
        instance,
        vnfd_id: "11111111-1111-4111-8111-111111111111",
        flavour_id: "simple",
        level_id: None,
        dst_vnfd_id: None,
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
        with_ve(registry(&vi, &granting), &self.ve.steps())
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
        self.ve.assert_settled(self.configured);
        for (kind, id) in &self.wanted {
            let wanted = if *kind == Kind::Compute { self.computes } else { "active" };
            assert_eq!(self.outside.state(*kind, *id), Some(wanted), "{} {id} at the operation's end", kind.word());
        }
        let disks = self.outside.disks();
        for (id, holds) in &self.disks {
            assert_eq!(disks.get(id), Some(holds), "the disks of compute {id} at the operation's end");
        }
    }

    async fn assert_nothing_left(&self, _: &OperationView, _: &[StepView]) {
        let known = |all: &[(Kind, Uuid)]| -> Vec<(Kind, Uuid)> {
            all.iter().filter(|thing| !self.lost.contains(thing)).copied().collect()
        };
        assert_eq!(known(&self.outside.ids()), known(&self.before), "what is in the VIM after the rollback");
        self.ve.assert_settled(false);
        // What was lost may still be on its way back.
        for (kind, id) in known(&self.before) {
            assert_eq!(self.outside.state(kind, id), Some("active"), "{} {id} after the rollback", kind.word());
            if let (Kind::Compute, Some(shape)) = (kind, self.shapes.get(&id)) {
                assert_eq!(self.outside.shapes().get(&id), Some(shape), "compute {id} after the rollback");
            }
        }
        if !self.disks.is_empty() {
            assert_eq!(self.outside.disks(), self.held, "the disks after the rollback");
        }
    }
}
