//! Steps that wait for an event outside: nothing waits for them, no event is lost, whichever comes first.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::operation;
use common::script::{Script, engine, engine_with, quick, script, steps};
use common::settled;
use db::testing::TestDb;
use db::{Clock, ManualClock, sqlx};
use lcm::{Engine, EngineConfig, NoObserver, OperationState, Outcome, Problem, StepError, StepState, StepView};
use serde_json::json;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use uuid::Uuid;

/// Longer than any test: only a wake can end the wait.
const NEVER: Duration = Duration::from_secs(100_000);

fn key(op: Uuid) -> String {
    format!("job/{op}")
}

/// Parks until the flag is set.
fn waits(flag: Arc<AtomicBool>) -> Script {
    Script::new(move |cx| {
        let flag = flag.clone();
        async move {
            if flag.load(Ordering::SeqCst) {
                return Ok(Outcome::Done(json!({ "memo": cx.memo.as_deref() })));
            }
            Ok(Outcome::park(key(cx.operation), NEVER, "waits for the job").remember(json!("job-7")))
        }
    })
}

async fn until(engine: &Engine, op: Uuid, state: StepState) {
    until_step(engine, op, |step| step.state == state).await;
}

async fn until_step(engine: &Engine, op: Uuid, is: impl Fn(&StepView) -> bool) {
    let mut changes = engine.watch();
    loop {
        if is(&engine.steps(op).await.unwrap()[0]) {
            return;
        }
        tokio::time::timeout(Duration::from_secs(30), changes.recv()).await.expect("nothing happens any more").ok();
    }
}

#[tokio::test]
async fn a_parked_operation_costs_nothing_and_any_replica_goes_on_with_it() {
    for db in TestDb::all().await {
        let flag = Arc::new(AtomicBool::new(false));
        let config = EngineConfig { linger: Duration::from_millis(50), ..quick("a") };
        let a = engine(&db, config, script(waits(flag.clone()))).await;
        a.start();
        let op = a.submit(operation(steps(&[("a", &[])]))).await.unwrap();
        until(&a, op.id, StepState::Parked).await;
        // The lease is given back when nothing comes for a while.
        let given_back = async {
            let held = "SELECT lease_owner FROM lcm_operation WHERE id = $1";
            while sqlx::query_scalar::<_, Option<String>>(held)
                .bind(op.id.to_string())
                .fetch_one(&db.pool)
                .await
                .unwrap()
                .is_some()
            {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), given_back).await.expect("the lease is given back");
        assert_eq!(a.steps(op.id).await.unwrap()[0].note.as_deref(), Some("waits for the job"));
        a.shutdown(Duration::from_secs(5)).await;

        let b = engine(&db, quick("b"), script(waits(flag.clone()))).await;
        b.start();
        flag.store(true, Ordering::SeqCst);
        assert!(b.wake(&key(op.id)).await.unwrap(), "somebody was waiting");
        assert_eq!(settled(&b, op.id).await.state, OperationState::Completed);
        let output = b.steps(op.id).await.unwrap()[0].output.clone().unwrap();
        assert_eq!(*output, json!({ "memo": "job-7" }), "what it remembered");
        assert!(!b.wake(&key(op.id)).await.unwrap(), "nobody is waiting any more");
        b.shutdown(Duration::from_secs(5)).await;
    }
}

/// The event comes while the call that will park is still under way.
#[tokio::test]
async fn an_event_that_comes_before_the_park_is_not_lost() {
    for db in TestDb::all().await {
        let engine_cell: Arc<OnceLock<Engine>> = Arc::default();
        let calls = Arc::new(AtomicUsize::new(0));
        let early = {
            let (cell, calls) = (engine_cell.clone(), calls.clone());
            Script::new(move |cx| {
                let (cell, calls) = (cell.clone(), calls.clone());
                async move {
                    if calls.fetch_add(1, Ordering::SeqCst) > 0 {
                        return Ok(Outcome::done());
                    }
                    assert!(!cell.get().unwrap().wake(&key(cx.operation)).await.unwrap());
                    Ok(Outcome::park(key(cx.operation), NEVER, "waits"))
                }
            })
        };
        let engine = engine(&db, quick("a"), script(early)).await;
        engine_cell.set(engine.clone()).unwrap();
        engine.start();
        let op = engine.submit(operation(steps(&[("a", &[])]))).await.unwrap();
        assert_eq!(settled(&engine, op.id).await.state, OperationState::Completed);
        assert_eq!(calls.load(Ordering::SeqCst), 2);
        engine.shutdown(Duration::from_secs(5)).await;
        let left: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM lcm_wake").fetch_one(&db.pool).await.unwrap();
        assert_eq!(left, 0, "nothing is kept for a step that has ended");
    }
}

/// Event and park at the same moment, from another replica's connection, many times.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn events_and_parks_that_cross_are_never_lost() {
    for db in TestDb::all().await {
        // A second replica, by which the events come; it executes nothing itself.
        let other = db.reopen().await;
        let flags: Arc<std::sync::Mutex<std::collections::HashSet<Uuid>>> = Arc::default();
        let seen = flags.clone();
        let (asked, mut questions) = tokio::sync::mpsc::unbounded_channel::<Uuid>();
        let job = Script::new(move |cx| {
            let (asked, seen) = (asked.clone(), seen.clone());
            async move {
                if seen.lock().unwrap().contains(&cx.operation) {
                    return Ok(Outcome::done());
                }
                asked.send(cx.operation).unwrap();
                Ok(Outcome::park(key(cx.operation), NEVER, "waits"))
            }
        });
        let mut config = quick("a");
        config.scan_interval = Duration::from_millis(50);
        let a = engine(&db, config, script(job.clone())).await;
        let b = engine(&other, quick("b"), script(job)).await;
        a.start();
        let events = tokio::spawn(async move {
            while let Some(op) = questions.recv().await {
                flags.lock().unwrap().insert(op);
                b.wake(&key(op)).await.unwrap();
            }
        });
        let mut ids = Vec::new();
        for _ in 0..100 {
            ids.push(a.submit(operation(steps(&[("a", &[])]))).await.unwrap().id);
        }
        for id in ids {
            assert_eq!(settled(&a, id).await.state, OperationState::Completed);
        }
        a.shutdown(Duration::from_secs(5)).await;
        events.abort();
    }
}

#[tokio::test]
async fn an_event_that_gets_lost_is_made_up_for_by_the_slow_poll() {
    let db = TestDb::sqlite().await;
    let calls = Arc::new(AtomicUsize::new(0));
    let polled = {
        let calls = calls.clone();
        Script::new(move |cx| {
            let n = calls.fetch_add(1, Ordering::SeqCst);
            async move {
                match n {
                    2 => Ok(Outcome::done()),
                    _ => Ok(Outcome::park(key(cx.operation), Duration::from_secs(30), "waits")),
                }
            }
        })
    };
    let clock = ManualClock::new(1_000_000_000);
    let engine = engine_with(&db, quick("a"), script(polled), Arc::new(NoObserver), Arc::new(clock.clone())).await;
    engine.start();
    let op = engine.submit(operation(steps(&[("a", &[])]))).await.unwrap();
    for n in 1..3 {
        // Not only parked: the step shows as parked from before while it is called again.
        let again = clock.now_micros() + 30_000_000;
        until_step(&engine, op.id, |step| step.next_at == Some(again)).await;
        assert_eq!(calls.load(Ordering::SeqCst), n, "not before its time");
        clock.advance(Duration::from_secs(30));
    }
    assert_eq!(settled(&engine, op.id).await.state, OperationState::Completed);
    engine.shutdown(Duration::from_secs(5)).await;
}

/// The service records the notification and wakes in one transaction.
#[tokio::test]
async fn a_wake_belongs_to_its_transaction() {
    for db in TestDb::all().await {
        let flag = Arc::new(AtomicBool::new(false));
        let engine = engine(&db, quick("a"), script(waits(flag.clone()))).await;
        engine.start();
        let op = engine.submit(operation(steps(&[("a", &[])]))).await.unwrap();
        until(&engine, op.id, StepState::Parked).await;
        flag.store(true, Ordering::SeqCst);
        let mut tx = db.begin_write().await.unwrap();
        let undone = engine.wake_in(&mut tx, &key(op.id)).await.unwrap();
        assert!(undone.any());
        tx.rollback().await.unwrap();
        assert!(engine.steps(op.id).await.unwrap()[0].next_at.unwrap() > 0, "still parked");
        let mut tx = db.begin_write().await.unwrap();
        let woken = engine.wake_in(&mut tx, &key(op.id)).await.unwrap();
        tx.commit().await.unwrap();
        engine.woken(woken);
        assert_eq!(settled(&engine, op.id).await.state, OperationState::Completed);
        engine.shutdown(Duration::from_secs(5)).await;
    }
}

#[tokio::test]
async fn transient_failures_are_shown_while_they_last_and_given_up_in_the_end() {
    for db in TestDb::all().await {
        let down = Arc::new(AtomicBool::new(true));
        let flaky = {
            let down = down.clone();
            Script::new(move |_| {
                let down = down.clone();
                async move {
                    match down.load(Ordering::SeqCst) {
                        true => Err(StepError::transient(Problem::new("Refused", "the VIM does not answer"))),
                        false => Ok(Outcome::done()),
                    }
                }
            })
        };
        let clock = ManualClock::new(1_000_000_000);
        let mut config = quick("a");
        config.retry = lcm::RetryPolicy { max_attempts: 3, base: Duration::from_secs(1), cap: Duration::from_secs(60) };
        let engine = engine_with(&db, config, script(flaky), Arc::new(NoObserver), Arc::new(clock.clone())).await;
        engine.start();
        let op = engine.submit(operation(steps(&[("a", &[])]))).await.unwrap();
        for attempt in 1..3 {
            until(&engine, op.id, StepState::Backoff).await;
            let step = engine.steps(op.id).await.unwrap().remove(0);
            assert_eq!(step.attempt, attempt);
            let seen = engine.get(op.id).await.unwrap().unwrap();
            assert_eq!(seen.state, OperationState::Processing);
            assert_eq!(seen.error.unwrap().title, "Being tried again: Do a: Refused");
            let mut changes = engine.watch();
            clock.advance_to(step.next_at.unwrap());
            while engine.steps(op.id).await.unwrap()[0].attempt == attempt {
                changes.recv().await.unwrap();
            }
        }
        let rests = settled(&engine, op.id).await;
        assert_eq!(rests.state, OperationState::FailedTemp);
        assert!(rests.error.unwrap().detail.contains("given up after 3 tries"));
        down.store(false, Ordering::SeqCst);
        engine.retry(op.id).await.unwrap();
        let over = settled(&engine, op.id).await;
        assert_eq!((over.state, over.error), (OperationState::Completed, None));
        engine.shutdown(Duration::from_secs(5)).await;
    }
}
