//! What the hypervisor, the switch and the disk really hold. The records say only what of it is desired: what they do not
//! know is what a search for leaks looks for.

use std::collections::HashMap;
use std::path::Path;

use reference_points::common::Owner;
use reference_points::nf_vi::{Inventory, InventoryItem, InventoryKind};
use service::http::ApiResult;
use uuid::Uuid;

use super::Agent;
use crate::hypervisor::{DOMAIN_PREFIX, DomainInfo, domain_name, probe, tap_name};
use crate::store;

/// What the records say, for looking things up.
struct Known {
    machines: HashMap<Uuid, Owner>,
    ports: HashMap<Uuid, Owner>,
    volumes: HashMap<Uuid, Owner>,
    images: HashMap<Uuid, Owner>,
    snapshots: HashMap<Uuid, Owner>,
}

impl Agent {
    /// Asks the hypervisor, the switch and the disk now.
    ///
    /// # Errors
    /// When the records cannot be read. What cannot be asked is a gap in the answer.
    pub async fn inventory(&self) -> ApiResult<Inventory> {
        let known = self.known().await?;
        let (mut items, mut gaps) = (Vec::new(), Vec::new());
        match self.hypervisor.domains().await {
            Ok(domains) => {
                items.extend(domains.iter().filter(|found| !is_probe(found)).map(|found| domain(found, &known)));
            }
            Err(error) => gaps.push(error.to_string()),
        }
        match self.switch.ports().await {
            Ok(Some(ports)) => items.extend(ports.into_iter().map(|port| InventoryItem {
                kind: InventoryKind::SwitchPort,
                // A tap device that was plugged in without an id is told by its name.
                desired: match port.iface_id {
                    Some(id) => known.ports.contains_key(&id),
                    None => known.ports.keys().any(|id| tap_name(*id) == port.name),
                },
                owner: port.iface_id.and_then(|id| known.ports.get(&id).cloned()),
                id: port.iface_id,
                name: port.name,
            })),
            // Without the bridge there are no ports.
            Ok(None) => {}
            Err(error) => gaps.push(error.to_string()),
        }
        let dirs = [
            (self.layout.images(), InventoryKind::Image, &known.images),
            (self.layout.volumes(), InventoryKind::Volume, &known.volumes),
            (self.layout.machines(), InventoryKind::MachineFile, &known.machines),
            (self.layout.snapshots(), InventoryKind::Snapshot, &known.snapshots),
        ];
        for (dir, kind, owners) in dirs {
            match files(&dir, kind, owners) {
                Ok(found) => items.extend(found),
                Err(error) => gaps.push(format!("cannot list {}: {error}", dir.display())),
            }
        }
        items.sort_by(|a, b| (a.kind, &a.name).cmp(&(b.kind, &b.name)));
        Ok(Inventory { host: self.host_name.clone(), items, gaps })
    }

    async fn known(&self) -> ApiResult<Known> {
        let mut tx = self.db.begin_read().await?;
        let machines = store::machines::list(&mut tx).await?;
        let volumes = store::volumes::list(&mut tx).await?;
        let images = store::images::list(&mut tx).await?;
        let snapshots = store::snapshots::list(&mut tx).await?;
        let ports = machines.iter().flat_map(|m| m.spec.nics.iter().map(|nic| (nic.port_id, m.spec.owner.clone())));
        Ok(Known {
            ports: ports.collect(),
            machines: machines.iter().map(|m| (m.id, m.spec.owner.clone())).collect(),
            volumes: volumes.into_iter().map(|volume| (volume.id, volume.spec.owner)).collect(),
            snapshots: snapshots.into_iter().map(|snapshot| (snapshot.id, snapshot.spec.owner)).collect(),
            images: images.into_iter().map(|image| (image.info.id, image.info.owner)).collect(),
        })
    }
}

/// A probe guest lives for a moment, and libvirt itself destroys it together with the connection that started it: it is
/// nobody's leak.
fn is_probe(found: &DomainInfo) -> bool {
    !found.persistent && found.name.starts_with(probe::PREFIX)
}

fn domain(found: &DomainInfo, known: &Known) -> InventoryItem {
    let desired = known.machines.contains_key(&found.id);
    // A domain of somebody else carries neither our name nor our mark; its UUID means nothing to us.
    let ours = desired
        || found.owner.is_some()
        || found.name.starts_with(DOMAIN_PREFIX)
        || found.name == domain_name(found.id);
    InventoryItem {
        kind: InventoryKind::Domain,
        name: found.name.clone(),
        id: ours.then_some(found.id),
        owner: found.owner.clone().or_else(|| known.machines.get(&found.id).cloned()),
        desired,
    }
}

/// Files and directories that lie directly in `dir`; their names begin with an id if they are ours. A machine's directory
/// stands for all in it.
fn files(dir: &Path, kind: InventoryKind, owners: &HashMap<Uuid, Owner>) -> std::io::Result<Vec<InventoryItem>> {
    let mut items = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let id = name.split('.').next().and_then(|stem| Uuid::parse_str(stem).ok());
        items.push(InventoryItem {
            kind,
            name: entry.path().display().to_string(),
            id,
            owner: id.and_then(|id| owners.get(&id).cloned()),
            desired: id.is_some_and(|id| owners.contains_key(&id)),
        });
    }
    Ok(items)
}
