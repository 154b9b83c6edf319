//! A small plan through everything the harness does, on both databases; and proof that the harness notices faulty steps.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use async_trait::async_trait;
use common::{FakeWorld, Outside};
use db::testing::TestDb;
use futures::FutureExt;
use lcm::testkit::{Harness, World};
use lcm::{NewOperation, OperationView, Outcome, Plan, Registry, Step, StepCx, StepError, StepSpec, StepView};
use serde_json::json;
use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use uuid::Uuid;

fn harness(db: &TestDb) -> Harness {
    let db = (**db).clone();
    Harness::new(db.clone(), move || FakeWorld::new(db.clone()))
}

#[tokio::test]
async fn everything_on_sqlite() {
    let db = TestDb::sqlite().await;
    println!("SQLite: {}", harness(&db).all().await);
}

#[tokio::test]
async fn everything_on_postgresql() {
    let Some(db) = TestDb::postgres().await else { return };
    println!("PostgreSQL: {}", harness(&db).all().await);
}

/// Threads bring other interleavings.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn crashes_and_leases_with_several_threads() {
    for db in TestDb::all().await {
        let harness = harness(&db);
        harness.kill_after_every_write().await;
        harness.two_executors().await;
    }
}

/// How a step may be wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Wrong {
    /// A second call makes a second thing.
    NotEnsure,
    /// What failed midway is not undone.
    UndoForgets,
    /// It is not there any more: "already gone" is taken for a failure.
    UndoInsists,
    /// The lookup claims what is not so.
    LookupLies,
}

struct WrongWorld(Wrong, Arc<Outside>);

struct WrongStep(Wrong, Arc<Outside>);

#[async_trait]
impl Step for WrongStep {
    async fn run(&self, cx: &StepCx) -> Result<Outcome, StepError> {
        let mut things = self.1.things.lock().unwrap();
        let id = if self.0 == Wrong::NotEnsure { Uuid::new_v4().to_string() } else { cx.key.clone() };
        things.entry(id).or_insert(common::Thing {
            owner: cx.operation,
            phase: common::Phase::Ready,
            polls: 0,
            needs: vec![],
        });
        Ok(Outcome::done())
    }
    async fn undo(&self, cx: &StepCx) -> Result<Outcome, StepError> {
        if self.0 == Wrong::UndoForgets && cx.own_output.is_none() {
            return Ok(Outcome::done());
        }
        let gone = self.1.things.lock().unwrap().remove(&cx.key).is_none();
        if gone && self.0 == Wrong::UndoInsists {
            return Err(StepError::permanent(lcm::Problem::new("404", "no such thing")));
        }
        Ok(Outcome::done())
    }
    async fn lookup(&self, _: &StepCx) -> Result<lcm::Lookup, StepError> {
        Ok(if self.0 == Wrong::LookupLies { lcm::Lookup::Done(json!(null)) } else { lcm::Lookup::RunAgain })
    }
}

#[async_trait]
impl World for WrongWorld {
    fn registry(&self) -> Registry {
        Registry::new().with("wrong", WrongStep(self.0, self.1.clone()))
    }
    fn operation(&self) -> NewOperation {
        let plan = Plan::new(vec![StepSpec::new("a", "wrong", "A"), StepSpec::new("b", "wrong", "B").after("a")]);
        common::operation(plan.unwrap())
    }
    async fn assert_completed(&self, _: &OperationView, steps: &[StepView]) {
        assert_eq!(self.1.ids(), steps.iter().map(|s| s.key.clone()).collect::<BTreeSet<_>>());
    }
    async fn assert_nothing_left(&self, _: &OperationView, _: &[StepView]) {
        assert_eq!(self.1.ids(), BTreeSet::new());
    }
}

#[tokio::test]
async fn the_harness_notices_steps_that_do_not_keep_their_promises() {
    for wrong in [Wrong::NotEnsure, Wrong::UndoForgets, Wrong::UndoInsists, Wrong::LookupLies] {
        let db = TestDb::sqlite().await;
        let harness = Harness::new((*db).clone(), move || async move { WrongWorld(wrong, Arc::default()) });
        let noticed = AssertUnwindSafe(harness.all()).catch_unwind().await.is_err();
        assert!(noticed, "{wrong:?} went unnoticed");
    }
}
