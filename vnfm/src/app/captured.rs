//! What is written of VNF snapshots when an operation on them rests, in the same transaction.

use db::AnyConnection;
use lcm::{Change, ObserverError, OperationState, OperationView};

use super::observer::told;
use crate::ops::occurrence::CREATE_SNAPSHOT;
use crate::ops::snapshot::SnapshotUse;
use crate::ops::{revert, snapshot};
use crate::store::{SNAPSHOTS, snapshots};

/// The snapshot has what the steps took, even of an operation that was given up: deleting it removes that. A return is
/// final: what was before may go.
pub(super) async fn settled(
    tx: &mut AnyConnection,
    op: &OperationView,
    change: &Change,
    used: &SnapshotUse,
) -> Result<(), ObserverError> {
    snapshots::set_user(tx, used.info, None).await?;
    snapshots::add_formers(tx, &revert::formers(&change.steps)).await?;
    if op.kind != CREATE_SNAPSHOT {
        return Ok(());
    }
    snapshots::put_parts(tx, used.info, &snapshot::parts(&change.steps)).await?;
    if change.to != OperationState::Completed {
        return Ok(());
    }
    let stored = SNAPSHOTS.lock(tx, used.info).await.map_err(told)?;
    let mut document = stored.document.clone();
    document.0.vnf_snapshot = snapshot::taken(op, &change.steps, used, change.at);
    SNAPSHOTS.update(tx, &stored, document, change.at).await.map_err(told).map(drop)
}
