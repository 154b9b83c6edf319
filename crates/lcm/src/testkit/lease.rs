//! Two executors and one lease.

use super::Harness;
use super::faults::Fault;
use super::lab::Hook;
use std::time::Duration;

impl Harness {
    /// Two executors begin at once; and, for each step, one is stopped in the middle of it, loses its lease to the other,
    /// and comes back when the other has finished: it must not write any more.
    pub async fn two_executors(&self) {
        self.race().await;
        for key in self.keys().await {
            self.takeover(&key).await;
        }
    }

    async fn race(&self) {
        let lab = self.lab("two executors begin at once").await;
        let (a, b) = (lab.engine("a", None).await, lab.engine("b", None).await);
        a.start();
        b.start();
        lab.submit(&a).await;
        b.kick();
        let _ = lab.settle_all(&[&a, &b], None).await;
        lab.expect_completed(&a).await;
        lab.end(a).await;
        lab.end(b).await;
    }

    async fn takeover(&self, key: &str) {
        let lab = self.lab(format!("the executor is stopped in '{key}' and another takes over")).await;
        lab.faults.set(Fault::Gate { key: key.to_owned() });
        let hook = Hook::at(i64::MAX, true);
        let a = lab.engine("a", Some(hook.clone())).await;
        lab.submit(&a).await;
        a.start();
        let mut at_gate = lab.faults.at_gate.subscribe();
        // Until the step is reached, others before it may have to be nudged.
        let there = async { drop(at_gate.wait_for(|there| *there).await) };
        tokio::select! {
            () = there => {}
            _ = lab.settle(&a, None) => {}
        }
        assert!(lab.faults.happened(), "'{key}' was never called");
        hook.sleeping.send_replace(true);
        lab.clock.advance(Duration::from_secs(601));
        let b = lab.engine("b", None).await;
        // The first executor is in the middle of the step, so that the second calls it while the first call is not over.
        lab.faults.forgive_overlap();
        b.start();
        lab.expect_completed(&b).await;
        let version = lab.view(&b).await.version;
        hook.sleeping.send_replace(false);
        lab.faults.gate.send_replace(true);
        a.shutdown(Duration::from_secs(3600)).await;
        assert_eq!(lab.view(&b).await.version, version, "'{key}': the executor that had lost its lease wrote");
        let lost = a.inner.metrics.lease_losses.get();
        assert_eq!(lost, 1, "'{key}': the first executor did not notice\n{}", lab.story(&b).await);
        lab.expect_completed(&b).await;
        lab.end(b).await;
    }
}
