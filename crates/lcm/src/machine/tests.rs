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
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

const POLICY: RetryPolicy =
    RetryPolicy { max_attempts: 3, base: Duration::from_micros(100), cap: Duration::from_micros(1000) };
const PLENTY: Limits = Limits { slots: 100, closing: false };

fn row(key: &str, after: &[&str], starting: bool) -> StepRow {
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
struct Driver {
    s: Snapshot,
    flying: BTreeMap<usize, Work>,
    now: i64,
    changes: Vec<S>,
    log: Vec<(String, Work)>,
}

impl Driver {
    fn new(steps: Vec<StepRow>) -> Self {
        Self { s: operation(steps), flying: BTreeMap::new(), now: 1, changes: Vec::new(), log: Vec::new() }
    }

    fn go(&mut self, reports: Vec<(&str, WorkResult)>) -> Advance {
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

    fn task(&mut self, task: Task) {
        let change = perform(&mut self.s, task, CancelMode::Graceful, self.now).unwrap();
        self.changes.extend(change.change.iter().map(|c| c.op.state));
    }
}

fn done() -> WorkResult {
    WorkResult::Outcome(Outcome::Done(json!({"id": 1})))
}

fn failed() -> WorkResult {
    WorkResult::Error(StepError::permanent(Problem::new("No", "because").resource("vm-1").answered("ENOSPC")))
}

fn transient() -> WorkResult {
    WorkResult::Error(StepError::transient(Problem::new("Busy", "later")))
}

fn lost() -> WorkResult {
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

/// One thing that may happen to the operation.
#[derive(Clone, Debug)]
enum Act {
    End(u8),
    Cancel(bool),
    Task(u8),
    Crash,
    Wait,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        8 => any::<u8>().prop_map(Act::End),
        1 => any::<bool>().prop_map(Act::Cancel),
        2 => (0..2_u8).prop_map(Act::Task),
        1 => Just(Act::Crash),
        2 => Just(Act::Wait),
    ]
}

fn plan() -> impl Strategy<Value = Vec<StepRow>> {
    (1..12_usize).prop_flat_map(|n| {
        let edges = prop::collection::vec(prop::collection::vec(any::<prop::sample::Index>(), 0..3), n);
        (edges, 0..3_usize).prop_map(move |(edges, preparing)| {
            (0..n)
                .map(|i| {
                    let starting = i < preparing.min(n - 1);
                    let mut after: Vec<String> =
                        edges[i].iter().filter(|_| i > 0).map(|e| e.index(i).to_string()).collect();
                    after.sort();
                    after.dedup();
                    let after: Vec<&str> = after.iter().map(String::as_str).collect();
                    row(&i.to_string(), &after, starting)
                })
                .collect()
        })
    })
}

fn result(work: Work, choice: u8) -> WorkResult {
    let park = || WorkResult::Outcome(Outcome::park(format!("k{choice}"), Duration::from_micros(300), "waits"));
    match (work, choice % 16) {
        (Work::Lookup, ..6) => WorkResult::Found(Lookup::Done(json!(1))),
        (Work::Lookup, ..11) => WorkResult::Found(Lookup::RunAgain),
        (Work::Lookup, ..14) => WorkResult::Found(Lookup::NotDone),
        (Work::Lookup, _) => transient(),
        (_, ..9) => done(),
        (_, 9) => failed(),
        (_, ..12) => transient(),
        (_, 12) => lost(),
        (_, _) => park(),
    }
}

/// What every state must keep to, whatever happened.
fn check(d: &Driver, out: &Advance) -> Result<(), TestCaseError> {
    for (i, work) in &out.start {
        let ahead = match work {
            Work::Run | Work::Lookup => d.s.graph.before[*i].iter().all(|&j| d.s.steps[j].state == T::Done),
            Work::Undo => d.s.graph.after[*i].iter().all(|&j| d.s.steps[j].state.is_clean()),
        };
        prop_assert!(ahead, "{work:?} of {i} before its time");
    }
    for (i, step) in d.s.steps.iter().enumerate() {
        let called = matches!(step.state, T::Running | T::Undoing);
        let flying = d.flying.get(&i).copied();
        prop_assert_eq!(
            called,
            matches!(flying, Some(Work::Run | Work::Undo)),
            "step {} is {} and {:?} is under way",
            i,
            step.state,
            flying
        );
    }
    let quiet = d.flying.is_empty();
    match d.s.op.state {
        S::Completed => prop_assert!(quiet && d.s.steps.iter().all(|s| s.state == T::Done)),
        S::RolledBack => prop_assert!(quiet && d.s.steps.iter().all(|s| s.state.is_clean())),
        S::FailedTemp => {
            let p = d.s.op.error.as_ref();
            prop_assert!(quiet && p.is_some_and(|p| p.retry.is_some() && p.rollback.is_some()));
            prop_assert!(
                !d.s.steps.iter().any(|s| matches!(s.state, T::Parked | T::UndoParked | T::Backoff | T::UndoBackoff))
            );
        }
        _ => prop_assert!(
            !quiet || matches!(out.rest, Rest::Until(at) if at > d.now && at < d.now + 50_000),
            "stuck: {:?} {:#?}",
            out.rest,
            d.s
        ),
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Random plans through random answers, failures, crashes, cancels and tasks: order is respected in both
    /// directions, nothing gets stuck, and once the world behaves, retry completes and rollback leaves nothing.
    #[test]
    fn every_history_ends_well(steps in plan(), acts in prop::collection::vec(act(), 0..60), back in any::<bool>()) {
        let mut d = Driver::new(steps);
        let out = d.go(vec![]);
        check(&d, &out)?;
        for act in acts {
            let out = match act {
                Act::End(choice) => {
                    let Some((&i, &work)) = d.flying.iter().nth(choice as usize % d.flying.len().max(1)) else { continue };
                    let key = d.s.steps[i].key.clone();
                    d.go(vec![(&key, result(work, choice))])
                }
                Act::Cancel(forceful) => {
                    let mode = if forceful { CancelMode::Forceful } else { CancelMode::Graceful };
                    if perform(&mut d.s, Task::Cancel, mode, d.now).is_err() { continue }
                    d.go(vec![])
                }
                Act::Task(n) => {
                    let task = if n == 0 { Task::Retry } else { Task::Rollback };
                    if perform(&mut d.s, task, CancelMode::Graceful, d.now).is_err() { continue }
                    d.go(vec![])
                }
                Act::Crash => {
                    d.flying.clear();
                    recovery::recover(&mut d.s);
                    d.go(vec![])
                }
                Act::Wait => { d.now += 400; d.go(vec![]) }
            };
            check(&d, &out)?;
        }
        // From here on every call succeeds.
        for _ in 0..1000 {
            if d.s.op.state == S::FailedTemp {
                d.task(if back { Task::Rollback } else { Task::Retry });
            }
            let calls: Vec<(String, Work)> = d.flying.iter().map(|(i, w)| (d.s.steps[*i].key.clone(), *w)).collect();
            let reports = calls.iter().map(|(k, w)| (k.as_str(), result(*w, 0))).collect();
            let out = d.go(reports);
            check(&d, &out)?;
            if d.s.op.state.is_final() { break }
            d.now += 2000;
        }
        prop_assert!(d.s.op.state.is_final(), "never ended: {:#?}", d.s);
    }
}
