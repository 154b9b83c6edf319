//! What a change of flavour, of external connectivity or of the VNF package makes of an instance (SOL003 clauses 5.4.7,
//! 5.4.11, 5.4.11a): the request that it is made by from then on, how many VNFCs it has, and how it gets there.

use std::collections::{BTreeMap, BTreeSet};

use descriptors::vnfd::{Flavour, PackageChange, Size, SizeError, Vnfd};
use reference_points::common::Fault;
use reference_points::or_vnfm::{
    CpProtocolData, ExtLinkPortInfo, ExtManagedVirtualLinkData, ExtVirtualLinkData, ExtVirtualLinkInfo,
    InstantiateVnfRequest, LayerProtocol, ResourceHandle, VnfExtCpConfig, VnfExtCpData,
};

use super::adopt::{Same, adopt, adopt_links};
use super::blueprint::{Blueprint, PortOn, VnfcPart};
use super::converge::{Difference, difference};
use super::expand::{Given, expand_whole};
use super::ids::IdSource;
use super::inventory::Owned;
use super::scale::Levels;

/// VNFCs by VDU.
pub type Counts = BTreeMap<String, u32>;

/// External links after a request: what it names is as it says, all else as before. A connection point that the request
/// puts onto a link leaves the link it was on.
pub fn reconnected(
    old: &[ExtVirtualLinkData],
    new: &[ExtVirtualLinkData],
    present: &[Owned],
) -> Vec<ExtVirtualLinkData> {
    let mut all = old.to_vec();
    name_all(&mut all, present);
    for link in new {
        for cp in &link.ext_cps {
            all.iter_mut().filter(|other| other.id != link.id).for_each(|other| leave(other, cp));
        }
        match all.iter_mut().find(|other| other.id == link.id) {
            None => all.push(link.clone()),
            Some(there) => {
                let mut cps = std::mem::take(&mut there.ext_cps);
                link.ext_cps.iter().for_each(|cp| put(&mut cps, cp));
                *there = ExtVirtualLinkData { ext_cps: cps, ..link.clone() };
            }
        }
    }
    all.retain(|link| !link.ext_cps.is_empty());
    all
}

/// Leaves out what another flavour does not have of the links that an instance is on: its connection points and internal
/// links go with the old flavour. What the request itself names stays, so that it is told when the flavour lacks it.
pub fn without_lost(
    made_by: &mut InstantiateVnfRequest,
    flavour: &Flavour,
    named: &[ExtVirtualLinkData],
    managed: &[ExtManagedVirtualLinkData],
) {
    let asked = |cpd: &str| named.iter().flat_map(|link| &link.ext_cps).any(|cp| cp.cpd_id == cpd);
    for link in &mut made_by.ext_virtual_links {
        link.ext_cps.retain(|cp| flavour.ext_cp(&cp.cpd_id).is_some() || asked(&cp.cpd_id));
    }
    made_by.ext_virtual_links.retain(|link| !link.ext_cps.is_empty());
    made_by.ext_managed_virtual_links.retain(|link| {
        let desc = &link.vnf_virtual_link_desc_id;
        flavour.virtual_link(desc).is_some() || managed.iter().any(|m| &m.vnf_virtual_link_desc_id == desc)
    });
}

/// Writes a configuration for every connection point that has none, under the name it goes by in the record: from then on
/// each can be moved alone.
fn name_all(links: &mut [ExtVirtualLinkData], present: &[Owned]) {
    for port in present.iter().filter_map(Owned::vnfc).flat_map(|v| &v.ports) {
        let PortOn::External { ext_cpd, ext_vl, cp_config, .. } = &port.on else { continue };
        let Some(link) = links.iter_mut().find(|l| &l.id == ext_vl) else { continue };
        let plain = CpProtocolData { layer_protocol: LayerProtocol::IpOverEthernet, ip_over_ethernet: None };
        let made = || VnfExtCpConfig { cp_protocol_data: vec![plain], ..VnfExtCpConfig::default() };
        match link.ext_cps.iter_mut().find(|cp| &cp.cpd_id == ext_cpd) {
            Some(cp) => {
                cp.cp_config.entry(cp_config.clone()).or_insert_with(made);
            }
            None => link.ext_cps.push(VnfExtCpData {
                cpd_id: ext_cpd.clone(),
                cp_config: BTreeMap::from([(cp_config.clone(), made())]),
            }),
        }
    }
}

fn leave(link: &mut ExtVirtualLinkData, moved: &VnfExtCpData) {
    for cp in link.ext_cps.iter_mut().filter(|cp| cp.cpd_id == moved.cpd_id) {
        cp.cp_config.retain(|key, _| !moved.cp_config.is_empty() && !moved.cp_config.contains_key(key));
    }
    link.ext_cps.retain(|cp| cp.cpd_id != moved.cpd_id || !cp.cp_config.is_empty());
}

fn put(cps: &mut Vec<VnfExtCpData>, new: &VnfExtCpData) {
    match cps.iter_mut().find(|cp| cp.cpd_id == new.cpd_id) {
        None => cps.push(new.clone()),
        Some(there) => there.cp_config.extend(new.cp_config.clone()),
    }
}

/// Externally managed links after a request.
pub fn remanaged(
    old: &[ExtManagedVirtualLinkData],
    new: &[ExtManagedVirtualLinkData],
) -> Vec<ExtManagedVirtualLinkData> {
    let named = |link: &&ExtManagedVirtualLinkData| {
        new.iter().any(|n| n.vnf_virtual_link_desc_id == link.vnf_virtual_link_desc_id)
    };
    old.iter().filter(|l| !named(l)).chain(new).cloned().collect()
}

/// VNFCs that there are, by VDU of the new descriptor.
pub fn counts_of(present: &[Owned], mapped: &dyn Fn(&str) -> String) -> Counts {
    let mut counts = Counts::new();
    for vnfc in present.iter().filter_map(Owned::vnfc) {
        *counts.entry(mapped(&vnfc.vdu)).or_default() += 1;
    }
    counts
}

/// VNFCs and scale levels of a flavour at an instantiation level, or at its default one.
///
/// # Errors
/// When the flavour has no such level.
pub fn sized(flavour: &Flavour, level: Option<&str>) -> Result<(Counts, Levels), SizeError> {
    let size = level.map_or(Size::Default, Size::Level);
    let count = |vdu: &str| Ok((vdu.to_owned(), flavour.scaling.instances(vdu, size)?));
    Ok((flavour.vdus.iter().map(|v| count(&v.name)).collect::<Result<_, _>>()?, flavour.scaling.scale_levels(size)?))
}

/// VNFCs and scale levels of a new descriptor's flavour for an instance that has these: what it knows keeps its number.
///
/// # Errors
/// When its scale levels are beyond those of the new flavour.
pub fn kept(flavour: &Flavour, present: &Counts, levels: &Levels) -> Result<(Counts, Levels), SizeError> {
    let levels: Levels =
        flavour.scaling.aspects.keys().filter_map(|aspect| Some((aspect.clone(), *levels.get(aspect)?))).collect();
    let mut counts = Counts::new();
    for vdu in &flavour.vdus {
        let count = match present.get(&vdu.name) {
            Some(count) => *count,
            None => flavour.scaling.instances(&vdu.name, Size::ScaleLevels(&levels))?,
        };
        counts.insert(vdu.name.clone(), count);
    }
    Ok((counts, flavour.scaling.scale_levels(Size::ScaleLevels(&levels))?))
}

/// The numbers that the VNFCs of each VDU have: those that are there as far as they stay, then the lowest free ones.
fn numbers(present: &[Owned], counts: &Counts, mapped: &dyn Fn(&str) -> String) -> BTreeMap<String, Vec<u32>> {
    let of = |vdu: &String, count: u32| {
        let there: BTreeSet<u32> =
            present.iter().filter_map(Owned::vnfc).filter(|v| &mapped(&v.vdu) == vdu).map(|v| v.number).collect();
        let more = (1..).filter(|n| !there.contains(n));
        let mut numbers: Vec<u32> = there.iter().copied().chain(more).take(count as usize).collect();
        numbers.sort_unstable();
        (vdu.clone(), numbers)
    };
    counts.iter().map(|(vdu, count)| of(vdu, *count)).collect()
}

/// How an instance becomes another.
pub struct Change<'a> {
    /// What it has.
    pub present: &'a [Owned],
    /// VNFCs that it shall have.
    pub counts: &'a Counts,
    /// When parts are the same.
    pub same: Same<'a>,
    /// Whether a VNFC, as it is and as it shall be, must be made again.
    pub rebuild: &'a dyn Fn(&VnfcPart, &VnfcPart) -> bool,
    /// All VNFCs are new ones, beside those that are there.
    pub beside: bool,
}

/// What it shall be, and what is done for it.
///
/// # Errors
/// Every fault of the request.
pub fn change(
    given: &Given<'_>,
    change: &Change<'_>,
    ids: &mut dyn IdSource,
) -> Result<(Blueprint, Difference), Vec<Fault>> {
    let mut target =
        expand_whole(given, &numbers(change.present, change.counts, change.same.vdu), change.present, ids)?;
    if change.beside {
        adopt_links(&mut target, change.present);
    } else {
        adopt(&mut target, change.present, &change.same);
    }
    let difference = difference(target.clone(), change.present, change.rebuild)?;
    Ok((target, difference))
}

/// External links as they will be, of those that a request names.
pub fn connectivity(
    named: &[ExtVirtualLinkData],
    all: &[ExtVirtualLinkData],
    target: &Blueprint,
    vim: Option<String>,
) -> Vec<ExtVirtualLinkInfo> {
    let handle = |id: String, kind: &str| ResourceHandle {
        vim_connection_id: vim.clone(),
        resource_provider_id: None,
        resource_id: id,
        vim_level_resource_type: Some(kind.to_owned()),
    };
    let ports = |link: &str| {
        let ports = target.vnfcs.iter().flat_map(|v| &v.ports);
        let on = ports.filter(|p| matches!(&p.on, PortOn::External { ext_vl, .. } if ext_vl == link));
        on.map(|port| ExtLinkPortInfo {
            id: port.id.to_string(),
            resource_handle: handle(port.id.to_string(), "port"),
            cp_instance_id: Some(format!("extcp-{}", port.id)),
        })
        .collect()
    };
    let named = all.iter().filter(|link| named.iter().any(|n| n.id == link.id));
    named
        .map(|link| ExtVirtualLinkInfo {
            id: link.id.clone(),
            resource_handle: handle(link.resource_id.clone(), "network"),
            ext_link_ports: ports(&link.id),
            current_vnf_ext_cp_data: link.ext_cps.clone(),
        })
        .collect()
}

/// The policy of a new descriptor for instances of an old one.
pub fn policy<'a>(new: &'a Vnfd, old: &str, old_flavour: &str) -> Option<&'a PackageChange> {
    new.flavours.iter().flat_map(|f| &f.package_changes).find(|p| p.covers(old, old_flavour, &new.descriptor_id))
}

/// Name in the new descriptor of a VDU of the old one.
pub fn renamed(policy: Option<&PackageChange>, vdu: &str) -> String {
    let mapped = policy.into_iter().flat_map(|p| &p.mappings);
    let is_vdu = |component: &str| component.eq_ignore_ascii_case("vdu");
    mapped
        .filter(|m| is_vdu(&m.component) && m.source == vdu)
        .map(|m| m.destination.clone())
        .next()
        .unwrap_or_else(|| vdu.to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use descriptors::vnfd::{ExtCp, VnfVirtualLink};
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn what_another_flavour_lacks_goes_unless_the_request_names_it() {
        let cp = |name: &str| ExtCp { name: name.into(), ..ExtCp::default() };
        let flavour = Flavour {
            ext_cps: vec![cp("web")],
            virtual_links: vec![VnfVirtualLink { name: "inner".into(), ..VnfVirtualLink::default() }],
            ..Flavour::default()
        };
        let link = |id: &str, cps: &[&str]| -> Value {
            let cps: Vec<Value> = cps.iter().map(|cp| json!({ "cpdId": cp, "cpConfig": {} })).collect();
            json!({ "id": id, "resourceId": "n", "extCps": cps })
        };
        let managed = |desc: &str| json!({ "id": desc, "vnfVirtualLinkDescId": desc, "resourceId": "n" });
        let mut made_by: InstantiateVnfRequest = serde_json::from_value(json!({
            "flavourId": "f",
            "extVirtualLinks": [link("both", &["web", "lost"]), link("gone", &["lost"]), link("named", &["typo"])],
            "extManagedVirtualLinks": [managed("inner"), managed("other")],
        }))
        .unwrap();
        let named = [serde_json::from_value(link("named", &["typo"])).unwrap()];
        without_lost(&mut made_by, &flavour, &named, &[]);
        let left: Vec<(&str, Vec<&str>)> = made_by
            .ext_virtual_links
            .iter()
            .map(|l| (l.id.as_str(), l.ext_cps.iter().map(|cp| cp.cpd_id.as_str()).collect()))
            .collect();
        assert_eq!(left, [("both", vec!["web"]), ("named", vec!["typo"])]);
        assert_eq!(made_by.ext_managed_virtual_links.len(), 1);
    }
}
