//! Moving servers to other hosts (IFA006 migrate virtualised compute resource): Nova is asked, and what comes of it is seen
//! with everything else that is seen of servers. A server that Nova moved while it was stopped waits for a confirmation,
//! which is given whoever asked for the move, so that one interrupted by a restart ends too.

use std::collections::BTreeMap;
use std::sync::{MutexGuard, PoisonError};

use reference_points::common::ProblemDetails;
use reference_points::or_vi::{Compute, MigrateRequest, MigrationKind};
use serde_json::{Value, json};
use uuid::Uuid;

use super::OpenstackVim;
use super::servers;
use crate::error::Result;
use crate::ledger::Report;
use crate::store::computes::ComputeRow;

/// Status of a server that was moved while it was stopped, or got another flavour, and waits for a confirmation.
pub(super) const CONFIRM: &str = "VERIFY_RESIZE";

/// How long the end of a move is waited for, in minutes.
const PATIENCE_MINUTES: i64 = 30;

/// Moves that were asked for and have not ended. They are remembered as long as the adapter runs: one that it is restarted
/// in ends all the same, and nobody is told.
pub(super) type Moves = BTreeMap<Uuid, Move>;

/// A server on its way.
#[derive(Debug, Clone)]
pub(super) struct Move {
    /// The host that it was on.
    from: Option<String>,
    /// When Nova took the request, in microseconds since the epoch; what was listed before says nothing of it.
    taken_at: i64,
}

/// What Nova is asked.
fn action(request: &MigrateRequest) -> Value {
    match request.kind {
        MigrationKind::Live => json!({ "os-migrateLive": { "host": request.host, "block_migration": "auto" } }),
        MigrationKind::Cold => match &request.host {
            Some(host) => json!({ "migrate": { "host": host } }),
            None => json!({ "migrate": null }),
        },
    }
}

/// How a move ended, as far as a server shows; `None` while it goes on.
fn ended(was: Option<&str>, server: &Value) -> Option<bool> {
    let seen = servers::seen(server)?;
    let goes_on = seen.busy || seen.status == CONFIRM || seen.status == "MIGRATING" || seen.status == "RESIZE";
    (!goes_on).then(|| seen.status != "ERROR" && seen.host.as_deref() != was)
}

impl OpenstackVim {
    /// Asks Nova to move a server; an event tells the end.
    pub(super) async fn begin_migration(&self, compute: &Compute, request: &MigrateRequest) -> Result<()> {
        let _turn = self.turns.take(compute.id).await;
        let its = super::known(compute.vim_resource_id.clone(), "compute", compute.id)?;
        if self.moves().contains_key(&compute.id) {
            let problem = ProblemDetails::conflict(format!("compute {} is being moved already", compute.id));
            return Err(problem.next("wait for the end of that").into());
        }
        self.act(compute, &its, "migrate", &action(request)).await?;
        let begun = Move { from: compute.host.clone(), taken_at: self.ledger.store.now() };
        self.moves().insert(compute.id, begun);
        self.wake();
        Ok(())
    }

    fn moves(&self) -> MutexGuard<'_, Moves> {
        self.moves.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells how moves ended, as a list of servers shows that was asked for at `listed_at`.
    pub(super) async fn end_migrations(&self, rows: &[ComputeRow], listed: &[Value], listed_at: i64) -> Result<()> {
        let mut going = self.moves().clone();
        going.retain(|_, going| going.taken_at < listed_at);
        for (id, going) in going {
            if let Some(row) = rows.iter().find(|row| row.compute.id == id) {
                let its = row.compute.vim_resource_id.as_deref().unwrap_or_default();
                let server = listed.iter().find(|server| server["id"] == its);
                let outcome = server.and_then(|server| ended(going.from.as_deref(), server));
                if outcome.is_none() && listed_at - going.taken_at < PATIENCE_MINUTES * 60_000_000 {
                    continue;
                }
                let host = server.and_then(servers::seen).and_then(|seen| seen.host);
                self.tell_move(row, &going, outcome, host).await?;
            }
            self.moves().remove(&id);
        }
        Ok(())
    }

    async fn tell_move(
        &self,
        row: &ComputeRow,
        going: &Move,
        outcome: Option<bool>,
        host: Option<String>,
    ) -> Result<()> {
        let compute = &row.compute;
        let (id, name) = (compute.id, &compute.spec.name);
        let from = going.from.as_deref().unwrap_or("its host");
        let its = compute.vim_resource_id.as_deref().unwrap_or_default();
        let (what, detail) = match outcome {
            Some(true) => {
                let to = host.as_deref().unwrap_or("another");
                ("compute_migrated", format!("compute {name} ({id}) moved from {from} to {to}"))
            }
            Some(false) => {
                let said = self.last_action(compute, its).await?;
                ("compute_not_migrated", format!("compute {name} ({id}) stays on {from}: {said}"))
            }
            None => {
                let long = format!("compute {name} ({id}) has not moved from {from} in {PATIENCE_MINUTES} minutes");
                ("compute_not_migrated", long)
            }
        };
        self.ledger.note(&[Report::VimSaid(host, what.to_owned(), detail, Some(id))]).await;
        Ok(())
    }

    /// Whether moves go on.
    pub(super) fn migrates(&self) -> bool {
        !self.moves().is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(status: &str, task: Value, host: &str) -> Value {
        json!({ "id": "s", "status": status, "OS-EXT-STS:task_state": task, "OS-EXT-SRV-ATTR:host": host })
    }

    #[test]
    fn nova_is_asked_for_a_host_or_finds_one() {
        let request = |kind, host: Option<&str>| MigrateRequest { kind, host: host.map(str::to_owned) };
        let live = action(&request(MigrationKind::Live, None));
        assert_eq!(live, json!({ "os-migrateLive": { "host": null, "block_migration": "auto" } }));
        assert_eq!(action(&request(MigrationKind::Cold, None)), json!({ "migrate": null }));
        assert_eq!(action(&request(MigrationKind::Cold, Some("b"))), json!({ "migrate": { "host": "b" } }));
    }

    #[test]
    fn a_move_ends_when_nova_rests() {
        assert_eq!(ended(Some("a"), &server("MIGRATING", json!("migrating"), "a")), None);
        assert_eq!(ended(Some("a"), &server(CONFIRM, Value::Null, "b")), None, "it is confirmed first");
        assert_eq!(ended(Some("a"), &server("ACTIVE", Value::Null, "b")), Some(true));
        assert_eq!(ended(Some("a"), &server("ACTIVE", Value::Null, "a")), Some(false));
        assert_eq!(ended(Some("a"), &server("ERROR", Value::Null, "b")), Some(false));
    }
}
