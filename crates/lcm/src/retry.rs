//! How often and after which pause a step is tried again. Pure.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

/// Bounded tries with growing pauses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Most tries in all, at least 1.
    pub max_attempts: u32,
    /// Pause after the first failed try; it doubles after each further one.
    pub base: Duration,
    /// Longest pause.
    pub cap: Duration,
}

impl Default for RetryPolicy {
    /// Eight tries over about two minutes: a service that restarts or an agent that is away for a moment is waited for.
    fn default() -> Self {
        Self { max_attempts: 8, base: Duration::from_millis(500), cap: Duration::from_secs(60) }
    }
}

impl RetryPolicy {
    /// The pause after failed try number `attempt` (from 1): exponential, up to a quarter more by `seed`, so that steps
    /// that failed together do not all come back at the same moment. The same arguments give the same pause.
    pub fn pause(&self, attempt: u32, seed: impl Hash) -> Duration {
        let factor = 1_u32.checked_shl(attempt.saturating_sub(1).min(31)).unwrap_or(u32::MAX);
        let base = self.base.saturating_mul(factor).min(self.cap);
        let mut hasher = DefaultHasher::new();
        (seed, attempt).hash(&mut hasher);
        let per_mille = u32::try_from(hasher.finish() % 250).unwrap_or(0);
        base.saturating_add(base.saturating_mul(per_mille) / 1000)
    }

    /// Whether another try is allowed after try number `attempt`.
    pub fn again(&self, attempt: u32) -> bool {
        attempt < self.max_attempts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_cap_and_differ_by_seed() {
        let policy = RetryPolicy { max_attempts: 5, base: Duration::from_secs(1), cap: Duration::from_secs(10) };
        for (attempt, least) in [(1, 1), (2, 2), (3, 4), (4, 8), (5, 10), (40, 10)] {
            let pause = policy.pause(attempt, "a");
            let least = Duration::from_secs(least);
            assert!(pause >= least && pause <= least * 5 / 4, "attempt {attempt}: {pause:?}");
        }
        assert_ne!(policy.pause(1, "a"), policy.pause(1, "b"));
        assert_eq!(policy.pause(3, "a"), policy.pause(3, "a"));
        assert!(policy.again(4) && !policy.again(5));
    }
}
