//! Making what is into what shall be. [`plan`] decides, without effects, what to do next for one machine; [`act`] does one
//! such thing; [`machine`] alternates the two until nothing is left; [`run`] listens to everything that happens and looks
//! after the machines concerned.
//!
//! ```text
//!            PUT                   overlay, config drive, define, start
//!  (nothing) ----> building ------------------------------------------> running <--+
//!                     |  ^                                                |  |     | started again when it died
//!           refused   |  | asked again, or the hindrance is gone          |  +-----+
//!                     v  |                                       power off v
//!                    error                                            stopped
//!                                 DELETE: destroy, undefine, ports, files, forget
//! ```
//!
//! Nothing is remembered between two looks but what the store holds, so the agent may be killed at any moment and goes on
//! where it stood. Every effect is "ensure": doing it twice makes one thing.

pub mod act;
pub mod describe;
pub mod housekeeping;
pub mod machine;
pub mod plan;
mod revert;
pub mod run;
mod snapshot;

use tokio::sync::mpsc;
use uuid::Uuid;

/// A machine to look after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wake {
    /// Which one.
    pub id: Uuid,
    /// What failed before is tried again.
    pub retry: bool,
}

/// Wakes the reconciler. Cloning shares it.
#[derive(Debug, Clone)]
pub struct Waker(mpsc::UnboundedSender<Wake>);

impl Waker {
    /// A waker and what it wakes. The queue holds two words an entry and is emptied at once, so it needs no bound.
    pub fn new() -> (Waker, mpsc::UnboundedReceiver<Wake>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (Waker(sender), receiver)
    }

    /// Wakes it. Without a reconciler, as while stopping, nothing happens; the next start looks at everything.
    pub fn wake(&self, wake: Wake) {
        let _ = self.0.send(wake);
    }
}
