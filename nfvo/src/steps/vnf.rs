//! VNF instances: created, instantiated, terminated and deleted through the VNFM (SOL003 clause 5). What is done next is
//! decided in [`crate::ops::pursue`]; here it is carried out, and waited for without a task.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use lcm::{Lookup, Outcome, Step, StepCx, StepError};
use reference_points::common::CallError;
use reference_points::or_vnfm::{InstantiateVnfRequest, TerminateVnfRequest, VnfInstance};
use serde_json::json;
use uuid::Uuid;

use super::{failed, ledger, problem};
use crate::effects::{Ledger, VnfRecord, Vnfms};
use crate::ops::params::{VnfCreateParams, VnfCreated, VnfEndParams, VnfInstantiateParams};
use crate::ops::plan::terminate_request;
use crate::ops::pursue::{Act, Goal, Memo, Seen, Told, next};

/// A lost notification costs this much.
const POLL: Duration = Duration::from_secs(10);
/// Decisions of one call of a step; each but the last is followed by a look at what it changed.
const MAX_ACTS: usize = 4;

/// Wake key of the steps that wait for a VNF operation.
pub fn wake_key(operation: Uuid) -> String {
    format!("vnflcm:{operation}")
}

/// What every step on VNF instances needs.
pub struct VnfStep {
    pub vnfms: Arc<dyn Vnfms>,
    pub ledger: Arc<dyn Ledger>,
}

/// What `Begin` means.
enum Begin<'a> {
    Instantiate(&'a InstantiateVnfRequest),
    Terminate(&'a TerminateVnfRequest),
}

impl VnfStep {
    /// Brings the VNF instance towards `goal`: done with the instance as it is then, or parked.
    async fn pursue(
        &self,
        cx: &StepCx,
        goal: Goal,
        vnf: Uuid,
        part: &str,
        begin: Begin<'_>,
    ) -> Result<Outcome, StepError> {
        let resource = format!("VNF {part} ({vnf})");
        let attempted = match goal {
            Goal::Running => "VNF not instantiated",
            Goal::Terminated => "VNF not terminated",
            Goal::Undone => "VNF not removed",
        };
        let call = |e: CallError| failed(attempted, &resource, &e);
        let mut memo: Memo = cx.memo_as()?.unwrap_or_default();
        for _ in 0..MAX_ACTS {
            let instance = self.vnfms.instance(vnf).await.map_err(call)?;
            let newest = self.vnfms.newest_operation(vnf).await.map_err(call)?;
            let told = self.ledger.told(vnf).await.map_err(|e| ledger(&e))?;
            let state = instance.as_ref().map(|i| i.instantiation_state);
            let waits = match next(goal, Seen { state, newest: newest.as_ref(), told }, &memo) {
                Act::Done => return Ok(Outcome::Done(json!({"vnfInstanceId": vnf}))),
                Act::Fail(why) => {
                    if let Some(op) = &newest {
                        self.ledger.tell(vnf, Told::of(op)).await.map_err(|e| ledger(&e))?;
                    }
                    return Err(StepError::permanent(problem(attempted, &resource, &why)));
                }
                Act::Begin => {
                    let begun = match begin {
                        Begin::Instantiate(request) => self.vnfms.instantiate(vnf, request).await,
                        Begin::Terminate(request) => self.vnfms.terminate(vnf, request).await,
                    };
                    match begun {
                        Ok(op) => op,
                        // Someone began another operation in between: look what it is.
                        Err(e) if e.status() == Some(409) => continue,
                        Err(e) => return Err(call(e)),
                    }
                }
                Act::Ask(op, ask) => match self.vnfms.ask(op, ask).await {
                    Ok(()) => {
                        memo.asked.push((op, ask));
                        op
                    }
                    // Its state changed in between: look again.
                    Err(e) if e.status() == Some(409) => continue,
                    Err(e) => return Err(call(e)),
                },
                Act::Wait(op) => op,
            };
            memo.waits = Some(waits);
            let note = format!("the VNFM works on VNF {part} (operation {waits})");
            return Ok(Outcome::park(wake_key(waits), POLL, note).remember(json!(memo)));
        }
        Err(StepError::transient(
            lcm::Problem::new(attempted, "the VNFM refused one request after another because of the VNF's state")
                .status(409)
                .resource(resource),
        ))
    }

    async fn find(&self, ns: Uuid, part: &str) -> Result<Option<VnfInstance>, StepError> {
        let found = self.vnfms.find(ns, part).await;
        found.map_err(|e| failed("VNF not looked up", &format!("VNF {part}"), &e))
    }

    async fn delete(&self, vnf: Uuid, part: &str) -> Result<Outcome, StepError> {
        let gone = self.vnfms.delete(vnf).await;
        gone.map_err(|e| failed("VNF not deleted", &format!("VNF {part} ({vnf})"), &e))?;
        self.ledger.vnf_deleted(vnf).await.map_err(|e| ledger(&e))?;
        Ok(Outcome::done())
    }

    async fn record(&self, p: &VnfCreateParams, vnf: Uuid) -> Result<Outcome, StepError> {
        let record = VnfRecord {
            vnf_instance_id: vnf,
            ns_id: p.ns_id,
            part: p.part.clone(),
            vim: p.vim,
            package_id: p.package_id,
        };
        self.ledger.vnf_created(record).await.map_err(|e| ledger(&e))?;
        Ok(Outcome::Done(json!(VnfCreated { vnf_instance_id: vnf })))
    }
}

/// Creates a VNF instance.
pub struct Create(pub VnfStep);

#[async_trait]
impl Step for Create {
    async fn run(&self, cx: &StepCx) -> Result<Outcome, StepError> {
        let p: VnfCreateParams = cx.params_as()?;
        if let Some(there) = self.0.find(p.ns_id, &p.part).await? {
            return self.0.record(&p, there.id).await;
        }
        let made = self.0.vnfms.create(&p.request).await;
        let made = made.map_err(|e| failed("VNF not created", &format!("VNF {}", p.part), &e))?;
        self.0.record(&p, made.id).await
    }

    async fn undo(&self, cx: &StepCx) -> Result<Outcome, StepError> {
        let p: VnfCreateParams = cx.params_as()?;
        match self.0.find(p.ns_id, &p.part).await? {
            Some(there) => self.0.delete(there.id, &p.part).await,
            None => {
                // Deleted by an earlier try, whose record may have stayed.
                let known = cx.own_output.as_ref().and_then(|o| serde_json::from_value(o.as_ref().clone()).ok());
                if let Some(VnfCreated { vnf_instance_id }) = known {
                    self.0.ledger.vnf_deleted(vnf_instance_id).await.map_err(|e| ledger(&e))?;
                }
                Ok(Outcome::done())
            }
        }
    }

    async fn lookup(&self, cx: &StepCx) -> Result<Lookup, StepError> {
        let p: VnfCreateParams = cx.params_as()?;
        // Found or not, running again makes one of it and writes the record.
        Ok(self.0.find(p.ns_id, &p.part).await?.map_or(Lookup::NotDone, |_| Lookup::RunAgain))
    }
}

/// Instantiates a VNF instance.
pub struct Instantiate(pub VnfStep);

#[async_trait]
impl Step for Instantiate {
    async fn run(&self, cx: &StepCx) -> Result<Outcome, StepError> {
        let p: VnfInstantiateParams = cx.params_as()?;
        let VnfCreated { vnf_instance_id } = cx.output_as(&p.created_by)?;
        self.0.pursue(cx, Goal::Running, vnf_instance_id, &p.part, Begin::Instantiate(&p.request)).await
    }

    async fn undo(&self, cx: &StepCx) -> Result<Outcome, StepError> {
        let p: VnfInstantiateParams = cx.params_as()?;
        let VnfCreated { vnf_instance_id } = cx.output_as(&p.created_by)?;
        let forceful = terminate_request(None);
        self.0.pursue(cx, Goal::Undone, vnf_instance_id, &p.part, Begin::Terminate(&forceful)).await
    }
}

/// Terminates a VNF instance.
pub struct Terminate(pub VnfStep);

#[async_trait]
impl Step for Terminate {
    async fn run(&self, cx: &StepCx) -> Result<Outcome, StepError> {
        let p: VnfEndParams = cx.params_as()?;
        let id = match p.vnf_instance_id {
            Some(id) => Some(id),
            None => self.0.find(p.ns_id, &p.part).await?.map(|v| v.id),
        };
        let Some(id) = id else { return Ok(Outcome::done()) };
        self.0.pursue(cx, Goal::Terminated, id, &p.part, Begin::Terminate(&p.request)).await
    }

    /// What is gone stays gone: an operation that removes things is retried, not rolled back.
    async fn undo(&self, _: &StepCx) -> Result<Outcome, StepError> {
        Ok(Outcome::done())
    }
}

/// Deletes a VNF instance.
pub struct Delete(pub VnfStep);

#[async_trait]
impl Step for Delete {
    async fn run(&self, cx: &StepCx) -> Result<Outcome, StepError> {
        let p: VnfEndParams = cx.params_as()?;
        let id = match p.vnf_instance_id {
            Some(id) => Some(id),
            None => self.0.find(p.ns_id, &p.part).await?.map(|v| v.id),
        };
        match id {
            Some(id) => self.0.delete(id, &p.part).await,
            None => Ok(Outcome::done()),
        }
    }

    /// What is gone stays gone: an operation that removes things is retried, not rolled back.
    async fn undo(&self, _: &StepCx) -> Result<Outcome, StepError> {
        Ok(Outcome::done())
    }
}
