//! A VIM and a VNFM in memory, for the steps: they keep what they are told, and refuse what the real ones refuse.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use reference_points::common::{CallError, ProblemDetails};
use reference_points::or_vi::{
    Network, NetworkSpec, ResourceState, SoftwareImage, SoftwareImageSpec, Subnet, SubnetSpec,
};
use reference_points::or_vnfm::{
    CreateVnfRequest, InstantiateVnfRequest, InstantiationState, LcmOperationStateType as State,
    LcmOperationType as Kind, TerminateVnfRequest, Timestamp, VnfInstance, VnfLcmOpOcc,
};
use uuid::Uuid;

use crate::effects::images::{Content, stream};
use crate::effects::{ImageContent, Vims, Vnfms};
use crate::ops::plan::{META_NS, META_PART};
use crate::ops::pursue::Ask;

fn refused(status: u16, detail: &str) -> CallError {
    let problem = Box::new(ProblemDetails::new(status, "Refused", detail));
    CallError::Refused { peer: "fake".into(), url: "/".into(), problem }
}

/// Networks, subnets and images of one VIM.
#[derive(Debug, Default)]
pub struct FakeVim {
    pub state: Mutex<VimState>,
}

#[derive(Debug, Default, Clone)]
pub struct VimState {
    pub networks: BTreeMap<Uuid, NetworkSpec>,
    pub subnets: BTreeMap<Uuid, SubnetSpec>,
    pub images: BTreeMap<Uuid, (SoftwareImageSpec, bool)>,
    pub uploads: usize,
}

impl FakeVim {
    pub fn seen(&self) -> VimState {
        self.state.lock().unwrap().clone()
    }
}

#[async_trait]
impl Vims for FakeVim {
    async fn put_network(&self, _: Uuid, id: Uuid, spec: &NetworkSpec) -> Result<Network, CallError> {
        let mut s = self.state.lock().unwrap();
        if s.networks.entry(id).or_insert_with(|| spec.clone()) != spec {
            return Err(refused(409, "another network of this id"));
        }
        Ok(Network { id, spec: spec.clone(), vim_resource_id: None, state: ResourceState::Active, problem: None })
    }

    async fn network(&self, _: Uuid, id: Uuid) -> Result<Option<Network>, CallError> {
        let s = self.state.lock().unwrap();
        let spec = s.networks.get(&id).cloned();
        Ok(spec.map(|spec| Network { id, spec, vim_resource_id: None, state: ResourceState::Active, problem: None }))
    }

    async fn delete_network(&self, _: Uuid, id: Uuid) -> Result<(), CallError> {
        let mut s = self.state.lock().unwrap();
        if s.subnets.values().any(|sub| sub.network_id == id) {
            return Err(refused(409, "the network has subnets"));
        }
        s.networks.remove(&id);
        Ok(())
    }

    async fn put_subnet(&self, _: Uuid, id: Uuid, spec: &SubnetSpec) -> Result<Subnet, CallError> {
        let mut s = self.state.lock().unwrap();
        if !s.networks.contains_key(&spec.network_id) {
            return Err(refused(404, "there is no such network"));
        }
        if s.subnets.entry(id).or_insert_with(|| spec.clone()) != spec {
            return Err(refused(409, "another subnet of this id"));
        }
        Ok(Subnet { id, spec: spec.clone(), vim_resource_id: None, state: ResourceState::Active, problem: None })
    }

    async fn subnet(&self, _: Uuid, id: Uuid) -> Result<Option<Subnet>, CallError> {
        let spec = self.state.lock().unwrap().subnets.get(&id).cloned();
        Ok(spec.map(|spec| Subnet { id, spec, vim_resource_id: None, state: ResourceState::Active, problem: None }))
    }

    async fn delete_subnet(&self, _: Uuid, id: Uuid) -> Result<(), CallError> {
        self.state.lock().unwrap().subnets.remove(&id);
        Ok(())
    }

    async fn put_image(&self, _: Uuid, id: Uuid, spec: &SoftwareImageSpec) -> Result<SoftwareImage, CallError> {
        let held = self.state.lock().unwrap().images.entry(id).or_insert_with(|| (spec.clone(), false)).0.clone();
        if held != *spec {
            return Err(refused(409, "another image of this id"));
        }
        Ok(self.image(Uuid::nil(), id).await?.unwrap())
    }

    async fn image(&self, _: Uuid, id: Uuid) -> Result<Option<SoftwareImage>, CallError> {
        let found = self.state.lock().unwrap().images.get(&id).cloned();
        Ok(found.map(|(spec, whole)| SoftwareImage {
            id,
            spec,
            vim_resource_id: None,
            sha512: None,
            state: if whole { ResourceState::Active } else { ResourceState::Building },
            problem: None,
        }))
    }

    async fn upload_image(&self, _: Uuid, id: Uuid, content: Content) -> Result<SoftwareImage, CallError> {
        let size = content.size;
        {
            let mut s = self.state.lock().unwrap();
            s.uploads += 1;
            let Some((spec, whole)) = s.images.get_mut(&id) else { return Err(refused(404, "no record of the image")) };
            assert_eq!(spec.size_bytes, Some(size));
            *whole = true;
        }
        Ok(self.image(Uuid::nil(), id).await?.unwrap())
    }
}

/// Images that are their own path.
#[derive(Debug)]
pub struct FakeImages(pub u64);

#[async_trait]
impl ImageContent for FakeImages {
    async fn open(&self, _: Uuid, _: &str) -> io::Result<Content> {
        Ok(Content { size: self.0, stream: stream(|pump| pump(&mut &b"image"[..])) })
    }
}

/// A VNFM whose operations end when they are told to.
#[derive(Debug, Default)]
pub struct FakeVnfm {
    pub state: Mutex<VnfmState>,
    /// VNFs whose instantiation fails, by part, and how often.
    pub failures: Mutex<BTreeMap<String, u32>>,
}

#[derive(Debug, Default, Clone)]
pub struct VnfmState {
    pub vnfs: BTreeMap<Uuid, VnfInstance>,
    pub ops: Vec<VnfLcmOpOcc>,
    /// Requests, to count what was begun how often.
    pub begun: Vec<(Uuid, Kind)>,
    clock: i64,
}

impl VnfmState {
    fn now(&mut self) -> Timestamp {
        self.clock += 1;
        Timestamp::from_micros(self.clock)
    }

    fn begin(&mut self, vnf: Uuid, kind: Kind) -> Result<Uuid, CallError> {
        let state = match self.vnfs.get(&vnf) {
            Some(v) => v.instantiation_state,
            None => return Err(refused(404, "there is no such VNF instance")),
        };
        let wrong = match kind {
            Kind::Instantiate => state != InstantiationState::NotInstantiated,
            _ => state != InstantiationState::Instantiated,
        };
        if wrong || self.ops.iter().any(|o| o.vnf_instance_id == vnf && !over(o.operation_state)) {
            return Err(refused(409, "the VNF's state does not allow it"));
        }
        let now = self.now();
        let id = Uuid::new_v4();
        self.begun.push((vnf, kind));
        self.ops.push(VnfLcmOpOcc {
            id,
            operation_state: State::Processing,
            state_entered_time: now,
            start_time: now,
            vnf_instance_id: vnf,
            grant_id: None,
            operation: kind,
            is_automatic_invocation: false,
            operation_params: None,
            is_cancel_pending: false,
            cancel_mode: None,
            error: None,
            resource_changes: None,
            changed_info: None,
            changed_ext_connectivity: Vec::new(),
            modifications_triggered_by_vnf_pkg_change: None,
            vnf_snapshot_info_id: None,
            lcm_coordinations: Vec::new(),
            rejected_lcm_coordinations: Vec::new(),
            links: None,
        });
        Ok(id)
    }
}

fn over(state: State) -> bool {
    matches!(state, State::Completed | State::Failed | State::RolledBack)
}

impl FakeVnfm {
    pub fn seen(&self) -> VnfmState {
        self.state.lock().unwrap().clone()
    }

    /// Ends every operation that is under way; returns those that ended.
    pub fn finish(&self) -> BTreeSet<Uuid> {
        let mut s = self.state.lock().unwrap();
        let mut ended = BTreeSet::new();
        for i in 0..s.ops.len() {
            let (state, kind, vnf) = (s.ops[i].operation_state, s.ops[i].operation, s.ops[i].vnf_instance_id);
            let part =
                s.vnfs.get(&vnf).and_then(|v| v.metadata[META_PART].as_str().map(str::to_owned)).unwrap_or_default();
            let cancelled = s.ops[i].is_cancel_pending;
            let fails = state == State::Processing && kind == Kind::Instantiate && self.fail_once(&part);
            let next = match state {
                State::Processing if cancelled || fails => State::FailedTemp,
                State::Processing => State::Completed,
                State::RollingBack => State::RolledBack,
                _ => continue,
            };
            let now = s.now();
            let op = &mut s.ops[i];
            op.operation_state = next;
            op.state_entered_time = now;
            op.is_cancel_pending = false;
            op.error = (next == State::FailedTemp).then(|| {
                ProblemDetails::new(507, "No room", "the host is full").resource("compute 1").answer("ENOSPC")
            });
            ended.insert(op.id);
            if next == State::Completed
                && let Some(v) = s.vnfs.get_mut(&vnf)
            {
                v.instantiation_state = match kind {
                    Kind::Instantiate => InstantiationState::Instantiated,
                    _ => InstantiationState::NotInstantiated,
                };
            }
        }
        ended
    }

    fn fail_once(&self, part: &str) -> bool {
        let mut failures = self.failures.lock().unwrap();
        match failures.get_mut(part) {
            Some(left) if *left > 0 => {
                *left -= 1;
                true
            }
            _ => false,
        }
    }
}

#[async_trait]
impl Vnfms for FakeVnfm {
    async fn create(&self, request: &CreateVnfRequest) -> Result<VnfInstance, CallError> {
        let vnf = VnfInstance {
            id: Uuid::new_v4(),
            vnf_instance_name: request.vnf_instance_name.clone(),
            vnf_instance_description: None,
            vnfd_id: request.vnfd_id.clone(),
            vnf_provider: "p".into(),
            vnf_product_name: "n".into(),
            vnf_software_version: "1".into(),
            vnfd_version: "1".into(),
            vnf_configurable_properties: serde_json::Map::new(),
            vim_connection_info: BTreeMap::new(),
            instantiation_state: InstantiationState::NotInstantiated,
            instantiated_vnf_info: None,
            metadata: request.metadata.clone(),
            extensions: serde_json::Map::new(),
            links: None,
        };
        self.state.lock().unwrap().vnfs.insert(vnf.id, vnf.clone());
        Ok(vnf)
    }

    async fn find(&self, ns: Uuid, part: &str) -> Result<Option<VnfInstance>, CallError> {
        let s = self.state.lock().unwrap();
        let here = |v: &&VnfInstance| v.metadata[META_NS] == ns.to_string() && v.metadata[META_PART] == part;
        Ok(s.vnfs.values().find(here).cloned())
    }

    async fn instance(&self, id: Uuid) -> Result<Option<VnfInstance>, CallError> {
        Ok(self.state.lock().unwrap().vnfs.get(&id).cloned())
    }

    async fn delete(&self, id: Uuid) -> Result<(), CallError> {
        let mut s = self.state.lock().unwrap();
        if s.vnfs.get(&id).is_some_and(|v| v.instantiation_state == InstantiationState::Instantiated)
            || s.ops.iter().any(|o| o.vnf_instance_id == id && !over(o.operation_state))
        {
            return Err(refused(409, "the VNF's state does not allow it"));
        }
        s.vnfs.remove(&id);
        Ok(())
    }

    async fn instantiate(&self, id: Uuid, _: &InstantiateVnfRequest) -> Result<Uuid, CallError> {
        self.state.lock().unwrap().begin(id, Kind::Instantiate)
    }

    async fn terminate(&self, id: Uuid, _: &TerminateVnfRequest) -> Result<Uuid, CallError> {
        self.state.lock().unwrap().begin(id, Kind::Terminate)
    }

    async fn newest_operation(&self, vnf: Uuid) -> Result<Option<VnfLcmOpOcc>, CallError> {
        let s = self.state.lock().unwrap();
        Ok(s.ops.iter().filter(|o| o.vnf_instance_id == vnf).max_by_key(|o| o.start_time).cloned())
    }

    async fn ask(&self, operation: Uuid, ask: Ask) -> Result<(), CallError> {
        let mut s = self.state.lock().unwrap();
        let now = s.now();
        let Some(op) = s.ops.iter_mut().find(|o| o.id == operation) else {
            return Err(refused(404, "no such operation"));
        };
        let next = match (op.operation_state, ask) {
            (State::FailedTemp, Ask::Retry) => State::Processing,
            (State::FailedTemp, Ask::Rollback) => State::RollingBack,
            (State::FailedTemp, Ask::Fail) => State::Failed,
            (State::Processing, Ask::Cancel) => {
                op.is_cancel_pending = true;
                return Ok(());
            }
            _ => return Err(refused(409, "the operation's state does not allow it")),
        };
        op.operation_state = next;
        op.state_entered_time = now;
        op.error = None;
        Ok(())
    }
}

/// Everything outside.
#[derive(Debug, Clone, Default)]
pub struct Outside {
    pub vim: Arc<FakeVim>,
    pub vnfm: Arc<FakeVnfm>,
}
