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
        match change {
            Ok(change) => {
                changed.ring();
                // Steps tell nobody else anything: what others hear of is written with a transition, and what is to be
                // measured or followed changes when an operation rests.
                if change.transitioned {
                    notifiers.iter().for_each(Notifier::kick);
                }
                if change.transitioned && !change.state.is_active() {
                    due.iter().for_each(|due| due.notify_one());
                }
            }
            // What was missed stands in the database.
            Err(RecvError::Lagged(_)) => {
                notifiers.iter().for_each(Notifier::kick);
                due.iter().for_each(|due| due.notify_one());
                changed.ring();
            }
            Err(RecvError::Closed) => return Ok(()),
        }
    }
}
