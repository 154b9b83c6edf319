//! Processes that end, crash or stand beside each other, and code that misbehaves.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::script::{Script, engine, engine_with, quick, script, steps};
use common::{operation, settled};
use db::testing::TestDb;
use db::{ManualClock, sqlx};
use lcm::{Lookup, NoObserver, OperationState, Outcome, Registry, StepState};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::Notify;

const SOON: Duration = Duration::from_secs(20);

#[tokio::test]
async fn at_the_end_of_the_process_steps_get_to_their_end_and_nothing_new_begins() {
    for db in TestDb::all().await {
        let (begun, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let slow = {
            let (begun, go) = (begun.clone(), go.clone());
            Script::new(move |cx| {
                let (begun, go) = (begun.clone(), go.clone());
                async move {
                    begun.notify_one();
                    if cx.key == "a" {
                        go.notified().await;
                    }
                    Ok(Outcome::Done(json!(cx.attempt)))
                }
            })
        };
        let first = engine(&db, quick("a"), script(slow.clone())).await;
        first.start();
        let op = first.submit(operation(steps(&[("a", &[]), ("b", &["a"])]))).await.unwrap();
        begun.notified().await;
        let ending = tokio::spawn({
            let first = first.clone();
            async move { first.shutdown(SOON).await }
        });
        tokio::task::yield_now().await;
        go.notify_one();
        ending.await.unwrap();
        let states: Vec<_> = first.steps(op.id).await.unwrap().iter().map(|s| s.state).collect();
        assert_eq!(states[0], StepState::Done, "the step under way was waited for");
        let held: Option<String> =
            sqlx::query_scalar("SELECT lease_owner FROM lcm_operation").fetch_one(&db.pool).await.unwrap();
        assert_eq!(held, None, "handed back");

        // Another replica goes on at once.
        let second = engine(&db, quick("b"), script(slow)).await;
        second.start();
        assert_eq!(settled(&second, op.id).await.state, OperationState::Completed);
        assert!(second.steps(op.id).await.unwrap().iter().all(|s| s.attempt == 1), "nothing was done twice");
        second.shutdown(SOON).await;
    }
}

#[tokio::test]
async fn steps_that_do_not_end_in_time_are_dropped_and_looked_up_by_the_next_process() {
    for db in TestDb::all().await {
        let (begun, looked) = (Arc::new(Notify::new()), Arc::new(AtomicUsize::new(0)));
        let endless = {
            let begun = begun.clone();
            Script::new(move |_| {
                let begun = begun.clone();
                async move {
                    begun.notify_one();
                    std::future::pending().await
                }
            })
        };
        let first = engine(&db, quick("a"), script(endless)).await;
        first.start();
        let op = first.submit(operation(steps(&[("a", &[])]))).await.unwrap();
        begun.notified().await;
        first.shutdown(Duration::ZERO).await;

        let there = {
            let looked = looked.clone();
            Script::new(|_| async { panic!("run again although it had taken effect") }).lookup(move |_| {
                looked.fetch_add(1, Ordering::SeqCst);
                async { Ok(Lookup::Done(json!("found"))) }
            })
        };
        let second = engine(&db, quick("b"), script(there)).await;
        second.start();
        assert_eq!(settled(&second, op.id).await.state, OperationState::Completed);
        assert_eq!(looked.load(Ordering::SeqCst), 1);
        assert_eq!(second.steps(op.id).await.unwrap()[0].output.as_deref(), Some(&json!("found")));
        second.shutdown(SOON).await;
    }
}

/// An engine that only accepts; another finds the operation by its scan.
#[tokio::test]
async fn a_replica_finds_what_another_has_accepted() {
    for db in TestDb::all().await {
        let done = Script::new(|_| async { Ok(Outcome::done()) });
        let accepting = engine(&db, quick("a"), script(done.clone())).await;
        let mut config = quick("b");
        config.scan_interval = Duration::from_millis(10);
        let working = engine(&db.reopen().await, config, script(done)).await;
        working.start();
        let op = accepting.submit(operation(steps(&[("a", &[])]))).await.unwrap();
        assert_eq!(settled(&working, op.id).await.state, OperationState::Completed);
        working.shutdown(SOON).await;
    }
}

#[tokio::test]
async fn code_that_panics_rests_the_operation_and_harms_nothing_else() {
    let db = TestDb::sqlite().await;
    let broken = Script::new(|cx| async move {
        assert!(cx.key != "bad", "index out of bounds");
        Ok(Outcome::done())
    });
    let engine = engine(&db, quick("a"), script(broken)).await;
    engine.start();
    let bad = engine.submit(operation(steps(&[("bad", &[]), ("good", &[])]))).await.unwrap();
    let rests = settled(&engine, bad.id).await;
    assert_eq!(rests.state, OperationState::FailedTemp);
    assert!(rests.error.unwrap().detail.contains("panicked: index out of bounds"));
    let good = engine.submit(operation(steps(&[("a", &[])]))).await.unwrap();
    assert_eq!(settled(&engine, good.id).await.state, OperationState::Completed);
    engine.shutdown(SOON).await;
}

#[tokio::test]
async fn a_call_without_end_is_abandoned_at_its_limit_and_looked_up() {
    let db = TestDb::sqlite().await;
    let begun = Arc::new(Notify::new());
    let endless = {
        let begun = begun.clone();
        Script::new(move |_| {
            let begun = begun.clone();
            async move {
                begun.notify_one();
                std::future::pending().await
            }
        })
        .limit(Duration::from_secs(7))
        .lookup(|_| async { Ok(Lookup::Done(json!(1))) })
    };
    let clock = ManualClock::new(1_000_000_000);
    let engine = engine_with(&db, quick("a"), script(endless), Arc::new(NoObserver), Arc::new(clock.clone())).await;
    engine.start();
    let op = engine.submit(operation(steps(&[("a", &[])]))).await.unwrap();
    begun.notified().await;
    clock.advance(Duration::from_secs(7));
    assert_eq!(settled(&engine, op.id).await.state, OperationState::Completed);
    let told = engine.timeline(op.id).await.unwrap();
    assert!(told.iter().any(|l| l.detail.as_deref().is_some_and(|d| d.contains("did not end within 7s"))), "{told:?}");
    engine.shutdown(SOON).await;
}

/// After an upgrade that has dropped a kind of step.
#[tokio::test]
async fn a_step_without_code_is_told_plainly() {
    let db = TestDb::sqlite().await;
    let old = engine(&db, quick("a"), script(Script::new(|_| async { Ok(Outcome::done()) }))).await;
    let op = old.submit(operation(steps(&[("a", &[])]))).await.unwrap();
    let new = engine(&db, quick("b"), Registry::new()).await;
    new.start();
    let rests = settled(&new, op.id).await;
    assert_eq!(rests.state, OperationState::FailedTemp);
    assert!(rests.error.unwrap().detail.contains("there is no code for steps of kind 'script'"));
    new.shutdown(SOON).await;
}

#[tokio::test]
async fn settings_out_of_range_are_named_together() {
    let db = TestDb::sqlite().await;
    let mut config = quick("");
    (config.max_steps, config.lease) = (0, Duration::ZERO);
    let e = lcm::Engine::open(
        (*db).clone(),
        Registry::new(),
        Arc::new(NoObserver),
        config,
        Arc::new(db::SystemClock),
        &prometheus::Registry::new(),
    )
    .await
    .expect_err("accepted")
    .to_string();
    for part in ["owner", "lease must", "max_steps must", "linger"] {
        assert!(e.contains(part), "{part} is missing in {e}");
    }
}

#[tokio::test]
async fn the_metrics_count() {
    let db = TestDb::sqlite().await;
    let registry = prometheus::Registry::new();
    let engine = lcm::Engine::open(
        (*db).clone(),
        script(Script::new(|_| async { Ok(Outcome::done()) })),
        Arc::new(NoObserver),
        quick("a"),
        Arc::new(db::SystemClock),
        &registry,
    )
    .await
    .unwrap();
    engine.start();
    let op = engine.submit(operation(steps(&[("a", &[]), ("b", &[])]))).await.unwrap();
    settled(&engine, op.id).await;
    engine.shutdown(SOON).await;
    let text = prometheus::TextEncoder::new().encode_to_string(&registry.gather()).unwrap();
    for line in [
        "lcm_operation_transitions_total{kind=\"INSTANTIATE\",state=\"COMPLETED\"} 1",
        "lcm_step_duration_seconds_count{call=\"run\",kind=\"script\",outcome=\"done\"} 2",
        "lcm_lease_losses_total 0",
    ] {
        assert!(text.contains(line), "{line} is missing in\n{text}");
    }
}

/// A full disk, as SQLite tells it: nothing can be written until there is room, and then all goes on where it was.
#[tokio::test]
async fn a_full_disk_is_waited_for_and_nothing_is_done_twice() {
    let db = TestDb::sqlite().await;
    let calls = Arc::new(AtomicUsize::new(0));
    let fills = {
        let (db, calls) = ((*db).clone(), calls.clone());
        Script::new(move |cx| {
            let (db, calls) = (db.clone(), calls.clone());
            async move {
                calls.fetch_add(1, Ordering::SeqCst);
                if cx.key == "a" {
                    sqlx::query("INSERT INTO disk_full (x) VALUES (1)").execute(&db.pool).await.unwrap();
                }
                Ok(Outcome::done())
            }
        })
    };
    let registry = prometheus::Registry::new();
    let engine = lcm::Engine::open(
        (*db).clone(),
        script(fills),
        Arc::new(NoObserver),
        quick("a"),
        Arc::new(db::SystemClock),
        &registry,
    )
    .await
    .unwrap();
    for sql in [
        "CREATE TABLE disk_full (x BIGINT NOT NULL)",
        "CREATE TRIGGER full BEFORE INSERT ON lcm_event WHEN EXISTS (SELECT 1 FROM disk_full) \
         BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END",
    ] {
        sqlx::query(sql).execute(&db.pool).await.unwrap();
    }
    engine.start();
    let op = engine.submit(operation(steps(&[("a", &[]), ("b", &["a"])]))).await.unwrap();
    let tries = || {
        let families = registry.gather();
        let family = families.iter().find(|f| f.name() == "lcm_journal_write_seconds");
        family.map_or(0, |f| f.get_metric()[0].get_histogram().get_sample_count())
    };
    // Several writes have been tried in vain.
    while tries() < 4 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(engine.steps(op.id).await.unwrap()[0].state, StepState::Running, "not known to have ended");
    sqlx::query("DELETE FROM disk_full").execute(&db.pool).await.unwrap();
    assert_eq!(settled(&engine, op.id).await.state, OperationState::Completed);
    assert_eq!(calls.load(Ordering::SeqCst), 2, "each step was called once");
    engine.shutdown(SOON).await;
}
