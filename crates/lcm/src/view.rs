//! What the engine shows of an operation: to the services' handlers, to observers, and to live views.

use crate::problem::Problem;
use crate::state::{CancelMode, OperationState};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::Arc;
use uuid::Uuid;

/// An operation. Times are microseconds since the Unix epoch.
#[derive(Clone, Debug, PartialEq)]
pub struct OperationView {
    /// Its id, which the service shows as the operation occurrence's.
    pub id: Uuid,
    /// What it does, for example `INSTANTIATE`.
    pub kind: String,
    /// What it is about; one unfinished operation per subject.
    pub subject: String,
    /// Its state.
    pub state: OperationState,
    /// When it came into that state.
    pub state_entered: i64,
    /// When it was submitted.
    pub created_at: i64,
    /// When anything of it was last written.
    pub updated_at: i64,
    /// What it was submitted with.
    pub params: Arc<Value>,
    /// What is wrong, while anything is: also while a step is being tried again.
    pub error: Option<Problem>,
    /// A cancel that has not taken effect yet (`isCancelPending`, `cancelMode`).
    pub cancel: Option<CancelMode>,
    /// Trace context of the request that began it.
    pub traceparent: Option<String>,
    /// Begun by the service itself (auto-scale, auto-heal) and not by a request (`isAutomaticInvocation`).
    pub automatic: bool,
    /// Grows with every write; serves as an entity tag.
    pub version: i64,
}

impl OperationView {
    /// `isCancelPending` of SOL003 clause 5.5.2.13.
    pub fn is_cancel_pending(&self) -> bool {
        self.cancel.is_some()
    }
}

/// State of one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum StepState {
    /// Not begun; no effect.
    Pending,
    /// Its `run` is under way, or was when the process ended.
    Running,
    /// Waits for an event outside, or for the slow poll.
    Parked,
    /// Waits to be tried again.
    Backoff,
    /// Its effect is not known: to be looked up.
    Unknown,
    /// Done.
    Done,
    /// Failed; may have had a partial effect.
    Failed,
    /// Its `undo` is under way, or was when the process ended.
    Undoing,
    /// Its undo waits for an event outside, or for the slow poll.
    UndoParked,
    /// Its undo waits to be tried again.
    UndoBackoff,
    /// Its undo was begun and has to be done again.
    UndoReady,
    /// Its undo failed.
    UndoFailed,
    /// Undone; no effect is left.
    Undone,
}

impl StepState {
    /// Every state.
    pub const ALL: [Self; 13] = [
        Self::Pending,
        Self::Running,
        Self::Parked,
        Self::Backoff,
        Self::Unknown,
        Self::Done,
        Self::Failed,
        Self::Undoing,
        Self::UndoParked,
        Self::UndoBackoff,
        Self::UndoReady,
        Self::UndoFailed,
        Self::Undone,
    ];

    /// The name in the journal.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Running => "RUNNING",
            Self::Parked => "PARKED",
            Self::Backoff => "BACKOFF",
            Self::Unknown => "UNKNOWN",
            Self::Done => "DONE",
            Self::Failed => "FAILED",
            Self::Undoing => "UNDOING",
            Self::UndoParked => "UNDO_PARKED",
            Self::UndoBackoff => "UNDO_BACKOFF",
            Self::UndoReady => "UNDO_READY",
            Self::UndoFailed => "UNDO_FAILED",
            Self::Undone => "UNDONE",
        }
    }

    /// The state of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.as_str() == name)
    }

    /// Nothing of the step can be left outside.
    pub const fn is_clean(self) -> bool {
        matches!(self, Self::Pending | Self::Undone)
    }

    /// Its undo has begun, or is over.
    pub const fn is_undo(self) -> bool {
        matches!(
            self,
            Self::Undoing | Self::UndoParked | Self::UndoBackoff | Self::UndoReady | Self::UndoFailed | Self::Undone
        )
    }
}

impl std::fmt::Display for StepState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A step of an operation.
#[derive(Clone, Debug, PartialEq)]
pub struct StepView {
    /// Its key.
    pub key: String,
    /// Its kind.
    pub kind: String,
    /// What it does, for people.
    pub title: String,
    /// Keys of the steps it comes after.
    pub after: Vec<String>,
    /// Belongs to the preparation.
    pub starting: bool,
    /// Its state.
    pub state: StepState,
    /// Number of tries begun, of the current direction.
    pub attempt: u32,
    /// When it will be tried or polled again, if it waits.
    pub next_at: Option<i64>,
    /// What it waits for, if it is parked.
    pub note: Option<String>,
    /// Its parameters.
    pub params: Arc<Value>,
    /// Its output, if it is done.
    pub output: Option<Arc<Value>>,
    /// What went wrong last.
    pub error: Option<Problem>,
    /// When it was first begun in the current direction.
    pub started_at: Option<i64>,
    /// When it ended in the current direction.
    pub finished_at: Option<i64>,
}

/// What happened to an operation or one of its steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum EventKind {
    /// The operation was submitted.
    Submitted,
    /// The operation changed its state.
    State,
    /// An operator asked for a task.
    Task,
    /// An executor took the operation over from one that is gone.
    Recovered,
    /// A call of `run` began.
    Started,
    /// The step waits.
    Parked,
    /// The step was called again after waiting.
    Resumed,
    /// The step is done.
    Done,
    /// A call failed and will be tried again.
    Transient,
    /// The effect of a call is not known.
    Unknown,
    /// It was looked up.
    LookedUp,
    /// The step failed.
    Failed,
    /// The step was abandoned by a forceful cancel.
    Abandoned,
    /// A call of `undo` began.
    UndoStarted,
    /// The undo waits.
    UndoParked,
    /// The undo was called again after waiting.
    UndoResumed,
    /// The step is undone.
    Undone,
    /// A call of `undo` failed and will be tried again.
    UndoTransient,
    /// The undo failed.
    UndoFailed,
}

impl EventKind {
    const NAMES: [(Self, &'static str); 19] = [
        (Self::Submitted, "SUBMITTED"),
        (Self::State, "STATE"),
        (Self::Task, "TASK"),
        (Self::Recovered, "RECOVERED"),
        (Self::Started, "STARTED"),
        (Self::Parked, "PARKED"),
        (Self::Resumed, "RESUMED"),
        (Self::Done, "DONE"),
        (Self::Transient, "TRANSIENT"),
        (Self::Unknown, "UNKNOWN"),
        (Self::LookedUp, "LOOKED_UP"),
        (Self::Failed, "FAILED"),
        (Self::Abandoned, "ABANDONED"),
        (Self::UndoStarted, "UNDO_STARTED"),
        (Self::UndoParked, "UNDO_PARKED"),
        (Self::UndoResumed, "UNDO_RESUMED"),
        (Self::Undone, "UNDONE"),
        (Self::UndoTransient, "UNDO_TRANSIENT"),
        (Self::UndoFailed, "UNDO_FAILED"),
    ];

    /// The name in the journal.
    pub fn as_str(self) -> &'static str {
        Self::NAMES.iter().find(|(k, _)| *k == self).map_or("", |(_, name)| name)
    }

    /// The kind of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(_, n)| *n == name).map(|(k, _)| *k)
    }
}

/// One line of an operation's journal.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TimelineEntry {
    /// When it happened.
    pub at: i64,
    /// The step it happened to; the operation itself if `None`.
    pub step: Option<String>,
    /// What happened.
    pub event: EventKind,
    /// Number of the try, for a step.
    pub attempt: u32,
    /// For an event that ends a call: when that call had begun. Two steps overlap if their spans from `started` to `at` do.
    pub started: Option<i64>,
    /// More about it: a new state, an error, what is waited for.
    pub detail: Option<String>,
    /// Fencing number of the executor that wrote it; 0 for what a request wrote.
    pub fence: i64,
}

/// A transition of an operation's state, as an observer gets it.
#[derive(Clone, Debug)]
pub struct Change {
    /// The state before; `None` when the operation has just been submitted.
    pub from: Option<OperationState>,
    /// The state now.
    pub to: OperationState,
    /// When.
    pub at: i64,
    /// All steps as they stand, with their outputs.
    pub steps: Vec<StepView>,
}

/// What live views get after each write. It is a hint to look, not the record: a slow reader may miss some.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ChangeEvent {
    /// The operation.
    pub operation: Uuid,
    /// Its kind.
    pub kind: String,
    /// What it is about.
    pub subject: String,
    /// Its state.
    pub state: OperationState,
    /// Whether it came into that state just now.
    pub transitioned: bool,
    /// Its version.
    pub version: i64,
    /// The steps that changed.
    pub steps: Vec<(String, StepState)>,
    /// When.
    pub at: i64,
}

impl ChangeEvent {
    /// Whether the operation came to rest just now: it ended, or waits in FAILED_TEMP for somebody to decide.
    pub fn came_to_rest(&self) -> bool {
        self.transitioned && !self.state.is_active()
    }
}
