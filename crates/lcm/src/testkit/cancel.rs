//! The operation is cancelled at each step's boundary, gracefully and by force.

use super::Harness;
use super::faults::Fault;
use crate::state::{CancelMode, OperationState};

impl Harness {
    /// Cancelled just before and just after the effect of each step. What follows is rollback, which leaves nothing, and in
    /// another run retry, which completes. A cancel during the last steps may come too late, and then all is done.
    pub async fn cancel_each(&self) {
        for key in self.keys().await {
            for mode in [CancelMode::Graceful, CancelMode::Forceful] {
                for after in [false, true] {
                    for retry in [false, true] {
                        self.cancel_once(&key, mode, after, retry).await;
                    }
                }
            }
        }
    }

    async fn cancel_once(&self, key: &str, mode: CancelMode, after: bool, retry: bool) {
        let then = if retry { "retry" } else { "rollback" };
        let what = format!("{} cancel in '{key}' (after its effect: {after}), then {then}", mode.as_str());
        let lab = self.lab(what).await;
        lab.faults.set(Fault::Cancel { key: key.to_owned(), mode, after });
        let engine = lab.begin().await;
        let Some(op) = lab.settle(&engine, None).await else { return };
        match op.state {
            OperationState::Completed => lab.expect_completed(&engine).await,
            OperationState::FailedTemp if retry => {
                lab.retry(&engine).await;
                lab.expect_completed(&engine).await;
            }
            _ => lab.roll_back(&engine, &op).await,
        }
        lab.end(engine).await;
    }
}
