//! The driver of one operation: it holds the lease, makes the calls side by side, and writes one decision at a time.

use super::call;
use crate::config::micros;
use crate::engine::{Alarm, Bell, Busy, Inner};
use crate::machine::{Advance, Event, Limits, Report, Rest, Snapshot, Work, WorkResult, advance};
use crate::recovery;
use crate::store::journal::JournalError;
use crate::store::lease::Claimed;
use crate::store::{operation, step};
use crate::view::ChangeEvent;
use db::DbError;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

/// Why a driver ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The operation rests, or is at its end: it needs no executor until somebody does something with it.
    Settled,
    /// The operation needs no executor for a while, or another has it.
    Over,
    /// The database refused until the lease was over.
    Failed,
    /// A test ended the process here.
    Crashed,
}

/// How to go on after a decision.
enum Next {
    /// The operation is off our hands.
    Over,
    /// Something came in between: decide again at once.
    Again,
    /// Wait; true: also for a slot.
    Wait(Rest, bool),
}

pub(super) type Call = BoxFuture<'static, (usize, Work, WorkResult)>;

pub(super) struct Driver {
    pub(super) inner: Arc<Inner>,
    pub(super) claimed: Claimed,
    pub(super) snapshot: Snapshot,
    pub(super) flying: FuturesUnordered<Call>,
    pub(super) in_flight: BTreeMap<usize, Work>,
    /// Calls that ended and are not written yet.
    pub(super) inbox: Vec<Report>,
    /// Calls that ended while something else was waited for.
    pub(super) landed: Vec<(usize, Work, WorkResult)>,
    /// Told to the calls before they are dropped.
    pub(super) cancel: CancellationToken,
    /// What recovery changed and is not written yet.
    pub(super) recovered: BTreeSet<usize>,
    pub(super) recovered_events: Vec<Event>,
    /// When our lease ends unless renewed, and when to renew it.
    pub(super) expires: i64,
    pub(super) renew_at: i64,
    /// When it did something last.
    pub(super) acted: i64,
}

/// Drives the operation until it is over, rests, or is lost.
pub(super) async fn drive(inner: Arc<Inner>, claimed: Claimed, poke: Arc<Bell>, busy: &mut Option<Busy>) -> End {
    let id = claimed.id;
    let mut driver = match Driver::load(inner, claimed).await {
        Ok(Some(driver)) => driver,
        Ok(None) => return End::Over,
        Err(e) => {
            tracing::error!(op = %id, error = %e, "an operation cannot be read; it is tried again when its lease has expired");
            return End::Failed;
        }
    };
    let trace_id = driver.snapshot.op.traceparent.as_deref().and_then(call::trace_id).unwrap_or_default().to_owned();
    let span = tracing::info_span!("operation", op = %id, trace_id);
    match driver.run(&poke, busy).instrument(span).await {
        Ok(()) if !driver.snapshot.op.state.is_active() => End::Settled,
        Ok(()) => End::Over,
        Err(e) => {
            // Whatever is under way is not ours to finish any more.
            driver.drop_calls();
            match e {
                JournalError::Crashed => End::Crashed,
                JournalError::Lost => {
                    driver.inner.metrics.lease_losses.inc();
                    tracing::warn!(op = %id, "another executor has taken the operation over");
                    End::Over
                }
                e => {
                    tracing::error!(op = %id, error = %e, "the operation's journal cannot be written; its work is dropped and will be looked up");
                    End::Failed
                }
            }
        }
    }
}

impl Driver {
    async fn load(inner: Arc<Inner>, claimed: Claimed) -> Result<Option<Self>, DbError> {
        let mut conn = inner.journal.db.pool.acquire().await?;
        let Some(op) = operation::get(&mut conn, claimed.id).await? else { return Ok(None) };
        let steps = step::of(&mut conn, claimed.id).await?;
        drop(conn);
        let mut snapshot = Snapshot::new(op, steps);
        let (recovered, recovered_events) = recovery::recover(&mut snapshot);
        Ok(Some(Self {
            renew_at: claimed.expires - inner.journal.holder.lease_micros * 2 / 3,
            expires: claimed.expires,
            acted: inner.clock.now_micros(),
            inner,
            claimed,
            snapshot,
            flying: FuturesUnordered::new(),
            in_flight: BTreeMap::new(),
            inbox: Vec::new(),
            landed: Vec::new(),
            cancel: CancellationToken::new(),
            recovered: recovered.into_iter().collect(),
            recovered_events,
        }))
    }

    async fn run(&mut self, poke: &Bell, busy: &mut Option<Busy>) -> Result<(), JournalError> {
        let mut extra: Option<OwnedSemaphorePermit> = None;
        loop {
            let (rest, starved) = match self.decide(extra.take()).await? {
                Next::Wait(rest, starved) => (rest, starved),
                Next::Again => continue,
                Next::Over => return Ok(()),
            };
            let timer = match rest {
                Rest::Busy(at) | Rest::Starved(at) => at.unwrap_or(i64::MAX).min(self.renew_at),
                Rest::Until(at) => at.min(self.renew_at).min(self.lingers_until()),
                Rest::Settled => return Ok(()),
            };
            let room = self.in_flight.len() < self.inner.config.max_steps_per_operation;
            let alarm = Alarm::at(&self.inner, timer);
            if self.flying.is_empty() {
                *busy = None;
            }
            let inner = self.inner.clone();
            let closing = inner.closing.is_cancelled();
            tokio::select! {
                Some(ended) = self.flying.next() => self.take(ended),
                () = poke.heard() => {
                    busy.get_or_insert_with(|| Busy::new(&inner));
                    poke.answer();
                    self.refresh().await?;
                }
                permit = inner.slots.clone().acquire_owned(), if starved && room => extra = permit.ok(),
                woken = alarm.ring(&inner) => *busy = Some(woken),
                () = inner.closing.cancelled(), if !closing => {}
                () = inner.abort.cancelled() => return self.hand_back().await,
            }
            busy.get_or_insert_with(|| Busy::new(&inner));
            while let Some(Some(ended)) = self.flying.next().now_or_never() {
                self.take(ended);
            }
            if self.inner.clock.now_micros() >= self.renew_at {
                self.renew().await?;
            }
        }
    }

    pub(super) fn take_landed(&mut self) {
        for one in std::mem::take(&mut self.landed) {
            self.take(one);
        }
    }

    fn take(&mut self, (step, work, result): (usize, Work, WorkResult)) {
        self.in_flight.remove(&step);
        let kind = &self.snapshot.steps[step].kind;
        let policy = self.inner.registry.get(kind).and_then(|s| s.retry_policy()).unwrap_or(self.inner.config.retry);
        self.inbox.push(Report { step, work, result, policy });
    }

    /// Decides, writes, and begins calls.
    async fn decide(&mut self, extra: Option<OwnedSemaphorePermit>) -> Result<Next, JournalError> {
        let now = self.inner.clock.now_micros();
        let closing = self.inner.closing.is_cancelled();
        let mut permits: Vec<OwnedSemaphorePermit> = extra.into_iter().collect();
        let room = self.inner.config.max_steps_per_operation.saturating_sub(self.in_flight.len());
        let mut limits = Limits { slots: if closing { 0 } else { room }, closing };
        let (mut next, mut out) = self.advanced(now, limits);
        // Slots are taken for what is to be begun, and what got none is left for later.
        while permits.len() < out.start.len() {
            match self.inner.slots.clone().try_acquire_owned() {
                Ok(permit) => permits.push(permit),
                Err(_) => {
                    limits.slots = permits.len();
                    (next, out) = self.advanced(now, limits);
                    break;
                }
            }
        }
        out.dirty.extend(&self.recovered);
        out.events.splice(0..0, self.recovered_events.iter().cloned());

        let acts = !out.dirty.is_empty() || !out.events.is_empty() || out.error_changed;
        if acts {
            self.acted = now;
        }
        // What it waits for comes soon, mostly, and then needs neither a claim nor to be read again.
        let release = match out.rest {
            Rest::Until(at) if closing || (now >= self.lingers_until() && at > now) => Some(at),
            _ => None,
        };
        let writes = acts || release.is_some();
        let mut woken = false;
        if writes {
            let Some(written) = self.write(&next, &out, release, now).await? else { return Ok(Next::Again) };
            next.op.version = written.version;
            self.renewed(written.expires);
            self.publish(&next, &out, now);
            for &i in &written.woken {
                next.steps[i].next_at = Some(0);
                woken = true;
            }
        }
        self.snapshot = next;
        self.inbox.clear();
        self.recovered.clear();
        self.recovered_events.clear();
        if out.abandon {
            self.drop_calls();
        }
        self.take_landed();
        if release.is_some() || out.rest == Rest::Settled {
            return Ok(Next::Over);
        }
        self.begin(&out, permits);
        let again = woken || !self.inbox.is_empty();
        Ok(if again { Next::Again } else { Next::Wait(out.rest, out.starved) })
    }

    /// Until when it is kept although it has nothing to do.
    fn lingers_until(&self) -> i64 {
        self.acted.saturating_add(micros(self.inner.config.linger))
    }

    fn advanced(&self, now: i64, limits: Limits) -> (Snapshot, Advance) {
        let mut next = self.snapshot.clone();
        let out = advance(&mut next, &self.in_flight, &self.inbox, now, limits);
        (next, out)
    }

    fn begin(&mut self, out: &Advance, permits: Vec<OwnedSemaphorePermit>) {
        // More permits than calls go back; there are never fewer.
        for (&(i, work), permit) in out.start.iter().zip(permits) {
            let cx = call::context(&self.snapshot, i, self.cancel.clone());
            let kind = self.snapshot.steps[i].kind.clone();
            let inner = self.inner.clone();
            self.in_flight.insert(i, work);
            self.flying.push(Box::pin(async move {
                let result = call::make(inner, kind, work, cx).await;
                drop(permit);
                (i, work, result)
            }));
        }
    }

    pub(super) fn drop_calls(&mut self) {
        self.cancel.cancel();
        self.cancel = CancellationToken::new();
        self.flying = FuturesUnordered::new();
        self.landed.clear();
        self.in_flight.clear();
    }

    fn publish(&self, next: &Snapshot, out: &Advance, now: i64) {
        for kind in &out.retried {
            self.inner.metrics.retries.with_label_values(&[kind.as_str()]).inc();
        }
        for change in &out.changes {
            self.inner.metrics.transitions.with_label_values(&[next.op.kind.as_str(), change.op.state.as_str()]).inc();
            let error = change.op.error.as_ref().map(ToString::to_string);
            tracing::info!(op = %next.op.id, kind = %next.op.kind, subject = %next.op.subject, from = %change.from,
                state = %change.op.state, error, "operation changed its state");
        }
        // Nobody listening is not an error.
        let _ = self.inner.changes.send(Arc::new(ChangeEvent {
            operation: next.op.id,
            kind: next.op.kind.clone(),
            subject: next.op.subject.clone(),
            state: next.op.state,
            transitioned: !out.changes.is_empty(),
            version: next.op.version,
            steps: out.dirty.iter().map(|&i| (next.steps[i].key.clone(), next.steps[i].state)).collect(),
            at: now,
        }));
    }
}
