//! Terminate (SOL003 clause 5.4.8): everything the instance has goes, each resource after those that use it, all else
//! side by side.

use lcm::{Plan, PlanFaults, StepSpec};
use reference_points::or_vnfm::GrantRequest;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::instantiate::{GRANT, grant_step, key};
use super::inventory::{Owned, users};
use crate::vi::Kind;

/// Parameters of a step that removes a resource.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RemoveParams {
    /// The resource.
    pub resource: Owned,
    /// For a compute: seconds that the guest is given to shut down by itself; absent means none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grace_seconds: Option<u32>,
}

/// The plan.
///
/// # Errors
/// When the instance has more resources than the engine allows steps.
pub fn plan(owned: &[Owned], grant: &GrantRequest, grace_seconds: Option<u32>) -> Result<Plan, PlanFaults> {
    let mut steps = vec![grant_step(grant)];
    steps.extend(removals(owned, grace_seconds));
    Plan::new(steps)
}

/// The steps that remove resources of an instance.
pub fn removals(gone: &[Owned], grace_seconds: Option<u32>) -> Vec<StepSpec> {
    let users = users(gone);
    let removal = |resource: &Owned| {
        let compute = resource.kind() == Kind::Compute;
        let params = RemoveParams { resource: resource.clone(), grace_seconds: grace_seconds.filter(|_| compute) };
        let title = format!("Remove {} {}", resource.kind().word(), resource.name());
        let first = users.get(&resource.id()).map(Vec::as_slice).unwrap_or_default();
        StepSpec::new(remove_key(resource), "remove", title)
            .params(json!(params))
            .after(GRANT)
            .after_all(gone.iter().filter(|other| first.contains(&other.id())).map(remove_key))
    };
    gone.iter().map(removal).collect()
}

fn remove_key(resource: &Owned) -> String {
    key("remove", &format!("{}/{}", resource.kind().word(), resource.name()))
}
