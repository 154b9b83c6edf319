//! Coordination of a lifecycle operation with what its VNF or element manager does meanwhile (SOL002 v3.5.1 clause 10).

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::common::{CallError, Client, KeyValuePairs, ProblemDetails, Reply};
use crate::or_vnfm::{LcmOperationType, Link};

/// Version of `lcmcoord/v1` that is spoken (SOL002 v3.5.1 clause 10.1).
pub const COORDINATION_VERSION: &str = "1.0.0";
/// Coordinations.
const COORDINATIONS: &str = "/lcmcoord/v1/coordinations";

/// A request for coordination (clause 10.5.2.2).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LcmCoordRequest {
    /// The VNF instance.
    pub vnf_instance_id: Uuid,
    /// The operation.
    pub vnf_lcm_op_occ_id: Uuid,
    /// What it does.
    pub lcm_operation_type: LcmOperationType,
    /// The action, as the VNFD calls it.
    pub coordination_action_name: String,
    /// What the action is given.
    #[serde(default, skip_serializing_if = "KeyValuePairs::is_empty")]
    pub input_params: KeyValuePairs,
    /// Where operation and instance are.
    #[serde(rename = "_links")]
    pub links: LcmCoordRequestLinks,
}

/// Links of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LcmCoordRequestLinks {
    /// The operation.
    pub vnf_lcm_op_occ: Link,
    /// The VNF instance.
    pub vnf_instance: Link,
}

/// How a coordination ended (clause 10.5.4.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum LcmCoordResultType {
    /// The operation goes on.
    Continue,
    /// The operation must not go on.
    Abort,
    /// The coordination was cancelled.
    Cancelled,
}

/// A coordination that ended (clause 10.5.2.3).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LcmCoord {
    /// Its identifier.
    pub id: String,
    /// How it ended.
    pub coordination_result: LcmCoordResultType,
    /// The action.
    pub coordination_action_name: String,
    /// What the action gives back.
    #[serde(default, skip_serializing_if = "KeyValuePairs::is_empty")]
    pub output_params: KeyValuePairs,
    /// What was noticed on the way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warnings: Option<String>,
    /// Why it did not succeed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ProblemDetails>,
}

/// What a request for coordination brings.
#[derive(Debug, Clone, PartialEq)]
pub enum Coordinated {
    /// It ended (201 or 200).
    Ended(Box<LcmCoord>),
    /// It goes on (202): where to look, and after how many seconds when the other side says.
    GoesOn {
        /// Where its result will be.
        location: String,
        /// `Retry-After`, in seconds.
        delay_seconds: Option<u64>,
    },
}

/// Client of an EM's or VNF's `lcmcoord/v1`.
#[derive(Debug, Clone)]
pub struct CoordClient(Client);

impl CoordClient {
    /// A client of the EM or VNF at `base`.
    pub fn new(base: &str) -> Self {
        Self(Client::new("coordination", base).version(COORDINATION_VERSION))
    }

    /// Asks for coordination (clause 10.4.2.3.1).
    ///
    /// # Errors
    /// Any [`CallError`]; 503 with `retry_after` when it shall be asked for later.
    pub async fn begin(&self, request: &LcmCoordRequest) -> Result<Coordinated, CallError> {
        let reply: Reply<serde_json::Value> = self.0.post(COORDINATIONS, request).await?;
        match (reply.status, &reply.location) {
            (202, Some(location)) => {
                Ok(Coordinated::GoesOn { location: location.clone(), delay_seconds: reply.retry_after })
            }
            (202, None) => Err(unread(COORDINATIONS, "status 202 without a Location")),
            _ => ended(COORDINATIONS, reply.body),
        }
    }

    /// Looks at one that goes on (clause 10.4.3.3.2).
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn look(&self, location: &str) -> Result<Coordinated, CallError> {
        let reply: Reply<serde_json::Value> = self.0.get(location).await?;
        if reply.status == 202 || reply.body.is_null() {
            return Ok(Coordinated::GoesOn { location: location.to_owned(), delay_seconds: reply.retry_after });
        }
        ended(location, reply.body)
    }

    /// Cancels one that goes on (clause 10.4.4.3.1); one that has ended or is not known stays as it is.
    ///
    /// # Errors
    /// Any [`CallError`] but 404 and 409.
    pub async fn cancel(&self, location: &str) -> Result<(), CallError> {
        match self.0.post_empty(&format!("{}/cancel", location.trim_end_matches('/'))).await {
            Err(error) if matches!(error.status(), Some(404 | 409)) => Ok(()),
            other => other,
        }
    }
}

fn unread(url: &str, why: &str) -> CallError {
    CallError::Garbled { peer: "coordination".to_owned(), url: url.to_owned(), why: why.to_owned() }
}

fn ended(url: &str, body: serde_json::Value) -> Result<Coordinated, CallError> {
    serde_json::from_value(body)
        .map(|coord| Coordinated::Ended(Box::new(coord)))
        .map_err(|e| unread(url, &e.to_string()))
}
