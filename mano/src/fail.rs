//! How the client fails: every fault at once, what the other side said, and the command that helps.

use std::fmt;

use reference_points::common::{CallError, ProblemDetails};

/// Why a command did not succeed.
#[derive(Debug)]
pub enum Failure {
    /// A service refused.
    Refused {
        /// Its problem.
        problem: Box<ProblemDetails>,
        /// Which service.
        peer: String,
    },
    /// A service could not be reached.
    Unreachable {
        /// What happened.
        detail: String,
    },
    /// A package was refused by a report that is already printed.
    Reported,
    /// Something on this side: a file, an argument, an answer that cannot be read.
    Here {
        /// What happened.
        detail: String,
        /// What helps.
        next: Option<String>,
    },
}

impl Failure {
    /// A failure of this side.
    pub fn usage(detail: impl Into<String>) -> Self {
        Self::Here { detail: detail.into(), next: None }
    }

    /// A failure of this side, with the command that helps.
    pub fn helped(detail: impl Into<String>, next: impl Into<String>) -> Self {
        Self::Here { detail: detail.into(), next: Some(next.into()) }
    }

    /// An operation or onboarding that ended badly.
    pub fn problem(problem: ProblemDetails) -> Self {
        Self::Refused { problem: Box::new(problem), peer: "nfvo".to_owned() }
    }

    /// Exit code: 1 refused, 2 wrong use, 3 unreachable.
    pub fn code(&self) -> u8 {
        match self {
            Self::Refused { .. } | Self::Reported => 1,
            Self::Here { .. } => 2,
            Self::Unreachable { .. } => 3,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { problem, peer } => show(f, peer, problem),
            Self::Reported => Ok(()),
            Self::Unreachable { detail } => {
                writeln!(f, "error: {detail}")?;
                write!(f, "  next: is it running? `mano doctor` tells; another address goes in --nfvo or MANO_NFVO")
            }
            Self::Here { detail, next } => {
                write!(f, "error: {detail}")?;
                next.as_ref().map_or(Ok(()), |next| write!(f, "\n  next: {next}"))
            }
        }
    }
}

fn show(f: &mut fmt::Formatter<'_>, peer: &str, problem: &ProblemDetails) -> fmt::Result {
    write!(f, "error: {problem} ({peer}, {})", problem.status)?;
    for fault in &problem.faults {
        write!(f, "\n  - {}: {}", fault.location, fault.message)?;
        if let Some(mend) = &fault.mend {
            write!(f, "\n      mend: {mend}")?;
        }
    }
    let members = [
        ("step", &problem.step),
        ("resource", &problem.resource),
        ("answered", &problem.answer),
        ("next", &problem.next),
        ("trace", &problem.trace_id),
    ];
    for (name, value) in members {
        if let Some(value) = value {
            write!(f, "\n  {name}: {value}")?;
        }
    }
    Ok(())
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Refused { peer, problem, .. } => Self::Refused { problem, peer },
            other => Self::Unreachable { detail: other.to_string() },
        }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::usage(error.to_string())
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Self::usage(format!("unreadable answer: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use reference_points::common::Fault;

    #[test]
    fn every_fault_is_shown_with_its_mend() {
        let mut problem = ProblemDetails::bad_request(
            "2 faults",
            vec![Fault::new("a.yaml:3:1", "unknown type").mend("spell it right"), Fault::new("b.yaml:9:2", "cycle")],
        );
        problem.next = Some("mano op retry 1".into());
        let text = Failure::problem(problem).to_string();
        for part in ["a.yaml:3:1: unknown type", "mend: spell it right", "b.yaml:9:2: cycle", "next: mano op retry 1"] {
            assert!(text.contains(part), "{part} is missing in {text}");
        }
    }
}
