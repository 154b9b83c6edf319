//! What executes operations: the dispatcher claims those that are due and gives each to a driver; a driver makes the
//! calls of one operation side by side and writes what came of them.
//!
//! Nothing here polls. The dispatcher sleeps until it is told of something, or until the next stored time; a slow scan
//! finds what other replicas have left behind.

mod call;
pub(crate) mod dispatch;
mod driver;
mod keep;

use crate::engine::Inner;

/// Whether a test pretends that this process has been stopped for a while.
fn asleep(inner: &Inner) -> bool {
    inner.journal.hook.as_ref().is_some_and(|hook| hook.asleep())
}
