//! What goes wrong inside the adapter, and how the consumer is told.

use db::{DbError, Retryable};
use reference_points::common::{CallError, Fault, ProblemDetails};
use service::http::ApiError;

/// Result of anything the adapter does for a request.
pub type Result<T, E = Failure> = std::result::Result<T, E>;

/// Why a request was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The consumer is told this problem.
    #[error("{0}")]
    Problem(Box<ProblemDetails>),
    /// The database did not do its part.
    #[error(transparent)]
    Db(#[from] DbError),
    /// The effect happened and the answer shall not arrive: a scripted fault of a simulated VIM.
    #[error("the answer is cut off, as scripted")]
    Cut,
}

impl Failure {
    /// 404.
    pub fn not_found(what: impl std::fmt::Display) -> Self {
        ProblemDetails::not_found(what).into()
    }

    /// 409.
    pub fn conflict(detail: impl Into<String>) -> Self {
        ProblemDetails::conflict(detail).into()
    }

    /// 422 with every fault.
    pub fn unprocessable(detail: impl Into<String>, faults: Vec<Fault>) -> Self {
        ProblemDetails::unprocessable(detail, faults).into()
    }

    /// The problem as a consumer sees it, for a record of its own.
    pub fn to_problem(&self) -> ProblemDetails {
        match self {
            Self::Problem(problem) => (**problem).clone(),
            Self::Db(error) => ProblemDetails::unavailable(error.to_string()),
            Self::Cut => ProblemDetails::new(504, "Cut off", self.to_string()),
        }
    }
}

/// Whether trying the same again cannot help and nothing was made.
pub(crate) fn is_refusal(failure: &Failure) -> bool {
    matches!(failure, Failure::Problem(p) if (400..500).contains(&p.status) && !matches!(p.status, 408 | 425 | 429))
}

/// `Ok` when nothing is wrong, else a 422 that names every fault.
pub fn no_faults(what: &str, faults: Vec<Fault>) -> Result<()> {
    match faults.as_slice() {
        [] => Ok(()),
        [one] => Err(Failure::unprocessable(format!("{what}: {} {}", one.location, one.message), faults)),
        many => Err(Failure::unprocessable(format!("{what} has {} faults", many.len()), faults)),
    }
}

impl From<ProblemDetails> for Failure {
    fn from(problem: ProblemDetails) -> Self {
        Self::Problem(Box::new(problem))
    }
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        error.to_problem().into()
    }
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        Self::Problem(error.problem)
    }
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self::Db(error.into())
    }
}

impl Retryable for Failure {
    fn is_retryable(&self) -> bool {
        matches!(self, Self::Db(error) if error.is_retryable())
    }
}

impl From<Failure> for ApiError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Problem(problem) => Self::new(*problem),
            Failure::Db(error) => error.into(),
            Failure::Cut => Self::new(failure.to_problem()),
        }
    }
}
