//! Heal (SOL003 clause 5.4.9): VNFCs are made again under the identifiers they have, with their addresses and their
//! volumes; what is missing beside them is made again first. A rollback brings the old machine back.

use lcm::{Plan, PlanFaults, StepSpec};
use reference_points::or_vnfm::GrantRequest;
use serde_json::json;

use super::instantiate::{GRANT, grant_step, key};
use super::inventory::{Owned, Part, volumes_of};
use super::terminate::RemoveParams;

/// The plan: `healed` are computes of the instance, `all` is everything it has.
///
/// # Errors
/// When there are more resources than the engine allows steps.
pub fn plan(healed: &[Owned], all: &[Owned], grant: &GrantRequest) -> Result<Plan, PlanFaults> {
    let mut steps = vec![grant_step(grant)];
    let mut restored = Vec::new();
    for owned in all {
        let before: Vec<String> = match &owned.part {
            Part::Compute(_) => continue,
            Part::AffinityGroup(_) | Part::Network(_) => Vec::new(),
            Part::Subnet(subnet) => restore_key_of(all, subnet.link).into_iter().collect(),
            Part::Port(port) if healed.iter().any(|o| o.id() == port.vnfc) => {
                let network = port.port.on.network();
                let subnets = all.iter().filter(|o| matches!(&o.part, Part::Subnet(s) if s.link == network));
                let parent = port.port.parent().and_then(|parent| restore_key_of(all, parent));
                let network = restore_key_of(all, network);
                network.into_iter().chain(parent).chain(subnets.map(restore_key)).collect()
            }
            Part::Volume(volume) if healed.iter().any(|o| uses(o, volume.id)) => Vec::new(),
            Part::Port(_) | Part::Volume(_) => continue,
        };
        let title = format!("Make sure of {} {}", owned.kind().word(), owned.name());
        let step = StepSpec::new(restore_key(owned), "restore", title).params(json!(owned));
        steps.push(step.after(GRANT).after_all(before));
        restored.push(owned);
    }
    for owned in healed {
        let Part::Compute(vnfc) = &owned.part else { continue };
        let needs = |o: &&&Owned| match &o.part {
            Part::Port(port) => port.vnfc == vnfc.id,
            Part::Volume(volume) => uses(owned, volume.id),
            Part::AffinityGroup(group) => vnfc.groups.contains(&group.id),
            _ => false,
        };
        // What the machine needs is there before the old one goes: for as long as that fails, nothing is taken down.
        let before: Vec<String> = restored.iter().filter(needs).map(|o| restore_key(o)).collect();
        let clear = key("clear", &vnfc.name);
        let params = RemoveParams { resource: owned.clone(), grace_seconds: None };
        let title = format!("Remove what is left of {}", vnfc.name);
        let step = StepSpec::new(clear.clone(), "clear", title).params(json!(params));
        steps.push(step.after(GRANT).after_all(before));
        let step = StepSpec::new(key("vnfc", &vnfc.name), "compute", format!("Run {}", vnfc.name)).params(json!(vnfc));
        steps.push(step.after(GRANT).after(clear));
    }
    Plan::new(steps)
}

fn uses(compute: &Owned, volume: uuid::Uuid) -> bool {
    compute.vnfc().is_some_and(|vnfc| volumes_of(vnfc).any(|id| id == volume))
}

fn restore_key_of(all: &[Owned], id: uuid::Uuid) -> Option<String> {
    all.iter().find(|o| o.id() == id).map(restore_key)
}

fn restore_key(owned: &Owned) -> String {
    key("restore", &format!("{}/{}", owned.kind().word(), owned.name()))
}
