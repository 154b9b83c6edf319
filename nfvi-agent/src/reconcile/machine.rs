//! Looking after one machine: look, decide, act, until nothing is left to do.

use std::collections::{HashSet, VecDeque};
use std::sync::PoisonError;

use reference_points::common::{ProblemDetails, TraceContext};
use reference_points::nf_vi::{AgentEvent, MachineState};
use uuid::Uuid;

use super::act::{Failure, Hope};
use super::describe;
use super::plan::{Action, Next, Observed, ObservedDomain, next};
use crate::app::Agent;
use crate::hypervisor::DomainState;
use crate::media::{disks, space};
use crate::store;
use crate::store::machines::MachineRow;

/// A machine that runs takes a handful of steps; more are a defect, and end as one.
const MAX_STEPS: usize = 64;
/// How often a machine that has run is started or resumed again within [`REPAIR_WINDOW`].
const MAX_REPAIRS: usize = 5;
/// Ten minutes, in microseconds.
const REPAIR_WINDOW: i64 = 600_000_000;
/// How often something that moved while it was looked at is looked at again.
const MAX_RACES: i64 = 6;
/// First pause before that, in microseconds; it grows by itself each time.
const RACE_PAUSE: i64 = 100_000;
/// A guest is given this long to let go of a device, in microseconds.
const DETACH_PATIENCE: i64 = 2_000_000;

/// How looking after a machine ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing is left to do now.
    Done,
    /// Look again at this time, microseconds since the epoch.
    LookAgain(i64),
    /// It failed for a reason that passes; try again soon.
    Transient,
}

/// One step.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Something was done; look again.
    Acted(Action),
    /// Something moved; look again.
    Again,
    /// It ended.
    Ended(Outcome),
}

/// What is remembered during one round of looking after a machine.
#[derive(Debug, Default)]
pub struct Round {
    /// What failed before may be tried again.
    pub retry: bool,
    done: HashSet<Action>,
    repaired: bool,
    /// What was found amiss and mended, in words.
    mended: Vec<&'static str>,
    races: i64,
}

impl Round {
    /// A new round.
    pub fn new(retry: bool) -> Round {
        Round { retry, ..Round::default() }
    }
}

impl Agent {
    /// Looks after a machine, or a snapshot, until nothing is left to do.
    pub async fn look_after(&self, id: Uuid, retry: bool) -> Outcome {
        let mut round = Round::new(retry);
        if let Some(outcome) = self.look_after_snapshot(id).await {
            return outcome;
        }
        for _ in 0..MAX_STEPS {
            match self.step(id, &mut round).await {
                Step::Acted(_) | Step::Again => {}
                Step::Ended(outcome) => return outcome,
            }
        }
        tracing::error!(machine = %id, "no end in sight after {MAX_STEPS} steps");
        Outcome::Transient
    }

    /// Looks, decides, and does one thing.
    pub async fn step(&self, id: Uuid, round: &mut Round) -> Step {
        let row = match self.machine_row(id).await {
            Ok(Some(row)) => row,
            Ok(None) => return Step::Ended(Outcome::Done),
            Err(failure) => return self.failed(None, failure).await,
        };
        // Log lines and problems carry the trace of the request that wanted this.
        match row.trace.as_deref().and_then(|text| text.parse::<TraceContext>().ok()) {
            Some(trace) => trace.child().scope(self.step_on(row, round)).await,
            None => self.step_on(row, round).await,
        }
    }

    async fn step_on(&self, row: MachineRow, round: &mut Round) -> Step {
        let now = self.clock.now_micros();
        let observed = match self.observe(&row).await {
            Ok(observed) => observed,
            Err(failure) => return self.failed(Some(&row), failure).await,
        };
        let action = match next(&describe::desired(&self.layout, &row), &observed, now) {
            Next::Do(action) => action,
            Next::Settled(state) => return self.settle(&row, state, None, round, Outcome::Done).await,
            Next::LookAgain { at, state } => {
                return self.settle(&row, state, None, round, Outcome::LookAgain(at)).await;
            }
            Next::HaltedByDisk => {
                let problem = self.halted_by_disk();
                return self.settle(&row, MachineState::Error, Some(problem), round, Outcome::Done).await;
            }
        };
        // What failed is not tried again by every event, only when there is a reason to hope.
        if row.state == MachineState::Error && !round.retry && !row.deleting {
            return Step::Ended(Outcome::Done);
        }
        let detaches = matches!(action, Action::DetachNic(_) | Action::DetachDisk(_));
        if detaches && round.done.contains(&action) {
            // The guest has been asked to let go and has not yet.
            return self.settle(&row, row.state, None, round, Outcome::LookAgain(now + DETACH_PATIENCE)).await;
        }
        let up = matches!(row.state, MachineState::Running | MachineState::Error);
        let repair = row.has_run && up && matches!(action, Action::Start | Action::Resume);
        if repair && self.too_many_repairs(row.id, now, round.retry && row.state == MachineState::Error) {
            return self.failed(Some(&row), Failure::permanent(keeps_dying())).await;
        }
        let amiss = if row.has_run && up && !row.deleting { amiss(&action, &observed) } else { None };
        let begun = self.clock.now_micros();
        let acted = self.act(&row, &action).await;
        self.numbers.acted(action.kind(), acted.is_ok(), self.clock.now_micros() - begun);
        match acted {
            Ok(()) => tracing::debug!(machine = %row.id, ?action, "done"),
            Err(failure) if failure.hope == Hope::Now && round.races < MAX_RACES => {
                round.races += 1;
                tracing::info!(machine = %row.id, ?action, problem = %failure.problem, "looked at again");
                self.clock.sleep_until(now + RACE_PAUSE * round.races).await;
                return Step::Again;
            }
            Err(failure) => return self.failed(Some(&row), failure).await,
        }
        if action == Action::Forget {
            return Step::Ended(Outcome::Done);
        }
        let quiet = detaches || matches!(action, Action::EndPending | Action::AskShutdown | Action::AskReboot);
        if row.has_run && !row.deleting && !quiet {
            tracing::info!(machine = %row.id, ?action, "mended or changed");
            round.repaired = true;
        }
        round.mended.extend(amiss);
        if detaches {
            // When the guest has let go, that is told.
            self.letting_go.lock().unwrap_or_else(PoisonError::into_inner).insert(row.id);
        }
        round.done.insert(action.clone());
        Step::Acted(action)
    }

    async fn machine_row(&self, id: Uuid) -> Result<Option<MachineRow>, Failure> {
        let mut tx = self.db.begin_read().await?;
        Ok(store::machines::get(&mut tx, id).await?)
    }

    /// Looks at everything of a machine.
    async fn observe(&self, row: &MachineRow) -> Result<Observed, Failure> {
        let domain = self.hypervisor.domain(row.id).await?.map(|domain| ObservedDomain {
            state: domain.state,
            persistent: domain.persistent,
            shape: domain.shape,
            ports: domain.ports.into_iter().collect(),
            disks: domain.disks.into_iter().collect(),
        });
        let ours = |id: &Uuid| row.spec.nics.iter().any(|nic| nic.port_id == *id);
        let plugged = if row.spec.nics.is_empty() {
            None
        } else {
            match self.switch.ports().await {
                Ok(ports) => ports.map(|ports| ports.into_iter().filter_map(|p| p.iface_id).filter(ours).collect()),
                // A machine that goes must not leave ports; one that stays can wait for the switch.
                Err(error) if row.deleting => return Err(error.into()),
                Err(_) => None,
            }
        };
        let keep = self.config.capacity.keep_disk_bytes;
        let disk_low = domain.as_ref().is_some_and(|d| d.state == DomainState::PausedIoError)
            && space::ensure(self.layout.root(), 0, keep, "let guests write").is_err();
        Ok(Observed {
            domain,
            directory: self.layout.machine(row.id).exists(),
            root_disk: disks::virtual_size(&self.layout.root_disk(row.id))?,
            config_drive: self.layout.config_drive(row.id).exists(),
            plugged,
            disk_low,
            former: self.has_former(row),
        })
    }

    async fn settle(
        &self,
        row: &MachineRow,
        state: MachineState,
        problem: Option<ProblemDetails>,
        round: &Round,
        outcome: Outcome,
    ) -> Step {
        let waited =
            outcome == Outcome::Done && self.letting_go.lock().unwrap_or_else(PoisonError::into_inner).remove(&row.id);
        let changed =
            row.state != state || row.problem.as_ref().map(without_trace) != problem.as_ref().map(without_trace);
        if state == MachineState::Running && !round.mended.is_empty() {
            let what = round.mended.join(", ");
            let detail = format!("{} (compute {}): {what}; it runs again", row.spec.name, row.id);
            tracing::warn!(machine = %row.id, "{detail}");
            self.tell_about(Some(row.id), "machine_repaired", &detail).await;
        }
        if changed || waited || round.repaired {
            match self.note(row.id, state, problem).await {
                Ok(()) => {}
                Err(failure) => return self.failed(None, failure).await,
            }
        }
        Step::Ended(outcome)
    }

    /// Notes a state and tells it, unless the machine shall go or is gone.
    async fn note(&self, id: Uuid, state: MachineState, problem: Option<ProblemDetails>) -> Result<(), Failure> {
        let now = self.clock.now_micros();
        let problem = problem.map(|problem| ProblemDetails {
            resource: problem.resource.or_else(|| Some(format!("compute {id}"))),
            trace_id: TraceContext::current().map(|trace| trace.trace_id()),
            ..problem
        });
        db::transaction!(self.db, |tx| {
            let Some(row) = store::machines::get(&mut *tx, id).await? else { return Ok(()) };
            let state = if row.deleting { MachineState::Deleting } else { state };
            store::machines::note(&mut *tx, id, state, problem.as_ref(), now).await?;
            let row = MachineRow { state, problem: problem.clone(), changed_at: now, ..row };
            store::events::append(&mut *tx, &AgentEvent::Machine { machine: Box::new(row.show()) }, now).await?;
            Ok::<_, db::DbError>(())
        })?;
        self.news.ring();
        Ok(())
    }

    /// A passing failure leaves the machine as it is; another puts it into error, or keeps it going with the reason told.
    async fn failed(&self, row: Option<&MachineRow>, failure: Failure) -> Step {
        let Failure { hope, problem } = failure;
        let Some(row) = row else {
            tracing::warn!(%problem, "a machine cannot be looked after for now");
            return Step::Ended(Outcome::Transient);
        };
        if hope == Hope::Later {
            tracing::warn!(machine = %row.id, %problem, "waiting");
            return Step::Ended(Outcome::Transient);
        }
        tracing::error!(machine = %row.id, answer = problem.answer, %problem, "failed");
        let state = if row.deleting { MachineState::Deleting } else { MachineState::Error };
        let same = row.state == state && row.problem.as_ref().map(without_trace) == Some(without_trace(&problem));
        if !same && let Err(failure) = self.note(row.id, state, Some(*problem)).await {
            tracing::warn!(machine = %row.id, problem = %failure.problem, "the failure could not be noted");
            return Step::Ended(Outcome::Transient);
        }
        // A machine that shall go is tried again; one in error waits for a reason.
        Step::Ended(if row.deleting { Outcome::Transient } else { Outcome::Done })
    }

    fn halted_by_disk(&self) -> ProblemDetails {
        let free = space::free_bytes(self.layout.root()).unwrap_or(0);
        let detail = format!(
            "the guest is halted: a write failed because the host's disk is full ({free} bytes free below {})",
            self.layout.root().display()
        );
        ProblemDetails::new(507, "Insufficient storage", detail)
            .next("free space on that disk; the guest goes on by itself")
    }

    /// Counts a repair, and says whether there were too many of them lately. Asked anew, counting starts over.
    fn too_many_repairs(&self, id: Uuid, now: i64, anew: bool) -> bool {
        let mut repairs = self.repairs.lock().unwrap_or_else(PoisonError::into_inner);
        let history = repairs.entry(id).or_default();
        if anew {
            history.clear();
        }
        too_often(history, now)
    }
}

/// What somebody else must have done to a machine that ran, when this is what it needs now.
fn amiss(action: &Action, observed: &Observed) -> Option<&'static str> {
    match action {
        Action::Define if observed.domain.is_none() => Some("its domain was deleted by somebody else"),
        Action::Define => {
            observed.domain.as_ref().filter(|d| !d.persistent).map(|_| "its domain was undefined by somebody else")
        }
        Action::Start => Some("it had stopped, without being told to"),
        Action::Resume => Some("it was halted"),
        Action::Plug(_) => Some("a port was not on the bridge"),
        Action::MakeRootDisk => Some("its disk was deleted by somebody else and is new"),
        _ => None,
    }
}

/// Notes `now` and says whether [`MAX_REPAIRS`] was exceeded within [`REPAIR_WINDOW`].
fn too_often(history: &mut VecDeque<i64>, now: i64) -> bool {
    history.retain(|at| now - at < REPAIR_WINDOW);
    if history.len() >= MAX_REPAIRS {
        return true;
    }
    history.push_back(now);
    false
}

fn keeps_dying() -> ProblemDetails {
    let minutes = REPAIR_WINDOW / 60_000_000;
    let detail =
        format!("the machine ended {MAX_REPAIRS} times within {minutes} minutes right after it had been started again");
    ProblemDetails::new(500, "Machine keeps dying", detail)
        .next("read its console log; then start it or ask for it again")
}

/// The same failure told under another trace is no news; nor is the process id that QEMU's words carry, but those differ
/// in the answer alone.
fn without_trace(problem: &ProblemDetails) -> (u16, Option<String>, String) {
    (problem.status, problem.title.clone(), problem.detail.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repairs_are_counted_within_the_window_only() {
        let mut history = VecDeque::new();
        assert!((0..MAX_REPAIRS as i64).all(|n| !too_often(&mut history, n)));
        assert!(too_often(&mut history, 10));
        assert!(!too_often(&mut history, REPAIR_WINDOW), "the first one has been forgotten");
    }
}
