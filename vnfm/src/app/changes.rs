//! Changing a VNF: scale, scale to level, operate, heal, modify its record (SOL003 clauses 5.4.2, 5.4.5, 5.4.6, 5.4.9, 5.4.10).

use std::sync::Arc;

use descriptors::vnfd::{Flavour, Vnfd};
use reference_points::common::{Fault, KeyValuePairs, Uuid};
use reference_points::or_vnfm::{
    HealVnfRequest, InstantiationState, LcmOperationType, OperateVnfRequest, ScaleVnfRequest, ScaleVnfToLevelRequest,
    StopType, VnfOperationalState,
};
use serde::Serialize;
use serde_json::{Value, json};
use service::http::{ApiError, ApiResult, IfMatch};
use service::store::Stored;

use super::around::{Asked, declared_only};
use super::operations::{Begun, grace_within, name_of, new as new_operation, not_too_short};
use super::packages::Known;
use super::{App, cause};
use crate::ops::expand::Given;
use crate::ops::grants::{self, Asking, Change};
use crate::ops::ids::RandomIds;
use crate::ops::inventory::Owned;
use crate::ops::occurrence::{HEAL, MODIFY_INFO, OPERATE, SCALE, SCALE_TO_LEVEL};
use crate::ops::params::OperationParams;
use crate::ops::record::Facts;
use crate::ops::scale::{self, Target};
use crate::ops::{heal, modify, operate};
use crate::store::{INSTANCES, Instance, resources};
use crate::vi::Kind;

/// Seconds a guest is given to shut down when the request does not say.
const DEFAULT_GRACE_SECONDS: u32 = 60;
const NOT_SCALED: &str = "the VNF cannot be scaled like this";

/// An instance with everything that a change of it begins with.
pub(super) struct Running {
    pub(super) stored: Stored<Instance>,
    pub(super) known: Arc<Known>,
    pub(super) facts: Facts,
    pub(super) has: Vec<Owned>,
}

impl Running {
    pub(super) fn flavour(&self) -> ApiResult<&Flavour> {
        let vnfd: &Vnfd = &self.known.vnfd;
        vnfd.flavour(&self.facts.flavour_id)
            .ok_or_else(|| ApiError::internal(format!("the VNFD lost its flavour {}", self.facts.flavour_id)))
    }

    pub(super) fn params<R: Serialize>(&self, request: &R, facts: Facts) -> OperationParams {
        OperationParams { request: json!(request), facts: Some(facts), ..OperationParams::default() }
    }

    /// The VNFCs that a request names, by `vnfcInfo` identifier; all when it names none.
    pub(super) fn vnfcs(&self, named: &[String]) -> ApiResult<Vec<Owned>> {
        let all: Vec<&Owned> = self.has.iter().filter(|o| o.kind() == Kind::Compute).collect();
        let known: Vec<&str> = all.iter().map(|o| o.name()).collect();
        let unknown = named.iter().filter(|id| !known.contains(&id.as_str()));
        let faults: Vec<Fault> = unknown
            .map(|id| Fault::new("/vnfcInstanceId", format!("the VNF has no VNFC {id:?}")))
            .map(|fault| fault.mend(format!("one of {}", known.join(", "))))
            .collect();
        if !faults.is_empty() {
            return Err(ApiError::unprocessable("these VNFCs are not there", faults));
        }
        let meant = |o: &&&Owned| named.is_empty() || named.iter().any(|id| id == o.name());
        Ok(all.iter().filter(meant).map(|o| (*o).clone()).collect())
    }
}

impl App {
    pub(super) async fn running(&self, id: Uuid) -> ApiResult<Running> {
        let stored = INSTANCES.require(&self.db, id).await?;
        let instance = &stored.document.0;
        self.expect_state(instance, InstantiationState::Instantiated)?;
        let Some(facts) = resources::facts(&self.db, id).await? else {
            let detail =
                format!("the instantiation of VNF instance {id} was given up: terminate it, then instantiate it");
            return Err(ApiError::conflict(detail));
        };
        let known = self.packages.get(&instance.vnfd_id).await?;
        Ok(Running { known, facts, has: resources::of(&self.db, id).await?, stored })
    }

    /// Begins a scaling by steps; returns the occurrence's id.
    ///
    /// # Errors
    /// 404, 409, or 422 with every fault of the request.
    pub async fn scale(&self, id: Uuid, request: ScaleVnfRequest) -> ApiResult<Uuid> {
        self.scale_as(Begun::asked(), id, request).await
    }

    pub(super) async fn scale_as(&self, begun: Begun, id: Uuid, request: ScaleVnfRequest) -> ApiResult<Uuid> {
        let running = self.running(id).await?;
        let configured = &running.known.vnfd.lcm_operations;
        let several = request.number_of_steps.is_some_and(|n| n > 1);
        if several && configured.configures("scale") && !configured.scaling_by_more_than_one_step_supported {
            let fault = Fault::new("/numberOfSteps", "the VNFD allows one step at a time");
            return Err(ApiError::unprocessable(NOT_SCALED, vec![fault.mend("leave it out, or give 1")]));
        }
        let target = scale::by_steps(running.flavour()?, &running.facts, &running.has, &request);
        self.scale_to(begun, &running, SCALE, target, &request, &request.additional_params).await
    }

    /// Begins a scaling to a level; returns the occurrence's id.
    ///
    /// # Errors
    /// As [`App::scale`].
    pub async fn scale_to_level(&self, id: Uuid, request: ScaleVnfToLevelRequest) -> ApiResult<Uuid> {
        self.scale_to_level_as(Begun::asked(), id, request).await
    }

    pub(super) async fn scale_to_level_as(
        &self,
        begun: Begun,
        id: Uuid,
        request: ScaleVnfToLevelRequest,
    ) -> ApiResult<Uuid> {
        let running = self.running(id).await?;
        let configured = &running.known.vnfd.lcm_operations;
        let arbitrary = !request.scale_info.is_empty();
        if arbitrary && configured.configures("scale_to_level") && !configured.arbitrary_target_levels_supported {
            let fault = Fault::new("/scaleInfo", "the VNFD allows its instantiation levels only");
            return Err(ApiError::unprocessable(NOT_SCALED, vec![fault.mend("give instantiationLevelId")]));
        }
        let target = scale::to_level(running.flavour()?, &running.facts, &running.has, &request);
        self.scale_to(begun, &running, SCALE_TO_LEVEL, target, &request, &request.additional_params).await
    }

    /// Begins a modification of the record (SOL003 clause 5.4.2.3.4); returns the occurrence's id.
    ///
    /// # Errors
    /// 404, 409, 412, or 422 with every fault of the patch.
    pub async fn modify(&self, id: Uuid, if_match: IfMatch, patch: Value) -> ApiResult<Uuid> {
        let stored = INSTANCES.require(&self.db, id).await?;
        if_match.check(&stored.etag())?;
        let instance = &stored.document.0;
        let Value::Object(mut patch) = patch else {
            return Err(ApiError::fault(Fault::new("", "the merge patch is no object")));
        };
        let known = self.packages.get(&instance.vnfd_id).await?;
        let new = match patch.get("vnfdId") {
            Some(Value::String(vnfd_id)) => Some(self.packages.get(vnfd_id).await?),
            None => None,
            Some(_) => return Err(ApiError::fault(Fault::new("/vnfdId", "it names no VNFD"))),
        };
        let modified = modify::modified(&known.vnfd, new.as_ref().map(|k| &k.vnfd), instance, &patch);
        let (mut record, mut told) = modified
            .map_err(|faults| ApiError::unprocessable("the VNF instance cannot be modified like this", faults))?;
        let renamed = self.foreign.settle(&mut record.vim_connection_info).await;
        let renamed = renamed.map_err(|problem| ApiError::new(*problem))?;
        let now = told.vim_connection_info.keys().map(|id| renamed.get(id).unwrap_or(id));
        let now = now.filter_map(|id| record.vim_connection_info.get_key_value(id));
        told.vim_connection_info = now.map(|(id, info)| (id.clone(), info.clone())).collect();
        if !told.vim_connection_info.is_empty() {
            patch.insert("vimConnectionInfo".to_owned(), json!(told.vim_connection_info));
        }
        record.instantiated_vnf_info = None;
        let op = Uuid::new_v4();
        let plan = modify::plan().map_err(|e| cause::submit(e.into(), &self.base))?;
        let flavour = instance.instantiated_vnf_info.as_ref().map(|i| i.flavour_id.clone()).unwrap_or_default();
        let runs = instance.instantiation_state == InstantiationState::Instantiated;
        let properties = Value::Object(record.vnf_configurable_properties.clone());
        let changed = runs && !told.vnf_configurable_properties.is_empty();
        let none = KeyValuePairs::new();
        let asked = Asked {
            kind: MODIFY_INFO,
            additional: &none,
            properties: Some(&properties).filter(|_| changed),
            change: None,
        };
        let plan = self.around(&known.vnfd, &flavour, &asked, plan)?;
        let params = OperationParams {
            request: Value::Object(patch),
            modified: Some(Box::new((record, told))),
            ..OperationParams::default()
        };
        self.submit(&stored, instance.instantiation_state, new_operation(op, MODIFY_INFO, id, &params, plan)).await
    }

    async fn scale_to<R: Serialize + Sync>(
        &self,
        begun: Begun,
        running: &Running,
        kind: &'static str,
        target: Result<Target, Vec<Fault>>,
        request: &R,
        additional: &KeyValuePairs,
    ) -> ApiResult<Uuid> {
        let refused = |faults| ApiError::unprocessable(NOT_SCALED, faults);
        let Running { stored, known, facts, has } = running;
        let instance = &stored.document.0;
        let target = target.map_err(refused)?;
        let name = name_of(instance);
        let properties = Value::Object(instance.vnf_configurable_properties.clone());
        // What is new boots with the parameters of the instantiation, and with those of this request over them.
        let mut made_by = facts.request.clone();
        made_by.additional_params.extend(additional.clone());
        let given = Given {
            vnfd: &known.vnfd,
            request: &made_by,
            instance: instance.id,
            name: &name,
            properties: &properties,
            files: &known.files,
            public_keys: &self.public_keys,
        };
        let scaling = scale::change(&given, running.flavour()?, has, facts, target, &mut RandomIds).map_err(refused)?;
        let change = Change { add: Some(&scaling.add), remove: &scaling.remove, present: has, ..Change::default() };
        let named = if kind == SCALE { LcmOperationType::Scale } else { LcmOperationType::ScaleToLevel };
        let grant = grants::request(&self.asking(begun.clone(), running), named, &change);
        let plan = scale::plan(&scaling, &grant).map_err(|e| cause::submit(e.into(), &self.base))?;
        let asked = Asked { kind, additional, properties: None, change: None };
        let plan = self.around(&known.vnfd, &facts.flavour_id, &asked, plan)?;
        let params = running.params(request, scaling.facts);
        let operation = new_operation(begun, kind, instance.id, &params, plan);
        self.submit(stored, InstantiationState::Instantiated, operation).await
    }

    /// Begins a start or stop; returns the occurrence's id.
    ///
    /// # Errors
    /// 404, 409, or 400 and 422 with every fault of the request.
    pub async fn operate(&self, id: Uuid, request: OperateVnfRequest) -> ApiResult<Uuid> {
        let grace = stop_grace(&request)?;
        let running = self.running(id).await?;
        let additional = &request.additional_params;
        let (vnfd, flavour) = (&running.known.vnfd, &running.facts.flavour_id);
        declared_only(Some(vnfd), flavour, OPERATE, additional)?;
        let shortest = running.known.vnfd.lcm_operations.min_graceful_stop_s;
        not_too_short("/gracefulStopTimeout", grace, shortest)?;
        let vnfcs = running.vnfcs(&request.vnfc_instance_id)?;
        let op = Uuid::new_v4();
        let change = Change { update: &vnfcs, ..Change::default() };
        let grant = grants::request(&self.asking(op, &running), LcmOperationType::Operate, &change);
        let run = request.change_state_to == VnfOperationalState::Started;
        let plan = operate::plan(&vnfcs, &grant, run, grace).map_err(|e| cause::submit(e.into(), &self.base))?;
        let asked = Asked { kind: OPERATE, additional, properties: None, change: None };
        let plan = self.around(vnfd, flavour, &asked, plan)?;
        let params = running.params(&request, running.facts.clone());
        self.submit(&running.stored, InstantiationState::Instantiated, new_operation(op, OPERATE, id, &params, plan))
            .await
    }

    /// Begins a healing; returns the occurrence's id.
    ///
    /// # Errors
    /// 404, 409, or 422 with every fault of the request.
    pub async fn heal(&self, id: Uuid, request: HealVnfRequest) -> ApiResult<Uuid> {
        self.heal_as(Begun::asked(), id, request).await
    }

    pub(super) async fn heal_as(&self, begun: Begun, id: Uuid, request: HealVnfRequest) -> ApiResult<Uuid> {
        let running = self.running(id).await?;
        let additional = &request.additional_params;
        let (vnfd, flavour) = (&running.known.vnfd, &running.facts.flavour_id);
        declared_only(Some(vnfd), flavour, HEAL, additional)?;
        let causes = &running.known.vnfd.lcm_operations.heal_causes;
        if let Some(cause) = request.cause.as_ref().filter(|cause| !causes.is_empty() && !causes.contains(cause)) {
            let fault = Fault::new("/cause", format!("the VNFD does not know the cause {cause:?}"));
            let mend = fault.mend(format!("one of {}, or leave it out", causes.join(", ")));
            return Err(ApiError::unprocessable("the VNF cannot be healed like this", vec![mend]));
        }
        let vnfcs = running.vnfcs(&request.vnfc_instance_id)?;
        let change = Change { update: &vnfcs, ..Change::default() };
        let grant = grants::request(&self.asking(begun.clone(), &running), LcmOperationType::Heal, &change);
        let plan = heal::plan(&vnfcs, &running.has, &grant).map_err(|e| cause::submit(e.into(), &self.base))?;
        let asked = Asked { kind: HEAL, additional, properties: None, change: None };
        let plan = self.around(vnfd, flavour, &asked, plan)?;
        let params = running.params(&request, running.facts.clone());
        let operation = new_operation(begun, HEAL, id, &params, plan);
        self.submit(&running.stored, InstantiationState::Instantiated, operation).await
    }

    pub(super) fn asking<'a>(&'a self, begun: impl Into<Begun>, running: &'a Running) -> Asking<'a> {
        let begun = begun.into();
        Asking {
            op: begun.op,
            automatic: begun.automatic.is_some(),
            instance: running.stored.document.0.id,
            vnfd_id: &running.stored.document.0.vnfd_id,
            flavour_id: &running.facts.flavour_id,
            level_id: None,
            dst_vnfd_id: None,
            base: &self.base,
        }
    }
}

fn stop_grace(request: &OperateVnfRequest) -> ApiResult<Option<u32>> {
    let stops = request.change_state_to == VnfOperationalState::Stopped;
    let mut faults = Vec::new();
    if request.stop_type.is_some() && !stops {
        faults.push(Fault::new("/stopType", "it has no meaning with STARTED").mend("leave it out"));
    }
    let graceful = stops && request.stop_type == Some(StopType::Graceful);
    if request.graceful_stop_timeout.is_some() && !graceful {
        let fault = Fault::new("/gracefulStopTimeout", "it has a meaning only when stopType is GRACEFUL");
        faults.push(fault.mend("leave it out"));
    }
    if !faults.is_empty() {
        return Err(ApiError::faults("the request", faults));
    }
    if !graceful {
        return Ok(None);
    }
    grace_within("/gracefulStopTimeout", request.graceful_stop_timeout.unwrap_or(DEFAULT_GRACE_SECONDS)).map(Some)
}
