//! One run: a world, an operation, an engine with a clock of its own, and the wait for its end.

use super::World;
use super::faults::Faults;
use crate::config::EngineConfig;
use crate::engine::Engine;
use crate::state::OperationState;
use crate::store::journal::WriteHook;
use crate::submit::NewOperation;
use crate::view::{EventKind, OperationView};
use db::{Db, ManualClock};
use futures::future::BoxFuture;
use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use tokio::sync::watch;
use uuid::Uuid;

/// Real time after which a run is taken for stuck.
const STUCK: Duration = Duration::from_secs(60);

pub(super) struct Lab {
    pub db: Db,
    pub world: Arc<dyn World>,
    pub clock: ManualClock,
    pub faults: Arc<Faults>,
    pub operation: NewOperation,
    what: String,
}

/// Ends the executor at a given write.
pub(super) struct Hook {
    /// Writes left; the one that takes it to zero is the last.
    left: AtomicI64,
    before: bool,
    crashed: watch::Sender<bool>,
    pub sleeping: watch::Sender<bool>,
}

impl Hook {
    /// Dies at write number `n`, before or after it is committed.
    pub fn at(n: i64, before: bool) -> Arc<Self> {
        Arc::new(Self {
            left: AtomicI64::new(n),
            before,
            crashed: watch::Sender::new(false),
            sleeping: watch::Sender::new(false),
        })
    }

    pub fn crashed(&self) -> bool {
        *self.crashed.borrow()
    }

    /// Counts a write; false if it is one the process does not survive.
    fn survives(&self) -> bool {
        let dead = self.left.fetch_sub(1, Ordering::SeqCst) <= 1;
        if dead {
            self.crashed.send_replace(true);
        }
        !dead
    }
}

impl WriteHook for Hook {
    fn before_commit(&self) -> bool {
        if self.before { self.survives() } else { !self.crashed() }
    }

    fn after_commit(&self) -> bool {
        if self.before { !self.crashed() } else { self.survives() }
    }

    fn asleep(&self) -> bool {
        *self.sleeping.borrow()
    }

    fn awake(&self) -> BoxFuture<'_, ()> {
        let mut sleeping = self.sleeping.subscribe();
        Box::pin(async move { drop(sleeping.wait_for(|asleep| !asleep).await) })
    }
}

/// Loses the acknowledgement of one write.
pub(super) struct Mute(AtomicI64);

impl Mute {
    /// That of write number `n`.
    pub fn at(n: i64) -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(n)))
    }

    pub fn happened(&self) -> bool {
        self.0.load(Ordering::SeqCst) <= 0
    }
}

impl WriteHook for Mute {
    fn acknowledgement_lost(&self) -> bool {
        self.0.fetch_sub(1, Ordering::SeqCst) == 1
    }
}

impl Lab {
    pub fn new(db: Db, world: Arc<dyn World>, what: String) -> Self {
        let operation = world.operation();
        Self { db, world, clock: ManualClock::new(1_700_000_000_000_000), faults: Faults::new(), operation, what }
    }

    pub fn id(&self) -> Uuid {
        self.operation.id
    }

    /// An engine over this run's world, not started.
    pub async fn engine(&self, owner: &str, hook: Option<Arc<dyn WriteHook>>) -> Engine {
        let mut config = EngineConfig::new(owner);
        // Long, so that the timers that fire are the operation's own.
        config.lease = Duration::from_secs(600);
        config.scan_interval = Duration::from_secs(600);
        let registry = self.faults.wrap(self.world.registry());
        let opened = Engine::open_hooked(
            self.db.clone(),
            registry,
            self.world.observer(),
            config,
            Arc::new(self.clock.clone()),
            &prometheus::Registry::new(),
            hook,
        )
        .await;
        match opened {
            Ok(engine) => engine,
            Err(e) => panic!("{}: the engine cannot be opened: {e}", self.what),
        }
    }

    pub async fn submit(&self, engine: &Engine) {
        if let Err(e) = engine.submit(self.operation.clone()).await {
            panic!("{}: the operation is not accepted: {e}", self.what);
        }
    }

    /// An engine with the operation submitted and under way.
    pub async fn begin(&self) -> Engine {
        let engine = self.engine("kit", None).await;
        self.faults.cancel_through(Some(engine.clone()));
        self.submit(&engine).await;
        engine.start();
        engine
    }

    /// Waits until the operation rests or is over. `None`: the hook ended the executor before.
    pub async fn settle(&self, engine: &Engine, hook: Option<&Hook>) -> Option<OperationView> {
        self.settle_all(&[engine], hook).await
    }

    /// The same with several executors at work; time passes only while all of them wait.
    pub async fn settle_all(&self, engines: &[&Engine], hook: Option<&Hook>) -> Option<OperationView> {
        let engine = engines.first()?;
        match tokio::time::timeout(STUCK, self.settling(engine, engines, hook)).await {
            Ok(settled) => settled,
            Err(_) => panic!("{}: nothing happens any more\n{}", self.what, self.story(engine).await),
        }
    }

    async fn settling(&self, engine: &Engine, all: &[&Engine], hook: Option<&Hook>) -> Option<OperationView> {
        let mut changes = engine.watch();
        let mut activity: Vec<_> = all.iter().map(|e| e.inner.activity.subscribe()).collect();
        let mut crashed = hook.map(|h| h.crashed.subscribe());
        let mut look = true;
        loop {
            if hook.is_some_and(Hook::crashed) {
                return None;
            }
            if look {
                let op = self.view(engine).await;
                if !op.state.is_active() {
                    return Some(op);
                }
            }
            look = true;
            let crash = async {
                match &mut crashed {
                    Some(crashed) => drop(crashed.wait_for(|c| *c).await),
                    None => std::future::pending().await,
                }
            };
            // What `wait_for` returns holds a lock, and must be gone before anything else is done.
            let idle = async {
                for one in &mut activity {
                    drop(one.wait_for(|n| *n == 0).await);
                }
            };
            tokio::select! {
                () = crash => {}
                change = changes.recv() => {
                    // While it is at work there is nothing to look for; one that was missed is looked for when all is quiet.
                    look = change.is_ok_and(|c| c.operation == self.id() && !c.state.is_active());
                }
                () = idle => {
                    if !self.world.nudge(engine).await {
                        self.pass_time().await;
                    }
                }
            }
        }
    }

    /// Moves the clock to the next moment somebody waits for.
    async fn pass_time(&self) {
        if let Some(at) = self.clock.next_sleeper() {
            self.clock.advance_to(at);
        }
        // Those whose time has come must have noticed before more of it passes.
        loop {
            tokio::task::yield_now().await;
            if !self.clock.any_due() {
                return;
            }
        }
    }

    pub async fn view(&self, engine: &Engine) -> OperationView {
        match engine.get(self.id()).await {
            Ok(Some(op)) => op,
            Ok(None) => panic!("{}: the operation has vanished", self.what),
            Err(e) => panic!("{}: the operation cannot be read: {e}", self.what),
        }
    }

    /// Waits for the end and expects COMPLETED and a world as it should be.
    pub async fn expect_completed(&self, engine: &Engine) {
        let op = self.expect(engine, OperationState::Completed).await;
        let steps = engine.steps(self.id()).await.unwrap_or_default();
        let _context = self.context();
        self.world.assert_completed(&op, &steps).await;
    }

    /// Waits for the end and expects ROLLED_BACK and nothing left.
    pub async fn expect_nothing_left(&self, engine: &Engine) {
        let op = self.expect(engine, OperationState::RolledBack).await;
        let steps = engine.steps(self.id()).await.unwrap_or_default();
        let _context = self.context();
        self.world.assert_nothing_left(&op, &steps).await;
    }

    pub async fn expect(&self, engine: &Engine, state: OperationState) -> OperationView {
        let Some(op) = self.settle(engine, None).await else { panic!("{}: a hook where none was set", self.what) };
        self.expect_state(engine, &op, state).await;
        op
    }

    pub async fn expect_state(&self, engine: &Engine, op: &OperationView, state: OperationState) {
        if op.state != state {
            panic!(
                "{}: the operation is {} where {state} was expected\n{}",
                self.what,
                op.state,
                self.story(engine).await
            );
        }
        self.check_timeline(engine).await;
    }

    /// Rolls back an operation that rests; one that has already gone back by itself (a failure or cancel in STARTING) is
    /// left as it is.
    pub async fn roll_back(&self, engine: &Engine, op: &OperationView) {
        if op.state == OperationState::FailedTemp {
            self.expect_explained(op);
            if let Err(e) = engine.rollback(self.id()).await {
                panic!("{}: rollback: {e}", self.what);
            }
        }
        self.expect_nothing_left(engine).await;
    }

    pub async fn retry(&self, engine: &Engine) {
        if let Err(e) = engine.retry(self.id()).await {
            panic!("{}: retry: {e}", self.what);
        }
    }

    /// An operation at rest must say what is wrong and what can be done.
    fn expect_explained(&self, op: &OperationView) {
        let told = op.error.as_ref().is_some_and(|p| p.retry.is_some() && p.rollback.is_some());
        assert!(told, "{}: FAILED_TEMP without an explanation: {:?}", self.what, op.error);
    }

    /// No step was called twice at a time, and no executor wrote after it had lost its lease.
    async fn check_timeline(&self, engine: &Engine) {
        if let Some(key) = self.faults.overlapped() {
            panic!("{}: step '{key}' was under way twice at a time\n{}", self.what, self.story(engine).await);
        }
        let lines = engine.timeline(self.id()).await.unwrap_or_default();
        let mut fence = 0;
        for line in lines.iter().filter(|l| l.fence != 0) {
            assert!(line.fence >= fence, "{}: an executor wrote after it had lost its lease", self.what);
            fence = line.fence;
        }
        let submitted = lines.iter().filter(|l| l.event == EventKind::Submitted).count();
        assert_eq!(submitted, 1, "{}: submitted {submitted} times", self.what);
    }

    /// Everything the journal knows, for a failing test.
    pub async fn story(&self, engine: &Engine) -> String {
        let mut text = String::new();
        if let Ok(Some(op)) = engine.get(self.id()).await {
            let _ = writeln!(text, "{} {} error: {:?}", op.kind, op.state, op.error);
        }
        for step in engine.steps(self.id()).await.unwrap_or_default() {
            let _ =
                writeln!(text, "  {:12} {} (attempt {}, next {:?})", step.state, step.key, step.attempt, step.next_at);
        }
        for line in engine.timeline(self.id()).await.unwrap_or_default() {
            let _ = writeln!(text, "  {} [{}] {:?} {:?} {:?}", line.at, line.fence, line.step, line.event, line.detail);
        }
        text
    }

    /// Says which run it was if a check of the world panics.
    fn context(&self) -> impl Drop + use<> {
        struct Context(String);
        impl Drop for Context {
            fn drop(&mut self) {
                if std::thread::panicking() {
                    eprintln!("this was the run: {}", self.0);
                }
            }
        }
        Context(self.what.clone())
    }

    pub async fn end(&self, engine: Engine) {
        self.faults.cancel_through(None);
        engine.shutdown(Duration::from_secs(3600)).await;
    }
}
