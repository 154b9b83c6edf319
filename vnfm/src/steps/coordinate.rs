//! Coordinating an operation with its VNF or element manager (SOL002 v3.5.1 clause 10): asked for once, looked at until it
//! has ended, cancelled when the operation goes back.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use lcm::{Outcome, Problem, Step, StepCx, StepError};
use reference_points::common::CallError;
use reference_points::or_vnfm::{LcmCoordination, Link, RejectedLcmCoordination, Timestamp};
use reference_points::ve_vnfm::{
    CoordClient, Coordinated, LcmCoord, LcmCoordRequest, LcmCoordRequestLinks, LcmCoordResultType,
};
use serde_json::json;
use uuid::Uuid;

use super::script::Surroundings;
use super::{failed, permanent};
use crate::ops::ve::{Answers, CoordinationParams, Coordinations};

/// Seconds after which one that goes on is looked at, when the other side does not say.
const LOOK_SECONDS: u64 = 2;
/// Longest pause that the other side may ask for, in seconds.
const LONGEST_SECONDS: u64 = 600;
/// How often one may be put off.
const MAX_REJECTED: usize = 10;

/// The seam towards LCM coordination.
#[async_trait]
pub trait Coordinating: Send + Sync {
    /// Asks for one at `base`.
    async fn begin(&self, base: &str, request: &LcmCoordRequest) -> Result<Coordinated, CallError>;
    /// Looks at one.
    async fn look(&self, base: &str, location: &str) -> Result<Coordinated, CallError>;
    /// Cancels one.
    async fn cancel(&self, base: &str, location: &str) -> Result<(), CallError>;
}

/// The real one, over HTTP.
#[derive(Debug, Clone, Copy, Default)]
pub struct Coordinators;

#[async_trait]
impl Coordinating for Coordinators {
    async fn begin(&self, base: &str, request: &LcmCoordRequest) -> Result<Coordinated, CallError> {
        CoordClient::new(base).begin(request).await
    }

    async fn look(&self, base: &str, location: &str) -> Result<Coordinated, CallError> {
        CoordClient::new(base).look(location).await
    }

    async fn cancel(&self, base: &str, location: &str) -> Result<(), CallError> {
        CoordClient::new(base).cancel(location).await
    }
}

/// Wake key of a coordination.
pub fn coordination_key(operation: Uuid, step: &str) -> String {
    format!("coordination/{operation}/{step}")
}

/// Coordinates.
pub struct Coordinate {
    /// Who is asked.
    pub with: Arc<dyn Coordinating>,
    /// What is kept, and where the VNF is.
    pub around: Arc<dyn Surroundings>,
}

#[async_trait]
impl Step for Coordinate {
    async fn run(&self, cx: &StepCx) -> Result<Outcome, StepError> {
        let params: CoordinationParams = cx.params_as()?;
        let mut kept = self.kept(cx).await?;
        if kept.open().is_some() {
            match self.with.look(&kept.endpoint, &kept.location).await {
                Ok(answer) => return self.answered(cx, &params, kept, answer).await,
                // It is not known there any more: another one is asked for.
                Err(error) if error.status() == Some(404) => {
                    self.closed(&mut kept, LcmCoordResultType::Cancelled);
                }
                Err(error) => return Err(refused(&params, &error)),
            }
        }
        kept.endpoint = self.endpoint(cx, &params).await?;
        match self.with.begin(&kept.endpoint, &request(cx, &params)?).await {
            Ok(answer) => {
                let id = match &answer {
                    Coordinated::Ended(coord) => coord.id.clone(),
                    Coordinated::GoesOn { location, .. } => {
                        location.trim_end_matches('/').rsplit('/').next().unwrap_or_default().to_owned()
                    }
                };
                kept.begun.push(LcmCoordination {
                    id,
                    coordination_action_name: params.action.clone(),
                    coordination_result: None,
                    start_time: Timestamp::from_micros(self.around.now()),
                    end_time: None,
                    endpoint_type: params.endpoint_type.clone(),
                    delay: None,
                });
                self.answered(cx, &params, kept, answer).await
            }
            Err(error) => self.put_off(cx, &params, kept, &error).await,
        }
    }

    /// What goes on is cancelled; what has ended stays as it is.
    async fn undo(&self, cx: &StepCx) -> Result<Outcome, StepError> {
        let params: CoordinationParams = cx.params_as()?;
        let mut kept = self.kept(cx).await?;
        if kept.open().is_some() {
            self.with.cancel(&kept.endpoint, &kept.location).await.map_err(|e| refused(&params, &e))?;
            self.closed(&mut kept, LcmCoordResultType::Cancelled);
            self.around.keep(cx, json!(kept)).await?;
        }
        Ok(Outcome::done())
    }
}

impl Coordinate {
    async fn kept(&self, cx: &StepCx) -> Result<Coordinations, StepError> {
        let kept = self.around.kept(cx).await?;
        Ok(kept.and_then(|value| serde_json::from_value(value).ok()).unwrap_or_default())
    }

    fn closed(&self, kept: &mut Coordinations, result: LcmCoordResultType) {
        let now = Timestamp::from_micros(self.around.now());
        if let Some(open) = kept.open() {
            (open.coordination_result, open.end_time) = (Some(result), Some(now));
        }
    }

    async fn endpoint(&self, cx: &StepCx, params: &CoordinationParams) -> Result<String, StepError> {
        let scene = self.around.instance(cx).await?;
        params.endpoint.address(Answers::Coordination, &scene.record, &scene.vnfcs).ok_or_else(|| {
            let attribute = Answers::Coordination.attribute();
            let text = format!(
                "nothing says where {} is coordinated: give the instance the metadata {attribute}, the VNFD a \
                 SupportedVnfInterface policy, or the VNFM ve_vnfm.coordination_endpoint; then retry",
                params.action
            );
            permanent("The operation cannot be coordinated", &text)
        })
    }

    async fn answered(
        &self,
        cx: &StepCx,
        params: &CoordinationParams,
        mut kept: Coordinations,
        answer: Coordinated,
    ) -> Result<Outcome, StepError> {
        let ended = match answer {
            Coordinated::GoesOn { location, delay_seconds } => {
                if let Some(open) = kept.open() {
                    open.delay = delay_seconds.or(open.delay);
                }
                kept.location = location;
                self.around.keep(cx, json!(kept)).await?;
                let pause = delay_seconds.unwrap_or(LOOK_SECONDS).clamp(1, LONGEST_SECONDS);
                let note = format!("{} goes on at the VNF or its element manager", params.action);
                return Ok(Outcome::park(coordination_key(cx.operation, &cx.key), Duration::from_secs(pause), note));
            }
            Coordinated::Ended(ended) => ended,
        };
        self.closed(&mut kept, ended.coordination_result);
        self.around.keep(cx, json!(kept)).await?;
        match ended.coordination_result {
            LcmCoordResultType::Continue => Ok(Outcome::Done(json!(ended))),
            result => Err(stopped(params, result, &ended)),
        }
    }

    /// 503 with a time: it is asked for again then.
    async fn put_off(
        &self,
        cx: &StepCx,
        params: &CoordinationParams,
        mut kept: Coordinations,
        error: &CallError,
    ) -> Result<Outcome, StepError> {
        let delay = match error {
            CallError::Refused { problem, .. } if problem.status == 503 => problem.retry_after,
            _ => None,
        };
        let Some(delay) = delay else { return Err(refused(params, error)) };
        kept.rejected.push(RejectedLcmCoordination {
            coordination_action_name: params.action.clone(),
            rejection_time: Timestamp::from_micros(self.around.now()),
            endpoint_type: params.endpoint_type.clone(),
            delay,
        });
        self.around.keep(cx, json!(kept)).await?;
        if kept.rejected.len().is_multiple_of(MAX_REJECTED) {
            return Err(permanent(
                "The operation was not coordinated",
                &format!("{error}; put off {MAX_REJECTED} times"),
            ));
        }
        let note = format!("{} was put off by {delay} s", params.action);
        let pause = Duration::from_secs(delay.clamp(1, LONGEST_SECONDS));
        Ok(Outcome::park(coordination_key(cx.operation, &cx.key), pause, note))
    }
}

fn request(cx: &StepCx, params: &CoordinationParams) -> Result<LcmCoordRequest, StepError> {
    let told = |what: &str| permanent("The operation cannot be coordinated", &format!("{what} is not known to SOL002"));
    let link = |path: String| Link::new(format!("{}{path}", params.base));
    Ok(LcmCoordRequest {
        vnf_instance_id: cx.subject.parse().map_err(|_| told(&cx.subject))?,
        vnf_lcm_op_occ_id: cx.operation,
        lcm_operation_type: cx.operation_kind.parse().map_err(|_| told(&cx.operation_kind))?,
        coordination_action_name: params.action.clone(),
        input_params: params.inputs.clone(),
        links: LcmCoordRequestLinks {
            vnf_lcm_op_occ: link(format!("/vnflcm/v2/vnf_lcm_op_occs/{}", cx.operation)),
            vnf_instance: link(format!("/vnflcm/v2/vnf_instances/{}", cx.subject)),
        },
    })
}

fn refused(params: &CoordinationParams, error: &CallError) -> StepError {
    failed("The operation was not coordinated", format!("coordination {}", params.action), error)
}

fn stopped(params: &CoordinationParams, result: LcmCoordResultType, ended: &LcmCoord) -> StepError {
    let why = ended.error.as_ref().map(|e| e.detail.clone()).or_else(|| ended.warnings.clone());
    let said = json!(result).as_str().unwrap_or_default().to_owned();
    let text = format!(
        "{} ended with {said}: {}; a retry asks again",
        params.action,
        why.as_deref().unwrap_or("the other side gives no reason")
    );
    let problem = Problem::new("The VNF or its element manager stopped the operation", text).status(409);
    StepError::permanent(problem.resource(format!("coordination {}", ended.id)).answered(said))
}
