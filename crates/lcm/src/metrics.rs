//! What the engine counts, for the service's `/metrics`. Labels are kinds of operations and steps, so that their number
//! is bounded by the program.

use prometheus::{HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGaugeVec, Opts, Registry};

#[derive(Clone, Debug)]
pub(crate) struct Metrics {
    pub transitions: IntCounterVec,
    pub unfinished: IntGaugeVec,
    pub step_seconds: HistogramVec,
    pub retries: IntCounterVec,
    pub lease_losses: IntCounter,
    pub journal_seconds: HistogramVec,
}

impl Metrics {
    pub fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let metrics = Self {
            transitions: IntCounterVec::new(
                Opts::new("lcm_operation_transitions_total", "Operations that came into a state"),
                &["kind", "state"],
            )?,
            unfinished: IntGaugeVec::new(
                Opts::new("lcm_operations_unfinished", "Operations that are not finished, as of the last scan"),
                &["kind", "state"],
            )?,
            step_seconds: HistogramVec::new(
                HistogramOpts::new("lcm_step_duration_seconds", "Duration of one call of a step")
                    .buckets(vec![0.001, 0.005, 0.02, 0.1, 0.5, 2.0, 10.0, 60.0, 300.0]),
                &["kind", "call", "outcome"],
            )?,
            retries: IntCounterVec::new(
                Opts::new("lcm_step_retries_total", "Calls of steps that failed and will be tried again"),
                &["kind"],
            )?,
            lease_losses: IntCounter::new(
                "lcm_lease_losses_total",
                "Operations that another executor took over while this one worked on them",
            )?,
            journal_seconds: HistogramVec::new(
                HistogramOpts::new("lcm_journal_write_seconds", "Duration of one write to the operation journal")
                    .buckets(vec![0.0005, 0.001, 0.002, 0.005, 0.01, 0.05, 0.2, 1.0, 5.0]),
                &["outcome"],
            )?,
        };
        registry.register(Box::new(metrics.transitions.clone()))?;
        registry.register(Box::new(metrics.unfinished.clone()))?;
        registry.register(Box::new(metrics.step_seconds.clone()))?;
        registry.register(Box::new(metrics.retries.clone()))?;
        registry.register(Box::new(metrics.lease_losses.clone()))?;
        registry.register(Box::new(metrics.journal_seconds.clone()))?;
        Ok(metrics)
    }
}
