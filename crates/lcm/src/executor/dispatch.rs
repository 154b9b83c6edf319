//! The dispatcher: claims operations that are due and has them driven.

use super::asleep;
use super::driver::{self, End};
use crate::config::micros;
use crate::engine::{Alarm, Bell, Busy, Inner, lock};
use crate::store::journal::JournalError;
use crate::store::lease::{self, Claimed};
use crate::store::{operation, wake};
use std::sync::Arc;
use tokio::task::JoinSet;

/// Most operations claimed in one transaction.
const CLAIM_AT_ONCE: usize = 32;
/// Pause after the database refused.
const DB_PAUSE_MICROS: i64 = 1_000_000;

pub(crate) async fn run(inner: Arc<Inner>) {
    let mut drivers: JoinSet<End> = JoinSet::new();
    let mut first_look = true;
    let mut next_scan = inner.clock.now_micros();
    let mut woken = None;
    let mut wait_until = next_scan;
    let mut look = true;
    // No further driver could be begun: the end of one is an occasion to look.
    let mut full = false;
    loop {
        let busy = woken.take().unwrap_or_else(|| Busy::new(&inner));
        let closing = inner.closing.is_cancelled();
        if closing && drivers.is_empty() {
            return;
        }
        if std::mem::take(&mut look) {
            inner.kick.answer();
            wait_until = next_scan;
            if asleep(&inner) {
                wait_until = inner.clock.now_micros().saturating_add(DB_PAUSE_MICROS);
            } else if !closing {
                match round(&inner, &mut drivers, &mut first_look, &mut next_scan).await {
                    Ok(next) => {
                        full = next.is_none();
                        wait_until = next.unwrap_or(next_scan);
                    }
                    Err(JournalError::Crashed) => return,
                    Err(e) => {
                        tracing::error!(error = %e, "operations cannot be claimed; trying again");
                        wait_until = inner.clock.now_micros().saturating_add(DB_PAUSE_MICROS);
                    }
                }
            }
        }
        let alarm = Alarm::at(&inner, wait_until);
        drop(busy);
        tokio::select! {
            () = inner.kick.heard() => look = true,
            Some(ended) = drivers.join_next() => {
                // Whoever leaves something to be looked at kicks.
                look = full;
                match ended {
                    Ok(End::Crashed) => return,
                    Ok(End::Settled | End::Over | End::Failed) => {}
                    Err(e) => tracing::error!(error = %e, "an operation's driver ended unexpectedly; its lease will expire"),
                }
            }
            busy = alarm.ring(&inner), if !closing => {
                look = true;
                woken = Some(busy);
            }
            () = inner.closing.cancelled(), if !closing => {}
        }
    }
}

/// Claims what is due; returns when to look again, or nothing when there is no room for more until a driver ends.
async fn round(
    inner: &Arc<Inner>,
    drivers: &mut JoinSet<End>,
    first_look: &mut bool,
    next_scan: &mut i64,
) -> Result<Option<i64>, JournalError> {
    let now = inner.clock.now_micros();
    if now >= *next_scan {
        *next_scan = now.saturating_add(micros(inner.config.scan_interval));
        housekeeping(inner, now).await?;
    }
    let mut looked_at;
    loop {
        let free = inner.config.max_operations.saturating_sub(drivers.len()).min(CLAIM_AT_ONCE);
        if free == 0 {
            return Ok(None);
        }
        let holder = &inner.journal.holder;
        let now = inner.clock.now_micros();
        looked_at = now;
        let mut conn = inner.journal.db.pool.acquire().await?;
        let mut found = lease::candidates(&mut conn, holder, *first_look, now, free as i64).await?;
        drop(conn);
        let all = found.len();
        // One that is still driven here has either just been let go of, and its driver's end brings us back, or has been
        // stalled beyond its lease, and its driver is about to notice.
        found.retain(|c| !lock(&inner.drivers).contains_key(&c.id));
        if found.is_empty() {
            *first_look = false;
            break;
        }
        let claimed = db::transaction!(inner.journal.db, |tx| {
            let claimed = lease::claim(tx, holder, &found, *first_look, now).await?;
            inner.journal.before()?;
            Ok::<_, JournalError>(claimed)
        })?;
        for &one in &claimed {
            drive(inner, drivers, one);
        }
        inner.journal.after()?;
        *first_look &= all == free;
        if claimed.is_empty() || all < free {
            break;
        }
    }
    let mut conn = inner.journal.db.pool.acquire().await?;
    let due = lease::next_due(&mut conn, &inner.journal.holder).await?;
    // What was due when we looked and was not claimed is being claimed by somebody else; the scan comes back to it.
    let due = due.filter(|at| *at > looked_at);
    Ok(Some(due.unwrap_or(i64::MAX).min(*next_scan)))
}

fn drive(inner: &Arc<Inner>, drivers: &mut JoinSet<End>, claimed: Claimed) {
    let poke = Arc::new(Bell::new(inner.activity.clone()));
    lock(&inner.drivers).insert(claimed.id, poke.clone());
    let mut busy = Some(Busy::new(inner));
    let inner = inner.clone();
    drivers.spawn(async move {
        let end = driver::drive(inner.clone(), claimed, poke.clone(), &mut busy).await;
        let mut all = lock(&inner.drivers);
        if all.get(&claimed.id).is_some_and(|p| Arc::ptr_eq(p, &poke)) {
            all.remove(&claimed.id);
        }
        drop(all);
        // What was let go of is due at some time, and somebody may have woken it meanwhile.
        if end != End::Settled || poke.is_rung() {
            inner.kick.ring();
        }
        end
    });
}

/// What is done every now and then.
async fn housekeeping(inner: &Inner, now: i64) -> Result<(), JournalError> {
    let before = now.saturating_sub(micros(inner.config.wake_retention));
    let mut conn = inner.journal.db.pool.acquire().await?;
    let census = operation::census(&mut conn).await?;
    drop(conn);
    inner.metrics.unfinished.reset();
    for (kind, state, n) in census {
        inner.metrics.unfinished.with_label_values(&[kind.as_str(), state.as_str()]).set(n);
    }
    if wake::any_older(&inner.journal.db, before).await? {
        db::transaction!(inner.journal.db, |tx| { wake::prune(tx, before).await })?;
    }
    Ok(())
}
