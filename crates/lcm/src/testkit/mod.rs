//! Drives an operation through everything that may happen to it, over the very steps that a service's `plan()` yields.
//!
//! A service describes a small [`World`]: the code of its steps over something fake outside, the operation, and two
//! checks. The [`Harness`] then lets each step fail, repeats each, loses each answer, kills the executor before and after
//! every write to the journal, cancels at each boundary, and lets two executors meet; after each it asks the world whether
//! it is as it should be. Time is the harness's own, so that back-offs and polls cost nothing. With the environment variable
//! `LCM_TESTKIT_TRACE` set, each run is announced on standard error.
//!
//! ```no_run
//! # use lcm::testkit::{Harness, World};
//! # async fn example<W: World>(db: db::Db, make_world: impl Fn() -> W + Send + Sync + 'static) {
//! let report = Harness::new(db, move || { let world = make_world(); async move { world } }).all().await;
//! println!("{report}");
//! # }
//! ```
#![expect(clippy::panic, reason = "a check that fails ends the test")]

mod cancel;
mod crash;
mod fail;
mod faults;
mod lab;
mod lease;

use crate::engine::Engine;
use crate::observer::{NoObserver, Observer};
use crate::step::Registry;
use crate::submit::NewOperation;
use crate::view::{OperationView, StepView};
use async_trait::async_trait;
use db::Db;
use futures::future::BoxFuture;
use lab::Lab;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// What the harness needs to know of a service: a fake outside, and an operation on it. Each run gets a new one.
#[async_trait]
pub trait World: Send + Sync + 'static {
    /// The code of the steps, over this world's outside.
    fn registry(&self) -> Registry;

    /// The operation, with a new id and a subject of its own, its plan made by the service's `plan()`.
    fn operation(&self) -> NewOperation;

    /// What the service writes with each transition.
    fn observer(&self) -> Arc<dyn Observer> {
        Arc::new(NoObserver)
    }

    /// Called when the engine has nothing to do but to wait: the time to finish what goes on outside and to send its
    /// event with [`Engine::wake`]. False if there is nothing: then time passes, and parked steps poll.
    async fn nudge(&self, engine: &Engine) -> bool {
        let _ = engine;
        false
    }

    /// Panics unless everything that the completed operation should have made is there, once, and nothing else.
    async fn assert_completed(&self, op: &OperationView, steps: &[StepView]);

    /// Panics if anything that the operation made is still there. Called when it is ROLLED_BACK.
    async fn assert_nothing_left(&self, op: &OperationView, steps: &[StepView]);
}

type MakeWorld = dyn Fn() -> BoxFuture<'static, Arc<dyn World>> + Send + Sync;

/// Runs an operation through everything that may happen to it.
#[derive(Clone)]
pub struct Harness {
    db: Db,
    make: Arc<MakeWorld>,
    runs: Arc<AtomicUsize>,
}

/// What was done.
#[derive(Clone, Copy, Debug)]
pub struct Report {
    /// Steps of the plan.
    pub steps: usize,
    /// Operations with a step, an undo or an answer of one that failed.
    pub failed: usize,
    /// Operations with a step that was called again after it had been done.
    pub repeated: usize,
    /// Operations whose process was killed after a write, forward and back.
    pub killed: usize,
    /// Operations that were cancelled at a boundary.
    pub cancelled: usize,
    /// Operations run from beginning to end, with those that met no fault or two executors.
    pub runs: usize,
    /// How long it took.
    pub elapsed: Duration,
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} steps: {} failed, {} repeated, {} killed, {} cancelled; {} operations in {:.1} s",
            self.steps,
            self.failed,
            self.repeated,
            self.killed,
            self.cancelled,
            self.runs,
            self.elapsed.as_secs_f64()
        )
    }
}

impl Harness {
    /// A harness over a database, which may be shared by all runs, and a maker of worlds.
    pub fn new<W, F, Fut>(db: Db, make_world: F) -> Self
    where
        W: World,
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = W> + Send + 'static,
    {
        let make = move || -> BoxFuture<'static, Arc<dyn World>> {
            let world = make_world();
            Box::pin(async move { Arc::new(world.await) as Arc<dyn World> })
        };
        Self { db, make: Arc::new(make), runs: Arc::default() }
    }

    /// Everything below.
    pub async fn all(&self) -> Report {
        let started = Instant::now();
        let runs = || self.runs.load(Ordering::Relaxed);
        self.undisturbed().await;
        let undisturbed = runs();
        self.fail_each_then_rollback().await;
        self.fail_each_then_retry().await;
        self.fail_each_undo_then_rollback().await;
        self.lose_each_answer().await;
        let failed = runs();
        self.repeat_each().await;
        let repeated = runs();
        self.kill_after_every_write().await;
        self.kill_during_rollback().await;
        self.lose_each_acknowledgement().await;
        let killed = runs();
        self.cancel_each().await;
        let cancelled = runs();
        self.two_executors().await;
        Report {
            steps: self.keys().await.len(),
            failed: failed - undisturbed,
            repeated: repeated - failed,
            killed: killed - repeated,
            cancelled: cancelled - killed,
            runs: runs(),
            elapsed: started.elapsed(),
        }
    }

    /// Without any fault, forward; then the operation is COMPLETED and the world as it should be.
    pub async fn undisturbed(&self) {
        let lab = self.lab("undisturbed").await;
        let engine = lab.begin().await;
        lab.expect_completed(&engine).await;
        lab.end(engine).await;
    }

    /// The keys of the plan's steps, in an order in which each comes after its predecessors.
    async fn keys(&self) -> Vec<String> {
        let operation = (self.make)().await.operation();
        let steps = operation.plan.steps();
        let mut order: Vec<&str> = Vec::new();
        let mut starting = steps.iter().filter(|s| s.starting).count();
        while order.len() < steps.len() {
            let ready = |s: &&crate::plan::StepSpec| {
                !order.contains(&s.key.as_str())
                    && (s.starting || starting == 0)
                    && s.after.iter().all(|k| order.contains(&k.as_str()))
            };
            let Some(next) = steps.iter().find(ready) else { panic!("the plan has a circle") };
            starting -= usize::from(next.starting);
            order.push(&next.key);
        }
        order.into_iter().map(str::to_owned).collect()
    }

    async fn lab(&self, what: impl Into<String>) -> Lab {
        let n = self.runs.fetch_add(1, Ordering::Relaxed);
        let what = what.into();
        if std::env::var_os("LCM_TESTKIT_TRACE").is_some() {
            eprintln!("run {n}: {what}");
        }
        Lab::new(self.db.clone(), (self.make)().await, what)
    }
}
