//! What each host lets computes have, noted whenever that changes, so that consumers hear when it is more than before.

use super::HostsVim;
use super::agent::Agent;
use crate::allowance::{Part, of_host};
use crate::ledger::Report;

impl HostsVim {
    /// Notes what a host lets computes have, unless that is what was noted last. A database that fails is logged; the next
    /// look at the host notes it.
    pub(super) async fn note_allowance(&self, agent: &Agent) {
        // Held over the write, so that two who look at the same time write in the order in which they looked.
        let mut noted = agent.allows.lock().await;
        let limits = of_host(&agent.candidate());
        if noted.as_ref() == Some(&limits) {
            return;
        }
        let group = self.ledger.vim.to_string();
        let report = Report::Allows { part: Part::Host(agent.name.clone()), group, limits: limits.clone() };
        match self.ledger.record(&[report]).await {
            Ok(()) => *noted = Some(limits),
            Err(error) => tracing::error!(host = agent.name, %error, "what a host allows could not be stored"),
        }
    }
}
