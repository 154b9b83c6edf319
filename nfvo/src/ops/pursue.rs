//! How a step brings a VNF of the VNFM where it shall be: by looking at the instance and its newest operation, and doing
//! the next thing (SOL003 clauses 5.4 and 5.6). Pure. Asked again after a crash, a lost answer or a repeated step, it
//! goes on from what is there instead of starting twice.

use reference_points::common::ProblemDetails;
use reference_points::or_vnfm::{InstantiationState, LcmOperationStateType, LcmOperationType, VnfLcmOpOcc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Where the VNF shall be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Goal {
    /// Instantiated; failures are told.
    Running,
    /// Not instantiated, by an orderly termination; failures are told.
    Terminated,
    /// Not instantiated, whatever is under way.
    Undone,
}

/// What the VNFM says, and what was told of it before.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// State of the instance; `None` when it does not exist.
    pub state: Option<InstantiationState>,
    /// Its newest operation.
    pub newest: Option<&'a VnfLcmOpOcc>,
    /// The failure that was reported last: an operation, and when it came into its state. Seeing the same again means
    /// that someone has asked for another try since.
    pub told: Option<Told>,
}

/// A failed operation as it stood when it was reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told {
    /// Operation occurrence.
    pub operation: Uuid,
    /// When it came into its state, microseconds since the epoch.
    pub at: i64,
}

impl Told {
    /// The operation as it stands.
    pub fn of(op: &VnfLcmOpOcc) -> Self {
        Self { operation: op.id, at: op.state_entered_time.micros() }
    }
}

/// What a step remembers while it waits.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Memo {
    /// Operation waited for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits: Option<Uuid>,
    /// Tasks asked for, with the operation.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub asked: Vec<(Uuid, Ask)>,
}

/// A task of an operation occurrence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ask {
    /// Try again.
    Retry,
    /// Undo.
    Rollback,
    /// Give up.
    Fail,
    /// Stop at once.
    Cancel,
}

/// The next thing to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Act {
    /// Nothing: it is where it shall be.
    Done,
    /// Begin the operation that leads there.
    Begin,
    /// Ask for a task, then wait for the operation.
    Ask(Uuid, Ask),
    /// Wait for the operation.
    Wait(Uuid),
    /// Report the failure.
    Fail(Box<ProblemDetails>),
}

/// Decides the next thing.
pub fn next(goal: Goal, seen: Seen<'_>, memo: &Memo) -> Act {
    use LcmOperationStateType as S;
    let Some(state) = seen.state else {
        return match goal {
            Goal::Running => Act::Fail(Box::new(ProblemDetails::new(
                409,
                "VNF instance gone",
                "the VNFM does not know the VNF instance any more: someone deleted it",
            ))),
            Goal::Terminated | Goal::Undone => Act::Done,
        };
    };
    let Some(op) = seen.newest else { return settled(goal, state) };
    let again = seen.told == Some(Told::of(op));
    let asked = |ask: Ask| memo.asked.contains(&(op.id, ask));
    match op.operation_state {
        S::Starting | S::Processing => {
            let stop = goal == Goal::Undone
                && op.operation != LcmOperationType::Terminate
                && !op.is_cancel_pending
                && !asked(Ask::Cancel);
            if stop { Act::Ask(op.id, Ask::Cancel) } else { Act::Wait(op.id) }
        }
        S::RollingBack => Act::Wait(op.id),
        S::FailedTemp => after_failure(goal, op, again, asked),
        S::Failed | S::RolledBack => after_end(goal, state, op, again, memo),
        S::Completed if goal != Goal::Running && op.operation == LcmOperationType::Terminate => match state {
            InstantiationState::NotInstantiated => Act::Done,
            InstantiationState::Instantiated if again => Act::Begin,
            InstantiationState::Instantiated => Act::Fail(quote(op)),
        },
        S::Completed => settled(goal, state),
    }
}

fn settled(goal: Goal, state: InstantiationState) -> Act {
    match (goal, state) {
        (Goal::Running, InstantiationState::NotInstantiated) => Act::Begin,
        (Goal::Running, InstantiationState::Instantiated) => Act::Done,
        (Goal::Terminated | Goal::Undone, InstantiationState::NotInstantiated) => Act::Done,
        (Goal::Terminated | Goal::Undone, InstantiationState::Instantiated) => Act::Begin,
    }
}

fn after_failure(goal: Goal, op: &VnfLcmOpOcc, again: bool, asked: impl Fn(Ask) -> bool) -> Act {
    // What has been asked for and failed again is reported; after that report a new try asks again.
    let once = |ask: Ask| if again || !asked(ask) { Act::Ask(op.id, ask) } else { Act::Fail(quote(op)) };
    match (goal, op.operation) {
        (Goal::Running, LcmOperationType::Instantiate) | (Goal::Terminated, LcmOperationType::Terminate) => {
            if again {
                Act::Ask(op.id, Ask::Retry)
            } else {
                Act::Fail(quote(op))
            }
        }
        (Goal::Running, _) => Act::Fail(quote(op)),
        (Goal::Undone, LcmOperationType::Terminate) => once(Ask::Retry),
        (Goal::Terminated | Goal::Undone, LcmOperationType::Instantiate) => once(Ask::Rollback),
        // An operation of someone else that stands in the way of terminating is given up; terminating removes everything.
        (Goal::Terminated | Goal::Undone, _) => once(Ask::Fail),
    }
}

/// The newest operation was given up or undone, perhaps by someone else.
fn after_end(goal: Goal, state: InstantiationState, op: &VnfLcmOpOcc, again: bool, memo: &Memo) -> Act {
    let mine = memo.waits == Some(op.id);
    match (goal, op.operation) {
        // What is left of an instantiation that was given up is not a running VNF.
        (Goal::Running, LcmOperationType::Instantiate) if state == InstantiationState::Instantiated => {
            Act::Fail(quote(op))
        }
        (Goal::Running, LcmOperationType::Instantiate) | (Goal::Terminated, LcmOperationType::Terminate)
            if mine && !again =>
        {
            Act::Fail(quote(op))
        }
        (Goal::Undone, LcmOperationType::Terminate) if mine && !again && state == InstantiationState::Instantiated => {
            Act::Fail(quote(op))
        }
        _ => settled(goal, state),
    }
}

/// The VNFM's error in words of one's own operation: which operation, and everything that it said.
pub fn quote(op: &VnfLcmOpOcc) -> Box<ProblemDetails> {
    let inner = op.error.clone().unwrap_or_else(|| ProblemDetails::new(500, "Unexplained", "the VNFM gave no reason"));
    let title = format!("{} of the VNF is {}", op.operation, op.operation_state);
    let mut out = ProblemDetails::new(inner.status, title, inner.to_string());
    out.faults = inner.faults;
    out.resource = inner.resource.or_else(|| Some(format!("VNF operation {}", op.id)));
    let step = inner.step.map(|s| format!("step {s}: ")).unwrap_or_default();
    out.answer = inner.answer.map(|a| format!("{step}{a}")).or_else(|| (!step.is_empty()).then(|| step.clone()));
    out.next = inner.next;
    out.instance = Some(format!("/vnflcm/v2/vnf_lcm_op_occs/{}", op.id));
    Box::new(out)
}

#[cfg(test)]
mod tests {
    use reference_points::or_vnfm::Timestamp;

    use super::*;

    const OP: Uuid = Uuid::from_u128(7);

    fn op(kind: LcmOperationType, state: LcmOperationStateType) -> VnfLcmOpOcc {
        VnfLcmOpOcc {
            id: OP,
            operation_state: state,
            state_entered_time: Timestamp::from_micros(0),
            start_time: Timestamp::from_micros(0),
            vnf_instance_id: Uuid::nil(),
            grant_id: None,
            operation: kind,
            is_automatic_invocation: false,
            operation_params: None,
            is_cancel_pending: false,
            cancel_mode: None,
            error: None,
            resource_changes: None,
            changed_info: None,
            changed_ext_connectivity: Vec::new(),
            modifications_triggered_by_vnf_pkg_change: None,
            vnf_snapshot_info_id: None,
            lcm_coordinations: Vec::new(),
            rejected_lcm_coordinations: Vec::new(),
            links: None,
        }
    }

    fn memo(asked: &[Ask]) -> Memo {
        Memo { waits: Some(OP), asked: asked.iter().map(|a| (OP, *a)).collect() }
    }

    fn act(goal: Goal, state: Option<InstantiationState>, op: Option<&VnfLcmOpOcc>, m: &Memo) -> Act {
        next(goal, Seen { state, newest: op, told: None }, m)
    }

    /// The same after the operation's failure was reported.
    fn again(goal: Goal, state: Option<InstantiationState>, op: &VnfLcmOpOcc, m: &Memo) -> Act {
        next(goal, Seen { state, newest: Some(op), told: Some(Told::of(op)) }, m)
    }

    fn fails(act: &Act) -> bool {
        matches!(act, Act::Fail(_))
    }

    const OUT: Option<InstantiationState> = Some(InstantiationState::NotInstantiated);
    const IN: Option<InstantiationState> = Some(InstantiationState::Instantiated);

    #[test]
    fn an_instantiation_begins_once_and_waits() {
        use {LcmOperationStateType as S, LcmOperationType as K};
        let fresh = Memo::default();
        assert_eq!(act(Goal::Running, OUT, None, &fresh), Act::Begin);
        for state in [S::Starting, S::Processing, S::RollingBack] {
            let op = op(K::Instantiate, state);
            assert_eq!(act(Goal::Running, OUT, Some(&op), &fresh), Act::Wait(OP), "an answer that was lost");
            assert_eq!(act(Goal::Running, OUT, Some(&op), &memo(&[])), Act::Wait(OP));
        }
        assert_eq!(act(Goal::Running, IN, Some(&op(K::Instantiate, S::Completed)), &memo(&[])), Act::Done);
        assert!(fails(&act(Goal::Running, None, None, &fresh)));
    }

    #[test]
    fn a_failed_instantiation_is_reported_first_and_retried_when_asked_again() {
        use {LcmOperationStateType as S, LcmOperationType as K};
        let failed = op(K::Instantiate, S::FailedTemp);
        for memo in [Memo::default(), memo(&[]), memo(&[Ask::Retry])] {
            assert!(fails(&act(Goal::Running, OUT, Some(&failed), &memo)));
            assert_eq!(again(Goal::Running, OUT, &failed, &memo), Act::Ask(OP, Ask::Retry));
        }
        let undone = op(K::Instantiate, S::RolledBack);
        assert!(fails(&act(Goal::Running, OUT, Some(&undone), &memo(&[]))), "someone else undid it");
        assert_eq!(again(Goal::Running, OUT, &undone, &memo(&[])), Act::Begin);
        let given_up = op(K::Instantiate, S::Failed);
        assert!(fails(&again(Goal::Running, IN, &given_up, &memo(&[]))), "what is left is no running VNF");
    }

    #[test]
    fn undoing_cancels_rolls_back_or_terminates_whatever_is_there() {
        use {LcmOperationStateType as S, LcmOperationType as K};
        let fresh = Memo::default();
        assert_eq!(act(Goal::Undone, None, None, &fresh), Act::Done);
        assert_eq!(act(Goal::Undone, OUT, None, &fresh), Act::Done);
        let running = op(K::Instantiate, S::Processing);
        assert_eq!(act(Goal::Undone, OUT, Some(&running), &fresh), Act::Ask(OP, Ask::Cancel));
        assert_eq!(act(Goal::Undone, OUT, Some(&running), &memo(&[Ask::Cancel])), Act::Wait(OP));
        let failed = op(K::Instantiate, S::FailedTemp);
        assert_eq!(act(Goal::Undone, OUT, Some(&failed), &memo(&[Ask::Cancel])), Act::Ask(OP, Ask::Rollback));
        assert_eq!(again(Goal::Undone, OUT, &failed, &fresh), Act::Ask(OP, Ask::Rollback), "reported going forward");
        let twice = memo(&[Ask::Cancel, Ask::Rollback]);
        assert!(fails(&act(Goal::Undone, OUT, Some(&failed), &twice)), "a rollback that failed is reported");
        assert_eq!(again(Goal::Undone, OUT, &failed, &twice), Act::Ask(OP, Ask::Rollback));
        assert_eq!(act(Goal::Undone, OUT, Some(&op(K::Instantiate, S::RolledBack)), &twice), Act::Done);
        assert_eq!(act(Goal::Undone, IN, Some(&op(K::Instantiate, S::Completed)), &fresh), Act::Begin);
        assert_eq!(act(Goal::Undone, IN, Some(&op(K::Terminate, S::Processing)), &fresh), Act::Wait(OP));
        let stuck = op(K::Terminate, S::FailedTemp);
        assert_eq!(act(Goal::Undone, IN, Some(&stuck), &memo(&[])), Act::Ask(OP, Ask::Retry));
        assert!(fails(&act(Goal::Undone, IN, Some(&stuck), &memo(&[Ask::Retry]))));
    }

    #[test]
    fn terminating_clears_what_stands_in_its_way_and_never_loops() {
        use {LcmOperationStateType as S, LcmOperationType as K};
        let fresh = Memo::default();
        assert_eq!(act(Goal::Terminated, None, None, &fresh), Act::Done);
        assert_eq!(act(Goal::Terminated, IN, Some(&op(K::Instantiate, S::Completed)), &fresh), Act::Begin);
        assert_eq!(act(Goal::Terminated, IN, Some(&op(K::Scale, S::FailedTemp)), &fresh), Act::Ask(OP, Ask::Fail));
        assert_eq!(act(Goal::Terminated, IN, Some(&op(K::Scale, S::Failed)), &memo(&[Ask::Fail])), Act::Begin);
        assert_eq!(
            act(Goal::Terminated, OUT, Some(&op(K::Instantiate, S::FailedTemp)), &fresh),
            Act::Ask(OP, Ask::Rollback)
        );
        assert_eq!(act(Goal::Terminated, IN, Some(&op(K::Instantiate, S::Failed)), &fresh), Act::Begin);
        assert_eq!(act(Goal::Terminated, IN, Some(&op(K::Scale, S::Processing)), &fresh), Act::Wait(OP));
        let stuck = op(K::Terminate, S::FailedTemp);
        assert!(fails(&act(Goal::Terminated, IN, Some(&stuck), &memo(&[]))));
        assert_eq!(again(Goal::Terminated, IN, &stuck, &memo(&[])), Act::Ask(OP, Ask::Retry));
        assert_eq!(act(Goal::Terminated, IN, Some(&op(K::Terminate, S::Failed)), &fresh), Act::Begin, "an old one");
        assert!(fails(&act(Goal::Terminated, IN, Some(&op(K::Terminate, S::Failed)), &memo(&[]))));
        let odd = op(K::Terminate, S::Completed);
        assert!(fails(&act(Goal::Terminated, IN, Some(&odd), &memo(&[]))), "completed and still there");
        assert_eq!(act(Goal::Terminated, OUT, Some(&odd), &memo(&[])), Act::Done);
    }

    #[test]
    fn the_vnfms_error_is_quoted_with_step_resource_answer_and_mend() {
        let mut failed = op(LcmOperationType::Instantiate, LcmOperationStateType::FailedTemp);
        let mut error = ProblemDetails::new(507, "Disk full", "cannot make volume")
            .resource("volume 12")
            .answer("ENOSPC")
            .next("free space, then retry");
        error.step = Some("volume/web".to_owned());
        failed.error = Some(error);
        let told = quote(&failed);
        assert_eq!(told.title.as_deref(), Some("INSTANTIATE of the VNF is FAILED_TEMP"));
        assert_eq!(told.detail, "Disk full: cannot make volume");
        assert_eq!(told.answer.as_deref(), Some("step volume/web: ENOSPC"));
        assert_eq!(told.resource.as_deref(), Some("volume 12"));
        assert_eq!(told.next.as_deref(), Some("free space, then retry"));
    }
}
