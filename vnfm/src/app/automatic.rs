//! Operations that the VNFM begins by itself (SOL003 `isAutomaticInvocation`): what became possible or necessary is noted in
//! the transaction that brought it, decided here when no operation runs on the instance, and begun once.

use std::collections::BTreeSet;
use std::convert::Infallible;

use lcm::OperationView;
use reference_points::or_vnfm::{HealVnfRequest, InstantiationState, VnfInstance};
use serde::Deserialize;
use service::http::{ApiError, ApiResult};
use service::store::StoreError;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::App;
use super::operations::Begun;
use crate::ops::alarms::{automatic_key, of_automatic};
use crate::ops::automatic::{Automatism, Begin, Decision, Fault, HEAL_WINDOW_MICROS, Situation, decide};
use crate::ops::occurrence::HEAL;
use crate::ops::params::OperationParams;
use crate::store::automatic::{self, AT_REST, Past, Wanted};
use crate::store::{ALARMS, INSTANCES, alarms, indicators, resources};

/// Decisions made in one go.
const BATCH: i64 = 50;
const SECOND: i64 = 1_000_000;
/// How long a decision is put off that could not be made: a package that cannot be had, an instance that changed meanwhile.
const AGAIN: i64 = 5 * SECOND;

/// Decides until the service ends; first what was left when it ended last.
///
/// # Errors
/// None: what goes wrong is logged, and tried again.
pub async fn run(app: App, pause_seconds: u32, shutdown: CancellationToken) -> Result<(), Infallible> {
    let pause = i64::from(pause_seconds) * SECOND;
    loop {
        let next = match app.decide_what_is_due(pause).await {
            Ok(next) => next,
            Err(error) => {
                tracing::warn!(%error, "what the VNFM would do by itself could not be looked up, trying again");
                app.clock.now_micros().saturating_add(AGAIN)
            }
        };
        tokio::select! {
            () = shutdown.cancelled() => return Ok(()),
            () = app.alarms.automatic.notified() => {}
            () = app.clock.sleep_until(next) => {}
        }
    }
}

/// An instance as a decision needs it.
struct Seen {
    record: VnfInstance,
    past: Past,
    decision: Decision,
}

impl App {
    /// Decides for every instance that is due; tells when one is due next.
    async fn decide_what_is_due(&self, pause: i64) -> Result<i64, db::DbError> {
        loop {
            let due = automatic::due(&self.db, self.clock.now_micros(), BATCH).await?;
            if due.is_empty() {
                return Ok(automatic::next(&self.db).await?.unwrap_or(AT_REST));
            }
            for wanted in due {
                if let Err(error) = self.decide_one(&wanted, pause).await {
                    tracing::warn!(vnf_instance = %wanted.instance, %error, "the VNFM could not decide what to do by itself");
                    automatic::put_off(&self.db, &wanted, self.clock.now_micros().saturating_add(AGAIN)).await?;
                }
            }
        }
    }

    async fn decide_one(&self, wanted: &Wanted, pause: i64) -> ApiResult<()> {
        // Begun, and the VNFM was killed before it noted that; or by another replica.
        if let Some(op) = self.engine.get(wanted.operation).await? {
            return self.note_begun(wanted, &op).await;
        }
        if self.is_busy(wanted.instance).await? {
            automatic::put_off(&self.db, wanted, AT_REST).await?;
            // It may have come to rest between the two.
            if !self.is_busy(wanted.instance).await? {
                automatic::put_off(&self.db, wanted, self.clock.now_micros()).await?;
            }
            return Ok(());
        }
        let Some(mut seen) = self.situation(wanted.instance, pause).await? else {
            return Ok(db::transaction!(self.db, |tx| { automatic::forget(&mut *tx, wanted.instance).await })?);
        };
        if let Some(begin) = seen.decision.begin.take() {
            return self.begin(wanted, seen, begin).await;
        }
        self.settle(wanted, &seen, None).await
    }

    /// Whether an operation of the instance runs, or waits for somebody to decide.
    async fn is_busy(&self, instance: Uuid) -> Result<bool, db::DbError> {
        Ok(!self.engine.list(Some(&instance.to_string()), true, None, 1).await?.is_empty())
    }

    /// What there is to decide, and the decision; `None` where nothing is.
    async fn situation(&self, instance: Uuid, pause: i64) -> ApiResult<Option<Seen>> {
        let Some(stored) = INSTANCES.get(&self.db, instance).await? else { return Ok(None) };
        let record = stored.document.0;
        if record.instantiation_state != InstantiationState::Instantiated || !Automatism::any_on(&record) {
            return Ok(None);
        }
        let Some(facts) = resources::facts(&self.db, instance).await? else { return Ok(None) };
        let known = self.packages.get(&record.vnfd_id).await?;
        let Some(flavour) = known.vnfd.flavour(&facts.flavour_id) else { return Ok(None) };
        let mut connection = self.db.pool.acquire().await.map_err(db::DbError::from)?;
        let mut faults = Vec::new();
        for id in alarms::of_instance(&mut connection, instance, false).await? {
            faults.extend(ALARMS.get_in(&mut connection, id).await?.map(|stored| Fault {
                of_resource: stored.document.resource.is_some(),
                severity: stored.document.alarm.perceived_severity,
                vnfcs: stored.document.alarm.vnfc_instance_ids,
            }));
        }
        let values: Vec<_> = indicators::of(&mut connection, instance).await?;
        let values: Vec<_> = values.into_iter().map(|stored| stored.document.indicator).collect();
        let past = automatic::past(&mut connection, instance).await?;
        drop(connection);
        let decision = decide(&Situation {
            record: &record,
            flavour,
            facts: &facts,
            heal_causes: &known.vnfd.lcm_operations.heal_causes,
            faults: &faults,
            indicators: &values,
            news: &past.news,
            healed: &past.healed,
            rests_until: past.scaled_at.saturating_add(pause),
            now: self.clock.now_micros(),
        });
        Ok(Some(Seen { record, past, decision }))
    }

    /// Begins an operation. What is refused is no reason to ask again, but to tell.
    async fn begin(&self, wanted: &Wanted, mut seen: Seen, begin: Begin) -> ApiResult<()> {
        let begun = Begun { op: wanted.operation, automatic: true };
        let (id, vnfcs) = (wanted.instance, of_whom(&begin));
        let submitted = match begin {
            Begin::Heal(request) => self.heal_as(begun, id, request).await,
            Begin::Scale(request) => self.scale_as(begun, id, request).await,
            Begin::ScaleToLevel(request) => self.scale_to_level_as(begun, id, request).await,
        };
        match submitted {
            Ok(op) => {
                tracing::info!(vnf_instance = %id, operation = %op, "begun by the VNFM itself");
                self.settle(wanted, &seen, Some(&vnfcs)).await
            }
            Err(refused) if matches!(refused.problem.status, 400 | 422) => {
                let faults = refused.problem.faults.iter().map(|fault| fault.message.clone());
                let told: Vec<String> = faults.collect();
                let told = if told.is_empty() { refused.problem.detail.clone() } else { told.join("; ") };
                seen.decision.problems.push(told);
                self.settle(wanted, &seen, None).await
            }
            Err(error) => Err(error),
        }
    }

    async fn note_begun(&self, wanted: &Wanted, op: &OperationView) -> ApiResult<()> {
        let params = OperationParams::deserialize(op.params.as_ref()).unwrap_or_default();
        let healed = HealVnfRequest::deserialize(&params.request).ok().filter(|_| op.kind == HEAL);
        let vnfcs = healed.map_or_else(|| vec![String::new()], |request| request.vnfc_instance_id);
        let oldest = op.created_at.saturating_sub(HEAL_WINDOW_MICROS);
        Ok(db::transaction!(self.db, |tx| {
            let past = automatic::past(&mut *tx, wanted.instance).await?;
            automatic::settle(&mut *tx, wanted, &past.news).await?;
            automatic::begun(&mut *tx, wanted, &vnfcs, op.created_at, oldest).await
        })?)
    }

    /// Notes what was decided, in one transaction: what was begun, when to look again, and what somebody should know.
    async fn settle(&self, wanted: &Wanted, seen: &Seen, begun: Option<&[String]>) -> ApiResult<()> {
        let now = self.clock.now_micros();
        let Decision { again_at, problems, .. } = &seen.decision;
        db::transaction!(self.db, |tx| {
            // While it rests after a scaling, the news stay news.
            let none = BTreeSet::new();
            let resting = begun.is_none() && again_at.is_some();
            automatic::settle(&mut *tx, wanted, if resting { &none } else { &seen.past.news }).await?;
            if let Some(vnfcs) = begun {
                automatic::begun(&mut *tx, wanted, vnfcs, now, now.saturating_sub(HEAL_WINDOW_MICROS)).await?;
            } else if let Some(at) = again_at {
                automatic::want(&mut *tx, wanted.instance, *at).await?;
            }
            if problems.is_empty() {
                self.alarms.clear(&mut *tx, &automatic_key(seen.record.id), now).await
            } else {
                self.alarms.raise(&mut *tx, &of_automatic(seen.record.id, problems), now).await
            }
        })
        .map_err(|error: StoreError| ApiError::from(error))?;
        self.alarms.notifier.kick();
        Ok(())
    }
}

/// The VNFCs that an operation is about, as it is noted.
fn of_whom(begin: &Begin) -> Vec<String> {
    match begin {
        Begin::Heal(request) => request.vnfc_instance_id.clone(),
        Begin::Scale(_) | Begin::ScaleToLevel(_) => vec![String::new()],
    }
}
