//! Capacity and zones (IFA005 clause 7.3.4): from Placement where the account may ask it, else from the project's limits; never
//! more than those limits leave. The arithmetic is pure.

use std::collections::BTreeMap;
use std::time::Duration;

use reference_points::nf_vi::Capacity;
use reference_points::or_vi::{ResourceZone, VimCapacity, VimQuota, ZoneCapacity};
use serde_json::Value;
use tokio::time::Instant;

use super::OpenstackVim;
use super::call::{Call, Service};
use super::errors::Work;
use super::networks::text;
use crate::error::Result;
use crate::scheduler::{Candidate, capacity_of};

/// How long a capacity is taken for true.
const FRESH: Duration = Duration::from_secs(10);
/// What stands for a limit that there is none of: 16 million CPUs, 16 EiB less one.
const BOUNDLESS: Capacity = Capacity { vcpus: 1 << 24, memory_bytes: 1 << 62, disk_bytes: 1 << 62 };

/// Capacity as seen last.
pub type Room = VimCapacity;

/// What Placement says of one host.
fn candidate(name: &str, zone: &str, inventories: &Value, usages: &Value) -> Candidate {
    let total = |class: &str| {
        let inventory = &inventories["inventories"][class];
        let (total, reserved) = (inventory["total"].as_u64().unwrap_or(0), inventory["reserved"].as_u64().unwrap_or(0));
        let ratio = inventory["allocation_ratio"].as_f64().unwrap_or(1.0).max(0.0);
        // A share of a count that fits 53 bits.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
        let effective = (total.saturating_sub(reserved) as f64 * ratio) as u64;
        effective
    };
    let used = |class: &str| usages["usages"][class].as_u64().unwrap_or(0);
    Candidate {
        name: name.to_owned(),
        zone: zone.to_owned(),
        schedulable: true,
        unreachable: None,
        total: Capacity {
            vcpus: total("VCPU") + total("PCPU"),
            memory_bytes: total("MEMORY_MB") << 20,
            disk_bytes: total("DISK_GB") << 30,
        },
        reserved: Capacity {
            vcpus: used("VCPU") + used("PCPU"),
            memory_bytes: used("MEMORY_MB") << 20,
            disk_bytes: used("DISK_GB") << 30,
        },
    }
}

/// A pair of limit and use in Nova's or Cinder's limits; −1 means none.
pub fn quota(absolute: &Value, limit: &str, used: &str) -> VimQuota {
    let limit = absolute[limit].as_i64().and_then(|limit| u64::try_from(limit).ok());
    VimQuota { limit, used: absolute[used].as_u64().unwrap_or(0) }
}

fn left(quota: VimQuota) -> Option<u64> {
    quota.limit.map(|limit| limit.saturating_sub(quota.used))
}

/// What the project may still take.
fn allowance(absolute: &Value) -> Capacity {
    let cores = left(quota(absolute, "maxTotalCores", "totalCoresUsed"));
    let ram = left(quota(absolute, "maxTotalRAMSize", "totalRAMUsed"));
    let instances = left(quota(absolute, "maxTotalInstances", "totalInstancesUsed"));
    let none = instances == Some(0);
    Capacity {
        vcpus: if none { 0 } else { cores.unwrap_or(BOUNDLESS.vcpus) },
        memory_bytes: if none { 0 } else { ram.map_or(BOUNDLESS.memory_bytes, |mib| mib << 20) },
        disk_bytes: BOUNDLESS.disk_bytes,
    }
}

fn least(a: Capacity, b: Capacity) -> Capacity {
    Capacity {
        vcpus: a.vcpus.min(b.vcpus),
        memory_bytes: a.memory_bytes.min(b.memory_bytes),
        disk_bytes: a.disk_bytes.min(b.disk_bytes),
    }
}

fn more(a: Capacity, b: Capacity) -> Capacity {
    Capacity {
        vcpus: a.vcpus.max(b.vcpus),
        memory_bytes: a.memory_bytes.max(b.memory_bytes),
        disk_bytes: a.disk_bytes.max(b.disk_bytes),
    }
}

fn minus(a: Capacity, b: Capacity) -> Capacity {
    Capacity {
        vcpus: a.vcpus.saturating_sub(b.vcpus),
        memory_bytes: a.memory_bytes.saturating_sub(b.memory_bytes),
        disk_bytes: a.disk_bytes.saturating_sub(b.disk_bytes),
    }
}

/// The same, with no more free than the project may take.
fn within(mut room: VimCapacity, allowed: Capacity) -> VimCapacity {
    room.reserved = more(room.reserved, minus(room.total, allowed));
    for zone in room.zones.values_mut() {
        zone.reserved = more(zone.reserved, minus(zone.total, allowed));
        zone.largest_free = least(zone.largest_free, allowed);
    }
    room
}

/// What is known without Placement: every zone may take all that the project may.
fn by_limits(zones: &[String], allowed: Capacity) -> VimCapacity {
    let zone = ZoneCapacity { total: allowed, reserved: Capacity::default(), largest_free: allowed };
    VimCapacity {
        total: allowed,
        reserved: Capacity::default(),
        zones: zones.iter().map(|name| (name.clone(), zone)).collect(),
    }
}

/// Zones that servers can be in, with the hosts of each where they are told.
fn zones(listed: &Value) -> Vec<ResourceZone> {
    let all = listed["availabilityZoneInfo"].as_array().into_iter().flatten();
    all.filter_map(|zone| {
        let id = text(zone, "zoneName").filter(|name| name != "internal")?;
        let available = zone["zoneState"]["available"].as_bool().unwrap_or(false);
        let state = if available { "ok" } else { "not available" }.to_owned();
        let computes = |services: &Value| services.get("nova-compute").is_some();
        let hosts = zone["hosts"].as_object().into_iter().flatten();
        let hosts = hosts.filter(|(_, services)| computes(services)).map(|(name, _)| name.clone()).collect();
        Some(ResourceZone { id, state, hosts })
    })
    .collect()
}

impl OpenstackVim {
    pub(super) async fn list_zones(&self) -> Result<Vec<ResourceZone>> {
        let work = Work::new("list", "zones");
        let detailed = self.session.tell(Call::get(Service::Compute, "os-availability-zone/detail")).await?;
        let listed = match detailed {
            Ok(reply) => reply.body,
            // Hosts are for the cloud's operator to see.
            Err(_) => self.session.ask(&work, Call::get(Service::Compute, "os-availability-zone")).await?.body,
        };
        Ok(zones(&listed))
    }

    pub(super) async fn room(&self) -> Result<VimCapacity> {
        let mut known = self.capacity.lock().await;
        if let Some((_, room)) = known.as_ref().filter(|(at, _)| at.elapsed() < FRESH) {
            return Ok(room.clone());
        }
        let work = Work::new("read", "the project's limits");
        let limits = self.session.ask(&work, Call::get(Service::Compute, "limits")).await?.body;
        let allowed = allowance(&limits["limits"]["absolute"]);
        let zones: Vec<ResourceZone> = self.list_zones().await?.into_iter().filter(|zone| zone.state == "ok").collect();
        let room = match self.placed(&zones).await? {
            Some(hosts) => within(capacity_of(&hosts), allowed),
            None => by_limits(&zones.iter().map(|zone| zone.id.clone()).collect::<Vec<_>>(), allowed),
        };
        *known = Some((Instant::now(), room.clone()));
        Ok(room)
    }

    /// Hosts by Placement; `None` when the account may not ask it or there is none.
    async fn placed(&self, zones: &[ResourceZone]) -> Result<Option<Vec<Candidate>>> {
        let zone_of: BTreeMap<&str, &str> =
            zones.iter().flat_map(|zone| zone.hosts.iter().map(|host| (host.as_str(), zone.id.as_str()))).collect();
        let Ok(reply) = self.session.tell(Call::get(Service::Placement, "resource_providers")).await? else {
            return Ok(None);
        };
        let providers = reply.body["resource_providers"].as_array().cloned().unwrap_or_default();
        let asked = providers.iter().filter_map(|provider| {
            let (name, id) = (text(provider, "name")?, text(provider, "uuid")?);
            // A provider that is no host, or one without a zone, takes no server.
            let zone = (*zone_of.get(name.as_str())?).to_owned();
            Some(async move {
                let get = |part: &str| Call::get(Service::Placement, format!("resource_providers/{id}/{part}"));
                let work = Work::new("read", format!("capacity of host {name}"));
                let (inventories, usages) = tokio::try_join!(
                    self.session.ask(&work, get("inventories")),
                    self.session.ask(&work, get("usages"))
                )?;
                Ok::<_, crate::error::Failure>(candidate(&name, &zone, &inventories.body, &usages.body))
            })
        });
        let hosts = futures::future::try_join_all(asked).await?;
        Ok((!hosts.is_empty()).then_some(hosts))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_overcommitted_and_kept_back_counts() {
        let inventories = json!({ "inventories": {
            "VCPU": { "total": 4, "reserved": 1, "allocation_ratio": 4.0 },
            "MEMORY_MB": { "total": 1024, "reserved": 512, "allocation_ratio": 1.5 },
            "DISK_GB": { "total": 10, "reserved": 0, "allocation_ratio": 1.0 } } });
        let host = candidate("h", "nova", &inventories, &json!({ "usages": { "VCPU": 2, "MEMORY_MB": 256 } }));
        assert_eq!(host.total, Capacity { vcpus: 12, memory_bytes: 768 << 20, disk_bytes: 10 << 30 });
        assert_eq!(host.reserved, Capacity { vcpus: 2, memory_bytes: 256 << 20, disk_bytes: 0 });
    }

    #[test]
    fn no_more_is_free_than_the_project_may_take() {
        let limits = json!({ "maxTotalCores": 10, "totalCoresUsed": 8, "maxTotalRAMSize": -1, "totalRAMUsed": 5,
            "maxTotalInstances": 5, "totalInstancesUsed": 1 });
        let allowed = allowance(&limits);
        assert_eq!((allowed.vcpus, allowed.memory_bytes), (2, BOUNDLESS.memory_bytes));
        let inventories = json!({ "inventories": { "VCPU": { "total": 16 }, "MEMORY_MB": { "total": 1024 } } });
        let host = candidate("h", "nova", &inventories, &json!({}));
        let room = within(capacity_of(&[host]), allowed);
        let zone = room.zones["nova"];
        assert_eq!((zone.total.vcpus, zone.reserved.vcpus, zone.largest_free.vcpus), (16, 14, 2));
        assert_eq!(zone.largest_free.memory_bytes, 1 << 30);
        let full = json!({ "maxTotalCores": 10, "totalCoresUsed": 0, "maxTotalInstances": 1, "totalInstancesUsed": 1 });
        assert_eq!(allowance(&full).vcpus, 0);
        assert_eq!(by_limits(&["az".into()], allowed).zones["az"].largest_free.vcpus, 2);
    }

    #[test]
    fn the_zone_of_the_services_themselves_is_none_for_servers() {
        let listed = json!({ "availabilityZoneInfo": [
            { "zoneName": "internal", "zoneState": { "available": true }, "hosts": { "c": { "nova-scheduler": {} } } },
            { "zoneName": "nova", "zoneState": { "available": true }, "hosts": { "h": { "nova-compute": {} } } },
            { "zoneName": "off", "zoneState": { "available": false }, "hosts": null } ] });
        let zones = zones(&listed);
        assert_eq!(zones.iter().map(|zone| zone.id.as_str()).collect::<Vec<_>>(), ["nova", "off"]);
        assert_eq!((zones[0].hosts.as_slice(), zones[1].state.as_str()), (&["h".to_owned()][..], "not available"));
    }
}
