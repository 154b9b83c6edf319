//! What guests of a simulated VIM seem to do: their processors follow a scripted load, memory and disks are used by a
//! quarter, ports carry steady traffic. Counters are a pure function of the time.

use std::collections::BTreeMap;

use reference_points::nf_vi::Measurements;
use reference_points::or_vi::{Compute, SimSpec};
use uuid::Uuid;

/// Size of a packet of the pretended traffic, in bytes.
const PACKET: u64 = 1000;
/// Size of the pretended disk, in bytes.
const DISK: u64 = 1 << 30;

/// Counters of a compute at `at` (microseconds since the epoch), since it last changed.
pub fn measured(spec: &SimSpec, compute: &Compute, at: i64) -> Measurements {
    let begun = compute.changed_at;
    let up_us = u64::try_from(at.saturating_sub(begun)).unwrap_or(0);
    let bytes = up_us.saturating_mul(spec.bytes_per_second) / 1_000_000;
    let each = |count: u64| -> BTreeMap<Uuid, u64> { compute.spec.ports.iter().map(|port| (*port, count)).collect() };
    let memory = compute.spec.flavour.memory_bytes;
    Measurements {
        at,
        cpu_time_ns: busy_us(spec, begun, at).saturating_mul(1000).saturating_mul(compute.spec.flavour.vcpus.into()),
        memory_bytes: memory,
        resident_bytes: memory / 4,
        disk_read_bytes: bytes,
        disk_write_bytes: bytes,
        received_bytes: each(bytes),
        sent_bytes: each(bytes),
        used_bytes: Some(memory / 4),
        disk_read_requests: bytes / PACKET,
        disk_write_requests: bytes / PACKET,
        disk_capacity_bytes: DISK,
        disk_allocation_bytes: DISK / 4,
        received_packets: each(bytes / PACKET),
        sent_packets: each(bytes / PACKET),
    }
}

/// Time for which a virtual CPU was busy between two times, in microseconds: the script runs by the clock, so that all
/// computes of a VIM are busy together.
fn busy_us(spec: &SimSpec, from: i64, to: i64) -> u64 {
    until(spec, to).saturating_sub(until(spec, from))
}

/// Busy time since the epoch.
fn until(spec: &SimSpec, at: i64) -> u64 {
    let at = u64::try_from(at).unwrap_or(0);
    let step = spec.load_step_ms.saturating_mul(1000).max(1);
    let round = step.saturating_mul(spec.cpu_percent.len() as u64).max(1);
    let whole: u64 = spec.cpu_percent.iter().map(|p| step / 100 * u64::from(*p)).sum();
    let (rounds, rest) = (at / round, at % round);
    let begun: u64 = spec
        .cpu_percent
        .iter()
        .enumerate()
        .map(|(n, p)| rest.saturating_sub(step.saturating_mul(n as u64)).min(step) * u64::from(*p) / 100)
        .sum();
    rounds.saturating_mul(whole).saturating_add(begun)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_processor_is_busy_as_the_script_says() {
        let spec = SimSpec { cpu_percent: vec![10, 90], load_step_ms: 1000, ..SimSpec::default() };
        assert_eq!(busy_us(&spec, 0, 1_000_000), 100_000);
        assert_eq!(busy_us(&spec, 1_000_000, 2_000_000), 900_000);
        assert_eq!(busy_us(&spec, 500_000, 1_500_000), 50_000 + 450_000);
        assert_eq!(busy_us(&spec, 2_000_000, 6_000_000), 2 * 1_000_000);
    }
}
