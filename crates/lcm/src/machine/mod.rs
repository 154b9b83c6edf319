//! The pure heart of the engine: given an operation as the journal has it and what just happened, what is to be written
//! and what is to be begun. No database, no clock, no task; everything here is tested as functions.

mod advance;
mod apply;
mod explain;
#[cfg(test)]
mod histories;
mod snapshot;
mod task;
#[cfg(test)]
mod tests;

pub(crate) use advance::{Advance, Limits, Rest, StateChange, advance};
pub(crate) use apply::{Report, WorkResult};
pub(crate) use snapshot::{Op, Snapshot, StepRow, Work};
pub(crate) use task::perform;

use crate::view::EventKind;

/// A line for the journal.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Event {
    pub step: Option<String>,
    pub event: EventKind,
    pub attempt: u32,
    pub started: Option<i64>,
    pub detail: Option<String>,
}

impl Event {
    pub(crate) fn of_operation(event: EventKind, detail: impl Into<String>) -> Self {
        Self { step: None, event, attempt: 0, started: None, detail: Some(detail.into()) }
    }

    pub(crate) fn of_step(step: &StepRow, event: EventKind, detail: Option<String>) -> Self {
        Self { step: Some(step.key.clone()), event, attempt: step.attempt, started: step.call_started, detail }
    }
}
