//! Instantiate, terminate, and the tasks of their occurrences (SOL003 clauses 5.4.4, 5.4.8, 5.4.14 to 5.4.17).

use lcm::{CancelMode, NewOperation, OperationView};
use reference_points::common::{Fault, ProblemDetails, TraceContext, Uuid};
use reference_points::or_vnfm::{
    InstantiateVnfRequest, InstantiationState, LcmOperationType, TerminateVnfRequest, TerminationType, VnfInstance,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use service::http::{ApiError, ApiResult};
use service::store::Stored;

use super::around::{Asked, declared_only};
use super::{App, cause};
use crate::ops::expand::{Given, expand};
use crate::ops::grants::{self, Asking, Change};
use crate::ops::ids::RandomIds;
use crate::ops::modify::extended;
use crate::ops::occurrence::{INSTANTIATE, TERMINATE};
use crate::ops::params::{Automatic, OperationParams};
use crate::ops::properties::merged;
use crate::ops::{instantiate, terminate};
use crate::store::{INSTANCES, Instance, resources};

/// Seconds a guest is given to shut down when the request does not say (TerminateVnfRequest).
const DEFAULT_GRACE_SECONDS: u32 = 60;

impl App {
    /// Makes connections that a request brings with credentials own ones, before anything of them is written down.
    ///
    /// # Errors
    /// What the vim-adapter says; 422 without one.
    pub(super) async fn with_own_connections<R: Serialize + DeserializeOwned>(&self, request: R) -> ApiResult<R> {
        self.foreign.settle_request(request).await.map_err(|problem| ApiError::new(*problem))
    }

    /// Begins an instantiation; returns the occurrence's id.
    ///
    /// # Errors
    /// 404, 409, or 422 with every fault of the request.
    pub async fn instantiate(&self, id: Uuid, request: InstantiateVnfRequest) -> ApiResult<Uuid> {
        let stored = INSTANCES.require(&self.db, id).await?;
        let instance = &stored.document.0;
        let known = self.packages.get(&instance.vnfd_id).await?;
        let request = self.with_own_connections(request).await?;
        let (properties, mut faults) = merged(&known.vnfd, instance, &request);
        let (extensions, more) = extended(&known.vnfd, instance.extensions.clone(), &request.extensions);
        faults.extend(more);
        let name = name_of(instance);
        let given = Given {
            vnfd: &known.vnfd,
            request: &request,
            instance: id,
            name: &name,
            properties: &properties,
            files: &known.files,
            public_keys: &self.public_keys,
        };
        let expanded = expand(&given, &mut RandomIds).map_err(|told| faults.extend(told));
        let Some((blueprint, facts)) = expanded.ok().filter(|_| faults.is_empty()) else {
            return Err(ApiError::unprocessable("the VNF cannot be instantiated like this", faults));
        };
        let op = Uuid::new_v4();
        let asking = Asking {
            op,
            automatic: false,
            instance: id,
            vnfd_id: &instance.vnfd_id,
            flavour_id: &facts.flavour_id,
            level_id: request.instantiation_level_id.as_deref(),
            dst_vnfd_id: None,
            base: &self.base,
        };
        let change = Change { add: Some(&blueprint), ..Change::default() };
        let grant = grants::request(&asking, LcmOperationType::Instantiate, &change);
        let plan = instantiate::plan(&blueprint, &grant).map_err(|e| cause::submit(e.into(), &self.base))?;
        let additional = &request.additional_params;
        let asked = Asked { kind: INSTANTIATE, additional, properties: Some(&properties), change: None };
        let plan = self.around(&known.vnfd, &facts.flavour_id, &asked, plan)?;
        let params = OperationParams {
            request: json!(request),
            facts: Some(facts),
            properties: Some(properties),
            extensions: (!request.extensions.is_empty()).then_some(extensions),
            connections: request.vim_connection_info.clone(),
            ..OperationParams::default()
        };
        self.submit(&stored, InstantiationState::NotInstantiated, new(op, INSTANTIATE, id, &params, plan)).await
    }

    /// Begins a termination; returns the occurrence's id.
    ///
    /// # Errors
    /// 404, 409, or 400 with every fault of the request.
    pub async fn terminate(&self, id: Uuid, request: TerminateVnfRequest) -> ApiResult<Uuid> {
        let grace = grace_seconds(&request)?;
        let stored = INSTANCES.require(&self.db, id).await?;
        let instance = &stored.document.0;
        let flavour = instance.instantiated_vnf_info.as_ref().map(|i| i.flavour_id.clone()).unwrap_or_default();
        // A termination needs nothing of the package, which may not be had: only where it can be read it is asked.
        let known = self.packages.get(&instance.vnfd_id).await;
        let vnfd = known.as_ref().ok().map(|known| &known.vnfd);
        let shortest = vnfd.and_then(|v| v.lcm_operations.min_graceful_termination_s);
        not_too_short("/gracefulTerminationTimeout", grace, shortest)?;
        let additional = &request.additional_params;
        declared_only(vnfd, &flavour, TERMINATE, additional)?;
        let owned = resources::of(&self.db, id).await?;
        let op = Uuid::new_v4();
        let asking = Asking {
            op,
            automatic: false,
            instance: id,
            vnfd_id: &instance.vnfd_id,
            flavour_id: &flavour,
            level_id: None,
            dst_vnfd_id: None,
            base: &self.base,
        };
        let change = Change { remove: &owned, ..Change::default() };
        let grant = grants::request(&asking, LcmOperationType::Terminate, &change);
        let mut plan = terminate::plan(&owned, &grant, grace).map_err(|e| cause::submit(e.into(), &self.base))?;
        match vnfd {
            Some(vnfd) => {
                let asked = Asked { kind: TERMINATE, additional, properties: None, change: None };
                plan = self.around(vnfd, &flavour, &asked, plan)?;
            }
            None => {
                tracing::warn!(instance = %id, "the VNF package cannot be had: it is terminated without its scripts")
            }
        }
        let params = OperationParams { request: json!(request), ..OperationParams::default() };
        self.submit(&stored, InstantiationState::Instantiated, new(op, TERMINATE, id, &params, plan)).await
    }

    /// As [`App::submit_using`], of an operation that concerns no VNF snapshot.
    pub(super) async fn submit(
        &self,
        planned: &Stored<Instance>,
        wanted: InstantiationState,
        operation: NewOperation,
    ) -> ApiResult<Uuid> {
        self.submit_using(planned, wanted, operation, None).await
    }

    /// Writes operation, occurrence and notification in one transaction, if the instance is in the wanted state and still
    /// what the plan was made for. The VNF snapshot that it fills or returns to is the operation's until that rests.
    pub(super) async fn submit_using(
        &self,
        planned: &Stored<Instance>,
        wanted: InstantiationState,
        operation: NewOperation,
        snapshot: Option<(Uuid, bool)>,
    ) -> ApiResult<Uuid> {
        let id = planned.document.0.id;
        let submitted = db::transaction!(self.db, |tx| {
            let stored = INSTANCES.lock(&mut *tx, id).await?;
            self.expect_state(&stored.document.0, wanted)?;
            if stored.etag() != planned.etag() {
                let problem = ProblemDetails::conflict(format!("VNF instance {id} changed while this was planned"));
                return Err(problem.next("send the request again").into());
            }
            if let Some((info, filled)) = snapshot {
                self.claim(&mut *tx, info, filled, operation.id).await?;
            }
            let submitted = self.engine.submit_in(&mut *tx, operation.clone()).await;
            submitted.map_err(|e| cause::submit(e, &self.base))
        })?;
        self.engine.kick();
        self.notifier.kick();
        Ok(submitted.id)
    }

    pub(super) fn expect_state(&self, instance: &VnfInstance, wanted: InstantiationState) -> ApiResult<()> {
        if instance.instantiation_state == wanted {
            return Ok(());
        }
        let next = match wanted {
            InstantiationState::NotInstantiated => "terminate it first",
            InstantiationState::Instantiated => "instantiate it first",
        };
        let detail = format!("VNF instance {} is {}", instance.id, instance.instantiation_state);
        Err(ProblemDetails::conflict(detail).next(next).into())
    }

    /// Tries the failed steps again.
    ///
    /// # Errors
    /// 404, or 409 when the state does not allow it.
    pub async fn retry(&self, op: Uuid) -> ApiResult<()> {
        self.engine.retry(op).await.map_err(cause::task).map(|op| self.after_task(&op))
    }

    /// Undoes what was done. What a termination removed stays removed, so it cannot be rolled back.
    ///
    /// # Errors
    /// 404, or 409 when the state or the operation does not allow it.
    pub async fn rollback(&self, op: Uuid) -> ApiResult<()> {
        if self.engine.get(op).await?.is_some_and(|o| o.kind == TERMINATE) {
            let problem = ProblemDetails::conflict("a termination cannot be rolled back: what it removed is gone");
            return Err(problem.next(format!("mano op retry {op}, or mano op fail {op}")).into());
        }
        self.engine.rollback(op).await.map_err(cause::task).map(|op| self.after_task(&op))
    }

    /// Gives the operation up.
    ///
    /// # Errors
    /// 404, or 409 when the state does not allow it.
    pub async fn fail(&self, op: Uuid) -> ApiResult<()> {
        self.engine.fail(op).await.map_err(cause::task).map(|op| self.after_task(&op))
    }

    /// Cancels the operation.
    ///
    /// # Errors
    /// 404, or 409 when the state does not allow it.
    pub async fn cancel(&self, op: Uuid, mode: CancelMode) -> ApiResult<()> {
        let cancelled = self.engine.cancel(op, mode).await.map_err(cause::task)?;
        self.after_task(&cancelled);
        self.cancel_coordinations(op).await
    }

    fn after_task(&self, op: &OperationView) {
        tracing::info!(operation = %op.id, state = %op.state, "task accepted");
        self.notifier.kick();
    }
}

/// Name of an instance within the VIM.
pub(super) fn name_of(instance: &VnfInstance) -> String {
    let short = || format!("vnf-{}", instance.id.to_string().split('-').next().unwrap_or_default());
    instance.vnf_instance_name.clone().unwrap_or_else(short)
}

/// Under which identifier an operation is begun, and why, where the VNFM does so by itself.
#[derive(Debug, Clone)]
pub(super) struct Begun {
    pub(super) op: Uuid,
    pub(super) automatic: Option<Automatic>,
}

impl Begun {
    /// By a request.
    pub(super) fn asked() -> Self {
        Self::from(Uuid::new_v4())
    }
}

impl From<Uuid> for Begun {
    fn from(op: Uuid) -> Self {
        Self { op, automatic: None }
    }
}

/// A new operation, in the trace of the request.
pub(super) fn new(
    begun: impl Into<Begun>,
    kind: &str,
    instance: Uuid,
    params: &OperationParams,
    plan: lcm::Plan,
) -> NewOperation {
    let begun = begun.into();
    NewOperation {
        id: begun.op,
        kind: kind.to_owned(),
        subject: instance.to_string(),
        automatic: begun.automatic.is_some(),
        params: json!(OperationParams { automatic: begun.automatic, ..params.clone() }),
        plan,
        traceparent: TraceContext::current().map(|c| c.to_string()),
    }
}

fn grace_seconds(request: &TerminateVnfRequest) -> ApiResult<Option<u32>> {
    match (request.termination_type, request.graceful_termination_timeout) {
        (TerminationType::Forceful, None) => Ok(None),
        (TerminationType::Forceful, Some(_)) => Err(ApiError::fault(
            Fault::new("/gracefulTerminationTimeout", "it has no meaning with FORCEFUL").mend("leave it out"),
        )),
        (TerminationType::Graceful, timeout) => {
            grace_within("/gracefulTerminationTimeout", timeout.unwrap_or(DEFAULT_GRACE_SECONDS)).map(Some)
        }
    }
}

/// The VNFD may say how long its guests need at least (SOL001 `VnfLcmOperationsConfiguration`).
pub(super) fn not_too_short(location: &str, grace: Option<u32>, shortest: Option<f64>) -> ApiResult<()> {
    match (grace, shortest) {
        (Some(grace), Some(shortest)) if f64::from(grace) < shortest => {
            let fault = Fault::new(location, format!("{grace} s is less than the {shortest} s that the VNFD asks for"));
            let mend = fault.mend(format!("at least {}", shortest.ceil()));
            Err(ApiError::unprocessable("the guest needs more time", vec![mend]))
        }
        _ => Ok(()),
    }
}

/// Seconds that a guest may be given.
pub(super) fn grace_within(location: &str, seconds: u32) -> ApiResult<u32> {
    if (1..=3600).contains(&seconds) {
        return Ok(seconds);
    }
    Err(ApiError::fault(Fault::new(location, format!("{seconds} is not within 1..=3600 seconds"))))
}
