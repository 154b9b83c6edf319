//! Change notifications of the VIMs (IFA006 clause 7.3.3): one listener per VIM, resumed behind the last event it handled
//! even over a restart. An event wakes the step that waits for it, and alarms follow from it.

use std::collections::BTreeSet;
use std::sync::Arc;

use lcm::Engine;
use reference_points::common::Sequenced;
use reference_points::common::events::reconnect_pause;
use reference_points::or_vi::{ComputeState, ViClient, ViEvent};
use service::follow::{Listener, follow};
use service::run::Setup;
use tokio::sync::mpsc::UnboundedReceiver;

use crate::app::fm::Ears;
use crate::steps::{compute_key, snapshot_key, volume_key};
use crate::store::positions;
use crate::vi::VimRef;

/// How often an event is tried to be made use of.
const HEARINGS: u32 = 4;

/// Listens to every VIM that was ever used, and to new ones as they are.
///
/// # Errors
/// When the positions cannot be read.
pub async fn listen(
    setup: Setup,
    engine: Arc<Engine>,
    ears: Ears,
    mut used: UnboundedReceiver<VimRef>,
) -> Result<(), db::DbError> {
    let mut known = BTreeSet::new();
    for (at, seq) in positions::all(&setup.db).await? {
        if known.insert(at.clone()) {
            start(&setup, &engine, &ears, at, seq);
        }
    }
    loop {
        let at = tokio::select! {
            () = setup.shutdown.cancelled() => return Ok(()),
            at = used.recv() => at,
        };
        let Some(at) = at else { return Ok(()) };
        if known.insert(at.clone()) {
            start(&setup, &engine, &ears, at, 0);
        }
    }
}

fn start(setup: &Setup, engine: &Arc<Engine>, ears: &Ears, at: VimRef, after: i64) {
    let stream = ViClient::new(&at.endpoint).events(at.vim, after);
    let listener = VimListener { setup: setup.clone(), engine: engine.clone(), ears: ears.clone(), at, missed: false };
    setup.spawn("vim events", follow(stream, listener, setup.shutdown.clone()));
}

/// Hears one VIM.
struct VimListener {
    setup: Setup,
    engine: Arc<Engine>,
    ears: Ears,
    at: VimRef,
    /// An event was not made use of.
    missed: bool,
}

impl Listener for VimListener {
    type Event = ViEvent;
    type Error = db::DbError;

    async fn hear(&mut self, event: &Sequenced<ViEvent>) -> Result<(), db::DbError> {
        for key in keys(&event.event) {
            if let Err(error) = self.engine.wake(&key).await {
                tracing::warn!(key, "cannot wake, the slow poll remains: {error}");
            }
        }
        self.alarms(&event.event).await;
        Ok(())
    }

    async fn keep(&mut self, position: i64) -> Result<(), db::DbError> {
        positions::put(&self.setup.db, &self.at, position).await
    }

    fn of(&self) -> String {
        format!("VIM {}", self.at.vim)
    }
}

impl VimListener {
    /// Lets alarms follow from an event. What cannot be made use of is tried a few times; then the whole of the VIM is looked
    /// at instead, with the next event.
    async fn alarms(&mut self, event: &ViEvent) {
        let again = ViEvent::Resync { detail: "an event was not made use of".to_owned() };
        let event = if self.missed { &again } else { event };
        for failures in 0..HEARINGS {
            match self.ears.hear(&self.at, event).await {
                Ok(()) => {
                    self.missed = false;
                    return;
                }
                Err(error) => tracing::warn!(vim = %self.at.vim, %error, "an event could not be made use of yet"),
            }
            tokio::select! {
                () = self.setup.shutdown.cancelled() => break,
                () = tokio::time::sleep(reconnect_pause(failures)) => {}
            }
        }
        self.missed = true;
    }
}

/// What waits for an event.
fn keys(event: &ViEvent) -> Vec<String> {
    match event {
        // The step knows that it is being made or removed: it waits for the end of that, or for a problem on the way.
        ViEvent::Compute { compute }
            if matches!(compute.state, ComputeState::Building | ComputeState::Deleting)
                && compute.problem.is_none() =>
        {
            Vec::new()
        }
        ViEvent::Compute { compute } => vec![compute_key(compute.id)],
        ViEvent::ComputeDeleted { id } => vec![compute_key(*id)],
        ViEvent::Volume { volume } => vec![volume_key(volume.id)],
        ViEvent::VolumeDeleted { id } => vec![volume_key(*id)],
        ViEvent::Snapshot { snapshot } => vec![snapshot_key(snapshot.id)],
        ViEvent::SnapshotDeleted { id } => vec![snapshot_key(*id)],
        ViEvent::Port { .. }
        | ViEvent::Network { .. }
        | ViEvent::SoftwareImage { .. }
        | ViEvent::AllowsMore { .. }
        | ViEvent::Vim { .. }
        | ViEvent::Resync { .. } => Vec::new(),
    }
}
