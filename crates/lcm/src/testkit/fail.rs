//! Each step fails, loses its answer, or is made twice.

use super::Harness;
use super::faults::Fault;
use crate::state::OperationState;

impl Harness {
    /// Each step fails for good, before and after its effect; the operation rests, rollback leaves nothing.
    pub async fn fail_each_then_rollback(&self) {
        for key in self.keys().await {
            for after in [false, true] {
                let lab = self.lab(format!("'{key}' fails (after its effect: {after}), then rollback")).await;
                lab.faults.set(Fault::Permanent { key: key.clone(), after });
                let engine = lab.begin().await;
                let Some(op) = lab.settle(&engine, None).await else { return };
                lab.roll_back(&engine, &op).await;
                lab.end(engine).await;
            }
        }
    }

    /// Each step fails once, for good or for the moment; retry completes the operation. A failure in STARTING ends rolled
    /// back and cannot be retried.
    pub async fn fail_each_then_retry(&self) {
        for key in self.keys().await {
            for after in [false, true] {
                let lab = self.lab(format!("'{key}' fails (after its effect: {after}), then retry")).await;
                lab.faults.set(Fault::Permanent { key: key.clone(), after });
                let engine = lab.begin().await;
                let Some(op) = lab.settle(&engine, None).await else { return };
                if op.state == OperationState::RolledBack {
                    lab.expect_nothing_left(&engine).await;
                } else {
                    lab.expect_state(&engine, &op, OperationState::FailedTemp).await;
                    lab.retry(&engine).await;
                    lab.expect_completed(&engine).await;
                }
                lab.end(engine).await;
            }
            let lab = self.lab(format!("'{key}' fails for the moment")).await;
            lab.faults.set(Fault::Transient { key });
            let engine = lab.begin().await;
            lab.expect_completed(&engine).await;
            lab.end(engine).await;
        }
    }

    /// During a rollback after the last step's failure, each undo fails once, before and after its effect: the operation
    /// rests again, a second rollback leaves nothing.
    pub async fn fail_each_undo_then_rollback(&self) {
        let keys = self.keys().await;
        let Some(last) = keys.last() else { return };
        for key in &keys {
            for after in [false, true] {
                let lab = self.lab(format!("undoing '{key}' fails (after its effect: {after})")).await;
                lab.faults.set(Fault::Undo { fail: last.clone(), key: key.clone(), after });
                let engine = lab.begin().await;
                for _ in 0..2 {
                    let Some(op) = lab.settle(&engine, None).await else { return };
                    if op.state == OperationState::FailedTemp {
                        let _ = engine.rollback(lab.id()).await;
                    }
                }
                lab.expect_nothing_left(&engine).await;
                lab.end(engine).await;
            }
        }
    }

    /// Each step takes effect and its answer is lost; the operation completes all the same.
    pub async fn lose_each_answer(&self) {
        for key in self.keys().await {
            let lab = self.lab(format!("the answer of '{key}' is lost")).await;
            lab.faults.set(Fault::Lost { key });
            let engine = lab.begin().await;
            lab.expect_completed(&engine).await;
            lab.end(engine).await;
        }
    }

    /// Every call is made twice, forward to the end and, after the last step's failure, backward to the end.
    pub async fn repeat_each(&self) {
        let lab = self.lab("every call is made twice").await;
        lab.faults.set(Fault::Twice { fail: None });
        let engine = lab.begin().await;
        lab.expect_completed(&engine).await;
        lab.end(engine).await;

        let Some(last) = self.keys().await.pop() else { return };
        let lab = self.lab("every call is made twice, then rollback").await;
        lab.faults.set(Fault::Twice { fail: Some(last) });
        let engine = lab.begin().await;
        let Some(op) = lab.settle(&engine, None).await else { return };
        lab.roll_back(&engine, &op).await;
        lab.end(engine).await;
    }
}
