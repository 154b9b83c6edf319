//! Operations that the VNFM begins by itself (SOL003 `isAutomaticInvocation`): what became possible or necessary is noted in
//! the transaction that brought it, decided here when no operation runs on the instance, and begun once.

use std::convert::Infallible;

use reference_points::or_vnfm::InstantiationState;
use service::http::{ApiError, ApiResult};
use service::store::StoreError;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::App;
use super::operations::Begun;
use crate::ops::alarms::{automatic_key, of_automatic};
use crate::ops::automatic::{Automatism, Begin, Decision, Fault, Situation, decide};
use crate::ops::params::Automatic;
use crate::store::automatic::{self, AT_REST, News, Wanted};
use crate::store::{ALARMS, INSTANCES, alarms, indicators, resources};

/// Decisions made in one go.
const BATCH: i64 = 50;
const SECOND: i64 = 1_000_000;
/// How long a decision is put off that could not be made: a package that cannot be had, an instance that changed meanwhile.
const AGAIN: i64 = 5 * SECOND;
/// The same, where nothing suggests that it can be made soon.
const SELDOM: i64 = 300 * SECOND;

/// How patient the VNFM is.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// Seconds that a fault lasts before it is healed.
    pub heal_seconds: u32,
    /// Seconds without another scaling after one.
    pub scale_seconds: u32,
}

/// Decides until the service ends; first what was left when it ended last.
///
/// # Errors
/// None: what goes wrong is logged, and tried again.
pub async fn run(app: App, patience: Patience, shutdown: CancellationToken) -> Result<(), Infallible> {
    loop {
        let next = match app.decide_what_is_due(patience, &shutdown).await {
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
    news: News,
    decision: Decision,
}

impl App {
    /// Decides for every instance that is due; tells when one is due next.
    async fn decide_what_is_due(&self, patience: Patience, shutdown: &CancellationToken) -> Result<i64, db::DbError> {
        loop {
            let due = automatic::due(&self.db, self.clock.now_micros(), BATCH).await?;
            if due.is_empty() || shutdown.is_cancelled() {
                return Ok(automatic::next(&self.db).await?.unwrap_or(AT_REST));
            }
            for wanted in due {
                if let Err(error) = self.decide_one(&wanted, patience).await {
                    let again = self.not_decided(&wanted, &error).await;
                    automatic::put_off(&self.db, &wanted, self.clock.now_micros().saturating_add(again)).await?;
                }
                if shutdown.is_cancelled() {
                    break;
                }
            }
        }
    }

    /// What stands in the way of a decision is told where it does not go by itself; gives when to try again.
    async fn not_decided(&self, wanted: &Wanted, error: &ApiError) -> i64 {
        tracing::warn!(vnf_instance = %wanted.instance, %error, "the VNFM could not decide what to do by itself");
        if matches!(error.problem.status, 409 | 502..=504) {
            return AGAIN;
        }
        let told = [error.problem.detail.clone()];
        let now = self.clock.now_micros();
        let raised = db::transaction!(self.db, |tx| {
            self.alarms.raise(&mut *tx, &of_automatic(wanted.instance, &told), now).await
        });
        if let Err(error) = raised {
            tracing::error!(vnf_instance = %wanted.instance, %error, "that could not be told");
        }
        self.alarms.notifier.kick();
        SELDOM
    }

    async fn decide_one(&self, wanted: &Wanted, patience: Patience) -> ApiResult<()> {
        let instance = wanted.instance;
        if self.is_busy(instance).await? {
            automatic::put_off(&self.db, wanted, AT_REST).await?;
            // It may have come to rest between the two.
            if !self.is_busy(instance).await? {
                automatic::put_off(&self.db, wanted, self.clock.now_micros()).await?;
            }
            return Ok(());
        }
        // Its alarms are worked out anew just now; whoever does that rings.
        if alarms::mark_of(&self.db, instance).await?.is_some() {
            return Ok(automatic::put_off(&self.db, wanted, self.clock.now_micros().saturating_add(AGAIN)).await?);
        }
        let Some(mut seen) = self.situation(instance, patience).await? else {
            return Ok(db::transaction!(self.db, |tx| {
                let past = automatic::past(&mut *tx, instance).await?;
                automatic::settle(&mut *tx, wanted, &past.news).await
            })?);
        };
        match seen.decision.begin.take() {
            Some(begin) => self.begin(wanted, seen, begin).await,
            None => self.settle(wanted, &seen).await,
        }
    }

    /// Whether an operation of the instance runs, or waits for somebody to decide.
    async fn is_busy(&self, instance: Uuid) -> Result<bool, db::DbError> {
        Ok(!self.engine.list(Some(&instance.to_string()), true, None, 1).await?.is_empty())
    }

    /// What there is to decide, and the decision; `None` where nothing is.
    async fn situation(&self, instance: Uuid, patience: Patience) -> ApiResult<Option<Seen>> {
        let Some(stored) = INSTANCES.get(&self.db, instance).await? else { return Ok(None) };
        let record = stored.document.0;
        if record.instantiation_state != InstantiationState::Instantiated || !Automatism::any_on(&record) {
            return Ok(None);
        }
        let Some(facts) = resources::facts(&self.db, instance).await? else { return Ok(None) };
        let known = self.packages.get(&record.vnfd_id).await?;
        let Some(flavour) = known.vnfd.flavour(&facts.flavour_id) else { return Ok(None) };
        let mut connection = self.db.pool.acquire().await.map_err(db::DbError::from)?;
        // News before values: a value that comes in between is news for the next decision, whatever this one makes of it.
        let past = automatic::past(&mut connection, instance).await?;
        let mut faults = Vec::new();
        for id in alarms::of_instance(&mut connection, instance, false).await? {
            faults.extend(ALARMS.get_in(&mut connection, id).await?.map(|stored| Fault {
                of_resource: stored.document.resource.is_some(),
                severity: stored.document.alarm.perceived_severity,
                since: stored.document.alarm.alarm_raised_time.micros(),
                vnfcs: stored.document.alarm.vnfc_instance_ids,
            }));
        }
        let values: Vec<_> = indicators::of(&mut connection, instance).await?;
        let values: Vec<_> = values.into_iter().map(|stored| stored.document.indicator).collect();
        drop(connection);
        let micros = |seconds: u32| i64::from(seconds) * SECOND;
        let decision = decide(&Situation {
            record: &record,
            flavour,
            facts: &facts,
            heal_causes: &known.vnfd.lcm_operations.heal_causes,
            faults: &faults,
            indicators: &values,
            news: &past.news,
            patience: micros(patience.heal_seconds),
            healed: &past.healed,
            rests_until: past.scaled_at.saturating_add(micros(patience.scale_seconds)),
            now: self.clock.now_micros(),
        });
        Ok(Some(Seen { news: past.news, decision }))
    }

    /// Begins an operation; what led to it is settled in the transaction that begins it. What is refused is no reason to ask
    /// again, but to tell.
    async fn begin(&self, wanted: &Wanted, mut seen: Seen, begin: Begin) -> ApiResult<()> {
        let vnfcs = if let Begin::Heal(request) = &begin { request.vnfc_instance_id.clone() } else { Vec::new() };
        let automatic = Some(Automatic { vnfcs, news: seen.decision.settled.clone() });
        let begun = Begun { op: wanted.operation, automatic };
        let id = wanted.instance;
        let submitted = match begin {
            Begin::Heal(request) => self.heal_as(begun, id, request).await,
            Begin::Scale(request) => self.scale_as(begun, id, request).await,
            Begin::ScaleToLevel(request) => self.scale_to_level_as(begun, id, request).await,
        };
        match submitted {
            Ok(op) => {
                tracing::info!(vnf_instance = %id, operation = %op, "begun by the VNFM itself");
                self.tell(id, &seen.decision.problems).await
            }
            Err(refused) if matches!(refused.problem.status, 400 | 422) => {
                let faults: Vec<String> = refused.problem.faults.iter().map(|fault| fault.message.clone()).collect();
                let told = if faults.is_empty() { refused.problem.detail.clone() } else { faults.join("; ") };
                seen.decision.problems.push(told);
                // A healing is decided before the news are looked at.
                seen.decision.settled = seen.news.clone();
                self.settle(wanted, &seen).await
            }
            Err(error) => Err(error),
        }
    }

    /// Notes that nothing is begun: when to look again, and what somebody should know.
    async fn settle(&self, wanted: &Wanted, seen: &Seen) -> ApiResult<()> {
        let decision = &seen.decision;
        db::transaction!(self.db, |tx| {
            automatic::settle(&mut *tx, wanted, &decision.settled).await?;
            match decision.again_at {
                Some(at) => automatic::want_again(&mut *tx, wanted.instance, at).await,
                None => Ok::<_, db::DbError>(()),
            }
        })?;
        self.tell(wanted.instance, &decision.problems).await
    }

    /// Raises or clears the alarm about what the VNFM cannot do by itself.
    async fn tell(&self, instance: Uuid, problems: &[String]) -> ApiResult<()> {
        let now = self.clock.now_micros();
        db::transaction!(self.db, |tx| {
            if problems.is_empty() {
                self.alarms.clear(&mut *tx, &automatic_key(instance), now).await
            } else {
                self.alarms.raise(&mut *tx, &of_automatic(instance, problems), now).await
            }
        })
        .map_err(|error: StoreError| ApiError::from(error))?;
        self.alarms.notifier.kick();
        Ok(())
    }
}
