//! Operations that found no room in a VIM, and the NFVO's notifications that a VIM allows more (SOL003 clause 11).
//!
//! An operation that comes to rest in FAILED_TEMP because a VIM had no room is noted in the transaction in which it does. A
//! notification is noted with it; its words stand in the operation's error, and when the configuration says so the operation is
//! retried, once for each notification. Whatever else becomes of the operation ends the waiting.

mod follow;
mod hear;

use std::sync::Arc;

use db::{AnyConnection, Clock, Db};
use lcm::{Change, OperationState, OperationView, StepState, StepView};
use reference_points::common::{ProblemDetails, shortage};
use reference_points::or_vnfm::{Grant, QuotaClient, Timestamp};
use service::http::Wake;
use service::store::StoreError;
use tokio::sync::Notify;
use uuid::Uuid;

use crate::ops::instantiate::GRANT;
use crate::ops::inventory::output;
use crate::store::quotas::{self, Told};
use crate::store::{OCCURRENCES, Occurrence};

/// Path of the NFVO's notifications.
pub const CALLBACK: &str = "/mano/v1/quota_notifications";

/// Quotas of the VNFM. Cloning shares it.
#[derive(Debug, Clone)]
pub struct Quotas {
    /// The database.
    pub db: Db,
    /// The NFVO.
    pub nfvo: QuotaClient,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Own base address.
    pub base: Arc<str>,
    /// Whether what found no room is retried when there is more.
    pub retries: bool,
    /// Rung when the NFVO told something.
    pub news: Arc<Notify>,
    /// Rung when an operation is shown otherwise than before.
    pub changed: Wake,
}

impl Quotas {
    /// An operation changed its state: whether it waits for room now.
    ///
    /// # Errors
    /// What the database says.
    pub async fn settled(&self, tx: &mut AnyConnection, op: &OperationView, change: &Change) -> Result<(), StoreError> {
        // Only what rests in FAILED_TEMP waits.
        if change.from == Some(OperationState::FailedTemp) {
            quotas::forget(tx, op.id).await?;
        }
        if change.to != OperationState::FailedTemp {
            return Ok(());
        }
        let Some((vims, since)) = lacking(&change.steps) else { return Ok(()) };
        for vim in vims {
            quotas::wait(tx, op.id, vim, since).await?;
        }
        // It may have been told just before it came to rest.
        match quotas::of(tx, op.id).await? {
            Some(told) => self.show(tx, op.id, &told, change.at).await,
            None => Ok(()),
        }
    }

    /// What an operation that waits for room was told, to be shown with its error. Only what rests in FAILED_TEMP waits.
    ///
    /// # Errors
    /// What the database says.
    pub async fn note(&self, op: &OperationView) -> Result<Option<Told>, db::DbError> {
        if op.state != OperationState::FailedTemp {
            return Ok(None);
        }
        let mut connection = self.db.pool.acquire().await?;
        quotas::of(&mut connection, op.id).await
    }

    /// Writes what was told into the occurrence that lists show.
    async fn show(&self, tx: &mut AnyConnection, id: Uuid, told: &Told, now: i64) -> Result<(), StoreError> {
        let Some(stored) = OCCURRENCES.get_in(tx, id).await? else { return Ok(()) };
        let mut shown = stored.document.0.clone();
        let Some(error) = &mut shown.error else { return Ok(()) };
        let details = std::mem::replace(error, ProblemDetails::conflict(""));
        *error = noted(details, told);
        OCCURRENCES.update(tx, &stored, Occurrence(shown), now).await.map(drop)
    }
}

/// Begins a note in a problem's `next`.
const NOTE: &str = "the NFVO told at ";
/// Ends it.
const NOTE_ENDS: &str = " allows more: retry";

/// A problem with what the NFVO told since, in the place of what it told before.
pub fn noted(mut problem: ProblemDetails, told: &Told) -> ProblemDetails {
    let note = format!("{NOTE}{} that {}{NOTE_ENDS}", Timestamp::from_micros(told.made_at), told.words);
    let next = problem.next.as_deref().unwrap_or_default();
    let rest = match next.strip_prefix(NOTE).and_then(|old| old.split_once(NOTE_ENDS)) {
        Some((_, rest)) => rest.strip_prefix("; ").unwrap_or(rest),
        None => next,
    };
    problem.next = Some(if rest.is_empty() { note } else { format!("{note}; {rest}") });
    problem
}

/// The VIMs where steps that failed found no room, and since when they have failed, in microseconds since the epoch. (A grant
/// that is refused for lack of room leaves nothing that rests: its operation is rolled back, SOL003 clause 5.6.2.)
fn lacking(steps: &[StepView]) -> Option<(Vec<Uuid>, i64)> {
    let failed = steps.iter().filter(|step| step.state == StepState::Failed);
    let short = failed.filter(|step| {
        let cause = step.error.as_ref().and_then(|error| error.cause.as_deref());
        cause.is_some_and(shortage::is)
    });
    // The latest counts: what was told before it did not help it.
    let since = short.map(|step| step.finished_at.unwrap_or(i64::MAX)).max()?;
    let grant: Option<Grant> = steps.iter().find(|s| s.key == GRANT).and_then(output);
    let connections = grant.map(|grant| grant.vim_connection_info).unwrap_or_default();
    let mut vims: Vec<Uuid> = connections.values().filter_map(|c| c.vim_id.as_deref()?.parse().ok()).collect();
    // In one order for everybody who takes turns by them.
    vims.sort_unstable();
    vims.dedup();
    Some((vims, since))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::Arc;

    use lcm::Problem;
    use serde_json::json;

    use super::*;

    fn step(key: &str, state: StepState, error: Option<Problem>, output: Option<serde_json::Value>) -> StepView {
        StepView {
            key: key.to_owned(),
            kind: String::new(),
            title: String::new(),
            after: Vec::new(),
            starting: false,
            state,
            attempt: 1,
            next_at: None,
            note: None,
            params: Arc::new(json!({})),
            output: output.map(Arc::new),
            error,
            started_at: Some(1),
            finished_at: Some(7),
        }
    }

    fn failed(cause: &str) -> StepView {
        let problem = Problem::new("Could not create compute", "why").caused_by(cause);
        step("web", StepState::Failed, Some(problem), None)
    }

    fn grant(vim: Uuid) -> StepView {
        let grant = json!({ "id": Uuid::nil(), "vnfInstanceId": Uuid::nil(), "vnfLcmOpOccId": Uuid::nil(),
            "vimConnectionInfo": { (vim.to_string()): { "vimId": vim, "vimType": "MANO.SIM.V_1" } },
            "_links": { "self": { "href": "x" }, "vnfLcmOpOcc": { "href": "x" }, "vnfInstance": { "href": "x" } } });
        step(GRANT, StepState::Done, None, Some(grant))
    }

    #[test]
    fn only_what_ends_with_more_room_is_waited_for() {
        let vim = Uuid::from_u128(5);
        for cause in [shortage::NO_VALID_HOST, shortage::QUOTA_EXCEEDED] {
            assert_eq!(lacking(&[grant(vim), failed(cause)]), Some((vec![vim], 7)), "{cause}");
        }
        assert_eq!(lacking(&[grant(vim), failed("Server failed")]), None);
        let other = step("web", StepState::Failed, Some(Problem::new("Could not create compute", "quota")), None);
        assert_eq!(lacking(&[grant(vim), other]), None);
        let undone = StepView { state: StepState::Undone, ..failed(shortage::NO_VALID_HOST) };
        assert_eq!(lacking(&[grant(vim), undone]), None);
    }

    #[test]
    fn a_note_takes_the_place_of_an_earlier_one() {
        let told = |made_at| Told { words: "VIM x".to_owned(), made_at };
        let problem = ProblemDetails::conflict("no room").next("retry: does it again");
        let once = noted(problem.clone(), &told(1_000_000));
        let text = "the NFVO told at 1970-01-01T00:00:01Z that VIM x allows more: retry; retry: does it again";
        assert_eq!(once.next.as_deref(), Some(text));
        assert_eq!(noted(once, &told(2_000_000)).next, Some(text.replace(":01Z", ":02Z")));
        let bare = noted(ProblemDetails { next: None, ..problem }, &told(1_000_000));
        assert!(bare.next.unwrap().ends_with(" allows more: retry"));
    }
}
