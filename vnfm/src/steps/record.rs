//! An operation on the record alone: nothing is done outside.

use async_trait::async_trait;
use lcm::{Outcome, Step, StepCx, StepError};

/// Does nothing: the record is written with the operation's end.
pub struct Record;

#[async_trait]
impl Step for Record {
    async fn run(&self, _: &StepCx) -> Result<Outcome, StepError> {
        Ok(Outcome::done())
    }

    async fn undo(&self, _: &StepCx) -> Result<Outcome, StepError> {
        Ok(Outcome::done())
    }
}
