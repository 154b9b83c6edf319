//! Operations from submission to deletion, as a service's handlers see them, on both databases.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::script::{Script, engine, engine_with, quick, script, steps};
use common::{FAILED_TEMP, Outbox, notifications, operation, settled};
use db::testing::TestDb;
use db::{AnyConnection, SystemClock, sqlx};
use lcm::{
    CancelMode, Change, DeleteError, EventKind, NewOperation, Observer, ObserverError, OperationState, OperationView,
    Outcome, Plan, Problem, StepError, StepSpec, StepState, SubmitError, TaskError,
};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use uuid::Uuid;

fn done() -> Script {
    Script::new(|_| async { Ok(Outcome::done()) })
}

fn refuses() -> Script {
    Script::new(|_| async {
        Err(StepError::permanent(
            Problem::new("No capacity", "every host is full").status(503).resource("vm-1").answered("ENOSPC"),
        ))
    })
}

fn about(subject: &str, plan: Plan) -> NewOperation {
    NewOperation { subject: subject.into(), ..operation(plan) }
}

#[tokio::test]
async fn one_unfinished_operation_per_subject_also_while_it_rests() {
    for db in TestDb::all().await {
        let engine = engine(&db, quick("a"), script(refuses())).await;
        engine.start();
        let first = engine.submit(about("vnf-1", steps(&[("a", &[])]))).await.unwrap();
        assert_eq!(first.state, OperationState::Starting);
        settled(&engine, first.id).await;
        let e = engine.submit(about("vnf-1", steps(&[("a", &[])]))).await.expect_err("two on one subject");
        assert!(matches!(&e, SubmitError::Conflict { running, state: FAILED_TEMP, .. } if *running == first.id), "{e}");
        engine.submit(about("vnf-2", steps(&[("a", &[])]))).await.unwrap();
        let given_up = engine.fail(first.id).await.unwrap();
        assert_eq!(given_up.state, OperationState::Failed);
        assert_eq!(given_up.error.unwrap().remaining, ["a"]);
        engine.submit(about("vnf-1", steps(&[("a", &[])]))).await.unwrap();
        engine.shutdown(std::time::Duration::from_secs(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_eight_requests_at_once_one_wins() {
    for db in TestDb::all().await {
        let engine = engine(&db, quick("a"), script(done())).await;
        let tries: Vec<_> = (0..8)
            .map(|_| {
                let engine = engine.clone();
                tokio::spawn(async move { engine.submit(about("vnf", steps(&[("a", &[])]))).await })
            })
            .collect();
        let mut won = Vec::new();
        let mut lost = Vec::new();
        for one in tries {
            match one.await.unwrap() {
                Ok(op) => won.push(op.id),
                Err(SubmitError::Conflict { running, .. }) => lost.push(running),
                Err(e) => panic!("{e}"),
            }
        }
        assert_eq!(won.len(), 1);
        assert_eq!(lost, vec![won[0]; 7]);
    }
}

#[tokio::test]
async fn what_the_caller_undoes_never_was() {
    for db in TestDb::all().await {
        common::prepare(&db).await;
        let engine = engine_with(&db, quick("a"), script(done()), Arc::new(Outbox), Arc::new(SystemClock)).await;
        let new = about("vnf", steps(&[("a", &[])]));
        let mut tx = db.begin_write().await.unwrap();
        engine.submit_in(&mut tx, new.clone()).await.unwrap();
        tx.rollback().await.unwrap();
        assert_eq!(engine.get(new.id).await.unwrap(), None);
        assert!(notifications(&db, new.id).await.is_empty());

        let mut tx = db.begin_write().await.unwrap();
        engine.submit_in(&mut tx, new.clone()).await.unwrap();
        assert!(matches!(engine.submit_in(&mut tx, new.clone()).await, Err(SubmitError::Exists(_))));
        tx.commit().await.unwrap();
        assert_eq!(notifications(&db, new.id).await, [("STARTING".to_owned(), 0)]);
    }
}

#[tokio::test]
async fn a_malformed_operation_is_refused_with_every_fault() {
    let db = TestDb::sqlite().await;
    let engine = engine(&db, quick("a"), script(done())).await;
    let plan = Plan::new(vec![StepSpec::new("a", "ghost", "A"), StepSpec::new("b", "phantom", "B")]).unwrap();
    let new = NewOperation { kind: String::new(), params: json!("x".repeat(2_000_000)), ..operation(plan) };
    let e = engine.submit(new).await.expect_err("accepted").to_string();
    for part in ["'ghost'", "'phantom'", "its kind has 0 bytes", "2000002 bytes"] {
        assert!(e.contains(part), "{part} is missing in {e}");
    }
}

#[tokio::test]
async fn an_operation_at_rest_explains_itself_and_tasks_are_refused_by_state() {
    for db in TestDb::all().await {
        common::prepare(&db).await;
        let engine = engine_with(&db, quick("a"), script(refuses()), Arc::new(Outbox), Arc::new(SystemClock)).await;
        engine.start();
        let op = engine.submit(operation(steps(&[("a", &[]), ("b", &["a"])]))).await.unwrap();
        let op = settled(&engine, op.id).await;
        assert_eq!(op.state, FAILED_TEMP);
        let p = op.error.unwrap();
        assert_eq!(p.title, "Do a: No capacity");
        assert_eq!(
            (p.step.as_deref(), p.resource.as_deref(), p.source.as_deref()),
            (Some("a"), Some("vm-1"), Some("ENOSPC"))
        );
        assert_eq!(p.status, Some(503));
        assert_eq!(p.retry.as_deref(), Some("retry does the 2 steps that are not done: Do a; Do b"));
        assert_eq!(p.rollback.as_deref(), Some("rollback undoes 1 steps: Do a"));

        let refused = engine.cancel(op.id, CancelMode::Graceful).await.expect_err("cancelled at rest");
        assert!(refused.to_string().contains("it is allowed in STARTING, PROCESSING, ROLLING_BACK"), "{refused}");
        assert!(matches!(engine.retry(Uuid::new_v4()).await, Err(TaskError::NotFound(_))));
        assert!(matches!(engine.delete(op.id).await, Err(DeleteError::Unfinished { state: FAILED_TEMP, .. })));

        engine.rollback(op.id).await.unwrap();
        assert_eq!(settled(&engine, op.id).await.state, OperationState::RolledBack);
        let told: Vec<String> = notifications(&db, op.id).await.into_iter().map(|(s, _)| s).collect();
        assert_eq!(told, ["STARTING", "PROCESSING", "FAILED_TEMP", "ROLLING_BACK", "ROLLED_BACK"]);
        engine.shutdown(std::time::Duration::from_secs(5)).await;
    }
}

#[tokio::test]
async fn finished_operations_can_be_listed_deleted_and_pruned() {
    for db in TestDb::all().await {
        let engine = engine(&db, quick("a"), script(done())).await;
        engine.start();
        let mut ids = Vec::new();
        for n in 0..3 {
            let op = engine.submit(about(&format!("vnf-{n}"), steps(&[("a", &[])]))).await.unwrap();
            settled(&engine, op.id).await;
            ids.push(op.id);
        }
        let page = engine.list(None, false, None, 2).await.unwrap();
        assert_eq!(page.iter().map(|o| o.id).collect::<Vec<_>>(), ids[..2]);
        let last = page.last().map(|o| (o.created_at, o.id));
        assert_eq!(engine.list(None, false, last, 10).await.unwrap()[0].id, ids[2]);
        assert!(engine.list(None, true, None, 10).await.unwrap().is_empty());
        assert_eq!(engine.list(Some("vnf-1"), false, None, 10).await.unwrap()[0].id, ids[1]);

        engine.delete(ids[0]).await.unwrap();
        assert!(matches!(engine.delete(ids[0]).await, Err(DeleteError::NotFound(_))));
        assert!(engine.steps(ids[0]).await.unwrap().is_empty() && engine.timeline(ids[0]).await.unwrap().is_empty());
        assert_eq!(engine.prune(i64::MAX).await.unwrap(), 2);
        assert!(engine.list(None, false, None, 10).await.unwrap().is_empty());
        engine.shutdown(std::time::Duration::from_secs(5)).await;
    }
}

/// Two steps that wait for each other can only both end if they run side by side.
#[tokio::test]
async fn independent_steps_overlap_and_the_timeline_shows_it() {
    for db in TestDb::all().await {
        let barrier = Arc::new(tokio::sync::Barrier::new(2));
        let meets = Script::new(move |cx| {
            let barrier = barrier.clone();
            async move {
                if cx.key != "after" {
                    barrier.wait().await;
                }
                Ok(Outcome::Done(json!(cx.key)))
            }
        });
        let engine = engine(&db, quick("a"), script(meets)).await;
        engine.start();
        let op = engine.submit(operation(steps(&[("a", &[]), ("b", &[]), ("after", &["a", "b"])]))).await.unwrap();
        assert_eq!(settled(&engine, op.id).await.state, OperationState::Completed);
        let lines = engine.timeline(op.id).await.unwrap();
        let span = |key: &str| {
            let end = lines.iter().find(|l| l.step.as_deref() == Some(key) && l.event == EventKind::Done).unwrap();
            (end.started.unwrap(), end.at)
        };
        let (a, b, after) = (span("a"), span("b"), span("after"));
        assert!(a.0 <= b.1 && b.0 <= a.1, "{a:?} {b:?}");
        assert!(after.0 >= a.1 && after.0 >= b.1, "{after:?}");
        let all = engine.steps(op.id).await.unwrap();
        assert!(all.iter().all(|s| s.state == StepState::Done && s.output.as_deref() == Some(&json!(s.key))));
        engine.shutdown(std::time::Duration::from_secs(5)).await;
    }
}

/// Cannot write its first two notifications of PROCESSING.
struct Stubborn(AtomicUsize);

#[async_trait::async_trait]
impl Observer for Stubborn {
    async fn on_transition(
        &self,
        tx: &mut AnyConnection,
        op: &OperationView,
        change: &Change,
    ) -> Result<(), ObserverError> {
        Outbox.on_transition(tx, op, change).await?;
        if change.to == OperationState::Processing && self.0.fetch_add(1, Ordering::SeqCst) < 2 {
            return Err(ObserverError::Other("the outbox is full".into()));
        }
        Ok(())
    }
}

#[tokio::test]
async fn a_transition_waits_for_its_observer_and_is_told_once() {
    for db in TestDb::all().await {
        common::prepare(&db).await;
        let engine = engine_with(
            &db,
            quick("a"),
            script(done()),
            Arc::new(Stubborn(AtomicUsize::new(0))),
            Arc::new(SystemClock),
        )
        .await;
        engine.start();
        let op = engine.submit(operation(steps(&[("a", &[])]))).await.unwrap();
        assert_eq!(settled(&engine, op.id).await.state, OperationState::Completed);
        let told: Vec<String> = notifications(&db, op.id).await.into_iter().map(|(s, _)| s).collect();
        assert_eq!(told, ["STARTING", "PROCESSING", "COMPLETED"]);
        engine.shutdown(std::time::Duration::from_secs(5)).await;
    }
}

#[tokio::test]
async fn what_runs_side_by_side_is_bounded_and_everything_gets_its_turn() {
    for db in TestDb::all().await {
        let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let counting = {
            let (now, most) = (now.clone(), most.clone());
            Script::new(move |_| {
                let (now, most) = (now.clone(), most.clone());
                async move {
                    most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    for _ in 0..10 {
                        tokio::task::yield_now().await;
                    }
                    now.fetch_sub(1, Ordering::SeqCst);
                    Ok(Outcome::done())
                }
            })
        };
        let mut config = quick("a");
        (config.max_operations, config.max_steps, config.max_steps_per_operation) = (3, 4, 2);
        let engine = engine(&db, config, script(counting)).await;
        engine.start();
        let mut ids = Vec::new();
        for _ in 0..10 {
            let plan = steps(&[("a", &[]), ("b", &[]), ("c", &[]), ("d", &[]), ("e", &["a"])]);
            ids.push(engine.submit(operation(plan)).await.unwrap().id);
        }
        for id in ids {
            assert_eq!(settled(&engine, id).await.state, OperationState::Completed);
        }
        let most = most.load(Ordering::SeqCst);
        assert!((2..=4).contains(&most), "{most} at once");
        engine.shutdown(std::time::Duration::from_secs(5)).await;
        // What was committed is what another process reads.
        let n: i64 =
            sqlx::query_scalar("SELECT COUNT(*) FROM lcm_operation WHERE finished = 1 AND lease_owner IS NULL")
                .fetch_one(&db.reopen().await.pool)
                .await
                .unwrap();
        assert_eq!(n, 10);
    }
}
