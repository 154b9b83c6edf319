//! The engine's settings.

use crate::engine::error_list;
use crate::error::EngineError;
use crate::retry::RetryPolicy;
use std::time::Duration;

/// Settings of an engine. The defaults suit a service with up to some hundred operations at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineConfig {
    /// Names this executor among the replicas on one database. It must be different for each replica, and stay the same
    /// when one restarts: then it takes up its operations again at once instead of waiting for its own lease to expire.
    pub owner: String,
    /// How long an executor may go silent before another takes its operations over, 1 s to 10 min. It is renewed after a
    /// third of that.
    pub lease: Duration,
    /// How often the database is searched for operations that another replica has accepted or woken, 10 ms to 10 min.
    /// Within one process nothing waits for this.
    pub scan_interval: Duration,
    /// Most operations driven at once, 1 to 10,000.
    pub max_operations: usize,
    /// Most steps of one operation under way at once, 1 to 1,000.
    pub max_steps_per_operation: usize,
    /// Most steps of all operations under way at once, 1 to 10,000.
    pub max_steps: usize,
    /// How often a step's transient failures are tried again, unless the step says otherwise.
    pub retry: RetryPolicy,
    /// How long an operation that waits is kept. What comes sooner finds it at hand; later it is let go of, and costs neither
    /// memory nor a lease.
    pub linger: Duration,
    /// How long an event that nobody waits for yet is remembered.
    pub wake_retention: Duration,
}

impl EngineConfig {
    /// The defaults, for an executor of that name.
    pub fn new(owner: impl Into<String>) -> Self {
        Self {
            owner: owner.into(),
            lease: Duration::from_secs(15),
            scan_interval: Duration::from_secs(5),
            max_operations: 256,
            max_steps_per_operation: 32,
            max_steps: 256,
            retry: RetryPolicy::default(),
            linger: Duration::from_secs(1),
            wake_retention: Duration::from_secs(3600),
        }
    }

    pub(crate) fn check(&self) -> Result<(), EngineError> {
        let mut faults = Vec::new();
        let mut expect = |ok: bool, what: &str| {
            if !ok {
                faults.push(what.to_owned());
            }
        };
        let between = |d: Duration, low: u64, high: u64| (low..=high).contains(&(d.as_millis() as u64));
        expect(!self.owner.is_empty() && self.owner.len() <= 200, "owner must have 1 to 200 bytes");
        expect(between(self.lease, 1_000, 600_000), "lease must be 1 s to 10 min");
        expect(between(self.scan_interval, 10, 600_000), "scan_interval must be 10 ms to 10 min");
        expect((1..=10_000).contains(&self.max_operations), "max_operations must be 1 to 10000");
        expect((1..=1_000).contains(&self.max_steps_per_operation), "max_steps_per_operation must be 1 to 1000");
        expect((1..=10_000).contains(&self.max_steps), "max_steps must be 1 to 10000");
        expect((1..=1_000).contains(&self.retry.max_attempts), "retry.max_attempts must be 1 to 1000");
        expect(self.linger < self.lease, "linger must be shorter than lease");
        error_list(faults)
    }
}

/// A duration in the database's unit.
pub(crate) fn micros(d: Duration) -> i64 {
    i64::try_from(d.as_micros()).unwrap_or(i64::MAX)
}
