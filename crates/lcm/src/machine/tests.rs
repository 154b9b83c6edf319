//! The machine driven by hand and by chance, without a database.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::snapshot::Op;
use super::*;
use crate::problem::Problem;
use crate::recovery;
use crate::retry::RetryPolicy;
use crate::state::{CancelMode, OperationState as S, Task};
use crate::step::{Lookup, Outcome, StepError};
use crate::view::StepState as T;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

const POLICY: RetryPolicy =
    RetryPolicy { max_attempts: 3, base: Duration::from_micros(100), cap: Duration::from_micros(1000) };
const PLENTY: Limits = Limits { slots: 100, closing: false };

pub(super) fn row(key: &str, after: &[&str], starting: bool) -> StepRow {
    StepRow {
        key: key.into(),
        kind: "k".into(),
        title: format!("Make {key}"),
        params: Arc::new(Value::Null),
        after: Arc::new(after.iter().map(|k| (*k).to_owned()).collect()),
        starting,
        state: T::Pending,
        attempt: 0,
        next_at: None,
        wake_key: None,
        note: None,
        memo: None,
        output: None,
        error: None,
        started_at: None,
        finished_at: None,
        call_started: None,
        resumed: false,
    }
}

fn operation(steps: Vec<StepRow>) -> Snapshot {
    let op = Op {
        id: Uuid::nil(),
        kind: "TEST".into(),
        subject: "x".into(),
        state: S::Starting,
        state_entered: 0,
        created_at: 0,
        updated_at: 0,
        params: Arc::new(Value::Null),
        error: None,
        cancel: None,
        traceparent: None,
        automatic: false,
        version: 1,
    };
    Snapshot::new(op, steps)
}

/// Calls under way and a clock, around the pure functions.
pub(super) struct Driver {
    pub(super) s: Snapshot,
    pub(super) flying: BTreeMap<usize, Work>,
    pub(super) now: i64,
    changes: Vec<S>,
    log: Vec<(String, Work)>,
}

impl Driver {
    pub(super) fn new(steps: Vec<StepRow>) -> Self {
        Self { s: operation(steps), flying: BTreeMap::new(), now: 1, changes: Vec::new(), log: Vec::new() }
    }

    pub(super) fn go(&mut self, reports: Vec<(&str, WorkResult)>) -> Advance {
        let reports: Vec<Report> = reports
            .into_iter()
            .map(|(key, result)| {
                let step = self.index(key);
                let work = self.flying.remove(&step).expect("not under way");
                Report { step, work, result, policy: POLICY }
            })
            .collect();
        let out = advance(&mut self.s, &self.flying, &reports, self.now, PLENTY);
        if out.abandon {
            self.flying.clear();
        }
        for (i, work) in &out.start {
            self.flying.insert(*i, *work);
            self.log.push((self.s.steps[*i].key.clone(), *work));
        }
        self.changes.extend(out.changes.iter().map(|c| c.op.state));
        out
    }

    fn index(&self, key: &str) -> usize {
        self.s.steps.iter().position(|s| s.key == key).unwrap()
    }

    fn flying(&self) -> Vec<(&str, Work)> {
        self.flying.iter().map(|(i, w)| (self.s.steps[*i].key.as_str(), *w)).collect()
    }

    fn state(&self, key: &str) -> T {
        self.s.steps[self.index(key)].state
    }

    pub(super) fn task(&mut self, task: Task) {
        let change = perform(&mut self.s, task, CancelMode::Graceful, self.now).unwrap();
        self.changes.extend(change.change.iter().map(|c| c.op.state));
    }
}

pub(super) fn done() -> WorkResult {
    WorkResult::Outcome(Outcome::Done(json!({"id": 1})))
}

pub(super) fn failed() -> WorkResult {
    WorkResult::Error(StepError::permanent(Problem::new("No", "because").resource("vm-1").answered("ENOSPC")))
}

pub(super) fn transient() -> WorkResult {
    WorkResult::Error(StepError::transient(Problem::new("Busy", "later")))
}

pub(super) fn lost() -> WorkResult {
    WorkResult::Error(StepError::unknown(Problem::new("Timeout", "no answer")))
}

#[test]
fn preparation_comes_first_and_each_step_after_its_predecessors() {
    let mut d = Driver::new(vec![
        row("grant", &[], true),
        row("a", &[], false),
        row("b", &["a"], false),
        row("c", &["a"], false),
    ]);
    d.go(vec![]);
    assert_eq!(d.flying(), [("grant", Work::Run)]);
    d.go(vec![("grant", done())]);
    assert_eq!((d.s.op.state, d.flying()), (S::Processing, vec![("a", Work::Run)]));
    d.go(vec![("a", done())]);
    assert_eq!(d.flying(), [("b", Work::Run), ("c", Work::Run)], "side by side");
    d.go(vec![("c", done())]);
    let out = d.go(vec![("b", done())]);
    assert_eq!(d.changes, [S::Processing, S::Completed]);
    assert_eq!(out.rest, Rest::Settled);
}

#[test]
fn a_failure_lets_the_others_finish_starts_nothing_new_and_explains_itself() {
    let mut d = Driver::new(vec![row("a", &[], false), row("b", &[], false), row("c", &["a", "b"], false)]);
    d.go(vec![]);
    let out = d.go(vec![("a", failed())]);
    assert_eq!((d.s.op.state, out.rest), (S::Processing, Rest::Busy(None)));
    d.go(vec![("b", done())]);
    assert_eq!((d.s.op.state, d.state("c")), (S::FailedTemp, T::Pending));
    let p = d.s.op.error.clone().unwrap();
    assert_eq!(
        (p.step.as_deref(), p.resource.as_deref(), p.source.as_deref()),
        (Some("a"), Some("vm-1"), Some("ENOSPC"))
    );
    assert_eq!(p.title, "Make a: No");
    assert_eq!(p.retry.as_deref(), Some("retry does the 2 steps that are not done: Make a; Make c"));
    assert_eq!(p.rollback.as_deref(), Some("rollback undoes 2 steps: Make b; Make a"));
    // Retry goes on; rollback would have undone.
    d.task(Task::Retry);
    d.go(vec![]);
    assert_eq!(d.flying(), [("a", Work::Run)]);
    d.go(vec![("a", done())]);
    assert_eq!(d.s.op.state, S::Processing, "c follows");
}

#[test]
fn failing_in_preparation_undoes_it_and_ends_rolled_back_without_a_state_between() {
    let mut d = Driver::new(vec![row("grant", &[], true), row("reserve", &["grant"], true), row("a", &[], false)]);
    d.go(vec![]);
    d.go(vec![("grant", done())]);
    d.go(vec![("reserve", failed())]);
    assert_eq!((d.s.op.state, d.flying()), (S::Starting, vec![("reserve", Work::Undo)]));
    d.go(vec![("reserve", done())]);
    d.go(vec![("grant", done())]);
    assert_eq!(d.changes, [S::RolledBack]);
    assert_eq!(d.s.op.error.as_ref().unwrap().step.as_deref(), Some("reserve"), "the cause is kept");
}

#[test]
fn preparation_that_cannot_be_undone_rests_in_failed_temp() {
    let mut d = Driver::new(vec![row("grant", &[], true), row("a", &[], false)]);
    d.go(vec![]);
    d.go(vec![("grant", failed())]);
    d.go(vec![("grant", failed())]);
    assert_eq!(d.changes, [S::FailedTemp]);
    d.task(Task::Rollback);
    d.go(vec![]);
    d.go(vec![("grant", done())]);
    assert_eq!(d.changes, [S::FailedTemp, S::RollingBack, S::RolledBack]);
}

#[test]
fn rollback_undoes_in_reverse_order_side_by_side_including_what_failed_midway() {
    let mut d = Driver::new(vec![
        row("a", &[], false),
        row("b", &["a"], false),
        row("c", &["a"], false),
        row("d", &["c"], false),
    ]);
    d.go(vec![]);
    d.go(vec![("a", done())]);
    d.go(vec![("b", failed()), ("c", done())]);
    assert_eq!((d.s.op.state, d.state("d")), (S::FailedTemp, T::Pending));
    d.task(Task::Rollback);
    d.go(vec![]);
    assert_eq!(d.flying(), [("b", Work::Undo), ("c", Work::Undo)]);
    d.go(vec![("b", done())]);
    assert_eq!(d.flying(), [("c", Work::Undo)], "a waits for c");
    d.go(vec![("c", done())]);
    assert_eq!(d.flying(), [("a", Work::Undo)]);
    d.go(vec![("a", done())]);
    assert_eq!(d.s.op.state, S::RolledBack);
    assert!(d.s.op.error.is_some(), "what made it roll back is kept");
}

/// Between retry and the next call the operation may be cancelled; what failed midway must not have been forgotten.
#[test]
fn what_failed_midway_is_undone_even_if_retry_never_got_to_it() {
    let mut d = Driver::new(vec![row("a", &[], false)]);
    d.go(vec![]);
    d.go(vec![("a", failed())]);
    d.task(Task::Retry);
    perform(&mut d.s, Task::Cancel, CancelMode::Graceful, d.now).unwrap();
    d.go(vec![]);
    assert_eq!((d.s.op.state, d.flying()), (S::FailedTemp, vec![]));
    d.task(Task::Rollback);
    d.go(vec![]);
    assert_eq!(d.flying(), [("a", Work::Undo)]);
}

#[test]
fn transient_failures_are_tried_again_with_growing_pauses_and_then_given_up() {
    let mut d = Driver::new(vec![row("a", &[], false)]);
    d.go(vec![]);
    let mut pauses = Vec::new();
    for _ in 0..2 {
        let out = d.go(vec![("a", transient())]);
        let Rest::Until(at) = out.rest else { panic!("{:?}", out.rest) };
        pauses.push(at - d.now);
        assert!(d.s.op.error.as_ref().unwrap().title.starts_with("Being tried again: Make a"), "shown while it waits");
        assert!(d.go(vec![]).start.is_empty(), "not before its time");
        d.now = at;
        d.go(vec![]);
    }
    assert!(pauses[0] >= 100 && pauses[1] >= 200, "{pauses:?}");
    d.go(vec![("a", transient())]);
    assert_eq!(d.s.op.state, S::FailedTemp);
    assert!(d.s.op.error.as_ref().unwrap().detail.contains("given up after 3 tries"));
}

#[test]
fn a_lost_answer_is_looked_up() {
    for (found, state, flying) in [
        (Lookup::Done(json!(7)), S::Completed, vec![]),
        (Lookup::RunAgain, S::Processing, vec![("a", Work::Run)]),
        (Lookup::NotDone, S::Processing, vec![("a", Work::Run)]),
    ] {
        let mut d = Driver::new(vec![row("a", &[], false)]);
        d.go(vec![]);
        d.go(vec![("a", lost())]);
        assert_eq!(d.flying(), [("a", Work::Lookup)]);
        let out = d.go(vec![("a", WorkResult::Found(found.clone()))]);
        if let Rest::Until(at) = out.rest {
            d.now = at;
            d.go(vec![]);
        }
        assert_eq!((d.s.op.state, d.flying()), (state, flying), "{found:?}");
    }
}

#[test]
fn a_crash_is_looked_up_and_run_again_at_once_but_not_for_ever() {
    let mut d = Driver::new(vec![row("a", &[], false)]);
    for _ in 0..3 {
        d.go(vec![]);
        if d.flying() == [("a", Work::Lookup)] {
            d.go(vec![("a", WorkResult::Found(Lookup::RunAgain))]);
        }
        assert_eq!(d.flying(), [("a", Work::Run)]);
        d.flying.clear();
        recovery::recover(&mut d.s);
    }
    d.go(vec![]);
    d.go(vec![("a", WorkResult::Found(Lookup::RunAgain))]);
    assert_eq!(d.s.op.state, S::FailedTemp);
    assert!(d.s.op.error.as_ref().unwrap().title.contains("never came to an end"));
}

#[test]
fn a_graceful_cancel_waits_for_what_has_begun_parked_steps_too() {
    let mut d = Driver::new(vec![row("a", &[], false), row("b", &[], false), row("c", &["a"], false)]);
    d.go(vec![]);
    d.go(vec![("b", WorkResult::Outcome(Outcome::park("k", Duration::from_micros(500), "waits")))]);
    d.s.op.cancel = Some(CancelMode::Graceful);
    d.go(vec![("a", done())]);
    assert_eq!((d.s.op.state, d.state("c")), (S::Processing, T::Pending));
    d.now += 500;
    d.go(vec![]);
    assert_eq!(d.flying(), [("b", Work::Run)], "polled");
    d.go(vec![("b", done())]);
    assert_eq!((d.s.op.state, d.s.op.cancel), (S::FailedTemp, None));
    assert_eq!(d.s.op.error.as_ref().unwrap().title, "The operation was cancelled");
}

#[test]
fn a_forceful_cancel_abandons_and_leaves_the_effect_to_be_looked_up() {
    let mut d = Driver::new(vec![row("a", &[], false), row("b", &[], false)]);
    d.go(vec![]);
    d.go(vec![("b", WorkResult::Outcome(Outcome::park("k", Duration::from_secs(1), "waits")))]);
    d.s.op.cancel = Some(CancelMode::Forceful);
    let out = d.go(vec![]);
    assert!(out.abandon);
    assert_eq!((d.s.op.state, d.state("a"), d.state("b")), (S::FailedTemp, T::Unknown, T::Unknown));
    d.task(Task::Retry);
    d.go(vec![]);
    assert_eq!(d.flying(), [("a", Work::Lookup), ("b", Work::Lookup)]);
}

#[test]
fn cancel_goes_where_the_specification_says() {
    // In STARTING to ROLLED_BACK.
    let mut d = Driver::new(vec![row("grant", &[], true), row("a", &[], false)]);
    d.go(vec![]);
    d.s.op.cancel = Some(CancelMode::Graceful);
    d.go(vec![("grant", done())]);
    assert_eq!(d.flying(), [("grant", Work::Undo)]);
    d.go(vec![("grant", done())]);
    assert_eq!(d.changes, [S::RolledBack]);
    // In ROLLING_BACK to FAILED_TEMP.
    let mut d = Driver::new(vec![row("a", &[], false), row("b", &["a"], false)]);
    d.go(vec![]);
    d.go(vec![("a", done())]);
    d.go(vec![("b", failed())]);
    d.task(Task::Rollback);
    d.go(vec![]);
    d.s.op.cancel = Some(CancelMode::Graceful);
    d.go(vec![("b", done())]);
    assert_eq!((d.s.op.state, d.state("a"), d.state("b")), (S::FailedTemp, T::Done, T::Undone));
    // Before anything began.
    let mut d = Driver::new(vec![row("a", &[], false)]);
    d.s.op.cancel = Some(CancelMode::Forceful);
    d.go(vec![]);
    assert_eq!((d.changes.clone(), d.log.len()), (vec![S::RolledBack], 0));
}

#[test]
fn an_operation_given_up_lists_what_is_left() {
    let mut d = Driver::new(vec![row("a", &[], false), row("b", &["a"], false), row("c", &["b"], false)]);
    d.go(vec![]);
    d.go(vec![("a", done())]);
    d.go(vec![("b", failed())]);
    d.task(Task::Fail);
    assert_eq!(d.s.op.error.as_ref().unwrap().remaining, ["a", "b"]);
    assert_eq!(d.go(vec![]).rest, Rest::Settled);
}

#[test]
fn slots_bound_what_runs_side_by_side() {
    let mut s = operation((0..10).map(|i| row(&i.to_string(), &[], false)).collect());
    let out = advance(&mut s, &BTreeMap::new(), &[], 1, Limits { slots: 3, closing: false });
    assert_eq!((out.start.len(), out.starved, out.rest), (3, true, Rest::Busy(None)));
    let mut s = operation(vec![row("a", &[], false)]);
    let out = advance(&mut s, &BTreeMap::new(), &[], 1, Limits { slots: 0, closing: false });
    assert_eq!(out.rest, Rest::Starved(None));
    let out = advance(&mut s, &BTreeMap::new(), &[], 1, Limits { slots: 0, closing: true });
    assert_eq!((out.rest, out.start.len()), (Rest::Until(1), 0), "handed back at once");
}

#[test]
fn an_output_too_large_for_the_journal_fails_its_step() {
    let mut d = Driver::new(vec![row("a", &[], false)]);
    d.go(vec![]);
    d.go(vec![("a", WorkResult::Outcome(Outcome::Done(json!("x".repeat(2_000_000)))))]);
    assert_eq!(d.s.op.state, S::FailedTemp);
    assert!(d.s.op.error.as_ref().unwrap().to_string().contains("2000002 bytes"));
}
