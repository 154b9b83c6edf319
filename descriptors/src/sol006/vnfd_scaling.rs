//! Scaling aspects, deltas and instantiation levels of a flavour (IFA011 clauses 7.1.8.7 and 7.1.10).

use std::collections::BTreeMap;

use super::get::Get;
use super::network::bitrate;
use crate::codes;
use crate::diag::Sink;
use crate::tosca::nearest;
use crate::vnfd::{Aspect, Level, Scaling, Size, Vdu};
use crate::yaml::Node;

pub(super) fn read(df: &Node, vdus: &[Vdu], sink: &mut Sink) -> Scaling {
    let mut scaling = Scaling::default();
    for node in df.list("scaling-aspect") {
        aspect(&mut scaling, node, sink);
    }
    for node in df.list("instantiation-level") {
        level(&mut scaling, node, vdus, sink);
    }
    scaling.default_level = df.word("default-instantiation-level");
    if scaling.default_level.is_none() && scaling.levels.len() > 1 {
        sink.warn(
            &codes::YANG_MUST,
            df.at,
            format!("the flavour `{}` has several instantiation levels and no default", df.id()),
            "add `default-instantiation-level`; without it a request must name the level",
        );
    }
    for node in df.list("vip-cp-profile") {
        let least = node.number("min-number-of-instances").unwrap_or(1);
        scaling.vip_initial.insert(node.id(), least);
    }
    initial(&mut scaling, vdus);
    agree(&scaling, df, vdus, sink);
    scaling
}

fn aspect(scaling: &mut Scaling, node: &Node, sink: &mut Sink) {
    let id = node.id();
    let details = node.get("aspect-delta-details");
    let deltas = details.map(|d| d.list("deltas")).unwrap_or_default();
    let max_scale_level = node.number("max-scale-level").unwrap_or_default();
    let mut step_deltas = details.map(|d| d.words("step-deltas")).unwrap_or_default();
    if step_deltas.is_empty() {
        let fits = deltas.len() == 1 || deltas.len() == max_scale_level as usize;
        step_deltas = deltas.iter().map(Get::id).collect();
        if !fits {
            sink.error_mend(
                &codes::YANG_VAGUE,
                node.at,
                format!("the aspect `{id}` has {} deltas for {max_scale_level} steps", deltas.len()),
                "give one delta for all steps, or one for each, in order",
            );
        }
    } else if step_deltas.len() > 1 && step_deltas.len() != max_scale_level as usize {
        sink.error_mend(
            &codes::YANG_VAGUE,
            node.at,
            format!("the aspect `{id}` has {max_scale_level} steps but {} step deltas", step_deltas.len()),
            "list one delta for each step, or a single one for all",
        );
    }
    for delta in deltas {
        let step = delta.id();
        for vdu in delta.list("vdu-delta") {
            let n = vdu.number("number-of-instances").unwrap_or_default();
            scaling.deltas.entry(vdu.id()).or_default().entry(id.clone()).or_default().insert(step.clone(), n);
        }
        for link in delta.list("virtual-link-bit-rate-delta") {
            let rate = link.get("bit-rate-requirements").map(|r| bitrate(r, 1)).unwrap_or_default();
            scaling.link_deltas.entry(link.id()).or_default().entry(id.clone()).or_default().insert(step.clone(), rate);
        }
        for vip in delta.list("vip-cp-delta") {
            let n = vip.number("number-of-instances").unwrap_or_default();
            scaling.vip_deltas.entry(vip.id()).or_default().entry(id.clone()).or_default().insert(step.clone(), n);
        }
    }
    let aspect = Aspect {
        name: node.word("name").unwrap_or_else(|| id.clone()),
        description: node.word("description").unwrap_or_default(),
        max_scale_level,
        step_deltas,
    };
    scaling.aspects.insert(id, aspect);
}

fn level(scaling: &mut Scaling, node: &Node, vdus: &[Vdu], sink: &mut Sink) {
    let id = node.id();
    for vdu in node.list("vdu-level") {
        let name = vdu.word("vdu-id").unwrap_or_default();
        let n = vdu.number("number-of-instances").unwrap_or(1);
        match vdus.iter().find(|v| v.name == name) {
            Some(known) => {
                let profile = known.profile;
                if n < profile.min_instances || n > profile.max_instances {
                    sink.warn(
                        &codes::YANG_MUST,
                        vdu.get("number-of-instances").map_or(vdu.at, |n| n.at),
                        format!(
                            "the level `{id}` gives `{name}` {n} VNFCs, its profile permits {} to {}",
                            profile.min_instances, profile.max_instances
                        ),
                        "widen the profile, or change the level",
                    );
                }
            }
            None => {
                let near = nearest(&name, vdus.iter().map(|v| v.name.as_str()));
                sink.error_mend(
                    &codes::YANG_REF,
                    vdu.get("vdu-id").map_or(vdu.at, |n| n.at),
                    format!("the level `{id}` is about `{name}`, which has no `vdu-profile` in this flavour"),
                    near.map_or_else(|| format!("add a `vdu-profile` of `{name}`"), |n| format!("did you mean `{n}`?")),
                );
            }
        }
        scaling.vdu_levels.entry(name).or_default().insert(id.clone(), n);
    }
    for vip in node.list("vip-cp-level") {
        let n = vip.number("number-of-instances").unwrap_or(1);
        scaling.vip_levels.entry(vip.id()).or_default().insert(id.clone(), n);
    }
    let scale_info: BTreeMap<String, u32> = node
        .list("scaling-info")
        .iter()
        .filter_map(|i| Some((i.word("scaling-aspect-id")?, i.number("scale-level").unwrap_or_default())))
        .collect();
    let at = node.get("scaling-info").map_or(node.at, |n| n.at);
    if let Err(e) = scaling.scale_levels(Size::ScaleLevels(&scale_info)) {
        sink.error(&codes::YANG_MUST, at, format!("the instantiation level `{id}` does not fit: {e}"));
    }
    scaling.levels.insert(id, Level { description: node.word("description").unwrap_or_default(), scale_info });
}

/// The module does not say how many VNFCs there are at scale level 0: it is what the default level has beyond its steps,
/// or the smallest number the profile permits.
fn initial(scaling: &mut Scaling, vdus: &[Vdu]) {
    let mut initial = BTreeMap::new();
    // With nothing at level 0, what there is at a level is what its steps add.
    let steps = Scaling {
        aspects: scaling.aspects.clone(),
        deltas: scaling.deltas.clone(),
        initial: vdus.iter().map(|v| (v.name.clone(), 0)).collect(),
        ..Scaling::default()
    };
    for vdu in vdus {
        let at_default = scaling.default_level().and_then(|level| {
            let n = *scaling.vdu_levels.get(&vdu.name)?.get(level)?;
            let taken = &scaling.levels.get(level)?.scale_info;
            n.checked_sub(steps.instances(&vdu.name, Size::ScaleLevels(taken)).ok()?)
        });
        initial.insert(vdu.name.clone(), at_default.unwrap_or(vdu.profile.min_instances));
    }
    scaling.initial = initial;
}

/// Levels and steps must give the same numbers for VDUs that scale.
fn agree(scaling: &Scaling, df: &Node, vdus: &[Vdu], sink: &mut Sink) {
    for vdu in vdus.iter().filter(|v| scaling.scales(&v.name)) {
        for (id, level) in scaling.levels.iter().filter(|(_, l)| !l.scale_info.is_empty()) {
            let (Ok(said), Ok(computed)) = (
                scaling.instances(&vdu.name, Size::Level(id)),
                scaling.instances(&vdu.name, Size::ScaleLevels(&level.scale_info)),
            ) else {
                continue;
            };
            if said != computed {
                sink.warn(
                    &codes::YANG_VAGUE,
                    df.get("instantiation-level").map_or(df.at, |n| n.at),
                    format!(
                        "the level `{id}` gives `{}` {said} VNFCs, the steps of its scale levels give {computed}; {said} is used",
                        vdu.name
                    ),
                    "make both say the same",
                );
            }
        }
    }
}
