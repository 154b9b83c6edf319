//! What the engine's callers can get back instead of what they asked for.

use crate::observer::ObserverError;
use crate::plan::PlanFaults;
use crate::state::{OperationState, Refused};
use db::{DbError, Retryable};
use uuid::Uuid;

/// Why an operation was not accepted. Nothing of it is stored.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// The plan is not usable.
    #[error(transparent)]
    Plan(#[from] PlanFaults),
    /// The plan needs code that is not registered, or the operation itself is malformed. Every fault is named.
    #[error("the operation cannot be accepted: {}", .0.join("; "))]
    Invalid(Vec<String>),
    /// Another operation on the same subject is not finished (SOL003 clause 5.4.1.2: answer it with 409).
    #[error(
        "operation {running} on {subject} is {state}: only one at a time is possible; wait for it, or retry, roll back or fail it"
    )]
    Conflict {
        /// What both are about.
        subject: String,
        /// The unfinished one.
        running: Uuid,
        /// Its state.
        state: OperationState,
    },
    /// An operation of this id exists already.
    #[error("operation {0} exists already")]
    Exists(Uuid),
    /// The observer could not write.
    #[error("the operation's notification could not be written: {0}")]
    Observer(#[from] ObserverError),
    /// The database refused.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Why a task on an operation was not performed.
#[derive(Debug, thiserror::Error)]
pub enum TaskError {
    /// There is no such operation.
    #[error("there is no operation {0}")]
    NotFound(Uuid),
    /// Its state does not allow the task.
    #[error("operation {id}: {refused}")]
    Refused {
        /// The operation.
        id: Uuid,
        /// What was asked for, in which state, and which states would allow it.
        refused: Refused,
    },
    /// The observer could not write.
    #[error("the operation's notification could not be written: {0}")]
    Observer(#[from] ObserverError),
    /// The database refused.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Why an operation was not deleted.
#[derive(Debug, thiserror::Error)]
pub enum DeleteError {
    /// There is no such operation.
    #[error("there is no operation {0}")]
    NotFound(Uuid),
    /// It is not over.
    #[error("operation {id} is {state}: only finished operations can be deleted")]
    Unfinished {
        /// The operation.
        id: Uuid,
        /// Its state.
        state: OperationState,
    },
    /// The database refused.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Why the engine's own settings are not usable; every fault is named.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// Settings out of range.
    #[error("the operation engine's settings are not usable: {}", .0.join("; "))]
    Config(Vec<String>),
    /// Metrics of the same name exist already in the registry.
    #[error("the operation engine's metrics: {0}")]
    Metrics(#[from] prometheus::Error),
    /// The database could not be migrated.
    #[error(transparent)]
    Db(#[from] DbError),
}

macro_rules! from_sqlx_and_retryable {
    ($($error:ident),*) => {$(
        impl From<sqlx::Error> for $error {
            fn from(e: sqlx::Error) -> Self {
                Self::Db(e.into())
            }
        }
    )*};
}
from_sqlx_and_retryable!(SubmitError, TaskError, DeleteError);

impl Retryable for SubmitError {
    fn is_retryable(&self) -> bool {
        match self {
            Self::Db(e) => e.is_retryable(),
            Self::Observer(e) => e.is_retryable(),
            _ => false,
        }
    }
}

impl Retryable for TaskError {
    fn is_retryable(&self) -> bool {
        match self {
            Self::Db(e) => e.is_retryable(),
            Self::Observer(e) => e.is_retryable(),
            _ => false,
        }
    }
}

impl Retryable for DeleteError {
    fn is_retryable(&self) -> bool {
        matches!(self, Self::Db(e) if e.is_retryable())
    }
}
