//! What the NFVO writes with each transition of an operation, in the same transaction: the operation occurrence, the NS
//! instance's state, the grant that waited, the notification.

use async_trait::async_trait;
use db::AnyConnection;
use lcm::{Change, Observer, ObserverError, OperationState, OperationView};
use reference_points::or_vnfm::InstantiationState;
use reference_points::os_ma_nfvo::NsLcmOpType;
use service::notify::Notifier;
use service::store::StoreError;
use uuid::Uuid;

use super::{notices, ns_view, problems};
use crate::store::ns::{NS, NsRecord};
use crate::store::op_occs::{OP_OCCS, OpOcc};
use crate::store::{grants, uses};

/// Kind of the operations that bring images to a VIM for a grant.
pub const GRANT: &str = "GRANT";

/// The observer of the NFVO's engine.
#[derive(Debug, Clone)]
pub struct Recorder {
    /// Subscriptions to NS lifecycle changes.
    pub notifier: Notifier,
}

impl Recorder {
    async fn ns_operation(
        &self,
        tx: &mut AnyConnection,
        op: &OperationView,
        change: &Change,
    ) -> Result<(), ObserverError> {
        let ns_id: Uuid =
            op.subject.parse().map_err(|_| ObserverError::Other(format!("NS instance {:?}", op.subject)))?;
        let stored = NS.lock(tx, ns_id).await.map_err(other)?;
        let shown = ns_view::op_occ(op, &change.steps, stored.document.design.as_ref());
        let occ = OpOcc(shown.clone());
        match OP_OCCS.get_in(tx, op.id).await.map_err(other)? {
            None => OP_OCCS.insert(tx, op.id, occ, change.at).await.map(drop).map_err(other)?,
            Some(old) => OP_OCCS.update(tx, &old, occ, change.at).await.map(drop).map_err(other)?,
        }
        let mut ns = stored.document.clone();
        settle(&mut ns, op);
        if ns != stored.document {
            if ns.design.is_none() {
                uses::release(tx, ns_id, Some(ns.ns.nsd_info_id)).await?;
            }
            NS.update(tx, &stored, ns, change.at).await.map_err(other)?;
        }
        // SOL005 knows no STARTING: entering PROCESSING was told at submission.
        if change.from == Some(OperationState::Starting) && change.to == OperationState::Processing {
            return Ok(());
        }
        let id = Uuid::now_v7();
        let told = notices::ns_operation(id, &shown, &stored.document.ns, stored.document.design.as_ref(), change.at);
        self.notifier.enqueue(tx, told, change.at).await.map_err(other)
    }
}

/// What the end of an operation makes of its NS instance.
fn settle(record: &mut NsRecord, op: &OperationView) {
    let instantiation = op.kind == NsLcmOpType::Instantiate.as_str();
    match op.state {
        OperationState::Completed if instantiation => record.ns.ns_state = InstantiationState::Instantiated,
        // Resources may remain after an instantiation that was given up, and only a termination removes them.
        OperationState::Failed if instantiation => record.ns.ns_state = InstantiationState::Instantiated,
        OperationState::RolledBack if instantiation => clear(record),
        OperationState::Completed if op.kind == NsLcmOpType::Terminate.as_str() => clear(record),
        _ => {}
    }
}

fn clear(record: &mut NsRecord) {
    record.design = None;
    ns_view::show_nothing(&mut record.ns);
}

fn other(error: StoreError) -> ObserverError {
    match error {
        StoreError::Db(error) => ObserverError::Db(error),
        other => ObserverError::Other(other.to_string()),
    }
}

#[async_trait]
impl Observer for Recorder {
    async fn on_transition(
        &self,
        tx: &mut AnyConnection,
        op: &OperationView,
        change: &Change,
    ) -> Result<(), ObserverError> {
        if op.kind == GRANT {
            return match op.state {
                OperationState::Completed => Ok(grants::settle(tx, op.id, None).await?),
                OperationState::FailedTemp | OperationState::Failed | OperationState::RolledBack => {
                    let problem = op.error.as_ref().map(|p| problems::details(p, op));
                    Ok(grants::settle(tx, op.id, problem.as_ref()).await?)
                }
                _ => Ok(()),
            };
        }
        self.ns_operation(tx, op, change).await
    }
}
