//! The error that an operation shows: which step, on what, what was answered, and what retry and rollback would do.
//! Pure.

use super::snapshot::{Snapshot, StepRow};
use crate::problem::Problem;
use crate::state::{CancelMode, OperationState};
use crate::view::StepState;

/// How many step titles a sentence lists.
const LISTED: usize = 8;

/// The error as it should stand now. `cancelled` is the cancel that has just taken effect.
pub(super) fn explain(s: &Snapshot, cancelled: Option<CancelMode>) -> Option<Problem> {
    if s.op.state == OperationState::Completed {
        return None;
    }
    let backward = matches!(s.op.state, OperationState::RollingBack | OperationState::RolledBack);
    let failed = |step: &&StepRow| matches!(step.state, StepState::Failed | StepState::UndoFailed);
    let trying = |step: &&StepRow| matches!(step.state, StepState::Backoff | StepState::Unknown | StepState::Running);
    let mut wrong: Vec<Problem> = if backward && !s.any(StepState::UndoFailed) {
        // What made the operator roll back stays, unless undoing brings worse news.
        Vec::new()
    } else {
        s.steps.iter().filter(failed).filter_map(about).collect()
    };
    if wrong.is_empty() && !backward {
        wrong = s.steps.iter().filter(trying).filter_map(about).collect();
        for p in &mut wrong {
            p.title = format!("Being tried again: {}", p.title);
        }
    }
    let mut problem = if wrong.is_empty() {
        match (s.op.state, cancelled) {
            (OperationState::FailedTemp | OperationState::RolledBack, Some(mode)) => cancel(s, mode),
            _ if backward => return s.op.error.clone(),
            (OperationState::FailedTemp | OperationState::Failed | OperationState::Starting, _) => {
                return s.op.error.clone();
            }
            _ => return None,
        }
    } else {
        let mut first = wrong.remove(0);
        first.others = wrong;
        first
    };
    if s.op.state == OperationState::FailedTemp {
        problem.retry = Some(retry_would(s));
        problem.rollback = Some(rollback_would(s));
        if problem.status.is_none() {
            problem.status = Some(500);
        }
    }
    Some(problem)
}

fn about(step: &StepRow) -> Option<Problem> {
    let mut p = step.error.clone()?;
    let way = if step.state.is_undo() { "Undoing " } else { "" };
    p.title = format!("{way}{}: {}", step.title, p.title);
    Some(p)
}

fn cancel(s: &Snapshot, mode: CancelMode) -> Problem {
    let done = s.steps.iter().filter(|step| step.state == StepState::Done).count();
    Problem::new(
        "The operation was cancelled",
        format!("a {} cancel stopped it with {done} of {} steps done", mode.as_str().to_lowercase(), s.steps.len()),
    )
    .status(409)
}

/// What retry would do, in a sentence.
fn retry_would(s: &Snapshot) -> String {
    let todo: Vec<&StepRow> = s.steps.iter().filter(|step| step.state != StepState::Done).collect();
    match todo.len() {
        0 => "retry has nothing left to do and completes the operation".into(),
        n => format!("retry does the {n} steps that are not done: {}", titles(&todo)),
    }
}

/// What rollback would do, in a sentence.
fn rollback_would(s: &Snapshot) -> String {
    let todo: Vec<&StepRow> = s.steps.iter().rev().filter(|step| !step.state.is_clean()).collect();
    match todo.len() {
        0 => "rollback has nothing to undo and ends the operation".into(),
        n => format!("rollback undoes {n} steps: {}", titles(&todo)),
    }
}

fn titles(steps: &[&StepRow]) -> String {
    let mut text = steps.iter().take(LISTED).map(|s| s.title.as_str()).collect::<Vec<_>>().join("; ");
    if steps.len() > LISTED {
        text.push_str(&format!("; and {} more", steps.len() - LISTED));
    }
    text
}

/// Keys of the steps whose effects are, or may be, left outside.
pub(super) fn remaining(steps: &[StepRow]) -> Vec<String> {
    steps.iter().filter(|s| !s.state.is_clean()).map(|s| s.key.clone()).collect()
}
