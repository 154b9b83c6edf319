//! What can go wrong on the way to an OVSDB server and back, told so that the reader knows what to mend.

use std::fmt;
use std::time::Duration;

use crate::sync::Level;

/// Result of anything asked of a database server.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a request to an OVSDB server did not succeed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The text is not an endpoint.
    #[error("`{text}` is not an OVSDB endpoint: {why}; write unix:PATH or tcp:HOST:PORT")]
    Endpoint {
        /// The text as given.
        text: String,
        /// What is wrong with it.
        why: String,
    },
    /// No connection could be made.
    #[error("cannot connect to OVSDB server {endpoint}: {cause}; is it running, and does it listen there?")]
    Connect {
        /// Where the connection was tried.
        endpoint: String,
        /// What the operating system answered.
        cause: String,
    },
    /// The connection ended. `sent` says whether the request had left before: then its outcome is unknown.
    #[error("connection to OVSDB server {endpoint} was lost during {method}: {cause}{}",
        if *sent { "; whether the request was carried out is not known" } else { "; the request was not sent" })]
    Disconnected {
        /// The server.
        endpoint: String,
        /// JSON-RPC method that was under way.
        method: String,
        /// Why the connection ended.
        cause: String,
        /// True when the request may have reached the server.
        sent: bool,
    },
    /// No answer came in time.
    #[error("OVSDB server {endpoint} gave no answer to {method} within {after:?}{}",
        if *sent { "; whether it was carried out is not known" } else { ": there was no connection" })]
    Timeout {
        /// The server.
        endpoint: String,
        /// JSON-RPC method that was under way.
        method: String,
        /// How long was waited.
        after: Duration,
        /// True when the request may have reached the server.
        sent: bool,
    },
    /// The server refused the whole request (unknown database, unknown method, malformed request).
    #[error("OVSDB server {endpoint} refused {method}: {error}{}", explained(.details))]
    Refused {
        /// The server.
        endpoint: String,
        /// JSON-RPC method that was refused.
        method: String,
        /// The `error` string of the answer.
        error: String,
        /// The `details` string of the answer, empty if there was none.
        details: String,
    },
    /// One operation of a transaction failed, or its commit did; nothing of the transaction was kept.
    #[error(transparent)]
    Operation(#[from] OperationError),
    /// The other side does not speak the protocol, or exceeded a limit; the connection is closed then.
    #[error("OVSDB server {endpoint} broke the protocol: {what}")]
    Protocol {
        /// The server.
        endpoint: String,
        /// What was wrong.
        what: String,
    },
    /// A column does not hold what was expected of it.
    #[error("column `{column}`: expected {expected}, found {found}")]
    Column {
        /// Column name.
        column: String,
        /// Type that was asked for.
        expected: String,
        /// Value that stands there.
        found: String,
    },
    /// The change is in the database, but who should act on it has not within the time.
    #[error(
        "{}: the change was committed at {endpoint} as {}={wanted}, but {} is still {seen} after {after:?}; is {} running?",
        .level.table(), .level.bump_column(), .level.wait_column(), .level.who()
    )]
    NotApplied {
        /// The server.
        endpoint: String,
        /// How far the change should have come.
        level: Level,
        /// Number to be reached.
        wanted: i64,
        /// Number seen last.
        seen: i64,
        /// How long was waited.
        after: Duration,
    },
}

impl Error {
    /// True when the request may have been carried out although no answer came: look before asking again.
    pub fn outcome_unknown(&self) -> bool {
        matches!(self, Error::Disconnected { sent: true, .. } | Error::Timeout { sent: true, .. })
    }

    /// True when the same request may succeed later without anyone changing it.
    pub fn is_transient(&self) -> bool {
        match self {
            Error::Connect { .. } | Error::Disconnected { .. } | Error::Timeout { .. } | Error::NotApplied { .. } => {
                true
            }
            Error::Operation(e) => matches!(e.error.as_str(), "timed out" | "resources exhausted" | "I/O error"),
            _ => false,
        }
    }

    /// True when a unique index already holds the value (a name that clashes).
    pub fn is_duplicate(&self) -> bool {
        matches!(self, Error::Operation(e) if e.error == "constraint violation" && e.details.contains("identical values"))
    }
}

fn explained(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!(": {text}") }
}

/// The operation of a transaction that failed (RFC 7047 section 4.1.3).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct OperationError {
    /// Position in the transaction, from 0. `None` when the commit itself failed after all operations had passed.
    pub index: Option<usize>,
    /// Name of the operation (`insert`, …), or `commit`.
    pub operation: String,
    /// Table concerned, where there is one.
    pub table: Option<String>,
    /// The `error` string, for example `constraint violation`.
    pub error: String,
    /// The server's explanation, empty if it gave none.
    pub details: String,
}

impl fmt::Display for OperationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OVSDB ")?;
        match self.index {
            Some(index) => write!(f, "operation {index} ({})", self.operation)?,
            None => write!(f, "{}", self.operation)?,
        }
        if let Some(table) = &self.table {
            write!(f, " on table {table}")?;
        }
        write!(f, " failed: {}{}", self.error, explained(&self.details))
    }
}
