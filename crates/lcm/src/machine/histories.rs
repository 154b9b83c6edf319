//! Histories by chance: random plans through random answers, failures, crashes, cancels and tasks.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::tests::{Driver, done, failed, lost, row, transient};
use super::*;
use crate::recovery;
use crate::state::{CancelMode, OperationState as S, Task};
use crate::step::{Lookup, Outcome};
use crate::view::StepState as T;
use proptest::prelude::*;
use serde_json::json;
use std::time::Duration;

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
