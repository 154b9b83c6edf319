//! Rolling back by policy: an operation of a kind that the configuration names does not rest in FAILED_TEMP but is rolled
//! back at once (SOL003 clause 5.6.1 leaves that to the VNFM). Once anybody asked for a task of it, it is in their hands: a
//! rollback that failed rests, and so does what was cancelled.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::Arc;

use lcm::{Engine, EventKind, OperationState, TimelineEntry};
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Operations looked at in one go.
const PAGE: usize = 500;

/// Rolls back what fails, until the service ends; first what failed while it was away.
///
/// # Errors
/// None.
pub async fn roll_back(
    shutdown: CancellationToken,
    engine: Arc<Engine>,
    kinds: BTreeSet<String>,
) -> Result<(), Infallible> {
    if kinds.is_empty() {
        return Ok(());
    }
    let mut changes = engine.watch();
    look(&engine, &kinds).await;
    loop {
        let change = tokio::select! {
            () = shutdown.cancelled() => return Ok(()),
            change = changes.recv() => change,
        };
        match change {
            Ok(change) if change.state == OperationState::FailedTemp && kinds.contains(&change.kind) => {
                one(&engine, change.operation).await;
            }
            Ok(_) => {}
            Err(RecvError::Lagged(_)) => look(&engine, &kinds).await,
            Err(RecvError::Closed) => return Ok(()),
        }
    }
}

/// Looks at everything that rests.
async fn look(engine: &Engine, kinds: &BTreeSet<String>) {
    let mut after = None;
    loop {
        let found = match engine.list(None, true, after, PAGE).await {
            Ok(found) => found,
            Err(error) => {
                tracing::error!(%error, "failed operations cannot be looked for");
                return;
            }
        };
        for op in found.iter().filter(|op| op.state == OperationState::FailedTemp && kinds.contains(&op.kind)) {
            one(engine, op.id).await;
        }
        let Some(last) = found.last().filter(|_| found.len() == PAGE) else { return };
        after = Some((last.created_at, last.id));
    }
}

async fn one(engine: &Engine, id: Uuid) {
    let done = async {
        if in_nobodys_hands(&engine.timeline(id).await.map_err(|e| e.to_string())?) {
            tracing::info!(operation = %id, "it failed, and is rolled back by policy");
            engine.rollback(id).await.map_err(|e| e.to_string())?;
        }
        Ok::<_, String>(())
    };
    if let Err(error) = done.await {
        tracing::warn!(operation = %id, error, "it could not be rolled back by policy; it rests");
    }
}

/// Whether nobody has asked for a task of an operation yet.
fn in_nobodys_hands(timeline: &[TimelineEntry]) -> bool {
    !timeline.iter().any(|entry| entry.event == EventKind::Task)
}
