//! Live views of operations: the engine's changes ring the streams, the notification deliverers, and those who wait for
//! something to measure or to follow.

use std::convert::Infallible;
use std::sync::Arc;

use lcm::Engine;
use service::http::Wake;
use service::notify::Notifier;
use tokio::sync::Notify;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;

/// Rings until the service ends.
///
/// # Errors
/// None.
pub async fn ring(
    shutdown: CancellationToken,
    engine: Arc<Engine>,
    notifiers: Vec<Notifier>,
    due: Vec<Arc<Notify>>,
    changed: Wake,
) -> Result<(), Infallible> {
    let mut changes = engine.watch();
    loop {
        let change = tokio::select! {
            () = shutdown.cancelled() => return Ok(()),
            change = changes.recv() => change,
        };
        let (transitioned, rests) = match change {
            Ok(change) => (change.transitioned, change.came_to_rest()),
            // What was missed stands in the database.
            Err(RecvError::Lagged(_)) => (true, true),
            Err(RecvError::Closed) => return Ok(()),
        };
        changed.ring();
        // Steps tell nobody else anything: what others hear of is written with a transition, and what is to be measured or
        // followed changes when an operation rests.
        if transitioned {
            notifiers.iter().for_each(Notifier::kick);
        }
        if rests {
            due.iter().for_each(|due| due.notify_one());
        }
    }
}
