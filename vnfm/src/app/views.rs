//! Operations as they stand: the occurrence and its steps.

use std::sync::Arc;

use axum::response::Response;
use lcm::{StepState as Engine, StepView};
use reference_points::common::{ProblemDetails, TraceContext, Uuid};
use reference_points::or_vnfm::VnfLcmOpOcc;
use reference_points::os_ma_nfvo::mano::{OpProgress, OpStep, OpSummary, StepState};
use serde::Deserialize;
use service::http::{After, ApiError, ApiResult, event_stream, numbered};

use super::App;
use super::quotas::noted;
use crate::ops::occurrence;
use crate::ops::ve::coordinated;
use crate::scripts::Finished;
use crate::store::ve::coordinations;

impl App {
    /// An occurrence with its ETag, made from the engine's present view.
    ///
    /// # Errors
    /// 404 when there is none.
    pub async fn occurrence(&self, id: Uuid) -> ApiResult<(VnfLcmOpOcc, String)> {
        let Some(op) = self.engine.get(id).await? else {
            return Err(ApiError::not_found(format!("VNF LCM operation occurrence {id}")));
        };
        let steps = self.engine.steps(id).await?;
        let mut connection = self.db.pool.acquire().await.map_err(db::DbError::from)?;
        let kept = coordinations(&mut connection, id).await?.into_iter().map(|(_, kept)| kept).collect();
        let mut shown = coordinated(occurrence::of(&op, &steps, &self.base), kept);
        // What the NFVO told since changes the occurrence, though not the operation.
        let told = self.quotas.note(&op).await?;
        let Some(told) = told else { return Ok((shown, format!("\"{}\"", op.version))) };
        shown.error = shown.error.map(|problem| noted(problem, &told));
        Ok((shown, format!("\"{}.{}\"", op.version, told.made_at)))
    }

    /// The steps of an operation as they stand.
    ///
    /// # Errors
    /// 404 when there is none.
    pub async fn progress(&self, id: Uuid) -> ApiResult<OpProgress> {
        let Some(op) = self.engine.get(id).await? else {
            return Err(ApiError::not_found(format!("VNF LCM operation occurrence {id}")));
        };
        let steps = self.engine.steps(id).await?.into_iter().map(shown).collect();
        let told = self.quotas.note(&op).await?;
        let noted = |problem| match &told {
            Some(told) => noted(problem, told),
            None => problem,
        };
        let trace = op.traceparent.as_deref().and_then(|t| t.parse::<TraceContext>().ok()).map(|t| t.trace_id());
        let operation = OpSummary {
            id,
            operation: op.kind.clone(),
            state: op.state.to_string(),
            instance_id: op.subject.parse().unwrap_or_else(|_| Uuid::nil()),
            started_at: op.created_at,
            state_entered_at: op.state_entered,
            trace_id: trace,
            automatic: op.automatic,
            problem: op.error.as_ref().map(|problem| noted(occurrence::error(&op, problem))),
        };
        Ok(OpProgress { operation, steps })
    }
}

impl App {
    /// An operation as it happens, for one reader: a look whenever the engine rings, for all its steps are its own.
    ///
    /// # Errors
    /// 404 when there is none.
    pub async fn stream(&self, id: Uuid, after: After) -> ApiResult<Response> {
        self.progress(id).await?;
        let (app, told): (_, Arc<tokio::sync::Mutex<Option<OpProgress>>>) = (self.clone(), Arc::default());
        Ok(event_stream(after, &self.changed, move |after, _| {
            let (app, told) = (app.clone(), told.clone());
            async move {
                let now = app.progress(id).await?;
                let events = now.changes_since(told.lock().await.replace(now.clone()).as_ref());
                numbered(after, &events)
            }
        }))
    }
}

/// What a script printed.
fn printed(kind: &str, output: Option<&serde_json::Value>) -> Option<String> {
    let finished = Finished::deserialize(output.filter(|_| kind == "script")?).ok()?;
    let parts = [finished.stdout, finished.stderr];
    let text: Vec<&str> = parts.iter().map(|t| t.trim_end()).filter(|t| !t.is_empty()).collect();
    (!text.is_empty()).then(|| text.join("\n"))
}

fn shown(step: StepView) -> OpStep {
    let problem = step.error.as_ref().map(|p| {
        let mut details =
            ProblemDetails::new(p.status.filter(|s| *s >= 400).unwrap_or(500), p.title.clone(), p.detail.clone());
        details.resource = p.resource.clone();
        details.answer = p.source.clone();
        details
    });
    OpStep {
        state: match step.state {
            Engine::Pending => StepState::Pending,
            Engine::Running => StepState::Running,
            Engine::Parked | Engine::UndoParked => StepState::Waiting,
            Engine::Backoff | Engine::Unknown => StepState::Retrying,
            Engine::Done => StepState::Done,
            Engine::Failed | Engine::UndoFailed => StepState::Failed,
            Engine::Undoing | Engine::UndoBackoff | Engine::UndoReady => StepState::Undoing,
            Engine::Undone => StepState::Undone,
        },
        output: printed(&step.kind, step.output.as_deref()),
        key: step.key,
        kind: step.kind,
        title: step.title,
        after: step.after,
        attempts: step.attempt,
        started_at: step.started_at,
        ended_at: step.finished_at,
        note: step.note,
        problem,
        parts: Vec::new(),
    }
}
