//! The decision: calls that ended are taken in, states change, calls are begun, until there is nothing left to decide.
//! Pure.

use super::Event;
use super::apply::{Report, apply, forget_wait};
use super::explain::explain;
use super::snapshot::{Mode, Op, Snapshot, Work};
use crate::problem::Problem;
use crate::state::{CancelMode, OperationState};
use crate::view::{EventKind, StepState, StepView};
use std::collections::{BTreeMap, BTreeSet};

/// What may be begun now.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// How many calls.
    pub slots: usize,
    /// The process is ending: nothing is begun, and that is no reason to wait.
    pub closing: bool,
}

/// A transition of the operation's state, with the operation and its steps right after it.
#[derive(Clone, Debug)]
pub(crate) struct StateChange {
    pub from: OperationState,
    pub op: Op,
    pub steps: Vec<StepView>,
}

/// What to do once the snapshot is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rest {
    /// Calls are under way; the earliest waiting step is due then.
    Busy(Option<i64>),
    /// Nothing is under way; the earliest waiting step is due then.
    Until(i64),
    /// Nothing is under way, and something could be begun if there were a slot.
    Starved(Option<i64>),
    /// The operation needs no executor any more.
    Settled,
}

/// What the decision was.
#[derive(Debug)]
pub(crate) struct Advance {
    /// Calls to begin after the write.
    pub start: Vec<(usize, Work)>,
    /// All calls under way are to be dropped after the write.
    pub abandon: bool,
    pub changes: Vec<StateChange>,
    pub events: Vec<Event>,
    /// Steps whose rows changed.
    pub dirty: BTreeSet<usize>,
    /// Steps that began to wait for a key.
    pub parked: Vec<(usize, String)>,
    /// Keys nobody waits for any more.
    pub unparked: Vec<String>,
    /// Kinds of the steps that will be tried again, for the metrics.
    pub retried: Vec<String>,
    /// The operation's error changed.
    pub error_changed: bool,
    /// More could be begun if there were a slot.
    pub starved: bool,
    pub rest: Rest,
}

/// Takes in `reports` and decides, changing `s` to what is to be written. `in_flight` are the calls that are under way
/// besides those reported.
pub(crate) fn advance(
    s: &mut Snapshot,
    in_flight: &BTreeMap<usize, Work>,
    reports: &[Report],
    now: i64,
    limits: Limits,
) -> Advance {
    let mut out = Advance {
        start: Vec::new(),
        abandon: false,
        changes: Vec::new(),
        events: Vec::new(),
        dirty: BTreeSet::new(),
        parked: Vec::new(),
        unparked: Vec::new(),
        retried: Vec::new(),
        error_changed: false,
        starved: false,
        rest: Rest::Settled,
    };
    let error_before = s.op.error.clone();
    let mut flying = in_flight.clone();
    // A lookup's answer means something else once the operation is being stopped, also by a failure reported beside it.
    for report in reports {
        let stopping = matches!(s.mode(true), Mode::Forward { stopping: true, .. } | Mode::Backward { .. });
        apply(s, report, stopping, now, &mut out);
        flying.remove(&report.step);
    }
    // Before anything is undone, so that its cause is kept.
    s.op.error = explain(s, None);
    let mut slots = limits.slots;
    let mut starved;
    let mut cancelled = None;
    loop {
        starved = false;
        let mode = s.mode(!flying.is_empty());
        let next = match mode {
            Mode::Settled => break,
            Mode::Forward { stopping: true, forceful } | Mode::Backward { stopping: true, forceful } => {
                let backward = matches!(mode, Mode::Backward { .. });
                stop(s, &mut flying, forceful, backward, &mut out);
                begin(s, &mut flying, now, &mut slots, &mut starved, resumable(backward), &mut out);
                stopped(s, &flying, backward)
            }
            Mode::Forward { .. } => {
                begin(s, &mut flying, now, &mut slots, &mut starved, forward, &mut out);
                gone_forward(s, &flying)
            }
            Mode::Backward { .. } => {
                begin(s, &mut flying, now, &mut slots, &mut starved, backward, &mut out);
                s.steps.iter().all(|step| step.state.is_clean()).then_some(OperationState::RolledBack)
            }
        };
        let turned = s.mode(!flying.is_empty()) != mode;
        match next {
            Some(to) => transition(s, to, now, &mut cancelled, &mut out),
            None if turned => {}
            None => break,
        }
    }
    s.op.error = explain(s, cancelled.flatten());
    out.error_changed = s.op.error != error_before;
    out.starved = starved && !limits.closing;
    let mode = s.mode(!flying.is_empty());
    let waiting = s
        .steps
        .iter()
        .enumerate()
        .filter(|(i, step)| !flying.contains_key(i) && waits(step.state, mode))
        .filter_map(|(_, step)| step.next_at)
        // What is due and was not begun waits for a slot, and not for the clock.
        .filter(|at| *at > now)
        .min();
    out.rest = match mode {
        Mode::Settled => Rest::Settled,
        _ if !flying.is_empty() => Rest::Busy(waiting),
        _ if out.starved => Rest::Starved(waiting),
        // At the end of the process the next executor is to come at once.
        _ if starved => Rest::Until(now),
        _ => Rest::Until(waiting.unwrap_or(now.saturating_add(STUCK_MICROS))),
    };
    out
}

/// When to look again at an operation that has nothing to wait for. It cannot happen, as the tests show; if it did, the
/// operation must not keep the executor spinning.
const STUCK_MICROS: i64 = 60_000_000;

fn waits(state: StepState, mode: Mode) -> bool {
    matches!(
        (mode, state),
        (Mode::Forward { .. }, StepState::Parked)
            | (Mode::Backward { .. }, StepState::UndoParked)
            | (Mode::Forward { stopping: false, .. }, StepState::Backoff | StepState::Unknown)
            | (Mode::Backward { stopping: false, .. }, StepState::UndoBackoff)
    )
}

/// What may be begun with step `i` while all goes forward.
fn forward(s: &Snapshot, i: usize, now: i64) -> Option<Work> {
    let step = &s.steps[i];
    let reached = || (step.starting || s.op.state == OperationState::Processing) && s.reached(i);
    match step.state {
        StepState::Pending if reached() => Some(Work::Run),
        StepState::Backoff if step.due(now) && reached() => Some(Work::Run),
        StepState::Parked if step.due(now) => Some(Work::Run),
        StepState::Unknown if step.due(now) && reached() => Some(Work::Lookup),
        _ => None,
    }
}

/// What may be begun with step `i` while all is undone.
fn backward(s: &Snapshot, i: usize, now: i64) -> Option<Work> {
    let step = &s.steps[i];
    let due = match step.state {
        StepState::UndoParked | StepState::UndoBackoff => step.due(now),
        StepState::Undoing | StepState::UndoFailed => false,
        state => !state.is_clean(),
    };
    (due && s.uncovered(i)).then_some(Work::Undo)
}

/// What may be begun while the operation is being stopped: only what continues a call that was begun before.
fn resumable(undoing: bool) -> fn(&Snapshot, usize, i64) -> Option<Work> {
    if undoing {
        |s, i, now| (s.steps[i].state == StepState::UndoParked && s.steps[i].due(now)).then_some(Work::Undo)
    } else {
        |s, i, now| (s.steps[i].state == StepState::Parked && s.steps[i].due(now)).then_some(Work::Run)
    }
}

fn begin(
    s: &mut Snapshot,
    flying: &mut BTreeMap<usize, Work>,
    now: i64,
    slots: &mut usize,
    starved: &mut bool,
    what: impl Fn(&Snapshot, usize, i64) -> Option<Work>,
    out: &mut Advance,
) {
    for i in 0..s.steps.len() {
        if flying.contains_key(&i) {
            continue;
        }
        let Some(work) = what(s, i, now) else { continue };
        if *slots == 0 {
            *starved = true;
            continue;
        }
        *slots -= 1;
        let step = &mut s.steps[i];
        let resumed = matches!(step.state, StepState::Parked | StepState::UndoParked);
        step.call_started = Some(now);
        step.resumed = resumed;
        flying.insert(i, work);
        out.start.push((i, work));
        if work == Work::Lookup {
            // Looking changes nothing outside, so there is no intent to write down.
            continue;
        }
        if work == Work::Undo && !matches!(step.state, StepState::UndoParked | StepState::UndoBackoff) {
            if step.state != StepState::UndoReady {
                step.attempt = 0;
            }
            step.error = None;
            step.started_at = None;
            step.finished_at = None;
            forget_wait(step, i, out);
        }
        if !resumed {
            step.attempt += 1;
        }
        step.started_at.get_or_insert(now);
        step.next_at = None;
        let event;
        (step.state, event) = match (work, resumed) {
            (Work::Undo, true) => (StepState::Undoing, EventKind::UndoResumed),
            (Work::Undo, false) => (StepState::Undoing, EventKind::UndoStarted),
            (_, true) => (StepState::Running, EventKind::Resumed),
            (_, false) => (StepState::Running, EventKind::Started),
        };
        out.dirty.insert(i);
        out.events.push(Event::of_step(step, event, None));
    }
}

/// Brings what is begun, and what waits for another try, towards an end.
fn stop(s: &mut Snapshot, flying: &mut BTreeMap<usize, Work>, forceful: bool, undoing: bool, out: &mut Advance) {
    if forceful && !flying.is_empty() {
        flying.clear();
        out.start.clear();
        out.abandon = true;
    }
    for i in 0..s.steps.len() {
        let step = &mut s.steps[i];
        let abandoned = match step.state {
            StepState::Running | StepState::Parked if forceful => Some(StepState::Unknown),
            StepState::Undoing | StepState::UndoParked if forceful => Some(StepState::UndoReady),
            _ => None,
        };
        if let Some(state) = abandoned {
            step.state = state;
            step.next_at = None;
            out.events.push(Event::of_step(step, EventKind::Abandoned, None));
            step.call_started = None;
            forget_wait(step, i, out);
            out.dirty.insert(i);
            continue;
        }
        let (state, event) = match step.state {
            StepState::Backoff if !undoing => (StepState::Failed, EventKind::Failed),
            StepState::UndoBackoff if undoing => (StepState::UndoFailed, EventKind::UndoFailed),
            _ => continue,
        };
        step.state = state;
        step.next_at = None;
        let not_again = "the operation is being stopped, so that it is not tried again";
        let p = step.error.get_or_insert_with(|| {
            let mut p = Problem::new("Not tried again", not_again);
            p.step = Some(step.key.clone());
            p
        });
        let detail = format!("{not_again}; it had failed with: {p}");
        out.events.push(Event::of_step(step, event, Some(detail)));
        out.dirty.insert(i);
    }
}

/// Where an operation that is being stopped goes once everything stands still.
fn stopped(s: &Snapshot, flying: &BTreeMap<usize, Work>, undoing: bool) -> Option<OperationState> {
    let waiting = if undoing { StepState::UndoParked } else { StepState::Parked };
    if !flying.is_empty() || s.any(waiting) {
        return None;
    }
    if undoing {
        let clean = s.steps.iter().all(|step| step.state.is_clean());
        return Some(if clean { OperationState::RolledBack } else { OperationState::FailedTemp });
    }
    match s.op.state {
        // Undoing begins, in the same state.
        OperationState::Starting => None,
        _ if s.steps.iter().all(|step| step.state == StepState::Done) => Some(OperationState::Completed),
        _ => Some(OperationState::FailedTemp),
    }
}

fn gone_forward(s: &Snapshot, flying: &BTreeMap<usize, Work>) -> Option<OperationState> {
    let done = |step: &super::StepRow| step.state == StepState::Done;
    match s.op.state {
        OperationState::Starting => {
            s.steps.iter().filter(|step| step.starting).all(done).then_some(OperationState::Processing)
        }
        _ if flying.is_empty() => s.steps.iter().all(done).then_some(OperationState::Completed),
        _ => None,
    }
}

fn transition(
    s: &mut Snapshot,
    to: OperationState,
    now: i64,
    cancelled: &mut Option<Option<CancelMode>>,
    out: &mut Advance,
) {
    let from = s.op.state;
    s.op.state = to;
    s.op.state_entered = now;
    s.op.updated_at = now;
    if !to.is_active() {
        *cancelled = Some(s.op.cancel.take());
    }
    s.op.error = explain(s, cancelled.flatten());
    let detail = s.op.error.as_ref().filter(|_| to == OperationState::FailedTemp).map(|p| format!(": {p}"));
    out.events.push(Event::of_operation(EventKind::State, format!("{to}{}", detail.unwrap_or_default())));
    out.changes.push(StateChange { from, op: s.op.clone(), steps: s.views() });
}
