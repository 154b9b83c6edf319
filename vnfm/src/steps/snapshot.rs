//! Capturing what the disks of a VNFC hold (IFA006 clauses 7.3.1 and 7.5.1). Done when the VIM says that all of it is there.

use std::sync::Arc;

use async_trait::async_trait;
use lcm::{Outcome, Step, StepCx, StepError};
use reference_points::common::{Owner, OwnerKind, ProblemDetails};
use reference_points::or_vi::{ResourceState, Snapshot, SnapshotSpec};
use serde_json::json;

use super::restore::named;
use super::{LOOK_AGAIN, failed, problem_of, snapshot_key};
use crate::ops::snapshot::SnapshotParams;
use crate::vi::{Kind, Vi};

/// Captures a VNFC.
pub struct Take(pub Arc<dyn Vi>);

#[async_trait]
impl Step for Take {
    async fn run(&self, cx: &StepCx) -> Result<Outcome, StepError> {
        let params: SnapshotParams = cx.params_as()?;
        let at = &params.vnfc.at;
        let told = |e| failed("Could not take a snapshot", named(&params.vnfc), &e);
        let there = if cx.resumed { self.0.snapshot(at, params.id).await.map_err(told)? } else { None };
        let snapshot = match there {
            Some(there) => there,
            None => self.0.put_snapshot(at, params.id, &spec(cx, &params)).await.map_err(told)?,
        };
        settled(&params, snapshot)
    }

    async fn undo(&self, cx: &StepCx) -> Result<Outcome, StepError> {
        let params: SnapshotParams = cx.params_as()?;
        let at = &params.vnfc.at;
        let told = |e| failed("Could not remove a snapshot", format!("snapshot {}", params.id), &e);
        self.0.delete(at, Kind::Snapshot, params.id).await.map_err(told)?;
        match self.0.snapshot(at, params.id).await.map_err(told)? {
            None => Ok(Outcome::done()),
            Some(_) => Ok(Outcome::park(snapshot_key(params.id), LOOK_AGAIN, "the VIM removes it")),
        }
    }
}

fn spec(cx: &StepCx, params: &SnapshotParams) -> SnapshotSpec {
    // It outlives the VNF instance: the VNF snapshot owns it.
    let (operation, step) = (Some(cx.operation), Some(cx.key.clone()));
    SnapshotSpec {
        name: params.vnfc.name().to_owned(),
        owner: Owner { kind: OwnerKind::VnfSnapshot, id: params.info, operation, step },
        compute_id: params.vnfc.id(),
    }
}

/// What the state of a snapshot means for the step that takes it.
fn settled(params: &SnapshotParams, snapshot: Snapshot) -> Result<Outcome, StepError> {
    match snapshot.state {
        ResourceState::Active => Ok(Outcome::Done(json!(snapshot))),
        ResourceState::Building => {
            let waits = snapshot.problem.map_or_else(|| "the VIM copies the disks".to_owned(), |p| p.detail);
            Ok(Outcome::park(snapshot_key(params.id), LOOK_AGAIN, waits))
        }
        ResourceState::Error | ResourceState::Deleting => {
            let told =
                snapshot.problem.unwrap_or_else(|| ProblemDetails::new(500, "Snapshot", "the VIM tells no reason"));
            let problem = problem_of("The VIM could not take the snapshot", &told).resource(named(&params.vnfc));
            Err(StepError::permanent(problem))
        }
    }
}
