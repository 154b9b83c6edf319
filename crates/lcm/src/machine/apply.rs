//! What the end of a call means for its step. Pure.

use super::snapshot::{Snapshot, StepRow, Work};
use super::{Event, advance::Advance};
use crate::plan::{MAX_JSON_BYTES, json_bytes};
use crate::problem::Problem;
use crate::retry::RetryPolicy;
use crate::step::{Lookup, MAX_WAKE_KEY_BYTES, Outcome, StepError};
use crate::view::{EventKind, StepState};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

/// How a call ended.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum WorkResult {
    Outcome(Outcome),
    Found(Lookup),
    Error(StepError),
}

/// A call that ended.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Report {
    pub step: usize,
    pub work: Work,
    pub result: WorkResult,
    /// The policy of that kind of step.
    pub policy: RetryPolicy,
}

pub(super) fn apply(s: &mut Snapshot, report: &Report, stopping: bool, now: i64, out: &mut Advance) {
    let operation = s.op.id;
    let i = report.step;
    let step = &mut s.steps[i];
    out.dirty.insert(i);
    let pause = {
        let pause = report.policy.pause(step.attempt, (operation, &step.key));
        now.saturating_add(i64::try_from(pause.as_micros()).unwrap_or(i64::MAX))
    };
    let again = report.policy.again(step.attempt);
    match (report.work, checked(report)) {
        (Work::Run, WorkResult::Outcome(Outcome::Done(value)))
        | (Work::Lookup, WorkResult::Found(Lookup::Done(value))) => {
            let how = (report.work == Work::Lookup).then(|| "looked up: it had taken effect".to_owned());
            forget_wait(step, i, out);
            step.output = Some(Arc::new(value));
            step.error = None;
            end(step, StepState::Done, EventKind::Done, how, now, out);
        }
        (Work::Run, WorkResult::Outcome(Outcome::Park { wake_key, poll_after, note, memo })) => {
            park(step, i, StepState::Parked, EventKind::Parked, (wake_key, poll_after, note, memo), now, out);
        }
        (Work::Run, WorkResult::Error(StepError::Transient(p))) if again => {
            later(step, StepState::Backoff, EventKind::Transient, *p, pause, out);
        }
        (Work::Run, WorkResult::Error(StepError::Unknown(p))) => {
            step.error = Some(named(*p, step));
            step.next_at = None;
            step.state = StepState::Unknown;
            let detail = step.error.as_ref().map(ToString::to_string);
            out.events.push(Event::of_step(step, EventKind::Unknown, detail));
        }
        (Work::Lookup, WorkResult::Found(found)) => {
            let none = found == Lookup::NotDone;
            let told = if none { "it had no effect" } else { "its effect is not complete or not known" };
            out.events.push(Event::of_step(step, EventKind::LookedUp, Some(told.to_owned())));
            if stopping {
                // Nothing of it is there, so that there is nothing to undo; otherwise it stays unknown.
                if none {
                    step.state = StepState::Pending;
                }
            } else if !again {
                let p = step.error.clone().unwrap_or_else(|| {
                    Problem::new(
                        "A step never came to an end",
                        "the process ended during each of its tries; look into the service's log for why",
                    )
                });
                fail(step, i, gave_up(p, step.attempt), StepState::Failed, EventKind::Failed, now, out);
            } else {
                // After a lost answer the other side is given time; after a crash of ours there is nothing to wait for.
                step.next_at = Some(if step.error.is_some() { pause } else { now });
                step.state = StepState::Backoff;
            }
        }
        (Work::Lookup, WorkResult::Error(StepError::Transient(p) | StepError::Unknown(p))) if again => {
            step.attempt += 1;
            later(step, StepState::Unknown, EventKind::Transient, *p, pause, out);
        }
        (Work::Undo, WorkResult::Outcome(Outcome::Done(_))) => {
            forget_wait(step, i, out);
            step.output = None;
            step.memo = None;
            step.error = None;
            end(step, StepState::Undone, EventKind::Undone, None, now, out);
        }
        (Work::Undo, WorkResult::Outcome(Outcome::Park { wake_key, poll_after, note, memo })) => {
            park(step, i, StepState::UndoParked, EventKind::UndoParked, (wake_key, poll_after, note, memo), now, out);
        }
        (Work::Undo, WorkResult::Error(StepError::Transient(p) | StepError::Unknown(p))) if again => {
            later(step, StepState::UndoBackoff, EventKind::UndoTransient, *p, pause, out);
        }
        (work, WorkResult::Error(e)) => {
            let p = match e {
                StepError::Permanent(p) => *p,
                StepError::Transient(p) | StepError::Unknown(p) => gave_up(*p, step.attempt),
            };
            let (state, event) = match work {
                Work::Undo => (StepState::UndoFailed, EventKind::UndoFailed),
                Work::Run | Work::Lookup => (StepState::Failed, EventKind::Failed),
            };
            fail(step, i, p, state, event, now, out);
        }
        // The executor pairs calls and results; anything else is its mistake, and is not to be taken for success.
        (work, _) => {
            let p = Problem::new(
                "The engine mixed up an answer",
                format!("a call of {} ended with another call's answer", work.as_str()),
            );
            fail(step, i, p, StepState::Failed, EventKind::Failed, now, out);
        }
    }
    s.steps[i].call_started = None;
}

/// What is too large to be stored is a permanent failure of the step that made it.
fn checked(report: &Report) -> WorkResult {
    let refuse = |what: &str, bytes: usize, most: usize| {
        WorkResult::Error(StepError::permanent(Problem::new(
            "A step's answer is too large for the journal",
            format!("{what} has {bytes} bytes, at most {most} are stored"),
        )))
    };
    match &report.result {
        WorkResult::Outcome(Outcome::Done(v)) | WorkResult::Found(Lookup::Done(v))
            if json_bytes(v) > MAX_JSON_BYTES =>
        {
            refuse("its output", json_bytes(v), MAX_JSON_BYTES)
        }
        WorkResult::Outcome(Outcome::Park { memo, .. }) if json_bytes(memo) > MAX_JSON_BYTES => {
            refuse("what it wants to remember", json_bytes(memo), MAX_JSON_BYTES)
        }
        WorkResult::Outcome(Outcome::Park { wake_key, .. }) if wake_key.len() > MAX_WAKE_KEY_BYTES => {
            refuse("its wake key", wake_key.len(), MAX_WAKE_KEY_BYTES)
        }
        other => other.clone(),
    }
}

fn park(
    step: &mut StepRow,
    i: usize,
    state: StepState,
    event: EventKind,
    (wake_key, poll_after, note, memo): (String, Duration, String, Value),
    now: i64,
    out: &mut Advance,
) {
    if step.wake_key.as_ref().is_some_and(|k| *k != wake_key) {
        forget_wait(step, i, out);
    }
    step.next_at = Some(now.saturating_add(i64::try_from(poll_after.as_micros()).unwrap_or(i64::MAX)));
    step.note = Some(note.clone());
    if !memo.is_null() {
        step.memo = Some(Arc::new(memo));
    }
    step.error = None;
    step.state = state;
    out.parked.push((i, wake_key.clone()));
    out.events.push(Event::of_step(step, event, Some(note)));
    step.wake_key = Some(wake_key);
}

fn later(step: &mut StepRow, state: StepState, event: EventKind, p: Problem, at: i64, out: &mut Advance) {
    step.error = Some(named(p, step));
    step.next_at = Some(at);
    step.state = state;
    let detail = step.error.as_ref().map(ToString::to_string);
    out.retried.push(step.kind.clone());
    out.events.push(Event::of_step(step, event, detail));
}

fn fail(step: &mut StepRow, i: usize, p: Problem, state: StepState, event: EventKind, now: i64, out: &mut Advance) {
    forget_wait(step, i, out);
    step.error = Some(named(p, step));
    let detail = step.error.as_ref().map(ToString::to_string);
    end(step, state, event, detail, now, out);
}

fn end(step: &mut StepRow, state: StepState, event: EventKind, detail: Option<String>, now: i64, out: &mut Advance) {
    step.next_at = None;
    step.note = None;
    step.finished_at = Some(now);
    step.state = state;
    out.events.push(Event::of_step(step, event, detail));
}

/// The step no longer waits for its wake key.
pub(super) fn forget_wait(step: &mut StepRow, i: usize, out: &mut Advance) {
    if let Some(key) = step.wake_key.take() {
        out.parked.retain(|(j, _)| *j != i);
        out.unparked.push(key);
    }
}

fn named(mut p: Problem, step: &StepRow) -> Problem {
    p.step = Some(step.key.clone());
    p
}

fn gave_up(mut p: Problem, attempts: u32) -> Problem {
    p.detail = format!("{} (given up after {attempts} tries)", p.detail);
    p
}
