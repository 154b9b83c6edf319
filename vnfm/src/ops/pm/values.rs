//! Values of metrics from readings of counters.

use std::collections::BTreeMap;

use reference_points::nf_vi::Measurements;
use serde::{Deserialize, Serialize};
use serde_json::Number;
use uuid::Uuid;

use super::metrics::{Measure, Metric};
use super::subjects::{Subject, SubjectPort};

/// Counters of some computes at one time; those that did not run then are not there.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    /// By compute.
    pub measured: BTreeMap<Uuid, Measurements>,
}

/// What a counter grew by. One that is smaller than before began anew with its machine.
fn grown(before: u64, now: u64) -> u64 {
    now.checked_sub(before).unwrap_or(now)
}

/// The value of a metric over a period: `readings` from its beginning to its end, at least two. `None` when too little
/// was read.
pub fn value(metric: &Metric, subject: &Subject, readings: &[Reading]) -> Option<Number> {
    match metric.measure {
        Measure::Cpu => percent(cpu(subject, readings, metric.peak)?),
        Measure::Memory | Measure::Disk => {
            // What was in use at the beginning belongs to the period before.
            let of = |reading: &Reading| share(metric.measure, subject, reading);
            let shares: Vec<f64> = readings.iter().skip(1).filter_map(of).collect();
            let peak = shares.iter().copied().reduce(f64::max)?;
            percent(if metric.peak { peak } else { shares.iter().sum::<f64>() / shares.len() as f64 })
        }
        Measure::BytesIn | Measure::BytesOut | Measure::PacketsIn | Measure::PacketsOut => {
            traffic(metric, subject, readings).map(Number::from)
        }
    }
}

/// A share of one as percent, with two digits behind the point.
fn percent(share: f64) -> Option<Number> {
    Number::from_f64((share * 10_000.0).round() / 100.0)
}

/// Share of the virtual CPUs' time that was used: over all, or in the busiest part of the period.
fn cpu(subject: &Subject, readings: &[Reading], peak: bool) -> Option<f64> {
    let pairs = readings.windows(2).filter_map(|pair| {
        let (mut used, mut had) = (0, 0);
        for (compute, vcpus) in &subject.computes {
            let (Some(a), Some(b)) = (pair[0].measured.get(compute), pair[1].measured.get(compute)) else { continue };
            let time_us = u64::try_from(b.at.saturating_sub(a.at)).unwrap_or(0);
            used += grown(a.cpu_time_ns, b.cpu_time_ns);
            had += time_us.saturating_mul(1000).saturating_mul(u64::from(*vcpus));
        }
        (had > 0).then_some((used as f64, had as f64))
    });
    let pairs: Vec<(f64, f64)> = pairs.collect();
    let share = if peak {
        pairs.iter().map(|(used, had)| used / had).reduce(f64::max)?
    } else {
        let had: f64 = pairs.iter().map(|(_, had)| had).sum();
        (had > 0.0).then(|| pairs.iter().map(|(used, _)| used).sum::<f64>() / had)?
    };
    // Clocks of hosts are not ours: a little more than everything is everything.
    Some(share.min(1.0))
}

/// Share of memory or disk that is used at one time.
fn share(measure: Measure, subject: &Subject, reading: &Reading) -> Option<f64> {
    let (mut used, mut had) = (0, 0);
    for measured in subject.computes.iter().filter_map(|(compute, _)| reading.measured.get(compute)) {
        let (u, h) = match measure {
            Measure::Disk => (measured.disk_allocation_bytes, measured.disk_capacity_bytes),
            // A guest that does not tell uses what its process holds.
            _ => (measured.used_bytes.unwrap_or(measured.resident_bytes), measured.memory_bytes),
        };
        used += u.min(h);
        had += h;
    }
    (had > 0).then(|| used as f64 / had as f64)
}

fn traffic(metric: &Metric, subject: &Subject, readings: &[Reading]) -> Option<u64> {
    use super::metrics::ObjectType::VnfExtCp;
    let mut sum = None;
    let counter = |measured: &Measurements, port: &SubjectPort| {
        let all = match metric.measure {
            Measure::BytesIn => &measured.received_bytes,
            Measure::BytesOut => &measured.sent_bytes,
            Measure::PacketsIn => &measured.received_packets,
            _ => &measured.sent_packets,
        };
        all.get(&port.port).copied()
    };
    for port in subject.ports.iter().filter(|port| port.external == (metric.of == VnfExtCp)) {
        for pair in readings.windows(2) {
            let (Some(a), Some(b)) = (pair[0].measured.get(&port.compute), pair[1].measured.get(&port.compute)) else {
                continue;
            };
            if let (Some(before), Some(now)) = (counter(a, port), counter(b, port)) {
                *sum.get_or_insert(0) += grown(before, now);
            }
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    const A: Uuid = Uuid::from_u128(1);
    const PORT: Uuid = Uuid::from_u128(2);

    fn reading(seconds: i64, cpu_s: f64, used: u64, bytes: u64) -> Reading {
        let measured = json!({ "at": seconds * 1_000_000, "cpuTimeNs": (cpu_s * 1e9) as u64, "memoryBytes": 1000,
            "residentBytes": 900, "usedBytes": used, "diskReadBytes": 0, "diskWriteBytes": 0,
            "diskCapacityBytes": 200, "diskAllocationBytes": 50,
            "receivedBytes": { PORT.to_string(): bytes }, "sentBytes": {} });
        Reading { measured: BTreeMap::from([(A, serde_json::from_value(measured).unwrap())]) }
    }

    fn subject() -> Subject {
        let port = SubjectPort { compute: A, port: PORT, external: true };
        Subject { sub: None, computes: vec![(A, 2)], ports: vec![port] }
    }

    fn of(name: &str, readings: &[Reading]) -> Option<f64> {
        value(Metric::find(name).unwrap(), &subject(), readings).and_then(|n| n.as_f64())
    }

    #[test]
    fn means_are_of_the_whole_period_and_peaks_of_its_busiest_part() {
        // Two virtual CPUs: one second used of twenty, then nine of twenty.
        let readings = [reading(0, 0.0, 999, 0), reading(10, 1.0, 200, 5), reading(20, 10.0, 400, 11)];
        assert_eq!(of("VcpuUsageMeanVnf", &readings), Some(25.0));
        assert_eq!(of("VcpuUsagePeakVnf", &readings), Some(45.0));
        assert_eq!(of("VmemoryUsageMeanVnf", &readings), Some(30.0), "the first reading belongs to the period before");
        assert_eq!(of("VmemoryUsagePeakVnf", &readings), Some(40.0));
        assert_eq!(of("VdiskUsageMeanVnf", &readings), Some(25.0));
        assert_eq!(of("ByteIncomingVnfExtCp", &readings), Some(11.0));
        assert_eq!(of("ByteIncomingVnfIntCp", &readings), None, "it has no internal connection point");
        assert_eq!(of("ByteOutgoingVnfExtCp", &readings), None, "that was not read");
    }

    #[test]
    fn a_counter_that_began_anew_counts_from_its_beginning() {
        let readings = [reading(0, 100.0, 1, 1000), reading(10, 2.0, 1, 30)];
        assert_eq!(of("VcpuUsageMeanVnf", &readings), Some(10.0));
        assert_eq!(of("ByteIncomingVnfExtCp", &readings), Some(30.0));
    }

    #[test]
    fn what_was_not_read_has_no_value() {
        assert_eq!(of("VcpuUsageMeanVnf", &[reading(0, 0.0, 1, 0)]), None);
        assert_eq!(of("VcpuUsageMeanVnf", &[reading(0, 0.0, 1, 0), Reading::default()]), None);
        assert_eq!(of("VmemoryUsageMeanVnf", &[Reading::default(), Reading::default()]), None);
    }
}
