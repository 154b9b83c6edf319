//! What a service writes: steps, one effect each, and what they may answer.

use crate::problem::Problem;
use crate::retry::RetryPolicy;
use async_trait::async_trait;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Most bytes of a wake key.
pub const MAX_WAKE_KEY_BYTES: usize = 300;

/// One kind of effect on the world outside, and how to take it back.
///
/// Both directions must be *ensure*: asked twice, they make or remove one thing, and what is already so is done. The
/// engine promises that the intent is journalled before a call and that the outcome is journalled after it; what it
/// cannot know is whether a call that was cut short took effect. Then it asks [`Step::lookup`].
#[async_trait]
pub trait Step: Send + Sync {
    /// Makes it so. Called again after [`Outcome::Park`] (woken or by the slow poll), after a transient error, after a
    /// crash, and on retry.
    async fn run(&self, cx: &StepCx) -> Result<Outcome, StepError>;

    /// Takes it back, whether `run` was done, failed midway, or is not known to have begun. "Already gone" is done.
    async fn undo(&self, cx: &StepCx) -> Result<Outcome, StepError>;

    /// Says what became of a `run` whose answer was lost. Must change nothing outside.
    async fn lookup(&self, cx: &StepCx) -> Result<Lookup, StepError> {
        let _ = cx;
        Ok(Lookup::RunAgain)
    }

    /// How often transient failures are tried again; the engine's own policy if `None`.
    fn retry_policy(&self) -> Option<RetryPolicy> {
        None
    }

    /// How long one call may take before it is abandoned and looked up. Waiting for something long is [`Outcome::Park`].
    fn time_limit(&self) -> Duration {
        Duration::from_secs(600)
    }
}

/// How a call of a step ended well.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// Done; the value is stored as the step's output, for the steps after it. Ignored by `undo`.
    Done(Value),
    /// Begun elsewhere and not finished. Nothing waits for it: the step is called again when somebody calls
    /// [`Engine::wake`](crate::Engine::wake) with the key, or after `poll_after` at the latest.
    Park {
        /// Names the event that is waited for, for example `vnflcm-op/<id>`. One step should wait per key.
        wake_key: String,
        /// The slow fallback for an event that got lost.
        poll_after: Duration,
        /// What is waited for, for people.
        note: String,
        /// What the step wants to remember: it finds it in [`StepCx::memo`] from then on, in `undo` and `lookup` too.
        memo: Value,
    },
}

impl Outcome {
    /// Done, without an output.
    pub fn done() -> Self {
        Self::Done(Value::Null)
    }

    /// Parked, without anything to remember.
    pub fn park(wake_key: impl Into<String>, poll_after: Duration, note: impl Into<String>) -> Self {
        Self::Park { wake_key: wake_key.into(), poll_after, note: note.into(), memo: Value::Null }
    }

    /// Remembering something while parked.
    #[must_use]
    pub fn remember(self, value: Value) -> Self {
        match self {
            Self::Park { wake_key, poll_after, note, .. } => Self::Park { wake_key, poll_after, note, memo: value },
            done @ Self::Done(_) => done,
        }
    }
}

/// How a call of a step failed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum StepError {
    /// Worth another try by itself: refused connection, 503, no capacity for the moment.
    #[error("{0}")]
    Transient(Box<Problem>),
    /// Will fail again until somebody changes something: the operation comes to rest in FAILED_TEMP.
    #[error("{0}")]
    Permanent(Box<Problem>),
    /// Sent, but the answer was lost: [`Step::lookup`] decides. For `undo` it is the same as transient.
    #[error("{0}")]
    Unknown(Box<Problem>),
}

impl StepError {
    /// Worth another try by itself.
    pub fn transient(problem: Problem) -> Self {
        Self::Transient(Box::new(problem))
    }

    /// Will fail again until somebody changes something.
    pub fn permanent(problem: Problem) -> Self {
        Self::Permanent(Box::new(problem))
    }

    /// The answer was lost.
    pub fn unknown(problem: Problem) -> Self {
        Self::Unknown(Box::new(problem))
    }

    /// The problem inside.
    pub fn problem(&self) -> &Problem {
        match self {
            Self::Transient(p) | Self::Permanent(p) | Self::Unknown(p) => p,
        }
    }
}

/// What became of a call whose answer was lost.
#[derive(Clone, Debug, PartialEq)]
pub enum Lookup {
    /// It took full effect; this is its output.
    Done(Value),
    /// It may have taken effect, in part or not: run again.
    RunAgain,
    /// It certainly had no effect: run again, or forget it if the operation is being stopped.
    NotDone,
}

/// What a step is given.
#[derive(Clone, Debug)]
pub struct StepCx {
    /// Id of the operation; belongs into the owner mark of what is made outside.
    pub operation: Uuid,
    /// Kind of the operation.
    pub operation_kind: String,
    /// What the operation is about, for example a VNF instance id.
    pub subject: String,
    /// Parameters of the operation.
    pub operation_params: Arc<Value>,
    /// Key of this step.
    pub key: String,
    /// Parameters of this step, as planned.
    pub params: Arc<Value>,
    /// Number of this try, from 1. Being called again after parking is the same try.
    pub attempt: u32,
    /// Called again after parking: woken by its event or by the slow poll. False when a try begins, also after a retry.
    pub resumed: bool,
    /// The W3C trace context of the request that began the operation, to be sent on.
    pub traceparent: Option<String>,
    /// What this step remembered when it parked last.
    pub memo: Option<Arc<Value>>,
    /// This step's own output, in `undo`, if it had been done.
    pub own_output: Option<Arc<Value>>,
    /// Cancelled when the call is about to be abandoned, by a forceful cancel or at the end of the process. The call's
    /// future is dropped right after; only what runs beside it (a blocking thread) needs to watch this.
    pub cancel: CancellationToken,
    pub(crate) outputs: Arc<BTreeMap<String, Arc<Value>>>,
}

impl StepCx {
    /// The output of a step that this one comes after, directly or not.
    pub fn output(&self, key: &str) -> Option<&Value> {
        self.outputs.get(key).map(AsRef::as_ref)
    }

    /// The same, read as a type; a permanent error if it is missing or of another shape.
    pub fn output_as<T: DeserializeOwned>(&self, key: &str) -> Result<T, StepError> {
        let value = self.output(key).ok_or_else(|| {
            StepError::permanent(Problem::new(
                "An earlier step's output is missing",
                format!(
                    "step '{}' needs the output of '{key}', which is not among the finished steps before it",
                    self.key
                ),
            ))
        })?;
        read(value, &format!("the output of step '{key}'"))
    }

    /// This step's parameters, read as a type; a permanent error if they are of another shape.
    pub fn params_as<T: DeserializeOwned>(&self) -> Result<T, StepError> {
        read(&self.params, &format!("the parameters of step '{}'", self.key))
    }

    /// The operation's parameters, read as a type; a permanent error if they are of another shape.
    pub fn operation_params_as<T: DeserializeOwned>(&self) -> Result<T, StepError> {
        read(&self.operation_params, "the parameters of the operation")
    }

    /// What the step remembered, read as a type; `None` if it never parked with something to remember.
    pub fn memo_as<T: DeserializeOwned>(&self) -> Result<Option<T>, StepError> {
        self.memo.as_ref().map(|memo| read(memo, &format!("what step '{}' remembered", self.key))).transpose()
    }
}

fn read<T: DeserializeOwned>(value: &Value, what: &str) -> Result<T, StepError> {
    T::deserialize(value).map_err(|e| {
        StepError::permanent(Problem::new(
            "The journal holds something this release does not understand",
            format!("{what}: {e}; a release that planned differently wrote it: roll the operation back with that release, or fail it"),
        ))
    })
}

/// The code behind the step kinds of the plans.
#[derive(Clone, Default)]
pub struct Registry {
    steps: BTreeMap<String, Arc<dyn Step>>,
}

impl Registry {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// With one more kind; a second of the same name replaces the first.
    #[must_use]
    pub fn with(mut self, kind: impl Into<String>, step: impl Step + 'static) -> Self {
        self.steps.insert(kind.into(), Arc::new(step));
        self
    }

    /// The code of a kind.
    pub fn get(&self, kind: &str) -> Option<&Arc<dyn Step>> {
        self.steps.get(kind)
    }

    /// The names of all kinds.
    pub fn kinds(&self) -> impl Iterator<Item = &str> {
        self.steps.keys().map(String::as_str)
    }

    /// The same kinds with each step wrapped, for tests and for measuring.
    #[must_use]
    pub fn map(self, mut wrap: impl FnMut(&str, Arc<dyn Step>) -> Arc<dyn Step>) -> Self {
        let steps = self.steps.into_iter().map(|(kind, step)| {
            let wrapped = wrap(&kind, step);
            (kind, wrapped)
        });
        Self { steps: steps.collect() }
    }
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.steps.keys()).finish()
    }
}
