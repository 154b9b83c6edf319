//! The scheduler: sleeps until something is due, measures all that is due by one request to each VIM, and keeps, reports
//! and tells what came of it.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};

use db::{AnyConnection, Dialect};
use reference_points::nf_vi::{MAX_MEASURED, Measurements};
use reference_points::or_vi::ViClient;
use serde::{Deserialize, Serialize};
use service::store::StoreError;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::Pm;
use super::report::Sampled;
use crate::ops::inventory::Owned;
use crate::ops::pm::metrics::Metric;
use crate::ops::pm::subjects::{Subject, subjects};
use crate::ops::pm::thresholds::{Side, cross};
use crate::ops::pm::values::{Reading, value};
use crate::store::pm::{self, Chosen, Due, JOBS, Job, KeptThreshold, PARKED, THRESHOLDS};
use crate::store::resources;
use crate::vi::VimRef;

/// Items measured at once.
const BATCH: i64 = 200;
/// How long an item is leased: longer than a measurement takes.
const LEASE: i64 = 60_000_000;
/// How often the queue is looked at when nobody rings: another process may have added to it.
const LOOK: i64 = 30_000_000;
/// Parts of a collection period in which a peak is looked for.
const PARTS: i64 = 4;
/// A second, in microseconds.
const SECOND: i64 = 1_000_000;

/// What an item has read so far.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct State {
    /// Readings of the collection period that runs; the first is its beginning.
    readings: Vec<Reading>,
    /// When the collection period ends.
    collect_at: i64,
    /// When the next report is made.
    report_at: i64,
    /// Of a threshold: where each object was last.
    sides: BTreeMap<String, Side>,
}

/// What is measured for an item.
enum Item {
    Job(Box<Job>),
    Threshold(Box<KeptThreshold>),
}

/// An item that is due, with what it needs.
struct Work {
    due: Due,
    item: Item,
    /// Metric by metric, the objects it is measured on in each instance.
    on: Vec<(Chosen, Uuid, Vec<Subject>)>,
    computes: BTreeSet<Uuid>,
}

impl Pm {
    /// Runs until the service ends.
    ///
    /// # Errors
    /// None: what goes wrong is logged, and tried again when it is due again.
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), std::convert::Infallible> {
        // The only process on a SQLite file finds its own leases again after a crash.
        let owner = match self.db.dialect {
            Dialect::Sqlite => "this".to_owned(),
            Dialect::Postgres => Uuid::new_v4().to_string(),
        };
        let clients = Mutex::new(BTreeMap::new());
        loop {
            let pause = match self.round(&owner, &clients).await {
                Ok(next) => next,
                Err(error) => {
                    tracing::warn!(%error, "measurements were interrupted by the database, trying again");
                    self.clock.now_micros() + SECOND
                }
            };
            tokio::select! {
                () = shutdown.cancelled() => return Ok(()),
                () = self.news.notified() => {}
                () = self.clock.sleep_until(pause) => {}
            }
        }
    }

    /// Measures what is due; when to look again.
    async fn round(&self, owner: &str, clients: &Mutex<BTreeMap<String, ViClient>>) -> Result<i64, StoreError> {
        loop {
            let now = self.clock.now_micros();
            let due = pm::take(&self.db, owner, now, now + LEASE, BATCH).await?;
            if due.is_empty() {
                let next = pm::next(&self.db).await?.unwrap_or(i64::MAX);
                return Ok(next.min(now + LOOK));
            }
            self.measure(owner, due, clients).await?;
        }
    }

    async fn measure(
        &self,
        owner: &str,
        due: Vec<Due>,
        clients: &Mutex<BTreeMap<String, ViClient>>,
    ) -> Result<(), StoreError> {
        let mut has: HashMap<Uuid, Vec<Owned>> = HashMap::new();
        let mut work = Vec::with_capacity(due.len());
        for due in due {
            work.extend(self.prepare(due, &mut has).await?);
        }
        let mut wanted: BTreeMap<&VimRef, BTreeSet<Uuid>> = BTreeMap::new();
        let needed: BTreeSet<Uuid> = work.iter().flat_map(|w| w.computes.iter().copied()).collect();
        for owned in has.values().flatten().filter(|o| needed.contains(&o.id())) {
            wanted.entry(&owned.at).or_default().insert(owned.id());
        }
        let asked = wanted.into_iter().map(|(at, ids)| self.ask(at, ids, clients));
        let measured: HashMap<Uuid, Measurements> =
            futures::future::join_all(asked).await.into_iter().flatten().collect();
        let now = self.clock.now_micros();
        for work in work {
            self.finish(owner, work, &measured, now).await?;
        }
        Ok(())
    }

    /// Counters of computes of one VIM. A VIM that does not answer measures nothing this time.
    async fn ask(
        &self,
        at: &VimRef,
        ids: BTreeSet<Uuid>,
        clients: &Mutex<BTreeMap<String, ViClient>>,
    ) -> Vec<(Uuid, Measurements)> {
        let client = {
            let mut clients = clients.lock().unwrap_or_else(PoisonError::into_inner);
            clients.entry(at.endpoint.clone()).or_insert_with(|| ViClient::new(&at.endpoint)).clone()
        };
        let (ids, mut all): (Vec<Uuid>, _) = (ids.into_iter().collect(), Vec::new());
        for some in ids.chunks(MAX_MEASURED) {
            match client.measure(at.vim, some.to_vec()).await {
                Ok(answer) => {
                    for gap in answer.gaps {
                        tracing::warn!(vim = %at.vim, gap, "a host could not be measured");
                    }
                    all.extend(answer.measured);
                }
                Err(error) => tracing::warn!(vim = %at.vim, %error, "a VIM could not be measured"),
            }
        }
        all
    }

    /// What an item needs; `None` when it is gone.
    async fn prepare(&self, due: Due, has: &mut HashMap<Uuid, Vec<Owned>>) -> Result<Option<Work>, StoreError> {
        let item = if due.job {
            JOBS.get(&self.db, due.item).await?.map(|s| Item::Job(Box::new(s.document)))
        } else {
            THRESHOLDS.get(&self.db, due.item).await?.map(|s| Item::Threshold(Box::new(s.document)))
        };
        let Some(item) = item else { return Ok(None) };
        let (chosen, instances, subs) = match &item {
            Item::Job(job) => (job.chosen.clone(), job.object_instance_ids.clone(), &job.sub_object_instance_ids),
            Item::Threshold(t) => (vec![t.chosen.clone()], vec![t.object_instance_id], &t.sub_object_instance_ids),
        };
        let mut on = Vec::new();
        for instance in instances {
            let all = match has.entry(instance) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(new) => new.insert(resources::of(&self.db, instance).await?),
            };
            for chosen in &chosen {
                let found = subjects(chosen.object, subs, all);
                if !found.is_empty() {
                    on.push((chosen.clone(), instance, found));
                }
            }
        }
        let computes = on.iter().flat_map(|(_, _, subjects)| subjects).flat_map(Subject::needs).collect();
        Ok(Some(Work { due, item, on, computes }))
    }

    async fn finish(
        &self,
        owner: &str,
        work: Work,
        measured: &HashMap<Uuid, Measurements>,
        now: i64,
    ) -> Result<(), StoreError> {
        let read = work.computes.iter().filter_map(|id| Some((*id, measured.get(id)?.clone()))).collect();
        let reading = Reading { measured: read };
        let before: State = serde_json::from_str(&work.due.state).unwrap_or_default();
        db::transaction!(self.db, |tx| {
            let (state, next_at) = match &work.item {
                Item::Job(job) => self.job_read(&mut *tx, job, &work, before.clone(), reading.clone(), now).await?,
                Item::Threshold(threshold) => {
                    self.threshold_read(&mut *tx, threshold, &work, before.clone(), reading.clone(), now).await?
                }
            };
            let text = serde_json::to_string(&state).unwrap_or_default();
            // Without the lease somebody else has measured it: nothing of this is kept.
            match pm::give_back(&mut *tx, owner, work.due.item, &text, next_at).await? {
                true => Ok(()),
                false => Err(StoreError::Missing { what: "lease of", id: work.due.item }),
            }
        })
        .or_else(|error| match error {
            StoreError::Missing { .. } => Ok(()),
            other => Err(other),
        })?;
        self.direct.kick();
        self.notifier.kick();
        self.alarms.notifier.kick();
        Ok(())
    }

    async fn job_read(
        &self,
        tx: &mut AnyConnection,
        job: &Job,
        work: &Work,
        mut state: State,
        reading: Reading,
        now: i64,
    ) -> Result<(State, i64), StoreError> {
        let boundary = job.criteria.reporting_boundary.map_or(i64::MAX, |at| at.micros());
        let collection = i64::from(job.criteria.collection_period) * SECOND;
        let reporting = i64::from(job.criteria.reporting_period) * SECOND;
        if work.computes.is_empty() {
            // Nothing runs: what there is is reported, and the job waits until something does.
            self.make_report(tx, job.id, now).await?;
            let next = if now >= boundary { PARKED } else { boundary };
            if now >= boundary {
                pm::finish(tx, job.id).await?;
            }
            return Ok((State::default(), if boundary == i64::MAX { PARKED } else { next }));
        }
        let peaks = work.on.iter().any(|(chosen, ..)| Metric::find(&chosen.metric).is_some_and(|m| m.peak));
        let step = if peaks && collection >= PARTS * SECOND { collection / PARTS } else { collection };
        let begun = state.collect_at != 0 && now - state.collect_at <= collection;
        if !begun {
            // The first reading, or the first after a time without any.
            state.readings = vec![reading];
            state.collect_at = now + collection;
            if state.report_at == 0 {
                state.report_at = now + reporting;
            }
        } else {
            state.readings.push(reading);
            if now >= state.collect_at {
                self.sample(tx, work, &state, now).await?;
                state.readings.drain(..state.readings.len() - 1);
                state.collect_at += collection;
            }
        }
        if now >= state.report_at || now >= boundary {
            self.make_report(tx, job.id, now).await?;
            state.report_at = if now - state.report_at > reporting { now } else { state.report_at } + reporting;
        }
        if now >= boundary {
            pm::finish(tx, job.id).await?;
            return Ok((State::default(), PARKED));
        }
        Ok((state.clone(), (now + step).min(state.collect_at).min(boundary)))
    }

    /// Keeps the values of the collection period that ends.
    async fn sample(&self, tx: &mut AnyConnection, work: &Work, state: &State, now: i64) -> Result<(), StoreError> {
        let mut values = Vec::new();
        for (chosen, instance, subjects) in &work.on {
            let Some(metric) = Metric::find(&chosen.metric) else { continue };
            for subject in subjects {
                if let Some(value) = value(metric, subject, &state.readings) {
                    values.push(Sampled {
                        object: chosen.object,
                        instance: *instance,
                        sub: subject.sub.clone(),
                        metric: chosen.asked.clone(),
                        value,
                    });
                }
            }
        }
        if values.is_empty() {
            return Ok(());
        }
        let text = serde_json::to_string(&values).unwrap_or_default();
        Ok(pm::put_sample(tx, work.due.item, now, &text).await?)
    }

    async fn threshold_read(
        &self,
        tx: &mut AnyConnection,
        threshold: &KeptThreshold,
        work: &Work,
        mut state: State,
        reading: Reading,
        now: i64,
    ) -> Result<(State, i64), StoreError> {
        if work.computes.is_empty() {
            return Ok((State::default(), PARKED));
        }
        let fresh = state.collect_at == 0 || now - state.collect_at > self.threshold_period;
        state.readings.push(reading);
        if fresh {
            state.readings.drain(..state.readings.len() - 1);
        }
        let limit = threshold.criteria.simple_threshold_details;
        let metric = Metric::find(&threshold.chosen.metric);
        let subjects = work.on.iter().flat_map(|(_, _, subjects)| subjects);
        if let (Some(limit), Some(metric)) = (limit, metric) {
            for subject in subjects {
                let Some(number) = value(metric, subject, &state.readings) else { continue };
                let side = state.sides.entry(subject.sub.clone().unwrap_or_default()).or_default();
                let (now_at, crossing) = cross(&limit, *side, number.as_f64().unwrap_or_default());
                *side = now_at;
                if let Some(direction) = crossing {
                    self.crossed(tx, threshold, subject, &number, direction, now).await?;
                }
            }
        }
        state.readings.drain(..state.readings.len() - 1);
        let next = now + self.threshold_period;
        state.collect_at = next;
        Ok((state, next))
    }
}
