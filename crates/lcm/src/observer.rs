//! The seam through which a service writes its own records in the same transaction as an operation's transition.

use crate::view::{Change, OperationView};
use async_trait::async_trait;
use db::{AnyConnection, DbError, Retryable};

/// Sees every transition of every operation's state, inside the transaction that makes it.
///
/// What it writes through `tx` is there if and only if the transition is: the instance's state, the result record, the
/// notification in the outbox. It must not begin another transaction and not wait for anything but `tx`. An error undoes
/// the transition; the engine tries again later.
#[async_trait]
pub trait Observer: Send + Sync {
    /// Called for each transition in turn, the first being the one to STARTING at submission.
    async fn on_transition(
        &self,
        tx: &mut AnyConnection,
        op: &OperationView,
        change: &Change,
    ) -> Result<(), ObserverError>;
}

/// An observer for those who have nothing to write.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoObserver;

#[async_trait]
impl Observer for NoObserver {
    async fn on_transition(&self, _: &mut AnyConnection, _: &OperationView, _: &Change) -> Result<(), ObserverError> {
        Ok(())
    }
}

/// Why an observer could not write.
#[derive(Debug, thiserror::Error)]
pub enum ObserverError {
    /// The database refused.
    #[error(transparent)]
    Db(#[from] DbError),
    /// Something else.
    #[error("{0}")]
    Other(String),
}

impl From<sqlx::Error> for ObserverError {
    fn from(e: sqlx::Error) -> Self {
        Self::Db(e.into())
    }
}

impl Retryable for ObserverError {
    fn is_retryable(&self) -> bool {
        matches!(self, Self::Db(e) if e.is_retryable())
    }
}
