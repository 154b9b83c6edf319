//! What OVN, the hosts and the adapter's own disk really hold, asked now; the store is not asked.

use futures::future::join_all;
use ovsdb::Row;
use reference_points::nf_vi::{InventoryItem, InventoryKind};
use reference_points::or_vi::{VimInventory, VimInventoryItem};
use uuid::Uuid;

use super::HostsVim;
use super::rows::{MARK_ID, MARK_NETWORK, MARK_OWNER};
use crate::error::Result;

/// Asks everything side by side.
pub async fn take(vim: &HostsVim) -> Result<VimInventory> {
    let mut out = VimInventory { items: Vec::new(), gaps: Vec::new() };
    let agents = vim.agents().await;
    let asked = agents.iter().map(|agent| async move {
        let answer = tokio::time::timeout(std::time::Duration::from_secs(20), agent.client.inventory()).await;
        (agent.name.clone(), answer)
    });
    let (network, hosts, files) = tokio::join!(vim.northbound.all(), join_all(asked), vim.files.list(vim.ledger.vim));
    match network {
        Ok(tables) => out.items.extend(logical(&tables)),
        Err(failure) => out.gaps.push(format!("OVN northbound was not asked: {failure}")),
    }
    for (host, answer) in hosts {
        match answer {
            Ok(Ok(inventory)) => {
                out.gaps.extend(inventory.gaps.into_iter().map(|gap| format!("host {host}: {gap}")));
                out.items.extend(inventory.items.into_iter().map(|item| on_host(&host, item)));
            }
            Ok(Err(error)) => out.gaps.push(format!("host {host} was not asked: {error}")),
            Err(_) => out.gaps.push(format!("host {host} was not asked: no answer within 20 s")),
        }
    }
    match files {
        Ok(files) => out.items.extend(files.into_iter().map(|(name, id)| VimInventoryItem {
            kind: "image_file".to_owned(),
            host: None,
            name,
            id,
            belongs_to: None,
            owner: None,
            desired: false,
        })),
        Err(error) => out.gaps.push(format!("the adapter's image directory was not read: {error}")),
    }
    Ok(out)
}

fn on_host(host: &str, item: InventoryItem) -> VimInventoryItem {
    let kind = match item.kind {
        InventoryKind::Domain => "domain",
        InventoryKind::SwitchPort => "switch_port",
        InventoryKind::Image => "image",
        InventoryKind::Volume => "volume",
        InventoryKind::Snapshot => "snapshot",
        InventoryKind::MachineFile => "machine_file",
    };
    let part_of_compute = matches!(item.kind, InventoryKind::Domain | InventoryKind::MachineFile);
    VimInventoryItem {
        kind: kind.to_owned(),
        host: Some(host.to_owned()),
        name: item.name,
        id: item.id,
        belongs_to: item.id.filter(|_| part_of_compute),
        owner: item.owner,
        desired: false,
    }
}

/// Rows of OVN: ours by their marks, and whatever else is there.
fn logical(tables: &[Vec<Row>; 4]) -> Vec<VimInventoryItem> {
    let kinds = ["logical_switch", "logical_port", "dhcp_options", "router"];
    let mut items = Vec::new();
    for (kind, rows) in kinds.into_iter().zip(tables) {
        for row in rows {
            let mark = |key| row.map_entry("external_ids", key);
            let id = |key| mark(key).and_then(|id| id.parse::<Uuid>().ok());
            let name = match kind {
                "dhcp_options" => row.get::<String>("cidr"),
                _ => row.get::<String>("name"),
            };
            items.push(VimInventoryItem {
                kind: kind.to_owned(),
                host: None,
                name: name.unwrap_or_default(),
                id: id(MARK_ID),
                belongs_to: id(MARK_NETWORK),
                owner: mark(MARK_OWNER).and_then(|owner| serde_json::from_str(owner).ok()),
                desired: false,
            });
        }
    }
    items
}
