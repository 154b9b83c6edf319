//! Change notifications of the VIMs (IFA006 clause 7.3.3): one listener per VIM, resumed behind the last event it handled
//! even over a restart. An event wakes the step that waits for it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use lcm::Engine;
use reference_points::common::events::reconnect_pause;
use reference_points::or_vi::{ViClient, ViEvent};
use service::run::Setup;
use tokio::sync::mpsc::UnboundedReceiver;

use crate::steps::{compute_key, volume_key};
use crate::store::positions;
use crate::vi::VimRef;

/// How long the stream is quiet before the position is written; more often than that costs and gains nothing, since
/// waking twice is harmless.
const QUIET: Duration = Duration::from_millis(500);

/// Listens to every VIM that was ever used, and to new ones as they are.
///
/// # Errors
/// When the positions cannot be read.
pub async fn listen(setup: Setup, engine: Arc<Engine>, mut used: UnboundedReceiver<VimRef>) -> Result<(), db::DbError> {
    let mut known = BTreeSet::new();
    for (at, seq) in positions::all(&setup.db).await? {
        if known.insert(at.clone()) {
            start(&setup, &engine, at, seq);
        }
    }
    loop {
        let at = tokio::select! {
            () = setup.shutdown.cancelled() => return Ok(()),
            at = used.recv() => at,
        };
        let Some(at) = at else { return Ok(()) };
        if known.insert(at.clone()) {
            start(&setup, &engine, at, 0);
        }
    }
}

fn start(setup: &Setup, engine: &Arc<Engine>, at: VimRef, after: i64) {
    let (inner, engine) = (setup.clone(), engine.clone());
    setup.spawn("vim events", async move { follow(inner, engine, at, after).await });
}

async fn follow(setup: Setup, engine: Arc<Engine>, at: VimRef, after: i64) -> Result<(), db::DbError> {
    let mut stream = ViClient::new(&at.endpoint).events(at.vim, after);
    let (mut failures, mut written) = (0, after);
    loop {
        let quiet = if stream.position() == written { Duration::from_secs(3600) } else { QUIET };
        let event = tokio::select! {
            () = setup.shutdown.cancelled() => break,
            () = tokio::time::sleep(quiet) => None,
            event = stream.next::<ViEvent>() => Some(event),
        };
        match event {
            None => {
                written = stream.position();
                positions::put(&setup.db, &at, written).await?;
            }
            Some(Ok(event)) => {
                failures = 0;
                for key in keys(&event.event) {
                    if let Err(error) = engine.wake(&key).await {
                        tracing::warn!(key, "cannot wake, the slow poll remains: {error}");
                    }
                }
            }
            Some(Err(error)) => {
                tracing::debug!(vim = %at.vim, "event stream: {error}");
                tokio::select! {
                    () = setup.shutdown.cancelled() => break,
                    () = tokio::time::sleep(reconnect_pause(failures)) => failures += 1,
                }
            }
        }
    }
    positions::put(&setup.db, &at, stream.position()).await
}

/// What waits for an event.
fn keys(event: &ViEvent) -> Vec<String> {
    match event {
        ViEvent::Compute { compute } => vec![compute_key(compute.id)],
        ViEvent::ComputeDeleted { id } => vec![compute_key(*id)],
        ViEvent::Volume { volume } => vec![volume_key(volume.id)],
        ViEvent::VolumeDeleted { id } => vec![volume_key(*id)],
        ViEvent::Port { .. }
        | ViEvent::Network { .. }
        | ViEvent::SoftwareImage { .. }
        | ViEvent::Vim { .. }
        | ViEvent::Resync { .. } => Vec::new(),
    }
}
