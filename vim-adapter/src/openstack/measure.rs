//! Counters of computes (IFA005 clause 7.7), by Nova's diagnostics of each, where the account may ask for them.

use std::collections::BTreeMap;

use futures::StreamExt as _;
use reference_points::nf_vi::Measurements;
use reference_points::or_vi::{Compute, ComputeState, MeasuredComputes, Port};
use serde_json::Value;
use uuid::Uuid;

use super::OpenstackVim;
use super::call::{Call, Service};
use super::errors::Work;
use crate::error::Result;
use crate::store::ports;

/// Servers asked for their counters side by side.
const AT_ONCE: usize = 8;

fn counters(found: &Value, ports: &[Port], flavour_bytes: u64, at: i64) -> Measurements {
    let sum = |list: &str, key: &str| -> u64 {
        found[list].as_array().into_iter().flatten().filter_map(|item| item[key].as_u64()).sum()
    };
    let by_port = |key: &str| -> BTreeMap<Uuid, u64> {
        let nics = found["nic_details"].as_array().into_iter().flatten();
        nics.filter_map(|nic| {
            let mac = nic["mac_address"].as_str()?;
            let port = ports.iter().find(|port| port.mac.eq_ignore_ascii_case(mac))?;
            Some((port.id, nic[key].as_u64()?))
        })
        .collect()
    };
    let memory = &found["memory_details"];
    let mib = |key: &str| memory[key].as_u64().map(|mib| mib << 20);
    Measurements {
        at,
        cpu_time_ns: sum("cpu_details", "time"),
        // Some hypervisors tell nothing of memory: it is what the flavour gives.
        memory_bytes: mib("maximum").filter(|bytes| *bytes > 0).unwrap_or(flavour_bytes),
        resident_bytes: mib("used").unwrap_or(0),
        disk_read_bytes: sum("disk_details", "read_bytes"),
        disk_write_bytes: sum("disk_details", "write_bytes"),
        received_bytes: by_port("rx_octets"),
        sent_bytes: by_port("tx_octets"),
        used_bytes: None,
        disk_read_requests: sum("disk_details", "read_requests"),
        disk_write_requests: sum("disk_details", "write_requests"),
        disk_capacity_bytes: 0,
        disk_allocation_bytes: 0,
        received_packets: by_port("rx_packets"),
        sent_packets: by_port("tx_packets"),
    }
}

impl OpenstackVim {
    pub(super) async fn counters(&self, computes: &[Compute]) -> Result<MeasuredComputes> {
        let all = ports::list(&mut *self.ledger.store.db.pool.acquire().await?, self.ledger.vim).await?;
        let mut running = Vec::new();
        for compute in computes {
            if let (ComputeState::Active, Some(its)) = (compute.state, &compute.vim_resource_id) {
                let work = Work::on("measure", "compute", &compute.spec.name, compute.id);
                let flavour = compute.spec.flavour.memory_bytes;
                running.push((compute.id, flavour, work, format!("servers/{its}/diagnostics")));
            }
        }
        let asked = running.into_iter().map(|(id, flavour, work, path)| async move {
            (id, flavour, self.session.ask(&work, Call::get(Service::Compute, path)).await)
        });
        let mut measured = MeasuredComputes::default();
        let mut answers = futures::stream::iter(asked).buffer_unordered(AT_ONCE);
        while let Some((id, flavour, answer)) = answers.next().await {
            match answer {
                Ok(reply) => {
                    let of_it: Vec<Port> = all.iter().filter(|port| port.compute_id == Some(id)).cloned().collect();
                    measured.measured.insert(id, counters(&reply.body, &of_it, flavour, self.ledger.store.now()));
                }
                Err(failure) => measured.gaps.push(failure.to_string()),
            }
        }
        Ok(measured)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn counters_are_those_of_all_processors_and_disks() {
        let found = json!({
            "memory_details": { "maximum": 512, "used": 256 },
            "cpu_details": [{ "id": 0, "time": 5 }, { "id": 1, "time": 7 }],
            "disk_details": [{ "read_bytes": 1, "write_bytes": 2, "read_requests": 3, "write_requests": 4 },
                { "read_bytes": 10, "write_bytes": 20, "read_requests": 30, "write_requests": 40 }],
            "nic_details": [{ "mac_address": "fa:16:3e:00:00:01", "rx_octets": 9 }],
        });
        let measured = counters(&found, &[], 1, 42);
        assert_eq!((measured.at, measured.cpu_time_ns, measured.memory_bytes), (42, 12, 512 << 20));
        assert_eq!((measured.disk_read_bytes, measured.disk_write_requests), (11, 44));
        assert!(measured.received_bytes.is_empty());
    }
}
