//! What is in the VIMs that nobody owns. The VIMs and their hosts are asked what is really there, the owners' own records
//! what should be; the operation journal is not believed about the outside.

use std::collections::{BTreeMap, BTreeSet};

use reference_points::common::OwnerKind;
use reference_points::or_vi::VimInventoryItem;
use reference_points::or_vnfm::{VnfInstance, VnfSnapshot};
use reference_points::os_ma_nfvo::mano::{Leak, LeakReason, LeakReport};
use service::http::ApiResult;
use uuid::Uuid;

use super::App;
use crate::effects::vnfm::next_page;
use crate::ops::design::{Design, image_id};
use crate::store::ns::NS;
use crate::store::{descriptors, vims};

/// What owners there are, and which resources each lists. `None` in the place of a list: the owner exists and its
/// resources are in motion, so that nothing of it can be called a leak.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Owners {
    /// NS instances: networks and subnets.
    pub ns: BTreeMap<Uuid, Option<BTreeSet<Uuid>>>,
    /// VNF instances: computes, ports, volumes, networks. `None`: the VNFM could not be asked.
    pub vnfs: Option<BTreeMap<Uuid, Option<BTreeSet<Uuid>>>>,
    /// VNF snapshots: snapshots in VIMs. `None`: the VNFM could not be asked.
    pub snapshots: Option<BTreeMap<Uuid, Option<BTreeSet<Uuid>>>>,
    /// Images of onboarded packages, whichever brought them.
    pub images: BTreeSet<Uuid>,
    /// Packages that are onboarded.
    pub packages: BTreeSet<Uuid>,
    /// VIMs: images that their operator put there.
    pub vims: BTreeSet<Uuid>,
}

/// Asks everybody.
///
/// # Errors
/// The NFVO's own database; what cannot be asked outside is a gap in the report.
pub async fn leaks(app: &App) -> ApiResult<LeakReport> {
    let mut report = LeakReport { leaks: Vec::new(), gaps: Vec::new(), seen: 0, vims: Vec::new() };
    // The inventory is read before the records: what is made in between is then not taken for a leak.
    let vims = vims::all(&app.db).await?;
    let asked = futures::future::join_all(vims.iter().map(|v| app.vi.inventory(v.id))).await;
    let mut owners = owners(app, &mut report.gaps).await?;
    owners.vims = vims.iter().map(|vim| vim.id).collect();
    for (vim, answer) in vims.into_iter().zip(asked) {
        report.vims.push(vim.name.clone());
        match answer {
            Err(error) => report.gaps.push(format!("VIM {}: {error}", vim.name)),
            Ok(inventory) => {
                report.gaps.extend(inventory.gaps.into_iter().map(|g| format!("VIM {}: {g}", vim.name)));
                report.seen += inventory.items.len() as u64;
                for item in inventory.items {
                    if let Some((reason, detail)) = judge(&item, &owners) {
                        report.leaks.push(Leak { vim_id: vim.id, vim_name: vim.name.clone(), item, reason, detail });
                    }
                }
            }
        }
    }
    Ok(report)
}

/// Whether an item is a leak, and why.
pub fn judge(item: &VimInventoryItem, owners: &Owners) -> Option<(LeakReason, String)> {
    let Some(owner) = &item.owner else {
        // Without a mark the VIM's own word counts: parts of a desired resource need no mark of their own.
        return (!item.desired).then(|| {
            (LeakReason::Unmarked, "it carries no owner mark, and the VIM was not told to have it".to_owned())
        });
    };
    let whose = |kind: &str| format!("{kind} {}", owner.id);
    let listed = match owner.kind {
        OwnerKind::NsInstance => owners.ns.get(&owner.id).cloned(),
        OwnerKind::VnfInstance => owners.vnfs.as_ref().map_or(Some(None), |all| all.get(&owner.id).cloned()),
        OwnerKind::VnfSnapshot => owners.snapshots.as_ref().map_or(Some(None), |all| all.get(&owner.id).cloned()),
        OwnerKind::VnfPackage => {
            let content = item.belongs_to.or(item.id);
            let shared = content.is_some_and(|id| owners.images.contains(&id));
            (shared || owners.packages.contains(&owner.id)).then(|| Some(owners.images.clone()))
        }
        // The VIM itself has the list.
        OwnerKind::Vim => {
            let listed = item.id.into_iter().chain(item.belongs_to).filter(|_| item.desired).collect();
            owners.vims.contains(&owner.id).then_some(Some(listed))
        }
    };
    let whose = match owner.kind {
        OwnerKind::NsInstance => whose("NS instance"),
        OwnerKind::VnfInstance => whose("VNF instance"),
        OwnerKind::VnfSnapshot => whose("VNF snapshot"),
        OwnerKind::VnfPackage => whose("VNF package"),
        OwnerKind::Vim => whose("VIM"),
    };
    let Some(listed) = listed else {
        return Some((LeakReason::OwnerGone, format!("its owner mark names {whose}, which does not exist")));
    };
    // In motion: the owner makes or removes it now.
    let listed = listed?;
    if !item.desired {
        return Some((
            LeakReason::NotDesired,
            format!("{whose} exists, but the VIM was not told to have this, or to remove it"),
        ));
    }
    // A port belongs to a network of somebody else; a domain's files belong to a machine of the owner's own.
    let mut ids = item.id.into_iter().chain(item.belongs_to).peekable();
    ids.peek()?;
    (!ids.any(|id| listed.contains(&id)))
        .then(|| (LeakReason::NotListed, format!("{whose} exists and does not list it")))
}

async fn owners(app: &App, gaps: &mut Vec<String>) -> ApiResult<Owners> {
    let mut owners = Owners::default();
    let mut query = service::query::ListQuery { page_size: 200, ..Default::default() };
    loop {
        let page = NS.list(&app.db, &query).await?;
        for entry in page.entries {
            let id = entry.stored.id;
            let moving = !app.engine.list(Some(&id.to_string()), true, None, 1).await?.is_empty();
            let listed = (!moving).then(|| entry.stored.document.design.as_ref().map(parts).unwrap_or_default());
            owners.ns.insert(id, listed);
        }
        match page.next {
            Some(next) => query.after = Some(next),
            None => break,
        }
    }
    let mut connection = app.db.pool.acquire().await?;
    for (sha256, package) in descriptors::image_holders(&mut connection, Uuid::nil()).await? {
        owners.images.insert(image_id(&sha256));
        owners.packages.insert(package);
    }
    owners.packages.extend(descriptors::owners(&mut connection).await?);
    drop(connection);
    match vnf_instances(app).await {
        Ok(all) => owners.vnfs = Some(all),
        Err(error) => gaps.push(format!("VNF instances: {error}")),
    }
    match vnf_snapshots(app).await {
        Ok(all) => owners.snapshots = Some(all),
        Err(error) => gaps.push(format!("VNF snapshots: {error}")),
    }
    Ok(owners)
}

fn parts(design: &Design) -> BTreeSet<Uuid> {
    design
        .links
        .iter()
        .flat_map(|l| std::iter::once(l.network_id).chain(l.subnets.iter().map(|s| s.subnet_id)))
        .collect()
}

type Listed = BTreeMap<Uuid, Option<BTreeSet<Uuid>>>;

/// Every VNF instance of the VNFM, with the resources it lists.
async fn vnf_instances(app: &App) -> Result<Listed, reference_points::common::CallError> {
    let mut all = Listed::new();
    let mut query = "?all_fields".to_owned();
    // The bound keeps a VNFM that pages in circles from holding the request.
    for _ in 0..1000 {
        let page = app.vnfm.list(&query).await?;
        for vnf in &page.body {
            all.insert(vnf.id, resources(vnf));
        }
        match page.link.as_deref().and_then(next_page) {
            Some(next) => query = next,
            None => break,
        }
    }
    let running = app
        .vnfm
        .list_op_occs("?filter=%28in%2CoperationState%2CSTARTING%2CPROCESSING%2CFAILED_TEMP%2CROLLING_BACK%29")
        .await?;
    for op in running.body {
        all.insert(op.vnf_instance_id, None);
    }
    Ok(all)
}

/// Every VNF snapshot of the VNFM, with what it lists. One without content may be about to have some, or hold what an
/// operation that was given up left; that goes with it.
async fn vnf_snapshots(app: &App) -> Result<Listed, reference_points::common::CallError> {
    let mut all = Listed::new();
    let mut query = "?all_fields".to_owned();
    for _ in 0..1000 {
        let page = app.vnfm.list_snapshots(&query).await?;
        for info in &page.body {
            all.insert(info.id, info.vnf_snapshot.as_ref().map(captured));
        }
        match page.link.as_deref().and_then(next_page) {
            Some(next) => query = next,
            None => break,
        }
    }
    Ok(all)
}

/// The snapshots in VIMs that a VNF snapshot lists.
fn captured(snapshot: &VnfSnapshot) -> BTreeSet<Uuid> {
    let handles = snapshot.vnfc_snapshots.iter().filter_map(|vnfc| vnfc.compute_snapshot_resource.as_ref());
    handles.filter_map(|handle| handle.resource_id.parse().ok()).collect()
}

/// The resources that a VNF instance lists.
fn resources(vnf: &VnfInstance) -> Option<BTreeSet<Uuid>> {
    let Some(info) = &vnf.instantiated_vnf_info else { return Some(BTreeSet::new()) };
    let computes = info.vnfc_resource_info.iter().map(|r| &r.compute_resource);
    let volumes = info.virtual_storage_resource_info.iter().map(|r| &r.storage_resource);
    let networks = info.vnf_virtual_link_resource_info.iter().map(|r| &r.network_resource);
    let inner = info.vnf_virtual_link_resource_info.iter().flat_map(|r| &r.vnf_link_ports).map(|p| &p.resource_handle);
    let outer = info.ext_virtual_link_info.iter().flat_map(|l| &l.ext_link_ports).map(|p| &p.resource_handle);
    let managed = info.ext_managed_virtual_link_info.iter().flat_map(|l| &l.vnf_link_ports).map(|p| &p.resource_handle);
    let all = computes.chain(volumes).chain(networks).chain(inner).chain(outer).chain(managed);
    Some(all.filter_map(|handle| handle.resource_id.parse().ok()).collect())
}

#[cfg(test)]
mod tests {
    use reference_points::common::Owner;

    use super::*;

    fn item(owner: Option<(OwnerKind, u128)>, id: u128, desired: bool) -> VimInventoryItem {
        VimInventoryItem {
            kind: "domain".to_owned(),
            host: None,
            name: "x".to_owned(),
            id: Some(Uuid::from_u128(id)),
            belongs_to: None,
            owner: owner.map(|(kind, id)| Owner { kind, id: Uuid::from_u128(id), operation: None, step: None }),
            desired,
        }
    }

    fn owners() -> Owners {
        let set = |ids: &[u128]| ids.iter().map(|n| Uuid::from_u128(*n)).collect::<BTreeSet<_>>();
        Owners {
            ns: BTreeMap::from([(Uuid::from_u128(1), Some(set(&[10]))), (Uuid::from_u128(2), None)]),
            vnfs: Some(BTreeMap::from([(Uuid::from_u128(3), Some(set(&[30])))])),
            snapshots: Some(BTreeMap::from([(Uuid::from_u128(6), Some(set(&[60]))), (Uuid::from_u128(7), None)])),
            images: set(&[40]),
            packages: set(&[4]),
            vims: set(&[8]),
        }
    }

    fn reason(item: &VimInventoryItem) -> Option<LeakReason> {
        judge(item, &owners()).map(|(reason, _)| reason)
    }

    #[test]
    fn what_is_owned_and_listed_is_no_leak() {
        for (kind, owner, id) in [
            (OwnerKind::NsInstance, 1, 10),
            (OwnerKind::NsInstance, 2, 99),
            (OwnerKind::VnfInstance, 3, 30),
            (OwnerKind::VnfSnapshot, 6, 60),
            (OwnerKind::VnfSnapshot, 7, 61),
            (OwnerKind::VnfPackage, 4, 40),
            (OwnerKind::VnfPackage, 5, 40),
            (OwnerKind::Vim, 8, 80),
        ] {
            assert_eq!(reason(&item(Some((kind, owner)), id, true)), None, "{kind:?} {owner} {id}");
        }
        assert_eq!(reason(&item(None, 1, true)), None);
        let mut part = item(Some((OwnerKind::VnfInstance, 3)), 77, true);
        part.belongs_to = Some(Uuid::from_u128(30));
        assert_eq!(reason(&part), None, "a file of a listed compute");
    }

    #[test]
    fn every_kind_of_leak_is_named() {
        assert_eq!(reason(&item(None, 1, false)), Some(LeakReason::Unmarked));
        use OwnerKind::{NsInstance, Vim, VnfInstance, VnfPackage, VnfSnapshot};
        for kind in [NsInstance, VnfInstance, VnfSnapshot, VnfPackage, Vim] {
            assert_eq!(reason(&item(Some((kind, 88)), 88, true)), Some(LeakReason::OwnerGone), "{kind:?}");
        }
        assert_eq!(reason(&item(Some((OwnerKind::NsInstance, 1)), 11, true)), Some(LeakReason::NotListed));
        assert_eq!(reason(&item(Some((OwnerKind::VnfInstance, 3)), 30, false)), Some(LeakReason::NotDesired));
        assert_eq!(reason(&item(Some((OwnerKind::VnfPackage, 4)), 41, true)), Some(LeakReason::NotListed));
        assert_eq!(reason(&item(Some((OwnerKind::Vim, 8)), 80, false)), Some(LeakReason::NotDesired));
    }

    #[test]
    fn without_the_vnfm_nothing_of_a_vnf_is_called_a_leak() {
        let blind = Owners { vnfs: None, snapshots: None, ..owners() };
        assert_eq!(judge(&item(Some((OwnerKind::VnfSnapshot, 88)), 1, true), &blind), None);
        assert_eq!(judge(&item(Some((OwnerKind::VnfInstance, 88)), 1, true), &blind), None);
    }
}
