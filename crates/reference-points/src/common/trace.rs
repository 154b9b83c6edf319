//! W3C trace context: one trace id from the CLI to the agent. It travels in the `traceparent` header, in a task-local
//! inside a process, and in an operation's record across restarts.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

tokio::task_local! {
    static CURRENT: TraceContext;
}

/// Trace id and span id of W3C `traceparent`, version 00.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct TraceContext {
    trace_id: u128,
    span_id: u64,
}

impl TraceContext {
    /// A new trace.
    pub fn random() -> Self {
        let (high, low) = uuid::Uuid::new_v4().as_u64_pair();
        Self { trace_id: uuid::Uuid::new_v4().as_u128() | 1, span_id: (high ^ low) | 1 }
    }

    /// The same trace, another span.
    #[must_use]
    pub fn child(self) -> Self {
        Self { span_id: Self::random().span_id, ..self }
    }

    /// The trace id as 32 hexadecimal digits.
    pub fn trace_id(&self) -> String {
        format!("{:032x}", self.trace_id)
    }

    /// The context of the running task, when there is one.
    pub fn current() -> Option<Self> {
        CURRENT.try_with(|c| *c).ok()
    }

    /// Runs a future with this context.
    pub async fn scope<F: Future>(self, future: F) -> F::Output {
        CURRENT.scope(self, future).await
    }
}

impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-01", self.trace_id, self.span_id)
    }
}

/// The header is not a version 00 `traceparent`.
#[derive(Debug, thiserror::Error)]
#[error("not a W3C traceparent: {0:?}")]
pub struct BadTraceParent(String);

impl FromStr for TraceContext {
    type Err = BadTraceParent;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        let bad = || BadTraceParent(s.chars().take(80).collect());
        let mut parts = s.trim().split('-');
        let (version, trace, span) = (parts.next(), parts.next(), parts.next());
        let (Some(version), Some(trace), Some(span)) = (version, trace, span) else { return Err(bad()) };
        if version.len() != 2 || version == "ff" || trace.len() != 32 || span.len() != 16 {
            return Err(bad());
        }
        let trace_id = u128::from_str_radix(trace, 16).map_err(|_| bad())?;
        let span_id = u64::from_str_radix(span, 16).map_err(|_| bad())?;
        if trace_id == 0 || span_id == 0 {
            return Err(bad());
        }
        Ok(Self { trace_id, span_id })
    }
}

impl From<TraceContext> for String {
    fn from(value: TraceContext) -> Self {
        value.to_string()
    }
}

impl TryFrom<String> for TraceContext {
    type Error = BadTraceParent;

    fn try_from(value: String) -> Result<Self, Self::Error> {
        value.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_context_survives_its_header() {
        let context = TraceContext::random();
        assert_eq!(context.to_string().parse::<TraceContext>().ok(), Some(context));
        assert_eq!(context.child().trace_id(), context.trace_id());
    }

    #[test]
    fn other_text_is_refused() {
        for text in ["", "00", "00-0-0-01", "00-00000000000000000000000000000000-0000000000000001-01", "ff-1-1-1"] {
            assert!(text.parse::<TraceContext>().is_err(), "{text}");
        }
    }
}
