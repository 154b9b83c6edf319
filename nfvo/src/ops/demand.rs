//! What the resources of a grant request take, by the VNFD (SOL001 clause 6.8). Pure.

use std::collections::BTreeMap;

use descriptors::vnfd::{Flavour, Vdu, Vnfd};
use reference_points::common::Fault;
use reference_points::nf_vi::Capacity;
use reference_points::or_vnfm::{ResourceDefinition, ResourceType};

use super::placement::Demand;

/// One demand for each compute, with its disks and the volumes of its VDU. Links and ports take nothing that is counted.
///
/// # Errors
/// A fault for every definition that the VNFD does not know.
pub fn demands(vnfd: &Vnfd, flavour: Option<&str>, added: &[&ResourceDefinition]) -> Result<Vec<Demand>, Vec<Fault>> {
    let mut faults = Vec::new();
    let mut demands: Vec<(String, Demand)> = Vec::new();
    for definition in added.iter().filter(|d| d.r#type == ResourceType::Compute) {
        let name = definition.vdu_id.as_deref().or(definition.resource_template_id.as_deref()).unwrap_or_default();
        match find(vnfd, flavour, |f| f.vdu(name)) {
            Some((flavour, vdu)) => {
                let demand = Demand {
                    id: definition.id.clone(),
                    name: format!("{} ({name})", definition.id),
                    needs: needs(flavour, vdu),
                };
                demands.push((name.to_owned(), demand));
            }
            None => faults.push(unknown(definition, "VDU", name)),
        }
    }
    let mut next: BTreeMap<String, usize> = BTreeMap::new();
    for definition in added.iter().filter(|d| d.r#type == ResourceType::Storage) {
        let name = definition.resource_template_id.as_deref().unwrap_or_default();
        let Some((flavour, storage)) = find(vnfd, flavour, |f| f.storage(name)) else {
            faults.push(unknown(definition, "storage", name));
            continue;
        };
        let user = || flavour.vdus.iter().find(|v| v.storages.iter().any(|s| s == name)).map(|v| v.name.clone());
        let Some(vdu) = definition.vdu_id.clone().or_else(user) else { continue };
        // Which compute of the VDU gets which volume is the VNFM's affair; each gets its share.
        let of_vdu: Vec<usize> =
            demands.iter().enumerate().filter(|(_, (name, _))| *name == vdu).map(|(i, _)| i).collect();
        if of_vdu.is_empty() {
            continue;
        }
        let turn = next.entry(format!("{vdu}/{name}")).or_default();
        if let Some((_, demand)) = of_vdu.get(*turn % of_vdu.len()).and_then(|i| demands.get_mut(*i)) {
            demand.needs.disk_bytes = demand.needs.disk_bytes.saturating_add(storage.size_bytes);
        }
        *turn += 1;
    }
    if faults.is_empty() { Ok(demands.into_iter().map(|(_, d)| d).collect()) } else { Err(faults) }
}

fn find<'a, T>(
    vnfd: &'a Vnfd,
    flavour: Option<&str>,
    part: impl Fn(&'a Flavour) -> Option<T>,
) -> Option<(&'a Flavour, T)> {
    let fits = |f: &&Flavour| flavour.is_none_or(|id| f.id == id);
    vnfd.flavours.iter().filter(fits).find_map(|f| Some((f, part(f)?)))
}

fn needs(flavour: &Flavour, vdu: &Vdu) -> Capacity {
    let local: u64 = vdu.local_storages.iter().map(|s| s.size_bytes).fold(0, u64::saturating_add);
    let image = vdu.sw_image.as_deref().and_then(|id| flavour.sw_image(id));
    // An ephemeral disk is at least as large as its image asks for.
    let least = image.map_or(0, |i| i.min_disk_bytes);
    Capacity { vcpus: u64::from(vdu.cpu.count), memory_bytes: vdu.memory.size_bytes, disk_bytes: local.max(least) }
}

fn unknown(definition: &ResourceDefinition, what: &str, name: &str) -> Fault {
    Fault::new(format!("resource definition {}", definition.id), format!("the VNFD has no {what} \"{name}\""))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use descriptors::vnfd::VirtualStorage;

    use super::*;
    use crate::ops::tests::samples::{WEB, packages};

    fn definition(id: &str, kind: ResourceType, vdu: Option<&str>, template: Option<&str>) -> ResourceDefinition {
        ResourceDefinition {
            id: id.to_owned(),
            r#type: kind,
            vdu_id: vdu.map(str::to_owned),
            vnfd_id: None,
            resource_template_id: template.map(str::to_owned),
            resource: None,
            snapshot_res_def: None,
        }
    }

    #[test]
    fn volumes_are_shared_out_among_the_computes_of_their_vdu() {
        let mut vnfd = packages().remove(WEB).unwrap().vnfd;
        let flavour = &mut vnfd.flavours[0];
        flavour.storages =
            vec![VirtualStorage { name: "data".into(), size_bytes: 5 << 30, ..VirtualStorage::default() }];
        flavour.vdus[0].storages = vec!["data".into()];
        let added = [
            definition("c1", ResourceType::Compute, Some("web"), None),
            definition("c2", ResourceType::Compute, Some("web"), None),
            definition("s1", ResourceType::Storage, None, Some("data")),
            definition("s2", ResourceType::Storage, Some("web"), Some("data")),
            definition("p1", ResourceType::Linkport, None, Some("data_cp")),
        ];
        let all: Vec<&ResourceDefinition> = added.iter().collect();
        let demands = demands(&vnfd, Some("default"), &all).unwrap();
        assert_eq!(demands.len(), 2);
        for demand in &demands {
            assert_eq!(
                demand.needs,
                Capacity { vcpus: 1, memory_bytes: 192 << 20, disk_bytes: 6 << 30 },
                "{}",
                demand.id
            );
        }
    }

    #[test]
    fn what_the_vnfd_does_not_know_is_named() {
        let vnfd = packages().remove(WEB).unwrap().vnfd;
        let added = [
            definition("c1", ResourceType::Compute, Some("db"), None),
            definition("s1", ResourceType::Storage, None, Some("tape")),
        ];
        let all: Vec<&ResourceDefinition> = added.iter().collect();
        let faults = demands(&vnfd, None, &all).unwrap_err();
        let told: Vec<&str> = faults.iter().map(|f| f.message.as_str()).collect();
        assert_eq!(told, ["the VNFD has no VDU \"db\"", "the VNFD has no storage \"tape\""]);
    }
}
