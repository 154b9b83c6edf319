//! ProblemDetails (SOL013 clause 6.3, RFC 7807): what went wrong, where, and how to mend it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One fault inside a refused request: several are reported at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Fault {
    /// Where: a JSON pointer (`/vnfdId`), `query.filter`, `header.Version`, or `file:line:column` inside an archive.
    #[serde(rename = "where")]
    pub location: String,
    /// What is wrong there.
    pub message: String,
    /// The smallest change that would mend it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mend: Option<String>,
}

impl Fault {
    /// A fault at `location`.
    pub fn new(location: impl Into<String>, message: impl Into<String>) -> Self {
        Self { location: location.into(), message: message.into(), mend: None }
    }

    /// Adds how to mend it.
    #[must_use]
    pub fn mend(mut self, mend: impl Into<String>) -> Self {
        self.mend = Some(mend.into());
        self
    }
}

/// RFC 7807 problem with the extensions of this stack (SOL013 allows additional attributes).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema, thiserror::Error)]
#[serde(rename_all = "camelCase")]
#[error("{}{detail}", title.as_deref().map(|t| format!("{t}: ")).unwrap_or_default())]
pub struct ProblemDetails {
    /// URI of the problem type; absent means `about:blank`.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Short summary of the problem type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// HTTP status code, 400..=599.
    pub status: u16,
    /// Human-readable explanation of this occurrence.
    pub detail: String,
    /// URI of the occurrence or of the resource it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// Every fault of a refused request.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<Fault>,
    /// The step of an operation that failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// The resource concerned, e.g. `compute 3f…` or `network internal`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// What the VIM, host, hypervisor or switch answered, in its own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
    /// What happens next, or which command helps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// Trace id that stands in every log line of this request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
    /// Seconds after which the other side expects to be asked again: its header `Retry-After`.
    #[serde(skip)]
    pub retry_after: Option<u64>,
}

impl ProblemDetails {
    /// A problem with a status, a title and a detail.
    pub fn new(status: u16, title: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            kind: None,
            title: Some(title.into()),
            status,
            detail: detail.into(),
            instance: None,
            faults: Vec::new(),
            step: None,
            resource: None,
            answer: None,
            next: None,
            trace_id: None,
            retry_after: None,
        }
    }

    /// 400 with every fault found.
    pub fn bad_request(detail: impl Into<String>, faults: Vec<Fault>) -> Self {
        Self { faults, ..Self::new(400, "Bad request", detail) }
    }

    /// 404: `what` is not here.
    pub fn not_found(what: impl std::fmt::Display) -> Self {
        Self::new(404, "Not found", format!("{what} does not exist"))
    }

    /// 409: the resource's state does not allow it.
    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::new(409, "Conflict", detail)
    }

    /// 422: understood, and cannot be done.
    pub fn unprocessable(detail: impl Into<String>, faults: Vec<Fault>) -> Self {
        Self { faults, ..Self::new(422, "Unprocessable", detail) }
    }

    /// 503: try again later.
    pub fn unavailable(detail: impl Into<String>) -> Self {
        Self::new(503, "Unavailable", detail)
    }

    /// Names the resource concerned.
    #[must_use]
    pub fn resource(mut self, resource: impl Into<String>) -> Self {
        self.resource = Some(resource.into());
        self
    }

    /// Quotes what the other side answered.
    #[must_use]
    pub fn answer(mut self, answer: impl Into<String>) -> Self {
        self.answer = Some(answer.into());
        self
    }

    /// Says what happens next or which command helps.
    #[must_use]
    pub fn next(mut self, next: impl Into<String>) -> Self {
        self.next = Some(next.into());
        self
    }
}
