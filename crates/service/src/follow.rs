//! Following another service's event stream: one listener, resumed behind the last event it handled even over a restart.

use std::time::Duration;

use reference_points::common::events::reconnect_pause;
use reference_points::common::{EventStream, Sequenced};
use serde::de::DeserializeOwned;
use tokio_util::sync::CancellationToken;

/// How long the stream is quiet before the position is written; more often than that costs and gains nothing for who bears to
/// hear an event twice.
const QUIET: Duration = Duration::from_millis(500);

/// Who makes use of events. It may be told an event again after a crash.
pub trait Listener: Send {
    /// What is told.
    type Event: DeserializeOwned + Send + Sync;
    /// Why listening cannot go on.
    type Error: Send;

    /// Makes use of an event.
    fn hear(&mut self, event: &Sequenced<Self::Event>) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// Writes down how far it came.
    fn keep(&mut self, position: i64) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// What the stream is of, for the log.
    fn of(&self) -> String;
}

/// Follows a stream until `shutdown` fires. A connection that breaks is made again, with growing pauses.
///
/// # Errors
/// The listener's: an event it cannot make use of, or a position it cannot write.
pub async fn follow<L: Listener>(
    mut stream: EventStream,
    mut listener: L,
    shutdown: CancellationToken,
) -> Result<(), L::Error> {
    let (mut failures, mut written) = (0, stream.position());
    loop {
        let quiet = if stream.position() == written { Duration::from_secs(3600) } else { QUIET };
        let event = tokio::select! {
            () = shutdown.cancelled() => break,
            () = tokio::time::sleep(quiet) => None,
            event = stream.next::<L::Event>() => Some(event),
        };
        match event {
            None => {
                written = stream.position();
                listener.keep(written).await?;
            }
            Some(Ok(event)) => {
                failures = 0;
                listener.hear(&event).await?;
            }
            Some(Err(error)) => {
                tracing::debug!(of = listener.of(), "event stream: {error}");
                tokio::select! {
                    () = shutdown.cancelled() => break,
                    () = tokio::time::sleep(reconnect_pause(failures)) => failures += 1,
                }
            }
        }
    }
    listener.keep(stream.position()).await
}
