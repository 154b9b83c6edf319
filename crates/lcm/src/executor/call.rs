//! One call of one step: what it is given, how long it may take, and what happens if its code panics.

use crate::engine::Inner;
use crate::machine::{Snapshot, Work, WorkResult};
use crate::problem::Problem;
use crate::step::{StepCx, StepError};
use crate::view::StepState;
use futures::FutureExt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

/// What step `i` is given.
pub(super) fn context(s: &Snapshot, i: usize, cancel: CancellationToken) -> StepCx {
    let step = &s.steps[i];
    let outputs = s
        .graph
        .all_before(i)
        .into_iter()
        .filter_map(|j| {
            let before = &s.steps[j];
            let output = before.output.clone().filter(|_| before.state == StepState::Done)?;
            Some((before.key.clone(), output))
        })
        .collect();
    StepCx {
        operation: s.op.id,
        operation_kind: s.op.kind.clone(),
        subject: s.op.subject.clone(),
        operation_params: s.op.params.clone(),
        key: step.key.clone(),
        params: step.params.clone(),
        attempt: step.attempt,
        resumed: step.resumed,
        traceparent: s.op.traceparent.clone(),
        memo: step.memo.clone(),
        own_output: step.output.clone(),
        cancel,
        outputs: Arc::new(outputs),
    }
}

/// Makes the call and brings whatever becomes of it into the form of an answer.
pub(super) async fn make(inner: Arc<Inner>, kind: String, work: Work, cx: StepCx) -> WorkResult {
    let trace_id = cx.traceparent.as_deref().and_then(trace_id).unwrap_or_default().to_owned();
    let span = tracing::info_span!("step", op = %cx.operation, step = %cx.key, call = work.as_str(), trace_id);
    let started = inner.clock.now_micros();
    let result = limited(&inner, &kind, work, &cx).instrument(span.clone()).await;
    let outcome = match &result {
        WorkResult::Outcome(crate::step::Outcome::Park { .. }) => "parked",
        WorkResult::Outcome(_) | WorkResult::Found(_) => "done",
        WorkResult::Error(StepError::Transient(_)) => "transient",
        WorkResult::Error(StepError::Permanent(_)) => "permanent",
        WorkResult::Error(StepError::Unknown(_)) => "unknown",
    };
    let micros = inner.clock.now_micros().saturating_sub(started).max(0);
    inner.metrics.step_seconds.with_label_values(&[kind.as_str(), work.as_str(), outcome]).observe(micros as f64 / 1e6);
    span.in_scope(|| match &result {
        WorkResult::Error(e) => tracing::warn!(outcome, error = %e, micros, "step call failed"),
        _ => tracing::debug!(outcome, micros, "step call ended"),
    });
    result
}

async fn limited(inner: &Inner, kind: &str, work: Work, cx: &StepCx) -> WorkResult {
    let Some(step) = inner.registry.get(kind) else {
        return WorkResult::Error(StepError::permanent(Problem::new(
            "This release cannot do a step that is in the journal",
            format!(
                "there is no code for steps of kind '{kind}'; finish the operation with the release that began it, or fail it"
            ),
        )));
    };
    let limit = step.time_limit();
    let until = inner.clock.now_micros().saturating_add(crate::config::micros(limit));
    let called = AssertUnwindSafe(async {
        match work {
            Work::Run => step.run(cx).await.map_or_else(WorkResult::Error, WorkResult::Outcome),
            Work::Undo => step.undo(cx).await.map_or_else(WorkResult::Error, WorkResult::Outcome),
            Work::Lookup => step.lookup(cx).await.map_or_else(WorkResult::Error, WorkResult::Found),
        }
    })
    .catch_unwind();
    tokio::select! {
        result = called => result.unwrap_or_else(|panic| WorkResult::Error(StepError::permanent(panicked(kind, work, &*panic)))),
        () = inner.clock.sleep_until(until) => WorkResult::Error(StepError::unknown(Problem::new(
            "A step took too long",
            format!("the call of {} did not end within {limit:?} and was abandoned", work.as_str()),
        ))),
    }
}

fn panicked(kind: &str, work: Work, panic: &(dyn std::any::Any + Send)) -> Problem {
    let said = panic
        .downcast_ref::<&str>()
        .map(|s| (*s).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_default();
    Problem::new(
        "The program has a fault",
        format!(
            "the code of {} for steps of kind '{kind}' panicked: {said}; please report it with the service's log",
            work.as_str()
        ),
    )
    .status(500)
}

/// The trace id in a W3C `traceparent`: version, trace id, parent id, flags.
pub(super) fn trace_id(traceparent: &str) -> Option<&str> {
    traceparent.split('-').nth(1).filter(|id| id.len() == 32)
}
