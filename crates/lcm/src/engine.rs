//! The engine as its service sees it: opening, starting, waking, reading, ending.

use crate::config::EngineConfig;
use crate::error::{DeleteError, EngineError};
use crate::executor::dispatch;
use crate::metrics::Metrics;
use crate::observer::Observer;
use crate::step::Registry;
use crate::store::journal::{Journal, WriteHook};
use crate::store::lease::Holder;
use crate::store::{event, operation, schema, step, wake};
use crate::view::{ChangeEvent, OperationView, StepView, TimelineEntry};
use db::{AnyConnection, Clock, Db, DbError};
use futures::future::BoxFuture;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, Semaphore, broadcast, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Changes a live view may lag behind before it misses some.
const WATCH_CAPACITY: usize = 1024;
/// Most lines of one operation's timeline that are shown.
const TIMELINE_LINES: i64 = 20_000;

/// The durable operation engine. Cloning it gives another handle on the same one.
#[derive(Clone)]
pub struct Engine {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub journal: Journal,
    pub registry: Registry,
    pub config: EngineConfig,
    pub clock: Arc<dyn Clock>,
    pub metrics: Metrics,
    /// Something may be due: look.
    pub kick: Bell,
    /// The operations driven here, to be told of cancels and wakes.
    pub drivers: Mutex<HashMap<Uuid, Arc<Bell>>>,
    pub slots: Arc<Semaphore>,
    /// Begin nothing new.
    pub closing: CancellationToken,
    /// Drop what is under way.
    pub abort: CancellationToken,
    pub changes: broadcast::Sender<Arc<ChangeEvent>>,
    /// How many parts of the engine are doing something, as opposed to waiting for a timer or an event.
    pub activity: watch::Sender<usize>,
    dispatcher: Mutex<Option<JoinHandle<()>>>,
}

/// The steps that an event woke; to be given to [`Engine::woken`] once the transaction is committed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use = "give it to Engine::woken after the commit"]
pub struct Woken {
    operations: Vec<Uuid>,
}

impl Woken {
    /// Whether anybody was waiting for the event.
    pub fn any(&self) -> bool {
        !self.operations.is_empty()
    }
}

impl Engine {
    /// Opens the engine on a database, migrating its tables. Nothing is executed before [`Engine::start`]; operations may
    /// be submitted and read.
    pub async fn open(
        db: Db,
        registry: Registry,
        observer: Arc<dyn Observer>,
        config: EngineConfig,
        clock: Arc<dyn Clock>,
        metrics: &prometheus::Registry,
    ) -> Result<Self, EngineError> {
        Self::open_hooked(db, registry, observer, config, clock, metrics, None).await
    }

    pub(crate) async fn open_hooked(
        db: Db,
        registry: Registry,
        observer: Arc<dyn Observer>,
        config: EngineConfig,
        clock: Arc<dyn Clock>,
        metrics: &prometheus::Registry,
        hook: Option<Arc<dyn WriteHook>>,
    ) -> Result<Self, EngineError> {
        config.check()?;
        db.migrate(schema::COMPONENT, schema::MIGRATIONS).await?;
        let holder = Holder {
            owner: config.owner.clone(),
            incarnation: Uuid::new_v4().to_string(),
            lease_micros: crate::config::micros(config.lease),
        };
        let activity = watch::Sender::new(0);
        Ok(Self {
            inner: Arc::new(Inner {
                journal: Journal { db, observer, holder, hook },
                registry,
                clock,
                metrics: Metrics::new(metrics)?,
                kick: Bell::new(activity.clone()),
                drivers: Mutex::default(),
                slots: Arc::new(Semaphore::new(config.max_steps)),
                config,
                closing: CancellationToken::new(),
                abort: CancellationToken::new(),
                changes: broadcast::Sender::new(WATCH_CAPACITY),
                activity,
                dispatcher: Mutex::new(None),
            }),
        })
    }

    /// Starts executing: first what was under way when the previous process ended, then what is submitted. A second call
    /// does nothing.
    pub fn start(&self) {
        let mut dispatcher = lock(&self.inner.dispatcher);
        if dispatcher.is_none() && !self.inner.closing.is_cancelled() {
            *dispatcher = Some(tokio::spawn(dispatch::run(self.inner.clone())));
        }
    }

    /// Ends executing: nothing new begins, calls under way are waited for until `deadline` has passed and dropped then
    /// (their effects will be looked up), and all operations are handed back, for another replica or the next process.
    pub async fn shutdown(&self, deadline: Duration) {
        self.inner.closing.cancel();
        let Some(mut dispatcher) = lock(&self.inner.dispatcher).take() else { return };
        let until = self.inner.clock.now_micros().saturating_add(crate::config::micros(deadline));
        tokio::select! {
            ended = &mut dispatcher => return log_end(ended),
            () = self.inner.clock.sleep_until(until) => {}
        }
        tracing::warn!(
            ?deadline,
            "steps are still under way at the end of the process: their effects will be looked up later"
        );
        self.inner.abort.cancel();
        log_end(dispatcher.await);
    }

    /// Waits until the executor has ended by itself, which only a test's hook makes it do.
    #[cfg(feature = "testkit")]
    pub(crate) async fn ended(&self) {
        let dispatcher = lock(&self.inner.dispatcher).take();
        if let Some(dispatcher) = dispatcher {
            log_end(dispatcher.await);
        }
    }

    /// Makes the executor look for operations that are due; to be called after the commit of a transaction that
    /// [`Engine::submit_in`] wrote into. Calls in quick succession are one.
    pub fn kick(&self) {
        self.inner.kick.ring();
    }

    /// The event that `key` names has come: the steps parked for it are called again. If none is parked for it yet, it is
    /// kept for the one that will be. May be called any number of times; returns whether somebody was waiting.
    pub async fn wake(&self, key: &str) -> Result<bool, DbError> {
        let woken = db::transaction!(self.inner.journal.db, |tx| { self.wake_in(tx, key).await })?;
        let any = woken.any();
        self.woken(woken);
        Ok(any)
    }

    /// The same inside a transaction of the caller's, who calls [`Engine::woken`] after the commit.
    pub async fn wake_in(&self, tx: &mut AnyConnection, key: &str) -> Result<Woken, DbError> {
        if key.is_empty() || key.len() > crate::step::MAX_WAKE_KEY_BYTES {
            return Ok(Woken::default());
        }
        let ids = wake::wake(tx, key, self.inner.clock.now_micros()).await?;
        Ok(Woken { operations: ids.iter().filter_map(|id| id.parse().ok()).collect() })
    }

    /// Sees to the steps that [`Engine::wake_in`] woke.
    pub fn woken(&self, woken: Woken) {
        for id in woken.operations {
            self.poke(id);
        }
    }

    /// Tells whoever drives the operation that something about it has changed.
    pub(crate) fn poke(&self, id: Uuid) {
        match lock(&self.inner.drivers).get(&id) {
            Some(driver) => driver.ring(),
            None => self.kick(),
        }
    }

    /// Changes as they happen, for live views. The database is the record; this is the hint to look.
    pub fn watch(&self) -> broadcast::Receiver<Arc<ChangeEvent>> {
        self.inner.changes.subscribe()
    }

    /// An operation.
    pub async fn get(&self, id: Uuid) -> Result<Option<OperationView>, DbError> {
        operation::get(&mut *self.connection().await?, id).await
    }

    /// Its steps, in the plan's order; empty if there is no such operation.
    pub async fn steps(&self, id: Uuid) -> Result<Vec<StepView>, DbError> {
        let rows = step::of(&mut *self.connection().await?, id).await?;
        Ok(rows.iter().map(crate::machine::StepRow::view).collect())
    }

    /// Everything that happened to it, in order.
    pub async fn timeline(&self, id: Uuid) -> Result<Vec<TimelineEntry>, DbError> {
        event::timeline(&mut *self.connection().await?, id, TIMELINE_LINES).await
    }

    /// Operations in the order of their submission: at most `limit` (up to 1,000) after the one named by its
    /// `created_at` and `id`, of one subject if given, and only unfinished ones if wished.
    pub async fn list(
        &self,
        subject: Option<&str>,
        unfinished: bool,
        after: Option<(i64, Uuid)>,
        limit: usize,
    ) -> Result<Vec<OperationView>, DbError> {
        operation::list(&mut *self.connection().await?, subject, unfinished, after, limit.min(1000) as i64).await
    }

    /// Deletes a finished operation with its steps and timeline.
    pub async fn delete(&self, id: Uuid) -> Result<(), DeleteError> {
        db::transaction!(self.inner.journal.db, |tx| {
            if operation::delete_finished(tx, id).await? {
                return Ok(());
            }
            match operation::get(tx, id).await? {
                None => Err(DeleteError::NotFound(id)),
                Some(op) => Err(DeleteError::Unfinished { id, state: op.state }),
            }
        })
    }

    /// Deletes the operations that finished before a time (microseconds since the epoch), a thousand per transaction.
    pub async fn prune(&self, before: i64) -> Result<u64, DbError> {
        let mut all = 0;
        loop {
            let some = db::transaction!(self.inner.journal.db, |tx| { operation::prune(tx, before, 1000).await })?;
            all += some;
            if some < 1000 {
                return Ok(all);
            }
        }
    }

    async fn connection(&self) -> Result<db::sqlx::pool::PoolConnection<db::sqlx::Any>, DbError> {
        Ok(self.inner.journal.db.pool.acquire().await?)
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("owner", &self.inner.config.owner).finish_non_exhaustive()
    }
}

/// Nothing is ever left half-changed under these locks, so that a panic elsewhere does not spoil them.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn error_list(faults: Vec<String>) -> Result<(), EngineError> {
    if faults.is_empty() { Ok(()) } else { Err(EngineError::Config(faults)) }
}

fn log_end(ended: Result<(), tokio::task::JoinError>) {
    if let Err(e) = ended {
        tracing::error!(error = %e, "the operation executor ended unexpectedly");
    }
}

/// While it exists, the engine is doing something.
pub(crate) struct Busy(watch::Sender<usize>);

impl Busy {
    pub fn new(inner: &Inner) -> Self {
        inner.activity.send_modify(|n| *n += 1);
        Self(inner.activity.clone())
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.send_modify(|n| *n = n.saturating_sub(1));
    }
}

/// Waits for a stored time. Made while busy, awaited while idle: at every moment the engine is either doing something or
/// has a time it waits for.
pub(crate) struct Alarm {
    sleep: BoxFuture<'static, ()>,
}

impl Alarm {
    pub fn at(inner: &Inner, micros: i64) -> Self {
        Self { sleep: inner.clock.sleep_until(micros) }
    }

    /// Completes when the time has come; the engine is busy from then on.
    pub async fn ring(mut self, inner: &Inner) -> Busy {
        (&mut self.sleep).await;
        let busy = Busy::new(inner);
        drop(self.sleep);
        busy
    }
}

/// Calls somebody's attention. Rung and not yet answered counts as activity, so that nobody takes the engine for idle.
pub(crate) struct Bell {
    notify: Notify,
    rung: AtomicBool,
    activity: watch::Sender<usize>,
}

impl Bell {
    pub fn new(activity: watch::Sender<usize>) -> Self {
        Self { notify: Notify::new(), rung: AtomicBool::new(false), activity }
    }

    /// Calls; several calls before an answer are one.
    pub fn ring(&self) {
        // Counted under the lock of the count, so that an answer from another thread finds it counted.
        self.activity.send_modify(|n| *n += usize::from(!self.rung.swap(true, Ordering::SeqCst)));
        self.notify.notify_one();
    }

    /// Whether there is a call that nobody answered.
    pub fn is_rung(&self) -> bool {
        self.rung.load(Ordering::SeqCst)
    }

    /// Waits for a call.
    pub async fn heard(&self) {
        self.notify.notified().await;
    }

    /// Says that the call is being seen to. A call after this is a new one.
    pub fn answer(&self) {
        self.activity.send_modify(|n| *n = n.saturating_sub(usize::from(self.rung.swap(false, Ordering::SeqCst))));
    }
}

impl Drop for Bell {
    fn drop(&mut self) {
        self.answer();
    }
}
