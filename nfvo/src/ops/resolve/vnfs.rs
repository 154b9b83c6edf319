//! The VNFs of the service: how many, from which package, connected to what, with which values.

use std::collections::{BTreeMap, BTreeSet};

use descriptors::expr::Environment;
use descriptors::nsd::{NsFlavour, VnfProfile};
use descriptors::vnfd::{ExtCpKind, Flavour, Size};
use reference_points::common::{Fault, KeyValuePairs};
use reference_points::nf_vi::DiskFormat;
use reference_points::os_ma_nfvo::ParamsForVnf;
use serde_json::Value;

use super::links::Link;
use super::reserve::Env;
use super::{PackageFacts, Sources, list};
use crate::ops::design::{Connection, CpAddresses, IdSource, ImageDesign, VnfDesign, image_id};
use crate::ops::held::Wanted;

/// Most VNFs of one network service.
const MAX_VNFS: u32 = 200;

/// A VNF profile with its package and flavour found.
#[derive(Debug, Clone)]
pub struct Profile<'a> {
    pub vnf: &'a VnfProfile,
    pub package: &'a PackageFacts,
    pub flavour: &'a Flavour,
    /// Number of VNF instances.
    pub count: u32,
}

impl Profile<'_> {
    fn level(&self) -> Size<'_> {
        self.vnf.instantiation_level.as_deref().map_or(Size::Default, Size::Level)
    }

    /// Number of instances of an external connection point in one VNF instance.
    pub fn cp_instances(&self, cp: &str) -> u32 {
        let Some(ext) = self.flavour.ext_cp(cp).filter(|e| e.kind == ExtCpKind::VduCp) else { return 1 };
        let vdu = self.flavour.vdu_cps.iter().find(|c| c.name == ext.cp).map(|c| c.vdu.as_str());
        vdu.map_or(1, |vdu| self.flavour.scaling.instances(vdu, self.level()).unwrap_or(1))
    }
}

pub fn profiles<'a>(
    from: &Sources<'a>,
    flavour: &'a NsFlavour,
    level: Option<&str>,
    faults: &mut Vec<Fault>,
) -> Vec<Profile<'a>> {
    let mut profiles = Vec::new();
    let mut total: u32 = 0;
    for vnf in &flavour.vnfs {
        let at = format!("NSD, VNF {}", vnf.name);
        let count = flavour.initial_instances(vnf, level);
        total = total.saturating_add(count);
        if count > vnf.max_instances {
            faults.push(Fault::new(
                at.as_str(),
                format!("{count} instances are asked for, {} are allowed", vnf.max_instances),
            ));
        }
        let Some(package) = from.packages.get(&vnf.vnfd_id) else {
            faults.push(
                Fault::new(at, format!("its VNFD {} is not onboarded and enabled", vnf.vnfd_id))
                    .mend("onboard the package: mano vnfpkg onboard FILE"),
            );
            continue;
        };
        match flavour_of(vnf, package) {
            Ok(flavour) => {
                let profile = Profile { vnf, package, flavour, count };
                if let Err(why) = profile.flavour.scaling.scale_levels(profile.level()) {
                    faults.push(Fault::new(at, why.to_string()));
                }
                profiles.push(profile);
            }
            Err(fault) => faults.push(Fault { location: at, ..fault }),
        }
    }
    if total > MAX_VNFS {
        faults.push(Fault::new("NSD", format!("{total} VNF instances are more than {MAX_VNFS}")));
    }
    if let Err(cycle) = flavour.waves() {
        faults.push(Fault::new("NSD, dependencies", cycle.to_string()));
    }
    profiles
}

fn flavour_of<'a>(vnf: &VnfProfile, package: &'a PackageFacts) -> Result<&'a Flavour, Fault> {
    let known: Vec<&str> = package.vnfd.flavours.iter().map(|f| f.id.as_str()).collect();
    let found = match &vnf.flavour_id {
        Some(id) => package.vnfd.flavour(id),
        None => package.vnfd.flavours.first().filter(|_| known.len() == 1),
    };
    found.ok_or_else(|| {
        let why = match &vnf.flavour_id {
            Some(id) => format!("its VNFD has no deployment flavour \"{id}\""),
            None => "it names no flavour_id, and its VNFD has several".to_owned(),
        };
        Fault::new("", why).mend(format!("the VNFD has {}", list(&known)))
    })
}

pub fn designs(
    from: &Sources<'_>,
    profiles: &[Profile<'_>],
    links: &[Link],
    env: &Env<'_>,
    ids: &dyn IdSource,
    faults: &mut Vec<Fault>,
) -> Vec<VnfDesign> {
    let parts: BTreeMap<&str, Vec<String>> = profiles.iter().map(|p| (p.vnf.name.as_str(), part_names(p))).collect();
    let mut designs = Vec::new();
    for profile in profiles {
        let vnf = profile.vnf;
        let given = from.request.additional_params_for_vnf.iter().find(|p| p.vnf_profile_id == vnf.name);
        let configurable = configurable(vnf, given, env, faults);
        check_connections(profile, links, faults);
        for part in parts.get(vnf.name.as_str()).into_iter().flatten() {
            designs.push(VnfDesign {
                part: part.clone(),
                profile_id: vnf.name.clone(),
                name: instance_name(from.ns_name, part, profile.count, given),
                description: given.and_then(|g| g.vnf_instance_description.clone()),
                vnfd_id: vnf.vnfd_id.clone(),
                package_id: profile.package.package_id,
                flavour_id: profile.flavour.id.clone(),
                level_id: vnf.instantiation_level.clone(),
                connections: connections(profile, env, ids),
                images: image_ids(profile),
                configurable: configurable.clone(),
                additional: given.map(|g| g.additional_params.clone()).unwrap_or_default(),
                extensions: given.map(|g| g.extensions.clone()).unwrap_or_default(),
                metadata: given.map(|g| g.metadata.clone()).unwrap_or_default(),
                grace_seconds: grace(profile.package),
                after: vnf.depends_on.iter().filter_map(|d| parts.get(d.as_str())).flatten().cloned().collect(),
            });
        }
    }
    designs
}

/// Longest grace given, in seconds.
const MAX_GRACE: f64 = 3600.0;

fn grace(package: &PackageFacts) -> Option<u32> {
    let seconds = package.vnfd.lcm_operations.min_graceful_termination_s?;
    // Rounded up; the cast cannot lose anything after the clamp.
    (seconds > 0.0).then(|| seconds.ceil().clamp(1.0, MAX_GRACE) as u32)
}

fn part_names(profile: &Profile<'_>) -> Vec<String> {
    match profile.count {
        1 => vec![profile.vnf.name.clone()],
        n => (1..=n.min(MAX_VNFS)).map(|i| format!("{}-{i}", profile.vnf.name)).collect(),
    }
}

fn instance_name(ns: &str, part: &str, count: u32, given: Option<&ParamsForVnf>) -> String {
    match given.and_then(|g| g.vnf_instance_name.as_deref()) {
        Some(name) if count == 1 => name.to_owned(),
        Some(name) => format!("{name}-{}", part.rsplit('-').next().unwrap_or(part)),
        None => format!("{ns}-{part}"),
    }
}

/// What the NSD sets, with the request's values over it.
fn configurable(
    vnf: &VnfProfile,
    given: Option<&ParamsForVnf>,
    env: &dyn Environment,
    faults: &mut Vec<Fault>,
) -> KeyValuePairs {
    let mut values = KeyValuePairs::new();
    for (name, expr) in &vnf.configurable_properties {
        match expr.resolve(env) {
            Ok(value) => {
                values.insert(name.clone(), value);
            }
            Err(gaps) => {
                let at = format!("NSD, VNF {}, configurable_properties.{name}", vnf.name);
                faults.extend(gaps.into_iter().map(|gap| Fault::new(at.as_str(), gap)));
            }
        }
    }
    for (name, value) in given.into_iter().flat_map(|g| &g.vnf_configurable_properties) {
        merge(values.entry(name.clone()).or_insert(Value::Null), value);
    }
    values
}

/// JSON merge patch (RFC 7396) without removal.
fn merge(into: &mut Value, value: &Value) {
    match (into, value) {
        (Value::Object(into), Value::Object(value)) => {
            for (key, value) in value {
                merge(into.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (into, value) => *into = value.clone(),
    }
}

fn check_connections(profile: &Profile<'_>, links: &[Link], faults: &mut Vec<Fault>) {
    let at = format!("NSD, VNF {}", profile.vnf.name);
    for connection in &profile.vnf.connections {
        if !links.iter().any(|l| l.design.profile_id == connection.virtual_link) {
            faults.push(Fault::new(at.as_str(), format!("there is no virtual link \"{}\"", connection.virtual_link)));
        }
        if profile.flavour.ext_cp(&connection.cp).is_none() {
            let known: Vec<&str> = profile.flavour.ext_cps.iter().map(|c| c.name.as_str()).collect();
            faults.push(
                Fault::new(at.as_str(), format!("its VNFD has no external connection point \"{}\"", connection.cp))
                    .mend(format!("it has {}", list(&known))),
            );
        }
    }
    for cp in &profile.flavour.ext_cps {
        if profile.vnf.connection(&cp.name).is_none() && cp.kind != ExtCpKind::Other {
            faults.push(
                Fault::new(
                    at.as_str(),
                    format!("its external connection point \"{}\" is connected to nothing", cp.name),
                )
                .mend(if profile.vnf.node_type.is_empty() {
                    // An NSD by SOL006 knows no node types.
                    format!("add a `virtual-link-connectivity` with {} as `constituent-cpd-id`", cp.name)
                } else {
                    format!("add the requirement {}: <virtual link>", cp.name)
                }),
            );
        }
    }
}

fn connections(profile: &Profile<'_>, env: &Env<'_>, ids: &dyn IdSource) -> Vec<Connection> {
    let mut by_link: Vec<Connection> = Vec::new();
    for connection in &profile.vnf.connections {
        let Some(ext) = profile.flavour.ext_cp(&connection.cp) else { continue };
        let reserved = env.reserved.get(&(profile.vnf.name.clone(), connection.cp.clone()));
        let addresses = match reserved {
            Some(reserved) => vec![reserved.addresses()],
            None => vec![CpAddresses::default(); profile.cp_instances(&connection.cp) as usize],
        };
        let at = by_link.iter().position(|c| c.link == connection.virtual_link).unwrap_or_else(|| {
            let link = connection.virtual_link.clone();
            by_link.push(Connection { id: ids.mint(), link, cps: BTreeMap::new() });
            by_link.len() - 1
        });
        by_link[at].cps.insert(ext.cp.clone(), addresses);
    }
    by_link
}

fn image_ids(profile: &Profile<'_>) -> Vec<uuid::Uuid> {
    let facts = profile.flavour.sw_images.iter().filter_map(|i| profile.package.images.get(&i.id));
    let ids: BTreeSet<uuid::Uuid> = facts.map(|f| image_id(&f.sha256)).collect();
    ids.into_iter().collect()
}

/// Every image that the packages bring for the flavours used, each content once. What they do not bring, the VIM has.
pub fn images(from: &Sources<'_>, profiles: &[Profile<'_>], faults: &mut Vec<Fault>) -> Vec<ImageDesign> {
    let mut images: BTreeMap<uuid::Uuid, ImageDesign> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for profile in profiles {
        for image in &profile.flavour.sw_images {
            if !seen.insert((profile.vnf.vnfd_id.as_str(), image.id.as_str())) {
                continue;
            }
            let at = format!("VNFD {}, image {}", profile.vnf.vnfd_id, image.id);
            match image_design(profile.package, image) {
                Ok(Some(design)) => {
                    images.entry(design.image_id).or_insert(design);
                }
                Ok(None) => match from.held.get(&Wanted::of(image)) {
                    Some(Ok(_)) => {}
                    Some(Err(fault)) => faults.push(Fault { location: at, ..fault.clone() }),
                    None => faults.push(Fault::new(at, "it was not looked for in the VIM")),
                },
                Err(why) => faults.push(Fault::new(at, why)),
            }
        }
    }
    images.into_values().collect()
}

/// A software image of a package, as a VIM shall have it; `None` for one that the package does not bring.
///
/// # Errors
/// Why no VIM here can have it.
pub fn image_design(package: &PackageFacts, image: &descriptors::vnfd::SwImage) -> Result<Option<ImageDesign>, String> {
    let Some(facts) = package.images.get(&image.id) else { return Ok(None) };
    let format = match image.disk_format.to_ascii_lowercase().as_str() {
        "qcow2" => DiskFormat::Qcow2,
        "raw" => DiskFormat::Raw,
        other => return Err(format!("disk format {other} is not one of qcow2 and raw, which the VIMs here take")),
    };
    Ok(Some(ImageDesign {
        image_id: image_id(&facts.sha256),
        package_id: package.package_id,
        path: facts.path.clone(),
        name: image.name.clone(),
        version: image.version.clone(),
        sha256: facts.sha256.clone(),
        format,
        size_bytes: facts.size_bytes,
        min_disk_bytes: (image.min_disk_bytes > 0).then_some(image.min_disk_bytes),
        min_memory_bytes: image.min_ram_bytes,
    }))
}
