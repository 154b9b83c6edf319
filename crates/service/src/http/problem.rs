//! Errors as answers: [`ApiError`] carries a ProblemDetails (SOL013 clause 6.3) and the headers its status demands.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use reference_points::common::{CallError, Fault, ProblemDetails, TraceContext};

/// Media type of problems.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// What a handler gives.
pub type ApiResult<T> = Result<T, ApiError>;

/// A problem on its way to the caller. The trace id is added when it is answered.
#[derive(Debug, Clone)]
pub struct ApiError {
    /// The body.
    pub problem: Box<ProblemDetails>,
    headers: HeaderMap,
    busy: bool,
}

/// A write transaction that the database refused for the moment is run again by `db::transaction!`.
impl db::Retryable for ApiError {
    fn is_retryable(&self) -> bool {
        self.busy
    }
}

impl ApiError {
    /// An error with this problem as its body.
    pub fn new(problem: ProblemDetails) -> Self {
        Self { problem: Box::new(problem), headers: HeaderMap::new(), busy: false }
    }

    /// A status, a title and a detail.
    pub fn status(status: StatusCode, title: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(ProblemDetails::new(status.as_u16(), title, detail))
    }

    /// 400 for one fault.
    pub fn fault(fault: Fault) -> Self {
        let detail = format!("{}: {}", fault.location, fault.message);
        Self::new(ProblemDetails::bad_request(detail, vec![fault]))
    }

    /// 400 for every fault of `what`.
    pub fn faults(what: &str, faults: Vec<Fault>) -> Self {
        let detail = match faults.as_slice() {
            [one] => format!("{what}: {} {}", one.location, one.message),
            many => format!("{what} has {} faults", many.len()),
        };
        Self::new(ProblemDetails::bad_request(detail, faults))
    }

    /// 404.
    pub fn not_found(what: impl std::fmt::Display) -> Self {
        Self::new(ProblemDetails::not_found(what))
    }

    /// 409.
    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::new(ProblemDetails::conflict(detail))
    }

    /// 412: the resource changed since the caller read it.
    pub fn precondition_failed(detail: impl Into<String>) -> Self {
        Self::status(StatusCode::PRECONDITION_FAILED, "Precondition failed", detail)
    }

    /// 422.
    pub fn unprocessable(detail: impl Into<String>, faults: Vec<Fault>) -> Self {
        Self::new(ProblemDetails::unprocessable(detail, faults))
    }

    /// 500: a defect or a broken environment of this service. The detail must name what was attempted.
    pub fn internal(detail: impl Into<String>) -> Self {
        Self::new(
            ProblemDetails::new(500, "Internal error", detail).next("look for the trace id in this service's log"),
        )
    }

    /// 503 with `Retry-After`.
    pub fn unavailable(detail: impl Into<String>, retry_after: Duration) -> Self {
        Self::new(ProblemDetails::unavailable(detail)).retry_after(retry_after)
    }

    /// Says when to try again (`Retry-After`, whole seconds, at least one).
    #[must_use]
    pub fn retry_after(self, after: Duration) -> Self {
        self.header(header::RETRY_AFTER, &after.as_secs().max(1).to_string())
    }

    /// Adds a header; a value that no header can carry is left out.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(name, value);
        }
        self
    }
}

impl std::fmt::Display for ApiError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.problem.fmt(f)
    }
}

impl std::error::Error for ApiError {}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let Self { mut problem, headers: mut extra, .. } = self;
        if problem.trace_id.is_none() {
            problem.trace_id = TraceContext::current().map(|c| c.trace_id());
        }
        let status = StatusCode::from_u16(problem.status)
            .ok()
            .filter(|s| s.is_client_error() || s.is_server_error())
            .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        problem.status = status.as_u16();
        if problem.title.is_none() {
            problem.title = status.canonical_reason().map(str::to_owned);
        }
        if status.is_server_error() && status != StatusCode::SERVICE_UNAVAILABLE {
            tracing::error!(status = status.as_u16(), answer = problem.answer, "{problem}");
        } else {
            tracing::debug!(status = status.as_u16(), answer = problem.answer, "{problem}");
        }
        // SOL013 clause 8.2: a caller without credentials is told how to present them.
        if status == StatusCode::UNAUTHORIZED && !extra.contains_key(header::WWW_AUTHENTICATE) {
            extra.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if status == StatusCode::SERVICE_UNAVAILABLE && !extra.contains_key(header::RETRY_AFTER) {
            extra.insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
        }
        let body = serde_json::to_vec(&problem).unwrap_or_default();
        let mut response = (status, [(header::CONTENT_TYPE, PROBLEM_JSON)], body).into_response();
        response.headers_mut().extend(extra);
        response
    }
}

impl From<ProblemDetails> for ApiError {
    fn from(problem: ProblemDetails) -> Self {
        Self::new(problem)
    }
}

impl From<CallError> for ApiError {
    fn from(error: CallError) -> Self {
        Self::new(error.to_problem())
    }
}

impl From<db::sqlx::Error> for ApiError {
    fn from(error: db::sqlx::Error) -> Self {
        if db::is_busy(&error) {
            let busy = Self::unavailable("the database is busy with other writers", Duration::from_secs(1));
            return Self { busy: true, ..busy };
        }
        match &error {
            db::sqlx::Error::PoolTimedOut => Self::unavailable(
                "every database connection is in use, and none became free in time",
                Duration::from_secs(2),
            ),
            db::sqlx::Error::Io(_) | db::sqlx::Error::PoolClosed => {
                let mut e = Self::unavailable("the database cannot be reached", Duration::from_secs(5));
                e.problem.answer = Some(error.to_string());
                e
            }
            db::sqlx::Error::Database(answer) if is_full(answer.message()) => Self::new(
                ProblemDetails::new(507, "Insufficient storage", "the database's disk is full: nothing was changed")
                    .answer(answer.message())
                    .next("free space on the disk that holds the database, then repeat the request"),
            ),
            _ => {
                let mut e = Self::internal("the database refused a statement: nothing of this request was stored");
                e.problem.answer = Some(error.to_string());
                e
            }
        }
    }
}

fn is_full(message: &str) -> bool {
    message.contains("disk is full") || message.contains("No space left")
}

impl From<db::DbError> for ApiError {
    fn from(error: db::DbError) -> Self {
        match error {
            db::DbError::Sql(error) => error.into(),
            db::DbError::WriteTurn(_) => Self::unavailable(error.to_string(), Duration::from_secs(2)),
            other => Self::internal(other.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[tokio::test]
    async fn the_answer_carries_the_trace_id_and_the_headers_of_its_status() {
        let context = TraceContext::random();
        let response = context
            .scope(async { ApiError::status(StatusCode::UNAUTHORIZED, "Unauthorized", "no token").into_response() })
            .await;
        assert_eq!(response.status(), 401);
        assert_eq!(response.headers()[header::WWW_AUTHENTICATE], "Bearer");
        assert_eq!(response.headers()[header::CONTENT_TYPE], PROBLEM_JSON);
        let body = axum::body::to_bytes(response.into_body(), 10_000).await.unwrap();
        let problem: ProblemDetails = serde_json::from_slice(&body).unwrap();
        assert_eq!(problem.trace_id, Some(context.trace_id()));
        let busy = ApiError::unavailable("later", Duration::from_secs(7)).into_response();
        assert_eq!(busy.headers()[header::RETRY_AFTER], "7");
    }
}
