//! The states of an operation and the tasks an operator may ask for, as SOL003 clause 5.6.2 and SOL005 clause 6.6.2 have
//! them. The table is a pure function, [`allowed`].
//!
//! ```text
//!              all preparing steps done             all steps done
//!   STARTING ---------------------------> PROCESSING --------------> COMPLETED
//!      |   \                                |     ^
//!      |    \ undoing fails          error, |     | retry
//!      |     \                       cancel v     |
//!      |      `-------------------------> FAILED_TEMP ---------------> FAILED
//!      | error, cancel                      |     ^          fail
//!      v                           rollback |     | undoing fails, cancel
//!   ROLLED_BACK <------------------------ ROLLING_BACK
//!                    all undone
//! ```
//!
//! One edge is more than the specification draws: when preparing fails and even undoing that preparation fails, the
//! operation rests in FAILED_TEMP instead of claiming that nothing is left.

use serde::{Deserialize, Serialize};

/// State of an operation. The names on the wire and in the database are those of the specifications.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum OperationState {
    /// Being prepared, for example by asking for a grant.
    Starting,
    /// At work.
    Processing,
    /// Everything is done. Final.
    Completed,
    /// Stopped by an error or a cancel; waits for retry, rollback or fail.
    FailedTemp,
    /// Given up by the operator; what is left outside is listed in the error. Final.
    Failed,
    /// What had been done is being undone.
    RollingBack,
    /// Everything is undone. Final.
    RolledBack,
}

impl OperationState {
    /// Every state.
    pub const ALL: [Self; 7] = [
        Self::Starting,
        Self::Processing,
        Self::Completed,
        Self::FailedTemp,
        Self::Failed,
        Self::RollingBack,
        Self::RolledBack,
    ];

    /// The name in the specifications.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "STARTING",
            Self::Processing => "PROCESSING",
            Self::Completed => "COMPLETED",
            Self::FailedTemp => "FAILED_TEMP",
            Self::Failed => "FAILED",
            Self::RollingBack => "ROLLING_BACK",
            Self::RolledBack => "ROLLED_BACK",
        }
    }

    /// The state of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.as_str() == name)
    }

    /// Nothing will ever change again: COMPLETED, FAILED, ROLLED_BACK.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::RolledBack)
    }

    /// The executor has something to do: STARTING, PROCESSING, ROLLING_BACK.
    pub const fn is_active(self) -> bool {
        matches!(self, Self::Starting | Self::Processing | Self::RollingBack)
    }
}

impl std::fmt::Display for OperationState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How a cancel takes effect (SOL003 clause 5.5.2.16, type CancelMode).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CancelMode {
    /// No new step starts; those begun are waited for.
    Graceful,
    /// Steps begun are abandoned; what became of them is looked up on retry, or undone on rollback.
    Forceful,
}

impl CancelMode {
    /// The name in the specifications.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Graceful => "GRACEFUL",
            Self::Forceful => "FORCEFUL",
        }
    }

    /// The mode of that name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Graceful, Self::Forceful].into_iter().find(|m| m.as_str() == name)
    }
}

/// What an operator may ask of an operation occurrence (SOL003 clauses 5.4.14 to 5.4.17).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Task {
    /// Try again what failed and go on.
    Retry,
    /// Undo everything that was done.
    Rollback,
    /// Give up and leave things as they are.
    Fail,
    /// Stop.
    Cancel,
}

impl Task {
    /// Every task.
    pub const ALL: [Self; 4] = [Self::Retry, Self::Rollback, Self::Fail, Self::Cancel];

    /// The name in the resource's path.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::Rollback => "rollback",
            Self::Fail => "fail",
            Self::Cancel => "cancel",
        }
    }

    /// The states in which the task is allowed.
    pub const fn allowed_in(self) -> &'static [OperationState] {
        match self {
            Self::Retry | Self::Rollback | Self::Fail => &[OperationState::FailedTemp],
            Self::Cancel => &[OperationState::Starting, OperationState::Processing, OperationState::RollingBack],
        }
    }
}

impl std::fmt::Display for Task {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a task does to the operation's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The operation is in the new state at once.
    Now(OperationState),
    /// The operation stays until what is under way has stopped, and then goes to the named state (SOL003 clause 5.6.3);
    /// until then `isCancelPending` is true.
    WhenStopped(OperationState),
}

/// A task asked for in a state that does not allow it. Answer it with 409.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{task} is not possible while the operation is {state}; it is allowed in {}", names(.task.allowed_in()))]
pub struct Refused {
    /// What was asked for.
    pub task: Task,
    /// The state the operation is in.
    pub state: OperationState,
}

fn names(states: &[OperationState]) -> String {
    states.iter().map(|s| s.as_str()).collect::<Vec<_>>().join(", ")
}

/// The table of tasks: what `task` does to an operation in `state`.
pub const fn allowed(state: OperationState, task: Task) -> Result<Effect, Refused> {
    use OperationState as S;
    match (state, task) {
        (S::FailedTemp, Task::Retry) => Ok(Effect::Now(S::Processing)),
        (S::FailedTemp, Task::Rollback) => Ok(Effect::Now(S::RollingBack)),
        (S::FailedTemp, Task::Fail) => Ok(Effect::Now(S::Failed)),
        (S::Starting, Task::Cancel) => Ok(Effect::WhenStopped(S::RolledBack)),
        (S::Processing | S::RollingBack, Task::Cancel) => Ok(Effect::WhenStopped(S::FailedTemp)),
        _ => Err(Refused { task, state }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every cell, written out: rows are states, columns retry, rollback, fail, cancel.
    #[test]
    fn the_table_of_tasks_cell_by_cell() {
        use Effect::{Now, WhenStopped};
        use OperationState as S;
        type Row = (S, [Option<Effect>; 4]);
        let table: [Row; 7] = [
            (S::Starting, [None, None, None, Some(WhenStopped(S::RolledBack))]),
            (S::Processing, [None, None, None, Some(WhenStopped(S::FailedTemp))]),
            (S::Completed, [None, None, None, None]),
            (S::FailedTemp, [Some(Now(S::Processing)), Some(Now(S::RollingBack)), Some(Now(S::Failed)), None]),
            (S::Failed, [None, None, None, None]),
            (S::RollingBack, [None, None, None, Some(WhenStopped(S::FailedTemp))]),
            (S::RolledBack, [None, None, None, None]),
        ];
        for (state, row) in table {
            for (task, expected) in Task::ALL.into_iter().zip(row) {
                assert_eq!(allowed(state, task).ok(), expected, "{task} in {state}");
                assert_eq!(task.allowed_in().contains(&state), expected.is_some(), "{task} in {state}");
            }
        }
        assert_eq!(table.map(|(s, _)| s), S::ALL);
    }

    #[test]
    fn a_refusal_names_the_states_that_allow_the_task() {
        let told = |state, task| allowed(state, task).map_or_else(|e| e.to_string(), |_| String::new());
        assert_eq!(
            told(OperationState::Completed, Task::Cancel),
            "cancel is not possible while the operation is COMPLETED; it is allowed in STARTING, PROCESSING, ROLLING_BACK"
        );
        assert_eq!(
            told(OperationState::Processing, Task::Retry),
            "retry is not possible while the operation is PROCESSING; it is allowed in FAILED_TEMP"
        );
    }

    #[test]
    fn names_are_those_of_the_specification_and_read_back() {
        for state in OperationState::ALL {
            assert_eq!(OperationState::parse(state.as_str()), Some(state));
            assert_eq!(serde_json::to_value(state).ok(), Some(state.as_str().into()));
        }
        assert_eq!(OperationState::parse("processing"), None);
        assert_eq!(CancelMode::parse("FORCEFUL"), Some(CancelMode::Forceful));
    }
}
