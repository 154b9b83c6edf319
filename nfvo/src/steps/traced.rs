//! Every step runs in the trace of the request that began its operation, so that the calls it makes carry the trace id on.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use lcm::{Lookup, Outcome, RetryPolicy, Step, StepCx, StepError};
use reference_points::common::TraceContext;

/// A step in its operation's trace.
pub struct Traced(pub Arc<dyn Step>);

fn context(cx: &StepCx) -> TraceContext {
    let given = cx.traceparent.as_deref().and_then(|t| t.parse::<TraceContext>().ok());
    given.map_or_else(TraceContext::random, TraceContext::child)
}

#[async_trait]
impl Step for Traced {
    async fn run(&self, cx: &StepCx) -> Result<Outcome, StepError> {
        context(cx).scope(self.0.run(cx)).await
    }

    async fn undo(&self, cx: &StepCx) -> Result<Outcome, StepError> {
        context(cx).scope(self.0.undo(cx)).await
    }

    async fn lookup(&self, cx: &StepCx) -> Result<Lookup, StepError> {
        context(cx).scope(self.0.lookup(cx)).await
    }

    fn retry_policy(&self) -> Option<RetryPolicy> {
        self.0.retry_policy()
    }

    fn time_limit(&self) -> Duration {
        self.0.time_limit()
    }
}
