//! Numbers for Prometheus: a registry, the HTTP server's own counters, and the process's size.

use std::sync::Arc;

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{Encoder, Gauge, HistogramOpts, HistogramVec, IntCounterVec, IntGauge, Opts, Registry, TextEncoder};

/// A service's registry. Cloning shares it.
#[derive(Clone, Debug)]
pub struct Metrics {
    registry: Registry,
    pub(crate) requests: IntCounterVec,
    pub(crate) seconds: HistogramVec,
    pub(crate) in_flight: IntGauge,
    pub(crate) notifications: IntCounterVec,
}

impl Metrics {
    /// A registry holding the server's and the process's numbers.
    ///
    /// # Errors
    /// Never in practice: the names are fixed and distinct.
    pub fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let requests = IntCounterVec::new(
            Opts::new("http_requests_total", "Requests answered, by method, route and status"),
            &["method", "route", "status"],
        )?;
        let seconds = HistogramVec::new(
            HistogramOpts::new("http_request_duration_seconds", "Time until a request was answered, in seconds")
                .buckets(vec![0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0]),
            &["method", "route"],
        )?;
        let in_flight = IntGauge::new("http_requests_in_flight", "Requests being worked on")?;
        let notifications = IntCounterVec::new(
            Opts::new("notifications_total", "Attempts to deliver a notification, by interface and outcome"),
            &["api", "outcome"],
        )?;
        registry.register(Box::new(notifications.clone()))?;
        registry.register(Box::new(requests.clone()))?;
        registry.register(Box::new(seconds.clone()))?;
        registry.register(Box::new(in_flight.clone()))?;
        registry.register(Box::new(Process::new()?))?;
        Ok(Self { registry, requests, seconds, in_flight, notifications })
    }

    /// Where a service registers its own collectors.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Everything in the Prometheus text format, version 0.0.4.
    pub fn text(&self) -> String {
        let mut out = Vec::new();
        if let Err(error) = TextEncoder::new().encode(&self.registry.gather(), &mut out) {
            tracing::error!(%error, "metrics cannot be encoded");
        }
        String::from_utf8_lossy(&out).into_owned()
    }
}

/// How a number is read now; `None` where the system does not tell.
type Read = fn() -> Option<f64>;

/// Numbers of this process, read from /proc when asked for.
#[derive(Clone)]
struct Process {
    gauges: Arc<[(Gauge, Read)]>,
}

impl Process {
    fn new() -> Result<Self, prometheus::Error> {
        let table: [(&str, &str, Read); 4] = [
            ("process_resident_memory_bytes", "Resident memory", resident_bytes),
            ("process_cpu_seconds_total", "Processor time used, in seconds", cpu_seconds),
            ("process_open_fds", "Open file descriptors", open_files),
            ("process_threads", "Threads", threads),
        ];
        let gauges: Result<Vec<_>, _> =
            table.into_iter().map(|(name, help, read)| Gauge::new(name, help).map(|g| (g, read))).collect();
        Ok(Self { gauges: gauges?.into() })
    }
}

impl Collector for Process {
    fn desc(&self) -> Vec<&Desc> {
        self.gauges.iter().flat_map(|(gauge, _)| gauge.desc()).collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let mut families = Vec::new();
        for (gauge, read) in self.gauges.iter() {
            if let Some(value) = read() {
                gauge.set(value);
                families.extend(gauge.collect());
            }
        }
        families
    }
}

/// Resident memory of this process in bytes.
pub fn resident_bytes() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|l| l.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse::<f64>().ok().map(|kib| kib * 1024.0)
}

fn stat_field(index_after_name: usize) -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The name stands in brackets and may hold anything, so fields are counted behind the last one.
    stat.rsplit_once(')')?.1.split_whitespace().nth(index_after_name)?.parse().ok()
}

fn cpu_seconds() -> Option<f64> {
    // utime and stime, fields 14 and 15, in ticks of 1/100 s as the kernel's interface fixes them for user space.
    Some((stat_field(11)? + stat_field(12)?) / 100.0)
}

fn threads() -> Option<f64> {
    stat_field(17)
}

fn open_files() -> Option<f64> {
    // The directory being read is one of them.
    std::fs::read_dir("/proc/self/fd").ok().map(|dir| dir.count().saturating_sub(1) as f64)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_process_numbers_are_plausible() {
        let text = Metrics::new().unwrap().text();
        let value = |name: &str| -> f64 {
            let line = text.lines().find(|l| l.starts_with(name)).unwrap_or_else(|| panic!("{name} in {text}"));
            line.split(' ').nth(1).unwrap().parse().unwrap()
        };
        assert!(value("process_resident_memory_bytes ") > 1e6);
        assert!(value("process_threads ") >= 1.0);
        assert!(value("process_open_fds ") >= 3.0);
        assert!(value("process_cpu_seconds_total ") >= 0.0);
    }
}
