//! Zones, capacity, true inventory, and events.

use std::collections::{HashMap, HashSet};

use reference_points::or_vi::{ResourceZone, VimCapacity, VimInventory};
use uuid::Uuid;

use super::App;
use crate::error::Result;
use crate::store::{computes, events, groups, images, networks, ports, snapshots, subnets, volumes};

impl App {
    /// Resource zones.
    ///
    /// # Errors
    /// 404 for the VIM.
    pub async fn zones(&self, vim: Uuid) -> Result<Vec<ResourceZone>> {
        self.driver(vim).await?.zones().await
    }

    /// Capacity.
    ///
    /// # Errors
    /// 404 for the VIM.
    pub async fn capacity(&self, vim: Uuid) -> Result<VimCapacity> {
        self.driver(vim).await?.capacity().await
    }

    /// What is really there. The store is asked for nothing but whether the VIM was told to have it.
    ///
    /// # Errors
    /// 404 for the VIM.
    pub async fn inventory(&self, vim: Uuid) -> Result<VimInventory> {
        let mut inventory = self.driver(vim).await?.inventory().await?;
        let mut connection = self.store.db.pool.acquire().await?;
        let tx = &mut *connection;
        let mut members = HashMap::<Uuid, Uuid>::new();
        let mut hosts = HashMap::<Uuid, Option<String>>::new();
        for row in computes::list(tx, vim).await? {
            members.extend(row.compute.spec.affinity_groups.iter().map(|group| (*group, row.compute.id)));
            hosts.insert(row.compute.id, row.compute.host);
        }
        let all_ports = ports::list(tx, vim).await?;
        let bound: HashMap<Uuid, Option<Uuid>> = all_ports.iter().map(|port| (port.id, port.compute_id)).collect();
        let held: HashMap<Uuid, Option<String>> =
            volumes::list(tx, vim).await?.into_iter().map(|volume| (volume.id, volume.host)).collect();
        let captured: HashMap<Uuid, Option<String>> =
            snapshots::list(tx, vim).await?.into_iter().map(|row| (row.snapshot.id, row.snapshot.host)).collect();
        let ids = |list: Vec<Uuid>| list.into_iter().collect::<HashSet<Uuid>>();
        let all_networks = networks::list(tx, vim).await?;
        let any_limited = all_networks.iter().any(|network| network.spec.max_port_bitrate.is_some());
        let networks = ids(all_networks.iter().map(|network| network.id).collect());
        let all_subnets = subnets::list(tx, vim).await?;
        let subnets: HashMap<Uuid, Uuid> =
            all_subnets.iter().map(|subnet| (subnet.id, subnet.spec.network_id)).collect();
        let routed = ids(all_subnets.iter().filter(|subnet| subnet.spec.routed).map(|subnet| subnet.id).collect());
        let floating = ids(all_ports.iter().filter(|port| port.spec.floating).map(|port| port.id).collect());
        let images = ids(images::list(tx, vim).await?.iter().map(|row| row.image.id).collect());
        let groups = ids(groups::list(tx, vim).await?.iter().map(|group| group.id).collect());
        let any_secured = all_ports.iter().any(|port| port.spec.port_security);
        for item in &mut inventory.items {
            let on = |host: Option<&Option<String>>| host.is_some_and(|host| item.host.is_none() || *host == item.host);
            item.desired = match (item.kind.as_str(), item.id) {
                ("domain" | "server", Some(id)) => on(hosts.get(&id)),
                // What no owner lists belongs to something that one does.
                ("server_group", Some(id)) => {
                    item.belongs_to = item.belongs_to.or(members.get(&id).copied());
                    groups.contains(&id)
                }
                // What computes or ports of a VIM share is wanted while there is any of them.
                ("flavour", _) => !hosts.is_empty(),
                ("security_group", _) => any_secured,
                ("qos_policy", _) => any_limited,
                ("trunk", Some(id)) => bound.contains_key(&id),
                ("floating_address", Some(id)) => floating.contains(&id),
                ("router", Some(id)) => routed.contains(&id),
                ("machine_file", id) => item.belongs_to.or(id).is_some_and(|id| on(hosts.get(&id))),
                ("volume", Some(id)) => on(held.get(&id)),
                ("snapshot", Some(id)) => on(captured.get(&id)),
                ("switch_port", Some(id)) => {
                    let compute = bound.get(&id).copied().flatten();
                    item.belongs_to = item.belongs_to.or(compute);
                    compute.is_some_and(|compute| on(hosts.get(&compute)))
                }
                ("logical_port" | "port", Some(id)) => bound.contains_key(&id) || networks.contains(&id),
                ("logical_switch" | "network", Some(id)) => networks.contains(&id),
                ("dhcp_options" | "subnet", Some(id)) => {
                    item.belongs_to = item.belongs_to.or(subnets.get(&id).copied());
                    subnets.contains_key(&id)
                }
                ("image" | "image_file", Some(id)) => images.contains(&id),
                _ => false,
            };
        }
        Ok(inventory)
    }

    /// At most `limit` events of a VIM behind `after`.
    ///
    /// # Errors
    /// [`crate::error::Failure::Db`].
    pub async fn events(&self, vim: Uuid, after: i64, limit: usize) -> Result<Vec<(i64, serde_json::Value)>> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        Ok(events::behind(&mut *self.store.db.pool.acquire().await?, vim, after, limit).await?)
    }
}
