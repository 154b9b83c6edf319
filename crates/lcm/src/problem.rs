//! What went wrong, in the words of the one who can do something about it. The services turn it into the ProblemDetails
//! of SOL013 clause 6.3.

use serde::{Deserialize, Serialize};

/// Longest text kept of any one field, in bytes; what another side answered may be long.
const MAX_TEXT: usize = 8 * 1024;

/// An explained failure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// What was attempted and did not work, in one line.
    pub title: String,
    /// Why, and how to mend it.
    pub detail: String,
    /// The HTTP status that fits, if one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// What it was attempted on: a VM's, port's, volume's id or name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// What the other side answered, as it answered it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// What the other side calls its own problem, the same for all of its kind: for who decides by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// Key of the step it happened in; the engine fills it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// What the retry task would do; the engine fills it when the operation rests in FAILED_TEMP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<String>,
    /// What the rollback task would do; the engine fills it when the operation rests in FAILED_TEMP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback: Option<String>,
    /// Keys of the steps whose effects remain outside; the engine fills it when the operation has FAILED.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remaining: Vec<String>,
    /// The failures of other steps of the same operation.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<Problem>,
}

impl Problem {
    /// A problem with its two obligatory texts.
    pub fn new(title: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            title: clipped(title.into()),
            detail: clipped(detail.into()),
            status: None,
            resource: None,
            source: None,
            cause: None,
            step: None,
            retry: None,
            rollback: None,
            remaining: Vec::new(),
            others: Vec::new(),
        }
    }

    /// With the HTTP status that fits.
    #[must_use]
    pub fn status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    /// With what it was attempted on.
    #[must_use]
    pub fn resource(mut self, resource: impl Into<String>) -> Self {
        self.resource = Some(clipped(resource.into()));
        self
    }

    /// With what the other side calls its own problem.
    #[must_use]
    pub fn caused_by(mut self, cause: impl Into<String>) -> Self {
        self.cause = Some(clipped(cause.into()));
        self
    }

    /// With what the other side answered.
    #[must_use]
    pub fn answered(mut self, source: impl Into<String>) -> Self {
        self.source = Some(clipped(source.into()));
        self
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.title, self.detail)?;
        if let Some(resource) = &self.resource {
            write!(f, " (resource {resource})")?;
        }
        if let Some(source) = &self.source {
            write!(f, " (answered: {source})")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problem {}

fn clipped(mut text: String) -> String {
    if text.len() > MAX_TEXT {
        let mut end = MAX_TEXT;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        text.push_str(" …");
    }
    text
}
