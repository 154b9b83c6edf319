//! Instantiate (SOL003 clause 5.4.4): from a blueprint to a plan. After the grant everything that does not need anything
//! else begins at once: links, groups and volumes; subnets after their link; ports after their subnets; a VNFC after its
//! own ports and volumes, never after those of another.

use lcm::{Plan, PlanFaults, StepSpec};
use reference_points::or_vnfm::GrantRequest;
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::blueprint::{Blueprint, PortOn, PortPart, RootPart, SubnetPart};

/// Key of the grant's step in every operation.
pub const GRANT: &str = "grant";

/// Parameters of the step that makes a port.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PortParams {
    /// The port.
    pub port: PortPart,
    /// Definition whose place it shares: its VNFC.
    pub vnfc: Uuid,
}

/// Parameters of the step that makes a subnet.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SubnetParams {
    /// The subnet.
    pub subnet: SubnetPart,
    /// Definition whose place it shares: its link.
    pub link: Uuid,
}

/// The plan.
///
/// # Errors
/// When the blueprint is larger than the engine allows.
pub fn plan(blueprint: &Blueprint, grant: &GrantRequest) -> Result<Plan, PlanFaults> {
    let mut steps = vec![StepSpec::new(GRANT, "grant", "Ask the NFVO for a grant").params(json!(grant)).starting()];
    for group in &blueprint.groups {
        let title = format!("Create affinity group {}", group.name);
        steps.push(StepSpec::new(key("group", group.id), "affinity_group", title).params(json!(group)).after(GRANT));
    }
    for link in &blueprint.links {
        let title = format!("Create internal link {}", link.desc);
        steps.push(StepSpec::new(key("link", link.id), "network", title).params(json!(link)).after(GRANT));
        for subnet in &link.subnets {
            let params = SubnetParams { subnet: subnet.clone(), link: link.id };
            let title = format!("Create subnet {} of {}", subnet.spec.cidr, link.desc);
            let step = StepSpec::new(key("subnet", subnet.id), "subnet", title).params(json!(params));
            steps.push(step.after(key("link", link.id)));
        }
    }
    for volume in &blueprint.volumes {
        let title = format!("Create volume {}", volume.name);
        steps.push(StepSpec::new(key("volume", volume.id), "volume", title).params(json!(volume)).after(GRANT));
    }
    for vnfc in &blueprint.vnfcs {
        for port in &vnfc.ports {
            let params = PortParams { port: port.clone(), vnfc: vnfc.id };
            let title = format!("Create port {} of {}", port.cpd, vnfc.name);
            let step = StepSpec::new(key("port", port.id), "port", title).params(json!(params));
            steps.push(step.after_all(port_waits_for(blueprint, port)));
        }
        let step = StepSpec::new(key("vnfc", vnfc.id), "compute", format!("Run {}", vnfc.name))
            .params(json!(vnfc))
            .after(GRANT);
        let disk = match &vnfc.root {
            RootPart::Volume(id) => Some(*id),
            RootPart::Image { .. } => None,
        };
        steps.push(
            step.after_all(vnfc.ports.iter().map(|p| key("port", p.id)))
                .after_all(vnfc.volumes.iter().chain(disk.iter()).map(|v| key("volume", *v)))
                .after_all(vnfc.groups.iter().map(|g| key("group", *g))),
        );
    }
    Plan::new(steps)
}

/// Key of the step that makes the resource of this id.
pub fn key(what: &str, id: Uuid) -> String {
    format!("{what}/{id}")
}

fn port_waits_for(blueprint: &Blueprint, port: &PortPart) -> Vec<String> {
    let mut before = vec![GRANT.to_owned()];
    if let PortOn::Internal { network } = port.on
        && let Some(link) = blueprint.links.iter().find(|l| l.id == network)
    {
        before.push(key("link", network));
        before.extend(link.subnets.iter().map(|s| key("subnet", s.id)));
    }
    before
}
