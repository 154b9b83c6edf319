//! Scale and scale to level (SOL003 clauses 5.4.5 and 5.4.6): which VNFCs come and which go. Everything is one plan: what
//! comes and what goes, however many, goes on side by side.

use std::collections::{BTreeMap, BTreeSet};

use descriptors::vnfd::{Flavour, Size, SizeError};
use lcm::{Plan, PlanFaults};
use reference_points::common::Fault;
use reference_points::or_vnfm::{GrantRequest, ScaleType, ScaleVnfRequest, ScaleVnfToLevelRequest};
use uuid::Uuid;

use super::blueprint::Blueprint;
use super::expand::{Given, MAX_VNFCS, expand_more, scale_info, too_many};
use super::ids::IdSource;
use super::instantiate::{additions, grant_step};
use super::inventory::{Owned, Part, volumes_of};
use super::record::Facts;
use super::terminate::removals;

/// Scale levels by aspect.
pub type Levels = BTreeMap<String, u32>;

/// What a scaling does.
#[derive(Debug, Clone)]
pub struct Scaling {
    /// VNFCs to come.
    pub add: Blueprint,
    /// What goes: VNFCs with their ports and volumes.
    pub remove: Vec<Owned>,
    /// What the record will say.
    pub facts: Facts,
}

/// How many VNFCs of each VDU there shall be, and the scale levels that this is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// VNFCs by VDU.
    pub counts: BTreeMap<String, u32>,
    /// Scale level of every aspect.
    pub levels: Levels,
}

/// Scale level of every aspect.
pub fn levels_of(facts: &Facts) -> Levels {
    facts.scale_status.iter().map(|s| (s.aspect_id.clone(), s.scale_level)).collect()
}

fn counts_of(present: &[Owned], flavour: &Flavour) -> BTreeMap<String, u32> {
    let of = |vdu: &str| present.iter().filter(|o| o.vnfc().is_some_and(|v| v.vdu == vdu)).count();
    flavour.vdus.iter().map(|v| (v.name.clone(), u32::try_from(of(&v.name)).unwrap_or(u32::MAX))).collect()
}

/// The size that steps of one aspect lead to.
///
/// # Errors
/// Every fault of the request.
pub fn by_steps(
    flavour: &Flavour,
    facts: &Facts,
    present: &[Owned],
    request: &ScaleVnfRequest,
) -> Result<Target, Vec<Fault>> {
    let steps = request.number_of_steps.unwrap_or(1);
    let mut faults = Vec::new();
    if steps == 0 {
        faults.push(Fault::new("/numberOfSteps", "0 steps change nothing").mend("at least 1"));
    }
    let old = levels_of(facts);
    let Some(aspect) = flavour.scaling.aspects.get(&request.aspect_id) else {
        let known: Vec<&str> = flavour.scaling.aspects.keys().map(String::as_str).collect();
        let text = format!("flavour {:?} has no scaling aspect {:?}", flavour.id, request.aspect_id);
        faults.push(Fault::new("/aspectId", text).mend(one_of(&known)));
        return Err(faults);
    };
    let at = old.get(&request.aspect_id).copied().unwrap_or(0);
    let to = match request.r#type {
        ScaleType::ScaleOut => at.checked_add(steps).filter(|to| *to <= aspect.max_scale_level),
        ScaleType::ScaleIn => at.checked_sub(steps),
    };
    let Some(to) = to else {
        let text = format!(
            "aspect {:?} is at scale level {at} of 0..={}: it cannot go {steps} {}",
            request.aspect_id,
            aspect.max_scale_level,
            if request.r#type == ScaleType::ScaleOut { "up" } else { "down" },
        );
        faults.push(Fault::new("/numberOfSteps", text));
        return Err(faults);
    };
    if !faults.is_empty() {
        return Err(faults);
    }
    let mut levels = old.clone();
    levels.insert(request.aspect_id.clone(), to);
    moved(flavour, &old, levels, present).map_err(|e| vec![Fault::new("/aspectId", e.to_string())])
}

/// The size that a level names.
///
/// # Errors
/// Every fault of the request.
pub fn to_level(
    flavour: &Flavour,
    facts: &Facts,
    present: &[Owned],
    request: &ScaleVnfToLevelRequest,
) -> Result<Target, Vec<Fault>> {
    match (&request.instantiation_level_id, request.scale_info.as_slice()) {
        (Some(level), []) => at_level(flavour, level)
            .map_err(|e| vec![Fault::new("/instantiationLevelId", e.to_string()).mend(levels_known(flavour))]),
        (None, [_, ..]) => {
            let old = levels_of(facts);
            let mut levels = old.clone();
            levels.extend(request.scale_info.iter().map(|s| (s.aspect_id.clone(), s.scale_level)));
            moved(flavour, &old, levels, present).map_err(|e| vec![Fault::new("/scaleInfo", e.to_string())])
        }
        _ => Err(vec![
            Fault::new("", "either instantiationLevelId or scaleInfo says which level is meant")
                .mend("give exactly one of them"),
        ]),
    }
}

fn levels_known(flavour: &Flavour) -> String {
    one_of(&flavour.scaling.levels.keys().map(String::as_str).collect::<Vec<_>>())
}

fn one_of(known: &[&str]) -> String {
    if known.is_empty() { "the flavour has none".to_owned() } else { format!("one of {}", known.join(", ")) }
}

fn at_level(flavour: &Flavour, level: &str) -> Result<Target, SizeError> {
    let size = Size::Level(level);
    let levels = flavour.scaling.scale_levels(size)?;
    let count = |vdu: &str| Ok((vdu.to_owned(), flavour.scaling.instances(vdu, size)?));
    Ok(Target { counts: flavour.vdus.iter().map(|v| count(&v.name)).collect::<Result<_, _>>()?, levels })
}

/// What the step from some scale levels to others does to what is there. An instantiation level may have given a VDU more
/// or fewer VNFCs than its scale levels say: the deltas are applied to what is there.
fn moved(flavour: &Flavour, old: &Levels, new: Levels, present: &[Owned]) -> Result<Target, SizeError> {
    let mut counts = counts_of(present, flavour);
    for (vdu, count) in &mut counts {
        let before = flavour.scaling.instances(vdu, Size::ScaleLevels(old))?;
        let after = flavour.scaling.instances(vdu, Size::ScaleLevels(&new))?;
        *count = count.saturating_add(after).saturating_sub(before);
    }
    Ok(Target { counts, levels: flavour.scaling.scale_levels(Size::ScaleLevels(&new))? })
}

/// What leads from what is there to the target: new VNFCs take the lowest free numbers, the highest numbers go.
///
/// # Errors
/// Every fault of what the new VNFCs would need.
pub fn change(
    given: &Given<'_>,
    flavour: &Flavour,
    present: &[Owned],
    facts: &Facts,
    target: Target,
    ids: &mut dyn IdSource,
) -> Result<Scaling, Vec<Fault>> {
    let large = target.counts.iter().filter(|(_, count)| **count > MAX_VNFCS);
    let faults: Vec<Fault> =
        large.map(|(vdu, count)| Fault::new(format!("VNFD VDU {vdu}"), too_many(*count))).collect();
    if !faults.is_empty() {
        return Err(faults);
    }
    let (mut wanted, mut gone) = (BTreeMap::new(), BTreeSet::new());
    for vdu in &flavour.vdus {
        let there: BTreeMap<u32, Uuid> =
            present.iter().filter_map(|o| o.vnfc()).filter(|v| v.vdu == vdu.name).map(|v| (v.number, v.id)).collect();
        let target = target.counts.get(&vdu.name).copied().unwrap_or(0) as usize;
        gone.extend(there.values().skip(target).copied());
        let new: Vec<u32> = (1..).filter(|n| !there.contains_key(n)).take(target.saturating_sub(there.len())).collect();
        if !new.is_empty() {
            wanted.insert(vdu.name.clone(), new);
        }
    }
    let add = expand_more(given, present, &wanted, ids)?;
    let facts = Facts { scale_status: scale_info(target.levels), ..facts.clone() };
    Ok(Scaling { add, remove: belongings(present, &gone), facts })
}

/// VNFCs with their ports and volumes.
fn belongings(present: &[Owned], vnfcs: &BTreeSet<Uuid>) -> Vec<Owned> {
    let computes = || present.iter().filter_map(|o| o.vnfc()).filter(|v| vnfcs.contains(&v.id));
    let volumes: BTreeSet<Uuid> = computes().flat_map(volumes_of).collect();
    let goes = |o: &&Owned| match &o.part {
        Part::Compute(vnfc) => vnfcs.contains(&vnfc.id),
        Part::Port(port) => vnfcs.contains(&port.vnfc),
        Part::Volume(volume) => volumes.contains(&volume.id),
        Part::AffinityGroup(_) | Part::Network(_) | Part::Subnet(_) => false,
    };
    present.iter().filter(goes).cloned().collect()
}

/// The plan.
///
/// # Errors
/// When there are more resources than the engine allows steps.
pub fn plan(scaling: &Scaling, grant: &GrantRequest) -> Result<Plan, PlanFaults> {
    let mut steps = vec![grant_step(grant)];
    steps.extend(additions(&scaling.add));
    steps.extend(removals(&scaling.remove, None));
    Plan::new(steps)
}
