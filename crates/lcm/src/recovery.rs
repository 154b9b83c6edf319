//! What is done about an executor that is gone. Pure.
//!
//! An operation belongs to the executor that holds its lease: an owner, that owner's incarnation (one per process), an
//! expiry, and a fencing number that grows with each claim. Every write of an executor names its fencing number and
//! changes nothing if a later one has been given out.

use crate::machine::{Event, Snapshot};
use crate::view::{EventKind, StepState};

/// A lease as the journal has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lease {
    pub owner: Option<String>,
    pub incarnation: Option<String>,
    pub expires: i64,
}

/// Whether an operation may be claimed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Claim {
    /// Nobody has it.
    Free,
    /// Its executor has not been heard of for too long.
    Expired { owner: String },
    /// It is this installation's own, from before a restart, and this is the new process's first look.
    OwnFromBefore,
    /// Somebody is at it.
    Held { until: i64 },
}

/// Decides about a lease. `first_look`: this process has just begun. Only then is a lease of the same owner taken without
/// waiting; if two processes were given one owner name by mistake, they do not take work from each other for ever.
pub(crate) fn may_claim(lease: &Lease, owner: &str, incarnation: &str, first_look: bool, now: i64) -> Claim {
    let Some(holder) = &lease.owner else { return Claim::Free };
    if first_look && holder == owner && lease.incarnation.as_deref() != Some(incarnation) {
        return Claim::OwnFromBefore;
    }
    if lease.expires <= now {
        return Claim::Expired { owner: holder.clone() };
    }
    Claim::Held { until: lease.expires }
}

/// What a step whose executor is gone has become. `None`: it is as it was.
pub(crate) fn recovered(state: StepState) -> Option<StepState> {
    match state {
        // Its call was cut short: it may or may not have taken effect.
        StepState::Running => Some(StepState::Unknown),
        // Undoing twice is as good as once.
        StepState::Undoing => Some(StepState::UndoReady),
        _ => None,
    }
}

/// Puts right an operation just claimed; returns which steps changed, and the journal's lines about it.
pub(crate) fn recover(s: &mut Snapshot) -> (Vec<usize>, Vec<Event>) {
    let (mut dirty, mut events) = (Vec::new(), Vec::new());
    for (i, step) in s.steps.iter_mut().enumerate() {
        if let Some(state) = recovered(step.state) {
            let detail = format!("its executor went away during the call: {} is now {state}", step.state);
            step.state = state;
            step.next_at = None;
            step.call_started = None;
            events.push(Event::of_step(step, EventKind::Recovered, Some(detail)));
            dirty.push(i);
        }
    }
    (dirty, events)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lease(owner: &str, incarnation: &str, expires: i64) -> Lease {
        Lease { owner: Some(owner.into()), incarnation: Some(incarnation.into()), expires }
    }

    #[test]
    fn a_free_operation_may_be_claimed_by_anybody() {
        let free = Lease { owner: None, incarnation: None, expires: 0 };
        assert_eq!(may_claim(&free, "a", "1", false, 10), Claim::Free);
    }

    #[test]
    fn a_held_one_only_after_its_lease_has_expired() {
        let held = lease("b", "9", 100);
        assert_eq!(may_claim(&held, "a", "1", true, 99), Claim::Held { until: 100 });
        assert_eq!(may_claim(&held, "a", "1", false, 100), Claim::Expired { owner: "b".into() });
    }

    #[test]
    fn ones_own_from_before_a_restart_at_once_but_only_at_the_first_look() {
        let before = lease("a", "1", 100);
        assert_eq!(may_claim(&before, "a", "2", true, 5), Claim::OwnFromBefore);
        assert_eq!(may_claim(&before, "a", "2", false, 5), Claim::Held { until: 100 });
        assert_eq!(may_claim(&before, "a", "1", true, 5), Claim::Held { until: 100 });
    }

    #[test]
    fn only_calls_under_way_are_changed_by_a_crash() {
        for state in StepState::ALL {
            let expected = match state {
                StepState::Running => Some(StepState::Unknown),
                StepState::Undoing => Some(StepState::UndoReady),
                _ => None,
            };
            assert_eq!(recovered(state), expected, "{state}");
        }
    }
}
