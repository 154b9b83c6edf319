//! An operation in memory, as the journal has it, and the order among its steps.

use crate::problem::Problem;
use crate::state::{CancelMode, OperationState};
use crate::view::{OperationView, StepState, StepView};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The operation's own row.
pub(crate) type Op = OperationView;

/// A step's row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct StepRow {
    pub key: String,
    pub kind: String,
    pub title: String,
    pub params: Arc<Value>,
    pub after: Arc<Vec<String>>,
    pub starting: bool,
    pub state: StepState,
    /// Tries begun in the current direction.
    pub attempt: u32,
    /// When a waiting step is to be called again.
    pub next_at: Option<i64>,
    pub wake_key: Option<String>,
    pub note: Option<String>,
    pub memo: Option<Arc<Value>>,
    pub output: Option<Arc<Value>>,
    pub error: Option<Problem>,
    /// First call in the current direction, and its end.
    pub started_at: Option<i64>,
    pub finished_at: Option<i64>,
    /// Begin of the call under way. Not stored: the call does not survive the process.
    pub call_started: Option<i64>,
    /// The call under way goes on after waiting. Not stored either.
    pub resumed: bool,
}

impl StepRow {
    pub(crate) fn view(&self) -> StepView {
        StepView {
            key: self.key.clone(),
            kind: self.kind.clone(),
            title: self.title.clone(),
            after: self.after.as_ref().clone(),
            starting: self.starting,
            state: self.state,
            attempt: self.attempt,
            next_at: self.next_at,
            note: self.note.clone(),
            params: self.params.clone(),
            output: self.output.clone(),
            error: self.error.clone(),
            started_at: self.started_at,
            finished_at: self.finished_at,
        }
    }

    /// Whether its time to be called again has come.
    pub(crate) fn due(&self, now: i64) -> bool {
        self.next_at.is_none_or(|at| at <= now)
    }
}

/// What is done with a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Work {
    Run,
    Lookup,
    Undo,
}

impl Work {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Lookup => "lookup",
            Self::Undo => "undo",
        }
    }
}

/// Who comes after whom, by index.
#[derive(Debug)]
pub(crate) struct Graph {
    pub before: Vec<Vec<usize>>,
    pub after: Vec<Vec<usize>>,
}

impl Graph {
    /// Preparing steps come before all others, whether the plan says so or not.
    pub(crate) fn new(steps: &[StepRow]) -> Self {
        let index: BTreeMap<&str, usize> = steps.iter().enumerate().map(|(i, s)| (s.key.as_str(), i)).collect();
        let preparing: Vec<usize> = steps.iter().enumerate().filter(|(_, s)| s.starting).map(|(i, _)| i).collect();
        let mut before = Vec::with_capacity(steps.len());
        let mut after = vec![Vec::new(); steps.len()];
        for (i, step) in steps.iter().enumerate() {
            let mut own: BTreeSet<usize> = step.after.iter().filter_map(|k| index.get(k.as_str()).copied()).collect();
            if !step.starting {
                own.extend(&preparing);
            }
            for &j in &own {
                after[j].push(i);
            }
            before.push(own.into_iter().collect());
        }
        Self { before, after }
    }

    /// Every step before `i`, directly or not.
    pub(crate) fn all_before(&self, i: usize) -> BTreeSet<usize> {
        let mut seen = BTreeSet::new();
        let mut todo = self.before[i].clone();
        while let Some(j) = todo.pop() {
            if seen.insert(j) {
                todo.extend(&self.before[j]);
            }
        }
        seen
    }
}

/// An operation with its steps.
#[derive(Clone, Debug)]
pub(crate) struct Snapshot {
    pub op: Op,
    pub steps: Vec<StepRow>,
    pub graph: Arc<Graph>,
}

impl Snapshot {
    pub(crate) fn new(op: Op, steps: Vec<StepRow>) -> Self {
        let graph = Arc::new(Graph::new(&steps));
        Self { op, steps, graph }
    }

    pub(crate) fn views(&self) -> Vec<StepView> {
        self.steps.iter().map(StepRow::view).collect()
    }

    pub(crate) fn any(&self, state: StepState) -> bool {
        self.steps.iter().any(|s| s.state == state)
    }

    /// Whether everything before step `i` is done.
    pub(crate) fn reached(&self, i: usize) -> bool {
        self.graph.before[i].iter().all(|&j| self.steps[j].state == StepState::Done)
    }

    /// Whether nothing after step `i` is left outside.
    pub(crate) fn uncovered(&self, i: usize) -> bool {
        self.graph.after[i].iter().all(|&j| self.steps[j].state.is_clean())
    }

    pub(crate) fn mode(&self, in_flight: bool) -> Mode {
        use OperationState as S;
        let forceful = self.op.cancel == Some(CancelMode::Forceful);
        let undo_failed = self.any(StepState::UndoFailed);
        match self.op.state {
            S::Completed | S::Failed | S::RolledBack | S::FailedTemp => Mode::Settled,
            S::RollingBack => Mode::Backward { stopping: self.op.cancel.is_some() || undo_failed, forceful },
            S::Processing => {
                Mode::Forward { stopping: self.op.cancel.is_some() || self.any(StepState::Failed), forceful }
            }
            S::Starting => {
                let undoing = self.steps.iter().any(|s| s.state.is_undo());
                let failing = undoing || self.op.cancel.is_some() || self.any(StepState::Failed);
                if !failing {
                    Mode::Forward { stopping: false, forceful }
                } else if !undoing && (in_flight || self.any(StepState::Parked)) {
                    Mode::Forward { stopping: true, forceful }
                } else {
                    // A cancel has no say here: undone is where it wants to go.
                    Mode::Backward { stopping: undo_failed, forceful: false }
                }
            }
        }
    }
}

/// Which way the operation goes. Stopping: nothing new begins, what is begun is brought to an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Forward { stopping: bool, forceful: bool },
    Backward { stopping: bool, forceful: bool },
    Settled,
}
