//! Moving servers to other hosts (IFA006 migrate virtualised compute resource): Nova is asked, and what comes of it is seen
//! with everything else that is seen of servers. A server that Nova moved while it was stopped waits for a confirmation,
//! which is given whoever asked for the move, so that one interrupted by a restart ends too.

use std::collections::BTreeMap;
use std::sync::PoisonError;

use reference_points::or_vi::{Compute, MigrateRequest, MigrationKind};
use serde_json::{Value, json};
use uuid::Uuid;

use super::OpenstackVim;
use super::call::{Call, Service};
use super::errors::Work;
use super::servers;
use crate::error::Result;
use crate::ledger::Report;
use crate::store::computes::ComputeRow;

/// Status of a server that was moved while it was stopped, or got another flavour, and waits for a confirmation.
pub(super) const CONFIRM: &str = "VERIFY_RESIZE";

/// Moves that were asked for and have not ended, with the host that the server was on.
pub(super) type Moves = BTreeMap<Uuid, Option<String>>;

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
        self.moves.lock().unwrap_or_else(PoisonError::into_inner).insert(compute.id, compute.host.clone());
        let work = Work::on("migrate", "compute", &compute.spec.name, compute.id);
        let call = Call::post(Service::Compute, format!("servers/{its}/action"), &action(request));
        let asked = self.session.ask(&work, call).await;
        if asked.is_err() {
            self.moves.lock().unwrap_or_else(PoisonError::into_inner).remove(&compute.id);
        }
        self.wake();
        asked.map(drop)
    }

    /// Tells how moves ended, as a list of servers shows.
    pub(super) async fn end_migrations(&self, rows: &[ComputeRow], listed: &[Value]) -> Result<()> {
        let going: Moves = self.moves.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for (id, was) in going {
            let row = rows.iter().find(|row| row.compute.id == id);
            let its = row.and_then(|row| row.compute.vim_resource_id.as_deref());
            let server = listed.iter().find(|server| its.is_some() && server["id"].as_str() == its);
            let outcome = match (row, server) {
                (None, _) => None,
                (Some(_), None) => continue,
                (Some(row), Some(server)) => match ended(was.as_deref(), server) {
                    None => continue,
                    Some(moved) => Some((row, server, moved)),
                },
            };
            self.moves.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
            let Some((row, server, moved)) = outcome else { continue };
            let (compute, host) = (&row.compute, servers::seen(server).and_then(|seen| seen.host));
            let from = was.unwrap_or_else(|| "its host".to_owned());
            let what = if moved { "compute_migrated" } else { "compute_not_migrated" };
            let detail = if moved {
                let to = host.clone().unwrap_or_else(|| "another".to_owned());
                format!("compute {} ({id}) moved from {from} to {to}", compute.spec.name)
            } else {
                let said = self.last_action(compute, its.unwrap_or_default()).await?;
                format!("compute {} ({id}) stays on {from}: {said}", compute.spec.name)
            };
            self.ledger.note(&[Report::VimSaid(host, what.to_owned(), detail, Some(id))]).await;
        }
        Ok(())
    }

    /// Whether moves go on.
    pub(super) fn migrates(&self) -> bool {
        !self.moves.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
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
