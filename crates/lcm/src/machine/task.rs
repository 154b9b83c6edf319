//! What retry, rollback, fail and cancel do to an operation (SOL003 clauses 5.4.14 to 5.4.17). Pure.

use super::Event;
use super::advance::StateChange;
use super::explain::remaining;
use super::snapshot::Snapshot;
use crate::state::{CancelMode, Effect, Refused, Task, allowed};
use crate::view::{EventKind, StepState};

/// What is to be written for a task.
#[derive(Debug)]
pub(crate) struct TaskChange {
    pub dirty: Vec<usize>,
    pub events: Vec<Event>,
    pub change: Option<StateChange>,
}

/// Performs a task on the snapshot, or refuses it.
pub(crate) fn perform(s: &mut Snapshot, task: Task, mode: CancelMode, now: i64) -> Result<TaskChange, Refused> {
    let effect = allowed(s.op.state, task)?;
    let told = match task {
        Task::Cancel => format!("{task} {}", mode.as_str()),
        _ => task.to_string(),
    };
    let mut out =
        TaskChange { dirty: Vec::new(), events: vec![Event::of_operation(EventKind::Task, told)], change: None };
    s.op.updated_at = now;
    let to = match effect {
        Effect::WhenStopped(_) => {
            // A forceful cancel may follow a graceful one, and is not softened by another.
            s.op.cancel = s.op.cancel.max(Some(mode));
            return Ok(out);
        }
        Effect::Now(to) => to,
    };
    for (i, step) in s.steps.iter_mut().enumerate() {
        let state = match (task, step.state) {
            // It may have had a partial effect: it is begun again, and not as if it never had been.
            (Task::Retry, StepState::Failed) => StepState::Backoff,
            (Task::Retry, StepState::Undone) => StepState::Pending,
            (Task::Retry, StepState::UndoFailed | StepState::UndoReady) => StepState::Unknown,
            (Task::Retry, StepState::Unknown) => StepState::Unknown,
            (Task::Rollback, StepState::UndoFailed) => StepState::UndoReady,
            _ => continue,
        };
        step.state = state;
        step.attempt = 0;
        step.next_at = (state == StepState::Backoff).then_some(now);
        step.finished_at = None;
        if state == StepState::Pending {
            step.started_at = None;
        }
        if step.state == StepState::Unknown {
            // Undoing may have begun, so that the output is not to be relied on before it was looked up.
            step.output = None;
            step.error = None;
        }
        out.dirty.push(i);
    }
    let from = s.op.state;
    s.op.state = to;
    s.op.state_entered = now;
    if task == Task::Fail {
        let left = remaining(&s.steps);
        if let Some(problem) = &mut s.op.error {
            problem.remaining = left;
            problem.retry = None;
            problem.rollback = None;
        }
    }
    out.events.push(Event::of_operation(EventKind::State, to.to_string()));
    out.change = Some(StateChange { from, op: s.op.clone(), steps: s.views() });
    Ok(out)
}
