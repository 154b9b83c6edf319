//! The agent's own numbers for Prometheus.

use prometheus::{IntCounterVec, Opts, Registry};

/// Counters of what the agent did.
#[derive(Debug, Clone)]
pub struct Numbers {
    actions: IntCounterVec,
    told: IntCounterVec,
}

impl Numbers {
    /// Counters, not yet registered anywhere.
    ///
    /// # Errors
    /// Never in practice: the names are fixed and distinct.
    pub fn new() -> prometheus::Result<Numbers> {
        let actions = Opts::new("nfvi_actions_total", "Effects on machines, by kind and result (done, failed)");
        let told = Opts::new("nfvi_host_events_total", "Events about the host, by what happened");
        Ok(Numbers {
            actions: IntCounterVec::new(actions, &["action", "result"])?,
            told: IntCounterVec::new(told, &["what"])?,
        })
    }

    /// Shows them.
    ///
    /// # Errors
    /// When the names are taken.
    pub fn register(&self, registry: &Registry) -> prometheus::Result<()> {
        registry.register(Box::new(self.actions.clone()))?;
        registry.register(Box::new(self.told.clone()))
    }

    /// An effect of this kind was done or failed.
    pub fn acted(&self, action: &str, done: bool) {
        self.actions.with_label_values(&[action, if done { "done" } else { "failed" }]).inc();
    }

    /// This happened to the host.
    pub fn told(&self, what: &str) {
        self.told.with_label_values(&[what]).inc();
    }
}
