//! The clock that everything reads instead of the machine's, so that tests can set the time.

use futures::future::BoxFuture;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::watch;

/// Where the time comes from. Microseconds since the Unix epoch, as they stand in the databases.
pub trait Clock: Send + Sync + std::fmt::Debug + 'static {
    /// The time now.
    fn now_micros(&self) -> i64;

    /// Completes once [`Clock::now_micros`] has reached `at_micros`; at once if it already has.
    fn sleep_until(&self, at_micros: i64) -> BoxFuture<'static, ()>;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    fn now_micros(&self) -> i64 {
        // Before 1970 or after the year 294246 the value is clamped; neither is worth an error at every caller.
        match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(d) => i64::try_from(d.as_micros()).unwrap_or(i64::MAX),
            Err(_) => 0,
        }
    }

    fn sleep_until(&self, at_micros: i64) -> BoxFuture<'static, ()> {
        // tokio's timer is coarse (1 ms) and must not fire early, and it does not accept the far future.
        let wait = at_micros.saturating_sub(self.now_micros()).max(0).unsigned_abs();
        let wait = Duration::from_micros(wait).min(Duration::from_secs(365 * 86_400));
        Box::pin(tokio::time::sleep(wait))
    }
}

/// A clock that stands still until told to move.
#[derive(Clone, Debug)]
pub struct ManualClock {
    now: Arc<watch::Sender<i64>>,
    // The times somebody sleeps until, so that a test can move to the next one.
    sleepers: Arc<Mutex<Vec<i64>>>,
}

impl ManualClock {
    /// A clock that shows `at_micros`.
    pub fn new(at_micros: i64) -> Self {
        Self { now: Arc::new(watch::Sender::new(at_micros)), sleepers: Arc::default() }
    }

    /// Moves forward by `by`; sleepers whose time has come are woken.
    pub fn advance(&self, by: Duration) {
        let by = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
        self.now.send_modify(|now| *now = now.saturating_add(by));
    }

    /// Moves forward to `at_micros`; a time already passed changes nothing.
    pub fn advance_to(&self, at_micros: i64) {
        self.now.send_modify(|now| *now = (*now).max(at_micros));
    }

    /// The earliest time somebody sleeps until, if anybody sleeps.
    pub fn next_sleeper(&self) -> Option<i64> {
        let now = self.now_micros();
        self.sleepers.lock().unwrap_or_else(PoisonError::into_inner).iter().copied().filter(|at| *at > now).min()
    }

    /// Whether somebody's time has come who has not noticed yet, that is, has not dropped the sleep.
    pub fn any_due(&self) -> bool {
        let now = self.now_micros();
        self.sleepers.lock().unwrap_or_else(PoisonError::into_inner).iter().any(|at| *at <= now)
    }
}

/// Takes a sleeper off the list when its future is dropped.
struct Sleeper {
    sleepers: Arc<Mutex<Vec<i64>>>,
    at: i64,
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        let mut list = self.sleepers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(i) = list.iter().position(|at| *at == self.at) {
            list.swap_remove(i);
        }
    }
}

impl Clock for ManualClock {
    fn now_micros(&self) -> i64 {
        *self.now.borrow()
    }

    fn sleep_until(&self, at_micros: i64) -> BoxFuture<'static, ()> {
        let mut now = self.now.subscribe();
        if *now.borrow() >= at_micros {
            return Box::pin(std::future::ready(()));
        }
        self.sleepers.lock().unwrap_or_else(PoisonError::into_inner).push(at_micros);
        let sleeper = Sleeper { sleepers: self.sleepers.clone(), at: at_micros };
        let wait = async move {
            // An error says that the clock itself is gone, and with it all reason to sleep.
            let _ = now.wait_for(|now| *now >= at_micros).await;
        };
        Box::pin(Sleep { wait: Box::pin(wait), _sleeper: sleeper })
    }
}

/// A sleep on a manual clock. The sleeper counts as such until this is dropped, not only until it is woken.
struct Sleep {
    wait: BoxFuture<'static, ()>,
    _sleeper: Sleeper,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.wait.as_mut().poll(cx)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[tokio::test]
    async fn a_manual_clock_wakes_a_sleeper_exactly_when_its_time_has_come() {
        let clock = ManualClock::new(1_000_000);
        let mut sleep = clock.sleep_until(3_000_000);
        assert_eq!(clock.next_sleeper(), Some(3_000_000));
        clock.advance(Duration::from_micros(1_999_999));
        assert!(futures::poll!(&mut sleep).is_pending());
        clock.advance(Duration::from_micros(1));
        assert!(futures::poll!(&mut sleep).is_ready());
        drop(sleep);
        assert_eq!(clock.next_sleeper(), None);
    }

    #[tokio::test]
    async fn the_system_clock_does_not_wake_early() {
        let until = SystemClock.now_micros() + 3_000;
        SystemClock.sleep_until(until).await;
        assert!(SystemClock.now_micros() >= until);
        SystemClock.sleep_until(0).await;
    }
}
