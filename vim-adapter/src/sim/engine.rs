//! The passing of time in a simulated VIM: what was accepted becomes true when its moment has come, many things in one
//! transaction.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use tokio::sync::mpsc;

use crate::ledger::{Ledger, Report};

/// Reports written down at once.
const BATCH: usize = 512;

/// What becomes true, and when (microseconds since the epoch).
#[derive(Debug)]
pub struct Due {
    /// When.
    pub at: i64,
    /// What.
    pub reports: Vec<Report>,
}

/// Order of two that are due: by time, then as they came.
struct Queued(i64, u64, Vec<Report>);

impl PartialEq for Queued {
    fn eq(&self, other: &Self) -> bool {
        (self.0, self.1) == (other.0, other.1)
    }
}

impl Eq for Queued {}

impl PartialOrd for Queued {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Queued {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.0, self.1).cmp(&(other.0, other.1))
    }
}

/// Runs until nobody can send any more.
pub async fn run(ledger: Ledger, mut coming: mpsc::UnboundedReceiver<Due>) {
    let mut queue = BinaryHeap::<Reverse<Queued>>::new();
    let mut count = 0;
    let mut push = |queue: &mut BinaryHeap<_>, due: Due| {
        count += 1;
        queue.push(Reverse(Queued(due.at, count, due.reports)));
    };
    loop {
        let next = queue.peek().map(|Reverse(first)| first.0);
        tokio::select! {
            biased;
            due = coming.recv() => match due {
                Some(due) => push(&mut queue, due),
                None => return,
            },
            () = async { ledger.store.clock.sleep_until(next.unwrap_or(0)).await }, if next.is_some() => {
                let now = ledger.store.now();
                let mut reports = Vec::new();
                while reports.len() < BATCH
                    && queue.peek().is_some_and(|Reverse(first)| first.0 <= now)
                    && let Some(Reverse(first)) = queue.pop()
                {
                    reports.extend(first.2);
                }
                ledger.note(&reports).await;
            }
        }
    }
}
