//! What the host is, has and has given away, and what is wrong with it.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};

use reference_points::nf_vi::{AgentEvent, Capacity, HostFacts, HostInfo};
use serde_json::Value as Json;
use service::http::ApiResult;

use super::{Agent, capacity};
use crate::facts::{self, Kernel};
use crate::media::space;
use crate::store;
use crate::switch::SwitchFacts;

impl Agent {
    /// Facts of the kernel, read now.
    pub fn kernel(&self) -> Kernel {
        facts::read(&self.kernel_root)
    }

    /// What can be given to machines.
    pub fn total_capacity(&self) -> Capacity {
        let free = space::free_bytes(self.layout.root()).unwrap_or(0);
        capacity::total(&self.kernel(), free, allocated(self.layout.root(), 0), &self.config.capacity)
    }

    /// Everything about the host.
    ///
    /// # Errors
    /// When the records cannot be read. A hypervisor or switch that is away is part of the answer.
    pub async fn host(&self) -> ApiResult<HostInfo> {
        let mut tx = self.db.begin_read().await?;
        let (machines, volumes) = (store::machines::list(&mut tx).await?, store::volumes::list(&mut tx).await?);
        let images = store::images::list(&mut tx).await?;
        let last_event = store::events::last(&mut tx).await?;
        drop(tx);
        let switch = self.switch.facts().await;
        let (hypervisor, verdict) = (self.hypervisor.facts().await, self.verdict().await);
        let kernel = self.kernel();

        let mut health = BTreeMap::new();
        let ok = || "ok".to_owned();
        let hypervisor_trouble = hypervisor.as_ref().err().map(ToString::to_string);
        health.insert("hypervisor".to_owned(), hypervisor_trouble.unwrap_or_else(ok));
        health.insert("switch".to_owned(), switch.as_ref().map_or_else(ToString::to_string, |_| ok()));
        let bridge = self.switch.bridge();
        let bridge_words = match &switch {
            Ok(facts) if facts.bridge_present => ok(),
            Ok(_) => format!("bridge {bridge} is not there; ovn-controller makes it, is it running?"),
            Err(_) => "not known while the switch is away".to_owned(),
        };
        health.insert(format!("bridge {bridge}"), bridge_words);
        let disk = space::ensure(self.layout.root(), 0, self.config.capacity.keep_disk_bytes, "go on");
        health.insert("disk".to_owned(), disk.map_or_else(|error| error.to_string(), |()| ok()));

        let switch = switch.unwrap_or_default();
        let facts = HostFacts {
            arch: kernel.arch.clone(),
            cpu_model: kernel.cpu_model.clone(),
            cpus: kernel.cpus.len() as u32,
            hypervisor: hypervisor.map(|facts| facts.version).unwrap_or_default(),
            acceleration: verdict.as_ref().map(|v| v.acceleration.as_str().to_owned()).unwrap_or_default(),
            acceleration_reason: match &verdict {
                Ok(verdict) => verdict.reason.clone(),
                Err(error) => format!("not known yet: {error}"),
            },
            switch: switch_text(&switch),
            kernel: kernel.release.clone(),
            numa_nodes: kernel.numa_nodes,
        };
        Ok(HostInfo {
            name: self.host_name.clone(),
            incarnation: self.incarnation,
            facts,
            total: self.total_capacity(),
            reserved: capacity::reserved(&machines, &volumes, &images),
            chassis: switch.chassis,
            health,
            last_event,
        })
    }

    /// What is wrong with the hypervisor, the switch or the disk; nothing when all is well.
    pub fn readiness(&self) -> Result<(), String> {
        let hypervisor = self.hypervisor.trouble().map(|why| format!("hypervisor: {why}"));
        let switch = self.switch.trouble().map(|why| format!("switch: {why}"));
        let faults: Vec<String> = [hypervisor, switch].into_iter().flatten().collect();
        if faults.is_empty() { Ok(()) } else { Err(faults.join("; ")) }
    }

    /// Events behind `after`, as [`service::http::event_stream`] wants them. A consumer that asks for what is no longer
    /// kept, or for what these records never had, is told to read everything anew. `position` is its place since then.
    ///
    /// # Errors
    /// When the records cannot be read.
    pub async fn events(
        &self,
        after: i64,
        limit: usize,
        position: &AtomicI64,
    ) -> Result<Vec<(i64, Json)>, db::DbError> {
        let resynced = position.load(Ordering::Relaxed);
        let after = if resynced >= 0 { resynced } else { after };
        let mut tx = self.db.begin_read().await?;
        let last = store::events::last(&mut tx).await?;
        let detail = if after > last {
            Some(format!("event {after} is not known here: the agent's records were lost, its last event is {last}"))
        } else if after < last - store::events::KEPT {
            Some(format!("events up to {} are no longer kept", last - store::events::KEPT))
        } else {
            None
        };
        if let Some(detail) = detail {
            position.store(last, Ordering::Relaxed);
            let event = serde_json::to_value(AgentEvent::Resync { detail }).unwrap_or_default();
            return Ok(vec![(last, event)]);
        }
        let found = store::events::behind(&mut tx, after, i64::try_from(limit).unwrap_or(i64::MAX)).await?;
        if resynced >= 0
            && let Some((seq, _)) = found.last()
        {
            position.store(*seq, Ordering::Relaxed);
        }
        Ok(found)
    }
}

fn switch_text(facts: &SwitchFacts) -> Option<String> {
    let datapath = if facts.userspace { "netdev" } else { "system" };
    let version = facts.version.as_deref().unwrap_or("of unknown version,");
    facts.chassis.as_ref().map(|_| format!("{version} {datapath}"))
}

/// Bytes that the files below `dir` take on the disk, down to a few levels.
fn allocated(dir: &Path, depth: u32) -> u64 {
    if depth > 4 {
        return 0;
    }
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| Some((entry.path(), entry.metadata().ok()?)))
        .map(|(path, meta)| if meta.is_dir() { allocated(&path, depth + 1) } else { meta.blocks() * 512 })
        .sum()
}
