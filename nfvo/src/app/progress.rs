//! How an operation goes, step by step, with the steps of the VNF operations that it waits for.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::response::Response;
use lcm::{Engine, OperationView, StepView};
use reference_points::os_ma_nfvo::mano::{OpProgress, OpStep, OpSummary, StepState};
use service::http::{After, ApiError, ApiResult, Wake, event_stream, numbered};
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::notices::Notices;
use super::{App, problems};
use crate::ops::params::kinds;

/// The operation and all its steps, as they stand.
///
/// # Errors
/// 404 without such an operation.
pub async fn progress(app: &App, id: Uuid) -> ApiResult<OpProgress> {
    let op = app.engine.get(id).await?.ok_or_else(|| ApiError::not_found(format!("NS operation occurrence {id}")))?;
    let steps = app.engine.steps(id).await?;
    let mut shown: Vec<OpStep> = steps.iter().map(|s| step(s, &op)).collect();
    let waiting: Vec<(usize, Uuid)> = steps.iter().enumerate().filter_map(|(i, s)| Some((i, waits_for(s)?))).collect();
    let parts = futures::future::join_all(waiting.iter().map(|(_, vnf_op)| app.vnfm_steps(*vnf_op))).await;
    for ((i, _), parts) in waiting.iter().zip(parts) {
        shown[*i].parts = parts;
    }
    Ok(OpProgress { operation: summary(&op), steps: shown })
}

/// The operation in one line.
pub fn summary(op: &OperationView) -> OpSummary {
    OpSummary {
        id: op.id,
        operation: op.kind.clone(),
        state: op.state.as_str().to_owned(),
        instance_id: op.subject.parse().unwrap_or_default(),
        started_at: op.created_at,
        state_entered_at: op.state_entered,
        trace_id: problems::trace_id(op),
        automatic: op.automatic,
        problem: op.error.as_ref().map(|p| problems::details(p, op)),
    }
}

fn step(step: &StepView, op: &OperationView) -> OpStep {
    use lcm::StepState as S;
    let state = match step.state {
        S::Pending => StepState::Pending,
        S::Running => StepState::Running,
        S::Parked => StepState::Waiting,
        S::Backoff | S::Unknown => StepState::Retrying,
        S::Done => StepState::Done,
        S::Failed | S::UndoFailed => StepState::Failed,
        S::Undoing | S::UndoParked | S::UndoBackoff | S::UndoReady => StepState::Undoing,
        S::Undone => StepState::Undone,
    };
    OpStep {
        key: step.key.clone(),
        kind: step.kind.clone(),
        title: step.title.clone(),
        state,
        after: step.after.clone(),
        attempts: step.attempt,
        started_at: step.started_at,
        ended_at: step.finished_at,
        note: step.note.clone(),
        output: None,
        problem: step.error.as_ref().map(|p| problems::details(p, op)),
        parts: Vec::new(),
    }
}

/// The VNF operation that a step waits for, or has waited for.
fn waits_for(step: &StepView) -> Option<Uuid> {
    let of_vnfm = matches!(step.kind.as_str(), kinds::VNF_INSTANTIATE | kinds::VNF_TERMINATE);
    let note = step.note.as_deref().filter(|_| of_vnfm)?;
    // The note is the only place where the journal shows what a step is parked for.
    note.rsplit_once("(operation ")?.1.trim_end_matches(')').parse().ok()
}

impl App {
    /// Steps of a VNF operation, as far as the VNFM tells.
    async fn vnfm_steps(&self, op: Uuid) -> Vec<OpStep> {
        self.vnf_steps.steps(op).await.map(|p| p.steps).unwrap_or_default()
    }
}

/// How often the VNFM is asked for its steps while somebody watches.
const LOOK_AGAIN: Duration = Duration::from_millis(400);
/// Looks without news before the stream says that it is alive.
const QUIET_LOOKS: usize = 30;

/// The operation as it happens, for one reader.
///
/// # Errors
/// 404 without such an operation.
pub async fn stream(app: &App, id: Uuid, after: After) -> ApiResult<Response> {
    progress(app, id).await?;
    let (app, wake) = (app.clone(), app.progress.clone());
    let shown: Arc<tokio::sync::Mutex<Option<OpProgress>>> = Arc::default();
    Ok(event_stream(after, &wake, move |after, _| {
        let (app, shown) = (app.clone(), shown.clone());
        async move {
            let mut shown = shown.lock().await;
            for _ in 0..QUIET_LOOKS {
                let now = progress(&app, id).await?;
                let events = now.changes_since(shown.as_ref());
                // Only what another service does goes unannounced.
                let unannounced = now.steps.iter().any(|s| s.state == StepState::Waiting);
                *shown = Some(now);
                if !events.is_empty() || !unannounced {
                    return numbered(after, &events);
                }
                tokio::time::sleep(LOOK_AGAIN).await;
            }
            Ok(Vec::new())
        }
    }))
}

/// Rings the live views and the deliverer whenever the engine wrote something, until the service ends.
///
/// # Errors
/// None.
pub async fn ring(
    engine: Engine,
    progress: Wake,
    notices: Notices,
    shutdown: CancellationToken,
) -> Result<(), Infallible> {
    let mut changes = engine.watch();
    loop {
        let change = tokio::select! {
            () = shutdown.cancelled() => return Ok(()),
            change = changes.recv() => change,
        };
        let transitioned = match change {
            Ok(change) => change.transitioned,
            // What was missed stands in the database.
            Err(RecvError::Lagged(_)) => true,
            Err(RecvError::Closed) => return Ok(()),
        };
        progress.ring();
        // What subscribers hear of is written with a transition.
        if transitioned {
            notices.kick();
        }
    }
}
