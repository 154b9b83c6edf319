//! The agent's own numbers for Prometheus.

use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, Opts, Registry};

/// Counters of what the agent did.
#[derive(Debug, Clone)]
pub struct Numbers {
    actions: IntCounterVec,
    seconds: HistogramVec,
    told: IntCounterVec,
}

impl Numbers {
    /// Counters, not yet registered anywhere.
    ///
    /// # Errors
    /// Never in practice: the names are fixed and distinct.
    pub fn new() -> prometheus::Result<Numbers> {
        let actions = Opts::new("nfvi_actions_total", "Effects on machines, by kind and result (done, failed)");
        let seconds =
            HistogramOpts::new("nfvi_action_duration_seconds", "Time that an effect on a machine took, by kind")
                .buckets(vec![0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0]);
        let told = Opts::new("nfvi_host_events_total", "Events about the host, by what happened");
        Ok(Numbers {
            actions: IntCounterVec::new(actions, &["action", "result"])?,
            seconds: HistogramVec::new(seconds, &["action"])?,
            told: IntCounterVec::new(told, &["what"])?,
        })
    }

    /// Shows them.
    ///
    /// # Errors
    /// When the names are taken.
    pub fn register(&self, registry: &Registry) -> prometheus::Result<()> {
        registry.register(Box::new(self.actions.clone()))?;
        registry.register(Box::new(self.seconds.clone()))?;
        registry.register(Box::new(self.told.clone()))
    }

    /// An effect of this kind was done or failed after so many microseconds.
    pub fn acted(&self, action: &str, done: bool, micros: i64) {
        self.seconds.with_label_values(&[action]).observe(micros as f64 / 1e6);
        self.actions.with_label_values(&[action, if done { "done" } else { "failed" }]).inc();
    }

    /// This happened to the host.
    pub fn told(&self, what: &str) {
        self.told.with_label_values(&[what]).inc();
    }
}
