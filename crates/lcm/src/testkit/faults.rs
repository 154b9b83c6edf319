//! Steps that misbehave on demand, around the service's own.

use crate::engine::Engine;
use crate::problem::Problem;
use crate::retry::RetryPolicy;
use crate::state::CancelMode;
use crate::step::{Lookup, Outcome, Registry, Step, StepCx, StepError};
use async_trait::async_trait;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// What is to go wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    None,
    /// The call fails, once; `after`: after it took effect.
    Permanent {
        key: String,
        after: bool,
    },
    /// The call takes effect and its answer is lost, once.
    Lost {
        key: String,
    },
    /// The call fails for the moment, once.
    Transient {
        key: String,
    },
    /// Undoing fails, once; `after`: after it took effect.
    Undo {
        fail: String,
        key: String,
        after: bool,
    },
    /// Every call is made twice.
    Twice {
        fail: Option<String>,
    },
    /// The operation is cancelled during the call.
    Cancel {
        key: String,
        mode: CancelMode,
        after: bool,
    },
    /// The call takes effect and then waits for the gate.
    Gate {
        key: String,
    },
}

pub(super) struct Faults {
    fault: Mutex<Fault>,
    spent: Mutex<Vec<String>>,
    /// Calls under way, by step.
    under_way: Mutex<HashMap<String, usize>>,
    /// Set when one step was called twice at a time.
    overlap: OnceLock<String>,
    overlap_allowed: AtomicBool,
    engine: Mutex<Option<Engine>>,
    /// Opened by the scenario.
    pub gate: watch::Sender<bool>,
    /// Tells the scenario that a call waits at the gate.
    pub at_gate: watch::Sender<bool>,
}

impl Faults {
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            fault: Mutex::new(Fault::None),
            spent: Mutex::default(),
            under_way: Mutex::default(),
            overlap: OnceLock::new(),
            overlap_allowed: AtomicBool::new(false),
            engine: Mutex::default(),
            gate: watch::Sender::new(false),
            at_gate: watch::Sender::new(false),
        })
    }

    pub fn set(&self, fault: Fault) {
        *locked(&self.fault) = fault;
    }

    /// The engine that is to be told of a cancel.
    pub fn cancel_through(&self, engine: Option<Engine>) {
        *locked(&self.engine) = engine;
    }

    /// From now on a step may be under way twice: one call is that of an executor that has lost its lease.
    pub fn forgive_overlap(&self) {
        self.overlap_allowed.store(true, Ordering::SeqCst);
    }

    pub fn overlapped(&self) -> Option<&String> {
        self.overlap.get()
    }

    /// Whether the fault has happened.
    pub fn happened(&self) -> bool {
        !locked(&self.spent).is_empty()
    }

    pub fn wrap(self: &Arc<Self>, registry: Registry) -> Registry {
        let faults = self.clone();
        registry.map(move |_, inner| Arc::new(Faulty { inner, faults: faults.clone() }))
    }

    fn fault(&self) -> Fault {
        locked(&self.fault).clone()
    }

    /// True the first time it is asked about a key.
    fn once(&self, what: &str) -> bool {
        let mut spent = locked(&self.spent);
        let first = !spent.iter().any(|s| s == what);
        if first {
            spent.push(what.to_owned());
        }
        first
    }
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Faulty {
    inner: Arc<dyn Step>,
    faults: Arc<Faults>,
}

struct UnderWay<'a> {
    faults: &'a Faults,
    key: String,
}

impl<'a> UnderWay<'a> {
    fn new(faults: &'a Faults, key: &str) -> Self {
        let mut all = locked(&faults.under_way);
        let n = all.entry(key.to_owned()).or_default();
        *n += 1;
        if *n > 1 && !faults.overlap_allowed.load(Ordering::SeqCst) {
            let _ = faults.overlap.set(key.to_owned());
        }
        Self { faults, key: key.to_owned() }
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        if let Some(n) = locked(&self.faults.under_way).get_mut(&self.key) {
            *n -= 1;
        }
    }
}

fn planned(what: &str) -> Problem {
    Problem::new("A planned fault", format!("{what} was made to fail"))
}

impl Faulty {
    async fn cancel(&self, cx: &StepCx, mode: CancelMode) {
        let engine = locked(&self.faults.engine).clone();
        if let Some(engine) = engine {
            // The operation may just have ended; then there is nothing to cancel.
            let _ = engine.cancel(cx.operation, mode).await;
        }
        if mode == CancelMode::Forceful {
            // Whoever does not abandon this call waits for ever, and the test with him.
            std::future::pending::<()>().await;
        }
    }

    /// Fails, once, before or after the effect.
    async fn failing(&self, cx: &StepCx, after: bool, error: fn(Problem) -> StepError) -> Result<Outcome, StepError> {
        if !after {
            return match self.faults.once("run") {
                true => Err(error(planned(&cx.key))),
                false => self.inner.run(cx).await,
            };
        }
        match self.inner.run(cx).await? {
            Outcome::Done(_) if self.faults.once("run") => Err(error(planned(&cx.key))),
            outcome => Ok(outcome),
        }
    }
}

#[async_trait]
impl Step for Faulty {
    async fn run(&self, cx: &StepCx) -> Result<Outcome, StepError> {
        let _under_way = UnderWay::new(&self.faults, &cx.key);
        match self.faults.fault() {
            Fault::Permanent { key, after } if key == cx.key => self.failing(cx, after, StepError::permanent).await,
            Fault::Undo { fail, .. } | Fault::Twice { fail: Some(fail) } if fail == cx.key => {
                self.failing(cx, true, StepError::permanent).await
            }
            Fault::Lost { key } if key == cx.key => self.failing(cx, true, StepError::unknown).await,
            Fault::Transient { key } if key == cx.key => self.failing(cx, false, StepError::transient).await,
            Fault::Twice { .. } => {
                self.inner.run(cx).await?;
                self.inner.run(cx).await
            }
            Fault::Cancel { key, mode, after } if key == cx.key => {
                if after {
                    let outcome = self.inner.run(cx).await?;
                    if self.faults.once("run") {
                        self.cancel(cx, mode).await;
                    }
                    return Ok(outcome);
                }
                if self.faults.once("run") {
                    self.cancel(cx, mode).await;
                }
                self.inner.run(cx).await
            }
            Fault::Gate { key } if key == cx.key => {
                let outcome = self.inner.run(cx).await?;
                if self.faults.once("run") {
                    self.faults.at_gate.send_replace(true);
                    let _ = self.faults.gate.subscribe().wait_for(|open| *open).await;
                }
                Ok(outcome)
            }
            _ => self.inner.run(cx).await,
        }
    }

    async fn undo(&self, cx: &StepCx) -> Result<Outcome, StepError> {
        let _under_way = UnderWay::new(&self.faults, &cx.key);
        match self.faults.fault() {
            Fault::Undo { key, after, .. } if key == cx.key => {
                if after {
                    return match self.inner.undo(cx).await? {
                        Outcome::Done(_) if self.faults.once("undo") => Err(StepError::permanent(planned(&cx.key))),
                        outcome => Ok(outcome),
                    };
                }
                match self.faults.once("undo") {
                    true => Err(StepError::permanent(planned(&cx.key))),
                    false => self.inner.undo(cx).await,
                }
            }
            Fault::Twice { .. } => {
                self.inner.undo(cx).await?;
                self.inner.undo(cx).await
            }
            _ => self.inner.undo(cx).await,
        }
    }

    async fn lookup(&self, cx: &StepCx) -> Result<Lookup, StepError> {
        let _under_way = UnderWay::new(&self.faults, &cx.key);
        self.inner.lookup(cx).await
    }

    fn retry_policy(&self) -> Option<RetryPolicy> {
        self.inner.retry_policy()
    }

    fn time_limit(&self) -> Duration {
        match self.faults.fault() {
            // The clock is moved past a lease while the call waits.
            Fault::Gate { .. } => Duration::from_secs(86_400),
            _ => self.inner.time_limit(),
        }
    }
}
