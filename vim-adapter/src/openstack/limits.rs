//! How much is asked of a service at once, and when a request is repeated. The decisions are pure.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};

use super::call::Service;

/// Times that one request is sent at most.
pub const ATTEMPTS: u32 = 4;

/// The longest that a service may let a request wait by `Retry-After` before the caller is told instead, in seconds.
const PATIENCE: u64 = 20;

/// Requests to a service side by side, at most. Neutron and Nova hold a database lock or a worker for each.
fn at_once(service: Service) -> usize {
    match service {
        Service::Compute | Service::Network => 16,
        Service::Volume => 8,
        Service::Identity | Service::Image | Service::Placement => 4,
    }
}

/// Requests side by side, service by service.
#[derive(Debug)]
pub struct Limits(BTreeMap<Service, Semaphore>);

impl Default for Limits {
    fn default() -> Self {
        Self(Service::ALL.into_iter().map(|service| (service, Semaphore::new(at_once(service)))).collect())
    }
}

impl Limits {
    /// Waits for a place; it is held until the guard is dropped.
    pub async fn place(&self, service: Service) -> Option<SemaphorePermit<'_>> {
        self.0.get(&service)?.acquire().await.ok()
    }
}

/// How a request ended that was not answered with success.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// With this status, and perhaps seconds to wait.
    Answered(u16, Option<u64>),
    /// It never arrived.
    NotSent,
    /// It may have arrived; nobody answered.
    Cut,
}

/// How long to wait before the same is asked again; `None` when it is not to be.
pub fn again_after(ended: Ended, attempt: u32, repeatable: bool) -> Option<Duration> {
    if attempt >= ATTEMPTS {
        return None;
    }
    let backoff = Duration::from_millis(250 << attempt.min(6));
    match ended {
        Ended::Answered(429 | 503, Some(seconds)) => (seconds <= PATIENCE).then(|| Duration::from_secs(seconds)),
        // Whoever limits the rate did nothing yet.
        Ended::Answered(429, None) | Ended::NotSent => Some(backoff),
        Ended::Answered(500 | 502..=504, _) | Ended::Cut => repeatable.then_some(backoff),
        Ended::Answered(..) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_that_asks_to_wait_is_waited_for_unless_it_asks_too_much() {
        assert_eq!(again_after(Ended::Answered(429, Some(3)), 1, false), Some(Duration::from_secs(3)));
        assert_eq!(again_after(Ended::Answered(503, Some(7)), 2, false), Some(Duration::from_secs(7)));
        assert_eq!(again_after(Ended::Answered(429, Some(3600)), 1, true), None);
        assert_eq!(again_after(Ended::Answered(413, Some(0)), 1, true), None);
    }

    #[test]
    fn what_may_have_been_done_is_repeated_only_where_twice_is_as_good_as_once() {
        assert!(again_after(Ended::Cut, 1, true).is_some());
        assert!(again_after(Ended::Cut, 1, false).is_none());
        assert!(again_after(Ended::Answered(504, None), 1, false).is_none());
        assert!(again_after(Ended::NotSent, 1, false).is_some());
        assert!(again_after(Ended::NotSent, ATTEMPTS, true).is_none());
        assert!(again_after(Ended::Answered(409, None), 1, true).is_none());
    }

    #[tokio::test]
    async fn no_more_are_sent_at_once_than_a_service_may_be_asked() {
        let limits = Limits::default();
        let mut held = Vec::new();
        for _ in 0..at_once(Service::Image) {
            held.push(limits.place(Service::Image).await);
        }
        let mut next = Box::pin(limits.place(Service::Image));
        assert!(futures::poll!(&mut next).is_pending());
        held.pop();
        assert!(next.await.is_some());
    }
}
