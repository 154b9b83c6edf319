//! Operate (SOL003 clause 5.4.10): VNFCs are started or stopped, side by side.

use lcm::{Plan, PlanFaults, StepSpec};
use reference_points::or_vnfm::GrantRequest;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::instantiate::{GRANT, grant_step, key};
use super::inventory::Owned;

/// Parameters of a step that starts or stops a compute.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PowerParams {
    /// The compute.
    pub vnfc: Owned,
    /// Whether it shall run.
    pub run: bool,
    /// Seconds that the guest is given to shut down by itself; absent means none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grace_seconds: Option<u32>,
}

/// The plan.
///
/// # Errors
/// When there are more VNFCs than the engine allows steps.
pub fn plan(vnfcs: &[Owned], grant: &GrantRequest, run: bool, grace_seconds: Option<u32>) -> Result<Plan, PlanFaults> {
    let mut steps = vec![grant_step(grant)];
    for vnfc in vnfcs {
        let title = format!("{} {}", if run { "Start" } else { "Stop" }, vnfc.name());
        let params = PowerParams { vnfc: vnfc.clone(), run, grace_seconds };
        steps.push(StepSpec::new(key("power", vnfc.name()), "power", title).params(json!(params)).after(GRANT));
    }
    Plan::new(steps)
}
