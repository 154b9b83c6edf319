//! Live views of operations: the engine's changes ring the streams and the notification deliverer.

use std::convert::Infallible;
use std::sync::Arc;

use lcm::Engine;
use service::http::Wake;
use service::notify::Notifier;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;

/// Rings until the service ends.
///
/// # Errors
/// None.
pub async fn ring(
    shutdown: CancellationToken,
    engine: Arc<Engine>,
    notifier: Notifier,
    changed: Wake,
) -> Result<(), Infallible> {
    let mut changes = engine.watch();
    loop {
        let change = tokio::select! {
            () = shutdown.cancelled() => return Ok(()),
            change = changes.recv() => change,
        };
        match change {
            Ok(_) | Err(RecvError::Lagged(_)) => {
                notifier.kick();
                changed.ring();
            }
            Err(RecvError::Closed) => return Ok(()),
        }
    }
}
