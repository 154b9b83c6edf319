//! Asking the NFVO for a grant (SOL003 clause 9). The answer is the step's output, so a retry uses the same; the NFVO
//! answers the same to the same operation, so asking twice is one grant.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use lcm::{Lookup, Outcome, Problem, Step, StepCx, StepError};
use reference_points::common::CallError;
use reference_points::or_vnfm::{Grant, GrantAnswer, GrantClient, GrantRequest};
use serde_json::json;
use uuid::Uuid;

use super::failed;
use crate::foreign::{Connections, Foreign, complete};
use crate::ops::params::OperationParams;

/// How soon a grant that comes later is asked for again: SOL003 has no notification of it.
const ASK_AGAIN: Duration = Duration::from_millis(500);

/// The seam towards the NFVO's grant interface.
#[async_trait]
pub trait Granting: Send + Sync {
    /// Asks for a grant.
    async fn request(&self, request: &GrantRequest) -> Result<GrantAnswer, CallError>;
    /// Looks at a grant that was promised; `None` while it is not decided.
    async fn get(&self, location: &str) -> Result<Option<Grant>, CallError>;
    /// The VIM connections that are known of an instance.
    async fn known(&self, _instance: Uuid) -> Result<Connections, StepError> {
        Ok(Connections::new())
    }
}

/// What is known of instances.
#[async_trait]
pub trait Known: Send + Sync {
    /// The VIM connections of one.
    async fn connections(&self, instance: Uuid) -> Result<Connections, StepError>;
}

/// The real one, over HTTP. What it grants in VIMs of others is granted in own ones from there on.
pub struct Nfvo {
    /// The NFVO.
    pub client: GrantClient,
    /// Where VIMs of others are registered.
    pub foreign: Foreign,
    /// Where connections that a grant only refers to are found.
    pub known: Arc<dyn Known>,
}

impl Nfvo {
    async fn own(&self, grant: Grant) -> Result<Grant, CallError> {
        let refused = |problem| CallError::Refused {
            peer: "vim-adapter".to_owned(),
            url: "vimConnectionInfo".to_owned(),
            problem,
        };
        self.foreign.settle_grant(grant).await.map_err(refused)
    }
}

#[async_trait]
impl Granting for Nfvo {
    async fn request(&self, request: &GrantRequest) -> Result<GrantAnswer, CallError> {
        match self.client.request(request).await? {
            GrantAnswer::Granted(grant) => Ok(GrantAnswer::Granted(Box::new(self.own(*grant).await?))),
            later => Ok(later),
        }
    }

    async fn get(&self, location: &str) -> Result<Option<Grant>, CallError> {
        match self.client.get(location).await? {
            Some(grant) => self.own(grant).await.map(Some),
            None => Ok(None),
        }
    }

    async fn known(&self, instance: Uuid) -> Result<Connections, StepError> {
        self.known.connections(instance).await
    }
}

/// Asks for the grant of an operation.
pub struct Ask(pub Arc<dyn Granting>);

#[async_trait]
impl Step for Ask {
    async fn run(&self, cx: &StepCx) -> Result<Outcome, StepError> {
        let request: GrantRequest = cx.params_as()?;
        if let Some(location) = cx.memo_as::<String>()? {
            let found = self.0.get(&location).await.map_err(|e| refused(&e))?;
            return match found {
                Some(grant) => self.granted(cx, &request, grant).await,
                None => Ok(later(location)),
            };
        }
        match self.0.request(&request).await.map_err(|e| refused(&e))? {
            GrantAnswer::Granted(grant) => self.granted(cx, &request, *grant).await,
            GrantAnswer::Later(location) => Ok(later(location)),
        }
    }

    /// A grant reserves nothing, so there is nothing to give back.
    async fn undo(&self, _: &StepCx) -> Result<Outcome, StepError> {
        Ok(Outcome::done())
    }

    async fn lookup(&self, _: &StepCx) -> Result<Lookup, StepError> {
        Ok(Lookup::RunAgain)
    }
}

impl Ask {
    /// The grant, with the connections that it refers to: of the request, or of the instance.
    async fn granted(&self, cx: &StepCx, request: &GrantRequest, grant: Grant) -> Result<Outcome, StepError> {
        let mut known = self.0.known(request.vnf_instance_id).await?;
        let params: OperationParams = cx.operation_params_as()?;
        known.extend(params.connections);
        let unreadable =
            |e: serde_json::Error| StepError::permanent(Problem::new("The grant cannot be read", e.to_string()));
        Ok(Outcome::Done(json!(complete(grant, &known).map_err(unreadable)?)))
    }
}

fn later(location: String) -> Outcome {
    Outcome::park(format!("grant{location}"), ASK_AGAIN, "the NFVO decides").remember(json!(location))
}

fn refused(error: &CallError) -> StepError {
    failed("The NFVO did not grant the operation", "grant".to_owned(), error)
}
