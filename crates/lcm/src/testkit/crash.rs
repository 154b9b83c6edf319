//! The executor dies before or after every one of its writes, and a new one takes up the work.

use super::Harness;
use super::faults::Fault;
use super::lab::{Hook, Mute};
use crate::state::OperationState;
use std::time::Duration;

/// More writes than any operation in a test makes.
const MOST_WRITES: i64 = 10_000;

impl Harness {
    /// Killed at write 1, 2, 3 … until the operation gets through; it completes each time.
    pub async fn kill_after_every_write(&self) {
        for before in [true, false] {
            for n in 1..MOST_WRITES {
                let when = if before { "before" } else { "after" };
                let lab = self.lab(format!("killed {when} write {n}")).await;
                let hook = Hook::at(n, before);
                let engine = lab.engine("kit", Some(hook.clone())).await;
                lab.submit(&engine).await;
                engine.start();
                let got_through = lab.settle(&engine, Some(&hook)).await.is_some();
                engine.ended_or_shut(&hook).await;
                let engine = lab.engine("kit", None).await;
                engine.start();
                lab.expect_completed(&engine).await;
                lab.end(engine).await;
                if got_through {
                    break;
                }
            }
        }
    }

    /// The database commits write 1, 2, 3 … and its answer gets lost: the operation completes, and nothing is told twice.
    pub async fn lose_each_acknowledgement(&self) {
        for n in 1..MOST_WRITES {
            let lab = self.lab(format!("the acknowledgement of write {n} is lost")).await;
            let mute = Mute::at(n);
            let engine = lab.engine("kit", Some(mute.clone())).await;
            lab.submit(&engine).await;
            engine.start();
            lab.expect_completed(&engine).await;
            lab.end(engine).await;
            if !mute.happened() {
                return;
            }
        }
    }

    /// Killed likewise during a rollback that follows the last step's failure; nothing is left each time.
    pub async fn kill_during_rollback(&self) {
        let Some(last) = self.keys().await.pop() else { return };
        for before in [true, false] {
            for n in 1..MOST_WRITES {
                let when = if before { "before" } else { "after" };
                let lab = self.lab(format!("killed {when} write {n} of the rollback")).await;
                lab.faults.set(Fault::Permanent { key: last.clone(), after: true });
                let engine = lab.begin().await;
                let Some(op) = lab.settle(&engine, None).await else { return };
                lab.end(engine).await;
                if op.state != OperationState::FailedTemp {
                    // Only preparation in the plan: it has gone back by itself.
                    return;
                }
                let hook = Hook::at(n, before);
                let engine = lab.engine("kit", Some(hook.clone())).await;
                if let Err(e) = engine.rollback(lab.id()).await {
                    panic!("rollback: {e}");
                }
                engine.start();
                let got_through = lab.settle(&engine, Some(&hook)).await.is_some();
                engine.ended_or_shut(&hook).await;
                let engine = lab.engine("kit", None).await;
                engine.start();
                lab.expect_nothing_left(&engine).await;
                lab.end(engine).await;
                if got_through {
                    break;
                }
            }
        }
    }
}

impl crate::engine::Engine {
    /// After a crash everything of the executor must be gone before the next one begins, as with a process.
    async fn ended_or_shut(&self, hook: &Hook) {
        if hook.crashed() {
            self.ended().await;
        } else {
            self.shutdown(Duration::from_secs(3600)).await;
        }
    }
}
