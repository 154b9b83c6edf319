//! What is really there of ours, asked now: everything in the project that carries a mark of this VIM, and what a server really
//! has. What is not marked belongs to others who use the project as well. (`mano leaks`)

use reference_points::nf_vi::{RealDisk, RealPort, Reality};
use reference_points::or_vi::{Compute, VimInventory, VimInventoryItem};
use serde_json::Value;

use super::call::{Call, Service};
use super::errors::Work;
use super::flavours::read_shape;
use super::marks::{self, Mark};
use super::networks::text;
use super::routers::FLOATING;
use super::{OpenstackVim, servers};
use crate::error::Result;
use crate::store::{ports, volumes};

/// Lists that are asked: service, path, key, and the kind that the consumer knows it as.
const LISTS: [(Service, &str, &str, &str); 13] = [
    (Service::Compute, "servers/detail", "servers", "server"),
    (Service::Compute, "os-server-groups", "server_groups", "server_group"),
    (Service::Compute, "flavors/detail", "flavors", "flavour"),
    (Service::Network, "ports", "ports", "port"),
    (Service::Network, "subnets", "subnets", "subnet"),
    (Service::Network, "networks", "networks", "network"),
    (Service::Network, "security-groups", "security_groups", "security_group"),
    (Service::Network, "qos/policies", "policies", "qos_policy"),
    (Service::Network, "trunks", "trunks", "trunk"),
    (Service::Network, "routers", "routers", "router"),
    (Service::Network, "floatingips", "floatingips", FLOATING),
    (Service::Image, "images", "images", "image"),
    (Service::Volume, "volumes/detail", "volumes", "volume"),
];

fn item(kind: &str, found: &Value, mark: Mark) -> VimInventoryItem {
    let kind = if mark.kind == "snapshot" { "snapshot" } else { kind };
    VimInventoryItem {
        kind: kind.to_owned(),
        host: None,
        // A floating address has no name but itself.
        name: text(found, "name").or_else(|| text(found, "floating_ip_address")).unwrap_or_default(),
        id: Some(mark.id),
        belongs_to: (kind == "server").then_some(mark.id),
        owner: mark.owner,
        desired: false,
    }
}

fn mark_of(found: &Value) -> Option<Mark> {
    marks::on(found).or_else(|| found["name"].as_str().and_then(marks::from_name))
}

impl OpenstackVim {
    pub(super) async fn take_inventory(&self) -> Result<VimInventory> {
        let mut inventory = VimInventory { items: Vec::new(), gaps: Vec::new() };
        let cloud = self.session.cloud().await?;
        let has = |key: &str| match key {
            "policies" => cloud.can("qos"),
            "trunks" => cloud.can("trunk"),
            "routers" | "floatingips" => cloud.can("router"),
            _ => true,
        };
        let asked = LISTS.into_iter().filter(|(service, _, key, _)| cloud.services.contains_key(service) && has(key));
        let asked = asked.map(|(service, path, key, kind)| async move {
            // Server groups and flavours are pages of another kind, and few.
            let listed = if matches!(key, "server_groups") {
                let reply = self.session.ask(&Work::new("list", key), Call::get(service, path)).await;
                reply.map(|reply| reply.body[key].as_array().cloned().unwrap_or_default())
            } else {
                self.paged(service, path, key, &[]).await
            };
            (service, key, kind, listed)
        });
        for (service, key, kind, listed) in futures::future::join_all(asked).await {
            match listed {
                Ok(listed) => {
                    let ours = listed.iter().filter_map(|found| Some((found, mark_of(found)?)));
                    let ours = ours.filter(|(_, mark)| mark.vim == self.ledger.vim);
                    inventory.items.extend(ours.map(|(found, mark)| item(kind, found, mark)));
                }
                Err(failure) => inventory.gaps.push(format!("{key} of {}: {failure}", service.name())),
            }
        }
        Ok(inventory)
    }

    pub(super) async fn really(&self, compute: &Compute) -> Result<Option<Reality>> {
        let Some(its) = &compute.vim_resource_id else { return Ok(None) };
        let work = Work::on("look at", "compute", &compute.spec.name, compute.id);
        let path = format!("servers/{its}");
        let Some(reply) = self.session.find(&work, Call::get(Service::Compute, path.clone())).await? else {
            return Ok(None);
        };
        let server = &reply.body["server"];
        let shape = read_shape(&server["flavor"]);
        let interfaces = self.session.ask(&work, Call::get(Service::Compute, format!("{path}/os-interface"))).await?;
        let attached = server["os-extended-volumes:volumes_attached"].as_array().cloned().unwrap_or_default();
        let mut connection = self.ledger.store.db.pool.acquire().await?;
        let known_ports = ports::list(&mut connection, self.ledger.vim).await?;
        let known_volumes = volumes::list(&mut connection, self.ledger.vim).await?;
        drop(connection);
        let mut disks: Vec<RealDisk> = Vec::new();
        if servers::root_volume(&compute.spec).is_none() {
            disks.push(RealDisk { volume_id: None, size_bytes: Some(shape.disk << 30) });
        }
        for volume in attached.iter().filter_map(|volume| volume["id"].as_str()) {
            if let Some(ours) = known_volumes.iter().find(|known| known.vim_resource_id.as_deref() == Some(volume)) {
                // Nova and Cinder count in GiB; the size is that of the specification, rounded up.
                let size = super::images::gib(ours.spec.size_bytes) << 30;
                disks.push(RealDisk { volume_id: Some(ours.id), size_bytes: Some(size) });
            }
        }
        let listed = interfaces.body["interfaceAttachments"].as_array().into_iter().flatten();
        let ports = listed.filter_map(|interface| {
            let its = interface["port_id"].as_str()?;
            let ours = known_ports.iter().find(|known| known.vim_resource_id.as_deref() == Some(its))?;
            Some(RealPort { id: ours.id, plugged: interface["port_state"] == "ACTIVE" })
        });
        Ok(Some(Reality {
            runs: server["status"] == "ACTIVE",
            vcpus: u32::try_from(shape.vcpus).unwrap_or(u32::MAX),
            memory_bytes: shape.ram << 20,
            disks,
            ports: ports.collect(),
        }))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use reference_points::common::{Owner, OwnerKind};
    use serde_json::json;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn what_is_marked_is_told_with_its_owner_wherever_the_mark_stands() {
        let owner = Owner { kind: OwnerKind::NsInstance, id: Uuid::from_u128(3), operation: None, step: None };
        let mark = Mark::of("network", Uuid::from_u128(4), Uuid::nil(), &owner);
        let found = json!({ "id": "x", "name": "net", "description": mark.text() });
        let told = item("network", &found, mark_of(&found).unwrap());
        assert_eq!((told.id, told.owner), (Some(Uuid::from_u128(4)), Some(owner.clone())));
        let group = json!({ "id": "g", "name": marks::in_name("g", &mark) });
        assert!(mark_of(&group).is_some());
        assert!(mark_of(&json!({ "name": "somebody's", "description": "a database" })).is_none());
        let snapshot = Mark::of("snapshot", Uuid::from_u128(5), Uuid::nil(), &owner);
        assert_eq!(item("image", &json!({}), snapshot).kind, "snapshot");
    }
}
